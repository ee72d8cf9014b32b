//! Writing down a no, or "later", of a person who has not said yes, and destroying what is left all the same.

use super::{
    decision::{needs_notice, to_build_on},
    destroy::destroy_left,
};
use crate::{
    consent::{
        Contract, Decision, Details, LATER_MOST, NOT_TAKEN, Patience, Receipt, Scope, State, Statement, Tombstone,
    },
    engine::Engine,
    error::Error,
    mutants::{self, Mutant},
};
use std::time::Duration;

/// How long a no waits to be confirmed.
pub(super) const CONFIRM: Duration = Duration::from_millis(500);

pub(super) fn refuse(engine: &Engine, scope: Scope, later: bool, patience: &Patience) -> Result<Receipt, Error> {
    let receipt = write_or_leave_file(engine, scope, later, patience);
    if later && receipt.is_err() {
        // Nobody said no.
        return receipt;
    }
    let confirmed = engine.consent.confirm_no(scope.name(), CONFIRM);
    let destroyed = destroy_left(engine, scope, patience);
    Ok(Receipt { destroyed, ..receipt?.told(confirmed) })
}

/// Records a no, or a "later", from a person who has not said yes. Whoever withdraws uses [`Consent::close_scope`].
///
/// On an error this process is closed for the scope all the same, and a tombstone stands for the no where one can be made,
/// also where nothing was ever decided: the next start would else know nothing of it, and a bare grant would open.
fn write_or_leave_file(engine: &Engine, scope: Scope, later: bool, patience: &Patience) -> Result<Receipt, Error> {
    let contract = engine.consent.contract(scope)?;
    engine.consent.close_gate(scope);
    let refused = write_refusal(engine, contract, later, patience);
    match &refused {
        // Later is no no, and takes nothing back.
        Err(_) if later => engine.consent.reopen_gate(scope),
        Err(_) if engine.consent.is_seen_overtaken(scope, patience) => {}
        Err(_) if !mutants::on(Mutant::FirstNoForgotten) || engine.consent.ledger().may_hold_decisions() => {
            let after = engine.consent.comes_after(scope, patience);
            let said = Tombstone { after, ..engine.consent.tombstone(Decision::Denied, None) };
            let _ = engine.consent.ledger().revoke(scope.name(), &said);
        }
        _ => {}
    }
    refused
}

fn write_refusal(engine: &Engine, contract: &Contract, later: bool, patience: &Patience) -> Result<Receipt, Error> {
    let scope = contract.scope;
    engine.consent.ledger().make_directories()?;
    let held = engine.consent.lock_or_fail(patience)?;
    let now = engine.consent.ambient().now();
    let records = engine.consent.ledger().repair(&held, now)?;
    if engine.consent.must_not_be_tried(scope, patience, &records)? {
        engine.consent.reopen_gate(scope);
        drop(held);
        engine.look_again();
        return engine.consent.receipt(scope, None);
    }
    let sound = to_build_on(engine, &held, records, now)?;
    let before = sound.as_ref().and_then(|sound| sound.entry(scope.name()));
    let decided = before.map(|entry| entry.decision);
    // Asked again under the lock: "later" makes no answer of another process undone, a no as little as a yes.
    let answered = |decision: Decision| matches!(decision, Decision::Denied | Decision::Withdrawn) || decision.opens();
    if later && decided.is_some_and(answered) {
        engine.consent.reopen_gate(scope);
        drop(held);
        engine.look_again();
        return engine.consent.receipt(scope, None);
    }
    if later && decided == Some(Decision::Lost) {
        // What is lost may have been a no, and "later" would make an open question of it.
        engine.consent.reopen_gate(scope);
        return Err(needs_notice(scope, State::Unreadable));
    }
    let put_off = before.filter(|entry| entry.decision == Decision::Deferred).map_or(0, |entry| entry.details.deferred);
    // "Later" works twice; the third time it is a no, so that nobody is asked for ever.
    let later = later && put_off < LATER_MOST;
    let decision = if later { Decision::Deferred } else { Decision::Denied };
    // Whoever took a yes back begins again by themselves, whatever is asked for; a no on top of that lifts nothing.
    let for_good = match before {
        Some(before) if before.decision == Decision::Denied => before.details.declined.is_none(),
        before => before.is_some_and(|before| before.decision == Decision::Withdrawn),
    };
    let details = Details {
        declined: (!for_good).then(|| contract.digest.clone()),
        deferred: if later { put_off + 1 } else { 0 },
        disabled_fields: before.filter(|_| later).map(|entry| entry.noes().disabled_fields).unwrap_or_default(),
        ..Details::default()
    };
    // What was declined, so that a later version that asks for no more is known to have been answered.
    let _ = engine.consent.ledger().keep_text(&contract.digest, &contract.json);
    let statement = Statement { details: Some(details), ..Statement::of(scope.name(), decision) };
    let narrowing = engine.consent.ledger().narrow(&held, sound.as_deref(), statement, now)?;
    // In force whether its line could be appended or not; the next open appends it.
    let finished = engine.consent.ledger().finish(&held, &narrowing);
    engine.consent.reopen_gate(scope);
    drop(held);
    engine.look_again();
    let mut receipt = engine.consent.receipt(scope, Some(&narrowing.line))?;
    receipt.recorded = finished.is_ok();
    Ok(if narrowing.is_read_back { receipt } else { receipt.told(Err(NOT_TAKEN)) })
}
