//! Batches: the exact bytes of a request and its key, on disk before the first try.
//!
//! ```text
//! candor-batch 1 <crc32c> {"scope":"playback",…,"body_crc":…,"body_len":…}
//! {the request's body}
//! ```
//!
//! The first line changes with every try, the body never. A batch names the lines it was made of, so that an
//! interrupted build neither loses a line nor sends it twice. Nothing here reads consent or the network.

use super::{
    LOSSES_WAIT, Losses,
    counters::{Counters, DropReason},
    segment,
    waiting::{READ_MOST, note_unread, shown},
};
use crate::{
    ambient::{Ambient, Day, Time, hex, unhex},
    consent::{Place, Scope},
    disk::{self, Files, Look, StatKind},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

/// More than any body that is made here.
const BATCH_MOST: u64 = 1 << 20;
const MAGIC: &str = "candor-batch 1 ";
/// More records than fit, whatever a first line says.
const RECORDS_MOST: u64 = BATCH_MOST / 64;
/// What stands once in each record.
const ID: &[u8] = br#""log.record.uid""#;

/// A batch that has not been written yet.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) scope: Scope,
    pub(crate) generation: u64,
    pub(crate) epoch: u64,
    pub(crate) records: u64,
    pub(crate) sources: Vec<Source>,
    pub(crate) body: Vec<u8>,
    /// When it is made.
    pub(crate) at: Time,
    /// The batch it is made from, and which part of it this is; its age, tries and key follow from that one's, so that
    /// making it twice makes it once.
    pub(crate) parent: Option<(Parent, u8)>,
}

/// What a batch hands down to those that are made from it.
#[derive(Debug, Clone)]
pub(crate) struct Parent {
    key: String,
    made: u64,
    tries: u32,
}

/// Lines of one segment, from the first number to the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    pub(crate) segment: String,
    pub(crate) lines: Vec<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    scope: String,
    generation: u64,
    epoch: u64,
    key: String,
    made: u64,
    tries: u32,
    /// It was tried, whatever the number says: a try that says nothing about the batch is taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    left: bool,
    records: u64,
    sources: Vec<Source>,
    body_crc: u32,
    /// Of 64 bits everywhere: a first line is as sound where a program's own numbers are smaller.
    body_len: u64,
}

/// Lines of one scope and one epoch in the exact bytes of one request.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    head: Head,
    body: Vec<u8>,
    path: PathBuf,
}

impl Batch {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn scope(&self) -> &str {
        &self.head.scope
    }

