//! The ids of sent records: the random id of each record, noted before its request is tried for the first time, and
//! kept for as long as the recipient may have the record. The person can name a record for erasure only by its id.
//!
//! Keeps no contents; the sent log does, for a shorter time. The number of sent records is kept in a separate tally, so
//! that ids that were deleted or lost are known to be missing. The code that sends reports never reads this.

use super::reading::drop_oldest;
use crate::{
    ambient::{Day, Time, unhex},
    consent::{MOST_UIDS, NAMES_MOST, Scope, Uid, joined, separate},
    disk::{self, Files, Look},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

/// How many bytes of ids are kept, over all scopes: those of about sixty thousand records. The oldest are removed
/// first.
const CAP: u64 = 2 << 20;
/// The largest tally that is read: one number for each day of the longest retention.
const TALLY_MOST: u64 = 256 << 10;

/// The ids of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    scope: String,
    batch: String,
    /// When the request was tried first.
    at: u64,
    /// The last UTC day on which the recipient may have the records.
    until: u32,
    /// The address it was sent to.
    to: String,
    uids: String,
}

/// The records of one request, as the person can name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) batch: String,
    pub(crate) at: Time,
    pub(crate) until: Day,
    pub(crate) to: String,
    pub(crate) uids: Vec<Uid>,
}

/// How many records were sent, by the last day on which the recipient may have them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tally {
    /// The key of the request that was counted last. If its ids could not be written afterwards, the next attempt does
    /// not count it twice.
    last: String,
    until: BTreeMap<u32, u64>,
}

/// The ids of the records that one store sent. A caller that changes them holds the lock of erasure requests.
pub(crate) struct Names<'j> {
    files: &'j Files,
    store: &'j Path,
}

impl<'j> Names<'j> {
    pub(super) fn new(files: &'j Files, store: &'j Path) -> Self {
        Names { files, store }
    }

    fn directory(&self, scope: Scope) -> PathBuf {
        self.store.join("named").join(scope.name())
    }

