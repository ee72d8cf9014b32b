//! Asks what the README's programs ask, of simulated installations, and compares the answers with what these
//! installations did.
//!
//! usage: readme README.md [INSTALLATIONS [DAYS]]
//!
//! Every installation is a real client with its own store. Its answers are read from the bodies that it sends. The
//! declarations below are those of the README. A difference fails.
#![expect(clippy::indexing_slicing, reason = "a program that measures; a panic is a failed measurement")]

use candor::{Answer, Audience, Category, Client, Clock, Config, Event, Parcel, SendError, Transport};
use candor_lab::CONTROLLER;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::Path,
    process::ExitCode,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

candor::scope! {
    /// Find out which features people use, so that those are improved first.
    pub USAGE = "usage" { title: "Usage statistics", revision: 1, about: installation, retention: 90 days,
        benefit: "The features that you use get better", other_uses: none }
}

candor::scope! {
    /// Find out what fails and what stutters, so that it is repaired first.
    pub QUALITY = "quality" { title: "Quality", revision: 1, about: installation, retention: 90 days,
        benefit: "Fewer exports that fail, fewer films that stutter", other_uses: none }
}

#[derive(Clone, Copy, Category)]
enum Feature {
    Search,
    Export,
    Share,
    Other,
}

/// A feature was used.
#[derive(Event)]
#[event(name = "feature.used", scope = USAGE, linkage = rollup)]
struct FeatureUsed {
    /// Which one.
    feature: Feature,
}

/// The program was used on this day.
#[derive(Event)]
#[event(name = "program.used", scope = QUALITY, once = day)]
struct ProgramUsed;

/// An export ended.
#[derive(Event)]
#[event(name = "export.ended", scope = QUALITY, linkage = rollup)]
struct ExportEnded<'a> {
    /// Whether it worked.
    ok: bool,
    /// Which release of this program made it.
    #[field(release = ["1.4.0", "1.4.1"], example = "1.4.1")]
    release: &'a str,
}

#[derive(Clone, Copy, Category)]
enum Codec {
    H264,
    Hevc,
    Av1,
    Other,
}

/// A stream ended or was stopped.
#[derive(Event)]
#[event(name = "playback.finished", scope = QUALITY, linkage = rollup)]
struct PlaybackFinished {
    /// The video format.
    codec: Codec,
    /// Whether it stuttered.
    stuttered: bool,
}

/// What the README says about the answers, in points.
const MOST: f64 = 1.5;
const DAY: u64 = 86_400;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("readme: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let readme = fs::read_to_string(args.next().ok_or("usage: readme README.md [INSTALLATIONS [DAYS]]")?)?;
    let installations: u64 = args.next().map_or(Ok(500), |text| text.parse())?;
    let days: u64 = args.next().map_or(Ok(7), |text| text.parse())?;
    as_declared(&readme, include_str!("main.rs"))?;
    if as_declared(&readme.replace("ok: bool", "ok: u8"), include_str!("main.rs")).is_ok() {
        return Err("the control: another declaration in the README is not noticed".into());
    }
    let directory = tempfile::Builder::new().prefix("candor-readme-").tempdir()?;
    let (mut did, mut told) = (Tally::default(), Tally::default());
    for number in 0..installations {
        let home = directory.path().join(number.to_string());
        installation(number, days, &home, &mut did, &mut told).map_err(|error| format!("{number}: {error}"))?;
        fs::remove_dir_all(&home)?;
    }
    Ok(compare(&did, &told, installations, days))
}

/// Checks that the README has every declaration of this program. Spaces, line breaks and comments at the end of a line may
/// differ.
fn as_declared(readme: &str, code: &str) -> Result<(), String> {
    let squeezed = |text: &str| {
        let plain = |line: &str| line.split(" // ").next().unwrap_or_default().replace("Clone, Copy, ", "");
        let text: String = text.lines().map(plain).collect();
        text.replace(char::is_whitespace, "").replace(",}", "}")
    };
    let whole = squeezed(readme);
    let declared = code.split_once("\ncandor::scope!").map_or("", |(_, rest)| rest);
    let declared = declared.split("\n/// What the README says").next().unwrap_or_default();
    let declared = format!("candor::scope!{declared}");
    match declared.split("\n\n").find(|item| !whole.contains(&squeezed(item))) {
        Some(item) => Err(format!("the README does not declare this:\n{item}")),
        None => Ok(()),
    }
}

