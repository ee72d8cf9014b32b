//! Promise 8, a refusal counts: when a program may ask on its own, and what closing a question means.

use crate::{
    events::{CONNECTIVITY, PLAYBACK, USAGE, film, opened},
    files, forge,
    home::{DAY, HANG, Home, say_yes, state},
    server::Server,
    stage::CONTROLLER,
};
use candor::{
    Audience, Client, Config,
    consent::{Decision, MayAsk, State, WhyNot},
};
use std::{fs, path::Path};

#[track_caller]
fn why_not(client: &Client) -> WhyNot {
    match client.may_ask(USAGE).unwrap() {
        MayAsk::No { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

/// A build with another contract: its envelope names another version.
fn another_build(home: &Home, server: &Server) -> Client {
    Client::new(home.config(server).version("9.1")).unwrap()
}

/// Makes the recorded contract smaller, so that this build asks for more than the person agreed to.
fn agreed_to_less(was: &mut serde_json::Value) {
    was["events"][0]["fields"].as_array_mut().unwrap().retain(|field| field["name"] != "sorted");
}

#[test]
fn asking_leaves_no_trace_but_that_the_question_was_shown() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    assert_eq!(client.may_ask(USAGE).unwrap(), MayAsk::Yes { later: true });
    assert!(files::tree(&home.path()).is_empty(), "whether it may ask is no question");
    let prompt = client.prompt(USAGE).unwrap();
    assert_eq!(prompt.notice(), &client.notice(USAGE).unwrap());
    assert!(prompt.changes().is_empty() && !prompt.is_about_more() && prompt.can_wait());
    let shown = home.store().join("usage.shown");
    let made: Vec<_> = files::tree(&home.store()).into_keys().collect();
    assert_eq!(made, ["consent.lock", "usage.shown"]);
    assert!(files::tree(&home.marks()).is_empty());
    let receipt = prompt.yes("first start").unwrap();
    assert!(!shown.exists(), "the answer takes its place");
    assert_eq!((receipt.decision, receipt.via.as_deref()), (Decision::Granted, Some("first start")));
    assert_eq!(state(&client, USAGE), State::Granted);
}

#[test]
fn the_person_may_pick_the_language_of_the_question() {
    let (home, server) = (Home::new(), Server::new());
    let client = Client::new(home.config(&server).translation(crate::language::french())).unwrap();
    let mut prompt = client.prompt(USAGE).unwrap();
    assert!(prompt.show_in("tlh").unwrap_err().needs_language());
    prompt.show_in("fr").unwrap();
    assert_eq!(prompt.notice().language(), "fr");
    assert_eq!(prompt.yes("first start").unwrap().language.as_deref(), Some("fr"));
}

#[test]
fn one_question_at_a_time_and_one_a_run() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let first = client.prompt(USAGE).unwrap();
    let error = client.prompt(PLAYBACK).unwrap_err();
    assert!(error.may_not_ask() && error.to_string().contains("`playback`"), "{error}");
    first.no().unwrap();
    assert!(client.prompt(PLAYBACK).unwrap_err().may_not_ask(), "nor after the first was answered");
    assert_eq!(state(&client, PLAYBACK), State::NeverAsked, "what was not asked was not answered");
    drop(client);
    let client = home.start(&server);
    assert!(client.prompt(PLAYBACK).is_ok());
}

#[test]
fn a_refusal_holds_for_what_it_was_given_to_and_half_a_year_for_anything_else() {
    let (home, server) = (Home::new(), Server::new());
    home.start(&server).prompt(USAGE).unwrap().no().unwrap();
    let no = home.start(&server).may_ask(USAGE).unwrap();
    assert_eq!(no, MayAsk::No { why: WhyNot::Answered, not_before: None });
    match another_build(&home, &server).may_ask(USAGE).unwrap() {
        MayAsk::No { why: WhyNot::SoonAfterANo, not_before: Some(when) } => assert!(when.ends_with('Z'), "{when}"),
        other => panic!("{other:?}"),
    }
    home.clock.advance(DAY * 182);
    assert_eq!(why_not(&another_build(&home, &server)), WhyNot::SoonAfterANo);
    home.clock.advance(DAY);
    assert!(another_build(&home, &server).may_ask(USAGE).unwrap().is_yes());
    home.clock.advance(DAY * 3_650);
    assert_eq!(why_not(&home.start(&server)), WhyNot::Answered, "not about the same, however long ago");
    // The settings page can always be used.
    let client = home.start(&server);
    say_yes(&client, USAGE);
    assert_eq!(state(&client, USAGE), State::Granted);
}

#[test]
fn closing_the_question_is_a_refusal() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    drop(client.prompt(USAGE).unwrap());
    assert_eq!(state(&client, USAGE), State::Denied);
    assert!(client.grant(USAGE).unwrap_err().needs_notice());
}

