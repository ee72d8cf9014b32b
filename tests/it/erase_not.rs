//! Erasure where it must not happen: while something blocks, after the person cancelled it, for another program, after its
//! end, and with planted, damaged or smuggled data.

use crate::{
    erase::{acknowledged, due, erasures, is_erasure, named, pending, with_sent},
    events::{CONNECTIVITY, USAGE, opened},
    files, forge,
    home::{APPLICATION, DAY, HANG, HOUR, Home, flush, say_yes, send, wait_for},
    server::{Say, Server},
    stage,
};
use candor::{Answer, Audience, Client, Config, Erasure, Parcel, SendError, Transport};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

/// The program after it sent one request with `records` records, was withdrawn, and has an erasure request that is due.
fn with_a_request(home: &Home, server: &Server, records: u64) -> Client {
    let client = with_sent(home, server, &[records]);
    client.withdraw(USAGE).unwrap();
    client.erase(USAGE).unwrap();
    due(home);
    client
}

/// The documents of all erasure requests, whatever their state.
fn documents(home: &Home) -> Vec<PathBuf> {
    let mut found = files::all(&home.store().join("erasing/usage"));
    found.retain(|path| !path.ends_with("schedule"));
    found
}

#[test]
fn while_something_blocks_it_is_pending_and_says_why() {
    let (home, server) = (Home::new(), Server::new());
    drop(with_sent(&home, &server, &[2]));
    let blocked = || {
        let config = Config::new(APPLICATION, stage::CONTROLLER, Audience::Children);
        let config = config.directories(home.data(), home.config_dir()).clock(home.clock.clone()).lift_ci_block();
        Client::new(config.endpoint(server.endpoint())).unwrap()
    };
    let client = blocked();
    let status = client.erase(USAGE).unwrap();
    assert_eq!(status.requests.len(), 1, "the request is recorded all the same");
    assert!(status.held_up_by.unwrap().contains("audience"));
    for _ in 0..3 {
        home.clock.pass(DAY);
        let flushed = flush(&client);
        assert_eq!((flushed.erasures, erasures(&server).len()), (0, 0));
        assert!(flushed.trouble.unwrap().contains("switched off by"));
    }
    assert!(client.manifest().unwrap().to_string().contains("none is sent at present: reports are switched off by"));
    drop(client);
    due(&home);
    let client = home.start(&server);
    send(&client);
    assert_eq!((acknowledged(&client), erasures(&server).len()), (1, 1));
}

#[test]
fn a_recipient_that_cannot_erase_is_not_asked() {
    let (home, server) = (Home::new(), Server::new());
    let controller = stage::CONTROLLER.erasure(Erasure::Unsupported);
    let config = Config::new(APPLICATION, controller, Audience::Adults);
    let config = config.directories(home.data(), home.config_dir()).clock(home.clock.clone()).lift_ci_block();
    let client = Client::new(config.endpoint(server.endpoint())).unwrap();
    client.grant(USAGE).unwrap();
    client.record_durable(opened(2));
    send(&client);
    let error = client.erase(USAGE).unwrap_err();
    assert!(error.cannot_erase());
    let until = client.manifest().unwrap().made_at[..10].to_owned();
    let until: jiff::civil::Date = until.parse().unwrap();
    let until = until.checked_add(jiff::Span::new().days(30)).unwrap();
    let said = format!(
        "Example Player SAS can't delete single records before their retention period is over: the last of what was \
         sent is deleted after {until}"
    );
    assert!(error.to_string().starts_with(&said), "{error}");
    assert_eq!(client.erasures(USAGE).unwrap().question(), None);
    assert!(files::tree(&home.store()).keys().all(|name| !name.starts_with("erasing/")));
    send(&client);
    assert_eq!(erasures(&server).len(), 0);
}

#[test]
fn nothing_is_asked_before_anything_left() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    for _ in 0..2 {
        let status = client.erase(USAGE).unwrap();
        assert_eq!((status.left, status.nameable, status.requests.len()), (0, 0, 0));
        let _ = client.cancel_erasure(USAGE).unwrap();
        client.delete_sent(USAGE).unwrap();
        assert!(files::tree(&home.path()).is_empty(), "nothing is written");
    }
    client.grant(USAGE).unwrap();
    assert_eq!(client.erase(USAGE).unwrap().requests.len(), 0);
    assert_eq!(server.connections(), 0);
}

