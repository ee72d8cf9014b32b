//! A tour of the public functions, end to end, against a receiver that this program starts on loopback.
//! Run it with `cargo run --example quickstart`.

#[path = "support/stage.rs"]
mod stage;
mod support;

use candor::{
    Audience, Category, Config, Event,
    consent::{self, ErasureState},
};
use stage::{CONTROLLER, DAY, StageClock};
use std::{error::Error, time::Duration};

candor::scope! {
    /// Find out which formats stutter, so that those decoders are fixed first.
    pub PLAYBACK = "playback" {
        title: "Playback statistics", revision: 1, about: installation, retention: 90 days,
        benefit: "Fewer films that stutter", other_uses: none, also_never: ["identifying what you watch"],
    }
    /// Find out how many servers one person's connection problems come from, so that retries fit the common case.
    pub CONNECTIVITY = "connectivity" {
        title: "Connection problems", revision: 1, about: installation, retention: 30 days,
        benefit: "Fewer lost connections", other_uses: none,
    }
}

/// A stream ended or was stopped.
#[derive(Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup, every = day, reason = "this demonstration lasts a few days")] // counted locally, sent once a day
struct PlaybackFinished<'a> {
    /// Which film it was.
    // By default far fewer are counted: one in 1,024, and of these one in 16 each month. The value is neither stored nor sent.
    #[field(item, one_in = 64, reason = "this demonstration's library is made up")]
    film: &'a str,
    /// Average bitrate of the stream.
    #[field(bitrate, example = 4_213_000)]
    bitrate: u64,
    /// How long it played.
    #[field(media_duration, example = "1:30:31")]
    duration: Duration,
    /// The video format.
    codec: Codec,
}

#[derive(Category)]
#[rustfmt::skip]
#[expect(dead_code, reason = "this program plays no other")]
enum Codec { H264, Hevc, Other }

/// A media server could not be reached.
#[derive(Event)]
#[event(name = "server.unreachable", scope = CONNECTIVITY, linkage = month)] // each event is sent as a record of its own
struct ServerUnreachable<'a> {
    /// Which server, as a code, so that one broken server isn't counted as many.
    #[field(hash, example = "nas.local")]
    server: &'a str,
}

/// Simulates a large library that is played through and one broken server. Returns the number of events recorded.
fn a_long_day() -> u64 {
    for number in 0..20_000u64 {
        let (bitrate, minutes) = (2_000_000 + number * 360, 80 + number % 60);
        let codec = if number % 3 == 0 { Codec::H264 } else { Codec::Hevc };
        let duration = Duration::from_secs(minutes * 60 + 31);
        candor::record(PlaybackFinished { film: &format!("film {number}"), bitrate, duration, codec });
    }
    candor::record_with(|| ServerUnreachable { server: "nas.local" });
    20_001
}

fn config(endpoint: &str) -> Config {
    Config::new("org.example.player", CONTROLLER, Audience::Adults).endpoint(endpoint)
}

#[cfg(test)]
#[test]
fn nothing_more_is_sent_than_the_lock_says() -> Result<(), candor::Error> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/quickstart");
    candor::lock::check(directory, config("http://localhost:4318"))
}

fn main() -> Result<(), Box<dyn Error>> {
    let (receiver, clock, home) = (support::Receiver::start()?, StageClock::default(), tempfile::tempdir()?);
    let config = config(&receiver.endpoint());
    let config = config.directories(home.path().join("data"), home.path().join("config")).clock(clock.clone());
    let _candor = candor::init(config.lift_ci_block())?; // writes and sends nothing

    println!("== 1. Nobody was asked: {:?}", consent::status(PLAYBACK)?.state);
    let (recorded_before_grant, kept_before_grant) = (a_long_day(), stage::entries_below(home.path()));
    println!("{recorded_before_grant} events, {kept_before_grant} files, {} bytes received\n", receiver.bytes());
    let notice = consent::notice(PLAYBACK)?;
    println!("== 2. What the person is shown\n{notice}");
    println!("== 3. They say yes\n{}", consent::grant(PLAYBACK.shown(&notice).via("quickstart"))?);
    consent::grant(CONNECTIVITY)?; // the short form for everyday use
    a_long_day();
    println!("== 4. The manifest: what grows, what waits\n{}", candor::manifest()?);
    clock.advance(DAY);
    println!("== 5. {} day later: {:?}", clock.days_ahead(), candor::flush(Duration::from_secs(10))?);
    stage::print_requests(&receiver, 0);
    let manifest = candor::manifest()?;
    println!("== 6. Raw beside sent");
    stage::print_examples(&manifest);

    println!("\n== 7. The person changes their mind");
    a_long_day();
    println!("{}{}", consent::withdraw(PLAYBACK)?, consent::withdraw(CONNECTIVITY)?);
    let requests_before = receiver.requests().len();
    a_long_day();
    clock.advance(DAY);
    let _ = candor::flush(Duration::from_secs(10))?; // the receiver shows what came of it
    let summary = stage::summary(recorded_before_grant, kept_before_grant, &manifest, &receiver, requests_before);

    let question = consent::erasures(PLAYBACK)?.question().unwrap_or_default();
    println!(
        "== 8. {question}\n   [ Yes, ask them ]   [ No, leave it ]   They say yes: the request is stored, and then sent"
    );
    let mut status = consent::erase(PLAYBACK)?;
    while status.requests.iter().any(|request| request.state == ErasureState::Pending) {
        clock.advance(DAY); // each request has a random moment of its own within seven days
        let _ = candor::flush(Duration::from_secs(10))?; // the same
        status = consent::erasures(PLAYBACK)?;
    }
    stage::print_requests(&receiver, requests_before);
    println!("{status}");
    println!("{summary}");
    Ok(())
}
