//! Pending segments: finds those that no process writes any more, takes their lines, and drops whole files. Sends
//! nothing.

use super::{
    DropReason, Journal, KINDS, Record, outbox,
    reading::{READ_MOST, days_of, is_data, note_failed, note_unread, shown},
    segment::{self, Header, Kind, Segment},
    span::Span,
};
use crate::{
    ambient::Day,
    consent::{Place, Scope},
    disk::{self, Handle, Look, Need},
    mutants::{self, Mutant},
};
use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

/// How many segments one build takes. Each is an open file.
const AT_ONCE: usize = 128;

/// How many files are tried before a new one is made.
const AT_MOST_TRIED: usize = 4;

/// The suffix in the name of a file that no process continues, since its end is torn or it is large enough.
const ENDED: &str = "-ended";

/// The suffix in the name of a segment whose lines were taken.
const SEALED: &str = "-sealed";

/// One sealed segment, read and checked.
pub(crate) struct Sealed {
    pub(crate) path: PathBuf,
    /// The sound lines: sequence number, the bytes that this version writes, and decoded record.
    pub(crate) lines: Vec<(u64, String, Record)>,
    /// What was left out. Counted only when the segment is removed, since the segment may be read again before.
    left_out: [(DropReason, u64); 3],
    // While this is held, no other process takes or drops the file.
    _lock: Box<dyn Handle>,
}

impl Sealed {
    /// Leaves out one more line, which contains more than the person agreed to. Counted as foreign when the segment is
    /// removed.
    pub(crate) fn leave_out(&mut self) {
        let foreign = self.left_out.iter_mut().find(|(reason, _)| *reason == DropReason::Foreign);
        foreign.into_iter().for_each(|(_, count)| *count += 1);
    }
}

/// How many files are removed at a time. Each is an open file, and each time costs a durable write.
pub(super) const DOOMED_MOST: usize = 16;

/// A file that is to be removed, and what is lost with it.
pub(super) struct Doomed {
    path: PathBuf,
    reason: DropReason,
    records: u64,
    // Held until the file is removed, so that no other process takes it in between.
    _lock: Option<Box<dyn Handle>>,
}

impl Doomed {
    pub(super) fn new(path: &Path, reason: DropReason, records: u64) -> Self {
        Doomed { path: path.to_owned(), reason, records, _lock: None }
    }
}

impl Journal {
    /// The sealed segments of a grant, by the days in their names: those whose lock can be taken, since their writer
    /// has exited or closed them. `hidden` lists batches that can't be read now. A segment whose lines may be in one of
    /// them is left out, since its lines would be sent twice. The lines of a [period that is still
    /// being closed](Journal::is_being_closed) are left out for the same reason. A segment that can't be inspected now stays,
    /// and is named in `unread`.
    ///
    /// # Errors
    /// The system did not let us list them.
    pub(crate) fn sealed(
        &self,
        place: Place,
        hidden: &[PathBuf],
        unread: &mut Vec<String>,
    ) -> io::Result<Vec<PathBuf>> {
        let directory = self.waiting_dir(place.scope, place.generation);
        let names = self.files.children(&directory).found_at(&directory)?.unwrap_or_default();
        let paths = names.into_iter().filter(|name| name.ends_with(".jsonl")).map(|name| directory.join(name));
        let paths = paths.filter(|path| !hidden.iter().any(|batch| may_be_in(path, batch)));
        let being_closed = |name: &str| {
            let span = name.strip_prefix("day-").and_then(|name| Some(Span::split(name)?.0));
            span.is_some_and(|span| self.is_being_closed(place, span)) && !mutants::on(Mutant::UnclosedDayIsTaken)
        };
        let paths = paths.filter(|path| !path.file_name().and_then(|name| name.to_str()).is_some_and(being_closed));
        let left = paths.filter(|path| match self.left(path) {
            Ok(lock) => lock.is_some(),
            Err(error) => {
                note_failed(path, &error, unread);
                false
            }
        });
        Ok(left.take(AT_ONCE).collect())
    }

