//! Decides when to send, how long to wait after a failure, and what to do with a batch after an answer.
//!
//! Takes the batches for which it can get a permit, hands them to the transport, and acts on the answer. It never makes a permit
//! or bytes of its own, and never runs on a recording thread.

mod build;
mod erasures;

use crate::{
    ambient::{Day, Time},
    clean,
    consent::{Place, Scope},
    engine::Engine,
    error::{Error, Kind},
    journal::{Batch, Draft, DropReason, Gone, Parent, Schedule, Source, Taken},
    mutants::{self, Mutant},
    transport::{Answer, Parcel, SendError, Transport, otlp::DecodedLine},
};
use build::Checked;
pub(crate) use erasures::Erasing;
use std::{
    collections::{BTreeMap, VecDeque},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::atomic::Ordering,
    time::Duration,
};

const MINUTE: u64 = 60_000;
const DAY: u64 = 86_400_000;
/// The shortest and the longest wait after a failure, in milliseconds.
const BACK_OFF: (u64, u64) = (MINUTE / 2, 6 * 60 * MINUTE);
/// The wait after a refusal by the receiver, in milliseconds: an hour, then doubled each time, up to a day.
const REFUSED: (u64, u64) = (60 * MINUTE, DAY);
/// Why a library's reports can't be sent.
const NOT_ALLOWED: &str = "the program does not allow the library to report";
/// How many characters of a panic's message are kept.
const LONGEST_PANIC: usize = 160;
/// The trouble that is reported when a web page or a redirection answered.
const NOT_A_RECEIVER: &str = "a web page or a redirect answered instead of an OpenTelemetry receiver: check the \
                              endpoint";
const MOST_TRIES: u32 = 10;
const MOST_TRIES_AFTER_500: u32 = 3;
/// The longest time that a batch may be pending, in milliseconds.
const MOST_AGE: u64 = crate::consent::WAITING_DAYS as u64 * DAY;

/// The result of one send.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
#[must_use = "`trouble` says whether the receiver could be reached"]
pub struct Flushed {
    /// The number of requests that the receiver took.
    pub requests: u64,
    /// The number of records in these requests that the receiver did not reject.
    pub records: u64,
    /// The number of erasure requests that the receiver accepted. They are not reports, so the other fields don't count them.
    pub erasures: u64,
    /// The number of requests that are built and still pending. If sending was cut short, the recorded data may result in more
    /// requests. [`trouble`](Flushed::trouble) says so then.
    pub waiting: u64,
    /// The number of events in the counts of days that are not over. They are sent after their day (UTC) is over.
    pub growing: u64,
    /// The first thing that went wrong, or why nothing could be sent.
    pub trouble: Option<String>,
}

/// Why a send has no result yet.
#[derive(Debug)]
pub(crate) enum Unsent {
    /// This send, or one that began before it, did not finish in time.
    UnderWay,
    /// No thread could be started for it.
    NoThread(io::Error),
    /// Its thread ended before the send was done.
    BrokenOff,
}

impl Flushed {
    /// What receivers took after `before` was read from the same counters.
    fn since(self, before: &Flushed) -> Self {
        Flushed {
            requests: self.requests.saturating_sub(before.requests),
            records: self.records.saturating_sub(before.records),
            erasures: self.erasures.saturating_sub(before.erasures),
            ..self
        }
    }

    /// The result when nothing could be sent; `why` is the reason.
    pub(crate) fn nothing(why: String) -> Self {
        Flushed { trouble: Some(clean::line(&why)), ..Flushed::default() }
    }

    pub(crate) fn note_trouble(&mut self, what: impl Into<String>) {
        // The text may come from the program's own transport, or from the receiver. So it is cleaned.
        self.trouble.get_or_insert_with(|| clean::line(&what.into()));
    }
}

/// How the receiver took a batch; `None` if it did not take it.
fn taken(answer: &Result<Answer, SendError>, batch: &Batch) -> Option<Taken> {
    let (rejected, confirmed) = match answer {
        Ok(Answer::Accepted { rejected }) => (*rejected, true),
        Ok(Answer::Taken { rejected }) => (*rejected, false),
        _ => return None,
    };
    Some(Taken { rejected: rejected.min(batch.records()), confirmed })
}

