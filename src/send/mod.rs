//! When to send, how to wait, and what an answer means.
//!
//! Takes batches whose permit it can get, hands them to the transport, and does what the answer says. It can't make a permit or
//! bytes of its own, and never runs on a recording thread.

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
    transport::{Answer, Parcel, SendError, Transport},
};
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
/// The first wait after a failure, and the longest.
const BACK_OFF: (u64, u64) = (MINUTE / 2, 6 * 60 * MINUTE);
/// What a receiver that refuses us is spared: an hour, doubling up to a day.
const REFUSED: (u64, u64) = (60 * MINUTE, DAY);
/// Why a library's reports have no way out.
const NOT_ALLOWED: &str = "the program does not allow the library to report";
/// How much of a panic's words is repeated.
const LONGEST_PANIC: usize = 160;
/// What a page or a redirection means.
const NOT_A_RECEIVER: &str = "a page or a redirection answered, and no OpenTelemetry receiver: check the endpoint";
const MOST_TRIES: u32 = 10;
const MOST_TRIES_AFTER_500: u32 = 3;
/// How long a batch may wait, in milliseconds.
const MOST_AGE: u64 = crate::consent::WAITING_DAYS as u64 * DAY;

/// What sending achieved.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
#[must_use = "`trouble` says whether the receiver could be reached"]
pub struct Flushed {
    /// Requests that the receiver took.
    pub requests: u64,
    /// Records in them that the receiver did not reject.
    pub records: u64,
    /// Requests for erasure that the receiver accepted. They are no reports, and counted nowhere else.
    pub erasures: u64,
    /// Requests that still wait, as far as they are made up. Where sending was cut short, more may come of what was recorded,
    /// and [`trouble`](Flushed::trouble) says so.
    pub waiting: u64,
    /// Events that were added to the counts of days that are not over. They leave once their day (UTC) is.
    pub growing: u64,
    /// What went wrong first, or why nothing could be sent.
    pub trouble: Option<String>,
}

/// Why a send has nothing to say yet.
#[derive(Debug)]
pub(crate) enum Unsent {
    /// It was not over in time, this one or one that began before.
    UnderWay,
    /// No thread could be made for it.
    NoThread(io::Error),
    /// Its thread ended before it.
    BrokenOff,
}

impl Flushed {
    /// What was taken since another one was, of the same counters.
    fn since(self, before: &Flushed) -> Self {
        Flushed {
            requests: self.requests.saturating_sub(before.requests),
            records: self.records.saturating_sub(before.records),
            erasures: self.erasures.saturating_sub(before.erasures),
            ..self
        }
    }

    /// Nothing could be sent.
    pub(crate) fn nothing(why: String) -> Self {
        Flushed { trouble: Some(clean::line(&why)), ..Flushed::default() }
    }

    pub(crate) fn note_trouble(&mut self, what: impl Into<String>) {
        // A transport of the program's own, or the receiver behind it, may have worded it.
        self.trouble.get_or_insert_with(|| clean::line(&what.into()));
    }
}

/// How a batch was taken, if it was.
fn taken(answer: &Result<Answer, SendError>, batch: &Batch) -> Option<Taken> {
    let (rejected, confirmed) = match answer {
        Ok(Answer::Accepted { rejected }) => (*rejected, true),
        Ok(Answer::Taken { rejected }) => (*rejected, false),
        _ => return None,
    };
    Some(Taken { rejected: rejected.min(batch.records()), confirmed })
}

/// Why nothing leaves before a moment that is noted.
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

/// What makes the sender run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// A scope's own moment, or the end of its back-off.
    Due,
    /// The program asked. Back-off is respected all the same.
    Flush,
}

impl Engine {
    /// Whether the clock is believed, and the day that is being recorded is the one it says: it is read more than once, and one
    /// reading that is wrong must not drop what another one keeps.
    pub(crate) fn is_sure_of_day(&self) -> bool {
        for _ in 0..2 {
            let Some(now) = self.trusted_now() else { return false };
            if [Day::NONE, now.day()].contains(&self.today()) {
                return true;
            }
            // Midnight has passed, or this reading was wrong, or the one before.
            self.tick();
        }
        false
    }

