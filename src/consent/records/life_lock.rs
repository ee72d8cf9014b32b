//! The life locks: one file for each scope, whose lock says that a connection may be open for it. Made by a grant only. What
//! holds one and what waits for it is elsewhere; nothing here opens a scope or sends anything.
//!
//! A lock belongs to the file, not to its name: where a file was removed that somebody holds, a new one of that name says nothing
//! of who that is. So each has a second name, by which the next grant finds it. Where both are gone, or the file system knows no
//! second names, the new lock says so, and confirms nothing until the computer was restarted: whoever held the earlier one is
//! gone then.

use crate::consent::{
    proof::receipt::{LOST_FOR_GOOD, LOST_LOCK},
    records::entry::{Decision, Line},
    records::ledger::{Failed, History, Ledger, Records},
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

/// How the line begins that says which store a life lock is of.
const STORE: &str = "store ";
/// How the line begins that says that an earlier one is gone, and while the computer ran for which that was seen.
const AGAIN: &str = "again ";
/// More than a life lock says.
const MOST: u64 = 4 << 10;
/// What the system says of itself that changes when the computer is restarted, and at no other time: proc_sys_kernel(5).
const RESTARTS: Option<&str> =
    if cfg!(any(target_os = "linux", target_os = "android")) { Some("/proc/sys/kernel/random/boot_id") } else { None };
/// Where nothing says so.
const UNKNOWN: &str = "unknown";

/// The last whole line that begins like this, without the beginning. A disk that was full may have taken half a line, which says
/// nothing.
fn last<'s>(says: &'s str, begins: &str) -> Option<&'s str> {
    says.split_inclusive('\n').rev().find_map(|line| line.strip_suffix('\n')?.strip_prefix(begins))
}

impl Ledger {
    /// The file whose lock says that a connection may be open for this scope.
    pub(crate) fn life_path(&self, scope: &str) -> PathBuf {
        self.store.join(format!("{scope}.life"))
    }

    /// Its second name.
    fn spare_path(&self, scope: &str) -> PathBuf {
        self.store.join(format!("{scope}.held"))
    }

    /// What a life lock says; nothing where there is none.
    fn life_says(&self, path: &Path) -> Result<String, Failed> {
        Ok(match self.look(path, self.files.contents(path, MOST))? {
            Seen::Read(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Seen::Absent | Seen::Refused => String::new(),
        })
    }

    /// The id of the store that a life lock was made in; none where it does not say, as older ones don't.
    pub(crate) fn life_id(&self, scope: &str) -> Result<Option<String>, Failed> {
        Ok(last(&self.life_says(&self.life_path(scope))?, STORE).map(str::to_owned))
    }

    /// Whether a scope's life lock was made in the store that this process opened, which is still there.
    pub(crate) fn owns_life(&self, scope: &str) -> bool {
        let own = self.own_id();
        let says = self.life_id(scope);
        self.is_at_its_place() && says.is_ok_and(|says| own.is_none() || says.is_none() || says == own)
    }

    /// Why nobody knows who holds an earlier life lock of this scope, where its file is gone.
    pub(crate) fn lost_life(&self, scope: &str) -> Result<Option<&'static str>, Failed> {
        let says = self.life_says(&self.life_path(scope))?;
        Ok(match last(&says, AGAIN) {
            None => None,
            Some(UNKNOWN) => Some(LOST_FOR_GOOD),
            // Who is not told can't tell that it was restarted.
            Some(seen) => {
                let now = self.restarts()?;
                (now == seen || now == UNKNOWN).then_some(LOST_LOCK)
            }
        })
    }

    /// What is the same until the computer is restarted. Where this process is not shown it, as without `/proc`, that is unknown.
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

    /// Whether the history was read, is whole, and shows no yes to this scope.
    pub(crate) fn was_never_granted(&self, scope: &str) -> Result<bool, Failed> {
        if let Records::Sound(sound) = self.read()?
            && sound.entry(scope).is_some_and(|entry| entry.decision == Decision::Lost)
        {
            // What was lost may have been a yes.
            return Ok(false);
        }
        let was_granted = |line: &Line| line.scope == scope && line.decision == Decision::Granted;
        Ok(matches!(self.history()?, History::Whole(lines) if !lines.iter().any(was_granted)))
    }

    /// Makes the life lock of a scope, whose grant is about to be written, and has it say which store it is of.
    pub(crate) fn make_life(&self, scope: &str, id: Option<&str>) -> Result<(), Error> {
        let path = self.life_path(scope);
        if self.take_up_spare(scope)? && !mutants::on(Mutant::LifeMadeAgain) && !self.was_never_granted(scope)? {
            self.make_life_again(&path)?;
        }
        self.files.lock_file(&path).at("make", &path)?;
        self.keep_spare(scope)?;
        let Some(id) = id else { return Ok(()) };
        let before = self.life_says(&path)?;
        if last(&before, STORE) != Some(id) {
            // Behind what it says already: whoever holds its lock goes on holding it.
            let begins = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
            let says = format!("{begins}{STORE}{id}\n");
            self.files.append(&path).and_then(|mut file| file.write_all(says.as_bytes())).at("write", &path)?;
        }
        Ok(())
    }

