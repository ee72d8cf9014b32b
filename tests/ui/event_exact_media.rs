// A length and a bitrate that leave exactly name nearly every film.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// Average bitrate of the stream.
    #[field(exact, top = 40_000_000, unit = "bit/s", reason = "to see each encoder", example = 4_213_000)]
    bitrate: u64,
    /// How long it played.
    #[field(exact, top = 14_400, unit = "s", reason = "to see each film's end", example = 5_431)]
    duration: std::time::Duration,
}

fn main() {}
