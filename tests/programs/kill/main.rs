//! Kills a real process at each of its system calls while it carries out a decision, and looks at what it leaves: the
//! next open finds what was before or what is after, and never a yes once the withdrawal has returned. Called by
//! `.ci/kill`; Linux.
//!
//! [`operations`] is the table of decisions, each with the ground it starts from. A [member] is the process that
//! decides and dies; [`tracer`] stops it at every call and kills it at the one that is asked for, before that call does
//! anything; a fresh process, the [judge], then opens what is left. [`sweep`] does this for each call in turn. That the
//! judge would notice is shown by [mutants]: programs that write the same files in another order.
//!
//! What the machine keeps in memory survives the death of a process, so this says nothing of a power cut; the order of
//! what is made durable is tried in `src/tests`.
//!
//! [mutants]: mutant

#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod judge;
#[cfg(target_os = "linux")]
mod member;
#[cfg(target_os = "linux")]
mod mutant;
#[cfg(target_os = "linux")]
mod operations;
#[cfg(target_os = "linux")]
mod program;
#[cfg(target_os = "linux")]
#[path = "../../../examples/support/stage.rs"]
mod stage;
#[cfg(target_os = "linux")]
#[path = "../../../examples/support/mod.rs"]
mod support;
#[cfg(target_os = "linux")]
mod sweep;
#[cfg(target_os = "linux")]
mod tracer;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["member", rest @ ..] => member::run(rest),
        ["mutant", rest @ ..] => mutant::run(rest),
        ["ground", rest @ ..] => sweep::ground(rest),
        ["judge", rest @ ..] => judge::run(rest),
        options => sweep::Plan::read(options).and_then(|plan| sweep::run(&plan)),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            println!("kill: FAILED: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    println!("kill: FAILED: processes are stopped at their system calls on Linux only");
    std::process::ExitCode::FAILURE
}
