//! Erasure requests: requests to the receiver that name records to be erased. Makes them from the ids of sent records, stores
//! them durably, decides when each is sent, and acts on the answer.
//!
//! There is one request for each batch that was sent, because the receiver already knows that those records came together. Each
//! has its own random time within seven days, drawn once, when the request is made. Requests are sent one at a time, never one
//! right after the other. This module never touches a counter of reports or the sent log: an erasure request is not a report.

use super::{DAY, Flushed, MINUTE, NOT_A_RECEIVER, REFUSED, back_off_refused, why_later};
use crate::{
    ambient::{Day, Time, hex},
    consent::{Changing, ErasureStatus, Outcome, Particulars, SENT_LOG_DAYS, Scope, StoredRequest, WhyGivenUp},
    disk::Look,
    engine::Engine,
    error::{At, Error},
    journal::{Batch, Named, Schedule},
    mutants::{self, Mutant},
    transport::{Answer, Parcel, SendError, otlp::DecodedLine},
};
use std::{collections::BTreeSet, io, sync::atomic::Ordering};

/// After this many refusals by the receiver, an erasure request is given up.
const MOST_REFUSALS: u32 = 10;
/// The longest time that an erasure request is tried, in milliseconds.
const MOST_AGE: u64 = 30 * DAY;
/// For how many days a request is shown that could not be sent before the recipient's retention was over.
const SHOWN_DAYS: u32 = 30;
/// The time over which the requests of one decision are spread, in milliseconds.
const SPREAD: u64 = 7 * DAY;
/// The start of 2026, in milliseconds since 1970. A clock that shows an earlier time is wrong: candor did not exist.
const BEGIN: u64 = 20_454 * DAY;
/// The shortest wait between two requests, and what is added to it at random at most, in milliseconds.
const GAP: (u64, u64) = (MINUTE, 60 * MINUTE);

/// One request that is pending. Those that are sent first come first: the fewest tries, then the earliest time. So one that
/// always fails does not hold up the others.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pending {
    tries: u32,
    /// When it is due, in milliseconds since 1970. 0 if it can't be read: then it is looked at again with each send.
    due: u64,
    batch: String,
}

/// What became of the erasure requests in one send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Erasing {
    /// None is pending, or none can be sent.
    Nothing,
    /// None is due before this time.
    Waits(Time),
    /// One was tried.
    Tried,
}

/// The result of one try.
enum Tried {
    /// There was nothing to try: the erasure request was withdrawn, has ended or was damaged in the meantime.
    Nothing,
    /// It can't be sent now; nothing was sent.
    HeldUp,
    /// The erasure request has ended: it was acknowledged or given up.
    Ended,
    /// It is pending until its next try.
    Waits,
}

/// Whether something may be done that was to wait until `due`, in milliseconds since 1970.
fn is_due(due: u64, now: Time) -> bool {
    due <= now.0 || mutants::on(Mutant::ErasureEarly)
}

impl Engine {
    /// How many sent records can be named, what the person asked for, and the outcome.
    pub(crate) fn erasure_status(&self, scope: Scope) -> Result<ErasureStatus, Error> {
        let names = self.journal.names();
        let store = self.consent.ledger().store();
        let (left, nameable) = match names.holds_any(scope).at("read the list of sent records in", store)? {
            // If nothing was ever sent, the clock is not read.
            false => (0, 0),
            true => {
                let today = self.ambient.now().day();
                let all = names.all(scope, today).at("read the list of sent records in", store)?;
                let nameable = all.iter().map(|named| named.uids.len() as u64).sum();
                (names.left(scope, today).at("read the list of sent records in", store)?.0.max(nameable), nameable)
            }
        };
        self.consent.erasure_status(scope, left, nameable)
    }

    /// The scopes that have, or may have, pending erasure requests. If no decision was ever recorded, nothing is read.
    pub(crate) fn erasing(&self) -> Vec<Scope> {
        if !self.consent.is_known() {
            return Vec::new();
        }
        let erasure_requests = self.consent.erasure_requests();
        self.registry.scopes().iter().copied().filter(|scope| erasure_requests.is_busy(scope.name())).collect()
    }

