//! What waits and what left: rings, segments, counts, outbox, sent log. Keeps only what was generalised; sends nothing.
//!
//! Events go from the [rings](ring) to a [segment] of their scope as [lines](mod@line), or into the day's
//! [counts]. The [outbox] holds batches with their exact bytes; the [sent] log is the person's. Every file is bounded,
//! every loss is [counted](counters), and whatever is read back is checked before it counts.

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
mod ring;
mod segment;
mod sent;
mod waiting;

pub(crate) use counters::{Counters, DROPS, DropReason};
pub(crate) use line::Record;
pub(crate) use losses::Losses;
pub(crate) use names::{Named, Names};
pub(crate) use outbox::{Batch, Draft, Gone, Outbox, Parent, Schedule, Source};
pub(crate) use sent::{SentLog, Taken};
pub(crate) use waiting::Sealed;

use crate::{
    ambient::{Ambient, Day},
    consent::{Destroyed, OpenScope, Place, Projection, Scope, UNKNOWN_EPOCH},
    disk::{self, Files, Handle, Look, Stat, StatKind},
    error::{At, Error},
    event::{Linkage, MAX_FIELDS, Registry, Schema},
    generalize::Generalized,
    mutants::{self, Mutant},
    rollup::Counts,
    sync::{Mutex, MutexGuard},
};
use once_cell::sync::OnceCell;
use ring::{Push, Rings};
use segment::{Header, Kind, Segment};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// After an error of the disk nothing of that kind is written for the scope for this long.
const PAUSE: Duration = Duration::from_secs(60);

/// How long what was lost is kept from being noted by another process that notes its own: the lock is held for one small file.
pub(crate) const LOSSES_WAIT: Duration = Duration::from_millis(200);

/// What goes to each scope's place, by the scope's name.
type ByScope<T> = BTreeMap<&'static str, (Place, T)>;

/// What may be said of an event under what was agreed: nothing where its type was not agreed to.
fn hold(held: Option<&Projection>, schema: &Schema, outcomes: &[u16; MAX_FIELDS]) -> Option<[u16; MAX_FIELDS]> {
    let Some(projection) = held else { return Some(*outcomes) };
    let said = projection.get(schema.name())?;
    let mut outcomes = *outcomes;
    for (rule, outcome) in said.rules.iter().zip(&mut outcomes) {
        *outcome = rule.of(*outcome);
    }
    Some(outcomes)
}

/// Whether the event's last day is over on `day`: the one this build declares, or the one that was agreed to.
fn is_over(held: Option<&Projection>, schema: &Schema, day: Day) -> bool {
    let agreed = held.and_then(|projection| projection.get(schema.name())?.until);
    [schema.last_day(), agreed].into_iter().flatten().any(|last| day > last)
}

/// Whether a record that was read back is one that could have been kept under what was agreed.
pub(crate) fn is_held(held: Option<&Projection>, record: &Record) -> bool {
    if is_over(held, record.schema, record.day) {
        return false;
    }
    record.other || hold(held, record.schema, &record.outcomes) == Some(record.outcomes)
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
    /// Two threads of this process would take each other for another process.
    leading: Mutex<()>,
    /// How many bytes may wait, over all processes.
    cap: u64,
    /// Nothing more could be dropped and the limit is reached: others hold what waits.
    full: AtomicBool,
    /// The client ends: what finds its gate closed is late, and nobody took consent back.
    ending: AtomicBool,
}

/// May close days and send. The lock of the store goes before that of this process.
pub(crate) struct Lead<'j> {
    _lock: Box<dyn Handle>,
    _alone: MutexGuard<'j, ()>,
}

