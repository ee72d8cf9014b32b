//! Replaces `stopping.rs` on systems where no process is stopped: no series asks for it there.

use super::{receiver::Receiver, round::Running};
use std::error::Error;

/// Not used here: no series stops processes on this system.
pub(super) fn stop_others(
    _receiver: &Receiver,
    _members: &[Running],
    _random: &mut fastrand::Rng,
) -> Result<(), Box<dyn Error>> {
    Err("no process can be stopped here".into())
}

/// Not used here either.
pub(super) fn let_others_go_on(_members: &[Running]) -> Result<(), Box<dyn Error>> {
    Err("no process was stopped here".into())
}
