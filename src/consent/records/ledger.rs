//! Two files say who agreed to what: `consent`, a small snapshot that gates, and `ledger.jsonl`, the history, whose
//! lines are chained by hash. A third, `high`, in another directory, keeps each scope's [mark](crate::consent::records::high_water).
//!
//! A grant is written ledger first, a withdrawal snapshot first, and what holds is the meet of the two: an interruption
//! anywhere errs to no. Everything read here is untrusted. This file stores and checks; what a decision means for the
//! program is not its matter.

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

/// More scopes and words than any program has.
pub(crate) const SNAPSHOT_MOST: u64 = 128 << 10;
/// The largest contract or notice that is kept: several times what the most events a program has would need.
const TEXT_MOST: u64 = 512 << 10;
/// Some twenty thousand decisions.
pub(crate) const LEDGER_MOST: u64 = 8 << 20;
/// How long a decision waits for another one to be written.
///
/// Longer than a withdrawal may take to be confirmed, so that two at once do not fall back on a tombstone.
pub(crate) const LOCK_WAIT: Duration = Duration::from_millis(1_500);
/// What was seen and not read is neither damaged nor lost, and nothing is written in its place.
pub(crate) const NOT_READ: &str =
    "it was not read, since it is no file of your own that only you can open: give it to yourself and the mode 0600";
/// The same of the snapshot, the marks and the ledger, as a status says it.
const REFUSED: [&str; 3] = [
    "the snapshot can't be read: `consent` is no file of your own that only you can open: give it to yourself and the mode 0600",
    "the high-water marks can't be read: `high`, among the program's settings, is no file of your own that only you can open: give \
     it to yourself and the mode 0600",
    "the ledger can't be read: `ledger.jsonl` is no file of your own that only you can open: give it to yourself and the mode 0600",
];
/// One of them that is larger than candor makes it can't be used, whatever it holds, and makes way for a new one.
const TOO_LARGE: [&str; 3] = [
    "the snapshot can't be read: `consent` is larger than candor makes it",
    "the high-water marks can't be read: `high`, among the program's settings, is larger than candor makes it",
    "the ledger can't be read: `ledger.jsonl` is larger than candor makes it",
];
const LEDGER_GONE: &str = "the ledger is missing: `ledger.jsonl` was there, and is not";
const CHAIN_BROKEN: &str = "the ledger's chain is broken";
/// How the name of a tombstone ends: one of the person's own, and one of whoever else ended a scope. Whose it is stands in the
/// name: where its words are missing it is nobody else's.
pub(crate) const TOMBSTONE: &str = ".revoked";
pub(crate) const ENDED: &str = ".ended";

/// The state that gates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Snapshot {
    pub(crate) application: String,
    /// Random, and the same as long as this store goes on: tells it from another one in its place. It is never sent. A store
    /// from before there were any has none, and gets one with the next decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<String>,
    /// The hash of the ledger's last line, counting `pending` as appended.
    pub(crate) head: String,
    /// The hash before it.
    pub(crate) previous: String,
    /// How many lines the ledger has, counting `pending`.
    pub(crate) lines: u64,
    /// The line that a withdrawal or a refusal appends after this snapshot.
    pub(crate) pending: Option<Line>,
    pub(crate) scopes: BTreeMap<String, Entry>,
}

/// What was last decided about one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) decision: Decision,
    pub(crate) epoch: u64,
    /// Names the directories that hold the scope's data; grows whenever anything narrows.
    pub(crate) generation: u64,
    pub(crate) at: String,
    pub(crate) contract: Option<String>,
    pub(crate) notice: Option<String>,
    pub(crate) via: Option<String>,
    /// The last UTC day of a yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<String>,
    /// What else it says.
    #[serde(rename = "besides", default, skip_serializing_if = "says_nothing")]
    pub(crate) details: Details,
    /// The number of the ledger's line that says so.
    pub(crate) line: u64,
}

impl Entry {
    /// When the yes that is in force was given: narrowing or keeping one does not make it younger.
    pub(crate) fn given(&self) -> &str {
        self.details.given.as_deref().unwrap_or(&self.at)
    }

    /// The person's own noes, which outlast a yes that they did not end: to more, and to single fields. Of a yes that they took
    /// back nothing is left, and the next one begins with all of it.
    pub(crate) fn noes(&self) -> Details {
        let Details { declined, deferred, disabled_fields, .. } = self.details.clone();
        let disabled_fields = if self.decision.takes_back() { Vec::new() } else { disabled_fields };
        Details { declined, deferred, disabled_fields, ..Details::default() }
    }
}

