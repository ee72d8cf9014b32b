//! Requests erasure, cancels it and carries it out, with a fault at every changing disk call. The erasure request is recorded
//! completely or not at all. An interrupted request is sent again and never lost. A step that was begun finishes automatically.

use super::{
    CRASH, Happened, calls, config,
    faulty::{Fault, Faulty},
};
use crate::{
    Answer, Client, Clock, Config, Erasure, Parcel, SendError, Transport,
    ambient::SystemClock,
    consent::{ErasureState, ErasureStatus},
    disk::{Disk, System},
    sync::Mutex,
};
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

/// A request that was taken: whether it was for erasure, its key and its body.
pub(super) type Taken = (bool, String, Vec<u8>);

/// A transport that accepts everything and keeps a list of the requests. It is also a clock, which the tests move forward.
#[derive(Clone, Default)]
pub(super) struct Taker(Arc<Mutex<Vec<Taken>>>, Arc<AtomicU64>);

impl Taker {
    /// Lets time pass, in seconds.
    pub(super) fn pass(&self, seconds: u64) {
        self.1.fetch_add(seconds, Ordering::SeqCst);
    }

    /// The requests that were taken.
    pub(super) fn taken(&self) -> Vec<Taken> {
        self.0.lock().clone()
    }
}

impl Clock for Taker {
    fn now(&self) -> SystemTime {
        SystemClock.now() + Duration::from_secs(self.1.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Instant {
        SystemClock.monotonic() + Duration::from_secs(self.1.load(Ordering::SeqCst))
    }
}

impl Transport for Taker {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        self.0.lock().push((parcel.is_erasure(), parcel.idempotency_key().to_owned(), parcel.body().to_owned()));
        Ok(Answer::Accepted { rejected: 0 })
    }
}

/// The configuration of the program in these tests.
pub(super) fn settings(home: &Path, taker: &Taker) -> Config {
    let config = config(home);
    let controller = config.controller.erasure(Erasure::WithinDays(30));
    Config { controller, ..config }.transport("a test", taker.clone()).clock(taker.clone())
}

pub(super) fn open<D: Disk>(home: &Path, taker: &Taker, disk: Option<&Arc<D>>) -> Client {
    let mut config = settings(home, taker);
    if let Some(disk) = disk {
        config.disk = disk.clone();
    }
    Client::new(config).unwrap()
}

/// Calls `open` with the real disk.
pub(super) fn start(home: &Path, taker: &Taker) -> Client {
    open(home, taker, None::<&Arc<Faulty>>)
}

/// How many requests were sent from each prepared store.
const LEFT: usize = 2;

/// Makes a store from which two requests were sent, and whose grant was then withdrawn.
pub(super) fn prepare(home: &Path) {
    let client = start(home, &Taker::default());
    client.grant(CRASH).unwrap();
    for times in 1..=LEFT as u32 {
        client.record_durable(Happened { times });
        assert_eq!(client.flush(Duration::from_secs(20)).unwrap().requests, 1);
    }
    client.withdraw(CRASH).unwrap();
}

pub(super) fn pending(status: &ErasureStatus) -> usize {
    status.requests.iter().filter(|request| request.state == ErasureState::Pending).count()
}

pub(super) const HOUR: u64 = 3_600;
/// Every request is due by then, in seconds.
pub(super) const WEEK: u64 = 7 * 24 * HOUR;

/// Makes what is missing, lets a week pass, and sends until nothing is pending. Returns how many different erasure requests were taken, and how often they were taken in all.
pub(super) fn carried_out(client: &Client, taker: &Taker) -> (usize, usize) {
    // If making the requests was interrupted, this makes them.
    let _ = client.flush(Duration::from_secs(20)).unwrap();
    taker.pass(WEEK);
    for _ in 0..5 {
        // Two requests are at most an hour and a minute apart. An attempt that was cut short is retried sooner.
        taker.pass(2 * HOUR);
        let _ = client.flush(Duration::from_secs(20)).unwrap();
    }
    assert_eq!(pending(&client.erasures(CRASH).unwrap()), 0);
    let taken = taker.0.lock();
    let erasures = taken.iter().filter(|taken| taken.0);
    let bodies: BTreeSet<&Vec<u8>> = erasures.clone().map(|taken| &taken.2).collect();
    let keys: BTreeSet<&String> = erasures.clone().map(|taken| &taken.1).collect();
    assert_eq!(bodies.len(), keys.len(), "the same request has the same key");
    (bodies.len(), erasures.count())
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            System.make_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Counts the files below a directory that are in a sent log and hold the body of a request.
fn bodies_kept(below: &Path) -> usize {
    let entries = std::fs::read_dir(below).unwrap().flatten().map(|entry| entry.path());
    entries
        .map(|path| match path.is_dir() {
            true => bodies_kept(&path),
            false => {
                let logged = path.components().any(|part| part.as_os_str() == "sent");
                usize::from(logged && std::fs::read_to_string(path).unwrap().contains("resourceLogs"))
            }
        })
        .sum()
}

/// Runs `before` on a store that `prepare` made, then `act`, that many seconds `later`, on a copy of it with a fault at every
/// changing call in turn. Passes
/// the result of `act` to `check`. Returns how many faults were tried.
fn at_every_call<T>(
    fault: Fault,
    later: u64,
    before: impl Fn(&Client),
    act: impl Fn(&Client) -> T,
    check: impl Fn(u64, T, &Path, &Taker),
) -> u64 {
    let model = tempfile::tempdir().unwrap();
    prepare(model.path());
    before(&start(model.path(), &Taker::default()));
    for at in calls() {
        let (home, taker) = (tempfile::tempdir().unwrap(), Taker::default());
        copy(model.path(), home.path());
        taker.pass(later);
        let disk = Faulty::new(fault);
        let client = open(home.path(), &taker, Some(&disk));
        disk.arm(at);
        let answer = act(&client);
        let calls = disk.calls();
        drop(client);
        if calls <= at {
            return at;
        }
        check(at, answer, home.path(), &taker);
    }
    unreachable!("every act ends")
}

#[test]
fn asking_is_before_or_after_whatever_fails() {
    for fault in [Fault::Once, Fault::Dead] {
        let faults = at_every_call(
            fault,
            0,
            |_| (),
            |client| client.erase(CRASH),
            |at, answer, home, taker| {
                let fresh = start(home, taker);
                let (requests, _) = carried_out(&fresh, taker);
                match answer {
                    Ok(_) => assert_eq!(requests, LEFT, "{fault:?} at call {at}: all of it"),
                    Err(error) => {
                        assert!(error.is_store(), "{fault:?} at call {at}: {error}");
                        assert!(
                            [0, LEFT].contains(&requests),
                            "{fault:?} at call {at}: {requests}, which is half an erasure request"
                        );
                    }
                }
                fresh.erase(CRASH).unwrap();
                assert_eq!(carried_out(&fresh, taker).0, LEFT, "{fault:?} at call {at}");
            },
        );
        assert!(faults > 20, "only {faults} calls were tried");
    }
}

#[test]
fn a_request_that_was_interrupted_is_made_again_and_none_is_lost() {
    for fault in [Fault::Once, Fault::Dead] {
        let faults = at_every_call(
            fault,
            WEEK,
            |client| drop(client.erase(CRASH).unwrap()),
            |client| client.flush(Duration::from_secs(20)).unwrap(),
            |at, _, home, taker| {
                let fresh = start(home, taker);
                let (requests, tries) = carried_out(&fresh, taker);
                assert_eq!(requests, LEFT, "{fault:?} at call {at}");
                assert!(tries <= LEFT + 1, "{fault:?} at call {at}: {tries} tries");
                let status = fresh.erasures(CRASH).unwrap();
                assert_eq!((status.requests.len(), status.damaged), (LEFT, 0), "{fault:?} at call {at}: {status}");
            },
        );
        assert!(faults > 10, "only {faults} calls were tried");
    }
}

#[test]
fn what_was_taken_back_stays_taken_back() {
    for fault in [Fault::Once, Fault::Dead] {
        let faults = at_every_call(
            fault,
            0,
            |client| drop(client.erase(CRASH).unwrap()),
            |client| client.cancel_erasure(CRASH),
            |at, answer, home, taker| {
                let fresh = start(home, taker);
                let (requests, _) = carried_out(&fresh, taker);
                match answer {
                    Ok(_) => assert_eq!(requests, 0, "{fault:?} at call {at}"),
                    Err(error) => assert!(error.is_store(), "{fault:?} at call {at}: {error}"),
                }
            },
        );
        assert!(faults > 5, "only {faults} calls were tried");
    }
}

#[test]
fn no_contents_stay_once_that_was_asked_for_whatever_fails() {
    // Both kinds of fault: first while the kept contents are switched off, then while data is sent.
    let bodies = |home: &Path, taker: &Taker| {
        let client = start(home, taker);
        let page = client.manifest().unwrap();
        let scope = page.scopes.iter().find(|scope| scope.name == CRASH.name()).unwrap();
        (scope.sent.iter().filter(|sent| !sent.body.is_empty()).count(), scope.keeps_contents)
    };
    for fault in [Fault::Once, Fault::Dead] {
        let faults = at_every_call(
            fault,
            0,
            |_| (),
            |client| client.discard_contents(CRASH),
            |at, answer, home, taker| match (answer, bodies(home, taker)) {
                (Ok(()), kept) => assert_eq!(kept, (0, false), "{fault:?} at call {at}"),
                // If the change was noted before the fault, the next start has finished it.
                (Err(error), kept) => {
                    assert!(error.is_store(), "{fault:?} at call {at}: {error}");
                    assert!([(LEFT, true), (0, false)].contains(&kept), "{fault:?} at call {at}: {kept:?}");
                }
            },
        );
        assert!(faults > 5, "only {faults} calls were tried");
        let faults = at_every_call(
            fault,
            0,
            |client| {
                client.grant(CRASH.shown(&client.notice(CRASH).unwrap())).unwrap();
                client.discard_contents(CRASH).unwrap();
                client.record_durable(Happened { times: 3 });
            },
            |client| client.flush(Duration::from_secs(20)).unwrap(),
            |at, _, home, taker| {
                assert_eq!(bodies_kept(home), 0, "{fault:?} at call {at}: before anything is repaired");
                assert_eq!(bodies(home, taker), (0, false), "{fault:?} at call {at}");
                let left = taker.0.lock().iter().filter(|taken| !taken.0).count();
                let fresh = start(home, taker);
                let page = fresh.manifest().unwrap();
                let noted = page.scopes.iter().find(|scope| scope.name == CRASH.name()).unwrap().sent.len();
                // A process that died at the receiver's answer sends again under the same key, and logs it only then.
                let died = usize::from(fault == Fault::Dead);
                assert!(noted + died >= LEFT + left, "{fault:?} at call {at}: {noted} noted, {left} left");
                // What was sent can be named in an erasure request.
                let status = fresh.erasures(CRASH).unwrap();
                assert!(status.nameable >= LEFT as u64, "{fault:?} at call {at}: {status}");
            },
        );
        assert!(faults > 10, "only {faults} calls were tried");
    }
}

#[test]
fn nothing_leaves_whose_ids_are_not_on_disk() {
    for fault in [Fault::Once, Fault::Dead] {
        for at in calls() {
            let (home, taker) = (tempfile::tempdir().unwrap(), Taker::default());
            let disk = Faulty::new(fault);
            let client = open(home.path(), &taker, Some(&disk));
            client.grant(CRASH).unwrap();
            client.record_durable(Happened { times: 5 });
            disk.arm(at);
            let _ = client.flush(Duration::from_secs(20)).unwrap();
            let calls = disk.calls();
            drop(client);
            let left = taker.0.lock().len() as u64;
            let status = start(home.path(), &taker).erasures(CRASH).unwrap();
            assert!(status.nameable >= left.min(1), "{fault:?} at call {at}: {left} left, and none can be named");
            assert!(status.left >= status.nameable, "{fault:?} at call {at}");
            if calls <= at {
                assert_eq!((left, status.nameable, status.left), (1, 1, 1), "the control");
                assert!(at > 20, "only {at} calls were tried");
                break;
            }
        }
    }
}
