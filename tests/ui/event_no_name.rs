include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished;

fn main() {
    candor::record(PlaybackFinished);
}
