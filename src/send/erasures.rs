//! Requests that name records to be erased: from the ids of what left to durable wishes, when each leaves, and what an
//! answer means to it.
//!
//! One request for each batch that left, since the receiver knows already that those records came together. They go out
//! one at a time, at random moments, in the random order of their batches' keys. Nothing here touches a counter or the
//! sent log: asking for erasure is no report, and makes no record that would have to be erased.

use super::{DAY, Flushed, MINUTE, NOT_A_RECEIVER, Occasion, REFUSED, why_later};
use crate::{
    ambient::{Day, Time},
    consent::{ErasureStatus, Outcome, Particulars, SENT_LOG_DAYS, Scope, StoredRequest, Why},
    disk::Look,
    engine::Engine,
    error::{At, Error},
    journal::{Batch, Named, Schedule},
    transport::{Answer, Parcel, SendError, otlp},
};
use std::{collections::BTreeSet, io, sync::atomic::Ordering};

/// How often a receiver may say no before it is believed.
const MOST_REFUSALS: u32 = 10;
/// For how long a request is tried.
const MOST_AGE: u64 = 30 * DAY;

/// What came of one try.
enum Tried {
    /// There was nothing to try: the wish was taken back, ended or damaged meanwhile.
    Nothing,
    /// It can't leave now, and nothing was sent.
    HeldUp,
    /// It ended.
    Ended,
    /// It waits for its next try.
    Waits,
}

impl Engine {
    /// How much can be named, what was asked for, and what came of it.
    pub(crate) fn erasure_status(&self, scope: Scope) -> Result<ErasureStatus, Error> {
        let names = self.journal.names();
        let store = self.consent.ledger().store();
        let (left, nameable) = match names.holds_any(scope).at("read what left in", store)? {
            // Where nothing ever left no clock is read.
            false => (0, 0),
            true => {
                let today = self.ambient.now().day();
                let all = names.all(scope, today).at("read what left in", store)?;
                let nameable = all.iter().map(|named| named.uids.len() as u64).sum();
                (names.left(scope, today).at("read what left in", store)?.0.max(nameable), nameable)
            }
        };
        self.consent.erasure_status(scope, left, nameable)
    }

    /// The scopes for which something is to be erased. Where no decision was ever recorded nothing is looked at.
    pub(crate) fn erasing(&self) -> Vec<Scope> {
        if !self.consent.is_known() {
            return Vec::new();
        }
        let erasure_requests = self.consent.erasure_requests();
        self.registry.scopes().iter().copied().filter(|scope| erasure_requests.is_busy(scope.name())).collect()
    }

    /// Notes which records a batch holds, before its first try: from then on they may have left.
    pub(super) fn note_names(&self, scope: Scope, batch: &Batch) -> Result<(), Error> {
        let names = self.journal.names();
        // Where nobody can look, they may have been counted: it does not leave now.
        if names.has(scope, batch.key()).at("read what left in", self.consent.ledger().store())? {
            return Ok(());
        }
        let lines = otlp::lines(batch.body(), &self.service, scope, self.registry).unwrap_or_default();
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
        names.note(scope, &named, batch.tries() == 0).at("note what leaves in", self.consent.ledger().store())
    }

