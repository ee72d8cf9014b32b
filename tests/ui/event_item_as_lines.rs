// An item chooses what is counted.

include!("support/scopes.rs");

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "server.found", scope = PLAYBACK, linkage = none)]
struct PlaybackFinished {
    /// Which server.
    #[field(item)]
    server: String,
}

fn main() {}
