//! Checks whether a history is whole and unchanged, and if not, says which line is wrong. Works on an export or on a
//! store's own `ledger.jsonl`, without a client, a store or a network. Trusts nothing it is given and changes nothing.
//!
//! The chain of hashes has no secret. On its own it shows damage and careless edits. Compared with a receipt that was
//! kept elsewhere it also shows truncation, reordering and rewriting. [`UNDETECTABLE`] lists what it does not show.

use crate::consent::{
    json::{canonical, digest, parse_strict},
    proof::parts::{Parts, is_text, taken_out},
    proof::vocabulary,
    records::entry::{Decision, GENESIS, Line},
};
use crate::{ambient::Time, clean};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// What [`verify`] can't find, in words for people. Each entry has a test that does exactly this and checks that
/// nothing is noticed.
pub const UNDETECTABLE: &[&str] = &[
    "A history that was rewritten from its first line, with all hashes computed again, if no earlier receipt is given.",
    "Lines that were cut off after the newest one that an earlier receipt names.",
    "Lines that were changed, added or put in another order after the newest one that an earlier receipt names, with \
     all hashes computed again.",
    "An earlier receipt that was made up together with the history.",
    "A whole store that was restored from a backup, if no receipt is newer than the backup.",
    "A yes that the program recorded although nobody gave it, or somebody else did.",
    "Whether the notice was really on the screen, all of it, before the yes.",
    "A clock that was wrong: the times are what the computer's clock showed.",
    "A decision that was never written, because the disk failed or the program did not ask.",
    "Another history that was not given, of a second store or another account.",
    "Which program a history belongs to, if it holds no yes.",
    "What an export says of itself: when and by which version it was made, whether the program had trouble with its \
     records, and which withdrawals it could not write yet.",
    "What was recorded, sent or kept by anyone: the history is about decisions.",
];

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Verdict {
    /// The program that the history belongs to; `None` if the text does not say so.
    pub application: Option<String>,
    /// How many lines the history has.
    pub lines: u64,
    /// The hash of the last line, which covers all lines before it; empty if there is none.
    pub head: String,
    /// The newest line that an earlier receipt confirms; 0 without one. The lines after it are checked only against
    /// each other.
    pub vouched: u64,
    /// What is wrong, in the order of the lines.
    pub flaws: Vec<Flaw>,
    /// What is worth knowing but is not an error, such as a clock that was set back.
    pub notes: Vec<String>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Flaw {
    /// The line, counted from 1 by its position in the text, whatever number it gives itself. `None` if the flaw is
    /// about the whole text.
    pub line: Option<u64>,
    /// What kind of flaw.
    pub wrong: Wrong,
    /// The same in words for people.
    pub words: String,
}

/// Kinds of flaws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Wrong {
    /// The text is no history, or only a part of one.
    NoHistory,
    /// The line is not one that candor writes: not JSON, unknown or missing keys, extra spaces, half a line.
    Form,
    /// The line's hash does not match its content.
    Hash,
    /// The line does not follow the one before it.
    Order,
    /// The line's number is not the next one.
    Number,
    /// The number that grows with every decision about a scope does not grow.
    Epoch,
    /// A contract or a notice is missing, is not the one that was agreed to, or belongs to no line.
    Text,
    /// The readable part of an export does not say what the lines say.
    Readable,
    /// A line that an earlier receipt names is missing at the end.
    Cut,
    /// A line is not the one that an earlier receipt names.
    Rewritten,
    /// An earlier receipt can't be used, or is about something else.
    Earlier,
    /// The program that made the export could not rely on its own records.
    Trouble,
}

impl Verdict {
    /// Whether nothing wrong was found.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.flaws.is_empty()
    }

    fn flaw(&mut self, line: impl Into<Option<u64>>, wrong: Wrong, words: impl AsRef<str>) {
        self.flaws.push(Flaw { line: line.into(), wrong, words: clean::line(&words.as_ref().replace('\n', " ")) });
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.words),
            None => f.write_str(&self.words),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = self.application.as_deref().map_or_else(String::new, |application| format!(" of {application}"));
        writeln!(f, "A history{} with {} lines", clean::line(&of), self.lines)?;
        if self.is_sound() {
            let head = if self.head.is_empty() { "" } else { ", up to " };
            writeln!(f, "Nothing wrong was found{head}{}", self.head)?;
        }
        for flaw in &self.flaws {
            writeln!(f, "WRONG  {flaw}")?;
        }
        for note in &self.notes {
            writeln!(f, "note   {note}")?;
        }
        Ok(())
    }
}

