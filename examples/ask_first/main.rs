//! A terminal program that asks for consent before it records anything. Run it with `cargo run --example ask_first`.
//! Run it a second time to see that it does not ask again. The commands `on`, `off` and `status` replace a settings
//! page. The command `forget` deletes all stored state.
//!
//! Reports are sent only to port 4318 of this computer, where no receiver may be listening.

mod ask;
#[path = "../support/stage.rs"]
mod stage;
#[path = "../support/mod.rs"]
mod support;

use candor::{Audience, Client, Config, Event, consent::MayAsk};
use std::{
    error::Error,
    io::{self, IsTerminal},
};

candor::scope! {
    /// Find out how many shelves people fill, so that lists of that length are fast.
    pub USAGE = "usage" {
        title: "Usage statistics", revision: 1, about: installation, retention: 30 days,
        benefit: "Faster lists", other_uses: none,
    }
}

/// The library was opened.
#[derive(Event)]
#[event(name = "library.opened", scope = USAGE, linkage = rollup)]
struct LibraryOpened {
    /// How many shelves it has.
    #[field(count, example = 3)]
    shelves: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let home = std::env::temp_dir().join("candor-ask-first");
    let command = std::env::args().nth(1);
    if command.as_deref() == Some("forget") {
        std::fs::remove_dir_all(&home).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        println!("Forgotten.");
        return Ok(());
    }
    let config = Config::new("org.example.books", stage::CONTROLLER, Audience::Adults)
        .endpoint("http://localhost:4318")
        .directories(home.join("data"), home.join("config"));
    let client = Client::new(config)?;
    match command.as_deref() {
        // The person ran this command themselves. They may change their decision at any time.
        Some("on") => on(&client)?,
        Some("off") => println!("{}", client.withdraw(USAGE)?),
        Some("status") => println!("{}", client.manifest()?),
        Some(other) => return Err(format!("there is no `{other}`: on, off, status, forget, or nothing").into()),
        None => first(&client)?,
    }
    client.record(LibraryOpened { shelves: 7 });
    Ok(())
}

/// Requires a person who reads the notice and types the answer: a script that runs `on` must not create a grant.
fn on(client: &Client) -> Result<(), Box<dyn Error>> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err("this is no terminal, and only a person can say yes".into());
    }
    let notice = client.notice(USAGE)?;
    println!("{notice}\nType yes to agree, and anything else to leave it as it is:");
    let mut typed = String::new();
    io::stdin().read_line(&mut typed)?;
    match typed.trim() {
        "yes" => println!("{}", client.grant(USAGE.shown(&notice).via("ask_first on"))?),
        _ => println!("Nothing has changed."),
    }
    Ok(())
}

/// What the program does on its own when it starts: asks for consent if it may.
fn first(client: &Client) -> Result<(), Box<dyn Error>> {
    // Without a terminal there is no person to ask. Nothing is asked and nothing is written.
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        println!("This is no terminal, so nobody is asked, and nothing is recorded or sent.");
        return Ok(());
    }
    match client.may_ask(USAGE)? {
        MayAsk::Yes { .. } => {
            let prompt = client.prompt(USAGE)?;
            println!("{}", ask::ask(prompt, &mut io::stdin().lock(), &mut io::stdout())??);
        }
        MayAsk::No { why, not_before } => {
            println!("Not asked: {}.", why.describe());
            if let Some(when) = not_before {
                println!("It may ask again from {when} on.");
            }
        }
        _ => {}
    }
    Ok(())
}
