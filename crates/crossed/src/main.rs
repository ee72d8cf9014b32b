//! Writes a store, or reads one that the same program wrote on another kind of computer. `.ci/crossed` builds it for
//! two platforms, lets each read the other's store, and compares the outputs byte for byte.
//!
//! `crossed write DIRECTORY` makes the store. `crossed read DIRECTORY` prints its content and never changes anything
//! that matters. `crossed go-on DIRECTORY` continues to use it: it computes the same codes, samples the same entities,
//! sends all pending data and withdraws a grant. The clock moves only when the program says so, so that two runs with
//! the same steps print the same.

#[path = "../../../examples/support/stage.rs"]
mod stage;
#[path = "../../../examples/support/mod.rs"]
mod support;

use candor::{Answer, Audience, Category, Client, Clock, Config, Event, Parcel, SendError, Transport, consent};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    error::Error,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

candor::scope! {
    /// Find out which servers drop connections, so that those are handled better.
    pub SERVERS = "servers" {
        title: "Servers", revision: 3, about: installation, retention: 30 days,
        benefit: "Fewer lost connections", other_uses: none,
    }
    /// Find out which formats stutter, so that those decoders are fixed first.
    pub FILMS = "films" {
        title: "Films", revision: 1, about: installation, retention: 90 days,
        benefit: "Fewer films that stutter", other_uses: none,
    }
    /// Find out how many pages people turn, so that turning is fast. This one is taken back.
    pub BOOKS = "books" {
        title: "Books", revision: 1, about: installation, retention: 30 days,
        benefit: "Pages that turn at once", other_uses: none,
    }
    /// Find out how much music people hear. Nobody ever agrees to this one.
    pub MUSIC = "music" {
        title: "Music", revision: 1, about: installation, retention: 30 days,
        benefit: "None", other_uses: none,
    }
}

/// A server could not be reached.
#[derive(Event)]
#[event(name = "server.unreachable", scope = SERVERS, linkage = month)]
struct ServerUnreachable<'a> {
    /// Which server.
    #[field(hash, example = "nas.local")]
    server: &'a str,
    /// How many times it was tried.
    #[field(count, example = 3)]
    tries: usize,
}

/// A server answered late.
#[derive(Event)]
#[event(name = "server.slow", scope = SERVERS, linkage = week)]
struct ServerSlow<'a> {
    /// Which server.
    #[field(hash, example = "nas.local")]
    server: &'a str,
}

/// A server was busy.
#[derive(Event)]
#[event(name = "server.busy", scope = SERVERS, linkage = day)]
struct ServerBusy<'a> {
    /// Which server.
    #[field(hash, example = "nas.local")]
    server: &'a str,
}

/// A film was played.
#[derive(Event)]
#[event(name = "film.played", scope = FILMS, linkage = rollup, every = day, reason = "a test lasts a few days")]
struct FilmPlayed<'a> {
    /// Which film.
    #[field(item)]
    film: &'a str,
    /// Average bitrate of the stream.
    #[field(bitrate, example = 4_213_000)]
    bitrate: u64,
    /// The video format.
    codec: Codec,
}

/// A film was looked for.
#[derive(Event)]
#[event(name = "film.sought", scope = FILMS, linkage = rollup)]
struct FilmSought {
    /// Whether it was found.
    found: bool,
    /// Whether anybody waited for it.
    waited: bool,
}

#[derive(Category)]
#[rustfmt::skip]
#[expect(dead_code, reason = "this program plays no other")]
enum Codec { H264, Hevc, Other }

/// A page was turned.
#[derive(Event)]
#[event(name = "page.turned", scope = BOOKS, linkage = none)]
struct PageTurned {
    /// How many pages the book has.
    #[field(count, example = 320)]
    pages: u32,
}

/// A song was heard.
#[derive(Event)]
#[event(name = "song.heard", scope = MUSIC, linkage = none)]
struct SongHeard {
    /// How many times before.
    #[field(count, example = 3)]
    before: u32,
}

const HOUR: u64 = 3_600;
/// Seconds: 2026-11-22, a Sunday, at noon. A clock that jumps by less than a week is still trusted.
const BEGAN: u64 = 1_795_348_800;
/// The writer's clock at the end, and each reader's at the start.
const LATER: u64 = BEGAN + 25 * HOUR;
const PATIENCE: Duration = Duration::from_secs(60);
/// Two short names, one that is longer than a block of the hash (64 bytes), and an empty one.
const SERVERS_MET: [&str; 4] =
    ["nas.local", "tv.local", "a server whose name needs more than a block of the hash, which are 64 bytes each", ""];

