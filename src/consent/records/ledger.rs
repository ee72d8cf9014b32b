//! Stores and checks decisions. Two files say what was agreed to: `consent`, a small snapshot of the current decisions, and
//! `ledger.jsonl`, the history, whose lines are chained by hash. A third file, `high`, in another directory, keeps each
//! scope's [mark](crate::consent::records::high_water).
//!
//! A grant is written to the ledger first, a withdrawal to the snapshot first. A scope is open only if both files say so, so
//! a decision that is interrupted between the two writes leaves the scope closed. Everything that is read here is untrusted.
//! This module never decides what a decision means for the program.

use crate::consent::{
    agreement::contract::{canonical, digest},
    records::entry::{Decision, Details, GENESIS, Line, chain, says_nothing},
    records::high_water::{Marks, Unfit},
    records::recovery::not_read,
};
use crate::{
    ambient::{Ambient, Day, Time},
    clean,
    disk::{self, Files, Handle, Look, Node, Seen, Stat, StatKind},
    error::{At, Error, Kind},
    mutants::{self, Mutant},
    sync::Mutex,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

/// The most bytes of a snapshot or marks file: enough for more scopes and text than any program has.
pub(in crate::consent) const SNAPSHOT_MOST: u64 = 128 << 10;
/// The most bytes of a stored contract or notice: several times what a program with the most events would need.
const TEXT_MOST: u64 = 512 << 10;
/// The most bytes of the ledger: about twenty thousand decisions.
pub(in crate::consent) const LEDGER_MOST: u64 = 8 << 20;
/// How long a decision waits while another one is written.
///
/// Longer than a withdrawal may take to be confirmed, so that two withdrawals at the same time do not fall back on a
/// tombstone.
pub(in crate::consent) const LOCK_WAIT: Duration = Duration::from_millis(1_500);
/// Why a file was not read. It is neither damaged nor lost, and nothing is written in its place.
pub(in crate::consent) const NOT_READ: &str =
    "it was not read, since it is no file of your own that only you can open: give it to yourself and the mode 0600";
/// The same for the snapshot, the marks and the ledger, in the words of a status.
const REFUSED: [&str; 3] = [
    "the snapshot can't be read: `consent` is no file of your own that only you can open: give it to yourself and the mode 0600",
    "the high-water marks can't be read: `high`, among the program's settings, is no file of your own that only you can open: give \
     it to yourself and the mode 0600",
    "the ledger can't be read: `ledger.jsonl` is no file of your own that only you can open: give it to yourself and the mode 0600",
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
/// The suffixes of tombstone file names: this one for the person's own decision, the next one for any other cause. The name
/// says whose decision it is: a tombstone with this suffix counts as the person's own if its content is missing.
pub(in crate::consent) const TOMBSTONE: &str = ".revoked";
pub(in crate::consent) const ENDED: &str = ".ended";

/// The current decision about each scope. A scope is open only if the snapshot says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Snapshot {
    pub(in crate::consent) application: String,
    /// A random id that stays the same for as long as this store exists. It distinguishes the store from another one in its
    /// place. Never sent. A store that was made before ids existed has none, and gets one with the next decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<String>,
    /// The hash of the ledger's last entry, with `pending` counted as appended.
    pub(in crate::consent) head: String,
    /// The hash of the entry before it.
    pub(in crate::consent) previous: String,
    /// How many entries the ledger has, with `pending` counted.
    pub(crate) lines: u64,
    /// The entry that is appended to the ledger after this snapshot, for a withdrawal, a refusal or any other decision that
    /// is written snapshot first.
    pub(in crate::consent) pending: Option<Line>,
    pub(crate) scopes: BTreeMap<String, Entry>,
}

/// The last decision about one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) decision: Decision,
    pub(crate) epoch: u64,
    /// Names the directories that hold the scope's data. Grows whenever a decision narrows or closes the scope.
    pub(crate) generation: u64,
    pub(crate) at: String,
    pub(crate) contract: Option<String>,
    pub(crate) notice: Option<String>,
    pub(crate) via: Option<String>,
    /// The last UTC day of a grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<String>,
    /// Further details of the decision.
    #[serde(rename = "besides", default, skip_serializing_if = "says_nothing")]
    pub(crate) details: Details,
    /// The line number of this decision in the ledger.
    pub(crate) line: u64,
}

impl Entry {
    /// When the grant in force was given. A decision that narrows or keeps the grant does not change this time.
    pub(in crate::consent) fn given(&self) -> &str {
        self.details.given.as_deref().unwrap_or(&self.at)
    }

