//! Promise 7, doubt means off: interrupted decisions, high-water marks that don't fit, and stores restored from a backup.

use crate::{
    events::{PLAYBACK, USAGE, opened},
    files, forge,
    home::{HANG, Home, say_yes, send, state, wait_for},
    server::Server,
};
use candor::{
    Client,
    consent::{Decision, State},
};
use serde_json::json;
use std::{fs, path::PathBuf};

/// Checks that the scope is closed: nothing is kept or sent, and a grant needs a notice.
#[track_caller]
fn is_closed(client: &Client, server: &Server, why: &str) {
    let heard = server.connections();
    assert!(!client.status(USAGE).unwrap().is_open(), "{why}: {:?}", client.status(USAGE));
    client.record(opened(9));
    client.record_durable(opened(9));
    assert_eq!(client.flush(HANG).unwrap().requests, 0, "{why}");
    assert_eq!(client.manifest().unwrap().outcomes.lines, 0, "{why}");
    assert_eq!(server.connections(), heard, "{why}");
    assert!(client.grant(USAGE).unwrap_err().needs_notice(), "{why}");
}

/// Checks that a new grant opens the scope, and that only what is recorded afterwards is sent.
#[track_caller]
fn can_be_opened(client: &Client, server: &Server, why: &str) {
    let heard = server.lines().len();
    say_yes(client, USAGE);
    client.record_durable(opened(2));
    send(client);
    let lines = server.lines().split_off(heard);
    assert_eq!(lines.len(), 1, "{why}: {lines:#?}");
    assert!(lines[0].contains(r#""intValue":"2""#), "{why}: {lines:#?}");
}

/// Copies a file or directory to a place outside the store.
fn backup(home: &Home, of: &PathBuf, name: &str) -> PathBuf {
    let to = home.path().join("backups").join(name);
    if of.is_dir() {
        files::copy(of, &to);
    } else {
        files::make_dir(to.parent().unwrap());
        files::write(&to, &fs::read(of).unwrap());
    }
    to
}

#[test]
fn a_first_grant_that_was_interrupted_is_no_grant() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[USAGE]));
    // The ledger has its line, but the snapshot was never written.
    fs::remove_file(home.store().join("consent")).unwrap();
    let client = home.start(&server);
    is_closed(&client, &server, "after the mark");
    can_be_opened(&client, &server, "after the mark");

    let home = Home::new();
    drop(home.start_granted(&server, &[USAGE]));
    fs::remove_file(home.store().join("consent")).unwrap();
    fs::remove_file(home.marks().join("high")).unwrap();
    let client = home.start(&server);
    is_closed(&client, &server, "before the mark");
    can_be_opened(&client, &server, "before the mark");
}

