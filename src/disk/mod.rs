//! The only module that accesses the file system.
//!
//! [`Disk`] is the interface. `System` is the real implementation; tests use others to simulate a full disk, a torn write or a
//! crash. What is read is not trusted: a file is used only if it is a regular file, belongs to this user, and is closed to other
//! users. The same applies to directories. This module never interprets the bytes it reads.

#[cfg(not(any(unix, windows)))]
compile_error!("candor knows the file systems of Unix and of Windows, and of no other platform");

mod system;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
use windows as platform;

use crate::sync;
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

pub(crate) use system::{System, files_to_hold, is_lock, is_out_of_files, whose};

/// The file operations that candor needs, and no others.
pub(crate) trait Disk: Send + Sync + 'static {
    /// Returns what exists at `path`, without following links; `None` if nothing does.
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>>;
    /// Creates one directory, mode 0700.
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    /// Returns the names in a directory, unsorted. A part of a name that is not Unicode is returned as U+FFFD, so that such a
    /// file is seen but can't be opened.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
    /// Reads a whole file of at most `most` bytes. A longer file is an error. Links are not followed.
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>>;
    /// Reads a whole file that another user may own and others may read, such as an administrator's rules. Links are followed,
    /// because such a file can only forbid.
    fn read_shared(&self, path: &Path, most: u64) -> io::Result<Vec<u8>>;
    /// Creates a new file for appending, mode 0600. An existing file is an error.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// Opens an existing file for appending. Links are not followed.
    fn append(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// Opens an existing file to hold its lock while the file is read or removed. Also opens a file that this user may not write.
    /// Links are not followed.
    fn open_to_lock(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.append(path)
    }
    /// Opens a lock file, and creates it if it does not exist.
    fn lock_file(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// Checks whether `_need` can be written in a directory, or in its nearest existing parent, as far as that is known without
    /// writing.
    ///
    /// Fails if the disk is read-only or has too little space, if this user may not write there, or if a file would be larger
    /// than this process may write.
    fn may_write(&self, _directory: &Path, _need: Need) -> io::Result<()> {
        Ok(())
    }
    /// Opens a lock file that exists. Does not create one.
    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        match self.stat(path)? {
            Some(_) => self.lock_file(path),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
    /// Removes the access rights of group and others from a directory of this user.
    fn close_to_others(&self, _directory: &Path) -> io::Result<()> {
        Ok(())
    }
    /// Gives a file a second name in the same directory. Not every file system supports this.
    fn link(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Renames a file or a directory. Replaces a file that has the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes a directory and its contents. Links in it are removed, not followed.
    fn remove_tree(&self, path: &Path) -> io::Result<()>;
    /// Makes the directory's entries durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Returns why nothing can be stored here at all and how to fix that, if that is so.
    fn barred(&self) -> Option<String> {
        None
    }
    /// The same, as far as it is known without another check.
    fn barred_as_seen(&self) -> Option<String> {
        None
    }
}

/// What a caller is about to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Need {
    /// How many bytes of disk space it takes.
    pub(crate) room: u64,
    /// How many new files and directories it creates.
    pub(crate) files: u64,
    /// The size of its largest file, in bytes.
    pub(crate) largest: u64,
}

/// An open file.
pub(crate) trait Handle: Send + Sync {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
    fn truncate(&mut self, len: u64) -> io::Result<()>;
    /// Takes the file's lock, shared or exclusive; returns `false` immediately if another process holds it. The lock ends with
    /// the handle, even if a process that was forked meanwhile still has the file open.
    fn try_lock(&self, shared: bool) -> io::Result<bool>;
}

/// What exists at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) kind: StatKind,
    pub(crate) len: u64,
    /// How many bytes of disk space it takes. A small file takes a whole block.
    pub(crate) occupies: u64,
    /// A value that changes whenever the file is replaced or written, as far as the file system shows it.
    pub(crate) version: (u64, u64, i64),
    /// Why it must not be used, if it belongs to another user or is open to group or others.
    pub(crate) exposed: Option<&'static str>,
    /// The device and the number on that device. It identifies the file or directory, whatever path leads to it. `None` if the
    /// system does not report it.
    pub(crate) node: Option<Node>,
}

/// See [`Stat::node`].
pub(crate) type Node = (u64, u64);

/// The platform-specific parts of a [`Stat`].
struct Kept {
    version: (u64, u64, i64),
    occupies: u64,
    node: Option<Node>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatKind {
    File,
    Dir,
    Link,
    Special,
}

/// The result of looking at the disk.
///
/// A failed look is neither "nothing exists" nor "damaged". This type has no conversion to an `Option` that would lose that
/// difference, so every caller must say what a failure means.
#[must_use]
#[derive(Debug)]
pub(crate) enum Look<T> {
    /// It exists, and this is its content.
    Read(T),
    /// Nothing exists there.
    Absent,
    /// Something exists that candor does not use: a link, a file of another user, a file that is open to others, or one that is
    /// too large. It stays refused until a user changes it.
    Refused(&'static str),
    /// The system did not allow the look. It is unknown what exists there; the next look may succeed.
    Failed(io::Error),
}

/// The result of a look that did not fail.
#[must_use]
#[derive(Debug)]
pub(crate) enum Seen<T> {
    /// It exists, and this is its content.
    Read(T),
    /// Nothing exists there.
    Absent,
    /// Something exists that candor does not use.
    Refused,
}

impl<T> Look<T> {
    /// Returns what was seen. A look that failed is an error.
    pub(crate) fn seen(self) -> io::Result<Seen<T>> {
        match self {
            Look::Read(found) => Ok(Seen::Read(found)),
            Look::Absent => Ok(Seen::Absent),
            Look::Refused(_) => Ok(Seen::Refused),
            Look::Failed(error) => Err(error),
        }
    }

    /// Returns what was read, or `None` if nothing exists. A refused item and a failed look are errors.
    pub(crate) fn found(self) -> io::Result<Option<T>> {
        match self {
            Look::Read(found) => Ok(Some(found)),
            Look::Absent => Ok(None),
            Look::Refused(why) => Err(refused(why)),
            Look::Failed(error) => Err(error),
        }
    }

    /// The same for an item at `path`. If it is refused, the error names the path and the reason, which says what to do.
    pub(crate) fn found_at(self, path: &Path) -> io::Result<Option<T>> {
        match self {
            Look::Refused(why) => Err(io::Error::other(format!("{}: {why}", path.display()))),
            other => other.found(),
        }
    }

    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Look<U> {
        match self {
            Look::Read(found) => Look::Read(change(found)),
            Look::Absent => Look::Absent,
            Look::Refused(why) => Look::Refused(why),
            Look::Failed(error) => Look::Failed(error),
        }
    }

    fn of(result: io::Result<T>) -> Self {
        match result {
            Ok(found) => Look::Read(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Look::Absent,
            Err(error) => match refusal(&error) {
                Some(why) => Look::Refused(why),
                None => Look::Failed(error),
            },
        }
    }
}

/// Why candor does not use something that exists. It is an error type of its own, so that it can't be confused with a system
/// error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(&'static str);

pub(crate) fn refused(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, Refusal(why))
}

/// Adds the path to an error, so that a person can find the file or directory. The error kind is unchanged.
pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> io::Error {
    let path = path.to_owned();
    move |error| named(&path, &error)
}

pub(crate) fn too_large(larger: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Refusal(larger))
}

/// Returns why something that exists is not used; `None` for a system error.
pub(crate) fn refusal(error: &io::Error) -> Option<&'static str> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<Refusal>()).map(|refusal| refusal.0)
}

/// Returns the same error with the path of the file it is about.
pub(crate) fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
}

