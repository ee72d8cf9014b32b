//! What the attacker sees: request bodies as they arrived, taken apart again. No other way leads from a device to the
//! attacker.

use super::rule::{Partition, Rule};
use serde::Deserialize;

/// What one event told of one person: for each day and cell with a record, the cell and the step of its count.
pub(crate) type Seen = Vec<(u16, u8)>;

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

/// What bodies say of the event `name`. The sum of all cells beyond the sixteen that a day may tell is left out: it names
/// none of them.
pub(crate) fn read(bodies: &[Vec<u8>], name: &str, partition: &Partition, rule: &Rule) -> Result<Seen, String> {
    let mut seen = Seen::new();
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
            seen.push((cell, step));
        }
    }
    Ok(seen)
}
