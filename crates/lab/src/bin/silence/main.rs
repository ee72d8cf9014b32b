//! Measures the first promise: without a grant there is no file, no directory, no thread, no socket, no look-up, no
//! clock read, no allocation, and no evaluated field. `.ci/silence` runs it on Linux, with `strace` installed.
//!
//! The quickstart's flow ([`flow`]) runs in a separate process under `strace`, in an empty home directory. Its clock
//! panics when it is read, and its allocator counts. The receiver it would send to is in this process. The check
//! compares the system calls with a short list of allowed calls. Every call that is not on the list is a finding, and
//! so is everything that the other witnesses saw. [Mutants] of the program show that the check works: it must find each
//! of them for the reason it was made for.
//!
//! [Mutants]: flow::Mutant

#[cfg(target_os = "linux")]
mod check;
#[cfg(target_os = "linux")]
mod flow;
#[cfg(target_os = "linux")]
#[path = "../../../../../examples/support/stage.rs"]
mod stage;
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
