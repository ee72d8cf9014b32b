//! Pending and sent data: rings, segments, counts, the outbox and the sent log. Keeps only generalised events and sends
//! nothing.
//!
//! Events go from the [rings](ring) to a [segment] of their scope as [lines](mod@line), or into the day's [counts]. The
//! [outbox] holds batches with their exact bytes. The [sent] log is for the person. Every file is bounded, every loss
//! is [counted](counters), and whatever is read back is checked before it is used.

mod bounds;
mod counters;
mod counts;
#[cfg(test)]
#[path = "forms_tests.rs"]
mod forms;
#[cfg(any(test, fuzzing))]
#[allow(unreachable_pub, reason = "reached by fuzzers")]
pub(crate) mod fuzzing;
mod line;
mod losses;
mod names;
mod outbox;
mod reading;
mod ring;
mod segment;
mod sent;
mod span;
mod told;
mod waiting;

pub(crate) use counters::Counters;
pub use counters::DropReason;
#[cfg(test)]
pub(crate) use line::DECODED;
pub(crate) use line::Record;
pub(crate) use losses::{LOSSES_WAIT, Losses};
pub(crate) use names::{Named, Names};
pub(crate) use outbox::{Batch, Draft, Gone, Outbox, Parent, Schedule, Source};
pub(crate) use sent::{SentLog, Taken};
pub(crate) use waiting::Sealed;

use crate::{
    ambient::{Ambient, Day},
    consent::{Destroyed, OpenScope, Place, Projection, Scope, ScopeKey, UNKNOWN_EPOCH},
    disk::{self, Files, Handle, Look, Stat, StatKind},
    error::{At, Error},
    event::{Linkage, MAX_FIELDS, Period, Registry, Schema, Values},
    generalize::Generalized,
    mutants::{self, Mutant},
    rollup::Counts,
    sync::{Mutex, MutexGuard},
};
use once_cell::sync::OnceCell;
use ring::{Push, Rings};
use segment::{Header, Kind, Segment};
use span::Span;
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// After a disk error, nothing of that kind is written for the scope for this long.
const PAUSE: Duration = Duration::from_secs(60);

/// Data for each scope's place, by the scope's name.
type ByScope<T> = BTreeMap<&'static str, (Place, T)>;

/// The kinds of pending data: each has a directory for each scope, and in it one for each generation.
const KINDS: [&str; 3] = ["waiting", "counts", "outbox"];

/// The same, with what is kept about once-events, which lasts as long as the grant.
const ALL_KINDS: [&str; 4] = ["waiting", "counts", "outbox", "told"];

/// The outcomes of an event that the person's agreement allows. `None` if the person did not agree to this type of
/// event.
fn hold(held: Option<&Projection>, schema: &Schema, outcomes: &[u16; MAX_FIELDS]) -> Option<[u16; MAX_FIELDS]> {
    let Some(projection) = held else { return Some(*outcomes) };
    let said = projection.get(schema.name())?;
    let mut outcomes = *outcomes;
    for (rule, outcome) in said.rules.iter().zip(&mut outcomes) {
        *outcome = rule.of(*outcome);
    }
    Some(outcomes)
}

/// Whether what the agreement leaves of a snapshot's field is all of it: a value without its key, or with another one, would be
/// wrong, and a record without a value would count as an answer. Other events may leave fields out.
fn is_whole(schema: &Schema, recorded: &[u16; MAX_FIELDS], held: &[u16; MAX_FIELDS]) -> bool {
    let Some(part) = schema.snapshot() else { return true };
    let mut pairs = recorded.iter().zip(held);
    let same_key = !part.keyed || pairs.next().is_none_or(|(recorded, held)| recorded == held);
    same_key && pairs.all(|(recorded, held)| *recorded == 0 || *held != 0)
}

/// Whether the event's last day is over on `day`: the last day that this build declares, or the one that was agreed to.
fn is_over(held: Option<&Projection>, schema: &Schema, day: Day) -> bool {
    let agreed = held.and_then(|projection| projection.get(schema.name())?.until);
    [schema.last_day(), agreed].into_iter().flatten().any(|last| day > last)
}

/// Whether a record that was read back could have been kept under the agreement.
pub(crate) fn is_held(held: Option<&Projection>, record: &Record) -> bool {
    if is_over(held, record.schema, record.day) {
        return false;
    }
    if record.other {
        return held.is_none_or(|projection| projection.contains_key(record.schema.name()));
    }
    hold(held, record.schema, &record.outcomes) == Some(record.outcomes)
}

