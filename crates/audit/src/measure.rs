//! The measurement. In one pass, every row is counted under the code of its class, of its class without each field, and of
//! the runs that end in it. Raw values are not kept beyond this module: only codes and counts remain.

use crate::{
    classes::Cell,
    code::{Code, Coder},
    error::{Error, Result},
    input::{EVENTS_MOST, LINES_NAMED, Row, Rows},
    invert::Inversion,
    number::Unfit,
    plan::{Field, Spec},
    reach::Column,
    runs::{LENGTHS, Runs},
    sizes::Sizes,
    tally::{Disk, Key, Records, Sum, Tally, write_number},
};
use indicatif::ProgressBar;
use std::{collections::HashMap, path::PathBuf};

/// Offsets of the figures of one event and plan.
const CLASS: u32 = 0;
const COUNTED: u32 = 1;
const RUNS: u32 = 2;
const WITHOUT: u32 = RUNS + LENGTHS.len() as u32;

/// The most figures that are counted. Each keeps its own distribution in memory.
const FIGURES_MOST: u32 = 20_000;

/// Name spaces of codes that are not fields.
const LINK: u32 = u32::MAX - 1;
const SENSITIVE: u32 = u32::MAX - 2;

/// The measurement of one event.
#[derive(Debug)]
pub(crate) struct Event {
    /// Its name.
    pub(crate) name: String,
    /// The number of its rows.
    pub(crate) rows: u64,
    /// The sum of their counts, if the input has counts.
    pub(crate) count: Option<u64>,
    /// Rows in which at least one field had a value that its class can't read. They are measured as not sent.
    pub(crate) unreadable: u64,
    /// How often each value of the first plan's fields occurs, if --reach is given. None for a field whose class is fixed.
    pub(crate) reach: Vec<Option<Column>>,
    /// Each plan, in the order of the command line.
    pub(crate) plans: Vec<Measured>,
}

/// The measurement of one event under one plan.
#[derive(Debug)]
pub(crate) struct Measured {
    /// The plan's name.
    pub(crate) name: String,
    /// Its fields.
    pub(crate) fields: Vec<Seen>,
    /// The classes.
    pub(crate) classes: Sizes,
    /// The classes by the sum of counts.
    pub(crate) counted: Sizes,
    /// The classes without each field.
    pub(crate) without: Vec<Sizes>,
    /// The runs of each of the [`LENGTHS`]. The first entry would equal the classes and stays empty here.
    pub(crate) runs: Vec<Sizes>,
    /// Distinct sensitive values in classes.
    pub(crate) sensitive: Option<Spread>,
    /// Distinct link values in classes.
    pub(crate) linked: Option<Spread>,
    /// The group inversion, if it was requested.
    pub(crate) inversion: Option<Inversion>,
    tag: u32,
}

/// A field, and how often it had no usable value.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The field.
    pub(crate) field: Field,
    /// Rows without a value.
    pub(crate) missing: u64,
    /// Rows whose value is not a number, although the class requires one.
    pub(crate) not_numbers: u64,
    /// Rows whose value is negative or NaN.
    pub(crate) negative: u64,
    /// The first lines with a value that is not a number, negative or NaN.
    pub(crate) lines: Vec<u64>,
    /// The bucket of the first row, and whether all later rows have the same.
    same: Option<(Code, bool)>,
}

/// The numbers of distinct values in classes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spread {
    /// The fewest distinct values in a class.
    pub(crate) fewest: u64,
    /// Rows in classes with a single value.
    pub(crate) rows_with_one: u64,
    /// Rows in classes with fewer than k values.
    pub(crate) rows_under_k: u64,
    /// All rows.
    pub(crate) rows: u64,
}

impl Spread {
    fn add(&mut self, distinct: u64, rows: u64, k: u64) {
        self.fewest = if self.rows == 0 { distinct } else { self.fewest.min(distinct) };
        self.rows += rows;
        self.rows_with_one += if distinct < 2 { rows } else { 0 };
        self.rows_under_k += if distinct < k { rows } else { 0 };
    }
}

/// The rows of one class that share a value of another field.
#[derive(Debug, Clone, Copy)]
struct Pair {
    class: [u64; 2],
    rows: u64,
}

