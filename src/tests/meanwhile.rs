//! Tests decisions that another process makes between this process's read of the records and its write. This process reads the
//! records again under the lock, so the other decision stays in force. The race is deterministic: the other process decides
//! exactly when this one asks for the lock.

use super::{CRASH, Happened, config, real, trouble::Troubled};
use crate::{
    Client, Error,
    consent::{Decision, Receipt, State},
    disk::{Disk, Handle, System},
    engine::Task,
    mutants::{self, Mutant},
    sync::Mutex,
};
use serde_json::json;
use std::{
    io,
    path::Path,
    sync::Arc,
    thread::{ThreadId, current},
};

type Act = Box<dyn FnOnce() + Send>;

/// The real disk. When the thread that set a trap asks for the lock of decisions, the action of the trap runs first.
#[derive(Clone, Default)]
struct Trapped(Arc<Mutex<Option<(ThreadId, Act)>>>);

impl Trapped {
    fn set(&self, act: impl FnOnce() + Send + 'static) {
        *self.0.lock() = Some((current().id(), Box::new(act)));
    }

    fn is_sprung(&self) -> bool {
        self.0.lock().is_none()
    }
}

impl Disk for Trapped {
    fn lock_file(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        if path.ends_with("consent.lock") {
            let sprung = self.0.lock().take_if(|(by, _)| *by == current().id());
            if let Some((_, act)) = sprung {
                act();
            }
        }
        System.lock_file(path)
    }

    real!(stat make_dir list read read_shared create append rename remove_file remove_tree sync_dir);
}

/// Opens a client with the policy rules in `policy.d`.
fn start(home: &Path, disk: &Trapped) -> Client {
    let mut config = config(home).policy_directory(home.join("policy.d"));
    config.disk = Arc::new(disk.clone());
    Client::new(config).unwrap()
}

fn say_yes(client: &Client) -> Receipt {
    let notice = client.notice(CRASH).unwrap();
    client.grant(CRASH.shown(&notice)).unwrap()
}

type Decide = fn(&Client) -> Result<Receipt, Error>;

/// Decides `before`, then `own` in a process, with `others` decided by another process just before `own` gets the lock. Returns
/// the result of `own`, the state of the scope, and the decisions in the history in order.
fn decided(before: Decide, own: Decide, others: &'static [Decide]) -> (Result<Receipt, Error>, State, Vec<String>) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().to_owned();
    let _ = before(&start(&path, &Trapped::default()));
    let disk = Trapped::default();
    let client = start(&path, &disk);
    disk.set({
        let path = path.clone();
        move || {
            let other = start(&path, &Trapped::default());
            others.iter().for_each(|decide| drop(decide(&other).unwrap()));
        }
    });
    let answer = own(&client);
    assert!(disk.is_sprung(), "nobody reached for the lock");
    let state = start(&path, &Trapped::default()).status(CRASH).unwrap().state;
    assert_eq!(client.status(CRASH).unwrap().state, state, "both see the same");
    let history = std::fs::read_to_string(path.join("data/org.example.crash/candor-1/ledger.jsonl")).unwrap();
    let decision = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["decision"].as_str().unwrap().to_owned()
    };
    (answer, state, history.lines().map(decision).collect())
}

const NOTHING: Decide = |client| client.receipt(CRASH);
const YES: Decide = |client| Ok(say_yes(client));
const DENY: Decide = |client| client.deny(CRASH);
const DEFER: Decide = |client| client.defer(CRASH);
const WITHDRAW: Decide = |client| client.withdraw(CRASH);
const SWITCH: Decide = |client| client.switch_off(CRASH, "crash.happened.times");
const KEEP: Decide = |client| client.keep(CRASH);

#[test]
fn later_makes_no_answer_of_another_process_undone() {
    let (answer, state, history) = decided(NOTHING, DEFER, &[DENY]);
    assert_eq!((answer.unwrap().decision, state), (Decision::Denied, State::Denied));
    assert_eq!(history, ["denied"]);
    let (answer, state, history) = decided(NOTHING, DEFER, &[YES, WITHDRAW]);
    assert_eq!((answer.unwrap().decision, state), (Decision::Withdrawn, State::Withdrawn));
    assert_eq!(history, ["granted", "withdrawn"]);
    // The controls: "later" is written where there is no other answer, and a refusal replaces "later".
    let (answer, state, _) = decided(NOTHING, DEFER, &[]);
    assert_eq!((answer.unwrap().decision, state), (Decision::Deferred, State::Deferred));
    let (answer, state, history) = decided(NOTHING, DENY, &[DEFER]);
    assert_eq!((answer.unwrap().decision, state), (Decision::Denied, State::Denied));
    assert_eq!(history, ["deferred", "denied"]);
}

