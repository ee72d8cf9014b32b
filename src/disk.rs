//! The only file that touches the file system.
//!
//! [`Disk`] is the seam: `System` is the real one, and tests put another in its place to be the full disk, the torn
//! write and the crash. What it reads is untrusted: a file counts only if it is a regular file, ours, and closed to
//! others; a directory likewise. It knows nothing of what the bytes mean.

use crate::sync;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use zeroize::Zeroize;

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

/// What a lock file says to whoever opens it.
const LOCK_SAYS: &[u8] = b"A lock of candor. While it is missing nothing is sent, and nothing is confirmed.\n";

/// Whether this is what a lock file says.
pub(crate) fn is_lock(says: &[u8]) -> bool {
    says.starts_with(LOCK_SAYS)
}

/// The real file system.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct System;

impl Disk for System {
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        match fs::symlink_metadata(path) {
            Ok(metadata) => Ok(Some(stat(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let file = open_here(no_follow(OpenOptions::new().read(true)), path)?;
        let len = trusted(&file)?;
        read_at_most(file, len, most, "larger than any file candor writes")
    }

    fn read_shared(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let file = no_wait(OpenOptions::new().read(true)).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(refused("not a regular file"));
        }
        read_at_most(file, metadata.len(), most, "larger than candor reads")
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        Ok(Box::new(Open::new(open_here(no_follow(OpenOptions::new().append(true).create_new(true)), path)?)))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let file = open_here(no_follow(OpenOptions::new().append(true)), path)?;
        trusted(&file)?;
        Ok(Box::new(Open::new(file)))
    }

    fn open_to_lock(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        match self.append(path) {
            Err(error) if may_not_write(&error) => {
                let file = open_here(no_follow(OpenOptions::new().read(true)), path)?;
                trusted(&file)?;
                Ok(Box::new(Open::new(file)))
            }
            opened => opened,
        }
    }

    fn lock_file(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let mut file =
            open_here(no_follow(OpenOptions::new().read(true).write(true).create(true).truncate(false)), path)?;
        if trusted(&file)? == 0 {
            // Whoever tidies up removes empty files. Where this can't be written the lock is one all the same, and where two
            // write it they write the same.
            let _ = fits(&file, LOCK_SAYS.len() as u64).and_then(|()| file.write_all(LOCK_SAYS));
        }
        Ok(Box::new(Open::new(file)))
    }

    #[cfg(unix)]
    fn close_to_others(&self, directory: &Path) -> io::Result<()> {
        let opened = open_here(no_follow(OpenOptions::new().read(true)), directory)?;
        let metadata = opened.metadata()?;
        // Whoever may change what belongs to others leaves it as it is.
        if std::os::unix::fs::MetadataExt::uid(&metadata) == rustix::process::geteuid().as_raw() && metadata.is_dir() {
            opened.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        }
        Ok(())
    }

    #[cfg(unix)]
    fn may_write(&self, directory: &Path, need: Need) -> io::Result<()> {
        within_limit(need.largest)?;
        let mut place = directory;
        while fs::symlink_metadata(place).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            place = place.parent().ok_or(io::ErrorKind::NotFound)?;
        }
        rustix::fs::access(place, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)?;
        let disk = rustix::fs::statvfs(place)?;
        // Some file systems don't say how large they are, and some don't count files.
        let has_room = disk.f_blocks == 0 || disk.f_bavail.saturating_mul(disk.f_frsize) >= need.room;
        let has_files = disk.f_files == 0 || disk.f_favail >= need.files;
        if has_room && has_files { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
    }

    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let file = open_here(no_follow(OpenOptions::new().read(true).write(true)), path)?;
        trusted(&file)?;
        Ok(Box::new(Open::new(file)))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        // Windows can't open a directory as a file, and makes renames durable by itself.
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }
}

/// An open file, and which process took its lock; 0 is none.
///
/// A child that is forked shares what is open and the locks on it. So closing lets go of no lock while such a child lives: it
/// is let go explicitly. And only by the process that took it: what a child drops is its parent's.
struct Open {
    file: File,
    locked_by: AtomicU32,
}

impl Open {
    fn new(file: File) -> Self {
        Open { file, locked_by: AtomicU32::new(0) }
    }
}

impl Handle for Open {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        fits(&self.file, bytes.len() as u64)?;
        Write::write_all(&mut self.file, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        fits(&self.file, len.saturating_sub(self.file.metadata()?.len()))?;
        self.file.set_len(len)
    }

