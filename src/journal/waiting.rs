//! Segments that wait: finding those nobody writes any more, taking their lines, dropping whole ones.

use super::{
    Drop, Journal, Record,
    segment::{self, Kind, SEGMENT_MOST},
};
use crate::consent::Place;
use std::path::{Path, PathBuf};

/// Room for the last drain that went into a segment.
const READ_MOST: u64 = SEGMENT_MOST + (4 << 20);

/// One sealed segment, read and checked.
pub(crate) struct Taken {
    pub(crate) path: PathBuf,
    /// The sound lines, with their numbers and the records they decode to.
    pub(crate) lines: Vec<(u64, String, Record)>,
}

impl Journal {
    /// The sealed segments of a grant, oldest first: those whose lock can be had, since their writer is gone or done.
    pub(crate) fn sealed(&self, place: Place) -> Vec<PathBuf> {
        let paths = self.files.entries(&self.waiting_dir(place.scope, place.generation));
        let mut dated: Vec<_> = paths
            .into_iter()
            .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
            .filter_map(|path| Some((self.files.stat(&path).ok()??.version, path)))
            .collect();
        dated.sort_by_key(|(version, _)| (version.1, version.2));
        dated.into_iter().map(|(_, path)| path).filter(|path| self.is_left(path)).collect()
    }

    /// Whether nobody writes this file any more.
    pub(super) fn is_left(&self, path: &Path) -> bool {
        self.files.append(path).and_then(|file| file.try_lock(false)).unwrap_or(false)
    }

    /// Reads a sealed segment. Damaged lines and lines that this program would not have written are counted and left
    /// out; a file that can't be read at all is removed.
    pub(crate) fn take(&self, path: PathBuf, place: Place) -> Option<Taken> {
        let Ok(bytes) = self.files.read(&path, READ_MOST) else {
            self.counters.drop(Drop::Damaged, 1);
            let _ = self.files.remove_if_there(&path);
            return None;
        };
        let found = segment::recover(&bytes);
        let belongs = found.header.as_ref().is_some_and(|header| {
            header.kind == Kind::Waiting
                && header.scope == place.scope.name()
                && header.generation == place.generation
                && header.epoch == place.epoch
        });
        self.counters.drop(Drop::Damaged, found.lost + u64::from(found.skipped > 0 && found.lost == 0));
        if !belongs {
            self.counters.drop(Drop::Foreign, found.lines.len() as u64);
            let _ = self.files.remove_if_there(&path);
            return None;
        }
        let mut lines = Vec::with_capacity(found.lines.len());
        for line in &found.lines {
            let record = (line.subject == 0)
                .then(|| Record::decode(line.json, self.registry))
                .flatten()
                .filter(|record| record.schema.scope() == place.scope);
            match record {
                Some(record) => lines.push((line.seq, line.json.to_owned(), record)),
                None => self.counters.drop(Drop::Foreign, 1),
            }
        }
        Some(Taken { path, lines })
    }

    /// Every line of a grant that waits, in sealed segments and in those still written to; for showing.
    pub(crate) fn peek_lines(&self, place: Place) -> Vec<String> {
        let mut lines = Vec::new();
        for path in self.files.entries(&self.waiting_dir(place.scope, place.generation)) {
            let Ok(bytes) = self.files.read(&path, READ_MOST) else { continue };
            let found = segment::recover(&bytes);
            if found.header.as_ref().is_some_and(|header| header.epoch == place.epoch) {
                let sound = found.lines.iter().filter(|line| Record::decode(line.json, self.registry).is_some());
                lines.extend(sound.map(|line| line.json.to_owned()));
            }
        }
        lines
    }

    /// Whether anything of a grant is on disk.
    pub(crate) fn holds_anything(&self, place: Place) -> bool {
        let generation = place.generation.to_string();
        ["waiting", "counts", "outbox"].into_iter().any(|kind| {
            let directory = self.store.join(kind).join(place.scope.name()).join(&generation);
            self.files.entries(&directory).iter().any(|path| path.extension().is_some())
        })
    }

    /// Whether a waiting segment of this name is still there.
    pub(crate) fn is_there(&self, place: Place, segment: &str) -> bool {
        let path = self.waiting_dir(place.scope, place.generation).join(segment);
        !matches!(self.files.stat(&path), Ok(None))
    }

    /// Removes a segment whose lines are all in batches.
    pub(crate) fn forget(&self, path: &Path) -> std::io::Result<()> {
        self.files.remove_if_there(path)?;
        self.files.sync_parent(path)
    }

    /// Removes one waiting file and counts what was in it. `false` when someone still writes it or it can't be removed.
    pub(super) fn discard(&self, path: &Path, reason: Drop) -> bool {
        if !self.is_left(path) {
            return false;
        }
        let records = match self.files.read(path, READ_MOST) {
            Ok(bytes) if path.extension().is_some_and(|extension| extension == "jsonl") => {
                segment::recover(&bytes).lines.len() as u64
            }
            Ok(bytes) => super::outbox::records_in(&bytes),
            Err(_) => 1,
        };
        let gone = self.files.remove_if_there(path).is_ok();
        if gone {
            self.counters.drop(reason, records);
        }
        gone
    }
}
