//! Forks a program that uses candor while its threads are busy, and makes every call in the child. Called by
//! `.ci/fork`.
//!
//! A child has one thread, and the state of every lock at the moment of the fork. In the child each call must return
//! without hanging, with an error that says what to do, and must store and send nothing. A new client in the child must
//! work. Children that stay alive and never become another program must not block decisions or sending in other
//! processes.
#![cfg(unix)]

#[path = "../../../examples/support/controller.rs"]
mod controller;

use candor::{AddressLog, Audience, Client, Config, Controller, Erasure, Event};
use controller::CONTROLLER;
use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{ForkResult, Pid, fork},
};
use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

candor::scope! {
    /// Find out how many shelves people fill, so that lists of that length are fast.
    pub USAGE = "usage" {
        title: "Usage", revision: 1, about: installation, retention: 30 days, benefit: "Faster lists", other_uses: none,
    }
    /// Find out how many shelves people fill, so that lists of that length are fast.
    pub OTHER = "other" {
        title: "Other", revision: 1, about: installation, retention: 30 days, benefit: "Faster lists", other_uses: none,
    }
}

/// The library was opened.
#[derive(Event)]
#[event(name = "library.opened", scope = USAGE, linkage = none)]
struct Opened {
    /// How many shelves it has.
    #[field(count, example = 3)]
    shelves: usize,
}

/// Longer than any call here takes on a busy machine. A call that takes this long has hung.
const HANG: Duration = Duration::from_secs(10);

type Res<T> = Result<T, Box<dyn std::error::Error>>;

fn config(home: &Path, port: u16) -> Config {
    Config::new("org.example.fork", CONTROLLER, Audience::Adults)
        .endpoint(format!("http://127.0.0.1:{port}"))
        .directories(home.join("data"), home.join("config"))
        .lift_ci_block()
}

/// What a child does. Returns `true` if the result was right.
type Act = fn(&Client, &Path, u16) -> bool;

fn is_told<T>(answer: Result<T, candor::Error>) -> bool {
    answer.is_err_and(|error| error.is_configuration() && error.to_string().contains("forked"))
}

const ACTS: [(&str, Act); 12] = [
    ("manifest", |client, _, _| is_told(client.manifest())),
    ("status", |client, _, _| is_told(client.status(USAGE))),
    ("record_durable", |client, _, _| {
        client.record_durable(Opened { shelves: 900 });
        true
    }),
    ("withdraw", |client, _, _| is_told(client.withdraw(OTHER))),
    ("grant", |client, _, _| is_told(client.grant(OTHER))),
    ("deny", |client, _, _| is_told(client.deny(OTHER))),
    ("receipts", |client, _, _| is_told(client.receipts())),
    ("flush", |client, _, _| is_told(client.flush(Duration::from_secs(5)))),
    ("shutdown", |client, _, _| !client.shutdown(Duration::from_secs(5))),
    ("record", |client, _, _| {
        (0..30_000).for_each(|_| client.record(Opened { shelves: 900 }));
        true
    }),
    ("process-wide", |_, home, port| {
        // The process-wide client stays the parent's forever, and its error says so.
        is_told(candor::manifest())
            && is_told(candor::consent::status(USAGE))
            && is_told(candor::init(config(home, port)))
    }),
    ("own client", |_, home, port| {
        let Ok(client) = Client::new(config(home, port)) else { return false };
        let open = client.status(USAGE).is_ok_and(|status| status.is_open());
        drop(client);
        open
    }),
];

/// Forks, runs `act` in the child and returns its result, or `None` if it hung.
fn in_child(act: impl FnOnce() -> bool) -> Res<Option<bool>> {
    // SAFETY: the child makes the calls under test, as a program does that forks without precautions. It exits with
    // `_exit`, so that no destructor of the parent runs twice.
    match unsafe { fork() }? {
        ForkResult::Child => {
            let good = act();
            // SAFETY: ends this process and does nothing else.
            unsafe { nix::libc::_exit(if good { 0 } else { 1 }) }
        }
        ForkResult::Parent { child } => {
            let until = Instant::now() + HANG;
            loop {
                match waitpid(child, Some(WaitPidFlag::WNOHANG))? {
                    WaitStatus::StillAlive if Instant::now() < until => thread::sleep(Duration::from_micros(200)),
                    WaitStatus::StillAlive => {
                        kill(child, Signal::SIGKILL)?;
                        waitpid(child, None)?;
                        return Ok(None);
                    }
                    ended => return Ok(Some(ended == WaitStatus::Exited(child, 0))),
                }
            }
        }
    }
}