/// Whether the error means that this user, or every user, may only read.
pub(crate) fn may_not_write(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
        && refusal(error).is_none()
}

/// Who owns a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Own,
    /// Owned by the user with this number.
    #[cfg_attr(windows, allow(dead_code, reason = "no owner is told there"))]
    Others(u32),
    /// Something else exists there.
    NoDirectory,
}

/// Why a file or directory of this user is not used: its access rights are too wide.
const OTHERS_MAY: &str = "others may open it: `chmod go-rwx` it";

/// The disk as the other modules use it: small operations built from those of [`Disk`].
#[derive(Clone)]
pub(crate) struct Files {
    disk: Arc<dyn Disk>,
    /// The store. Every directory and file below it must belong to this user.
    root: PathBuf,
}

impl std::ops::Deref for Files {
    type Target = dyn Disk;
    fn deref(&self) -> &Self::Target {
        &*self.disk
    }
}

impl Files {
    pub(crate) fn new(disk: Arc<dyn Disk>, root: PathBuf) -> Self {
        Files { disk, root }
    }

    /// Creates a directory that belongs only to this user, parents first. An existing directory must belong to this user.
    /// Directories above the application's own are also created, but not checked. Use it to begin a store.
    pub(crate) fn own_root(&self, path: &Path) -> io::Result<()> {
        if let Some(parent) = path.parent()
            && self.stat(path)?.is_none()
            && self.stat(parent)?.is_none()
        {
            self.own_root(parent)?;
        }
        self.own_one_dir(path)
    }

