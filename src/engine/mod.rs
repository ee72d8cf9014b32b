//! The state that actions work on: consent, keys, journal, transports, the clock, and the list of pending maintenance
//! tasks.
//!
//! It is below every action and calls none. It looks and remembers. If a look finds something to do, it requests a
//! task, and an action does it.

mod clock_trust;
mod tasks;
mod worker;

pub(crate) use clock_trust::{ClockTrust, SUSPECT_FOR};
pub(crate) use tasks::{Task, Tasks};
pub(crate) use worker::Worker;

use crate::{
    ambient::{Ambient, Day, Time},
    consent::{Consent, Failed, Looking, OpenScope, Records, Scope, ScopeKey, UNKNOWN_EPOCH},
    event::Registry,
    generalize::Keys,
    journal::{DropReason, Journal},
    sync::Mutex,
    transport::{Transport, otlp::Service},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

/// Everything that a client's worker needs.
pub(crate) struct Engine {
    pub(crate) consent: Consent,
    pub(crate) keys: Arc<Keys>,
    pub(crate) journal: Arc<Journal>,
    /// Where the program's own scopes are sent.
    pub(crate) transport: Arc<dyn Transport>,
    /// Where the scopes of libraries that the program allows are sent, by the scope's name.
    pub(crate) libraries: BTreeMap<&'static str, Arc<dyn Transport>>,
    pub(crate) service: Service,
    pub(crate) registry: &'static Registry,
    pub(crate) ambient: Ambient,
    /// The UTC day of what is recorded now, whose keys make its codes; [`Day::NONE`] before the first grant.
    pub(crate) day: AtomicU32,
    /// Held while following a change of day. Two threads that did so together could stamp events with the wrong day.
    pub(crate) ticking: Mutex<()>,
    /// Held while a scope's first moment to send is drawn. Two threads that did so together could undo what the sender
    /// noted about an answer in between.
    pub(crate) scheduling: Mutex<()>,
    /// Pending maintenance.
    pub(crate) tasks: Tasks,
    pub(crate) worker: Worker,
    /// Whether the clock can be trusted for housekeeping.
    pub(crate) clock_trust: Mutex<ClockTrust>,
}

impl Engine {
    /// Prepares what the scopes that a look found open need, and opens them. Returns whether any gate moved.
    fn make_ready(&self, looking: Looking<'_>) -> bool {
        if let Some(open) = looking.to_prepare() {
            if !open.is_empty() {
                self.journal.make_rings();
                let today = self.ambient.now().day().0;
                // A day that is known already stays.
                let _ = self.day.compare_exchange(Day::NONE.0, today, Ordering::SeqCst, Ordering::SeqCst);
            }
            self.keys.refresh(self.today(), open.iter().map(|place| place.scope));
        }
        looking.open()
    }

    /// Reads the records again, closes what they close, and opens what they open. Returns whether any gate moved.
    pub(crate) fn refresh(&self) -> bool {
        self.make_ready(self.consent.look())
    }

    /// The same after a decision of this client. What it changed is reported to the next look.
    pub(crate) fn look_again(&self) {
        let moved = self.refresh();
        self.consent.has_decided(moved);
    }

    /// Prepares again what the open scopes need, on a new day. A scope that opens in the meantime waits for this and is
    /// prepared as well.
    pub(crate) fn prepare_again(&self) {
        // It moves no gate: the open scopes stay as they are.
        let _ = self.make_ready(self.consent.hold_open());
    }

    /// Returns where each open scope's data goes, or, for a scope that is not open, why its events are dropped. The
    /// gate is read again at every call, under the journal's own lock.
    pub(crate) fn open_scopes(&self) -> impl Fn(Scope) -> Result<OpenScope, DropReason> + '_ {
        let open_scopes = self.consent.open_scopes();
        let gates = self.consent.gates();
        let open = move |it: &&OpenScope, scope| it.place.scope == scope && gates.epoch(scope) == it.place.epoch;
        move |scope| match open_scopes.iter().find(|it| open(it, scope)) {
            Some(open_scope) => Ok(open_scope.clone()),
            None if gates.epoch(scope) == UNKNOWN_EPOCH => Err(DropReason::InDoubt),
            None => Err(DropReason::StaleEpoch),
        }
    }

    /// The day that is being recorded.
    pub(crate) fn today(&self) -> Day {
        Day(self.day.load(Ordering::SeqCst))
    }

    /// Whether there may be data in directories that no grant in force covers, or data that is to be thrown away.
    /// `true` if the records can't be read: the cleanup looks again. Reads names only.
    pub(crate) fn has_stale(&self, records: &Result<Records, Failed>) -> bool {
        let Ok(records) = records else { return true };
        let is_stale = |(scope, keep)| self.may_hold(scope, keep);
        self.consent.generations(records).into_iter().any(is_stale) || self.journal.may_hold_trash()
    }

    /// Whether a grant of a scope of this program is in force, whether or not something blocks it.
    pub(crate) fn is_granted(&self, records: &Records) -> bool {
        let is_granted = |(scope, kept): &(ScopeKey<'_>, Option<u64>)| scope.declared().is_some() && kept.is_some();
        self.consent.generations(records).iter().any(is_granted)
    }

    /// Whether there may be anything of a scope on disk or in the trash.
    pub(crate) fn may_have_left(&self, scope: ScopeKey<'_>) -> bool {
        self.may_hold(scope, None) || self.journal.may_hold_trash()
    }

    /// Whether there may be anything on disk for a scope that the grant with generation `keep` does not cover.
    fn may_hold(&self, scope: ScopeKey<'_>, keep: Option<u64>) -> bool {
        self.journal.may_hold_other(scope, keep) || (keep.is_none() && self.keys.has(scope))
    }

    /// Looks at consent: reads, and never waits for another process. What follows from it is requested as a task.
    pub(crate) fn look(&self) {
        self.follow_look(self.consent.look());
    }

    /// The same for a caller that has just read administrators' rules.
    pub(crate) fn look_after_rules(&self) {
        self.follow_look(self.consent.look_after_rules());
    }

    fn follow_look(&self, mut looking: Looking<'_>) {
        let records = looking.take_records();
        let moved = self.make_ready(looking);
        // Another process recorded the first decision, and this process then read administrators' rules; or a grant has
        // expired.
        if self.consent.has_rules_to_settle() {
            self.tasks.request(Task::Settle);
        }
        // The records were replaced by an older copy. The high-water marks, which are kept outside the store, must say
        // that more was decided, because the next start relies on them.
        if self.consent.has_turned_older() {
            self.tasks.request(Task::Finish);
        }
        // Checked at every look, not only at the start: the store may have seemed absent at the start.
        let appeared = self.consent.has_appeared();
        if !(moved || appeared) {
            return;
        }
        let records = records.map_or_else(|| self.consent.records(), Ok);
        if self.has_stale(&records) {
            self.tasks.request(Task::Clear);
        }
        if appeared {
            self.look_for_tasks(&records);
        }
    }

    /// Requests the tasks of a client that sees a store for the first time. If nothing is granted and everything was
    /// finished, there are none.
    fn look_for_tasks(&self, records: &Result<Records, Failed>) {
        let sent = self.journal.sent();
        // If it can't be read whether a deletion is unfinished, it may be: the task looks again.
        let is_unfinished = |&scope| {
            sent.is_deleting(scope).unwrap_or(true)
                || (!sent.keeps_contents(scope).unwrap_or(false) && sent.holds_any(scope))
        };
        // If the records can't be read, the answer may be yes.
        let may = |of: &dyn Fn(&Records) -> bool| records.as_ref().map_or(true, of);
        if may(&Records::need_repair) || self.registry.scopes().iter().any(is_unfinished) {
            self.tasks.request(Task::Finish);
        }
        // After a refusal there is nothing to maintain, and no reason to read a clock.
        if may(&|records| self.is_granted(records)) {
            [Task::Settle, Task::Clear, Task::Housekeeping].into_iter().for_each(|what| self.tasks.request(what));
        }
    }

    /// A random number below `limit`; 0 if there is no entropy.
    pub(crate) fn below(&self, limit: u64) -> u64 {
        let random = self.ambient.random().map_or(0, u64::from_le_bytes);
        // The bias is 1 in 2^37 for a day in milliseconds.
        random.checked_rem(limit).unwrap_or(0)
    }

    /// Whether the clock leapt and is not known to be right yet, or something that was skipped in the meantime is still
    /// to be done.
    pub(crate) fn suspects_clock(&self) -> bool {
        self.clock_trust.lock().is_suspect()
    }

    /// Checks a clock that leapt a while ago again. If nothing is sent, there is no other check before the next day,
    /// and the computer may be asleep by then, each time.
    pub(crate) fn recheck_clock(&self) {
        let deferred = self.clock_trust.lock().has_deferred();
        if deferred {
            let instant = self.ambient.monotonic();
            let due = self.clock_trust.lock().is_due(instant);
            if due {
                self.tasks.request(Task::Housekeeping);
            }
        }
    }

    /// The time, or `None` while the clock is suspect.
    pub(crate) fn trusted_now(&self) -> Option<Time> {
        let (mut now, instant) = (self.ambient.now(), self.ambient.monotonic());
        // The first reading can't be compared with an earlier one. So the earlier of two readings counts: a single
        // reading that is ahead is not trusted.
        if self.clock_trust.lock().is_fresh() {
            now = now.min(self.ambient.now());
        }
        self.clock_trust.lock().holds(now, instant).then_some(now)
    }
}
