// A code stays the same for a while, and the event must say for how long.

include!("support/scopes.rs");

/// A media server could not be reached.
#[derive(candor::Event)]
#[event(name = "server.unreachable", scope = CONNECTIVITY, linkage = none)]
struct ServerUnreachable {
    /// Which server, so that one broken server isn't counted as many.
    #[field(hash, example = "nas.local")]
    server: String,
}

fn main() {}
