//! Erasure: the receiver is asked to erase exactly what it got, batch by batch, and nothing else. An erasure request outlives
//! refusals, missing answers, restarts and withdrawals. Until it is acknowledged or given up, only the person can cancel it.

use crate::{
    events::{CONNECTIVITY, USAGE, opened, unreachable},
    files, forge,
    home::{DAY, HOUR, Home, MINUTE, flush, say_yes, send, wait_for},
    server::{Say, Server},
    support::Request,
};
use candor::{
    Client,
    consent::{ErasureState, ErasureStatus, WhyGivenUp},
};
use serde_json::Value;
use std::collections::BTreeSet;

pub(crate) const JSON: &str = "content-type: application/json\r\n";

/// The ids that a request with reports holds.
fn ids(request: &Request) -> BTreeSet<String> {
    let id = |attributes: &Value| attributes["log.record.uid"].as_str().unwrap().to_owned();
    request.records().iter().map(|record| id(&serde_json::json!(record.attributes))).collect()
}

pub(crate) fn is_erasure(request: &Request) -> bool {
    request.records().iter().any(|record| record.event == "candor.erasure")
}

/// The ids that an erasure request names.
pub(crate) fn named(request: &Request) -> BTreeSet<String> {
    let records = request.records();
    assert_eq!(records.len(), 1);
    let list = records[0].attributes["candor.erasure.uids"].as_array().unwrap().clone();
    let named: BTreeSet<String> = list.iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    assert_eq!(named.len(), list.len(), "each once");
    named
}

fn reports(server: &Server) -> Vec<Request> {
    server.requests().into_iter().filter(|request| !is_erasure(request)).collect()
}

pub(crate) fn erasures(server: &Server) -> Vec<Request> {
    server.requests().into_iter().filter(is_erasure).collect()
}

/// Makes every pending erasure request due, as a week would: moves its time to when the person asked.
pub(crate) fn due(home: &Home) {
    for path in files::all(&home.store().join("erasing")) {
        if path.ends_with("schedule") {
            std::fs::remove_file(&path).unwrap();
        } else if path.extension().is_some_and(|extension| extension == "json") {
            let mut document = forge::unsealed(&path);
            document["due"] = document["asked"].clone();
            forge::seal(&path, "erasure", &document);
        }
    }
}

/// The program after it sent one request for each number in `requests`, with that many records.
pub(crate) fn with_sent(home: &Home, server: &Server, requests: &[u64]) -> Client {
    let client = home.start_granted(server, &[USAGE, CONNECTIVITY]);
    for &records in requests {
        (0..records).for_each(|_| client.record_durable(opened(2)));
        send(&client);
    }
    client
}

fn count(status: &ErasureStatus, of: impl Fn(&ErasureState) -> bool) -> usize {
    status.requests.iter().filter(|request| of(&request.state)).count()
}

pub(crate) fn pending(client: &Client) -> usize {
    count(&client.erasures(USAGE).unwrap(), |state| *state == ErasureState::Pending)
}

pub(crate) fn acknowledged(client: &Client) -> usize {
    count(&client.erasures(USAGE).unwrap(), |state| matches!(state, ErasureState::Acknowledged { .. }))
}

fn given_up(client: &Client) -> usize {
    count(&client.erasures(USAGE).unwrap(), |state| matches!(state, ErasureState::GivenUp { .. }))
}

