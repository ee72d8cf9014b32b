// The name is what is sent and what the person sees in the manifest.

include!("support/scopes.rs");

candor::counter! {
    /// A page was printed.
    pub PRINTED in PLAYBACK;
}

fn main() {}
