//! Promise 6, when a withdrawal can't be confirmed: it is in force all the same, and every receipt says what is known.

use crate::{
    events::{PLAYBACK, USAGE, opened},
    files,
    home::{HANG, Home, flush, say_yes, send, state, wait_for},
    server::Server,
    withdrawal::nobody_sends,
};
use candor::{
    Answer, Client, Parcel, SendError, Transport,
    consent::{Decision, State, WhyNot},
};
use std::{
    fs::{self, File},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// A transport that keeps its parcel until it is released and checks nothing meanwhile. From outside it looks like a
/// stopped process.
struct Stopped {
    holds: Arc<AtomicBool>,
    release: Arc<AtomicBool>,
}

impl Transport for Stopped {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        self.holds.store(true, Ordering::SeqCst);
        while !self.release.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
        drop(parcel);
        Err(SendError::Stopped)
    }
}

/// Runs `act` while a process that does not respond holds a permit.
fn while_somebody_is_stopped(act: impl FnOnce(&Home, &Client)) {
    let home = Home::new();
    let (holds, release) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let transport = Stopped { holds: holds.clone(), release: release.clone() };
    let client = Client::new(home.nowhere().transport("a test", transport)).unwrap();
    client.grant(USAGE).unwrap();
    client.record_durable(opened(2));
    thread::scope(|threads| {
        threads.spawn(|| flush(&client));
        wait_for("the stopped sender", || holds.load(Ordering::SeqCst));
        let acted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| act(&home, &client)));
        release.store(true, Ordering::SeqCst);
        acted.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    // Once that process continues, the same call confirms.
    assert!(client.withdraw(USAGE).unwrap().confirmed);
}

#[test]
fn where_somebody_does_not_answer_the_receipt_says_so() {
    while_somebody_is_stopped(|home, client| {
        let receipt = client.withdraw(USAGE).unwrap();
        assert!(!receipt.confirmed && receipt.recorded && receipt.decision == Decision::Withdrawn);
        assert!(receipt.to_string().contains("but a process that may hold a connection did not answer"), "{receipt}");
        assert_eq!(state(client, USAGE), State::Withdrawn, "it is in force all the same");
        assert!(home.all_waiting().is_empty());
    });
}

#[test]
fn a_second_withdrawal_confirms_no_more_than_is_so() {
    while_somebody_is_stopped(|home, client| {
        assert!(!client.withdraw(USAGE).unwrap().confirmed);
        assert!(!nobody_sends(home, USAGE));
        assert!(!client.withdraw(USAGE).unwrap().confirmed, "somebody still holds a permit");
    });
}

#[test]
fn a_receipt_that_is_read_back_confirms_no_more_than_is_so() {
    while_somebody_is_stopped(|_, client| {
        assert!(!client.withdraw(USAGE).unwrap().confirmed);
        assert!(!client.receipt(USAGE).unwrap().confirmed);
    });
}

#[test]
fn with_damaged_records_a_withdrawal_confirms_no_more_than_is_so() {
    while_somebody_is_stopped(|home, client| {
        let ledger = home.store().join("ledger.jsonl");
        files::write(&ledger, &files::flipped(&fs::read(&ledger).unwrap(), 40));
        let receipt = client.withdraw(USAGE).unwrap();
        assert!(!nobody_sends(home, USAGE));
        assert!(!receipt.confirmed, "somebody still holds a permit");
    });
}

