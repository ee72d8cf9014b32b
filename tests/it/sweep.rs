//! Promise 7, doubt means no, checked byte by byte.
//!
//! One bit is flipped in each byte of the history, of the agreed texts and of the high-water marks, and each file is
//! cut at every length. Of the agreed texts only every seventh damage is tried here:
//! `tests::looks::a_text_that_differs_in_any_bit_is_none` shows that their reader notices each one. Stores restored
//! from a backup, and histories merged by other programs, are tested as well. The snapshot's bytes are tested in
//! `damage`.

use crate::{
    events::{PLAYBACK, USAGE, opened},
    files,
    home::{HANG, Home, flush, say_yes, send, state},
    server::Server,
};
use candor::{Client, Scope, consent::State};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Starts the program on these records. The scopes are closed, the status says why, and nothing is kept or sent.
#[track_caller]
fn starts_closed(home: &Home, server: &Server, scopes: &[Scope], what: &str) -> Client {
    let client = Client::new(home.config(server)).unwrap_or_else(|error| panic!("{what}: {error}"));
    for &scope in scopes {
        let status = client.status(scope).unwrap();
        assert_eq!(status.state, State::Unreadable, "{what}: {status:?}");
        assert!(!status.is_open(), "{what}: {status:?}");
        assert!(status.trouble.as_ref().is_some_and(|why| why.len() > 10), "{what}: {status:?}");
    }
    client.record_with(|| -> crate::events::LibraryOpened { panic!("{what}: it is open") });
    assert_eq!(client.flush(HANG).unwrap().requests, 0, "{what}");
    client
}

/// A file in every damaged form that is tested: one bit flipped in each byte, and cut at each length.
fn damaged(whole: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> + '_ {
    let flips =
        (0..whole.len()).map(|at| (format!("bit {} of byte {at}", at % 8), files::bit_flipped(whole, at * 8 + at % 8)));
    flips.chain((0..whole.len()).map(|length| (format!("cut to {length}"), whole[..length].to_vec())))
}

/// Checks that damage to one file closes these scopes, and that they are open again with the original bytes. Tries
/// one in `every` damages, fewer if `files::every` is above 1. Returns the number tried times `files::every()`.
fn sweep(home: &Home, server: &Server, path: &Path, scopes: &[Scope], every: usize) -> usize {
    let (whole, name) = (fs::read(path).unwrap(), path.file_name().unwrap().to_string_lossy().into_owned());
    let mut tried = 0;
    for (what, bytes) in damaged(&whole).step_by(every * files::every()) {
        files::write(path, &bytes);
        drop(starts_closed(home, server, scopes, &format!("{name}, {what}")));
        assert_eq!(fs::read(path).unwrap(), bytes, "{name}, {what}: nothing is restored by guessing");
        tried += 1;
    }
    fs::remove_file(path).unwrap();
    let client = starts_closed(home, server, scopes, &format!("{name}, removed"));
    let page = client.manifest().unwrap();
    let status = &page.scope(scopes[0]).unwrap().status;
    assert!(page.to_string().contains(status.trouble.as_ref().unwrap()), "{name}: the page says why: {page}");
    drop(client);
    files::write(path, &whole);
    assert_eq!(server.connections(), 0, "{name}");
    for &scope in scopes {
        assert!(home.start(server).status(scope).unwrap().is_open(), "{name}: the control");
    }
    tried * files::every()
}

#[test]
fn a_damaged_history_closes_every_scope() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    client.withdraw(PLAYBACK).unwrap();
    // The last decision is a grant: the snapshot also holds the entry of a withdrawal, so half of that entry would be repaired.
    say_yes(&client, USAGE);
    client.record_durable(opened(1_000));
    drop(client);
    let tried = sweep(&home, &server, &home.store().join("ledger.jsonl"), &[USAGE], 1);
    assert!(tried > 1_500, "{tried}");
    let flushed = flush(&home.start(&server));
    assert_eq!((server.connections(), server.lines().len()), (1, 1), "only the control has sent: {flushed:?}");
}

#[test]
fn a_history_that_lost_part_of_a_withdrawal_has_it_from_the_snapshot() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
    client.withdraw(USAGE).unwrap();
    drop(client);
    let path = home.store().join("ledger.jsonl");
    let whole = fs::read(&path).unwrap();
    let before_last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    let kept: Vec<usize> = (0..whole.len())
        .step_by(files::every())
        .filter(|&length| {
            files::write(&path, &whole[..length]);
            let client = home.start(&server);
            let status = client.status(USAGE).unwrap();
            assert!(!status.is_open(), "cut to {length}");
            client.record_with(|| -> crate::events::LibraryOpened { panic!("cut to {length}: it is open") });
            let restored = fs::read(&path).unwrap() == whole;
            // Either the whole history is restored and the states are correct, or everything is closed.
            let states = (status.state, state(&client, PLAYBACK));
            let honest =
                if restored { (State::Withdrawn, State::Granted) } else { (State::Unreadable, State::Unreadable) };
            assert_eq!(states, honest, "cut to {length}");
            restored
        })
        .collect();
    let last = (0..whole.len()).step_by(files::every()).filter(|length| *length >= before_last);
    assert_eq!(kept, last.collect::<Vec<_>>(), "the last line, and no more than that, is known");
    assert_eq!(server.connections(), 0);
}

