//! The events of the tested program: three scopes, and an event of each linkage.

use candor::{Category, Event};
use std::time::Duration;

candor::scope! {
    /// Find out which formats stutter, so that those decoders are fixed first.
    pub PLAYBACK = "playback" {
        title: "Playback statistics", revision: 1, about: installation, retention: 90 days,
        benefit: "Fewer films that stutter", other_uses: none, also_never: ["identifying what you watch"],
    }
    /// Find out which home servers drop connections, so that we handle those better.
    pub CONNECTIVITY = "connectivity" {
        title: "Connection problems", revision: 1, about: installation, retention: 30 days,
        benefit: "Fewer lost connections", other_uses: none,
    }
    /// Find out how large libraries are, so that the common size is fast.
    pub USAGE = "usage" {
        title: "Library sizes", revision: 2, about: installation, retention: 30 days,
        benefit: "Faster lists", other_uses: none,
    }
}

#[derive(Debug, Clone, Copy, Category)]
pub(crate) enum Codec {
    H264,
    Hevc,
    Other,
}

/// A stream ended or was stopped.
#[derive(Debug, Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup, every = day, reason = "a test lasts a few days")]
pub(crate) struct PlaybackFinished {
    /// Which film it was.
    #[field(item, one_in = 1, reason = "a test counts everything")]
    pub(crate) film: &'static str,
    /// Average bitrate of the stream.
    #[field(bitrate, example = 4_213_000)]
    pub(crate) bitrate: u64,
    /// How long it played.
    #[field(media_duration, example = "1:30:31")]
    pub(crate) duration: Duration,
    /// The video format.
    pub(crate) codec: Codec,
}

/// A film was opened: of few films, as everywhere.
#[derive(Debug, Event)]
#[event(name = "playback.opened", scope = PLAYBACK, linkage = rollup, every = day, reason = "a test lasts a few days")]
pub(crate) struct FilmOpened {
    /// Which film it was.
    #[field(item)]
    pub(crate) film: &'static str,
    /// Whether it had been begun before.
    pub(crate) resumed: bool,
}

/// Somebody jumped within a film.
#[derive(Debug, Event)]
#[event(name = "playback.jumped", scope = PLAYBACK, linkage = rollup)]
pub(crate) struct PlaybackJumped {
    /// Whether it went forward.
    pub(crate) forward: bool,
}

#[derive(Debug, Clone, Copy, Category)]
pub(crate) enum Cause {
    TimedOut,
    Refused,
    Other,
}

/// A media server could not be reached.
#[derive(Debug, Event)]
#[event(name = "server.unreachable", scope = CONNECTIVITY, linkage = month)]
pub(crate) struct ServerUnreachable<'a> {
    /// Which server, so that one broken server isn't counted as many.
    #[field(hash, example = "nas.local")]
    pub(crate) server: &'a str,
    /// Why.
    pub(crate) cause: Cause,
}

/// A media server answered late.
#[derive(Debug, Event)]
#[event(name = "server.slow", scope = CONNECTIVITY, linkage = day)]
pub(crate) struct ServerSlow<'a> {
    /// Which server.
    #[field(hash, example = "nas.local")]
    pub(crate) server: &'a str,
}

/// A media server was found.
#[derive(Debug, Event)]
#[event(name = "server.found", scope = CONNECTIVITY, linkage = session)]
pub(crate) struct ServerFound<'a> {
    /// Which server.
    #[field(hash, example = "nas.local")]
    pub(crate) server: &'a str,
}

/// The computer lost its network.
#[derive(Debug, Event)]
#[event(name = "network.lost", scope = CONNECTIVITY, linkage = none)]
pub(crate) struct NetworkLost {
    /// Whether it came back within a minute.
    pub(crate) came_back: bool,
}

/// The library was opened.
#[derive(Debug, Event)]
#[event(name = "library.opened", scope = USAGE, linkage = none)]
pub(crate) struct LibraryOpened {
    /// How many shelves it has.
    #[field(count, example = 3)]
    pub(crate) shelves: u64,
    /// Whether it is sorted, where that is known.
    pub(crate) sorted: Option<bool>,
}

/// The library was put in order, which is of interest for a while.
#[derive(Debug, Event)]
#[event(name = "library.tidied", scope = USAGE, linkage = none, until = "2099-06-30")]
pub(crate) struct LibraryTidied {
    /// Whether by hand.
    pub(crate) by_hand: bool,
}

/// The event that a library with this many shelves was opened.
pub(crate) fn opened(shelves: u64) -> LibraryOpened {
    LibraryOpened { shelves, sorted: None }
}

/// The event that a film was played to its end.
pub(crate) fn film() -> PlaybackFinished {
    PlaybackFinished { film: "a film", bitrate: 4_213_000, duration: Duration::from_secs(5_431), codec: Codec::Hevc }
}

/// The event that the server `nas.local` could not be reached.
pub(crate) fn unreachable() -> ServerUnreachable<'static> {
    ServerUnreachable { server: "nas.local", cause: Cause::TimedOut }
}
