//! The tested program: events that together use every class with parameters, and a transport that keeps what it would send.

#[path = "../../examples/support/controller.rs"]
mod controller;

use crate::start;
use candor::{
    AddressLog, Answer, Audience, Client, Clock, Config, Controller, Erasure, Event, Parcel, Precision, Scope,
    SendError, Transport,
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;

candor::scope! {
    /// Find out whether the classes do what they say.
    pub LAB = "lab" {
        title: "Trials of classes", revision: 1, about: installation, retention: 30 days,
        benefit: "Classes that do what they say", other_uses: none,
    }
    /// Find out whether items and codes are what they are said to be.
    pub ITEMS = "items" {
        title: "Trials of items", revision: 1, about: installation, retention: 30 days,
        benefit: "Items that are what they are said to be", other_uses: none,
    }
}

/// Steps.
#[derive(Event)]
#[event(name = "lab.steps", scope = LAB, linkage = none)]
pub(crate) struct Steps {
    /// One side.
    #[field(step = 10, top = 100, example = 37)]
    pub(crate) step: f64,
    /// Both sides.
    #[field(signed_step = 60, from = -720, top = 840, unit = "min", example = 60)]
    pub(crate) signed_step: i32,
}

/// Ladders of the program's own.
#[derive(Event)]
#[event(name = "lab.ladders", scope = LAB, linkage = none)]
pub(crate) struct Ladders {
    /// One from 0.
    #[field(ladder = [0, 10, 100], example = 37)]
    pub(crate) ladder: u64,
    /// One from above 0, in a unit.
    #[field(ladder = [5, 50, 500], unit = "ms", example = 37)]
    pub(crate) wait: Duration,
    /// Exactly.
    #[field(exact, top = 9, reason = "a test needs one", example = 3)]
    pub(crate) exact: i16,
    /// In minutes.
    #[field(ladder = [0, 90, 3_600], unit = "min", example = 37)]
    pub(crate) minutes: Duration,
}

/// One digit.
#[derive(Event)]
#[event(name = "lab.digit", scope = LAB, linkage = none)]
pub(crate) struct Digit {
    /// The first digit.
    #[field(digits = 1, top = 3_000, example = 371)]
    pub(crate) digits: u32,
}

/// Two digits.
#[derive(Event)]
#[event(name = "lab.digits", scope = LAB, linkage = none)]
pub(crate) struct Digits {
    /// The first two digits.
    #[field(digits = 2, top = 10_000, reason = "a test tries it", unit = "ms", example = 371)]
    pub(crate) digits: u32,
}

/// Buckets of 10 and of 50 per cent.
#[derive(Event)]
#[event(name = "lab.buckets", scope = LAB, linkage = none)]
pub(crate) struct Buckets {
    /// Narrow ones.
    #[field(log_buckets = 10, from = 1, top = 60_000, unit = "ms", example = 120)]
    pub(crate) narrow: f64,
    /// Wide ones.
    #[field(log_buckets = 50, from = 64, top = 1_000_000, unit = "B", example = 120)]
    pub(crate) wide: u64,
}

/// Buckets of 5 per cent.
#[derive(Event)]
#[event(name = "lab.fine", scope = LAB, linkage = none)]
pub(crate) struct Fine {
    /// The narrowest ones.
    #[field(log_buckets = 5, from = 10, top = 1_000_000, example = 120)]
    pub(crate) finest: u64,
}

/// Days.
#[derive(Event)]
#[event(name = "lab.days", scope = LAB, linkage = none)]
pub(crate) struct Days {
    /// The day, over a leap day.
    #[field(date = day, from = "2027-11-29", count = 500, example = "2028-02-29")]
    pub(crate) day: SystemTime,
}

/// Weeks.
#[derive(Event)]
#[event(name = "lab.weeks", scope = LAB, linkage = none)]
pub(crate) struct Weeks {
    /// The week, from the middle of one.
    #[field(date = week, from = "2026-01-01", count = 200, example = "2026-11-22")]
    pub(crate) week: SystemTime,
}

/// Months and quarters.
#[derive(Event)]
#[event(name = "lab.months", scope = LAB, linkage = none)]
pub(crate) struct Months {
    /// The month.
    #[field(date = month, from = "2026-01", count = 38, example = "2026-11-22")]
    pub(crate) month: SystemTime,
    /// The quarter, from the middle of one.
    #[field(date = quarter, from = "2099-11", count = 20, example = "2100-02-28")]
    pub(crate) quarter: Option<SystemTime>,
}

/// Lists.
#[derive(Event)]
#[event(name = "lab.lists", scope = LAB, linkage = none)]
pub(crate) struct Lists<'a> {
    /// Versions.
    #[field(version = ["11", "12.0", "12.4", "13"], example = "12.4.1-beta")]
    pub(crate) version: &'a str,
    /// Words.
    #[field(vocabulary = ["h264", "HEVC", "av1"], example = "hevc")]
    pub(crate) vocabulary: &'a str,
    /// Extensions.
    #[field(extension = ["mkv", "mp4", "gz"], example = "film.mkv")]
    pub(crate) extension: PathBuf,
    /// Whether it has a title.
    #[field(presence)]
    pub(crate) title: Option<&'a str>,
}