#[test]
fn the_receiver_is_asked_for_exactly_what_it_got_and_in_the_same_groups() {
    let (home, server) = (Home::new(), Server::new());
    let client = with_sent(&home, &server, &[1, 5, 17]);
    client.record_durable(unreachable());
    send(&client);
    let got: BTreeSet<BTreeSet<String>> =
        reports(&server).iter().filter(|request| request.records()[0].event == "library.opened").map(ids).collect();
    let before = client.manifest().unwrap();
    let status = client.erasures(USAGE).unwrap();
    assert_eq!((status.left, status.nameable, status.requests.len()), (23, 23, 0));
    assert!(client.withdraw(USAGE).unwrap().confirmed);

    let status = client.erase(USAGE).unwrap();
    assert_eq!((status.requests.len(), pending(&client)), (3, 3));
    assert_eq!(client.erase(USAGE).unwrap(), status, "asking again asks for nothing more");
    send(&client);
    assert_eq!(erasures(&server).len(), 0, "not at once");
    due(&home);
    for requests in 1..=3 {
        let flushed = flush(&client);
        assert_eq!((flushed.requests, flushed.records, flushed.erasures), (0, 0, 1), "{flushed:?}");
        send(&client);
        assert_eq!(erasures(&server).len(), requests, "one at a time, and not the next one at once");
        home.clock.advance(HOUR * 2);
    }
    let asked = erasures(&server);
    assert_eq!(asked.iter().map(named).collect::<BTreeSet<_>>(), got);
    let frame = |request: &Request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let resource = &body["resourceLogs"][0];
        (resource["resource"].clone(), resource["scopeLogs"][0]["scope"].clone())
    };
    let headers = |request: &Request| -> Vec<(String, String)> {
        let same = request.headers.iter().filter(|(name, _)| !["content-length", "idempotency-key"].contains(&&**name));
        same.cloned().collect()
    };
    let report = reports(&server).remove(0);
    for request in &asked {
        assert_eq!(frame(request), frame(&report), "what every request of the scope says");
        assert_eq!(headers(request), headers(&report));
        assert_eq!((request.path.as_str(), request.body.len() % 1024), ("/v1/logs", 0));
        let raw = &request.records()[0].raw;
        let keys: Vec<&String> = raw.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["attributes", "eventName", "observedTimeUnixNano", "severityNumber", "timeUnixNano"]);
        let day = Value::from(home.clock.day_nanos().to_string());
        assert_eq!((&raw["timeUnixNano"], &raw["observedTimeUnixNano"]), (&day, &day), "no time finer than its day");
        let names = raw["attributes"].as_array().unwrap().iter().map(|attribute| attribute["key"].as_str().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), ["candor.erasure.uids", "log.record.uid"]);
    }
    let own: BTreeSet<String> = asked.iter().flat_map(ids).collect();
    assert!(own.len() == 3 && got.iter().all(|uids| uids.is_disjoint(&own)), "an id of its own each");
    let keys: BTreeSet<_> =
        server.requests().iter().map(|request| request.header("idempotency-key").unwrap().to_owned()).collect();
    assert_eq!(keys.len(), server.requests().len(), "a key of its own each");
    assert_eq!(server.connections(), server.requests().len());
    assert_eq!((pending(&client), acknowledged(&client)), (0, 3));
    // An erasure request is not a report: it is not counted, not logged as sent, and can't itself be named for erasure.
    let after = client.manifest().unwrap();
    let counted = |manifest: &candor::Manifest| serde_json::to_value(&manifest.outcomes).unwrap();
    assert_eq!(counted(&after), counted(&before));
    let sent = |manifest: &candor::Manifest| manifest.scope(USAGE).unwrap().sent.len();
    assert_eq!(sent(&after), sent(&before));
    assert_eq!(client.erasures(USAGE).unwrap().left, 23);
    assert_eq!(client.erase(USAGE).unwrap().requests.len(), 3);
    send(&client);
    assert_eq!(erasures(&server).len(), 3, "what was acknowledged is not asked for again");
}

