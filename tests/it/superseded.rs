//! Promise 4, consent covers what was shown: a build that would do something else is closed until the person is asked.

use crate::{
    events::{CONNECTIVITY, USAGE, opened, unreachable},
    forge,
    home::{DAY, HANG, Home, say_yes, send, state},
    server::Server,
    stage::CONTROLLER,
};
use candor::{AddressLog, Client, Config, Controller, Erasure, consent::State};
use serde_json::json;

/// The program starts in a form the person did not agree to: closed, silent, and asking needs a notice.
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
    assert!(error.to_string().contains("granted for something else"), "{why}: {error}");
}

/// What was recorded under the old terms does not leave under the new ones, and the new ones work.
#[track_caller]
fn opens_anew(home: &Home, server: &Server, client: &Client, why: &str) {
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
        ("another company", |old| Controller { legal_name: "Bought It SA", ..old }),
        ("another contact", |old| Controller { contact: "legal@bought.example", ..old }),
        ("one more processor", |old| Controller { processors: &["Cloud Ltd"], ..old }),
        ("another country", |old| Controller { hosting_countries: &["FR", "US"], ..old }),
        ("passed on to others", |old| Controller { onward_sharing: &["Ads Inc"], ..old }),
        ("addresses are kept", |old| Controller { address_log: AddressLog::Days(30), ..old }),
        ("erasure takes longer", |old| Controller { erasure: Erasure::WithinDays(90), ..old }),
        ("no erasure", |old| Controller { erasure: Erasure::Unsupported, ..old }),
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
        opens_anew(&home, &server, &client, why);
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
    opens_anew(&home, &new, &client, "another endpoint");
    assert_eq!(old.connections(), 0);
}

#[test]
fn other_terms_in_the_program_close_until_asked_again() {
    type Change = (&'static str, fn(&mut serde_json::Value));
    // The record of another build, since this one has but one retention for each scope.
    let changes: [Change; 7] = [
        ("kept for longer now", |was| was["retention_days"] = json!(7)),
        ("kept for less now", |was| was["retention_days"] = json!(3_650)),
        ("another revision of the purpose", |was| was["revision"] = json!(1)),
        ("a promise that is gone", |was| was["also_never"] = json!(["reading your library"])),
        ("trains models now", |was| was["uses"]["training"] = json!({"yes": "never said so"})),
        ("a field was added", |was| drop(was["events"][0]["fields"].as_array_mut().unwrap().pop())),
        ("finer than before", |was| was["events"][0]["fields"][0]["precision"]["cuts"] = json!([0, 1_024])),
    ];
    for (why, change) in changes {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[USAGE]);
        client.record_durable(opened(1_000));
        drop(client);
        forge::agreed_to_something_else(&home.store(), change);
        let client = home.start(&server);
        stays_closed(&home, &server, &client, why);
        // The person still finds what they did agree to.
        assert!(client.manifest().unwrap().scope(USAGE).unwrap().agreed.is_some(), "{why}");
        opens_anew(&home, &server, &client, why);
    }
}

#[test]
fn a_forged_record_that_changes_nothing_is_accepted() {
    // The control: what closes above is the difference, not the forging.
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
    assert_eq!(receipt.decision, "withdrawn");
    assert!(receipt.confirmed && receipt.destroyed.secret && receipt.destroyed.files > 0);
    assert!(home.all_waiting().is_empty());
    drop(client);
    // Going back to the old build brings nothing back.
    let client = home.start(&old);
    assert_eq!(state(&client, CONNECTIVITY), State::Withdrawn);
    send(&client);
    assert_eq!(old.connections() + new.connections(), 0);
}