    fn try_lock(&self, shared: bool) -> io::Result<bool> {
        let taken = if shared { self.file.try_lock_shared() } else { self.file.try_lock() };
        match taken {
            Ok(()) => {
                self.locked_by.store(std::process::id(), Ordering::Relaxed);
                Ok(true)
            }
            Err(fs::TryLockError::WouldBlock) => Ok(false),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.locked_by.load(Ordering::Relaxed) == std::process::id() {
            // Where this fails, closing does the same unless there is such a child.
            let _ = self.file.unlock();
        }
    }
}

/// How many files are held open at once at most: an eighth of those that the process may open (`ulimit -n`), the rest of which are
/// the program's own.
#[cfg(unix)]
pub(crate) fn files_to_hold() -> usize {
    use nix::sys::resource::{Resource, getrlimit};
    // Where a sandbox lets nobody ask it is as most systems have it.
    let most = getrlimit(Resource::RLIMIT_NOFILE).map_or(256, |(most, _)| most);
    usize::try_from(most / 8).unwrap_or(usize::MAX).max(1)
}

#[cfg(not(unix))]
pub(crate) fn files_to_hold() -> usize {
    usize::MAX
}

/// Whether no more files can be opened at the moment, by this process or by any.
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    #[cfg(unix)]
    let out = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE].map(|errno| Some(errno.raw_os_error()));
    #[cfg(not(unix))]
    let out = [None::<i32>; 0];
    out.contains(&error.raw_os_error())
}

/// Fails where a file would become larger than this process may make one (`ulimit -f`): the system ends a process that tries
/// by a signal, and how a program handles signals is its own matter.
#[cfg(unix)]
fn fits(file: &File, more: u64) -> io::Result<()> {
    // Whatever candor writes it writes behind what is there.
    within_limit(file.metadata()?.len().saturating_add(more))
}

#[cfg(unix)]
fn within_limit(len: u64) -> io::Result<()> {
    use nix::sys::resource::{Resource, getrlimit};
    // Where a sandbox lets nobody ask there is none that is known.
    let Ok((most, _)) = getrlimit(Resource::RLIMIT_FSIZE) else { return Ok(()) };
    // 32 bits on some platforms.
    #[allow(clippy::useless_conversion)]
    let most = u64::from(most);
    if len <= most {
        return Ok(());
    }
    let why = format!("this program may write no file of more than {most} bytes (`ulimit -f`)");
    Err(io::Error::new(io::ErrorKind::FileTooLarge, why))
}

#[cfg(not(unix))]
fn fits(_: &File, _: u64) -> io::Result<()> {
    Ok(())
}

/// Whose a directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Own,
    /// Of the user with this number.
    Others(u32),
    /// Something else is there.
    NoDirectory,
}

/// Whose the directory at `path` is, links followed; `None` where nothing is there.
pub(crate) fn whose(path: &Path) -> io::Result<Option<Whose>> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    if !metadata.is_dir() {
        return Ok(Some(Whose::NoDirectory));
    }
    #[cfg(unix)]
    if metadata_owner(&metadata) != rustix::process::geteuid().as_raw() {
        return Ok(Some(Whose::Others(metadata_owner(&metadata))));
    }
    Ok(Some(Whose::Own))
}

#[cfg(unix)]
fn metadata_owner(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::uid(metadata)
}

/// Into one buffer that is large enough from the beginning: one that grows leaves what it held where it was, and a file may
/// hold secrets.
///
/// A file that ends before its length was not read: what it holds further on is not known, and it is not damaged by that.
fn read_at_most(mut file: impl Read, length: u64, most: u64, larger: &'static str) -> io::Result<Vec<u8>> {
    // One byte more, to see that the file ends there.
    let room = length.min(most).saturating_add(1);
    let mut bytes = vec![0; usize::try_from(room).map_err(|_| too_large(larger))?];
    let mut len = 0;
    loop {
        let Some(free) = bytes.get_mut(len..).filter(|free| !free.is_empty()) else {
            if len as u64 > most {
                return Err(too_large(larger));
            }
            // It grew meanwhile, or is one of those that the system makes up and that say no length.
            let more = usize::try_from(most.saturating_add(1)).map_err(|_| too_large(larger))?.min(2 * len.max(4096));
            let mut larger = vec![0; more];
            larger.get_mut(..len).into_iter().for_each(|begin| begin.copy_from_slice(&bytes));
            bytes.zeroize();
            bytes = larger;
            continue;
        };
        match file.read(free) {
            Ok(0) if (len as u64) < length => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(len);
    Ok(bytes)
}

/// Does not wait for the other end of a pipe.
fn no_wait(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(OFlags::NONBLOCK.bits() as i32);
    }
    options
}

/// Neither follows a link nor waits for the other end of a pipe; files it makes are 0600.
fn no_follow(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits() as i32);
    }
    options
}

/// Opens a path that is no link. That one stands there is refused by the system itself, which was asked to follow none; that
/// there are too many on the way, which it says by the same number, is a look that failed.
fn open_here(options: &OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path).map_err(|error| {
        #[cfg(unix)]
        if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
            && fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
        {
            return refused("it is a symbolic link, which candor does not follow");
        }
        error
    })
}

