//! Promise 7, doubt means off: damage to any byte of the records closes every scope, and the program keeps running.

use crate::{
    events::{CONNECTIVITY, PLAYBACK, USAGE, opened, unreachable},
    files,
    home::{HANG, Home, flush, say_yes, send, state, waiting},
    server::Server,
};
use candor::{
    Client,
    consent::{Decision, State},
};
use std::{fs, path::Path};

/// Starts the program on these records. Checks that all scopes are closed and say so, and that nothing is kept or sent.
#[track_caller]
fn starts_closed(home: &Home, server: &Server, what: &str) -> Client {
    let client = Client::new(home.config(server)).unwrap_or_else(|error| panic!("{what}: {error}"));
    // A read waits for what the new program does first.
    let _ = client.status(USAGE).unwrap();
    let before = home.all_waiting();
    for scope in [PLAYBACK, USAGE, CONNECTIVITY] {
        let status = client.status(scope).unwrap();
        assert_eq!(status.state, State::Unreadable, "{what}");
        assert!(status.trouble.is_some() && !status.is_open(), "{what}: {status:?}");
    }
    client.record(opened(9));
    client.record_durable(opened(9));
    assert_eq!(client.flush(HANG).unwrap().requests, 0, "{what}");
    assert_eq!(home.all_waiting(), before, "{what}");
    client
}

/// Fills a store with grants, a withdrawal and a record.
fn lived_in(home: &Home, server: &Server) {
    let client = home.start_granted(server, &[USAGE, PLAYBACK]);
    client.withdraw(PLAYBACK).unwrap();
    client.record_durable(opened(1_000));
}

/// Replaces the file by each of these and starts the program on it.
fn each(home: &Home, server: &Server, path: &Path, damaged: impl Iterator<Item = (String, Vec<u8>)>) {
    let whole = fs::read(path).unwrap();
    for (what, bytes) in damaged.step_by(files::every()) {
        files::write(path, &bytes);
        let client = starts_closed(home, server, &what);
        drop(client);
        assert_eq!(fs::read(path).unwrap(), bytes, "{what}: nothing is repaired by guessing");
    }
    files::write(path, &whole);
    // The control: with its original bytes the scope is open.
    let client = home.start(server);
    assert!(client.status(USAGE).unwrap().is_open());
    let flushed = flush(&client);
    assert_eq!((server.connections(), server.lines().len()), (1, 1), "only the control has sent: {flushed:?}");
}

#[test]
fn a_snapshot_with_any_byte_flipped_closes_every_scope() {
    let (home, server) = (Home::new(), Server::new());
    lived_in(&home, &server);
    let path = home.store().join("consent");
    let whole = fs::read(&path).unwrap();
    let bits = (0..whole.len())
        .map(|at| (format!("bit {} of byte {at}", at % 8), files::bit_flipped(&whole, at * 8 + at % 8)));
    let bytes = (0..whole.len()).map(|at| (format!("byte {at}"), files::flipped(&whole, at)));
    each(&home, &server, &path, bits.chain(bytes));
}

#[test]
fn a_snapshot_cut_anywhere_closes_every_scope() {
    let (home, server) = (Home::new(), Server::new());
    lived_in(&home, &server);
    let path = home.store().join("consent");
    let whole = fs::read(&path).unwrap();
    each(&home, &server, &path, (0..whole.len()).map(|cut| (format!("cut at {cut}"), whole[..cut].to_vec())));
}

#[test]
fn a_ledger_with_a_byte_flipped_closes_every_scope() {
    let (home, server) = (Home::new(), Server::new());
    lived_in(&home, &server);
    let path = home.store().join("ledger.jsonl");
    let whole = fs::read(&path).unwrap();
    // The last newline is left out. Without it the line counts as torn, and the snapshot still has a withdrawal's line.
    let flips = (0..whole.len() - 1).step_by(3);
    each(&home, &server, &path, flips.map(|at| (format!("byte {at}"), files::bit_flipped(&whole, at * 8 + at % 7))));
}

#[test]
fn a_ledger_cut_before_a_grant_closes_every_scope() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK, USAGE]);
    client.record_durable(opened(1_000));
    drop(client);
    let path = home.store().join("ledger.jsonl");
    let whole = fs::read(&path).unwrap();
    let cuts = (0..whole.len()).step_by(5 * files::every()).chain([whole.len() - 1]);
    each(&home, &server, &path, cuts.map(|cut| (format!("cut at {cut}"), whole[..cut].to_vec())));
}