impl Sum for Pair {
    fn add(&mut self, other: Pair) {
        self.rows += other.rows;
    }
    fn write(self, out: &mut Vec<u8>) {
        self.class.iter().for_each(|half| out.extend_from_slice(&half.to_le_bytes()));
        write_number(out, self.rows);
    }
    fn read(records: &mut Records) -> Result<Pair> {
        let class = records.code()?;
        Ok(Pair { class: [class as u64, (class >> 64) as u64], rows: records.number()? })
    }
}

/// The number of distinct values and of rows in one class.
#[derive(Debug, Clone, Copy)]
struct Distinct {
    values: u64,
    rows: u64,
}

impl Sum for Distinct {
    fn add(&mut self, other: Distinct) {
        self.values += other.values;
        self.rows += other.rows;
    }
    fn write(self, out: &mut Vec<u8>) {
        write_number(out, self.values);
        write_number(out, self.rows);
    }
    fn read(records: &mut Records) -> Result<Distinct> {
        Ok(Distinct { values: records.number()?, rows: records.number()? })
    }
}

/// A measurement in progress.
struct Measuring<'w> {
    spec: &'w Spec,
    coder: Coder,
    tally: Tally<u64>,
    pairs: Tally<Pair>,
    runs: Runs,
    events: Vec<Event>,
    by_name: HashMap<String, usize>,
    tags: u32,
    disk: Disk,
    spread_bytes: usize,
    /// How many values --reach keeps for each event.
    reach_values: usize,
    /// The codes of a row's buckets, and its classes. Reused for each row.
    cells: Vec<Code>,
    classes: Vec<Code>,
}

/// Reads all rows and measures them in about `memory` MiB. Returns the events, and the number of bytes written to temporary
/// files.
pub(crate) fn measure(
    rows: &mut Rows,
    spec: &Spec,
    memory: u64,
    folder: PathBuf,
    progress: &ProgressBar,
) -> Result<(Vec<Event>, u64)> {
    let mut measuring = Measuring::begin(spec, memory, folder)?;
    // Each event's columns are needed while a row is borrowed, so they are collected first. They are known beforehand for
    // OTLP and fixed for tables.
    let all = rows.columns_of("");
    let of_events: HashMap<String, Vec<usize>> =
        rows.events().map(|event| (event.clone(), rows.columns_of(event))).collect();
    rows.each(&mut |row| measuring.row(row, of_events.get(&row.event).unwrap_or(&all)))?;
    progress.set_message("counting");
    measuring.finish()
}