/// The files and rings of one client.
pub(crate) struct Journal {
    files: Files,
    store: PathBuf,
    ambient: Ambient,
    registry: &'static Registry,
    pub(crate) counters: Counters,
    rings: OnceCell<Rings>,
    writer: Mutex<Writer>,
    /// Prevents two threads of this process from taking each other for another process.
    leading: Mutex<()>,
    /// How many bytes may be pending, over all processes.
    cap: u64,
    /// The limit is reached and nothing more can be dropped, since other processes hold the pending files.
    full: AtomicBool,
    /// The client is ending: an event that finds its gate closed came too late. That does not mean that consent was
    /// withdrawn.
    ending: AtomicBool,
}

/// The right to close days and to send. The lock of the store is released before the lock of this process.
pub(crate) struct Lead<'j> {
    _lock: Box<dyn Handle>,
    _alone: MutexGuard<'j, ()>,
}

/// What this process has open.
#[derive(Default)]
struct Writer {
    waiting: BTreeMap<&'static str, Segment>,
    /// The counts of each scope and period with their sum. The file is rewritten with the sum when it has grown.
    counts: BTreeMap<(&'static str, Period), (Segment, Counts)>,
    /// The last period in which each once-event of a scope was reported, and the epoch of its grant.
    told: BTreeMap<(&'static str, u32), (u64, Day)>,
    /// Until when writing is paused and why, by kind and scope.
    paused: BTreeMap<(Kind, &'static str), (Instant, String)>,
    written_since_check: u64,
    /// How many segments of pending events this process has made.
    made: u32,
}

impl Journal {
    pub(crate) fn new(files: Files, store: PathBuf, ambient: Ambient, registry: &'static Registry, cap: u64) -> Self {
        Journal {
            files,
            store,
            ambient,
            registry,
            counters: Counters::default(),
            rings: OnceCell::new(),
            writer: Mutex::default(),
            leading: Mutex::default(),
            cap,
            full: AtomicBool::new(false),
            ending: AtomicBool::new(false),
        }
    }

    /// Makes the rings. Called when a scope opens, never on a recording thread.
    pub(crate) fn make_rings(&self) {
        self.rings.get_or_init(Rings::new);
    }

    /// Takes an event from a recording thread. Never blocks; an event that does not fit is counted. Returns `true` when
    /// the worker must drain now, whatever it is doing.
    #[inline]
    pub(crate) fn push(&self, event: Generalized) -> bool {
        match self.rings.get().map_or(Push::Full, |rings| rings.push(event)) {
            Push::Kept => false,
            Push::Pressed => true,
            Push::Full => {
                self.counters.drop(DropReason::RingFull, 1);
                false
            }
        }
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.rings.get().is_none_or(Rings::is_empty)
    }

    pub(crate) fn is_pressed(&self) -> bool {
        self.rings.get().is_some_and(Rings::is_pressed)
    }

    /// Moves the events in the rings to disk, stamped with `day`. Returns how many there were.
    pub(crate) fn drain(&self, day: Day, open_scope: impl Fn(Scope) -> Result<OpenScope, DropReason>) -> usize {
        let Some(rings) = self.rings.get() else { return 0 };
        let mut drained = 0;
        rings.drain(|events| {
            drained += events.len();
            self.keep(events, day, &open_scope);
        });
        drained
    }

    /// From now on, an event that its gate does not admit counts as `Unfinished`: the client is ending.
    pub(crate) fn end(&self) {
        self.ending.store(true, Ordering::SeqCst);
    }

    /// Counts the events that no thread will write any more: the worker has stopped, and threads recorded until the
    /// gates closed.
    pub(crate) fn abandon(&self) {
        if let Some(rings) = self.rings.get() {
            rings.drain(|events| self.counters.drop(DropReason::Unfinished, events.len() as u64));
        }
    }

    /// Writes events to their segments and counts. Each event ends in exactly one counter.
    pub(crate) fn keep(
        &self,
        events: &[Generalized],
        day: Day,
        open_scope: impl Fn(Scope) -> Result<OpenScope, DropReason>,
    ) {
        // The lock is taken before any gate is checked. A withdrawal closes the gate and then takes this lock, so it
        // knows that nothing is written afterwards.
        let mut writer = self.writer.lock();
        let mut lines: ByScope<Vec<(u32, String)>> = BTreeMap::new();
        let mut counts: BTreeMap<(&'static str, Period), (Place, Counts)> = BTreeMap::new();
        // The once-events that are reported now for the first time in their period.
        let mut claimed: BTreeMap<&'static str, Vec<(&'static Schema, Span)>> = BTreeMap::new();
        for event in events {
            let Some(schema) = self.registry.schema(event.schema()) else {
                self.counters.drop(DropReason::Unregistered, 1);
                continue;
            };
            if !schema.admits(event.outcomes()) {
                self.counters.drop(DropReason::Invalid, 1);
                continue;
            }
            let scope = schema.scope();
            let open_scope = match open_scope(scope) {
                Ok(open_scope) if open_scope.place.epoch == event.epoch() => Ok(open_scope),
                _ if event.epoch() == UNKNOWN_EPOCH => Err(DropReason::InDoubt),
                Ok(_) => Err(DropReason::StaleEpoch),
                Err(why) => Err(why),
            };
            let OpenScope { place, held, given } = match open_scope {
                Ok(open_scope) => open_scope,
                Err(why) => {
                    let ending = self.ending.load(Ordering::SeqCst);
                    self.counters.drop(if ending { DropReason::Unfinished } else { why }, 1);
                    continue;
                }
            };
            // A code belongs to the day whose keys made it, and so does its line.
            let day = event.code().day().unwrap_or(day);
            let mut recorded = *event.outcomes();
            if let Some(at) = schema.tenure()
                && let Some(field) = schema.fields().get(at)
                && let Some(outcome) = recorded.get_mut(at)
            {
                *outcome = given.map_or(0, |given| field.precision.outcome_of(weeks_between(given.day(), day)));
            }
            let Some(outcomes) = hold(held.as_deref(), schema, &recorded).filter(|it| is_whole(schema, &recorded, it))
            else {
                self.counters.drop(DropReason::HeldBack, 1);
                continue;
            };
            if is_over(held.as_deref(), schema, day) {
                self.counters.drop(DropReason::Ended, 1);
                continue;
            }
            if self.full.load(Ordering::Relaxed) {
                self.counters.drop(DropReason::Full, 1);
                continue;
            }
            if let Some(period) = schema.period()
                && (schema.linkage() == Linkage::Rollup || schema.values() == Some(Values::Last))
            {
                let key = (scope.name(), period);
                let (_, sum) = counts.entry(key).or_insert_with(|| (place, Counts::default()));
                sum.add_to(schema, outcomes, 1);
                continue;
            }
            let Ok(uid) = self.ambient.random() else {
                self.counters.drop(DropReason::Disk, 1);
                continue;
            };
            let span = schema.period().map(|period| Span::of(period, day));
            if let Some(span) = span {
                match self.claim(&mut writer, schema, place.epoch, span) {
                    Ok(true) => claimed.entry(scope.name()).or_default().push((schema, span)),
                    Ok(false) => {
                        self.counters.drop(DropReason::Repeated, 1);
                        continue;
                    }
                    Err(error) => {
                        self.counters.drop(why_not_written(&error), 1);
                        continue;
                    }
                }
            }
            let day = span.map_or(day, |span| span.start);
            let code = event.code().bytes;
            match (Record { schema, day, outcomes, code, count: 0, other: false, uid }.encode()) {
                Some(line) => {
                    let (_, list) = lines.entry(scope.name()).or_insert_with(|| (place, Vec::new()));
                    list.push((event.subject(), line));
                }
                None => self.counters.drop(DropReason::Disk, 1),
            }
        }
        for (place, list) in lines.into_values() {
            let count = list.len() as u64;
            match self.write_lines(&mut writer, place, day, &list) {
                Ok(()) => drop(self.counters.lines.fetch_add(count, Ordering::Relaxed)),
                Err(error) => {
                    self.counters.drop(why_not_written(&error), count);
                    // Nothing was written, so the next one may be reported.
                    for (schema, span) in claimed.remove(place.scope.name()).unwrap_or_default() {
                        self.unclaim(&mut writer, schema, span);
                    }
                }
            }
        }
        for ((_, period), (place, sum)) in counts {
            match self.write_counts(&mut writer, place, Span::of(period, day), &sum) {
                Ok(()) => {
                    self.counters.counted.fetch_add(sum.total(), Ordering::Relaxed);
                }
                Err(error) => self.counters.drop(why_not_written(&error), sum.total()),
            }
        }
        if writer.written_since_check > self.segment_most() / 4 || self.full.load(Ordering::Relaxed) {
            writer.written_since_check = 0;
            drop(writer);
            // Only for lack of space: it is not known here whether the clock is trusted for judging ages.
            let _ = self.enforce_bounds(day, false, false);
        }
    }

    /// The largest size of a segment: a fraction of the limit, since a segment that is being written can't be dropped.
    fn segment_most(&self) -> u64 {
        segment::SEGMENT_MOST.min(self.cap / 20)
    }

    /// Runs `write`, unless the disk failed a moment ago for the same kind and scope. After an error the file is left
    /// as it is, since it may end in half a line. Other files that this process has open are not affected.
    fn writing<T>(
        &self,
        writer: &mut Writer,
        kind: Kind,
        scope: Scope,
        write: impl FnOnce(&mut Writer) -> io::Result<T>,
    ) -> io::Result<T> {
        let of = if mutants::on(Mutant::PauseForAll) { "" } else { scope.name() };
        let (now, what) = (self.ambient.monotonic(), (kind, of));
        if writer.paused.get(&what).is_some_and(|(until, _)| now < *until) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let written = write(writer);
        writer.paused.remove(&what);
        if let Err(error) = &written {
            match kind {
                Kind::Waiting => drop(writer.waiting.remove(scope.name())),
                Kind::Counts => writer.counts.retain(|(name, _), _| *name != scope.name()),
            }
            // If the directory is gone, another process removed it because consent was withdrawn: the disk is sound.
            if error.kind() != io::ErrorKind::NotFound || mutants::on(Mutant::GoneIsBroken) {
                writer.paused.insert(what, (now + PAUSE, error.to_string()));
            }
        }
        written
    }

    /// Why the events of a scope are not written at the moment; `None` if they are. With `waits` false, it also returns
    /// `None` while another thread is writing, so that the caller does not wait for it.
    pub(crate) fn trouble_of(&self, scope: &str, waits: bool) -> Option<String> {
        let writer = if waits { self.writer.lock() } else { self.writer.try_lock()? };
        let why = writer.paused.iter().find_map(|((_, of), (_, why))| (*of == scope).then_some(why))?;
        let minute = PAUSE.as_secs();
        Some(format!(
            "recorded events can't be written to disk ({why}): they are counted as lost, and candor tries again every \
             {minute} s"
        ))
    }

    fn write_lines(&self, writer: &mut Writer, place: Place, day: Day, lines: &[(u32, String)]) -> io::Result<()> {
        self.writing(writer, Kind::Waiting, place.scope, |writer| {
            let name = place.scope.name();
            let fits = |segment: &Segment| {
                let header = segment.header();
                header.epoch == place.epoch
                    && header.day == Some(day.0)
                    && segment.bytes() < self.segment_most()
                    && segment.is_in_place(&self.files)
            };
            if !writer.waiting.get(name).is_some_and(fits) {
                writer.waiting.remove(name);
                let directory = self.waiting_dir(place.scope, place.generation);
                self.files.own_dir(&directory)?;
                let header = Header::waiting(name, place.generation, place.epoch, day);
                let segment = match self.adopt(&directory, Span::of(Period::Day, day), &header) {
                    Some((segment, _)) => segment,
                    None => {
                        // The prefix sorts by age: the oldest segments are dropped first when space runs out.
                        writer.made += 1;
                        let prefix = format!("{day}-{:06}-", writer.made);
                        Segment::create(&self.files, &directory, &prefix, header, &self.ambient)?
                    }
                };
                writer.waiting.insert(name, segment);
            }
            let Some(segment) = writer.waiting.get_mut(name) else { return Ok(()) };
            let before = segment.bytes();
            segment.append(lines.iter().map(|(subject, json)| (*subject, json.as_str())))?;
            writer.written_since_check += segment.bytes() - before;
            Ok(())
        })
    }

    /// Closes every segment of this process, so that it can be read and sent. New events go to new segments.
    pub(crate) fn seal(&self) {
        self.writer.lock().waiting.clear();
    }

    /// Closes what this process has open of one scope.
    fn let_go(&self, scope: ScopeKey<'_>) {
        let mut writer = self.writer.lock();
        writer.waiting.remove(scope.name());
        writer.counts.retain(|(name, _), _| *name != scope.name());
        writer.told.retain(|(name, _), _| *name != scope.name());
    }

    /// Closes the counts of other periods than those of `today`, so that they can be merged.
    pub(crate) fn leave_past_periods(&self, today: Day) {
        let is_of_today = |period: Period, segment: &Segment| segment.header().day == Some(period.start(today).0);
        self.writer.lock().counts.retain(|(_, period), (segment, _)| is_of_today(*period, segment));
    }

    pub(crate) fn outbox(&self) -> Outbox<'_> {
        Outbox::new(&self.files, &self.store, &self.counters, &self.ambient)
    }

    pub(crate) fn sent(&self) -> SentLog<'_> {
        SentLog::new(&self.files, &self.store)
    }

    /// Keeps for the person a batch that was sent, or may have been, and is no longer tried although no receiver took
    /// it. If a copy can't be written, the batch's own file is kept.
    pub(crate) fn keep_not_taken(&self, batch: &Batch, why: DropReason) {
        let scope = self.registry.scopes().iter().find(|scope| scope.name() == batch.scope());
        if let Some(&scope) = scope.filter(|_| batch.may_have_left()) {
            let (sent, at) = (self.sent(), self.ambient.now());
            let noted = sent.note_not_taken(scope, batch, at, why);
            // If neither can be written, the person's log lacks this batch.
            let _ = noted.or_else(|_| sent.keep_file(scope, batch, at, Some(why)));
        }
    }

    pub(crate) fn losses(&self) -> Losses<'_> {
        Losses::new(&self.files, &self.store, &self.counters)
    }