#[test]
fn what_is_taken_back_does_not_leave() {
    let (home, server) = (Home::new(), Server::new());
    let client = with_sent(&home, &server, &[1, 1]);
    client.withdraw(USAGE).unwrap();
    client.erase(USAGE).unwrap();
    due(&home);
    send(&client);
    let status = client.cancel_erasure(USAGE).unwrap();
    assert_eq!((status.requests.len(), acknowledged(&client), pending(&client)), (1, 1, 0), "{status}");
    drop(client);
    let client = home.start(&server);
    home.clock.pass(DAY * 2);
    send(&client);
    assert_eq!(erasures(&server).len(), 1);
    // A new erasure request can be made afterwards.
    client.erase(USAGE).unwrap();
    due(&home);
    send(&client);
    assert_eq!((erasures(&server).len(), acknowledged(&client)), (2, 2));
}

#[test]
fn taking_it_back_ends_a_request_under_way_and_no_withdrawal_waits_for_one() {
    let (home, server) = (Home::new(), Server::new());
    let client = Arc::new(with_a_request(&home, &server, 2));
    say_yes(&client, USAGE);
    server.usually(Say::Never);
    let (sending, requests) = (client.clone(), server.requests().len());
    let flushing = thread::spawn(move || sending.flush(HANG).unwrap());
    wait_for("the request", || server.requests().len() > requests);
    assert!(is_erasure(server.requests().last().unwrap()));
    let receipt = client.withdraw(USAGE).unwrap();
    assert!(receipt.confirmed, "an erasure permit holds no life lock");
    assert_eq!(pending(&client), 1, "and a withdrawal cancels no erasure request");
    let other = home.start(&server);
    let _ = other.cancel_erasure(USAGE).unwrap();
    let flushed = flushing.join().unwrap();
    assert!(flushed.trouble.unwrap().contains("stopped under way"));
    assert_eq!(client.erasures(USAGE).unwrap().requests.len(), 0, "it does not come back");
    wait_for("the connection to end", || server.open() == 0);
}

#[test]
fn nothing_leaves_after_the_end() {
    let (home, server) = (Home::new(), Server::new());
    let client = with_a_request(&home, &server, 2);
    assert!(client.shutdown(HANG));
    home.clock.pass(DAY * 2);
    let _ = client.flush(HANG).unwrap();
    assert_eq!(erasures(&server).len(), 0);
    assert_eq!(pending(&client), 1);
    drop(client);
    home.clock.advance(HOUR * 2);
    send(&home.start(&server));
    assert_eq!(erasures(&server).len(), 1, "the control");
}

#[test]
fn a_recipient_without_the_records_is_not_told_of_them() {
    let (home, server, other) = (Home::new(), Server::new(), Server::new());
    drop(with_a_request(&home, &server, 2));
    let client = home.start(&other);
    for _ in 0..3 {
        send(&client);
        home.clock.pass(DAY);
    }
    assert_eq!((other.connections(), server.requests().len()), (0, 1));
    let status = client.erasures(USAGE).unwrap();
    assert!(status.held_up_by.unwrap().contains(&server.endpoint()));
    drop(client);
    send(&home.start(&server));
    assert_eq!(erasures(&server).len(), 1, "back where they are");
}

#[test]
fn a_transport_of_ones_own_is_told_what_it_carries() {
    #[derive(Clone, Default)]
    struct Notes(Arc<Mutex<Vec<(bool, String)>>>);
    impl Transport for Notes {
        fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
            assert!(parcel.may_leave());
            self.0.lock().unwrap().push((parcel.is_erasure(), parcel.scope().into()));
            Ok(Answer::Accepted { rejected: 0 })
        }
    }
    let (home, notes) = (Home::new(), Notes::default());
    let client = Client::new(home.nowhere().transport("a test", notes.clone())).unwrap();
    client.grant(USAGE).unwrap();
    client.record_durable(opened(2));
    send(&client);
    client.withdraw(USAGE).unwrap();
    client.erase(USAGE).unwrap();
    due(&home);
    send(&client);
    let notes = notes.0.lock().unwrap();
    assert_eq!(notes.iter().map(|note| note.0).collect::<Vec<_>>(), [false, true]);
    assert!(notes.iter().all(|note| note.1 == "usage"));
}

