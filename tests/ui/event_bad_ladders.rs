// Ladders that do not rise, are too short, or not of numbers.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// A falling one.
    #[field(ladder = [0, 10, 5], example = 3)]
    falling: u8,
    /// One with a rung twice.
    #[field(ladder = [0, 10, 10], example = 3)]
    twice: u8,
    /// One of one rung.
    #[field(ladder = [0], example = 3)]
    short: u8,
    /// One of none.
    #[field(ladder = [], example = 3)]
    empty: u8,
    /// One of text.
    #[field(ladder = ["a"], example = 3)]
    text: u8,
    /// A step of 0.
    #[field(step = 0, top = 10, example = 3)]
    zero: u8,
    /// A top that is no multiple.
    #[field(step = 7, top = 10, example = 3)]
    uneven: u8,
    /// Versions out of order.
    #[field(version = ["13", "12.4"], example = "12")]
    versions: String,
    /// Too many digits.
    #[field(digits = 3, top = 1_000, example = 3)]
    digits: u8,
    /// Buckets without a top.
    #[field(log_buckets = 10, from = 1, example = 3)]
    buckets: u8,
    /// A date of no unit.
    #[field(date = year, from = "2026-01", count = 4, example = "2026-11-22")]
    date: std::time::SystemTime,
    /// A group too large.
    #[field(cohort = 9, example = "nas")]
    cohort: String,
}

fn main() {}
