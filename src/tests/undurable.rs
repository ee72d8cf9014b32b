//! A decision whose snapshot was replaced, while the directory could not be made durable. A power failure may bring the snapshot
//! before it back. So its entry is not written before the snapshot is durable: the two would not belong together, and every scope
//! would be closed. An expiry leaves no tombstone, because the calendar closes the grant whichever snapshot is there.

use super::{
    CRASH, Happened, config,
    cost::Days,
    platform::Errno,
    trouble::Troubled,
    views::{Both, VIEWS},
};
use crate::{Client, Config, consent::State, sync::Mutex};
use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::UNIX_EPOCH,
};

const STORE: &str = "data/org.example.crash/candor-1";

struct World {
    home: tempfile::TempDir,
    clock: Days,
    disk: Troubled,
}

impl World {
    /// `CRASH` is past its last day, and `VIEWS` is not. Both have pending events. Nobody has looked yet.
    fn new() -> (Self, Client) {
        let start = crate::Clock::now(&super::Start).duration_since(UNIX_EPOCH).unwrap().as_secs();
        let (home, disk) = (tempfile::tempdir().unwrap(), Troubled::default());
        let world = World { home, clock: Days(Arc::new(AtomicU64::new(start))), disk };
        let client = world.start(1);
        client.grant(CRASH).unwrap();
        client.record_durable(Happened { times: 2 });
        drop(client);
        let client = world.start(30);
        client.grant(VIEWS).unwrap();
        client.record_durable(Both { times: 2, by_hand: true });
        world.clock.0.fetch_add(2 * 86_400, Ordering::SeqCst);
        (world, client)
    }

    fn start(&self, validity: u32) -> Client {
        let mut config: Config = config(self.home.path()).clock(self.clock.clone()).validity_days(validity);
        config.disk = Arc::new(self.disk.clone());
        Client::without_worker(config).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(STORE).join(name)
    }

    /// The decisions in the history, in order.
    fn history(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("ledger.jsonl")).unwrap();
        let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["decision"].clone();
        text.lines().map(|text| line(text).as_str().unwrap().to_owned()).collect()
    }

    fn has_tombstone(&self) -> bool {
        let names = fs::read_dir(self.home.path().join(STORE)).unwrap().map(|entry| entry.unwrap().file_name());
        let marks = fs::read_dir(self.home.path().join("config/org.example.crash/candor-1")).unwrap();
        let mut names = names.chain(marks.map(|entry| entry.unwrap().file_name()));
        names.any(|name| name.to_string_lossy().ends_with(".ended") || name.to_string_lossy().ends_with(".revoked"))
    }

    fn waits(&self) -> bool {
        let crash = self.path("waiting/crash");
        crash.exists() && fs::read_dir(crash).unwrap().next().is_some()
    }
}

#[track_caller]
fn is_over(client: &Client) {
    let status = client.status(CRASH).unwrap();
    assert!(status.state == State::Expired && !status.is_open(), "{status:?}");
    assert!(client.status(VIEWS).unwrap().is_open(), "the other scope is harmed");
}

#[test]
fn an_expiry_that_is_not_durable_is_closed_by_the_calendar_and_finished_later() {
    let (world, client) = World::new();
    let before = fs::read(world.path("consent")).unwrap();
    world.disk.set(|call, path| (call == "sync_dir" && path.ends_with(STORE)).then_some(Errno::IO));
    is_over(&client);
    assert_ne!(fs::read(world.path("consent")).unwrap(), before, "the snapshot was replaced");
    assert_eq!(world.history(), ["granted", "granted"], "the line is not written yet");
    assert!(!world.has_tombstone());
    client.record_durable(Happened { times: 3 });

    // The power fails, and the old snapshot comes back.
    let written = fs::read(world.path("consent")).unwrap();
    let history = fs::read(world.path("ledger.jsonl")).unwrap();
    fs::write(world.path("consent"), &before).unwrap();
    let another = world.start(30);
    let status = another.status(CRASH).unwrap();
    assert!(status.state == State::Expired && !status.is_open(), "{status:?}");
    drop(another);

    // The power stays on, and the disk recovers.
    fs::write(world.path("consent"), &written).unwrap();
    fs::write(world.path("ledger.jsonl"), &history).unwrap();
    world.disk.end();
    client.engine().retry_tasks();
    client.engine().run_tasks();
    is_over(&client);
    assert_eq!(world.history(), ["granted", "granted", "expired"]);
    assert!(!world.waits() && !world.has_tombstone());
    is_over(&world.start(30));
}

