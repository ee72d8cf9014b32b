//! When erasure requests are sent: each at a random time of its own within seven days, drawn once, and none right after another,
//! whatever restarts, a slow receiver and a wrong clock do. Each guard has its mistake as a control.

use super::{
    CRASH, Happened,
    erase::{HOUR, Taken, Taker, WEEK, pending, settings},
};
use crate::{
    Client,
    ambient::{Entropy, Time},
    consent::{Particulars, StoredRequest},
    journal::Schedule,
    mutants::{self, Mutant},
    send::Occasion,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    sync::Arc,
    time::Duration,
};

const MINUTE: u64 = 60;
const MILLI: u64 = 1_000;

/// Starts the program. It sends on the thread that flushes, and by itself sends nothing.
fn start(home: &Path, taker: &Taker) -> Client {
    Client::without_worker(settings(home, taker)).unwrap()
}

/// Makes a store from which so many requests were sent, and asks for the erasure of all of them.
fn asked(home: &Path, taker: &Taker, requests: u32) -> Client {
    let client = start(home, taker);
    client.grant(CRASH).unwrap();
    for times in 1..=requests {
        client.record_durable(Happened { times });
        assert_eq!(client.flush(Duration::from_secs(20)).unwrap().requests, 1);
    }
    client.withdraw(CRASH).unwrap();
    assert_eq!(pending(&client.erase(CRASH).unwrap()), requests as usize);
    client
}

/// The time of each pending request, in milliseconds since 1970, by its key.
fn times(client: &Client) -> BTreeMap<String, u64> {
    let requests = client.engine().consent.erasure_requests().all(CRASH.name()).unwrap().erasure_requests;
    let pending = requests.into_iter().filter(StoredRequest::is_pending);
    pending.map(|stored| (stored.is.key, stored.is.due.unwrap())).collect()
}

fn now(client: &Client) -> u64 {
    client.engine().ambient.now().0
}

struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, _: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn erasures(taker: &Taker) -> Vec<Taken> {
    taker.taken().into_iter().filter(|taken| taken.0).collect()
}

/// Sends every `step` seconds for eight days, and starts the program again now and then. Returns what was wrong first.
fn carried_out(requests: u32, step: u64, mutant: Option<Mutant>) -> Result<Vec<u64>, String> {
    let (home, taker) = (tempfile::tempdir().unwrap(), Taker::default());
    let mut client = asked(home.path(), &taker, requests);
    let (began, drawn) = (now(&client), times(&client));
    let mut sent: Vec<u64> = Vec::new();
    for round in 0..(8 * 24 * HOUR / step) {
        if round % 50 == 49 {
            client = start(home.path(), &taker);
        }
        // One that was sent is in no list any more.
        if times(&client).iter().any(|(key, due)| drawn[key] != *due) {
            return Err("drawn again".into());
        }
        taker.pass(step);
        let before = erasures(&taker).len();
        let flushed = mutants::with(mutant, || client.flush(Duration::from_secs(20)).unwrap());
        let new = erasures(&taker).split_off(before);
        if new.len() > 1 || flushed.erasures != new.len() as u64 {
            return Err("more than one in one send".into());
        }
        for (_, key, _) in new {
            if now(&client) < drawn[&key] {
                return Err("early".into());
            }
            if sent.last().is_some_and(|last| now(&client) - last < MINUTE * MILLI) {
                return Err("right after another".into());
            }
            sent.push(now(&client));
        }
    }
    match sent.len() == requests as usize {
        true => Ok(sent.into_iter().map(|at| at - began).collect()),
        false => Err(format!("{} were sent", sent.len())),
    }
}

#[test]
fn each_is_sent_at_its_own_time_within_a_week() {
    let sent = carried_out(8, HOUR / 2, None).unwrap();
    // The last one may have to wait for an earlier one.
    assert!(sent.iter().all(|at| *at < (WEEK + 8 * HOUR) * MILLI), "{sent:?}");
    assert_eq!(carried_out(8, HOUR / 2, Some(Mutant::ErasureEarly)).unwrap_err(), "early");
    assert_eq!(carried_out(8, HOUR / 2, Some(Mutant::ErasureDrawnAgain)).unwrap_err(), "drawn again");
}

/// How long it takes to send what became due while the program did not run, in seconds, and how many were sent at once at most.
fn overdue(requests: u32, mutant: Option<Mutant>) -> (u64, usize) {
    let (home, taker) = (tempfile::tempdir().unwrap(), Taker::default());
    drop(asked(home.path(), &taker, requests));
    taker.pass(WEEK);
    let client = start(home.path(), &taker);
    let (mut took, mut most) = (0, 0);
    while pending(&client.erasures(CRASH).unwrap()) > 0 && took < 10 * 24 * HOUR {
        let before = erasures(&taker).len();
        // A program that asks again and again within half a minute.
        for _ in 0..3 {
            let _ = mutants::with(mutant, || client.flush(Duration::from_secs(20)).unwrap());
        }
        most = most.max(erasures(&taker).len() - before);
        took += 10 * MINUTE;
        taker.pass(10 * MINUTE);
    }
    (took, most)
}

