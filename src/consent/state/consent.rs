//! The consent state of one client: its records, contracts and gates, and the locks that decisions take. Never evaluates a grant,
//! and never writes a decision, except to finish one that was interrupted.

use crate::consent::{
    agreement::compatibility::{Compared, Projection},
    agreement::contract::Contract,
    agreement::scope::Scope,
    constraints::environment::Constraints,
    records::failed::Failed,
    records::ledger::{Held, LOCK_WAIT, Ledger},
    records::reading::{Fingerprint, Records},
    state::act::Unwritten,
    state::permit::{Gates, UNKNOWN_EPOCH},
    state::retries::{RETRY, Retries, SOONEST, TOMBSTONES},
};
use crate::{
    ambient::{Ambient, Day, Time},
    disk::{Look, Version},
    error::{Error, Kind},
    mutants::{self, Mutant},
    sync::Mutex,
};
use std::{
    cell::Cell,
    collections::BTreeMap,
    sync::Arc,
    sync::atomic::{AtomicBool, AtomicU64},
    time::{Duration, Instant},
};

/// Where the data of an open scope is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) scope: Scope,
    pub(crate) epoch: u64,
    pub(crate) generation: u64,
}

/// An open scope: where its data is stored, and what it is limited to if the build would send more than was agreed to.
#[derive(Debug, Clone)]
pub(crate) struct OpenScope {
    pub(crate) place: Place,
    pub(crate) held: Option<Arc<Projection>>,
    /// When the grant was given, if its records say so. What narrows or keeps a grant does not change this.
    pub(crate) given: Option<Time>,
}

/// The consent state of one client.
pub(crate) struct Consent {
    pub(in crate::consent) ledger: Ledger,
    pub(in crate::consent) contracts: Vec<Contract>,
    pub(in crate::consent) gates: Arc<Gates>,
    pub(in crate::consent) constraints: Mutex<Arc<Constraints>>,
    /// A look at the records found that administrators' rules changed or that a grant expired, and the code that destroys the
    /// pending data has not been notified yet.
    pub(in crate::consent) unsettled: AtomicBool,
    pub(in crate::consent) ambient: Ambient,
    /// For how many days a grant is valid.
    pub(in crate::consent) validity: u32,
    pub(in crate::consent) view: Mutex<View>,
    /// This build's contracts compared with those that were agreed to, by scope and the digest of the latter.
    pub(in crate::consent) compared: Mutex<BTreeMap<(&'static str, String), Arc<Compared>>>,
    /// Whether the program has asked on its own initiative since it started.
    pub(in crate::consent) asked: AtomicBool,
    /// How many times since it started the program reported a grant where only a newly shown notice opens the scope.
    pub(in crate::consent) refused: Mutex<BTreeMap<&'static str, u64>>,
    /// The person's own refusals and withdrawals that could not be written.
    pub(in crate::consent) unwritten: Mutex<BTreeMap<&'static str, Unwritten>>,
    /// How many refusals and withdrawals a person made here.
    pub(in crate::consent) acts: AtomicU64,
    pub(in crate::consent) retries: Mutex<Retries>,
    /// The deadline for any wait for another process, while this client shuts down.
    pub(in crate::consent) ends: Mutex<Option<Instant>>,
}

/// How long one act may still wait for the lock of decisions, in total, however often it takes the lock.
#[derive(Debug)]
pub(crate) struct Patience {
    pub(in crate::consent) left: Cell<Duration>,
    /// The scope whose refusal or withdrawal is being retried. A retried one holds only if no grant was given after it.
    pub(in crate::consent) again: Cell<Option<Scope>>,
}

impl Patience {
    /// The wait that one decision may take.
    pub(crate) fn new() -> Self {
        Patience::after(Duration::ZERO)
    }

    /// What is left of that for an act that has already waited.
    pub(crate) fn after(waited: Duration) -> Self {
        Patience { left: Cell::new(LOCK_WAIT.saturating_sub(waited)), again: Cell::new(None) }
    }

    /// How long it may still wait.
    pub(crate) fn left(&self) -> Duration {
        self.left.get()
    }

