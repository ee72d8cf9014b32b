//! A grant is valid for a limited time. After its last day the scope is closed and pending data is destroyed.

use crate::{
    events::{CONNECTIVITY, LibraryTidied, USAGE, opened, unreachable},
    forge,
    home::{DAY, HANG, Home, MINUTE, flush, say_yes, send, state, wait_for},
    server::Server,
};
use candor::{
    Client,
    consent::{Decision, MayAsk, State, WhyNot},
};
use serde_json::json;

fn keeps(client: &Client) -> bool {
    let lines = || client.manifest().unwrap().outcomes.lines;
    let before = lines();
    client.record_durable(opened(2));
    lines() > before
}

#[test]
fn a_grant_ends_with_its_last_day() {
    let (home, server) = (Home::new(), Server::new());
    let client = Client::new(home.config(&server).validity_days(30)).unwrap();
    say_yes(&client, USAGE);
    let until = client.status(USAGE).unwrap().until.unwrap();
    assert_eq!(client.receipt(USAGE).unwrap().until.as_deref(), Some(until.as_str()));
    assert!(client.manifest().unwrap().to_string().contains(&format!("until the end of {until}")));
    assert!(client.notice(USAGE).unwrap().text().contains("valid for 30 days"));
    home.clock.advance(DAY * 30);
    assert!(keeps(&client), "the last day is one of its days");
    home.clock.advance(DAY);
    assert_eq!(state(&client, USAGE), State::Expired);
    assert!(!client.status(USAGE).unwrap().is_open());
    let _ = client.flush(HANG).unwrap();
    assert!(!keeps(&client));
    assert_eq!(server.connections(), 0);
    // Granting again is enough, and the simple form works. Data from before is not sent under the new grant.
    client.grant(USAGE).unwrap();
    assert!(keeps(&client));
    // A jump of this many days is trusted after a while.
    let flushed = flush(&client);
    assert!(flushed.requests == 0 && flushed.trouble.unwrap().contains("clock jumped ahead"));
    home.clock.pass(MINUTE * 10);
    send(&client);
    assert_eq!(server.lines().len(), 1);
}

#[test]
fn a_program_that_starts_after_the_last_day_writes_it_down() {
    let (home, server) = (Home::new(), Server::new());
    let client = Client::new(home.config(&server).validity_days(1)).unwrap();
    say_yes(&client, CONNECTIVITY);
    client.record_durable(unreachable());
    drop(client);
    home.clock.advance(DAY * 2);
    let client = home.start(&server);
    assert_eq!(state(&client, CONNECTIVITY), State::Expired);
    assert_eq!(client.receipt(CONNECTIVITY).unwrap().decision, Decision::Expired);
    assert!(home.all_waiting().is_empty());
    let keys = std::fs::read_to_string(home.store().join("keys")).unwrap();
    assert!(!keys.contains("connectivity"), "{keys}");
    drop(client);
    // Setting the clock back extends nothing.
    home.clock.jump_to(home.clock.day_nanos() as i64 / 1_000_000_000 - 2 * 86_400 + 43_200);
    let client = home.start(&server);
    assert_eq!(state(&client, CONNECTIVITY), State::Expired);
    client.record_durable(unreachable());
    assert_eq!(client.manifest().unwrap().outcomes.lines, 0);
}

#[test]
fn an_idle_program_notices_when_the_day_changes() {
    let (home, server) = (Home::new(), Server::new());
    let client = Client::new(home.config(&server).validity_days(1)).unwrap();
    say_yes(&client, USAGE);
    home.clock.advance(DAY * 2);
    client.record(opened(2)); // wakes the worker, which finds the new day
    wait_for("the scope to close", || {
        client.record(opened(2));
        !client.status(USAGE).unwrap().is_open()
    });
    assert_eq!(server.connections(), 0);
    // An expired grant can still be withdrawn.
    let receipt = client.withdraw(USAGE).unwrap();
    assert!(receipt.confirmed && receipt.destroyed.complete, "{receipt}");
    assert_eq!(state(&client, USAGE), State::Withdrawn);
}

/// The program is used for a moment and notes the day.
#[track_caller]
fn is_used(home: &Home, client: &Client) {
    assert!(client.status(USAGE).unwrap().is_open());
    wait_for("the day to be noted", || {
        client.record(opened(2)); // wakes the worker, which finds the day
        let marks = std::fs::read_to_string(home.marks().join("high")).unwrap();
        marks.contains(&home.clock.day())
    });
}

