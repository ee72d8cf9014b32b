//! Counts by code in bounded memory. Entries that do not fit into the table are written to temporary files, split by bits
//! of the code, and counted part by part. The files hold codes and counts, never a value of a row.

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

/// The number of parts into which a full table is split. Each part is a file, so the limit on open files bounds this
/// number.
const PARTS: usize = 64;
/// Bits of the code that select a part, at each depth.
const PART_BITS: u32 = PARTS.trailing_zeros();
/// Size of the write buffer of each part, in bytes.
const BUFFER: usize = 16 << 10;
/// Beyond this depth the code has no bits left to select a part.
const DEPTH_MOST: u32 = 10;

/// The folder for temporary files, and the number of bytes written there.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    folder: PathBuf,
    written: Rc<Cell<u64>>,
}

impl Disk {
    /// Writes files in this folder. Nothing is written yet.
    pub(crate) fn new(folder: PathBuf) -> Disk {
        Disk { folder, written: Rc::default() }
    }

    /// Bytes written so far.
    pub(crate) fn written(&self) -> u64 {
        self.written.get()
    }

    /// The text for an error message about a temporary file: what could not be done, where, and how to choose another
    /// folder.
    fn doing(&self, what: &str) -> String {
        format!("can't {what} a temporary file in {} (another place: --temp DIR)", self.folder.display())
    }
}

/// Temporary files, one for each part. They have no name where the system supports that, and are deleted when the program
/// ends.
#[derive(Debug)]
pub(crate) struct Parts {
    disk: Disk,
    depth: u32,
    files: Vec<Option<BufWriter<File>>>,
}

impl Parts {
    /// Creates no file yet.
    pub(crate) fn new(disk: Disk, depth: u32) -> Parts {
        Parts { disk, depth, files: (0..PARTS).map(|_| None).collect() }
    }

    /// Appends a record to the part that `code` selects.
    pub(crate) fn write(&mut self, code: Code, record: &[u8]) -> Result<()> {
        // The low half of the code selects the part, the high half the place in the table. Otherwise the codes of one part
        // would crowd into a few places.
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

    /// Readers of the parts, each from its beginning. A part's file is deleted when its reader is dropped.
    pub(crate) fn readers(self) -> impl Iterator<Item = Result<Records>> {
        let disk = self.disk;
        self.files.into_iter().flatten().map(move |file| {
            let mut file = file.into_inner().map_err(|error| error.into_error()).trying(|| disk.doing("write"))?;
            file.rewind().trying(|| disk.doing("read"))?;
            Ok(Records { reader: BufReader::with_capacity(256 << 10, file), disk: disk.clone() })
        })
    }
}

/// A reader of the records of one part.
#[derive(Debug)]
pub(crate) struct Records {
    reader: BufReader<File>,
    disk: Disk,
}

impl Records {
    /// Whether all records were read.
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

/// Writes a number with as few bytes as it needs, 7 bits per byte.
pub(crate) fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A key to count by: the figure it belongs to, and the code of the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    high: u64,
    low: u64,
    /// Which figure.
    pub(crate) tag: u32,
}

impl Key {
    /// Makes a key from a figure and a code.
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

/// A hasher that passes the code through. Codes are already random and their key is secret, so hashing them again would
/// only cost time.
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

/// A hash table keyed by codes.
pub(crate) type ByCode<K, V> = HashMap<K, V, BuildHasherDefault<Passed>>;

/// A value that can be summed for a key.
pub(crate) trait Sum: Copy {
    /// Adds another partial sum of the same key.
    fn add(&mut self, other: Self);
    /// Serializes the sum.
    fn write(self, out: &mut Vec<u8>);
    /// Reads a serialized sum.
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

/// Sums by key: in a table of bounded size, and in files beyond that.
#[derive(Debug)]
pub(crate) struct Tally<V> {
    table: ByCode<Key, V>,
    limit: usize,
    depth: u32,
    disk: Disk,
    parts: Option<Parts>,
}

impl<V: Sum> Tally<V> {
    /// A tally whose table takes at most `bytes` bytes, but has room for a small minimum of entries.
    pub(crate) fn new(bytes: usize, disk: Disk) -> Tally<V> {
        // A hash table has 2^n places. Each place takes one more byte, and at most seven eighths of them are filled.
        let places = (bytes / (size_of::<(Key, V)>() + 1)).max(64);
        let places = 1usize << places.ilog2();
        Tally { table: ByCode::default(), limit: places / 8 * 7, depth: 0, disk, parts: None }
    }

    /// Adds `value` to the sum of `key`.
    pub(crate) fn add(&mut self, key: Key, value: V) -> Result<()> {
        if self.table.len() >= self.limit && self.depth < DEPTH_MOST {
            self.spill()?;
        }
        if self.table.capacity() == 0 {
            // Reserves everything in one step: growing would hold the old table next to the new one. Untouched pages cost
            // nothing.
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

    /// Calls `each` once for every key, with its complete sum.
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
            // The emptied table is reused for each part in turn.
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
