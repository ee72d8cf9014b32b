//! Directories as the judge sees them: copies, and a search through every byte.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// A copy of a directory with the modes of what is in it.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), &to)?;
        }
    }
    // Last, and as it was: candor refuses what others may open.
    fs::set_permissions(to, fs::Permissions::from_mode(fs::metadata(from)?.permissions().mode()))
}

/// Every regular file below a directory.
pub(crate) fn all(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(all(&path)) } else { found.push(path) }
    }
    found
}

/// Whether these bytes stand in a file.
pub(crate) fn holds(path: &Path, bytes: &str) -> bool {
    let content = fs::read(path).unwrap_or_default();
    content.windows(bytes.len()).any(|part| part == bytes.as_bytes())
}