#[test]
fn later_works_twice_a_month_apart() {
    let (home, server) = (Home::new(), Server::new());
    for round in 1..=2 {
        let client = home.start(&server);
        assert_eq!(client.may_ask(USAGE).unwrap(), MayAsk::Yes { later: true }, "round {round}");
        assert_eq!(client.prompt(USAGE).unwrap().later().unwrap().decision, Decision::Deferred);
        assert_eq!(state(&client, USAGE), State::Deferred);
        assert!(client.manifest().unwrap().to_string().contains("later, since"));
        client.record_with(|| -> crate::events::LibraryOpened { panic!("later is no yes") });
        assert!(client.grant(USAGE).unwrap_err().needs_notice(), "nor does the scope alone open it");
        drop(client);
        assert_eq!(why_not(&home.start(&server)), WhyNot::Later);
        home.clock.advance(DAY * 29);
        assert_eq!(why_not(&home.start(&server)), WhyNot::Later);
        home.clock.advance(DAY);
    }
    let client = home.start(&server);
    assert_eq!(client.may_ask(USAGE).unwrap(), MayAsk::Yes { later: false });
    assert_eq!(client.prompt(USAGE).unwrap().later().unwrap().decision, Decision::Denied, "the third time it is a no");
    assert_eq!(why_not(&home.start(&server)), WhyNot::Answered);
    assert_eq!(server.connections(), 0);
}

#[test]
fn later_after_a_refusal_changes_nothing() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let no = client.deny(USAGE).unwrap();
    let later = client.defer(USAGE).unwrap();
    assert_eq!((later.decision, later.line), (no.decision, no.line));
    client.grant(CONNECTIVITY).unwrap();
    client.withdraw(CONNECTIVITY).unwrap();
    assert_eq!(client.defer(CONNECTIVITY).unwrap().decision, Decision::Withdrawn);
}

#[test]
fn who_withdrew_a_grant_is_left_alone() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    assert_eq!(why_not(&client), WhyNot::Granted);
    client.withdraw(USAGE).unwrap();
    drop(client);
    home.clock.advance(DAY * 3_650);
    assert_eq!(why_not(&another_build(&home, &server)), WhyNot::Withdrawn);
}

#[test]
fn what_is_over_or_ended_by_the_program_may_be_asked_once() {
    let (home, server) = (Home::new(), Server::new());
    drop(Client::new(home.config(&server).validity_days(1)).unwrap().grant(USAGE).unwrap());
    home.clock.advance(DAY * 2);
    assert!(home.start(&server).may_ask(USAGE).unwrap().is_yes());
    home.start(&server).prompt(USAGE).unwrap().no().unwrap();
    assert_eq!(why_not(&home.start(&server)), WhyNot::Answered);

    let client = home.start(&server);
    say_yes(&client, USAGE);
    client.record_durable(opened(2));
    let receipt = client.revoke(USAGE, "the notice was wrong").unwrap();
    assert_eq!((receipt.decision, receipt.confirmed), (Decision::Revoked, true));
    assert!(receipt.destroyed.bytes > 0 && receipt.to_string().contains("the notice was wrong"));
    assert_eq!(state(&client, USAGE), State::Revoked);
    assert!(home.all_waiting().is_empty());
    assert!(client.grant(USAGE).unwrap_err().needs_notice());
    assert!(client.revoke(CONNECTIVITY, "nothing to end").is_err());
    drop(client);
    assert!(home.start(&server).may_ask(USAGE).unwrap().is_yes());
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_clock_that_went_back_asks_nothing() {
    let (home, server) = (Home::new(), Server::new());
    home.start(&server).defer(USAGE).unwrap();
    let now = home.clock.day_nanos() as i64 / 1_000_000_000;
    home.clock.jump_to(now - 40 * 86_400);
    assert_eq!(why_not(&home.start(&server)), WhyNot::Clock);
    home.clock.jump_to(now + 40 * 86_400);
    assert!(home.start(&server).may_ask(USAGE).unwrap().is_yes());
}

#[test]
fn a_grant_from_the_future_is_not_trusted() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    let now = home.clock.day_nanos() as i64 / 1_000_000_000 + 43_200;
    home.clock.jump_to(now - 3 * 86_400);
    let status = client.status(USAGE).unwrap();
    assert!(!status.is_open() && status.trouble.as_ref().unwrap().contains("clock"), "{status:?}");
    let page = client.manifest().unwrap().to_string();
    assert!(page.contains("off until this is over") && !page.contains("you are asked again"), "{page}");
    client.record_durable(opened(2));
    assert!(home.all_waiting().is_empty());
    // Half a day can be a time zone. It does not make the clock suspect.
    home.clock.jump_to(now - 43_200);
    assert!(client.status(USAGE).unwrap().is_open());
    home.clock.jump_to(now - 3 * 86_400);
    say_yes(&client, USAGE);
    assert!(client.status(USAGE).unwrap().is_open(), "a new yes is one by this clock");
}

