//! Tests of files with pending data that can't be read or can't be written, temporarily or for good. Such a file stops nothing
//! else, is named in the report, and is counted in the end. What is dropped is recorded before it is removed.

#[cfg(unix)]
use super::platform::set_mode as mode;
use super::platform::{self, Errno, slashed};
use super::{
    CRASH, Happened, Start, calls, config,
    faulty::{Fault, Faulty},
    trouble::Troubled,
};
use crate::{
    Answer, Client, Clock, Error, Flushed, Parcel, SendError, Transport,
    disk::{Disk, System},
    sync::Mutex,
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
const ERRORS: [Errno; 3] = [Errno::ACCESS, Errno::IO, Errno::MFILE];

/// A receiver that gives the answer it was set to and counts the records that it accepted. It is also a clock, which advances
/// only when a test says so.
#[derive(Clone)]
struct Receiver(Arc<Mutex<(Answer, u64)>>, Arc<AtomicU64>);

impl Clock for Receiver {
    fn now(&self) -> SystemTime {
        // The clock starts at noon, so that an hour later is still the same day.
        let now = Start.now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let noon = now - now % DAY + DAY / 2;
        SystemTime::UNIX_EPOCH + Duration::from_secs(noon + self.1.load(Ordering::SeqCst))
    }
}

impl Transport for Receiver {
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
        let mut said = self.0.lock();
        if matches!(said.0, Answer::Accepted { .. }) {
            said.1 += String::from_utf8_lossy(parcel.body()).matches("log.record.uid").count() as u64;
        }
        Ok(said.0.clone())
    }
}

struct Home {
    directory: tempfile::TempDir,
    receiver: Receiver,
    disk: Arc<Troubled>,
}

impl Home {
    /// The receiver can't be reached, and this many events are pending.
    fn with(events: u32) -> Self {
        let receiver = Receiver(Arc::new(Mutex::new((Answer::Refused, 0))), Arc::default());
        let home = Home { directory: tempfile::tempdir().unwrap(), receiver, disk: Arc::default() };
        home.start().grant(CRASH).unwrap();
        home.record(events);
        home
    }

    fn try_start_on<D: Disk>(&self, disk: Arc<D>) -> Result<Client, Error> {
        let config = config(self.directory.path()).transport("a test", self.receiver.clone());
        let mut config = config.clock(self.receiver.clone());
        config.disk = disk;
        Client::without_worker(config)
    }

    fn start_on<D: Disk>(&self, disk: Arc<D>) -> Client {
        self.try_start_on(disk).unwrap()
    }

    fn start(&self) -> Client {
        self.start_on(self.disk.clone())
    }

    fn record(&self, events: u32) {
        let client = self.start();
        (0..events).for_each(|times| client.record_durable(Happened { times }));
    }

    fn pass(&self, seconds: u64) {
        self.receiver.1.fetch_add(seconds, Ordering::SeqCst);
    }

    fn says(&self, answer: Answer) {
        self.receiver.0.lock().0 = answer;
    }

    fn flush(&self) -> Flushed {
        flush(&self.start())
    }

    /// How many records the receiver accepted.
    fn taken(&self) -> u64 {
        self.receiver.0.lock().1
    }

    /// How many records are counted as lost, by reason, over all runs.
    fn lost(&self) -> Vec<(&'static str, u64)> {
        lost(&self.start())
    }

    /// The files of one kind that hold events.
    fn files(&self, kind: &str) -> Vec<PathBuf> {
        let scope = self.directory.path().join("data/org.example.crash/candor-1").join(kind).join("crash");
        let Ok(entries) = std::fs::read_dir(scope) else { return Vec::new() };
        let files = entries.flat_map(|entry| std::fs::read_dir(entry.unwrap().path()).unwrap());
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|it| it == "jsonl" || it == "json"));
        files.sort();
        files
    }

    fn only(&self, kind: &str) -> PathBuf {
        let files = self.files(kind);
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }

    /// Makes each `call` at a file whose path begins like `file` fail, until `end` is called on the disk.
    fn fail(&self, errno: Errno, call: &'static str, file: &Path) {
        let begins = slashed(&file.with_extension(""));
        self.disk.set(move |called, path| (called == call && path.starts_with(&begins)).then_some(errno));
    }
}