    /// Makes the documents of everything that left, was asked for, and has none. Safe to repeat, and to be cut short.
    ///
    /// `later` says that it was cut short: then only what had left when the person asked is meant, as far as clocks tell.
    pub(crate) fn make_erasure_requests(&self, scope: Scope, later: bool) -> Result<(), Error> {
        let erasure_requests = self.consent.erasure_requests();
        let store = self.consent.ledger().store();
        let changing = erasure_requests.lock(|| self.ambient.monotonic())?;
        let Some(asked) = erasure_requests.asked(scope.name()).at("read a wish in", store)? else { return Ok(()) };
        let today = self.ambient.now().day();
        let asked = asked.min(self.ambient.now());
        let within = match self.consent.deletes_within(scope, None) {
            Ok(within) => within,
            Err(error) => {
                // This version's recipient can't: the rest of the wish would wait for ever.
                erasure_requests.answered(&changing, scope.name()).at("write in", store)?;
                return Err(error);
            }
        };
        let known = erasure_requests.all(scope.name()).at("read the wishes in", store)?;
        let (known, unread) = (known.erasure_requests, known.unread);
        let given_up =
            |wish: &StoredRequest| matches!(wish.is.outcome, Outcome::GivenUp { at, .. } if !later || at <= asked.0);
        let settled: BTreeSet<&str> =
            known.iter().filter(|wish| !given_up(wish)).map(|wish| wish.is.batch.as_str()).collect();
        let waiting = self.still_waiting(scope)?;
        let mut schedule = self.journal.outbox().erasing_schedule(scope, self.ambient.now());
        if let Some(why) = schedule.unread.take() {
            return Err(io::Error::other(why)).at("read when the next request leaves in", store);
        }
        let mut made = 0;
        let left = self.journal.names().all(scope, today).at("read what left in", store)?;
        for Named { batch, at, until, to, uids } in left {
            let is_made = settled.contains(batch.as_str()) || unread.contains_key(&batch);
            if (later && at > asked) || is_made || waiting.contains(&batch) {
                continue;
            }
            let key = self.ambient.random_hex::<16>().at("draw a key for", store)?;
            let mut particulars = Particulars::new(scope.name(), &batch, key, to, asked);
            (particulars.until, particulars.within) = (until.0, within);
            erasure_requests.write(&changing, &StoredRequest::new(particulars, uids)).at("write a wish in", store)?;
            made += 1;
        }
        if made > 0 {
            // A moment that was drawn for fewer requests may be too far away, and none may be drawn yet.
            if schedule.failures == 0 {
                schedule.next = self.next_moment(scope);
                self.journal.outbox().save_erasing_schedule(scope, &schedule).at("write a moment in", store)?;
            }
        }
        // One that was not read may have been given up, and is to be made anew then: the rest of the wish waits for it.
        if let Some(why) = unread.into_values().next() {
            return Err(io::Error::other(why)).at("read the wishes in", store);
        }
        erasure_requests.answered(&changing, scope.name()).at("write in", store)
    }

    /// The batches of a scope that wait to be tried again: they may still leave, so that naming them now would be too soon.
    fn still_waiting(&self, scope: Scope) -> Result<BTreeSet<String>, Error> {
        let Some(place) = self.consent.granted_place(scope)? else { return Ok(BTreeSet::new()) };
        let store = self.consent.ledger().store();
        let paths = self.journal.outbox().paths(place).at("read what waits in", store)?.into_iter();
        Ok(paths.filter_map(|path| Some(path.file_stem()?.to_str()?.split_once('-')?.1.to_owned())).collect())
    }

    /// A random moment: one request within a day, and many of them about as fast, each some time after the other.
    fn next_moment(&self, scope: Scope) -> u64 {
        // Where they can't be counted now, it is as for one.
        let pending = self.consent.erasure_requests().pending(scope.name()).map_or(1, |pending| pending.len() as u64);
        self.ambient.now().0 + MINUTE + self.below((2 * DAY / (pending + 1)).max(MINUTE))
    }

    /// When the next request for erasure is due, if there is one to make and nothing blocks.
    pub(crate) fn next_erasure(&self) -> Option<Time> {
        let free = self.erasing().into_iter().filter(|scope| self.consent.blocked(*scope).is_none());
        let moments = free.map(|scope| {
            let schedule = self.journal.outbox().erasing_schedule(scope, self.ambient.now());
            Time(schedule.next.max(schedule.not_before))
        });
        moments.min()
    }

