//! The records in the bodies of requests. Never estimates anything.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Nanoseconds of a day.
const DAY: u64 = 86_400_000_000_000;

/// One record of a request. A program that keeps records in a database makes them from its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "rows of a database become records")]
pub struct Record {
    /// The record's random id. The same id again is the same record again.
    pub uid: String,
    /// The event's name, such as `export.ended`.
    pub event: String,
    /// The UTC day, counted from 1970-01-01. Of what is sent once in a period, the first day of the period.
    pub day: u64,
    /// How often it happened: of a roll-up the step to which the count was rounded, otherwise 1.
    pub count: u64,
    /// Of how many the reporter is one. So a record counts this many times.
    pub divisor: u64,
    /// Whether it sums the combinations that were not among the most frequent ones. Such a record has no fields.
    pub other: bool,
    /// The fields by name, as text: `true`, `513`, `hevc`.
    pub fields: BTreeMap<String, String>,
}

impl Record {
    /// The value of a field as text. `None` if the record does not say it.
    ///
    /// ```
    /// # let body = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"0","eventName":"started","attributes":[
    /// #     {"key":"fast","value":{"boolValue":true}},{"key":"candor.divisor","value":{"intValue":"1"}},
    /// #     {"key":"log.record.uid","value":{"stringValue":"1a"}}]}]}]}]}"#;
    /// let found = candor_reading::records([body])?;
    /// assert_eq!(found[0].field("fast"), Some("true"));
    /// # Ok::<(), candor_reading::Error>(())
    /// ```
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

/// A body that can't be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// It is not JSON.
    Json(serde_json::Error),
    /// It is JSON and has a record that candor would not write. Says what is missing.
    Form(&'static str),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Json(error) => write!(f, "the body is not JSON: {error}"),
            Error::Form(what) => write!(f, "the body has a record {what}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Json(error) => Some(error),
            Error::Form(_) => None,
        }
    }
}

/// The records in these bodies, each once, in the order in which they arrived. Erasure requests are no records; see the page
/// about the wire.
///
/// # Errors
/// A body is not JSON, or has a record that candor would not write.
pub fn records<'b>(bodies: impl IntoIterator<Item = &'b str>) -> Result<Vec<Record>, Error> {
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for body in bodies {
        let body: Value = serde_json::from_str(body).map_err(Error::Json)?;
        for resource in list(&body, "resourceLogs") {
            for scope in list(resource, "scopeLogs") {
                for value in list(scope, "logRecords") {
                    if let Some(record) = record(value)?
                        && seen.insert(record.uid.clone())
                    {
                        found.push(record);
                    }
                }
            }
        }
    }
    Ok(found)
}

/// The members of a list. A list that is absent has none.
fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn record(value: &Value) -> Result<Option<Record>, Error> {
    let event = value.get("eventName").and_then(Value::as_str).ok_or(Error::Form("without a name"))?;
    if event == "candor.erasure" {
        return Ok(None);
    }
    let nanos = value.get("timeUnixNano").and_then(number).ok_or(Error::Form("without a time"))?;
    let (mut uid, mut divisor) = (None, None);
    let (mut count, mut other, mut fields) = (1, false, BTreeMap::new());
    for attribute in list(value, "attributes") {
        let key = attribute.get("key").and_then(Value::as_str).ok_or(Error::Form("with an attribute without a key"))?;
        let said = attribute.get("value").and_then(text).ok_or(Error::Form("with an attribute without a value"))?;
        match key {
            "log.record.uid" => uid = Some(said),
            "candor.divisor" => divisor = Some(above_zero(&said)?),
            "candor.other" => other = said == "true",
            "count" => count = above_zero(&said)?,
            name => drop(fields.insert(name.to_owned(), said)),
        }
    }
    Ok(Some(Record {
        uid: uid.ok_or(Error::Form("without `log.record.uid`"))?,
        event: event.to_owned(),
        day: nanos / DAY,
        count,
        divisor: divisor.ok_or(Error::Form("without `candor.divisor`"))?,
        other,
        fields,
    }))
}

/// OTLP's JSON writes a 64-bit number as text. A collector may write it as a number.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn above_zero(said: &str) -> Result<u64, Error> {
    said.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or(Error::Form("with a count or divisor that is no number above 0"))
}

/// The value of an attribute as text.
fn text(value: &Value) -> Option<String> {
    let (_, value) = value.as_object()?.iter().next()?;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}
