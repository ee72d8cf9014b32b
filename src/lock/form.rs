//! The lock as a document: its contents, how it is written, and how it is read back.
//!
//! Each lock has exactly one text, so that the text changes only if the program does, and a diff shows nothing else. It
//! is sorted, with one line for each field of an event. A lock that is read is not trusted: it must be that text to the
//! last byte, except for line endings, which version control may change. It must also match its digests. This module
//! compares no locks and touches no file.

use crate::consent::{Contract, ContractSchema, canonical, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Write as _};

/// The name of this format, and the prefix that all its versions share.
const FORM: &str = "candor-lock/1";
const FORMS: &str = "candor-lock/";
/// The greatest length, in bytes and with its indentation, of a list or an object that is written on one line. Fields
/// of events and the digests of notices may be longer.
const LINE: usize = 100;

/// What a program could send.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lock {
    form: String,
    pub(super) application: String,
    /// Sorted by name.
    pub(super) scopes: Vec<Entry>,
}

/// One scope: what it would ask a person to agree to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) scope: String,
    pub(super) title: String,
    /// The digest of each notice, by its language.
    pub(super) notices: BTreeMap<String, String>,
    pub(super) contract_digest: String,
    pub(super) contract: ContractSchema,
}

/// Why a text is not a valid lock, and in which line, if that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) line: Option<usize>,
    pub(super) what: String,
}

impl Trouble {
    fn at(line: usize, what: impl Into<String>) -> Self {
        Trouble { line: Some(line), what: what.into() }
    }

    fn of(error: &serde_json::Error) -> Self {
        // serde_json appends the line to its message. It is removed here, since `line` holds it.
        let text = error.to_string();
        let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned();
        Trouble { line: Some(error.line()).filter(|line| *line > 0), what }
    }
}

impl Lock {
    /// The lock of a build.
    pub(super) fn of(application: &str, contracts: &[Contract]) -> Self {
        let entry = |contract: &Contract| Entry {
            scope: contract.scope.name().into(),
            title: contract.scope.title().into(),
            notices: contract.notices().map(|it| (it.language().to_owned(), it.digest().to_owned())).collect(),
            contract_digest: contract.digest.clone(),
            contract: contract.terms.clone(),
        };
        let mut scopes: Vec<Entry> = contracts.iter().map(entry).collect();
        scopes.sort_by(|a, b| a.scope.cmp(&b.scope));
        Lock { form: FORM.into(), application: application.into(), scopes }
    }

    /// The text of the lock. It ends with a line ending.
    pub(super) fn text(&self) -> String {
        let mut out = format!(
            "{{\n  \"form\": {},\n  \"application\": {},\n  \"scopes\": [",
            json!(self.form),
            json!(self.application)
        );
        for (at, entry) in self.scopes.iter().enumerate() {
            out.push_str(if at > 0 { ",\n    {" } else { "\n    {" });
            let entries = [
                ("scope", json!(entry.scope)),
                ("title", json!(entry.title)),
                ("notices", json!(entry.notices)),
                ("contract_digest", json!(entry.contract_digest)),
                ("contract", entry.value()),
            ];
            for (at, (key, value)) in entries.iter().enumerate() {
                out.push_str(if at > 0 { ",\n" } else { "\n" });
                let _ = write!(out, "      \"{key}\": ");
                write(&mut out, value, 6, *key == "notices");
            }
            out.push_str("\n    }");
        }
        out.push_str(if self.scopes.is_empty() { "]\n}\n" } else { "\n  ]\n}\n" });
        out
    }

