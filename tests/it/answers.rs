//! Promise 9 at the receiver, row by row of the table in `src/manual/wire.md`: what each answer does to the batch, and when
//! the batch is tried next.

use crate::{
    events::{CONNECTIVITY, USAGE, opened, unreachable},
    files,
    home::{DAY, HOUR, Home, MINUTE, dropped, flush, say_yes, send},
    server::{Say, Server},
};
use candor::Client;
use std::{collections::BTreeSet, time::Duration};

const JSON: &str = "content-type: application/json\r\n";
const SECOND: Duration = Duration::from_secs(1);

/// The program with one pending record.
fn with_one(home: &Home, server: &Server) -> Client {
    let client = home.start_granted(server, &[USAGE]);
    client.record_durable(opened(2));
    client
}

/// Checks that the batch is kept unchanged, that nothing is counted as lost, and that nothing is tried before `not_before`
/// has passed. By `by` the same request is made again: same key, same bytes.
#[track_caller]
fn kept_until(home: &Home, server: &Server, client: &Client, not_before: Duration, by: Duration, what: &str) {
    let flushed = flush(client);
    let heard = server.requests();
    assert_eq!((flushed.requests, flushed.waiting), (0, 1), "{what}");
    assert!(flushed.trouble.is_some(), "{what}");
    assert_eq!(home.waiting("outbox", USAGE).len(), 1, "{what}: kept");
    home.clock.advance(not_before - SECOND);
    send(client);
    assert_eq!(server.requests().len(), heard.len(), "{what}: too early");
    home.clock.advance(by - not_before + SECOND);
    let flushed = flush(client);
    let again = server.requests();
    assert_eq!(again.len(), heard.len() + 1, "{what}: tried again by then: {flushed:?}");
    let (first, last) = (heard.last().unwrap(), again.last().unwrap());
    assert_eq!(first.header("idempotency-key"), last.header("idempotency-key"), "{what}: under the same key");
    assert!(first.body == last.body, "{what}: with the same bytes");
    let lost: u64 = client.manifest().unwrap().outcomes.dropped.iter().map(|dropped| dropped.count).sum();
    assert_eq!(lost, 0, "{what}");
}

/// Checks that the batch and its one record are gone, and that the record was dropped for this reason.
#[track_caller]
fn gone_for(home: &Home, server: &Server, client: &Client, reason: &str, what: &str) {
    assert!(home.all_waiting().is_empty(), "{what}: {:?}", home.all_waiting());
    assert_eq!(dropped(client, reason), 1, "{what}: {:?}", client.manifest().unwrap().outcomes);
    // The person can read everything that was sent, whatever the receiver did with it.
    let page = client.manifest().unwrap();
    let sent = &page.scope(USAGE).unwrap().sent;
    let kept: Vec<_> = sent.iter().map(|sent| (sent.records, sent.body.as_bytes(), sent.not_taken.is_some())).collect();
    let bodies = server.bodies();
    assert_eq!(kept, [(1, &*bodies[0], true)], "{what}");
    assert!(page.to_string().contains("and was NOT accepted"), "{what}: {page}");
    assert_eq!(page.outcomes.sent, 0, "{what}");
}

