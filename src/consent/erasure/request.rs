//! A person's wish to have records erased that left: one durable document for each request that is to be made.
//!
//! It names the records by the random ids they left with, and holds nothing else that was sent. A wish is kept here, and
//! not with what waits, since it is a decision of the person's: no withdrawal, grant or reset touches it. Everything read
//! is untrusted. This file stores and checks; it sends nothing, and decides nothing about when.

use crate::consent::{agreement::contract::canonical, records::ledger::LOCK_WAIT};
use crate::{
    ambient::{Day, Time, hex, unhex},
    disk::{self, Files, Handle, Look},
    error::{At, Error, Kind},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    time::Instant,
};

/// The random id a record left with (`log.record.uid`).
pub(crate) type Uid = [u8; 16];

/// No request names more: a batch never held so many.
pub(crate) const MOST_UIDS: usize = 1_024;
/// A request with that many ids, and its particulars.
pub(crate) const NAMES_MOST: u64 = 64 << 10;

const PENDING: &str = "json";
const DONE: &str = "done";
const DAMAGED: &str = "damaged";
/// Says that the person asked, while the documents of that wish are being made.
const ASKED: &str = "asked";

/// Ids as they are kept: 32 digits each, one behind the other.
pub(crate) fn joined(uids: &[Uid]) -> String {
    uids.iter().map(|uid| hex(uid)).collect()
}

/// What [`joined`] wrote; `None` if it is anything else.
pub(crate) fn separate(text: &str) -> Option<Vec<Uid>> {
    let sound = text.is_ascii() && text.len().is_multiple_of(32) && text.len() <= 32 * MOST_UIDS;
    let pairs = || text.as_bytes().chunks(32).map(|digits| unhex(std::str::from_utf8(digits).ok()?));
    sound.then(|| pairs().collect())?
}

/// Why a request is not made any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Why {
    /// The receiver said no, too often.
    Refused,
    /// Nobody took it for too long.
    NoAnswer,
    /// The program's reports go to somebody else now, who does not have these records.
    Elsewhere,
}

/// What became of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Outcome {
    Pending,
    Acknowledged { at: u64 },
    GivenUp { at: u64, why: Why },
}

/// One request that is to be made, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Particulars {
    pub(crate) scope: String,
    /// The key of the batch whose records it names.
    pub(crate) batch: String,
    /// The request's own key, random.
    pub(crate) key: String,
    /// Where the records went, and where alone the request may go.
    pub(crate) to: String,
    /// When the person asked, in milliseconds since 1970.
    pub(crate) asked: u64,
    /// The last UTC day on which the recipient may still have the records.
    pub(crate) until: u32,
    /// Within how many days the recipient promises to delete them.
    pub(crate) within: u32,
    pub(crate) records: u64,
    pub(crate) tries: u32,
    /// How many of the tries the receiver answered with a no.
    pub(crate) refusals: u32,
    pub(crate) outcome: Outcome,
    /// The ids, while it is pending.
    uids: String,
}

impl Particulars {
    /// A request that was asked for now, and not tried yet.
    pub(crate) fn new(scope: &str, batch: &str, key: String, to: String, asked: Time) -> Self {
        Particulars {
            scope: scope.into(),
            batch: batch.into(),
            key,
            to,
            asked: asked.0,
            until: 0,
            within: 0,
            records: 0,
            tries: 0,
            refusals: 0,
            outcome: Outcome::Pending,
            uids: String::new(),
        }
    }
}

/// A wish whose document is sound to the last byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredRequest {
    pub(crate) is: Particulars,
    uids: Vec<Uid>,
}

impl StoredRequest {
    /// A wish that nobody has tried to fulfil yet.
    pub(crate) fn new(particulars: Particulars, uids: Vec<Uid>) -> Self {
        let is = Particulars { records: uids.len() as u64, uids: joined(&uids), ..particulars };
        StoredRequest { is, uids }
    }

