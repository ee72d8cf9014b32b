//! The sent log: what left, byte for byte, when, and what became of it. It is the person's, and is never sent.
//!
//! Each entry is a file of its own: a first line with the particulars, then the exact body, unless the person wants no
//! contents kept. Of what was not taken the name ends in the reason.

use super::{
    DROPS, DropReason, drop_oldest,
    outbox::{Batch, peek_bytes},
    waiting::note_unread,
};
use crate::{
    ambient::Time,
    consent::{SENT_LOG_DAYS, Scope, sent_log_days},
    disk::{Files, Look},
    mutants::{self, Mutant},
};
use serde::{Deserialize, Serialize};
use std::{
    io,
    path::{Path, PathBuf},
};

/// How many bytes the log may hold, over all scopes; the oldest entries go first.
const CAP: u64 = 5 << 20;
const ENTRY_MOST: u64 = 2 << 20;
const MAGIC: &str = "candor-sent 1 ";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    at: u64,
    scope: String,
    epoch: u64,
    key: String,
    records: u64,
    rejected: u64,
    tries: u32,
    /// The receiver took it, and did not answer as OTLP asks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unconfirmed: bool,
    /// How long the body was, whether it is kept or not.
    bytes: u64,
}

impl Head {
    fn of(scope: &str, batch: &Batch, at: Time, taken: Taken) -> Self {
        let Taken { rejected, confirmed } = taken;
        Head {
            unconfirmed: !confirmed,
            at: at.0,
            scope: scope.into(),
            epoch: batch.epoch(),
            key: batch.key().into(),
            records: batch.records(),
            rejected,
            tries: batch.tries(),
            bytes: batch.body().len() as u64,
        }
    }

    /// The whole entry, where no contents are kept.
    fn bare(&self) -> io::Result<Vec<u8>> {
        let json = serde_json::to_string(self).map_err(io::Error::other)?;
        Ok(format!("{MAGIC}{json}\n").into_bytes())
    }
}

/// How a receiver took a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    /// How many records it refused.
    pub(crate) rejected: u64,
    /// Whether it answered as OTLP asks.
    pub(crate) confirmed: bool,
}

impl Taken {
    /// What is taken to have happened where an entry has no particulars of its own.
    const WHOLE: Taken = Taken { rejected: 0, confirmed: true };
    /// Nobody took it.
    const NOT: Taken = Taken { rejected: 0, confirmed: false };
}

/// One request that left.
#[derive(Debug, Clone)]
pub(crate) struct SentEntry {
    pub(crate) at: Time,
    pub(crate) epoch: u64,
    pub(crate) records: u64,
    pub(crate) rejected: u64,
    /// Whether the receiver answered as OTLP asks.
    pub(crate) confirmed: bool,
    /// Why it was not taken, where it was not.
    pub(crate) not_taken: Option<DropReason>,
    pub(crate) bytes: u64,
    /// Empty where the person wants no contents kept.
    pub(crate) body: Vec<u8>,
}

/// The sent log of one store.
pub(crate) struct SentLog<'j> {
    files: &'j Files,
    store: &'j Path,
}

impl<'j> SentLog<'j> {
    pub(super) fn new(files: &'j Files, store: &'j Path) -> Self {
        SentLog { files, store }
    }

    /// Where it stands that the person wants everything of a scope deleted, while it is being done.
    fn deleting(&self, scope: Scope) -> PathBuf {
        // No scope has such a name, so that this is never taken for the directory of one.
        self.store.join("sent").join(format!("{}-deleting", scope.name()))
    }