#[test]
fn an_otlp_answer_ends_the_matter() {
    for say in [
        Say::Ok,
        Say::Status(200, JSON, r#"{"partialSuccess":{}}"#),
        Say::Status(202, JSON, r#"{"partialSuccess":null}"#),
        Say::Status(200, "Content-Type: application/json; charset=utf-8\r\n", "{}"),
        Say::Status(200, JSON, r#"{"partialSuccess":{"rejectedLogRecords":"0","errorMessage":"slow down"}}"#),
    ] {
        let (home, server) = (Home::new(), Server::always(say.clone()));
        let client = with_one(&home, &server);
        let flushed = flush(&client);
        assert_eq!((flushed.requests, flushed.records, flushed.waiting), (1, 1, 0), "{say:?}: {flushed:?}");
        assert_eq!(flushed.trouble, None, "{say:?}");
        assert!(home.all_waiting().is_empty(), "{say:?}");
        home.clock.advance(DAY);
        send(&client);
        assert_eq!(server.connections(), 1, "{say:?}: and is not sent again");
        assert_eq!(client.manifest().unwrap().scope(USAGE).unwrap().sent.len(), 1, "{say:?}");
    }
}

#[test]
fn rejected_records_have_a_counter_and_no_second_try() {
    let body = r#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"no"}}"#;
    let (home, server) = (Home::new(), Server::always(Say::Status(200, JSON, body)));
    let client = with_one(&home, &server);
    client.record_durable(opened(2));
    client.record_durable(opened(2));
    let flushed = flush(&client);
    assert_eq!((flushed.requests, flushed.records), (1, 1));
    let manifest = client.manifest().unwrap();
    assert_eq!((manifest.outcomes.sent, dropped(&client, "rejected")), (1, 2));
    assert_eq!(manifest.scope(USAGE).unwrap().sent[0].rejected, 2);
    home.clock.advance(DAY);
    send(&client);
    assert_eq!(server.connections(), 1);
}

/// The endpoint is on this computer, or its certificate proves its name. A 2xx from it means that it has the request. The
/// request is not sent again, and the person's page says that it was handed over and how it was taken.
#[test]
fn a_receiver_that_took_it_has_it_whatever_its_answer_looks_like() {
    for say in [
        Say::status(204),
        Say::status(201),
        Say::status(202),
        Say::status(200),
        Say::Status(200, JSON, ""),
        Say::Status(200, "", "{}"),
        Say::Status(200, "", "OK"),
        Say::Status(200, JSON, r#"{"status":"ok"}"#),
        Say::Status(200, "content-type: application/x-protobuf\r\n", ""),
        Say::Status(200, "content-type: application/json\r\ncontent-encoding: gzip\r\n", "\u{1f}..."),
        Say::Endless,
    ] {
        let (home, server) = (Home::new(), Server::always(say.clone()));
        let client = with_one(&home, &server);
        let flushed = flush(&client);
        assert_eq!((flushed.requests, flushed.records, flushed.waiting), (1, 1, 0), "{say:?}: {flushed:?}");
        assert!(home.all_waiting().is_empty(), "{say:?}");
        home.clock.advance(DAY);
        send(&client);
        assert_eq!(server.connections(), 1, "{say:?}: and is not sent again");
        let manifest = client.manifest().unwrap();
        let sent = &manifest.scope(USAGE).unwrap().sent;
        assert_eq!((sent.len(), sent[0].confirmed), (1, false), "{say:?}");
        assert!(manifest.to_string().contains("accepted it, but its answer does not follow OTLP"), "{manifest}");
    }
}

#[test]
fn an_otlp_answer_is_known_by_either_spelling_and_says_what_was_rejected() {
    for (headers, body, rejected, confirmed) in [
        (JSON, r#"{"partial_success":{}}"#, 0, true),
        (JSON, r#"{"partial_success":{"rejected_log_records":"2"}}"#, 2, true),
        ("", r#"{"partialSuccess":{"rejectedLogRecords":2}}"#, 2, false),
        // In protobuf: partial_success { rejected_log_records: 2 }
        ("content-type: application/x-protobuf\r\n", "\n\u{2}\u{8}\u{2}", 2, false),
    ] {
        let (home, server) = (Home::new(), Server::always(Say::Status(200, headers, body)));
        let client = with_one(&home, &server);
        client.record_durable(opened(2));
        client.record_durable(opened(2));
        assert_eq!(flush(&client).records, 3 - rejected, "{body}");
        let manifest = client.manifest().unwrap();
        assert_eq!(dropped(&client, "rejected"), rejected, "{body}");
        let sent = &manifest.scope(USAGE).unwrap().sent[0];
        assert_eq!((sent.rejected, sent.confirmed), (rejected, confirmed), "{body}");
    }
}

#[test]
fn a_page_is_no_receiver_and_keeps_the_batch() {
    for say in [
        Say::Status(200, "content-type: text/html\r\n", "<html><body>Welcome to the hotel</body></html>"),
        Say::Status(200, "content-type: text/html; charset=utf-8\r\n", "{}"),
        Say::Status(200, "content-type: text/html\r\ncontent-encoding: gzip\r\n", "..."),
        Say::Status(200, "content-type: application/xhtml+xml\r\n", ""),
        Say::Status(200, JSON, "<html></html>"),
        Say::Status(204, "content-type: text/html\r\n", ""),
        Say::Status(200, "", " \r\n<!DOCTYPE html><title>Log in</title>"),
    ] {
        let (home, server) = (Home::new(), Server::new());
        server.say([say.clone()]);
        let client = with_one(&home, &server);
        kept_until(&home, &server, &client, SECOND * 30, MINUTE, &format!("{say:?}"));
    }
}

#[test]
fn a_busy_or_absent_receiver_keeps_the_batch() {
    for say in [408, 425, 429, 502, 503, 504].map(Say::status).into_iter().chain([Say::Close]) {
        let (home, server) = (Home::new(), Server::new());
        server.say([say.clone()]);
        let client = with_one(&home, &server);
        kept_until(&home, &server, &client, SECOND * 30, MINUTE, &format!("{say:?}"));
    }
}

#[test]
fn a_receiver_that_is_not_there_keeps_the_batch() {
    let home = Home::new();
    // A port that was free a moment ago, so nothing listens there.
    let endpoint = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::new(home.config_to(format!("http://{endpoint}"))).unwrap();
    client.grant(USAGE).unwrap();
    client.record_durable(opened(2));
    let flushed = flush(&client);
    assert_eq!((flushed.requests, flushed.waiting), (0, 1), "{flushed:?}");
    assert_eq!(home.waiting("outbox", USAGE).len(), 1);
}

#[test]
fn a_redirect_is_never_followed() {
    for status in [301, 302, 303, 307, 308] {
        let (home, server, elsewhere) = (Home::new(), Server::new(), Server::new());
        let to = format!("location: {}/v1/logs\r\n", elsewhere.endpoint()).leak();
        server.say([Say::Status(status, to, "")]);
        let client = with_one(&home, &server);
        kept_until(&home, &server, &client, SECOND * 30, MINUTE, &format!("{status}"));
        assert_eq!(elsewhere.connections(), 0, "{status}");
    }
}

#[test]
fn a_failing_receiver_gets_three_tries_at_a_request() {
    for status in [500, 501, 505] {
        let (home, server) = (Home::new(), Server::always(Say::status(status)));
        let client = with_one(&home, &server);
        for tries in 1..=3 {
            assert_eq!(home.all_waiting().len(), 1, "{status}: kept until the third");
            send(&client);
            assert_eq!(server.requests().len(), tries, "{status}");
            home.clock.advance(HOUR);
        }
        gone_for(&home, &server, &client, "gave_up", &format!("{status}"));
        send(&client);
        assert_eq!(server.requests().len(), 3, "{status}");
    }
}

#[test]
fn a_receiver_that_lets_nobody_in_is_spared_for_an_hour_and_then_longer() {
    let refusals = [400, 401, 402, 403, 404, 405, 406, 407, 409, 411, 415, 421, 426, 428, 431, 451, 495, 496, 497, 499];
    let html = "<html><center><h1>400 No required SSL certificate was sent</h1></center></html>";
    let mut says: Vec<Say> = refusals.map(Say::status).into();
    says.push(Say::Status(400, "content-type: text/html\r\n", html));
    says.push(Say::Status(400, JSON, r#"{"message":"no Route matched with those values"}"#));
    for say in says {
        let (home, server) = (Home::new(), Server::always(say.clone()));
        let client = with_one(&home, &server);
        let what = format!("{say:?}");
        send(&client);
        for (tries, hours) in [1, 2, 4, 8, 16, 24, 24].into_iter().enumerate() {
            assert_eq!(server.requests().len(), tries + 1, "{what}");
            home.clock.advance(HOUR * hours - SECOND);
            send(&client);
            assert_eq!(server.requests().len(), tries + 1, "{what}: after {hours} h less a second");
            home.clock.advance(SECOND);
            send(&client);
        }
        assert_eq!(server.requests().len(), 8, "{what}");
        assert_eq!(home.waiting("outbox", USAGE).len(), 1, "{what}: kept");
    }
}

#[test]
fn gone_stops_the_scope_until_the_next_version() {
    let (home, server) = (Home::new(), Server::always(Say::status(410)));
    let start = |version| Client::new(home.config(&server).version(version)).unwrap();
    let client = start("1.2");
    client.grant(USAGE).unwrap();
    client.grant(CONNECTIVITY).unwrap();
    client.record_durable(opened(2));
    send(&client);
    gone_for(&home, &server, &client, "gone", "410");
    server.usually(Say::Ok);
    for _ in 0..2 {
        client.record_durable(opened(3));
        home.clock.advance(DAY);
        send(&client);
    }
    assert_eq!(server.requests().len(), 1, "this version sends it nothing more");
    client.record_durable(unreachable());
    send(&client);
    assert_eq!(server.requests().len(), 2, "but other scopes");
    drop(client);
    let client = start("1.2");
    send(&client);
    assert_eq!(server.requests().len(), 2, "and after a restart neither");
    drop(client);
    let client = start("1.3");
    client.record_durable(opened(700));
    send(&client);
    assert!(server.lines().iter().any(|line| line.contains(r#""intValue":"513""#)), "the next version may try");
}

/// Also when the program gives no version: then no next version can lift it.
#[test]
fn who_wants_no_more_is_named_with_what_lifts_it() {
    for version in [None, Some("1.2.3")] {
        let (home, server) = (Home::new(), Server::always(Say::status(410)));
        let start = |version: Option<&str>| {
            let config = home.config(&server);
            Client::new(version.map_or(config.clone(), |version| config.version(version))).unwrap()
        };
        let client = start(version);
        client.grant(USAGE).unwrap();
        assert_eq!(client.status(USAGE).unwrap().trouble, None);
        client.record_durable(opened(2));
        let since = home.clock.day();
        let first = flush(&client).trouble.unwrap();
        server.usually(Say::Ok);
        drop(client);
        home.clock.advance(DAY * 30);
        let client = start(version.map(|_| "1.2.9"));
        client.record_durable(opened(2));
        let flushed = flush(&client);
        assert_eq!((flushed.requests, flushed.trouble.as_ref()), (0, Some(&first)));
        assert_eq!(client.status(USAGE).unwrap().trouble.as_ref(), Some(&first));
        assert!(client.manifest().unwrap().to_string().contains(&first));
        let lifted =
            if version.is_some() { "until a version of the program runs that is not 1.2, or" } else { "until the yes" };
        assert!(first.contains(&format!("(410), since {since}")) && first.contains(lifted), "{first}");
        // Withdrawing and granting again lifts it, as the message says.
        client.withdraw(USAGE).unwrap();
        say_yes(&client, USAGE);
        client.record_durable(opened(2));
        assert_eq!((flush(&client).records, client.status(USAGE).unwrap().trouble), (1, None));
    }
}

#[test]
fn gone_is_not_forgotten_after_a_week() {
    let (home, server) = (Home::new(), Server::always(Say::status(410)));
    let client = with_one(&home, &server);
    send(&client);
    server.usually(Say::Ok);
    for _ in 0..10 {
        home.clock.advance(DAY);
        send(&client);
        client.record_durable(opened(3));
        send(&client);
    }
    assert_eq!(server.requests().len(), 1);
}

/// A restored backup may leave the schedule open to others. It is still obeyed, because it can only delay reports.
#[cfg(unix)]
#[test]
fn a_schedule_that_others_may_open_still_keeps_reports_back() {
    for (say, hours) in [(Say::status(410), 30), (Say::Status(429, "retry-after: 80000\r\n", ""), 20)] {
        let (home, server) = (Home::new(), Server::always(say));
        let client = with_one(&home, &server);
        send(&client);
        drop(client);
        files::mode(&home.schedule(USAGE).unwrap(), 0o644);
        server.usually(Say::Ok);
        let client = home.start(&server);
        for _ in 0..hours {
            home.clock.advance(HOUR);
            send(&client);
        }
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn what_is_too_large_is_split_until_it_fits() {
    for most in [1, 3, 7] {
        let (home, server) = (Home::new(), Server::always(Say::AtMost(most)));
        let client = with_one(&home, &server);
        for shelves in 0..19 {
            client.record_durable(opened(shelves));
        }
        let shown = crate::home::waiting(&client, USAGE);
        let flushed = flush(&client);
        assert_eq!((flushed.records, flushed.waiting, flushed.trouble), (20, 0, None), "at most {most}");
        let requests = server.requests();
        let taken = requests.iter().filter(|request| request.records().len() <= most);
        let mut lines: Vec<String> = taken.flat_map(|request| crate::server::lines(&request.body)).collect();
        let mut expected = shown;
        lines.sort();
        expected.sort();
        assert_eq!(lines, expected, "at most {most}: each line is taken once");
        let mut keys: Vec<_> = requests.iter().map(|request| request.header("idempotency-key").unwrap()).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), requests.len(), "at most {most}: different bytes have different keys");
        assert!(home.all_waiting().is_empty(), "at most {most}");
    }
}

#[test]
fn a_record_that_is_too_large_alone_is_dropped() {
    let (home, server) = (Home::new(), Server::always(Say::status(413)));
    let client = with_one(&home, &server);
    for _ in 0..3 {
        client.record_durable(opened(2));
    }
    let flushed = flush(&client);
    assert!(flushed.trouble.is_some());
    assert_eq!(dropped(&client, "too_large"), 4);
    assert_eq!(server.requests().len(), 7, "four, twice two, four times one");
    assert!(home.all_waiting().is_empty());
}

#[test]
fn a_request_that_was_read_and_refused_is_dropped() {
    let status = r#"{"code":3,"message":"readObjectStart: expect { or n","details":[]}"#;
    for say in [
        Say::status(422),
        Say::Status(400, JSON, status),
        Say::Status(400, "content-type: application/x-protobuf\r\n", "\u{8}\u{3}\u{12}\u{2}no"),
    ] {
        let (home, server) = (Home::new(), Server::always(say.clone()));
        let client = with_one(&home, &server);
        send(&client);
        gone_for(&home, &server, &client, "rejected", &format!("{say:?}"));
        home.clock.advance(DAY);
        send(&client);
        assert_eq!(server.requests().len(), 1, "{say:?}");
    }
}

/// Covers batches that were split, that grew too old after refusals that don't count as tries, and that a 410 dropped.
#[test]
fn each_body_that_left_can_be_read_on_the_page_whatever_became_of_it() {
    for say in
        [Say::AtMost(3), Say::status(413), Say::status(401), Say::status(503), Say::status(410), Say::status(422)]
    {
        let (home, server) = (Home::new(), Server::always(say.clone()));
        let client = with_one(&home, &server);
        (0..19).for_each(|shelves| client.record_durable(opened(shelves)));
        for _ in 0..10 {
            send(&client);
            home.clock.advance(DAY);
        }
        assert!(home.all_waiting().is_empty(), "{say:?}");
        let bodies = |client: &Client| -> BTreeSet<Vec<u8>> {
            let page = client.manifest().unwrap();
            page.scope(USAGE).unwrap().sent.iter().map(|sent| sent.body.clone().into_bytes()).collect()
        };
        assert_eq!(bodies(&client), server.bodies().into_iter().collect(), "{say:?}");
        // The switch that keeps contents applies to these as it does to batches that were taken.
        let entries = client.manifest().unwrap().scope(USAGE).unwrap().sent.len();
        client.discard_contents(USAGE).unwrap();
        assert_eq!(bodies(&client), BTreeSet::from([Vec::new()]), "{say:?}");
        client.record_durable(opened(2));
        send(&client);
        home.clock.advance(DAY * 9);
        send(&client);
        assert_eq!(bodies(&client), BTreeSet::from([Vec::new()]), "{say:?}");
        assert!(client.manifest().unwrap().scope(USAGE).unwrap().sent.len() >= entries, "{say:?}");
        client.delete_sent(USAGE).unwrap();
        assert!(bodies(&client).is_empty() && files::all(&home.store().join("sent").join(USAGE.name())).is_empty());
    }
}

#[test]
fn a_retry_after_is_kept_over_restarts() {
    for (value, wait) in [("7200", HOUR * 2), ("86400", DAY), ("999999999", DAY)] {
        for status in [429, 503, 500] {
            let (home, server) = (Home::new(), Server::new());
            server.say([Say::Status(status, format!("retry-after: {value}\r\n").leak(), "")]);
            let client = with_one(&home, &server);
            send(&client);
            drop(client);
            let client = home.start(&server);
            home.clock.advance(wait - SECOND);
            send(&client);
            assert_eq!(server.requests().len(), 1, "{status} {value}");
            home.clock.advance(SECOND);
            send(&client);
            assert_eq!(server.requests().len(), 2, "{status} {value}");
        }
    }
}

#[test]
fn a_retry_after_below_the_back_off_changes_nothing() {
    for value in ["1", "0", "-5", "soon", "Thu, 01 Jan 1970 00:00:00 GMT"] {
        let (home, server) = (Home::new(), Server::new());
        server.say([Say::Status(429, format!("retry-after: {value}\r\n").leak(), "")]);
        let client = with_one(&home, &server);
        kept_until(&home, &server, &client, SECOND * 30, MINUTE, value);
    }
}
