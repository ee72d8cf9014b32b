//! Promise 9, honest answers: each message says what is true and what to do about it.

use crate::{
    child::{self, Child},
    events::{CONNECTIVITY, USAGE, opened, unreachable},
    files,
    home::{APPLICATION, HANG, Home, MINUTE, TestClock, flush, say_yes, state, wait_for},
    server::{Say, Server},
    stage::CONTROLLER,
};
use candor::{
    Answer, Audience, Client, Config, Parcel, SendError, Transport, consent,
    consent::{Decision, State},
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

const ENDPOINT: &str = "CANDOR_IT_ENDPOINT";

/// The configuration of the same program in a process of its own.
fn child_config(home: &Path) -> Config {
    Config::new(APPLICATION, CONTROLLER, Audience::Adults)
        .endpoint(std::env::var(ENDPOINT).unwrap())
        .directories(home.join("data"), home.join("config"))
        .clock(TestClock::new())
        .lift_ci_block()
}

fn in_a_child(name: &'static str, home: &Home, server: &Server) -> Child {
    Child::new(name, &home.path()).var(ENDPOINT, server.endpoint())
}

#[test]
fn a_guard_that_is_dropped_at_once_says_so_at_every_call() {
    let (home, server) = (Home::new(), Server::new());
    in_a_child("messages::child_without_a_guard", &home, &server).run();
    assert_eq!(server.connections(), 0);
}

#[test]
#[ignore = "run by a_guard_that_is_dropped_at_once_says_so_at_every_call"]
fn child_without_a_guard() {
    let Some(home) = child::home() else { return };
    let _ = candor::init(child_config(&home)).unwrap();
    let notice = consent::notice(USAGE).unwrap();
    for error in [
        consent::grant(USAGE).unwrap_err(),
        consent::grant(USAGE.shown(&notice)).unwrap_err(),
        consent::may_ask(USAGE).unwrap_err(),
        consent::prompt(USAGE).unwrap_err(),
    ] {
        assert!(error.is_configuration(), "{error}");
        assert!(error.to_string().contains("`let _candor = candor::init(…)?;`"), "{error}");
    }
    candor::record(opened(2));
    let trouble = candor::flush(HANG).unwrap().trouble.unwrap();
    assert!(trouble.contains("`let _candor = candor::init(…)?;`"), "{trouble}");
    let status = consent::status(USAGE).unwrap();
    assert!(!status.is_open() && status.trouble.as_ref().unwrap().contains("has stopped reporting"), "{status:?}");
    assert!(!home.join("data").exists(), "nothing was written for a yes that can't be used");
    // A refusal is accepted at any time.
    assert_eq!(consent::deny(USAGE).unwrap().decision, Decision::Denied);
    assert_eq!(consent::status(USAGE).unwrap().state, State::Denied);
    child::done("messages::child_without_a_guard");
}

#[test]
fn a_client_that_was_shut_down_takes_a_refusal_and_never_a_grant() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(2));
    assert!(client.shutdown(HANG));
    assert!(!client.status(USAGE).unwrap().is_open());
    let error = client.grant(CONNECTIVITY).unwrap_err();
    assert!(error.is_configuration() && error.to_string().contains("was shut down"), "{error}");
    assert!(client.flush(HANG).unwrap().trouble.unwrap().contains("was shut down"));
    assert!(client.manifest().unwrap().to_string().contains("has stopped reporting"));
    assert!(client.withdraw(USAGE).unwrap().confirmed);
    assert!(home.all_waiting().is_empty());
    let client = home.start(&server);
    assert_eq!((state(&client, USAGE), state(&client, CONNECTIVITY)), (State::Withdrawn, State::NeverAsked));
}

/// A receiver that accepts a connection and never answers costs a short-lived program its time limit once. After that,
/// the waits between attempts grow longer and longer.
#[test]
fn a_receiver_that_hangs_is_backed_off_from_by_programs_that_end_first() {
    let (home, server) = (Home::new(), Server::always(Say::Never));
    drop(home.start_granted(&server, &[USAGE]));
    in_a_child("messages::child_meets_a_receiver_that_hangs", &home, &server).dies().run();
    // Whether the request got that far before the program ended depends on timing.
    let tried = server.requests().len();
    let client = home.start(&server);
    let flushed = flush(&client);
    assert_eq!((flushed.requests, flushed.waiting), (0, 1), "{flushed:?}");
    let trouble = flushed.trouble.as_deref().unwrap();
    assert!(trouble.contains("waiting until") && trouble.contains("under way when the program ended"), "{trouble}");
    assert_eq!(server.requests().len(), tried, "and is not tried at once by the next");
    server.usually(Say::Ok);
    home.clock.advance(MINUTE);
    let flushed = flush(&client);
    assert_eq!((flushed.requests, flushed.trouble), (1, None));
    client.record_durable(opened(3));
    assert_eq!(flush(&client).requests, 1, "what was taken is held against nobody");
}

#[test]
#[ignore = "run by a_receiver_that_hangs_is_backed_off_from_by_programs_that_end_first, and dies"]
fn child_meets_a_receiver_that_hangs() {
    let Some(home) = child::home() else { return };
    let client = Client::new(child_config(&home)).unwrap();
    client.record_durable(opened(2));
    // Long enough for the request to be under way. The test is about how it ends.
    let mut flushed = client.flush(Duration::from_millis(300)).unwrap();
    while schedule(&home).is_none_or(|text| !text.contains("\"failures\":1")) {
        flushed = client.flush(Duration::from_millis(10)).unwrap();
    }
    let trouble = flushed.trouble.unwrap();
    assert!(trouble.contains("not tried again before 2") && !trouble.contains("goes on"), "{trouble}");
    assert!(trouble.contains("300ms") || trouble.contains("10ms"), "{trouble}");
    child::done("messages::child_meets_a_receiver_that_hangs");
    // Like a program that has waited for long enough.
    std::process::abort();
}

