//! Periods: the UTC days, weeks and months by which roll-ups are closed and once-events are counted. Never reads a clock and knows
//! no time zone.

use crate::{
    ambient::Day,
    precision::{self, DateUnit},
};

/// The period of a roll-up or of a once-event. Periods are in UTC, so that they begin at the same moment everywhere.
///
/// `Serialize` gives the [`name`](Period::name).
///
/// ```
/// use candor::event::Period;
///
/// assert!(Period::Day < Period::Week && Period::Week < Period::Month);
/// assert_eq!(Period::Week.name(), "week");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Period {
    /// A UTC day.
    Day,
    /// A week from Monday to Sunday (ISO 8601).
    Week,
    /// A month.
    Month,
}

/// The value of a field of the class [`tenure`](super::class::Tenure): how long ago the person consented. candor fills it in.
///
/// With it, records of one week say how many of those who consented thirteen weeks ago still use the program:
///
/// ```
/// use candor::{Event, event::Tenure};
/// # candor::scope! {
/// #     /// Find out how many people stay, so that a release that drives them away is noticed.
/// #     pub USE = "use" { title: "Use", revision: 1, about: installation, retention: 90 days,
/// #         benefit: "Releases that work", other_uses: none }
/// # }
/// /// The program was used in this week.
/// #[derive(Event)]
/// #[event(name = "program.used", scope = USE, once = week, values = first)]
/// struct ProgramUsed {
///     /// How many weeks ago you agreed to these reports.
///     #[field(tenure)]
///     since: Tenure,
/// }
///
/// candor::record(ProgramUsed { since: Tenure });
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it has no content, and programs write it")]
pub struct Tenure;

impl Period {
    /// Every period, the shortest first.
    pub(crate) const ALL: [Period; 3] = [Period::Day, Period::Week, Period::Month];

    /// The word used in `#[event(once = …)]`, `#[event(every = …)]` and in contracts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Period::Day => "day",
            Period::Week => "week",
            Period::Month => "month",
        }
    }

    const fn unit(self) -> DateUnit {
        match self {
            Period::Day => DateUnit::Day,
            Period::Week => DateUnit::Week,
            Period::Month => DateUnit::Month,
        }
    }

    /// The first day of the period that contains `day`.
    pub(crate) fn start(self, day: Day) -> Day {
        Day(u32::try_from(precision::start(self.unit(), i64::from(day.0))).unwrap_or(0))
    }

    /// The first day of the period after the one that contains `day`. So the period is over on that day.
    pub(crate) fn end(self, day: Day) -> Day {
        Day(u32::try_from(precision::next(self.unit(), i64::from(day.0))).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_and_end_on_the_days_of_the_calendar() {
        let of = |period: Period, day: &str| {
            let day = Day::parse(day).unwrap();
            (period.start(day).to_string(), period.end(day).to_string())
        };
        let own = |start: &str, end: &str| (start.to_owned(), end.to_owned());
        assert_eq!(of(Period::Day, "2026-11-30"), own("2026-11-30", "2026-12-01"));
        // 2026-11-30 is a Monday.
        assert_eq!(of(Period::Week, "2026-11-29"), own("2026-11-23", "2026-11-30"));
        assert_eq!(of(Period::Week, "2026-11-30"), own("2026-11-30", "2026-12-07"));
        assert_eq!(of(Period::Month, "2024-02-29"), own("2024-02-01", "2024-03-01"));
        assert_eq!(of(Period::Month, "2026-12-31"), own("2026-12-01", "2027-01-01"));
    }

    #[test]
    fn the_first_and_the_last_day_have_periods() {
        for period in Period::ALL {
            assert_eq!(period.start(Day(0)).0, 0);
            assert!(period.end(Day::NONE) >= period.start(Day::NONE));
        }
    }
}
