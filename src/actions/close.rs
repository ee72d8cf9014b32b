//! Closing a scope: this process at once, every process when it returns. Whoever closes then confirms, destroys what waits, and
//! finishes.

use super::decision::reopen;
use crate::{
    consent::{
        CloseReason, Decision, Held, NOT_TAKEN, Narrowing, Patience, Receipt, Records, Scope, Statement, Tombstone,
        is_name, not_taken, short,
    },
    engine::Engine,
    error::{Error, Kind},
};

/// A scope that is closed in every process, before what waits is destroyed and the history has its line.
#[must_use]
pub(crate) struct Closing<'c> {
    pub(crate) engine: &'c Engine,
    /// None where the program does not declare it.
    pub(crate) scope: Option<Scope>,
    pub(crate) name: String,
    pub(crate) decision: Decision,
    pub(crate) written: Option<(Held, Narrowing)>,
    /// Why it is not known to stand on disk, where it is not.
    pub(crate) why: &'static str,
    /// Whether a file stands for it that was read back, and by which every process closes.
    pub(crate) is_kept: bool,
}

impl Closing<'_> {
    /// Whether the decision stands on disk as one, and was read back from there; if not, only a tombstone closes the scope, or
    /// nobody knows.
    pub(crate) fn durable(&self) -> bool {
        self.written.as_ref().is_some_and(|(_, narrowing)| narrowing.is_read_back)
    }

    /// Whether every process closes by what stands on disk, and why that is not known.
    pub(crate) fn taken(&self) -> Result<(), &'static str> {
        if self.durable() || self.is_kept { Ok(()) } else { Err(self.why) }
    }

    /// The generation whose directories are to be kept; every other one of the scope is to be destroyed.
    pub(crate) fn generation(&self) -> Option<u64> {
        self.written.as_ref().map(|(_, narrowing)| narrowing.entry.generation)
    }

    /// Appends the decision to the history and answers its receipt.
    pub(crate) fn finish(self) -> Result<Receipt, Error> {
        let Closing { engine, scope, name, decision, written, .. } = self;
        let consent = &engine.consent;
        let title = scope.map_or(name.as_str(), |scope| scope.title());
        let Some((held, narrowing)) = written else {
            if decision.opens()
                && let Some(scope) = scope
            {
                // A yes stays, and what stands for the narrowing closes it until that is written.
                consent.reopen_gate(scope);
            }
            return Ok(Receipt::unwritten(&name, title, decision, consent.ambient().now().rfc3339()));
        };
        let finished = consent.ledger().finish(&held, &narrowing);
        // The snapshot says it now, so that a later look can't open the scope again.
        if let Some(scope) = scope {
            consent.reopen_gate(scope);
        }
        drop(held);
        engine.look_again();
        // The decision is in force whether its line could be appended or not; the next open appends it.
        let mut receipt = consent.receipt_of(title, narrowing.line);
        receipt.recorded = finished.is_ok();
        Ok(receipt)
    }
}

/// Closes a scope: this process at once, every process when it returns. The caller confirms, destroys what waits,
/// and then calls [`Closing::finish`].
///
/// `ending` is why, or, for what destroys what waits and leaves the grant, what narrows it.
pub(crate) fn close_scope<'e>(
    engine: &'e Engine,
    scope: Scope,
    ending: CloseReason<'_>,
    patience: &Patience,
) -> Result<Closing<'e>, Error> {
    let contract = engine.consent.contract(scope)?;
    match ending {
        CloseReason::Switched(..) | CloseReason::Limited => engine.consent.pause_gate(scope),
        CloseReason::Withdrawn | CloseReason::Expired | CloseReason::Revoked(_) | CloseReason::Blocked => {
            engine.consent.close_gate(scope)
        }
    }
    let ledger = engine.consent.ledger();
    let held = match engine.consent.lock_or_fail(patience) {
        Ok(held) => held,
        Err(error) => return not_closed(engine, scope, ending, patience, error, false),
    };
    let now = engine.consent.ambient().now();
    let records = match ledger.repair(&held, now) {
        Ok(records) => records,
        Err(error) => return not_closed(engine, scope, ending, patience, error, false),
    };
    let nothing = || Kind::NotGranted { scope: scope.name().into() }.into();
    match engine.consent.must_not_be_tried(scope, patience, &records) {
        Ok(false) => {}
        Ok(true) => return Err(reopen(engine, scope, nothing())),
        Err(failed) => return not_closed(engine, scope, ending, patience, failed.into(), false),
    }
    let Records::Sound(sound) = &records else { return not_closed(engine, scope, ending, patience, nothing(), false) };
    // Asked again under the lock: what the person did meanwhile is no yes for the calendar or the program to end.
    let in_force = sound.in_force(scope.name());
    let is_another = match ending {
        CloseReason::Expired => {
            in_force.is_none_or(|entry| engine.consent.is_valid(contract, entry, &engine.consent.moment()))
        }
        CloseReason::Revoked(_) => in_force.is_none(),
        _ => false,
    };
    if is_another {
        return Err(reopen(engine, scope, nothing()));
    }
    let mut statement = Statement::of(scope.name(), ending.decision());
    if ending == CloseReason::Withdrawn && sound.entry(scope.name()).is_none_or(|entry| entry.decision.was_no_yes()) {
        // Found only now, since the looks before it failed: there was no yes to take back.
        statement.decision = Decision::Denied;
    }
    if let CloseReason::Revoked(why) = ending {
        statement.via = Some(short(why));
    }
    if ending.leaves_a_yes() {
        // Asked again under the lock: a yes that was taken back meanwhile must not come back.
        let Some(entry) = sound.in_force(scope.name()) else { return Err(reopen(engine, scope, nothing())) };
        let mut details = entry.details.clone();
        match ending {
            CloseReason::Switched(field, on) => {
                details.disabled_fields.retain(|off| off != field);
                if !on {
                    details.disabled_fields.push(field.into());
                    details.disabled_fields.sort();
                }
            }
            CloseReason::Limited => {
                let Ok(Some(limits)) = engine.consent.limits_of(contract, entry) else {
                    return Err(reopen(engine, scope, nothing()));
                };
                details.limits = limits;
            }
            _ => {}
        }
        if ending == CloseReason::Limited && details == entry.details {
            return Err(reopen(engine, scope, nothing()));
        }
        statement.details = Some(details);
    }
    match ledger.narrow(&held, Some(sound), statement, now) {
        Ok(narrowing) => Ok(closing(engine, scope, ending.decision(), Some((held, narrowing)))),
        Err(error) => not_closed(engine, scope, ending, patience, error, true),
    }
}

