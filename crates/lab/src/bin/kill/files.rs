//! Helpers of the judge for directories: copies, and a search through every byte.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Copies a directory. The permissions of its content are copied too.
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
    // Last, with the original permissions: candor refuses a directory that others may open.
    fs::set_permissions(to, fs::metadata(from)?.permissions())
}

/// Makes a directory that others may not open, as candor does.
pub(crate) fn make(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::DirBuilderExt::mode(&mut fs::DirBuilder::new(), 0o700).create(directory);
    #[cfg(not(unix))]
    fs::create_dir(directory)
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

/// The first file below a directory that contains these bytes. Directories named `but` are skipped.
pub(crate) fn holding(directory: &Path, bytes: &str, but: Option<&str>) -> Option<PathBuf> {
    let holds = |path: &PathBuf| {
        let content = fs::read(path).unwrap_or_default();
        content.windows(bytes.len()).any(|part| part == bytes.as_bytes())
    };
    let looked_at = |path: &PathBuf| !path.components().any(|part| Some(part.as_os_str()) == but.map(AsRef::as_ref));
    all(directory).into_iter().filter(looked_at).find(holds)
}
