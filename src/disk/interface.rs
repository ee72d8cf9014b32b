//! [`Disk`], the interface of a file system: its operations, what they tell, and how a failure differs from what is not there
//! and from what is not used. It holds no state and touches no file.

use std::{io, path::Path};

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
    pub(crate) version: Version,
    /// Why it must not be used, if it belongs to another user or is open to group or others.
    pub(crate) exposed: Option<&'static str>,
    /// The device and the number on that device. It identifies the file or directory, whatever path leads to it. `None` if the
    /// system does not report it.
    pub(crate) node: Option<Node>,
}

/// Which file was at a path, and when the file system last saw it change. Compared for equality only: the time is the disk's,
/// and must not be compared with the program's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Version {
    /// The file's number on its device.
    pub(crate) number: u64,
    /// When it was last written, in seconds since 1970.
    pub(crate) seconds: u64,
    /// The nanoseconds after that second.
    pub(crate) nanoseconds: i64,
}

/// See [`Stat::node`].
pub(crate) type Node = (u64, u64);

/// The platform-specific parts of a [`Stat`].
pub(super) struct Kept {
    pub(super) version: Version,
    pub(super) occupies: u64,
    pub(super) node: Option<Node>,
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

    pub(super) fn of(result: io::Result<T>) -> Self {
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
pub(super) const OTHERS_MAY: &str = "others may open it: `chmod go-rwx` it";
