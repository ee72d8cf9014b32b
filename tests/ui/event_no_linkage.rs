include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK)]
struct PlaybackFinished;

/// A stream began.
#[derive(candor::Event)]
#[event(name = "playback.began", scope = PLAYBACK, linkage = rolup)]
struct PlaybackBegan;

/// A stream was paused.
#[derive(candor::Event)]
#[event(name = "playback.paused", scope = PLAYBACK, linkage = year)]
struct PlaybackPaused;

fn main() {}