    /// The lock of a file that no process writes any more. `None` if a process writes it, or the file is absent or not
    /// used by candor.
    ///
    /// # Errors
    /// The system did not let us look: the file stays.
    pub(super) fn left(&self, path: &Path) -> io::Result<Option<Box<dyn Handle>>> {
        self.left_by(path, |path| self.files.open_to_lock(path))
    }

    fn left_by(
        &self,
        path: &Path,
        open: impl Fn(&Path) -> io::Result<Box<dyn Handle>>,
    ) -> io::Result<Option<Box<dyn Handle>>> {
        let which = || match self.files.examine(path) {
            Look::Read(stat) => Ok(Some(stat.version.number)),
            Look::Absent | Look::Refused(_) => Ok(None),
            Look::Failed(error) => Err(error),
        };
        let Some(before) = which()? else { return Ok(None) };
        let file = match open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound || disk::refusal(&error).is_some() => {
                return Ok(None);
            }
            opened => opened?,
        };
        // A file of counts is replaced under its own name. The lock of a replaced file proves nothing.
        Ok((file.try_lock(false)? && which()? == Some(before)).then_some(file))
    }

    /// Reads a sealed segment. Leaves out and counts damaged lines, lines that this program would not have written, and
    /// lines that are too old. Removes a file that is damaged as a whole or belongs to another grant. `None` if there
    /// is nothing to take.
    ///
    /// # Errors
    /// The system did not let us read it now: it stays.
    pub(crate) fn take(&self, path: PathBuf, place: Place, today: Day) -> io::Result<Option<Sealed>> {
        let Some(lock) = self.left(&path)? else { return Ok(None) };
        let path = self.mark_sealed(path)?;
        let bytes = match self.files.contents(&path, READ_MOST) {
            Look::Read(bytes) => bytes,
            Look::Absent => return Ok(None),
            Look::Failed(error) => return Err(error),
            // Its lock was taken, so it is this user's file and closed to others. It is therefore larger than any file
            // that candor writes.
            Look::Refused(_) => {
                self.end_file(&path, &[(DropReason::Damaged, 1)])?;
                return Ok(None);
            }
        };
        let found = segment::recover(&bytes);
        let belongs = found.header.as_ref().is_some_and(|header| {
            header.kind == Kind::Waiting
                && header.scope == place.scope.name()
                && header.generation == place.generation
                && header.epoch == place.epoch
        });
        let damaged = found.damaged();
        if !belongs {
            self.end_file(&path, &[(DropReason::Damaged, damaged), (DropReason::Foreign, found.lines.len() as u64)])?;
            return Ok(None);
        }
        let (mut foreign, mut old) = (0, 0);
        let mut lines = Vec::with_capacity(found.lines.len());
        for line in &found.lines {
            let record = (line.subject == 0)
                .then(|| Record::stored(line.json, self.registry))
                .flatten()
                .filter(|(record, _)| record.schema.scope() == place.scope);
            match record {
                Some((record, _)) if record.is_too_old(today) => old += 1,
                Some((record, text)) if record.is_plausible(today) => lines.push((line.seq, text, record)),
                _ => foreign += 1,
            }
        }
        let left_out = [(DropReason::Damaged, damaged), (DropReason::Foreign, foreign), (DropReason::Age, old)];
        Ok(Some(Sealed { path, lines, left_out, _lock: lock }))
    }

    /// Renames a segment, so that no process continues it: a batch names its lines by the segment's name.
    fn mark_sealed(&self, path: PathBuf) -> io::Result<PathBuf> {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if is_sealed(stem) {
            return Ok(path);
        }
        let sealed = path.with_file_name(format!("{stem}{SEALED}.jsonl"));
        self.files.rename(&path, &sealed)?;
        Ok(sealed)
    }

    /// A file of this period that another process left and this process can continue, so that many short runs make few
    /// files. Also returns the file's bytes.
    pub(super) fn adopt(&self, directory: &Path, span: Span, wanted: &Header) -> Option<(Segment, Vec<u8>)> {
        let Look::Read(names) = self.files.children(directory) else { return None };
        let (own, ended) = (format!("{span}-"), [format!("{span}.closing"), format!("{span}.closed")]);
        if names.iter().any(|name| ended.contains(name)) {
            return None;
        }
        let open = |name: &&String| {
            let whole = !["-carried-", SEALED, ENDED].iter().any(|mark| name.contains(mark));
            name.starts_with(&own) && name.ends_with(".jsonl") && whole
        };
        // Files of running processes can't be locked. A few tries are enough.
        names.iter().rev().filter(open).take(AT_MOST_TRIED).find_map(|name| {
            let path = directory.join(name);
            // Opened for appending, since this process will write to it.
            let file = self.left_by(&path, |path| self.files.append(path)).ok()??;
            let Look::Read(stat) = self.files.examine(&path) else { return None };
            let file = if stat.len < self.segment_most() {
                match Segment::adopt(&self.files, &path, file, wanted) {
                    Ok(adopted) => return Some(adopted),
                    Err(file) => file?,
                }
            } else {
                file
            };
            // Later calls then skip this file. The lock is held until the file has its new name, so that no process
            // takes it before.
            let _ = self.files.rename(&path, &path.with_file_name(name.replace(".jsonl", &format!("{ENDED}.jsonl"))));
            drop(file);
            None
        })
    }

    /// Every pending line of a grant, in sealed segments and in those that are still being written; for showing.
    /// Changes nothing. Names what can't be read now in `unread`.
    pub(crate) fn peek_lines(&self, place: Place, today: Day, unread: &mut Vec<String>) -> Vec<String> {
        let mut lines = Vec::new();
        let directory = self.waiting_dir(place.scope, place.generation);
        let mut names = note_unread(&directory, self.files.children(&directory), unread).unwrap_or_default();
        shown(&mut names, &directory, unread);
        for name in names {
            let path = directory.join(name);
            let Some(bytes) = note_unread(&path, self.files.contents(&path, READ_MOST), unread) else { continue };
            let found = segment::recover(&bytes);
            if found.header.as_ref().is_some_and(|header| header.epoch == place.epoch) {
                let leaves = |it: &Record| it.schema.scope() == place.scope && it.is_plausible(today);
                let stored = |json| Record::stored(json, self.registry).filter(|(record, _)| leaves(record));
                let sound = found.lines.iter().filter(|line| line.subject == 0);
                lines.extend(sound.filter_map(|line| stored(line.json)).map(|(_, text)| text));
            }
        }
        lines
    }

    /// Whether any data of a scope's generation is on disk. `true` if that can't be seen.
    pub(crate) fn holds_anything(&self, scope: Scope, generation: u64) -> bool {
        let generation = generation.to_string();
        KINDS.into_iter().any(|kind| {
            let directory = self.store.join(kind).join(scope.name()).join(&generation);
            match self.files.children_if_listed(&directory) {
                Look::Read(names) => names.iter().any(|name| is_data(Path::new(name))),
                Look::Absent => false,
                // It is unknown. The page then shows what it can read.
                Look::Refused(_) | Look::Failed(_) => true,
            }
        })
    }

    /// Whether a pending segment of this name still exists, or may.
    pub(crate) fn is_there(&self, place: Place, segment: &str) -> bool {
        let path = self.waiting_dir(place.scope, place.generation).join(segment);
        !matches!(self.files.examine(&path), Look::Absent)
    }

    /// Removes a segment whose lines are all in batches.
    pub(crate) fn forget(&self, taken: &Sealed) -> io::Result<()> {
        self.end_file(&taken.path, &taken.left_out)?;
        self.files.sync_parent(&taken.path)
    }

    /// Drops all pending data of a grant and counts it.
    pub(crate) fn discard_all(&self, place: Place, reason: DropReason) {
        let generation = place.generation.to_string();
        let mut goes = Vec::new();
        for kind in KINDS {
            let directory = self.store.join(kind).join(place.scope.name()).join(&generation);
            // What can't be listed now is dropped at the next try to send.
            let Look::Read(names) = self.files.children(&directory) else { continue };
            for path in names.into_iter().map(|name| directory.join(name)) {
                if is_data(&path)
                    && let Ok(Some(doomed)) = self.doom(&path, reason)
                {
                    goes.push(doomed);
                }
                if goes.len() == DOOMED_MOST {
                    self.end_all(&mut goes);
                }
            }
            self.end_all(&mut goes);
        }
    }

    /// Removes one pending file and counts its events. `false` if a process still writes it or it can't be removed.
    ///
    /// # Errors
    /// Its events can't be counted now: the file stays.
    pub(super) fn discard(&self, path: &Path, reason: DropReason) -> io::Result<bool> {
        let Some(doomed) = self.doom(path, reason)? else { return Ok(false) };
        Ok(self.end_all(&mut vec![doomed]) == (0, 0))
    }

    /// Counts what is lost with a pending file that is to be removed, and locks the file. `None` if a process still
    /// writes it or it can't be removed.
    ///
    /// # Errors
    /// Its events can't be counted now: the file stays.
    pub(super) fn doom(&self, path: &Path, reason: DropReason) -> io::Result<Option<Doomed>> {
        let Some(lock) = self.left(path)? else { return Ok(None) };
        // A file that can't be removed is not counted as lost.
        if self.may_remove(path).is_err() {
            return Ok(None);
        }
        let records = match self.files.contents(path, READ_MOST) {
            Look::Read(bytes) => {
                let records = self.events_only_in(path, &bytes)?;
                if let Some(batch) = outbox::peek_bytes(&bytes, path) {
                    self.keep_not_taken(&batch, reason);
                }
                records
            }
            Look::Absent => 0,
            // Its lock was taken: as in `take`, the file is too large.
            Look::Refused(_) => 1,
            Look::Failed(error) => return Err(error),
        };
        Ok(Some(Doomed { _lock: Some(lock), ..Doomed::new(path, reason, records) }))
    }

    /// Removes files after their losses are recorded. A process that dies in between counts them twice rather than
    /// never. Returns the space taken by the files that can't be removed, in bytes, and their number; those are not
    /// counted as lost.
    ///
    /// The files must not share events: a loss counts [only the events](Journal::events_only_in) that no other file
    /// holds.
    pub(super) fn end_all(&self, doomed: &mut Vec<Doomed>) -> (u64, u64) {
        if doomed.is_empty() {
            return (0, 0);
        }
        let room = |path: &Path| self.files.stat(path).ok().flatten().map_or(1, |stat| stat.occupies.max(1));
        let mut left = Vec::new();
        doomed.retain(|it| {
            let goes = self.may_remove(&it.path).is_ok();
            left.extend((!goes).then(|| room(&it.path)));
            goes
        });
        doomed.iter().for_each(|it| self.counters.drop(it.reason, it.records));
        self.note_losses();
        for it in doomed.drain(..) {
            if self.files.remove_if_there(&it.path).is_err() {
                self.counters.take_back(it.reason, it.records);
                left.push(room(&it.path));
            }
        }
        (left.iter().sum(), left.len() as u64)
    }

    /// Whether this user may remove a file, as far as that can be told in advance. So a file that can't be removed is
    /// not counted at each try.
    pub(crate) fn may_remove(&self, path: &Path) -> io::Result<()> {
        let nothing = Need { room: 0, files: 0, largest: 0 };
        path.parent().map_or(Ok(()), |directory| self.files.may_write(directory, nothing))
    }

    /// Removes one file after these losses are recorded. If it can't be removed, the losses are taken back.
    pub(crate) fn end_file(&self, path: &Path, lost: &[(DropReason, u64)]) -> io::Result<()> {
        self.may_remove(path)?;
        lost.iter().for_each(|(reason, count)| self.counters.drop(*reason, *count));
        self.note_losses();
        let gone = self.files.remove_if_there(path);
        if gone.is_err() {
            lost.iter().for_each(|(reason, count)| self.counters.take_back(*reason, *count));
        }
        gone
    }

    /// How many events are lost with a file of these bytes: those that no other file contains as well. After an
    /// interrupted build, lines of a segment are in batches already.
    ///
    /// # Errors
    /// The system did not let us look.
    pub(super) fn events_only_in(&self, path: &Path, bytes: &[u8]) -> io::Result<u64> {
        let records = self.events_in(path, bytes);
        Ok(records.saturating_sub(self.events_elsewhere(path, bytes)?))
    }

    /// How many of the events in a file another file contains as well.
    fn events_elsewhere(&self, path: &Path, bytes: &[u8]) -> io::Result<u64> {
        let below = path.strip_prefix(&self.store).unwrap_or(path);
        let parts: Vec<&str> = below.iter().filter_map(|part| part.to_str()).collect();
        let [kind, scope, generation, name] = parts[..] else { return Ok(0) };
        let beside = |kind: &str| self.store.join(kind).join(scope).join(generation);
        let mut elsewhere = 0;
        match kind {
            "outbox" => elsewhere = outbox::in_segments(&self.files, &beside("waiting"), bytes)?,
            "waiting" => {
                // A batch names lines of sealed segments only.
                if !is_sealed(name) {
                    return Ok(0);
                }
                let outbox = beside("outbox");
                let mut lines = BTreeSet::new();
                for batch in self.files.children(&outbox).found()?.unwrap_or_default() {
                    let bytes = match self.files.contents(&outbox.join(batch), READ_MOST) {
                        Look::Read(bytes) => bytes,
                        // It was sent, or candor does not use it. A batch that can't be read now may contain a line as
                        // well, which is then counted twice. That is better than a segment that stays as long as such a
                        // batch exists.
                        Look::Absent | Look::Refused(_) | Look::Failed(_) => continue,
                    };
                    let sources = outbox::sources_in(&bytes).into_iter();
                    lines.extend(sources.filter(|source| source.segment == name).flat_map(|source| source.lines));
                }
                elsewhere = lines.len() as u64;
            }
            _ => {}
        }
        Ok(elsewhere)
    }

    /// How many events a file's bytes hold.
    pub(super) fn events_in(&self, path: &Path, bytes: &[u8]) -> u64 {
        match path.extension() {
            Some(extension) if extension == "jsonl" => self.records_in(bytes),
            _ => outbox::records_in(bytes),
        }
    }

    /// How many events are in a file that candor does not use, such as one that is open to others, as far as that is
    /// known. At least one.
    ///
    /// # Errors
    /// It can't be read now: it stays.
    pub(super) fn events_unused(&self, path: &Path) -> io::Result<u64> {
        let bytes = self.files.read_shared(path, READ_MOST)?;
        Ok(self.events_in(path, &bytes).max(1))
    }

    /// How many events a segment's lines represent, in a segment of pending records or of counts. Includes the lines
    /// that are lost.
    fn records_in(&self, bytes: &[u8]) -> u64 {
        let found = segment::recover(bytes);
        let counts = found.header.as_ref().is_some_and(|header| header.kind == Kind::Counts);
        let events = found.lines.iter().map(|line| match super::line::decode_cell(line.json, self.registry) {
            Some((_, _, times)) if counts => times,
            _ => 1,
        });
        events.fold(found.damaged(), u64::saturating_add)
    }
}

/// Whether a segment of this name is one whose lines a batch may name.
fn is_sealed(name: &str) -> bool {
    name.strip_suffix(".jsonl").unwrap_or(name).ends_with(SEALED) || name.starts_with("day-")
}

/// Whether a batch may contain lines of a segment, judging by their names.
fn may_be_in(segment: &Path, batch: &Path) -> bool {
    let name = segment.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let days = days_of("waiting", segment).zip(days_of("outbox", batch));
    is_sealed(name) && days.is_none_or(|((began, _), (made, _))| began <= made)
}
