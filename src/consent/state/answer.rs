//! Where a scope stands, and a person's yes as a program reports it. Plain data.

use crate::clean;
use crate::consent::{agreement::compatibility::Change, agreement::notice::Notice, agreement::scope::Scope};

/// Where a scope stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// Nobody said yes, no or later. Nothing is on disk about it, or what an answer that did not come left: that the question was
    /// shown, a lock, a text.
    NeverAsked,
    /// The person said yes, and it is in force.
    Granted,
    /// The person said no.
    Denied,
    /// The person said "later".
    Deferred,
    /// The person said yes and took it back.
    Withdrawn,
    /// The program ended a yes: [`revoke`](crate::consent::revoke).
    Revoked,
    /// The person said yes, and the last day of that is over: closed. What waited is destroyed with the new day,
    /// when the program starts the next time, or when it is asked anew.
    Expired,
    /// The person said yes to something else than this build would do. Until they are asked again it is held to what they
    /// agreed to, or, where that can't be done, closed: [`Status::is_open`] says which, [`Status::changes`] why.
    Superseded,
    /// The records are missing, damaged or not trustworthy: closed until the person is asked again. Or they can't be read at
    /// the moment: closed until they can, see [`Status::trouble`].
    Unreadable,
}

impl State {
    /// How an error message says it: "scope … was refused".
    pub(crate) fn past(self) -> &'static str {
        match self {
            State::NeverAsked => "never asked about",
            State::Granted => "granted",
            State::Denied => "refused before",
            State::Deferred => "put off to later",
            State::Revoked => "ended by this program",
            State::Withdrawn => "withdrawn before",
            State::Expired => "granted for a time that is over",
            State::Superseded => "granted for something else than this build would do",
            State::Unreadable => "decided about in records that are lost or damaged",
        }
    }
}

/// Where a scope stands, since when, and what blocks it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Status {
    /// The person's own decision.
    pub state: State,
    /// When it was taken, in UTC (RFC 3339); `None` where nobody was asked.
    pub since: Option<String>,
    /// What closes the scope whatever the person decided, such as an environment variable or an administrator's rule.
    pub blocked_by: Option<String>,
    /// What administrators' rules leave out, coarsen or shorten, and which rule it is, in words.
    pub limited_by: Vec<String>,
    /// Files beside administrators' rules that may be meant as rules and are ignored, since their names don't end in `.json` or
    /// begin with a dot: `a.JSON`, `a.json~`, `.a.json`.
    pub ignored_rules: Vec<String>,
    /// The fields, as `event.field`, that the person switched off.
    pub switched_off: Vec<String>,
    /// Whether the person was asked in words of the program's own, which candor has not compared with the contract.
    pub own_words: bool,
    /// How many times since it started the program reported a yes without a notice where only a fresh notice opens: after a
    /// no, a withdrawal, a change. Each was refused.
    pub refused_grants: u64,
    /// Why the records can't be used, where they can't. Where they can't be looked at just now (the message names the file
    /// and the system's error), the scope is closed until that is over, which is tried again soon. Of a scope that is open: why
    /// what is recorded does not come to disk at the moment, or is not sent, where that is so. Or that no answer can be kept, as
    /// far as the disk tells without being written to.
    pub trouble: Option<String>,
    /// The last UTC day of a yes that is in force.
    pub until: Option<String>,
    /// Whether events of the scope are recorded at present.
    pub(crate) open: bool,
    /// How this build differs from what was agreed to.
    pub changes: Vec<Change>,
}

impl Status {
    /// A scope of which nothing can be said.
    pub(crate) fn unknown(trouble: impl Into<String>) -> Self {
        let state = State::Unreadable;
        Status {
            state,
            since: None,
            blocked_by: None,
            limited_by: Vec::new(),
            ignored_rules: Vec::new(),
            switched_off: Vec::new(),
            own_words: false,
            refused_grants: 0,
            trouble: Some(trouble.into()),
            until: None,
            open: false,
            changes: Vec::new(),
        }
    }

    /// Whether events of the scope are recorded at present.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }
}

/// A person's yes, as a program reports it: the scope, and how they were asked.
///
/// A [`Scope`] alone turns into one that says "not recorded how"; [`Scope::shown`] makes one that says more.
#[derive(Debug, Clone)]
pub struct Grant {
    pub(crate) scope: Scope,
    pub(crate) shown: Option<Notice>,
    /// What the program asked in words of its own, and their language.
    pub(crate) own_words: Option<(String, String)>,
    pub(crate) via: Option<String>,
    /// Whether the person picked the language of the notice.
    pub(crate) picked: bool,
}

impl From<Scope> for Grant {
    fn from(scope: Scope) -> Self {
        Grant { scope, shown: None, own_words: None, via: None, picked: false }
    }
}

impl Scope {
    /// A grant after this notice was shown in full. It is stored with the grant.
    #[must_use]
    pub fn shown(self, notice: &Notice) -> Grant {
        Grant { scope: self, shown: Some(notice.clone()), own_words: None, via: None, picked: false }
    }

    /// A grant after the program asked in words of its own: the text as it was shown, and its language as an IETF tag.
    ///
    /// It is stored with the grant, marked as not checked, and the person's page says so. It works where the scope alone
    /// does: after a no or a withdrawal only candor's own notice opens again.
    #[must_use]
    pub fn asked_in_own_words(self, text: &str, language: &str) -> Grant {
        let language = language.chars().filter(char::is_ascii_graphic).take(35).collect();
        Grant { scope: self, shown: None, own_words: Some((text.to_owned(), language)), via: None, picked: false }
    }
}

impl Grant {
    /// Records where the person said yes, such as `settings/privacy`: at most 64 characters, kept on this computer.
    #[must_use]
    pub fn via(mut self, control: &str) -> Self {
        self.via = Some(short(control));
        self
    }

    /// Says that the person picked the language of the notice, which is not the one of the program's interface.
    #[must_use]
    pub fn language_picked(mut self) -> Self {
        self.picked = true;
        self
    }
}

/// A few words of the program's, cleaned and cut for the record.
pub(crate) fn short(text: &str) -> String {
    text.chars().filter(|c| !clean::misleads(*c)).take(64).collect()
}
