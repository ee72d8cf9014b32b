//! The list of what no check of a history can find: each act is done and passes the check, so the list is neither too
//! long nor too short.

use crate::{
    events::{CONNECTIVITY, PLAYBACK, USAGE, opened},
    files,
    home::{DAY, Home, say_yes, send, wait_for},
    proof::{History, history, rechained},
    server::Server,
};
use candor::consent::{UNDETECTABLE, verify};
use serde_json::{Value, json};
use std::fs;

/// Performs the act that an entry describes.
type Done = fn(&History);

/// One act for each entry of the list, in its order.
const DONE: [(&str, Done); 13] = [
    ("A history that was rewritten from its first line", rewritten_whole),
    ("Lines that were cut off after the newest one", cut_after_the_newest_receipt),
    ("Lines that were changed, added or put in another order", changed_after_the_newest_receipt),
    ("An earlier receipt that was made up", made_up_together),
    ("A whole store that was restored from a backup", put_back_from_a_backup),
    ("A yes that the program recorded although nobody gave it", a_grant_nobody_gave),
    ("Whether the notice was really on the screen", a_notice_nobody_saw),
    ("A clock that was wrong", a_wrong_clock),
    ("A decision that was never written", never_written),
    ("Another history that was not given", another_history),
    ("Which program a history belongs to", another_program),
    ("What an export says of itself", what_an_export_says_of_itself),
    ("What was recorded, sent or kept", what_was_sent),
];

#[test]
fn every_entry_of_the_list_is_true() {
    let from = history();
    for ((name, act), entry) in DONE.iter().zip(UNDETECTABLE) {
        assert!(entry.starts_with(name), "`{entry}` is not what is tried: {name}");
        act(&from);
    }
    println!("what can't be found: {} of {} done", DONE.len(), UNDETECTABLE.len());
}

#[track_caller]
fn passes(history: &str, earlier: Option<&str>) {
    let verdict = verify(history, earlier.as_slice());
    assert!(verdict.is_sound(), "the list says too much: this is found.\n{verdict}");
}

/// The control: the same act is found in a case that the list does not cover.
#[track_caller]
fn fails(history: &str, earlier: Option<&str>) {
    assert!(!verify(history, earlier.as_slice()).is_sound());
}

/// Changes the place in every line that names one, and chains the lines again.
fn forged(lines: &[String]) -> Vec<String> {
    rechained(&lines.iter().map(|line| line.replace("settings/privacy", "elsewhere")).collect::<Vec<_>>())
}

fn rewritten_whole(from: &History) {
    let forged = from.exported(&forged(&from.lines));
    assert_ne!(forged, from.exported(&from.lines));
    passes(&forged, None);
    fails(&forged, Some(&from.held));
}

fn cut_after_the_newest_receipt(from: &History) {
    let cut = from.exported(&from.lines[..from.lines.len() - 2]);
    passes(&cut, Some(&from.held));
    fails(&cut, Some(&from.export));
}

fn changed_after_the_newest_receipt(from: &History) {
    let held = from.receipts.len();
    let mut lines = from.lines.clone();
    lines[held] = lines[held].replace("settings/privacy", "elsewhere");
    lines.swap(held + 1, held + 2);
    let forged = from.exported(&rechained(&lines));
    passes(&forged, Some(&from.held));
    passes(&forged, from.receipts.last().map(String::as_str));
    fails(&forged, Some(&from.export));
}

fn made_up_together(from: &History) {
    let forged = forged(&from.lines);
    let earlier = from.exported(&forged[..from.receipts.len()]);
    passes(&from.exported(&forged), Some(&earlier));
}

fn put_back_from_a_backup(_: &History) {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    let older = client.receipts().unwrap().to_json();
    let backup = home.path().join("backup");
    files::copy(&home.store(), &backup);
    let marks = fs::read(home.marks().join("high")).unwrap();
    client.withdraw(USAGE).unwrap();
    let newer = client.receipts().unwrap().to_json();
    drop(client);
    fs::remove_dir_all(home.store()).unwrap();
    files::copy(&backup, &home.store());
    fs::write(home.marks().join("high"), marks).unwrap();
    let back = home.start(&server).receipts().unwrap().to_json();
    passes(&back, Some(&older));
    fails(&back, Some(&newer));
}

fn a_grant_nobody_gave(_: &History) {
    let (home, server) = (Home::new(), Server::new());
    // No person is involved.
    let client = home.start(&server);
    client.grant(USAGE.shown(&client.notice(USAGE).unwrap()).via("a button")).unwrap();
    passes(&client.receipts().unwrap().to_json(), None);
}

