//! The question that `examples/ask_first` asks in a terminal: equal answers, none preselected, and no answer is a refusal.

use crate::{
    ask::ask,
    events::USAGE,
    forge,
    home::{Home, state},
    server::Server,
};
use candor::{
    Client,
    consent::{Decision, State},
};

/// Asks with `text` as the person's input. Returns the decision and what the person saw.
fn typed(client: &Client, text: &str) -> (Decision, String) {
    let mut out = Vec::new();
    let receipt = ask(client.prompt(USAGE).unwrap(), &mut text.as_bytes(), &mut out).unwrap().unwrap();
    (receipt.decision, String::from_utf8(out).unwrap())
}

#[test]
fn each_answer_is_recorded_as_it_was_given() {
    let all = [
        ("1\n", State::Granted, Decision::Granted),
        ("2\n", State::Denied, Decision::Denied),
        ("3\n", State::Deferred, Decision::Deferred),
        ("what?\n1\n", State::Granted, Decision::Granted),
        (" 2 \n", State::Denied, Decision::Denied),
    ];
    for (text, expected, decision) in all {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start(&server);
        assert_eq!(typed(&client, text).0, decision, "{text:?}");
        assert_eq!(state(&client, USAGE), expected, "{text:?}");
    }
}

#[test]
fn nothing_is_chosen_beforehand() {
    for text in ["", "\n\n\n", "y\nyes\nSend\n", "0\n4\n-1\n", "1"] {
        let (home, server) = (Home::new(), Server::new());
        let client = home.start(&server);
        let (decision, seen) = typed(&client, text);
        if text == "1" {
            assert_eq!(decision, Decision::Granted, "a last line without its end is a line");
            continue;
        }
        assert_eq!(decision, Decision::Denied, "{text:?}");
        assert_eq!(state(&client, USAGE), State::Denied);
        assert!(seen.contains("No answer is an answer"), "{seen}");
    }
}

#[test]
fn the_answers_look_alike_under_the_whole_notice() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let notice = client.notice(USAGE).unwrap().to_string();
    let (_, seen) = typed(&client, "2\n");
    assert!(seen.starts_with(&notice), "{seen}");
    let answers: Vec<&str> = seen[notice.len()..].lines().filter(|line| line.starts_with("  ")).collect();
    assert_eq!(answers, ["  1  Send", "  2  Don't send", "  3  Ask me later"]);
}

#[test]
fn asked_for_more_it_is_extend_keep_and_stop() {
    for (text, expected) in
        [("1\n", State::Granted), ("2\n", State::Superseded), ("3\n", State::Withdrawn), ("", State::Superseded)]
    {
        let (home, server) = (Home::new(), Server::new());
        drop(home.start_granted(&server, &[USAGE]));
        forge::agreed_to_something_else(&home.store(), |was| {
            was["events"][0]["fields"].as_array_mut().unwrap().retain(|field| field["name"] != "sorted");
        });
        let client = home.start(&server);
        let (_, seen) = typed(&client, text);
        for said in ["  1  Extend\n  2  Keep as before\n  3  Stop it all\n", "field library.opened.sorted: none -> new"]
        {
            assert!(seen.contains(said), "{seen}");
        }
        assert_eq!(state(&client, USAGE), expected, "{text:?}");
        // If the input ends without an answer, what was agreed to before stays in force, and the text says so.
        assert_eq!(seen.contains("it stays as you agreed before"), text.is_empty(), "{seen}");
        assert!(!seen.contains("nothing more is sent"), "{seen}");
    }
}
