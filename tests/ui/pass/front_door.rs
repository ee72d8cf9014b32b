//! The declarations of the front page, as an application writes them.

#![forbid(unsafe_code)]
#![deny(missing_docs, warnings)]

use candor::{Category, Event};

candor::scope! {
    /// Find out which formats stutter, so that those decoders are fixed first.
    pub PLAYBACK = "playback" {
        title: "Playback statistics", revision: 1, about: installation, retention: 90 days,
        benefit: "Fewer films that stutter",
        training: no, sale_or_sharing: no, advertising: no, profiling: no, judging_workers: no,
        also_never: ["identifying what you watch"],
    }

    /// Count which servers can't be reached, so that the right time-outs are found.
    pub CONNECTIVITY = "connectivity" {
        retention: 30 days, revision: 2, title: "Connection problems", about: installation,
        benefit: "Servers that are found sooner",
        other_uses: none,
        also_never: none
    }
}

/// How the video was coded.
#[derive(Category)]
pub enum Codec {
    /// Also called AVC.
    H264,
    /// The name that most people know.
    #[category(rename = "h265")]
    Hevc,
    /// The newest.
    Av1,
    /// Anything else.
    Other,
}

/// A stream ended or was stopped.
#[derive(Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
pub struct PlaybackFinished {
    /// Which film it was.
    #[field(item)]
    pub film: &'static str,
    /// Average bitrate of the stream.
    #[field(bitrate, example = 4_213_000)]
    pub bitrate: u64,
    /// How long it played.
    #[field(media_duration, example = "1:30:31")]
    pub duration: std::time::Duration,
    /// How it was coded.
    pub codec: Codec,
}

/// A media server could not be reached.
#[derive(Event)]
#[event(name = "server.unreachable", scope = CONNECTIVITY, linkage = month, about = installation)]
pub struct ServerUnreachable<'a> {
    /// Which server, so that one broken server isn't counted as many.
    #[field(hash, example = "nas.local")]
    pub server: &'a str,
    /// Whether it had been reached before.
    pub known: bool,
}

fn main() {
    candor::record(PlaybackFinished { film: "a", bitrate: 1, duration: std::time::Duration::ZERO, codec: Codec::Av1 });
    candor::record(ServerUnreachable { server: "nas.local", known: true });
    for codec in [Codec::H264, Codec::Hevc, Codec::Other] {
        candor::record(PlaybackFinished { film: "a", bitrate: 1, duration: std::time::Duration::ZERO, codec });
    }
    let schema = PlaybackFinished::schema();
    assert_eq!(schema.name(), "playback.finished");
    assert_eq!(schema.doc(), "A stream ended or was stopped.");
    assert_eq!(schema.outcomes(), 14 * 6 * 4);
    let labels = schema.fields()[2].precision;
    assert_eq!(labels, candor::Precision::Labels(&["h264", "h265", "av1", "other"]));
    assert_eq!(schema.fields()[1].example_raw(), "1:30:31");
    assert_eq!(PLAYBACK.purpose(), "Find out which formats stutter, so that those decoders are fixed first.");
    assert_eq!(ServerUnreachable::schema().scope(), CONNECTIVITY);
}
