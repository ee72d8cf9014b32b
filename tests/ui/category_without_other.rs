include!("support/scopes.rs");

#[derive(candor::Category)]
enum Codec {
    H264,
    Hevc,
}

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// How it was coded.
    codec: Codec,
}

fn main() {
    candor::record(PlaybackFinished { codec: Codec::H264 });
}
