// A counter belongs to a scope, or nobody could agree to it.

include!("support/scopes.rs");

candor::counter! {
    /// A page was printed.
    pub PRINTED = "page.printed";
}

fn main() {}
