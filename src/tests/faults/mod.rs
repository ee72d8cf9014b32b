//! The fault sweep: runs every operation with one fault at every call that it makes to the disk, clock, random generator and
//! network. Each call is tried with every kind of error that it can have, and each error lasts once, for one file, or until it is
//! lifted. The person's decision is the reference for every check.
//!
//! The sweep looks for: a scope that is open after a refusal, in the process that was asked or in a new one; an entry in the
//! history for an act that did not happen; a history that was started again; another scope that was changed, or that lost pending
//! records; a confirmation although another process was sending, the scope is open, or data is left; a grant that is in force
//! although the call returned an error; events that are lost and not counted; an operation that does not end; a panic; and
//! anything that still fails a minute after the fault ended.

mod cases;
mod operations;
mod seams;
mod world;

use crate::{
    Client,
    consent::{Receipt, State},
    journal::DropReason,
    mutants::{self, Mutant},
    tests::Happened,
};
use operations::{After, Kind, OPERATIONS, Operation};
use seams::{Call, Error, Fault, Lasts, errors};
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    time::Duration,
};
use world::{BYSTANDER, Image, SUBJECT, World, a_minute, say_yes, state};

/// Each fault of each call happens at least this often, unless `CANDOR_FAULTS_LEAST` says otherwise.
const LEAST: u64 = 100;
/// The longest time that an operation may take on the test clock, in milliseconds: the sum of all its waits. More is a hang.
const LONGEST: u64 = 20_000;

/// The result of an operation.
#[derive(Debug)]
pub(super) enum Answer {
    /// A client began. There is no other result.
    Began,
    Receipt(Box<Receipt>),
    Done,
    Failed(#[expect(dead_code, reason = "shown in reports")] String),
}

/// The state before an operation.
struct Before {
    image: Image,
    history: Vec<(String, String)>,
    bystander: (BTreeSet<String>, (State, bool)),
    /// The scope's records that the receiver already has.
    taken: BTreeSet<String>,
    subject: (BTreeSet<String>, (State, bool)),
    trace: Vec<(Call, PathBuf)>,
}

/// Creates the state that an operation needs, and runs the operation without a fault, which must find nothing wrong.
fn prepare(operation: &Operation, seed: u64) -> Before {
    let world = World::new(seed);
    world.live(|| (operation.prepare)(&world));
    let image = world.image();
    let look = World::of(&image);
    let (bystander, subject) = look.live(|| {
        let client = look.fresh(8);
        let of = |scope| (look.records(&client, scope), state(&client, scope));
        (of(BYSTANDER), of(SUBJECT))
    });
    let history = world.history();
    let mut before = Before { image, history, bystander, taken: world.taken(SUBJECT), subject, trace: Vec::new() };
    let (trace, _, violations) = trial(operation, &before, None);
    assert_eq!(violations, [] as [String; 0], "{} without a fault", operation.name);
    before.trace = trace;
    before
}

type Trace = Vec<(Call, PathBuf)>;

/// Runs an operation with one fault and checks the outcome. Returns the calls that it made, how often the fault fired, and what
/// is wrong. A panic counts as wrong.
fn trial(operation: &Operation, before: &Before, fault: Option<Fault>) -> (Trace, u64, Vec<String>) {
    let world = World::of(&before.image);
    let done = catch_unwind(AssertUnwindSafe(|| world.live(|| judged(operation, before, &world, fault))));
    done.unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<String>().cloned();
        let what = what.or_else(|| panic.downcast_ref::<&str>().map(|&what| what.to_owned()));
        (Vec::new(), 1, vec![format!("a panic: {}", what.unwrap_or_default())])
    })
}