/// Fails for a file that is not ours alone; answers its length.
fn trusted(file: &File) -> io::Result<u64> {
    let stat = stat(&file.metadata()?);
    let why = match stat.kind {
        StatKind::File => match stat.exposed {
            None => return Ok(stat.len),
            Some(why) => why,
        },
        _ => "not a regular file",
    };
    Err(refused(why))
}

/// Why a file or directory is not used that is this user's.
const OTHERS_MAY: &str = "others may open it: `chmod go-rwx` it";

fn stat(metadata: &fs::Metadata) -> Stat {
    let kind = if metadata.is_symlink() {
        StatKind::Link
    } else if metadata.is_dir() {
        StatKind::Dir
    } else if metadata.is_file() {
        StatKind::File
    } else {
        StatKind::Special
    };
    #[cfg(unix)]
    let (version, exposed, blocks, node) = {
        use std::os::unix::fs::MetadataExt;
        let exposed = if metadata.uid() != rustix::process::geteuid().as_raw() {
            Some("it belongs to another user")
        } else if metadata.mode() & 0o077 != 0 {
            Some(OTHERS_MAY)
        } else {
            None
        };
        let version = (metadata.ino(), metadata.mtime() as u64, metadata.mtime_nsec());
        (version, exposed, metadata.blocks() * 512, Some((metadata.dev(), metadata.ino())))
    };
    #[cfg(not(unix))]
    let (version, exposed, blocks, node) = {
        // Elsewhere the user's profile directory keeps others out; a change shows in length and time.
        let modified = metadata.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
        let modified = modified.unwrap_or_default();
        (
            (metadata.len(), modified.as_secs(), i64::from(modified.subsec_nanos())),
            None,
            metadata.len().next_multiple_of(4_096),
            None,
        )
    };
    // A file system that puts off taking its blocks has them to take.
    Stat { kind, len: metadata.len(), occupies: blocks.max(metadata.len()), version, exposed, node }
}

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
    /// application's own are made as well, and not judged.
    pub(crate) fn own_dir(&self, path: &Path) -> io::Result<()> {
        let Ok(below) = path.strip_prefix(&self.root) else { return self.own_one_dir(path) };
        let mut step = self.root.clone();
        self.own_one_dir(&step)?;
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
                if let Some(parent) = path.parent()
                    && self.stat(parent)?.is_none()
                {
                    self.own_one_dir(parent)?;
                }
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
    let written = File::create(&temporary).and_then(|file| Open::new(file).write_all(bytes));
    written.and_then(|()| fs::rename(&temporary, path)).inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
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
    fn a_file_that_ends_before_its_length_was_not_read() {
        let read = |length, most| Look::of(read_at_most(&b"half"[..], length, most, "too long"));
        assert!(matches!(read(8, 99), Look::Failed(error) if error.kind() == io::ErrorKind::UnexpectedEof));
        // It grew meanwhile, or is one of those that the system makes up.
        for length in [4, 2, 0] {
            assert!(matches!(read(length, 4), Look::Read(bytes) if bytes == b"half"), "{length}");
        }
        assert!(matches!(read(8, 3), Look::Refused(_)));
    }

    #[cfg(unix)]
    #[test]
    fn links_pipes_and_open_files_are_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("plain"), "x").unwrap();
        assert_eq!(files().read(&at("plain"), 9).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        fs::set_permissions(at("plain"), fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(files().read(&at("plain"), 9).unwrap(), b"x");
        std::os::unix::fs::symlink(at("plain"), at("link")).unwrap();
        assert!(files().read(&at("link"), 9).is_err());
        assert!(files().append(&at("link")).is_err());
        assert!(files().create(&at("link")).is_err());
        assert!(files().lock_file(&at("link")).is_err());
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        assert!(files().read(&at("pipe"), 9).is_err());
        fs::write(at("long"), "0123456789").unwrap();
        fs::set_permissions(at("long"), fs::Permissions::from_mode(0o600)).unwrap();
        assert!(files().read(&at("long"), 9).is_err());
        std::os::unix::fs::symlink(dir.path(), at("dirlink")).unwrap();
        assert!(files().own_dir(&at("dirlink")).is_err());
        fs::create_dir(at("open")).unwrap();
        fs::set_permissions(at("open"), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(files().own_dir(&at("open")).is_err());
        files().own_dir(&at("new/inner")).unwrap();
        assert_eq!(fs::metadata(at("new")).unwrap().permissions().mode() & 0o777, 0o700);
    }

    /// A second descriptor of the same open file stands for the copy that a forked child keeps.
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
        // What a child drops was taken by another process.
        let (_kept_by_parent, file) = open();
        assert!(file.try_lock(false).unwrap());
        file.locked_by.store(u32::MAX, Ordering::Relaxed);
        drop(file);
        assert!(!other(), "the parent holds it still");
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
