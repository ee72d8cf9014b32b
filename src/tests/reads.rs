//! How often each call reads each file of the store, and how often a line is decoded on its way out. A file that is read twice
//! where once is enough costs time, and two reads of one call can disagree. So the table holds the exact number of reads, with the
//! reason where it is more than one. A read that is needed again, for example under a lock, says so there.

use super::{CRASH, Happened, config, cost::Days, real};
use crate::{
    Answer, Client, Clock, Parcel, SendError, Transport,
    actions::{settle, switch},
    disk::{Disk, System},
    journal::DECODED,
    sync::Mutex,
};
use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, UNIX_EPOCH},
};

/// The real disk. Counts the reads of each kind of file, and the listings of administrators' rules.
#[derive(Clone, Default)]
struct Watched(Arc<Mutex<BTreeMap<String, u64>>>);

impl Watched {
    fn note(&self, path: &Path) {
        let part = |name: &str| path.iter().any(|part| part == name);
        let kinds = ["contracts", "waiting", "counts", "outbox", "sent", "named", "erasing", "rules.d"];
        let name = path.file_name().unwrap().to_string_lossy();
        let label = match kinds.iter().find(|kind| part(kind)) {
            Some(kind) if *kind == "outbox" && name == "schedule" => "schedule".to_owned(),
            Some(kind) => (*kind).to_owned(),
            None => name.into_owned(),
        };
        *self.0.lock().entry(label).or_default() += 1;
    }

    fn take(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut *self.0.lock())
    }
}

impl Disk for Watched {
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let read = System.read(path, most);
        // A look for a file that is absent reads nothing.
        if !matches!(&read, Err(error) if error.kind() == io::ErrorKind::NotFound) {
            self.note(path);
        }
        read
    }
    fn read_shared(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.note(path);
        System.read_shared(path, most)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        if path.ends_with("rules.d") {
            self.note(path);
        }
        System.list(path)
    }

    real!(stat make_dir create append lock_file rename remove_file remove_tree sync_dir);
}

struct Taken;

impl Transport for Taken {
    fn send(&self, _: Parcel<'_>) -> Result<Answer, SendError> {
        Ok(Answer::Accepted { rejected: 0 })
    }
}

struct World {
    home: tempfile::TempDir,
    disk: Watched,
    clock: Days,
}

impl World {
    fn new() -> Self {
        let start = super::Start.now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let world = World {
            home: tempfile::tempdir().unwrap(),
            disk: Watched::default(),
            clock: Days(Arc::new(AtomicU64::new(start))),
        };
        fs::create_dir(world.home.path().join("rules.d")).unwrap();
        world
    }

    /// A client that starts no thread: all that a call starts is done on the caller's thread.
    fn start(&self) -> Client {
        let config = config(self.home.path()).policy_directory(self.home.path().join("rules.d"));
        let mut config = config.transport("taken", Taken).clock(self.clock.clone());
        config.disk = Arc::new(self.disk.clone());
        Client::without_worker(config).unwrap()
    }

    fn rule(&self) {
        let rule = r#"{"candor_policy": 1, "rule": "none", "forbid": {"scopes": ["crash"]}}"#;
        fs::write(self.home.path().join("rules.d/a.json"), rule).unwrap();
    }
}

fn nothing(world: &World) -> Client {
    world.start()
}

fn granted(world: &World) -> Client {
    let client = world.start();
    client.grant(CRASH).unwrap();
    client.record_durable(Happened { times: 2 });
    client.status(CRASH).unwrap();
    client
}

/// A call: its name, the state before it, what it does, and the reads of each file that it may make, with the reason for more than
/// one.
type Row = (&'static str, fn(&World) -> Client, fn(&World, &Client), &'static [(&'static str, u64, &'static str)]);

