//! The sent log: the exact bytes that were sent, when, and the result. It is for the person to read and is never sent.
//!
//! Each entry is a file of its own: a first line with the details, then the exact body. The body is left out if the
//! person wants no contents kept. The file name of an entry that no receiver took ends in the reason.

use super::{
    DropReason,
    outbox::{Batch, peek_bytes},
    reading::{drop_oldest, note_unread},
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

/// How many bytes the log may hold, over all scopes. The oldest entries are removed first.
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
    /// The receiver did not answer as OTLP requires. Also set for an entry that no receiver took.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unconfirmed: bool,
    /// The length of the body in bytes, whether it is kept or not.
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

    /// The whole entry, without contents.
    fn bare(&self) -> io::Result<Vec<u8>> {
        let json = serde_json::to_string(self).map_err(io::Error::other)?;
        Ok(format!("{MAGIC}{json}\n").into_bytes())
    }
}

/// How a receiver took a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    /// How many records the receiver refused.
    pub(crate) rejected: u64,
    /// Whether the receiver answered as OTLP requires.
    pub(crate) confirmed: bool,
}

impl Taken {
    /// The assumed result for an entry without details of its own.
    const WHOLE: Taken = Taken { rejected: 0, confirmed: true };
    /// No receiver took it.
    const NOT: Taken = Taken { rejected: 0, confirmed: false };
}

/// One request that was sent.
#[derive(Debug, Clone)]
pub(crate) struct SentEntry {
    pub(crate) at: Time,
    pub(crate) epoch: u64,
    pub(crate) records: u64,
    pub(crate) rejected: u64,
    /// Whether the receiver answered as OTLP requires.
    pub(crate) confirmed: bool,
    /// Why the request was not taken; `None` if it was.
    pub(crate) not_taken: Option<DropReason>,
    pub(crate) bytes: u64,
    /// Empty if the person wants no contents kept.
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

    /// The file that exists while the person's request to delete everything of a scope is being carried out.
    fn deleting(&self, scope: Scope) -> PathBuf {
        // No scope has such a name, so the file is never taken for a scope's directory.
        self.store.join("sent").join(format!("{}-deleting", scope.name()))
    }

