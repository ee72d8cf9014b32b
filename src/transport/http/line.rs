//! The connection that asks before every step: the only file that opens a socket or hands bytes to one.
//!
//! A [`Line`] belongs to one exchange. Its socket never blocks and its send buffer is small, so that little is ever on
//! its way; before it connects, before each slice it writes, and at every look for an answer it asks whether consent
//! still stands. When the answer is no, the connection is reset at once, which discards what the kernel still holds, and
//! the line never opens again. The connection is ended and not only closed, so that it ends in every process that has it.
//!
//! The socket lives here and nowhere else: whoever holds the line can use it, nobody can take it out. So when the line
//! is closed, the connection is gone, whatever else is still in memory.

use crate::{ambient, sync::Mutex};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::{
    fmt,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use ureq::{Timeout, unversioned::transport::NextTimeout};

/// The most that is handed to the kernel at one go, and so between two questions.
pub(super) const SLICE: usize = 16 * 1024;
/// The longest pause between two questions while waiting.
pub(super) const LONGEST_POLL: Duration = Duration::from_millis(5);
const SHORTEST_NAP: Duration = Duration::from_micros(50);
/// A step without a limit of its own gets this one: nothing waits for ever.
const LONGEST_STEP: Duration = Duration::from_secs(30);

/// The error that travels through the HTTP library when consent ended under way.
#[derive(Debug)]
struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped under way")
    }
}

impl std::error::Error for Stopped {}

/// Whether bytes may still leave. Once it has said no, it says no.
#[derive(Clone)]
pub(super) struct Gate(Arc<Inner>);

struct Inner {
    stands: Box<dyn Fn() -> bool + Send + Sync>,
    stopped: AtomicBool,
}

impl Gate {
    pub(super) fn new(stands: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Gate(Arc::new(Inner { stands: Box::new(stands), stopped: AtomicBool::new(false) }))
    }

    /// Asks, now.
    pub(super) fn ask(&self) -> Result<(), ureq::Error> {
        if self.stopped() || !(self.0.stands)() {
            self.0.stopped.store(true, Ordering::SeqCst);
            return Err(ureq::Error::Other(Box::new(Stopped)));
        }
        Ok(())
    }

    /// Whether it has said no.
    pub(super) fn stopped(&self) -> bool {
        self.0.stopped.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gate({})", if self.stopped() { "closed" } else { "open" })
    }
}

/// When a step must be over, and which limit that is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Until {
    at: Instant,
    why: Timeout,
}

impl Until {
    pub(super) fn new(limit: NextTimeout) -> Self {
        let after = if limit.after.is_not_happening() { LONGEST_STEP } else { LONGEST_STEP.min(*limit.after) };
        Until { at: ambient::instant() + after, why: limit.reason }
    }

    fn left(&self) -> Duration {
        self.at.saturating_duration_since(ambient::instant())
    }

    /// The end of the first of `parts` equal parts of what is left.
    fn part(&self, parts: u32) -> Self {
        Until { at: ambient::instant() + self.left() / parts.max(1), why: self.why }
    }

    /// How long the next pause may be, or that the time is up.
    pub(super) fn pause(&self, poll_interval: &mut PollInterval) -> Result<Duration, ureq::Error> {
        let left = self.left();
        if left.is_zero() {
            return Err(ureq::Error::Timeout(self.why));
        }
        let pause = poll_interval.0.min(left);
        poll_interval.0 = (poll_interval.0 * 2).min(LONGEST_POLL);
        Ok(pause)
    }

    fn poll_interval(&self, poll_interval: &mut PollInterval) -> Result<(), ureq::Error> {
        std::thread::sleep(self.pause(poll_interval)?);
        Ok(())
    }
}

/// How long to pause before looking again: short at first, since most answers are near, then longer.
pub(super) struct PollInterval(Duration);

impl PollInterval {
    pub(super) fn new() -> Self {
        PollInterval(SHORTEST_NAP)
    }
}

/// One connection, for one exchange.
#[derive(Debug)]
pub(super) struct Line {
    gate: Gate,
    socket: Mutex<Option<TcpStream>>,
}

impl Line {
    pub(super) fn new(gate: Gate) -> Self {
        Line { gate, socket: Mutex::new(None) }
    }

