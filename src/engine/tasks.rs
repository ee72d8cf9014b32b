//! What is owed, and who is at it: notes, and nothing that does any of it.

use crate::sync::{Condvar, Mutex};
use std::{
    sync::atomic::{AtomicBool, AtomicU8, Ordering},
    time::Duration,
};

/// What is owed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Task {
    /// What no grant stands behind is to be destroyed.
    Clear = 1,
    /// Blocks, rules or the calendar have changed something.
    Settle = 2,
    /// What an interruption left is to be finished.
    Finish = 4,
    /// What is too old or too much is to be dropped.
    Housekeeping = 8,
}

/// Notes what is owed, and who is at it.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    pub(crate) pending: AtomicU8,
    /// Something could not be done, since another process was deciding.
    pub(crate) again: AtomicBool,
    /// The client ends: nothing new is begun.
    over: AtomicBool,
    /// One at a time, whoever does it.
    pub(crate) doing: Mutex<()>,
    /// Whether the thread is there.
    pub(crate) running: Mutex<bool>,
    pub(crate) rested: Condvar,
}

impl Tasks {
    pub(crate) fn request(&self, what: Task) {
        self.pending.fetch_or(what as u8, Ordering::SeqCst);
    }

    /// Whether something that was interrupted is left, or may be, which ends with this process where nobody finishes it.
    pub(crate) fn is_to_finish(&self) -> bool {
        self.pending.load(Ordering::SeqCst) & Task::Finish as u8 != 0 || self.again()
    }

    pub(crate) fn are_pending(&self) -> bool {
        self.pending.load(Ordering::SeqCst) != 0 && !self.over.load(Ordering::SeqCst)
    }

    /// Whether something could not be done and is to be tried again.
    pub(crate) fn again(&self) -> bool {
        self.again.load(Ordering::SeqCst)
    }

    /// Whether anything is owed, or being done at this moment.
    pub(crate) fn is_busy(&self) -> bool {
        self.are_pending() || *self.running.lock()
    }

    /// Waits until the thread is done, `limit` at most.
    pub(crate) fn wait(&self, limit: Duration) {
        self.rested.wait_while(self.running.lock(), limit, |running| *running);
    }

    /// Makes no thread any more, and waits for what is under way, `limit` at most.
    pub(crate) fn end(&self, limit: Duration) {
        self.over.store(true, Ordering::SeqCst);
        self.wait(limit);
    }
}