    /// Notes, durably, that everything of a scope is to be deleted. Contents and ids are in two places: if the deletion
    /// is interrupted between them, the next start finishes it.
    pub(crate) fn begin_deleting(&self, scope: Scope) -> io::Result<()> {
        let path = self.deleting(scope);
        self.files.own_dir(&self.store.join("sent"))?;
        match self.files.create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made.and_then(|_| self.files.sync_parent(&path)),
        }
    }

    /// Whether anything of a scope is kept, or is to be deleted. `true` if that can't be seen.
    pub(crate) fn holds_any(&self, scope: Scope) -> bool {
        self.is_deleting(scope).unwrap_or(true) || !matches!(self.files.stat(&self.directory(scope)), Ok(None))
    }

    /// Whether the person wants everything of a scope deleted, and it is not finished yet.
    ///
    /// # Errors
    /// The system did not let us look. It is unknown whether the person asked, so nothing is deleted.
    pub(crate) fn is_deleting(&self, scope: Scope) -> io::Result<bool> {
        match self.files.stat(&self.deleting(scope)) {
            Err(_) if mutants::on(Mutant::UnseenCountsAsAsked) => Ok(true),
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

    /// The file that exists while the person wants no contents kept of what a scope sends.
    fn bare(&self, scope: Scope) -> PathBuf {
        self.store.join("sent").join(format!("{}-bare", scope.name()))
    }

    /// Whether contents are kept.
    ///
    /// # Errors
    /// The system did not let us look. It is unknown whether contents are wanted, so none are removed.
    pub(crate) fn keeps_contents(&self, scope: Scope) -> io::Result<bool> {
        match self.files.stat(&self.bare(scope)) {
            Err(_) if mutants::on(Mutant::UnseenCountsAsAsked) => Ok(false),
            seen => Ok(seen?.is_none()),
        }
    }

    /// Notes, durably, that contents are kept from now on.
    pub(crate) fn keep_contents(&self, scope: Scope) -> io::Result<()> {
        let path = self.bare(scope);
        self.files.remove_if_there(&path)?;
        self.sync_note(&path)
    }

    /// Notes, durably, that no contents are kept from now on. Contents that are already kept are not removed here: the
    /// caller [strips](SentLog::strip) them.
    pub(crate) fn keep_no_contents(&self, scope: Scope) -> io::Result<()> {
        let path = self.bare(scope);
        self.files.own_dir(&self.store.join("sent"))?;
        match self.files.create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => drop(made?),
        }
        self.sync_note(&path)
    }

    /// Makes it durable that the file at `path` was made or removed.
    fn sync_note(&self, path: &Path) -> io::Result<()> {
        // Nothing was ever sent or noted, so there is no directory to sync.
        if self.files.stat(&self.store.join("sent"))?.is_none() {
            return Ok(());
        }
        self.files.sync_parent(path)
    }

    /// Removes the contents of every entry of a scope. Keeps when something was sent, how much, and under which grant.
    pub(crate) fn strip(&self, scope: Scope) -> io::Result<()> {
        let (directory, mut done) = (self.directory(scope), Ok(()));
        let names = self.files.children(&directory).found_at(&directory)?.unwrap_or_default();
        for path in names.into_iter().map(|name| directory.join(name)) {
            done = done.and(self.strip_one(scope, &path));
        }
        done
    }

    fn strip_one(&self, scope: Scope, path: &Path) -> io::Result<()> {
        // An entry that can't be read may be sound: this is an error, and the entry is not removed.
        let Some(bytes) = self.files.contents(path, ENTRY_MOST).found_at(path)? else { return Ok(()) };
        let head = match split(&bytes) {
            Some((_, [])) if is_entry(path) => return Ok(()),
            Some((head, _)) => Some(head),
            // A batch's own file, kept as the entry when the disk was full. It has the details of an entry.
            None => peek_bytes(&bytes, path)
                .and_then(|batch| Some(Head::of(scope.name(), &batch, at_of(path)?, taken(path)))),
        };
        match head.filter(|_| is_entry(path)) {
            Some(head) => self.files.replace(path, &head.bare()?),
            // An unfinished entry has nothing to keep except contents.
            None => self.files.remove_if_there(path),
        }
    }

    /// Notes that a batch was taken. Called before the batch is removed, so that nothing is sent without an entry.
    pub(crate) fn note(&self, scope: Scope, batch: &Batch, at: Time, taken: Taken) -> io::Result<()> {
        self.write(scope, batch, at, taken, None)
    }

    /// Notes that a batch was sent, or may have been, and is no longer tried although no receiver took it. Also called
    /// before the batch is removed.
    pub(super) fn note_not_taken(&self, scope: Scope, batch: &Batch, at: Time, why: DropReason) -> io::Result<()> {
        self.write(scope, batch, at, Taken::NOT, Some(why))
    }

    /// The path of an entry's file. [`has`](SentLog::has) finds only entries that were taken: only their names end in
    /// the key.
    fn path(&self, scope: Scope, batch: &Batch, at: Time, not_taken: Option<DropReason>) -> PathBuf {
        let why = not_taken.map(|why| format!("-{}", why.name())).unwrap_or_default();
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
        // Checked again: the person may have chosen meanwhile to keep no contents, and the strip may have run before
        // this entry existed.
        if keeps && self.keeps_contents(scope)? {
            return whole;
        }
        // A strip at the same time also removes the unfinished file of this write. Then the write is repeated, so that
        // nothing is sent without an entry.
        self.files.replace(&path, &bare).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => self.files.replace(&path, &bare),
            _ => Err(error),
        })
    }

    /// Keeps a batch's own file as its entry when an entry can't be written: a rename needs no space. Refused if no
    /// contents are wanted, since that file contains them.
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

    /// Whether a batch with this key was already taken.
    ///
    /// # Errors
    /// The system did not let us look, or something else is in the place of the log: the batch may have been taken.
    pub(crate) fn has(&self, scope: Scope, key: &str) -> io::Result<bool> {
        let directory = self.directory(scope);
        let names = self.files.children(&directory).found_at(&directory)?.unwrap_or_default();
        Ok(names.iter().any(|name| name.strip_suffix(".json").is_some_and(|name| name.ends_with(key))))
    }

    /// What was sent for one scope, oldest first. Names what can't be read now in `unread`.
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

    /// Removes entries past the log's retention, and the oldest entries beyond the cap.
    pub(crate) fn expire(&self, scopes: &[Scope], now: Time) {
        let mut kept: Vec<(u64, u64, PathBuf)> = Vec::new();
        // A directory that can't be listed now is cleaned up another time.
        let seen = |directory: &Path| match self.files.children(directory) {
            Look::Read(names) => names.into_iter().map(|name| directory.join(name)).collect(),
            Look::Absent | Look::Refused(_) | Look::Failed(_) => Vec::new(),
        };
        for directory in seen(&self.store.join("sent")) {
            // Entries of a scope that this program does not declare are kept for the longest allowed time.
            let named = |scope: &&Scope| directory.file_name().is_some_and(|name| name == scope.name());
            let days = scopes.iter().find(named).map_or(SENT_LOG_DAYS, |scope| sent_log_days(*scope));
            let oldest = now.0.saturating_sub(u64::from(days) * 86_400_000);
            for path in seen(&directory) {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let at: u64 = name.split('-').next().and_then(|at| at.parse().ok()).unwrap_or(0);
                if at < oldest {
                    self.files.remove_or_leave(&path);
                } else if let Look::Read(stat) = self.files.examine(&path) {
                    kept.push((at, stat.occupies, path));
                }
            }
        }
        drop_oldest(self.files, kept, CAP);
    }
}

