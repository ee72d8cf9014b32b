//! Every privacy class with every kind of value it takes, and what the messages about exact media ask for.

#![forbid(unsafe_code)]
#![deny(missing_docs, warnings)]

use candor::Event;
use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

include!("../support/scopes.rs");

/// `event_exact_media`, fixed in the one step that its messages ask for.
#[derive(Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// Which film it was.
    #[field(item)]
    film: String,
    /// Average bitrate of the stream.
    #[field(bitrate, example = 4_213_000)]
    bitrate: u64,
    /// How long it played.
    #[field(media_duration, example = "1:30:31")]
    duration: Duration,
}

/// `event_exact_within`, fixed in the one step that its message asks for.
#[derive(Event)]
#[event(name = "playback.began", scope = PLAYBACK, linkage = rollup)]
struct PlaybackBegan {
    /// How long the first picture took.
    #[field(latency, example = 120)]
    first_picture: u32,
    /// How full the buffer was.
    #[field(ratio, example = 0.73)]
    buffer: f64,
}

/// Sizes of what is no content, in a group of their own.
#[derive(Event)]
#[event(name = "cache.cleared", scope = PLAYBACK, linkage = none)]
struct CacheCleared {
    /// How large it was.
    #[field(byte_size, group = "cache", reason = "it is the cache's size", example = 734_003_200)]
    bytes: u64,
    /// How old the oldest file was.
    #[field(age, example = 40)]
    oldest: Duration,
}

/// `event_content_by_size` and `event_content_as_lines`, fixed in the ways that their messages name.
#[derive(Event)]
#[event(name = "file.served", scope = PLAYBACK, linkage = none)]
struct FileServed {
    /// How large it was.
    #[field(byte_size, group = "other", reason = "it is a file of the program itself", example = 734_003_200)]
    bytes: u64,
    /// How long that took.
    #[field(duration, example = "1:10")]
    took: Duration,
}

/// A size alone is not content, and neither is a time.
#[derive(Event)]
#[event(name = "file.stored", scope = PLAYBACK, linkage = none)]
struct FileStored {
    /// How large it was.
    #[field(byte_size, example = 734_003_200)]
    bytes: u64,
    /// How long that took.
    #[field(latency, example = 120)]
    took: Duration,
}

const RELEASES: &[&str] = &["1.4.0", "1.4.1", "2.0.0-rc.1"];

/// Releases from a list and from a constant.
#[derive(Event)]
#[event(name = "program.started", scope = PLAYBACK, linkage = none)]
struct Started<'a> {
    /// Which release it is.
    #[field(release = RELEASES, example = "1.4.1")]
    release: &'a str,
    /// Which one it was before.
    #[field(release = ["1.4.0", "1.4.1"], example = "1.4.1")]
    before: Option<String>,
}

/// `event_exact_media`, if the length is not one of media.
#[derive(Event)]
#[event(name = "job.ended", scope = PLAYBACK, linkage = none)]
struct JobEnded {
    /// How long it ran.
    #[field(duration, example = "1:30:31")]
    duration: Duration,
    /// How fast the line was.
    #[field(bitrate, group = "other", reason = "it is the line, not a film", example = 4_213_000)]
    bitrate: u64,
}

/// Numbers.
#[derive(Event)]
#[event(name = "seen.numbers", scope = PLAYBACK, linkage = none)]
struct Numbers {
    /// Steps.
    #[field(step = 25, top = 100, unit = "per mille", example = 37)]
    step: u16,
    /// Steps on both sides of 0.
    #[field(signed_step = 360, from = -720, top = 720, unit = "min", example = -61)]
    offset: i32,
    /// A ladder.
    #[field(ladder = [0, 10, 100], unit = "ms", example = 37)]
    ladder: Duration,
    /// Exactly.
    #[field(exact, top = 3, reason = "two is all there are in most homes", example = 2)]
    exact: u8,
}

/// More numbers.
#[derive(Event)]
#[event(name = "seen.more", scope = PLAYBACK, linkage = none)]
struct More {
    /// Digits.
    #[field(digits = 1, top = 1_000, unit = "ms", example = 371)]
    digits: u64,
    /// Buckets.
    #[field(log_buckets = 25, from = 10, top = 1_000, unit = "ms", example = 371)]
    buckets: f64,
}

/// Times.
#[derive(Event)]
#[event(name = "seen.times", scope = PLAYBACK, linkage = none)]
struct Times {
    /// When it was installed.
    #[field(date = quarter, from = "2026-01", count = 8, example = "2026-11-22")]
    installed: SystemTime,
    /// At what time of the day.
    #[field(hour_band, example = 20)]
    hour: u8,
    /// On what day.
    #[field(weekend, example = 6)]
    weekday: Option<u32>,
}

