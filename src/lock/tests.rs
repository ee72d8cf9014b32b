//! Tests of the lock with contracts that no build has: a change on every axis one by one, comparisons that ignore one axis,
//! and every byte of the file changed or cut.

use super::{difference::between, form::Lock};
use crate::consent::{Comparison, ContractSchema, canonical, compare, digest};
use serde_json::{Value, json};

fn contract() -> Value {
    let steps = |cuts: &[i64]| json!({"kind": "cuts", "unit": "count", "cuts": cuts});
    json!({
        "format": "candor-contract/1", "application": "org.example.player", "audience": "adults",
        "controller": {
            "legal_name": "Example SAS", "address": "Paris", "country": "FR", "contact": "a@example.org",
            "data_protection_officer": null, "authority": "CNIL",
        },
        "processors": ["p1", "p2"], "hosting_countries": ["FR", "DE"], "transfer_safeguard": "clauses",
        "onward_sharing": ["o1"], "endpoint": "https://a.example/v1/logs", "address_log_days": 7,
        "erasure_within_days": 30, "scope": "playback", "revision": 1, "about": "installation", "retention_days": 90,
        "local_retention_days": {"waiting": 7, "counts": 28, "sent_log": 90, "names": 90}, "schedule": "daily",
        "uses": {"training": "no", "profiling": {"yes": "to sort"}}, "also_never": ["n1", "n2"],
        "events": [
            {"name": "e1", "linkage": "day", "until": "2027-06-30", "fields": [
                {"name": "n", "class": "count", "optional": true, "precision": steps(&[0, 10, 100])},
                {"name": "c", "class": "closed", "optional": false,
                 "precision": {"kind": "labels", "labels": ["a", "b", "other"]}},
                {"name": "s", "class": "hash", "optional": true, "domain": "server",
                 "precision": {"kind": "code", "bits": 64}},
                {"name": "e", "class": "exact", "optional": false, "reason": "it is small",
                 "precision": steps(&[0, 1, 2])},
            ]},
            {"name": "e2", "linkage": "rollup", "items": {"one_in": 32, "domain": "film"}, "fields": []},
        ],
        "envelope": ["service.name", "candor.scope"], "features_depend_on_it": false,
    })
}

/// The text of a lock with these contracts, which need not be ones that candor would write.
fn lock_text(contracts: &[Value]) -> String {
    let entry = |contract: &Value| {
        json!({
            "scope": contract["scope"], "title": "Playback", "notices": {"en": digest(b"notice")},
            "contract_digest": digest(canonical(contract).as_bytes()), "contract": contract,
        })
    };
    let entries: Vec<Value> = contracts.iter().map(entry).collect();
    json!({"form": "candor-lock/1", "application": "org.example.player", "scopes": entries}).to_string()
}

fn lock(contracts: &[Value]) -> Lock {
    serde_json::from_str(&lock_text(contracts)).unwrap()
}

fn changed(change: fn(&mut Value)) -> Value {
    let mut contract = contract();
    change(&mut contract);
    contract
}

type Case = (&'static str, &'static str, fn(&mut Value));

