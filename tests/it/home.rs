//! One person's computer in a test: two directories, a clock that moves on request, and the program with its client.

use crate::{child, files, server::Server, stage};
use candor::{Audience, Client, Clock, Config, Flushed, Scope, consent::State};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;

pub(crate) const APPLICATION: &str = "org.example.player";
pub(crate) const DAY: Duration = Duration::from_secs(86_400);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
/// A time limit that no step comes near. A step that reaches it hangs.
pub(crate) const HANG: Duration = Duration::from_secs(30);

/// A clock that starts at noon of the real UTC day, or at `CANDOR_TEST_START` if set. It moves only when a test moves it.
#[derive(Clone)]
pub(crate) struct TestClock {
    base: i64,
    began: Instant,
    ahead: Arc<AtomicI64>,
    monotonic: Arc<AtomicU64>,
    reads: Arc<AtomicUsize>,
}

impl TestClock {
    pub(crate) fn new() -> Self {
        TestClock {
            base: stage::start::start(SystemTime::now()),
            began: Instant::now(),
            ahead: Arc::default(),
            monotonic: Arc::default(),
            reads: Arc::default(),
        }
    }

    /// A clock with the same time whose time of day moves separately. Both share the monotonic time.
    pub(crate) fn apart(&self) -> Self {
        let ahead = Arc::new(AtomicI64::new(self.ahead.load(Ordering::SeqCst)));
        TestClock { ahead, ..self.clone() }
    }

    /// Moves the time of day forward and leaves the monotonic time unchanged, so nothing becomes due.
    pub(crate) fn advance(&self, by: Duration) {
        self.ahead.fetch_add(by.as_secs() as i64, Ordering::SeqCst);
    }

    /// Moves the time of day and the monotonic time forward: what is due happens by itself.
    pub(crate) fn pass(&self, by: Duration) {
        self.monotonic.fetch_add(by.as_secs(), Ordering::SeqCst);
        self.advance(by);
    }

    /// Moves to a time, in seconds since 1970. It may go back, also to before 1970.
    pub(crate) fn jump_to(&self, seconds: i64) {
        self.ahead.store(seconds.saturating_sub(self.base), Ordering::SeqCst);
    }

    /// Its UTC day, in candor's format.
    pub(crate) fn day(&self) -> String {
        let now = jiff::Timestamp::from_second(self.seconds()).unwrap();
        now.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
    }

    /// How often either time was read.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    /// Its UTC midnight in nanoseconds, as in the lines of records.
    pub(crate) fn day_nanos(&self) -> u64 {
        (self.seconds() / 86_400 * 86_400) as u64 * 1_000_000_000
    }

    fn seconds(&self) -> i64 {
        self.base.saturating_add(self.ahead.load(Ordering::SeqCst))
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let seconds = self.seconds();
        let by = Duration::from_secs(seconds.unsigned_abs());
        let now = if seconds < 0 { UNIX_EPOCH.checked_sub(by) } else { UNIX_EPOCH.checked_add(by) };
        now.unwrap_or(UNIX_EPOCH)
    }

    fn monotonic(&self) -> Instant {
        self.reads.fetch_add(1, Ordering::SeqCst);
        // The worker's time passes only when a test moves it, so it sends nothing on its own. Limits elsewhere use real time.
        let worker = thread::current().name() == Some("candor");
        let now = if worker { self.began } else { Instant::now() };
        now + Duration::from_secs(self.monotonic.load(Ordering::SeqCst))
    }
}

/// The directories and the clock of one test.
pub(crate) struct Home {
    directory: TempDir,
    pub(crate) clock: TestClock,
}