    pub(crate) fn generation(&self) -> u64 {
        self.head.generation
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.head.epoch
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn key(&self) -> &str {
        &self.head.key
    }

    pub(crate) fn tries(&self) -> u32 {
        self.head.tries
    }

    /// Whether these bytes left this computer, or may have: they were tried.
    pub(super) fn may_have_left(&self) -> bool {
        self.head.left
    }

    pub(crate) fn made(&self) -> Time {
        Time(self.head.made)
    }

    pub(crate) fn records(&self) -> u64 {
        self.head.records
    }

    pub(crate) fn sources(&self) -> &[Source] {
        &self.head.sources
    }

    pub(crate) fn parent(&self) -> Parent {
        Parent { key: self.head.key.clone(), made: self.head.made, tries: self.head.tries }
    }

    /// Takes over how many records were found in the body, whatever the first line says.
    pub(crate) fn set_records(&mut self, records: u64) {
        self.head.records = records;
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        let json = serde_json::to_string(&self.head).map_err(io::Error::other)?;
        let mut bytes = format!("{MAGIC}{:08x} {json}\n", crc32c::crc32c(json.as_bytes())).into_bytes();
        bytes.extend_from_slice(&self.body);
        Ok(bytes)
    }
}

/// What the first line says, by a checksum of its own, and what stands behind it.
fn head_of(bytes: &[u8]) -> Option<(Head, &[u8])> {
    let at = bytes.iter().position(|&byte| byte == b'\n')?;
    let (first, body) = (std::str::from_utf8(bytes.get(..at)?).ok()?, bytes.get(at + 1..)?);
    let (crc, json) = first.strip_prefix(MAGIC)?.split_once(' ')?;
    let head: Head = serde_json::from_str(json).ok()?;
    (crc == format!("{:08x}", crc32c::crc32c(json.as_bytes()))).then_some((head, body))
}

fn parse(bytes: &[u8]) -> Option<(Head, &[u8])> {
    head_of(bytes).filter(|(head, body)| head.body_len == body.len() as u64 && head.body_crc == crc32c::crc32c(body))
}

fn name_of(made: u64, key: &str) -> String {
    format!("{made:014}-{key}.json")
}

/// A batch that is sound, written anew.
#[cfg(any(test, fuzzing))]
pub(super) fn again(bytes: &[u8]) -> Option<Vec<u8>> {
    peek_bytes(bytes, Path::new(""))?.bytes().ok()
}

/// The same bytes with checksums and a length that fit, where they have a first line that could be one.
#[cfg(any(test, fuzzing))]
pub(super) fn signed(bytes: &[u8]) -> Option<Vec<u8>> {
    let at = bytes.iter().position(|&byte| byte == b'\n')?;
    let (first, body) = (std::str::from_utf8(bytes.get(..at)?).ok()?, bytes.get(at + 1..)?);
    let mut head: Head = serde_json::from_str(first.get(first.find('{')?..)?).ok()?;
    (head.body_len, head.body_crc) = (body.len() as u64, crc32c::crc32c(body));
    Batch { head, body: body.to_vec(), path: PathBuf::new() }.bytes().ok()
}

/// How many records a batch's bytes say they hold, whether its body is sound or not; where the first line is damaged, as many as
/// have an id there, and one at least.
pub(super) fn records_in(bytes: &[u8]) -> u64 {
    let ids = || bytes.windows(ID.len()).filter(|window| *window == ID).count() as u64;
    head_of(bytes).map_or_else(|| ids().max(1), |(head, _)| head.records.clamp(1, RECORDS_MOST))
}

/// From which segments a batch's bytes say that its lines are; from none where the first line is damaged.
pub(super) fn sources_in(bytes: &[u8]) -> Vec<Source> {
    head_of(bytes).map_or_else(Vec::new, |(head, _)| head.sources)
}

/// How many records of a batch lie in these segments as well, which show them: they have not left, and are made a batch anew or
/// counted with their segment.
///
/// # Errors
/// The system did not let us read a segment: nobody knows what is in it.
pub(super) fn in_segments(files: &Files, waiting: &Path, bytes: &[u8]) -> io::Result<u64> {
    let mut records = 0;
    for source in sources_in(bytes) {
        let path = waiting.join(&source.segment);
        let segment = match files.contents(&path, READ_MOST) {
            Look::Read(segment) => segment,
            Look::Absent => continue,
            Look::Failed(error) => return Err(disk::named(&path, &error)),
            // Such as one that a restored backup opened to others: what it shows is counted when it goes.
            Look::Refused(_) => match files.read_shared(&path, READ_MOST) {
                Err(error) if error.kind() == io::ErrorKind::NotFound || disk::refusal(&error).is_some() => continue,
                read => read.map_err(|error| disk::named(&path, &error))?,
            },
        };
        let shown: BTreeSet<u64> = segment::recover(&segment).lines.iter().map(|line| line.seq).collect();
        records += source.lines.iter().filter(|line| shown.contains(line)).count() as u64;
    }
    Ok(records)
}

/// A batch's epoch, records and body, for showing.
pub(super) fn peek_bytes(bytes: &[u8], path: &Path) -> Option<Batch> {
    parse(bytes).map(|(head, body)| Batch { head, body: body.to_vec(), path: path.to_owned() })
}

/// A receiver's word that it takes no more reports of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gone {
    /// The version of the application whose reports it was about, as it is sent; empty where the program gives none.
    pub(crate) version: String,
    /// When it said so.
    pub(crate) since: u64,
}

