//! [`System`], the real file system: the part that is the same on every platform. The rest is in `unix.rs` and `windows.rs`.
//! It never interprets the bytes it reads.

use super::{
    interface::{Disk, Handle, Kept, Need, Stat, StatKind, Whose, may_not_write, refused, too_large},
    platform,
};
use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read, Write},
    path::Path,
    sync::Arc,
};
use zeroize::Zeroize;

/// The content of a lock file, for a person who opens it.
const LOCK_SAYS: &[u8] = b"A lock of candor. While it is missing nothing is sent, and nothing is confirmed.\n";

/// Whether `says` is the content of a lock file.
pub(crate) fn is_lock(says: &[u8]) -> bool {
    says.starts_with(LOCK_SAYS)
}

/// The real file system.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct System;

impl Disk for System {
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        let (metadata, kept) = match platform::examine(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            looked => looked?,
        };
        let Kept { version, occupies, node } = kept;
        let len = metadata.len();
        // A file system that allocates blocks late will still need them.
        let occupies = occupies.max(len);
        Ok(Some(Stat { kind: kind(&metadata), len, occupies, version, exposed: platform::exposed(&metadata), node }))
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        platform::make_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let entries = platform::read_dir(path)?;
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let file = platform::open(OpenOptions::new().read(true), path)?;
        let len = trusted(&file)?;
        read_at_most(file, len, most, "larger than any file candor writes")
    }

    fn read_shared(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let file = platform::open_shared(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(refused("not a regular file"));
        }
        read_at_most(file, metadata.len(), most, "larger than candor reads")
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        Ok(Open::boxed(platform::open(to_append().create_new(true), path)?))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let file = platform::open(&mut to_append(), path)?;
        trusted(&file)?;
        Ok(Open::boxed(file))
    }

    fn open_to_lock(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        match self.append(path) {
            Err(error) if may_not_write(&error) => {
                let file = platform::open(OpenOptions::new().read(true), path)?;
                trusted(&file)?;
                Ok(Open::boxed(file))
            }
            opened => opened,
        }
    }

    fn lock_file(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let mut file = platform::open(OpenOptions::new().read(true).write(true).create(true).truncate(false), path)?;
        if trusted(&file)? == 0 {
            // The text is written because cleanup tools remove empty files. If it can't be written, the lock works all the same.
            // If two processes write it, they write the same text.
            let _ = platform::fits(&file, LOCK_SAYS.len() as u64).and_then(|()| file.write_all(LOCK_SAYS));
        }
        Ok(Open::boxed(file))
    }

    fn close_to_others(&self, directory: &Path) -> io::Result<()> {
        platform::close_to_others(directory)
    }

    fn may_write(&self, directory: &Path, need: Need) -> io::Result<()> {
        platform::may_write(directory, need)
    }

    fn open_lock(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        let file = platform::open(OpenOptions::new().read(true).write(true), path)?;
        trusted(&file)?;
        Ok(Open::boxed(file))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        platform::patiently(|| fs::hard_link(from, to))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        platform::patiently(|| fs::rename(from, to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        platform::patiently(|| fs::remove_file(path))
    }

    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        platform::remove_tree(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        platform::sync_dir(path)
    }
}

/// Options for appending to a file. To lock a file, Windows needs it to be open for reading as well.
fn to_append() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).read(cfg!(windows));
    options
}

/// An open file and its lock.
pub(super) struct Open {
    file: Arc<File>,
    pub(super) lock: platform::Lock,
}

impl Open {
    pub(super) fn new(file: File) -> Self {
        Open { file: Arc::new(file), lock: platform::Lock::default() }
    }

    fn boxed(file: File) -> Box<dyn Handle> {
        Box::new(Open::new(file))
    }
}

impl Handle for Open {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        platform::fits(&self.file, bytes.len() as u64)?;
        (&*self.file).write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        platform::sync(&self.file)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        platform::fits(&self.file, len.saturating_sub(self.file.metadata()?.len()))?;
        self.file.set_len(len)
    }

    fn try_lock(&self, shared: bool) -> io::Result<bool> {
        self.lock.try_take(&self.file, shared)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.lock.let_go(&self.file);
    }
}

/// Returns how many files candor may hold open at the same time: an eighth of those that the process may open (`ulimit -n`). The
/// rest is left to the program.
pub(crate) fn files_to_hold() -> usize {
    platform::files_to_hold()
}

/// Whether the error means that this process, or any process, can't open more files at the moment.
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| platform::out_of_files().contains(&code))
}

/// Returns who owns the directory at `path`, following links; `None` if nothing exists there.
pub(crate) fn whose(path: &Path) -> io::Result<Option<Whose>> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    Ok(Some(if metadata.is_dir() { platform::owner(&metadata) } else { Whose::NoDirectory }))
}

/// Reads a file of the given length, at most `most` bytes, into one buffer that is large enough from the start. A buffer that
/// grows leaves a copy of its old contents in memory, and a file may contain secrets.
///
/// A file that ends before its length was not read completely. That is an error, but not damage: the rest of its content is
/// unknown.
fn read_at_most(mut file: impl Read, length: u64, most: u64, larger: &'static str) -> io::Result<Vec<u8>> {
    // One byte more, to detect whether the file ends there.
    let room = length.min(most).saturating_add(1);
    let mut bytes = vec![0; usize::try_from(room).map_err(|_| too_large(larger))?];
    let mut len = 0;
    loop {
        let Some(free) = bytes.get_mut(len..).filter(|free| !free.is_empty()) else {
            if len as u64 > most {
                return Err(too_large(larger));
            }
            // The file grew meanwhile, or it is a virtual file of the system that reports no length.
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

/// Returns a file's length. Fails if it is not a regular file that belongs only to this user.
fn trusted(file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    match platform::exposed(&metadata) {
        _ if kind(&metadata) != StatKind::File => Err(refused("not a regular file")),
        Some(why) => Err(refused(why)),
        None => Ok(metadata.len()),
    }
}

fn kind(metadata: &Metadata) -> StatKind {
    if metadata.is_symlink() {
        StatKind::Link
    } else if metadata.is_dir() {
        StatKind::Dir
    } else if metadata.is_file() {
        StatKind::File
    } else {
        StatKind::Special
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Look;

    #[test]
    fn a_file_that_ends_before_its_length_was_not_read() {
        let read = |length, most| Look::of(read_at_most(&b"half"[..], length, most, "too long"));
        assert!(matches!(read(8, 99), Look::Failed(error) if error.kind() == io::ErrorKind::UnexpectedEof));
        // The file grew meanwhile, or it is a virtual file of the system.
        for length in [4, 2, 0] {
            assert!(matches!(read(length, 4), Look::Read(bytes) if bytes == b"half"), "{length}");
        }
        assert!(matches!(read(8, 3), Look::Refused(_)));
    }
}