/// Counts a refusal by the receiver and sets the time of the next try: an hour later, and twice as late after each further one.
pub(crate) fn back_off_refused(schedule: &mut Schedule, now: Time) {
    let wait = REFUSED.0.saturating_mul(1 << schedule.failures.min(8)).min(REFUSED.1);
    schedule.failures = schedule.failures.saturating_add(1).min(16);
    schedule.not_before = now.0 + wait;
}

/// Why nothing is sent before the schedule's `not_before`.
pub(crate) fn why_later(schedule: &Schedule) -> String {
    let until = Time(schedule.not_before).rfc3339();
    match &schedule.unread {
        Some(error) => format!("when the next request may leave can't be read: {error}"),
        None if schedule.unanswered => {
            format!("waiting until {until}, since a request was under way when the program ended")
        }
        None => format!("waiting until {until}, after a failure or as the receiver asked"),
    }
}

fn name_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

/// Why the sender runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// A scope's scheduled time has come, or its back-off is over.
    Due,
    /// The program asked for everything to be sent. Back-off still applies.
    Flush,
}

impl Engine {
    /// Whether the clock is trusted, and the day that is being recorded is the clock's day. The clock is read more than once,
    /// because one wrong reading must not drop data that a right reading would keep.
    pub(crate) fn is_sure_of_day(&self) -> bool {
        for _ in 0..2 {
            let Some(now) = self.trusted_now() else { return false };
            if [Day::NONE, now.day()].contains(&self.today()) {
                return true;
            }
            // Midnight has passed, or one of the two readings was wrong.
            self.tick();
        }
        false
    }

    /// What receivers took since this client was created.
    pub(crate) fn taken(&self) -> Flushed {
        let [requests, records, erasures] = {
            let counters = &self.journal.counters;
            [&counters.requests, &counters.sent, &counters.erasures].map(|count| count.load(Ordering::Relaxed))
        };
        Flushed { requests, records, erasures, ..Flushed::default() }
    }

    /// How many requests of a scope are built and pending. 0 if they can't be listed.
    pub(crate) fn made_up(&self, place: Place) -> u64 {
        self.journal.outbox().paths(place).map_or(0, |paths| paths.len() as u64)
    }

    /// How many events are in the counts of days that are not over.
    pub(crate) fn growing(&self, places: &[Place]) -> u64 {
        let days = places.iter().map(|place| self.journal.peek_counts(*place, &mut Vec::new()));
        days.flat_map(BTreeMap::into_values).fold(0, |sum, counts| sum.saturating_add(counts.total()))
    }

    /// The result for a program that asked for a send and got no result; `why` is the reason, `limit` is how long it waited. What
    /// receivers took since the program asked is still counted; `before` holds the counters of that time.
    pub(crate) fn unsent(&self, why: &Unsent, limit: Duration, before: &Flushed) -> Flushed {
        let (now, places) = (self.ambient.now(), self.consent.open_places());
        let later = places.iter().map(|place| self.schedule(*place, now).not_before);
        let kept = match later.filter(|later| *later > now.0).max() {
            Some(later) => format!("is kept, and not tried again before {}", Time(later).rfc3339()),
            None => "is kept for the next time".to_owned(),
        };
        let mut done = self.taken().since(before);
        let made: io::Result<Vec<_>> = places.iter().map(|place| self.journal.outbox().paths(*place)).collect();
        done.waiting = made.as_ref().map_or(0, |paths| paths.iter().map(|paths| paths.len() as u64).sum());
        done.growing = self.growing(&places);
        let unknown = "; how many requests wait is not known";
        done.note_trouble(match why {
            Unsent::UnderWay => format!(
                "sending was still under way after {limit:?}, and ends with this program at the latest; what the \
                 receiver has not taken by then {kept}{}",
                // The requests may not be built yet.
                if done.waiting == 0 { unknown } else { "" }
            ),
            Unsent::NoThread(error) => {
                format!("no thread could be made to send on ({error}); what waits {kept}{unknown}")
            }
            Unsent::BrokenOff => {
                format!(
                    "sending stopped because of a mistake in candor or in the program's clock; what waits \
                         {kept}{unknown}"
                )
            }
        });
        done
    }

