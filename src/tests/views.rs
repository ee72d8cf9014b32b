//! Two builds of one program link different events of one scope and share one store, under administrators' rules. Neither build
//! starts a new epoch where the other one continues. A rule that changes starts a new epoch for both, once.

use super::{
    calls, config,
    faulty::{Fault, Faulty},
};
use crate::{Client, consent::State};
use serde_json::{Value, json};
use std::path::Path;

crate::scope! {
    /// Find out what two builds of one program make of the same rules.
    #[scope(crate = crate)]
    pub(crate) VIEWS = "views" {
        title: "Views", revision: 1, about: installation, retention: 30 days, benefit: "None", other_uses: none,
    }
}

/// Both builds say this.
#[derive(candor_derive::Event)]
#[event(name = "views.both", scope = VIEWS, linkage = none, crate = crate)]
pub(crate) struct Both {
    /// How often.
    #[field(count, example = 3)]
    pub(crate) times: u32,
    /// Whether by hand.
    pub(crate) by_hand: bool,
}

/// The window says this.
#[derive(candor_derive::Event)]
#[event(name = "views.window", scope = VIEWS, linkage = none, crate = crate)]
pub(super) struct Window {
    /// How often.
    #[field(count, example = 3)]
    pub(super) times: u32,
}

/// The service in the background says this.
#[derive(candor_derive::Event)]
#[event(name = "views.service", scope = VIEWS, linkage = none, crate = crate)]
struct Service {
    /// How often.
    #[field(count, example = 3)]
    times: u32,
}

/// The events that a build does not link.
type Build = &'static [&'static str];
const WHOLE: Build = &[];
const WINDOW: Build = &["views.service"];
const SERVICE: Build = &["views.window"];

fn start(home: &Path, build: Build) -> Client {
    Client::built_without(config(home).policy_directory(home.join("policy.d")), build)
}

fn rule(home: &Path, name: &str, says: &Value) {
    let mut rule = json!({"candor_policy": 1, "rule": "a rule"});
    rule.as_object_mut().unwrap().extend(says.as_object().unwrap().clone());
    std::fs::create_dir_all(home.join("policy.d")).unwrap();
    std::fs::write(home.join("policy.d").join(name), rule.to_string()).unwrap();
}

/// How many entries the history has.
fn lines(home: &Path) -> usize {
    std::fs::read_to_string(home.join("data/org.example.crash/candor-1/ledger.jsonl")).unwrap().lines().count()
}

fn waiting(client: &Client) -> Vec<String> {
    client.manifest().unwrap().scope(VIEWS).unwrap().waiting.clone()
}

fn is_open(client: &Client) -> bool {
    client.status(VIEWS).unwrap().is_open()
}

fn both() -> Both {
    Both { times: 2, by_hand: true }
}

/// Rules about each of the events, in every form.
fn rules() -> [Value; 5] {
    [
        json!({"forbid": {"events": ["views.window"]}}),
        json!({"forbid": {"events": ["views.service"], "fields": ["views.window.times"]}}),
        json!({"forbid": {"fields": ["views.service.times", "views.both.by_hand"]}}),
        json!({"coarsen": {"views.window.times": [0, 10], "views.both.times": [0, 10]}}),
        json!({"coarsen": {"views.service.times": [0]}, "forbid": {"events": ["views.window"]}}),
    ]
}

#[test]
fn builds_that_link_different_events_agree_on_what_rules_say() {
    for says in rules() {
        for granted_to in [WHOLE, WINDOW, SERVICE] {
            let home = tempfile::tempdir().unwrap();
            let home = home.path();
            rule(home, "a.json", &says);
            let asked = start(home, granted_to);
            asked.grant(VIEWS).unwrap();
            asked.record_durable(both());
            drop(asked);
            for build in [WINDOW, SERVICE, WHOLE, WINDOW, SERVICE] {
                let client = start(home, build);
                assert!(is_open(&client), "{says}: to {granted_to:?}, by {build:?}");
                assert_eq!(waiting(&client).len(), 1, "{says}: to {granted_to:?}, by {build:?}");
                assert_eq!(lines(home), 1, "{says}: to {granted_to:?}, by {build:?}");
            }
        }
    }
}

#[test]
fn a_rule_that_changes_begins_one_new_epoch_whichever_build_finds_it() {
    for (finds, other) in [(SERVICE, WINDOW), (WINDOW, SERVICE)] {
        for says in rules() {
            let home = tempfile::tempdir().unwrap();
            let home = home.path();
            let asked = start(home, WHOLE);
            asked.grant(VIEWS).unwrap();
            let running = start(home, other);
            running.record_durable(both());
            assert_eq!((waiting(&running).len(), lines(home)), (1, 1), "{says}");
            rule(home, "a.json", &says);
            let found = start(home, finds);
            assert!(waiting(&found).is_empty(), "{says}: it was recorded under less of a rule");
            assert!(is_open(&found) && lines(home) == 2, "{says}");
            // A client that has not looked yet records nothing. Its first event is of an epoch that is over in any case.
            running.record_durable(both());
            running.record_durable(both());
            assert!(waiting(&found).is_empty(), "{says}");
            // When it looks, it finds the entry that it would have written.
            assert!(is_open(&running) && lines(home) == 2, "{says}");
            running.record_durable(both());
            for build in [finds, other, WHOLE] {
                assert_eq!((waiting(&start(home, build)).len(), lines(home)), (1, 2), "{says}: {build:?}");
            }
            // Removing the rule starts a new epoch as well, once.
            std::fs::remove_file(home.join("policy.d/a.json")).unwrap();
            assert!(waiting(&start(home, finds)).is_empty(), "{says}");
            assert!(is_open(&start(home, other)) && lines(home) == 3, "{says}");
        }
    }
}

