//! Checks the properties that every class has, for any function that claims to be a class.
//!
//! It returns the faults that it finds instead of failing, so that a class that is wrong on purpose can be tried.

use crate::tally;
use candor::event::class::INVALID;
use std::{
    fmt::Debug,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Never panics.
pub(crate) const TOTAL: &str = "total";
/// Returns the same outcome for the same value.
pub(crate) const DETERMINISTIC: &str = "deterministic";
/// Returns a valid outcome, or that the value is not sent.
pub(crate) const IN_RANGE: &str = "in range";
/// Returns unreadable for what the rules call unreadable, and for nothing else.
pub(crate) const READABLE: &str = "unreadable only by rule";
/// Returns what the slow implementation returns.
pub(crate) const AGREES: &str = "agrees";
/// What is sent has the same outcome when it is classified again.
pub(crate) const IDEMPOTENT: &str = "idempotent";
/// What is sent is not above the value, except in the lowest bucket.
pub(crate) const FLOORS: &str = "floors";
/// A larger value does not have a smaller outcome.
pub(crate) const MONOTONE: &str = "monotone";

/// A value's rank in an order.
pub(crate) type Rank<'s, T> = &'s dyn Fn(&T) -> Option<i128>;

/// A function that claims to be a class, for one type that it takes.
pub(crate) struct Subject<'s, T> {
    pub(crate) class: &'s str,
    /// How many outcomes a known value can have.
    pub(crate) outcomes: u64,
    /// The function under test.
    pub(crate) outcome: &'s dyn Fn(&T) -> u16,
    /// The outcome by the rules.
    pub(crate) slow: &'s dyn Fn(&T) -> u16,
    /// The value that is sent for an outcome, where the type can represent it.
    pub(crate) sent: &'s dyn Fn(u16) -> Option<T>,
    /// The rank of a value, where values have an order. Values of the same rank are not compared.
    pub(crate) rank: Option<Rank<'s, T>>,
}

/// A property that does not hold, and the case that shows it.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) property: &'static str,
    pub(crate) shown_by: String,
}

impl<T: Debug> Subject<'_, T> {
    /// Panics with the first fault.
    #[track_caller]
    pub(crate) fn check(&self, values: &[T]) {
        if let Some(Fault { property, shown_by }) = self.faults(values).into_iter().next() {
            panic!("{} is not `{property}`: {shown_by}", self.class);
        }
    }

    /// Adds the properties that [`Subject::check`] tests to the tally.
    pub(crate) fn count(&self) {
        for property in [TOTAL, DETERMINISTIC, IN_RANGE, READABLE, AGREES, IDEMPOTENT] {
            tally::property(self.class, property);
        }
        if self.rank.is_some() {
            tally::property(self.class, FLOORS);
            tally::property(self.class, MONOTONE);
        }
    }

    /// All faults.
    pub(crate) fn faults(&self, values: &[T]) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut ranked: Vec<(i128, u16, &T)> = Vec::new();
        for value in values {
            let mut wrong = |property, shown_by: String| faults.push(Fault { property, shown_by });
            let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| (self.outcome)(value))) else {
                wrong(TOTAL, format!("{value:?} panics"));
                continue;
            };
            let again = (self.outcome)(value);
            if again != outcome {
                wrong(DETERMINISTIC, format!("{value:?} is {outcome}, and then {again}"));
            }
            let slow = (self.slow)(value);
            if (outcome == INVALID) != (slow == INVALID) {
                wrong(READABLE, format!("{value:?} is {outcome}, by the rules {slow}"));
            } else if outcome != slow {
                wrong(AGREES, format!("{value:?} is {outcome}, by the rules {slow}"));
            }
            if outcome == INVALID {
                continue;
            }
            if u64::from(outcome) > self.outcomes {
                wrong(IN_RANGE, format!("{value:?} is {outcome} of {}", self.outcomes));
            }
            let rank = self.rank.and_then(|rank| rank(value));
            if let Some(rank) = rank {
                ranked.push((rank, outcome, value));
            }
            if let Some(sent) = (self.sent)(outcome) {
                let again = (self.outcome)(&sent);
                if again != outcome {
                    wrong(IDEMPOTENT, format!("{value:?} is {outcome}, sent as {sent:?}, and that is {again}"));
                }
                if let (Some(rank), Some(low)) = (rank, self.rank.and_then(|rank| rank(&sent)))
                    && low > rank
                    && outcome > 1
                {
                    wrong(FLOORS, format!("{value:?} is sent as {sent:?}, which is more"));
                }
            }
        }
        ranked.sort_by_key(|(rank, ..)| *rank);
        // Compares each value with the highest outcome of all that rank below it.
        let mut below: Option<(u16, &T)> = None;
        let mut here: Option<(i128, u16, &T)> = None;
        for (rank, outcome, value) in ranked {
            if let Some((place, highest, of)) = here {
                if place < rank {
                    below = Some(below.filter(|(most, _)| *most >= highest).unwrap_or((highest, of)));
                    here = Some((rank, outcome, value));
                } else if outcome > highest {
                    here = Some((rank, outcome, value));
                }
            } else {
                here = Some((rank, outcome, value));
            }
            if let Some((most, of)) = below
                && outcome < most
            {
                faults.push(Fault {
                    property: MONOTONE,
                    shown_by: format!("{value:?} is {outcome}, and {of:?}, which is less, is {most}"),
                });
            }
        }
        faults
    }
}
