//! Version 2 of a program: one more field, finer steps, and one more value of a category.

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
    Av1,
    Other,
}

/// A decoder was closed.
#[derive(candor::Event)]
#[event(name = "decoder.closed", scope = PLAYBACK, linkage = none)]
struct DecoderClosed {
    /// How many frames were lost.
    #[field(ladder = [0, 5, 10, 50, 100], example = 37)]
    lost: u32,
    /// What it decoded.
    codec: Codec,
    /// Whether the graphics card did it.
    hardware: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _ = Codec::Other; // every category has it, and this version never records it
    let decoders = || {
        let codecs = [Codec::H264, Codec::Hevc, Codec::Av1];
        [7, 60, 200]
            .into_iter()
            .zip(codecs)
            .map(|(lost, codec)| DecoderClosed { lost, codec, hardware: true })
            .collect()
    };
    run(CONTROLLER, PLAYBACK, decoders)
}
