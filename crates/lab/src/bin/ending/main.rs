//! A program that records and ends on a busy computer. Every event must be kept on disk, or counted as lost in a record
//! that outlives the program. `.ci/ending` runs it; see there.
//!
//! Each run is a process of its own, which records one of three loads and returns from `main`. What is on disk
//! afterwards is read as text: the lines of segments, and the document `lost`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a program for tests"
)]

use candor::{Audience, Config, Event, consent};
use candor_lab::{CONTROLLER, Ended};
use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

candor::scope! {
    /// Find out whether a program that ends keeps what it recorded.
    ENDING = "ending" { title: "Ending", revision: 1, about: installation, retention: 1 days, benefit: "None", other_uses: none }
}

/// Something happened.
#[derive(Event)]
#[event(name = "ending.happened", scope = ENDING, linkage = none)]
struct Happened {
    /// How often.
    #[field(count, example = 3)]
    times: u64,
}

/// What is recorded in one run: the name of the load, the number of threads, and the number of events of each.
const LOADS: [(&str, u64, u64); 3] = [("burst", 1, 10_000), ("threads", 16, 1_000), ("few", 1, 20)];
/// The time limit of a busy process, so that each one ends by itself.
const LONGEST: Duration = Duration::from_secs(1_200);

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["busy"] => busy(),
        ["run", load, home] => run(load, Path::new(home)),
        [runs, busy] => all(runs.parse().unwrap(), busy.parse().unwrap()),
        _ => panic!("ending RUNS BUSY"),
    }
}

/// The id of the process that started this one; 0 on systems that do not report it.
fn parent() -> u32 {
    #[cfg(unix)]
    return std::os::unix::process::parent_id();
    #[cfg(not(unix))]
    0
}

/// Uses a processor until the parent is gone or the time limit is over.
fn busy() {
    let first = parent();
    let until = Instant::now() + LONGEST;
    let mut x = 1u64;
    while parent() == first && Instant::now() < until {
        (0..10_000_000u64).for_each(|y| x = std::hint::black_box(x.wrapping_mul(y | 1)));
    }
}

fn config(home: &Path) -> Config {
    Config::new("org.example.ending", CONTROLLER, Audience::Adults)
        .directories(home.join("a"), home.join("b"))
        .endpoint("http://localhost:9")
        .waiting_limit(64 << 20)
        .lift_ci_block()
}

/// The program under test: it records and returns.
fn run(load: &str, home: &Path) {
    let (_, threads, each) = LOADS.into_iter().find(|(name, ..)| *name == load).unwrap();
    let _candor = candor::init(config(home)).unwrap();
    consent::grant(ENDING).unwrap();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..each).for_each(|times| candor::record(Happened { times })));
        }
    });
}

fn all(runs: u32, busy: u32) {
    let program = env::current_exe().unwrap();
    let other = |_| Ended(Command::new(&program).arg("busy").stdout(Stdio::null()).spawn().unwrap());
    let _others: Vec<Ended> = (0..busy).map(other).collect();
    let (mut recorded, mut kept, mut counted, mut slowest) = (0, 0, 0, Duration::ZERO);
    for number in 0..runs {
        let (load, threads, each) = LOADS[number as usize % LOADS.len()];
        let home = tempfile::tempdir().unwrap();
        let began = Instant::now();
        let ended = Command::new(&program).args(["run", load]).arg(home.path()).status().unwrap();
        slowest = slowest.max(began.elapsed());
        assert!(ended.success(), "the program failed");
        let store = home.path().join("a/org.example.ending/candor-1");
        let (lines, lost) = (lines_below(&store.join("waiting")), lost(&store.join("lost")));
        if lines + lost != threads * each {
            println!("run {number} ({load}): {} recorded, {lines} kept, {lost} counted", threads * each);
        }
        (recorded, kept, counted) = (recorded + threads * each, kept + lines, counted + lost);
    }
    let missing = recorded - kept - counted;
    println!(
        "ending: {runs} runs beside {busy} busy processes: {recorded} events recorded, {kept} kept, {counted} counted as lost, {missing} missing; the slowest run took {:.1} s",
        slowest.as_secs_f64()
    );
    assert!(recorded == kept + counted && runs > 0, "events are missing");
}

/// How many events are in segments.
fn lines_below(directory: &Path) -> u64 {
    let mut lines = 0;
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            lines += lines_below(&path);
        } else {
            lines += fs::read_to_string(&path).unwrap().lines().filter(|line| line.contains("ending.happened")).count()
                as u64;
        }
    }
    lines
}

/// The sum of all counts in the document `lost`.
fn lost(document: &Path) -> u64 {
    let Ok(text) = fs::read_to_string(document) else { return 0 };
    let json: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    json["reasons"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
}
