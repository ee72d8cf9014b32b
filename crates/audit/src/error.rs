//! The errors of the program, in words that name the fix. Never holds a row's values: only names, lines and paths.

use std::io;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line's options do not fit together or do not fit the input.
    #[error("{0}")]
    Usage(String),
    /// The input does not have the expected format.
    #[error("{0}")]
    Input(String),
    /// The operating system returned an error.
    #[error("{what}: {source}")]
    Io {
        /// What the program tried to do.
        what: String,
        /// The system's error.
        source: io::Error,
    },
}

/// The result of every function that can fail.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Adds what was tried to a system error.
pub(crate) trait Trying<T> {
    /// Adds `what` to an error.
    fn trying(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Trying<T> for io::Result<T> {
    fn trying(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::Io { what: what(), source })
    }
}

/// Returns ` Did you mean …?` if one of the names is close to `wanted`, and an empty text if none is.
pub(crate) fn did_you_mean<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> String {
    let close = names
        .map(|name| (strsim::jaro_winkler(&wanted.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    close.map_or_else(String::new, |(_, name)| format!(" Did you mean `{}`?", crate::words::shown(name)))
}
