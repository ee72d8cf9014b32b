//! Recording a refusal, or "later". Opens nothing.

use super::{
    keep::keep,
    refuse::refuse,
    withdraw::{end, state_for_a_no},
};
use crate::{
    consent::{CloseReason, Patience, Receipt, Scope, State},
    engine::Engine,
    error::Error,
};

/// Records a refusal. If the person had granted the scope before, this withdraws the grant. A refusal that can't be
/// written is noted in this process and retried until it can.
pub(crate) fn deny(engine: &Engine, scope: Scope) -> Result<Receipt, Error> {
    let act = engine.consent.begin_act(scope);
    let answer = try_to_deny(engine, scope, &Patience::new());
    engine.consent.note_act(scope, act, true, &answer);
    answer
}

/// One attempt to record a refusal: a withdrawal if there is a grant or if that can't be read, a plain refusal
/// otherwise.
pub(super) fn try_to_deny(engine: &Engine, scope: Scope, patience: &Patience) -> Result<Receipt, Error> {
    match state_for_a_no(engine, scope)? {
        Some(State::Granted | State::Superseded) | None => end(engine, scope.into(), CloseReason::Withdrawn, patience),
        // A grant past its last day is still a grant until its expiry is written. The clock may also have been wrong
        // once.
        Some(State::Unreadable | State::Expired) if engine.consent.has_yes(scope) => {
            end(engine, scope.into(), CloseReason::Withdrawn, patience)
        }
        Some(_) => refuse(engine, scope, false, patience),
    }
}

/// Records "later". It is not a grant, and it withdraws nothing.
pub(crate) fn defer(engine: &Engine, scope: Scope) -> Result<Receipt, Error> {
    match engine.consent.state_of(scope)? {
        State::Granted | State::Superseded => keep(engine, scope, true),
        // The person has already answered; "later" does not change the answer.
        State::Denied | State::Withdrawn => engine.consent.receipt(scope),
        _ => refuse(engine, scope, true, &Patience::new()),
    }
}
