//! The person's own refusals and withdrawals that could not be written. Each holds in this client, whatever is on disk, until it
//! is written or a newer grant is given after it. This module never opens a scope that was not granted. Retrying is the task of
//! the code that withdraws.

use crate::consent::{
    agreement::scope::Scope,
    proof::receipt::Receipt,
    records::entry::{Decision, latest_yes},
    records::failed::Failed,
    records::reading::{Records, Sound},
    records::unconfirmed::{TRIED_AGAIN, Unconfirmed},
    state::act::{Act, Unwritten},
    state::consent::{Consent, Patience},
    state::status::State,
};
use crate::{
    ambient::Time,
    error::Error,
    mutants::{self, Mutant},
};
use std::sync::atomic::Ordering;

impl Consent {
    /// What a person decided here that could not be written, and why it could not.
    pub(in crate::consent) fn unwritten_act(&self, scope: Scope) -> Option<Unwritten> {
        self.unwritten.lock().get(scope.name()).cloned()
    }

    /// The state of a scope, given its state on disk. A refusal or withdrawal that could not be written replaces what is on disk.
    pub(crate) fn state_said(&self, on_disk: State, scope: Scope) -> State {
        match self.unwritten_act(scope).map(|act| act.decision) {
            None => on_disk,
            Some(_) if mutants::on(Mutant::UnwrittenIsUndone) => on_disk,
            Some(Decision::Denied) => State::Denied,
            Some(_) => State::Withdrawn,
        }
    }

    /// Begins a new refusal or withdrawal. If an earlier one is not written yet, its `after` is cleared: a grant given after the
    /// earlier one may be older than the new one.
    pub(crate) fn begin_act(&self, scope: Scope) -> Act {
        let act = Act(self.acts.fetch_add(1, Ordering::SeqCst));
        if let Some(unwritten) = self.unwritten.lock().get_mut(scope.name()) {
            (unwritten.after, unwritten.act) = (None, act);
        }
        act
    }

    /// Stores the result of a refusal or withdrawal. If it was not written, it is retried until it is.
    pub(crate) fn note_act(&self, scope: Scope, act: Act, denies: bool, answer: &Result<Receipt, Error>) {
        // The result matters to a retry alone: a caller that decided reads the records again in any case.
        let _ = self.note(scope, act, denies, answer, false);
    }

    /// The same for a retry. If a newer grant or a newer refusal has replaced the act meanwhile, the act no longer counts.
    ///
    /// Returns whether the retry closed a scope that may be granted: then the caller reads the records again.
    #[must_use]
    pub(crate) fn note_retry(&self, scope: Scope, act: Act, denies: bool, answer: &Result<Receipt, Error>) -> bool {
        self.note(scope, act, denies, answer, true)
    }

    fn note(&self, scope: Scope, act: Act, denies: bool, answer: &Result<Receipt, Error>, again: bool) -> bool {
        let why = match answer {
            Ok(receipt) if receipt.line == 0 => {
                let why = receipt.unconfirmed.unwrap_or(Unconfirmed::NotWritten);
                let why = why.describe().trim_end_matches(TRIED_AGAIN);
                format!("{why}; until then a file keeps the scope closed")
            }
            // The last entry is another one. Whether it is a later grant is decided from the history.
            Ok(receipt) if receipt.is_yes() && !mutants::on(Mutant::OlderActClears) => {
                "another process decided at the same time".to_owned()
            }
            Err(error) if error.is_store() => error.to_string(),
            _ => {
                self.has_written(scope, act);
                return false;
            }
        };
        // If there is no place for records, there is no grant to withdraw, so this is a refusal.
        let denies = denies || self.ledger.is_usable().is_err();
        let decision = if denies { Decision::Denied } else { Decision::Withdrawn };
        let latest =
            self.ledger.read().ok().and_then(|records| latest_epoch(&records, scope.name(), self.ambient.now()));
        let at = self.ambient.now().rfc3339();
        let mut unwritten = self.unwritten.lock();
        let is_same = unwritten.get(scope.name()).is_some_and(|said| said.act == act);
        if again && !is_same && !mutants::on(Mutant::RetriedUnasked) {
            let is_none = !unwritten.contains_key(scope.name());
            drop(unwritten);
            if is_none {
                // The retry closed the scope, although a grant is in force.
                self.reopen_gate(scope);
            }
            return is_none;
        }
        let said = Unwritten { scope, decision, at, why: String::new(), after: None, act };
        let said = unwritten.entry(scope.name()).or_insert(said);
        (said.why, said.after) = (why, said.after.or(latest));
        self.retries.lock().failed(scope.name(), self.ambient.monotonic());
        drop(unwritten);
        // Another thread that retried something else may have reopened it meanwhile.
        self.close_gate(scope);
        // The next look reads the records, which shows which grants existed.
        self.view.lock().stale = true;
        false
    }

    /// Called when an act is written or no longer counts.
    fn has_written(&self, scope: Scope, act: Act) {
        let mut unwritten = self.unwritten.lock();
        let newer = unwritten.get(scope.name()).is_some_and(|said| said.act > act);
        if newer && !mutants::on(Mutant::OlderActClears) {
            return;
        }
        let was_unwritten = unwritten.remove(scope.name()).is_some();
        self.retries.lock().held(scope.name());
        drop(unwritten);
        if was_unwritten {
            // The records on disk decide now.
            self.reopen_gate(scope);
        }
    }

