//! A transport that logs when it hands over how many bytes, and the notes in that log.
//!
//! It keeps the rules of [`candor::Transport`]: it asks before each slice, hands over one slice at a time without
//! blocking, resets the connection if sending is no longer permitted, and releases the parcel last. Each stamp is taken
//! *after* the kernel accepted the bytes, on the clock that all processes share. It is written to the log before the
//! parcel is released.
//!
//! [`How::Unlocked`] breaks one rule: it copies the bytes, releases the parcel and returns. Then nothing holds the life
//! lock any more, and it sends without the crate's knowledge. Everything else is the same code.

use super::{reports::READING, system};
use candor::{Answer, Parcel, SendError, Transport};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

pub(crate) const SLICE: usize = 16 << 10;
const LONGEST: Duration = Duration::from_secs(10);

/// The transport that a process sends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// The transport of this module.
    Stamped,
    /// The same without the life lock.
    Unlocked,
    /// The crate's own transport, which only strace or the receiver can observe.
    Http,
}

impl How {
    pub(crate) fn name(self) -> &'static str {
        match self {
            How::Stamped => "stamped",
            How::Unlocked => "unlocked",
            How::Http => "http",
        }
    }

    pub(crate) fn named(name: &str) -> Option<How> {
        [How::Stamped, How::Unlocked, How::Http].into_iter().find(|how| how.name() == name)
    }
}

/// One line of a process's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Note {
    pub(crate) process: u32,
    /// The number of the send in this process.
    pub(crate) send: usize,
    pub(crate) at: u64,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum What {
    /// A send of the withdrawn scope began.
    Open,
    /// A send of another scope began.
    OpenOther,
    /// This many bytes were handed over.
    Handed(usize),
    /// Its connection is closed.
    Closed,
}

/// The prefix of the name of each process's log. Each process has its own, because not every system keeps the lines of
/// several appending processes apart.
const LOG: &str = "log-";

/// What the processes of a directory have noted so far. The last line of a log may be incomplete while a process is
/// writing it, and is skipped then.
pub(crate) fn notes(directory: &Path) -> io::Result<Vec<Note>> {
    let mut notes = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(LOG) {
            continue;
        }
        let text = std::fs::read_to_string(entry.path())?;
        let whole = text.rfind('\n').map_or("", |end| text.split_at(end).0);
        for line in whole.lines() {
            notes.push(serde_json::from_str(line)?);
        }
    }
    Ok(notes)
}

/// The transport, and the log it writes to.
#[derive(Clone)]
pub(crate) struct Stamping(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    log: File,
    keeps_the_lock: bool,
    begun: AtomicUsize,
    over: AtomicUsize,
    /// Whether something of the withdrawn scope was handed over.
    counts: AtomicBool,
}

impl Stamping {
    pub(crate) fn new(address: SocketAddr, directory: &Path, how: How) -> io::Result<Self> {
        let log = directory.join(format!("{LOG}{}", std::process::id()));
        let log = OpenOptions::new().append(true).create_new(true).open(log)?;
        let (begun, over, counts) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
        Ok(Stamping(Arc::new(Inner { address, log, keeps_the_lock: how == How::Stamped, begun, over, counts })))
    }

    /// Whether this process has handed over anything of the withdrawn scope.
    pub(crate) fn counts(&self) -> bool {
        self.0.counts.load(Ordering::SeqCst)
    }

    /// Whether every send that began is over.
    pub(crate) fn is_quiet(&self) -> bool {
        self.0.over.load(Ordering::SeqCst) == self.0.begun.load(Ordering::SeqCst)
    }
}

impl Inner {
    fn note(&self, send: usize, what: What) -> io::Result<()> {
        let note = Note { process: std::process::id(), send, at: system::now(), what };
        // One write per line, so that lines of several threads don't mix.
        (&self.log).write_all(format!("{}\n", serde_json::to_string(&note)?).as_bytes())
    }

    /// One request and its answer. When this returns, the connection is closed and noted as such.
    fn exchange(
        &self,
        send: usize,
        begins: What,
        request: &[u8],
        may_leave: impl Fn() -> bool,
    ) -> Result<Answer, SendError> {
        let noted = |what| self.note(send, what).map_err(|error| SendError::Network(error.to_string()));
        noted(begins)?;
        let answer = self.converse(send, request, may_leave);
        noted(What::Closed)?;
        self.counts.fetch_or(begins == What::Open && answer.is_ok(), Ordering::SeqCst);
        self.over.fetch_add(1, Ordering::SeqCst);
        match answer {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(SendError::Stopped),
            Err(error) => Err(SendError::Network(error.to_string())),
        }
    }

    /// Returns `None` if `may_leave` returned `false`.
    fn converse(&self, send: usize, request: &[u8], may_leave: impl Fn() -> bool) -> io::Result<Option<Answer>> {
        let until = Instant::now() + LONGEST;
        let mut socket = Socket::new(Domain::for_address(self.address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_send_buffer_size(SLICE)?;
        socket.set_linger(Some(Duration::ZERO))?;
        if !may_leave() {
            return Ok(None);
        }
        // Loopback connects immediately.
        socket.connect(&self.address.into())?;
        socket.set_nonblocking(true)?;
        let (mut rest, mut answer, mut chunk) = (request, Vec::new(), [0; 1 << 10]);
        loop {
            if !may_leave() {
                return Ok(None);
            }
            let done = match rest {
                [] => socket.read(&mut chunk),
                rest => socket.write(rest.get(..SLICE).unwrap_or(rest)),
            };
            match done {
                Ok(handed) if !rest.is_empty() => {
                    self.note(send, What::Handed(handed))?;
                    rest = rest.split_at(handed).1;
                }
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    answer.extend_from_slice(chunk.split_at(read).0);
                    if answer.ends_with(b"\r\n\r\n{}") && answer.starts_with(b"HTTP/1.1 200 ") {
                        return Ok(Some(Answer::Accepted { rejected: 0 }));
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < until => {
                    thread::sleep(Duration::from_micros(500));
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Transport for Stamping {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        let (key, body) = (parcel.idempotency_key(), parcel.body());
        let (length, address) = (body.len(), self.0.address);
        let head = format!(
            "POST /v1/logs HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\nidempotency-key: {key}\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n"
        );
        let request = [head.as_bytes(), body].concat();
        let send = self.0.begun.fetch_add(1, Ordering::SeqCst);
        let begins = if parcel.scope() == READING.name() { What::Open } else { What::OpenOther };
        if self.0.keeps_the_lock {
            let answer = self.0.exchange(send, begins, &request, || parcel.may_leave());
            drop(parcel);
            return answer;
        }
        drop(parcel);
        let inner = self.0.clone();
        thread::spawn(move || inner.exchange(send, begins, &request, || true));
        Ok(Answer::Accepted { rejected: 0 })
    }
}
