//! Runs every order of the steps of a few threads, under loom: two senders in two processes, a thread that withdraws,
//! and one that grants again. First it runs the protocol alone, with two senders in every order. Then it runs the
//! modules that decide, compiled from their real sources: one sender in every order, and two senders in the orders with
//! few preemptions. `exhaustive every` runs all orders of two senders; no such run has been waited for until its end.
//! Prints one line `exhaustive: …` at the end. Never writes a real file.
// As a test, this would compile the modules' own tests, which belong to candor.
#![cfg(not(test))]
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "the modules are compiled for a part of what they can do"
)]

mod actions;
#[path = "../../../src/ambient.rs"]
mod ambient;
#[path = "../../../src/clean.rs"]
mod clean;
#[path = "../../../src/consent/mod.rs"]
mod consent;
/// The process-wide client is not modelled.
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

/// The same modules with mistakes in them.
#[allow(warnings, clippy::all, reason = "a copy with mistakes in it, made by the build script")]
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

/// Loom supports at most five threads, including the one that starts the others.
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

/// The number of preemptions that limits the orders of two senders, because there are very many. A preemption makes a
/// thread wait that could run.
const FEW: usize = 2;

/// Mistakes that only the random orders notice: in these plans no thread records, and decisions do not collide.
const ELSEWHERE: [&str; 3] = ["the gate closes last", "what is closing opens again", "decisions at once"];

/// After this many orders of a plan, a mistake that was not noticed is searched for in the next plan.
const ENOUGH: u64 = 30_000;
const ENOUGH_SEEN: &str = "enough";

/// Runs every order of the steps of `act`, or only those with at most `preemptions` preemptions. Stops at the first
/// order that fails and returns its message.
fn every_order(preemptions: Option<usize>, act: impl Fn() + Send + Sync + 'static) -> Result<(), String> {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 10_000;
    builder.preemption_bound = preemptions;
    panic::catch_unwind(AssertUnwindSafe(|| builder.check(act))).map_err(mistakes::message)
}

/// Like [`every_order`], on a thread of its own, because the first thread's stack is too small for the modules.
fn every_order_within(preemptions: Option<usize>, act: impl Fn() + Send + Sync + 'static) -> Result<(), String> {
    let act = Arc::new(act);
    every_order(preemptions, move || {
        let act = act.clone();
        sync::spawn(move || act()).join().unwrap();
    })
}

/// Runs `act` on one thread and returns its result.
fn alone<T: Send + 'static>(act: impl Fn() -> T + Send + Sync + 'static) -> Result<T, String> {
    let out = Arc::new(Mutex::new(None));
    let made = out.clone();
    every_order_within(None, move || *made.lock().unwrap() = Some(act()))?;
    let made = out.lock().unwrap().take();
    made.ok_or_else(|| "it never ran".into())
}

/// Checks that the protocol takes the same steps as the modules, and the modules the same as a real client on a real
/// disk.
fn same_steps(image: &memory::Image) -> Result<(), String> {
    let image = image.clone();
    let modules = alone(move || scenario::steps(&image))?;
    let protocol = alone(protocol::steps)?;
    for (number, of) in ["a send", "a withdrawal", "a yes after it"].into_iter().enumerate() {
        let (modules, protocol) = (&modules[number], &protocol[number]);
        if steps::once(modules) != steps::once(protocol) {
            return Err(format!(
                "the modules take other steps for {of} than the protocol: {:?}\nand not {:?}",
                steps::once(modules),
                steps::once(protocol)
            ));
        }
        let (on_disk, written) = (steps::on_disk(modules), steps::written(of));
        // After a grant, the client's steps after it releases the lock of decisions are not compared.
        let end = if number == 2 { written.len().min(on_disk.len()) } else { on_disk.len() };
        if on_disk[..end] != written || written.is_empty() {
            return Err(format!("the modules take other steps for {of} than steps.txt: {on_disk:?}"));
        }
    }
    Ok(())
}

/// Runs every order of the protocol's steps. Returns how many there were with two senders in unbounded plans.
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

/// Runs the plans over the modules. Returns how many executions there were.
fn modules(image: &memory::Image, every: bool) -> Result<u64, String> {
    let mut executions = 0;
    for (name, plan) in PLANS {
        let (seen, image, begin) = (Seen::default(), image.clone(), Instant::now());
        let within = seen.clone();
        let bound = if plan.senders.len() > 1 && !every { Some(FEW) } else { None };
        let done = every_order_within(bound, move || {
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
    let executions = modules(&image, every)?;
    let here: Vec<&str> = mistakes::all().into_iter().filter(|name| !ELSEWHERE.contains(name)).collect();
    let noticed_in_modules = mistakes::every_mistake(&here, || {
        PLANS.iter().find_map(|(_, plan)| {
            let (image, plan) = (image.clone(), mistakes::mistaken(*plan));
            let seen = mistaken::scenario::Seen::default();
            every_order_within(None, move || {
                mistaken::scenario::run(plan, &image, &seen);
                assert!(seen.schedules.load(SeqCst) < ENOUGH, "{ENOUGH_SEEN}");
            })
            .err()
            .filter(|message| message != ENOUGH_SEEN)
        })
    })?;
    Ok(format!(
        "every order of 2 senders in {} plans ({orders}), {noticed} of {} mistakes noticed; the modules: {executions} executions, \
         every order in 3 plans with 1 sender, {} with 2, {noticed_in_modules} of {} mistakes noticed",
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
