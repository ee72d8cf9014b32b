//! Two files say who agreed to what: `consent`, a small snapshot that gates, and `ledger.jsonl`, the history, whose
//! lines are chained by hash. A third, `high`, in another directory, keeps each scope's [mark](super::mark).
//!
//! A grant is written ledger first, a withdrawal snapshot first, and what holds is the meet of the two: an interruption
//! anywhere errs to no. Everything read here is untrusted. This file stores and checks; what a decision means for the
//! program is not its matter.

use super::{
    contract::{canonical, digest},
    line::{Besides, Decision, GENESIS, Line, chain, says_nothing},
    mark::Marks,
};
use crate::{
    ambient::{Day, Time},
    disk::{self, Files, Handle},
    error::{At, Error, Kind},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// More scopes and words than any program has.
pub(super) const SNAPSHOT_MOST: u64 = 128 << 10;
/// The largest contract or notice that is kept: several times what the most events a program has would need.
const TEXT_MOST: u64 = 512 << 10;
/// Some twenty thousand decisions.
pub(super) const LEDGER_MOST: u64 = 8 << 20;
/// How long a decision waits for another one to be written.
///
/// Longer than a withdrawal may take to be confirmed, so that two at once do not fall back on a tombstone.
pub(super) const LOCK_WAIT: Duration = Duration::from_millis(1_500);

/// The state that gates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Snapshot {
    pub(super) application: String,
    /// The hash of the ledger's last line, counting `pending` as appended.
    pub(super) head: String,
    /// The hash before it.
    pub(super) previous: String,
    /// How many lines the ledger has, counting `pending`.
    pub(super) lines: u64,
    /// The line that a withdrawal or a refusal appends after this snapshot.
    pub(super) pending: Option<Line>,
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
    #[serde(default, skip_serializing_if = "says_nothing")]
    pub(crate) besides: Besides,
    /// The number of the ledger's line that says so.
    pub(crate) line: u64,
}

impl Entry {
    /// When the yes that is in force was given: narrowing or keeping one does not make it younger.
    pub(super) fn given(&self) -> &str {
        self.besides.given.as_deref().unwrap_or(&self.at)
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
    pub(crate) besides: Option<Besides>,
}

impl<'a> Statement<'a> {
    /// A decision and no more.
    pub(super) fn of(scope: &'a str, decision: Decision) -> Self {
        Statement {
            scope,
            decision,
            contract: None,
            notice: None,
            language: None,
            via: None,
            until: None,
            besides: None,
        }
    }
}

/// The language of the notice that a yes is about.
#[derive(Debug, Clone)]
pub(crate) struct NoticeLanguage {
    pub(crate) tag: String,
    /// Whether the person picked it.
    pub(crate) picked: bool,
}

/// What the files say together.
#[derive(Debug, Clone)]
pub(crate) enum Records {
    /// Nobody was ever asked.
    Nothing,
    /// The files agree.
    Sound(Box<Sound>),
    /// They don't, and every scope is closed.
    Closed(&'static str),
}

#[derive(Debug, Clone)]
pub(crate) struct Sound {
    pub(crate) snapshot: Snapshot,
    pub(super) marks: Marks,
    /// A grant stands in the ledger that never came into force.
    pub(super) ahead: bool,
    /// A withdrawal stands in the snapshot whose line is not in the ledger yet.
    pub(super) behind: bool,
    /// The ledger ends in half a line; this is its length without it.
    pub(super) torn: Option<u64>,
    /// Scopes that were withdrawn when nothing could be written but a tombstone.
    pub(super) revoked: BTreeSet<String>,
    /// Each scope's highest epoch in the history.
    pub(super) told: BTreeMap<String, u64>,
}

impl Sound {
    pub(crate) fn entry(&self, scope: &str) -> Option<&Entry> {
        self.snapshot.scopes.get(scope)
    }

    /// The entry of a scope that is granted, with the high-water mark that belongs to it.
    pub(crate) fn in_force(&self, scope: &str) -> Option<&Entry> {
        self.entry(scope).filter(|entry| {
            entry.decision.opens() && self.mark(scope) == Some(entry.epoch) && !self.revoked.contains(scope)
        })
    }

    /// Whether something was decided about a scope that these records don't hold: they were put back from before.
    pub(super) fn is_outdated(&self, scope: &str) -> bool {
        let known = self.entry(scope).map(|entry| entry.epoch).max(self.told.get(scope).copied());
        self.mark(scope) > known
    }

