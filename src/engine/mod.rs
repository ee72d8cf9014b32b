//! The state that actions work on: consent, keys, journal, the ways out, the clock, and the notes of what is to be done.
//!
//! It is below every action and calls none. It looks and remembers; what follows from a look is noted as owed, and an action does
//! it.

mod clock_trust;
mod tasks;
mod worker;

pub(crate) use clock_trust::{ClockTrust, SUSPECT_FOR};
pub(crate) use tasks::{Task, Tasks};
pub(crate) use worker::Worker;

use crate::{
    ambient::{Ambient, Day},
    consent::{Consent, Failed, Looking, OpenScope, Records, Scope, UNKNOWN_EPOCH},
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
    /// Of the program's own scopes.
    pub(crate) transport: Arc<dyn Transport>,
    /// Of the libraries' scopes that the program allows, by the scope's name.
    pub(crate) libraries: BTreeMap<&'static str, Arc<dyn Transport>>,
    pub(crate) service: Service,
    pub(crate) registry: &'static Registry,
    pub(crate) ambient: Ambient,
    /// The UTC day that what is recorded now belongs to, and whose keys make its codes; none before the first grant.
    pub(crate) day: AtomicU32,
    /// Two threads that follow a change of day together could stamp events with the wrong one.
    pub(crate) ticking: Mutex<()>,
    /// Two threads that draw a scope's first moment together could undo what the sender noted of an answer in between.
    pub(crate) scheduling: Mutex<()>,
    /// What is to be put in order.
    pub(crate) tasks: Tasks,
    pub(crate) worker: Worker,
    /// Whether the clock is one to tidy up by.
    pub(crate) clock_trust: Mutex<ClockTrust>,
}

impl Engine {
    /// Makes ready what the scopes need that a look found open, and opens them. Answers whether any gate moved.
    fn make_ready(&self, looking: Looking<'_>) -> bool {
        if let Some(open) = looking.to_prepare() {
            if !open.is_empty() {
                self.journal.make_rings();
                let today = self.ambient.now().day().0;
                let _ = self.day.compare_exchange(Day::NONE.0, today, Ordering::SeqCst, Ordering::SeqCst);
            }
            self.keys.refresh(self.today(), open.iter().map(|place| place.scope));
        }
        looking.open()
    }

    /// Reads the records again, closes what they close, and opens what they open.
    pub(crate) fn refresh(&self) -> bool {
        self.make_ready(self.consent.look())
    }

    /// The same after a decision of this client; what it changed is told to whoever looks next.
    pub(crate) fn look_again(&self) {
        let moved = self.refresh();
        self.consent.has_decided(moved);
    }

    /// Makes ready anew what the open scopes need, on a new day. A scope that opens meanwhile waits for it, and is not forgotten.
    pub(crate) fn prepare_again(&self) {
        let _ = self.make_ready(self.consent.hold_open());
    }

    /// Where each open scope's data goes, or how events end where it is not open. The gate is asked again at every call, under
    /// the journal's own lock.
    pub(crate) fn open_scopes(&self) -> impl Fn(Scope) -> Result<OpenScope, DropReason> + '_ {
        let open_scopes = self.consent.open_scopes();
        let gates = self.consent.gates();
        let open = move |it: &&OpenScope, scope| it.place.scope == scope && gates.epoch(scope) == it.place.epoch;
        move |scope| match open_scopes.iter().find(|it| open(it, scope)) {
            Some(standing) => Ok(standing.clone()),
            None if gates.epoch(scope) == UNKNOWN_EPOCH => Err(DropReason::InDoubt),
            None => Err(DropReason::StaleEpoch),
        }
    }

    /// The day that is being recorded.
    pub(crate) fn today(&self) -> Day {
        Day(self.day.load(Ordering::SeqCst))
    }

    /// Whether something lies in directories that no grant stands behind, or is to be thrown away, or may: where nobody can see
    /// what stands, whoever clears up looks again. Reads names only.
    pub(crate) fn has_stale(&self, records: &Result<Records, Failed>) -> bool {
        let Ok(records) = records else { return true };
        let stale = |(scope, keep): (Scope, _)| self.may_hold(scope.name(), keep);
        // Of a scope that this program does not declare as well: whoever took it back here may have been interrupted.
        let undeclared = |(name, keep): (String, _)| self.may_hold(&name, keep);
        self.consent.generations(records).into_iter().any(stale)
            || self.consent.undeclared_generations(records).into_iter().any(undeclared)
            || self.journal.may_hold_trash()
    }

    /// Whether a yes to a scope of this program is in force, whether something blocks it or not.
    pub(crate) fn is_granted(&self, records: &Records) -> bool {
        self.consent.generations(records).iter().any(|(_, kept)| kept.is_some())
    }

    /// Whether anything of a scope lies on disk, or in what was thrown away, or may.
    pub(crate) fn may_have_left(&self, scope: &str) -> bool {
        self.may_hold(scope, None) || self.journal.may_hold_trash()
    }

    /// Whether anything lies on disk for a scope that the yes of `keep` does not stand behind, or may.
    fn may_hold(&self, scope: &str, keep: Option<u64>) -> bool {
        self.journal.may_hold_other(scope, keep) || (keep.is_none() && self.keys.has_named(scope))
    }

    /// Looks at consent: reads, and never waits for another process. What is to be done about what it finds is owed.
    pub(crate) fn look(&self) {
        let moved = self.refresh();
        // The first decision was another process's, and with it this process looked for rules; or a yes is over.
        if self.consent.has_rules_to_settle() {
            self.tasks.request(Task::Settle);
        }
        // An older copy was put back: that more was decided is noted beside it, which the next start goes by.
        if self.consent.has_turned_older() {
            self.tasks.request(Task::Finish);
        }
        // Not at the start alone: the store may have seemed to be absent then.
        let appeared = self.consent.has_appeared();
        if !(moved || appeared) {
            return;
        }
        let records = self.consent.records();
        if self.has_stale(&records) {
            self.tasks.request(Task::Clear);
        }
        if appeared {
            self.look_for_tasks(&records);
        }
    }

    /// What a client owes when it first sees a store. Where nothing is granted and everything was finished that is nothing.
    fn look_for_tasks(&self, records: &Result<Records, Failed>) {
        let sent = self.journal.sent();
        // Where nobody can look it may be: whoever finishes it looks again.
        let is_unfinished = |&scope| {
            sent.is_deleting(scope).unwrap_or(true)
                || (!sent.keeps_contents(scope).unwrap_or(false) && sent.holds_any(scope))
        };
        // Where nobody can see now it may be.
        let may = |of: &dyn Fn(&Records) -> bool| records.as_ref().map_or(true, of);
        if may(&Records::need_repair) || self.registry.scopes().iter().any(is_unfinished) {
            self.tasks.request(Task::Finish);
        }
        // After a no there is nothing to keep in order, and no reason to read a clock.
        if may(&|records| self.is_granted(records)) {
            [Task::Settle, Task::Clear, Task::Housekeeping].into_iter().for_each(|what| self.tasks.request(what));
        }
    }

    /// A random number below `limit`; 0 where there is no entropy.
    pub(crate) fn below(&self, limit: u64) -> u64 {
        let random = self.ambient.random().map_or(0, u64::from_le_bytes);
        // The bias is 1 in 2^37 for a day in milliseconds.
        random.checked_rem(limit).unwrap_or(0)
    }
}
