//! The whole act of withdrawing, over everything above: stop, confirm, destroy, receipt. And of what else closes a scope: a
//! no, a block, a switch.
//!
//! In this order: the gate of this process; the snapshot, by which every process stops; the life lock, by which it is
//! known that every connection is gone; the secret behind the scope's codes; what waits; the history; the receipt.
//! Interrupted anywhere after the snapshot, the next open finishes it. Never sends anything, not even that it happened.

use super::{
    close::{Closing, close_scope, close_undeclared},
    destroy::{as_seen, destroy, destroy_left, destroyed, is_elsewhere, undecided},
    refuse::{CONFIRM, refuse},
};
use crate::{
    consent::{CloseReason, Destroyed, Patience, Receipt, Scope, State},
    engine::{Engine, Task},
    error::{Error, Kind},
    mutants::{self, Mutant},
};

/// Takes a yes back. Without a yes there is nothing to take back, and what the person wishes is recorded as a no. What can't be
/// written is tried again until it is.
pub(crate) fn withdraw(engine: &Engine, scope: Scope) -> Result<Receipt, Error> {
    let act = engine.consent.begin_act(scope);
    let answer = try_to_withdraw(engine, scope, &Patience::new());
    engine.consent.note_act(scope, act, false, &answer);
    answer
}

pub(super) fn try_to_withdraw(engine: &Engine, scope: Scope, patience: &Patience) -> Result<Receipt, Error> {
    match state_for_a_no(engine, scope)? {
        Some(state) => withdraw_from(engine, scope, state, patience),
        None => end(engine, scope, CloseReason::Withdrawn, patience),
    }
}

/// Where the scope stands that a person says no to; none where nobody knows. What the person wishes is known all the same, and
/// closes whatever it is.
pub(super) fn state_for_a_no(engine: &Engine, scope: Scope) -> Result<Option<State>, Error> {
    match engine.consent.state_of(scope) {
        Err(error) if error.is_store() => {
            engine.consent.close_gate(scope);
            Ok(engine.consent.state_of(scope).ok())
        }
        state => state.map(Some),
    }
}

fn withdraw_from(engine: &Engine, scope: Scope, state: State, patience: &Patience) -> Result<Receipt, Error> {
    match state {
        // Past its last day the same, whether anybody has written that down yet or not.
        State::Granted | State::Superseded | State::Expired => end(engine, scope, CloseReason::Withdrawn, patience),
        State::Denied | State::Withdrawn => again(engine, scope, CloseReason::Withdrawn, patience),
        State::Unreadable if engine.consent.has_yes(scope) => end(engine, scope, CloseReason::Withdrawn, patience),
        // What is over already was not ended by the person; now it is, and a bare grant begins nothing again.
        State::Revoked | State::NeverAsked | State::Unreadable | State::Deferred => {
            refuse(engine, scope, false, patience)
        }
    }
}

/// Ends a yes on the program's own side. What fails is not tried again by itself, as the person's no is: it is the program's to
/// repeat, and until then this process stays closed.
pub(crate) fn revoke(engine: &Engine, scope: Scope, why: &str) -> Result<Receipt, Error> {
    let patience = &Patience::new();
    match engine.consent.state_of(scope) {
        // Nobody can see now whether there is a yes; where there is one, it ends.
        Err(error) if error.is_store() => end(engine, scope, CloseReason::Revoked(why), patience),
        state => match state? {
            State::Granted | State::Superseded => end(engine, scope, CloseReason::Revoked(why), patience),
            State::Revoked => again(engine, scope, CloseReason::Revoked(why), patience),
            _ => Err(Kind::NotGranted { scope: scope.name().into() }.into()),
        },
    }
}

/// Again is as good as once; what an interrupted first time left is destroyed now.
fn again(engine: &Engine, scope: Scope, ending: CloseReason<'_>, patience: &Patience) -> Result<Receipt, Error> {
    engine.consent.close_gate(scope);
    let mended = engine.consent.recover_all(patience);
    // What can't be read is not written.
    if mended.is_err() || engine.consent.is_unwritten(scope).unwrap_or(true) {
        // Its last line in the history is still the one before, and no receipt of what was wished.
        return end(engine, scope, ending, patience);
    }
    let receipt = said_before(engine, scope, patience)?;
    // A yes that another process wrote by then ends as well: it is not known to be the later one. After one that failed the
    // person said no anew.
    let is_later = tells_a_yes(&receipt) || engine.consent.has_failed_yes(scope);
    if is_later { end(engine, scope, ending, patience) } else { Ok(receipt) }
}