/// Writes an erasure request with a valid checksum, as candor would, but with this content.
fn plant(path: &Path, document: &Value) {
    forge::seal(path, "erasure", document);
}

#[test]
fn nothing_can_be_smuggled_out_in_a_request() {
    let uid = "00112233445566778899aabbccddeeff";
    let other = "aa112233445566778899aabbccddeeff";
    type Change = (&'static str, fn(&mut Value));
    let changes: [Change; 22] = [
        ("text for an id", |it| it["uids"] = json!("ann.smith@mail.example.org......")),
        ("text behind an id", |it| {
            it["uids"] = json!("00112233445566778899aabbccddeeffann.smith@mail.example.org......");
        }),
        ("capitals", |it| it["uids"] = json!("00112233445566778899AABBCCDDEEFF")),
        ("a short id", |it| it["uids"] = json!("0011223344556677")),
        ("no id", |it| it["uids"] = json!("")),
        ("fewer than it says", |it| it["records"] = json!(2)),
        ("more than any batch", |it| {
            it["uids"] = json!("00112233445566778899aabbccddeeff".repeat(1_025));
            it["records"] = json!(1_025);
        }),
        ("a list", |it| it["uids"] = json!(["ann smith"])),
        ("another key", |it| it["note"] = json!("ann smith")),
        ("another scope", |it| it["scope"] = json!("connectivity")),
        ("another batch", |it| it["batch"] = json!("ff112233445566778899aabbccddeeff")),
        ("text for a key", |it| it["key"] = json!("ann.smith@mail.example.org......")),
        ("another recipient", |it| it["to"] = json!("https://elsewhere.example.org/v1/logs")),
        ("an end", |it| it["outcome"] = json!({"acknowledged": {"at": 1}})),
        ("an outcome of its own", |it| it["outcome"] = json!("maybe")),
        ("a time to come", |it| it["asked"] = json!(u64::MAX)),
        ("another time to come", |it| it["due"] = json!(u64::MAX)),
        ("no time", |it| it["due"] = json!(null)),
        ("text for its own id", |it| it["uid"] = json!("ann.smith@mail.example.org......")),
        ("a short id of its own", |it| it["uid"] = json!("0011223344556677")),
        ("text for a day", |it| it["day"] = json!("ann smith")),
        ("a day to come", |it| it["day"] = json!(u32::MAX)),
    ];
    for (what, change) in changes {
        let (home, server) = (Home::new(), Server::new());
        drop(with_a_request(&home, &server, 1));
        let honest = documents(&home).remove(0);
        let mut document = forge::unsealed(&honest);
        document["batch"] = json!(other);
        document["uids"] = json!(uid);
        let path = honest.with_file_name(format!("{other}.json"));
        plant(&path, &document);
        // The control: a forged request that candor could have written is sent. So the forged form itself is valid.
        let control = Home::new();
        files::copy(&home.path(), &control.path());
        let client = control.start(&server);
        wait_for("every erasure request to be over", || {
            send(&client);
            control.clock.advance(HOUR * 2);
            pending(&client) == 0
        });
        let heard = erasures(&server);
        assert!(heard.len() == 2 && heard.iter().any(|request| named(request).contains(uid)), "{what}: control");
        drop(client);

        change(&mut document);
        plant(&path, &document);
        let client = home.start(&server);
        for _ in 0..3 {
            send(&client);
        }
        let left: Vec<_> = erasures(&server).split_off(2);
        assert_eq!(left.len(), 1, "{what}");
        assert!(!named(&left[0]).contains(uid), "{what}");
        let body = String::from_utf8_lossy(&left[0].body).into_owned();
        assert!(!body.contains("ann") && !body.contains("elsewhere"), "{what}");
        assert_eq!(acknowledged(&client), 1, "{what}: the honest one went its way");
        if what != "another recipient" {
            assert_eq!(client.erasures(USAGE).unwrap().damaged, 1, "{what}");
            assert!(client.manifest().unwrap().to_string().contains("damaged on this computer: 1 request;"), "{what}");
        }
    }
}

#[test]
fn a_damaged_request_names_nothing_is_counted_and_can_be_asked_for_again() {
    let (home, server) = (Home::new(), Server::new());
    drop(with_a_request(&home, &server, 2));
    let path = documents(&home).remove(0);
    let sound = std::fs::read(&path).unwrap();
    let copy = tempfile::tempdir().unwrap();
    files::copy(&home.path(), &copy.path().join("home"));
    for at in (0..sound.len()).step_by(7 * files::every()).chain([sound.len() - 1]) {
        files::restore(&copy.path().join("home"), &home.path());
        let damaged = if at % 2 == 0 { files::flipped(&sound, at) } else { sound[..at].to_vec() };
        files::write(&path, &damaged);
        let client = home.start(&server);
        assert_eq!(client.erasures(USAGE).unwrap().damaged, 1, "byte {at}");
        let flushed = flush(&client);
        assert_eq!((flushed.erasures, erasures(&server).len()), (0, 0), "byte {at}: {flushed:?}");
        assert_eq!(client.erasures(USAGE).unwrap().damaged, 1, "byte {at}");
    }
    let client = home.start(&server);
    let status = client.erase(USAGE).unwrap();
    assert_eq!((status.damaged, status.requests.len()), (0, 1));
    due(&home);
    send(&client);
    assert_eq!(acknowledged(&client), 1);
}

/// A restored backup may leave the document open to others. It is then neither damaged, nor done, nor cancelled.
#[cfg(unix)]
#[test]
fn a_request_that_others_may_open_is_shown_and_made_once_it_can_be_read() {
    let (home, server) = (Home::new(), Server::new());
    drop(with_a_request(&home, &server, 2));
    let path = documents(&home).remove(0);
    let before = std::fs::read(&path).unwrap();
    files::mode(&path, 0o644);
    let client = home.start(&server);
    let is_named = |said: &str| said.contains(&path.display().to_string()) && said.contains("chmod go-rwx");
    for _ in 0..3 {
        let flushed = flush(&client);
        assert!(flushed.erasures == 0 && is_named(&flushed.trouble.unwrap()));
        let status = client.erasures(USAGE).unwrap();
        assert_eq!((status.damaged, status.requests.len(), status.unread.len()), (0, 0, 1));
        assert!(is_named(&status.to_string()) && is_named(&client.manifest().unwrap().to_string()), "{status}");
        home.clock.pass(DAY);
    }
    // A second erasure request does not overwrite it, because its content is unknown.
    assert!(client.erase(USAGE).unwrap().unfinished);
    assert_eq!((std::fs::read(&path).unwrap(), documents(&home).len()), (before, 2), "it, and that it was asked again");
    drop(client);
    files::mode(&path, 0o600);
    let client = home.start(&server);
    // It is sent on a random one of seven days.
    for _ in 0..8 {
        let _ = flush(&client);
        home.clock.pass(DAY);
    }
    assert_eq!((acknowledged(&client), erasures(&server).len()), (1, 1));
    let status = client.erasures(USAGE).unwrap();
    assert!(status.unread.is_empty() && !status.unfinished, "{status}");
}

/// The note that the person asked, while not all documents of the erasure request exist.
#[cfg(unix)]
#[test]
fn a_request_that_is_being_made_and_that_others_may_open_is_made_once_it_can_be_read() {
    let (home, server) = (Home::new(), Server::new());
    let client = with_sent(&home, &server, &[2]);
    client.withdraw(USAGE).unwrap();
    let directory = home.store().join("erasing/usage");
    // A directory is in the place of the document that is to be written.
    let batch = files::all(&home.store().join("named/usage"))
        .iter()
        .find_map(|path| Some(path.file_stem()?.to_str()?.rsplit_once('-')?.1.to_owned()));
    let document = directory.join(batch.unwrap()).with_extension("json");
    files::make_dir(&document);
    assert!(client.erase(USAGE).unwrap().unfinished);
    drop(client);
    std::fs::remove_dir(&document).unwrap();
    let asked = directory.join("asked");
    files::mode(&asked, 0o644);
    let client = home.start(&server);
    send(&client);
    for error in [client.erasures(USAGE).unwrap_err(), client.delete_sent(USAGE).unwrap_err()] {
        let error = error.to_string();
        assert!(error.contains(&asked.display().to_string()), "{error}");
    }
    drop(client);
    files::mode(&asked, 0o600);
    let client = home.start(&server);
    send(&client);
    due(&home);
    send(&client);
    assert_eq!((acknowledged(&client), erasures(&server).len()), (1, 1));
}

#[test]
fn damaged_names_are_missed_and_the_rest_goes_on() {
    let (home, server) = (Home::new(), Server::new());
    drop(with_sent(&home, &server, &[2, 3]));
    let directory = home.store().join("named/usage");
    let mut paths = files::all(&directory);
    paths.retain(|path| !path.ends_with("tally"));
    let bytes = std::fs::read(&paths[0]).unwrap();
    let records = if String::from_utf8_lossy(&bytes).len() > std::fs::read(&paths[1]).unwrap().len() { 3 } else { 2 };
    files::write(&paths[0], &files::flipped(&bytes, bytes.len() / 2));
    let client = home.start(&server);
    let status = client.erasures(USAGE).unwrap();
    assert_eq!((status.left, status.nameable), (5, 5 - records), "the count is kept apart");
    client.withdraw(USAGE).unwrap();
    client.erase(USAGE).unwrap();
    due(&home);
    send(&client);
    assert_eq!(acknowledged(&client), 1);
    // A damaged count is rebuilt from the ids that are left.
    files::write(&directory.join("tally"), b"ann");
    let status = client.erasures(USAGE).unwrap();
    assert_eq!((status.left, status.nameable), (5 - records, 5 - records));
}

/// A restored backup may leave the ids open to others. They are not missing, and an erasure request is not dropped as empty.
#[cfg(unix)]
#[test]
fn names_that_others_may_open_are_not_gone_and_no_request_is_taken_for_nothing() {
    for is_tally in [false, true] {
        let (home, server) = (Home::new(), Server::new());
        let client = with_sent(&home, &server, &[3]);
        client.withdraw(USAGE).unwrap();
        drop(client);
        let mut paths = files::all(&home.store().join("named/usage"));
        paths.retain(|path| path.ends_with("tally") == is_tally);
        let (path, before) = (paths.remove(0), files::tree(&home.store().join("named")));
        files::mode(&path, 0o644);
        let client = home.start(&server);
        home.clock.pass(DAY);
        send(&client);
        let errors = [client.erasures(USAGE).unwrap_err(), client.erase(USAGE).unwrap_err()];
        let page = client.manifest().unwrap().to_string();
        for said in errors.iter().map(ToString::to_string).chain([page]) {
            assert!(said.contains(&path.display().to_string()) && said.contains("chmod go-rwx"), "{said}");
        }
        assert_eq!(files::tree(&home.store().join("named")), before, "no new count overwrites it");
        drop(client);
        files::mode(&path, 0o600);
        let client = home.start(&server);
        let status = client.erase(USAGE).unwrap();
        assert_eq!((status.left, status.nameable, status.requests.len()), (3, 3, 1));
        due(&home);
        send(&client);
        assert_eq!(acknowledged(&client), 1);
    }
}

#[cfg(unix)]
#[test]
fn planted_files_of_other_kinds_do_no_harm() {
    let (home, server) = (Home::new(), Server::new());
    drop(with_a_request(&home, &server, 1));
    let directory = home.store().join("erasing/usage");
    files::write(&directory.join("ann.json"), b"ann");
    files::write(&directory.join("schedule"), b"ann");
    files::make_dir(&directory.join("cc112233445566778899aabbccddeeff.json"));
    std::os::unix::fs::symlink("/etc/passwd", directory.join("dd112233445566778899aabbccddeeff.json")).unwrap();
    files::write(&directory.join("ee112233445566778899aabbccddeeff.json"), &vec![b' '; 1 << 20]);
    let client = home.start(&server);
    // A schedule that can't be read counts as: not before an hour from now.
    send(&client);
    assert_eq!(erasures(&server).len(), 0);
    home.clock.advance(DAY);
    send(&client);
    send(&client);
    assert_eq!((erasures(&server).len(), acknowledged(&client)), (1, 1));
    let status = client.erasures(USAGE).unwrap();
    assert_eq!((status.damaged, status.unread.len()), (1, 3), "what was read and what was not: {status:?}");
    let _ = client.cancel_erasure(CONNECTIVITY).unwrap();
}
