//! A grant to a scope that this program does not declare is shown and can be withdrawn, also after an interruption.
//! Data of that scope is not recorded, not sent, and kept no longer than that of any other scope.

use crate::{
    erase::with_sent,
    events::{CONNECTIVITY, USAGE, opened},
    files, forge,
    home::{DAY, Home, MINUTE, flush, send, state, wait_for},
    server::Server,
};
use candor::{
    Client,
    consent::{Decision, State, Undeclared},
};
use serde_json::json;
use std::fs;

const OTHER: &str = "crashes";

/// Starts a program on a store with a grant to a scope that it does not declare. Some data of the scope was sent, and
/// some is pending.
fn prepare(home: &Home, server: &Server) -> Client {
    let client = with_sent(home, server, &[2]);
    client.erase(USAGE).unwrap();
    client.record_durable(opened(2));
    let epoch = |scope| client.receipt(scope).unwrap().epoch;
    let (usage, connectivity) = (epoch(USAGE), epoch(CONNECTIVITY));
    drop(client);
    forge::rename_scope(&home.store(), "usage", OTHER);
    let marks = json!({OTHER: {"epoch": usage}, "connectivity": {"epoch": connectivity}});
    forge::seal(&home.marks().join("high"), "high", &marks);
    home.start(server)
}

/// How many pending files the scope has.
fn waits(home: &Home) -> usize {
    home.all_waiting().iter().filter(|path| path.to_string_lossy().contains(OTHER)).count()
}

fn has_secret(home: &Home) -> bool {
    fs::read_to_string(home.store().join("keys")).unwrap().contains(OTHER)
}

#[test]
fn it_is_shown_and_nothing_of_it_leaves() {
    let (home, server) = (Home::new(), Server::new());
    let client = prepare(&home, &server);
    let heard = server.requests().len();
    let Undeclared { name, since, until, via, contract, erasures_waiting, .. } = client.undeclared().unwrap().remove(0);
    assert_eq!((name.as_str(), via, erasures_waiting), (OTHER, None, 1));
    assert!(since.ends_with('Z') && until.is_some() && contract.unwrap()["scope"] == OTHER);
    let page = client.manifest().unwrap();
    assert_eq!(page.undeclared, client.undeclared().unwrap());
    let text = page.to_string();
    assert!(text.contains("You also agreed to the following") && text.contains("  crashes: yes, since "), "{text}");
    assert!(text.contains("pending requests to delete sent data, which this version can't send: 1"), "{text}");
    send(&client);
    assert_eq!(server.requests().len(), heard);
    assert_eq!((state(&client, USAGE), state(&client, CONNECTIVITY)), (State::NeverAsked, State::Granted));
    assert!(waits(&home) > 0, "another program may be at it");
}

#[test]
fn it_can_be_taken_back_and_what_waits_is_destroyed() {
    let (home, server) = (Home::new(), Server::new());
    let client = prepare(&home, &server);
    assert!(has_secret(&home));
    let receipt = client.withdraw_undeclared(OTHER).unwrap();
    assert_eq!((receipt.decision, receipt.scope.as_str()), (Decision::Withdrawn, OTHER));
    assert!(
        receipt.confirmed && receipt.recorded && receipt.destroyed.complete && receipt.destroyed.secret,
        "{receipt}"
    );
    assert!(receipt.destroyed.files > 0 && waits(&home) == 0 && !has_secret(&home));
    assert_eq!(client.undeclared().unwrap(), []);
    assert!(client.status(CONNECTIVITY).unwrap().is_open());
    assert!(!client.manifest().unwrap().to_string().contains("You also agreed to the following"));
    // It is no longer granted. There is no grant to withdraw for an unknown scope, and the program's own scope has
    // its own function.
    for (name, said) in [(OTHER, "is not granted"), ("sleep", "is not granted"), ("usage", "consent::withdraw")] {
        let error = client.withdraw_undeclared(name).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains(name), "{error}");
    }
    for name in ["../usage", "", "*", "Usage"] {
        let error = client.withdraw_undeclared(name).unwrap_err();
        assert!(error.to_string().contains("is not a valid name"), "{error}");
    }
}

#[test]
fn an_interrupted_withdrawal_is_finished_by_the_next_start() {
    let (home, server) = (Home::new(), Server::new());
    let client = prepare(&home, &server);
    let keys = fs::read(home.store().join("keys")).unwrap();
    let kept = home.path().join("backup");
    files::copy(&home.store().join("waiting"), &kept);
    client.withdraw_undeclared(OTHER).unwrap();
    drop(client);
    // The state right after the snapshot was written.
    files::restore(&kept, &home.store().join("waiting"));
    files::write(&home.store().join("keys"), &keys);
    assert!(waits(&home) > 0 && has_secret(&home));
    let client = home.start(&server);
    // The call waits until the new client has finished its pending maintenance.
    assert!(client.status(CONNECTIVITY).unwrap().is_open());
    assert!(waits(&home) == 0 && !has_secret(&home));
}

