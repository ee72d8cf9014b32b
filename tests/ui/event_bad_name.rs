// Names are keys on the wire and on disk; the ones here would be neither.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "Playback Finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished;

/// A stream began.
#[derive(candor::Event)]
#[event(name = "", scope = PLAYBACK, linkage = rollup)]
struct PlaybackBegan {
    /// Whether it was on the first try.
    _first: bool,
}

/// A stream was paused.
#[derive(candor::Event)]
#[event(name = playback.paused, scope = PLAYBACK, linkage = rollup)]
struct PlaybackPaused;

fn main() {}