/// The number of buckets in the table of parking_lot's locks when there are [`THREADS`] threads.
const BUCKETS: usize = 512;
/// Chosen so that a few threads more or fewer do not change the table's size: three buckets a thread, rounded up to
/// 2^n.
const THREADS: usize = 120;

/// Runs `during` while the host program holds every bucket of the table that all of parking_lot's locks in a process
/// share. At the moment of a fork another thread of the host may hold one. In the child no thread releases them.
fn while_the_host_holds_its_locks<T>(during: impl FnOnce() -> T) -> T {
    use parking_lot_core::{DEFAULT_PARK_TOKEN, park};
    // A key's bucket is the upper bits of the key multiplied by this odd number. `inverse` is the number's inverse.
    const SPREAD: usize = 0x9E37_79B9_7F4A_7C15;
    const BITS: u32 = BUCKETS.ilog2();
    let inverse = (0..6).fold(SPREAD, |x, _| x.wrapping_mul(2usize.wrapping_sub(SPREAD.wrapping_mul(x))));
    let key = move |bucket: usize| (bucket << (usize::BITS - BITS)).wrapping_mul(inverse);

    fn hold(bucket: usize, key: &impl Fn(usize) -> usize, held: &impl Fn()) {
        let look = || {
            if bucket + 1 < BUCKETS {
                hold(bucket + 1, key, held)
            } else {
                held()
            }
            false
        };
        // SAFETY: no other code uses these keys. `look` takes only buckets other than the held one, always in the same
        // order.
        unsafe { park(key(bucket), look, || {}, |_, _| {}, DEFAULT_PARK_TOKEN, None) };
    }

    let (grown, over) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
    thread::scope(|threads| {
        for _ in 0..THREADS {
            threads.spawn(|| {
                // SAFETY: no other code uses this key, and the thread never sleeps on it.
                unsafe { park(key(0), || false, || {}, |_, _| {}, DEFAULT_PARK_TOKEN, None) };
                grown.wait();
                over.wait();
            });
        }
        grown.wait();
        let (held, is_held) = mpsc::channel();
        let (let_go, wait) = mpsc::channel::<()>();
        threads.spawn(move || {
            hold(0, &key, &|| {
                // The other thread may have ended; then there is nothing to wait for.
                let _ = held.send(());
                let _ = wait.recv();
            })
        });
        // An error means that the thread which holds the locks panicked. The scope panics then as well.
        let _ = is_held.recv();
        let result = during();
        drop(let_go);
        over.wait();
        result
    })
}

/// Makes a child that stays alive and does nothing. It keeps everything open that its parent had open.
fn idle_child() -> Res<Pid> {
    // SAFETY: the child only waits.
    match unsafe { fork() }? {
        ForkResult::Child => loop {
            nix::unistd::pause();
        },
        ForkResult::Parent { child } => Ok(child),
    }
}

/// Accepts every request and counts the records in it. Returns the port.
fn receiver(records: Arc<AtomicU64>) -> Res<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let records = records.clone();
            thread::spawn(move || {
                let (mut bytes, mut chunk) = (Vec::new(), [0; 64 << 10]);
                while let Ok(read @ 1..) = stream.read(&mut chunk) {
                    bytes.extend_from_slice(&chunk[..read]);
                    let text = String::from_utf8_lossy(&bytes).to_lowercase();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length =
                        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
                    if length.is_some_and(|length: usize| body.len() >= length) {
                        records.fetch_add(body.matches("log.record.uid").count() as u64, Ordering::SeqCst);
                        let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
                        // The sender may be a child that is gone.
                        let _ = stream.write_all(answer.as_bytes());
                        bytes.clear();
                    }
                }
            });
        }
    });
    Ok(port)
}

/// Runs `during` while three threads record, decide and read.
fn while_busy<T>(client: &Client, kept: &AtomicU64, during: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    thread::scope(|threads| {
        threads.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                client.record_durable(Opened { shelves: 3 });
                kept.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_micros(100));
            }
        });
        threads.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                let notice = client.notice(OTHER).expect("a notice");
                // Both may fail while another process decides. What counts is that this thread holds locks.
                let _ = client.grant(OTHER.shown(&notice));
                let _ = client.withdraw(OTHER);
            }
        });
        threads.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                // The same: only the locks count.
                let _ = client.status(USAGE);
                let _ = client.manifest();
            }
        });
        thread::sleep(Duration::from_millis(100));
        let result = during();
        over.store(true, Ordering::SeqCst);
        result
    })
}