/// The stored schedule, which says when a scope sends next.
fn schedule(home: &Path) -> Option<String> {
    let outbox = home.join("data").join(APPLICATION).join("candor-1/outbox/usage");
    let found: Vec<PathBuf> = crate::files::all(&outbox);
    std::fs::read_to_string(found.into_iter().find(|path| path.ends_with("schedule"))?).ok()
}

/// A transport of the program's own, with a bug that makes it panic.
struct Panics(Arc<AtomicUsize>);

impl Transport for Panics {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        assert!(parcel.body().is_empty(), "a panic on purpose");
        Ok(Answer::Accepted { rejected: 0 })
    }
}

#[test]
fn a_transport_that_panics_has_failed() {
    let home = Home::new();
    let tried = Arc::new(AtomicUsize::new(0));
    let config = home.nowhere().transport("our own", Panics(tried.clone()));
    let client = Client::new(config).unwrap();
    client.grant(USAGE).unwrap();
    client.record_durable(opened(2));
    let flushed = client.flush(HANG).unwrap();
    assert_eq!((flushed.requests, flushed.waiting), (0, 1), "{flushed:?}");
    let trouble = flushed.trouble.unwrap();
    assert!(trouble.contains("transport panicked") && trouble.contains("a panic on purpose"), "{trouble}");
    // It is handled like any other failure: the scope waits, and the request is kept.
    let trouble = client.flush(HANG).unwrap().trouble.unwrap();
    assert!(trouble.contains("waiting until"), "{trouble}");
    assert_eq!(tried.load(Ordering::SeqCst), 1);
    home.clock.advance(MINUTE);
    assert!(client.flush(HANG).unwrap().trouble.unwrap().contains("panicked"));
    assert_eq!(tried.load(Ordering::SeqCst), 2);
    // It holds nothing that a withdrawal waits for.
    assert!(client.withdraw(USAGE).unwrap().confirmed);
}

#[test]
fn a_notice_of_another_scope_is_told_from_an_old_one() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let error = client.grant(USAGE.shown(&client.notice(CONNECTIVITY).unwrap())).unwrap_err();
    assert!(error.is_configuration(), "{error}");
    let said = error.to_string();
    for part in ["that of scope `connectivity`", "the grant is for `usage`", "notice(USAGE)"] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(state(&client, USAGE), State::NeverAsked);
    client.record_durable(unreachable());
    assert!(home.all_waiting().is_empty());
}

/// A grant that is closed for another reason is not reported as "no scope is granted".
#[test]
fn a_flush_says_which_scope_is_closed_and_why() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    assert_eq!(flush(&client).trouble.as_deref(), Some("no scope is granted"));
    say_yes(&client, USAGE);
    // Sending to another receiver is more than was granted.
    let other = home.start(&Server::new());
    let trouble = flush(&other).trouble.unwrap();
    assert!(trouble.contains("`usage` was granted for something other than"), "{trouble}");
    drop(other);
    let now = home.clock.day_nanos() as i64 / 1_000_000_000 + 43_200;
    home.clock.jump_to(now - 3 * 86_400);
    let trouble = flush(&client).trouble.unwrap();
    assert!(trouble.contains("`usage` is granted, but closed: this computer's clock shows"), "{trouble}");
    home.clock.jump_to(now);
    client.withdraw(USAGE).unwrap();
    assert_eq!(flush(&client).trouble.as_deref(), Some("no scope is granted"));
}

#[cfg(unix)]
#[test]
fn a_flush_names_the_record_that_others_may_open() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    files::mode(&home.store().join("ledger.jsonl"), 0o644);
    let trouble = flush(&client).trouble.unwrap();
    assert!(trouble.contains("`ledger.jsonl` is no file of your own"), "{trouble}");
}

#[test]
fn a_block_by_ci_names_what_lifts_it() {
    let (home, server) = (Home::new(), Server::new());
    in_a_child("messages::child_in_ci", &home, &server).var("CI", "true").run();
}

#[test]
#[ignore = "run by a_block_by_ci_names_what_lifts_it, with its environment"]
fn child_in_ci() {
    let Some(home) = child::home() else { return };
    let config = Config::new(APPLICATION, CONTROLLER, Audience::Adults)
        .endpoint(std::env::var(ENDPOINT).unwrap())
        .directories(home.join("data"), home.join("config"));
    let client = Client::new(config).unwrap();
    let blocked_by = client.status(USAGE).unwrap().blocked_by.unwrap();
    let refused = client.grant(USAGE).unwrap_err();
    for said in [&blocked_by, &refused.to_string(), &client.flush(HANG).unwrap().trouble.unwrap()] {
        assert!(said.contains("CI=true") && said.contains("`Config::lift_ci_block`"), "{said}");
    }
    child::done("messages::child_in_ci");
}

#[test]
fn what_is_still_under_way_is_said_as_it_is() {
    let (home, server) = (Home::new(), Server::always(Say::Never));
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(2));
    let first = client.flush(Duration::from_millis(1)).unwrap().trouble.unwrap();
    wait_for("the request", || server.requests().len() == 1);
    let second = client.flush(Duration::from_millis(1)).unwrap().trouble.unwrap();
    for said in [&first, &second] {
        assert!(said.contains("still under way after 1ms") && said.contains("ends with this program"), "{said}");
        assert!(!said.contains("it goes on"), "{said}");
    }
    assert!(second.contains("not tried again before 2"), "{second}");
    let _ = client.shutdown(HANG);
}
