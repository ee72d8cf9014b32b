//! Promise 9 towards the receiver: how often a request is tried, how long the waits are, and what is sent automatically.

use crate::{
    events::{CONNECTIVITY, USAGE, opened, unreachable},
    forge,
    home::{DAY, HOUR, Home, MINUTE, dropped, flush, send},
    server::{Say, Server},
};
use candor::Scope;
use serde_json::Value;
use std::collections::BTreeSet;

/// How often the only batch of this scope was tried, according to the disk.
fn tries(home: &Home, scope: Scope) -> u64 {
    forge::read_batch(&home.waiting("outbox", scope)[0]).0["tries"].as_u64().unwrap()
}

#[test]
fn tries_are_counted_over_restarts() {
    let (home, server) = (Home::new(), Server::always(Say::status(500)));
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(2));
    send(&client);
    drop(client);
    for noted in 1..3 {
        assert_eq!(tries(&home, USAGE), noted);
        home.clock.advance(HOUR);
        let client = home.start(&server);
        send(&client);
    }
    assert_eq!(server.requests().len(), 3);
    assert!(home.all_waiting().is_empty(), "given up after three in all");
    let keys: BTreeSet<_> =
        server.requests().iter().map(|request| request.header("idempotency-key").unwrap().to_owned()).collect();
    assert_eq!(keys.len(), 1);
    assert!(server.bodies().windows(2).all(|two| two[0] == two[1]));
}

/// Only the last try was a failure of the receiver. The message says what is known: how often the request was tried.
#[test]
fn what_is_given_up_is_said_to_be_tried_and_not_to_have_failed() {
    let (home, server) = (Home::new(), Server::always(Say::status(503)));
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(2));
    for tries in 1..=3 {
        if tries == 3 {
            server.usually(Say::status(500));
        }
        let trouble = flush(&client).trouble.unwrap();
        assert_eq!(trouble.contains("tried 3 times and is given up"), tries == 3, "{trouble}");
        assert!(!trouble.contains("failed three times"), "{trouble}");
        home.clock.advance(DAY);
    }
    assert_eq!((server.requests().len(), dropped(&client, "gave_up")), (3, 1));
}

#[test]
fn a_try_is_noted_before_it_is_made() {
    let (home, server) = (Home::new(), Server::always(Say::Never));
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(2));
    let _ = client.flush(std::time::Duration::from_millis(1)).unwrap();
    crate::home::wait_for("the request", || server.requests().len() == 1);
    assert_eq!(tries(&home, USAGE), 1, "a program that dies now has tried once");
}

#[test]
fn ten_tries_are_all() {
    let (home, server) = (Home::new(), Server::always(Say::status(503)));
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(2));
    for _ in 0..14 {
        send(&client);
        home.clock.advance(HOUR * 7);
    }
    assert_eq!(server.requests().len(), 10);
    assert_eq!(dropped(&client, "gave_up"), 1);
    assert!(home.all_waiting().is_empty());
}

/// One request that the receiver fails each time does not hold up the others.
#[test]
fn each_request_has_its_turn() {
    for status in [401, 400, 500, 503] {
        let (home, server) = (Home::new(), Server::always(Say::status(503)));
        let client = home.start_granted(&server, &[USAGE]);
        client.record_durable(opened(0));
        send(&client); // builds the batch, which stays pending
        server.usually(Say::FailsFirst(status));
        for shelves in 1..4 {
            home.clock.advance(HOUR * 7);
            client.record_durable(opened(shelves));
            send(&client);
        }
        home.clock.advance(DAY);
        send(&client);
        assert!(client.manifest().unwrap().outcomes.sent >= 3, "{status}: {:?}", client.manifest().unwrap().outcomes);
    }
}

/// A refusal that may be due to a configuration mistake does not count as a try. Only the age limit of one week ends it.
#[test]
fn refusals_use_up_no_tries() {
    let (home, server) = (Home::new(), Server::always(Say::status(415)));
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(2));
    for _ in 0..167 {
        send(&client);
        home.clock.advance(HOUR);
    }
    assert_eq!(server.requests().len(), 11, "after 0, 1, 3, 7, 15, 31 hours, then once a day");
    assert_eq!(dropped(&client, "gave_up"), 0);
    assert_eq!((home.all_waiting().len(), tries(&home, USAGE)), (1, 0), "an hour before the week is over");
}

#[test]
fn a_week_is_all() {
    let (home, server) = (Home::new(), Server::always(Say::status(401)));
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(2));
    for _ in 0..9 {
        send(&client);
        home.clock.advance(DAY);
    }
    assert!(server.requests().len() <= 8, "{}", server.requests().len());
    assert_eq!(dropped(&client, "age"), 1);
    assert!(home.all_waiting().is_empty());
}

#[test]
fn waits_grow_with_each_failure_up_to_six_hours() {
    let (home, server) = (Home::new(), Server::always(Say::status(503)));
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(2));
    let mut ceiling = MINUTE;
    for tries in 1..9 {
        send(&client);
        assert_eq!(server.requests().len(), tries);
        home.clock.advance(MINUTE / 2 - MINUTE / 60);
        send(&client);
        assert_eq!(server.requests().len(), tries, "never sooner than half a minute");
        home.clock.advance(ceiling);
        ceiling = (ceiling * 2).min(HOUR * 6);
    }
    server.usually(Say::Ok);
    send(&client);
    assert_eq!(server.requests().len(), 9);
    // A success resets the waits.
    client.record_durable(opened(2));
    send(&client);
    assert_eq!(server.requests().len(), 10);
}

#[test]
fn what_waits_is_sent_by_itself_when_its_moment_comes() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, CONNECTIVITY]);
    client.record_durable(opened(2));
    client.record_durable(unreachable());
    for scope in [USAGE, CONNECTIVITY] {
        crate::home::wait_for("the worker to choose its moment", || home.schedule(scope).is_some());
    }
    home.clock.pass(DAY);
    let scopes = || server.bodies().iter().map(|body| scope_of(body)).collect::<BTreeSet<_>>();
    // Any event wakes the worker, which then finds that the scheduled times have passed.
    crate::home::wait_for("a request that nobody asked for", || {
        client.record(opened(2));
        !scopes().is_empty()
    });
    let _ = client.manifest().unwrap();
    assert_eq!(scopes().len(), 1, "scopes do not leave back to back");
    crate::home::wait_for("the other scope, some minutes later", || {
        home.clock.pass(MINUTE);
        client.record(opened(2));
        scopes().len() == 2
    });
}

#[test]
fn the_first_flush_after_a_grant_does_not_wait_for_anything() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let mut waited = Vec::new();
    for round in 0..60 {
        crate::home::say_yes(&client, USAGE);
        client.record_durable(opened(2));
        client.record(opened(2)); // wakes the worker
        waited.extend(flush(&client).trouble.map(|trouble| (round, trouble)));
        client.withdraw(USAGE).unwrap();
    }
    assert!(waited.is_empty(), "{waited:?}");
}

/// The consent scope that a request names.
fn scope_of(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap();
    body["resourceLogs"][0]["scopeLogs"][0]["scope"]["attributes"][0]["value"]["stringValue"].to_string()
}
