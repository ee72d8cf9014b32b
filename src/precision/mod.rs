//! Precision: how coarse a value becomes before it may be kept.
//!
//! A precision partitions all values of one kind into a fixed, numbered list of outcomes. Numbers are partitioned by
//! cut points, so it can be decided whether one precision is coarser than another: its cuts are a subset of the
//! other's. This module holds the partitions and the words for them. It sees a person's value only during one call,
//! keeps nothing, and knows nothing of events, consent or files.

mod calendar;
mod ladders;
mod release;
mod unit;

pub use calendar::{DateUnit, day_number};
pub use ladders::{dates, digits, digits_len, log_buckets, log_buckets_len, steps, versions};
pub use unit::Unit;

pub(crate) use calendar::{EARLIEST, next, start};
pub(crate) use ladders::{
    AGE, BITRATE, BYTE_SIZE, COUNT, DURATION, HOUR_BAND, IDENTIFIER, LATENCY, LOCALE, MEDIA_DURATION, NETWORK_ADDRESS,
    RATIO, RESOLUTION, ROLLUP_COUNT, TENURE, TEXT_SHAPE,
};
pub(crate) use release::outcome as outcome_of_release;
pub use release::{MOST_RELEASES, is_release, order};

use crate::language::{Locale, Say};

/// A partition of the values of one field into numbered outcomes.
///
/// Outcome 0 of a field always means "not known, not sent". The outcomes from 1 upward are the parts listed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Precision {
    /// Two outcomes: no and yes.
    Flag,
    /// A closed list of labels, which are sent unchanged.
    Labels(&'static [&'static str]),
    /// Half-open buckets `[cut, next cut)`. The last one has no upper bound. What is sent is the lower cut of the
    /// bucket. A value below the first cut belongs to the first bucket.
    Cuts {
        /// The unit of the cuts.
        unit: Unit,
        /// Strictly rising lower bounds. The first one is usually 0.
        cuts: &'static [i64],
    },
    /// A keyed hash of this many bits. The number of its outcomes has no bound, so it is not part of the event's
    /// budget. It requires a linkage of a period or a session.
    Code {
        /// Length of the code in bits: a multiple of 8, at most 128.
        bits: u32,
    },
    /// One of 2^bits groups, selected by a keyed hash. The same value is in the same group for a period, so this
    /// requires a linkage of a period or a session.
    Cohort {
        /// How many bits of the hash select the group, at most 8.
        bits: u32,
    },
    /// One of the program's own releases, oldest first. What is older than the first one is `older`. What is not listed
    /// is `other`. What is sent is the listed text.
    ///
    /// The person agrees to a report of one of the last eight releases, whichever these are. So a build with a newer list
    /// asks for nothing more.
    Releases(&'static [&'static str]),
}

impl Precision {
    /// How many outcomes a known value can have. For a [`Code`](Precision::Code), which has no such number, this
    /// returns 1, so that it does not change the product that the budget limits.
    #[must_use]
    pub const fn outcomes(&self) -> u64 {
        match self {
            Precision::Flag => 2,
            Precision::Labels(labels) => labels.len() as u64,
            Precision::Cuts { cuts, .. } => cuts.len() as u64,
            Precision::Code { .. } => 1,
            Precision::Cohort { bits } => 1 << *bits,
            Precision::Releases(list) => release::outcomes(list),
        }
    }

    /// The outcome (from 1) of a number. Returns 0 if this precision does not take numbers.
    ///
    /// Rounds down, never to the nearest: a value equal to a cut belongs to the bucket above it.
    #[must_use]
    #[inline]
    pub const fn outcome_of(&self, value: i64) -> u16 {
        match self {
            Precision::Cuts { cuts, .. } => outcome(cuts, value),
            _ => 0,
        }
    }

    /// The outcome of one of the two cuts beside a number, drawn so that the expectation of what is sent is the number. `random`
    /// must be uniform. A number below the first cut or above the last one has the outcome of that cut. Returns 0 if this precision
    /// does not take numbers.
    pub(crate) fn at_random(&self, value: i64, random: u64) -> u16 {
        let low = self.outcome_of(value);
        let (Some(from), Some(to)) = (self.lower_cut(low), self.lower_cut(low.saturating_add(1))) else { return low };
        if value <= from {
            return low;
        }
        // The remainder of 64 uniform bits by a gap that is not a power of two is uniform to less than gap / 2^64.
        let drawn = random % to.abs_diff(from).max(1);
        if drawn < value.abs_diff(from) { low.saturating_add(1) } else { low }
    }

