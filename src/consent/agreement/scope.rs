//! A scope: the smallest unit that a person can switch on or off. It has one purpose, one retention, one set of promises.
//!
//! [`scope!`](crate::scope) declares one and makes a [`Scope`], a `Copy` handle. The handle refers to a static with the
//! texts that a person is shown and the gate that `record` reads. This module never decides anything.

use crate::consent::agreement::controller::Controller;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The size of the arrays in which gates are kept. Index 0 is not used, so a program may link at most 63 scopes. A person
/// can't judge more.
pub(crate) const MAX_SCOPES: usize = 64;

/// The subject of a scope's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum About {
    /// This installation of the program: one profile of one user of the operating system.
    Installation,
}

/// An answer to one of the five closed questions that every scope answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UseAnswer {
    /// It is not done with this data.
    No,
    /// It is done, for this reason.
    Yes(&'static str),
}

/// The five closed answers: what the recipient does with the data in addition to the purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "written out by `scope!`, which must name every answer")]
pub struct Uses {
    /// Training of machine-learning models.
    pub training: UseAnswer,
    /// Sale, or sharing with third parties for their own purposes.
    pub sale_or_sharing: UseAnswer,
    /// Advertising.
    pub advertising: UseAnswer,
    /// Profiles of persons.
    pub profiling: UseAnswer,
    /// Judging the performance of workers.
    pub judging_workers: UseAnswer,
}

impl Uses {
    /// The five answers in the order of `scope!`: the name that each has there, its description, and the answer.
    #[must_use]
    pub const fn all(&self) -> [(&'static str, &'static str, UseAnswer); 5] {
        [
            ("training", "training models", self.training),
            ("sale_or_sharing", "sale or sharing with others", self.sale_or_sharing),
            ("advertising", "advertising", self.advertising),
            ("profiling", "profiles of persons", self.profiling),
            ("judging_workers", "judging workers", self.judging_workers),
        ]
    }
}

/// The declaration of one scope. Only `scope!` makes it.
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

/// Who is responsible for a library's scope, and where its reports are sent. Only `scope!` makes it.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
#[allow(clippy::exhaustive_structs, reason = "built by `scope!` in other crates")]
pub struct Library {
    pub controller: Controller,
    pub endpoint: &'static str,
}

/// The static that a [`Scope`] refers to: its declaration, and the process-wide gate.
#[doc(hidden)]
#[derive(Debug)]
pub struct ScopeStatic {
    words: ScopeWords,
    /// The responsible party, if this is a library's scope.
    library: Option<Library>,
    /// A larger budget than the default, with its reason.
    budget: Option<(u64, &'static str)>,
    /// The package that declares it, if Cargo compiled it.
    package: Option<&'static str>,
    /// The epoch under which the process-wide client records. 0 means closed.
    gate: AtomicU64,
    /// A dense number from 1, assigned at registration. 0 means not registered; such a scope's gate never opens.
    index: AtomicU32,
    /// How many different reports an installation can make about what stays the same about it, and the number of panels they
    /// are split into. Assigned at registration; 0 means that nothing stays the same.
    stays: (AtomicU64, AtomicU32),
}

impl ScopeStatic {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(words: ScopeWords) -> Self {
        assert!(words.retention_days > 0, "a scope's `retention` is at least 1 day");
        ScopeStatic {
            words,
            library: None,
            budget: None,
            package: None,
            gate: AtomicU64::new(0),
            index: AtomicU32::new(0),
            stays: (AtomicU64::new(0), AtomicU32::new(0)),
        }
    }

    /// Sets the package that declares it.
    #[doc(hidden)]
    #[must_use]
    pub const fn in_package(mut self, package: Option<&'static str>) -> Self {
        self.package = package;
        self
    }

    /// Sets a larger budget than the default, with the reason that the person reads.
    #[doc(hidden)]
    #[must_use]
    pub const fn with_budget(mut self, outcomes: u64, reason: &'static str) -> Self {
        self.budget = Some((outcomes, reason));
        self
    }

