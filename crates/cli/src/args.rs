//! Parses the command line of `candor`. Never decides anything. The doc comments of the fields and commands are the
//! help text.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Show and take back what you agreed to in programs on this computer, and check their records.
#[derive(Debug, Parser)]
#[command(name = "candor", version)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a history of decisions, offline, and say which line is wrong
    ///
    /// Reads an export of a program's receipts, or the lines of its ledger.jsonl. Without --earlier it finds damage
    /// and careless edits. With an earlier receipt it also finds truncation, reordering and rewriting. Exit codes:
    /// 0 nothing wrong was found, 1 something is wrong, 2 the command line is wrong or a file can't be read.
    Verify(Verify),
    /// Show what you agreed to in a program on this computer
    ///
    /// Reads the records that the program keeps for you. Like a start of that program, it also finishes a decision
    /// that was interrupted, ends grants that have expired, and removes data that is not kept any more. Exit codes:
    /// 0 done, 2 the command line is wrong or the records can't be read.
    Agreed(Agreed),
    /// Take back what you agreed to in a program on this computer, without that program
    ///
    /// Stops the program's reports of this kind, also while it runs, destroys pending reports, and prints the receipt.
    /// It waits up to half a second for confirmation. Exit codes: 0 done and confirmed, 1 done and not confirmed (the
    /// receipt says why), 2 nothing was taken back.
    Withdraw(Withdraw),
    /// Receive reports on this computer, and print each record beside what it means (for developers)
    ///
    /// Takes OTLP over HTTP in JSON at http://localhost:4318, where a program sends while it is developed. It listens on
    /// this computer only, keeps nothing and forwards nothing. The agreements that programs keep on this computer are read
    /// to say what a number means. Exit codes: 0 ended, 2 the port can't be used.
    Listen(Listen),
}

/// The program whose records are used.
#[derive(Debug, Clone, Args)]
pub(crate) struct Program {
    /// The program's id, such as org.example.player
    pub(crate) application: String,
    /// The program's data directory, if it is not the platform's usual one
    #[arg(long, value_name = "DIR", requires = "config")]
    pub(crate) data: Option<PathBuf>,
    /// The program's configuration directory
    #[arg(long, value_name = "DIR", requires = "data")]
    pub(crate) config: Option<PathBuf>,
}

/// `candor agreed`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Agreed {
    #[command(flatten)]
    pub(crate) program: Program,
    /// Print the grants as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `candor withdraw`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Withdraw {
    #[command(flatten)]
    pub(crate) program: Program,
    /// What to take back, by the name that `candor agreed` shows
    pub(crate) scope: String,
    /// Print the receipt as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `candor verify`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Verify {
    /// The export or the ledger.jsonl to check; `-` is the standard input
    #[arg(required_unless_present = "limits")]
    pub(crate) file: Option<PathBuf>,
    /// An earlier export or ledger.jsonl, or the receipt of one decision as JSON; can be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) earlier: Vec<PathBuf>,
    /// Print the findings as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// List what no check of a history can find
    #[arg(long, conflicts_with_all = ["file", "earlier", "json"])]
    pub(crate) limits: bool,
}

/// `candor listen`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Listen {
    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 4318)]
    pub(crate) port: u16,
    /// The directory with the programs' data, if it is not the platform's usual one
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Print only the records, one on each line, as they were sent
    #[arg(long)]
    pub(crate) json: bool,
}
