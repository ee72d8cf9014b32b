//! The only room that touches the file system.
//!
//! [`Disk`] is the seam: `System` is the real one, and tests put another in its place to be the full disk, the torn
//! write and the crash. What it reads is untrusted: a file counts only if it is a regular file, ours, and closed to
//! others; a directory likewise. It knows nothing of what the bytes mean.

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
    /// What stands at `path`, links not followed; `None` when nothing does.
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>>;
    /// Makes one directory, 0700.
    fn make_dir(&self, path: &Path) -> io::Result<()>;
    /// The names in a directory, unsorted. What is no text in a name is told as U+FFFD, so that such a file is seen, and can't be
    /// opened.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
    /// A whole file of at most `most` bytes; a longer one is an error. Links are not followed.
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>>;
    /// The same for a file that another user may own and others may read, such as an administrator's. Links are followed:
    /// what it says can only forbid.
    fn read_shared(&self, path: &Path, most: u64) -> io::Result<Vec<u8>>;
    /// A new file, 0600, for appending; an existing one is an error.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// An existing file, for appending. Links are not followed.
    fn append(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// An existing file, to have its lock while it is read or removed: also one that this user may not write. Links are not
    /// followed.
    fn open_to_lock(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.append(path)
    }
    /// A lock file, made if it is not there.
    fn lock_file(&self, path: &Path) -> io::Result<Box<dyn Handle>>;
    /// Whether so much can be written in a directory, or in what stands of the way to it, as far as that can be told without
    /// writing: not on a disk that takes no writes or has too little room, nor where this user may not, nor beyond what this
    /// process may make a file.
    fn may_write(&self, _directory: &Path, _need: Need) -> io::Result<()> {
        Ok(())
    }
    /// A lock file that is there; none is made.
    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        match self.stat(path)? {
            Some(_) => self.lock_file(path),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
    /// Closes a directory of ours to group and others.
    fn close_to_others(&self, _directory: &Path) -> io::Result<()> {
        Ok(())
    }
    /// Gives a file another name beside the one it has, in the same directory. Not every file system can.
    fn link(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Renames a file or a directory, replacing a file of that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes a directory and what is in it; links in it are removed, not followed.
    fn remove_tree(&self, path: &Path) -> io::Result<()>;
    /// Makes the directory's entries durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Why nothing is kept here at all, and how to mend it, where that is so.
    fn barred(&self) -> Option<String> {
        None
    }
    /// The same as far as it is known without a look.
    fn barred_as_seen(&self) -> Option<String> {
        None
    }
}

/// What somebody is about to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Need {
    /// How many bytes it takes of the disk.
    pub(crate) room: u64,
    /// How many new files and directories there are.
    pub(crate) files: u64,
    /// How large the largest file becomes.
    pub(crate) largest: u64,
}

/// An open file.
pub(crate) trait Handle: Send + Sync {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
    fn truncate(&mut self, len: u64) -> io::Result<()>;
    /// Takes the file's lock, shared or exclusive, or answers `false` at once. It ends with the handle, whatever a process
    /// that was forked meanwhile still has open.
    fn try_lock(&self, shared: bool) -> io::Result<bool>;
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) kind: StatKind,
    pub(crate) len: u64,
    /// How many bytes it takes of the disk: a small file takes a whole block.
    pub(crate) occupies: u64,
    /// Changes whenever the file is replaced or written, as far as the file system tells.
    pub(crate) version: (u64, u64, i64),
    /// Owned by another user, or open to group or others.
    pub(crate) exposed: Option<&'static str>,
    /// The device and the number on it: which file or directory it is, whatever path leads there. None where the system
    /// does not say.
    pub(crate) node: Option<Node>,
}

/// See [`Stat::node`].
pub(crate) type Node = (u64, u64);

/// What only the platform can say of it: see [`Stat`].
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