/// The entry in a file of the log.
fn entry(bytes: &[u8], path: &Path) -> Option<SentEntry> {
    let not_taken = not_taken(path);
    let Some((Head { at, epoch, records, rejected, unconfirmed, bytes, .. }, body)) = split(bytes) else {
        // A batch's own file, kept as the entry when the disk was full. Its name says when it was taken or given up.
        let batch = peek_bytes(bytes, path)?;
        let (epoch, records, body) = (batch.epoch(), batch.records(), batch.body().to_vec());
        let bytes = body.len() as u64;
        let Taken { rejected, confirmed } = taken(path);
        return Some(SentEntry { at: at_of(path)?, epoch, records, rejected, confirmed, not_taken, bytes, body });
    };
    let confirmed = !unconfirmed;
    Some(SentEntry { at: Time(at), epoch, records, rejected, confirmed, not_taken, bytes, body: body.to_vec() })
}

/// Whether a file of the log was written to its end.
fn is_entry(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

/// How a batch was taken whose own file is kept as the entry.
fn taken(path: &Path) -> Taken {
    if not_taken(path).is_some() { Taken::NOT } else { Taken::WHOLE }
}

/// Why no receiver took the request, as the file's name says; `None` if one did.
fn not_taken(path: &Path) -> Option<DropReason> {
    let why = path.file_stem()?.to_str()?.splitn(3, '-').nth(2)?;
    DropReason::ALL.into_iter().find(|reason| reason.name() == why)
}

/// When the receiver took the request, or when it was given up, as the file's name says.
fn at_of(path: &Path) -> Option<Time> {
    let (at, _) = path.file_name()?.to_str()?.split_once('-')?;
    Some(Time(at.parse().ok()?))
}

/// An entry's details and its body. `None` if the bytes were not written as an entry.
fn split(bytes: &[u8]) -> Option<(Head, &[u8])> {
    let at = bytes.iter().position(|&byte| byte == b'\n')?;
    let first = std::str::from_utf8(bytes.get(..at)?).ok()?;
    Some((serde_json::from_str(first.strip_prefix(MAGIC)?).ok()?, bytes.get(at + 1..)?))
}

#[cfg(test)]
#[path = "sent_tests.rs"]
mod tests;
