//! Sending what may be sent now: what is owed is done first, then each open scope has its turn, then what is to be erased.
//! Does nothing where another process is at it.

use super::{erase, housekeeping::Upkeep};
use crate::{
    ambient::Day,
    engine::{Engine, Task},
    generalize::Generalized,
    journal::DropReason,
    mutants::{self, Mutant},
    send::{Flushed, Occasion, why_later},
};
use std::sync::atomic::Ordering;

const DAY: u64 = 86_400_000;

impl Engine {
    /// Moves what is in the rings to disk, after a look at consent; follows the change of day.
    ///
    /// Events get the day whose keys made their codes, so that a code never stands beside a day of another period.
    pub(crate) fn tick(&self) -> usize {
        self.look();
        self.move_on()
    }

    /// The same for whoever has just looked.
    fn move_on(&self) -> usize {
        let _alone = self.ticking.lock();
        let drained = self.journal.drain(self.today(), self.open_scopes());
        if drained > 0 {
            // What another process withdrew since the look above was written after it had destroyed the rest.
            self.look();
        }
        if self.today() == Day::NONE {
            // Where the clock closes a yes nothing is open, and it is to end when the clock is believed.
            self.recheck_clock();
            return drained;
        }
        let today = self.ambient.now().day();
        if self.day.swap(today.0, Ordering::SeqCst) != today.0 {
            self.prepare_again();
            self.journal.leave_past_days(today);
            self.journal.seal();
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

    /// Sends what may be sent now. Does nothing where another process is at it.
    pub(crate) fn send(&self, occasion: Occasion) -> Flushed {
        let mut done = Flushed::default();
        // Administrators' rules forbid sending as well as recording: nothing leaves before a look at them.
        if self.consent.is_known() && self.consent.look_at_policies() {
            self.tasks.request(Task::Settle);
        }
        let kept = self.follow();
        // What is done for long may be overtaken meanwhile.
        if kept.is_some() {
            self.tick()
        } else {
            self.move_on()
        };
        let kept = [kept, self.run_tasks()].contains(&Some(Upkeep::Full));
        if !self.is_sure_of_day() {
            // What waits would be too old by it, or be sent as of days that never were.
            done.note_trouble("this computer's clock leapt ahead: sending waits until it is seen whether it was right");
            return done;
        }
        let (places, erasing) = (self.consent.open_places(), self.erasing());
        if places.is_empty() && erasing.is_empty() {
            done.note_trouble(self.why_nothing());
            return done;
        }
        let _lead = match self.journal.lead() {
            Ok(Some(lead)) => lead,
            Ok(None) => {
                done.note_trouble("another process is sending, or keeps the store in order");
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
        let (mut turn, nothing_open) = (true, places.is_empty());
        for place in places {
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
                // A moment that can't be noted would come again at once.
                if let Err(error) = self.journal.outbox().save_schedule(place.scope, place.generation, &schedule) {
                    done.note_trouble(format!("the disk did not take the schedule: {error}"));
                    continue;
                }
            }
            // What leaves from now on is no part of what the person wanted deleted before.
            if let Err(error) = erase::finish_deleting(self, place.scope) {
                done.note_trouble(format!("what was sent of {} is to be deleted first: {error}", place.scope.name()));
                done.waiting += self.made_up(place);
                continue;
            }
            // Held while anything of the scope is read, written or sent: a withdrawal waits for it, and destroys after.
            let working = match self.consent.permit(place.scope, place.generation, place.epoch) {
                Ok(working) => working,
                Err(why) => {
                    done.note_trouble(why);
                    continue;
                }
            };
            let stands = || working.watch().stands();
            let mut unread = Vec::new();
            let built = self.build(place, &stands, &mut unread);
            done.waiting += built.as_ref().map_or(0, |(_, held_back)| *held_back);
            for why in unread {
                done.note_trouble(format!("what can't be read or written now is left for later: {why}"));
            }
            match built {
                Ok((batches, _)) => self.send_batches(place, batches, schedule, &stands, &mut done),
                Err(error) => {
                    done.waiting += self.made_up(place);
                    done.note_trouble(format!("nothing could be made ready: {error}"));
                }
            }
            drop(working);
            self.follow();
            if occasion == Occasion::Due {
                // Scopes don't leave back to back; the next one has its turn at the next occasion.
                turn = false;
                break;
            }
        }
        if turn && !self.send_erasures(occasion, &erasing, &mut done) && nothing_open {
            done.note_trouble(self.why_nothing());
        }
        if done.requests > 0
            && let Some(now) = self.trusted_now()
        {
            self.journal.sent().expire(self.registry.scopes(), now);
        }
        let places = self.consent.open_places();
        done.growing = self.growing(&places);
        // What was recorded and is not there to be sent.
        for why in places.iter().filter_map(|place| self.journal.trouble_of(place.scope.name(), true)) {
            done.note_trouble(why);
        }
        self.note_losses();
        done
    }
}
