//! Checks that durable events are delivered once, whatever happens to the program and its receiver. `.ci/deliver` runs
//! it; see there.
//!
//! Two processes at a time record with `record_durable`, and print a line before and after each event. They also send.
//! Each is killed at a random moment. The receiver runs in this process. It accepts a request, fails, cuts the
//! connection before it has read the request or after it has accepted it, or is unreachable. At the end it accepts
//! everything, and a last process sends until no data is pending. Then every event that was reported as recorded must
//! have arrived. The same drain happens in between, before a batch has been tried too often or has been pending for too
//! long. Ten bits in each event identify it. Its `log.record.uid` identifies repeats.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a program for tests"
)]

use candor::{Audience, Client, Clock, Config, Event};
use candor_lab::CONTROLLER;
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    env,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

candor::scope! {
    /// Find out whether every report arrives.
    DELIVER = "deliver" { title: "Deliver", revision: 1, about: installation, retention: 30 days, benefit: "None", other_uses: none }
}

/// One of 1,024 events: a number in bits.
#[derive(Event)]
#[event(name = "deliver.numbered", scope = DELIVER, linkage = none)]
struct Numbered {
    /// A bit.
    a: bool,
    /// A bit.
    b: bool,
    /// A bit.
    c: bool,
    /// A bit.
    d: bool,
    /// A bit.
    e: bool,
    /// A bit.
    f: bool,
    /// A bit.
    g: bool,
    /// A bit.
    h: bool,
    /// A bit.
    i: bool,
    /// A bit.
    j: bool,
}

const NAMES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
/// How many events one process records.
const EACH: u32 = 16;
/// How many processes are killed before all pending data must be accepted: eight pairs try a batch at most eight times.
const BETWEEN_DRAINS: u32 = 16;
/// How many processes have event numbers of their own.
const PROCESSES: u32 = 64;

impl Numbered {
    fn new(number: u32) -> Self {
        let bit = |at: u32| number >> at & 1 == 1;
        Numbered {
            a: bit(0),
            b: bit(1),
            c: bit(2),
            d: bit(3),
            e: bit(4),
            f: bit(5),
            g: bit(6),
            h: bit(7),
            i: bit(8),
            j: bit(9),
        }
    }
}

/// A clock that does not move from the moment that the parent passes.
struct Fixed(u64);

impl Clock for Fixed {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0)
    }
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["process", home, endpoint, at, number] => {
            process(Path::new(home), endpoint, at.parse().unwrap(), number.parse().unwrap());
        }
        [kills, "--seed", seed] => all(kills.parse().unwrap(), seed.parse().unwrap()),
        [kills] => all(kills.parse().unwrap(), u64::from(std::process::id())),
        _ => panic!("deliver KILLS [--seed N]"),
    }
}

fn client(home: &Path, endpoint: &str, at: u64) -> Client {
    let config = Config::new("org.example.deliver", CONTROLLER, Audience::Adults)
        .directories(home.join("a"), home.join("b"))
        .endpoint(endpoint)
        .clock(Fixed(at))
        .lift_ci_block();
    Client::new(config).unwrap()
}

/// Records, prints what it does, sends, and continues until it is killed.
fn process(home: &Path, endpoint: &str, at: u64, number: u32) {
    let client = client(home, endpoint, at);
    let mut out = io::stdout();
    let mut say = move |what: &str, event: u32| {
        writeln!(out, "{what} {event}").unwrap();
        out.flush().unwrap();
    };
    assert!(client.status(DELIVER).unwrap().is_open(), "the scope is closed: {:?}", client.status(DELIVER));
    for at in 0..EACH {
        let event = number % PROCESSES * EACH + at;
        say("begin", event);
        client.record_durable(Numbered::new(event));
        say("done", event);
        if at % 4 == 3 {
            let _ = client.flush(Duration::from_secs(5)).unwrap(); // the receiver knows what arrived
        }
    }
    loop {
        let _ = client.flush(Duration::from_secs(5)).unwrap(); // the same
        thread::sleep(Duration::from_millis(2));
    }
}

