//! What this check needs of Windows.

use socket2::Socket;
use std::{
    io,
    time::{SystemTime, UNIX_EPOCH},
};

/// Of a thousand withdrawals so many must be confirmed.
pub(crate) const CONFIRMED: usize = 500;
/// Whether one may answer with an error, or a yes.
pub(crate) const MAY_FAIL: bool = true;

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
