//! What this check needs of a Unix system.

use rustix::time::{ClockId, clock_gettime};
use socket2::Socket;
use std::{io, time::Duration};

/// Of a thousand withdrawals so many must be confirmed.
pub(crate) const CONFIRMED: usize = 999;
/// Whether one may answer with an error, or a yes.
pub(crate) const MAY_FAIL: bool = false;
/// A withdrawal waits at most half a second for another decision and half a second for its confirmation; the rest is
/// for a slow disk.
pub(crate) const LONGEST: Duration = Duration::from_secs(3);
/// For how long the process that withdraws pauses between its sends, so that it mostly meets another one's.
pub(crate) const HOLDS_BACK: Duration = Duration::from_millis(100);
/// How long the receiver pauses after every read, at most.
pub(crate) const SLOWEST: Duration = Duration::from_millis(2);
/// In so many rounds without the lock some bytes are late.
pub(crate) const LATE_ONCE_IN: usize = 50;

/// Nanoseconds on a clock that every process of this computer shares. It only moves forward.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// Has whoever connects to a listening socket send segments that are no larger than on a network.
pub(crate) fn keep_segments_small(socket: &Socket) -> io::Result<()> {
    socket.set_tcp_mss(1_400)
}
