//! Limits on the pending data of a store: bytes, number of files and days, over all processes.
//!
//! Removes whole files, the oldest first, and counts every event in them. Takes a file's age from its name or its
//! content, never from its modification time: the file system's clock is not the clock that candor is given. A file
//! that can't be inspected now stays; one that is still unreadable when twice the waiting time is over is removed.

use super::{
    DropReason, Journal,
    reading::{READ_MOST, days_of, is_data},
    segment::{self, Header},
    waiting::{DOOMED_MOST, Doomed},
};
use crate::{
    ambient::Day,
    consent::WAITING_DAYS,
    disk::{self, Look, Stat, StatKind},
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

/// The limit on the number of pending files is never lower than this. Each file costs its reader a look.
const LEAST_FILES: u64 = 256;
/// Above that, one file may be pending for each so many bytes of the byte limit.
const A_FILE: u64 = 32 << 10;

/// After this many days a file that can't be read is removed as well.
const UNREAD_DAYS: u32 = 2 * (WAITING_DAYS + 1);

/// One pending file.
struct Waiting {
    kind: &'static str,
    path: PathBuf,
    stat: Stat,
    /// The first and the last UTC day that the file belongs to, if its name or content says so.
    days: Option<(Day, Day)>,
}

impl Journal {
    /// Removes pending files until the limits hold. Returns whether this process held the lead lock.
    ///
    /// `aged` says whether the clock is trusted for judging ages; with a suspect clock no file is too old. Only the
    /// process that holds the lead lock drops batches, since a sender may be using them. `leads` says whether the
    /// caller holds that lock; if it does not, this tries to take it without waiting.
    pub(crate) fn enforce_bounds(&self, today: Day, aged: bool, leads: bool) -> bool {
        let lead = if leads { Ok(None) } else { self.lead_at_once() };
        let others_lead = !leads && matches!(lead, Ok(None));
        let leads = leads || matches!(lead, Ok(Some(_)));
        let (mut files, complete) = self.all_that_waits(leads);
        let older =
            |file: &Waiting, days: u32| aged && file.days.is_some_and(|(_, day)| day.0.saturating_add(days) < today.0);
        // `left` is the space of files that can't be removed.
        let (mut doomed, mut kind, mut left) = (Vec::new(), "", 0);
        files.retain(|file| {
            if doomed.len() == DOOMED_MOST || file.kind != kind {
                left += self.end_all(&mut doomed).0;
                kind = file.kind;
            }
            let is_foreign = file.stat.kind != StatKind::File || file.stat.exposed.is_some();
            // A foreign file can't be locked. Only one process removes it, so that it is counted once.
            if (file.kind == "outbox" && !leads) || (is_foreign && others_lead) {
                return true;
            }
            let ended = if is_foreign {
                // Once its day is over no process writes it any more, even if its mode was changed.
                if file.days.is_none_or(|(_, day)| day < today) { self.doom_foreign(file) } else { Ok(None) }
            } else if older(file, WAITING_DAYS + 1) {
                self.doom(&file.path, DropReason::Age)
            } else {
                Ok(None)
            };
            // A file that can't be read now is kept for twice as long. If it becomes readable by then, its events are
            // counted exactly.
            let ends_unread = !others_lead && older(file, UNREAD_DAYS);
            let ended = ended.unwrap_or_else(|_| ends_unread.then(|| self.doom_unread(&file.path)));
            let stays = ended.is_none();
            doomed.extend(ended);
            stays
        });
        left += self.end_all(&mut doomed).0;
        // A file with a future day was made while the clock was ahead: it is treated as the oldest. Counts go last,
        // since they take few bytes for many events.
        let age = |file: &Waiting| {
            let days = file.days.filter(|(first, _)| first.0 <= today.0.saturating_add(1));
            days.map_or(Day(0), |(_, last)| last.min(today))
        };
        files.sort_by(|a, b| {
            let order = |file: &Waiting| (file.kind == "counts", age(file));
            order(a).cmp(&order(b)).then_with(|| a.path.file_name().cmp(&b.path.file_name()))
        });
        let mut total: u64 = files.iter().map(|file| file.stat.occupies).sum();
        let mut number = files.len() as u64;
        // Open segments may still grow before the next check, which follows after a quarter of a segment is written.
        let cap = self.cap.saturating_sub(self.segment_most());
        let most = LEAST_FILES.max(self.cap / A_FILE);
        let mut files = files.into_iter();
        loop {
            let next = if total > cap || number > most { files.next() } else { None };
            if next.as_ref().is_none_or(|file| doomed.len() == DOOMED_MOST || file.kind != kind) && !doomed.is_empty() {
                // A file that can't be removed frees nothing, so the next one is removed as well.
                let (room, stuck) = self.end_all(&mut doomed);
                total = total.saturating_add(room);
                number += stuck;
                if next.is_none() {
                    continue;
                }
            }
            let Some(file) = next else { break };
            kind = file.kind;
            let held = file.kind == "outbox" && !leads;
            // A file that still grows is locked by its writer, so that `doom` returns `None` for it.
            if !held && let Ok(Some(goes)) = self.doom(&file.path, DropReason::Full) {
                doomed.push(goes);
                total = total.saturating_sub(file.stat.occupies);
                number -= 1;
            }
        }
        if complete {
            self.full.store(total.saturating_add(left) > cap, Ordering::Relaxed);
        }
        leads
    }

    /// Returns every file that holds events, and whether all could be inspected. On the way it removes unfinished files
    /// of processes that died.
    fn all_that_waits(&self, leads: bool) -> (Vec<Waiting>, bool) {
        let (mut found, mut complete) = (Vec::new(), true);
        let mut below = |path: &Path| match self.files.children(path) {
            Look::Read(names) => names.into_iter().map(|name| path.join(name)).collect(),
            // Something else in the place of a directory, such as a link, takes no space from candor, which writes
            // nothing behind it. It stays and does not count.
            Look::Absent | Look::Refused(_) => Vec::new(),
            Look::Failed(_) => {
                complete = false;
                Vec::new()
            }
        };
        let mut paths = Vec::new();
        for kind in ["waiting", "outbox", "counts"] {
            for scope in below(&self.store.join(kind)) {
                for generation in below(&scope) {
                    paths.extend(below(&generation).into_iter().map(|path| (kind, path)));
                }
            }
        }
        for (kind, path) in paths {
            if !is_data(&path) {
                self.clear_unfinished(&path, leads);
                continue;
            }
            match self.files.examine(&path) {
                Look::Read(stat) => {
                    let days = days_of(kind, &path).or_else(|| self.day_inside(&path).map(|day| (day, day)));
                    found.push(Waiting { kind, path, stat, days });
                }
                Look::Absent => {}
                Look::Refused(_) | Look::Failed(_) => complete = false,
            }
        }
        (found, complete)
    }

    /// Removes an unfinished file whose process died. The process that makes a segment holds its lock. A document is
    /// made only by the process that leads. An unfinished schedule is left alone: any process may write one, and the
    /// next write replaces the leftover.
    fn clear_unfinished(&self, path: &Path, leads: bool) {
        let left = match path.extension().and_then(|extension| extension.to_str()) {
            Some("making") => self.left(path),
            Some("new") if leads && path.file_stem().is_none_or(|stem| stem != "schedule") => self.left(path),
            _ => return,
        };
        if matches!(left, Ok(Some(_))) {
            self.files.remove_or_leave(path);
        }
    }

    /// Counts what is lost with a file that candor does not use, as far as that is known. Such a file is one that a
    /// restored backup opened to others. `None` if the file is to stay.
    ///
    /// # Errors
    /// Its events can't be counted now: the file stays.
    fn doom_foreign(&self, file: &Waiting) -> io::Result<Option<Doomed>> {
        let ours = file.path.parent().and_then(|parent| self.files.closed_dir(parent).ok()?);
        if !matches!(ours, Some(Stat { kind: StatKind::Dir, exposed: None, .. })) {
            return Ok(None);
        }
        let bytes = match file.stat.kind {
            StatKind::File => match self.files.read_shared(&file.path, READ_MOST) {
                // Larger than any file that candor writes.
                Err(error) if disk::refusal(&error).is_some() => {
                    return Ok(Some(Doomed::new(&file.path, DropReason::Foreign, 1)));
                }
                read => read?,
            },
            _ => Vec::new(),
        };
        let records = self.events_only_in(&file.path, &bytes)?;
        Ok(Some(Doomed::new(&file.path, DropReason::Foreign, records)))
    }

    /// Counts what is lost with a file that stayed unreadable for `UNREAD_DAYS`: at least one event.
    fn doom_unread(&self, path: &Path) -> Doomed {
        Doomed::new(path, DropReason::Age, self.events_unused(path).unwrap_or(1))
    }

    /// The day that a file's content says, for a file whose name has none.
    fn day_inside(&self, path: &Path) -> Option<Day> {
        let Look::Read(bytes) = self.files.contents(path, READ_MOST) else { return None };
        let found = segment::recover(&bytes);
        let day = found.header.as_ref().and_then(|Header { day, .. }| *day).map(Day);
        let days = found.lines.iter().filter_map(|line| super::Record::stored(line.json, self.registry));
        day.or_else(|| days.map(|(record, _)| record.day).max())
    }
}
