//! The life locks: one lock file per scope. While a process holds the lock, a connection may be open for that scope. Only a
//! grant creates the file, and recovery of lost records creates a replacement for one that is missing.
//!
//! This module creates and inspects these files. Other modules hold the locks and wait for them. Nothing here opens a scope
//! or sends data.
//!
//! A lock belongs to the file, not to its name. If a file is removed while a process holds it, a new file with the same name
//! does not show that the old one is still held. Therefore each file has a second name (a hard link), by which the next grant
//! finds it again. If both names are gone, or the file system has no hard links, the new lock file says that an earlier one
//! is missing. It then confirms nothing until the computer is restarted, because a restart ends every process that held the
//! earlier file.

use crate::consent::{
    records::entry::{Decision, Line},
    records::failed::Failed,
    records::ledger::Ledger,
    records::reading::{History, Records},
    records::unconfirmed::Unconfirmed,
};
use crate::{
    disk::{Look, Node, Seen, StatKind, is_lock},
    error::{At, Error},
    mutants::{self, Mutant},
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// The prefix of the line that names the store a life lock belongs to.
const STORE: &str = "store ";
/// The prefix of the line that says that an earlier life lock is missing. The rest of the line identifies the boot during
/// which that was seen.
const AGAIN: &str = "again ";
/// The most bytes that are read: more than a life lock contains.
const MOST: u64 = 4 << 10;
/// The file with the boot id, which changes only when the computer is restarted: proc_sys_kernel(5).
const RESTARTS: Option<&str> =
    if cfg!(any(target_os = "linux", target_os = "android")) { Some("/proc/sys/kernel/random/boot_id") } else { None };
/// The value used when no boot id is available. A life lock with this value confirms nothing, even after a restart, because
/// the restart can't be detected.
const UNKNOWN: &str = "unknown";

/// The last complete line with this prefix, without the prefix. An incomplete line, which a full disk may have left, is
/// ignored.
fn last<'s>(says: &'s str, begins: &str) -> Option<&'s str> {
    says.split_inclusive('\n').rev().find_map(|line| line.strip_suffix('\n')?.strip_prefix(begins))
}

impl Ledger {
    /// The path of the scope's life lock. While it is locked, a connection may be open for this scope.
    pub(crate) fn life_path(&self, scope: &str) -> PathBuf {
        self.store.join(format!("{scope}.life"))
    }

    /// The path of the life lock's second name.
    fn spare_path(&self, scope: &str) -> PathBuf {
        self.store.join(format!("{scope}.held"))
    }

