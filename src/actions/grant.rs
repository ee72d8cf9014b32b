//! Recording a grant, and opening its scope.
//!
//! In order: what surrounds the program must allow it; the lock of decisions is taken; the person's state must allow
//! it; the texts are kept; the grant is written; the scope opens. If any step fails, nothing opens.

use super::decision::{needs_notice, to_build_on};
use crate::{
    consent::{
        Contract, ContractSchema, Decision, Details, Failed, Grant, NoticeLanguage, Patience, Receipt, Records, Scope,
        State, Statement, answers, compare, digest,
    },
    engine::Engine,
    error::{Error, Kind},
};

/// Records a grant, under the administrators' rules as last read. Everything the scope needs before its first event is
/// made before it opens; if that fails, nothing opens.
///
/// # Errors
/// Something blocks the scope, or the program does not allow it; the person must see a notice first; or the disk or the
/// lock of decisions could not be used.
pub(crate) fn grant(engine: &Engine, grant: &Grant, patience: &Patience) -> Result<Receipt, Error> {
    let scope = grant.scope;
    let contract = engine.consent.contract(scope)?;
    engine.consent.ledger().is_usable()?;
    // 1. What surrounds the program must allow a grant.
    if let Some(block) = engine.consent.constraints().block_of(&contract.terms) {
        return Err(Kind::Blocked { by: block.0 }.into());
    }
    if !contract.allowed {
        return Err(Kind::NotAllowed { scope: scope.name(), constant: scope.constant() }.into());
    }
    let rendered = grant.agreed_notice(contract)?;
    // 2. Take the lock of decisions and finish whatever an earlier decision left unfinished.
    let began = engine.consent.next_act();
    engine.consent.ledger().make_directories()?;
    let held = engine.consent.lock_or_fail(patience)?;
    let now = engine.consent.ambient().now();
    let records = engine.consent.ledger().repair(&held, now)?;
    if let Records::Refused(path, why) = records {
        return Err(Kind::Store { path, why }.into());
    }
    // 3. Look at what the person decided before. It may be that nothing changes, or that they must see a notice first.
    let state = engine.consent.state_said(engine.consent.state(&records, contract)?, scope);
    let in_force = match &records {
        Records::Sound(sound) => sound.in_force(scope.name()).cloned(),
        _ => None,
    };
    let agreed = in_force.as_ref().and_then(|entry| entry.contract.clone());
    // A grant given to a notice is recorded again even though one is in force, in three cases: it is to another
    // contract, for example one that asks for less; the clock was far ahead when the one in force was given or used, so
    // that its age is unknown; or the file of the scope's life lock is missing.
    let is_doubted = || {
        let at = &engine.consent.moment();
        let set_back = matches!(&records, Records::Sound(sound) if engine.consent.is_set_back(sound, scope.name(), at));
        set_back || in_force.as_ref().is_some_and(|entry| engine.consent.is_before(entry, at))
    };
    let new_decision = grant.shown.is_some()
        && (agreed.as_ref() != Some(&contract.digest) || is_doubted() || engine.consent.lacks_life(scope.name())?);
    match state {
        State::Granted if !new_decision => {
            // Under the lock of decisions: a decision that waits for it closes its gate again.
            engine.consent.reopen_gate(scope);
            drop(held);
            engine.look_again();
            return engine.consent.receipt(scope);
        }
        State::NeverAsked => {}
        _ if grant.shown.is_some() => {}
        State::Expired if says_no_more(engine, &records, contract)? => {}
        // After "later" the question is still open, so the program's own words are enough.
        State::Deferred if grant.own_words.is_some() => {}
        _ => {
            // A text that was seen but not read is neither lost nor damaged: report that file instead of asking for a
            // notice.
            if let (State::Unreadable, Some(entry)) = (state, &in_force)
                && let Some(unread) = engine.consent.ledger().unread_of(entry)?
            {
                return Err(unread);
            }
            engine.consent.note_refused(scope);
            return Err(needs_notice(scope, state));
        }
    }
    // 4. Keep the texts, then write the grant. The scope opens when this process looks at the records again.
    let sound = to_build_on(engine, &held, records, now)?;
    // Fields that the person switched off stay off when they extend a grant, or grant again after it ended without
    // them. They are switched on again only if the person ended the grant themselves.
    let ended_by_person = matches!(state, State::Withdrawn | State::Denied);
    let before = sound.as_ref().and_then(|sound| sound.entry(scope.name())).filter(|_| !ended_by_person);
    let disabled_fields = before.map(|entry| entry.noes().disabled_fields).unwrap_or_default();
    let (text, language, notice) = match &grant.own_words {
        Some((text, language)) => (text.as_str(), language.as_str(), digest(text.as_bytes())),
        None => (rendered.text(), rendered.language(), rendered.digest().to_owned()),
    };
    engine.consent.ledger().keep_text(&contract.digest, &contract.json)?;
    engine.consent.ledger().keep_text(&notice, text)?;
    let statement = Statement {
        contract: Some(contract.digest.clone()),
        notice: Some(notice),
        language: Some(NoticeLanguage { tag: language.into(), picked: grant.picked && grant.shown.is_some() }),
        via: match (&grant.via, &grant.shown, &grant.own_words) {
            (Some(via), ..) => Some(via.clone()),
            (None, Some(_), _) => Some("a notice of this program".into()),
            (None, None, Some(_)) => Some("a dialog of this program".into()),
            (None, None, None) => None,
        },
        until: Some(now.day().plus(engine.consent.validity()).to_string()),
        details: Some(Details {
            disabled_fields,
            // The rules as they apply to this build's contract, which is what the person agrees to here.
            limits: engine.consent.limits(contract).digest(),
            own_words: grant.own_words.is_some(),
            adult: engine.consent.constraints().adult.clone(),
            ..Details::default()
        }),
        ..Statement::of(scope.name(), Decision::Granted)
    };
    let is_renewed = in_force.is_some();
    let line = engine
        .consent
        .ledger()
        .grant(&held, sound.as_deref(), statement, now, |_| make_ready(engine, scope, is_renewed))?;
    engine.consent.forget_acts(scope, began);
    engine.consent.reopen_gate(scope);
    drop(held);
    engine.look_again();
    Ok(engine.consent.receipt_of(scope.title(), line, None))
}