/// What an ending that can't be written does. The person's own no, and what the program ended, are kept by a tombstone, and so
/// is what blocks, since lifting it could send what waited before: each says which it is, and none reads as another one
/// later. Where a yes was only to be narrowed, or the calendar closes it anyway, it fails, and the person's answer stays
/// what it was.
///
/// `is_alone` says whether the lock is held and the records were read: a yes that comes after this is another act then, and the
/// person's no is as good by a tombstone that was read back as by a snapshot.
fn not_closed<'e>(
    engine: &'e Engine,
    scope: Scope,
    ending: CloseReason<'_>,
    patience: &Patience,
    error: Error,
    is_alone: bool,
) -> Result<Closing<'e>, Error> {
    let via = match ending {
        CloseReason::Switched(..) | CloseReason::Limited | CloseReason::Expired => {
            return Err(reopen(engine, scope, error));
        }
        CloseReason::Revoked(why) => Some(why),
        CloseReason::Blocked | CloseReason::Withdrawn => None,
    };
    if engine.consent.is_seen_overtaken(scope, patience) {
        return Err(error);
    }
    let path = engine.consent.ledger().snapshot_path();
    let after = engine.consent.comes_after(scope, patience);
    match engine
        .consent
        .ledger()
        .revoke(scope.name(), &Tombstone { after, ..engine.consent.tombstone(ending.decision(), via) })
    {
        Ok(lasts) => {
            engine.consent.recover_soon();
            let is_kept =
                lasts && is_alone && ending == CloseReason::Withdrawn && engine.consent.is_kept_by_file(scope.name());
            Ok(Closing { why: not_taken(&error), is_kept, ..closing(engine, scope, ending.decision(), None) })
        }
        // What the program or its surroundings wished is tried again by them; the person's no stays in this process.
        Err(_) if ending == CloseReason::Blocked => Err(reopen(engine, scope, error)),
        Err(source) => Err(Kind::Io { action: "withdraw in", path, source }.into()),
    }
}

fn closing(engine: &Engine, scope: Scope, decision: Decision, written: Option<(Held, Narrowing)>) -> Closing<'_> {
    Closing { engine, scope: Some(scope), name: scope.name().into(), decision, written, why: NOT_TAKEN, is_kept: false }
}

/// Closes such a scope in every process that declares it, as [`close_scope`] does one's own. One
/// that is over is closed by the calendar anyway: where that can't be written it stays for another time.
pub(super) fn close_undeclared<'e>(
    engine: &'e Engine,
    name: &str,
    ending: CloseReason<'_>,
    patience: &Patience,
) -> Result<Closing<'e>, Error> {
    if !is_name(name) {
        return Err(Kind::Name { what: "scope", name: name.into(), such_as: "playback" }.into());
    }
    if engine.consent.declares(name) {
        return Err(Kind::Declared { scope: name.into() }.into());
    }
    let nothing = || Kind::NotGranted { scope: name.into() }.into();
    let ledger = engine.consent.ledger();
    if matches!(ledger.read(), Ok(Records::Nothing)) {
        return Err(nothing());
    }
    let decision = ending.decision();
    let mut is_alone = false;
    let written = engine.consent.lock_or_fail(patience).and_then(|held| {
        let now = engine.consent.ambient().now();
        let Records::Sound(sound) = ledger.repair(&held, now)? else {
            return Err(Kind::Store { path: ledger.store().into(), why: "its records can't be relied on" }.into());
        };
        is_alone = true;
        let Some(entry) = sound.in_force(name) else { return Ok(None) };
        // Asked again under the lock: it may have been given anew.
        if ending == CloseReason::Expired && !engine.consent.is_over(entry) {
            return Ok(None);
        }
        ledger.narrow(&held, Some(&sound), Statement::of(name, decision), now).map(|narrowing| Some((held, narrowing)))
    });
    let (mut why, mut is_kept) = (NOT_TAKEN, false);
    let written = match written {
        Ok(Some(written)) => Some(written),
        Ok(None) => return Err(nothing()),
        Err(error) if ending == CloseReason::Expired => return Err(error),
        Err(error) => {
            why = not_taken(&error);
            let path = ledger.snapshot_path();
            let said = engine.consent.tombstone(decision, None);
            let lasts =
                ledger.revoke(name, &said).map_err(|source| Kind::Io { action: "withdraw in", path, source })?;
            is_kept = lasts && is_alone && engine.consent.is_kept_by_file(name);
            engine.consent.recover_soon();
            None
        }
    };
    Ok(Closing { engine, scope: None, name: name.into(), decision, written, why, is_kept })
}
