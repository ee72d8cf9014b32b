//! A library that calls candor by another name says so with `crate = …`.

#![forbid(unsafe_code)]
#![deny(missing_docs, warnings)]

mod telemetry {
    pub(crate) use candor::*;
}

telemetry::scope! {
    /// Find out which formats stutter, so that those decoders are fixed first.
    #[scope(crate = crate::telemetry)]
    pub PLAYBACK = "playback" {
        title: "Playback statistics", revision: 1, about: installation, retention: 90 days,
        benefit: "Fewer films that stutter", other_uses: none,
    }
}

#[derive(telemetry::Category)]
#[category(crate = crate::telemetry)]
enum Codec {
    H264,
    Other,
}

/// A stream ended or was stopped.
#[derive(telemetry::Event)]
#[event(crate = crate::telemetry, name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// How it was coded.
    codec: Codec,
    /// How often it stalled.
    #[field(count, example = 3)]
    stalls: u32,
}

fn main() {
    telemetry::record(PlaybackFinished { codec: Codec::H264, stalls: 0 });
    telemetry::record(PlaybackFinished { codec: Codec::Other, stalls: 0 });
}
