//! [`Error`]: the crate's only error type. Every message names the thing that is wrong and says how to fix it.
//!
//! Only calls that set up, decide or inspect return errors. Recording an event never fails: events that can't be recorded are
//! counted.

use crate::clean;
use std::path::PathBuf;

/// What went wrong, and how to fix it.
///
/// It is one opaque type for the whole crate, so that new causes can be added without breaking callers. The message is written
/// for a developer. The few causes that a program may want to act on have a predicate, such as
/// [`needs_notice`](Error::needs_notice).
pub struct Error(Box<Kind>);

/// Prints the message after the module `clean` made it safe to print: it may contain paths and names that others chose.
impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Only the kinds that list several problems have messages of several lines.
        let said = self.0.to_string();
        let lists = matches!(
            *self.0,
            Kind::Lock { .. } | Kind::Translation { .. } | Kind::Published { .. } | Kind::Library { .. }
        );
        f.write_str(&if lists { clean::text(&said) } else { clean::line(&said) })
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.0)
    }
}

/// Prints the message, not the structure: a `main` that returns an error prints its `Debug` form, and the message has the fix.
impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl Error {
    /// The decision needs a new notice: the person refused or withdrew before, what they agreed to has changed, or the notice
    /// that was shown is not the current one. Show [`consent::notice`](crate::consent::notice) and grant with
    /// [`Scope::shown`](crate::Scope::shown).
    #[must_use]
    pub fn needs_notice(&self) -> bool {
        matches!(*self.0, Kind::NeedsNotice { .. } | Kind::StaleNotice { .. })
    }

    /// The scope is not granted, so there is nothing to keep, switch off or revoke. Nothing was changed.
    #[must_use]
    pub fn is_not_granted(&self) -> bool {
        matches!(*self.0, Kind::NotGranted { .. })
    }

    /// The schema lock, or a text that was published, can't be read or does not match this build: see [`lock`](crate::lock).
    #[must_use]
    pub fn is_schema_lock(&self) -> bool {
        matches!(*self.0, Kind::Lock { .. } | Kind::Published { .. })
    }

    /// There is no notice in the language of the program's interface, or a notice in another language was shown.
    ///
    /// Let the person pick one of [`consent::languages`](crate::consent::languages), show
    /// [`consent::notice_in`](crate::consent::notice_in) that language, and grant with
    /// [`Grant::language_picked`](crate::consent::Grant::language_picked).
    #[must_use]
    pub fn needs_language(&self) -> bool {
        matches!(*self.0, Kind::NoLanguage { .. } | Kind::OtherLanguage { .. })
    }

    /// Something outside the program blocks telemetry: an environment variable, CI, the audience, or an administrator's rule.
    /// Nothing was recorded. Granting again does not help: the cause of the block must be removed.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        matches!(*self.0, Kind::Blocked { .. })
    }

    /// The program may not ask the person now. [`consent::may_ask`](crate::consent::may_ask) says why. Show nothing.
    #[must_use]
    pub fn may_not_ask(&self) -> bool {
        matches!(*self.0, Kind::MayNotAsk { .. })
    }

    /// The mistake is in the program: in its configuration, its certificates, its names, or the order of its calls. Fix the
    /// program.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        matches!(
            *self.0,
            Kind::Endpoint { .. }
                | Kind::NoTlsProvider { .. }
                | Kind::Tls { .. }
                | Kind::NoEndpoint
                | Kind::Name { .. }
                | Kind::Device { .. }
                | Kind::DuplicateEvent { .. }
                | Kind::DuplicateScope { .. }
                | Kind::LinkedBudget { .. }
                | Kind::Budget { .. }
                | Kind::Items { .. }
                | Kind::TooManyScopes { .. }
                | Kind::UnknownScope { .. }
                | Kind::Declared { .. }
                | Kind::UnknownField { .. }
                | Kind::Text { .. }
                | Kind::Unstated { .. }
                | Kind::Country { .. }
                | Kind::Language { .. }
                | Kind::Translation { .. }
                | Kind::AlreadyInitialized
                | Kind::NotInitialized
                | Kind::Forked
                | Kind::ShutDown
                | Kind::OtherScope { .. }
                | Kind::OneDirectory
                | Kind::NotAllowed { .. }
                | Kind::Library { .. }
                | Kind::Packages { .. }
        )
    }

    /// The kind of the I/O error, if an I/O operation failed.
    pub(crate) fn io(&self) -> Option<std::io::ErrorKind> {
        match &*self.0 {
            Kind::Io { source, .. } => Some(source.kind()),
            _ => None,
        }
    }

    /// Something occupies the path of one of candor's files or directories, and candor does not use it or may not use it.
    pub(crate) fn is_in_the_way(&self) -> bool {
        use std::io::ErrorKind::{AlreadyExists, InvalidData, IsADirectory, NotADirectory, PermissionDenied};
        let is = |kind| matches!(kind, AlreadyExists | InvalidData | IsADirectory | NotADirectory | PermissionDenied);
        matches!(*self.0, Kind::Store { .. }) || self.io().is_some_and(is)
    }

    /// Another process holds a lock.
    pub(crate) fn is_locked(&self) -> bool {
        matches!(*self.0, Kind::Locked { .. })
    }

    /// The recipient can't delete single records before their retention is over, so an erasure request is not possible.
    #[must_use]
    pub fn cannot_erase(&self) -> bool {
        matches!(*self.0, Kind::CannotErase { .. })
    }

    /// The store on disk could not be used. Telemetry is off until it can be used again.
    #[must_use]
    pub fn is_store(&self) -> bool {
        matches!(*self.0, Kind::Store { .. } | Kind::Io { .. } | Kind::Locked { .. } | Kind::Barred { .. })
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Error(Box::new(kind))
    }
}

