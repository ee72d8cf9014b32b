//! Promises 7 and 9: a store that does not belong to candor, or does not have the shape of one, is not used, not
//! followed through links and not repaired by force. The program continues to run.

use crate::{
    events::{PLAYBACK, USAGE, film, opened},
    files,
    home::{HANG, Home, dropped, flush, send, state, wait_for},
    server::Server,
};
use candor::{
    Client,
    consent::{Decision, MayAsk, State, WhyNot},
};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::Path,
};

/// Checks that the program starts on this store with the scope closed and a reason given, and that neither a grant
/// nor an event is stored.
#[track_caller]
fn is_not_used(home: &Home, server: &Server, what: &str) {
    let files_of = || {
        let mut tree = files::tree(&home.path());
        tree.retain(|name, _| !name.ends_with('/'));
        tree
    };
    let before = files_of();
    let client = Client::new(home.config(server)).unwrap_or_else(|error| panic!("{what}: {error}"));
    let status = client.status(USAGE).unwrap();
    assert_eq!(status.state, State::Unreadable, "{what}");
    assert!(status.trouble.is_some(), "{what}");
    client.record(opened(9));
    client.record_durable(opened(9));
    assert_eq!(client.flush(HANG).unwrap().requests, 0, "{what}");
    let notice = client.notice(USAGE).unwrap();
    let error = client.grant(USAGE.shown(&notice)).unwrap_err();
    assert!(error.is_store() && !error.is_configuration(), "{what}: {error:?}");
    assert!(error.to_string().contains(&home.path().display().to_string()), "{what}: names the place: {error}");
    assert!(!client.manifest().unwrap().to_string().is_empty(), "{what}");
    drop(client);
    assert!(files_of() == before, "{what}: nothing is written, here or behind a link");
    assert_eq!(server.connections(), 0, "{what}");
}

#[test]
fn a_link_in_place_of_a_directory_is_not_followed() {
    for marks in [false, true] {
        for there in [true, false] {
            let (home, server) = (Home::new(), Server::new());
            let place = if marks { home.marks() } else { home.store() };
            files::make_dir(place.parent().unwrap());
            let elsewhere = home.path().join("elsewhere");
            if there {
                files::make_dir(&elsewhere);
            }
            symlink(&elsewhere, &place).unwrap();
            is_not_used(&home, &server, &format!("{} -> {}", place.display(), elsewhere.display()));
        }
    }
}

#[test]
fn a_granted_store_behind_a_link_is_closed() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(2));
    drop(client);
    let moved = home.path().join("moved");
    fs::rename(home.store(), &moved).unwrap();
    symlink(&moved, home.store()).unwrap();
    is_not_used(&home, &server, "moved away");
}

#[test]
fn a_file_in_place_of_a_directory_is_left_alone() {
    for depth in 0..3 {
        for marks in [false, true] {
            let (home, server) = (Home::new(), Server::new());
            let mut place = if marks { home.marks() } else { home.store() };
            for _ in 0..depth {
                place.pop();
            }
            files::make_dir(place.parent().unwrap());
            files::write(&place, b"somebody's own");
            is_not_used(&home, &server, &place.display().to_string());
        }
    }
}

#[test]
fn directories_that_others_may_open_are_not_used() {
    for mode in [0o755, 0o750, 0o770, 0o777, 0o711, 0o701] {
        for marks in [false, true] {
            let (home, server) = (Home::new(), Server::new());
            let client = home.start_granted(&server, &[USAGE]);
            client.record_durable(opened(2));
            drop(client);
            let place = if marks { home.marks() } else { home.store() };
            files::mode(&place, mode);
            is_not_used(&home, &server, &format!("{} {mode:o}", place.display()));
            files::mode(&place, 0o700);
            assert!(home.start(&server).status(USAGE).unwrap().is_open(), "the control");
        }
    }
}

#[test]
fn a_refusal_while_the_store_cannot_be_used_stops_this_program_and_says_so() {
    for marks in [false, true] {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
        let place = if marks { home.marks() } else { home.store() };
        files::mode(&place, 0o755);
        for receipt in [client.withdraw(USAGE), client.deny(PLAYBACK)] {
            match receipt {
                Ok(receipt) => assert!(!receipt.confirmed || receipt.recorded, "{receipt}"),
                Err(error) => assert!(error.is_store(), "{error:?}"),
            }
        }
        client.record_with(|| -> crate::events::LibraryOpened { panic!("it was withdrawn") });
        client.record_with(|| -> crate::events::PlaybackFinished { panic!("it was denied") });
        drop(client);
        files::mode(&place, 0o700);
        let client = home.start(&server);
        for scope in [USAGE, PLAYBACK] {
            assert!(!client.status(scope).unwrap().is_open(), "{} {:?}", scope.name(), client.status(scope));
        }
    }
}

