// A list of releases holds one to eight versions, each once, oldest first.

include!("support/scopes.rs");

/// The program was started.
#[derive(candor::Event)]
#[event(name = "program.started", scope = PLAYBACK, linkage = rollup)]
struct Empty {
    /// Which release it is.
    #[field(release = [], example = "1.4.1")]
    release: String,
}

/// The program was started again.
#[derive(candor::Event)]
#[event(name = "program.started_again", scope = PLAYBACK, linkage = rollup)]
struct NoVersion {
    /// Which release it is.
    #[field(release = ["1.4.0", "stable"], example = "1.4.1")]
    release: String,
}

/// The program was built.
#[derive(candor::Event)]
#[event(name = "program.built", scope = PLAYBACK, linkage = rollup)]
struct NameOfABuild {
    /// Which release it is.
    #[field(release = ["1.4.0+g3a"], example = "1.4.1")]
    release: String,
}

/// The program was stopped.
#[derive(candor::Event)]
#[event(name = "program.stopped", scope = PLAYBACK, linkage = rollup)]
struct Twice {
    /// Which release it is.
    #[field(release = ["1.4.0", "1.4.1", "1.4.1"], example = "1.4.1")]
    release: String,
}

/// The program was updated.
#[derive(candor::Event)]
#[event(name = "program.updated", scope = PLAYBACK, linkage = rollup)]
struct NotRising {
    /// Which release it is.
    #[field(release = ["1.10.0", "1.9.0"], example = "1.9.0")]
    release: String,
}

const RELEASES: [&str; 9] = ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.6.0", "1.7.0", "1.8.0"];

/// The program was removed.
#[derive(candor::Event)]
#[event(name = "program.removed", scope = PLAYBACK, linkage = rollup)]
struct Nine {
    /// Which release it is.
    #[field(release = RELEASES, example = "1.8.0")]
    release: String,
}

fn main() {}
