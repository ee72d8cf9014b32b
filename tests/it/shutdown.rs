//! Promise 9, the host is never harmed: shutdown takes a bounded time whatever the receiver does, and recorded data is on disk.

use crate::{
    child::{self, Child},
    events::{PLAYBACK, USAGE, film, opened},
    files,
    home::{APPLICATION, HANG, Home, TestClock, flush, wait_for, waiting},
    server::{Say, Server},
    stage::CONTROLLER,
};
use candor::{Audience, Client, Config};
use std::{
    fs, thread,
    time::{Duration, Instant},
};

#[test]
fn a_receiver_that_never_answers_holds_nobody_up() {
    for say in [Say::Never, Say::Deaf] {
        for how in ["shutdown", "drop", "flush"] {
            let (home, server) = (Home::new(), Server::always(say.clone()));
            let client = home.start_granted(&server, &[USAGE]);
            for _ in 0..190 {
                client.record_durable(opened(2));
            }
            thread::scope(|threads| {
                let flushing = threads.spawn(|| {
                    let _unforked = child::unforked();
                    client.flush(HANG)
                });
                wait_for("the connection", || server.connections() > 0);
                // The limits of a connection are shorter than `HANG`, so this checks only that the call does not hang.
                let started = Instant::now();
                match how {
                    "flush" => {
                        let flushed = client.flush(Duration::from_millis(10)).unwrap();
                        assert!(flushed.trouble.is_some(), "{flushed:?}");
                        client.shutdown(Duration::from_millis(200));
                    }
                    _ => drop(client.shutdown(Duration::from_millis(200))),
                }
                assert!(flushing.join().unwrap().is_ok());
                assert!(started.elapsed() < HANG, "{say:?} {how}");
            });
            if how == "drop" {
                drop(client);
            }
            assert!(server.requests().len() <= 1);
            // The batch is kept for the next start.
            wait_for("the batch", || home.waiting("outbox", USAGE).len() == 1);
        }
    }
}

#[test]
fn what_was_recorded_is_on_disk_when_the_program_ended() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
    for _ in 0..200 {
        client.record(opened(2));
        client.record(film());
    }
    assert!(client.shutdown(HANG), "says that all was brought to disk");
    drop(client);
    let client = home.start(&server);
    assert_eq!(waiting(&client, USAGE).len(), 200);
    let manifest = client.manifest().unwrap();
    assert_eq!(manifest.scope(PLAYBACK).unwrap().growing.iter().map(|count| count.count).sum::<u64>(), 200);
    assert_eq!(server.connections(), 0, "ending sends nothing");
}

/// Events for which there is no room are lost. Their number is written to disk, so it survives the program.
#[test]
fn what_is_lost_and_counted_on_disk_is_accounted_for() {
    let (home, server) = (Home::new(), Server::new());
    let client = Client::new(home.config(&server).waiting_limit(1 << 20)).unwrap();
    client.grant(USAGE).unwrap();
    (0..6_000).for_each(|_| client.record_durable(opened(2)));
    assert!(client.shutdown(HANG));
    drop(client);
    let client = home.start(&server);
    let lost: u64 = client.manifest().unwrap().outcomes.lost.iter().map(|lost| lost.count).sum();
    assert!(lost > 0);
    assert_eq!(waiting(&client, USAGE).len() as u64 + lost, 6_000);
}

/// Events that are still in memory when the time is over are counted on disk. The count survives a program that exits
/// immediately afterwards.
#[cfg(unix)]
#[test]
fn what_there_was_no_time_for_is_counted_on_disk() {
    // On a busy machine there may not even be time to write the count, so one of ten tries must succeed.
    let counted = (0..10).any(|_| {
        let (home, server) = (Home::new(), Server::new());
        drop(home.start_granted(&server, &[USAGE]));
        let child = Child::new("shutdown::child_has_no_time", &home.path());
        let said = child.var("CANDOR_IT_ENDPOINT", server.endpoint()).run();
        let client = home.start(&server);
        let page = client.manifest().unwrap();
        let kept = files::all(&home.store().join("waiting"));
        let kept: usize = kept.iter().map(|path| fs::read_to_string(path).unwrap().lines().count() - 1).sum();
        let lost: u64 = page.outcomes.lost.iter().map(|lost| lost.count).sum();
        said.contains("NO TIME") && lost > 0 && kept as u64 + lost == 8_000
    });
    assert!(counted);
}

#[cfg(unix)]
#[test]
#[ignore = "run by what_there_was_no_time_for_is_counted_on_disk, since it ends its process"]
fn child_has_no_time() {
    let Some(home) = child::home() else { return };
    let config = Config::new(APPLICATION, CONTROLLER, Audience::Adults).lift_ci_block().clock(TestClock::new());
    let config = config.directories(home.join("data"), home.join("config"));
    let client = Client::new(config.endpoint(std::env::var("CANDOR_IT_ENDPOINT").unwrap())).unwrap();
    assert!(client.status(USAGE).unwrap().is_open());
    (0..8_000).for_each(|_| client.record(opened(2)));
    if !client.shutdown(Duration::ZERO) {
        println!("NO TIME");
    }
    child::done("shutdown::child_has_no_time");
    std::process::exit(0);
}

