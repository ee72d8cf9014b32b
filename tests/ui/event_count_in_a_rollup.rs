// A roll-up sends a count of its own.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// How often it stalled.
    #[field(count, example = 3)]
    count: u32,
}

fn main() {}