/// Checks a history: an export ([`Receipts::to_json`](crate::consent::Receipts::to_json)), or the lines of a store's
/// `ledger.jsonl`. Each element of `earlier` was kept elsewhere before, and the history must still have its lines: an
/// export, such lines, or a single [`Receipt`](crate::consent::Receipt) as JSON.
///
/// ```standalone_crate
/// use candor::consent;
/// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
/// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
/// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
/// #     .erasure(Erasure::Unsupported);
/// # candor::scope! {
/// #     /// Find out how many shelves people use, so that the common case is fast.
/// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
/// #         benefit: "Faster lists", other_uses: none }
/// # }
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
/// # let _candor = candor::init(config)?;
/// let kept = serde_json::to_string(&consent::deny(USAGE)?)?;         // the person keeps this receipt elsewhere
/// let export = consent::receipts()?.to_json();
/// let verdict = consent::verify(&export, &[&kept]);
/// assert!(verdict.is_sound());
/// assert_eq!((verdict.lines, verdict.vouched), (1, 1));
///
/// let changed = consent::verify(&export.replace("denied", "granted"), &[&kept]);
/// println!("{changed}");         // WRONG  line 1: its hash does not match its content, so it was changed
/// assert!(changed.flaws.iter().any(|flaw| flaw.wrong == consent::Wrong::Hash));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Pure: reads no file and contacts no other process or server. Works for the history of any program, including one
/// that is not linked here. See [`UNDETECTABLE`] for what it does not find.
#[must_use]
pub fn verify(history: &str, earlier: &[&str]) -> Verdict {
    let (mut verdict, given) = checked(history);
    let Some(given) = given else { return verdict };
    for text in earlier {
        compare(&mut verdict, &given, text);
    }
    if earlier.is_empty() && verdict.lines > 0 {
        verdict
            .notes
            .push("no earlier receipt was given: a history that was rewritten as a whole would look the same".into());
    } else if verdict.vouched > 0 && verdict.vouched < verdict.lines {
        let words = format!(
            "the lines after {} are newer than every receipt given, and were checked only against each other",
            verdict.vouched
        );
        verdict.notes.push(words);
    }
    verdict.flaws.sort_by_key(|flaw| flaw.line.unwrap_or(0));
    verdict
}

/// A line as it was given, and what it was parsed to.
struct Given {
    /// The hash that the line states.
    hash: String,
    line: Option<Line>,
}

/// Checks a history by itself. Returns no lines if the text is not a history at all.
fn checked(history: &str) -> (Verdict, Option<Vec<Given>>) {
    let mut verdict =
        Verdict { application: None, lines: 0, head: String::new(), vouched: 0, flaws: Vec::new(), notes: Vec::new() };
    let document = parse_strict(history);
    let export = document.as_ref().and_then(|document| Some((document, taken_out(document)?)));
    let given = match &export {
        Some((document, parts)) => {
            verdict.application = Some(parts.application.clone());
            let given = chained(&mut verdict, parts.lines.iter().map(|line| (line.as_str(), true)));
            texts(&mut verdict, parts, &given);
            readable(&mut verdict, document, &vocabulary::document(parts), &mut String::new(), None);
            if let Some(trouble) = &parts.trouble {
                let words = format!("the program that made this could not rely on its records: {trouble}");
                verdict.flaw(None, Wrong::Trouble, words);
            }
            given
        }
        None => {
            if let Some(words) = no_history(history, document.as_ref()) {
                verdict.flaw(None, Wrong::NoHistory, words);
                return (verdict, None);
            }
            let lines = history.split_inclusive('\n');
            let lines = lines.map(|line| line.strip_suffix('\n').map_or((line, false), |line| (line, true)));
            let given = chained(&mut verdict, lines);
            verdict.notes.push(
                "these are only the lines: the texts that were agreed to are not included, and were not \
                                checked"
                    .into(),
            );
            given
        }
    };
    verdict.lines = given.len() as u64;
    verdict.head = given.last().map(|line| clean::line(&line.hash)).unwrap_or_default();
    (verdict, Some(given))
}