    /// Writes to disk which records a batch holds, by its decoded lines. Called before each try: from the first try on, they may have been sent.
    ///
    /// # Errors
    /// The ids can't be read or written. The batch is not sent then.
    pub(super) fn note_names(&self, scope: Scope, batch: &Batch, lines: &[DecodedLine]) -> Result<(), Error> {
        let names = self.journal.names();
        // If this can't be read, the records may have been counted already. It is an error, and the batch is not sent now.
        if names.has(scope, batch.key()).at("read the list of sent records in", self.consent.ledger().store())? {
            return Ok(());
        }
        let now = self.ambient.now();
        let named = Named {
            batch: batch.key().to_owned(),
            at: now,
            until: now.day().plus(scope.retention_days()),
            to: self.consent.recipient(scope).unwrap_or_default().to_owned(),
            uids: lines.iter().map(|(_, record)| record.uid).collect(),
        };
        let erasure_requests = self.consent.erasure_requests();
        let _changing = erasure_requests.lock(|| self.ambient.monotonic())?;
        names
            .note(scope, &named, batch.tries() == 0)
            .at("save the list of sent records in", self.consent.ledger().store())
    }

    /// Makes the missing documents of the person's erasure request: one for each sent batch that it covers. Idempotent, and safe
    /// to interrupt.
    ///
    /// `later` says that an earlier call was interrupted. Then the request covers only what had been sent when the person asked,
    /// as far as the clocks show.
    ///
    /// # Errors
    /// Something can't be read or written: the rest of the request stays pending. Or the scope's recipient can't delete single
    /// records.
    pub(crate) fn make_erasure_requests(&self, scope: Scope, later: bool) -> Result<(), Error> {
        let erasure_requests = self.consent.erasure_requests();
        let store = self.consent.ledger().store();
        let changing = erasure_requests.lock(|| self.ambient.monotonic())?;
        let Some(asked) = erasure_requests.asked(scope.name()).at("read the erasure request in", store)? else {
            return Ok(());
        };
        let today = self.ambient.now().day();
        let asked = asked.min(self.ambient.now());
        let within = match self.consent.deletes_within(scope, None) {
            Ok(within) => within,
            Err(error) => {
                // This version's recipient can't delete single records. The rest of the request would be pending forever.
                erasure_requests.answered(&changing, scope.name()).at("write in", store)?;
                return Err(error);
            }
        };
        let known = erasure_requests.all(scope.name()).at("read the erasure requests in", store)?;
        let (known, unread) = (known.erasure_requests, known.unread);
        let given_up = |stored: &StoredRequest| matches!(stored.is.outcome, Outcome::GivenUp { at, .. } if !later || at <= asked.0);
        let settled: BTreeSet<&str> =
            known.iter().filter(|stored| !given_up(stored)).map(|stored| stored.is.batch.as_str()).collect();
        let waiting = self.still_waiting(scope)?;
        let mut schedule = self.journal.outbox().erasing_schedule(scope, self.ambient.now());
        if let Some(why) = schedule.unread.take() {
            return Err(io::Error::other(why)).at("read the erasure schedule in", store);
        }
        let left = self.journal.names().all(scope, today).at("read the list of sent records in", store)?;
        for Named { batch, at, until, to, uids } in left {
            let is_made = settled.contains(batch.as_str()) || unread.contains_key(&batch);
            if (later && at > asked) || is_made || waiting.contains(&batch) {
                continue;
            }
            let key = self.ambient.random_hex::<16>().at("generate a request id in", store)?;
            let mut particulars = Particulars::new(scope.name(), &batch, key, to, asked);
            (particulars.until, particulars.within) = (until.0, within);
            let mut stored = StoredRequest::new(particulars, uids);
            self.draw(&mut stored).at("generate a request time in", store)?;
            erasure_requests.write(&changing, &stored).at("save the erasure request in", store)?;
        }
        // The scheduled time may be too late: it was noted before these requests were made.
        let pending = self.in_turn(scope, &changing).at("read the erasure requests in", store)?;
        if let Some(first) = pending.iter().map(|pending| pending.due).min() {
            // What is left of the wait after an earlier request is not known here; it is no longer than this.
            let waits = schedule.next.min(self.ambient.now().0 + GAP.0 + GAP.1);
            schedule.next = first.max(waits);
            self.journal.outbox().save_erasing_schedule(scope, &schedule).at("save the erasure schedule in", store)?;
        }
        // A document that could not be read may be one that was given up, which would have to be made again. So the rest of the
        // request stays pending.
        if let Some(why) = unread.into_values().next() {
            return Err(io::Error::other(why)).at("read the erasure requests in", store);
        }
        erasure_requests.answered(&changing, scope.name()).at("write in", store)
    }

