//! Promise 8, only a recorded grant opens a scope: what each call does in each state, and what the record says.

use crate::{
    events::{CONNECTIVITY, PLAYBACK, USAGE, film, opened},
    files,
    home::{DAY, HANG, Home, say_yes, send, state, waiting},
    server::Server,
};
use candor::{
    Client, Error,
    consent::{Decision, State},
};

/// A refusal that a developer can act on: it names the scope and what to call instead.
#[track_caller]
fn needs_notice(error: Error, because: &str) {
    assert!(error.needs_notice() && !error.is_blocked() && !error.is_configuration(), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("`playback`") && text.contains(because), "{text}");
    assert!(text.contains("notice(PLAYBACK)") && text.contains("PLAYBACK.shown("), "{text}");
}

/// Whether an event of the scope is kept now.
fn keeps(client: &Client) -> bool {
    let before = client.manifest().unwrap().outcomes.counted;
    client.record_durable(film());
    client.manifest().unwrap().outcomes.counted > before
}

#[test]
fn a_first_grant_needs_no_more_than_the_scope() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let receipt = client.grant(PLAYBACK).unwrap();
    assert_eq!((receipt.decision, receipt.via), (Decision::Granted, None));
    assert!(client.status(PLAYBACK).unwrap().is_open() && keeps(&client));
    assert_eq!(state(&client, USAGE), State::NeverAsked, "a yes to one thing is a yes to one thing");
}

#[test]
fn after_a_refusal_the_scope_alone_does_not_open() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    client.deny(PLAYBACK).unwrap();
    let before = files::tree(&home.path());
    needs_notice(client.grant(PLAYBACK).unwrap_err(), "refused before");
    assert!(files::tree(&home.path()) == before, "a refused call writes nothing");
    assert_eq!(state(&client, PLAYBACK), State::Denied);
    assert!(!keeps(&client));
    say_yes(&client, PLAYBACK);
    assert!(state(&client, PLAYBACK) == State::Granted && keeps(&client));
}

#[test]
fn after_a_withdrawal_the_scope_alone_does_not_open() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    client.withdraw(PLAYBACK).unwrap();
    needs_notice(client.grant(PLAYBACK).unwrap_err(), "withdrawn before");
    assert!(state(&client, PLAYBACK) == State::Withdrawn && !keeps(&client));
    drop(client);
    let client = home.start(&server);
    needs_notice(client.grant(PLAYBACK).unwrap_err(), "withdrawn before");
    say_yes(&client, PLAYBACK);
    assert!(state(&client, PLAYBACK) == State::Granted && keeps(&client));
}

#[test]
fn where_the_record_is_lost_the_scope_alone_does_not_open() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[PLAYBACK]));
    std::fs::remove_file(home.store().join("consent")).unwrap();
    let client = home.start(&server);
    assert!(state(&client, PLAYBACK) == State::Unreadable && !keeps(&client));
    needs_notice(client.grant(PLAYBACK).unwrap_err(), "lost or damaged");
    say_yes(&client, PLAYBACK);
    assert!(state(&client, PLAYBACK) == State::Granted && keeps(&client));
    // It is not known what was decided about the other scopes either, so they need a notice too.
    assert_eq!(state(&client, USAGE), State::Unreadable);
    assert!(client.grant(USAGE).unwrap_err().needs_notice());
}

#[test]
fn a_notice_of_something_else_opens_nothing() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let of_another_scope = client.notice(USAGE).unwrap();
    let other = Home::new();
    let of_another_program = Client::new(other.config(&server).version("7.0")).unwrap().notice(PLAYBACK).unwrap();
    let fixes = ["show `candor::consent::notice(PLAYBACK)`", "take a fresh one from `candor::consent::notice`"];
    let notices = [(of_another_scope, false), (of_another_program, true)];
    for ((stale, needs_notice), fix) in notices.into_iter().zip(fixes) {
        let error = client.grant(PLAYBACK.shown(&stale)).unwrap_err();
        assert_eq!((error.needs_notice(), error.is_configuration()), (needs_notice, !needs_notice), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("`playback`") && text.contains(fix), "{text}");
    }
    assert_eq!(state(&client, PLAYBACK), State::NeverAsked);
    assert!(files::tree(&home.path()).is_empty());
}

