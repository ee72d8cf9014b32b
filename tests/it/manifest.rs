//! Promise 3, what you see is what is sent: the bytes on disk, on the page and on the wire are the same, and the page
//! leaves nothing out.

use crate::{
    events::{
        CONNECTIVITY, Cause, Codec, FilmOpened, LibraryOpened, LibraryTidied, NetworkLost, PLAYBACK, PlaybackFinished,
        PlaybackJumped, ServerFound, ServerSlow, ServerUnreachable, USAGE, film, opened, unreachable,
    },
    home::{DAY, Home, send},
    server::{self, Say, Server},
};
use candor::Event;
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};

#[test]
fn the_bytes_on_disk_on_the_page_and_on_the_wire_are_the_same() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, CONNECTIVITY]);
    client.record_durable(opened(2));
    client.record_durable(LibraryOpened { shelves: 90_000, sorted: Some(true) });
    client.record_durable(unreachable());
    client.record_durable(ServerUnreachable { server: "\u{1f4fa} \"quoted\" \\ back\n", cause: Cause::Other });
    client.record_durable(ServerFound { server: "" });
    client.record_durable(NetworkLost { came_back: false });
    let manifest = client.manifest().unwrap();
    for scope in [USAGE, CONNECTIVITY] {
        let page = manifest.scope(scope).unwrap();
        let mut on_disk = Vec::new();
        for path in home.waiting("waiting", scope) {
            let text = std::fs::read_to_string(path).unwrap();
            on_disk.extend(text.lines().skip(1).map(|line| line.splitn(4, ' ').nth(3).unwrap().to_owned()));
        }
        assert_eq!(page.waiting, on_disk);
        assert!(page.ready.is_empty() && page.sent.is_empty());
    }
    let mut shown: Vec<String> = manifest.scopes.iter().flat_map(|page| page.waiting.clone()).collect();
    assert_eq!(shown.len(), 6);

    send(&client);
    let mut received = server.lines();
    shown.sort();
    received.sort();
    assert_eq!(shown, received);
    let manifest = client.manifest().unwrap();
    assert!(manifest.scopes.iter().all(|page| page.waiting.is_empty() && page.ready.is_empty()));
    let mut kept: Vec<Vec<u8>> =
        manifest.scopes.iter().flat_map(|page| &page.sent).map(|sent| sent.body.clone().into_bytes()).collect();
    let mut bodies = server.bodies();
    kept.sort();
    bodies.sort();
    assert!(!kept.is_empty() && kept == bodies, "whole requests, padding and all");
    let sent: u64 = manifest.scopes.iter().flat_map(|page| &page.sent).map(|sent| sent.records).sum();
    assert_eq!((sent, manifest.outcomes.sent), (6, 6));
    // The wire never contains the raw values that the program passed.
    let wire = String::from_utf8(server.bodies().concat()).unwrap();
    assert!(!wire.contains("quoted") && !wire.contains("nas.local") && !wire.contains("90000"));
}

#[test]
fn what_is_ready_is_what_is_sent_later() {
    let (home, server) = (Home::new(), Server::new());
    server.say([Say::status(503)]);
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(2));
    let waiting = client.manifest().unwrap().scope(USAGE).unwrap().waiting.clone();
    send(&client);
    let ready = client.manifest().unwrap().scope(USAGE).unwrap().ready.clone();
    assert_eq!(server::lines(ready[0].as_bytes()), waiting);
    drop(client);
    let client = home.start(&server);
    assert_eq!(client.manifest().unwrap().scope(USAGE).unwrap().ready, ready, "the same after a restart");
    home.clock.advance(DAY);
    send(&client);
    assert_eq!(server.bodies()[1], ready[0].as_bytes());
}

#[test]
fn every_event_that_is_linked_is_on_the_page_before_anyone_is_asked() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let manifest = client.manifest().unwrap();
    let linked = [
        PlaybackFinished::schema(),
        PlaybackJumped::schema(),
        FilmOpened::schema(),
        ServerUnreachable::schema(),
        ServerSlow::schema(),
        ServerFound::schema(),
        NetworkLost::schema(),
        LibraryOpened::schema(),
        LibraryTidied::schema(),
    ];
    let pages = [PLAYBACK, CONNECTIVITY, USAGE].map(|scope| manifest.scope(scope).unwrap());
    assert_eq!(pages.iter().map(|page| page.could_send.len()).sum::<usize>(), linked.len());
    let text = manifest.to_string();
    for schema in linked {
        let page = manifest.scope(schema.scope()).unwrap();
        let event = page.could_send.iter().find(|event| event.name == schema.name()).unwrap();
        assert_eq!((event.description, event.linkage), (schema.doc(), schema.linkage()));
        assert!(event.outcomes <= 1_024 && event.fields.len() == schema.fields().len());
        assert!(text.contains(event.name) && text.contains(event.description), "{}", event.name);
        for (field, declared) in event.fields.iter().zip(schema.fields()) {
            assert_eq!((field.name, field.description, field.class), (declared.name, declared.doc, declared.class));
            let example = format!("Example: {} -> {}", field.example_raw, field.example_sent);
            assert!(text.contains(&example), "{example}");
            assert!(client.notice(schema.scope()).unwrap().text().contains(field.description), "{}", field.name);
        }
    }
    assert!(text.contains("1:30:31 -> 60 to under 120 min") && text.contains("4.21 Mbit/s -> 4 Mbit/s to under 8"));
}

