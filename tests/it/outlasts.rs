//! Promise 8, a refusal outlasts what comes after it: an end of the grant that the person did not decide, older records
//! that are put back, a new version, a field that is switched off, a second answer.

use crate::{
    events::{PLAYBACK, USAGE, film, opened},
    files, forge,
    home::{DAY, Home, say_yes, state},
    server::Server,
};
use candor::{
    Client,
    consent::{Decision, MayAsk, State, WhyNot},
};
use serde_json::json;

#[track_caller]
fn why_not(client: &Client) -> WhyNot {
    match client.may_ask(USAGE).unwrap() {
        MayAsk::No { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

/// A client whose requests also name a version, so that its contract is wider.
fn wider(home: &Home, server: &Server) -> Client {
    Client::new(home.config(server).version("9.1")).unwrap()
}

#[test]
fn a_withdrawal_after_the_end_is_written_down() {
    type End = fn(&Home, &Server);
    let ends: [(&str, End, WhyNot); 2] = [
        (
            "expired",
            |home, server| {
                drop(Client::new(home.config(server).validity_days(1)).unwrap().grant(USAGE).unwrap());
                home.clock.advance(DAY * 2);
            },
            // Whether or not the expiry was written down before.
            WhyNot::Withdrawn,
        ),
        (
            "revoked",
            |home, server| {
                drop(home.start_granted(server, &[USAGE]).revoke(USAGE, "a key leaked").unwrap());
            },
            WhyNot::Answered,
        ),
    ];
    for (decision, end, why) in ends {
        let (home, server) = (Home::new(), Server::new());
        end(&home, &server);
        let client = home.start(&server);
        assert_eq!(client.receipt(USAGE).unwrap().decision.name(), decision);
        assert!(client.may_ask(USAGE).unwrap().is_yes(), "{decision}: the control");
        let receipt = client.withdraw(USAGE).unwrap();
        assert_ne!(receipt.decision.name(), decision, "what the person did is on record");
        assert!(client.grant(USAGE).unwrap_err().needs_notice(), "{decision}: a bare grant after a withdrawal");
        assert_eq!(why_not(&client), why, "{decision}");
    }
}

#[test]
fn a_refusal_after_a_withdrawal_makes_it_no_weaker() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.withdraw(USAGE).unwrap();
    client.deny(USAGE).unwrap();
    client.deny(USAGE).unwrap();
    drop(client);
    home.clock.advance(DAY * 400);
    assert_eq!(why_not(&wider(&home, &server)), WhyNot::Answered, "only they begin again");
}

#[test]
fn a_store_from_before_the_refusal_does_not_open_to_a_bare_grant() {
    type Act = fn(&Client);
    let never: Act = |_| {};
    let put_off: Act = |client| drop(client.defer(USAGE).unwrap());
    let revoked: Act = |client| {
        client.grant(USAGE).unwrap();
        client.revoke(USAGE, "the notice was wrong").unwrap();
    };
    for (before, act) in [("never asked", never), ("put off", put_off), ("revoked", revoked)] {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start_granted(&server, &[PLAYBACK]);
        act(&client);
        drop(client);
        let kept = home.path().join("backup");
        files::copy(&home.store(), &kept);
        // The control: a copy that is put back immediately reads as before.
        files::restore(&kept, &home.store());
        assert_ne!(state(&home.start(&server), USAGE), State::Unreadable, "{before}");
        let client = home.start(&server);
        client.deny(USAGE).unwrap();
        drop(client);
        files::restore(&kept, &home.store());
        home.clock.advance(DAY * 60);
        let client = home.start(&server);
        assert_eq!(state(&client, USAGE), State::Unreadable, "{before}");
        assert_eq!(why_not(&client), WhyNot::Unreadable, "{before}: there was a no");
        assert!(client.grant(USAGE).unwrap_err().needs_notice(), "{before}");
        client.record_with(|| -> crate::events::LibraryOpened { panic!("{before}: nobody agreed") });
        // A scope that was not decided about since then is still granted.
        assert!(client.status(PLAYBACK).unwrap().is_open(), "{before}");
        say_yes(&client, USAGE);
        assert_eq!(state(&client, USAGE), State::Granted);
    }
}

#[test]
fn a_refusal_of_more_is_a_refusal_of_less() {
    let (home, server) = (Home::new(), Server::new());
    wider(&home, &server).deny(USAGE).unwrap();
    home.clock.advance(DAY * 400);
    assert_eq!(why_not(&home.start(&server)), WhyNot::Answered, "it asks for less than was refused");
    // The control: a program that asks for more may ask again after half a year.
    let (home, server) = (Home::new(), Server::new());
    home.start(&server).deny(USAGE).unwrap();
    home.clock.advance(DAY * 400);
    assert!(wider(&home, &server).may_ask(USAGE).unwrap().is_yes());
    // The refused contract can't be read any more, so it may have been this one.
    std::fs::remove_dir_all(home.store().join("contracts")).unwrap();
    assert_eq!(why_not(&wider(&home, &server)), WhyNot::Answered);
}

/// A granted scope that is held to less than this build would record.
fn held(home: &Home, server: &Server) -> Client {
    drop(home.start_granted(server, &[USAGE]));
    forge::agreed_to_something_else(&home.store(), |was| {
        was["events"][0]["fields"].as_array_mut().unwrap().retain(|field| field["name"] != "sorted");
    });
    home.start(server)
}

#[test]
fn a_refusal_of_more_outlasts_the_grant_that_it_limited() {
    let (home, server) = (Home::new(), Server::new());
    let client = held(&home, &server);
    assert!(client.may_ask(USAGE).unwrap().is_yes(), "the control");
    client.keep(USAGE).unwrap();
    client.revoke(USAGE, "an account moved").unwrap();
    assert_eq!(why_not(&client), WhyNot::Answered, "ending the yes does not undo the no");
    drop(client);

    let (home, server) = (Home::new(), Server::new());
    held(&home, &server).keep(USAGE).unwrap();
    home.clock.advance(DAY * 400);
    let client = home.start(&server);
    assert_eq!(client.receipt(USAGE).unwrap().decision, Decision::Expired);
    assert_eq!(why_not(&client), WhyNot::Answered);
}

#[test]
fn what_was_declined_is_opened_by_no_bare_grant_once_the_grant_is_over() {
    for declines in [true, false] {
        let (home, server) = (Home::new(), Server::new());
        let client = held(&home, &server);
        if declines {
            client.keep(USAGE).unwrap();
        }
        drop(client);
        home.clock.advance(DAY * 400);
        for start in 0..2 {
            let client = home.start(&server);
            assert_eq!(state(&client, USAGE), State::Expired);
            let error = client.grant(USAGE).unwrap_err();
            assert!(error.needs_notice(), "declined: {declines}, start {start}: {error}");
            // The expiry is written down by now.
            let _ = client.flush(std::time::Duration::from_secs(1));
        }
        say_yes(&home.start(&server), USAGE);
    }
}

#[test]
fn a_switch_after_a_refusal_of_more_does_not_let_the_program_ask_sooner() {
    let (home, server) = (Home::new(), Server::new());
    let client = held(&home, &server);
    client.keep(USAGE).unwrap();
    client.switch_off(USAGE, "library.opened.shelves").unwrap();
    drop(client);
    assert_eq!(why_not(&wider(&home, &server)), WhyNot::SoonAfterANo);
}

#[test]
fn a_field_that_was_switched_off_stays_off_under_a_grant_after_the_last_day() {
    let (home, server) = (Home::new(), Server::new());
    let client = Client::new(home.config(&server).validity_days(1)).unwrap();
    client.grant(USAGE).unwrap();
    client.switch_off(USAGE, "library.opened.sorted").unwrap();
    drop(client);
    home.clock.advance(DAY * 2);
    let client = home.start(&server);
    assert_eq!(state(&client, USAGE), State::Expired);
    client.grant(USAGE).unwrap();
    assert_eq!(client.status(USAGE).unwrap().switched_off, ["library.opened.sorted"]);
    client.record_durable(opened(2));
    assert!(!crate::home::waiting(&client, USAGE)[0].contains("sorted"));
}

#[test]
fn narrowing_a_grant_makes_it_no_younger() {
    let (home, server) = (Home::new(), Server::new());
    let rules = home.path().join("policy.d");
    std::fs::create_dir_all(&rules).unwrap();
    let rule = json!({"candor_policy": 1, "rule": "Thirty days", "validity_days": 30});
    std::fs::write(rules.join("a.json"), rule.to_string()).unwrap();
    let config = || home.config(&server).policy_directory(&rules);
    let client = Client::new(config()).unwrap();
    client.grant(USAGE).unwrap();
    let status = client.status(USAGE).unwrap();
    home.clock.advance(DAY * 20);
    client.switch_off(USAGE, "library.opened.sorted").unwrap();
    client.keep(USAGE).unwrap();
    let after = client.status(USAGE).unwrap();
    assert_eq!((after.until, after.since), (status.until, status.since));
    home.clock.advance(DAY * 11);
    assert_eq!(state(&client, USAGE), State::Expired);
}

#[test]
fn a_clock_that_went_back_is_not_trusted_because_something_narrowed() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    let now = home.clock.day_nanos() as i64 / 1_000_000_000 + 43_200;
    home.clock.jump_to(now - 300 * 86_400);
    assert!(!client.status(USAGE).unwrap().is_open(), "the control");
    let _ = client.switch_off(USAGE, "library.opened.sorted");
    assert!(!client.status(USAGE).unwrap().is_open());
    client.record_durable(opened(2));
    assert!(home.all_waiting().is_empty());
}

#[test]
fn a_refusal_that_could_not_be_written_is_found_at_the_next_start() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[PLAYBACK]);
    let lock = std::fs::File::options().read(true).write(true).open(home.store().join("consent.lock")).unwrap();
    lock.lock().unwrap();
    assert!(client.deny(USAGE).is_err(), "another process keeps the lock");
    assert_eq!(state(&client, USAGE), State::Denied, "its tombstone says it");
    drop(lock);
    drop(client);
    let client = home.start(&server);
    assert_eq!(state(&client, USAGE), State::Denied);
    assert!(!client.may_ask(USAGE).unwrap().is_yes());
    assert!(client.grant(USAGE).unwrap_err().needs_notice());
    client.record_durable(film());
    assert!(client.status(PLAYBACK).unwrap().is_open(), "the other one is in force");
}

