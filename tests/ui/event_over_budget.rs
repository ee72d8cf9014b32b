// Fields that are each coarse are together too fine.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// Which film it was.
    #[field(item)]
    film: String,
    /// Average bitrate of the stream.
    #[field(bitrate, example = 4_213_000)]
    bitrate: u64,
    /// How long it played.
    #[field(media_duration, example = "1:30:31")]
    duration: std::time::Duration,
    /// How often it stalled.
    #[field(count, example = 3)]
    stalls: u32,
    /// Whether the server had to convert it.
    transcoded: Option<bool>,
}

fn main() {}
