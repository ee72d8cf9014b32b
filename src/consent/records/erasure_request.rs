//! A person's request to have sent records erased: one durable document for each request that is to be sent.
//!
//! A document names the records by the random ids they were sent with, and holds nothing else that was sent. Requests
//! are kept here, apart from pending data, because they are decisions of the person: no withdrawal, grant or reset
//! touches them. Everything that is read is untrusted. This module stores and checks. It sends nothing, and does not
//! decide when to send.

use crate::consent::{json::canonical, records::ledger::LOCK_WAIT};
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

/// The random id a record was sent with (`log.record.uid`).
pub(crate) type Uid = [u8; 16];

/// The most ids one request names: a batch never held more.
pub(crate) const MOST_UIDS: usize = 1_024;
/// The largest file, in bytes: a request with that many ids, and its other fields.
pub(crate) const NAMES_MOST: u64 = 64 << 10;

const PENDING: &str = "json";
const DONE: &str = "done";
const DAMAGED: &str = "damaged";
/// Notes that the person asked, while the documents of that request are being made.
const ASKED: &str = "asked";

/// The ids as they are stored: 32 hexadecimal digits each, one after the other.
pub(crate) fn joined(uids: &[Uid]) -> String {
    uids.iter().map(|uid| hex(uid)).collect()
}

/// Splits what [`joined`] wrote. `None` for anything else.
pub(crate) fn separate(text: &str) -> Option<Vec<Uid>> {
    let sound = text.is_ascii() && text.len().is_multiple_of(32) && text.len() <= 32 * MOST_UIDS;
    let pairs = || text.as_bytes().chunks(32).map(|digits| unhex(std::str::from_utf8(digits).ok()?));
    sound.then(|| pairs().collect())?
}

/// Why an erasure request is not sent any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WhyGivenUp {
    /// The receiver refused it too often.
    Refused,
    /// No receiver accepted it for 30 days.
    NoAnswer,
    /// The program's reports are sent elsewhere now, to a recipient that does not have these records.
    Elsewhere,
    /// The recipient's retention was over before it could be sent: these records are deleted without it.
    RetentionOver,
}

impl WhyGivenUp {
    /// The reason in words for people.
    ///
    /// ```
    /// use candor::consent::WhyGivenUp;
    ///
    /// assert_eq!(WhyGivenUp::Refused.describe(), "since the server refused it too often");
    /// ```
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            WhyGivenUp::Refused => "since the server refused it too often",
            WhyGivenUp::NoAnswer => "since no server accepted it for 30 days",
            WhyGivenUp::Elsewhere => {
                "since this program now sends to another recipient, who does not have these records"
            }
            WhyGivenUp::RetentionOver => "since the recipient no longer keeps these records",
        }
    }
}

/// What became of an erasure request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Outcome {
    Pending,
    Acknowledged { at: u64 },
    GivenUp { at: u64, why: WhyGivenUp },
}

/// One request that is to be sent, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Particulars {
    pub(crate) scope: String,
    /// The key of the batch whose records it names.
    pub(crate) batch: String,
    /// The request's own key, random.
    pub(crate) key: String,
    /// Where the records were sent. The request may be sent only there.
    pub(crate) to: String,
    /// When the person asked, in milliseconds since 1970.
    pub(crate) asked: u64,
    /// The last UTC day on which the recipient may still have the records, as a number of days.
    pub(crate) until: u32,
    /// Within how many days the recipient promises to delete them.
    pub(crate) within: u32,
    pub(crate) records: u64,
    pub(crate) tries: u32,
    /// How many of the tries the receiver refused.
    pub(crate) refusals: u32,
    pub(crate) outcome: Outcome,
    /// The random time before which it is not sent, in milliseconds since 1970. Drawn once. `None` only in a document of
    /// an earlier version, until the sender draws a time for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) due: Option<u64>,
    /// The random id of the request's own record, the same at every try. Drawn with `due`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<String>,
    /// The UTC day of its first try, as a number of days. Later tries send the same bytes, and so the same day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) day: Option<u32>,
    /// The ids, while the request is pending.
    uids: String,
}

impl Particulars {
    /// A request made now and not tried yet.
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
            due: None,
            uid: None,
            day: None,
            uids: String::new(),
        }
    }
}

/// A request whose document is sound to the last byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredRequest {
    pub(crate) is: Particulars,
    uids: Vec<Uid>,
}

impl StoredRequest {
    /// A request that was not tried yet.
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

    /// Ends the request with this outcome. The ids are no longer needed and are removed.
    pub(crate) fn end(&mut self, outcome: Outcome) {
        self.is.outcome = outcome;
        self.is.uids.clear();
        self.uids.clear();
    }