#[test]
fn damaged_marks_close_every_scope() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
    client.record_durable(opened(1_000));
    drop(client);
    let tried = sweep(&home, &server, &home.marks().join("high"), &[USAGE, PLAYBACK], 1);
    assert!(tried > 100, "{tried}");
}

/// The file of the contract or the notice (`what`) that the first entry of the history names.
fn agreed(home: &Home, what: &str) -> PathBuf {
    let history = fs::read_to_string(home.store().join("ledger.jsonl")).unwrap();
    let line: serde_json::Value = serde_json::from_str(history.lines().next().unwrap()).unwrap();
    home.store().join("contracts").join(line[what].as_str().unwrap())
}

fn a_damaged_text_closes_its_scope(what: &str) {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
    client.record_durable(opened(1_000));
    drop(client);
    let path = agreed(&home, what);
    let tried = sweep(&home, &server, &path, &[USAGE], 7);
    assert!(tried > 400, "{tried}");
    // The text of the other scope is intact.
    files::write(&path, b"");
    let client = home.start(&server);
    assert_eq!(state(&client, PLAYBACK), State::Granted);
    // A grant needs a notice and repairs the text. A withdrawal needs none.
    assert!(client.grant(USAGE).unwrap_err().needs_notice());
    say_yes(&client, USAGE);
    assert!(client.status(USAGE).unwrap().is_open());
    drop(client);
    assert!(home.start(&server).status(USAGE).unwrap().is_open(), "and it lasts");
    files::write(&path, b"");
    let client = home.start(&server);
    client.withdraw(USAGE).unwrap();
    assert_eq!(state(&client, USAGE), State::Withdrawn, "there was a yes, whatever it was to");
    assert!(home.waiting("waiting", USAGE).is_empty());
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_damaged_contract_closes_its_scope() {
    a_damaged_text_closes_its_scope("contract");
}

#[test]
fn a_damaged_notice_closes_its_scope() {
    a_damaged_text_closes_its_scope("notice");
}

#[test]
fn a_text_damaged_under_a_running_program_lets_nothing_leave() {
    for what in ["contract", "notice"] {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE]);
        client.record_durable(opened(1_000));
        let path = agreed(&home, what);
        let whole = fs::read(&path).unwrap();
        files::write(&path, &files::flipped(&whole, 9));
        assert_eq!(client.flush(HANG).unwrap().requests, 0, "{what}");
        assert_eq!(state(&client, USAGE), State::Unreadable, "{what}");
        assert_eq!(server.connections(), 0, "{what}");
        // The control: with the original bytes it is sent.
        files::write(&path, &whole);
        send(&client);
        assert_eq!(server.lines().len(), 1, "{what}");
    }
}

/// The two directories of a store: its data and its high-water marks.
fn directories(home: &Home) -> [PathBuf; 2] {
    [home.store(), home.marks()]
}

/// Copies both directories in their current state.
fn backup(home: &Home, name: &str) -> [PathBuf; 2] {
    let to = ["store", "marks"].map(|kind| home.path().join("backups").join(name).join(kind));
    for (from, to) in directories(home).iter().zip(&to) {
        files::copy(from, to);
    }
    to
}

#[test]
fn of_a_backup_from_before_a_withdrawal_only_both_directories_together_bring_back_the_grant() {
    // (the store is restored, the marks are restored, the scope is open afterwards)
    for (store, marks, open) in [(true, false, false), (false, true, false), (true, true, true)] {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE]);
        drop(client);
        let old = backup(&home, "before");
        let client = home.start(&server);
        client.withdraw(USAGE).unwrap();
        drop(client);
        for ((from, to), back) in old.iter().zip(directories(&home)).zip([store, marks]) {
            if back {
                files::restore(from, &to);
            }
        }
        let client = home.start(&server);
        let status = client.status(USAGE).unwrap();
        // Both together are, byte for byte, a store without a withdrawal. Nothing on this computer can detect that,
        // and the threat model says so.
        assert_eq!(status.is_open(), open, "store {store}, marks {marks}: {status:?}");
        if !open {
            client.record_with(|| -> crate::events::LibraryOpened { panic!("it is open") });
            assert!(client.grant(USAGE).unwrap_err().needs_notice(), "store {store}, marks {marks}");
        }
    }
    let manual = include_str!("../../src/manual/threat_model.md");
    assert!(manual.contains("A whole disk restored from a backup restores both directories and the choices in them."));
}