fn judged(operation: &Operation, before: &Before, world: &World, fault: Option<Fault>) -> (Trace, u64, Vec<String>) {
    let mut wrong = Vec::new();
    // The process under test, unless its beginning is what is tried. A second process, below, is about to send.
    let undeclared = operation.undeclared.then_some(SUBJECT);
    let began = (!operation.begins).then(|| world.start_without(1, true, undeclared)).transpose();
    let Ok(mut client) = began else { return (Vec::new(), 0, vec!["a client did not begin".into()]) };
    // A client that begins also recovers the store. A second client would leave nothing to recover for the client whose beginning
    // is tried.
    let other = (operation.closes() && !operation.begins).then(|| world.fresh(9));
    if let Some(client) = &client {
        (operation.meanwhile)(world, client);
    }
    let permit = other.as_ref().filter(|_| operation.sending).map(|other| {
        let place = other.engine().consent.open_places().into_iter().find(|place| place.scope == SUBJECT);
        let place = place.expect("the scope is open");
        other.engine().consent.permit(place.scope, place.generation, place.epoch).expect("a permit")
    });
    if operation.loses_lock {
        world.disk.take(&world.life_of(SUBJECT));
    }
    if let Some(block) = operation.blocks {
        block(world);
        world.close(SUBJECT);
    }
    world.hands.stop_here();
    let since = world.hands.told().1;
    let earlier = world.tombstones(SUBJECT);
    world.plan.arm(fault);
    let answer = if operation.begins {
        match world.start(1, true) {
            Ok(began) => {
                let client = client.insert(began);
                (operation.act)(client)
            }
            Err(error) => Answer::Failed(error.to_string()),
        }
    } else {
        client.as_ref().map_or(Answer::Began, operation.act)
    };
    let (trace, fired) = world.plan.lift();
    let took = world.hands.told().1 - since;
    if took > LONGEST && fault.is_none_or(|fault| fault.error != Error::Suspended) {
        wrong.push(format!("it took {took} ms"));
    }
    let Some(client) = client else {
        wrong.push(format!("no client began: {answer:?}"));
        return (trace, fired, wrong);
    };
    wrong.extend(unwritten(operation, world, &earlier, &answer));
    let confirmed = matches!(&answer, Answer::Receipt(receipt) if receipt.confirmed) && operation.closes();
    if confirmed && permit.is_some() {
        wrong.push("confirmed although another process is sending".into());
    }
    drop(permit);
    if confirmed {
        world.close(SUBJECT);
        if let Answer::Receipt(receipt) = &answer
            && receipt.destroyed.complete
            && !world.left_of(SUBJECT).is_empty()
        {
            wrong.push(format!("complete, and left: {:?}", world.left_of(SUBJECT)));
        }
        if let Some(other) = &other {
            let _ = other.flush(Duration::from_secs(5));
        }
    }
    wrong.extend(world.wrong());
    drop(other);

    let expected = operation.expected(before, &answer);
    // The process dies here, and the fault ends with it.
    let later = World::of(&world.image());
    later.live(|| {
        let fresh = later.fresh(2);
        let mut judge = Judge { operation, before, world: &later, wrong: &mut wrong, fault, when: "after a new start" };
        judge.records(&fresh, expected, &answer);
        drop(fresh);
    });
    // The process continues, and the fault ends.
    a_minute(world, &client);
    let mut judge = Judge { operation, before, world, wrong: &mut wrong, fault, when: "a minute later" };
    // A process that continues must complete the person's refusal, even if the first call failed.
    let expected = match expected {
        After::Either if operation.closes() && !operation.by_program => After::Closed,
        expected => expected,
    };
    judge.records(&client, expected, &answer);
    judge.counted(&client);
    judge.works(&client, expected, operation.ends);
    (trace, fired, wrong)
}

/// Reports a result, or a removed tombstone, that no entry in the history supports.
fn unwritten(operation: &Operation, world: &World, earlier: &[PathBuf], answer: &Answer) -> Option<String> {
    let history = world.history();
    if let Answer::Receipt(receipt) = answer
        && receipt.recorded
    {
        let line = receipt.line.checked_sub(1).and_then(|at| history.get(at as usize));
        if line != Some(&(receipt.scope.clone(), receipt.decision.name().into())) {
            return Some(format!("recorded as {} in line {}, which says {line:?}", receipt.decision, receipt.line));
        }
        if operation.closes() && receipt.decision.opens() {
            return Some(format!(
                "a no is recorded by the line of a yes: {} in line {}",
                receipt.decision, receipt.line
            ));
        }
    }
    let last = history.iter().rfind(|(scope, _)| scope == SUBJECT.name()).map(|(_, decision)| decision.as_str());
    let says_no = last.is_some_and(|last| ["withdrawn", "denied", "revoked"].contains(&last));
    let is_gone = !earlier.is_empty() && world.tombstones(SUBJECT).is_empty();
    (is_gone && !says_no).then(|| format!("the tombstones are gone, and the history says {last:?}"))
}

