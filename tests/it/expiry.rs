//! A yes is good for a time: past its last day the scope is closed, and what waited is destroyed.

use crate::{
    events::{CONNECTIVITY, USAGE, opened, unreachable},
    home::{DAY, HANG, Home, say_yes, send, state, wait_for},
    server::Server,
};
use candor::{Client, consent::State};

fn keeps(client: &Client) -> bool {
    let lines = || client.manifest().unwrap().outcomes.lines;
    let before = lines();
    client.record_durable(opened(2));
    lines() > before
}

#[test]
fn a_yes_ends_with_its_last_day() {
    let (home, server) = (Home::new(), Server::new());
    let client = Client::new(home.config(&server).validity_days(30)).unwrap();
    say_yes(&client, USAGE);
    let until = client.status(USAGE).unwrap().until.unwrap();
    assert_eq!(client.receipt(USAGE).unwrap().until.as_deref(), Some(until.as_str()));
    assert!(client.manifest().unwrap().to_string().contains(&format!("through {until}")));
    assert!(client.notice(USAGE).unwrap().text().contains("good for 30 days"));
    home.clock.advance(DAY * 30);
    assert!(keeps(&client), "the last day is one of its days");
    home.clock.advance(DAY);
    assert_eq!(state(&client, USAGE), State::Expired);
    assert!(!client.status(USAGE).unwrap().is_open());
    let _ = client.flush(HANG).unwrap();
    assert!(!keeps(&client));
    assert_eq!(server.connections(), 0);
    // Asking again is all it takes, and the simple form will do; what waited does not leave under the new yes.
    client.grant(USAGE).unwrap();
    assert!(keeps(&client));
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
    assert_eq!(client.receipt(CONNECTIVITY).unwrap().decision, "expired");
    assert!(home.all_waiting().is_empty());
    let keys = std::fs::read_to_string(home.store().join("keys")).unwrap();
    assert!(!keys.contains("connectivity"), "{keys}");
    drop(client);
    // A clock that goes back extends nothing.
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
    // What is past its last day can be taken back all the same.
    let receipt = client.withdraw(USAGE).unwrap();
    assert!(receipt.confirmed && receipt.destroyed.complete, "{receipt}");
    assert_eq!(state(&client, USAGE), State::Withdrawn);
}