#[test]
fn records_that_others_may_open_close_every_scope() {
    for name in ["consent", "ledger.jsonl", "high"] {
        for mode in [0o644, 0o660, 0o666, 0o604] {
            let (home, server) = (Home::new(), Server::new());
            drop(home.start_granted(&server, &[USAGE]));
            let path = if name == "high" { home.marks() } else { home.store() }.join(name);
            files::mode(&path, mode);
            let client = home.start(&server);
            assert_eq!(state(&client, USAGE), State::Unreadable, "{name} {mode:o}");
            client.record_durable(opened(2));
            assert_eq!(client.flush(HANG).unwrap().requests, 0);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{name}: not repaired");
        }
    }
}

/// Messages say "lost or damaged" only about a file that is. They do not ask the person to delete a file that could
/// not be read.
#[test]
fn what_was_not_read_is_said_to_be_neither_lost_nor_damaged_nor_nothing() {
    for name in ["consent", "ledger.jsonl", "high", "the store"] {
        let (home, server) = (Home::new(), Server::new());
        drop(home.start_granted(&server, &[USAGE]));
        let path = match name {
            "high" => home.marks().join(name),
            "the store" => home.store(),
            name => home.store().join(name),
        };
        files::mode(&path, if name == "the store" { 0o755 } else { 0o644 });
        let client = home.start(&server);
        let mut said =
            vec![client.grant(USAGE).unwrap_err().to_string(), client.prompt(USAGE).unwrap_err().to_string()];
        assert!(
            said[0].contains(&path.display().to_string())
                && ["only you can open", "chmod go-rwx"].iter().any(|fix| said[0].contains(fix)),
            "{said:?}"
        );
        let not_read = MayAsk::No { why: WhyNot::NotRead, not_before: None };
        assert_eq!(client.may_ask(USAGE).unwrap(), not_read, "{name}");
        said.extend(client.status(USAGE).unwrap().trouble);
        said.extend(client.receipts().map_or_else(|error| Some(error.to_string()), |all| Some(all.to_string())));
        let receipt = client.receipt(USAGE);
        assert_eq!(receipt.is_err(), name == "ledger.jsonl", "{name}");
        said.extend(receipt.err().map(|error| error.to_string()));
        for said in said {
            for wrong in ["lost or damaged", "is damaged", "or delete", "no decision", "Nobody was asked"] {
                assert!(!said.contains(wrong), "{name}: {said}");
            }
        }
    }
}

#[test]
fn a_history_that_is_gone_is_said_to_be_and_not_to_hold_no_decision() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[USAGE, PLAYBACK]));
    fs::remove_file(home.store().join("ledger.jsonl")).unwrap();
    let client = home.start(&server);
    let error = client.receipt(PLAYBACK).unwrap_err().to_string();
    assert!(error.contains("ledger.jsonl") && error.contains("is missing"), "{error}");
    let all = client.receipts().unwrap().to_string();
    assert!(all.contains("the ledger is missing") && !all.contains("Nobody was asked"), "{all}");
}

/// A file that was found but not read is not lost: a refusal leaves the decisions about other scopes unchanged, and
/// is in force all the same.
#[test]
fn a_refusal_over_records_that_others_may_open_is_of_one_scope_alone() {
    for says_no in [Client::withdraw, Client::deny] {
        for name in ["consent", "ledger.jsonl", "high"] {
            let (home, server) = (Home::new(), Server::new());
            let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
            client.record_durable(film());
            let kept = home.waiting("counts", PLAYBACK).len();
            drop(client);
            let path = if name == "high" { home.marks() } else { home.store() }.join(name);
            files::mode(&path, 0o644);
            let client = home.start(&server);
            let error = says_no(&client, USAGE).unwrap_err().to_string();
            assert!(
                error.contains(&path.display().to_string()) && error.contains("0600"),
                "names it and the way out: {error}"
            );
            let notice = client.notice(PLAYBACK).unwrap();
            assert!(
                client.grant(PLAYBACK.shown(&notice)).unwrap_err().is_store(),
                "nor does a grant begin new records"
            );
            drop(client);
            files::mode(&path, 0o600);
            let client = home.start(&server);
            assert!(client.status(PLAYBACK).unwrap().is_open(), "{name}: {:?}", client.status(PLAYBACK));
            assert_eq!(home.waiting("counts", PLAYBACK).len(), kept, "{name}");
            assert_eq!(state(&client, USAGE), State::Withdrawn, "{name}");
            let is_aside = |path: &std::path::PathBuf| path.to_string_lossy().contains("damaged");
            assert!(!files::all(&home.store()).iter().any(is_aside), "{name}");
        }
    }
}

