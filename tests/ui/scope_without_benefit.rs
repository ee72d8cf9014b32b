candor::scope! {
    /// Find out which formats stutter, so that those decoders are fixed first.
    pub PLAYBACK = "playback" {
        title: "Playback statistics", revision: 1, about: installation, retention: 90 days,
        training: no, sale_or_sharing: no, advertising: no, profiling: no, judging_workers: no,
    }
}

/// A stream ended or was stopped.
#[derive(candor::Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished;

fn main() {
    candor::record(PlaybackFinished);
}