fn flush(client: &Client) -> Flushed {
    client.engine().send(crate::send::Occasion::Flush)
}

fn lost(client: &Client) -> Vec<(&'static str, u64)> {
    let lost = client.manifest().unwrap().outcomes.lost;
    lost.iter().map(|lost| (lost.reason.name(), lost.count)).collect()
}

fn takes() -> Answer {
    Answer::Accepted { rejected: 0 }
}

#[track_caller]
fn names(done: &Flushed, file: &Path) {
    let why = done.trouble.clone().unwrap_or_default();
    assert!(slashed(Path::new(&why)).contains(&slashed(&file.with_extension(""))), "{why}");
}

/// This happens with files that were restored for another user, who alone may read them.
#[cfg(unix)]
#[test]
fn what_others_may_open_and_cant_be_read_is_kept_and_counted_exactly_once_it_can_be() {
    for errno in ERRORS {
        for kind in ["waiting", "outbox"] {
            let home = Home::with(5);
            if kind == "outbox" {
                let _ = home.flush();
            }
            let file = home.only(kind);
            mode(&file, 0o644);
            home.fail(errno, "read_shared", &file);
            home.says(takes());
            for _ in 0..3 {
                home.pass(3 * DAY);
                let done = home.flush();
                assert!(file.exists() && home.lost().is_empty() && home.taken() == 0, "{errno} {kind}");
                if kind == "outbox" {
                    names(&done, &file);
                }
            }
            let page = home.start().manifest().unwrap();
            let unread = &page.scope(CRASH).unwrap().unread;
            assert!(unread.iter().any(|why| why.contains("chmod")), "{unread:?}");
            home.disk.end();
            let _ = home.flush();
            assert_eq!((home.lost(), file.exists()), (vec![("foreign", 5)], false), "{errno} {kind}");
        }
    }
}

#[cfg(unix)]
#[test]
fn what_cant_be_read_for_twice_its_time_ends_and_counts_as_one_at_least() {
    for (kind, mode_of, call) in [
        ("waiting", 0o644, "read_shared"),
        ("outbox", 0o644, "read_shared"),
        ("waiting", 0o600, "read"),
        ("outbox", 0o600, "read"),
    ] {
        let home = Home::with(5);
        if kind == "outbox" {
            let _ = home.flush();
        }
        let file = home.only(kind);
        mode(&file, mode_of);
        home.fail(Errno::ACCESS, call, &file);
        home.pass(15 * DAY);
        let _ = home.flush();
        assert_eq!((home.files(kind).len(), home.lost()), (1, vec![]), "{kind} {call}");
        home.pass(2 * DAY);
        let _ = home.flush();
        // Where only `read` fails, the events can still be counted with `read_shared`, which doesn't check who may open the file.
        let count = if call == "read" { 5 } else { 1 };
        assert_eq!((home.files(kind).len(), home.lost()), (0, vec![("age", count)]), "{kind} {call}");
    }
}

#[test]
fn a_file_that_cant_be_read_stops_no_other_one() {
    for errno in ERRORS {
        for kind in ["waiting", "outbox"] {
            let home = Home::with(5);
            // Later events are not appended to this file.
            let _ = home.flush();
            home.pass(DAY);
            if kind == "waiting" {
                home.record(4);
            }
            let file = home.only(kind);
            home.pass(DAY);
            home.record(3);
            home.fail(errno, "read", &file);
            home.says(takes());
            let done = home.flush();
            assert_eq!((home.taken(), home.lost()), (if kind == "waiting" { 8 } else { 3 }, vec![]), "{errno} {kind}");
            names(&done, &file);
            home.disk.end();
            let _ = home.flush();
            assert_eq!((home.taken(), home.lost()), (if kind == "waiting" { 12 } else { 8 }, vec![]), "{errno} {kind}");
        }
    }
}

#[test]
fn beside_a_batch_that_cant_be_read_what_is_too_old_goes_and_is_counted() {
    let home = Home::with(5);
    let _ = home.flush();
    let batch = home.only("outbox");
    home.record(3);
    home.fail(Errno::ACCESS, "read", &batch);
    home.pass(9 * DAY);
    drop(home.start());
    assert_eq!((home.files("waiting").len(), home.lost()), (0, vec![("age", 3)]));
    assert!(batch.exists());
}