    /// Notes the records of a request, durably, before it is tried. `first` is false if they were already counted under
    /// the key of the request that this one was made from.
    pub(crate) fn note(&self, scope: Scope, named: &Named, first: bool) -> io::Result<()> {
        if named.uids.len() > MOST_UIDS {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let path = self.path(scope, named);
        if self.files.stat(&path)?.is_some() {
            return Ok(());
        }
        self.files.own_dir(&self.directory(scope))?;
        let mut tally = self.tally(scope)?;
        if first && tally.last != named.batch {
            tally.last.clone_from(&named.batch);
            let count = tally.until.entry(named.until.0).or_default();
            *count = count.saturating_add(named.uids.len() as u64);
            self.save(scope, &tally)?;
        }
        let document = Document {
            scope: scope.name().into(),
            batch: named.batch.clone(),
            at: named.at.0,
            until: named.until.0,
            to: named.to.clone(),
            uids: joined(&named.uids),
        };
        let json = serde_json::to_string(&document).map_err(io::Error::other)?;
        self.files.replace(&path, &disk::seal("named", &json))
    }

    /// The names in a scope's directory.
    ///
    /// # Errors
    /// The system did not let us look, or something else is in the directory's place: ids may exist that can't be seen.
    fn children(&self, scope: Scope) -> io::Result<Vec<String>> {
        let directory = self.directory(scope);
        Ok(self.files.children(&directory).found_at(&directory)?.unwrap_or_default())
    }

    /// Whether the records of this request were noted. An error if that can't be seen now.
    pub(crate) fn has(&self, scope: Scope, batch: &str) -> io::Result<bool> {
        let names = self.children(scope)?;
        Ok(names.iter().any(|name| name.strip_suffix(".json").is_some_and(|name| name.ends_with(batch))))
    }

    /// Whether anything was ever noted for a scope. An error if that can't be seen now.
    pub(crate) fn holds_any(&self, scope: Scope) -> io::Result<bool> {
        Ok(!self.children(scope)?.is_empty())
    }

    /// Every request whose records can be named and whose retention is not over, oldest first. No record appears twice.
    /// If a larger request was refused as a whole and split into smaller ones, the smaller one has the record.
    ///
    /// # Errors
    /// A file could not be read, or candor does not use it, for example since others may open it: the rest would be
    /// incomplete.
    pub(crate) fn all(&self, scope: Scope, today: Day) -> io::Result<Vec<Named>> {
        let mut found: Vec<Named> = Vec::new();
        for path in self.paths(scope)? {
            found.extend(self.read(scope, &path)?.filter(|named| named.until >= today));
        }
        found.sort_by_key(|named| (named.uids.len(), std::cmp::Reverse(named.at)));
        let mut seen = BTreeSet::new();
        for named in &mut found {
            named.uids.retain(|uid| seen.insert(*uid));
        }
        found.retain(|named| !named.uids.is_empty());
        found.sort_by_key(|named| named.at);
        Ok(found)
    }

    /// How many records were sent, or may have been, whose retention is not over, and the last day on which the
    /// recipient has any of them. An error if that can't be read now.
    pub(crate) fn left(&self, scope: Scope, today: Day) -> io::Result<(u64, Option<Day>)> {
        let mut until = self.tally(scope)?.until;
        until.retain(|day, count| *day >= today.0 && *count > 0);
        let sum = until.values().fold(0, |sum: u64, count| sum.saturating_add(*count));
        Ok((sum, until.keys().next_back().map(|day| Day(*day))))
    }

    /// Removes ids past the recipient's retention, and the oldest ones beyond the cap.
    pub(crate) fn expire(&self, scopes: &[Scope], today: Day) {
        let mut kept: Vec<(u64, u64, PathBuf)> = Vec::new();
        for &scope in scopes {
            if !self.holds_any(scope).unwrap_or(false) {
                continue;
            }
            // Before any ids are removed: a lost tally is rebuilt from them. A tally that can't be read now is not
            // rebuilt, and no ids of its scope are removed before it is known.
            let Ok(told) = self.kept_tally(scope) else { continue };
            let counted = told.clone().map_or_else(|| self.tally_of_ids(scope), Ok);
            let (Ok(mut tally), Ok(paths)) = (counted, self.paths(scope)) else { continue };
            tally.until.retain(|day, _| *day >= today.0);
            // A rebuilt tally must be on disk before the ids that it counts are removed. One that merely counts what has
            // expired as well may be written by a later call.
            let is_saved = told.as_ref() == Some(&tally) || self.save(scope, &tally).is_ok();
            if !is_saved && told.is_none() {
                continue;
            }
            for path in paths {
                match name_of(&path) {
                    Some((at, until, _)) if until >= today => {
                        if let Look::Read(stat) = self.files.examine(&path) {
                            kept.push((at.0, stat.occupies, path));
                        }
                    }
                    // Its name says that its retention is over, even if its content can't be read.
                    _ => self.files.remove_or_leave(&path),
                }
            }
        }
        // For scopes that this program does not declare: remove files past their retention.
        for name in self.seen(&self.store.join("named")) {
            if scopes.iter().any(|scope| name == scope.name()) {
                continue;
            }
            let directory = self.store.join("named").join(name);
            for path in self.seen(&directory).into_iter().map(|name| directory.join(name)) {
                if name_of(&path).is_some_and(|(_, until, _)| until < today) {
                    self.files.remove_or_leave(&path);
                }
            }
        }
        drop_oldest(self.files, kept, CAP);
    }

    /// The names that can be seen in a directory now, for clean-up. What can't be listed is cleaned up another time.
    fn seen(&self, directory: &Path) -> Vec<String> {
        match self.files.children(directory) {
            Look::Read(names) => names,
            Look::Absent | Look::Refused(_) | Look::Failed(_) => Vec::new(),
        }
    }

    /// Deletes the ids of a scope when the person asks for it. The tally of sent records is kept.
    pub(crate) fn delete(&self, scope: Scope) -> io::Result<()> {
        // A damaged or missing tally is rebuilt from the ids that are deleted next.
        let tally = self.tally(scope)?;
        let paths = self.paths(scope)?;
        if paths.is_empty() {
            return Ok(());
        }
        self.save(scope, &tally)?;
        paths.iter().try_for_each(|path| self.files.remove_with_unfinished(path))?;
        self.files.sync_dir(&self.directory(scope))
    }

    fn path(&self, scope: Scope, named: &Named) -> PathBuf {
        self.directory(scope).join(format!("{:014}-{}-{}.json", named.at.0, named.until.0, named.batch))
    }

    fn paths(&self, scope: Scope) -> io::Result<Vec<PathBuf>> {
        let directory = self.directory(scope);
        let names = self.children(scope)?.into_iter().filter(|name| name.ends_with(".json"));
        Ok(names.map(|name| directory.join(name)).collect())
    }

    /// The ids in a file. `None` if it is damaged or absent. An error if it was not read.
    fn read(&self, scope: Scope, path: &Path) -> io::Result<Option<Named>> {
        let bytes = self.files.contents(path, NAMES_MOST).found_at(path)?;
        Ok(bytes.and_then(|bytes| self.parse(scope, path, &bytes)))
    }

    fn parse(&self, scope: Scope, path: &Path, bytes: &[u8]) -> Option<Named> {
        let document: Document = serde_json::from_str(disk::unseal("named", bytes)?).ok()?;
        let Document { batch, at, until, to, uids, scope: name } = document;
        let named = Named { batch, at: Time(at), until: Day(until), to, uids: separate(&uids)? };
        (name == scope.name() && *path == self.path(scope, &named) && name_of(path).is_some()).then_some(named)
    }

    /// The tally. If it is missing or damaged, it is rebuilt from the ids that are left. An error if it was not read.
    fn tally(&self, scope: Scope) -> io::Result<Tally> {
        self.kept_tally(scope)?.map_or_else(|| self.tally_of_ids(scope), Ok)
    }

    fn tally_of_ids(&self, scope: Scope) -> io::Result<Tally> {
        let mut tally = Tally::default();
        for named in self.all(scope, Day(0))? {
            *tally.until.entry(named.until.0).or_default() += named.uids.len() as u64;
        }
        Ok(tally)
    }

    fn kept_tally(&self, scope: Scope) -> io::Result<Option<Tally>> {
        let path = self.directory(scope).join("tally");
        let bytes = self.files.contents(&path, TALLY_MOST).found_at(&path)?;
        Ok(bytes.and_then(|bytes| serde_json::from_str(disk::unseal("tally", &bytes)?).ok()))
    }

    fn save(&self, scope: Scope, tally: &Tally) -> io::Result<()> {
        let json = serde_json::to_string(tally).map_err(io::Error::other)?;
        self.files.replace(&self.directory(scope).join("tally"), &disk::seal("tally", &json))
    }
}

/// What a file's name says: the time of the first try, the end of the retention, and the request's key.
fn name_of(path: &Path) -> Option<(Time, Day, String)> {
    let name = path.file_stem()?.to_str()?;
    let mut parts = name.splitn(3, '-');
    let (at, until, batch) = (parts.next()?, parts.next()?, parts.next()?);
    unhex::<16>(batch)?;
    Some((Time(at.parse().ok()?), Day(until.parse().ok()?), batch.to_owned()))
}
