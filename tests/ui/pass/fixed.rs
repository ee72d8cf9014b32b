//! The mistakes in the folder above, each fixed in the one step that its message asks for.

#![forbid(unsafe_code)]
#![deny(missing_docs, warnings)]

use candor::{Category, Event};
use std::time::Duration;

include!("../support/scopes.rs");

/// A closed list in place of free text; `Other` in the list.
#[derive(Category)]
enum Kind {
    Film,
    Song,
    Other,
}

/// Labels that are written out where a variant's name makes none.
#[derive(Category)]
enum Size {
    #[category(rename = "large")]
    Großformat,
    Other,
}

/// A class and an example for each number.
#[derive(Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// Which film it was.
    #[field(item)]
    film: &'static str,
    /// What was played.
    title: Kind,
    /// How many bytes were read.
    #[field(count, example = 3)]
    bytes: u64,
    /// How long it played.
    #[field(media_duration, example = "1:30:31")]
    duration: Duration,
}

/// A class of the right type; content in a roll-up; three fields within the budget.
#[derive(Event)]
#[event(name = "playback.began", scope = PLAYBACK, linkage = rollup)]
struct PlaybackBegan {
    /// Which film it was.
    #[field(item)]
    film: &'static str,
    /// Average bitrate of the stream.
    #[field(bitrate, example = 4_213_000)]
    bitrate: u64,
    /// How large the picture is.
    size: Size,
    /// How often it stalled: not `count`, which the roll-up sends.
    #[field(count, example = 3)]
    items: u32,
}

/// A period for the code, one code, about this installation.
#[derive(Event)]
#[event(name = "server.unreachable", scope = CONNECTIVITY, linkage = session, about = installation)]
struct ServerUnreachable {
    /// Which server, so that one broken server isn't counted as many.
    #[field(hash, example = "nas.local")]
    server: String,
}

/// No code, and so no period.
#[derive(Event)]
#[event(name = "server.slow", scope = CONNECTIVITY, linkage = none)]
struct ServerSlow {
    /// Whether it had been reached before.
    known: bool,
}

candor::scope! {
    /// Count how often the search finds nothing, so that its index is fixed.
    SEARCH = "search" {
        title: "Search", revision: 1, about: installation, retention: 3650 days, benefit: "You find what you look for",
        training: yes("completing what you type"), sale_or_sharing: no, advertising: no, profiling: no,
        judging_workers: no, also_never: ["what you looked for", "when you looked for it"],
    }
}

/// A search found nothing.
#[derive(Event)]
#[event(name = "search.empty", scope = SEARCH, linkage = rollup)]
struct SearchEmpty;

fn main() {
    for title in [Kind::Film, Kind::Song, Kind::Other] {
        candor::record(PlaybackFinished { film: "a", title, bytes: 1, duration: Duration::ZERO });
    }
    for size in [Size::Großformat, Size::Other] {
        candor::record(PlaybackBegan { film: "a", bitrate: 1, size, items: 0 });
    }
    candor::record(ServerUnreachable { server: "nas.local".into() });
    candor::record(ServerSlow { known: true });
    candor::record(SearchEmpty);
    assert_eq!(SEARCH.retention_days(), 3_650);
    assert_eq!(SEARCH.also_never().len(), 2);
}