    /// Notes, durably, that everything of a scope is to be deleted: contents and ids lie in two places, and whoever is
    /// interrupted between them is finished by the next start.
    pub(crate) fn begin_deleting(&self, scope: Scope) -> io::Result<()> {
        let path = self.deleting(scope);
        self.files.own_dir(&self.store.join("sent"))?;
        match self.files.create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made.and_then(|_| self.files.sync_parent(&path)),
        }
    }

    /// Whether anything of a scope is kept, or is to be deleted.
    pub(crate) fn holds_any(&self, scope: Scope) -> bool {
        self.is_deleting(scope).unwrap_or(true) || !matches!(self.files.stat(&self.directory(scope)), Ok(None))
    }

    /// Whether a person wants everything of a scope deleted, and it is not done yet.
    ///
    /// # Errors
    /// The system did not let us look: nobody knows, and nothing is deleted for it.
    pub(crate) fn is_deleting(&self, scope: Scope) -> io::Result<bool> {
        match self.files.stat(&self.deleting(scope)) {
            Err(_) if mutants::on(Mutant::UnseenIsWished) => Ok(true),
            seen => Ok(seen?.is_some()),
        }
    }

    pub(crate) fn end_deleting(&self, scope: Scope) -> io::Result<()> {
        let path = self.deleting(scope);
        self.files.remove_if_there(&path)?;
        self.files.sync_parent(&path)
    }

    pub(super) fn directory(&self, scope: Scope) -> PathBuf {
        self.store.join("sent").join(scope.name())
    }

    /// Where it stands that the person wants no contents kept of what a scope sends.
    fn bare(&self, scope: Scope) -> PathBuf {
        self.store.join("sent").join(format!("{}-bare", scope.name()))
    }

    /// Whether contents are kept.
    ///
    /// # Errors
    /// The system did not let us look: nobody knows, and none are removed for it.
    pub(crate) fn keeps_contents(&self, scope: Scope) -> io::Result<bool> {
        match self.files.stat(&self.bare(scope)) {
            Err(_) if mutants::on(Mutant::UnseenIsWished) => Ok(false),
            seen => Ok(seen?.is_none()),
        }
    }

    /// Notes, durably, whether contents are to be kept from now on. What is kept already is [stripped](SentLog::strip) by
    /// whoever asks.
    pub(crate) fn keep_contents(&self, scope: Scope, keep: bool) -> io::Result<()> {
        let path = self.bare(scope);
        if keep {
            self.files.remove_if_there(&path)?;
        } else {
            self.files.own_dir(&self.store.join("sent"))?;
            match self.files.create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => drop(made?),
            }
        }
        // Nothing was ever sent, and nothing noted.
        if self.files.stat(&self.store.join("sent"))?.is_none() {
            return Ok(());
        }
        self.files.sync_parent(&path)
    }

    /// Removes the contents of every entry of a scope, and keeps when something left, how much, and under which yes.
    pub(crate) fn strip(&self, scope: Scope) -> io::Result<()> {
        let (directory, mut done) = (self.directory(scope), Ok(()));
        let names = self.files.children(&directory).found_at(&directory)?.unwrap_or_default();
        for path in names.into_iter().map(|name| directory.join(name)) {
            done = done.and(self.strip_one(scope, &path));
        }
        done
    }

    fn strip_one(&self, scope: Scope, path: &Path) -> io::Result<()> {
        // One that was not read may be sound.
        let Some(bytes) = self.files.contents(path, ENTRY_MOST).found_at(path)? else { return Ok(()) };
        let head = match split(&bytes) {
            Some((_, [])) if is_entry(path) => return Ok(()),
            Some((head, _)) => Some(head),
            // A batch's own file, kept for want of room: its particulars are an entry's.
            None => peek_bytes(&bytes, path)
                .and_then(|batch| Some(Head::of(scope.name(), &batch, at_of(path)?, taken(path)))),
        };
        match head.filter(|_| is_entry(path)) {
            Some(head) => self.files.replace(path, &head.bare()?),
            // Half an entry has nothing but contents.
            None => self.files.remove_if_there(path),
        }
    }

    /// Notes that a batch was taken. Done before the batch is removed, so that nothing leaves without its entry.
    pub(crate) fn note(&self, scope: Scope, batch: &Batch, at: Time, taken: Taken) -> io::Result<()> {
        self.write(scope, batch, at, taken, None)
    }

    /// Notes that a batch left, or may have, and is not sent any more though nobody took it. Done before it is removed as well.
    pub(super) fn note_not_taken(&self, scope: Scope, batch: &Batch, at: Time, why: DropReason) -> io::Result<()> {
        self.write(scope, batch, at, Taken::NOT, Some(why))
    }

    /// The file of an entry. [`has`](SentLog::has) finds only what was taken: the name of anything else does not end in the key.
    fn path(&self, scope: Scope, batch: &Batch, at: Time, not_taken: Option<DropReason>) -> PathBuf {
        let why = not_taken.and_then(|why| DROPS.iter().find(|(reason, ..)| *reason == why));
        let why = why.map(|(_, name, _)| format!("-{name}")).unwrap_or_default();
        self.directory(scope).join(format!("{:014}-{}{why}.json", at.0, batch.key()))
    }

    fn write(
        &self,
        scope: Scope,
        batch: &Batch,
        at: Time,
        taken: Taken,
        not_taken: Option<DropReason>,
    ) -> io::Result<()> {
        self.files.own_dir(&self.directory(scope))?;
        let keeps = self.keeps_contents(scope)?;
        let bare = Head::of(scope.name(), batch, at, taken).bare()?;
        let path = self.path(scope, batch, at, not_taken);
        let whole = if keeps { self.files.replace(&path, &[&bare, batch.body()].concat()) } else { Ok(()) };
        // Asked again: whoever wished it meanwhile may have looked before this entry was there.
        if keeps && self.keeps_contents(scope)? {
            return whole;
        }
        // Whoever clears contents away removes what is being written as well; nothing leaves without its entry for that.
        self.files.replace(&path, &bare).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => self.files.replace(&path, &bare),
            _ => Err(error),
        })
    }

    /// Keeps a batch's own file as its entry, where there is no room to write one: a rename needs none. Not where no
    /// contents are wanted, since that file is nothing else.
    pub(crate) fn keep_file(
        &self,
        scope: Scope,
        batch: &Batch,
        at: Time,
        not_taken: Option<DropReason>,
    ) -> io::Result<()> {
        if !self.keeps_contents(scope)? {
            return Err(io::Error::other("there is no room for an entry without contents"));
        }
        self.files.own_dir(&self.directory(scope))?;
        self.files.rename(batch.path(), &self.path(scope, batch, at, not_taken))
    }

    /// Whether a batch of this key was taken already.
    ///
    /// # Errors
    /// The system did not let us look, or something else stands in the log's place: it may have been.
    pub(crate) fn has(&self, scope: Scope, key: &str) -> io::Result<bool> {
        let directory = self.directory(scope);
        let names = self.files.children(&directory).found_at(&directory)?.unwrap_or_default();
        Ok(names.iter().any(|name| name.strip_suffix(".json").is_some_and(|name| name.ends_with(key))))
    }

    /// What left for one scope, oldest first. What can't be read now is named in `unread`.
    pub(crate) fn entries(&self, scope: Scope, unread: &mut Vec<String>) -> Vec<SentEntry> {
        let directory = self.directory(scope);
        let names = note_unread(&directory, self.files.children(&directory), unread).unwrap_or_default();
        let mut entries = Vec::new();
        for path in names.into_iter().map(|name| directory.join(name)) {
            let bytes = note_unread(&path, self.files.contents(&path, ENTRY_MOST), unread);
            entries.extend(bytes.and_then(|bytes| entry(&bytes, &path)));
        }
        entries
    }

    /// Removes what the person need not keep any longer, and the oldest entries beyond the cap.
    pub(crate) fn expire(&self, scopes: &[Scope], now: Time) {
        let mut kept: Vec<(u64, u64, PathBuf)> = Vec::new();
        // What can't be listed now goes another time.
        let seen = |directory: &Path| match self.files.children(directory) {
            Look::Read(names) => names.into_iter().map(|name| directory.join(name)).collect(),
            Look::Absent | Look::Refused(_) | Look::Failed(_) => Vec::new(),
        };
        for directory in seen(&self.store.join("sent")) {
            // Of a scope that this program does not declare nothing is kept for longer than of any other.
            let named = |scope: &&Scope| directory.file_name().is_some_and(|name| name == scope.name());
            let days = scopes.iter().find(named).map_or(SENT_LOG_DAYS, |scope| sent_log_days(*scope));
            let oldest = now.0.saturating_sub(u64::from(days) * 86_400_000);
            for path in seen(&directory) {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let at: u64 = name.split('-').next().and_then(|at| at.parse().ok()).unwrap_or(0);
                if at < oldest {
                    let _ = self.files.remove_if_there(&path);
                } else if let Look::Read(stat) = self.files.examine(&path) {
                    kept.push((at, stat.occupies, path));
                }
            }
        }
        drop_oldest(self.files, kept, CAP);
    }
}

