//! Known mistakes behind switches: what the searches for faults must find, put back one at a time.
//!
//! Each switch stands where the mistake was made, as `if mutants::on(Mutant::…)`, and moves with the code. Outside candor's own
//! unit tests it is a constant no: no program has a switch. Decides nothing.

/// A mistake that was made once, or could be.
#[cfg_attr(not(test), allow(dead_code, reason = "tests alone name them"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mutant {
    /// A try is noted after the request left: a program that dies each time sends it for ever.
    TryNotedAfterSend,
    /// A tombstone goes, though the snapshot does not say what it stands for.
    TombstoneForgotten,
    /// A tombstone goes, though what it stands for could not be written.
    TombstoneGoesUnwritten,
    /// A withdrawal that nobody can see written is taken for one that is.
    UnreadIsWritten,
    /// A withdrawal is confirmed without a look at who is sending.
    ConfirmedUnseen,
    /// Without a life lock, a history that can't be read is taken for one without a yes.
    UnreadIsNeverGranted,
    /// Records that could not be read are taken for damaged ones.
    FailureIsDamage,
    /// Rules that could not be read are taken for a rule.
    FailureIsRule,
    /// Where the store was moved away, nothing was ever decided.
    MovedIsNothing,
    /// A store of another id is taken for the one that was opened.
    AnotherIdPasses,
    /// What a process saw itself is forgotten where an older copy of store and marks says less.
    OlderCopyPasses,
    /// A request leaves without the life lock.
    PermitUnlocked,
    /// A process that has not looked since another one withdrew goes on recording.
    RecordsUnseen,
    /// Lines are forgotten before the batch that they are in is on disk.
    SegmentForgottenFirst,
    /// A batch that was taken is removed before the person's log says so.
    BatchRemovedFirst,
    /// What waits and can't be looked for is taken for destroyed.
    UnseenIsDestroyed,
    /// A directory that was taken away by who took consent back is taken for a broken disk.
    GoneIsBroken,
    /// After an error of the disk nothing is written for any scope.
    PauseForAll,
    /// What is printed is printed as it is.
    PrintedAsItIs,
    /// A wish to have the sent log deleted that can't be looked for is taken for one.
    UnseenIsWished,
    /// A withdrawal leaves what waits where it is.
    NothingDestroyed,
    /// A no that another process overtook destroys what its later yes keeps.
    OvertakenDestroys,
    /// A no that the disk did not take is not tried once more when the program ends.
    NoEndsWithItsProcess,
    /// A tombstone beside no records is not seen, and ends the first yes that comes after it.
    TombstoneOfNothing,
    /// A no that the disk does not take leaves no tombstone where nothing was decided before.
    FirstNoForgotten,
    /// Lines go to a file that was removed since it was opened.
    RemovedIsWritten,
    /// The one question of a run stays taken where it could not be shown.
    QuestionStaysTaken,
    /// A no that the disk did not take is undone by whatever else is tried in its process.
    UnwrittenIsUndone,
    /// A life lock that is made where an earlier one is gone says nothing of it.
    LifeMadeAgain,
    /// A no that is tried again is written though a yes came in between.
    RetriedUnasked,
    /// What came of an older no is taken for what came of a newer one.
    OlderActClears,
    /// Each step of an act waits for the lock of decisions as long as the act may.
    EachStepWaits,
}

/// Whether the mistake is made here.
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

    /// Whether the mistake is made here, on this thread.
    pub(crate) fn on(mutant: Mutant) -> bool {
        ON.get() == Some(mutant)
    }

    /// The mistake that this thread makes, for a thread that it starts.
    pub(crate) fn current() -> Option<Mutant> {
        ON.get()
    }

    /// Runs `act` with the mistake made on this thread, and no other.
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
