candor::scope! {
    /// Find out how many people use the new list, so that the old one can go.
    pub USAGE = "usage" {
        title: "Usage", revision: 1, about: installation, retention: 30 days, benefit: "One list", other_uses: none,
    }
}

/// A list was opened.
#[derive(candor::Event)]
#[event(name = "list.opened", scope = USAGE, linkage = rollup, every = week, reason = "we meet on Mondays")]
struct ListOpened;

fn main() {}
