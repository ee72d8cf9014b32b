//! The only module that accesses the file system.
//!
//! [`Disk`] is the interface. `System` is the real implementation; tests use others to simulate a full disk, a torn write or a
//! crash. What is read is not trusted: a file is used only if it is a regular file, belongs to this user, and is closed to other
//! users. The same applies to directories. This module never interprets the bytes it reads.

#[cfg(not(any(unix, windows)))]
compile_error!("candor knows the file systems of Unix and of Windows, and of no other platform");

mod interface;
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
use interface::OTHERS_MAY;
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

pub(crate) use interface::{
    Disk, Handle, Look, Need, Node, Seen, Stat, StatKind, Version, Whose, at, named, refusal, refused,
};
#[cfg(test)]
pub(crate) use interface::{may_not_write, too_large};
pub(crate) use system::{System, files_to_hold, is_lock, is_out_of_files, whose};

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
            let _ = self.remove_file(temporary); // the caller gets the error of the write
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

    /// Removes a file that has no more use. If that is not possible now, the file stays until a later call: nothing else depends
    /// on it.
    pub(crate) fn remove_or_leave(&self, path: &Path) {
        let _ = self.remove_if_there(path); // see above
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
        let _ = System.remove_file(&temporary); // the caller gets the error of the write
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
