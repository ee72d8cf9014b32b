//! [`Client`] and [`Config`]: wires the rooms together, and does nothing else.

use crate::{
    ambient::{self, Ambient, Clock, Environment, SystemClock, SystemEntropy},
    consent::{
        self, Admission, Audience, Consent, Contract, Controller, Decisions, EventTerms, FieldTerms, Grant, Ledger,
        Notice, Party, Place, Receipt, Scope, Status,
    },
    disk::{Files, System},
    error::{At, Error, Kind},
    event::{Event, Installation, Registry, Schema, is_name},
    generalize::{self, Generalized, Keys},
    journal::{Drop as Dropped, Journal},
    manifest::Manifest,
    sender::{Engine, Flushed, Occasion, Worker},
    transport::{Http, Transport, otlp::Service},
    withdraw,
};
use parking_lot::Mutex;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// How many bytes may wait on disk, over all processes, unless the program says otherwise.
const WAITING_LIMIT: u64 = 5 << 20;
/// How long a dropped client may take to bring what it holds to disk.
const DRAIN: Duration = Duration::from_millis(100);

/// What a program says about itself before anything else: who it is, who is answerable, for whom it is made, and where
/// reports go.
///
/// Making one touches nothing. Whatever is not said here has one answer, and no environment variable can add to it.
#[derive(Clone)]
pub struct Config {
    application: String,
    controller: Controller,
    audience: Audience,
    version: Option<String>,
    endpoint: Option<String>,
    transport: Option<(String, Arc<dyn Transport>)>,
    directories: Option<(PathBuf, PathBuf)>,
    clock: Arc<dyn Clock>,
    tls_provider: Option<Arc<rustls::crypto::CryptoProvider>>,
    roots: Option<Vec<Vec<u8>>>,
    switch_variable: Option<&'static str>,
    lift_ci_block: bool,
    waiting_limit: u64,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("application", &self.application)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// The application's id in reverse domain notation (`org.example.player`), who is answerable for the data, and who
    /// uses the program.
    #[must_use]
    pub fn new(application: impl Into<String>, controller: Controller, audience: Audience) -> Self {
        Config {
            application: application.into(),
            controller,
            audience,
            version: None,
            endpoint: None,
            transport: None,
            directories: None,
            clock: Arc::new(SystemClock),
            tls_provider: None,
            roots: None,
            switch_variable: None,
            lift_ci_block: false,
            waiting_limit: WAITING_LIMIT,
        }
    }

    /// Where reports go: `https://` and a host, or `http://` on this machine. `/v1/logs` is added where it is missing.
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// The program's version. Two parts of it are sent, `12.4` of `12.4.1-beta`; none unless this is called.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.version = two_parts(version);
        self
    }

    /// Sends through a transport of the program's own. `recipient` says where it leads, as the person reads it.
    #[must_use]
    pub fn transport(mut self, recipient: impl Into<String>, transport: impl Transport) -> Self {
        self.transport = Some((recipient.into(), Arc::new(transport)));
        self
    }

    /// Keeps the store below `data` and the high-water marks below `marks`, instead of where the platform keeps a
    /// program's data and configuration. Two directories, so that restoring one from a backup does not restore a yes.
    #[must_use]
    pub fn directories(mut self, data: impl Into<PathBuf>, marks: impl Into<PathBuf>) -> Self {
        self.directories = Some((data.into(), marks.into()));
        self
    }

    /// Takes the time from a clock of the program's own.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The TLS provider to use for https. Without it the process's default provider is used, then the one that
    /// candor's feature `ring` brings; a process that has none can't use an https endpoint.
    #[must_use]
    pub fn tls_provider(mut self, provider: Arc<rustls::crypto::CryptoProvider>) -> Self {
        self.tls_provider = Some(provider);
        self
    }

    /// Trusts these certificates (DER) instead of Mozilla's, for a receiver inside an organisation.
    #[must_use]
    pub fn root_certificates(mut self, der: Vec<Vec<u8>>) -> Self {
        self.roots = Some(der);
        self
    }

    /// An environment variable of the program's own that switches reports off when it is `0`, `off`, `no` or `false`.
    /// Any other value is ignored: a variable is nobody's yes.
    #[must_use]
    pub fn switch_variable(mut self, name: &'static str) -> Self {
        self.switch_variable = Some(name);
        self
    }

    /// Records although the variable `CI` is set: for real headless services, where somebody did say yes.
    #[must_use]
    pub fn lift_ci_block(mut self) -> Self {
        self.lift_ci_block = true;
        self
    }

    /// How many bytes may wait on disk, over all processes of this user: 5 MiB unless said otherwise, 1 MiB at least.
    #[must_use]
    pub fn waiting_limit(mut self, bytes: u64) -> Self {
        self.waiting_limit = bytes.max(1 << 20);
        self
    }
}

