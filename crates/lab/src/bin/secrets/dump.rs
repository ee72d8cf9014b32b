//! What a process has in memory: all of its mappings that it can write, as a core dump would hold them.
#![allow(clippy::indexing_slicing, reason = "a needle has more than two bytes, and a window of two has two")]

use std::{
    error::Error,
    fs::{self, File},
    os::unix::fs::FileExt as _,
};

/// One mapping.
pub(crate) struct Mapping {
    /// What it is, as the kernel calls it.
    name: String,
    bytes: Vec<u8>,
}

/// All of them.
pub(crate) fn of(process: u32) -> Result<Vec<Mapping>, Box<dyn Error>> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps"))?;
    let memory = File::open(format!("/proc/{process}/mem"))?;
    let mut mappings = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (Some(range), Some(permissions)) = (words.next(), words.next()) else { continue };
        let name = words.nth(3).unwrap_or("anonymous").to_owned();
        // What no program can write is a file's, or the kernel's own; a core dump leaves it out as well.
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

/// What is looked for: bytes, and what they are.
pub(crate) struct Needle {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// Every place where one of the needles stands, in one go.
pub(crate) fn places<'n>(mappings: &[Mapping], needles: &'n [Needle]) -> Vec<(&'n Needle, String)> {
    // By their first two bytes, so that nearly every place is done with at one look.
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

/// The 32 bytes that stand so far behind each place of these.
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
