include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
struct PlaybackFinished;

/// A stream began.
#[derive(candor::Event)]
#[event]
struct PlaybackBegan;

fn main() {
    candor::record(PlaybackFinished);
}