fn a_notice_nobody_saw(_: &History) {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let notice = client.notice(USAGE).unwrap();
    // The notice is passed on without being read.
    client.grant(USAGE.shown(&notice)).unwrap();
    let export = client.receipts().unwrap().to_json();
    passes(&export, None);
    fails(&export.replace("Library sizes", "Something else"), None);
}

fn a_wrong_clock(_: &History) {
    let (home, server) = (Home::new(), Server::new());
    // In 2001, and then ten years later.
    home.clock.jump_to(1_000_000_000);
    let client = home.start_granted(&server, &[USAGE]);
    let export = client.receipts().unwrap();
    assert!(export.to_string().contains("2001-09-09"), "{export}");
    passes(&export.to_json(), None);
    home.clock.advance(3_652 * DAY);
    client.deny(PLAYBACK).unwrap();
    passes(&client.receipts().unwrap().to_json(), None);
    // A clock that goes back within a history is reported as a note only.
    home.clock.jump_to(1_000_000_000);
    client.deny(CONNECTIVITY).unwrap();
    let verdict = verify(&client.receipts().unwrap().to_json(), &[]);
    assert!(verdict.is_sound() && verdict.notes.iter().any(|note| note.contains("the computer's clock was set back")));
}

fn never_written(_: &History) {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    let before = client.receipts().unwrap().to_json();
    let store = home.store();
    // The person refuses another scope while the store can't be written. The call returns an error and no receipt.
    let consent = fs::read(store.join("consent")).unwrap();
    fs::remove_file(store.join("consent")).unwrap();
    // On Windows the name stays in use as long as a reader has the file open.
    wait_for("its name to be free", || fs::create_dir(store.join("consent")).is_ok());
    assert!(client.deny(PLAYBACK).is_err());
    fs::remove_dir(store.join("consent")).unwrap();
    wait_for("its name to be free", || fs::write(store.join("consent"), &consent).is_ok());
    files::mode(&store.join("consent"), 0o600);
    let after = client.receipts().unwrap().to_json();
    assert!(!after.contains("playback"), "{after}");
    passes(&after, Some(&before));
}

fn another_history(_: &History) {
    let server = Server::new();
    let (one, other) = (Home::new(), Home::new());
    let kept_back = one.start_granted(&server, &[USAGE]);
    let client = other.start(&server);
    client.deny(USAGE).unwrap();
    passes(&client.receipts().unwrap().to_json(), None);
    passes(&kept_back.receipts().unwrap().to_json(), None);
}

fn another_program(from: &History) {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    client.deny(USAGE).unwrap();
    let export = client.receipts().unwrap().to_json();
    passes(&export.replace("org.example.player", "org.example.other"), None);
    // A grant names a contract, and the contract names the program.
    let mut relabelled: Value = serde_json::from_str(&from.export).unwrap();
    relabelled["candor"]["application"] = json!("org.example.other");
    relabelled["dct:subject"] = json!("org.example.other");
    fails(&relabelled.to_string(), None);
}

fn what_an_export_says_of_itself(from: &History) {
    let mut other: Value = serde_json::from_str(&from.export).unwrap();
    other["candor"]["made_at"] = json!("2031-01-01T00:00:00Z");
    other["dct:created"] = json!("2031-01-01T00:00:00Z");
    other["candor"]["made_by"] = json!("99.0.0");
    passes(&other.to_string(), Some(&from.held));
    // An export reports trouble. The report can be removed if the lines themselves show nothing: here the snapshot is gone.
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    fs::remove_file(home.store().join("consent")).unwrap();
    let export = client.receipts().unwrap().to_json();
    fails(&export, None);
    let mut silenced: Value = serde_json::from_str(&export).unwrap();
    assert!(!silenced["candor"]["trouble"].is_null());
    silenced["candor"]["trouble"] = Value::Null;
    passes(&silenced.to_string(), None);
}

fn what_was_sent(_: &History) {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    say_yes(&client, USAGE);
    let before = client.receipts().unwrap();
    for shelves in 0..20 {
        client.record_durable(opened(shelves));
    }
    send(&client);
    assert!(!server.lines().is_empty());
    let after = client.receipts().unwrap();
    assert_eq!(before.to_json(), after.to_json());
    passes(&after.to_json(), Some(&before.to_json()));
}