/// Why a text is neither an export nor the lines of a ledger. `None` if it is the lines of one.
fn no_history(text: &str, document: Option<&Value>) -> Option<&'static str> {
    if is_receipt(document) {
        return Some(
            "this is the receipt of one decision: give it as the earlier receipt, together with a whole history",
        );
    }
    let is_line = |text: &str| {
        parse_strict(text).is_some_and(|line| line.get("previous").is_some() || line.get("hash").is_some())
    };
    match document {
        Some(document) if document.get("candor").is_some() => {
            Some("this export has a form that this version does not know, or parts of it are missing or malformed")
        }
        _ if text.lines().any(is_line) => None,
        _ => Some("this is neither a whole export nor the lines of a history"),
    }
}

fn is_receipt(document: Option<&Value>) -> bool {
    document.is_some_and(|document| document.get("hash").is_some() && document.get("previous").is_none())
}

/// Checks every line by itself and against the one before it.
fn chained<'t>(verdict: &mut Verdict, lines: impl Iterator<Item = (&'t str, bool)>) -> Vec<Given> {
    let mut given: Vec<Given> = Vec::new();
    let (mut epochs, mut next, mut time) = (BTreeMap::new(), 1_u64, None);
    for (at, (text, ended)) in (1_u64..).zip(lines) {
        let before = given.last();
        let value = parse_strict(text).unwrap_or_default();
        let hash = value.get("hash").and_then(Value::as_str).unwrap_or_default().to_owned();
        let line = match serde_json::from_value::<Line>(value.clone()) {
            Ok(line) if !ended => {
                verdict.flaw(at, Wrong::Form, "it does not end with a line break, so something may be missing");
                Some(line)
            }
            Ok(line) => {
                // candor writes no extra spaces, no other order of keys, and one form of each number and letter.
                if canonical(&value) != text {
                    verdict.flaw(at, Wrong::Form, "it is not written as candor writes lines, so it was changed");
                }
                Some(line)
            }
            Err(error) => {
                let words = if value.is_null() {
                    "it is not a whole line".into()
                } else {
                    format!("candor writes no such line: {error}")
                };
                verdict.flaw(at, Wrong::Form, words);
                None
            }
        };
        if !value.is_null() && hash != hash_of(&value) {
            verdict.flaw(at, Wrong::Hash, "its hash does not match its content, so it was changed");
        }
        if let Some(line) = &line {
            if line.previous != before.map_or(GENESIS, |before| before.hash.as_str()) {
                let words = match before {
                    Some(_) => {
                        "it does not follow the line before it: lines were changed, removed, added or moved here"
                    }
                    None => "it is not the first line of a history: the lines before it are missing",
                };
                verdict.flaw(at, Wrong::Order, words);
            }
            if line.line != next {
                let words = format!("its number is {}, but it should be {next}", line.line);
                verdict.flaw(at, Wrong::Number, words);
            }
            let voids = before.and_then(|before| before.line.as_ref()).filter(|_| line.decision == Decision::Void);
            sense(verdict, at, line, voids, &mut epochs);
            let now = Time::parse(&line.at);
            if now < time {
                verdict.notes.push(format!("line {at}: the computer's clock was set back before it"));
            }
            time = now.or(time);
        }
        // Counted on from the number that the line states, so that one gap is one flaw.
        next = line.as_ref().map_or(next, |line| line.line).saturating_add(1);
        given.push(Given { hash, line });
    }
    given
}

/// The hash that a line must have.
fn hash_of(line: &Value) -> String {
    let mut unsigned = line.clone();
    if let Some(hash) = unsigned.get_mut("hash") {
        *hash = "".into();
    }
    digest(canonical(&unsigned).as_bytes())
}