/// What a decision says, before it has a place in the chain. What is not said of a scope that stays open stays as it was.
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
    /// A decision and no more.
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

/// That the question about a scope was shown: no decision, and in no history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shown {
    pub(crate) at: String,
    /// The digest of the contract that it was about.
    pub(crate) contract: String,
    /// How many times in a row without an answer.
    pub(crate) times: u32,
}

/// The language of the notice that a yes is about.
#[derive(Debug, Clone)]
pub(crate) struct NoticeLanguage {
    pub(crate) tag: String,
    /// Whether the person picked it.
    pub(crate) picked: bool,
}

/// What the files say together, where all of them could be looked at.
#[derive(Debug, Clone)]
pub(crate) enum Records {
    /// Nobody was ever asked.
    Nothing,
    /// The files agree.
    Sound(Box<Sound>),
    /// They were read and don't agree, or some of them are gone, and every scope is closed.
    Closed(&'static str),
    /// This file or directory of theirs was seen and not read, since it is not ours alone. It is neither damaged nor gone; every
    /// scope is closed until it can be read.
    Refused(PathBuf, &'static str),
}

/// What of the history could be read.
#[derive(Debug)]
#[must_use]
pub(crate) enum History {
    /// All of it, to its end. Nothing where nothing was ever decided.
    Whole(Vec<Line>),
    /// It ends in half a line, which was never decided; all that stands before it.
    Torn(Vec<Line>),
    /// Nothing of it, and why: it was seen and not read, it is damaged, or it is gone. What was decided is not known from it.
    Unread(&'static str),
}

impl History {
    /// The lines that could be read, for whoever goes by the records beside it.
    pub(crate) fn lines(self) -> Vec<Line> {
        match self {
            History::Whole(lines) | History::Torn(lines) => lines,
            History::Unread(_) => Vec::new(),
        }
    }
}

impl Records {
    /// Whether an interrupted decision is to be finished.
    pub(crate) fn need_repair(&self) -> bool {
        matches!(self, Records::Sound(sound) if !sound.is_whole())
    }

    /// Whether they are older than what this process saw before.
    pub(crate) fn are_older_copy(&self) -> bool {
        matches!(self, Records::Sound(sound) if sound.forgotten().next().is_some())
    }
}

/// A look at the store that failed: nobody knows what is there. Every scope is closed for the moment, and nothing is
/// written, deleted or confirmed because of it.
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

    /// What a directory names was not there to be read, or not as long as it was: another process changed it in between.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.why.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof)
    }
}

impl From<Failed> for Error {
    fn from(Failed { path, why }: Failed) -> Self {
        let source = io::Error::new(why.kind(), why);
        Kind::Io { action: "look at", path, source }.into()
    }
}

/// What stands for a decision that could not be written: an ending, in the name and the words of whoever decided it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tombstone {
    pub(crate) decision: Decision,
    pub(crate) at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) via: Option<String>,
    /// The latest epoch of the scope that stood when a person said no, where their no was tried again later: a yes of a later
    /// epoch was given after it. None where it was said a moment before, or nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<u64>,
}

impl Tombstone {
    /// What one of somebody else's stands for whose words are damaged.
    pub(crate) fn of_nobody() -> Self {
        Tombstone { decision: Decision::Revoked, at: String::new(), via: None, after: None }
    }

    /// The epoch above which a yes comes after the person's own no that one stands for; none where no yes does.
    pub(crate) fn ends_up_to(said: &Option<Tombstone>) -> Option<u64> {
        said.as_ref().filter(|_| Tombstone::is_persons(said))?.after
    }

    /// Whether one of the person's own ends each yes that another one of theirs ends.
    pub(crate) fn covers(said: &Option<Tombstone>, other: &Option<Tombstone>) -> bool {
        Tombstone::ends_up_to(said).is_none_or(|after| Tombstone::ends_up_to(other).is_some_and(|other| other <= after))
    }

    /// Whether it is the person who said no. One that says nothing is from before tombstones said anything, or could not be
    /// written whole, which is left to stand for a person's own no alone.
    pub(crate) fn is_persons(said: &Option<Tombstone>) -> bool {
        said.as_ref().is_none_or(|said| matches!(said.decision, Decision::Withdrawn | Decision::Denied))
    }
}