#[test]
fn a_grant_after_two_withdrawals_opens_whichever_process_sees_it_first() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.withdraw(USAGE).unwrap();
    client.withdraw(USAGE).unwrap();
    let other = home.start(&server);
    say_yes(&other, USAGE);
    assert!(client.status(USAGE).unwrap().is_open(), "a look, while nothing was decided here");
    client.record_durable(opened(2));
    assert_eq!(crate::home::waiting(&client, USAGE).len(), 1, "and the gate is where the status says");
    say_yes(&client, USAGE);
    client.record_durable(opened(2));
    assert_eq!(crate::home::waiting(&client, USAGE).len(), 2);
}

#[test]
fn a_preference_about_questions_can_be_set_again_after_records_from_before() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    client.stop_asking_about_widenings().unwrap();
    client.ask_about_widenings().unwrap();
    let kept = home.path().join("backup");
    files::copy(&home.store(), &kept);
    client.stop_asking_about_widenings().unwrap();
    drop(client);
    files::restore(&kept, &home.store());
    let client = wider(&home, &server);
    assert_eq!(why_not(&client), WhyNot::AskNoMore, "records from before do not ask for questions");
    client.ask_about_widenings().unwrap();
    assert!(client.may_ask(USAGE).unwrap().is_yes());
}