    /// Makes it a library's scope. It is closed until the program allows it, and its reports are sent to the library's endpoint
    /// only.
    #[doc(hidden)]
    #[must_use]
    pub const fn of_library(mut self, library: Library) -> Self {
        self.library = Some(library);
        self
    }
}

/// A scope: one purpose that a person can grant and withdraw. `candor::scope!` declares it.
///
/// A small `Copy` handle: `consent::grant(PLAYBACK)` takes it by value.
///
/// ```
/// candor::scope! {
///     /// Find out which keys people press most, so that those are easy to reach.
///     pub KEYS = "keys" {
///         title: "Keys", revision: 1, about: installation, retention: 30 days,
///         benefit: "Shorter ways", other_uses: none,
///     }
/// }
///
/// assert_eq!(KEYS.title(), "Keys");
/// assert_eq!(KEYS.purpose(), "Find out which keys people press most, so that those are easy to reach.");
/// assert_eq!(KEYS.retention_days(), 30);
/// ```
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

    /// The publisher's revision of the purpose's meaning. A new revision needs a new grant.
    #[must_use]
    pub const fn revision(self) -> u32 {
        self.0.words.revision
    }

    /// The subject of the scope's events.
    #[must_use]
    pub const fn about(self) -> About {
        self.0.words.about
    }

    /// How long the recipient keeps the data, in days.
    #[must_use]
    pub const fn retention_days(self) -> u32 {
        self.0.words.retention_days
    }

    /// How many different reports an installation can make about what stays the same about it, over all panels, and the number
    /// of panels. `None` if nothing stays the same, or before the program has started.
    pub(crate) fn stays(self) -> Option<(u64, u32)> {
        let (outcomes, panels) = &self.0.stays;
        let stays = (outcomes.load(Ordering::Relaxed), panels.load(Ordering::Relaxed));
        (stays.0 > 1).then_some(stays)
    }

    pub(crate) fn set_stays(self, outcomes: u64, panels: u32) {
        self.0.stays.1.store(panels, Ordering::Relaxed);
        self.0.stays.0.store(outcomes, Ordering::Release);
    }

    /// The largest number of different reports that an installation may make about what stays the same about it, if it is not
    /// the default of 1,024; and why it is larger.
    #[must_use]
    pub const fn budget(self) -> Option<(u64, &'static str)> {
        self.0.budget
    }

    /// The five closed answers.
    #[must_use]
    pub const fn uses(self) -> Uses {
        self.0.words.uses
    }

    /// Further promises. Each completes the sentence "never used for …".
    #[must_use]
    pub const fn also_never(self) -> &'static [&'static str] {
        self.0.words.also_never
    }

    /// Whether it belongs to a library. Such a scope has its own controller and endpoint.
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

    /// The process-wide gate. It is the only thing that `record` reads while nothing is granted.
    #[inline]
    pub(in crate::consent) fn gate(self) -> &'static AtomicU64 {
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

/// A scope by its name, whether or not this program declares it. A scope is closed, confirmed and destroyed by this.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScopeKey<'n> {
    name: &'n str,
    declared: Option<Scope>,
}

impl<'n> ScopeKey<'n> {
    /// A scope that this program does not declare. It has no gate, no keys in memory and no open files in this process.
    pub(crate) fn undeclared(name: &'n str) -> Self {
        ScopeKey { name, declared: None }
    }

    pub(crate) fn name(self) -> &'n str {
        self.name
    }

    /// The scope, if this program declares it.
    pub(crate) fn declared(self) -> Option<Scope> {
        self.declared
    }

    /// The title that a person reads. The title of a scope that this program does not declare is not known, so its name is shown instead.
    pub(crate) fn title(self) -> &'n str {
        match self.declared {
            Some(scope) => scope.title(),
            None => self.name,
        }
    }
}

impl From<Scope> for ScopeKey<'_> {
    fn from(scope: Scope) -> Self {
        ScopeKey { name: scope.name(), declared: Some(scope) }
    }
}

/// A scope linked into the program. `scope!` collects them all, so that a manifest can't leave one out.
#[doc(hidden)]
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "built by `scope!` in other crates")]
pub struct LinkedScope(pub Scope);

inventory::collect!(LinkedScope);

/// Every scope linked into the program, in the linker's order.
pub(crate) fn linked() -> impl Iterator<Item = Scope> {
    inventory::iter::<LinkedScope>.into_iter().map(|linked| linked.0)
}

/// Whether a name is made of dot-separated parts of the form `[a-z][a-z0-9_]*`, at most 48 bytes in all.
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

/// Device names on Windows. No file there can have such a name, whatever follows the first dot.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Whether a file of this name can't be created on Windows. The names of scopes and applications are used as file names, and
/// a store is the same on every platform, so candor accepts no such name on any platform.
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