/// After an interrupted build, the lines of a segment may be in the batch as well. They must not be sent twice.
#[test]
fn lines_that_a_batch_may_have_which_cant_be_read_do_not_leave_twice() {
    let home = Home::with(5);
    let segment = home.only("waiting");
    let bytes = std::fs::read(&segment).unwrap();
    let _ = home.flush();
    let batch = home.only("outbox");
    let name = segment.file_stem().unwrap().to_str().unwrap();
    let sealed = segment.with_file_name(format!("{name}-sealed.jsonl"));
    std::fs::write(&sealed, bytes).unwrap();
    platform::keep_private(&sealed);
    home.pass(DAY);
    home.fail(Errno::IO, "read", &batch);
    home.says(takes());
    let _ = home.flush();
    assert_eq!((home.taken(), sealed.exists()), (0, true));
    home.disk.end();
    let _ = home.flush();
    assert_eq!((home.taken(), home.lost()), (5, vec![]));
}

/// This happens with files of a backup that was restored read-only.
#[test]
fn what_may_be_read_and_not_written_leaves_and_ages_like_any_other() {
    let home = Home::with(5);
    home.fail(Errno::ACCESS, "append", &home.only("waiting"));
    home.says(takes());
    let done = home.flush();
    assert_eq!((home.taken(), done.trouble), (5, None));
    for kind in ["waiting", "outbox"] {
        let home = Home::with(5);
        if kind == "outbox" {
            let _ = home.flush();
        }
        home.fail(Errno::ACCESS, "append", &home.only(kind));
        home.pass(9 * DAY);
        drop(home.start());
        assert_eq!((home.files(kind).len(), home.lost()), (0, vec![("age", 5)]), "{kind}");
    }
}

/// A failed read must not discard what the receiver asked for.
#[cfg(unix)]
#[test]
fn a_schedule_that_others_may_open_and_that_cant_be_read_keeps_everything_back() {
    for errno in ERRORS {
        for answer in [Answer::Gone, Answer::Busy { retry_after: Some(Duration::from_secs(DAY)) }] {
            let home = Home::with(5);
            home.says(answer);
            let _ = home.flush();
            home.record(3);
            let waits = home.files("waiting");
            let outbox = waits[0].parent().unwrap().to_string_lossy().replace("/waiting/", "/outbox/");
            let schedule = PathBuf::from(outbox).join("schedule");
            let before = std::fs::read(&schedule).unwrap();
            mode(&schedule, 0o644);
            home.fail(errno, "read_shared", &schedule);
            home.says(takes());
            for _ in 0..3 {
                home.pass(2 * HOUR);
                names(&home.flush(), &schedule);
            }
            assert_eq!((home.taken(), std::fs::read(&schedule).unwrap()), (0, before), "{errno}");
            home.disk.end();
            home.pass(HOUR);
            let _ = home.flush();
            assert_eq!(home.taken(), 0, "{errno}: it is what it was");
        }
    }
}

/// Kills the process at each call in turn. Later processes must find each event delivered or counted.
fn whenever_it_dies(prepare: impl Fn(&Home)) {
    for at in calls() {
        let home = Home::with(5);
        prepare(&home);
        let disk = Faulty::new(Fault::Dead);
        disk.arm(at);
        if let Ok(client) = home.try_start_on(disk.clone()) {
            let _ = flush(&client);
            // The process dies without cleaning up.
            std::mem::forget(client);
        }
        let calls = disk.calls();
        let client = home.start_on(Arc::new(System));
        let _ = flush(&client);
        home.pass(HOUR);
        let _ = flush(&client);
        let counted: u64 = lost(&client).iter().map(|(_, count)| count).sum();
        assert!(counted >= 5, "killed at call {at}: {counted} of 5 are counted");
        assert!(counted <= 10, "killed at call {at}: {counted} of 5 are counted");
        if calls <= at {
            assert_eq!(counted, 5, "the control");
            return;
        }
    }
}

#[test]
fn what_is_given_up_is_counted_though_the_program_dies() {
    whenever_it_dies(|home| home.says(Answer::Rejected));
}

