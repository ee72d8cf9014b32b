//! What a member reports: two scopes, one that is withdrawn and one that never is, and an event of each.

use candor::Event;

candor::scope! {
    /// Find out how many pages people turn, so that turning is fast where it matters.
    pub READING = "reading" {
        title: "Reading", revision: 1, about: installation, retention: 30 days,
        benefit: "Pages that turn at once", other_uses: none,
    }
    /// Find out how many books people look at before they choose one. Nobody withdraws this.
    pub BROWSING = "browsing" {
        title: "Browsing", revision: 1, about: installation, retention: 30 days,
        benefit: "Shelves in a better order", other_uses: none,
    }
}

/// The text that identifies an event of the withdrawn scope among the bytes.
pub(crate) const EVENT: &str = "page.turned";

/// A page was turned.
#[derive(Event)]
#[event(name = "page.turned", scope = READING, linkage = none)]
pub(crate) struct PageTurned {
    /// How many pages the book has.
    #[field(count, example = 320)]
    pub(crate) pages: u32,
    /// Whether it was turned back.
    pub(crate) back: bool,
}

/// A book was looked at.
#[derive(Event)]
#[event(name = "book.seen", scope = BROWSING, linkage = none)]
pub(crate) struct BookSeen {
    /// How many before it.
    #[field(count, example = 3)]
    pub(crate) before: u32,
}
