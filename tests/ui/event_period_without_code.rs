// A period without a code would promise a link that nothing makes.

include!("support/scopes.rs");

/// A media server could not be reached.
#[derive(candor::Event)]
#[event(name = "server.unreachable", scope = CONNECTIVITY, linkage = month)]
struct ServerUnreachable {
    /// Whether it had been reached before.
    known: bool,
}

fn main() {}
