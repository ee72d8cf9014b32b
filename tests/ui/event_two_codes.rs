// Two codes side by side link more than either.

include!("support/scopes.rs");

/// A media server could not be reached.
#[derive(candor::Event)]
#[event(name = "server.unreachable", scope = CONNECTIVITY, linkage = month)]
struct ServerUnreachable {
    /// Which server, so that one broken server isn't counted as many.
    #[field(hash, example = "nas.local")]
    server: String,
    /// Through which proxy.
    #[field(hash, example = "proxy.local")]
    proxy: Option<String>,
}

fn main() {}
