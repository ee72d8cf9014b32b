//! Promise 8: administrators' rules forbid, coarsen and shorten. They can't grant, and the person sees them.

use crate::{
    events::{CONNECTIVITY, LibraryOpened, PLAYBACK, USAGE, film, opened},
    files,
    home::{DAY, HANG, Home, MINUTE, say_yes, send, state, wait_for, waiting},
    server::Server,
};
use candor::{
    Client, Config,
    consent::{Decision, MayAsk, State, WhyNot},
};
use serde_json::{Value, json};
#[cfg(unix)]
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

fn rules(home: &Home) -> PathBuf {
    home.path().join("policy.d")
}

fn config(home: &Home, server: &Server) -> Config {
    home.config(server).policy_directory(rules(home))
}

fn start(home: &Home, server: &Server) -> Client {
    Client::new(config(home, server)).unwrap()
}

/// Writes a rule as an administrator does: every user can read it.
fn put(home: &Home, name: &str, rule: &Value) {
    put_text(home, name, &rule.to_string());
}

fn put_text(home: &Home, name: &str, text: &str) {
    std::fs::create_dir_all(rules(home)).unwrap();
    std::fs::write(rules(home).join(name), text).unwrap();
    files::mode(&rules(home).join(name), 0o644);
}

fn rule(more: Value) -> Value {
    let mut rule = json!({"candor_policy": 1, "rule": "Works agreement 7"});
    rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    rule
}

#[test]
fn a_rule_may_forbid_everything_one_scope_or_a_recipient() {
    let (home, server) = (Home::new(), Server::new());
    let host = server.endpoint().split("://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let all: [(Value, &[candor::Scope]); 4] = [
        (json!({"forbid": {"everything": true}}), &[USAGE, PLAYBACK]),
        (json!({"forbid": {"scopes": ["usage"]}}), &[USAGE]),
        (json!({"forbid": {"recipients": [host]}}), &[USAGE, PLAYBACK]),
        (json!({"forbid": {"recipients": [format!("{}/v1/logs", server.endpoint().trim_end_matches('/'))]}}), &[USAGE]),
    ];
    for (forbid, closed) in all {
        let home = Home::new();
        put(&home, "a.json", &rule(forbid.clone()));
        let client = start(&home, &server);
        for scope in closed {
            let error = client.grant(*scope).unwrap_err();
            assert!(error.is_blocked(), "{forbid}: {error}");
            let text = error.to_string();
            assert!(
                text.contains("your administrator's rule \"Works agreement 7\"") && text.contains("a.json"),
                "{text}"
            );
            assert!(client.status(*scope).unwrap().blocked_by.is_some(), "{forbid}");
            assert!(matches!(client.may_ask(*scope).unwrap(), MayAsk::No { why: WhyNot::Blocked, .. }), "{forbid}");
        }
        assert!(files::tree(&home.data()).is_empty(), "a blocked yes writes nothing");
        let page = client.manifest().unwrap().to_string();
        assert!(page.contains("Works agreement 7"), "{page}");
        assert_eq!(client.deny(USAGE).unwrap().decision, Decision::Denied, "a no is always taken");
    }
    drop(home);
    // The control: with a rule that is only about another application, the scope opens.
    let home = Home::new();
    put(&home, "a.json", &rule(json!({"applications": ["org.example.other"], "forbid": {"everything": true}})));
    start(&home, &server).grant(USAGE).unwrap();
}

