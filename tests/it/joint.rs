//! Behavior of several records together: the codes of a session and its days, codes beside records that have none, and a
//! consent to less than before.

use crate::{
    events::{CONNECTIVITY, FilmOpened, PLAYBACK, ServerFound, USAGE, opened},
    forge,
    home::{DAY, Home, say_yes, send, state, wait_for, waiting},
    server::Server,
};
use candor::{Client, Event, consent::State, event::Sink};
use serde_json::{Value, json};

fn codes(lines: &[String]) -> Vec<String> {
    let code = |line: &String| {
        let line: Value = serde_json::from_str(line).ok()?;
        let server = line["attributes"].as_array()?.iter().find(|attribute| attribute["key"] == "server")?;
        Some(server["value"]["stringValue"].as_str()?.to_owned())
    };
    lines.iter().filter_map(code).collect()
}

#[test]
fn a_session_that_lasts_for_days_has_a_code_for_each() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[CONNECTIVITY]);
    let found = |times: usize| {
        (0..times).for_each(|_| client.record_durable(ServerFound { server: "nas.local" }));
        codes(&waiting(&client, CONNECTIVITY))
    };
    let first = found(2);
    assert!(first.len() == 2 && first[0] == first[1], "{first:?}");
    home.clock.advance(DAY);
    client.record(ServerFound { server: "attic.local" }); // the worker wakes and notices the new day
    wait_for("the new day", || {
        let codes = found(1);
        codes.last() != codes.first()
    });
    send(&client);
    for request in server.requests() {
        let days: std::collections::BTreeSet<String> =
            request.records().iter().map(|record| record.raw["timeUnixNano"].to_string()).collect();
        assert_eq!(days.len(), 1, "codes of two days never share a request");
    }
}

#[test]
fn a_grant_to_less_is_recorded_as_one() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[USAGE]));
    forge::agreed_to_something_else(&home.store(), |was| was["retention_days"] = json!(3_650));
    let client = home.start(&server);
    assert_eq!(state(&client, USAGE), State::Granted);
    let kept_for = |client: &Client| client.receipt(USAGE).unwrap().contract.unwrap()["retention_days"].clone();
    assert_eq!(kept_for(&client), 3_650);
    client.grant(USAGE).unwrap();
    assert_eq!(kept_for(&client), 3_650, "without a notice nothing new was agreed to");
    say_yes(&client, USAGE);
    assert_eq!(kept_for(&client), 30);
    assert!(client.status(USAGE).unwrap().changes.is_empty());
    client.record_durable(opened(5));
    send(&client);
    assert_eq!(server.lines().len(), 1);
}

/// A hand-written implementation that offers one item after another until one is sampled.
struct Stubborn;

impl Event for Stubborn {
    const SCOPE: candor::Scope = PLAYBACK;
    type About = candor::event::Installation;
    fn schema() -> &'static candor::event::Schema {
        FilmOpened::schema()
    }
    fn generalize(&self, sink: &mut Sink<'_>) {
        let mut number = 0;
        while number < 10_000 && !sink.item(&number.to_string()) {
            number += 1;
        }
        sink.outcome(0, 2);
    }
}

#[test]
fn an_implementation_by_hand_is_asked_once() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    for _ in 0..60 {
        client.record(Stubborn);
    }
    let _ = candor::preview(&FilmOpened { film: "a film", resumed: true });
    let manifest = client.manifest().unwrap();
    let left_out =
        manifest.outcomes.dropped.iter().find(|it| it.reason == candor::DropReason::NotChosen).map_or(0, |it| it.count);
    // The item is the same each time, so all events are counted or none is. One in 32 stores would count them.
    assert!(left_out == 60 || (left_out == 0 && manifest.outcomes.counted == 60), "{left_out}");
}
