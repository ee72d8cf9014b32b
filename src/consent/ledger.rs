//! Two files say who agreed to what: `consent`, a small snapshot that gates, and `ledger.jsonl`, the history, whose
//! lines are chained by hash. A third, `high`, in another directory, keeps each scope's highest epoch.
//!
//! A grant is written ledger first, a withdrawal snapshot first, and what holds is the meet of the two: an interruption
//! anywhere errs to no. Everything read here is untrusted. This file stores and checks; what a decision means for the
//! program is not its matter.

use super::{
    contract::{canonical, digest},
    line::{Decision, GENESIS, Line, chain},
};
use crate::{
    ambient::Time,
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
const SNAPSHOT_MOST: u64 = 128 << 10;
/// Some twenty thousand decisions.
const LEDGER_MOST: u64 = 8 << 20;
/// How long a decision waits for another one to be written.
///
/// Longer than a withdrawal may take to be confirmed, so that two at once do not fall back on a tombstone.
const LOCK_WAIT: Duration = Duration::from_millis(1_500);

/// The state that gates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Snapshot {
    application: String,
    /// The hash of the ledger's last line, counting `pending` as appended.
    head: String,
    /// The hash before it.
    previous: String,
    /// How many lines the ledger has, counting `pending`.
    lines: u64,
    /// The line that a withdrawal or a refusal appends after this snapshot.
    pending: Option<Line>,
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
    /// The number of the ledger's line that says so.
    pub(crate) line: u64,
}

/// What a decision says, before it has a place in the chain.
#[derive(Debug, Clone)]
pub(crate) struct Statement<'a> {
    pub(crate) scope: &'a str,
    pub(crate) decision: Decision,
    pub(crate) contract: Option<String>,
    pub(crate) notice: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) via: Option<String>,
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
    marks: BTreeMap<String, u64>,
    /// A grant stands in the ledger that never came into force.
    ahead: bool,
    /// A withdrawal stands in the snapshot whose line is not in the ledger yet.
    behind: bool,
    /// The ledger ends in half a line; this is its length without it.
    torn: Option<u64>,
    /// Scopes that were withdrawn when nothing could be written but a tombstone.
    revoked: BTreeSet<String>,
}

impl Sound {
    pub(crate) fn entry(&self, scope: &str) -> Option<&Entry> {
        self.snapshot.scopes.get(scope)
    }

    /// The entry of a scope that is granted, with the high-water mark that belongs to it.
    pub(crate) fn in_force(&self, scope: &str) -> Option<&Entry> {
        self.entry(scope).filter(|entry| {
            entry.decision.opens() && self.marks.get(scope) == Some(&entry.epoch) && !self.revoked.contains(scope)
        })
    }

    pub(crate) fn is_revoked(&self, scope: &str) -> bool {
        self.revoked.contains(scope)
    }