/// What a look at the disk came to.
///
/// A look that failed is neither "nothing there" nor "damaged": there is no way from here to an `Option` that forgets it, so
/// that whoever looks has to say what a failure means.
#[must_use]
#[derive(Debug)]
pub(crate) enum Look<T> {
    /// It is there, and this is what it says.
    Read(T),
    /// Nothing is there.
    Absent,
    /// Something is there that candor does not use: a link, another user's, open to others, or too large. It was seen, and
    /// stays so until somebody changes it.
    Refused(&'static str),
    /// The system did not let us look. Nobody knows what is there; the next look may succeed.
    Failed(io::Error),
}

/// What a look that succeeded came to.
#[must_use]
#[derive(Debug)]
pub(crate) enum Seen<T> {
    /// It is there, and this is what it says.
    Read(T),
    /// Nothing is there.
    Absent,
    /// Something is there that candor does not use.
    Refused,
}

impl<T> Look<T> {
    /// What was seen; a look that failed is the error.
    pub(crate) fn seen(self) -> io::Result<Seen<T>> {
        match self {
            Look::Read(found) => Ok(Seen::Read(found)),
            Look::Absent => Ok(Seen::Absent),
            Look::Refused(_) => Ok(Seen::Refused),
            Look::Failed(error) => Err(error),
        }
    }

    /// What was read or that nothing is there. What is refused is an error as well as what failed.
    pub(crate) fn found(self) -> io::Result<Option<T>> {
        match self {
            Look::Read(found) => Ok(Some(found)),
            Look::Absent => Ok(None),
            Look::Refused(why) => Err(refused(why)),
            Look::Failed(error) => Err(error),
        }
    }

    /// The same of what stands at `path`: what is refused is an error that names it, and with its reason the way out.
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

/// Why candor does not use something that it saw: an error of candor's own, so that it can't be mistaken for one of the
/// system's.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(&'static str);

pub(crate) fn refused(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, Refusal(why))
}

/// Names the file or directory that an error is about, for a person to find. What it is is said as before.
pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> io::Error {
    let path = path.to_owned();
    move |error| named(&path, &error)
}

pub(crate) fn too_large(larger: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Refusal(larger))
}

/// Why something was refused, where it was seen and not used; `None` where the system failed.
pub(crate) fn refusal(error: &io::Error) -> Option<&'static str> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<Refusal>()).map(|refusal| refusal.0)
}

/// The same error with the file that it is about.
pub(crate) fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
}

/// Whether the system lets this user, or anybody, only read.
pub(crate) fn may_not_write(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
        && refusal(error).is_none()
}

/// Whose a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Own,
    /// Of the user with this number.
    #[cfg_attr(windows, allow(dead_code, reason = "no owner is told there"))]
    Others(u32),
    /// Something else is there.
    NoDirectory,
}

/// Why a file or directory is not used that is this user's.
const OTHERS_MAY: &str = "others may open it: `chmod go-rwx` it";

/// The disk as the rooms use it: small operations made of the ones above.
#[derive(Clone)]
pub(crate) struct Files {
    disk: Arc<dyn Disk>,
    /// The store: whatever lies below it must be ours at every step of the way.
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

    /// Makes a directory that is ours alone, parents first; what is there already must be ours. Directories above the
    /// application's own are made as well, and not judged. For whoever begins a store.
    pub(crate) fn own_root(&self, path: &Path) -> io::Result<()> {
        if let Some(parent) = path.parent()
            && self.stat(path)?.is_none()
            && self.stat(parent)?.is_none()
        {
            self.own_root(parent)?;
        }
        self.own_one_dir(path)
    }

    /// The same within the store, which is there: where somebody moved it away none is made in its place.
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

    /// Whether [`own_dir`](Files::own_dir) can make this directory or use what is there, as far as a look tells. Changes nothing.
    pub(crate) fn may_own_dir(&self, path: &Path) -> io::Result<()> {
        let below = path.strip_prefix(&self.root).ok();
        let first = if below.is_some() { &self.root } else { path };
        let steps = below.into_iter().flatten().scan(first.to_owned(), |step, part| {
            step.push(part);
            Some(step.clone())
        });
        for step in std::iter::once(first.to_owned()).chain(steps) {
            let Some(stat) = self.stat(&step)? else { return Ok(()) };
            // One within the store that others may open is closed to them.
            let is_closed = step != first && stat.kind == StatKind::Dir && stat.exposed == Some(OTHERS_MAY);
            if !is_closed {
                own(&stat)?;
            }
        }
        Ok(())
    }

    /// Whether [`replace`](Files::replace) can take the place of what is there, as far as a look tells. Changes nothing.
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