#[test]
fn a_withdrawal_that_cannot_be_written_is_one_all_the_same() {
    let (home, server) = (Home::new(), Server::new());
    let client = prepare(&home, &server);
    let lock = fs::File::options().write(true).open(home.store().join("consent.lock")).unwrap();
    lock.lock().unwrap();
    let receipt = client.withdraw_undeclared(OTHER).unwrap();
    assert!(!receipt.confirmed && !receipt.recorded, "{receipt}");
    assert_eq!(client.undeclared().unwrap(), []);
    drop(lock);
    drop(client);
    let client = home.start(&server);
    // The call waits until the new client has finished its pending maintenance.
    assert_eq!(client.undeclared().unwrap(), []);
    let history = fs::read_to_string(home.store().join("ledger.jsonl")).unwrap();
    assert!(history.lines().last().unwrap().contains(r#""decision":"withdrawn""#), "{history}");
    assert!(waits(&home) == 0 && !has_secret(&home));
    assert!(client.status(CONNECTIVITY).unwrap().is_open());
}

#[test]
fn a_withdrawal_that_another_process_kept_from_being_written_is_written_while_the_program_runs() {
    let (home, server) = (Home::new(), Server::new());
    let client = prepare(&home, &server);
    let lock = fs::File::options().write(true).open(home.store().join("consent.lock")).unwrap();
    lock.lock().unwrap();
    let receipt = client.withdraw_undeclared(OTHER).unwrap().to_string();
    assert!(receipt.contains("not yet: another process keeps the lock"), "{receipt}");
    drop(lock);
    home.clock.pass(MINUTE);
    // No function of the client is called.
    wait_for("the withdrawal to be written", || {
        let history = fs::read_to_string(home.store().join("ledger.jsonl")).unwrap();
        history.lines().last().unwrap().contains(r#""decision":"withdrawn""#)
    });
    drop(client);
}

#[test]
fn nothing_of_it_is_destroyed_on_a_doubt() {
    let (home, server) = (Home::new(), Server::new());
    drop(prepare(&home, &server));
    let before = waits(&home);
    // The state for a program that looks for the high-water marks elsewhere.
    fs::rename(home.marks().join("high"), home.path().join("elsewhere")).unwrap();
    let client = home.start(&server);
    assert_eq!(client.undeclared().unwrap(), []);
    assert!(client.withdraw_undeclared(OTHER).unwrap_err().to_string().contains("is not granted"));
    drop(client);
    assert!(before > 0 && waits(&home) == before && has_secret(&home));
}

#[test]
fn what_left_is_kept_no_longer_than_of_any_other() {
    let (home, server) = (Home::new(), Server::new());
    let client = prepare(&home, &server);
    let kept = || {
        let below = |kind: &str| files::all(&home.store().join(kind).join(OTHER));
        let documents = |kind| below(kind).iter().filter(|path| path.extension().is_some()).count();
        (documents("sent"), documents("named"), documents("erasing"))
    };
    assert_eq!(kept(), (1, 1, 1));
    drop(client);
    // The recipient keeps the data for 30 days. The sent log keeps nothing for more than 90 days.
    home.clock.advance(DAY * 31);
    drop(home.start(&server));
    assert_eq!(kept(), (1, 0, 0));
    home.clock.advance(DAY * 60);
    drop(home.start(&server));
    assert_eq!(kept(), (0, 0, 0));
    let _ = flush(&home.start(&server));
}

#[test]
fn past_its_last_day_it_ends_as_any_other() {
    let (home, server) = (Home::new(), Server::new());
    let client = prepare(&home, &server);
    let until = client.undeclared().unwrap().remove(0).until.unwrap();
    drop(client);
    let history = || fs::read_to_string(home.store().join("ledger.jsonl")).unwrap();
    while home.clock.day() < until {
        home.clock.advance(DAY);
    }
    let client = home.start(&server);
    assert_eq!(client.undeclared().unwrap().len(), 1, "the last day is one of its days");
    assert!(has_secret(&home) && !history().contains("expired"));
    drop(client);
    home.clock.advance(DAY);
    let client = home.start(&server);
    assert_eq!(client.undeclared().unwrap(), []);
    assert!(!has_secret(&home) && waits(&home) == 0);
    let ended = history().lines().filter(|line| line.contains(OTHER) && line.contains("expired")).count();
    assert_eq!(ended, 1);
    assert!(client.withdraw_undeclared(OTHER).is_err(), "it is none any more");
}
