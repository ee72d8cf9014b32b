//! The whole act of withdrawing, over everything above: stop, confirm, destroy, receipt. And of what else closes a scope: a
//! no, a block, a switch.
//!
//! In this order: the gate of this process; the snapshot, by which every process stops; the life lock, by which it is
//! known that every connection is gone; the secret behind the scope's codes; what waits; the history; the receipt.
//! Interrupted anywhere after the snapshot, the next open finishes it. Never sends anything, not even that it happened.

use crate::{
    consent::{Closing, Destroyed, Ending, Failed, Patience, Receipt, Records, Scope, State},
    error::{Error, Kind},
    mutants::{self, Mutant},
    sender::{Engine, Owed},
};
use std::{collections::BTreeSet, time::Duration};

/// How long a withdrawal waits to be confirmed.
const CONFIRM: Duration = Duration::from_millis(500);

/// Takes a yes back. Without a yes there is nothing to take back, and what the person wishes is recorded as a no. What can't be
/// written is tried again until it is.
pub(crate) fn withdraw(engine: &Engine, scope: Scope) -> Result<Receipt, Error> {
    let act = engine.consent.begin_act(scope);
    let answer = try_to_withdraw(engine, scope, &Patience::new());
    engine.consent.note_act(scope, act, false, &answer);
    answer
}

fn try_to_withdraw(engine: &Engine, scope: Scope, patience: &Patience) -> Result<Receipt, Error> {
    match state_for_a_no(engine, scope)? {
        Some(state) => withdraw_from(engine, scope, state, patience),
        None => end(engine, scope, Ending::Withdrawn, patience),
    }
}

/// Where the scope stands that a person says no to; none where nobody knows. What the person wishes is known all the same, and
/// closes whatever it is.
fn state_for_a_no(engine: &Engine, scope: Scope) -> Result<Option<State>, Error> {
    match engine.consent.state_of(scope) {
        Err(error) if error.is_store() => {
            engine.consent.shut(scope);
            Ok(engine.consent.state_of(scope).ok())
        }
        state => state.map(Some),
    }
}

fn withdraw_from(engine: &Engine, scope: Scope, state: State, patience: &Patience) -> Result<Receipt, Error> {
    match state {
        // Past its last day the same, whether anybody has written that down yet or not.
        State::Granted | State::Superseded | State::Expired => end(engine, scope, Ending::Withdrawn, patience),
        State::Denied | State::Withdrawn => again(engine, scope, Ending::Withdrawn, patience),
        State::Unreadable if engine.consent.has_yes(scope) => end(engine, scope, Ending::Withdrawn, patience),
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
        Err(error) if error.is_store() => end(engine, scope, Ending::Revoked(why), patience),
        state => match state? {
            State::Granted | State::Superseded => end(engine, scope, Ending::Revoked(why), patience),
            State::Revoked => again(engine, scope, Ending::Revoked(why), patience),
            _ => Err(Kind::NotGranted { scope: scope.name().into() }.into()),
        },
    }
}

/// Records a no. A person who said yes before has thereby withdrawn.
pub(crate) fn deny(engine: &Engine, scope: Scope) -> Result<Receipt, Error> {
    let act = engine.consent.begin_act(scope);
    let answer = try_to_deny(engine, scope, &Patience::new());
    engine.consent.note_act(scope, act, true, &answer);
    answer
}

/// Tries again what a person said here and the disk did not take, where its time has come. Writes nothing else.
fn try_again(engine: &Engine, patience: &Patience) {
    for (scope, act, denies) in engine.consent.acts_to_retry() {
        let answer = patience.again(scope, || try_once_more(engine, scope, denies, patience));
        engine.consent.note_retry(scope, act, denies, &answer);
    }
}

