// Someone else's doings need that person's grant, and servers are not supported yet.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup, about = subject)]
struct PlaybackFinished;

fn main() {}
