//! The line: one record in the form in which it is kept, shown and sent. The bytes are the same in all three places.
//!
//! A line is an OTLP `LogRecord` in JSON. There is exactly one way to write a given record. A line that is read back is
//! decoded, written again and compared: candor never sends a line that this program would not have written itself. A stored line
//! may also have the form of the version before, and is sent in this one.

use crate::{
    ambient::{Day, hex, unhex},
    consent::WAITING_DAYS,
    event::{Field, Linkage, MAX_FIELDS, Registry, Schema, Values},
    precision::{Precision, ROLLUP_COUNT},
};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The attribute that says of how many the reporter is one: [`Schema::divisor`].
const DIVISOR: &str = "candor.divisor";

/// The largest count of the version before. It becomes the step next to it.
const LAST_COUNT_BEFORE: i64 = 1_024;

/// The forms in which a record was ever written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The one in which it is written now.
    Now,
    /// That of the version before: without a divisor, and with counts up to 1,024.
    Before,
}

/// OTLP's severity number for information (INFO).
const INFO: u8 = 9;

#[cfg(test)]
thread_local! {
    /// How many records this thread has decoded.
    pub(crate) static DECODED: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// One record: the outcomes of its fields, no raw values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub(crate) schema: &'static Schema,
    /// The UTC day of the record. No finer time is kept.
    pub(crate) day: Day,
    pub(crate) outcomes: [u16; MAX_FIELDS],
    pub(crate) code: [u8; 8],
    /// For a roll-up: the outcome of the count. Otherwise 0.
    pub(crate) count: u16,
    /// For a roll-up: this record sums all combinations that were not among the most frequent ones of the day.
    pub(crate) other: bool,
    /// Random, so that a receiver can recognise repeats and the person can name the record.
    pub(crate) uid: [u8; 16],
}

impl Record {
    /// Writes the record in its only form. `None` if the schema does not have one of the outcomes.
    pub(crate) fn encode(&self) -> Option<String> {
        self.encode_in(Form::Now)
    }

