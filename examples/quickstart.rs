//! The front door, end to end, against a receiver that this program starts on loopback.
//! Run it with `cargo run --example quickstart`.

#[path = "support/stage.rs"]
mod stage;
mod support;

use candor::{AddressLog, Audience, Category, Config, Controller, Erasure, Event, consent};
use stage::{DAY, StageClock};
use std::{error::Error, time::Duration};
use support::Receiver;

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
}
#[derive(Category)]
enum Codec {
    H264,
    Hevc,
    Other,
}
/// A stream ended or was stopped.
#[derive(Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
struct PlaybackFinished {
    /// Average bitrate of the stream.
    #[field(bitrate, example = 4_213_000)]
    bitrate: u64,
    /// How long it played.
    #[field(media_duration, example = "1:30:31")]
    duration: Duration,
    /// The video format.
    codec: Codec,
}
/// A media server could not be reached.
#[derive(Event)]
#[event(name = "server.unreachable", scope = CONNECTIVITY, linkage = month)]
struct ServerUnreachable<'a> {
    /// Which server, so that one broken server isn't counted as many.
    #[field(hash, example = "nas.local")]
    server: &'a str,
    /// Whether it had answered before.
    known: bool,
}
const CONTROLLER: Controller = Controller {
    legal_name: "Example Player SAS",
    address: "1 rue de l'Exemple, 75001 Paris",
    country: "FR",
    contact: "privacy@example.org",
    data_protection_officer: None,
    authority: Some("CNIL"),
    processors: &[],
    hosting_countries: &["FR"],
    transfer_safeguard: None,
    onward_sharing: &[],
    address_log: AddressLog::NotKept,
    erasure: Erasure::WithinDays(30),
};

/// The program at work: three films and one broken server. Answers how many events it recorded.
fn an_evening() -> u64 {
    for (bitrate, minutes, codec) in
        [(4_213_000, 91, Codec::Hevc), (4_890_000, 105, Codec::Hevc), (9_100_000, 44, Codec::H264)]
    {
        candor::record(PlaybackFinished { bitrate, duration: Duration::from_secs(minutes * 60 + 31), codec });
    }
    candor::record_with(|| ServerUnreachable { server: "nas.local", known: true });
    4
}

fn main() -> Result<(), Box<dyn Error>> {
    let (receiver, clock, home) = (Receiver::start()?, StageClock::default(), tempfile::tempdir()?);
    let config = Config::new("org.example.player", CONTROLLER, Audience::Adults).endpoint(receiver.endpoint());
    let config = config.directories(home.path().join("data"), home.path().join("config"));
    let _candor = candor::init(config.clock(clock.clone()).lift_ci_block())?; // touches nothing

    println!(
        "== 1. Nobody was asked: {:?} and {:?}",
        consent::status(PLAYBACK)?.state,
        consent::status(CONNECTIVITY)?.state
    );
    let recorded_before_grant = an_evening();
    let kept_before_grant = stage::entries_below(home.path());
    println!(
        "{recorded_before_grant} events recorded, {kept_before_grant} files kept, {} bytes received\n",
        receiver.bytes()
    );
    println!("== 2. What the person is shown\n{}", consent::notice(PLAYBACK)?);
    println!(
        "== 3. The person says yes to both\n{}",
        consent::grant(PLAYBACK.shown(&consent::notice(PLAYBACK)?).via("quickstart"))?
    );
    consent::grant(CONNECTIVITY)?;
    an_evening();
    println!("== 4. The manifest: what grows, what waits\n{}", candor::manifest()?);
    clock.advance(DAY);
    println!("== 5. {} day later: {:?}", clock.days_ahead(), candor::flush(Duration::from_secs(10))?);
    stage::print_requests(&receiver);
    let manifest = candor::manifest()?;
    let (bytes_equal, received) = (stage::same_bytes(&manifest, &receiver), receiver.records().len());
    let (contributions, lines) = stage::contributions_and_lines(&manifest);
    println!("== 6. Raw beside sent");
    stage::print_examples(&manifest);

    println!("\n== 7. The person changes their mind");
    an_evening();
    println!("{}{}", consent::withdraw(PLAYBACK)?, consent::withdraw(CONNECTIVITY)?);
    let before = receiver.requests().len();
    an_evening();
    clock.advance(DAY);
    candor::flush(Duration::from_secs(10))?;
    let received_after_withdraw = receiver.requests().len() - before;
    println!(
        r#"{{"recorded_before_grant":{recorded_before_grant},"kept_before_grant":{kept_before_grant},"contributions":{contributions},"lines":{lines},"received":{received},"bytes_equal":{bytes_equal},"received_after_withdraw":{received_after_withdraw}}}"#
    );
    Ok(())
}
