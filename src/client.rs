//! [`Client`]: wires the rooms together, and does nothing else.

use crate::{
    actions::{deny, erase, grant, keep, switch, withdraw},
    ambient::{self, Ambient, Environment},
    clean,
    config::Config,
    consent::{
        self, Admission, Consent, Constraints, ErasureStatus, Grant, Ledger, MayAsk, Notice, Patience, Receipt,
        Receipts, Scope, Status, Undeclared,
    },
    contracts,
    disk::Files,
    engine::{Engine, Task, Tasks, Worker},
    error::{Error, Kind},
    event::{Event, Installation, Registry},
    generalize::{self, Generalized, Keys, Rejection},
    home,
    journal::{DropReason as Dropped, Journal},
    manifest::Manifest,
    send::{Flushed, Occasion, Unsent},
    sync::Mutex,
    transport::{Http, Transport, otlp::Service},
};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

/// What a wait is cut to, so that no sum of times overflows.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);
/// How long a dropped client waits for a disk that takes nothing.
const DRAIN: Duration = Duration::from_secs(2);

/// How long a new client waits for what is to be put in order first, and how long any other call does. What is not done by
/// then stays closed, and goes on. candor's own tests wait until it is done.
const OPENING: Duration = if cfg!(test) { LONGEST_WAIT } else { Duration::from_millis(10) };
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);
/// How long a client that is shut down waits beyond its limit for what is being put in order, and for what was not brought to disk to
/// be counted; and one that is dropped.
const RESTING: (Duration, Duration) = (Duration::from_millis(40), Duration::from_millis(250));

/// One program's reports: its consent, its journal, its sender.
///
/// Most programs use the process-wide one through [`candor::init`](crate::init) and the free functions. An explicit
/// client has the same calls, for tests, libraries and programs with more than one store. Dropping it brings what was
/// recorded to disk, and sends nothing.
///
/// A client belongs to the process that made it. In a process that is forked from it every call answers with an error
/// ([`Error::is_configuration`]) and keeps nothing: make another client there.
pub struct Client {
    engine: Arc<Engine>,
    made_by: u32,
    application: String,
    endpoint: String,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("application", &self.application).finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a client. Without a grant on disk this looks for one and does nothing else.
    ///
    /// # Errors
    /// A mistake in the configuration or in the names of scopes and events ([`Error::is_configuration`]). A store that
    /// can't be used is not an error here: its scopes are closed, [`Client::status`] says why, and deciding fails.
    pub fn new(config: Config) -> Result<Client, Error> {
        let client = Client::closed(config, false)?;
        client.open();
        Ok(client)
    }

