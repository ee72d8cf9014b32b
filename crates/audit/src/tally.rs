//! Counting by code in bounded memory. What does not fit into the table is written to temporary files, parted by the
//! code's bits, and counted part by part. Files hold codes and counts, never a value of a row.

use crate::{
    code::Code,
    error::{Result, Trying as _},
};
use std::{
    cell::Cell,
    collections::{HashMap, hash_map::Entry},
    fs::File,
    hash::{BuildHasherDefault, Hasher},
    io::{BufRead as _, BufReader, BufWriter, Read as _, Seek as _, Write as _},
    path::PathBuf,
    rc::Rc,
};

/// Into how many parts a table that is full is split. Each is a file, so this is bounded by what a process may open.
const PARTS: usize = 64;
/// Bits of the code that choose a part, at each depth.
const PART_BITS: u32 = PARTS.trailing_zeros();
/// The writer's buffer of each part.
const BUFFER: usize = 16 << 10;
/// Beyond this depth the code has no bits left that choose a part.
const DEPTH_MOST: u32 = 10;

/// Where files go, and how much went there.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    folder: PathBuf,
    written: Rc<Cell<u64>>,
}

impl Disk {
    /// Files in this folder.
    pub(crate) fn new(folder: PathBuf) -> Disk {
        Disk { folder, written: Rc::default() }
    }

    /// Bytes written so far.
    pub(crate) fn written(&self) -> u64 {
        self.written.get()
    }

    /// What the messages say.
    fn doing(&self, what: &str) -> String {
        format!("can't {what} a temporary file in {} (another place: --temp DIR)", self.folder.display())
    }
}

/// Temporary files by part. They have no name where the system allows it, and are gone when the program is.
#[derive(Debug)]
pub(crate) struct Parts {
    disk: Disk,
    depth: u32,
    files: Vec<Option<BufWriter<File>>>,
}

impl Parts {
    /// No file yet.
    pub(crate) fn new(disk: Disk, depth: u32) -> Parts {
        Parts { disk, depth, files: (0..PARTS).map(|_| None).collect() }
    }

    /// Appends a record to the part of `code`.
    pub(crate) fn write(&mut self, code: Code, record: &[u8]) -> Result<()> {
        // The low half chooses parts and the high half places in a table: else each part would crowd into a few places.
        let bits = (code as u64).checked_shr(self.depth * PART_BITS).unwrap_or(0);
        let at = bits as usize % PARTS;
        let Some(slot) = self.files.get_mut(at) else { return Ok(()) };
        let file = match slot {
            Some(file) => file,
            None => {
                let file = tempfile::tempfile_in(&self.disk.folder).trying(|| self.disk.doing("make"))?;
                slot.insert(BufWriter::with_capacity(BUFFER, file))
            }
        };
        self.disk.written.set(self.disk.written.get() + record.len() as u64);
        file.write_all(record).trying(|| self.disk.doing("write"))
    }

    /// The parts, each from its beginning; a part's file is gone when its reader is dropped.
    pub(crate) fn readers(self) -> impl Iterator<Item = Result<Records>> {
        let disk = self.disk;
        self.files.into_iter().flatten().map(move |file| {
            let mut file = file.into_inner().map_err(|error| error.into_error()).trying(|| disk.doing("write"))?;
            file.rewind().trying(|| disk.doing("read"))?;
            Ok(Records { reader: BufReader::with_capacity(256 << 10, file), disk: disk.clone() })
        })
    }
}

/// Records read back.
#[derive(Debug)]
pub(crate) struct Records {
    reader: BufReader<File>,
    disk: Disk,
}

impl Records {
    /// Whether nothing is left.
    pub(crate) fn at_end(&mut self) -> Result<bool> {
        Ok(self.reader.fill_buf().trying(|| self.disk.doing("read"))?.is_empty())
    }

    /// The next 16 bytes as a code.
    pub(crate) fn code(&mut self) -> Result<Code> {
        let mut bytes = [0; 16];
        self.reader.read_exact(&mut bytes).trying(|| self.disk.doing("read"))?;
        Ok(Code::from_le_bytes(bytes))
    }

    /// The next number of variable length.
    pub(crate) fn number(&mut self) -> Result<u64> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let mut byte = [0];
            self.reader.read_exact(&mut byte).trying(|| self.disk.doing("read"))?;
            let [byte] = byte;
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 || shift > 63 {
                return Ok(number);
            }
        }
    }
}

