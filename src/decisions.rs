//! The decisions of the process-wide client, under the name people look for: `consent::grant(scope)`. One line a function; the
//! [`Client`](crate::Client) has the same ones.

pub use crate::prompt::Prompt;
use crate::{
    consent::{ErasureStatus, Grant, MayAsk, Notice, Receipt, Receipts, Scope, Status, Undeclared},
    error::Error,
    global::client,
};

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

/// Takes a yes back: nothing more is recorded or sent, what waits is destroyed, and the receipt says whether
/// every process that shares the store has confirmed it. Waits for that at most half a second, and before it
/// for another process that is deciding at most a second and a half. What was sent before
/// stays in the sent log, for the person; [`delete_sent`] removes it, and [`erase`] asks the recipient to delete it.
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

/// Every decision of this store, oldest first, with the texts they name: for the person to keep, and for [`verify`].
///
/// Reads only. Nothing of it is sent, and only the program writes it anywhere, where the person wishes.
///
/// # Errors
/// `candor::init` was not called, or the history can't be read ([`Error::is_store`]). Records that can be read and can't
/// be relied on are no error here: the export says so.
///
/// [`verify`]: crate::consent::verify()
pub fn receipts() -> Result<Receipts, Error> {
    client()?.receipts()
}

/// Deletes everything that is kept on this computer of what a scope sent: contents, and the random numbers by which the
/// records could be named for [`erase`]. From then on none of it can be named; how many records left is still known. What
/// the recipient has is not touched, and what was asked for before goes on.
///
/// Offer it at a withdrawal beside keeping, both alike. [`keep_contents`] lies between the two.
///
/// # Errors
/// The disk refused. Where it took the wish and not all of the deletion, the rest is deleted before more of the scope leaves.
pub fn delete_sent(scope: Scope) -> Result<(), Error> {
    client()?.delete_sent(scope)
}

/// Records "ask me later": nothing is recorded or sent, and the program may ask again after a month. It works twice; the
/// third time it is a no. Where the person agreed to less before, that stays. After a no or a withdrawal it changes nothing.
///
/// # Errors
/// As for [`withdraw`].
pub fn defer(scope: Scope) -> Result<Receipt, Error> {
    client()?.defer(scope)
}

/// Records that a person who was asked for more keeps to what they agreed to: the build is held to that, or stays off, and
/// they are not asked about this contract again.
///
/// # Errors
/// The scope is not granted, or the disk did not take it.
pub fn keep(scope: Scope) -> Result<Receipt, Error> {
    client()?.keep(scope)
}

/// Ends a yes on the program's own side, and says why in a few words: a notice that was wrong, a key that leaked, an account
/// that moved. As immediate as [`withdraw`]; the person may be asked anew.
///
/// # Errors
/// As for [`withdraw`], and it is the program's to repeat: what the person decides is tried again by itself, and this is not.
/// And the scope is not granted.
pub fn revoke(scope: Scope, why: &str) -> Result<Receipt, Error> {
    client()?.revoke(scope, why)
}

/// Switches one field of a granted scope, named `event.field`, off or on again. What waits is destroyed either way, and from
/// then on the field is left out, or said as agreed.
///
/// # Errors
/// The scope is not granted; it has no such field ([`Error::is_configuration`]); or the disk did not take it, in which case
/// nothing has changed.
pub fn switch(scope: Scope, field: &str, on: bool) -> Result<Receipt, Error> {
    client()?.switch(scope, field, on)
}

/// Records whether the person wants to be asked when a version would do more than they agreed to. Without it they are, once
/// for each such version; with `false`, the program is held to what was agreed and [`may_ask`] says no.
///
/// # Errors
/// The disk did not take it.
pub fn ask_about_widenings(ask: bool) -> Result<(), Error> {
    client()?.ask_about_widenings(ask)
}

