//! Programs that change the same files as a decision, in an order that may be wrong. The judge must detect the wrong
//! ones.
//!
//! The crate itself computes the final content of the files, on a copy. Here the files are only put in place one after
//! the other. The right orders must pass, as the crate does. Each wrong order must fail.

use super::{
    files,
    member::{RETURNED, wait},
    operations,
};
use std::{error::Error, fs, io::Write as _, path::Path, thread, time::Duration};

/// One step of an order.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Replaces what is at the path with a file, or a directory, by rename.
    Replace(&'static str),
    /// Overwrites a file from its beginning.
    Overwrite(&'static str),
    /// Removes a file or a directory.
    Remove(&'static str),
    /// Prints that the decision has returned.
    Say,
}
use Step::*;

/// An order of steps.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) name: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) is_right: bool,
    steps: &'static [Step],
}

const SNAPSHOT: &str = "data/org.example.killed/candor-1/consent";
const HISTORY: &str = "data/org.example.killed/candor-1/ledger.jsonl";
const SECRETS: &str = "data/org.example.killed/candor-1/keys";
const CONTRACTS: &str = "data/org.example.killed/candor-1/contracts";
const LIFE: &str = "data/org.example.killed/candor-1/reading.life";
const LINES: &str = "data/org.example.killed/candor-1/waiting/reading";
const COUNTS: &str = "data/org.example.killed/candor-1/counts/reading";
const BATCHES: &str = "data/org.example.killed/candor-1/outbox/reading";
const MARK: &str = "config/org.example.killed/candor-1/high";

/// The right orders and the wrong ones.
pub(crate) const ORDERS: [Order; 8] = [
    Order {
        name: "a withdrawal in its order",
        operation: "withdrawal",
        is_right: true,
        steps: &[
            Replace(SNAPSHOT),
            Replace(SECRETS),
            Remove(LINES),
            Remove(COUNTS),
            Remove(BATCHES),
            Replace(MARK),
            Replace(HISTORY),
            Say,
        ],
    },
    Order {
        name: "a withdrawal with the history before the snapshot",
        operation: "withdrawal",
        is_right: false,
        steps: &[
            Replace(HISTORY),
            Replace(SNAPSHOT),
            Replace(SECRETS),
            Remove(LINES),
            Remove(COUNTS),
            Remove(BATCHES),
            Replace(MARK),
            Say,
        ],
    },
    Order {
        name: "a withdrawal that destroys before it decides",
        operation: "withdrawal",
        is_right: false,
        steps: &[
            Remove(LINES),
            Remove(COUNTS),
            Remove(BATCHES),
            Replace(SECRETS),
            Replace(SNAPSHOT),
            Replace(MARK),
            Replace(HISTORY),
            Say,
        ],
    },
    Order {
        name: "a withdrawal that returns before it decides",
        operation: "withdrawal",
        is_right: false,
        steps: &[
            Say,
            Replace(SNAPSHOT),
            Replace(SECRETS),
            Remove(LINES),
            Remove(COUNTS),
            Remove(BATCHES),
            Replace(MARK),
            Replace(HISTORY),
        ],
    },
    Order {
        name: "a withdrawal that writes over the snapshot",
        operation: "withdrawal",
        is_right: false,
        steps: &[
            Overwrite(SNAPSHOT),
            Replace(SECRETS),
            Remove(LINES),
            Remove(COUNTS),
            Remove(BATCHES),
            Replace(MARK),
            Replace(HISTORY),
            Say,
        ],
    },
    Order {
        name: "a yes in its order",
        operation: "yes after a no",
        is_right: true,
        steps: &[
            Replace(CONTRACTS),
            Replace(LIFE),
            Replace(HISTORY),
            Replace(MARK),
            Replace(SECRETS),
            Replace(SNAPSHOT),
            Say,
        ],
    },
    Order {
        name: "a yes with the snapshot before the history",
        operation: "yes after a no",
        is_right: false,
        steps: &[
            Replace(CONTRACTS),
            Replace(LIFE),
            Replace(SNAPSHOT),
            Replace(HISTORY),
            Replace(MARK),
            Replace(SECRETS),
            Say,
        ],
    },
    Order {
        name: "the sent log deleted file by file",
        operation: "deleting the sent log",
        is_right: false,
        steps: &[Remove("data/org.example.killed/candor-1/sent/reading"), Say],
    },
];

/// Carries out the order of that name in a directory. `done` is the directory with the final content.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let [name, directory, done, rests] = arguments else {
        return Err("a mutant needs an order, two directories, and for how many milliseconds it rests".into());
    };
    let rests = Duration::from_millis(rests.parse()?);
    let order = ORDERS.iter().find(|order| order.name == *name).ok_or("there is no such order")?;
    let (directory, done) = (Path::new(directory), Path::new(done));
    // The real program is started once, as before a real decision, and closed before the steps.
    let client = operations::named(order.operation)?.start(directory)?;
    drop(client);
    wait()?;
    for step in order.steps {
        match *step {
            Replace(path) => replace(&done.join(path), &directory.join(path))?,
            Overwrite(path) => {
                let bytes = fs::read(done.join(path))?;
                let mut file = fs::OpenOptions::new().write(true).truncate(true).open(directory.join(path))?;
                for part in bytes.chunks(bytes.len().div_ceil(2)) {
                    file.write_all(part)?;
                    thread::sleep(rests);
                }
            }
            Remove(path) => {
                for file in files::all(&directory.join(path)) {
                    fs::remove_file(file)?;
                    thread::sleep(rests);
                }
                match fs::remove_dir_all(directory.join(path)) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                    _ => {}
                }
            }
            Say => println!("{RETURNED} by itself"),
        }
        thread::sleep(rests);
    }
    Ok(())
}

/// Copies the file next to its place and renames it there. A directory is replaced file by file.
fn replace(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    if from.is_dir() {
        for path in files::all(from) {
            let inner = path.strip_prefix(from)?;
            replace(&path, &to.join(inner))?;
        }
        return Ok(());
    }
    let beside = to.with_extension("new");
    let parent = to.parent().ok_or("no parent")?;
    if !parent.exists() {
        files::make(parent)?;
    }
    fs::copy(from, &beside)?;
    fs::rename(&beside, to)?;
    Ok(())
}
