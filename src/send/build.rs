//! Builds batches from pending lines. A batch holds the exact bytes of one request. This module never sends anything.
//!
//! Every line ends up in exactly one batch, or is counted as lost.
//!
//! A segment is removed only after all batches with its lines are on disk. It is removed immediately then, so that little data is
//! stored twice. Nothing is sent before all batches are on disk. If a build is interrupted, the next one skips the lines that a
//! batch already names.

use crate::{
    consent::Place,
    disk,
    engine::Engine,
    event::Linkage,
    journal::{self, Batch, DropReason, Record, Sealed, Source},
    mutants::{self, Mutant},
    transport::otlp::{self, DecodedLine},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::PathBuf,
};

/// The records that may share a request. Records with a code never share one with records without a code, and codes of two
/// periods never share one.
type BatchGroup = (&'static str, u32);

fn batch_group(record: &Record) -> BatchGroup {
    let day = record.day;
    if !record.has_code() {
        return ("plain", 0);
    }
    match record.schema.linkage() {
        Linkage::Rollup | Linkage::Once | Linkage::None => ("plain", 0),
        // A session's codes are valid only for one process. Grouping by day at least keeps sessions of different days apart.
        Linkage::Session => ("session", day.0),
        Linkage::Day => ("day", day.0),
        Linkage::Week => ("week", day.week()),
        Linkage::Month => ("month", day.month()),
    }
}

/// The lines of one batch group that will form one request body.
#[derive(Default)]
struct Group {
    lines: Vec<(String, String)>,
    bytes: usize,
    sources: BTreeMap<String, Vec<u64>>,
}

/// A batch that may be sent, and its lines as they were decoded when it was checked.
pub(super) struct Checked {
    pub(super) batch: Batch,
    pub(super) lines: Vec<DecodedLine>,
}

/// The segments whose lines are being put into batches.
#[derive(Default)]
struct Segments {
    /// For each segment, the number of lines that are in no batch on disk yet.
    left: BTreeMap<String, usize>,
    /// The segments of which every line was read.
    read: BTreeMap<String, Sealed>,
}

impl Segments {
    /// Notes that these lines are in a batch on disk.
    fn written(&mut self, sources: &[Source]) {
        for source in sources {
            let left = self.left.entry(source.segment.clone()).or_default();
            *left = left.saturating_sub(source.lines.len());
        }
    }

    /// Takes out and returns the segments of which every line is in a batch or was counted as left out.
    fn done(&mut self) -> Vec<Sealed> {
        let is_done = |name: &&String| self.left.get(*name).is_none_or(|left| *left == 0);
        let names: Vec<String> = self.read.keys().filter(is_done).cloned().collect();
        names.iter().filter_map(|name| self.read.remove(name)).collect()
    }
}

impl Engine {
    /// Closes past periods and makes batches of all pending lines. Returns the files of the ready batches, oldest first, and
    /// the number of batches that are held back.
    ///
    /// The caller holds a permit; `is_authorized` says whether it is still valid. A withdrawal waits for that permit before it
    /// destroys pending data, so that data read before the withdrawal is never written after it. A file that can't be read now is named in
    /// `unread` and does not stop the others.
    ///
    /// # Errors
    /// A directory can't be listed, a batch can't be written, a segment can't be removed, or the permit is no longer valid.
    pub(crate) fn build(
        &self,
        place: Place,
        is_authorized: &dyn Fn() -> bool,
        unread: &mut Vec<String>,
    ) -> io::Result<(Vec<PathBuf>, u64)> {
        if let Err(error) = self.journal.close_periods(place, self.today(), unread) {
            unread.push(disk::at(&self.kept_in("counts", place))(error).to_string());
        }
        self.journal.seal();
        let outbox = self.journal.outbox();
        let mut named: BTreeSet<(String, u64)> = BTreeSet::new();
        let (mut hidden, mut made_of) = (Vec::new(), BTreeMap::new());
        let made_up = || outbox.paths(place).map_err(disk::at(&self.kept_in("outbox", place)));
        for path in made_up()? {
            let sources = match outbox.left_alone(&path, self.today()) {
                Some(_) => outbox.sources_alone(&path).map(Some),
                None => outbox.open(&path, place).map(|batch| batch.map(|batch| batch.sources().to_vec())),
            };
            let sources = match sources {
                Ok(sources) => sources.unwrap_or_default(),
                Err(error) => {
                    unread.push(error.to_string());
                    hidden.push(path);
                    continue;
                }
            };
            for source in sources.iter().filter(|source| self.journal.is_there(place, &source.segment)) {
                named.extend(source.lines.iter().map(|line| (source.segment.clone(), *line)));
                made_of.entry(path.clone()).or_insert_with(Vec::new).push(source.segment.clone());
            }
        }
        let forget = |done: &Sealed| self.journal.forget(done).map_err(disk::at(&done.path));
        let held = self.consent.held(place.scope);
        let mut groups: BTreeMap<BatchGroup, Group> = BTreeMap::new();
        let mut segments = Segments::default();
        let most = disk::files_to_hold();
        let sealed = self.journal.sealed(place, &hidden, unread);
        for path in sealed.map_err(disk::at(&self.kept_in("waiting", place)))? {
            if segments.read.len() >= most {
                self.write_all(place, &mut groups, &mut segments, is_authorized)?;
            }
            let mut segment = match self.journal.take(path.clone(), place, self.today()) {
                Ok(Some(segment)) => segment,
                Ok(None) => continue,
                // No more files can be opened. Finish the segments that are open now; that closes their files for the next build.
                Err(error) if disk::is_out_of_files(&error) && !segments.read.is_empty() => break,
                Err(error) => {
                    unread.push(disk::named(&path, &error).to_string());
                    continue;
                }
            };
            let name = segment.path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            for (number, line, record) in std::mem::take(&mut segment.lines) {
                if named.contains(&(name.clone(), number)) {
                    continue;
                }
                if !journal::is_held(held.as_deref(), &record) {
                    segment.leave_out();
                    continue;
                }
                let batch_group = batch_group(&record);
                let full = groups.get(&batch_group).is_some_and(|group| {
                    let bytes = group.bytes + line.len();
                    otlp::length(&self.service, place.scope, group.lines.len() + 1, bytes) > otlp::BODY_MOST
                });
                if full && let Some(group) = groups.remove(&batch_group) {
                    segments.written(&self.write(place, group, is_authorized)?);
                }
                *segments.left.entry(name.clone()).or_default() += 1;
                let group = groups.entry(batch_group).or_default();
                group.bytes += line.len();
                group.sources.entry(name.clone()).or_default().push(number);
                group.lines.push((record.uid_hex(), line));
            }
            if mutants::on(Mutant::SegmentForgottenFirst) {
                self.journal.forget(&segment)?;
            }
            segments.read.insert(name, segment);
            segments.done().iter().try_for_each(forget)?;
        }
        self.write_all(place, &mut groups, &mut segments, is_authorized)?;
        // A batch is held back while one of its segments still exists, because that segment could not be processed now. Only the
        // batch says which of the segment's lines it holds. A batch that could not be read itself is held back as well: its lines
        // may also be in a segment that was left out because of it.
        let is_there = |segment: &&String| self.journal.is_there(place, segment);
        let (mut ready, mut held_back) = (Vec::new(), 0);
        for path in made_up()? {
            let left = made_of.get(&path).and_then(|segments| segments.iter().find(is_there));
            if let Some(left) = left {
                unread.push(format!(
                    "{}: its lines lie in `{left}` as well, which is not made ready yet",
                    path.display()
                ));
            }
            if left.is_some() || hidden.contains(&path) {
                held_back += 1;
            } else {
                ready.push(path);
            }
        }
        Ok((ready, held_back))
    }

    /// Makes batches of all lines read so far and removes their segments. Each of these segments is an open file.
    fn write_all(
        &self,
        place: Place,
        groups: &mut BTreeMap<BatchGroup, Group>,
        segments: &mut Segments,
        is_authorized: &dyn Fn() -> bool,
    ) -> io::Result<()> {
        for group in std::mem::take(groups).into_values() {
            segments.written(&self.write(place, group, is_authorized)?);
        }
        let forget = |done: &Sealed| self.journal.forget(done).map_err(disk::at(&done.path));
        segments.done().iter().try_for_each(forget)
    }

    /// Writes a batch to disk and returns which lines are in it.
    ///
    /// # Errors
    /// The permit is no longer valid, or the batch can't be written.
    fn write(&self, place: Place, mut group: Group, is_authorized: &dyn Fn() -> bool) -> io::Result<Vec<Source>> {
        if !is_authorized() {
            return Err(io::Error::other(self.consent.why_no_permit(place.scope)));
        }
        // Sorted by their random ids, so that the order of the events is not sent.
        group.lines.sort();
        let sources: Vec<_> = group.sources.into_iter().map(|(segment, lines)| Source { segment, lines }).collect();
        let draft = self.draft(place, group.lines.iter().map(|(_, line)| line.as_str()), sources.clone(), None);
        let written = self.journal.outbox().write(draft, &self.ambient);
        written.map(|_| sources).map_err(disk::at(&self.kept_in("outbox", place)))
    }

    /// The directory with a scope's files of one kind. Error messages name it.
    fn kept_in(&self, kind: &str, place: Place) -> PathBuf {
        self.consent.ledger().store().join(kind).join(place.scope.name())
    }

    /// Checks a batch that is on disk. It may be sent only if it is, byte for byte, what this program would write. A batch that
    /// another version wrote is written again from its records. Anything else is dropped. Returns the batch to send, if any.
    ///
    /// The lines are decoded here although [`build`](Engine::build) decoded them: they lay on disk in between, where other programs
    /// can write. Nothing decodes them again after this.
    ///
    /// # Errors
    /// A file can't be read or removed, or the new batch can't be written. The batch stays.
    pub(super) fn checked(&self, place: Place, mut batch: Batch) -> io::Result<Option<Checked>> {
        let outbox = self.journal.outbox();
        if self.journal.sent().has(place.scope, batch.key())? {
            // The receiver took it before, and only its removal was interrupted.
            outbox.remove(&batch)?;
            return Ok(None);
        }
        let (today, held) = (self.today(), self.consent.held(place.scope));
        let may_leave = |record: &Record| record.is_plausible(today) && journal::is_held(held.as_deref(), record);
        if let Some(lines) = otlp::lines(batch.body(), &self.service, place.scope, self.registry)
            && lines.iter().all(|(_, record)| may_leave(record))
        {
            batch.set_records(lines.len() as u64);
            return Ok(Some(Checked { batch, lines }));
        }
        let lines = otlp::salvage(batch.body(), place.scope, self.registry, &may_leave);
        let lost = batch.records().saturating_sub(lines.len() as u64).max(u64::from(lines.is_empty()));
        let sources = if lines.is_empty() {
            None
        } else {
            let texts = lines.iter().map(|(line, _)| line.as_str());
            let draft = self.draft(place, texts, Vec::new(), Some((batch.parent(), 0)));
            Some(Checked { batch: outbox.write(draft, &self.ambient)?, lines })
        };
        self.journal.may_remove(batch.path())?;
        self.journal.keep_not_taken(&batch, DropReason::Foreign);
        self.journal.end_file(batch.path(), &[(DropReason::Foreign, lost)])?;
        Ok(sources)
    }
}