/// Whether the last line of a scope is a yes, where a no was to be. The two mistakes are made only without this second look.
fn tells_a_yes(receipt: &Receipt) -> bool {
    receipt.is_yes() && ![Mutant::UnreadIsWritten, Mutant::TombstoneGoesUnwritten].map(mutants::on).contains(&true)
}

/// Confirms a no that stands, and destroys what is left.
pub(super) fn said_before(engine: &Engine, scope: Scope, patience: &Patience) -> Result<Receipt, Error> {
    // Whatever is decided while this waits comes after it.
    let receipt = engine.consent.receipt(scope, None);
    if receipt.as_ref().is_ok_and(tells_a_yes) {
        engine.consent.reopen_gate(scope);
        return receipt;
    }
    let confirmed = engine.consent.confirm_no(scope.name(), CONFIRM);
    let destroyed = destroy_left(engine, scope, patience);
    // What is on disk says no; a yes that is given elsewhere later on begins here as it would have.
    engine.consent.reopen_gate(scope);
    Ok(Receipt { destroyed, ..receipt?.told(confirmed) })
}

/// Takes back a yes to a scope that this program does not declare.
pub(crate) fn withdraw_undeclared(engine: &Engine, name: &str) -> Result<Receipt, Error> {
    end_undeclared(engine, name, CloseReason::Withdrawn, &Patience::new())
}

pub(super) fn end_undeclared(
    engine: &Engine,
    name: &str,
    ending: CloseReason<'_>,
    patience: &Patience,
) -> Result<Receipt, Error> {
    let closing = close_undeclared(engine, name, ending, patience)?;
    let confirmed = confirm_closing(engine, name, &closing);
    let destroy = |keep| match keep {
        None => destroyed(engine.keys.forget(name), engine.journal.purge_named(name, None)),
        keep => engine.journal.purge_named(name, keep),
    };
    let destroyed = match closing.generation() {
        _ if is_elsewhere(engine, &closing) => Destroyed::default(),
        Some(generation) => destroyed(engine.keys.forget(name), engine.journal.purge_named(name, Some(generation))),
        None => undecided(engine, name, patience, destroy),
    };
    let destroyed = as_seen(engine, destroyed);
    Ok(Receipt { destroyed, ..closing.finish()?.told(confirmed) })
}

/// Whether no process can send any more of what is being closed, and if not, why.
fn confirm_closing(engine: &Engine, name: &str, closing: &Closing<'_>) -> Result<(), &'static str> {
    let confirmed = engine.consent.confirm(name, CONFIRM);
    closing.taken().and(confirmed)
}

pub(super) fn end(
    engine: &Engine,
    scope: Scope,
    ending: CloseReason<'_>,
    patience: &Patience,
) -> Result<Receipt, Error> {
    let closing = close_scope(engine, scope, ending, patience)?;
    let confirmed = confirm_closing(engine, scope.name(), &closing);
    // A grant that stays keeps its secret, so that codes of one month stay comparable.
    let destroyed = match closing.generation() {
        _ if is_elsewhere(engine, &closing) => {
            // What is in memory is this process's own, wherever its store is.
            engine.keys.wipe(scope);
            Destroyed::default()
        }
        keep @ Some(_) if ending.leaves_a_yes() => engine.journal.purge(scope, keep),
        keep @ Some(_) => destroy(engine, scope, keep),
        // The lock of decisions was not kept: see there.
        None => destroy_left(engine, scope, patience),
    };
    let destroyed = as_seen(engine, destroyed);
    let receipt = closing.finish()?.told(confirmed);
    if !receipt.recorded && ending.leaves_a_yes() {
        // Until its mark is raised the yes is closed.
        engine.tasks.request(Task::Finish);
    }
    Ok(Receipt { destroyed, ..receipt })
}