/// The entry that a file of the log holds.
fn entry(bytes: &[u8], path: &Path) -> Option<SentEntry> {
    let not_taken = not_taken(path);
    let Some((Head { at, epoch, records, rejected, unconfirmed, bytes, .. }, body)) = split(bytes) else {
        // A batch's own file, kept for want of room; its name says when it was taken.
        let batch = peek_bytes(bytes, path)?;
        let (epoch, records, body) = (batch.epoch(), batch.records(), batch.body().to_vec());
        let bytes = body.len() as u64;
        let Taken { rejected, confirmed } = taken(path);
        return Some(SentEntry { at: at_of(path)?, epoch, records, rejected, confirmed, not_taken, bytes, body });
    };
    let confirmed = !unconfirmed;
    Some(SentEntry { at: Time(at), epoch, records, rejected, confirmed, not_taken, bytes, body: body.to_vec() })
}

/// Whether a file of the log is one that was written to its end.
fn is_entry(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

/// How a batch was taken whose own file is kept.
fn taken(path: &Path) -> Taken {
    if not_taken(path).is_some() { Taken::NOT } else { Taken::WHOLE }
}

/// Why nobody took what a file holds, as its name says.
fn not_taken(path: &Path) -> Option<DropReason> {
    let why = path.file_stem()?.to_str()?.splitn(3, '-').nth(2)?;
    DROPS.iter().find_map(|(reason, name, _)| (*name == why).then_some(*reason))
}

/// When the receiver took what a file holds, or it was given up, as its name says.
fn at_of(path: &Path) -> Option<Time> {
    let (at, _) = path.file_name()?.to_str()?.split_once('-')?;
    Some(Time(at.parse().ok()?))
}

/// An entry's particulars and its body; `None` where it is no entry that was written as one.
fn split(bytes: &[u8]) -> Option<(Head, &[u8])> {
    let at = bytes.iter().position(|&byte| byte == b'\n')?;
    let first = std::str::from_utf8(bytes.get(..at)?).ok()?;
    Some((serde_json::from_str(first.strip_prefix(MAGIC)?).ok()?, bytes.get(at + 1..)?))
}

#[cfg(test)]
#[path = "sent_tests.rs"]
mod tests;
