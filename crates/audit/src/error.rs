//! The errors of the program, in words that name the fix. Never holds a row's values: only names, lines and paths.
//!
//! The other tool, `candor`, has the same file, but for the name of what makes a text safe to print; a test compares the two.
//! Each tool is published as a package of its own, so a shared file would have to be a third package: one more to publish, to
//! keep at the same version and to review, for forty lines.

use crate::words::shown;
use std::io;

/// Why the program did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The arguments do not fit together or do not fit the input, or name something that does not exist.
    #[error("{0}")]
    Usage(String),
    /// The input does not have the expected form.
    #[error("{0}")]
    Input(String),
    /// The operating system returned an error.
    #[error("{what}: {source}")]
    Io {
        /// The operation that failed.
        what: String,
        /// The system's error.
        source: io::Error,
    },
}

/// The result of every function that can fail.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Adds the failed operation to an error of the operating system.
pub(crate) trait Trying<T> {
    /// Adds `what` to an error.
    fn trying(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Trying<T> for io::Result<T> {
    fn trying(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::Io { what: what(), source })
    }
}

/// Returns ` Did you mean …?` if one of the names is close to `wanted`, else an empty text.
pub(crate) fn did_you_mean<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> String {
    let close = names
        .map(|name| (strsim::jaro_winkler(&wanted.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    close.map_or_else(String::new, |(_, name)| format!(" Did you mean `{}`?", shown(name)))
}
