//! The worker's controls: whether it sleeps, whether it is to stop, and how a thread is made. Recording threads see only `idle` and
//! `thread`. What it does is an action.

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

/// The worker's controls. The recording thread sees only `idle` and `thread`.
pub(crate) struct Worker {
    pub(crate) spawn: Spawn,
    pub(crate) idle: AtomicBool,
    /// Set by whoever changed something; what `idle` says is lost where the worker says at that moment that it sleeps.
    pub(crate) nudged: AtomicBool,
    pub(crate) stop: AtomicBool,
    pub(crate) sending: AtomicBool,
    pub(crate) thread: OnceCell<Thread>,
    /// Why the thread could not be made when it was needed last.
    pub(crate) unmade: Mutex<Option<String>>,
    pub(crate) ended: Mutex<bool>,
    pub(crate) end: Condvar,
    /// A test is the worker: no thread is started.
    #[cfg(test)]
    pub(crate) no_thread: AtomicBool,
}

impl Default for Worker {
    fn default() -> Self {
        Worker::with(spawn)
    }
}

impl Worker {
    /// One that makes its threads like this.
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

    /// Says in the status of a scope that is open that nobody brings its events to disk at the moment, where that is so.
    pub(crate) fn tell(&self, status: &mut Status) {
        if let Some(why) = &*self.unmade.lock()
            && status.is_open()
        {
            status.trouble.get_or_insert_with(|| {
                format!(
                    "no thread could be made ({why}): what is recorded stays in memory, as much as fits, and nothing is sent; \
                     it is tried again when the program decides, looks or flushes"
                )
            });
        }
    }

    /// From now on no thread is started.
    #[cfg(test)]
    pub(crate) fn start_none(&self) {
        self.no_thread.store(true, Ordering::SeqCst);
    }

    /// Wakes the worker if it sleeps. The load comes after the push in the one order of sequentially consistent
    /// operations, and the worker looks at the rings after it said that it sleeps: one of the two sees the other.
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

    /// Wakes the worker whether it says that it sleeps or not: something other than an event changed.
    pub(crate) fn nudge(&self) {
        self.nudged.store(true, Ordering::SeqCst);
        self.idle.store(false, Ordering::SeqCst);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}