    /// The ids of the records, in the order of their batch.
    pub(crate) fn uids(&self) -> &[Uid] {
        &self.uids
    }

    pub(crate) fn is_pending(&self) -> bool {
        self.is.outcome == Outcome::Pending
    }

    /// Ends it: the ids are needed no more.
    pub(crate) fn end(&mut self, outcome: Outcome) {
        self.is.outcome = outcome;
        self.is.uids.clear();
        self.uids.clear();
    }

    /// The document behind bytes, if it is exactly what this program would write for this scope and batch: nothing can be
    /// hidden beside the ids.
    pub(crate) fn parse(bytes: &[u8], scope: &str, batch: &str) -> Option<StoredRequest> {
        let json = disk::unseal("erasure", bytes)?;
        let is: Particulars = serde_json::from_str(json).ok()?;
        let uids = separate(&is.uids)?;
        let pending = is.outcome == Outcome::Pending;
        let sound = canonical(&serde_json::to_value(&is).ok()?) == json
            && is.scope == scope
            && is.batch == batch
            && unhex::<16>(&is.batch).is_some()
            && unhex::<16>(&is.key).is_some()
            && is.asked <= Time::LAST.0
            && is.until < Day::NONE.0
            && if pending { is.records == uids.len() as u64 && is.records > 0 } else { uids.is_empty() };
        sound.then_some(StoredRequest { is, uids })
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        Ok(disk::seal("erasure", &canonical(&serde_json::to_value(&self.is).map_err(io::Error::other)?)))
    }
}

/// Everything that is known of a scope's wishes.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) erasure_requests: Vec<StoredRequest>,
    /// Documents that can't be read any more.
    pub(crate) damaged: u64,
    /// Those that were seen and not read, such as one that others may open, by batch: its file, and why. Any of them may be a wish.
    pub(crate) unread: BTreeMap<String, String>,
    /// When a person asked whose documents are not all made yet.
    pub(crate) asked: Option<Time>,
}

/// The lock under which wishes, and what they are made from, change. It ends with the value.
pub(crate) struct Changing(#[allow(dead_code, reason = "held for its lock")] Box<dyn Handle>);

/// The wishes of one store.
pub(crate) struct RequestStore<'s> {
    files: &'s Files,
    store: &'s Path,
}

impl<'s> RequestStore<'s> {
    pub(crate) fn new(files: &'s Files, store: &'s Path) -> Self {
        RequestStore { files, store }
    }

    pub(crate) fn directory(&self, scope: &str) -> PathBuf {
        self.store.join("erasing").join(scope)
    }

    pub(crate) fn path(&self, scope: &str, batch: &str) -> PathBuf {
        self.directory(scope).join(batch).with_extension(PENDING)
    }

    /// Takes the lock.
    ///
    /// # Errors
    /// Another process keeps it for too long, or the disk refuses it.
    pub(crate) fn lock(&self, clock: impl Fn() -> Instant) -> Result<Changing, Error> {
        let path = self.store.join("erasing.lock");
        let file = self.files.lock_within(&path, LOCK_WAIT, clock).at("lock", &path)?;
        file.map(Changing).ok_or_else(|| Kind::Locked { path }.into())
    }

    /// What lies in a scope's directory, in the order of names.
    ///
    /// # Errors
    /// The system did not let us look, or something else stands in its place.
    fn paths(&self, scope: &str) -> io::Result<Vec<PathBuf>> {
        let directory = self.directory(scope);
        let names = self.files.children(&directory).found_at(&directory)?.unwrap_or_default();
        Ok(names.into_iter().map(|name| directory.join(name)).collect())
    }