    /// Why nothing can be sent at all.
    pub(crate) fn why_nothing(&self) -> String {
        if self.consent.has_ended() {
            return Error::from(Kind::ShutDown).to_string();
        }
        match (self.consent.ledger().files().barred_as_seen(), self.consent.constraints().block()) {
            (Some(why), _) => why,
            (None, Some(block)) => format!("reports are switched off by {}", block.0),
            // If a scope is granted but closed by something else, that is the reason, not a missing grant.
            (None, None) => self.consent.why_closed().unwrap_or_else(|| "no scope is granted".into()),
        }
    }

    /// Why an open scope's records are not sent, if its receiver takes no more reports of it.
    pub(crate) fn why_refused(&self, scope: &str) -> Option<String> {
        let place = self.consent.open_places().into_iter().find(|place| place.scope.name() == scope)?;
        self.why_gone(&self.journal.outbox().schedule(place.scope, place.generation, self.ambient.now()))
    }

    /// If the receiver takes no more reports from this version: a text that says so, since when, and what would change it.
    pub(crate) fn why_gone(&self, schedule: &Schedule) -> Option<String> {
        let Gone { version, since } = schedule.gone.as_ref().filter(|gone| gone.version == self.version())?;
        let until = match version.as_str() {
            // The program gives no version. If it begins to give one, that needs a new grant anyway.
            "" => String::new(),
            version => format!("a version of the program runs that is not {version}, or "),
        };
        Some(format!(
            "the receiver takes no more of these reports (410), since {}: none is sent until {until}the yes is taken \
             back and given again; what is recorded is dropped and counted",
            Time(*since).rfc3339()
        ))
    }

    /// When the next scope or erasure request is due; a day from now at the latest.
    pub(crate) fn next_due(&self) -> Time {
        let now = self.ambient.now();
        let due = self.consent.open_places().into_iter().map(|place| self.schedule(place, now).due().0);
        let due = due.chain(self.next_erasure().map(|due| due.0));
        Time(due.min().unwrap_or(u64::MAX).clamp(now.0, now.0 + DAY))
    }

    /// Whether an open scope or an erasure request is due, by what is on disk. Reads their schedules and nothing else. If nothing
    /// is open and nothing is to be erased, no clock is read.
    pub(crate) fn is_due(&self) -> bool {
        let has_any = !self.consent.open_places().is_empty() || !self.erasing().is_empty();
        has_any && self.next_due() <= self.ambient.now()
    }

    /// The scope's schedule. If it has no time for the next send yet, a random one within a day is drawn.
    pub(crate) fn schedule(&self, place: Place, now: Time) -> Schedule {
        let _alone = self.scheduling.lock();
        let outbox = self.journal.outbox();
        let mut schedule = outbox.schedule(place.scope, place.generation, now);
        if schedule.next == 0 {
            schedule.next = now.0 + self.below(DAY);
            // If it can't be written, another moment is drawn the next time.
            let _ = outbox.save_schedule(place.scope, place.generation, &schedule);
        }
        schedule
    }

    /// The transport to the receiver of this scope's reports. A library's reports are never sent to the program's own receiver.
    /// `None` if the program does not allow the library to report.
    fn transport_of(&self, scope: Scope) -> Option<&dyn Transport> {
        if scope.is_of_library() { self.libraries.get(scope.name()).map(|it| &**it) } else { Some(&*self.transport) }
    }