#[test]
fn records_that_are_something_else_close_every_scope() {
    let (home, server) = (Home::new(), Server::new());
    lived_in(&home, &server);
    let other = Home::new();
    drop(other.start_granted(&server, &[USAGE, PLAYBACK, CONNECTIVITY]));
    for name in ["consent", "ledger.jsonl"] {
        let path = home.store().join(name);
        let theirs = fs::read(other.store().join(name)).unwrap();
        let whole = fs::read(&path).unwrap();
        let huge = [whole.clone(), vec![b' '; 9 << 20]].concat();
        let cases: Vec<(&str, Vec<u8>)> = vec![
            ("another store's", theirs),
            ("twice", [whole.clone(), whole.clone()].concat()),
            ("zeros", vec![0; whole.len()]),
            ("noise", (0..whole.len()).map(|at| (at * 167 % 251) as u8).collect()),
            ("newlines", vec![b'\n'; 5_000]),
            ("deep", [b"[".repeat(50_000), b"]".repeat(50_000)].concat()),
            ("of nine megabytes", huge),
            ("another format's", b"candor-consent 2 00000000 2\n{}\n".to_vec()),
            ("not text", vec![0xff; 300]),
        ];
        for (what, bytes) in cases {
            files::write(&path, &bytes);
            drop(starts_closed(&home, &server, &format!("{name} {what}")));
        }
        files::write(&path, &whole);
    }
    assert!(home.start(&server).status(USAGE).unwrap().is_open());
}

#[test]
fn from_damaged_records_a_new_grant_starts_again() {
    for name in ["consent", "ledger.jsonl"] {
        let (home, server) = (Home::new(), Server::new());
        lived_in(&home, &server);
        let path = home.store().join(name);
        files::write(&path, &files::flipped(&fs::read(&path).unwrap(), 40));
        let client = starts_closed(&home, &server, name);
        say_yes(&client, USAGE);
        client.record_durable(opened(2));
        send(&client);
        let lines = server.lines();
        assert_eq!(lines.len(), 1, "what waited under the damaged records does not leave: {lines:#?}");
        assert!(lines[0].contains(r#""intValue":"2""#));
        assert_eq!(state(&client, PLAYBACK), State::Unreadable);
        assert!(client.grant(PLAYBACK).unwrap_err().needs_notice());
        drop(client);
        assert!(home.start(&server).status(USAGE).unwrap().is_open(), "and it lasts");
    }
}

#[test]
fn from_damaged_records_a_refusal_is_taken() {
    for name in ["consent", "ledger.jsonl"] {
        for deny in [true, false] {
            let (home, server) = (Home::new(), Server::new());
            lived_in(&home, &server);
            let path = home.store().join(name);
            files::write(&path, &files::flipped(&fs::read(&path).unwrap(), 40));
            let client = starts_closed(&home, &server, name);
            let receipt = if deny { client.deny(USAGE) } else { client.withdraw(USAGE) };
            assert_eq!(receipt.unwrap().decision, Decision::Denied);
            assert_eq!(state(&client, USAGE), State::Denied);
            assert!(home.waiting("waiting", USAGE).is_empty(), "and what waited is destroyed");
        }
    }
}

#[test]
fn a_damaged_file_of_secrets_makes_no_codes_and_no_trouble() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[CONNECTIVITY]));
    let path = home.store().join("keys");
    let whole = fs::read(&path).unwrap();
    let damaged = (0..whole.len()).step_by(9 * files::every()).map(|at| files::flipped(&whole, at));
    let cut = (0..whole.len()).step_by(17 * files::every()).map(|cut| whole[..cut].to_vec());
    let mut seen = 0;
    for bytes in damaged.chain(cut).chain([Vec::new(), vec![0xff; 70_000]]) {
        files::write(&path, &bytes);
        let client = home.start(&server);
        client.record(unreachable());
        client.record_durable(unreachable());
        seen += 2;
        crate::home::wait_for("both events", || waiting(&client, CONNECTIVITY).len() == seen);
        let lines = waiting(&client, CONNECTIVITY);
        assert!(lines.iter().all(|line| !line.contains(r#""server""#)), "no code without its secret: {lines:#?}");
        assert!(client.status(CONNECTIVITY).unwrap().is_open());
    }
    fs::remove_file(&path).unwrap();
    let client = home.start(&server);
    client.record_durable(unreachable());
    send(&client);
    assert_eq!(server.lines().len(), seen + 1);
    assert!(server.lines().iter().all(|line| !line.contains(r#""server""#)));
    // The control, and the recovery: a new grant makes a new secret.
    client.withdraw(CONNECTIVITY).unwrap();
    say_yes(&client, CONNECTIVITY);
    client.record_durable(unreachable());
    assert!(waiting(&client, CONNECTIVITY)[0].contains(r#""key":"server""#));
}
