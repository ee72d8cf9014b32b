//! Reads the files of a store and compares them: what they say together, or why they can't be used.
//!
//! Everything that is read here is untrusted. This module writes nothing, and never decides what a decision means for the
//! program.

use crate::consent::{
    records::entry::{Decision, Details, GENESIS, Line, chain},
    records::failed::{Failed, NOT_READ},
    records::high_water::{Marks, Unfit},
    records::ledger::{LEDGER_MOST, Ledger, Opened, SNAPSHOT_MOST},
    records::snapshot::{Entry, Snapshot},
    records::tombstone::{ENDED, Revoked, TOMBSTONE},
};
use crate::{
    ambient::Day,
    disk::{Look, Seen, Version},
    error::Error,
    mutants::{self, Mutant},
};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

/// Why the snapshot, the marks or the ledger was not read, in the words of a status.
const REFUSED: [&str; 3] = [
    "the snapshot can't be read: `consent` is no file of your own that only you can open: make yourself its owner, and \
     set the mode 0600",
    "the high-water marks can't be read: `high`, among the program's settings, is no file of your own that only you \
     can open: make yourself its owner, and set the mode 0600",
    "the ledger can't be read: `ledger.jsonl` is no file of your own that only you can open: make yourself its owner, \
     and set the mode 0600",
];

/// Why one of these files is damaged: it is larger than candor makes it. It can't be used, whatever its content, and is
/// replaced by a new one.
const TOO_LARGE: [&str; 3] = [
    "the snapshot can't be read: `consent` is larger than candor makes it",
    "the high-water marks can't be read: `high`, among the program's settings, is larger than candor makes it",
    "the ledger can't be read: `ledger.jsonl` is larger than candor makes it",
];

const LEDGER_GONE: &str = "the ledger is missing: `ledger.jsonl` was there, and is not";

const CHAIN_BROKEN: &str = "the ledger's chain is broken";