/// What this process has open.
#[derive(Default)]
struct Writer {
    waiting: BTreeMap<&'static str, Segment>,
    /// The day's counts, with their sum: what the file is written anew with when it has grown.
    counts: BTreeMap<&'static str, (Segment, Counts)>,
    /// Until when the disk is left alone and why, by what was to be written of which scope.
    paused: BTreeMap<(Kind, &'static str), (Instant, String)>,
    written_since_check: u64,
    /// How many segments this process has made.
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

    /// Makes the rings; done when a scope opens, never on a recording thread.
    pub(crate) fn make_rings(&self) {
        self.rings.get_or_init(Rings::new);
    }

    /// Takes an event from a recording thread. Never blocks; what does not fit is counted. `true` when it is time to drain,
    /// whatever the worker is about.
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

    /// Moves what is in the rings to disk, stamped with `day`. Answers how many events there were.
    pub(crate) fn drain(&self, day: Day, standing: impl Fn(Scope) -> Result<OpenScope, DropReason>) -> usize {
        let Some(rings) = self.rings.get() else { return 0 };
        let mut drained = 0;
        rings.drain(|events| {
            drained += events.len();
            self.keep(events, day, &standing);
        });
        drained
    }

    /// From now on events end since the client does.
    pub(crate) fn end(&self) {
        self.ending.store(true, Ordering::SeqCst);
    }

    /// Counts what nobody will write any more: the worker is done, and recorded was until the gates closed.
    pub(crate) fn abandon(&self) {
        if let Some(rings) = self.rings.get() {
            rings.drain(|events| self.counters.drop(DropReason::Unfinished, events.len() as u64));
        }
    }

    /// Writes events to their segments and counts. Each ends in exactly one counter.
    pub(crate) fn keep(
        &self,
        events: &[Generalized],
        day: Day,
        standing: impl Fn(Scope) -> Result<OpenScope, DropReason>,
    ) {
        // Locked before any gate is asked: a withdrawal that closed the gate and then took this lock knows that nothing
        // is written after it.
        let mut writer = self.writer.lock();
        let mut lines: ByScope<Vec<(u32, String)>> = BTreeMap::new();
        let mut counts: ByScope<Counts> = BTreeMap::new();
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
            let standing = match standing(scope) {
                Ok(standing) if standing.place.epoch == event.epoch() => Ok(standing),
                _ if event.epoch() == UNKNOWN_EPOCH => Err(DropReason::InDoubt),
                Ok(_) => Err(DropReason::StaleEpoch),
                Err(why) => Err(why),
            };
            let OpenScope { place, held } = match standing {
                Ok(standing) => standing,
                Err(why) => {
                    let ending = self.ending.load(Ordering::SeqCst);
                    self.counters.drop(if ending { DropReason::Unfinished } else { why }, 1);
                    continue;
                }
            };
            let Some(outcomes) = hold(held.as_deref(), schema, event.outcomes()) else {
                self.counters.drop(DropReason::HeldBack, 1);
                continue;
            };
            // A code belongs to the day whose keys made it, and so does its line.
            let day = event.code().day().unwrap_or(day);
            if is_over(held.as_deref(), schema, day) {
                self.counters.drop(DropReason::Ended, 1);
                continue;
            }
            if self.full.load(Ordering::Relaxed) {
                self.counters.drop(DropReason::Full, 1);
                continue;
            }
            if schema.linkage() == Linkage::Rollup {
                let (_, sum) = counts.entry(scope.name()).or_insert_with(|| (place, Counts::default()));
                sum.add(event.schema(), outcomes, 1);
                continue;
            }
            let line = self.ambient.random().ok().and_then(|uid| {
                let code = event.code().bytes;
                Record { schema, day, outcomes, code, count: 0, other: false, uid }.encode()
            });
            match line {
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
                Err(error) => self.counters.drop(why_not_written(&error), count),
            }
        }
        for (place, sum) in counts.into_values() {
            match self.write_counts(&mut writer, place, day, &sum) {
                Ok(()) => {
                    self.counters.counted.fetch_add(sum.total(), Ordering::Relaxed);
                }
                Err(error) => self.counters.drop(why_not_written(&error), sum.total()),
            }
        }
        if writer.written_since_check > self.segment_most() / 4 || self.full.load(Ordering::Relaxed) {
            writer.written_since_check = 0;
            drop(writer);
            // For want of room alone: whether the clock is one to tell ages by is not known here.
            let _ = self.enforce_bounds(day, false, false);
        }
    }

