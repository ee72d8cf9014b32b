//! Receipts as proof: a real history is exported, then cut, reordered and rewritten in a thousand ways. Each change is
//! found, and the line that is named is the right one. Changes that can't be found are tested in `undetectable`.

use crate::{
    events::{CONNECTIVITY, PLAYBACK, USAGE},
    files,
    forge::canonical,
    home::{DAY, Home, say_yes},
    server::Server,
};
use candor::{
    Client,
    consent::{Verdict, Wrong, verify},
};
use fastrand::Rng;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, ops::RangeInclusive};

/// The number of attacks.
const ATTACKS: usize = 1_000;
/// The person holds receipts up to this line.
const HELD: usize = 13;

/// A history as the person's computer holds it.
pub(crate) struct History {
    pub(crate) home: Home,
    _server: Server,
    pub(crate) client: Client,
    /// The ledger's lines, without their newlines.
    pub(crate) lines: Vec<String>,
    /// The export after [`HELD`] lines.
    pub(crate) held: String,
    /// The receipt of each of those lines, as returned when the line was written.
    pub(crate) receipts: Vec<String>,
    /// The current export.
    pub(crate) export: String,
}

/// Makes decisions about three scopes, over a month and a half.
pub(crate) fn history() -> History {
    let (home, server) = (Home::new(), Server::new());
    let client = home.start(&server);
    let mut receipts = Vec::new();
    let mut keep = |receipt: candor::consent::Receipt| receipts.push(serde_json::to_string(&receipt).unwrap());
    let shown = |scope: candor::Scope| scope.shown(&client.notice(scope).unwrap()).via("settings/privacy");
    let pause = || home.clock.advance(3 * DAY);
    keep(client.grant(PLAYBACK).unwrap());
    keep(client.deny(USAGE).unwrap());
    pause();
    keep(client.grant(CONNECTIVITY).unwrap());
    keep(client.withdraw(PLAYBACK).unwrap());
    pause();
    keep(client.grant(shown(USAGE)).unwrap());
    keep(client.grant(shown(PLAYBACK)).unwrap());
    keep(client.deny(CONNECTIVITY).unwrap());
    pause();
    keep(client.withdraw(USAGE).unwrap());
    keep(client.grant(shown(CONNECTIVITY).via("the \"first\" question")).unwrap());
    keep(client.withdraw(PLAYBACK).unwrap());
    pause();
    keep(client.deny(PLAYBACK).unwrap());
    keep(client.grant(shown(USAGE)).unwrap());
    keep(client.withdraw(CONNECTIVITY).unwrap());
    let held = client.receipts().unwrap().to_json();
    pause();
    say_yes(&client, PLAYBACK);
    client.withdraw(USAGE).unwrap();
    say_yes(&client, CONNECTIVITY);
    say_yes(&client, USAGE);
    let export = client.receipts().unwrap().to_json();
    let ledger = fs::read_to_string(home.store().join("ledger.jsonl")).unwrap();
    let lines: Vec<String> = ledger.lines().map(Into::into).collect();
    assert_eq!((receipts.len(), lines.len()), (HELD, HELD + 4));
    History { home, _server: server, client, lines, held, receipts, export }
}

