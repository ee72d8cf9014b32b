//! What this check needs of Windows.

use socket2::Socket;
use std::{
    io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Of a thousand withdrawals so many must be confirmed. Under Wine no file is replaced that another process has open, so that some
/// snapshots are not written in the time that a withdrawal gives them: two to four in a hundred on a busy computer.
pub(crate) const CONFIRMED: usize = 800;
/// Whether one may answer with an error, or a yes. What was thrown away is not gone while another process has it open, and no yes is
/// given before.
pub(crate) const MAY_FAIL: bool = true;
/// The same waits, and besides each file that another process has open is tried again for a while. On a busy computer it took up to
/// three seconds.
pub(crate) const LONGEST: Duration = Duration::from_secs(6);
/// For how long the process that withdraws pauses between its sends, so that it mostly meets another one's: these last longer here.
pub(crate) const HOLDS_BACK: Duration = Duration::from_millis(500);
/// How long the receiver pauses after every read, at most. Under Wine a withdrawal takes hundreds of milliseconds: a send that
/// does not ask any more must last longer to be seen after it.
pub(crate) const SLOWEST: Duration = Duration::from_millis(40);
/// In so many rounds without the lock some bytes are late.
pub(crate) const LATE_ONCE_IN: usize = 20;

/// Nanoseconds on a clock that every process of this computer shares. The one that only moves forward is each process's
/// own to read here, so it is the time of day, which may be set: whoever compares two moments sees to that.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// There is no such setting here.
pub(crate) fn keep_segments_small(_socket: &Socket) -> io::Result<()> {
    Ok(())
}
