//! Batches: the exact bytes of a request and its key, on disk before the first try. This module never reads consent and
//! never uses the network.
//!
//! ```text
//! candor-batch 1 <crc32c> {"scope":"playback",…,"body_crc":…,"body_len":…}
//! {the request's body}
//! ```
//!
//! The first line changes with every try; the body never changes. A batch names the lines it was made of, so that an
//! interrupted build neither loses a line nor sends it twice.

use super::{
    counters::{Counters, DropReason},
    losses::{LOSSES_WAIT, Losses},
    reading::{READ_MOST, note_unread, shown},
    segment,
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

/// Larger than any body that this program makes, in bytes.
const BATCH_MOST: u64 = 1 << 20;
const MAGIC: &str = "candor-batch 1 ";
/// More records than fit into a batch. A larger number in a first line is ignored.
const RECORDS_MOST: u64 = BATCH_MOST / 64;
const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;
/// Occurs once in each record.
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
    /// When the batch is made.
    pub(crate) at: Time,
    /// The batch it is made from, and which part of that batch this is. Its age, tries and key follow from the
    /// parent's. So making it a second time results in the same batch.
    pub(crate) parent: Option<(Parent, u8)>,
}

/// What a batch passes on to the batches that are made from it.
#[derive(Debug, Clone)]
pub(crate) struct Parent {
    key: String,
    made: u64,
    tries: u32,
}

/// Lines of one segment, by their sequence numbers.
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
    /// Whether the batch was ever tried. `tries` may be 0 all the same: a try that says nothing about the batch is
    /// taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    left: bool,
    records: u64,
    sources: Vec<Source>,
    body_crc: u32,
    /// 64 bits on every platform, so that a first line is valid everywhere, also where `usize` is smaller.
    body_len: u64,
}

/// Lines of one scope and one epoch, as the exact bytes of one request.
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

    /// Whether these bytes were sent, or may have been: they were tried.
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

    /// Sets the number of records to the number found in the body, whatever the first line says.
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

/// The first line, verified by its own checksum, and the bytes after it. The body is not verified.
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

/// A sound batch, written again.
#[cfg(any(test, fuzzing))]
pub(super) fn again(bytes: &[u8]) -> Option<Vec<u8>> {
    peek_bytes(bytes, Path::new(""))?.bytes().ok()
}

/// The same bytes with a valid length and valid checksums. `None` if their first line can't be parsed as a batch's.
#[cfg(any(test, fuzzing))]
pub(super) fn signed(bytes: &[u8]) -> Option<Vec<u8>> {
    let at = bytes.iter().position(|&byte| byte == b'\n')?;
    let (first, body) = (std::str::from_utf8(bytes.get(..at)?).ok()?, bytes.get(at + 1..)?);
    let mut head: Head = serde_json::from_str(first.get(first.find('{')?..)?).ok()?;
    (head.body_len, head.body_crc) = (body.len() as u64, crc32c::crc32c(body));
    Batch { head, body: body.to_vec(), path: PathBuf::new() }.bytes().ok()
}

/// How many records a batch claims to hold, whether its body is sound or not. If the first line is damaged, counts the
/// ids in the bytes. At least one in any case.
pub(super) fn records_in(bytes: &[u8]) -> u64 {
    let ids = || bytes.windows(ID.len()).filter(|window| *window == ID).count() as u64;
    head_of(bytes).map_or_else(|| ids().max(1), |(head, _)| head.records.clamp(1, RECORDS_MOST))
}

/// The sources that a batch's first line names. Empty if the first line is damaged.
pub(super) fn sources_in(bytes: &[u8]) -> Vec<Source> {
    head_of(bytes).map_or_else(Vec::new, |(head, _)| head.sources)
}

