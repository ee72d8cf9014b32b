// The set of classes is closed.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// What was played.
    #[field(text, example = "Metropolis")]
    title: String,
    /// How long it played.
    #[field(media, example = "1:30:31")]
    duration: std::time::Duration,
    /// How often it stalled.
    #[field(example = 3)]
    stalls: u32,
    /// Average bitrate of the stream.
    #[field(bitrate, count, example = 4_213_000)]
    bitrate: u64,
}

fn main() {}