    /// What receivers took since this client was made.
    pub(crate) fn taken(&self) -> Flushed {
        let [requests, records, erasures] = {
            let counters = &self.journal.counters;
            [&counters.requests, &counters.sent, &counters.erasures].map(|count| count.load(Ordering::Relaxed))
        };
        Flushed { requests, records, erasures, ..Flushed::default() }
    }

    /// How many requests of a scope are made up and wait.
    pub(crate) fn made_up(&self, place: Place) -> u64 {
        self.journal.outbox().paths(place).map_or(0, |paths| paths.len() as u64)
    }

    /// How many events were added to the counts of days that are not over.
    pub(crate) fn growing(&self, places: &[Place]) -> u64 {
        let days = places.iter().map(|place| self.journal.peek_counts(*place, &mut Vec::new()));
        days.flat_map(BTreeMap::into_values).fold(0, |sum, counts| sum.saturating_add(counts.total()))
    }

    /// What a program is told that asked for a send and has no answer within `limit`. Whatever receivers took since it asked,
    /// when this was taken `before`, is counted all the same.
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
                // It may be that they are still made up.
                if done.waiting == 0 { unknown } else { "" }
            ),
            Unsent::NoThread(error) => {
                format!("no thread could be made to send on ({error}); what waits {kept}{unknown}")
            }
            Unsent::BrokenOff => {
                format!("sending broke off by a mistake in candor or in the clock; what waits {kept}{unknown}")
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
            // A yes that something else closes is one all the same.
            (None, None) => self.consent.why_closed().unwrap_or_else(|| "no scope is granted".into()),
        }
    }

    /// Why nothing of an open scope leaves though it is recorded, where its receiver wants no more of it.
    pub(crate) fn why_refused(&self, scope: &str) -> Option<String> {
        let place = self.consent.open_places().into_iter().find(|place| place.scope.name() == scope)?;
        self.why_gone(&self.journal.outbox().schedule(place.scope, place.generation, self.ambient.now()))
    }

    /// That a receiver wants no more reports from this version, since when, and until what.
    pub(crate) fn why_gone(&self, schedule: &Schedule) -> Option<String> {
        let Gone { version, since } = schedule.gone.as_ref().filter(|gone| gone.version == self.version())?;
        let until = match version.as_str() {
            // A program that begins to give one needs a yes to that as well.
            "" => String::new(),
            version => format!("a version of the program runs that is not {version}, or "),
        };
        Some(format!(
            "the receiver takes no more of these reports (410), since {}: nothing of them is sent until {until}the yes is taken \
             back and given anew; what is recorded is dropped and counted",
            Time(*since).rfc3339()
        ))
    }

    /// When the next scope is due, or a day from now.
    pub(crate) fn next_due(&self) -> Time {
        let now = self.ambient.now();
        let due = self.consent.open_places().into_iter().map(|place| {
            let schedule = self.schedule(place, now);
            if schedule.failures > 0 { schedule.not_before } else { schedule.next.max(schedule.not_before) }
        });
        let due = due.chain(self.next_erasure().map(|due| due.0));
        Time(due.min().unwrap_or(u64::MAX).clamp(now.0, now.0 + DAY))
    }

    /// The scope's schedule; one that has no moment yet is given one within a day.
    pub(crate) fn schedule(&self, place: Place, now: Time) -> Schedule {
        let _alone = self.scheduling.lock();
        let outbox = self.journal.outbox();
        let mut schedule = outbox.schedule(place.scope, place.generation, now);
        if schedule.next == 0 {
            schedule.next = now.0 + self.below(DAY);
            let _ = outbox.save_schedule(place.scope, place.generation, &schedule);
        }
        schedule
    }

    /// The way to the one who receives this scope's reports. A library's never go where the program's own do.
    fn transport_of(&self, scope: Scope) -> Option<&dyn Transport> {
        if scope.is_of_library() { self.libraries.get(scope.name()).map(|it| &**it) } else { Some(&*self.transport) }
    }

    pub(crate) fn send_batches(
        &self,
        place: Place,
        batches: Vec<PathBuf>,
        mut schedule: Schedule,
        stands: &dyn Fn() -> bool,
        done: &mut Flushed,
    ) {
        if self.transport_of(place.scope).is_none() {
            done.note_trouble(NOT_ALLOWED);
            return;
        }
        let mut queue: VecDeque<PathBuf> = batches.into();
        // The one that was not taken last time comes last: a request that always fails holds up no other.
        if let Some(after) = &schedule.after {
            let first = queue.iter().position(|path| name_of(path).is_some_and(|name| name > after.as_str()));
            queue.rotate_left(first.unwrap_or(0));
        }
        // Whether the disk has the schedule of before an answer.
        let mut owed = false;
        while let Some(path) = queue.pop_front() {
            if !stands() {
                done.note_trouble(self.consent.why_no_permit(place.scope));
                break;
            }
            let outbox = self.journal.outbox();
            if let Some(error) = outbox.left_alone(&path, self.today()) {
                done.waiting += 1;
                done.note_trouble(format!("a batch is not sent, and dropped when its day is over: {error}"));
                continue;
            }
            // Checked here, just before its try, and one at a time: what waits may be more than fits in memory.
            let is_old =
                |batch: &Batch| self.trusted_now().is_some_and(|now| batch.made().0.saturating_add(MOST_AGE) < now.0);
            let checked = outbox.open(&path, place).and_then(|batch| match batch {
                // Its records are too old as well, and nothing else is wrong with them; unless it was taken before.
                Some(batch) if is_old(&batch) && !self.journal.sent().has(place.scope, batch.key())? => {
                    self.give_up(&batch, DropReason::Age);
                    Ok(None)
                }
                Some(batch) => self.checked(place, batch),
                None => Ok(None),
            });
            let mut batch = match checked {
                Ok(Some(batch)) => batch,
                Ok(None) => continue,
                Err(error) => {
                    done.waiting += 1;
                    done.note_trouble(format!("a batch can't be read or written now: {error}"));
                    continue;
                }
            };
            if batch.tries() >= MOST_TRIES {
                self.give_up(&batch, DropReason::GaveUp);
                continue;
            }
            // Without their ids on disk the records could not be named for erasure any more.
            if let Err(error) = self.note_names(place.scope, &batch) {
                done.note_trouble(format!("the disk did not take what leaves: {error}"));
                done.waiting += 1 + queue.len() as u64;
                break;
            }
            // Without its try on disk a batch is not sent: a program that dies each time would send it for ever.
            let late = mutants::on(Mutant::TryNotedAfterSend);
            if !late && let Err(error) = outbox.note_try(&mut batch) {
                done.note_trouble(format!("the disk did not take a try: {error}"));
                done.waiting += 1 + queue.len() as u64;
                break;
            }
            let sealed = self
                .consent
                .permit(place.scope, place.generation, place.epoch)
                .and_then(|permit| Parcel::seal(permit, &batch).ok_or_else(|| self.consent.why_no_permit(place.scope)));
            let parcel = match sealed {
                Ok(parcel) => parcel,
                Err(why) => {
                    done.note_trouble(why);
                    break;
                }
            };
            // Noted before the answer, as the try is: whoever ends before there is one has failed, and the next process does
            // not begin with what hangs.
            let before = schedule.clone();
            schedule.after = name_of(&path).map(str::to_owned);
            self.back_off(&mut schedule, None);
            schedule.unanswered = true;
            if let Err(error) = outbox.save_schedule(place.scope, place.generation, &schedule) {
                done.note_trouble(format!("the disk did not take the schedule: {error}"));
                done.waiting += 1 + queue.len() as u64;
                break;
            }
            let answer = self.hand_over(place.scope, parcel);
            if late {
                let _ = outbox.note_try(&mut batch);
            }
            if !stands() {
                owed = false;
                done.note_trouble(self.consent.why_no_permit(place.scope));
                if let Some(taken) = taken(&answer, &batch) {
                    // It left before, and the person's log says so.
                    let _ = self.journal.sent().note(place.scope, &batch, self.ambient.now(), taken);
                }
                break;
            }
            if !matches!(answer, Err(SendError::Stopped)) {
                (schedule.failures, schedule.not_before) = (before.failures, before.not_before);
                schedule.unanswered = false;
            }
            if matches!(answer, Ok(Answer::Refused)) {
                // It says nothing about the batch, whose age is its bound. Without room on the disk it was a try.
                let _ = outbox.forget_try(&mut batch);
            }
            owed = true;
            if !self.answered(place, &batch, &answer, &mut schedule, &mut queue, done) {
                done.waiting += queue.len() as u64;
                break;
            }
        }
        if owed {
            let _ = self.journal.outbox().save_schedule(place.scope, place.generation, &schedule);
        }
    }

    /// The one door.
    fn hand_over(&self, scope: Scope, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        let transport = self.transport_of(scope).ok_or_else(|| SendError::Network(NOT_ALLOWED.into()))?;
        // It may be the program's own. Unwinding drops the parcel, and with it what a withdrawal waits for; and nothing of
        // ours is half done while it runs.
        catch_unwind(AssertUnwindSafe(|| transport.send(parcel))).unwrap_or_else(|panic| {
            let said = panic.downcast_ref::<&str>().map(|said| (*said).to_owned());
            let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            // What it was thrown with may panic again when it is dropped.
            std::mem::forget(panic);
            Err(SendError::Panicked(said.chars().take(LONGEST_PANIC).collect()))
        })
    }

    /// Does what an answer means to the batch. `false` when nothing more is to be sent for this scope now.
    fn answered(
        &self,
        place: Place,
        batch: &Batch,
        answer: &Result<Answer, SendError>,
        schedule: &mut Schedule,
        queue: &mut VecDeque<PathBuf>,
        done: &mut Flushed,
    ) -> bool {
        let counters = &self.journal.counters;
        match answer {
            Ok(Answer::Accepted { .. } | Answer::Taken { .. }) => {
                let taken = taken(answer, batch).unwrap_or(Taken { rejected: 0, confirmed: false });
                let (sent, at) = (self.journal.sent(), self.ambient.now());
                if taken.rejected > 0 {
                    // On record before it is noted as sent, as with what is given up.
                    counters.drop(DropReason::Rejected, taken.rejected);
                    self.journal.note_losses();
                }
                if mutants::on(Mutant::BatchRemovedFirst) {
                    let _ = self.journal.outbox().remove(batch);
                }
                let noted = sent.note(place.scope, batch, at, taken);
                let noted = noted.or_else(|_| sent.keep_file(place.scope, batch, at, None));
                let _ = self.journal.outbox().remove(batch);
                // A batch that is gone makes room for an entry without contents.
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
                self.halve(place, batch, queue, done);
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
                let wait = REFUSED.0.saturating_mul(1 << schedule.failures.min(8)).min(REFUSED.1);
                schedule.failures = schedule.failures.saturating_add(1).min(16);
                schedule.not_before = self.ambient.now().0 + wait;
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

    /// Exponential with full jitter, or what the receiver asked for if that is longer.
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
        let _ = self.journal.end_file(batch.path(), &[(reason, batch.records())]);
    }

    /// 413: two batches of half the lines, sent at once; a line that is alone is dropped.
    fn halve(&self, place: Place, batch: &Batch, queue: &mut VecDeque<PathBuf>, done: &mut Flushed) {
        let lines = self.lines_of(place, batch);
        if lines.len() < 2 {
            self.give_up(batch, DropReason::TooLarge);
            done.note_trouble("the receiver takes no request of even one record");
            return;
        }
        let outbox = self.journal.outbox();
        let (first, second) = lines.split_at(lines.len() / 2);
        let write = |half: &[String], part| {
            let parent = Some((batch.parent(), part));
            outbox.write(self.draft(place, half.iter().map(String::as_str), Vec::new(), parent), &self.ambient)
        };
        match write(first, 1).and_then(|first| match write(second, 2) {
            Ok(second) => Ok([first, second]),
            Err(error) => outbox.remove(&first).and(Err(error)),
        }) {
            Ok(halves) => {
                self.journal.keep_not_taken(batch, DropReason::TooLarge);
                let _ = outbox.remove(batch);
                halves.into_iter().rev().for_each(|half| queue.push_front(half.path().to_owned()));
            }
            Err(error) => done.note_trouble(format!("the disk did not take half a batch: {error}")),
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
        // Of the day that it is made on, also where the clock is wrong for this one reading: it would be too old at once.
        let (now, today) = (self.ambient.now(), self.today());
        let at = if [Day::NONE, now.day()].contains(&today) { now } else { today.start() };
        Draft { scope, generation, epoch, records, sources, body, at, parent }
    }
}
