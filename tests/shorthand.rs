//! `counter!`, `timing!` and `attempts!` in a whole program: what is sent of them, and that nothing happens without a grant.
//!
//! The constants record with the process-wide client, so this is a test program of its own with one test.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

#[path = "../examples/support/controller.rs"]
mod controller;

use candor::{
    AddressLog, Answer, Audience, Category, Clock, Config, Controller, Erasure, Parcel, SendError, Transport, consent,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

candor::scope! {
    /// Find out what is used and what fails, so that it becomes better.
    pub USAGE = "usage" {
        title: "Usage", revision: 1, about: installation, retention: 30 days, benefit: "Fewer errors", other_uses: none,
    }
}

/// A size of paper.
#[derive(Category, Clone, Copy)]
pub enum Paper {
    A4,
    Letter,
    Other,
}

#[derive(Category, Clone, Copy, PartialEq, Eq, Debug)]
enum Cause {
    DiskFull,
    Other,
}

candor::counter! {
    /// The program was opened.
    pub OPENED = "program.opened" in USAGE;

    /// A page was printed.
    pub PRINTED = "page.printed" in USAGE {
        /// On which paper.
        paper: Paper,
    }

    /// A list was shown.
    LISTED = "list.shown" in crate::USAGE {
        /// How many entries it has.
        #[field(count, example = 7)]
        entries: u64,
    }
}

candor::timing! {
    /// The program was started.
    pub STARTED = "program.started" in USAGE;

    /// A page was exported.
    EXPORTED = "page.exported" in USAGE {
        /// On which paper.
        paper: Paper,
    }
}

candor::attempts! {
    /// A backup was tried.
    pub BACKUP = "backup.tried" in USAGE;

    /// A synchronisation was tried.
    SYNC = "sync.tried" in USAGE {
        /// Why it failed, if it did.
        cause: Cause,
    }
}

/// A clock that moves when it is told to, and panics if it is read while it must not be.
#[derive(Clone)]
struct Steps {
    began: Instant,
    passed: Arc<AtomicU64>,
    silent: Arc<AtomicBool>,
}

impl Steps {
    fn pass(&self, millis: u64) {
        self.passed.fetch_add(millis, Ordering::SeqCst);
    }

    fn read(&self) -> Duration {
        assert!(!self.silent.load(Ordering::SeqCst), "the clock was read");
        Duration::from_millis(self.passed.load(Ordering::SeqCst))
    }
}

impl Clock for Steps {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_795_348_800) + self.read()
    }

    fn monotonic(&self) -> Instant {
        self.began + self.read()
    }
}

#[derive(Clone, Default)]
struct Keeps(Arc<Mutex<Vec<Value>>>);

impl Transport for Keeps {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        self.0.lock().unwrap().push(serde_json::from_slice(parcel.body()).unwrap());
        Ok(Answer::Accepted { rejected: 0 })
    }
}

impl Keeps {
    /// Sends, unless the worker has done so. Returns how often each event was counted, by its name and its other attributes, and
    /// forgets them.
    fn sent(&self) -> BTreeMap<String, u64> {
        let until = Instant::now() + LIMIT;
        while self.0.lock().unwrap().is_empty() {
            let flushed = candor::flush(LIMIT).unwrap();
            assert!(Instant::now() < until, "nothing was sent: {flushed:?}");
        }
        let mut found = BTreeMap::new();
        for body in self.0.lock().unwrap().drain(..) {
            for record in body["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap() {
                let mut name = record["eventName"].as_str().unwrap().to_owned();
                let mut count = 0;
                for attribute in record["attributes"].as_array().unwrap() {
                    let value = attribute["value"].as_object().unwrap().values().next().unwrap();
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    match attribute["key"].as_str().unwrap() {
                        "count" => count = value.parse().unwrap(),
                        key if key.contains('.') => {}
                        key => name += &format!(" {key}={value}"),
                    }
                }
                assert_eq!(found.insert(name, count), None);
            }
        }
        found
    }
}

