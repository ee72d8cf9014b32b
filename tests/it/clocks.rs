//! A clock that was wrong for a while, in a program that runs on: what it closed opens again, and what it kept from ending ends.

use crate::{
    events::{USAGE, opened},
    files,
    home::{DAY, Home, MINUTE, say_yes, send, wait_for},
    server::Server,
};
use candor::Client;

/// The clock stands so many days after noon of the day on which the test began, or before.
fn stands(home: &Home, day: i64) {
    let noon = home.clock.day_nanos() as i64 / 1_000_000_000 + 43_200;
    home.clock.jump_to(noon + day * 86_400);
}

fn lines(client: &Client) -> u64 {
    client.manifest().unwrap().outcomes.lines
}

#[track_caller]
fn keeps(client: &Client, wanted: bool) {
    let before = lines(client);
    client.record_durable(opened(2));
    assert_eq!(lines(client) > before, wanted, "{:?}", client.status(USAGE).unwrap());
    assert_eq!(client.status(USAGE).unwrap().is_open(), wanted);
}

#[test]
fn a_scope_opens_again_when_the_clock_is_right_though_nothing_else_is_open() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    // Before the yes, and right again.
    stands(&home, -10);
    keeps(&client, false);
    stands(&home, 10);
    keeps(&client, true);
    // Past its last day, for a moment.
    stands(&home, 800);
    keeps(&client, false);
    stands(&home, -800);
    keeps(&client, true);
    drop(client);
    // A computer that has no clock until the network gives it one.
    stands(&home, -3_000);
    let client = home.start(&server);
    keeps(&client, false);
    stands(&home, 3_000);
    keeps(&client, true);
    client.withdraw(USAGE).unwrap();
    keeps(&client, false);
}

#[test]
fn a_computer_that_wakes_once_a_week_keeps_nothing_for_longer() {
    let (home, server) = (Home::new(), Server::new());
    let client = Client::new(home.config(&server).validity_days(8)).unwrap();
    say_yes(&client, USAGE);
    client.record_durable(opened(2));
    send(&client);
    let sent = || files::all(&home.store().join("sent").join("usage")).len();
    assert_eq!(sent(), 1);
    let trash = home.store().join("trash").join("left");
    for _ in 0..15 {
        std::fs::create_dir_all(&trash).unwrap();
        // Asleep, which does not count for what measures waits.
        home.clock.advance(DAY * 7);
        // In use: the worker wakes up, as it would by itself, and finds the new day.
        wait_for("the new day", || client.status(USAGE).is_ok() && !trash.exists());
        home.clock.pass(MINUTE * 5);
    }
    let mut minutes = 0;
    wait_for("the end of the yes to be written", || {
        if minutes < 300 {
            // Still the same day.
            home.clock.pass(MINUTE);
            minutes += 1;
        }
        client.status(USAGE).is_ok() && client.receipt(USAGE).unwrap().decision == "expired"
    });
    wait_for("the sent log to end", || sent() == 0);
    assert!(home.all_waiting().is_empty());
}