    /// The same, with every gate still closed.
    pub(crate) fn closed(config: Config, process_wide: bool) -> Result<Client, Error> {
        let registry = Registry::linked()?;
        config.check()?;
        let application = config.application.clone();
        let party = contracts::party(&config)?;
        let contracts = contracts::all(registry, &party, &config)?;
        let transport: Arc<dyn Transport> = match (config.transport, &config.endpoint) {
            (Some((_, transport)), _) => transport,
            (None, Some(endpoint)) => Arc::new(Http::new(endpoint, config.tls_provider.clone(), config.roots.clone())?),
            (None, None) => return Err(Kind::NoEndpoint.into()),
        };
        let mut libraries: BTreeMap<&'static str, Arc<dyn Transport>> = BTreeMap::new();
        for contract in contracts.iter().filter(|contract| contract.allowed && contract.scope.is_of_library()) {
            // By the public roots: those of the program are for the receiver that it names itself.
            let http = Http::new(contract.endpoint(), config.tls_provider.clone(), None)?;
            libraries.insert(contract.scope.name(), Arc::new(http));
        }
        let (disk, (data, marks)) = match config.directories {
            Some((data, marks)) => (config.disk, (ambient::absolute(data), ambient::absolute(marks))),
            None => home::of_platform(config.disk, &application),
        };
        if data == marks {
            return Err(Kind::OneDirectory.into());
        }
        let below = |directory: PathBuf| directory.join(&application).join("candor-1");
        let (store, marks) = (below(data), below(marks));
        let variables: Vec<&str> = consent::VARIABLES.into_iter().chain(config.switch_variable).collect();
        let environment = Environment::read(&variables);
        let block = consent::block(
            &environment,
            config.switch_variable,
            config.lift_ci_block,
            config.audience,
            config.adult.is_some(),
        );
        let own = config.policies.into_iter().map(ambient::absolute);
        let rules = ambient::policy_directories().into_iter().chain(own).collect();
        let ambient = Ambient::new(config.clock, config.entropy);
        let files = Files::new(disk, store.clone());
        let keys = Arc::new(Keys::new(files.clone(), store.join("keys"), application.clone(), ambient.clone()));
        let journal =
            Arc::new(Journal::new(files.clone(), store.clone(), ambient.clone(), registry, config.waiting_limit));
        let day = AtomicU32::new(ambient::Day::NONE.0);
        let ledger = Ledger::new(files, store, marks, application.clone(), ambient.clone());
        let consent = Consent::new(
            ledger,
            contracts,
            Constraints::of(block, config.adult, rules),
            process_wide,
            ambient.clone(),
            config.validity_days,
        );
        let service = Service { name: application.clone(), version: config.version };
        let engine = Engine {
            consent,
            keys,
            journal,
            transport,
            libraries,
            service,
            registry,
            ambient,
            day,
            ticking: Mutex::default(),
            scheduling: Mutex::default(),
            tasks: Tasks::default(),
            worker: Worker::default(),
            clock_trust: Mutex::default(),
        };
        Ok(Client { engine: Arc::new(engine), made_by: std::process::id(), application, endpoint: party.endpoint })
    }

    /// Whether this process is the one that made the client.
    pub(crate) fn is_here(&self) -> bool {
        self.made_by == std::process::id()
    }

    /// What the calls work with, in the process that made it. Asked before any lock: in a process that was forked each may be
    /// held for ever by a thread that does not exist there.
    pub(crate) fn here(&self) -> Result<&Arc<Engine>, Error> {
        if self.is_here() { Ok(&self.engine) } else { Err(Kind::Forked.into()) }
    }

    /// Opens what is granted. What was interrupted stays closed until it is finished, which is not done here: it may have to
    /// wait for another process, or to walk through the whole store.
    pub(crate) fn open(&self) {
        let engine = &self.engine;
        // Where nothing was ever decided there is nothing that rules could narrow.
        if engine.consent.ledger().may_hold_decisions() {
            let _ = engine.consent.look_at_policies();
        }
        engine.look();
        self.start_worker();
        self.tidy(OPENING);
    }

    /// Has done what is owed, and waits for it, `limit` at most.
    fn tidy(&self, limit: Duration) {
        let engine = &self.engine;
        if engine.tasks.is_busy() {
            engine.tidy();
            engine.tasks.wait(limit);
            engine.look();
            self.start_worker();
        }
    }

    /// The same as [`here`](Client::here), once what is owed is done: for whoever looks at what it changes.
    fn settled(&self) -> Result<&Arc<Engine>, Error> {
        let engine = self.here()?;
        self.tidy(PATIENCE);
        Ok(engine)
    }

    /// Takes over what was decided elsewhere, so that what is shown is what holds here.
    fn follow(&self) {
        self.follow_within(PATIENCE);
    }

    fn follow_within(&self, limit: Duration) {
        // Where nothing was ever decided there is nothing that rules could narrow.
        if self.engine.consent.is_known() {
            self.look_at_policies();
        }
        self.catch_up(limit);
    }

    /// Says in the status of a scope that is open what keeps its events from the disk, or from their receiver for good. Every status leaves through here, and
    /// what it says of files and of the system becomes a part of one line.
    fn tell(&self, scope: &str, status: &mut Status) {
        self.engine.worker.tell(status);
        if status.is_open() && status.trouble.is_none() {
            status.trouble = self.engine.journal.trouble_of(scope, false).or_else(|| self.engine.why_refused(scope));
        }
        status.trouble = status.trouble.take().map(|trouble| clean::line(&trouble));
    }

