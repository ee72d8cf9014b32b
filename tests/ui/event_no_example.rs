// A field's example is what the person is shown before anything is recorded.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = session)]
struct PlaybackFinished {
    /// Average bitrate of the stream.
    #[field(bitrate)]
    bitrate: u64,
    /// How long it played.
    #[field(media_duration)]
    duration: std::time::Duration,
    /// How often it stalled.
    #[field(count)]
    stalls: u32,
    /// Which server it came from.
    #[field(hash)]
    server: String,
}

fn main() {}
