//! Every order of the steps of a few threads, under loom: two senders in two processes, whoever withdraws, and whoever says
//! yes again. First the protocol by itself, with two senders in every order; then the rooms that decide, compiled from their
//! real sources, with one sender in every order and with two in those of few preemptions, unless called as `exhaustive
//! every`, whose end nobody has waited for yet. Ends with one line `exhaustive: …`.
// What is compiled here as a test would be the tests of the rooms, which are candor's own.
#![cfg(not(test))]
#![allow(dead_code, unused_imports, unreachable_pub, reason = "the rooms are compiled for a part of what they can do")]

mod actions;
#[path = "../../../src/ambient.rs"]
mod ambient;
#[path = "../../../src/clean.rs"]
mod clean;
#[path = "../../../src/consent/mod.rs"]
mod consent;
/// The process-wide client has no part in this.
mod decisions {}
#[path = "../../../src/disk/mod.rs"]
mod disk;
#[path = "../../../src/error.rs"]
mod error;
#[path = "../../../src/language/mod.rs"]
mod language;
mod memory;
mod mistakes;
#[path = "../../../src/mutants.rs"]
mod mutants;
#[path = "../../../src/precision/mod.rs"]
mod precision;
mod protocol;
mod scenario;
mod engine;
mod steps;
mod switch;
#[path = "seam_loom.rs"]
mod sync;

/// The same rooms with mistakes in them.
#[allow(warnings, clippy::all)]
mod mistaken {
    pub(crate) use crate::{
        ambient, clean, decisions, disk, error, language, memory, mutants, precision, steps, switch, sync,
    };
    include!(concat!(env!("OUT_DIR"), "/mistaken.rs"));
}

use scenario::{Plan, Seen};
use std::{
    panic::{self, AssertUnwindSafe},
    process::exit,
    sync::{Arc, Mutex, atomic::Ordering::SeqCst},
    time::Instant,
};

/// Loom takes five threads at most, with the one that starts them.
const PLANS: [(&str, Plan); 4] = [
    ("a sender that does not let go", Plan { senders: &[1], slices: 2, lingers: true, ..PLAN }),
    ("a yes right after", Plan { senders: &[1], slices: 2, grants_after: Some(0), ..PLAN }),
    ("a sender of the same process", Plan { senders: &[0], slices: 2, ..PLAN }),
    ("two senders", Plan { senders: &[0, 1], slices: 1, ..PLAN }),
];

const PLAN: Plan = Plan {
    processes: 2,
    senders: &[],
    batches: 1,
    slices: 0,
    bare: true,
    follow: false,
    lingers: false,
    grants: None,
    grants_after: None,
    records: false,
};

/// Two senders have very many orders. Unless all are asked for, they are those in which a thread that could go on was made
/// to wait at most so often.
const FEW: usize = 2;

/// Noticed with random orders only: nobody records here, and decisions don't meet.
const ELSEWHERE: [&str; 3] = ["the gate closes last", "what is closing opens again", "decisions at once"];

/// A mistake that was not noticed in so many orders of a plan is looked for in the next one.
const ENOUGH: u64 = 30_000;
const ENOUGH_SEEN: &str = "enough";

/// Runs every order of the steps of `act`, or those with so many preemptions at most, or ends at the first that fails, with
/// its message.
fn every_order(preemptions: Option<usize>, act: impl Fn() + Send + Sync + 'static) -> Result<(), String> {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 10_000;
    builder.preemption_bound = preemptions;
    panic::catch_unwind(AssertUnwindSafe(|| builder.check(act))).map_err(mistakes::message)
}

/// The same, on a thread of its own, since the first one's stack is small for the rooms.
fn every_order_with_room(preemptions: Option<usize>, act: impl Fn() + Send + Sync + 'static) -> Result<(), String> {
    let act = Arc::new(act);
    every_order(preemptions, move || {
        let act = act.clone();
        sync::spawn(move || act()).join().unwrap();
    })
}

/// What one thread alone makes of `act`.
fn alone<T: Send + 'static>(act: impl Fn() -> T + Send + Sync + 'static) -> Result<T, String> {
    let out = Arc::new(Mutex::new(None));
    let made = out.clone();
    every_order_with_room(None, move || *made.lock().unwrap() = Some(act()))?;
    let made = out.lock().unwrap().take();
    made.ok_or_else(|| "it never ran".into())
}