fn try_to_deny(engine: &Engine, scope: Scope, patience: &Patience) -> Result<Receipt, Error> {
    match state_for_a_no(engine, scope)? {
        Some(State::Granted | State::Superseded) | None => end(engine, scope, Ending::Withdrawn, patience),
        // A yes past its last day that nobody has written down as over is one still, also where a clock was wrong for once.
        Some(State::Unreadable | State::Expired) if engine.consent.has_yes(scope) => {
            end(engine, scope, Ending::Withdrawn, patience)
        }
        Some(_) => refuse(engine, scope, false, patience),
    }
}

/// Where a file stands for the act, that is turned into its line, and is all of it: the person said it once.
fn try_once_more(engine: &Engine, scope: Scope, denies: bool, patience: &Patience) -> Result<Receipt, Error> {
    match engine.consent.state_of(scope) {
        Ok(State::Denied | State::Withdrawn) => {
            engine.consent.shut(scope);
            engine.consent.mend_whatever_is_there(patience)?;
            said_before(engine, scope, patience)
        }
        _ if denies => try_to_deny(engine, scope, patience),
        _ => try_to_withdraw(engine, scope, patience),
    }
}

/// Records "later", which is no yes, and takes none back.
pub(crate) fn defer(engine: &Engine, scope: Scope) -> Result<Receipt, Error> {
    match engine.consent.state_of(scope)? {
        State::Granted | State::Superseded => engine.consent.keep(scope, true),
        // An answer stays one.
        State::Denied | State::Withdrawn => engine.consent.receipt(scope, None),
        _ => refuse(engine, scope, true, &Patience::new()),
    }
}

/// Switches a field of a granted scope off, or on again.
pub(crate) fn switch(engine: &Engine, scope: Scope, field: &str, on: bool) -> Result<Receipt, Error> {
    let known: BTreeSet<String> = engine
        .registry
        .schemas_of(scope)
        .flat_map(|schema| schema.fields().iter().map(|field| format!("{}.{}", schema.name(), field.name)))
        .collect();
    let state = engine.consent.state_said(engine.consent.state_of(scope)?, scope);
    let status = engine.consent.status(scope)?;
    if !known.contains(field) {
        let known: Vec<String> = known.iter().map(|field| format!("`{field}`")).collect();
        let known = if known.is_empty() { "none".into() } else { known.join(", ") };
        return Err(Kind::UnknownField { scope: scope.name().into(), field: field.into(), known }.into());
    }
    if !matches!(state, State::Granted | State::Superseded) {
        return Err(Kind::NotGranted { scope: scope.name().into() }.into());
    }
    if on != status.switched_off.iter().any(|off| off == field) {
        return engine.consent.receipt(scope, None);
    }
    end(engine, scope, Ending::Switched(field, on), &Patience::new())
}

fn refuse(engine: &Engine, scope: Scope, later: bool, patience: &Patience) -> Result<Receipt, Error> {
    let receipt = engine.consent.refuse(scope, later, patience);
    if later && receipt.is_err() {
        // Nobody said no.
        return receipt;
    }
    let confirmed = engine.consent.confirm_no(scope.name(), CONFIRM);
    let destroyed = destroy_left(engine, scope, patience);
    Ok(Receipt { destroyed, ..receipt?.told(confirmed) })
}

