//! The worker: one thread that moves events from the rings to disk and starts a send when one is due.
//!
//! Made when the first scope opens. It works every 20 ms while there is something to do and sleeps otherwise; a
//! recording thread wakes it at most once for each time it sleeps. A send runs on a thread of its own, so that a slow
//! receiver costs no event.

use super::{Engine, Flushed, Occasion, Unsent, house::DOUBTED};
use crate::{
    consent::Status,
    sync::{Condvar, Mutex},
};
use once_cell::sync::OnceCell;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, Thread},
    time::Duration,
};

const TICK: Duration = Duration::from_millis(20);
/// How often a busy worker looks whether a send is due.
const LOOK: Duration = Duration::from_secs(1);
/// The shortest time between two sends that nobody asked for: scopes don't leave back to back, and a disk or receiver
/// that fails is not tried all the time.
const BETWEEN_SENDS: Duration = Duration::from_secs(60);
/// How often what was lost is noted, where something was.
const BETWEEN_NOTES: Duration = Duration::from_secs(60);
/// How often it is tried again to put in order what another process kept from being put in order.
const BETWEEN_RETRIES: Duration = Duration::from_secs(30);
/// How often whoever drops a client waits anew, since events still reach the disk.
const PATIENCE: u32 = 5;
/// The longest sleep: a computer that was suspended finds the new day at the latest then.
const LONGEST: Duration = Duration::from_secs(3_600);