/// The causes of errors. Private, so that a new cause breaks no caller.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error("endpoint `{given}` can't be used: {why}")]
    Endpoint { given: String, why: &'static str },
    #[error("no endpoint is set: call `Config::endpoint(\"https://…\")` or `Config::transport(…)`")]
    NoEndpoint,
    #[error(
        "endpoint `{endpoint}` is https, and this program has no TLS provider: in Cargo.toml write \
         `candor = {{ features = [\"ring\"] }}`, or pass the provider you already use to \
         `Config::tls_provider` (feature `rustls`)"
    )]
    NoTlsProvider { endpoint: String },
    #[error("TLS can't be set up: {why}")]
    Tls { why: String },
    #[error(
        "{what} `{name}` is not a valid name: use parts of [a-z][a-z0-9_]* joined by dots, 48 bytes at most, \
         such as `{such_as}`"
    )]
    Name { what: &'static str, name: String, such_as: &'static str },
    #[error(
        "{what} `{name}` begins with the name of a device on Windows, where no file can be called that: use another \
         first part"
    )]
    Device { what: &'static str, name: String },
    #[error("two events are named `{name}`: rename one of them, since a receiver could not tell them apart")]
    DuplicateEvent { name: &'static str },
    #[error("two scopes are named `{name}`: rename one of them, since each purpose needs a switch of its own")]
    DuplicateScope { name: &'static str },
    #[error(
        "the events {events} of scope `{scope}` can be linked by their codes, and have {outcomes} outcomes together; \
         the budget is {budget}. Give each of their `hash` fields its own `domain`, give one event another period, or \
         use coarser classes"
    )]
    LinkedBudget { scope: &'static str, events: String, outcomes: u128, budget: u64 },
    #[error(
        "scope `{scope}` says too much about one installation: what stays the same about it has {outcomes} outcomes even if \
         each installation reports only one part ({parts}), and the bound is {bound}. Use coarser classes, leave fields out, \
         or write `budget: {outcomes}, budget_reason: \"…\",` in its `candor::scope!`, which the person reads"
    )]
    Budget { scope: &'static str, parts: String, outcomes: u64, bound: u64 },
    #[error("the events {events} of scope `{scope}`, which count a few items each, {why}")]
    Items { scope: &'static str, events: String, why: String },
    #[error("{count} scopes are linked into this program, and the limit is {most}: merge scopes that share a purpose")]
    TooManyScopes { count: usize, most: usize },
    #[error("scope `{scope}` is not registered in this program: declare it with `candor::scope!`")]
    UnknownScope { scope: String },
    #[error("scope `{scope}` is declared by this program: withdraw it with `candor::consent::withdraw`")]
    Declared { scope: String },
    #[error("scope `{scope}` has no field `{field}`: name one of {known}")]
    UnknownField { scope: String, field: String, known: String },
    #[error("{what} is required: {fix}")]
    Text { what: &'static str, fix: &'static str },
    #[error(
        "the controller leaves out what the notice must state, and candor assumes nothing about it. Add to \
         `Controller::new(…)`: {calls}"
    )]
    Unstated { calls: String },
    #[error("country `{given}` is not an ISO 3166-1 alpha-2 code: write two capital letters, such as `FR`")]
    Country { given: String },
    #[error("{what}, `{given}`, is not a language tag: write a BCP 47 tag, such as `fr` or `pt-BR`")]
    Language { what: &'static str, given: String },
    #[error("translation `{language}`: {problem}")]
    Translation { language: String, problem: String },
    #[error("candor is already initialised: call `candor::init` once, early in `main`, and keep what it returns")]
    AlreadyInitialized,
    #[error(
        "candor was shut down: the guard that `candor::init` returned was dropped, or `shutdown` was called. It \
         records and sends nothing more and accepts no grant; it still accepts a refusal or a withdrawal. Keep the \
         guard until `main` ends: write `let _candor = candor::init(…)?;`, since `let _ = …` drops it at once"
    )]
    ShutDown,
    #[error("candor is not initialised: call `candor::init(Config::new(…))` first and keep what it returns")]
    NotInitialized,
    #[error(
        "this client belongs to the process that this one was forked from, and can't be used here: make a new one in \
         this process with `candor::Client::new`"
    )]
    Forked,
    #[error("`Config::directories` takes two different directories: the second one must survive the loss of the first")]
    OneDirectory,
    #[error("{why}")]
    Barred { why: String },
    #[error("reports are switched off by {by}; nothing was recorded, and earlier decisions are unchanged")]
    Blocked { by: String },
    #[error(
        "scope `{scope}` belongs to a library, and this program does not allow it to report: to let people be asked \
         about it, call `Config::allow({constant})` where the program is configured"
    )]
    NotAllowed { scope: &'static str, constant: &'static str },
    #[error(
        "{found}, and it is not stated that these packages are part of this program: what they declare would be sent \
         in its name, to its recipient. Write `Config::packages([{names}])` without those that are not part of it. The \
         scope of a package that is a library must say so: `library: {{ controller: …, endpoint: … }}`"
    )]
    Packages { found: String, names: String },
    #[error("the library's scope `{scope}` can't be used: {why}")]
    Library { scope: &'static str, why: Error },
    #[error(
        "scope `{scope}` was {state}, so a grant without a notice can't open it: show \
         `candor::consent::notice({scope_const})` again and call `grant({scope_const}.shown(&notice))` if the person \
         says yes"
    )]
    NeedsNotice { scope: String, scope_const: String, state: &'static str },
    #[error("scope `{scope}` is not granted, so there is nothing to keep, switch off or revoke")]
    NotGranted { scope: String },
    #[error(
        "this is not the moment to ask about `{scope}`: {why}. Show nothing; the person can always decide on the \
         program's settings page"
    )]
    MayNotAsk { scope: String, why: String },
    #[error(
        "the notice that was shown is that of scope `{shown}`, but the grant is for `{scope}`: show \
         `candor::consent::notice({scope_const})`, or grant `{shown_const}`, which the person agreed to"
    )]
    OtherScope { scope: &'static str, scope_const: &'static str, shown: &'static str, shown_const: &'static str },
    #[error(
        "the notice that was shown for `{scope}` is not the one this program would show now: take a fresh one from \
         `candor::consent::notice` just before asking"
    )]
    StaleNotice { scope: String },
    #[error(
        "there is no notice in `{asked}`: let the person pick one of {has}, show it with `candor::consent::notice_in`, and \
         grant with `.shown(&notice).language_picked()`; or give `Config::translation` the texts in that language"
    )]
    NoLanguage { asked: String, has: String },
    #[error(
        "the notice that was shown for `{scope}` is in `{shown}`, but the program's interface is in `{interface}`: \
         show `candor::consent::notice({scope_const})`, or, if the person picked that language, grant with \
         `{scope_const}.shown(&notice).language_picked()`"
    )]
    OtherLanguage { scope: String, scope_const: String, shown: String, interface: String },
    #[error(
        "{controller} can't delete single records before their retention period is over: {left}; questions go to \
             {contact}"
    )]
    CannotErase { controller: String, left: String, contact: String },
    #[error("store `{}` can't be used: {why}", clean::path(path))]
    Store { path: PathBuf, why: &'static str },
    #[error("can't {action} `{}`: {source}", clean::path(path))]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("`{}`: {why}", clean::path(path))]
    Lock { path: PathBuf, why: String },
    #[error("{what} is not what this build says: {why}")]
    Published { what: String, why: String },
    #[error("another process holds `{}`: try again in a moment", clean::path(path))]
    Locked { path: PathBuf },
}

