//! Promises 5 and 8: the environment can block and never grant. A block destroys pending data and leaves the person's own
//! choice unchanged.

use crate::{
    child::{self, Child},
    events::{CONNECTIVITY, PLAYBACK, USAGE, film, opened, unreachable},
    files,
    home::{APPLICATION, DAY, HANG, Home, TestClock, flush, say_yes, send, state},
    server::Server,
    stage::CONTROLLER,
};
use candor::{
    Audience, Client, Config,
    consent::{Decision, State},
};
use std::path::PathBuf;

const ENDPOINT: &str = "CANDOR_IT_ENDPOINT";

/// The same program in a separate process, with the environment that the parent sets.
fn child_config(home: PathBuf) -> Config {
    Config::new(APPLICATION, CONTROLLER, Audience::Adults)
        .endpoint(std::env::var(ENDPOINT).unwrap())
        .directories(home.join("data"), home.join("config"))
        .switch_variable("PLAYER_TELEMETRY")
        .clock(TestClock::new())
}

fn in_a_child(name: &'static str, home: &Home, server: &Server, variables: &[(&str, &str)]) {
    let child = Child::new(name, &home.path()).var(ENDPOINT, server.endpoint());
    variables.iter().fold(child, |child, (name, value)| child.var(name, *value)).run();
}

const BLOCKS: [(&str, &str); 9] = [
    ("DO_NOT_TRACK", "1"),
    ("DO_NOT_TRACK", "true"),
    ("CANDOR_OFF", "1"),
    ("CANDOR_OFF", "anything"),
    ("CI", "true"),
    ("CI", "1"),
    ("PLAYER_TELEMETRY", "0"),
    ("PLAYER_TELEMETRY", "off"),
    ("PLAYER_TELEMETRY", "FALSE"),
];

#[test]
fn a_variable_blocks_and_says_who_it_was() {
    for (name, value) in BLOCKS {
        let (home, server) = (Home::new(), Server::new());
        in_a_child("environment::child_blocked", &home, &server, &[(name, value)]);
        assert_eq!(server.connections(), 0, "{name}={value}");
    }
}

#[test]
#[ignore = "run by a_variable_blocks_and_says_who_it_was, with its environment"]
fn child_blocked() {
    let Some(home) = child::home() else { return };
    let client = Client::new(child_config(home.clone())).unwrap();
    let blocked_by = client.status(USAGE).unwrap().blocked_by.expect("something blocks");
    assert!(BLOCKS.iter().any(|(name, value)| blocked_by.contains(&format!("{name}={value}"))), "{blocked_by}");
    let notice = client.notice(USAGE).unwrap();
    for error in [client.grant(USAGE).unwrap_err(), client.grant(USAGE.shown(&notice)).unwrap_err()] {
        assert!(error.is_blocked() && !error.needs_notice(), "{error:?}");
        assert!(error.to_string().contains(&blocked_by), "{error}");
    }
    assert!(files::tree(&home).is_empty(), "a blocked yes writes nothing");
    assert_eq!(state(&client, USAGE), State::NeverAsked);
    client.record_with(|| -> crate::events::LibraryOpened { panic!("it is blocked") });
    assert_eq!(client.flush(HANG).unwrap().requests, 0);
    assert!(client.manifest().unwrap().to_string().contains(&blocked_by), "the person is told");
    // A refusal is always accepted.
    assert_eq!(client.deny(USAGE).unwrap().decision, Decision::Denied);
    assert_eq!(client.withdraw(PLAYBACK).unwrap().decision, Decision::Denied);
    drop(client);
    let client = Client::new(child_config(home)).unwrap();
    assert_eq!(state(&client, USAGE), State::Denied);
    child::done("environment::child_blocked");
}

#[test]
fn no_variable_grants() {
    let all_on = [
        ("DO_NOT_TRACK", "0"),
        ("CANDOR_OFF", "0"),
        ("CANDOR_ON", "1"),
        ("CI", "false"),
        ("PLAYER_TELEMETRY", "1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("http_proxy", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
    ];
    let (home, server) = (Home::new(), Server::new());
    in_a_child("environment::child_on", &home, &server, &all_on);
    // What was granted there was sent to the endpoint in the notice, whatever the environment says.
    assert_eq!((server.connections(), server.lines().len()), (1, 1));
}

#[test]
#[ignore = "run by no_variable_grants, with its environment"]
fn child_on() {
    let Some(home) = child::home() else { return };
    let client = Client::new(child_config(home.clone())).unwrap();
    assert_eq!(client.status(USAGE).unwrap().blocked_by, None);
    client.record_with(|| -> crate::events::LibraryOpened { panic!("nobody agreed") });
    assert_eq!((state(&client, USAGE), files::tree(&home).len()), (State::NeverAsked, 0));
    client.grant(USAGE).unwrap();
    client.record_durable(opened(2));
    assert_eq!(flush(&client).requests, 1);
    child::done("environment::child_on");
}

#[test]
fn what_waits_is_destroyed_when_a_start_is_blocked_and_the_grant_is_kept() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, PLAYBACK, CONNECTIVITY]);
    let epoch = client.receipt(USAGE).unwrap().epoch;
    client.record_durable(opened(1_000));
    client.record_durable(film());
    client.record_durable(unreachable());
    drop(client);
    assert!(!home.all_waiting().is_empty());
    in_a_child("environment::child_blocks_a_grant", &home, &server, &[("DO_NOT_TRACK", "1")]);
    assert!(home.all_waiting().is_empty(), "{:?}", home.all_waiting());
    let client = home.start(&server);
    assert_eq!(state(&client, USAGE), State::Granted, "a block never touches the person's own choice");
    assert!(client.status(USAGE).unwrap().is_open());
    assert!(client.receipt(USAGE).unwrap().epoch > epoch);
    let manifest = client.manifest().unwrap();
    assert!(manifest.scope(USAGE).unwrap().agreed.is_some(), "the person still finds what they agreed to");
    client.record_durable(opened(2));
    client.record_durable(unreachable());
    home.clock.advance(DAY);
    send(&client);
    let lines = server.lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines.iter().all(|line| !line.contains(r#""intValue":"513""#)), "{lines:#?}");
}

#[test]
#[ignore = "run by what_waits_is_destroyed_when_a_start_is_blocked_and_the_grant_is_kept"]
fn child_blocks_a_grant() {
    let Some(home) = child::home() else { return };
    let client = Client::new(child_config(home)).unwrap();
    for scope in [USAGE, PLAYBACK, CONNECTIVITY] {
        let status = client.status(scope).unwrap();
        assert!(!status.is_open() && status.blocked_by.is_some());
    }
    client.record(opened(1_000));
    client.record_durable(film());
    assert_eq!(client.flush(HANG).unwrap().requests, 0);
    child::done("environment::child_blocks_a_grant");
}

#[test]
fn a_grant_can_be_taken_back_while_blocked() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE, PLAYBACK]);
    client.record_durable(opened(1_000));
    drop(client);
    in_a_child("environment::child_withdraws", &home, &server, &[("CANDOR_OFF", "1")]);
    let client = home.start(&server);
    assert_eq!(state(&client, USAGE), State::Withdrawn);
    assert_eq!(state(&client, PLAYBACK), State::Withdrawn);
    say_yes(&client, USAGE);
    send(&client);
    assert_eq!(server.connections(), 0);
}