    /// Connects to the first address that answers; each gets an equal share of the time that is left.
    pub(super) fn open(&self, addresses: &[SocketAddr], until: Until) -> Result<(), ureq::Error> {
        let mut last = ureq::Error::HostNotFound;
        for (&address, parts) in addresses.iter().zip((1..=addresses.len()).rev()) {
            match self.dial(address, until.part(u32::try_from(parts).unwrap_or(u32::MAX))) {
                Ok(socket) => {
                    *self.socket.lock() = Some(socket);
                    return Ok(());
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn dial(&self, address: SocketAddr, until: Until) -> Result<TcpStream, ureq::Error> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // What the kernel holds can't be called back by asking, so it gets little, and loses it with the socket.
        socket.set_send_buffer_size(SLICE)?;
        socket.set_linger(Some(Duration::ZERO))?;
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        self.gate.ask()?;
        match self.connect(&socket, address, until) {
            Ok(()) => Ok(socket.into()),
            Err(error) => {
                abort(&socket);
                Err(error)
            }
        }
    }

    fn connect(&self, socket: &Socket, address: SocketAddr, until: Until) -> Result<(), ureq::Error> {
        match socket.connect(&address.into()) {
            Ok(()) => return Ok(()),
            Err(error) if under_way(&error) => {}
            Err(error) => return Err(error.into()),
        }
        let mut poll_interval = PollInterval::new();
        loop {
            if let Some(error) = socket.take_error()? {
                return Err(error.into());
            }
            // There is a peer as soon as the connection stands.
            if socket.peer_addr().is_ok() {
                return Ok(());
            }
            until.poll_interval(&mut poll_interval)?;
            self.gate.ask()?;
        }
    }

    /// Writes some of the bytes, one slice at most, as soon as the kernel takes any.
    pub(super) fn write(&self, bytes: &[u8], until: Until) -> Result<usize, ureq::Error> {
        let slice = bytes.get(..SLICE).unwrap_or(bytes);
        match self.patiently(until, |mut socket| socket.write(slice))? {
            0 if !slice.is_empty() => Err(io::Error::from(io::ErrorKind::WriteZero).into()),
            written => Ok(written),
        }
    }

    /// Reads what has come, as soon as anything has; 0 when the receiver has closed.
    pub(super) fn read(&self, buffer: &mut [u8], until: Until) -> Result<usize, ureq::Error> {
        self.patiently(until, |mut socket| socket.read(buffer))
    }

    /// Asks, makes one call that does not block, and naps outside it; again until it is done or the time is up.
    fn patiently(
        &self,
        until: Until,
        mut call: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Result<usize, ureq::Error> {
        let mut poll_interval = PollInterval::new();
        loop {
            self.ask()?;
            let done = match self.socket.lock().as_ref() {
                Some(socket) => call(socket),
                None => Err(io::ErrorKind::NotConnected.into()),
            };
            match done {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => until.poll_interval(&mut poll_interval)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return Ok(done?),
            }
        }
    }

    fn ask(&self) -> Result<(), ureq::Error> {
        self.gate.ask().inspect_err(|_| self.reset())
    }

    /// Lets programs that this one starts have the connection as well, as a child has that is forked and becomes no other
    /// program.
    #[cfg(all(test, unix))]
    pub(super) fn share_with_children(&self) {
        let socket = self.socket.lock();
        let shared = socket.as_ref().map(|socket| rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::empty()));
        assert_eq!(shared, Some(Ok(())), "there is a connection to share");
    }

    /// For how long the connection lingers when it is closed.
    #[cfg(test)]
    pub(super) fn lingers(&self) -> Option<Duration> {
        self.socket.lock().as_ref().and_then(|socket| SockRef::from(socket).linger().unwrap())
    }

    /// Whether consent ended under way.
    pub(super) fn stopped(&self) -> bool {
        self.gate.stopped()
    }

    /// Ends the connection and discards what is still on its way. Does nothing if it has ended.
    pub(super) fn reset(&self) {
        if let Some(socket) = self.socket.lock().take() {
            abort(&SockRef::from(&socket));
        }
    }

    /// Ends the connection in good order, for an exchange that is over. Does not block.
    pub(super) fn hang_up(&self) {
        if let Some(socket) = self.socket.lock().take() {
            // On failure it is a reset, which ends the connection too.
            let _ = SockRef::from(&socket).set_linger(None);
            // A child that was forked meanwhile may have the connection open as well.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// Ends a connection that is closed right after, whoever else has it open, and discards what the kernel holds.
///
/// To close it does so with the last copy only, and a child that was forked meanwhile has one. To connect to nowhere is how
/// Linux resets the connection itself. Where that is not known, the end is sent behind what is on its way already.
///
/// On Windows no other process has it: none is forked, and a socket that Rust makes is handed to none that is started
/// (`WSA_FLAG_NO_HANDLE_INHERIT`). To close it resets it there, since it lingers for no time (closesocket, "Remarks"); an end that
/// is sent before comes first, and the connection is over in good order.
fn abort(socket: &Socket) {
    #[cfg(unix)]
    if rustix::net::connect_unspec(socket).is_ok() {
        return;
    }
    if cfg!(not(windows)) {
        let _ = socket.shutdown(Shutdown::Both);
    }
}

/// Whether a connection attempt goes on in the background: Unix says that it is in progress, Windows that it would
/// block.
fn under_way(error: &io::Error) -> bool {
    #[cfg(unix)]
    if rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::INPROGRESS) {
        return true;
    }
    error.kind() == io::ErrorKind::WouldBlock
}
