//! A simulated computer: a disk in memory, a clock, a receiver, administrators' rules and a person. It also provides the views of
//! the store with which the outcome of a fault is checked.

use super::seams::{FaultyDisk, Hands, Network, Plan, Received, Receiver, Seeded};
use crate::{
    Client, Config, Erasure, Scope,
    consent::{Line, State},
    sync,
    tests::{CRASH, config, memory::Memory, views::VIEWS},
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// 2026-11-22, a Sunday, at noon UTC.
const NOON: i64 = 1_795_348_800_000;
const HOME: &str = "/home/person";
/// Where administrators put rules for this program.
pub(super) const RULES: &str = "/srv/rules";
pub(super) const STORE: &str = "/home/person/data/org.example.crash/candor-1";
pub(super) const MARKS: &str = "/home/person/config/org.example.crash/candor-1";
/// A rule that forbids one event.
const LEFT_OUT: &str = r#"{"candor_policy": 1, "rule": "no windows", "forbid": {"events": ["views.window"]}}"#;

/// The file whose content changes when the computer restarts.
const RESTARTS: &str = "/proc/sys/kernel/random/boot_id";

pub(super) struct World {
    pub(super) disk: Memory,
    pub(super) hands: Arc<Hands>,
    pub(super) plan: Arc<Plan>,
    pub(super) receiver: Receiver,
    seed: u64,
}

/// A copy of a world, from which many trials begin.
#[derive(Clone)]
pub(super) struct Image {
    disk: Memory,
    time: (i64, u64),
    received: Received,
    seed: u64,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let plan = Arc::new(Plan::default());
        let hands = Hands::new(plan.clone(), NOON, 0);
        let disk = Memory::new(Arc::new(hands.right()));
        disk.put(Path::new("/home/person/.keep"), b"");
        disk.put(Path::new(RESTARTS), b"one\n");
        disk.put(&Path::new(RULES).join("windows.json"), LEFT_OUT.as_bytes());
        World { disk, hands, plan, receiver: Receiver::default(), seed }
    }

    pub(super) fn image(&self) -> Image {
        let received = self.receiver.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let disk = self.disk.copy(Arc::new(self.hands.right()));
        Image { disk, time: self.hands.told(), received, seed: self.seed }
    }

    pub(super) fn of(image: &Image) -> Self {
        let plan = Arc::new(Plan::default());
        let hands = Hands::new(plan.clone(), image.time.0, image.time.1);
        let disk = image.disk.copy(Arc::new(hands.right()));
        let receiver = Receiver(Arc::new(Mutex::new(image.received.clone())));
        World { disk, hands, plan, receiver, seed: image.seed }
    }

    /// Starts a process of the program. Only a `faulty` process meets the fault.
    pub(super) fn start(&self, pid: u32, faulty: bool) -> Result<Client, crate::Error> {
        self.start_without(pid, faulty, None)
    }

    /// Like `start`, for a build that does not declare the scope `undeclared`.
    pub(super) fn start_without(
        &self,
        pid: u32,
        faulty: bool,
        undeclared: Option<Scope>,
    ) -> Result<Client, crate::Error> {
        let plain = config(Path::new(HOME));
        let controller = plain.controller.erasure(Erasure::WithinDays(30));
        let plan = faulty.then(|| self.plan.clone());
        let network = Network { receiver: self.receiver.clone(), plan: plan.clone() };
        let config = Config { controller, ..plain }.transport("a test", network).policy_directory(RULES);
        let mut config = config.policy_directory("/srv/none");
        config.disk = match &plan {
            Some(plan) => Arc::new(FaultyDisk { disk: self.disk.process(pid), plan: plan.clone() }),
            None => self.disk.process(pid),
        };
        config.clock = if faulty { self.hands.clone() } else { Arc::new(self.hands.right()) };
        let state = Mutex::new(self.seed.wrapping_add(u64::from(pid) << 32));
        config.entropy = Arc::new(Seeded { state, plan });
        Client::without_worker_or(config, undeclared)
    }

    /// Starts a process that meets no fault.
    pub(super) fn fresh(&self, pid: u32) -> Client {
        self.start(pid, false).expect("a process that meets no fault begins")
    }

    /// Runs `act`. Every wait in it moves the clock instead of sleeping.
    pub(super) fn live<T>(&self, act: impl FnOnce() -> T) -> T {
        let hands = self.hands.clone();
        sync::waiting_by(move |time| hands.pass(time), act)
    }

    /// The entries of the history, as scope and decision.
    pub(super) fn history(&self) -> Vec<(String, String)> {
        let path = Path::new(STORE).join("ledger.jsonl");
        let everything = self.disk.everything();
        let text = everything.get(&path).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        lines.map(|line| (line.scope.clone(), format!("{:?}", line.decision).to_lowercase())).collect()
    }

    /// Files with data recorded for a scope: pending, counts, outbox and trash. The person's own log is not included.
    pub(super) fn left_of(&self, scope: Scope) -> Vec<PathBuf> {
        let everything = self.disk.everything();
        let kinds = ["waiting", "counts", "outbox"].map(|kind| Path::new(STORE).join(kind).join(scope.name()));
        let trash = Path::new(STORE).join("trash");
        let here = |path: &&PathBuf| {
            let is_schedule = path.file_stem().is_some_and(|name| name.to_string_lossy().contains("schedule"));
            !is_schedule && (kinds.iter().any(|kind| path.starts_with(kind)) || path.starts_with(&trash))
        };
        everything.keys().filter(here).cloned().collect()
    }

    /// The tombstones of a scope: files that record a withdrawal or revocation that could not be written to the history.
    pub(super) fn tombstones(&self, scope: Scope) -> Vec<PathBuf> {
        let ends = [".revoked", ".ended"].map(|end| format!("{}{end}", scope.name()));
        let is_one = |path: &&PathBuf| path.file_name().is_some_and(|name| ends.iter().any(|end| name == end.as_str()));
        self.disk.everything().keys().filter(is_one).cloned().collect()
    }

    pub(super) fn life_of(&self, scope: Scope) -> PathBuf {
        Path::new(STORE).join(format!("{}.life", scope.name()))
    }

    /// The ids of all records of a scope: pending on disk, or accepted by the receiver.
    pub(super) fn records(&self, client: &Client, scope: Scope) -> BTreeSet<String> {
        client.engine().tick();
        let mut records = self.taken(scope);
        let kinds = ["waiting", "outbox"].map(|kind| Path::new(STORE).join(kind).join(scope.name()));
        for (path, bytes) in self.disk.everything() {
            if kinds.iter().any(|kind| path.starts_with(kind)) {
                uids(&String::from_utf8_lossy(&bytes), &mut records);
            }
        }
        records
    }

    pub(super) fn taken(&self, scope: Scope) -> BTreeSet<String> {
        let received = self.receiver.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut records = BTreeSet::new();
        received.bodies.get(scope.name()).into_iter().flatten().for_each(|body| uids(body, &mut records));
        records
    }

    pub(super) fn close(&self, scope: Scope) {
        self.receiver.0.lock().unwrap_or_else(PoisonError::into_inner).closed.push(scope.name().to_owned());
    }

    /// Restarts the computer: no process holds a lock any more.
    pub(super) fn restart(&self) {
        self.disk.put(Path::new(RESTARTS), b"two\n");
    }

    pub(super) fn reopen(&self, scope: Scope) {
        let mut received = self.receiver.0.lock().unwrap_or_else(PoisonError::into_inner);
        received.closed.retain(|closed| closed != scope.name());
    }

    pub(super) fn wrong(&self) -> Vec<String> {
        self.receiver.0.lock().unwrap_or_else(PoisonError::into_inner).wrong.clone()
    }

    /// Replaces a file by its content in another world, or removes it if it does not exist there.
    pub(super) fn take_file_from(&self, other: &World, path: &Path) {
        match other.disk.everything().get(path) {
            Some(bytes) => self.disk.put(path, bytes),
            None => self.disk.take(path),
        }
    }
}

