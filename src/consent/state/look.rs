//! A look at the records and at administrators' rules: closes at once what they close, and says what they open. Never writes a
//! decision.
//!
//! A look that fails is no answer: what was open is closed until one succeeds, and events recorded meanwhile are counted.

use crate::consent::{
    agreement::compatibility::Projection,
    agreement::scope::Scope,
    constraints::block::shown,
    constraints::environment::Constraints,
    constraints::policy::Looked,
    records::failed::Failed,
    records::reading::Records,
    state::consent::{Consent, Glance, OpenScope, Place, View},
    state::permit::UNKNOWN_EPOCH,
    state::retries::{RECORDS, RULES, SETTLING, TEXTS},
};
use crate::{
    ambient::{Day, Time},
    disk::Seen,
};
use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

/// The result of a look: whether any gate changes, whether something must be prepared first, and the new value of each gate.
struct Opens {
    pub(crate) moved: bool,
    pub(crate) prepares: bool,
    pub(crate) gates: Option<Vec<(Scope, u64)>>,
    /// The records, if the look had to read them.
    pub(crate) records: Option<Records>,
}

/// Whether a look that finds the first decision reads administrators' rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rules {
    /// It reads them: before the first decision there was nothing that they could narrow, so nobody may have read them.
    Unread,
    /// The caller has just read them.
    JustRead,
}

/// A look at the records that has closed what must be closed, and opens nothing before [`open`](Looking::open).
#[must_use = "what is granted stays closed until it is opened"]
pub(crate) struct Looking<'c> {
    consent: &'c Consent,
    view: crate::sync::MutexGuard<'c, View>,
    opens: Opens,
}

impl Looking<'_> {
    /// The scopes that will be open, if something has to be prepared for them first.
    pub(crate) fn to_prepare(&self) -> Option<&[Place]> {
        self.opens.prepares.then_some(&self.view.open)
    }

    /// Takes the records that this look read, for a caller that needs more of them. `None` if it did not have to read them.
    pub(crate) fn take_records(&mut self) -> Option<Records> {
        self.opens.records.take()
    }

    /// Opens them. Returns whether any gate changed.
    pub(crate) fn open(self) -> bool {
        for (scope, epoch) in self.opens.gates.into_iter().flatten() {
            self.consent.gates.open(scope, epoch);
        }
        self.opens.moved
    }
}

impl Consent {
    /// Reads administrators' rules again. Returns, once, whether there is something to settle: the rules changed, or a look found
    /// something. The caller must then destroy the pending data.
    #[must_use]
    pub(crate) fn look_at_policies(&self) -> bool {
        let (changed, moved) = self.read_policies();
        if changed || moved {
            self.view.lock().stale = true;
        }
        changed || self.has_rules_to_settle()
    }

    /// Whether there is something to settle since the last call.
    #[must_use]
    pub(crate) fn has_rules_to_settle(&self) -> bool {
        self.unsettled.swap(false, Ordering::SeqCst)
    }

    /// Called when settling failed: it is due again at the next check, and a retry is scheduled.
    pub(crate) fn settle_again(&self) {
        self.unsettled.store(true, Ordering::SeqCst);
        self.retries.lock().failed(SETTLING, self.ambient.monotonic());
    }

    /// Called when settling succeeded.
    pub(crate) fn has_settled(&self) {
        self.retries.lock().held(SETTLING);
    }

    /// Returns whether the rules differ from those read before, and whether their readability changed: they can be read now and
    /// could not before, or the other way round. A failed read says nothing about what the rules say.
    fn read_policies(&self) -> (bool, bool) {
        let directories = self.constraints().directories.clone();
        let looked = Looked::at(self.ledger.files(), &directories, self.ledger.application());
        let mut retries = self.retries.lock();
        let mut constraints = self.constraints.lock();
        let before = Constraints::clone(&constraints);
        let now = match looked {
            Ok(Looked { policies, ignored }) => {
                retries.held(RULES);
                Constraints { policies, ignored, doubt: None, ..before.clone() }
            }
            Err(failed) => {
                retries.failed(RULES, self.ambient.monotonic());
                Constraints { doubt: Some(shown(&failed.to_string(), 240)), ..before.clone() }
            }
        };
        let (changed, moved) = (now.policies != before.policies, now.doubt.is_some() != before.doubt.is_some());
        if now != before {
            *constraints = Arc::new(now);
        }
        (changed, moved)
    }

