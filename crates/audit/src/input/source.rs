//! What both formats share: a row, the troubles with rows that are left out, and the bytes of the input. Knows no format's rules.

use crate::{
    args::Format,
    error::{Error, Result, Trying as _},
    words,
};
use indicatif::ProgressBar;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek as _},
    path::Path,
};

/// The longest value that is read, in bytes. It bounds a quoted value whose quote is never closed.
pub(crate) const VALUE_MOST: usize = 64 << 10;
/// The most columns of a table, or distinct attributes.
pub(crate) const COLUMNS_MOST: usize = 4_096;
/// How much of the input is looked at to find the delimiter, in bytes.
const BEGINNING: u64 = 256 << 10;
/// The longest name of an event, in bytes.
pub(super) const EVENT_MOST: usize = 256;

/// One row. Its buffers are reused for the next row.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(super) bytes: Vec<u8>,
    pub(super) spans: Vec<(usize, usize)>,
    /// The line where it begins.
    pub(crate) line: u64,
    /// The event it belongs to.
    pub(crate) event: String,
    /// How many times it counts, if the input has counts.
    pub(crate) weight: Option<u64>,
}

impl Row {
    /// The value in a column. Empty if there is none.
    pub(crate) fn value(&self, column: usize) -> &[u8] {
        self.spans.get(column).and_then(|&(from, to)| self.bytes.get(from..to)).unwrap_or_default()
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
        self.weight = None;
    }

    pub(super) fn push(&mut self, value: &[u8]) {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.spans.push((from, self.bytes.len()));
    }

    pub(super) fn set(&mut self, column: usize, value: &[u8]) {
        if self.spans.len() <= column {
            self.spans.resize(column + 1, (0, 0));
        }
        let from = self.bytes.len();
        self.bytes.extend_from_slice(value);
        if let Some(span) = self.spans.get_mut(column) {
            *span = (from, self.bytes.len());
        }
    }
}

/// How many lines are named for one kind of problem.
pub(crate) const LINES_NAMED: usize = 3;

/// The problems in rows that were left out: the number of rows with each kind, and the first lines of each kind.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    pub(super) kinds: BTreeMap<&'static str, (u64, Vec<u64>)>,
    pub(super) strict: bool,
}

impl Troubles {
    pub(super) fn add(&mut self, kind: &'static str, line: u64) -> Result<()> {
        if self.strict {
            return Err(Error::Input(format!(
                "line {line}: {kind}; without --strict such rows are left out and counted"
            )));
        }
        self.note(kind, line);
        Ok(())
    }

    /// Counts a row that is left out although it is not malformed. This is no error with `--strict`.
    pub(super) fn note(&mut self, kind: &'static str, line: u64) {
        let (rows, lines) = self.kinds.entry(kind).or_default();
        *rows += 1;
        if lines.len() < LINES_NAMED {
            lines.push(line);
        }
    }

    /// Each kind with its number of rows and its first lines.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = (&'static str, u64, &[u64])> {
        self.kinds.iter().map(|(kind, (rows, lines))| (*kind, *rows, &lines[..]))
    }
}

/// The bytes of the input.
pub(super) struct Input {
    pub(super) reader: Box<dyn BufRead>,
    /// The file, if the input is one, so that it can be read again.
    pub(super) file: Option<File>,
    pub(super) progress: ProgressBar,
}

impl Input {
    pub(super) fn open(path: &Path, progress: &ProgressBar) -> Result<Input> {
        let what = || format!("can't read {}", path.display());
        if path == Path::new("-") {
            return Ok(Input::of(io::stdin(), None, progress));
        }
        let file = File::open(path).trying(what)?;
        let about = file.metadata().trying(what)?;
        if about.is_dir() {
            return Err(Error::Input(format!("{} is a folder; name a file in it", path.display())));
        }
        if !about.is_file() {
            return Ok(Input::of(file, None, progress));
        }
        progress.set_length(about.len());
        let again = file.try_clone().trying(what)?;
        Ok(Input::of(file, Some(again), progress))
    }

