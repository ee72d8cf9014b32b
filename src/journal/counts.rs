//! The counts of a period on disk: one file for each process and period, merged into a segment when the period is over. This
//! module never decides what a closed period reports; the roll-up does.
//!
//! A period is closed in this order. First the names of its files are written down. Then a segment of lines is written.
//! Then the document with the names is renamed to become the marker of a closed period, and the files are removed. After
//! an interruption at any point, the next close continues with the same files. So no event counts twice and none is
//! left out.

use super::{
    DropReason, Journal, Record, Writer, line,
    reading::{note_failed, note_unread, shown},
    segment::{self, Header, Kind, Segment},
    span::Span,
};
use crate::{
    ambient::Day,
    consent::{Place, counts_days_of},
    disk::{self, Look},
    event::{Period, Statistic},
    rollup::{self, Counts},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

const READ_MOST: u64 = 4 << 20;
/// A file is rewritten with its sums each time its size passes a multiple of this many bytes.
const COMPACT_AT: u64 = 256 << 10;
/// A period that is over waits at most this many days for a process that holds its counts, such as a stopped one. Then it is
/// closed without that process.
const PATIENCE_DAYS: u32 = 2;

/// The content of one file of counts.
#[derive(Default)]
struct Tally {
    counts: Counts,
    damaged: u64,
    foreign: u64,
}

impl Journal {
    pub(super) fn write_counts(&self, writer: &mut Writer, place: Place, span: Span, sum: &Counts) -> io::Result<()> {
        let lines: Vec<String> = self.cell_lines(sum);
        self.writing(writer, Kind::Counts, place.scope, |writer| {
            let name = (place.scope.name(), span.period);
            let directory = self.counts_dir(place.scope, place.generation);
            let fits = |(segment, _): &(Segment, Counts)| {
                segment.header().epoch == place.epoch
                    && segment.header().day == Some(span.start.0)
                    && segment.bytes() < READ_MOST / 2
                    && segment.is_in_place(&self.files)
            };
            if !writer.counts.get(&name).is_some_and(fits) {
                writer.counts.remove(&name);
                self.files.own_dir(&directory)?;
                let header = Header::counts(name.0, place.generation, place.epoch, span.start);
                let open = match self.adopt(&directory, span, &header) {
                    Some((segment, bytes)) => (segment, self.tally(&bytes, place, span).counts),
                    None => {
                        let prefix = format!("{span}-");
                        let segment = Segment::create(&self.files, &directory, &prefix, header, &self.ambient)?;
                        (segment, Counts::default())
                    }
                };
                writer.counts.insert(name, open);
            }
            let Some((segment, total)) = writer.counts.get_mut(&name) else { return Ok(()) };
            let before = segment.bytes();
            segment.append(lines.iter().map(|line| (0, line.as_str())))?;
            writer.written_since_check += segment.bytes() - before;
            self.add_all(total, sum);
            if segment.bytes() / COMPACT_AT > before / COMPACT_AT {
                // The whole file is replaced while this process holds it, so that the sums are never in it twice. The
                // sum has at most as many lines as there are combinations of outcomes.
                let sums = self.cell_lines(total);
                // If the file can't be replaced, what was appended is kept. That happens on a full disk, or while the
                // file is open on some file systems of Windows.
                let _ = segment.rewrite(&self.files, sums.iter().map(String::as_str));
            }
            Ok(())
        })
    }

    /// Adds what was recorded after `total` to it.
    fn add_all(&self, total: &mut Counts, later: &Counts) {
        for (number, outcomes, times) in later.iter() {
            if let Some(schema) = self.registry.schema(number) {
                total.add_to(schema, *outcomes, times);
            }
        }
    }

    fn cell_lines(&self, counts: &Counts) -> Vec<String> {
        let encode = |(schema, outcomes, count)| line::encode_cell(self.registry.schema(schema)?, outcomes, count);
        counts.iter().filter_map(encode).collect()
    }

    /// The counts in one file, and how many of its events are damaged or foreign. If the file does not belong to this
    /// grant and period, all of it is foreign.
    fn read_counts(&self, path: &Path, place: Place, span: Span) -> Look<Tally> {
        self.files.contents(path, READ_MOST).map(|bytes| self.tally(&bytes, place, span))
    }

    fn tally(&self, bytes: &[u8], place: Place, span: Span) -> Tally {
        let found = segment::recover(bytes);
        let belongs = found.header.as_ref().is_some_and(|header| {
            header.kind == Kind::Counts
                && header.scope == place.scope.name()
                && header.generation == place.generation
                && header.epoch == place.epoch
                && header.day == Some(span.start.0)
        });
        let mut tally = Tally { damaged: found.damaged(), ..Tally::default() };
        for stored in &found.lines {
            match line::decode_cell(stored.json, self.registry) {
                Some((schema, outcomes, times))
                    if belongs
                        && schema.scope() == place.scope
                        && schema.period() == Some(span.period)
                        && schema.could_keep(&outcomes) =>
                {
                    tally.counts.add_to(schema, outcomes, times);
                }
                Some((_, _, times)) => tally.foreign = tally.foreign.saturating_add(times),
                None => tally.foreign = tally.foreign.saturating_add(1),
            }
        }
        tally
    }

    /// The counts of the periods that are not closed yet, by the first day of each; for showing. Changes nothing. Names what
    /// can't be read now in `unread`.
    pub(crate) fn peek_counts(&self, place: Place, unread: &mut Vec<String>) -> BTreeMap<(Day, Period), Counts> {
        let mut periods: BTreeMap<(Day, Period), Counts> = BTreeMap::new();
        let directory = self.counts_dir(place.scope, place.generation);
        let names = note_unread(&directory, self.files.children(&directory), unread).unwrap_or_default();
        let (mut open, closed) = counts_files(&directory, names);
        shown(&mut open, &directory, unread);
        for (span, path) in open.into_iter().filter(|(span, _)| !closed.contains(span)) {
            let sum = periods.entry((span.start, span.period)).or_default();
            let Some(tally) = note_unread(&path, self.read_counts(&path, place, span), unread) else { continue };
            self.add_all(sum, &tally.counts);
        }
        periods
    }

    /// Closes the periods that are over: their counts become lines. The caller holds the lead lock. A period with a file
    /// that can't be read now is closed later, and that file is named in `unread`.
    ///
    /// # Errors
    /// The system did not let us look at the periods, or one could not be written.
    pub(crate) fn close_periods(&self, place: Place, today: Day, unread: &mut Vec<String>) -> io::Result<()> {
        self.leave_past_periods(today);
        let directory = self.counts_dir(place.scope, place.generation);
        // It must be known which periods have a marker: one whose marker is not seen would be closed twice.
        let names = self.files.children(&directory).found_at(&directory)?.unwrap_or_default();
        let (open, closed) = counts_files(&directory, names);
        let mut ended: BTreeMap<Span, Vec<PathBuf>> = BTreeMap::new();
        for (span, path) in open {
            if span.is_over(today) {
                ended.entry(span).or_default().push(path);
            } else if span.start.0 > today.0.saturating_add(1) {
                // It was made while a clock was ahead, and its period may never come.
                let _ = self.discard(&path, DropReason::Late);
            }
        }
        for period in Period::ALL {
            let (of_period, rest) = ended.into_iter().partition(|(span, _)| span.period == period);
            ended = rest;
            self.close_those(place, today, of_period, &closed, unread)?;
        }
        for span in closed.into_iter().filter(|span| span.last().0.saturating_add(30) < today.0) {
            self.files.remove_if_there(&self.marker(place, span))?;
        }
        Ok(())
    }

    /// Closes days, or weeks, or months that are over, in order.
    fn close_those(
        &self,
        place: Place,
        today: Day,
        mut ended: BTreeMap<Span, Vec<PathBuf>>,
        closed: &BTreeSet<Span>,
        unread: &mut Vec<String>,
    ) -> io::Result<()> {
        // A lone event is carried into the next period, which may have no file of its own yet.
        while let Some((span, paths)) = ended.pop_first() {
            if closed.contains(&span) {
                self.remove_merged(place, span, paths, unread)?;
                continue;
            }
            let before = unread.len();
            let mut all_left = true;
            for path in &paths {
                let looked = self.left(path).and_then(|lock| self.readable(path).map(|()| lock.is_some()));
                all_left &= noted(path, looked, unread).unwrap_or(false);
            }
            // The next period needs what is carried into it, so periods are closed in order. After `PATIENCE_DAYS` a file
            // that a process holds no longer delays its period, and a period with a file that can't be read no longer delays
            // the later ones.
            let patient = span.last().0.saturating_add(PATIENCE_DAYS) >= today.0;
            if patient && (!all_left || unread.len() > before) {
                break;
            }
            if unread.len() > before {
                continue;
            }
            if let Some((next, carry)) = self.close_one(place, span, today, &paths)?
                && next.is_over(today)
            {
                ended.entry(next).or_default().push(carry);
            }
        }
        Ok(())
    }

    fn close_one(
        &self,
        place: Place,
        span: Span,
        today: Day,
        paths: &[PathBuf],
    ) -> io::Result<Option<(Span, PathBuf)>> {
        let (day, intent) = (span.start, self.intent(place, span));
        let named = |path: &PathBuf| path.file_name()?.to_str().map(str::to_owned);
        let paths: Vec<PathBuf> = match self.names_in(&intent)? {
            // An interrupted close continues with the files it began with. A file that came later is late.
            Some(names) => {
                paths.iter().filter(|path| named(path).is_some_and(|name| names.contains(&name))).cloned().collect()
            }
            None => {
                let names: Vec<String> = paths.iter().filter_map(named).collect();
                let json = serde_json::to_string(&names).map_err(io::Error::other)?;
                self.files.replace(&intent, &disk::seal("closed", &json))?;
                paths.to_vec()
            }
        };
        // The locks are held until the files are removed, so that no process adds to a file that was read. A file whose
        // lock can't be taken belongs to a stopped process.
        let _held: Vec<_> = paths.iter().filter_map(|path| self.left(path).ok()?).collect();
        let mut sum = Counts::default();
        let (mut damaged, mut foreign, mut aged, mut invalid) = (0u64, 0u64, 0, 0);
        let mut since = day;
        for path in &paths {
            match self.read_counts(path, place, span) {
                Look::Read(tally) => {
                    self.add_all(&mut sum, &tally.counts);
                    damaged = damaged.saturating_add(tally.damaged);
                    foreign = foreign.saturating_add(tally.foreign);
                }
                Look::Absent => {}
                // A file that is open to others is counted as foreign and removed when its period is over.
                Look::Refused(_) => foreign = foreign.saturating_add(self.events_unused(path)?),
                // The period is not closed while one of its files exists and can't be read now.
                Look::Failed(error) => return Err(error),
            }
            since = since.min(carried_since(path).unwrap_or(day));
        }
        let (cells, mut carried) = rollup::close(&sum, self.registry);
        // A count that is carried stays until the end of the next period; of days, until the one after it.
        let until = if span.period == Period::Day { today } else { span.next().end() };
        if since.0.saturating_add(counts_days_of(span.period.name())) < until.0 && !carried.is_empty() {
            aged = carried.total();
            carried = Counts::default();
        }
        let directory = self.counts_dir(place.scope, place.generation);
        let carry = if carried.is_empty() {
            None
        } else {
            let next = span.next();
            let path = directory.join(format!("{next}-carried-{since}.jsonl"));
            let header = Header::counts(place.scope.name(), place.generation, place.epoch, next.start);
            let header = Header { salt: self.ambient.random_hex::<8>()?, ..header };
            let lines = self.cell_lines(&carried);
            self.files.replace(&path, &segment::whole(&header, lines.iter().map(String::as_str))?)?;
            Some((next, path))
        };
        let lines = self.waiting_dir(place.scope, place.generation);
        let path = lines.join(format!("day-{span}.jsonl"));
        if !cells.is_empty() && self.files.stat(&path)?.is_none() {
            self.files.own_dir(&lines)?;
            let header = Header::waiting(place.scope.name(), place.generation, place.epoch, span.last());
            let header = Header { salt: self.ambient.random_hex::<8>()?, ..header };
            let mut records = Vec::with_capacity(cells.len());
            for cell in cells {
                // A draw that fails leaves the period for later. A count that is not drawn would be too low.
                let drawn = u64::from_le_bytes(self.ambient.random()?);
                let uid = self.ambient.random()?;
                let (outcomes, count) = match cell.schema.snapshot().map(|part| part.statistic) {
                    Some(Statistic::Mean) => {
                        (rollup::mean(&cell, [drawn, u64::from_le_bytes(self.ambient.random()?)]), 0)
                    }
                    _ => (cell.outcomes, rollup::rounded(cell.count, drawn)),
                };
                let record = Record { schema: cell.schema, day, outcomes, code: [0; 8], count, other: cell.other, uid };
                match record.encode() {
                    Some(line) => records.push(line),
                    None => invalid += 1,
                }
            }
            self.files.replace(&path, &segment::whole(&header, records.iter().map(String::as_str))?)?;
        }
        let marker = self.marker(place, span);
        // The losses are recorded before the period is closed. A process that dies in between counts them twice rather
        // than never.
        let lost = [
            (DropReason::Damaged, damaged),
            (DropReason::Foreign, foreign),
            (DropReason::Age, aged),
            (DropReason::Invalid, invalid),
        ];
        lost.iter().for_each(|(reason, count)| self.counters.drop(*reason, *count));
        self.note_losses();
        if let Err(error) = self.files.rename(&intent, &marker) {
            lost.iter().for_each(|(reason, count)| self.counters.take_back(*reason, *count));
            return Err(error);
        }
        self.files.sync_parent(&marker)?;
        for path in &paths {
            self.files.remove_if_there(path)?;
        }
        Ok(carry)
    }

    /// Whether the close of a period was begun and will be repeated: its list is there, and so are files of its counts. Its
    /// counts were drawn already. If its lines were sent now, the repeated close would draw them again, and the recipient
    /// would get the period twice. `true` if that can't be seen.
    pub(super) fn is_being_closed(&self, place: Place, span: Span) -> bool {
        if matches!(self.files.examine(&self.intent(place, span)), Look::Absent) {
            return false;
        }
        let directory = self.counts_dir(place.scope, place.generation);
        match self.files.children(&directory) {
            Look::Read(names) => counts_files(&directory, names).0.iter().any(|(open, _)| *open == span),
            Look::Absent => false,
            Look::Refused(_) | Look::Failed(_) => true,
        }
    }

    /// Whether a file can be read now, in the way in which it will be counted.
    fn readable(&self, path: &Path) -> io::Result<()> {
        match self.files.contents(path, READ_MOST) {
            Look::Read(_) | Look::Absent => Ok(()),
            Look::Refused(_) => self.events_unused(path).map(|_| ()),
            Look::Failed(error) => Err(error),
        }
    }

    /// Cleans up a closed period. The files it was made of are only removed. A file that came later is counted as late and
    /// removed.
    fn remove_merged(&self, place: Place, span: Span, paths: Vec<PathBuf>, unread: &mut Vec<String>) -> io::Result<()> {
        let merged = self.names_in(&self.marker(place, span))?.unwrap_or_default();
        for path in paths {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if !merged.iter().any(|known| known == name) {
                let late = match self.read_counts(&path, place, span) {
                    Look::Read(tally) => {
                        tally.counts.total().saturating_add(tally.damaged).saturating_add(tally.foreign)
                    }
                    Look::Absent => 0,
                    // Counted in the same way as when a period is closed.
                    Look::Refused(_) => match noted(&path, self.events_unused(&path), unread) {
                        Some(late) => late,
                        None => continue,
                    },
                    Look::Failed(error) => {
                        note_failed(&path, &error, unread);
                        continue;
                    }
                };
                self.end_file(&path, &[(DropReason::Late, late)])?;
            }
            self.files.remove_if_there(&path)?;
        }
        Ok(())
    }

    /// The names of the files that a period is made of. `None` if the document is damaged or absent.
    ///
    /// # Errors
    /// It was not read. A new list in its place could name files that came late, and these would be lost uncounted.
    fn names_in(&self, path: &Path) -> io::Result<Option<Vec<String>>> {
        let Some(bytes) = self.files.contents(path, READ_MOST).found_at(path)? else { return Ok(None) };
        Ok(disk::unseal("closed", &bytes).and_then(|json| serde_json::from_str(json).ok()))
    }

    /// The document that lists the files of a period while it is being closed.
    fn intent(&self, place: Place, span: Span) -> PathBuf {
        self.counts_dir(place.scope, place.generation).join(format!("{span}.closing"))
    }

    fn marker(&self, place: Place, span: Span) -> PathBuf {
        self.counts_dir(place.scope, place.generation).join(format!("{span}.closed"))
    }
}

/// The result of a look at a file. A failed look is noted in `unread`.
fn noted<T>(path: &Path, look: io::Result<T>, unread: &mut Vec<String>) -> Option<T> {
    look.map_err(|error| note_failed(path, &error, unread)).ok()
}

/// The files of counts with their periods, and the periods that have a marker.
fn counts_files(directory: &Path, names: Vec<String>) -> (Vec<(Span, PathBuf)>, BTreeSet<Span>) {
    let (mut open, mut closed) = (Vec::new(), BTreeSet::new());
    for name in names {
        match Span::split(&name) {
            Some((span, ".closed")) => drop(closed.insert(span)),
            Some((span, rest)) if rest.ends_with(".jsonl") => open.push((span, directory.join(name))),
            _ => {}
        }
    }
    (open, closed)
}

/// The day on which a carried event happened, as its file's name says.
fn carried_since(path: &Path) -> Option<Day> {
    let name = path.file_stem()?.to_str()?;
    Day::parse(name.split_once("-carried-")?.1)
}
