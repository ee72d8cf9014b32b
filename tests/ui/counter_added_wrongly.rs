// A counter with a category counts one of them. A counter without counts one.

include!("support/scopes.rs");

#[derive(candor::Category)]
pub enum Paper {
    A4,
    Other,
}

candor::counter! {
    /// The program was opened.
    pub OPENED = "program.opened" in PLAYBACK;
    /// A page was printed.
    pub PRINTED = "page.printed" in PLAYBACK {
        /// On which paper.
        paper: Paper,
    }
}

fn main() {
    OPENED.add(5);
    PRINTED.add();
    PRINTED.add("a4");
}
