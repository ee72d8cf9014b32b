//! Mending the records: finishing what was interrupted, withdrawing where nothing can be written, starting anew where
//! everything is lost. Each step errs to no; nothing here opens a scope.

use super::{
    ledger::{Entry, Held, LEDGER_MOST, Ledger, Records, Snapshot, Sound, Statement},
    line::{Besides, Decision, GENESIS, Line, chain},
    scope::is_name,
};
use crate::{
    ambient::Time,
    disk,
    error::{At, Error, Kind},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::PathBuf,
};

impl Ledger {
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
            self.raise_mark(&void.scope, void.epoch, false).at("write", &self.marks_path())?;
            let line = Line {
                line: void.line + 1,
                at: now.rfc3339(),
                decision: Decision::Void,
                contract: None,
                notice: None,
                language: None,
                via: None,
                until: None,
                besides: Besides::default(),
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
                && let Some(decision) = told_by_tombstone(&scope, sound.entry(&scope))
            {
                let statement = Statement::of(&scope, decision);
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
                self.raise_mark(scope, entry.epoch, false).at("write", &self.marks_path())?;
            }
        }
        Ok(self.read())
    }

    /// Whether there is anything for [`heal`](Ledger::heal) to do. Reads only.
    pub(crate) fn needs_healing(&self) -> bool {
        matches!(self.read(), Records::Sound(sound) if !sound.is_whole())
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
        let floor = marks.values().map(|mark| mark.epoch).max().unwrap_or(0).max(now.0);
        let scopes = names.into_iter().map(|scope| {
            let entry = Entry {
                decision: Decision::Lost,
                epoch: floor,
                generation: floor,
                at: now.rfc3339(),
                contract: None,
                notice: None,
                via: None,
                until: None,
                besides: Besides::default(),
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

    /// What says that a scope was withdrawn when the decision itself could not be written; one in each directory.
    pub(super) fn tombstones(&self, scope: &str) -> [PathBuf; 2] {
        [&self.store, &self.marks].map(|directory| directory.join(format!("{scope}.revoked")))
    }

    /// The scopes that have a tombstone.
    pub(super) fn revoked(&self) -> BTreeSet<String> {
        let names = [&self.store, &self.marks].map(|directory| self.files.names(directory));
        names.iter().flatten().filter_map(|name| name.strip_suffix(".revoked").map(str::to_owned)).collect()
    }

    pub(super) fn last_line(&self) -> Option<Line> {
        let bytes = self.files.read_if_there(&self.ledger_path(), LEDGER_MOST).ok()??;
        chain(&bytes)?.0.pop()
    }
}

/// What a tombstone adds to what was decided about a scope before: a yes was taken back, and anything but a yes was answered
/// with a no. Nothing where that is known, or where the name is not one that a scope can have.
fn told_by_tombstone(scope: &str, entry: Option<&Entry>) -> Option<Decision> {
    match entry.map(|entry| entry.decision) {
        Some(decision) if decision.opens() => Some(Decision::Withdrawn),
        Some(Decision::Denied | Decision::Withdrawn) => None,
        _ => is_name(scope).then_some(Decision::Denied),
    }
}
