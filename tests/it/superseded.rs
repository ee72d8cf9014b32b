//! Promise 4, consent covers what was shown: a build that would do something else is closed until the person is asked again.

use crate::{
    events::{CONNECTIVITY, USAGE, opened, unreachable},
    forge,
    home::{DAY, HANG, Home, say_yes, send, state},
    server::Server,
    stage::{CONTROLLER, by},
};
use candor::{
    AddressLog, Client, Config, Controller, Erasure,
    consent::{Decision, Effect, State},
};
use serde_json::json;

/// The program starts in a form that the person did not agree to: the scope is closed, nothing is sent, and a grant
/// needs a notice.
#[track_caller]
fn stays_closed(home: &Home, server: &Server, client: &Client, why: &str) {
    let heard = server.connections();
    assert_eq!(state(client, USAGE), State::Superseded, "{why}");
    assert!(!client.status(USAGE).unwrap().is_open(), "{why}");
    client.record(opened(9));
    client.record_durable(opened(9));
    home.clock.advance(DAY);
    assert_eq!(client.flush(HANG).unwrap().requests, 0, "{why}");
    assert_eq!(client.manifest().unwrap().outcomes.lines, 0, "{why}");
    assert_eq!(server.connections(), heard, "{why}");
    let error = client.grant(USAGE).unwrap_err();
    assert!(error.needs_notice(), "{why}: {error:?}");
    assert!(error.to_string().contains("granted for something other than"), "{why}: {error}");
}

/// Data recorded under the old contract is not sent under the new one. After a new grant the scope works.
#[track_caller]
fn opens_after_a_new_grant(home: &Home, server: &Server, client: &Client, why: &str) {
    let heard = server.lines().len();
    say_yes(client, USAGE);
    assert!(client.status(USAGE).unwrap().is_open(), "{why}");
    client.record_durable(opened(2));
    home.clock.advance(DAY);
    send(client);
    let lines = server.lines().split_off(heard);
    assert_eq!(lines.len(), 1, "{why}: {lines:#?}");
    assert!(lines[0].contains(r#""intValue":"2""#), "{why}: {lines:#?}");
}

#[test]
fn another_controller_endpoint_or_handling_closes_until_asked_again() {
    type Change = (&'static str, fn(Controller) -> Controller);
    let changes: [Change; 8] = [
        ("another company", |old| by("Bought It SA", old.contact(), old.country())),
        ("a safeguard is gone", |old| old.transfer_safeguard("standard clauses")),
        ("one more processor", |old| old.processors(&["Cloud Ltd"])),
        ("another country", |old| old.hosting_countries(&["FR", "US"])),
        ("passed on to others", |old| old.onward_sharing(&["Ads Inc"])),
        ("addresses are kept", |old| old.address_log(AddressLog::Days(30))),
        ("erasure takes longer", |old| old.erasure(Erasure::WithinDays(90))),
        ("no erasure", |old| old.erasure(Erasure::Unsupported)),
    ];
    for (why, change) in changes {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE]);
        client.record_durable(opened(1_000));
        drop(client);
        let changed = Config::new(crate::home::APPLICATION, change(CONTROLLER), candor::Audience::Adults)
            .endpoint(server.endpoint())
            .directories(home.data(), home.config_dir())
            .clock(home.clock.clone())
            .lift_ci_block();
        let client = Client::new(changed).unwrap();
        stays_closed(&home, &server, &client, why);
        opens_after_a_new_grant(&home, &server, &client, why);
    }
}

#[test]
fn another_endpoint_gets_nothing_until_asked_again() {
    let (home, old, new) = (Home::new(), Server::new(), Server::new());
    let client = home.start_granted(&old, &[USAGE]);
    client.record_durable(opened(1_000));
    drop(client);
    let client = home.start(&new);
    stays_closed(&home, &new, &client, "another endpoint");
    opens_after_a_new_grant(&home, &new, &client, "another endpoint");
    assert_eq!(old.connections(), 0);
}

#[test]
fn other_terms_in_the_program_close_until_asked_again() {
    type Change = (&'static str, fn(&mut serde_json::Value));
    // The contract on disk is changed to that of another build, since this build has only one retention for each scope.
    let changes: [Change; 7] = [
        ("kept for longer now", |was| was["retention_days"] = json!(7)),
        ("another revision of the purpose", |was| was["revision"] = json!(1)),
        ("a promise that is gone", |was| was["also_never"] = json!(["reading your library"])),
        ("another audience", |was| was["audience"] = json!("mixed")),
        ("sent more often", |was| was["schedule"] = json!("weekly")),
        ("a form that is not known", |was| was["more"] = json!(1)),
        ("not a contract at all", |was| *was = json!([])),
    ];
    for (why, change) in changes {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE]);
        client.record_durable(opened(1_000));
        drop(client);
        forge::agreed_to_something_else(&home.store(), change);
        let client = home.start(&server);
        stays_closed(&home, &server, &client, why);
        // The manifest still shows what the person agreed to.
        assert!(client.manifest().unwrap().scope(USAGE).unwrap().agreed.is_some(), "{why}");
        opens_after_a_new_grant(&home, &server, &client, why);
    }
}

/// Makes a store with a grant whose contract on disk is altered by `change`, as another build would have written it.
/// Returns the store, the receiver and a client started on that store.
fn after(change: fn(&mut serde_json::Value)) -> (Home, Server, Client) {
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[USAGE]));
    forge::agreed_to_something_else(&home.store(), change);
    let client = home.start(&server);
    (home, server, client)
}