impl<'w> Measuring<'w> {
    fn begin(spec: &'w Spec, memory: u64, folder: PathBuf) -> Result<Measuring<'w>> {
        let disk = Disk::new(folder);
        let mut coder = Coder::fresh()?;
        // Sets memory aside for the program itself, its buffers and the standard library.
        let total = usize::try_from(memory << 20).unwrap_or(usize::MAX);
        let total = total - (total / 4).min(16 << 20);
        let (linked, paired) = (spec.link.is_some(), spec.link.is_some() || spec.sensitive.is_some());
        let part = |needed: bool| if needed { total / 7 } else { 64 << 10 };
        let (pair_bytes, spread_bytes, run_bytes) = (part(paired), part(paired), part(linked));
        let reach_bytes = if spec.reach.is_some() { total / 4 } else { 0 };
        let main = total.saturating_sub(pair_bytes + spread_bytes + run_bytes + reach_bytes);
        Ok(Measuring {
            spec,
            tally: Tally::new(main, disk.clone()),
            pairs: Tally::new(pair_bytes, disk.clone()),
            runs: Runs::new(run_bytes, spec.plans.len(), &mut coder, disk.clone()),
            coder,
            events: Vec::new(),
            by_name: HashMap::new(),
            tags: 0,
            disk,
            spread_bytes,
            // About 100 bytes for each value and its place.
            reach_values: reach_bytes / 100,
            cells: Vec::new(),
            classes: Vec::new(),
        })
    }

    fn event(&mut self, name: &str, columns: &[usize]) -> Result<usize> {
        if let Some(&at) = self.by_name.get(name) {
            return Ok(at);
        }
        if self.events.len() == EVENTS_MOST {
            return Err(Error::Input(format!(
                "there are more than {EVENTS_MOST} event names; is --event-column right? --event NAME measures one"
            )));
        }
        let mut plans = Vec::new();
        for plan in &self.spec.plans {
            if self.tags > FIGURES_MOST {
                return Err(Error::Input(format!(
                    "events, plans and fields together make more than {FIGURES_MOST} figures; name fewer with --fields, \
                     --plan or --event"
                )));
            }
            let fields = self.spec.fields(plan, columns);
            let inversion =
                self.spec.formula.as_ref().map(|formula| Inversion::new(formula, &fields, self.spec, columns));
            let without = fields.iter().map(|_| Sizes::up_to(self.spec.k)).collect();
            let seen = |field| Seen { field, missing: 0, not_numbers: 0, negative: 0, lines: Vec::new(), same: None };
            let tag = self.tags;
            self.tags += WITHOUT + fields.len() as u32;
            plans.push(Measured {
                name: plan.name.clone(),
                fields: fields.into_iter().map(seen).collect(),
                classes: Sizes::up_to(self.spec.k),
                counted: Sizes::up_to(self.spec.k),
                without,
                runs: LENGTHS.iter().map(|_| Sizes::up_to(0)).collect(),
                sensitive: self.spec.sensitive.is_some().then(Spread::default),
                linked: self.spec.link.is_some().then(Spread::default),
                inversion,
                tag,
            });
        }
        let fields = plans.first().map_or(&[][..], |plan| &plan.fields[..]);
        let most = (self.reach_values / fields.len().max(1)).clamp(2_048, 100_000);
        let column = |seen: &Seen| seen.field.class.is_open().then(|| Column::new(&seen.field.class, most));
        let reach = if self.spec.reach.is_some() { fields.iter().map(column).collect() } else { Vec::new() };
        let at = self.events.len();
        self.events.push(Event { name: name.to_owned(), rows: 0, count: None, unreadable: 0, reach, plans });
        self.by_name.insert(name.to_owned(), at);
        Ok(at)
    }

    fn row(&mut self, row: &Row, columns: &[usize]) -> Result<()> {
        let at = self.event(&row.event, columns)?;
        let Some(event) = self.events.get_mut(at) else { return Ok(()) };
        event.rows += 1;
        let weight = row.weight.unwrap_or(1);
        if row.weight.is_some() {
            // Rows before the first row with a count have a weight of one each.
            event.count.get_or_insert(event.rows - 1);
        }
        event.count = event.count.map(|count| count.saturating_add(weight));
        let link = match self.spec.link {
            None => Some(0),
            Some(column) if row.value(column).is_empty() => None,
            Some(column) => Some(self.coder.code(LINK, 0, row.value(column))),
        };
        let sensitive = self.spec.sensitive.as_ref();
        let sensitive =
            sensitive.map(|field| code(&mut self.coder, SENSITIVE, field.class.cell(row.value(field.column))));
        let first = event.plans.first().map_or(&[][..], |plan| &plan.fields[..]);
        for (column, seen) in event.reach.iter_mut().zip(first) {
            column.iter_mut().for_each(|column| column.add(row.value(seen.field.column)));
        }
        self.classes.clear();
        let mut unreadable = false;
        for plan in &mut event.plans {
            self.cells.clear();
            for seen in &mut plan.fields {
                let cell = seen.field.class.cell(row.value(seen.field.column));
                let code = code(&mut self.coder, seen.field.column as u32, cell);
                unreadable |= seen.note(cell, code, row.line);
                self.cells.push(code);
            }
            let class = self.cells.iter().fold(0, |sum: Code, cell| sum.wrapping_add(*cell));
            self.classes.push(class);
            self.tally.add(Key::new(plan.tag + CLASS, class), 1)?;
            if self.spec.counted {
                self.tally.add(Key::new(plan.tag + COUNTED, class), weight)?;
            }
            for (tag, cell) in (plan.tag + WITHOUT..).zip(&self.cells) {
                self.tally.add(Key::new(tag, class.wrapping_sub(*cell)), 1)?;
            }
            let pair = Pair { class: [class as u64, (class >> 64) as u64], rows: 1 };
            if let Some(sensitive) = sensitive {
                self.pairs.add(Key::new(plan.tag, class.wrapping_add(sensitive)), pair)?;
            }
            if let (Some(link), Some(_)) = (link, &plan.linked) {
                self.pairs.add(Key::new(plan.tag + 1, class.wrapping_add(link)), pair)?;
            }
            if let Some(inversion) = &mut plan.inversion {
                inversion.row(row)?;
            }
        }
        event.unreadable += u64::from(unreadable);
        let Some(link) = link else { return Ok(()) };
        let plans: &[Measured] = &event.plans;
        let tally = &mut self.tally;
        self.runs.row(at, link, &self.classes, &mut |_, plan, length, code| {
            let tag = plans.get(plan).map_or(0, |plan| plan.tag);
            tally.add(Key::new(tag + RUNS + length as u32, code), 1)
        })
    }

    fn finish(self) -> Result<(Vec<Event>, u64)> {
        let Measuring { mut tally, pairs, runs, mut events, spec, disk, spread_bytes, .. } = self;
        let tags: Vec<Vec<u32>> =
            events.iter().map(|event| event.plans.iter().map(|plan| plan.tag).collect()).collect();
        runs.finish(&mut |event, plan, length, code| {
            let tag = tags.get(event).and_then(|plans| plans.get(plan)).copied().unwrap_or(0);
            tally.add(Key::new(tag + RUNS + length as u32, code), 1)
        })?;
        let mut plans: Vec<&mut Measured> = events.iter_mut().flat_map(|event| &mut event.plans).collect();
        spread(pairs, Tally::new(spread_bytes, disk.clone()), spec.k, &mut plans)?;
        tally.drain(&mut |key, size| {
            let at = plans.partition_point(|plan| plan.tag <= key.tag).saturating_sub(1);
            let Some(plan) = plans.get_mut(at) else { return Ok(()) };
            let figure = key.tag - plan.tag;
            match figure {
                CLASS => plan.classes.add(size),
                COUNTED => plan.counted.add(size),
                RUNS..WITHOUT => {
                    plan.runs.get_mut((figure - RUNS) as usize).into_iter().for_each(|runs| runs.add(size))
                }
                _ => plan.without.get_mut((figure - WITHOUT) as usize).into_iter().for_each(|sizes| sizes.add(size)),
            }
            Ok(())
        })?;
        Ok((events, disk.written()))
    }
}

/// Turns rows counted by class and value into distinct values by class.
fn spread(pairs: Tally<Pair>, mut classes: Tally<Distinct>, k: u64, plans: &mut [&mut Measured]) -> Result<()> {
    pairs.drain(&mut |key, pair| {
        let [low, high] = pair.class;
        let class = Code::from(high) << 64 | Code::from(low);
        classes.add(Key::new(key.tag, class), Distinct { values: 1, rows: pair.rows })
    })?;
    classes.drain(&mut |key, distinct| {
        let at = plans.partition_point(|plan| plan.tag <= key.tag).saturating_sub(1);
        let Some(plan) = plans.get_mut(at) else { return Ok(()) };
        let spread = if key.tag == plan.tag { &mut plan.sensitive } else { &mut plan.linked };
        if let Some(spread) = spread {
            spread.add(distinct.values, distinct.rows, k);
        }
        Ok(())
    })
}

impl Seen {
    /// How many values could not be read.
    pub(crate) fn unreadable(&self) -> u64 {
        self.not_numbers + self.negative
    }

