//! The segment: a text file that one process writes and anyone can read. This module writes and recovers segments; it
//! never decides what is sent.
//!
//! ```text
//! candor-segment 1 <crc32c> {"kind":"waiting","scope":"playback","generation":1,"epoch":1,"day":20785,"salt":"9f…"} candor-segment 1 …
//! <crc32c> <seq> <subject> {json}
//! …
//! ```
//!
//! The first line contains everything twice, since no line can be checked without it. The checksum of a line covers the
//! segment's salt and the rest of the line. So a line can't be moved to another segment, and an old block that the disk
//! reuses can't pass as a valid one. JSON never contains a raw newline: after damage the scan continues at the next
//! newline. Sequence numbers rise by one, so a gap says exactly how many lines were lost. Reading never fails, never
//! loops endlessly, and never allocates a size that the file claims. Each drain is one write per segment. There is no
//! fsync for events.

use crate::{
    ambient::{Ambient, Day},
    disk::{Files, Handle, Look, Node},
    mutants::{self, Mutant},
};
use serde::{Deserialize, Serialize};
use std::{
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};

/// A segment that has reached this many bytes is not written any more. The last drain may take it beyond this size.
pub(crate) const SEGMENT_MOST: u64 = 256 << 10;

const MAGIC: &str = "candor-segment 1 ";
/// The shortest possible line in bytes: a checksum, two numbers and an object.
const LEAST_LINE: u64 = 16;

/// The content of the first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) scope: String,
    pub(crate) generation: u64,
    pub(crate) epoch: u64,
    /// The UTC day of the counts, or the UTC day on which the segment was made. It gives the segment's age, since a
    /// file's modification time comes from another clock.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) day: Option<u32>,
    pub(crate) salt: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Waiting,
    Counts,
}

impl Header {
    fn text(&self) -> io::Result<String> {
        let json = serde_json::to_string(self).map_err(io::Error::other)?;
        let once = format!("{MAGIC}{:08x} {json}", crc32c::crc32c(json.as_bytes()));
        Ok(format!("{once} {once}\n"))
    }

    /// Reads the first line from whichever of its halves is sound.
    fn parse(line: &[u8]) -> Option<Header> {
        let line = String::from_utf8_lossy(line);
        let second = line.rfind(MAGIC).and_then(|at| line.get(at..));
        Header::parse_half(&line).or_else(|| second.and_then(Header::parse_half))
    }

    fn parse_half(half: &str) -> Option<Header> {
        let (crc, rest) = half.strip_prefix(MAGIC)?.split_once(' ')?;
        // The JSON object contains no nested object, so that the first brace ends it.
        let json = rest.get(..=rest.find('}')?)?;
        (crc == format!("{:08x}", crc32c::crc32c(json.as_bytes()))).then(|| serde_json::from_str(json).ok())?
    }

    fn line(&self, seq: u64, subject: u32, json: &str) -> String {
        let rest = format!("{seq} {subject} {json}");
        format!("{:08x} {rest}\n", checksum(&self.salt, &rest))
    }
}

fn checksum(salt: &str, rest: &str) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(salt.as_bytes()), rest.as_bytes())
}

/// An open file whose lock is held.
type Lock = Box<dyn Handle>;

/// A segment that this process writes. Its lock shows that to other processes and is released when the process ends.
pub(crate) struct Segment {
    file: Box<dyn Handle>,
    path: PathBuf,
    header: Header,
    seq: u64,
    bytes: u64,
    /// The identity of the file.
    node: Option<Node>,
}

impl Segment {
    /// Makes a new file in `directory`. Its name is `prefix` and a random part.
    pub(crate) fn create(
        files: &Files,
        directory: &Path,
        prefix: &str,
        mut header: Header,
        ambient: &Ambient,
    ) -> io::Result<Segment> {
        header.salt = ambient.random_hex::<8>()?;
        let path = directory.join(format!("{prefix}{}.jsonl", ambient.random_hex::<8>()?));
        let text = header.text()?;
        let file = locked(files, &path, text.as_bytes())?;
        let node = node(files, &path);
        Ok(Segment { file, path, header, seq: 0, bytes: text.len() as u64, node })
    }