#[test]
fn a_build_that_asks_for_less_asks_nobody() {
    type Change = (&'static str, fn(&mut serde_json::Value));
    let changes: [Change; 6] = [
        ("kept for less now", |was| was["retention_days"] = json!(3_650)),
        ("no longer trains models", |was| was["uses"]["training"] = json!({"yes": "for search"})),
        ("one processor less", |was| was["processors"] = json!(["Cloud Ltd"])),
        ("another address to write to", |was| was["controller"]["contact"] = json!("old@example.org")),
        ("finer before", |was| {
            let finer: Vec<i64> = (0..=1_024).collect();
            was["events"][0]["fields"][0]["precision"]["cuts"] = json!(finer);
        }),
        ("one event more before", |was| {
            let more = json!({"name": "library.sorted", "linkage": "none", "fields": []});
            was["events"].as_array_mut().unwrap().push(more);
        }),
    ];
    for (why, change) in changes {
        let (home, server, client) = after(change);
        assert_eq!(state(&client, USAGE), State::Granted, "{why}");
        client.record_durable(opened(5));
        home.clock.advance(DAY);
        send(&client);
        assert!(server.lines()[0].contains(r#""intValue":"5""#), "{why}: {:?}", server.lines());
    }
}

/// Checks that the scope is open but held to what was agreed. Records an event and returns the lines that are sent.
#[track_caller]
fn held_back(home: &Home, server: &Server, client: &Client) -> Vec<String> {
    let status = client.status(USAGE).unwrap();
    assert!(status.state == State::Superseded && status.is_open(), "{status:?}");
    assert!(status.changes.iter().any(|change| change.effect == Effect::HeldBack), "{status:?}");
    client.record_durable(opened(5));
    home.clock.advance(DAY);
    let _ = client.flush(HANG).unwrap();
    server.lines()
}

#[test]
fn a_field_that_was_not_agreed_to_is_left_out_until_it_is() {
    let (home, server, client) = after(|was| drop(was["events"][0]["fields"].as_array_mut().unwrap().remove(0)));
    let lines = held_back(&home, &server, &client);
    assert!(lines.len() == 1 && !lines[0].contains("shelves"), "{lines:?}");
    opens_after_a_new_grant(&home, &server, &client, "a field was added");
}

#[test]
fn finer_steps_are_floored_to_those_that_were_agreed_to() {
    let (home, server, client) = after(|was| was["events"][0]["fields"][0]["precision"]["cuts"] = json!([0, 3, 1_024]));
    let lines = held_back(&home, &server, &client);
    assert!(lines.len() == 1 && lines[0].contains(r#""intValue":"3""#), "{lines:?}");
    opens_after_a_new_grant(&home, &server, &client, "finer than before");
}

#[test]
fn steps_that_cross_the_agreed_ones_are_left_out() {
    let (home, server, client) = after(|was| was["events"][0]["fields"][0]["precision"]["cuts"] = json!([0, 4, 1_024]));
    let lines = held_back(&home, &server, &client);
    assert!(lines.len() == 1 && !lines[0].contains("shelves"), "{lines:?}");
}

#[test]
fn an_event_that_was_not_agreed_to_is_not_kept() {
    let (home, server, client) = after(|was| was["events"] = json!([]));
    assert!(held_back(&home, &server, &client).is_empty());
    let dropped = client.manifest().unwrap().outcomes.dropped;
    assert!(dropped.iter().any(|it| it.reason == candor::DropReason::HeldBack && it.count == 1), "{dropped:?}");
    assert!(home.all_waiting().is_empty());
    opens_after_a_new_grant(&home, &server, &client, "an event was added");
}

#[test]
fn a_forged_record_that_changes_nothing_is_accepted() {
    // The control: the scopes above are closed because of the difference, not because of the forging.
    let (home, server) = (Home::new(), Server::new());
    drop(home.start_granted(&server, &[USAGE, CONNECTIVITY]));
    forge::agreed_to_something_else(&home.store(), |_| {});
    let client = home.start(&server);
    assert!(client.status(USAGE).unwrap().is_open() && client.status(CONNECTIVITY).unwrap().is_open());
}

#[test]
fn the_same_terms_under_another_version_stay_open() {
    let (home, server) = (Home::new(), Server::new());
    let client = Client::new(home.config(&server).version("1.2.3")).unwrap();
    client.grant(USAGE).unwrap();
    client.record_durable(opened(2));
    drop(client);
    let client = Client::new(home.config(&server).version("1.3.0")).unwrap();
    assert_eq!(state(&client, USAGE), State::Granted);
    send(&client);
    assert_eq!(server.lines().len(), 1);
}

#[test]
fn what_is_superseded_can_be_taken_back() {
    let (home, old, new) = (Home::new(), Server::new(), Server::new());
    let client = home.start_granted(&old, &[CONNECTIVITY]);
    client.record_durable(unreachable());
    drop(client);
    let client = home.start(&new);
    assert_eq!(state(&client, CONNECTIVITY), State::Superseded);
    let receipt = client.withdraw(CONNECTIVITY).unwrap();
    assert_eq!(receipt.decision, Decision::Withdrawn);
    assert!(receipt.confirmed && receipt.destroyed.secret && receipt.destroyed.files > 0);
    assert!(home.all_waiting().is_empty());
    drop(client);
    // Going back to the old build restores nothing.
    let client = home.start(&old);
    assert_eq!(state(&client, CONNECTIVITY), State::Withdrawn);
    send(&client);
    assert_eq!(old.connections() + new.connections(), 0);
}
