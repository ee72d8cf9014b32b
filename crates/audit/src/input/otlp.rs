//! OTLP/HTTP log bodies in JSON, or bare log records, one per line. A record's attributes are its fields; the envelope,
//! times, `candor.divisor` and `log.record.uid` are not. The input is read twice: first for the names, then for the values.

use super::source::{COLUMNS_MOST, EVENT_MOST, Input, LINES_NAMED, Row, Troubles, VALUE_MOST, weight};
use crate::{
    args::Audit,
    error::{Error, Result, Trying as _, did_you_mean},
    words,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Seek as _},
};

/// The longest line that is read, in bytes. candor's bodies are at most 64 KiB.
const LINE_MOST: u64 = 4 << 20;
/// The most distinct event names.
pub(crate) const EVENTS_MOST: usize = 1_000;

const NOT_OTLP: &str = "not an OTLP body or log record in JSON";
const LINE_TOO_LONG: &str = "the line is longer than 4 MiB";
const TWICE: &str = "an attribute occurs twice";
const NAME_TOO_LONG: &str = "an event's or attribute's name is longer than 256 bytes";
const VALUE_TOO_LONG: &str = "a value is longer than 64 KiB";
const NO_COUNT: &str = "its count is no whole number above 0";

/// The records that represent the remainder of a day's counts (`candor.other`). They have no fields to measure.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    /// How many there are.
    pub(crate) records: u64,
    /// The sum of their counts.
    pub(crate) count: u64,
    /// The first lines with such a record.
    pub(crate) lines: Vec<u64>,
}

