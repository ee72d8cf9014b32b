//! Taking over what the environment, administrators' rules and the calendar have changed, and trying again what a person said and
//! the disk did not take.

use super::{
    deny::try_to_deny,
    withdraw::{end, end_undeclared, said_before, try_to_withdraw},
};
use crate::{
    consent::{CloseReason, Failed, Patience, Receipt, Records, Scope, State},
    engine::Engine,
    error::Error,
};

/// Takes over what the environment, administrators' rules and the calendar have changed.
///
/// Something that blocks, or rules that have changed, destroy what waits, as a withdrawal does, and leave the grant under a new
/// epoch: lifting them must not send what was recorded before. What is past its last day ends as a withdrawal does: a clock
/// that goes back finds it ended.
pub(crate) fn settle(engine: &Engine) {
    let patience = &Patience::new();
    try_again(engine, patience);
    // Where nothing was ever decided there is nothing to narrow, and the look for a snapshot is all that happens.
    if !engine.consent.ledger().may_hold_decisions() {
        return;
    }
    // What can't be looked at now is looked at again.
    if engine.consent.records().and_then(|records| settle_by(engine, records, patience)).unwrap_or(false) {
        engine.consent.has_settled();
    } else {
        engine.consent.settle_again();
    }
}

/// The same by records that were read, and anew by others once something was ended. `false` where a disk did not take it.
fn settle_by(engine: &Engine, mut records: Records, patience: &Patience) -> Result<bool, Failed> {
    let consent = &engine.consent;
    let end_all = |scopes: Vec<Scope>, ending, records: &mut Records| -> Result<bool, Failed> {
        let fails = |&scope: &Scope| end(engine, scope, ending, patience).is_err_and(|error| error.is_store());
        let failed = scopes.iter().filter(|scope| fails(scope)).count();
        if !scopes.is_empty() {
            *records = consent.records()?;
        }
        Ok(failed == 0)
    };
    let is_blocked = |(scope, generation): &(Scope, Option<u64>)| {
        // Whatever contract the yes was to: the build it was given to would send it.
        consent.is_ruled_out(*scope)
            && generation.is_some_and(|generation| engine.journal.holds_anything(*scope, generation))
    };
    let blocked = consent.generations(&records).into_iter().filter(is_blocked).map(|(scope, _)| scope);
    let mut settled = end_all(blocked.collect(), CloseReason::Blocked, &mut records)?;
    let limited = consent.limited_otherwise(&records);
    settled &= limited.is_ok();
    settled &= end_all(limited.unwrap_or_default(), CloseReason::Limited, &mut records)?;
    // Closed it is at once; that it is over is written down by a clock that is believed.
    let (expired, undeclared) = (consent.expired(&records), consent.expired_undeclared(&records));
    if !(expired.is_empty() && undeclared.is_empty()) && engine.trusted_now().is_some() {
        for scope in expired {
            settled &= !end(engine, scope, CloseReason::Expired, patience).is_err_and(|error| error.is_store());
        }
        for name in undeclared {
            settled &=
                !end_undeclared(engine, &name, CloseReason::Expired, patience).is_err_and(|error| error.is_store());
        }
    }
    Ok(settled)
}

/// Tries again what a person said here and the disk did not take, where its time has come. Writes nothing else.
fn try_again(engine: &Engine, patience: &Patience) {
    for (scope, act, denies) in engine.consent.acts_to_retry() {
        let answer = patience.again(scope, || try_once_more(engine, scope, denies, patience));
        if engine.consent.note_retry(scope, act, denies, &answer) {
            engine.look_again();
        }
    }
}

/// Where a file stands for the act, that is turned into its line, and is all of it: the person said it once.
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
