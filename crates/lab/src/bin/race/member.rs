//! One of the processes that share the store: it records, sends, and withdraws when it gets the order.
//!
//! It prints `ready` when it has sent something. It answers the orders `withdraw` and `grant` with their results. It
//! ends when its input ends. A busy one also records and sends for another scope, which is never withdrawn. One that
//! only watches does nothing but check its own gate, and prints when the gate closed.

use super::{
    reports::{BROWSING, BookSeen, PageTurned, READING},
    stamp::{How, Stamping},
    system,
};
use candor::{Audience, Client, Config};
use candor_lab::CONTROLLER;
use std::{
    error::Error,
    io::BufRead as _,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// More than fits in one request.
const LINES: u32 = 300;
/// Fewer events, for series with many rounds. A send still lasts longer than the range from which the moment is drawn.
const FEW_LINES: u32 = 200;
/// Events of the other scope: few, so that its sends are short.
const OTHER_LINES: u32 = 24;
/// How long a grant that fails is retried.
const TRIED: Duration = Duration::from_secs(10);
/// How long a gate is watched.
const WATCHED: Duration = Duration::from_secs(5);

/// The result of a withdrawal, with the times of its call and return on both clocks.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Withdrawn {
    pub(crate) called: Moment,
    pub(crate) returned: Moment,
    pub(crate) came_to: Outcome,
}

/// What a withdrawal returned, and why it was not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) enum Outcome {
    Confirmed,
    Unconfirmed(String),
    Error(String),
}

/// When the successful grant was requested, and the errors of the attempts before it.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Granted {
    pub(crate) asked: u64,
    pub(crate) errors: Vec<String>,
    /// The time since the first attempt, in milliseconds.
    pub(crate) took: u64,
}

/// One moment in nanoseconds: on the clock that all processes share, and since 1970, for strace.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(crate) struct Moment {
    pub(crate) shared: u64,
    pub(crate) wall: u64,
}

impl Moment {
    fn now() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment { shared: system::now(), wall: u64::try_from(wall.as_nanos()).unwrap_or(0) }
    }
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Withdraws,
    Sends,
    Watches,
}

impl Role {
    const ALL: [(&'static str, Role); 3] =
        [("withdraws", Role::Withdraws), ("sends", Role::Sends), ("watches", Role::Watches)];

    fn name(self) -> &'static str {
        Role::ALL.iter().find(|(_, role)| *role == self).map_or("", |(name, _)| name)
    }

    fn named(name: &str) -> Option<Role> {
        Role::ALL.iter().find(|(known, _)| *known == name).map(|(_, role)| *role)
    }
}

/// The arguments of a process.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) role: Role,
    pub(crate) how: How,
    /// Whether it also sends for another scope.
    pub(crate) busy: bool,
    pub(crate) receiver: SocketAddr,
    /// Holds the store and the logs.
    pub(crate) directory: PathBuf,
}

impl Member {
    pub(crate) fn arguments(&self) -> [String; 6] {
        let (role, busy) = (self.role.name(), if self.busy { "busy" } else { "quiet" });
        let directory = self.directory.display().to_string();
        ["member".into(), role.into(), self.how.name().into(), busy.into(), self.receiver.to_string(), directory]
    }
}

