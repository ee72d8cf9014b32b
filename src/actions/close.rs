//! Closing a scope, the first half of every withdrawal, expiry, revocation and narrowing.
//!
//! In order: this process closes its own gate; the lock of decisions is taken; the decision is written to the snapshot.
//! From then on every process that shares the store treats the scope as closed. The result is a [`Closing`]. The caller
//! confirms that no process still sends, destroys the pending data, and calls [`Closing::finish`]. Nothing is destroyed
//! here.

use super::decision::reopen;
use crate::{
    clean,
    consent::{
        CloseReason, Decision, Held, Narrowing, Patience, Receipt, Records, Scope, ScopeKey, Statement, Tombstone,
        Unconfirmed, not_taken,
    },
    engine::Engine,
    error::{Error, Kind},
};

/// A scope that is closed: in this process always, in every process if the decision or a tombstone was written. Its
/// pending data is not destroyed yet, and the history does not have its line yet.
#[must_use]
pub(crate) struct Closing<'c> {
    engine: &'c Engine,
    scope: ScopeKey<'c>,
    decision: Decision,
    /// The lock of decisions, still held, and what was written under it. `None` if the decision could not be written to
    /// the snapshot.
    written: Option<(Held, Narrowing)>,
    /// Why the decision is not known to be on disk, if it is not.
    why: Unconfirmed,
    /// Whether a tombstone holds the decision and was read back. Then every process closes the scope because of it.
    is_kept: bool,
}

impl Closing<'_> {
    /// Whether the decision is in the snapshot on disk and was read back from there. If not, only a tombstone closes
    /// the scope, or it is not known what closes it.
    pub(crate) fn durable(&self) -> bool {
        self.written.as_ref().is_some_and(|(_, narrowing)| narrowing.is_read_back)
    }

    /// Whether every process closes the scope because of what is on disk.
    ///
    /// # Errors
    /// Why that is not known.
    pub(crate) fn taken(&self) -> Result<(), Unconfirmed> {
        if self.durable() || self.is_kept { Ok(()) } else { Err(self.why) }
    }

    /// The generation whose directories must be kept. All other directories of the scope must be destroyed.
    pub(crate) fn generation(&self) -> Option<u64> {
        self.written.as_ref().map(|(_, narrowing)| narrowing.entry.generation)
    }

    /// Appends the decision to the history and returns its receipt.
    pub(crate) fn finish(self) -> Result<Receipt, Error> {
        let Closing { engine, scope, decision, written, .. } = self;
        let consent = &engine.consent;
        let Some((held, narrowing)) = written else {
            if (decision.opens() || decision == Decision::Revoked)
                && let Some(scope) = scope.declared()
            {
                // The tombstone keeps the scope closed in every process. Once it is gone, the records decide: after a
                // block the grant is in force again, and after a revocation the person may have granted it again elsewhere.
                consent.reopen_gate(scope);
            }
            let now = consent.ambient().now().rfc3339();
            return Ok(Receipt::unwritten(scope.name(), scope.title(), decision, now));
        };
        let finished = consent.ledger().finish(&held, &narrowing);
        // The snapshot holds the decision now, so a later look can't open the scope again.
        if let Some(scope) = scope.declared() {
            consent.reopen_gate(scope);
        }
        drop(held);
        engine.look_again();
        // The decision is in force whether or not its line could be appended. If not, the next start appends it.
        let mut receipt = consent.receipt_of(scope.title(), narrowing.line, narrowing.language);
        receipt.recorded = finished.is_ok();
        Ok(receipt)
    }
}

