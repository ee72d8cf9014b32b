//! What is to be put in order and must keep nobody waiting: ending what blocks, rules and the calendar ended, finishing what
//! was interrupted, clearing away what no grant stands behind, keeping the house.
//!
//! All of it may wait for another process or walk through the whole store. So callers and the worker only note that it is
//! owed, and a thread that lives as long as that does it: made where something is found to do, and at no other time. Whatever
//! is not done yet stays closed. Opens nothing and sends nothing.

use super::{Engine, worker::Spawn};
use crate::{
    consent::{Failed, Records},
    sync::{Condvar, Mutex},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::Duration,
};

/// What is owed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Owed {
    /// What no grant stands behind is to be destroyed.
    Clear = 1,
    /// Blocks, rules or the calendar have changed something.
    Settle = 2,
    /// What an interruption left is to be finished.
    Finish = 4,
    /// What is too old or too much is to be dropped.
    House = 8,
}

/// What was done of what was owed, where anything was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// What is too old or too much was dropped as well.
    House,
    /// It was not, or not all of it.
    NoHouse,
}

/// Notes what is owed, and who is at it.
#[derive(Debug, Default)]
pub(crate) struct Chores {
    owed: AtomicU8,
    /// Something could not be done, since another process was deciding.
    again: AtomicBool,
    /// The client ends: nothing new is begun.
    over: AtomicBool,
    /// One at a time, whoever does it.
    doing: Mutex<()>,
    /// Whether the thread is there.
    running: Mutex<bool>,
    rested: Condvar,
}

impl Chores {
    pub(crate) fn owe(&self, what: Owed) {
        self.owed.fetch_or(what as u8, Ordering::SeqCst);
    }

    /// Whether something that was interrupted is left, or may be, which ends with this process where nobody finishes it.
    pub(super) fn is_to_finish(&self) -> bool {
        self.owed.load(Ordering::SeqCst) & Owed::Finish as u8 != 0 || self.again()
    }

    pub(crate) fn owes(&self) -> bool {
        self.owed.load(Ordering::SeqCst) != 0 && !self.over.load(Ordering::SeqCst)
    }

    /// Whether something could not be done and is to be tried again.
    pub(super) fn again(&self) -> bool {
        self.again.load(Ordering::SeqCst)
    }

    /// Whether anything is owed, or being done at this moment.
    pub(crate) fn is_busy(&self) -> bool {
        self.owes() || *self.running.lock()
    }

    /// Waits until the thread is done, `limit` at most.
    pub(crate) fn wait(&self, limit: Duration) {
        self.rested.wait_while(self.running.lock(), limit, |running| *running);
    }

    /// Makes no thread any more, and waits for what is under way, `limit` at most.
    pub(crate) fn end(&self, limit: Duration) {
        self.over.store(true, Ordering::SeqCst);
        self.wait(limit);
    }
}

impl Engine {
    /// Looks at consent: reads, and never waits for another process. What is to be done about what it finds is owed.
    pub(crate) fn look(&self) {
        let moved = self.consent.refresh();
        // The first decision was another process's, and with it this process looked for rules; or a yes is over.
        if self.consent.has_rules_to_settle() {
            self.chores.owe(Owed::Settle);
        }
        // An older copy was put back: that more was decided is noted beside it, which the next start goes by.
        if self.consent.has_turned_older() {
            self.chores.owe(Owed::Finish);
        }
        // Not at the start alone: the store may have seemed to be absent then.
        let appeared = self.consent.has_appeared();
        if !(moved || appeared) {
            return;
        }
        let records = self.consent.records();
        if self.has_stale(&records) {
            self.chores.owe(Owed::Clear);
        }
        if appeared {
            self.look_for_chores(&records);
        }
    }