    pub(crate) fn send_batches(
        &self,
        place: Place,
        batches: Vec<PathBuf>,
        mut schedule: Schedule,
        is_authorized: &dyn Fn() -> bool,
        done: &mut Flushed,
    ) {
        if self.transport_of(place.scope).is_none() {
            done.note_trouble(NOT_ALLOWED);
            return;
        }
        let mut queue: VecDeque<PathBuf> = batches.into();
        // The batch that was not taken last time comes last. So a request that always fails does not hold up the others.
        if let Some(after) = &schedule.after {
            let first = queue.iter().position(|path| name_of(path).is_some_and(|name| name > after.as_str()));
            queue.rotate_left(first.unwrap_or(0));
        }
        // Whether the schedule on disk is older than the last answer and must still be saved.
        let mut owed = false;
        while let Some(path) = queue.pop_front() {
            if !is_authorized() {
                done.note_trouble(self.consent.why_no_permit(place.scope));
                break;
            }
            let outbox = self.journal.outbox();
            if let Some(error) = outbox.left_alone(&path, self.today()) {
                done.waiting += 1;
                done.note_trouble(format!("a batch is not sent, and dropped when its day is over: {error}"));
                continue;
            }
            // Each batch is checked here, just before its try. Pending batches may be more than fits in memory.
            let is_old =
                |batch: &Batch| self.trusted_now().is_some_and(|now| batch.made().0.saturating_add(MOST_AGE) < now.0);
            let checked = outbox.open(&path, place).and_then(|batch| match batch {
                // The batch is too old, so its records are too; age is the reason to count. If it was taken before, nothing is
                // lost.
                Some(batch) if is_old(&batch) && !self.journal.sent().has(place.scope, batch.key())? => {
                    self.give_up(&batch, DropReason::Age);
                    Ok(None)
                }
                Some(batch) => self.checked(place, batch),
                None => Ok(None),
            });
            let mut checked = match checked {
                Ok(Some(checked)) => checked,
                Ok(None) => continue,
                Err(error) => {
                    done.waiting += 1;
                    done.note_trouble(format!("a batch can't be read or written now: {error}"));
                    continue;
                }
            };
            let Checked { batch, lines } = &mut checked;
            if batch.tries() >= MOST_TRIES {
                self.give_up(batch, DropReason::GaveUp);
                continue;
            }
            // If the ids of the records are not on disk, no later erasure request could name them.
            if let Err(error) = self.note_names(place.scope, batch, lines) {
                done.note_trouble(format!("what is to be sent could not be written: {error}"));
                done.waiting += 1 + queue.len() as u64;
                break;
            }
            // If its try can't be written to disk, the batch is not sent. Otherwise a program that dies each time would send it
            // forever.
            let late = mutants::on(Mutant::TryNotedAfterSend);
            if !late && let Err(error) = outbox.note_try(batch) {
                done.note_trouble(format!("the number of tries could not be written: {error}"));
                done.waiting += 1 + queue.len() as u64;
                break;
            }
            let load: &Batch = batch;
            let sealed = self
                .consent
                .permit(place.scope, place.generation, place.epoch)
                .and_then(|permit| Parcel::seal(permit, load).ok_or_else(|| self.consent.why_no_permit(place.scope)));
            let parcel = match sealed {
                Ok(parcel) => parcel,
                Err(why) => {
                    done.note_trouble(why);
                    break;
                }
            };
            // The back-off is written before the answer, as the try is. A process that ends before the answer counts as a failed
            // try, and the next process does not begin with the request that hangs.
            let before = schedule.clone();
            schedule.after = name_of(&path).map(str::to_owned);
            self.back_off(&mut schedule, None);
            schedule.unanswered = true;
            if let Err(error) = outbox.save_schedule(place.scope, place.generation, &schedule) {
                done.note_trouble(format!("the schedule could not be written: {error}"));
                done.waiting += 1 + queue.len() as u64;
                break;
            }
            let answer = self.hand_over(place.scope, parcel);
            if late {
                let _ = outbox.note_try(batch); // the mutant
            }
            if !is_authorized() {
                owed = false;
                done.note_trouble(self.consent.why_no_permit(place.scope));
                if let Some(taken) = taken(&answer, batch) {
                    // The batch was sent before the permit ended, so the person's log must show it.
                    let _ = self.journal.sent().note(place.scope, batch, self.ambient.now(), taken);
                }
                break;
            }
            if !matches!(answer, Err(SendError::Stopped)) {
                (schedule.failures, schedule.not_before) = (before.failures, before.not_before);
                schedule.unanswered = false;
            }
            if matches!(answer, Ok(Answer::Refused)) {
                // A refusal says nothing about the batch, so it does not count as a try. The batch's age is its limit. If the
                // disk is full, the try stays counted.
                let _ = outbox.forget_try(batch);
            }
            owed = true;
            if !self.answered(place, &checked, &answer, &mut schedule, &mut queue, done) {
                done.waiting += queue.len() as u64;
                break;
            }
        }
        if owed {
            // If it can't be written, the back-off that was written before the last request applies.
            let _ = self.journal.outbox().save_schedule(place.scope, place.generation, &schedule);
        }
    }

