//! The process that decides and is killed. It prints `ready` and waits for a line, so that it is watched from a known
//! point. It prints `returned` as soon as the call has returned. If the operation closes the scope, it then tries to
//! record and send. Finally it ends as a program does.

use super::{operations, operations::Act, program::an_evening};
use std::{error::Error, io::BufRead as _, path::Path, time::Duration};

/// What it prints once the decision has returned.
pub(crate) const RETURNED: &str = "returned";
/// What it prints before it waits.
pub(crate) const READY: &str = "ready";

/// Waits for the order to start.
pub(crate) fn wait() -> std::io::Result<()> {
    println!("{READY}");
    std::io::stdin().lock().read_line(&mut String::new()).map(drop)
}

/// Carries out one operation in a directory.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let [name, directory] = arguments else { return Err("a member needs an operation and a directory".into()) };
    let (operation, directory) = (operations::named(name)?, Path::new(directory));
    let client = if operation.act == Act::Start {
        wait()?;
        operation.start(directory)?
    } else {
        let client = operation.start(directory)?;
        wait()?;
        client
    };
    let came = operation.carry_out(&client)?;
    println!("{RETURNED} {came}");
    if operation.closes() {
        // Tries to record and send data that must no longer be kept or sent.
        an_evening(&client);
        let _ = client.flush(Duration::from_secs(60))?; // the judge looks at what arrived
    }
    Ok(())
}