/// Log bodies that are being read.
pub(crate) struct Bodies {
    file: File,
    progress: indicatif::ProgressBar,
    columns: Vec<String>,
    by_name: HashMap<String, usize>,
    events: BTreeMap<String, BTreeSet<usize>>,
    count: String,
    event: Option<String>,
    rest: Rest,
    pub(super) troubles: Troubles,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'b> {
    #[serde(borrow)]
    resource_logs: Option<Vec<ResourceLogs<'b>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceLogs<'b> {
    #[serde(borrow, default)]
    scope_logs: Vec<ScopeLogs<'b>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeLogs<'b> {
    #[serde(borrow, default)]
    log_records: Vec<&'b RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogRecord<'b> {
    #[serde(borrow)]
    event_name: Option<Cow<'b, str>>,
    #[serde(borrow)]
    attributes: Option<Vec<KeyValue<'b>>>,
}

#[derive(Deserialize)]
struct KeyValue<'b> {
    #[serde(borrow)]
    key: Cow<'b, str>,
    #[serde(borrow)]
    value: Option<&'b RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnyValue<'b> {
    #[serde(borrow)]
    string_value: Option<Cow<'b, str>>,
    #[serde(borrow)]
    int_value: Option<&'b RawValue>,
    #[serde(borrow)]
    double_value: Option<&'b RawValue>,
    bool_value: Option<bool>,
}

impl Bodies {
    pub(super) fn open(input: Input, audit: &Audit, troubles: Troubles) -> Result<Bodies> {
        let progress = input.progress.clone();
        if let Some(length) = progress.length() {
            progress.set_length(length * 2);
        }
        let mut bodies = Bodies {
            file: input.into_file(audit.temp.as_deref())?,
            progress,
            columns: Vec::new(),
            by_name: HashMap::new(),
            events: BTreeMap::new(),
            count: audit.count.clone().unwrap_or_else(|| "count".into()),
            event: audit.event.clone(),
            rest: Rest::default(),
            troubles,
        };
        if let Some(column) = &audit.event_column {
            let column = words::shown(column);
            return Err(Error::Usage(format!(
                "--event-column `{column}` is for tables; OTLP records name their event."
            )));
        }
        // `count` is the weight unless the command line names it as a field.
        let measured = audit.fields.contains(&bodies.count) && audit.count.is_none();
        if measured {
            bodies.count = String::new();
        }
        bodies.learn_names()?;
        if let Some(event) = &audit.event
            && !bodies.events.contains_key(event)
        {
            return Err(Error::Usage(format!(
                "--event names `{}`, which is not there.{} There are {}.",
                words::shown(event),
                did_you_mean(event, bodies.events.keys().map(String::as_str)),
                words::listed(bodies.events.keys().map(String::as_str))
            )));
        }
        Ok(bodies)
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn columns_of(&self, event: &str) -> Vec<usize> {
        self.events.get(event).map(|columns| columns.iter().copied().collect()).unwrap_or_default()
    }

    /// The records without fields, which were left out.
    pub(super) fn rest(&self) -> &Rest {
        &self.rest
    }

    pub(super) fn events(&self) -> impl Iterator<Item = &String> {
        self.events.keys()
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let Rest { records, count, .. } = self.rest;
        let mut notes = Vec::new();
        if records > 0 {
            notes.push(format!(
                "left out, since they have no fields: records that sum up the combinations that were not among a day's \
                 most frequent: {}, with a count of {}",
                words::whole(records),
                words::whole(count)
            ));
        }
        notes
    }

    /// The first pass: collects the names of fields and events.
    fn learn_names(&mut self) -> Result<()> {
        let (mut columns, mut by_name, mut events) = (Vec::new(), HashMap::new(), BTreeMap::new());
        self.records(&mut |_, record| {
            let Ok(record) = record else { return Ok(()) };
            let event = record.event();
            if event.len() > EVENT_MOST || record.names().any(|name| name.len() > EVENT_MOST) {
                return Ok(());
            }
            if !events.contains_key(event) {
                if events.len() == EVENTS_MOST {
                    return Err(Error::Input(format!(
                        "there are more than {EVENTS_MOST} event names; --event NAME measures one"
                    )));
                }
                events.insert(event.to_owned(), BTreeSet::new());
            }
            for name in record.names() {
                let at = match by_name.get(name) {
                    Some(at) => *at,
                    None if columns.len() == COLUMNS_MOST => {
                        return Err(Error::Input(format!("there are more than {COLUMNS_MOST} distinct attributes")));
                    }
                    None => {
                        by_name.insert(name.to_owned(), columns.len());
                        columns.push(name.to_owned());
                        columns.len() - 1
                    }
                };
                if let Some(event) = events.get_mut(event) {
                    event.insert(at);
                }
            }
            Ok(())
        })?;
        if let Some(&count) = by_name.get(&self.count) {
            events.values_mut().for_each(|columns| _ = columns.remove(&count));
        }
        (self.columns, self.by_name, self.events) = (columns, by_name, events);
        Ok(())
    }

    /// The second pass: calls `each` for every row, in order.
    pub(super) fn each(&mut self, each: &mut dyn FnMut(&Row) -> Result<()>) -> Result<()> {
        let mut row = Row::default();
        let mut troubles = std::mem::take(&mut self.troubles);
        let (mut rest, by_name) = (Rest::default(), std::mem::take(&mut self.by_name));
        let (count, wanted) = (self.count.clone(), self.event.clone());
        let done = self.records(&mut |line, record| {
            let record = match record {
                Ok(record) => record,
                Err(kind) => return troubles.add(kind, line),
            };
            if wanted.as_ref().is_some_and(|wanted| wanted != record.event()) {
                return Ok(());
            }
            match record.fill(&mut row, &by_name, &count) {
                Err(kind) => troubles.add(kind, line),
                Ok(true) => {
                    rest.records += 1;
                    rest.count = rest.count.saturating_add(row.weight.unwrap_or(1));
                    if rest.lines.len() < LINES_NAMED {
                        rest.lines.push(line);
                    }
                    Ok(())
                }
                Ok(false) => {
                    row.line = line;
                    each(&row)
                }
            }
        });
        (self.troubles, self.rest, self.by_name) = (troubles, rest, by_name);
        done
    }

    /// Calls `each` for every record with its line number. A line without a valid record gives an error; so does a line
    /// that is too long.
    fn records(&mut self, each: &mut EachRecord<'_>) -> Result<()> {
        let what = || "can't read the input".into();
        self.file.rewind().trying(what)?;
        let file = self.file.try_clone().trying(what)?;
        let mut reader = BufReader::with_capacity(256 << 10, self.progress.wrap_read(file));
        let (mut line, mut number) = (Vec::new(), 0);
        loop {
            line.clear();
            let read = reader.by_ref().take(LINE_MOST).read_until(b'\n', &mut line).trying(what)?;
            number += 1;
            if read == 0 {
                return Ok(());
            }
            if read as u64 == LINE_MOST && !line.ends_with(b"\n") {
                each(number, Err(LINE_TOO_LONG))?;
                reader.skip_until(b'\n').trying(what)?;
                continue;
            }
            let text = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| number == 1).unwrap_or(&line).trim_ascii();
            if !text.is_empty() {
                one_line(text, number, each)?;
            }
        }
    }
}

/// Callback for each record: its line number, and the record or what is wrong, as [`Troubles::add`] takes it.
type EachRecord<'e> = dyn FnMut(u64, std::result::Result<&LogRecord<'_>, &'static str>) -> Result<()> + 'e;

fn one_line(text: &[u8], line: u64, each: &mut EachRecord<'_>) -> Result<()> {
    match serde_json::from_slice::<Body<'_>>(text) {
        Err(_) => each(line, Err(NOT_OTLP)),
        Ok(Body { resource_logs: None }) => match serde_json::from_slice::<LogRecord<'_>>(text) {
            Ok(record) if record.is_one() => each(line, Ok(&record)),
            _ => each(line, Err(NOT_OTLP)),
        },
        Ok(Body { resource_logs: Some(resources) }) => {
            let records =
                resources.iter().flat_map(|resource| &resource.scope_logs).flat_map(|scope| &scope.log_records);
            for raw in records {
                match serde_json::from_str::<LogRecord<'_>>(raw.get()) {
                    Ok(record) if record.is_one() => each(line, Ok(&record))?,
                    _ => each(line, Err(NOT_OTLP))?,
                }
            }
            Ok(())
        }
    }
}