    /// The person's own refusals: of further data, and of single fields. They stay in force after a grant that ended for
    /// another reason than the person's withdrawal. After a refusal or withdrawal of the whole scope the switched-off fields
    /// are dropped, so the next grant starts with all fields.
    pub(crate) fn noes(&self) -> Details {
        let Details { declined, deferred, disabled_fields, .. } = self.details.clone();
        let disabled_fields = if self.decision.takes_back() { Vec::new() } else { disabled_fields };
        Details { declined, deferred, disabled_fields, ..Details::default() }
    }
}

/// The content of a decision, before it has a place in the chain. If the decision narrows or keeps a grant, a field that is
/// `None` keeps the previous value, except for `language`.
#[derive(Debug, Clone)]
pub(crate) struct Statement<'a> {
    pub(crate) scope: &'a str,
    pub(crate) decision: Decision,
    pub(crate) contract: Option<String>,
    pub(crate) notice: Option<String>,
    pub(crate) language: Option<NoticeLanguage>,
    pub(crate) via: Option<String>,
    pub(crate) until: Option<String>,
    pub(crate) details: Option<Details>,
}

impl<'a> Statement<'a> {
    /// A statement with no details.
    pub(crate) fn of(scope: &'a str, decision: Decision) -> Self {
        Statement {
            scope,
            decision,
            contract: None,
            notice: None,
            language: None,
            via: None,
            until: None,
            details: None,
        }
    }
}

/// A note that the question about a scope was shown. It is not a decision and is in no history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::consent) struct Shown {
    pub(crate) at: String,
    /// The digest of the contract that the question was about.
    pub(crate) contract: String,
    /// How many times in a row the question was shown without an answer.
    pub(in crate::consent) times: u32,
}

/// The language of the notice that a grant refers to.
#[derive(Debug, Clone)]
pub(crate) struct NoticeLanguage {
    pub(crate) tag: String,
    /// Whether the person picked the language.
    pub(crate) picked: bool,
}

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

/// A look at the store failed, so its content is unknown. Every scope is closed for the moment. Nothing is written, deleted
/// or confirmed because of it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("can't look at `{}`: {why}", clean::path(path))]
pub(crate) struct Failed {
    path: PathBuf,
    why: Arc<io::Error>,
}

impl Failed {
    pub(crate) fn of(path: &Path, why: io::Error) -> Self {
        Failed { path: path.to_owned(), why: Arc::new(why) }
    }

    /// Whether a listed file was missing, or shorter than expected: another process changed it in between.
    pub(in crate::consent) fn is_gone(&self) -> bool {
        matches!(self.why.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof)
    }
}

impl From<Failed> for Error {
    fn from(Failed { path, why }: Failed) -> Self {
        let source = io::Error::new(why.kind(), why);
        Kind::Io { action: "look at", path, source }.into()
    }
}

/// The content of a tombstone: a file that closes a scope because a decision could not be written, until recovery writes that
/// decision down. It records the decision, its time and its `via`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tombstone {
    pub(crate) decision: Decision,
    pub(crate) at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) via: Option<String>,
    /// The scope's latest epoch when the person refused, if the refusal was retried later. A grant with a later epoch was
    /// given after the refusal. `None` if the refusal was made a moment before, or if the epoch is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<u64>,
}

impl Tombstone {
    /// The tombstone that is assumed if one that is not the person's own is damaged.
    pub(in crate::consent) fn of_nobody() -> Self {
        Tombstone { decision: Decision::Revoked, at: String::new(), via: None, after: None }
    }

    /// The last epoch that a tombstone of the person's own closes. A grant with a later epoch was given after the refusal.
    /// `None` if the tombstone closes every epoch or is not the person's own.
    pub(in crate::consent) fn ends_up_to(said: &Option<Tombstone>) -> Option<u64> {
        said.as_ref().filter(|_| Tombstone::is_persons(said))?.after
    }

    /// Whether `said` closes every grant that `other` closes. Both are tombstones of the person's own.
    pub(in crate::consent) fn covers(said: &Option<Tombstone>, other: &Option<Tombstone>) -> bool {
        Tombstone::ends_up_to(said).is_none_or(|after| Tombstone::ends_up_to(other).is_some_and(|other| other <= after))
    }