    /// Adds the losses to the count that outlives this process. Called before durable data is removed, so that the loss
    /// stays counted even if the program dies next.
    pub(crate) fn note_losses(&self) {
        // What can't be written is added by a later call.
        let _ = self.losses().save(&self.ambient, self.ambient.now().day(), false, LOSSES_WAIT);
    }

    pub(crate) fn names(&self) -> Names<'_> {
        Names::new(&self.files, &self.store)
    }

    /// Takes the lock for closing days and sending, over all processes. `None` if another process has it. Waits for
    /// another thread of this client that has it: that thread's work is this process's own and no reason not to send.
    pub(crate) fn lead(&self) -> io::Result<Option<Lead<'_>>> {
        self.lead_with(self.leading.lock())
    }

    /// The same, without waiting for another thread of this client.
    fn lead_at_once(&self) -> io::Result<Option<Lead<'_>>> {
        self.leading.try_lock().map_or(Ok(None), |alone| self.lead_with(alone))
    }

    fn lead_with<'j>(&'j self, alone: MutexGuard<'j, ()>) -> io::Result<Option<Lead<'j>>> {
        let lock = self.files.lock_file(&self.store.join("lead.lock"))?;
        Ok(lock.try_lock(false)?.then_some(Lead { _lock: lock, _alone: alone }))
    }

    /// Whether any data of a scope is on disk, or may be, in directories other than those of generation `keep`. `true`
    /// if the system does not let us look or something else is in a directory's place: then the clean-up looks again
    /// later.
    pub(crate) fn may_hold_other(&self, scope: ScopeKey<'_>, keep: Option<u64>) -> bool {
        let kept = keep.map(|generation| generation.to_string());
        // What is kept about once-events lasts as long as the grant.
        let kinds = if keep.is_none() { &ALL_KINDS[..] } else { &KINDS[..] };
        kinds.iter().any(|kind| match self.generations_of(kind, scope.name()) {
            Look::Read(names) => names.iter().any(|name| Some(name) != kept.as_ref()),
            Look::Absent => false,
            Look::Refused(_) | Look::Failed(_) => true,
        })
    }

    /// The names of a scope's directories, one for each generation.
    fn generations_of(&self, kind: &str, scope: &str) -> Look<Vec<String>> {
        self.files.children_if_listed(&self.store.join(kind).join(scope))
    }

    /// Notes anything in the place of a scope's directories that is not a directory. Nothing behind it is used or
    /// removed, and a receipt says that not everything was destroyed.
    pub(crate) fn note_refused(&self, scope: Scope, unread: &mut Vec<String>) {
        for kind in KINDS {
            let directory = self.store.join(kind).join(scope.name());
            if matches!(self.files.examine(&directory), Look::Read(stat) if stat.kind != StatKind::Dir) {
                unread.push(format!("{}: it is not a directory", directory.display()));
            }
        }
    }

    /// Destroys the pending data of a scope, except in the directories of generation `keep`. A directory is renamed
    /// first, so that no other process finds it by name, and then removed.
    pub(crate) fn purge(&self, scope: ScopeKey<'_>, keep: Option<u64>) -> Destroyed {
        self.let_go(scope);
        let kinds = if keep.is_none() { &ALL_KINDS[..] } else { &KINDS[..] };
        self.purge_those(scope, kinds, |generation| generation.is_none() || generation != keep)
    }

    /// The same for a grant that renews one in force: all generations go, and what is kept about once-events stays.
    pub(crate) fn purge_renewed(&self, scope: ScopeKey<'_>) -> Destroyed {
        self.let_go(scope);
        self.purge_those(scope, &KINDS, |_| true)
    }

    /// The same for a grant that ended: also destroys what is kept about its once-events.
    pub(crate) fn purge_with_grant(&self, scope: ScopeKey<'_>, keep: Option<u64>) -> Destroyed {
        self.let_go(scope);
        self.purge_those(scope, &ALL_KINDS, |generation| generation.is_none() || generation != keep)
    }

    /// Whether [`purge`](Journal::purge) can destroy all pending data of a scope, as far as looking can tell. Changes
    /// nothing.
    ///
    /// # Errors
    /// What is in the way.
    pub(crate) fn may_purge(&self, scope: Scope) -> Result<(), Error> {
        for kind in ALL_KINDS {
            let (of_kind, of_scope) = (self.store.join(kind), self.store.join(kind).join(scope.name()));
            let named = if self.is_link(&of_kind) { of_kind } else { of_scope.clone() };
            let names = self.generations_of(kind, scope.name()).found().at("use the directory", &named)?;
            for directory in names.unwrap_or_default().into_iter().map(|name| of_scope.join(name)) {
                if self.is_link(&directory) {
                    return Err(disk::refused("it is a symbolic link, which candor does not follow"))
                        .at("use the directory", &directory);
                }
            }
        }
        let trash = self.store.join("trash");
        self.files.may_own_dir(&trash).at("use the directory", &trash)
    }

    /// Destroys the pending data of a scope up to and including a generation, and leaves later generations.
    pub(crate) fn purge_until(&self, scope: ScopeKey<'_>, latest: u64) -> Destroyed {
        self.let_go(scope);
        self.purge_those(scope, &KINDS, |generation| generation.is_some_and(|generation| generation <= latest))
    }

    fn purge_those(&self, scope: ScopeKey<'_>, kinds: &[&str], goes: impl Fn(Option<u64>) -> bool) -> Destroyed {
        let mut destroyed = Destroyed { complete: true, ..Destroyed::default() };
        for kind in kinds {
            let above = self.store.join(kind).join(scope.name());
            let names = match self.generations_of(kind, scope.name()) {
                Look::Read(names) => names,
                Look::Absent => continue,
                // Data may be there. It can't be sent any more, and is looked for again later. Nothing behind a link is
                // removed, so data that was moved there still exists.
                Look::Refused(_) | Look::Failed(_) => {
                    destroyed.complete &= mutants::on(Mutant::UnseenIsDestroyed);
                    continue;
                }
            };
            for name in names {
                if !goes(name.parse().ok()) {
                    continue;
                }
                let directory = above.join(name);
                // The size is reported as far as it can be seen. A directory that can't be listed is removed as well.
                let names = match self.files.children(&directory) {
                    Look::Read(names) => names,
                    // The link stays: without it, data that was moved behind it could not be found.
                    Look::Refused(_) if self.is_link(&directory) => {
                        destroyed.complete = false;
                        continue;
                    }
                    Look::Absent | Look::Refused(_) | Look::Failed(_) => Vec::new(),
                };
                for path in names.into_iter().map(|name| directory.join(name)).filter(|path| reading::is_data(path)) {
                    if let Look::Read(stat) = self.files.examine(&path) {
                        destroyed.bytes += stat.len;
                    }
                    destroyed.files += 1;
                }
                destroyed.complete &= self.throw_away(&directory).is_ok();
            }
        }
        // Directories that an earlier call renamed but could not remove still count as not destroyed.
        if may_hold_any(&self.files.children_if_listed(&self.store.join("trash"))) {
            self.empty_trash();
            destroyed.complete &= !may_hold_any(&self.files.children_if_listed(&self.store.join("trash")));
        }
        // What a power failure brings back is stale, and is destroyed at the next start.
        let _ = self.files.sync_dir(&self.store);
        destroyed
    }

    /// Deletes the sent log of a scope when the person asks for it. After an interruption either all of it is there or
    /// none.
    pub(crate) fn delete_sent(&self, scope: Scope) -> io::Result<()> {
        let directory = self.sent().directory(scope);
        // Nothing behind a link is removed. The link stays: without it, data that was moved there could not be found.
        match self.files.children(&directory).found_at(&directory)? {
            Some(_) => self.throw_away(&directory).and_then(|()| self.files.sync_parent(&directory)),
            None => Ok(()),
        }
    }

    /// Whether all pending data of a scope is known to be in the trash or gone.
    pub(crate) fn is_out_of_place(&self, scope: Scope) -> bool {
        let trash = self.files.children_if_listed(&self.store.join("trash"));
        let is_in_place = |kind: &&str| may_hold_any(&self.generations_of(kind, scope.name()));
        matches!(trash, Look::Read(_) | Look::Absent) && !ALL_KINDS.iter().any(is_in_place)
    }

    /// Removes a whole directory. It is renamed first, so that the next start removes what an interruption left.
    fn throw_away(&self, directory: &Path) -> io::Result<()> {
        let trash = self.store.join("trash");
        let aside = self.ambient.random_hex::<8>().map(|name| trash.join(name));
        let renamed = aside.and_then(|aside| {
            self.files.own_dir(&trash)?;
            self.files.rename(directory, &aside)?;
            Ok(aside)
        });
        // If it can't be renamed, for example on a full disk, it is removed in place.
        let left = renamed.unwrap_or_else(|_| directory.to_owned());
        // Another process that cleans up at the same time may have removed it first.
        self.files.remove_tree(&left).or_else(|error| if self.is_gone(&left) { Ok(()) } else { Err(error) })
    }

    fn is_link(&self, path: &Path) -> bool {
        matches!(self.files.examine(path), Look::Read(Stat { kind: StatKind::Link, .. }))
    }

    /// Whether something that was there a moment ago is known to be gone: its parent directory can be listed and does
    /// not contain it.
    fn is_gone(&self, path: &Path) -> bool {
        let names = path.parent().map(|above| self.files.children(above));
        matches!(names, Some(Look::Read(names)) if !names.iter().any(|name| path.ends_with(name)))
    }

    /// Whether the trash holds anything that was not removed yet, or may hold it.
    pub(crate) fn may_hold_trash(&self) -> bool {
        may_hold_any(&self.files.children(&self.store.join("trash")))
    }

    /// Empties the trash that an interrupted purge left. A trash that can't be listed now is emptied later, since it
    /// [may hold](Journal::may_hold_trash) something.
    pub(crate) fn empty_trash(&self) {
        let trash = self.store.join("trash");
        let Look::Read(names) = self.files.children(&trash) else { return };
        for left in names.into_iter().map(|name| trash.join(name)) {
            // What can't be removed is still in the trash, and callers look there.
            let _ = self.files.remove_tree(&left).or_else(|_| self.files.remove_file(&left));
        }
    }

    fn waiting_dir(&self, scope: Scope, generation: u64) -> PathBuf {
        self.store.join("waiting").join(scope.name()).join(generation.to_string())
    }

    fn counts_dir(&self, scope: Scope, generation: u64) -> PathBuf {
        self.store.join("counts").join(scope.name()).join(generation.to_string())
    }
}

/// Whether a directory holds anything, or may. A link in its place may lead to something, so it counts as well.
fn may_hold_any(looked: &Look<Vec<String>>) -> bool {
    match looked {
        Look::Read(names) => !names.is_empty(),
        Look::Absent => false,
        Look::Refused(_) | Look::Failed(_) => true,
    }
}

/// How many whole weeks lie between two days; 0 if the second is earlier.
fn weeks_between(from: Day, to: Day) -> i64 {
    i64::from(to.0.saturating_sub(from.0) / 7)
}

/// Why events could not be written. If the directory disappeared before the file was made in it, consent was withdrawn
/// or granted again in another process. That is the reason for the loss; the disk is not at fault.
fn why_not_written(error: &io::Error) -> DropReason {
    match error.kind() {
        io::ErrorKind::NotFound => DropReason::StaleEpoch,
        _ => DropReason::Disk,
    }
}