    /// The same for a directory in an existing store. If the store was moved away, no new one is created in its place.
    pub(crate) fn own_dir(&self, path: &Path) -> io::Result<()> {
        let below = path.strip_prefix(&self.root).map_err(io::Error::other)?;
        let mut step = self.root.clone();
        let root = self.closed_dir(&step)?;
        own(&root.ok_or_else(|| at(&step)(io::ErrorKind::NotFound.into()))?)?;
        for part in below {
            step.push(part);
            self.own_one_dir(&step)?;
        }
        Ok(())
    }

    /// Checks whether [`own_dir`](Files::own_dir) could create this directory or use an existing one, without changing anything.
    pub(crate) fn may_own_dir(&self, path: &Path) -> io::Result<()> {
        let below = path.strip_prefix(&self.root).ok();
        let first = if below.is_some() { &self.root } else { path };
        let steps = below.into_iter().flatten().scan(first.to_owned(), |step, part| {
            step.push(part);
            Some(step.clone())
        });
        for step in std::iter::once(first.to_owned()).chain(steps) {
            let Some(stat) = self.stat(&step)? else { return Ok(()) };
            // A directory within the store that others may open will be closed to them.
            let is_closed = step != first && stat.kind == StatKind::Dir && stat.exposed == Some(OTHERS_MAY);
            if !is_closed {
                own(&stat)?;
            }
        }
        Ok(())
    }

    /// Checks whether [`replace`](Files::replace) could replace what exists at this path, without changing anything.
    pub(crate) fn may_replace(&self, path: &Path) -> io::Result<()> {
        for it in [&unfinished(path), path] {
            if self.stat(it)?.is_some_and(|stat| stat.kind == StatKind::Dir) {
                return Err(at(it)(refused("it is a directory, and candor writes a file there")));
            }
        }
        Ok(())
    }