/// The scopes that have a tombstone, with what it says where it says anything.
pub(crate) type Revoked = BTreeMap<String, Option<Tombstone>>;

#[derive(Debug, Clone)]
pub(crate) struct Sound {
    pub(crate) snapshot: Snapshot,
    pub(crate) marks: Marks,
    /// A grant stands in the ledger that never came into force.
    pub(crate) ahead: bool,
    /// A withdrawal stands in the snapshot whose line is not in the ledger yet.
    pub(crate) behind: bool,
    /// A scope whose yes was narrowed, and the epoch to which its mark has yet to be raised: until then it is closed.
    pub(crate) narrowed: Option<(String, u64)>,
    /// The ledger ends in half a line; this is its length without it.
    pub(crate) torn: Option<u64>,
    /// Scopes that were ended when nothing could be written but a tombstone.
    pub(crate) revoked: Revoked,
    /// Each scope's highest epoch in the history.
    pub(crate) told: BTreeMap<String, u64>,
    /// Each scope's highest epoch that this process ever saw in the snapshot.
    known: BTreeMap<String, u64>,
}

impl Sound {
    pub(crate) fn entry(&self, scope: &str) -> Option<&Entry> {
        self.snapshot.scopes.get(scope)
    }

    /// The entry of a scope that is granted, with the high-water mark that belongs to it.
    pub(crate) fn in_force(&self, scope: &str) -> Option<&Entry> {
        self.yes_written(scope).filter(|_| !self.is_revoked(scope))
    }

    /// The same, whatever tombstones say.
    pub(crate) fn yes_written(&self, scope: &str) -> Option<&Entry> {
        self.entry(scope).filter(|entry| {
            entry.decision.opens()
                && self.mark(scope) == Some(entry.epoch)
                && self.known.get(scope).is_none_or(|known| *known <= entry.epoch)
        })
    }

    /// Whether something was decided about a scope that these records don't hold: they were put back from before.
    pub(crate) fn is_outdated(&self, scope: &str) -> bool {
        self.mark(scope).max(self.known.get(scope).copied()) > self.held(scope)
    }

    /// The highest epoch that these records hold of a scope.
    pub(crate) fn held(&self, scope: &str) -> Option<u64> {
        self.entry(scope).map(|entry| entry.epoch).max(self.told.get(scope).copied())
    }

    /// What this process knows was decided, and neither these records nor their marks hold any more: an older copy of both was
    /// put back while it ran.
    pub(crate) fn forgotten(&self) -> impl Iterator<Item = (&str, u64)> {
        let known = self.known.iter().map(|(scope, epoch)| (scope.as_str(), *epoch));
        known.filter(|&(scope, epoch)| Some(epoch) > self.held(scope).max(self.mark(scope)))
    }

    /// The latest day on which the yes of a scope was in use.
    pub(crate) fn latest(&self, scope: &str) -> Option<Day> {
        self.marks.get(scope)?.latest()
    }

    /// The highest epoch that a scope ever had.
    pub(crate) fn mark(&self, scope: &str) -> Option<u64> {
        self.marks.get(scope).map(|mark| mark.epoch)
    }

    /// Whether there is a yes to take back, in force or about to be: its narrowing was interrupted.
    pub(crate) fn has_yes(&self, scope: &str) -> bool {
        self.in_force(scope).is_some() || self.narrowed.as_ref().is_some_and(|(narrowed, _)| narrowed == scope)
    }

    pub(crate) fn is_revoked(&self, scope: &str) -> bool {
        self.revoked.contains_key(scope)
    }

