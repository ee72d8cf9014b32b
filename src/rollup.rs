//! The day's counts: what leaves instead of a sequence of events.
//!
//! A sequence of well-rounded plays still names a library, so media events are counted on the device and leave once a
//! day as "this combination, so often". This room adds up and decides what a closed day says. It knows no files and no
//! raw values.

use crate::{
    event::{MAX_FIELDS, Registry, Schema},
    precision,
};
use std::collections::BTreeMap;

/// How many records one event may make of a day; the combinations beyond them are added up in the last one.
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

/// What a closed day says, and what waits for the next one.
///
/// An event that happened once in the whole day is carried over: a lone report stands in no crowd of its own day.
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
        // Most frequent first; ties in the order of their outcomes, never in the order of their happening.
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