#[test]
fn requests_leave_by_themselves_though_nothing_is_open_one_after_the_other() {
    let (home, server) = (Home::new(), Server::new());
    let client = with_sent(&home, &server, &[1, 1, 1]);
    for scope in [USAGE, CONNECTIVITY] {
        client.withdraw(scope).unwrap();
    }
    let status = client.erase(USAGE).unwrap();
    let first = status.requests.iter().filter_map(|request| request.not_before.as_deref()).min().unwrap();
    let why = format!("nothing is due: no request for erasure is sent before {first}");
    assert_eq!(flush(&client).trouble, Some(why));
    drop(client);
    let client = home.start(&server);
    let mut passed = 0;
    wait_for("all requests", || {
        let before = erasures(&server).len();
        home.clock.pass(HOUR);
        passed += 1;
        let _ = client.erase(USAGE).unwrap(); // wakes the worker; asks for nothing more
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(erasures(&server).len() <= before + 1, "not back to back");
        acknowledged(&client) == 3
    });
    assert!((2..=7 * 24 + 4).contains(&passed), "three requests within {passed} hours");
    assert_eq!(reports(&server).len(), 3);
}

#[test]
fn what_is_no_acknowledgement_is_tried_again_with_the_same_bytes_and_key() {
    for say in [
        Say::status(400),
        Say::status(401),
        Say::status(404),
        Say::status(410),
        Say::status(413),
        Say::status(429),
        Say::status(500),
        Say::status(503),
        Say::status(302),
        Say::Status(200, "content-type: text/html\r\n", "<html>Welcome</html>"),
        Say::Status(200, JSON, r#"{"partialSuccess":{"rejectedLogRecords":"1"}}"#),
        Say::Close,
    ] {
        let (home, server) = (Home::new(), Server::new());
        let client = with_sent(&home, &server, &[3]);
        client.withdraw(USAGE).unwrap();
        client.erase(USAGE).unwrap();
        due(&home);
        let tries = 4;
        server.say(vec![say.clone(); tries]);
        for number in 1..=tries {
            let flushed = flush(&client);
            assert!(flushed.trouble.is_some() && flushed.erasures == 0, "{say:?}: {flushed:?}");
            assert_eq!((erasures(&server).len(), pending(&client)), (number, 1), "{say:?}");
            send(&client);
            assert_eq!(erasures(&server).len(), number, "{say:?}: not at once");
            home.clock.advance(DAY);
        }
        send(&client);
        assert_eq!((pending(&client), acknowledged(&client)), (0, 1), "{say:?}");
        let asked = erasures(&server);
        assert!(asked.iter().all(|request| request.body == asked[0].body), "{say:?}");
        let keys: BTreeSet<_> = asked.iter().map(|request| request.header("idempotency-key")).collect();
        assert_eq!((asked.len(), keys.len()), (tries + 1, 1), "{say:?}");
    }
}

#[test]
fn a_request_outlives_a_receiver_that_is_busy_restarts_and_a_new_grant() {
    let (home, server) = (Home::new(), Server::new());
    let client = with_sent(&home, &server, &[2]);
    client.withdraw(USAGE).unwrap();
    client.erase(USAGE).unwrap();
    due(&home);
    server.say([Say::Status(429, "retry-after: 7200\r\n", "")]);
    send(&client);
    drop(client);
    let client = home.start(&server);
    home.clock.advance(HOUR * 2 - MINUTE);
    let flushed = flush(&client);
    assert!(flushed.trouble.unwrap().contains("erasure is waiting until"));
    assert_eq!(erasures(&server).len(), 1, "as the receiver asked, across a restart");
    say_yes(&client, USAGE);
    client.record_durable(opened(2));
    drop(client);
    home.clock.advance(MINUTE * 2);
    let client = home.start(&server);
    assert_eq!(pending(&client), 1);
    send(&client);
    assert_eq!((acknowledged(&client), erasures(&server).len(), reports(&server).len()), (1, 2, 2));
    let status = client.erasures(USAGE).unwrap();
    assert_eq!((status.left, status.requests[0].records, status.requests[0].tries), (3, 2, 2));
}

#[test]
fn nobody_listening_costs_nothing_but_time() {
    let home = Home::new();
    let client = {
        let server = Server::new();
        let client = with_sent(&home, &server, &[2]);
        client.withdraw(USAGE).unwrap();
        client.erase(USAGE).unwrap();
        due(&home);
        client
    };
    for _ in 0..3 {
        assert!(flush(&client).trouble.is_some());
        assert_eq!(pending(&client), 1);
        home.clock.advance(HOUR * 7);
    }
}

#[test]
fn one_that_fails_holds_up_no_other() {
    let (home, server) = (Home::new(), Server::new());
    let client = with_sent(&home, &server, &[1, 1, 1]);
    client.withdraw(USAGE).unwrap();
    client.erase(USAGE).unwrap();
    due(&home);
    server.say([Say::status(400)]);
    for _ in 0..4 {
        send(&client);
        home.clock.advance(DAY);
    }
    let asked: Vec<_> = erasures(&server).iter().map(named).collect();
    assert_eq!(asked.len(), 4);
    assert_eq!(asked[0], asked[3], "the one that failed is the last");
    assert_eq!(asked[..3].iter().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(acknowledged(&client), 3);
}

#[test]
fn ten_refusals_end_it_and_the_person_is_told_whom_to_write_to() {
    let (home, server) = (Home::new(), Server::new());
    let client = with_sent(&home, &server, &[2]);
    client.withdraw(USAGE).unwrap();
    client.erase(USAGE).unwrap();
    due(&home);
    server.usually(Say::status(400));
    for _ in 0..12 {
        send(&client);
        home.clock.advance(DAY);
    }
    assert_eq!(erasures(&server).len(), 10);
    assert_eq!((pending(&client), given_up(&client)), (0, 1));
    let text = client.manifest().unwrap().to_string();
    assert!(text.contains("given up, since the server refused it too often; write to Example Player SAS"), "{text}");
    // Asking again makes a new erasure request.
    server.usually(Say::Ok);
    client.erase(USAGE).unwrap();
    assert_eq!((pending(&client), given_up(&client)), (1, 0));
    due(&home);
    home.clock.advance(DAY);
    send(&client);
    assert_eq!((acknowledged(&client), given_up(&client)), (1, 0));
    let keys: BTreeSet<_> =
        erasures(&server).iter().map(|request| request.header("idempotency-key").unwrap().to_owned()).collect();
    assert_eq!(keys.len(), 2);
}

#[test]
fn a_month_of_silence_ends_it() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[CONNECTIVITY, crate::events::PLAYBACK]);
    (0..2).for_each(|_| client.record_durable(crate::events::film()));
    home.clock.advance(DAY);
    send(&client);
    let scope = crate::events::PLAYBACK; // kept for 90 days
    client.withdraw(scope).unwrap();
    client.erase(scope).unwrap();
    due(&home);
    server.usually(Say::status(503));
    for _ in 0..32 {
        send(&client);
        home.clock.advance(DAY);
    }
    let status = client.erasures(scope).unwrap();
    assert!(matches!(&status.requests[0].state, ErasureState::GivenUp { why: WhyGivenUp::NoAnswer, .. }));
    let tries = erasures(&server).len();
    assert!((10..=31).contains(&tries), "{tries}");
}

