//! Promises 6 and 9 on a disk that can't be written: the program keeps running, and a withdrawal still stops everything.

use crate::{
    child::{self, Child},
    events::{PLAYBACK, USAGE, film, opened},
    files,
    home::{APPLICATION, HANG, Home, TestClock, dropped, flush, say_yes, state},
    server::Server,
    stage::CONTROLLER,
};
use candor::{
    Audience, Client, Config,
    consent::{Decision, MayAsk, State, WhyNot},
};
use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::chown,
    path::Path,
    process::Command,
};

/// The id of a user that is not root.
const NOBODY: u32 = 65_534;

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn config(data: &Path, marks: &Path, endpoint: &str) -> Config {
    Config::new(APPLICATION, CONTROLLER, Audience::Adults)
        .endpoint(endpoint)
        .directories(data, marks)
        .clock(TestClock::new())
        .lift_ci_block()
}

/// In a child: the program, with the directories and the endpoint that its parent chose.
fn child_client(home: &Path) -> Client {
    let endpoint = std::env::var("CANDOR_IT_ENDPOINT").unwrap();
    Client::new(config(&home.join("data"), &home.join("config"), &endpoint)).unwrap()
}

/// Withdraws where nothing new can be written, and checks that everything stops. `may_fail` allows an error: there not even
/// the snapshot can be removed.
#[track_caller]
fn stops(client: &Client, may_fail: bool) {
    let receipt = client.withdraw(USAGE);
    match &receipt {
        Ok(receipt) => {
            assert_eq!(receipt.decision, Decision::Withdrawn);
            assert!(!receipt.recorded, "the disk did not take it, and the receipt says so");
            assert!(receipt.confirmed, "by the tombstone: {receipt}");
            assert!(receipt.to_string().contains("not yet"), "{receipt}");
        }
        Err(error) => assert!(may_fail && error.is_store(), "{error:?}"),
    }
    client.record_with(|| -> crate::events::LibraryOpened { panic!("it was withdrawn") });
    client.record_durable(opened(9));
    assert_eq!(client.flush(HANG).unwrap().requests, 0);
}

