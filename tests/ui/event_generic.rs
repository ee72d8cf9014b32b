// There is one schema for one event, so a type that is not known yet can't be in it.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished<C> {
    /// How it was coded.
    codec: C,
}

/// A stream began.
#[derive(candor::Event)]
#[event(name = "playback.began", scope = PLAYBACK, linkage = rollup)]
struct PlaybackBegan<const FIRST: bool> {
    /// Whether it was on the first try.
    first: bool,
}

fn main() {
    candor::record(PlaybackFinished { codec: true });
    candor::record(PlaybackBegan::<true> { first: true });
}
