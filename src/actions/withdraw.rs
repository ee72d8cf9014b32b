//! Withdrawing, in order: close, confirm, destroy, receipt. The steps themselves are in `close`, `consent::state::life`, `destroy`
//! and `consent::proof::receipt`. The other actions that close a scope, such as a refusal, a block or a switched field, use them
//! too.
//!
//! In this order:
//!
//! 1. The gate of this process closes.
//! 2. The snapshot is written. Every process closes the scope because of it.
//! 3. The life lock shows that every connection is gone.
//! 4. The secret behind the scope's codes is destroyed, then the pending data.
//! 5. The history gets its entry, and the caller gets the receipt.
//!
//! If it is interrupted anywhere after the snapshot, the next start finishes it. Never sends anything, not even that a
//! withdrawal happened.

use super::{
    close::{Closing, close_scope},
    decision::reopen,
    destroy::{as_seen, destroy, destroy_left, is_elsewhere},
    refuse::{CONFIRM, refuse},
};
use crate::{
    consent::{CloseReason, Destroyed, Patience, Receipt, Scope, ScopeKey, State, Unconfirmed},
    engine::{Engine, Task},
    error::{Error, Kind},
    mutants::{self, Mutant},
};

/// Withdraws a grant. Without a grant there is nothing to withdraw: an earlier refusal or withdrawal is confirmed again, and where
/// there is none a refusal is recorded. If the decision
/// can't be written, it is retried until it can.
pub(crate) fn withdraw(engine: &Engine, scope: Scope) -> Result<Receipt, Error> {
    let act = engine.consent.begin_act(scope);
    let answer = try_to_withdraw(engine, scope, &Patience::new());
    engine.consent.note_act(scope, act, false, &answer);
    answer
}

/// One attempt to withdraw, by the state of the scope.
pub(super) fn try_to_withdraw(engine: &Engine, scope: Scope, patience: &Patience) -> Result<Receipt, Error> {
    match state_for_a_no(engine, scope)? {
        Some(state) => withdraw_from(engine, scope, state, patience),
        None => end(engine, scope.into(), CloseReason::Withdrawn, patience),
    }
}

/// The state of a scope that a person is refusing; `None` if the records can't be read. The person's decision is known
/// even then, and closes the scope whatever its state is.
pub(super) fn state_for_a_no(engine: &Engine, scope: Scope) -> Result<Option<State>, Error> {
    engine.consent.contract(scope)?;
    // Before the records are read, which may take long. Whatever the state is, the scope is closed by what follows, and what
    // follows lets the records decide again.
    engine.consent.close_gate(scope);
    match engine.consent.state_of(scope) {
        Err(error) if error.is_store() => Ok(engine.consent.state_of(scope).ok()),
        Err(error) => Err(reopen(engine, scope.into(), error)),
        state => state.map(Some),
    }
}

/// Withdraws from a scope in a known state.
fn withdraw_from(engine: &Engine, scope: Scope, state: State, patience: &Patience) -> Result<Receipt, Error> {
    match state {
        // Also past the last day, whether or not the expiry has been written.
        State::Granted | State::Superseded | State::Expired => {
            end(engine, scope.into(), CloseReason::Withdrawn, patience)
        }
        State::Denied | State::Withdrawn => again(engine, scope, CloseReason::Withdrawn, patience),
        State::Unreadable if engine.consent.has_yes(scope) => {
            end(engine, scope.into(), CloseReason::Withdrawn, patience)
        }
        // This grant, if there was one, was not ended by the person. Now the person refuses, and a grant without a
        // notice can't open the scope again.
        State::Revoked | State::NeverAsked | State::Unreadable | State::Deferred => {
            refuse(engine, scope, false, patience)
        }
    }
}

/// Ends a grant on the program's behalf. If it fails, it is not retried automatically as the person's refusal is: the
/// program has to repeat the call. Until then this process stays closed, unless another decision about the scope is made.
pub(crate) fn revoke(engine: &Engine, scope: Scope, why: &str) -> Result<Receipt, Error> {
    let patience = &Patience::new();
    match engine.consent.state_of(scope) {
        // It can't be read whether there is a grant. If there is one, it is ended.
        Err(error) if error.is_store() => end(engine, scope.into(), CloseReason::Revoked(why), patience),
        state => match state? {
            State::Granted | State::Superseded => end(engine, scope.into(), CloseReason::Revoked(why), patience),
            State::Revoked => again(engine, scope, CloseReason::Revoked(why), patience),
            // A failed call before this one may have closed the gate. There is no grant, so the records decide again.
            _ => Err(reopen(engine, scope.into(), Kind::NotGranted { scope: scope.name().into() }.into())),
        },
    }
}

