//! Dumps the memory of a process: all mappings that it can read and write, as a core dump would contain them.
#![expect(clippy::indexing_slicing, reason = "a needle has more than two bytes, and a window of two has two")]

use std::{
    error::Error,
    fs::{self, File},
    os::unix::fs::FileExt as _,
};

/// One mapping.
pub(crate) struct Mapping {
    /// Its name, as the kernel reports it.
    name: String,
    bytes: Vec<u8>,
}

/// All mappings of a process.
pub(crate) fn of(process: u32) -> Result<Vec<Mapping>, Box<dyn Error>> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps"))?;
    let memory = File::open(format!("/proc/{process}/mem"))?;
    let mut mappings = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (Some(range), Some(permissions)) = (words.next(), words.next()) else { continue };
        let name = words.nth(3).unwrap_or("anonymous").to_owned();
        // A mapping that no program can write belongs to a file or to the kernel. A core dump leaves it out as well.
        if !permissions.starts_with("rw") {
            continue;
        }
        let (from, to) = range.split_once('-').ok_or("a line without a range")?;
        let (from, to) = (u64::from_str_radix(from, 16)?, u64::from_str_radix(to, 16)?);
        let mut bytes = vec![0; usize::try_from(to - from)?];
        memory.read_exact_at(&mut bytes, from).map_err(|error| format!("{line}: {error}"))?;
        mappings.push(Mapping { name, bytes });
    }
    Ok(mappings)
}

/// What is searched for: bytes, and a name for them.
pub(crate) struct Needle {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// Every place that contains one of the needles, found in one pass.
pub(crate) fn places<'n>(mappings: &[Mapping], needles: &'n [Needle]) -> Vec<(&'n Needle, String)> {
    // Needles are indexed by their first two bytes, so that nearly every place is dismissed with one look-up.
    let mut begins = vec![false; 1 << 16];
    for needle in needles {
        begins[start(&needle.bytes)] = true;
    }
    let mut places = Vec::new();
    for Mapping { name, bytes } in mappings {
        for (at, pair) in bytes.windows(2).enumerate() {
            if begins[start(pair)] {
                for needle in needles {
                    if bytes[at..].starts_with(&needle.bytes) {
                        places.push((needle, format!("{name}+{at:#x}")));
                    }
                }
            }
        }
    }
    places
}

/// The 32 bytes at this offset from each place where these bytes are.
pub(crate) fn beside(mappings: &[Mapping], of: &[u8], offset: usize) -> Vec<[u8; 32]> {
    let mut found = Vec::new();
    for Mapping { bytes, .. } in mappings {
        for (at, pair) in bytes.windows(2).enumerate() {
            if start(pair) == start(of) && bytes[at..].starts_with(of) {
                found.extend(bytes.get(at + offset..).and_then(|bytes| bytes.first_chunk()).copied());
            }
        }
    }
    found
}

fn start(bytes: &[u8]) -> usize {
    usize::from(u16::from_le_bytes([bytes[0], bytes[1]]))
}
