//! Hostile receivers over real loopback sockets, and consent that ends at every step.
//!
//! Times are bounds against hanging, never measurements: this may run on a busy machine. Each guard has a control that
//! shows the same test seeing the opposite where the guard is away.

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

/// Nothing in these tests takes this long unless it hangs.
const HANG: Duration = Duration::from_secs(30);
const KEY: &str = "0123456789abcdef0123456789abcdef";
const BODY: &[u8] = br#"{"resourceLogs":[]}"#;
const OTLP: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

/// A receiver on this computer that does with each connection what it is told. It ends with the value.
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

    /// One that reads a whole request and answers with these bytes.
    fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Server::new(move |mut stream| {
            // A client may leave in the middle.
            if read_request(&mut stream).is_err() {
                return;
            }
            let _ = stream.write_all(&bytes);
            // Wait for the client to go, so that it is not disturbed while it reads.
            read_to_end(&mut stream);
        })
    }

    fn http(&self) -> Http {
        self.hurried(Limits::default())
    }

    fn hurried(&self, limits: Limits) -> Http {
        Http::with(&format!("http://{}", self.address), None, None, limits, names::fixed()).unwrap()
    }

    /// How many connections there were. Ends the server, so that none can be missed.
    fn accepted(mut self) -> usize {
        self.end();
        self.accepted.load(SeqCst)
    }

    fn end(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.ending.store(true, SeqCst);
            // Connections are accepted in order: after this one, every earlier one has been counted.
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

/// A request as it arrived: the header's lines and the body.
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

/// Everything that still comes, and how it ended: `true` in good order, `false` by a reset.
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

/// That so many bytes came, and then a reset. Wine shuts a socket down before it closes it, so that the receiver may see an orderly
/// end first: there the line's own setting is all that can be looked at.
#[track_caller]
fn was_reset(ends: &mpsc::Receiver<(usize, bool)>, bytes: usize) {
    let (came, orderly) = ends.recv_timeout(HANG).unwrap();
    assert!(came == bytes && (!orderly || cfg!(windows)), "{came} bytes, in good order: {orderly}");
}

/// A limit short enough to wait for, where a step is meant to run into it. The others stay long, so that a machine that
/// is merely busy doesn't.
const SHORT: Duration = Duration::from_secs(1);

/// For receivers that answer late.
fn hurry() -> Limits {
    Limits { answer: SHORT, ..unhurried() }
}

/// For what must end for another reason than a limit.
fn unhurried() -> Limits {
    let long = 2 * HANG;
    Limits { resolve: long, connect: long, send: long, answer: long, all: long }
}

fn always() -> bool {
    true
}

/// Sends, and makes sure that it did not hang.
fn send(http: &Http, body: &[u8], stands: impl Fn() -> bool + Send + Sync + 'static) -> Result<Answer, SendError> {
    let began = instant();
    let sent = http.exchange(body, KEY, stands);
    assert!(began.elapsed() < HANG, "it hung: {sent:?}");
    sent
}

fn broke_off(sent: Result<Answer, SendError>) -> String {
    match sent {
        Err(SendError::Network(text)) => text,
        other => panic!("not a broken exchange: {other:?}"),
    }
}

/// A port of this computer where nobody listens.
fn deserted() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A listener whose queue is full: a connection attempt to it stays under way. Keep what it returns.
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
    // Without TLS none is needed.
    assert!(Http::new("http://localhost", None, None).is_ok());
}