#[test]
fn a_rule_that_comes_later_destroys_what_waits_and_lifting_it_sends_nothing_of_before() {
    let (home, server) = (Home::new(), Server::new());
    let client = start(&home, &server);
    client.grant(USAGE).unwrap();
    client.record_durable(opened(700));
    let epoch = client.receipt(USAGE).unwrap().epoch;
    put(&home, "a.json", &rule(json!({"forbid": {"scopes": ["usage"]}})));
    assert!(!client.status(USAGE).unwrap().is_open(), "the next look finds it");
    assert_eq!(state(&client, USAGE), State::Granted, "the person's answer is unchanged");
    assert!(home.all_waiting().is_empty());
    client.record_with(|| -> LibraryOpened { panic!("it is forbidden") });
    std::fs::remove_file(rules(&home).join("a.json")).unwrap();
    assert!(client.status(USAGE).unwrap().is_open());
    assert!(client.receipt(USAGE).unwrap().epoch > epoch);
    client.record_durable(opened(2));
    home.clock.advance(DAY);
    send(&client);
    let lines = server.lines();
    assert!(lines.len() == 1 && lines[0].contains(r#""intValue":"2""#), "{lines:#?}");
}

#[test]
fn whichever_call_finds_a_rule_destroys_what_waits() {
    type Call = fn(&Client);
    let calls: [(&str, Call); 5] = [
        ("may_ask", |client| drop(client.may_ask(CONNECTIVITY).unwrap())),
        ("grant", |client| drop(client.grant(CONNECTIVITY).unwrap())),
        ("status", |client| drop(client.status(CONNECTIVITY).unwrap())),
        ("manifest", |client| drop(client.manifest().unwrap())),
        ("flush", send),
    ];
    let forbids = [json!({"forbid": {"scopes": ["usage"]}}), json!({"forbid": {"fields": ["library.opened.shelves"]}})];
    for (forbid, (name, call)) in forbids.iter().flat_map(|forbid| calls.map(|call| (forbid, call))) {
        let (home, server) = (Home::new(), Server::new());
        let client = start(&home, &server);
        client.grant(USAGE).unwrap();
        client.record_durable(opened(700));
        put(&home, "a.json", &rule(forbid.clone()));
        call(&client);
        assert!(home.all_waiting().is_empty(), "{name}, {forbid}");
        std::fs::remove_file(rules(&home).join("a.json")).unwrap();
        call(&client);
        assert!(client.status(USAGE).unwrap().is_open(), "{name}, {forbid}");
        send(&client);
        assert!(server.lines().is_empty(), "{name}, {forbid}");
    }
}

#[test]
fn a_process_that_finds_the_first_grant_of_another_finds_the_rules_with_it() {
    let (home, server) = (Home::new(), Server::new());
    // Nothing was decided when it started, so it has not looked for rules.
    let running = start(&home, &server);
    let second = start(&home, &server);
    second.grant(USAGE).unwrap();
    second.record_durable(opened(700));
    drop(second);
    put(&home, "a.json", &rule(json!({"forbid": {"scopes": ["usage"]}})));
    assert_eq!(running.flush(crate::home::HANG).unwrap().requests, 0);
    assert!(home.all_waiting().is_empty());
    std::fs::remove_file(rules(&home).join("a.json")).unwrap();
    send(&running);
    assert!(running.status(USAGE).unwrap().is_open());
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_rule_may_leave_out_and_coarsen_and_the_page_says_which_rule_it_is() {
    let (home, server) = (Home::new(), Server::new());
    put(
        &home,
        "10-fields.json",
        &rule(json!({
            "forbid": {"fields": ["library.opened.sorted"], "events": ["playback.jumped"]},
            "coarsen": {"playback.finished.bitrate": [0, 2_000_000], "playback.finished.codec": ["h264", "other"]},
        })),
    );
    let client = start(&home, &server);
    for scope in [USAGE, PLAYBACK] {
        client.grant(scope).unwrap();
        assert!(client.status(scope).unwrap().is_open());
    }
    client.record_durable(LibraryOpened { shelves: 2, sorted: Some(true) });
    assert!(!waiting(&client, USAGE)[0].contains("sorted"));
    for _ in 0..2 {
        client.record_durable(film());
        client.record_durable(crate::events::PlaybackJumped { forward: true });
    }
    let page = client.manifest().unwrap().to_string();
    for said in
        ["library.opened.sorted is left out", "playback.jumped is left out", "playback.finished.bitrate is coarser"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    home.clock.advance(DAY);
    send(&client);
    let lines = server.lines();
    assert!(!lines.iter().any(|line| line.contains("playback.jumped")), "{lines:#?}");
    let counted = lines.iter().find(|line| line.contains("playback.finished")).unwrap();
    assert!(counted.contains(r#""key":"bitrate","value":{"intValue":"2000000"}"#), "{counted}");
    assert!(counted.contains(r#""key":"codec","value":{"stringValue":"other"}"#), "{counted}");
}

#[test]
fn rules_that_change_begin_a_new_epoch() {
    let (home, server) = (Home::new(), Server::new());
    let client = start(&home, &server);
    client.grant(USAGE).unwrap();
    client.record_durable(LibraryOpened { shelves: 2, sorted: Some(true) });
    put(&home, "a.json", &rule(json!({"forbid": {"fields": ["library.opened.sorted"]}})));
    // The running program need not look by itself: the next call that asks for the state finds the rule.
    assert!(client.status(USAGE).unwrap().is_open());
    assert!(waiting(&client, USAGE).is_empty(), "what waited was recorded under less of a rule");
    assert_eq!(client.receipt(USAGE).unwrap().decision, Decision::Narrowed);
    client.record_durable(LibraryOpened { shelves: 2, sorted: Some(true) });
    assert_eq!(waiting(&client, USAGE).len(), 1);
    // A second process that starts finds nothing to change.
    let line = client.receipt(USAGE).unwrap().line;
    let second = start(&home, &server);
    assert_eq!(second.receipt(USAGE).unwrap().line, line);
    assert_eq!(waiting(&client, USAGE).len(), 1);
    // A client that has not seen a rule, and finds that another client has, records nothing until it looks.
    put(&home, "b.json", &rule(json!({"forbid": {"fields": ["library.opened.shelves"]}})));
    assert_eq!(second.status(USAGE).unwrap().limited_by.len(), 2);
    for _ in 0..2 {
        client.record_durable(LibraryOpened { shelves: 2, sorted: Some(true) });
    }
    assert!(home.all_waiting().is_empty());
    home.clock.advance(DAY);
    send(&client);
    assert!(server.lines().iter().all(|line| !line.contains("sorted")), "{:#?}", server.lines());
}

#[test]
fn a_grant_from_elsewhere_opens_nothing_that_a_rule_forbids() {
    type Call = fn(&Client);
    let calls: [Call; 2] =
        [|client| drop(client.flush(crate::home::HANG).unwrap()), |client| drop(client.deny(CONNECTIVITY).unwrap())];
    for call in calls {
        let (home, server) = (Home::new(), Server::new());
        // Nothing was decided when it started, so it has not looked for rules.
        let running = start(&home, &server);
        start(&home, &server).grant(USAGE).unwrap();
        put(&home, "a.json", &rule(json!({"forbid": {"scopes": ["usage"]}})));
        running.record_durable(opened(2));
        call(&running);
        running.record_with(|| -> LibraryOpened { panic!("it is forbidden") });
        assert!(home.all_waiting().is_empty());
        assert_eq!(server.connections(), 0);
    }
}

#[test]
fn a_program_that_runs_for_long_finds_a_rule_with_the_new_day() {
    let (home, server) = (Home::new(), Server::new());
    let client = start(&home, &server);
    client.grant(USAGE).unwrap();
    client.record_durable(opened(700));
    put(&home, "a.json", &rule(json!({"forbid": {"scopes": ["usage"]}})));
    client.record_durable(opened(2));
    assert_eq!(home.all_waiting().len(), 1, "the control: nobody has looked yet");
    // No wait has ended, so nothing is due to be sent. A due request would also cause a look at the rules.
    home.clock.advance(DAY);
    wait_for("what waited is gone", || {
        client.record(opened(2));
        home.all_waiting().is_empty()
    });
    assert_eq!(server.connections(), 0);
}

#[test]
fn nothing_leaves_by_itself_before_a_look_at_the_rules() {
    let (home, server) = (Home::new(), Server::new());
    let client = start(&home, &server);
    client.grant(USAGE).unwrap();
    client.record_durable(opened(700));
    wait_for("the worker to choose its moment", || home.schedule(USAGE).is_some());
    put(&home, "a.json", &rule(json!({"forbid": {"scopes": ["usage"]}})));
    // The next request is due on the same day.
    let path = home.schedule(USAGE).unwrap();
    let mut schedule = crate::forge::unsealed(&path);
    schedule["next"] = json!(1);
    crate::forge::seal(&path, "schedule", &schedule);
    wait_for("what waited is gone", || {
        home.clock.pass(MINUTE);
        client.record(opened(2));
        home.all_waiting().is_empty()
    });
    assert_eq!(server.connections(), 0);
}

#[test]
fn rules_meet() {
    let (home, server) = (Home::new(), Server::new());
    put(&home, "a.json", &rule(json!({"coarsen": {"playback.finished.bitrate": [0, 2_000_000, 4_000_000]}})));
    put(&home, "b.json", &rule(json!({"coarsen": {"playback.finished.bitrate": [0, 1_000_000, 2_000_000]}})));
    let client = start(&home, &server);
    client.grant(PLAYBACK).unwrap();
    for _ in 0..2 {
        client.record_durable(film());
    }
    home.clock.advance(DAY);
    send(&client);
    let lines = server.lines();
    assert!(lines[0].contains(r#""key":"bitrate","value":{"intValue":"2000000"}"#), "{lines:#?}");
}

#[test]
fn a_rule_may_shorten_a_grant_and_keep_the_program_from_asking() {
    let (home, server) = (Home::new(), Server::new());
    put(&home, "a.json", &rule(json!({"validity_days": 10, "no_prompts": true})));
    let client = start(&home, &server);
    assert!(matches!(client.may_ask(USAGE).unwrap(), MayAsk::No { why: WhyNot::Administrator, .. }));
    say_yes(&client, USAGE);
    let until = client.status(USAGE).unwrap().until.unwrap();
    assert!(client.manifest().unwrap().to_string().contains("valid for 10 days at most"));
    home.clock.advance(DAY * 10);
    assert!(client.status(USAGE).unwrap().is_open(), "{until}");
    home.clock.advance(DAY);
    assert_eq!(state(&client, USAGE), State::Expired);
}

#[test]
fn what_can_not_be_read_blocks_and_says_why() {
    let sound = rule(json!({"forbid": {"scopes": ["nobody.has.this"]}})).to_string();
    let broken = [
        ("unknown key", rule(json!({"grant": ["usage"]})).to_string(), "unknown field `grant`"),
        ("unknown key inside", rule(json!({"forbid": {"users": []}})).to_string(), "unknown field `users`"),
        ("newer form", json!({"candor_policy": 2, "rule": "x", "new": 1}).to_string(), "format is 2"),
        ("no form", json!({"rule": "x"}).to_string(), "\"candor_policy\": 1"),
        ("no name", json!({"candor_policy": 1}).to_string(), "missing field `rule`"),
        ("not JSON", "forbid everything".into(), "expected"),
        ("empty", String::new(), "EOF"),
        ("too long", format!("{}{}", " ".repeat(70_000), sound), "larger than"),
    ];
    for (what, text, said) in broken {
        let (home, server) = (Home::new(), Server::new());
        let client = start(&home, &server);
        client.grant(USAGE).unwrap();
        client.record_durable(opened(2));
        put_text(&home, "x.json", &text);
        let status = client.status(USAGE).unwrap();
        assert!(!status.is_open(), "{what}");
        let by = status.blocked_by.unwrap();
        assert!(by.contains("x.json") && by.contains(said), "{what}: {by}");
        assert!(client.manifest().unwrap().to_string().contains(&by), "{what}");
        assert!(home.all_waiting().is_empty(), "{what}");
        assert_eq!(server.connections(), 0, "{what}");
    }
    // A directory where a file should be.
    let (home, server) = (Home::new(), Server::new());
    std::fs::create_dir_all(rules(&home).join("y.json")).unwrap();
    let client = start(&home, &server);
    assert!(client.grant(USAGE).unwrap_err().to_string().contains("y.json"));
    // A file that is not named like a rule is ignored: an editor's backup, a note.
    let home = Home::new();
    for name in ["a.json~", ".a.json", "README"] {
        put_text(&home, name, "not a rule");
    }
    start(&home, &server).grant(USAGE).unwrap();
}

#[cfg(unix)]
#[test]
fn a_directory_that_can_not_be_looked_through_blocks() {
    type Make = fn(&Home);
    let many = |home: &Home, count: usize| {
        for at in 0..count {
            put(home, &format!("{at}.json"), &rule(json!({})));
        }
    };
    let broken: [(&str, Make, &str); 4] = [
        ("a file", |home| std::fs::write(rules(home), "").unwrap(), "policy.d"),
        (
            "a name that is no text",
            |home| {
                put(home, "a.json", &rule(json!({})));
                let name = std::ffi::OsStr::from_bytes(b"\xff.json");
                std::fs::rename(rules(home).join("a.json"), rules(home).join(name)).unwrap();
            },
            "json",
        ),
        (
            "a pipe that nobody writes to",
            |home| {
                std::fs::create_dir_all(rules(home)).unwrap();
                let made = std::process::Command::new("mkfifo").arg(rules(home).join("a.json")).status().unwrap();
                assert!(made.success());
            },
            "not a regular file",
        ),
        (
            "a link to nothing",
            |home| {
                std::fs::create_dir_all(rules(home)).unwrap();
                std::os::unix::fs::symlink("nowhere", rules(home).join("a.json")).unwrap();
            },
            "a.json",
        ),
    ];
    let server = Server::new();
    for (what, make, said) in broken {
        let home = Home::new();
        let client = start(&home, &server);
        client.grant(USAGE).unwrap();
        client.record_durable(opened(2));
        make(&home);
        let status = client.status(USAGE).unwrap();
        let by = status.blocked_by.clone().unwrap_or_else(|| panic!("{what}"));
        assert!(by.contains(said) && !status.is_open(), "{what}: {by}");
        // An entry that exists counts as a rule, so pending data is destroyed. A link to nothing may lead to something
        // in a moment, so pending data is kept.
        assert_eq!(home.all_waiting().is_empty(), what != "a link to nothing", "{what}");
        assert!(start(&home, &server).grant(PLAYBACK).unwrap_err().is_blocked(), "{what}");
    }
    // One rule more than the limit of 64. The control has one fewer.
    let home = Home::new();
    many(&home, 65);
    let error = start(&home, &server).grant(USAGE).unwrap_err();
    assert!(error.is_blocked() && error.to_string().contains("more than 64"), "{error}");
    std::fs::remove_file(rules(&home).join("7.json")).unwrap();
    start(&home, &server).grant(USAGE).unwrap();
}

#[cfg(unix)]
#[test]
fn a_rule_that_the_program_may_not_read_blocks() {
    let server = Server::new();
    for directory in [false, true] {
        let home = crate::disk::lent();
        put(&home, "a.json", &rule(json!({})));
        files::mode(&rules(&home), 0o755);
        let child = || crate::disk::child("policies::child_looks_for_rules", &home, &server);
        child().var(MAY, "yes").run();
        let blocked = if directory { rules(&home) } else { rules(&home).join("a.json") };
        // Only root may open it. If the test does not run as root, no user may.
        files::mode(
            &blocked,
            if !crate::disk::is_root() {
                0
            } else if directory {
                0o700
            } else {
                0o600
            },
        );
        child().var(MAY, "no").run();
        files::mode(&blocked, 0o755);
    }
}

/// Tells the child whether it may read the rules.
const MAY: &str = "CANDOR_IT_MAY_READ";

#[cfg(unix)]
#[test]
#[ignore = "run by a_rule_that_the_program_may_not_read_blocks, as another user"]
fn child_looks_for_rules() {
    let Some(home) = crate::child::home() else { return };
    let config = Config::new(crate::home::APPLICATION, crate::stage::CONTROLLER, candor::Audience::Adults)
        .endpoint(std::env::var("CANDOR_IT_ENDPOINT").unwrap())
        .directories(home.join("data"), home.join("config"))
        .policy_directory(home.join("policy.d"))
        .clock(crate::home::TestClock::new())
        .lift_ci_block();
    let blocked_by = Client::new(config).unwrap().status(USAGE).unwrap().blocked_by;
    match std::env::var(MAY).unwrap().as_str() {
        "yes" => assert_eq!(blocked_by, None),
        _ => assert!(blocked_by.unwrap().contains("denied"), "it says why"),
    }
    crate::child::done("policies::child_looks_for_rules");
}

#[test]
fn a_rule_is_about_the_applications_that_it_names() {
    let server = Server::new();
    for (applications, blocked) in [
        (json!([crate::home::APPLICATION]), true),
        (json!(["org.example.other", crate::home::APPLICATION]), true),
        (json!(["org.example.other"]), false),
        (json!([]), false),
        (Value::Null, true),
    ] {
        let home = Home::new();
        put(&home, "a.json", &rule(json!({"applications": applications, "forbid": {"everything": true}})));
        let by = start(&home, &server).status(USAGE).unwrap().blocked_by;
        assert_eq!(by.is_some(), blocked, "{applications}");
    }
}

#[test]
fn a_rule_that_changes_makes_no_grant_younger() {
    let (home, server) = (Home::new(), Server::new());
    put(&home, "a.json", &rule(json!({"validity_days": 10})));
    let client = start(&home, &server);
    say_yes(&client, USAGE);
    let until = client.status(USAGE).unwrap().until;
    home.clock.advance(DAY * 6);
    // Two more rules, of which the shorter one counts. One of them also narrows, so that a line is written today.
    put(&home, "b.json", &rule(json!({"validity_days": 12, "forbid": {"fields": ["library.opened.sorted"]}})));
    // The check on the new day may find the rule too. Whichever comes second is closed until the first is done.
    wait_for("a new epoch begins", || client.status(USAGE).unwrap().is_open());
    assert_eq!(client.receipt(USAGE).unwrap().decision, Decision::Narrowed);
    assert_eq!(client.status(USAGE).unwrap().until, until);
    put(&home, "c.json", &rule(json!({"validity_days": 8})));
    assert!(client.status(USAGE).unwrap().is_open());
    home.clock.advance(DAY * 2);
    assert!(client.status(USAGE).unwrap().is_open());
    home.clock.advance(DAY);
    assert_eq!(state(&client, USAGE), State::Expired);
}

#[test]
fn every_byte_of_a_rule_matters() {
    let text = rule(json!({"forbid": {"scopes": ["usage"]}, "validity_days": 9})).to_string();
    let server = Server::new();
    let (mut blocked, mut narrower) = (0, 0);
    let mut tried = |damaged: &[u8]| {
        let home = Home::new();
        std::fs::create_dir_all(rules(&home)).unwrap();
        std::fs::write(rules(&home).join("a.json"), damaged).unwrap();
        let client = start(&home, &server);
        let status = client.status(CONNECTIVITY).unwrap();
        let forbidden = client.status(USAGE).unwrap().blocked_by.is_some();
        // Either nothing may be recorded at all, or the damage left a sound rule with other words, which is about another name.
        match status.blocked_by {
            Some(by) => {
                assert!(by.contains("a.json"), "{by}");
                blocked += 1;
            }
            None => {
                let sound: Result<Value, _> = serde_json::from_slice(damaged);
                assert!(sound.is_ok(), "{}", String::from_utf8_lossy(damaged));
                narrower += u32::from(forbidden);
            }
        }
    };
    for at in 0..text.len() {
        let mut flipped = text.clone().into_bytes();
        flipped[at] ^= 1;
        tried(&flipped);
        tried(&text.as_bytes()[..at]);
    }
    assert!(blocked > text.len() && narrower > 10, "{blocked} {narrower}");
}

#[test]
fn no_rule_grants_hides_or_redirects() {
    // The form has no word for any of these.
    for word in ["grant", "allow", "opt_in", "hide", "endpoint", "redirect", "lengthen", "retention_days", "text"] {
        let (home, server) = (Home::new(), Server::new());
        put(&home, "a.json", &rule(json!({word: "usage"})));
        let client = start(&home, &server);
        assert!(client.grant(USAGE).unwrap_err().is_blocked(), "{word}");
    }
    // A rule that allows much leaves the state unchanged. A long validity lengthens nothing.
    let (home, server) = (Home::new(), Server::new());
    put(&home, "a.json", &rule(json!({"validity_days": 4_000_000_000_u32})));
    let client = start(&home, &server);
    assert_eq!(state(&client, USAGE), State::NeverAsked);
    say_yes(&client, USAGE);
    let with = client.status(USAGE).unwrap().until;
    let plain = Home::new();
    let other = plain.start_granted(&server, &[USAGE]);
    assert_eq!(with, other.status(USAGE).unwrap().until);
}

#[test]
fn without_a_grant_no_rule_is_even_read() {
    let (home, server) = (Home::new(), Server::new());
    put_text(&home, "x.json", "broken");
    let before = std::fs::metadata(rules(&home).join("x.json")).unwrap().accessed().unwrap();
    let client = start(&home, &server);
    client.record_with(|| -> LibraryOpened { panic!("nobody agreed") });
    drop(client);
    assert_eq!(std::fs::metadata(rules(&home).join("x.json")).unwrap().accessed().unwrap(), before);
}

#[test]
fn a_recipient_is_known_by_its_host_however_the_rule_writes_it() {
    let (home, server) = (Home::new(), Server::new());
    let authority = server.endpoint().split("://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let host = authority.rsplit_once(':').unwrap().0.to_owned();
    for recipient in [host.clone(), authority.clone(), format!("HTTP://{authority}/"), format!(" {authority}")] {
        put(&home, "a.json", &rule(json!({"forbid": {"recipients": [recipient]}})));
        assert!(start(&home, &server).grant(USAGE).unwrap_err().is_blocked(), "{recipient}");
    }
    // The control: another port, a host with the same beginning, and an empty name.
    for recipient in [format!("{host}:1"), format!("{host}.example"), String::new()] {
        put(&home, "a.json", &rule(json!({"forbid": {"recipients": [recipient]}})));
        assert!(start(&home, &server).status(USAGE).unwrap().blocked_by.is_none(), "{recipient}");
    }
}

#[test]
fn a_rule_that_says_a_thing_twice_forbids_everything() {
    let (home, server) = (Home::new(), Server::new());
    let field = "playback.finished.codec";
    let twice = format!(
        r#"{{"candor_policy": 1, "rule": "x", "coarsen": {{"{field}": ["h264"], "{field}": ["h264", "hevc"]}}}}"#
    );
    put_text(&home, "a.json", &twice);
    let error = start(&home, &server).grant(PLAYBACK).unwrap_err();
    assert!(error.is_blocked() && error.to_string().contains("twice"), "{error}");
    put_text(&home, "a.json", &twice.replace(&format!(r#", "{field}": ["h264", "hevc"]"#), ""));
    start(&home, &server).grant(PLAYBACK).unwrap();
}

#[cfg(unix)]
#[test]
fn what_a_rule_says_to_a_person_is_short_and_harmless() {
    let (home, server) = (Home::new(), Server::new());
    let hostile = format!("\u{2028}\u{61c}\u{feff}{}", "x".repeat(60_000));
    put(&home, "a.json", &rule(json!({ hostile: 1 })));
    let by = start(&home, &server).status(USAGE).unwrap().blocked_by.unwrap();
    assert!(by.chars().count() < 600, "{} characters", by.chars().count());
    assert!(!by.chars().any(|c| matches!(c, '\u{2028}' | '\u{61c}' | '\u{feff}' | '\n')), "{by}");
    std::fs::remove_file(rules(&home).join("a.json")).unwrap();
    let name = "evil\n\u{202e}.json";
    put(&home, name, &rule(json!({"forbid": {"everything": true}, "rule": "a\u{2029}\u{2066}b"})));
    let by = start(&home, &server).status(USAGE).unwrap().blocked_by.unwrap();
    assert!(
        by.contains("a\u{fffd}\u{fffd}b") && !by.chars().any(|c| matches!(c, '\n' | '\u{202e}' | '\u{2029}')),
        "{by}"
    );
}

/// Grants a scope under which an event is pending. Returns the path of the rules directory, which does not exist.
fn one_waits_without_rules(home: &Home, server: &Server) -> PathBuf {
    let client = start(home, server);
    client.grant(USAGE).unwrap();
    client.record_durable(opened(2));
    let place = rules(home);
    let _ = std::fs::remove_dir_all(&place);
    place
}

/// A path that can't be followed is no rule: pending data is kept, and is sent once the path works again.
#[cfg(unix)]
#[test]
fn a_directory_of_rules_that_leads_in_a_circle_is_no_rule() {
    let (home, server) = (Home::new(), Server::new());
    let place = one_waits_without_rules(&home, &server);
    let other = place.with_file_name("other");
    std::os::unix::fs::symlink(&other, &place).unwrap();
    std::os::unix::fs::symlink(&place, &other).unwrap();
    let client = start(&home, &server);
    assert!(!client.status(USAGE).unwrap().is_open(), "closed for the moment");
    assert_eq!(client.receipt(USAGE).unwrap().decision, Decision::Granted);
    drop(client);
    std::fs::remove_file(&place).unwrap();
    let client = start(&home, &server);
    assert!(client.status(USAGE).unwrap().is_open());
    assert_eq!(crate::home::flush(&client).records, 1);
}

/// A share that is not mounted may hold rules that no program can see. The scope closes for the moment, and nothing is destroyed.
#[cfg(unix)]
#[test]
fn rules_behind_a_link_to_nothing_close_for_the_moment() {
    for above in [false, true] {
        let (home, server) = (Home::new(), Server::new());
        let (share, link) = (home.path().join("share"), home.path().join("mounted"));
        std::fs::create_dir_all(share.join("policy.d")).unwrap();
        let place = if above { link.join("policy.d") } else { link.clone() };
        std::os::unix::fs::symlink(if above { share.clone() } else { share.join("policy.d") }, &link).unwrap();
        let start = || Client::new(home.config(&server).policy_directory(&place)).unwrap();
        let client = start();
        client.grant(USAGE).unwrap();
        client.record_durable(opened(2));
        let kept = home.all_waiting();
        assert!(!kept.is_empty());
        let away = home.path().join("away");
        std::fs::rename(&share, &away).unwrap();
        // The running program, and one that starts now.
        for client in [client, start()] {
            let status = client.status(USAGE).unwrap();
            assert_eq!((status.state, status.is_open()), (State::Granted, false));
            let blocked = status.blocked_by.unwrap();
            assert!(blocked.contains("mounted") && blocked.contains("a link to nothing"), "{blocked}");
            assert_eq!(client.flush(HANG).unwrap().requests, 0);
        }
        assert_eq!(home.all_waiting(), kept, "nothing is destroyed");
        std::fs::rename(&away, &share).unwrap();
        let client = start();
        assert!(client.status(USAGE).unwrap().is_open());
        if above {
            // The link works, but it leads to no directory of rules.
            std::fs::remove_dir(share.join("policy.d")).unwrap();
            let status = client.status(USAGE).unwrap();
            assert!(status.is_open(), "{status:?}");
        }
        // If neither the directory nor a link exists, there is no rule.
        std::fs::remove_file(&link).unwrap();
        assert!(client.status(USAGE).unwrap().is_open());
        assert_eq!(client.receipt(USAGE).unwrap().decision, Decision::Granted);
    }
}

/// A home that is not a directory, as `/dev/null` is for some system users: there can be no rule below a file, so
/// nothing is blocked. A file in the very place of the directory is a rule, one that can't be read.
#[test]
fn below_a_file_there_is_no_rule() {
    let (home, server) = (Home::new(), Server::new());
    let place = one_waits_without_rules(&home, &server);
    std::fs::write(&place, "").unwrap();
    let below = |place: &std::path::Path| home.config(&server).policy_directory(place);
    let client = Client::new(below(&place.join("candor").join("policy.d"))).unwrap();
    assert!(client.status(USAGE).unwrap().is_open());
    assert_eq!(client.receipt(USAGE).unwrap().decision, Decision::Granted);
    drop(client);
    let client = Client::new(below(&place)).unwrap();
    let blocked = client.status(USAGE).unwrap().blocked_by.unwrap();
    assert!(blocked.contains("can't be read"), "{blocked}");
    drop(client);
    std::fs::remove_file(&place).unwrap();
}
