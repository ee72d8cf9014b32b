//! Promises 6 and 7: a running program uses only the store that it opened. If it finds another store, an older copy or
//! nothing in its place, it closes, confirms nothing and changes nothing there.

use crate::{
    child::{self, Child},
    events::{PLAYBACK, USAGE, opened},
    files,
    home::{HANG, Home, say_yes, state, wait_for},
    server::Server,
};
use candor::{Client, consent::State};
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// Removes a file or directory. Retries, because a running client may add a file after the entries were listed, or
/// remove `path` itself.
fn remove(path: &Path) {
    wait_for("nobody to write there", || {
        let gone = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        match gone.map_err(|error| error.kind()) {
            Ok(()) | Err(ErrorKind::NotFound) => !path.exists(),
            Err(kind) => {
                assert_eq!(kind, ErrorKind::DirectoryNotEmpty);
                false
            }
        }
    });
}

/// Replaces the contents of one directory with those of another. The directory itself stays the same, as with rsync and
/// most backup tools.
fn overwrite(from: &Path, to: &Path) {
    files::make_dir(to);
    for entry in fs::read_dir(to).unwrap() {
        remove(&entry.unwrap().path());
    }
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            files::copy(&path, &to);
        } else {
            files::write(&to, &fs::read(&path).unwrap());
        }
    }
}

/// The two directories of a home: the store and the marks.
fn places(home: &Home) -> [PathBuf; 2] {
    [home.store(), home.marks()]
}

/// Copies both directories.
fn copy(home: &Home, name: &str) -> [PathBuf; 2] {
    let to = home.path().join("copies").join(name);
    let copies = [to.join("store"), to.join("marks")];
    for (place, copy) in places(home).iter().zip(&copies) {
        files::copy(place, copy);
    }
    copies
}

fn put_back(home: &Home, copies: &[PathBuf; 2]) {
    for (place, copy) in places(home).iter().zip(copies) {
        overwrite(copy, place);
    }
}

/// The contents of a store. Lock files, schedules and directories are left out: they show only that a program decided or looked.
fn contents(home: &Home) -> Vec<(String, Vec<u8>)> {
    let mut out: Vec<(String, Vec<u8>)> = files::tree(&home.store()).into_iter().collect();
    out.retain(|(name, _)| !name.ends_with(".lock") && !name.contains("schedule") && !name.ends_with('/'));
    out
}

/// Asserts that the program keeps running and does nothing: it is closed, reports why and what to do, and sends nothing.
#[track_caller]
fn keeps_out(client: &Client, server: &Server, why: &str) {
    let heard = server.connections();
    let status = client.status(USAGE).unwrap();
    let trouble = status.trouble.clone().unwrap_or_default();
    assert!(!status.is_open() && status.state == State::Unreadable, "{why}: {status:?}");
    assert!(trouble.contains("not the store that this program opened"), "{why}: {trouble}");
    assert!(trouble.contains("restart the program"), "{why}: says what to do: {trouble}");
    client.record(opened(9));
    client.record_durable(opened(9));
    assert_eq!(client.flush(HANG).unwrap().requests, 0, "{why}");
    assert_eq!(server.connections(), heard, "{why}");
}

/// Refuses in each way and asserts that no answer says that the refusal is recorded or confirmed.
#[track_caller]
fn is_not_confirmed(client: &Client, why: &str) {
    for answer in [client.withdraw(USAGE), client.deny(USAGE), client.withdraw(USAGE)] {
        assert!(!answer.as_ref().is_ok_and(|receipt| receipt.confirmed || receipt.recorded), "{why}: {answer:?}");
    }
    let status = client.status(USAGE).unwrap();
    assert!(status.trouble.unwrap().contains("candor tries again"), "{why}");
}