/// Again is as good as once; what an interrupted first time left is destroyed now.
fn again(engine: &Engine, scope: Scope, ending: Ending<'_>, patience: &Patience) -> Result<Receipt, Error> {
    engine.consent.shut(scope);
    let mended = engine.consent.mend_whatever_is_there(patience);
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
fn said_before(engine: &Engine, scope: Scope, patience: &Patience) -> Result<Receipt, Error> {
    // Whatever is decided while this waits comes after it.
    let receipt = engine.consent.receipt(scope, None);
    if receipt.as_ref().is_ok_and(tells_a_yes) {
        engine.consent.unshut(scope);
        return receipt;
    }
    let confirmed = engine.consent.confirm_no(scope.name(), CONFIRM);
    let destroyed = destroy_left(engine, scope, patience);
    // What is on disk says no; a yes that is given elsewhere later on begins here as it would have.
    engine.consent.unshut(scope);
    Ok(Receipt { destroyed, ..receipt?.told(confirmed) })
}

/// Whether what lies at the store's place is another store's: then it is not this one's to destroy. A decision that was written
/// there and read back was written in this one.
fn is_elsewhere(engine: &Engine, closing: &Closing<'_>) -> bool {
    !closing.durable() && engine.consent.ledger().is_there().is_err()
}

/// The secret first, then what waits, whether the first succeeds or not.
fn destroy(engine: &Engine, scope: Scope, keep: Option<u64>) -> Destroyed {
    let secret = engine.keys.destroy(scope);
    if mutants::on(Mutant::NothingDestroyed) {
        return destroyed(secret, Destroyed { complete: true, ..Destroyed::default() });
    }
    destroyed(secret, engine.journal.purge(scope, keep))
}

/// What lies of a scope that was closed a moment ago, or long ago, goes; a yes that was given since, by another process, keeps
/// its own.
fn destroy_left(engine: &Engine, scope: Scope, patience: &Patience) -> Destroyed {
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
fn undecided(
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
        engine.chores.owe(Owed::Clear);
        // What a yes that comes meanwhile keeps has a later generation.
        let ended = engine.consent.latest_ended(name).map(|latest| engine.journal.purge_until(name, latest));
        Destroyed { complete: !engine.may_have_left(name), ..ended.unwrap_or_default() }
    });
    as_seen(engine, destroyed)
}

fn destroyed(secret: std::io::Result<bool>, waiting: Destroyed) -> Destroyed {
    Destroyed { complete: waiting.complete && secret.is_ok(), secret: secret.unwrap_or(false), ..waiting }
}

/// What is not seen in a store that is out of sight itself may be there.
fn as_seen(engine: &Engine, destroyed: Destroyed) -> Destroyed {
    let complete = destroyed.complete && engine.consent.ledger().is_at_its_place();
    Destroyed { complete, ..destroyed }
}

/// Takes back a yes to a scope that this program does not declare.
pub(crate) fn withdraw_undeclared(engine: &Engine, name: &str) -> Result<Receipt, Error> {
    end_undeclared(engine, name, Ending::Withdrawn, &Patience::new())
}

fn end_undeclared(engine: &Engine, name: &str, ending: Ending<'_>, patience: &Patience) -> Result<Receipt, Error> {
    let closing = engine.consent.close_undeclared(name, ending, patience)?;
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
    let mut settled = end_all(blocked.collect(), Ending::Blocked, &mut records)?;
    let limited = consent.limited_otherwise(&records);
    settled &= limited.is_ok();
    settled &= end_all(limited.unwrap_or_default(), Ending::Limited, &mut records)?;
    // Closed it is at once; that it is over is written down by a clock that is believed.
    let (expired, undeclared) = (consent.expired(&records), consent.expired_undeclared(&records));
    if !(expired.is_empty() && undeclared.is_empty()) && engine.believed().is_some() {
        for scope in expired {
            settled &= !end(engine, scope, Ending::Expired, patience).is_err_and(|error| error.is_store());
        }
        for name in undeclared {
            settled &= !end_undeclared(engine, &name, Ending::Expired, patience).is_err_and(|error| error.is_store());
        }
    }
    Ok(settled)
}

/// Whether no process can send any more of what is being closed, and if not, why.
fn confirm_closing(engine: &Engine, name: &str, closing: &Closing<'_>) -> Result<(), &'static str> {
    let confirmed = engine.consent.confirm(name, CONFIRM);
    closing.taken().and(confirmed)
}

fn end(engine: &Engine, scope: Scope, ending: Ending<'_>, patience: &Patience) -> Result<Receipt, Error> {
    let closing = engine.consent.close_scope(scope, ending, patience)?;
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
        engine.chores.owe(Owed::Finish);
    }
    Ok(Receipt { destroyed, ..receipt })
}
