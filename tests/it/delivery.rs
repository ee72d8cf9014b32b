//! Promises 2, 3 and 10 on the wire: what a request holds, what never shares a request, and how often one is tried.

use crate::{
    events::{
        CONNECTIVITY, Cause, NetworkLost, PLAYBACK, ServerFound, ServerSlow, ServerUnreachable, USAGE, film, opened,
        unreachable,
    },
    home::{DAY, HOUR, Home, flush, send},
    server::{Say, Server, lines},
};
use candor::Client;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The attributes of the resource and of the scope, as plain text.
fn attributes(body: &[u8]) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let body: Value = serde_json::from_slice(body).unwrap();
    let plain = |list: &Value| {
        let pair = |pair: &Value| {
            let value = pair["value"].as_object().unwrap().values().next().unwrap();
            (pair["key"].as_str().unwrap().to_owned(), value.as_str().unwrap().to_owned())
        };
        list.as_array().unwrap().iter().map(pair).collect()
    };
    let logs = &body["resourceLogs"];
    assert_eq!(logs.as_array().unwrap().len(), 1);
    assert_eq!(logs[0]["scopeLogs"].as_array().unwrap().len(), 1);
    (plain(&logs[0]["resource"]["attributes"]), plain(&logs[0]["scopeLogs"][0]["scope"]["attributes"]))
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_request_names_what_the_person_was_told_and_nothing_else() {
    let (home, server) = (Home::new(), Server::new());
    let client = Client::new(home.config(&server).version("12.4.1-beta+g3a9f")).unwrap();
    client.grant(USAGE).unwrap();
    client.record_durable(opened(2));
    send(&client);
    let request = server.requests().remove(0);
    assert_eq!(request.head.lines().next(), Some("POST /v1/logs HTTP/1.1"));
    let names: BTreeSet<String> = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let expected = [
        "host",
        "content-type",
        "content-length",
        "idempotency-key",
        "connection",
        "user-agent",
        "accept",
        "accept-encoding",
    ];
    assert_eq!(names, expected.map(str::to_owned).into(), "{}", request.head);
    assert_eq!(names.len(), request.headers.len(), "each once");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("accept-encoding"), Some("identity"));
    assert_eq!(request.header("connection"), Some("close"));
    assert_eq!(request.header("host"), server.endpoint().strip_prefix("http://"));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(request.header("user-agent"), Some(format!("candor/{version}").as_str()));
    let key = request.header("idempotency-key").unwrap();
    assert!(key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");

    let (resource, scope) = attributes(&request.body);
    let told = map(&[
        ("service.name", "org.example.player"),
        ("service.version", "12.4"),
        ("telemetry.sdk.language", "rust"),
        ("telemetry.sdk.name", "candor"),
        ("telemetry.sdk.version", version),
    ]);
    assert_eq!(resource, told);
    let told = map(&[("candor.scope", "usage"), ("candor.contract.revision", "2"), ("candor.retention.days", "30")]);
    assert_eq!(scope, told);
    let notice = client.notice(USAGE).unwrap();
    for part in ["org.example.player 12.4", "candor, with its version", "a random number"] {
        // A part may be wrapped anywhere.
        let words = notice.text().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(part), "{part}\n{notice}");
    }
    let text = String::from_utf8(request.body).unwrap();
    assert!(!text.contains("12.4.1") && !text.contains("beta"), "no full version");
}

#[test]
fn a_program_that_names_no_version_sends_none() {
    for version in [None, Some("nightly"), Some("7")] {
        let (home, server) = (Home::new(), Server::new());
        let config = home.config(&server);
        let client = Client::new(match version {
            Some(version) => config.version(version),
            None => config,
        })
        .unwrap();
        client.grant(USAGE).unwrap();
        client.record_durable(opened(2));
        send(&client);
        let (resource, _) = attributes(&server.bodies()[0]);
        assert!(!resource.contains_key("service.version"), "{resource:?}");
    }
}

#[test]
fn bodies_are_whole_kibibytes_of_json_and_spaces() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    for lines in [1, 2, 3, 4, 10, 50, 199] {
        for _ in 0..lines {
            client.record_durable(opened(2));
        }
        send(&client);
        home.clock.advance(DAY);
    }
    let bodies = server.bodies();
    assert!(bodies.len() >= 7);
    for body in bodies {
        assert_eq!(body.len() % 1024, 0);
        assert!(body.len() <= 64 << 10, "{}", body.len());
        let text = std::str::from_utf8(&body).unwrap();
        assert!(text.starts_with(r#"{"resourceLogs":["#) && text.trim_end_matches(' ').ends_with("]}]}]}"));
        assert!(text.len() - text.trim_end_matches(' ').len() < 1024);
    }
}

#[test]
fn many_records_leave_in_requests_of_a_bounded_size_each_once() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    for number in 0..700 {
        client.record_durable(opened(number % 9));
    }
    let flushed = flush(&client);
    assert_eq!((flushed.records, flushed.waiting), (700, 0));
    assert!(flushed.requests > 2, "{flushed:?}");
    assert_eq!(server.connections() as u64, flushed.requests);
    let uids: BTreeSet<String> = server.lines().into_iter().map(|line| line[line.len() - 37..].to_owned()).collect();
    assert_eq!(uids.len(), 700);
}