    /// The refusals and withdrawals that are due for a retry: the scope, the act, and whether it is a refusal. One that was
    /// followed by a later grant, given in another process, is dropped.
    pub(crate) fn acts_to_retry(&self) -> Vec<(Scope, Act, bool)> {
        if self.unwritten.lock().is_empty() {
            return Vec::new();
        }
        let now = self.ambient.monotonic();
        let due = |name: &str| self.retries.lock().is_due(name, now);
        let acts: Vec<Unwritten> =
            self.unwritten.lock().values().filter(|act| due(act.scope.name())).cloned().collect();
        let mut left = Vec::new();
        for Unwritten { scope, decision, act, .. } in acts {
            let overtaken = self.ledger.read().and_then(|records| {
                let overtaken = self.is_overtaken(scope, &records)?;
                if let Some(act) = self.unwritten.lock().get_mut(scope.name()) {
                    act.after = act.after.or(latest_epoch(&records, scope.name(), self.ambient.now()));
                }
                Ok(overtaken)
            });
            match overtaken {
                Ok(true) => {
                    self.forget_acts(scope, Act(act.0 + 1));
                    self.reopen_gate(scope);
                }
                // If the records can't be read now, the act is retried. A tombstone left by the retry says which grant it
                // follows, so it does not end a later one.
                Ok(false) | Err(_) => left.push((scope, act, decision == Decision::Denied)),
            }
        }
        left
    }

    /// Whether a retried act no longer counts, by records that were read: a grant that was given after it is in force.
    pub(in crate::consent) fn is_overtaken(&self, scope: Scope, records: &Records) -> Result<bool, Failed> {
        let Some(act) = self.unwritten_act(scope) else { return Ok(true) };
        let (Some(after), Records::Sound(sound)) = (act.after, records) else { return Ok(false) };
        let lines = self.ledger.history()?.lines();
        let yes = latest_yes(&lines, scope.name());
        // A grant that never came into force does not count.
        Ok(yes > after && sound.in_force(scope.name()).is_some_and(|entry| entry.epoch >= yes))
    }

    /// The same for a retry in progress, checked under the lock, because the list of acts to retry is older.
    pub(crate) fn must_not_be_tried(
        &self,
        scope: Scope,
        patience: &Patience,
        records: &Records,
    ) -> Result<bool, Failed> {
        let is_retry = patience.again.get() == Some(scope) && !mutants::on(Mutant::RetriedUnasked);
        Ok(is_retry && self.is_overtaken(scope, records)?)
    }

    /// Whether a retried act no longer counts, as far as the records can be read. If so, it leaves no tombstone. If the records
    /// can't be read, the answer is false, and the act leaves a tombstone that says which grant it follows.
    pub(crate) fn is_seen_overtaken(&self, scope: Scope, patience: &Patience) -> bool {
        let is_overtaken = || self.ledger.read().and_then(|records| self.is_overtaken(scope, &records));
        patience.again.get() == Some(scope) && is_overtaken().unwrap_or(false)
    }

    /// The epoch of the latest grant that a retried act follows, for its tombstone. `None` for a first try: no grant can be later
    /// then.
    pub(crate) fn comes_after(&self, scope: Scope, patience: &Patience) -> Option<u64> {
        let is_retry = patience.again.get() == Some(scope);
        self.unwritten_act(scope).filter(|_| is_retry)?.after
    }

    /// Called when the records were read: any grant that is not in them yet was given after a refusal that was not written.
    pub(in crate::consent) fn note_earlier_decisions(&self, sound: &Sound) {
        for (name, act) in self.unwritten.lock().iter_mut() {
            act.after.get_or_insert(sound.held(name).unwrap_or(0));
        }
    }

    /// What the next refusal or withdrawal will be identified by: every earlier one has a lower number.
    pub(crate) fn next_act(&self) -> Act {
        Act(self.acts.load(Ordering::SeqCst))
    }

    /// Drops a refusal or withdrawal before `next` that was not written, because a grant was given after it. One that came since
    /// stays.
    pub(crate) fn forget_acts(&self, scope: Scope, next: Act) {
        let mut unwritten = self.unwritten.lock();
        let newer = unwritten.get(scope.name()).is_some_and(|said| said.act >= next);
        if newer && !mutants::on(Mutant::OlderActClears) {
            return;
        }
        unwritten.remove(scope.name());
        self.retries.lock().held(scope.name());
    }
}

/// The highest epoch of a scope in the records. `None` if the records were found but can't be relied on: they may contain a grant
/// that can't be seen.
///
/// If there are no records, a grant may reappear together with records that are absent now. The first epoch of a scope is the
/// time of its grant, so the current time is the limit.
fn latest_epoch(records: &Records, scope: &str, now: Time) -> Option<u64> {
    match records {
        Records::Sound(sound) => Some(sound.held(scope).unwrap_or(0)),
        Records::Nothing => Some(now.0),
        Records::Closed(_) | Records::Refused(..) => None,
    }
}
