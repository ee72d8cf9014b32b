//! The bounds of what waits: so many bytes, so many files and so many days, over all processes.
//!
//! Whole files go, the oldest first, and every event in them is counted. Ages come from what files say of themselves, in
//! their names or inside: a file's own time is told by another clock than the one that candor is given. A file that can't
//! be looked at now stays.

use super::{
    DropReason, Journal,
    segment::{self, Header},
    waiting::{self, DOOMED_MOST, Doomed},
};
use crate::{
    ambient::{Day, Time},
    consent::WAITING_DAYS,
    disk::{self, Look, Stat, StatKind},
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

/// How many files may wait where few bytes may: each costs its reader a look.
const LEAST_FILES: u64 = 256;
/// Where more bytes may wait, a file for each so many of them.
const A_FILE: u64 = 32 << 10;

/// After so many days what can't be read goes as well.
const UNREAD_DAYS: u32 = 2 * (WAITING_DAYS + 1);

/// One file that waits.
struct Waiting {
    kind: &'static str,
    path: PathBuf,
    stat: Stat,
    /// The UTC day it belongs to, where anything says so.
    day: Option<Day>,
}

impl Journal {
    /// Keeps what waits within its bounds.
    ///
    /// `aged` says whether the clock is one to tell ages by; by one that is in doubt nothing is too old. Batches are dropped
    /// only by whoever may send, since the one who sends has them in hand: `leads` says whether the caller holds the lock for
    /// it; if not, it is tried for. Answers whether it was had.
    pub(crate) fn enforce_bounds(&self, today: Day, aged: bool, leads: bool) -> bool {
        let lead = if leads { Ok(None) } else { self.lead_at_once() };
        let others_lead = !leads && matches!(lead, Ok(None));
        let leads = leads || matches!(lead, Ok(Some(_)));
        let (mut files, complete) = self.all_that_waits(leads);
        let older =
            |file: &Waiting, days: u32| aged && file.day.is_some_and(|day| day.0.saturating_add(days) < today.0);
        // `left` is what can't be removed.
        let (mut doomed, mut kind, mut left) = (Vec::new(), "", 0);
        files.retain(|file| {
            if doomed.len() == DOOMED_MOST || file.kind != kind {
                left += self.end_all(&mut doomed).0;
                kind = file.kind;
            }
            let is_foreign = file.stat.kind != StatKind::File || file.stat.exposed.is_some();
            // Whose lock nobody can take is ended by one alone, and so counted once.
            if (file.kind == "outbox" && !leads) || (is_foreign && others_lead) {
                return true;
            }
            let ended = if is_foreign {
                // Its day is over, so that nobody writes it any more, whoever changed its mode.
                if file.day.is_none_or(|day| day < today) { self.doom_foreign(file) } else { Ok(None) }
            } else if older(file, WAITING_DAYS + 1) {
                self.doom(&file.path, DropReason::Age)
            } else {
                Ok(None)
            };
            // What can't be read now is kept for twice as long: what is read again by then is counted exactly.
            let ends_unread = !others_lead && older(file, UNREAD_DAYS);
            let ended = ended.unwrap_or_else(|_| ends_unread.then(|| self.doom_unread(&file.path)));
            let stays = ended.is_none();
            doomed.extend(ended);
            stays
        });
        left += self.end_all(&mut doomed).0;
        // A clock that stood ahead made what is of a day to come. Counts are few bytes for many events, and go last.
        let age = |file: &Waiting| file.day.filter(|day| day.0 <= today.0.saturating_add(1)).unwrap_or(Day(0));
        files.sort_by(|a, b| {
            let order = |file: &Waiting| (file.kind == "counts", age(file));
            order(a).cmp(&order(b)).then_with(|| a.path.file_name().cmp(&b.path.file_name()))
        });
        let mut total: u64 = files.iter().map(|file| file.stat.occupies).sum();
        let mut number = files.len() as u64;
        // Open segments may still grow before the next look, which comes after a quarter of one.
        let cap = self.cap.saturating_sub(self.segment_most());
        let most = LEAST_FILES.max(self.cap / A_FILE);
        let mut files = files.into_iter();
        loop {
            let next = if total > cap || number > most { files.next() } else { None };
            if next.as_ref().is_none_or(|file| doomed.len() == DOOMED_MOST || file.kind != kind) && !doomed.is_empty() {
                // What can't be removed frees nothing: the next one goes as well.
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
            // What grows is held by whoever writes it.
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

    /// Every file that holds events, and whether all could be looked at. What was being made by a process that died goes on
    /// the way.
    fn all_that_waits(&self, leads: bool) -> (Vec<Waiting>, bool) {
        let (mut found, mut complete) = (Vec::new(), true);
        let mut below = |path: &Path| match self.files.children(path) {
            Look::Read(names) => names.into_iter().map(|name| path.join(name)).collect(),
            // What stands in the place of a directory and is none, such as a link, takes nothing from candor, which writes nothing
            // behind it: it stays, and counts for nothing.
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
            if !waiting::is_data(&path) {
                self.clear_unfinished(&path, leads);
                continue;
            }
            match self.files.examine(&path) {
                Look::Read(stat) => {
                    let day = day_of(kind, &path).or_else(|| self.day_inside(&path));
                    found.push(Waiting { kind, path, stat, day });
                }
                Look::Absent => {}
                Look::Refused(_) | Look::Failed(_) => complete = false,
            }
        }
        (found, complete)
    }

    /// Removes what was being made when its process died. A segment in the making is held by its maker; a document is made
    /// by whoever leads, and a schedule, which any process makes, is made over the one that was left.
    fn clear_unfinished(&self, path: &Path, leads: bool) {
        let left = match path.extension().and_then(|extension| extension.to_str()) {
            Some("making") => self.left(path),
            Some("new") if leads && path.file_stem().is_none_or(|stem| stem != "schedule") => self.left(path),
            _ => return,
        };
        if matches!(left, Ok(Some(_))) {
            let _ = self.files.remove_if_there(path);
        }
    }

    /// What is lost with a file that candor does not use, such as one that a restored backup opened to others, as far as it can
    /// be told. None where it is to stay.
    ///
    /// # Errors
    /// What it holds can't be counted now: it stays.
    fn doom_foreign(&self, file: &Waiting) -> io::Result<Option<Doomed>> {
        let ours = file.path.parent().and_then(|parent| self.files.closed_dir(parent).ok()?);
        if !matches!(ours, Some(Stat { kind: StatKind::Dir, exposed: None, .. })) {
            return Ok(None);
        }
        let bytes = match file.stat.kind {
            StatKind::File => match self.files.read_shared(&file.path, waiting::READ_MOST) {
                // Larger than any that candor writes.
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

    /// What is lost with a file that could not be read for as long as that was waited for: one event at least.
    fn doom_unread(&self, path: &Path) -> Doomed {
        Doomed::new(path, DropReason::Age, self.events_unused(path).unwrap_or(1))
    }

    /// The day that a file says inside, where its name says none.
    fn day_inside(&self, path: &Path) -> Option<Day> {
        let Look::Read(bytes) = self.files.contents(path, waiting::READ_MOST) else { return None };
        let found = segment::recover(&bytes);
        let day = found.header.as_ref().and_then(|Header { day, .. }| *day).map(Day);
        let days = found.lines.iter().filter_map(|line| super::Record::decode(line.json, self.registry));
        day.or_else(|| days.map(|record| record.day).max())
    }
}

/// The day that a file's name says.
pub(super) fn day_of(kind: &str, path: &Path) -> Option<Day> {
    let name = path.file_name()?.to_str()?;
    match kind {
        "outbox" => Some(Time(name.split_once('-')?.0.parse().ok()?).day()),
        _ => Day::parse(name.strip_prefix("day-").unwrap_or(name).get(..10)?),
    }
}
