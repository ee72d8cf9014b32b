//! Measures what recording costs on the calling thread, next to the lower limits it can't beat. Everything is measured in
//! one run, because only ratios from the same run are worth quoting. Run it with `cargo bench`; `cargo bench -- --test`
//! runs a small fraction of it, to check that it works.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "a program for developers")]

#[path = "../examples/support/stage.rs"]
mod stage;
#[path = "../examples/support/mod.rs"]
mod support;

use candor::{Audience, Category, Config, Event, consent};
use crossbeam_queue::ArrayQueue;
use stage::CONTROLLER;
use std::{
    hint::black_box,
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

candor::scope! {
    /// Measure what recording costs while nobody has agreed to it.
    OFF = "off" { title: "Off", revision: 1, about: installation, retention: 1 days, benefit: "None", other_uses: none }
    /// Measure what recording costs once somebody has agreed to it.
    ON = "on" { title: "On", revision: 1, about: installation, retention: 1 days, benefit: "None", other_uses: none }
}

#[derive(Category, Clone, Copy)]
enum Codec {
    H264,
    Hevc,
    Other,
}

macro_rules! six_fields {
    ($name:ident, $event:literal, $scope:ident) => {
        /// An event of six fields: 14 x 3 x 2 x 2 x 2 x 3 = 1,008 outcomes.
        #[derive(Event, Clone, Copy)]
        #[event(name = $event, scope = $scope, linkage = rollup)]
        struct $name {
            /// A bitrate.
            #[field(bitrate, group = "network", reason = "it is made up", example = 4_213_000)]
            bitrate: u64,
            /// A category.
            codec: Codec,
            /// A flag.
            a: bool,
            /// A flag.
            b: bool,
            /// A flag.
            c: bool,
            /// A flag that may be unknown.
            d: Option<bool>,
        }

        impl $name {
            #[inline(always)]
            fn of(x: u64) -> Self {
                let codec = [Codec::H264, Codec::Hevc, Codec::Other][(x % 3) as usize];
                $name { bitrate: x << 12, codec, a: x & 1 == 0, b: x & 2 == 0, c: x & 8 == 0, d: Some(x & 4 == 0) }
            }
        }
    };
}
six_fields!(Off, "bench.off", OFF);
six_fields!(On, "bench.on", ON);

candor::counter! {
    /// It was counted while nobody agreed.
    COUNTED_OFF = "bench.counted.off" in OFF;
    /// It was counted.
    COUNTED = "bench.counted" in ON {
        /// A category.
        codec: Codec,
    }
}

candor::timing! {
    /// It was timed while nobody agreed.
    TIMED_OFF = "bench.timed.off" in OFF;
    /// It was timed.
    TIMED = "bench.timed" in ON;
}

/// An event with an identifier.
#[derive(Event)]
#[event(name = "bench.identified", scope = ON, linkage = month)]
struct Identified<'a> {
    /// A name.
    #[field(hash, example = "nas.local")]
    server: &'a str,
    /// A category.
    codec: Codec,
    /// A flag.
    a: bool,
    /// A flag.
    b: bool,
    /// A number.
    #[field(count, example = 3)]
    times: u32,
    /// A flag.
    c: bool,
}

impl<'a> Identified<'a> {
    #[inline(always)]
    fn of(server: &'a str, x: u64) -> Self {
        Identified { server, codec: Codec::Hevc, a: x & 1 == 0, b: x & 2 == 0, times: x as u32 & 0xff, c: x & 4 == 0 }
    }
}

/// Events that are timed together: reading the clock costs more than one call.
const BATCH: u64 = 64;
/// Batches between two pauses. They must be fewer than a thread's ring can hold.
const BURST: usize = 6;
/// Long enough for the worker to empty the rings.
const PAUSE: Duration = Duration::from_millis(30);