/// How a thread is made.
pub(super) type Spawn = fn(&'static str, Box<dyn FnOnce() + Send>) -> io::Result<Thread>;

fn spawn(name: &'static str, run: Box<dyn FnOnce() + Send>) -> io::Result<Thread> {
    crate::thread::start(name, run)
}

/// The worker's controls. The recording thread sees only `idle` and `thread`.
pub(crate) struct Worker {
    spawn: Spawn,
    idle: AtomicBool,
    /// Set by whoever changed something; what `idle` says is lost where the worker says at that moment that it sleeps.
    nudged: AtomicBool,
    stop: AtomicBool,
    sending: AtomicBool,
    thread: OnceCell<Thread>,
    /// Why the thread could not be made when it was needed last.
    unmade: Mutex<Option<String>>,
    ended: Mutex<bool>,
    end: Condvar,
    /// A test is the worker: no thread is started.
    #[cfg(test)]
    no_thread: AtomicBool,
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

    /// Starts the thread unless it runs. Where no thread can be made, events wait in the rings until they are full, and are
    /// counted from then on; the next call tries again.
    pub(crate) fn start(self: &Arc<Self>, engine: &Arc<Engine>) {
        #[cfg(test)]
        if self.no_thread.load(Ordering::SeqCst) {
            return;
        }
        let made = self.thread.get_or_try_init(|| {
            let (worker, engine) = (self.clone(), engine.clone());
            (self.spawn)("candor", Box::new(move || worker.run(&engine)))
        });
        *self.unmade.lock() = made.err().map(|error| error.to_string());
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

    /// Has done on a thread of its own what is owed.
    pub(crate) fn tidy(&self, engine: &Arc<Engine>) {
        #[cfg(test)]
        if self.no_thread.load(Ordering::SeqCst) {
            engine.do_chores();
            return;
        }
        engine.tidy(self.spawn);
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

    /// Stops the worker and waits until it has drained, `limit` at most. `false` when it had no time to.
    pub(crate) fn stop(&self, engine: &Engine, limit: Duration) -> bool {
        self.stop_while(engine, limit, || false)
    }

    /// The same for a client that is dropped: `limit` is for a disk that hangs. While events are brought to their end it
    /// waits anew, on a busy computer a few times as long.
    pub(crate) fn stop_patiently(&self, engine: &Engine, limit: Duration) -> bool {
        let (mut ended, mut times) = (engine.journal.counters.ended(), 1);
        self.stop_while(engine, limit, || {
            let before = std::mem::replace(&mut ended, engine.journal.counters.ended());
            times += 1;
            times <= PATIENCE && ended != before
        })
    }

    fn stop_while(&self, engine: &Engine, limit: Duration, mut goes_on: impl FnMut() -> bool) -> bool {
        self.stop.store(true, Ordering::SeqCst);
        let Some(thread) = self.thread.get() else {
            // No thread could be made, or none was needed: what there is, is brought to disk on this one.
            self.finish(engine, limit);
            return true;
        };
        thread.unpark();
        let mut until = engine.ambient.monotonic() + limit;
        let mut ended = self.ended.lock();
        while !*ended {
            let left = until.saturating_duration_since(engine.ambient.monotonic());
            let over;
            (ended, over) = self.end.wait_for(ended, left);
            if over {
                if *ended || !goes_on() {
                    break;
                }
                until = engine.ambient.monotonic() + limit;
            }
        }
        *ended
    }

    /// Drains for the last time.
    fn finish(&self, engine: &Engine, wait: Duration) {
        // Threads that go on recording must not keep this one from ending.
        for _ in 0..16 {
            if engine.journal.is_drained() || engine.tick() == 0 {
                break;
            }
        }
        engine.journal.seal();
        let _ = engine.note_losses_within(wait);
        engine.retry_at_the_end();
    }

    fn run(self: &Arc<Self>, engine: &Arc<Engine>) {
        // Whatever ends this thread, whoever waits for it must be told.
        struct Ended<'w>(&'w Worker);
        impl Drop for Ended<'_> {
            fn drop(&mut self) {
                *self.0.ended.lock() = true;
                self.0.end.notify_all();
            }
        }
        let _ended = Ended(self);
        // What was overdue before this process began does not leave at the moment it begins.
        let mut next_look = engine.ambient.monotonic();
        let mut next_send = next_look + engine.first_wait();
        let mut due = engine.ambient.now();
        let mut noted = None;
        let mut next_note = next_look;
        let mut next_retry = next_look;
        loop {
            let stopping = self.stop.load(Ordering::SeqCst);
            // From here on everything is looked at.
            self.nudged.store(false, Ordering::SeqCst);
            engine.retry();
            let drained = engine.tick();
            engine.tidy(self.spawn);
            let today = engine.today();
            if noted != Some(today) && engine.note_day() {
                noted = Some(today);
            }
            if stopping {
                self.finish(engine, Duration::MAX);
                return;
            }
            let instant = engine.ambient.monotonic();
            let now = engine.ambient.now();
            let owes = engine.journal.losses().owes();
            if owes && instant >= next_note {
                next_note = instant + BETWEEN_NOTES;
                engine.note_losses();
            }
            if engine.chores.again() && instant >= next_retry {
                next_retry = instant + BETWEEN_RETRIES;
                engine.retry_chores();
            }
            if drained == 0 || instant >= next_look {
                next_look = instant + LOOK;
                due = engine.next_due();
                if due <= now && instant >= next_send {
                    next_send = instant + BETWEEN_SENDS;
                    let _ = self.send(engine, Occasion::Due, None);
                }
            }
            if drained > 0 {
                if !engine.journal.is_pressed() {
                    thread::park_timeout(TICK);
                }
                continue;
            }
            self.idle.store(true, Ordering::SeqCst);
            if engine.journal.is_drained() && !self.nudged.load(Ordering::SeqCst) && !self.stop.load(Ordering::SeqCst) {
                let midnight = now.day().next().start().0.saturating_sub(now.0) + 1_000;
                let wait = Duration::from_millis(due.0.saturating_sub(now.0).max(1_000).min(midnight));
                let held_up = next_send.saturating_duration_since(instant).max(LOOK);
                let wait = if due <= now { held_up } else { wait };
                // A clock that was wrong a moment ago may be right again, or be believed by now.
                let in_doubt = engine.consent.awaits_clock() || engine.doubts_clock();
                let longest = if in_doubt { DOUBTED } else { LONGEST };
                let longest = if engine.chores.again() { longest.min(BETWEEN_RETRIES) } else { longest };
                let wait = wait.min(if owes { BETWEEN_NOTES } else { longest });
                self.sleep(engine, engine.consent.retry_in().map_or(wait, |soon| wait.min(soon)));
            }
            self.idle.store(false, Ordering::SeqCst);
        }
    }

    /// Sleeps until it is woken, the time is over, or another process has decided something. While a scope is open it looks
    /// once a second, so that a yes taken back in a terminal or on a page ends recording here as well. Where nothing is open
    /// there is nothing to end.
    fn sleep(&self, engine: &Engine, wait: Duration) {
        if engine.consent.open_places().is_empty() {
            thread::park_timeout(wait);
            return;
        }
        // Counted, not timed: a host's clock says nothing about this thread.
        for _ in 0..wait.as_secs().max(1) {
            thread::park_timeout(LOOK.min(wait));
            let woken = !self.idle.load(Ordering::SeqCst)
                || self.nudged.load(Ordering::SeqCst)
                || self.stop.load(Ordering::SeqCst);
            if woken || !engine.consent.is_unchanged() {
                return;
            }
        }
    }

    /// Sends on a thread of its own, and waits for it where a limit is given.
    ///
    /// # Errors
    /// It was not done by then, or could not begin; then the answer says why.
    pub(crate) fn send(
        self: &Arc<Self>,
        engine: &Arc<Engine>,
        occasion: Occasion,
        limit: Option<Duration>,
    ) -> Result<Flushed, Unsent> {
        let until = engine.ambient.monotonic() + limit.unwrap_or_default();
        while self.sending.swap(true, Ordering::SeqCst) {
            if engine.ambient.monotonic() >= until {
                return Err(Unsent::UnderWay);
            }
            thread::sleep(Duration::from_millis(1));
        }
        struct Sending(Arc<Worker>);
        impl Drop for Sending {
            fn drop(&mut self) {
                self.0.sending.store(false, Ordering::SeqCst);
            }
        }
        let sending = Sending(self.clone());
        #[cfg(test)]
        if self.no_thread.load(Ordering::SeqCst) {
            return Ok(engine.send(occasion));
        }
        let (sender, ambient) = (engine.clone(), engine.ambient.clone());
        let (done, wait) = mpsc::sync_channel(1);
        let run = move || {
            let flushed = sender.send(occasion);
            drop(sending);
            let _ = done.send(flushed);
        };
        (self.spawn)("candor-send", Box::new(run)).map_err(Unsent::NoThread)?;
        if limit.is_none() {
            return Err(Unsent::UnderWay);
        }
        wait.recv_timeout(until.saturating_duration_since(ambient.monotonic())).map_err(|error| match error {
            RecvTimeoutError::Timeout => Unsent::UnderWay,
            RecvTimeoutError::Disconnected => Unsent::BrokenOff,
        })
    }
}