    /// Makes one request that is due, or on a flush one for each scope. Answers whether any was made.
    pub(crate) fn send_erasures(&self, occasion: Occasion, scopes: &[Scope], done: &mut Flushed) -> bool {
        let mut any = false;
        for &scope in scopes {
            // What an interruption or a full disk left of an earlier wish.
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
                    Err(error) => done.note_trouble(format!("the disk did not take a try: {error}")),
                }
                break;
            }
            schedule.next = self.next_moment(scope);
            if self.consent.erasure_requests().is_busy(scope.name()) {
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

    /// The pending requests of a scope, those that were tried least first, so that one that always fails holds up no other.
    fn in_turn(&self, scope: Scope) -> io::Result<Vec<String>> {
        let erasure_requests = self.consent.erasure_requests();
        let mut batches = erasure_requests.pending(scope.name())?;
        // A damaged one goes first, and is set aside; one that can't be read now waits behind the others.
        batches.sort_by_cached_key(|batch| match erasure_requests.read(scope.name(), batch) {
            Look::Read(wish) => wish.map_or(0, |wish| wish.is.tries),
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
        let mut wish = match erasure_requests.read(scope.name(), batch).found_at(&path) {
            Ok(Some(Some(wish))) => wish,
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
        let elsewhere = self.consent.recipient(scope) != Some(wish.is.to.as_str());
        let old = wish.is.asked.saturating_add(MOST_AGE) < now.0;
        let over = match elsewhere {
            true if old => Some(Why::Elsewhere),
            // One that never had its turn, since the program did not run, has not been tried for too long.
            false if old && (wish.is.tries > 0 || schedule.failures > 0) => Some(Why::NoAnswer),
            _ => None,
        };
        if let Some(why) = over {
            wish.end(Outcome::GivenUp { at: now.0, why });
            erasure_requests.write(&changing, &wish).at("write a wish in", store)?;
            return Ok(Tried::Nothing);
        }
        if elsewhere {
            done.note_trouble("erasure waits: this version of the program sends elsewhere");
            return Ok(Tried::HeldUp);
        }
        // Without its try on disk nothing is sent: a program that dies each time would send it for ever.
        wish.is.tries = wish.is.tries.saturating_add(1);
        erasure_requests.write(&changing, &wish).at("write a wish in", store)?;
        drop(changing);
        let errand = self.consent.errand(scope, batch);
        let Some(parcel) = errand.and_then(|errand| Parcel::erasure(errand, &self.service, scope)) else {
            return Ok(Tried::Nothing);
        };
        // As for a batch: whoever ends before there is an answer has failed.
        let before = schedule.clone();
        self.back_off(schedule, None);
        schedule.unanswered = true;
        self.journal.outbox().save_erasing_schedule(scope, schedule).at("write a moment in", store)?;
        let answer = self.hand_over(scope, parcel);
        if !matches!(answer, Err(SendError::Stopped)) {
            *schedule = Schedule { unanswered: false, ..before };
        }
        let outcome = self.heard(&answer, &mut wish, schedule, done);
        let changing = erasure_requests.lock(|| self.ambient.monotonic())?;
        // Taken back under way; what the receiver took in spite of that stays on record.
        let taken = matches!(outcome, Some(Outcome::Acknowledged { .. }));
        let there = match erasure_requests.read(scope.name(), batch).found_at(&path) {
            Ok(found) => found.flatten().is_some(),
            // It may have been taken back: it is not written again. The try that it counted stands.
            Err(error) if !taken => return Err(error).at("read a wish in", store),
            Err(_) => false,
        };
        if there || taken {
            if let Some(outcome) = outcome {
                wish.end(outcome);
            }
            erasure_requests.write(&changing, &wish).at("write a wish in", store)?;
        }
        Ok(if outcome.is_some() { Tried::Ended } else { Tried::Waits })
    }

    /// Does what an answer means to the wish and the next moment: how it ended, if it did.
    fn heard(
        &self,
        answer: &Result<Answer, SendError>,
        wish: &mut StoredRequest,
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
                wish.is.refusals = wish.is.refusals.saturating_add(1);
                done.note_trouble("the receiver refused a request for erasure");
                let wait = REFUSED.0.saturating_mul(1 << schedule.failures.min(8)).min(REFUSED.1);
                schedule.failures = schedule.failures.saturating_add(1).min(16);
                schedule.not_before = at + wait;
                if wish.is.refusals >= MOST_REFUSALS {
                    // The next one is asked for on its own account.
                    (schedule.failures, schedule.not_before) = (0, at + REFUSED.0);
                    return Some(Outcome::GivenUp { at, why: Why::Refused });
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

    /// Forgets the ids of records, and the wishes about them, that the recipient keeps no longer.
    pub(crate) fn forget_erased(&self) {
        let today: Day = self.ambient.now().day();
        let store = self.consent.ledger().store();
        let holds =
            |kind: &str| -> io::Result<bool> { Ok(self.consent.ledger().files().stat(&store.join(kind))?.is_some()) };
        if !holds("named").unwrap_or(true) && !holds("erasing").unwrap_or(true) {
            return;
        }
        let erasure_requests = self.consent.erasure_requests();
        // Another process is at it, or the disk takes nothing: the next time will do.
        let Ok(changing) = erasure_requests.lock(|| self.ambient.monotonic()) else { return };
        self.journal.names().expire(self.registry.scopes(), today);
        for scope in self.registry.scopes() {
            erasure_requests.expire(&changing, scope.name(), today, scope.retention_days());
        }
        // Those of a scope that this program does not declare go with the records that they name.
        let Look::Read(names) = self.consent.ledger().files().children(&store.join("erasing")) else { return };
        for name in names {
            if !self.registry.scopes().iter().any(|scope| scope.name() == name) {
                erasure_requests.expire(&changing, &name, today, SENT_LOG_DAYS);
            }
        }
    }
}
