//! What a person can take away: every decision with its texts, also while a decision is under way or the records are
//! damaged, and in a standard vocabulary. Also what a check of the export reports, line by line.

use crate::{
    events::{CONNECTIVITY, PLAYBACK, USAGE},
    files, forge,
    home::{DAY, Home, say_yes},
    proof::{History, history, rechained},
    server::Server,
};
use candor::consent::{Verdict, Wrong, verify};
use fastrand::Rng;
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs};

/// The terms of the Data Privacy Vocabulary that exports use, each looked up in its version 2.3.
#[rustfmt::skip]
const DPV: [&str; 52] = [
    "ConsentExpired", "ConsentGiven", "ConsentInvalidated", "ConsentNotice", "ConsentReceipt", "ConsentRecord",
    "ConsentRefused", "ConsentRequestDeferred", "ConsentRevoked", "ConsentUnknown", "ConsentWithdrawn",
    "DataController", "DataProcessor", "DataSubject", "DataSubjectDataSource", "ExpressedConsent", "Optional",
    "PersonalData", "Process", "Purpose", "RenewedConsentGiven", "Required", "StorageDuration", "StorageLocation",
    "ThirdParty", "WithdrawConsent", "hasAddress", "hasAuthority", "hasConsentControl", "hasConsentStatus",
    "hasContact", "hasDataController", "hasDataProtectionOfficer", "hasDataSource", "hasDataSubject", "hasDuration",
    "hasIndicationMethod", "hasJurisdiction", "hasLegalBasis", "hasLocation", "hasName", "hasNecessity", "hasNotice",
    "hasPersonalData", "hasProcess", "hasPurpose", "hasRecipient", "hasRecordOfActivity", "hasStorageCondition",
    "isExercisedAt", "isIndicatedAtTime", "isIndicatedBy",
];

#[test]
fn where_nobody_was_asked_there_is_nothing_and_nothing_is_made() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let receipts = client.receipts().unwrap();
    assert!(receipts.is_empty());
    assert!(receipts.to_string().contains("Nobody was asked"), "{receipts}");
    let verdict = verify(&receipts.to_json(), &[]);
    assert!(verdict.is_sound() && verdict.lines == 0 && verdict.head.is_empty(), "{verdict}");
    assert!(!home.data().exists() && !home.config_dir().exists());
    assert_eq!(server.connections(), 0);
}

#[test]
fn an_export_holds_the_lines_and_each_text_once() {
    let from = history();
    let export: Value = serde_json::from_str(&from.export).unwrap();
    let lines: Vec<&str> =
        export["candor"]["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert_eq!(lines, from.lines);
    let texts = files::all(&from.home.store().join("contracts"));
    assert_eq!(texts.len(), 6, "a contract and a notice of each scope");
    for path in texts {
        let (name, text) = (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap());
        let of_contract = export["candor"]["contracts"].get(&name).map(|kept| kept.as_str().unwrap());
        let notices = export["privacy_notice"].as_array().unwrap();
        let of_notice = notices.iter().find(|notice| notice["@id"] == format!("#{name}"));
        let kept = of_contract.or_else(|| of_notice?["text"].as_str()).unwrap();
        assert_eq!(kept, text);
        assert_eq!(from.export.matches(&json!(text).to_string()).count(), 1, "once");
    }
    // The record of the scope says what was agreed, when, how and until when.
    let record =
        export["records"].as_array().unwrap().iter().find(|record| record["purpose"]["dct:identifier"] == "usage");
    let record = record.unwrap();
    let states: Vec<&str> =
        record["event"].as_array().unwrap().iter().map(|event| event["event_state"].as_str().unwrap()).collect();
    assert_eq!(
        states,
        [
            "dpv:ConsentRefused",
            "dpv:ConsentGiven",
            "dpv:ConsentWithdrawn",
            "dpv:RenewedConsentGiven",
            "dpv:ConsentWithdrawn",
            "dpv:RenewedConsentGiven",
        ]
    );
    let (event, line) = (&record["event"][1], serde_json::from_str::<Value>(&from.lines[4]).unwrap());
    assert_eq!(event["line"], 5);
    assert_eq!(event["event_time"], line["at"]);
    assert_eq!(event["validity_duration"], line["until"]);
    assert_eq!(event["dpv:hasIndicationMethod"], "settings/privacy");
    let process = &record["pii_processing"][0];
    assert_eq!(event["contract"], process["@id"]);
    assert_eq!(process["retention_period"]["dpv:hasDuration"], "P30D");
    assert_eq!(process["pii_controllers"]["party_name"], "Example Player SAS");
    assert_eq!(
        process["pii_information"][1],
        json!({
            "@type": "dpv:PersonalData", "pii_type": "library.opened: sorted", "pii_optional": "dpv:Optional",
        })
    );
}

#[test]
fn every_name_is_known_and_every_key_has_a_meaning() {
    fn walk(value: &Value, keys: &mut BTreeSet<String>, terms: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map.iter().filter(|(key, _)| *key != "candor" && *key != "text") {
                    keys.insert(key.clone());
                    terms.extend(key.strip_prefix("dpv:").map(Into::into));
                    walk(value, keys, terms);
                }
            }
            Value::Array(list) => list.iter().for_each(|value| walk(value, keys, terms)),
            Value::String(text) => terms.extend(text.strip_prefix("dpv:").map(Into::into)),
            _ => {}
        }
    }
    let from = history();
    let export: Value = serde_json::from_str(&from.export).unwrap();
    let (mut keys, mut terms) = (BTreeSet::new(), BTreeSet::new());
    walk(&export, &mut keys, &mut terms);
    let context = export["@context"].as_object().unwrap();
    for key in keys.iter().filter(|key| !key.starts_with('@') && !key.contains(':')) {
        assert!(context.contains_key(key) || key == "line", "`{key}` has no meaning");
    }
    for term in &terms {
        assert!(DPV.contains(&term.as_str()), "look `{term}` up in the vocabulary");
    }
    assert!(terms.len() > 35, "{terms:?}");
}

