// The macro writes the `const` itself, as `scope!` does.

include!("support/scopes.rs");

candor::counter! {
    /// A page was printed.
    pub static PRINTED = "page.printed" in PLAYBACK;
}

fn main() {}
