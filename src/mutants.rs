//! Known mistakes that tests can switch on, one at a time, to check that the searches for faults find them.
//!
//! Each switch is in the code where the mistake was made, as `if mutants::on(Mutant::…)`, and moves with that code. Outside
//! candor's own unit tests `on` is constant `false`: no program has these switches. This module never decides anything.

/// A mistake that was made once, or could be made.
#[cfg_attr(not(test), allow(dead_code, reason = "tests alone name them"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mutant {
    /// A sending attempt is noted only after the request was sent. A program that dies each time sends it forever.
    TryNotedAfterSend,
    /// A tombstone is removed although the snapshot does not yet contain the decision that it holds.
    TombstoneForgotten,
    /// A tombstone is removed although the decision that it holds could not be written.
    TombstoneGoesUnwritten,
    /// A withdrawal is treated as written although the records can't be read to see it.
    UnreadIsWritten,
    /// A withdrawal is confirmed without a check for a process that is sending.
    ConfirmedUnseen,
    /// Without a life lock, a history that can't be read is treated as one without a grant.
    UnreadIsNeverGranted,
    /// Records that could not be read are treated as damaged.
    FailureIsDamage,
    /// Rules that could not be read are treated as a rule.
    FailureIsRule,
    /// A store that was moved away is treated as one in which nothing was ever decided.
    MovedIsNothing,
    /// A store with another id is accepted as the one that was opened.
    AnotherIdPasses,
    /// An older copy of store and marks is accepted, and what this process saw before is forgotten.
    OlderCopyPasses,
    /// A withdrawal leaves its gate open while another thread reads the records.
    GateWaitsForLook,
    /// A request is sent without the life lock.
    PermitUnlocked,
    /// A process that has not checked since another process withdrew continues to record.
    RecordsUnseen,
    /// Lines are forgotten before the batch that contains them is on disk.
    SegmentForgottenFirst,
    /// A batch that was accepted is removed before the person's sent log has it.
    BatchRemovedFirst,
    /// Pending data that can't be looked for is treated as destroyed.
    UnseenIsDestroyed,
    /// A directory that was removed by a withdrawing process is treated as a broken disk.
    GoneIsBroken,
    /// After a disk error nothing is written for any scope.
    PauseForAll,
    /// Printed text is not cleaned.
    PrintedAsItIs,
    /// If it can't be checked whether the person wants the sent log or its contents deleted, it is treated as if they do.
    UnseenCountsAsAsked,
    /// A withdrawal leaves pending data in place.
    NothingDestroyed,
    /// A refusal that was overtaken by another process destroys the data of that process's later grant.
    OvertakenDestroys,
    /// A refusal that could not be written is not tried once more when the program exits.
    NoEndsWithItsProcess,
    /// A tombstone without records is not noticed, and revokes the first grant that follows.
    TombstoneOfNothing,
    /// A refusal that can't be written leaves no tombstone if nothing was decided before.
    FirstNoForgotten,
    /// Lines are written to a file that was removed since it was opened.
    RemovedIsWritten,
    /// The only question of a run stays used although it could not be shown.
    QuestionStaysTaken,
    /// A refusal that could not be written is undone by any other attempt in its process.
    UnwrittenIsUndone,
    /// A life lock that replaces a lost one has no note of that.
    LifeMadeAgain,
    /// A refusal that is retried is written although a grant was given in between.
    RetriedUnasked,
    /// The result of an older refusal is taken for the result of a newer one.
    OlderActClears,
    /// Each step of a decision waits for the lock of decisions as long as the whole decision may.
    EachStepWaits,
    /// Erasure requests are sent before their time.
    ErasureEarly,
    /// Erasure requests that are due are sent one right after the other.
    ErasureNotSpaced,
    /// The time of an erasure request is drawn again whenever it is looked at.
    ErasureDrawnAgain,
    /// The count of a roll-up is rounded down. Then every total is too low.
    CountsRoundedDown,
    /// The lines of a day are taken although the day is not closed yet. The next close makes them again, with other counts.
    UnclosedDayIsTaken,
}

/// Whether this mistake is switched on. Always `false` outside candor's own tests.
#[cfg(not(test))]
#[inline(always)]
pub(crate) const fn on(_: Mutant) -> bool {
    false
}

#[cfg(test)]
#[allow(unused_imports, reason = "the simulation uses the rest")]
pub(crate) use switch::{current, on, with};

#[cfg(test)]
mod switch {
    use super::Mutant;
    use std::cell::Cell;

    thread_local! {
        static ON: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Whether this mistake is switched on for this thread.
    pub(crate) fn on(mutant: Mutant) -> bool {
        ON.get() == Some(mutant)
    }

    /// The mistake that is switched on for this thread, to pass on to a thread that it starts.
    pub(crate) fn current() -> Option<Mutant> {
        ON.get()
    }

    /// Runs `act` with only this mistake switched on for this thread.
    pub(crate) fn with<T>(mutant: Option<Mutant>, act: impl FnOnce() -> T) -> T {
        struct Back(Option<Mutant>);
        impl Drop for Back {
            fn drop(&mut self) {
                ON.set(self.0);
            }
        }
        let _back = Back(ON.replace(mutant));
        act()
    }

    #[test]
    fn a_switch_holds_for_its_own_thread_and_time() {
        let mutant = Mutant::TryNotedAfterSend;
        with(Some(mutant), || {
            assert!(on(mutant));
            assert_eq!(current(), Some(mutant));
            assert!(std::thread::scope(|scope| scope.spawn(|| !on(mutant)).join()).unwrap());
            with(None, || assert!(!on(mutant)));
        });
        assert!(std::panic::catch_unwind(|| with(Some(mutant), || panic!("a mutant was noticed"))).is_err());
        assert!(!on(mutant));
    }
}