/// A change is found by a fingerprint, which is taken before the files are read.
const LOOKED: &str = "a look: the fingerprint before it, and the read";
/// Each evaluation of a grant checks that its notice and its contract are on disk unchanged.
const TEXTS: &str = "the notice and the contract, for each evaluation of the grant";
/// What was read before the lock was taken may have changed.
const LOCKED: &str = "before the lock, under it, and by the look after it";
const RULES: &str = "at the start, and by the look that finds the first decision, which a refusal makes without them";

const TABLE: &[Row] = &[
    ("init without a store", nothing, |world, _| drop(world.start()), &[]),
    (
        "init with a grant",
        granted,
        |world, _| drop(world.start()),
        &[
            (
                "consent",
                7,
                "whether there is a store, two looks with their fingerprints, and before and after settling",
            ),
            ("contracts", 8, TEXTS),
            ("high", 3, "by the look, and before and after settling"),
            ("keys", 3, "for the day's keys, and by the cleanup that looks for secrets without a grant"),
            ("ledger.jsonl", 3, "by the look, and before and after settling"),
            ("rules.d", 1, ""),
        ],
    ),
    ("record", granted, |_, client| client.record(Happened { times: 3 }), &[]),
    (
        "record_durable",
        granted,
        |_, client| client.record_durable(Happened { times: 3 }),
        &[("consent", 2, "before the event is written, and after: another process may have withdrawn")],
    ),
    ("an idle tick", granted, |_, client| _ = client.engine().tick(), &[("consent", 1, "")]),
    (
        "a first grant",
        nothing,
        |_, client| drop(client.grant(CRASH).unwrap()),
        &[
            ("consent", 6, LOCKED),
            ("contracts", 6, TEXTS),
            ("crash.life", 1, ""),
            ("high", 2, "when the mark is changed, and by the look after it"),
            ("keys", 2, "when the secret is added, and when the scope opens"),
            ("ledger.jsonl", 2, "by the looks after it"),
            ("rules.d", 2, RULES),
        ],
    ),
    (
        "a grant to a notice, where one is in force",
        granted,
        shown,
        &[
            ("consent", 5, LOCKED),
            ("contracts", 8, TEXTS),
            ("high", 2, "under the lock, and for the receipt"),
            ("ledger.jsonl", 3, "under the lock, by the look after it, and for the receipt"),
            ("rules.d", 1, ""),
        ],
    ),
    (
        "a first denial",
        nothing,
        |_, client| drop(client.deny(CRASH).unwrap()),
        &[
            ("consent", 6, LOCKED),
            ("high", 3, "when the mark is raised, by the look after it, and to confirm the refusal"),
            ("ledger.jsonl", 4, "to know that there was no grant, by the look after it, and to confirm the refusal"),
            ("rules.d", 1, ""),
        ],
    ),
    (
        "a withdrawal",
        granted,
        |_, client| drop(client.withdraw(CRASH).unwrap()),
        &[
            ("consent", 5, LOCKED),
            ("contracts", 2, TEXTS),
            ("crash.life", 2, "whose lock it is, and whether it was lost"),
            ("high", 4, "before the lock, under it, when the mark is raised, and by the look after it"),
            ("keys", 1, ""),
            ("ledger.jsonl", 3, LOCKED),
        ],
    ),
    (
        "a switch",
        granted,
        switched,
        &[
            ("consent", 5, LOCKED),
            ("contracts", 10, TEXTS),
            ("crash.life", 2, "whose lock it is, and whether it was lost"),
            ("high", 4, "before the lock, under it, when the mark is raised, and by the look after it"),
            ("keys", 1, ""),
            ("ledger.jsonl", 3, LOCKED),
        ],
    ),
    (
        "a rule that blocks",
        granted,
        blocked,
        &[
            ("consent", 5, LOCKED),
            ("contracts", 4, TEXTS),
            ("crash.life", 2, "whose lock it is, and whether it was lost"),
            ("high", 4, "before the lock, under it, when the mark is raised, and by the look after it"),
            ("ledger.jsonl", 3, LOCKED),
            ("rules.d", 2, "the names, and the rule"),
        ],
    ),
    (
        "status",
        granted,
        |_, client| drop(client.status(CRASH).unwrap()),
        &[
            ("consent", 2, LOOKED),
            ("contracts", 2, TEXTS),
            ("high", 1, ""),
            ("ledger.jsonl", 1, ""),
            ("rules.d", 1, ""),
        ],
    ),
    (
        "manifest",
        granted,
        |_, client| drop(client.manifest().unwrap()),
        &[
            ("consent", 2, LOOKED),
            (
                "contracts",
                5,
                "the notice and the contract for the state and for the place, and the contract to show it",
            ),
            ("high", 1, ""),
            ("keys", 2, "whether the file can be read, and whether the scope has a secret"),
            ("ledger.jsonl", 1, ""),
            ("rules.d", 1, ""),
            ("waiting", 1, ""),
        ],
    ),
    (
        "receipts",
        granted,
        |_, client| drop(client.receipts().unwrap()),
        &[
            ("consent", 1, ""),
            ("contracts", 2, "the notice and the contract"),
            ("high", 1, ""),
            ("ledger.jsonl", 2, "to check the records, and to export its bytes"),
        ],
    ),
    (
        "a flush with one batch",
        granted,
        |_, client| assert_eq!(client.flush(Duration::from_secs(5)).unwrap().requests, 1),
        &[
            ("consent", 10, "before each write and each request: another process may have withdrawn"),
            ("contracts", 4, TEXTS),
            ("high", 2, "for the permit to build, and for the permit to send"),
            ("ledger.jsonl", 2, "for the permit to build, and for the permit to send"),
            ("outbox", 1, ""),
            ("rules.d", 2, "to know whether anything is open, and by the thread that sends, just before it does"),
            ("waiting", 1, ""),
        ],
    ),
];

