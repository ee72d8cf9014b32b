//! The entries of the history: one [`Line`] per decision, chained by hash. The chain has no secret. By itself it shows damage
//! and careless edits. Compared with a receipt that was kept elsewhere, it also shows truncation, reordering and rewriting.
//!
//! Parses and compares bytes only. Never opens a file.

use crate::ambient::{Day, Time};
use crate::consent::json::{canonical, digest};
use serde::{Deserialize, Serialize};

/// The content of a decision, before it has a place in the chain. If the decision narrows or keeps a grant, a field that is
/// `None` keeps the previous value, except for `language`: the snapshot does not hold it. A receipt of such a decision takes the
/// language from the line of the grant.
#[derive(Debug, Clone)]
pub(crate) struct Statement<'a> {
    pub(crate) scope: &'a str,
    pub(crate) decision: Decision,
    pub(crate) contract: Option<String>,
    pub(crate) notice: Option<String>,
    pub(crate) language: Option<NoticeLanguage>,
    pub(crate) via: Option<String>,
    pub(crate) until: Option<String>,
    pub(crate) details: Option<Details>,
}

impl<'a> Statement<'a> {
    /// A statement with no details.
    pub(crate) fn of(scope: &'a str, decision: Decision) -> Self {
        Statement {
            scope,
            decision,
            contract: None,
            notice: None,
            language: None,
            via: None,
            until: None,
            details: None,
        }
    }
}

/// The language of the notice that a grant refers to.
#[derive(Debug, Clone)]
pub(crate) struct NoticeLanguage {
    pub(crate) tag: String,
    /// Whether the person picked the language.
    pub(crate) picked: bool,
}

/// The `previous` hash of the first entry.
pub(in crate::consent) const GENESIS: &str = "";

/// A decision about a scope, as the history and [receipts](crate::consent::Receipt) name it.
///
/// `Serialize`, `Deserialize` and `Display` use the word in the history: see [`name`](Decision::name).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Decision {
    /// The person granted the scope.
    Granted,
    /// The person refused. A withdrawal is recorded as this as well if there was no grant to withdraw.
    Denied,
    /// "Ask me later": nothing is recorded or sent. The person is asked again no sooner than after a waiting period.
    Deferred,
    /// Still granted, under the same epoch: the person was asked to agree to more, and refused or answered "later".
    Kept,
    /// The person withdrew the grant.
    Withdrawn,
    /// The program revoked the grant, for example because a notice was wrong or a key leaked.
    Revoked,
    /// Still granted, under a new epoch: a block or a narrowing destroyed the pending data.
    Narrowed,
    /// The last day of the grant is over.
    Expired,
    /// The grant in the history's previous entry never came into force. Only in the history; no receipt is about it.
    Void,
    /// The records of this scope were lost or damaged, so it is unknown what was decided.
    Lost,
    /// About all scopes together: the person does not want to be asked when a new version would do more. Only in the history,
    /// under the scope `*`.
    AskNoMore,
    /// About all scopes together: the person may be asked again. Only in the history, under the scope `*`.
    AskAgain,
}

/// The name for decisions about all scopes together. No scope can have this name.
pub(crate) const EVERY_SCOPE: &str = "*";

/// Whether a value is empty or false. Such a value is left out of the JSON that is hashed, so older entries keep their hash.
pub(in crate::consent) fn says_nothing<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Decision {
    /// The word in the history and in a receipt's JSON.
    ///
    /// ```
    /// use candor::consent::Decision;
    ///
    /// assert_eq!(Decision::Granted.name(), "granted");
    /// assert_eq!(Decision::AskNoMore.name(), "ask_no_more");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Decision::Granted => "granted",
            Decision::Denied => "denied",
            Decision::Deferred => "deferred",
            Decision::Kept => "kept",
            Decision::Withdrawn => "withdrawn",
            Decision::Revoked => "revoked",
            Decision::Narrowed => "narrowed",
            Decision::Expired => "expired",
            Decision::Void => "void",
            Decision::Lost => "lost",
            Decision::AskNoMore => "ask_no_more",
            Decision::AskAgain => "ask_again",
        }
    }

    /// Whether the scope is granted after this decision.
    pub(crate) fn opens(self) -> bool {
        matches!(self, Decision::Granted | Decision::Narrowed | Decision::Kept)
    }
}

impl Decision {
    /// Whether the person refused or withdrew the whole scope.
    pub(in crate::consent) fn takes_back(self) -> bool {
        matches!(self, Decision::Denied | Decision::Withdrawn)
    }