#[test]
fn who_takes_back_a_grant_whose_contract_cannot_be_read_has_withdrawn() {
    for says_no in [Client::withdraw, Client::deny] {
        let (home, server) = (Home::new(), Server::new());
        drop(home.start_granted(&server, &[USAGE]));
        files::all(&home.store().join("contracts")).iter().for_each(|path| files::mode(path, 0o644));
        let client = home.start(&server);
        assert_eq!(state(&client, USAGE), State::Unreadable);
        assert_eq!(says_no(&client, USAGE).unwrap().decision, Decision::Withdrawn);
    }
}

/// The files are neither missing nor damaged. The person is told which file it is and how to fix it. After the fix
/// the grant is in force as before.
#[test]
fn contracts_and_notices_that_others_may_open_are_named_and_not_written_over() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[USAGE]));
    let texts = files::all(&home.store().join("contracts"));
    assert_eq!(texts.len(), 2);
    for path in texts {
        files::mode(&path, 0o644);
        let before = fs::metadata(&path).unwrap().ino();
        let client = home.start(&server);
        let status = client.status(USAGE).unwrap();
        let trouble = status.trouble.as_deref().unwrap();
        assert_eq!((status.state, status.is_open()), (State::Unreadable, false));
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(trouble.contains(name) && trouble.contains("mode 0600"), "{trouble}");
        assert!(!trouble.contains("damaged"), "{trouble}");
        // A grant that can't be stored completely is not a grant. The error says what is in the way.
        let error = client.grant(USAGE.shown(&client.notice(USAGE).unwrap())).unwrap_err();
        assert!(error.is_store() && error.to_string().contains("mode 0600"), "{error}");
        drop(client);
        let after = fs::metadata(&path).unwrap();
        assert_eq!((after.ino(), after.mode() & 0o777), (before, 0o644), "it was written over");
        files::mode(&path, 0o600);
        assert!(home.start(&server).status(USAGE).unwrap().is_open(), "the grant is in force");
    }
}

/// Without its lock file a scope sends nothing, and its withdrawal is not confirmed. The person is told which file it is.
#[test]
fn a_life_lock_that_cannot_be_used_is_named() {
    for (how, says) in [("open", "others may open it"), ("link", "symbolic link"), ("gone", "a new yes")] {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
        client.record_durable(opened(2));
        drop(client);
        let life = home.store().join("usage.life");
        match how {
            "open" => files::mode(&life, 0o644),
            "link" => {
                fs::rename(&life, home.path().join("elsewhere")).unwrap();
                std::os::unix::fs::symlink(home.path().join("elsewhere"), &life).unwrap();
            }
            _ => fs::remove_file(&life).unwrap(),
        }
        let client = home.start(&server);
        let trouble = client.status(USAGE).unwrap().trouble.unwrap();
        assert!(trouble.contains(says) && trouble.contains("nothing is sent"), "{how}: {trouble}");
        assert!(how == "gone" || trouble.contains(&life.display().to_string()), "{how}: {trouble}");
        assert_eq!(client.status(PLAYBACK).unwrap().trouble, None);
        let flushed = flush(&client);
        assert_eq!((flushed.requests, flushed.trouble), (0, Some(trouble)), "{how}: nobody ended anything");
        let receipt = client.withdraw(PLAYBACK).unwrap();
        assert!(receipt.confirmed, "{receipt}");
        if how == "link" {
            let receipt = client.withdraw(USAGE).unwrap().to_string();
            assert!(receipt.contains("NO: reporting is stopped, but the file of its lock"), "{receipt}");
        }
        if how == "open" {
            files::mode(&life, 0o600);
            assert_eq!(flush(&client).requests, 1);
        }
    }
}

