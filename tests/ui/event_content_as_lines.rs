// What a person plays leaves only in the day's counts, never as a sequence of events.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = none)]
struct PlaybackFinished {
    /// Average bitrate of the stream.
    #[field(bitrate, example = 4_213_000)]
    bitrate: u64,
}

/// A stream was begun.
#[derive(candor::Event)]
#[event(name = "playback.begun", scope = PLAYBACK, linkage = month)]
struct PlaybackBegun {
    /// How long it is.
    #[field(media_duration, example = "1:30:31")]
    duration: std::time::Duration,
    /// Which server it comes from.
    #[field(hash, example = "nas.local")]
    server: String,
}

fn main() {}
