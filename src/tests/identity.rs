//! Tests the id of a store: stores without one, which were made before ids existed, and where the id is on disk.

use super::{CRASH, Happened, config};
use crate::{
    Client,
    mutants::{Mutant, with},
};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn store(home: &Path) -> PathBuf {
    home.join("data/org.example.crash/candor-1")
}

fn snapshot(home: &Path) -> Value {
    let bytes = std::fs::read(store(home).join("consent")).unwrap();
    serde_json::from_str(crate::disk::unseal("consent", &bytes).unwrap()).unwrap()
}

/// Removes the id from a store.
fn age(home: &Path) {
    let mut old = snapshot(home);
    old.as_object_mut().unwrap().remove("store").unwrap();
    std::fs::write(store(home).join("consent"), crate::disk::seal("consent", &old.to_string())).unwrap();
    let life = store(home).join("crash.life");
    let text = std::fs::read_to_string(&life).unwrap();
    let without: Vec<&str> = text.lines().filter(|line| !line.starts_with("store ")).collect();
    assert!(without.len() < text.lines().count());
    std::fs::write(&life, without.join("\n") + "\n").unwrap();
}

fn client(home: &Path) -> Client {
    Client::new(config(home)).unwrap()
}

#[test]
fn a_store_has_one_id_for_ever_and_its_life_locks_say_it() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let first = client(home);
    first.grant(CRASH).unwrap();
    let id = snapshot(home)["store"].as_str().unwrap().to_owned();
    assert!(crate::ambient::unhex::<16>(&id).is_some(), "{id}");
    let says = || std::fs::read_to_string(store(home).join("crash.life")).unwrap();
    assert!(says().lines().any(|line| line == format!("store {id}")), "{}", says());
    assert!(first.withdraw(CRASH).unwrap().confirmed);
    drop(first);
    let again = client(home);
    again.grant(CRASH.shown(&again.notice(CRASH).unwrap())).unwrap();
    assert_eq!(snapshot(home)["store"], id.as_str());
    assert_eq!(says().lines().filter(|line| line.starts_with("store ")).count(), 1, "said once");
    drop(again);
    // Records that are started again after damage belong to the same store.
    std::fs::write(store(home).join("consent"), "damaged").unwrap();
    let restarted = client(home);
    assert!(restarted.deny(CRASH).unwrap().confirmed);
    assert_eq!(snapshot(home)["store"], id.as_str());
}

#[test]
fn a_store_without_an_id_gets_one_with_the_next_decision() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    client(home).grant(CRASH).unwrap();
    age(home);
    let (first, second) = (client(home), client(home));
    assert!(first.status(CRASH).unwrap().is_open() && second.status(CRASH).unwrap().is_open());
    assert!(snapshot(home).get("store").is_none(), "a start writes none");
    assert!(first.withdraw(CRASH).unwrap().confirmed);
    let id = snapshot(home)["store"].clone();
    assert!(id.is_string());
    // It is the same store for a client that opened it without an id.
    assert!(!second.status(CRASH).unwrap().is_open() && second.status(CRASH).unwrap().trouble.is_none());
    second.grant(CRASH.shown(&second.notice(CRASH).unwrap())).unwrap();
    assert_eq!(snapshot(home)["store"], id);
    assert!(second.status(CRASH).unwrap().is_open());
    second.record_durable(Happened { times: 3 });
    assert!(first.withdraw(CRASH).unwrap().confirmed);
    // A store without an id is another store for a client that knows its id.
    age(home);
    let trouble = first.status(CRASH).unwrap().trouble.unwrap();
    assert!(trouble.contains("not the store that this program opened"), "{trouble}");
}

/// The life lock of another store proves nothing about connections that were made under the life lock of this one.
#[test]
fn a_life_lock_of_another_store_confirms_nothing() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let first = client(home);
    first.grant(CRASH).unwrap();
    let life = store(home).join("crash.life");
    let text = std::fs::read_to_string(&life).unwrap();
    let id = snapshot(home)["store"].as_str().unwrap().to_owned();
    std::fs::write(&life, text.replace(&id, &"0".repeat(32))).unwrap();
    let receipt = first.withdraw(CRASH).unwrap();
    assert!(!receipt.confirmed && receipt.recorded, "{receipt:?}");
    // A grant makes it the life lock of this store.
    first.grant(CRASH.shown(&first.notice(CRASH).unwrap())).unwrap();
    assert!(first.withdraw(CRASH).unwrap().confirmed);
}

