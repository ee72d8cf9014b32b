//! The counts of a period, which are sent instead of a sequence of events.
//!
//! Even a sequence of well-rounded plays can identify a media library. So events are counted on the device and sent once in a
//! period as "this combination, so many times". This module adds up the events and decides what a closed period reports. It
//! never touches files and never sees raw values.

use crate::{
    event::{Linkage, MAX_FIELDS, Registry, Schema},
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
        if schema.linkage() == Linkage::Once {
            self.0.retain(|(of, _), _| *of != number);
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
            let cell = |(outcomes, _)| Cell { schema, outcomes, count: 0, other: false };
            cells.extend(found.pop().map(cell));
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
