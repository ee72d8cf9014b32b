//! The parts of this check that depend on a Unix system.

use rustix::time::{ClockId, clock_gettime};
use socket2::Socket;
use std::{io, time::Duration};

/// How many of a thousand withdrawals must be confirmed.
pub(crate) const CONFIRMED: usize = 999;
/// Whether a withdrawal or a grant may return an error.
pub(crate) const MAY_FAIL: bool = false;
/// The longest time for a withdrawal. It waits at most half a second for another decision and half a second for its
/// confirmation. The rest is for a slow disk.
pub(crate) const LONGEST: Duration = Duration::from_secs(3);
/// How long the process that withdraws pauses between its sends, so that it mostly meets a send of another process.
pub(crate) const HOLDS_BACK: Duration = Duration::from_millis(100);
/// The longest pause of the receiver after a read.
pub(crate) const SLOWEST: Duration = Duration::from_millis(2);
/// In this many rounds without the lock, some bytes are late.
pub(crate) const LATE_ONCE_IN: usize = 50;

/// Nanoseconds on a clock that every process of this computer shares. It only moves forward.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// Limits the segments that are sent to a listening socket to the size that they have on a network.
pub(crate) fn keep_segments_small(socket: &Socket) -> io::Result<()> {
    socket.set_tcp_mss(1_400)
}
