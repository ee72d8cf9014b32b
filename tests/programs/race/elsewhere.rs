//! What takes the place of the series that only Linux can show.

use super::{receiver::Receiver, round::Running};
use std::error::Error;

/// Plays nothing, and says so.
pub(super) fn series(_rounds: usize, _random: &mut fastrand::Rng) -> Result<String, Box<dyn Error>> {
    Ok("no series under strace and with stopped processes: this system has neither".into())
}

/// No series asks for it here.
pub(super) fn stop_others(
    _receiver: &Receiver,
    _members: &[Running],
    _random: &mut fastrand::Rng,
) -> Result<(), Box<dyn Error>> {
    Err("no process can be stopped here".into())
}

/// The same.
pub(super) fn let_others_go_on(_members: &[Running]) -> Result<(), Box<dyn Error>> {
    Err("no process was stopped here".into())
}
