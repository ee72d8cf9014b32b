// What a counter tells has a name and a text of its own, which the person reads.

include!("support/scopes.rs");

candor::counter! {
    /// A page was printed.
    pub PRINTED: Paper = "page.printed" in PLAYBACK;
}

fn main() {}
