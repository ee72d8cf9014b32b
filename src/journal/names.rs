//! Which records left: the random id each left with, noted before its request is tried for the first time, and kept for
//! as long as the recipient may have it. By these, and by nothing else, a record can be named for erasure.
//!
//! Holds no contents: the sent log does, for a shorter time. How many records left is counted apart, so that ids that were
//! deleted, or lost, are missed and not forgotten. Never read by what sends reports.

use super::drop_oldest;
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

/// How many bytes of ids are kept, over all scopes: those of some sixty thousand records. The oldest go first.
const CAP: u64 = 2 << 20;
/// A number for each day of the longest retention.
const TALLY_MOST: u64 = 256 << 10;

/// The ids of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    scope: String,
    batch: String,
    /// When it was tried first.
    at: u64,
    /// The last UTC day on which the recipient may have the records.
    until: u32,
    /// Where it went.
    to: String,
    uids: String,
}

/// The records of one request, as they can be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) batch: String,
    pub(crate) at: Time,
    pub(crate) until: Day,
    pub(crate) to: String,
    pub(crate) uids: Vec<Uid>,
}

/// How many records left, by the last day on which the recipient may have them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tally {
    /// The request that was counted last: one whose ids could not be written after it is not counted twice.
    last: String,
    until: BTreeMap<u32, u64>,
}

/// The ids of what left, of one store. Whoever changes them holds the lock of wishes.
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

    /// Notes the records of a request, durably, before it is tried. `first` is false where they were counted already,
    /// under the key of the request that this one was made from.
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

    /// What lies in a scope's directory.
    ///
    /// # Errors
    /// The system did not let us look, or something else stands in its place: there may be anything.
    fn children(&self, scope: Scope) -> io::Result<Vec<String>> {
        let directory = self.directory(scope);
        Ok(self.files.children(&directory).found_at(&directory)?.unwrap_or_default())
    }

    /// Whether the records of this request were noted. An error where that can't be seen now.
    pub(crate) fn has(&self, scope: Scope, batch: &str) -> io::Result<bool> {
        let names = self.children(scope)?;
        Ok(names.iter().any(|name| name.strip_suffix(".json").is_some_and(|name| name.ends_with(batch))))
    }

    /// Whether anything was ever noted of a scope. An error where that can't be seen now.
    pub(crate) fn holds_any(&self, scope: Scope) -> io::Result<bool> {
        Ok(!self.children(scope)?.is_empty())
    }

    /// Every request whose records can be named and whose retention is not over, oldest first. No record is in two: where
    /// a request was made anew from a larger one that was refused whole, the smaller has it.
    ///
    /// # Errors
    /// One of them could not be read, or is not for us to read, such as one that others may open: what the rest says is not all.
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

    /// How many records left, or may have, whose retention is not over; and until when the recipient has the last.
    /// An error where that can't be read now.
    pub(crate) fn left(&self, scope: Scope, today: Day) -> io::Result<(u64, Option<Day>)> {
        let mut until = self.tally(scope)?.until;
        until.retain(|day, count| *day >= today.0 && *count > 0);
        let sum = until.values().fold(0, |sum: u64, count| sum.saturating_add(*count));
        Ok((sum, until.keys().next_back().map(|day| Day(*day))))
    }

    /// Forgets what is past the recipient's retention, and the oldest beyond the cap.
    pub(crate) fn expire(&self, scopes: &[Scope], today: Day) {
        let mut kept: Vec<(u64, u64, PathBuf)> = Vec::new();
        for &scope in scopes {
            if !self.holds_any(scope).unwrap_or(false) {
                continue;
            }
            // Before any ids go: what the count lost is made good from them.
            // One that can't be read now is no reason to count anew, and nothing goes before it is known.
            let Ok(told) = self.kept_tally(scope) else { continue };
            let counted = told.clone().map_or_else(|| self.tally_of_ids(scope), Ok);
            let (Ok(mut tally), Ok(paths)) = (counted, self.paths(scope)) else { continue };
            tally.until.retain(|day, _| *day >= today.0);
            if told.as_ref() != Some(&tally) {
                let _ = self.save(scope, &tally);
            }
            for path in paths {
                match name_of(&path) {
                    Some((at, until, _)) if until >= today => {
                        if let Look::Read(stat) = self.files.examine(&path) {
                            kept.push((at.0, stat.occupies, path));
                        }
                    }
                    // Its name says that its time is over, whoever may read it.
                    _ => drop(self.files.remove_if_there(&path)),
                }
            }
        }
        // Of a scope that this program does not declare, what is past its day.
        for name in self.seen(&self.store.join("named")) {
            if scopes.iter().any(|scope| name == scope.name()) {
                continue;
            }
            let directory = self.store.join("named").join(name);
            for path in self.seen(&directory).into_iter().map(|name| directory.join(name)) {
                if name_of(&path).is_some_and(|(_, until, _)| until < today) {
                    let _ = self.files.remove_if_there(&path);
                }
            }
        }
        drop_oldest(self.files, kept, CAP);
    }

    /// What can be seen in a directory now, for clearing up: the rest goes another time.
    fn seen(&self, directory: &Path) -> Vec<String> {
        match self.files.children(directory) {
            Look::Read(names) => names,
            Look::Absent | Look::Refused(_) | Look::Failed(_) => Vec::new(),
        }
    }

    /// Deletes the ids of a scope, at the person's wish. How many records left is still known.
    pub(crate) fn delete(&self, scope: Scope) -> io::Result<()> {
        // What can't be read of the count is made good from what is deleted next.
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

    /// The ids in a file; `None` where it is damaged, or gone. An error where it was not read.
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

    /// The count; where it is missing or damaged, what the ids that are left say. An error where it was not read.
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

/// What a file's name says: when, until when, and which request.
fn name_of(path: &Path) -> Option<(Time, Day, String)> {
    let name = path.file_stem()?.to_str()?;
    let mut parts = name.splitn(3, '-');
    let (at, until, batch) = (parts.next()?, parts.next()?, parts.next()?);
    unhex::<16>(batch)?;
    Some((Time(at.parse().ok()?), Day(until.parse().ok()?), batch.to_owned()))
}