#[test]
#[ignore = "run by a_grant_can_be_taken_back_while_blocked, with its environment"]
fn child_withdraws() {
    let Some(home) = child::home() else { return };
    let client = Client::new(child_config(home)).unwrap();
    assert!(client.withdraw(USAGE).unwrap().confirmed);
    assert_eq!(client.deny(PLAYBACK).unwrap().decision, Decision::Withdrawn);
    child::done("environment::child_withdraws");
}

#[test]
fn a_block_of_ci_can_be_lifted_by_the_program_only() {
    let (home, server) = (Home::new(), Server::new());
    in_a_child("environment::child_lifts_ci", &home, &server, &[("CI", "true")]);
}

#[test]
#[ignore = "run by a_block_of_ci_can_be_lifted_by_the_program_only, with its environment"]
fn child_lifts_ci() {
    let Some(home) = child::home() else { return };
    assert!(Client::new(child_config(home.clone())).unwrap().grant(USAGE).unwrap_err().is_blocked());
    Client::new(child_config(home).lift_ci_block()).unwrap().grant(USAGE).unwrap();
    child::done("environment::child_lifts_ci");
}

/// The program for another audience, otherwise the same.
fn made_for(home: &Home, server: &Server, audience: Audience) -> Client {
    let config = Config::new(APPLICATION, CONTROLLER, audience).endpoint(server.endpoint());
    let config = config.directories(home.data(), home.config_dir()).clock(home.clock.clone()).lift_ci_block();
    Client::new(config).unwrap()
}

#[test]
fn a_program_for_children_is_never_open() {
    for audience in [Audience::Children, Audience::Mixed] {
        let (home, server) = (Home::new(), Server::new());
        let client = made_for(&home, &server, audience);
        let notice = client.notice(USAGE).unwrap();
        assert!(client.grant(USAGE).unwrap_err().is_blocked());
        assert!(client.grant(USAGE.shown(&notice)).unwrap_err().is_blocked());
        assert!(client.status(USAGE).unwrap().blocked_by.unwrap().contains("children"));
        assert!(files::tree(&home.path()).is_empty());
        assert_eq!(client.deny(USAGE).unwrap().decision, Decision::Denied);
    }
}

#[test]
fn what_waits_is_destroyed_when_the_program_becomes_one_for_children() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.record_durable(opened(1_000));
    drop(client);
    let client = made_for(&home, &server, Audience::Mixed);
    assert!(!client.status(USAGE).unwrap().is_open());
    drop(client);
    assert!(home.all_waiting().is_empty(), "whatever blocks destroys what waits: {:?}", home.all_waiting());
    let client = home.start(&server);
    send(&client);
    assert_eq!(server.connections(), 0, "lifting a block is never retroactive");
}

/// The threat model describes an environment that moves the directories. This test moves them.
#[test]
fn another_data_directory_alone_opens_nothing_and_another_home_has_other_records() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[CONNECTIVITY]);
    client.deny(USAGE).unwrap();
    drop(client);
    let elsewhere = home.path().join("elsewhere");
    let moved = |data: PathBuf, config: PathBuf| Client::new(home.config(&server).directories(data, config)).unwrap();
    // As with another `XDG_DATA_HOME`: the high-water marks say that something was decided.
    let client = moved(elsewhere.join("data"), home.config_dir());
    for scope in [CONNECTIVITY, USAGE] {
        assert_eq!(state(&client, scope), State::Unreadable, "{}", scope.name());
        client.grant(scope).unwrap_err();
        client.record_durable(opened(1));
    }
    drop(client);
    // As with another `HOME`: the person was never asked there. A bare grant works although the person refused at home.
    let client = moved(elsewhere.join("home/data"), elsewhere.join("home/config"));
    assert_eq!(state(&client, USAGE), State::NeverAsked);
    client.grant(USAGE).unwrap();
    drop(client);
    // At home every decision is unchanged.
    let client = home.start(&server);
    assert_eq!((state(&client, CONNECTIVITY), state(&client, USAGE)), (State::Granted, State::Denied));
    assert_eq!(server.connections(), 0);
}
