//! Tests of `candor listen`: what it prints of a real program's requests, and what it answers to anything else.

use crate::stage;
use candor::Client;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

candor::scope! {
    /// Find out what a receiver prints.
    pub HEARD = "heard" {
        title: "Heard", revision: 3, about: installation, retention: 30 days, benefit: "None", other_uses: none,
    }
}

/// A shelf was filled.
#[derive(candor::Event)]
#[event(name = "shelf.filled", scope = HEARD, linkage = none)]
struct ShelfFilled {
    /// How many books it holds.
    #[field(count, example = 7)]
    books: u64,
}

const PROGRAM: &str = "org.example.heard";
/// A step that takes longer hangs.
const HANG: Duration = Duration::from_secs(30);

/// `candor listen` on a port of its own.
struct Listener {
    child: Child,
    out: BufReader<ChildStdout>,
    address: String,
}

impl Listener {
    fn start(data: &Path, options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_candor"));
        let command = command.args(["listen", "--port", "0", "--data"]).arg(data).args(options);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut listener =
            Listener { out: BufReader::new(child.stdout.take().unwrap()), child, address: String::new() };
        let first = listener.line();
        let address = first.split("http://").nth(1).unwrap().split(',').next().unwrap().to_owned();
        assert!(first.contains("on this computer only") && address.starts_with("127.0.0.1:"), "{first}");
        listener.address = address;
        listener
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Sends bytes and returns the whole answer.
    fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        // A receiver that has refused the request already may have closed the connection.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn post(&self, body: &str) -> String {
        self.exchange(post("/v1/logs", body).as_bytes())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

fn program(home: &Path, listener: &Listener) -> Client {
    Client::new(stage::config(PROGRAM, home).endpoint(format!("http://{}", listener.address))).unwrap()
}

#[test]
fn a_record_is_printed_as_it_was_sent_beside_what_it_means() {
    let home = tempfile::tempdir().unwrap();
    let mut listener = Listener::start(&home.path().join("data"), &[]);
    let client = program(home.path(), &listener);
    client.grant(HEARD).unwrap();
    for books in [7, 1] {
        client.record_durable(ShelfFilled { books });
        let flushed = client.flush(HANG).unwrap();
        assert_eq!((flushed.records, flushed.trouble), (1, None));
    }
    let sent: Vec<String> =
        client.manifest().unwrap().scope(HEARD).unwrap().sent.iter().map(|it| it.body.clone()).collect();
    assert_eq!(listener.line(), "");
    let envelope = listener.line();
    for part in ["The envelope", "service.name=org.example.heard", "candor.scope=heard", "candor.retention.days=30"] {
        assert!(envelope.contains(part), "{part}: {envelope}");
    }
    // The envelope is printed once.
    for words in ["books 5 to 8", "books 1"] {
        let line = listener.line();
        assert!(line.starts_with('{') && sent.iter().any(|body| body.contains(&line)), "{line}");
        let meaning = listener.line();
        assert!(meaning.starts_with(&format!("  = shelf.filled: {words} on 20")), "{meaning}");
    }
}

#[test]
fn only_the_records_are_printed_if_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_candor"));
    let command = command.args(["listen", "--json", "--port", "0"]).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    said.read_line(&mut first).unwrap();
    let address = first.split("http://").nth(1).unwrap().split(',').next().unwrap().to_owned();
    let mut listener = Listener { out: BufReader::new(child.stdout.take().unwrap()), child, address };
    let client = program(home.path(), &listener);
    client.grant(HEARD).unwrap();
    client.record_durable(ShelfFilled { books: 7 });
    assert_eq!(client.flush(HANG).unwrap().records, 1);
    let line = listener.line();
    assert!(client.manifest().unwrap().scope(HEARD).unwrap().sent[0].body.contains(&line), "{line}");
}

#[test]
fn what_is_wrong_is_answered_and_said_in_plain_words() {
    let home = tempfile::tempdir().unwrap();
    let mut listener = Listener::start(home.path(), &[]);
    let large =
        "POST /v1/logs HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 99999999\r\n\r\n{".to_owned();
    for (bytes, status, words) in [
        (post("/v1/logs", "{"), "400", "not an OTLP request for logs in JSON"),
        (post("/v1/logs", "[1]"), "400", "not an OTLP request for logs in JSON"),
        (post("/v1/logs", &"[".repeat(100_000)), "400", "not an OTLP request for logs in JSON"),
        (post("/v1/logs", &nested(100_000)), "400", "a record can't be read"),
        (post("/v1/traces", "{}"), "404", "logs are received at `/v1/logs`"),
        (
            post("/v1/logs", "{}").replace("application/json", "application/x-protobuf"),
            "415",
            "`application/json` only",
        ),
        (post("/v1/logs", "{}").replace("POST", "GET"), "405", "OTLP uses `POST`"),
        (large, "413", "1 MiB at most"),
        (format!("POST /v1/logs HTTP/1.1\r\na: {}", "b".repeat(20_000)), "431", "larger than 16 KiB"),
        ("\u{16}\u{3}\u{1}".repeat(100), "400", "this is not HTTP"),
    ] {
        let answer = listener.exchange(bytes.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains("content-type: application/json") && answer.contains("\"message\":"), "{answer}");
        let said = listener.line();
        assert!(said.starts_with(&format!("REFUSED ({status}): ")) && said.contains(words), "{said}");
    }
    let answer = listener.post("{}");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n{}"), "{answer}");
    assert_eq!(listener.line(), "A request without records");
}

/// A body with a record that is nested too deeply.
fn nested(depth: usize) -> String {
    let record = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{record}]}}]}}]}}"#)
}

