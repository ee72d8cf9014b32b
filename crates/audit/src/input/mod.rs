//! Rows from a table or from OTLP bodies, one at a time, in bounded memory. Malformed rows are counted, with the first line
//! where each kind occurs; none is repaired by guessing. The format is detected by content, never by a file's name.

mod delimiter;
mod otlp;
mod source;
mod table;

use crate::{
    args::{Audit, Format},
    error::Result,
};
use indicatif::{ProgressBar, ProgressStyle};
use source::{Input, Troubles};
use std::path::Path;

pub(crate) use otlp::{EVENTS_MOST, Rest};
pub(crate) use source::{LINES_NAMED, Row};
pub(crate) use table::position;

/// The input in its detected format.
pub(crate) enum Rows {
    /// A table.
    Table(Box<table::Table>),
    /// Bodies or records.
    Otlp(Box<otlp::Bodies>),
}

impl Rows {
    /// Opens the input and reads as much as is needed to know its columns.
    pub(crate) fn open(audit: &Audit, file: &Path, progress: &ProgressBar) -> Result<Rows> {
        let mut input = Input::open(file, progress)?;
        let format = input.format(audit.format)?;
        let troubles = Troubles { strict: audit.strict, ..Troubles::default() };
        match format {
            Format::Otlp => Ok(Rows::Otlp(Box::new(otlp::Bodies::open(input, audit, troubles)?))),
            _ => Ok(Rows::Table(Box::new(table::Table::open(input, audit, troubles)?))),
        }
    }

    /// The names of all columns.
    pub(crate) fn columns(&self) -> &[String] {
        match self {
            Rows::Table(table) => table.columns(),
            Rows::Otlp(bodies) => bodies.columns(),
        }
    }

    /// The columns that an event has.
    pub(crate) fn columns_of(&self, event: &str) -> Vec<usize> {
        match self {
            Rows::Table(table) => table.columns_of(),
            Rows::Otlp(bodies) => bodies.columns_of(event),
        }
    }

    /// The events that are known before the rows are read.
    pub(crate) fn events(&self) -> impl Iterator<Item = &String> {
        match self {
            Rows::Table(_) => None,
            Rows::Otlp(bodies) => Some(bodies.events()),
        }
        .into_iter()
        .flatten()
    }

    /// Calls `row` for every row, in order.
    pub(crate) fn each(&mut self, row: &mut dyn FnMut(&Row) -> Result<()>) -> Result<()> {
        match self {
            Rows::Table(table) => table.each(row),
            Rows::Otlp(bodies) => bodies.each(row),
        }
    }

    /// The problems in the rows that were left out.
    pub(crate) fn troubles(&self) -> &Troubles {
        match self {
            Rows::Table(table) => &table.troubles,
            Rows::Otlp(bodies) => &bodies.troubles,
        }
    }

    /// The records that were left out because they have no fields. A table has none.
    pub(crate) fn rest(&self) -> Option<&Rest> {
        match self {
            Rows::Table(_) => None,
            Rows::Otlp(bodies) => Some(bodies.rest()).filter(|rest| rest.records > 0),
        }
    }

    /// Notes about the input for the reader of the report.
    pub(crate) fn notes(&self) -> Vec<String> {
        match self {
            Rows::Table(table) => table.notes.clone(),
            Rows::Otlp(bodies) => bodies.notes(),
        }
    }

    /// What separates the columns of a table.
    pub(crate) fn delimiter(&self) -> Option<char> {
        match self {
            Rows::Table(table) => Some(char::from(table.delimiter)),
            Rows::Otlp(_) => None,
        }
    }

    /// `csv` or `otlp`.
    pub(crate) fn format(&self) -> &'static str {
        match self {
            Rows::Table(_) => "csv",
            Rows::Otlp(_) => "otlp",
        }
    }
}

/// The progress bar for the reading. Hidden if there is no terminal.
pub(crate) fn progress(quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::no_length();
    let form = "{msg} {wide_bar} {bytes} of {total_bytes}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(form) {
        bar.set_style(style);
    }
    bar.with_message("reading")
}
