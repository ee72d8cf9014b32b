//! The person's own noes that the disk did not take. Each holds in this client whatever is on disk, until it is written or a fresh
//! yes was given after it; that it is tried again is the matter of whoever withdraws. Opens nothing that was not opened by a yes.

use crate::consent::{
    agreement::scope::Scope,
    proof::receipt::{NOT_TAKEN, Receipt, TRIED_AGAIN},
    records::entry::{Decision, Line},
    records::ledger::{Failed, Records, Sound},
    state::answer::State,
    state::consent::{Consent, Patience},
};
use crate::{
    ambient::Time,
    error::Error,
    mutants::{self, Mutant},
};
use std::sync::atomic::Ordering;

/// What a person decided and the disk did not take.
#[derive(Debug, Clone)]
pub(crate) struct Unwritten {
    pub(crate) scope: Scope,
    pub(crate) decision: Decision,
    /// When they said it first.
    pub(crate) at: String,
    pub(crate) why: String,
    /// The latest epoch of the scope by records that were read since: a yes of a later one was given after it. None as long as
    /// no look succeeded: whatever stands may have been there before.
    after: Option<u64>,
    act: Act,
}

/// One no of a person: a number that grows, so that what comes of an older one says nothing of a newer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Act(u64);

impl Consent {
    /// What a person decided here and the disk did not take, and why.
    pub(crate) fn unwritten_act(&self, scope: Scope) -> Option<Unwritten> {
        self.unwritten.lock().get(scope.name()).cloned()
    }

    /// Where a scope stands after a no of the person that the disk did not take: there is no yes then, whatever is on disk.
    pub(crate) fn state_said(&self, on_disk: State, scope: Scope) -> State {
        match self.unwritten_act(scope).map(|act| act.decision) {
            None => on_disk,
            Some(_) if mutants::on(Mutant::UnwrittenIsUndone) => on_disk,
            Some(Decision::Denied) => State::Denied,
            Some(_) => State::Withdrawn,
        }
    }

    /// A person says no now: an earlier no of theirs that was not written says nothing of whether a yes came before this one.
    pub(crate) fn begin_act(&self, scope: Scope) -> Act {
        let act = Act(self.acts.fetch_add(1, Ordering::SeqCst));
        if let Some(unwritten) = self.unwritten.lock().get_mut(scope.name()) {
            (unwritten.after, unwritten.act) = (None, act);
        }
        act
    }

    /// Notes what came of a person's no: one that was not written is tried again until it is.
    pub(crate) fn note_act(&self, scope: Scope, act: Act, denies: bool, answer: &Result<Receipt, Error>) {
        let _ = self.note(scope, act, denies, answer, false);
    }

    /// The same of one that was tried again. One that a yes overtook meanwhile, or a newer no, is none any more.
    ///
    /// Answers whether the try closed a scope to which a yes stands: then the records are to be looked at again.
    #[must_use]
    pub(crate) fn note_retry(&self, scope: Scope, act: Act, denies: bool, answer: &Result<Receipt, Error>) -> bool {
        self.note(scope, act, denies, answer, true)
    }

    fn note(&self, scope: Scope, act: Act, denies: bool, answer: &Result<Receipt, Error>, again: bool) -> bool {
        let why = match answer {
            Ok(receipt) if receipt.line == 0 => {
                let why = receipt.unconfirmed.unwrap_or(NOT_TAKEN).trim_end_matches(TRIED_AGAIN);
                format!("{why}; a file stands for it that closes the scope")
            }
            // Another line is the last one: whether it is a later yes is known by the history.
            Ok(receipt) if receipt.is_yes() && !mutants::on(Mutant::OlderActClears) => {
                "another process decided at the same time".to_owned()
            }
            Err(error) if error.is_store() => error.to_string(),
            _ => {
                self.has_written(scope, act);
                return false;
            }
        };
        // Where there is no place for records there is no yes to take back.
        let denies = denies || self.ledger.is_usable().is_err();
        let decision = if denies { Decision::Denied } else { Decision::Withdrawn };
        let latest =
            self.ledger.read().ok().and_then(|records| latest_epoch(&records, scope.name(), self.ambient.now()));
        let at = self.ambient.now().rfc3339();
        let mut unwritten = self.unwritten.lock();
        let stands = unwritten.get(scope.name()).is_some_and(|said| said.act == act);
        if again && !stands && !mutants::on(Mutant::RetriedUnasked) {
            let is_none = !unwritten.contains_key(scope.name());
            drop(unwritten);
            if is_none {
                // The try closed the scope, and a yes stands.
                self.reopen_gate(scope);
            }
            return is_none;
        }
        let said = Unwritten { scope, decision, at, why: String::new(), after: None, act };
        let said = unwritten.entry(scope.name()).or_insert(said);
        (said.why, said.after) = (why, said.after.or(latest));
        self.retries.lock().failed(scope.name(), self.ambient.monotonic());
        drop(unwritten);
        // Another thread that tried something else meanwhile may have opened it again.
        self.close_gate(scope);
        // The next look reads what stood.
        self.view.lock().stale = true;
        false
    }

