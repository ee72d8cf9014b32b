//! The schema lock, tested from outside: it is written, kept in a repository and compared with this build. It is never trusted.

use crate::{
    child::{self, Child},
    events::{CONNECTIVITY, PLAYBACK, USAGE},
    files, forge,
    home::{APPLICATION, Home},
    server::Server,
    stage::CONTROLLER,
};
use candor::{AddressLog, Audience, Config, Controller, lock};
use serde_json::{Value, json};
use std::{fs, path::Path};

const ENDPOINT: &str = "https://telemetry.example.org";

fn config() -> Config {
    Config::new(APPLICATION, CONTROLLER, Audience::Adults).endpoint(ENDPOINT)
}

fn by(change: fn(Controller) -> Controller) -> Config {
    Config::new(APPLICATION, change(CONTROLLER), Audience::Adults).endpoint(ENDPOINT)
}

/// Makes a repository that contains the lock of this build.
fn repository() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    lock::write(directory.path(), config()).unwrap();
    directory
}

#[track_caller]
fn refused(directory: &Path, config: Config) -> String {
    lock::check(directory, config).unwrap_err().to_string()
}

/// Changes the lock as another build would have written it: in the form candor writes, with digests that match.
fn of_another_build(directory: &Path, change: impl Fn(&mut Value)) {
    let path = directory.join(lock::FILE);
    let text = fs::read_to_string(&path).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    let before = value["scopes"].clone();
    change(&mut value);
    let mut text = text;
    for (was, is) in before.as_array().unwrap().iter().zip(value["scopes"].as_array().unwrap()) {
        let digest = |entry: &Value| blake3::hash(forge::canonical(&entry["contract"]).as_bytes()).to_hex().to_string();
        assert_eq!(was["contract_digest"], json!(digest(was)), "what the digest is of");
        text = text.replace(&digest(was), &digest(is));
        for key in ["retention_days", "revision"] {
            let line = |entry: &Value| format!("\"{key}\": {},", entry["contract"][key]);
            let from = text.find(&format!("\"scope\": {},", was["scope"])).unwrap();
            let rest = text[from..].replacen(&line(was), &line(is), 1);
            text = text[..from].to_owned() + &rest;
        }
    }
    files::write(&path, text.as_bytes());
}

#[test]
fn a_lock_that_was_just_written_passes_and_touches_nothing_else() {
    let (home, server) = (Home::new(), Server::new());
    lock::write(home.path(), home.config(&server)).unwrap();
    lock::check(home.path(), home.config(&server)).unwrap();
    let found = files::all(&home.path());
    assert_eq!(found, [home.path().join("candor.lock")], "neither a store nor anything that was being written");
    assert_eq!((server.connections(), home.clock.reads()), (0, 0));
    // Other users may read the file, as version control creates it.
    files::mode(&home.path().join("candor.lock"), 0o644);
    lock::check(home.path(), home.config(&server)).unwrap();
}

#[test]
fn the_lock_holds_every_scope_whole() {
    let directory = repository();
    let text = fs::read_to_string(directory.path().join(lock::FILE)).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["form"], "candor-lock/1");
    assert_eq!(value["application"], APPLICATION);
    let names: Vec<&str> = value["scopes"].as_array().unwrap().iter().map(|it| it["scope"].as_str().unwrap()).collect();
    assert!(names.is_sorted() && [CONNECTIVITY, PLAYBACK, USAGE].iter().all(|scope| names.contains(&scope.name())));
    // The contract is the one that a grant stores. The notice's digest is that of the text that is shown.
    let home = Home::new();
    let endpoint = "http://localhost:1";
    lock::write(home.path(), home.config_to(endpoint)).unwrap();
    let value: Value = serde_json::from_str(&fs::read_to_string(home.path().join(lock::FILE)).unwrap()).unwrap();
    let client = candor::Client::new(home.config_to(endpoint)).unwrap();
    client.grant(USAGE).unwrap();
    let manifest = client.manifest().unwrap();
    let page = manifest.scope(USAGE).unwrap();
    let entry = value["scopes"].as_array().unwrap().iter().find(|it| it["scope"] == "usage").unwrap();
    assert_eq!(Some(&entry["contract"]), page.agreed.as_ref());
    assert_eq!(entry["title"], page.title);
    assert_eq!(entry["notices"]["en"], blake3::hash(page.notice.as_bytes()).to_hex().to_string());
}

