//! Promise 3 against tampering: lines and batches that have valid checksums, but that this program would not have
//! written, are never sent. What is sent is what the schema allows, byte for byte.

use crate::{
    events::{CONNECTIVITY, PLAYBACK, USAGE, film, opened, unreachable},
    files, forge,
    home::{DAY, HOUR, Home, dropped, flush, send, waiting},
    server::{self, Say, Server},
};
use candor::Scope;
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// Makes a store with one genuine line in `scope`. Returns its segment and the line.
fn with_a_line(home: &Home, server: &Server, scope: Scope) -> (PathBuf, String) {
    let client = home.start_granted(server, &[USAGE, CONNECTIVITY]);
    if scope == USAGE {
        client.record_durable(opened(2));
    } else {
        client.record_durable(unreachable());
    }
    let line = waiting(&client, scope)[0].clone();
    drop(client);
    (home.waiting("waiting", scope).remove(0), line)
}

#[test]
fn a_planted_line_that_the_schema_does_not_allow_never_leaves() {
    let (home, server) = (Home::new(), Server::new());
    let divisor = DIVISOR;
    let id = r#"{"key":"log.record.uid","value":{"stringValue":"00112233445566778899aabbccddeeff"}}"#;
    // The day before: old enough to have been kept, and recent enough to be sent.
    let [yesterday, before] = [1, 2].map(|days| home.clock.day_nanos() - days * DAY.as_nanos() as u64);
    let attributes = |more: &str| {
        let (day, head) = (yesterday, r#""severityNumber":9,"eventName":"library.opened","attributes":["#);
        format!(r#"{{"timeUnixNano":"{day}","observedTimeUnixNano":"{day}",{head}{more}{divisor}{id}]}}"#)
    };
    let shelves = r#"{"key":"shelves","value":{"intValue":"2"}},"#;
    let sound = attributes(shelves);
    let not_allowed = [
        (
            "an extra attribute",
            attributes(&format!(r#"{shelves}{{"key":"user.name","value":{{"stringValue":"ann"}}}},"#)),
        ),
        ("a finer value", attributes(r#"{"key":"shelves","value":{"intValue":"4"}},"#)),
        ("another type", attributes(r#"{"key":"shelves","value":{"stringValue":"2"}},"#)),
        ("a number for text", attributes(r#"{"key":"shelves","value":{"intValue":2}},"#)),
        ("two kinds of value", attributes(r#"{"key":"shelves","value":{"intValue":"2","stringValue":"ann"}},"#)),
        ("an attribute twice", attributes(&format!("{shelves}{shelves}"))),
        ("one twice, differing", attributes(&format!(r#"{{"key":"shelves","value":{{"intValue":"1"}}}},{shelves}"#))),
        ("another order", attributes(&format!(r#"{{"key":"sorted","value":{{"boolValue":true}}}},{shelves}"#))),
        (
            "a count where nothing is counted",
            attributes(&format!(r#"{shelves}{{"key":"count","value":{{"intValue":"1"}}}},"#)),
        ),
        ("other where nothing is counted", attributes(r#"{"key":"candor.other","value":{"boolValue":true}},"#)),
        ("another divisor", sound.replace(divisor, &divisor.replace(r#""1""#, r#""32""#))),
        ("a divisor that is no text", sound.replace(divisor, &divisor.replace(r#""1""#, "1"))),
        ("a divisor twice", sound.replace(divisor, &format!("{divisor}{divisor}"))),
        (
            "no divisor, and an extra attribute",
            attributes(r#"{"key":"who","value":{"boolValue":true}},"#).replace(divisor, ""),
        ),
        ("no divisor, and spaces", sound.replace(divisor, "").replace(':', ": ")),
        ("spaces", sound.replace(':', ": ")),
        ("a space in front", format!(" {sound}")),
        ("a space behind", format!("{sound} ")),
        ("escapes", sound.replace("shelves", "shelve\\u0073")),
        ("a time of day", sound.replace(&yesterday.to_string(), &(yesterday + 1).to_string())),
        ("two times", sound.replacen(&yesterday.to_string(), &before.to_string(), 1)),
        ("another severity", sound.replace(r#""severityNumber":9"#, r#""severityNumber":17"#)),
        ("a body", sound.replace(r#","attributes""#, r#","body":{"stringValue":"ann"},"attributes""#)),
        ("a trace", sound.replace(r#","attributes""#, r#","traceId":"00112233445566778899aabbccddeeff","attributes""#)),
        ("a name twice", sound.replace(r#","attributes""#, r#","eventName":"library.opened","attributes""#)),
        ("an unknown event", sound.replace("library.opened", "library.closed")),
        ("an event of another scope", sound.replace("library.opened", "network.lost")),
        ("an event that is rolled up", sound.replace("library.opened", "playback.finished")),
        ("a short id", sound.replace("00112233445566778899aabbccddeeff", "00")),
        ("text as id", sound.replace("00112233445566778899aabbccddeeff", "ann.smith@mail.example.org......")),
        ("capitals in the id", sound.replace("aabbccddeeff", "AABBCCDDEEFF")),
        ("no id", attributes(shelves).replace(&format!(",{id}"), "")),
        ("a list", format!("[{sound}]")),
        ("two lines in one", format!("{sound},{sound}")),
        ("text", "\"ann\"".to_owned()),
        ("no JSON", "ann smith".to_owned()),
        ("nothing", String::new()),
    ];
    let (segment, honest) = with_a_line(&home, &server, USAGE);
    // The controls: the genuine line is there, and an allowed line is planted too, which shows that the forgery works.
    assert_eq!(waiting(&home.start(&server), USAGE).len(), 1);
    forge::plant_line(&segment, &sound);
    for (_, line) in &not_allowed {
        forge::plant_line(&segment, line);
    }
    forge::plant_line_about(&segment, 1, &sound.replace("0011", "1100"));
    let client = home.start(&server);
    send(&client);
    let mut left = server.lines();
    let mut expected = vec![honest, sound];
    left.sort();
    expected.sort();
    assert_eq!(left, expected);
    assert_eq!(dropped(&client, "foreign"), not_allowed.len() as u64 + 1);
    assert_eq!(dropped(&client, "damaged"), 0);
}

#[test]
fn a_line_of_another_scope_or_segment_never_leaves() {
    let (home, server) = (Home::new(), Server::new());
    let (segment, _) = with_a_line(&home, &server, USAGE);
    let other = Home::new();
    let (theirs, foreign) = with_a_line(&other, &server, CONNECTIVITY);
    // A sound line in another scope's segment.
    forge::plant_line(&segment, &foreign);
    // A sound segment in the directory of another scope and of another generation.
    fs::copy(&theirs, segment.with_file_name("aaaaaaaaaaaaaaaa.jsonl")).unwrap();
    files::mode(&segment.with_file_name("aaaaaaaaaaaaaaaa.jsonl"), 0o600);
    // A line moved from one segment to another. Its checksum is salted, so it does not match there.
    let moved = fs::read_to_string(&theirs).unwrap().lines().nth(1).unwrap().to_owned();
    let text = fs::read_to_string(&segment).unwrap() + &moved + "\n";
    files::write(&segment, text.as_bytes());
    let client = home.start(&server);
    send(&client);
    assert_eq!(server.lines().len(), 1, "{:#?}", server.lines());
    assert!(server.lines()[0].contains("library.opened"));
    assert_eq!(dropped(&client, "foreign"), 2);
    assert!(dropped(&client, "damaged") >= 1);
}

#[test]
fn the_page_shows_as_waiting_only_what_could_leave() {
    let (home, server) = (Home::new(), Server::new());
    let (segment, honest) = with_a_line(&home, &server, USAGE);
    let other = Home::new();
    let (_, foreign) = with_a_line(&other, &server, CONNECTIVITY);
    forge::plant_line(&segment, &foreign);
    forge::plant_line_about(&segment, 1, &honest);
    let client = home.start(&server);
    assert_eq!(waiting(&client, USAGE), [honest]);
    let (home, server) = (Home::new(), Server::new());
    let (path, head, body) = with_a_batch(&home, &server);
    let forged = String::from_utf8(body).unwrap().replace("library.opened", "ann-laptop");
    forge::write_batch(&path, &head, forged.as_bytes());
    let client = home.start(&server);
    assert!(client.manifest().unwrap().scope(USAGE).unwrap().ready.is_empty());
}

const DIVISOR: &str = r#"{"key":"candor.divisor","value":{"intValue":"1"}},"#;

/// Such a line has no divisor. It is shown and sent as this version writes it, and not lost.
#[test]
fn a_line_of_the_version_before_leaves_as_this_version_writes_it() {
    let (home, server) = (Home::new(), Server::new());
    let (segment, honest) = with_a_line(&home, &server, USAGE);
    let (_, id) = honest.split_once(r#""log.record.uid","value":{"stringValue":""#).unwrap();
    let another = honest.replace(&id[..32], "00112233445566778899aabbccddeeff");
    assert!(another != honest && another.contains(DIVISOR));
    forge::plant_line(&segment, &another.replace(DIVISOR, ""));
    let client = home.start(&server);
    let (mut shown, mut expected) = (waiting(&client, USAGE), vec![honest, another]);
    expected.sort();
    shown.sort();
    assert_eq!(shown, expected);
    send(&client);
    let mut left = server.lines();
    left.sort();
    assert_eq!((left, dropped(&client, "foreign")), (expected, 0));
}

/// The batch of that version has no divisors, and a largest count of 1,024. It leaves with this version's.
#[test]
fn a_batch_of_the_version_before_leaves_as_this_version_writes_it() {
    let (home, server) = (Home::new(), Server::new());
    server.say([Say::status(503)]);
    let client = home.start_granted(&server, &[PLAYBACK]);
    (0..5).for_each(|_| client.record_durable(film()));
    home.clock.advance(DAY);
    assert_eq!(flush(&client).waiting, 1);
    drop(client);
    let path = home.waiting("outbox", PLAYBACK).remove(0);
    let (head, body) = forge::read_batch(&path);
    let body = String::from_utf8(body).unwrap();
    let before = body.replace(DIVISOR, "").replace(r#""intValue":"5"}"#, r#""intValue":"1024"}"#);
    assert!(before.len() < body.len());
    forge::write_batch(&path, &head, before.as_bytes());
    let heard = server.lines().len();
    let client = home.start(&server);
    home.clock.advance(HOUR);
    send(&client);
    let left = server.lines().split_off(heard);
    assert!(left.len() == 1 && left[0].contains(DIVISOR), "{left:#?}");
    assert!(left[0].contains(r#"{"key":"count","value":{"intValue":"1025"}}"#), "{left:#?}");
    assert_eq!(dropped(&client, "foreign"), 0);
}

/// A record that was counted with another divisor would be multiplied by the wrong number.
#[test]
fn a_batch_with_another_divisor_is_foreign() {
    let (home, server) = (Home::new(), Server::new());
    let (path, head, body) = with_a_batch(&home, &server);
    let heard = server.bodies().len();
    let another = String::from_utf8(body).unwrap().replace(DIVISOR, &DIVISOR.replace(r#""1""#, r#""32""#));
    forge::write_batch(&path, &head, another.as_bytes());
    let client = home.start(&server);
    home.clock.advance(HOUR);
    send(&client);
    assert_eq!((server.bodies().len() - heard, dropped(&client, "foreign")), (0, 1));
}

#[test]
fn planted_counts_never_leave() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    client.record_durable(film());
    client.record_durable(film());
    drop(client);
    let counts = home.waiting("counts", PLAYBACK).remove(0);
    let sound = r#"{"event":"playback.jumped","fields":{"forward":{"boolValue":true}},"count":3}"#;
    let not_allowed = [
        sound.replace("playback.jumped", "playback.paused"),
        sound.replace("playback.jumped", "library.opened"),
        sound.replace(r#""forward""#, r#""film""#),
        sound.replace("true", r#""Alien""#),
        sound.replace(r#"":3"#, r#"":0"#),
        sound.replace(r#"":3"#, r#"":-3"#),
        sound.replace(r#"},"count""#, r#","forward":{"boolValue":true}},"count""#),
        sound.replace(r#"},"count""#, r#"},"who":"ann","count""#),
        sound.replace(':', ": "),
        r#"{"event":"playback.finished","fields":{"bitrate":{"intValue":"4213000"}},"count":1}"#.to_owned(),
    ];
    for line in &not_allowed {
        forge::plant_line(&counts, line);
    }
    forge::plant_line(&counts, sound);
    home.clock.advance(DAY);
    let client = home.start(&server);
    send(&client);
    let lines = server.lines();
    assert_eq!(lines.len(), 2, "the honest one and the one that is allowed: {lines:#?}");
    assert_eq!(dropped(&client, "foreign"), not_allowed.len() as u64);
}

#[test]
fn looking_does_not_count() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    client.record_durable(film());
    drop(client);
    forge::plant_line(&home.waiting("counts", PLAYBACK).remove(0), r#"{"event":"playback.paused"}"#);
    let client = home.start(&server);
    for _ in 0..5 {
        let _ = client.manifest().unwrap();
    }
    assert!(dropped(&client, "foreign") <= 1, "{} for one cell", dropped(&client, "foreign"));
}

/// Makes a batch that is pending for its next try. Returns its path, its head and its body.
fn with_a_batch(home: &Home, server: &Server) -> (PathBuf, Value, Vec<u8>) {
    server.say([Say::status(503)]);
    let client = home.start_granted(server, &[USAGE, CONNECTIVITY]);
    client.record_durable(opened(2));
    assert_eq!(flush(&client).waiting, 1);
    drop(client);
    let path = home.waiting("outbox", USAGE).remove(0);
    let (head, body) = forge::read_batch(&path);
    (path, head, body)
}

#[test]
fn a_planted_batch_leaves_only_as_this_program_would_have_built_it() {
    type Change = (&'static str, fn(&str) -> String);
    let changes: [Change; 9] = [
        ("an attribute of the program", |body| {
            body.replacen(
                r#"{"key":"telemetry.sdk.name""#,
                r#"{"key":"host.name","value":{"stringValue":"ann-laptop"}},{"key":"telemetry.sdk.name""#,
                1,
            )
        }),
        ("an attribute of the scope", |body| {
            body.replacen(
                r#"{"key":"candor.scope""#,
                r#"{"key":"host.name","value":{"stringValue":"ann-laptop"}},{"key":"candor.scope""#,
                1,
            )
        }),
        ("an attribute of the record", |body| {
            body.replacen(
                r#"{"key":"shelves""#,
                r#"{"key":"host.name","value":{"stringValue":"ann-laptop"}},{"key":"shelves""#,
                1,
            )
        }),
        ("a body", |body| {
            body.replacen(
                r#""attributes":[{"key":"shelves""#,
                r#""body":{"stringValue":"ann-laptop"},"attributes":[{"key":"shelves""#,
                1,
            )
        }),
        ("behind the end", |body| format!("{}{:<1024}", body, "ann-laptop")),
        ("in the padding", |body| body.trim_end().to_owned() + &format!("{:>1$}", "ann-laptop", 1024)),
        ("as spaces", |body| body.replacen(':', ":  ", 1) + "ann-laptop"),
        ("another service", |body| body.replacen("org.example.player", "ann-laptop", 1)),
        ("another event", |body| body.replacen("library.opened", "ann-laptop", 1)),
    ];
    for (what, change) in changes {
        let (home, server) = (Home::new(), Server::new());
        let (path, head, body) = with_a_batch(&home, &server);
        let heard = server.bodies().len();
        let honest = server.bodies().remove(0);
        forge::write_batch(&path, &head, change(std::str::from_utf8(&body).unwrap()).as_bytes());
        let client = home.start(&server);
        home.clock.advance(HOUR);
        send(&client);
        for left in server.bodies().split_off(heard) {
            assert!(left == honest, "{what}: {}", String::from_utf8_lossy(&left));
        }
        assert!(!path.exists(), "{what}");
        let sent = server.bodies().len() - heard;
        assert_eq!(sent as u64 + dropped(&client, "foreign"), 1, "{what}: either sent as it should be, or counted");
    }
}

#[test]
fn a_batch_that_names_another_grant_never_leaves() {
    let (home, server) = (Home::new(), Server::new());
    let (path, head, body) = with_a_batch(&home, &server);
    let heard = server.requests().len();
    for (name, value) in [
        ("scope", json!("connectivity")),
        ("scope", json!("nothing")),
        ("generation", json!(7)),
        ("epoch", json!(7)),
        ("epoch", json!(0)),
        ("key", json!("00112233445566778899aabbccddeeff")),
    ] {
        let mut forged = head.clone();
        forged[name] = value.clone();
        forge::write_batch(&path, &forged, &body);
        let client = home.start(&server);
        home.clock.advance(HOUR);
        send(&client);
        assert_eq!(server.requests().len(), heard, "{name} {value}");
        assert_eq!(dropped(&client, "foreign"), 1, "{name} {value}");
        assert!(!path.exists(), "{name} {value}");
    }
}

#[test]
fn a_batch_in_the_directory_of_another_scope_never_leaves() {
    let (home, server) = (Home::new(), Server::new());
    let (path, head, body) = with_a_batch(&home, &server);
    let heard = server.requests().len();
    // The batch is copied unchanged, and once more with a head that matches the new place.
    let snapshot = forge::unsealed(&home.store().join("consent"));
    let generation = snapshot["scopes"]["connectivity"]["generation"].as_u64().unwrap();
    let place = home.store().join("outbox").join("connectivity").join(generation.to_string());
    files::make_dir(&place);
    files::write(&place.join(path.file_name().unwrap()), &fs::read(&path).unwrap());
    let mut forged = head;
    forged["scope"] = json!("connectivity");
    forged["generation"] = json!(generation);
    forged["epoch"] = json!(generation);
    forged["key"] = json!("00112233445566778899aabbccddeeff");
    let time = path.file_name().unwrap().to_str().unwrap().split_once('-').unwrap().0;
    forge::write_batch(&place.join(format!("{time}-00112233445566778899aabbccddeeff.json")), &forged, &body);
    fs::remove_file(path).unwrap();
    let client = home.start(&server);
    home.clock.advance(HOUR);
    send(&client);
    assert_eq!(server.requests().len(), heard);
    assert_eq!(dropped(&client, "foreign"), 2);
    assert_eq!(home.waiting("outbox", CONNECTIVITY).len(), 0);
}

#[test]
fn a_batch_that_was_taken_before_is_not_sent_again() {
    let (home, server) = (Home::new(), Server::new());
    let (path, _, _) = with_a_batch(&home, &server);
    let batch = fs::read(&path).unwrap();
    let client = home.start(&server);
    home.clock.advance(HOUR);
    send(&client);
    drop(client);
    let heard = server.requests().len();
    assert_eq!(heard, 2);
    // As if the program died between the answer and the removal.
    files::write(&path, &batch);
    let client = home.start(&server);
    send(&client);
    assert_eq!(server.requests().len(), heard);
    assert!(!path.exists());
    assert_eq!(server::lines(&server.bodies()[1]).len(), 1);
}