    fn own_one_dir(&self, path: &Path) -> io::Result<()> {
        match self.closed_dir(path)? {
            Some(stat) => own(&stat),
            None => {
                match self.make_dir(path) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    made => {
                        made?;
                        self.sync_parent(path)?;
                    }
                }
                match self.stat(path)? {
                    Some(stat) => own(&stat),
                    None => Err(io::ErrorKind::NotFound.into()),
                }
            }
        }
    }

    /// Returns what exists at a path, after closing a directory within the store that others may open, such as one that was
    /// restored from a backup. The store directory itself must be closed by the person: another user who could open it could open
    /// everything in it.
    pub(crate) fn closed_dir(&self, path: &Path) -> io::Result<Option<Stat>> {
        let stat = self.stat(path)?;
        let is_open = stat.is_some_and(|stat| stat.kind == StatKind::Dir && stat.exposed.is_some());
        if !is_open || path == self.root || !path.starts_with(&self.root) {
            return Ok(stat);
        }
        self.close_to_others(path)?;
        self.stat(path)
    }

    /// Takes a lock file's lock for this process alone. Returns `None` if another process holds it for longer than `wait`.
    pub(crate) fn lock_within(
        &self,
        path: &Path,
        wait: Duration,
        clock: impl Fn() -> Instant,
    ) -> io::Result<Option<Box<dyn Handle>>> {
        let file = self.lock_file(path)?;
        let until = clock() + wait;
        loop {
            if file.try_lock(false)? {
                return Ok(Some(file));
            }
            if clock() >= until {
                return Ok(None);
            }
            sync::sleep(Duration::from_millis(1));
        }
    }

    /// Returns what exists at a path, without following links.
    pub(crate) fn examine(&self, path: &Path) -> Look<Stat> {
        match self.stat(path) {
            Ok(Some(stat)) => Look::Read(stat),
            Ok(None) => Look::Absent,
            Err(error) => Look::of(Err(error)),
        }
    }

    /// Reads a whole file of at most `most` bytes.
    pub(crate) fn contents(&self, path: &Path, most: u64) -> Look<Vec<u8>> {
        Look::of(self.read(path, most))
    }

    /// Returns the names in a directory, sorted, without those that are not Unicode: candor gives no file such a name. A link to
    /// a directory is refused.
    pub(crate) fn children(&self, path: &Path) -> Look<Vec<String>> {
        match self.examine(path) {
            Look::Read(stat) => self.children_of(path, &stat),
            other => other.map(|_| Vec::new()),
        }
    }

    /// The same for a directory that was examined a moment ago.
    pub(crate) fn children_of(&self, path: &Path, stat: &Stat) -> Look<Vec<String>> {
        if stat.kind != StatKind::Dir {
            return Look::Refused("it is not a directory");
        }
        Look::of(self.list(path)).map(|mut names| {
            names.retain(|name| !name.contains(char::REPLACEMENT_CHARACTER));
            names.sort();
            names
        })
    }

    /// The same for a directory whose existence is decided by the listing of its parent. If it is listed there but can't be
    /// found, the look failed: otherwise its contents would be taken as absent and never looked for again.
    pub(crate) fn children_if_listed(&self, path: &Path) -> Look<Vec<String>> {
        let looked = self.children(path);
        let Some(above) = path.parent().filter(|_| matches!(looked, Look::Absent)) else { return looked };
        match self.children(above) {
            Look::Read(names) if names.iter().any(|name| path.ends_with(name)) => {
                Look::Failed(io::ErrorKind::NotFound.into())
            }
            Look::Failed(error) => Look::Failed(error),
            // A link, for example to a disk that is not mounted: its target may contain anything.
            Look::Refused(why) => Look::Refused(why),
            Look::Read(_) | Look::Absent => Look::Absent,
        }
    }

    /// Replaces a file. If the power fails at any moment, the disk has all of the old bytes or all of the new ones.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.replace_by(&unfinished(path), path, bytes)
    }

    /// The same without making the directory's entries durable, for callers that continue if only that fails.
    pub(crate) fn place(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.place_by(&unfinished(path), path, bytes)
    }

    /// The same with a given temporary file name, for callers that may run at the same time as others that replace files there.
    pub(crate) fn replace_by(&self, temporary: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.place_by(temporary, path, bytes)?;
        self.sync_parent(path)
    }

    fn place_by(&self, temporary: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.remove_if_there(temporary)?;
        let written = (|| {
            let mut file = self.create(temporary)?;
            file.write_all(bytes)?;
            file.sync()?;
            drop(file);
            self.rename(temporary, path)
        })();
        if written.is_err() {
            let _ = self.remove_file(temporary);
        }
        written
    }

    /// Removes a file, and the temporary file of an interrupted [`Files::replace`].
    pub(crate) fn remove_with_unfinished(&self, path: &Path) -> io::Result<()> {
        let unfinished = self.remove_if_there(&unfinished(path));
        self.remove_if_there(path)?;
        unfinished
    }

    pub(crate) fn sync_parent(&self, path: &Path) -> io::Result<()> {
        path.parent().map_or(Ok(()), |parent| self.sync_dir(parent))
    }

    /// Removes a file. It is not an error if the file does not exist.
    pub(crate) fn remove_if_there(&self, path: &Path) -> io::Result<()> {
        match self.remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The temporary name under which a file is written before it replaces another.
fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("new")
}

