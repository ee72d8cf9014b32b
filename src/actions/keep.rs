//! Recording answers that change nothing about what may be sent: that a person stays with what they agreed to, and
//! whether they want to be asked about more.

use super::decision::to_build_on;
use crate::{
    consent::{Decision, Details, EVERY_SCOPE, Entry, LATER_MOST, Patience, Receipt, Records, Scope, Statement},
    engine::{Engine, Task},
    error::{Error, Kind},
};

/// Records that the person was asked for more than they agreed to, and refused or said later. What they agreed to stays
/// in force, under the same epoch. "Later" counts as a refusal once it was said [`LATER_MOST`] times to the same
/// contract.
pub(crate) fn keep(engine: &Engine, scope: Scope, later: bool) -> Result<Receipt, Error> {
    let contract = engine.consent.contract(scope)?;
    // The answer counts without the text. Then it covers every later version, since the text can't be compared.
    let _ = engine.consent.ledger().keep_text(&contract.digest, &contract.json);
    write_open(engine, scope, |entry| {
        let same = entry.details.declined.as_ref() == Some(&contract.digest);
        let put_off = if same { entry.details.deferred } else { 0 };
        let later = later && put_off < LATER_MOST;
        let declined = Some(contract.digest.clone());
        let deferred = if later { put_off + 1 } else { 0 };
        Details { declined, deferred, ..entry.details.clone() }
    })
}

/// Writes an entry for a scope that is in force. It changes nothing about what may be sent.
fn write_open(engine: &Engine, scope: Scope, details: impl Fn(&Entry) -> Details) -> Result<Receipt, Error> {
    let held = engine.consent.lock_or_fail(&Patience::new())?;
    let now = engine.consent.ambient().now();
    let records = engine.consent.ledger().repair(&held, now)?;
    let entry = match &records {
        Records::Sound(sound) => sound.in_force(scope.name()).map(|entry| (sound, entry)),
        _ => None,
    };
    let Some((sound, entry)) = entry else { return Err(Kind::NotGranted { scope: scope.name().into() }.into()) };
    let statement = Statement { details: Some(details(entry)), ..Statement::of(scope.name(), Decision::Kept) };
    let narrowing = engine.consent.ledger().narrow(&held, Some(sound), statement, now)?;
    let finished = engine.consent.ledger().finish(&held, &narrowing);
    if finished.is_err() {
        engine.tasks.request(Task::Finish);
    }
    drop(held);
    engine.look_again();
    let mut receipt = engine.consent.receipt_of(scope.title(), narrowing.line, narrowing.language);
    receipt.recorded = finished.is_ok();
    Ok(receipt)
}

/// Records whether the person may be asked when a version would do more than they agreed to: [`Decision::AskAgain`] or
/// [`Decision::AskNoMore`].
pub(crate) fn ask_about_widenings(engine: &Engine, decision: Decision) -> Result<(), Error> {
    engine.consent.ledger().make_directories()?;
    let held = engine.consent.lock_or_fail(&Patience::new())?;
    let now = engine.consent.ambient().now();
    let sound = to_build_on(engine, &held, engine.consent.ledger().repair(&held, now)?, now)?;
    let known = sound.as_ref().and_then(|sound| sound.entry(EVERY_SCOPE)).map(|entry| entry.decision);
    // Records restored from an older copy hold an older answer, so the answer is written again.
    let outdated = sound.as_ref().is_some_and(|sound| sound.is_outdated(EVERY_SCOPE));
    if !outdated && known.unwrap_or(Decision::AskAgain) == decision {
        return Ok(());
    }
    let statement = Statement::of(EVERY_SCOPE, decision);
    let narrowing = engine.consent.ledger().narrow(&held, sound.as_deref(), statement, now)?;
    let finished = engine.consent.ledger().finish(&held, &narrowing);
    drop(held);
    engine.look_again();
    finished
}
