// A number leaves exactly only with a reason that the person reads.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// How many tracks were there.
    #[field(exact, top = 9, example = 3)]
    tracks: u8,
}

fn main() {}