impl Home {
    pub(crate) fn new() -> Self {
        for name in ["DO_NOT_TRACK", "CANDOR_OFF"] {
            assert!(std::env::var_os(name).is_none(), "unset {name} to run these tests: it blocks what they try");
        }
        Home { directory: tempfile::tempdir().unwrap(), clock: TestClock::new() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub(crate) fn config_dir(&self) -> PathBuf {
        self.directory.path().join("config")
    }

    /// The directory of candor's store.
    pub(crate) fn store(&self) -> PathBuf {
        self.data().join(APPLICATION).join("candor-1")
    }

    /// The directory of candor's high-water marks.
    pub(crate) fn marks(&self) -> PathBuf {
        self.config_dir().join(APPLICATION).join("candor-1")
    }

    /// The pending files of one kind: `waiting`, `counts` or `outbox`.
    pub(crate) fn waiting(&self, kind: &str, scope: Scope) -> Vec<PathBuf> {
        without_schedules(files::all(&self.store().join(kind).join(scope.name())))
    }

    /// The file that holds when a scope may send next, if it exists.
    pub(crate) fn schedule(&self, scope: Scope) -> Option<PathBuf> {
        let found = files::all(&self.store().join("outbox").join(scope.name()));
        found.into_iter().find(|path| path.ends_with("schedule"))
    }

    /// Every file that holds or could hold recorded data.
    pub(crate) fn all_waiting(&self) -> Vec<PathBuf> {
        let kinds = ["waiting", "counts", "outbox", "trash"];
        let mut found = without_schedules(kinds.iter().flat_map(|kind| files::all(&self.store().join(kind))).collect());
        // On Windows some file systems keep the name of a removed file while a process has it open. Such a file is empty.
        found.retain(|path| cfg!(unix) || std::fs::metadata(path).is_ok_and(|left| left.len() > 0));
        found
    }

    pub(crate) fn config(&self, server: &Server) -> Config {
        self.config_to(server.endpoint())
    }

    pub(crate) fn config_to(&self, endpoint: impl Into<String>) -> Config {
        self.nowhere().endpoint(endpoint)
    }

    /// A configuration without an endpoint.
    pub(crate) fn nowhere(&self) -> Config {
        Config::new(APPLICATION, stage::CONTROLLER, Audience::Adults)
            .directories(self.data(), self.config_dir())
            .clock(self.clock.clone())
            .lift_ci_block()
    }

    /// Starts the program.
    pub(crate) fn start(&self, server: &Server) -> Client {
        Client::new(self.config(server)).unwrap()
    }

    /// Starts the program and grants these scopes.
    pub(crate) fn start_granted(&self, server: &Server, scopes: &[Scope]) -> Client {
        let client = self.start(server);
        for scope in scopes {
            client.grant(*scope).unwrap();
        }
        client
    }
}

/// Leaves out the schedules: they hold no recorded data, and the worker may write them at any time.
fn without_schedules(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    files.retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("schedule")));
    files
}

/// Waits until another thread makes `holds` true, and fails if that takes longer than `HANG`.
#[track_caller]
pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + HANG;
    while !holds() {
        assert!(Instant::now() < until, "this never came: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Sends what may be sent, after any sending that is already under way.
#[track_caller]
pub(crate) fn flush(client: &Client) -> Flushed {
    let until = Instant::now() + HANG;
    loop {
        let flushed = {
            let _unforked = child::unforked();
            client.flush(HANG).unwrap()
        };
        let trouble = flushed.trouble.as_deref().unwrap_or_default();
        if !trouble.contains("another process is sending") && !trouble.contains("still under way") {
            return flushed;
        }
        assert!(Instant::now() < until, "sending never ended: {trouble}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Sends what is due, after any maintenance that is under way.
#[track_caller]
pub(crate) fn flush_if_due(client: &Client) -> Option<Flushed> {
    let until = Instant::now() + HANG;
    loop {
        let flushed = {
            let _unforked = child::unforked();
            client.flush_if_due(HANG).unwrap()
        };
        let trouble = flushed.as_ref().and_then(|flushed| flushed.trouble.as_deref()).unwrap_or_default();
        if !trouble.contains("another process is sending") {
            return flushed;
        }
        assert!(Instant::now() < until, "sending never ended: {trouble}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Like `flush`, for tests that check only what arrives.
#[track_caller]
pub(crate) fn send(client: &Client) {
    let _ = flush(client);
}

/// The state of a scope.
#[track_caller]
pub(crate) fn state(client: &Client, scope: Scope) -> State {
    client.status(scope).unwrap().state
}

/// Grants a scope after its notice was shown.
#[track_caller]
pub(crate) fn say_yes(client: &Client, scope: Scope) {
    let notice = client.notice(scope).unwrap();
    client.grant(scope.shown(&notice).via("settings/privacy")).unwrap();
}

/// How many were dropped for this reason.
pub(crate) fn dropped(client: &Client, reason: &str) -> u64 {
    let outcomes = client.manifest().unwrap().outcomes;
    outcomes.dropped.iter().find(|dropped| dropped.reason.name() == reason).map_or(0, |dropped| dropped.count)
}

/// The pending lines of a scope, as the person sees them.
pub(crate) fn waiting(client: &Client, scope: Scope) -> Vec<String> {
    client.manifest().unwrap().scope(scope).unwrap().waiting.clone()
}
