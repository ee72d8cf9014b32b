//! Promise 1, silence: without a grant nothing is written, started, looked up or read. A refusal writes only the refusal.

use crate::{
    child::{self, Child},
    events::{CONNECTIVITY, PLAYBACK, USAGE, film, opened, unreachable},
    files,
    home::{DAY, HANG, Home, state},
    server::Server,
};
use candor::{
    Client,
    consent::{Decision, State},
};

/// One day of a program whose user was never asked or has refused.
fn a_day_without_a_grant(client: &Client, home: &Home) {
    for _ in 0..50 {
        client.record(film());
        client.record(opened(3));
        client.record_durable(unreachable());
        client.record_with(|| -> crate::events::LibraryOpened { panic!("nobody agreed, so nothing is made") });
    }
    home.clock.advance(DAY);
    assert_eq!(client.flush(HANG).unwrap().requests, 0);
    assert_eq!(client.flush_if_due(HANG).unwrap(), None);
    assert!(!client.manifest().unwrap().to_string().is_empty());
}

#[test]
fn a_person_who_was_never_asked_finds_no_file_and_no_connection() {
    let (home, server) = (Home::new(), Server::new());
    for _ in 0..3 {
        let client = home.start(&server);
        a_day_without_a_grant(&client, &home);
        assert_eq!(state(&client, PLAYBACK), State::NeverAsked);
        client.shutdown(HANG);
        a_day_without_a_grant(&client, &home);
    }
    assert!(files::tree(&home.path()).is_empty(), "{:?}", files::tree(&home.path()).keys());
    assert_eq!((server.connections(), server.bytes()), (0, 0));
}

#[test]
fn nothing_is_counted_without_a_grant() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    a_day_without_a_grant(&client, &home);
    let outcomes = client.manifest().unwrap().outcomes;
    assert_eq!((outcomes.lines, outcomes.counted, outcomes.sent, outcomes.dropped.len()), (0, 0, 0, 0));
}

#[test]
fn the_clock_is_not_read_without_a_grant() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    client.record(film());
    client.record_durable(opened(3));
    client.record_with(unreachable);
    assert_eq!(client.flush(HANG).unwrap().requests, 0);
    assert_eq!(client.flush_if_due(HANG).unwrap(), None);
    assert_eq!(state(&client, PLAYBACK), State::NeverAsked);
    assert!(client.notice(PLAYBACK).unwrap().text().contains("Playback statistics"));
    assert_eq!(home.clock.reads(), 0);
}

#[test]
fn what_nobody_agreed_to_is_not_even_made_while_another_scope_is_open() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    client.record_with(|| -> crate::events::LibraryOpened { panic!("nobody agreed to usage") });
    client.record(opened(3));
    client.record_durable(unreachable());
    let manifest = client.manifest().unwrap();
    for scope in [USAGE, CONNECTIVITY] {
        assert!(manifest.scope(scope).unwrap().waiting.is_empty());
        assert!(home.waiting("waiting", scope).is_empty());
    }
    assert_eq!(manifest.outcomes.lines, 0);
}

#[test]
fn a_refusal_writes_only_the_refusal() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let receipt = client.deny(PLAYBACK).unwrap();
    assert_eq!(receipt.decision, Decision::Denied);
    let only_the_choice = || {
        let names: Vec<String> = files::tree(&home.path()).into_keys().filter(|name| !name.ends_with('/')).collect();
        let marks = "config/org.example.player/candor-1/high".to_owned();
        let store = |name: &str| format!("data/org.example.player/candor-1/{name}");
        // The refused contract is stored, so that a later version that asks for no more knows that the person has answered.
        let refused = names.iter().find(|name| name.starts_with(&store("contracts/"))).unwrap().clone();
        assert_eq!(names, [marks, store("consent"), store("consent.lock"), refused, store("ledger.jsonl")]);
    };
    only_the_choice();
    let bytes = files::tree(&home.path());
    a_day_without_a_grant(&client, &home);
    drop(client);
    let client = home.start(&server);
    a_day_without_a_grant(&client, &home);
    only_the_choice();
    assert!(files::tree(&home.path()) == bytes, "living with a no changes nothing");
    assert_eq!(server.connections(), 0);
    assert_eq!(state(&client, PLAYBACK), State::Denied);
}

#[cfg(unix)]
#[test]
fn no_thread_runs_without_a_grant() {
    let home = Home::new();
    Child::new("silence::child_threads", &home.path()).run();
}

#[cfg(unix)]
#[test]
#[ignore = "run by no_thread_runs_without_a_grant, in a process whose threads can be told"]
fn child_threads() {
    if child::home().is_none() {
        return;
    }
    let threads = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        let mut tasks: Vec<_> = tasks.map(|task| task.file_name()).collect();
        tasks.sort();
        tasks
    };
    let home = Home::new();
    // No program listens at this address. That makes no difference, since nothing is sent.
    let before = threads();
    let config = home.config_to("http://127.0.0.1:9");
    let client = Client::new(config.clone()).unwrap();
    a_day_without_a_grant(&client, &home);
    client.deny(PLAYBACK).unwrap();
    a_day_without_a_grant(&client, &home);
    drop(client);
    let client = Client::new(config).unwrap();
    a_day_without_a_grant(&client, &home);
    assert_eq!(threads(), before);
    // The control: a grant does start a thread, so the comparison above would have shown one.
    client.grant(USAGE).unwrap();
    assert_ne!(threads(), before);
    child::done("silence::child_threads");
}
