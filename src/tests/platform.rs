//! What the tests of the modules need from a platform: its error numbers, and the modes of files where it has any.

use std::path::Path;

#[cfg(unix)]
pub(crate) use rustix::io::Errno;

/// Error codes of Windows, under the names of the matching Unix errors.
#[cfg(windows)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Errno(i32);

#[cfg(windows)]
#[allow(dead_code, reason = "what runs on Unix alone uses the rest")]
impl Errno {
    /// ERROR_FILE_NOT_FOUND.
    pub(crate) const NOENT: Errno = Errno(2);
    /// ERROR_TOO_MANY_OPEN_FILES.
    pub(crate) const MFILE: Errno = Errno(4);
    /// ERROR_ACCESS_DENIED.
    pub(crate) const ACCESS: Errno = Errno(5);
    /// ERROR_ACCESS_DENIED.
    pub(crate) const PERM: Errno = Errno(5);
    /// ERROR_NOT_ENOUGH_MEMORY.
    pub(crate) const NOMEM: Errno = Errno(8);
    /// ERROR_WRITE_PROTECT.
    pub(crate) const ROFS: Errno = Errno(19);
    /// ERROR_UNEXP_NET_ERR: the network share is a different one now.
    pub(crate) const STALE: Errno = Errno(59);
    /// ERROR_LOCK_FAILED.
    pub(crate) const NOLCK: Errno = Errno(167);
    /// ERROR_DISK_FULL.
    pub(crate) const NOSPC: Errno = Errno(112);
    /// ERROR_IO_DEVICE.
    pub(crate) const IO: Errno = Errno(1117);
    /// ERROR_NO_SYSTEM_RESOURCES.
    pub(crate) const NFILE: Errno = Errno(1450);
    /// WSAEINTR.
    pub(crate) const INTR: Errno = Errno(10_004);

    pub(crate) fn raw_os_error(self) -> i32 {
        self.0
    }
}

#[cfg(windows)]
impl From<Errno> for std::io::Error {
    fn from(errno: Errno) -> Self {
        std::io::Error::from_raw_os_error(errno.0)
    }
}

#[cfg(windows)]
impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::io::Error::from_raw_os_error(self.0).fmt(f)
    }
}

/// Gives a file or directory the mode that candor gives its own ones. Does nothing on Windows, which has no modes.
pub(crate) fn keep_private(path: &Path) {
    #[cfg(unix)]
    set_mode(path, if path.is_dir() { 0o700 } else { 0o600 });
    #[cfg(not(unix))]
    let _ = path;
}

#[cfg(unix)]
pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A path with slashes, as the rules of a failing disk expect it.
pub(crate) fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
