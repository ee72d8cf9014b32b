//! Measures the first promise: without a grant no file, no directory, no thread, no socket, no look-up, no clock read,
//! no allocation, and no field worked out. Called by `.ci/silence`; Linux, with `strace` installed.
//!
//! The quickstart's flow ([`flow`]) runs in a process of its own, under `strace`, in a home directory that is empty,
//! with a clock that panics when read and an allocator that counts; the receiver it would send to is in this process.
//! What the operating system was asked for is compared with a short list of what may be asked for: whatever is not on
//! the list is a finding, and so is whatever the other witnesses saw. That this would notice anything is shown by
//! [mutants] of the program, each of which must be found out for the reason it was made for.
//!
//! [mutants]: flow::Mutant

#[cfg(target_os = "linux")]
mod check;
#[cfg(target_os = "linux")]
mod flow;
#[cfg(target_os = "linux")]
#[path = "../../../../../examples/support/stage.rs"]
mod stage;
#[cfg(target_os = "linux")]
#[path = "../../strace.rs"]
mod strace;
#[cfg(target_os = "linux")]
#[path = "../../../../../examples/support/mod.rs"]
mod support;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => check::run(),
        ["flow", endpoint] => flow::run(endpoint, None),
        ["flow", endpoint, "--mutant", mutant] => match flow::Mutant::named(mutant) {
            Some(mutant) => flow::run(endpoint, Some(mutant)),
            None => Err("there is no such mutant".into()),
        },
        other => Err(format!("no such arguments: {other:?}").into()),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            println!("silence: FAILED: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    println!("silence: FAILED: system calls are traced on Linux only");
    std::process::ExitCode::FAILURE
}