    /// Runs the retry of a refusal or withdrawal.
    pub(crate) fn again<T>(&self, scope: Scope, act: impl FnOnce() -> T) -> T {
        self.again.set(Some(scope));
        let done = act();
        self.again.set(None);
        done
    }
}

/// A cheap check for new decisions: the versions of the snapshot and of its directory.
pub(in crate::consent) type Glance = [Option<Version>; 2];

/// What was last read. Locked for a whole look, files included.
pub(crate) struct View {
    pub(in crate::consent) seen: Fingerprint,
    /// The cheap check's result; `None` if the check failed.
    pub(in crate::consent) glance: Option<Glance>,
    /// The last look failed: what was open is closed until one succeeds.
    pub(in crate::consent) doubt: Option<Failed>,
    /// The day on which the records were read, if a scope was open or closed by the clock. A grant expires after its last day,
    /// and a clock that was wrong may be right again.
    pub(in crate::consent) day: Option<Day>,
    /// There is a grant that the clock keeps closed.
    pub(in crate::consent) by_clock: bool,
    /// A grant is past its last day and is not recorded as expired yet.
    pub(in crate::consent) is_over: bool,
    /// The texts of a grant could not be found.
    pub(in crate::consent) lacks_texts: bool,
    /// The records must be evaluated again, even if they have not changed: for example, administrators' rules have changed since.
    pub(in crate::consent) stale: bool,
    /// Something changed that the next look has not reported yet.
    pub(in crate::consent) changed: bool,
    /// A snapshot was found where none was seen before, and its store has not been checked for pending maintenance yet.
    pub(in crate::consent) appeared: bool,
    /// The store is an older copy of what this process knows, or was at the last look.
    pub(in crate::consent) is_older: bool,
    /// The store became such a copy, and that has not been reported yet.
    pub(in crate::consent) turned_older: bool,
    pub(in crate::consent) open: Vec<Place>,
    /// What a scope is limited to, for the open scopes whose build would send more than was agreed to.
    pub(in crate::consent) held: Vec<(Scope, Arc<Projection>)>,
    /// When the grants of the open scopes were given.
    pub(in crate::consent) given: Vec<(Scope, Time)>,
}

impl Consent {
    pub(crate) fn new(
        ledger: Ledger,
        contracts: Vec<Contract>,
        constraints: Constraints,
        process_wide: bool,
        ambient: Ambient,
        validity: u32,
    ) -> Self {
        let gates = Arc::new(Gates::new(process_wide));
        let view = Mutex::new(View {
            seen: Fingerprint::default(),
            glance: None,
            doubt: None,
            day: None,
            by_clock: false,
            is_over: false,
            lacks_texts: false,
            stale: false,
            changed: false,
            appeared: false,
            is_older: false,
            turned_older: false,
            open: Vec::new(),
            held: Vec::new(),
            given: Vec::new(),
        });
        Consent {
            ledger,
            contracts,
            gates,
            constraints: Mutex::new(Arc::new(constraints)),
            unsettled: AtomicBool::new(false),
            ambient,
            validity,
            view,
            compared: Mutex::default(),
            asked: AtomicBool::new(false),
            refused: Mutex::default(),
            unwritten: Mutex::default(),
            acts: AtomicU64::new(0),
            retries: Mutex::default(),
            ends: Mutex::default(),
        }
    }

    /// Finishes a decision that was interrupted or could not be written, if there is one.
    ///
    /// # Errors
    /// It is not finished yet, or the records can't be read.
    pub(crate) fn recover(&self) -> Result<(), Error> {
        let is_owed = self.retries.lock().0.contains_key(TOMBSTONES);
        if !is_owed && matches!(self.ledger.snapshot_bytes(), Look::Absent) {
            return Ok(());
        }
        self.recover_all(&Patience::new())
    }

    /// The same, even if there is nothing but a tombstone of a refusal.
    ///
    /// # Errors
    /// As for [`recover`](Consent::recover).
    pub(crate) fn recover_all(&self, patience: &Patience) -> Result<(), Error> {
        let recovered = self.recover_found(patience);
        // A decision that is only held by a tombstone is retried until it is written.
        let mut retries = self.retries.lock();
        match &recovered {
            Ok(()) => retries.held(TOMBSTONES),
            Err(_) if retries.0.contains_key(TOMBSTONES) => retries.failed(TOMBSTONES, self.ambient.monotonic()),
            Err(_) => {}
        }
        drop(retries);
        recovered
    }

    /// Requests that recovery soon writes a closing decision that is only held by a tombstone.
    pub(crate) fn recover_soon(&self) {
        self.retries.lock().failed(TOMBSTONES, self.ambient.monotonic());
    }