/// Each case: an axis, whether the change makes it wider or narrower, and the change.
const CASES: [Case; 40] = [
    ("audience", "wider", |it| it["audience"] = json!("mixed")),
    ("who is responsible", "wider", |it| it["controller"]["legal_name"] = json!("Bought It SA")),
    ("their country", "wider", |it| it["controller"]["country"] = json!("US")),
    ("processors", "wider", |it| it["processors"] = json!(["p1", "p2", "p3"])),
    ("processors", "narrower", |it| it["processors"] = json!(["p1"])),
    ("countries it is kept in", "wider", |it| it["hosting_countries"] = json!(["FR", "US"])),
    ("countries it is kept in", "narrower", |it| it["hosting_countries"] = json!(["FR"])),
    ("safeguard for transfers", "wider", |it| it["transfer_safeguard"] = Value::Null),
    ("passed on to", "wider", |it| it["onward_sharing"] = json!(["o1", "o2"])),
    ("passed on to", "narrower", |it| it["onward_sharing"] = json!([])),
    ("where it is sent", "wider", |it| it["endpoint"] = json!("https://b.example/v1/logs")),
    ("days network addresses are kept", "wider", |it| it["address_log_days"] = json!(8)),
    ("days network addresses are kept", "narrower", |it| it["address_log_days"] = Value::Null),
    ("days until records are erased on request", "wider", |it| it["erasure_within_days"] = Value::Null),
    ("days until records are erased on request", "narrower", |it| it["erasure_within_days"] = json!(1)),
    ("revision of the purpose", "wider", |it| it["revision"] = json!(2)),
    ("whom it is about", "wider", |it| it["about"] = json!("subject")),
    ("days the recipient keeps it", "wider", |it| it["retention_days"] = json!(91)),
    ("days the recipient keeps it", "narrower", |it| it["retention_days"] = json!(89)),
    ("days reports wait here", "wider", |it| it["local_retention_days"]["waiting"] = json!(8)),
    ("days counts wait here", "wider", |it| it["local_retention_days"]["counts"] = json!(29)),
    ("days a copy is kept here", "wider", |it| it["local_retention_days"]["sent_log"] = json!(91)),
    ("how often it is sent", "wider", |it| it["schedule"] = json!("hourly")),
    ("use: training", "wider", |it| it["uses"]["training"] = json!({"yes": "for search"})),
    ("use: profiling", "narrower", |it| it["uses"]["profiling"] = json!("no")),
    ("promises", "wider", |it| it["also_never"] = json!(["n1"])),
    ("promises", "narrower", |it| it["also_never"] = json!(["n1", "n2", "n3"])),
    ("what each request names", "wider", |it| it["envelope"] = json!(["service.name", "candor.scope", "host.name"])),
    ("features that depend on it", "wider", |it| it["features_depend_on_it"] = json!(true)),
    ("event e2", "narrower", |it| drop(it["events"].as_array_mut().unwrap().pop())),
    ("event e3", "wider", |it| {
        let more = json!({"name": "e3", "linkage": "none", "fields": []});
        it["events"].as_array_mut().unwrap().push(more);
    }),
    ("linkage of e1", "wider", |it| it["events"][0]["linkage"] = json!("month")),
    ("last day of e1", "narrower", |it| it["events"][0]["until"] = json!("2027-06-29")),
    ("last day of e1", "wider", |it| drop(it["events"][0].as_object_mut().unwrap().remove("until"))),
    ("items counted of e2", "wider", |it| it["events"][1]["items"]["one_in"] = json!(16)),
    ("field e1.n", "wider", |it| it["events"][0]["fields"][0]["precision"]["cuts"] = json!([0, 5, 10, 100])),
    ("field e1.n", "narrower", |it| it["events"][0]["fields"][0]["precision"]["cuts"] = json!([0, 100])),
    ("field e1.c", "wider", |it| {
        it["events"][0]["fields"][1]["precision"]["labels"] = json!(["a", "b", "c", "other"]);
    }),
    ("field e1.c", "narrower", |it| drop(it["events"][0]["fields"].as_array_mut().unwrap().remove(1))),
    ("field e1.s", "wider", |it| it["events"][0]["fields"][2]["domain"] = json!("other")),
];

/// Whether the text reports a change with this word and axis, and with both values.
fn says(text: &str, word: &str, axis: &str) -> bool {
    text.lines().any(|line| line.starts_with(&format!("  {word:<9} {axis}: ")) && line.contains(" -> "))
}

#[test]
fn each_axis_is_named_as_wider_or_narrower() {
    let before = lock(&[contract()]);
    assert_eq!(between(&before, &lock(&[contract()]), &compare), None);
    for (axis, word, change) in CASES {
        let after = lock(&[changed(change)]);
        let text = between(&before, &after, &compare).unwrap_or_else(|| panic!("{axis} {word}: nothing is said"));
        assert!(says(&text, word, axis), "{axis} {word}: {text}");
        // The reverse of a narrower change must be wider. For a wider one this does not always hold: some values may only
        // stay equal.
        let back = between(&after, &before, &compare).unwrap_or_else(|| panic!("{axis} back: nothing is said"));
        if word == "narrower" {
            assert!(says(&back, "wider", axis), "{axis} back: {back}");
        }
    }
}