/// Writes a number in as few bytes as it needs.
pub(crate) fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// What is counted: which figure it belongs to, and the code of the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    high: u64,
    low: u64,
    /// Which figure.
    pub(crate) tag: u32,
}

impl Key {
    /// A key.
    pub(crate) fn new(tag: u32, code: Code) -> Key {
        Key { high: (code >> 64) as u64, low: code as u64, tag }
    }

    /// The code.
    pub(crate) fn code(self) -> Code {
        Code::from(self.high) << 64 | Code::from(self.low)
    }
}

impl std::hash::Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.high ^ u64::from(self.tag).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
}

/// Codes are random already and their key is secret, so that hashing them again would only cost time.
#[derive(Debug, Default)]
pub(crate) struct Passed(u64);

impl Hasher for Passed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {}
    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

/// A table by codes.
pub(crate) type ByCode<K, V> = HashMap<K, V, BuildHasherDefault<Passed>>;

/// What is added up for a key.
pub(crate) trait Sum: Copy {
    /// Adds another part of the same key.
    fn add(&mut self, other: Self);
    /// Writes it down.
    fn write(self, out: &mut Vec<u8>);
    /// Reads it back.
    fn read(records: &mut Records) -> Result<Self>;
}

impl Sum for u64 {
    fn add(&mut self, other: u64) {
        *self = self.saturating_add(other);
    }
    fn write(self, out: &mut Vec<u8>) {
        write_number(out, self);
    }
    fn read(records: &mut Records) -> Result<u64> {
        records.number()
    }
}

/// Sums by key, in a bounded table and files beyond it.
#[derive(Debug)]
pub(crate) struct Tally<V> {
    table: ByCode<Key, V>,
    limit: usize,
    depth: u32,
    disk: Disk,
    parts: Option<Parts>,
}

impl<V: Sum> Tally<V> {
    /// A tally whose table takes at most `bytes`.
    pub(crate) fn new(bytes: usize, disk: Disk) -> Tally<V> {
        // A table has a power of two of places, each with a byte of its own, and fills seven eighths of them.
        let places = (bytes / (size_of::<(Key, V)>() + 1)).max(64);
        let places = 1usize << places.ilog2();
        Tally { table: ByCode::default(), limit: places / 8 * 7, depth: 0, disk, parts: None }
    }

    /// Adds to a key.
    pub(crate) fn add(&mut self, key: Key, value: V) -> Result<()> {
        if self.table.len() >= self.limit && self.depth < DEPTH_MOST {
            self.spill()?;
        }
        if self.table.capacity() == 0 {
            // All at once: growing would hold the old table beside the new one. Untouched pages cost nothing.
            self.table.reserve(self.limit);
        }
        match self.table.entry(key) {
            Entry::Occupied(mut sum) => sum.get_mut().add(value),
            Entry::Vacant(place) => _ = place.insert(value),
        }
        Ok(())
    }

    /// Writes the table to files and empties it.
    fn spill(&mut self) -> Result<()> {
        let parts = self.parts.get_or_insert_with(|| Parts::new(self.disk.clone(), self.depth));
        let mut record = Vec::with_capacity(64);
        for (key, value) in self.table.drain() {
            record.clear();
            record.extend_from_slice(&key.code().to_le_bytes());
            write_number(&mut record, u64::from(key.tag));
            value.write(&mut record);
            parts.write(key.code(), &record)?;
        }
        Ok(())
    }

    /// Hands out each key once, with its whole sum.
    pub(crate) fn drain(mut self, each: &mut impl FnMut(Key, V) -> Result<()>) -> Result<()> {
        self.drain_into(each)
    }

    fn drain_into(&mut self, each: &mut impl FnMut(Key, V) -> Result<()>) -> Result<()> {
        if self.parts.is_some() {
            self.spill()?;
        }
        let Some(parts) = self.parts.take() else {
            return self.table.drain().try_for_each(|(key, value)| each(key, value));
        };
        for records in parts.readers() {
            let mut records = records?;
            // The emptied table is lent to each part in turn.
            let table = std::mem::take(&mut self.table);
            let mut part =
                Tally { table, limit: self.limit, depth: self.depth + 1, disk: self.disk.clone(), parts: None };
            while !records.at_end()? {
                let code = records.code()?;
                let tag = records.number()?;
                let value = V::read(&mut records)?;
                part.add(Key::new(u32::try_from(tag).unwrap_or(u32::MAX), code), value)?;
            }
            drop(records);
            part.drain_into(each)?;
            self.table = part.table;
        }
        Ok(())
    }
}
