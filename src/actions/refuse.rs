//! Writing a refusal, or "later", for a person who has not granted the scope. A refusal also destroys any data that is
//! left.

use super::{
    decision::{needs_notice, to_build_on},
    destroy::destroy_left,
};
use crate::{
    consent::{Contract, Decision, Details, LATER_MOST, Patience, Receipt, Scope, State, Statement, Tombstone},
    engine::Engine,
    error::Error,
    mutants::{self, Mutant},
};
use std::time::Duration;

/// How long a refusal waits to be confirmed.
pub(super) const CONFIRM: Duration = Duration::from_millis(500);

/// Records a refusal, or "later", and returns the receipt. A refusal is also confirmed, and what is left of the scope
/// is destroyed.
pub(super) fn refuse(engine: &Engine, scope: Scope, later: bool, patience: &Patience) -> Result<Receipt, Error> {
    let receipt = write_or_leave_file(engine, scope, later, patience);
    if later && receipt.is_err() {
        // The person did not refuse, so nothing is destroyed.
        return receipt;
    }
    let confirmed = engine.consent.confirm_no(scope.name(), CONFIRM);
    let destroyed = destroy_left(engine, scope.into(), patience);
    Ok(Receipt { destroyed, ..receipt?.told(confirmed) })
}

/// Records a refusal, or "later", from a person who has not granted the scope. A withdrawal uses
/// [`close_scope`](super::close::close_scope) instead.
///
/// If a refusal can't be written, this process stays closed for the scope, and a tombstone holds the refusal if one can
/// be made. That includes the case where nothing was ever decided: otherwise the next start would not know of the
/// refusal, and a grant without a notice would open the scope.
fn write_or_leave_file(engine: &Engine, scope: Scope, later: bool, patience: &Patience) -> Result<Receipt, Error> {
    let contract = engine.consent.contract(scope)?;
    engine.consent.close_gate(scope);
    let refused = write_refusal(engine, contract, later, patience);
    match &refused {
        // "Later" is not a refusal and withdraws nothing.
        Err(_) if later => engine.consent.reopen_gate(scope),
        Err(_) if engine.consent.is_seen_overtaken(scope, patience) => {}
        Err(_) if !mutants::on(Mutant::FirstNoForgotten) || engine.consent.ledger().may_hold_decisions() => {
            let after = engine.consent.comes_after(scope, patience);
            let said = Tombstone { after, ..engine.consent.tombstone(Decision::Denied, None) };
            // The person gets the error of the refusal. This process stays closed and retries it.
            let _ = engine.consent.ledger().revoke(scope.name(), &said);
        }
        _ => {}
    }
    refused
}

/// Writes the refusal, or "later", under the lock of decisions.
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
        return engine.consent.receipt_to_confirm(scope);
    }
    let sound = to_build_on(engine, &held, records, now)?;
    let before = sound.as_ref().and_then(|sound| sound.entry(scope.name()));
    let decided = before.map(|entry| entry.decision);
    // Checked again under the lock: "later" undoes no answer that another process recorded, neither a refusal nor a
    // grant.
    let answered = |decision: Decision| matches!(decision, Decision::Denied | Decision::Withdrawn) || decision.opens();
    if later && decided.is_some_and(answered) {
        engine.consent.reopen_gate(scope);
        drop(held);
        engine.look_again();
        return engine.consent.receipt_to_confirm(scope);
    }
    if later && decided == Some(Decision::Lost) {
        // The lost answer may have been a refusal, and "later" would turn it into an open question.
        engine.consent.reopen_gate(scope);
        return Err(needs_notice(scope, State::Unreadable));
    }
    let put_off = before.filter(|entry| entry.decision == Decision::Deferred).map_or(0, |entry| entry.details.deferred);
    // "Later" works twice. The third time it is a refusal, so that a person is not asked forever.
    let later = later && put_off < LATER_MOST;
    let decision = if later { Decision::Deferred } else { Decision::Denied };
    // After a withdrawal the person has to start again by themselves, whatever a later version asks for. A refusal on
    // top of the withdrawal does not change that.
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
    // Keeps the contract that was declined. If a later version asks for no more than that, it is known to be answered.
    let _ = engine.consent.ledger().keep_text(&contract.digest, &contract.json);
    let statement = Statement { details: Some(details), ..Statement::of(scope.name(), decision) };
    let narrowing = engine.consent.ledger().narrow(&held, sound.as_deref(), statement, now)?;
    // The decision is in force whether or not its line could be appended. If not, the next start appends it.
    let finished = engine.consent.ledger().finish(&held, &narrowing);
    engine.consent.reopen_gate(scope);
    drop(held);
    engine.look_again();
    // The caller confirms it, by looking at the records and the life lock.
    let receipt = engine.consent.receipt_of(scope.title(), narrowing.line, None);
    Ok(Receipt { recorded: finished.is_ok(), ..receipt })
}
