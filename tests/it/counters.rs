//! Promise 9: every admitted event is counted in exactly one counter, however many threads record and whatever happens
//! meanwhile.

use crate::{
    events::{CONNECTIVITY, PLAYBACK, USAGE, film, opened, unreachable},
    files,
    home::{HANG, Home, TestClock, say_yes, state, wait_for},
    server::Server,
};
use candor::{Client, Clock, consent::State};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

/// How many admitted events are accounted for: in lines, in counts, or dropped before they were kept.
fn ended(client: &Client) -> u64 {
    let outcomes = client.manifest().unwrap().outcomes;
    let before = ["ring_full", "unregistered", "stale_epoch", "in_doubt", "unfinished", "disk"];
    let dropped = outcomes.dropped.iter().filter(|dropped| before.contains(&dropped.reason.name()));
    outcomes.lines + outcomes.counted + dropped.map(|dropped| dropped.count).sum::<u64>()
}

/// Stops a flood when it is dropped. A panic drops it too, so that the scope does not wait for its threads without end.
struct Stop<'f>(&'f AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Four threads record while `meanwhile` runs. Returns how many events were admitted: each one that was built.
fn flood(client: &Client, each: Option<u64>, meanwhile: impl FnOnce()) -> u64 {
    let (admitted, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let count = || admitted.fetch_add(1, Ordering::Relaxed);
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for number in 0..each.unwrap_or(u64::MAX) {
                    client.record_with(|| (count(), opened(number)).1);
                    client.record_with(|| (count(), film()).1);
                    client.record_with(|| (count(), unreachable()).1);
                    if number % 64 == 0 {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        thread::sleep(Duration::from_micros(200));
                    }
                }
            });
        }
        let end = each.is_none().then(|| Stop(&stop));
        meanwhile();
        drop(end);
    });
    admitted.into_inner()
}

/// A client whose store does not become full, however long a flood lasts on a slow computer.
fn roomy(home: &Home, server: &Server) -> Client {
    let client = Client::new(home.config(server).waiting_limit(64 << 20)).unwrap();
    [USAGE, PLAYBACK, CONNECTIVITY].into_iter().for_each(|scope| drop(client.grant(scope).unwrap()));
    client
}

#[test]
fn a_flood_on_four_threads_is_kept_or_counted() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, PLAYBACK, CONNECTIVITY]);
    let admitted = flood(&client, Some(5_000), || {});
    assert_eq!(admitted, 60_000);
    wait_for("every event to be accounted for", || ended(&client) >= admitted);
    assert_eq!(ended(&client), admitted);
    let outcomes = client.manifest().unwrap().outcomes;
    let waiting: usize = client.manifest().unwrap().scopes.iter().map(|page| page.waiting.len()).sum();
    let grown: u64 =
        client.manifest().unwrap().scopes.iter().flat_map(|page| &page.growing).map(|count| count.count).sum();
    assert!(outcomes.lines > 0 && outcomes.counted == grown, "{outcomes:?}");
    let full = outcomes
        .dropped
        .iter()
        .filter(|dropped| dropped.reason == candor::DropReason::Full)
        .map(|dropped| dropped.count)
        .sum::<u64>();
    assert_eq!(outcomes.lines, waiting as u64 + full, "and every line is where it should be");
}

#[test]
fn a_flood_over_decisions_is_kept_or_counted() {
    let (home, server) = (Home::new(), Server::new());
    let client = roomy(&home, &server);
    let admitted = flood(&client, None, || {
        for _ in 0..5 {
            thread::sleep(Duration::from_millis(20));
            client.withdraw(USAGE).unwrap();
            client.deny(PLAYBACK).unwrap();
            thread::sleep(Duration::from_millis(5));
            say_yes(&client, USAGE);
            say_yes(&client, PLAYBACK);
        }
    });
    wait_for("every event to be accounted for", || ended(&client) >= admitted);
    assert_eq!(ended(&client), admitted);
    assert!(admitted > 0);
}