    /// What a client owes when it first sees a store. Where nothing is granted and everything was finished that is nothing.
    fn look_for_chores(&self, records: &Result<Records, Failed>) {
        let sent = self.journal.sent();
        // Where nobody can look it may be: whoever finishes it looks again.
        let is_unfinished = |&scope| {
            sent.is_deleting(scope).unwrap_or(true)
                || (!sent.keeps_contents(scope).unwrap_or(false) && sent.holds_any(scope))
        };
        // Where nobody can see now it may be.
        let may = |of: &dyn Fn(&Records) -> bool| records.as_ref().map_or(true, of);
        if may(&Records::need_healing) || self.registry.scopes().iter().any(is_unfinished) {
            self.chores.owe(Owed::Finish);
        }
        // After a no there is nothing to keep in order, and no reason to read a clock.
        if may(&|records| self.is_granted(records)) {
            [Owed::Settle, Owed::Clear, Owed::House].into_iter().for_each(|what| self.chores.owe(what));
        }
    }

    /// Does on a thread of its own what is owed, unless one is at it. Where none can be made it stays owed.
    pub(super) fn tidy(self: &Arc<Self>, spawn: Spawn) {
        if !self.chores.owes() {
            return;
        }
        let mut running = self.chores.running.lock();
        if *running {
            // It looks again before it ends.
            return;
        }
        let engine = self.clone();
        *running = spawn("candor-tidy", Box::new(move || engine.run_chores())).is_ok();
    }

    fn run_chores(&self) {
        // Whatever ends this thread, whoever waits for it must be told.
        struct Rested<'c>(&'c Chores);
        impl Drop for Rested<'_> {
            fn drop(&mut self) {
                *self.0.running.lock() = false;
                self.0.rested.notify_all();
            }
        }
        let rested = Rested(&self.chores);
        loop {
            self.do_chores();
            let mut running = self.chores.running.lock();
            if !self.chores.owes() {
                *running = false;
                self.chores.rested.notify_all();
                drop(running);
                // Said already, and under the lock: another thread may have been made since.
                std::mem::forget(rested);
                return;
            }
        }
    }

    /// Does what is owed on this thread; none where nothing was. May wait for other processes: not for callers, and not for the
    /// worker.
    pub(crate) fn do_chores(&self) -> Option<Kept> {
        if !self.chores.owes() {
            return None;
        }
        let _alone = self.chores.doing.lock();
        let owed = self.chores.owed.swap(0, Ordering::SeqCst);
        let owes = |what: Owed| owed & what as u8 != 0;
        if owes(Owed::Settle) {
            (self.settle)(self);
        }
        if owes(Owed::Finish) {
            self.consent.open();
        }
        let moved = self.consent.refresh();
        let clears = moved || owes(Owed::Clear) || owes(Owed::Settle);
        // What others leave from here on is found when they have decided.
        let is_clear = clears && !self.clear_stale();
        if owes(Owed::Finish) || owes(Owed::House) {
            self.finish_deletions();
        }
        let kept = owes(Owed::House) && self.keep_house(false);
        let records = self.consent.records();
        // Where nobody can see now it may be.
        let again = match &records {
            // What was judged by one wrong reading of the clock is judged again.
            _ if self.consent.holds_expired() => true,
            _ if !is_clear && self.has_stale(&records) => true,
            Ok(records) => {
                records.need_healing()
                    || self.consent.limited_otherwise(records).map_or(true, |scopes| !scopes.is_empty())
            }
            Err(_) => true,
        };
        self.chores.again.store(again, Ordering::SeqCst);
        Some(if kept { Kept::House } else { Kept::NoHouse })
    }

    /// Does what is left of what a person wanted deleted, and what is said of the contents.
    pub(crate) fn finish_deletions(&self) {
        let sent = self.journal.sent();
        for &scope in self.registry.scopes() {
            let _ = (self.finish_deleting)(self, scope);
            if matches!(sent.keeps_contents(scope), Ok(false)) {
                let _ = sent.strip(scope);
            }
        }
    }

    /// Owes again what could not be done.
    pub(crate) fn retry_chores(&self) {
        if self.chores.again() {
            [Owed::Settle, Owed::Clear, Owed::Finish].into_iter().for_each(|what| self.chores.owe(what));
        }
    }

    /// Looks at consent, and does at once what is owed. For threads that nobody waits for.
    pub(crate) fn follow(&self) -> Option<Kept> {
        self.look();
        self.do_chores()
    }
}
