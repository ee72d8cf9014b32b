//! Asking the recipient to erase what was sent: the erasure request is made durable, cancelled, or shown. Also deletes
//! the local log of what was sent.
//!
//! Separate from withdrawing: this withdraws no grant, and a withdrawal cancels no erasure request. Sends nothing
//! itself; the sender finds the requests. Never reads what was sent, only the ids it was sent with.

use crate::{
    consent::{ErasureStatus, Scope},
    engine::Engine,
    error::{At, Error},
};

/// Asks for the erasure of everything a scope has sent and that was not asked for yet. All of it is asked for, or
/// nothing: the request is one small file first, and becomes one document for each batch afterwards. If that is
/// interrupted, the sender finishes it.
///
/// # Errors
/// The recipient can't delete single records, or the disk can't be read, or the request could not be written.
pub(crate) fn erase(engine: &Engine, scope: Scope) -> Result<ErasureStatus, Error> {
    engine.consent.ledger().is_there()?;
    let today = engine.ambient.now().day();
    let names = engine.journal.names();
    let store = engine.consent.ledger().store();
    let (_, last) = names.left(scope, today).at("read the list of sent records in", store)?;
    engine.consent.deletes_within(scope, last)?;
    if !names.all(scope, today).at("read the list of sent records in", store)?.is_empty() {
        let erasure_requests = engine.consent.erasure_requests();
        let changing = erasure_requests.lock(|| engine.ambient.monotonic())?;
        let asked = erasure_requests.ask(&changing, scope.name(), engine.ambient.now());
        drop(changing);
        asked.at("save the erasure request in", store)?;
        // The request is durable now. If the documents can't be written, the sender tries again, and the status says
        // so.
        let _ = engine.make_erasure_requests(scope, false);
    }
    engine.erasure_status(scope)
}

/// Cancels the requests that are still pending.
pub(crate) fn cancel(engine: &Engine, scope: Scope) -> Result<ErasureStatus, Error> {
    engine.consent.ledger().is_there()?;
    let before = engine.erasure_status(scope)?;
    let erasure_requests = engine.consent.erasure_requests();
    if erasure_requests.is_busy(scope.name()) || before.damaged > 0 {
        let changing = erasure_requests.lock(|| engine.ambient.monotonic())?;
        erasure_requests
            .cancel(&changing, scope.name())
            .at("cancel the erasure requests in", engine.consent.ledger().store())?;
    }
    engine.erasure_status(scope)
}

/// Deletes what is kept on this computer about what a scope sent. Documents of an erasure request that are still
/// missing are made first, because they need the ids that are deleted here.
pub(crate) fn delete_sent(engine: &Engine, scope: Scope) -> Result<(), Error> {
    engine.consent.ledger().is_there()?;
    let store = engine.consent.ledger().store();
    engine.consent.contract(scope)?;
    let sent = engine.journal.sent();
    let holds_ids = || engine.journal.names().holds_any(scope).at("read the list of sent records in", store);
    if !sent.holds_any(scope) && !holds_ids()? {
        return Ok(());
    }
    sent.begin_deleting(scope).at("delete the sent log in", store)?;
    engine.journal.delete_sent(scope).at("delete the sent log in", store)?;
    let erasure_requests = engine.consent.erasure_requests();
    // If it can't be read whether erasure was asked for, the ids stay: they may be needed.
    if erasure_requests.asked(scope.name()).at("read the erasure request in", store)?.is_some() {
        engine.make_erasure_requests(scope, true)?;
    }
    if holds_ids()? {
        let _changing = erasure_requests.lock(|| engine.ambient.monotonic())?;
        engine.journal.names().delete(scope).at("delete the list of sent records in", store)?;
    }
    sent.end_deleting(scope).at("delete the sent log in", store)
}

/// Finishes a deletion that was interrupted or that the disk refused. Called before more of the scope is sent, because
/// what is sent later is not part of what the person asked to delete.
///
/// # Errors
/// It can't be read whether a deletion is pending, or the disk refuses it now.
pub(crate) fn finish_deleting(engine: &Engine, scope: Scope) -> Result<(), Error> {
    let store = engine.consent.ledger().store();
    // If the note of a deletion can't be read, nothing is deleted.
    match engine.journal.sent().is_deleting(scope).at("read the sent log in", store)? {
        true => delete_sent(engine, scope),
        false => Ok(()),
    }
}

/// Keeps the contents of the sent log from now on.
pub(crate) fn keep_contents(engine: &Engine, scope: Scope) -> Result<(), Error> {
    engine.consent.ledger().is_there()?;
    let store = engine.consent.ledger().store();
    engine.consent.contract(scope)?;
    let sent = engine.journal.sent();
    if sent.keeps_contents(scope).at("read the sent log in", store)? {
        return Ok(());
    }
    engine.consent.ledger().make_directories()?;
    sent.keep_contents(scope).at("change the sent log in", store)
}

/// Deletes the contents of the sent log, and keeps none from now on.
pub(crate) fn discard_contents(engine: &Engine, scope: Scope) -> Result<(), Error> {
    engine.consent.ledger().is_there()?;
    let store = engine.consent.ledger().store();
    engine.consent.contract(scope)?;
    let sent = engine.journal.sent();
    engine.consent.ledger().make_directories()?;
    sent.keep_no_contents(scope).at("change the sent log in", store)?;
    sent.strip(scope).at("delete the contents of the sent log in", store)
}
