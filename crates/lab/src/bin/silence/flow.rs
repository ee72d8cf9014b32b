//! The program that is measured: the quickstart's events, recorded 100,000 times on four threads, without consent: the
//! person was never asked.
//!
//! It prints on the error stream when each phase begins, so that the trace can be divided. Its threads and buffers
//! exist before the first of these marks, so everything after it is caused by candor. At the end it prints its own
//! counts.

use super::stage::CONTROLLER;
use candor::{Audience, Category, Clock, Config, Event, consent};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::{
    alloc::System,
    error::Error,
    fs,
    io::Write as _,
    net::TcpStream,
    path::{Path, PathBuf},
    sync::{
        Arc, Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

/// Counts every allocation of every thread.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

pub(crate) const APPLICATION: &str = "org.example.player";
pub(crate) const MARK: &str = "== silence: ";
/// The message of the clock when it is read.
pub(crate) const CLOCK_READ: &str = "the clock was read";
/// How often the flow is recorded. Fewer times are enough for a mutant.
const EVENINGS: [u64; 2] = [100_000, 1_000];
const THREADS: u64 = 4;

candor::scope! {
    /// Find out which formats stutter, so that those decoders are fixed first.
    pub PLAYBACK = "playback" {
        title: "Playback statistics", revision: 1, about: installation, retention: 90 days,
        benefit: "Fewer films that stutter", other_uses: none, also_never: ["identifying what you watch"],
    }
    /// Find out how many servers one person's connection problems come from, so that retries fit the common case.
    pub CONNECTIVITY = "connectivity" {
        title: "Connection problems", revision: 1, about: installation, retention: 30 days,
        benefit: "Fewer lost connections", other_uses: none,
    }
}

/// A stream ended or was stopped.
#[derive(Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup, every = day, reason = "a test lasts a few days")]
struct PlaybackFinished {
    /// Which film it was.
    #[field(item, one_in = 1, reason = "this program counts what it recorded")]
    film: &'static str,
    /// Average bitrate of the stream.
    #[field(bitrate, example = 4_213_000)]
    bitrate: u64,
    /// How long it played.
    #[field(media_duration, example = "1:30:31")]
    duration: Duration,
    /// The video format.
    codec: Codec,
}

#[derive(Category, Clone, Copy)]
#[rustfmt::skip]
enum Codec { H264, Hevc, Other }

/// A media server could not be reached.
#[derive(Event)]
#[event(name = "server.unreachable", scope = CONNECTIVITY, linkage = month)]
struct ServerUnreachable<'a> {
    /// Which server, as a code, so that one broken server isn't counted as many.
    #[field(hash, example = "nas.local")]
    server: &'a str,
}

/// How often a field was evaluated of an event that is made only on demand.
static EVALUATED: AtomicU64 = AtomicU64::new(0);

fn server() -> &'static str {
    EVALUATED.fetch_add(1, Ordering::SeqCst);
    "nas.local"
}

/// The quickstart's evening, and one more server whose failure must be recorded durably.
fn an_evening() {
    let films = [(4_213_000, 91, Codec::Hevc), (4_890_000, 105, Codec::Hevc), (9_100_000, 44, Codec::H264)];
    for (bitrate, minutes, codec) in films.into_iter().chain([(700_000, 3, Codec::Other)]) {
        candor::record(PlaybackFinished {
            film: "a film",
            bitrate,
            duration: Duration::from_secs(minutes * 60 + 31),
            codec,
        });
    }
    candor::record_with(|| ServerUnreachable { server: server() });
    candor::record_durable(ServerUnreachable { server: "nas.local" });
}

/// An error made on purpose, to see that the check notices it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// One byte is sent to the receiver.
    EarlyByte,
    /// The store is made, with a file in it.
    EarlyFile,
    /// Another file than the snapshot is looked for when candor opens.
    EarlyLook,
    /// One byte is allocated while events are recorded.
    Alloc,
    /// The clock is read once.
    Clock,
    /// A thread is started.
    Thread,
    /// An event that is made on demand is made once.
    Eager,
    /// Consent is granted, so candor itself does everything that the check looks for.
    Grant,
}