/// How often each thing was done, by the event and the values of its fields.
#[derive(Default)]
struct Tally(BTreeMap<String, u64>);

impl Tally {
    fn add(&mut self, what: String, count: u64) {
        *self.0.entry(what).or_default() += count;
    }

    fn of(&self, begins: &str, has: &str) -> u64 {
        let fits = |what: &str| what.starts_with(begins) && what.contains(has);
        self.0.iter().filter(|(what, _)| fits(what)).map(|(_, count)| count).sum()
    }

    /// In per cent.
    fn share(&self, begins: &str, has: &str) -> f64 {
        100.0 * self.of(begins, has) as f64 / self.of(begins, "").max(1) as f64
    }
}

/// A clock that moves only when it is stepped.
#[derive(Clone)]
struct Steps(Arc<AtomicU64>);

impl Clock for Steps {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// Keeps the request bodies instead of sending them.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Vec<u8>>>>);

impl Transport for Kept {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        self.0.lock().map_err(|_| SendError::Stopped)?.push(parcel.body().to_vec());
        Ok(Answer::Accepted { rejected: 0 })
    }
}

/// Runs one installation for some days. Some do little and some do much, and each has its habits.
fn installation(number: u64, days: u64, home: &Path, did: &mut Tally, told: &mut Tally) -> Result<(), Box<dyn Error>> {
    let mut rng = fastrand::Rng::with_seed(number);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let clock = Steps(Arc::new(AtomicU64::new((now / DAY).saturating_sub(days + 2) * DAY + DAY / 2)));
    let kept = Kept::default();
    let config = Config::new("org.example.player", CONTROLLER, Audience::Adults)
        .transport("http://localhost:4318/v1/logs", kept.clone())
        .directories(home.join("data"), home.join("config"))
        .clock(clock.clone())
        .lift_ci_block();
    let client = Client::new(config)?;
    client.grant(USAGE)?;
    client.grant(QUALITY)?;
    // One in ten is ten times as busy as most.
    let busy = if rng.u8(..10) == 0 { 40 } else { 4 };
    let release = ["1.3.9", "1.4.0", "1.4.1", "1.4.1", "1.4.1", "1.5.0"][rng.usize(..6)];
    let shown = match release {
        "1.3.9" => "older",
        "1.5.0" => "other",
        listed => listed,
    };
    let (codecs, favourite) = ([Codec::H264, Codec::Hevc, Codec::Av1, Codec::Other], rng.usize(..4));
    let features = [Feature::Search, Feature::Export, Feature::Share, Feature::Other];
    for _ in 0..days {
        // Not used on each day, and several times on some.
        let times = [0, 0, 1, 3][rng.usize(..4)];
        (0..times).for_each(|_| client.record(ProgramUsed));
        did.add("program.used ".into(), u64::from(times > 0));
        for _ in 0..rng.u32(..=busy) {
            let at = [0, 0, 0, 0, 0, 0, 1, 1, 2, 3][rng.usize(..10)];
            client.record(FeatureUsed { feature: features[at] });
            did.add(format!("feature.used feature={} ", ["search", "export", "share", "other"][at]), 1);
        }
        for _ in 0..rng.u32(..=busy / 2) {
            // Two exports in a hundred fail, and ten of the older releases.
            let ok = rng.u32(..100) >= if shown == "older" { 10 } else { 2 };
            client.record(ExportEnded { ok, release });
            did.add(format!("export.ended ok={ok} release={shown} "), 1);
        }
        for _ in 0..rng.u32(..=busy) {
            let at = if rng.bool() { favourite } else { rng.usize(..4) };
            let stuttered = rng.u32(..100) < [1, 4, 12, 6][at];
            client.record(PlaybackFinished { codec: codecs[at], stuttered });
            did.add(
                format!("playback.finished codec={} stuttered={stuttered} ", ["h264", "hevc", "av1", "other"][at]),
                1,
            );
        }
        // What was recorded is written with the day on which it happened, and then the client notices that a day has
        // passed: between two looks at the clock it would take the new day for the old one.
        flush(&client)?;
        clock.0.fetch_add(DAY, Ordering::SeqCst);
        flush(&client)?;
    }
    clock.0.fetch_add(DAY, Ordering::SeqCst);
    flush(&client)?;
    drop(client);
    for body in kept.0.lock().map_err(|_| "a thread panicked")?.iter() {
        read(&serde_json::from_slice(body)?, told);
    }
    Ok(())
}

