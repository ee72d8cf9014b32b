//! The decisions of one client: what was read last, and what must not be opened whatever is read next.

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

/// Where the data of a scope that is open goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) scope: Scope,
    pub(crate) epoch: u64,
    pub(crate) generation: u64,
}

/// An open scope: where its data goes, and what it is held to where the build would say more than was agreed.
#[derive(Debug, Clone)]
pub(crate) struct OpenScope {
    pub(crate) place: Place,
    pub(crate) held: Option<Arc<Projection>>,
}

/// The decisions of one client.
pub(crate) struct Consent {
    pub(crate) ledger: Ledger,
    pub(crate) contracts: Vec<Contract>,
    pub(crate) gates: Arc<Gates>,
    pub(crate) constraints: Mutex<Arc<Constraints>>,
    /// A look at the records found administrators' rules changed, or a yes that is over, and whoever destroys what waits has not
    /// been told yet.
    pub(crate) unsettled: AtomicBool,
    pub(crate) ambient: Ambient,
    /// For how many days a yes is good.
    pub(crate) validity: u32,
    pub(crate) view: Mutex<View>,
    /// What this build's contracts are beside those that were agreed to, by the digest of the latter.
    pub(crate) compared: Mutex<BTreeMap<(&'static str, String), Arc<Compared>>>,
    /// Whether the program has asked of its own accord since it started.
    pub(crate) asked: AtomicBool,
    /// How many times since it started the program said "granted" where only a fresh notice opens.
    pub(crate) refused: Mutex<BTreeMap<&'static str, u64>>,
    /// The person's own noes that the disk did not take.
    pub(crate) unwritten: Mutex<BTreeMap<&'static str, Unwritten>>,
    /// How many noes a person said here.
    pub(crate) acts: AtomicU64,
    pub(crate) retries: Mutex<Retries>,
    /// While this client ends, until when anything waits for another process.
    pub(crate) ends: Mutex<Option<Instant>>,
}

/// How soon after a failure something is tried again, and how long it is put off at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How soon something is tried again at the soonest.
const SOONEST: Duration = Duration::from_millis(20);

/// The name of what is tried again where what rules and the calendar end could not be ended.
///
/// Each name has a space in it, which no scope's has.
const SETTLING: &str = "what administrators' rules leave out";

/// The same of endings that could not be written, and that no more than a file stands for.
const STANDING_FILES: &str = "what only a file stands for";
/// The names of the looks that are tried again: at the rules, the records, and the texts of what was agreed to.
const RULES: &str = "the rules";
const RECORDS: &str = "the records";
const TEXTS: &str = "the texts";

// A scope of such a name would never have its no tried again.
const _: () = assert!(!is_name(SETTLING) && !is_name(STANDING_FILES) && !is_name(RULES));
const _: () = assert!(!is_name(RECORDS) && !is_name(TEXTS));

/// What failed and is to be tried again, by name: when, and after what wait.
#[derive(Debug, Default)]
pub(crate) struct Retries(pub(crate) BTreeMap<&'static str, (Instant, Duration)>);

impl Retries {
    /// It failed: the next try is put off twice as long as the last one was.
    pub(crate) fn failed(&mut self, what: &'static str, now: Instant) {
        let (next, wait) = self.0.entry(what).or_insert((now, Duration::ZERO));
        // Whoever asks meanwhile does not put it off.
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

/// How long an act still waits for the lock of decisions, however often it takes it.
#[derive(Debug)]
pub(crate) struct Patience {
    pub(crate) left: Cell<Duration>,
    /// The scope whose no is being tried again, and holds only as long as no yes was given since.
    pub(crate) again: Cell<Option<Scope>>,
}

impl Patience {
    /// As for one decision.
    pub(crate) fn new() -> Self {
        Patience::after(Duration::ZERO)
    }

    /// What is left of it for an act that has waited already.
    pub(crate) fn after(waited: Duration) -> Self {
        Patience { left: Cell::new(LOCK_WAIT.saturating_sub(waited)), again: Cell::new(None) }
    }

    /// How long it may wait still.
    pub(crate) fn left(&self) -> Duration {
        self.left.get()
    }

    /// Runs a no that is tried again.
    pub(crate) fn again<T>(&self, scope: Scope, act: impl FnOnce() -> T) -> T {
        self.again.set(Some(scope));
        let done = act();
        self.again.set(None);
        done
    }
}

/// What tells at a glance that something was decided.
type Glance = [Option<(u64, u64, i64)>; 2];

/// What was last read, and what must not be opened whatever is read next.
pub(crate) struct View {
    pub(crate) seen: Fingerprint,
    /// The same at a glance; none where the glance failed.
    pub(crate) glance: Option<Glance>,
    /// The last look failed: what was open is closed until one succeeds.
    pub(crate) doubt: Option<Failed>,
    /// The day for which it was read, where anything was open, or closed by the clock: a yes ends with its last one, and a
    /// clock that was wrong may be right again.
    pub(crate) day: Option<Day>,
    /// A yes stands that only the clock keeps closed.
    pub(crate) by_clock: bool,
    /// A yes stands that is over.
    pub(crate) is_over: bool,
    /// What a yes is to was not shown.
    pub(crate) lacks_texts: bool,
    /// Administrators' rules have changed since.
    pub(crate) stale: bool,
    /// Something changed that whoever clears up has not been told yet.
    pub(crate) changed: bool,
    /// A snapshot was found where none was seen before, and nobody has looked yet for what is to be put in order in its store.
    pub(crate) appeared: bool,
    /// It is an older copy of what this process knows, or was at the last look.
    pub(crate) is_older: bool,
    /// That it began to be one was told to nobody yet.
    pub(crate) turned_older: bool,
    pub(crate) open: Vec<Place>,
    /// What those scopes are held to whose build would say more than was agreed.
    pub(crate) held: Vec<(Scope, Arc<Projection>)>,
    pub(crate) closing: Vec<Scope>,
    /// Those of them whose yes stays: what is recorded meanwhile is counted.
    pub(crate) narrowing: Vec<Scope>,
}

/// What a look came to: whether any gate moves, whether something is to be made ready first, and what each gate becomes.
struct Opens {
    pub(crate) moved: bool,
    pub(crate) prepares: bool,
    pub(crate) gates: Option<Vec<(Scope, u64)>>,
}

/// A look at the records that has closed what closes, and opens nothing before [`open`](Looking::open).
#[must_use = "what is granted stays closed until it is opened"]
pub(crate) struct Looking<'c> {
    consent: &'c Consent,
    view: crate::sync::MutexGuard<'c, View>,
    opens: Opens,
}

impl Looking<'_> {
    /// The scopes that will be open, where something has to be made ready for them first.
    pub(crate) fn to_prepare(&self) -> Option<&[Place]> {
        self.opens.prepares.then_some(&self.view.open)
    }

    /// Opens them. Answers whether any gate moved.
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

    /// Finishes a decision that was interrupted, or could not be written, if there is one.
    ///
    /// # Errors
    /// It still is to be finished, or nobody knows.
    pub(crate) fn recover(&self) -> Result<(), Error> {
        let is_owed = self.retries.lock().0.contains_key(STANDING_FILES);
        if !is_owed && matches!(self.ledger.snapshot_bytes(), Look::Absent) {
            return Ok(());
        }
        self.recover_all(&Patience::new())
    }

    /// The same, also where nothing is there but a file that stands for a no.
    ///
    /// # Errors
    /// As for [`mend`](Consent::mend).
    pub(crate) fn recover_all(&self, patience: &Patience) -> Result<(), Error> {
        let mended = self.recover_found(patience);
        // What only a file stands for is tried again until it is written.
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

    /// An ending that only a file stands for: it is written down soon, by whoever mends.
    pub(crate) fn recover_soon(&self) {
        self.retries.lock().failed(STANDING_FILES, self.ambient.monotonic());
    }

    fn recover_found(&self, patience: &Patience) -> Result<(), Error> {
        let needs = self.ledger.needs_repair();
        if needs.is_err() && self.ledger.is_replaced_by_older()? {
            // Which no decision is written to; but what was decided since must not be forgotten at the next start.
            let held = self.lock_or_fail(patience)?;
            self.ledger.mark_known(&held)?;
        }
        if (needs.is_err() && mutants::on(Mutant::UnreadIsWritten)) || !needs? {
            return Ok(());
        }
        let held = self.lock_or_fail(patience)?;
        self.ledger.repair(&held, self.ambient.now()).map(|_| ())
    }

    /// Whether a withdrawal stands that could not be written yet.
    pub(crate) fn is_unwritten(&self, scope: Scope) -> Result<bool, Error> {
        match self.ledger.read() {
            Err(_) if mutants::on(Mutant::UnreadIsWritten) => Ok(false),
            records => Ok(matches!(records?, Records::Sound(sound) if sound.is_revoked(scope.name()))),
        }
    }

    /// How soon to look again, or try again, where a look failed or something could not be written.
    pub(crate) fn retry_in(&self) -> Option<Duration> {
        // Where nothing failed no clock is read.
        let soonest = self.retries.lock().soonest()?;
        let soonest = soonest.saturating_duration_since(self.ambient.monotonic());
        // What is open otherwise is closed meanwhile.
        let is_urgent = self.contracts.iter().any(|contract| self.gates.epoch(contract.scope) == UNKNOWN_EPOCH);
        // Whoever tries may have to wait for another thread that does.
        Some(if is_urgent { soonest.min(RETRY.0) } else { soonest }.max(SOONEST))
    }

    /// Whether a person's no is to be tried again; then its time has come now, however long it was put off.
    pub(crate) fn retry_now(&self) -> bool {
        let mut retries = self.retries.lock();
        // Where nothing failed no clock is read.
        if !retries.0.is_empty() {
            let now = self.ambient.monotonic();
            retries.0.values_mut().for_each(|(next, _)| *next = now);
        }
        drop(retries);
        !self.unwritten.lock().is_empty()
    }

    /// Whether the time of a retry has come.
    pub(crate) fn is_retry_due(&self) -> bool {
        let soonest = self.retries.lock().soonest();
        soonest.is_some_and(|soonest| soonest <= self.ambient.monotonic())
    }

    /// Whether this process closed a scope, whatever is on disk.
    pub(crate) fn is_gate_closed(&self, scope: Scope) -> bool {
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

    /// For how many days a yes is good.
    pub(crate) fn validity(&self) -> u32 {
        self.validity
    }

    /// The program said "granted" where only a fresh notice opens.
    pub(crate) fn note_refused(&self, scope: Scope) {
        *self.refused.lock().entry(scope.name()).or_default() += 1;
    }

    /// What surrounds the program, as last looked at.
    pub(crate) fn constraints(&self) -> Arc<Constraints> {
        self.constraints.lock().clone()
    }

    /// What closes a scope, whatever the person decided.
    pub(crate) fn blocked(&self, scope: Scope) -> Option<String> {
        Some(self.block_of(self.contract(scope).ok()?)?.0)
    }

    /// What closes a scope whatever the person decided, and is known to: not that something can't be read now.
    pub(crate) fn is_ruled_out(&self, scope: Scope) -> bool {
        self.contract(scope).is_ok_and(|contract| self.lasting_block_of(contract).is_some())
    }

    /// Reads administrators' rules again. Answers whether they have changed, once: whoever asks must destroy what waits.
    #[must_use]
    pub(crate) fn look_at_policies(&self) -> bool {
        let (changed, moved) = self.read_policies();
        if changed || moved {
            self.view.lock().stale = true;
        }
        changed || self.has_rules_to_settle()
    }

    /// Whether a look at the records found something to settle, since this was last asked.
    #[must_use]
    pub(crate) fn has_rules_to_settle(&self) -> bool {
        self.unsettled.swap(false, Ordering::SeqCst)
    }

    /// Whoever was to settle could not, and does it when the next one asks.
    pub(crate) fn settle_again(&self) {
        self.unsettled.store(true, Ordering::SeqCst);
        self.retries.lock().failed(SETTLING, self.ambient.monotonic());
    }

    /// Whoever was to settle has.
    pub(crate) fn has_settled(&self) {
        self.retries.lock().held(SETTLING);
    }

    /// Whether the rules that were read differ from those that were read before, and whether they can be looked at now and
    /// could not before, or the other way round. A look that fails says nothing of what they say.
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

    /// Reads the snapshot again, and closes at once what it closes. What it opens is opened by [`Looking::open`], once what that
    /// needs is ready.
    ///
    /// Where a look fails, what was open is closed until one succeeds, and its events are counted meanwhile.
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
        // Taken before the rest is read, so that what changes in between is found. Where nothing was ever decided, the look
        // for a snapshot is all that happens.
        view.glance = if view.seen.snapshot.is_some() { self.glance().ok() } else { None };
        let mut seen = self.ledger.fingerprint()?;
        // Where nothing could be open no clock is read.
        let at = self.moment();
        let day = (view.by_clock || !view.open.is_empty()).then(|| at.now().day());
        let is_new = seen != view.seen || day != view.day || view.stale || view.doubt.is_some();
        if !is_new && !self.gates.is_closed() {
            return Ok(Opens { moved: std::mem::take(&mut view.changed), prepares: false, gates: None });
        }
        if view.seen.snapshot.is_none() && seen.snapshot.is_some() {
            // The first decision, taken elsewhere: until now there was nothing that rules could narrow.
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
                // Found a moment later, they were not shown when it was judged.
                lacks_texts |= self.ledger.agreed(entry)?.is_none() || self.open_epoch(sound, contract, &at)? != 0;
                if !self.gates.is_closed() && !view.closing.contains(&scope) {
                    is_over |= !self.is_valid(contract, entry, &at);
                    // Under other rules: nobody could see that as long as the texts were not shown.
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
        // Whatever closes or changes is closed now. The rest opens once what it needs is ready.
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
        // Also where it was over before, and the clock said otherwise.
        let begins_to_be_over = is_over && (!view.is_over || view.day != day);
        let is_found_again = is_limited && !lacks_texts;
        // Another process may have narrowed it by newer rules.
        let has_newer_rules = is_found_again && self.read_policies() != (false, false);
        if begins_to_be_over || is_found_again {
            self.unsettled.store(true, Ordering::SeqCst);
        }
        (view.is_over, view.lacks_texts, view.day) = (is_over, lacks_texts, day);
        (view.open, view.by_clock) = (open, by_clock);
        view.appeared |= view.seen.snapshot.is_none() && seen.snapshot.is_some();
        view.seen = seen;
        // What was agreed to may be found again, and nothing else would change then.
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

    /// Whether the snapshot is still the file that was last read: two looks at the disk, for whoever sleeps otherwise.
    pub(crate) fn is_unchanged(&self) -> bool {
        let seen = self.glance().ok();
        seen.is_some() && self.view.lock().glance == seen
    }

    fn glance(&self) -> Result<Glance, Failed> {
        let version = |path: &std::path::Path| match self.ledger.look(path, self.ledger.files().examine(path))? {
            Seen::Read(stat) => Ok::<_, Failed>(Some(stat.version)),
            Seen::Absent | Seen::Refused => Ok(None),
        };
        // Tombstones, and a snapshot that was removed, change the directory.
        Ok([version(&self.ledger.snapshot_path())?, version(self.ledger.store())?])
    }

    /// What a look at a decision of this client changed is told to whoever looks next.
    pub(crate) fn has_decided(&self, moved: bool) {
        let mut view = self.view.lock();
        view.changed |= moved;
        // A store that this client has just begun has nothing of before in it.
        view.appeared = false;
    }

    /// Whether a snapshot was found where none was seen before, once: at the start, after the first decision elsewhere, or when
    /// a store is in sight again that seemed to be absent. Whoever asks looks for what is to be put in order.
    #[must_use]
    pub(crate) fn has_appeared(&self) -> bool {
        std::mem::take(&mut self.view.lock().appeared)
    }

    /// Whether an older copy was put back since, once.
    #[must_use]
    pub(crate) fn has_turned_older(&self) -> bool {
        std::mem::take(&mut self.view.lock().turned_older)
    }

    /// The scopes that are open, held so that none opens meanwhile: for whoever makes ready anew what they need.
    pub(crate) fn hold_open(&self) -> Looking<'_> {
        Looking { consent: self, view: self.view.lock(), opens: Opens { moved: false, prepares: true, gates: None } }
    }

    /// Whether a yes stands that only the clock keeps closed, as last read.
    pub(crate) fn awaits_clock(&self) -> bool {
        self.view.lock().by_clock
    }

    /// Whether a yes stands that is over, as last read.
    pub(crate) fn holds_expired(&self) -> bool {
        self.view.lock().is_over
    }

    /// The scopes that are open, as last read, and where their data goes.
    pub(crate) fn open_places(&self) -> Vec<Place> {
        self.open_scopes().into_iter().map(|standing| standing.place).collect()
    }

    /// The scopes that are open, with what each is held to.
    pub(crate) fn open_scopes(&self) -> Vec<OpenScope> {
        let (open, held) = {
            let view = self.view.lock();
            (view.open.clone(), view.held.clone())
        };
        let held = |scope| held.iter().find(|(of, _)| *of == scope).map(|(_, projection)| projection.clone());
        let open = open.into_iter().filter(|place| self.gates.epoch(place.scope) == place.epoch);
        open.map(|place| OpenScope { place, held: held(place.scope) }).collect()
    }

    /// What a scope is held to, where the build would say more than was agreed.
    pub(crate) fn held(&self, scope: Scope) -> Option<Arc<Projection>> {
        self.view.lock().held.iter().find(|(of, _)| *of == scope).map(|(_, projection)| projection.clone())
    }

    /// Whether a snapshot was found, so that there is anything to clear up.
    pub(crate) fn is_known(&self) -> bool {
        self.view.lock().seen.snapshot.is_some()
    }

    /// The records as they are now: one look, for whoever asks several things of them at once.
    ///
    /// # Errors
    /// They can't be looked at now: whoever asks looks again.
    pub(crate) fn records(&self) -> Result<Records, Failed> {
        self.ledger.read()
    }

    /// Whose data may lie on disk: each scope with the generation that is its grant's, or none. Empty where the records
    /// were read and can't be relied on, since nothing is destroyed on a doubt.
    pub(crate) fn generations(&self, records: &Records) -> Vec<(Scope, Option<u64>)> {
        let Records::Sound(sound) = records else { return Vec::new() };
        // What is past its last day by a clock that may be wrong closes at once, and is destroyed when that is recorded.
        let kept = |scope: Scope| sound.in_force(scope.name()).map(|entry| entry.generation);
        self.contracts.iter().map(|contract| (contract.scope, kept(contract.scope))).collect()
    }

    /// May this batch leave, now?
    ///
    /// # Errors
    /// Why not. What only a look says that failed is said here: the next one may find all in order.
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

    /// Closes this process's gate of a scope, before anything that can fail.
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

    /// The same where the yes stays, narrowed or as it was: nothing is admitted meanwhile, and what is recorded is counted.
    pub(crate) fn pause_gate(&self, scope: Scope) {
        let was_open = self.gates.epoch(scope) != 0;
        self.close_gate(scope);
        if was_open {
            let mut view = self.view.lock();
            view.narrowing.push(scope);
            self.gates.set(scope, UNKNOWN_EPOCH);
        }
    }

    /// Lets what is on disk decide about a scope again that was shut here, at the next look.
    pub(crate) fn reopen_gate(&self, scope: Scope) {
        let mut view = self.view.lock();
        // A no that the disk did not take holds here, whatever else was tried or failed meanwhile. One that is noted from here on
        // shuts the scope after this.
        let holds = self.unwritten.lock().contains_key(scope.name()) && !mutants::on(Mutant::UnwrittenIsUndone);
        view.narrowing.retain(|&narrowing| narrowing != scope);
        if !holds {
            view.closing.retain(|&closing| closing != scope);
        }
        // A look meanwhile may have seen what was decided, and kept the gate shut all the same: it must not be the last one.
        view.stale = true;
    }

    /// Waits until no permit of the scope is left in any process, `limit` at most, and says whether that is so.
    ///
    /// A life lock that is missing although the scope was granted once was removed by someone, and proves nothing; one that was
    /// made again since proves nothing before the computer is restarted; and what can't be looked at proves nothing either.
    ///
    /// # Errors
    /// Why it is not known to be so.
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

    /// Whether the records say no to this scope and no permit of it is left: what a no that was written before is confirmed by.
    ///
    /// # Errors
    /// Why it is not known to be so.
    pub(crate) fn confirm_no(&self, scope: &str, limit: Duration) -> Result<(), &'static str> {
        let confirmed = self.confirm(scope, limit);
        match self.ledger.read() {
            Ok(Records::Sound(sound)) if sound.in_force(scope).is_some() => Err(YES_SINCE),
            Ok(Records::Sound(sound)) if says_no(&sound, scope) => confirmed,
            _ => Err(NOT_TAKEN),
        }
    }

    /// Whether the records were read and hold a yes that is there to be taken back.
    pub(crate) fn has_yes(&self, scope: Scope) -> bool {
        matches!(self.ledger.read(), Ok(Records::Sound(sound)) if sound.has_yes(scope.name()))
    }

    /// Notes that the yeses that are open are in use today: a clock that is set back from now on makes none of them younger.
    /// Once a day; `false` where somebody decides at this moment.
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
            // A disk that takes nothing now is not asked again before tomorrow.
            let _ = self.ledger.note_day(&held, place.scope.name(), place.epoch, today);
        }
        true
    }

    /// Runs `act` over the records under the lock of decisions, so that no [generation](Consent::generations) begins meanwhile.
    /// Not at all where the lock can't be had, or the records can't be looked at.
    pub(crate) fn while_undecided(&self, act: impl FnOnce(&Records)) {
        if let Ok(_held) = self.lock_or_fail(&Patience::new())
            && let Ok(records) = self.records()
        {
            act(&records);
        }
    }

    /// What is left of an ending that could not be written.
    #[cfg(test)]
    pub(crate) fn leave_tombstone(&self, scope: Scope, decision: crate::consent::Decision) -> std::io::Result<()> {
        self.ledger.revoke(scope.name(), &self.tombstone(decision, None)).map(drop)
    }

    /// Runs `act` under the lock of decisions, with the generation of the yes to this scope that is in force, if there is one.
    /// None where the lock can't be had, or the records can't be looked at.
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

    /// The latest generation of a scope that is closed, by records read without the lock. A yes that begins from then on has a
    /// later one. None where one is in force, or nobody knows.
    pub(crate) fn latest_ended(&self, scope: &str) -> Option<u64> {
        let Ok(Records::Sound(sound)) = self.ledger.read() else { return None };
        let entry = sound.entry(scope).filter(|_| sound.in_force(scope).is_none())?;
        // What ended a yes has a generation of its own, in which the next one begins.
        if entry.decision.opens() { Some(entry.generation) } else { entry.generation.checked_sub(1) }
    }

    /// Whether this client was shut down.
    pub(crate) fn has_ended(&self) -> bool {
        self.gates.has_stopped()
    }

    /// Nothing may leave through this client any more.
    pub(crate) fn stop(&self) {
        self.gates.stop();
    }

    /// Until when anything waits for another process while this client ends.
    pub(crate) fn wait_no_longer_than(&self, until: Option<Instant>) {
        *self.ends.lock() = until;
    }

    /// When a wait that begins now is over: at this client's end, where that comes before.
    fn until(&self, began: Instant, limit: Duration) -> Instant {
        let until = began + limit;
        self.ends.lock().map_or(until, |end| end.min(until))
    }

    /// Takes the lock of decisions.
    ///
    /// # Errors
    /// Another process keeps it for too long, or it can't be looked at.
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

    /// Closes every gate of this client, for good.
    pub(crate) fn close(&self) {
        let mut view = self.view.lock();
        self.gates.close();
        view.closing = self.contracts.iter().map(|contract| contract.scope).collect();
        for contract in &self.contracts {
            self.gates.set(contract.scope, 0);
        }
    }
}

/// Whether the records say no to this scope in writing: nothing about it is left to be finished.
fn says_no(sound: &Sound, scope: &str) -> bool {
    !sound.is_revoked(scope) && sound.entry(scope).is_some_and(|entry| !entry.decision.opens())
}
