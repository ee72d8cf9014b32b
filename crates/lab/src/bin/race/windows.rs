//! The parts of this check that depend on Windows.

use socket2::Socket;
use std::{
    io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How many of a thousand withdrawals must be confirmed. Under Wine a file that another process has open can't be
/// replaced. So some snapshots are not written in the time that a withdrawal allows: two to four in a hundred on a busy
/// computer.
pub(crate) const CONFIRMED: usize = 800;
/// Whether a withdrawal or a grant may return an error. A deleted file is not gone while another process has it open,
/// and no consent is granted before it is gone.
pub(crate) const MAY_FAIL: bool = true;
/// The longest time for a withdrawal. The waits are the same as on Unix. In addition, a file that another process has
/// open is retried for a while. On a busy computer that took up to three seconds.
pub(crate) const LONGEST: Duration = Duration::from_secs(6);
/// How long the process that withdraws pauses between its sends, so that it mostly meets a send of another process.
/// Those last longer here.
pub(crate) const HOLDS_BACK: Duration = Duration::from_millis(500);
/// The longest pause of the receiver after a read. Under Wine a withdrawal takes hundreds of milliseconds, so a send
/// that no longer asks for permission must last longer to be seen after it.
pub(crate) const SLOWEST: Duration = Duration::from_millis(40);
/// In this many rounds without the lock, some bytes are late.
pub(crate) const LATE_ONCE_IN: usize = 20;

/// Nanoseconds on a clock that every process of this computer shares. The clock that only moves forward can be compared
/// only within one process here, so this is the time of day, which may be set. A caller that compares two moments
/// checks for that.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// This system has no such setting.
pub(crate) fn keep_segments_small(_socket: &Socket) -> io::Result<()> {
    Ok(())
}