/// When each pending request is due.
fn times(client: &Client) -> Vec<Option<String>> {
    let requests = client.erasures(USAGE).unwrap().requests.into_iter();
    requests.filter(|request| request.state == ErasureState::Pending).map(|request| request.not_before).collect()
}

/// Sends every two hours for eight days. At most one request leaves each time.
fn eight_days(home: &Home, server: &Server, client: &Client) {
    for _ in 0..8 * 12 {
        let before = erasures(server).len();
        send(client);
        send(client);
        assert!(erasures(server).len() <= before + 1, "not all at once");
        home.clock.pass(HOUR * 2);
    }
}

#[test]
fn a_request_that_an_earlier_version_stored_gets_a_time_of_its_own() {
    let (home, server) = (Home::new(), Server::new());
    let client = with_sent(&home, &server, &[1, 1]);
    client.withdraw(USAGE).unwrap();
    client.erase(USAGE).unwrap();
    drop(client);
    for path in files::all(&home.store().join("erasing/usage")) {
        if path.ends_with("schedule") {
            std::fs::remove_file(&path).unwrap();
            continue;
        }
        let mut document = forge::unsealed(&path);
        ["due", "uid"].iter().for_each(|key| drop(document.as_object_mut().unwrap().remove(*key).unwrap()));
        forge::seal(&path, "erasure", &document);
    }
    let client = home.start(&server);
    assert_eq!(times(&client), [None, None]);
    send(&client);
    let drawn = times(&client);
    assert!(drawn.iter().all(Option::is_some) && drawn[0] != drawn[1], "{drawn:?}");
    drop(client);
    let client = home.start(&server);
    send(&client);
    assert_eq!((times(&client), erasures(&server).len()), (drawn, 0), "drawn once");
    eight_days(&home, &server, &client);
    assert_eq!((acknowledged(&client), erasures(&server).len()), (2, 2));
}

