//! An HTTP receiver on loopback. It answers as a script says, well or badly, and keeps the requests that arrived.

use crate::support::Request;
use socket2::{Domain, Socket, Type};
use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// The answer to one request.
#[derive(Debug, Clone)]
pub(crate) enum Say {
    /// `200` and `{}`.
    Ok,
    /// The status, the header lines and the body of the answer.
    Status(u16, &'static str, &'static str),
    /// `413` to a request with more records than this, `200` to others.
    AtMost(usize),
    /// This status to every request with the idempotency key of the very first one, whenever it comes. `200` to others.
    FailsFirst(u16),
    /// Reads the request and closes the connection.
    Close,
    /// Reads the request and never answers, for as long as the client keeps the connection open.
    Never,
    /// `200` with a body that never ends.
    Endless,
    /// Reads nothing until [`Server::listen`] is called. Then it reads everything and answers nothing.
    Deaf,
}

impl Say {
    pub(crate) fn status(status: u16) -> Self {
        Say::Status(status, "", "")
    }
}

#[derive(Default)]
struct Heard {
    requests: Mutex<Vec<Request>>,
    script: Mutex<VecDeque<Say>>,
    usual: Mutex<Option<Say>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    bytes: AtomicUsize,
    listening: AtomicBool,
    stop: AtomicBool,
}

/// A receiver on a port of its own. It listens until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    heard: Arc<Heard>,
}

impl Server {
    pub(crate) fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        // Small, so that a large request does not fit into the kernel's buffers while the receiver does not read.
        socket.set_recv_buffer_size(4096).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        socket.listen(64).unwrap();
        let listener: TcpListener = socket.into();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Heard::default());
        let hears = heard.clone();
        thread::spawn(move || {
            for stream in listener.incoming().take_while(|_| !hears.stop.load(Ordering::SeqCst)).flatten() {
                hears.connections.fetch_add(1, Ordering::SeqCst);
                hears.open.fetch_add(1, Ordering::SeqCst);
                let hears = hears.clone();
                thread::spawn(move || {
                    let _ = hears.serve(stream);
                    hears.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Server { address, heard }
    }

    /// A receiver that gives every request the same answer.
    pub(crate) fn always(say: Say) -> Self {
        let server = Server::new();
        server.usually(say);
        server
    }

    /// Sets the answers to the next requests, in order. After them the usual answer applies.
    pub(crate) fn say(&self, script: impl IntoIterator<Item = Say>) {
        self.heard.script.lock().unwrap().extend(script);
    }

    /// Sets the answer for requests after the end of the script. The default is `200` and `{}`.
    pub(crate) fn usually(&self, say: Say) {
        *self.heard.usual.lock().unwrap() = Some(say);
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every complete request so far, whatever the answer was.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.heard.requests.lock().unwrap().clone()
    }

    /// The bodies of these requests, padding included.
    pub(crate) fn bodies(&self) -> Vec<Vec<u8>> {
        self.requests().into_iter().map(|request| request.body).collect()
    }

    /// The log records in all of these bodies.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.bodies().iter().flat_map(|body| lines(body)).collect()
    }

    pub(crate) fn connections(&self) -> usize {
        self.heard.connections.load(Ordering::SeqCst)
    }

    /// How many connections are open on the receiver's side.
    pub(crate) fn open(&self) -> usize {
        self.heard.open.load(Ordering::SeqCst)
    }

    /// How many bytes were read, of complete and incomplete requests.
    pub(crate) fn bytes(&self) -> usize {
        self.heard.bytes.load(Ordering::SeqCst)
    }

    /// From now on, connections with [`Say::Deaf`] are read.
    pub(crate) fn listen(&self) {
        self.heard.listening.store(true, Ordering::SeqCst);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.heard.stop.store(true, Ordering::SeqCst);
        self.listen();
        let _ = TcpStream::connect(self.address); // wakes the accepting thread
    }
}

impl Heard {
    fn next(&self) -> Say {
        let next = self.script.lock().unwrap().pop_front();
        next.or_else(|| self.usual.lock().unwrap().clone()).unwrap_or(Say::Ok)
    }

    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let say = self.next();
        if matches!(say, Say::Deaf) {
            while !self.listening.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(2));
            }
            return self.read(&mut stream, |_| false).map(drop);
        }
        let bytes = self.read(&mut stream, |bytes| parse(bytes).is_some())?;
        let Some(request) = parse(&bytes) else { return Ok(()) };
        let records = request.records().len();
        let this = request.clone();
        self.requests.lock().unwrap().push(request);
        let answer = match say {
            Say::Ok => answer(200, "content-type: application/json\r\n", "{}"),
            Say::Status(status, headers, body) => answer(status, headers, body),
            Say::AtMost(most) if records > most => answer(413, "", ""),
            Say::AtMost(_) => answer(200, "content-type: application/json\r\n", "{}"),
            Say::FailsFirst(status) => {
                let key = |request: &Request| request.header("idempotency-key").map(str::to_owned);
                let requests = self.requests.lock().unwrap();
                match key(&requests[0]) == key(&this) {
                    true => answer(status, "", ""),
                    false => answer(200, "content-type: application/json\r\n", "{}"),
                }
            }
            Say::Close => return Ok(()),
            Say::Never | Say::Deaf => return self.read(&mut stream, |_| false).map(drop),
            Say::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{")?;
                while !self.stop.load(Ordering::SeqCst) {
                    stream.write_all(&[b' '; 1024])?;
                }
                return Ok(());
            }
        };
        stream.write_all(answer.as_bytes())?;
        self.read(&mut stream, |_| false).map(drop)
    }

    /// Reads until the client closes the connection or `enough` returns true.
    fn read(&self, stream: &mut TcpStream, enough: impl Fn(&[u8]) -> bool) -> io::Result<Vec<u8>> {
        let (mut bytes, mut chunk) = (Vec::new(), vec![0; 16 << 10]);
        while !enough(&bytes) {
            let read = stream.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            self.bytes.fetch_add(read, Ordering::SeqCst);
            bytes.extend_from_slice(&chunk[..read]);
        }
        Ok(bytes)
    }
}

fn answer(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} Said\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

/// Parses a request. `None` if it is not complete.
fn parse(bytes: &[u8]) -> Option<Request> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?.to_owned();
    let (line, rest) = head.split_once("\r\n")?;
    let path = line.split(' ').nth(1)?.to_owned();
    let pair = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    let headers: Vec<(String, String)> = rest.split("\r\n").map(pair).collect::<Option<_>>()?;
    let length =
        headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?.1.parse::<usize>().ok()?;
    let body = bytes.get(end + 4..end + 4 + length)?.to_vec();
    Some(Request { head, path, headers, body })
}

/// The log records in a body, byte for byte.
pub(crate) fn lines(body: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(body).unwrap();
    let (_, mut rest) = text.split_once(r#""logRecords":["#).unwrap();
    let mut found = Vec::new();
    while !rest.starts_with(']') {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<serde_json::Value>();
        values.next().unwrap().unwrap();
        let (line, tail) = rest.split_at(values.byte_offset());
        found.push(line.to_owned());
        rest = tail.strip_prefix(',').unwrap_or(tail);
    }
    found
}
