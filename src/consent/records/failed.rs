//! A look at the files that failed, and why a file was not read. A failed look is no answer: no caller writes, deletes or confirms
//! anything because of it.

use crate::{
    clean,
    error::{Error, Kind},
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Why a file was not read. It is neither damaged nor lost, and nothing is written in its place.
pub(in crate::consent) const NOT_READ: &str = "it was not read, since it is no file of your own that only you can open: make yourself its owner, and set the \
     mode 0600";

/// A look at the store failed, so its content is unknown. Every scope is closed for the moment. Nothing is written, deleted
/// or confirmed because of it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("can't look at `{}`: {why}", clean::path(path))]
pub(crate) struct Failed {
    path: PathBuf,
    why: Arc<io::Error>,
}

impl Failed {
    pub(crate) fn of(path: &Path, why: io::Error) -> Self {
        Failed { path: path.to_owned(), why: Arc::new(why) }
    }

    /// Whether a listed file was missing, or shorter than expected: another process changed it in between.
    pub(in crate::consent) fn is_gone(&self) -> bool {
        matches!(self.why.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof)
    }
}

impl From<Failed> for Error {
    fn from(Failed { path, why }: Failed) -> Self {
        let source = io::Error::new(why.kind(), why);
        Kind::Io { action: "look at", path, source }.into()
    }
}

pub(in crate::consent) fn not_read(path: &Path) -> Error {
    Kind::Store { path: path.to_owned(), why: NOT_READ }.into()
}
