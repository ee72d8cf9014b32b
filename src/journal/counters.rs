//! Counters of what became of events: one counter for every way in which an event or a line can end. They stay on this
//! computer and are never sent.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why something that was recorded is not sent.
///
/// `Serialize` gives the [`name`](DropReason::name).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[repr(usize)]
pub enum DropReason {
    /// The ring was full: events came faster than they could be written.
    RingFull,
    /// The event's type is not registered in this program.
    Unregistered,
    /// The event was about an item that is not in the sample.
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
    /// moment, or the key was missing that decides whether its item is in the sample.
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
    /// The event is reported once in a period, and was reported in this one.
    Repeated,
    /// The event belongs to a part of the questions that this installation does not answer.
    OtherPanel,
}

impl DropReason {
    /// Every reason, in the order of the counters.
    pub(crate) const ALL: [DropReason; 21] = [
        DropReason::RingFull,
        DropReason::Unregistered,
        DropReason::NotChosen,
        DropReason::HeldBack,
        DropReason::Ended,
        DropReason::Invalid,
        DropReason::StaleEpoch,
        DropReason::Unfinished,
        DropReason::InDoubt,
        DropReason::Disk,
        DropReason::Full,
        DropReason::Age,
        DropReason::Damaged,
        DropReason::Foreign,
        DropReason::Late,
        DropReason::Rejected,
        DropReason::Gone,
        DropReason::TooLarge,
        DropReason::GaveUp,
        DropReason::Repeated,
        DropReason::OtherPanel,
    ];

    /// The word for it in the manifest's JSON.
    ///
    /// ```
    /// assert_eq!(candor::DropReason::RingFull.name(), "ring_full");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            DropReason::RingFull => "ring_full",
            DropReason::Unregistered => "unregistered",
            DropReason::NotChosen => "not_chosen",
            DropReason::HeldBack => "held_back",
            DropReason::Ended => "ended",
            DropReason::Invalid => "invalid",
            DropReason::StaleEpoch => "stale_epoch",
            DropReason::Unfinished => "unfinished",
            DropReason::InDoubt => "in_doubt",
            DropReason::Disk => "disk",
            DropReason::Full => "full",
            DropReason::Age => "age",
            DropReason::Damaged => "damaged",
            DropReason::Foreign => "foreign",
            DropReason::Late => "late",
            DropReason::Rejected => "rejected",
            DropReason::Gone => "gone",
            DropReason::TooLarge => "too_large",
            DropReason::GaveUp => "gave_up",
            DropReason::Repeated => "repeated",
            DropReason::OtherPanel => "other_panel",
        }
    }

    /// The reason in words for people, in English.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            DropReason::RingFull => "events came faster than they could be written",
            DropReason::Unregistered => "the event's type was not linked with the program's list of events",
            DropReason::NotChosen => "they were about items that are not among the few that are counted",
            DropReason::HeldBack => "they are reports you have not agreed to, which this version would make",
            DropReason::Ended => "the last day on which such reports are made is over",
            DropReason::Invalid => "a value was not one that its field can have",
            DropReason::StaleEpoch => "consent ended or changed before they were kept",
            DropReason::Unfinished => "the program ended before they were written",
            DropReason::InDoubt => "the disk or the clock could not be relied on when they came",
            DropReason::Disk => "they could not be written to disk",
            DropReason::Full => "the store was full, and the oldest went first",
            DropReason::Age => "they had waited too long",
            DropReason::Damaged => "their bytes on disk were damaged or lost",
            DropReason::Foreign => "their bytes on disk were not what this program would have written",
            DropReason::Late => "their day was closed already",
            DropReason::Rejected => "the receiver refused them",
            DropReason::Gone => "the receiver takes no such reports any more",
            DropReason::TooLarge => "one record alone was too large for the receiver",
            DropReason::GaveUp => "sending failed too often",
            DropReason::Repeated => "such a report is made once in a period, and was made in this one",
            DropReason::OtherPanel => "this computer answers only some of the questions, and not these",
        }
    }
}

/// The counters of one client, since it was made.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    drops: [AtomicU64; DropReason::ALL.len()],
    /// How many of `drops` are already in the losses document, which outlives the process.
    saved: [AtomicU64; DropReason::ALL.len()],
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

#[cfg(test)]
mod tests {
    use super::DropReason;

    #[test]
    fn each_reason_has_its_own_counter_and_one_name() {
        for (at, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, at, "{reason:?}");
            assert_eq!(serde_json::json!(reason), reason.name());
        }
    }
}