#[test]
fn lost_records_are_no_reason_to_ask() {
    let (home, server) = (Home::new(), Server::new());
    home.start(&server).deny(USAGE).unwrap();
    std::fs::remove_file(home.store().join("consent")).unwrap();
    assert_eq!(why_not(&home.start(&server)), WhyNot::Unreadable);
}

/// Before it shows a question, the program checks everything that a grant reads or creates. It never asks for an answer that
/// can't be kept.
#[cfg(unix)]
#[test]
fn nobody_is_asked_where_a_file_is_in_the_way_of_the_answer() {
    type Act = fn(&Path);
    let to_others: Act = |path| {
        if !path.exists() {
            files::write(path, b"");
        }
        files::mode(path, 0o644);
    };
    let file: Act = |path| files::write(path, b"somebody's own");
    let link: Act = |path| {
        files::make_dir(path.parent().unwrap());
        std::os::unix::fs::symlink("/tmp", path).unwrap();
    };
    let directory: Act = |path| files::make_dir(path);
    let cases = [
        ("keys", to_others),
        ("contracts", file),
        ("usage.life", to_others),
        ("usage.life", directory),
        ("waiting", link),
        ("counts/usage", link),
        ("outbox/usage", file),
        ("trash", link),
        ("consent.lock", to_others),
        ("consent.new", directory),
        ("keys.new", directory),
    ];
    for (name, act) in cases {
        let (home, server) = (Home::new(), Server::new());
        drop(home.start_granted(&server, &[PLAYBACK]));
        let path = home.store().join(name);
        let aside = home.path().join("aside");
        let was_there = path.exists();
        if was_there && !matches!(name, "keys" | "consent.lock") {
            fs::rename(&path, &aside).unwrap();
        }
        files::make_dir(path.parent().unwrap());
        act(&path);
        let client = home.start(&server);
        assert_eq!(why_not(&client), WhyNot::InTheWay, "{name}");
        let error = client.prompt(USAGE).unwrap_err();
        let named = path.display().to_string();
        assert!(error.may_not_ask() && error.to_string().contains(&named), "{name}: {error}");
        let trouble = client.status(USAGE).unwrap().trouble.unwrap();
        assert!(trouble.contains(&named), "{name}: {trouble}");
        let error = client.grant(USAGE.shown(&client.notice(USAGE).unwrap())).unwrap_err();
        assert!(error.is_store(), "{name}: it is in the way: {error}");
        assert!(!home.store().join("usage.shown").exists(), "{name}: nothing was shown");
        drop(client);
        if matches!(name, "keys" | "consent.lock") {
            files::mode(&path, 0o600);
        } else {
            fs::remove_file(&path).or_else(|_| fs::remove_dir(&path)).unwrap();
        }
        if aside.exists() {
            fs::rename(&aside, &path).unwrap();
        }
        home.start(&server).prompt(USAGE).unwrap().yes("first start").unwrap();
    }
}

