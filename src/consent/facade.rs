//! The decisions of the process-wide client, under the name people look for: `consent::grant(scope)`.
//!
//! The client registers itself here when `candor::init` makes it; this file only passes calls on.

use super::{Grant, Notice, Receipt, Status, scope::Scope};
use crate::error::{Error, Kind};
use once_cell::sync::OnceCell;

/// What a client can be told and asked about consent.
pub(crate) trait Decisions: Send + Sync {
    fn grant(&self, grant: Grant) -> Result<Receipt, Error>;
    fn deny(&self, scope: Scope) -> Result<Receipt, Error>;
    fn withdraw(&self, scope: Scope) -> Result<Receipt, Error>;
    fn status(&self, scope: Scope) -> Result<Status, Error>;
    fn notice(&self, scope: Scope) -> Result<Notice, Error>;
    fn notice_in(&self, scope: Scope, language: &str) -> Result<Notice, Error>;
    fn languages(&self) -> Vec<String>;
    fn receipt(&self, scope: Scope) -> Result<Receipt, Error>;
    fn delete_sent(&self, scope: Scope) -> Result<(), Error>;
}

static PROCESS_WIDE: OnceCell<&'static dyn Decisions> = OnceCell::new();

/// Registers the process-wide client.
pub(crate) fn process_wide(client: &'static dyn Decisions) {
    let _ = PROCESS_WIDE.set(client);
}

fn client() -> Result<&'static dyn Decisions, Error> {
    PROCESS_WIDE.get().copied().ok_or_else(|| Kind::NotInitialized.into())
}

/// Records that the person said yes to this scope. From now on its events are recorded, and sent when their time comes.
///
/// The application attests that the person acted. The scope alone says "not recorded how";
/// `grant(scope.shown(&notice).via("settings/privacy"))` records the notice and the place as well. Granting what is
/// granted already changes nothing. Writes to disk, durably (some 10 ms), so keep it off a drawing thread.
///
/// # Errors
/// - [`Error::needs_notice`]: the person said no before, withdrew, or agreed to something else; ask again with a notice.
/// - [`Error::needs_language`]: the notice is in another language than the program's interface, and nobody says that the
///   person picked it. Nothing was recorded.
/// - [`Error::is_blocked`]: the environment or the audience blocks. Nothing was recorded.
/// - [`Error::is_store`]: the disk did not take it, or the store is not ours. Nothing opened.
/// - [`Error::is_configuration`]: `candor::init` was not called, or the scope is not registered.
pub fn grant(grant: impl Into<Grant>) -> Result<Receipt, Error> {
    client()?.grant(grant.into())
}

/// Records that the person said no. A person who had said yes has thereby withdrawn. Works while something blocks.
///
/// # Errors
/// As for [`withdraw`].
pub fn deny(scope: Scope) -> Result<Receipt, Error> {
    client()?.deny(scope)
}

/// Takes a yes back, at once: nothing more is recorded or sent, what waits is destroyed, and the receipt says whether
/// every process that shares the store has confirmed it. Waits for that at most half a second. What was sent before
/// stays in the sent log, for the person; [`delete_sent`] removes it.
///
/// # Errors
/// The disk took neither the decision nor the removal of the snapshot ([`Error::is_store`]). Even then this process
/// neither records nor sends any more.
pub fn withdraw(scope: Scope) -> Result<Receipt, Error> {
    client()?.withdraw(scope)
}

/// Where a scope stands. For a settings page; no feature of a program may depend on it.
///
/// # Errors
/// `candor::init` was not called, or the scope is not registered.
pub fn status(scope: Scope) -> Result<Status, Error> {
    client()?.status(scope)
}

/// The text to show a person before they decide, made from what is linked into this program, in the
/// [language of its interface](crate::Config::interface_language).
///
/// # Errors
/// - [`Error::needs_language`]: there is none in that language. Let the person pick one of [`languages`].
/// - [`Error::is_configuration`]: `candor::init` was not called, or the scope is not registered.
pub fn notice(scope: Scope) -> Result<Notice, Error> {
    client()?.notice(scope)
}

/// The same in a language that the person picked, as a BCP 47 tag: `fr`, or `fr-CA`, which gives the notice in `fr` where
/// there is none for Canada; `pt` gives the one in `pt-BR` where there is no other. Grant with [`language_picked`](Grant::language_picked) where it is not the interface's.
///
/// # Errors
/// As for [`notice`].
pub fn notice_in(scope: Scope, language: &str) -> Result<Notice, Error> {
    client()?.notice_in(scope, language)
}

/// The languages that notices can be had in, as BCP 47 tags in alphabetical order: the one this program's texts are
/// written in, and those it brings a [`Translation`](crate::Translation) for. Show each by its own name.
///
/// # Errors
/// `candor::init` was not called.
pub fn languages() -> Result<Vec<String>, Error> {
    Ok(client()?.languages())
}

/// The receipt of the last decision about a scope.
///
/// # Errors
/// There was none, or the records can't be read.
pub fn receipt(scope: Scope) -> Result<Receipt, Error> {
    client()?.receipt(scope)
}

/// Deletes what the sent log keeps of a scope on this computer. What the recipient has is not touched.
///
/// # Errors
/// The disk refused.
pub fn delete_sent(scope: Scope) -> Result<(), Error> {
    client()?.delete_sent(scope)
}
