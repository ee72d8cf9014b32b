//! The whole act of withdrawing, over everything above: stop, confirm, destroy, receipt.
//!
//! In this order: the gate of this process; the snapshot, by which every process stops; the life lock, by which it is
//! known that every connection is gone; the secret behind the scope's codes; what waits; the history; the receipt.
//! Interrupted anywhere after the snapshot, the next open finishes it. Never sends anything, not even that it happened.

use crate::{
    consent::{Decision, Receipt, Scope, State},
    error::Error,
    sender::Engine,
};

/// Takes a yes back. Without a yes there is nothing to take back, and what the person wishes is recorded as a no.
pub(crate) fn withdraw(engine: &Engine, scope: Scope) -> Result<Receipt, Error> {
    match engine.consent.status(scope)?.state {
        State::Granted | State::Superseded => end(engine, scope, Decision::Withdrawn),
        State::Denied | State::Withdrawn => {
            // Again is as good as once; what an interrupted first time left is destroyed now.
            let destroyed = engine.journal.purge(scope, None);
            let mut receipt = engine.consent.receipt(scope, None)?;
            receipt.destroyed = destroyed;
            Ok(receipt)
        }
        State::NeverAsked | State::Unreadable => refuse(engine, scope),
    }
}

/// Records a no. A person who said yes before has thereby withdrawn.
pub(crate) fn deny(engine: &Engine, scope: Scope) -> Result<Receipt, Error> {
    match engine.consent.status(scope)?.state {
        State::Granted | State::Superseded => end(engine, scope, Decision::Withdrawn),
        _ => refuse(engine, scope),
    }
}

fn refuse(engine: &Engine, scope: Scope) -> Result<Receipt, Error> {
    let mut receipt = engine.consent.deny(scope)?;
    if let Ok(secret) = engine.keys.destroy(scope) {
        receipt.destroyed = engine.journal.purge(scope, None);
        receipt.destroyed.secret = secret;
    }
    Ok(receipt)
}

/// Something that blocks destroys what waits, as a withdrawal does, and leaves the grant under a new epoch: lifting the
/// block must not send what was recorded before it.
pub(crate) fn narrow_blocked(engine: &Engine) {
    if engine.consent.block().is_none() {
        return;
    }
    for contract in engine.consent.contracts() {
        let scope = contract.scope;
        let waits = |place| engine.journal.holds_anything(place);
        if engine.consent.granted_place(scope).is_some_and(waits) {
            let _ = end(engine, scope, Decision::Narrowed);
        }
    }
}

fn end(engine: &Engine, scope: Scope, decision: Decision) -> Result<Receipt, Error> {
    let closing = engine.consent.close_scope(scope, decision)?;
    let confirmed = closing.confirm() && closing.durable();
    // A grant that stays keeps its secret, so that codes of one month stay comparable.
    let secret = if decision == Decision::Withdrawn { engine.keys.destroy(scope) } else { Ok(false) };
    let destroyed = engine.journal.purge(scope, closing.generation());
    let mut receipt = closing.finish()?;
    receipt.confirmed = confirmed;
    receipt.destroyed = destroyed;
    match secret {
        Ok(secret) => receipt.destroyed.secret = secret,
        Err(_) => receipt.destroyed.complete = false,
    }
    Ok(receipt)
}