/// Adds to an I/O error the path and the action that a person needs to fix it.
pub(crate) trait At<T> {
    fn at(self, action: &'static str, path: &std::path::Path) -> Result<T, Error>;
}

impl<T> At<T> for std::io::Result<T> {
    fn at(self, action: &'static str, path: &std::path::Path) -> Result<T, Error> {
        self.map_err(|source| Kind::Io { action, path: path.to_owned(), source }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One error of each kind. A kind that is missing here fails to compile in `at`, or leaves a gap.
    fn all() -> Vec<Kind> {
        let (s, path) = (String::new, PathBuf::new);
        vec![
            Kind::Endpoint { given: s(), why: "" },
            Kind::NoEndpoint,
            Kind::NoTlsProvider { endpoint: s() },
            Kind::Tls { why: s() },
            Kind::Name { what: "", name: s(), such_as: "" },
            Kind::Device { what: "", name: s() },
            Kind::DuplicateEvent { name: "" },
            Kind::DuplicateScope { name: "" },
            Kind::LinkedBudget { scope: "", events: s(), outcomes: 0, budget: 0 },
            Kind::Items { scope: "", events: s(), why: s() },
            Kind::Budget { scope: "", parts: s(), outcomes: 0, bound: 0 },
            Kind::TooManyScopes { count: 0, most: 0 },
            Kind::UnknownScope { scope: s() },
            Kind::Declared { scope: s() },
            Kind::UnknownField { scope: s(), field: s(), known: s() },
            Kind::Text { what: "", fix: "" },
            Kind::Unstated { calls: s() },
            Kind::Country { given: s() },
            Kind::Language { what: "", given: s() },
            Kind::Translation { language: s(), problem: s() },
            Kind::AlreadyInitialized,
            Kind::ShutDown,
            Kind::NotInitialized,
            Kind::Forked,
            Kind::OneDirectory,
            Kind::Barred { why: s() },
            Kind::Blocked { by: s() },
            Kind::NotAllowed { scope: "", constant: "" },
            Kind::Packages { found: s(), names: s() },
            Kind::Library { scope: "", why: Kind::NoEndpoint.into() },
            Kind::NeedsNotice { scope: s(), scope_const: s(), state: "" },
            Kind::NotGranted { scope: s() },
            Kind::MayNotAsk { scope: s(), why: s() },
            Kind::OtherScope { scope: "", scope_const: "", shown: "", shown_const: "" },
            Kind::StaleNotice { scope: s() },
            Kind::NoLanguage { asked: s(), has: s() },
            Kind::OtherLanguage { scope: s(), scope_const: s(), shown: s(), interface: s() },
            Kind::CannotErase { controller: s(), left: s(), contact: s() },
            Kind::Store { path: path(), why: "" },
            Kind::Io { action: "", path: path(), source: std::io::ErrorKind::NotFound.into() },
            Kind::Lock { path: path(), why: s() },
            Kind::Published { what: s(), why: s() },
            Kind::Locked { path: path() },
        ]
    }

    /// The place of a kind in `all`.
    fn at(kind: &Kind) -> usize {
        match kind {
            Kind::Endpoint { .. } => 0,
            Kind::NoEndpoint => 1,
            Kind::NoTlsProvider { .. } => 2,
            Kind::Tls { .. } => 3,
            Kind::Name { .. } => 4,
            Kind::Device { .. } => 5,
            Kind::DuplicateEvent { .. } => 6,
            Kind::DuplicateScope { .. } => 7,
            Kind::LinkedBudget { .. } => 8,
            Kind::Items { .. } => 9,
            Kind::Budget { .. } => 10,
            Kind::TooManyScopes { .. } => 11,
            Kind::UnknownScope { .. } => 12,
            Kind::Declared { .. } => 13,
            Kind::UnknownField { .. } => 14,
            Kind::Text { .. } => 15,
            Kind::Unstated { .. } => 16,
            Kind::Country { .. } => 17,
            Kind::Language { .. } => 18,
            Kind::Translation { .. } => 19,
            Kind::AlreadyInitialized => 20,
            Kind::ShutDown => 21,
            Kind::NotInitialized => 22,
            Kind::Forked => 23,
            Kind::OneDirectory => 24,
            Kind::Barred { .. } => 25,
            Kind::Blocked { .. } => 26,
            Kind::NotAllowed { .. } => 27,
            Kind::Packages { .. } => 28,
            Kind::Library { .. } => 29,
            Kind::NeedsNotice { .. } => 30,
            Kind::NotGranted { .. } => 31,
            Kind::MayNotAsk { .. } => 32,
            Kind::OtherScope { .. } => 33,
            Kind::StaleNotice { .. } => 34,
            Kind::NoLanguage { .. } => 35,
            Kind::OtherLanguage { .. } => 36,
            Kind::CannotErase { .. } => 37,
            Kind::Store { .. } => 38,
            Kind::Io { .. } => 39,
            Kind::Lock { .. } => 40,
            Kind::Published { .. } => 41,
            Kind::Locked { .. } => 42,
        }
    }

    #[test]
    fn each_kind_is_reached_by_exactly_one_predicate() {
        let predicates: [fn(&Error) -> bool; 9] = [
            Error::needs_notice,
            Error::needs_language,
            Error::is_not_granted,
            Error::is_schema_lock,
            Error::is_blocked,
            Error::may_not_ask,
            Error::is_configuration,
            Error::cannot_erase,
            Error::is_store,
        ];
        let all = all();
        assert_eq!(all.iter().map(at).collect::<Vec<_>>(), (0..all.len()).collect::<Vec<_>>());
        for kind in all {
            let shown = format!("{kind:?}");
            let error = Error::from(kind);
            assert_eq!(predicates.iter().filter(|is| is(&error)).count(), 1, "{shown}");
        }
    }
}
