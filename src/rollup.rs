//! The counts of a period, which are sent instead of a sequence of events.
//!
//! Even a sequence of well-rounded plays can identify a media library. So events are counted on the device and sent once in a
//! period as "this combination, so many times". This module adds up the events and decides what a closed period reports. It
//! never touches files and never sees raw values.

use crate::{
    event::{Linkage, MAX_FIELDS, Registry, Schema, Statistic},
    precision,
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
    /// The outcome of the count, which is itself rounded down to a step of [`COUNT`](precision::COUNT).
    pub(crate) count: u16,
    pub(crate) other: bool,
}

/// What a once-event reports of the values that it had in its period.
fn reported(schema: &Schema, found: &[(Outcomes, u64)]) -> Vec<Outcomes> {
    // Sorted by their outcomes, which for numbers is from the smallest to the largest.
    let outcomes = || found.iter().map(|(outcomes, _)| *outcomes);
    match schema.snapshot().map(|part| part.statistic) {
        None | Some(Statistic::Last) => outcomes().collect(),
        Some(Statistic::Min) => outcomes().next().into_iter().collect(),
        Some(Statistic::Max) => outcomes().next_back().into_iter().collect(),
        Some(Statistic::Mean) => mean(schema, found).into_iter().collect(),
    }
}

/// The mean of the values, as an outcome: the step at or below it.
fn mean(schema: &Schema, found: &[(Outcomes, u64)]) -> Option<Outcomes> {
    let precision = schema.fields().first()?.precision;
    let (mut sum, mut times) = (0i128, 0i128);
    for (outcomes, count) in found {
        let value = precision.lower_cut(*outcomes.first()?)?;
        sum = sum.saturating_add(i128::from(value).saturating_mul(i128::from(*count)));
        times = times.saturating_add(i128::from(*count));
    }
    let mean = i64::try_from(sum.checked_div(times)?).ok()?;
    let mut outcomes = [0; MAX_FIELDS];
    *outcomes.first_mut()? = precision.outcome_of(mean);
    Some(outcomes)
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
            let cell = |outcomes| Cell { schema, outcomes, count: 0, other: false };
            cells.extend(reported(schema, &found).into_iter().map(cell));
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
        cells.extend(kept.into_iter().map(|(outcomes, count, other)| Cell {
            schema,
            outcomes,
            count: precision::COUNT.outcome_of(i64::try_from(count).unwrap_or(i64::MAX)),
            other,
        }));
    }
    (cells, carried)
}