#[test]
fn no_part_of_an_id_leaves_or_is_shown() {
    use super::erase::{Taker, prepare, start};
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    prepare(home);
    let id = snapshot(home)["store"].as_str().unwrap().to_owned();
    let client = start(home, &Taker::default());
    let pages = [
        client.manifest().unwrap().to_string(),
        serde_json::to_string(&client.manifest().unwrap()).unwrap(),
        client.receipts().unwrap().to_string(),
        client.receipts().unwrap().to_json(),
    ];
    for text in pages {
        assert!(!text.contains(&id), "{text}");
    }
    let mut bodies = 0;
    for path in walk(&store(home).join("sent")) {
        bodies += 1;
        assert!(!String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains(&id), "{}", path.display());
    }
    assert!(bodies > 0, "what left is kept, and was looked at");
}

fn walk(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        if entry.path().is_dir() { found.extend(walk(&entry.path())) } else { found.push(entry.path()) }
    }
    found
}

/// Copies the files that record decisions from one home to another. The directories of the target stay the same ones.
fn decides_as(from: &Path, to: &Path) {
    for file in ["data/org.example.crash/candor-1", "config/org.example.crash/candor-1"] {
        for entry in std::fs::read_dir(from.join(file)).unwrap().flatten().filter(|entry| entry.path().is_file()) {
            std::fs::copy(entry.path(), to.join(file).join(entry.file_name())).unwrap();
        }
    }
    let contracts = |home: &Path| store(home).join("contracts");
    for entry in std::fs::read_dir(contracts(from)).unwrap().flatten() {
        std::fs::copy(entry.path(), contracts(to).join(entry.file_name())).unwrap();
    }
}

fn copy_of(home: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in ["data/org.example.crash/candor-1/contracts", "config/org.example.crash/candor-1"] {
        std::fs::create_dir_all(copy.path().join(file)).unwrap();
    }
    decides_as(home, copy.path());
    copy
}

#[test]
fn the_searches_for_another_store_and_an_older_copy_find_something() {
    let passes = |mutant: Option<Mutant>, older: bool| {
        with(mutant, || {
            let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let (home, other) = (home.path(), other.path());
            // A worker's thread runs without the mutant, and would sometimes look first.
            let first = Client::without_worker(config(home)).unwrap();
            first.grant(CRASH).unwrap();
            if older {
                let yes = copy_of(home);
                assert!(first.withdraw(CRASH).unwrap().confirmed);
                decides_as(yes.path(), home);
            } else {
                client(other).grant(CRASH).unwrap();
                decides_as(other, home);
            }
            first.status(CRASH).unwrap().is_open()
        })
    };
    assert!(!passes(None, false) && !passes(None, true));
    assert!(passes(Some(Mutant::AnotherIdPasses), false), "the mistake is one");
    assert!(passes(Some(Mutant::OlderCopyPasses), true), "the mistake is one");
}

/// A half-written line in a life lock says nothing about the store. The next grant writes the line again.
#[test]
fn half_a_line_in_a_life_lock_is_none() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let life = store(home).join("crash.life");
    let first = client(home);
    first.grant(CRASH).unwrap();
    assert!(first.withdraw(CRASH).unwrap().confirmed);
    drop(first);
    let whole = std::fs::read_to_string(&life).unwrap();
    for cut in [1, 9, 32, 36] {
        std::fs::write(&life, &whole[..whole.len() - cut]).unwrap();
        let next = client(home);
        assert!(next.deny(CRASH).unwrap().confirmed, "cut by {cut}");
        next.grant(CRASH.shown(&next.notice(CRASH).unwrap())).unwrap();
        let says = std::fs::read_to_string(&life).unwrap();
        let last = says.lines().last().unwrap();
        assert!(
            says.ends_with('\n') && last.strip_prefix("store ").is_some_and(|id| id.len() == 32),
            "cut by {cut}: {says}"
        );
        assert!(next.withdraw(CRASH).unwrap().confirmed, "cut by {cut}");
    }
}
