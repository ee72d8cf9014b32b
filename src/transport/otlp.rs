//! The wire format: OTLP logs as JSON. Builds the envelope around lines, and parses a body again to check it. It never sends
//! anything.
//!
//! The same lines, service and scope always result in the same bytes. A body is padded to whole KiB with spaces after the JSON,
//! so that its length reveals little of its content.

use crate::{
    ambient::{Day, hex},
    consent::{Scope, Uid},
    event::Registry,
    journal::Record,
};
use serde_json::{Value, json};

/// The largest body that is built, in bytes.
pub(crate) const BODY_MOST: usize = 64 << 10;
const KIB: usize = 1 << 10;

/// The program that each request names in addition to its events.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) name: String,
    /// The version in two parts, such as `12.4`.
    pub(crate) version: Option<String>,
}

/// The keys of attributes and their values.
type Attributes = Vec<(&'static str, String)>;

/// The attributes that each request of a scope contains in addition to its records: those of the service, then those of the
/// scope. They are the same for everyone who has this version of the program.
pub(crate) fn envelope(service: &Service, scope: Scope) -> (Attributes, Attributes) {
    let version = service.version.iter().map(|version| ("service.version", version.clone()));
    let resource = [("service.name", service.name.clone())].into_iter().chain(version).chain([
        ("telemetry.sdk.language", "rust".to_owned()),
        ("telemetry.sdk.name", "candor".to_owned()),
        ("telemetry.sdk.version", env!("CARGO_PKG_VERSION").to_owned()),
    ]);
    let attributes = vec![
        ("candor.scope", scope.name().to_owned()),
        ("candor.contract.revision", scope.revision().to_string()),
        ("candor.retention.days", scope.retention_days().to_string()),
    ];
    (resource.collect(), attributes)
}

/// The parts of a body before and after the lines.
fn frame(service: &Service, scope: Scope) -> (String, String) {
    let attribute = |(key, value): &(&str, String)| {
        // These two attributes of the scope are the only numbers.
        let kind = if matches!(*key, "candor.contract.revision" | "candor.retention.days") {
            "intValue"
        } else {
            "stringValue"
        };
        json!({"key": key, "value": {kind: value}}).to_string()
    };
    let joined = |list: &[(&str, String)]| list.iter().map(attribute).collect::<Vec<_>>().join(",");
    let (resource, attributes) = envelope(service, scope);
    let before = format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{}]}},"scopeLogs":[{{"scope":{{"name":"candor","version":"{}","attributes":[{}]}},"logRecords":["#,
        joined(&resource),
        env!("CARGO_PKG_VERSION"),
        joined(&attributes)
    );
    (before, "]}]}]}".to_owned())
}

/// The length of a body before padding, in bytes. Takes the number of lines and the sum of their lengths.
pub(crate) fn length(service: &Service, scope: Scope, lines: usize, bytes: usize) -> usize {
    let (before, after) = frame(service, scope);
    before.len() + bytes + lines.saturating_sub(1) + after.len()
}

/// The body of one request.
pub(crate) fn body<'l>(service: &Service, scope: Scope, lines: impl Iterator<Item = &'l str>) -> Vec<u8> {
    let (before, after) = frame(service, scope);
    let mut body = before.into_bytes();
    for (at, line) in lines.enumerate() {
        if at > 0 {
            body.push(b',');
        }
        body.extend_from_slice(line.as_bytes());
    }
    body.extend_from_slice(after.as_bytes());
    body.resize(body.len().next_multiple_of(KIB), b' ');
    body
}

/// The event name of an erasure request.
const ERASURE: &str = "candor.erasure";

/// The body of an erasure request: one record. It holds the ids of the records to be erased, an id of its own and a UTC day, as
/// every record does, and nothing that was in the records to be erased. So a receiver recognises repeats of it, and deletes it
/// when its retention is over, by the rules that it has for all records. `None` for a day that OTLP can't represent.
pub(crate) fn erasure(service: &Service, scope: Scope, uid: &str, day: Day, uids: &[Uid]) -> Option<Vec<u8>> {
    let nanos = day.start().0.checked_mul(1_000_000)?;
    let ids: Vec<String> = uids.iter().map(|uid| format!(r#"{{"stringValue":"{}"}}"#, hex(uid))).collect();
    let record = format!(
        concat!(
            r#"{{"timeUnixNano":"{}","observedTimeUnixNano":"{}","severityNumber":9,"eventName":"{}","attributes":["#,
            r#"{{"key":"{}.uids","value":{{"arrayValue":{{"values":[{}]}}}}}},"#,
            r#"{{"key":"log.record.uid","value":{{"stringValue":"{}"}}}}]}}"#
        ),
        nanos,
        nanos,
        ERASURE,
        ERASURE,
        ids.join(","),
        uid
    );
    Some(body(service, scope, [record.as_str()].into_iter()))
}

/// A line, and the record that it was decoded to.
pub(crate) type DecodedLine = (String, Record);

/// The lines in a body. `None` unless the whole body is exactly what this program would build around them, and this program
/// would write each line for this scope.
pub(crate) fn lines(body: &[u8], service: &Service, scope: Scope, registry: &Registry) -> Option<Vec<DecodedLine>> {
    let (before, after) = frame(service, scope);
    let json = std::str::from_utf8(body).ok()?.trim_end_matches(' ');
    let inner = json.strip_prefix(&before)?.strip_suffix(&after)?;
    let mut found = Vec::new();
    // Lines are JSON objects joined by commas; the JSON parser finds where each one ends.
    let mut rest = inner;
    while !rest.is_empty() {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let value = values.next()?.ok()?;
        let (line, tail) = rest.split_at_checked(values.byte_offset())?;
        let record = Record::of(&value, line, registry).filter(|record| record.schema.scope() == scope)?;
        found.push((line.to_owned(), record));
        rest = if tail.is_empty() { tail } else { tail.strip_prefix(',').filter(|tail| !tail.is_empty())? };
    }
    let same = || self::body(service, scope, found.iter().map(|(line, _)| line.as_str())) == body;
    (!found.is_empty() && same()).then_some(found)
}

/// The records in a body that another version of this program built, each written as this version would write it. Leaves out
/// records of other scopes and records that `may_leave` rejects.
pub(crate) fn salvage(
    body: &[u8],
    scope: Scope,
    registry: &Registry,
    may_leave: &dyn Fn(&Record) -> bool,
) -> Vec<DecodedLine> {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    let records = value.pointer("/resourceLogs/0/scopeLogs/0/logRecords").and_then(Value::as_array);
    let records = records.into_iter().flatten().filter_map(|value| Record::salvage(value, registry));
    let ours = records.filter(|record| record.schema.scope() == scope && may_leave(record));
    ours.filter_map(|record| Some((record.encode()?, record))).collect()
}
