//! Applying what the environment, administrators' rules and the calendar have changed, and retrying a person's decision
//! that could not be written. Opens nothing.

use super::{
    deny::try_to_deny,
    withdraw::{end, said_before, try_to_withdraw},
};
use crate::{
    consent::{CloseReason, Patience, Receipt, Records, Scope, ScopeKey, State},
    engine::Engine,
    error::Error,
};

/// Applies what the environment, administrators' rules and the calendar have changed.
///
/// A block, or changed rules, destroys pending data as a withdrawal does, and keeps the grant under a new epoch:
/// lifting the block must not send what was recorded before. A grant past its last day is ended as a withdrawal ends
/// one. It stays ended even if the clock goes back.
pub(crate) fn settle(engine: &Engine) {
    let patience = &Patience::new();
    try_again(engine, patience);
    // If nothing was ever decided, there is nothing to narrow. Looking for a snapshot is all that happens.
    if !engine.consent.ledger().may_hold_decisions() {
        return;
    }
    // If the records can't be read now, this is tried again.
    if engine.consent.records().is_ok_and(|records| settle_by(engine, &records, patience)) {
        engine.consent.has_settled();
    } else {
        engine.consent.settle_again();
    }
}

/// The same with records that were read. They are not read again here: each ending reads them under the lock. An
/// expiry and changed rules are checked again there; a block narrows whatever grant is in force by then. Returns `false` if an ending could not be written.
fn settle_by(engine: &Engine, records: &Records, patience: &Patience) -> bool {
    let consent = &engine.consent;
    let fails = |scope: ScopeKey<'_>, ending| end(engine, scope, ending, patience).is_err_and(|error| error.is_store());
    let end_all = |scopes: Vec<Scope>, ending| scopes.iter().filter(|&&scope| fails(scope.into(), ending)).count() == 0;
    let blocked = |(scope, generation): (ScopeKey<'_>, Option<u64>)| {
        let scope = scope.declared()?;
        // This holds whichever contract the person agreed to: the build that they agreed to would send the data.
        let is_blocked = consent.is_ruled_out(scope) && engine.journal.holds_anything(scope, generation?);
        is_blocked.then_some(scope)
    };
    let blocked = consent.generations(records).into_iter().filter_map(blocked);
    let mut settled = end_all(blocked.collect(), CloseReason::Blocked);
    let limited = consent.limited_otherwise(records);
    settled &= limited.is_ok();
    settled &= end_all(limited.unwrap_or_default(), CloseReason::Limited);
    // An expired grant is closed as soon as it is seen. Its expiry is written only when the clock is trusted.
    let expired = consent.expired(records);
    if !expired.is_empty() && engine.trusted_now().is_some() {
        for scope in expired {
            settled &= !fails(scope, CloseReason::Expired);
        }
    }
    settled
}

/// Retries the decisions that a person took in this process and that could not be written, if their retry is due.
/// Writes nothing else.
fn try_again(engine: &Engine, patience: &Patience) {
    for (scope, act, denies) in engine.consent.acts_to_retry() {
        let answer = patience.again(scope, || try_once_more(engine, scope, denies, patience));
        if engine.consent.note_retry(scope, act, denies, &answer) {
            engine.look_again();
        }
    }
}

/// If a tombstone holds the decision, it is turned into its line in the history, and nothing else is written: the
/// person decided once.
fn try_once_more(engine: &Engine, scope: Scope, denies: bool, patience: &Patience) -> Result<Receipt, Error> {
    match engine.consent.state_of(scope) {
        Ok(State::Denied | State::Withdrawn) => {
            engine.consent.close_gate(scope);
            engine.consent.recover_all(patience)?;
            said_before(engine, scope, patience)
        }
        _ if denies => try_to_deny(engine, scope, patience),
        _ => try_to_withdraw(engine, scope, patience),
    }
}