    /// The keys of a scope's pending batches. They may still be sent, so it is too early to name them for erasure.
    fn still_waiting(&self, scope: Scope) -> Result<BTreeSet<String>, Error> {
        let Some(place) = self.consent.granted_place(scope)? else { return Ok(BTreeSet::new()) };
        let store = self.consent.ledger().store();
        let paths = self.journal.outbox().paths(place).at("read the pending requests in", store)?.into_iter();
        Ok(paths.filter_map(|path| Some(path.file_stem()?.to_str()?.split_once('-')?.1.to_owned())).collect())
    }

    /// Draws the time of a request, and the id of its own record if it has none. The time is uniform over the next seven days,
    /// and independent of any other. It is earlier than that only if the recipient's retention ends before: the person's request
    /// is to come in time.
    ///
    /// # Errors
    /// There is no entropy. No time is assumed: it would be the same for every request.
    pub(crate) fn draw(&self, stored: &mut StoredRequest) -> io::Result<()> {
        let now = self.ambient.now().0;
        let over = Day(stored.is.until).next().start().0;
        let spread = SPREAD.min(over.saturating_sub(now)).max(1);
        // The bias is 1 in 2^34.
        let wait = u64::from_le_bytes(self.ambient.random()?).checked_rem(spread).unwrap_or(0);
        stored.is.due = Some((now + wait).min(Time::LAST.0));
        if stored.is.uid.is_none() {
            stored.is.uid = Some(hex(&self.ambient.random::<16>()?));
        }
        Ok(())
    }

    /// How long nothing more is sent after one request, in milliseconds, if `due` are due. So what became due while the program
    /// did not run takes half an hour each, a day in all if they are many, and a minute each if they are very many.
    fn gap(&self, due: usize) -> u64 {
        if mutants::on(Mutant::ErasureNotSpaced) {
            return 0;
        }
        GAP.0 + self.below((2 * DAY / (due as u64 + 1)).clamp(GAP.0, GAP.1))
    }

    /// A scope's schedule of erasure. If it has a time to wait for and nothing else, as one does that was damaged, the time is
    /// written: it would move on with each reading.
    fn erasing_schedule(&self, scope: Scope, now: Time) -> Schedule {
        let mut schedule = self.journal.outbox().erasing_schedule(scope, now);
        if schedule.next == 0 && schedule.not_before > now.0 {
            schedule.next = schedule.not_before;
            // If it can't be written, the next call tries again.
            let _ = self.journal.outbox().save_erasing_schedule(scope, &schedule);
        }
        schedule
    }

    /// When the next erasure request is due; `None` if there is none, or all their scopes are blocked.
    pub(crate) fn next_erasure(&self) -> Option<Time> {
        let free = self.erasing().into_iter().filter(|scope| self.consent.blocked(*scope).is_none());
        let moments = free.map(|scope| {
            let schedule = self.erasing_schedule(scope, self.ambient.now());
            Time(schedule.next.max(schedule.not_before))
        });
        moments.min()
    }

