//! Tables: RFC 4180 with a header row. A field has a maximum length, so that a quote that is never closed can't use up all
//! memory. Never changes a value.

use super::delimiter;
use super::source::{COLUMNS_MOST, EVENT_MOST, Input, Row, Troubles, VALUE_MOST, distinct, weight};
use crate::{
    args::Audit,
    error::{Error, Result, Trying as _, did_you_mean},
    words,
};
use csv_core::ReadFieldResult;
use std::io::BufRead;

const TOO_LONG: &str = "a value is longer than 64 KiB (a quote that is never closed?)";
const TOO_FEW: &str = "fewer columns than the header";
const TOO_MANY: &str = "more columns than the header";
const NO_COUNT: &str = "its count is no whole number above 0";
const EVENT_TOO_LONG: &str = "its event name is longer than 256 bytes";

/// A table that is being read.
pub(crate) struct Table {
    lines: Lines,
    pub(super) delimiter: u8,
    columns: Vec<String>,
    event_column: Option<usize>,
    count: Option<usize>,
    event: Option<String>,
    pub(super) troubles: Troubles,
    pub(super) notes: Vec<String>,
}

impl Table {
    pub(super) fn open(mut input: Input, audit: &Audit, troubles: Troubles) -> Result<Table> {
        let delimiter = match &audit.delimiter {
            Some(text) => named_delimiter(text)?,
            None => {
                let (start, whole) = input.beginning()?;
                delimiter::find(&start, whole)?
            }
        };
        let mut lines = Lines::new(input.reader, delimiter);
        let mut header = Row::default();
        let end = lines.next(&mut header, COLUMNS_MOST)?;
        if !matches!(end, End::Row { too_long: false, columns } if columns <= COLUMNS_MOST) {
            return Err(Error::Input(match end {
                End::Row { too_long: true, .. } => format!("the header row: {TOO_LONG}"),
                End::Row { .. } => format!("the header row has more than {COLUMNS_MOST} columns"),
                End::Input => "the input is empty; a header row was expected".into(),
            }));
        }
        let names = (0..header.spans.len()).map(|at| String::from_utf8_lossy(header.value(at)).trim().to_owned());
        let mut notes = Vec::new();
        let columns = distinct(names.collect(), &mut notes);
        if let [only] = &columns[..]
            && only.contains([',', ';', '\t', '|'])
        {
            notes.push("the header is a single column; another --delimiter may be meant".into());
        }
        let find = |option: &str, name: &Option<String>| {
            name.as_ref().map(|name| position(&columns, option, name)).transpose()
        };
        let (event_column, count) = (find("--event-column", &audit.event_column)?, find("--count", &audit.count)?);
        Ok(Table { delimiter, event_column, count, columns, lines, event: audit.event.clone(), troubles, notes })
    }

    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    pub(super) fn columns_of(&self) -> Vec<usize> {
        (0..self.columns.len()).collect()
    }

    pub(super) fn each(&mut self, each: &mut dyn FnMut(&Row) -> Result<()>) -> Result<()> {
        let mut row = Row { event: self.event.clone().unwrap_or_else(|| "rows".into()), ..Row::default() };
        let wanted = self.columns.len();
        loop {
            let End::Row { columns, too_long } = self.lines.next(&mut row, wanted)? else { return Ok(()) };
            if let Some(at) = self.count {
                row.weight = weight(row.value(at));
            }
            let event = self.event_column.map(|at| row.value(at));
            let trouble = match columns {
                _ if too_long => Some(TOO_LONG),
                columns if columns < wanted => Some(TOO_FEW),
                columns if columns > wanted => Some(TOO_MANY),
                _ if self.count.is_some() && row.weight.is_none() => Some(NO_COUNT),
                _ if event.is_some_and(|event| event.len() > EVENT_MOST) => Some(EVENT_TOO_LONG),
                _ => None,
            };
            if let Some(kind) = trouble {
                self.troubles.add(kind, row.line)?;
                continue;
            }
            if let Some(event) = event {
                let event = String::from_utf8_lossy(event).into_owned();
                if self.event.as_ref().is_some_and(|wanted| *wanted != event) {
                    continue;
                }
                row.event = event;
            }
            each(&row)?;
        }
    }
}

/// The position of a column that an option names. Fails if the input has no such column.
pub(crate) fn position(columns: &[String], option: &str, name: &str) -> Result<usize> {
    columns.iter().position(|column| column == name).ok_or_else(|| {
        Error::Usage(format!(
            "{option} names `{}`, which is not there.{} There are {}.",
            words::shown(name),
            did_you_mean(name, columns.iter().map(String::as_str)),
            words::listed(columns.iter().map(String::as_str))
        ))
    })
}

fn named_delimiter(text: &str) -> Result<u8> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if !b"\"\r\n".contains(byte) => Ok(*byte),
        _ => Err(Error::Usage("--delimiter takes one ASCII character other than a quote, or `tab`.".into())),
    }
}

/// How the reading of a row ended.
enum End {
    Row { columns: usize, too_long: bool },
    Input,
}

/// A reader of rows of fields.
struct Lines {
    reader: Box<dyn BufRead>,
    core: csv_core::Reader,
    newlines: u64,
    field: Vec<u8>,
}

impl Lines {
    fn new(reader: Box<dyn BufRead>, delimiter: u8) -> Lines {
        let core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Lines { reader, core, newlines: 0, field: vec![0; VALUE_MOST] }
    }

    /// Reads a row, and keeps at most `keep` columns of it.
    fn next(&mut self, row: &mut Row, keep: usize) -> Result<End> {
        row.clear();
        self.skip_blank_lines()?;
        row.line = self.newlines + 1;
        let (mut columns, mut length, mut long, mut too_long) = (0, 0, false, false);
        loop {
            let input = self.reader.fill_buf().trying(|| "can't read the input".into())?;
            let space = self.field.get_mut(length..).unwrap_or_default();
            let (result, read, wrote) = self.core.read_field(input, space);
            let eaten = input.get(..read).unwrap_or_default();
            self.newlines += eaten.iter().filter(|byte| **byte == b'\n').count() as u64;
            self.reader.consume(read);
            length += wrote;
            match result {
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::OutputFull => (length, long) = (0, true),
                ReadFieldResult::End => return Ok(End::Input),
                ReadFieldResult::Field { record_end } => {
                    if columns < keep {
                        row.push(self.field.get(..if long { 0 } else { length }).unwrap_or_default());
                    }
                    too_long |= long;
                    columns += 1;
                    (length, long) = (0, false);
                    if record_end {
                        return Ok(End::Row { columns, too_long });
                    }
                }
            }
        }
    }

    /// Skips blank lines. The parser would skip them too, but then the line where a row begins would be unknown.
    fn skip_blank_lines(&mut self) -> Result<()> {
        loop {
            let input = self.reader.fill_buf().trying(|| "can't read the input".into())?;
            let blank = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            if blank == 0 {
                return Ok(());
            }
            self.newlines += input.iter().take(blank).filter(|byte| **byte == b'\n').count() as u64;
            self.reader.consume(blank);
        }
    }
}
