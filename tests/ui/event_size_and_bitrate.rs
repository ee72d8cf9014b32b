// A size and a bitrate give the length back.

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
    /// How large the file is.
    #[field(byte_size, example = 734_003_200)]
    bytes: u64,
}

fn main() {}
