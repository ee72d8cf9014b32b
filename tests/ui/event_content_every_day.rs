candor::scope! {
    /// Find out how many people use the new list, so that the old one can go.
    pub USAGE = "usage" {
        title: "Usage", revision: 1, about: installation, retention: 30 days, benefit: "One list", other_uses: none,
    }
}

/// A song was broken off.
#[derive(candor::Event)]
#[event(name = "song.broken_off", scope = USAGE, linkage = rollup, every = day)]
struct BrokenOff {
    /// Which song.
    #[field(item)]
    song: String,
}

fn main() {}
