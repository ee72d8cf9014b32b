//! Stops processes by a signal, one of them in the middle of a send, and lets them go on. Linux only.

use super::{
    receiver::Receiver,
    round::{Running, a_moment},
};
use rustix::process::{Pid, Signal, kill_process};
use std::{error::Error, sync::atomic::Ordering, thread, time::Duration};

fn signal_others(members: &[Running], signal: Signal) -> Result<(), Box<dyn Error>> {
    for member in members.iter().skip(1) {
        let process = Pid::from_raw(i32::try_from(member.child.id())?).ok_or("no such process")?;
        kill_process(process, signal)?;
    }
    Ok(())
}

pub(super) fn let_others_go_on(members: &[Running]) -> Result<(), Box<dyn Error>> {
    signal_others(members, Signal::CONT)
}

/// Whether the rest of a request never arrives. Waits until the bytes that are on their way have been read, and then
/// for longer than any pause of the receiver.
fn waits_in_vain(receiver: &Receiver) -> bool {
    loop {
        let before = receiver.read.load(Ordering::SeqCst);
        thread::sleep(Duration::from_millis(50));
        if receiver.read.load(Ordering::SeqCst) == before {
            return receiver.is_busy();
        }
    }
}

/// Stops every process except the first, at a moment when one of them has bytes left to hand over.
pub(super) fn stop_others(
    receiver: &Receiver,
    members: &[Running],
    random: &mut fastrand::Rng,
) -> Result<(), Box<dyn Error>> {
    for _ in 0..50 {
        signal_others(members, Signal::STOP)?;
        // Bytes on their way still arrive. If the rest of a request then does not arrive, a stopped process has it.
        if waits_in_vain(receiver) {
            return Ok(());
        }
        let_others_go_on(members)?;
        a_moment(receiver, random)?;
    }
    Err("no process could be stopped in the middle of a send".into())
}
