//! The person's switches: one field of a granted scope is switched off, and on again.

use crate::{
    events::{CONNECTIVITY, LibraryOpened, PLAYBACK, USAGE, film, unreachable},
    home::{DAY, Home, say_yes, send, state, waiting},
    server::Server,
};
use candor::{
    Client,
    consent::{Decision, State},
};

fn sorted() -> LibraryOpened {
    LibraryOpened { shelves: 2, sorted: Some(true) }
}

#[test]
fn a_field_that_is_switched_off_is_left_out() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(sorted());
    assert!(waiting(&client, USAGE)[0].contains("shelves"), "the control");
    let before = client.receipt(USAGE).unwrap();
    let receipt = client.switch_off(USAGE, "library.opened.shelves").unwrap();
    assert_eq!((receipt.decision, receipt.confirmed), (Decision::Narrowed, true));
    assert!(receipt.epoch > before.epoch && receipt.destroyed.bytes > 0, "what waited is destroyed");
    assert!(waiting(&client, USAGE).is_empty());
    let status = client.status(USAGE).unwrap();
    assert!(status.is_open() && status.state == State::Granted);
    assert_eq!(status.switched_off, ["library.opened.shelves"]);
    assert!(client.manifest().unwrap().to_string().contains("switched off  library.opened.shelves"));
    client.record_durable(sorted());
    let line = &waiting(&client, USAGE)[0];
    assert!(line.contains("sorted") && !line.contains("shelves"), "{line}");
    // It stays off after a restart.
    drop(client);
    let client = home.start(&server);
    assert_eq!(client.status(USAGE).unwrap().switched_off, ["library.opened.shelves"]);
    client.record_durable(sorted());
    home.clock.advance(DAY);
    send(&client);
    let lines = server.lines();
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line.contains("sorted") && !line.contains("shelves")), "{lines:#?}");
}

#[test]
fn on_again_is_as_agreed_and_nothing_of_before_comes_back() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.switch_off(USAGE, "library.opened.sorted").unwrap();
    client.record_durable(sorted());
    assert!(client.switch_on(USAGE, "library.opened.sorted").unwrap().destroyed.bytes > 0);
    assert!(client.status(USAGE).unwrap().switched_off.is_empty());
    client.record_durable(sorted());
    let lines = waiting(&client, USAGE);
    assert!(lines.len() == 1 && lines[0].contains("sorted"), "{lines:#?}");
    let line = client.receipt(USAGE).unwrap().line;
    assert_eq!(client.switch_on(USAGE, "library.opened.sorted").unwrap().line, line, "twice is once");
}

#[test]
fn a_counted_field_and_a_code_can_be_switched_off() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK, CONNECTIVITY]);
    client.switch_off(PLAYBACK, "playback.finished.bitrate").unwrap();
    client.switch_off(PLAYBACK, "playback.finished.codec").unwrap();
    client.switch_off(CONNECTIVITY, "server.unreachable.server").unwrap();
    for _ in 0..2 {
        client.record_durable(film());
    }
    client.record_durable(unreachable());
    home.clock.advance(DAY);
    send(&client);
    let lines = server.lines();
    let counted = lines.iter().find(|line| line.contains("playback.finished")).unwrap();
    assert!(counted.contains("duration") && !counted.contains("bitrate") && !counted.contains("codec"), "{counted}");
    let cause = lines.iter().find(|line| line.contains("server.unreachable")).unwrap();
    assert!(cause.contains("timed_out") && !cause.contains(r#""key":"server""#), "{cause}");
}

#[test]
fn what_can_not_be_switched_says_what_can() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let error = client.switch_off(USAGE, "library.opened.shelves").unwrap_err();
    assert!(error.to_string().contains("`usage` is not granted"), "{error}");
    client.grant(USAGE).unwrap();
    for field in ["", "shelves", "library.opened", "library.opened.title", "playback.finished.codec"] {
        let error = client.switch_off(USAGE, field).unwrap_err();
        assert!(error.is_configuration(), "{error}");
        assert!(error.to_string().contains("`library.opened.shelves`, `library.opened.sorted`"), "{error}");
    }
    assert!(client.status(USAGE).unwrap().is_open());
}

#[test]
fn a_grant_to_more_keeps_the_switches_and_a_new_beginning_does_not() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.switch_off(USAGE, "library.opened.sorted").unwrap();
    drop(client);
    let client = Client::new(home.config(&server).version("9.1")).unwrap();
    assert_eq!(state(&client, USAGE), State::Superseded);
    say_yes(&client, USAGE);
    assert_eq!(client.status(USAGE).unwrap().switched_off, ["library.opened.sorted"]);
    client.withdraw(USAGE).unwrap();
    assert!(client.status(USAGE).unwrap().switched_off.is_empty());
    say_yes(&client, USAGE);
    assert!(client.status(USAGE).unwrap().switched_off.is_empty());
}

#[test]
fn a_switch_that_was_taken_out_of_the_snapshot_closes() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.switch_off(USAGE, "library.opened.sorted").unwrap();
    drop(client);
    crate::forge::change_snapshot(&home.store(), |snapshot| {
        snapshot["scopes"]["usage"].as_object_mut().unwrap().remove("besides").unwrap();
    });
    let client = home.start(&server);
    assert_eq!(state(&client, USAGE), State::Unreadable);
    assert!(!client.status(USAGE).unwrap().is_open());
}
