// A step or ladder of single numbers is the number itself.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// How many tracks were there.
    #[field(step = 1, top = 9, example = 3)]
    tracks: u8,
}

fn main() {}
