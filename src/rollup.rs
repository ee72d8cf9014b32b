//! The counts of a period, which are sent instead of a sequence of events.
//!
//! Even a sequence of well-rounded plays can identify a media library. So events are counted on the device and sent once in a
//! period as "this combination, so many times". This module adds up the events and decides what a closed period reports. It
//! never touches files, never sees raw values, and draws no random bits itself.

use crate::{
    event::{Linkage, MAX_FIELDS, Registry, Schema, Statistic},
    mutants::{self, Mutant},
    precision::ROLLUP_COUNT,
};
use std::collections::BTreeMap;

/// How many records one type of event about content may make in a period. Combinations beyond that are summed in the last
/// record.
pub(crate) const CELLS: usize = 16;

/// The same for an event that is not about content. A share is right only if the rare combinations are told as well.
pub(crate) const CELLS_WITHOUT_CONTENT: usize = 64;

pub(crate) type Outcomes = [u16; MAX_FIELDS];

/// How often each combination happened, by the schema's number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts(BTreeMap<(u32, Outcomes), u64>);

impl Counts {
    pub(crate) fn add(&mut self, schema: u32, outcomes: Outcomes, times: u64) {
        let count = self.0.entry((schema, outcomes)).or_default();
        *count = count.saturating_add(times);
    }

