//! Every order of the steps of a few threads, under loom: two senders in two processes, whoever withdraws, and whoever says
//! yes again. The rooms that decide are compiled from their real sources. Ends with one line `exhaustive: …`.
#![allow(dead_code, unused_imports, unreachable_pub, reason = "the rooms are compiled for a part of what they can do")]

#[path = "../../../src/ambient.rs"]
mod ambient;
#[path = "../../../src/consent/mod.rs"]
mod consent;
#[path = "../../../src/disk.rs"]
mod disk;
#[path = "../../../src/error.rs"]
mod error;
mod memory;
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
    pub(crate) use crate::{ambient, disk, error, memory, precision, switch, sync};
    use switch::on;
    include!(concat!(env!("OUT_DIR"), "/mistaken.rs"));
}

fn main() {
    let senders: &'static [usize] = match std::env::args().nth(2).unwrap().as_str() { "0" => &[0], "1" => &[1], "01" => &[0, 1], _ => &[1, 1] };
    let plan = scenario::Plan { processes: 2, senders, batches: 1, bare: true, slices: std::env::args().nth(3).unwrap().parse().unwrap(), ..Default::default() };
    let image = std::sync::Arc::new(std::sync::Mutex::new(None));
    let out = image.clone();
    loom::model(move || { let out = out.clone(); sync::spawn(move || { *out.lock().unwrap() = Some(scenario::granted()); }).join().unwrap(); });
    let image = image.lock().unwrap().take().unwrap();
    let seen = std::sync::Arc::new(scenario::Seen::default());
    let mut b = loom::model::Builder::new();
    b.max_branches = 10_000;
    let n: usize = std::env::args().nth(1).map_or(100, |a| a.parse().unwrap());
    b.max_permutations = Some(n);
    b.checkpoint_interval = n;
    let s2 = seen.clone();
    let begin = std::time::Instant::now();
    b.check(move || { if s2.schedules.load(std::sync::atomic::Ordering::SeqCst) % 10000 == 0 { eprintln!("{s2:?} {:?}", begin.elapsed()); } let (image, seen) = (image.clone(), s2.clone()); sync::spawn(move || scenario::run(plan, &image, &seen)).join().unwrap(); });
    println!("{seen:?} {:?}", begin.elapsed());
}