    /// Sends one erasure request that is due, if there is one. A flush sends none that is not due.
    pub(crate) fn send_erasures(&self, scopes: &[Scope], done: &mut Flushed) -> Erasing {
        let mut first: Option<Time> = None;
        // The scopes take turns at random. So one with many requests does not hold up the others.
        let (ahead, after) = scopes.split_at(self.below(scopes.len() as u64) as usize);
        for &scope in after.iter().chain(ahead) {
            // Make what is missing of an earlier erasure request, after an interruption or a full disk.
            if let Err(error) = self.make_erasure_requests(scope, true) {
                done.note_trouble(format!("what is to be erased could not be noted: {error}"));
            }
            if let Some(by) = self.consent.blocked(scope) {
                done.note_trouble(format!("erasure waits: reports are switched off by {by}"));
                continue;
            }
            let outbox = self.journal.outbox();
            // One wrong reading of the clock must not send a request early.
            let Some(now) = self.trusted_now() else { continue };
            let mut schedule = self.erasing_schedule(scope, now);
            if !is_due(schedule.next, now) || now.0 < schedule.not_before {
                if now.0 < schedule.not_before {
                    done.note_trouble(format!("erasure is {}", why_later(&schedule)));
                }
                let next = Time(schedule.next.max(schedule.not_before));
                first = Some(first.map_or(next, |first| first.min(next)));
                continue;
            }
            let erasure_requests = self.consent.erasure_requests();
            let pending = erasure_requests.lock(|| self.ambient.monotonic()).and_then(|changing| {
                self.in_turn(scope, &changing).at("read the erasure requests in", self.consent.ledger().store())
            });
            let pending = match pending {
                Ok(pending) => pending,
                Err(error) => {
                    done.note_trouble(format!("what is to be erased can't be read now: {error}"));
                    continue;
                }
            };
            let (due, later): (Vec<_>, Vec<_>) = pending.into_iter().partition(|pending| is_due(pending.due, now));
            let mut tried = false;
            for Pending { batch, .. } in &due {
                match self.send_erasure(scope, batch, &mut schedule, done) {
                    Ok(Tried::Nothing | Tried::HeldUp) => continue,
                    Ok(Tried::Ended | Tried::Waits) => tried = true,
                    Err(error) => done.note_trouble(format!("the number of tries could not be written: {error}")),
                }
                break;
            }
            let quiet = self.ambient.now().0 + self.gap(due.len());
            let next = later.iter().map(|pending| pending.due).min().unwrap_or(quiet);
            schedule.next = if due.is_empty() { next } else { quiet };
            if self.consent.erasure_requests().is_busy(scope.name()) {
                // If it can't be written, the moment on disk applies.
                let _ = outbox.save_erasing_schedule(scope, &schedule);
            } else {
                outbox.end_erasing_schedule(scope);
            }
            if tried {
                self.keep_quiet(scopes.iter().copied().filter(|other| *other != scope), Time(quiet));
                return Erasing::Tried;
            }
            if due.is_empty() && !later.is_empty() {
                first = Some(first.map_or(Time(next), |first| first.min(Time(next))));
            }
        }
        first.map_or(Erasing::Nothing, Erasing::Waits)
    }

    /// Sends no erasure request of these scopes before `until`: the recipient would see it right after the one of another scope.
    fn keep_quiet(&self, scopes: impl Iterator<Item = Scope>, until: Time) {
        let outbox = self.journal.outbox();
        for scope in scopes {
            let mut schedule = outbox.erasing_schedule(scope, self.ambient.now());
            if schedule.unread.is_none() && schedule.next < until.0 {
                schedule.next = until.0;
                // If it can't be written, the moment on disk applies.
                let _ = outbox.save_erasing_schedule(scope, &schedule);
            }
        }
    }

    /// The pending erasure requests of a scope, in the order in which they are sent. One of an earlier version gets its time
    /// here, and so does one whose time a wrong clock made: no right clock draws a time that far ahead. While the clock itself
    /// is behind, as on a computer that starts without one, no time is drawn again.
    fn in_turn(&self, scope: Scope, changing: &Changing) -> io::Result<Vec<Pending>> {
        let erasure_requests = self.consent.erasure_requests();
        let mut found = Vec::new();
        for batch in erasure_requests.pending(scope.name())? {
            let (tries, due) = match erasure_requests.read(scope.name(), &batch) {
                Look::Read(Some(mut stored)) => {
                    let now = self.ambient.now().0;
                    let is_wrong = |due| now >= BEGIN && due > now + SPREAD + DAY;
                    let due = match stored.is.due {
                        Some(due) if !is_wrong(due) && !mutants::on(Mutant::ErasureDrawnAgain) => due,
                        _ => {
                            self.draw(&mut stored)?;
                            erasure_requests.write(changing, &stored)?;
                            stored.is.due.unwrap_or_default()
                        }
                    };
                    (stored.is.tries, due)
                }
                // A damaged one comes first and is set aside then.
                Look::Read(None) | Look::Absent => (0, 0),
                // One that can't be read now comes last.
                Look::Refused(_) | Look::Failed(_) => (u32::MAX, 0),
            };
            found.push(Pending { tries, due, batch });
        }
        found.sort();
        Ok(found)
    }

