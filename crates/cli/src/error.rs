//! The errors of the command line. Each message names the fix. Never prints anything itself.

use candor::__private::clean_line;
use std::io;

/// Why the command was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The arguments do not fit together, or name something that does not exist.
    #[error("{0}")]
    Usage(String),
    /// The input can't be read in the expected form.
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
    close.map_or_else(String::new, |(_, name)| format!(" Did you mean `{}`?", clean_line(name)))
}