/// Idempotent: withdrawing twice is the same as once. Data left over from an interrupted first attempt is destroyed
/// now.
fn again(engine: &Engine, scope: Scope, ending: CloseReason<'_>, patience: &Patience) -> Result<Receipt, Error> {
    engine.consent.close_gate(scope);
    let recovered = engine.consent.recover_all(patience);
    // If the records can't be read, the decision counts as not written.
    if recovered.is_err() || engine.consent.is_unwritten(scope).unwrap_or(true) {
        // The last line in the history is still the one before, so there is no receipt of this decision yet.
        return end(engine, scope.into(), ending, patience);
    }
    let receipt = said_before(engine, scope, patience)?;
    // Another process may have written a grant in the meantime. Whether the person decided it before or after this act is
    // unknown, so it is ended as well. After a grant that failed, the person has refused again.
    let must_end = tells_a_yes(&receipt) || engine.consent.has_failed_yes(scope);
    if must_end { end(engine, scope.into(), ending, patience) } else { Ok(receipt) }
}

/// Whether the last line of a scope is a grant although a refusal was expected. Two of the mistakes that the tests make
/// on purpose are possible only without this second look.
fn tells_a_yes(receipt: &Receipt) -> bool {
    receipt.is_yes() && ![Mutant::UnreadIsWritten, Mutant::TombstoneGoesUnwritten].map(mutants::on).contains(&true)
}

/// Confirms a refusal that is already in the records, and destroys what is left.
pub(super) fn said_before(engine: &Engine, scope: Scope, patience: &Patience) -> Result<Receipt, Error> {
    // Read first: whatever is decided while this waits comes after it.
    let receipt = engine.consent.receipt_to_confirm(scope);
    if receipt.as_ref().is_ok_and(tells_a_yes) {
        engine.consent.reopen_gate(scope);
        return receipt;
    }
    let confirmed = engine.consent.confirm_no(scope.name(), CONFIRM);
    let destroyed = destroy_left(engine, scope.into(), patience);
    // The records on disk hold the refusal. A grant recorded elsewhere later opens the scope here as usual.
    engine.consent.reopen_gate(scope);
    Ok(Receipt { destroyed, ..receipt?.told(confirmed) })
}

/// Withdraws a grant of a scope that this program does not declare.
pub(crate) fn withdraw_undeclared(engine: &Engine, name: &str) -> Result<Receipt, Error> {
    end(engine, engine.consent.undeclared_key(name)?, CloseReason::Withdrawn, &Patience::new())
}

/// Whether no process can send any more data of the scope that is being closed.
///
/// # Errors
/// Why that is not known.
fn confirm_closing(engine: &Engine, name: &str, closing: &Closing<'_>) -> Result<(), Unconfirmed> {
    let confirmed = engine.consent.confirm(name, CONFIRM);
    closing.taken().and(confirmed)
}

/// Ends or narrows a grant: close, confirm, destroy, receipt. `ending` says why, and whether the grant stays.
pub(super) fn end(
    engine: &Engine,
    scope: ScopeKey<'_>,
    ending: CloseReason<'_>,
    patience: &Patience,
) -> Result<Receipt, Error> {
    let closing = close_scope(engine, scope, ending, patience)?;
    let confirmed = confirm_closing(engine, scope.name(), &closing);
    // A grant that stays keeps its secret, so that codes of one month stay comparable.
    let destroyed = match closing.generation() {
        _ if is_elsewhere(engine, &closing) => {
            // The secrets in memory belong to this process, whatever store is at the path.
            engine.keys.wipe(scope);
            Destroyed::default()
        }
        keep @ Some(_) if ending.leaves_a_yes() => engine.journal.purge(scope, keep),
        keep @ Some(_) => destroy(engine, scope, keep),
        // Only a tombstone was written, so the lock of decisions is not held. [`destroy_left`] takes it.
        None => destroy_left(engine, scope, patience),
    };
    let destroyed = as_seen(engine, destroyed);
    let receipt = closing.finish()?.told(confirmed);
    if !receipt.recorded && ending.leaves_a_yes() {
        // The grant stays closed until its high-water mark is raised, so that is requested.
        engine.tasks.request(Task::Finish);
    }
    Ok(Receipt { destroyed, ..receipt })
}