/// Closes a scope: in this process immediately, and in every process by the time this returns, if the decision or a
/// tombstone could be written. The caller confirms, destroys the pending data, and then calls [`Closing::finish`].
///
/// `ending` is the reason for closing, or, when the grant stays and only pending data is destroyed, the reason for
/// narrowing it.
///
/// A scope that this program does not declare has no gate here, and this program can't retry a refusal of it. Without a
/// grant there is nothing of it to close. The rest is the same.
///
/// # Errors
/// There is no grant to close, or it is not one that `ending` may close; then the gate follows the records again. Or
/// neither the decision nor a tombstone could be written; see [`not_closed`].
pub(crate) fn close_scope<'e>(
    engine: &'e Engine,
    scope: ScopeKey<'e>,
    ending: CloseReason<'_>,
    patience: &Patience,
) -> Result<Closing<'e>, Error> {
    let ledger = engine.consent.ledger();
    let nothing = || Kind::NotGranted { scope: scope.name().into() }.into();
    let contract = scope.declared().map(|scope| engine.consent.contract(scope)).transpose()?;
    // 1. Close the gate of this process, before touching the disk.
    match scope.declared() {
        Some(scope) => close_own_gate(engine, scope, ending),
        // Nothing was ever decided here, so no lock is made.
        None if matches!(ledger.read(), Ok(Records::Nothing)) => return Err(nothing()),
        None => {}
    }
    // 2. Take the lock of decisions and finish whatever an earlier decision left unfinished.
    let held = match engine.consent.lock_or_fail(patience) {
        Ok(held) => held,
        Err(error) => return not_closed(engine, scope, ending, patience, error, false),
    };
    let now = engine.consent.ambient().now();
    let records = match ledger.repair(&held, now) {
        Ok(records) => records,
        Err(error) => return not_closed(engine, scope, ending, patience, error, false),
    };
    // 3. If this is a retry and a later grant has replaced the refusal, there is nothing to close.
    if let Some(declared) = scope.declared() {
        match engine.consent.must_not_be_tried(declared, patience, &records) {
            Ok(false) => {}
            Ok(true) => return Err(reopen(engine, scope, nothing())),
            Err(failed) => return not_closed(engine, scope, ending, patience, failed.into(), false),
        }
    }
    let Records::Sound(sound) = &records else {
        let error = match &records {
            Records::Nothing => nothing(),
            _ => Kind::Store { path: ledger.store().into(), why: "its records can't be trusted" }.into(),
        };
        return not_closed(engine, scope, ending, patience, error, false);
    };
    // Checked again under the lock. If the person decided something else in the meantime, that is not the grant that
    // the calendar or the program may end.
    let in_force = sound.in_force(scope.name());
    let is_over = |entry| match contract {
        Some(contract) => !engine.consent.is_valid(contract, entry, &engine.consent.moment()),
        None => engine.consent.is_over(entry),
    };
    let is_another = match ending {
        CloseReason::Expired => !in_force.is_some_and(is_over),
        CloseReason::Revoked(_) => in_force.is_none(),
        // A person who withdraws without a grant has refused, if this program could ask them.
        _ => contract.is_none() && in_force.is_none(),
    };
    if is_another {
        return Err(reopen(engine, scope, nothing()));
    }
    // 4. Build the statement to write.
    let mut statement = Statement::of(scope.name(), ending.decision());
    if ending == CloseReason::Withdrawn && sound.entry(scope.name()).is_none_or(|entry| entry.decision.was_no_yes()) {
        // The earlier reads failed, so this is known only now: there was no grant to withdraw.
        statement.decision = Decision::Denied;
    }
    if let CloseReason::Revoked(why) = ending {
        statement.via = Some(clean::short(why));
    }
    if ending.leaves_a_yes() {
        // Checked again under the lock: a grant that was withdrawn in the meantime must not come back.
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
            CloseReason::Limited => match contract.map(|contract| engine.consent.limits_of(contract, entry)) {
                Some(Ok(Some(limits))) => details.limits = limits,
                _ => return Err(reopen(engine, scope, nothing())),
            },
            _ => {}
        }
        if ending == CloseReason::Limited && details == entry.details {
            return Err(reopen(engine, scope, nothing()));
        }
        statement.details = Some(details);
    }
    // 5. Write it to the snapshot.
    match ledger.narrow(&held, Some(sound), statement, now) {
        Ok(narrowing) => {
            // Another decision about the scope may have ended while this one waited for the lock, and have let the records
            // of that moment decide again. Every look from here on reads the new snapshot.
            if let Some(scope) = scope.declared() {
                close_own_gate(engine, scope, ending);
            }
            Ok(closing(engine, scope, ending.decision(), Some((held, narrowing))))
        }
        Err(error) => not_closed(engine, scope, ending, patience, error, true),
    }
}

/// Closes the gate of this process. For a switched field or changed rules, events that arrive in the meantime are
/// counted.
fn close_own_gate(engine: &Engine, scope: Scope, ending: CloseReason<'_>) {
    match ending {
        CloseReason::Switched(..) | CloseReason::Limited => engine.consent.pause_gate(scope),
        CloseReason::Withdrawn | CloseReason::Expired | CloseReason::Revoked(_) | CloseReason::Blocked => {
            engine.consent.close_gate(scope)
        }
    }
}

/// What happens when an ending can't be written to the snapshot.
///
/// A tombstone holds the person's own refusal, what the program revoked, and a block. A block needs one because lifting
/// it could otherwise send data that was pending before. Each tombstone says which of these it is, so that none is
/// later read as another one. If a grant was only to be narrowed, or the calendar closes it anyway, the call fails and
/// the person's answer stays as it was.
///
/// `is_alone` says whether the lock is held and the records were read. If so, a grant that comes after this is a
/// separate decision, and for the person's refusal a tombstone that was read back is as good as a snapshot.
fn not_closed<'e>(
    engine: &'e Engine,
    scope: ScopeKey<'e>,
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
    if scope.declared().is_some_and(|scope| engine.consent.is_seen_overtaken(scope, patience)) {
        return Err(error);
    }
    let path = engine.consent.ledger().snapshot_path();
    let after = scope.declared().and_then(|scope| engine.consent.comes_after(scope, patience));
    let said = Tombstone { after, ..engine.consent.tombstone(ending.decision(), via) };
    match engine.consent.ledger().revoke(scope.name(), &said) {
        Ok(lasts) => {
            engine.consent.recover_soon();
            let is_kept =
                lasts && is_alone && ending == CloseReason::Withdrawn && engine.consent.is_kept_by_file(scope.name());
            Ok(Closing { why: not_taken(&error), is_kept, ..closing(engine, scope, ending.decision(), None) })
        }
        // `settle` retries a block, so this process follows the records again. After a withdrawal or a revocation it
        // stays closed.
        Err(_) if ending == CloseReason::Blocked => Err(reopen(engine, scope, error)),
        Err(source) => Err(Kind::Io { action: "withdraw in", path, source }.into()),
    }
}

/// A [`Closing`] of which nothing else is known yet.
fn closing<'e>(
    engine: &'e Engine,
    scope: ScopeKey<'e>,
    decision: Decision,
    written: Option<(Held, Narrowing)>,
) -> Closing<'e> {
    Closing { engine, scope, decision, written, why: Unconfirmed::NotWritten, is_kept: false }
}
