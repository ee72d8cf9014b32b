//! One of the processes that share the store. It carries out orders, one word per line, and answers `done`, or prints
//! the error and ends. Between two orders it is idle, and every thread that ever recorded still exists.

use candor::{Audience, Client, Config, Event};
use candor_lab::CONTROLLER;
use std::{
    error::Error,
    io::BufRead as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// The name of its directories, on which its codes depend too.
pub(crate) const APPLICATION: &str = "org.example.secrets";
/// How many threads record in addition to the main thread.
const THREADS: usize = 3;

candor::scope! {
    /// Find out which servers drop connections, so that we handle those better.
    pub SERVERS = "servers" {
        title: "Servers", revision: 1, about: installation, retention: 30 days,
        benefit: "Fewer lost connections", other_uses: none,
    }
    /// Find out which books are read to their end. Nobody withdraws this.
    pub BOOKS = "books" {
        title: "Books", revision: 1, about: installation, retention: 30 days,
        benefit: "Better suggestions", other_uses: none,
    }
}

/// A server could not be reached.
#[derive(Event)]
#[event(name = "server.unreachable", scope = SERVERS, linkage = month)]
struct ServerUnreachable<'a> {
    /// Which server.
    #[field(hash, example = "nas.local")]
    server: &'a str,
}

/// A server answered late.
#[derive(Event)]
#[event(name = "server.slow", scope = SERVERS, linkage = week)]
struct ServerSlow<'a> {
    /// Which server.
    #[field(hash, example = "nas.local")]
    server: &'a str,
}

/// A server was busy.
#[derive(Event)]
#[event(name = "server.busy", scope = SERVERS, linkage = day)]
struct ServerBusy<'a> {
    /// Which server.
    #[field(hash, example = "nas.local")]
    server: &'a str,
}

/// A server was found.
#[derive(Event)]
#[event(name = "server.found", scope = SERVERS, linkage = session)]
struct ServerFound<'a> {
    /// Which server.
    #[field(hash, example = "nas.local")]
    server: &'a str,
}

/// A share of a server was opened: of few shares.
#[derive(Event)]
#[event(name = "share.opened", scope = SERVERS, linkage = rollup, every = day, reason = "a test lasts a few days")]
struct ShareOpened<'a> {
    /// Which share.
    #[field(item)]
    share: &'a str,
    /// Whether it had been opened before.
    again: bool,
}

/// A book was read to its end.
#[derive(Event)]
#[event(name = "book.ended", scope = BOOKS, linkage = month)]
struct BookEnded<'a> {
    /// Which book.
    #[field(hash, example = "a book")]
    book: &'a str,
}

/// Records codes of every period, from short values and from one that is hashed in several steps.
fn record(client: &Client) {
    let long = "a server whose name is long ".repeat(60);
    for server in [&long, "nas.local", "tv.local"] {
        // First, so that what it leaves on the stack does not overwrite traces of the other events.
        client.record(BookEnded { book: server });
        client.record(ServerUnreachable { server });
        client.record(ServerSlow { server });
        client.record_durable(ServerBusy { server });
        client.record(ServerFound { server });
        client.record(ShareOpened { share: server, again: true });
    }
}

pub(crate) fn run(directory: &Path) -> Result<(), Box<dyn Error>> {
    let config = Config::new(APPLICATION, CONTROLLER, Audience::Adults)
        .directories(directory.join("data"), directory.join("marks"))
        .endpoint("http://127.0.0.1:9")
        .lift_ci_block();
    let client = Arc::new(Client::new(config)?);
    let (turn, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..THREADS {
        let (client, turn, done) = (client.clone(), turn.clone(), done.clone());
        thread::spawn(move || {
            let mut mine = 0;
            loop {
                while mine < turn.load(Ordering::SeqCst) {
                    record(&client);
                    mine += 1;
                    done.fetch_add(1, Ordering::SeqCst);
                }
                // Makes no call as deep as recording, which would overwrite what recording left on the stack.
                thread::sleep(Duration::from_millis(2));
            }
        });
    }
    println!("done");
    for word in std::io::stdin().lock().lines() {
        match &*word? {
            "grant" => {
                client.grant(SERVERS)?;
                client.grant(BOOKS)?;
            }
            "record" => {
                record(&client);
                let all = THREADS * (turn.fetch_add(1, Ordering::SeqCst) + 1);
                while done.load(Ordering::SeqCst) < all {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            "look" => {
                if client.status(SERVERS)?.is_open() {
                    return Err("it is open still".into());
                }
            }
            "flush" => drop(client.flush(Duration::from_secs(5))?),
            "manifest" => drop(client.manifest()?.to_string()),
            "withdraw" => {
                let receipt = client.withdraw(SERVERS)?;
                if !receipt.confirmed || !receipt.recorded {
                    return Err(format!("not confirmed, or not recorded: {receipt}").into());
                }
            }
            other => return Err(format!("no such word: {other}").into()),
        }
        println!("done");
    }
    Ok(())
}