/// Runs one process.
pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [role, how, busy, receiver, directory] = arguments else { return Err("five arguments are needed".into()) };
    let (directory, receiver) = (PathBuf::from(directory), receiver.parse::<SocketAddr>()?);
    let how = How::named(how).ok_or("there is no such transport")?;
    let (role, busy) = (Role::named(role).ok_or("there is no such role")?, busy == "busy");
    // A test can't ask a person, so the block on CI is lifted explicitly.
    let config = Config::new("org.example.reader", CONTROLLER, Audience::Adults)
        .directories(directory.join("data"), directory.join("config"))
        .lift_ci_block();
    let endpoint = format!("http://{receiver}");
    let stamping = Stamping::new(receiver, &directory, how)?;
    let config = match how {
        How::Http => config.endpoint(endpoint),
        _ => config.transport(endpoint, stamping.clone()),
    };
    let client = Arc::new(Client::new(config)?);
    if role == Role::Watches {
        return watch(&client);
    }
    if role == Role::Withdraws {
        client.grant(READING)?;
        if busy {
            client.grant(BROWSING)?;
        }
        println!("granted");
    }
    let over = Arc::new(AtomicBool::new(false));
    let sending = {
        let (client, over) = (client.clone(), over.clone());
        let (holds_back, outside) = (role == Role::Withdraws, how == How::Http);
        thread::spawn(move || {
            send(&client, &stamping, &over, busy, holds_back, outside).map_err(|error| error.to_string())
        })
    };
    for line in std::io::stdin().lock().lines() {
        match line?.as_str() {
            "withdraw" => {
                let called = Moment::now();
                let answer = client.withdraw(READING);
                let returned = Moment::now();
                let came_to = match answer {
                    Ok(receipt) if receipt.confirmed => Outcome::Confirmed,
                    Ok(receipt) => {
                        Outcome::Unconfirmed(receipt.unconfirmed.map(|why| why.to_string()).unwrap_or_default())
                    }
                    Err(error) => Outcome::Error(error.to_string()),
                };
                println!("{}", serde_json::to_string(&Withdrawn { called, returned, came_to })?);
            }
            "grant" => {
                println!("{}", serde_json::to_string(&grant(&client)?)?);
            }
            other => return Err(format!("no such order: {other}").into()),
        }
    }
    over.store(true, Ordering::SeqCst);
    sending.join().map_err(|_| "the sending thread panicked")??;
    Ok(())
}

/// Grants consent, and retries after each failure. The returned time is that of the successful attempt: anything sent
/// before it has no consent.
fn grant(client: &Client) -> Result<Granted, Box<dyn Error>> {
    let (began, mut errors) = (Instant::now(), Vec::new());
    loop {
        let asked = system::now();
        match client.notice(READING).and_then(|notice| client.grant(READING.shown(&notice))) {
            Ok(_) => {
                let took = u64::try_from(began.elapsed().as_millis())?;
                return Ok(Granted { asked, errors, took });
            }
            Err(error) if began.elapsed() > TRIED => return Err(error.into()),
            Err(error) => errors.push(error.to_string()),
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Records and sends until the process ends, whether or not consent is in force in between.
fn send(
    client: &Client,
    stamping: &Stamping,
    over: &AtomicBool,
    busy: bool,
    holds_back: bool,
    is_watched_from_outside: bool,
) -> Result<(), Box<dyn Error>> {
    let (mut ready, mut record) = (false, true);
    let lines = if busy { FEW_LINES } else { LINES };
    while !over.load(Ordering::SeqCst) {
        if record {
            for page in 0..lines {
                client.record(PageTurned { pages: page, back: page % 7 == 0 });
            }
            for before in 0..if busy { OTHER_LINES } else { 0 } {
                client.record(BookSeen { before });
            }
        }
        let flushed = client.flush(Duration::from_secs(20))?;
        // While another process is sending, the data stays pending, so no more is recorded.
        record = !flushed.trouble.is_some_and(|why| why.contains("another process"));
        // A process that has sent only for the other scope does not take part in the race yet.
        if flushed.requests > 0 && !ready && (stamping.counts() || is_watched_from_outside) {
            println!("ready");
            ready = true;
        }
        // A transport that returns too early may still be sending.
        while !stamping.is_quiet() {
            thread::sleep(Duration::from_millis(1));
        }
        // The process that withdraws pauses, so that the withdrawal mostly meets another process in the middle of a
        // send.
        thread::sleep(if holds_back && ready { system::HOLDS_BACK } else { Duration::from_millis(1) });
    }
    Ok(())
}

/// Checks only the gate of this process, again and again. Prints `open`, and when the gate has closed, the time.
///
/// The check requests an event on demand and abandons it while it is being made. So no event is ever recorded, and no
/// event wakes the client.
fn watch(client: &Client) -> Result<(), Box<dyn Error>> {
    let is_open = || {
        let asked = AtomicBool::new(false);
        // The event is always abandoned, if it is asked for at all.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            client.record_with(|| -> PageTurned {
                asked.store(true, Ordering::SeqCst);
                resume_unwind(Box::new(()))
            });
        }));
        asked.load(Ordering::SeqCst)
    };
    if !is_open() {
        return Err("the gate was never open".into());
    }
    println!("open");
    let until = Instant::now() + WATCHED;
    while is_open() && Instant::now() < until {
        thread::sleep(Duration::from_millis(1));
    }
    if is_open() {
        println!("still open")
    } else {
        println!("{}", system::now())
    }
    Ok(())
}
