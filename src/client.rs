//! [`Client`]: connects the crate's modules to each other. It contains no logic about consent, storage or sending of its own.

use crate::{
    actions::{deny, erase, grant, keep, switch, withdraw},
    ambient::{self, Ambient, Environment},
    clean,
    config::Config,
    consent::{
        self, Admission, Consent, Constraints, Decision, ErasureStatus, Grant, Ledger, MayAsk, Notice, Patience,
        Receipt, Receipts, Scope, Status, Undeclared,
    },
    contracts,
    disk::Files,
    engine::{Engine, Task, Tasks, Worker},
    error::{Error, Kind},
    event::{Event, Installation, Registry, Snapshot},
    generalize::{self, Generalized, Keys, Rejection},
    home,
    journal::{DropReason as Dropped, Journal},
    manifest::Manifest,
    send::{Flushed, Occasion, Unsent},
    sync::Mutex,
    transport::{Http, Transport, otlp::Service},
};
#[cfg(debug_assertions)]
use crate::{
    ambient::Clock,
    development::{self, Development},
};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, atomic::AtomicU32},
    time::{Duration, Instant},
};

/// Every wait is limited to this, so that sums of times can't overflow.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);
/// How long a dropped client waits for a disk that accepts no writes.
const DRAIN: Duration = Duration::from_secs(2);

/// How long a new client waits for pending maintenance. Every other call waits [`PATIENCE`]. Maintenance that is not done by then
/// continues; what it concerns stays closed until it is done. candor's own tests wait until it is done.
const OPENING: Duration = if cfg!(test) { LONGEST_WAIT } else { Duration::from_millis(10) };
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);
/// How long beyond its limit a client that is shut down waits for running maintenance, and for events that were not written to
/// disk to be counted (first value); and how long a client that is dropped waits (second value).
const RESTING: (Duration, Duration) = (Duration::from_millis(40), Duration::from_millis(250));

/// One program's telemetry: its consent, its journal, its sender.
///
/// Most programs use the process-wide client through [`candor::init`](crate::init) and the free functions. An explicit client has
/// the same calls, for tests, libraries and programs with more than one store. Dropping it writes recorded events to disk and
/// sends nothing.
///
/// A client belongs to the process that made it. In a process forked from that one, every call returns an error
/// ([`Error::is_configuration`]) and stores nothing: make another client there.
pub struct Client {
    engine: Arc<Engine>,
    made_by: u32,
    application: String,
    endpoint: String,
    #[cfg(debug_assertions)]
    development: Option<Arc<Development>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("application", &self.application).finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a client. It looks on disk for a grant. If there is none, it does nothing else.
    ///
    /// ```standalone_crate
    /// use candor::{Audience, Client, Config};
    /// # use candor::{AddressLog, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// let client = Client::new(config)?;
    /// assert!(!client.status(USAGE)?.is_open());      // nobody was asked
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A mistake in the configuration or in the names of scopes and events ([`Error::is_configuration`]). A store that can't be
    /// used is not an error here: its scopes are closed, [`Client::status`] says why, and decisions fail.
    pub fn new(config: Config) -> Result<Client, Error> {
        let client = Client::closed(config, false)?;
        client.open();
        Ok(client)
    }