    /// Parses a document, if it is exactly what this program would write for this scope and batch. So nothing can be
    /// hidden beside the ids.
    pub(in crate::consent) fn parse(bytes: &[u8], scope: &str, batch: &str) -> Option<StoredRequest> {
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
            && is.due.is_none_or(|due| due <= Time::LAST.0)
            && is.uid.as_deref().is_none_or(|uid| unhex::<16>(uid).is_some())
            && is.due.is_some() == is.uid.is_some()
            && is.day.is_none_or(|day| is.uid.is_some() && day < Day::NONE.0)
            && if pending { is.records == uids.len() as u64 && is.records > 0 } else { uids.is_empty() };
        sound.then_some(StoredRequest { is, uids })
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        Ok(disk::seal("erasure", &canonical(&serde_json::to_value(&self.is).map_err(io::Error::other)?)))
    }
}

/// Everything that is known about a scope's erasure requests.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) erasure_requests: Vec<StoredRequest>,
    /// How many documents are damaged.
    pub(crate) damaged: u64,
    /// Documents that were seen but not read, such as a file that other users may open, by batch: the file, and why.
    /// Any of them may be a request.
    pub(crate) unread: BTreeMap<String, String>,
    /// When the person asked, if not all documents of that request are made yet.
    pub(crate) asked: Option<Time>,
}