    /// Whether the decision is the person's own. A tombstone without content counts as the person's: it was made before
    /// tombstones had content, or could not be written completely, and only the person's own tombstone may be left
    /// incomplete.
    pub(in crate::consent) fn is_persons(said: &Option<Tombstone>) -> bool {
        said.as_ref().is_none_or(|said| matches!(said.decision, Decision::Withdrawn | Decision::Denied))
    }
}

/// The scopes that have a tombstone, each with the tombstone's content if it has any.
pub(in crate::consent) type Revoked = BTreeMap<String, Option<Tombstone>>;

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
    /// Each scope's highest epoch that this process ever saw in the snapshot.
    known: BTreeMap<String, u64>,
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
    marks: Option<((u64, u64, i64), u64)>,
    ledger: Option<((u64, u64, i64), u64)>,
    revoked: Vec<String>,
    exposed: bool,
}

/// The lock that serializes decisions across all processes. Released when dropped.
pub(crate) struct Held(#[allow(dead_code, reason = "held for its lock")] Box<dyn Handle>);

/// A decision that closes or narrows a scope. Its snapshot is in force; its entry must still be appended to the ledger.
#[derive(Debug)]
#[must_use]
pub(crate) struct Narrowing {
    pub(crate) line: Line,
    pub(crate) entry: Entry,
    /// Whether the snapshot was read back and contains the decision.
    pub(crate) is_read_back: bool,
}

/// The names in the two directories, and, if a directory can't be used, which one and why.
type Listed<'l> = ([Vec<String>; 2], Option<(&'l Path, &'static str)>);

/// The files of one store.
#[derive(Clone)]
pub(crate) struct Ledger {
    pub(crate) files: Files,
    pub(crate) store: PathBuf,
    pub(in crate::consent) marks: PathBuf,
    pub(in crate::consent) application: String,
    ambient: Ambient,
    /// The store in which this process found a snapshot. From then on, another directory at that path, or none, is not
    /// accepted as the store.
    opened: Arc<Mutex<Option<Opened>>>,
    /// The id for a store that has none yet. It is drawn once, even if several decisions fail before it is written.
    drawn: Arc<Mutex<Option<String>>>,
}

/// How this process recognizes its store.
#[derive(Debug, Default)]
struct Opened {
    /// The store's directory.
    node: Option<Node>,
    /// The store's id, once it has one.
    id: Option<String>,
    /// Each scope's highest epoch in the snapshots that were read. A snapshot with a lower one is an older copy.
    epochs: BTreeMap<String, u64>,
}

impl Ledger {
    pub(crate) fn new(files: Files, store: PathBuf, marks: PathBuf, application: String, ambient: Ambient) -> Self {
        Ledger { files, store, marks, application, ambient, opened: Arc::default(), drawn: Arc::default() }
    }

    pub(in crate::consent) fn was_opened(&self) -> bool {
        self.opened.lock().is_some()
    }

    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    pub(in crate::consent) fn application(&self) -> &str {
        &self.application
    }

    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    pub(crate) fn snapshot_path(&self) -> PathBuf {
        self.store.join("consent")
    }

    pub(in crate::consent) fn ledger_path(&self) -> PathBuf {
        self.store.join("ledger.jsonl")
    }

    pub(in crate::consent) fn marks_path(&self) -> PathBuf {
        self.marks.join("high")
    }

    fn contract_path(&self, digest: &str) -> PathBuf {
        self.texts().join(digest)
    }

    /// The directory of contracts and notices.
    fn texts(&self) -> PathBuf {
        self.store.join("contracts")
    }

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

    /// Adds the path to the error of a look that failed.
    pub(in crate::consent) fn look<T>(&self, path: &Path, look: Look<T>) -> Result<Seen<T>, Failed> {
        look.seen().map_err(|error| Failed::of(path, error))
    }

    /// The names in one of the two directories. Empty if the directory does not exist or can't be used; whether it may be
    /// used is checked elsewhere. Fails if the store was opened before and is missing now.
    pub(in crate::consent) fn names(&self, directory: &Path) -> Result<Vec<String>, Failed> {
        Ok(match self.look(directory, self.files.children(directory))? {
            Seen::Read(names) => names,
            // The store existed before. Without its names it is unknown which files are missing.
            Seen::Absent if directory == self.store && self.was_opened() && !mutants::on(Mutant::MovedIsNothing) => {
                return Err(Failed::of(directory, io::ErrorKind::NotFound.into()));
            }
            Seen::Absent | Seen::Refused => Vec::new(),
        })
    }

    /// Reads a file of one of the two directories, of at most `most` bytes. A file that is listed there and can't be found is
    /// an error, not an absent file.
    pub(in crate::consent) fn document(
        &self,
        names: &[String],
        path: &Path,
        most: u64,
    ) -> Result<Seen<Vec<u8>>, Failed> {
        let seen = self.look(path, self.files.contents(path, most))?;
        let is_listed = || path.file_name().is_some_and(|name| names.iter().any(|listed| name == listed.as_str()));
        if matches!(seen, Seen::Absent) && is_listed() {
            return Err(Failed::of(path, io::ErrorKind::NotFound.into()));
        }
        Ok(seen)
    }

    /// What is wrong with the two directories, if anything is. If the store is not the one this process opened (the directory
    /// was moved, replaced or removed, or the path leads elsewhere now), the look fails: it is unknown what became of that
    /// store.
    fn judge_directories(&self) -> Result<Option<&'static str>, Failed> {
        let mut wrong = None;
        for dir in [&self.store, &self.marks] {
            wrong = wrong.or(self.judge(dir, &self.look(dir, self.files.examine(dir))?)?);
        }
        Ok(wrong)
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

    /// The same as [`judge_directories`](Ledger::judge_directories) for one directory, given the result of its examination.
    fn judge(&self, dir: &Path, seen: &Seen<Stat>) -> Result<Option<&'static str>, Failed> {
        match seen {
            Seen::Read(stat) if stat.kind == StatKind::Dir && stat.exposed.is_none() => {
                let is_another = self.opened.lock().as_ref().is_some_and(|opened| opened.node != stat.node);
                if dir == self.store && is_another && !mutants::on(Mutant::MovedIsNothing) {
                    return Err(self.another());
                }
                Ok(None)
            }
            Seen::Absent if mutants::on(Mutant::MovedIsNothing) => Ok(None),
            Seen::Absent if dir == self.store && self.was_opened() => Err(self.another()),
            Seen::Absent => Ok(None),
            Seen::Read(_) | Seen::Refused => Ok(Some(
                "its directory is not one of your own that only you can open: give it to yourself and the mode 0700",
            )),
        }
    }

    /// The names in the two directories, each as returned by [`names`](Ledger::names), and what is wrong with the
    /// directories, if anything is.
    fn list_directories(&self) -> Result<Listed<'_>, Failed> {
        let (mut all, mut wrong) = ([Vec::new(), Vec::new()], None);
        for (dir, names) in [&self.store, &self.marks].into_iter().zip(&mut all) {
            let seen = self.look(dir, self.files.examine(dir))?;
            wrong = wrong.or(self.judge(dir, &seen)?.map(|why| (dir.as_path(), why)));
            if let Seen::Read(stat) = seen
                && let Seen::Read(listed) = self.look(dir, self.files.children_of(dir, &stat))?
            {
                *names = listed;
            }
        }
        Ok((all, wrong))
    }

    fn another(&self) -> Failed {
        Failed::of(
            &self.store,
            io::Error::other(
                "it is not the store that this program opened, which was there before: put that one back, or start the \
                 program anew to go by what is there now",
            ),
        )
    }

    /// Remembers the directory in which a snapshot was found as this process's store.
    fn remember(&self) -> Result<(), Failed> {
        if self.was_opened() {
            return Ok(());
        }
        match self.look(&self.store, self.files.examine(&self.store))? {
            Seen::Read(stat) => self.opened.lock().get_or_insert_default().node = stat.node,
            // A snapshot was read in it a moment ago, so it must exist.
            Seen::Absent => return Err(Failed::of(&self.store, io::ErrorKind::NotFound.into())),
            Seen::Refused => {}
        }
        Ok(())
    }

    /// Whether a snapshot belongs to the store that this process opened, as far as the ids show.
    fn is_own(&self, snapshot: &Snapshot) -> bool {
        let opened = self.opened.lock();
        let id = opened.as_ref().and_then(|opened| opened.id.as_ref());
        id.is_none() || id == snapshot.store.as_ref() || mutants::on(Mutant::AnotherIdPasses)
    }

    /// Remembers the store's id and its scopes' epochs. Returns each scope's highest known epoch.
    fn learn(&self, snapshot: &Snapshot) -> BTreeMap<String, u64> {
        let mut opened = self.opened.lock();
        let opened = opened.get_or_insert_default();
        if opened.id.is_none() {
            opened.id.clone_from(&snapshot.store);
        }
        for (scope, entry) in &snapshot.scopes {
            let epoch = opened.epochs.entry(scope.clone()).or_default();
            *epoch = entry.epoch.max(*epoch);
        }
        if mutants::on(Mutant::OlderCopyPasses) { BTreeMap::new() } else { opened.epochs.clone() }
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

    /// The same, judged by the directory alone, whatever its content. Returns false instead of failing.
    pub(crate) fn is_at_its_place(&self) -> bool {
        let opened = self.opened.lock().as_ref().map(|opened| opened.node);
        let Some(node) = opened.filter(|_| !mutants::on(Mutant::MovedIsNothing)) else { return true };
        match self.files.examine(&self.store) {
            Look::Read(stat) => stat.node == node,
            Look::Absent => false,
            Look::Refused(_) | Look::Failed(_) => true,
        }
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
    fn decided_since(&self) -> Result<Vec<(String, u64)>, Failed> {
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

    /// Raises the marks of the decisions that the copy lacks, to the epochs that this process knows.
    pub(in crate::consent) fn mark_known(&self, held: &Held) -> Result<(), Error> {
        let _ = held;
        for (scope, epoch) in self.decided_since()? {
            self.raise_mark(&scope, epoch, false)?;
        }
        Ok(())
    }

    /// The id of an existing store, or else a new random one. `None` if there is no entropy, as for older stores.
    pub(in crate::consent) fn id(&self, known: Option<String>) -> Option<String> {
        let opened = || self.opened.lock().as_ref().and_then(|opened| opened.id.clone());
        known.or_else(opened).or_else(|| {
            let mut drawn = self.drawn.lock();
            if drawn.is_none() {
                *drawn = self.ambient.random_hex::<16>().ok();
            }
            drawn.clone()
        })
    }

    /// The highest epoch that this process ever saw. 0 if it saw none.
    pub(in crate::consent) fn highest_known(&self) -> u64 {
        let opened = self.opened.lock();
        opened.as_ref().and_then(|opened| opened.epochs.values().max().copied()).unwrap_or(0)
    }

    /// The id of the store that this process opened, if it is known.
    pub(in crate::consent) fn own_id(&self) -> Option<String> {
        self.opened.lock().as_ref().and_then(|opened| opened.id.clone())
    }

    /// Fails if nothing can be stored at all.
    pub(crate) fn is_usable(&self) -> Result<(), Error> {
        self.files.barred().map_or(Ok(()), |why| Err(Kind::Barred { why }.into()))
    }

    /// Makes both directories. Fails with the one that can't be used.
    pub(crate) fn make_directories(&self) -> Result<(), Error> {
        self.is_usable()?;
        if self.was_opened() {
            // If the opened store is missing, no new one is made in its place.
            self.judge_directories()?;
        }
        for dir in [&self.store, &self.marks] {
            self.files.own_root(dir).at("use the directory", dir)?;
        }
        Ok(())
    }

    /// Reads the snapshot's bytes, for a check that costs one read.
    pub(crate) fn snapshot_bytes(&self) -> Look<Vec<u8>> {
        self.files.contents(&self.snapshot_path(), SNAPSHOT_MOST)
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

    pub(in crate::consent) fn parse(&self, bytes: &[u8]) -> Option<Snapshot> {
        let snapshot: Snapshot = serde_json::from_str(disk::unseal("consent", bytes)?).ok()?;
        (snapshot.application == self.application).then_some(snapshot)
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
        for line in told {
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
        Records::Sound(Box::new(Sound {
            told: highest,
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

    /// Takes the decision lock. `None` if another process holds it for longer than `wait`.
    pub(in crate::consent) fn lock_within(
        &self,
        wait: Duration,
        clock: impl Fn() -> Instant,
    ) -> Result<Option<Held>, Error> {
        self.is_usable()?;
        let path = self.lock_path();
        Ok(self.files.lock_within(&path, wait, clock).at("lock", &path)?.map(Held))
    }

    pub(in crate::consent) fn lock_path(&self) -> PathBuf {
        self.store.join("consent.lock")
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

    /// Records a grant. Writes, in this order: the ledger, the mark, whatever must exist before the scope opens, the
    /// snapshot.
    pub(crate) fn grant(
        &self,
        held: &Held,
        sound: Option<&Sound>,
        statement: Statement<'_>,
        now: Time,
        before_opening: impl FnOnce(u64) -> Result<(), Error>,
    ) -> Result<Line, Error> {
        let (line, mut snapshot, entry) = self.next(sound, statement, now);
        if sound.is_none() {
            // If this is interrupted later, the ledger is one entry ahead of an empty snapshot, as after every other grant.
            // Without this snapshot, the case would look like a store whose snapshot was removed.
            self.write_snapshot(&Snapshot {
                head: GENESIS.into(),
                previous: GENESIS.into(),
                lines: 0,
                pending: None,
                ..snapshot.clone()
            })?;
        }
        self.make_life(&line.scope, snapshot.store.as_deref())?;
        self.append(&line)?;
        self.mark_grant(&line.scope, line.epoch, now.day())?;
        before_opening(line.epoch)?;
        snapshot.pending = None;
        snapshot.scopes.insert(line.scope.clone(), entry);
        let path = self.snapshot_path();
        match self.files.place(&path, &sealed(&snapshot)).at("write", &path) {
            // The snapshot was replaced, although an error was reported.
            Err(_) if self.stands(&snapshot) => {}
            placed => placed?,
        }
        // From here on every process sees the grant, so this succeeds whether or not the snapshot can be read back now. If
        // only its directory could not be made durable, a power failure leaves the scope closed.
        let _ = self.files.sync_parent(&path);
        let _ = held;
        Ok(line)
    }

    /// Records a decision that closes or narrows a scope, snapshot first. The decision is in force when this returns. A scope
    /// that stays granted is closed until its mark is raised as well; if this is interrupted in between, recovery raises it.
    /// Fails if the snapshot can't be written (then nothing has changed), or if it was replaced, closes the scope and is not
    /// durable.
    pub(crate) fn narrow(
        &self,
        held: &Held,
        sound: Option<&Sound>,
        statement: Statement<'_>,
        now: Time,
    ) -> Result<Narrowing, Error> {
        let (line, mut snapshot, entry) = self.next(sound, statement, now);
        snapshot.scopes.insert(line.scope.clone(), entry.clone());
        snapshot.pending = Some(line.clone());
        if let Err(error) = self.write_snapshot(&snapshot) {
            // The snapshot may be replaced while only its directory could not be made durable. After a power failure a
            // narrowed scope is then closed, which is safe. A withdrawn scope could be granted again, so this fails, and the
            // caller leaves a tombstone for a withdrawal.
            if !(line.decision.opens() && self.stands(&snapshot)) {
                return Err(error);
            }
        }
        let _ = held;
        let is_read_back = self.stands(&snapshot);
        Ok(Narrowing { line, entry, is_read_back })
    }

    /// Whether the snapshot on disk, read back, is this one.
    fn stands(&self, snapshot: &Snapshot) -> bool {
        matches!(self.snapshot_bytes(), Look::Read(bytes) if bytes == sealed(snapshot))
    }

    /// Appends the entry of a decision made by [`narrow`](Ledger::narrow) and raises its mark. The decision is in force
    /// whether or not this succeeds.
    pub(crate) fn finish(&self, held: &Held, narrowing: &Narrowing) -> Result<(), Error> {
        let _ = held;
        let line = &narrowing.line;
        let marked = self.raise_mark(&line.scope, line.epoch, line.decision.opens());
        self.append(line)?;
        marked
    }

    fn shown_path(&self, scope: &str) -> PathBuf {
        self.store.join(format!("{scope}.shown"))
    }

    /// When the question about a scope was last shown. If the note is damaged, the question was shown at an unknown time.
    pub(in crate::consent) fn shown(&self, scope: &str) -> Result<Option<Shown>, Failed> {
        let path = self.shown_path(scope);
        Ok(match self.look(&path, self.files.contents(&path, TEXT_MOST))? {
            Seen::Absent => None,
            Seen::Read(bytes) => {
                let shown = disk::unseal("shown", &bytes).and_then(|json| serde_json::from_str(json).ok());
                Some(shown.unwrap_or_default())
            }
            Seen::Refused => Some(Shown::default()),
        })
    }

    pub(in crate::consent) fn note_shown(&self, held: &Held, scope: &str, shown: &Shown) -> Result<(), Error> {
        let _ = held;
        let path = self.shown_path(scope);
        self.files.replace(&path, &disk::seal("shown", &canonical(&serde_json::json!(shown)))).at("write", &path)
    }

    pub(in crate::consent) fn forget_shown(&self, scope: &str) -> io::Result<()> {
        self.files.remove_with_unfinished(&self.shown_path(scope))
    }

    /// The two directories: store and marks.
    pub(in crate::consent) fn places(&self) -> [&Path; 2] {
        [&self.store, &self.marks]
    }

    /// Checks whether the files that a decision reads and writes can be read and written, as far as looks tell. If they
    /// can't, asking the person would be useless. Changes nothing.
    ///
    /// # Errors
    /// What prevents a decision.
    pub(in crate::consent) fn may_decide(&self, scope: &str) -> Result<(), Error> {
        self.is_usable()?;
        for dir in [&self.store, &self.marks, &self.texts()] {
            self.files.may_own_dir(dir).at("use the directory", dir)?;
        }
        for path in [self.lock_path(), self.life_path(scope)] {
            match self.files.open_lock(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                opened => opened.map(drop).at("open", &path)?,
            }
        }
        for path in [self.snapshot_path(), self.marks_path()] {
            self.files.may_replace(&path).at("write", &path)?;
        }
        self.open_history().map(drop)
    }

    /// Whether one of the two directories exists or may exist.
    pub(in crate::consent) fn has_directories(&self) -> bool {
        [&self.store, &self.marks].iter().any(|path| !matches!(self.files.examine(path), Look::Absent))
    }

    /// Stores a contract or a notice under its digest, once.
    pub(crate) fn keep_text(&self, digest: &str, text: &str) -> Result<(), Error> {
        if self.may_keep_text(digest, text)? {
            return Ok(());
        }
        let (path, dir) = (self.contract_path(digest), self.texts());
        self.files.own_dir(&dir).at("use the directory", &dir)?;
        self.files.replace(&path, text.as_bytes()).at("write", &path)
    }

    /// Whether the text is stored already. Changes nothing.
    ///
    /// # Errors
    /// The text can't be stored.
    pub(in crate::consent) fn may_keep_text(&self, digest: &str, text: &str) -> Result<bool, Error> {
        let path = self.contract_path(digest);
        if self.text(digest)?.is_some() {
            return Ok(true);
        }
        if let Some(path) = self.unread_text(digest)? {
            return Err(not_read(&path));
        }
        if text.len() as u64 > TEXT_MOST {
            // A text that can't be read back can't be compared, so an agreement to it would have no effect.
            return Err(Kind::Store { path, why: "it keeps no contract or notice of more than 512 KiB" }.into());
        }
        self.files.may_replace(&path).at("write", &path)?;
        Ok(false)
    }

    /// A contract or notice that was stored earlier. `None` unless its bytes still have that digest.
    pub(crate) fn text(&self, kept: &str) -> Result<Option<String>, Failed> {
        let path = self.contract_path(kept);
        Ok(match self.look(&path, self.files.contents(&path, TEXT_MOST))? {
            Seen::Read(bytes) => (digest(&bytes) == kept).then(|| String::from_utf8(bytes).ok()).flatten(),
            // A file that is listed and can't be found is an error, not an absent file.
            Seen::Absent if self.names(&self.store.join("contracts"))?.iter().any(|name| name == kept) => {
                return Err(Failed::of(&path, io::ErrorKind::NotFound.into()));
            }
            Seen::Absent | Seen::Refused => None,
        })
    }

    /// The path of a contract or notice that exists but was not read. It is neither missing nor damaged.
    fn unread_text(&self, digest: &str) -> Result<Option<PathBuf>, Failed> {
        let path = self.contract_path(digest);
        let is_refused = matches!(self.look(&path, self.files.contents(&path, TEXT_MOST))?, Seen::Refused);
        Ok((is_refused && !self.is_too_large(&path, TEXT_MOST)?).then_some(path))
    }

    /// The same for the contract and the notice that were agreed to, as an error.
    pub(crate) fn unread_of(&self, entry: &Entry) -> Result<Option<Error>, Failed> {
        for digest in [&entry.contract, &entry.notice].into_iter().flatten() {
            if let Some(path) = self.unread_text(digest)? {
                return Ok(Some(not_read(&path)));
            }
        }
        Ok(None)
    }

    /// The contract that was agreed to, if it and its notice are stored unchanged. This is checked even if this build would
    /// produce the same text, because the person must be able to read what they agreed to.
    pub(in crate::consent) fn agreed(&self, entry: &Entry) -> Result<Option<String>, Failed> {
        let text = |digest: &Option<String>| digest.as_deref().map_or(Ok(None), |digest| self.text(digest));
        let (notice, contract) = (text(&entry.notice)?, text(&entry.contract)?);
        Ok(contract.filter(|_| notice.is_some()))
    }

    /// Opens the history for appending. `None` if there is none yet.
    fn open_history(&self) -> Result<Option<Box<dyn Handle>>, Error> {
        let path = self.ledger_path();
        match self.files.stat(&path).at("look at", &path)? {
            Some(_) => self.files.append(&path).at("open", &path).map(Some),
            None => Ok(None),
        }
    }

    pub(in crate::consent) fn append(&self, line: &Line) -> Result<(), Error> {
        let path = self.ledger_path();
        let opened = self.open_history()?;
        let there = opened.is_some();
        let mut file = match opened {
            Some(file) => file,
            None => self.files.create(&path).at("open", &path)?,
        };
        file.write_all(line.text().as_bytes()).and_then(|()| file.sync()).at("write", &path)?;
        if !there {
            self.files.sync_parent(&path).at("write", &path)?;
        }
        Ok(())
    }

    pub(in crate::consent) fn write_snapshot(&self, snapshot: &Snapshot) -> Result<(), Error> {
        let path = self.snapshot_path();
        self.files.replace(&path, &sealed(snapshot)).at("write", &path)
    }

    fn next(&self, sound: Option<&Sound>, statement: Statement<'_>, now: Time) -> (Line, Snapshot, Entry) {
        let old = sound.and_then(|sound| sound.entry(statement.scope));
        let mark = sound.and_then(|sound| sound.mark(statement.scope).max(sound.known.get(statement.scope).copied()));
        let mark = mark.unwrap_or(0);
        // Without earlier epochs the current time is used, so that an epoch is not given twice even if everything was lost.
        let grown = old.map_or(now.0, |entry| entry.epoch).max(mark).saturating_add(1);
        let stays = old.filter(|old| old.decision.opens() && statement.decision == Decision::Kept);
        // A decision that changes nothing keeps the epoch, and with it the pending data.
        let epoch = stays.map_or(grown, |entry| entry.epoch);
        let kept = old.filter(|_| matches!(statement.decision, Decision::Narrowed | Decision::Kept));
        let previous = sound.map_or(GENESIS.to_owned(), |sound| sound.snapshot.head.clone());
        // A grant for a closed scope keeps the scope's generation, whose directories are empty. Any other decision gets new
        // directories, unless it changes nothing.
        let generation = match old {
            Some(entry) if stays.is_some() => entry.generation,
            Some(entry) if !entry.decision.opens() && statement.decision == Decision::Granted => entry.generation,
            _ => epoch,
        };
        let mut details = match (statement.details, kept) {
            (Some(details), _) => details,
            (None, Some(kept)) => kept.details.clone(),
            // If the grant ended for another reason than the person's own decision, their refusals stay in force.
            (None, None) if !statement.decision.takes_back() => old.map(Entry::noes).unwrap_or_default(),
            (None, None) => Details::default(),
        };
        details.given = kept.filter(|old| old.decision.opens()).map(|old| old.given().to_owned());
        let line = Line {
            line: sound.map_or(0, |sound| sound.snapshot.lines) + 1,
            at: now.rfc3339(),
            scope: statement.scope.into(),
            decision: statement.decision,
            epoch,
            contract: statement.contract.or_else(|| kept?.contract.clone()),
            notice: statement.notice.or_else(|| kept?.notice.clone()),
            language_picked: statement.language.as_ref().is_some_and(|language| language.picked),
            language: statement.language.map(|language| language.tag),
            via: statement.via.or_else(|| kept?.via.clone()),
            until: statement.until.or_else(|| kept?.until.clone()),
            details,
            previous: previous.clone(),
            hash: String::new(),
        }
        .sealed();
        let entry = Entry {
            decision: line.decision,
            epoch,
            generation,
            at: line.at.clone(),
            contract: line.contract.clone(),
            notice: line.notice.clone(),
            via: line.via.clone(),
            until: line.until.clone(),
            details: line.details.clone(),
            line: line.line,
        };
        let snapshot = Snapshot {
            application: self.application.clone(),
            store: self.id(sound.and_then(|sound| sound.snapshot.store.clone())),
            head: line.hash.clone(),
            previous,
            lines: line.line,
            pending: None,
            scopes: sound.map(|sound| sound.snapshot.scopes.clone()).unwrap_or_default(),
        };
        (line, snapshot, entry)
    }
}

/// The bytes of a snapshot as stored on disk.
pub(in crate::consent) fn sealed(snapshot: &Snapshot) -> Vec<u8> {
    disk::seal("consent", &canonical(&serde_json::json!(snapshot)))
}
