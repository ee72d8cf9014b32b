//! Codes as they are sent: equal for the same name in one scope, period, grant and installation, and different otherwise.

use crate::{
    items::{hex, unhex},
    lab::{DAY, ITEMS, LAB, Lab, Met, MetElsewhere, Seen, first_day, say_yes},
    secrets::{parts, secret},
    tally,
};
use candor::{Client, Event, Scope, event::Installation};
use serde_json::Value;
use std::collections::BTreeSet;

const MANY: usize = 200;

/// The pending lines of a scope. Lines of one segment are in the order in which they were recorded. The order of the
/// segments is not specified, since their names are random.
fn lines(client: &Client, scope: Scope) -> Vec<String> {
    client.manifest().unwrap().scope(scope).unwrap().waiting.clone()
}

/// The values of an attribute in an event's lines, line by line.
fn values(lines: &[String], event: &str, key: &str) -> Vec<String> {
    let records = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_event = records.filter(|record| record["eventName"] == event);
    let value = |record: Value| {
        let pairs = record["attributes"].as_array().unwrap().clone();
        let pair = pairs.into_iter().find(|pair| pair["key"] == key).expect("a code");
        pair["value"].as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    };
    of_event.map(value).collect()
}

/// Records 200 names and returns their codes, which must all differ. Lines that were pending before are recognized by
/// their random ids, wherever they are and whether or not they still exist.
fn codes<E>(client: &Client, scope: Scope, name: &str, event: fn(&'static str) -> E) -> BTreeSet<String>
where
    E: Event<About = Installation>,
{
    let before = lines(client, scope);
    for at in 0..MANY {
        client.record_durable(event(Box::leak(format!("server {at}").into_boxed_str())));
    }
    let mut fresh = lines(client, scope);
    fresh.retain(|line| !before.contains(line));
    let codes = values(&fresh, name, "hash");
    assert_eq!(codes.len(), MANY, "{name}: one line a name");
    let codes: BTreeSet<String> = codes.into_iter().collect();
    assert_eq!(codes.len(), MANY, "{name}: different names have different codes");
    codes
}

fn met(client: &Client) -> BTreeSet<String> {
    codes(client, ITEMS, "items.met", |hash| Met { hash, cohort: hash })
}

#[test]
fn a_code_says_the_same_in_one_place_and_nothing_anywhere_else() {
    let lab = Lab::new();
    let client = lab.start_granted(ITEMS);
    say_yes(&client, LAB);
    let here = met(&client);
    // The controls: recorded again, and after a restart, the codes are the same.
    assert_eq!(met(&client), here);
    drop(client);
    let client = lab.start();
    assert_eq!(met(&client), here);
    let mut all = vec![
        ("here", here.clone()),
        ("another name space", codes(&client, ITEMS, "items.seen", |hash| Seen { hash })),
        ("another scope", codes(&client, LAB, "lab.met", |hash| MetElsewhere { hash })),
    ];
    drop(client);
    let first = first_day();
    let left = u32::try_from(first.days_in_month() - first.day()).unwrap();
    lab.clock.advance(DAY * left);
    assert_eq!(met(&lab.start()), here, "the last day of the month");
    lab.clock.advance(DAY);
    all.push(("another month", met(&lab.start())));
    let client = lab.start();
    client.withdraw(ITEMS).unwrap();
    say_yes(&client, ITEMS);
    all.push(("another grant", met(&client)));
    all.push(("another installation", met(&Lab::new().start_granted(ITEMS))));
    for (at, (what, codes)) in all.iter().enumerate() {
        for (other, others) in all.iter().skip(at + 1) {
            assert_eq!(codes.intersection(others).count(), 0, "{what} and {other}");
        }
    }
    tally::property("hash", "the same in one place only");
}

/// Computes the documented derivation independently of the crate.
#[test]
fn a_code_and_a_group_are_those_of_the_stated_derivation() {
    let lab = Lab::new();
    let client = lab.start_granted(ITEMS);
    let base = blake3::derive_key("candor 2026-11-22 identifier pseudonym v1 scope key", &unhex(&secret(&lab, ITEMS)));
    let scope = parts(&base, [b"scope", b"org.example.lab", ITEMS.name().as_bytes()]);
    let first = first_day();
    let month = u32::try_from(i32::from(first.year()) * 12 + i32::from(first.month()) - 1).unwrap();
    let period = parts(&scope, [b"period", b"month", &month.to_le_bytes()]);
    let (mut hashes, mut cohorts) = (Vec::new(), Vec::new());
    let long = "x".repeat(5_000);
    for name in ["nas.local", "", "\0", "é", &long] {
        client.record_durable(Met { hash: name, cohort: name });
        hashes.push(hex(&parts(&period, [b"id", b"item", name.as_bytes()])[..8]));
        let group = parts(&period, [b"id", b"group", name.as_bytes()]);
        // The top four bits of the second eight bytes in little-endian order, counted from 1.
        cohorts.push((u32::from(group[15] >> 4) + 1).to_string());
    }
    let lines = lines(&client, ITEMS);
    assert_eq!(values(&lines, "items.met", "hash"), hashes);
    assert_eq!(values(&lines, "items.met", "cohort"), cohorts);
    for class in ["hash", "cohort"] {
        tally::property(class, "the stated derivation");
    }
}

/// Each group holds its share of the names, and the page shows a group as a group.
#[test]
fn groups_are_of_a_size() {
    let lab = Lab::new();
    let client = lab.start_granted(ITEMS);
    const NAMES: usize = 1_600;
    for at in 0..NAMES {
        let name = format!("server {at}");
        client.record_durable(Met { hash: &name, cohort: &name });
    }
    let groups = values(&lines(&client, ITEMS), "items.met", "cohort");
    assert_eq!(groups.len(), NAMES);
    for group in 1..=16 {
        let held = groups.iter().filter(|held| **held == group.to_string()).count() as f64;
        // 100 are expected, and five standard deviations are 48.
        assert!((52.0..=148.0).contains(&held), "group {group} holds {held}");
    }
    let manifest = client.manifest().unwrap();
    let fields =
        &manifest.scope(ITEMS).unwrap().could_send.iter().find(|event| event.name == "items.met").unwrap().fields;
    let shown = |name: &str| fields.iter().find(|field| field.name == name).unwrap().example_sent.clone();
    assert_eq!(shown("hash").len(), 16);
    assert!(shown("cohort").starts_with("group ") && shown("cohort").ends_with(" of 16"), "{}", shown("cohort"));
    tally::property("cohort", "groups of a size");
}
