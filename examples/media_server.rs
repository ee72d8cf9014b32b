//! A media server that asks for consent before it counts anything, run with real files.
//!
//! It finds audio and video files and shows the person candor's own notice in the terminal. It then streams each file over
//! HTTP on loopback. At the end it prints what it measured next to what was sent: a bucket bound instead of a bitrate, a
//! range instead of a running time, and one daily roll-up instead of a list of plays. A file's title only
//! decides whether the file is sampled. It is printed on the person's own terminal, and is neither stored nor sent.
//!
//! ```text
//! cargo run --example media_server -- ~/Music /srv/films
//! printf 'y\n' | cargo run --example media_server -- /usr/share/sounds/freedesktop
//! ```
//!
//! No command line option gives consent: the answer is read from standard input, and Enter means no. Playing takes no real
//! time, because a server measures bytes. The day ends early because the example uses its own clock. All data stays on this
//! computer, in a temporary directory that is removed at the end.

#[path = "support/media.rs"]
mod media;
mod support;

use candor::{AddressLog, Audience, Category, Clock, Config, Controller, Erasure, Event, Unit, consent};
use media::{Found, Medium, Served, Server};
use std::{
    error::Error,
    io::{self, BufRead, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};
use support::Receiver;

// ---- What the program may send, and what it promises about it ----

const CONTROLLER: Controller = Controller::new("Example Media SAS", "privacy@example.org", "FR")
    .address("1 rue de l'Exemple, 75001 Paris")
    .authority("CNIL")
    .processors(&[])
    .hosting_countries(&["FR"])
    .onward_sharing(&[])
    .address_log(AddressLog::NotKept)
    .erasure(Erasure::WithinDays(30));

candor::scope! {
    /// Find out which formats stutter or break off, so that those are fixed first.
    pub PLAYBACK = "playback" {
        title: "Playback statistics", revision: 1, about: installation, retention: 90 days,
        benefit: "Fewer films that stutter",
        other_uses: none,
        also_never: ["identifying what you watch"],
    }
}

// Nine codecs, because an event may have at most 1,024 outcomes: 15 bitrates x 7 durations x 9 codecs = 945.
/// How a stream is encoded.
#[derive(Debug, Clone, Copy, Category)]
enum Codec {
    H264,
    Hevc,
    Av1,
    Vp9,
    Aac,
    Mp3,
    VorbisOrOpus,
    Lossless,
    Other,
}

/// A stream ended or was stopped.
#[derive(Debug, Clone, Copy, Event)]
#[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup, every = day, reason = "this demonstration lasts a few days")]
struct PlaybackFinished<'a> {
    /// Which file it was.
    #[field(item, one_in = 1, reason = "this demonstration shows what becomes of every file")]
    file: &'a str,
    /// Average bitrate of the stream.
    #[field(bitrate, example = 4_213_000)]
    bitrate: Option<u64>,
    /// How long it played.
    #[field(media_duration, example = "1:30:31")]
    duration: Option<Duration>,
    /// How the picture is encoded, or where there is none, the sound.
    codec: Codec,
}

// A separate event: one more boolean next to the three fields above would exceed the budget of 1,024 outcomes.
/// The server finished sending a stream.
#[derive(Debug, Clone, Copy, Event)]
#[event(name = "stream.served", scope = PLAYBACK, linkage = rollup)]
struct StreamServed {
    /// Whether it was sent to its end.
    complete: bool,
}

impl<'a> PlaybackFinished<'a> {
    /// What a server knows about a stream. If the stream broke off, the part that was sent counts as played.
    fn of(medium: &'a Medium, served: Served) -> Self {
        let share = if served.complete { 1.0 } else { (served.bytes as f64 / medium.bytes.max(1) as f64).min(1.0) };
        let duration = medium.duration.map(|duration| duration.mul_f64(share));
        PlaybackFinished { file: &medium.title, bitrate: medium.bitrate, duration, codec: medium.codec }
    }
}

// ---- The program ----

