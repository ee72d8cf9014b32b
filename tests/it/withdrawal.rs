//! Promise 6, withdrawal is immediate and provable: once it is confirmed no process hands over another byte, pending
//! data is destroyed, and the receipt says what was done. If the withdrawal can't be confirmed, the receipt says
//! that.

use crate::{
    child,
    events::{CONNECTIVITY, PLAYBACK, USAGE, film, opened, unreachable},
    files, forge,
    home::{DAY, HANG, HOUR, Home, flush, say_yes, send, wait_for},
    server::{Say, Server},
};
use candor::{Answer, Client, Parcel, Scope, SendError, Transport};
use std::{
    fs::{self, File},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// Whether no process holds a permit of the scope.
pub(crate) fn nobody_sends(home: &Home, scope: Scope) -> bool {
    let _unforked = child::unforked();
    let life = home.store().join(format!("{}.life", scope.name()));
    File::open(life).unwrap().try_lock().is_ok()
}

/// Records enough for a request that does not fit into the kernels' buffers between here and a receiver that does not read.
fn a_large_request(client: &Client) {
    for _ in 0..190 {
        client.record_durable(opened(2));
    }
}

#[test]
fn a_request_under_way_is_cut_off() {
    for withdrawn_elsewhere in [false, true] {
        let (home, server) = (Home::new(), Server::always(Say::Deaf));
        let client = home.start_granted(&server, &[USAGE]);
        let other = home.start(&server);
        a_large_request(&client);
        let decides = if withdrawn_elsewhere { &other } else { &client };
        let (flushed, length, receipt) = thread::scope(|threads| {
            let flushing = threads.spawn(|| flush(&client));
            wait_for("the connection", || server.connections() == 1);
            let length = forge::read_batch(&home.waiting("outbox", USAGE)[0]).1.len();
            thread::sleep(Duration::from_millis(20)); // so that part of it is sent
            assert!(!nobody_sends(&home, USAGE), "the control: it is being sent");
            let receipt = decides.withdraw(USAGE).unwrap();
            assert!(nobody_sends(&home, USAGE), "confirmed means that every connection is gone");
            (flushing.join().unwrap(), length, receipt)
        });
        assert!(receipt.confirmed && receipt.recorded && receipt.destroyed.complete, "{receipt}");
        assert_eq!((flushed.requests, flushed.records), (0, 0), "{flushed:?}");
        assert!(flushed.trouble.unwrap().contains("consent ended"));
        server.listen();
        wait_for("the receiver to see the end", || server.open() == 0);
        assert!(length > 50 << 10 && server.bytes() < length, "{} of {length} bytes arrived", server.bytes());
        assert!(home.all_waiting().is_empty());
        // Nothing is sent afterwards.
        a_large_request(&client);
        a_large_request(&other);
        home.clock.advance(DAY * 2);
        send(&client);
        send(&other);
        assert_eq!((server.connections(), server.requests().len()), (1, 0));
        assert!(client.manifest().unwrap().scope(USAGE).unwrap().sent.is_empty());
    }
}

/// A transport that hands over its parcel slice by slice for as long as it may, and notes the time of each slice.
struct Slices(Arc<Mutex<Vec<Instant>>>);

impl Transport for Slices {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        let until = Instant::now() + HANG;
        while parcel.may_leave() {
            self.0.lock().unwrap().push(Instant::now());
            if Instant::now() > until {
                return Err(SendError::TimedOut("nobody withdrew"));
            }
        }
        Err(SendError::Stopped)
    }
}

#[test]
fn no_slice_is_handed_over_after_a_confirmed_return() {
    let home = Home::new();
    let slices: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let start = || Client::new(home.nowhere().transport("a test", Slices(slices.clone()))).unwrap();
    let clients = [start(), start()];
    for round in 0..20 {
        say_yes(&clients[0], USAGE);
        clients[round % 2].record_durable(opened(2));
        if round % 2 == 1 {
            let _ = clients[1].manifest().unwrap(); // reads the store and so finds the new grant
            clients[1].record_durable(opened(2));
        }
        slices.lock().unwrap().clear();
        thread::scope(|threads| {
            let flushing = threads.spawn(|| flush(&clients[round % 2]));
            wait_for("slices", || slices.lock().unwrap().len() > 3);
            let receipt = clients[0].withdraw(USAGE).unwrap();
            let returned = Instant::now();
            assert!(receipt.confirmed);
            let _ = flushing.join().unwrap();
            let last = *slices.lock().unwrap().last().unwrap();
            assert!(last <= returned, "round {round}: a slice {:?} after the return", last - returned);
        });
    }
}

/// A transport whose receiver rejects every request as too large. Its first answer comes after the person has withdrawn.
struct TooLargeTooLate {
    sent: AtomicUsize,
    under_way: Mutex<mpsc::Sender<()>>,
    withdrawn: Mutex<mpsc::Receiver<()>>,
}

impl Transport for TooLargeTooLate {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        drop(parcel); // this drops the permit as well: no more of the parcel can be sent
        if self.sent.fetch_add(1, Ordering::SeqCst) == 0 {
            self.under_way.lock().unwrap().send(()).unwrap();
            self.withdrawn.lock().unwrap().recv_timeout(HANG).unwrap();
        }
        Ok(Answer::TooLarge)
    }
}