#[test]
fn a_later_grant_that_was_interrupted_leaves_the_refusal() {
    for marked in [true, false] {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start(&server);
        client.deny(USAGE).unwrap();
        let snapshot = backup(&home, &home.store().join("consent"), "consent");
        let mark = backup(&home, &home.marks().join("high"), "high");
        say_yes(&client, USAGE);
        drop(client);
        // The ledger is one line ahead of the snapshot.
        fs::copy(snapshot, home.store().join("consent")).unwrap();
        if !marked {
            fs::copy(mark, home.marks().join("high")).unwrap();
        }
        let client = home.start(&server);
        assert_eq!(state(&client, USAGE), State::Denied, "the yes was never in force");
        is_closed(&client, &server, "a yes under way");
        let history = fs::read_to_string(home.store().join("ledger.jsonl")).unwrap();
        assert!(history.lines().last().unwrap().contains(r#""decision":"void""#), "{history}");
        can_be_opened(&client, &server, "a yes under way");
        drop(client);
        assert!(home.start(&server).status(USAGE).unwrap().is_open());
    }
}

#[test]
fn a_withdrawal_that_was_interrupted_is_finished_by_the_next_start() {
    for marked in [true, false] {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
        client.record_durable(opened(1_000));
        let ledger = backup(&home, &home.store().join("ledger.jsonl"), "ledger");
        let mark = backup(&home, &home.marks().join("high"), "high");
        let waiting = backup(&home, &home.store().join("waiting"), "waiting");
        client.withdraw(USAGE).unwrap();
        drop(client);
        let whole = fs::read(home.store().join("ledger.jsonl")).unwrap();
        // The state right after the snapshot was written: nothing is destroyed, and the line and the high-water mark are missing.
        fs::copy(ledger, home.store().join("ledger.jsonl")).unwrap();
        files::restore(&waiting, &home.store().join("waiting"));
        if !marked {
            fs::copy(mark, home.marks().join("high")).unwrap();
        }
        let client = home.start(&server);
        assert_eq!(state(&client, USAGE), State::Withdrawn);
        assert_eq!(state(&client, PLAYBACK), State::Granted, "nobody asked for that one to close");
        assert!(home.waiting("waiting", USAGE).is_empty(), "what waited is destroyed now");
        assert_eq!(fs::read(home.store().join("ledger.jsonl")).unwrap(), whole, "and the line is appended");
        is_closed(&client, &server, "a withdrawal under way");
        can_be_opened(&client, &server, "a withdrawal under way");
    }
}

#[test]
fn a_history_that_ends_in_half_a_line_is_repaired() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.deny(PLAYBACK).unwrap();
    drop(client);
    let ledger = home.store().join("ledger.jsonl");
    let whole = fs::read(&ledger).unwrap();
    let ends: Vec<usize> = whole.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1).collect();
    // The refusal's line was cut while it was being appended.
    for cut in [ends[0] + 1, ends[0] + 20, ends[1] - 1] {
        files::write(&ledger, &whole[..cut]);
        let client = home.start(&server);
        assert_eq!((state(&client, USAGE), state(&client, PLAYBACK)), (State::Granted, State::Denied));
        assert_eq!(fs::read(&ledger).unwrap(), whole, "cut at {cut}");
    }
}

#[test]
fn a_mark_that_does_not_fit_closes() {
    type Change = (&'static str, fn(&PathBuf, u64));
    let changes: [Change; 5] = [
        ("missing", |high, _| fs::remove_file(high).unwrap()),
        ("lower", |high, epoch| forge::seal(high, "high", &json!({"usage": {"epoch": epoch - 1}}))),
        ("higher", |high, epoch| forge::seal(high, "high", &json!({"usage": {"epoch": epoch + 1}}))),
        ("far higher", |high, epoch| forge::seal(high, "high", &json!({"usage": {"epoch": epoch + (1 << 40)}}))),
        ("of another scope", |high, epoch| forge::seal(high, "high", &json!({"playback": {"epoch": epoch}}))),
    ];
    for (why, change) in changes {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE]);
        client.withdraw(USAGE).unwrap();
        say_yes(&client, USAGE);
        let epoch = client.receipt(USAGE).unwrap().epoch;
        client.record_durable(opened(1_000));
        drop(client);
        change(&home.marks().join("high"), epoch);
        let client = home.start(&server);
        assert_eq!(state(&client, USAGE), State::Unreadable, "{why}");
        is_closed(&client, &server, why);
        can_be_opened(&client, &server, why);
    }
}

#[test]
fn damaged_marks_close_until_a_new_grant() {
    type Change = (&'static str, fn(&PathBuf));
    let changes: [Change; 6] = [
        ("empty", |high| files::write(high, b"")),
        ("flipped", |high| files::write(high, &files::flipped(&fs::read(high).unwrap(), 30))),
        ("of another kind", |high| forge::seal(high, "consent", &json!({"usage": 3}))),
        ("no numbers", |high| forge::seal(high, "high", &json!({"usage": "3"}))),
        ("a word more", |high| forge::seal(high, "high", &json!({"usage": {"epoch": 3, "granted": true}}))),
        ("huge", |high| files::write(high, &vec![b' '; 1 << 20])),
    ];
    for (why, change) in changes {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE]);
        client.record_durable(opened(1_000));
        drop(client);
        change(&home.marks().join("high"));
        let client = home.start(&server);
        assert_eq!(state(&client, USAGE), State::Unreadable, "{why}");
        is_closed(&client, &server, why);
        assert_eq!(client.deny(PLAYBACK).unwrap().decision, Decision::Denied, "{why}");
        can_be_opened(&client, &server, why);
    }
}

