//! One of the processes that share the store: it records, sends, and, told to, withdraws.
//!
//! It says `ready` when it has sent something, answers `withdraw` with what came of it, and ends when nobody tells it
//! anything any more.

use super::{
    stage::CONTROLLER,
    stamp::{How, Stamping, now},
};
use candor::{Audience, Client, Config, Event};
use std::{
    error::Error,
    io::BufRead as _,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// More than fits in one request.
const LINES: u32 = 300;

candor::scope! {
    /// Find out how many pages people turn, so that turning is fast where it matters.
    pub READING = "reading" {
        title: "Reading", revision: 1, about: installation, retention: 30 days,
        benefit: "Pages that turn at once", other_uses: none,
    }
}

/// A page was turned.
#[derive(Event)]
#[event(name = "page.turned", scope = READING, linkage = none)]
struct PageTurned {
    /// How many pages the book has.
    #[field(count, example = 320)]
    pages: u32,
    /// Whether it was turned back.
    back: bool,
}

/// What a withdrawal came to, and when, on both clocks.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(crate) struct Withdrawn {
    pub(crate) called: Moment,
    pub(crate) returned: Moment,
    pub(crate) confirmed: bool,
}

/// One moment: nanoseconds on the clock that only moves forward, and since 1970, for strace.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(crate) struct Moment {
    pub(crate) monotonic: u64,
    pub(crate) wall: u64,
}

impl Moment {
    fn now() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment { monotonic: now(), wall: u64::try_from(wall.as_nanos()).unwrap_or(0) }
    }
}

/// The arguments of a process.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) withdraws: bool,
    pub(crate) how: How,
    pub(crate) receiver: SocketAddr,
    /// Holds the store and the log.
    pub(crate) directory: PathBuf,
}

impl Member {
    pub(crate) fn arguments(&self) -> [String; 5] {
        let role = if self.withdraws { "withdraws" } else { "sends" };
        let directory = self.directory.display().to_string();
        ["member".into(), role.into(), self.how.name().into(), self.receiver.to_string(), directory]
    }
}

/// Runs one process.
pub(crate) fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [role, how, receiver, directory] = arguments else { return Err("four arguments are needed".into()) };
    let (directory, receiver) = (PathBuf::from(directory), receiver.parse::<SocketAddr>()?);
    let how = How::named(how).ok_or("there is no such transport")?;
    let withdraws = role == "withdraws";
    // Tests are no place where a person could be asked; CI's block is lifted openly.
    let config = Config::new("org.example.reader", CONTROLLER, Audience::Adults)
        .directories(directory.join("data"), directory.join("config"))
        .lift_ci_block();
    let endpoint = format!("http://{receiver}");
    let stamping = Stamping::new(receiver, &directory.join("log"), how)?;
    let config = match how {
        How::Http => config.endpoint(endpoint),
        _ => config.transport(endpoint, stamping.clone()),
    };
    let client = Arc::new(Client::new(config)?);
    if withdraws {
        client.grant(READING)?;
        println!("granted");
    }
    let over = Arc::new(AtomicBool::new(false));
    let sending = {
        let (client, over) = (client.clone(), over.clone());
        thread::spawn(move || send(&client, &stamping, &over, withdraws).map_err(|error| error.to_string()))
    };
    for line in std::io::stdin().lock().lines() {
        match line?.as_str() {
            "withdraw" => {
                let called = Moment::now();
                let receipt = client.withdraw(READING)?;
                let returned = Moment::now();
                println!("{}", serde_json::to_string(&Withdrawn { called, returned, confirmed: receipt.confirmed })?);
            }
            other => return Err(format!("no such order: {other}").into()),
        }
    }
    over.store(true, Ordering::SeqCst);
    sending.join().map_err(|_| "the sending thread panicked")??;
    Ok(())
}

/// Records and sends until it is over, whatever becomes of consent in between.
fn send(client: &Client, stamping: &Stamping, over: &AtomicBool, withdraws: bool) -> Result<(), Box<dyn Error>> {
    let (mut ready, mut record) = (false, true);
    while !over.load(Ordering::SeqCst) {
        if record {
            for page in 0..LINES {
                client.record(PageTurned { pages: page, back: page % 7 == 0 });
            }
        }
        let flushed = client.flush(Duration::from_secs(20))?;
        // While another process is sending, what there is waits.
        record = flushed.trouble.is_none();
        if flushed.requests > 0 && !ready {
            println!("ready");
            ready = true;
        }
        // A transport that returns too early has gone on until now.
        while !stamping.is_quiet() {
            thread::sleep(Duration::from_millis(1));
        }
        // The one that withdraws holds back a little, so that it mostly meets another one in the middle of a send.
        thread::sleep(Duration::from_millis(if withdraws && ready { 100 } else { 1 }));
    }
    Ok(())
}