    /// The lower cut of an outcome, which is what is sent for it. `None` if outcomes are not numbers, or if there is no
    /// such outcome.
    ///
    /// The first outcome also returns its lower cut, although it includes the values below that.
    #[must_use]
    pub fn lower_cut(&self, outcome: u16) -> Option<i64> {
        let Precision::Cuts { cuts, .. } = self else { return None };
        cuts.get(usize::from(outcome).checked_sub(1)?).copied()
    }

    /// Whether the outcome in this precision always follows from the outcome in `finer`. Every precision is coarser
    /// than itself.
    #[must_use]
    pub fn is_coarser_than(&self, finer: &Precision) -> bool {
        match (self, finer) {
            (Precision::Flag, Precision::Flag) => true,
            (Precision::Labels(a), Precision::Labels(b)) => a.iter().all(|label| b.contains(label)),
            (Precision::Cuts { unit: u, cuts: a }, Precision::Cuts { unit: v, cuts: b }) => {
                // The first cut separates nothing: values below it are in the same bucket.
                u == v && a.iter().skip(1).all(|cut| b.iter().skip(1).any(|other| other == cut))
            }
            (Precision::Releases(a), Precision::Releases(b)) => a == b,
            (Precision::Code { bits: a }, Precision::Code { bits: b })
            | (Precision::Cohort { bits: a }, Precision::Cohort { bits: b }) => a <= b,
            _ => false,
        }
    }

    /// One outcome in words for people, such as `4 Mbit/s to under 8 Mbit/s` or `60 to under 120 min`, in English.
    #[must_use]
    pub fn words(&self, outcome: u16) -> String {
        self.words_in(&Locale::ENGLISH, outcome, &|_| None)
    }

    /// The same in any language. `label` returns the words for a label that does not explain itself.
    pub(crate) fn words_in(&self, locale: &Locale, outcome: u16, label: &dyn Fn(&str) -> Option<String>) -> String {
        let not_sent = || locale.words(Say::NotSent);
        let Some(index) = (outcome as usize).checked_sub(1) else { return not_sent() };
        match self {
            Precision::Flag => [Say::No, Say::Yes].get(index).map_or_else(not_sent, |say| locale.words(*say)),
            Precision::Labels(labels) => labels.get(index).map_or_else(not_sent, |it| labelled(locale, it, label)),
            Precision::Cuts { unit, cuts } => match cuts.get(index) {
                Some(&low) => unit.range(locale, low, cuts.get(index + 1).copied()),
                None => not_sent(),
            },
            Precision::Releases(list) => match release::label(list, outcome) {
                Some(release::OLDER) => locale.words(Say::StepOlder),
                Some(release::OTHER) => locale.words(Say::Other),
                Some(release) => release.into(),
                None => not_sent(),
            },
            Precision::Code { .. } => locale.words(Say::ACode),
            Precision::Cohort { .. } if u64::from(outcome) > self.outcomes() => not_sent(),
            Precision::Cohort { bits } => {
                let (n, all) = (i64::from(outcome), 1i64 << *bits);
                locale.say(Say::Group, &[("n", n.into()), ("all", all.into())])
            }
        }
    }

    /// The whole partition in words for people, as the manifest prints it, in English.
    #[must_use]
    pub fn describe(&self) -> String {
        self.describe_in(&Locale::ENGLISH, &|_| None)
    }

    /// The same in any language, with words for labels as in [`words_in`](Precision::words_in).
    pub(crate) fn describe_in(&self, locale: &Locale, label: &dyn Fn(&str) -> Option<String>) -> String {
        match self {
            Precision::Flag => locale.words(Say::YesOrNo),
            Precision::Labels(labels) => {
                let labels = labels.iter().map(|it| labelled(locale, it, label));
                locale.say(Say::OneOf, &[("labels", (&joined(locale, Say::NextLabel, labels)).into())])
            }
            Precision::Cuts { unit, cuts } => {
                let words = bounds(locale, *unit, cuts);
                locale.say(Say::OneStepOf, &[("n", cuts.len().into()), ("steps", (&words).into())])
            }
            Precision::Code { bits } => locale.say(Say::CodeOf, &[("bits", (*bits).into())]),
            Precision::Cohort { bits } => locale.say(Say::OneGroupOf, &[("n", (1i64 << *bits).into())]),
            Precision::Releases(_) => locale.say(Say::OneRelease, &[("n", MOST_RELEASES.into())]),
        }
    }