#[test]
fn what_is_too_old_is_counted_though_the_program_dies() {
    for kind in ["waiting", "outbox"] {
        let prepare = |home: &Home| {
            if kind == "outbox" {
                let _ = home.flush();
            }
            home.pass(9 * DAY);
        };
        whenever_it_dies(prepare);
    }
}

/// This happens in a directory of mode 0500.
#[test]
fn what_cant_be_removed_is_not_counted_at_each_start() {
    for kind in ["waiting", "outbox"] {
        let home = Home::with(5);
        if kind == "outbox" {
            let _ = home.flush();
        }
        let directory = slashed(home.only(kind).parent().unwrap());
        home.disk.set(move |call, path| {
            (matches!(call, "may_write" | "remove_file" | "rename" | "create") && path.starts_with(&directory))
                .then_some(Errno::ACCESS)
        });
        home.pass(9 * DAY);
        for _ in 0..3 {
            let _ = home.flush();
            assert_eq!((home.files(kind).len(), home.lost()), (1, vec![]), "{kind}");
        }
        home.disk.end();
        let _ = home.flush();
        assert_eq!((home.files(kind).len(), home.lost()), (0, vec![("age", 5)]), "{kind}");
    }
}

/// After an interrupted build, the same lines are in a segment and in a batch. The batch is kept while the segment can't be read:
/// without the batch it would not be known which of the segment's lines have been sent.
#[test]
fn a_batch_whose_segment_cant_be_read_does_not_leave_before_it() {
    let home = Home::with(20);
    let segment = home.only("waiting");
    // An interrupted build: the batch is written, and the segment can't be removed.
    home.fail(Errno::IO, "remove_file", &segment);
    let _ = home.flush();
    home.disk.end();
    let segment = home.only("waiting");
    let batch = home.only("outbox");
    home.says(takes());
    home.pass(HOUR);
    home.fail(Errno::IO, "read", &segment);
    let done = home.flush();
    home.disk.end();
    assert_eq!((home.taken(), batch.exists()), (0, true), "{done:?}");
    home.pass(HOUR);
    let done = home.flush();
    assert_eq!((home.taken(), home.lost()), (20, vec![]), "{done:?}");
    home.pass(HOUR);
    let _ = home.flush();
    assert_eq!(home.taken(), 20, "nothing leaves twice");
}

#[cfg(unix)]
#[test]
fn one_file_that_cant_be_removed_makes_the_store_full_for_nobody() {
    let home = Home::with(5);
    let segment = home.only("waiting");
    mode(&segment, 0o644);
    home.pass(DAY);
    home.fail(Errno::PERM, "remove_file", &segment);
    let client = home.start();
    for times in 0..5 {
        client.record_durable(Happened { times });
        client.engine().tick();
        client.engine().run_tasks();
        let _ = flush(&client);
    }
    let full = lost(&client).into_iter().find(|(reason, _)| *reason == "full");
    assert_eq!(full, None, "what can't go takes its own room alone");
    home.disk.end();
    let _ = flush(&client);
    assert_eq!(lost(&client), [("foreign", 5)]);
}

/// Such a file can't be locked, so two processes that clean up at the same time would both count it.
#[cfg(unix)]
#[test]
fn what_others_may_open_is_ended_and_counted_by_one_alone() {
    let home = Home::with(5);
    let (client, other) = (home.start(), home.start());
    mode(&home.only("waiting"), 0o644);
    let tomorrow = crate::ambient::Day(client.engine().today().0 + 1);
    let lead = other.engine().journal.lead().unwrap();
    assert!(!client.engine().journal.enforce_bounds(tomorrow, true, false));
    assert_eq!((home.files("waiting").len(), lost(&client)), (1, vec![]), "somebody else clears up");
    drop(lead);
    assert!(client.engine().journal.enforce_bounds(tomorrow, true, false));
    assert_eq!((home.files("waiting").len(), lost(&client)), (0, vec![("foreign", 5)]));
}

