//! Measures the sixth promise: when `withdraw` has returned *confirmed*, no process that shares the store hands another
//! byte of the scope to a kernel. Called by `.ci/race`; on Linux with `strace` installed.
//!
//! Three [processes](member) share a store and send to a slow [receiver]; at a random moment, while one of them is in
//! the middle of a send, one withdraws. [Many] such rounds are played by the same processes, with another scope busy
//! meanwhile. Every byte is stamped where it is handed over, by a [transport](stamp) made for
//! that and, for the crate's own, by `strace`; [`judge`] compares the stamps with the return. The same step must fail
//! for a transport that gives the life lock away, and a process that is stopped must keep a withdrawal from being
//! confirmed.
//!
//! Where there is no `strace` and no process is stopped, the series that need them are not played: [`linux`] has them, and in
//! its place something else stands elsewhere. On Windows some withdrawals are not confirmed and some decisions fail; what a
//! confirmed one promises is the same. Under Wine, in a prefix as `.ci/windows` makes it, with that runner:
//! `cargo run --target x86_64-pc-windows-gnu --example race -- 200`.
//!
//! [Many]: many

mod judge;
mod many;
mod member;
mod receiver;
mod round;
#[path = "../../../../../examples/support/stage.rs"]
mod stage;
mod stamp;
#[path = "../../../../../examples/support/mod.rs"]
mod support;

// What hangs on the system lies in these, and nowhere else.
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
#[path = "../../strace.rs"]
mod strace;

#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod linux;

#[cfg(unix)]
#[path = "unix.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;

/// Which moments are taken, and in how many rounds of the first series.
const SEED: u64 = 20_261_122;
const ROUNDS: usize = 2_000;

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        None => judge::run(SEED, ROUNDS),
        Some((word, rest)) if word == "member" => member::run(rest),
        Some((word, [seed])) if word == "--seed" => {
            seed.parse().map_err(Into::into).and_then(|seed| judge::run(seed, ROUNDS))
        }
        Some((rounds, [])) if rounds.parse::<usize>().is_ok_and(|rounds| rounds > 0) => {
            rounds.parse().map_err(Into::into).and_then(|rounds| judge::run(SEED, rounds))
        }
        _ => Err(format!("no such arguments: {arguments:?}").into()),
    };
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            println!("race: FAILED: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
