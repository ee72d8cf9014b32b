// A timer that is not bound to a name measures nothing.
#![deny(unused_must_use)]

include!("support/scopes.rs");

candor::timing! {
    /// A page was exported.
    pub EXPORTED = "page.exported" in PLAYBACK;
}

fn main() {
    EXPORTED.start();
}
