//! Version 1 of a program: the version that the person agreed to.

mod version;

use version::{CONTROLLER, run};

candor::scope! {
    /// Find out which decoders lose frames, so that those are fixed first.
    PLAYBACK = "playback" {
        title: "Playback statistics", revision: 1, about: installation, retention: 90 days,
        benefit: "Fewer films that stutter", other_uses: none,
    }
}

#[derive(Clone, Copy, candor::Category)]
enum Codec {
    H264,
    Hevc,
    Other,
}

/// A decoder was closed.
#[derive(candor::Event)]
#[event(name = "decoder.closed", scope = PLAYBACK, linkage = none)]
struct DecoderClosed {
    /// How many frames were lost.
    #[field(ladder = [0, 10, 100], example = 37)]
    lost: u32,
    /// What it decoded.
    codec: Codec,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let decoders = || {
        let codecs = [Codec::H264, Codec::Hevc, Codec::Other];
        [7, 60, 200].into_iter().zip(codecs).map(|(lost, codec)| DecoderClosed { lost, codec }).collect()
    };
    run(CONTROLLER, PLAYBACK, decoders)
}
