//! `crate::sync` under loom: every use is a step whose place among the other threads' steps loom tries out, and a relaxed
//! load may answer what another processor still sees. A nap takes no step: it moves the clock of its own thread, so that
//! a wait ends after a few looks however the others are scheduled. Checks nothing itself.

use crate::steps;
pub(crate) use std::sync::MutexGuard;
use std::{
    cell::Cell,
    sync::{OnceLock, atomic::Ordering},
    time::Duration,
};

/// How much longer a nap is here: a withdrawal looks twice at a life lock, a decision three times at its lock.
const STRETCH: u32 = 1_000;

/// A life lock that is had for a withdrawal is let go of in the same step: whoever would have tried in between would have been
/// refused, and that is one slice less.
pub(crate) const MERGES: bool = true;

loom::thread_local! {
    static NAPPED: Cell<u64> = Cell::new(0);
    static MERGED: Cell<bool> = Cell::new(false);
}

/// Whether what this thread reads is part of a step it has taken. See `Memory::merge`.
pub(crate) fn is_merged() -> bool {
    MERGED.with(Cell::get)
}

pub(crate) fn set_merged(merged: bool) {
    MERGED.with(|cell| cell.set(merged));
}

pub(crate) fn sleep(time: Duration) {
    let more = (time * STRETCH).as_micros() as u64;
    NAPPED.with(|napped| napped.set(napped.get() + more));
}

/// For how long this thread has slept.
pub(crate) fn napped() -> Duration {
    Duration::from_micros(NAPPED.with(Cell::get))
}

/// A gate: the compiled rooms have no other number that threads share. Loom's can't be made in a constant; this one is made when it is first used, which is in the thread that makes the
/// world of a schedule.
#[derive(Debug)]
pub(crate) struct AtomicU64 {
    first: u64,
    cell: OnceLock<loom::sync::atomic::AtomicU64>,
}

impl AtomicU64 {
    pub(crate) const fn new(first: u64) -> Self {
        AtomicU64 { first, cell: OnceLock::new() }
    }

    fn cell(&self) -> &loom::sync::atomic::AtomicU64 {
        self.cell.get_or_init(|| loom::sync::atomic::AtomicU64::new(self.first))
    }

    /// Makes it now, for whoever shares it before it is used.
    pub(crate) fn make(&self) {
        self.cell();
    }

    pub(crate) fn load(&self, order: Ordering) -> u64 {
        let value = self.cell().load(order);
        steps::note(steps::ASK_GATE);
        value
    }

    pub(crate) fn swap(&self, value: u64, order: Ordering) -> u64 {
        let before = self.cell().swap(value, order);
        steps::note(if value == 0 { steps::SHUT_GATE } else { steps::OPEN_GATE });
        before
    }
}

#[derive(Debug)]
pub(crate) struct AtomicBool(AtomicU64);

impl AtomicBool {
    pub(crate) const fn new(first: bool) -> Self {
        AtomicBool(AtomicU64::new(first as u64))
    }

    pub(crate) fn load(&self, order: Ordering) -> bool {
        self.0.cell().load(order) != 0
    }

    pub(crate) fn store(&self, value: bool, order: Ordering) {
        self.0.cell().store(u64::from(value), order);
    }
}

/// A lock that the plans run here give no two threads a reason to wait for: the rooms hold `compared` over no step, and
/// `view` is one thread's in each process. So taking it is no step of its own; a plan that breaks this fails at once.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Mutex(std::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.try_lock().expect("a plan for loom has one thread at each lock")
    }
}

/// One thing that threads meet at. Two reads of it may be swapped and nobody notices; a write may not pass either.
#[derive(Debug)]
pub(crate) struct Point(loom::sync::atomic::AtomicU64);

impl Point {
    pub(crate) fn new() -> Self {
        Point(loom::sync::atomic::AtomicU64::new(0))
    }

    pub(crate) fn read(&self) {
        // What is read lies beside it, and is always the newest: fences order what is stored before all that is loaded
        // after, so that no schedule is tried twice for an older mark.
        loom::sync::atomic::fence(Ordering::SeqCst);
        self.0.load(Ordering::Acquire);
    }

    pub(crate) fn write(&self) {
        self.0.store(1, Ordering::Release);
        loom::sync::atomic::fence(Ordering::SeqCst);
    }
}

/// A thread waits until another one says so.
#[derive(Debug)]
pub(crate) struct Signal(loom::sync::Mutex<bool>, loom::sync::Condvar);

impl Signal {
    pub(crate) fn new() -> Self {
        Signal(loom::sync::Mutex::new(false), loom::sync::Condvar::new())
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

pub(crate) type Thread = loom::thread::JoinHandle<()>;

/// In machine words; the real rooms parse JSON on it.
const STACK: usize = 32 << 10;

pub(crate) fn spawn(act: impl FnOnce() + Send + 'static) -> Thread {
    loom::thread::Builder::new().stack_size(STACK).spawn(act).unwrap()
}