#[test]
fn what_became_wider_or_narrower_is_said_by_axis() {
    type Case = (&'static str, Config, &'static [&'static str]);
    let cases: [Case; 6] = [
        (
            "an endpoint",
            config().endpoint("https://other.example"),
            &[
                "wider     where it is sent: https://telemetry.example.org/v1/logs -> https://other.example/v1/logs",
                "the scope stops completely, until they are asked again",
            ],
        ),
        ("a processor", by(|it| it.processors(&["Cloud Ltd"])), &["wider     processors: none -> Cloud Ltd"]),
        (
            "addresses",
            by(|it| it.address_log(AddressLog::Days(30))),
            &["wider     days network addresses are kept: 0 -> 30"],
        ),
        ("a version", config().version("1.2"), &["wider     what each request names: "]),
        (
            "words",
            by(|it| crate::stage::by(it.legal_name(), "dpo@example.org", it.country())),
            &[
                "words     controller.contact: privacy@example.org -> dpo@example.org",
                "words     the notice in `en`",
                "\n0 wider, 0 narrower, ",
            ],
        ),
        ("validity", config().validity_days(30), &["words     the notice in `en`"]),
    ];
    let directory = repository();
    for (what, config, said) in cases {
        let text = refused(directory.path(), config);
        for said in said.iter().chain(&["playback (line ", "CANDOR_LOCK=write", "candor.lock`"]) {
            assert!(text.contains(said), "{what}: `{said}` is missing in\n{text}");
        }
    }
}

#[test]
fn another_builds_lock_says_both_ways() {
    let directory = repository();
    of_another_build(directory.path(), |was| {
        for entry in was["scopes"].as_array_mut().unwrap() {
            match entry["scope"].as_str().unwrap() {
                "usage" => entry["contract"]["retention_days"] = json!(7),
                "playback" => entry["contract"]["retention_days"] = json!(900),
                _ => {}
            }
        }
    });
    let text = refused(directory.path(), config());
    assert!(text.contains("\n  wider     days the recipient keeps it: 7 -> 30\n"), "{text}");
    assert!(text.contains("\n  narrower  days the recipient keeps it: 900 -> 90\n"), "{text}");
    assert!(text.contains("\n1 wider, 1 narrower, 0 in words alone.\n") && !text.contains("connectivity"), "{text}");
    // A change that was accepted passes.
    lock::write(directory.path(), config()).unwrap();
    lock::check(directory.path(), config()).unwrap();
}

#[test]
fn a_new_version_alone_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    lock::write(directory.path(), config().version("1.2.3")).unwrap();
    lock::check(directory.path(), config().version("1.3.0")).unwrap();
    assert!(refused(directory.path(), config()).contains("narrower  what each request names"));
}

#[test]
fn a_lock_that_is_missing_damaged_or_someone_elses_says_what_to_do() {
    let empty = tempfile::tempdir().unwrap();
    let text = refused(empty.path(), config());
    assert!(text.contains("there is none: run this test once with CANDOR_LOCK=write"), "{text}");

    let directory = repository();
    let path = directory.path().join(lock::FILE);
    let sound = fs::read(&path).unwrap();
    let middle = sound.len() / 2;
    for at in [0, middle, sound.len() - 1] {
        let mut damaged = sound.clone();
        damaged[at] ^= 2;
        fs::write(&path, &damaged).unwrap();
        assert!(refused(directory.path(), config()).contains("line "), "flipped at {at}");
        fs::write(&path, &sound[..at]).unwrap();
        assert!(refused(directory.path(), config()).contains("To write it again"), "cut at {at}");
    }
    fs::write(&path, String::from_utf8(sound.clone()).unwrap().replace("candor-lock/1", "candor-lock/7")).unwrap();
    assert!(refused(directory.path(), config()).contains("line 2: it was written by a newer candor"));

    fs::write(&path, &sound).unwrap();
    let other = Config::new("org.example.other", CONTROLLER, Audience::Adults).endpoint(ENDPOINT);
    let text = refused(directory.path(), other);
    assert!(text.contains("the lock of `org.example.player`, and this build is `org.example.other`"), "{text}");

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(refused(directory.path(), config()).contains("not a regular file"));
    // Configuration mistakes are still reported.
    let nowhere = Config::new(APPLICATION, CONTROLLER, Audience::Adults);
    assert!(lock::check(directory.path(), nowhere).unwrap_err().is_configuration());
}

#[test]
fn a_variable_writes_the_lock_and_ci_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let child = || Child::new("lock::child_checks", directory.path());
    let said =
        |child: Child| child.run().lines().find_map(|line| Some(line.split_once("SAID ")?.1.to_owned())).unwrap();
    assert!(said(child()).contains("there is none"));
    assert!(said(child().var("CANDOR_LOCK", "write").var("CI", "true")).contains("in CI nobody reads what it accepts"));
    assert!(said(child().var("CANDOR_LOCK", "accept")).contains("has one value, `write`"));
    assert!(files::all(directory.path()).is_empty());
    assert_eq!(said(child().var("CANDOR_LOCK", "write")), "fine");
    assert_eq!(said(child().var("CI", "true")), "fine");
    lock::check(directory.path(), config()).unwrap();
}