/// A flush that is cut short reports what the receiver had accepted by then, and reports pending data as pending.
#[test]
fn a_flush_that_is_cut_short_says_what_was_taken() {
    let (home, server) = (Home::new(), Server::always(Say::Never));
    let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
    (0..1_500).for_each(|_| client.record(opened(2)));
    client.record(film());
    server.say([Say::Ok, Say::Ok]);
    let (mut requests, mut records) = (0, 0);
    wait_for("the second request that is taken", || {
        let _unforked = child::unforked();
        // The third request is never answered, so the flush is cut short at any limit. This limit is enough for two
        // requests on a busy machine.
        let flushed = client.flush(Duration::from_secs(2)).unwrap();
        assert!(flushed.trouble.as_deref().unwrap().contains("still under way"), "{flushed:?}");
        (requests, records) = (requests + flushed.requests, records + flushed.records);
        requests == 2
    });
    let flushed = client.flush(Duration::from_millis(100)).unwrap();
    assert_eq!((flushed.requests, flushed.records, flushed.growing), (0, 0, 1), "told once: {flushed:?}");
    assert_eq!(flushed.waiting, home.waiting("outbox", USAGE).len() as u64);
    assert!(flushed.waiting > 0 && records > 0);
    client.shutdown(Duration::from_millis(200));
    drop(client);
    // Only the interruption delays the next request: the receiver reported no failure and requested no delay.
    server.usually(Say::Ok);
    let client = home.start(&server);
    let trouble = flush(&client).trouble.unwrap();
    assert!(trouble.contains("a request was under way when the program ended"), "{trouble}");
    home.clock.advance(crate::home::MINUTE);
    let flushed = flush(&client);
    assert_eq!((flushed.records, flushed.trouble), (1_500 - records, None));
}

#[test]
fn after_the_end_nothing_is_recorded_or_sent() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(2));
    for _ in 0..3 {
        assert!(client.shutdown(HANG));
        client.record_with(|| -> crate::events::LibraryOpened { panic!("it has ended") });
        client.record_durable(opened(9));
        assert_eq!(client.flush(HANG).unwrap().requests, 0);
    }
    assert_eq!(waiting(&client, USAGE).len(), 1);
    assert_eq!(server.connections(), 0);
}

#[test]
fn what_did_not_fit_into_one_life_leaves_in_the_next() {
    let (home, server) = (Home::new(), Server::new());
    for life in 0..4 {
        let client = home.start(&server);
        if life == 0 {
            client.grant(USAGE).unwrap();
        }
        client.record(opened(2));
        client.record_durable(opened(2));
        assert!(client.shutdown(HANG));
    }
    let client = home.start(&server);
    assert_eq!(flush(&client).records, 8);
    assert_eq!(server.lines().len(), 8);
}

#[test]
fn a_limit_without_an_end_is_a_limit() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.record(opened(2));
    assert!(client.flush(Duration::MAX).is_ok());
    assert!(client.shutdown(Duration::MAX));
}

#[test]
fn no_limit_at_all_is_a_limit() {
    let (home, server) = (Home::new(), Server::always(Say::Never));
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(2));
    assert_eq!(client.flush(Duration::ZERO).unwrap().requests, 0);
    let _ = client.shutdown(Duration::ZERO);
}

#[test]
fn durable_events_survive_the_death_of_the_program() {
    let (home, server) = (Home::new(), Server::new());
    Child::new("shutdown::child_dies", &home.path()).var("CANDOR_IT_ENDPOINT", server.endpoint()).dies().run();
    let client = home.start(&server);
    assert!(client.status(USAGE).unwrap().is_open());
    assert_eq!(waiting(&client, USAGE).len(), 25);
    assert_eq!(flush(&client).records, 25);
}

#[test]
#[ignore = "run by durable_events_survive_the_death_of_the_program, and dies"]
fn child_dies() {
    let Some(home) = child::home() else { return };
    let config = candor::Config::new(crate::home::APPLICATION, crate::stage::CONTROLLER, candor::Audience::Adults)
        .endpoint(std::env::var("CANDOR_IT_ENDPOINT").unwrap())
        .directories(home.join("data"), home.join("config"))
        .clock(crate::home::TestClock::new())
        .lift_ci_block();
    let client = Client::new(config).unwrap();
    client.grant(USAGE).unwrap();
    for _ in 0..25 {
        client.record_durable(opened(2));
    }
    child::done("shutdown::child_dies");
    std::process::abort();
}
