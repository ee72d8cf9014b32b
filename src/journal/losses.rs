//! The numbers of lost events, which outlive the process: one small document for each store, with the sum over all
//! processes.
//!
//! The document says how many events were lost since a day, and for which reasons. It says nothing about the events
//! themselves. It stays on this computer and is never sent. It is written only when something was lost. If it can't be
//! written now, it is written later.

use super::{Counters, DropReason};
use crate::{
    ambient::{Ambient, Day},
    disk::{self, Files, Look},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long to wait for another process that is writing the losses document. Its lock is held for the time of writing
/// one small file.
pub(crate) const LOSSES_WAIT: Duration = Duration::from_millis(200);

const FILE_MOST: u64 = 4 << 10;
/// More than the number of reasons, so that the reasons of a later version fit.
const MOST_REASONS: usize = 32;
/// After this many days the count starts again: it shows the present condition and is not a history.
const DAYS: u32 = 90;

/// How many events were lost, by the reason's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lost {
    /// The UTC day on which the count began.
    since: u32,
    /// A later start day, kept while the clock is before it: either the clock was ahead when it was written, or it is
    /// behind now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    later: Option<u32>,
    reasons: BTreeMap<String, u64>,
}

impl Lost {
    fn new(today: Day) -> Self {
        Lost { since: today.0, later: None, reasons: BTreeMap::new() }
    }

    /// Adjusts the start day to today's clock. A count that began on a future day counts from today. If the clock was
    /// ahead, the count then ends in due time. If the clock is behind now, the later day is restored once the clock is
    /// right, so that the count does not end too early.
    fn by(mut self, today: Day) -> Self {
        if let Some(day) = self.later.filter(|day| *day <= today.0) {
            (self.since, self.later) = (day, None);
        }
        if self.since > today.0 {
            (self.since, self.later) = (today.0, self.later.max(Some(self.since)));
        }
        self
    }

    pub(crate) fn since(&self) -> Day {
        Day(self.since)
    }

    /// How many events were lost for a reason, given by its name.
    pub(crate) fn of(&self, reason: &str) -> u64 {
        self.reasons.get(reason).copied().unwrap_or(0)
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.reasons.is_empty()
    }

    fn add(&mut self, reason: &str, count: u64) {
        if self.reasons.contains_key(reason) || self.reasons.len() < MOST_REASONS {
            let sum = self.reasons.entry(reason.to_owned()).or_default();
            *sum = sum.saturating_add(count);
        }
    }

    fn is_over(&self, today: Day) -> bool {
        self.since.saturating_add(DAYS) < today.0
    }
}

/// The reasons for which an event counts as a loss. An event left out by a rule or by the person's own choice is no
/// loss.
fn losses() -> impl Iterator<Item = DropReason> {
    let is_loss = |reason: &DropReason| {
        !matches!(
            reason,
            DropReason::NotChosen
                | DropReason::HeldBack
                | DropReason::Ended
                | DropReason::StaleEpoch
                | DropReason::Repeated
                | DropReason::OtherPanel
        )
    };
    DropReason::ALL.into_iter().filter(is_loss)
}

/// The losses document of one store.
pub(crate) struct Losses<'j> {
    files: &'j Files,
    store: &'j Path,
    counters: &'j Counters,
}

impl<'j> Losses<'j> {
    pub(super) fn new(files: &'j Files, store: &'j Path, counters: &'j Counters) -> Self {
        Losses { files, store, counters }
    }

    fn path(&self) -> PathBuf {
        self.store.join("lost")
    }

    /// Whether any losses are not in the document yet.
    pub(crate) fn are_unsaved(&self) -> bool {
        losses().any(|reason| self.counters.unsaved(reason) > 0)
    }

    /// Adds the losses since the last call to the document, durably. Waits at most `wait` for another process that is
    /// writing it. Losses that can't be written are added by a later call. `aged` says whether the clock is trusted:
    /// with a suspect clock the count does not start again.
    pub(crate) fn save(&self, ambient: &Ambient, today: Day, aged: bool, wait: Duration) -> io::Result<()> {
        if self.are_unsaved() { self.write(ambient, today, aged, wait) } else { Ok(()) }
    }