/// Checks a client and its store.
struct Judge<'j> {
    operation: &'j Operation,
    before: &'j Before,
    world: &'j World,
    wrong: &'j mut Vec<String>,
    fault: Option<Fault>,
    when: &'static str,
}

impl Judge<'_> {
    fn say(&mut self, what: impl std::fmt::Display) {
        self.wrong.push(format!("{}: {what}", self.when));
    }

    /// Whether the fault is an answer with which the receiver may reject records for good.
    fn loses_records(&self) -> bool {
        self.fault.is_some_and(|fault| fault.error.loses_records())
    }

    /// A process that starts trusts the clock that it finds, because it has seen no other time. If that clock is years ahead,
    /// every consent is past its last day and all pending data is too old.
    fn is_over_by_clock(&self) -> bool {
        let lasts = |fault: &Fault| fault.error == Error::AheadYears && fault.lasts != Lasts::Once;
        self.operation.begins && self.fault.as_ref().is_some_and(lasts)
    }

    /// A decision made while the clock was ahead counts as closed under the correct clock, and the status says so, until the
    /// clock reaches the time of the decision: the age of the decision is not known before that. A grant made while the clock was
    /// years back is expired under the correct clock.
    fn is_decided_by_wrong_clock(&self, client: &Client) -> bool {
        let Ok(status) = client.status(SUBJECT) else { return false };
        let is_behind = status.trouble.is_some_and(|why| why.contains("this computer's clock shows"));
        !self.operation.writes.is_empty()
            && match self.fault.map(|fault| fault.error) {
                Some(Error::AheadDays | Error::AheadYears) => is_behind,
                Some(Error::BackYears) => self.operation.kind == Kind::Opens && status.state == State::Expired,
                _ => false,
            }
    }

    fn records(&mut self, client: &Client, expected: After, answer: &Answer) {
        let (subject, is_open) = state(client, SUBJECT);
        let by_clock = self.is_over_by_clock() || self.is_decided_by_wrong_clock(client);
        match expected {
            After::Open | After::AsBefore if by_clock && !is_open => {}
            After::Closed if is_open || subject == State::Granted => {
                self.say(format_args!("the scope is open after a no ({subject:?}, {answer:?})"));
            }
            After::Blocked if is_open => {
                self.say(format_args!("the scope is open against a rule ({subject:?}, {answer:?})"));
            }
            After::Blocked if ![State::Granted, State::Expired].contains(&subject) => {
                self.say(format_args!("a rule ended the yes ({subject:?}, {answer:?})"));
            }
            After::Open if !is_open && !self.operation.ends => {
                let trouble = client.status(SUBJECT).map(|status| (status.trouble, status.blocked_by));
                self.say(format_args!("the yes does not hold ({subject:?}, {trouble:?}, {answer:?})"));
            }
            After::AsBefore if (subject, is_open) != self.before.subject.1 && !self.operation.ends => {
                let trouble = client.status(SUBJECT).map(|status| (status.trouble, status.blocked_by));
                self.say(format_args!("{:?} became {subject:?}, open: {is_open}, {trouble:?}", self.before.subject.1));
            }
            _ => {}
        }
        // A scope that no decision is about is unchanged.
        let bystander = state(client, BYSTANDER);
        let is_over = self.is_over_by_clock() && bystander == (State::Expired, false);
        if bystander != self.before.bystander.1 && !self.operation.ends && !is_over {
            let trouble = client.status(BYSTANDER).map(|status| (status.trouble, status.blocked_by));
            self.say(format_args!("the other scope: {:?} became {bystander:?}, {trouble:?}", self.before.bystander.1));
        }
        if !self.loses_records() && !self.is_over_by_clock() {
            let records = self.world.records(client, BYSTANDER);
            let lost = self.before.bystander.0.difference(&records).count();
            if lost > 0 {
                self.say(format_args!("{lost} records of the other scope are gone"));
            }
            let is_kept = matches!(expected, After::AsBefore) && self.before.subject.1.1;
            if is_kept && !self.operation.destroys {
                let lost = self.before.subject.0.difference(&self.world.records(client, SUBJECT)).count();
                if lost > 0 {
                    self.say(format_args!("{lost} records of a grant in force are gone"));
                }
            }
        }
        if matches!(expected, After::Closed | After::Blocked) && subject != State::Unreadable {
            let left = self.world.left_of(SUBJECT);
            if !left.is_empty() {
                self.say(format_args!("left although it is closed: {left:?}"));
            }
        }
        let history = self.world.history();
        if !history.starts_with(&self.before.history) {
            self.say(format_args!("a new history was begun: {history:?} after {:?}", self.before.history));
        } else {
            let new = &history[self.before.history.len()..];
            let acts: Vec<&str> = new
                .iter()
                .filter(|(scope, _)| scope == SUBJECT.name())
                .map(|(_, decision)| decision.as_str())
                .collect();
            // If a tombstone exists, the person refused before this operation.
            let said_before = self.operation.name.contains("tombstone");
            if self.operation.closes() && acts.len() > 1 + usize::from(said_before) {
                self.say(format_args!("one act is written down as {acts:?}"));
            }
            for (scope, decision) in new {
                // An erasure request for all scopes is written under the name `*`.
                let is_subject = scope == SUBJECT.name();
                let known = (is_subject || scope == "*") && self.operation.writes.contains(&decision.as_str());
                let is_over = self.is_over_by_clock() || (is_subject && by_clock && subject == State::Expired);
                if !(known || is_over && decision == "expired") {
                    self.say(format_args!("nobody did this: {decision} of {scope}"));
                }
            }
        }
        if self.world.disk.everything().keys().any(|path| path.to_string_lossy().contains("damaged")) {
            self.say("sound records were set aside as damaged");
        }
    }

    /// Recorded events are kept, sent, or counted as dropped. A fault in one scope's files must not lose events of another scope.
    fn counted(&mut self, client: &Client) {
        let new = |of: &BTreeSet<String>, scope| self.world.records(client, scope).difference(of).count() as u64;
        let kept = new(&self.before.subject.0, SUBJECT);
        let counters = &client.engine().journal.counters;
        let dropped: u64 = DropReason::ALL.into_iter().map(|reason| counters.dropped(reason)).sum();
        let beside = new(&self.before.bystander.0, BYSTANDER);
        if kept + dropped < self.operation.records {
            self.say(format_args!("{kept} kept and {dropped} dropped of {} events", self.operation.records));
        }
        let path = self.fault.and_then(|fault| self.before.trace.get(fault.at as usize)).map(|(_, path)| path);
        let of_subject = path.is_some_and(|path| path.iter().any(|part| part == SUBJECT.name()));
        let once = self.fault.is_some_and(|fault| fault.lasts != Lasts::Long);
        if self.operation.name == "record_beside" && of_subject && once && beside == 0 {
            self.say("an event of the other scope was not kept");
        }
    }

    /// After the fault ended, recording, granting, sending and withdrawing work.
    fn works(&mut self, client: &Client, expected: After, ended: bool) {
        let after;
        let client = if ended || self.operation.undeclared {
            after = self.world.fresh(3);
            &after
        } else {
            client
        };
        if self.operation.blocks.is_some() {
            operations::unblock(self.world);
            self.world.reopen(SUBJECT);
            a_minute(self.world, client);
            let old: Vec<String> = self.before.subject.0.difference(&self.before.taken).cloned().collect();
            if self.world.records(client, SUBJECT).iter().any(|uid| old.contains(uid)) {
                self.say("what waited before a rule is kept after it");
            }
            let is_meant = self.is_over_by_clock() || self.is_decided_by_wrong_clock(client);
            if !state(client, SUBJECT).1 && !is_meant {
                let status = client.status(SUBJECT);
                self.say(format_args!("a rule that was lifted closes: {status:?}"));
            }
        }
        let before = self.world.records(client, SUBJECT).len();
        client.record_durable(Happened { times: 1 });
        let kept = self.world.records(client, SUBJECT).len() - before;
        let open = state(client, SUBJECT).1;
        if kept != usize::from(open) {
            self.say(format_args!("{kept} of one event were kept, and the scope is open: {open}"));
        }
        if expected == After::Closed && kept > 0 {
            self.say("an event was kept after a no");
        }
        self.world.reopen(SUBJECT);
        match say_yes(client, SUBJECT) {
            Err(error) => self.say(format_args!("a yes is not taken: {error}")),
            Ok(_) if !state(client, SUBJECT).1 => self.say("a yes does not open"),
            Ok(_) => {
                client.record_durable(Happened { times: 2 });
                if self.fault.is_none_or(|fault| fault.error.is_of_the_disk()) {
                    // By then the back-off is over, and every scope has had its turn.
                    self.world.hands.pass(Duration::from_secs(7 * 3_600));
                    let flushed = client.flush(Duration::from_secs(5));
                    let (all, taken) = (self.world.records(client, SUBJECT), self.world.taken(SUBJECT));
                    if all.len() != taken.len() || taken.is_empty() {
                        self.say(format_args!("{} of {} records were delivered: {flushed:?}", taken.len(), all.len()));
                    }
                }
            }
        }
        if self.operation.loses_lock {
            // Without a restart, it is not known which process holds the removed lock.
            self.world.restart();
        }
        match client.withdraw(SUBJECT) {
            Ok(receipt) if receipt.confirmed && receipt.recorded && receipt.destroyed.complete => {}
            other => self.say(format_args!("a withdrawal does not work: {other:?}")),
        }
        if state(&self.world.fresh(4), SUBJECT).1 {
            self.say("open after the withdrawal that followed");
        }
    }
}