/// What arrived: the event's number, by the record's id.
type Arrived = Arc<Mutex<HashMap<String, u32>>>;

struct Receiver {
    arrived: Arrived,
    requests: Arc<AtomicU64>,
    takes_all: Arc<AtomicBool>,
    endpoint: String,
}

impl Receiver {
    fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let receiver =
            Receiver { arrived: Arrived::default(), requests: Arc::default(), takes_all: Arc::default(), endpoint };
        let (arrived, requests, all) =
            (receiver.arrived.clone(), receiver.requests.clone(), receiver.takes_all.clone());
        thread::spawn(move || {
            let mut random = fastrand::Rng::with_seed(seed);
            for stream in listener.incoming().flatten() {
                let how = if all.load(Ordering::SeqCst) { 100 } else { random.u32(0..100) };
                let (arrived, requests) = (arrived.clone(), requests.clone());
                thread::spawn(move || drop(serve(stream, how, &arrived, &requests)));
            }
        });
        receiver
    }
}

/// Serves one connection. Of a hundred, 10 are cut immediately, 10 while the request is read, and 10 after it was
/// accepted. 15 get the answer that the receiver is busy. The others are accepted.
fn serve(mut stream: TcpStream, how: u32, arrived: &Arrived, requests: &AtomicU64) -> io::Result<()> {
    if how < 10 {
        return Ok(());
    }
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    loop {
        let mut reader = BufReader::new(&stream);
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        if how < 20 {
            reader.read_exact(&mut body[..length / 2])?;
            return Ok(());
        }
        reader.read_exact(&mut body)?;
        requests.fetch_add(1, Ordering::SeqCst);
        let answer = if (30..45).contains(&how) {
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n".to_owned()
        } else {
            take(&body, arrived);
            if how < 30 {
                return Ok(());
            }
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}".to_owned()
        };
        stream.write_all(answer.as_bytes())?;
    }
}