    /// Continues a file that another process left, if its header matches `wanted` apart from the salt. `file` holds the
    /// file's lock. Also returns the file's bytes.
    ///
    /// # Errors
    /// The header differs or the file is not sound to its end: returns the lock. `None` if the file can't be read now.
    pub(crate) fn adopt(
        files: &Files,
        path: &Path,
        file: Lock,
        wanted: &Header,
    ) -> Result<(Self, Vec<u8>), Option<Lock>> {
        let Look::Read(bytes) = files.contents(path, SEGMENT_MOST) else { return Err(None) };
        let node = node(files, path);
        let found = recover(&bytes);
        let Some(header) = found.header else { return Err(Some(file)) };
        let same = Header { salt: wanted.salt.clone(), ..header.clone() } == *wanted;
        let sound = found.skipped == 0 && found.lost == 0 && bytes.ends_with(b"\n");
        let seq = found.lines.last().map_or(0, |line| line.seq);
        if !(same && sound) {
            return Err(Some(file));
        }
        Ok((Segment { file, path: path.to_owned(), header, seq, bytes: bytes.len() as u64, node }, bytes))
    }

    /// Replaces the file's whole content with these lines. This process holds the file's lock throughout.
    pub(crate) fn rewrite<'l>(&mut self, files: &Files, lines: impl Iterator<Item = &'l str>) -> io::Result<()> {
        let bytes = whole(&self.header, lines)?;
        let text_lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.file = locked(files, &self.path, &bytes)?;
        (self.seq, self.bytes) = (text_lines.saturating_sub(1), bytes.len() as u64);
        self.node = node(files, &self.path);
        Ok(())
    }

    /// Whether the file's path still leads to this file. Another process may have removed it or moved its directory
    /// away: lines appended after that are never read. `false` if the path can't be examined. If the system reports no
    /// file identities, any file at the path matches.
    pub(crate) fn is_in_place(&self, files: &Files) -> bool {
        mutants::on(Mutant::RemovedIsWritten)
            || matches!(files.examine(&self.path), Look::Read(stat) if stat.node == self.node)
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends lines with one write and returns their number. After an error the segment must not be written again: it
    /// may end in half a line.
    pub(crate) fn append<'l>(&mut self, lines: impl Iterator<Item = (u32, &'l str)>) -> io::Result<u64> {
        let mut text = String::new();
        let mut count = 0;
        for (subject, json) in lines {
            self.seq += 1;
            count += 1;
            let _ = write!(text, "{}", self.header.line(self.seq, subject, json));
        }
        if count > 0 {
            if let Err(error) = self.file.write_all(text.as_bytes()) {
                // A line that is counted as lost must not be found later.
                let _ = self.file.truncate(self.bytes);
                return Err(error);
            }
            self.bytes += text.len() as u64;
        }
        Ok(count)
    }
}

/// The identity of the file at a path. `None` if there is no file, it can't be examined, or the system reports no file
/// identities. In the first two cases a later `Segment::is_in_place` finds no match.
fn node(files: &Files, path: &Path) -> Option<Node> {
    match files.examine(path) {
        Look::Read(stat) => stat.node,
        _ => None,
    }
}

/// Makes a file that is locked before another process can find it by its name: it is made under another name, filled,
/// and renamed.
fn locked(files: &Files, path: &Path, bytes: &[u8]) -> io::Result<Box<dyn Handle>> {
    // A clean-up may meet the file in the moment before it is locked, and remove it as a leftover: then it is made once
    // more. If the directory is gone there is no second try.
    let again = |error: &io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::WouldBlock);
    let in_place = || path.parent().is_some_and(|parent| matches!(files.examine(parent), Look::Read(_)));
    match locked_once(files, path, bytes) {
        Err(error) if again(&error) && in_place() => locked_once(files, path, bytes),
        made => made,
    }
}

fn locked_once(files: &Files, path: &Path, bytes: &[u8]) -> io::Result<Box<dyn Handle>> {
    let making = path.with_extension("making");
    files.remove_if_there(&making)?;
    let made = (|| {
        let mut file = files.create(&making)?;
        if !file.try_lock(false)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        file.write_all(bytes)?;
        files.rename(&making, path)?;
        Ok(file)
    })();
    if made.is_err() {
        files.remove_or_leave(&making);
    }
    made
}

/// A whole segment as bytes, for files that are written in one go.
pub(crate) fn whole<'l>(header: &Header, lines: impl Iterator<Item = &'l str>) -> io::Result<Vec<u8>> {
    let mut text = header.text()?;
    for (seq, json) in (1..).zip(lines) {
        text.push_str(&header.line(seq, 0, json));
    }
    Ok(text.into_bytes())
}