#[test]
fn the_text_is_for_people() {
    let from = history();
    let receipts = from.client.receipts().unwrap();
    assert_eq!(receipts.len(), from.lines.len());
    let text = receipts.to_string();
    for part in ["Library sizes, usage: no", "settings/privacy", "not recorded how", "the yes was taken back", "Text 3"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Whatever a line contains, it can't control a terminal.
    let mut lines = from.lines.clone();
    lines[4] = lines[4].replace("settings/privacy", "\\u001b[2J\\u202eyes");
    files::write(&from.home.store().join("ledger.jsonl"), from.ledger(&rechained(&lines)).as_bytes());
    let steering = from.client.receipts().unwrap().to_string();
    assert!(steering.contains("[2J") && !steering.contains(['\u{1b}', '\u{202e}']), "{steering}");
    for word in ["epoch", "ledger", "chain", "digest", "superseded", "OTLP"] {
        assert!(!text.contains(word), "{word}");
    }
    let notice = from.client.notice(USAGE).unwrap();
    assert_eq!(text.matches(notice.text().trim_end()).count(), 1, "the text that was shown, once");
}

/// Asserts that an export is sound and matches an earlier one. Returns its number of lines.
#[track_caller]
fn lines_of(export: &str, earlier: &str) -> usize {
    let verdict = verify(export, &[earlier]);
    assert!(verdict.is_sound(), "{verdict}");
    verdict.lines as usize
}

#[test]
fn a_decision_under_way_is_in_it_or_not() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    let (ledger, snapshot) = (home.store().join("ledger.jsonl"), home.store().join("consent"));
    let before = (fs::read(&ledger).unwrap(), fs::read(&snapshot).unwrap());
    let first = client.receipts().unwrap().to_json();
    // A refusal is in force with its snapshot. Its line is written afterwards.
    client.deny(PLAYBACK).unwrap();
    let after = client.receipts().unwrap().to_json();
    files::write(&ledger, &before.0);
    assert_eq!(client.receipts().unwrap().to_json(), after, "the line that the next start appends");
    // Only half of the line was written.
    files::write(&ledger, &[&before.0[..], b"{\"at\":"].concat());
    assert_eq!(client.receipts().unwrap().to_json(), after);
    assert_eq!(lines_of(&after, &first), 2);
    drop(client);
    // A grant is in force with its snapshot too, but its line is written before it.
    let client = home.start(&server);
    let snapshot_before = fs::read(&snapshot).unwrap();
    say_yes(&client, PLAYBACK);
    files::write(&snapshot, &snapshot_before);
    let under_way = client.receipts().unwrap().to_json();
    assert_eq!(lines_of(&under_way, &after), 2, "a yes that is not in force");
    drop(client);
    // The next decision voids it. None of this is reported as a flaw.
    let client = home.start(&server);
    client.deny(CONNECTIVITY).unwrap();
    let voided = client.receipts().unwrap();
    assert_eq!(lines_of(&voided.to_json(), &under_way), 5);
    assert!(voided.to_json().contains("dpv:ConsentInvalidated"));
    assert!(voided.to_string().contains("never came into force"), "{voided}");
    say_yes(&client, PLAYBACK);
    assert_eq!(lines_of(&client.receipts().unwrap().to_json(), &voided.to_json()), 6);
}

