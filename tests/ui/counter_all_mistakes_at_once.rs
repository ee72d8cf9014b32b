// Mistakes in several declarations are reported together, and uses of the constants are not reported as well.

include!("support/scopes.rs");

candor::counter! {
    pub OPENED = "program.opened" in PLAYBACK;

    /// A page was printed.
    pub PRINTED = "page.printed" in PLAYBACK {
        /// Whether on both sides.
        both_sides: bool,
        /// Whether in colour.
        colour: bool,
    }

    /// A page was copied.
    pub COPIED = "Page copied" in PLAYBACK {
        both_sides: bool,
    }
}

fn main() {
    OPENED.add();
    PRINTED.add(true);
    COPIED.add(true);
}