#[cfg(unix)]
#[test]
fn another_store_in_the_same_directory_is_noticed_and_left_alone() {
    let (home, other, server) = (Home::new(), Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
    client.record_durable(opened(2));
    let theirs = other.start_granted(&server, &[USAGE]);
    theirs.record_durable(opened(3));
    drop(theirs);
    let own = copy(&home, "own");
    for (from, to) in places(&other).iter().zip(places(&home)) {
        overwrite(from, &to);
    }
    let before = contents(&home);
    keeps_out(&client, &server, "another store");
    is_not_confirmed(&client, "another store");
    assert_eq!(contents(&home), before, "what belongs to another store is neither written nor destroyed");
    assert!(client.grant(PLAYBACK).unwrap_err().is_store());
    assert!(client.erase(USAGE).unwrap_err().is_store() && client.delete_sent(USAGE).unwrap_err().is_store());
    assert_eq!(contents(&home), before);
    // The program's own store is put back. The withdrawal is now completed, and the other scope was never touched.
    put_back(&home, &own);
    assert!(client.withdraw(USAGE).unwrap().confirmed);
    assert!(client.status(PLAYBACK).unwrap().is_open());
    drop(client);
    let client = home.start(&server);
    assert_eq!(state(&client, USAGE), State::Withdrawn);
    assert!(home.waiting("waiting", USAGE).is_empty());
    assert!(client.status(PLAYBACK).unwrap().is_open());
}

#[test]
fn a_refusal_in_front_of_another_store_holds_at_the_next_start() {
    let (home, other, server) = (Home::new(), Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    drop(other.start_granted(&server, &[USAGE]));
    for (from, to) in places(&other).iter().zip(places(&home)) {
        overwrite(from, &to);
    }
    is_not_confirmed(&client, "another store");
    drop(client);
    // A program that starts now opens the other store. The refusal made at this place closes it.
    let client = home.start(&server);
    assert_eq!(state(&client, USAGE), State::Withdrawn);
}

#[test]
fn an_older_grant_that_is_put_back_opens_nothing_for_a_program_that_knows_of_the_refusal() {
    for says_no in [Client::withdraw, Client::deny] {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
        client.record_durable(opened(2));
        let yes = copy(&home, "yes");
        assert!(says_no(&client, USAGE).unwrap().confirmed);
        put_back(&home, &yes);
        let status = client.status(USAGE).unwrap();
        assert!(!status.is_open() && status.state == State::Unreadable, "{status:?}");
        client.record_durable(opened(9));
        assert_eq!(client.flush(HANG).unwrap().requests, 0);
        assert!(client.grant(USAGE).unwrap_err().needs_notice());
        assert!(client.status(PLAYBACK).unwrap().is_open(), "of which nothing newer is known");
        // The refusal is known at the next start as well.
        drop(client);
        let client = home.start(&server);
        assert!(!client.status(USAGE).unwrap().is_open(), "{:?}", client.status(USAGE));
        assert_eq!(client.flush(HANG).unwrap().requests, 0);
        assert_eq!(server.connections(), 0);
        say_yes(&client, USAGE);
        assert!(client.status(USAGE).unwrap().is_open());
    }
}

/// Holds for both ways to put a copy back: over the existing files, and as new directories in their place.
#[test]
fn an_older_copy_that_a_program_saw_opens_nothing_after_it_either() {
    for again in [false, true] {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
        client.record_durable(opened(2));
        let yes = copy(&home, "yes");
        assert!(client.withdraw(USAGE).unwrap().confirmed);
        if again {
            places(&home).iter().for_each(|place| remove(place));
        }
        put_back(&home, &yes);
        // The running program notices the copy by itself. Then it exits.
        let mark = || fs::read(home.marks().join("high")).unwrap();
        let before = mark();
        crate::home::wait_for("the program to note what it knows", || {
            home.clock.pass(std::time::Duration::from_secs(1));
            mark() != before
        });
        drop(client);
        let client = home.start(&server);
        assert!(!client.status(USAGE).unwrap().is_open(), "{again}: {:?}", client.status(USAGE));
        assert!(client.grant(USAGE).unwrap_err().needs_notice(), "{again}");
        assert_eq!((client.flush(HANG).unwrap().requests, server.connections()), (0, 0), "{again}");
    }
}

/// The same, where the program exits before its next look.
#[test]
fn an_older_copy_that_is_put_back_as_a_program_ends_opens_nothing() {
    for again in [false, true] {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
        client.record_durable(opened(2));
        let yes = copy(&home, "yes");
        assert!(client.withdraw(USAGE).unwrap().confirmed);
        if again {
            places(&home).iter().for_each(|place| remove(place));
        }
        put_back(&home, &yes);
        drop(client);
        let client = home.start(&server);
        assert!(!client.status(USAGE).unwrap().is_open(), "{again}: {:?}", client.status(USAGE));
        assert_eq!((client.flush(HANG).unwrap().requests, server.connections()), (0, 0), "{again}");
    }
}

#[test]
fn a_directory_that_is_moved_while_a_program_runs_confirms_nothing() {
    for comes_back in [true, false] {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE]);
        client.record_durable(opened(2));
        let aside = home.path().join("aside");
        fs::rename(home.data(), &aside).unwrap();
        keeps_out(&client, &server, "moved");
        is_not_confirmed(&client, "moved");
        assert!(!home.data().exists(), "no other store is made: {:?}", files::all(&home.path()));
        if comes_back {
            fs::rename(&aside, home.data()).unwrap();
        }
        drop(client);
        let client = home.start(&server);
        assert!(!client.status(USAGE).unwrap().is_open(), "{comes_back}: {:?}", client.status(USAGE));
        assert_eq!(client.flush(HANG).unwrap().requests, 0);
        assert_eq!(server.connections(), 0);
    }
}