    /// Whether an interrupted decision left something to finish.
    pub(crate) fn is_whole(&self) -> bool {
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

/// See [`Ledger::fingerprint`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) snapshot: Option<Vec<u8>>,
    marks: Option<((u64, u64, i64), u64)>,
    ledger: Option<((u64, u64, i64), u64)>,
    revoked: Vec<String>,
    exposed: bool,
}

/// The lock that serialises decisions over all processes; released when dropped.
pub(crate) struct Held(#[allow(dead_code, reason = "held for its lock")] Box<dyn Handle>);

/// A narrowing whose snapshot is in force and whose line has yet to be appended.
#[derive(Debug)]
#[must_use]
pub(crate) struct Narrowing {
    pub(crate) line: Line,
    pub(crate) entry: Entry,
    /// Whether the snapshot was read back, and says so.
    pub(crate) is_read_back: bool,
}

/// The names in the two directories, and which of these can't be used, and why.
type Listed<'l> = ([Vec<String>; 2], Option<(&'l Path, &'static str)>);

/// The files of one store.
#[derive(Clone)]
pub(crate) struct Ledger {
    pub(crate) files: Files,
    pub(crate) store: PathBuf,
    pub(crate) marks: PathBuf,
    pub(crate) application: String,
    ambient: Ambient,
    /// The store in which this process found a snapshot: from then on another one at that path, or none, is not the store.
    opened: Arc<Mutex<Option<Opened>>>,
    /// The id that a store gets which has none: one, however many decisions fail before it is written.
    drawn: Arc<Mutex<Option<String>>>,
}

/// How a store is known again.
#[derive(Debug, Default)]
struct Opened {
    /// Its directory.
    node: Option<Node>,
    /// Its id, once it has one.
    id: Option<String>,
    /// Each scope's highest epoch that its snapshot had: one that says less is an older copy.
    epochs: BTreeMap<String, u64>,
}

impl Ledger {
    pub(crate) fn new(files: Files, store: PathBuf, marks: PathBuf, application: String, ambient: Ambient) -> Self {
        Ledger { files, store, marks, application, ambient, opened: Arc::default(), drawn: Arc::default() }
    }

    pub(crate) fn was_opened(&self) -> bool {
        self.opened.lock().is_some()
    }

    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    pub(crate) fn application(&self) -> &str {
        &self.application
    }

    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    pub(crate) fn snapshot_path(&self) -> PathBuf {
        self.store.join("consent")
    }

    pub(crate) fn ledger_path(&self) -> PathBuf {
        self.store.join("ledger.jsonl")
    }

    pub(crate) fn marks_path(&self) -> PathBuf {
        self.marks.join("high")
    }

    fn contract_path(&self, digest: &str) -> PathBuf {
        self.texts().join(digest)
    }

    /// Where contracts and notices are kept.
    fn texts(&self) -> PathBuf {
        self.store.join("contracts")
    }

    /// What changes whenever anything that decides changes: the snapshot's bytes, the other two files, the tombstones,
    /// and whether the directories are still only ours.
    pub(crate) fn fingerprint(&self) -> Result<Fingerprint, Failed> {
        let version = |path: &Path| match self.look(path, self.files.examine(path))? {
            Seen::Read(stat) => Ok(Some((stat.version, stat.len))),
            Seen::Absent | Seen::Refused => Ok::<_, Failed>(None),
        };
        let snapshot = match self.look(&self.snapshot_path(), self.snapshot_bytes())? {
            Seen::Read(bytes) => bytes,
            // What can't be used is nobody's yes.
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

    /// Names the path of a look that failed.
    pub(crate) fn look<T>(&self, path: &Path, look: Look<T>) -> Result<Seen<T>, Failed> {
        look.seen().map_err(|error| Failed::of(path, error))
    }

    /// The names in one of the two directories. None where there is no such directory; whether it is one that may be used
    /// is judged elsewhere.
    pub(crate) fn names(&self, directory: &Path) -> Result<Vec<String>, Failed> {
        Ok(match self.look(directory, self.files.children(directory))? {
            Seen::Read(names) => names,
            // The store was there: without its names nobody can tell what is not in it.
            Seen::Absent if directory == self.store && self.was_opened() && !mutants::on(Mutant::MovedIsNothing) => {
                return Err(Failed::of(directory, io::ErrorKind::NotFound.into()));
            }
            Seen::Absent | Seen::Refused => Vec::new(),
        })
    }

    /// A file of one of the two directories. One that is listed there and can't be found is none that is absent.
    pub(crate) fn document(&self, names: &[String], path: &Path, most: u64) -> Result<Seen<Vec<u8>>, Failed> {
        let seen = self.look(path, self.files.contents(path, most))?;
        let is_listed = || path.file_name().is_some_and(|name| names.iter().any(|listed| name == listed.as_str()));
        if matches!(seen, Seen::Absent) && is_listed() {
            return Err(Failed::of(path, io::ErrorKind::NotFound.into()));
        }
        Ok(seen)
    }

    /// What is wrong with the two directories, if anything is. A store that is not the one this process opened (the directory
    /// was moved, replaced or removed, or the path leads elsewhere by now) is a look that failed: nobody knows what became of
    /// the other one.
    fn judge_directories(&self) -> Result<Option<&'static str>, Failed> {
        let mut wrong = None;
        for dir in [&self.store, &self.marks] {
            wrong = wrong.or(self.judge(dir, &self.look(dir, self.files.examine(dir))?)?);
        }
        Ok(wrong)
    }

    /// What such a file that was not read stands for: damage where it is larger than candor makes it, and else nothing.
    fn unread(&self, which: usize, path: PathBuf, most: u64) -> Result<Records, Failed> {
        let say = |words: [&'static str; 3]| words.get(which).copied().unwrap_or(NOT_READ);
        Ok(match self.is_too_large(&path, most)? {
            true => Records::Closed(say(TOO_LARGE)),
            false => Records::Refused(path, say(REFUSED)),
        })
    }

    /// The same of one of them, which was examined.
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

    /// The names in the two directories, each as for [`names`](Ledger::names), and what is wrong with them, if anything is.
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

    /// The store in which a snapshot was found is the one that this process goes by.
    fn remember(&self) -> Result<(), Failed> {
        if self.was_opened() {
            return Ok(());
        }
        match self.look(&self.store, self.files.examine(&self.store))? {
            Seen::Read(stat) => self.opened.lock().get_or_insert_default().node = stat.node,
            // A snapshot was read in it a moment ago.
            Seen::Absent => return Err(Failed::of(&self.store, io::ErrorKind::NotFound.into())),
            Seen::Refused => {}
        }
        Ok(())
    }

    /// Whether a snapshot is of the store that this process opened, as far as its id tells.
    fn is_own(&self, snapshot: &Snapshot) -> bool {
        let opened = self.opened.lock();
        let id = opened.as_ref().and_then(|opened| opened.id.as_ref());
        id.is_none() || id == snapshot.store.as_ref() || mutants::on(Mutant::AnotherIdPasses)
    }

    /// Goes by the id of the store from now on, and by what is known of its scopes. Answers each one's highest epoch.
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

    /// Fails where what stands at the path is known to be another store than the one that this process opened, or none. What
    /// can't be looked at is not.
    pub(crate) fn is_there(&self) -> Result<(), Error> {
        if self.was_opened()
            && let Look::Read(bytes) = self.snapshot_bytes()
            && self.parse(&bytes).is_some_and(|snapshot| !self.is_own(&snapshot))
        {
            return Err(self.another().into());
        }
        if self.is_at_its_place() { Ok(()) } else { Err(self.another().into()) }
    }

    /// The same as far as the directory tells, whatever is in it.
    pub(crate) fn is_at_its_place(&self) -> bool {
        let opened = self.opened.lock().as_ref().map(|opened| opened.node);
        let Some(node) = opened.filter(|_| !mutants::on(Mutant::MovedIsNothing)) else { return true };
        match self.files.examine(&self.store) {
            Look::Read(stat) => stat.node == node,
            Look::Absent => false,
            Look::Refused(_) | Look::Failed(_) => true,
        }
    }

    /// Whether another directory stands where this process opened its store, with an older copy of the same store in it.
    pub(crate) fn is_replaced_by_older(&self) -> Result<bool, Failed> {
        if self.is_at_its_place() {
            return Ok(false);
        }
        Ok(!self.decided_since()?.is_empty())
    }

    /// What this process knows was decided since the copy of its store that stands there was made: scopes and epochs. Nothing
    /// where it is no copy of it, as far as ids tell.
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

    /// Raises the marks of what was decided since to what this process knows.
    pub(crate) fn mark_known(&self, held: &Held) -> Result<(), Error> {
        let _ = held;
        for (scope, epoch) in self.decided_since()? {
            self.raise_mark(&scope, epoch, false)?;
        }
        Ok(())
    }

    /// The id of a store that goes on, or one that is new. Where there is no entropy it has none, as older ones have.
    pub(crate) fn id(&self, known: Option<String>) -> Option<String> {
        let opened = || self.opened.lock().as_ref().and_then(|opened| opened.id.clone());
        known.or_else(opened).or_else(|| {
            let mut drawn = self.drawn.lock();
            if drawn.is_none() {
                *drawn = self.ambient.random_hex::<16>().ok();
            }
            drawn.clone()
        })
    }

    /// The highest epoch that this process ever saw.
    pub(crate) fn highest_known(&self) -> u64 {
        let opened = self.opened.lock();
        opened.as_ref().and_then(|opened| opened.epochs.values().max().copied()).unwrap_or(0)
    }

    /// The id of the store that this process opened, if that is known.
    pub(crate) fn own_id(&self) -> Option<String> {
        self.opened.lock().as_ref().and_then(|opened| opened.id.clone())
    }

    /// Fails where nothing can be kept at all.
    pub(crate) fn is_usable(&self) -> Result<(), Error> {
        self.files.barred().map_or(Ok(()), |why| Err(Kind::Barred { why }.into()))
    }

    /// Makes both directories, or says which one can't be used.
    pub(crate) fn make_directories(&self) -> Result<(), Error> {
        self.is_usable()?;
        if self.was_opened() {
            // Where the store is gone that was there before none is made in its place.
            self.judge_directories()?;
        }
        for dir in [&self.store, &self.marks] {
            self.files.own_root(dir).at("use the directory", dir)?;
        }
        Ok(())
    }

    /// The bytes of the snapshot, for a look that costs one read.
    pub(crate) fn snapshot_bytes(&self) -> Look<Vec<u8>> {
        self.files.contents(&self.snapshot_path(), SNAPSHOT_MOST)
    }

    /// Whether a snapshot is there, or nobody knows: one that was there before and is not now may be there again in a moment.
    pub(crate) fn may_hold_decisions(&self) -> bool {
        self.was_opened() || !matches!(self.snapshot_bytes(), Look::Absent)
    }

    /// Whether the snapshot alone says that this scope is open under this generation and epoch. Anything odd is no, and so is
    /// a look that fails: whoever asks waits for the next one.
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

    /// Whether a yes stands in the history, as its last line, that is not in the snapshot: it never came into force, or has yet to.
    pub(crate) fn is_ahead(&self, last: &Line) -> Result<bool, Failed> {
        let seen = self.look(&self.snapshot_path(), self.snapshot_bytes())?;
        let snapshot = if let Seen::Read(bytes) = seen { self.parse(&bytes) } else { None };
        Ok(snapshot.is_some_and(|snapshot| snapshot.head == last.previous))
    }

    pub(crate) fn parse(&self, bytes: &[u8]) -> Option<Snapshot> {
        let snapshot: Snapshot = serde_json::from_str(disk::unseal("consent", bytes)?).ok()?;
        (snapshot.application == self.application).then_some(snapshot)
    }

    /// Reads and compares all three files. Writes nothing.
    ///
    /// # Errors
    /// A look failed. Whatever else was seen says nothing then.
    pub(crate) fn read(&self) -> Result<Records, Failed> {
        self.read_after(&Fingerprint::default())
    }

    /// The same a moment after something was seen there. What was there then and is not now was not looked at: nobody would look
    /// again, since nothing changes when it is there again.
    ///
    /// # Errors
    /// As for [`read`](Ledger::read).
    pub(crate) fn read_after(&self, seen: &Fingerprint) -> Result<Records, Failed> {
        // A decision of another process may fall between two reads; then the next look sees it whole. So only what was found
        // twice, under the same snapshot, can't be relied on.
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

    /// One look. Tells the bytes of the snapshot by which it judges.
    fn read_once(&self, before: &Fingerprint, by: &mut Option<Vec<u8>>) -> Result<Records, Failed> {
        // All is looked at before anything is judged: what looks damaged beside a look that failed may be sound.
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
        // A directory that does not list a file which was read in it was not seen as it is: a tombstone may be in it as well.
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
                // Nothing was decided but what tombstones say, and they hold until they are written down.
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

    /// Records that hold no decision but that of tombstones.
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

    /// What the files say together that were all read.
    fn compare(
        &self,
        snapshot: Option<Snapshot>,
        marks: Option<Marks>,
        ledger: Option<Vec<u8>>,
        revoked: Revoked,
    ) -> Records {
        let Some(snapshot) = snapshot else { return Records::Closed("the snapshot is damaged") };
        // One line may have yet to be appended.
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
        // The snapshot of a narrowing goes before its mark. A mark that is older than the history was put back.
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

    /// Takes the lock, or `None` when another process keeps it for longer than `wait`.
    pub(crate) fn lock_within(&self, wait: Duration, clock: impl Fn() -> Instant) -> Result<Option<Held>, Error> {
        self.is_usable()?;
        let path = self.lock_path();
        Ok(self.files.lock_within(&path, wait, clock).at("lock", &path)?.map(Held))
    }

    pub(crate) fn lock_path(&self) -> PathBuf {
        self.store.join("consent.lock")
    }

    /// What of the history can be read, oldest first.
    pub(crate) fn history(&self) -> Result<History, Failed> {
        // That of another store, or of none, says nothing of what was decided in this one.
        self.judge_directories()?;
        let path = self.ledger_path();
        Ok(match self.document(&self.names(&self.store)?, &path, LEDGER_MOST)? {
            // Whether there was one is known by what stands beside it.
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

    /// Records a grant: ledger, then mark, then whatever must exist before the scope opens, then the snapshot.
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
            // Interrupted later on, the ledger is then one line ahead of a snapshot that says nothing, as after every
            // other grant; without one it could not be told from a store whose snapshot was removed.
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
            // It took its place, whatever was said of it.
            Err(_) if self.stands(&snapshot) => {}
            placed => placed?,
        }
        // Seen by everyone from here on, so that the answer is yes, whether it can be read back now or not. Where only its
        // directory could not be made durable a power cut errs to no.
        let _ = self.files.sync_parent(&path);
        let _ = held;
        Ok(line)
    }

    /// Records what closes or narrows a scope, snapshot first: in force when this returns. A scope that stays open is closed until
    /// its mark is raised as well; interrupted in between, that is done by whoever mends. Where the snapshot is not taken nothing
    /// has changed.
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
            // Replaced, and only its directory could not be made durable: a power cut errs to no where it narrows, and to a
            // yes where it ends one, for which a tombstone stands then.
            if !(line.decision.opens() && self.stands(&snapshot)) {
                return Err(error);
            }
        }
        let _ = held;
        let is_read_back = self.stands(&snapshot);
        Ok(Narrowing { line, entry, is_read_back })
    }

    /// Whether the snapshot on disk is this one, read back.
    fn stands(&self, snapshot: &Snapshot) -> bool {
        matches!(self.snapshot_bytes(), Look::Read(bytes) if bytes == sealed(snapshot))
    }

    /// Appends the line of a narrowing and raises its mark. The decision is in force whether this succeeds or not.
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

    /// When the question about a scope was last shown. One whose note is damaged was shown, nobody knows when.
    pub(crate) fn shown(&self, scope: &str) -> Result<Option<Shown>, Failed> {
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

    pub(crate) fn note_shown(&self, held: &Held, scope: &str, shown: &Shown) -> Result<(), Error> {
        let _ = held;
        let path = self.shown_path(scope);
        self.files.replace(&path, &disk::seal("shown", &canonical(&serde_json::json!(shown)))).at("write", &path)
    }

    pub(crate) fn forget_shown(&self, scope: &str) -> io::Result<()> {
        self.files.remove_with_unfinished(&self.shown_path(scope))
    }

    /// The two directories.
    pub(crate) fn places(&self) -> [&Path; 2] {
        [&self.store, &self.marks]
    }

    /// Whether what a decision reads and writes lets itself be read and written, as far as looks tell: whatever is asked where
    /// that is not so is asked for nothing. Changes nothing.
    ///
    /// # Errors
    /// What stands in the way.
    pub(crate) fn may_decide(&self, scope: &str) -> Result<(), Error> {
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

    /// Whether one of the two directories is there, or may be.
    pub(crate) fn has_directories(&self) -> bool {
        [&self.store, &self.marks].iter().any(|path| !matches!(self.files.examine(path), Look::Absent))
    }

    /// Keeps a contract or a notice under its digest, once.
    pub(crate) fn keep_text(&self, digest: &str, text: &str) -> Result<(), Error> {
        if self.may_keep_text(digest, text)? {
            return Ok(());
        }
        let (path, dir) = (self.contract_path(digest), self.texts());
        self.files.own_dir(&dir).at("use the directory", &dir)?;
        self.files.replace(&path, text.as_bytes()).at("write", &path)
    }

    /// Whether it is kept already. Changes nothing.
    ///
    /// # Errors
    /// It can't be kept.
    pub(crate) fn may_keep_text(&self, digest: &str, text: &str) -> Result<bool, Error> {
        let path = self.contract_path(digest);
        if self.text(digest)?.is_some() {
            return Ok(true);
        }
        if let Some(path) = self.unread_text(digest)? {
            return Err(not_read(&path));
        }
        if text.len() as u64 > TEXT_MOST {
            // What can't be read back can't be compared, and would be agreed to for nothing.
            return Err(Kind::Store { path, why: "it keeps no contract or notice of more than 512 KiB" }.into());
        }
        self.files.may_replace(&path).at("write", &path)?;
        Ok(false)
    }

    /// A contract or notice kept earlier; `None` unless its bytes still have that digest.
    pub(crate) fn text(&self, kept: &str) -> Result<Option<String>, Failed> {
        let path = self.contract_path(kept);
        Ok(match self.look(&path, self.files.contents(&path, TEXT_MOST))? {
            Seen::Read(bytes) => (digest(&bytes) == kept).then(|| String::from_utf8(bytes).ok()).flatten(),
            // One that is listed and can't be found is none that is absent.
            Seen::Absent if self.names(&self.store.join("contracts"))?.iter().any(|name| name == kept) => {
                return Err(Failed::of(&path, io::ErrorKind::NotFound.into()));
            }
            Seen::Absent | Seen::Refused => None,
        })
    }

    /// The place of a contract or notice that is there and was seen and not read: it is neither missing nor damaged.
    fn unread_text(&self, digest: &str) -> Result<Option<PathBuf>, Failed> {
        let path = self.contract_path(digest);
        let is_refused = matches!(self.look(&path, self.files.contents(&path, TEXT_MOST))?, Seen::Refused);
        Ok((is_refused && !self.is_too_large(&path, TEXT_MOST)?).then_some(path))
    }

    /// The same of what was agreed to.
    pub(crate) fn unread_of(&self, entry: &Entry) -> Result<Option<Error>, Failed> {
        for digest in [&entry.contract, &entry.notice].into_iter().flatten() {
            if let Some(path) = self.unread_text(digest)? {
                return Ok(Some(not_read(&path)));
            }
        }
        Ok(None)
    }

    /// The contract that was agreed to, if it and its notice are there as they were. Asked even where this build would say
    /// the same words: what a person agreed to must be there to be read.
    pub(crate) fn agreed(&self, entry: &Entry) -> Result<Option<String>, Failed> {
        let text = |digest: &Option<String>| digest.as_deref().map_or(Ok(None), |digest| self.text(digest));
        let (notice, contract) = (text(&entry.notice)?, text(&entry.contract)?);
        Ok(contract.filter(|_| notice.is_some()))
    }

    /// The history, to add a line to; none where there is none yet.
    fn open_history(&self) -> Result<Option<Box<dyn Handle>>, Error> {
        let path = self.ledger_path();
        match self.files.stat(&path).at("look at", &path)? {
            Some(_) => self.files.append(&path).at("open", &path).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn append(&self, line: &Line) -> Result<(), Error> {
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

    pub(crate) fn write_snapshot(&self, snapshot: &Snapshot) -> Result<(), Error> {
        let path = self.snapshot_path();
        self.files.replace(&path, &sealed(snapshot)).at("write", &path)
    }

    fn next(&self, sound: Option<&Sound>, statement: Statement<'_>, now: Time) -> (Line, Snapshot, Entry) {
        let old = sound.and_then(|sound| sound.entry(statement.scope));
        let mark = sound.and_then(|sound| sound.mark(statement.scope).max(sound.known.get(statement.scope).copied()));
        let mark = mark.unwrap_or(0);
        // Where nothing is known the time stands in, so that an epoch is not given twice even if everything was lost.
        let grown = old.map_or(now.0, |entry| entry.epoch).max(mark).saturating_add(1);
        let stays = old.filter(|old| old.decision.opens() && statement.decision == Decision::Kept);
        // A decision that changes nothing keeps the epoch, and with it what waits.
        let epoch = stays.map_or(grown, |entry| entry.epoch);
        let kept = old.filter(|_| matches!(statement.decision, Decision::Narrowed | Decision::Kept));
        let previous = sound.map_or(GENESIS.to_owned(), |sound| sound.snapshot.head.clone());
        // A first grant starts where nothing lies; whatever follows something open starts in new directories.
        let generation = match old {
            Some(entry) if stays.is_some() => entry.generation,
            Some(entry) if !entry.decision.opens() && statement.decision == Decision::Granted => entry.generation,
            _ => epoch,
        };
        let mut details = match (statement.details, kept) {
            (Some(details), _) => details,
            (None, Some(kept)) => kept.details.clone(),
            // What somebody else ended, or the calendar, takes none of the person's own noes with it.
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

/// A snapshot as it stands on disk.
pub(crate) fn sealed(snapshot: &Snapshot) -> Vec<u8> {
    disk::seal("consent", &canonical(&serde_json::json!(snapshot)))
}