/// A clock that moves only when [`SteppedClock::pass`] is called.
#[derive(Clone)]
struct SteppedClock(Arc<AtomicU64>);

impl SteppedClock {
    fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for SteppedClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// Accepts and keeps each parcel, or fails as if there were no server.
#[derive(Clone, Default)]
struct Post {
    takes: Arc<AtomicBool>,
    taken: Arc<Mutex<Vec<(bool, String)>>>,
}

impl Transport for Post {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        if !self.takes.load(Ordering::SeqCst) {
            return Err(SendError::Network("there is nobody".into()));
        }
        let body = String::from_utf8_lossy(parcel.body()).into_owned();
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).push((parcel.is_erasure(), body));
        Ok(Answer::Accepted { rejected: 0 })
    }
}

struct Setup {
    client: Client,
    clock: SteppedClock,
    post: Post,
}

impl Setup {
    fn at(directory: &Path, seconds: u64) -> Result<Self, Box<dyn Error>> {
        let (clock, post) = (SteppedClock(Arc::new(AtomicU64::new(seconds))), Post::default());
        // This program can't ask a person. The block for CI is lifted explicitly.
        let config = Config::new("org.example.crossed", stage::CONTROLLER, Audience::Adults)
            .directories(directory.join("data"), directory.join("marks"))
            .transport("https://telemetry.example.org", post.clone())
            .clock(clock.clone())
            .version("12.4")
            .lift_ci_block();
        Ok(Setup { client: Client::new(config)?, clock, post })
    }

    /// Records the events of a day. They are the same for every caller.
    fn a_day(&self) {
        for (tries, server) in (1..).zip(SERVERS_MET) {
            self.client.record_durable(ServerUnreachable { server, tries: tries * 100 });
            self.client.record_durable(ServerSlow { server });
            self.client.record_durable(ServerBusy { server });
        }
        for number in 0..4_000u64 {
            let codec = if number % 3 == 0 { Codec::H264 } else { Codec::Hevc };
            self.client.record(FilmPlayed { film: &format!("film {number}"), bitrate: 6_000_000, codec });
            if number % 1_000 == 0 {
                // A durable event drains the rings. Without it, events could be lost.
                self.client.record_durable(FilmSought { found: number < 2_000, waited: true });
            }
        }
        self.client.record_durable(PageTurned { pages: 320 });
        self.client.record_durable(SongHeard { before: 1 });
    }

    fn flush(&self) -> Result<(), Box<dyn Error>> {
        let flushed = self.client.flush(PATIENCE)?;
        if self.post.takes.load(Ordering::SeqCst) && flushed.trouble.is_some() {
            return Err(format!("not all was taken: {flushed:?}").into());
        }
        Ok(())
    }

    /// Returns the manifest and the receipts, and whether the history is sound.
    fn says(&self) -> Result<Value, Box<dyn Error>> {
        let receipts = self.client.receipts()?.to_json();
        let verdict = consent::verify(&receipts, &[]);
        Ok(json!({
            "manifest": self.client.manifest()?,
            "receipts": receipts,
            "sound": verdict.is_sound(),
            "lines": verdict.lines,
            "head": verdict.head,
            "flaws": verdict.flaws,
        }))
    }
}

/// Makes a store with everything that a store can contain.
fn write(directory: &Path) -> Result<Value, Box<dyn Error>> {
    let setup = Setup::at(directory, BEGAN)?;
    let client = &setup.client;
    for scope in [SERVERS, FILMS, BOOKS] {
        client.grant(scope.shown(&client.notice(scope)?).via("settings/privacy"))?;
    }
    client.deny(MUSIC)?;
    client.switch_off(FILMS, "film.sought.waited")?;
    setup.a_day();
    // Sent data, with a log of it and its record ids, and an erasure request for them.
    setup.post.takes.store(true, Ordering::SeqCst);
    setup.flush()?;
    setup.post.takes.store(false, Ordering::SeqCst);
    client.erase(SERVERS)?;
    // Pending data in each form: a batch that no server accepted, lines, a day's closed counts, and counts that still
    // grow.
    setup.a_day();
    setup.flush()?;
    setup.clock.pass(25 * HOUR);
    setup.flush()?;
    setup.a_day();
    let receipt = client.withdraw(BOOKS)?;
    if !receipt.confirmed {
        return Err(format!("not confirmed: {receipt}").into());
    }
    setup.says()
}