#[test]
fn what_is_not_agreed_to_is_not_said_and_no_rule_about_it_begins_a_new_epoch() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let window = start(home, WINDOW);
    window.grant(VIEWS).unwrap();
    window.record_durable(Window { times: 2 });
    rule(home, "a.json", &json!({"forbid": {"events": ["views.service"], "fields": ["crash.happened.times"]}}));
    let service = start(home, SERVICE);
    assert!(is_open(&service) && is_open(&window));
    assert_eq!((waiting(&window).len(), lines(home)), (1, 1));
    // The service may record only what was agreed to, which has none of its events. The rule covers nothing that is recorded.
    service.record_durable(Service { times: 2 });
    assert_eq!(waiting(&window).len(), 1);
    // Once its events are agreed to, the rule applies to them. The rule is recorded with the grant, so no new epoch follows.
    let notice = service.notice(VIEWS).unwrap();
    service.grant(VIEWS.shown(&notice)).unwrap();
    assert_eq!(lines(home), 2);
    service.record_durable(Service { times: 2 });
    service.record_durable(both());
    for build in [WINDOW, SERVICE] {
        let client = start(home, build);
        let lines_waiting = waiting(&client);
        assert!(lines_waiting.len() == 1 && lines_waiting[0].contains("views.both"), "{lines_waiting:?}");
    }
    assert_eq!(lines(home), 2);
}

/// A start finds a new rule, with a fault at every changing call. The grant is not withdrawn, and nothing that was recorded under
/// weaker rules may be sent.
#[test]
fn a_rule_that_is_found_while_the_disk_fails_withdraws_no_grant() {
    for fault in [Fault::Once, Fault::Dead] {
        for at in calls() {
            let home = tempfile::tempdir().unwrap();
            let home = home.path();
            let asked = start(home, WHOLE);
            asked.grant(VIEWS).unwrap();
            asked.record_durable(both());
            drop(asked);
            rule(home, "a.json", &json!({"forbid": {"fields": ["views.both.by_hand"]}}));
            let disk = Faulty::new(fault);
            disk.arm(at);
            let mut failing = config(home).policy_directory(home.join("policy.d"));
            failing.disk = disk.clone();
            let failing = Client::new(failing).unwrap();
            if disk.calls() <= at {
                assert!(at > 5, "only {at} calls were tried");
                break;
            }
            for client in [failing, start(home, WINDOW)] {
                let status = client.status(VIEWS).unwrap();
                // After the snapshot and before the high-water mark is written, a scope that stays granted is closed.
                assert!(
                    matches!(status.state, State::Granted | State::Unreadable),
                    "{fault:?} at call {at}: {status:?}"
                );
                (0..2).for_each(|_| client.record_durable(both()));
                let told = |line: &String| line.contains("by_hand");
                assert!(!status.is_open() || !waiting(&client).iter().any(told), "{fault:?} at call {at}");
            }
            // In every case, a new grant by the person succeeds.
            let fresh = start(home, SERVICE);
            let notice = fresh.notice(VIEWS).unwrap();
            fresh.grant(VIEWS.shown(&notice)).unwrap();
            assert!(is_open(&start(home, SERVICE)), "{fault:?} at call {at}");
        }
    }
}

#[test]
fn between_a_look_and_what_it_destroys_nothing_leaves() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    // A worker would apply what the rules exclude, and the grant would continue under another epoch.
    let client = Client::without_worker(config(home).policy_directory(home.join("policy.d"))).unwrap();
    client.grant(VIEWS).unwrap();
    client.record_durable(both());
    let place = client.consent().granted_place(VIEWS).unwrap().unwrap();
    let may_leave = || client.consent().permit(VIEWS, place.generation, place.epoch).is_ok();
    assert!(may_leave());
    for says in [json!({"forbid": {"everything": true}}), json!({"forbid": {"fields": ["views.both.by_hand"]}})] {
        rule(home, "a.json", &says);
        assert!(client.consent().look_at_policies() && !may_leave(), "{says}");
    }
    std::fs::remove_file(home.join("policy.d/a.json")).unwrap();
    assert!(client.consent().look_at_policies() && may_leave(), "the control: it was the rules");
}

#[test]
fn the_same_rules_in_another_order_or_twice_are_the_same() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    for (directory, steps) in [("x", [0, 10]), ("y", [0, 100])] {
        let path = home.join(directory);
        std::fs::create_dir_all(&path).unwrap();
        let says = json!({"candor_policy": 1, "rule": directory, "coarsen": {"views.both.times": steps}});
        std::fs::write(path.join("a.json"), says.to_string()).unwrap();
    }
    let start = |directories: &[&str]| {
        let config = directories.iter().fold(config(home), |config, it| config.policy_directory(home.join(it)));
        Client::built_without(config, WHOLE)
    };
    start(&["x", "y"]).grant(VIEWS).unwrap();
    for directories in [&["y", "x"][..], &["x", "y", "x"], &["x", "y"]] {
        assert!(is_open(&start(directories)), "{directories:?}");
        assert_eq!(lines(home), 1, "{directories:?}");
    }
    // The control: one rule fewer does make a difference.
    assert!(is_open(&start(&["x"])));
    assert_eq!(lines(home), 2);
}
