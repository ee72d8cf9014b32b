//! The Unix part of the file system: owners and modes, links that are not followed, limits of the process, and locks that a
//! forked child shares. It never interprets the bytes it reads.

use super::interface::{Kept, Need, OTHERS_MAY, Whose, refused};
use rustix::fs::OFlags;
use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

/// The id of the process that took an open file's lock; 0 if none.
///
/// A forked child shares open files and the locks on them. While such a child lives, closing a file does not release its lock, so
/// the lock is released explicitly. Only the process that took it releases it: what a child drops belongs to its parent.
#[derive(Default)]
pub(super) struct Lock {
    pub(super) taken_by: AtomicU32,
}

impl Lock {
    /// Takes the lock with `flock`, which only affects processes that also ask for the lock.
    pub(super) fn try_take(&self, file: &File, shared: bool) -> io::Result<bool> {
        let taken = if shared { file.try_lock_shared() } else { file.try_lock() };
        match taken {
            Ok(()) => {
                self.taken_by.store(std::process::id(), Ordering::Relaxed);
                Ok(true)
            }
            Err(fs::TryLockError::WouldBlock) => Ok(false),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    pub(super) fn let_go(&self, file: &File) {
        if self.taken_by.load(Ordering::Relaxed) == std::process::id() {
            // If this fails, closing releases the lock, unless there is such a child.
            let _ = file.unlock();
        }
    }
}

/// Opens a path that is not a link, without waiting for the other end of a pipe. A file that it creates has mode 0600.
///
/// The system itself refuses a link, because it is asked to follow none. It reports too many links on the path with the same
/// error number; that case is a failed look.
pub(super) fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.mode(0o600).custom_flags(flags.bits() as i32).open(path).map_err(|error| {
        let is_loop = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
        if is_loop && fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
            return refused("it is a symbolic link, which candor does not follow");
        }
        error
    })
}

/// The same for a path that may be a link.
pub(super) fn open_shared(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path)
}

/// Runs an operation that another process may block for a moment. On Unix no process does: an open file blocks no other process.
pub(super) fn patiently<T>(work: impl Fn() -> io::Result<T>) -> io::Result<T> {
    work()
}

/// Opens a directory to list it.
pub(super) fn read_dir(path: &Path) -> io::Result<fs::ReadDir> {
    fs::read_dir(path)
}

/// Removes a directory and its contents.
pub(super) fn remove_tree(path: &Path) -> io::Result<()> {
    fs::remove_dir_all(path)
}

pub(super) fn make_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Writes a file's data, or a directory's entries, durably to disk.
///
/// On Apple's systems Rust's library asks the disk itself to write its cache (`F_FULLFSYNC`, see fsync(2) there). Some file
/// systems, such as network shares, don't support that; then the usual Unix call is used.
pub(super) fn sync(file: &File) -> io::Result<()> {
    match file.sync_all() {
        #[cfg(target_vendor = "apple")]
        Err(error) if UNKNOWN.iter().any(|unknown| error.raw_os_error() == Some(unknown.raw_os_error())) => {
            Ok(rustix::fs::fsync(file)?)
        }
        synced => synced,
    }
}

/// The errors of a file system that does not support the requested operation.
#[cfg(target_vendor = "apple")]
const UNKNOWN: [rustix::io::Errno; 3] = [rustix::io::Errno::NOTSUP, rustix::io::Errno::INVAL, rustix::io::Errno::NOTTY];

pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    sync(&File::open(path)?)
}

pub(super) fn close_to_others(directory: &Path) -> io::Result<()> {
    let opened = open(OpenOptions::new().read(true), directory)?;
    let metadata = opened.metadata()?;
    // A process with the right to change files of other users leaves them unchanged.
    if metadata.uid() == rustix::process::geteuid().as_raw() && metadata.is_dir() {
        opened.set_permissions(PermissionsExt::from_mode(0o700))?;
    }
    Ok(())
}

pub(super) fn may_write(directory: &Path, need: Need) -> io::Result<()> {
    within_limit(need.largest)?;
    let mut place = directory;
    while fs::symlink_metadata(place).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        place = place.parent().ok_or(io::ErrorKind::NotFound)?;
    }
    rustix::fs::access(place, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)?;
    let disk = rustix::fs::statvfs(place)?;
    // Some file systems don't report their size, and some don't count files.
    let has_room = disk.f_blocks == 0 || disk.f_bavail.saturating_mul(disk.f_frsize) >= need.room;
    let has_files = disk.f_files == 0 || disk.f_favail >= need.files;
    if has_room && has_files { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
}

pub(super) fn files_to_hold() -> usize {
    use nix::sys::resource::{Resource, getrlimit};
    // If a sandbox forbids the call, uses the limit that most systems have.
    let most = getrlimit(Resource::RLIMIT_NOFILE).map_or(256, |(most, _)| most);
    usize::try_from(most / 8).unwrap_or(usize::MAX).max(1)
}

