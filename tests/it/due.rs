//! A program that runs for seconds sends once in its interval, whichever of its runs it is, and never waits longer than it says.

use crate::{
    events::{CONNECTIVITY, NetworkLost, USAGE, opened},
    home::{DAY, Home, MINUTE, flush_if_due},
    server::{Say, Server},
};
use candor::{Client, Flushed, Scope};
use std::{
    thread,
    time::{Duration, Instant},
};

/// One run of the program: it records an event, sends what is due, and ends.
fn run(home: &Home, server: &Server) -> Option<Flushed> {
    let client = home.start(server);
    client.record(opened(2));
    flush_if_due(&client)
}

/// The program's first run: it asks, and the first moment is drawn, which is not this one.
fn granted(home: &Home, server: &Server, scopes: &[Scope]) -> Client {
    let client = home.start_granted(server, scopes);
    assert_eq!(flush_if_due(&client), None);
    client
}

fn requests(flushed: Option<Flushed>) -> Option<u64> {
    flushed.map(|flushed| flushed.requests)
}

#[test]
fn one_of_many_runs_a_day_sends_and_the_first_not_at_the_moment_of_the_consent() {
    let (home, server) = (Home::new(), Server::new());
    drop(granted(&home, &server, &[USAGE]));
    for _ in 0..3 {
        assert_eq!(run(&home, &server), None);
    }
    assert_eq!(server.connections(), 0);
    for day in 1..4 {
        // What was drawn may be the last moment of the next day.
        home.clock.advance(DAY * 2);
        assert_eq!(requests(run(&home, &server)), Some(1), "day {day}");
        for _ in 0..3 {
            assert_eq!(run(&home, &server), None);
        }
        assert_eq!(server.requests().len(), day);
    }
    assert_eq!(server.lines().len(), 4 + 4 + 4, "what later runs recorded waits for the next day");
}

