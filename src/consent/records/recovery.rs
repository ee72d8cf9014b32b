//! Recovery of the records. Finishes interrupted decisions, leaves a tombstone where a decision can't be written, and creates
//! new records where the old ones are lost.
//!
//! Each step, if interrupted, leaves a scope closed rather than open. Nothing here opens a scope.

use crate::consent::{
    agreement::scope::{MAX_SCOPES, is_name},
    json::canonical,
    records::entry::{Decision, Details, GENESIS, Line, Statement, latest_yes},
    records::failed::{Failed, not_read},
    records::high_water::Unfit,
    records::ledger::{Held, LEDGER_MOST, Ledger, SNAPSHOT_MOST},
    records::reading::{Records, Sound},
    records::snapshot::{Entry, Snapshot},
    records::tombstone::{TOMBSTONE_MOST, Tombstone, read},
};
use crate::{
    ambient::Time,
    disk::{self, Look, Seen},
    error::{At, Error, Kind},
    mutants::{self, Mutant},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

impl Ledger {
    /// Raises the marks of the decisions that the copy lacks, to the epochs that this process knows.
    pub(in crate::consent) fn mark_known(&self, _held: &Held) -> Result<(), Error> {
        for (scope, epoch) in self.decided_since()? {
            self.raise_mark(&scope, epoch, false)?;
        }
        Ok(())
    }

    /// Finishes an interrupted decision: appends the entry of a withdrawal, voids a grant that never came into force, raises
    /// marks, and writes down what tombstones say. Returns the resulting records.
    ///
    /// # Errors
    /// A look failed, or a file can't be written. Whatever was not finished is still pending.
    pub(crate) fn repair(&self, held: &Held, now: Time) -> Result<Records, Error> {
        let mut sound = match self.read()? {
            Records::Sound(sound) => sound,
            other => return Ok(other),
        };
        if sound.is_whole() {
            return Ok(Records::Sound(sound));
        }
        let path = self.ledger_path();
        if let Some(len) = sound.torn {
            let mut file = self.files.append(&path).at("open", &path)?;
            file.truncate(len).and_then(|()| file.sync()).at("repair", &path)?;
            sound.torn = None;
        }
        if sound.behind
            && let Some(line) = sound.snapshot.pending.clone()
        {
            // The snapshot was replaced, and its name may not be durable: the interruption may have been a directory that could not be
            // synced. If the power failed after the line and the old snapshot came back, the two would not belong together, and
            // every scope would be closed.
            let path = self.snapshot_path();
            self.files.sync_parent(&path).at("write", &path)?;
            self.append(&line)?;
            sound.behind = false;
        }
        if sound.ahead {
            // The ledger's last entry is the grant to be voided. Its epoch must never be used again.
            let Some(void) = self.last_line()? else { return Ok(Records::Closed("the ledger's chain is broken")) };
            self.raise_mark(&void.scope, void.epoch, false)?;
            let line = Line {
                line: void.line + 1,
                at: now.rfc3339(),
                decision: Decision::Void,
                contract: None,
                notice: None,
                language: None,
                via: None,
                until: None,
                details: Details::default(),
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
                // The voided grant was to replace this one, so this one is not what the person last decided.
                entry.decision = Decision::Lost;
            }
            // The snapshot goes first. If this is interrupted, the ledger is behind, and the next repair appends the entry.
            self.write_snapshot(&snapshot)?;
            self.append(&line)?;
        }
        if let Some((scope, epoch)) = &sound.narrowed {
            self.raise_mark(scope, *epoch, true)?;
        }
        for (scope, said) in sound.revoked {
            // If the records turn out to be damaged, the tombstones stay.
            let Records::Sound(sound) = self.read()? else { return Ok(self.read()?) };
            if self.is_overtaken(&scope, &sound, &said)? {
                // The grant is newer than the person's refusal, so their own tombstone is removed. A tombstone left for
                // another cause stays valid and is written down next.
                let [own, _] = self.tombstones(&scope);
                for tombstone in &own {
                    self.remove_tombstone(&scope, tombstone)?;
                }
                let Records::Sound(after) = self.read()? else { return Ok(self.read()?) };
                match after.revoked.get(&scope) {
                    None => continue,
                    Some(said) if !Tombstone::is_persons(said) => return self.repair(held, now),
                    Some(_) => {
                        let path = self.snapshot_path();
                        return Err(Kind::Store {
                            path,
                            why: "the tombstone of an earlier refusal could not be removed",
                        }
                        .into());
                    }
                }
            }
            let mut written = None;
            let forgotten = mutants::on(Mutant::TombstoneForgotten);
            if let Some(decision) = told_by_tombstone(&scope, sound.entry(&scope), &said).filter(|_| !forgotten) {
                let via = said.as_ref().and_then(|said| said.via.clone());
                let statement = Statement { via, ..Statement::of(&scope, decision) };
                let narrowed = self.narrow(held, Some(&sound), statement, now);
                match narrowed.and_then(|narrowing| self.finish(held, &narrowing).map(|()| narrowing.line)) {
                    Err(_) if mutants::on(Mutant::TombstoneGoesUnwritten) => {
                        self.tombstones(&scope).iter().flatten().for_each(|path| drop(self.files.remove_file(path)));
                        continue;
                    }
                    line => written = Some(line?),
                }
            }
            // A tombstone is removed only when a snapshot that was read back says the same and the mark is raised.
            let Records::Sound(after) = self.read()? else { return Ok(self.read()?) };
            let entry = after.entry(&scope);
            let kept = match &written {
                Some(line) => entry.is_some_and(|entry| (entry.decision, entry.epoch) == (line.decision, line.epoch)),
                None => told_by_tombstone(&scope, entry, &said).is_none(),
            };
            if !kept && !forgotten {
                return Err(
                    Kind::Store { path: self.snapshot_path(), why: "the end of a grant could not be saved" }.into()
                );
            }
            if let Some(entry) = entry.filter(|entry| !entry.decision.opens()) {
                self.raise_mark(&scope, entry.epoch, false)?;
            }
            for tombstone in self.tombstones(&scope).into_iter().flatten() {
                self.remove_tombstone(&scope, &tombstone)?;
            }
        }
        let records = self.read()?;
        if let Records::Sound(sound) = &records {
            for (scope, epoch) in sound.forgotten() {
                self.raise_mark(scope, epoch, false)?;
            }
            // If a mark were not raised, an older store would pass for this one.
            for (scope, entry) in sound.snapshot.scopes.iter().filter(|(_, entry)| !entry.decision.opens()) {
                self.raise_mark(scope, entry.epoch, false)?;
            }
        }
        Ok(self.read()?)
    }

    /// Whether a grant that is in the records is newer than the refusal that a tombstone holds. False if there is no
    /// newer grant, if the tombstone does not say which grant it follows, or if the tombstone changed: then the refusal is
    /// not known to be older than any grant.
    fn is_overtaken(&self, scope: &str, sound: &Sound, said: &Option<Tombstone>) -> Result<bool, Failed> {
        // The tombstone may have changed since it was read.
        let now = sound.revoked.get(scope);
        let (Some(after), true) = (Tombstone::ends_up_to(said), now == Some(said)) else { return Ok(false) };
        let yes = latest_yes(&self.history()?.lines(), scope);
        Ok(yes > after && sound.yes_written(scope).is_some_and(|entry| entry.epoch >= yes))
    }

    /// Whether [`repair`](Ledger::repair) has anything to do. Only reads.
    pub(crate) fn needs_repair(&self) -> Result<bool, Failed> {
        Ok(self.read()?.need_repair())
    }

    /// Closes a scope when the decision can't be written, because another process holds the lock or the disk is full. Creates
    /// a tombstone: a small file that closes the scope whatever the snapshot says, even if the snapshot is replaced a moment
    /// later. Returns whether the tombstone is durable.
    ///
    /// If no tombstone can be created for the person's own refusal or withdrawal, renames the scope's life lock to the
    /// tombstone's name. The rename needs no disk space and closes only this scope.
    ///
    /// # Errors
    /// No tombstone could be created. For the person's own decision: the rename failed too, or another store has replaced
    /// this one.
    pub(crate) fn revoke(&self, scope: &str, said: &Tombstone) -> io::Result<bool> {
        let bytes = disk::seal("revoked", &canonical(&serde_json::json!(said)));
        let by_person = Tombstone::is_persons(&Some(said.clone()));
        let [own, others] = self.tombstones(scope);
        let leave = |path: &Path| match by_person {
            true => self.leave_own(path, said, &bytes),
            false => self.leave_others(path, said.decision, &bytes),
        };
        let [here, beside] = if by_person { &own } else { &others };
        // Nothing is written into another store that has replaced this one.
        let is_there = self.is_there().map_err(io::Error::other);
        let may_take_life = is_there.is_ok();
        if by_person && !self.was_opened() && self.is_usable().is_ok() {
            // Before the first decision the directories may not exist. Each is created independently: one of the two is
            // enough.
            for directory in [&self.store, &self.marks] {
                // If it can't be created, creating the tombstone in it fails and says so.
                let _ = self.files.own_root(directory);
            }
        }
        let made = [is_there.and_then(|()| leave(here)), leave(beside)];
        let mut lasts = false;
        for (directory, made) in [&self.store, &self.marks].into_iter().zip(&made) {
            lasts |= self.files.sync_dir(directory).is_ok() && made.is_ok();
        }
        let [made, also] = made;
        let Err(error) = made.or(also) else { return Ok(lasts) };
        if !by_person || !may_take_life {
            return Err(error);
        }
        let [tombstone, _] = own;
        let taken = self.files.rename(&self.life_path(scope), &tombstone);
        let synced = self.files.sync_dir(&self.store);
        taken.map(|()| synced.is_ok()).map_err(|_| error)
    }

    /// Creates a tombstone for the person's own refusal or withdrawal. If its content can't be written, the empty file still
    /// closes the scope and counts as the person's own.
    fn leave_own(&self, path: &Path, said: &Tombstone, bytes: &[u8]) -> io::Result<()> {
        match self.files.create(path) {
            Ok(mut file) => {
                let _ = file.write_all(bytes); // an empty file is enough
                file.sync()
            }
            // An existing tombstone is replaced if it is not the person's (older versions used one name for both), or if it
            // is an older refusal, which does not withdraw a grant given since.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let is_enough = |there: Option<Tombstone>| {
                    Tombstone::is_persons(&there) && Tombstone::covers(&there, &Some(said.clone()))
                };
                match self.files.contents(path, TOMBSTONE_MOST) {
                    Look::Read(there) if is_enough(read(&there)) => Ok(()),
                    _ => self.files.replace(path, bytes),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Creates a tombstone for an act that is not the person's. It is written completely or not at all, because its meaning
    /// is in its content. A tombstone that only narrows does not replace an existing one.
    fn leave_others(&self, path: &Path, decision: Decision, bytes: &[u8]) -> io::Result<()> {
        if decision.opens() && !matches!(self.files.examine(path), Look::Absent) {
            return Ok(());
        }
        self.files.replace_by(&path.with_extension("ended-new"), path, bytes)
    }

    /// Creates new records where the old ones are lost or damaged. The old history is set aside. Every scope that was ever
    /// decided about counts as lost. Only a new grant, after a newly shown notice, can open it.
    pub(crate) fn reset(&self, _held: &Held, scopes: &[&str], now: Time) -> Result<Box<Sound>, Error> {
        // Any scope named in any of these files may have been refused. Everything is read before anything is replaced. A file
        // that can't be read now, or that exists but was not read, does not count as lost, so this fails.
        let marks = self.read_marks()?;
        let path = self.snapshot_path();
        let old = match self.document(&self.names(&self.store)?, &path, SNAPSHOT_MOST)? {
            Seen::Read(bytes) => self.parse(&bytes),
            Seen::Refused if !self.is_too_large(&path, SNAPSHOT_MOST)? => return Err(not_read(&path)),
            Seen::Absent | Seen::Refused => None,
        };
        let named = self.named_in_history()?;
        let id = match old.as_ref().and_then(|old| old.store.clone()) {
            Some(id) => Some(id),
            None => self.id_in_lives()?,
        };
        let marks = match marks {
            Ok(marks) => marks.unwrap_or_default(),
            Err(Unfit::Refused) if !self.is_too_large(&self.marks_path(), SNAPSHOT_MOST)? => {
                return Err(not_read(&self.marks_path()));
            }
            Err(_) => {
                let path = self.marks_path();
                self.files.replace(&path, &disk::seal("high", "{}")).at("write", &path)?;
                BTreeMap::new()
            }
        };
        // A field that was switched off in the old records stays off under a new grant.
        let mut names: BTreeMap<String, BTreeSet<String>> = named;
        for name in scopes.iter().map(|&scope| scope.to_owned()).chain(marks.keys().cloned()) {
            names.entry(name).or_default();
        }
        for (name, entry) in old.into_iter().flat_map(|old| old.scopes) {
            names.entry(name).or_default().extend(entry.noes().disabled_fields);
        }
        names.retain(|name, _| is_name(name));
        // New epochs start above every epoch that any remaining file may hold, whatever happened to the marks.
        let floor = marks.values().map(|mark| mark.epoch).max().unwrap_or(0).max(now.0).max(self.highest_known());
        let scopes = names.into_iter().map(|(scope, disabled_fields)| {
            let entry = Entry {
                decision: Decision::Lost,
                epoch: floor,
                generation: floor,
                at: now.rfc3339(),
                contract: None,
                notice: None,
                via: None,
                until: None,
                details: Details { disabled_fields: disabled_fields.into_iter().collect(), ..Details::default() },
                line: 0,
            };
            (scope, entry)
        });
        let snapshot = Snapshot {
            application: self.application.clone(),
            store: self.id(id),
            head: GENESIS.into(),
            previous: GENESIS.into(),
            lines: 0,
            pending: None,
            scopes: scopes.collect(),
        };
        // A forgotten grant may have had a life lock whose file is missing now, and a process may still hold it.
        for name in snapshot.scopes.keys() {
            self.make_lost_life(name)?;
        }
        // Write the snapshot that closes everything before the old history is moved.
        self.write_snapshot(&snapshot)?;
        let ledger = self.ledger_path();
        if self.files.stat(&ledger).at("look at", &ledger)?.is_some() {
            let aside = self.store.join(format!("ledger-damaged-{}.jsonl", now.0));
            self.files.rename(&ledger, &aside).at("set aside", &ledger)?;
        }
        match self.read()? {
            Records::Sound(sound) => Ok(sound),
            Records::Nothing => {
                Err(Kind::Store { path: self.store.clone(), why: "a new snapshot could not be saved" }.into())
            }
            Records::Closed(why) => Err(Kind::Store { path: self.store.clone(), why }.into()),
            Records::Refused(path, why) => Err(Kind::Store { path, why }.into()),
        }
    }

    /// Reads the store's id from its life locks, for when the snapshot is lost.
    fn id_in_lives(&self) -> Result<Option<String>, Failed> {
        for name in self.names(&self.store)? {
            if let Some(scope) = name.strip_suffix(".life")
                && let Some(id) = self.life_id(scope)?
            {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// The scopes named in any line of the history, however damaged the rest is, each with its switched-off fields.
    fn named_in_history(&self) -> Result<BTreeMap<String, BTreeSet<String>>, Error> {
        let path = self.ledger_path();
        let bytes = match self.document(&self.names(&self.store)?, &path, LEDGER_MOST)? {
            Seen::Read(bytes) => bytes,
            Seen::Refused if !self.is_too_large(&path, LEDGER_MOST)? => return Err(not_read(&path)),
            Seen::Absent | Seen::Refused => Vec::new(),
        };
        let mut named = BTreeMap::new();
        for line in bytes.split(|&byte| byte == b'\n') {
            let Ok(value) = serde_json::from_slice::<serde_json::Value>(line) else { continue };
            let scope = value.get("scope").and_then(|scope| scope.as_str()).filter(|scope| is_name(scope));
            let Some(scope) = scope.map(str::to_owned) else { continue };
            if named.len() >= MAX_SCOPES && !named.contains_key(&scope) {
                continue;
            }
            let off: &mut BTreeSet<String> = named.entry(scope).or_default();
            // The last valid entry of a scope decides which fields are off. A void entry is skipped, because it says nothing
            // about them.
            if let Ok(Line { decision, details, .. }) = serde_json::from_value(value)
                && decision != Decision::Void
            {
                let is_field = |field: &String| field.split_once('.').is_some_and(|_| field.split('.').all(is_name));
                let said =
                    details.disabled_fields.into_iter().filter(|field| !decision.takes_back() && is_field(field));
                *off = said.take(SWITCHED_MOST).collect();
            }
        }
        Ok(named)
    }
}

/// The most switched-off fields that are taken over for one scope: more than a person switches off. The limit makes sure that
/// what damaged records name fits into the new records.
const SWITCHED_MOST: usize = 32;

/// The decision that a tombstone adds to a scope's last decision. A grant is withdrawn by the person's tombstone, and gets
/// the tombstone's decision otherwise. In any other state the person's tombstone is a refusal. Returns `None` if the last
/// decision is a refusal or withdrawal already, or if the name is not valid for a scope.
fn told_by_tombstone(scope: &str, entry: Option<&Entry>, said: &Option<Tombstone>) -> Option<Decision> {
    let by_person = Tombstone::is_persons(said);
    match entry.map(|entry| entry.decision) {
        Some(decision) if decision.opens() && by_person => Some(Decision::Withdrawn),
        Some(decision) if decision.opens() => said.as_ref().map(|said| said.decision),
        Some(Decision::Denied | Decision::Withdrawn) => None,
        _ => (by_person && is_name(scope)).then_some(Decision::Denied),
    }
}