    /// The content of a life lock. Empty if the file is missing or can't be used.
    fn life_says(&self, path: &Path) -> Result<String, Failed> {
        Ok(match self.look(path, self.files.contents(path, MOST))? {
            Seen::Read(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Seen::Absent | Seen::Refused => String::new(),
        })
    }

    /// The id of the store that a life lock was made in. `None` if the file names no store, as older files do not.
    pub(in crate::consent) fn life_id(&self, scope: &str) -> Result<Option<String>, Failed> {
        Ok(last(&self.life_says(&self.life_path(scope))?, STORE).map(str::to_owned))
    }

    /// Whether the store that this process opened is still in its place and a scope's life lock was made in it. A missing id
    /// on either side counts as a match.
    pub(in crate::consent) fn owns_life(&self, scope: &str) -> bool {
        let own = self.own_id();
        let says = self.life_id(scope);
        self.is_at_its_place() && says.is_ok_and(|says| own.is_none() || says.is_none() || says == own)
    }

    /// Why it is unknown whether another process holds an earlier life lock of this scope whose file is missing. `None` if no
    /// earlier file is missing, or if the computer was restarted since.
    pub(in crate::consent) fn lost_life(&self, scope: &str) -> Result<Option<Unconfirmed>, Failed> {
        let says = self.life_says(&self.life_path(scope))?;
        Ok(match last(&says, AGAIN) {
            None => None,
            Some(UNKNOWN) => Some(Unconfirmed::LostLifeLockForGood),
            // Without a boot id, this process can't tell whether the computer was restarted.
            Some(seen) => {
                let now = self.restarts()?;
                (now == seen || now == UNKNOWN).then_some(Unconfirmed::LostLifeLock)
            }
        })
    }

    /// A value that stays the same until the computer is restarted. `UNKNOWN` if this process can't read it, for example
    /// without `/proc`.
    fn restarts(&self) -> Result<String, Failed> {
        let Some(path) = RESTARTS.map(Path::new) else { return Ok(UNKNOWN.into()) };
        match self.files.read_shared(path, MOST) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).trim().to_owned()),
            Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied].contains(&error.kind()) => {
                Ok(UNKNOWN.into())
            }
            Err(error) => Err(Failed::of(path, error)),
        }
    }

    /// Whether the history was read, is complete, and contains no grant for this scope.
    pub(in crate::consent) fn was_never_granted(&self, scope: &str) -> Result<bool, Failed> {
        if let Records::Sound(sound) = self.read()?
            && sound.entry(scope).is_some_and(|entry| entry.decision == Decision::Lost)
        {
            // The decision that was lost may have been a grant.
            return Ok(false);
        }
        let was_granted = |line: &Line| line.scope == scope && line.decision == Decision::Granted;
        Ok(matches!(self.history()?, History::Whole(lines) if !lines.iter().any(was_granted)))
    }

    /// Makes the life lock of a scope whose grant is about to be written, and writes the store's id into it.
    pub(in crate::consent) fn make_life(&self, scope: &str, id: Option<&str>) -> Result<(), Error> {
        let path = self.life_path(scope);
        if self.take_up_spare(scope)? && !mutants::on(Mutant::LifeMadeAgain) && !self.was_never_granted(scope)? {
            self.make_life_again(&path)?;
        }
        self.files.lock_file(&path).at("make", &path)?;
        self.keep_spare(scope)?;
        let Some(id) = id else { return Ok(()) };
        let before = self.life_says(&path)?;
        if last(&before, STORE) != Some(id) {
            // Append rather than replace the file: a process that holds its lock keeps it.
            let begins = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
            let says = format!("{begins}{STORE}{id}\n");
            self.files.append(&path).and_then(|mut file| file.write_all(says.as_bytes())).at("write", &path)?;
        }
        Ok(())
    }

    /// Whether a process holds the file behind a life lock's second name, if that is a different file than the life lock.
    /// They differ if one of the two was replaced, for example by a copy. A process that held the old file still holds it.
    pub(in crate::consent) fn is_spare_held(&self, scope: &str) -> Result<bool, Failed> {
        let (path, spare) = (self.life_path(scope), self.spare_path(scope));
        let (life, other) = (self.node(&path)?, self.node(&spare)?);
        if other.is_none() || other == life || mutants::on(Mutant::LifeMadeAgain) {
            return Ok(false);
        }
        let looked = |error| Failed::of(&spare, error);
        Ok(!self.files.open_lock(&spare).map_err(looked)?.try_lock(false).map_err(looked)?)
    }

    /// Why the second name can't be opened, if it is a different file than the life lock. While that is so, it is unknown
    /// whether a process holds that file. Returns the path, the error, and whether the problem persists for as long as the
    /// file exists.
    pub(in crate::consent) fn spare_trouble(&self, scope: &str) -> Option<(PathBuf, io::Error, bool)> {
        let spare = self.spare_path(scope);
        let error = self.files.open_lock(&spare).err().filter(|error| error.kind() != io::ErrorKind::NotFound)?;
        let stat = |path: &Path| if let Look::Read(stat) = self.files.examine(path) { Some(stat) } else { None };
        let (there, life) = (stat(&spare), stat(&self.life_path(scope)));
        let is_another = there.and_then(|stat| stat.node) != life.and_then(|stat| stat.node);
        let is_lock = there.is_none_or(|stat| stat.kind == StatKind::File && stat.exposed.is_none());
        let stays = !is_lock || error.kind() == io::ErrorKind::PermissionDenied;
        is_another.then_some((spare, error, stays))
    }

    /// Identifies the file at a path.
    fn node(&self, path: &Path) -> Result<Option<Node>, Failed> {
        let seen = self.look(path, self.files.examine(path))?;
        Ok(if let Seen::Read(stat) = seen { stat.node } else { None })
    }

    /// If a life lock is missing, restores its name from the second name. Returns whether it is still missing.
    fn take_up_spare(&self, scope: &str) -> Result<bool, Error> {
        let (path, spare) = (self.life_path(scope), self.spare_path(scope));
        if !matches!(self.look(&path, self.files.examine(&path))?, Seen::Absent) {
            return Ok(false);
        }
        let there = self.look(&spare, self.files.examine(&spare))?;
        // A second name that can't be used tells as little about the lock as a missing one.
        let is_lock = matches!(there, Seen::Read(stat) if stat.kind == StatKind::File && stat.exposed.is_none());
        if !is_lock || mutants::on(Mutant::LifeMadeAgain) {
            return Ok(true);
        }
        match self.files.link(&spare, &path) {
            // The store was copied from a file system with hard links to one without.
            Err(error) if [io::ErrorKind::Unsupported, io::ErrorKind::PermissionDenied].contains(&error.kind()) => {
                Ok(true)
            }
            linked => linked.map(|()| false).at("put back", &path),
        }
    }

    /// Gives a life lock its second name if it has none, or if the second name is another file that no process holds. On a
    /// file system without hard links it stays without one.
    fn keep_spare(&self, scope: &str) -> Result<(), Error> {
        let (path, spare) = (self.life_path(scope), self.spare_path(scope));
        let is_absent = matches!(self.look(&spare, self.files.examine(&spare))?, Seen::Absent);
        // If the two names are different files, for example after a copy, the second name must refer to the file that is
        // locked from now on. If the second name can't be checked, it is left unchanged; that is no reason to reject a grant.
        let is_another = || Ok::<_, Failed>(self.node(&path)? != self.node(&spare)?);
        if is_absent || (is_another()? && !self.is_spare_held(scope).unwrap_or(true)) {
            // The file system may have no hard links.
            let _ = self.files.remove_if_there(&spare).and_then(|()| self.files.link(&path, &spare));
        }
        Ok(())
    }

    /// Makes a life lock that says that an earlier one is missing. One atomic step, so that the file never exists without
    /// that statement.
    fn make_life_again(&self, path: &Path) -> Result<(), Error> {
        let again = format!("{AGAIN}{}\n", self.restarts()?);
        self.files.replace(path, again.as_bytes()).at("make", path)
    }

    /// Does the same for a scope whose records were lost and may have held a grant, if its life lock is missing: the lock
    /// file may have existed.
    pub(in crate::consent) fn make_lost_life(&self, scope: &str) -> Result<(), Error> {
        if self.take_up_spare(scope)? {
            self.make_life_again(&self.life_path(scope))?;
        }
        Ok(())
    }

    /// Removes a tombstone. A tombstone can be the scope's life lock itself, renamed because the disk was too full for a new
    /// file. That file is renamed back, if the life lock's path is free, because a process that held it still holds it.
    pub(in crate::consent) fn remove_tombstone(&self, scope: &str, tombstone: &Path) -> Result<(), Error> {
        let says = self.life_says(tombstone)?;
        let is_life = is_lock(says.as_bytes()) || last(&says, STORE).is_some() || last(&says, AGAIN).is_some();
        let life = self.life_path(scope);
        let is_free = || Ok::<_, Error>(matches!(self.look(&life, self.files.examine(&life))?, Seen::Absent));
        if is_life && is_free()? && !mutants::on(Mutant::LifeMadeAgain) {
            self.files.rename(tombstone, &life).at("put back", &life)?;
            return self.files.sync_parent(&life).at("put back", &life);
        }
        self.files.remove_if_there(tombstone).at("remove", tombstone)
    }
}
