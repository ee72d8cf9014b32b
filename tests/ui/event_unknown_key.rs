include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scopes = PLAYBACK, linkage = rollup, sampled = 10)]
struct PlaybackFinished {
    /// How often it stalled.
    #[field(count, exmaple = 3, unit = "stalls")]
    stalls: u32,
    /// How often it was paused.
    #[field(count, example = 3, domain = "pauses")]
    pauses: u32,
}

fn main() {}
