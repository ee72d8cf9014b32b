//! Measures how long callers wait while another process, which is stopped, holds every lock of the store, and when the
//! store has 20,000 small files. `.ci/waits` runs it on Linux.
//!
//! `src/tests/waits.rs` tests the bounds themselves, with a clock that moves when it is read. This program measures
//! real runs. It fails if the slowest run took longer than promised. With `--lenient` it fails if the median took more
//! than four times as long.

use candor::{Audience, Client, Config, Event};
use candor_lab::{CONTROLLER, Ended};
use std::{
    error::Error,
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

candor::scope! {
    /// Find out how many shelves people fill, so that lists of that length are fast.
    pub ONE = "one" {
        title: "One", revision: 1, about: installation, retention: 30 days, benefit: "Faster lists", other_uses: none,
    }
    /// Find out how many shelves people fill, so that lists of that length are fast.
    pub TWO = "two" {
        title: "Two", revision: 1, about: installation, retention: 30 days, benefit: "Faster lists", other_uses: none,
    }
    /// Find out how many shelves people fill, so that lists of that length are fast.
    pub THREE = "three" {
        title: "Three", revision: 1, about: installation, retention: 30 days, benefit: "Faster lists", other_uses: none,
    }
}

/// The library was opened.
#[derive(Event)]
#[event(name = "library.opened", scope = ONE, linkage = none)]
struct Opened {
    /// How many shelves it has.
    #[field(count, example = 3)]
    shelves: usize,
}

const APPLICATION: &str = "org.example.waits";
/// The limit given to `flush`, the time by which it must return, and the time by which a new client must exist.
const LIMIT: Duration = Duration::from_millis(100);
const FLUSH_MOST: Duration = Duration::from_millis(150);
const NEW_MOST: Duration = Duration::from_millis(50);
const FILES: usize = 20_000;

type Res<T> = Result<T, Box<dyn Error>>;

fn config(home: &Path) -> Config {
    // No program listens there.
    Config::new(APPLICATION, CONTROLLER, Audience::Adults)
        .endpoint("http://127.0.0.1:9")
        .directories(home.join("data"), home.join("config"))
        .lift_ci_block()
}

fn store(home: &Path) -> PathBuf {
    home.join("data").join(APPLICATION).join("candor-1")
}

/// A store with three grants, an event, and the data that an interrupted withdrawal leaves.
fn prepare(home: &Path) -> Res<()> {
    let client = Client::new(config(home))?;
    for scope in [ONE, TWO, THREE] {
        client.grant(scope)?;
    }
    client.record_durable(Opened { shelves: 3 });
    drop(client);
    for scope in ["one", "two", "three"] {
        let stale = store(home).join("waiting").join(scope).join("77");
        fs::create_dir_all(&stale)?;
        fs::write(stale.join("x.jsonl"), "x")?;
    }
    Ok(())
}

fn files_below(directory: &Path, found: &mut Vec<PathBuf>) -> Res<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() { files_below(&path, found)? } else { found.push(path) }
    }
    Ok(())
}

/// For files that only their owner may open, on systems with file modes.
fn private(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Takes the lock of every file that exists and of the lock files, prints how many it holds, and stops.
fn hold(store: &Path) -> Res<()> {
    let mut paths = Vec::new();
    files_below(store, &mut paths)?;
    paths.extend(["consent.lock", "lead.lock", "erasing.lock", "lost.lock"].map(|name| store.join(name)));
    let mut held = Vec::new();
    for path in paths {
        let file = private(File::options().read(true).append(true).create(true)).open(path)?;
        if file.try_lock().is_ok() {
            held.push(file);
        }
    }
    println!("{} locks", held.len());
    std::io::stdout().flush()?;
    stop()
}

#[cfg(target_os = "linux")]
fn stop() -> Res<()> {
    loop {
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?;
    }
}

#[cfg(not(target_os = "linux"))]
fn stop() -> Res<()> {
    Err("processes are stopped on Linux only".into())
}

/// Starts the other process. Returns it, and what it says that it holds.
fn holder(home: &Path) -> Res<(Ended, String)> {
    let mut command = Command::new(std::env::current_exe()?);
    let mut child = Ended(command.arg("hold").arg(store(home)).stdout(Stdio::piped()).spawn()?);
    let mut said = String::new();
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut said)?;
    Ok((child, said.trim().into()))
}