/// Whether the program may ask about a scope now, of its own accord. For a page that the person opens it does not matter.
///
/// Ask through [`prompt`]. A question that is put otherwise, and closed without a call of [`deny`], leaves nothing behind, and
/// would be asked at every start.
///
/// # Errors
/// `candor::init` was not called, or the scope is not registered.
pub fn may_ask(scope: Scope) -> Result<MayAsk, Error> {
    client()?.may_ask(scope)
}

/// Opens the question whether the person agrees, if the program [may ask](may_ask). One at a time, and one a run.
/// Waits for another process that is deciding at most a second and a half.
///
/// # Errors
/// [`Error::may_not_ask`]: not now; nothing is to be shown. And those of [`may_ask`].
pub fn prompt(scope: Scope) -> Result<Prompt<'static>, Error> {
    client()?.prompt(scope)
}

/// Switches off, or on again, that the contents of what a scope sends are kept on this computer for the person to read.
///
/// Off, those that are kept are deleted at once and none are kept from now on, whatever else is decided about the scope: what
/// stays is when something left, how much, and under which decision, and the records' random numbers while the recipient's
/// retention lasts, so that they can still be named for [`erase`]. On is how it begins.
///
/// # Errors
/// The disk refused. Where it took the wish and not all of the deletion, the next start deletes the rest.
pub fn keep_contents(scope: Scope, keep: bool) -> Result<(), Error> {
    client()?.keep_contents(scope, keep)
}

/// What the person agreed to and this program does not declare: a scope of an earlier version, or of another program that
/// shares the records. Nothing of it is recorded or sent here. Show it beside the program's own, as the manifest does, and
/// offer [`withdraw_undeclared`].
///
/// # Errors
/// `candor::init` was not called, or the records can't be relied on ([`Error::is_store`]): then nothing is in force.
pub fn undeclared() -> Result<Vec<Undeclared>, Error> {
    client()?.undeclared()
}

/// Takes back a yes to a scope that this program does not declare, by its name. Stops every process that declares it, as
/// [`withdraw`] does, and destroys what waits here.
///
/// Whoever removes a scope from a program does better to keep its `scope!` without events for as long as a yes is good: then
/// what it sent can be erased as well.
///
/// # Errors
/// There is no yes to such a scope; or this program declares it, and [`withdraw`] takes it back; or the withdrawal could not
/// be made durable ([`Error::is_store`]), and nothing is closed.
pub fn withdraw_undeclared(name: &str) -> Result<Receipt, Error> {
    client()?.withdraw_undeclared(name)
}

/// Records that the person asks the recipient to delete what this scope sent. Works whether the scope is on, off or
/// neither, and takes no yes back: call [`withdraw`] before it to stop as well, since what still waits is not named.
///
/// For each request that left, another one will: the random numbers of its records, and nothing else about the person.
/// Each has a moment of its own, a day or so apart in all; the wish is durable, and tried again until the receiver has
/// acknowledged it, refused it ten times, or not answered for 30 days. What came of it is in [`erasures`] and the
/// manifest. Asking again asks only for what was not asked for, or was given up. Nothing is sent while something blocks.
///
/// Say so before the person decides, with an answer that looks like its opposite: [`ErasureStatus::question`].
///
/// # Errors
/// - [`Error::cannot_erase`]: the recipient can't delete single records. The message says when they expire.
/// - [`Error::is_store`]: the disk did not take the wish. Nothing was asked for.
/// - `candor::init` was not called, or the scope is not registered.
pub fn erase(scope: Scope) -> Result<ErasureStatus, Error> {
    client()?.erase(scope)
}

/// Takes back what was asked for with [`erase`] and is still pending, at once in every process that shares the store. What
/// a receiver has taken can't be taken back.
///
/// # Errors
/// The disk refused.
pub fn cancel_erasure(scope: Scope) -> Result<ErasureStatus, Error> {
    client()?.cancel_erasure(scope)
}

/// How much of what a scope sent can be named for [`erase`], what was asked for, and what came of it. Changes nothing.
///
/// # Errors
/// `candor::init` was not called, or the scope is not registered.
pub fn erasures(scope: Scope) -> Result<ErasureStatus, Error> {
    client()?.erasures(scope)
}
