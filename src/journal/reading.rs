//! What all that reads the files of the journal shares: their limits, what their names say, and notes of what can't be read.
//! Knows no file's content.

use super::{segment::SEGMENT_MOST, span::Span};
use crate::{
    ambient::{Day, Time},
    clean,
    disk::{self, Files, Look},
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// The largest pending file that is read, in bytes: a full segment and the last drain that was written to it.
pub(super) const READ_MOST: u64 = SEGMENT_MOST + (4 << 20);

/// What was read, for showing. If the system did not let us look, or candor does not use what is there, that is noted
/// in `unread`.
pub(super) fn note_unread<T>(path: &Path, look: Look<T>, unread: &mut Vec<String>) -> Option<T> {
    let why = match look {
        Look::Read(read) => return Some(read),
        Look::Absent => return None,
        Look::Refused(why) => why.to_owned(),
        Look::Failed(error) => error.to_string(),
    };
    unread.push(clean::line(&format!("{}: {why}", path.display())));
    None
}

/// Notes that the system did not let us look at a file.
pub(super) fn note_failed(path: &Path, error: &io::Error, unread: &mut Vec<String>) {
    unread.push(clean::line(&disk::named(path, error).to_string()));
}

/// How many files of one directory are read for a page. More than may be pending, unless another program put files
/// there.
const SHOWN_MOST: usize = 1_024;

/// Keeps only the first `SHOWN_MOST` of the files that would be shown, and notes how many are left out. So the time for
/// a page is bounded, however many files another program put there.
pub(super) fn shown<T>(files: &mut Vec<T>, directory: &Path, unread: &mut Vec<String>) {
    if let Some(more) = files.len().checked_sub(SHOWN_MOST).filter(|more| *more > 0) {
        files.truncate(SHOWN_MOST);
        unread.push(format!(
            "{}: {more} more files, since a page shows {SHOWN_MOST} of a directory",
            clean::path(directory)
        ));
    }
}

/// Whether a file of the store holds events. Unfinished files and schedules do not.
pub(super) fn is_data(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jsonl" || extension == "json")
}

/// The days that a file's name says: the first, and the last. They differ where the file holds a week's or a month's data.
pub(super) fn days_of(kind: &str, path: &Path) -> Option<(Day, Day)> {
    let name = path.file_name()?.to_str()?;
    match kind {
        "outbox" => {
            let day = Time(name.split_once('-')?.0.parse().ok()?).day();
            Some((day, day))
        }
        _ => {
            let (span, _) = Span::split(name.strip_prefix("day-").unwrap_or(name))?;
            Some((span.start, span.last()))
        }
    }
}

/// Removes the oldest of these files, each given with its time and length, until the rest fits into `most` bytes.
pub(super) fn drop_oldest(files: &Files, mut kept: Vec<(u64, u64, PathBuf)>, most: u64) {
    kept.sort();
    let mut total: u64 = kept.iter().map(|(_, len, _)| len).sum();
    for (_, len, path) in kept {
        if total <= most {
            break;
        }
        files.remove_or_leave(&path);
        total -= len;
    }
}