#[test]
fn a_mark_that_does_not_fit_is_told_as_trouble() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[USAGE]));
    fs::remove_file(home.marks().join("high")).unwrap();
    let status = home.start(&server).status(USAGE).unwrap();
    assert_eq!(status.state, State::Unreadable);
    assert!(status.trouble.is_some(), "{status:?}");
}

#[test]
fn a_store_from_before_a_withdrawal_is_no_grant() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
    client.record_durable(opened(1_000));
    drop(client);
    let old = backup(&home, &home.store(), "store");
    let client = home.start(&server);
    client.withdraw(USAGE).unwrap();
    drop(client);
    files::restore(&old, &home.store());
    let client = home.start(&server);
    assert_eq!(state(&client, PLAYBACK), State::Granted, "which nobody withdrew");
    is_closed(&client, &server, "a backup");
    can_be_opened(&client, &server, "a backup");
}

#[test]
fn a_store_from_before_a_withdrawal_does_not_pass_for_a_later_grant() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(1_000));
    drop(client);
    let old = backup(&home, &home.store(), "store");
    let client = home.start(&server);
    client.withdraw(USAGE).unwrap();
    say_yes(&client, USAGE);
    drop(client);
    files::restore(&old, &home.store());
    let client = home.start(&server);
    is_closed(&client, &server, "an older yes");
    can_be_opened(&client, &server, "an older yes");
}

#[test]
fn a_store_that_comes_back_under_a_running_program_closes_it() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    let old = backup(&home, &home.store().join("consent"), "consent");
    client.withdraw(USAGE).unwrap();
    fs::copy(old, home.store().join("consent")).unwrap();
    // The snapshot says granted. The ledger and the high-water mark do not.
    is_closed(&client, &server, "an older snapshot");
}

#[cfg(unix)]
#[test]
fn a_record_that_vanishes_under_a_running_program_closes_it() {
    for name in ["consent", "everything"] {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE]);
        client.record_durable(opened(1_000));
        if name == "everything" {
            // The worker may be writing there, so the removal is repeated.
            wait_for("the store to be gone", || fs::remove_dir_all(home.store()).is_ok());
        } else {
            fs::remove_file(home.store().join("consent")).unwrap();
        }
        let lines = client.manifest().unwrap().outcomes.lines;
        assert!(!client.status(USAGE).unwrap().is_open(), "{name}");
        client.record(opened(9));
        client.record_durable(opened(9));
        assert_eq!(client.flush(HANG).unwrap().requests, 0, "{name}");
        assert_eq!(client.manifest().unwrap().outcomes.lines, lines, "{name}");
        assert_eq!(server.connections(), 0, "{name}");
        if name == "everything" {
            // This process can't tell whether the store was removed or moved. It creates and changes no other store.
            let trouble = client.status(USAGE).unwrap().trouble.unwrap();
            assert!(trouble.contains("not the store that this program opened"), "{trouble}");
            for answer in [client.withdraw(USAGE), client.grant(USAGE)] {
                assert!(!answer.is_ok_and(|receipt| receipt.confirmed), "{name}");
            }
            drop(client);
            let client = home.start(&server);
            assert!(!client.status(USAGE).unwrap().is_open());
            can_be_opened(&client, &server, name);
        } else {
            can_be_opened(&client, &server, name);
        }
    }
}

#[test]
fn the_records_of_another_program_are_no_grant() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[USAGE]));
    let theirs = home.data().join("org.example.other").join("candor-1");
    files::make_dir(theirs.parent().unwrap());
    files::copy(&home.store(), &theirs);
    files::copy(&home.marks(), &home.config_dir().join("org.example.other").join("candor-1"));
    let config = candor::Config::new("org.example.other", crate::stage::CONTROLLER, candor::Audience::Adults)
        .endpoint(server.endpoint())
        .directories(home.data(), home.config_dir())
        .clock(home.clock.clone())
        .lift_ci_block();
    let client = Client::new(config).unwrap();
    assert_eq!(state(&client, USAGE), State::Unreadable);
    is_closed(&client, &server, "another program's");
}