/// When a scope sends next. Times are milliseconds since 1970; 0 is "not drawn yet".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Schedule {
    /// The moment in the scope's daily window, drawn at random.
    pub(crate) next: u64,
    /// Nothing is tried before this time.
    pub(crate) not_before: u64,
    /// How many tries in a row failed.
    pub(crate) failures: u32,
    /// The last of them may be none: it was under way when this was written, and nobody noted an answer since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unanswered: bool,
    /// That the receiver takes no more reports, if it said so.
    pub(crate) gone: Option<Gone>,
    /// The file of the batch that was tried last, where it was not taken: the others have their turn before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<String>,
    /// Why it can't be read now, where that is so: then nothing of it is known, and it is not written.
    #[serde(skip)]
    pub(crate) unread: Option<String>,
}

/// The batches of one store.
pub(crate) struct Outbox<'j> {
    files: &'j Files,
    store: &'j Path,
    counters: &'j Counters,
    ambient: &'j Ambient,
}

impl<'j> Outbox<'j> {
    pub(super) fn new(files: &'j Files, store: &'j Path, counters: &'j Counters, ambient: &'j Ambient) -> Self {
        Outbox { files, store, counters, ambient }
    }

    fn directory(&self, scope: &str, generation: u64) -> PathBuf {
        self.store.join("outbox").join(scope).join(generation.to_string())
    }

    /// Writes a batch under a random key, durably.
    pub(crate) fn write(&self, draft: Draft, ambient: &Ambient) -> io::Result<Batch> {
        let directory = self.directory(draft.scope.name(), draft.generation);
        self.files.own_dir(&directory)?;
        let (key, made, tries) = match &draft.parent {
            None => (ambient.random_hex::<16>()?, draft.at.0, 0),
            Some((parent, part)) => {
                let hash = blake3::hash(format!("{} {part}", parent.key).as_bytes());
                (hex(hash.as_bytes().split_at(16).0), parent.made, parent.tries)
            }
        };
        let batch = Batch {
            path: directory.join(name_of(made, &key)),
            head: Head {
                scope: draft.scope.name().into(),
                generation: draft.generation,
                epoch: draft.epoch,
                key,
                made,
                tries,
                left: false,
                records: draft.records,
                sources: draft.sources,
                body_crc: crc32c::crc32c(&draft.body),
                body_len: draft.body.len() as u64,
            },
            body: draft.body,
        };
        self.files.replace(&batch.path, &batch.bytes()?)?;
        Ok(batch)
    }

    /// The files of one grant's batches, oldest first.
    ///
    /// # Errors
    /// The system did not let us look.
    pub(crate) fn paths(&self, place: Place) -> io::Result<Vec<PathBuf>> {
        let directory = self.directory(place.scope.name(), place.generation);
        let names = self.files.children(&directory).found_at(&directory)?.unwrap_or_default();
        Ok(names.into_iter().filter(|name| name.ends_with(".json")).map(|name| directory.join(name)).collect())
    }