#[test]
fn a_clock_that_was_wrong_when_the_person_asked_neither_sends_all_at_once_nor_none() {
    for (wrong, all_wrong) in [(1_000_000, false), (4_102_444_800, true)] {
        let (home, server) = (Home::new(), Server::new());
        let right = (home.clock.day_nanos() / 1_000_000_000) as i64 + 43_200;
        if all_wrong {
            home.clock.jump_to(wrong);
        }
        let client = with_sent(&home, &server, &[1, 1, 1]);
        client.withdraw(USAGE).unwrap();
        drop(client);
        home.clock.jump_to(wrong);
        let client = home.start(&server);
        client.erase(USAGE).unwrap();
        drop(client);
        home.clock.jump_to(right);
        let client = home.start(&server);
        assert_eq!((pending(&client), erasures(&server).len()), (3, 0), "{wrong}");
        eight_days(&home, &server, &client);
        assert_eq!((acknowledged(&client), erasures(&server).len()), (3, 3), "{wrong}");
    }
}

#[test]
fn a_clock_that_leaps_for_a_moment_sends_nothing_and_changes_no_time() {
    let (home, server) = (Home::new(), Server::new());
    let client = with_sent(&home, &server, &[1, 1, 1]);
    client.withdraw(USAGE).unwrap();
    client.erase(USAGE).unwrap();
    send(&client);
    let (drawn, right) = (times(&client), (home.clock.day_nanos() / 1_000_000_000) as i64 + 43_200);
    home.clock.jump_to(4_102_444_800);
    assert!(flush(&client).trouble.unwrap().contains("clock jumped ahead"));
    for behind in [right - 3_600, 0] {
        home.clock.jump_to(behind);
        send(&client);
    }
    home.clock.jump_to(right);
    send(&client);
    assert_eq!((times(&client), erasures(&server).len()), (drawn, 0));
}

#[test]
fn records_that_the_recipient_no_longer_has_are_not_asked_for() {
    let (home, server) = (Home::new(), Server::new());
    let client = with_sent(&home, &server, &[2]);
    drop(client);
    // The recipient's 30 days end in two days.
    home.clock.advance(DAY * 28);
    let client = home.start(&server);
    client.withdraw(USAGE).unwrap();
    let status = client.erase(USAGE).unwrap();
    let last: jiff::civil::Date = home.clock.day().parse().unwrap();
    let last = last.checked_add(jiff::Span::new().days(2)).unwrap().to_string();
    assert!(status.requests[0].not_before.as_deref().unwrap()[..10] <= *last, "in time: {status:?}");
    drop(client);
    home.clock.advance(DAY * 5);
    let client = home.start(&server);
    send(&client);
    assert_eq!((erasures(&server).len(), given_up(&client)), (0, 1));
    let why = "2 records: not sent any more, since the recipient no longer keeps these records";
    assert!(client.manifest().unwrap().to_string().contains(why));
    assert_eq!(client.erase(USAGE).unwrap().requests.len(), 1, "there is nothing left to ask for");
    let kept = files::all(&home.store().join("erasing/usage"));
    assert!(kept.iter().all(|path| !std::fs::read_to_string(path).unwrap().contains(&named_once(&server))));
    drop(client);
    home.clock.advance(DAY * 31);
    let client = home.start(&server);
    send(&client);
    assert_eq!((erasures(&server).len(), client.erasures(USAGE).unwrap().requests.len()), (0, 0));
}