#[test]
fn a_withdrawal_waits_for_no_lock_for_long() {
    for decided_in_one_that_runs in [true, false] {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
        let other = home.start(&server);
        client.record_durable(opened(2));
        let lock = File::open(home.store().join("consent.lock")).unwrap();
        lock.lock().unwrap();
        let receipt = client.withdraw(USAGE).unwrap();
        assert!(!receipt.confirmed && !receipt.recorded, "{receipt}");
        assert!(receipt.to_string().contains("but another process keeps the lock of decisions"), "{receipt}");
        for client in [&client, &other] {
            assert!(!client.status(USAGE).unwrap().is_open());
            client.record_durable(opened(9));
            assert_eq!(client.flush(HANG).unwrap().requests, 0);
        }
        assert!(home.waiting("waiting", USAGE).is_empty() && home.waiting("outbox", USAGE).is_empty());
        client.record_with(|| -> crate::events::LibraryOpened { panic!("it was withdrawn") });
        let error = client.grant(USAGE).unwrap_err();
        assert!(error.is_store() && error.to_string().contains("another process holds"), "{error}");
        drop(lock);
        // The withdrawal stays in force until a new grant, and closes no other scope.
        let client = if decided_in_one_that_runs {
            client
        } else {
            drop((client, other));
            home.start(&server)
        };
        assert!(client.grant(USAGE).unwrap_err().needs_notice());
        assert!(!client.status(USAGE).unwrap().is_open() && client.status(PLAYBACK).unwrap().is_open());
        send(&client);
        assert_eq!(server.connections(), 0);
        say_yes(&client, USAGE);
        client.record_durable(opened(700));
        send(&client);
        let lines = server.lines();
        assert!(lines.len() == 1 && lines[0].contains(r#""intValue":"513""#), "{lines:#?}");
        drop(client);
        assert!(home.start(&server).status(USAGE).unwrap().is_open());
    }
}

/// A prompt waits for the lock once, like any decision. Without the lock it does not count as shown, and the error
/// says what is in the way.
#[test]
fn a_question_waits_for_no_lock_for_long_and_is_asked_afterwards() {
    for is_owed in [true, false] {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[PLAYBACK]);
        let lock = File::open(home.store().join("consent.lock")).unwrap();
        lock.lock().unwrap();
        if is_owed {
            // The decision that could not be written is retried first.
            assert!(!client.withdraw(PLAYBACK).unwrap().confirmed);
        }
        let waits = [(); 2].map(|()| {
            let began = Instant::now();
            let error = client.prompt(USAGE).unwrap_err();
            assert!(error.may_not_ask() && error.to_string().contains(WhyNot::Locked.describe()), "{error}");
            began.elapsed()
        });
        // On a busy machine one of the two may take longer.
        assert!(waits.iter().any(|waited| *waited < Duration::from_millis(2_200)), "{waits:?}");
        assert!(!home.store().join("usage.shown").exists(), "nothing was shown");
        drop(lock);
        client.prompt(USAGE).unwrap().yes("first start").unwrap();
        assert!(client.status(USAGE).unwrap().is_open());
    }
}

#[test]
fn a_snapshot_that_comes_back_does_not_undo_a_withdrawal_that_could_not_be_written() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(2));
    let snapshot = fs::read(home.store().join("consent")).unwrap();
    let lock = File::open(home.store().join("consent.lock")).unwrap();
    lock.lock().unwrap();
    client.withdraw(USAGE).unwrap();
    drop(lock);
    // The process that held the lock was about to write what it had read before.
    files::write(&home.store().join("consent"), &snapshot);
    for client in [client, home.start(&server)] {
        assert!(!client.status(USAGE).unwrap().is_open());
        client.record_durable(opened(9));
        assert_eq!(client.flush(HANG).unwrap().requests, 0);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn who_withdraws_again_holds_no_receipt_of_a_grant() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    let lock = std::fs::File::options().write(true).open(home.store().join("consent.lock")).unwrap();
    lock.lock().unwrap();
    for _ in 0..2 {
        let receipt = client.withdraw(USAGE).unwrap();
        assert!(receipt.decision == Decision::Withdrawn && !receipt.recorded && !receipt.confirmed, "{receipt}");
    }
    drop(lock);
    let receipt = client.withdraw(USAGE).unwrap();
    assert!(receipt.decision == Decision::Withdrawn && receipt.recorded && receipt.confirmed, "{receipt}");
    let history = std::fs::read_to_string(home.store().join("ledger.jsonl")).unwrap();
    assert_eq!(history.matches("withdrawn").count(), 1, "{history}");
}
