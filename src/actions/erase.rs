//! The act of asking for erasure, over everything above: the wish made durable, taken back, and shown.
//!
//! Apart from withdrawing: it takes no yes back, and a withdrawal takes no wish back. Sends nothing itself; the sender
//! finds the wishes. Never reads what was sent, only the ids it was sent with.

use crate::{
    consent::{ErasureStatus, Scope},
    engine::Engine,
    error::{At, Error},
};

/// Asks for everything of a scope that left and was not asked for yet. All of it is asked for, or nothing: the wish is
/// one small file before it becomes a document for each request, and whatever interrupts that is finished by the sender.
pub(crate) fn erase(engine: &Engine, scope: Scope) -> Result<ErasureStatus, Error> {
    engine.consent.ledger().is_there()?;
    let today = engine.ambient.now().day();
    let names = engine.journal.names();
    let store = engine.consent.ledger().store();
    let (_, last) = names.left(scope, today).at("read what left in", store)?;
    engine.consent.deletes_within(scope, last)?;
    if !names.all(scope, today).at("read what left in", store)?.is_empty() {
        let erasure_requests = engine.consent.erasure_requests();
        let changing = erasure_requests.lock(|| engine.ambient.monotonic())?;
        let asked = erasure_requests.ask(&changing, scope.name(), engine.ambient.now());
        drop(changing);
        asked.at("write a wish in", store)?;
        // The wish stands; where the disk does not take the rest, the sender tries again, and the status says so.
        let _ = engine.make_erasure_requests(scope, false);
    }
    engine.erasure_status(scope)
}

/// Takes back what is pending.
pub(crate) fn cancel(engine: &Engine, scope: Scope) -> Result<ErasureStatus, Error> {
    engine.consent.ledger().is_there()?;
    let before = engine.erasure_status(scope)?;
    let erasure_requests = engine.consent.erasure_requests();
    if erasure_requests.is_busy(scope.name()) || before.damaged > 0 {
        let changing = erasure_requests.lock(|| engine.ambient.monotonic())?;
        erasure_requests.cancel(&changing, scope.name()).at("take back a wish in", engine.consent.ledger().store())?;
    }
    engine.erasure_status(scope)
}

/// Deletes what is kept of what a scope sent; a wish that is being made is made first, so that it is not lost.
pub(crate) fn delete_sent(engine: &Engine, scope: Scope) -> Result<(), Error> {
    engine.consent.ledger().is_there()?;
    let store = engine.consent.ledger().store();
    engine.consent.contract(scope)?;
    let sent = engine.journal.sent();
    let holds_ids = || engine.journal.names().holds_any(scope).at("read what left in", store);
    if !sent.holds_any(scope) && !holds_ids()? {
        return Ok(());
    }
    sent.begin_deleting(scope).at("delete the sent log in", store)?;
    engine.journal.delete_sent(scope).at("delete the sent log in", store)?;
    let erasure_requests = engine.consent.erasure_requests();
    // Where nobody can see whether it was asked for, the ids stay: they may be needed.
    if erasure_requests.asked(scope.name()).at("read a wish in", store)?.is_some() {
        engine.make_erasure_requests(scope, true)?;
    }
    if holds_ids()? {
        let _changing = erasure_requests.lock(|| engine.ambient.monotonic())?;
        engine.journal.names().delete(scope).at("delete the ids of what was sent in", store)?;
    }
    sent.end_deleting(scope).at("delete the sent log in", store)
}

/// Deletes what an interruption, or a disk that failed, left of what was to be deleted. Done before more of the scope leaves:
/// what leaves later is no part of the wish.
///
/// # Errors
/// Nobody can see whether anything is to be deleted, or the disk does not take it now.
pub(crate) fn finish_deleting(engine: &Engine, scope: Scope) -> Result<(), Error> {
    let store = engine.consent.ledger().store();
    // A wish that was not seen is none.
    match engine.journal.sent().is_deleting(scope).at("look at the sent log in", store)? {
        true => delete_sent(engine, scope),
        false => Ok(()),
    }
}

/// Switches the keeping of contents off, or on again. Off, those that are kept go at once, and none are kept from now on.
pub(crate) fn keep_contents(engine: &Engine, scope: Scope, keep: bool) -> Result<(), Error> {
    engine.consent.ledger().is_there()?;
    let store = engine.consent.ledger().store();
    engine.consent.contract(scope)?;
    let sent = engine.journal.sent();
    if keep && sent.keeps_contents(scope).at("look at the sent log in", store)? {
        return Ok(());
    }
    engine.consent.ledger().make_directories()?;
    sent.keep_contents(scope, keep).at("change the sent log in", store)?;
    if keep { Ok(()) } else { sent.strip(scope).at("delete the contents of the sent log in", store) }
}
