//! A small OTLP/HTTP receiver on loopback, for examples, tests and benches. It keeps what arrives, byte for byte.
//!
//! It accepts `POST /v1/logs` with a `Content-Length` and answers `{}`. Anything else gets a 400. It keeps the same bytes
//! that a real collector would get, so that "what you see is what is sent" can be checked from outside. An incomplete body
//! never becomes a request, but its bytes are counted.
#![allow(dead_code, reason = "each example and test uses a part of it")]

use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

const MAX_HEAD: usize = 64 << 10;
const MAX_BODY: usize = 64 << 20;

/// One complete request, exactly as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) head: String, // the request line and the headers, without the empty line after them
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>, // in order, names as received, values trimmed
    pub(crate) body: Vec<u8>,                  // as many bytes as `Content-Length` says
}

impl Request {
    /// The first header of this name, compared without case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The log records in the body. Empty if the body is not an OTLP logs request in JSON.
    pub(crate) fn records(&self) -> Vec<Record> {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let scopes = list(&body, "resourceLogs").iter().flat_map(|resource| list(resource, "scopeLogs"));
        scopes.flat_map(|scope| list(scope, "logRecords")).map(record).collect()
    }
}

/// One log record of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) event: String,
    pub(crate) attributes: BTreeMap<String, Value>, // plain values: OTLP's `{"intValue":"4"}` is the number 4
    pub(crate) raw: Value,                          // the record as it was in the body
}

fn record(raw: &Value) -> Record {
    let event = raw.get("eventName").and_then(Value::as_str).unwrap_or_default().to_owned();
    Record { event, attributes: key_values(raw, "attributes").collect(), raw: raw.clone() }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn key_values<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (String, Value)> + 'a {
    list(value, key).iter().filter_map(|pair| Some((pair.get("key")?.as_str()?.to_owned(), plain(pair.get("value")?))))
}

/// Unwraps an OTLP `AnyValue`. OTLP's JSON writes a 64-bit integer as a string; the result is a number.
fn plain(any: &Value) -> Value {
    let Some((kind, value)) = any.as_object().and_then(|object| object.iter().next()) else { return Value::Null };
    match kind.as_str() {
        "intValue" => {
            value.as_str().and_then(|digits| digits.parse::<i64>().ok()).map_or_else(|| value.clone(), Value::from)
        }
        "arrayValue" => list(value, "values").iter().map(plain).collect(),
        "kvlistValue" => Value::Object(key_values(value, "values").collect()),
        _ => value.clone(),
    }
}

#[derive(Debug, Default)]
struct Heard {
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    bytes: AtomicUsize,
    stop: AtomicBool,
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers requests until the peer closes the connection or sends something unexpected. After that, further bytes are
    /// still read and counted until the peer is done.
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let (mut buffer, mut chunk, mut refused) = (Vec::new(), vec![0; 16 << 10], false);
        loop {
            let read = stream.read(&mut chunk)?;
            if read == 0 {
                return Ok(());
            }
            self.bytes.fetch_add(read, Ordering::SeqCst);
            buffer.extend(chunk.iter().take(if refused { 0 } else { read }));
            while !refused {
                let answer = match parse(&buffer) {
                    Ok(None) => break,
                    Ok(Some((request, length))) => {
                        buffer.drain(..length);
                        // Stored before it is answered: once the client has the answer, the request can be found here.
                        self.lock().push(request);
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
                    }
                    Err(()) => {
                        refused = true;
                        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
                    }
                };
                let _ = stream.write_all(answer.as_bytes()); // if the peer is gone, the next read reports it
            }
        }
    }
}

/// The first request in `buffer` and the number of bytes it took. Returns `Ok(None)` while the request is incomplete, and
/// `Err` if it is not a `POST /v1/logs` with a valid length.
fn parse(buffer: &[u8]) -> Result<Option<(Request, usize)>, ()> {
    let Some(end) = buffer.windows(4).take(MAX_HEAD).position(|four| four == b"\r\n\r\n") else {
        return if buffer.len() > MAX_HEAD { Err(()) } else { Ok(None) };
    };
    let (head, rest) = buffer.split_at(end);
    let head = std::str::from_utf8(head).map_err(|_| ())?;
    let (line, lines) = head.split_once("\r\n").ok_or(())?;
    let path = line.strip_prefix("POST ").and_then(|rest| rest.strip_suffix(" HTTP/1.1")).ok_or(())?;
    let pair = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    let headers: Vec<_> = lines.split("\r\n").map(pair).collect::<Option<_>>().ok_or(())?;
    let mut lengths = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let (Some((_, length)), None, "/v1/logs") = (lengths.next(), lengths.next(), path) else { return Err(()) };
    let length = length.parse().ok().filter(|length: &usize| *length <= MAX_BODY).ok_or(())?;
    let Some(body) = rest.get(4..4 + length) else { return Ok(None) };
    let (head, path, body) = (head.to_owned(), path.to_owned(), body.to_vec());
    Ok(Some((Request { head, path, headers, body }, end + 4 + length)))
}

/// A receiver on its own port. It listens until it is dropped.
#[derive(Debug)]
pub(crate) struct Receiver {
    address: SocketAddr,
    heard: Arc<Heard>,
}

impl Receiver {
    /// Starts to listen on loopback, on a port that the operating system picks.
    pub(crate) fn start() -> io::Result<Receiver> {
        Receiver::on(TcpListener::bind("127.0.0.1:0")?)
    }

    /// Listens on a port that is already bound.
    pub(crate) fn on(listener: TcpListener) -> io::Result<Receiver> {
        let address = listener.local_addr()?;
        let heard = Arc::new(Heard::default());
        let hears = Arc::clone(&heard);
        thread::Builder::new().name("receiver".into()).spawn(move || {
            for stream in listener.incoming().take_while(|_| !hears.stop.load(Ordering::SeqCst)).flatten() {
                hears.connections.fetch_add(1, Ordering::SeqCst);
                let hears = Arc::clone(&hears);
                // If a connection breaks or no thread can be started, the peer gets no answer. The receiver continues.
                let _ = thread::Builder::new().spawn(move || hears.serve(stream));
            }
        })?;
        Ok(Receiver { address, heard })
    }

    /// The address to send to: `http://127.0.0.1:PORT`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every complete request so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.heard.lock().clone()
    }

    /// The log records of every request so far.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.heard.lock().iter().flat_map(Request::records).collect()
    }

    /// The number of connections opened so far.
    pub(crate) fn connections(&self) -> usize {
        self.heard.connections.load(Ordering::SeqCst)
    }

    /// The number of bytes read so far on all connections, whether or not they belong to a complete request.
    pub(crate) fn bytes(&self) -> usize {
        self.heard.bytes.load(Ordering::SeqCst)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.heard.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address); // only wakes the thread, so that it releases the port
    }
}
