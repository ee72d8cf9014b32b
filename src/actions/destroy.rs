//! Destroying what waits of a scope that was closed: the secret behind its codes first, then what it recorded. Says what was
//! destroyed, and whether that was all. Decides nothing.

use super::close::Closing;
use crate::{
    consent::{Destroyed, Patience, Scope},
    engine::{Engine, Task},
    mutants::{self, Mutant},
};

/// Whether what lies at the store's place is another store's: then it is not this one's to destroy. A decision that was written
/// there and read back was written in this one.
pub(super) fn is_elsewhere(engine: &Engine, closing: &Closing<'_>) -> bool {
    !closing.durable() && engine.consent.ledger().is_there().is_err()
}

/// The secret first, then what waits, whether the first succeeds or not.
pub(super) fn destroy(engine: &Engine, scope: Scope, keep: Option<u64>) -> Destroyed {
    let secret = engine.keys.destroy(scope);
    if mutants::on(Mutant::NothingDestroyed) {
        return destroyed(secret, Destroyed { complete: true, ..Destroyed::default() });
    }
    destroyed(secret, engine.journal.purge(scope, keep))
}

/// What lies of a scope that was closed a moment ago, or long ago, goes; a yes that was given since, by another process, keeps
/// its own.
pub(super) fn destroy_left(engine: &Engine, scope: Scope, patience: &Patience) -> Destroyed {
    if mutants::on(Mutant::OvertakenDestroys) {
        return destroy(engine, scope, None);
    }
    // Also where another process has destroyed all that lies on disk.
    engine.keys.wipe(scope);
    undecided(engine, scope.name(), patience, |keep| match keep {
        None => destroy(engine, scope, None),
        keep => engine.journal.purge(scope, keep),
    })
}

/// Destroys, given the generation that a yes keeps, if there is one: under the lock of decisions and by records that were read
/// under it. Where that can't be, only what is older than any yes that may come meanwhile goes; the rest is closed all the same,
/// and goes with what is cleared up.
pub(super) fn undecided(
    engine: &Engine,
    name: &str,
    patience: &Patience,
    destroy: impl FnOnce(Option<u64>) -> Destroyed,
) -> Destroyed {
    if engine.consent.ledger().is_there().is_err() {
        return Destroyed::default();
    }
    if !engine.may_have_left(name) {
        return Destroyed { complete: true, ..Destroyed::default() };
    }
    let destroyed = engine.consent.while_kept(name, patience, destroy).unwrap_or_else(|| {
        engine.tasks.request(Task::Clear);
        // What a yes that comes meanwhile keeps has a later generation.
        let ended = engine.consent.latest_ended(name).map(|latest| engine.journal.purge_until(name, latest));
        Destroyed { complete: !engine.may_have_left(name), ..ended.unwrap_or_default() }
    });
    as_seen(engine, destroyed)
}

pub(super) fn destroyed(secret: std::io::Result<bool>, waiting: Destroyed) -> Destroyed {
    Destroyed { complete: waiting.complete && secret.is_ok(), secret: secret.unwrap_or(false), ..waiting }
}

/// What is not seen in a store that is out of sight itself may be there.
pub(super) fn as_seen(engine: &Engine, destroyed: Destroyed) -> Destroyed {
    let complete = destroyed.complete && engine.consent.ledger().is_at_its_place();
    Destroyed { complete, ..destroyed }
}
