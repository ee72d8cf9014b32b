//! Sending what may be sent now. Pending maintenance comes first, then each open scope, then the erasure requests. Does
//! nothing while another process is sending.

use super::{erase, housekeeping::Upkeep};
use crate::{
    ambient::Day,
    consent::Place,
    engine::{Engine, Task},
    generalize::Generalized,
    journal::DropReason,
    mutants::{self, Mutant},
    send::{Erasing, Flushed, Occasion, why_later},
};
use std::sync::atomic::Ordering;

const MINUTE: u64 = 60_000;
const DAY: u64 = 86_400_000;

impl Engine {
    /// Looks at consent, then moves events from the rings to disk and follows a change of day. Returns how many were
    /// moved.
    ///
    /// Events get the day whose keys made their codes, so that a code is never stored with a day of another period.
    pub(crate) fn tick(&self) -> usize {
        self.look();
        self.move_on()
    }

    /// The same for a caller that has just looked at consent.
    pub(crate) fn move_on(&self) -> usize {
        let _alone = self.ticking.lock();
        let drained = self.journal.drain(self.today(), self.open_scopes());
        if drained > 0 {
            // Another process may have withdrawn after the caller looked. Then these events were written after it had
            // destroyed the rest.
            self.look();
        }
        if self.today() == Day::NONE {
            // If the clock closes a grant, nothing is open. The grant has to be ended once the clock is trusted.
            self.recheck_clock();
            return drained;
        }
        let today = self.ambient.now().day();
        if self.day.swap(today.0, Ordering::SeqCst) != today.0 {
            self.prepare_again();
            self.journal.leave_past_periods(today);
            self.journal.seal();
            // Whatever it says, settling is requested.
            let _ = self.consent.look_at_policies();
            self.look();
            [Task::Settle, Task::Clear, Task::Housekeeping].into_iter().for_each(|what| self.tasks.request(what));
        } else {
            self.recheck_clock();
            if self.keys.are_unread() {
                self.prepare_again();
            }
        }
        drained
    }

    /// Writes one event to disk on the calling thread.
    pub(crate) fn keep_now(&self, event: Generalized) {
        if !mutants::on(Mutant::RecordsUnseen) {
            self.look();
        }
        self.journal.keep(&[event], self.today(), self.open_scopes());
        self.look();
    }

