//! Where the clocks of tests start: at the moment that `CANDOR_TEST_START` says, so that the check can begin on another
//! date. One place for the tests of every room, of `tests/` and of the examples.
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
