//! Reads one HTTP request with bounds on its size and its time, and writes the answer. Never looks into a body, and never
//! prints.
//!
//! A connection carries one request. That is all that OTLP needs, and leaves no state between requests that a peer could confuse.

use httparse::{EMPTY_HEADER, Status};
use serde_json::json;
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

/// The largest body, in bytes. candor's own are at most 64 KiB.
pub(super) const MOST_BODY: usize = 1 << 20;
const MOST_HEAD: usize = 16 << 10;
const MOST_HEADERS: usize = 64;
/// How long a request may take to arrive, and an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the rest of a refused request is read, so that its sender can read the answer.
const LINGER: Duration = Duration::from_secs(1);
/// How many bytes of it are read.
const MOST_LINGER: usize = 4 << 20;

/// A request that can be looked at.
pub(super) struct Request {
    pub(super) body: Vec<u8>,
}

/// A request that is not taken: the status of the answer, and why, for the developer and for the answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) why: String,
}

impl Refusal {
    pub(super) fn new(status: u16, why: impl Into<String>) -> Self {
        Refusal { status, why: why.into() }
    }
}

/// Why there is no request.
pub(super) enum Missed {
    /// Nothing arrived: a port scan, or a look whether the port is open.
    Nothing,
    Refused(Refusal),
}

impl From<Refusal> for Missed {
    fn from(refusal: Refusal) -> Self {
        Missed::Refused(refusal)
    }
}

/// Reads a request to `POST /v1/logs` with a body in JSON.
pub(super) fn read(stream: &mut TcpStream) -> Result<Request, Missed> {
    let until = Instant::now() + PATIENCE;
    let mut bytes = Vec::new();
    let (length, start, expects) = loop {
        if let Some(head) = head(&bytes)? {
            break head;
        }
        if !more(stream, &mut bytes, MOST_HEAD, until)? {
            return match bytes.is_empty() {
                true => Err(Missed::Nothing),
                false => Err(Refusal::new(400, "the request broke off in its head").into()),
            };
        }
    };
    if expects {
        // The sender waits for this before it sends the body. If it is gone, the next read says so.
        let _ = stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
    }
    let end = start.saturating_add(length);
    while bytes.len() < end {
        if !more(stream, &mut bytes, end, until)? {
            let why = format!("the request broke off: {} of {length} bytes arrived", bytes.len().saturating_sub(start));
            return Err(Refusal::new(400, why).into());
        }
    }
    bytes.truncate(end);
    Ok(Request { body: bytes.split_off(start.min(bytes.len())) })
}

/// Reads more bytes, up to `most` in all. Returns `false` at the end of the stream.
fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>, most: usize, until: Instant) -> Result<bool, Missed> {
    let left = until.saturating_duration_since(Instant::now());
    let late = || Refusal::new(408, "the request did not arrive within 10 s");
    if left.is_zero() {
        return Err(late().into());
    }
    let mut chunk = [0; 8 << 10];
    let wanted = most.saturating_sub(bytes.len()).min(chunk.len());
    if wanted == 0 {
        return Err(Refusal::new(431, "the head is larger than 16 KiB").into());
    }
    let read =
        stream.set_read_timeout(Some(left)).and_then(|()| stream.read(chunk.get_mut(..wanted).unwrap_or_default()));
    match read {
        Ok(0) => Ok(false),
        Ok(read) => {
            bytes.extend_from_slice(chunk.get(..read).unwrap_or_default());
            Ok(true)
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Err(late().into()),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
        Err(_) if bytes.is_empty() => Err(Missed::Nothing),
        Err(error) => Err(Refusal::new(400, format!("the request broke off: {error}")).into()),
    }
}

/// The length of the body, where it begins, and whether the sender waits for a word before it sends it. `None` while the head is
/// not complete.
fn head(bytes: &[u8]) -> Result<Option<(usize, usize, bool)>, Refusal> {
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let start = match request.parse(bytes) {
        Ok(Status::Complete(start)) => start,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Refusal::new(431, format!("the request has more than {MOST_HEADERS} headers")));
        }
        Err(error) => return Err(Refusal::new(400, format!("this is not HTTP: {error}. Is the endpoint `http://`?"))),
    };
    let all = |name: &'static str| {
        request.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
    };
    let value = |name| all(name).next().map(|value| String::from_utf8_lossy(value).trim().to_ascii_lowercase());
    let path = request.path.unwrap_or_default().split('?').next().unwrap_or_default();
    if path != "/v1/logs" {
        let why = format!("nothing is received at `{path}`: logs are received at `/v1/logs`, and nothing else is");
        return Err(Refusal::new(404, why));
    }
    if request.method != Some("POST") {
        let method = request.method.unwrap_or_default();
        return Err(Refusal::new(405, format!("`{method}` is not how logs are sent: OTLP uses `POST`")));
    }
    let kind = value("content-type").unwrap_or_default();
    if kind.split(';').next().unwrap_or_default().trim() != "application/json" {
        let why = format!("the body is `{kind}`: this receiver reads `application/json` only, which candor sends");
        return Err(Refusal::new(415, why));
    }
    if let Some(encoding) = value("content-encoding").filter(|encoding| encoding != "identity") {
        return Err(Refusal::new(
            415,
            format!("the body is encoded (`{encoding}`): this receiver reads plain bodies only"),
        ));
    }
    if value("transfer-encoding").is_some() {
        return Err(Refusal::new(411, "the body has no `Content-Length`: this receiver needs one"));
    }
    let mut lengths = all("content-length").map(|value| std::str::from_utf8(value).ok()?.trim().parse::<u64>().ok());
    let length = match (lengths.next(), lengths.next()) {
        (Some(Some(length)), None) => length,
        (None, None) => return Err(Refusal::new(411, "the body has no `Content-Length`: this receiver needs one")),
        _ => return Err(Refusal::new(400, "`Content-Length` is not one number")),
    };
    match usize::try_from(length).ok().filter(|length| *length <= MOST_BODY) {
        Some(length) => Ok(Some((length, start, value("expect").as_deref() == Some("100-continue")))),
        None => Err(Refusal::new(413, format!("the body has {length} bytes: this receiver takes 1 MiB at most"))),
    }
}

