include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
#[event(name = "playback.stopped")]
struct PlaybackFinished {
    /// How often it stalled.
    #[field(count, example = 3)]
    #[field(count, example = 4)]
    stalls: u32,
    /// How often it was paused.
    #[field(count, example = 3, example = 4)]
    pauses: u32,
}

fn main() {}