/// `12.4` of `12.4.1-beta+g3a`; `None` where there are no two numbers.
fn two_parts(version: &str) -> Option<String> {
    let mut parts = version.trim().trim_start_matches('v').split(['.', '-', '+']);
    let number = |part: Option<&str>| part?.parse::<u16>().ok();
    Some(format!("{}.{}", number(parts.next())?, number(parts.next())?))
}

/// One program's reports: its consent, its journal, its sender.
///
/// Most programs use the process-wide one through [`candor::init`](crate::init) and the free functions. An explicit
/// client has the same calls, for tests, libraries and programs with more than one store. Dropping it brings what was
/// recorded to disk, and sends nothing.
pub struct Client {
    engine: Arc<Engine>,
    worker: Arc<Worker>,
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
        check(&config)?;
        let application = config.application.clone();
        let (endpoint, transport): (String, Arc<dyn Transport>) = match (config.transport, &config.endpoint) {
            (Some((recipient, transport)), _) => (recipient, transport),
            (None, Some(endpoint)) => {
                let http = Http::new(endpoint, config.tls_provider, config.roots)?;
                (http.url().to_owned(), Arc::new(http))
            }
            (None, None) => return Err(Kind::NoEndpoint.into()),
        };
        let (data, marks) = match config.directories {
            Some(directories) => directories,
            None => ambient::platform_directories()?,
        };
        if data == marks {
            return Err(Kind::OneDirectory.into());
        }
        let below = |directory: PathBuf| directory.join(&application).join("candor-1");
        let (store, marks) = (below(data), below(marks));
        let variables: Vec<&str> = consent::VARIABLES.into_iter().chain(config.switch_variable).collect();
        let environment = Environment::read(&variables);
        let block = consent::block(&environment, config.switch_variable, config.lift_ci_block, config.audience);
        let party = Party {
            application: application.clone(),
            service_version: config.version.clone(),
            controller: config.controller,
            audience: config.audience,
            endpoint: endpoint.clone(),
        };
        let contract = |scope: &Scope| {
            let events: Vec<EventTerms> = registry.schemas_of(*scope).map(event_terms).collect();
            Contract::new(&party, *scope, &events)
        };
        let contracts = registry.scopes().iter().map(contract).collect();
        let ambient = Ambient::new(config.clock, Arc::new(SystemEntropy));
        let files = Files::new(Arc::new(System));
        let keys = Arc::new(Keys::new(files.clone(), store.join("keys"), application.clone(), ambient.clone()));
        let journal =
            Arc::new(Journal::new(files.clone(), store.clone(), ambient.clone(), registry, config.waiting_limit));
        let day = Arc::new(AtomicU32::new(0));
        let prepare = {
            let (keys, journal, day, ambient) = (keys.clone(), journal.clone(), day.clone(), ambient.clone());
            move |open: &[Place]| {
                if !open.is_empty() {
                    journal.make_rings();
                    let today = ambient.now().day().0;
                    let _ = day.compare_exchange(0, today, Ordering::SeqCst, Ordering::SeqCst);
                }
                let day = ambient::Day(day.load(Ordering::SeqCst));
                keys.refresh(day, open.iter().map(|place| place.scope));
            }
        };
        let ledger = Ledger::new(files, store, marks, application.clone());
        let consent = Consent::new(ledger, contracts, block, process_wide, ambient.clone(), Box::new(prepare));
        let service = Service { name: application.clone(), version: config.version };
        let engine =
            Engine { consent, keys, journal, transport, service, registry, ambient, day, ticking: Mutex::default() };
        Ok(Client { engine: Arc::new(engine), worker: Arc::default(), application, endpoint })
    }

    /// Opens what is granted, finishing first whatever was interrupted.
    pub(crate) fn open(&self) {
        let engine = &self.engine;
        withdraw::narrow_blocked(engine);
        engine.consent.open();
        if engine.consent.is_known() {
            engine.clear_stale();
        }
        self.start_worker();
    }

    fn start_worker(&self) {
        if !self.engine.consent.open_places().is_empty() {
            // Without a thread events wait in the rings and are counted once these are full.
            let _ = self.worker.start(&self.engine);
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
            && let Some(event) = self.generalized(&event, admission)
        {
            self.engine.keep_now(event);
        }
    }

    #[inline(never)]
    pub(crate) fn admitted<E: Event>(&self, event: &E, admission: Admission) {
        if let Some(event) = self.generalized(event, admission) {
            self.engine.journal.push(event);
            self.worker.wake();
        }
    }

    #[inline]
    fn generalized<E: Event>(&self, event: &E, admission: Admission) -> Option<Generalized> {
        let event = generalize::generalize(event, admission, &*self.engine.keys);
        if event.is_none() {
            self.engine.journal.counters.drop(Dropped::Unregistered, 1);
        }
        event
    }

    /// See [`consent::grant`](crate::consent::grant).
    ///
    /// # Errors
    /// See there.
    pub fn grant(&self, grant: impl Into<Grant>) -> Result<Receipt, Error> {
        Decisions::grant(self, grant.into())
    }

    /// See [`consent::deny`](crate::consent::deny).
    ///
    /// # Errors
    /// See there.
    pub fn deny(&self, scope: Scope) -> Result<Receipt, Error> {
        withdraw::deny(&self.engine, scope)
    }

    /// See [`consent::withdraw`](crate::consent::withdraw).
    ///
    /// # Errors
    /// See there.
    pub fn withdraw(&self, scope: Scope) -> Result<Receipt, Error> {
        withdraw::withdraw(&self.engine, scope)
    }

    /// See [`consent::status`](crate::consent::status).
    ///
    /// # Errors
    /// See there.
    pub fn status(&self, scope: Scope) -> Result<Status, Error> {
        self.engine.consent.status(scope)
    }

    /// See [`consent::notice`](crate::consent::notice).
    ///
    /// # Errors
    /// See there.
    pub fn notice(&self, scope: Scope) -> Result<Notice, Error> {
        self.engine.consent.contract(scope).map(|contract| contract.notice.clone())
    }

    /// See [`consent::receipt`](crate::consent::receipt).
    ///
    /// # Errors
    /// See there.
    pub fn receipt(&self, scope: Scope) -> Result<Receipt, Error> {
        self.engine.consent.contract(scope)?;
        self.engine.consent.receipt(scope, None)
    }

    /// See [`consent::delete_sent`](crate::consent::delete_sent).
    ///
    /// # Errors
    /// See there.
    pub fn delete_sent(&self, scope: Scope) -> Result<(), Error> {
        self.engine.journal.sent().delete(scope).at("delete the sent log in", self.engine.consent.ledger().store())
    }

    /// Everything: what could be sent, was agreed, waits, was sent and was dropped.
    ///
    /// # Errors
    /// None at present; a store that can't be read is shown as such.
    pub fn manifest(&self) -> Result<Manifest, Error> {
        Ok(Manifest::read(&self.engine, &self.application, &self.endpoint))
    }

    /// Sends the lines that wait and the days that are over, now instead of at their own moments. Closes no day. Waits
    /// at most `limit`; what is still under way then goes on by itself.
    ///
    /// # Errors
    /// None at present; what went wrong with the receiver or the disk is in [`Flushed::trouble`].
    pub fn flush(&self, limit: Duration) -> Result<Flushed, Error> {
        if self.engine.consent.open_places().is_empty() {
            return Ok(Flushed::default());
        }
        let flushed = self.worker.send(&self.engine, Occasion::Flush, Some(limit));
        Ok(flushed.unwrap_or_else(Flushed::unfinished))
    }

    /// Ends this client: what was recorded is brought to disk, sending stops, nothing is recorded any more. Waits at
    /// most `limit`, and says whether everything was brought to disk. A second call does nothing.
    pub fn shutdown(&self, limit: Duration) -> bool {
        self.engine.consent.stop();
        let drained = self.worker.stop(limit, || self.engine.ambient.monotonic());
        self.engine.consent.close();
        drained
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shutdown(DRAIN);
    }
}

