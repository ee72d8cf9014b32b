//! Makes each decision while another program has a file of the store open and shares nothing, as a virus scanner, an indexer or a
//! backup may on Windows. `.ci/windows` runs this.

use super::{
    CRASH, Happened, config,
    views::{VIEWS, Window},
};
use crate::{
    Client, Error,
    consent::{Receipt, State},
};
use std::{
    fs::{File, OpenOptions},
    os::windows::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

struct Decision {
    name: &'static str,
    act: fn(&Client) -> Result<Receipt, Error>,
    /// Whether it is a refusal, even if it fails.
    is_no: bool,
    /// The state of the scope once the decision is written.
    then: State,
}

const DECISIONS: [Decision; 6] = [
    Decision { name: "withdraw", act: |client| client.withdraw(CRASH), is_no: true, then: State::Withdrawn },
    Decision { name: "deny", act: |client| client.deny(CRASH), is_no: true, then: State::Withdrawn },
    Decision {
        name: "revoke",
        act: |client| client.revoke(CRASH, "the feature is gone"),
        is_no: false,
        then: State::Revoked,
    },
    Decision { name: "defer", act: |client| client.defer(CRASH), is_no: false, then: State::Granted },
    Decision {
        name: "switch",
        act: |client| client.switch_off(CRASH, "crash.happened.times"),
        is_no: false,
        then: State::Granted,
    },
    Decision {
        name: "grant",
        act: |client| client.grant(CRASH.shown(&client.notice(CRASH)?)),
        is_no: false,
        then: State::Granted,
    },
];

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// A home in which both scopes are granted and have pending events, and in which no process has a file open. Also its files.
fn prepared() -> (tempfile::TempDir, Vec<PathBuf>) {
    let home = tempfile::tempdir().unwrap();
    let client = Client::new(config(home.path())).unwrap();
    for scope in [CRASH, VIEWS] {
        client.grant(scope.shown(&client.notice(scope).unwrap())).unwrap();
    }
    client.record_durable(Happened { times: 2 });
    client.record_durable(Window { times: 2 });
    let _ = client.flush(Duration::from_secs(60));
    client.record_durable(Happened { times: 2 });
    assert!(client.shutdown(Duration::from_secs(60)));
    drop(client);
    let mut found = Vec::new();
    files(home.path(), &mut found);
    (home, found)
}

fn hold(path: &Path) -> File {
    OpenOptions::new().read(true).share_mode(0).open(path).unwrap()
}

fn is_open(client: &Client) -> bool {
    client.status(CRASH).is_ok_and(|status| status.is_open())
}

/// Holds `path` open while a program starts and makes a decision, and releases it afterwards. Returns what is wrong then.
fn judged(home: &Path, path: &Path, decision: &Decision) -> Vec<String> {
    let mut wrong = Vec::new();
    let held = hold(path);
    let client = Client::without_worker(config(home)).unwrap();
    let answer = (decision.act)(&client);
    if decision.is_no {
        if is_open(&client) {
            wrong.push("open after a no".to_owned());
        }
        client.record_durable(Happened { times: 9 });
        if client.flush(Duration::from_secs(60)).is_ok_and(|done| done.requests > 0) {
            wrong.push("something left after a no".into());
        }
        let is_confirmed = answer.as_ref().is_ok_and(|receipt| receipt.confirmed);
        if is_confirmed && is_open(&Client::without_worker(config(home)).unwrap()) {
            wrong.push("another program is open after a no that was confirmed".into());
        }
    }
    drop(held);
    // The program retries everything within a minute. The test does so now.
    for _ in 0..3 {
        client.consent().retry_now();
        crate::actions::settle::settle(client.engine());
    }
    if let Some(trouble) = client.status(CRASH).unwrap().trouble {
        wrong.push(format!("trouble afterwards: {trouble}"));
    }
    drop(client);
    let fresh = Client::without_worker(config(home)).unwrap();
    let status = fresh.status(CRASH).unwrap();
    if (answer.is_ok() || decision.is_no) && status.state != decision.then {
        wrong.push(format!("{answer:?}, and then {:?}", status.state));
    }
    if status.is_open() != (status.state == State::Granted) {
        wrong.push(format!("not settled: {status:?}"));
    }
    let other = fresh.status(VIEWS).unwrap();
    if !(other.state == State::Granted && other.is_open()) {
        wrong.push(format!("the other scope: {other:?}"));
    }
    wrong.into_iter().map(|what| format!("{} while `{}` is held: {what}", decision.name, path.display())).collect()
}

#[test]
fn who_holds_a_file_of_the_store_opens_nothing_after_a_refusal() {
    let (mut tried, mut wrong) = (0, Vec::new());
    for decision in &DECISIONS {
        let (_, found) = prepared();
        for at in 0..found.len() {
            let (home, found) = prepared();
            wrong.extend(judged(home.path(), &found[at], decision));
            tried += 1;
        }
    }
    println!("held: {tried} files held while a decision was made, {} wrong", wrong.len());
    assert!(tried > 60 && wrong.is_empty(), "{wrong:#?}");
}