/// A line with a matching checksum, whatever its content.
#[cfg(any(test, fuzzing))]
pub(super) fn signed(salt: &str, rest: &str) -> String {
    format!("{:08x} {rest}\n", checksum(salt, rest))
}

/// What can be recovered from a segment's bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Recovered<'b> {
    /// `None` if both halves of the first line are damaged: then no line can be checked.
    pub(crate) header: Option<Header>,
    pub(crate) lines: Vec<Stored<'b>>,
    /// The number of lines missing before the last sound one. Without a header: the highest sequence number in the
    /// lines.
    pub(crate) lost: u64,
    /// The number of damaged lines after the last sound one, as far as they can be told apart. No gap shows how many
    /// there were.
    pub(crate) behind: u64,
    /// The number of bytes that belong to no sound line.
    pub(crate) skipped: u64,
}

impl Recovered<'_> {
    /// How many lines are lost: at least one if any bytes belong to no line.
    pub(crate) fn damaged(&self) -> u64 {
        self.lost.saturating_add(self.behind).max(u64::from(self.skipped > 0))
    }
}

/// One sound line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored<'b> {
    pub(crate) seq: u64,
    pub(crate) subject: u32,
    pub(crate) json: &'b str,
}

/// Reads what can be read, in one pass.
pub(crate) fn recover(bytes: &[u8]) -> Recovered<'_> {
    let mut found = Recovered::default();
    let mut lines = bytes.split_inclusive(|&byte| byte == b'\n');
    let first = lines.next().unwrap_or_default();
    found.header = Header::parse(first).filter(|_| first.ends_with(b"\n"));
    let Some(header) = &found.header else {
        found.skipped = bytes.len() as u64;
        // Without a salt no checksum can be verified, so that no line counts as sound. The only evidence left is the
        // sequence numbers in the lines.
        for raw in lines {
            match unchecked(raw).filter(|seq| *seq <= bytes.len() as u64 / LEAST_LINE) {
                Some(seq) if seq > found.lost => (found.lost, found.behind) = (seq, 0),
                Some(_) => {}
                None => found.behind += u64::from(holds_any(raw)),
            }
        }
        return found;
    };
    let mut last = 0;
    for raw in lines {
        let line = whole_line(raw).and_then(|line| stored(line, &header.salt));
        if let Some(line) = line.filter(|line| line.seq > last) {
            // A damaged line before this one is part of the gap.
            found.lost += line.seq - last - 1;
            found.behind = 0;
            last = line.seq;
            found.lines.push(line);
        } else {
            // A sound line that appears again is not a lost line.
            found.behind += u64::from(line.is_none() && holds_any(raw));
            found.skipped += raw.len() as u64;
        }
    }
    found
}

/// Whether a line has any bytes before its end.
fn holds_any(raw: &[u8]) -> bool {
    raw.strip_suffix(b"\n").unwrap_or(raw) != b""
}

/// The sequence number in a line, without checking the line's checksum.
fn unchecked(raw: &[u8]) -> Option<u64> {
    let (_, rest) = whole_line(raw)?.split_once(' ')?;
    let (seq, rest) = rest.split_once(' ')?;
    rest.split_once(' ')?.1.starts_with('{').then(|| seq.parse().ok())?
}

fn whole_line(raw: &[u8]) -> Option<&str> {
    std::str::from_utf8(raw.strip_suffix(b"\n")?).ok()
}

fn stored<'b>(line: &'b str, salt: &str) -> Option<Stored<'b>> {
    let (crc, rest) = line.split_once(' ')?;
    if crc != format!("{:08x}", checksum(salt, rest)) {
        return None;
    }
    let (seq, rest) = rest.split_once(' ')?;
    let (subject, json) = rest.split_once(' ')?;
    Some(Stored { seq: as_written(seq)?, subject: as_written(subject)?, json })
}

