//! The whole act of withdrawing, over everything above: stop, confirm, destroy, receipt.
//!
//! In this order: the gate of this process; the snapshot, by which every process stops; the life lock, by which it is
//! known that every connection is gone; the secret behind the scope's codes; what waits; the history; the receipt.
//! Interrupted anywhere after the snapshot, the next open finishes it. Never sends anything, not even that it happened.

use crate::{
    consent::{Decision, Destroyed, Receipt, Scope, State},
    error::Error,
    sender::Engine,
};
use std::time::Duration;

/// How long a withdrawal waits to be confirmed.
const CONFIRM: Duration = Duration::from_millis(500);

/// Takes a yes back. Without a yes there is nothing to take back, and what the person wishes is recorded as a no.
pub(crate) fn withdraw(engine: &Engine, scope: Scope) -> Result<Receipt, Error> {
    match engine.consent.status(scope)?.state {
        State::Granted | State::Superseded => end(engine, scope, Decision::Withdrawn),
        // Past its last day, and nobody has ended it yet.
        State::Expired if engine.consent.expired().contains(&scope) => end(engine, scope, Decision::Withdrawn),
        State::Denied | State::Withdrawn | State::Expired => {
            // Again is as good as once; what an interrupted first time left is destroyed now.
            engine.consent.shut(scope);
            let confirmed = engine.consent.confirm(scope, CONFIRM);
            let destroyed = destroy(engine, scope, None);
            let mut receipt = engine.consent.receipt(scope, None)?;
            (receipt.confirmed, receipt.destroyed) = (confirmed, destroyed);
            Ok(receipt)
        }
        State::NeverAsked | State::Unreadable => refuse(engine, scope),
    }
}

/// Ends what is past its last day, as a withdrawal does: a clock that goes back finds it ended.
pub(crate) fn end_expired(engine: &Engine) {
    if matches!(engine.consent.ledger().snapshot_bytes(), Ok(None)) {
        return;
    }
    for scope in engine.consent.expired() {
        let _ = end(engine, scope, Decision::Expired);
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
    let receipt = engine.consent.deny(scope);
    let confirmed = engine.consent.confirm(scope, CONFIRM);
    let destroyed = destroy(engine, scope, None);
    let mut receipt = receipt?;
    (receipt.confirmed, receipt.destroyed) = (confirmed, destroyed);
    Ok(receipt)
}

/// The secret first, then what waits, whether the first succeeds or not.
fn destroy(engine: &Engine, scope: Scope, keep: Option<u64>) -> Destroyed {
    let secret = engine.keys.destroy(scope);
    let mut destroyed = engine.journal.purge(scope, keep);
    destroyed.complete &= secret.is_ok();
    destroyed.secret = secret.unwrap_or(false);
    destroyed
}

/// Something that blocks destroys what waits, as a withdrawal does, and leaves the grant under a new epoch: lifting the
/// block must not send what was recorded before it.
pub(crate) fn narrow_blocked(engine: &Engine) {
    // Where nothing was ever decided there is nothing to narrow, and the look for a snapshot is all that happens.
    let blocked = |scope: Scope| engine.consent.block_of(scope).is_some();
    let any = engine.registry.scopes().iter().any(|scope| blocked(*scope));
    if !any || matches!(engine.consent.ledger().snapshot_bytes(), Ok(None)) {
        return;
    }
    for (scope, generation) in engine.consent.generations() {
        // Whatever contract the yes was to: the build it was given to would send it.
        let holds = |generation| engine.journal.holds_anything(scope, generation);
        if blocked(scope) && generation.is_some_and(holds) {
            let _ = end(engine, scope, Decision::Narrowed);
        }
    }
}

fn end(engine: &Engine, scope: Scope, decision: Decision) -> Result<Receipt, Error> {
    let closing = engine.consent.close_scope(scope, decision)?;
    let confirmed = engine.consent.confirm(scope, CONFIRM) && closing.durable();
    // A grant that stays keeps its secret, so that codes of one month stay comparable.
    let destroyed = match decision {
        Decision::Withdrawn | Decision::Expired => destroy(engine, scope, closing.generation()),
        _ => engine.journal.purge(scope, closing.generation()),
    };
    let mut receipt = closing.finish()?;
    (receipt.confirmed, receipt.destroyed) = (confirmed, destroyed);
    Ok(receipt)
}
