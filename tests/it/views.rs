//! Two programs of one store that see different administrators' rules, since each is started with other directories:
//! nothing is reported that either forbids, each start begins a new epoch, and nothing grows without limit.

use crate::{
    events::{PLAYBACK, USAGE, opened},
    files, forge,
    home::{Home, say_yes, send, state, waiting},
    server::Server,
};
use candor::{Client, consent::State};
use serde_json::json;
use std::{fs, fs::File};

/// The same limit as in `src/consent/records/ledger.rs`. A longer ledger is not read.
const LEDGER_MOST: u64 = 8 << 20;

/// Starts a program that sees a rule (`ruled`) or none.
fn start(home: &Home, server: &Server, ruled: bool) -> Client {
    let config = home.config(server);
    let directory = home.path().join("policy.d");
    fs::create_dir_all(&directory).unwrap();
    let rule = json!({"candor_policy": 1, "rule": "r", "forbid": {"fields": ["library.opened.sorted"]}});
    fs::write(directory.join("a.json"), rule.to_string()).unwrap();
    Client::new(if ruled { config.policy_directory(directory) } else { config }).unwrap()
}

fn ledger(home: &Home) -> u64 {
    fs::metadata(home.store().join("ledger.jsonl")).unwrap().len()
}

#[test]
fn a_process_that_sees_other_rules_begins_one_new_epoch_a_start() {
    let (home, server) = (Home::new(), Server::new());
    let ruled = start(&home, &server, true);
    say_yes(&ruled, USAGE);
    ruled.record_durable(opened(700));
    let (began, starts) = (ledger(&home), 20);
    for at in 0..starts {
        let client = start(&home, &server, at % 2 == 1);
        assert!(client.status(USAGE).unwrap().is_open());
        assert!(waiting(&client, USAGE).is_empty(), "what was recorded under other rules");
        client.record_durable(opened(2));
        assert_eq!(waiting(&client, USAGE).len(), 1);
        assert_eq!(client.receipt(USAGE).unwrap().line, at + 2);
    }
    let a_start = (ledger(&home) - began).div_ceil(starts);
    assert!((12_000..20_000).contains(&(LEDGER_MOST / a_start)), "{a_start} bytes a start: say so in the manual");
    // Two programs that run at the same time do not react to each other: the one that started later continues, and
    // the other is closed. A caller that asks for the manifest waits for the work that a start leaves to its own
    // thread.
    let started = |ruled| {
        let client = start(&home, &server, ruled);
        assert!(waiting(&client, USAGE).is_empty());
        client
    };
    let (first, second) = (started(false), started(true));
    let length = ledger(&home);
    for _ in 0..5 {
        assert!(!first.status(USAGE).unwrap().is_open() && second.status(USAGE).unwrap().is_open());
        first.record_durable(opened(2));
        send(&first);
    }
    let why = first.status(USAGE).unwrap().trouble.unwrap();
    assert!(why.contains("administrators' rules"), "{why}");
    assert_eq!((ledger(&home), server.connections()), (length, 0));
}

#[test]
fn a_history_that_is_too_long_closes_until_the_person_grants_again() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
    client.record_durable(opened(2));
    File::options().write(true).open(home.store().join("ledger.jsonl")).unwrap().set_len(LEDGER_MOST + 1).unwrap();
    for client in [&client, &home.start(&server)] {
        let status = client.status(USAGE).unwrap();
        assert!(
            !status.is_open() && status.trouble.as_ref().unwrap().contains("the ledger can't be read"),
            "{status:?}"
        );
        send(client);
    }
    assert_eq!(server.connections(), 0);
    // A refusal is accepted all the same, and a grant starts a new history beside the old one.
    client.withdraw(USAGE).unwrap();
    assert_eq!(state(&home.start(&server), USAGE), State::Denied);
    say_yes(&client, PLAYBACK);
    assert!(client.status(PLAYBACK).unwrap().is_open());
    assert!(!client.status(USAGE).unwrap().is_open());
    let aside = files::all(&home.store()).into_iter().filter(|it| it.to_string_lossy().contains("ledger-damaged-"));
    assert_eq!(aside.count(), 1);
    assert_eq!(forge::unsealed(&home.store().join("consent"))["lines"], 2);
}