/// A number in the only form that candor writes: no sign and no leading zero.
fn as_written<N: std::str::FromStr + ToString>(text: &str) -> Option<N> {
    let number: N = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

impl Header {
    pub(crate) fn waiting(scope: &str, generation: u64, epoch: u64, day: Day) -> Self {
        Header { kind: Kind::Waiting, scope: scope.into(), generation, epoch, day: Some(day.0), salt: String::new() }
    }

    pub(crate) fn counts(scope: &str, generation: u64, epoch: u64, day: Day) -> Self {
        Header { kind: Kind::Counts, ..Header::waiting(scope, generation, epoch, day) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_as_they_are_written() {
        let line = |seq: &str, subject: &str| {
            let rest = format!("{seq} {subject} {{}}");
            format!("{:08x} {rest}", checksum("00", &rest))
        };
        assert!(stored(&line("2", "0"), "00").is_some() && stored(&line("10", "7"), "00").is_some());
        for odd in ["+2", "01", "00", "-0", "+0", "", "1_0", "2e0", "\u{661}"] {
            assert!(stored(&line(odd, "0"), "00").is_none(), "{odd} as a number");
            assert!(stored(&line("2", odd), "00").is_none(), "{odd} as a subject");
        }
    }

    fn small() -> Vec<u8> {
        let header = Header { salt: "00112233".into(), ..Header::waiting("s", 1, 1, Day(20_000)) };
        whole(&header, [r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#].into_iter()).unwrap()
    }

    /// After any truncation, the lines before the cut are recovered and no others.
    #[test]
    fn every_truncation_offset() {
        let bytes = small();
        let ends: Vec<usize> = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1).collect();
        for cut in 0..=bytes.len() {
            let found = recover(&bytes[..cut]);
            let whole_lines = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(found.header.is_some(), whole_lines >= 1, "cut {cut}");
            assert_eq!(found.lines.len(), whole_lines.saturating_sub(1), "cut {cut}");
            assert_eq!(found.lost, 0, "what is cut off the end can't be known, cut {cut}");
            let kept = ends.get(whole_lines.wrapping_sub(1)).copied().unwrap_or(0);
            assert_eq!(found.skipped as usize, cut - kept, "cut {cut}");
            assert_eq!(found.damaged(), u64::from(cut > kept), "cut {cut}");
        }
    }

    /// After any single bit flip, the line it hit is lost and counted, and every other line is recovered.
    #[test]
    fn every_single_bit_flip() {
        let bytes = small();
        let sound = recover(&bytes);
        assert_eq!((sound.lines.len(), sound.lost, sound.skipped), (3, 0, 0));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let found = recover(&damaged);
            let hurt = bytes[..bit / 8].iter().filter(|b| **b == b'\n').count();
            for line in &found.lines {
                assert!(sound.lines.contains(line), "bit {bit} made a line up: {line:?}");
            }
            if hurt == 0 && bytes[bit / 8] != b'\n' {
                assert_eq!((found.lines.len(), found.lost, found.skipped), (3, 0, 0), "bit {bit}");
            } else if bytes[bit / 8] == b'\n' {
                // Two lines became one, or the last one lost its end. A line that was not touched is recovered.
                assert!(!found.lines.is_empty(), "bit {bit}");
            } else {
                assert!(found.lines.len() == 2, "bit {bit}: {found:?}");
                assert_eq!((found.lost, found.damaged()), (u64::from(hurt < 3), 1), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_line_of_another_segment_is_not_one_of_this() {
        let bytes = small();
        let other = Header { salt: "44556677".into(), ..Header::waiting("s", 1, 1, Day(20_000)) };
        let mut mixed = other.text().unwrap().into_bytes();
        mixed.extend(bytes.split_inclusive(|b| *b == b'\n').skip(1).flatten());
        assert!(recover(&mixed).lines.is_empty());
    }

    /// If both halves of the first line are damaged, the lines can't be checked, and are counted as lost.
    #[test]
    fn without_a_first_line_the_others_are_counted() {
        let mut bytes = small();
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap();
        bytes[..end].fill(0);
        let found = recover(&bytes);
        assert_eq!((found.header, found.lines.len(), found.lost), (None, 0, 3));
        // A sequence number that can't fit into the file is ignored.
        let forged = [&vec![0; end + 1][..], b"\n00000000 18446744073709551615 0 {}\n"].concat();
        assert_eq!((recover(&forged).lost, recover(&forged).damaged()), (0, 1));
    }

    #[test]
    fn numbers_never_go_back() {
        let bytes = small();
        let mut twice = bytes.clone();
        twice.extend(bytes.split_inclusive(|b| *b == b'\n').skip(1).flatten());
        let found = recover(&twice);
        assert_eq!((found.lines.len(), found.damaged()), (3, 1));
    }

    #[test]
    fn garbage_ends() {
        for bytes in [vec![0; 100_000], vec![b'\n'; 100_000], b"candor-segment 1 ".repeat(5_000)] {
            let found = recover(&bytes);
            assert_eq!((found.header, found.lines.len(), found.skipped), (None, 0, bytes.len() as u64));
        }
    }
}
