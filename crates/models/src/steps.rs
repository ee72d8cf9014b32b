//! What the steps that threads and processes share are called, and a record of those that were taken: by the real rooms,
//! by their copies in memory, and by the protocol alone, so that one can be held to the other. Judges nothing.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering::SeqCst},
};

pub(crate) const LOOK: &str = "look at the snapshot";
pub(crate) const REPLACE: &str = "replace the snapshot";
pub(crate) const SHARE: &str = "share the life lock";
pub(crate) const EXCLUDE: &str = "have the life lock alone";
pub(crate) const LET_GO: &str = "let go of the life lock";
pub(crate) const DECIDE: &str = "lock decisions";
pub(crate) const DECIDED: &str = "let go of decisions";
pub(crate) const SLICE: &str = "slice";
pub(crate) const ASK_GATE: &str = "ask the gate";
pub(crate) const SHUT_GATE: &str = "shut the gate";
pub(crate) const OPEN_GATE: &str = "open the gate";

static RECORDING: AtomicBool = AtomicBool::new(false);
static TAKEN: Mutex<Vec<&str>> = Mutex::new(Vec::new());

/// Notes a step, while a record is kept.
pub(crate) fn note(step: &'static str) {
    if RECORDING.load(SeqCst) {
        TAKEN.lock().unwrap().push(step);
    }
}

/// Notes what was done to a file, if that is one of the steps.
pub(crate) fn note_file(what: &str, name: &str) {
    match (what, name) {
        ("read", "consent") => note(LOOK),
        ("replace", "consent") => note(REPLACE),
        ("share", "playback.life") => note(SHARE),
        ("lock", "playback.life") => note(EXCLUDE),
        ("let go of", "playback.life") => note(LET_GO),
        ("lock", "consent.lock") => note(DECIDE),
        ("let go of", "consent.lock") => note(DECIDED),
        _ => {}
    }
}

/// The steps that `act` takes. Nothing else may run meanwhile.
pub(crate) fn of(act: impl FnOnce()) -> Vec<&'static str> {
    TAKEN.lock().unwrap().clear();
    RECORDING.store(true, SeqCst);
    act();
    RECORDING.store(false, SeqCst);
    std::mem::take(&mut *TAKEN.lock().unwrap())
}

/// The same without the questions that are asked again before anything else is done: of several looks, and of several
/// questions to the gate, the last one counts. Whoever asks once more than this has one more reason to stop, and no other.
pub(crate) fn once(steps: &[&'static str]) -> Vec<&'static str> {
    let asks = |step: &str| step == LOOK || step == ASK_GATE;
    let mut out: Vec<&'static str> = Vec::new();
    for &step in steps {
        if asks(step) {
            let run = out.iter().rposition(|step| !asks(step)).map_or(0, |at| at + 1);
            if let Some(again) = out[run..].iter().position(|&earlier| earlier == step) {
                out.remove(run + again);
            }
        }
        out.push(step);
    }
    out
}

/// The steps that a disk sees.
pub(crate) fn on_disk(steps: &[&'static str]) -> Vec<&'static str> {
    let seen: Vec<_> = steps.iter().copied().filter(|step| !step.ends_with("the gate")).collect();
    once(&seen)
}

/// A part of `steps.txt`, which `src/tests/steps.rs` holds to what a real client does on a real disk.
pub(crate) fn written(of: &str) -> Vec<&'static str> {
    let parts = include_str!("../steps.txt").split("# ");
    let part = parts.filter_map(|part| part.split_once('\n')).find(|(name, _)| *name == of);
    part.map(|(_, steps)| steps.trim().lines().collect()).unwrap_or_default()
}