    /// The latest day on which the yes of a scope was in use.
    pub(super) fn latest(&self, scope: &str) -> Option<Day> {
        self.marks.get(scope)?.latest()
    }

    /// The highest epoch that a scope ever had.
    pub(super) fn mark(&self, scope: &str) -> Option<u64> {
        self.marks.get(scope).map(|mark| mark.epoch)
    }

    pub(crate) fn is_revoked(&self, scope: &str) -> bool {
        self.revoked.contains(scope)
    }

    /// Whether an interrupted decision left something to finish.
    pub(super) fn is_whole(&self) -> bool {
        let marked = |(scope, entry): (&String, &Entry)| {
            entry.decision.opens() || self.mark(scope).is_some_and(|mark| mark >= entry.epoch)
        };
        !self.ahead
            && !self.behind
            && self.torn.is_none()
            && self.revoked.is_empty()
            && self.snapshot.scopes.iter().all(marked)
    }
}

/// See [`Ledger::fingerprint`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) snapshot: Option<Vec<u8>>,
    marks: Option<((u64, u64, i64), u64)>,
    ledger: Option<((u64, u64, i64), u64)>,
    revoked: BTreeSet<String>,
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
}

/// The files of one store.
#[derive(Clone)]
pub(crate) struct Ledger {
    pub(super) files: Files,
    pub(super) store: PathBuf,
    pub(super) marks: PathBuf,
    pub(super) application: String,
}

impl Ledger {
    pub(crate) fn new(files: Files, store: PathBuf, marks: PathBuf, application: String) -> Self {
        Ledger { files, store, marks, application }
    }

    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    pub(super) fn application(&self) -> &str {
        &self.application
    }

    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    pub(crate) fn snapshot_path(&self) -> PathBuf {
        self.store.join("consent")
    }

    pub(super) fn ledger_path(&self) -> PathBuf {
        self.store.join("ledger.jsonl")
    }

    pub(super) fn marks_path(&self) -> PathBuf {
        self.marks.join("high")
    }

    fn contract_path(&self, digest: &str) -> PathBuf {
        self.store.join("contracts").join(digest)
    }

    /// What changes whenever anything that decides changes: the snapshot's bytes, the other two files, the tombstones,
    /// and whether the directories are still only ours.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let version = |path: &Path| self.files.stat(path).ok().flatten().map(|stat| (stat.version, stat.len));
        let exposed = |path: &Path| self.files.stat(path).ok().flatten().is_some_and(|stat| stat.exposed.is_some());
        let Ok(Some(snapshot)) = self.snapshot_bytes() else { return Fingerprint::default() };
        Fingerprint {
            snapshot: Some(snapshot),
            marks: version(&self.marks_path()),
            ledger: version(&self.ledger_path()),
            revoked: self.revoked(),
            exposed: exposed(&self.store) || exposed(&self.marks),
        }
    }

    /// The file whose lock says that a connection may be open for this scope.
    pub(crate) fn life_path(&self, scope: &str) -> PathBuf {
        self.store.join(format!("{scope}.life"))
    }

    /// Fails where nothing can be kept at all.
    pub(super) fn is_usable(&self) -> Result<(), Error> {
        self.files.barred().map_or(Ok(()), |why| Err(Kind::Barred { why }.into()))
    }

    /// Makes both directories, or says which one can't be used.
    pub(crate) fn make_directories(&self) -> Result<(), Error> {
        self.is_usable()?;
        for dir in [&self.store, &self.marks] {
            self.files.own_dir(dir).at("use the directory", dir)?;
        }
        Ok(())
    }

    /// The bytes of the snapshot, for a look that costs one read.
    pub(crate) fn snapshot_bytes(&self) -> io::Result<Option<Vec<u8>>> {
        self.files.read_if_there(&self.snapshot_path(), SNAPSHOT_MOST)
    }

    /// Whether the snapshot alone says that this scope is open under this generation and epoch. Anything odd is no.
    pub(crate) fn snapshot_allows(&self, scope: &str, generation: u64, epoch: u64) -> bool {
        let Ok(Some(bytes)) = self.snapshot_bytes() else { return false };
        let Some(snapshot) = self.parse(&bytes) else { return false };
        if self.tombstones(scope).iter().any(|path| !matches!(self.files.stat(path), Ok(None))) {
            return false;
        }
        snapshot
            .scopes
            .get(scope)
            .is_some_and(|entry| entry.decision.opens() && entry.generation == generation && entry.epoch == epoch)
    }