    fn send_erasure(
        &self,
        scope: Scope,
        batch: &str,
        schedule: &mut Schedule,
        done: &mut Flushed,
    ) -> Result<Tried, Error> {
        let erasure_requests = self.consent.erasure_requests();
        let store = self.consent.ledger().store();
        let changing = erasure_requests.lock(|| self.ambient.monotonic())?;
        let path = erasure_requests.path(scope.name(), batch);
        let mut stored = match erasure_requests.read(scope.name(), batch).found_at(&path) {
            Ok(Some(Some(stored))) => stored,
            Ok(None) => return Ok(Tried::Nothing),
            Err(error) => {
                done.note_trouble(format!("a request for erasure can't be read now: {error}"));
                return Ok(Tried::HeldUp);
            }
            Ok(Some(None)) => {
                erasure_requests.set_aside(&changing, scope.name(), batch);
                done.note_trouble("a request for erasure was damaged on this computer");
                return Ok(Tried::Nothing);
            }
        };
        let now = self.ambient.now();
        // It was made again since it was read before.
        if !stored.is.due.is_some_and(|due| is_due(due, now)) {
            return Ok(Tried::Nothing);
        }
        let elsewhere = self.consent.recipient(scope) != Some(stored.is.to.as_str());
        let old = |since: u64| since.saturating_add(MOST_AGE) < now.0;
        let over = match elsewhere {
            // A request about records that the recipient has deleted by now tells only that someone asked.
            _ if self.trusted_now().is_some_and(|now| stored.is.until < now.day().0) => Some(WhyGivenUp::RetentionOver),
            true if old(stored.is.asked) => Some(WhyGivenUp::Elsewhere),
            // A request that was never tried, because the program did not run, is tried.
            false if stored.is.day.is_some_and(|day| old(Day(day).start().0)) => Some(WhyGivenUp::NoAnswer),
            _ => None,
        };
        if let Some(why) = over {
            stored.end(Outcome::GivenUp { at: now.0, why });
            erasure_requests.write(&changing, &stored).at("save the erasure request in", store)?;
            return Ok(Tried::Nothing);
        }
        if elsewhere {
            done.note_trouble("erasure waits: this version of the program sends elsewhere");
            return Ok(Tried::HeldUp);
        }
        // If its try can't be written to disk, nothing is sent. Otherwise a program that dies each time would send it forever.
        stored.is.tries = stored.is.tries.saturating_add(1);
        stored.is.day.get_or_insert(now.day().0);
        erasure_requests.write(&changing, &stored).at("save the erasure request in", store)?;
        drop(changing);
        let permit = self.consent.erasure_permit(scope, batch);
        let Some(parcel) = permit.and_then(|permit| Parcel::erasure(permit, &self.service, scope)) else {
            return Ok(Tried::Nothing);
        };
        // As for a batch: a process that ends before there is an answer counts as a failed try.
        let before = schedule.clone();
        self.back_off(schedule, None);
        schedule.unanswered = true;
        self.journal.outbox().save_erasing_schedule(scope, schedule).at("save the erasure schedule in", store)?;
        let answer = self.hand_over(scope, parcel);
        if !matches!(answer, Err(SendError::Stopped)) {
            *schedule = Schedule { unanswered: false, ..before };
        }
        let outcome = self.heard(&answer, &mut stored, schedule, done);
        let changing = erasure_requests.lock(|| self.ambient.monotonic())?;
        // The person may have withdrawn the request while it was being sent. If the receiver took it anyway, that is recorded.
        let taken = matches!(outcome, Some(Outcome::Acknowledged { .. }));
        let there = match erasure_requests.read(scope.name(), batch).found_at(&path) {
            Ok(found) => found.flatten().is_some(),
            // The person may have withdrawn it, so it is not written again. The try that was counted before remains counted.
            Err(error) if !taken => return Err(error).at("read the erasure request in", store),
            Err(_) => false,
        };
        if there || taken {
            if let Some(outcome) = outcome {
                stored.end(outcome);
            }
            erasure_requests.write(&changing, &stored).at("save the erasure request in", store)?;
        }
        Ok(if outcome.is_some() { Tried::Ended } else { Tried::Waits })
    }

