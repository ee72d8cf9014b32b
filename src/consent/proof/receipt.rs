//! Receipts: what a person gets after a decision. A receipt is a copy of what was recorded; nothing is decided here.

use crate::ambient::Time;
use crate::clean::{Clean, line};
use crate::consent::{
    records::entry::{Decision, Line},
    records::unconfirmed::Unconfirmed,
};
use std::{
    fmt::{self, Write as _},
    time::SystemTime,
};

/// What a decision left behind: when it was taken, about what, with which text, and what was destroyed.
///
/// `Display` is for people, `Serialize` for files. It belongs to the person; none of it is ever sent.
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
/// let granted = consent::grant(USAGE.shown(&consent::notice(USAGE)?).via("settings/privacy"))?;
/// assert_eq!((granted.decision, granted.via.as_deref()), (consent::Decision::Granted, Some("settings/privacy")));
///
/// let withdrawn = consent::withdraw(USAGE)?;
/// assert!(withdrawn.confirmed, "{:?}", withdrawn.unconfirmed);
/// assert!(withdrawn.destroyed.complete);
/// assert!(withdrawn.decided_at() >= granted.decided_at());
/// println!("{withdrawn}");                                   // show it, and let the person save it
/// let file = serde_json::to_string_pretty(&withdrawn)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Receipt {
    /// What was decided.
    pub decision: Decision,
    /// The scope's name.
    pub scope: String,
    /// The scope's title, or its name if this program does not declare the scope.
    pub title: String,
    /// When, as RFC 3339 in UTC, to the second: `2026-11-22T00:45:55Z`. See
    /// [`decided_at`](Receipt::decided_at).
    pub at: String,
    /// A number that grows with every decision about this scope, except one that keeps a grant unchanged.
    pub epoch: u64,
    /// Where the person gave the grant, or `None` if that was not recorded.
    pub via: Option<String>,
    /// The text that was shown, for a grant. If [how it was given](Receipt::via) was not recorded, this is the text
    /// that this program would have shown, and nothing says that it was shown.
    pub notice: Option<String>,
    /// The language of that text, as a BCP 47 tag.
    pub language: Option<String>,
    /// What was agreed, as data, for a grant.
    pub contract: Option<serde_json::Value>,
    /// For a refusal, a withdrawal or any other ending: whether it was read back from the disk, and no process that shares the
    /// store can hand another byte of the scope to the operating system. For a grant: `true`. For a narrowing, as the call
    /// that made it returns it: whether the same holds for what was recorded before it; if the receipt is read again later, `true`.
    pub confirmed: bool,
    /// Why it is not [confirmed](Receipt::confirmed), if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unconfirmed: Option<Unconfirmed>,
    /// Whether the history on disk has the line of this decision. If not, the decision is in force all the same, and
    /// the line is appended as soon as the disk allows, at the latest at the next start.
    pub recorded: bool,
    /// The last day of a grant: a UTC day as `YYYY-MM-DD`. The grant is valid until that day ends.
    pub until: Option<String>,
    /// The fields, as `event.field`, that the person switched off in a grant that is in force.
    pub switched_off: Vec<String>,
    /// What was destroyed.
    pub destroyed: Destroyed,
    /// The number of the history's line.
    pub line: u64,
    /// The hash of the history's line, which chains it to all lines before it.
    pub hash: String,
}

/// What a withdrawal destroyed on this computer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Destroyed {
    /// Bytes of pending lines, counts and batches.
    pub bytes: u64,
    /// Files that held them.
    pub files: u64,
    /// Whether the secret behind the scope's codes was destroyed; `false` if there was none.
    pub secret: bool,
    /// Whether everything was removed. If not, the rest can't be sent any more, and removing it is tried again.
    pub complete: bool,
}

impl Receipt {
    /// The time of [`at`](Receipt::at), by the computer's clock at that moment. `None` only if the text was replaced by
    /// something else.
    #[must_use]
    pub fn decided_at(&self) -> Option<SystemTime> {
        Time::parse(&self.at)?.system()
    }

    /// Whether the scope is granted after this decision.
    pub(crate) fn is_yes(&self) -> bool {
        self.decision.opens()
    }

