//! Names for the steps that threads and processes share, and a record of the steps taken. The real modules, their
//! copies in memory and the protocol model all record them, so that they can be compared. Never checks anything itself.

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
pub(crate) const CLOSE_GATE: &str = "close the gate";
pub(crate) const OPEN_GATE: &str = "open the gate";

static RECORDING: AtomicBool = AtomicBool::new(false);
static TAKEN: Mutex<Vec<&str>> = Mutex::new(Vec::new());

/// Records a step, if recording is on.
pub(crate) fn note(step: &'static str) {
    if RECORDING.load(SeqCst) {
        TAKEN.lock().unwrap().push(step);
    }
}

/// Records an operation on a file, if it is one of the steps.
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

/// Returns the steps that `act` takes. No other thread may run at the same time.
pub(crate) fn of(act: impl FnOnce()) -> Vec<&'static str> {
    TAKEN.lock().unwrap().clear();
    RECORDING.store(true, SeqCst);
    act();
    RECORDING.store(false, SeqCst);
    std::mem::take(&mut *TAKEN.lock().unwrap())
}

/// Removes repeated questions. Of several looks, and of several questions to the gate, with no other step between them,
/// only the last one counts. An extra question can only give a sender one more reason to stop.
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

/// Returns the steps that are visible on disk.
pub(crate) fn on_disk(steps: &[&'static str]) -> Vec<&'static str> {
    let seen: Vec<_> = steps.iter().copied().filter(|step| !step.ends_with("the gate")).collect();
    once(&seen)
}

/// Returns a part of `steps.txt`. `src/tests/steps.rs` compares the same file with what a real client does on a real
/// disk.
pub(crate) fn written(of: &str) -> Vec<&'static str> {
    let parts = include_str!("../steps.txt").split("# ");
    let part = parts.filter_map(|part| part.split_once('\n')).find(|(name, _)| *name == of);
    part.map(|(_, steps)| steps.trim().lines().collect()).unwrap_or_default()
}
