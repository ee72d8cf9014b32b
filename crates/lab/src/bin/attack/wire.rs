//! What the attacker sees: request bodies as they arrived, parsed. Nothing else passes from a device to the attacker.

use super::{
    device::month_of_time,
    rule::{Partition, Rule},
};
use serde::Deserialize;

/// One record: a bucket and the step of its count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) cell: u16,
    pub(crate) step: u8,
    /// The period of the record, counted from 0.
    pub(crate) period: u16,
    /// Over how many periods the plays may be spread: more than one if a play of earlier ones may have been held back.
    pub(crate) spread: u16,
}

/// What the records of one event say about one person.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) told: Vec<Told>,
    /// How many periods have passed since the last one with records.
    pub(crate) since: usize,
}

impl Seen {
    /// Builds it from records with their periods, counted from 0; `periods` is the number of periods in all.
    pub(crate) fn new(mut records: Vec<(usize, u16, u8)>, periods: usize, rule: &Rule) -> Self {
        records.sort_unstable();
        let mut seen = Seen { told: Vec::with_capacity(records.len()), since: periods };
        let mut next = 0;
        for of_period in records.chunk_by(|a, b| a.0 == b.0) {
            let period = of_period[0].0;
            // If a step covers several numbers, a play that may have been held back can't be seen in it.
            let spread = rule.holds_back && of_period.iter().all(|(_, _, step)| rule.is_exact(*step));
            let spread = if spread { period - next + 1 } else { 1 } as u16;
            let told = of_period.iter().map(|&(_, cell, step)| Told { cell, step, period: period as u16, spread });
            seen.told.extend(told);
            next = period + 1;
        }
        seen.since -= next;
        seen
    }

    /// What was told in some of the periods, as if there were no others.
    pub(crate) fn part(&self, periods: std::ops::Range<usize>) -> Self {
        let of = |told: &&Told| periods.contains(&usize::from(told.period));
        let told: Vec<Told> = self.told.iter().filter(of).copied().collect();
        let last = told.last().map_or(periods.start, |told| usize::from(told.period) + 1);
        Seen { since: periods.end - last, told }
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
/// period is skipped, because it names none of them. `first` is the first month; `months` is their number.
pub(crate) fn read(
    bodies: &[Vec<u8>],
    name: &str,
    partition: &Partition,
    rule: &Rule,
    (first, months): (i64, usize),
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
            let step = rule.counts.binary_search(&count).ok().filter(|step| *step > 0);
            let step = step.ok_or(format!("a count of {count}, which is none of the steps"))? as u8;
            let nanos = record.time_unix_nano.parse().ok();
            let month = nanos.and_then(month_of_time).ok_or("a record without a time")? - first;
            let month = usize::try_from(month).ok().filter(|month| *month < months);
            records.push((month.ok_or("a record of a month that is none of these")?, cell, step));
        }
    }
    Ok(Seen::new(records, months, rule))
}