    /// Sends what may be sent now. Does nothing while another process is sending.
    pub(crate) fn send(&self, occasion: Occasion) -> Flushed {
        // 1. Bring everything up to date: rules, consent, the rings, and pending maintenance.
        let mut done = Flushed::default();
        // Administrators' rules forbid sending as well as recording, so they are read before anything is sent.
        if self.consent.is_known() && self.consent.look_at_policies() {
            self.tasks.request(Task::Settle);
        }
        let kept = self.follow();
        // If maintenance took a while, consent may have changed in the meantime.
        if kept.is_some() {
            self.tick()
        } else {
            self.move_on()
        };
        let kept = [kept, self.run_tasks()].contains(&Some(Upkeep::Full));
        if !self.is_sure_of_day() {
            // By a wrong day, pending data would count as too old, or would be sent under days that never were.
            done.note_trouble(
                "this computer's clock jumped ahead: nothing is sent until candor knows whether the \
                               clock is right",
            );
            return done;
        }
        // 2. Find out what there is to send, and make sure that no other process is sending.
        let (places, erasing) = (self.consent.open_places(), self.erasing());
        if places.is_empty() && erasing.is_empty() {
            done.note_trouble(self.why_nothing());
            return done;
        }
        let _lead = match self.journal.lead() {
            Ok(Some(lead)) => lead,
            Ok(None) => {
                done.note_trouble("another process is sending, or does maintenance on the store");
                return done;
            }
            Err(error) => {
                done.note_trouble(format!("the store can't be written: {error}"));
                return done;
            }
        };
        if !kept {
            self.do_housekeeping(true);
        }
        // 3. Send for each open scope that is due.
        let (mut turn, nothing_open) = (true, places.is_empty());
        let mut places = places.into_iter();
        while let Some(place) = places.next() {
            let now = self.ambient.now();
            let mut schedule = self.schedule(place, now);
            let due = occasion == Occasion::Flush || now.0 >= schedule.next || schedule.failures > 0;
            if let Some(why) = self.why_gone(&schedule) {
                done.note_trouble(why);
                self.journal.discard_all(place, DropReason::Gone);
                continue;
            }
            if !due || now.0 < schedule.not_before {
                if now.0 < schedule.not_before {
                    done.note_trouble(why_later(&schedule));
                }
                done.waiting += self.made_up(place);
                continue;
            }
            if occasion == Occasion::Due && now.0 >= schedule.next {
                schedule.next = now.day().next().start().0 + self.below(DAY);
                // If the next moment can't be written, this one would be due again immediately.
                if let Err(error) = self.journal.outbox().save_schedule(place.scope, place.generation, &schedule) {
                    done.note_trouble(format!("the schedule could not be written: {error}"));
                    continue;
                }
            }
            // What is sent from now on is not part of what the person asked to delete before.
            if let Err(error) = erase::finish_deleting(self, place.scope) {
                done.note_trouble(format!("what was sent of {} is to be deleted first: {error}", place.scope.name()));
                done.waiting += self.made_up(place);
                continue;
            }
            // Held while anything of the scope is read, written or sent. A withdrawal waits for it, and destroys
            // afterwards.
            let working = match self.consent.permit(place.scope, place.generation, place.epoch) {
                Ok(working) => working,
                Err(why) => {
                    done.note_trouble(why);
                    continue;
                }
            };
            let is_authorized = || working.watch().is_authorized();
            let mut unread = Vec::new();
            let built = self.build(place, &is_authorized, &mut unread);
            done.waiting += built.as_ref().map_or(0, |(_, held_back)| *held_back);
            for why in unread {
                done.note_trouble(format!("what can't be read or written now is left for later: {why}"));
            }
            match built {
                Ok((batches, _)) => self.send_batches(place, batches, schedule, &is_authorized, &mut done),
                Err(error) => {
                    done.waiting += self.made_up(place);
                    done.note_trouble(format!("nothing could be made ready: {error}"));
                }
            }
            drop(working);
            self.follow();
            if occasion == Occasion::Due {
                // Scopes are not sent one right after the other: the next one is sent on the next occasion.
                turn = false;
                self.put_off(places);
                break;
            }
        }
        // 4. Send the erasure requests, then complete the report.
        if turn {
            match self.send_erasures(&erasing, &mut done) {
                Erasing::Waits(until) if nothing_open => {
                    let until = until.rfc3339();
                    done.note_trouble(format!("nothing is due: no request for erasure is sent before {until}"));
                }
                Erasing::Nothing if nothing_open => done.note_trouble(self.why_nothing()),
                _ => {}
            }
        }
        if done.requests > 0
            && let Some(now) = self.trusted_now()
        {
            self.journal.sent().expire(self.registry.scopes(), now);
        }
        let places = self.consent.open_places();
        done.growing = self.growing(&places);
        // Reports data that was recorded but is not there to be sent.
        for why in places.iter().filter_map(|place| self.journal.trouble_of(place.scope.name(), true)) {
            done.note_trouble(why);
        }
        self.note_losses();
        done
    }

    /// Puts off the scopes that are due as well by a minute, on disk. A program that runs for seconds may run again at once,
    /// and another process may be about to send: neither sends two scopes one right after the other. The caller holds the
    /// sender's lock.
    fn put_off(&self, others: impl Iterator<Item = Place>) {
        // A scope that was closed in the meantime has no directory any more, and none is made for it.
        let open = self.consent.open_places();
        for place in others.filter(|other| open.iter().any(|it| it.scope == other.scope && it.epoch == other.epoch)) {
            let now = self.ambient.now();
            let mut schedule = self.schedule(place, now);
            if !schedule.is_due(now) || schedule.unread.is_some() {
                continue;
            }
            if schedule.failures > 0 {
                schedule.not_before = now.0 + MINUTE;
            } else {
                schedule.next = now.0 + MINUTE;
            }
            // If it can't be written, the scope is due at once, as it was.
            let _ = self.journal.outbox().save_schedule(place.scope, place.generation, &schedule);
        }
    }
}