/// Releases.
#[derive(Event)]
#[event(name = "lab.released", scope = LAB, linkage = none)]
pub(crate) struct Released<'a> {
    /// The program's own.
    #[field(release = RELEASES, example = "1.4.1")]
    pub(crate) release: &'a str,
}

/// A list that several events could share.
pub(crate) const RELEASES: [&str; 5] = ["1.4.0", "1.4.1", "2.0.0-alpha.2", "2.0.0-rc.1", "2.0.0"];

/// Codes.
#[derive(Event)]
#[event(name = "items.met", scope = ITEMS, linkage = month)]
pub(crate) struct Met<'a> {
    /// What was met.
    #[field(hash, domain = "item", example = "nas.local")]
    pub(crate) hash: &'a str,
    /// Its group.
    #[field(cohort = 4, domain = "group", example = "nas.local")]
    pub(crate) cohort: &'a str,
}

/// The same name space in another scope.
#[derive(Event)]
#[event(name = "lab.met", scope = LAB, linkage = month)]
pub(crate) struct MetElsewhere<'a> {
    /// What was met.
    #[field(hash, domain = "item", example = "nas.local")]
    pub(crate) hash: &'a str,
}

/// Another name space in the same scope.
#[derive(Event)]
#[event(name = "items.seen", scope = ITEMS, linkage = month)]
pub(crate) struct Seen<'a> {
    /// What was seen.
    #[field(hash, domain = "seen", example = "nas.local")]
    pub(crate) hash: &'a str,
}

/// A film was played to its end.
#[derive(Event)]
#[event(name = "items.played", scope = ITEMS, linkage = rollup, every = day, reason = "a test lasts a few days")]
pub(crate) struct Played<'a> {
    /// Which film.
    #[field(item, domain = "film")]
    pub(crate) film: Option<&'a str>,
    /// Whether it was the first time.
    pub(crate) first: bool,
}

/// A film was stopped.
#[derive(Event)]
#[event(name = "items.stopped", scope = ITEMS, linkage = rollup, every = day, reason = "a test lasts a few days")]
pub(crate) struct Stopped<'a> {
    /// Which film: the same name space as `items.played`, but all that are chosen are counted in each month.
    #[field(item, domain = "film", reason = "a test compares the two stages")]
    pub(crate) film: &'a [u8],
}

/// A book was read.
#[derive(Event)]
#[event(name = "items.read", scope = ITEMS, linkage = rollup, every = day, reason = "a test lasts a few days")]
pub(crate) struct Read<'a> {
    /// Which book.
    #[field(item, domain = "book", reason = "a test of two name spaces")]
    pub(crate) book: &'a str,
}

/// One item in eight is counted.
#[derive(Event)]
#[event(name = "items.eighth", scope = ITEMS, linkage = rollup, every = day, reason = "a test lasts a few days")]
pub(crate) struct Eighth<'a> {
    /// Which one.
    #[field(item, one_in = 8, reason = "a test needs one")]
    pub(crate) which: &'a str,
}

/// Every item is counted.
#[derive(Event)]
#[event(name = "items.every", scope = ITEMS, linkage = rollup, every = day, reason = "a test lasts a few days")]
pub(crate) struct Every<'a> {
    /// Which one.
    #[field(item, one_in = 1, reason = "a test needs one")]
    pub(crate) which: &'a str,
}

/// The partition of a field, as the derive macro made it.
pub(crate) fn partition<E: Event>(field: &str) -> Precision {
    E::schema().fields().iter().find(|known| known.name == field).unwrap().precision
}

/// A clock that shows the time it was set to.
#[derive(Clone)]
pub(crate) struct LabClock(Arc<AtomicI64>);

impl LabClock {
    /// Sets the clock, in seconds since 1970. A negative number is a time before 1970.
    pub(crate) fn put(&self, seconds: i64) {
        self.0.store(seconds, Ordering::SeqCst);
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_secs() as i64, Ordering::SeqCst);
    }
}