#[test]
fn what_is_overdue_is_sent_one_after_the_other_however_often_the_program_flushes() {
    let (took, most) = overdue(6, None);
    assert_eq!(most, 1);
    assert!((HOUR / 2..=7 * HOUR).contains(&took), "{took} seconds");
    assert_eq!(overdue(6, Some(Mutant::ErasureNotSpaced)).1, 3, "the mistake is noticed");
}

#[test]
fn the_times_are_uniform_over_the_week_and_end_with_the_retention() {
    let (home, taker) = (tempfile::tempdir().unwrap(), Taker::default());
    let client = start(home.path(), &taker);
    let engine = client.engine();
    let today = engine.ambient.now().day();
    let drawn = |until: u32| -> Vec<u64> {
        let begin = now(&client);
        let draw = |_| {
            let mut particulars = Particulars::new("crash", "", String::new(), String::new(), Time(begin));
            particulars.until = until;
            let mut stored = StoredRequest::new(particulars, Vec::new());
            engine.draw(&mut stored).unwrap();
            stored.is.due.unwrap() - begin
        };
        (0..1_400).map(draw).collect()
    };
    let waits = drawn(today.plus(30).0);
    assert_eq!(waits.iter().collect::<BTreeSet<_>>().len(), waits.len(), "each its own");
    let mut days = [0_u32; 7];
    waits.iter().for_each(|wait| days[(wait / (24 * HOUR * MILLI)) as usize] += 1);
    // 200 are expected in each day, and 70 is more than five standard deviations.
    assert!(days.iter().all(|day| day.abs_diff(200) < 70), "{days:?}");
    // What one says about the next: the mean of the products of their distances from the middle.
    let middle = |wait: u64| wait as f64 / (WEEK * MILLI) as f64 - 0.5;
    let products: f64 = waits.windows(2).map(|pair| middle(pair[0]) * middle(pair[1])).sum();
    assert!((products / 1_399.0).abs() < 0.0122, "{products}: five standard deviations of 1/12 over the root of 1,399");
    let last = today.plus(3).start().0 - now(&client);
    assert!(drawn(today.plus(2).0).iter().all(|wait| *wait <= last), "the records are still there");
}

#[test]
fn without_entropy_no_time_is_assumed() {
    let (home, taker) = (tempfile::tempdir().unwrap(), Taker::default());
    let client = asked(home.path(), &taker, 2);
    drop(client.cancel_erasure(CRASH).unwrap());
    drop(client);
    let mut config = settings(home.path(), &taker);
    config.entropy = Arc::new(NoEntropy);
    let client = Client::without_worker(config).unwrap();
    let status = client.erase(CRASH).unwrap();
    assert!(status.unfinished && status.requests.is_empty(), "{status}");
    taker.pass(WEEK);
    assert_eq!(client.flush(Duration::from_secs(20)).unwrap().erasures, 0);
    drop(client);
    // With entropy each gets its time.
    let client = start(home.path(), &taker);
    let _ = client.flush(Duration::from_secs(20)).unwrap();
    assert_eq!(times(&client).values().collect::<BTreeSet<_>>().len(), 2);
}

/// The clock was far ahead while times were set. When it is right, they are impossible, and nothing waits for them.
#[test]
fn a_schedule_that_a_wrong_clock_wrote_is_not_waited_for() {
    let (home, taker) = (tempfile::tempdir().unwrap(), Taker::default());
    let client = start(home.path(), &taker);
    client.grant(CRASH).unwrap();
    client.record_durable(Happened { times: 1 });
    let engine = client.engine();
    let place = engine.consent.open_places().remove(0);
    let far = now(&client) + 80 * 365 * 24 * HOUR * MILLI;
    let schedule = Schedule { next: far, not_before: far, failures: 3, ..Schedule::default() };
    engine.journal.outbox().save_schedule(place.scope, place.generation, &schedule).unwrap();
    // Sends what is due, as the worker does.
    for _ in 0..3 {
        let _ = engine.next_due();
        let _ = engine.send(Occasion::Due);
        taker.pass(24 * HOUR);
    }
    assert_eq!(taker.taken().len(), 1);
    client.withdraw(CRASH).unwrap();
    client.erase(CRASH).unwrap();
    engine.journal.outbox().save_erasing_schedule(CRASH, &schedule).unwrap();
    for _ in 0..8 {
        let _ = engine.next_due();
        let _ = engine.send(Occasion::Due);
        taker.pass(24 * HOUR);
    }
    assert_eq!(erasures(&taker).len(), 1);
}
