// A number belongs to a class, in a counter as in any event. Text belongs to none.

include!("support/scopes.rs");

candor::counter! {
    /// A list was shown.
    pub LISTED = "list.shown" in PLAYBACK {
        /// How many entries it has.
        entries: u64,
    }
}

fn main() {
    LISTED.add(7);
}
