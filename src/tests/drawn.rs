//! A day's counts are drawn at random once. No fault of the disk or of the entropy makes a recipient get two drawings of a day, or
//! a count that was not drawn.

use super::{
    CRASH, calls, config,
    cost::Days,
    faulty::{Fault, Faulty},
};
use crate::{
    Answer, Client, Clock, Parcel, SendError, Transport,
    ambient::Entropy,
    disk::Disk,
    mutants::{Mutant, with},
    sync::Mutex,
};
use std::{
    collections::BTreeSet,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

/// Something was counted.
#[derive(candor_derive::Event)]
#[event(name = "drawn.counted", scope = CRASH, linkage = rollup, crate = crate)]
struct Counted {
    /// Whether by hand.
    by_hand: bool,
}

const LONG: Duration = Duration::from_secs(60);

/// Takes what arrives, and keeps each distinct record.
#[derive(Clone, Default)]
struct Taken(Arc<Mutex<BTreeSet<String>>>);

impl Transport for Taken {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        let body: serde_json::Value = serde_json::from_slice(parcel.body()).unwrap();
        let records = body.pointer("/resourceLogs/0/scopeLogs/0/logRecords").unwrap().as_array().unwrap();
        self.0.lock().extend(records.iter().map(ToString::to_string));
        Ok(Answer::Accepted { rejected: 0 })
    }
}

struct World {
    home: tempfile::TempDir,
    clock: Days,
    taken: Taken,
}

impl World {
    /// A day is over, on which the event happened seven times: halfway between two steps.
    fn new() -> Self {
        let start = super::Start.now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let clock = Days(Arc::new(AtomicU64::new(start)));
        let world = World { home: tempfile::tempdir().unwrap(), clock, taken: Taken::default() };
        let client = world.start(|_| ());
        client.grant(CRASH).unwrap();
        (0..7).for_each(|_| client.record_durable(Counted { by_hand: true }));
        drop(client);
        world.clock.0.fetch_add(86_400, Ordering::SeqCst);
        world
    }

    /// A client that starts no thread, so that every call is made by the caller.
    fn start(&self, change: impl FnOnce(&mut crate::Config)) -> Client {
        let mut config = config(self.home.path()).transport("taken", self.taken.clone()).clock(self.clock.clone());
        change(&mut config);
        Client::without_worker(config).unwrap()
    }

    fn on(&self, disk: &Arc<impl Disk + 'static>) -> Client {
        self.start(|config| config.disk = disk.clone())
    }

    /// What arrived: the counts of all distinct records.
    fn arrived(&self) -> Vec<u64> {
        let count = |record: &String| {
            let (_, rest) = record.split_once(r#""key":"count","value":{"intValue":""#).unwrap();
            rest.split_once('"').unwrap().0.parse().unwrap()
        };
        self.taken.0.lock().iter().map(count).collect()
    }
}

/// Sends with a fault at each changing call in turn, and then without one. Returns how many calls were tried, and those after which
/// a day arrived otherwise than once.
fn sweep(fault: Fault) -> (u64, Vec<u64>) {
    let mut wrong = Vec::new();
    for at in calls() {
        let world = World::new();
        let disk = Faulty::new(fault);
        let client = world.on(&disk);
        disk.arm(at);
        let _ = client.flush(LONG); // it may fail here, and what counts is what arrives
        let calls = disk.calls();
        if fault == Fault::Once {
            let _ = client.flush(LONG); // the same
        }
        drop(client);
        if calls <= at {
            return (at, wrong);
        }
        // A try that failed is made again later.
        for _ in 0..3 {
            world.clock.0.fetch_add(40_000, Ordering::SeqCst);
            let _ = world.start(|_| ()).flush(LONG); // the same
        }
        let arrived = world.arrived();
        if arrived.len() != 1 || !(arrived == [5] || arrived == [9]) {
            wrong.push(at);
        }
    }
    unreachable!("every flush ends")
}

#[test]
fn no_fault_of_the_disk_draws_a_day_twice() {
    for fault in [Fault::Once, Fault::Dead] {
        let (faults, wrong) = sweep(fault);
        assert!(faults > 20, "only {faults} calls were tried");
        assert!(wrong.is_empty(), "{fault:?} at calls {wrong:?}");
    }
}

/// Only the call that marks the day as closed shows the mistake, so each call is tried.
#[test]
fn a_day_that_leaves_before_it_is_closed_is_noticed() {
    let world = World::new();
    let disk = Arc::new(NoMarker(Mutex::new(true)));
    let client = world.on(&disk);
    with(Some(Mutant::UnclosedDayIsTaken), || drop(client.flush(LONG)));
    *disk.0.lock() = false;
    assert_eq!(world.arrived().len(), 1, "it left although it was not closed");
    drop(client.flush(LONG));
    assert_eq!(world.arrived().len(), 2, "and again");
}

#[test]
fn a_day_that_could_not_be_closed_leaves_later() {
    let world = World::new();
    let disk = Arc::new(NoMarker(Mutex::new(true)));
    let client = world.on(&disk);
    let flushed = client.flush(LONG).unwrap();
    assert!(flushed.trouble.is_some(), "{flushed:?}");
    assert!(world.arrived().is_empty());
    *disk.0.lock() = false;
    assert_eq!(client.flush(LONG).unwrap().requests, 1);
    assert_eq!(world.arrived().len(), 1);
}

/// The real disk, on which a day can't be marked as closed.
struct NoMarker(Mutex<bool>);

impl Disk for NoMarker {
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if *self.0.lock() && to.extension().is_some_and(|name| name == "closed") {
            return Err(io::ErrorKind::StorageFull.into());
        }
        crate::disk::System.rename(from, to)
    }

    super::real!(stat make_dir list read read_shared create append lock_file remove_file remove_tree sync_dir);
}

/// Random bytes, until it is switched off.
struct Scarce(Mutex<bool>);

impl Entropy for Arc<Scarce> {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        if *self.0.lock() {
            return Err(io::Error::other("there is no entropy"));
        }
        crate::ambient::SystemEntropy.fill(bytes)
    }
}

#[test]
fn without_entropy_a_day_is_left_for_later() {
    let world = World::new();
    let scarce = Arc::new(Scarce(Mutex::new(false)));
    let client = world.start(|config| config.entropy = Arc::new(scarce.clone()));
    *scarce.0.lock() = true;
    drop(client.flush(LONG));
    assert!(world.arrived().is_empty());
    *scarce.0.lock() = false;
    assert_eq!(client.flush(LONG).unwrap().requests, 1);
    let arrived = world.arrived();
    assert!(arrived == [5] || arrived == [9], "{arrived:?}");
}

#[test]
fn a_count_is_sent_as_one_of_its_two_steps() {
    let mut seen = BTreeSet::new();
    for _ in 0..64 {
        let world = World::new();
        drop(world.start(|_| ()).flush(LONG).unwrap());
        seen.extend(world.arrived());
        if seen.len() == 2 {
            break;
        }
    }
    // That only one of them is drawn in 64 tries has a probability of 1 in 2^63.
    assert_eq!(seen, BTreeSet::from([5, 9]));
}