    /// Whether somebody holds the file of a life lock's second name, where that is not the one of the first: one of the two was
    /// replaced, by a copy for instance, and whoever held it holds it still.
    pub(crate) fn is_spare_held(&self, scope: &str) -> Result<bool, Failed> {
        let (path, spare) = (self.life_path(scope), self.spare_path(scope));
        let (life, other) = (self.node(&path)?, self.node(&spare)?);
        if other.is_none() || other == life || mutants::on(Mutant::LifeMadeAgain) {
            return Ok(false);
        }
        let looked = |error| Failed::of(&spare, error);
        Ok(!self.files.open_lock(&spare).map_err(looked)?.try_lock(false).map_err(looked)?)
    }

    /// Why a second name can't be used that is not the one of the lock's file: while that is so, nobody knows who holds it.
    /// Answers also whether it stays so for as long as it is there.
    pub(crate) fn spare_trouble(&self, scope: &str) -> Option<(PathBuf, io::Error, bool)> {
        let spare = self.spare_path(scope);
        let error = self.files.open_lock(&spare).err().filter(|error| error.kind() != io::ErrorKind::NotFound)?;
        let stat = |path: &Path| if let Look::Read(stat) = self.files.examine(path) { Some(stat) } else { None };
        let (there, life) = (stat(&spare), stat(&self.life_path(scope)));
        let is_another = there.and_then(|stat| stat.node) != life.and_then(|stat| stat.node);
        let is_lock = there.is_none_or(|stat| stat.kind == StatKind::File && stat.exposed.is_none());
        let stays = !is_lock || error.kind() == io::ErrorKind::PermissionDenied;
        is_another.then_some((spare, error, stays))
    }

    /// Which file stands at a path.
    fn node(&self, path: &Path) -> Result<Option<Node>, Failed> {
        let seen = self.look(path, self.files.examine(path))?;
        Ok(if let Seen::Read(stat) = seen { stat.node } else { None })
    }

    /// Gives a life lock that is missing back its name, by the other one. Answers whether it is missing all the same.
    fn take_up_spare(&self, scope: &str) -> Result<bool, Error> {
        let (path, spare) = (self.life_path(scope), self.spare_path(scope));
        if !matches!(self.look(&path, self.files.examine(&path))?, Seen::Absent) {
            return Ok(false);
        }
        let there = self.look(&spare, self.files.examine(&spare))?;
        // One that can't be used says as little of the lock as none.
        let is_lock = matches!(there, Seen::Read(stat) if stat.kind == StatKind::File && stat.exposed.is_none());
        if !is_lock || mutants::on(Mutant::LifeMadeAgain) {
            return Ok(true);
        }
        match self.files.link(&spare, &path) {
            // It was copied from where there are second names to where there are none.
            Err(error) if [io::ErrorKind::Unsupported, io::ErrorKind::PermissionDenied].contains(&error.kind()) => {
                Ok(true)
            }
            linked => linked.map(|()| false).at("put back", &path),
        }
    }

    /// Sees to it that a life lock has a second name. Where the file system has none it goes without.
    fn keep_spare(&self, scope: &str) -> Result<(), Error> {
        let (path, spare) = (self.life_path(scope), self.spare_path(scope));
        let is_absent = matches!(self.look(&spare, self.files.examine(&spare))?, Seen::Absent);
        // Two files where one was, as after a copy: the second name is for the one that is locked from here on. One that can't be
        // looked at stays, and is no reason to refuse a yes.
        let is_another = || Ok::<_, Failed>(self.node(&path)? != self.node(&spare)?);
        if is_absent || (is_another()? && !self.is_spare_held(scope).unwrap_or(true)) {
            let _ = self.files.remove_if_there(&spare).and_then(|()| self.files.link(&path, &spare));
        }
        Ok(())
    }

    /// Makes a life lock that says that an earlier one is gone: in one step, so that none is there that does not say it.
    fn make_life_again(&self, path: &Path) -> Result<(), Error> {
        let again = format!("{AGAIN}{}\n", self.restarts()?);
        self.files.replace(path, again.as_bytes()).at("make", path)
    }

    /// The same for a scope of records that were lost, where a yes may have stood: what is missing may have been there.
    pub(crate) fn make_lost_life(&self, scope: &str) -> Result<(), Error> {
        if self.take_up_spare(scope)? {
            self.make_life_again(&self.life_path(scope))?;
        }
        Ok(())
    }

    /// Removes a tombstone. One that is the scope's life lock, taken out of its place where the disk had no room for anything
    /// else, goes back: whoever holds it holds it still.
    pub(crate) fn remove_tombstone(&self, scope: &str, tombstone: &Path) -> Result<(), Error> {
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