    /// A yes that can't be used is not taken, and nobody is asked for one.
    pub(crate) fn still_runs(&self) -> Result<(), Error> {
        if self.engine.consent.has_ended() { Err(Kind::ShutDown.into()) } else { Ok(()) }
    }

    pub(crate) fn catch_up(&self, limit: Duration) {
        self.engine.look();
        self.start_worker();
        self.tidy(limit);
    }

    /// How long a decision still waits for the lock of decisions once things are put `in_order`, which may have waited for it.
    pub(crate) fn patience_after(&self, in_order: impl FnOnce()) -> Patience {
        let began = self.engine.ambient.monotonic();
        in_order();
        Patience::after(self.engine.ambient.monotonic().saturating_duration_since(began))
    }

    /// Reads administrators' rules. What they end is owed.
    pub(crate) fn look_at_policies(&self) {
        if self.engine.consent.look_at_policies() {
            self.engine.tasks.request(Task::Settle);
        }
    }

    #[cfg(test)]
    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    fn start_worker(&self) {
        let consent = &self.engine.consent;
        if !consent.open_places().is_empty()
            || consent.awaits_clock()
            || consent.retry_in().is_some()
            || self.engine.next_erasure().is_some()
        {
            // Without a thread events wait in the rings, `status` says so, and it is tried again at the next occasion.
            self.engine.start_thread();
            // A scope that opens beside others needs a moment of its own to be drawn.
            self.engine.worker.nudge();
        }
    }

    /// What could not be written is tried again by the worker.
    fn start_retrying(&self) {
        if self.engine.consent.retry_in().is_some() {
            self.start_worker();
        }
    }

    /// Records an event, if its scope is granted. Otherwise the event is gone: it is not kept, counted or looked at.
    ///
    /// Never blocks, allocates or fails. What can't be kept is counted, and the manifest shows it. Prefer
    /// [`record_with`](Client::record_with) where making the event costs something.
    #[inline]
    pub fn record<E: Event<About = Installation>>(&self, event: E) {
        if let Some(admission) = Admission::of(self.engine.consent.gates(), E::SCOPE) {
            self.admitted(&event, admission);
        }
    }

    /// Records the event that `make` makes, if its scope is granted; otherwise `make` is not called.
    #[inline]
    pub fn record_with<E: Event<About = Installation>>(&self, make: impl FnOnce() -> E) {
        if let Some(admission) = Admission::of(self.engine.consent.gates(), E::SCOPE) {
            self.admitted(&make(), admission);
        }
    }

    /// Records an event and writes it to the operating system before returning: it survives the program's death, and
    /// costs a system call on the calling thread. For programs that live shorter than a tick of 20 ms.
    pub fn record_durable<E: Event<About = Installation>>(&self, event: E) {
        if let Some(admission) = Admission::of(self.engine.consent.gates(), E::SCOPE)
            && self.is_here()
            && let Some(event) = self.generalized(&event, admission)
        {
            self.engine.keep_now(event);
            if self.engine.tasks.are_pending() {
                // Whatever was found is the worker's to see to.
                self.engine.worker.nudge();
            }
        }
    }

    #[inline(never)]
    pub(crate) fn admitted<E: Event>(&self, event: &E, admission: Admission) {
        if let Some(event) = self.generalized(event, admission) {
            if self.engine.journal.push(event) {
                self.engine.worker.nudge();
            }
            self.engine.worker.wake();
        }
    }

    #[inline]
    fn generalized<E: Event>(&self, event: &E, admission: Admission) -> Option<Generalized> {
        let epoch = admission.epoch();
        let reason = match generalize::generalize(event, admission, &*self.engine.keys) {
            Ok(event) => return Some(event),
            Err(Rejection::NotChosen) => Dropped::NotChosen,
            // Keys go with their grant; those of a grant that stands could not be read.
            Err(Rejection::NoKey) if self.engine.consent.gates().epoch(E::SCOPE) != epoch => Dropped::StaleEpoch,
            Err(Rejection::NoKey) => Dropped::InDoubt,
            Err(Rejection::Unregistered) => Dropped::Unregistered,
        };
        self.engine.journal.counters.drop(reason, 1);
        None
    }

