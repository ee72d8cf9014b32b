//! Whether the clock is believed: one wrong minute must not erase what a person keeps.

use super::{Engine, Task};
use crate::ambient::Time;
use std::time::{Duration, Instant};

const MINUTE: u64 = 60_000;
const DAY: u64 = 86_400_000;
/// How far the clock may run ahead of the time that passed, in milliseconds.
const AHEAD: u64 = 3 * DAY;
/// How long a clock that leapt must go on from there before it is believed.
pub(crate) const SUSPECT_FOR: Duration = Duration::from_millis(10 * MINUTE);

/// Two clocks side by side: the one that says the day and may be wrong, and the one that only measures.
#[derive(Debug, Default)]
pub(crate) struct ClockTrust {
    last: Option<(Time, Instant)>,
    /// Where the clock stood after it leapt.
    leapt: Option<(Time, Instant)>,
    /// The house was not kept while the clock was in doubt.
    deferred: bool,
}

impl ClockTrust {
    /// Whether something was left undone while the clock was in doubt; whoever asks does it.
    pub(crate) fn take_deferred(&mut self) -> bool {
        std::mem::take(&mut self.deferred)
    }

    /// Whether the clock is believed. Not while it has just leapt ahead of the time that passed: one wrong minute must not
    /// erase what a person keeps. A computer that slept for days is believed a while later; a program that starts believes the
    /// clock that it finds.
    pub(super) fn holds(&mut self, now: Time, instant: Instant) -> bool {
        let follows = |(then, since): (Time, Instant)| {
            let passed = u64::try_from(instant.saturating_duration_since(since).as_millis()).unwrap_or(u64::MAX);
            now.0.saturating_sub(then.0) <= passed.saturating_add(AHEAD)
        };
        if self.last.is_none_or(follows) {
            (self.last, self.leapt) = (Some((now, instant)), None);
            return true;
        }
        match self.leapt.filter(|&(then, since)| now >= then && follows((then, since))) {
            Some((_, since)) if instant.saturating_duration_since(since) >= SUSPECT_FOR => {
                (self.last, self.leapt) = (Some((now, instant)), None);
                true
            }
            Some(_) => false,
            None => {
                (self.leapt, self.deferred) = (Some((now, instant)), true);
                false
            }
        }
    }

    /// Whether it is time to look again at a clock that leapt, or what was left undone meanwhile is due.
    fn is_due(&self, instant: Instant) -> bool {
        self.deferred && self.leapt.is_none_or(|(_, since)| instant.saturating_duration_since(since) >= SUSPECT_FOR)
    }
}

impl Engine {
    /// Whether the clock leapt, and it is yet to be seen whether it was right, or what was left undone meanwhile is yet to be done.
    pub(crate) fn suspects_clock(&self) -> bool {
        let clock_trust = self.clock_trust.lock();
        clock_trust.leapt.is_some() || clock_trust.deferred
    }

    /// Looks again at a clock that leapt a while ago: where nothing is sent nobody else does before the next day, and a
    /// computer may be asleep by then, each time.
    pub(crate) fn recheck_clock(&self) {
        let deferred = self.clock_trust.lock().deferred;
        if deferred {
            let instant = self.ambient.monotonic();
            let due = self.clock_trust.lock().is_due(instant);
            if due {
                self.tasks.request(Task::Housekeeping);
            }
        }
    }

    /// The time, unless the clock is in doubt.
    pub(crate) fn trusted_now(&self) -> Option<Time> {
        let (mut now, instant) = (self.ambient.now(), self.ambient.monotonic());
        // The first reading is compared with nothing: one that is ahead alone is not taken for the time.
        if self.clock_trust.lock().last.is_none() {
            now = now.min(self.ambient.now());
        }
        self.clock_trust.lock().holds(now, instant).then_some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::{Clock, SystemClock};

    /// Whether the clock is believed at each look: its day, and the minutes that passed since the first look.
    #[track_caller]
    fn looks(looks: &[(u64, u64, bool)]) {
        let (mut clock_trust, began) = (ClockTrust::default(), SystemClock.monotonic());
        for (at, &(day, minutes, trusted_now)) in looks.iter().enumerate() {
            let instant = began + Duration::from_millis(minutes * MINUTE);
            let now = Time(1_000_000 * DAY + day * DAY + minutes * MINUTE);
            assert_eq!(clock_trust.holds(now, instant), trusted_now, "look {at}");
        }
    }

    #[test]
    fn a_leap_is_believed_when_it_lasts() {
        looks(&[(0, 0, true), (3, 1, true), (6, 2, true)]);
        // Days that pass while the program runs are none; the day is counted on top of the minutes.
        looks(&[(0, 0, true), (0, 5 * 24 * 60, true)]);
        looks(&[(0, 0, true), (50, 1, false), (50, 2, false), (50, 10, false), (50, 11, true), (50, 12, true)]);
    }

    #[test]
    fn a_wrong_minute_is_never_believed_however_often_it_is_seen() {
        looks(&[(0, 0, true), (50, 1, false), (50, 1, false), (50, 1, false), (0, 2, true), (50, 20, false)]);
        // One that leaps from wrong to wrong is not believed either, ahead or back.
        looks(&[(0, 0, true), (50, 1, false), (90, 12, false), (50, 13, false), (50, 22, false), (50, 23, true)]);
    }

    #[test]
    fn a_clock_that_goes_back_is_believed_as_before() {
        looks(&[(50, 0, true), (0, 1, true), (3, 2, true)]);
    }
}
