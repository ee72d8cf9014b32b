// The more an event says about an item, the fewer items it speaks of, unless the person is told why.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// Which film it was.
    #[field(item, one_in = 64)]
    film: String,
    /// Average bitrate of the stream.
    #[field(bitrate, example = 4_213_000)]
    bitrate: u64,
    /// How long it played.
    #[field(media_duration, example = "1:30:31")]
    duration: std::time::Duration,
}

fn main() {}