    /// Reads the snapshot again, and immediately closes what it closes. What it opens is opened by [`Looking::open`], once
    /// everything the scopes need is prepared.
    ///
    /// If a look fails, what was open is closed until one succeeds. Events recorded meanwhile are counted.
    pub(crate) fn look(&self) -> Looking<'_> {
        self.look_by(Rules::Unread)
    }

    /// The same for a caller that has just read administrators' rules.
    pub(crate) fn look_after_rules(&self) -> Looking<'_> {
        self.look_by(Rules::JustRead)
    }

    fn look_by(&self, rules: Rules) -> Looking<'_> {
        let mut view = self.view.lock();
        let opens = match self.look_into(&mut view, rules) {
            Ok(opens) => opens,
            Err(failed) => {
                for place in std::mem::take(&mut view.open) {
                    self.gates.open(place.scope, UNKNOWN_EPOCH);
                }
                view.held.clear();
                view.doubt = Some(failed);
                self.retries.lock().failed(RECORDS, self.ambient.monotonic());
                Opens { moved: false, prepares: false, gates: None, records: None }
            }
        };
        Looking { consent: self, view, opens }
    }

    fn look_into(&self, view: &mut View, rules: Rules) -> Result<Opens, Failed> {
        // Taken before the rest is read, so that a change in between is found. If nothing was ever decided, the only work is to
        // look for a snapshot.
        view.glance = if view.seen.snapshot.is_some() { self.glance().ok() } else { None };
        let mut seen = self.ledger.fingerprint()?;
        // If no scope can be open, no clock is read.
        let at = self.moment();
        let day = (view.by_clock || !view.open.is_empty()).then(|| at.now().day());
        let is_new = seen != view.seen || day != view.day || view.stale || view.doubt.is_some();
        if !is_new && !self.gates.is_closed() {
            let moved = std::mem::take(&mut view.changed);
            return Ok(Opens { moved, prepares: false, gates: None, records: None });
        }
        if rules == Rules::Unread && view.seen.snapshot.is_none() && seen.snapshot.is_some() {
            // The first decision was made by another process. Until now there was nothing that rules could narrow.
            let (changed, _) = self.read_policies();
            self.unsettled.fetch_or(changed, Ordering::SeqCst);
        }
        let records = match self.ledger.read_after(&seen) {
            // Another process has finished a decision in between, or the disk does not show what is there.
            Err(failed) if failed.is_gone() => {
                seen = self.ledger.fingerprint()?;
                self.ledger.read_after(&seen)?
            }
            records => records?,
        };
        if let Records::Sound(sound) = &records {
            self.note_earlier_decisions(sound);
        }
        let (mut open, mut held, mut by_clock, mut doubted) = (Vec::new(), Vec::new(), false, Vec::new());
        let (mut lacks_texts, mut is_over, mut is_limited, mut given) = (false, false, false, Vec::new());
        for contract in &self.contracts {
            let scope = contract.scope;
            by_clock |= matches!(&records, Records::Sound(sound) if self.is_closed_by_clock(sound, contract, &at));
            if let Records::Sound(sound) = &records
                && !self.gates.is_closed()
                && !self.gates.is_kept_closed(scope)
                && self.open_epoch(sound, contract, &at)? != 0
                && let Some(entry) = sound.in_force(scope.name())
            {
                open.push(Place { scope, epoch: entry.epoch, generation: entry.generation });
                given.extend(Time::parse(entry.given()).map(|time| (scope, time)));
                if let Some(projection) = self.projection(contract, entry)? {
                    held.push((scope, Arc::new(projection)));
                }
            } else if let Records::Sound(sound) = &records
                && !self.gates.is_closed()
                && !self.gates.is_kept_closed(scope)
                && self.is_doubted(sound, contract, &at)?
            {
                doubted.push(scope);
            } else if let Records::Sound(sound) = &records
                && let Some(entry) = sound.in_force(scope.name())
            {
                // The second case: the texts were missing when the scope was evaluated, and were found a moment later.
                lacks_texts |= self.ledger.agreed(entry)?.is_none() || self.open_epoch(sound, contract, &at)? != 0;
                if !self.gates.is_closed() && !self.gates.is_kept_closed(scope) {
                    is_over |= !self.is_valid(contract, entry, &at);
                    // The rules differ from the recorded ones. That could not be seen while the texts were missing.
                    is_limited |= view.lacks_texts
                        && self.block_of(contract).is_none()
                        && self.is_limited_otherwise(contract, entry)?;
                }
            }
        }
        let is_older = records.are_older_copy();
        view.turned_older |= is_older && !view.is_older;
        view.is_older = is_older;
        let moved = open != view.open;
        let epoch = |scope| open.iter().find(|place: &&Place| place.scope == scope).map_or(0, |place| place.epoch);
        // What closes or changes is closed now. The rest opens once everything it needs is prepared.
        let gate = |scope: Scope| epoch(scope).max(if doubted.contains(&scope) { UNKNOWN_EPOCH } else { 0 });
        for contract in &self.contracts {
            self.gates.close_if_other(contract.scope, gate(contract.scope));
        }
        let gates = self.contracts.iter().map(|contract| (contract.scope, gate(contract.scope))).collect();
        view.held = held;
        view.given = given;
        let day = (by_clock || !open.is_empty()).then(|| at.now().day());
        // Also if it was over before, but on another day: the clock may have said otherwise in between.
        let begins_to_be_over = is_over && (!view.is_over || view.day != day);
        let is_found_again = is_limited && !lacks_texts;
        // Another process may have narrowed the grant under newer rules.
        let has_newer_rules = is_found_again && self.read_policies() != (false, false);
        if begins_to_be_over || is_found_again {
            self.unsettled.store(true, Ordering::SeqCst);
        }
        (view.is_over, view.lacks_texts, view.day) = (is_over, lacks_texts, day);
        (view.open, view.by_clock) = (open, by_clock);
        view.appeared |= view.seen.snapshot.is_none() && seen.snapshot.is_some();
        view.seen = seen;
        // If the texts are found again, nothing else changes, so the next look must evaluate the records again.
        (view.stale, view.doubt) = (lacks_texts || has_newer_rules, None);
        let mut retries = self.retries.lock();
        retries.held(RECORDS);
        if lacks_texts {
            retries.failed(TEXTS, self.ambient.monotonic());
        } else {
            retries.held(TEXTS);
        }
        drop(retries);
        let opens = Opens { moved: moved || view.changed, prepares: moved, gates: Some(gates), records: Some(records) };
        view.changed = false;
        Ok(opens)
    }

    /// Whether the snapshot is still the file that was last read. Costs two file examinations; for a caller that would otherwise
    /// sleep.
    pub(crate) fn is_unchanged(&self) -> bool {
        let seen = self.glance().ok();
        seen.is_some() && self.view.lock().glance == seen
    }

    fn glance(&self) -> Result<Glance, Failed> {
        let version = |path: &std::path::Path| match self.ledger.look(path, self.ledger.files().examine(path))? {
            Seen::Read(stat) => Ok::<_, Failed>(Some(stat.version)),
            Seen::Absent | Seen::Refused => Ok(None),
        };
        // A new tombstone or a removed snapshot changes the directory.
        Ok([version(&self.ledger.snapshot_path())?, version(self.ledger.store())?])
    }

    /// Stores whether a decision of this client changed a gate, so that the next look reports it.
    pub(crate) fn has_decided(&self, moved: bool) {
        let mut view = self.view.lock();
        view.changed |= moved;
        // A store that this client has just created contains nothing older.
        view.appeared = false;
    }

    /// Returns, once, whether a snapshot was found where none was seen before: at the start, after the first decision by another
    /// process, or when a store that seemed to be absent can be seen again. The caller then checks for pending maintenance.
    #[must_use]
    pub(crate) fn has_appeared(&self) -> bool {
        std::mem::take(&mut self.view.lock().appeared)
    }

    /// Returns, once, whether the store was replaced by an older copy.
    #[must_use]
    pub(crate) fn has_turned_older(&self) -> bool {
        std::mem::take(&mut self.view.lock().turned_older)
    }

    /// Holds the open scopes, so that none opens meanwhile, for a caller that prepares again what they need.
    pub(crate) fn hold_open(&self) -> Looking<'_> {
        let opens = Opens { moved: false, prepares: true, gates: None, records: None };
        Looking { consent: self, view: self.view.lock(), opens }
    }

    /// Whether there is a grant that the clock keeps closed, as last read.
    pub(crate) fn awaits_clock(&self) -> bool {
        self.view.lock().by_clock
    }

    /// Whether there is a grant past its last day that is not recorded as expired yet, as last read.
    pub(crate) fn holds_expired(&self) -> bool {
        self.view.lock().is_over
    }

    /// The open scopes as last read, and where their data is stored.
    pub(crate) fn open_places(&self) -> Vec<Place> {
        self.open_scopes().into_iter().map(|open_scope| open_scope.place).collect()
    }

    /// The open scopes, with what each is limited to.
    pub(crate) fn open_scopes(&self) -> Vec<OpenScope> {
        let (open, held, given) = {
            let view = self.view.lock();
            (view.open.clone(), view.held.clone(), view.given.clone())
        };
        let held = |scope| held.iter().find(|(of, _)| *of == scope).map(|(_, projection)| projection.clone());
        let given = |scope| given.iter().find(|(of, _)| *of == scope).map(|(_, time)| *time);
        let open = open.into_iter().filter(|place| self.gates.epoch(place.scope) == place.epoch);
        open.map(|place| OpenScope { place, held: held(place.scope), given: given(place.scope) }).collect()
    }

    /// What a scope is limited to, if the build would send more than was agreed to.
    pub(crate) fn held(&self, scope: Scope) -> Option<Arc<Projection>> {
        self.view.lock().held.iter().find(|(of, _)| *of == scope).map(|(_, projection)| projection.clone())
    }

    /// Whether a snapshot was found. Without one there is nothing to clean up.
    pub(crate) fn is_known(&self) -> bool {
        self.view.lock().seen.snapshot.is_some()
    }

    /// Records that the grants of the open scopes are in use today, so that a clock that is set back later does not extend them.
    /// Needed once a day. Returns `false` if it has to be called again: the records can't be read now, or the lock of decisions
    /// can't be taken, for example because another process is deciding.
    pub(crate) fn note_day(&self, today: Day) -> bool {
        let sound = match self.ledger.read() {
            Ok(Records::Sound(sound)) => sound,
            Ok(_) => return true,
            Err(_) => return false,
        };
        let is_new = |place: &Place| sound.latest(place.scope.name()).is_none_or(|latest| latest < today);
        let new = self.open_places().into_iter().filter(is_new).map(|place| (place.scope.name(), place.epoch));
        let new: Vec<(&str, u64)> = new.collect();
        if new.is_empty() {
            return true;
        }
        let Ok(Some(held)) = self.ledger.lock_within(Duration::ZERO, || self.ambient.monotonic()) else { return false };
        // If this can't be written now, it is not retried before tomorrow.
        let _ = self.ledger.note_day(&held, &new, today);
        true
    }
}
