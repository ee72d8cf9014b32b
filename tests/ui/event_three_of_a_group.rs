// Two quantities of one group are enough.

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
    /// How large the picture was.
    #[field(resolution, example = "1920x1080")]
    picture: (u32, u32),
}

fn main() {}
