//! Promise 6 from outside: another process withdraws a grant while this one runs. This one stops without being notified.

use crate::{
    events::{LibraryOpened, USAGE, opened},
    home::{Home, wait_for},
    server::Server,
};
use candor::Client;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

/// Whether this client's own gate is open, whatever the disk says.
fn records(client: &Client) -> bool {
    let made = AtomicBool::new(false);
    client.record_with(|| {
        made.store(true, Ordering::SeqCst);
        opened(2)
    });
    made.load(Ordering::SeqCst)
}

#[test]
fn a_grant_that_is_taken_back_elsewhere_ends_here_without_a_call() {
    let (home, server) = (Home::new(), Server::new());
    let running = home.start_granted(&server, &[USAGE]);
    assert!(records(&running), "the control");
    // The client is idle, as a program is most of the time: its worker sleeps.
    thread::sleep(Duration::from_millis(100));
    let elsewhere = home.start(&server);
    assert!(elsewhere.withdraw(USAGE).unwrap().confirmed);
    // Events alone don't wake the worker to look sooner. It looks by itself.
    wait_for("its gate closes", || {
        thread::sleep(Duration::from_millis(50));
        !records(&running)
    });
    assert!(home.all_waiting().is_empty());
}

#[test]
fn what_is_granted_elsewhere_begins_here_when_it_looks() {
    let (home, server) = (Home::new(), Server::new());
    let running = home.start(&server);
    let elsewhere = home.start_granted(&server, &[USAGE]);
    running.record_with(|| -> LibraryOpened { panic!("nobody told it yet") });
    assert!(running.status(USAGE).unwrap().is_open());
    assert!(records(&running));
    drop(elsewhere);
}
