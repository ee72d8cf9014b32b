//! A connection that checks the consent before every step. Only this module opens a socket or hands bytes to one. It never uses
//! a connection for two exchanges.
//!
//! A [`Line`] belongs to one exchange. Its socket never blocks, and its send buffer is small, so that few bytes are in transit at
//! any time. It checks whether the consent is still in force before it connects, before it writes each slice, and each time it
//! polls for an answer. If not, it resets the connection immediately. The reset discards what the kernel still holds, and every
//! later step fails. The connection is ended and not only closed, so that it ends in every process that has it open.
//!
//! Only the [`Line`] holds the socket. Its owner can use the socket, but can't take it out. So after the [`Line`] has ended its
//! connection, the connection is gone, whatever else is still in memory.

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

/// The most bytes that are handed to the kernel in one call, and so between two checks of the consent.
pub(super) const SLICE: usize = 16 * 1024;
/// The longest pause between two checks of the consent while waiting.
pub(super) const LONGEST_POLL: Duration = Duration::from_millis(5);
const SHORTEST_POLL: Duration = Duration::from_micros(50);
/// The longest that any step may take, also one without a limit of its own. So no step waits forever.
const LONGEST_STEP: Duration = Duration::from_secs(30);

/// The error that passes through the HTTP library when the consent ended while sending.
#[derive(Debug)]
struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped under way")
    }
}

impl std::error::Error for Stopped {}

/// Says whether bytes may still be sent. After the first refusal it always refuses.
#[derive(Clone)]
pub(super) struct Gate(Arc<Inner>);

struct Inner {
    is_authorized: Box<dyn Fn() -> bool + Send + Sync>,
    stopped: AtomicBool,
}

impl Gate {
    pub(super) fn new(is_authorized: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Gate(Arc::new(Inner { is_authorized: Box::new(is_authorized), stopped: AtomicBool::new(false) }))
    }

    /// Checks whether bytes may be sent now.
    ///
    /// # Errors
    /// They may not, now or at an earlier check.
    pub(super) fn ask(&self) -> Result<(), ureq::Error> {
        if self.stopped() || !(self.0.is_authorized)() {
            self.0.stopped.store(true, Ordering::SeqCst);
            return Err(ureq::Error::Other(Box::new(Stopped)));
        }
        Ok(())
    }

    /// Whether a check has refused.
    pub(super) fn stopped(&self) -> bool {
        self.0.stopped.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gate({})", if self.stopped() { "closed" } else { "open" })
    }
}

/// The deadline of a step, and which of the limits it comes from.
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

    /// Divides the remaining time into `parts` equal parts and returns the end of the first one.
    fn part(&self, parts: u32) -> Self {
        Until { at: ambient::instant() + self.left() / parts.max(1), why: self.why }
    }

    /// The length of the next pause.
    ///
    /// # Errors
    /// The deadline has passed.
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

/// The pause before the next poll: short at first, since most answers come soon, then longer.
pub(super) struct PollInterval(Duration);

impl PollInterval {
    pub(super) fn new() -> Self {
        PollInterval(SHORTEST_POLL)
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

    /// Connects to the first address that answers. Each address gets an equal share of the remaining time.
    ///
    /// # Errors
    /// No address answered, or bytes may no longer be sent.
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
        // Bytes in the kernel can't be taken back. So its send buffer is small, and closing the socket discards its bytes.
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
            // There is a peer address as soon as the connection is established.
            if socket.peer_addr().is_ok() {
                return Ok(());
            }
            until.poll_interval(&mut poll_interval)?;
            self.gate.ask()?;
        }
    }

    /// Writes some of the bytes, one slice at most, as soon as the kernel accepts any. Returns how many bytes were written.
    pub(super) fn write(&self, bytes: &[u8], until: Until) -> Result<usize, ureq::Error> {
        let slice = bytes.get(..SLICE).unwrap_or(bytes);
        match self.patiently(until, |mut socket| socket.write(slice))? {
            0 if !slice.is_empty() => Err(io::Error::from(io::ErrorKind::WriteZero).into()),
            written => Ok(written),
        }
    }

    /// Reads the bytes that have arrived, as soon as there are any. Returns their number; 0 if the receiver has closed.
    pub(super) fn read(&self, buffer: &mut [u8], until: Until) -> Result<usize, ureq::Error> {
        self.patiently(until, |mut socket| socket.read(buffer))
    }

    /// Checks the consent, makes one call that does not block, and pauses without holding the socket's lock. Repeats this until
    /// the call has a result.
    ///
    /// # Errors
    /// The time is up, bytes may no longer be sent, there is no connection, or the call failed.
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

    /// Lets programs that this one starts inherit the connection. A child that is forked, and does not become another program,
    /// has it in the same way.
    #[cfg(all(test, unix))]
    pub(super) fn share_with_children(&self) {
        let socket = self.socket.lock();
        let shared = socket.as_ref().map(|socket| rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::empty()));
        assert_eq!(shared, Some(Ok(())), "there is a connection to share");
    }

    /// How long the connection lingers when it is closed (`SO_LINGER`).
    #[cfg(test)]
    pub(super) fn lingers(&self) -> Option<Duration> {
        self.socket.lock().as_ref().and_then(|socket| SockRef::from(socket).linger().unwrap())
    }

    /// Whether the consent ended while sending.
    pub(super) fn stopped(&self) -> bool {
        self.gate.stopped()
    }

    /// Resets the connection and discards bytes that are not sent yet. Does nothing if the connection has ended.
    pub(super) fn reset(&self) {
        if let Some(socket) = self.socket.lock().take() {
            abort(&SockRef::from(&socket));
        }
    }

    /// Closes the connection normally after a complete exchange. Does not block.
    pub(super) fn hang_up(&self) {
        if let Some(socket) = self.socket.lock().take() {
            // If this fails, the connection is reset, which ends it too.
            let _ = SockRef::from(&socket).set_linger(None);
            // A child that was forked in the meantime may have the connection open as well; `shutdown` ends it there too.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// Ends a connection and discards what the kernel holds, even if another process has it open. The caller closes the socket right
/// after.
///
/// Closing alone ends the connection only with its last copy, and a child that was forked in the meantime has a copy. On Linux,
/// connecting the socket to no address (`AF_UNSPEC`) resets the connection itself. On systems without that, `shutdown` sends the
/// end of the connection after the bytes that are already in transit.
///
/// On Windows no other process has the socket: no process is forked, and started processes do not inherit a socket that Rust
/// makes (`WSA_FLAG_NO_HANDLE_INHERIT`). Closing resets the connection there, since its linger time is zero (closesocket,
/// "Remarks"). A `shutdown` before would be sent first and end the connection normally, so none is made.
fn abort(socket: &Socket) {
    #[cfg(unix)]
    if rustix::net::connect_unspec(socket).is_ok() {
        return;
    }
    if cfg!(not(windows)) {
        // If this fails, closing ends the connection, unless a child has it too.
        let _ = socket.shutdown(Shutdown::Both);
    }
}

/// Whether a connection attempt continues in the background. Unix reports that it is in progress, Windows that it would block.
fn under_way(error: &io::Error) -> bool {
    #[cfg(unix)]
    if rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::INPROGRESS) {
        return true;
    }
    error.kind() == io::ErrorKind::WouldBlock
}