    /// Reads one batch. A damaged one, or one of another grant, is removed and counted.
    ///
    /// # Errors
    /// The system did not let us read it now; it stays.
    pub(crate) fn open(&self, path: &Path, place: Place) -> io::Result<Option<Batch>> {
        let bytes = match self.files.contents(path, BATCH_MOST) {
            Look::Read(bytes) => bytes,
            Look::Refused(_) => {
                // Such as one that a restored backup opened to others: it comes to a counted end, as all that waits does, and what it
                // held is counted as far as it can be told.
                let bytes = match self.files.read_shared(path, READ_MOST) {
                    // Larger than any that candor writes, or a link that leads nowhere.
                    Err(error) if error.kind() == io::ErrorKind::NotFound || disk::refusal(&error).is_some() => {
                        Vec::new()
                    }
                    // Such as another user's that only that one may read: it stays.
                    read => read.map_err(|error| disk::named(path, &error))?,
                };
                let is_whole = (1..=BATCH_MOST).contains(&(bytes.len() as u64));
                let reason = if is_whole { DropReason::Foreign } else { DropReason::Damaged };
                return self.end(path, place, &bytes, reason).map(|()| None);
            }
            Look::Absent => return Ok(None),
            // It stays, and is found again.
            Look::Failed(error) => return Err(disk::named(path, &error)),
        };
        let Some((head, body)) = parse(&bytes) else {
            return self.end(path, place, &bytes, DropReason::Damaged).map(|()| None);
        };
        let batch = Batch { head, body: body.to_vec(), path: path.to_owned() };
        let head = &batch.head;
        let named = unhex::<16>(&head.key).is_some()
            && path.file_name().and_then(|name| name.to_str()) == Some(&name_of(head.made, &head.key));
        let ours = head.scope == place.scope.name() && head.generation == place.generation && head.epoch == place.epoch;
        if !named || !ours {
            return self.end(path, place, &bytes, DropReason::Foreign).map(|()| None);
        }
        Ok(Some(batch))
    }

    /// Removes a file that is of no use, and counts each record that is lost with it.
    fn end(&self, path: &Path, place: Place, bytes: &[u8], reason: DropReason) -> io::Result<()> {
        let waiting = self.store.join("waiting").join(place.scope.name()).join(place.generation.to_string());
        let elsewhere = in_segments(self.files, &waiting, bytes)?;
        let lost = records_in(bytes).saturating_sub(elsewhere);
        self.counters.drop(reason, lost);
        let _ = Losses::new(self.files, self.store, self.counters).save(
            self.ambient,
            self.ambient.now().day(),
            false,
            LOSSES_WAIT,
        );
        let gone = self.files.remove_if_there(path);
        if gone.is_err() {
            self.counters.take_back(reason, lost);
        }
        gone
    }

    /// Why a batch is left alone today: others may open it, as a restored backup leaves it. It leaves once they may not; when its
    /// day is over it comes to a counted end, as all that waits does.
    pub(crate) fn left_alone(&self, path: &Path, today: Day) -> Option<io::Error> {
        let made: u64 = path.file_name()?.to_str()?.split_once('-')?.0.parse().ok()?;
        let Look::Read(stat) = self.files.examine(path) else { return None };
        let alone = stat.kind == StatKind::File && stat.exposed.is_some() && Time(made).day() >= today;
        if alone { self.files.contents(path, BATCH_MOST).found_at(path).err() } else { None }
    }

    /// From which segments the lines of such a batch are.
    pub(crate) fn sources_alone(&self, path: &Path) -> io::Result<Vec<Source>> {
        self.files.read_shared(path, BATCH_MOST).map(|bytes| sources_in(&bytes))
    }

    /// The same for showing: reads, and changes nothing. What can't be read now is named in `unread`.
    pub(crate) fn peek(&self, place: Place, unread: &mut Vec<String>) -> Vec<Batch> {
        let directory = self.directory(place.scope.name(), place.generation);
        let mut names = note_unread(&directory, self.files.children(&directory), unread).unwrap_or_default();
        names.retain(|name| name.ends_with(".json"));
        shown(&mut names, &directory, unread);
        let mut batches = Vec::new();
        for name in names {
            let path = directory.join(name);
            let bytes = note_unread(&path, self.files.contents(&path, BATCH_MOST), unread);
            batches.extend(bytes.and_then(|bytes| peek_bytes(&bytes, &path)));
        }
        batches.retain(|batch| batch.head.epoch == place.epoch);
        batches
    }

    /// Notes a try, durably, before it is made.
    pub(crate) fn note_try(&self, batch: &mut Batch) -> io::Result<()> {
        batch.head.tries = batch.head.tries.saturating_add(1);
        batch.head.left = true;
        self.files.replace(&batch.path, &batch.bytes()?)
    }

