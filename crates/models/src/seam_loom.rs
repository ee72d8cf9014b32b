//! `crate::sync` under loom. Every use is a step, and loom tries its place among the other threads' steps. A relaxed
//! load may return a value that another processor still sees. A sleep is not a step: it advances its own thread's
//! clock, so that a wait ends after a few polls whatever the schedule is. Never checks anything itself.

use crate::steps;
pub(crate) use std::sync::MutexGuard;
use std::{
    cell::Cell,
    sync::{OnceLock, atomic::Ordering},
    time::Duration,
};

/// The factor by which a sleep is longer here. With it a withdrawal tries a life lock twice, and a decision tries its
/// lock three times.
const STRETCH: u32 = 1_000;

/// A withdrawal releases the life lock in the step in which it acquires it. A sender that tried in between would have
/// been refused, which only means one slice less.
pub(crate) const MERGES: bool = true;

loom::thread_local! {
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
}

/// The total time that this thread has slept.
pub(crate) fn slept() -> Duration {
    Duration::from_micros(SLEPT.with(Cell::get))
}

/// A gate. The compiled modules share no other number between threads. Loom's atomic can't be made in a constant, so
/// this one is made when it is first used. That happens in the thread that makes the world of a schedule.
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

    /// Makes the atomic now, for a value that is shared before its first use.
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
        steps::note(if value == 0 { steps::CLOSE_GATE } else { steps::OPEN_GATE });
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

/// A lock for which no two threads wait in these plans: the modules hold `compared` across no step, and only one thread
/// in each process uses `view`. So taking it is not a step. A plan that breaks this rule fails immediately.
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

/// A shared object that threads access. The order of two reads does not matter. The order of a write and any other
/// access does.
#[derive(Debug)]
pub(crate) struct Point(loom::sync::atomic::AtomicU64);

impl Point {
    pub(crate) fn new() -> Self {
        Point(loom::sync::atomic::AtomicU64::new(0))
    }

    pub(crate) fn read(&self) {
        // The data is stored separately, and a read always returns the newest. The fence orders everything stored
        // before against everything loaded after. So loom does not try a schedule twice for an older value of this
        // counter.
        loom::sync::atomic::fence(Ordering::SeqCst);
        self.0.load(Ordering::Acquire);
    }

    pub(crate) fn write(&self) {
        self.0.store(1, Ordering::Release);
        loom::sync::atomic::fence(Ordering::SeqCst);
    }
}

/// Lets a thread wait until another one signals.
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

/// In machine words. The real modules parse JSON on this stack.
const STACK: usize = 32 << 10;

pub(crate) fn spawn(act: impl FnOnce() + Send + 'static) -> Thread {
    loom::thread::Builder::new().stack_size(STACK).spawn(act).unwrap()
}