impl Mutant {
    pub(crate) const ALL: [(&'static str, Mutant); 8] = [
        ("early-byte", Mutant::EarlyByte),
        ("early-file", Mutant::EarlyFile),
        ("early-look", Mutant::EarlyLook),
        ("alloc", Mutant::Alloc),
        ("clock", Mutant::Clock),
        ("thread", Mutant::Thread),
        ("eager", Mutant::Eager),
        ("grant", Mutant::Grant),
    ];

    pub(crate) fn named(name: &str) -> Option<Mutant> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, mutant)| mutant)
    }

    /// Makes the error while the other threads record.
    fn strike(self, endpoint: &str, home: &Path) -> Result<(), Box<dyn Error>> {
        match self {
            Mutant::EarlyByte => {
                TcpStream::connect(endpoint.trim_start_matches("http://"))?.write_all(b"{")?;
            }
            Mutant::EarlyFile => {
                let store = home.join(".local/share").join(APPLICATION).join("candor-1");
                fs::create_dir_all(&store)?;
                fs::write(store.join("early"), "")?;
            }
            Mutant::Alloc => drop(std::hint::black_box(Box::new(0_u8))),
            Mutant::Clock => drop(Untouchable.now()),
            Mutant::Thread => drop(thread::spawn(|| {})),
            Mutant::Eager => drop(server()),
            Mutant::EarlyLook | Mutant::Grant => {}
        }
        Ok(())
    }
}

/// A clock that must not be read.
struct Untouchable;

impl Clock for Untouchable {
    fn now(&self) -> SystemTime {
        panic!("{CLOCK_READ}")
    }

    fn monotonic(&self) -> Instant {
        panic!("{CLOCK_READ}")
    }
}

/// A clock for the mutant with a grant, which may read the time.
struct Watch;

impl Clock for Watch {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// Marks the beginning of a phase in the trace.
fn mark(phase: &'static str) -> std::io::Result<()> {
    let mut line = [0; 40];
    let mut rest = line.as_mut_slice();
    writeln!(rest, "{MARK}{phase}")?;
    let left = rest.len();
    std::io::stderr().write_all(line.split_at(line.len() - left).0)
}

/// Runs the flow against `endpoint` and prints what was counted, as one line of JSON.
pub(crate) fn run(endpoint: &str, mutant: Option<Mutant>) -> Result<(), Box<dyn Error>> {
    // A panic in any thread, inside candor or outside, ends the program, so that nothing can hide it.
    std::panic::set_hook(Box::new(|panic| {
        // The exit code says it as well.
        let _ = writeln!(std::io::stderr(), "{panic}");
        std::process::exit(101);
    }));
    let home = std::env::var_os("HOME").map(PathBuf::from).ok_or("HOME is not set")?;
    // The block on CI is lifted, so that it can't be the reason for silence.
    let config = Config::new(APPLICATION, CONTROLLER, Audience::Adults).endpoint(endpoint).lift_ci_block();
    let config = if mutant == Some(Mutant::Grant) { config.clock(Watch) } else { config.clock(Untouchable) };
    let evenings = if mutant.is_none() { EVENINGS[0] } else { EVENINGS[1] };
    let gate = Arc::new(Barrier::new(THREADS as usize + 1));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let gate = gate.clone();
            thread::spawn(move || {
                gate.wait();
                gate.wait();
                for _ in 0..evenings / THREADS {
                    an_evening();
                }
                gate.wait();
                gate.wait();
            })
        })
        .collect();
    let allocations = |region: &Region<'_, System>| region.change().allocations + region.change().reallocations;

    gate.wait();
    mark("init")?;
    let region = Region::new(ALLOCATOR);
    let guard = candor::init(config)?;
    let in_init = allocations(&region);
    match mutant {
        Some(Mutant::EarlyLook) => drop(fs::metadata(home.join(".config").join(APPLICATION))),
        Some(Mutant::Grant) => {
            consent::grant(PLAYBACK)?;
            consent::grant(CONNECTIVITY)?;
        }
        _ => {}
    }
    mark("record")?;
    let region = Region::new(ALLOCATOR);
    gate.wait();
    if let Some(mutant) = mutant {
        mutant.strike(endpoint, &home)?;
    }
    gate.wait();
    let in_record = allocations(&region);
    mark("ask")?;
    let states = [consent::status(PLAYBACK)?.state, consent::status(CONNECTIVITY)?.state];
    // Made, as for a page that asks, and not used.
    let _ = (consent::notice(PLAYBACK)?.text().len(), consent::notice(CONNECTIVITY)?.text().len());
    mark("flush")?;
    let region = Region::new(ALLOCATOR);
    let flushed = candor::flush(Duration::from_secs(10))?;
    let in_flush = allocations(&region);
    mark("drop")?;
    let region = Region::new(ALLOCATOR);
    drop(guard);
    let in_drop = allocations(&region);
    mark("end")?;

    gate.wait();
    for thread in threads {
        thread.join().map_err(|_| "a thread panicked")?;
    }
    let counted = serde_json::json!({
        "evenings": evenings, "threads": THREADS, "events": evenings * 6,
        "allocations": { "init": in_init, "record": in_record, "flush": in_flush, "drop": in_drop },
        "evaluated": EVALUATED.load(Ordering::SeqCst), "states": states, "flushed": flushed,
    });
    println!("{counted}");
    Ok(())
}