fn main() -> ExitCode {
    match run(&mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output closed the pipe, for example `head`. That is not an error.
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("media_server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let found = media::find(&folders()?);
    say_what_was_found(out, &found)?;
    if found.media.is_empty() {
        return Ok(());
    }

    let receiver = Receiver::start()?;
    let clock = Wall::default();
    let store = tempfile::tempdir()?;
    let config = Config::new("org.example.media", CONTROLLER, Audience::Adults)
        .endpoint(receiver.endpoint())
        .directories(store.path().join("data"), store.path().join("config"))
        .clock(clock.clone())
        .lift_ci_block(); // this example also runs without a person, in CI; a real program keeps the block
    let _candor = candor::init(config)?;

    let agreed = ask(out)?;
    let plays = play(out, &found.media)?;
    if !agreed {
        return show_that_nothing_is_there(out, store.path(), &receiver);
    }
    show_raw_and_sent(out, &plays)?;
    show_the_day(out, &clock, &receiver)
}

/// The folders from the command line, or the usual media folders if none is given. Fails on options: there are none.
fn folders() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let asked: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    match asked.iter().find(|path| path.as_os_str().as_encoded_bytes().starts_with(b"-")) {
        Some(option) => Err(format!(
            "there are no options, such as `{}`: name folders, and answer the question yourself",
            option.display()
        )
        .into()),
        None if asked.is_empty() => Ok(media::usual_folders()),
        None => Ok(asked),
    }
}

/// Asks with the notice that candor generates from the program's declarations, and records the answer. Returns whether
/// consent was given.
fn ask(out: &mut impl Write) -> Result<bool, Box<dyn Error>> {
    if let Some(by) = consent::status(PLAYBACK)?.blocked_by {
        writeln!(out, "Reports are switched off by {by}, so there is nothing to ask.\n")?;
        return Ok(false);
    }
    let notice = consent::notice(PLAYBACK)?;
    write!(out, "{notice}\nDo you agree? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    // Enter, a closed terminal and any answer other than yes are a refusal.
    let agreed = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    let receipt = if agreed {
        consent::grant(PLAYBACK.shown(&notice).via("media_server/terminal"))?
    } else {
        consent::deny(PLAYBACK)?
    };
    writeln!(out, "\n{receipt}")?;
    Ok(agreed)
}

/// Streams every file and records the end of each stream. Does the same whatever the person answered.
fn play<'m>(
    out: &mut impl Write,
    media: &'m [Medium],
) -> Result<Vec<(&'m Medium, PlaybackFinished<'m>)>, Box<dyn Error>> {
    let server = Server::start(media.iter().map(|medium| medium.path.clone()).collect())?;
    let (mut plays, mut bytes, mut made) = (Vec::new(), 0, 0);
    for (index, medium) in media.iter().enumerate() {
        let served = match server.play(index) {
            Ok(served) => served,
            Err(error) => {
                writeln!(out, "  skipped while playing: {}: {error}", medium.title)?;
                continue;
            }
        };
        candor::record_with(|| {
            made += 1;
            PlaybackFinished::of(medium, served)
        });
        candor::record_with(|| StreamServed { complete: served.complete });
        bytes += served.bytes;
        plays.push((medium, PlaybackFinished::of(medium, served)));
    }
    writeln!(out, "Streams played over HTTP: {}, {bytes} bytes. The event was made {made} times.", plays.len())?;
    Ok(plays)
}

// ---- What a person can see of it ----

fn say_what_was_found(out: &mut impl Write, found: &Found) -> io::Result<()> {
    for (path, why) in &found.skipped {
        writeln!(out, "Skipped {path:?}: {why}")?;
    }
    if found.full {
        writeln!(out, "There is more: this example stops at 1,000 files and 8 folders deep.")?;
    }
    if found.media.is_empty() {
        return writeln!(out, "{HOW_TO_GET_MEDIA}");
    }
    writeln!(out, "Media files found: {} ({} symbolic links not followed).", found.media.len(), found.links)?;
    if found.media.iter().all(|medium| medium.duration.is_some_and(|duration| duration < Duration::from_secs(60))) {
        writeln!(out, "All of them are shorter than a minute, so all durations fall on one rung.")?;
    }
    writeln!(out)
}

const HOW_TO_GET_MEDIA: &str = "\
No audio or video found. Name a folder: cargo run --example media_server -- FOLDER…
On Debian, two packages have some:
  apt-get install sound-theme-freedesktop   short sounds, in /usr/share/sounds/freedesktop; all on one duration rung
  apt-get install planetblupi-music-ogg     music of 10 to 30 minutes, in /usr/share/planetblupi/music
  apt-get install frozen-bubble-data        music and sounds of many bitrates, in /usr/share/games/frozen-bubble/snd";

/// After a refusal: shows what is on disk and what the receiver got.
fn show_that_nothing_is_there(out: &mut impl Write, store: &Path, receiver: &Receiver) -> Result<(), Box<dyn Error>> {
    let _ = candor::flush(Duration::from_secs(1))?; // there is no consent, so there is nothing to send
    writeln!(out, "\nOn disk is the choice, if there was one, and nothing else:")?;
    for (path, bytes) in media::files_below(store)? {
        writeln!(out, "  {:>6} bytes  {}", bytes, path.strip_prefix(store)?.display())?;
    }
    writeln!(out, "At the receiver: {} connections, {} bytes.", receiver.connections(), receiver.bytes())?;
    Ok(())
}

/// Prints each file as it was measured and as it is kept. Both come from the code that records.
fn show_raw_and_sent(out: &mut impl Write, plays: &[(&Medium, PlaybackFinished<'_>)]) -> io::Result<()> {
    let raw = |unit: Unit, value: Option<u64>| {
        value.and_then(|value| i64::try_from(value).ok()).map_or("not known".into(), |value| unit.words(value))
    };
    writeln!(out, "\nWhat was measured, and what is kept of it (a file's name is shown here and goes nowhere):\n")?;
    writeln!(out, "{:<30} {:>12} | {:<30} {:>9} | {:<20} codec", "file", "bitrate", "sent", "duration", "sent")?;
    for (medium, event) in plays {
        let sent = candor::preview(event);
        let words = |name: &str| sent.iter().find(|(field, _)| *field == name).map_or("", |(_, words)| words.as_str());
        writeln!(
            out,
            "{:<30.30} {:>12} | {:<30} {:>9} | {:<20} {}",
            medium.title,
            raw(Unit::BitsPerSecond, event.bitrate),
            words("bitrate"),
            raw(Unit::Seconds, event.duration.map(|duration| duration.as_secs())),
            words("duration"),
            words("codec"),
        )?;
    }
    Ok(())
}

/// Ends the day, then shows what was counted on this computer and what was sent. Fails if candor's sent log differs from
/// it.
fn show_the_day(out: &mut impl Write, clock: &Wall, receiver: &Receiver) -> Result<(), Box<dyn Error>> {
    let _ = candor::flush(Duration::from_secs(5))?; // does not end the day, so none of these counts is sent yet
    writeln!(out, "\nToday's counts, which stay here until the day is over ({} bytes sent):", receiver.bytes())?;
    for grown in candor::manifest()?.scope(PLAYBACK).map_or(&[][..], |page| &page.growing) {
        let values: Vec<String> = grown.values.iter().map(|(field, words)| format!("{field} {words}")).collect();
        writeln!(out, "  {:>5} x  {}: {}", grown.count, grown.event, values.join(", "))?;
    }

    clock.advance_a_day();
    if let Some(trouble) = candor::flush(Duration::from_secs(5))?.trouble {
        return Err(trouble.into());
    }
    let requests = receiver.requests();
    if requests.is_empty() {
        writeln!(out, "\nA day later nothing left: what happened once in a day waits for company. Play more files.")?;
        return Ok(());
    }
    writeln!(
        out,
        "\nA day later, on this example's own clock: the day's roll-up, as it was sent (the counts are rounded at random, so that sums are right)."
    )?;
    for record in receiver.records() {
        let fields = record.attributes.iter().filter(|(key, _)| *key != "log.record.uid" && *key != "candor.divisor");
        let fields: Vec<String> = fields.map(|(key, value)| format!("{key}={value}")).collect();
        writeln!(out, "  {}  {}", record.event, fields.join("  "))?;
    }
    let manifest = candor::manifest()?;
    let sent = manifest.scope(PLAYBACK).map_or(&[][..], |page| &page.sent);
    for request in &requests {
        let body = String::from_utf8_lossy(&request.body);
        let json = body.trim_end_matches(' ');
        writeln!(out, "\nThe request, as the receiver got it:\n\n{}\n\n{json}", request.head)?;
        writeln!(out, "\n(and {} spaces, so that its length says little)", body.len() - json.len())?;
    }
    if !requests.iter().map(|request| &request.body[..]).eq(sent.iter().map(|page| page.body.as_bytes())) {
        return Err("what the receiver got is not what candor's sent log says".into());
    }
    let lines = requests.iter().map(|request| request.records().len()).sum::<usize>();
    writeln!(out, "candor's sent log holds the same, byte for byte: {} request, {lines} lines.", sent.len())?;
    Ok(())
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The computer's clock, moved forward by as many days as the example needs.
#[derive(Debug, Clone, Default)]
struct Wall {
    days: Arc<AtomicU64>,
}

impl Wall {
    fn advance_a_day(&self) {
        self.days.fetch_add(1, Ordering::SeqCst);
    }
}

impl Clock for Wall {
    fn now(&self) -> SystemTime {
        SystemTime::now() + Duration::from_secs(self.days.load(Ordering::SeqCst) * 86_400)
    }
}
