//! A person can switch off the copies of what was sent. Existing copies are removed, and no new ones are kept. The amount
//! sent, and the ids by which it can be named, are kept.

use crate::{
    erase::{due, erasures, with_sent},
    events::{CONNECTIVITY, USAGE, opened},
    files,
    home::{Home, MINUTE, say_yes, send},
    server::Server,
};
use candor::{Client, Scope, SentPage};
use std::fs;

fn sent(client: &Client, scope: Scope) -> Vec<SentPage> {
    client.manifest().unwrap().scope(scope).unwrap().sent.clone()
}

/// Checks that the sent log holds none of the values that were sent.
#[track_caller]
fn is_bare(home: &Home, scope: Scope) {
    for path in files::all(&home.store().join("sent").join(scope.name())) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("resourceLogs") && text.lines().count() == 1, "{path:?}: {text}");
    }
}

#[test]
fn no_contents_are_kept_until_the_person_wants_them_again() {
    let (home, server) = (Home::new(), Server::new());
    let client = with_sent(&home, &server, &[2]);
    client.keep_contents(USAGE).unwrap();
    assert!(
        !files::tree(&home.path()).keys().any(|path| format!("{path:?}").contains("-bare")),
        "that is how it begins"
    );
    let before = sent(&client, USAGE);
    let body = before[0].body.clone();
    assert!(body.contains("library.opened") && body.len() as u64 == before[0].bytes);
    client.discard_contents(USAGE).unwrap();
    client.discard_contents(USAGE).unwrap();
    is_bare(&home, USAGE);
    let after = sent(&client, USAGE);
    assert_eq!(after[0].body, "");
    let told = |page: &SentPage| (page.at.clone(), page.epoch, page.records, page.rejected, page.bytes);
    assert_eq!(told(&after[0]), told(&before[0]), "when and how much left stays");

    // The choice outlasts a restart, a withdrawal, a deletion and a new grant.
    drop(client);
    let client = home.start(&server);
    client.withdraw(USAGE).unwrap();
    client.delete_sent(USAGE).unwrap();
    say_yes(&client, USAGE);
    client.record_durable(opened(3));
    send(&client);
    is_bare(&home, USAGE);
    let page = client.manifest().unwrap();
    assert!(!page.scope(USAGE).unwrap().keeps_contents && page.scope(CONNECTIVITY).unwrap().keeps_contents);
    let text = page.to_string();
    assert!(text.contains("1 records, 1024 bytes, contents not kept, as you chose"), "{text}");
    assert_eq!(text.matches("are not kept on this computer, as you chose").count(), 1, "{text}");
    // What was sent can still be named for erasure.
    client.erase(USAGE).unwrap();
    due(&home);
    send(&client);
    assert_eq!(erasures(&server).len(), 1);

    // Requests sent at the same moment have no defined order, so the clock moves on.
    home.clock.advance(MINUTE);
    client.keep_contents(USAGE).unwrap();
    client.record_durable(opened(2));
    send(&client);
    let bodies: Vec<bool> = sent(&client, USAGE).iter().map(|page| page.body.is_empty()).collect();
    assert_eq!(bodies, [true, false], "from now on");
}

#[test]
fn an_interrupted_deletion_is_finished_by_the_next_start() {
    let (home, server) = (Home::new(), Server::new());
    drop(with_sent(&home, &server, &[2, 3]));
    // The choice was noted but not carried out yet, and a write was interrupted.
    files::write(&home.store().join("sent").join("usage-bare"), b"");
    let entry = files::all(&home.store().join("sent").join("usage")).remove(0);
    files::write(&entry.with_extension("json.new"), &fs::read(&entry).unwrap()[..200]);
    let client = home.start(&server);
    // A read waits for what the new program does first.
    assert_eq!(sent(&client, USAGE).len(), 2);
    is_bare(&home, USAGE);
}

/// A restored backup may leave an entry like this.
#[cfg(unix)]
#[test]
fn an_entry_that_others_may_open_is_named_and_stays_until_it_can_be_read() {
    let (home, server) = (Home::new(), Server::new());
    let client = with_sent(&home, &server, &[2, 3]);
    let entry = files::all(&home.store().join("sent/usage")).remove(0);
    let before = fs::read(&entry).unwrap();
    files::mode(&entry, 0o644);
    let error = client.discard_contents(USAGE).unwrap_err().to_string();
    assert!(error.contains(&entry.display().to_string()) && error.contains("chmod go-rwx"), "{error}");
    assert!(fs::read(&entry).unwrap() == before);
    files::mode(&entry, 0o600);
    client.discard_contents(USAGE).unwrap();
    assert_eq!(sent(&client, USAGE).len(), 2, "when something left, and how much, is still known");
    is_bare(&home, USAGE);
}

/// A person who moves the log to another disk leaves a link like this.
#[cfg(unix)]
#[test]
fn where_a_link_leads_to_what_was_sent_nothing_is_said_to_be_deleted() {
    let (home, server) = (Home::new(), Server::new());
    let client = with_sent(&home, &server, &[2]);
    let (log, moved) = (home.store().join("sent/usage"), home.path().join("moved"));
    fs::rename(&log, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &log).unwrap();
    for error in [client.discard_contents(USAGE).unwrap_err(), client.delete_sent(USAGE).unwrap_err()] {
        assert!(error.to_string().contains(&log.display().to_string()), "{error}");
    }
    assert!(log.is_symlink() && !files::all(&moved).is_empty());
    fs::remove_file(&log).unwrap();
    fs::rename(&moved, &log).unwrap();
    client.delete_sent(USAGE).unwrap();
    assert!(!log.exists());
}