#[test]
fn the_order_in_which_things_happened_does_not_leave() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    for _ in 0..40 {
        client.record_durable(opened(1));
    }
    for _ in 0..40 {
        client.record_durable(opened(2));
    }
    send(&client);
    let ones: Vec<bool> =
        server.lines().iter().map(|line| line.contains(r#""shelves","value":{"intValue":"1"}"#)).collect();
    assert_eq!(ones.len(), 80);
    // The chance that 40 random ids come first: 1 in 10^23.
    assert!(!ones[..40].iter().all(|one| *one), "sorted by their random ids, not by time");
    assert!(server.lines().iter().all(|line| line.contains(&format!("{}", home.clock.day_nanos()))), "only the day");
}

#[test]
fn scopes_never_share_a_request_or_a_connection() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, CONNECTIVITY, PLAYBACK]);
    for _ in 0..3 {
        client.record_durable(opened(2));
        client.record_durable(unreachable());
        client.record_durable(film());
    }
    home.clock.advance(DAY);
    send(&client);
    assert_eq!((server.connections(), server.requests().len()), (3, 3));
    let expected =
        [("playback", "playback.finished"), ("connectivity", "server.unreachable"), ("usage", "library.opened")];
    let mut seen = BTreeSet::new();
    for request in server.requests() {
        let (_, scope) = attributes(&request.body);
        let (scope, event) = expected.iter().find(|(name, _)| scope["candor.scope"] == *name).unwrap();
        assert!(request.records().iter().all(|record| record.event == *event), "{scope}");
        seen.insert(request.header("idempotency-key").unwrap().to_owned());
    }
    assert_eq!(seen.len(), 3, "each has a key of its own");
}

#[test]
fn codes_of_two_periods_and_records_without_codes_never_share_a_request() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[CONNECTIVITY]);
    let an_evening = || {
        client.record_durable(ServerSlow { server: "nas.local" });
        client.record_durable(ServerFound { server: "nas.local" });
        client.record_durable(NetworkLost { came_back: true });
        client.record_durable(unreachable());
    };
    an_evening();
    home.clock.advance(DAY);
    client.record(NetworkLost { came_back: true }); // wakes the worker, which finds the new day
    crate::home::wait_for("the new day", || crate::home::waiting(&client, CONNECTIVITY).len() == 5);
    an_evening();
    send(&client);
    let mut companies = Vec::new();
    for request in server.requests() {
        let kinds: BTreeSet<String> = request
            .records()
            .iter()
            .map(|record| match record.event.as_str() {
                "server.unreachable" => "month".into(), // noon of one day and of the next may be in two months
                "network.lost" => "plain".into(),
                event => format!("{event} of {}", record.raw["timeUnixNano"]),
            })
            .collect();
        assert_eq!(kinds.len(), 1, "these share a request: {kinds:?}");
        companies.extend(kinds);
    }
    companies.sort();
    companies.dedup();
    assert_eq!(companies.len(), 6, "{companies:?}");
    assert_eq!(server.lines().len(), 9);
}

#[test]
fn codes_last_for_their_period_and_differ_between_scopes_stores_and_grants() {
    let code = |line: &String| {
        let record: Value = serde_json::from_str(line).unwrap();
        record["attributes"][0]["value"]["stringValue"].as_str().unwrap().to_owned()
    };
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[CONNECTIVITY]);
    let codes = |client: &Client| {
        let lines = crate::home::waiting(client, CONNECTIVITY);
        lines.iter().map(code).collect::<Vec<_>>()
    };
    client.record_durable(ServerSlow { server: "nas.local" });
    client.record_durable(ServerSlow { server: "nas.local" });
    client.record_durable(ServerSlow { server: "attic.local" });
    let today = codes(&client);
    assert_eq!((today.len(), today[0] == today[1], today[0] == today[2]), (3, true, false));
    assert!(today.iter().all(|code| code.len() == 16 && !code.contains("nas")));
    drop(client);
    let client = home.start(&server);
    client.record_durable(ServerSlow { server: "nas.local" });
    assert!(codes(&client).iter().filter(|code| **code == today[0]).count() == 3, "the same after a restart");
    client.record_durable(ServerFound { server: "nas.local" });
    client.record_durable(ServerUnreachable { server: "nas.local", cause: Cause::Refused });
    let kinds: BTreeSet<String> = codes(&client).into_iter().collect();
    assert_eq!(kinds.len(), 4, "nas and attic of the day, nas of the session, nas of the month");
    send(&client);
    home.clock.advance(DAY);
    send(&client); // makes the program notice the new day
    client.record_durable(ServerSlow { server: "nas.local" });
    let tomorrow = codes(&client);
    assert!(tomorrow.len() == 1 && !kinds.contains(&tomorrow[0]), "another day, another code");
    client.withdraw(CONNECTIVITY).unwrap();
    crate::home::say_yes(&client, CONNECTIVITY);
    client.record_durable(ServerSlow { server: "nas.local" });
    assert_ne!(codes(&client), tomorrow, "another grant, another code");
    let (other, client) = (Home::new(), ());
    let () = client;
    let client = other.start_granted(&server, &[CONNECTIVITY]);
    client.record_durable(ServerSlow { server: "nas.local" });
    assert!(!kinds.contains(&codes(&client)[0]), "another computer, another code");
}

#[test]
fn a_batch_of_an_older_version_is_written_again_and_keeps_its_records() {
    let (home, server) = (Home::new(), Server::new());
    server.say([Say::status(503)]);
    let start = |version| Client::new(home.config(&server).version(version)).unwrap();
    let client = start("1.2");
    client.grant(USAGE).unwrap();
    client.record_durable(opened(2));
    send(&client);
    drop(client);
    home.clock.advance(HOUR);
    let client = start("1.3");
    send(&client);
    let bodies = server.bodies();
    assert_eq!(lines(&bodies[0]), lines(&bodies[1]), "the same lines with the same ids");
    assert_eq!(attributes(&bodies[1]).0["service.version"], "1.3");
    assert_eq!(client.manifest().unwrap().outcomes.dropped.len(), 0);
}