    /// An act is on disk, or is none any more.
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
            // What is on disk says it now.
            self.reopen_gate(scope);
        }
    }

    /// The person's own noes that are to be tried again now: each scope, which act it is, and whether it is a denial. One that a
    /// later yes overtook, given elsewhere, is forgotten.
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
                    self.forget_act(scope);
                    self.reopen_gate(scope);
                }
                // Where nobody can see it now, a file that says which yes it comes after stands for it.
                Ok(false) | Err(_) => left.push((scope, act, decision == Decision::Denied)),
            }
        }
        left
    }

    /// Whether an act that is tried again is none any more, by records that were read: a yes that was given since holds.
    pub(crate) fn is_overtaken(&self, scope: Scope, records: &Records) -> Result<bool, Failed> {
        let Some(act) = self.unwritten_act(scope) else { return Ok(true) };
        let (Some(after), Records::Sound(sound)) = (act.after, records) else { return Ok(false) };
        let lines = self.ledger.history()?.lines();
        let yes = latest_yes(&lines, scope.name());
        // One that never came into force is none.
        Ok(yes > after && sound.in_force(scope.name()).is_some_and(|entry| entry.epoch >= yes))
    }

    /// The same for an act that is under way, under the lock: the list of those that are to be tried again is older.
    pub(crate) fn must_not_be_tried(
        &self,
        scope: Scope,
        patience: &Patience,
        records: &Records,
    ) -> Result<bool, Failed> {
        let is_retry = patience.again.get() == Some(scope) && !mutants::on(Mutant::RetriedUnasked);
        Ok(is_retry && self.is_overtaken(scope, records)?)
    }

    /// Whether an act that is tried again is none any more, as far as a look tells: then it leaves no tombstone. Where the look fails
    /// it leaves one that says which yes it comes after.
    pub(crate) fn is_seen_overtaken(&self, scope: Scope, patience: &Patience) -> bool {
        let is_overtaken = || self.ledger.read().and_then(|records| self.is_overtaken(scope, &records));
        patience.again.get() == Some(scope) && is_overtaken().unwrap_or(false)
    }

    /// Which yes an act that is tried again comes after, for what stands for it. Nothing at the first try: none comes later then.
    pub(crate) fn comes_after(&self, scope: Scope, patience: &Patience) -> Option<u64> {
        let is_retry = patience.again.get() == Some(scope);
        self.unwritten_act(scope).filter(|_| is_retry)?.after
    }

    /// The records were read: any yes that they do not have yet comes after a no that was not written.
    pub(crate) fn note_what_stood(&self, sound: &Sound) {
        for (name, act) in self.unwritten.lock().iter_mut() {
            act.after.get_or_insert(sound.held(name).unwrap_or(0));
        }
    }

    /// A yes that was given since makes a no that was not written undone.
    pub(crate) fn forget_act(&self, scope: Scope) {
        let mut unwritten = self.unwritten.lock();
        unwritten.remove(scope.name());
        self.retries.lock().held(scope.name());
    }
}

/// The highest epoch that a scope has in the records. Those that were seen and can't be relied on say nothing of it: a yes that
/// they don't show may stand in them.
///
/// Where there are no records a yes may come back with those that are away; the first epoch of a scope is the time of its yes.
fn latest_epoch(records: &Records, scope: &str, now: Time) -> Option<u64> {
    match records {
        Records::Sound(sound) => Some(sound.held(scope).unwrap_or(0)),
        Records::Nothing => Some(now.0),
        Records::Closed(_) | Records::Refused(..) => None,
    }
}

/// The epoch of the latest yes in the history, 0 where there is none. What came later is known by epochs and not by times, since
/// clocks go back.
pub(crate) fn latest_yes(lines: &[Line], scope: &str) -> u64 {
    let is_yes = |line: &&Line| line.scope == scope && line.decision == Decision::Granted;
    lines.iter().filter(is_yes).map(|line| line.epoch).max().unwrap_or(0)
}
