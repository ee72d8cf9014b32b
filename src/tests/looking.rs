//! What a call that only shows something writes. Most write nothing, whatever the state of the store. The calls that look at
//! administrators' rules also carry out what follows from a look, and the manifest brings to disk what was recorded before.

use super::{
    CRASH, Happened, config,
    cost::Days,
    faulty::{Fault, Faulty},
};
use crate::Client;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// The bytes and the time of change of each file, and the name of each directory.
type Everything = BTreeMap<String, Option<(Vec<u8>, SystemTime)>>;

fn everything(home: &Path) -> Everything {
    let (mut found, mut left) = (Everything::new(), vec![home.to_owned()]);
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(home).unwrap().to_string_lossy().replace('\\', "/");
            if path.is_dir() {
                found.insert(name, None);
                left.push(path);
            } else {
                let changed = fs::metadata(&path).unwrap().modified().unwrap();
                found.insert(name, Some((fs::read(&path).unwrap(), changed)));
            }
        }
    }
    found
}

/// The files and directories that `act` makes, changes or removes: the first part of each name in the store.
fn changed(home: &Path, act: &dyn Fn()) -> BTreeSet<String> {
    let before = everything(home);
    act();
    let after = everything(home);
    let names = before.keys().chain(after.keys()).filter(|&name| before.get(name) != after.get(name));
    let first =
        |name: &String| name.split("candor-1/").last().and_then(|name| name.split('/').next()).map(str::to_owned);
    names.filter_map(first).collect()
}

struct World {
    home: tempfile::TempDir,
    clock: Days,
}

impl World {
    fn new() -> Self {
        let start = crate::Clock::now(&super::Start).duration_since(UNIX_EPOCH).unwrap().as_secs();
        World { home: tempfile::tempdir().unwrap(), clock: Days(Arc::new(AtomicU64::new(start))) }
    }

    fn config(&self) -> crate::Config {
        let config = config(self.home.path()).policy_directory(self.home.path().join("policy.d"));
        config.clock(self.clock.clone()).validity_days(1)
    }

    /// A client that starts no thread: what a call starts is done when the call returns.
    fn client(&self) -> Client {
        Client::without_worker(self.config()).unwrap()
    }

    fn pass_days(&self, days: u64) {
        self.clock.0.fetch_add(days * 86_400, Ordering::SeqCst);
    }
}

/// A client of a store in this state.
type Prepare = fn(&World) -> Client;

fn granted(world: &World) -> Client {
    let client = world.client();
    client.grant(CRASH).unwrap();
    client.record_durable(Happened { times: 2 });
    client
}

fn expired(world: &World) -> Client {
    let client = granted(world);
    world.pass_days(2);
    client
}

/// Another process died after it had written a withdrawal to the snapshot.
fn interrupted(world: &World) -> Client {
    let client = granted(world);
    for at in 0.. {
        let disk = Faulty::new(Fault::Dead);
        let mut failing = world.config();
        failing.disk = disk.clone();
        let failing = Client::without_worker(failing).unwrap();
        disk.arm(at);
        let _ = failing.withdraw(CRASH);
        std::mem::forget(failing);
        let snapshot = fs::read_to_string(world.home.path().join("data/org.example.crash/candor-1/consent")).unwrap();
        if snapshot.contains("\"decision\":\"withdrawn\"") {
            return client;
        }
    }
    unreachable!("a withdrawal reaches the snapshot")
}

fn ruled(world: &World) -> Client {
    let client = granted(world);
    let rules = world.home.path().join("policy.d");
    fs::create_dir(&rules).unwrap();
    let rule = r#"{"candor_policy": 1, "rule": "none", "forbid": {"scopes": ["crash"]}}"#;
    fs::write(rules.join("a.json"), rule).unwrap();
    client
}

type Getter = fn(&Client);

/// These write nothing, in any state.
const SHOW: [(&str, Getter); 6] = [
    ("receipt", |client| drop(client.receipt(CRASH))),
    ("receipts", |client| drop(client.receipts())),
    ("undeclared", |client| drop(client.undeclared())),
    ("erasures", |client| drop(client.erasures(CRASH))),
    ("notice", |client| drop(client.notice(CRASH))),
    ("languages", |client| drop(client.languages())),
];

/// This looks at administrators' rules first, and carries out what follows from them.
const ASK: [(&str, Getter); 1] = [("may_ask", |client| drop(client.may_ask(CRASH)))];

/// These look at the rules and at the records, and carry out what follows.
const LOOK: [(&str, Getter); 2] =
    [("status", |client| drop(client.status(CRASH))), ("manifest", |client| drop(client.manifest()))];

/// The state in which something follows from the rules.
const RULED: &str = "a rule came";

/// The state in which another day has begun.
const OVER: &str = "the last day is over";

/// What the calls of `LOOK` write in each state.
const STATES: [(&str, Prepare, &[&str]); 5] = [
    ("nothing was decided", World::client, &[]),
    ("granted, and events wait", granted, &[]),
    // The expiry is written, and what waited is destroyed with the secret.
    (OVER, expired, &["consent", "high", "keys", "ledger.jsonl", "trash", "waiting"]),
    // What waited is destroyed. The line is appended by the task that finishes what was interrupted, not by a look.
    ("a withdrawal was interrupted", interrupted, &["keys", "trash", "waiting"]),
    // The grant continues under a new epoch, and what waited is destroyed.
    (RULED, ruled, &["consent", "high", "ledger.jsonl", "trash", "waiting"]),
];

#[test]
fn a_call_that_shows_something_writes_nothing_or_what_its_documentation_says() {
    let mut wrong = Vec::new();
    for (state, prepare, writes) in STATES {
        for (name, call) in SHOW.into_iter().chain(ASK).chain(LOOK) {
            let world = World::new();
            let client = prepare(&world);
            let changed = changed(world.home.path(), &|| call(&client));
            let is_in = |calls: &[(&str, Getter)]| calls.iter().any(|(call, _)| *call == name);
            let may_write = is_in(&LOOK) || (is_in(&ASK) && state == RULED);
            let mut allowed: BTreeSet<String> =
                writes.iter().filter(|_| may_write).map(|&name| name.to_owned()).collect();
            if name == "manifest" && state == OVER {
                // It closes the day that is over, and does what is due on a new one.
                allowed.insert("lead.lock".to_owned());
            }
            if changed != allowed {
                wrong.push(format!("{state}, {name}: {changed:?} instead of {allowed:?}"));
            }
            // What a look starts is done once.
            let again = self::changed(world.home.path(), &|| call(&client));
            if !again.is_empty() {
                wrong.push(format!("{state}, {name} once more: {again:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_manifest_brings_to_disk_what_was_recorded_and_no_other_call_does() {
    for (name, call) in SHOW.into_iter().chain(ASK).chain(LOOK) {
        let world = World::new();
        let client = granted(&world);
        client.record(Happened { times: 3 });
        let changed = changed(world.home.path(), &|| call(&client));
        let expected = if name == "manifest" { vec!["waiting".to_owned()] } else { Vec::new() };
        assert_eq!(changed.into_iter().collect::<Vec<_>>(), expected, "{name}");
    }
}
