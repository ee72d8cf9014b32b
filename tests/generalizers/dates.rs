//! Dates compared with another calendar, in all four units, before 1970 and far beyond any clock.

use crate::{
    checker::Subject,
    lab::{self, partition},
    numbers::random,
};
use candor::{
    Precision,
    event::class::{Class, Date, INVALID},
};
use jiff::{
    ToSpan as _,
    civil::{Date as Civil, date},
};
use proptest::{prelude::any, test_runner::TestCaseError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The first day of the unit that contains a day.
fn start(unit: &str, day: Civil) -> Civil {
    match unit {
        "day" => day,
        "week" => {
            let week = day.iso_week_date();
            jiff::civil::ISOWeekDate::new(week.year(), week.week(), jiff::civil::Weekday::Monday).unwrap().date()
        }
        "month" => day.first_of_month(),
        "quarter" => date(day.year(), (day.month() - 1) / 3 * 3 + 1, 1),
        _ => panic!("{unit}"),
    }
}

/// The first days of `count` units, from the unit that contains a day.
fn starts(unit: &str, from: Civil, count: usize) -> Vec<Civil> {
    let mut starts = vec![start(unit, from)];
    let mut day = from;
    while starts.len() < count {
        day = day.checked_add(1.day()).unwrap();
        if start(unit, day) != *starts.last().unwrap() {
            starts.push(day);
        }
    }
    starts
}

/// The UTC day of a time. `None` before 2000. Beyond the calendar it is the calendar's last day.
fn day_of(time: SystemTime) -> Option<Civil> {
    let seconds = i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
    let day = match jiff::Timestamp::from_second(seconds) {
        Ok(time) => time.to_zoned(jiff::tz::TimeZone::UTC).date(),
        Err(_) => Civil::MAX,
    };
    (day >= date(2000, 1, 1)).then_some(day)
}

fn midnight(day: Civil) -> SystemTime {
    let seconds = day.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second();
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap())
}

fn try_with(unit: &'static str, precision: Precision, from: Civil, count: usize) {
    let starts = starts(unit, from, count);
    assert_eq!(precision.outcomes() as usize, count + 1, "and one for what was before");
    let slow = |time: &SystemTime| match day_of(*time) {
        None => INVALID,
        Some(day) => 1 + u16::try_from(starts.iter().filter(|start| **start <= day).count()).unwrap(),
    };
    let sent = |outcome: u16| {
        let day = precision.lower_cut(outcome)?;
        Some(UNIX_EPOCH + Duration::from_secs(u64::try_from(day).ok()? * 86_400))
    };
    let rank = |time: &SystemTime| Some(i128::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_nanos()).unwrap());
    let class = format!("date = {unit}");
    let subject = Subject {
        class: &class,
        outcomes: precision.outcomes(),
        outcome: &|time| <Date as Class<SystemTime>>::outcome(&precision, time),
        slow: &slow,
        sent: &sent,
        rank: Some(&rank),
    };
    let (second, nano) = (Duration::from_secs(1), Duration::from_nanos(1));
    let mut points = vec![UNIX_EPOCH - nano, UNIX_EPOCH, UNIX_EPOCH + nano, UNIX_EPOCH - second];
    let around =
        |time: SystemTime| [time - second, time - nano, time, time + nano, time + second, time + second * 86_399];
    for start in &starts {
        points.extend(around(midnight(*start)));
    }
    for day in [date(2000, 1, 1), date(2000, 2, 29), date(2038, 1, 19), date(2106, 2, 7), date(9999, 12, 30)] {
        points.extend(around(midnight(day)));
    }
    // As far as a `SystemTime` goes, in both directions.
    let mut ends = vec![UNIX_EPOCH.checked_sub(Duration::from_secs(u64::from(u32::MAX)))];
    for power in 32..64 {
        let by = Duration::from_secs(1 << power);
        ends.extend([UNIX_EPOCH.checked_add(by), UNIX_EPOCH.checked_sub(by)]);
    }
    ends.push(UNIX_EPOCH.checked_add(Duration::from_secs(i64::MAX as u64)));
    points.extend(ends.into_iter().flatten());
    subject.check(&points);
    // Any day of five centuries, and any time at all.
    random(&(0..16_000_000_000u64, any::<u64>(), 0..64u32), |(near, far, by)| {
        let far = UNIX_EPOCH.checked_add(Duration::from_secs(far >> by)).unwrap_or(UNIX_EPOCH);
        match subject.faults(&[UNIX_EPOCH + Duration::from_secs(near), far]).into_iter().next() {
            Some(fault) => Err(TestCaseError::fail(format!("not `{}`: {}", fault.property, fault.shown_by))),
            None => Ok(()),
        }
    });
    const { assert!(<Date as Class<SystemTime>>::OPTIONAL) };
    assert_eq!(<Date as Class<Option<SystemTime>>>::outcome(&precision, &None), 0);
    // What is sent is the date's text.
    for (at, start) in starts.iter().enumerate() {
        let words = precision.words(u16::try_from(at + 2).unwrap());
        assert!(words.starts_with(&start.to_string()), "{start}: {words}");
    }
    subject.count();
}

#[test]
fn days() {
    try_with("day", partition::<lab::Days>("day"), date(2027, 11, 29), 500);
}

#[test]
fn weeks() {
    try_with("week", partition::<lab::Weeks>("week"), date(2026, 1, 1), 200);
}

#[test]
fn months() {
    try_with("month", partition::<lab::Months>("month"), date(2026, 1, 1), 38);
}

#[test]
fn quarters() {
    try_with("quarter", partition::<lab::Months>("quarter"), date(2099, 11, 1), 20);
}
