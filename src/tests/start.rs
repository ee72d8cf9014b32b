//! Settings of tests from the environment: where their clocks start (`CANDOR_TEST_START`, so that the check can begin on another
//! date), and how much a sweep leaves out (`CANDOR_EVERY`). Shared by the tests of every module, of `tests/` and of the examples.
#![allow(dead_code, reason = "each includes what it uses")]

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns `CANDOR_TEST_START` (RFC 3339, as in `2028-02-29T12:00:00Z`) if it is set, otherwise `now`, in seconds since 1970.
pub(crate) fn moment(now: SystemTime) -> i64 {
    told().unwrap_or_else(|| now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64))
}

/// The same, but noon of the day of `now` (UTC) without the variable, so that no test crosses midnight by accident.
pub(crate) fn start(now: SystemTime) -> i64 {
    told().unwrap_or_else(|| moment(now) / 86_400 * 86_400 + 43_200)
}

fn told() -> Option<i64> {
    let text = std::env::var("CANDOR_TEST_START").ok()?;
    let moment: Result<jiff::Timestamp, _> = text.parse();
    Some(moment.unwrap_or_else(|error| panic!("CANDOR_TEST_START={text} is no moment: {error}")).as_second())
}

/// Returns n for a sweep that tries every n-th place: `CANDOR_EVERY`, or 3 if it is not set, so that a contributor's run stays
/// short. `.ci/run sweeps` sets 1. It is more where a program runs ten times as slowly as on its own system or processor.
pub(crate) fn every() -> usize {
    let Ok(text) = std::env::var("CANDOR_EVERY") else { return 3 };
    let every: Option<usize> = text.parse().ok().filter(|every| *every > 0);
    every.unwrap_or_else(|| panic!("CANDOR_EVERY={text} is no number of places"))
}
