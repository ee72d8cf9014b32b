//! Destroying the pending data of a closed scope: first the secret behind its codes, then its records. Reports what was
//! destroyed and whether that was everything. Decides nothing.

use super::close::Closing;
use crate::{
    consent::{Destroyed, Patience, ScopeKey},
    engine::{Engine, Task},
    mutants::{self, Mutant},
};

/// Whether another store is now at this store's path. Then its data must not be destroyed. If the decision was written
/// and read back, it was written to this store.
pub(super) fn is_elsewhere(engine: &Engine, closing: &Closing<'_>) -> bool {
    !closing.durable() && engine.consent.ledger().is_there().is_err()
}

/// Destroys the secret first, then the pending data, whether or not the first step succeeds.
pub(super) fn destroy(engine: &Engine, scope: ScopeKey<'_>, keep: Option<u64>) -> Destroyed {
    let secret = engine.keys.destroy(scope);
    if mutants::on(Mutant::NothingDestroyed) {
        return destroyed(secret, Destroyed { complete: true, ..Destroyed::default() });
    }
    destroyed(secret, engine.journal.purge_with_grant(scope, keep))
}

/// Destroys what is left of a scope that was closed, whether a moment or a long time ago. If another process has
/// recorded a grant since, that grant's data is kept.
pub(super) fn destroy_left(engine: &Engine, scope: ScopeKey<'_>, patience: &Patience) -> Destroyed {
    if mutants::on(Mutant::OvertakenDestroys) {
        return destroy(engine, scope, None);
    }
    // Also needed when another process has already destroyed everything on disk.
    engine.keys.wipe(scope);
    undecided(engine, scope, patience, |keep| match keep {
        None => destroy(engine, scope, None),
        keep => engine.journal.purge(scope, keep),
    })
}

/// Calls `destroy` with the generation that a grant in force keeps, or `None` if there is no such grant. This runs
/// under the lock of decisions, with records read under it.
///
/// If the lock or the records can't be had, only data older than any grant that may arrive in the meantime is
/// destroyed. The rest can't be sent, and a later cleanup destroys it.
fn undecided(
    engine: &Engine,
    scope: ScopeKey<'_>,
    patience: &Patience,
    destroy: impl FnOnce(Option<u64>) -> Destroyed,
) -> Destroyed {
    if engine.consent.ledger().is_there().is_err() {
        return Destroyed::default();
    }
    if !engine.may_have_left(scope) {
        return Destroyed { complete: true, ..Destroyed::default() };
    }
    let destroyed = engine.consent.while_kept(scope.name(), patience, destroy).unwrap_or_else(|| {
        engine.tasks.request(Task::Clear);
        // A grant that arrives in the meantime keeps its data under a later generation.
        let ended = engine.consent.latest_ended(scope.name()).map(|latest| engine.journal.purge_until(scope, latest));
        Destroyed { complete: !engine.may_have_left(scope), ..ended.unwrap_or_default() }
    });
    as_seen(engine, destroyed)
}

/// Combines the two results: the secret and the pending data.
fn destroyed(secret: std::io::Result<bool>, waiting: Destroyed) -> Destroyed {
    Destroyed { complete: waiting.complete && secret.is_ok(), secret: secret.unwrap_or(false), ..waiting }
}

/// If the store itself can't be seen at its path, data that was not found may still exist, so the result is not
/// complete.
pub(super) fn as_seen(engine: &Engine, destroyed: Destroyed) -> Destroyed {
    let complete = destroyed.complete && engine.consent.ledger().is_at_its_place();
    Destroyed { complete, ..destroyed }
}