/// A key decides which entities are sampled. It is destroyed with its grant, so afterwards it is unknown whether this one was.
#[test]
fn an_item_whose_grant_ends_while_it_is_recorded_is_late_and_no_item_that_is_left_out() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    client.record_with(|| {
        client.withdraw(PLAYBACK).unwrap();
        film()
    });
    let ends = ["stale_epoch", "not_chosen", "in_doubt"].map(|reason| crate::home::dropped(&client, reason));
    assert_eq!(ends, [1, 0, 0]);
    // Under a grant that is in force, but without its key, the event counts as `in_doubt`.
    client.grant(PLAYBACK).unwrap_err();
    say_yes(&client, PLAYBACK);
    drop(client);
    let secrets = home.store().join("keys");
    files::write(&secrets, b"damaged");
    let client = home.start(&server);
    assert!(state(&client, PLAYBACK) == State::Granted);
    client.record(film());
    let ends = ["stale_epoch", "not_chosen", "in_doubt"].map(|reason| crate::home::dropped(&client, reason));
    assert_eq!(ends, [0, 0, 1]);
}

#[test]
fn a_flood_into_the_end_of_the_program_is_kept_or_counted() {
    let (home, server) = (Home::new(), Server::new());
    let client = roomy(&home, &server);
    let admitted = flood(&client, None, || {
        thread::sleep(Duration::from_millis(50));
        client.shutdown(HANG);
    });
    wait_for("every event to be accounted for", || ended(&client) >= admitted);
    assert_eq!(ended(&client), admitted);
}

/// Checks that everything recorded is on disk as a line once the client is dropped.
fn all_kept(client: Client, home: &Home, recorded: u64) {
    drop(client);
    let lines =
        |path| std::fs::read_to_string(path).unwrap().lines().filter(|line| line.ends_with("]}")).count() as u64;
    assert_eq!(home.waiting("waiting", USAGE).into_iter().map(lines).sum::<u64>(), recorded);
}

#[test]
fn a_burst_of_ten_thousand_from_one_thread_loses_nothing() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    (0..10_000).for_each(|number| client.record(opened(number)));
    all_kept(client, &home, 10_000);
}

#[test]
fn a_burst_of_a_thousand_from_each_of_sixteen_threads_loses_nothing() {
    let (home, server) = (Home::new(), Server::new());
    // More than the store holds by default.
    let client = Client::new(home.config(&server).waiting_limit(16 << 20)).unwrap();
    client.grant(USAGE).unwrap();
    thread::scope(|threads| {
        for _ in 0..16 {
            threads.spawn(|| (0..1_000).for_each(|number| client.record(opened(number))));
        }
    });
    all_kept(client, &home, 16_000);
}

/// At the default limit of the store: what fits is kept, and what exceeds the limit is counted.
#[test]
fn a_burst_beyond_what_the_store_holds_is_counted() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    for written in [10_000, 20_000] {
        (0..10_000).for_each(|number| client.record(opened(number)));
        wait_for("the burst to be written", || client.manifest().unwrap().outcomes.lines == written);
    }
    drop(client);
    let outcomes = home.start(&server).manifest().unwrap().outcomes;
    let lost: u64 = outcomes.lost.iter().map(|lost| lost.count).sum();
    assert!(outcomes.lost.iter().any(|lost| lost.reason == candor::DropReason::Full), "{outcomes:?}");
    let lines =
        |path: &PathBuf| std::fs::read_to_string(path).unwrap().lines().filter(|line| line.ends_with("]}")).count();
    let files = home.waiting("waiting", USAGE);
    let kept: usize = files.iter().map(lines).sum();
    let bytes: u64 = files.iter().map(|path| std::fs::metadata(path).unwrap().len()).sum();
    assert_eq!(kept as u64 + lost, 20_000);
    // The numbers in `src/manual/faults.md`.
    assert!(kept >= 13_500 && bytes / kept as u64 <= 350, "{kept} lines of {} bytes", bytes / kept as u64);
}

/// A clock that makes the worker wait while it is held.
#[derive(Clone)]
struct Held {
    clock: TestClock,
    held: Arc<AtomicBool>,
}

impl Clock for Held {
    fn now(&self) -> SystemTime {
        self.clock.now()
    }

    fn monotonic(&self) -> Instant {
        while self.held.load(Ordering::SeqCst) && thread::current().name() == Some("candor") {
            thread::sleep(Duration::from_millis(1));
        }
        self.clock.monotonic()
    }
}

