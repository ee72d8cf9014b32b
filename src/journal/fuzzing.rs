//! Properties that hold for any bytes read as a segment or a batch. For fuzzers and tests only; touches no file.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is what a fuzzer looks for")]

use super::{
    outbox,
    segment::{self, Header},
};
use crate::ambient::Day;

/// Checks the bytes as a segment in three forms: unchanged, after a sound first line, and with a valid checksum on each
/// line.
pub fn segment(bytes: &[u8]) {
    holds(bytes);
    let mut header = Header::waiting("playback", 1, 1, Day(20_779));
    header.salt = "9f86d081884c7d65".into();
    let first = segment::whole(&header, std::iter::empty()).unwrap();
    holds(&[first.as_slice(), bytes].concat());
    let mut signed = first;
    for line in String::from_utf8_lossy(bytes).lines() {
        let rest = line.to_owned();
        signed.extend_from_slice(segment::signed(&header.salt, &rest).as_bytes());
    }
    holds(&signed);
}

fn holds(bytes: &[u8]) {
    let found = segment::recover(bytes);
    let Some(header) = &found.header else {
        assert!(
            found.lines.is_empty() && found.skipped == bytes.len() as u64,
            "of a damaged first line nothing counts"
        );
        return;
    };
    let (mut last, mut lost) = (0, 0);
    for line in &found.lines {
        assert!(line.seq > last, "numbers rise");
        lost += line.seq - last - 1;
        last = line.seq;
        assert!(!line.json.contains('\n'), "a line is one line");
    }
    assert_eq!(found.lost, lost, "gaps are what is lost");
    assert!(found.skipped <= bytes.len() as u64);
    assert!(found.behind <= found.skipped && found.damaged() >= u64::from(found.skipped > 0));
    // The lines that were read are read the same after they are written again.
    let again = segment::whole(header, found.lines.iter().map(|line| line.json)).unwrap();
    let again = segment::recover(&again);
    assert_eq!((again.lost, again.skipped, again.lines.len()), (0, 0, found.lines.len()));
    assert!(again.lines.iter().zip(&found.lines).all(|(again, line)| again.json == line.json));
    assert_eq!(again.header.as_ref(), Some(header));
}

/// Checks the bytes as a batch in two forms: unchanged, and with valid checksums.
pub fn outbox(bytes: &[u8]) {
    for bytes in [Some(bytes.to_vec()), outbox::signed(bytes)].into_iter().flatten() {
        let records = outbox::records_in(&bytes);
        match outbox::again(&bytes) {
            Some(again) => assert!(again == bytes || outbox::again(&again).as_ref() == Some(&again), "once is enough"),
            None => {
                assert!((1..=bytes.len() as u64 + 16_384).contains(&records), "what is damaged counts for one or more")
            }
        }
    }
}