impl Clock for LabClock {
    fn now(&self) -> SystemTime {
        let seconds = self.0.load(Ordering::SeqCst);
        let by = Duration::from_secs(seconds.unsigned_abs());
        let now = if seconds < 0 { UNIX_EPOCH.checked_sub(by) } else { UNIX_EPOCH.checked_add(by) };
        now.unwrap_or(UNIX_EPOCH)
    }
}

/// Accepts every parcel and keeps its bytes.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<Vec<u8>>>>);

impl Transport for Sink {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        self.0.lock().unwrap().push(parcel.body().to_vec());
        Ok(Answer::Accepted { rejected: 0 })
    }
}

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// The start time of the clocks in these tests, in seconds since 1970.
pub(crate) fn start() -> i64 {
    start::start(SystemTime::now())
}

/// The date of the start.
pub(crate) fn first_day() -> jiff::civil::Date {
    jiff::Timestamp::from_second(start()).unwrap().to_zoned(jiff::tz::TimeZone::UTC).date()
}
const APPLICATION: &str = "org.example.lab";
const HANG: Duration = Duration::from_secs(30);

/// One person's computer.
pub(crate) struct Lab {
    directory: TempDir,
    pub(crate) clock: LabClock,
    sink: Sink,
}

impl Lab {
    /// The date that the clock shows.
    pub(crate) fn today(&self) -> jiff::civil::Date {
        let now = self.clock.0.load(Ordering::SeqCst);
        jiff::Timestamp::from_second(now).unwrap().to_zoned(jiff::tz::TimeZone::UTC).date()
    }

    pub(crate) fn new() -> Self {
        for name in ["DO_NOT_TRACK", "CANDOR_OFF"] {
            assert!(std::env::var_os(name).is_none(), "unset {name} to run these tests: it blocks what they try");
        }
        let clock = LabClock(Arc::new(AtomicI64::new(start())));
        Lab { directory: tempfile::tempdir().unwrap(), clock, sink: Sink::default() }
    }

    /// Starts the program.
    pub(crate) fn start(&self) -> Client {
        let controller = controller::CONTROLLER.erasure(Erasure::WithinDays(30));
        let (data, config) = (self.directory.path().join("data"), self.directory.path().join("config"));
        let config = Config::new(APPLICATION, controller, Audience::Adults)
            .transport("the lab", self.sink.clone())
            .directories(data, config)
            .clock(self.clock.clone())
            .validity_days(730)
            .lift_ci_block();
        Client::new(config).unwrap()
    }

    /// Starts the program, and the person grants the scope.
    pub(crate) fn start_granted(&self, scope: Scope) -> Client {
        let client = self.start();
        say_yes(&client, scope);
        client
    }

    /// The path of the file of secrets.
    pub(crate) fn keys(&self) -> PathBuf {
        self.directory.path().join("data").join(APPLICATION).join("candor-1").join("keys")
    }

    /// Every regular file below both directories, with its bytes.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fn walk(directory: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                let path = entry.path();
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() {
                    walk(&path, found);
                } else if kind.is_file() {
                    found.insert(path.clone(), fs::read(&path).unwrap_or_default());
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(self.directory.path(), &mut found);
        found
    }

    /// The paths of the files that contain these bytes.
    pub(crate) fn holding(&self, bytes: &[u8]) -> Vec<PathBuf> {
        let files = self.files().into_iter();
        files.filter(|(_, held)| held.windows(bytes.len()).any(|at| at == bytes)).map(|(path, _)| path).collect()
    }

    /// The bodies that were sent.
    pub(crate) fn sent(&self) -> Vec<Vec<u8>> {
        self.sink.0.lock().unwrap().clone()
    }
}

/// The person grants the scope after the notice was shown.
pub(crate) fn say_yes(client: &Client, scope: Scope) {
    let notice = client.notice(scope).unwrap();
    client.grant(scope.shown(&notice).via("settings/privacy")).unwrap();
}

/// How many events were dropped for a reason.
pub(crate) fn dropped(client: &Client, reason: &str) -> u64 {
    let outcomes = client.manifest().unwrap().outcomes;
    outcomes.dropped.iter().find(|dropped| dropped.reason.name() == reason).map_or(0, |dropped| dropped.count)
}

/// Sends what may be sent, after any send that is already under way.
pub(crate) fn send(client: &Client) {
    let until = std::time::Instant::now() + HANG;
    loop {
        let flushed = client.flush(HANG).unwrap();
        let trouble = flushed.trouble.as_deref().unwrap_or_default();
        if !trouble.contains("another process is sending") && !trouble.contains("still under way") {
            return;
        }
        assert!(std::time::Instant::now() < until, "sending never ended: {trouble}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
