//! `candor`: a person's own switch for the programs on their computer that use candor, and a check of what such a program
//! recorded. `candor agreed` shows what was agreed to, `candor withdraw` takes it back, `candor verify` says offline which line of a
//! history is wrong. None of them opens a connection, and only `withdraw` writes anything. None can agree.
#![forbid(unsafe_code)]

// Data flows down this list; imports point up it.
mod error;
mod args;
mod verify;
mod agreed;

use args::{Cli, Command};
use candor::__private::{clean_json, clean_line, clean_text};
use clap::Parser as _;
use error::{Result, Trying as _};
use std::{
    io::{self, Write as _},
    process::ExitCode,
};

/// A history that is not sound, or a withdrawal that is not confirmed.
const NO: u8 = 1;
/// The command line or a file is wrong.
const WRONG: u8 = 2;

fn main() -> ExitCode {
    let (name, done) = match Cli::parse().command {
        Command::Verify(asked) => ("verify", verify::run(&asked)),
        Command::Agreed(asked) => ("agreed", agreed::agreed(&asked).map(|text| (text, true))),
        Command::Withdraw(asked) => ("withdraw", agreed::withdraw(&asked)),
    };
    match done.and_then(|(text, good)| print(&text).map(|()| good)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(NO),
        Err(error) => {
            let _ = writeln!(io::stderr(), "candor {name}: {}", clean_line(&error.to_string()));
            ExitCode::from(WRONG)
        }
    }
}

fn print(text: &str) -> Result<()> {
    // JSON stays equal as data; everything else is for a person's eyes.
    let text = if text.trim_start().starts_with(['{', '[']) { clean_json(text) } else { clean_text(text) };
    match io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever reads has seen enough, such as `head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.trying(|| "can't write to the standard output".into()),
    }
}