/// Checks that a line says something that can have been decided after the lines before it.
fn sense(verdict: &mut Verdict, at: u64, line: &Line, voids: Option<&Line>, epochs: &mut BTreeMap<String, u64>) {
    if !line.is_dated() {
        verdict.flaw(at, Wrong::Form, "its time is not in the form that candor writes");
    }
    if line.decision == Decision::Granted && (line.contract.is_none() || line.notice.is_none()) {
        verdict.flaw(at, Wrong::Text, "it is a yes, but names no contract or no notice");
    }
    let last = epochs.insert(line.scope.clone(), line.epoch);
    let grows = match line.decision {
        // It voids the grant on the line before it, and has the same number.
        Decision::Void => voids
            .is_some_and(|yes| yes.decision == Decision::Granted && yes.scope == line.scope && yes.epoch == line.epoch),
        // What was agreed stays as it was, under the same number.
        Decision::Kept => last == Some(line.epoch),
        _ => last.is_none_or(|last| line.epoch > last),
    };
    if !grows {
        verdict.flaw(at, Wrong::Epoch, "its epoch is not higher than that of an earlier decision about its scope");
    }
}

/// Checks the contracts and notices against the lines that name them.
fn texts(verdict: &mut Verdict, parts: &Parts, given: &[Given]) {
    let mut named = [BTreeSet::new(), BTreeSet::new()];
    for (at, line) in (1_u64..).zip(given) {
        let Some(line) = &line.line else { continue };
        let texts = [(&line.contract, &parts.contracts, "contract"), (&line.notice, &parts.notices, "notice")];
        for ((digest, kept, what), named) in texts.into_iter().zip(&mut named) {
            let Some(digest) = digest else { continue };
            // Each text is checked once, at the first line that names it.
            if !named.insert(digest.as_str()) {
                continue;
            }
            match kept.get(digest) {
                None => verdict.flaw(at, Wrong::Text, format!("the {what} it names is missing")),
                Some(text) if !is_text(text, digest) => {
                    verdict.flaw(at, Wrong::Text, format!("the {what} it names was changed"));
                }
                Some(text) if what == "contract" && of_another(text, &parts.application) => {
                    verdict.flaw(at, Wrong::Text, "the contract it names belongs to another program");
                }
                Some(_) => {}
            }
        }
    }
    for (named, kept) in named.iter().zip([&parts.contracts, &parts.notices]) {
        for digest in kept.keys().filter(|digest| !named.contains(digest.as_str())) {
            verdict.flaw(None, Wrong::Text, format!("no line names the text {digest}"));
        }
    }
}

fn of_another(contract: &str, application: &str) -> bool {
    let contract: Value = serde_json::from_str(contract).unwrap_or_default();
    contract.get("application").and_then(Value::as_str) != Some(application)
}

/// Compares the readable part with what the lines say, and names the line whose part differs.
fn readable(verdict: &mut Verdict, given: &Value, ours: &Value, path: &mut String, line: Option<u64>) {
    let line = ours.get("line").and_then(Value::as_u64).or(line);
    let len = path.len();
    match (given, ours) {
        (Value::Object(theirs), Value::Object(expected)) => {
            let keys: BTreeSet<&String> = theirs.keys().chain(expected.keys()).collect();
            for key in keys {
                path.push('/');
                path.push_str(key);
                match (theirs.get(key), expected.get(key)) {
                    (Some(theirs), Some(expected)) => readable(verdict, theirs, expected, path, line),
                    (theirs, _) => {
                        let what = if theirs.is_some() {
                            "has something that is not in the lines"
                        } else {
                            "lacks something that is in the lines"
                        };
                        verdict.flaw(line, Wrong::Readable, format!("the readable part {what}: {path}"));
                    }
                }
                path.truncate(len);
            }
        }
        (Value::Array(theirs), Value::Array(expected)) => {
            for (at, pair) in theirs.iter().zip(expected).enumerate() {
                path.push_str(&format!("/{at}"));
                readable(verdict, pair.0, pair.1, path, line);
                path.truncate(len);
            }
            if theirs.len() != expected.len() {
                // The first element that is too many, or missing.
                let first = expected.get(theirs.len()).and_then(|first| first.get("line")).and_then(Value::as_u64);
                let words =
                    format!("the readable part has {} where the lines have {}: {path}", theirs.len(), expected.len());
                verdict.flaw(first.or(line), Wrong::Readable, words);
            }
        }
        (theirs, expected) if theirs == expected => {}
        _ => verdict.flaw(line, Wrong::Readable, format!("the readable part differs from the lines: {path}")),
    }
}

