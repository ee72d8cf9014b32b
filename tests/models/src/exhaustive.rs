//! Every order of the steps of a few threads, under loom: two senders in two processes, whoever withdraws, and whoever says
//! yes again. The rooms that decide are compiled from their real sources. With two senders it is every order only if called
//! as `exhaustive every`, which takes long. Ends with one line `exhaustive: …`.
#![allow(dead_code, unused_imports, unreachable_pub, reason = "the rooms are compiled for a part of what they can do")]

#[path = "../../../src/ambient.rs"]
mod ambient;
#[path = "../../../src/consent/mod.rs"]
mod consent;
#[path = "../../../src/disk.rs"]
mod disk;
#[path = "../../../src/error.rs"]
mod error;
#[path = "../../../src/language/mod.rs"]
mod language;
mod memory;
mod mistakes;
#[path = "../../../src/precision/mod.rs"]
mod precision;
mod scenario;
#[path = "engine.rs"]
mod sender;
mod switch;
#[path = "seam_loom.rs"]
mod sync;
#[path = "../../../src/withdraw.rs"]
mod withdraw;

/// The same rooms with mistakes in them.
#[allow(warnings, clippy::all)]
mod mistaken {
    pub(crate) use crate::{ambient, disk, error, language, memory, precision, switch, sync};
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

/// Runs every order of the steps of `act`, or those with so many preemptions at most, or ends at the first that fails, with its message.
fn every_order(preemptions: Option<usize>, act: impl Fn() + Send + Sync + 'static) -> Result<(), String> {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 10_000;
    builder.preemption_bound = preemptions;
    let act = Arc::new(act);
    let checked = panic::catch_unwind(AssertUnwindSafe(|| {
        builder.check(move || {
            let act = act.clone();
            // A thread of its own, since the first one's stack is small.
            sync::spawn(move || act()).join().unwrap();
        });
    }));
    checked.map_err(mistakes::message)
}

fn main() {
    let every = std::env::args().nth(1).is_some_and(|word| word == "every");
    let image = Arc::new(Mutex::new(None));
    let out = image.clone();
    every_order(None, move || *out.lock().unwrap() = Some(scenario::granted())).unwrap();
    let image = image.lock().unwrap().take().unwrap();

    let mut executions = 0;
    for (name, plan) in PLANS {
        let (seen, image, begin) = (Seen::default(), image.clone(), Instant::now());
        let within = seen.clone();
        let bound = if plan.senders.len() > 1 && !every { Some(FEW) } else { None };
        let done = every_order(bound, move || {
            scenario::run(plan, &image, &within);
            if within.schedules.load(SeqCst).is_multiple_of(10_000) {
                eprintln!("{name}: {within} so far");
            }
        });
        eprintln!("{name}: {seen} ({} s)", begin.elapsed().as_secs());
        if let Err(message) = done {
            println!("exhaustive: FAILED: {name}: {message}");
            exit(1);
        }
        if !seen.was_at_stake(plan) {
            println!("exhaustive: FAILED: {name}: nothing was at stake");
            exit(1);
        }
        executions += seen.schedules.load(SeqCst);
    }

    let here: Vec<&str> = mistakes::all().into_iter().filter(|name| !ELSEWHERE.contains(name)).collect();
    let look = || {
        PLANS.iter().find_map(|(_, plan)| {
            let (image, plan) = (image.clone(), mistakes::mistaken(*plan));
            let seen = mistaken::scenario::Seen::default();
            let done = every_order(None, move || {
                mistaken::scenario::run(plan, &image, &seen);
                assert!(seen.schedules.load(SeqCst) < ENOUGH, "enough");
            });
            done.err().filter(|message| message != "enough")
        })
    };
    match mistakes::every_mistake(&here, look) {
        Ok(noticed) => println!(
            "exhaustive: {executions} executions: every order in 3 plans with 1 sender, {} with 2; {noticed} of {} mistakes noticed",
            if every { "every order".to_owned() } else { format!("every order of at most {FEW} preemptions") },
            here.len()
        ),
        Err(mistake) => {
            println!("exhaustive: FAILED: not noticed: {mistake}");
            exit(1);
        }
    }
}