    /// The batches for which a request is to be made, in the order of their keys, which are random. Reads names only.
    ///
    /// # Errors
    /// The system did not let us look: there may be some.
    pub(crate) fn pending(&self, scope: &str) -> io::Result<Vec<String>> {
        let paths = self.paths(scope)?;
        let ending = |wanted: &'static str| {
            let these = paths.iter().filter(move |path| path.extension().is_some_and(|extension| extension == wanted));
            these.filter_map(|path| path.file_stem()?.to_str())
        };
        // One that ended, and whose older document was not removed before the program died.
        let done: BTreeSet<&str> = ending(DONE).collect();
        Ok(ending(PENDING).filter(|batch| !done.contains(batch)).map(str::to_owned).collect())
    }

    /// Whether anything is to be done for a scope, or may be where the system does not let us look. Reads names only.
    pub(crate) fn is_busy(&self, scope: &str) -> bool {
        !matches!(self.asked(scope), Ok(None)) || self.pending(scope).map_or(true, |pending| !pending.is_empty())
    }

    /// The pending wish for a batch; `None` where its document was read and is damaged.
    pub(crate) fn read(&self, scope: &str, batch: &str) -> Look<Option<StoredRequest>> {
        self.read_as(scope, batch, PENDING)
    }

    fn read_as(&self, scope: &str, batch: &str, extension: &str) -> Look<Option<StoredRequest>> {
        let path = self.directory(scope).join(batch).with_extension(extension);
        let wish = self.files.contents(&path, NAMES_MOST).map(|bytes| StoredRequest::parse(&bytes, scope, batch));
        wish.map(|wish| wish.filter(|wish| wish.is_pending() == (extension == PENDING)))
    }

    /// Everything that is known of a scope's wishes, those that ended first where two documents speak of one batch.
    ///
    /// # Errors
    /// The system did not let us look at one of them: whatever else is known, it is not everything.
    pub(crate) fn all(&self, scope: &str) -> io::Result<Known> {
        let mut known = Known { asked: self.asked(scope)?, ..Known::default() };
        // `done` sorts before `json` within a name.
        for path in self.paths(scope)? {
            let (Some(batch), Some(extension)) = (
                path.file_stem().and_then(|stem| stem.to_str()),
                path.extension().and_then(|extension| extension.to_str()),
            ) else {
                continue;
            };
            if extension == DAMAGED {
                known.damaged += 1;
            } else if (extension == PENDING || extension == DONE)
                && !known.erasure_requests.iter().any(|wish| wish.is.batch == batch)
                && !known.unread.contains_key(batch)
            {
                match self.read_as(scope, batch, extension) {
                    Look::Read(Some(wish)) => known.erasure_requests.push(wish),
                    Look::Read(None) => known.damaged += 1,
                    // It ended, or was taken back, meanwhile.
                    Look::Absent => {}
                    Look::Refused(why) => {
                        known.unread.insert(batch.to_owned(), format!("{}: {why}", path.display()));
                    }
                    Look::Failed(error) => return Err(error),
                }
            }
        }
        Ok(known)
    }

    /// Writes a wish: a pending one is found by whoever sends from now on, one that ended is not.
    pub(crate) fn write(&self, _changing: &Changing, wish: &StoredRequest) -> io::Result<()> {
        let (scope, batch) = (&wish.is.scope, &wish.is.batch);
        self.files.own_dir(&self.directory(scope))?;
        let pending = self.path(scope, batch);
        if wish.is_pending() {
            self.files.remove_if_there(&pending.with_extension(DONE))?;
            self.files.replace(&pending, &wish.bytes()?)?;
            self.files.remove_if_there(&pending.with_extension(DAMAGED))
        } else {
            self.files.replace(&pending.with_extension(DONE), &wish.bytes()?)?;
            self.files.remove_with_unfinished(&pending)?;
            self.files.sync_parent(&pending)
        }
    }

    /// Sets a document aside that was read and is damaged: it is counted, and the rest goes on.
    pub(crate) fn set_aside(&self, _changing: &Changing, scope: &str, batch: &str) {
        let path = self.path(scope, batch);
        let _ = self.files.rename(&path, &path.with_extension(DAMAGED));
    }

    /// Notes that the person asked, before the documents are made: whatever interrupts that, it is finished later.
    pub(crate) fn ask(&self, _changing: &Changing, scope: &str, now: Time) -> io::Result<()> {
        self.files.own_dir(&self.directory(scope))?;
        self.files.replace(&self.directory(scope).join(ASKED), &disk::seal("asked", &now.0.to_string()))
    }

    /// When the person asked, if not every document of that wish was made. One that is damaged asks for all.
    ///
    /// # Errors
    /// It could not be read, or is not for us to read: they may have.
    pub(crate) fn asked(&self, scope: &str) -> io::Result<Option<Time>> {
        let path = self.directory(scope).join(ASKED);
        let Some(bytes) = self.files.contents(&path, 128).found_at(&path)? else { return Ok(None) };
        let at = disk::unseal("asked", &bytes).and_then(|text| text.parse().ok()).map_or(Time::LAST, Time);
        Ok(Some(at.min(Time::LAST)))
    }

    /// The documents are all made.
    pub(crate) fn answered(&self, _changing: &Changing, scope: &str) -> io::Result<()> {
        let path = self.directory(scope).join(ASKED);
        self.files.remove_with_unfinished(&path)?;
        self.files.sync_parent(&path)
    }

    /// Takes back what is pending; what was acknowledged or given up stays on record. By names alone: what can't be read is taken
    /// back as well, since that is what the person wishes.
    pub(crate) fn cancel(&self, changing: &Changing, scope: &str) -> io::Result<()> {
        if self.files.stat(&self.directory(scope))?.is_none() {
            return Ok(());
        }
        // Before anything goes: what can't be seen can't be taken back.
        let paths = self.paths(scope)?;
        self.answered(changing, scope)?;
        for path in paths {
            let kept = path.extension().is_some_and(|extension| extension == DONE);
            if !kept {
                self.files.remove_if_there(&path)?;
            }
        }
        self.files.sync_dir(&self.directory(scope))
    }

    /// Forgets wishes about records that the recipient keeps no longer, and what was found damaged more than `days` ago. When
    /// that was stands in the file from the first time it is met here: what it held says nothing any more.
    pub(crate) fn expire(&self, _changing: &Changing, scope: &str, today: Day, days: u32) {
        // Where nobody can look now, the next time will do.
        for path in self.paths(scope).unwrap_or_default() {
            let extension = path.extension().and_then(|extension| extension.to_str());
            let batch = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let over = match extension {
                Some(extension @ (PENDING | DONE)) => match self.read_as(scope, batch, extension) {
                    Look::Read(Some(wish)) => wish.is.until < today.0,
                    Look::Absent | Look::Refused(_) | Look::Failed(_) => false,
                    Look::Read(None) => {
                        let _ = self.files.rename(&path, &path.with_extension(DAMAGED));
                        false
                    }
                },
                Some(DAMAGED) => self.is_long_damaged(&path, today, days),
                // Whoever makes a document holds the lock that is held here.
                Some("new") if batch != "schedule" => true,
                _ => false,
            };
            if over {
                let _ = self.files.remove_if_there(&path);
            }
        }
    }

    /// Whether it was found damaged more than `days` ago; notes today where nothing says when.
    fn is_long_damaged(&self, path: &Path, today: Day, days: u32) -> bool {
        let found: Option<u32> = match self.files.contents(path, NAMES_MOST) {
            Look::Read(bytes) => disk::unseal("damaged", &bytes).and_then(|day| day.parse().ok()),
            // It stays, and is counted.
            Look::Absent | Look::Refused(_) | Look::Failed(_) => return false,
        };
        match found.filter(|day| *day <= today.0) {
            Some(day) => day.saturating_add(days) < today.0,
            None => {
                let _ = self.files.replace(path, &disk::seal("damaged", &today.0.to_string()));
                false
            }
        }
    }
}