    /// Whether a withdrawal after this decision is recorded as a refusal, because there is no grant to withdraw. False after
    /// an expiry or an earlier withdrawal: a grant existed then.
    pub(crate) fn was_no_yes(self) -> bool {
        matches!(self, Decision::Denied | Decision::Deferred | Decision::Revoked | Decision::Void | Decision::Lost)
    }
}

impl std::fmt::Display for Decision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One entry of the history: one decision, stored as one line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub(crate) line: u64,
    pub(crate) at: String,
    pub(crate) scope: String,
    pub(crate) decision: Decision,
    pub(crate) epoch: u64,
    pub(crate) contract: Option<String>,
    pub(crate) notice: Option<String>,
    pub(crate) language: Option<String>,
    /// Whether the person picked that language, which is not the language of the program's interface.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) language_picked: bool,
    pub(crate) via: Option<String>,
    /// The last UTC day of a grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<String>,
    /// Further details of the decision.
    #[serde(rename = "besides", default, skip_serializing_if = "says_nothing")]
    pub(crate) details: Details,
    pub(in crate::consent) previous: String,
    pub(crate) hash: String,
}

/// The entries that record what was decided about a scope, latest first. Skips a grant that never came into force, and the
/// void entry about it, which is the scope's next entry.
pub(crate) fn answers<'l>(lines: &'l [Line], scope: &'l str) -> impl Iterator<Item = &'l Line> {
    let mut void = None;
    lines.iter().rev().filter(move |line| match line.decision {
        _ if line.scope != scope => false,
        Decision::Void => {
            void = Some(line.epoch);
            false
        }
        Decision::Granted => void != Some(line.epoch),
        _ => true,
    })
}

/// Details that only some decisions have. Empty ones are left out of the JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Details {
    /// When the grant itself was given, if a later entry narrows or keeps it. Such an entry does not extend the grant.
    #[serde(default, skip_serializing_if = "says_nothing")]
    pub(crate) given: Option<String>,
    /// The fields that the person switched off, as `event.field`.
    #[serde(rename = "without", default, skip_serializing_if = "says_nothing")]
    pub(crate) disabled_fields: Vec<String>,
    /// The digest of the constraints that administrators' rules put on the contract, if there are any.
    #[serde(default, skip_serializing_if = "says_nothing")]
    pub(crate) limits: Option<String>,
    /// The contract that the person was asked about and did not agree to.
    #[serde(default, skip_serializing_if = "says_nothing")]
    pub(crate) declined: Option<String>,
    /// How many times in a row the person answered "later" to it.
    #[serde(default, skip_serializing_if = "says_nothing")]
    pub(crate) deferred: u32,
    /// Whether the program asked in its own words. Those words were not compared with the contract.
    #[serde(default, skip_serializing_if = "says_nothing")]
    pub(crate) own_words: bool,
    /// How the program knew that the person is an adult, if its users may include children.
    #[serde(default, skip_serializing_if = "says_nothing")]
    pub(crate) adult: Option<String>,
}

impl Line {
    /// Returns the entry with its own hash filled in.
    pub(in crate::consent) fn sealed(mut self) -> Self {
        self.hash = self.computed_hash();
        self
    }

    fn computed_hash(&self) -> String {
        let unsigned = Line { hash: String::new(), ..self.clone() };
        digest(canonical(&serde_json::json!(unsigned)).as_bytes())
    }

    /// Whether its times have the format that candor writes. An entry with other times is invalid, here and in the verifier.
    pub(in crate::consent) fn is_dated(&self) -> bool {
        Time::parse(&self.at).is_some() && self.until.as_deref().is_none_or(|until| Day::parse(until).is_some())
    }

    /// The entry's bytes as stored in the file, newline included.
    pub(in crate::consent) fn text(&self) -> String {
        let mut text = canonical(&serde_json::json!(self));
        text.push('\n');
        text
    }
}

impl Decision {
    /// Whether the decision opens a scope that was closed. Only a grant does. A grant is never written snapshot first.
    pub(in crate::consent) fn opens_newly(self) -> bool {
        self == Decision::Granted
    }
}

