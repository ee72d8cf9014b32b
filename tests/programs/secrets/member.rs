//! One of the processes that share the store. It does what it is told, one word a line, and answers `done` or what went
//! wrong. Between two words it rests, with every thread that ever recorded still there.

use super::stage::CONTROLLER;
use candor::{Audience, Client, Config, Event};
use std::{
    error::Error,
    io::BufRead as _,
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

/// The name under which its directories lie, and which its codes depend on.
pub(crate) const APPLICATION: &str = "org.example.secrets";
/// How many threads record besides the first one.
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
#[event(name = "share.opened", scope = SERVERS, linkage = rollup)]
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

/// Records codes of every period, of short values and of one that is hashed in several steps.
fn record(client: &Client) {
    let long = "a server whose name is long ".repeat(60);
    for server in ["nas.local", "tv.local", &long] {
        client.record(ServerUnreachable { server });
        client.record(ServerSlow { server });
        client.record_durable(ServerBusy { server });
        client.record(ServerFound { server });
        client.record(ShareOpened { share: server, again: true });
        client.record(BookEnded { book: server });
    }
}

pub(crate) fn run(directory: &Path) -> Result<(), Box<dyn Error>> {
    let config = Config::new(APPLICATION, CONTROLLER, Audience::Adults)
        .directories(directory.join("data"), directory.join("marks"))
        .endpoint("http://127.0.0.1:9")
        .lift_ci_block();
    let client = Arc::new(Client::new(config)?);
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (client, (tell, told), (say, said)) = (client.clone(), mpsc::channel(), mpsc::channel());
            thread::spawn(move || {
                for () in told {
                    record(&client);
                    let _ = say.send(());
                }
            });
            (tell, said)
        })
        .collect();
    println!("done");
    for word in std::io::stdin().lock().lines() {
        match &*word? {
            "grant" => {
                client.grant(SERVERS)?;
                client.grant(BOOKS)?;
            }
            "record" => {
                record(&client);
                for (tell, said) in &threads {
                    tell.send(())?;
                    said.recv()?;
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
