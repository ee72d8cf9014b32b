//! Directories as a test sees them: what is in them, copies of them, damage to them.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Every file below a directory with its bytes, by its path from there. Directories and what is no regular file are
/// listed too, with no bytes.
pub(crate) fn tree(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, directory: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            // A file may go while it is looked at.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                found.insert(format!("{name}/"), Vec::new());
                walk(root, &path, found);
            } else if kind.is_file() {
                found.insert(name, fs::read(&path).unwrap_or_default());
            } else {
                let mark = if kind.is_fifo() { '|' } else { '@' };
                found.insert(format!("{name}{mark}"), Vec::new());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(directory, directory, &mut found);
    found
}

/// The regular files below a directory, sorted.
pub(crate) fn all(directory: &Path) -> Vec<PathBuf> {
    let names = tree(directory).into_keys().filter(|name| !name.ends_with(['/', '|', '@']));
    names.map(|name| directory.join(name)).collect()
}

/// How many bytes the files below a directory hold.
pub(crate) fn bytes(directory: &Path) -> u64 {
    all(directory).iter().filter_map(|path| fs::metadata(path).ok()).map(|metadata| metadata.len()).sum()
}

/// A copy of a directory, with the modes candor asks for.
pub(crate) fn copy(from: &Path, to: &Path) {
    make_dir(to);
    for entry in fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            write(&to, &fs::read(entry.path()).unwrap());
        }
    }
}

/// Puts a copy of `from` where `to` is, whatever is there.
pub(crate) fn restore(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    copy(from, to);
}

/// Directories that only their owner may open, parents too.
pub(crate) fn make_dir(path: &Path) {
    fs::create_dir_all(path).unwrap();
    mode(path, 0o700);
}

/// A file that only its owner may open.
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    mode(path, 0o600);
}

pub(crate) fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The same bytes with every bit of one byte turned over.
pub(crate) fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 0xff;
    bytes
}

/// The same bytes with one bit turned over.
pub(crate) fn bit_flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}
