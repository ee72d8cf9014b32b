//! The Gregorian calendar in integers, so that ladders of dates can be made at compile time. Never reads a clock and
//! knows no time zone.

/// 2000-01-01, in days from 1970-01-01. An earlier date can only come from a wrong clock.
pub(crate) const EARLIEST: i64 = 10_957;

/// How coarse a date becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DateUnit {
    /// A UTC day.
    Day,
    /// A week from Monday to Sunday (ISO 8601).
    Week,
    /// A month.
    Month,
    /// A quarter of a year, starting in January, April, July or October.
    Quarter,
}

/// The day number of a date of the proleptic Gregorian calendar, counted from 1970-01-01.
///
/// The calculation counts years from March, so that the leap day is the last day of a year. Then the first day of a
/// month is a linear function.
#[must_use]
pub const fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, in_era) = (year.div_euclid(400), year.rem_euclid(400));
    let in_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719_468
}

/// Year, month and day of a day number.
pub(crate) const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, in_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

/// The first day of the unit that contains `day`.
pub(crate) const fn start(unit: DateUnit, day: i64) -> i64 {
    let (year, month, _) = civil(day);
    match unit {
        DateUnit::Day => day,
        // 1970-01-01 was a Thursday.
        DateUnit::Week => day - (day + 3).rem_euclid(7),
        DateUnit::Month => day_number(year, month, 1),
        DateUnit::Quarter => day_number(year, (month - 1) / 3 * 3 + 1, 1),
    }
}

/// The first day of the unit that follows the one with `day`.
pub(crate) const fn next(unit: DateUnit, day: i64) -> i64 {
    let longest = match unit {
        DateUnit::Day => 1,
        DateUnit::Week => 7,
        DateUnit::Month => 31,
        DateUnit::Quarter => 92,
    };
    start(unit, start(unit, day) + longest)
}

/// A day as `2026-11-22`.
pub(crate) fn text(day: i64) -> String {
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::Day;

    #[test]
    fn every_day_of_three_centuries_agrees_with_another_calendar() {
        for number in (4..110_000u32).step_by(crate::tests::every()) {
            let (day, there) = (i64::from(number), Day(number));
            assert_eq!(text(day), there.to_string());
            let (year, month, of_month) = civil(day);
            assert_eq!(day_number(year, month, of_month), day);
            assert_eq!(Day(start(DateUnit::Week, day) as u32).week(), there.week());
            assert_eq!(year * 12 + month - 1, i64::from(there.month()));
            assert!(start(DateUnit::Month, day) == day - of_month + 1);
            for unit in [DateUnit::Day, DateUnit::Week, DateUnit::Month, DateUnit::Quarter] {
                assert!(start(unit, day) <= day && next(unit, day) > day);
                assert_eq!(start(unit, next(unit, day)), next(unit, day));
                assert_eq!(start(unit, next(unit, day) - 1), start(unit, day));
            }
        }
    }
}