    /// Whether all rows had the same bucket, so that the field tells none of them apart.
    pub(crate) fn is_constant(&self) -> bool {
        self.same.is_none_or(|(_, same)| same)
    }

    /// Counts the value of a row. Returns whether it could not be read.
    fn note(&mut self, cell: Cell<'_>, code: Code, line: u64) -> bool {
        let (first, same) = self.same.get_or_insert((code, true));
        *same &= *first == code;
        match cell {
            Cell::NotSent(Unfit::Missing) => self.missing += 1,
            Cell::NotSent(unfit) => {
                let count = if unfit == Unfit::Negative { &mut self.negative } else { &mut self.not_numbers };
                *count += 1;
                if self.lines.len() < LINES_NAMED {
                    self.lines.push(line);
                }
                return true;
            }
            Cell::Text(_) | Cell::Numbers(_) => {}
        }
        false
    }
}

/// The code of a bucket. A value that is not sent adds nothing to a class, whether the field is absent or its value
/// unusable.
fn code(coder: &mut Coder, space: u32, cell: Cell<'_>) -> Code {
    match cell {
        Cell::NotSent(_) => 0,
        Cell::Text(text) => coder.code(space, 1, text),
        Cell::Numbers(number) => coder.code(space, 2, &number.to_le_bytes()),
    }
}