    fn of(source: impl Read + 'static, file: Option<File>, progress: &ProgressBar) -> Input {
        let reader = BufReader::with_capacity(256 << 10, progress.wrap_read(source));
        Input { reader: Box::new(reader), file, progress: progress.clone() }
    }

    /// The beginning of the input, and whether it is the whole input. Nothing of it is consumed.
    pub(super) fn beginning(&mut self) -> Result<(Vec<u8>, bool)> {
        let mut start = Vec::new();
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        let mut taken = rest.take(BEGINNING);
        taken.read_to_end(&mut start).trying(|| "can't read the input".into())?;
        let whole = (start.len() as u64) < BEGINNING;
        self.reader = Box::new(io::Cursor::new(start.clone()).chain(taken.into_inner()));
        Ok((start, whole))
    }

    /// Detects the format from the beginning of the input. Skips a byte-order mark.
    pub(super) fn format(&mut self, wanted: Format) -> Result<Format> {
        let wrong = |what: &str| Err(Error::Input(format!("the input {what}")));
        let start = self.reader.fill_buf().trying(|| "can't read the input".into())?;
        match start {
            [0x1f, 0x8b, ..] => {
                return wrong("is compressed (gzip); unpack it first, such as with `gzip -dc FILE | candor-audit -`");
            }
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                return wrong("is UTF-16; convert it to UTF-8 first, such as with iconv");
            }
            _ => {}
        }
        let mark = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let first = start.iter().skip(mark).copied().find(|byte| !byte.is_ascii_whitespace());
        self.reader.consume(mark);
        match (wanted, first) {
            (_, None) if mark == 3 || self.is_blank()? => {
                wrong("is empty; a header row, or OTLP bodies one a line, were expected")
            }
            (Format::Auto, Some(b'{')) => Ok(Format::Otlp),
            (Format::Auto, Some(b'[')) => {
                wrong("is a JSON array; write its bodies or records one a line, such as with `jq -c '.[]'`")
            }
            (Format::Auto, _) => Ok(Format::Csv),
            (wanted, _) => Ok(wanted),
        }
    }

    /// Whether the rest is blank, as far as the buffer shows.
    fn is_blank(&mut self) -> Result<bool> {
        let rest = self.reader.fill_buf().trying(|| "can't read the input".into())?;
        Ok(rest.iter().all(u8::is_ascii_whitespace))
    }

    /// A file with the same bytes, which can be read from its beginning as often as needed.
    pub(super) fn into_file(mut self, temp: Option<&Path>) -> Result<File> {
        if let Some(file) = self.file {
            return Ok(file);
        }
        let what = || "can't keep the input in a temporary file (another place: --temp DIR)".into();
        let folder = temp.map_or_else(std::env::temp_dir, Path::to_path_buf);
        let mut file = tempfile::tempfile_in(folder).trying(what)?;
        io::copy(&mut self.reader, &mut file).trying(what)?;
        file.rewind().trying(what)?;
        Ok(file)
    }
}

/// Reads how many times a row counts.
pub(super) fn weight(text: &[u8]) -> Option<u64> {
    let weight: u64 = std::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()?;
    (weight > 0).then_some(weight)
}

/// Makes the names unique: a repeated name gets a number, an empty name becomes `column N`.
pub(super) fn distinct(names: Vec<String>, notes: &mut Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::with_capacity(names.len());
    let mut taken: std::collections::HashSet<String> = names.iter().cloned().collect();
    let mut seen = std::collections::HashSet::new();
    for (at, name) in names.into_iter().enumerate() {
        let name = if name.is_empty() { format!("column {}", at + 1) } else { name };
        if seen.insert(name.clone()) {
            out.push(name);
            continue;
        }
        let fresh = (2..).map(|n| format!("{name} ({n})")).find(|fresh| !taken.contains(fresh)).unwrap_or_default();
        if notes.len() < 20 {
            let (name, fresh) = (words::shown(&name), words::shown(&fresh));
            notes.push(format!("column {} is called `{name}` like an earlier one; here it is `{fresh}`", at + 1));
        }
        taken.insert(fresh.clone());
        seen.insert(fresh.clone());
        out.push(fresh);
    }
    out
}