#[test]
fn a_switch_that_is_not_durable_harms_no_scope_if_the_power_fails() {
    let (world, client) = World::new();
    let before = fs::read(world.path("consent")).unwrap();
    world.disk.set(|call, path| (call == "sync_dir" && path.ends_with(STORE)).then_some(Errno::IO));
    let receipt = client.switch_off(VIEWS, "views.both.times").unwrap();
    assert!(!receipt.recorded, "{receipt:?}");
    assert_eq!(world.history(), ["granted", "granted"]);
    let written = fs::read(world.path("consent")).unwrap();
    assert_ne!(written, before, "the snapshot was replaced");

    // The power fails, and the old snapshot comes back: the state before.
    world.disk.end();
    let high = world.home.path().join("config/org.example.crash/candor-1/high");
    let marks = fs::read(&high).unwrap();
    fs::write(world.path("consent"), &before).unwrap();
    let status = world.start(30).status(VIEWS).unwrap();
    assert!(status.is_open() && status.switched_off.is_empty(), "{status:?}");

    // The power stays on, and the disk recovers.
    fs::write(world.path("consent"), &written).unwrap();
    fs::write(&high, &marks).unwrap();
    let (history, granted) = (world.path("ledger.jsonl"), world.history().iter().filter(|it| *it == "granted").count());
    let lines: Vec<String> = fs::read_to_string(&history).unwrap().lines().take(granted).map(str::to_owned).collect();
    fs::write(&history, lines.join("\n") + "\n").unwrap();
    client.engine().retry_tasks();
    client.engine().run_tasks();
    let status = client.status(VIEWS).unwrap();
    assert!(status.is_open() && status.switched_off == ["views.both.times"], "{status:?}");
    assert!(world.history().contains(&"narrowed".to_owned()), "{:?}", world.history());
}

#[test]
fn a_kept_grant_that_is_not_durable_is_written_by_the_next_task() {
    let (world, client) = World::new();
    world.disk.set(|call, path| (call == "sync_dir" && path.ends_with(STORE)).then_some(Errno::IO));
    let receipt = crate::actions::keep::keep(client.engine(), VIEWS, false).unwrap();
    assert!(!receipt.recorded, "{receipt:?}");
    assert_eq!(world.history(), ["granted", "granted"]);
    world.disk.end();
    // No look finds anything new. The task was requested by the answer itself.
    client.engine().run_tasks();
    assert!(world.history().contains(&"kept".to_owned()), "{:?}", world.history());
    assert!(client.status(VIEWS).unwrap().is_open());
}

#[test]
fn recovery_makes_the_snapshot_durable_before_it_appends_its_line() {
    let (world, client) = World::new();
    world.disk.set(|call, path| (call == "sync_dir" && path.ends_with(STORE)).then_some(Errno::IO));
    is_over(&client);
    // While the directory can't be synced, the line is not appended: the old snapshot may come back, and the two would not belong
    // together.
    client.engine().retry_tasks();
    client.engine().run_tasks();
    assert_eq!(world.history(), ["granted", "granted"]);
    let calls = Arc::new(Mutex::new(Vec::new()));
    let noted = calls.clone();
    world.disk.set(move |call, path| {
        if (call == "sync_dir" && path.ends_with(STORE)) || (call == "append" && path.ends_with("ledger.jsonl")) {
            noted.lock().push(call.to_owned());
        }
        None
    });
    client.engine().retry_tasks();
    client.engine().run_tasks();
    assert_eq!(world.history(), ["granted", "granted", "expired"]);
    assert_eq!(calls.lock().first().map(String::as_str), Some("sync_dir"));
}