    /// Makes a client like [`new`](Client::new), with every gate still closed.
    pub(crate) fn closed(config: Config, process_wide: bool) -> Result<Client, Error> {
        let registry = Registry::linked()?;
        config.check()?;
        let application = config.application.clone();
        let party = contracts::party(&config)?;
        let contracts = contracts::all(registry, &party, &config)?;
        #[cfg(debug_assertions)]
        if config.development.is_some() {
            development::check(config.transport.is_some(), &party.endpoint, &contracts)?;
        }
        let transport: Arc<dyn Transport> = match (config.transport, &config.endpoint) {
            (Some((_, transport)), _) => transport,
            (None, Some(endpoint)) => Arc::new(Http::new(endpoint, config.tls_provider.clone(), config.roots.clone())?),
            (None, None) => return Err(Kind::NoEndpoint.into()),
        };
        let mut libraries: BTreeMap<&'static str, Arc<dyn Transport>> = BTreeMap::new();
        for contract in contracts.iter().filter(|contract| contract.allowed && contract.scope.is_of_library()) {
            // Uses the public roots: the program's own certificates are only for the receiver that it names itself.
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
        #[cfg(debug_assertions)]
        let (data, marks, clock, development) = match config.development {
            None => (data, marks, config.clock, None),
            Some(lasts) => {
                let [data, marks] = [data, marks].map(|it| development::directory(&it, &application));
                let files = Files::new(disk.clone(), data.clone());
                let development = Arc::new(Development::new(config.clock, lasts, files, &data));
                (data, marks, development.clone() as Arc<dyn Clock>, Some(development))
            }
        };
        #[cfg(not(debug_assertions))]
        let clock = config.clock;
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
        let ambient = Ambient::new(clock, config.entropy);
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
        Ok(Client {
            engine: Arc::new(engine),
            made_by: std::process::id(),
            application,
            endpoint: party.endpoint,
            #[cfg(debug_assertions)]
            development,
        })
    }

    /// Returns whether this process is the one that made the client.
    pub(crate) fn is_here(&self) -> bool {
        self.made_by == std::process::id()
    }

    /// Returns the engine that the calls work with, if this process made the client; otherwise [`Kind::Forked`].
    ///
    /// Every call checks this before it takes any lock: in a forked process, a lock may be held forever by a thread that does not
    /// exist there.
    pub(crate) fn here(&self) -> Result<&Arc<Engine>, Error> {
        if self.is_here() { Ok(&self.engine) } else { Err(Kind::Forked.into()) }
    }

    /// Opens the granted scopes. A scope whose last operation was interrupted stays closed until that operation is finished. It
    /// is not finished here, because that may have to wait for another process or to walk through the whole store.
    pub(crate) fn open(&self) {
        let engine = &self.engine;
        // Before the first decision there is nothing that rules could narrow.
        if engine.consent.ledger().may_hold_decisions() {
            // If anything is granted, the look below requests settling anyway.
            let _ = engine.consent.look_at_policies();
            engine.look_after_rules();
        } else {
            engine.look();
        }
        self.start_worker();
        self.tidy(OPENING);
        #[cfg(debug_assertions)]
        if let Some(development) = &self.development {
            development.begin(engine, &self.endpoint);
        }
    }

    /// Runs pending maintenance and waits for it, at most `limit`.
    fn tidy(&self, limit: Duration) {
        let engine = &self.engine;
        if engine.tasks.is_busy() {
            engine.tidy();
            engine.tasks.wait(limit);
            engine.look();
            self.start_worker();
        }
    }

    /// Same as [`here`](Client::here), after the maintenance that is running is done: for calls that read what it changes, and
    /// that write nothing themselves.
    fn settled(&self) -> Result<&Arc<Engine>, Error> {
        let engine = self.here()?;
        engine.tasks.wait(PATIENCE);
        Ok(engine)
    }

    /// Adopts decisions of other processes, so that what is shown is what applies here.
    fn follow(&self) {
        self.follow_within(PATIENCE);
    }

    fn follow_within(&self, limit: Duration) {
        // Before the first decision there is nothing that rules could narrow.
        if self.engine.consent.is_known() {
            self.look_with_rules(limit);
        } else {
            self.catch_up(limit);
        }
    }

    /// Reads administrators' rules, then looks at consent. Runs the maintenance that follows, and waits for it, at most
    /// `limit`.
    fn look_with_rules(&self, limit: Duration) {
        self.look_at_policies();
        self.engine.look_after_rules();
        self.keep_up(limit);
    }

    /// Adds to the status of an open scope why its events are not written to disk, or why its receiver permanently accepts no
    /// more of them. Every status is returned through here. Text that came from file names or from the system is made safe and
    /// put on one line.
    fn tell(&self, scope: &str, status: &mut Status) {
        self.engine.worker.tell(status);
        if status.is_open() && status.trouble.is_none() {
            status.trouble = self.engine.journal.trouble_of(scope, false).or_else(|| self.engine.why_refused(scope));
        }
        status.trouble = status.trouble.take().map(|trouble| clean::line(&trouble));
    }

    /// Fails after a shutdown: a grant that can't be used is not accepted, and no person is asked for one.
    pub(crate) fn still_runs(&self) -> Result<(), Error> {
        if self.engine.consent.has_ended() { Err(Kind::ShutDown.into()) } else { Ok(()) }
    }

    pub(crate) fn catch_up(&self, limit: Duration) {
        self.engine.look();
        self.keep_up(limit);
    }

    fn keep_up(&self, limit: Duration) {
        self.start_worker();
        self.tidy(limit);
    }

    /// Runs `in_order`, then returns how long a decision may still wait for the lock of decisions. `in_order` may have waited for
    /// that lock already; its time is subtracted.
    pub(crate) fn patience_after(&self, in_order: impl FnOnce()) -> Patience {
        let began = self.engine.ambient.monotonic();
        in_order();
        Patience::after(self.engine.ambient.monotonic().saturating_duration_since(began))
    }

    /// Reads the administrators' rules. Scopes that the rules close are settled later, as pending maintenance.
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
            // Without a thread, events wait in the rings, `status` reports it, and the next call that gets here tries again.
            self.engine.start_thread();
            // When a scope opens while others are open, the worker must draw a random sending time for it.
            self.engine.worker.nudge();
        }
    }

    /// Starts the worker if a decision could not be written, so that the worker retries it.
    fn start_retrying(&self) {
        if self.engine.consent.retry_in().is_some() {
            self.start_worker();
        }
    }

    /// Records an event, if its scope is granted. Otherwise the event is dropped: it is not stored, counted or looked at.
    ///
    /// Never blocks, allocates or fails. Events that can't be stored are counted, and the manifest shows the count. If making the
    /// event is costly, prefer [`record_with`](Client::record_with).
    ///
    /// ```standalone_crate
    /// # use candor::{AddressLog, Audience, Client, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # /// The library was opened.
    /// # #[derive(candor::Event)]
    /// # #[event(name = "library.opened", scope = USAGE, linkage = rollup)]
    /// # struct LibraryOpened {
    /// #     /// How many shelves it has.
    /// #     #[field(count, example = 3)]
    /// #     shelves: usize,
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let client = Client::new(config)?;
    /// client.record(LibraryOpened { shelves: 7 });    // nobody was asked: dropped
    /// client.grant(USAGE)?;                           // the person said yes
    /// client.record(LibraryOpened { shelves: 7 });
    /// assert_eq!(client.manifest()?.outcomes.counted, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn record<E: Event<About = Installation>>(&self, event: E) {
        if let Some(admission) = Admission::of(self.engine.consent.gates(), E::SCOPE) {
            self.admitted(&event, admission);
        }
    }

    /// Records the event that `make` returns, if its scope is granted. Otherwise `make` is not called.
    ///
    /// ```standalone_crate
    /// # use candor::{AddressLog, Audience, Client, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # /// The library was opened.
    /// # #[derive(candor::Event)]
    /// # #[event(name = "library.opened", scope = USAGE, linkage = rollup)]
    /// # struct LibraryOpened {
    /// #     /// How many shelves it has.
    /// #     #[field(count, example = 3)]
    /// #     shelves: usize,
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let client = Client::new(config)?;
    /// # fn shelves() -> Vec<u8> { unreachable!("nobody agreed") }
    /// client.record_with(|| LibraryOpened { shelves: shelves().len() });      // not granted: `shelves` is not called
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn record_with<E: Event<About = Installation>>(&self, make: impl FnOnce() -> E) {
        if let Some(admission) = Admission::of(self.engine.consent.gates(), E::SCOPE) {
            self.admitted(&make(), admission);
        }
    }

    /// Records an event and writes it to the operating system before returning. The event survives a crash of the program.
    ///
    /// Costs a system call on the calling thread. Meant for programs that run for less than one tick (20 ms).
    ///
    /// ```standalone_crate
    /// # use candor::{AddressLog, Audience, Client, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # /// The library was opened.
    /// # #[derive(candor::Event)]
    /// # #[event(name = "library.opened", scope = USAGE, linkage = none)]
    /// # struct LibraryOpened {
    /// #     /// How many shelves it has.
    /// #     #[field(count, example = 3)]
    /// #     shelves: usize,
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let client = Client::new(config)?;
    /// # client.grant(USAGE)?;
    /// client.record_durable(LibraryOpened { shelves: 7 });    // on disk when this returns
    /// assert_eq!(client.manifest()?.outcomes.lines, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn record_durable<E: Event<About = Installation>>(&self, event: E) {
        if let Some(admission) = Admission::of(self.engine.consent.gates(), E::SCOPE)
            && self.is_here()
            && let Some(event) = self.generalized(&event, admission)
        {
            self.engine.keep_now(event);
            if self.engine.tasks.are_pending() {
                // The worker handles whatever maintenance was found to be pending.
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

    /// The time that only moves forward, by the program's clock.
    pub(crate) fn monotonic(&self) -> Instant {
        self.engine.ambient.monotonic()
    }

    #[inline]
    fn generalized<E: Event>(&self, event: &E, admission: Admission) -> Option<Generalized> {
        let epoch = admission.epoch();
        match generalize::generalize(event, admission, &*self.engine.keys) {
            Ok(event) => Some(event),
            Err(rejection) => {
                self.rejected(rejection, E::SCOPE, epoch);
                None
            }
        }
    }

    /// Counts an event that was not generalised.
    #[cold]
    fn rejected(&self, rejection: Rejection, scope: Scope, epoch: u64) {
        let reason = match rejection {
            Rejection::NotChosen => Dropped::NotChosen,
            Rejection::OtherPanel => Dropped::OtherPanel,
            // Keys are destroyed with their grant. If the grant is still in force, its keys could not be read.
            Rejection::NoKey if self.engine.consent.gates().epoch(scope) != epoch => Dropped::StaleEpoch,
            Rejection::NoKey => Dropped::InDoubt,
            Rejection::Unregistered => Dropped::Unregistered,
        };
        self.engine.journal.counters.drop(reason, 1);
    }

    /// Records a snapshot, if its scope is granted. A second one in the same period updates the first.
    ///
    /// Each field counts as one event. See [`Snapshot`].
    ///
    /// ```standalone_crate
    /// use candor::{Client, Config, Snapshot};
    /// # use candor::{AddressLog, Audience, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out which settings people use, so that the others can be removed.
    /// #     pub SETTINGS = "settings" { title: "Settings", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Settings that are looked after", other_uses: none }
    /// # }
    /// /// How the program is set up.
    /// #[derive(Snapshot)]
    /// #[snapshot(name = "program.settings", scope = SETTINGS, every = week)]
    /// struct Settings {
    ///     /// Whether it is dark.
    ///     dark: bool,
    ///     /// How many shelves it has.
    ///     #[field(count, example = 3)]
    ///     shelves: u32,
    /// }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    ///
    /// let client = Client::new(config)?;
    /// client.grant(SETTINGS)?;                                        // the person said yes
    /// client.record_snapshot(Settings { dark: true, shelves: 7 });
    /// client.record_snapshot(Settings { dark: false, shelves: 7 });   // this one is reported, when the week is over
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn record_snapshot<S: Snapshot<About = Installation>>(&self, snapshot: S) {
        if let Some(admission) = Admission::of(self.engine.consent.gates(), S::SCOPE) {
            self.admitted_snapshot(&snapshot, admission);
        }
    }

    pub(crate) fn admitted_snapshot<S: Snapshot>(&self, snapshot: &S, admission: Admission) {
        let mut each = |answer: Result<Generalized, Rejection>| match answer {
            Ok(event) => {
                if self.engine.journal.push(event) {
                    self.engine.worker.nudge();
                }
            }
            Err(rejection) => self.rejected(rejection, S::SCOPE, admission.epoch()),
        };
        generalize::generalize_snapshot(snapshot, &admission, &*self.engine.keys, &mut each);
        self.engine.worker.wake();
    }

    /// Records that the person consented to a scope, and opens it.
    ///
    /// Same as [`consent::grant`](crate::consent::grant()), for this client.
    ///
    /// ```standalone_crate
    /// # use candor::{AddressLog, Audience, Client, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let client = Client::new(config)?;
    /// let notice = client.notice(USAGE)?;
    /// println!("{notice}");                           // show all of it, and when the person says yes:
    /// client.grant(USAGE.shown(&notice).via("settings/privacy"))?;
    /// assert!(client.status(USAGE)?.is_open());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The grant needs a notice or another language, something blocks the scope, the grant could not be written, or the client
    /// was shut down.
    pub fn grant(&self, grant: impl Into<Grant>) -> Result<Receipt, Error> {
        let (engine, grant) = (self.here()?, grant.into());
        self.still_runs()?;
        self.look_at_policies();
        let patience = self.patience_after(|| self.tidy(PATIENCE));
        // Reads the clock now: a later jump of the clock is detected by comparison with its value at the grant.
        let _ = engine.trusted_now();
        let receipt = grant::grant(engine, &grant, &patience)?;
        // Time already spent waiting, before and under the lock, is not spent again. The rules were read above.
        self.catch_up(PATIENCE.min(patience.left()));
        Ok(receipt)
    }

    /// Records that the person refused a scope. If the person had consented before, this is a withdrawal.
    ///
    /// Same as [`consent::deny`](crate::consent::deny()), for this client.
    ///
    /// # Errors
    /// The decision could not be written. It is retried, and this process no longer records or sends.
    pub fn deny(&self, scope: Scope) -> Result<Receipt, Error> {
        let answer = deny::deny(self.here()?, scope);
        self.start_retrying();
        answer
    }

    /// Withdraws the grant for a scope, and destroys its pending data.
    ///
    /// Same as [`consent::withdraw`](crate::consent::withdraw()), for this client.
    ///
    /// ```standalone_crate
    /// # use candor::{AddressLog, Audience, Client, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let client = Client::new(config)?;
    /// # client.grant(USAGE)?;
    /// let receipt = client.withdraw(USAGE)?;
    /// assert!(receipt.confirmed);                     // no process can send another byte of it
    /// assert!(receipt.destroyed.complete);            // and nothing of it is pending
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The withdrawal could not be written. It is retried, and this process no longer records or sends.
    pub fn withdraw(&self, scope: Scope) -> Result<Receipt, Error> {
        let answer = withdraw::withdraw(self.here()?, scope);
        self.start_retrying();
        answer
    }

    /// Returns the current state of a scope.
    ///
    /// Same as [`consent::status`](crate::consent::status()), for this client.
    ///
    /// # Errors
    /// The scope is not registered.
    pub fn status(&self, scope: Scope) -> Result<Status, Error> {
        let engine = self.here()?;
        self.look_with_rules(PATIENCE);
        let mut status = engine.consent.status(scope)?;
        if !status.is_open()
            && status.trouble.is_none()
            && status.blocked_by.is_none()
            && let Err(error) = engine.consent.is_free(scope, &|| may_open(engine, scope))
        {
            status.trouble = Some(format!("no grant can be stored at present: {error}"));
        }
        self.tell(scope.name(), &mut status);
        Ok(status)
    }

    /// Returns the text to show a person before they decide, in the language of the program's interface.
    ///
    /// Same as [`consent::notice`](crate::consent::notice()), for this client.
    ///
    /// # Errors
    /// There is no notice in that language, or the scope is not registered.
    pub fn notice(&self, scope: Scope) -> Result<Notice, Error> {
        self.here()?.consent.contract(scope)?.notice()
    }

    /// Returns the notice in a language that the person picked, given as a BCP 47 tag.
    ///
    /// Same as [`consent::notice_in`](crate::consent::notice_in()), for this client.
    ///
    /// # Errors
    /// There is no notice in that language, or the scope is not registered.
    pub fn notice_in(&self, scope: Scope, language: &str) -> Result<Notice, Error> {
        self.here()?.consent.contract(scope)?.notice_in(language)
    }

    /// Returns the languages in which notices are available, as BCP 47 tags in alphabetical order.
    ///
    /// Same as [`consent::languages`](crate::consent::languages()), for this client.
    #[must_use]
    pub fn languages(&self) -> Vec<String> {
        self.engine.consent.languages()
    }

    /// Returns the receipt of the last decision about a scope.
    ///
    /// Same as [`consent::receipt`](crate::consent::receipt()), for this client.
    ///
    /// # Errors
    /// There was no decision, or the records can't be read.
    pub fn receipt(&self, scope: Scope) -> Result<Receipt, Error> {
        let engine = self.settled()?;
        engine.consent.contract(scope)?;
        engine.consent.receipt(scope)
    }

    /// Returns every decision of this store, oldest first, with the texts they refer to.
    ///
    /// Same as [`consent::receipts`](crate::consent::receipts()), for this client.
    ///
    /// # Errors
    /// The history can't be read.
    pub fn receipts(&self) -> Result<Receipts, Error> {
        self.settled()?.consent.receipts()
    }

    /// Deletes everything that this computer keeps of what a scope sent.
    ///
    /// Same as [`consent::delete_sent`](crate::consent::delete_sent()), for this client.
    ///
    /// # Errors
    /// The deletion could not be written. What is left is deleted before anything more of the scope is sent.
    pub fn delete_sent(&self, scope: Scope) -> Result<(), Error> {
        erase::delete_sent(self.here()?, scope)
    }

    /// Keeps the contents of what a scope sends on this computer from now on. That is the default.
    ///
    /// Same as [`consent::keep_contents`](crate::consent::keep_contents()), for this client.
    ///
    /// # Errors
    /// The change could not be written.
    pub fn keep_contents(&self, scope: Scope) -> Result<(), Error> {
        erase::keep_contents(self.here()?, scope)
    }

    /// Deletes the contents of what a scope sent, and keeps none from now on.
    ///
    /// Same as [`consent::discard_contents`](crate::consent::discard_contents()), for this client.
    ///
    /// # Errors
    /// The change could not be written. Contents that are left are deleted at the next start.
    pub fn discard_contents(&self, scope: Scope) -> Result<(), Error> {
        erase::discard_contents(self.here()?, scope)
    }

    /// Returns the grants for scopes that this program does not declare.
    ///
    /// Same as [`consent::undeclared`](crate::consent::undeclared()), for this client.
    ///
    /// # Errors
    /// The records can't be relied on. Then no grant is in force.
    pub fn undeclared(&self) -> Result<Vec<Undeclared>, Error> {
        self.settled()?.consent.undeclared()
    }

    /// Withdraws the grant for a scope that this program does not declare, by its name.
    ///
    /// Same as [`consent::withdraw_undeclared`](crate::consent::withdraw_undeclared()), for this client.
    ///
    /// # Errors
    /// There is no such grant, this program declares the scope, or the withdrawal could not be made durable.
    pub fn withdraw_undeclared(&self, name: &str) -> Result<Receipt, Error> {
        let answer = withdraw::withdraw_undeclared(self.here()?, name);
        self.start_retrying();
        answer
    }

    /// Records that the person asks the recipient to delete what a scope sent.
    ///
    /// Same as [`consent::erase`](crate::consent::erase()), for this client.
    ///
    /// # Errors
    /// The recipient can't delete single records, the request could not be written, or the scope is not registered.
    pub fn erase(&self, scope: Scope) -> Result<ErasureStatus, Error> {
        let asked = erase::erase(self.here()?, scope);
        self.follow();
        asked
    }

    /// Cancels the erasure requests of a scope that are still pending.
    ///
    /// Same as [`consent::cancel_erasure`](crate::consent::cancel_erasure()), for this client.
    ///
    /// # Errors
    /// The cancellation could not be written.
    pub fn cancel_erasure(&self, scope: Scope) -> Result<ErasureStatus, Error> {
        erase::cancel(self.here()?, scope)
    }

    /// Returns how much of what a scope sent can be named for erasure, what was asked for, and the outcome.
    ///
    /// Same as [`consent::erasures`](crate::consent::erasures()), for this client.
    ///
    /// # Errors
    /// The scope is not registered.
    pub fn erasures(&self, scope: Scope) -> Result<ErasureStatus, Error> {
        self.settled()?.erasure_status(scope)
    }

    /// Records "ask me later". The third time it counts as a refusal.
    ///
    /// Same as [`consent::defer`](crate::consent::defer()), for this client.
    ///
    /// # Errors
    /// The answer could not be written, or the earlier decision is lost and may have been a refusal.
    pub fn defer(&self, scope: Scope) -> Result<Receipt, Error> {
        deny::defer(self.here()?, scope)
    }

    /// Records that a person who was asked for more keeps to what they agreed to.
    ///
    /// Same as [`consent::keep`](crate::consent::keep()), for this client.
    ///
    /// # Errors
    /// The scope is not granted, or the decision could not be written.
    pub fn keep(&self, scope: Scope) -> Result<Receipt, Error> {
        keep::keep(self.here()?, scope, false)
    }

    /// Revokes the grant for a scope on the program's own initiative, with the reason in a few words.
    ///
    /// Same as [`consent::revoke`](crate::consent::revoke()), for this client.
    ///
    /// # Errors
    /// The scope is not granted, or the revocation could not be written. It is not retried automatically.
    pub fn revoke(&self, scope: Scope, why: &str) -> Result<Receipt, Error> {
        let answer = withdraw::revoke(self.here()?, scope, why);
        self.start_retrying();
        answer
    }

    /// Switches off one field of a granted scope. The field is named `event.field`.
    ///
    /// Same as [`consent::switch_off`](crate::consent::switch_off()), for this client.
    ///
    /// # Errors
    /// The scope is not granted, it has no such field, or the decision could not be written.
    pub fn switch_off(&self, scope: Scope, field: &str) -> Result<Receipt, Error> {
        switch::switch(self.here()?, scope, field, false)
    }

    /// Switches one field of a granted scope on again. The field is named `event.field`.
    ///
    /// Same as [`consent::switch_on`](crate::consent::switch_on()), for this client.
    ///
    /// # Errors
    /// The scope is not granted, it has no such field, or the decision could not be written.
    pub fn switch_on(&self, scope: Scope, field: &str) -> Result<Receipt, Error> {
        switch::switch(self.here()?, scope, field, true)
    }

    /// Records that the person wants to be asked when a version would do more than they agreed to. That is the default.
    ///
    /// Same as [`consent::ask_about_widenings`](crate::consent::ask_about_widenings()), for this client.
    ///
    /// # Errors
    /// The choice could not be written.
    pub fn ask_about_widenings(&self) -> Result<(), Error> {
        keep::ask_about_widenings(self.here()?, Decision::AskAgain)
    }

    /// Records that the person does not want to be asked when a version would do more than they agreed to.
    ///
    /// Same as [`consent::stop_asking_about_widenings`](crate::consent::stop_asking_about_widenings()), for this client.
    ///
    /// # Errors
    /// The choice could not be written.
    pub fn stop_asking_about_widenings(&self) -> Result<(), Error> {
        keep::ask_about_widenings(self.here()?, Decision::AskNoMore)
    }

    /// Returns whether the program may ask about a scope now, on its own initiative.
    ///
    /// Same as [`consent::may_ask`](crate::consent::may_ask()), for this client.
    ///
    /// # Errors
    /// The scope is not registered, or the client was shut down.
    pub fn may_ask(&self, scope: Scope) -> Result<MayAsk, Error> {
        let engine = self.here()?;
        self.still_runs()?;
        self.look_at_policies();
        self.tidy(PATIENCE);
        Ok(engine.consent.may_ask(scope, &|| may_open(engine, scope))?.0)
    }

    /// Returns the whole state as one document: what could be sent, what was agreed, what is pending, and what was sent and
    /// dropped.
    ///
    /// Same as [`manifest`](crate::manifest()), for this client. There it says what this may write.
    ///
    /// ```standalone_crate
    /// # use candor::{AddressLog, Audience, Client, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # /// The library was opened.
    /// # #[derive(candor::Event)]
    /// # #[event(name = "library.opened", scope = USAGE, linkage = rollup)]
    /// # struct LibraryOpened {
    /// #     /// How many shelves it has.
    /// #     #[field(count, example = 3)]
    /// #     shelves: usize,
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let client = Client::new(config)?;
    /// let manifest = client.manifest()?;
    /// println!("{manifest}");                         // for the person to read
    /// assert_eq!(manifest.scope(USAGE).unwrap().could_send[0].name, "library.opened");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// This process was forked from the one that made the client. A store that can't be read is not an error; the manifest shows
    /// it.
    pub fn manifest(&self) -> Result<Manifest, Error> {
        let engine = self.here()?;
        self.look_at_policies();
        engine.look_after_rules();
        // Events that are still in the rings must also be in the manifest, and those of a day that is over as such.
        engine.move_on();
        self.keep_up(PATIENCE);
        let mut manifest = Manifest::read(engine, &self.application, &self.endpoint);
        manifest.scopes.iter_mut().for_each(|page| self.tell(page.name, &mut page.status));
        Ok(manifest)
    }

    /// Sends pending lines and the counts of days that are over now, instead of when they are due. It does not close the current
    /// day.
    ///
    /// Waits at most `limit`. What is still being sent then continues for as long as the program runs. A receiver that does not
    /// answer counts as failed from the moment it was tried, so that a short-lived program is not delayed at every run.
    ///
    /// ```standalone_crate
    /// use std::time::Duration;
    /// # use candor::{AddressLog, Answer, Audience, Client, Config, Controller, Erasure, Parcel, SendError, Transport};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::WithinDays(30));
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # /// The library was opened.
    /// # #[derive(candor::Event)]
    /// # #[event(name = "library.opened", scope = USAGE, linkage = none)]
    /// # struct LibraryOpened {
    /// #     /// How many shelves it has.
    /// #     #[field(count, example = 3)]
    /// #     shelves: usize,
    /// # }
    /// # struct Receiver;
    /// # impl Transport for Receiver {
    /// #     fn send(&self, _: Parcel<'_>) -> Result<Answer, SendError> {
    /// #         Ok(Answer::Accepted { rejected: 0 })
    /// #     }
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).transport("nobody", Receiver);
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let client = Client::new(config)?;
    /// # client.grant(USAGE)?;
    /// client.record(LibraryOpened { shelves: 7 });
    /// let flushed = client.flush(Duration::from_secs(2))?;
    /// assert_eq!((flushed.requests, flushed.records, flushed.trouble), (1, 1, None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// This process was forked from the one that made the client. Problems with the receiver or the disk are reported in
    /// [`trouble`](Flushed::trouble), not as errors.
    pub fn flush(&self, limit: Duration) -> Result<Flushed, Error> {
        self.send_within(Occasion::Flush, limit)
    }

    /// Sends what is due, for programs that run for seconds. If nothing is due, returns `None` at once: nothing is sent then.
    ///
    /// A scope is due once in its interval, a day, at a random moment. The moment is on disk, so all runs and all processes of the
    /// program share it: the first run after it sends, and the others don't. A program that runs longer than a quarter of an hour
    /// need not call this, because its scopes are sent when they are due.
    ///
    /// Waits at most `limit`. After a failure it waits out the back-off, which is on disk as well: so a receiver that does not
    /// answer costs `limit` once, and not once in each run. One call sends one scope. Other scopes that are due follow a minute
    /// later at the earliest, so that the receiver does not see them one right after the other.
    ///
    /// The first moment is drawn when the scope is first found open, within a day. It is not the moment of the consent. At
    /// that moment there is nothing to send: counts leave when their day is over. And if many people are asked on the day of a
    /// release, their first reports arrive over a day and not all at once. A program that a timer starts on every computer at the
    /// same second sends at that second, so let such a timer wait for a random time.
    ///
    /// ```standalone_crate
    /// use std::time::Duration;
    /// # use std::{sync::{Arc, Mutex}, time::SystemTime};
    /// # use candor::{AddressLog, Answer, Audience, Client, Clock, Config, Controller, Erasure, Parcel, SendError, Transport};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::WithinDays(30));
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # /// The library was opened.
    /// # #[derive(candor::Event)]
    /// # #[event(name = "library.opened", scope = USAGE, linkage = none)]
    /// # struct LibraryOpened {
    /// #     /// How many shelves it has.
    /// #     #[field(count, example = 3)]
    /// #     shelves: usize,
    /// # }
    /// # struct Receiver;
    /// # impl Transport for Receiver {
    /// #     fn send(&self, _: Parcel<'_>) -> Result<Answer, SendError> {
    /// #         Ok(Answer::Accepted { rejected: 0 })
    /// #     }
    /// # }
    /// # struct Steps(Mutex<SystemTime>);
    /// # impl Clock for Steps {
    /// #     fn now(&self) -> SystemTime {
    /// #         *self.0.lock().unwrap()
    /// #     }
    /// # }
    /// # let clock = Arc::new(Steps(Mutex::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_796_000_000))));
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).transport("nobody", Receiver);
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let client = Client::new(config.clock(clock.clone()))?;
    /// # client.grant(USAGE)?;
    /// client.record(LibraryOpened { shelves: 7 });
    /// client.flush_if_due(Duration::from_secs(2))?;           // at the end of each run
    /// # *clock.0.lock().unwrap() += Duration::from_secs(86_400);
    /// // … and a day later:
    /// let flushed = client.flush_if_due(Duration::from_secs(2))?;
    /// assert_eq!(flushed.map(|flushed| flushed.records), Some(1));
    /// assert_eq!(client.flush_if_due(Duration::from_secs(2))?, None);     // not again today
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The same as for [`flush`](Client::flush).
    pub fn flush_if_due(&self, limit: Duration) -> Result<Option<Flushed>, Error> {
        let engine = self.here()?;
        // Another process may have granted, withdrawn or sent. A look reads next to nothing if none has.
        self.catch_up(Duration::ZERO);
        if engine.is_due() { self.send_within(Occasion::Due, limit).map(Some) } else { Ok(None) }
    }

    fn send_within(&self, occasion: Occasion, limit: Duration) -> Result<Flushed, Error> {
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
        let flushed = engine.send_apart(occasion, Some(left));
        Ok(flushed.unwrap_or_else(|why| {
            if matches!(why, Unsent::NoThread(_)) {
                // Recorded events are written to disk all the same, where they are counted.
                engine.tick();
            }
            engine.unsent(&why, limit, &before)
        }))
    }

    /// Closes this client: recorded events are written to disk, sending stops, and nothing more is recorded. Waits at most
    /// `limit`. A second call writes nothing more.
    ///
    /// Returns `true` if each recorded event is on disk, or was dropped and is counted there (`lost`, shown in the manifest). It
    /// also returns `true` if no grant is in force any more, because then there is nothing to store or to count.
    ///
    /// Returns `false` if some events may be neither: neither they nor their count could be written, or `limit` was too short.
    /// Events still in memory are then lost. They are counted if the count can be written within another 40 ms, or later while
    /// the process lives. In a process forked from the one that made the client, this does nothing and returns `false`.
    ///
    /// ```standalone_crate
    /// use std::time::Duration;
    /// # use candor::{AddressLog, Audience, Client, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # /// The library was opened.
    /// # #[derive(candor::Event)]
    /// # #[event(name = "library.opened", scope = USAGE, linkage = none)]
    /// # struct LibraryOpened {
    /// #     /// How many shelves it has.
    /// #     #[field(count, example = 3)]
    /// #     shelves: usize,
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let client = Client::new(config)?;
    /// # client.grant(USAGE)?;
    /// client.record(LibraryOpened { shelves: 7 });
    /// assert!(client.shutdown(Duration::from_secs(2)));       // on disk
    /// client.record(LibraryOpened { shelves: 8 });            // dropped
    /// # assert_eq!(client.manifest()?.outcomes.lines, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shutdown(&self, limit: Duration) -> bool {
        let limit = limit.min(LONGEST_WAIT);
        self.end(limit, RESTING.0, |engine| engine.stop(limit))
    }

    /// Closes this client as dropping it does: recorded events are written to disk. Waits for [`DRAIN`] while the disk accepts no
    /// writes, and longer while it does accept them.
    pub(crate) fn finish(&self) {
        self.end(DRAIN, RESTING.1, |engine| engine.stop_patiently(DRAIN));
    }

    fn end(&self, limit: Duration, resting: Duration, stop: impl FnOnce(&Engine) -> bool) -> bool {
        let Ok(engine) = self.here() else { return false };
        #[cfg(debug_assertions)]
        if let Some(development) = &self.development {
            development.end_day(engine, limit);
        }
        // Before the first decision nothing can be lost, and no clock is read.
        let until = engine.consent.is_known().then(|| engine.ambient.monotonic() + limit);
        engine.consent.stop();
        engine.consent.wait_no_longer_than(until);
        let drained = stop(engine);
        let late = (!drained).then(|| engine.ambient.monotonic() + resting);
        engine.tasks.end(resting);
        engine.journal.end();
        engine.consent.close();
        if let Some(late) = late {
            // The gates of events still in memory are closed now: the events are counted, which is quick, and not written.
            let left = late.saturating_duration_since(engine.ambient.monotonic());
            // What was not drained in time before is not accounted for, whatever this says.
            let _ = engine.stop(left);
        }
        let accounted = drained && {
            engine.journal.abandon();
            let left = until.map(|until| until.saturating_duration_since(engine.ambient.monotonic()));
            engine.note_losses_within(left.unwrap_or_default())
        };
        // The person can still withdraw after this, so later waits have no deadline.
        engine.consent.wait_no_longer_than(None);
        accounted
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Checks whether what a grant needs before it opens can be created, as far as that can be checked without creating it.
pub(crate) fn may_open(engine: &Engine, scope: Scope) -> Result<(), Error> {
    engine.journal.may_purge(scope)?;
    engine.keys.may_create()
}

#[cfg(test)]
impl Client {
    pub(crate) fn consent(&self) -> &Consent {
        &self.engine.consent
    }

    /// Makes a client in a program in which no thread can be created.
    pub(crate) fn without_threads(config: Config) -> Client {
        let mut client = Client::closed(config, false).unwrap();
        let none = |_: &'static str, _: Box<dyn FnOnce() + Send>| Err(std::io::ErrorKind::WouldBlock.into());
        Arc::get_mut(&mut client.engine).unwrap().worker = Worker::with(none);
        client.open();
        client
    }

    /// Makes a client that starts no thread: a flush sends on the caller's thread, and the caller acts as the worker.
    pub(crate) fn without_worker(config: Config) -> Result<Client, Error> {
        Client::without_worker_or(config, None)
    }

    /// The same for a program that is built without one of its scopes.
    pub(crate) fn without_worker_or(config: Config, scope: Option<Scope>) -> Result<Client, Error> {
        let mut client = Client::closed(config, false)?;
        if let (Some(scope), Some(engine)) = (scope, Arc::get_mut(&mut client.engine)) {
            engine.consent.leave_out_scope(scope);
        }
        client.engine.worker.start_none();
        client.open();
        Ok(client)
    }

    /// Makes a client of the same program, built without some of its events.
    pub(crate) fn built_without(config: Config, events: &[&str]) -> Client {
        let mut client = Client::closed(config, false).unwrap();
        Arc::get_mut(&mut client.engine).unwrap().consent.leave_out(events);
        client.open();
        client
    }
}