/// Sets the clock to noon, `day` days after the day that it shows now. A negative `day` goes back.
fn advance_days(home: &Home, day: i64) {
    let noon = home.clock.day_nanos() as i64 / 1_000_000_000 + 43_200;
    home.clock.jump_to(noon + day * 86_400);
}

#[track_caller]
fn is_doubted(client: &Client) {
    let status = client.status(USAGE).unwrap();
    assert!(!status.is_open() && status.state == State::Granted, "{status:?}");
    assert!(status.trouble.unwrap().contains("this computer's clock shows"));
    assert!(!keeps(client));
    assert!(matches!(client.may_ask(USAGE).unwrap(), MayAsk::No { why: WhyNot::Clock, .. }));
}

#[test]
fn a_clock_that_is_set_back_makes_no_grant_younger() {
    let (home, server) = (Home::new(), Server::new());
    let client = Client::new(home.config(&server).validity_days(30)).unwrap();
    say_yes(&client, USAGE);
    say_yes(&client, CONNECTIVITY);
    drop(client);
    // Used 20 days after the grant. The next start is one day earlier.
    advance_days(&home, 20);
    is_used(&home, &home.start(&server));
    advance_days(&home, -1);
    assert!(keeps(&home.start(&server)), "a day is no doubt");
    // The program was used on a day after the one that the clock shows now.
    advance_days(&home, -10);
    let client = home.start(&server);
    is_doubted(&client);
    client.grant(USAGE).unwrap();
    is_doubted(&client);
    drop(client);
    is_doubted(&home.start(&server));
    advance_days(&home, 11);
    let client = home.start(&server);
    is_used(&home, &client);
    // Also in a program that keeps running.
    advance_days(&home, -8);
    is_doubted(&client);
    // A new grant uses this clock's time. It does not change the other scope.
    say_yes(&client, USAGE);
    assert!(keeps(&client) && !client.status(CONNECTIVITY).unwrap().is_open());
    advance_days(&home, 7);
    assert!(client.status(CONNECTIVITY).unwrap().is_open());
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_program_that_runs_on_notes_its_days_and_not_one_wrong_second() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    for _ in 0..4 {
        home.clock.pass(DAY);
        is_used(&home, &client);
    }
    let lines = || client.manifest().unwrap().outcomes.lines;
    let before = lines();
    advance_days(&home, 50);
    client.record(opened(2));
    wait_for("the event", || lines() > before);
    let wrong = home.clock.day();
    advance_days(&home, -50);
    let status = client.status(USAGE).unwrap();
    assert!(status.is_open(), "{status:?} {}", std::fs::read_to_string(home.marks().join("high")).unwrap());
    let marks = std::fs::read_to_string(home.marks().join("high")).unwrap();
    assert!(!marks.contains(&wrong), "{marks}");
    advance_days(&home, -3);
    assert!(!client.status(USAGE).unwrap().is_open());
    // After the withdrawal no record is left of when the program was used.
    client.withdraw(USAGE).unwrap();
    let marks = std::fs::read_to_string(home.marks().join("high")).unwrap();
    assert!(!marks.contains("latest"), "{marks}");
}

#[test]
fn an_event_that_has_ended_does_not_begin_again_with_an_older_clock() {
    let (home, server) = (Home::new(), Server::new());
    home.clock.jump_to(crate::ending::LAST_NOON);
    drop(home.start_granted(&server, &[USAGE]));
    advance_days(&home, 3);
    is_used(&home, &home.start(&server));
    advance_days(&home, -3);
    let client = home.start(&server);
    client.record_durable(LibraryTidied { by_hand: true });
    is_doubted(&client);
}

#[test]
fn a_latest_day_that_is_none_closes_until_a_new_grant() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    let epoch = client.receipt(USAGE).unwrap().epoch;
    drop(client);
    let forge = |mark| forge::seal(&home.marks().join("high"), "high", &json!({"usage": mark}));
    forge(json!({"epoch": epoch, "latest": "soon"}));
    let client = home.start(&server);
    is_doubted(&client);
    say_yes(&client, USAGE);
    assert!(keeps(&client));
    // A missing latest day is filled in with today.
    let epoch = client.receipt(USAGE).unwrap().epoch;
    drop(client);
    forge(json!({"epoch": epoch}));
    is_used(&home, &home.start(&server));
    advance_days(&home, -3);
    is_doubted(&home.start(&server));
}
