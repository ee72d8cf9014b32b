//! Counters of what became of events: one counter for every way in which an event or a line can end. They stay on this
//! computer and are never sent.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why something that was admitted is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum DropReason {
    /// The ring was full: events came faster than they could be written.
    RingFull,
    /// The event's type is not registered in this program.
    Unregistered,
    /// The event was about an entity that is not in the sample.
    NotChosen,
    /// The person did not agree to this type of event.
    HeldBack,
    /// The last day of the event's type is over.
    Ended,
    /// An outcome is not one that its field can have. An event type implemented by hand can cause this.
    Invalid,
    /// Consent was withdrawn, or granted again, between recording and writing.
    StaleEpoch,
    /// The program ended before the event was written.
    Unfinished,
    /// A look at the disk failed, or the clock was suspect, when the event came. Either its scope was closed for the
    /// moment, or the key was missing that decides whether its entity is in the sample.
    InDoubt,
    /// It could not be written to disk.
    Disk,
    /// The store was full; the oldest data is dropped first.
    Full,
    /// It was pending for too long.
    Age,
    /// Its bytes on disk were damaged or lost.
    Damaged,
    /// Its bytes on disk were sound, but not what this program would have written.
    Foreign,
    /// It belonged to a day that was already closed.
    Late,
    /// The receiver refused the record.
    Rejected,
    /// The receiver no longer takes reports of this scope.
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
    (DropReason::Disk, "disk", "they could not be written to disk"),
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
    /// How many of `drops` are already in the losses document, which outlives the process.
    saved: [AtomicU64; DROPS.len()],
    /// Events that became lines.
    pub(crate) lines: AtomicU64,
    /// Events that were added to a day's counts.
    pub(crate) counted: AtomicU64,
    /// `requests` counts the requests that a receiver took, `sent` the records in them, and `erasures` the erasure
    /// requests that it accepted.
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

    /// Takes back a count that was noted in advance, when the event did not happen.
    pub(crate) fn take_back(&self, reason: DropReason, count: u64) {
        if let Some(counter) = self.drops.get(reason as usize) {
            counter.fetch_sub(count, Ordering::Relaxed);
        }
    }

    pub(crate) fn dropped(&self, reason: DropReason) -> u64 {
        self.drops.get(reason as usize).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// How many are counted in this process only.
    pub(super) fn unsaved(&self, reason: DropReason) -> u64 {
        let saved = self.saved.get(reason as usize).map_or(0, |counter| counter.load(Ordering::Relaxed));
        self.dropped(reason).saturating_sub(saved)
    }

    /// Notes that `count` more are now in the losses document.
    pub(super) fn saved(&self, reason: DropReason, count: u64) {
        if let Some(counter) = self.saved.get(reason as usize) {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// A number that grows whenever an event reaches its end.
    pub(crate) fn ended(&self) -> u64 {
        let sum = self.drops.iter().chain([&self.lines, &self.counted]).map(|counter| counter.load(Ordering::Relaxed));
        sum.fold(0, u64::wrapping_add)
    }
}