/// How many faults were tried, how often each fired, and what was wrong.
#[derive(Default)]
struct Tally {
    triples: u64,
    fired: BTreeMap<(Call, Error), u64>,
    /// Each kind of error found: how often, with one example.
    wrong: BTreeMap<String, (u64, String)>,
}

impl Tally {
    fn run(&mut self, operation: &Operation, before: &Before, fault: Fault) {
        let (call, path) = &before.trace[fault.at as usize];
        let (_, fired, wrong) = trial(operation, before, Some(fault));
        self.triples += 1;
        *self.fired.entry((*call, fault.error)).or_default() += fired;
        for what in wrong {
            // Numbers differ from trial to trial, so they are left out of the kind that is counted.
            let kind: String = what.chars().filter(|letter| !letter.is_ascii_digit()).take(160).collect();
            let Fault { at, error, lasts } = fault;
            let path = path.display();
            let example = format!("--one \"{} {at} {error:?} {lasts:?}\": {call:?} of {path}: {what}", operation.name);
            let entry = self.wrong.entry(format!("{}: {kind}", operation.name)).or_insert_with(|| {
                // Printed immediately: a sweep takes long, and a user who interrupts it still sees what it found.
                println!("wrong: {example}");
                (0, example)
            });
            entry.0 += 1;
        }
    }

