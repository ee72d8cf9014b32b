//! The worker's controls: whether it sleeps, whether it must stop, and how a thread is made. Recording threads use only
//! `idle` and `thread`. What the worker does is an action, and not here.

use crate::{
    consent::Status,
    sync::{Condvar, Mutex},
};
use once_cell::sync::OnceCell;
use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
    thread::Thread,
};

/// How a thread is made.
pub(crate) type Spawn = fn(&'static str, Box<dyn FnOnce() + Send>) -> io::Result<Thread>;

fn spawn(name: &'static str, run: Box<dyn FnOnce() + Send>) -> io::Result<Thread> {
    crate::thread::start(name, run)
}

/// The worker's controls. A recording thread uses only `idle` and `thread`.
pub(crate) struct Worker {
    pub(crate) spawn: Spawn,
    /// Whether the worker sleeps.
    pub(crate) idle: AtomicBool,
    /// Set by a caller that changed something. `idle` alone is not enough: clearing it has no effect if the worker sets
    /// it, to say that it sleeps, a moment later.
    pub(crate) nudged: AtomicBool,
    pub(crate) stop: AtomicBool,
    /// Whether a send is running.
    pub(crate) sending: AtomicBool,
    pub(crate) thread: OnceCell<Thread>,
    /// Why the thread could not be made when it was last needed.
    pub(crate) unmade: Mutex<Option<String>>,
    /// Whether the worker's thread has ended; `end` is notified then.
    pub(crate) ended: Mutex<bool>,
    pub(crate) end: Condvar,
    /// A test acts as the worker: no thread is started.
    #[cfg(test)]
    pub(crate) no_thread: AtomicBool,
}

impl Default for Worker {
    fn default() -> Self {
        Worker::with(spawn)
    }
}

impl Worker {
    /// Controls that make threads with this function.
    pub(crate) fn with(spawn: Spawn) -> Self {
        Worker {
            spawn,
            idle: AtomicBool::default(),
            nudged: AtomicBool::default(),
            stop: AtomicBool::default(),
            sending: AtomicBool::default(),
            thread: OnceCell::default(),
            unmade: Mutex::default(),
            ended: Mutex::default(),
            end: Condvar::default(),
            #[cfg(test)]
            no_thread: AtomicBool::new(false),
        }
    }

    /// Adds to the status of an open scope that its events do not reach the disk at present, if the worker's thread
    /// could not be made.
    pub(crate) fn tell(&self, status: &mut Status) {
        if let Some(why) = &*self.unmade.lock()
            && status.is_open()
        {
            status.trouble.get_or_insert_with(|| {
                format!(
                    "no thread could be made ({why}): what is recorded stays in memory, as much as fits, and nothing \
                     is sent; candor tries again when the program decides, inspects or flushes"
                )
            });
        }
    }

    /// From now on no thread is started.
    #[cfg(test)]
    pub(crate) fn start_none(&self) {
        self.no_thread.store(true, Ordering::SeqCst);
    }

    /// Wakes the worker if it sleeps. In the single order of sequentially consistent operations this load comes after
    /// the push, and the worker checks the rings after it said that it sleeps. So at least one of the two sees the
    /// other.
    #[inline]
    pub(crate) fn wake(&self) {
        if self.idle.load(Ordering::SeqCst) {
            self.wake_sleeper();
        }
    }

    #[cold]
    fn wake_sleeper(&self) {
        if self.idle.swap(false, Ordering::SeqCst)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    /// Wakes the worker whether or not it says that it sleeps: something other than an event has changed.
    pub(crate) fn nudge(&self) {
        self.nudged.store(true, Ordering::SeqCst);
        self.idle.store(false, Ordering::SeqCst);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}