/// How long each of `times` runs took, fastest first.
fn measure<T>(times: usize, mut run: impl FnMut() -> Res<T>) -> Res<Vec<Duration>> {
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let began = Instant::now();
        let done = run()?;
        took.push(began.elapsed());
        drop(done);
    }
    took.sort();
    Ok(took)
}

fn at(took: &[Duration], part: f64) -> Duration {
    let index = ((took.len() as f64 - 1.0) * part).round() as usize;
    took.get(index).copied().unwrap_or_default()
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}

fn words(took: &[Duration]) -> String {
    let [half, most, all] = [0.5, 0.99, 1.0].map(|part| ms(at(took, part)));
    format!("median {half}, 99 % {most}, slowest {all}")
}

fn run(times: usize, lenient: bool) -> Res<String> {
    let home = tempfile::tempdir()?;
    let home = home.path();
    prepare(home)?;
    let (holder, locks) = holder(home)?;
    let news = measure(times.div_ceil(20), || Ok(Client::new(config(home))?))?;
    let client = Client::new(config(home))?;
    let flushes = measure(times, || Ok(client.flush(LIMIT)?))?;
    let durable = measure(times, || {
        client.record_durable(Opened { shelves: 3 });
        Ok(())
    })?;
    let statuses = measure(times.div_ceil(100), || Ok(client.status(ONE)?))?;
    drop(holder);
    for scope in [ONE, TWO, THREE] {
        let status = client.status(scope)?;
        if !status.is_open() {
            return Err(format!("the yes ended: {status:?}").into());
        }
    }
    drop(client);

    // Many small files, as short-lived programs leave them.
    let mut files = Vec::new();
    files_below(&store(home).join("waiting").join("one"), &mut files)?;
    let one = files.first().ok_or("nothing waits")?;
    let (directory, bytes) = (one.parent().ok_or("a file without a place")?, fs::read(one)?);
    for number in 0..FILES {
        let path = directory.join(format!("{number:016x}.jsonl"));
        private(File::options().write(true).create_new(true)).open(path)?.write_all(&bytes)?;
    }
    // Each client ends before the next begins, as with programs that run one after the other.
    let many = measure(1, || Ok(Client::new(config(home))?))?;

    // On a machine that also does other work, a run that takes four times as long still did not wait for another
    // process.
    let judged = |took: &[Duration]| if lenient { at(took, 0.5) / 4 } else { at(took, 1.0) };
    for (what, took, most) in
        [("flush", &flushes, FLUSH_MOST), ("Client::new", &news, NEW_MOST), ("Client::new over files", &many, NEW_MOST)]
    {
        if judged(took) > most {
            return Err(format!("{what} took longer than {}: {}", ms(most), words(took)).into());
        }
    }
    Ok(format!(
        "a stopped process holds {locks}: flush(100 ms) x {times}: {}; record_durable: {}; Client::new: {}; status: {}; \
         Client::new over {FILES} files: {}",
        words(&flushes),
        words(&durable),
        words(&news),
        words(&statuses),
        ms(at(&many, 1.0))
    ))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["hold", store] => hold(Path::new(store)).map(|()| String::new()),
        [] => run(1_000, false),
        [times] => times.parse().map_err(Into::into).and_then(|times| run(times, false)),
        ["--lenient", times] => times.parse().map_err(Into::into).and_then(|times| run(times, true)),
        _ => Err("usage: waits [[--lenient] TIMES]".into()),
    };
    match done {
        Ok(said) => {
            println!("waits: {said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("waits: FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}
