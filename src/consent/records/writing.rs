//! Writes decisions: the history, the snapshot and the marks, under the lock of decisions.
//!
//! A grant is written to the ledger first, a withdrawal to the snapshot first. A scope is open only if both files say so, so
//! a decision that is interrupted between the two writes leaves the scope closed. This module never decides what a decision
//! means for the program.

use crate::consent::{
    records::entry::{Decision, Details, GENESIS, Line, Statement},
    records::ledger::{Held, Ledger},
    records::reading::{Records, Sound},
    records::snapshot::{Entry, Snapshot, sealed},
};
use crate::{
    ambient::{Day, Time},
    disk::{Handle, Look},
    error::{At, Error},
};
use std::io;

/// A decision that closes or narrows a scope. Its snapshot is in force; its entry must still be appended to the ledger.
#[derive(Debug)]
#[must_use]
pub(crate) struct Narrowing {
    pub(crate) line: Line,
    pub(crate) entry: Entry,
    /// The language of the notice that the line names, if the line does not repeat it.
    pub(crate) language: Option<String>,
    /// Whether the snapshot was read back and contains the decision.
    pub(crate) is_read_back: bool,
    /// Whether the snapshot is durable. If not, a power failure may bring the one before it back.
    is_durable: bool,
}

impl Ledger {
    /// Records a grant. Writes, in this order: the ledger, the mark, whatever must exist before the scope opens, the
    /// snapshot.
    pub(crate) fn grant(
        &self,
        _held: &Held,
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
            Err(_) if self.is_on_disk(&snapshot) => {}
            placed => placed?,
        }
        // From here on every process sees the grant, so this succeeds whether or not the snapshot can be read back now. If
        // only its directory could not be made durable, a power failure leaves the scope closed.
        let _ = self.files.sync_parent(&path);
        Ok(line)
    }

    /// Records a decision that closes or narrows a scope, snapshot first. The decision is in force when this returns. A scope
    /// that stays granted is closed until its mark is raised as well; if this is interrupted in between, recovery raises it.
    /// Fails if the snapshot can't be written (then nothing has changed), or if it was replaced, closes the scope and is not
    /// durable.
    pub(crate) fn narrow(
        &self,
        _held: &Held,
        sound: Option<&Sound>,
        statement: Statement<'_>,
        now: Time,
    ) -> Result<Narrowing, Error> {
        let (line, mut snapshot, entry) = self.next(sound, statement, now);
        snapshot.scopes.insert(line.scope.clone(), entry.clone());
        snapshot.pending = Some(line.clone());
        let written = self.write_snapshot(&snapshot);
        let is_durable = written.is_ok();
        if let Err(error) = written {
            // The snapshot may be replaced while only its directory could not be made durable. A power failure may then bring
            // back the one before it, with the grant as it was. That is no harm to a decision that leaves the grant in force.
            // A withdrawn scope would be granted again, so this fails, and the caller leaves a tombstone for a withdrawal.
            if !(line.decision.opens() && self.is_on_disk(&snapshot)) {
                return Err(error);
            }
        }
        let is_read_back = self.is_on_disk(&snapshot);
        let language = sound.and_then(|sound| sound.languages.get(&line.scope).cloned());
        Ok(Narrowing { line, entry, language, is_read_back, is_durable })
    }

    /// Whether the snapshot on disk, read back, is this one.
    fn is_on_disk(&self, snapshot: &Snapshot) -> bool {
        matches!(self.snapshot_bytes(), Look::Read(bytes) if bytes == sealed(snapshot))
    }

    /// Appends the entry of a decision made by [`narrow`](Ledger::narrow) and raises its mark. The decision is in force
    /// whether or not this succeeds.
    pub(crate) fn finish(&self, _held: &Held, narrowing: &Narrowing) -> Result<(), Error> {
        let line = &narrowing.line;
        if !narrowing.is_durable {
            // An entry whose snapshot is gone would close every scope, so neither it nor its mark is written before the
            // snapshot is durable. Recovery does the same.
            let path = self.snapshot_path();
            self.files.sync_parent(&path).at("write", &path)?;
        }
        let marked = self.raise_mark(&line.scope, line.epoch, line.decision.opens());
        self.append(line)?;
        marked
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

    /// Records that these grants, each named by its scope and epoch, were in use today. Skips one for which this is already
    /// recorded or a later day is, and one that is not in force now. The caller holds the decision lock.
    pub(in crate::consent) fn note_day(&self, _held: &Held, grants: &[(&str, u64)], today: Day) -> Result<(), Error> {
        let Records::Sound(sound) = self.read()? else { return Ok(()) };
        let is_in_force =
            |(scope, epoch): &&(&str, u64)| sound.in_force(scope).is_some_and(|entry| entry.epoch == *epoch);
        let scopes: Vec<&str> = grants.iter().filter(is_in_force).map(|(scope, _)| *scope).collect();
        if scopes.is_empty() {
            return Ok(());
        }
        self.change_marks(&scopes, |mark| {
            if mark.latest().is_none_or(|latest| latest < today) {
                mark.latest = Some(today.to_string());
            }
        })
    }
}
