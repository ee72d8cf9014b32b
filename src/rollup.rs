//! The day's counts, which are sent instead of a sequence of events.
//!
//! Even a sequence of well-rounded plays can identify a media library. So media events are counted on the device and
//! sent once a day as "this combination, so many times". This module adds up the events and decides what a closed day
//! reports. It never touches files and never sees raw values.

use crate::{
    event::{MAX_FIELDS, Registry, Schema},
    precision,
};
use std::collections::BTreeMap;

/// How many records one type of event may make in a day. Combinations beyond that are summed in the last record.
pub(crate) const CELLS: usize = 16;

pub(crate) type Outcomes = [u16; MAX_FIELDS];

/// How often each combination happened, by the schema's number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts(BTreeMap<(u32, Outcomes), u64>);

impl Counts {
    pub(crate) fn add(&mut self, schema: u32, outcomes: Outcomes, times: u64) {
        let count = self.0.entry((schema, outcomes)).or_default();
        *count = count.saturating_add(times);
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

/// One record of a closed day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) schema: &'static Schema,
    pub(crate) outcomes: Outcomes,
    /// The outcome of the count, which is itself rounded down to a step of [`COUNT`](precision::COUNT).
    pub(crate) count: u16,
    pub(crate) other: bool,
}

/// The records that a closed day reports, and the counts that are carried into the next day.
///
/// If a type of event happened only once in the whole day, that event is carried over, since a lone report is not
/// hidden among others of its day.
pub(crate) fn close(day: &Counts, registry: &Registry) -> (Vec<Cell>, Counts) {
    let mut by_event: BTreeMap<u32, Vec<(Outcomes, u64)>> = BTreeMap::new();
    for (schema, outcomes, count) in day.iter() {
        by_event.entry(schema).or_default().push((*outcomes, count));
    }
    let (mut cells, mut carried) = (Vec::new(), Counts::default());
    for (number, mut found) in by_event {
        let Some(schema) = registry.schema(number) else { continue };
        if let [(outcomes, 1)] = found.as_slice() {
            carried.add(number, *outcomes, 1);
            continue;
        }
        // Most frequent first. Ties are ordered by their outcomes, never by when they happened.
        found.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let rest = if found.len() > CELLS { found.split_off(CELLS - 1) } else { Vec::new() };
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
