//! Maintenance that no caller should have to wait for: ending grants that a block, a rule or the calendar ended,
//! finishing what was interrupted, destroying data that no grant in force covers, and dropping data that is too old or
//! too much.
//!
//! Any of this may wait for another process or walk through the whole store. So callers and the worker only request a
//! task, and a separate thread runs it. The thread is made when there is something to do and ends when it is done.
//! Whatever is not done yet stays closed. Opens no grant and sends nothing. Data is dropped by age only when the clock
//! is trusted.

use super::{erase, settle::settle};
use crate::{
    consent::{Failed, Records},
    engine::{Engine, Task, Tasks},
    event::Linkage,
    journal::LOSSES_WAIT,
    mutants::{self, Mutant},
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// How much of the pending maintenance was done, if there was any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upkeep {
    /// Data that is too old or too much was dropped as well.
    Full,
    /// It was not dropped, or not all of it.
    Partial,
}

impl Engine {
    /// Runs the pending tasks on a separate thread, unless one is running already. If no thread can be made, the tasks
    /// stay pending.
    pub(crate) fn tidy(self: &Arc<Self>) {
        if !self.tasks.are_pending() {
            return;
        }
        #[cfg(test)]
        if self.worker.no_thread.load(Ordering::SeqCst) {
            self.run_tasks();
            return;
        }
        let mut running = self.tasks.running.lock();
        if *running {
            // The running thread checks for new tasks before it ends.
            return;
        }
        let engine = self.clone();
        *running = (self.worker.spawn)("candor-tidy", Box::new(move || engine.run_all_tasks())).is_ok();
    }