fn take(body: &[u8], arrived: &Arrived) {
    let value: Value = serde_json::from_slice(body).unwrap();
    let records = value["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap();
    for record in records {
        let attributes = record["attributes"].as_array().unwrap();
        let of = |key: &str| attributes.iter().find(|attribute| attribute["key"] == key).unwrap()["value"].clone();
        let bits = NAMES.iter().enumerate().map(|(at, name)| u32::from(of(name)["boolValue"] == true) << at);
        let uid = of("log.record.uid")["stringValue"].as_str().unwrap().to_owned();
        let (number, before) = (bits.sum(), arrived.lock().unwrap());
        let mut arrived = before;
        assert!(arrived.insert(uid, number).is_none_or(|before| before == number), "one id for two events");
    }
}

/// How often each event was begun, and how often it was done.
#[derive(Default)]
struct Said(BTreeMap<u32, (u64, u64)>);

impl Said {
    fn read(&mut self, text: &str) {
        for line in text.lines() {
            let Some((what, number)) = line.split_once(' ') else { continue };
            let Ok(number) = number.parse() else { continue };
            let (began, done) = self.0.entry(number).or_default();
            match what {
                "begin" => *began += 1,
                "done" => *done += 1,
                _ => panic!("{line}"),
            }
        }
    }
}

fn all(kills: u32, seed: u64) {
    let home = tempfile::tempdir().unwrap();
    let receiver = Receiver::start(seed);
    let program = env::current_exe().unwrap();
    let mut random = fastrand::Rng::with_seed(seed);
    let mut at = 1_800_000_000;
    drop(client(home.path(), &receiver.endpoint, at).grant(DELIVER).unwrap());
    let mut said = Said::default();
    let start = |number: u32, at: u64| -> Child {
        let mut command = Command::new(&program);
        command.args(["process", home.path().to_str().unwrap(), &receiver.endpoint]);
        command.args([at.to_string(), number.to_string()]).stdout(Stdio::piped()).spawn().unwrap()
    };
    let mut killed = 0;
    while killed < kills {
        // Later than any back-off, so that each pair tries again.
        at += 7 * 3_600;
        let mut pair = [start(killed, at), start(killed + 1, at)];
        thread::sleep(Duration::from_millis(random.u64(0..120)));
        for child in &mut pair {
            thread::sleep(Duration::from_micros(random.u64(0..4_000)));
            let over = child.try_wait().unwrap();
            assert!(over.is_none(), "a process ended by itself: {over:?}");
            child.kill().unwrap();
            child.wait().unwrap();
            let mut text = String::new();
            child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
            said.read(&text);
            killed += 1;
        }
        // A batch that was tried ten times, or has been pending for seven days, may be dropped. The receiver accepts
        // everything before that.
        if killed % BETWEEN_DRAINS == 0 {
            let client = client(home.path(), &receiver.endpoint, at);
            drain(&client, &receiver, &mut at, home.path());
            // A grant is valid for a year. It is renewed in time, while there is no pending data that a withdrawal
            // would destroy.
            if killed % (25 * BETWEEN_DRAINS) == 0 {
                assert!(client.withdraw(DELIVER).unwrap().confirmed);
                let notice = client.notice(DELIVER).unwrap();
                client.grant(DELIVER.shown(&notice)).unwrap();
            }
            receiver.takes_all.store(false, Ordering::SeqCst);
        }
    }
    let client = client(home.path(), &receiver.endpoint, at);
    drain(&client, &receiver, &mut at, home.path());
    let lost: u64 = client.manifest().unwrap().outcomes.lost.iter().map(|lost| lost.count).sum();
    for lost in client.manifest().unwrap().outcomes.lost {
        println!("counted as lost: {} {}", lost.count, lost.reason.name());
    }
    let mut came: BTreeMap<u32, u64> = BTreeMap::new();
    for number in receiver.arrived.lock().unwrap().values() {
        *came.entry(*number).or_default() += 1;
    }
    let (mut acknowledged, mut arrived, mut missing, mut surplus) = (0, 0, 0, 0);
    for (number, (began, done)) in &said.0 {
        let came = came.remove(number).unwrap_or(0);
        acknowledged += done;
        arrived += came;
        missing += done.saturating_sub(came);
        surplus += came.saturating_sub(*began);
        if came < *done || came > *began {
            println!("event {number}: began {began} times, was done {done} times, arrived {came} times");
        }
    }
    let requests = receiver.requests.load(Ordering::SeqCst);
    println!(
        "deliver: {killed} kills, seed {seed}: {acknowledged} durable events acknowledged, {arrived} arrived in {requests} requests, {missing} missing, {surplus} that nobody recorded, {lost} counted as lost"
    );
    assert!(missing == 0 && surplus == 0 && came.is_empty() && acknowledged > u64::from(kills), "see above");
}

/// Sends to a receiver that accepts everything, until no data is pending.
fn drain(first: &Client, receiver: &Receiver, at: &mut u64, home: &Path) {
    receiver.takes_all.store(true, Ordering::SeqCst);
    let _ = first.flush(Duration::from_secs(10)).unwrap(); // the loop below judges
    let mut trouble = None;
    for _ in 0..100 {
        *at += 7 * 3_600;
        let client = client(home, &receiver.endpoint, *at);
        let flushed = client.flush(Duration::from_secs(10)).unwrap();
        let page = client.manifest().unwrap();
        let scope = page.scope(DELIVER).unwrap();
        if flushed.trouble.is_none() && scope.waiting.is_empty() && scope.ready.is_empty() {
            return;
        }
        trouble = flushed.trouble;
    }
    panic!("something waits for ever: {trouble:?}");
}