#[test]
fn a_peer_that_is_slow_or_hostile_holds_nobody_up() {
    let home = tempfile::tempdir().unwrap();
    let listener = Listener::start(home.path(), &[]);
    let idle: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(&listener.address).unwrap()).collect();
    let began = Instant::now();
    assert!(listener.post("{}").starts_with("HTTP/1.1 200"));
    assert!(began.elapsed() < HANG);
    let mut bytes = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..50 {
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            bytes ^= bytes << 13;
            bytes ^= bytes >> 7;
            bytes ^= bytes << 17;
            bytes as u8
        })
        .take(400)
        .collect();
        let mut stream = TcpStream::connect(&listener.address).unwrap();
        let _ = stream.write_all(&noise);
    }
    drop(idle);
    // While many connections are open, the answer says so. When they are gone, requests are served again.
    let until = Instant::now() + HANG;
    while !listener.post("{}").starts_with("HTTP/1.1 200") {
        assert!(Instant::now() < until);
    }
}

#[test]
fn nothing_that_arrives_steers_the_terminal() {
    let home = tempfile::tempdir().unwrap();
    let mut listener = Listener::start(home.path(), &[]);
    let attack = "\\u001b[2J\\u202e\\r\\nFORGED";
    let record = format!("{{\"eventName\":\"{attack}\",\n\"attributes\":[]}}");
    let body = format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"../{attack}"}}}}]}},
            "scopeLogs":[{{"logRecords":[{record}]}}]}}]}}"#
    );
    assert!(listener.post(&body).starts_with("HTTP/1.1 200"));
    let lines: Vec<String> = (0..5).map(|_| listener.line()).collect();
    assert!(lines.concat().contains("FORGED"), "{lines:#?}");
    for line in &lines {
        assert!(!line.starts_with("FORGED"), "{lines:#?}");
        assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{lines:#?}");
    }
}

#[test]
fn a_port_that_is_in_use_is_said() {
    let home = tempfile::tempdir().unwrap();
    let listener = Listener::start(home.path(), &[]);
    let port = listener.address.rsplit(':').next().unwrap();
    let second = Command::new(env!("CARGO_BIN_EXE_candor")).args(["listen", "--port", port]).output().unwrap();
    let text = String::from_utf8(second.stderr).unwrap();
    assert!(second.status.code() == Some(2) && text.contains("is in use") && text.contains("--port"), "{text}");
}