fn counted(list: &[(&str, u64)]) -> BTreeMap<String, u64> {
    list.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

const LIMIT: Duration = Duration::from_secs(20);
const CONTROLLER: Controller = controller::by("Example SAS", "privacy@example.org", "FR")
    .address("Paris")
    .address_log(AddressLog::NotKept)
    .erasure(Erasure::Unsupported);

fn yes() {
    let notice = consent::notice(USAGE).unwrap();
    consent::grant(USAGE.shown(&notice)).unwrap();
}

#[test]
fn they_are_events_like_any_other_and_nothing_without_a_grant() {
    // Before `init`, too.
    OPENED.add();
    drop(STARTED.start());
    let home = tempfile::tempdir().unwrap();
    let clock = Steps { began: Instant::now(), passed: Arc::default(), silent: Arc::default() };
    let keeps = Keeps::default();
    let config = Config::new("org.example.shorthand", CONTROLLER, Audience::Adults)
        .directories(home.path().join("a"), home.path().join("b"))
        .transport("a test", keeps.clone())
        .clock(clock.clone())
        .lift_ci_block();
    let _candor = candor::init(config).unwrap();

    // Promise 1: no clock is read, and no cause is asked for.
    clock.silent.store(true, Ordering::SeqCst);
    OPENED.add();
    PRINTED.add(Paper::A4);
    LISTED.add(7);
    let before_the_yes = STARTED.start();
    drop(EXPORTED.start(Paper::A4));
    BACKUP.succeeded();
    BACKUP.failed();
    assert_eq!(BACKUP.of(Err::<(), _>("no")), Err("no"));
    let asked = |_: &&str| -> Cause { panic!("a cause was asked for") };
    assert_eq!(SYNC.of(Err::<(), _>("no"), asked), Err("no"));
    assert_eq!(format!("{before_the_yes:?}"), "Timer(program.started, not granted)");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    clock.silent.store(false, Ordering::SeqCst);

    yes();
    // Promise 5: what began before the yes is not recorded.
    clock.pass(100);
    drop(before_the_yes);
    for round in 0..3 {
        OPENED.add();
        PRINTED.add(Paper::Letter);
        LISTED.add(7);
        let timer = STARTED.start();
        assert_eq!(format!("{timer:?}"), "Timer(program.started, running)");
        let export = EXPORTED.start(Paper::A4);
        clock.pass(130);
        drop(timer);
        clock.pass(1_000);
        // It may end on another thread.
        std::thread::spawn(move || drop(export)).join().unwrap();
        if round < 2 {
            BACKUP.succeeded();
        }
        assert_eq!(BACKUP.of(Ok::<_, ()>(5)), Ok(5));
        BACKUP.failed();
        SYNC.succeeded();
        SYNC.failed(Cause::Other);
        assert_eq!(SYNC.of(Err::<(), _>("no"), |_| Cause::DiskFull), Err("no"));
    }
    // None of these is recorded.
    STARTED.start().discard();
    let panics = catch_unwind(AssertUnwindSafe(|| {
        let _timer = STARTED.start();
        panic!("on purpose");
    }));
    assert!(panics.is_err());
    // The events themselves, for a client of one's own or for `record_durable`.
    for _ in 0..3 {
        candor::record_durable(PRINTED.event(Paper::A4));
        candor::record_durable(STARTED.event(Duration::from_secs(3)));
    }
    let page = candor::manifest().unwrap();
    let scope = page.scope(USAGE).unwrap();
    let event = scope.could_send.iter().find(|event| event.name == "sync.tried").unwrap();
    assert_eq!(event.description, "A synchronisation was tried.");
    let fields: Vec<_> = event.fields.iter().map(|field| (field.name, field.description)).collect();
    assert_eq!(fields, [("succeeded", "Whether it succeeded."), ("cause", "Why it failed, if it did.")]);
    assert_eq!(scope.could_send.len(), 7);

    clock.pass(86_400_000);
    assert_eq!(
        keeps.sent(),
        counted(&[
            ("backup.tried succeeded=false", 3),
            ("backup.tried succeeded=true", 5),
            ("list.shown entries=5", 3),
            ("page.exported took=738 paper=a4", 3),
            ("page.printed paper=a4", 3),
            ("page.printed paper=letter", 3),
            ("program.opened", 3),
            ("program.started took=2050", 3),
            ("program.started took=96", 3),
            ("sync.tried succeeded=false cause=disk_full", 3),
            ("sync.tried succeeded=false cause=other", 3),
            ("sync.tried succeeded=true", 3),
        ])
    );

    // What began under one decision is not recorded under another one, nor under none.
    let timers: Vec<_> = (0..6).map(|_| EXPORTED.start(Paper::Other)).collect();
    let mut timers = timers.into_iter();
    assert!(consent::withdraw(USAGE).unwrap().confirmed);
    timers.by_ref().take(3).for_each(drop);
    yes();
    timers.for_each(drop);
    (0..3).for_each(|_| OPENED.add()); // the control
    clock.pass(86_400_000);
    assert_eq!(keeps.sent(), counted(&[("program.opened", 3)]));
}