    /// What stands at a path, once a directory within the store that others may open is closed to them, as one is that a backup
    /// made anew. Of the store itself that is for the person to do: whoever could open that could open all of it.
    pub(crate) fn closed_dir(&self, path: &Path) -> io::Result<Option<Stat>> {
        let stat = self.stat(path)?;
        let is_open = stat.is_some_and(|stat| stat.kind == StatKind::Dir && stat.exposed.is_some());
        if !is_open || path == self.root || !path.starts_with(&self.root) {
            return Ok(stat);
        }
        self.close_to_others(path)?;
        self.stat(path)
    }

    /// Takes a lock file's lock for this process alone; `None` when another one keeps it for longer than `wait`.
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

    /// What stands at a path, links not followed.
    pub(crate) fn examine(&self, path: &Path) -> Look<Stat> {
        match self.stat(path) {
            Ok(Some(stat)) => Look::Read(stat),
            Ok(None) => Look::Absent,
            Err(error) => Look::of(Err(error)),
        }
    }

    /// A whole file of at most `most` bytes.
    pub(crate) fn contents(&self, path: &Path, most: u64) -> Look<Vec<u8>> {
        Look::of(self.read(path, most))
    }

    /// The names in a directory, sorted, without those that are no text: candor gives no file such a name. A link to a
    /// directory is refused.
    pub(crate) fn children(&self, path: &Path) -> Look<Vec<String>> {
        match self.examine(path) {
            Look::Read(stat) => self.children_of(path, &stat),
            other => other.map(|_| Vec::new()),
        }
    }

    /// The same of what was examined a moment ago.
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

    /// The same of a directory that is listed in the one above as long as it is there: one that is listed and can't be found was
    /// not looked at, and nobody would look again for what lies in it.
    pub(crate) fn children_if_listed(&self, path: &Path) -> Look<Vec<String>> {
        let looked = self.children(path);
        let Some(above) = path.parent().filter(|_| matches!(looked, Look::Absent)) else { return looked };
        match self.children(above) {
            Look::Read(names) if names.iter().any(|name| path.ends_with(name)) => {
                Look::Failed(io::ErrorKind::NotFound.into())
            }
            Look::Failed(error) => Look::Failed(error),
            // A link, such as one to a disk that is away: behind it there may be anything.
            Look::Refused(why) => Look::Refused(why),
            Look::Read(_) | Look::Absent => Look::Absent,
        }
    }

    /// Replaces a file: afterwards the disk holds the old bytes or all of the new ones, whenever the power goes.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.replace_by(&unfinished(path), path, bytes)
    }

    /// The same, and its directory is not made durable: for whoever goes on where only that fails.
    pub(crate) fn place(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.place_by(&unfinished(path), path, bytes)
    }

    /// The same by way of a file of this name, for whoever may meet others who replace files beside it.
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

    /// Removes a file, and what an interrupted [`Files::replace`] left of it.
    pub(crate) fn remove_with_unfinished(&self, path: &Path) -> io::Result<()> {
        let unfinished = self.remove_if_there(&unfinished(path));
        self.remove_if_there(path)?;
        unfinished
    }

    pub(crate) fn sync_parent(&self, path: &Path) -> io::Result<()> {
        path.parent().map_or(Ok(()), |parent| self.sync_dir(parent))
    }

    /// Removes a file; one that is gone already is fine.
    pub(crate) fn remove_if_there(&self, path: &Path) -> io::Result<()> {
        match self.remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Where a file is written before it takes the place of another.
fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("new")
}

/// A file of a developer's own source tree, or `None` when there is no such file: of at most `most` bytes, and a regular
/// one. Whose it is and who may read it is the repository's matter.
pub(crate) fn read_document(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    match System.read_shared(path, most) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes such a file, in place of one that is there. An interruption leaves the old one or the new one.
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

/// What seals a small document: a first line with its kind and checksum, so that damage, truncation and a file of
/// another kind are told apart from an older state.
pub(crate) fn seal(kind: &str, json: &str) -> Vec<u8> {
    let first = first_line(kind, json);
    // Large enough from the beginning: one that grows leaves what it held where it was.
    let mut bytes = Vec::with_capacity(first.len() + json.len() + 2);
    for part in [&first, "\n", json, "\n"] {
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

fn first_line(kind: &str, json: &str) -> String {
    format!("candor-{kind} 1 {:08x} {}", crc32c::crc32c(json.as_bytes()), json.len())
}

/// The document inside a seal, or `None` when one byte of it is not as it was written.
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
        // Links that lead in a circle on the way to a file say nothing of the file.
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
