// A scope is what `scope!` makes, not its name.

const PLAYBACK: &str = "playback";

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished;

fn main() {}
