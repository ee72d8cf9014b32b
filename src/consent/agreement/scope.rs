//! A scope: the smallest thing with a switch. One purpose, one retention, one set of promises.
//!
//! Declared with [`scope!`](crate::scope), which makes a [`Scope`], a handle that is `Copy`. Behind it stands a static
//! with the words a person is shown and the gate that `record` reads. Nothing here decides anything.

use crate::consent::agreement::contract::Controller;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// How many scopes one program may link; a person can't judge more, and gates are kept in arrays of this size.
pub(crate) const MAX_SCOPES: usize = 64;

/// Whom the events of a scope are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum About {
    /// This installation of the program: one profile of one user of the operating system.
    Installation,
}

/// An answer to one of the five closed questions that every scope answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// It is not done with this data.
    No,
    /// It is done, and this is what for.
    Yes(&'static str),
}

/// The five closed answers: what the recipient does with the data besides the purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "written out by `scope!`, which must name every answer")]
pub struct Uses {
    /// Training of machine-learning models.
    pub training: Answer,
    /// Sale, or sharing with others for their own purposes.
    pub sale_or_sharing: Answer,
    /// Advertising.
    pub advertising: Answer,
    /// Profiles of persons.
    pub profiling: Answer,
    /// Judging the performance of workers.
    pub judging_workers: Answer,
}

impl Uses {
    /// The five answers with the names they carry in `scope!`, in that order.
    #[must_use]
    pub const fn all(&self) -> [(&'static str, &'static str, Answer); 5] {
        [
            ("training", "training models", self.training),
            ("sale_or_sharing", "sale or sharing with others", self.sale_or_sharing),
            ("advertising", "advertising", self.advertising),
            ("profiling", "profiles of persons", self.profiling),
            ("judging_workers", "judging workers", self.judging_workers),
        ]
    }
}

/// What `scope!` writes down: the words and terms of one scope. Made by the macro only.
#[doc(hidden)]
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "built by `scope!` in other crates")]
pub struct ScopeWords {
    pub name: &'static str,
    /// The constant's name in the program, for messages to developers.
    pub constant: &'static str,
    pub title: &'static str,
    pub purpose: &'static str,
    pub benefit: &'static str,
    pub revision: u32,
    pub about: About,
    pub retention_days: u32,
    pub uses: Uses,
    pub also_never: &'static [&'static str],
}

/// Who is answerable for a library's scope, and where its reports go. Made by `scope!` only.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
#[allow(clippy::exhaustive_structs, reason = "built by `scope!` in other crates")]
pub struct Library {
    pub controller: Controller,
    pub endpoint: &'static str,
}

/// The static behind a [`Scope`]: its words, and the process-wide gate.
#[doc(hidden)]
#[derive(Debug)]
pub struct ScopeStatic {
    words: ScopeWords,
    /// For a library's scope: whose it is.
    library: Option<Library>,
    /// The package that declares it, where Cargo compiled it.
    package: Option<&'static str>,
    /// The epoch under which the process-wide client records, or 0: closed.
    gate: AtomicU64,
    /// A dense number from 1, given at registration; 0 is "not registered", whose gate never opens.
    index: AtomicU32,
}

impl ScopeStatic {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(words: ScopeWords) -> Self {
        assert!(words.retention_days > 0, "a scope's `retention` is at least 1 day");
        ScopeStatic { words, library: None, package: None, gate: AtomicU64::new(0), index: AtomicU32::new(0) }
    }

    /// Says which package declares it.
    #[doc(hidden)]
    #[must_use]
    pub const fn in_package(mut self, package: Option<&'static str>) -> Self {
        self.package = package;
        self
    }

    /// Makes it a library's: closed until the program allows it, and never sent anywhere else.
    #[doc(hidden)]
    #[must_use]
    pub const fn of_library(mut self, library: Library) -> Self {
        self.library = Some(library);
        self
    }
}