    fn encode_in(&self, form: Form) -> Option<String> {
        let nanos = self.day.start().0.checked_mul(1_000_000)?;
        let mut out = String::with_capacity(384);
        let _ = write!(
            out,
            r#"{{"timeUnixNano":"{nanos}","observedTimeUnixNano":"{nanos}","severityNumber":{INFO},"eventName":"{}","attributes":["#,
            self.schema.name()
        );
        if !self.other {
            for (field, &outcome) in self.schema.fields().iter().zip(&self.outcomes) {
                if outcome != 0 {
                    let value = wire_value(field, outcome, &self.code)?;
                    let _ = write!(out, r#"{{"key":"{}","value":{value}}},"#, field.name);
                }
            }
        }
        if self.schema.linkage() == Linkage::Rollup {
            let count = match ROLLUP_COUNT.lower_cut(self.count)? {
                count if form == Form::Before && count > LAST_COUNT_BEFORE => LAST_COUNT_BEFORE,
                count => count,
            };
            if self.other {
                out.push_str(r#"{"key":"candor.other","value":{"boolValue":true}},"#);
            }
            let _ = write!(out, r#"{{"key":"count","value":{{"intValue":"{count}"}}}},"#);
        } else if self.count != 0 || self.other {
            return None;
        }
        if form == Form::Now {
            let _ = write!(out, r#"{{"key":"{DIVISOR}","value":{{"intValue":"{}"}}}},"#, self.schema.divisor());
        }
        let _ = write!(out, r#"{{"key":"log.record.uid","value":{{"stringValue":"{}"}}}}]}}"#, hex(&self.uid));
        Some(out)
    }

    /// The record of a stored line, and the line as this program would write it. `None` unless these are exactly the bytes that
    /// this version would write, or that the version before would have written.
    pub(crate) fn stored(json: &str, registry: &Registry) -> Option<(Record, String)> {
        let record = Record::salvage(&serde_json::from_str(json).ok()?, registry)?;
        let line = record.encode()?;
        (line == json || record.encode_in(Form::Before)? == json).then_some((record, line))
    }

    /// The record of a line that the caller has parsed: `value` is what `json` says. `None` unless these are exactly the bytes
    /// that this program would write for it.
    pub(crate) fn of(value: &Value, json: &str, registry: &Registry) -> Option<Record> {
        let record = Record::salvage(value, registry)?;
        (record.encode()? == json).then_some(record)
    }

    /// The record that a JSON value describes, even if another version wrote it. Only its outcomes are taken over. `None` if
    /// it names another divisor than this version does: what it counts would be multiplied by the wrong number.
    pub(crate) fn salvage(value: &Value, registry: &Registry) -> Option<Record> {
        #[cfg(test)]
        DECODED.with(|decoded| decoded.set(decoded.get() + 1));
        let schema = registry.schema_named(value.get("eventName")?.as_str()?)?;
        let nanos: u64 = value.get("timeUnixNano")?.as_str()?.parse().ok()?;
        let mut record = Record {
            schema,
            day: Day(u32::try_from(nanos / 86_400_000_000_000).ok()?),
            outcomes: [0; MAX_FIELDS],
            code: [0; 8],
            count: 0,
            other: false,
            uid: [0; 16],
        };
        for attribute in value.get("attributes")?.as_array()? {
            let (key, value) = (attribute.get("key")?.as_str()?, attribute.get("value")?);
            match key {
                "log.record.uid" => record.uid = unhex(value.get("stringValue")?.as_str()?)?,
                DIVISOR => {
                    let said: u64 = value.get("intValue")?.as_str()?.parse().ok()?;
                    (said == schema.divisor()).then_some(())?;
                }
                "candor.other" => record.other = value.get("boolValue")?.as_bool()?,
                "count" if schema.linkage() == Linkage::Rollup => {
                    record.count = outcome_of_count(value)?;
                }
                name => {
                    let at = schema.fields().iter().position(|field| field.name == name)?;
                    let field = schema.fields().get(at)?;
                    *record.outcomes.get_mut(at)? = outcome_of(field, value, &mut record.code)?;
                }
            }
        }
        Some(record)
    }

    /// Whether the record's period has been over for longer than records wait.
    pub(crate) fn is_too_old(&self, today: Day) -> bool {
        self.schema.last_of(self.day).0.saturating_add(WAITING_DAYS + 1) < today.0
    }

    /// Whether a correct clock and a valid event can have made this record. Its day is at most one day ahead of
    /// `today`, and the first of its period if it has one. Its period ended at most `WAITING_DAYS` + 1 days before `today`. A
    /// roll-up has a count. Its outcomes are ones that the fields have.
    pub(crate) fn is_plausible(&self, today: Day) -> bool {
        let begins = self.schema.period().is_none_or(|period| period.start(self.day) == self.day);
        let in_time = begins && self.day.0 <= today.0.saturating_add(1) && !self.is_too_old(today);
        let counted = self.schema.linkage() != Linkage::Rollup || self.count > 0;
        in_time && counted && (self.other || self.schema.could_keep(&self.outcomes))
    }

    /// Whether it carries a code or a cohort, which can be matched with those of other records of the same period.
    pub(crate) fn has_code(&self) -> bool {
        let keyed = |field: &Field| matches!(field.precision, Precision::Code { .. } | Precision::Cohort { .. });
        self.schema.fields().iter().zip(&self.outcomes).any(|(field, outcome)| keyed(field) && *outcome != 0)
    }

    /// The record's id, as it is sent.
    pub(crate) fn uid_hex(&self) -> String {
        hex(&self.uid)
    }
}

/// An outcome as an OTLP `AnyValue`. OTLP's JSON writes 64-bit integers as strings.
fn wire_value(field: &Field, outcome: u16, code: &[u8; 8]) -> Option<String> {
    let value = match &field.precision {
        Precision::Flag => json!({"boolValue": flag(outcome)?}),
        precision @ (Precision::Labels(_) | Precision::Releases(_)) => {
            json!({"stringValue": precision.label(outcome)?})
        }
        precision @ Precision::Cuts { unit, .. } => match precision.lower_cut(outcome)? {
            cut if unit.is_text() => json!({"stringValue": unit.words(cut)}),
            cut => json!({"intValue": cut.to_string()}),
        },
        Precision::Code { .. } => json!({"stringValue": hex(code)}),
        Precision::Cohort { .. } => json!({"intValue": outcome.to_string()}),
    };
    Some(value.to_string())
}

fn outcome_of(field: &Field, value: &Value, code: &mut [u8; 8]) -> Option<u16> {
    let text = || value.get("stringValue")?.as_str();
    let number = || value.get("intValue")?.as_str();
    match &field.precision {
        Precision::Flag => Some(1 + u16::from(value.get("boolValue")?.as_bool()?)),
        precision @ (Precision::Labels(_) | Precision::Releases(_)) => precision.outcome_of_label(text()?),
        Precision::Cuts { unit, cuts } if unit.is_text() => {
            nth(cuts.iter().position(|cut| Some(unit.words(*cut).as_str()) == text()))
        }
        Precision::Cuts { cuts, .. } => nth(cuts.binary_search(&number()?.parse().ok()?).ok()),
        Precision::Code { .. } => {
            *code = unhex(text()?)?;
            Some(1)
        }
        Precision::Cohort { .. } => number()?.parse().ok().filter(|outcome| *outcome > 0),
    }
}

/// The outcome of a roll-up's count.
fn outcome_of_count(value: &Value) -> Option<u16> {
    let Precision::Cuts { cuts, .. } = ROLLUP_COUNT else { return None };
    let said: i64 = value.get("intValue")?.as_str()?.parse().ok()?;
    let count = if said == LAST_COUNT_BEFORE { LAST_COUNT_BEFORE + 1 } else { said };
    nth(cuts.binary_search(&count).ok())
}

/// The outcome at a position.
fn nth(position: Option<usize>) -> Option<u16> {
    u16::try_from(position?.checked_add(1)?).ok()
}

fn flag(outcome: u16) -> Option<bool> {
    match outcome {
        1 => Some(false),
        2 => Some(true),
        _ => None,
    }
}

/// Writes a combination of outcomes and its count as a line of the day's counts: readable, and in exactly one form.
pub(crate) fn encode_cell(schema: &Schema, outcomes: &[u16; MAX_FIELDS], count: u64) -> Option<String> {
    let mut out = format!(r#"{{"event":"{}","fields":{{"#, schema.name());
    let mut first = true;
    for (field, &outcome) in schema.fields().iter().zip(outcomes) {
        if outcome != 0 {
            let comma = if first { "" } else { "," };
            let _ = write!(out, r#"{comma}"{}":{}"#, field.name, wire_value(field, outcome, &[0; 8])?);
            first = false;
        }
    }
    // Counts of a build that chose otherwise can't be multiplied by this one's divisor: they are not decoded.
    let divisor = match schema.divisor() {
        1 => String::new(),
        divisor => format!(r#","divisor":{divisor}"#),
    };
    let _ = write!(out, r#"}},"count":{count}{divisor}}}"#);
    Some(out)
}

/// What [`encode_cell`] wrote. `None` unless these are exactly its bytes.
pub(crate) fn decode_cell(json: &str, registry: &Registry) -> Option<(&'static Schema, [u16; MAX_FIELDS], u64)> {
    let value: Value = serde_json::from_str(json).ok()?;
    let schema = registry.schema_named(value.get("event")?.as_str()?)?;
    let count = value.get("count")?.as_u64()?;
    let mut outcomes = [0; MAX_FIELDS];
    for (name, value) in value.get("fields")?.as_object()? {
        let at = schema.fields().iter().position(|field| field.name == name)?;
        *outcomes.get_mut(at)? = outcome_of(schema.fields().get(at)?, value, &mut [0; 8])?;
    }
    let sound = match schema.linkage() {
        Linkage::Rollup => count > 0,
        // Of some fields of snapshots, all values of the period are counted.
        Linkage::Once => schema.values() == Some(Values::Last) && count > 0,
        _ => false,
    };
    (sound && encode_cell(schema, &outcomes, count)? == json).then_some((schema, outcomes, count))
}
