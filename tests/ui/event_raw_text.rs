// Free text has no class, so a field of it can't be declared.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// What was played.
    title: String,
}

/// A stream began.
#[derive(candor::Event)]
#[event(name = "playback.began", scope = PLAYBACK, linkage = rollup)]
struct PlaybackBegan<'a> {
    /// What is played.
    title: Option<&'a str>,
}

fn main() {}