    fn merge(&mut self, other: Tally) {
        self.triples += other.triples;
        for (what, times) in other.fired {
            *self.fired.entry(what).or_default() += times;
        }
        for (what, (times, example)) in other.wrong {
            self.wrong.entry(what).or_insert((0, example)).0 += times;
        }
    }
}

const LASTS: [Lasts; 3] = [Lasts::Once, Lasts::ForFile, Lasts::Long];

/// Every fault of an operation, sampled: about one in `every`.
fn faults(before: &Before, every: u64, seed: u64) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut state = seed;
    for (at, (call, path)) in before.trace.iter().enumerate() {
        for error in errors(*call).into_iter().filter(|error| seams::may_meet(path, *error)) {
            for lasts in LASTS {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if (state >> 33).is_multiple_of(every) {
                    faults.push(Fault { at: at as u64, error, lasts });
                }
            }
        }
    }
    faults
}

fn sweep(every: u64, seed: u64, only: Option<&str>) -> Tally {
    let asked = |operation: &&Operation| only.is_none_or(|only| only.split(',').any(|name| name == operation.name));
    let queue: Vec<&Operation> = OPERATIONS.iter().filter(asked).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..number("CANDOR_FAULTS_THREADS", 2))
            .map(|_| {
                scope.spawn(|| {
                    let mut tally = Tally::default();
                    loop {
                        let index = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        let Some(operation) = queue.get(index) else { return tally };
                        let before = prepare(operation, seed);
                        for fault in faults(&before, every, seed.wrapping_add(index as u64)) {
                            tally.run(operation, &before, fault);
                        }
                    }
                })
            })
            .collect();
        for worker in workers {
            tally.merge(worker.join().expect("a worker judges, and does not fail"));
        }
    });
    if only.is_none() {
        top_up(&mut tally, seed, number("CANDOR_FAULTS_LEAST", LEAST));
    }
    tally
}

