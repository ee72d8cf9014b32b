// Steps that fit the budget alone and not together.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// How long the first picture took.
    #[field(step = 10, top = 1_000, unit = "ms", example = 120)]
    first_picture: u32,
    /// How long it stalled.
    #[field(log_buckets = 10, from = 1, top = 60_000, unit = "ms", example = 120)]
    stalled: std::time::Duration,
    /// How full the buffer was.
    #[field(ratio, example = 0.73)]
    buffer: f64,
}

fn main() {}
