//! What became of events: one counter for every way an event or a line can end. They stay on the machine.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why something that was admitted is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum DropReason {
    /// The ring was full: events came faster than they could be written.
    RingFull,
    /// The event's type is not registered in this program.
    Unregistered,
    /// It was about an item that is not among those that are counted.
    NotChosen,
    /// Its type is not one that was agreed to.
    HeldBack,
    /// Its last day is over.
    Ended,
    /// An outcome that its field does not have, from an implementation written by hand.
    Invalid,
    /// Consent ended, or began anew, between recording and keeping.
    StaleEpoch,
    /// The program ended before it was written.
    Unfinished,
    /// A look failed, or the clock was in doubt, when it came: its scope was closed for the moment, or the key was missing that
    /// tells whether its item is counted.
    InDoubt,
    /// The disk did not take it.
    Disk,
    /// The store was full; the oldest went first.
    Full,
    /// It waited too long.
    Age,
    /// Its bytes on disk were damaged or lost.
    Damaged,
    /// Its bytes on disk were sound and not what this program would have written.
    Foreign,
    /// It belonged to a day that was closed already.
    Late,
    /// The receiver refused the record.
    Rejected,
    /// The receiver takes no reports of this scope any more.
    Gone,
    /// The record alone was too large for the receiver.
    TooLarge,
    /// Too many tries failed.
    GaveUp,
}

pub(crate) const DROPS: [(DropReason, &str, &str); 19] = [
    (DropReason::RingFull, "ring_full", "events came faster than they could be written"),
    (DropReason::Unregistered, "unregistered", "the event's type was not linked with the program's list of events"),
    (DropReason::NotChosen, "not_chosen", "they were about items that are not among the few that are counted"),
    (DropReason::HeldBack, "held_back", "they are reports you have not agreed to, which this version would make"),
    (DropReason::Ended, "ended", "the last day on which such reports are made is over"),
    (DropReason::Invalid, "invalid", "a value was not one that its field can have"),
    (DropReason::StaleEpoch, "stale_epoch", "consent ended or changed before they were kept"),
    (DropReason::Unfinished, "unfinished", "the program ended before they were written"),
    (DropReason::InDoubt, "in_doubt", "the disk or the clock could not be relied on when they came"),
    (DropReason::Disk, "disk", "the disk did not take them"),
    (DropReason::Full, "full", "the store was full, and the oldest went first"),
    (DropReason::Age, "age", "they had waited too long"),
    (DropReason::Damaged, "damaged", "their bytes on disk were damaged or lost"),
    (DropReason::Foreign, "foreign", "their bytes on disk were not what this program would have written"),
    (DropReason::Late, "late", "their day was closed already"),
    (DropReason::Rejected, "rejected", "the receiver refused them"),
    (DropReason::Gone, "gone", "the receiver takes no such reports any more"),
    (DropReason::TooLarge, "too_large", "one record alone was too large for the receiver"),
    (DropReason::GaveUp, "gave_up", "sending failed too often"),
];

/// The counters of one client, since it was made.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    drops: [AtomicU64; DROPS.len()],
    /// How many of them are counted where it outlives the process.
    saved: [AtomicU64; DROPS.len()],
    /// Events that became lines.
    pub(crate) lines: AtomicU64,
    /// Events that were added to a day's counts.
    pub(crate) counted: AtomicU64,
    /// Requests a receiver took, the records in them, and requests for erasure that it accepted.
    pub(crate) requests: AtomicU64,
    pub(crate) sent: AtomicU64,
    pub(crate) erasures: AtomicU64,
}

impl Counters {
    pub(crate) fn drop(&self, reason: DropReason, count: u64) {
        if let Some(counter) = self.drops.get(reason as usize) {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Takes back what was counted before it happened, and then did not.
    pub(crate) fn take_back(&self, reason: DropReason, count: u64) {
        if let Some(counter) = self.drops.get(reason as usize) {
            counter.fetch_sub(count, Ordering::Relaxed);
        }
    }

    pub(crate) fn dropped(&self, reason: DropReason) -> u64 {
        self.drops.get(reason as usize).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// How many are counted in this process alone.
    pub(super) fn unsaved(&self, reason: DropReason) -> u64 {
        let saved = self.saved.get(reason as usize).map_or(0, |counter| counter.load(Ordering::Relaxed));
        self.dropped(reason).saturating_sub(saved)
    }

    /// Notes that so many more are counted elsewhere.
    pub(super) fn saved(&self, reason: DropReason, count: u64) {
        if let Some(counter) = self.saved.get(reason as usize) {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Grows whenever an event is brought to an end.
    pub(crate) fn ended(&self) -> u64 {
        let sum = self.drops.iter().chain([&self.lines, &self.counted]).map(|counter| counter.load(Ordering::Relaxed));
        sum.fold(0, u64::wrapping_add)
    }
}
