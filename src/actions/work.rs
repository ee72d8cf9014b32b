//! The worker: one thread that moves events from the rings to disk and starts a send when one is due.
//!
//! It is started when the first scope opens. It runs every 20 ms while there is something to do, and sleeps otherwise.
//! A recording thread wakes it at most once for each sleep. A send runs on a separate thread, so that a slow receiver
//! costs no events. The worker decides nothing about consent.

use crate::{
    engine::{Engine, SUSPECT_FOR, Worker},
    send::{Flushed, Occasion, Unsent},
};
use std::{
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

const MINUTE: u64 = 60_000;
const TICK: Duration = Duration::from_millis(20);
/// How often a busy worker checks whether a send is due.
const LOOK: Duration = Duration::from_secs(1);
/// The shortest time between two sends that the program did not ask for. Scopes are not sent one right after the other,
/// and a disk or receiver that fails is not tried all the time.
const BETWEEN_SENDS: Duration = Duration::from_secs(60);
/// How often losses are noted, if there are any.
const BETWEEN_NOTES: Duration = Duration::from_secs(60);
/// How often maintenance that another process prevented is tried again.
const BETWEEN_RETRIES: Duration = Duration::from_secs(30);
/// How many times a thread that drops a client waits for the limit in all, as long as events still reach the disk.
const PATIENCE: u32 = 5;
/// The longest sleep. After a computer was suspended, the new day is noticed within this time.
const LONGEST: Duration = Duration::from_secs(3_600);

impl Engine {
    /// How long after its start a process waits before it sends what was due before: a random time up to a quarter of
    /// an hour.
    pub(crate) fn first_wait(&self) -> Duration {
        Duration::from_millis(self.below(15 * MINUTE))
    }

    /// Starts the thread unless it is running. If no thread can be made, events wait in the rings until the rings are
    /// full; further events are dropped and counted. The next call tries again.
    pub(crate) fn start_thread(self: &Arc<Self>) {
        #[cfg(test)]
        if self.worker.no_thread.load(Ordering::SeqCst) {
            return;
        }
        let made = self.worker.thread.get_or_try_init(|| {
            let engine = self.clone();
            (self.worker.spawn)("candor", Box::new(move || engine.work()))
        });
        *self.worker.unmade.lock() = made.err().map(|error| error.to_string());
    }

    /// Stops the worker and waits at most `limit` until it has drained the rings. Returns `false` if there was not
    /// enough time.
    pub(crate) fn stop(&self, limit: Duration) -> bool {
        self.stop_while(limit, || false)
    }

    /// The same for a client that is dropped. `limit` is meant for a disk that hangs. As long as events keep reaching
    /// the disk, the wait starts over, at most [`PATIENCE`] times in all, which a busy computer may need.
    pub(crate) fn stop_patiently(&self, limit: Duration) -> bool {
        let (mut ended, mut times) = (self.journal.counters.ended(), 1);
        self.stop_while(limit, || {
            let before = std::mem::replace(&mut ended, self.journal.counters.ended());
            times += 1;
            times <= PATIENCE && ended != before
        })
    }

    /// Stops the worker. Each time `limit` is over, `goes_on` says whether to wait for another `limit`.
    fn stop_while(&self, limit: Duration, mut goes_on: impl FnMut() -> bool) -> bool {
        self.worker.stop.store(true, Ordering::SeqCst);
        let Some(thread) = self.worker.thread.get() else {
            // No thread could be made, or none was needed: the events are brought to disk on this thread.
            self.finish(limit);
            return true;
        };
        thread.unpark();
        let mut until = self.ambient.monotonic() + limit;
        let mut ended = self.worker.ended.lock();
        while !*ended {
            let left = until.saturating_duration_since(self.ambient.monotonic());
            let over;
            (ended, over) = self.worker.end.wait_for(ended, left);
            if over {
                if *ended || !goes_on() {
                    break;
                }
                until = self.ambient.monotonic() + limit;
            }
        }
        *ended
    }

    /// Drains the rings for the last time, notes losses, and retries decisions that could not be written.
    fn finish(&self, wait: Duration) {
        // The number of rounds is limited: other threads that keep recording must not keep this one from ending.
        for _ in 0..16 {
            if self.journal.is_drained() || self.tick() == 0 {
                break;
            }
        }
        self.journal.seal();
        // The same call when the client ends says whether a loss is left.
        let _ = self.note_losses_within(wait);
        self.retry_at_the_end();
    }

    /// The thread's body: one round after the other until the worker is stopped.
    fn work(self: &Arc<Self>) {
        // However this thread ends, the threads waiting for it are notified.
        struct Ended<'w>(&'w Worker);
        impl Drop for Ended<'_> {
            fn drop(&mut self) {
                *self.0.ended.lock() = true;
                self.0.end.notify_all();
            }
        }
        let _ended = Ended(&self.worker);
        // Data that was overdue before this process began is not sent the moment it begins.
        let mut next_look = self.ambient.monotonic();
        let mut next_send = next_look + self.first_wait();
        let mut due = self.ambient.now();
        let mut noted = None;
        let mut next_note = next_look;
        let mut next_retry = next_look;
        loop {
            let stopping = self.worker.stop.load(Ordering::SeqCst);
            // A nudge that comes after this line causes another round. Everything is checked below.
            self.worker.nudged.store(false, Ordering::SeqCst);
            self.retry();
            let drained = self.tick();
            self.tidy();
            let today = self.today();
            if noted != Some(today) && self.note_day() {
                noted = Some(today);
            }
            if stopping {
                self.finish(Duration::MAX);
                return;
            }
            let instant = self.ambient.monotonic();
            let now = self.ambient.now();
            let owes = self.journal.losses().are_unsaved();
            if owes && instant >= next_note {
                next_note = instant + BETWEEN_NOTES;
                self.note_losses();
            }
            if self.tasks.again() && instant >= next_retry {
                next_retry = instant + BETWEEN_RETRIES;
                self.retry_tasks();
            }
            if drained == 0 || instant >= next_look {
                next_look = instant + LOOK;
                due = self.next_due();
                if due <= now && instant >= next_send {
                    next_send = instant + BETWEEN_SENDS;
                    // Nobody waits for the result. A send that could not begin is due again soon.
                    let _ = self.send_apart(Occasion::Due, None);
                }
            }
            if drained > 0 {
                if !self.journal.is_pressed() {
                    thread::park_timeout(TICK);
                }
                continue;
            }
            self.worker.idle.store(true, Ordering::SeqCst);
            if self.journal.is_drained()
                && !self.worker.nudged.load(Ordering::SeqCst)
                && !self.worker.stop.load(Ordering::SeqCst)
            {
                let midnight = now.day().next().start().0.saturating_sub(now.0) + 1_000;
                let wait = Duration::from_millis(due.0.saturating_sub(now.0).max(1_000).min(midnight));
                let held_up = next_send.saturating_duration_since(instant).max(LOOK);
                let wait = if due <= now { held_up } else { wait };
                // A clock that was wrong a moment ago may be right again, or may be trusted by now.
                let in_doubt = self.consent.awaits_clock() || self.suspects_clock();
                let longest = if in_doubt { SUSPECT_FOR } else { LONGEST };
                let longest = if self.tasks.again() { longest.min(BETWEEN_RETRIES) } else { longest };
                let wait = wait.min(if owes { BETWEEN_NOTES } else { longest });
                self.sleep(self.consent.retry_in().map_or(wait, |soon| wait.min(soon)));
            }
            self.worker.idle.store(false, Ordering::SeqCst);
        }
    }

    /// Sleeps until the worker is woken, the time is over, or another process has decided something. While a scope is
    /// open it checks once a second, so that a withdrawal in a terminal or on a page ends recording here as well. While
    /// nothing is open there is nothing to end.
    fn sleep(&self, wait: Duration) {
        if self.consent.open_places().is_empty() {
            thread::park_timeout(wait);
            return;
        }
        // The seconds are counted, not read from a clock: the host's clock may not match the time this thread sleeps.
        for _ in 0..wait.as_secs().max(1) {
            thread::park_timeout(LOOK.min(wait));
            let woken = !self.worker.idle.load(Ordering::SeqCst)
                || self.worker.nudged.load(Ordering::SeqCst)
                || self.worker.stop.load(Ordering::SeqCst);
            if woken || !self.consent.is_unchanged() {
                return;
            }
        }
    }

    /// Sends on a separate thread. If `limit` is given, waits for the result at most that long.
    ///
    /// # Errors
    /// The send was not finished in time, or could not begin; the error says why.
    pub(crate) fn send_apart(self: &Arc<Self>, occasion: Occasion, limit: Option<Duration>) -> Result<Flushed, Unsent> {
        let until = self.ambient.monotonic() + limit.unwrap_or_default();
        while self.worker.sending.swap(true, Ordering::SeqCst) {
            if self.ambient.monotonic() >= until {
                return Err(Unsent::UnderWay);
            }
            thread::sleep(Duration::from_millis(1));
        }
        struct Sending(Arc<Engine>);
        impl Drop for Sending {
            fn drop(&mut self) {
                self.0.worker.sending.store(false, Ordering::SeqCst);
            }
        }
        let sending = Sending(self.clone());
        #[cfg(test)]
        if self.worker.no_thread.load(Ordering::SeqCst) {
            return Ok(self.send(occasion));
        }
        let (sender, ambient) = (self.clone(), self.ambient.clone());
        let (done, wait) = mpsc::sync_channel(1);
        let run = move || {
            let flushed = sender.send(occasion);
            drop(sending);
            // Sending fails if the caller no longer waits.
            let _ = done.send(flushed);
        };
        (self.worker.spawn)("candor-send", Box::new(run)).map_err(Unsent::NoThread)?;
        if limit.is_none() {
            return Err(Unsent::UnderWay);
        }
        wait.recv_timeout(until.saturating_duration_since(ambient.monotonic())).map_err(|error| match error {
            RecvTimeoutError::Timeout => Unsent::UnderWay,
            RecvTimeoutError::Disconnected => Unsent::BrokenOff,
        })
    }
}