#[test]
fn a_late_answer_brings_nothing_back() {
    let home = Home::new();
    let (under_way, is_under_way) = mpsc::channel();
    let (withdraw, withdrawn) = mpsc::channel();
    let transport = TooLargeTooLate {
        sent: AtomicUsize::new(0),
        under_way: Mutex::new(under_way),
        withdrawn: Mutex::new(withdrawn),
    };
    let client = Client::new(home.nowhere().transport("a test", transport)).unwrap();
    client.grant(USAGE).unwrap();
    for _ in 0..4 {
        client.record_durable(opened(2));
    }
    thread::scope(|threads| {
        let flushing = threads.spawn(|| flush(&client));
        is_under_way.recv_timeout(HANG).unwrap();
        assert!(client.withdraw(USAGE).unwrap().destroyed.complete && home.all_waiting().is_empty());
        withdraw.send(()).unwrap();
        let _ = flushing.join().unwrap();
    });
    assert!(home.all_waiting().is_empty(), "back again: {:?}", home.all_waiting());
}

#[test]
fn a_batch_under_construction_is_not_left_behind() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let mut left = 0;
    for round in 0..30 {
        say_yes(&client, USAGE);
        for _ in 0..60 {
            client.record_durable(opened(2));
        }
        thread::scope(|threads| {
            let flushing = threads.spawn(|| flush(&client));
            thread::sleep(Duration::from_micros(round * 150));
            assert!(client.withdraw(USAGE).unwrap().destroyed.complete);
            let _ = flushing.join().unwrap();
        });
        left += home.all_waiting().len();
    }
    assert_eq!(left, 0, "files that came back after everything was destroyed");
}

#[test]
fn after_a_withdrawal_elsewhere_nothing_more_is_kept_here() {
    for (before, durable) in [(false, false), (false, true), (true, false), (true, true)] {
        let (home, server) = (Home::new(), Server::new());
        let (one, other) = (home.start_granted(&server, &[USAGE]), home.start(&server));
        if before {
            other.record_durable(opened(2));
        }
        wait_for("both workers to sleep", || home.schedule(USAGE).is_some());
        assert!(one.withdraw(USAGE).unwrap().confirmed);
        assert!(home.all_waiting().is_empty());
        if durable {
            other.record_durable(opened(2));
        } else {
            other.record(opened(2));
            let _ = other.manifest().unwrap();
        }
        assert!(home.all_waiting().is_empty(), "before {before}, durable {durable}: {:?}", home.all_waiting());
    }
}

#[test]
fn the_receipt_counts_what_was_destroyed() {
    let (home, server) = (Home::new(), Server::new());
    server.say([Say::status(503)]);
    let client = home.start_granted(&server, &[CONNECTIVITY, USAGE, PLAYBACK]);
    client.record_durable(unreachable());
    client.record_durable(opened(2));
    send(&client); // builds one batch of the first scope, which stays pending
    home.clock.advance(HOUR);
    for _ in 0..3 {
        client.record_durable(unreachable());
        client.record_durable(film());
    }
    for (scope, least) in [(CONNECTIVITY, 2), (PLAYBACK, 1)] {
        let held: Vec<_> = ["waiting", "counts", "outbox"].iter().flat_map(|kind| home.waiting(kind, scope)).collect();
        let bytes: u64 = held.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
        assert!(held.len() >= least, "{held:?}");
        let destroyed = client.withdraw(scope).unwrap().destroyed;
        assert!(destroyed.complete && destroyed.secret);
        assert_eq!((destroyed.files, destroyed.bytes), (held.len() as u64, bytes), "{held:?}");
        assert!(held.iter().all(|path| !path.exists()));
    }
}

#[test]
fn the_secret_behind_the_codes_is_destroyed_and_only_that_one() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[CONNECTIVITY, USAGE]);
    let secrets = || forge::unsealed(&home.store().join("keys"));
    let before = secrets();
    let secret = before["connectivity"].as_str().unwrap().to_owned();
    assert_eq!(secret.len(), 64);
    assert!(client.withdraw(CONNECTIVITY).unwrap().destroyed.secret);
    assert_eq!((secrets().get("connectivity"), &secrets()["usage"]), (None, &before["usage"]));
    let holds_it = |bytes: &Vec<u8>| bytes.windows(64).any(|part| part == secret.as_bytes());
    assert!(!files::tree(&home.path()).values().any(holds_it), "nowhere");
    assert!(!client.withdraw(CONNECTIVITY).unwrap().destroyed.secret, "there was none the second time");
    say_yes(&client, CONNECTIVITY);
    assert_ne!(secrets()["connectivity"], secret.as_str());
}

#[test]
fn other_scopes_go_on() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, CONNECTIVITY]);
    client.record_durable(unreachable());
    client.record_durable(opened(2));
    assert!(client.withdraw(USAGE).unwrap().confirmed);
    client.record_durable(unreachable());
    let flushed = flush(&client);
    assert_eq!((flushed.requests, flushed.records), (1, 2));
    assert!(server.lines().iter().all(|line| line.contains("server.unreachable")));
}

#[test]
fn nothing_is_sent_about_a_withdrawal() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, CONNECTIVITY, PLAYBACK]);
    client.withdraw(USAGE).unwrap();
    client.deny(CONNECTIVITY).unwrap();
    client.withdraw(PLAYBACK).unwrap();
    home.clock.advance(DAY);
    send(&client);
    client.shutdown(HANG);
    assert_eq!((server.connections(), server.bytes()), (0, 0));
}