/// A program that wants more than was agreed to.
fn wider(home: &Home, server: &Server) -> Client {
    drop(home.start_granted(server, &[USAGE]));
    forge::agreed_to_something_else(&home.store(), agreed_to_less);
    home.start(server)
}

/// Whether records still hold what was agreed to, and no more.
fn keeps_the_old(client: &Client) -> bool {
    client.record_durable(candor_it_sorted());
    let line = crate::home::waiting(client, USAGE).pop().unwrap();
    line.contains("shelves") && !line.contains("sorted")
}

fn candor_it_sorted() -> crate::events::LibraryOpened {
    crate::events::LibraryOpened { shelves: 2, sorted: Some(true) }
}

#[test]
fn keep_as_before_is_an_answer() {
    let (home, server) = (Home::new(), Server::new());
    let client = wider(&home, &server);
    assert!(keeps_the_old(&client));
    let waited = crate::home::waiting(&client, USAGE);
    let prompt = client.prompt(USAGE).unwrap();
    assert!(prompt.is_about_more());
    assert!(prompt.changes().iter().any(|change| change.axis.ends_with("library.opened.sorted")), "{prompt:?}");
    let epoch = client.receipt(USAGE).unwrap().epoch;
    let receipt = prompt.no().unwrap();
    assert_eq!((receipt.decision, receipt.epoch), (Decision::Kept, epoch));
    assert_eq!(crate::home::waiting(&client, USAGE), waited, "what waited waits");
    assert!(client.status(USAGE).unwrap().is_open() && keeps_the_old(&client));
    drop(client);
    let client = home.start(&server);
    assert_eq!(why_not(&client), WhyNot::Answered, "once a contract");
    assert!(keeps_the_old(&client));
    drop(client);
    match another_build(&home, &server).may_ask(USAGE).unwrap() {
        MayAsk::No { why, .. } => assert_eq!(why, WhyNot::SoonAfterANo),
        other => panic!("{other:?}"),
    }
    // The settings page still offers the wider contract.
    let client = home.start(&server);
    say_yes(&client, USAGE);
    assert!(!keeps_the_old(&client));
}

#[test]
fn later_and_closing_keep_what_was_agreed() {
    let (home, server) = (Home::new(), Server::new());
    let client = wider(&home, &server);
    assert_eq!(client.prompt(USAGE).unwrap().later().unwrap().decision, Decision::Kept);
    assert!(client.status(USAGE).unwrap().is_open() && keeps_the_old(&client));
    drop(client);
    assert_eq!(why_not(&home.start(&server)), WhyNot::Later);
    home.clock.advance(DAY * 30);
    drop(home.start(&server).prompt(USAGE).unwrap());
    assert_eq!(why_not(&home.start(&server)), WhyNot::Answered);
    assert!(home.start(&server).status(USAGE).unwrap().is_open());
}

#[test]
fn asked_for_more_a_person_may_stop_it_all() {
    let (home, server) = (Home::new(), Server::new());
    let client = wider(&home, &server);
    assert_eq!(client.prompt(USAGE).unwrap().stop().unwrap().decision, Decision::Withdrawn);
    assert_eq!(state(&client, USAGE), State::Withdrawn);
}

#[test]
fn who_does_not_want_to_be_asked_for_more_is_not() {
    let (home, server) = (Home::new(), Server::new());
    let client = wider(&home, &server);
    assert!(client.may_ask(USAGE).unwrap().is_yes());
    client.stop_asking_about_widenings().unwrap();
    // The scope is open, so its worker may write other files when it next sends. Only these two are compared.
    let said = || ["consent", "ledger.jsonl"].map(|name| std::fs::read(home.store().join(name)).unwrap());
    let once = said();
    client.stop_asking_about_widenings().unwrap();
    assert!(said() == once, "said twice is said once");
    assert_eq!(why_not(&client), WhyNot::AskNoMore);
    assert!(client.status(USAGE).unwrap().is_open() && keeps_the_old(&client));
    drop(client);
    let client = home.start(&server);
    assert_eq!(why_not(&client), WhyNot::AskNoMore);
    // A scope that was never decided is not a wider version of something agreed to.
    assert!(client.may_ask(CONNECTIVITY).unwrap().is_yes());
    client.ask_about_widenings().unwrap();
    assert!(client.may_ask(USAGE).unwrap().is_yes());
}