    /// Hands a parcel to the transport. This is the only place from which data is sent.
    ///
    /// # Errors
    /// There is no transport for the scope, the transport failed, or it panicked.
    fn hand_over(&self, scope: Scope, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        let transport = self.transport_of(scope).ok_or_else(|| SendError::Network(NOT_ALLOWED.into()))?;
        // The transport may be the program's own and may panic. Unwinding drops the parcel, and with it the permit that a
        // withdrawal waits for. No candor state is half changed while the transport runs, so continuing is safe.
        catch_unwind(AssertUnwindSafe(|| transport.send(parcel))).unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<&str>().map(|said| (*said).to_owned());
            let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            // The panic's payload may panic again when it is dropped.
            std::mem::forget(panic);
            Err(SendError::Panicked(said.chars().take(LONGEST_PANIC).collect()))
        })
    }

    /// Acts on the answer to a batch. Returns `false` if nothing more is to be sent for this scope now.
    fn answered(
        &self,
        place: Place,
        checked: &Checked,
        answer: &Result<Answer, SendError>,
        schedule: &mut Schedule,
        queue: &mut VecDeque<PathBuf>,
        done: &mut Flushed,
    ) -> bool {
        let (batch, counters) = (&checked.batch, &self.journal.counters);
        match answer {
            Ok(Answer::Accepted { .. } | Answer::Taken { .. }) => {
                let taken = taken(answer, batch).unwrap_or(Taken { rejected: 0, confirmed: false });
                let (sent, at) = (self.journal.sent(), self.ambient.now());
                if taken.rejected > 0 {
                    // The loss is recorded before the batch is noted as sent, as it is for batches that are given up.
                    counters.drop(DropReason::Rejected, taken.rejected);
                    self.journal.note_losses();
                }
                if mutants::on(Mutant::BatchRemovedFirst) {
                    let _ = self.journal.outbox().remove(batch); // the mutant
                }
                let noted = sent.note(place.scope, batch, at, taken);
                let noted = noted.or_else(|_| sent.keep_file(place.scope, batch, at, None));
                // A batch that stays is removed before its next try, if the sent log has it.
                let _ = self.journal.outbox().remove(batch);
                // Removing the batch freed space, which may be enough for an entry without contents.
                let noted = noted.or_else(|_| sent.note(place.scope, batch, at, taken));
                if let Err(error) = noted {
                    done.note_trouble(format!("the sent log could not be written: {error}"));
                }
                let records = batch.records() - taken.rejected;
                counters.sent.fetch_add(records, Ordering::Relaxed);
                counters.requests.fetch_add(1, Ordering::Relaxed);
                done.requests += 1;
                done.records = done.records.saturating_add(records);
                (schedule.failures, schedule.not_before) = (0, 0);
                schedule.after = None;
                true
            }
            Ok(Answer::TooLarge) => {
                self.halve(place, checked, queue, done);
                true
            }
            Ok(Answer::Rejected) => {
                self.give_up(batch, DropReason::Rejected);
                done.note_trouble("the receiver refused a request for good");
                true
            }
            Ok(Answer::Gone) => {
                self.give_up(batch, DropReason::Gone);
                for path in queue.drain(..) {
                    if let Ok(Some(batch)) = self.journal.outbox().open(&path, place) {
                        self.give_up(&batch, DropReason::Gone);
                    }
                }
                schedule.gone = Some(Gone { version: self.version().to_owned(), since: self.ambient.now().0 });
                if let Some(why) = self.why_gone(schedule) {
                    done.note_trouble(why);
                }
                false
            }
            Ok(Answer::ServerError { .. }) if batch.tries() >= MOST_TRIES_AFTER_500 => {
                self.give_up(batch, DropReason::GaveUp);
                self.back_off(schedule, None);
                done.note_trouble(format!(
                    "the receiver failed over one request, which was tried {} times and is given up",
                    batch.tries()
                ));
                false
            }
            Err(SendError::Stopped) => {
                done.waiting += 1;
                done.note_trouble(SendError::Stopped.to_string());
                false
            }
            Ok(Answer::Refused) => {
                done.waiting += 1;
                done.note_trouble(
                    "the receiver, or something before it, refuses requests (a status of 4xx): check the endpoint, and \
                     whether a proxy, a certificate or a permission is missing; what waits is kept for its seven days",
                );
                back_off_refused(schedule, self.ambient.now());
                false
            }
            Ok(Answer::Busy { retry_after } | Answer::ServerError { retry_after }) => {
                done.waiting += 1;
                done.note_trouble("the receiver is busy or failing");
                self.back_off(schedule, *retry_after);
                false
            }
            Ok(Answer::NotOtlp | Answer::Redirected) => {
                done.waiting += 1;
                done.note_trouble(NOT_A_RECEIVER);
                self.back_off(schedule, None);
                false
            }
            Err(error) => {
                done.waiting += 1;
                done.note_trouble(error.to_string());
                self.back_off(schedule, None);
                false
            }
        }
    }

    /// Counts a failure and sets the time of the next try. The wait is drawn at random between the shortest wait and a ceiling
    /// that doubles with each failure. If the receiver asked for a longer wait, up to a day, that one is used.
    fn back_off(&self, schedule: &mut Schedule, retry_after: Option<Duration>) {
        let (shortest, longest) = BACK_OFF;
        let ceiling = shortest.saturating_mul(2 << schedule.failures.min(16)).min(longest);
        let wait = shortest + self.below(ceiling - shortest);
        let asked = retry_after.map_or(0, |asked| u64::try_from(asked.as_millis()).unwrap_or(DAY).min(DAY));
        schedule.failures = schedule.failures.saturating_add(1).min(16);
        schedule.not_before = self.ambient.now().0 + wait.max(asked);
    }

    fn give_up(&self, batch: &Batch, reason: DropReason) {
        if self.journal.may_remove(batch.path()).is_err() {
            return;
        }
        self.journal.keep_not_taken(batch, reason);
        // If it can't be removed, nothing was lost yet: the batch is tried again.
        let _ = self.journal.end_file(batch.path(), &[(reason, batch.records())]);
    }

    /// Acts on a 413: replaces the batch by two with half the lines each, which are next in the queue. A batch of a single line
    /// is dropped.
    fn halve(&self, place: Place, checked: &Checked, queue: &mut VecDeque<PathBuf>, done: &mut Flushed) {
        let Checked { batch, lines } = checked;
        if lines.len() < 2 {
            self.give_up(batch, DropReason::TooLarge);
            done.note_trouble("the receiver says that even a request of one record is too large");
            return;
        }
        let outbox = self.journal.outbox();
        let (first, second) = lines.split_at(lines.len() / 2);
        let write = |half: &[DecodedLine], part| {
            let (texts, parent) = (half.iter().map(|(line, _)| line.as_str()), Some((batch.parent(), part)));
            outbox.write(self.draft(place, texts, Vec::new(), parent), &self.ambient)
        };
        match write(first, 1).and_then(|first| match write(second, 2) {
            Ok(second) => Ok([first, second]),
            Err(error) => outbox.remove(&first).and(Err(error)),
        }) {
            Ok(halves) => {
                self.journal.keep_not_taken(batch, DropReason::TooLarge);
                // If the whole stays, the same halves are made again: their keys derive from its key.
                let _ = outbox.remove(batch);
                halves.into_iter().rev().for_each(|half| queue.push_front(half.path().to_owned()));
            }
            Err(error) => done.note_trouble(format!("half of a batch could not be written: {error}")),
        }
    }

    fn version(&self) -> &str {
        self.service.version.as_deref().unwrap_or_default()
    }

    fn draft<'l>(
        &self,
        place: Place,
        lines: impl Iterator<Item = &'l str> + Clone,
        sources: Vec<Source>,
        parent: Option<(Parent, u8)>,
    ) -> Draft {
        let Place { scope, generation, epoch } = place;
        let records = lines.clone().count() as u64;
        let body = crate::transport::otlp::body(&self.service, scope, lines);
        // If this one reading of the clock is wrong, use the day that is being recorded. Otherwise the new batch could be too old
        // immediately.
        let (now, today) = (self.ambient.now(), self.today());
        let at = if [Day::NONE, now.day()].contains(&today) { now } else { today.start() };
        Draft { scope, generation, epoch, records, sources, body, at, parent }
    }
}