/// Parses a ledger and checks that its line numbers and hashes follow each other. If the file ends in an incomplete line,
/// also returns the file's length in bytes without that line. Returns `None` if anything else is wrong.
pub(in crate::consent) fn chain(bytes: &[u8]) -> Option<(Vec<Line>, Option<u64>)> {
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let torn = (whole < bytes.len()).then_some(whole as u64);
    let mut lines: Vec<Line> = Vec::new();
    for text in bytes.get(..whole)?.split_inclusive(|&byte| byte == b'\n') {
        let line: Line = serde_json::from_slice(text).ok()?;
        let previous = lines.last().map_or(GENESIS, |line| line.hash.as_str());
        let follows = line.previous == previous && line.line == lines.len() as u64 + 1;
        if !follows || !line.is_dated() || line.hash != line.computed_hash() || line.text().as_bytes() != text {
            return None;
        }
        lines.push(line);
    }
    Some((lines, torn))
}

/// The epoch of the latest grant in the history, or 0 if there is none. Epochs, not times, decide what came later, because clocks
/// can go back.
pub(in crate::consent) fn latest_yes(lines: &[Line], scope: &str) -> u64 {
    let is_yes = |line: &&Line| line.scope == scope && line.decision == Decision::Granted;
    lines.iter().filter(is_yes).map(|line| line.epoch).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::verify;

    fn line(at: &str, until: Option<&str>) -> String {
        Line {
            line: 1,
            at: at.into(),
            scope: "playback".into(),
            decision: Decision::Denied,
            epoch: 7,
            contract: None,
            notice: None,
            language: None,
            language_picked: false,
            via: None,
            until: until.map(str::to_owned),
            details: Details::default(),
            previous: GENESIS.into(),
            hash: String::new(),
        }
        .sealed()
        .text()
    }

    #[test]
    fn a_decision_is_stored_by_its_name() {
        use Decision::*;
        let all =
            [Granted, Denied, Deferred, Kept, Withdrawn, Revoked, Narrowed, Expired, Void, Lost, AskNoMore, AskAgain];
        for decision in all {
            assert_eq!(serde_json::json!(decision), decision.name());
            assert_eq!(decision.to_string(), decision.name());
        }
    }

    /// A history written on one platform stays valid on every other: an entry's hash is computed from these bytes.
    #[test]
    fn known_answer() {
        let denied = line("2026-11-22T00:45:55Z", None);
        let hash = "428c2d8f6579c1d57a64e42c891aac12000e1d351ddd8e8238e971087f3c7239";
        assert_eq!(
            denied,
            format!(
                r#"{{"at":"2026-11-22T00:45:55Z","contract":null,"decision":"denied","epoch":7,"hash":"{hash}","language":null,"line":1,"notice":null,"previous":"","scope":"playback","via":null}}
"#
            )
        );
        let granted = Line {
            line: 2,
            at: "2026-11-22T00:45:56Z".into(),
            scope: "playback".into(),
            decision: Decision::Granted,
            epoch: 1_795_348_800_001,
            contract: Some(digest(b"{}")),
            notice: Some(digest("a notice, \u{e9}crite".as_bytes())),
            language: Some("fr".into()),
            language_picked: true,
            via: Some("settings/privacy".into()),
            until: Some("2027-11-22".into()),
            details: Details { disabled_fields: vec!["film.sought.waited".into()], deferred: 2, ..Details::default() },
            previous: hash.into(),
            hash: String::new(),
        }
        .sealed();
        assert_eq!(granted.hash, "1c35aebee3291d8c2dcac929f7980dde080d85a5babc42216e0f808bcdc5999a");
        let history = denied + &granted.text();
        assert!(chain(history.as_bytes()).is_some_and(|(lines, torn)| lines.len() == 2 && torn.is_none()));
        assert!(chain(history.replacen("denied", "defied", 1).as_bytes()).is_none(), "the control");
    }

    #[test]
    fn what_the_store_takes_for_a_line_the_verifier_takes_for_one() {
        let times = ["2026-11-22T00:45:55Z", "2026-11-22", "yesterday", "", "?", "2026-11-22T00:45:55+01:00"];
        let days = [None, Some("2027-11-22"), Some("soon"), Some("")];
        for at in times {
            for until in days {
                let text = line(at, until);
                let is_line = chain(text.as_bytes()).is_some();
                let verdict = verify(&text, &[]);
                assert_eq!(is_line, verdict.flaws.is_empty(), "{at:?} {until:?}: {:?}", verdict.flaws);
                assert_eq!(
                    is_line,
                    at == times[0] && until.is_none_or(|until| until == "2027-11-22"),
                    "{at:?} {until:?}"
                );
            }
        }
    }
}
