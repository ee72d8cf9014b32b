//! The pending maintenance tasks, and whether a thread is running them. Only notes: nothing here runs a task.

use crate::sync::{Condvar, Mutex};
use std::{
    sync::atomic::{AtomicBool, AtomicU8, Ordering},
    time::Duration,
};

/// Kinds of maintenance.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Task {
    /// Data that no grant in force covers must be destroyed.
    Clear = 1,
    /// A block, a rule or the calendar has changed something.
    Settle = 2,
    /// Something that was interrupted must be finished.
    Finish = 4,
    /// Data that is too old or too much must be dropped.
    Housekeeping = 8,
}

/// Which tasks are pending, and whether a thread is running them.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    pub(crate) pending: AtomicU8,
    /// Something could not be done because another process was deciding.
    pub(crate) again: AtomicBool,
    /// The client is shutting down: no new task is started.
    over: AtomicBool,
    /// Held while tasks run, so that only one thread runs them at a time.
    pub(crate) doing: Mutex<()>,
    /// Whether the maintenance thread exists.
    pub(crate) running: Mutex<bool>,
    /// Notified when the maintenance thread is done.
    pub(crate) rested: Condvar,
}

impl Tasks {
    /// Notes that a task is pending.
    pub(crate) fn request(&self, what: Task) {
        self.pending.fetch_or(what as u8, Ordering::SeqCst);
    }

    /// Whether something interrupted is left, or may be, that this process must finish before it ends.
    pub(crate) fn is_to_finish(&self) -> bool {
        self.pending.load(Ordering::SeqCst) & Task::Finish as u8 != 0 || self.again()
    }

    /// Whether a task is pending and may still be started.
    pub(crate) fn are_pending(&self) -> bool {
        self.pending.load(Ordering::SeqCst) != 0 && !self.over.load(Ordering::SeqCst)
    }

    /// Whether something could not be done and must be tried again.
    pub(crate) fn again(&self) -> bool {
        self.again.load(Ordering::SeqCst)
    }

    /// Whether any task is pending or running.
    pub(crate) fn is_busy(&self) -> bool {
        self.are_pending() || *self.running.lock()
    }

    /// Waits until the maintenance thread is done, `limit` at most.
    pub(crate) fn wait(&self, limit: Duration) {
        self.rested.wait_while(self.running.lock(), limit, |running| *running);
    }

    /// Starts no thread from now on, and waits for the running one, `limit` at most.
    pub(crate) fn end(&self, limit: Duration) {
        self.over.store(true, Ordering::SeqCst);
        self.wait(limit);
    }
}
