//! What the attacker sees: request bodies as they arrived, parsed. Nothing else passes from a device to the attacker.

use super::rule::{Partition, Rule};
use serde::Deserialize;
use std::collections::BTreeSet;

/// One record: a bucket and the step of its count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) cell: u16,
    pub(crate) step: u8,
    /// The day of the record, counted from 0.
    pub(crate) day: u16,
    /// Over how many days the plays may be spread: more than one if a play of earlier days may have been held back.
    pub(crate) days: u16,
}

/// What the records of one event say about one person.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) told: Vec<Told>,
    /// How many days have passed since the last day with records.
    pub(crate) since: usize,
}

impl Seen {
    /// Builds it from records with their days, counted from 0; `days` is the number of days in all.
    pub(crate) fn new(mut records: Vec<(usize, u16, u8)>, days: usize, rule: &Rule) -> Self {
        records.sort_unstable();
        let reports: BTreeSet<usize> = records.iter().map(|record| record.0).collect();
        let mut seen = Seen { told: Vec::with_capacity(records.len()), since: days };
        let mut next = 0;
        for day in reports {
            let of_day = || records.iter().filter(|record| record.0 == day);
            // If a step covers several numbers, a play that may have been held back can't be seen in it.
            let spread = rule.holds_back && of_day().all(|(_, _, step)| rule.is_exact(*step));
            let (of, days) = (day as u16, if spread { day - next + 1 } else { 1 } as u16);
            seen.told.extend(of_day().map(|&(_, cell, step)| Told { cell, step, day: of, days }));
            next = day + 1;
        }
        seen.since -= next;
        seen
    }
}

#[derive(Deserialize)]
struct Request<'b> {
    #[serde(borrow, rename = "resourceLogs")]
    resources: Vec<Resource<'b>>,
}

#[derive(Deserialize)]
struct Resource<'b> {
    #[serde(borrow, rename = "scopeLogs")]
    scopes: Vec<Scope<'b>>,
}

#[derive(Deserialize)]
struct Scope<'b> {
    #[serde(borrow, rename = "logRecords")]
    records: Vec<Record<'b>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'b> {
    time_unix_nano: &'b str,
    event_name: &'b str,
    #[serde(borrow)]
    attributes: Vec<Attribute<'b>>,
}

#[derive(Deserialize)]
struct Attribute<'b> {
    key: &'b str,
    #[serde(borrow)]
    value: Value<'b>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Value<'b> {
    #[serde(borrow)]
    int_value: Option<&'b str>,
}

impl Record<'_> {
    fn number(&self, key: &str) -> Result<Option<u64>, String> {
        let Some(attribute) = self.attributes.iter().find(|attribute| attribute.key == key) else { return Ok(None) };
        let number = attribute.value.int_value.and_then(|text| text.parse().ok());
        number.map(Some).ok_or(format!("`{key}` is not a number"))
    }
}

/// Reads the records of the event `name` from bodies. The record that sums all buckets beyond the sixteen allowed for a
/// day is skipped, because it names none of them. `first` is the first day, counted from 1970; `days` is their number.
pub(crate) fn read(
    bodies: &[Vec<u8>],
    name: &str,
    partition: &Partition,
    rule: &Rule,
    (first, days): (u64, usize),
) -> Result<Seen, String> {
    let mut records = Vec::new();
    for body in bodies {
        let request: Request<'_> = serde_json::from_slice(body).map_err(|error| format!("a body: {error}"))?;
        for record in request.resources.iter().flat_map(|resource| &resource.scopes).flat_map(|scope| &scope.records) {
            if record.event_name != name || record.attributes.iter().any(|it| it.key == "candor.other") {
                continue;
            }
            let count = record.number("count")?.ok_or("a record without a count")?;
            let (duration, bitrate) = (record.number("duration")?.unwrap_or(0), record.number("bitrate")?.unwrap_or(0));
            let cell =
                partition.cell(duration, bitrate).ok_or(format!("no film is in {duration} s, {bitrate} bit/s"))?;
            let step = rule.step(count);
            if count == 0 || rule.counts[usize::from(step)] != count {
                return Err(format!("a count of {count}, which is none of the steps"));
            }
            let nanos: u64 = record.time_unix_nano.parse().map_err(|_| "a record without a time")?;
            let day = (nanos / 86_400_000_000_000).checked_sub(first).filter(|day| *day < days as u64);
            records.push((day.ok_or("a record of a day that is none of these")? as usize, cell, step));
        }
    }
    Ok(Seen::new(records, days, rule))
}
