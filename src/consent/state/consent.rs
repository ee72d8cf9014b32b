//! The consent state of one client: what was read last, and which scopes must stay closed whatever is read next. Never writes a
//! decision, except to finish one that was interrupted.

use crate::consent::{
    agreement::compatibility::Projection,
    agreement::contract::Contract,
    agreement::scope::{Scope, is_name},
    constraints::environment::{Constraints, shown},
    constraints::policy::Looked,
    proof::receipt::{NO_ANSWER, NO_LOCK, NOT_TAKEN, YES_SINCE},
    records::ledger::{Failed, Fingerprint, Held, LOCK_WAIT, Ledger, Records, Sound},
    state::pending::Unwritten,
    state::permit::{Gates, Permit, UNKNOWN_EPOCH, Watch},
    state::status::Compared,
};
use crate::{
    ambient::{Ambient, Day},
    disk::{Look, Seen},
    error::{Error, Kind},
    mutants::{self, Mutant},
    sync::{self, Mutex},
};
use std::{
    cell::Cell,
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
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

/// How long after a failure the first retry is, and the longest wait between two retries.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The shortest wait before a retry.
const SOONEST: Duration = Duration::from_millis(20);

/// The name of the retry for grants that administrators' rules or the calendar narrow or end, when that could not be done.
///
/// Each of these names contains a space, which no scope's name does.
const SETTLING: &str = "what administrators' rules leave out";

/// The name of the retry for closing decisions that could not be written and are only held by a tombstone.
const STANDING_FILES: &str = "what only a file stands for";
/// The names of the retries for failed reads: of the rules, the records, and the texts of what was agreed to.
const RULES: &str = "the rules";
const RECORDS: &str = "the records";
const TEXTS: &str = "the texts";

// A refusal of a scope with such a name would never be retried.
const _: () = assert!(!is_name(SETTLING) && !is_name(STANDING_FILES) && !is_name(RULES));
const _: () = assert!(!is_name(RECORDS) && !is_name(TEXTS));

/// What failed and is to be retried, by name: the time of the next try, and the wait before it.
#[derive(Debug, Default)]
pub(crate) struct Retries(pub(crate) BTreeMap<&'static str, (Instant, Duration)>);

impl Retries {
    /// Records a failure: the next wait is twice the last one, within the limits of `RETRY`.
    pub(crate) fn failed(&mut self, what: &'static str, now: Instant) {
        let (next, wait) = self.0.entry(what).or_insert((now, Duration::ZERO));
        // A try that was not due does not postpone the next one.
        if *next <= now {
            *wait = (*wait * 2).clamp(RETRY.0, RETRY.1);
            *next = now + *wait;
        }
    }

    pub(crate) fn held(&mut self, what: &str) {
        self.0.remove(what);
    }

    pub(crate) fn soonest(&self) -> Option<Instant> {
        self.0.values().map(|(next, _)| *next).min()
    }

    pub(crate) fn is_due(&self, what: &str, now: Instant) -> bool {
        self.0.get(what).is_some_and(|(next, _)| *next <= now)
    }
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
type Glance = [Option<(u64, u64, i64)>; 2];

/// What was last read, and which scopes must stay closed whatever is read next.
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
    pub(in crate::consent) closing: Vec<Scope>,
    /// The scopes in `closing` whose grant stays: events recorded meanwhile are counted.
    pub(in crate::consent) narrowing: Vec<Scope>,
}

/// The result of a look: whether any gate changes, whether something must be prepared first, and the new value of each gate.
struct Opens {
    pub(crate) moved: bool,
    pub(crate) prepares: bool,
    pub(crate) gates: Option<Vec<(Scope, u64)>>,
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

    /// Opens them. Returns whether any gate changed.
    pub(crate) fn open(self) -> bool {
        for (scope, epoch) in self.opens.gates.into_iter().flatten() {
            self.consent.gates.set(scope, epoch);
        }
        self.opens.moved
    }
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
            closing: Vec::new(),
            narrowing: Vec::new(),
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
        let is_owed = self.retries.lock().0.contains_key(STANDING_FILES);
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
        let mended = self.recover_found(patience);
        // A decision that is only held by a tombstone is retried until it is written.
        let mut retries = self.retries.lock();
        match &mended {
            Ok(()) => retries.held(STANDING_FILES),
            Err(_) if retries.0.contains_key(STANDING_FILES) => {
                retries.failed(STANDING_FILES, self.ambient.monotonic())
            }
            Err(_) => {}
        }
        drop(retries);
        mended
    }

    /// Requests that recovery soon writes a closing decision that is only held by a tombstone.
    pub(crate) fn recover_soon(&self) {
        self.retries.lock().failed(STANDING_FILES, self.ambient.monotonic());
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

    /// Whether this process closed a scope, whatever is on disk.
    pub(in crate::consent) fn is_gate_closed(&self, scope: Scope) -> bool {
        self.view.lock().closing.contains(&scope)
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

    /// What closes a scope, whatever the person decided.
    pub(crate) fn blocked(&self, scope: Scope) -> Option<String> {
        Some(self.block_of(self.contract(scope).ok()?)?.0)
    }

    /// Whether a scope is closed, whatever the person decided, by something that is known to apply: not by a rule that can't be
    /// read now.
    pub(crate) fn is_ruled_out(&self, scope: Scope) -> bool {
        self.contract(scope).is_ok_and(|contract| self.lasting_block_of(contract).is_some())
    }

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

    pub(crate) fn contract(&self, scope: Scope) -> Result<&Contract, Error> {
        self.contracts
            .iter()
            .find(|contract| contract.scope == scope)
            .ok_or_else(|| Kind::UnknownScope { scope: scope.name().into() }.into())
    }

    /// Reads the snapshot again, and immediately closes what it closes. What it opens is opened by [`Looking::open`], once
    /// everything the scopes need is prepared.
    ///
    /// If a look fails, what was open is closed until one succeeds. Events recorded meanwhile are counted.
    pub(crate) fn look(&self) -> Looking<'_> {
        let mut view = self.view.lock();
        let opens = match self.look_into(&mut view) {
            Ok(opens) => opens,
            Err(failed) => {
                for place in std::mem::take(&mut view.open) {
                    self.gates.set(place.scope, UNKNOWN_EPOCH);
                }
                view.held.clear();
                view.doubt = Some(failed);
                self.retries.lock().failed(RECORDS, self.ambient.monotonic());
                Opens { moved: false, prepares: false, gates: None }
            }
        };
        Looking { consent: self, view, opens }
    }

    fn look_into(&self, view: &mut View) -> Result<Opens, Failed> {
        // Taken before the rest is read, so that a change in between is found. If nothing was ever decided, the only work is to
        // look for a snapshot.
        view.glance = if view.seen.snapshot.is_some() { self.glance().ok() } else { None };
        let mut seen = self.ledger.fingerprint()?;
        // If no scope can be open, no clock is read.
        let at = self.moment();
        let day = (view.by_clock || !view.open.is_empty()).then(|| at.now().day());
        let is_new = seen != view.seen || day != view.day || view.stale || view.doubt.is_some();
        if !is_new && !self.gates.is_closed() {
            return Ok(Opens { moved: std::mem::take(&mut view.changed), prepares: false, gates: None });
        }
        if view.seen.snapshot.is_none() && seen.snapshot.is_some() {
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
            self.note_what_stood(sound);
        }
        let (mut open, mut held, mut by_clock, mut doubted) = (Vec::new(), Vec::new(), false, Vec::new());
        let (mut lacks_texts, mut is_over, mut is_limited) = (false, false, false);
        for contract in &self.contracts {
            let scope = contract.scope;
            by_clock |= matches!(&records, Records::Sound(sound) if self.is_closed_by_clock(sound, contract, &at));
            if let Records::Sound(sound) = &records
                && !self.gates.is_closed()
                && !view.closing.contains(&scope)
                && self.open_epoch(sound, contract, &at)? != 0
                && let Some(entry) = sound.in_force(scope.name())
            {
                open.push(Place { scope, epoch: entry.epoch, generation: entry.generation });
                if let Some(projection) = self.projection(contract, entry)? {
                    held.push((scope, Arc::new(projection)));
                }
            } else if let Records::Sound(sound) = &records
                && !self.gates.is_closed()
                && view.closing.iter().all(|closing| *closing != scope)
                && self.is_doubted(sound, contract, &at)?
            {
                doubted.push(scope);
            } else if let Records::Sound(sound) = &records
                && let Some(entry) = sound.in_force(scope.name())
            {
                // The second case: the texts were missing when the scope was evaluated, and were found a moment later.
                lacks_texts |= self.ledger.agreed(entry)?.is_none() || self.open_epoch(sound, contract, &at)? != 0;
                if !self.gates.is_closed() && !view.closing.contains(&scope) {
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
        let in_doubt = |scope: Scope| doubted.contains(&scope) || view.narrowing.contains(&scope);
        let gate = |scope: Scope| epoch(scope).max(if in_doubt(scope) { UNKNOWN_EPOCH } else { 0 });
        for contract in &self.contracts {
            if self.gates.epoch(contract.scope) != gate(contract.scope) {
                self.gates.set(contract.scope, 0);
            }
        }
        let gates = self.contracts.iter().map(|contract| (contract.scope, gate(contract.scope))).collect();
        view.held = held;
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
        Ok(Opens { moved: std::mem::take(&mut view.changed) || moved, prepares: moved, gates: Some(gates) })
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
        Looking { consent: self, view: self.view.lock(), opens: Opens { moved: false, prepares: true, gates: None } }
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
        self.open_scopes().into_iter().map(|standing| standing.place).collect()
    }

    /// The open scopes, with what each is limited to.
    pub(crate) fn open_scopes(&self) -> Vec<OpenScope> {
        let (open, held) = {
            let view = self.view.lock();
            (view.open.clone(), view.held.clone())
        };
        let held = |scope| held.iter().find(|(of, _)| *of == scope).map(|(_, projection)| projection.clone());
        let open = open.into_iter().filter(|place| self.gates.epoch(place.scope) == place.epoch);
        open.map(|place| OpenScope { place, held: held(place.scope) }).collect()
    }

    /// What a scope is limited to, if the build would send more than was agreed to.
    pub(crate) fn held(&self, scope: Scope) -> Option<Arc<Projection>> {
        self.view.lock().held.iter().find(|(of, _)| *of == scope).map(|(_, projection)| projection.clone())
    }

    /// Whether a snapshot was found. Without one there is nothing to clean up.
    pub(crate) fn is_known(&self) -> bool {
        self.view.lock().seen.snapshot.is_some()
    }

    /// The records as they are now: one look, for a caller that needs several answers from it.
    ///
    /// # Errors
    /// The records can't be read now. The caller looks again later.
    pub(crate) fn records(&self) -> Result<Records, Failed> {
        self.ledger.read()
    }

    /// The scopes that may have data on disk, each with the generation of its grant in force, or `None`. Empty if the records
    /// can't be relied on, because nothing is destroyed while its state is uncertain.
    pub(crate) fn generations(&self, records: &Records) -> Vec<(Scope, Option<u64>)> {
        let Records::Sound(sound) = records else { return Vec::new() };
        // A grant past its last day keeps its generation, because the clock may be wrong. The scope closes immediately; its data
        // is destroyed when the expiry is recorded.
        let kept = |scope: Scope| sound.in_force(scope.name()).map(|entry| entry.generation);
        self.contracts.iter().map(|contract| (contract.scope, kept(contract.scope))).collect()
    }

    /// Returns a permit if this batch may be sent now.
    ///
    /// # Errors
    /// Why it may not. If the only reason is a failed look, the error says so: the next look may succeed.
    pub(crate) fn permit(&self, scope: Scope, generation: u64, epoch: u64) -> Result<Permit, String> {
        let place = Place { scope, epoch, generation };
        let granted = self.granted_place(scope).map_err(|failed| failed.to_string())?;
        if self.blocked(scope).is_some() || granted != Some(place) {
            return Err(self.why_no_permit(scope));
        }
        let (ledger, gates) = (self.ledger.clone(), self.gates.clone());
        match Permit::issue(Watch { ledger, gates, scope, generation, epoch, life: None }) {
            Ok(permit) => permit.ok_or_else(|| self.why_no_permit(scope)),
            Err(error) if self.is_of_lock(&error) => Err(self.why_no_permit(scope)),
            Err(error) => Err(Failed::of(&self.ledger.life_path(scope.name()), error).to_string()),
        }
    }

    /// Closes this process's gate of a scope. Called before anything that can fail.
    pub(crate) fn close_gate(&self, scope: Scope) {
        let mut view = self.view.lock();
        self.gates.set(scope, 0);
        if !view.closing.contains(&scope) {
            view.closing.push(scope);
        }
        view.open.retain(|place| place.scope != scope);
        view.narrowing.retain(|&narrowing| narrowing != scope);
        view.changed = true;
    }

    /// The same for a grant that stays, narrowed or unchanged: no event is stored meanwhile, and events are counted.
    pub(crate) fn pause_gate(&self, scope: Scope) {
        let was_open = self.gates.epoch(scope) != 0;
        self.close_gate(scope);
        if was_open {
            let mut view = self.view.lock();
            view.narrowing.push(scope);
            self.gates.set(scope, UNKNOWN_EPOCH);
        }
    }

    /// Lets the records on disk decide again, at the next look, about a scope that was closed here.
    pub(crate) fn reopen_gate(&self, scope: Scope) {
        let mut view = self.view.lock();
        // A refusal that could not be written holds here, whatever else was tried or failed meanwhile. If one is noted from here
        // on, it closes the scope after this.
        let holds = self.unwritten.lock().contains_key(scope.name()) && !mutants::on(Mutant::UnwrittenIsUndone);
        view.narrowing.retain(|&narrowing| narrowing != scope);
        if !holds {
            view.closing.retain(|&closing| closing != scope);
        }
        // A look in between may have read the decision but left the gate closed, so another look must follow.
        view.stale = true;
    }

    /// Waits until no permit of the scope is left in any process, at most `limit`.
    ///
    /// A missing life lock of a scope that was once granted was removed by someone and proves nothing. A life lock that was
    /// created again since proves nothing until the computer restarts. A file that can't be read proves nothing either.
    ///
    /// # Errors
    /// Why it is not known that no permit is left.
    pub(crate) fn confirm(&self, scope: &str, limit: Duration) -> Result<(), &'static str> {
        if mutants::on(Mutant::ConfirmedUnseen) {
            return Ok(());
        }
        let path = self.ledger.life_path(scope);
        match self.ledger.files().examine(&path) {
            Look::Read(_) => {}
            Look::Absent => {
                let never = self.ledger.was_never_granted(scope).unwrap_or(mutants::on(Mutant::UnreadIsNeverGranted));
                return if never { Ok(()) } else { Err(NO_LOCK) };
            }
            Look::Refused(_) | Look::Failed(_) => return Err(NO_LOCK),
        }
        let life = self.ledger.files().open_lock(&path).map_err(|_| NO_LOCK)?;
        let until = self.until(self.ambient.monotonic(), limit);
        loop {
            match life.try_lock(false) {
                Ok(true) if !self.ledger.is_spare_held(scope).map_err(|_| NO_LOCK)? => {
                    let lost = self.ledger.lost_life(scope).unwrap_or(Some(NO_LOCK));
                    let lost = if self.ledger.owns_life(scope) { lost } else { Some(NO_LOCK) };
                    return lost.map_or(Ok(()), Err);
                }
                Err(_) => return Err(NO_LOCK),
                Ok(_) if self.ambient.monotonic() < until => sync::sleep(Duration::from_micros(500)),
                Ok(_) => return Err(NO_ANSWER),
            }
        }
    }

    /// Confirms a refusal that was written earlier: the records contain it, and no permit of the scope is left.
    ///
    /// # Errors
    /// Why this is not known.
    pub(crate) fn confirm_no(&self, scope: &str, limit: Duration) -> Result<(), &'static str> {
        let confirmed = self.confirm(scope, limit);
        match self.ledger.read() {
            Ok(Records::Sound(sound)) if sound.in_force(scope).is_some() => Err(YES_SINCE),
            Ok(Records::Sound(sound)) if says_no(&sound, scope) => confirmed,
            _ => Err(NOT_TAKEN),
        }
    }

    /// Whether the records were read and contain a grant that can be withdrawn.
    pub(crate) fn has_yes(&self, scope: Scope) -> bool {
        matches!(self.ledger.read(), Ok(Records::Sound(sound)) if sound.has_yes(scope.name()))
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
        let new: Vec<Place> = self.open_places().into_iter().filter(is_new).collect();
        if new.is_empty() {
            return true;
        }
        let Ok(Some(held)) = self.ledger.lock_within(Duration::ZERO, || self.ambient.monotonic()) else { return false };
        for place in new {
            // If this can't be written now, it is not retried before tomorrow.
            let _ = self.ledger.note_day(&held, place.scope.name(), place.epoch, today);
        }
        true
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

    /// Leaves the tombstone of a decision that could not be written.
    #[cfg(test)]
    pub(crate) fn leave_tombstone(&self, scope: Scope, decision: crate::consent::Decision) -> std::io::Result<()> {
        self.ledger.revoke(scope.name(), &self.tombstone(decision, None)).map(drop)
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
    fn until(&self, began: Instant, limit: Duration) -> Instant {
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

    /// Closes every gate of this client permanently.
    pub(crate) fn close(&self) {
        let mut view = self.view.lock();
        self.gates.close();
        view.closing = self.contracts.iter().map(|contract| contract.scope).collect();
        for contract in &self.contracts {
            self.gates.set(contract.scope, 0);
        }
    }
}

/// Whether a refusal or withdrawal of this scope is written in the records, with nothing left to finish for the scope.
fn says_no(sound: &Sound, scope: &str) -> bool {
    !sound.is_revoked(scope) && sound.entry(scope).is_some_and(|entry| !entry.decision.opens())
}
