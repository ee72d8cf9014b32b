//! Erasure requests: requests to the receiver that name records to be erased. Makes them from the ids of sent records, stores
//! them durably, decides when each is sent, and acts on the answer.
//!
//! There is one request for each batch that was sent, because the receiver already knows that those records came together. The
//! requests are sent one at a time, at random times, in the random order of their batches' keys. This module never touches a
//! counter of reports or the sent log: an erasure request is not a report, and makes no record that would have to be erased.

use super::{DAY, Flushed, MINUTE, NOT_A_RECEIVER, Occasion, REFUSED, back_off_refused, why_later};
use crate::{
    ambient::{Day, Time},
    consent::{ErasureStatus, Outcome, Particulars, SENT_LOG_DAYS, Scope, StoredRequest, WhyGivenUp},
    disk::Look,
    engine::Engine,
    error::{At, Error},
    journal::{Batch, Named, Schedule},
    transport::{Answer, Parcel, SendError, otlp::DecodedLine},
};
use std::{collections::BTreeSet, io, sync::atomic::Ordering};

/// After this many refusals by the receiver, an erasure request is given up.
const MOST_REFUSALS: u32 = 10;
/// The longest time that an erasure request is tried, in milliseconds.
const MOST_AGE: u64 = 30 * DAY;

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
        let mut made = 0;
        let left = self.journal.names().all(scope, today).at("read the list of sent records in", store)?;
        for Named { batch, at, until, to, uids } in left {
            let is_made = settled.contains(batch.as_str()) || unread.contains_key(&batch);
            if (later && at > asked) || is_made || waiting.contains(&batch) {
                continue;
            }
            let key = self.ambient.random_hex::<16>().at("generate a request id in", store)?;
            let mut particulars = Particulars::new(scope.name(), &batch, key, to, asked);
            (particulars.until, particulars.within) = (until.0, within);
            erasure_requests
                .write(&changing, &StoredRequest::new(particulars, uids))
                .at("save the erasure request in", store)?;
            made += 1;
        }
        if made > 0 {
            // The scheduled time may be too far away, if it was drawn for fewer requests. Or none is drawn yet.
            if schedule.failures == 0 {
                schedule.next = self.next_moment(scope);
                self.journal
                    .outbox()
                    .save_erasing_schedule(scope, &schedule)
                    .at("save the erasure schedule in", store)?;
            }
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

    /// A random time for the next erasure request, in milliseconds since 1970. A single request is due within a day and a
    /// minute. The more are pending, the shorter the waits between them, but at least a minute each.
    fn next_moment(&self, scope: Scope) -> u64 {
        // If they can't be counted now, one is assumed.
        let pending = self.consent.erasure_requests().pending(scope.name()).map_or(1, |pending| pending.len() as u64);
        self.ambient.now().0 + MINUTE + self.below((2 * DAY / (pending + 1)).max(MINUTE))
    }

    /// When the next erasure request is due; `None` if there is none, or all their scopes are blocked.
    pub(crate) fn next_erasure(&self) -> Option<Time> {
        let free = self.erasing().into_iter().filter(|scope| self.consent.blocked(*scope).is_none());
        let moments = free.map(|scope| {
            let schedule = self.journal.outbox().erasing_schedule(scope, self.ambient.now());
            Time(schedule.next.max(schedule.not_before))
        });
        moments.min()
    }

    /// Sends one erasure request that is due, or on a flush one for each scope. Returns whether any was tried.
    pub(crate) fn send_erasures(&self, occasion: Occasion, scopes: &[Scope], done: &mut Flushed) -> bool {
        let mut any = false;
        for &scope in scopes {
            // Make what is missing of an earlier erasure request, after an interruption or a full disk.
            if let Err(error) = self.make_erasure_requests(scope, true) {
                done.note_trouble(format!("what is to be erased could not be noted: {error}"));
            }
            if let Some(by) = self.consent.blocked(scope) {
                done.note_trouble(format!("erasure waits: reports are switched off by {by}"));
                continue;
            }
            let outbox = self.journal.outbox();
            let now = self.ambient.now();
            let mut schedule = outbox.erasing_schedule(scope, now);
            if schedule.next == 0 {
                schedule.next = self.next_moment(scope);
                // If it can't be written, another moment is drawn the next time.
                let _ = outbox.save_erasing_schedule(scope, &schedule);
            }
            let early = occasion == Occasion::Due && now.0 < schedule.next;
            if early || now.0 < schedule.not_before {
                if now.0 < schedule.not_before {
                    done.note_trouble(format!("erasure is {}", why_later(&schedule)));
                }
                continue;
            }
            let batches = self.in_turn(scope).unwrap_or_else(|error| {
                done.note_trouble(format!("what is to be erased can't be read now: {error}"));
                Vec::new()
            });
            for batch in batches {
                match self.send_erasure(scope, &batch, &mut schedule, done) {
                    Ok(Tried::Nothing | Tried::HeldUp) => continue,
                    Ok(Tried::Ended | Tried::Waits) => any = true,
                    Err(error) => done.note_trouble(format!("the number of tries could not be written: {error}")),
                }
                break;
            }
            schedule.next = self.next_moment(scope);
            if self.consent.erasure_requests().is_busy(scope.name()) {
                // If it can't be written, the moment on disk applies.
                let _ = outbox.save_erasing_schedule(scope, &schedule);
            } else {
                outbox.end_erasing_schedule(scope);
            }
            if any && occasion == Occasion::Due {
                break;
            }
        }
        any
    }

    /// The pending erasure requests of a scope, those with the fewest tries first. So one that always fails does not hold up the
    /// others.
    fn in_turn(&self, scope: Scope) -> io::Result<Vec<String>> {
        let erasure_requests = self.consent.erasure_requests();
        let mut batches = erasure_requests.pending(scope.name())?;
        // A damaged one comes first and is set aside then. One that can't be read now comes last.
        batches.sort_by_cached_key(|batch| match erasure_requests.read(scope.name(), batch) {
            Look::Read(stored) => stored.map_or(0, |stored| stored.is.tries),
            Look::Absent => 0,
            Look::Refused(_) | Look::Failed(_) => u32::MAX,
        });
        Ok(batches)
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
        let elsewhere = self.consent.recipient(scope) != Some(stored.is.to.as_str());
        let old = stored.is.asked.saturating_add(MOST_AGE) < now.0;
        let over = match elsewhere {
            true if old => Some(WhyGivenUp::Elsewhere),
            // A request that was never tried, because the program did not run, does not expire.
            false if old && (stored.is.tries > 0 || schedule.failures > 0) => Some(WhyGivenUp::NoAnswer),
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
        let today: Day = self.ambient.now().day();
        let store = self.consent.ledger().store();
        let holds =
            |kind: &str| -> io::Result<bool> { Ok(self.consent.ledger().files().stat(&store.join(kind))?.is_some()) };
        if !holds("named").unwrap_or(true) && !holds("erasing").unwrap_or(true) {
            return;
        }
        let erasure_requests = self.consent.erasure_requests();
        // Another process holds the lock, or the disk can't be written. The next call tries again.
        let Ok(changing) = erasure_requests.lock(|| self.ambient.monotonic()) else { return };
        self.journal.names().expire(self.registry.scopes(), today);
        for scope in self.registry.scopes() {
            erasure_requests.expire(&changing, scope.name(), today, scope.retention_days());
        }
        // Erasure requests of a scope that this program does not declare expire with the records that they name.
        let Look::Read(names) = self.consent.ledger().files().children(&store.join("erasing")) else { return };
        for name in names {
            if !self.registry.scopes().iter().any(|scope| scope.name() == name) {
                erasure_requests.expire(&changing, &name, today, SENT_LOG_DAYS);
            }
        }
    }
}