    /// See [`consent::grant`].
    ///
    /// # Errors
    /// See there.
    pub fn grant(&self, grant: impl Into<Grant>) -> Result<Receipt, Error> {
        let (engine, grant) = (self.here()?, grant.into());
        self.still_runs()?;
        self.look_at_policies();
        let patience = self.patience_after(|| self.tidy(PATIENCE));
        // The clock that a person says yes by is the one that a later leap is seen against.
        let _ = engine.trusted_now();
        let receipt = grant::grant(engine, &grant, &patience)?;
        // What it waited for before and under the lock is waited for once.
        self.follow_within(PATIENCE.min(patience.left()));
        Ok(receipt)
    }

    /// See [`consent::deny`].
    ///
    /// # Errors
    /// See there.
    pub fn deny(&self, scope: Scope) -> Result<Receipt, Error> {
        let answer = deny::deny(self.here()?, scope);
        self.start_retrying();
        answer
    }

    /// See [`consent::withdraw`].
    ///
    /// # Errors
    /// See there.
    pub fn withdraw(&self, scope: Scope) -> Result<Receipt, Error> {
        let answer = withdraw::withdraw(self.here()?, scope);
        self.start_retrying();
        answer
    }

    /// See [`consent::status`].
    ///
    /// # Errors
    /// See there.
    pub fn status(&self, scope: Scope) -> Result<Status, Error> {
        let engine = self.here()?;
        self.look_at_policies();
        self.catch_up(PATIENCE);
        let mut status = engine.consent.status(scope)?;
        if !status.is_open()
            && status.trouble.is_none()
            && status.blocked_by.is_none()
            && let Err(error) = engine.consent.is_free(scope, &|| may_open(engine, scope))
        {
            status.trouble = Some(format!("no yes can be kept at present: {error}"));
        }
        self.tell(scope.name(), &mut status);
        Ok(status)
    }

    /// See [`consent::notice`].
    ///
    /// # Errors
    /// See there.
    pub fn notice(&self, scope: Scope) -> Result<Notice, Error> {
        self.here()?.consent.contract(scope)?.notice()
    }

    /// See [`consent::notice_in`].
    ///
    /// # Errors
    /// See there.
    pub fn notice_in(&self, scope: Scope, language: &str) -> Result<Notice, Error> {
        self.here()?.consent.contract(scope)?.notice_in(language)
    }

    /// See [`consent::languages`].
    #[must_use]
    pub fn languages(&self) -> Vec<String> {
        self.engine.consent.languages()
    }

    /// See [`consent::receipt`].
    ///
    /// # Errors
    /// See there.
    pub fn receipt(&self, scope: Scope) -> Result<Receipt, Error> {
        let engine = self.settled()?;
        engine.consent.contract(scope)?;
        engine.consent.receipt(scope, None)
    }

    /// See [`consent::receipts`].
    ///
    /// # Errors
    /// See there.
    pub fn receipts(&self) -> Result<Receipts, Error> {
        self.settled()?.consent.receipts()
    }

    /// See [`consent::delete_sent`].
    ///
    /// # Errors
    /// See there.
    pub fn delete_sent(&self, scope: Scope) -> Result<(), Error> {
        erase::delete_sent(self.here()?, scope)
    }

    /// See [`consent::keep_contents`].
    ///
    /// # Errors
    /// See there.
    pub fn keep_contents(&self, scope: Scope, keep: bool) -> Result<(), Error> {
        erase::keep_contents(self.here()?, scope, keep)
    }

    /// See [`consent::undeclared`].
    ///
    /// # Errors
    /// See there.
    pub fn undeclared(&self) -> Result<Vec<Undeclared>, Error> {
        self.settled()?.consent.undeclared()
    }

    /// See [`consent::withdraw_undeclared`].
    ///
    /// # Errors
    /// See there.
    pub fn withdraw_undeclared(&self, name: &str) -> Result<Receipt, Error> {
        let answer = withdraw::withdraw_undeclared(self.here()?, name);
        self.start_retrying();
        answer
    }

