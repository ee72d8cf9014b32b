//! Measures that no secret outlives its withdrawal. When `withdraw` has returned, neither the secret behind a scope's
//! codes nor any key derived from it is in the memory of the process. In another process neither is left after its next
//! look at the consent. `.ci/secrets` runs it on Linux.
//!
//! In each round two [processes](member) share a store and record codes on several threads. Their memory is
//! [dumped](dump) before and after one of them withdraws, as a core dump would contain it: every mapping that can be
//! read and written. The [`judge`] computes what to search for from the file of secrets. It must find that before the
//! withdrawal, because a search that finds nothing there would never find anything.

#[cfg(target_os = "linux")]
mod dump;
#[cfg(target_os = "linux")]
mod judge;
#[cfg(target_os = "linux")]
mod member;

/// How many dumps are taken after a withdrawal, of each of the two processes.
#[cfg(target_os = "linux")]
const DUMPS: usize = 100;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        None => judge::run(DUMPS),
        Some((word, [directory])) if word == "member" => member::run(directory.as_ref()),
        Some((dumps, [])) if dumps.parse::<usize>().is_ok_and(|dumps| dumps > 0) => {
            dumps.parse().map_err(Into::into).and_then(judge::run)
        }
        _ => Err(format!("no such arguments: {arguments:?}").into()),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            println!("secrets: FAILED: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    println!("secrets: FAILED: the memory of a process is read on Linux only");
    std::process::ExitCode::FAILURE
}