/// How many records of a batch are still readable in these segments. Those were not sent: they are put into a new
/// batch, or counted when their segment is removed.
///
/// # Errors
/// The system did not let us read a segment: its content is unknown.
pub(super) fn in_segments(files: &Files, waiting: &Path, bytes: &[u8]) -> io::Result<u64> {
    let mut records = 0;
    for source in sources_in(bytes) {
        let path = waiting.join(&source.segment);
        let segment = match files.contents(&path, READ_MOST) {
            Look::Read(segment) => segment,
            Look::Absent => continue,
            Look::Failed(error) => return Err(disk::named(&path, &error)),
            // For example a segment that a restored backup opened to others. The events it holds are counted when it is
            // removed.
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

/// A batch with its epoch, records and body, for showing. `None` if it is damaged.
pub(super) fn peek_bytes(bytes: &[u8], path: &Path) -> Option<Batch> {
    parse(bytes).map(|(head, body)| Batch { head, body: body.to_vec(), path: path.to_owned() })
}

/// A receiver's statement that it takes no more reports of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gone {
    /// The version of the application whose reports it was about, as it is sent. Empty if the program gives none.
    pub(crate) version: String,
    /// When the receiver said so.
    pub(crate) since: u64,
}

/// When a scope sends next. Times are milliseconds since 1970; a `next` of 0 means that it has not been drawn yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Schedule {
    /// The moment in the scope's daily window, drawn at random.
    pub(crate) next: u64,
    /// Nothing is tried before this time.
    pub(crate) not_before: u64,
    /// How many tries in a row failed.
    pub(crate) failures: u32,
    /// The last failure may not be one: its try was under way when this was written, and no answer has been noted
    /// since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unanswered: bool,
    /// The receiver's statement that it takes no more reports, if it made one.
    pub(crate) gone: Option<Gone>,
    /// The file of the batch that was tried last, if it was not taken. The other batches are tried before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<String>,
    /// Why the schedule can't be read now, if so. Then its content is unknown, and it is not written.
    #[serde(skip)]
    pub(crate) unread: Option<String>,
}

impl Schedule {
    /// When the scope is due. After a failure that is the end of the back-off.
    pub(crate) fn due(&self) -> Time {
        Time(if self.failures > 0 { self.not_before } else { self.next.max(self.not_before) })
    }

    pub(crate) fn is_due(&self, now: Time) -> bool {
        self.due() <= now
    }
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

    /// Writes a batch durably. Its key is random, or derived from its parent's key.
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

    /// The paths of one grant's batches, oldest first.
    ///
    /// # Errors
    /// The system did not let us look.
    pub(crate) fn paths(&self, place: Place) -> io::Result<Vec<PathBuf>> {
        let directory = self.directory(place.scope.name(), place.generation);
        let names = self.files.children(&directory).found_at(&directory)?.unwrap_or_default();
        Ok(names.into_iter().filter(|name| name.ends_with(".json")).map(|name| directory.join(name)).collect())
    }

    /// Reads one batch. A batch that is damaged or belongs to another grant is removed and counted; then this returns
    /// `None`.
    ///
    /// # Errors
    /// The system did not let us read it now, or it could not be counted or removed: it stays.
    pub(crate) fn open(&self, path: &Path, place: Place) -> io::Result<Option<Batch>> {
        let bytes = match self.files.contents(path, BATCH_MOST) {
            Look::Read(bytes) => bytes,
            Look::Refused(_) => {
                // For example a batch that a restored backup opened to others. It is removed, as all pending data is in
                // the end, and its records are counted as far as they are known.
                let bytes = match self.files.read_shared(path, READ_MOST) {
                    // Larger than any file that candor writes, or a link that leads nowhere.
                    Err(error) if error.kind() == io::ErrorKind::NotFound || disk::refusal(&error).is_some() => {
                        Vec::new()
                    }
                    // For example a file that belongs to another user and that only that user may read: it stays.
                    read => read.map_err(|error| disk::named(path, &error))?,
                };
                let is_whole = (1..=BATCH_MOST).contains(&(bytes.len() as u64));
                let reason = if is_whole { DropReason::Foreign } else { DropReason::Damaged };
                return self.end(path, place, &bytes, reason).map(|()| None);
            }
            Look::Absent => return Ok(None),
            // It stays, and is read again later.
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

    /// Removes a file that can't be used, and counts each record that is lost with it.
    fn end(&self, path: &Path, place: Place, bytes: &[u8], reason: DropReason) -> io::Result<()> {
        let waiting = self.store.join("waiting").join(place.scope.name()).join(place.generation.to_string());
        let elsewhere = in_segments(self.files, &waiting, bytes)?;
        let lost = records_in(bytes).saturating_sub(elsewhere);
        self.counters.drop(reason, lost);
        // What can't be written is added by a later call.
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

    /// Why a batch is left alone today; `None` if it is not. It is left alone while it is open to others, for example
    /// after a backup was restored. It is sent once it is closed to others. When its day is over it is removed and
    /// counted, like all pending data.
    pub(crate) fn left_alone(&self, path: &Path, today: Day) -> Option<io::Error> {
        let made: u64 = path.file_name()?.to_str()?.split_once('-')?.0.parse().ok()?;
        let Look::Read(stat) = self.files.examine(path) else { return None };
        let alone = stat.kind == StatKind::File && stat.exposed.is_some() && Time(made).day() >= today;
        if alone { self.files.contents(path, BATCH_MOST).found_at(path).err() } else { None }
    }

    /// The sources of a batch that is left alone.
    pub(crate) fn sources_alone(&self, path: &Path) -> io::Result<Vec<Source>> {
        self.files.read_shared(path, BATCH_MOST).map(|bytes| sources_in(&bytes))
    }

    /// The batches of a grant, for showing. Changes nothing. Names what can't be read now in `unread`.
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

    /// Takes back a try that says nothing about the batch.
    pub(crate) fn forget_try(&self, batch: &mut Batch) -> io::Result<()> {
        batch.head.tries = batch.head.tries.saturating_sub(1);
        self.files.replace(&batch.path, &batch.bytes()?)
    }

    pub(crate) fn remove(&self, batch: &Batch) -> io::Result<()> {
        self.files.remove_if_there(&batch.path)?;
        self.files.sync_parent(&batch.path)
    }

    /// When the scope sends next. If the schedule is damaged, not before one hour from now. If it can't be read now, it
    /// is read again after one minute.
    pub(crate) fn schedule(&self, scope: Scope, generation: u64, now: Time) -> Schedule {
        self.read_schedule(&self.schedule_path(scope, generation), now, 2 * DAY)
    }

    pub(crate) fn save_schedule(&self, scope: Scope, generation: u64, schedule: &Schedule) -> io::Result<()> {
        self.write_schedule(&self.schedule_path(scope, generation), schedule)
    }

    /// When the scope's next erasure request is sent. This schedule belongs to no grant.
    pub(crate) fn erasing_schedule(&self, scope: Scope, now: Time) -> Schedule {
        self.read_schedule(&self.erasing_path(scope), now, 8 * DAY)
    }

    pub(crate) fn save_erasing_schedule(&self, scope: Scope, schedule: &Schedule) -> io::Result<()> {
        self.write_schedule(&self.erasing_path(scope), schedule)
    }

    /// Removes the schedule when no erasure request is pending.
    pub(crate) fn end_erasing_schedule(&self, scope: Scope) {
        // A schedule that stays is not read while no request is pending.
        let _ = self.files.remove_with_unfinished(&self.erasing_path(scope));
    }

    /// `most` is how far ahead a right clock sets `next` at most, in milliseconds.
    fn read_schedule(&self, path: &Path, now: Time, most: u64) -> Schedule {
        let careful = Schedule { not_before: now.0 + HOUR, ..Schedule::default() };
        let within = |at: u64, most| if at > now.0.saturating_add(most) { 0 } else { at };
        let again = now.0 + 60_000;
        let unread = |why| Schedule { next: again, not_before: again, unread: Some(why), ..Schedule::default() };
        let said = |bytes: &[u8]| -> Option<Schedule> {
            let schedule: Schedule = serde_json::from_str(disk::unseal("schedule", bytes)?).ok()?;
            Some(Schedule {
                // A schedule written while the clock was far ahead must not stop reports for years. What no right clock
                // wrote is not there. A limit from now on would move on with each reading, and the time would never come.
                next: within(schedule.next, most),
                not_before: within(schedule.not_before, DAY + HOUR),
                failures: schedule.failures.min(16),
                ..schedule
            })
        };
        match self.files.contents(path, 4096) {
            Look::Absent => Schedule::default(),
            Look::Read(bytes) => said(&bytes).unwrap_or(careful),
            // For example a schedule that a restored backup opened to others. Only what delays reports is taken from
            // it. So a receiver that takes no more reports, or wants a pause of a day, is not contacted sooner.
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
            // The next moment is still in the file, which is not overwritten.
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
