// What an item field takes.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// Which file it was.
    #[field(item, one_in = 0)]
    file: String,
    /// Which disc it was.
    #[field(item, example = 3)]
    disc: String,
}

fn main() {}
