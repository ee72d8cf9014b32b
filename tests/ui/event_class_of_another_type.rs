// Each class takes a few types, and its message names them.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = session)]
struct PlaybackFinished<'a> {
    /// Average bitrate of the stream.
    #[field(bitrate, example = 4_213_000)]
    bitrate: String,
    /// How long it played.
    #[field(media_duration, example = "1:30:31")]
    duration: u64,
    /// How often it stalled.
    #[field(count, example = 3)]
    stalls: Option<char>,
    /// Which server it came from.
    #[field(hash, example = "nas.local")]
    server: &'a std::net::IpAddr,
}

fn main() {}