/// Adds the record ids found in a text.
fn uids(text: &str, found: &mut BTreeSet<String>) {
    for rest in text.split("log.record.uid").skip(1) {
        let value = rest.split("stringValue").nth(1).and_then(|rest| rest.split('"').nth(2));
        found.extend(value.map(str::to_owned));
    }
}

/// Shows the notice to the person and records the grant.
pub(super) fn say_yes(client: &Client, scope: Scope) -> Result<crate::consent::Receipt, crate::Error> {
    let notice = client.notice(scope)?;
    client.grant(scope.shown(&notice).via("a test"))
}

pub(super) fn state(client: &Client, scope: Scope) -> (State, bool) {
    client.status(scope).map_or((State::Unreadable, false), |status| (status.state, status.is_open()))
}

/// Does what a worker does in a minute.
pub(super) fn a_minute(world: &World, client: &Client) {
    for _ in 0..13 {
        world.hands.pass(Duration::from_secs(5));
        client.engine().retry();
        client.engine().tick();
        client.engine().run_tasks();
        client.engine().retry_tasks();
    }
    // A clock that jumped is trusted again after it has run for ten minutes. Until then nothing is erased by it, which is
    // intended.
    let begin = world.hands.told().1;
    while client.engine().suspects_clock() && world.hands.told().1 - begin < 15 * 60_000 {
        world.hands.pass(Duration::from_secs(60));
        client.engine().retry();
        client.engine().tick();
        client.engine().run_tasks();
        client.engine().retry_tasks();
    }
}

/// The two scopes of these tests.
pub(super) const SUBJECT: Scope = CRASH;
pub(super) const BYSTANDER: Scope = VIEWS;