/// Each mutant ignores one axis. The change must be reported in some other form, and the test above must fail for the
/// mutant.
#[test]
fn a_comparison_that_forgets_an_axis_hides_nothing() {
    let before = lock(&[contract()]);
    for (axis, word, change) in CASES {
        let after = lock(&[changed(change)]);
        let blind = |build: &ContractSchema, agreed: &ContractSchema| {
            let mut comparison: Comparison = compare(build, agreed);
            comparison.changes.retain(|change| change.axis != axis);
            comparison
        };
        let text = between(&before, &after, &blind).unwrap_or_else(|| panic!("blind on {axis}: nothing is said"));
        assert!(!says(&text, word, axis), "blind on {axis}: {text}");
        assert!(
            text.contains(" -> ") && !text.contains("\n0 wider, 0 narrower, 0 in words"),
            "blind on {axis}: {text}"
        );
    }
}

#[test]
fn words_are_words() {
    let before = lock(&[contract()]);
    type Case = (&'static str, fn(&mut Value));
    let cases: [Case; 4] = [
        ("controller.contact: a@example.org -> b@example.org", |it| {
            it["controller"]["contact"] = json!("b@example.org")
        }),
        ("events.e1.fields.e.reason: it is small -> it is tiny", |it| {
            it["events"][0]["fields"][3]["reason"] = json!("it is tiny");
        }),
        ("order of events: e1, e2 -> e2, e1", |it| it["events"].as_array_mut().unwrap().reverse()),
        ("processors: p1, p2 -> p2, p1", |it| it["processors"] = json!(["p2", "p1"])),
    ];
    for (said, change) in cases {
        let text = between(&before, &lock(&[changed(change)]), &compare).unwrap();
        assert!(text.contains(&format!("\n  words     {said}\n")), "{said}: {text}");
        assert!(text.contains("\n0 wider, 0 narrower, 1 in words alone.\n"), "{said}: {text}");
    }
    // Changes in words are also reported next to other changes.
    let both = changed(|it| {
        it["controller"]["authority"] = Value::Null;
        it["retention_days"] = json!(1);
    });
    let text = between(&before, &lock(&[both]), &compare).unwrap();
    assert!(text.contains("controller.authority: CNIL -> ") && text.contains("narrower  days the recipient"), "{text}");
}

#[test]
fn a_scope_more_is_wider_and_a_scope_less_is_narrower() {
    let (one, two) = (lock(&[contract()]), lock(&[contract(), changed(|it| it["scope"] = json!("usage"))]));
    let text = between(&one, &two, &compare).unwrap();
    assert!(text.contains("\nusage\n  wider     the scope: none -> \"Playback\"\n"), "{text}");
    let text = between(&two, &one, &compare).unwrap();
    assert!(text.contains("\nusage\n  narrower  the scope: \"Playback\" -> none\n"), "{text}");
}

#[test]
fn the_text_reads_back_and_has_a_line_for_each_field() {
    let built = lock(&[contract(), changed(|it| it["scope"] = json!("usage"))]);
    let text = built.text();
    assert_eq!(between(&Lock::read(text.as_bytes()).unwrap(), &built, &compare), None);
    assert_eq!(Lock::read(text.as_bytes()).unwrap().text(), text);
    for field in ["n", "c", "s", "e"] {
        let lines = text.lines().filter(|line| line.contains(&format!("\"name\": \"{field}\"")));
        let lines: Vec<&str> = lines.map(|line| line.trim().trim_end_matches(',')).collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines.iter().all(|line| line.starts_with('{') && line.ends_with('}')), "{text}");
    }
    // Version control may change line endings, and nothing else.
    assert!(Lock::read(text.replace('\n', "\r\n").as_bytes()).is_ok());
    let empty = lock(&[]);
    assert_eq!(Lock::read(empty.text().as_bytes()).unwrap().text(), empty.text());
}