    /// Acts on the answer to an erasure request: updates the request and the schedule. Returns the outcome if the request has
    /// ended.
    fn heard(
        &self,
        answer: &Result<Answer, SendError>,
        stored: &mut StoredRequest,
        schedule: &mut Schedule,
        done: &mut Flushed,
    ) -> Option<Outcome> {
        let at = self.ambient.now().0;
        match answer {
            Ok(Answer::Accepted { rejected: 0 } | Answer::Taken { rejected: 0 }) => {
                done.erasures += 1;
                self.journal.counters.erasures.fetch_add(1, Ordering::Relaxed);
                (schedule.failures, schedule.not_before) = (0, 0);
                return Some(Outcome::Acknowledged { at });
            }
            Ok(
                Answer::Accepted { .. }
                | Answer::Taken { .. }
                | Answer::Refused
                | Answer::Gone
                | Answer::TooLarge
                | Answer::Rejected,
            ) => {
                stored.is.refusals = stored.is.refusals.saturating_add(1);
                done.note_trouble("the receiver refused a request for erasure");
                back_off_refused(schedule, self.ambient.now());
                if stored.is.refusals >= MOST_REFUSALS {
                    // The next request is tried in an hour, and its failures are counted from zero.
                    (schedule.failures, schedule.not_before) = (0, at + REFUSED.0);
                    return Some(Outcome::GivenUp { at, why: WhyGivenUp::Refused });
                }
            }
            Ok(Answer::Busy { retry_after } | Answer::ServerError { retry_after }) => {
                done.note_trouble("the receiver is busy or failing");
                self.back_off(schedule, *retry_after);
            }
            Ok(Answer::NotOtlp | Answer::Redirected) => {
                done.note_trouble(NOT_A_RECEIVER);
                self.back_off(schedule, None);
            }
            Err(SendError::Stopped) => done.note_trouble(SendError::Stopped.to_string()),
            Err(error) => {
                done.note_trouble(error.to_string());
                self.back_off(schedule, None);
            }
        }
        None
    }

    /// Removes the ids of records that the recipient no longer keeps, and the erasure requests about them.
    pub(crate) fn forget_erased(&self) {
        let now = self.ambient.now();
        let store = self.consent.ledger().store();
        let holds =
            |kind: &str| -> io::Result<bool> { Ok(self.consent.ledger().files().stat(&store.join(kind))?.is_some()) };
        if !holds("named").unwrap_or(true) && !holds("erasing").unwrap_or(true) {
            return;
        }
        let erasure_requests = self.consent.erasure_requests();
        // Another process holds the lock, or the disk can't be written. The next call tries again.
        let Ok(changing) = erasure_requests.lock(|| self.ambient.monotonic()) else { return };
        self.journal.names().expire(self.registry.scopes(), now.day());
        for scope in self.registry.scopes() {
            erasure_requests.expire(&changing, scope.name(), now, scope.retention_days(), SHOWN_DAYS);
        }
        // Erasure requests of a scope that this program does not declare expire with the records that they name. It does not show
        // what became of them.
        let Look::Read(names) = self.consent.ledger().files().children(&store.join("erasing")) else { return };
        for name in names {
            if !self.registry.scopes().iter().any(|scope| scope.name() == name) {
                erasure_requests.expire(&changing, &name, now, SENT_LOG_DAYS, 0);
            }
        }
    }
}
