//! Runs random orders of the steps of four senders in three processes, under shuttle, with the same seed every time.
//! The modules that decide are compiled from their real sources. `random [SCHEDULES [SEED]]` prints one line `random:
//! …` at the end. Never writes a real file.
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
mod scenario;
mod engine;
mod steps;
mod switch;
#[path = "seam_shuttle.rs"]
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
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use std::{
    panic::{self, AssertUnwindSafe},
    process::exit,
    sync::{Arc, Mutex, atomic::Ordering::SeqCst},
    time::Instant,
};

const SEED: u64 = 20_261_122;

const PLANS: [(&str, Plan); 4] = [
    ("four senders", Plan { records: true, ..PLAN }),
    ("a yes at any time", Plan { grants: Some(2), ..PLAN }),
    ("a yes right after", Plan { grants_after: Some(1), ..PLAN }),
    ("a sender that does not let go", Plan { lingers: true, ..PLAN }),
];

/// A plan with fewer threads, so that the steps of the recording one fall into a withdrawal more often. Its schedules
/// are not counted.
const RECORDING: (&str, Plan) =
    ("an event and one sender", Plan { processes: 2, senders: &[1], records: true, ..PLAN });

const PLAN: Plan = Plan {
    processes: 3,
    senders: &[0, 1, 1, 2],
    batches: 2,
    slices: 2,
    bare: false,
    follow: true,
    lingers: false,
    grants: None,
    grants_after: None,
    records: false,
};

/// Mistakes that only the exhaustive orders notice. Here a sender holds a second permit in addition to the parcel's,
/// which hides them.
const ELSEWHERE: [&str; 1] = ["asked first, locked after"];

/// In how many schedules of a plan a mistake is searched for before the next plan.
const ENOUGH: usize = 4_000;

/// How many changes of thread the second scheduler inserts.
const DEPTH: usize = 3;

/// Runs `count` schedules. In half of them every thread is equally likely at each step. The other half has few changes
/// of thread, at random steps. Stops at the first schedule that fails and returns its message.
fn schedules(count: usize, seed: u64, act: impl Fn() + Send + Sync + 'static) -> Result<(), String> {
    let mut config = shuttle::Config::new();
    config.stack_size = 256 << 10;
    config.failure_persistence = shuttle::FailurePersistence::None;
    config.silence_warnings = true;
    let act = Arc::new(act);
    let checked = panic::catch_unwind(AssertUnwindSafe(|| {
        let (first, second) = (act.clone(), act);
        let random = RandomScheduler::new_from_seed(seed, count.div_ceil(2));
        shuttle::Runner::new(random, config.clone()).run(move || first());
        if count > 1 {
            let few = PctScheduler::new_from_seed(seed, DEPTH, count / 2);
            shuttle::Runner::new(few, config).run(move || second());
        }
    }));
    checked.map_err(mistakes::message)
}

fn main() {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse::<u64>().expect("random [SCHEDULES [SEED]]"));
    let count = usize::try_from(numbers.next().unwrap_or(4_000)).unwrap();
    let seed = numbers.next().unwrap_or(SEED);
    let image = Arc::new(Mutex::new(None));
    let out = image.clone();
    schedules(1, seed, move || *out.lock().unwrap() = Some(scenario::granted())).unwrap();
    let image = image.lock().unwrap().take().unwrap();

    // The model's sender must take the steps that the real sender was observed to take.
    let taken = Arc::new(Mutex::new(Vec::new()));
    let (out, granted) = (taken.clone(), image.clone());
    schedules(1, seed, move || *out.lock().unwrap() = scenario::steps(&granted)[0].clone()).unwrap();
    let taken = steps::on_disk(&taken.lock().unwrap());
    if taken != steps::written("a send") {
        println!("random: FAILED: the model's sender does not take the steps of steps.txt, but {taken:?}");
        exit(1);
    }

    let mut total = 0;
    for (name, plan) in PLANS.into_iter().chain([RECORDING]) {
        let (seen, image, begin) = (Seen::default(), image.clone(), Instant::now());
        let within = seen.clone();
        let done = schedules(count / PLANS.len(), seed, move || scenario::run(plan, &image, &within));
        eprintln!("{name}: {seen} ({} s)", begin.elapsed().as_secs());
        if let Err(message) = done {
            println!("random: FAILED: {name}: {message}");
            exit(1);
        }
        if !seen.was_at_stake(plan) {
            println!("random: FAILED: {name}: nothing was at stake");
            exit(1);
        }
        if name != RECORDING.0 {
            total += seen.schedules.load(SeqCst);
        }
    }

    let here: Vec<&str> = mistakes::all().into_iter().filter(|name| !ELSEWHERE.contains(name)).collect();
    let look = || {
        PLANS.into_iter().chain([RECORDING]).find_map(|(_, plan)| {
            let (image, plan) = (image.clone(), mistakes::mistaken(plan));
            let seen = mistaken::scenario::Seen::default();
            schedules(ENOUGH, seed, move || mistaken::scenario::run(plan, &image, &seen)).err()
        })
    };
    match mistakes::every_mistake(&here, look) {
        Ok(noticed) => println!(
            "random: {total} schedules of 4 senders in {} plans, seed {seed}, {noticed} of {} mistakes noticed",
            PLANS.len(),
            here.len()
        ),
        Err(why) => {
            println!("random: FAILED: {why}");
            exit(1);
        }
    }
}