#[test]
fn a_batch_that_cant_be_removed_is_noted_once_as_not_taken() {
    let home = Home::with(5);
    let _ = home.flush();
    let batch = home.only("outbox");
    // The batch was tried, and the receiver rejects it.
    home.says(Answer::Rejected);
    let outbox = batch.parent().unwrap().to_owned();
    let directory = slashed(&outbox);
    home.disk.set(move |call, path| (call == "may_write" && path == directory).then_some(Errno::ACCESS));
    for _ in 0..4 {
        home.pass(8 * HOUR);
        let _ = home.flush();
    }
    let sent = home.directory.path().join("data/org.example.crash/candor-1/sent/crash");
    let entries = || std::fs::read_dir(&sent).map_or(0, Iterator::count);
    let noted = entries();
    home.disk.end();
    assert!(noted <= 1, "{noted} entries of one batch");
    home.pass(8 * HOUR);
    let done = home.flush();
    assert_eq!((entries(), batch.exists()), (1, false), "the control: {done:?}");
}

impl Home {
    /// The state after a kill: both a batch and the segment that it was made from are on disk.
    fn cut_short(&self) -> (PathBuf, PathBuf) {
        self.fail(Errno::IO, "remove_file", &self.only("waiting"));
        let _ = self.flush();
        self.disk.end();
        (self.only("waiting"), self.only("outbox"))
    }

    fn fail_to_read(&self, file: &Path) {
        let file = slashed(file);
        self.disk.set(move |call, path| (matches!(call, "read" | "read_shared") && path == file).then_some(Errno::IO));
    }
}

#[test]
fn a_batch_whose_segment_can_never_be_read_is_counted_when_it_goes() {
    let home = Home::with(20);
    let (segment, batch) = home.cut_short();
    home.fail_to_read(&segment);
    home.says(takes());
    for _ in 0..7 {
        home.pass(3 * DAY);
        let _ = home.flush();
    }
    assert!(!segment.exists() && !batch.exists());
    let counted: u64 = home.lost().iter().map(|(_, count)| count).sum();
    // A file that can't be read counts as at least one.
    assert!((20..=21).contains(&(counted + home.taken())), "{:?}, and {} left", home.lost(), home.taken());
}

/// The first read of the batch fails, and reads a moment later succeed.
#[test]
fn a_batch_that_cant_be_read_at_first_does_not_leave_before_its_segment() {
    let home = Home::with(5);
    let (segment, batch) = home.cut_short();
    let name = slashed(&batch);
    let mut once = Some(());
    home.disk.set(move |call, path| (call == "read" && path == name && once.take().is_some()).then_some(Errno::IO));
    home.says(takes());
    home.pass(HOUR);
    let done = home.flush();
    home.disk.end();
    assert_eq!((home.taken(), done.waiting, segment.exists()), (0, 1, true), "{done:?}");
    names(&done, &batch);
    for _ in 0..2 {
        home.pass(HOUR);
        let _ = home.flush();
    }
    assert_eq!((home.taken(), home.lost()), (5, vec![]), "nothing leaves twice");
}

#[cfg(unix)]
#[test]
fn a_batch_that_is_held_back_is_named_and_waits() {
    let home = Home::with(5);
    let (segment, batch) = home.cut_short();
    // The mode that a restored backup leaves. The file is kept that day.
    mode(&segment, 0o644);
    home.says(takes());
    home.pass(HOUR);
    let done = home.flush();
    assert_eq!((home.taken(), done.waiting), (0, 1), "{done:?}");
    names(&done, &batch);
    mode(&segment, 0o600);
    home.pass(HOUR);
    let _ = home.flush();
    assert_eq!((home.taken(), home.lost()), (5, vec![]));
}

/// More files are pending than allowed, and the first one can't be removed.
#[cfg(unix)]
#[test]
fn beside_a_file_that_cant_be_removed_the_next_one_makes_room() {
    let home = Home::with(1);
    let segment = home.only("waiting");
    let stem = segment.file_stem().unwrap().to_str().unwrap().to_owned();
    for number in 0..270 {
        let copy = segment.with_file_name(format!("{stem}-{number:03}.jsonl"));
        std::fs::copy(&segment, &copy).unwrap();
        mode(&copy, 0o600);
    }
    let stuck = segment.with_file_name(format!("{stem}-000.jsonl"));
    home.fail(Errno::PERM, "remove_file", &stuck);
    let client = home.start();
    client.engine().journal.enforce_bounds(client.engine().today(), true, true);
    home.disk.end();
    assert_eq!((home.files("waiting").len(), stuck.exists()), (256, true));
    assert_eq!(lost(&client), [("full", 15)]);
}