    /// The same for numbers that are rounded at random to one of the two steps beside them, so that sums are right.
    pub(crate) fn describe_at_random_in(&self, locale: &Locale) -> String {
        let Precision::Cuts { unit, cuts } = self else { return self.describe_in(locale, &|_| None) };
        let words = bounds(locale, *unit, cuts);
        locale.say(Say::OneStepAtRandom, &[("n", cuts.len().into()), ("steps", (&words).into())])
    }

    /// The partition as canonical data for contracts. It decides whether a grant still covers a build.
    #[must_use]
    pub fn spec(&self) -> serde_json::Value {
        match self {
            Precision::Flag => serde_json::json!({"kind": "flag"}),
            Precision::Labels(labels) => serde_json::json!({"kind": "labels", "labels": labels}),
            Precision::Cuts { unit, cuts } => {
                serde_json::json!({"kind": "cuts", "unit": unit.name(), "cuts": cuts})
            }
            Precision::Code { bits } => serde_json::json!({"kind": "code", "bits": bits}),
            Precision::Cohort { bits } => serde_json::json!({"kind": "cohort", "bits": bits}),
            Precision::Releases(_) => serde_json::json!({"kind": "releases", "most": MOST_RELEASES}),
        }
    }

    /// The text that is sent for an outcome, if labels or releases are sent.
    pub(crate) fn label(&self, outcome: u16) -> Option<&'static str> {
        match self {
            Precision::Labels(labels) => labels.get(usize::from(outcome).checked_sub(1)?).copied(),
            Precision::Releases(list) => release::label(list, outcome),
            _ => None,
        }
    }

    /// The outcome of which [`label`](Precision::label) returns this text.
    pub(crate) fn outcome_of_label(&self, text: &str) -> Option<u16> {
        match self {
            Precision::Labels(labels) => {
                let at = labels.iter().position(|label| *label == text)?;
                u16::try_from(at + 1).ok()
            }
            Precision::Releases(list) => release::outcome_of_label(list, text),
            _ => None,
        }
    }
}

/// The values from `low` to below `high` in words for people, in English. For `candor-cli`, which reads cuts from a contract.
#[must_use]
pub fn range_words(unit: Unit, low: i64, high: Option<i64>) -> String {
    unit.range(&Locale::ENGLISH, low, high)
}

/// A label as it is sent. If it has other words, both.
fn labelled(locale: &Locale, label: &str, words: &dyn Fn(&str) -> Option<String>) -> String {
    match words(label).filter(|words| words != label) {
        Some(words) => locale.say(Say::LabelAsSent, &[("words", (&words).into()), ("label", label.into())]),
        None => label.into(),
    }
}

/// A list, joined as the language writes lists.
pub(crate) fn joined(locale: &Locale, next: Say, items: impl Iterator<Item = String>) -> String {
    let two = |first: String, item: String| locale.say(next, &[("first", (&first).into()), ("next", (&item).into())]);
    items.reduce(two).unwrap_or_default()
}

/// The steps in words. Of more than 20 steps, only the first three and the last.
fn bounds(locale: &Locale, unit: Unit, cuts: &[i64]) -> String {
    // Seconds are written as minutes if all of them are whole minutes.
    let whole = unit != Unit::Seconds || cuts.iter().all(|cut| cut % 60 == 0);
    let last = cuts.len().saturating_sub(1);
    let word = |(at, cut): (usize, &i64)| match unit {
        // The first bucket of these units holds everything before the first date or version.
        Unit::Date if *cut == EARLIEST => locale.words(Say::StepBefore),
        Unit::Version if *cut == 0 => locale.words(Say::StepOlder),
        // A unit that all steps share is written once, after the last one.
        _ if whole && at == last => unit.last_bound(locale, *cut),
        _ if whole => unit.bound(locale, *cut),
        _ => unit.words_in(locale, *cut),
    };
    let words: Vec<String> = cuts.iter().enumerate().map(word).collect();
    match words.as_slice() {
        [first, second, third, .., last] if cuts.len() > 20 => locale.say(
            Say::LongSteps,
            &[("first", first.into()), ("second", second.into()), ("third", third.into()), ("last", last.into())],
        ),
        _ => joined(locale, Say::NextStep, words.into_iter()),
    }
}