/// Takes lines from both, alternately.
fn zipped(one: &[String], other: &[String]) -> Vec<String> {
    let longest = one.len().max(other.len());
    (0..longest).flat_map(|at| [one.get(at), other.get(at)]).flatten().cloned().collect()
}

/// What programs that synchronize two computers make of two histories.
fn merges(one: &[String], other: &[String]) -> Vec<(&'static str, Vec<String>)> {
    let mut sorted = zipped(one, other);
    sorted.sort_by_key(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["at"].to_string());
    let mut seen = BTreeSet::new();
    let union: Vec<String> = zipped(one, other).into_iter().filter(|line| seen.insert(line.clone())).collect();
    let conflict = [&["<<<<<<< here".into()], one, &["=======".into()], other, &[">>>>>>> there".into()]].concat();
    vec![
        ("one after the other", [one, other].concat()),
        ("the other first", [other, one].concat()),
        ("line by line", zipped(one, other)),
        ("by time", sorted),
        ("each line once", union),
        ("with the marks of a conflict", conflict),
        ("the other's alone", other.to_vec()),
    ]
}

fn history(home: &Home) -> Vec<String> {
    let text = fs::read_to_string(home.store().join("ledger.jsonl")).unwrap();
    text.split_inclusive('\n').map(str::to_owned).collect()
}

#[test]
fn two_histories_put_together_close_every_scope() {
    // Two computers that never shared anything, and two that began with the same store and then diverged.
    for shared in [false, true] {
        let (here, there, server) = (Home::new(), Home::new(), Server::new());
        let client = here.start_granted(&server, &[PLAYBACK, USAGE]);
        client.record_durable(opened(1_000));
        drop(client);
        if shared {
            for (from, to) in directories(&here).iter().zip(directories(&there)) {
                files::make_dir(to.parent().unwrap());
                files::copy(from, &to);
            }
        } else {
            there.clock.advance(crate::home::HOUR);
            drop(there.start_granted(&server, &[USAGE]));
        }
        let other = there.start(&server);
        other.withdraw(USAGE).unwrap();
        drop(other);
        // Decisions are made here, too. The last one is a grant.
        let client = here.start(&server);
        client.withdraw(PLAYBACK).unwrap();
        say_yes(&client, PLAYBACK);
        drop(client);
        let (ours, theirs) = (history(&here), history(&there));
        let whole = fs::read(here.store().join("ledger.jsonl")).unwrap();
        let snapshots = [here.store(), there.store()].map(|store| fs::read(store.join("consent")).unwrap());
        let own = snapshots[0].clone();
        for (how, lines) in merges(&ours, &theirs) {
            for (whose, snapshot) in ["ours", "theirs"].into_iter().zip(&snapshots) {
                let what = format!("{how}, snapshot {whose}, shared {shared}");
                files::write(&here.store().join("ledger.jsonl"), lines.concat().as_bytes());
                files::write(&here.store().join("consent"), snapshot);
                if how == "the other's alone" && whose == "theirs" {
                    // The whole store of the other computer with the marks of this one: its withdrawal is in force,
                    // and none of its grants is.
                    let client = here.start(&server);
                    for scope in [USAGE, PLAYBACK] {
                        let fits = shared && scope == PLAYBACK;
                        assert!(!client.status(scope).unwrap().is_open(), "{what}: {}, {fits}", scope.name());
                    }
                    assert_eq!(client.flush(HANG).unwrap().requests, 0, "{what}");
                } else {
                    drop(starts_closed(&here, &server, &[USAGE, PLAYBACK], &what));
                }
            }
        }
        assert_eq!(server.connections(), 0, "shared {shared}");
        // The control: with its own files it is a valid store again.
        files::write(&here.store().join("ledger.jsonl"), &whole);
        files::write(&here.store().join("consent"), &own);
        let client = here.start(&server);
        assert_eq!(state(&client, PLAYBACK), State::Granted, "shared {shared}");
    }
}

#[test]
fn a_copy_that_a_sync_tool_left_beside_is_no_record() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    let yes = fs::read(home.store().join("consent")).unwrap();
    let told = fs::read(home.store().join("ledger.jsonl")).unwrap();
    client.withdraw(USAGE).unwrap();
    drop(client);
    for name in ["consent (conflicted copy)", "consent.sync-conflict-20261122", "consent~", "consent.bak"] {
        files::write(&home.store().join(name), &yes);
        files::write(&home.store().join(name.replace("consent", "ledger.jsonl")), &told);
    }
    let client = home.start(&server);
    assert_eq!(state(&client, USAGE), State::Withdrawn);
    client.record_with(|| -> crate::events::LibraryOpened { panic!("it is open") });
}
