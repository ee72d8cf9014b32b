//! Kills a real process at each of its system calls while it carries out a decision, and examines the store that it
//! leaves. The next open must find the state before the decision or the state after it. Once the withdrawal has
//! returned, it must never find a grant. `.ci/kill` runs it on Linux. `--moments KILLS [--seed N]` kills at random
//! moments instead, on any system.
//!
//! [`operations`] is the table of decisions, each with the [`ground`] it starts from. A [member] is the process that
//! decides and is killed. [`tracer`] stops it at every call and kills it at the requested one, before that call does
//! anything. A fresh process, the [judge], then opens the store. [`sweep`] does this for each call in turn, [`moments`]
//! for random moments. [Mutants] show that the judge notices errors: they are programs that write the same files in
//! another order.
//!
//! The operating system's memory survives the death of a process, so this check says nothing about a power cut.
//! `src/tests` checks in which order data is made durable.
//!
//! [Mutants]: mutant

mod files;
mod ground;
mod judge;
mod member;
mod moments;
mod mutant;
mod operations;
mod program;
#[cfg(target_os = "linux")]
mod sweep;
#[cfg(target_os = "linux")]
mod tracer;

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["member", rest @ ..] => member::run(rest),
        ["mutant", rest @ ..] => mutant::run(rest),
        ["ground", rest @ ..] => ground::run(rest),
        ["judge", rest @ ..] => judge::run(rest),
        ["--moments", rest @ ..] => moments::Plan::read(rest).and_then(|plan| moments::check(&plan)),
        options => each_call(options),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            println!("kill: FAILED: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
fn each_call(options: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
    sweep::run(&sweep::Plan::read(options)?)
}

#[cfg(not(target_os = "linux"))]
fn each_call(_: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
    Err("processes are stopped at their system calls on Linux only; --moments KILLS goes everywhere".into())
}