    /// See [`consent::erase`].
    ///
    /// # Errors
    /// See there.
    pub fn erase(&self, scope: Scope) -> Result<ErasureStatus, Error> {
        let asked = erase::erase(self.here()?, scope);
        self.follow();
        asked
    }

    /// See [`consent::cancel_erasure`].
    ///
    /// # Errors
    /// See there.
    pub fn cancel_erasure(&self, scope: Scope) -> Result<ErasureStatus, Error> {
        erase::cancel(self.here()?, scope)
    }

    /// See [`consent::erasures`].
    ///
    /// # Errors
    /// See there.
    pub fn erasures(&self, scope: Scope) -> Result<ErasureStatus, Error> {
        self.settled()?.erasure_status(scope)
    }

    /// See [`consent::defer`].
    ///
    /// # Errors
    /// See there.
    pub fn defer(&self, scope: Scope) -> Result<Receipt, Error> {
        deny::defer(self.here()?, scope)
    }

    /// See [`consent::keep`].
    ///
    /// # Errors
    /// See there.
    pub fn keep(&self, scope: Scope) -> Result<Receipt, Error> {
        keep::keep(self.here()?, scope, false)
    }

    /// See [`consent::revoke`].
    ///
    /// # Errors
    /// See there.
    pub fn revoke(&self, scope: Scope, why: &str) -> Result<Receipt, Error> {
        let answer = withdraw::revoke(self.here()?, scope, why);
        self.start_retrying();
        answer
    }

    /// See [`consent::switch`].
    ///
    /// # Errors
    /// See there.
    pub fn switch(&self, scope: Scope, field: &str, on: bool) -> Result<Receipt, Error> {
        switch::switch(self.here()?, scope, field, on)
    }

    /// See [`consent::ask_about_widenings`].
    ///
    /// # Errors
    /// See there.
    pub fn ask_about_widenings(&self, ask: bool) -> Result<(), Error> {
        keep::ask_about_widenings(self.here()?, ask)
    }

    /// See [`consent::may_ask`].
    ///
    /// # Errors
    /// See there.
    pub fn may_ask(&self, scope: Scope) -> Result<MayAsk, Error> {
        let engine = self.here()?;
        self.still_runs()?;
        self.look_at_policies();
        self.tidy(PATIENCE);
        Ok(engine.consent.may_ask(scope, &|| may_open(engine, scope))?.0)
    }

    /// Everything: what could be sent, was agreed, waits, was sent and was dropped.
    ///
    /// # Errors
    /// This process was forked from the one that made the client. A store that can't be read is no error, and shown as such.
    pub fn manifest(&self) -> Result<Manifest, Error> {
        let engine = self.here()?;
        self.look_at_policies();
        self.catch_up(PATIENCE);
        let mut manifest = Manifest::read(engine, &self.application, &self.endpoint);
        manifest.scopes.iter_mut().for_each(|page| self.tell(page.name, &mut page.status));
        Ok(manifest)
    }

    /// Sends the lines that wait and the days that are over, now instead of at their own moments. Closes no day. Waits
    /// at most `limit`; what is still under way then goes on while the program does. A receiver that does not answer has
    /// failed from the moment it was tried, so that a program which ends at once is not held up at every run.
    ///
    /// # Errors
    /// This process was forked from the one that made the client. What went wrong with the receiver or the disk is in
    /// [`trouble`](Flushed::trouble).
    pub fn flush(&self, limit: Duration) -> Result<Flushed, Error> {
        let engine = self.here()?;
        let before = engine.taken();
        let mut left = limit.min(LONGEST_WAIT);
        self.follow_within(Duration::ZERO);
        if engine.tasks.is_busy() {
            let began = engine.ambient.monotonic();
            self.tidy(left.min(PATIENCE));
            left = left.saturating_sub(engine.ambient.monotonic().saturating_duration_since(began));
        }
        if engine.consent.open_places().is_empty() && engine.erasing().is_empty() {
            return Ok(Flushed::nothing(engine.why_nothing()));
        }
        let flushed = engine.send_apart(Occasion::Flush, Some(left));
        Ok(flushed.unwrap_or_else(|why| {
            if matches!(why, Unsent::NoThread(_)) {
                // What was recorded is brought to disk all the same, where it is counted.
                engine.tick();
            }
            engine.unsent(&why, limit, &before)
        }))
    }

