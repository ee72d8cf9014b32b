//! A test or a small program may declare everything where it is used.

#![forbid(unsafe_code)]
#![deny(missing_docs, warnings)]

use std::time::Duration;

fn main() {
    candor::scope! {
        /// Find out which formats stutter, so that those decoders are fixed first.
        PLAYBACK = "playback" {
            title: "Playback statistics", revision: 1, about: installation, retention: 1 day,
            benefit: "Fewer films that stutter", other_uses: none,
        }
    }

    #[derive(candor::Category)]
    enum Cause {
        Error,
        Other,
    }

    /// A stream ended or was stopped.
    #[derive(candor::Event)]
    #[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
    struct PlaybackFinished {
        /// Which film it was.
        #[field(item)]
        film: &'static str,
        /// How long it played.
        #[field(media_duration, example = "0:07")]
        duration: Duration,
        /// Why it ended.
        cause: Cause,
    }

    candor::record(PlaybackFinished { film: "a", duration: Duration::ZERO, cause: Cause::Error });
    candor::record(PlaybackFinished { film: "a", duration: Duration::ZERO, cause: Cause::Other });
}