    /// Adds an event that was recorded. Of a once-event only the last values of the period are kept.
    pub(crate) fn add_to(&mut self, schema: &Schema, outcomes: Outcomes, times: u64) {
        let number = schema.index();
        let statistic = schema.snapshot().map_or(Statistic::Last, |part| part.statistic);
        if schema.linkage() == Linkage::Once && statistic == Statistic::Last {
            // A map has last values for each key.
            let is_map = schema.snapshot().is_some_and(|part| part.keyed);
            let is_replaced = |of: &Outcomes| !is_map || of.first() == outcomes.first();
            self.0.retain(|(known, of), _| *known != number || !is_replaced(of));
            self.0.insert((number, outcomes), 1);
        } else {
            self.add(number, outcomes, times);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Outcomes, u64)> {
        self.0.iter().map(|((schema, outcomes), count)| (*schema, outcomes, *count))
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// One record of a closed period.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) schema: &'static Schema,
    pub(crate) outcomes: Outcomes,
    /// How often it happened, exactly; 0 for a once-event. What is reported is this number [rounded].
    pub(crate) count: u64,
    pub(crate) other: bool,
    /// For a mean: the sum of the values, of which there are `count`.
    pub(crate) sum: i64,
}

/// What a once-event reports of the values that it had in its period.
fn reported(schema: &'static Schema, found: &[(Outcomes, u64)]) -> Vec<Cell> {
    let cell = |(outcomes, _): &(Outcomes, u64)| Cell { schema, outcomes: *outcomes, count: 0, other: false, sum: 0 };
    // Sorted by their outcomes, which for numbers is from the smallest to the largest.
    match schema.snapshot().map(|part| part.statistic) {
        None | Some(Statistic::Last) => found.iter().map(cell).collect(),
        Some(Statistic::Min) => found.first().map(cell).into_iter().collect(),
        Some(Statistic::Max) => found.last().map(cell).into_iter().collect(),
        Some(Statistic::Mean) => sum_of(schema, found).into_iter().collect(),
    }
}

/// The sum of the values, and their number. [`mean`] makes an outcome of them.
fn sum_of(schema: &'static Schema, found: &[(Outcomes, u64)]) -> Option<Cell> {
    let precision = schema.fields().first()?.precision;
    let (mut sum, mut times) = (0i64, 0u64);
    for (outcomes, count) in found {
        let value = precision.lower_cut(*outcomes.first()?)?;
        sum = sum.saturating_add(value.saturating_mul(i64::try_from(*count).unwrap_or(i64::MAX)));
        times = times.saturating_add(*count);
    }
    Some(Cell { schema, outcomes: [0; MAX_FIELDS], count: times, other: false, sum })
}

/// The outcome that a mean is reported as: the mean is rounded at random to a whole number, and that to one of the two steps beside
/// it. So the expectation of what is reported is the mean. `random` must be uniform and independent.
pub(crate) fn mean(cell: &Cell, random: [u64; 2]) -> Outcomes {
    let mut outcomes = [0; MAX_FIELDS];
    if let (Some(field), Ok(times)) = (cell.schema.fields().first(), i64::try_from(cell.count.max(1))) {
        let [first, second] = random;
        let more = i64::try_from(first % cell.count.max(1)).unwrap_or(0);
        let whole = cell.sum.saturating_add(more).div_euclid(times);
        let [place, ..] = &mut outcomes;
        *place = field.precision.at_random(whole, second);
    }
    outcomes
}

/// The outcome that a count is reported as: one of its two neighbouring steps of [`ROLLUP_COUNT`], drawn at random.
///
/// The higher step `b` is drawn with probability (n - a) / (b - a), where `a` is the lower step and `n` the count. So the
/// expectation of what is reported is `n`, and sums over many reports are right. A count on a step, such as 1, stays as it is.
/// A count above the last step is reported as the last step. A count of 0 is no outcome.
///
/// `random` must be uniform, and another number for each count that is reported. If a count were drawn twice, both reports
/// together would say more than one.
pub(crate) fn rounded(count: u64, random: u64) -> u16 {
    if count == 0 {
        return 0;
    }
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    if mutants::on(Mutant::CountsRoundedDown) {
        return ROLLUP_COUNT.outcome_of(count);
    }
    ROLLUP_COUNT.at_random(count, random)
}

/// The records that a closed period reports, and the counts that are carried into the next one.
///
/// If a type of event about content happened only once in the whole period, that event is carried over, since a lone report is
/// not hidden among others.
pub(crate) fn close(period: &Counts, registry: &Registry) -> (Vec<Cell>, Counts) {
    let mut by_event: BTreeMap<u32, Vec<(Outcomes, u64)>> = BTreeMap::new();
    for (schema, outcomes, count) in period.iter() {
        by_event.entry(schema).or_default().push((*outcomes, count));
    }
    let (mut cells, mut carried) = (Vec::new(), Counts::default());
    for (number, mut found) in by_event {
        let Some(schema) = registry.schema(number) else { continue };
        if schema.linkage() == Linkage::Once {
            cells.extend(reported(schema, &found));
            continue;
        }
        if let [(outcomes, 1)] = found.as_slice()
            && schema.is_about_content()
        {
            carried.add(number, *outcomes, 1);
            continue;
        }
        // Most frequent first. Ties are ordered by their outcomes, never by when they happened.
        found.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let most = if schema.is_about_content() { CELLS } else { CELLS_WITHOUT_CONTENT };
        let rest = if found.len() > most { found.split_off(most - 1) } else { Vec::new() };
        let mut kept: Vec<(Outcomes, u64, bool)> = found.into_iter().map(|(o, n)| (o, n, false)).collect();
        if !rest.is_empty() {
            kept.push(([0; MAX_FIELDS], rest.iter().fold(0, |sum, (_, n)| sum.saturating_add(*n)), true));
        }
        cells.extend(kept.into_iter().map(|(outcomes, count, other)| Cell { schema, outcomes, count, other, sum: 0 }));
    }
    (cells, carried)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutants::with;

    /// The steps that a count is reported as, for every possible draw below `gap`.
    fn reported(count: u64, gap: u64) -> Vec<i64> {
        (0..gap).map(|random| ROLLUP_COUNT.lower_cut(rounded(count, random)).unwrap()).collect()
    }

    /// Over all draws, the mean of what is reported is exactly the count.
    fn is_right(count: u64) -> bool {
        // A power of two that no gap around such a count exceeds.
        let gap = count.next_power_of_two();
        let reported = reported(count, gap);
        let neighbours = reported.iter().all(|step| step.abs_diff(count as i64) < gap);
        neighbours && reported.iter().sum::<i64>() == (count * gap) as i64
    }

    #[test]
    fn the_expectation_of_a_report_is_the_count() {
        for count in 1..=1_030 {
            assert!(is_right(count), "{count}");
        }
        assert_eq!(reported(6, 4), [9, 5, 5, 5]);
    }

    #[test]
    fn a_count_that_is_rounded_down_is_noticed() {
        with(Some(Mutant::CountsRoundedDown), || {
            assert!(is_right(1) && is_right(2) && is_right(3) && is_right(5), "a step stays as it is");
            assert!((6..9).chain(10..17).all(|count| !is_right(count)));
        });
    }

    #[test]
    fn a_count_on_a_step_stays_and_one_beyond_the_last_step_is_the_last() {
        for random in [0, 1, u64::MAX / 2, u64::MAX] {
            for step in [1, 2, 3, 5, 9, 1_025, 524_289, 1_048_577] {
                assert_eq!(ROLLUP_COUNT.lower_cut(rounded(step, random)), Some(step as i64));
            }
            for count in [1_048_578, 1 << 40, u64::MAX] {
                assert_eq!(ROLLUP_COUNT.lower_cut(rounded(count, random)), Some(1_048_577));
            }
        }
        assert_eq!(rounded(0, 7), 0, "a once-event has no count");
        // Halfway between 524,289 and 1,048,577.
        let halves = [0, 262_143, 262_144, 524_287].map(|random| ROLLUP_COUNT.lower_cut(rounded(786_433, random)));
        assert_eq!(halves, [Some(1_048_577), Some(1_048_577), Some(524_289), Some(524_289)]);
    }
}