    /// Ends this client: what was recorded is brought to disk, sending stops, nothing is recorded any more. Waits at
    /// most `limit`. A second call brings nothing more to disk.
    ///
    /// `true` says that each event that was recorded is on disk, or was dropped and is counted there (`lost`, which the page
    /// shows); where no yes is in force any more there is nothing to keep or to count. `false` says that some may be neither: the
    /// disk took neither them nor their count, or `limit` was too short. What is in memory then is lost; it is counted if the
    /// disk takes the count within 40 ms more, or later while the process lives. In a process that was forked from the one that
    /// made the client it does nothing, and answers `false`.
    pub fn shutdown(&self, limit: Duration) -> bool {
        let limit = limit.min(LONGEST_WAIT);
        self.end(limit, RESTING.0, |engine| engine.stop(limit))
    }

    /// Ends this client as dropping it does: what was recorded is brought to disk. Waits for [`DRAIN`] while the disk takes
    /// nothing, and longer while it does.
    pub(crate) fn finish(&self) {
        self.end(DRAIN, RESTING.1, |engine| engine.stop_patiently(DRAIN));
    }

    fn end(&self, limit: Duration, resting: Duration, stop: impl FnOnce(&Engine) -> bool) -> bool {
        let Ok(engine) = self.here() else { return false };
        // Where nothing was ever decided nothing was lost, and no clock is read.
        let until = engine.consent.is_known().then(|| engine.ambient.monotonic() + limit);
        engine.consent.stop();
        engine.consent.wait_no_longer_than(until);
        let drained = stop(engine);
        let late = (!drained).then(|| engine.ambient.monotonic() + resting);
        engine.tasks.end(resting);
        engine.journal.end();
        engine.consent.close();
        if let Some(late) = late {
            // What is left in memory finds its gate closed: it is counted, which takes a moment, and not written any more.
            let left = late.saturating_duration_since(engine.ambient.monotonic());
            let _ = engine.stop(left);
        }
        let accounted = drained && {
            engine.journal.abandon();
            let left = until.map(|until| until.saturating_duration_since(engine.ambient.monotonic()));
            engine.note_losses_within(left.unwrap_or_default())
        };
        // A person may take their yes back afterwards as well.
        engine.consent.wait_no_longer_than(None);
        accounted
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Whether what a yes needs before it opens can be made, as far as looks tell.
pub(crate) fn may_open(engine: &Engine, scope: Scope) -> Result<(), Error> {
    engine.journal.may_purge(scope)?;
    engine.keys.may_create()
}

#[cfg(test)]
impl Client {
    pub(crate) fn consent(&self) -> &Consent {
        &self.engine.consent
    }

    /// The same program where no thread can be made.
    pub(crate) fn without_threads(config: Config) -> Client {
        let mut client = Client::closed(config, false).unwrap();
        let none = |_: &'static str, _: Box<dyn FnOnce() + Send>| Err(std::io::ErrorKind::WouldBlock.into());
        Arc::get_mut(&mut client.engine).unwrap().worker = Worker::with(none);
        client.open();
        client
    }

    /// A client that starts no thread: a flush sends on the caller's own, and the caller is the worker.
    pub(crate) fn without_worker(config: Config) -> Result<Client, Error> {
        Client::without_worker_or(config, None)
    }

    /// The same program, built without one of its scopes.
    pub(crate) fn without_worker_or(config: Config, scope: Option<Scope>) -> Result<Client, Error> {
        let mut client = Client::closed(config, false)?;
        if let (Some(scope), Some(engine)) = (scope, Arc::get_mut(&mut client.engine)) {
            engine.consent.leave_out_scope(scope);
        }
        client.engine.worker.start_none();
        client.open();
        Ok(client)
    }

    /// The same program, built without some of its events.
    pub(crate) fn built_without(config: Config, events: &[&str]) -> Client {
        let mut client = Client::closed(config, false).unwrap();
        Arc::get_mut(&mut client.engine).unwrap().consent.leave_out(events);
        client.open();
        client
    }
}
