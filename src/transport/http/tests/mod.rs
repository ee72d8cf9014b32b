//! Tests with hostile receivers over real loopback sockets, and with consent that is withdrawn at every step.
//!
//! Times are bounds against hanging, never measurements: the tests may run on a busy machine. Each guard has a control,
//! which shows that the same test gives the opposite result without the guard.

mod consent;
mod hostile;
mod line;
mod names;
#[cfg(feature = "ring")]
mod tls;

use super::*;
use crate::ambient::instant;
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread::JoinHandle,
};

/// No step in these tests takes this long unless it hangs.
const HANG: Duration = Duration::from_secs(30);
const KEY: &str = "0123456789abcdef0123456789abcdef";
const BODY: &[u8] = br#"{"resourceLogs":[]}"#;
const OTLP: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

/// A receiver on this computer that handles each connection as its test specifies. It stops when the value is dropped.
struct Server {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn new(mut serve: impl FnMut(TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, ending) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, end) = (accepted.clone(), ending.clone());
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if end.load(SeqCst) {
                    break;
                }
                count.fetch_add(1, SeqCst);
                stream.set_read_timeout(Some(HANG)).unwrap();
                stream.set_write_timeout(Some(HANG)).unwrap();
                serve(stream);
            }
        });
        Server { address, accepted, ending, thread: Some(thread) }
    }

    /// A receiver that reads a whole request and answers with these bytes.
    fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Server::new(move |mut stream| {
            // A client may disconnect in the middle of a request.
            if read_request(&mut stream).is_err() {
                return;
            }
            let _ = stream.write_all(&bytes);
            // Wait until the client has disconnected, so that its reading is not disturbed.
            read_to_end(&mut stream);
        })
    }

    fn http(&self) -> Http {
        self.hurried(Limits::default())
    }

    fn hurried(&self, limits: Limits) -> Http {
        Http::with(&format!("http://{}", self.address), None, None, limits, names::fixed()).unwrap()
    }

    /// The number of connections so far. Consumes the server, so that no connection is missed.
    fn accepted(mut self) -> usize {
        self.end();
        self.accepted.load(SeqCst)
    }

    fn end(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.ending.store(true, SeqCst);
            // Connections are accepted in order: once this one is accepted, every earlier one has been counted.
            drop(TcpStream::connect(self.address));
            let panicked = thread.join().is_err();
            assert!(!panicked || std::thread::panicking(), "the server panicked");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// A request as it arrived: the lines of the header, and the body.
#[derive(Debug)]
struct Request {
    head: Vec<String>,
    body: Vec<u8>,
}

fn read_request(stream: &mut impl Read) -> io::Result<Request> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head: Vec<String> = String::from_utf8_lossy(&bytes[..end]).split("\r\n").map(str::to_owned).collect();
            let length = head
                .iter()
                .find_map(|line| {
                    line.to_lowercase().strip_prefix("content-length: ").map(|n| n.parse::<usize>().unwrap())
                })
                .unwrap();
            if bytes.len() >= end + 4 + length {
                return Ok(Request { head, body: bytes[end + 4..].to_vec() });
            }
        }
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

/// Reads to the end of the stream. Returns the number of bytes, and `true` for an orderly end or `false` for a reset.
fn read_to_end(stream: &mut impl Read) -> (usize, bool) {
    let (mut count, mut buffer) = (0, [0; 16 * 1024]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (count, true),
            Ok(n) => count += n,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                panic!("the connection was left open")
            }
            Err(_) => return (count, false),
        }
    }
}

/// Asserts that this many bytes came, followed by a reset. Wine shuts a socket down before it closes it, so that the
/// receiver may see an orderly end first: there, only the connection's own linger setting can be checked.
#[track_caller]
fn was_reset(ends: &mpsc::Receiver<(usize, bool)>, bytes: usize) {
    let (came, orderly) = ends.recv_timeout(HANG).unwrap();
    assert!(came == bytes && (!orderly || cfg!(windows)), "{came} bytes, in good order: {orderly}");
}

/// A limit short enough to wait for, used where a step is expected to exceed it. The other limits stay long, so that a busy
/// machine does not exceed them.
const SHORT: Duration = Duration::from_secs(1);

/// Limits for receivers that answer late.
fn hurry() -> Limits {
    Limits { answer: SHORT, ..unhurried() }
}

/// Limits for tests in which the exchange must end for another reason than a limit.
fn unhurried() -> Limits {
    let long = 2 * HANG;
    Limits { resolve: long, connect: long, send: long, answer: long, all: long }
}

fn always() -> bool {
    true
}

/// Sends, and asserts that the exchange did not hang.
fn send(
    http: &Http,
    body: &[u8],
    is_authorized: impl Fn() -> bool + Send + Sync + 'static,
) -> Result<Answer, SendError> {
    let began = instant();
    let sent = http.exchange(body, KEY, is_authorized);
    assert!(began.elapsed() < HANG, "it hung: {sent:?}");
    sent
}

fn broke_off(sent: Result<Answer, SendError>) -> String {
    match sent {
        Err(SendError::Network(text)) => text,
        other => panic!("not a broken exchange: {other:?}"),
    }
}

/// A port of this computer on which no server listens.
fn deserted() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A listener whose queue is full: a connection attempt to it stays pending. The caller must keep the returned sockets.
#[cfg(target_os = "linux")]
fn crowded() -> (SocketAddr, socket2::Socket, Vec<socket2::Socket>) {
    use socket2::{Domain, Socket, Type};
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let waiting = (0..8)
        .map(|_| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&address);
            socket
        })
        .collect();
    (address.as_socket().unwrap(), listener, waiting)
}

#[cfg(not(feature = "ring"))]
#[test]
fn https_without_a_tls_provider_says_what_to_write() {
    let error = Http::new("https://telemetry.example", None, None).unwrap_err();
    assert!(error.to_string().contains("features = [\"ring\"]"), "{error}");
    assert!(error.is_configuration());
    // Without TLS, no provider is needed.
    assert!(Http::new("http://localhost", None, None).is_ok());
}
