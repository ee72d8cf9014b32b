//! Says in words what a record means. Uses the contracts that programs on this computer keep, because a record holds only the lower
//! bound of a step and not the whole step. Only reads; without a contract it says what the record itself says.

use candor::{__private::range_words, Unit};
use serde_json::Value;
use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

/// candor stores no larger contract.
const MOST_CONTRACT: u64 = 512 << 10;
/// How many contracts of a program are looked at: the newest.
const MOST_CONTRACTS: usize = 64;

/// The program and the purpose that a request names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Source {
    pub(super) application: String,
    pub(super) scope: String,
    pub(super) revision: i64,
}

/// Returns the newest contract that fits a request, if this computer has one. `data` is where programs keep their data.
pub(super) fn contract(data: &Path, source: &Source) -> Option<Value> {
    if !is_name(&source.application) {
        return None;
    }
    let application = data.join(&source.application);
    // The store that is used with the development clock comes first: it is what a developer looks at.
    let stores = [application.join("development").join(&source.application), application];
    stores.iter().find_map(|store| newest(&store.join("candor-1").join("contracts"), source))
}

/// Whether a name from a request may be part of a path.
fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && name.len() <= 128 && name.bytes().all(fits) && !name.starts_with('.') && !name.contains("..")
}

fn newest(contracts: &Path, source: &Source) -> Option<Value> {
    let entries = fs::read_dir(contracts).ok()?.flatten();
    let mut files: Vec<_> =
        entries.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
    files.sort_by(|one, other| other.cmp(one));
    files.into_iter().take(MOST_CONTRACTS).find_map(|(_, path)| {
        let contract = read(path)?;
        let is = |name: &str, value: Value| contract.get(name) == Some(&value);
        (is("scope", source.scope.as_str().into()) && is("revision", source.revision.into())).then_some(contract)
    })
}

