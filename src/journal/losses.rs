//! What was lost, in numbers that outlive the process: one small document for each store, added up over all processes.
//!
//! It says how many events ended for which reason since a day, and nothing of what they were. It stays on this computer
//! and is never sent. Written seldom, and only when something was lost; what can't be written now is written later.

use super::{Counters, DROPS, DropReason};
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

const FILE_MOST: u64 = 4 << 10;
/// More than there are reasons, for those of a later version.
const MOST_REASONS: usize = 32;
/// After so many days the count begins anew: it is about how things are, and no history.
const DAYS: u32 = 90;

/// How many events were lost, by the reason's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lost {
    /// The UTC day on which the count began.
    since: u32,
    /// A later day on which it began by a clock that stands before that one now: it was ahead then, or is behind now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    later: Option<u32>,
    reasons: BTreeMap<String, u64>,
}

impl Lost {
    fn new(today: Day) -> Self {
        Lost { since: today.0, later: None, reasons: BTreeMap::new() }
    }

    /// The same by the clock of today. What began on a day to come counts from today: if the clock was ahead, it is over in time;
    /// and if it is behind, the day is the later one again once it is right, and nothing was over before.
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

    /// How many, by the reason's name.
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

/// Whether an event that ended so is one that is missed. What rules and the person's own choices leave out is not.
fn is_loss(reason: DropReason) -> bool {
    !matches!(reason, DropReason::NotChosen | DropReason::HeldBack | DropReason::Ended | DropReason::StaleEpoch)
}

/// The document of one store.
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

    /// Whether anything was lost that the document does not say yet.
    pub(crate) fn are_unsaved(&self) -> bool {
        DROPS.iter().any(|(reason, ..)| is_loss(*reason) && self.counters.unsaved(*reason) > 0)
    }

    /// Adds what was lost since the last time, durably, and waits `wait` at most for another process that is at it. What can't
    /// be written is owed still. By a clock that is in doubt (`aged` says whether it is not) the count does not begin anew.
    pub(crate) fn save(&self, ambient: &Ambient, today: Day, aged: bool, wait: Duration) -> io::Result<()> {
        if self.are_unsaved() { self.write(ambient, today, aged, wait) } else { Ok(()) }
    }

    /// Writes down that the count began no later than today, where the clock stands before the day that the document says: it would
    /// never be over by a clock that was far ahead.
    pub(crate) fn settle(&self, ambient: &Ambient, today: Day, wait: Duration) -> io::Result<()> {
        let is_ahead = self.read()?.is_some_and(|lost| lost.since > today.0);
        if is_ahead { self.write(ambient, today, true, wait) } else { Ok(()) }
    }

    fn write(&self, ambient: &Ambient, today: Day, aged: bool, wait: Duration) -> io::Result<()> {
        let Some(_lock) = self.files.lock_within(&self.store.join("lost.lock"), wait, || ambient.monotonic())? else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let mut lost = self.counted(today, aged)?;
        let losses = DROPS.iter().filter(|(reason, ..)| is_loss(*reason));
        let owed: Vec<_> = losses.map(|(reason, name, _)| (*reason, name, self.counters.unsaved(*reason))).collect();
        owed.iter().filter(|(.., count)| *count > 0).for_each(|(_, name, count)| lost.add(name, *count));
        let json = serde_json::to_string(&lost).map_err(io::Error::other)?;
        self.keep_damaged()?;
        self.files.place(&self.path(), &disk::seal("lost", &json))?;
        // It says so from here on: what is added again because only its directory was not made durable would count twice.
        owed.into_iter().for_each(|(reason, _, count)| self.counters.saved(reason, count));
        self.files.sync_parent(&self.path())
    }

    /// What the document says, and what this process has to add to it. An error where the document was not read.
    pub(crate) fn all(&self, today: Day) -> io::Result<Lost> {
        let mut lost = self.counted(today, true)?;
        self.add_owed(&mut lost);
        Ok(lost)
    }

    /// What the document says by the clock of today. Damaged, or of long ago: the count begins anew. An error where it was not read:
    /// it stays, and what is to be added is owed.
    fn counted(&self, today: Day, aged: bool) -> io::Result<Lost> {
        let lost = self.read()?.map(|lost| lost.by(today));
        Ok(lost.filter(|lost| !aged || !lost.is_over(today)).unwrap_or_else(|| Lost::new(today)))
    }

    /// What this process has to add.
    pub(crate) fn owed(&self, today: Day) -> Lost {
        let mut lost = Lost::new(today);
        self.add_owed(&mut lost);
        lost
    }

    fn add_owed(&self, lost: &mut Lost) {
        for (reason, name, _) in DROPS.iter().filter(|(reason, ..)| is_loss(*reason)) {
            match self.counters.unsaved(*reason) {
                0 => {}
                count => lost.add(name, count),
            }
        }
    }

    /// `None` where there is none, or its bytes are damaged. An error where it was not read: the system did not let us, or others
    /// may open it.
    fn read(&self) -> io::Result<Option<Lost>> {
        let bytes = self.files.contents(&self.path(), FILE_MOST).found_at(&self.path())?;
        Ok(bytes.and_then(|bytes| parse(&bytes)))
    }

    /// Where a document is kept that was damaged.
    fn aside(&self) -> PathBuf {
        self.store.join("lost.damaged")
    }

    fn is_damaged(&self) -> bool {
        matches!(self.files.contents(&self.path(), FILE_MOST), Look::Read(bytes) if parse(&bytes).is_none())
    }

    /// A damaged document is not written over: nobody knows any more what it said, and that is not to be forgotten as well.
    fn keep_damaged(&self) -> io::Result<()> {
        if self.is_damaged() { self.files.rename(&self.path(), &self.aside()) } else { Ok(()) }
    }

    /// The document of an earlier count that was damaged, where there is one.
    pub(crate) fn damaged(&self) -> Option<PathBuf> {
        let is_aside = !matches!(self.files.examine(&self.aside()), Look::Absent);
        if is_aside { Some(self.aside()) } else { self.is_damaged().then(|| self.path()) }
    }
}

fn parse(bytes: &[u8]) -> Option<Lost> {
    serde_json::from_str(disk::unseal("lost", bytes)?).ok()
}
