//! `candor`: a person's own switch for the programs on their computer that use candor, and a check of what such a
//! program recorded. `candor agreed` shows the grants, `candor withdraw` withdraws one, and `candor verify` reports
//! offline which line of a history is wrong. `candor listen` is for developers: it receives reports on this computer and prints
//! them. No command opens a connection, and none can grant consent. `verify` and `listen` write nothing. `agreed` decides nothing,
//! but opens the store as a program does, which finishes what was interrupted and removes what is not kept any more.
#![forbid(unsafe_code)]

// Each module may import only those above it.
mod error;
mod args;
mod verify;
mod agreed;
mod listen;

use args::{Cli, Command};
use candor::__private::{clean_json, clean_line, clean_text};
use clap::Parser as _;
use error::{Result, Trying as _};
use std::{
    io::{self, Write as _},
    process::ExitCode,
};

/// Exit code: the history is not sound, or the withdrawal is not confirmed.
const NO: u8 = 1;
/// Exit code: the command line or a file is wrong.
const WRONG: u8 = 2;

fn main() -> ExitCode {
    let (name, done) = match Cli::parse().command {
        Command::Verify(asked) => ("verify", verify::run(&asked)),
        Command::Agreed(asked) => ("agreed", agreed::agreed(&asked).map(|text| (text, true))),
        Command::Withdraw(asked) => ("withdraw", agreed::withdraw(&asked)),
        Command::Listen(asked) => ("listen", listen::listen(&asked).map(|()| (String::new(), true))),
    };
    match done.and_then(|(text, good)| print(&text).map(|()| good)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(NO),
        Err(error) => {
            // Where nothing can be printed, the exit code says it alone.
            let _ = writeln!(io::stderr(), "candor {name}: {}", clean_line(&error.to_string()));
            ExitCode::from(WRONG)
        }
    }
}

fn print(text: &str) -> Result<()> {
    // JSON keeps its value as data. Other text is for a person to read.
    let text = if text.trim_start().starts_with(['{', '[']) { clean_json(text) } else { clean_text(text) };
    match io::stdout().lock().write_all(text.as_bytes()) {
        // The reader closed the pipe because it needs no more, as `head` does. That is not an error.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.trying(|| "can't write to the standard output".into()),
    }
}