fn read(path: PathBuf) -> Option<Value> {
    let mut text = String::new();
    fs::File::open(path).ok()?.take(MOST_CONTRACT).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// The attributes of an OTLP list, with plain values.
pub(super) fn attributes(list: &Value) -> Vec<(String, Value)> {
    let pair = |pair: &Value| Some((pair["key"].as_str()?.to_owned(), plain(&pair["value"])));
    list.as_array().into_iter().flatten().filter_map(pair).collect()
}

/// The value in an OTLP `AnyValue`. OTLP's JSON writes a 64-bit integer as text.
fn plain(any: &Value) -> Value {
    let Some((kind, value)) = any.as_object().and_then(|any| any.iter().next()) else { return Value::Null };
    match kind.as_str() {
        "intValue" => {
            value.as_str().and_then(|text| text.parse::<i64>().ok()).map_or_else(|| value.clone(), Value::from)
        }
        "arrayValue" => value["values"].as_array().into_iter().flatten().map(plain).collect(),
        _ => value.clone(),
    }
}

/// A record in words: its event, its fields, how often, and when.
pub(super) fn record(record: &Value, contract: Option<&Value>) -> String {
    let name = record["eventName"].as_str().unwrap_or("a record without an event's name");
    let attributes = attributes(&record["attributes"]);
    let named = |wanted: &str| attributes.iter().find(|(key, _)| key == wanted).map(|(_, value)| value);
    if let Some(uids) = named("candor.erasure.uids") {
        let number = uids.as_array().map_or(0, Vec::len);
        return format!("A person asks to delete what was sent before: {}", times(number as i64, "record"));
    }
    let event = contract.and_then(|contract| contract["events"].as_array()?.iter().find(|event| event["name"] == name));
    let mut parts = Vec::new();
    for (key, value) in &attributes {
        let field =
            event.and_then(|event| event["fields"].as_array()?.iter().find(|field| field["name"] == key.as_str()));
        match key.as_str() {
            "count" | "candor.divisor" | "log.record.uid" if field.is_none() => {}
            "candor.other" => parts.push("all that is not among the day's most frequent".into()),
            _ => parts.push(format!("{key} {}", value_in_words(value, field.map(|field| &field["precision"])))),
        }
    }
    let fields = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    let is_once = event.is_some_and(|event| event["linkage"] == "once");
    let mut often = if is_once { ", from one installation".to_owned() } else { String::new() };
    if let Some(count) = named("count").and_then(Value::as_i64) {
        often = format!(", counted {}", times(count, "time"));
    }
    if let Some(divisor) = named("candor.divisor").and_then(Value::as_i64).filter(|divisor| *divisor > 1) {
        often.push_str(&format!(" and standing for {divisor} times as many"));
    }
    format!("{name}{fields}{often}{}", when(record, event))
}

fn times(number: i64, what: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {what}{s}")
}

/// A value with its whole step, as far as that is known.
fn value_in_words(value: &Value, precision: Option<&Value>) -> String {
    let kind = precision.and_then(|precision| precision["kind"].as_str());
    match (kind, precision, value) {
        (_, _, Value::Bool(yes)) => if *yes { "yes" } else { "no" }.into(),
        (Some("cuts"), Some(precision), _) => step(value, precision).unwrap_or_else(|| bare(value)),
        (Some("code"), ..) => format!("{} (a code: the same again has the same code)", bare(value)),
        (Some("cohort"), Some(precision), _) => {
            let groups = precision["bits"].as_u64().and_then(|bits| 1u64.checked_shl(u32::try_from(bits).ok()?));
            groups.map_or_else(|| bare(value), |groups| format!("group {} of {groups}", bare(value)))
        }
        (None, _, Value::Number(_)) => format!("{} or more", bare(value)),
        _ => bare(value),
    }
}

fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The step whose lower bound is `value`.
fn step(value: &Value, precision: &Value) -> Option<String> {
    let name = precision["unit"].as_str()?;
    let unit = Unit::NAMED.iter().chain(&[Unit::Version, Unit::Date]).find(|unit| unit.name() == name)?;
    let cuts: Vec<i64> = precision["cuts"].as_array()?.iter().map(Value::as_i64).collect::<Option<_>>()?;
    let at = cuts.iter().position(|cut| match value {
        Value::String(text) => unit.is_text() && unit.words(*cut) == *text,
        _ => value.as_i64() == Some(*cut),
    })?;
    Some(range_words(*unit, *cuts.get(at)?, cuts.get(at + 1).copied()))
}

/// The day of the record, or the period that begins on it.
fn when(record: &Value, event: Option<&Value>) -> String {
    let nanos = &record["timeUnixNano"];
    let nanos = nanos.as_str().and_then(|text| text.parse::<u64>().ok()).or_else(|| nanos.as_u64());
    let Some(nanos) = nanos else { return String::new() };
    let day = Unit::Date.words(i64::try_from(nanos / 86_400_000_000_000).unwrap_or_default());
    match event.and_then(|event| event["every"].as_str()) {
        Some("week") => format!(" in the week from {day}"),
        Some("month") => format!(" in the month from {day}"),
        _ => format!(" on {day}"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::*;
    use serde_json::json;

    fn contract() -> Value {
        json!({"scope": "usage", "revision": 1, "events": [{"name": "library.opened", "linkage": "rollup", "fields": [
            {"name": "shelves", "precision": {"kind": "cuts", "unit": "count", "cuts": [0, 1, 2, 3, 5, 9]}},
            {"name": "film", "precision": {"kind": "cuts", "unit": "s", "cuts": [0, 3600, 7200]}},
            {"name": "since", "precision": {"kind": "cuts", "unit": "date", "cuts": [20454, 20485]}},
            {"name": "server", "precision": {"kind": "code", "bits": 64}},
            {"name": "arm", "precision": {"kind": "cohort", "bits": 1}},
            {"name": "format", "precision": {"kind": "labels", "labels": ["epub", "other"]}},
            {"name": "sorted", "precision": {"kind": "flag"}},
        ]}]})
    }

    fn said(attributes: Value, contract: Option<&Value>) -> String {
        let record =
            json!({"timeUnixNano": "1795996800000000000", "eventName": "library.opened", "attributes": attributes});
        super::record(&record, contract)
    }

    #[test]
    fn a_record_is_said_in_words() {
        let one = |key: &str, value: Value| json!([{"key": key, "value": value}]);
        let contract = contract();
        let counted = json!([
            {"key": "shelves", "value": {"intValue": "5"}}, {"key": "count", "value": {"intValue": "3"}},
            {"key": "log.record.uid", "value": {"stringValue": "00"}},
        ]);
        assert_eq!(
            said(counted.clone(), Some(&contract)),
            "library.opened: shelves 5 to 8, counted 3 times on 2026-11-30"
        );
        assert_eq!(said(counted, None), "library.opened: shelves 5 or more, counted 3 times on 2026-11-30");
        for (attributes, words) in [
            (one("film", json!({"intValue": "3600"})), "film 60 to under 120 min"),
            (one("film", json!({"intValue": "7200"})), "film 120 min or more"),
            (one("film", json!({"intValue": "17"})), "film 17"),
            (one("since", json!({"stringValue": "2026-01-01"})), "since 2026-01-01 to before 2026-02-01"),
            (one("server", json!({"stringValue": "ab"})), "server ab (a code: the same again has the same code)"),
            (one("arm", json!({"intValue": "2"})), "arm group 2 of 2"),
            (one("format", json!({"stringValue": "epub"})), "format epub"),
            (one("sorted", json!({"boolValue": true})), "sorted yes"),
            (one("unknown", json!({"intValue": 4})), "unknown 4 or more"),
            (one("candor.other", json!({"boolValue": true})), "all that is not among the day's most frequent"),
        ] {
            assert_eq!(said(attributes, Some(&contract)), format!("library.opened: {words} on 2026-11-30"));
        }
        let divided = json!([
            {"key": "count", "value": {"intValue": "1"}}, {"key": "candor.divisor", "value": {"intValue": "1024"}},
        ]);
        let words = "library.opened, counted 1 time and standing for 1024 times as many on 2026-11-30";
        assert_eq!(said(divided, Some(&contract)), words);
        let uids = json!({"arrayValue": {"values": [{"stringValue": "0a"}, {"stringValue": "0b"}]}});
        let erasure = json!({"eventName": "candor.erasure", "attributes": one("candor.erasure.uids", uids)});
        assert_eq!(record(&erasure, None), "A person asks to delete what was sent before: 2 records");
        assert_eq!(record(&json!(17), None), "a record without an event's name");
    }

    #[test]
    fn a_period_is_named() {
        for (every, words) in [("week", "in the week from"), ("month", "in the month from"), ("day", "on")] {
            let mut contract = contract();
            contract["events"][0]["every"] = every.into();
            assert_eq!(said(json!([]), Some(&contract)), format!("library.opened {words} 2026-11-30"));
            contract["events"][0]["linkage"] = "once".into();
            let once = format!("library.opened, from one installation {words} 2026-11-30");
            assert_eq!(said(json!([]), Some(&contract)), once);
        }
    }

    #[test]
    fn a_contract_is_found_by_what_the_request_names_and_nowhere_else() {
        let home = tempfile::tempdir().unwrap();
        let source =
            |application: &str, revision| Source { application: application.into(), scope: "usage".into(), revision };
        let store = home.path().join("org.example.books/candor-1/contracts");
        fs::create_dir_all(&store).unwrap();
        fs::write(store.join("a"), "Not a contract").unwrap();
        fs::write(store.join("b"), contract().to_string()).unwrap();
        fs::write(store.join("c"), json!({"scope": "other", "revision": 1}).to_string()).unwrap();
        let found = |application, revision| super::contract(home.path(), &source(application, revision)).is_some();
        assert!(found("org.example.books", 1));
        for (application, revision) in
            [("org.example.books", 2), ("org.example.films", 1), ("", 1), ("../org.example.books", 1)]
        {
            assert!(!found(application, revision), "{application} {revision}");
        }
        let inner = home.path().join("org.example.books/development/org.example.books/candor-1/contracts");
        fs::create_dir_all(&inner).unwrap();
        let newer = json!({"scope": "usage", "revision": 2});
        fs::write(inner.join("d"), newer.to_string()).unwrap();
        assert!(found("org.example.books", 2));
    }
}