/// Returns the content of a store.
fn read(directory: &Path) -> Result<Value, Box<dyn Error>> {
    Setup::at(directory, LATER)?.says()
}

/// Returns the codes in some records, each with its event.
fn codes(records: &[Value]) -> BTreeSet<String> {
    let attribute = |record: &Value, name: &str| {
        let all = record.get("attributes").and_then(Value::as_array).cloned().unwrap_or_default();
        let pair = all.into_iter().find(|pair| pair.get("key").is_some_and(|key| key == name))?;
        Some(pair.pointer("/value/stringValue")?.as_str()?.to_owned())
    };
    let code = |record: &Value| {
        let event = record.get("eventName").and_then(Value::as_str)?;
        Some(format!("{event} {}", attribute(record, "server")?))
    };
    records.iter().filter_map(code).collect()
}

/// Returns the records of a request. Ids that were drawn after the store was opened differ between two runs, and so do
/// the counts of their records, which are rounded at random. Both are replaced.
fn records(body: &str, known: &str) -> Vec<Value> {
    let mut body: Value = serde_json::from_str(body).unwrap_or_default();
    let list = body.pointer_mut("/resourceLogs/0/scopeLogs/0/logRecords").map(Value::take);
    let mut records = list.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    for attributes in records.iter_mut().filter_map(|record| record.get_mut("attributes")?.as_array_mut()) {
        let of = |pair: &Value, key: &str| pair.get("key").is_some_and(|is| is == key);
        let uid = attributes.iter_mut().find(|pair| of(pair, "log.record.uid"));
        let uid = uid.and_then(|pair| pair.pointer_mut("/value/stringValue"));
        let Some(uid) = uid.filter(|uid| !uid.as_str().is_some_and(|uid| known.contains(uid))) else { continue };
        *uid = json!("drawn again");
        let count = attributes.iter_mut().find(|pair| of(pair, "count"));
        if let Some(count) = count.and_then(|pair| pair.pointer_mut("/value/intValue")) {
            *count = json!("rounded again");
        }
    }
    records
}

/// Continues with a store that another run wrote.
fn go_on(directory: &Path) -> Result<Value, Box<dyn Error>> {
    let setup = Setup::at(directory, LATER)?;
    let client = &setup.client;
    let known = client.manifest()?.to_json();
    setup.a_day();
    let growing = client.manifest()?.scopes.iter().map(|page| json!(page.growing)).collect::<Vec<_>>();
    setup.post.takes.store(true, Ordering::SeqCst);
    // In these days the back-off ends, the days are closed, and each request of the erasure becomes due.
    for _ in 0..12 {
        setup.clock.pass(25 * HOUR);
        setup.flush()?;
    }
    let receipt = client.withdraw(SERVERS)?;
    let taken = setup.post.taken.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (erasures, reports): (Vec<_>, Vec<_>) = taken.into_iter().partition(|(is_erasure, _)| *is_erasure);
    let left: Vec<Value> = reports.iter().flat_map(|(_, body)| records(body, &known)).collect();
    let (new, old): (Vec<Value>, Vec<Value>) = left.into_iter().partition(|it| it.to_string().contains("drawn again"));
    let (made, found) = (codes(&new), codes(&old));
    // This includes codes that change by day or week: the reader's first day is the writer's second day.
    if made.is_empty() || !made.iter().all(|code| found.contains(code)) {
        return Err(format!("codes of the same values differ: {made:?} and {found:?}").into());
    }
    let sorted = |records: Vec<Value>| {
        let mut records: Vec<String> = records.iter().map(Value::to_string).collect();
        records.sort();
        records
    };
    let mut erasures: Vec<String> = erasures.into_iter().map(|(_, body)| body).collect();
    erasures.sort();
    let page = client.manifest()?;
    let open: Vec<_> = page.scopes.iter().map(|page| (page.name, page.status.is_open())).collect();
    Ok(json!({
        "growing": growing, "codes": made, "old": sorted(old), "new": sorted(new), "erasures": erasures,
        "confirmed": receipt.confirmed, "recorded": receipt.recorded, "open": open, "outcomes": page.outcomes,
    }))
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let said = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["write", directory] => write(Path::new(directory))?,
        ["read", directory] => read(Path::new(directory))?,
        ["go-on", directory] => go_on(Path::new(directory))?,
        other => return Err(format!("no such arguments: {other:?}").into()),
    };
    println!("{}", serde_json::to_string_pretty(&said)?);
    Ok(())
}