/// Text.
#[derive(Event)]
#[event(name = "seen.text", scope = PLAYBACK, linkage = none)]
struct Text<'a> {
    /// Which version the server says it has.
    #[field(version = ["12.0", "12.4", "13"], example = "12.4.1-beta+g3a")]
    server: &'a str,
    /// How the person reads.
    #[field(vocabulary = ["left_to_right", "right_to_left"], example = "left_to_right")]
    direction: Cow<'a, str>,
    /// What kind of file.
    #[field(extension = ["mkv", "mp4"], example = "film.mkv")]
    file: PathBuf,
    /// Whether there was a title.
    #[field(presence)]
    title: Option<Vec<u8>>,
    /// Where the server is.
    #[field(network_address, example = "192.168.1.20")]
    address: IpAddr,
}

/// More text.
#[derive(Event)]
#[event(name = "seen.shape", scope = PLAYBACK, linkage = none)]
struct Shape {
    /// The language.
    #[field(locale, example = "de-AT")]
    language: Arc<str>,
    /// What was typed.
    #[field(text_shape, example = "two words")]
    typed: String,
}

/// A picture that is no content, and how much of the screen it takes.
#[derive(Event)]
#[event(name = "window.opened", scope = PLAYBACK, linkage = none)]
struct WindowOpened {
    /// How large it was.
    #[field(resolution, group = "window", reason = "it is the program's own window", example = "1920x1080")]
    size: (u32, u32),
    /// How much of the screen that is.
    #[field(ratio, example = 0.73)]
    share: Option<f32>,
}

/// A code and a group beside it.
#[derive(Event)]
#[event(name = "server.lost", scope = CONNECTIVITY, linkage = month)]
struct ServerLost {
    /// Which server.
    #[field(hash, example = "nas.local")]
    server: String,
    /// One of 16 groups of servers.
    #[field(cohort = 4, domain = "group", example = "nas.local")]
    group: String,
    /// From where.
    #[field(network_address, example = "::1")]
    from: SocketAddr,
}

fn main() {
    candor::record(PlaybackFinished { film: "a".into(), bitrate: 1, duration: Duration::ZERO });
    candor::record(PlaybackBegan { first_picture: 1, buffer: 0.5 });
    let words = |event: Vec<(&'static str, String)>| event.into_iter().map(|(_, words)| words).collect::<Vec<_>>();
    assert_eq!(
        words(candor::preview(&CacheCleared { bytes: 70_000, oldest: Duration::from_secs(86_400) })),
        ["64 KiB to under 256 KiB", "1 to under 7 days"]
    );
    let (hour, bytes) = (Duration::from_secs(3_600), 70_000);
    assert_eq!(
        words(candor::preview(&FileServed { bytes, took: hour })),
        ["64 KiB to under 256 KiB", "60 to under 240 min"]
    );
    assert_eq!(words(candor::preview(&FileStored { bytes, took: hour })), ["64 KiB to under 256 KiB", "60 s or more"]);
    candor::record(JobEnded { duration: hour, bitrate: 1 });
    let started = |release, before: &str| words(candor::preview(&Started { release, before: Some(before.into()) }));
    assert_eq!(started("2.0.0-rc.1", "1.4.0+debian1"), ["2.0.0-rc.1", "1.4.0"]);
    assert_eq!(started("1.3.9", "2.0.0"), ["older", "other"]);
    let (step, offset, ladder, exact) = (60, -1, Duration::from_millis(99), 3);
    assert_eq!(
        words(candor::preview(&Numbers { step, offset, ladder, exact })),
        ["5 % to under 7.5 %", "-360 to under 0 min", "10 ms to under 100 ms", "3 or more"]
    );
    assert_eq!(words(candor::preview(&More { digits: 371, buckets: 9.99 })), ["300 ms to under 400 ms", "0 ms to under 10 ms"]);
    let installed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_305_600);
    assert_eq!(
        words(candor::preview(&Times { installed, hour: 24, weekday: Some(7) })),
        ["2026-10-01 to before 2027-01-01", "not sent", "yes"]
    );
    let event = Text {
        server: "v12.7",
        direction: "LEFT_TO_RIGHT".into(),
        file: "/a/b.MKV".into(),
        title: Some(vec![]),
        address: Ipv4Addr::new(192, 168, 1, 20).into(),
    };
    assert_eq!(words(candor::preview(&event)), ["12.4 to before 13.0", "left_to_right", "mkv", "yes", "private"]);
    let event = Shape { language: "de_AT.UTF-8".into(), typed: "four".into() };
    assert_eq!(words(candor::preview(&event)), ["de", "ascii_1_8"]);
    let opened = |share| words(candor::preview(&WindowOpened { size: (1_920, 1_080), share }));
    assert_eq!(opened(Some(f32::NAN)), ["721 to 1080 lines", "not sent"]);
    assert_eq!(opened(Some(1.0)), ["721 to 1080 lines", "all"]);
    let from = SocketAddr::new(IpAddr::from([8, 8, 8, 8]), 80);
    let lost = candor::preview(&ServerLost { server: "a".into(), group: "a".into(), from });
    assert_eq!(lost.last().map(|(_, words)| words.as_str()), Some("global_v4"));
}
