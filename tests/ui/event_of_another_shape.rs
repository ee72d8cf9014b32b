include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
enum PlaybackFinished {
    Ended,
    Stopped,
}

/// A stream began.
#[derive(candor::Event)]
#[event(name = "playback.began", scope = PLAYBACK, linkage = rollup)]
struct PlaybackBegan(bool);

/// A stream was paused.
#[derive(candor::Event)]
#[event(name = "playback.paused", scope = PLAYBACK, linkage = rollup)]
union PlaybackPaused {
    long: bool,
}

fn main() {
    candor::record(PlaybackFinished::Ended);
}