/// Reads a file of a developer's own source tree: a regular file of at most `most` bytes. Returns `None` if it does not exist.
/// Its owner and access rights are not checked; they are up to the repository.
pub(crate) fn read_document(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    match System.read_shared(path, most) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes such a file and replaces an existing one. An interruption leaves the old file or the new one.
pub(crate) fn write_document(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = unfinished(path);
    let written = File::create(&temporary).and_then(|file| system::Open::new(file).write_all(bytes));
    written.and_then(|()| System.rename(&temporary, path)).inspect_err(|_| {
        let _ = System.remove_file(&temporary);
    })
}

fn own(stat: &Stat) -> io::Result<()> {
    let why = match (stat.kind, stat.exposed) {
        (StatKind::Dir, None) => return Ok(()),
        (StatKind::Dir, Some(why)) => why,
        (StatKind::Link, _) => "it is a symbolic link, which candor does not follow: put a directory there",
        _ => "it is not a directory",
    };
    Err(refused(why))
}

/// Seals a small document with a first line that has its kind, checksum and length. Damage, truncation and a file of another kind
/// can then be distinguished from an older state.
pub(crate) fn seal(kind: &str, json: &str) -> Vec<u8> {
    let first = first_line(kind, json);
    // Reserves the whole size first: a vector that grows leaves a copy of its old contents in memory.
    let mut bytes = Vec::with_capacity(first.len() + json.len() + 2);
    for part in [&first, "\n", json, "\n"] {
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

fn first_line(kind: &str, json: &str) -> String {
    format!("candor-{kind} 1 {:08x} {}", crc32c::crc32c(json.as_bytes()), json.len())
}

/// Returns the document inside a seal; `None` if any byte differs from what was written.
pub(crate) fn unseal<'a>(kind: &str, bytes: &'a [u8]) -> Option<&'a str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (first, rest) = text.split_once('\n')?;
    let json = rest.strip_suffix('\n')?;
    (first == first_line(kind, json)).then_some(json)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(unix)]
    use std::fs;

    fn files() -> Files {
        Files::new(Arc::new(System), PathBuf::from("/nowhere"))
    }

    #[test]
    fn a_seal_shows_every_flipped_bit_and_every_cut() {
        let sealed = seal("consent", r#"{"a":1}"#);
        assert_eq!(unseal("consent", &sealed), Some(r#"{"a":1}"#));
        assert_eq!(unseal("keys", &sealed), None);
        for cut in 0..sealed.len() {
            assert_eq!(unseal("consent", &sealed[..cut]), None);
        }
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unseal("consent", &damaged), None, "bit {bit}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_look_that_failed_is_told_from_what_was_seen() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        assert!(matches!(files().contents(&at("none"), 9), Look::Absent));
        assert!(matches!(files().children(&at("none")), Look::Absent));
        fs::write(at("open"), "x").unwrap();
        assert!(matches!(files().contents(&at("open"), 9), Look::Refused(_)));
        assert!(matches!(files().children(&at("open")), Look::Refused(_)));
        fs::set_permissions(at("open"), fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(files().contents(&at("open"), 9), Look::Read(_)));
        assert!(matches!(files().contents(&at("open"), 0), Look::Refused(_)));
        std::os::unix::fs::symlink(at("open"), at("link")).unwrap();
        assert!(matches!(files().contents(&at("link"), 9), Look::Refused(_)));
        use rustix::io::Errno;
        for code in [Errno::IO, Errno::MFILE, Errno::ACCESS, Errno::LOOP] {
            let error = || io::Error::from_raw_os_error(code.raw_os_error());
            assert!(matches!(Look::<()>::of(Err(error())), Look::Failed(_)), "{code}");
        }
        // A cycle of links on the path to a file says nothing about the file.
        std::os::unix::fs::symlink(at("there"), at("back")).unwrap();
        std::os::unix::fs::symlink(at("back"), at("there")).unwrap();
        assert!(matches!(files().contents(&at("there").join("file"), 9), Look::Failed(_)));
        assert!(matches!(files().contents(&at("there"), 9), Look::Refused(_)));
        assert!(Look::<()>::Failed(io::ErrorKind::Other.into()).found().is_err());
        assert!(Look::<()>::Refused("x").found().is_err());
    }

    #[test]
    fn replacing_leaves_no_temporary_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("consent");
        files().replace(&path, b"one").unwrap();
        files().replace(&path, b"two").unwrap();
        assert_eq!(files().read(&path, 9).unwrap(), b"two");
        assert_eq!(files().list(dir.path()).unwrap(), ["consent"]);
    }
}
