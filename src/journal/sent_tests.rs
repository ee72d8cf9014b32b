//! Tests of the sent log while other programs work on the same store: directory names that look like the log's own notes,
//! and another process that deletes stored contents while an entry is written.

use super::*;
use crate::{
    ambient::{Ambient, SystemClock, SystemEntropy},
    disk::{Disk, System},
    journal::{Counters, Draft, Outbox},
    sync::Mutex,
    tests::{CRASH, real},
};
use std::sync::Arc;

/// The real disk, but before each rename into the sent log another process takes its turn.
#[derive(Clone)]
struct Shared {
    turns: Arc<Mutex<Vec<Turn>>>,
    store: PathBuf,
}

/// What the other process does. `StoredRequest` turns off the storing of contents and then deletes them; `Strip` only
/// deletes them.
#[derive(Clone, Copy)]
enum Turn {
    StoredRequest,
    Strip,
}

impl Shared {
    fn interfere(&self) {
        let Some(turn) = self.turns.lock().pop() else { return };
        let files = Files::new(Arc::new(System), self.store.clone());
        let other = SentLog::new(&files, &self.store);
        if let Turn::StoredRequest = turn {
            other.keep_no_contents(CRASH).unwrap();
        }
        other.strip(CRASH).unwrap();
    }
}

impl Disk for Shared {
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if to.starts_with(self.store.join("sent")) {
            self.interfere();
        }
        System.rename(from, to)
    }

    real!(stat make_dir list read read_shared create append lock_file remove_file remove_tree sync_dir);
}

/// Runs `check` with a store and a batch that was tried once. Other processes take the given turns on the store's disk.
fn with_batch(turns: &[Turn], check: impl Fn(&SentLog<'_>, &Batch)) {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("store");
    let disk = Shared { turns: Arc::default(), store: store.clone() };
    let files = Files::new(Arc::new(disk.clone()), store.clone());
    files.own_root(&store).unwrap();
    let counters = Counters::default();
    let ambient = Ambient::new(Arc::new(SystemClock), Arc::new(SystemEntropy));
    let outbox = Outbox::new(&files, &store, &counters, &ambient);
    let draft = Draft {
        scope: CRASH,
        generation: 7,
        epoch: 8,
        records: 3,
        sources: Vec::new(),
        at: Time(1),
        body: b"{\"resourceLogs\":[]}".to_vec(),
        parent: None,
    };
    let mut batch = outbox.write(draft, &ambient).unwrap();
    outbox.note_try(&mut batch).unwrap();
    *disk.turns.lock() = turns.to_vec();
    check(&SentLog::new(&files, &store), &batch);
    assert!(disk.turns.lock().is_empty(), "everyone had their turn");
}

/// Asserts that the log holds exactly one entry, with this body (empty if its contents were deleted) and no other file.
#[track_caller]
fn is_noted(log: &SentLog<'_>, at: Time, body: &[u8]) {
    let entries = log.entries(CRASH, &mut Vec::new());
    assert_eq!(entries.len(), 1, "{entries:?}");
    let entry = &entries[0];
    assert_eq!((entry.at, entry.epoch, entry.records, entry.bytes), (at, 8, 3, 19));
    assert_eq!(entry.body, body);
    assert_eq!(log.files.children(&log.directory(CRASH)).found().unwrap().unwrap().len(), 1, "and nothing beside it");
}

#[test]
fn what_leaves_is_noted_though_another_process_clears_contents_away() {
    // No other process; one that turns contents off now; and one that deletes contents again while the bare entry is
    // written.
    for turns in [&[][..], &[Turn::StoredRequest], &[Turn::Strip, Turn::StoredRequest]] {
        with_batch(turns, |log, batch| {
            log.note(CRASH, batch, Time(5), Taken::WHOLE).unwrap();
            is_noted(log, Time(5), if turns.is_empty() { batch.body() } else { b"" });
        });
    }
    // Contents were turned off before, and another process starts.
    with_batch(&[Turn::Strip], |log, batch| {
        let changed = log.keep_no_contents(CRASH);
        changed.and_then(|()| log.note(CRASH, batch, Time(5), Taken::WHOLE)).unwrap();
        is_noted(log, Time(5), b"");
    });
}

#[test]
fn a_batch_that_was_kept_as_its_own_entry_keeps_its_particulars() {
    with_batch(&[], |log, batch| {
        log.keep_file(CRASH, batch, Time(5), None).unwrap();
        is_noted(log, Time(5), batch.body());
        log.keep_no_contents(CRASH).unwrap();
        for _ in 0..2 {
            log.strip(CRASH).unwrap();
            is_noted(log, Time(5), b"");
            assert!(log.has(CRASH, batch.key()).unwrap());
        }
    });
}

#[test]
fn a_scope_is_not_taken_for_a_note_about_another() {
    with_batch(&[], |log, batch| {
        for name in ["crash.bare", "crash.deleting"] {
            log.files.own_dir(&log.store.join("sent").join(name)).unwrap();
        }
        assert!(log.keeps_contents(CRASH).unwrap() && !log.is_deleting(CRASH).unwrap());
        log.keep_no_contents(CRASH).unwrap();
        log.begin_deleting(CRASH).unwrap();
        assert!(!log.keeps_contents(CRASH).unwrap() && log.is_deleting(CRASH).unwrap());
        log.end_deleting(CRASH).unwrap();
        log.keep_contents(CRASH).unwrap();
        log.note(CRASH, batch, Time(5), Taken::WHOLE).unwrap();
        is_noted(log, Time(5), batch.body());
    });
}
