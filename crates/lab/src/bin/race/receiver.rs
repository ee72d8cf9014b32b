//! A slow receiver, so that a send lasts long enough for a withdrawal to meet it in the middle.
//!
//! Its buffers are small and it reads a little at a time. So data that the receiver has not requested yet stays with
//! the sender.

use super::{reports::EVENT, system};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

/// One connection of one process.
#[derive(Debug)]
pub(crate) struct Send {
    pub(crate) process: u32,
    pub(crate) began: u64,
    /// When bytes had been handed over, and how many.
    pub(crate) handed: Vec<(u64, usize)>,
    pub(crate) ended: Option<u64>,
    /// Whether it belongs to the scope that is never withdrawn.
    pub(crate) other: bool,
}

/// The address it listens on, how many requests are in progress, how many bytes it has read, and what arrived on each
/// connection.
#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    busy: Arc<AtomicUsize>,
    all: Arc<AtomicUsize>,
    pub(crate) read: Arc<AtomicUsize>,
    taken: Arc<Mutex<Vec<Send>>>,
}

impl Receiver {
    /// Whether a request of the withdrawn scope has begun to arrive and has not been read completely.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst) > 0
    }

    /// Whether a request of any scope is in progress.
    pub(crate) fn is_busy_at_all(&self) -> bool {
        self.all.load(Ordering::SeqCst) > 0
    }

    /// Every connection that has been read to its end, as seen by the receiver. It does not know which process sent.
    /// What it has read was handed over before the read.
    pub(crate) fn taken(&self) -> Vec<Send> {
        std::mem::take(&mut *self.taken.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads one request slowly, and answers it.
    fn serve(&self, mut stream: TcpStream, pause: Duration) -> io::Result<()> {
        self.all.fetch_add(1, Ordering::SeqCst);
        let (mut known, mut reads, began) = (false, Vec::new(), system::now());
        let taken = self.take(&mut stream, pause, &mut known, &mut reads);
        let send = Send { process: 0, began, handed: reads, ended: Some(system::now()), other: !known };
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).push(send);
        self.busy.fetch_sub(usize::from(known), Ordering::SeqCst);
        self.all.fetch_sub(1, Ordering::SeqCst);
        taken?;
        stream.write_all(ANSWER)?;
        // Until the sender closes the connection.
        while stream.read(&mut [0; 1 << 10])? > 0 {}
        Ok(())
    }

    /// Reads one request. Sets `known` if the request belongs to the withdrawn scope.
    fn take(
        &self,
        stream: &mut TcpStream,
        pause: Duration,
        known: &mut bool,
        reads: &mut Vec<(u64, usize)>,
    ) -> io::Result<()> {
        let (mut request, mut chunk, mut whole) = (Vec::new(), [0; 2 << 10], None);
        while whole.is_none_or(|whole| request.len() < whole) {
            let read = stream.read(&mut chunk)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.read.fetch_add(read, Ordering::SeqCst);
            reads.push((system::now(), read));
            request.extend_from_slice(chunk.split_at(read).0);
            if !*known && request.windows(EVENT.len()).any(|part| part == EVENT.as_bytes()) {
                *known = true;
                self.busy.fetch_add(1, Ordering::SeqCst);
            }
            whole = whole.or_else(|| length(&request));
            thread::sleep(pause);
        }
        Ok(())
    }
}

/// The length of a request, as soon as its head has arrived.
fn length(request: &[u8]) -> Option<usize> {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(request.split_at(end).0).to_ascii_lowercase();
    let body: usize = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())?;
    Some(end + 4 + body)
}

/// Listens with small buffers.
pub(crate) fn listen() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_recv_buffer_size(4 << 10)?;
    // Segments on loopback are larger than that buffer, and the connection would stall.
    system::keep_segments_small(&socket)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(16)?;
    Ok(TcpListener::from(socket))
}

/// Listens on loopback until the program ends. Each connection is read with its own pause, which `seed` determines and
/// which is at most `slowest`.
pub(crate) fn start(seed: u64, slowest: Duration) -> io::Result<Receiver> {
    let listener = listen()?;
    let address = listener.local_addr()?;
    let (busy, all, read, taken) = Default::default();
    let receiver = Receiver { address, busy, all, read, taken };
    let (hears, mut random) = (receiver.clone(), fastrand::Rng::with_seed(seed));
    let slowest = u64::try_from(slowest.as_micros()).unwrap_or(u64::MAX);
    thread::Builder::new().name("receiver".into()).spawn(move || {
        for stream in listener.incoming().flatten() {
            let (hears, pause) = (hears.clone(), Duration::from_micros(random.u64(slowest / 2..slowest)));
            // Errors are expected: a connection that is reset half-way is what this program tests. If no thread can be
            // started, the sender gets no answer and the round fails for that reason.
            let _ = thread::Builder::new().spawn(move || hears.serve(stream, pause));
        }
    })?;
    Ok(receiver)
}