#[test]
fn every_byte_that_is_flipped_or_cut_is_a_failure() {
    let built = lock(&[contract()]);
    let text = built.text().into_bytes();
    // Whether `check` would pass for a lock with these bytes.
    let pass = |bytes: &[u8]| {
        Lock::read(bytes)
            .is_ok_and(|lock| lock.application == built.application && between(&lock, &built, &compare).is_none())
    };
    assert!(pass(&text));
    let (mut lines, mut damaged) = (0, 0);
    let every = crate::tests::every();
    for at in (0..text.len()).step_by(every) {
        assert!(!pass(&text[..at]), "cut at {at}");
        for bits in [1 << (at % 8), 0xff, 0x20] {
            let mut flipped = text.clone();
            flipped[at] ^= bits;
            assert!(!pass(&flipped), "byte {at} ^ {bits:#x}: {}", String::from_utf8_lossy(&flipped));
            match Lock::read(&flipped) {
                Err(trouble) => {
                    damaged += 1;
                    lines += usize::from(trouble.line.is_some());
                }
                // Titles, languages and digests of notices may have any value: the difference reports them.
                Ok(lock) => {
                    assert!(lock.application != built.application || between(&lock, &built, &compare).is_some())
                }
            }
        }
    }
    // Nearly all damage is reported by the lock itself, with the line.
    assert!(damaged > text.len() / every * 5 / 2 && lines > damaged * 9 / 10, "{lines} of {damaged} of {}", text.len());
}

#[test]
fn what_is_not_as_candor_writes_it_says_why() {
    let text = lock(&[contract()]).text();
    let trouble = |text: String| {
        let trouble = Lock::read(text.as_bytes()).unwrap_err();
        (trouble.line, trouble.what)
    };
    let newer = trouble(text.replace("candor-lock/1", "candor-lock/2"));
    assert!(newer.0 == Some(2) && newer.1.contains("newer candor"), "{newer:?}");
    let foreign = trouble(text.replace("candor-lock/1", "cargo"));
    assert!(foreign.1.contains("no form that candor knows"), "{foreign:?}");
    let (line, what) = trouble(text.replace("\"revision\"", "\"revise\": 1,\n        \"revision\""));
    let at = text.lines().position(|line| line.contains("\"revision\"")).unwrap() + 1;
    assert!(line == Some(at) && what.contains("unknown field `revise`") && what.contains("newer"), "{line:?} {what}");
    // A change by hand that leaves everything else, including the digest, unchanged.
    let (line, what) = trouble(text.replace("\"retention_days\": 90", "\"retention_days\": 91"));
    assert!(line == Some(6) && what.contains("`playback` does not fit its digest"), "{line:?} {what}");
    let (line, what) = trouble(text.replace("\"schedule\"", " \"schedule\""));
    let at = text.lines().position(|line| line.contains("\"schedule\"")).unwrap() + 1;
    assert!(line == Some(at) && what.contains("not as candor writes it"), "{line:?} {what}");
    // A contract of an unknown format, with a valid digest.
    let (_, what) = trouble(lock(&[changed(|it| it["format"] = json!("candor-contract/2"))]).text());
    assert!(what.contains("a form that this candor does not know"), "{what}");
    let (_, what) = trouble(lock(&[contract(), contract()]).text());
    assert!(what.contains("occurs twice"), "{what}");
    let (_, what) = trouble(lock(&[changed(|it| it["application"] = json!("org.example.other"))]).text());
    assert!(what.contains("does not fit"), "{what}");
    for other in ["", "null", "[]", "{}", "\u{feff}", "candor"] {
        assert!(Lock::read(other.as_bytes()).is_err(), "{other}");
    }
    let deep = "[".repeat(100_000);
    assert!(Lock::read(deep.as_bytes()).is_err());
}