#[test]
fn later_from_two_at_once_counts_twice() {
    let (answer, state, history) = decided(DEFER, DEFER, &[DEFER]);
    assert_eq!((answer.unwrap().decision, state), (Decision::Denied, State::Denied), "the third one is a no");
    assert_eq!(history, ["deferred", "deferred", "denied"]);
}

#[test]
fn a_grant_that_was_taken_back_meanwhile_does_not_come_back() {
    for own in [SWITCH, KEEP, DEFER] {
        let (answer, state, history) = decided(YES, own, &[WITHDRAW]);
        assert!(answer.is_err() && state == State::Withdrawn, "{state:?}");
        assert_eq!(history, ["granted", "withdrawn"]);
    }
}

#[test]
fn two_that_find_a_rule_at_once_begin_one_new_epoch() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().to_owned();
    let disk = Trapped::default();
    let client = start(&path, &disk);
    say_yes(&client);
    client.record_durable(Happened { times: 2 });
    std::fs::create_dir_all(path.join("policy.d")).unwrap();
    let rule = json!({"candor_policy": 1, "rule": "a rule", "coarsen": {"crash.happened.times": [0]}});
    std::fs::write(path.join("policy.d/a.json"), rule.to_string()).unwrap();
    disk.set({
        let path = path.clone();
        move || {
            let other = start(&path, &Trapped::default());
            other.record_durable(Happened { times: 2 });
            assert_eq!(other.manifest().unwrap().scope(CRASH).unwrap().waiting.len(), 1);
        }
    });
    // On this thread, because the trap is set for it, and not on a thread of the client.
    assert!(client.engine().consent.look_at_policies());
    client.engine().tasks.request(Task::Settle);
    client.engine().run_tasks();
    assert!(disk.is_sprung());
    assert!(client.status(CRASH).unwrap().is_open());
    let history = std::fs::read_to_string(path.join("data/org.example.crash/candor-1/ledger.jsonl")).unwrap();
    assert_eq!(history.lines().count(), 2, "{history}");
    assert_eq!(
        client.manifest().unwrap().scope(CRASH).unwrap().waiting.len(),
        1,
        "what was recorded under the rule waits"
    );
}

/// While `own` is in progress and has not yet destroyed the older data, another process is granted consent and records under it.
/// Returns how many records are pending under that grant afterwards.
fn kept_by_the_later_grant(own: Decide, mutant: Option<Mutant>) -> usize {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().to_owned();
    WITHDRAW(&{
        let first = start(&path, &Trapped::default());
        say_yes(&first);
        first
    })
    .unwrap();
    let disk = Troubled::default();
    let mut config = config(&path);
    config.disk = Arc::new(disk.clone());
    let client = Client::new(config).unwrap();
    let me = current().id();
    let mut other = None;
    disk.set(move |call, at| {
        if call == "lock_file" && at.ends_with(".life") && current().id() == me && other.is_none() {
            let later = other.insert(start(&path, &Trapped::default()));
            say_yes(later);
            later.record_durable(Happened { times: 2 });
        }
        None
    });
    mutants::with(mutant, || own(&client)).unwrap();
    disk.end();
    start(home.path(), &Trapped::default()).manifest().unwrap().scope(CRASH).unwrap().waiting.len()
}

#[test]
fn a_refusal_that_was_overtaken_destroys_nothing_of_the_later_grant() {
    for own in [DENY, WITHDRAW] {
        assert_eq!(kept_by_the_later_grant(own, None), 1);
        assert_eq!(kept_by_the_later_grant(own, Some(Mutant::OvertakenDestroys)), 0, "the mistake is noticed");
    }
}

/// The data on disk was destroyed by another process, and this process has not looked since.
#[test]
fn a_refusal_said_again_leaves_no_keys_in_memory() {
    for own in [DENY, WITHDRAW] {
        let home = tempfile::tempdir().unwrap();
        let client = Client::without_worker(config(home.path())).unwrap();
        say_yes(&client);
        client.engine().tick();
        let keys = &client.engine().keys;
        assert!(keys.are_in_memory(CRASH));
        let other = Client::without_worker(config(home.path())).unwrap();
        assert!(other.withdraw(CRASH).unwrap().confirmed);
        assert!(keys.are_in_memory(CRASH), "nobody has told this process");
        assert!(own(&client).unwrap().confirmed);
        assert!(!keys.are_in_memory(CRASH));
    }
}