    /// If the clock is before the start day in the document, writes that the count began today at the latest. A count
    /// that began under a clock far ahead would never end.
    pub(crate) fn settle(&self, ambient: &Ambient, today: Day, wait: Duration) -> io::Result<()> {
        let is_ahead = self.read()?.is_some_and(|lost| lost.since > today.0);
        if is_ahead { self.write(ambient, today, true, wait) } else { Ok(()) }
    }

    fn write(&self, ambient: &Ambient, today: Day, aged: bool, wait: Duration) -> io::Result<()> {
        let Some(_lock) = self.files.lock_within(&self.store.join("lost.lock"), wait, || ambient.monotonic())? else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let mut lost = self.counted(today, aged)?;
        let owed: Vec<_> = losses().map(|reason| (reason, self.counters.unsaved(reason))).collect();
        owed.iter().filter(|(_, count)| *count > 0).for_each(|(reason, count)| lost.add(reason.name(), *count));
        let json = serde_json::to_string(&lost).map_err(io::Error::other)?;
        self.keep_damaged()?;
        self.files.place(&self.path(), &disk::seal("lost", &json))?;
        // The document contains them from here on. If only the directory could not be made durable, adding them again
        // would count them twice.
        owed.into_iter().for_each(|(reason, count)| self.counters.saved(reason, count));
        self.files.sync_parent(&self.path())
    }

    /// The losses in the document plus those that this process has still to add. An error if the document was not read.
    pub(crate) fn all(&self, today: Day) -> io::Result<Lost> {
        let mut lost = self.counted(today, true)?;
        self.add_owed(&mut lost);
        Ok(lost)
    }

    /// The losses in the document, by today's clock. If it is damaged or too old, the count starts again. An error if
    /// the document was not read: it stays, and the new losses are added later.
    fn counted(&self, today: Day, aged: bool) -> io::Result<Lost> {
        let lost = self.read()?.map(|lost| lost.by(today));
        Ok(lost.filter(|lost| !aged || !lost.is_over(today)).unwrap_or_else(|| Lost::new(today)))
    }

    /// The losses that this process has still to add.
    pub(crate) fn owed(&self, today: Day) -> Lost {
        let mut lost = Lost::new(today);
        self.add_owed(&mut lost);
        lost
    }

    fn add_owed(&self, lost: &mut Lost) {
        for reason in losses() {
            match self.counters.unsaved(reason) {
                0 => {}
                count => lost.add(reason.name(), count),
            }
        }
    }

    /// The document. `None` if it is absent or its bytes are damaged. An error if it was not read: the system did not
    /// let us, or the file is open to others.
    fn read(&self) -> io::Result<Option<Lost>> {
        let bytes = self.files.contents(&self.path(), FILE_MOST).found_at(&self.path())?;
        Ok(bytes.and_then(|bytes| parse(&bytes)))
    }

    /// Where a damaged document is kept.
    fn aside(&self) -> PathBuf {
        self.store.join("lost.damaged")
    }

    fn is_damaged(&self) -> bool {
        matches!(self.files.contents(&self.path(), FILE_MOST), Look::Read(bytes) if parse(&bytes).is_none())
    }

    /// Keeps a damaged document instead of overwriting it: its numbers are lost, and the fact that it existed must not
    /// be lost as well.
    fn keep_damaged(&self) -> io::Result<()> {
        if self.is_damaged() { self.files.rename(&self.path(), &self.aside()) } else { Ok(()) }
    }

    /// The damaged document of an earlier count, if there is one.
    pub(crate) fn damaged(&self) -> Option<PathBuf> {
        let is_aside = !matches!(self.files.examine(&self.aside()), Look::Absent);
        if is_aside { Some(self.aside()) } else { self.is_damaged().then(|| self.path()) }
    }
}

fn parse(bytes: &[u8]) -> Option<Lost> {
    serde_json::from_str(disk::unseal("lost", bytes)?).ok()
}