#[test]
fn a_grant_twice_is_a_grant_once() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let notice = client.notice(PLAYBACK).unwrap();
    let first = client.grant(PLAYBACK.shown(&notice).via("settings")).unwrap();
    assert!(keeps(&client));
    let kept = || {
        let mut kept = files::tree(&home.store());
        kept.retain(|name, _| name.starts_with("counts/") || name == "consent" || name == "ledger.jsonl");
        kept
    };
    let before = kept();
    let second = client.grant(PLAYBACK).unwrap();
    let third = client.grant(PLAYBACK.shown(&notice).via("elsewhere")).unwrap();
    assert_eq!((first.line, &first.hash, first.epoch), (second.line, &second.hash, second.epoch));
    assert_eq!((first.line, &first.hash, first.epoch), (third.line, &third.hash, third.epoch));
    assert!(before.len() > 3 && kept() == before, "and what waited still waits");
}

#[test]
fn a_refusal_after_a_grant_is_a_withdrawal() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    assert!(keeps(&client) && !home.all_waiting().is_empty());
    let receipt = client.deny(PLAYBACK).unwrap();
    assert_eq!(receipt.decision, Decision::Withdrawn);
    assert!(
        receipt.confirmed && receipt.recorded && receipt.destroyed.complete && receipt.destroyed.files > 0,
        "{receipt}"
    );
    assert!(state(&client, PLAYBACK) == State::Withdrawn && !keeps(&client));
    assert!(home.all_waiting().is_empty());
}

#[test]
fn taking_back_what_was_never_given_is_a_refusal() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let receipt = client.withdraw(PLAYBACK).unwrap();
    assert_eq!((receipt.decision, receipt.destroyed.files), (Decision::Denied, 0));
    assert_eq!(state(&client, PLAYBACK), State::Denied);
    needs_notice(client.grant(PLAYBACK).unwrap_err(), "refused before");
}

#[test]
fn a_withdrawal_twice_is_a_withdrawal_once() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    assert!(keeps(&client));
    let first = client.withdraw(PLAYBACK).unwrap();
    let second = client.withdraw(PLAYBACK).unwrap();
    assert_eq!((Decision::Withdrawn, first.line, &first.hash), (second.decision, second.line, &second.hash));
    assert!(first.confirmed && second.confirmed);
    assert_eq!(second.destroyed.files, 0, "it was all gone the first time");
    assert_eq!(client.deny(PLAYBACK).unwrap().decision, Decision::Denied, "a no is recorded as one more decision");
}

#[test]
fn epochs_grow_with_every_decision_and_the_history_has_each() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let mut epochs = vec![client.grant(PLAYBACK).unwrap().epoch];
    for _ in 0..3 {
        epochs.push(client.withdraw(PLAYBACK).unwrap().epoch);
        epochs.push(client.deny(PLAYBACK).unwrap().epoch);
        let notice = client.notice(PLAYBACK).unwrap();
        epochs.push(client.grant(PLAYBACK.shown(&notice)).unwrap().epoch);
    }
    assert!(epochs.is_sorted_by(|a, b| a < b), "{epochs:?}");
    let ledger = std::fs::read_to_string(home.store().join("ledger.jsonl")).unwrap();
    let told: Vec<serde_json::Value> = ledger.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.iter().map(|line| line["epoch"].as_u64().unwrap()).collect::<Vec<_>>(), epochs);
    let chained = told.windows(2).all(|two| two[1]["previous"] == two[0]["hash"]);
    assert!(chained, "each line names the one before it");
}