impl Decisions for Client {
    fn grant(&self, grant: Grant) -> Result<Receipt, Error> {
        let scope = grant.scope();
        let engine = &self.engine;
        let receipt = engine.consent.grant(&grant, |_| engine.keys.create(scope))?;
        engine.clear_stale();
        self.start_worker();
        Ok(receipt)
    }

    fn deny(&self, scope: Scope) -> Result<Receipt, Error> {
        Client::deny(self, scope)
    }

    fn withdraw(&self, scope: Scope) -> Result<Receipt, Error> {
        Client::withdraw(self, scope)
    }

    fn status(&self, scope: Scope) -> Result<Status, Error> {
        Client::status(self, scope)
    }

    fn notice(&self, scope: Scope) -> Result<Notice, Error> {
        Client::notice(self, scope)
    }

    fn receipt(&self, scope: Scope) -> Result<Receipt, Error> {
        Client::receipt(self, scope)
    }

    fn delete_sent(&self, scope: Scope) -> Result<(), Error> {
        Client::delete_sent(self, scope)
    }
}

fn check(config: &Config) -> Result<(), Error> {
    if !is_name(&config.application) {
        let name = config.application.clone();
        return Err(Kind::Name { what: "application id", name, such_as: "org.example.player" }.into());
    }
    let controller = &config.controller;
    let written = [
        ("the controller's `legal_name`", controller.legal_name),
        ("the controller's `address`", controller.address),
        ("the controller's `country`", controller.country),
        ("the controller's `contact`", controller.contact),
    ];
    match written.into_iter().find(|(_, text)| text.trim().is_empty()) {
        Some((what, _)) => Err(Kind::Text { what, mend: "it out: a person must know whom they agree with" }.into()),
        None => Ok(()),
    }
}

fn event_terms(schema: &'static Schema) -> EventTerms {
    EventTerms {
        name: schema.name(),
        doc: schema.doc(),
        linkage: schema.linkage().name(),
        linkage_words: schema.linkage().describe(),
        fields: schema
            .fields()
            .iter()
            .map(|field| FieldTerms {
                name: field.name,
                doc: field.doc,
                class: field.class,
                precision: field.precision,
                optional: field.optional,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::two_parts;

    #[test]
    fn versions_have_two_parts() {
        assert_eq!(two_parts("12.4.1-beta+g3a").as_deref(), Some("12.4"));
        assert_eq!(two_parts("v1.0").as_deref(), Some("1.0"));
        assert_eq!(two_parts("1.0-rc1").as_deref(), Some("1.0"));
        for bad in ["", "1", "nightly", "1.x", "99999999.1"] {
            assert_eq!(two_parts(bad), None, "{bad}");
        }
    }
}