fn main() {
    let quick = std::env::args().any(|argument| argument == "--test");
    let bursts = if quick { 3 } else { 200 };
    let home = tempfile::tempdir().unwrap();
    let receiver = support::Receiver::start().unwrap();
    let config = Config::new("org.example.bench", CONTROLLER, Audience::Adults).endpoint(receiver.endpoint());
    let config =
        config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block().waiting_limit(64 << 20);
    let _candor = candor::init(config).unwrap();
    consent::grant(ON).unwrap();

    println!("median (1st to 99th percentile) in ns for one call, batches of {BATCH}, one process\n");
    let gate = AtomicU64::new(0);
    let queue: ArrayQueue<[u64; 8]> = ArrayQueue::new(512);
    let load = bench(
        "floor: relaxed load and branch",
        bursts * 20,
        || (),
        |_| {
            if black_box(&gate).load(Ordering::Relaxed) != 0 {
                black_box(());
            }
        },
    );
    let empty = || while queue.pop().is_some() {};
    let push = bench("floor: push of 64 bytes onto a ring", bursts * 20, empty, |x| {
        let _ = black_box(queue.push([x; 8])); // `empty` makes room after each batch
    });
    let hash = bench(
        "floor: blake3 keyed hash of 32 bytes",
        bursts * 20,
        || (),
        |x| {
            black_box(blake3::keyed_hash(&[7; 32], &[x as u8; 32]));
        },
    );
    println!();
    let event = Off::of(5);
    let off = bench("record, not granted", bursts * 20, || (), |_| candor::record(event));
    bench("record, not granted, event made for it", bursts * 20, || (), |x| candor::record(Off::of(black_box(x))));
    let lazy = bench("record_with, not granted", bursts * 20, || (), |x| candor::record_with(|| Off::of(black_box(x))));
    let pause = || thread::sleep(PAUSE);
    let on = bench_paused("record, six fields", bursts, pause, |x| candor::record(On::of(black_box(x))));
    let two = two_threads(bursts);
    let name = String::from("nas.example.org");
    let id = bench_paused("record, six fields with an identifier", bursts, pause, |x| {
        candor::record(Identified::of(black_box(&name), x));
    });
    bench("counter, not granted", bursts * 20, || (), |_| COUNTED_OFF.add());
    bench("timer started and dropped, not granted", bursts * 20, || (), |_| drop(TIMED_OFF.start()));
    let counted = bench_paused("counter by a category", bursts, pause, |_| COUNTED.add(black_box(Codec::Hevc)));
    let clock = bench(
        "floor: two readings of the clock",
        bursts * 20,
        || (),
        |_| {
            black_box(black_box(Instant::now()).elapsed());
        },
    );
    let timed = bench_paused("timer started and dropped", bursts, pause, |_| drop(TIMED.start()));
    println!("\nratios of medians");
    println!("  off / load               {:5.2}   lazily {:5.2}", off / load.max(0.01), lazy / load.max(0.01));
    println!("  on / push                {:5.2}", on / push);
    println!("  two threads / one        {:5.2}", two / on);
    println!("  identifier / (on + hash) {:5.2}", id / (on + hash));
    println!("  counter / on             {:5.2}", counted / on);
    println!("  timer / (counter + clock){:5.2}", timed / (counted + clock));
    for dropped in candor::manifest().unwrap().outcomes.dropped {
        println!("  dropped while measuring: {} because {}", dropped.count, dropped.why);
    }
}

fn bench(name: &str, batches: usize, after: impl Fn(), op: impl FnMut(u64)) -> f64 {
    report(name, measure(batches, 1, after, op))
}

fn bench_paused(name: &str, bursts: usize, pause: impl Fn(), op: impl FnMut(u64)) -> f64 {
    report(name, measure(bursts * BURST, BURST, pause, op))
}

/// Nanoseconds per call, one value for each batch. `after` runs after every `every` batches and is not timed.
fn measure(batches: usize, every: usize, after: impl Fn(), mut op: impl FnMut(u64)) -> Vec<f64> {
    let mut times = Vec::with_capacity(batches);
    for batch in 0..batches {
        let start = Instant::now();
        for x in 0..BATCH {
            op(black_box(x));
        }
        times.push(start.elapsed().as_nanos() as f64 / BATCH as f64);
        if batch % every == every - 1 {
            after();
        }
    }
    times
}

/// Two threads that record at the same time. They meet at a barrier after each burst.
fn two_threads(bursts: usize) -> f64 {
    let barrier = Barrier::new(2);
    let one = || {
        let wait = || {
            thread::sleep(PAUSE);
            barrier.wait();
        };
        measure(bursts * BURST, BURST, wait, |x| candor::record(On::of(black_box(x))))
    };
    let times = thread::scope(|scope| {
        let (a, b) = (scope.spawn(one), scope.spawn(one));
        [a.join().unwrap(), b.join().unwrap()].concat()
    });
    report("record, six fields, two threads at once", times)
}

fn report(name: &str, mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    println!("{name:<44} {:8.2}  ({:.2} to {:.2})", at(0.5), at(0.01), at(0.99));
    at(0.5)
}