/// Repeats the faults that happened rarely, in worlds with other random numbers, until each has happened `least` times or the
/// rounds are used up.
fn top_up(tally: &mut Tally, seed: u64, least: u64) {
    let mut worlds: BTreeMap<(usize, u64), Before> = BTreeMap::new();
    for (call, error) in seams::kinds() {
        let fired = |tally: &Tally| tally.fired.get(&(call, error)).copied().unwrap_or(0);
        for round in 0..least * 2 {
            for (index, operation) in OPERATIONS.iter().enumerate() {
                if fired(tally) >= least {
                    break;
                }
                // A new world is made only every 50 rounds; within a world many calls are tried.
                let before = worlds
                    .entry((index, round / 50))
                    .or_insert_with(|| prepare(operation, seed.wrapping_add(1 + round / 50)));
                let places: Vec<u64> = (0u64..)
                    .zip(&before.trace)
                    .filter(|(_, (of, path))| *of == call && seams::may_meet(path, error))
                    .map(|(at, _)| at)
                    .collect();
                if let Some(&at) = places.get((round as usize) % places.len().max(1)) {
                    tally.run(operation, before, Fault { at, error, lasts: LASTS[round as usize % LASTS.len()] });
                }
            }
        }
    }
}

fn report(tally: &Tally) {
    for (what, (times, example)) in &tally.wrong {
        println!("{times:6} x {what}\n         {example}");
    }
    let kinds = seams::kinds();
    let fired = |what: &(Call, Error)| tally.fired.get(what).copied().unwrap_or(0);
    let seldom = kinds.iter().min_by_key(|what| fired(what)).copied();
    if let Some((call, error)) = seldom {
        println!("the fault that fired least: {call:?} {error:?}");
    }
    let least = kinds.iter().map(fired).min().unwrap_or(0);
    let kinds = kinds.len();
    println!(
        "faults: {} triples (operation, call, error) tried, {} wrong; each of {kinds} faults fired at least {least} times",
        tally.triples,
        tally.wrong.values().map(|(times, _)| times).sum::<u64>(),
    );
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// A sample of all faults. `.ci/faults` tries more of them, or all.
#[test]
#[ignore = "`.ci/faults` runs it"]
fn no_fault_leads_to_a_wrong() {
    // Prints each panic on one line. A panic under a fault is caught and counted as wrong.
    std::panic::set_hook(Box::new(|panic| println!("{panic}")));
    let only = std::env::var("CANDOR_FAULTS_ONLY").ok();
    let tally = sweep(number("CANDOR_FAULTS_EVERY", 200), number("CANDOR_FAULTS_SEED", 1), only.as_deref());
    report(&tally);
    assert!(tally.wrong.is_empty(), "{} kinds of wrong, see above", tally.wrong.len());
}

/// Runs one fault, named as in the report: `CANDOR_FAULT="operation at error lasts"`.
#[test]
#[ignore = "it takes one fault that is named"]
fn one_fault() {
    let Ok(named) = std::env::var("CANDOR_FAULT") else { return };
    let words: Vec<&str> = named.split_whitespace().collect();
    let operation = OPERATIONS.iter().find(|operation| operation.name == words[0]).expect("an operation");
    let before = prepare(operation, number("CANDOR_FAULTS_SEED", 1));
    let at = words[1].parse().expect("a number");
    let kind = errors(before.trace[at as usize].0).into_iter().find(|error| format!("{error:?}") == words[2]);
    let lasts = LASTS.into_iter().find(|lasts| format!("{lasts:?}") == words[3]).expect("how long");
    for (number, (call, path)) in before.trace.iter().enumerate() {
        println!("{number:4} {call:?} {}{}", path.display(), if number as u64 == at { "   <-- here" } else { "" });
    }
    let (_, fired, wrong) = trial(operation, &before, Some(Fault { at, error: kind.expect("an error"), lasts }));
    println!("it failed {fired} times");
    wrong.iter().for_each(|what| println!("wrong: {what}"));
    assert!(wrong.is_empty());
}

/// Known mistakes (mutants), each with an operation and a fault under which the sweep must notice it.
const MISTAKES: &[(Mutant, &str, Call, Error, Lasts)] = &[
    (Mutant::UnreadIsNeverGranted, "withdraw_without_a_lock", Call::Read, Error::Io, Lasts::Once),
    (Mutant::FailureIsDamage, "deny", Call::Read, Error::TooManyFiles, Lasts::Once),
    (Mutant::FailureIsRule, "begin", Call::List, Error::TooManyFiles, Lasts::Once),
    (Mutant::UnseenIsDestroyed, "withdraw", Call::List, Error::NoMemory, Lasts::Once),
    (Mutant::UnreadIsWritten, "tombstone_withdraw", Call::Read, Error::Io, Lasts::ForFile),
    (Mutant::TombstoneGoesUnwritten, "tombstone_withdraw", Call::Create, Error::TooManyFiles, Lasts::Once),
];

/// Returns what is wrong with both the mistake and the fault, if the fault alone leads to nothing wrong.
fn notices(mutant: Mutant, operation: &Operation, before: &Before, fault: Fault) -> Option<String> {
    let (_, _, wrong) = mutants::with(Some(mutant), || trial(operation, before, Some(fault)));
    let wrong = wrong.into_iter().next()?;
    trial(operation, before, Some(fault)).2.is_empty().then_some(wrong)
}

/// The sweep notices each mistake that is put back, and only through a fault: without a fault the mistake does no harm.
#[test]
#[ignore = "`.ci/faults` runs it"]
fn mistakes_are_noticed() {
    std::panic::set_hook(Box::new(|_| {}));
    let widely = std::env::var("CANDOR_FAULTS_WIDELY").is_ok();
    let mut missed = Vec::new();
    for &(mutant, name, call, error, lasts) in MISTAKES {
        let named: Vec<&Operation> = OPERATIONS.iter().filter(|operation| operation.name == name || widely).collect();
        assert!(!named.is_empty(), "no operation {name}");
        let mut noticed = None;
        for operation in named {
            let before = prepare(operation, 1);
            let harmless = mutants::with(Some(mutant), || trial(operation, &before, None)).2;
            if !harmless.is_empty() {
                println!("{mutant:?}: {name} without a fault: {harmless:?}");
                continue;
            }
            let found = faults(&before, 1, 1).into_iter().find_map(|fault| {
                let (of, path) = &before.trace[fault.at as usize];
                let is_named = *of == call && fault.error == error && fault.lasts == lasts;
                let is_tried =
                    is_named || (widely && matches!(fault.error, Error::Io | Error::NoMemory | Error::TooManyFiles));
                let wrong = is_tried.then(|| notices(mutant, operation, &before, fault)).flatten()?;
                Some(format!(
                    "{} {} {of:?} {:?} {:?} of {}: {wrong}",
                    operation.name,
                    fault.at,
                    fault.error,
                    fault.lasts,
                    path.display()
                ))
            });
            if widely && let Some(found) = &found {
                println!("{mutant:?}: {found}");
            }
            noticed = noticed.or(found);
        }
        match noticed {
            Some(noticed) => println!("{mutant:?}: {noticed}"),
            None => missed.push(mutant),
        }
    }
    println!("faults: {} of {} mistakes noticed; missed: {missed:?}", MISTAKES.len() - missed.len(), MISTAKES.len());
    assert!(missed.is_empty());
}