#[test]
fn a_host_that_grants_by_itself_at_every_start_is_refused_and_named() {
    type Act = fn(&Client);
    let acts: [(&str, Act); 3] = [
        ("a no", |client| drop(client.deny(PLAYBACK).unwrap())),
        ("a withdrawal", |client| {
            client.grant(PLAYBACK).unwrap();
            client.record_durable(film());
            client.withdraw(PLAYBACK).unwrap();
        }),
        ("later", |client| drop(client.defer(PLAYBACK).unwrap())),
    ];
    for (what, act) in acts {
        let (home, server) = (Home::new(), Server::new());
        act(&home.start(&server));
        for start in 1..=20 {
            let client = home.start(&server);
            let page = client.manifest().unwrap().to_string();
            assert!(!page.contains("without asking you"), "{what}: the control");
            for _ in 0..2 {
                let own = PLAYBACK.asked_in_own_words("May we?", "en").via("settings");
                assert!(client.grant(PLAYBACK).unwrap_err().needs_notice(), "{what}, start {start}");
                assert!(what == "later" || client.grant(own).unwrap_err().needs_notice(), "{what}, start {start}");
            }
            client.record_with(|| -> crate::events::PlaybackFinished { panic!("nobody agreed") });
            let status = client.status(PLAYBACK).unwrap();
            assert!(!status.is_open() && status.refused_grants >= 2, "{what}, start {start}");
            let page = client.manifest().unwrap().to_string();
            assert!(page.contains("times to switch it on without asking you"), "{page}");
            let _ = client.flush(HANG).unwrap();
            home.clock.advance(DAY);
        }
        assert!(home.all_waiting().is_empty());
        assert_eq!(server.connections(), 0, "{what}");
    }
}

#[test]
fn words_of_the_programs_own_are_kept_and_said_to_be_unchecked() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let own = USAGE.asked_in_own_words("Dürfen wir zählen, wie viele Regale Sie haben?", "de").via("first start");
    let receipt = client.grant(own).unwrap();
    assert_eq!(receipt.notice.as_deref(), Some("Dürfen wir zählen, wie viele Regale Sie haben?"));
    assert!(client.status(USAGE).unwrap().own_words);
    assert!(client.manifest().unwrap().to_string().contains("not checked"));
    let line = std::fs::read_to_string(home.store().join("ledger.jsonl")).unwrap();
    assert!(line.contains(r#""language":"de""#) && line.contains(r#""own_words":true"#), "{line}");
    // After a grant with a notice from candor, the words count as checked.
    client.withdraw(USAGE).unwrap();
    say_yes(&client, USAGE);
    assert!(!client.status(USAGE).unwrap().own_words);
    assert!(!client.manifest().unwrap().to_string().contains("not checked"));
}

#[test]
fn where_children_may_be_it_takes_a_sign_of_an_adult() {
    let (home, server) = (Home::new(), Server::new());
    let config = |audience| {
        Config::new(crate::home::APPLICATION, CONTROLLER, audience)
            .endpoint(server.endpoint())
            .directories(home.data(), home.config_dir())
            .clock(home.clock.clone())
            .lift_ci_block()
    };
    let refused = |config: Config| {
        let client = Client::new(config).unwrap();
        assert!(client.grant(USAGE).unwrap_err().is_blocked());
        assert!(client.prompt(USAGE).unwrap_err().may_not_ask());
        assert!(client.deny(CONNECTIVITY).is_ok(), "a no is always taken");
    };
    refused(config(Audience::Mixed));
    refused(config(Audience::Mixed).adult("  "));
    refused(config(Audience::Children).adult("an account"));
    let client = Client::new(config(Audience::Mixed).adult("account age check")).unwrap();
    client.grant(USAGE).unwrap();
    assert!(client.status(USAGE).unwrap().is_open());
    let line = std::fs::read_to_string(home.store().join("ledger.jsonl")).unwrap();
    assert!(line.contains(r#""adult":"account age check""#), "{line}");
    client.record_durable(opened(2));
    drop(client);
    // Without the sign of an adult, another user may be at the computer now.
    let client = Client::new(config(Audience::Mixed)).unwrap();
    assert!(!client.status(USAGE).unwrap().is_open());
    assert!(home.all_waiting().is_empty());
}