    /// Takes a try back that says nothing about the batch.
    pub(crate) fn forget_try(&self, batch: &mut Batch) -> io::Result<()> {
        batch.head.tries = batch.head.tries.saturating_sub(1);
        self.files.replace(&batch.path, &batch.bytes()?)
    }

    pub(crate) fn remove(&self, batch: &Batch) -> io::Result<()> {
        self.files.remove_if_there(&batch.path)?;
        self.files.sync_parent(&batch.path)
    }

    /// When the scope sends next. What is damaged says: not before an hour from now; and what can't be read now is read again
    /// after a minute.
    pub(crate) fn schedule(&self, scope: Scope, generation: u64, now: Time) -> Schedule {
        self.read_schedule(&self.schedule_path(scope, generation), now)
    }

    pub(crate) fn save_schedule(&self, scope: Scope, generation: u64, schedule: &Schedule) -> io::Result<()> {
        self.write_schedule(&self.schedule_path(scope, generation), schedule)
    }

    /// When the scope's next request for erasure leaves. It belongs to no grant.
    pub(crate) fn erasing_schedule(&self, scope: Scope, now: Time) -> Schedule {
        self.read_schedule(&self.erasing_path(scope), now)
    }

    pub(crate) fn save_erasing_schedule(&self, scope: Scope, schedule: &Schedule) -> io::Result<()> {
        self.write_schedule(&self.erasing_path(scope), schedule)
    }

    /// Nothing is to be erased any more.
    pub(crate) fn end_erasing_schedule(&self, scope: Scope) {
        let _ = self.files.remove_with_unfinished(&self.erasing_path(scope));
    }

    fn read_schedule(&self, path: &Path, now: Time) -> Schedule {
        let careful = Schedule { not_before: now.0 + 3_600_000, ..Schedule::default() };
        let again = now.0 + 60_000;
        let unread = |why| Schedule { next: again, not_before: again, unread: Some(why), ..Schedule::default() };
        let said = |bytes: &[u8]| -> Option<Schedule> {
            let schedule: Schedule = serde_json::from_str(disk::unseal("schedule", bytes)?).ok()?;
            Some(Schedule {
                // A clock that once stood far ahead must not stop reports for years.
                next: schedule.next.min(now.0 + 2 * 86_400_000),
                not_before: schedule.not_before.min(now.0 + 86_400_000),
                failures: schedule.failures.min(16),
                ..schedule
            })
        };
        match self.files.contents(path, 4096) {
            Look::Absent => Schedule::default(),
            Look::Read(bytes) => said(&bytes).unwrap_or(careful),
            // Such as one that a restored backup opened to others. Whatever it says can only keep reports back, so that a receiver
            // who is gone, or wants to be left alone for a day, is not asked sooner for it.
            Look::Refused(why) => {
                let heard = match self.files.read_shared(path, 4096) {
                    Ok(bytes) => said(&bytes).unwrap_or_default(),
                    Err(error) => return unread(format!("{}: {why} ({error})", path.display())),
                };
                Schedule {
                    not_before: heard.not_before.max(careful.not_before),
                    failures: heard.failures,
                    gone: heard.gone,
                    ..careful
                }
            }
            // It has its moment, and keeps it.
            Look::Failed(error) => unread(error.to_string()),
        }
    }

    fn write_schedule(&self, path: &Path, schedule: &Schedule) -> io::Result<()> {
        if let Some(directory) = path.parent() {
            self.files.own_dir(directory)?;
        }
        let json = serde_json::to_string(schedule).map_err(io::Error::other)?;
        self.files.replace(path, &disk::seal("schedule", &json))
    }

    fn schedule_path(&self, scope: Scope, generation: u64) -> PathBuf {
        self.directory(scope.name(), generation).join("schedule")
    }

    fn erasing_path(&self, scope: Scope) -> PathBuf {
        self.store.join("erasing").join(scope.name()).join("schedule")
    }
}
