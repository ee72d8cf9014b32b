//! Measures the sixth promise: after `withdraw` has returned *confirmed*, no process that shares the store hands
//! another byte of the scope to a kernel. `.ci/race` runs it on Linux, with `strace` installed.
//!
//! Three [processes](member) share a store and send to a slow [receiver]. At a random moment, while one of them is in
//! the middle of a send, one withdraws. The same processes play [many] such rounds, and also send for another scope.
//! Every byte is stamped where it is handed over: by a [transport](stamp) made for this check, and by `strace` for the
//! crate's own transport. [`judge`] compares the stamps with the return. The same step must fail for a transport that
//! gives up the life lock. A stopped process must keep a withdrawal from being confirmed.
//!
//! On systems without `strace` and without stopped processes, the series that need them are not played. They are in
//! [`linux`] and [`stopping`]; on other systems `elsewhere.rs` and `not_stopping.rs` replace them. On Windows some withdrawals are not confirmed and some
//! decisions fail, but a confirmed one promises the same. Under Wine, in a prefix and with a runner as `.ci/windows`
//! sets them up: `cargo run --target x86_64-pc-windows-gnu -p candor-lab --bin race -- 200`.

mod judge;
mod many;
mod member;
mod receiver;
mod reports;
mod round;
mod stamp;
mod tally;

// Everything that depends on the system is in these modules.
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod stopping;

#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod linux;
#[cfg(not(target_os = "linux"))]
#[path = "not_stopping.rs"]
mod stopping;

#[cfg(unix)]
#[path = "unix.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;

/// The default seed of the random moments, and the number of rounds of the first series.
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