#[test]
fn records_of_another_user_close_every_scope() {
    if !rustix::process::geteuid().is_root() {
        return; // only root can change a file's owner
    }
    for name in ["consent", "ledger.jsonl", "."] {
        let (home, server) = (Home::new(), Server::new());
        drop(home.start_granted(&server, &[USAGE]));
        chown(home.store().join(name), Some(65_534), None).unwrap();
        let client = home.start(&server);
        assert_eq!(state(&client, USAGE), State::Unreadable, "{name}");
        client.record_durable(opened(2));
        assert_eq!(client.flush(HANG).unwrap().requests, 0);
    }
}

#[test]
fn a_pipe_in_place_of_a_record_neither_opens_nor_hangs() {
    for name in ["consent", "ledger.jsonl", "high"] {
        let (home, server) = (Home::new(), Server::new());
        drop(home.start_granted(&server, &[USAGE]));
        let path = if name == "high" { home.marks() } else { home.store() }.join(name);
        fs::remove_file(&path).unwrap();
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let client = home.start(&server);
        assert_eq!(state(&client, USAGE), State::Unreadable, "{name}");
        client.record_durable(opened(2));
        assert_eq!(client.flush(HANG).unwrap().requests, 0, "{name}");
    }
}

#[test]
fn links_pipes_and_directories_in_place_of_other_files_do_no_harm() {
    type Put = (&'static str, fn(&Path, &Path));
    let puts: [Put; 4] = [
        ("link", |path, elsewhere| symlink(elsewhere.join("file"), path).unwrap()),
        ("dangling link", |path, elsewhere| symlink(elsewhere.join("none"), path).unwrap()),
        ("pipe", |path, _| mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap()),
        ("directory", |path, _| files::make_dir(path)),
    ];
    for name in ["keys", "consent.lock", "lead.lock", "usage.life", "waiting", "outbox", "sent", "counts", "trash"] {
        for (what, put) in puts {
            if what == "directory" && ["waiting", "outbox", "sent", "counts", "trash"].contains(&name) {
                continue; // these are directories anyway
            }
            let (home, server) = (Home::new(), Server::new());
            drop(home.start_granted(&server, &[USAGE, PLAYBACK]));
            let elsewhere = home.path().join("elsewhere");
            files::make_dir(&elsewhere);
            files::write(&elsewhere.join("file"), b"somebody's own");
            let path = home.store().join(name);
            let _ = fs::remove_file(&path);
            let _ = fs::remove_dir_all(&path);
            put(&path, &elsewhere);
            let client = home.start(&server);
            client.record_durable(opened(2));
            client.record_durable(film());
            client.record(opened(2));
            let _ = client.flush(HANG).unwrap();
            let _ = client.manifest().unwrap();
            let _ = client.withdraw(USAGE);
            client.record_durable(opened(2));
            assert!(!client.status(USAGE).unwrap().is_open(), "{name} is a {what}: withdrawn all the same");
            drop(client);
            let left = files::tree(&elsewhere);
            assert!(left.len() == 1 && left["file"] == b"somebody's own", "{name} is a {what}: {:?}", left.keys());
        }
    }
}

#[test]
fn nothing_is_written_behind_a_link_in_the_store() {
    let mut through = Vec::new();
    for name in ["waiting", "counts", "outbox", "sent", "trash", "contracts"] {
        let (home, server) = (Home::new(), Server::new());
        drop(home.start_granted(&server, &[USAGE, PLAYBACK]));
        let elsewhere = home.path().join("elsewhere");
        files::make_dir(&elsewhere);
        let _ = fs::remove_dir_all(home.store().join(name));
        symlink(&elsewhere, home.store().join(name)).unwrap();
        let client = home.start(&server);
        client.record_durable(opened(2));
        client.record_durable(film());
        send(&client);
        if !files::tree(&elsewhere).is_empty() {
            through.push(name);
        }
    }
    assert!(through.is_empty(), "written through {through:?}");
}

#[test]
fn what_is_behind_a_link_in_the_store_is_not_destroyed() {
    for kind in ["waiting", "outbox", "counts"] {
        let (home, server) = (Home::new(), Server::new());
        drop(home.start_granted(&server, &[USAGE]));
        let precious = home.path().join("precious");
        files::make_dir(&precious);
        files::make_dir(&precious.join("letters"));
        files::write(&precious.join("letters").join("1999.txt"), b"somebody's own");
        let scope = home.store().join(kind).join(USAGE.name());
        files::make_dir(scope.parent().unwrap());
        let _ = fs::remove_dir_all(&scope);
        symlink(&precious, &scope).unwrap();
        let client = home.start(&server);
        client.withdraw(USAGE).unwrap();
        drop(client);
        assert!(precious.join("letters").join("1999.txt").exists(), "{kind}/{} was a link", USAGE.name());
    }
}

/// The state after a person moved pending data to another disk: the directory of the scope, or of one grant, is a link.
#[test]
fn where_a_link_leads_to_what_waits_no_receipt_says_that_all_is_destroyed() {
    for depth in [1, 2] {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
        client.record_durable(opened(2));
        drop(client);
        let link = home.waiting("waiting", USAGE)[0].ancestors().nth(3 - depth).unwrap().to_owned();
        let (moved, name) = (home.path().join("moved"), link.display().to_string());
        fs::rename(&link, &moved).unwrap();
        symlink(&moved, &link).unwrap();
        let client = home.start(&server);
        let receipt = client.withdraw(USAGE).unwrap();
        assert!(receipt.confirmed && !receipt.destroyed.complete, "{name}: {receipt}");
        assert!(!files::all(&moved).is_empty() && link.is_symlink(), "{name}");
        if depth == 1 {
            let unread = client.manifest().unwrap().scope(USAGE).unwrap().unread.join("; ");
            assert!(unread.contains(&name), "{unread}");
        }
        assert!(client.withdraw(PLAYBACK).unwrap().destroyed.complete, "another scope has nothing to do with it");
        drop(client);
        // Once it is back in its place, it is destroyed.
        fs::remove_file(&link).unwrap();
        fs::rename(&moved, &link).unwrap();
        let receipt = home.start(&server).withdraw(USAGE).unwrap();
        assert!(receipt.destroyed.complete && home.all_waiting().is_empty(), "{name}: {receipt}");
    }
}

/// The state after a backup was restored. The file holds the secrets of all scopes.
#[test]
fn secrets_that_others_may_open_stay_and_one_that_is_to_go_goes_when_they_can_be_read() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[USAGE, PLAYBACK]));
    let path = home.store().join("keys");
    let before = fs::read_to_string(&path).unwrap();
    let secret = |text: &str, scope: &str| {
        let secrets: serde_json::Value = serde_json::from_str(text.lines().nth(1)?).ok()?;
        Some(secrets[scope].as_str()?.to_owned())
    };
    files::mode(&path, 0o644);
    let client = home.start(&server);
    let receipt = client.withdraw(USAGE).unwrap();
    assert!(receipt.confirmed && !receipt.destroyed.complete && !receipt.destroyed.secret, "{receipt}");
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    let notice = client.notice(USAGE).unwrap();
    let error = client.grant(USAGE.shown(&notice)).unwrap_err().to_string();
    let page = client.manifest().unwrap();
    let page = page.scope(PLAYBACK).unwrap();
    assert!(!page.secret_lost);
    for said in [error, page.unread.join("; ")] {
        assert!(said.contains(&path.display().to_string()) && said.contains("chmod go-rwx"), "{said}");
    }
    drop(client);
    files::mode(&path, 0o600);
    let client = home.start(&server);
    wait_for("the secret is destroyed", || secret(&fs::read_to_string(&path).unwrap(), "usage").is_none());
    assert!(client.withdraw(USAGE).unwrap().destroyed.complete);
    let kept = secret(&fs::read_to_string(&path).unwrap(), "playback");
    assert!(kept.is_some() && kept == secret(&before, "playback"), "one's own secret stays");
}

#[test]
fn what_candor_makes_only_its_owner_may_open() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
    client.record_durable(opened(2));
    client.record_durable(film());
    send(&client);
    client.record_durable(opened(2));
    drop(client);
    let mut seen = 0;
    for below in [home.store(), home.marks()] {
        for name in files::tree(&below).keys() {
            let mode = fs::metadata(below.join(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, if name.ends_with('/') { 0o700 } else { 0o600 }, "{name}");
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn where_events_cannot_be_kept_they_are_counted() {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[USAGE, PLAYBACK]));
    for kind in ["waiting", "counts"] {
        let _ = fs::remove_dir_all(home.store().join(kind));
        files::write(&home.store().join(kind), b"in the way");
    }
    let client = home.start(&server);
    for _ in 0..5 {
        client.record_durable(opened(2));
        client.record_durable(film());
    }
    assert_eq!(dropped(&client, "disk"), 10);
    let outcomes = client.manifest().unwrap().outcomes;
    assert_eq!((outcomes.lines, outcomes.counted), (0, 0));
}
