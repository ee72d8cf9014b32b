include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", linkage = rollup)]
struct PlaybackFinished;

/// A stream began.
#[derive(candor::Event)]
#[event(name = "playback.began", scope = "playback", linkage = rollup)]
struct PlaybackBegan;

fn main() {
    candor::record(PlaybackFinished);
    candor::record(PlaybackBegan);
}