    pub(super) fn parse(&self, bytes: &[u8]) -> Option<Snapshot> {
        let snapshot: Snapshot = serde_json::from_str(disk::unseal("consent", bytes)?).ok()?;
        (snapshot.application == self.application).then_some(snapshot)
    }

    /// Reads and compares all three files. Writes nothing.
    pub(crate) fn read(&self) -> Records {
        // A decision of another process may fall between two reads; then the second look sees it whole.
        for _ in 0..3 {
            let before = self.snapshot_bytes().ok();
            let records = self.read_once();
            if !matches!(records, Records::Closed(_)) || self.snapshot_bytes().ok() == before {
                return records;
            }
        }
        self.read_once()
    }

    fn read_once(&self) -> Records {
        for dir in [&self.store, &self.marks] {
            match self.files.stat(dir) {
                Ok(None) => {}
                Ok(Some(stat)) if stat.kind == disk::StatKind::Dir && stat.exposed.is_none() => {}
                _ => return Records::Closed("its directory is not one that only you can open"),
            }
        }
        let Ok(snapshot) = self.snapshot_bytes() else { return Records::Closed("the snapshot can't be read") };
        let Ok(marks) = self.read_marks() else { return Records::Closed("the high-water marks can't be read") };
        let Ok(ledger) = self.files.read_if_there(&self.ledger_path(), LEDGER_MOST) else {
            return Records::Closed("the ledger can't be read");
        };
        let Some(bytes) = snapshot else {
            let nothing = marks.is_none() && ledger.is_none_or(|bytes| bytes.is_empty());
            return if nothing { Records::Nothing } else { Records::Closed("the snapshot is missing") };
        };
        let Some(snapshot) = self.parse(&bytes) else { return Records::Closed("the snapshot is damaged") };
        let Some((lines, torn)) = chain(&ledger.unwrap_or_default()) else {
            return Records::Closed("the ledger's chain is broken");
        };
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
        let mut open: BTreeMap<&str, (u64, &Option<String>, &Besides)> = BTreeMap::new();
        for line in told {
            match line.decision {
                decision if decision.opens() => open.insert(&line.scope, (line.epoch, &line.until, &line.besides)),
                _ => open.remove(line.scope.as_str()),
            };
        }
        let agrees = |(scope, entry): (&String, &Entry)| {
            let says = (entry.epoch, &entry.until, &entry.besides);
            !entry.decision.opens() || open.get(scope.as_str()) == Some(&says)
        };
        if !snapshot.scopes.iter().all(agrees) {
            return Records::Closed("the snapshot says more than the ledger");
        }
        let mut highest: BTreeMap<String, u64> = BTreeMap::new();
        for line in &lines {
            let epoch = highest.entry(line.scope.clone()).or_default();
            *epoch = line.epoch.max(*epoch);
        }
        Records::Sound(Box::new(Sound {
            told: highest,
            snapshot,
            marks: marks.unwrap_or_default(),
            ahead,
            behind,
            torn,
            revoked: self.revoked(),
        }))
    }

    /// Takes the lock, or `None` when another process keeps it for too long.
    pub(crate) fn lock(&self, clock: impl Fn() -> Instant) -> Result<Option<Held>, Error> {
        self.lock_within(LOCK_WAIT, clock)
    }

    /// The same, with another patience.
    pub(super) fn lock_within(&self, wait: Duration, clock: impl Fn() -> Instant) -> Result<Option<Held>, Error> {
        self.is_usable()?;
        let path = self.lock_path();
        Ok(self.files.lock_within(&path, wait, clock).at("lock", &path)?.map(Held))
    }

    pub(super) fn lock_path(&self) -> PathBuf {
        self.store.join("consent.lock")
    }

    pub(crate) fn lock_or_fail(&self, clock: impl Fn() -> Instant) -> Result<Held, Error> {
        self.lock(clock)?.ok_or_else(|| Kind::Locked { path: self.lock_path() }.into())
    }

