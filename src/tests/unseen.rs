//! Tests of failed reads of sent data and of erasure requests. After such a failure nothing is removed, set aside, counted as
//! damaged, treated as missing or reported as done. Once the disk can be read again, everything continues.

use super::platform::{self, Errno};
use super::{
    CRASH, Happened,
    erase::{Taker, WEEK, carried_out, open, pending, prepare},
    trouble::Troubled,
};
use crate::{
    Client,
    consent::NAMES_MOST,
    mutants::{self, Mutant},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// One error that access rules can cause, and two that are temporary.
const ERRORS: [Errno; 3] = [Errno::ACCESS, Errno::MFILE, Errno::IO];

struct Home {
    directory: tempfile::TempDir,
    taker: Taker,
    disk: Arc<Troubled>,
}

impl Home {
    fn empty() -> Self {
        Home { directory: tempfile::tempdir().unwrap(), taker: Taker::default(), disk: Arc::default() }
    }

    /// One event is pending.
    fn with_one_waiting() -> (Self, Client) {
        let home = Home::empty();
        let client = open(home.directory.path(), &home.taker, Some(&home.disk));
        client.grant(CRASH).unwrap();
        client.record_durable(Happened { times: 1 });
        (home, client)
    }

    /// Two requests were sent, and the scope was withdrawn.
    fn new() -> (Self, Client) {
        let home = Home::empty();
        prepare(home.directory.path());
        let client = open(home.directory.path(), &home.taker, Some(&home.disk));
        (home, client)
    }

    /// Makes each `call` at a path that contains `part` and ends in `end` fail, until `end` is called on the disk.
    fn fail(&self, errno: Errno, call: &'static str, part: &'static str, end: &'static str) {
        self.disk
            .set(move |called, path| (called == call && path.contains(part) && path.ends_with(end)).then_some(errno));
    }

    fn below(&self, part: &str) -> PathBuf {
        self.directory.path().join("data/org.example.crash/candor-1").join(part)
    }
}

fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// What the person sees: the error, or the page.
fn told(client: &Client) -> String {
    client.erasures(CRASH).map_or_else(|error| error.to_string(), |status| status.to_string())
}

#[test]
fn a_request_that_cant_be_read_now_is_not_damaged() {
    for errno in ERRORS {
        let (home, client) = Home::new();
        assert_eq!(pending(&client.erase(CRASH).unwrap()), 2);
        home.fail(errno, "read", "/erasing/crash/", ".json");
        let why = told(&client);
        assert!(why.contains(&errno.to_string()) && !why.contains("damaged"), "{errno}: {why}");
        home.taker.pass(WEEK);
        for _ in 0..3 {
            let _ = client.flush(Duration::from_secs(20)).unwrap();
        }
        home.disk.end();
        assert!(
            !names(&home.below("erasing/crash")).iter().any(|name| name.ends_with("damaged")),
            "{errno}: set aside"
        );
        assert_eq!(carried_out(&client, &home.taker), (2, 2), "{errno}");
    }
}

#[test]
fn requests_that_cant_be_listed_now_are_neither_done_nor_taken_back() {
    for errno in ERRORS {
        let (home, client) = Home::new();
        assert_eq!(pending(&client.erase(CRASH).unwrap()), 2);
        home.fail(errno, "list", "/erasing/", "crash");
        let why = told(&client);
        assert!(why.contains(&errno.to_string()), "{errno}: {why}");
        assert!(client.cancel_erasure(CRASH).is_err(), "{errno}: nothing was taken back");
        home.disk.end();
        assert_eq!(pending(&client.cancel_erasure(CRASH).unwrap()), 0, "{errno}");
    }
}

#[test]
fn a_request_that_is_half_made_outlives_a_look_that_fails() {
    for errno in ERRORS {
        let (home, client) = Home::new();
        // The erasure request is written, but its documents can't be.
        home.disk.set(|call, path| {
            (call == "create" && path.contains("/erasing/crash/") && !path.ends_with("asked.new"))
                .then_some(Errno::NOSPC)
        });
        assert!(client.erase(CRASH).unwrap().unfinished);
        home.fail(errno, "read", "/erasing/crash/", "asked");
        let why = told(&client);
        assert!(why.contains(&errno.to_string()), "{errno}: {why}");
        assert!(client.delete_sent(CRASH).is_err(), "{errno}: the ids are needed for what was asked");
        home.disk.end();
        client.delete_sent(CRASH).unwrap();
        assert_eq!(carried_out(&client, &home.taker), (2, 2), "{errno}");
    }
}

#[test]
fn ids_that_cant_be_looked_at_now_are_not_gone() {
    for errno in ERRORS {
        let (home, client) = Home::new();
        home.fail(errno, "list", "/named/", "crash");
        let why = told(&client);
        assert!(why.contains(&errno.to_string()), "{errno}: {why}");
        assert!(client.erase(CRASH).is_err(), "{errno}: nothing was asked for");
        assert!(client.delete_sent(CRASH).is_err(), "{errno}: the ids are there");
        home.fail(errno, "read", "/named/crash/", ".json");
        let request = client.erase(CRASH).map(|status| (pending(&status), status.unfinished));
        assert!(!request.as_ref().is_ok_and(|request| !request.1), "{errno}: {request:?}");
        home.disk.end();
        assert_eq!(pending(&client.erase(CRASH).unwrap()), 2, "{errno}");
        client.delete_sent(CRASH).unwrap();
        assert_eq!(names(&home.below("named/crash")), ["tally"], "{errno}");
    }
}

#[test]
fn nothing_leaves_while_nobody_can_see_whether_its_ids_are_noted() {
    for errno in ERRORS {
        let (home, client) = Home::new();
        let notice = client.notice(CRASH).unwrap();
        client.grant(CRASH.shown(&notice)).unwrap();
        client.record_durable(Happened { times: 3 });
        home.fail(errno, "list", "/named/", "crash");
        let flushed = client.flush(Duration::from_secs(20)).unwrap();
        assert_eq!(flushed.requests, 0, "{errno}");
        home.disk.end();
        assert_eq!(client.flush(Duration::from_secs(20)).unwrap().requests, 1, "{errno}");
        assert_eq!(client.erasures(CRASH).unwrap().left, 3, "{errno}");
    }
}

#[test]
fn no_count_is_made_again_from_ids_that_cant_be_read_now() {
    for errno in ERRORS {
        for (call, part, end) in [("list", "/named/", "crash"), ("read", "/named/crash/", ".json")] {
            let (home, client) = Home::new();
            std::fs::write(home.below("named/crash/tally"), "damaged").unwrap();
            home.fail(errno, call, part, end);
            let engine = client.engine();
            engine.journal.names().expire(engine.registry.scopes(), engine.ambient.now().day());
            home.disk.end();
            // The ids are deleted, and the count remains.
            client.delete_sent(CRASH).unwrap();
            assert_eq!(client.erasures(CRASH).unwrap().left, 2, "{errno} {call}");
        }
    }
}

#[test]
fn no_ids_are_removed_before_a_lost_count_of_them_is_written() {
    let (home, client) = Home::new();
    let directory = home.below("named/crash");
    std::fs::write(directory.join("tally"), "damaged").unwrap();
    // Newer files take all the space that ids may take, so that the ids are the oldest.
    for number in 0..=(2 << 20) / NAMES_MOST {
        let newer = directory.join(format!("99999999999999-99999-{number:032x}.json"));
        // A copy has the right access rules.
        std::fs::copy(directory.join("tally"), &newer).unwrap();
        std::fs::write(newer, vec![b'x'; usize::try_from(NAMES_MOST).unwrap()]).unwrap();
    }
    home.fail(Errno::NOSPC, "create", "/named/crash/", "tally.new");
    let engine = client.engine();
    engine.journal.names().expire(engine.registry.scopes(), engine.ambient.now().day());
    home.disk.end();
    assert_eq!(client.erasures(CRASH).unwrap().left, 2, "the count is made from the ids");
    // The control: now the count can be written, and the ids are removed.
    engine.journal.names().expire(engine.registry.scopes(), engine.ambient.now().day());
    let status = client.erasures(CRASH).unwrap();
    assert_eq!((status.left, status.nameable), (2, 0));
}

#[test]
fn an_entry_that_cant_be_read_now_is_not_half_an_entry() {
    for errno in ERRORS {
        for (call, part, end) in [("read", "/sent/crash/", ".json"), ("list", "/sent/", "crash")] {
            let (home, client) = Home::new();
            home.fail(errno, call, part, end);
            assert!(client.discard_contents(CRASH).is_err(), "{errno} {call}: the contents are there");
            home.disk.end();
            assert_eq!(names(&home.below("sent/crash")).len(), 2, "{errno} {call}: what left is known");
            client.discard_contents(CRASH).unwrap();
            let manifest = client.manifest().unwrap();
            let sent = &manifest.scope(CRASH).unwrap().sent;
            assert!(sent.len() == 2 && sent.iter().all(|entry| entry.body.is_empty()), "{errno} {call}");
        }
    }
}

#[test]
fn the_page_says_what_could_not_be_looked_at() {
    for errno in ERRORS {
        let (home, client) = Home::new();
        assert_eq!(pending(&client.erase(CRASH).unwrap()), 2);
        home.fail(errno, "read", "/erasing/crash/", ".json");
        let page = client.manifest().unwrap();
        let unread = page.scope(CRASH).unwrap().unread.join("\n");
        assert!(unread.contains(&errno.to_string()), "{errno}: {unread}");
        assert!(page.to_string().contains(&errno.to_string()), "{errno}");
    }
}

/// What is kept of the sent data while it can't be read whether the person wants it deleted, or kept without contents. Returns
/// the number of entries, and how many of them have contents.
fn left_unseen(end: &'static str, errno: Errno, mutant: Option<Mutant>) -> (usize, usize) {
    let (home, client) = Home::new();
    home.fail(errno, "stat", "/sent/", end);
    mutants::with(mutant, || client.engine().finish_deletions());
    let page = client.manifest().unwrap();
    assert!(page.scope(CRASH).unwrap().keeps_contents || mutant.is_some());
    home.disk.end();
    let manifest = client.manifest().unwrap();
    let sent = &manifest.scope(CRASH).unwrap().sent;
    (sent.len(), sent.iter().filter(|entry| !entry.body.is_empty()).count())
}

#[test]
fn a_choice_that_cant_be_looked_for_deletes_nothing() {
    for errno in ERRORS {
        for end in ["crash-deleting", "crash-bare"] {
            assert_eq!(left_unseen(end, errno, None), (2, 2), "{errno} {end}");
        }
        let mistake = Some(Mutant::UnseenCountsAsAsked);
        assert_eq!(left_unseen("crash-deleting", errno, mistake), (0, 0), "{errno}: the mistake is noticed");
        assert_eq!(left_unseen("crash-bare", errno, mistake), (2, 0), "{errno}: the mistake is noticed");
    }
}

/// The schedule says when the next request may be sent, and whether the receiver wants any. A failed read must not change it.
#[test]
fn a_schedule_that_cant_be_read_now_is_not_written_over() {
    for errno in ERRORS {
        let (home, client) = Home::with_one_waiting();
        let _ = client.engine().next_due();
        let outbox = home.below("outbox/crash");
        let schedule = outbox.join(&names(&outbox)[0]).join("schedule");
        let before = std::fs::read(&schedule).unwrap();
        home.fail(errno, "read", "/outbox/crash/", "/schedule");
        for _ in 0..3 {
            let flushed = client.flush(Duration::from_secs(20)).unwrap();
            let why = flushed.trouble.unwrap_or_default();
            assert!(flushed.requests == 0 && why.contains(&errno.to_string()), "{errno}: {why}");
            let _ = client.engine().next_due();
        }
        assert_eq!(std::fs::read(&schedule).unwrap(), before, "{errno}");
        home.disk.end();
        assert_eq!(client.flush(Duration::from_secs(20)).unwrap().requests, 1, "{errno}");
    }
}

/// The same for the schedule of erasure: the erasure is made later, and the time in the schedule is unchanged.
#[test]
fn a_schedule_of_erasure_that_cant_be_read_now_is_not_written_over() {
    for errno in ERRORS {
        let (home, client) = Home::new();
        assert_eq!(pending(&client.erase(CRASH).unwrap()), 2);
        let schedule = home.below("erasing/crash/schedule");
        let before = std::fs::read(&schedule).unwrap();
        // The erasure is asked for again, so that there is something to make.
        client.cancel_erasure(CRASH).unwrap();
        std::fs::write(&schedule, &before).unwrap();
        platform::keep_private(&schedule);
        home.fail(errno, "read", "/erasing/crash/", "/schedule");
        let status = client.erase(CRASH).unwrap();
        assert!(status.unfinished && status.requests.is_empty(), "{errno}: {status:?}");
        assert_eq!(std::fs::read(&schedule).unwrap(), before, "{errno}");
        home.disk.end();
        assert_eq!(carried_out(&client, &home.taker), (2, 2), "{errno}");
    }
}

/// A deletion that failed half-way must not delete data that is sent after it. The deletion is completed before more is sent, or
/// nothing is sent until it is.
#[test]
fn a_deletion_that_failed_takes_nothing_that_leaves_later() {
    for errno in ERRORS {
        let (home, client) = Home::with_one_waiting();
        assert_eq!(client.flush(Duration::from_secs(20)).unwrap().requests, 1);
        home.fail(errno, "remove_file", "/named/crash/", ".json");
        let asked = client.delete_sent(CRASH);
        assert!(asked.as_ref().is_err_and(|error| error.to_string().contains(&errno.to_string())), "{asked:?}");
        client.record_durable(Happened { times: 7 });
        let flushed = client.flush(Duration::from_secs(20)).unwrap();
        assert_eq!(flushed.requests, 0, "{errno}: something left before the deletion was done");
        let trouble = flushed.trouble.unwrap();
        assert!(trouble.contains("to be deleted") && trouble.contains(&errno.to_string()), "{errno}: {trouble}");
        home.disk.end();
        assert_eq!(client.flush(Duration::from_secs(20)).unwrap().requests, 1, "{errno}");
        drop(client);
        // The next start completes an interrupted deletion. Here there is none to complete.
        let client = open(home.directory.path(), &home.taker, Some(&home.disk));
        let _ = client.flush(Duration::from_secs(20)).unwrap();
        assert_eq!(
            client.manifest().unwrap().scope(CRASH).unwrap().sent.len(),
            1,
            "{errno}: what left later was deleted"
        );
    }
}