/// The id of a record that was sent.
fn named_once(server: &Server) -> String {
    ids(&reports(server)[0]).into_iter().next().unwrap()
}

#[test]
fn what_may_have_arrived_can_be_named_as_well() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    server.say([Say::Close]);
    client.record_durable(opened(2));
    send(&client);
    assert_eq!(reports(&server).len(), 1, "taken, and not answered");
    let page = client.manifest().unwrap();
    assert!(page.scope(USAGE).unwrap().sent.is_empty());
    // The batch will be tried again, so it is too early to name its records.
    assert_eq!(client.erase(USAGE).unwrap().requests.len(), 0);
    client.withdraw(USAGE).unwrap();
    assert_eq!(client.erase(USAGE).unwrap().requests.len(), 1);
    due(&home);
    send(&client);
    assert_eq!(named(&erasures(&server)[0]), ids(&reports(&server)[0]));
}

#[test]
fn records_of_a_request_that_was_split_are_named_once() {
    let (home, server) = (Home::new(), Server::new());
    server.usually(Say::AtMost(2));
    let client = with_sent(&home, &server, &[7]);
    let status = client.erasures(USAGE).unwrap();
    assert_eq!((status.left, status.nameable), (7, 7));
    let taken: Vec<_> = reports(&server).iter().filter(|request| request.records().len() <= 2).map(ids).collect();
    client.withdraw(USAGE).unwrap();
    client.erase(USAGE).unwrap();
    let asked = || erasures(&server).iter().map(named).collect::<BTreeSet<_>>();
    due(&home);
    wait_for("every erasure request to be over", || {
        send(&client);
        home.clock.advance(HOUR * 2);
        pending(&client) == 0
    });
    assert_eq!(asked(), taken.into_iter().collect());
    let all: usize = asked().iter().map(BTreeSet::len).sum();
    assert_eq!(all, 7);
}

#[test]
fn what_can_be_named_of_what_left_is_told_as_it_is() {
    let (home, server) = (Home::new(), Server::new());
    let client = with_sent(&home, &server, &[4]);
    let told = |client: &Client| {
        let status = client.erasures(USAGE).unwrap();
        (status.nameable, status.left)
    };
    assert_eq!(told(&client), (4, 4));
    client.discard_contents(USAGE).unwrap();
    assert_eq!(told(&client), (4, 4), "contents are gone, names are not");
    home.clock.pass(DAY * 5);
    (0..3).for_each(|_| client.record_durable(opened(2)));
    send(&client);
    assert_eq!(told(&client), (7, 7));
    client.delete_sent(USAGE).unwrap();
    assert_eq!(told(&client), (0, 7));
    let status = client.erase(USAGE).unwrap();
    assert_eq!((status.question(), status.requests.len()), (None, 0));
    assert!(client.manifest().unwrap().to_string().contains("0 of 7 records that were sent can be named"));
    client.record_durable(opened(2));
    send(&client);
    assert_eq!(told(&client), (1, 8));
    // The recipient's 30 days are over for the first four, then for all.
    home.clock.pass(DAY * 26);
    send(&client);
    assert_eq!(told(&client), (1, 4));
    home.clock.pass(DAY * 5);
    send(&client);
    assert_eq!(told(&client), (0, 0));
    assert_eq!(client.erasures(USAGE).unwrap().to_string().lines().count(), 2);
}