/// Deleting both directories as a whole is a fresh start for every program that starts afterwards.
#[test]
fn a_person_who_deletes_everything_is_never_asked_before() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    for place in places(&home) {
        crate::home::wait_for("it to be gone", || fs::remove_dir_all(&place).is_ok());
    }
    keeps_out(&client, &server, "deleted");
    assert!(client.grant(USAGE).unwrap_err().is_store(), "a program that runs begins no new records");
    drop(client);
    let client = home.start(&server);
    assert_eq!(state(&client, USAGE), State::NeverAsked);
    client.grant(USAGE).unwrap();
    assert!(client.status(USAGE).unwrap().is_open());
}

#[test]
fn relative_directories_stay_where_they_were() {
    let (home, server) = (Home::new(), Server::new());
    Child::new("identity::child_that_changes_its_directory", &home.path()).var(ENDPOINT, server.endpoint()).run();
    assert_eq!(state(&home.start(&server), USAGE), State::Withdrawn);
    assert!(!home.path().join("elsewhere").join("data").exists());
}

const ENDPOINT: &str = "CANDOR_IT_ENDPOINT";

/// A configuration with relative paths, which lead to the directories only from the home itself.
fn relative(home: &Home) -> candor::Config {
    home.config_to(std::env::var(ENDPOINT).unwrap()).directories("data", "config")
}

#[test]
#[ignore = "run by relative_directories_stay_where_they_were"]
fn child_that_changes_its_directory() {
    let Some(path) = child::home() else { return };
    std::env::set_current_dir(&path).unwrap();
    let client = Client::new(relative(&Home::new())).unwrap();
    client.grant(USAGE).unwrap();
    fs::create_dir(path.join("elsewhere")).unwrap();
    std::env::set_current_dir(path.join("elsewhere")).unwrap();
    assert!(client.withdraw(USAGE).unwrap().confirmed);
    child::done("identity::child_that_changes_its_directory");
}

#[cfg(unix)]
#[test]
fn a_withdrawal_after_chroot_confirms_nothing() {
    let (home, server) = (Home::new(), Server::new());
    Child::new("identity::child_that_changes_its_root", &home.path()).var(ENDPOINT, server.endpoint()).run();
    assert!(home.start(&server).status(USAGE).unwrap().is_open(), "the answer was that it could not be done");
}

/// Where this user may not change the root, the test moves the directories away instead. To the program it looks the same.
#[cfg(unix)]
#[test]
#[ignore = "run by a_withdrawal_after_chroot_confirms_nothing"]
fn child_that_changes_its_root() {
    let Some(path) = child::home() else { return };
    let config = Home::new().config_to(std::env::var(ENDPOINT).unwrap());
    let client = Client::new(config.directories(path.join("data"), path.join("config"))).unwrap();
    client.grant(USAGE).unwrap();
    let jail = path.join("jail");
    fs::create_dir(&jail).unwrap();
    let moved: [(PathBuf, PathBuf); 2] =
        ["data", "config"].map(|name| (path.join(name), path.join(format!("{name} aside"))));
    let jailed = rustix::process::chroot(&jail).is_ok();
    if !jailed {
        moved.iter().for_each(|(from, to)| fs::rename(from, to).unwrap());
    }
    let answer = client.withdraw(USAGE);
    assert!(!answer.as_ref().is_ok_and(|receipt| receipt.confirmed || receipt.recorded), "{answer:?}");
    let status = client.status(USAGE).unwrap();
    assert!(!status.is_open() && status.trouble.is_some(), "{status:?}");
    if !jailed {
        moved.iter().for_each(|(from, to)| fs::rename(to, from).unwrap());
    }
    child::done("identity::child_that_changes_its_root");
}
