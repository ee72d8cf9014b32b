// One field says which items are counted.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// Which film it was.
    #[field(item)]
    film: String,
    /// Which file it was.
    #[field(item)]
    file: String,
}

fn main() {}