/// The errors that the system returns if no more files can be opened.
pub(super) fn out_of_files() -> [i32; 2] {
    [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE].map(|errno| errno.raw_os_error())
}

/// Fails if a file would become larger than this process may make one (`ulimit -f`). Otherwise the system would send the process
/// a signal that by default kills it, and the handling of signals is up to the program.
pub(super) fn fits(file: &File, more: u64) -> io::Result<()> {
    // candor only ever appends to a file.
    within_limit(file.metadata()?.len().saturating_add(more))
}

fn within_limit(len: u64) -> io::Result<()> {
    use nix::sys::resource::{Resource, getrlimit};
    // If a sandbox forbids the call, no limit is known.
    let Ok((most, _)) = getrlimit(Resource::RLIMIT_FSIZE) else { return Ok(()) };
    #[allow(clippy::useless_conversion, reason = "the type has 32 bits on some platforms")]
    let most = u64::from(most);
    if len <= most {
        return Ok(());
    }
    let why = format!("this program may write no file of more than {most} bytes (`ulimit -f`)");
    Err(io::Error::new(io::ErrorKind::FileTooLarge, why))
}

/// Returns who owns a directory.
pub(super) fn owner(metadata: &Metadata) -> Whose {
    if metadata.uid() == rustix::process::geteuid().as_raw() { Whose::Own } else { Whose::Others(metadata.uid()) }
}

/// Returns why a file or directory with this owner and mode must not be used; `None` if it may be used.
pub(super) fn exposed(metadata: &Metadata) -> Option<&'static str> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        Some("it belongs to another user")
    } else if metadata.mode() & 0o077 != 0 {
        Some(OTHERS_MAY)
    } else {
        None
    }
}

/// Returns what the system reports about a path, without following links.
pub(super) fn examine(path: &Path) -> io::Result<(Metadata, Kept)> {
    let metadata = fs::symlink_metadata(path)?;
    let kept = Kept {
        version: super::Version {
            number: metadata.ino(),
            seconds: metadata.mtime() as u64,
            nanoseconds: metadata.mtime_nsec(),
        },
        occupies: metadata.blocks() * 512,
        node: Some((metadata.dev(), metadata.ino())),
    };
    Ok((metadata, kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, Files, Handle, System, system::Open};
    use std::sync::Arc;

    #[test]
    fn links_pipes_and_open_files_are_refused() {
        let files = Files::new(Arc::new(System), "/nowhere".into());
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("plain"), "x").unwrap();
        assert_eq!(System.read(&at("plain"), 9).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        fs::set_permissions(at("plain"), fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(System.read(&at("plain"), 9).unwrap(), b"x");
        std::os::unix::fs::symlink(at("plain"), at("link")).unwrap();
        assert!(System.read(&at("link"), 9).is_err());
        assert!(System.append(&at("link")).is_err());
        assert!(System.create(&at("link")).is_err());
        assert!(System.lock_file(&at("link")).is_err());
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        assert!(System.read(&at("pipe"), 9).is_err());
        fs::write(at("long"), "0123456789").unwrap();
        fs::set_permissions(at("long"), fs::Permissions::from_mode(0o600)).unwrap();
        assert!(System.read(&at("long"), 9).is_err());
        std::os::unix::fs::symlink(dir.path(), at("dirlink")).unwrap();
        assert!(files.own_root(&at("dirlink")).is_err());
        fs::create_dir(at("open")).unwrap();
        fs::set_permissions(at("open"), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(files.own_root(&at("open")).is_err());
        files.own_root(&at("new/inner")).unwrap();
        assert_eq!(fs::metadata(at("new")).unwrap().permissions().mode() & 0o777, 0o700);
    }

    /// A second descriptor of the same open file plays the part of the copy that a forked child keeps.
    #[test]
    fn a_lock_ends_with_its_handle_though_a_child_keeps_the_file_open() {
        let dir = tempfile::tempdir().unwrap();
        let open = || {
            let file = File::options().read(true).append(true).create(true).open(dir.path().join("lock")).unwrap();
            (file.try_clone().unwrap(), Open::new(file))
        };
        let other = || open().1.try_lock(false).unwrap();
        for shared in [false, true] {
            let (_kept_by_child, file) = open();
            assert!(file.try_lock(shared).unwrap());
            assert!(!other());
            drop(file);
            assert!(other(), "let go, shared: {shared}");
        }
        // A lock that a child drops was taken by another process.
        let (_kept_by_parent, file) = open();
        assert!(file.try_lock(false).unwrap());
        file.lock.taken_by.store(u32::MAX, Ordering::Relaxed);
        drop(file);
        assert!(!other(), "the parent holds it still");
    }
}