/// Whether this build would send no more than a grant that has expired allowed, and the person has not declined this
/// build's contract.
fn says_no_more(engine: &Engine, records: &Records, contract: &Contract) -> Result<bool, Failed> {
    let scope = contract.scope.name();
    let Records::Sound(sound) = records else { return Ok(false) };
    let Some(entry) = sound.entry(scope).filter(|entry| entry.details.declined.is_none()) else { return Ok(false) };
    let lines = engine.consent.ledger().history()?.lines();
    let agreed = entry.contract.clone().or_else(|| {
        let told = answers(&lines, scope).find(|line| line.contract.is_some());
        told.and_then(|line| line.contract.clone())
    });
    let Some(agreed) = agreed else { return Ok(false) };
    if agreed == contract.digest {
        return Ok(true);
    }
    let agreed = engine.consent.ledger().text(&agreed)?.and_then(|text| ContractSchema::read(&text));
    Ok(agreed.is_some_and(|agreed| compare(&contract.terms, &agreed).is_no_wider()))
}

/// Makes ready what the scope needs before it opens. Data found there was recorded under a grant that is no longer in
/// force, and is destroyed. Data already in the trash is never sent, so it may stay: some file systems keep its name
/// for as long as another process has the file open.
///
/// If the grant renews one that is in force, what is kept about once-events stays: they are reported once in their period all the
/// same.
fn make_ready(engine: &Engine, scope: Scope, is_renewed: bool) -> Result<(), Error> {
    let purged = match is_renewed {
        true => engine.journal.purge_renewed(scope.into()),
        false => engine.journal.purge(scope.into(), None),
    };
    if !purged.complete && !engine.journal.is_out_of_place(scope) {
        let path = engine.consent.ledger().store().to_owned();
        return Err(Kind::Store { path, why: "what was recorded before could not be removed" }.into());
    }
    engine.keys.create(scope)
}