/// Withdraws the consent in another process. Returns whether that was confirmed.
fn withdrawn_elsewhere(home: &Path, port: u16) -> Res<bool> {
    let mut command = Command::new(std::env::current_exe()?);
    Ok(command.arg("withdraw").arg(home).arg(port.to_string()).status()?.success())
}

fn withdraw(home: PathBuf, port: u16) -> Res<bool> {
    let client = Client::new(config(&home, port))?;
    Ok(client.withdraw(USAGE)?.confirmed)
}

fn run(tries: usize) -> Res<String> {
    let home = tempfile::tempdir()?;
    let records = Arc::new(AtomicU64::new(0));
    let port = receiver(records.clone())?;
    let _process_wide = candor::init(config(&home.path().join("process-wide"), port))?;
    let client = Client::new(config(home.path(), port))?;
    client.grant(USAGE)?;
    let kept = AtomicU64::new(0);

    let (mut hung, mut wrong) = (Vec::new(), Vec::new());
    while_the_host_holds_its_locks(|| -> Res<()> {
        for (name, act) in ACTS {
            match in_child(|| act(&client, home.path(), port))? {
                None => hung.push(name),
                Some(false) => wrong.push(name),
                Some(true) => {}
            }
        }
        Ok(())
    })?;
    eprintln!("while the host holds locks of its own: hung: {hung:?}; answered wrongly: {wrong:?}");
    while_busy(&client, &kept, || -> Res<()> {
        for (name, act) in ACTS {
            let (mut hangs, mut wrongs) = (0, 0);
            for _ in 0..tries {
                match in_child(|| act(&client, home.path(), port))? {
                    None => hangs += 1,
                    Some(false) => wrongs += 1,
                    Some(true) => {}
                }
                // Three are enough evidence, and each takes long.
                if hangs == 3 {
                    break;
                }
            }
            eprintln!("{name}: {tries} tries, {hangs} hung, {wrongs} answered wrongly");
            if hangs > 0 {
                hung.push(name);
            }
            if wrongs > 0 {
                wrong.push(name);
            }
        }
        Ok(())
    })?;

    // Children that keep everything open, forked while locks are taken and released all the time.
    let idle = while_busy(&client, &kept, || (0..20).map(|_| idle_child()).collect::<Res<Vec<_>>>())?;
    let lived = (|| -> Res<_> {
        let mut sent = 0;
        let until = Instant::now() + HANG;
        while sent < kept.load(Ordering::SeqCst) && Instant::now() < until {
            sent += client.flush(HANG)?.records;
        }
        let all = (sent, kept.load(Ordering::SeqCst), records.load(Ordering::SeqCst));
        Ok((all, withdrawn_elsewhere(home.path(), port)?))
    })();
    for child in idle {
        kill(child, Signal::SIGKILL)?;
        waitpid(child, None)?;
    }
    let ((sent, kept, received), confirmed) = lived?;
    if !(hung.is_empty() && wrong.is_empty()) {
        return Err(format!("hung: {hung:?}; answered wrongly: {wrong:?}").into());
    }
    if sent != kept || received != kept {
        return Err(format!("of {kept} events {sent} were sent and {received} arrived, beside 20 idle children").into());
    }
    if !confirmed {
        return Err("a withdrawal was not confirmed beside 20 idle children".into());
    }
    let calls = ACTS.len();
    Ok(format!(
        "{calls} calls x {tries} forks of a busy program: 0 hung, 0 answered wrongly; beside 20 idle children {kept} of \
         {kept} events arrived once, and a withdrawal of another process was confirmed"
    ))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["withdraw", home, port] => {
            let confirmed = port.parse().map_err(Into::into).and_then(|port| withdraw(home.into(), port));
            return if matches!(confirmed, Ok(true)) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        [] => run(60),
        [tries] => tries.parse().map_err(Into::into).and_then(run),
        _ => Err("usage: candor-fork [TRIES]".into()),
    };
    match done {
        Ok(said) => {
            println!("fork: {said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("fork: FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}
