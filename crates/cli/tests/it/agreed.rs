//! Tests of `candor agreed` and `candor withdraw` while a program runs: their output, the stop of the program's
//! recording, and their exit codes.

use crate::stage;
use candor::{
    Client,
    consent::{MayAsk, State, WhyNot},
};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

candor::scope! {
    /// Find out what a person can do in a terminal.
    pub WATCHED = "watched.films" {
        title: "Films", revision: 1, about: installation, retention: 30 days, benefit: "None", other_uses: none,
    }
}

/// Something happened.
#[derive(candor::Event)]
#[event(name = "watched.happened", scope = WATCHED, linkage = none)]
struct Happened {
    /// Whether it did.
    really: bool,
}

const PROGRAM: &str = "org.example.watched";

fn program(home: &Path) -> Client {
    stage::client(PROGRAM, home)
}

fn candor(home: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_candor"))
        .args(words)
        .args([Path::new("--data"), &home.join("data"), Path::new("--config"), &home.join("config")])
        .stdin(Stdio::null())
        // A setting that blocks reports must not block a withdrawal.
        .env("DO_NOT_TRACK", "1")
        .output()
        .unwrap()
}

/// Its output and its exit code.
fn said(output: &Output) -> (String, i32) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (String::from_utf8(text).unwrap(), output.status.code().unwrap())
}

#[test]
fn a_terminal_shows_a_grant_and_takes_it_back_from_a_program_that_runs() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let client = program(home);
    let notice = client.notice(WATCHED).unwrap();
    client.grant(WATCHED.shown(&notice).via("settings/privacy")).unwrap();
    client.record_durable(Happened { really: true });
    let waiting = || client.manifest().unwrap().scope(WATCHED).unwrap().waiting.len();
    assert_eq!(waiting(), 1);

    let (text, code) = said(&candor(home, &["agreed", PROGRAM]));
    assert_eq!(code, 0, "{text}");
    for part in [
        "watched.films",
        "settings/privacy",
        "to      Example SAS, at nowhere",
        "what    watched.happened: really",
        "candor withdraw org.example.watched watched.films",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let listed: Value = serde_json::from_slice(&candor(home, &["agreed", PROGRAM, "--json"]).stdout).unwrap();
    assert_eq!((&listed[0]["name"], listed.as_array().unwrap().len()), (&Value::from("watched.films"), 1));
    assert!(client.status(WATCHED).unwrap().is_open() && waiting() == 1, "a look changes nothing");

    let (text, code) = said(&candor(home, &["withdraw", PROGRAM, "watched.film"]));
    assert!(code == 2 && text.contains("Did you mean `watched.films`?") && text.contains("candor agreed"), "{text}");
    let (text, code) = said(&candor(home, &["withdraw", PROGRAM, "watched.films"]));
    assert!(code == 0 && text.contains("withdrawn") && text.contains("confirmed  yes"), "{text}");

    // Nothing has notified the running program.
    client.record_durable(Happened { really: false });
    let status = client.status(WATCHED).unwrap();
    assert!(status.state == State::Withdrawn && !status.is_open() && waiting() == 0, "{status:?}");
    assert!(client.grant(WATCHED).unwrap_err().needs_notice());
    assert!(matches!(client.may_ask(WATCHED).unwrap(), MayAsk::No { why: WhyNot::Withdrawn, .. }));
    drop(client);
    assert_eq!(program(home).status(WATCHED).unwrap().state, State::Withdrawn);
    let (text, code) = said(&candor(home, &["agreed", PROGRAM]));
    assert!(code == 0 && text.contains("nothing is agreed to"), "{text}");
    let (text, code) = said(&candor(home, &["withdraw", PROGRAM, "watched.films"]));
    assert!(code == 2 && text.contains("nothing named `watched.films` is agreed to"), "{text}");
}

#[test]
fn a_wrong_name_makes_nothing_and_damaged_records_are_said() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let (text, code) = said(&candor(home, &["agreed", "org.example.unheard"]));
    assert!(code == 0 && text.contains("nothing is agreed to (records: "), "{text}");
    let (text, code) = said(&candor(home, &["withdraw", "org.example.unheard", "usage"]));
    assert!(code == 2 && text.contains("nothing named `usage`"), "{text}");
    let (text, code) = said(&candor(home, &["agreed", "../unheard"]));
    assert!(code == 2 && text.contains("is not a valid name"), "{text}");
    assert_eq!(fs::read_dir(home).unwrap().count(), 0, "a look makes nothing");

    let client = program(home);
    client.grant(WATCHED).unwrap();
    drop(client);
    let store = home.join("data").join(PROGRAM).join("candor-1");
    fs::write(store.join("ledger.jsonl"), "{}\n").unwrap();
    let (text, code) = said(&candor(home, &["agreed", PROGRAM]));
    assert!(code == 2 && text.contains("the ledger's chain is broken") && text.contains("candor-1"), "{text}");
    // Withdrawn nevertheless: the program may still be able to use such records.
    let (text, code) = said(&candor(home, &["withdraw", PROGRAM, "watched.films"]));
    assert!(code == 1 && text.contains("confirmed  NO"), "{text}");
    assert!(!program(home).status(WATCHED).unwrap().is_open());
}

/// Anyone can choose the names of directories and files, and a terminal obeys control characters in them.
#[test]
fn nothing_that_is_printed_steers_the_terminal() {
    const ATTACK: &str = "\u{1b}[2J\u{1b}]0;t\u{7}\u{9b}31m\u{202e}\u{200b}\r\nFORGED: nothing is agreed to";
    let home = tempfile::tempdir().unwrap();
    let strange = home.path().join(ATTACK);
    let client = program(&strange);
    let notice = client.notice(WATCHED).unwrap();
    client.grant(WATCHED.shown(&notice).via("settings/privacy")).unwrap();
    let harmless = |text: &str| {
        let steers = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{200b}".contains(c);
        assert!(!text.chars().any(steers), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with("FORGED")), "{text}");
        assert!(text.contains("FORGED"), "it was there: {text}");
    };
    harmless(&said(&candor(&strange, &["agreed", PROGRAM])).0);
    drop(client);
    // Error messages are cleaned too.
    fs::write(strange.join("data").join(PROGRAM).join("candor-1/consent"), "damaged").unwrap();
    harmless(&said(&candor(&strange, &["agreed", PROGRAM])).0);
    let missing = Command::new(env!("CARGO_BIN_EXE_candor")).arg("verify").arg(&strange).output().unwrap();
    harmless(&said(&missing).0);
    fs::write(home.path().join("history"), format!("{{\"scope\":\"{}\"}}\n", ATTACK.replace('\n', ""))).unwrap();
    let verify = Command::new(env!("CARGO_BIN_EXE_candor")).arg("verify").arg(home.path().join("history")).output();
    let text = said(&verify.unwrap()).0;
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
}