impl LogRecord<'_> {
    fn is_one(&self) -> bool {
        self.event_name.is_some() || self.attributes.is_some()
    }

    fn attributes(&self) -> &[KeyValue<'_>] {
        self.attributes.as_deref().unwrap_or_default()
    }

    fn event(&self) -> &str {
        self.event_name.as_deref().unwrap_or("(no event name)")
    }

    /// The names of the attributes that are fields, or the count.
    fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.attributes().iter().map(|attribute| attribute.key.as_ref());
        names.filter(|name| !["log.record.uid", "candor.divisor", "candor.other"].contains(name))
    }

    /// Fills a row from the record. Returns true if the record represents the remainder of a day's counts (`candor.other`).
    fn fill(
        &self,
        row: &mut Row,
        by_name: &HashMap<String, usize>,
        count: &str,
    ) -> std::result::Result<bool, &'static str> {
        row.clear();
        row.event.clear();
        row.event.push_str(self.event());
        if row.event.len() > EVENT_MOST || self.names().any(|name| name.len() > EVENT_MOST) {
            return Err(NAME_TOO_LONG);
        }
        let (mut seen, mut rest) = (BTreeSet::new(), false);
        for attribute in self.attributes() {
            let name = attribute.key.as_ref();
            if !seen.insert(name) {
                return Err(TWICE);
            }
            let value = attribute.value.map(value).transpose()?.unwrap_or_default();
            match name {
                "log.record.uid" | "candor.divisor" => {}
                "candor.other" => rest = value == "true",
                name if name == count => row.weight = Some(weight(value.as_bytes()).ok_or(NO_COUNT)?),
                _ if value.len() > VALUE_MOST => return Err(VALUE_TOO_LONG),
                name => {
                    if let Some(&column) = by_name.get(name) {
                        row.set(column, value.as_bytes());
                    }
                }
            }
        }
        Ok(rest)
    }
}

/// A value as text. Arrays and maps become their JSON.
fn value(raw: &RawValue) -> std::result::Result<Cow<'_, str>, &'static str> {
    let unquoted = |raw: &'_ RawValue| raw.get().trim_matches('"').to_owned();
    let parsed: Option<AnyValue<'_>> = serde_json::from_str(raw.get()).map_err(|_| NOT_OTLP)?;
    Ok(match parsed {
        None => Cow::Borrowed(""),
        Some(AnyValue { string_value: Some(text), .. }) => text,
        Some(AnyValue { int_value: Some(number), .. }) => unquoted(number).into(),
        Some(AnyValue { double_value: Some(number), .. }) => unquoted(number).into(),
        Some(AnyValue { bool_value: Some(flag), .. }) => if flag { "true" } else { "false" }.into(),
        Some(_) if raw.get().trim() == "{}" => Cow::Borrowed(""),
        Some(_) => Cow::Borrowed(raw.get()),
    })
}