/// A line that an earlier receipt names.
struct Anchor {
    number: u64,
    hash: String,
}

/// Compares a history with something that was kept elsewhere.
fn compare(verdict: &mut Verdict, given: &[Given], earlier: &str) {
    let document = parse_strict(earlier);
    let anchors = if is_receipt(document.as_ref()) {
        match document.as_ref().map(|receipt| anchor(receipt, given)) {
            Some(Ok(anchor)) => vec![anchor],
            Some(Err(words)) => return verdict.flaw(None, Wrong::Earlier, words),
            None => return,
        }
    } else {
        let (theirs, lines) = checked(earlier);
        if let Some(first) = theirs.flaws.first() {
            return verdict.flaw(None, Wrong::Earlier, format!("the earlier receipt is wrong itself: {first}"));
        }
        if let (Some(theirs), Some(ours)) = (&theirs.application, &verdict.application)
            && theirs != ours
        {
            let words = format!("the earlier receipt is about another program, {theirs}");
            return verdict.flaw(None, Wrong::Earlier, words);
        }
        let lines = lines.unwrap_or_default();
        (1..).zip(lines).map(|(number, line)| Anchor { number, hash: line.hash }).collect()
    };
    let newest = anchors.last().map_or(0, |anchor| anchor.number);
    let at = |number: u64| usize::try_from(number).ok().and_then(|number| given.get(number.checked_sub(1)?));
    // Only the first difference is reported: every line after it differs as well.
    for anchor in &anchors {
        match at(anchor.number) {
            Some(line) if line.hash == anchor.hash => continue,
            Some(_) if anchors.len() == 1 => verdict.flaw(
                anchor.number,
                Wrong::Rewritten,
                "it is not the line that the earlier receipt names: it or a line before it was changed, removed, added \
                 or moved, or a new history was begun",
            ),
            Some(_) => verdict.flaw(
                anchor.number,
                Wrong::Rewritten,
                "it is not the line that the earlier receipt has here: it was changed, removed, added or moved, or a \
                 new history was begun",
            ),
            None => {
                let missing = given.len() as u64 + 1;
                let words = format!("it is missing: the earlier receipt names the lines up to {newest}");
                verdict.flaw(missing, Wrong::Cut, words);
            }
        }
        return;
    }
    verdict.vouched = verdict.vouched.max(newest);
}

/// The line that the receipt of one decision names. If the history has that line, the receipt must say what the line
/// says.
///
/// # Errors
/// The receipt names no line, or does not match the line it names.
fn anchor(receipt: &Value, given: &[Given]) -> Result<Anchor, &'static str> {
    let number = receipt.get("line").and_then(Value::as_u64).unwrap_or_default();
    let hash = receipt.get("hash").and_then(Value::as_str).unwrap_or_default();
    if number == 0 || hash.is_empty() {
        return Err("the earlier receipt names no line of a history: its decision could not be written at that time");
    }
    if let Some(line) = given.iter().filter_map(|given| given.line.as_ref()).find(|line| line.hash == hash) {
        let says = |key: &str, what: &str| receipt.get(key).and_then(Value::as_str) == Some(what);
        let same = says("decision", line.decision.name()) && says("scope", &line.scope) && says("at", &line.at);
        if !same || receipt.get("epoch").and_then(Value::as_u64) != Some(line.epoch) {
            return Err("the earlier receipt differs from the line that it names: one of them was changed");
        }
    }
    Ok(Anchor { number, hash: hash.to_owned() })
}
