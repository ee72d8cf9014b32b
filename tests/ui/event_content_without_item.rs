// Counts of everything a person plays name the library in the long run.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// How long it played.
    #[field(media_duration, example = "1:30:31")]
    duration: std::time::Duration,
}

fn main() {}