    /// Sets whether the decision is confirmed, and if not, why.
    pub(crate) fn told(self, confirmed: Result<(), Unconfirmed>) -> Self {
        Receipt { confirmed: confirmed.is_ok(), unconfirmed: confirmed.err(), ..self }
    }

    /// The receipt of a line, with the texts that it names, if they are kept.
    pub(crate) fn of(title: &str, line: Line, notice: Option<String>, contract: Option<String>) -> Self {
        Receipt {
            decision: line.decision,
            scope: line.scope,
            title: title.into(),
            at: line.at,
            epoch: line.epoch,
            via: line.via,
            notice,
            language: line.language,
            contract: contract.and_then(|json| serde_json::from_str(&json).ok()),
            // A refusal is confirmed by a look of its own.
            confirmed: line.decision.opens(),
            unconfirmed: None,
            recorded: true,
            until: line.until,
            switched_off: line.details.disabled_fields,
            destroyed: Destroyed { complete: true, ..Destroyed::default() },
            line: line.line,
            hash: line.hash,
        }
    }

    /// The receipt of an ending that could not be written to the records: a tombstone holds it.
    pub(crate) fn unwritten(scope: &str, title: &str, decision: Decision, at: String) -> Self {
        Receipt {
            decision,
            scope: scope.into(),
            title: title.into(),
            at,
            epoch: 0,
            via: None,
            notice: None,
            language: None,
            contract: None,
            confirmed: false,
            unconfirmed: Some(Unconfirmed::NotWritten),
            recorded: false,
            until: None,
            switched_off: Vec::new(),
            destroyed: Destroyed::default(),
            line: 0,
            hash: String::new(),
        }
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let f = &mut Clean(f);
        // Each is part of one line, whatever was written into the history.
        let [title, scope, at] = [&self.title, &self.scope, &self.at].map(|it| line(it));
        let via = self.via.as_deref().map(line);
        match self.title == self.scope {
            true => writeln!(f, "Receipt: {scope}")?,
            false => writeln!(f, "Receipt: {title} ({scope})")?,
        }
        writeln!(f, "  decision   {} at {at}", self.decision)?;
        match self.decision {
            Decision::Granted => {
                let how = via.as_deref().unwrap_or("not recorded how");
                writeln!(f, "  how        {how}")?;
                if let Some(until) = &self.until {
                    writeln!(f, "  valid      until the end of {}, or until it is taken back", line(until))?;
                }
            }
            Decision::Narrowed | Decision::Kept => {
                for field in &self.switched_off {
                    writeln!(f, "  without    {}", line(field))?;
                }
                if self.decision == Decision::Narrowed {
                    writeln!(
                        f,
                        "  destroyed  {} bytes in {} files, which waited",
                        self.destroyed.bytes, self.destroyed.files
                    )?;
                }
            }
            Decision::Revoked => writeln!(f, "  why        {}", via.as_deref().unwrap_or("not said"))?,
            Decision::Withdrawn => {
                match (self.confirmed, self.unconfirmed) {
                    (true, _) => writeln!(f, "  confirmed  yes: no process of this program can send any more of it")?,
                    (false, Some(why)) => writeln!(f, "  confirmed  NO: reporting is stopped, but {why}")?,
                    (false, None) => writeln!(f, "  confirmed  NO: reporting is stopped, and nobody has looked yet")?,
                }
                let Destroyed { bytes, files, secret, complete } = self.destroyed;
                let secret = if secret { ", and the secret behind its codes" } else { "" };
                let rest = if complete { "" } else { "; some of it could not be removed yet" };
                writeln!(f, "  destroyed  {bytes} bytes in {files} files{secret}{rest}")?;
            }
            _ => {}
        }
        if self.recorded {
            writeln!(f, "  recorded   line {} of the history, {}", self.line, line(&self.hash))
        } else {
            let why = match self.unconfirmed == Some(Unconfirmed::Locked) {
                true => "another process keeps the lock of decisions",
                false => "it could not be written to disk",
            };
            writeln!(f, "  recorded   not yet: {why}; it is in force all the same")
        }
    }
}