    /// Whether an interrupted decision left something to finish.
    fn is_whole(&self) -> bool {
        let marked = |(scope, entry): (&String, &Entry)| {
            entry.decision.opens() || self.marks.get(scope).is_some_and(|mark| *mark >= entry.epoch)
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
    files: Files,
    store: PathBuf,
    marks: PathBuf,
    application: String,
}

impl Ledger {
    pub(crate) fn new(files: Files, store: PathBuf, marks: PathBuf, application: String) -> Self {
        Ledger { files, store, marks, application }
    }

    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    pub(crate) fn snapshot_path(&self) -> PathBuf {
        self.store.join("consent")
    }

    fn ledger_path(&self) -> PathBuf {
        self.store.join("ledger.jsonl")
    }

    fn marks_path(&self) -> PathBuf {
        self.marks.join("high")
    }

    fn contract_path(&self, digest: &str) -> PathBuf {
        self.store.join("contracts").join(digest)
    }

    /// What says that a scope was withdrawn when the decision itself could not be written; one in each directory.
    fn tombstones(&self, scope: &str) -> [PathBuf; 2] {
        [&self.store, &self.marks].map(|directory| directory.join(format!("{scope}.revoked")))
    }

    /// The scopes that have a tombstone.
    fn revoked(&self) -> BTreeSet<String> {
        let names = [&self.store, &self.marks].map(|directory| self.files.list(directory).unwrap_or_default());
        names.iter().flatten().filter_map(|name| name.strip_suffix(".revoked").map(str::to_owned)).collect()
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

    /// Makes both directories, or says which one can't be used.
    pub(crate) fn make_directories(&self) -> Result<(), Error> {
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

    fn parse(&self, bytes: &[u8]) -> Option<Snapshot> {
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
        let mut open: BTreeMap<&str, u64> = BTreeMap::new();
        for line in told {
            match line.decision {
                decision if decision.opens() => open.insert(&line.scope, line.epoch),
                _ => open.remove(line.scope.as_str()),
            };
        }
        let agrees = |(scope, entry): (&String, &Entry)| {
            !entry.decision.opens() || open.get(scope.as_str()) == Some(&entry.epoch)
        };
        if !snapshot.scopes.iter().all(agrees) {
            return Records::Closed("the snapshot says more than the ledger");
        }
        Records::Sound(Box::new(Sound {
            snapshot,
            marks: marks.unwrap_or_default(),
            ahead,
            behind,
            torn,
            revoked: self.revoked(),
        }))
    }

    fn read_marks(&self) -> io::Result<Option<BTreeMap<String, u64>>> {
        let Some(bytes) = self.files.read_if_there(&self.marks_path(), SNAPSHOT_MOST)? else { return Ok(None) };
        disk::unseal("high", &bytes)
            .and_then(|json| serde_json::from_str(json).ok())
            .map(Some)
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn raise_mark(&self, scope: &str, epoch: u64) -> io::Result<()> {
        let mut marks = self.read_marks().unwrap_or_default().unwrap_or_default();
        let mark = marks.entry(scope.to_owned()).or_default();
        if *mark >= epoch {
            return Ok(());
        }
        *mark = epoch;
        let json = canonical(&serde_json::json!(marks));
        self.files.replace(&self.marks_path(), &disk::seal("high", &json))
    }

    /// Takes the lock, or `None` when another process keeps it for too long.
    pub(crate) fn lock(&self, clock: impl Fn() -> Instant) -> Result<Option<Held>, Error> {
        let path = self.store.join("consent.lock");
        let file = self.files.lock_file(&path).at("open the lock", &path)?;
        let until = clock() + LOCK_WAIT;
        loop {
            if file.try_lock(false).at("lock", &path)? {
                return Ok(Some(Held(file)));
            }
            if clock() >= until {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn lock_or_fail(&self, clock: impl Fn() -> Instant) -> Result<Held, Error> {
        self.lock(clock)?.ok_or_else(|| Kind::Locked { path: self.store.join("consent.lock") }.into())
    }

    /// Finishes what an interrupted decision left: appends a withdrawal's line, or voids a grant that never came into
    /// force. Answers what holds then.
    pub(crate) fn heal(&self, held: &Held, now: Time) -> Result<Records, Error> {
        let mut sound = match self.read() {
            Records::Sound(sound) => sound,
            other => return Ok(other),
        };
        if sound.is_whole() {
            return Ok(Records::Sound(sound));
        }
        let path = self.ledger_path();
        if let Some(len) = sound.torn {
            let mut file = self.files.append(&path).at("open", &path)?;
            file.truncate(len).and_then(|()| file.sync()).at("mend", &path)?;
            sound.torn = None;
        }
        if sound.behind
            && let Some(line) = sound.snapshot.pending.clone()
        {
            self.append(&line)?;
            sound.behind = false;
        }
        if sound.ahead {
            // The line that stands there is the one that is void; its epoch must never be given again.
            let Some(void) = self.last_line() else { return Ok(Records::Closed("the ledger's chain is broken")) };
            self.raise_mark(&void.scope, void.epoch).at("write", &self.marks_path())?;
            let line = Line {
                line: void.line + 1,
                at: now.rfc3339(),
                decision: Decision::Void,
                contract: None,
                notice: None,
                language: None,
                via: None,
                previous: void.hash.clone(),
                hash: String::new(),
                ..void
            }
            .sealed();
            let mut snapshot = Snapshot {
                head: line.hash.clone(),
                previous: line.previous.clone(),
                lines: line.line,
                pending: Some(line.clone()),
                ..sound.snapshot
            };
            if let Some(entry) = snapshot.scopes.get_mut(&line.scope)
                && entry.decision.opens()
            {
                // It was to be replaced, so it is not what the person last wished.
                entry.decision = Decision::Lost;
            }
            // The snapshot first: interrupted in between, the ledger is behind, and the next one appends the line.
            self.write_snapshot(&snapshot)?;
            self.append(&line)?;
        }
        for scope in sound.revoked {
            if let Records::Sound(sound) = self.read()
                && sound.entry(&scope).is_some_and(|entry| entry.decision.opens())
            {
                let (decision, scope) = (Decision::Withdrawn, scope.as_str());
                let statement = Statement { scope, decision, contract: None, notice: None, language: None, via: None };
                let narrowing = self.narrow(held, Some(&sound), statement, now)?;
                self.finish(held, &narrowing)?;
            }
            for tombstone in self.tombstones(&scope) {
                self.files.remove_if_there(&tombstone).at("remove", &tombstone)?;
            }
        }
        let records = self.read();
        if let Records::Sound(sound) = &records {
            // A mark that was not raised would let an older store pass for this one.
            for (scope, entry) in sound.snapshot.scopes.iter().filter(|(_, entry)| !entry.decision.opens()) {
                self.raise_mark(scope, entry.epoch).at("write", &self.marks_path())?;
            }
        }
        Ok(self.read())
    }

    /// Whether there is anything for [`heal`](Ledger::heal) to do. Reads only.
    pub(crate) fn needs_healing(&self) -> bool {
        matches!(self.read(), Records::Sound(sound) if !sound.is_whole())
    }

    fn last_line(&self) -> Option<Line> {
        let bytes = self.files.read_if_there(&self.ledger_path(), LEDGER_MOST).ok()??;
        chain(&bytes)?.0.pop()
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
        self.append(&line)?;
        self.raise_mark(&line.scope, line.epoch).at("write", &self.marks_path())?;
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
            self.raise_mark(&line.scope, line.epoch).at("write", &self.marks_path())?;
        }
        self.write_snapshot(&snapshot)?;
        let _ = held;
        Ok(Narrowing { line, entry })
    }

    /// Appends the line of a narrowing and raises its mark. The decision is in force whether this succeeds or not.
    pub(crate) fn finish(&self, held: &Held, narrowing: &Narrowing) -> Result<(), Error> {
        let _ = held;
        let marked = self.raise_mark(&narrowing.line.scope, narrowing.line.epoch).at("write", &self.marks_path());
        self.append(&narrowing.line)?;
        marked
    }

    /// The last resort of a withdrawal that can't be written, because another process keeps the lock or the disk takes
    /// nothing: an empty file that closes the scope whatever the snapshot says, also one that is replaced a moment
    /// later. Where not even that can be made, the snapshot is removed, which closes every scope.
    pub(crate) fn revoke(&self, scope: &str) -> io::Result<()> {
        let made = self.tombstones(scope).map(|path| match self.files.create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made.and_then(|mut file| file.sync()),
        });
        for directory in [&self.store, &self.marks] {
            let _ = self.files.sync_dir(directory);
        }
        if made.iter().any(Result::is_ok) {
            return Ok(());
        }
        let gone = self.files.remove_if_there(&self.snapshot_path());
        let _ = self.files.sync_dir(&self.store);
        gone
    }

    /// Starts anew where the records were lost or damaged: the old ones are set aside, and every scope that was ever
    /// decided about counts as lost, which only a fresh notice can open.
    pub(crate) fn reset(&self, held: &Held, scopes: &[&str], now: Time) -> Result<Box<Sound>, Error> {
        // Every scope that anything here names may have had its no.
        let marks = match self.read_marks() {
            Ok(marks) => marks.unwrap_or_default(),
            Err(_) => {
                let path = self.marks_path();
                self.files.replace(&path, &disk::seal("high", "{}")).at("write", &path)?;
                BTreeMap::new()
            }
        };
        let mut names: BTreeSet<String> = scopes.iter().map(|&scope| scope.to_owned()).collect();
        names.extend(marks.keys().cloned());
        let old = self.snapshot_bytes().ok().flatten().and_then(|bytes| self.parse(&bytes));
        names.extend(old.into_iter().flat_map(|old| old.scopes.into_keys()));
        names.extend(self.named_in_history());
        // Epochs start above everything that may still lie around, whatever became of the marks.
        let floor = marks.values().copied().max().unwrap_or(0).max(now.0);
        let scopes = names.into_iter().map(|scope| {
            let entry = Entry {
                decision: Decision::Lost,
                epoch: floor,
                generation: floor,
                at: now.rfc3339(),
                contract: None,
                notice: None,
                via: None,
                line: 0,
            };
            (scope, entry)
        });
        let snapshot = Snapshot {
            application: self.application.clone(),
            head: GENESIS.into(),
            previous: GENESIS.into(),
            lines: 0,
            pending: None,
            scopes: scopes.collect(),
        };
        // First the snapshot that closes everything, then the old history out of its way.
        self.write_snapshot(&snapshot)?;
        let ledger = self.ledger_path();
        if self.files.stat(&ledger).at("look at", &ledger)?.is_some() {
            let aside = self.store.join(format!("ledger-damaged-{}.jsonl", now.0));
            self.files.rename(&ledger, &aside).at("set aside", &ledger)?;
        }
        let _ = held;
        match self.read() {
            Records::Sound(sound) => Ok(sound),
            Records::Nothing => {
                Err(Kind::Store { path: self.store.clone(), why: "a new snapshot was not kept" }.into())
            }
            Records::Closed(why) => Err(Kind::Store { path: self.store.clone(), why }.into()),
        }
    }

    /// The scopes that any line of the history names, however damaged the rest of it is.
    fn named_in_history(&self) -> Vec<String> {
        let bytes = self.files.read(&self.ledger_path(), LEDGER_MOST).unwrap_or_default();
        let lines = bytes.split(|&byte| byte == b'\n');
        let scope = |line: &[u8]| {
            let value: serde_json::Value = serde_json::from_slice(line).ok()?;
            Some(value.get("scope")?.as_str()?.to_owned())
        };
        lines.filter_map(scope).collect()
    }

    /// Keeps a contract or a notice under its digest, once.
    pub(crate) fn keep_text(&self, digest: &str, text: &str) -> Result<(), Error> {
        let path = self.contract_path(digest);
        if self.text(digest).is_some() {
            return Ok(());
        }
        let dir = self.store.join("contracts");
        self.files.own_dir(&dir).at("use the directory", &dir)?;
        self.files.replace(&path, text.as_bytes()).at("write", &path)
    }

    /// A contract or notice kept earlier; `None` unless its bytes still have that digest.
    pub(crate) fn text(&self, kept: &str) -> Option<String> {
        let bytes = self.files.read_if_there(&self.contract_path(kept), SNAPSHOT_MOST).ok()??;
        (digest(&bytes) == kept).then(|| String::from_utf8(bytes).ok()).flatten()
    }

    fn append(&self, line: &Line) -> Result<(), Error> {
        let path = self.ledger_path();
        let there = self.files.stat(&path).at("look at", &path)?.is_some();
        let mut file = if there { self.files.append(&path) } else { self.files.create(&path) }.at("open", &path)?;
        file.write_all(line.text().as_bytes()).and_then(|()| file.sync()).at("write", &path)?;
        if !there {
            self.files.sync_parent(&path).at("write", &path)?;
        }
        Ok(())
    }

    fn write_snapshot(&self, snapshot: &Snapshot) -> Result<(), Error> {
        let path = self.snapshot_path();
        self.files.replace(&path, &sealed(snapshot)).at("write", &path)
    }

    fn next(&self, sound: Option<&Sound>, statement: Statement<'_>, now: Time) -> (Line, Snapshot, Entry) {
        let old = sound.and_then(|sound| sound.entry(statement.scope));
        let mark = sound.and_then(|sound| sound.marks.get(statement.scope)).copied().unwrap_or(0);
        // Where nothing is known the time stands in, so that an epoch is not given twice even if everything was lost.
        let epoch = old.map_or(now.0, |entry| entry.epoch).max(mark).saturating_add(1);
        let kept = old.filter(|_| statement.decision == Decision::Narrowed);
        let previous = sound.map_or(GENESIS.to_owned(), |sound| sound.snapshot.head.clone());
        // A first grant starts where nothing lies; whatever follows something open starts in new directories.
        let generation = match old {
            Some(entry) if !entry.decision.opens() && statement.decision == Decision::Granted => entry.generation,
            _ => epoch,
        };
        let line = Line {
            line: sound.map_or(0, |sound| sound.snapshot.lines) + 1,
            at: now.rfc3339(),
            scope: statement.scope.into(),
            decision: statement.decision,
            epoch,
            contract: statement.contract.or_else(|| kept?.contract.clone()),
            notice: statement.notice.or_else(|| kept?.notice.clone()),
            language: statement.language,
            via: statement.via.or_else(|| kept?.via.clone()),
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
fn sealed(snapshot: &Snapshot) -> Vec<u8> {
    disk::seal("consent", &canonical(&serde_json::json!(snapshot)))
}