/// A directory on a separate disk that a test can fill.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(bytes: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let size = format!("size={bytes},mode=0700");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(directory.path());
        assert!(child::spawn(&mut mount).wait().unwrap().success(), "root can mount a tmpfs");
        SmallDisk(directory)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn fill(&self) {
        let mut file = File::create(self.path().join("full")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    /// Fills the disk but for this many pages of 4,096 bytes.
    fn leave(&self, pages: u64) {
        self.fill();
        let file = File::options().write(true).open(self.path().join("full")).unwrap();
        file.set_len(file.metadata().unwrap().len() - pages * 4096).unwrap();
    }

    fn free(&self) {
        fs::remove_file(self.path().join("full")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = child::spawn(Command::new("umount").arg("-l").arg(self.path())).wait();
    }
}

#[test]
fn on_a_full_disk_events_are_counted_and_a_withdrawal_stops() {
    if !is_root() {
        return; // only root can mount a small disk; where_no_file_may_grow_a_withdrawal_stops checks the same as any user
    }
    let (disk, home, server) = (SmallDisk::mount(1 << 20), Home::new(), Server::new());
    let at = || config(&disk.path().join("data"), &home.config_dir(), &server.endpoint());
    let client = Client::new(at()).unwrap();
    client.grant(USAGE).unwrap();
    client.grant(PLAYBACK).unwrap();
    client.record_durable(opened(2));
    disk.fill();
    for _ in 0..100 {
        client.record(opened(3));
        client.record_durable(opened(3));
        client.record_durable(film());
    }
    crate::home::wait_for("every event to be accounted for", || {
        let outcomes = client.manifest().unwrap().outcomes;
        outcomes.lines + outcomes.counted + dropped(&client, "disk") == 301
    });
    assert!(dropped(&client, "disk") > 0);
    // A batch and its try must be on disk before it is sent. Without them nothing is sent.
    let flushed = flush(&client);
    assert!(flushed.trouble.is_some() && server.connections() == 0, "{flushed:?}");
    stops(&client, false);
    assert_ne!(state(&client, USAGE), State::Granted);
    drop(client);
    disk.free();
    let client = Client::new(at()).unwrap();
    assert!(!client.status(USAGE).unwrap().is_open());
    assert!(client.grant(USAGE).unwrap_err().needs_notice());
    say_yes(&client, USAGE);
    client.record_durable(opened(700));
    assert_eq!(flush(&client).records, 1);
    assert!(server.lines().len() == 1 && server.lines()[0].contains(r#""intValue":"513""#));
}

#[test]
fn on_a_full_disk_a_grant_does_not_open() {
    if !is_root() {
        return; // as above
    }
    let (disk, home, server) = (SmallDisk::mount(1 << 20), Home::new(), Server::new());
    let client = Client::new(config(&disk.path().join("data"), &home.config_dir(), &server.endpoint())).unwrap();
    disk.fill();
    assert!(client.grant(USAGE).unwrap_err().is_store());
    assert!(!client.status(USAGE).unwrap().is_open());
    client.record_with(|| -> crate::events::LibraryOpened { panic!("nothing was recorded") });
    disk.free();
    say_yes(&client, USAGE);
    assert!(client.status(USAGE).unwrap().is_open());
}

/// A home whose directories belong to the user that runs the children.
pub(crate) fn lent() -> Home {
    let home = Home::new();
    for directory in [home.data(), home.config_dir()] {
        files::make_dir(&directory);
        if is_root() {
            chown(directory, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    files::mode(&home.path(), 0o755);
    home
}

pub(crate) fn child(name: &'static str, home: &Home, server: &Server) -> Child {
    let child = Child::new(name, &home.path()).var("CANDOR_IT_ENDPOINT", server.endpoint());
    if is_root() { child.user(NOBODY) } else { child }
}

#[test]
fn where_no_file_may_grow_a_withdrawal_stops() {
    let (home, server) = (lent(), Server::new());
    child("disk::child_grants", &home, &server).run();
    let before = files::all(&home.store().join("waiting")).len();
    assert!(before > 0);
    child("disk::child_withdraws", &home, &server).after("trap '' XFSZ; ulimit -f 0").run();
    child("disk::child_finds_it_closed", &home, &server).run();
    assert_eq!(server.connections(), 0);
    assert!(files::all(&home.store().join("waiting")).is_empty());
}

/// The person was not asked yet, and no directory exists.
#[test]
fn where_no_file_may_grow_a_first_refusal_holds() {
    for no in ["deny", "withdraw"] {
        let (home, server) = (lent(), Server::new());
        child("disk::child_refuses", &home, &server).var("CANDOR_IT_NO", no).after("trap '' XFSZ; ulimit -f 0").run();
        child("disk::child_finds_it_closed", &home, &server).run();
        assert_eq!(server.connections(), 0);
    }
}

#[test]
fn where_only_one_directory_can_be_made_a_first_refusal_holds() {
    for name in ["data", "config"] {
        let (home, server) = (lent(), Server::new());
        files::mode(&home.path().join(name), 0o500);
        child("disk::child_refuses", &home, &server).var("CANDOR_IT_NO", "deny").run();
        files::mode(&home.path().join(name), 0o700);
        child("disk::child_finds_it_closed", &home, &server).run();
    }
}

#[test]
fn on_a_full_disk_a_first_refusal_holds() {
    if !is_root() {
        return; // as above
    }
    let (disk, home, server) = (SmallDisk::mount(1 << 20), Home::new(), Server::new());
    let at = || config(&disk.path().join("data"), &home.config_dir(), &server.endpoint());
    let client = Client::new(at()).unwrap();
    disk.fill();
    assert!(client.deny(USAGE).unwrap_err().is_store());
    drop(client);
    disk.free();
    let client = Client::new(at()).unwrap();
    assert_eq!(state(&client, USAGE), State::Denied);
    assert!(client.grant(USAGE).unwrap_err().needs_notice());
    say_yes(&client, USAGE);
}

/// Returns whether the question may be asked. If so, a grant is kept. If not, the reason must be `why`.
#[track_caller]
fn is_asked(client: &Client, why: WhyNot) -> bool {
    let may = client.may_ask(USAGE).unwrap();
    match client.prompt(USAGE) {
        Ok(prompt) => {
            assert!(may.is_yes(), "{may:?}");
            prompt.yes("first start").unwrap();
            assert!(client.status(USAGE).unwrap().is_open());
            true
        }
        Err(error) => {
            assert!(error.may_not_ask() && error.to_string().contains(why.describe()), "{error}");
            assert_eq!(may, MayAsk::No { why, not_before: None });
            false
        }
    }
}

#[test]
fn on_a_disk_that_is_nearly_full_no_question_is_shown_whose_answer_cannot_be_kept() {
    if !is_root() {
        return; // as above
    }
    let (disk, server) = (SmallDisk::mount(1 << 20), Server::new());
    let mut asked = Vec::new();
    for pages in [0, 1, 2, 3, 4, 6, 9, 12, 15, 18, 21, 24, 30, 60, 100] {
        disk.leave(pages);
        let at = || config(&disk.path().join("data"), &disk.path().join("config"), &server.endpoint());
        let client = Client::new(at()).unwrap();
        let is_asked = is_asked(&client, WhyNot::NoRoom);
        asked.push(is_asked);
        drop(client);
        if !is_asked {
            // No question was shown, so the next start may show one.
            disk.free();
            assert!(Client::new(at()).unwrap().may_ask(USAGE).unwrap().is_yes());
        } else {
            disk.free();
        }
        for name in ["data", "config"] {
            let _ = fs::remove_dir_all(disk.path().join(name));
        }
    }
    assert!(!asked[0] && asked[14] && asked.is_sorted(), "{asked:?}");
}

#[test]
fn where_files_may_not_be_as_large_as_an_answer_no_question_is_shown() {
    let limits = [0, 1, 2, 4, 8, 16, 32, 128].map(|blocks| format!("trap '' XFSZ; ulimit -f {blocks}"));
    let asked = limits.map(|limit| {
        let (home, server) = (lent(), Server::new());
        child("disk::child_is_asked", &home, &server).after(limit).run().contains("ASKED")
    });
    assert!(!asked[0] && asked[7] && asked.is_sorted(), "{asked:?}");
}

#[test]
#[ignore = "run by where_files_may_not_be_as_large_as_an_answer_no_question_is_shown"]
fn child_is_asked() {
    let Some(home) = child::home() else { return };
    if is_asked(&child_client(&home), WhyNot::FileLimit) {
        println!("ASKED");
    }
    child::done("disk::child_is_asked");
}

#[test]
#[ignore = "run by the tests of a first no, where the disk takes none"]
fn child_refuses() {
    let Some(home) = child::home() else { return };
    let client = child_client(&home);
    assert!(client.defer(USAGE).unwrap_err().is_store());
    assert_eq!(state(&client, USAGE), State::NeverAsked);
    assert!(files::all(&home).iter().all(|path| path.extension().is_none_or(|end| end != "revoked")), "later is no no");
    let no = if std::env::var("CANDOR_IT_NO").unwrap() == "deny" { client.deny(USAGE) } else { client.withdraw(USAGE) };
    assert!(no.unwrap_err().is_store());
    child::done("disk::child_refuses");
}

#[test]
fn in_a_read_only_store_a_withdrawal_stops() {
    for marks_too in [false, true] {
        let (home, server) = (lent(), Server::new());
        child("disk::child_grants", &home, &server).run();
        let restrict = |mode| {
            files::mode(&home.store(), mode);
            if marks_too {
                files::mode(&home.marks(), mode);
            }
        };
        restrict(0o500);
        child("disk::child_withdraws", &home, &server).var("CANDOR_IT_MAY_FAIL", "1").run();
        restrict(0o700);
        if !marks_too {
            // The high-water mark was raised. It closes the scope although the snapshot could not be removed.
            child("disk::child_finds_it_closed", &home, &server).run();
        }
        assert_eq!(server.connections(), 0);
    }
}

#[test]
fn in_a_read_only_place_a_grant_does_not_open() {
    for name in ["data", "config"] {
        let (home, server) = (lent(), Server::new());
        files::mode(&home.path().join(name), 0o500);
        child("disk::child_cannot_grant", &home, &server).run();
        assert_eq!(server.connections(), 0);
        // The refusal that followed holds, and no grant is left beside it.
        files::mode(&home.path().join(name), 0o700);
        child("disk::child_finds_it_closed", &home, &server).run();
    }
}

#[test]
#[ignore = "run by in_a_read_only_place_a_grant_does_not_open, as somebody who is not root"]
fn child_cannot_grant() {
    let Some(home) = child::home() else { return };
    let client = child_client(&home);
    assert!(client.grant(USAGE).unwrap_err().is_store());
    assert!(!client.status(USAGE).unwrap().is_open());
    client.record_with(|| -> crate::events::LibraryOpened { panic!("nothing was recorded") });
    assert!(client.deny(USAGE).unwrap_err().is_store());
    assert_eq!(client.flush(HANG).unwrap().requests, 0);
    child::done("disk::child_cannot_grant");
}

#[test]
#[ignore = "run by the tests of full and read-only stores, before they are"]
fn child_grants() {
    let Some(home) = child::home() else { return };
    assert!(!is_root());
    let client = child_client(&home);
    client.grant(USAGE).unwrap();
    client.record_durable(opened(2));
    child::done("disk::child_grants");
}

#[test]
#[ignore = "run by the tests of full and read-only stores, while they are"]
fn child_withdraws() {
    let Some(home) = child::home() else { return };
    let client = child_client(&home);
    assert!(client.status(USAGE).unwrap().is_open());
    client.record(opened(2));
    client.record_durable(opened(2));
    let probe = home.join("data").join(APPLICATION).join("candor-1").join("probe");
    assert!(fs::write(probe, b"x").is_err(), "the control: this disk takes nothing");
    stops(&client, std::env::var_os("CANDOR_IT_MAY_FAIL").is_some());
    child::done("disk::child_withdraws");
}

#[test]
#[ignore = "run by the tests of full and read-only stores, when they are no longer"]
fn child_finds_it_closed() {
    let Some(home) = child::home() else { return };
    let client = child_client(&home);
    assert!(!client.status(USAGE).unwrap().is_open());
    assert!(client.grant(USAGE).unwrap_err().needs_notice());
    assert_eq!(client.flush(HANG).unwrap().requests, 0);
    child::done("disk::child_finds_it_closed");
}
