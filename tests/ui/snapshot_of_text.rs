candor::scope! {
    /// Find out which settings people use, so that the others can go.
    pub USAGE = "usage" {
        title: "Usage", revision: 1, about: installation, retention: 30 days, benefit: "Fewer settings", other_uses: none,
    }
}

/// How it is set up.
#[derive(candor::Snapshot)]
#[snapshot(name = "program.settings", scope = USAGE, every = week)]
struct Settings {
    /// What it is called.
    name: String,
}

fn main() {}