/// What the files say together, if all of them could be examined.
#[derive(Debug, Clone)]
pub(crate) enum Records {
    /// No decision was ever made.
    Nothing,
    /// The files agree.
    Sound(Box<Sound>),
    /// The files were read and don't agree, or some are missing. Every scope is closed.
    Closed(&'static str),
    /// This file or directory exists but was not read, because it does not belong to this user alone. It is neither damaged
    /// nor missing. Every scope is closed until it can be read.
    Refused(PathBuf, &'static str),
}

/// The part of the history that could be read.
#[derive(Debug)]
#[must_use]
pub(crate) enum History {
    /// The whole history. Empty if nothing was ever decided.
    Whole(Vec<Line>),
    /// The complete entries of a history that ends in an incomplete line. The incomplete line is no decision.
    Torn(Vec<Line>),
    /// Nothing could be read, and why: the file exists but was not read, it is damaged, or it is missing. It is unknown what
    /// was decided.
    Unread(&'static str),
}

impl History {
    /// The entries that could be read, for a caller that has also checked the records. Empty if nothing could be read.
    pub(crate) fn lines(self) -> Vec<Line> {
        match self {
            History::Whole(lines) | History::Torn(lines) => lines,
            History::Unread(_) => Vec::new(),
        }
    }
}

impl Records {
    /// Whether an interrupted decision must be finished.
    pub(crate) fn need_repair(&self) -> bool {
        matches!(self, Records::Sound(sound) if !sound.is_whole())
    }

    /// Whether the records are older than what this process saw before.
    pub(crate) fn are_older_copy(&self) -> bool {
        matches!(self, Records::Sound(sound) if sound.forgotten().next().is_some())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Sound {
    pub(crate) snapshot: Snapshot,
    pub(in crate::consent) marks: Marks,
    /// The ledger's last entry is a grant that never came into force.
    pub(in crate::consent) ahead: bool,
    /// The snapshot contains a withdrawal (or another decision) whose entry is not in the ledger yet.
    pub(in crate::consent) behind: bool,
    /// A scope whose grant was narrowed, and the epoch to which its mark must still be raised. The scope is closed until
    /// then.
    pub(in crate::consent) narrowed: Option<(String, u64)>,
    /// The ledger ends in an incomplete line. This is its length in bytes without that line.
    pub(in crate::consent) torn: Option<u64>,
    /// Scopes that were closed by a tombstone, because nothing else could be written.
    pub(in crate::consent) revoked: Revoked,
    /// Each scope's highest epoch in the history.
    pub(in crate::consent) told: BTreeMap<String, u64>,
    /// The language of the notice of each scope's latest grant. The snapshot does not hold it, because older versions refuse a
    /// field that they do not know.
    pub(in crate::consent) languages: BTreeMap<String, String>,
    /// Each scope's highest epoch that this process ever saw in the snapshot.
    pub(in crate::consent) known: BTreeMap<String, u64>,
}

impl Sound {
    pub(crate) fn entry(&self, scope: &str) -> Option<&Entry> {
        self.snapshot.scopes.get(scope)
    }

    /// The entry of a scope whose grant is in force: its epoch equals the high-water mark, this process has seen no later
    /// epoch, and the scope has no tombstone.
    pub(crate) fn in_force(&self, scope: &str) -> Option<&Entry> {
        self.yes_written(scope).filter(|_| !self.is_revoked(scope))
    }

    /// The same, but ignores tombstones.
    pub(in crate::consent) fn yes_written(&self, scope: &str) -> Option<&Entry> {
        self.entry(scope).filter(|entry| {
            entry.decision.opens()
                && self.mark(scope) == Some(entry.epoch)
                && self.known.get(scope).is_none_or(|known| *known <= entry.epoch)
        })
    }

    /// Whether these records lack a decision about a scope that was made: they were restored from an older copy.
    pub(crate) fn is_outdated(&self, scope: &str) -> bool {
        self.mark(scope).max(self.known.get(scope).copied()) > self.held(scope)
    }

    /// The highest epoch of a scope in these records.
    pub(in crate::consent) fn held(&self, scope: &str) -> Option<u64> {
        self.entry(scope).map(|entry| entry.epoch).max(self.told.get(scope).copied())
    }

    /// Decisions that this process knows of and that neither these records nor their marks contain: scopes and epochs. There
    /// are some if an older copy of both was restored while the process ran.
    pub(in crate::consent) fn forgotten(&self) -> impl Iterator<Item = (&str, u64)> {
        let known = self.known.iter().map(|(scope, epoch)| (scope.as_str(), *epoch));
        known.filter(|&(scope, epoch)| Some(epoch) > self.held(scope).max(self.mark(scope)))
    }

    /// The latest day on which the scope's grant was in use.
    pub(in crate::consent) fn latest(&self, scope: &str) -> Option<Day> {
        self.marks.get(scope)?.latest()
    }

    /// The highest epoch that the scope ever had, by its mark.
    pub(in crate::consent) fn mark(&self, scope: &str) -> Option<u64> {
        self.marks.get(scope).map(|mark| mark.epoch)
    }

    /// Whether there is a grant to withdraw: one in force, or one whose narrowing was interrupted.
    pub(crate) fn has_yes(&self, scope: &str) -> bool {
        self.in_force(scope).is_some() || self.narrowed.as_ref().is_some_and(|(narrowed, _)| narrowed == scope)
    }

    pub(crate) fn is_revoked(&self, scope: &str) -> bool {
        self.revoked.contains_key(scope)
    }

    /// Whether there is nothing to repair: no interrupted decision is left to finish.
    pub(in crate::consent) fn is_whole(&self) -> bool {
        let marked = |(scope, entry): (&String, &Entry)| {
            entry.decision.opens() || self.mark(scope).is_some_and(|mark| mark >= entry.epoch)
        };
        !self.ahead
            && !self.behind
            && self.narrowed.is_none()
            && self.torn.is_none()
            && self.revoked.is_empty()
            && self.forgotten().next().is_none()
            && self.snapshot.scopes.iter().all(marked)
    }
}

/// Returned by [`Ledger::fingerprint`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) snapshot: Option<Vec<u8>>,
    marks: Option<(Version, u64)>,
    ledger: Option<(Version, u64)>,
    revoked: Vec<String>,
    exposed: bool,
}

impl Ledger {
    /// A value that changes whenever something changes that affects decisions: the snapshot's bytes, the other two files, the
    /// tombstones, and whether only this user can access the directories.
    pub(crate) fn fingerprint(&self) -> Result<Fingerprint, Failed> {
        let version = |path: &Path| match self.look(path, self.files.examine(path))? {
            Seen::Read(stat) => Ok(Some((stat.version, stat.len))),
            Seen::Absent | Seen::Refused => Ok::<_, Failed>(None),
        };
        let snapshot = match self.look(&self.snapshot_path(), self.snapshot_bytes())? {
            Seen::Read(bytes) => bytes,
            // A snapshot that can't be used grants nothing.
            Seen::Refused => return Ok(Fingerprint::default()),
            Seen::Absent if !self.was_opened() => return Ok(Fingerprint::default()),
            Seen::Absent => {
                self.judge_directories()?;
                return Ok(Fingerprint::default());
            }
        };
        let (marks, ledger) = (version(&self.marks_path())?, version(&self.ledger_path())?);
        let (names, exposed) = self.list_directories()?;
        Ok(Fingerprint {
            snapshot: Some(snapshot),
            marks,
            ledger,
            exposed: exposed.is_some(),
            revoked: names
                .concat()
                .into_iter()
                .filter(|name| name.ends_with(TOMBSTONE) || name.ends_with(ENDED))
                .collect(),
        })
    }

    /// What it means that the snapshot, the marks or the ledger was not read: it is damaged if it is larger than candor makes
    /// it, and otherwise only inaccessible.
    fn unread(&self, which: usize, path: PathBuf, most: u64) -> Result<Records, Failed> {
        let say = |words: [&'static str; 3]| words.get(which).copied().unwrap_or(NOT_READ);
        Ok(match self.is_too_large(&path, most)? {
            true => Records::Closed(say(TOO_LARGE)),
            false => Records::Refused(path, say(REFUSED)),
        })
    }

    /// Fails if another store, or none, is known to be at the path of the one that this process opened. Does not fail if the
    /// path can't be examined.
    pub(crate) fn is_there(&self) -> Result<(), Error> {
        if self.was_opened()
            && let Look::Read(bytes) = self.snapshot_bytes()
            && self.parse(&bytes).is_some_and(|snapshot| !self.is_own(&snapshot))
        {
            return Err(self.another().into());
        }
        if self.is_at_its_place() { Ok(()) } else { Err(self.another().into()) }
    }

    /// Whether another directory is now at the path of the store that this process opened, and contains an older copy of the
    /// same store.
    pub(in crate::consent) fn is_replaced_by_older(&self) -> Result<bool, Failed> {
        if self.is_at_its_place() {
            return Ok(false);
        }
        Ok(!self.decided_since()?.is_empty())
    }

    /// The decisions that this process knows of and that the copy at the store's path lacks: scopes and epochs. Empty if the
    /// ids do not show that it is a copy of this store.
    pub(in crate::consent) fn decided_since(&self) -> Result<Vec<(String, u64)>, Failed> {
        let path = self.snapshot_path();
        let Seen::Read(bytes) = self.look(&path, self.snapshot_bytes())? else { return Ok(Vec::new()) };
        let opened = self.opened.lock();
        let Some(Opened { id: Some(id), epochs, .. }) = &*opened else { return Ok(Vec::new()) };
        let Some(copy) = self.parse(&bytes).filter(|copy| copy.store.as_ref() == Some(id)) else {
            return Ok(Vec::new());
        };
        let held = |scope: &str| copy.scopes.get(scope).map(|entry| entry.epoch);
        let newer = epochs.iter().filter(|(scope, epoch)| Some(**epoch) > held(scope));
        Ok(newer.map(|(scope, epoch)| (scope.clone(), *epoch)).collect())
    }

    /// Whether a snapshot exists or may exist. One that existed before and is missing now may reappear in a moment.
    pub(crate) fn may_hold_decisions(&self) -> bool {
        self.was_opened() || !matches!(self.snapshot_bytes(), Look::Absent)
    }

    /// Whether the snapshot alone says that this scope is open under this generation and epoch, and the scope has no
    /// tombstone. Anything unexpected counts as closed, and so does a look that fails: the caller waits for the next look.
    pub(crate) fn snapshot_allows(&self, scope: &str, generation: u64, epoch: u64) -> bool {
        let Look::Read(bytes) = self.snapshot_bytes() else { return false };
        let Some(snapshot) = self.parse(&bytes).filter(|snapshot| self.is_own(snapshot)) else { return false };
        if self.tombstones(scope).iter().flatten().any(|path| !matches!(self.files.examine(path), Look::Absent)) {
            return false;
        }
        snapshot
            .scopes
            .get(scope)
            .is_some_and(|entry| entry.decision.opens() && entry.generation == generation && entry.epoch == epoch)
    }

    /// Whether the history's last entry, a grant, is missing from the snapshot: it never came into force, or has yet to.
    pub(in crate::consent) fn is_ahead(&self, last: &Line) -> Result<bool, Failed> {
        let seen = self.look(&self.snapshot_path(), self.snapshot_bytes())?;
        let snapshot = if let Seen::Read(bytes) = seen { self.parse(&bytes) } else { None };
        Ok(snapshot.is_some_and(|snapshot| snapshot.head == last.previous))
    }

    /// Reads and compares all three files. Writes nothing.
    ///
    /// # Errors
    /// A look failed. Then nothing else that was seen counts.
    pub(crate) fn read(&self) -> Result<Records, Failed> {
        self.read_after(&Fingerprint::default())
    }

    /// The same, for a caller that has just seen the files. If a file was there then and is missing now, the read fails: the
    /// fingerprint would not change again when the file reappears, so no later look would read it.
    ///
    /// # Errors
    /// As for [`read`](Ledger::read).
    pub(crate) fn read_after(&self, seen: &Fingerprint) -> Result<Records, Failed> {
        // Another process may write a decision between two reads; the next look then sees all of it. So records count as
        // unreliable only if they were found so twice under the same snapshot.
        let mut closed = None;
        for _ in 0..3 {
            let mut read = None;
            match self.read_once(seen, &mut read) {
                Ok(Records::Closed(_) | Records::Refused(..)) if closed.as_ref() != Some(&read) => closed = Some(read),
                Err(failed) if failed.is_gone() => {}
                Err(_) if mutants::on(Mutant::FailureIsDamage) => return Ok(Records::Closed("it can't be read")),
                records => return records,
            }
        }
        self.read_once(seen, &mut None)
    }

    /// Reads all files once. Stores in `by` the snapshot's bytes that the result is based on.
    fn read_once(&self, before: &Fingerprint, by: &mut Option<Vec<u8>>) -> Result<Records, Failed> {
        // Everything is read before anything is judged: a file that looks damaged next to a look that failed may be sound.
        let (names, exposed) = self.list_directories()?;
        let snapshot = self.document(&names[0], &self.snapshot_path(), SNAPSHOT_MOST)?;
        let marks = self.read_marks_of(&names[1])?;
        let ledger = self.document(&names[0], &self.ledger_path(), LEDGER_MOST)?;
        let revoked = self.revoked(&names)?;
        if let Seen::Read(bytes) = &snapshot {
            *by = Some(bytes.clone());
        }
        if let Some((directory, why)) = exposed {
            return Ok(Records::Refused(directory.to_owned(), why));
        }
        // If a directory does not list a file that was read in it, its listing is incomplete and may also lack a tombstone.
        let there = [
            (self.snapshot_path(), &names[0], matches!(snapshot, Seen::Read(_)) || before.snapshot.is_some()),
            (self.marks_path(), &names[1], matches!(marks, Ok(Some(_))) || before.marks.is_some()),
            (self.ledger_path(), &names[0], matches!(ledger, Seen::Read(_)) || before.ledger.is_some()),
        ];
        let lists = |names: &[String], path: &Path| names.iter().any(|name| path.ends_with(name));
        let unseen = there.into_iter().find(|(path, names, is_there)| *is_there && !lists(names, path));
        if let Some((path, ..)) = unseen {
            return Err(Failed::of(&path, io::ErrorKind::NotFound.into()));
        }
        if before.revoked.iter().any(|name| !names.iter().any(|names| names.contains(name))) {
            return Err(Failed::of(&self.store, io::ErrorKind::NotFound.into()));
        }
        let snapshot = match snapshot {
            Seen::Read(bytes) => Some(bytes),
            Seen::Absent => None,
            Seen::Refused => return self.unread(0, self.snapshot_path(), SNAPSHOT_MOST),
        };
        let marks = match marks {
            Ok(marks) => marks,
            Err(Unfit::Damaged) => return Ok(Records::Closed("the high-water marks are damaged")),
            Err(Unfit::Refused) => return self.unread(1, self.marks_path(), SNAPSHOT_MOST),
        };
        let ledger = match ledger {
            Seen::Read(bytes) => Some(bytes),
            Seen::Absent => None,
            Seen::Refused => return self.unread(2, self.ledger_path(), LEDGER_MOST),
        };
        let Some(bytes) = snapshot else {
            let nothing = marks.is_none() && ledger.is_none_or(|bytes| bytes.is_empty());
            if nothing && self.was_opened() && !mutants::on(Mutant::MovedIsNothing) {
                return Err(self.another());
            }
            if nothing && !revoked.is_empty() && !mutants::on(Mutant::TombstoneOfNothing) {
                // The only decisions are those of tombstones. They hold until they are written down.
                return Ok(Records::Sound(Box::new(self.nothing_but(revoked))));
            }
            return Ok(if nothing { Records::Nothing } else { Records::Closed("the snapshot is missing") });
        };
        self.remember()?;
        let snapshot = match self.parse(&bytes) {
            Some(snapshot) if !self.is_own(&snapshot) => return Err(self.another()),
            snapshot => snapshot,
        };
        Ok(self.compare(snapshot, marks, ledger, revoked))
    }

    /// Records that contain only the decisions of tombstones.
    fn nothing_but(&self, revoked: Revoked) -> Sound {
        Sound {
            snapshot: Snapshot {
                application: self.application.clone(),
                store: None,
                head: GENESIS.into(),
                previous: GENESIS.into(),
                lines: 0,
                pending: None,
                scopes: BTreeMap::new(),
            },
            marks: Marks::default(),
            ahead: false,
            behind: false,
            narrowed: None,
            torn: None,
            revoked,
            told: BTreeMap::new(),
            languages: BTreeMap::new(),
            known: BTreeMap::new(),
        }
    }

    /// Compares the files, all of which were read.
    fn compare(
        &self,
        snapshot: Option<Snapshot>,
        marks: Option<Marks>,
        ledger: Option<Vec<u8>>,
        revoked: Revoked,
    ) -> Records {
        let Some(snapshot) = snapshot else { return Records::Closed("the snapshot is damaged") };
        // One entry may not be appended yet.
        if ledger.is_none() && snapshot.lines > u64::from(snapshot.pending.is_some()) {
            return Records::Closed(LEDGER_GONE);
        }
        let Some((lines, torn)) = chain(&ledger.unwrap_or_default()) else { return Records::Closed(CHAIN_BROKEN) };
        let head = lines.last().map_or(GENESIS, |line| line.hash.as_str());
        let even = head == snapshot.head && lines.len() as u64 == snapshot.lines;
        let behind = head == snapshot.previous
            && (lines.len() as u64).saturating_add(1) == snapshot.lines
            && snapshot.pending.as_ref().is_some_and(|line| line.hash == snapshot.head && !line.decision.opens_newly());
        let ahead = lines.len() as u64 == snapshot.lines.saturating_add(1)
            && lines.last().is_some_and(|line| line.previous == snapshot.head && line.decision == Decision::Granted);
        if !(even || behind || ahead) {
            return Records::Closed("the snapshot and the ledger don't belong together");
        }
        let told = lines
            .iter()
            .take(lines.len() - usize::from(ahead))
            .chain(behind.then_some(snapshot.pending.as_ref()).flatten());
        let mut open: BTreeMap<&str, (u64, &Option<String>, &Details)> = BTreeMap::new();
        let mut languages: BTreeMap<&str, &str> = BTreeMap::new();
        for line in told {
            if line.decision.opens_newly() {
                match &line.language {
                    Some(language) => languages.insert(&line.scope, language),
                    None => languages.remove(line.scope.as_str()),
                };
            }
            match line.decision {
                decision if decision.opens() => open.insert(&line.scope, (line.epoch, &line.until, &line.details)),
                _ => open.remove(line.scope.as_str()),
            };
        }
        let agrees = |(scope, entry): (&String, &Entry)| {
            let says = (entry.epoch, &entry.until, &entry.details);
            !entry.decision.opens() || open.get(scope.as_str()) == Some(&says)
        };
        if !snapshot.scopes.iter().all(agrees) {
            return Records::Closed("the snapshot says more than the ledger");
        }
        let marks = marks.unwrap_or_default();
        // A narrowing writes its snapshot before its mark. A mark that is older than the history was restored from an older
        // copy.
        let narrowed = snapshot.pending.as_ref().filter(|line| {
            let earlier = lines.iter().filter(|other| other.scope == line.scope && other.epoch < line.epoch);
            let mark = marks.get(&line.scope).map(|mark| mark.epoch);
            line.decision == Decision::Narrowed
                && snapshot.scopes.get(&line.scope).is_some_and(|entry| entry.epoch == line.epoch)
                && mark.is_some_and(|mark| mark < line.epoch)
                && mark >= earlier.map(|line| line.epoch).max()
        });
        let narrowed = narrowed.map(|line| (line.scope.clone(), line.epoch));
        let mut highest: BTreeMap<String, u64> = BTreeMap::new();
        for line in &lines {
            let epoch = highest.entry(line.scope.clone()).or_default();
            *epoch = line.epoch.max(*epoch);
        }
        let languages =
            languages.into_iter().map(|(scope, language)| (scope.to_owned(), language.to_owned())).collect();
        Records::Sound(Box::new(Sound {
            told: highest,
            languages,
            known: self.learn(&snapshot),
            snapshot,
            marks,
            ahead,
            behind,
            narrowed,
            torn,
            revoked,
        }))
    }

    /// The part of the history that can be read, oldest entry first.
    pub(crate) fn history(&self) -> Result<History, Failed> {
        // The history of another store, or none, says nothing about decisions in this one.
        self.judge_directories()?;
        let path = self.ledger_path();
        Ok(match self.document(&self.names(&self.store)?, &path, LEDGER_MOST)? {
            // The other files show whether there was a history.
            Seen::Absent => match self.read()? {
                Records::Nothing | Records::Sound(_) => History::Whole(Vec::new()),
                Records::Closed(why) | Records::Refused(_, why) => History::Unread(why),
            },
            Seen::Read(bytes) => match chain(&bytes) {
                Some((lines, None)) => History::Whole(lines),
                Some((lines, Some(_))) => History::Torn(lines),
                None => History::Unread(CHAIN_BROKEN),
            },
            Seen::Refused if self.is_too_large(&path, LEDGER_MOST)? => History::Unread(TOO_LARGE[2]),
            Seen::Refused => History::Unread(NOT_READ),
        })
    }

    pub(in crate::consent) fn last_line(&self) -> Result<Option<Line>, Failed> {
        Ok(self.history()?.lines().pop())
    }
}
