//! The Windows part of the file system. On Windows a process that has a file open can block other processes from using it.
//!
//! Every file is opened so that other processes may read, write, rename and remove it meanwhile, as Rust's library does. Others
//! may not do the same: a virus scanner, an indexer or a backup may have a file of candor open at any moment without sharing it.
//! An operation that fails for this reason is retried for some milliseconds, and then fails.
//!
//! There are no modes here. A store is in the user's profile, and a new file inherits the profile's rights: those of the user, of
//! administrators and of the system. This module never checks those rights.

use super::interface::{Kept, Need, Whose, refused};
use crate::sync;
use file_guard::{FileGuard, Lock as How};
use std::{
    cell::Cell,
    fs::{self, File, Metadata, OpenOptions},
    io,
    os::windows::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

// The numbers are those of winnt.h, winbase.h and winerror.h.
const FILE_ADD_FILE: u32 = 0x2;
const FILE_ADD_SUBDIRECTORY: u32 = 0x4;
const FILE_READ_ATTRIBUTES: u32 = 0x80;
const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;
const ERROR_INVALID_FUNCTION: i32 = 1;
const ERROR_TOO_MANY_OPEN_FILES: i32 = 4;
const ERROR_ACCESS_DENIED: i32 = 5;
const ERROR_INVALID_HANDLE: i32 = 6;
const ERROR_SHARING_VIOLATION: i32 = 32;
const ERROR_LOCK_VIOLATION: i32 = 33;
const ERROR_NOT_SUPPORTED: i32 = 50;
const ERROR_INVALID_PARAMETER: i32 = 87;
const ERROR_DELETE_PENDING: i32 = 303;
const ERROR_NO_SYSTEM_RESOURCES: i32 = 1450;

/// How many bytes a small file takes on a disk with the usual format.
const CLUSTER: u64 = 4_096;

/// The position of the bytes that represent a file's lock. It is beyond any data that candor writes, and fits in 32 bits.
///
/// `LockFileEx` blocks every other handle, also of the same process, from the bytes that it locks. Rust's library locks the whole
/// file this way; then no other process could read a segment that is being written, or the content of a life lock. Bytes beyond
/// the end of a file can be locked.
const LOCKED_FROM: usize = 1 << 30;
const LOCKED: usize = 1;

/// The lock of an open file. It belongs to the handle, and ends with the handle or the process.
#[derive(Default)]
pub(super) struct Lock(sync::Mutex<Option<FileGuard<Arc<File>>>>);

impl Lock {
    pub(super) fn try_take(&self, file: &Arc<File>, shared: bool) -> io::Result<bool> {
        let how = if shared { How::Shared } else { How::Exclusive };
        let mut held = self.0.lock();
        // Releases the handle's old lock first: a second lock would be added to it, not replace it.
        *held = None;
        match file_guard::try_lock(Arc::clone(file), how, LOCKED_FROM, LOCKED) {
            Ok(guard) => {
                *held = Some(guard);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Releases the lock explicitly. The system releases a lock only some time after its handle is closed (LockFileEx,
    /// "Remarks").
    pub(super) fn let_go(&self, _file: &Arc<File>) {
        *self.0.lock() = None;
    }
}

/// Errors that mean another process blocks the file and may stop doing so in a moment. "Access denied" can also be permanent.
const IN_THE_WAY: [i32; 4] = [ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION, ERROR_DELETE_PENDING, ERROR_ACCESS_DENIED];

/// How often an operation on a blocked file is retried, a millisecond apart. Some file systems can't replace a file that any
/// process has open, even if that process shares it completely. candor's own processes read one of the files often, so there are
/// many short retries.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(1);

/// How often an operation is retried after a file stayed blocked, and for how many calls: a caller waits the whole time for one
/// file, and not for each of them.
const FEW_TRIES: u32 = 5;
const IMPATIENT: u32 = 50;

thread_local! {
    /// For how many more blocked calls of this thread there are few retries.
    static IMPATIENT_FOR: Cell<u32> = const { Cell::new(0) };
}

/// Runs an operation that another process may block for a moment, and retries it.
pub(super) fn patiently<T>(work: impl Fn() -> io::Result<T>) -> io::Result<T> {
    let mut left = None;
    loop {
        match work() {
            Err(error) if is_in_the_way(&error) => {
                let tries = left.get_or_insert_with(|| {
                    let calls = IMPATIENT_FOR.get();
                    IMPATIENT_FOR.set(calls.saturating_sub(1));
                    if calls == 0 { TRIES } else { FEW_TRIES }
                });
                if *tries == 0 {
                    IMPATIENT_FOR.set(IMPATIENT_FOR.get().max(IMPATIENT));
                    return Err(error);
                }
                *tries -= 1;
                sync::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

fn is_in_the_way(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| IN_THE_WAY.contains(&code))
}

/// Opens a path that is not a link: neither a symbolic link nor a junction. With the flag used here Windows opens the link
/// itself.
pub(super) fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let options = options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    let opened = patiently(|| options.open(path).map_err(|error| directory_told(error, path)))?;
    if opened.metadata()?.is_symlink() {
        return Err(refused("it is a symbolic link or a junction, which candor does not follow"));
    }
    Ok(opened)
}

/// The same for a path that may be a link.
pub(super) fn open_shared(path: &Path) -> io::Result<File> {
    patiently(|| File::open(path).map_err(|error| directory_told(error, path)))
}

/// Turns "access denied" into a refusal if the path is a directory. Windows returns that error for a directory that is opened
/// without the flag for directories.
fn directory_told(error: io::Error, path: &Path) -> io::Error {
    let is_directory = || fs::symlink_metadata(path).is_ok_and(|there| there.is_dir());
    if is_denied(&error) && is_directory() { refused("not a regular file") } else { error }
}

/// Opens a directory to list it. For a file, Windows reports that it is not a directory, and Wine that its name is invalid.
pub(super) fn read_dir(path: &Path) -> io::Result<fs::ReadDir> {
    let is_file = || fs::symlink_metadata(path).is_ok_and(|there| there.is_file());
    let told = |error| if is_file() { io::ErrorKind::NotADirectory.into() } else { error };
    patiently(|| fs::read_dir(path)).map_err(told)
}

/// Removes a directory and its contents. A file that another process has open may remain as a name; it is emptied, so that none
/// of its contents remain.
pub(super) fn remove_tree(path: &Path) -> io::Result<()> {
    patiently(|| fs::remove_dir_all(path)).inspect_err(|_| empty(path))
}

fn empty(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => empty(&entry.path()),
            Ok(kind) if kind.is_file() => {
                let opened = open(OpenOptions::new().write(true), &entry.path());
                // The caller reports the error of the removal, whether or not the file could be emptied.
                let _ = opened.and_then(|file| file.set_len(0));
            }
            _ => {}
        }
    }
}

fn is_denied(error: &io::Error) -> bool {
    error.raw_os_error() == Some(ERROR_ACCESS_DENIED)
}

pub(super) fn make_dir(path: &Path) -> io::Result<()> {
    patiently(|| fs::create_dir(path))
}

/// Writes a file's data durably to disk.
pub(super) fn sync(file: &File) -> io::Result<()> {
    file.sync_all()
}

/// Writes a directory's entries durably to disk. NTFS supports this for a directory opened for writing. Other file systems don't,
/// and return one of these errors.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    const CANNOT: [i32; 5] = [
        ERROR_INVALID_FUNCTION,
        ERROR_ACCESS_DENIED,
        ERROR_INVALID_HANDLE,
        ERROR_NOT_SUPPORTED,
        ERROR_INVALID_PARAMETER,
    ];
    let opened = || OpenOptions::new().access_mode(GENERIC_WRITE).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path);
    match opened().and_then(|directory| directory.sync_all()) {
        Err(error) if error.raw_os_error().is_some_and(|code| CANNOT.contains(&code)) => Ok(()),
        synced => synced,
    }
}

/// Does nothing: there are no modes to change.
pub(super) fn close_to_others(_directory: &Path) -> io::Result<()> {
    Ok(())
}

/// Checks whether a directory, or the existing one in which it would be created, accepts new files and has space for them.
/// Windows reports no limit on the number of files on a disk, and sets no file size limit for a process.
pub(super) fn may_write(directory: &Path, need: Need) -> io::Result<()> {
    let mut place = directory;
    while fs::symlink_metadata(place).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        place = place.parent().ok_or(io::ErrorKind::NotFound)?;
    }
    // Opening it with these rights succeeds only if this user may create files in it, and fails on a read-only disk.
    let mut options = OpenOptions::new();
    options.access_mode(FILE_ADD_FILE | FILE_ADD_SUBDIRECTORY).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    if !patiently(|| options.open(place))?.metadata()?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    // If a path is too long for the call, a parent directory is asked instead: it is on the same disk.
    let unknown: io::Result<u64> = Err(io::ErrorKind::NotFound.into());
    let room = std::path::absolute(place)?
        .ancestors()
        .fold(unknown, |known, place| known.or_else(|_| fs4::available_space(place)))?;
    if room >= need.room { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
}

/// No limit: a process may have more files open than candor ever has.
pub(super) fn files_to_hold() -> usize {
    usize::MAX
}

/// The errors that the system returns if no more files can be opened.
pub(super) fn out_of_files() -> [i32; 2] {
    [ERROR_TOO_MANY_OPEN_FILES, ERROR_NO_SYSTEM_RESOURCES]
}

/// Always succeeds: there is no file size limit for a process here.
pub(super) fn fits(_file: &File, _more: u64) -> io::Result<()> {
    Ok(())
}

/// Always this user: the profile belongs to the user.
pub(super) fn owner(_metadata: &Metadata) -> Whose {
    Whose::Own
}

/// Always `None`: there are no modes that could show it.
pub(super) fn exposed(_metadata: &Metadata) -> Option<&'static str> {
    None
}

/// Returns what the system reports about a path, without following links.
pub(super) fn examine(path: &Path) -> io::Result<(Metadata, Kept)> {
    // A handle that only reads attributes blocks no other process, and no other process blocks it.
    let mut options = OpenOptions::new();
    options.access_mode(FILE_READ_ATTRIBUTES).custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT);
    let opened = patiently(|| options.open(path))?;
    let (metadata, says) = (opened.metadata()?, winapi_util::file::information(&opened)?);
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let kept = Kept {
        version: super::Version {
            number: says.file_index(),
            seconds: modified.as_secs(),
            nanoseconds: i64::from(modified.subsec_nanos()),
        },
        occupies: metadata.len().next_multiple_of(CLUSTER),
        node: Some((says.volume_serial_number(), says.file_index())),
    };
    Ok((metadata, kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, Files, Handle, Look, System, system::Open};
    use std::os::windows::fs::OpenOptionsExt;

    #[test]
    fn a_lock_bars_nobody_from_reading_and_ends_with_its_handle() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        fs::write(&path, "what it says").unwrap();
        let other = |shared| System.open_lock(&path).unwrap().try_lock(shared).unwrap();
        for shared in [false, true] {
            let file = System.append(&path).unwrap();
            assert!(file.try_lock(shared).unwrap() && file.try_lock(shared).unwrap(), "also again");
            assert_eq!((other(false), other(true)), (false, shared));
            assert_eq!(System.read(&path, 99).unwrap(), b"what it says");
            System.append(&path).unwrap().write_all(b"").unwrap();
            drop(file);
            assert!(other(false), "let go, shared: {shared}");
        }
    }

    /// Opens a file as a virus scanner or a backup does.
    #[test]
    fn who_has_a_file_open_and_goes_is_waited_for_and_who_stays_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (path, new) = (dir.path().join("consent"), dir.path().join("consent.new"));
        fs::write(&path, "one").unwrap();
        let alone = || OpenOptions::new().read(true).share_mode(0).open(&path).unwrap();
        let held = alone();
        let other = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(5));
            drop(held);
        });
        assert_eq!(System.read(&path, 99).unwrap(), b"one");
        other.join().unwrap();
        let held = alone();
        fs::write(&new, "two").unwrap();
        assert!(
            System.stat(&path).unwrap().is_some_and(|stat| stat.len == 3),
            "a look bars nobody and is barred by nobody"
        );
        let files = Files::new(Arc::new(System), dir.path().into());
        assert!(matches!(files.contents(&path, 99), Look::Failed(_)), "neither absent nor damaged");
        assert!(System.rename(&new, &path).is_err() && System.remove_file(&path).is_err());
        drop(held);
        System.rename(&new, &path).unwrap();
        assert_eq!(System.read(&path, 99).unwrap(), b"two");
        assert!(Open::new(File::open(&path).unwrap()).try_lock(false).unwrap());
    }

    #[test]
    fn whether_a_directory_takes_files_and_has_room_is_known_without_writing() {
        let dir = tempfile::tempdir().unwrap();
        let need = |room| Need { room, files: 9, largest: 1 << 20 };
        let file = dir.path().join("file");
        fs::write(&file, "x").unwrap();
        let name = "d".repeat(200);
        let long = dir.path().join(&name).join(&name);
        fs::create_dir_all(&long).unwrap();
        for directory in [dir.path(), &dir.path().join("not/yet"), &long, &long.join("nor this")] {
            System.may_write(directory, need(1 << 20)).unwrap();
            let full = System.may_write(directory, need(u64::MAX)).unwrap_err();
            assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        }
        assert!(System.may_write(&file, need(0)).is_err(), "no directory");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing was written");
    }

    #[test]
    fn a_file_is_known_by_its_number_whatever_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link, copy) = (dir.path().join("a"), dir.path().join("b"), dir.path().join("c"));
        fs::write(&path, "x").unwrap();
        System.link(&path, &link).unwrap();
        fs::copy(&path, &copy).unwrap();
        let node = |path: &Path| System.stat(path).unwrap().unwrap().node.unwrap();
        assert_eq!(node(&path), node(&link));
        assert_ne!(node(&path), node(&copy));
        assert!(System.stat(dir.path()).unwrap().unwrap().node.is_some());
    }
}
