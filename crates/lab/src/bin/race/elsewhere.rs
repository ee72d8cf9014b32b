//! Replaces the series that need Linux: it judges the crate's own HTTP by what the receiver reads.
//!
//! When a connection is reset, the receiver still gets the bytes that its kernel had accepted before. So for each
//! connection at most that many bytes may be read after a confirmed return. A sender that gives up the life lock must
//! be detected by this method as well.

use super::{
    receiver,
    round::Plan,
    stamp::{How, SLICE},
    tally::{figures, long_series, must_fail},
};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    error::Error,
    io::{self, ErrorKind, Read as _, Write as _},
    thread,
    time::{Duration, Instant},
};

/// How many rounds a series has.
const ROUNDS: usize = 20;
/// The size of one more read by the receiver, which may have been in progress at the return.
const READ: usize = 2 << 10;
/// After this time without progress the kernel's buffers count as full.
const FULL: Duration = Duration::from_millis(500);

/// Runs the series and returns their figures.
pub(super) fn series(_rounds: usize, random: &mut fastrand::Rng) -> Result<String, Box<dyn Error>> {
    let held = held()? + READ;
    let plan = |how| Plan { how, stops_others: false, held: Some(held) };
    let (own, _) = long_series("own HTTP at the receiver", ROUNDS, plan(How::Http), random)?;
    own.met(50).and_then(|()| own.kept())?;
    let (unlocked, _) = long_series("without the lock at the receiver", ROUNDS, plan(How::Unlocked), random)?;
    must_fail("without the lock at the receiver", &unlocked, unlocked.kept())?;
    Ok(format!(
        "own HTTP at the receiver: {}, but for {held} of each connection that may have left before; no series under strace \
         and with stopped processes: this system has neither",
        figures(&own)
    ))
}

/// How many bytes the receiver's kernel accepts without a reader, and keeps when the connection is reset.
fn held() -> io::Result<usize> {
    let listener = receiver::listen()?;
    let address = listener.local_addr()?;
    let mut sender = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    sender.set_send_buffer_size(SLICE)?;
    sender.set_linger(Some(Duration::ZERO))?;
    sender.connect(&address.into())?;
    sender.set_nonblocking(true)?;
    let (mut stream, _) = listener.accept()?;
    let mut last = Instant::now();
    while last.elapsed() < FULL {
        match sender.write(&[0; SLICE]) {
            Ok(_) => last = Instant::now(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(1)),
            Err(error) => return Err(error),
        }
    }
    drop(sender);
    thread::sleep(Duration::from_millis(50));
    let (mut held, mut chunk) = (0, [0; READ]);
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        held += read;
    }
    Ok(held)
}