    /// Reads a lock.
    ///
    /// # Errors
    /// The text is not a lock, or this version of candor can't read it, or the text or a digest is not as candor wrote
    /// it.
    pub(super) fn read(bytes: &[u8]) -> Result<Lock, Trouble> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            Trouble::at(line_of(before), "it holds bytes that are no text")
        })?;
        let text = text.replace("\r\n", "\n");
        let form: Form = serde_json::from_str(&text).map_err(|error| Trouble::of(&error))?;
        if form.form != FORM {
            let number = form.form.strip_prefix(FORMS).and_then(|number| number.parse::<u32>().ok());
            let what = match number {
                Some(_) => "it was written by a newer candor: update candor, or write the file again with this one",
                None => "it is of no form that candor knows",
            };
            return Err(Trouble { line: line_with(&text, "\"form\""), what: what.into() });
        }
        let lock: Lock = serde_json::from_str(&text).map_err(|error| {
            let Trouble { line, what } = Trouble::of(&error);
            Trouble { line, what: format!("{what}: damaged, edited by hand, or written by a newer candor") }
        })?;
        for entry in &lock.scopes {
            let line = line_with(&text, &format!("\"scope\": {},", json!(entry.scope)));
            let value = entry.value();
            let terms = canonical(&value);
            let says = |key: &str, text: &str| value.get(key).and_then(Value::as_str) == Some(text);
            let fits = digest(terms.as_bytes()) == entry.contract_digest
                && entry.notices.values().all(|digest| is_digest(digest))
                && says("scope", &entry.scope)
                && says("application", &lock.application);
            let name = &entry.scope;
            if !fits {
                let what = format!("the entry of `{name}` does not fit its digest: damaged, or edited by hand");
                return Err(Trouble { line, what });
            }
            if ContractSchema::read(&terms).is_none() {
                let what =
                    format!("the contract of `{name}` is in a form that this candor does not know: update candor");
                return Err(Trouble { line, what });
            }
        }
        if let Some(pair) = lock.scopes.windows(2).find_map(|pair| match pair {
            [a, b] if a.scope >= b.scope => Some(b),
            _ => None,
        }) {
            let line = line_with(&text, &format!("\"scope\": {},", json!(pair.scope)));
            return Err(Trouble { line, what: format!("scope `{}` is out of order, or occurs twice", pair.scope) });
        }
        let written = lock.text();
        match first_difference(&text, &written) {
            Some((line, ..)) => Err(Trouble::at(line, "it is not as candor writes it: damaged, or edited by hand")),
            None => Ok(lock),
        }
    }

    /// The line of the text in which a scope begins, counted from 1.
    pub(super) fn line_of(&self, scope: &str) -> Option<usize> {
        line_with(&self.text(), &format!("\"scope\": {},", json!(scope)))
    }
}

impl Entry {
    /// The contract as JSON.
    pub(super) fn value(&self) -> Value {
        serde_json::to_value(&self.contract).unwrap_or_default()
    }
}

/// The part that every version of the format has.
#[derive(Deserialize)]
struct Form {
    form: String,
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The first line in which two texts differ, counted from 1, with that line of each text. A line that one text lacks is
/// returned as empty. A missing line ending at the end of one text is a difference. The caller must first make the kind
/// of line endings equal.
pub(super) fn first_difference(a: &str, b: &str) -> Option<(usize, String, String)> {
    let (mut left, mut right) = (a.split('\n'), b.split('\n'));
    for number in 1.. {
        match (left.next(), right.next()) {
            (None, None) => break,
            (one, other) if one == other => {}
            (one, other) => return Some((number, one.unwrap_or_default().into(), other.unwrap_or_default().into())),
        }
    }
    None
}

/// The number of the line that follows these bytes, counted from 1.
fn line_of(before: &[u8]) -> usize {
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

fn line_with(text: &str, mark: &str) -> Option<usize> {
    text.lines().position(|line| line.trim_start().starts_with(mark)).map(|at| at + 1)
}

/// Writes JSON with sorted keys. A long value is written over several lines, a `flat` one always on one line.
fn write(out: &mut String, value: &Value, indent: usize, flat: bool) {
    let line = spaced(value);
    let is_flat = match value {
        Value::Object(_) | Value::Array(_) => flat || (indent + line.len() <= LINE && !has_parts(value)),
        _ => true,
    };
    if is_flat {
        out.push_str(&line);
        return;
    }
    let pad = " ".repeat(indent + 2);
    match value {
        Value::Object(map) => {
            out.push('{');
            for (at, (key, value)) in sorted(map).into_iter().enumerate() {
                let _ = write!(out, "{}\n{pad}{}: ", if at > 0 { "," } else { "" }, json!(key));
                if key == "fields" {
                    fields(out, value, indent + 2);
                } else {
                    write(out, value, indent + 2, false);
                }
            }
            let _ = write!(out, "\n{}}}", " ".repeat(indent));
        }
        Value::Array(items) => list(out, items, indent, false),
        _ => {}
    }
}

/// Writes the fields of an event, each on its own line.
fn fields(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Array(items) if !items.is_empty() => list(out, items, indent, true),
        other => out.push_str(&spaced(other)),
    }
}

fn list(out: &mut String, items: &[Value], indent: usize, flat: bool) {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        let _ = write!(out, "{}\n{}", if at > 0 { "," } else { "" }, " ".repeat(indent + 2));
        write(out, item, indent + 2, flat);
    }
    let _ = write!(out, "\n{}]", " ".repeat(indent));
}

/// Whether the value contains lists or objects that are not empty.
fn has_parts(value: &Value) -> bool {
    let full = |value: &Value| match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(map) => map.values().any(full),
        Value::Array(items) => items.iter().any(full),
        _ => false,
    }
}

/// The value on one line, with sorted keys and a space after each colon and comma.
fn spaced(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| format!("{}: {}", json!(key), spaced(value));
            let entries: Vec<String> = sorted(map).into_iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(spaced).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// The entries sorted by key, even if another crate makes serde_json keep the order of insertion. `name` comes first,
/// since readers look for it.
fn sorted(map: &serde_json::Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| (*key != "name", *key));
    entries
}