#[test]
fn a_withdrawal_that_could_not_be_written_is_said() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    files::write(&home.store().join("usage.revoked"), b"");
    let receipts = client.receipts().unwrap();
    assert!(receipts.to_string().contains("usage: the yes was taken back, which could not be written down yet"));
    let export: Value = serde_json::from_str(&receipts.to_json()).unwrap();
    let events = export["records"][0]["event"].as_array().unwrap();
    assert_eq!(events.last().unwrap()["event_state"], "dpv:ConsentWithdrawn");
    assert!(verify(&receipts.to_json(), &[]).is_sound());
}

#[test]
fn damaged_records_are_exported_as_they_are() {
    let from = history();
    let ledger = from.home.store().join("ledger.jsonl");
    let mut lines = from.lines.clone();
    lines[6] = lines[6].replace("withdrawn", "granted");
    let mut bytes = from.ledger(&lines).into_bytes();
    bytes.extend(b"\xff\x1b[2J and no end");
    files::write(&ledger, &bytes);
    let receipts = from.client.receipts().unwrap();
    let verdict = verify(&receipts.to_json(), &[&from.held]);
    assert_eq!(verdict.flaws[0].wrong, Wrong::Trouble, "{verdict}");
    let found: Vec<_> = verdict.flaws.iter().filter_map(|flaw| Some((flaw.line?, flaw.wrong))).collect();
    assert!(found.contains(&(7, Wrong::Hash)) && found.contains(&(18, Wrong::Form)), "{verdict}");
    let text = receipts.to_string();
    assert!(text.contains("can't be relied on") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_line_can_not_make_an_export_read_another_file() {
    let from = history();
    let secret = from.home.path().join("secret");
    files::write(&secret, b"another file");
    let name = blake3::hash(b"another file").to_hex().to_string();
    fs::rename(&secret, from.home.store().join(&name)).unwrap();
    let mut lines = from.lines.clone();
    lines[4] = lines[4].replace("\"notice\":\"", &format!("\"notice\":\"../{name}\",\"was\":\""));
    let mut line: Value = serde_json::from_str(&lines[4]).unwrap();
    line.as_object_mut().unwrap().remove("was");
    lines[4] = forge::canonical(&line);
    assert!(!from.exported(&rechained(&lines)).contains("another file"));
}

#[test]
fn a_new_history_is_told_from_one_that_goes_on() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start_granted(&server, &[USAGE]);
    let receipt = serde_json::to_string(&client.receipt(USAGE).unwrap()).unwrap();
    drop(client);
    fs::remove_file(home.store().join("consent")).unwrap();
    let client = home.start(&server);
    home.clock.advance(DAY);
    say_yes(&client, USAGE);
    let export = client.receipts().unwrap().to_json();
    assert!(verify(&export, &[]).is_sound());
    only(&verify(&export, &[&receipt]), Some(1), Wrong::Rewritten, "new history was begun");
}

/// Asserts that the verdict has exactly one flaw, and that it is this one.
#[track_caller]
fn only(verdict: &Verdict, line: Option<u64>, wrong: Wrong, words: &str) {
    let [flaw] = &verdict.flaws[..] else { panic!("one flaw: {verdict}") };
    assert_eq!((flaw.line, flaw.wrong), (line, wrong), "{verdict}");
    assert!(flaw.words.contains(words), "{verdict}");
    assert!(verdict.to_string().contains("WRONG  "), "{verdict}");
}

#[test]
fn what_is_no_history_is_called_so() {
    let from = history();
    for text in ["", "\n\n", "{}", "[]", "null", "no", "{\"candor\":1", "PK\u{3}\u{4}", &"[".repeat(100_000)] {
        only(&verify(text, &[]), None, Wrong::NoHistory, "neither a whole export nor the lines");
    }
    only(&verify(&from.receipts[0], &[]), None, Wrong::NoHistory, "the receipt of one decision");
    let newer = from.export.replace("candor-receipts/1", "candor-receipts/2");
    only(&verify(&newer, &[]), None, Wrong::NoHistory, "has a form that this version does not know");
    // A repeated key: two readers could read it differently.
    let twice = from.export.replacen("\"candor\": {", "\"candor\": 0, \"candor\": {", 1);
    assert!(!verify(&twice, &[]).is_sound());
    // Spaces and the order of keys in the document have no meaning. The ledger's lines are text within it.
    let compact = serde_json::from_str::<Value>(&from.export).unwrap().to_string();
    assert!(verify(&compact, &[&from.held]).is_sound());
}

#[test]
fn an_earlier_receipt_that_can_not_be_used_is_never_passed_over() {
    let from = history();
    let earlier = |text: &str, words: &str| only(&verify(&from.export, &[text]), None, Wrong::Earlier, words);
    earlier("", "wrong itself");
    earlier("no", "wrong itself");
    earlier(&from.held[..from.held.len() / 2], "wrong itself");
    earlier(&from.held.replace("ConsentRefused", "ConsentGiven"), "wrong itself");
    let mut receipt: Value = serde_json::from_str(&from.receipts[1]).unwrap();
    receipt["decision"] = json!("granted");
    earlier(&receipt.to_string(), "one of them was changed");
    receipt["line"] = json!(0);
    earlier(&receipt.to_string(), "names no line");
    // The receipts of another program.
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    client.deny(USAGE).unwrap();
    let other = client.receipts().unwrap().to_json().replace("org.example.player", "org.example.other");
    earlier(&other, "another program");
    // One unusable receipt among several is enough.
    let verdict = verify(&from.export, &[&from.held, "no"]);
    only(&verdict, None, Wrong::Earlier, "wrong itself");
}

#[test]
fn what_is_vouched_for_is_said() {
    let from = history();
    let vouched = |earlier: &[&str]| verify(&from.export, earlier);
    assert_eq!(vouched(&[]).vouched, 0);
    assert!(vouched(&[]).notes[0].contains("no earlier receipt was given"));
    let verdict = vouched(&[&from.receipts[4]]);
    assert_eq!((verdict.vouched, verdict.lines), (5, 17));
    assert!(verdict.notes[0].contains("lines after 5 are newer"), "{verdict}");
    assert_eq!(vouched(&[&from.export]).vouched, 17);
    assert!(vouched(&[&from.export]).notes.is_empty());
    assert_eq!(verdict.application.as_deref(), Some("org.example.player"));
    assert!(from.lines[16].contains(&verdict.head));
}

/// A changed line whose hashes match still breaks a rule about meaning. The verdict names that rule.
#[test]
fn hashes_that_fit_do_not_make_sense_of_what_makes_none() {
    let from = history();
    type Edit = fn(&mut Value);
    let edits: [(usize, Edit, Wrong, &str); 7] = [
        (7, |line| line["epoch"] = json!(3), Wrong::Epoch, "its epoch is not higher"),
        (7, |line| line["decision"] = json!("void"), Wrong::Epoch, "its epoch is not higher"),
        (7, |line| line["at"] = json!("yesterday"), Wrong::Form, "not in the form that candor writes"),
        (5, |line| line["until"] = json!("soon"), Wrong::Form, "not in the form that candor writes"),
        (5, |line| line["contract"] = Value::Null, Wrong::Text, "names no contract or no notice"),
        (7, |line| line["decision"] = json!("perhaps"), Wrong::Form, "candor writes no such line"),
        (7, |line| line["\u{1b}[2J"] = json!(1), Wrong::Form, "candor writes no such line"),
    ];
    for (at, edit, wrong, words) in edits {
        let mut lines = from.lines.clone();
        let mut line: Value = serde_json::from_str(&lines[at - 1]).unwrap();
        edit(&mut line);
        lines[at - 1] = line.to_string();
        let verdict = verify(&from.ledger(&rechained(&lines)), &[]);
        let first = verdict.flaws.first().unwrap();
        assert_eq!((first.line, first.wrong), (Some(at as u64), wrong), "{verdict}");
        assert!(first.words.contains(words) && !first.words.contains('\u{1b}'), "{verdict}");
    }
    // The largest possible number has no next one.
    let last = from.ledger(&from.lines).replacen("\"line\":3,", "\"line\":18446744073709551615,", 1);
    assert_eq!(verify(&last, &[]).flaws[1].wrong, Wrong::Number);
    // Cut off by one byte.
    let cut = from.ledger(&from.lines);
    only(&verify(cut.trim_end(), &[]), Some(17), Wrong::Form, "does not end with a line break");
    // A text that was inserted.
    let mut export: Value = serde_json::from_str(&from.export).unwrap();
    export["candor"]["contracts"][blake3::hash(b"{}").to_hex().as_str()] = json!("{}");
    only(&verify(&export.to_string(), &[]), None, Wrong::Text, "no line names the text");
    // Windows line endings, and added spaces.
    let crlf = from.ledger(&from.lines).replace('\n', "\r\n");
    assert_eq!(verify(&crlf, &[]).flaws.len(), 17);
    let spaced = from.ledger(&from.lines).replacen("\",\"", "\", \"", 1);
    only(&verify(&spaced, &[]), Some(1), Wrong::Form, "not written as candor writes lines");
}

/// An export of the first version of the form, as it was written then. A person who kept one must be able to have it
/// checked forever. If this test fails, the form has changed and needs another name.
#[test]
fn an_export_of_long_ago_is_still_sound() {
    let kept = include_str!("receipts-1.json");
    let verdict = verify(kept, &[kept]);
    assert!(verdict.is_sound(), "{verdict}");
    assert_eq!((verdict.lines, verdict.application.as_deref()), (4, Some("org.example.player")));
    for state in ["ConsentRefused", "ConsentGiven", "ConsentWithdrawn", "RenewedConsentGiven"] {
        assert!(kept.contains(&format!("dpv:{state}")), "{state}");
    }
}

/// Any bytes get a verdict, and none crash the program that checks them.
#[test]
fn anything_can_be_verified() {
    let from = history();
    let mut rng = Rng::with_seed(7);
    let tokens =
        ["{", "}", "[", "]", "\"", ",", ":", "null", "-1", "1e999", "\\u0000", "\n", "{\"hash\":\"\"}", "🎬", "hash"];
    for round in 0..300 {
        let mut text = match round % 3 {
            0 => from.held.clone(),
            1 => from.ledger(&from.lines[..3]),
            _ => String::new(),
        };
        for _ in 0..rng.usize(1..8) {
            let mut at = rng.usize(..=text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            text.insert_str(at, rng.choice(tokens).unwrap());
        }
        let _ = verify(&text, &[text.as_str()]).to_string();
        let _ = verify(&from.held, &[text.as_str()]).to_string();
    }
}

/// What the store refuses to read is reported as a flaw. What it reads is not.
#[test]
fn the_store_and_the_check_agree() {
    let History { home, client, lines, .. } = &history();
    let ledger = home.store().join("ledger.jsonl");
    let mut rng = Rng::with_seed(11);
    let mut refused = 0;
    for _ in 0..100 {
        let mut bytes: Vec<u8> = lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect();
        let at = rng.usize(..bytes.len());
        bytes[at] ^= 1 << rng.u32(..8);
        files::write(&ledger, &bytes);
        let closed = client.status(USAGE).unwrap().trouble.is_some();
        assert_eq!(closed, !verify(&String::from_utf8_lossy(&bytes), &[]).is_sound(), "byte {at}");
        refused += usize::from(closed);
    }
    assert_eq!(refused, 100);
}

#[test]
fn every_kind_of_decision_verifies_and_is_named() {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    client.defer(PLAYBACK).unwrap();
    client.grant(USAGE.asked_in_own_words("May we?", "en")).unwrap();
    client.switch_off(USAGE, "library.opened.sorted").unwrap();
    client.keep(USAGE).unwrap();
    client.keep(USAGE).unwrap();
    client.revoke(USAGE, "the notice was wrong").unwrap();
    client.stop_asking_about_widenings().unwrap();
    client.ask_about_widenings().unwrap();
    say_yes(&client, USAGE);
    client.withdraw(USAGE).unwrap();
    let receipts = client.receipts().unwrap();
    let verdict = verify(&receipts.to_json(), &[]);
    assert!(verdict.is_sound() && verdict.lines == 10, "{verdict}");
    let text = receipts.to_string();
    for said in [
        "playback: later",
        "in words of the program's own",
        "without    library.opened.sorted",
        "what was agreed before was kept",
        "the yes was ended by the program",
        "why        the notice was wrong",
        "all kinds of reports: no questions any more",
        "all kinds of reports: questions again",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let export: Value = serde_json::from_str(&receipts.to_json()).unwrap();
    let scopes: Vec<&Value> =
        export["records"].as_array().unwrap().iter().map(|record| &record["purpose"]["dct:identifier"]).collect();
    assert_eq!(scopes, ["playback", "usage"], "a preference about being asked is no consent");
    // A line that keeps an earlier agreement must not take a new number (epoch).
    let lines: Vec<Value> = receipts_lines(&export).map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut forged = lines.clone();
    forged[3]["epoch"] = json!(forged[3]["epoch"].as_u64().unwrap() + 1);
    let forged = rechained(&forged.iter().map(forge::canonical).collect::<Vec<_>>());
    let verdict = verify(&(forged.join("\n") + "\n"), &[]);
    assert!(verdict.flaws.iter().any(|flaw| flaw.line == Some(4) && flaw.wrong == Wrong::Epoch), "{verdict}");
}

fn receipts_lines(export: &Value) -> impl Iterator<Item = &str> {
    export["candor"]["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap())
}