    fn recover_found(&self, patience: &Patience) -> Result<(), Error> {
        let needs = self.ledger.needs_repair();
        if needs.is_err() && self.ledger.is_replaced_by_older()? {
            // The store was replaced by an older copy of itself. No decision is written to that copy. The marks are raised, so
            // that the next start does not forget what was decided since.
            let held = self.lock_or_fail(patience)?;
            self.ledger.mark_known(&held)?;
        }
        if (needs.is_err() && mutants::on(Mutant::UnreadIsWritten)) || !needs? {
            return Ok(());
        }
        let held = self.lock_or_fail(patience)?;
        self.ledger.repair(&held, self.ambient.now()).map(|_| ())
    }

    /// Whether the scope has a tombstone: a closing decision, such as a withdrawal, that could not be written yet.
    pub(crate) fn is_unwritten(&self, scope: Scope) -> Result<bool, Error> {
        match self.ledger.read() {
            Err(_) if mutants::on(Mutant::UnreadIsWritten) => Ok(false),
            records => Ok(matches!(records?, Records::Sound(sound) if sound.is_revoked(scope.name()))),
        }
    }

    /// How soon to look again or retry, if a look failed or something could not be written.
    pub(crate) fn retry_in(&self) -> Option<Duration> {
        // If nothing failed, no clock is read.
        let soonest = self.retries.lock().soonest()?;
        let soonest = soonest.saturating_duration_since(self.ambient.monotonic());
        // Scopes that would otherwise be open are closed meanwhile.
        let is_urgent = self.contracts.iter().any(|contract| self.gates.epoch(contract.scope) == UNKNOWN_EPOCH);
        // The caller may have to wait for another thread that is retrying.
        Some(if is_urgent { soonest.min(RETRY.0) } else { soonest }.max(SOONEST))
    }

    /// Makes every retry due now, however long it was put off. Returns whether a person's refusal or withdrawal is among them.
    pub(crate) fn retry_now(&self) -> bool {
        let mut retries = self.retries.lock();
        // If nothing failed, no clock is read.
        if !retries.0.is_empty() {
            let now = self.ambient.monotonic();
            retries.0.values_mut().for_each(|(next, _)| *next = now);
        }
        drop(retries);
        !self.unwritten.lock().is_empty()
    }

    /// Whether a retry is due.
    pub(crate) fn is_retry_due(&self) -> bool {
        let soonest = self.retries.lock().soonest();
        soonest.is_some_and(|soonest| soonest <= self.ambient.monotonic())
    }