/// The outcome, counted from 1, of `value` among strictly rising `cuts`.
#[inline]
#[expect(clippy::indexing_slicing, reason = "`const` code has no iterators yet; the index is below the length")]
pub(crate) const fn outcome(cuts: &[i64], value: i64) -> u16 {
    // Counts the cuts at or below the value. The loop has no early exit, so that the compiler can produce code without
    // branches for a short ladder. A longer ladder is first narrowed by binary search to 32 cuts.
    let (mut n, mut i, mut end) = (0, 0, cuts.len());
    while end - i > 32 {
        let middle = i + (end - i) / 2;
        if cuts[middle] <= value {
            n += middle - i;
            i = middle;
        } else {
            end = middle;
        }
    }
    while i < end {
        n += (cuts[i] <= value) as usize;
        i += 1;
    }
    if n == 0 { 1 } else { n as u16 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_cut_belongs_above_it() {
        for precision in [MEDIA_DURATION, DURATION, BITRATE, COUNT, BYTE_SIZE, LATENCY, RATIO, AGE, RESOLUTION] {
            let Precision::Cuts { cuts, .. } = precision else { unreachable!() };
            for (i, &cut) in cuts.iter().enumerate() {
                assert_eq!(precision.outcome_of(cut) as usize, i + 1);
                if i > 0 {
                    assert_eq!(precision.outcome_of(cut - 1) as usize, i);
                }
            }
            assert_eq!(precision.outcome_of(i64::MAX) as usize, cuts.len());
        }
    }

    #[test]
    fn coarser_is_a_subset_of_cuts() {
        const COARSE: Precision = Precision::Cuts { unit: Unit::Seconds, cuts: &[0, 300, 3_600] };
        const CROSSING: Precision = Precision::Cuts { unit: Unit::Seconds, cuts: &[0, 90, 3_600] };
        const OTHER_UNIT: Precision = Precision::Cuts { unit: Unit::Count, cuts: &[0, 300, 3_600] };
        assert!(COARSE.is_coarser_than(&MEDIA_DURATION));
        assert!(!MEDIA_DURATION.is_coarser_than(&COARSE));
        assert!(!CROSSING.is_coarser_than(&MEDIA_DURATION));
        assert!(!OTHER_UNIT.is_coarser_than(&MEDIA_DURATION));
        assert!(BITRATE.is_coarser_than(&BITRATE));
        assert!(Precision::Labels(&["a", "other"]).is_coarser_than(&Precision::Labels(&["a", "b", "other"])));
        assert!(!Precision::Labels(&["a", "c"]).is_coarser_than(&Precision::Labels(&["a", "b"])));
    }

    #[test]
    fn words_are_for_people() {
        assert_eq!(MEDIA_DURATION.words(5), "60 to under 120 min");
        assert_eq!(BITRATE.words(10), "4 Mbit/s to under 8 Mbit/s");
        assert_eq!(COUNT.words(4), "3 to 4");
        assert_eq!(COUNT.words(0), "not sent");
        assert_eq!(COUNT.words(999), "not sent");
        assert_eq!(MEDIA_DURATION.describe(), "rounded down to one of 6 steps: 0, 1, 5, 20, 60, 120 min");
        assert_eq!(DURATION.words(7), "15 to under 60 min");
        assert_eq!(DURATION.words(3), "0:05 to under 0:15");
        assert_eq!(
            DURATION.describe(),
            "rounded down to one of 11 steps: 0:00, 0:01, 0:05, 0:15, 1:00, 5:00, 15:00, 1:00:00, 4:00:00, 12:00:00, \
             24:00:00"
        );
        const RELEASES: Precision = Precision::Releases(&["1.4.0", "1.4.1"]);
        assert_eq!(
            [1, 2, 3, 4, 5].map(|outcome| RELEASES.words(outcome)),
            ["older", "1.4.0", "1.4.1", "other", "not sent"]
        );
        assert_eq!(RELEASES.describe(), "one of the program's last 8 releases, or older, or other");
        assert_eq!(LATENCY.describe(), "rounded down to one of 24 steps: 0 ms, 1 ms, 2 ms, … 60 s");
        const HALF_MINUTES: Precision = Precision::Cuts { unit: Unit::Seconds, cuts: &[0, 30, 60] };
        assert_eq!(HALF_MINUTES.describe(), "rounded down to one of 3 steps: 0:00, 0:30, 1:00");
    }
}