/// Writes the answer that OTLP asks for, and closes the connection.
pub(super) fn answer(stream: &mut TcpStream, refused: Option<&Refusal>) {
    let (status, body) = match refused {
        None => (200, "{}".to_owned()),
        // `INVALID_ARGUMENT` says that the data itself is wrong, so that the sender does not repeat it.
        Some(refusal) if refusal.status == 400 => (400, json!({"code": 3, "message": refusal.why}).to_string()),
        Some(refusal) => (refusal.status, json!({"message": refusal.why}).to_string()),
    };
    let more = if status == 405 { "allow: POST\r\n" } else { "" };
    let text = format!(
        "HTTP/1.1 {status} {}\r\ncontent-type: application/json\r\n{more}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        reason(status),
        body.len()
    );
    // A peer that does not take the answer has no more use for this connection.
    let _ = stream.set_write_timeout(Some(PATIENCE)).and_then(|()| stream.write_all(text.as_bytes()));
    if refused.is_some() {
        linger(stream);
    }
}

/// Reads what a refused sender still sends. If the connection were closed before, the sender's system could drop the answer.
fn linger(stream: &mut TcpStream) {
    let _ = stream.shutdown(Shutdown::Write); // the peer may be gone
    let (until, mut left, mut chunk) = (Instant::now() + LINGER, MOST_LINGER, vec![0; 16 << 10]);
    loop {
        let wait = until.saturating_duration_since(Instant::now());
        if wait.is_zero() || left == 0 || stream.set_read_timeout(Some(wait)).is_err() {
            return;
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(read) => left = left.saturating_sub(read),
        }
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Error",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(head: &str, status: u16) {
        assert_eq!(super::head(head.as_bytes()).err().map(|refusal| refusal.status), Some(status), "{head}");
    }

    #[test]
    fn a_head_is_read_or_refused_with_its_reason() {
        let plain = "POST /v1/logs HTTP/1.1\r\ncontent-type: application/json\r\nContent-Length: 12\r\n\r\n";
        assert_eq!(head(plain.as_bytes()).unwrap(), Some((12, plain.len(), false)));
        for end in 0..plain.len() {
            assert_eq!(head(plain.get(..end).unwrap().as_bytes()).unwrap(), None, "{end}");
        }
        let with = |from: &str, to: &str| plain.replace(from, to);
        let waits = with("\r\n\r\n", "\r\nexpect: 100-Continue\r\n\r\n");
        assert_eq!(head(waits.as_bytes()).unwrap(), Some((12, waits.len(), true)));
        assert!(head(with("json", "json; charset=utf-8").as_bytes()).unwrap().is_some());
        refused(&with("/v1/logs", "/v1/traces"), 404);
        refused(&with("/v1/logs", "/"), 404);
        refused(&with("POST", "GET"), 405);
        refused(&with("application/json", "application/x-protobuf"), 415);
        refused(&with("content-type: application/json\r\n", ""), 415);
        refused(&with("Content-Length", "Content-Encoding: gzip\r\nContent-Length"), 415);
        refused(&with("Content-Length: 12", "Transfer-Encoding: chunked"), 411);
        refused(&with("Content-Length: 12\r\n", ""), 411);
        refused(&with("12", "12\r\nContent-Length: 13"), 400);
        refused(&with("12", "-1"), 400);
        refused(&with("12", "1x"), 400);
        refused(&with("12", "1048577"), 413);
        refused(&with("12", "18446744073709551615"), 413);
        refused(&with("12", "18446744073709551616"), 400);
        refused("\x16\x03\x01\x02\x00\x01\x00", 400);
        refused(&with("\r\n\r\n", &("\r\na: b".repeat(70) + "\r\n\r\n")), 431);
    }
}
