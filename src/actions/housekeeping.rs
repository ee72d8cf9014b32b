//! Putting in order what must keep nobody waiting: ending what blocks, rules and the calendar ended, finishing what was
//! interrupted, clearing away what no grant stands behind, dropping what is too old or too much.
//!
//! All of it may wait for another process or walk through the whole store. So callers and the worker only note that it is
//! owed, and a thread that lives as long as that does it: made where something is found to do, and at no other time. Whatever
//! is not done yet stays closed. Opens nothing and sends nothing. What is dropped goes by a clock that is believed.

use super::{erase, settle::settle};
use crate::{
    engine::{Engine, Task, Tasks},
    journal::LOSSES_WAIT,
    mutants::{self, Mutant},
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// What was done of what was owed, where anything was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upkeep {
    /// What is too old or too much was dropped as well.
    Full,
    /// It was not, or not all of it.
    Partial,
}

impl Engine {
    /// Does on a thread of its own what is owed, unless one is at it. Where none can be made it stays owed.
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
            // It looks again before it ends.
            return;
        }
        let engine = self.clone();
        *running = (self.worker.spawn)("candor-tidy", Box::new(move || engine.run_all_tasks())).is_ok();
    }

    fn run_all_tasks(&self) {
        // Whatever ends this thread, whoever waits for it must be told.
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
                // Said already, and under the lock: another thread may have been made since.
                std::mem::forget(rested);
                return;
            }
        }
    }

    /// Does what is owed on this thread; none where nothing was. May wait for other processes: not for callers, and not for the
    /// worker.
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
            // A decision that was interrupted is finished before any gate opens; where that fails what is on disk closes.
            let _ = self.consent.recover();
            self.refresh();
        }
        let moved = self.refresh();
        let clears = moved || pending(Task::Clear) || pending(Task::Settle);
        // What others leave from here on is found when they have decided.
        let is_clear = clears && !self.clear_stale();
        if pending(Task::Finish) || pending(Task::Housekeeping) {
            self.finish_deletions();
        }
        let kept = pending(Task::Housekeeping) && self.do_housekeeping(false);
        let records = self.consent.records();
        // Where nobody can see now it may be.
        let again = match &records {
            // What was judged by one wrong reading of the clock is judged again.
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

    /// Does what is left of what a person wanted deleted, and what is said of the contents.
    pub(crate) fn finish_deletions(&self) {
        let sent = self.journal.sent();
        for &scope in self.registry.scopes() {
            let _ = erase::finish_deleting(self, scope);
            if matches!(sent.keeps_contents(scope), Ok(false)) {
                let _ = sent.strip(scope);
            }
        }
    }

    /// Owes again what could not be done.
    pub(crate) fn retry_tasks(&self) {
        if self.tasks.again() {
            [Task::Settle, Task::Clear, Task::Finish].into_iter().for_each(|what| self.tasks.request(what));
        }
    }

    /// Looks at consent, and does at once what is owed. For threads that nobody waits for.
    pub(crate) fn follow(&self) -> Option<Upkeep> {
        self.look();
        self.run_tasks()
    }

    /// Destroys what lies in directories that no grant stands behind. Answers whether there was anything, or may have been.
    pub(crate) fn clear_stale(&self) -> bool {
        if !self.has_stale(&self.consent.records()) {
            return false;
        }
        // A grant that begins meanwhile would find its own directories, or its secret, among what is destroyed.
        self.consent.while_undecided(|records| {
            for (scope, keep) in self.consent.generations(records) {
                let _ = self.journal.purge(scope, keep);
                if keep.is_none() && self.keys.has(scope) {
                    let _ = self.keys.destroy(scope);
                }
            }
            for (name, keep) in self.consent.undeclared_generations(records) {
                let _ = self.journal.purge_named(&name, keep);
                if keep.is_none() && self.keys.has_named(&name) {
                    let _ = self.keys.forget(&name);
                }
            }
        });
        self.journal.empty_trash();
        true
    }

    /// Looks again where a look failed, and has tried again what a person decided and the disk did not take: soon at first and
    /// once a minute later on.
    pub(crate) fn retry(&self) {
        if self.consent.is_retry_due() {
            let _ = self.consent.look_at_policies();
            [Task::Settle, Task::Finish].into_iter().for_each(|what| self.tasks.request(what));
            self.look();
        }
    }

    /// Tries once more what a person said and the disk did not take: with this process goes whoever knows of it.
    pub(crate) fn retry_at_the_end(&self) {
        // What this process knows of a store that was put back goes with it as well.
        if self.tasks.is_to_finish() || self.consent.retry_in().is_some() {
            let _ = self.consent.recover();
        }
        if self.consent.retry_now() && !mutants::on(Mutant::NoEndsWithItsProcess) {
            settle(self);
        }
    }

    /// Notes the day on which the yeses are in use: on the worker's thread, when it starts and when the day changes, since a
    /// durable write takes a while. Not while the clock is in doubt; then, and where somebody decides at this moment, `false`.
    pub(super) fn note_day(&self) -> bool {
        self.trusted_now().is_some_and(|now| self.consent.note_day(now.day()))
    }

    /// Adds what was lost to the count that outlives this process. Where no yes is in force there is no such count.
    pub(crate) fn note_losses(&self) {
        let _ = self.note_losses_within(LOSSES_WAIT);
    }

    /// The same for whoever has a deadline. Answers whether nothing is left that only this process knows to be lost.
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

    /// Drops what is too old or too much: when the day changes, when a client opens, and before a send. Not while the clock is in
    /// doubt. Batches are dropped only by who leads; answers whether all was done.
    pub(crate) fn do_housekeeping(&self, leads: bool) -> bool {
        let Some(now) = self.trusted_now() else { return false };
        let owed = self.clock_trust.lock().take_deferred();
        if owed {
            // What was found over by a clock that was in doubt.
            settle(self);
        }
        self.journal.sent().expire(self.registry.scopes(), now);
        self.forget_erased();
        if !leads {
            // At a start, and when the day changes; before each send is more often than is of use.
            let _ = self.journal.losses().settle(&self.ambient, now.day(), LOSSES_WAIT);
        }
        self.journal.enforce_bounds(now.day(), true, leads)
    }
}