/// The protocol takes the steps that the rooms take, and the rooms those that a real client takes on a real disk.
fn same_steps(image: &memory::Image) -> Result<(), String> {
    let image = image.clone();
    let rooms = alone(move || scenario::steps(&image))?;
    let protocol = alone(protocol::steps)?;
    for (number, of) in ["a send", "a withdrawal", "a yes after it"].into_iter().enumerate() {
        let (rooms, protocol) = (&rooms[number], &protocol[number]);
        if steps::once(rooms) != steps::once(protocol) {
            return Err(format!(
                "the rooms take other steps for {of} than the protocol: {:?}\nand not {:?}",
                steps::once(rooms),
                steps::once(protocol)
            ));
        }
        let (on_disk, written) = (steps::on_disk(rooms), steps::written(of));
        // What a client does once others may decide again is its own matter, after a yes.
        let end = if number == 2 { written.len().min(on_disk.len()) } else { on_disk.len() };
        if on_disk[..end] != written || written.is_empty() {
            return Err(format!("the rooms take other steps for {of} than steps.txt: {on_disk:?}"));
        }
    }
    Ok(())
}

/// Every order of the protocol's steps. Answers how many there were of two senders'.
fn protocol() -> Result<u64, String> {
    let mut orders = 0;
    for (name, plan, bound) in protocol::PLANS {
        let (seen, begin) = (Arc::new(protocol::Seen::default()), Instant::now());
        let within = seen.clone();
        let done = every_order(bound, move || {
            protocol::run(plan, &within);
            if within.orders.load(SeqCst).is_multiple_of(500_000) {
                eprintln!("protocol: {name}: {within} so far");
            }
        });
        eprintln!("protocol: {name}: {seen} ({} s)", begin.elapsed().as_secs());
        done.map_err(|message| format!("protocol: {name}: {message}"))?;
        if !seen.was_at_stake(plan) {
            return Err(format!("protocol: {name}: nothing was at stake"));
        }
        if bound.is_none() && plan.senders.len() == 2 {
            orders += seen.orders.load(SeqCst);
        }
    }
    Ok(orders)
}

/// The plans over the rooms. Answers how many executions there were.
fn rooms(image: &memory::Image, every: bool) -> Result<u64, String> {
    let mut executions = 0;
    for (name, plan) in PLANS {
        let (seen, image, begin) = (Seen::default(), image.clone(), Instant::now());
        let within = seen.clone();
        let bound = if plan.senders.len() > 1 && !every { Some(FEW) } else { None };
        let done = every_order_with_room(bound, move || {
            scenario::run(plan, &image, &within);
            if within.schedules.load(SeqCst).is_multiple_of(10_000) {
                eprintln!("{name}: {within} so far");
            }
        });
        eprintln!("{name}: {seen} ({} s)", begin.elapsed().as_secs());
        done.map_err(|message| format!("{name}: {message}"))?;
        if !seen.was_at_stake(plan) {
            return Err(format!("{name}: nothing was at stake"));
        }
        executions += seen.schedules.load(SeqCst);
    }
    Ok(executions)
}

fn run(every: bool) -> Result<String, String> {
    let image = alone(scenario::granted)?;
    same_steps(&image)?;
    let orders = protocol()?;
    let noticed = mistakes::every_mistake(&protocol::MISTAKES, || {
        protocol::PLANS.iter().find_map(|&(_, plan, _)| {
            let seen = Arc::new(protocol::Seen::default());
            every_order(None, move || {
                protocol::run(plan, &seen);
                assert!(seen.orders.load(SeqCst) < ENOUGH, "{ENOUGH_SEEN}");
            })
            .err()
            .filter(|message| message != ENOUGH_SEEN)
        })
    })?;
    let executions = rooms(&image, every)?;
    let here: Vec<&str> = mistakes::all().into_iter().filter(|name| !ELSEWHERE.contains(name)).collect();
    let noticed_in_rooms = mistakes::every_mistake(&here, || {
        PLANS.iter().find_map(|(_, plan)| {
            let (image, plan) = (image.clone(), mistakes::mistaken(*plan));
            let seen = mistaken::scenario::Seen::default();
            every_order_with_room(None, move || {
                mistaken::scenario::run(plan, &image, &seen);
                assert!(seen.schedules.load(SeqCst) < ENOUGH, "{ENOUGH_SEEN}");
            })
            .err()
            .filter(|message| message != ENOUGH_SEEN)
        })
    })?;
    Ok(format!(
        "every order of 2 senders in {} plans ({orders}), {noticed} of {} mistakes noticed; the rooms: {executions} executions, \
         every order in 3 plans with 1 sender, {} with 2, {noticed_in_rooms} of {} mistakes noticed",
        protocol::PLANS.iter().filter(|(_, plan, bound)| plan.senders.len() == 2 && bound.is_none()).count(),
        protocol::MISTAKES.len(),
        if every { "every order".to_owned() } else { format!("every order of at most {FEW} preemptions") },
        here.len()
    ))
}

fn main() {
    match run(std::env::args().nth(1).is_some_and(|word| word == "every")) {
        Ok(what) => println!("exhaustive: {what}"),
        Err(why) => {
            println!("exhaustive: FAILED: {why}");
            exit(1);
        }
    }
}
