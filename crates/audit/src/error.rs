//! What can go wrong, in words that name the mend. Never holds a row's values: only names, lines and paths.

use std::io;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line asks for something that does not fit together.
    #[error("{0}")]
    Usage(String),
    /// The input can't be read as what it should be.
    #[error("{0}")]
    Input(String),
    /// The system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

/// The result of everything that can fail.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Says what was tried when the system refused.
pub(crate) trait Trying<T> {
    /// Adds `what` to an error.
    fn trying(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Trying<T> for io::Result<T> {
    fn trying(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::Io { what: what(), source })
    }
}

/// Ends with ` Did you mean …?` if one of the names is close to `wanted`.
pub(crate) fn did_you_mean<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> String {
    let close = names
        .map(|name| (strsim::jaro_winkler(&wanted.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    close.map_or_else(String::new, |(_, name)| format!(" Did you mean `{}`?", crate::words::shown(name)))
}