/// A scope: one purpose a person can agree to and withdraw from, as `candor::scope!` declares it.
///
/// A small `Copy` handle: `consent::grant(PLAYBACK)` takes it by value.
#[derive(Clone, Copy)]
pub struct Scope(&'static ScopeStatic);

impl Scope {
    #[doc(hidden)]
    #[must_use]
    pub const fn of(scope: &'static ScopeStatic) -> Self {
        Scope(scope)
    }

    /// The scope's name, such as `playback`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.words.name
    }

    /// The title a person reads, such as "Playback statistics".
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.0.words.title
    }

    /// What the data is for: the doc comment above the scope.
    #[must_use]
    pub const fn purpose(self) -> &'static str {
        self.0.words.purpose
    }

    /// What the person gets from it.
    #[must_use]
    pub const fn benefit(self) -> &'static str {
        self.0.words.benefit
    }

    /// The publisher's revision of the purpose's meaning. A new revision needs a new yes.
    #[must_use]
    pub const fn revision(self) -> u32 {
        self.0.words.revision
    }

    /// Whom the scope's events are about.
    #[must_use]
    pub const fn about(self) -> About {
        self.0.words.about
    }

    /// How long the recipient keeps the data, in days.
    #[must_use]
    pub const fn retention_days(self) -> u32 {
        self.0.words.retention_days
    }

    /// The five closed answers.
    #[must_use]
    pub const fn uses(self) -> Uses {
        self.0.words.uses
    }

    /// Further promises, each completing "never used for …".
    #[must_use]
    pub const fn also_never(self) -> &'static [&'static str] {
        self.0.words.also_never
    }

    /// Whether it belongs to a library, which has a controller and an endpoint of its own.
    #[must_use]
    pub const fn is_of_library(self) -> bool {
        self.0.library.is_some()
    }

    pub(crate) const fn library(self) -> Option<&'static Library> {
        self.0.library.as_ref()
    }

    pub(crate) const fn package(self) -> Option<&'static str> {
        self.0.package
    }

    pub(crate) const fn constant(self) -> &'static str {
        self.0.words.constant
    }

    /// The scope's dense number, or 0 before registration.
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0.index.load(Ordering::Relaxed) as usize
    }

    pub(crate) fn set_index(self, index: u32) {
        self.0.index.store(index, Ordering::Release);
    }

    /// The process-wide gate: the only thing `record` reads while nothing is granted.
    #[inline]
    pub(crate) fn gate(self) -> &'static AtomicU64 {
        &self.0.gate
    }
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Scope {}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Scope").field(&self.name()).finish()
    }
}

/// A scope linked into the program; collected by `scope!`, so that a manifest can't leave one out.
#[doc(hidden)]
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "built by `scope!` in other crates")]
pub struct LinkedScope(pub Scope);

inventory::collect!(LinkedScope);

/// Every scope linked into the program, in the linker's order.
pub(crate) fn linked() -> impl Iterator<Item = Scope> {
    inventory::iter::<LinkedScope>.into_iter().map(|linked| linked.0)
}

/// `[a-z][a-z0-9_]*` in dot-separated parts, at most 48 bytes.
pub(crate) const fn is_name(name: &str) -> bool {
    let mut rest = name.as_bytes();
    if rest.len() > 48 {
        return false;
    }
    let mut first = true;
    while let [byte, tail @ ..] = rest {
        match byte {
            b'a'..=b'z' => first = false,
            b'0'..=b'9' | b'_' if !first => {}
            b'.' if !first => first = true,
            _ => return false,
        }
        rest = tail;
    }
    !first
}

/// Names that are devices on Windows, whatever follows the first dot: no file there can have one.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Whether a file of this name can't be made on Windows. Scopes and applications name files, and a store is the same on
/// every platform, so candor takes no such name anywhere.
pub(crate) fn is_device(name: &str) -> bool {
    let first = name.split('.').next().unwrap_or_default();
    let numbered = |word: &str| {
        let digits = first.strip_prefix(word).map(str::as_bytes);
        matches!(digits, Some([b'1'..=b'9']))
    };
    DEVICES.contains(&first) || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use super::{is_device, is_name};

    #[test]
    fn devices() {
        for device in ["con", "prn", "aux", "nul", "com1", "com9", "lpt1", "lpt9", "con.x", "nul.a.b"] {
            assert!(is_name(device) && is_device(device), "{device}");
        }
        for other in ["cons", "x.con", "com", "com0", "com10", "comx", "lpt", "console", "auxiliary", "null"] {
            assert!(!is_device(other), "{other}");
        }
    }

    #[test]
    fn names() {
        for good in ["a", "playback.finished", "a_b.c1", "x9"] {
            assert!(is_name(good), "{good}");
        }
        let long = "a".repeat(49);
        for bad in ["", "A", "1a", "a.", ".a", "a..b", "a b", "a/b", "../a", "é", "a.1", "_a", &long] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