#[test]
fn the_data_says_what_the_text_says() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let notice = client.notice(USAGE).unwrap();
    client.grant(USAGE.shown(&notice).via("settings/privacy")).unwrap();
    client.grant(PLAYBACK).unwrap();
    client.deny(CONNECTIVITY).unwrap();
    client.record_durable(opened(2));
    send(&client);
    client.record_durable(opened(3));
    for _ in 0..3 {
        client.record_durable(film());
    }
    let manifest = client.manifest().unwrap();
    let (text, data): (String, Value) = (manifest.to_string(), serde_json::from_str(&manifest.to_json()).unwrap());
    assert_eq!(data["format"], "candor-manifest/1");
    let scopes = data["scopes"].as_array().unwrap();
    let page = |name: &str| scopes.iter().find(|page| page["name"] == name).unwrap();
    assert_eq!(
        (&page("usage")["state"], &page("usage")["agreed_via"]),
        (&"granted".into(), &"settings/privacy".into())
    );
    assert_eq!(page("connectivity")["state"], "denied");
    assert_eq!((&page("playback")["state"], &page("playback")["agreed_via"]), (&"granted".into(), &Value::Null));
    assert!(text.contains("(settings/privacy)") && text.contains("(how is not recorded)"), "{text}");
    assert_eq!(page("playback")["growing"][0]["count"], 3);
    assert!(text.contains("playback.finished: 3 x bitrate 4 Mbit/s"), "{text}");
    // The text and the data both contain the bytes of pending and sent requests, unchanged.
    let waiting = page("usage")["waiting"][0].as_str().unwrap();
    let sent = page("usage")["sent"][0]["body"].as_str().unwrap();
    assert_eq!(sent.as_bytes(), server.bodies()[0]);
    assert!(text.contains(waiting) && text.contains(sent.trim_end()), "{text}");
    assert_eq!(data["outcomes"]["lines"], 2);
    assert_eq!(data["outcomes"]["counted"], 3);
    assert!(text.contains("stored as records 2, added to counts 3, records sent 1"), "{text}");
    for part in ["store", "endpoint", "application"] {
        assert!(text.contains(data[part].as_str().unwrap()), "{part}\n{text}");
    }
    for page in scopes {
        for key in ["title", "purpose", "benefit"] {
            assert!(text.contains(page[key].as_str().unwrap()), "{key}\n{text}");
        }
        assert!(!page["notice"].as_str().unwrap().is_empty());
    }
}

#[test]
fn what_was_sent_stays_readable_after_a_withdrawal_until_it_is_deleted() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, CONNECTIVITY]);
    client.record_durable(opened(2));
    client.record_durable(unreachable());
    send(&client);
    client.withdraw(USAGE).unwrap();
    let bodies = server.bodies();
    let sent = |client: &candor::Client, scope| client.manifest().unwrap().scope(scope).unwrap().sent.clone();
    assert!(bodies.contains(&sent(&client, USAGE)[0].body.clone().into_bytes()));
    client.delete_sent(USAGE).unwrap();
    client.delete_sent(USAGE).unwrap();
    assert!(sent(&client, USAGE).is_empty());
    assert_eq!(sent(&client, CONNECTIVITY).len(), 1, "and only that one");
}

#[test]
fn what_was_sent_is_kept_no_longer_than_the_recipient_keeps_it() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
    client.record_durable(opened(2));
    client.record_durable(film());
    client.record_durable(film());
    home.clock.advance(DAY);
    send(&client);
    let kept = || {
        let manifest = client.manifest().unwrap();
        [USAGE, PLAYBACK].map(|scope| manifest.scope(scope).unwrap().sent.len())
    };
    assert_eq!(kept(), [1, 1]);
    home.clock.pass(DAY * 29);
    send(&client);
    assert_eq!(kept(), [1, 1]);
    home.clock.pass(DAY * 2);
    send(&client);
    assert_eq!(kept(), [0, 1], "30 days for one, 90 for the other");
    home.clock.pass(DAY * 60);
    send(&client);
    assert_eq!(kept(), [0, 0]);
}

#[test]
fn a_preview_shows_a_value_of_ones_own_and_keeps_nothing() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let event =
        PlaybackFinished { film: "a film", bitrate: 5_000_000, duration: Duration::from_secs(61), codec: Codec::Other };
    let shown = candor::preview(&event);
    let expected = [("bitrate", "4 Mbit/s to under 8 Mbit/s"), ("duration", "1 to under 5 min"), ("codec", "other")];
    assert_eq!(shown, expected.map(|(name, value)| (name, value.to_owned())));
    assert_eq!(candor::preview(&unreachable())[0], ("server", "a code".to_owned()));
    let names: BTreeSet<_> = crate::files::tree(&home.path()).into_keys().collect();
    assert!(names.is_empty(), "{names:?}");
    drop(client);
}
