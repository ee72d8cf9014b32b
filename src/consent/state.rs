//! Where a scope stands, and a person's yes as a program reports it. Plain data.

use super::{notice::Notice, order::Change, scope::Scope};

/// Where a scope stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// Nobody was asked, and nothing is on disk about it.
    NeverAsked,
    /// The person said yes, and it is in force.
    Granted,
    /// The person said no.
    Denied,
    /// The person said yes and took it back.
    Withdrawn,
    /// The person said yes, and the last day of that is over: closed. What waited is destroyed when the program starts the
    /// next time, or when it is asked anew.
    Expired,
    /// The person said yes to something else than this build would do. Until they are asked again it is held to what they
    /// agreed to, or, where that can't be done, closed: [`Status::is_open`] says which, [`Status::changes`] why.
    Superseded,
    /// The records are missing, damaged or not trustworthy: closed until the person is asked again.
    Unreadable,
}

impl State {
    /// How an error message says it: "scope … was refused".
    pub(super) fn past(self) -> &'static str {
        match self {
            State::NeverAsked => "never asked about",
            State::Granted => "granted",
            State::Denied => "refused before",
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
    /// What closes the scope whatever the person decided, such as an environment variable.
    pub blocked_by: Option<String>,
    /// Why the records can't be used, where they can't.
    pub trouble: Option<&'static str>,
    /// The last UTC day of a yes that is in force.
    pub until: Option<String>,
    /// Whether events of the scope are recorded at present.
    pub(super) open: bool,
    /// How this build differs from what was agreed to.
    pub changes: Vec<Change>,
}

impl Status {
    /// A scope of which nothing can be said.
    pub(crate) fn unknown(trouble: &'static str) -> Self {
        let state = State::Unreadable;
        Status {
            state,
            since: None,
            blocked_by: None,
            trouble: Some(trouble),
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
    pub(super) scope: Scope,
    pub(super) shown: Option<Notice>,
    pub(super) via: Option<String>,
    /// Whether the person picked the language of the notice.
    pub(super) picked: bool,
}

impl From<Scope> for Grant {
    fn from(scope: Scope) -> Self {
        Grant { scope, shown: None, via: None, picked: false }
    }
}

impl Scope {
    /// A grant after this notice was shown in full. It is stored with the grant.
    #[must_use]
    pub fn shown(self, notice: &Notice) -> Grant {
        Grant { scope: self, shown: Some(notice.clone()), via: None, picked: false }
    }
}

impl Grant {
    /// Records where the person said yes, such as `settings/privacy`: at most 64 characters, kept on this computer.
    #[must_use]
    pub fn via(mut self, control: &str) -> Self {
        self.via = Some(control.chars().filter(|c| !c.is_control()).take(64).collect());
        self
    }

    /// Says that the person picked the language of the notice, which is not the one of the program's interface.
    #[must_use]
    pub fn language_picked(mut self) -> Self {
        self.picked = true;
        self
    }

    pub(crate) fn scope(&self) -> Scope {
        self.scope
    }
}
