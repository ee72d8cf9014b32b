//! Directories in tests: their contents, copies of them, and damage to them.

pub(crate) use crate::stage::start::every;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Every file below a directory with its bytes, by its relative path. Directories and entries that are not regular files are
/// listed too, with no bytes. Slashes separate the names.
pub(crate) fn tree(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, directory: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
            // A file may be removed while the directory is read.
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                found.insert(format!("{name}/"), Vec::new());
                walk(root, &path, found);
            } else if kind.is_file() {
                found.insert(name, fs::read(&path).unwrap_or_default());
            } else {
                let mark = if kind.is_symlink() { '@' } else { '|' };
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

/// The total size in bytes of the files below a directory.
pub(crate) fn bytes(directory: &Path) -> u64 {
    all(directory).iter().filter_map(|path| fs::metadata(path).ok()).map(|metadata| metadata.len()).sum()
}

/// Copies a directory, with the modes that candor requires.
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

/// Replaces `to` by a copy of `from`.
pub(crate) fn restore(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    copy(from, to);
}

/// Creates a directory and its parents. Only the owner may open the directory.
pub(crate) fn make_dir(path: &Path) {
    fs::create_dir_all(path).unwrap();
    mode(path, 0o700);
}

/// Writes a file that only its owner may open.
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    mode(path, 0o600);
}

/// Sets the mode on Unix. Does nothing on Windows, which has no modes: tests that need one run on Unix only.
pub(crate) fn mode(path: &Path, mode: u32) {
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    #[cfg(not(unix))]
    let _ = (path, mode);
}

/// The same bytes with every bit of one byte inverted.
pub(crate) fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 0xff;
    bytes
}

/// The same bytes with one bit inverted.
pub(crate) fn bit_flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}