    pub(crate) fn gates(&self) -> &Gates {
        &self.gates
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn ambient(&self) -> &Ambient {
        &self.ambient
    }

    pub(crate) fn contracts(&self) -> &[Contract] {
        &self.contracts
    }

    /// The languages in which notices are available, as BCP 47 tags.
    pub(crate) fn languages(&self) -> Vec<String> {
        let contract = self.contracts.first();
        contract.map(|it| it.party.languages.all().map(|it| it.locale.tag().to_string()).collect()).unwrap_or_default()
    }

    /// For how many days a grant is valid.
    pub(crate) fn validity(&self) -> u32 {
        self.validity
    }

    /// Counts a grant that the program reported where only a newly shown notice opens the scope.
    pub(crate) fn note_refused(&self, scope: Scope) {
        *self.refused.lock().entry(scope.name()).or_default() += 1;
    }

    /// The environment and administrators' rules, as last read.
    pub(crate) fn constraints(&self) -> Arc<Constraints> {
        self.constraints.lock().clone()
    }

    pub(crate) fn contract(&self, scope: Scope) -> Result<&Contract, Error> {
        self.contracts
            .iter()
            .find(|contract| contract.scope == scope)
            .ok_or_else(|| Kind::UnknownScope { scope: scope.name().into() }.into())
    }

    /// The records as they are now: one look, for a caller that needs several answers from it.
    ///
    /// # Errors
    /// The records can't be read now. The caller looks again later.
    pub(crate) fn records(&self) -> Result<Records, Failed> {
        self.ledger.read()
    }

    /// Closes this process's gate of a scope, at once. Called before anything that can fail or wait. Returns when a look in
    /// progress, which may be reading files, is over.
    pub(crate) fn close_gate(&self, scope: Scope) {
        self.close_gate_by(scope, Gates::keep_closed);
    }

    /// The same for a grant that stays, narrowed or unchanged: no event is stored meanwhile, and events are counted.
    pub(crate) fn pause_gate(&self, scope: Scope) {
        self.close_gate_by(scope, Gates::keep_paused);
    }

    fn close_gate_by(&self, scope: Scope, close: impl Fn(&Gates, Scope)) {
        if !mutants::on(Mutant::GateWaitsForLook) {
            close(&self.gates, scope);
        }
        let mut view = self.view.lock();
        // Another decision about the scope may have ended while this waited, and let the records decide again.
        close(&self.gates, scope);
        view.open.retain(|place| place.scope != scope);
        view.changed = true;
    }

    /// Lets the records on disk decide again, at the next look, about a scope that was closed here.
    pub(crate) fn reopen_gate(&self, scope: Scope) {
        let mut view = self.view.lock();
        // A refusal that could not be written holds here, whatever else was tried or failed meanwhile. If one is noted from here
        // on, it closes the scope after this.
        let holds = self.unwritten.lock().contains_key(scope.name()) && !mutants::on(Mutant::UnwrittenIsUndone);
        if holds {
            self.gates.keep_closed(scope);
        } else {
            self.gates.follow_records(scope);
        }
        // A look in between may have read the decision but left the gate closed, so another look must follow.
        view.stale = true;
    }

    /// Whether the records were read and contain a grant that can be withdrawn.
    pub(crate) fn has_yes(&self, scope: Scope) -> bool {
        matches!(self.ledger.read(), Ok(Records::Sound(sound)) if sound.has_yes(scope.name()))
    }

    /// Runs `act` on the records under the lock of decisions, so that no new [generation](Consent::generations) begins meanwhile.
    /// Does not run it if the lock can't be taken or the records can't be read.
    pub(crate) fn while_undecided(&self, act: impl FnOnce(&Records)) {
        if let Ok(_held) = self.lock_or_fail(&Patience::new())
            && let Ok(records) = self.records()
        {
            act(&records);
        }
    }

    /// Runs `act` under the lock of decisions, with the generation of the scope's grant in force, if there is one. `None` if the
    /// lock can't be taken or the records can't be read.
    pub(crate) fn while_kept<T>(
        &self,
        scope: &str,
        patience: &Patience,
        act: impl FnOnce(Option<u64>) -> T,
    ) -> Option<T> {
        let _held = self.lock_or_fail(patience).ok()?;
        let records = self.ledger.read().ok()?;
        let in_force = match &records {
            Records::Sound(sound) => sound.in_force(scope),
            Records::Nothing | Records::Closed(_) | Records::Refused(..) => None,
        };
        Some(act(in_force.map(|entry| entry.generation)))
    }

    /// The latest generation of a closed scope, by records that are read without the lock. A grant that begins afterwards has a
    /// later generation. `None` if a grant is in force or the records can't be used.
    pub(crate) fn latest_ended(&self, scope: &str) -> Option<u64> {
        let Ok(Records::Sound(sound)) = self.ledger.read() else { return None };
        let entry = sound.entry(scope).filter(|_| sound.in_force(scope).is_none())?;
        // A decision that ends a grant has its own generation, and the next grant begins in it.
        if entry.decision.opens() { Some(entry.generation) } else { entry.generation.checked_sub(1) }
    }

    /// Whether this client was shut down.
    pub(crate) fn has_ended(&self) -> bool {
        self.gates.has_stopped()
    }

    /// From now on nothing may be sent by this client.
    pub(crate) fn stop(&self) {
        self.gates.stop();
    }

    /// Sets the deadline for any wait for another process while this client shuts down.
    pub(crate) fn wait_no_longer_than(&self, until: Option<Instant>) {
        *self.ends.lock() = until;
    }

    /// When a wait that begins now is over: after `limit`, or at this client's deadline if that is earlier.
    pub(in crate::consent) fn until(&self, began: Instant, limit: Duration) -> Instant {
        let until = began + limit;
        self.ends.lock().map_or(until, |end| end.min(until))
    }

    /// Takes the lock of decisions.
    ///
    /// # Errors
    /// Another process holds it for too long, or its file can't be used.
    pub(crate) fn lock_or_fail(&self, patience: &Patience) -> Result<Held, Error> {
        let began = self.ambient.monotonic();
        let until = self.until(began, patience.left.get());
        let held = self.ledger.lock_within(until.saturating_duration_since(began), || self.ambient.monotonic())?;
        let waited = self.ambient.monotonic().saturating_duration_since(began);
        if !mutants::on(Mutant::EachStepWaits) {
            patience.left.set(patience.left.get().saturating_sub(waited));
        }
        held.ok_or_else(|| Kind::Locked { path: self.ledger.lock_path() }.into())
    }

    /// Closes every gate of this client permanently, at once.
    pub(crate) fn close(&self) {
        self.gates.close();
        for contract in &self.contracts {
            self.gates.keep_closed(contract.scope);
        }
        // A look that fails from here on finds nothing that was open.
        self.view.lock().open.clear();
    }
}