#[test]
fn what_another_process_sent_is_not_due() {
    let (home, server) = (Home::new(), Server::new());
    let (one, other) = (granted(&home, &server, &[USAGE]), home.start(&server));
    one.record_durable(opened(2));
    home.clock.advance(DAY);
    assert_eq!(requests(flush_if_due(&one)), Some(1));
    other.record_durable(opened(3));
    assert_eq!(flush_if_due(&other), None);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn of_processes_that_end_at_the_same_moment_one_sends() {
    let (home, server) = (Home::new(), Server::new());
    let mut clients = vec![granted(&home, &server, &[USAGE])];
    clients.extend((0..3).map(|_| home.start(&server)));
    clients[0].record_durable(opened(2));
    home.clock.advance(DAY);
    let said: Vec<_> = thread::scope(|scope| {
        let each: Vec<_> = clients.iter().map(|client| scope.spawn(|| flush_if_due(client))).collect();
        each.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(server.requests().len() <= 1, "{said:#?}");
    // If another process had the turn, the file that the first holds open waits for the next.
    home.clock.advance(DAY * 2);
    flush_if_due(&clients[0]);
    assert_eq!(server.requests().len(), 1, "{said:#?}");
}

#[test]
fn a_failure_is_waited_out_by_the_runs_after_it() {
    let (home, server) = (Home::new(), Server::always(Say::status(503)));
    drop(granted(&home, &server, &[USAGE]));
    home.clock.advance(DAY);
    let failed = run(&home, &server).unwrap();
    assert!(failed.requests == 0 && failed.waiting == 1 && failed.trouble.is_some(), "{failed:?}");
    for _ in 0..3 {
        assert_eq!(run(&home, &server), None);
    }
    assert_eq!(server.connections(), 1);
    // Longer than the longest back-off after one failure, and not the next day yet.
    server.usually(Say::Ok);
    home.clock.advance(MINUTE * 2);
    assert_eq!(requests(run(&home, &server)), Some(2), "the request that waited, and what was recorded since");
    assert_eq!(run(&home, &server), None);
}

#[test]
fn a_receiver_that_hangs_costs_the_limit_once() {
    const LIMIT: Duration = Duration::from_millis(100);
    let (home, server) = (Home::new(), Server::always(Say::Never));
    drop(granted(&home, &server, &[USAGE]));
    home.clock.advance(DAY);
    let client = home.start(&server);
    client.record_durable(opened(2));
    let began = Instant::now();
    let flushed = client.flush_if_due(LIMIT).unwrap().unwrap();
    // The receiver would keep it for five seconds.
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert!(flushed.trouble.unwrap().contains("still under way"));
    // The next runs begin while the first one may still hang.
    for _ in 0..3 {
        assert_eq!(run(&home, &server), None);
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn two_purposes_leave_a_minute_apart_whichever_runs_send_them() {
    let (home, server) = (Home::new(), Server::new());
    let client = granted(&home, &server, &[USAGE, CONNECTIVITY]);
    client.record_durable(opened(2));
    client.record_durable(NetworkLost { came_back: true });
    drop(client);
    home.clock.advance(DAY);
    assert_eq!(requests(flush_if_due(&home.start(&server))), Some(1));
    assert_eq!(flush_if_due(&home.start(&server)), None);
    home.clock.advance(MINUTE);
    assert_eq!(requests(flush_if_due(&home.start(&server))), Some(1));
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_request_for_erasure_leaves_in_the_run_after_its_moment() {
    let (home, server) = (Home::new(), Server::new());
    let client = granted(&home, &server, &[USAGE]);
    client.record_durable(opened(2));
    home.clock.advance(DAY);
    assert_eq!(requests(flush_if_due(&client)), Some(1));
    client.withdraw(USAGE).unwrap();
    client.erase(USAGE).unwrap();
    assert_eq!(flush_if_due(&client), None, "at a random moment, and not at this one");
    drop(client);
    home.clock.advance(DAY * 8);
    let flushed = flush_if_due(&home.start(&server)).unwrap();
    assert_eq!((flushed.requests, flushed.erasures), (0, 1), "{flushed:?}");
    assert_eq!(flush_if_due(&home.start(&server)), None);
}

/// What the compiler does not build, nobody ships. So each place in the source that mentions the development clock is left out of
/// a release build by its `cfg`, or is in a file that is.
#[test]
fn a_release_build_has_no_development_clock() {
    let src = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let read = |name: &str| std::fs::read_to_string(format!("{src}/{name}")).unwrap();
    assert!(unguarded(&read("lib.rs")).is_empty());
    assert!(unguarded(&read("client.rs")).is_empty(), "{:?}", unguarded(&read("client.rs")));
    assert!(unguarded(&read("config.rs")).is_empty(), "{:?}", unguarded(&read("config.rs")));
    // The control: the method without its guard is found.
    let bare = read("config.rs").replace("    #[cfg(debug_assertions)]\n    #[must_use]\n", "    #[must_use]\n");
    assert_eq!(unguarded(&bare).first().unwrap(), "pub fn development_clock(mut self, lasts: Duration) -> Self {");
    let bare = read("lib.rs").replace("#[cfg(debug_assertions)]\nmod development;", "mod development;");
    assert_eq!(unguarded(&bare), ["mod development;"]);
}

/// The lines of code that name the development clock, other than those below a `cfg` for builds with assertions.
fn unguarded(code: &str) -> Vec<String> {
    let (mut found, mut guarded) = (Vec::new(), None);
    for line in code.lines() {
        let (indent, text) = (line.len() - line.trim_start().len(), line.trim());
        if text == "#[cfg(debug_assertions)]" {
            guarded = Some(indent);
            continue;
        }
        let names = !text.starts_with("//") && text.to_lowercase().contains("development");
        if names && guarded.is_none() {
            found.push(text.to_owned());
        }
        // The guard covers one item or statement, which ends in a line that is indented as it is.
        let ends = [";", "}", ","].iter().any(|end| text.ends_with(end)) && guarded.is_some_and(|at| indent <= at);
        if ends {
            guarded = None;
        }
    }
    found
}
