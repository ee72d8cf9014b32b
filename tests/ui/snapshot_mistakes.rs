//! Each mistake about snapshots that the macro itself finds.

candor::scope! {
    /// Find out which settings people use, so that the others can go.
    pub USAGE = "usage" {
        title: "Usage", revision: 1, about: installation, retention: 30 days, benefit: "Fewer settings", other_uses: none,
    }
}

/// How it is set up.
#[derive(candor::Snapshot)]
struct NothingSaid {
    /// Whether it is dark.
    dark: bool,
}

/// How it is set up.
#[derive(candor::Snapshot)]
#[snapshot(name = "program.settings", scope = USAGE, every = day)]
struct EachDay {
    /// Whether it is dark.
    dark: bool,
}

/// How it is set up.
#[derive(candor::Snapshot)]
#[snapshot(name = "program.settings", scope = USAGE, every = week)]
struct WithoutFields;

/// How it is set up.
#[derive(candor::Snapshot)]
#[snapshot(name = "program.settings", scope = USAGE, every = week)]
struct NoSuchStatistic {
    /// How busy it is.
    #[field(count, example = 3)]
    #[gauge(median)]
    load: u32,
}

/// How it is set up.
#[derive(candor::Snapshot)]
#[snapshot(name = "program.settings", scope = USAGE, every = week)]
struct MeanOfAFlag {
    /// Whether it is dark.
    #[gauge(mean)]
    dark: bool,
}

/// How it is set up.
#[derive(candor::Snapshot)]
#[snapshot(name = "program.settings", scope = USAGE, every = week)]
struct MapOfFlags {
    /// Which are dark.
    #[map]
    dark: bool,
}

/// How it is set up.
#[derive(candor::Snapshot)]
#[snapshot(name = "program.settings", scope = USAGE, every = week)]
struct KeysWithOther {
    /// How many of each.
    #[field(count, example = 3)]
    #[map(keys = ["mp3", "other"])]
    files: Vec<(String, u32)>,
}

/// How it is set up.
#[derive(candor::Snapshot)]
#[snapshot(name = "program.settings", scope = USAGE, every = week)]
struct WithACode<'a> {
    /// Which server.
    #[field(hash, example = "nas.local")]
    server: &'a str,
}

fn main() {}