#[test]
fn too_many_names_are_dropped_oldest_first_and_missed() {
    let (home, server) = (Home::new(), Server::new());
    let client = with_sent(&home, &server, &[1]);
    let directory = home.store().join("named/usage");
    let honest = files::all(&directory).into_iter().find(|path| !path.ends_with("tally")).unwrap();
    let name = honest.file_name().unwrap().to_str().unwrap().to_owned();
    let until = name.split('-').nth(1).unwrap().to_owned();
    let mut document = crate::forge::unsealed(&honest);
    for number in 0..80_u64 {
        let (at, batch) = (1_000 + number, format!("{number:032x}"));
        document["at"] = at.into();
        document["batch"] = batch.clone().into();
        document["uids"] = (0..1_024).map(|uid| format!("{number:016x}{uid:016x}")).collect::<String>().into();
        let json = format!(
            r#"{{"scope":"usage","batch":"{batch}","at":{at},"until":{until},"to":{},"uids":{}}}"#,
            document["to"], document["uids"]
        );
        let text = format!("candor-named 1 {:08x} {}\n{json}\n", crc32c::crc32c(json.as_bytes()), json.len());
        files::write(&directory.join(format!("{at:014}-{until}-{batch}.json")), text.as_bytes());
    }
    std::fs::remove_file(directory.join("tally")).unwrap();
    let status = client.erasures(USAGE).unwrap();
    assert_eq!((status.left, status.nameable), (80 * 1_024 + 1, 80 * 1_024 + 1), "the control");
    send(&client);
    let status = client.erasures(USAGE).unwrap();
    assert_eq!(status.left, 80 * 1_024 + 1, "as many left as before");
    assert!(status.nameable < 64 * 1_024 && status.nameable > 32 * 1_024, "{}", status.nameable);
    assert!(files::bytes(&directory) <= (2 << 20) + 1_024);
    assert!(honest.exists(), "the newest stays");
}

#[test]
fn the_person_is_told_before_and_after_in_words() {
    let (home, server) = (Home::new(), Server::new());
    let client = with_sent(&home, &server, &[4]);
    let question = client.erasures(USAGE).unwrap().question().unwrap();
    assert_eq!(
        question,
        "Also ask Example Player SAS to delete what was sent? 4 of 4 records can be named. The requests hold their random \
         numbers and nothing else about you. They are sent at random times within 7 days; deletion is promised within 30 \
         days after that."
    );
    let notice = client.notice(USAGE).unwrap().text().replace('\n', " ");
    assert!(notice.contains("the random numbers of those records are sent to the same recipient"), "{notice}");
    client.withdraw(USAGE).unwrap();
    client.erase(USAGE).unwrap();
    let text = client.manifest().unwrap().to_string();
    assert!(text.contains("erasure there: 4 of 4 records that were sent can be named"), "{text}");
    assert!(text.contains("pending: 1 request for 4 records, asked since "), "{text}");
    let until = client.erasures(USAGE).unwrap().requests[0].not_before.clone().unwrap();
    let times = "each is sent at a random time within 7 days, while the program runs, and again if that fails";
    assert!(text.contains(&format!("{times}; the last is due on {}", &until[..10])), "{text}");
    due(&home);
    send(&client);
    let manifest = client.manifest().unwrap();
    let sentence = "4 records: the server accepted the request; deletion is promised within 30 days";
    assert!(manifest.to_string().contains(sentence), "{manifest}");
    let data: Value = serde_json::from_str(&manifest.to_json()).unwrap();
    let page = data["scopes"].as_array().unwrap().iter().find(|page| page["name"] == "usage").unwrap();
    assert_eq!(page["erasure"]["requests"][0]["state"]["acknowledged"]["within_days"], 30, "{page}");
}