impl History {
    /// The text of a ledger with these lines.
    pub(crate) fn ledger(&self, lines: &[String]) -> String {
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// The export that candor itself makes if the ledger has these lines, with the readable part. The program's report
    /// of trouble is removed, as a forger would do.
    pub(crate) fn exported(&self, lines: &[String]) -> String {
        let path = self.home.store().join("ledger.jsonl");
        files::write(&path, self.ledger(lines).as_bytes());
        let mut export: Value = serde_json::from_str(&self.client.receipts().unwrap().to_json()).unwrap();
        files::write(&path, self.ledger(&self.lines).as_bytes());
        export["candor"]["trouble"] = Value::Null;
        export.to_string()
    }
}

/// The same lines with numbers and hashes that match each other.
pub(crate) fn rechained(lines: &[String]) -> Vec<String> {
    let number = |(at, line): (usize, &String)| edited(line, |line| line["line"] = json!(at + 1));
    linked(&lines.iter().enumerate().map(number).collect::<Vec<_>>())
}

/// The same lines with hashes that match each other.
fn linked(lines: &[String]) -> Vec<String> {
    let mut previous = String::new();
    let line = |text: &String| {
        let line = signed(&edited(text, |line| line["previous"] = json!(previous)));
        previous = serde_json::from_str::<Value>(&line).unwrap()["hash"].as_str().unwrap().to_owned();
        line
    };
    lines.iter().map(line).collect()
}

/// The same line with a hash that matches it.
fn signed(line: &str) -> String {
    let line = edited(line, |line| line["hash"] = json!(""));
    edited(&line, |value| value["hash"] = json!(blake3::hash(line.as_bytes()).to_hex().to_string()))
}

fn edited(line: &str, act: impl FnOnce(&mut Value)) -> String {
    let mut value: Value = serde_json::from_str(line).unwrap();
    act(&mut value);
    canonical(&value)
}

/// Verifiers with a flaw, each given as the verdict that it would return. Each must miss an attack.
type Mutant = fn(&Attack, Verdict) -> Verdict;

const MUTANTS: [(&str, Mutant); 9] = [
    ("the earlier receipt is ignored", |attack, _| verify(&attack.history, &[])),
    ("the chain is not checked", |_, said| without(&[Wrong::Hash, Wrong::Order, Wrong::Number], said)),
    ("a line's own hash is not checked", |_, said| without(&[Wrong::Hash], said)),
    ("that lines follow each other is not checked", |_, said| without(&[Wrong::Order], said)),
    ("numbers are not checked", |_, said| without(&[Wrong::Number], said)),
    ("the history is not compared with what an earlier one has", |_, said| without(&[Wrong::Rewritten], said)),
    ("texts are not checked", |_, said| without(&[Wrong::Text], said)),
    ("the readable part is not checked", |_, said| without(&[Wrong::Readable], said)),
    ("missing lines at the end are not noticed", |_, said| without(&[Wrong::Cut], said)),
];

fn without(kinds: &[Wrong], mut said: Verdict) -> Verdict {
    said.flaws.retain(|flaw| !kinds.contains(&flaw.wrong));
    said
}

/// One attack: what is handed over, what the person holds, and which line must be named. `None` means the document as a
/// whole. If the person holds the receipt of one later line and all hashes were recalculated, `verify` may name that
/// line or one before it.
struct Attack {
    what: &'static str,
    history: String,
    earlier: Option<String>,
    line: Option<RangeInclusive<u64>>,
}

/// Draws an attack at random. `Rng` has a fixed seed, so that each run is the same.
fn attack(from: &History, rng: &mut Rng) -> Attack {
    match rng.u32(..10) {
        0 | 1 => truncation(from, rng),
        2..=4 => reordering(from, rng),
        5..=7 => rewriting(from, rng),
        8 => half_careful(from, rng),
        _ => readable(from, rng),
    }
}

/// Returns the lines as a ledger or as an export.
fn handed_over(from: &History, rng: &mut Rng, lines: &[String]) -> String {
    if rng.bool() { from.ledger(lines) } else { from.exported(lines) }
}

/// Exactly this line.
fn only(line: u64) -> Option<RangeInclusive<u64>> {
    Some(line..=line)
}

/// What the person holds about line `at` or a later one, and the lines that `verify` may then name.
fn held(from: &History, rng: &mut Rng, at: usize) -> (Option<String>, Option<RangeInclusive<u64>>) {
    if rng.bool() {
        return (Some(from.held.clone()), only(at as u64));
    }
    let receipt = rng.usize(at..=HELD);
    (Some(from.receipts[receipt - 1].clone()), Some(at as u64..=receipt as u64))
}

fn truncation(from: &History, rng: &mut Rng) -> Attack {
    match rng.u32(..4) {
        // Cut somewhere in the file.
        0 => {
            let mut cut = rng.usize(1..from.export.len() - 2);
            while !from.export.is_char_boundary(cut) {
                cut -= 1;
            }
            let history = from.export[..cut].to_owned();
            Attack { what: "an export cut off", history, earlier: None, line: None }
        }
        // Cut within a line.
        1 => {
            let ledger = from.ledger(&from.lines);
            let line = rng.usize(..from.lines.len());
            let start = from.lines[..line].iter().map(|line| line.len() + 1).sum::<usize>();
            let mut cut = start + rng.usize(1..=from.lines[line].len());
            while !ledger.is_char_boundary(cut) {
                cut -= 1;
            }
            let history = ledger[..cut].to_owned();
            // Half of a first line can't be recognized as a ledger, so no line is named.
            let line = (line > 0 || cut == from.lines[0].len()).then(|| line as u64 + 1..=line as u64 + 1);
            Attack { what: "a line cut off", history, earlier: None, line }
        }
        // Whole lines removed at the end. Only a person who holds a receipt can notice this.
        2 => {
            let left = rng.usize(1..HELD);
            let (earlier, _) = held(from, rng, left + 1);
            let lines = if rng.bool() { rechained(&from.lines[..left]) } else { from.lines[..left].to_vec() };
            let history = handed_over(from, rng, &lines);
            Attack { what: "last lines removed", history, earlier, line: only(left as u64 + 1) }
        }
        // Whole lines removed at the beginning.
        _ => {
            let from_line = rng.usize(1..from.lines.len());
            if rng.bool() {
                let history = handed_over(from, rng, &from.lines[from_line..]);
                return Attack { what: "first lines removed", history, earlier: None, line: only(1) };
            }
            let lines = rechained(&from.lines[from_line..]);
            let history = handed_over(from, rng, &lines);
            let earlier = Some(from.held.clone());
            Attack { what: "first lines removed, hashes computed again", history, earlier, line: only(1) }
        }
    }
}

fn reordering(from: &History, rng: &mut Rng) -> Attack {
    let rehashed = rng.bool();
    // Recalculated hashes are found only where the person holds receipts.
    let most = if rehashed { HELD } else { from.lines.len() };
    let mut lines = from.lines.clone();
    let first = rng.usize(..most - 1);
    let second = rng.usize(first + 1..most);
    match rng.u32(..3) {
        0 => lines.swap(first, second),
        1 => lines[first..=second].rotate_left(1),
        _ => lines[first..=second].rotate_right(1),
    }
    let (earlier, line) = if rehashed { held(from, rng, first + 1) } else { (None, only(first as u64 + 1)) };
    let lines = if rehashed { rechained(&lines) } else { lines };
    let history = handed_over(from, rng, &lines);
    Attack { what: if rehashed { "reordered, hashes computed again" } else { "reordered" }, history, earlier, line }
}

fn rewriting(from: &History, rng: &mut Rng) -> Attack {
    let rehashed = rng.bool();
    let mut lines = from.lines.clone();
    let at = rng.usize(..if rehashed { HELD } else { lines.len() });
    // The last two kinds are not drawn for the last line: removing it is a truncation, which can go unnoticed.
    let (mut what, kind) = ("rewritten", rng.u32(..if at + 1 < lines.len() { 13 } else { 11 }));
    let line = lines[at].clone();
    lines[at] = match kind {
        0 => edited(&line, |line| {
            line["decision"] = json!(if line["decision"] == "granted" { "denied" } else { "granted" })
        }),
        1 => edited(&line, |line| line["at"] = json!(format!("2024-0{}-11T08:15:00Z", rng.u32(1..10)))),
        2 => edited(&line, |line| line["scope"] = json!(if line["scope"] == "usage" { "playback" } else { "usage" })),
        3 => edited(&line, |line| line["epoch"] = json!(line["epoch"].as_u64().unwrap() + rng.u64(1..9))),
        4 => edited(&line, |line| line["via"] = json!("another place")),
        5 => edited(&line, |line| line["until"] = json!("2031-01-01")),
        6 => edited(&line, |line| line["language"] = json!("fr")),
        7 => edited(&line, |line| line["contract"] = json!(blake3::hash(b"another").to_hex().to_string())),
        8 => edited(&line, |line| line["notice"] = json!(blake3::hash(b"another").to_hex().to_string())),
        9 => edited(&line, |line| line["more"] = json!(true)),
        // Any byte of the line, if the hashes are not recalculated.
        10 => {
            if !rehashed {
                return flipped(from, rng, at);
            }
            edited(&line, |line| line["via"] = Value::Null)
        }
        11 => {
            what = "a line removed";
            String::new()
        }
        _ => {
            what = "a line added";
            format!("{}\n{line}", edited(&line, |line| line["via"] = json!("nowhere")))
        }
    };
    let lines: Vec<String> = lines.join("\n").split('\n').filter(|line| !line.is_empty()).map(Into::into).collect();
    let unchanged = !rehashed && lines == from.lines;
    let (earlier, line) = if rehashed { held(from, rng, at + 1) } else { (None, only(at as u64 + 1)) };
    let lines = if rehashed { rechained(&lines) } else { lines };
    if unchanged || lines == from.lines {
        // The line already had this content, so another attack is drawn.
        return rewriting(from, rng);
    }
    let history = handed_over(from, rng, &lines);
    Attack { what, history, earlier, line }
}

/// An attack by a person who knows part of the rules.
fn half_careful(from: &History, rng: &mut Rng) -> Attack {
    let mut lines = from.lines.clone();
    let at = rng.usize(..lines.len() - 1);
    let what = if rng.bool() {
        // Only the line's own hash is recalculated, so the next line does not follow it.
        lines[at] = signed(&edited(&lines[at], |line| line["via"] = json!("another place")));
        let history = handed_over(from, rng, &lines);
        return Attack { what: "one hash computed again", history, earlier: None, line: only(at as u64 + 2) };
    } else if rng.bool() {
        lines.remove(at);
        "a line removed, and its number left out"
    } else {
        let after = lines[at].clone();
        lines.insert(at, after);
        "a line twice, with its number"
    };
    let line = at as u64 + if lines.len() < from.lines.len() { 1 } else { 2 };
    let history = handed_over(from, rng, &linked(&lines));
    Attack { what, history, earlier: None, line: only(line) }
}

/// Flips one bit of one line.
fn flipped(from: &History, rng: &mut Rng, at: usize) -> Attack {
    let mut lines = from.lines.clone();
    loop {
        let mut bytes = lines[at].clone().into_bytes();
        let place = rng.usize(..bytes.len());
        bytes[place] ^= 1 << rng.u32(..7);
        // A newline would make one more line.
        if let Ok(text) = String::from_utf8(bytes)
            && !text.contains('\n')
        {
            lines[at] = text;
            break;
        }
    }
    let history = handed_over(from, rng, &lines);
    Attack { what: "a bit flipped", history, earlier: None, line: only(at as u64 + 1) }
}

/// Changes what people and other programs read beside the lines.
fn readable(from: &History, rng: &mut Rng) -> Attack {
    let mut export: Value = serde_json::from_str(&from.export).unwrap();
    let named = |key: &str, digest: &str| {
        from.lines.iter().position(|line| line.contains(&format!(r#""{key}":"{digest}""#))).unwrap() as u64 + 1
    };
    let pick = |rng: &mut Rng, list: &Value| rng.usize(..list.as_array().unwrap().len());
    let (what, line) = match rng.u32(..8) {
        0 => {
            let at = pick(rng, &export["privacy_notice"]);
            let notice = &mut export["privacy_notice"][at];
            notice["text"] = json!(notice["text"].as_str().unwrap().replace("report", "rep0rt"));
            let digest = notice["@id"].as_str().unwrap()[1..].to_owned();
            ("the notice changed", Some(named("notice", &digest)))
        }
        1 => {
            let contracts = export["candor"]["contracts"].as_object_mut().unwrap();
            let digest = contracts.keys().nth(rng.usize(..contracts.len())).unwrap().clone();
            let text = contracts[&digest].as_str().unwrap().replace("FR", "US");
            contracts[&digest] = json!(text);
            ("the contract changed", Some(named("contract", &digest)))
        }
        2 => {
            let contracts = export["candor"]["contracts"].as_object_mut().unwrap();
            let digest = contracts.keys().nth(rng.usize(..contracts.len())).unwrap().clone();
            contracts.remove(&digest);
            ("a contract removed", Some(named("contract", &digest)))
        }
        kind => {
            let record = pick(rng, &export["records"]);
            let at = pick(rng, &export["records"][record]["event"]);
            let events = export["records"][record]["event"].as_array_mut().unwrap();
            let line = events[at]["line"].as_u64().unwrap();
            match kind {
                3 => {
                    let state = &mut events[at]["event_state"];
                    *state =
                        json!(if *state == "dpv:ConsentGiven" { "dpv:ConsentRefused" } else { "dpv:ConsentGiven" });
                    ("an event's state changed", Some(line))
                }
                4 => {
                    events[at]["event_time"] = json!("2024-01-01T00:00:00Z");
                    ("an event's time changed", Some(line))
                }
                5 => {
                    events[at]["remark"] = json!("as agreed by telephone");
                    ("something added to an event", Some(line))
                }
                6 => {
                    events.truncate(at);
                    ("last events removed", Some(line))
                }
                _ => {
                    export["records"][record]["pii_processing"][0]["retention_period"]["dpv:hasDuration"] =
                        json!("P1D");
                    let line = export["records"][record]["pii_processing"][0]["line"].as_u64();
                    ("another retention", line)
                }
            }
        }
    };
    Attack { what, history: export.to_string(), earlier: None, line: line.and_then(only) }
}

/// Whether a flaw was found and the right line named. The first line that is named counts, because the person looks at that one.
fn is_found(attack: &Attack, said: &Verdict) -> bool {
    let named = said.flaws.iter().find_map(|flaw| flaw.line);
    !said.is_sound()
        && match (&attack.line, named) {
            (Some(lines), Some(line)) => lines.contains(&line),
            (None, None) => true,
            _ => false,
        }
}

#[test]
fn a_thousand_truncations_reorderings_and_rewrites_are_found() {
    let from = history();
    // The unchanged history, in either form and against everything that the person holds.
    for text in [&from.export, &from.ledger(&from.lines), &from.exported(&from.lines)] {
        for earlier in from.receipts.iter().chain([&from.held, &from.export]) {
            let verdict = verify(text, &[earlier.as_str()]);
            assert!(verdict.is_sound(), "{verdict}");
        }
        assert!(verify(text, &[]).is_sound());
        assert!(verify(text, &from.receipts.iter().map(String::as_str).collect::<Vec<_>>()).is_sound());
    }
    // Recalculating unchanged lines gives the same lines.
    assert_eq!(rechained(&from.lines), from.lines);
    let mut rng = Rng::with_seed(27_560);
    let (mut found, mut let_through) = (0, [0; MUTANTS.len()]);
    let mut kinds = BTreeMap::new();
    for number in 0..ATTACKS {
        let attack = attack(&from, &mut rng);
        let said = verify(&attack.history, attack.earlier.as_deref().as_slice());
        let flaws: Vec<String> = said.flaws.iter().map(ToString::to_string).collect();
        assert!(is_found(&attack, &said), "attack {number}, {}: {:?}, {flaws:#?}", attack.what, attack.line);
        found += 1;
        *kinds.entry(attack.what).or_insert(0) += 1;
        for ((_, mutant), through) in MUTANTS.iter().zip(&mut let_through) {
            *through += usize::from(!is_found(&attack, &mutant(&attack, said.clone())));
        }
    }
    for ((what, _), through) in MUTANTS.iter().zip(let_through) {
        assert!(through > 0, "nothing notices: {what}");
    }
    println!("{kinds:#?}");
    println!(
        "proof: {found} of {ATTACKS} found with the right line, in a history of {} lines; {} of {} wrong verifiers caught",
        from.lines.len(),
        MUTANTS.len(),
        MUTANTS.len()
    );
}
