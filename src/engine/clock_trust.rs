//! Whether the clock is trusted: one wrong reading must not erase what a person keeps. Decides only that, and changes
//! no data.

use crate::ambient::Time;
use std::time::{Duration, Instant};

const MINUTE: u64 = 60_000;
const DAY: u64 = 86_400_000;
/// How far the clock may run ahead of the time that passed, in milliseconds.
const AHEAD: u64 = 3 * DAY;
/// How long a clock that leapt must keep running from there before it is trusted.
pub(crate) const SUSPECT_FOR: Duration = Duration::from_millis(10 * MINUTE);

/// Compares two clocks: the one that gives the date and may be wrong, and the monotonic one that only measures.
#[derive(Debug, Default)]
pub(crate) struct ClockTrust {
    last: Option<(Time, Instant)>,
    /// What the clock showed after it leapt.
    leapt: Option<(Time, Instant)>,
    /// Housekeeping was skipped while the clock was suspect.
    deferred: bool,
}

impl ClockTrust {
    /// Whether something was skipped while the clock was suspect. Resets the note: the caller must do what was skipped.
    pub(crate) fn take_deferred(&mut self) -> bool {
        std::mem::take(&mut self.deferred)
    }

    /// Whether the clock is trusted. It is not while it has just leapt ahead of the time that passed: one wrong reading
    /// must not erase what a person keeps. After a computer slept for days, its clock is trusted once it kept running
    /// for [`SUSPECT_FOR`]. A program that starts trusts the clock that it finds.
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

    /// Whether the clock leapt and is not known to be right yet, or something that was skipped is still to be done.
    pub(super) fn is_suspect(&self) -> bool {
        self.leapt.is_some() || self.deferred
    }

    /// Whether no reading was compared yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.last.is_none()
    }

    /// Whether something was skipped.
    pub(crate) fn has_deferred(&self) -> bool {
        self.deferred
    }

    /// Whether it is time to check a clock that leapt again, or to do what was skipped in the meantime.
    pub(super) fn is_due(&self, instant: Instant) -> bool {
        self.deferred && self.leapt.is_none_or(|(_, since)| instant.saturating_duration_since(since) >= SUSPECT_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::{Clock, SystemClock};

    /// Checks whether the clock is trusted at each look, given as: the days it is ahead, the minutes since the first
    /// look, and the expected result.
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
    fn a_leap_is_trusted_when_it_lasts() {
        looks(&[(0, 0, true), (3, 1, true), (6, 2, true)]);
        // Days that pass while the program runs are not a leap. The clock shows the days on top of the minutes.
        looks(&[(0, 0, true), (0, 5 * 24 * 60, true)]);
        looks(&[(0, 0, true), (50, 1, false), (50, 2, false), (50, 10, false), (50, 11, true), (50, 12, true)]);
    }

    #[test]
    fn a_wrong_minute_is_never_trusted_however_often_it_is_seen() {
        looks(&[(0, 0, true), (50, 1, false), (50, 1, false), (50, 1, false), (0, 2, true), (50, 20, false)]);
        // A clock that leaps from one wrong time to another, ahead or back, is not trusted either.
        looks(&[(0, 0, true), (50, 1, false), (90, 12, false), (50, 13, false), (50, 22, false), (50, 23, true)]);
    }

    #[test]
    fn a_clock_that_goes_back_is_trusted_as_before() {
        looks(&[(50, 0, true), (0, 1, true), (3, 2, true)]);
    }
}
