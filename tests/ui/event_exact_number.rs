// A number without a class would leave as it is.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// How many bytes were read.
    bytes: u64,
    /// How long it played.
    duration: std::time::Duration,
}

fn main() {}
