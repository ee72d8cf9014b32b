//! The status of a scope. Plain data: nothing here reads, writes or decides.

use crate::ambient::Time;
use crate::consent::agreement::compatibility::Change;
use std::time::SystemTime;

/// The state of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// The person has not granted, refused or deferred. The disk holds nothing about the scope, or only what a question without
    /// an answer left: a note that it was shown, a lock, a text.
    NeverAsked,
    /// The person granted it, and the grant is in force.
    Granted,
    /// The person refused.
    Denied,
    /// The person chose "later".
    Deferred,
    /// The person granted it and withdrew the grant.
    Withdrawn,
    /// The program revoked a grant: [`revoke`](crate::consent::revoke).
    Revoked,
    /// The person granted it, and the last day of the grant is over: closed. Its pending data is destroyed when the new day
    /// begins, at the program's next start, or when the person is asked again.
    Expired,
    /// The person granted something other than what this build would do. Until they are asked again, the build is limited to what
    /// they agreed to, or, if that is not possible, the scope is closed: [`Status::is_open`] says which, [`Status::changes`] says
    /// why.
    Superseded,
    /// The records are missing, damaged or not trustworthy: closed until the person is asked again. Or they can't be read at
    /// present: closed until they can, see [`Status::trouble`].
    Unreadable,
}

impl State {
    /// The state in the words of an error message: "scope … was refused".
    pub(crate) fn past(self) -> &'static str {
        match self {
            State::NeverAsked => "never asked about",
            State::Granted => "granted",
            State::Denied => "refused before",
            State::Deferred => "deferred",
            State::Revoked => "ended by this program",
            State::Withdrawn => "withdrawn before",
            State::Expired => "granted for a period that has expired",
            State::Superseded => "granted for something other than what this build would do",
            State::Unreadable => "decided in records that are lost or damaged",
        }
    }
}

/// The state of a scope, since when it holds, and what blocks it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Status {
    /// The person's own decision.
    pub state: State,
    /// When it was made, as RFC 3339 in UTC, to the second: `2026-11-22T00:45:55Z`; `None` if the person was never asked. See
    /// [`decided_at`](Status::decided_at).
    pub since: Option<String>,
    /// What closes the scope regardless of the person's decision, such as an environment variable or an administrator's rule.
    /// Text to show.
    pub blocked_by: Option<String>,
    /// What administrators' rules remove, coarsen or shorten, and which rule does so, in words.
    pub limited_by: Vec<String>,
    /// Files next to administrators' rules that may be meant as rules but are ignored, because their names don't end in `.json`
    /// or begin with a dot: `a.JSON`, `a.json~`, `.a.json`.
    pub ignored_rules: Vec<String>,
    /// The fields, as `event.field`, that the person switched off.
    pub switched_off: Vec<String>,
    /// Whether the program asked in its own words, which candor has not compared with the contract.
    pub own_words: bool,
    /// How many times since it started the program reported a grant without a notice where only a newly shown notice opens the
    /// scope: after a refusal, a withdrawal or a change. Each was rejected.
    pub refused_grants: u64,
    /// Why the records can't be used, if they can't. If they can't be read at present (the message names the file and the
    /// system's error), the scope is closed until they can; reading is retried soon. For an open scope: why its data can't be
    /// written to disk at present, or is not sent, if that is the case. Or that no answer can be stored, as far as this can be
    /// known without writing to the disk.
    pub trouble: Option<String>,
    /// The last day of a grant that is in force: a UTC day as `YYYY-MM-DD`. The grant is valid until that day ends.
    pub until: Option<String>,
    /// Whether events of the scope are recorded at present.
    pub(in crate::consent) open: bool,
    /// How this build differs from what the person agreed to.
    pub changes: Vec<Change>,
}

impl Status {
    /// The status of a scope about which nothing is known.
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

    /// The time of [`since`](Status::since). `None` if the person was never asked.
    #[must_use]
    pub fn decided_at(&self) -> Option<SystemTime> {
        Time::parse(self.since.as_deref()?)?.system()
    }

    /// Whether events of the scope are recorded at present.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }
}