    /// The thread's body: runs tasks until none is pending.
    fn run_all_tasks(&self) {
        // However this thread ends, the threads waiting for it are notified.
        struct Rested<'c>(&'c Tasks);
        impl Drop for Rested<'_> {
            fn drop(&mut self) {
                *self.0.running.lock() = false;
                self.0.rested.notify_all();
            }
        }
        let rested = Rested(&self.tasks);
        loop {
            self.run_tasks();
            let mut running = self.tasks.running.lock();
            if !self.tasks.are_pending() {
                *running = false;
                self.tasks.rested.notify_all();
                drop(running);
                // The notification was sent above, under the lock. It must not be sent again: another thread may have
                // been started since.
                std::mem::forget(rested);
                return;
            }
        }
    }

    /// Runs the pending tasks on the calling thread. Returns `None` if there were none. May wait for other processes,
    /// so it must not run on a caller's thread or in the worker's loop.
    pub(crate) fn run_tasks(&self) -> Option<Upkeep> {
        if !self.tasks.are_pending() {
            return None;
        }
        let _alone = self.tasks.doing.lock();
        let pending = self.tasks.pending.swap(0, Ordering::SeqCst);
        let pending = |what: Task| pending & what as u8 != 0;
        if pending(Task::Settle) {
            settle(self);
        }
        if pending(Task::Finish) {
            // An interrupted decision is finished before any gate opens. If that fails, the scope stays closed because
            // of what is on disk.
            let _ = self.consent.recover();
            self.refresh();
        }
        let moved = self.refresh();
        let clears = moved || pending(Task::Clear) || pending(Task::Settle);
        // A decision that other processes write from here on is found by a look, which requests what follows from it.
        let mut records = self.consent.records();
        let is_clear = clears && !self.clear_stale(&records);
        if pending(Task::Finish) || pending(Task::Housekeeping) {
            self.finish_deletions();
        }
        // Housekeeping settles what was put off while the clock was suspect.
        let settles = pending(Task::Housekeeping) && self.clock_trust.lock().has_deferred();
        let kept = pending(Task::Housekeeping) && self.do_housekeeping(false);
        if settles {
            records = self.consent.records();
        }
        // If the records can't be read, something may still be pending.
        let again = match &records {
            // One wrong reading of the clock may have caused this, so it is judged again.
            _ if self.consent.holds_expired() => true,
            _ if !is_clear && self.has_stale(&records) => true,
            Ok(records) => {
                records.need_repair()
                    || self.consent.limited_otherwise(records).map_or(true, |scopes| !scopes.is_empty())
            }
            Err(_) => true,
        };
        self.tasks.again.store(again, Ordering::SeqCst);
        Some(if kept { Upkeep::Full } else { Upkeep::Partial })
    }

    /// Finishes the deletions that a person asked for, and deletes contents of the sent log that must not be kept.
    pub(crate) fn finish_deletions(&self) {
        let sent = self.journal.sent();
        for &scope in self.registry.scopes() {
            // What fails here stays noted on disk, and is done at the next start or housekeeping.
            let _ = erase::finish_deleting(self, scope);
            if matches!(sent.keeps_contents(scope), Ok(false)) {
                // The same: the person's switch stays noted.
                let _ = sent.strip(scope);
            }
        }
    }

    /// Requests again what could not be done.
    pub(crate) fn retry_tasks(&self) {
        if self.tasks.again() {
            [Task::Settle, Task::Clear, Task::Finish].into_iter().for_each(|what| self.tasks.request(what));
        }
    }

    /// Looks at consent and runs the resulting tasks on this thread. For threads that no caller waits for.
    pub(crate) fn follow(&self) -> Option<Upkeep> {
        self.look();
        self.run_tasks()
    }

    /// Destroys data in directories that no grant in force covers. `records` were read a moment ago. Returns whether there
    /// was any, or may have been.
    fn clear_stale(&self, records: &Result<Records, Failed>) -> bool {
        if !self.has_stale(records) {
            return false;
        }
        // Runs under the lock of decisions. A grant recorded in the meantime could otherwise lose its own directories
        // or its secret.
        // What can't be destroyed now is still found by `has_stale`, and the caller requests this again.
        self.consent.while_undecided(|records| {
            for (scope, keep) in self.consent.generations(records) {
                let _ = self.journal.purge(scope, keep); // see above
                if keep.is_none() && self.keys.has(scope) {
                    let _ = self.keys.destroy(scope); // see above
                }
            }
        });
        self.journal.empty_trash();
        true
    }

    /// Looks again where a look failed, and requests that a decision which could not be written is retried. The first
    /// retry comes soon; later ones come once a minute.
    pub(crate) fn retry(&self) {
        if self.consent.is_retry_due() {
            // Whatever it says, settling is requested.
            let _ = self.consent.look_at_policies();
            [Task::Settle, Task::Finish].into_iter().for_each(|what| self.tasks.request(what));
            self.look();
        }
    }

    /// Retries a person's decision that could not be written once more, before the process ends: no other process knows
    /// of it.
    pub(crate) fn retry_at_the_end(&self) {
        // This process may also know that the store was replaced by an older copy. That knowledge is lost with it
        // unless it is written.
        if self.tasks.is_to_finish() || self.consent.retry_in().is_some() {
            // There is no later try in this process. What is on disk keeps the scope closed.
            let _ = self.consent.recover();
        }
        if self.consent.retry_now() && !mutants::on(Mutant::NoEndsWithItsProcess) {
            settle(self);
        }
    }

    /// Notes the day on which the grants are in use. The worker calls it when it starts and when the day changes, since
    /// a durable write takes a while. Returns `false`, and writes nothing, while the clock is suspect or another
    /// process is deciding.
    pub(super) fn note_day(&self) -> bool {
        self.trusted_now().is_some_and(|now| self.consent.note_day(now.day()))
    }

    /// Adds the losses to the count that outlives this process. Without a grant in force there is no such count.
    pub(crate) fn note_losses(&self) {
        // What can't be written is added by a later call.
        let _ = self.note_losses_within(LOSSES_WAIT);
    }

    /// The same with a deadline: waits at most `wait`. Returns whether no loss is left that only this process knows of.
    pub(crate) fn note_losses_within(&self, wait: Duration) -> bool {
        let losses = self.journal.losses();
        if !losses.are_unsaved() {
            return true;
        }
        match self.consent.records() {
            Ok(records) if self.is_granted(&records) => {
                let trusted_now = self.trusted_now();
                let today = trusted_now.unwrap_or_else(|| self.ambient.now()).day();
                losses.save(&self.ambient, today, trusted_now.is_some(), wait.min(LOSSES_WAIT)).is_ok()
            }
            Ok(_) => true,
            Err(_) => false,
        }
    }

    /// Drops data that is too old or too much: when the day changes, when a client opens, and before a send. Does
    /// nothing while the clock is suspect. Only the process that holds the sender's lock drops batches; `leads` says
    /// whether the caller holds it. Returns whether everything was done.
    pub(crate) fn do_housekeeping(&self, leads: bool) -> bool {
        let Some(now) = self.trusted_now() else { return false };
        let owed = self.clock_trust.lock().take_deferred();
        if owed {
            // Handles what was found to be expired while the clock was suspect.
            settle(self);
        }
        self.journal.sent().expire(self.registry.scopes(), now);
        self.forget_erased();
        for open in self.consent.open_scopes() {
            let scope = open.place.scope;
            if self.registry.schemas_of(scope).any(|schema| schema.linkage() == Linkage::Once) {
                self.journal.forget_told(scope, now.day());
            }
        }
        if !leads {
            // Done at a start and when the day changes. Doing it before each send would be too often.
            let _ = self.journal.losses().settle(&self.ambient, now.day(), LOSSES_WAIT);
        }
        self.journal.enforce_bounds(now.day(), true, leads)
    }
}
