//! The period that a file of counts belongs to, as the file's name says it. Knows no file's content.
//!
//! A day's file is named by the day, such as `2026-11-30-….jsonl`. The file of a week or month is named by its first day and the
//! word: `2026-11-30.week-….jsonl`.

use crate::{ambient::Day, event::Period};
use std::fmt;

/// One period, by its first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) start: Day,
    pub(super) period: Period,
}

impl Span {
    /// The period that contains `day`.
    pub(super) fn of(period: Period, day: Day) -> Span {
        Span { start: period.start(day), period }
    }

    /// The period after this one.
    pub(super) fn next(self) -> Span {
        Span { start: self.end(), ..self }
    }

    /// The first day after it.
    pub(super) fn end(self) -> Day {
        self.period.end(self.start)
    }

    /// Its last day.
    pub(super) fn last(self) -> Day {
        Day(self.end().0.saturating_sub(1))
    }

    pub(super) fn is_over(self, today: Day) -> bool {
        self.end() <= today
    }

    /// The period at the beginning of a file's name, and the rest of the name. `None` if there is none, or if no period begins
    /// on that day.
    pub(super) fn split(name: &str) -> Option<(Span, &str)> {
        let (day, rest) = name.split_at_checked(10)?;
        let start = Day::parse(day)?;
        let named = Period::ALL.into_iter().find_map(|period| {
            let rest = rest.strip_prefix('.')?.strip_prefix(period.name())?;
            // A day's period is not named.
            (period != Period::Day).then_some((period, rest))
        });
        let (period, rest) = named.unwrap_or((Period::Day, rest));
        (period.start(start) == start).then_some((Span { start, period }, rest))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.period {
            Period::Day => write!(f, "{}", self.start),
            period => write!(f, "{}.{}", self.start, period.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_the_period_that_it_was_made_from() {
        let day = Day::parse("2026-11-30").unwrap();
        for (period, name) in
            [(Period::Day, "2026-11-30"), (Period::Week, "2026-11-30.week"), (Period::Month, "2026-11-01.month")]
        {
            let span = Span::of(period, day);
            assert_eq!(span.to_string(), name);
            assert_eq!(Span::split(&format!("{name}-00ff.jsonl")), Some((span, "-00ff.jsonl")));
            assert_eq!(Span::split(&format!("{name}.closed")), Some((span, ".closed")));
            assert!(!span.is_over(span.last()) && span.is_over(span.next().start));
        }
    }

    #[test]
    fn a_name_of_no_period_is_not_read() {
        for name in
            ["", "2026-11-3", "2026-11-31", "x026-11-30", "2026-11-29.week", "2026-11-30.month-0.jsonl", "2026-11-3é"]
        {
            assert_eq!(Span::split(name), None, "{name}");
        }
        // Only weeks and months are named.
        assert_eq!(Span::split("2026-11-30.day").map(|(span, rest)| (span.period, rest)), Some((Period::Day, ".day")));
    }
}