/// Records more than the rings hold plus what one more drain takes, while the worker that drains them is paused.
fn lose(client: &Client, clock: &Held) {
    clock.held.store(true, Ordering::SeqCst);
    (0..40_000).for_each(|_| client.record(film()));
    clock.held.store(false, Ordering::SeqCst);
    assert!(crate::home::dropped(client, "ring_full") > 0);
}

fn lost(client: &Client) -> u64 {
    let outcomes = client.manifest().unwrap().outcomes;
    outcomes.lost.iter().find(|lost| lost.reason == candor::DropReason::RingFull).map_or(0, |lost| lost.count)
}

/// Loses events in a program that then ends. Returns its clock and how many events were lost.
fn lost_once(home: &Home, server: &Server) -> (Held, u64) {
    let clock = Held { clock: home.clock.clone(), held: Arc::default() };
    let client = Client::new(home.config(server).clock(clock.clone())).unwrap();
    client.grant(PLAYBACK).unwrap();
    lose(&client, &clock);
    let count = crate::home::dropped(&client, "ring_full");
    assert_eq!(lost(&client), count, "shown before it is written");
    (clock, count)
}

/// The count of lost events outlives the process, is added up over processes, and is shown.
#[test]
fn what_was_lost_is_counted_where_it_outlives_the_program() {
    let (home, server) = (Home::new(), Server::new());
    let (clock, of_first) = lost_once(&home, &server);
    let start = || Client::new(home.config(&server).clock(clock.clone())).unwrap();
    let (second, third) = (start(), home.start(&server));
    assert_eq!((crate::home::dropped(&second, "ring_full"), lost(&second)), (0, of_first));
    lose(&second, &clock);
    let of_second = crate::home::dropped(&second, "ring_full");
    drop(second);
    assert_eq!(lost(&third), of_first + of_second);
    let page = third.manifest().unwrap().to_string();
    assert!(page.contains(&format!("Lost since {}, in this run and earlier ones", home.clock.day())), "{page}");
    // A damaged count starts again at zero. It stays beside the new one, and the page says that the earlier count can't be read.
    let document = home.store().join("lost");
    let whole = std::fs::read(&document).unwrap();
    crate::files::write(&document, &crate::files::flipped(&whole, whole.len() / 2));
    assert_eq!(lost(&third), 0);
    let says = |client: &Client, path: &Path| {
        let page = client.manifest().unwrap().to_string();
        assert!(page.contains(&format!("can't be read: {}: it is damaged", path.display())), "{page}");
    };
    says(&third, &document);
    let damaged = std::fs::read(&document).unwrap();
    let fourth = start();
    lose(&fourth, &clock);
    let of_fourth = crate::home::dropped(&fourth, "ring_full");
    drop(fourth);
    let aside = home.store().join("lost.damaged");
    assert_eq!((lost(&third), std::fs::read(&aside).unwrap()), (of_fourth, damaged));
    says(&third, &aside);
}

/// A restored backup may leave the count open to others. It is not overwritten: new losses are counted in memory and
/// shown.
#[cfg(unix)]
#[test]
fn a_count_that_others_may_open_is_kept_and_added_to_once_it_can_be_read() {
    let (home, server) = (Home::new(), Server::new());
    let (clock, of_first) = lost_once(&home, &server);
    let document = home.store().join("lost");
    crate::files::mode(&document, 0o644);
    let second = Client::new(home.config(&server).clock(clock.clone())).unwrap();
    lose(&second, &clock);
    let (_, of_second) = (crate::home::flush(&second), crate::home::dropped(&second, "ring_full"));
    assert_eq!(lost(&second), of_second);
    let unread = second.manifest().unwrap().outcomes.lost_unread.unwrap();
    assert!(unread.contains(&document.display().to_string()) && unread.contains("chmod go-rwx"), "{unread}");
    crate::files::mode(&document, 0o600);
    assert_eq!(lost(&second), of_first + of_second);
    drop(second);
    assert_eq!(lost(&home.start(&server)), of_first + of_second);
}

#[test]
fn records_that_were_sent_are_counted_as_sent() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    for _ in 0..10 {
        client.record_durable(opened(2));
    }
    assert_eq!(crate::home::flush(&client).records, 10);
    let outcomes = client.manifest().unwrap().outcomes;
    assert_eq!((outcomes.lines, outcomes.sent, outcomes.dropped.len()), (10, 10, 0));
}