    /// Every sound line of the history, oldest first, and whether the chain holds to its end.
    pub(crate) fn history(&self) -> (Vec<Line>, bool) {
        match self.files.read_if_there(&self.ledger_path(), LEDGER_MOST) {
            Ok(None) => (Vec::new(), true),
            Ok(Some(bytes)) => match chain(&bytes) {
                Some((lines, torn)) => (lines, torn.is_none()),
                None => (Vec::new(), false),
            },
            Err(_) => (Vec::new(), false),
        }
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
        self.append(&line)?;
        self.mark_grant(&line.scope, line.epoch, now.day()).at("write", &self.marks_path())?;
        before_opening(line.epoch)?;
        snapshot.pending = None;
        snapshot.scopes.insert(line.scope.clone(), entry);
        match self.write_snapshot(&snapshot) {
            // Seen by everyone, and only its directory could not be made durable: a power cut errs to no.
            Err(_) if self.snapshot_bytes().is_ok_and(|bytes| bytes.as_deref() == Some(&*sealed(&snapshot))) => {}
            written => written?,
        }
        let _ = held;
        Ok(line)
    }

    /// Records what closes or narrows a scope, snapshot first: in force when this returns.
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
        if line.decision.opens() {
            // A scope that stays open needs its mark before its snapshot; until then it is closed.
            self.raise_mark(&line.scope, line.epoch, true).at("write", &self.marks_path())?;
        }
        self.write_snapshot(&snapshot)?;
        let _ = held;
        Ok(Narrowing { line, entry })
    }

    /// Appends the line of a narrowing and raises its mark. The decision is in force whether this succeeds or not.
    pub(crate) fn finish(&self, held: &Held, narrowing: &Narrowing) -> Result<(), Error> {
        let _ = held;
        let line = &narrowing.line;
        let marked = self.raise_mark(&line.scope, line.epoch, line.decision.opens()).at("write", &self.marks_path());
        self.append(line)?;
        marked
    }

    /// Keeps a contract or a notice under its digest, once.
    pub(crate) fn keep_text(&self, digest: &str, text: &str) -> Result<(), Error> {
        let path = self.contract_path(digest);
        if self.text(digest).is_some() {
            return Ok(());
        }
        if text.len() as u64 > TEXT_MOST {
            // What can't be read back can't be compared, and would be agreed to for nothing.
            return Err(Kind::Store { path, why: "it keeps no contract or notice of more than 512 KiB" }.into());
        }
        let dir = self.store.join("contracts");
        self.files.own_dir(&dir).at("use the directory", &dir)?;
        self.files.replace(&path, text.as_bytes()).at("write", &path)
    }

    /// A contract or notice kept earlier; `None` unless its bytes still have that digest.
    pub(crate) fn text(&self, kept: &str) -> Option<String> {
        let bytes = self.files.read_if_there(&self.contract_path(kept), TEXT_MOST).ok()??;
        (digest(&bytes) == kept).then(|| String::from_utf8(bytes).ok()).flatten()
    }

    /// The contract that was agreed to, if it and its notice are there as they were. Asked even where this build would say
    /// the same words: what a person agreed to must be there to be read.
    pub(super) fn agreed(&self, entry: &Entry) -> Option<String> {
        self.text(entry.notice.as_deref()?)?;
        self.text(entry.contract.as_deref()?)
    }

    pub(super) fn append(&self, line: &Line) -> Result<(), Error> {
        let path = self.ledger_path();
        let there = self.files.stat(&path).at("look at", &path)?.is_some();
        let mut file = if there { self.files.append(&path) } else { self.files.create(&path) }.at("open", &path)?;
        file.write_all(line.text().as_bytes()).and_then(|()| file.sync()).at("write", &path)?;
        if !there {
            self.files.sync_parent(&path).at("write", &path)?;
        }
        Ok(())
    }

    pub(super) fn write_snapshot(&self, snapshot: &Snapshot) -> Result<(), Error> {
        let path = self.snapshot_path();
        self.files.replace(&path, &sealed(snapshot)).at("write", &path)
    }

    fn next(&self, sound: Option<&Sound>, statement: Statement<'_>, now: Time) -> (Line, Snapshot, Entry) {
        let old = sound.and_then(|sound| sound.entry(statement.scope));
        let mark = sound.and_then(|sound| sound.mark(statement.scope)).unwrap_or(0);
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
        let mut besides = statement.besides.or_else(|| Some(kept?.besides.clone())).unwrap_or_default();
        besides.given = kept.filter(|old| old.decision.opens()).map(|old| old.given().to_owned());
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
            besides,
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
            besides: line.besides.clone(),
            line: line.line,
        };
        let snapshot = Snapshot {
            application: self.application.clone(),
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
pub(super) fn sealed(snapshot: &Snapshot) -> Vec<u8> {
    disk::seal("consent", &canonical(&serde_json::json!(snapshot)))
}
