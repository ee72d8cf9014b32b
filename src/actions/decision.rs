//! What a decision is built on and what it leaves: for the actions that write one.

use crate::{
    ambient::Time,
    consent::{Held, Records, Scope, Sound, State},
    engine::Engine,
    error::{Error, Kind},
};

/// The records that a decision is added to: none before the first one, and new ones where the old can't be relied on.
pub(super) fn to_build_on(
    engine: &Engine,
    held: &Held,
    records: Records,
    now: Time,
) -> Result<Option<Box<Sound>>, Error> {
    match records {
        Records::Nothing => Ok(None),
        Records::Sound(sound) => Ok(Some(sound)),
        // Neither damaged nor gone: nothing begins anew in its place.
        Records::Refused(path, why) => Err(Kind::Store { path, why }.into()),
        Records::Closed(_) => {
            let names: Vec<&str> = engine.consent.contracts().iter().map(|contract| contract.scope.name()).collect();
            engine.consent.ledger().reset(held, &names, now)?;
            // An ending that left no more than a tombstone is written down before what is said now: the later answer holds.
            match engine.consent.ledger().repair(held, now)? {
                Records::Sound(sound) => Ok(Some(sound)),
                _ => {
                    let path = engine.consent.ledger().store().to_owned();
                    Err(Kind::Store { path, why: "a new snapshot was not kept" }.into())
                }
            }
        }
    }
}

pub(super) fn needs_notice(scope: Scope, state: State) -> Error {
    let (name, scope_const) = (scope.name().into(), scope.constant().into());
    Kind::NeedsNotice { scope: name, scope_const, state: state.past() }.into()
}

/// Takes back that this process closed a scope, since nothing was decided.
pub(super) fn reopen(engine: &Engine, scope: Scope, error: Error) -> Error {
    engine.consent.reopen_gate(scope);
    engine.look_again();
    error
}