fn blocked(world: &World, client: &Client) {
    world.rule();
    assert!(client.engine().consent.look_at_policies());
    settle::settle(client.engine());
}

fn shown(_: &World, client: &Client) {
    let notice = client.notice(CRASH).unwrap();
    client.grant(CRASH.shown(&notice)).unwrap();
}

fn switched(_: &World, client: &Client) {
    switch::switch(client.engine(), CRASH, "crash.happened.times", false).unwrap();
}

#[test]
fn each_file_is_read_as_often_as_the_table_says() {
    let mut wrong = Vec::new();
    for (name, prepare, act, allowed) in TABLE {
        let world = World::new();
        let client = prepare(&world);
        world.disk.take();
        act(&world, &client);
        let reads = world.disk.take();
        let said: BTreeMap<String, u64> = allowed.iter().map(|(file, most, _)| ((*file).to_owned(), *most)).collect();
        if reads != said {
            wrong.push(format!("{name}: {reads:?} instead of {said:?}"));
        }
        let reasons = allowed.iter().all(|(_, most, why)| *most == 1 || !why.is_empty());
        assert!(reasons, "{name}: a second read needs a reason");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_line_is_decoded_once_when_it_leaves_its_segment_and_once_when_its_batch_is_read_back() {
    let world = World::new();
    let client = granted(&world);
    client.record_durable(Happened { times: 3 });
    client.record_durable(Happened { times: 4 });
    DECODED.with(|decoded| decoded.set(0));
    let flushed = client.flush(Duration::from_secs(5)).unwrap();
    assert_eq!((flushed.requests, flushed.records), (1, 3), "{flushed:?}");
    assert_eq!(DECODED.with(std::cell::Cell::get), 2 * 3);
    // The page decodes each line once.
    client.record_durable(Happened { times: 5 });
    DECODED.with(|decoded| decoded.set(0));
    assert_eq!(client.manifest().unwrap().scope(CRASH).unwrap().waiting.len(), 1);
    assert_eq!(DECODED.with(std::cell::Cell::get), 1);
}
