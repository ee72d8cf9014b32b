// An example is written in the unit of its class.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = session)]
struct PlaybackFinished {
    /// Average bitrate of the stream.
    #[field(bitrate, example = "4 Mbit/s")]
    bitrate: u64,
    /// How long it played.
    #[field(media_duration, example = 5_431)]
    duration: std::time::Duration,
    /// How long it took to begin.
    #[field(media_duration, example = "1:75")]
    waited: std::time::Duration,
    /// How often it stalled.
    #[field(count, example = -3)]
    stalls: u32,
    /// How often it was paused.
    #[field(count, example)]
    pauses: u32,
    /// Which server it came from.
    #[field(hash, example = "")]
    server: String,
}

fn main() {}