#[test]
fn a_receipt_holds_what_was_shown_and_agreed() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let notice = client.notice(PLAYBACK).unwrap();
    let given = client.grant(PLAYBACK.shown(&notice).via("settings/privacy\u{7}")).unwrap();
    drop(client);
    let client = home.start(&server);
    let kept = client.receipt(PLAYBACK).unwrap();
    assert_eq!(given, kept, "the same after a restart");
    assert_eq!(kept.notice.as_deref(), Some(notice.text()));
    assert_eq!(kept.via.as_deref(), Some("settings/privacy"), "no control characters");
    let contract = kept.contract.clone().unwrap();
    assert_eq!(contract["controller"]["legal_name"], crate::stage::CONTROLLER.legal_name());
    assert_eq!(contract["endpoint"], server.endpoint() + "/v1/logs");
    assert_eq!(contract["retention_days"], 90);
    assert_eq!(contract["events"][0]["name"], "playback.finished");
    assert_eq!(contract["events"][0]["fields"].as_array().unwrap().len(), 3);
    assert_eq!(contract["features_depend_on_it"], false);
    let text = kept.to_string();
    for part in ["Playback statistics", "granted", "settings/privacy", kept.hash.as_str()] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    // The simple form stores the text too, and says that it is not recorded how it was shown.
    let plain = client.grant(USAGE).unwrap();
    assert_eq!(plain.notice.as_deref(), Some(client.notice(USAGE).unwrap().text()));
    assert!(plain.to_string().contains("not recorded how"));
    // Without a decision there is no receipt.
    assert!(client.receipt(CONNECTIVITY).is_err());
}

#[test]
fn decisions_outlive_the_program() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK, CONNECTIVITY]);
    client.deny(USAGE).unwrap();
    client.withdraw(CONNECTIVITY).unwrap();
    let since = client.status(PLAYBACK).unwrap().since;
    drop(client);
    home.clock.advance(DAY);
    let client = home.start(&server);
    assert_eq!(state(&client, PLAYBACK), State::Granted);
    assert_eq!(state(&client, CONNECTIVITY), State::Withdrawn);
    assert_eq!(state(&client, USAGE), State::Denied);
    assert_eq!(client.status(PLAYBACK).unwrap().since, since);
    assert!(keeps(&client), "and the one that is granted records from the start");
}

#[test]
fn every_client_of_a_store_sees_the_same_decisions() {
    let (home, server) = (Home::new(), Server::new());
    let (one, other) = (home.start(&server), home.start(&server));
    one.grant(PLAYBACK).unwrap();
    assert_eq!(state(&other, PLAYBACK), State::Granted);
    assert!(keeps(&other), "it opens there too, once the other one has looked");
    other.withdraw(PLAYBACK).unwrap();
    assert_eq!(state(&one, PLAYBACK), State::Withdrawn);
    assert!(!keeps(&one));
    one.deny(USAGE).unwrap();
    assert!(other.grant(USAGE).unwrap_err().needs_notice());
}

#[test]
fn a_grant_given_in_one_process_is_a_grant_in_one_that_runs_already() {
    let (home, server) = (Home::new(), Server::new());
    let (one, other) = (home.start(&server), home.start(&server));
    one.grant(USAGE).unwrap();
    // Any call that reads the decisions makes the other client notice the grant, for example its settings page:
    assert!(other.manifest().unwrap().scope(USAGE).unwrap().status.is_open());
    other.record(opened(700));
    assert!(other.shutdown(HANG), "says that all was brought to disk");
    drop(other);
    assert_eq!(waiting(&one, USAGE).len(), 1, "and so it is");
}

#[test]
fn what_was_recorded_before_a_withdrawal_never_leaves() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
    client.record_durable(opened(1_000));
    client.record(opened(500));
    client.record_durable(film());
    client.record_durable(film());
    client.withdraw(USAGE).unwrap();
    client.withdraw(PLAYBACK).unwrap();
    client.record(opened(200));
    say_yes(&client, USAGE);
    say_yes(&client, PLAYBACK);
    client.record_durable(opened(2));
    home.clock.advance(DAY);
    send(&client);
    drop(client);
    let client = home.start(&server);
    home.clock.advance(DAY);
    send(&client);
    let lines = server.lines();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains(r#"{"key":"shelves","value":{"intValue":"2"}}"#), "{}", lines[0]);
}
