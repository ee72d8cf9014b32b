//! An event may declare its last day. After it nothing is recorded, and what was recorded before is still sent. A build that
//! would record for longer than was agreed to stops on the agreed day.

use crate::{
    events::{LibraryTidied, PLAYBACK, PlaybackJumped, USAGE, opened},
    forge,
    home::{DAY, Home, dropped, say_yes, send, state, waiting},
    server::Server,
};
use candor::{
    Client,
    consent::{Effect, State},
};
use serde_json::{Value, json};

/// Noon of 2099-06-30, in seconds since 1970.
pub(crate) const LAST_NOON: i64 = 4_086_504_000;

fn on_the_last_day() -> (Home, Server) {
    let home = Home::new();
    home.clock.jump_to(LAST_NOON);
    (home, Server::new())
}

/// Moves the clock by a day and lets the program notice.
fn next_day(home: &Home, client: &Client) {
    home.clock.advance(DAY);
    drop(client.manifest().unwrap());
}

fn tidied() -> LibraryTidied {
    LibraryTidied { by_hand: true }
}

#[test]
fn an_event_is_recorded_through_its_last_day_and_not_after() {
    let (home, server) = on_the_last_day();
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(tidied());
    assert!(waiting(&client, USAGE)[0].contains("library.tidied"));
    next_day(&home, &client);
    client.record_durable(tidied());
    client.record(tidied());
    client.record_durable(opened(3));
    // Neither of the two is kept. The earlier one is, and so is the event without a last day.
    assert_eq!(waiting(&client, USAGE).len(), 2);
    assert_eq!(dropped(&client, "ended"), 2);
    send(&client);
    let lines = server.lines();
    let of = |name: &str| lines.iter().filter(|line| line.contains(name)).count();
    assert_eq!((of("library.tidied"), of("library.opened")), (1, 1), "{lines:#?}");
    assert_eq!(state(&client, USAGE), State::Granted, "an event that ends asks nobody again");
}

#[test]
fn the_person_is_told_the_last_day() {
    let (home, server) = on_the_last_day();
    let client = home.start(&server);
    let notice = client.notice(USAGE).unwrap();
    assert_eq!(notice.text().matches("\n    until the end of 2099-06-30\n").count(), 1, "{notice}");
    let manifest = client.manifest().unwrap();
    assert_eq!(manifest.to_string().matches("until the end of 2099-06-30").count(), 1);
    let events = &manifest.scope(USAGE).unwrap().could_send;
    let ends: Vec<_> = events.iter().map(|event| (event.name, event.until.as_deref())).collect();
    assert_eq!(ends, [("library.opened", None), ("library.tidied", Some("2099-06-30"))]);
    client.grant(USAGE).unwrap();
    let agreed = client.manifest().unwrap().scope(USAGE).unwrap().agreed.clone().unwrap();
    assert_eq!(agreed["events"][1]["until"], "2099-06-30");
    // An event without a last day has no `until`, so the text of earlier contracts is unchanged.
    assert!(agreed["events"][0].get("until").is_none(), "{agreed}");
}

/// Starts the program on a grant of another contract, as another build recorded it.
fn after(change: fn(&mut Value)) -> (Home, Server, Client) {
    let (home, server) = on_the_last_day();
    drop(home.start_granted(&server, &[USAGE, PLAYBACK]));
    forge::agreed_to_something_else(&home.store(), change);
    let client = home.start(&server);
    (home, server, client)
}

#[test]
fn an_end_that_was_agreed_to_binds_a_build_that_has_none() {
    let (home, server, client) = after(|was| {
        if was["scope"] == "usage" {
            was["events"][0]["until"] = json!("2099-06-30");
        }
    });
    let status = client.status(USAGE).unwrap();
    assert!(status.state == State::Superseded && status.is_open(), "{status:?}");
    let change = &status.changes[0];
    assert_eq!((change.axis.as_str(), change.effect), ("last day of library.opened", Effect::HeldBack));
    assert_eq!((change.before.as_str(), change.after.as_str()), ("2099-06-30", ""));
    client.record_durable(opened(3));
    next_day(&home, &client);
    client.record_durable(opened(4));
    assert_eq!((waiting(&client, USAGE).len(), dropped(&client, "ended")), (1, 1));
    send(&client);
    let lines = server.lines();
    assert!(lines.len() == 1 && lines[0].contains(r#""intValue":"3""#), "{lines:#?}");
    say_yes(&client, USAGE);
    client.record_durable(opened(2));
    assert_eq!((waiting(&client, USAGE).len(), dropped(&client, "ended")), (1, 1));
}

#[test]
fn a_later_end_is_held_to_the_earlier_one() {
    let (_home, _server, client) = after(|was| {
        if was["scope"] == "usage" {
            was["events"][1]["until"] = json!("2099-06-29");
        }
    });
    assert_eq!(client.status(USAGE).unwrap().changes[0].effect, Effect::HeldBack);
    client.record_durable(tidied());
    client.record_durable(opened(3));
    assert_eq!((waiting(&client, USAGE).len(), dropped(&client, "ended")), (1, 1));
}

#[test]
fn an_earlier_end_or_a_first_one_asks_nobody() {
    let changes: [fn(&mut Value); 2] = [
        |was| {
            if was["scope"] == "usage" {
                was["events"][1]["until"] = json!("2099-07-01");
            }
        },
        |was| {
            if was["scope"] == "usage" {
                drop(was["events"][1].as_object_mut().unwrap().remove("until"));
            }
        },
    ];
    for change in changes {
        let (home, _server, client) = after(change);
        let status = client.status(USAGE).unwrap();
        assert_eq!((status.state, status.changes[0].effect), (State::Granted, Effect::Narrower), "{status:?}");
        next_day(&home, &client);
        client.record_durable(tidied());
        assert_eq!(dropped(&client, "ended"), 1);
    }
}

#[test]
fn an_end_that_is_no_day_is_long_over() {
    let (_home, _server, client) = after(|was| {
        if was["scope"] == "usage" {
            was["events"][0]["until"] = json!("some day");
        }
    });
    client.record_durable(opened(3));
    assert_eq!((waiting(&client, USAGE).len(), dropped(&client, "ended")), (0, 1));
}

#[test]
fn counts_of_the_last_day_leave_and_none_are_added() {
    let (home, server, client) = after(|was| {
        if was["scope"] == "playback" {
            for event in was["events"].as_array_mut().unwrap() {
                event["until"] = json!("2099-06-30");
            }
        }
    });
    for _ in 0..2 {
        client.record_durable(PlaybackJumped { forward: true });
    }
    next_day(&home, &client);
    for _ in 0..8 {
        client.record_durable(PlaybackJumped { forward: true });
    }
    assert_eq!(dropped(&client, "ended"), 8);
    next_day(&home, &client);
    send(&client);
    let lines = server.lines();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains(r#"{"key":"count","value":{"intValue":"2"}}"#), "{lines:#?}");
}

/// A line of a day after the end is not sent, whichever program wrote it.
#[test]
fn a_line_of_a_day_after_the_end_is_not_sent() {
    let (home, server) = on_the_last_day();
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(3));
    next_day(&home, &client);
    client.record_durable(opened(4));
    assert_eq!(waiting(&client, USAGE).len(), 2);
    drop(client);
    forge::agreed_to_something_else(&home.store(), |was| was["events"][0]["until"] = json!("2099-06-30"));
    let client = home.start(&server);
    send(&client);
    let lines = server.lines();
    assert!(lines.len() == 1 && lines[0].contains(r#""intValue":"3""#), "{lines:#?}");
    assert_eq!(dropped(&client, "foreign"), 1);
}
