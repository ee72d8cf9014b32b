//! Version 3 of a program: coarser steps and one field less.

mod version;

use version::{CONTROLLER, run};

candor::scope! {
    /// Find out which decoders lose frames, so that those are fixed first.
    PLAYBACK = "playback" {
        title: "Playback statistics", revision: 1, about: installation, retention: 90 days,
        benefit: "Fewer films that stutter", other_uses: none,
    }
}

/// A decoder was closed.
#[derive(candor::Event)]
#[event(name = "decoder.closed", scope = PLAYBACK, linkage = none)]
struct DecoderClosed {
    /// How many frames were lost.
    #[field(ladder = [0, 100], example = 37)]
    lost: u32,
    /// Whether the graphics card did it.
    hardware: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let decoders = || [7, 60, 200].into_iter().map(|lost| DecoderClosed { lost, hardware: true }).collect();
    run(CONTROLLER, PLAYBACK, decoders)
}
