//! Shared by the actions that write a decision: the records it is added to, and what happens when nothing is decided.

use crate::{
    ambient::Time,
    consent::{Held, Records, Scope, ScopeKey, Sound, State},
    engine::Engine,
    error::{Error, Kind},
};

/// The records that a decision is added to: `None` before the first decision, and new records if the old ones can't be
/// relied on.
///
/// # Errors
/// A file of the records was seen but could not be read, or new records could not be written.
pub(super) fn to_build_on(
    engine: &Engine,
    held: &Held,
    records: Records,
    now: Time,
) -> Result<Option<Box<Sound>>, Error> {
    match records {
        Records::Nothing => Ok(None),
        Records::Sound(sound) => Ok(Some(sound)),
        // These records are neither damaged nor missing, so no new ones may replace them.
        Records::Refused(path, why) => Err(Kind::Store { path, why }.into()),
        Records::Closed(_) => {
            let names: Vec<&str> = engine.consent.contracts().iter().map(|contract| contract.scope.name()).collect();
            engine.consent.ledger().reset(held, &names, now)?;
            // A tombstone may hold an earlier ending that could not be written. It is written first, so that the later
            // answer, the one being recorded now, is the one in force.
            match engine.consent.ledger().repair(held, now)? {
                Records::Sound(sound) => Ok(Some(sound)),
                _ => {
                    let path = engine.consent.ledger().store().to_owned();
                    Err(Kind::Store { path, why: "a new snapshot could not be saved" }.into())
                }
            }
        }
    }
}

/// The error for a grant without a notice where only a notice that was just shown can open the scope.
pub(super) fn needs_notice(scope: Scope, state: State) -> Error {
    let (name, scope_const) = (scope.name().into(), scope.constant().into());
    Kind::NeedsNotice { scope: name, scope_const, state: state.past() }.into()
}

/// Lets the records on disk decide again about a scope that this process closed, since nothing was decided. Returns the
/// error.
pub(super) fn reopen(engine: &Engine, scope: ScopeKey<'_>, error: Error) -> Error {
    if let Some(scope) = scope.declared() {
        engine.consent.reopen_gate(scope);
        engine.look_again();
    }
    error
}
