//! `crate::sync` under shuttle. At every use any other thread may run. A sleep lets other threads run and advances its
//! own thread's clock, so that a wait ends after a few polls. Never checks anything itself.

use std::{cell::Cell, sync::atomic::Ordering, time::Duration};

pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64};

/// The factor by which a sleep is longer here. With it a withdrawal tries a life lock eight times, and a decision tries
/// its lock twelve times.
const STRETCH: u32 = 125;

/// Random orders need no merged steps.
pub(crate) const MERGES: bool = false;

shuttle::thread_local! {
    static SLEPT: Cell<u64> = Cell::new(0);
    static MERGED: Cell<bool> = Cell::new(false);
}

/// Whether this thread's reads are part of a step it has already taken. See `Memory::merge`.
pub(crate) fn is_merged() -> bool {
    MERGED.with(Cell::get)
}

pub(crate) fn set_merged(merged: bool) {
    MERGED.with(|cell| cell.set(merged));
}

pub(crate) fn sleep(time: Duration) {
    let more = (time * STRETCH).as_micros() as u64;
    SLEPT.with(|slept| slept.set(slept.get() + more));
    shuttle::thread::yield_now();
}

/// The total time that this thread has slept.
pub(crate) fn slept() -> Duration {
    Duration::from_micros(SLEPT.with(Cell::get))
}

#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

pub(crate) use shuttle::sync::MutexGuard;

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Mutex(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A shared object that threads access.
#[derive(Debug)]
pub(crate) struct Point(AtomicU64);

impl Point {
    pub(crate) fn new() -> Self {
        Point(AtomicU64::new(0))
    }

    pub(crate) fn read(&self) {
        self.0.load(Ordering::SeqCst);
    }

    pub(crate) fn write(&self) {
        self.0.store(1, Ordering::SeqCst);
    }
}

/// Lets a thread wait until another one signals.
#[derive(Debug)]
pub(crate) struct Signal(shuttle::sync::Mutex<bool>, shuttle::sync::Condvar);

impl Signal {
    pub(crate) fn new() -> Self {
        Signal(shuttle::sync::Mutex::new(false), shuttle::sync::Condvar::new())
    }

    pub(crate) fn give(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    pub(crate) fn wait(&self) {
        let mut given = self.0.lock().unwrap();
        while !*given {
            given = self.1.wait(given).unwrap();
        }
    }
}

pub(crate) type Thread = shuttle::thread::JoinHandle<()>;

pub(crate) fn spawn(act: impl FnOnce() + Send + 'static) -> Thread {
    shuttle::thread::spawn(act)
}
