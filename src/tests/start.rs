//! What the environment tells tests. Where their clocks start: at the moment that `CANDOR_TEST_START` says, so that the check can
//! begin on another date. And how much a sweep leaves out. One place for the tests of every room, of `tests/` and of the examples.
#![allow(dead_code, reason = "each includes what it uses")]

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970: what `CANDOR_TEST_START` says (RFC 3339, as in `2028-02-29T12:00:00Z`), else `now`.
pub(crate) fn moment(now: SystemTime) -> i64 {
    told().unwrap_or_else(|| now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64))
}

/// The same, or else noon of the day of `now`, so that no test meets a midnight that it did not ask for.
pub(crate) fn start(now: SystemTime) -> i64 {
    told().unwrap_or_else(|| moment(now) / 86_400 * 86_400 + 43_200)
}

fn told() -> Option<i64> {
    let text = std::env::var("CANDOR_TEST_START").ok()?;
    let moment: Result<jiff::Timestamp, _> = text.parse();
    Some(moment.unwrap_or_else(|error| panic!("CANDOR_TEST_START={text} is no moment: {error}")).as_second())
}

/// Every how manieth place a sweep tries: each, or fewer by `CANDOR_EVERY`, for where a program runs ten times as slowly as on its
/// own system or processor. Whatever is tried less often says so in the line of its step.
pub(crate) fn every() -> usize {
    let Ok(text) = std::env::var("CANDOR_EVERY") else { return 1 };
    let every: Option<usize> = text.parse().ok().filter(|every| *every > 0);
    every.unwrap_or_else(|| panic!("CANDOR_EVERY={text} is no number of places"))
}