    /// How large a segment may grow: a fraction of the limit, since one that is written to can't be dropped.
    fn segment_most(&self) -> u64 {
        segment::SEGMENT_MOST.min(self.cap / 20)
    }

    /// Runs `write` unless the disk failed over the same a moment ago. After an error the file is left as it is, since it
    /// may end in half a line; what else this process has open is not touched by it.
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
                Kind::Counts => drop(writer.counts.remove(scope.name())),
            }
            // A directory that is gone was taken away by who took consent back: the disk is sound.
            if error.kind() != io::ErrorKind::NotFound || mutants::on(Mutant::GoneIsBroken) {
                writer.paused.insert(what, (now + PAUSE, error.to_string()));
            }
        }
        written
    }

    /// Why what is recorded of a scope is not brought to disk at the moment, where it is not. None also while somebody writes,
    /// for whoever does not wait for that.
    pub(crate) fn trouble_of(&self, scope: &str, waits: bool) -> Option<String> {
        let writer = if waits { self.writer.lock() } else { self.writer.try_lock()? };
        let why = writer.paused.iter().find_map(|((_, of), (_, why))| (*of == scope).then_some(why))?;
        let minute = PAUSE.as_secs();
        Some(format!(
            "what is recorded can't be brought to disk ({why}): it is counted as lost, and the disk tried again every {minute} s"
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
                let segment = match self.adopt(&directory, day, &header) {
                    Some((segment, _)) => segment,
                    None => {
                        // The oldest go first where there is no room.
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

    /// Leaves every segment of this process to be read and sent: what is recorded next goes to new ones.
    pub(crate) fn seal(&self) {
        self.writer.lock().waiting.clear();
    }

    /// Closes what this process has open of one scope.
    fn let_go(&self, scope: &str) {
        let mut writer = self.writer.lock();
        writer.waiting.remove(scope);
        writer.counts.remove(scope);
    }

    /// Closes the counts of days before `today`, so that they can be merged.
    pub(crate) fn leave_past_days(&self, today: Day) {
        self.writer.lock().counts.retain(|_, (segment, _)| segment.header().day == Some(today.0));
    }

    pub(crate) fn outbox(&self) -> Outbox<'_> {
        Outbox::new(&self.files, &self.store, &self.counters, &self.ambient)
    }

    pub(crate) fn sent(&self) -> SentLog<'_> {
        SentLog::new(&self.files, &self.store)
    }

    /// Keeps for the person what left, or may have, and is not sent any more though nobody took it. Where the disk takes no copy
    /// the batch's own file is kept.
    pub(crate) fn keep_not_taken(&self, batch: &Batch, why: DropReason) {
        let scope = self.registry.scopes().iter().find(|scope| scope.name() == batch.scope());
        if let Some(&scope) = scope.filter(|_| batch.may_have_left()) {
            let (sent, at) = (self.sent(), self.ambient.now());
            let noted = sent.note_not_taken(scope, batch, at, why);
            let _ = noted.or_else(|_| sent.keep_file(scope, batch, at, Some(why)));
        }
    }

    pub(crate) fn losses(&self) -> Losses<'_> {
        Losses::new(&self.files, &self.store, &self.counters)
    }

    /// Adds what was lost to the count that outlives this process: before what was durable is gone, so that it does not vanish
    /// uncounted from a program that dies next.
    pub(crate) fn note_losses(&self) {
        let _ = self.losses().save(&self.ambient, self.ambient.now().day(), false, LOSSES_WAIT);
    }

    pub(crate) fn names(&self) -> Names<'_> {
        Names::new(&self.files, &self.store)
    }

    /// Takes the lock of whoever closes days and sends, over all processes; `None` when another one has it. Waits for a
    /// thread of this client that has it: what that one does is this process's own, and no reason not to send.
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

    /// Whether anything lies on disk for a scope in other directories than those of `keep`, or may: where the system does
    /// not let us look, or something else stands in their place, whoever clears up looks again later.
    pub(crate) fn may_hold_other(&self, scope: &str, keep: Option<u64>) -> bool {
        let kept = keep.map(|generation| generation.to_string());
        ["waiting", "counts", "outbox"].iter().any(|kind| match self.generations_of(kind, scope) {
            Look::Read(names) => names.iter().any(|name| Some(name) != kept.as_ref()),
            Look::Absent => false,
            Look::Refused(_) | Look::Failed(_) => true,
        })
    }

    /// The names of the directories of a scope.
    fn generations_of(&self, kind: &str, scope: &str) -> Look<Vec<String>> {
        self.files.children_if_listed(&self.store.join(kind).join(scope))
    }

    /// Notes what stands in the place of a scope's directories and is none. Nothing behind it is used or removed, and a receipt
    /// says that not all is destroyed.
    pub(crate) fn note_refused(&self, scope: Scope, unread: &mut Vec<String>) {
        for kind in ["waiting", "counts", "outbox"] {
            let directory = self.store.join(kind).join(scope.name());
            if matches!(self.files.examine(&directory), Look::Read(stat) if stat.kind != StatKind::Dir) {
                unread.push(format!("{}: it is not a directory", directory.display()));
            }
        }
    }

    /// Destroys what waits of a scope, except in the directories of `keep`: renamed first, so that no other process
    /// finds it by name, then removed.
    pub(crate) fn purge(&self, scope: Scope, keep: Option<u64>) -> Destroyed {
        self.let_go(scope.name());
        self.purge_named(scope.name(), keep)
    }

    /// Whether [`purge`](Journal::purge) can destroy whatever waits of a scope, as far as looks tell. Changes nothing.
    ///
    /// # Errors
    /// What stands in the way.
    pub(crate) fn may_purge(&self, scope: Scope) -> Result<(), Error> {
        for kind in ["waiting", "counts", "outbox"] {
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

    /// Destroys what waits of a scope in the directories up to a generation, and leaves later ones.
    pub(crate) fn purge_until(&self, scope: &str, latest: u64) -> Destroyed {
        self.let_go(scope);
        self.purge_those(scope, |generation| generation.is_some_and(|generation| generation <= latest))
    }

    /// The same for a scope that this program does not declare, and so has nothing open of.
    pub(crate) fn purge_named(&self, scope: &str, keep: Option<u64>) -> Destroyed {
        self.purge_those(scope, |generation| generation.is_none() || generation != keep)
    }

    fn purge_those(&self, scope: &str, goes: impl Fn(Option<u64>) -> bool) -> Destroyed {
        let mut destroyed = Destroyed { complete: true, ..Destroyed::default() };
        for kind in ["waiting", "counts", "outbox"] {
            let above = self.store.join(kind).join(scope);
            let names = match self.generations_of(kind, scope) {
                Look::Read(names) => names,
                Look::Absent => continue,
                // Something may lie there. It can't be sent any more, and is looked for again. Behind a link nothing is
                // removed, so what was moved there is not gone.
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
                // How much it was is told as far as it can be seen; it goes whether it can be or not.
                let names = match self.files.children(&directory) {
                    Look::Read(names) => names,
                    // Without the link nobody would find what was moved behind it.
                    Look::Refused(_) if self.is_link(&directory) => {
                        destroyed.complete = false;
                        continue;
                    }
                    Look::Absent | Look::Refused(_) | Look::Failed(_) => Vec::new(),
                };
                for path in names.into_iter().map(|name| directory.join(name)).filter(|path| waiting::is_data(path)) {
                    if let Look::Read(stat) = self.files.examine(&path) {
                        destroyed.bytes += stat.len;
                    }
                    destroyed.files += 1;
                }
                destroyed.complete &= self.throw_away(&directory).is_ok();
            }
        }
        // What was renamed before and could not be removed is left all the same.
        if may_hold_any(&self.files.children_if_listed(&self.store.join("trash"))) {
            self.empty_trash();
            destroyed.complete &= !may_hold_any(&self.files.children_if_listed(&self.store.join("trash")));
        }
        let _ = self.files.sync_dir(&self.store);
        destroyed
    }

    /// Deletes what the sent log keeps of a scope, at the person's wish. Interrupted, all of it is there or none.
    pub(crate) fn delete_sent(&self, scope: Scope) -> io::Result<()> {
        let directory = self.sent().directory(scope);
        // Behind a link nothing is removed, and without it nobody would find what was moved there.
        match self.files.children(&directory).found_at(&directory)? {
            Some(_) => self.throw_away(&directory).and_then(|()| self.files.sync_parent(&directory)),
            None => Ok(()),
        }
    }

    /// Whether whatever waited of a scope is known to be in the trash, or gone.
    pub(crate) fn is_out_of_place(&self, scope: Scope) -> bool {
        let trash = self.files.children_if_listed(&self.store.join("trash"));
        let is_in_place = |kind: &&str| may_hold_any(&self.generations_of(kind, scope.name()));
        matches!(trash, Look::Read(_) | Look::Absent) && !["waiting", "counts", "outbox"].iter().any(is_in_place)
    }

    /// Removes a directory whole: it is renamed first, and the next start removes what an interruption left of it.
    fn throw_away(&self, directory: &Path) -> io::Result<()> {
        let trash = self.store.join("trash");
        let aside = self.ambient.random_hex::<8>().map(|name| trash.join(name));
        let renamed = aside.and_then(|aside| {
            self.files.own_dir(&trash)?;
            self.files.rename(directory, &aside)?;
            Ok(aside)
        });
        // Where there is no room to rename, removing in place has to do.
        let left = renamed.unwrap_or_else(|_| directory.to_owned());
        // Someone else, who clears up at the same time, may have been faster.
        self.files.remove_tree(&left).or_else(|error| if self.is_gone(&left) { Ok(()) } else { Err(error) })
    }

    fn is_link(&self, path: &Path) -> bool {
        matches!(self.files.examine(path), Look::Read(Stat { kind: StatKind::Link, .. }))
    }

    /// Whether what was there a moment ago is known to be gone: the directory above is there, and does not list it.
    fn is_gone(&self, path: &Path) -> bool {
        let names = path.parent().map(|above| self.files.children(above));
        matches!(names, Some(Look::Read(names)) if !names.iter().any(|name| path.ends_with(name)))
    }

    /// Whether anything was thrown away and not removed yet, or may have been.
    pub(crate) fn may_hold_trash(&self) -> bool {
        may_hold_any(&self.files.children(&self.store.join("trash")))
    }

    /// Empties the trash that an interrupted purge left. Where it can't be looked at now it [may hold](Journal::may_hold_trash)
    /// something, and is emptied later.
    pub(crate) fn empty_trash(&self) {
        let trash = self.store.join("trash");
        let Look::Read(names) = self.files.children(&trash) else { return };
        for left in names.into_iter().map(|name| trash.join(name)) {
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

/// Whether a directory that was looked at holds anything, or may: so may what a link in its place leads to.
fn may_hold_any(looked: &Look<Vec<String>>) -> bool {
    match looked {
        Look::Read(names) => !names.is_empty(),
        Look::Absent => false,
        Look::Refused(_) | Look::Failed(_) => true,
    }
}

/// Why events could not be written. Where the directory went between its making and the file's, consent was taken back
/// elsewhere, or began anew: that ends these events and says nothing of the disk.
fn why_not_written(error: &io::Error) -> DropReason {
    match error.kind() {
        io::ErrorKind::NotFound => DropReason::StaleEpoch,
        _ => DropReason::Disk,
    }
}

/// Removes the oldest of these files, each with its time and length, until the rest fits.
fn drop_oldest(files: &Files, mut kept: Vec<(u64, u64, PathBuf)>, most: u64) {
    kept.sort();
    let mut total: u64 = kept.iter().map(|(_, len, _)| len).sum();
    for (_, len, path) in kept {
        if total <= most {
            break;
        }
        let _ = files.remove_if_there(&path);
        total -= len;
    }
}
