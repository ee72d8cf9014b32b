//! Mending the records: finishing what was interrupted, withdrawing where nothing can be written, starting anew where
//! everything is lost. Each step errs to no; nothing here opens a scope.

use crate::consent::{
    agreement::contract::canonical,
    agreement::scope::{MAX_SCOPES, is_name},
    records::entry::{Decision, Details, GENESIS, Line},
    records::high_water::Unfit,
    records::ledger::{
        ENDED, Entry, Failed, Held, LEDGER_MOST, Ledger, Records, Revoked, SNAPSHOT_MOST, Snapshot, Sound, Statement,
        TOMBSTONE, Tombstone,
    },
    state::pending::latest_yes,
};
use crate::{
    ambient::Time,
    disk::{self, Look, Seen, StatKind},
    error::{At, Error, Kind},
    mutants::{self, Mutant},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

/// More fields than anybody switches off in one scope: what damaged records name must fit the new ones.
const SWITCHED_MOST: usize = 32;
/// More than a tombstone says.
const TOMBSTONE_MOST: u64 = 4 << 10;

impl Ledger {
    /// Finishes what an interrupted decision left: appends a withdrawal's line, or voids a grant that never came into
    /// force. Answers what holds then.
    ///
    /// # Errors
    /// A look failed, or the disk did not take it. What was to be finished still is.
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
                // It was to be replaced, so it is not what the person last wished.
                entry.decision = Decision::Lost;
            }
            // The snapshot first: interrupted in between, the ledger is behind, and the next one appends the line.
            self.write_snapshot(&snapshot)?;
            self.append(&line)?;
        }
        if let Some((scope, epoch)) = &sound.narrowed {
            self.raise_mark(scope, *epoch, true)?;
        }
        for (scope, said) in sound.revoked {
            // Records that turn out damaged are no reason to forget what a tombstone says.
            let Records::Sound(sound) = self.read()? else { return Ok(self.read()?) };
            if self.is_overtaken(&scope, &sound, &said)? {
                // It is no act of a later time than the yes. What somebody else ended is, and is written down next.
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
                        return Err(Kind::Store { path, why: "what stands for an older no is still there" }.into());
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
            // It goes only when a snapshot that was read back says the same, and the mark knows.
            let Records::Sound(after) = self.read()? else { return Ok(self.read()?) };
            let entry = after.entry(&scope);
            let kept = match &written {
                Some(line) => entry.is_some_and(|entry| (entry.decision, entry.epoch) == (line.decision, line.epoch)),
                None => told_by_tombstone(&scope, entry, &said).is_none(),
            };
            if !kept && !forgotten {
                return Err(Kind::Store { path: self.snapshot_path(), why: "what was ended was not kept" }.into());
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
            // A mark that was not raised would let an older store pass for this one.
            for (scope, entry) in sound.snapshot.scopes.iter().filter(|(_, entry)| !entry.decision.opens()) {
                self.raise_mark(scope, entry.epoch, false)?;
            }
        }
        Ok(self.read()?)
    }

    /// Whether a yes that was given after the no holds which a tombstone stands for, by records and a history that were read. Where
    /// there is none now, or it does not say which yes it comes after, it is not known to be older than any.
    fn is_overtaken(&self, scope: &str, sound: &Sound, said: &Option<Tombstone>) -> Result<bool, Failed> {
        // It may be another one by now.
        let now = sound.revoked.get(scope);
        let (Some(after), true) = (Tombstone::ends_up_to(said), now == Some(said)) else { return Ok(false) };
        let yes = latest_yes(&self.history()?.lines(), scope);
        Ok(yes > after && sound.yes_written(scope).is_some_and(|entry| entry.epoch >= yes))
    }

    /// Whether there is anything for [`heal`](Ledger::heal) to do. Reads only.
    pub(crate) fn needs_repair(&self) -> Result<bool, Failed> {
        Ok(self.read()?.need_repair())
    }

    /// The last resort of an ending that can't be written, because another process keeps the lock or the disk takes
    /// nothing: a small file that closes the scope whatever the snapshot says, also one that is replaced a moment later.
    ///
    /// Where not even that can be made, a person's own no takes the scope's life lock out of its place, which needs no room
    /// and closes this scope alone. What is not the person's act fails instead.
    pub(crate) fn revoke(&self, scope: &str, said: &Tombstone) -> io::Result<bool> {
        let bytes = disk::seal("revoked", &canonical(&serde_json::json!(said)));
        let by_person = Tombstone::is_persons(&Some(said.clone()));
        let [own, others] = self.tombstones(scope);
        let leave = |path: &Path| match by_person {
            true => self.leave_own(path, said, &bytes),
            false => self.leave_others(path, said.decision, &bytes),
        };
        let [here, beside] = if by_person { &own } else { &others };
        // In another store, which stands where this one was, nothing is written.
        let is_there = self.is_there().map_err(io::Error::other);
        let may_take_life = is_there.is_ok();
        if by_person && !self.was_opened() && self.is_usable().is_ok() {
            // A first no has no directories yet. Each by itself: one of the two is enough.
            for directory in [&self.store, &self.marks] {
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

    /// Leaves a tombstone of the person's own. Without its words it closes as well, and reads as what it is.
    fn leave_own(&self, path: &Path, said: &Tombstone, bytes: &[u8]) -> io::Result<()> {
        match self.files.create(path) {
            Ok(mut file) => {
                let _ = file.write_all(bytes);
                file.sync()
            }
            // Somebody else's ending of before each had a name of its own gives way to the person's, and so does an older no of
            // theirs, which ends no yes that was given since.
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

    /// Leaves a tombstone of somebody else: with all its words or not at all, since it means what they say. One that ends a
    /// scope stays where another only narrows it.
    fn leave_others(&self, path: &Path, decision: Decision, bytes: &[u8]) -> io::Result<()> {
        if decision.opens() && !matches!(self.files.examine(path), Look::Absent) {
            return Ok(());
        }
        self.files.replace_by(&path.with_extension("ended-new"), path, bytes)
    }

    /// Starts anew where the records were lost or damaged: the old ones are set aside, and every scope that was ever
    /// decided about counts as lost, which only a fresh notice can open.
    pub(crate) fn reset(&self, held: &Held, scopes: &[&str], now: Time) -> Result<Box<Sound>, Error> {
        // Every scope that anything here names may have had its no. All is read before anything is replaced: what can't be
        // looked at now, or was seen and not read, is not lost.
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
        // What was switched off there stays off under a fresh yes.
        let mut names: BTreeMap<String, BTreeSet<String>> = named;
        for name in scopes.iter().map(|&scope| scope.to_owned()).chain(marks.keys().cloned()) {
            names.entry(name).or_default();
        }
        for (name, entry) in old.into_iter().flat_map(|old| old.scopes) {
            names.entry(name).or_default().extend(entry.noes().disabled_fields);
        }
        names.retain(|name, _| is_name(name));
        // Epochs start above everything that may still lie around, whatever became of the marks.
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
        // A yes that is not known any more may have had a lock that is gone, and somebody may hold it.
        for name in snapshot.scopes.keys() {
            self.make_lost_life(name)?;
        }
        // First the snapshot that closes everything, then the old history out of its way.
        self.write_snapshot(&snapshot)?;
        let ledger = self.ledger_path();
        if self.files.stat(&ledger).at("look at", &ledger)?.is_some() {
            let aside = self.store.join(format!("ledger-damaged-{}.jsonl", now.0));
            self.files.rename(&ledger, &aside).at("set aside", &ledger)?;
        }
        let _ = held;
        match self.read()? {
            Records::Sound(sound) => Ok(sound),
            Records::Nothing => {
                Err(Kind::Store { path: self.store.clone(), why: "a new snapshot was not kept" }.into())
            }
            Records::Closed(why) => Err(Kind::Store { path: self.store.clone(), why }.into()),
            Records::Refused(path, why) => Err(Kind::Store { path, why }.into()),
        }
    }

    /// The id of this store by its life locks, where its snapshot is lost.
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

    /// Whether a file of ours is larger than candor ever makes it: that is damage, whatever it holds.
    pub(crate) fn is_too_large(&self, path: &Path, most: u64) -> Result<bool, Failed> {
        Ok(match self.look(path, self.files.examine(path))? {
            Seen::Read(stat) => stat.kind == StatKind::File && stat.exposed.is_none() && stat.len > most,
            Seen::Absent | Seen::Refused => false,
        })
    }

    /// The scopes that any line of the history names, however damaged the rest of it is.
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
            // The last line that is one says it; that a yes never came into force says nothing of it.
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

    /// What says that a scope was ended when the decision itself could not be written, one in each directory: the person's own,
    /// and those of whoever else ended it.
    pub(crate) fn tombstones(&self, scope: &str) -> [[PathBuf; 2]; 2] {
        [TOMBSTONE, ENDED]
            .map(|end| [&self.store, &self.marks].map(|directory| directory.join(format!("{scope}{end}"))))
    }

    /// The scopes that have a tombstone, by the names in both directories, and what it says. Where some say different things,
    /// the person's own no stands, of two of theirs the later one, and an end before what only narrows.
    pub(crate) fn revoked(&self, names: &[Vec<String>; 2]) -> Result<Revoked, Failed> {
        let mut revoked = Revoked::new();
        for (names, directory) in names.iter().zip([&self.store, &self.marks]) {
            for name in names {
                let own = name.strip_suffix(TOMBSTONE);
                let Some(scope) = own.or_else(|| name.strip_suffix(ENDED)) else { continue };
                let path = directory.join(name);
                // One that can't be used is one all the same.
                let said = match self.document(names, &path, TOMBSTONE_MOST)? {
                    Seen::Read(bytes) => read(&bytes),
                    Seen::Absent | Seen::Refused => None,
                };
                let said = if own.is_some() { said } else { Some(said.unwrap_or_else(Tombstone::of_nobody)) };
                let known = revoked.entry(scope.to_owned()).or_insert_with(|| said.clone());
                let is_weaker = known.as_ref().is_some_and(|known| known.decision.opens());
                let is_stronger = match (Tombstone::is_persons(known), Tombstone::is_persons(&said)) {
                    (true, true) => !Tombstone::covers(known, &said),
                    (true, false) => false,
                    (false, by_person) => by_person || is_weaker,
                };
                if is_stronger {
                    *known = said;
                }
            }
        }
        Ok(revoked)
    }

    pub(crate) fn last_line(&self) -> Result<Option<Line>, Failed> {
        Ok(self.history()?.lines().pop())
    }
}

pub(crate) fn not_read(path: &Path) -> Error {
    Unfit::Refused.error(path)
}

/// What a tombstone says, where it says anything.
fn read(bytes: &[u8]) -> Option<Tombstone> {
    serde_json::from_str(disk::unseal("revoked", bytes)?).ok()
}

/// What a tombstone adds to what was decided about a scope before: a yes was ended, and anything but a yes was answered with a
/// no. Nothing where that is known, or where the name is not one that a scope can have.
fn told_by_tombstone(scope: &str, entry: Option<&Entry>, said: &Option<Tombstone>) -> Option<Decision> {
    let by_person = Tombstone::is_persons(said);
    match entry.map(|entry| entry.decision) {
        Some(decision) if decision.opens() && by_person => Some(Decision::Withdrawn),
        Some(decision) if decision.opens() => said.as_ref().map(|said| said.decision),
        Some(Decision::Denied | Decision::Withdrawn) => None,
        _ => (by_person && is_name(scope)).then_some(Decision::Denied),
    }
}