/// The lock under which erasure requests, and the ids they are made from, change. Released when dropped.
pub(crate) struct Changing(#[expect(dead_code, reason = "held for its lock")] Box<dyn Handle>);

/// The erasure requests of one store.
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

    /// The files in a scope's directory, in the order of their names.
    ///
    /// # Errors
    /// The directory could not be read, or something else is in its place.
    fn paths(&self, scope: &str) -> io::Result<Vec<PathBuf>> {
        let directory = self.directory(scope);
        let names = self.files.children(&directory).found_at(&directory)?.unwrap_or_default();
        Ok(names.into_iter().map(|name| directory.join(name)).collect())
    }

    /// The batches for which a request must be sent, in the order of their keys, which are random. Reads names only.
    ///
    /// # Errors
    /// The directory could not be read: there may be some.
    pub(crate) fn pending(&self, scope: &str) -> io::Result<Vec<String>> {
        let paths = self.paths(scope)?;
        let ending = |wanted: &'static str| {
            let these = paths.iter().filter(move |path| path.extension().is_some_and(|extension| extension == wanted));
            these.filter_map(|path| path.file_stem()?.to_str())
        };
        // A request that ended, and whose pending document was not removed before the program ended.
        let done: BTreeSet<&str> = ending(DONE).collect();
        Ok(ending(PENDING).filter(|batch| !done.contains(batch)).map(str::to_owned).collect())
    }

    /// Whether anything is to be done for a scope. Also `true` if the directory can't be read. Reads names only.
    pub(crate) fn is_busy(&self, scope: &str) -> bool {
        !matches!(self.asked(scope), Ok(None)) || self.pending(scope).map_or(true, |pending| !pending.is_empty())
    }

    /// The pending request for a batch. `None` if its document was read and is damaged.
    pub(crate) fn read(&self, scope: &str, batch: &str) -> Look<Option<StoredRequest>> {
        self.read_as(scope, batch, PENDING)
    }

    fn read_as(&self, scope: &str, batch: &str, extension: &str) -> Look<Option<StoredRequest>> {
        let path = self.directory(scope).join(batch).with_extension(extension);
        let stored = self.files.contents(&path, NAMES_MOST).map(|bytes| StoredRequest::parse(&bytes, scope, batch));
        stored.map(|stored| stored.filter(|stored| stored.is_pending() == (extension == PENDING)))
    }

    /// Everything that is known about a scope's erasure requests. If two documents are about one batch, the one that
    /// ended counts.
    ///
    /// # Errors
    /// One of them could not be read, so the answer would be incomplete.
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
                && !known.erasure_requests.iter().any(|stored| stored.is.batch == batch)
                && !known.unread.contains_key(batch)
            {
                match self.read_as(scope, batch, extension) {
                    Look::Read(Some(stored)) => known.erasure_requests.push(stored),
                    Look::Read(None) => known.damaged += 1,
                    // It ended or was cancelled in the meantime.
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

    /// Writes a request. The sender finds a pending one from now on; one that ended is not sent.
    pub(crate) fn write(&self, _changing: &Changing, stored: &StoredRequest) -> io::Result<()> {
        let (scope, batch) = (&stored.is.scope, &stored.is.batch);
        self.files.own_dir(&self.directory(scope))?;
        let pending = self.path(scope, batch);
        if stored.is_pending() {
            self.files.remove_if_there(&pending.with_extension(DONE))?;
            self.files.replace(&pending, &stored.bytes()?)?;
            self.files.remove_if_there(&pending.with_extension(DAMAGED))
        } else {
            self.files.replace(&pending.with_extension(DONE), &stored.bytes()?)?;
            self.files.remove_with_unfinished(&pending)?;
            self.files.sync_parent(&pending)
        }
    }

    /// Sets a document aside that was read and is damaged. It is counted, and the other documents are still handled.
    pub(crate) fn set_aside(&self, _changing: &Changing, scope: &str, batch: &str) {
        let path = self.path(scope, batch);
        // If it can't be renamed, the next caller meets it again.
        let _ = self.files.rename(&path, &path.with_extension(DAMAGED));
    }

    /// Notes that the person asked, before the documents are made. If that is interrupted, it is finished later.
    pub(crate) fn ask(&self, _changing: &Changing, scope: &str, now: Time) -> io::Result<()> {
        self.files.own_dir(&self.directory(scope))?;
        self.files.replace(&self.directory(scope).join(ASKED), &disk::seal("asked", &now.0.to_string()))
    }

    /// When the person asked, if not every document of that request was made. If the note is damaged, the request is
    /// for everything.
    ///
    /// # Errors
    /// The note could not be read, or is not a file of this user alone: the person may have asked.
    pub(crate) fn asked(&self, scope: &str) -> io::Result<Option<Time>> {
        let path = self.directory(scope).join(ASKED);
        let Some(bytes) = self.files.contents(&path, 128).found_at(&path)? else { return Ok(None) };
        let at = disk::unseal("asked", &bytes).and_then(|text| text.parse().ok()).map_or(Time::LAST, Time);
        Ok(Some(at.min(Time::LAST)))
    }

    /// Notes that all documents are made.
    pub(crate) fn answered(&self, _changing: &Changing, scope: &str) -> io::Result<()> {
        let path = self.directory(scope).join(ASKED);
        self.files.remove_with_unfinished(&path)?;
        self.files.sync_parent(&path)
    }

    /// Cancels what is pending. What was acknowledged or given up stays on record. Uses names only: a document that
    /// can't be read is cancelled as well, since that is what the person asks for.
    pub(crate) fn cancel(&self, changing: &Changing, scope: &str) -> io::Result<()> {
        if self.files.stat(&self.directory(scope))?.is_none() {
            return Ok(());
        }
        // Read before anything is removed: what can't be seen can't be cancelled.
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

    /// Removes requests about records that the recipient no longer keeps, and documents that were found damaged more
    /// than `days` ago. A damaged document is replaced by the day it was first met here: its former content has no more
    /// use. A request that is still pending then has no use either: it ends, and is kept for `shown` more days, so that
    /// the person can read what became of it.
    pub(crate) fn expire(&self, changing: &Changing, scope: &str, now: Time, days: u32, shown: u32) {
        let today = now.day();
        // If the directory can't be read now, the next call does it.
        for path in self.paths(scope).unwrap_or_default() {
            let extension = path.extension().and_then(|extension| extension.to_str());
            let batch = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let over = match extension {
                Some(extension @ (PENDING | DONE)) => match self.read_as(scope, batch, extension) {
                    Look::Read(Some(mut stored)) if shown > 0 && stored.is_pending() && stored.is.until < today.0 => {
                        stored.end(Outcome::GivenUp { at: now.0, why: WhyGivenUp::RetentionOver });
                        // If it can't be written, the next call does it.
                        let _ = self.write(changing, &stored);
                        false
                    }
                    Look::Read(Some(stored)) => {
                        let unsent =
                            matches!(stored.is.outcome, Outcome::GivenUp { why: WhyGivenUp::RetentionOver, .. });
                        stored.is.until.saturating_add(if unsent { shown } else { 0 }) < today.0
                    }
                    Look::Absent | Look::Refused(_) | Look::Failed(_) => false,
                    Look::Read(None) => {
                        // If it can't be renamed, the next call tries again.
                        let _ = self.files.rename(&path, &path.with_extension(DAMAGED));
                        false
                    }
                },
                Some(DAMAGED) => self.is_long_damaged(&path, today, days),
                // An unfinished document. A caller that makes one holds the lock that is held here, so none is being
                // made.
                Some("new") if batch != "schedule" => true,
                _ => false,
            };
            if over {
                self.files.remove_or_leave(&path);
            }
        }
    }

    /// Whether it was found damaged more than `days` ago. If the file does not hold that day yet, today is written into
    /// it.
    fn is_long_damaged(&self, path: &Path, today: Day, days: u32) -> bool {
        let found: Option<u32> = match self.files.contents(path, NAMES_MOST) {
            Look::Read(bytes) => disk::unseal("damaged", &bytes).and_then(|day| day.parse().ok()),
            // The file stays, and is counted.
            Look::Absent | Look::Refused(_) | Look::Failed(_) => return false,
        };
        match found.filter(|day| *day <= today.0) {
            Some(day) => day.saturating_add(days) < today.0,
            None => {
                // If the day can't be written, the time begins with a later call.
                let _ = self.files.replace(path, &disk::seal("damaged", &today.0.to_string()));
                false
            }
        }
    }
}
