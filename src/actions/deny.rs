//! Recording a no, or "later".

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

/// Records a no. A person who said yes before has thereby withdrawn.
pub(crate) fn deny(engine: &Engine, scope: Scope) -> Result<Receipt, Error> {
    let act = engine.consent.begin_act(scope);
    let answer = try_to_deny(engine, scope, &Patience::new());
    engine.consent.note_act(scope, act, true, &answer);
    answer
}

pub(super) fn try_to_deny(engine: &Engine, scope: Scope, patience: &Patience) -> Result<Receipt, Error> {
    match state_for_a_no(engine, scope)? {
        Some(State::Granted | State::Superseded) | None => end(engine, scope, CloseReason::Withdrawn, patience),
        // A yes past its last day that nobody has written down as over is one still, also where a clock was wrong for once.
        Some(State::Unreadable | State::Expired) if engine.consent.has_yes(scope) => {
            end(engine, scope, CloseReason::Withdrawn, patience)
        }
        Some(_) => refuse(engine, scope, false, patience),
    }
}

/// Records "later", which is no yes, and takes none back.
pub(crate) fn defer(engine: &Engine, scope: Scope) -> Result<Receipt, Error> {
    match engine.consent.state_of(scope)? {
        State::Granted | State::Superseded => keep(engine, scope, true),
        // An answer stays one.
        State::Denied | State::Withdrawn => engine.consent.receipt(scope, None),
        _ => refuse(engine, scope, true, &Patience::new()),
    }
}