#[test]
#[ignore = "run by a_variable_writes_the_lock_and_ci_does_not, with its environment"]
fn child_checks() {
    let Some(home) = child::home() else { return };
    let checked = lock::check(home, config());
    println!("\nSAID {}", checked.map_or_else(|error| error.to_string().replace('\n', " "), |()| "fine".into()));
    child::done("lock::child_checks");
}

#[test]
fn a_published_notice_is_checked_against_the_build() {
    let client = candor::Client::new(Home::new().config_to("http://localhost:1")).unwrap();
    let config = || Home::new().config_to("http://localhost:1");
    let notice = client.notice(USAGE).unwrap().text().to_owned();
    let check = |text: &str| lock::check_notice(text, USAGE, "en", config()).map_err(|error| error.to_string());
    check(&notice).unwrap();
    check(&(notice.replace('\n', "\r\n") + "\r\n")).unwrap();
    check(notice.trim_end()).unwrap();
    // Every line is compared.
    for (at, line) in notice.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let mut lines: Vec<&str> = notice.lines().collect();
        lines[at] = "something else";
        let text = check(&lines.join("\n")).unwrap_err();
        assert!(text.contains("notice of `usage` is not what this build says"), "{text}");
        let both = format!("line {} differs\n  published  something else\n  build      {line}", at + 1);
        assert!(text.contains(&both), "{text}");
    }
    let text = check(client.notice(PLAYBACK).unwrap().text()).unwrap_err();
    assert!(text.contains("it is the notice of `playback` in `en`"), "{text}");
    let text = lock::check_notice(&notice, USAGE, "tlh", config()).unwrap_err().to_string();
    assert!(text.contains("no notice in `tlh`: it has en"), "{text}");
    let text = check("").unwrap_err();
    assert!(text.contains("line 1 differs"), "{text}");
}

#[test]
fn a_published_manifest_is_checked_against_the_build() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(crate::events::opened(3));
    let json = client.manifest().unwrap().to_json();
    let check = |json: &str| lock::check_manifest(json, home.config(&server)).map_err(|error| error.to_string());
    check(&json).unwrap();
    type Case = (fn(&mut Value), &'static str);
    let cases: [Case; 9] = [
        (|it| it["endpoint"] = json!("https://other.example"), "endpoint: published \"https://other.example\""),
        (|it| it["application"] = json!("org.example.other"), "application: published"),
        (|it| it["format"] = json!("candor-manifest/9"), "format: published \"candor-manifest/9\""),
        (|it| drop(it["scopes"].as_array_mut().unwrap().remove(0)), "not published"),
        (
            |it| {
                let first = it["scopes"][0].clone();
                it["scopes"].as_array_mut().unwrap().push(first);
            },
            "published twice",
        ),
        (|it| it["scopes"][0]["name"] = json!("unheard.of"), "scope `unheard.of`: published, and not in this build"),
        (|it| it["scopes"][0]["retention_days"] = json!(1), "retention_days: line 1 differs"),
        (|it| it["scopes"][0]["notice"] = json!("Trust us"), "notice: line 1 differs\n  published  Trust us"),
        (|it| it["scopes"][0]["could_send"][0]["fields"][0]["precision"] = json!("coarse"), "could_send: line"),
    ];
    for (change, said) in cases {
        let mut value: Value = serde_json::from_str(&json).unwrap();
        change(&mut value);
        let text = check(&value.to_string()).unwrap_err();
        assert!(text.contains("the published manifest is not what this build says"), "{text}");
        assert!(text.contains(said), "`{said}` is missing in\n{text}");
    }
    for broken in ["", "[]", "null", &json[..json.len() / 2]] {
        assert!(check(broken).is_err());
    }
}