fn flush(client: &Client) -> Result<(), Box<dyn Error>> {
    match client.flush(Duration::from_secs(30))?.trouble {
        Some(trouble) => Err(trouble.into()),
        None => Ok(()),
    }
}

/// Adds up what a request says.
fn read(body: &Value, told: &mut Tally) {
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    for resource in list(body, "resourceLogs") {
        for scope in list(&resource, "scopeLogs") {
            for record in list(&scope, "logRecords") {
                let mut what = format!("{} ", record["eventName"].as_str().unwrap_or_default());
                let (mut count, mut divisor) = (1, 1);
                for attribute in list(&record, "attributes") {
                    let value = &attribute["value"];
                    let text = match (&value["stringValue"], &value["boolValue"], &value["intValue"]) {
                        (Value::String(text), ..) | (_, _, Value::String(text)) => text.clone(),
                        (_, flag, _) => flag.to_string(),
                    };
                    match attribute["key"].as_str().unwrap_or_default() {
                        "count" => count = text.parse().unwrap_or(1),
                        "candor.divisor" => divisor = text.parse().unwrap_or(1),
                        key => what += &format!("{key}={text} "),
                    }
                }
                told.add(what, count * divisor);
            }
        }
    }
}

/// Prints each answer beside the truth. Returns whether all of them are as close as the README says.
fn compare(did: &Tally, told: &Tally, installations: u64, days: u64) -> bool {
    let mut questions = Vec::new();
    for feature in ["search", "export", "share", "other"] {
        questions.push((
            format!("{feature} among the features used"),
            "feature.used ".to_owned(),
            format!("feature={feature} "),
        ));
    }
    questions.push(("exports that fail".into(), "export.ended ".into(), "ok=false ".into()));
    for codec in ["h264", "hevc", "av1", "other"] {
        questions.push((
            format!("{codec} that stutters"),
            format!("playback.finished codec={codec} "),
            "stuttered=true ".into(),
        ));
    }
    println!("{installations} installations, {days} days\n");
    println!("{:32} {:>8} {:>8} {:>7}", "per cent", "did", "told", "wrong");
    let mut worst: f64 = 0.0;
    let mut say = |question: &str, truth: f64, answer: f64| {
        println!("{question:32} {truth:8.2} {answer:8.2} {:7.2}", answer - truth);
        worst = worst.max((answer - truth).abs());
    };
    for (question, begins, has) in &questions {
        say(question, did.share(begins, has), told.share(begins, has));
    }
    for release in ["older", "1.4.0", "1.4.1", "other"] {
        let failed = |tally: &Tally| {
            let all = tally.of("export.ended ", &format!("release={release} "));
            100.0 * tally.of("export.ended ok=false ", &format!("release={release} ")) as f64 / all.max(1) as f64
        };
        say(&format!("exports of {release} that fail"), failed(did), failed(told));
    }
    let (used, said) = (did.of("program.used ", ""), told.of("program.used ", ""));
    println!("\ninstallations used, added up over the days: {used}, told {said}");
    println!("readme: the worst of {} shares is {worst:.2} points wrong, and {MOST} is the most", questions.len() + 4);
    worst <= MOST && used == said
}
