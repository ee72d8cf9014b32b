//! The files of one store: where they are, how they are looked at, and whether the store is the one that this process opened.
//!
//! Two files say what was agreed to: `consent`, a small snapshot of the current decisions, and `ledger.jsonl`, the history,
//! whose lines are chained by hash. A third file, `high`, in another directory, keeps each scope's
//! [mark](crate::consent::records::high_water). The modules above this one read them, write them and repair them. This module
//! never decides what a decision means for the program.

use crate::consent::{records::failed::Failed, records::snapshot::Snapshot};
use crate::{
    ambient::Ambient,
    disk::{self, Files, Handle, Look, Node, Seen, Stat, StatKind},
    error::{At, Error, Kind},
    mutants::{self, Mutant},
    sync::Mutex,
};
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
pub(in crate::consent) const TEXT_MOST: u64 = 512 << 10;

/// The most bytes of the ledger: about twenty thousand decisions.
pub(in crate::consent) const LEDGER_MOST: u64 = 8 << 20;

/// How long a decision waits while another one is written.
///
/// Longer than a withdrawal may take to be confirmed, so that two withdrawals at the same time do not fall back on a
/// tombstone.
pub(in crate::consent) const LOCK_WAIT: Duration = Duration::from_millis(1_500);

/// The lock that serializes decisions across all processes. Released when dropped. A function that takes it without using it
/// takes it as the proof that the caller holds the lock.
pub(crate) struct Held(#[expect(dead_code, reason = "held for its lock")] Box<dyn Handle>);

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
    pub(in crate::consent) opened: Arc<Mutex<Option<Opened>>>,
    /// The id for a store that has none yet. It is drawn once, even if several decisions fail before it is written.
    drawn: Arc<Mutex<Option<String>>>,
}

/// How this process recognizes its store.
#[derive(Debug, Default)]
pub(in crate::consent) struct Opened {
    /// The store's directory.
    pub(in crate::consent) node: Option<Node>,
    /// The store's id, once it has one.
    pub(in crate::consent) id: Option<String>,
    /// Each scope's highest epoch in the snapshots that were read. A snapshot with a lower one is an older copy.
    pub(in crate::consent) epochs: BTreeMap<String, u64>,
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
    pub(in crate::consent) fn judge_directories(&self) -> Result<Option<&'static str>, Failed> {
        let mut wrong = None;
        for dir in [&self.store, &self.marks] {
            wrong = wrong.or(self.judge(dir, &self.look(dir, self.files.examine(dir))?)?);
        }
        Ok(wrong)
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
                "its directory is not one of your own that only you can open: make yourself its owner, and set the \
                 mode 0700",
            )),
        }
    }

    /// The names in the two directories, each as returned by [`names`](Ledger::names), and what is wrong with the
    /// directories, if anything is.
    pub(in crate::consent) fn list_directories(&self) -> Result<Listed<'_>, Failed> {
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

    pub(in crate::consent) fn another(&self) -> Failed {
        Failed::of(
            &self.store,
            io::Error::other(
                "it is not the store that this program opened, which was there before: put that one back, or restart \
                 the program to use what is there now",
            ),
        )
    }

    /// Remembers the directory in which a snapshot was found as this process's store.
    pub(in crate::consent) fn remember(&self) -> Result<(), Failed> {
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
    pub(in crate::consent) fn is_own(&self, snapshot: &Snapshot) -> bool {
        let opened = self.opened.lock();
        let id = opened.as_ref().and_then(|opened| opened.id.as_ref());
        id.is_none() || id == snapshot.store.as_ref() || mutants::on(Mutant::AnotherIdPasses)
    }

    /// Remembers the store's id and its scopes' epochs. Returns each scope's highest known epoch.
    pub(in crate::consent) fn learn(&self, snapshot: &Snapshot) -> BTreeMap<String, u64> {
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

    pub(in crate::consent) fn parse(&self, bytes: &[u8]) -> Option<Snapshot> {
        let snapshot: Snapshot = serde_json::from_str(disk::unseal("consent", bytes)?).ok()?;
        (snapshot.application == self.application).then_some(snapshot)
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

    /// The two directories: store and marks.
    pub(in crate::consent) fn places(&self) -> [&Path; 2] {
        [&self.store, &self.marks]
    }

    /// Whether one of the two directories exists or may exist.
    pub(in crate::consent) fn has_directories(&self) -> bool {
        [&self.store, &self.marks].iter().any(|path| !matches!(self.files.examine(path), Look::Absent))
    }

    /// Whether one of candor's own files is larger than candor ever makes it. Such a file is damaged, whatever its content.
    pub(in crate::consent) fn is_too_large(&self, path: &Path, most: u64) -> Result<bool, Failed> {
        Ok(match self.look(path, self.files.examine(path))? {
            Seen::Read(stat) => stat.kind == StatKind::File && stat.exposed.is_none() && stat.len > most,
            Seen::Absent | Seen::Refused => false,
        })
    }
}
