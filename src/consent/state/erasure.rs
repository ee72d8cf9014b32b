//! Erasure as a person sees it: how many of the sent records can be named, what was asked for, and what came of it.
//! This is also the only module that turns an erasure request into an [`ErasurePermit`]. Nothing is sent here, and no
//! sent record is read.

use crate::consent::{
    agreement::schema::ContractSchema,
    agreement::scope::Scope,
    records::erasure_request::{Known, Outcome, Particulars, RequestStore, WhyGivenUp},
    state::consent::Consent,
    state::permit::ErasurePermit,
};
use crate::{
    ambient::{Day, Time},
    clean,
    error::{At, Error, Kind},
};
use std::{fmt, time::SystemTime};

/// How far a scope's records can be erased at the recipient, what was asked for, and what came of it.
///
/// `Display` is for people, `Serialize` for files. None of it is ever sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ErasureStatus {
    /// The scope's name.
    pub scope: String,
    /// The scope's title.
    pub title: String,
    /// Who has the records.
    pub recipient: String,
    /// Where a person can write to the recipient.
    pub contact: String,
    /// Within how many days of a request the recipient promises to delete. `None` if single records can't be deleted
    /// before their retention period is over.
    pub within_days: Option<u32>,
    /// How many records were sent, or may have been, and are not past the recipient's retention period.
    pub left: u64,
    /// How many of these can be named in a request.
    pub nameable: u64,
    /// Why no request can be sent at present, such as an environment variable. Text to show.
    pub held_up_by: Option<String>,
    /// The requests that were asked for, oldest first.
    pub requests: Vec<ErasureRequest>,
    /// How many requests have a damaged document on this computer. They are not sent; asking again makes them again.
    pub damaged: u64,
    /// Requests whose document on this computer was seen but not read, such as a file that other users may open: each
    /// file, and what to do. They are sent once the file can be read.
    pub unread: Vec<String>,
    /// Whether the person asked and not every request is on disk yet. The rest follows automatically.
    pub unfinished: bool,
}

/// One request to have records erased.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ErasureRequest {
    /// When the person asked, as RFC 3339 in UTC, to the second: `2026-11-22T00:45:55Z`. See
    /// [`requested_at`](ErasureRequest::requested_at).
    pub asked_at: String,
    /// How many records it names.
    pub records: u64,
    /// The random time before which it is not sent, as RFC 3339 in UTC, to the second: at most seven days after it was
    /// asked for. `None` if it ended, or if an earlier version wrote it and no time was drawn yet. See
    /// [`due_at`](ErasureRequest::due_at).
    pub not_before: Option<String>,
    /// How often it was sent so far.
    pub tries: u32,
    /// What became of it.
    pub state: ErasureState,
}

/// What became of a request to have records erased.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErasureState {
    /// It waits for its first moment, or for its next try.
    Pending,
    /// The receiver accepted the request. Deletion is the recipient's promise.
    Acknowledged {
        /// When, as RFC 3339 in UTC, to the second: `2026-11-22T00:45:55Z`.
        at: String,
        /// Within how many days of that deletion is promised.
        within_days: u32,
    },
    /// It is not sent any more.
    GivenUp {
        /// Since when, as RFC 3339 in UTC, to the second: `2026-11-22T00:45:55Z`.
        at: String,
        /// Why. The JSON has the words of [`describe`](WhyGivenUp::describe).
        #[serde(serialize_with = "as_words")]
        why: WhyGivenUp,
    },
}

impl ErasureRequest {
    /// The time of [`asked_at`](ErasureRequest::asked_at). `None` only if the text was replaced by something else.
    #[must_use]
    pub fn requested_at(&self) -> Option<SystemTime> {
        Time::parse(&self.asked_at)?.system()
    }

    /// The time of [`not_before`](ErasureRequest::not_before).
    #[must_use]
    pub fn due_at(&self) -> Option<SystemTime> {
        Time::parse(self.not_before.as_deref()?)?.system()
    }
}

impl ErasureState {
    /// When the receiver accepted the request, or since when it is not sent any more. `None` while it is pending.
    ///
    /// ```
    /// use candor::consent::ErasureState;
    /// use std::time::{Duration, SystemTime};
    ///
    /// let done = ErasureState::Acknowledged { at: "2026-11-22T00:45:55Z".into(), within_days: 30 };
    /// assert_eq!(done.ended_at(), Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_308_355)));
    /// assert_eq!(ErasureState::Pending.ended_at(), None);
    /// ```
    #[must_use]
    pub fn ended_at(&self) -> Option<SystemTime> {
        match self {
            ErasureState::Pending => None,
            ErasureState::Acknowledged { at, .. } | ErasureState::GivenUp { at, .. } => Time::parse(at)?.system(),
        }
    }
}

fn as_words<S: serde::Serializer>(why: &WhyGivenUp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(why.describe())
}

impl ErasureStatus {
    /// The question to ask when a person withdraws. Show it with a yes and a no that look alike. `None` if there is
    /// nothing to ask: no record can be named, or the recipient can't delete single records.
    #[must_use]
    pub fn question(&self) -> Option<String> {
        let days = self.within_days?;
        (self.nameable > 0).then(|| {
            format!(
                "Also ask {} to delete what was sent? {} of {} records can be named. The requests hold their random \
                 numbers and nothing else about you. They are sent at random times within 7 days; deletion is promised \
                 within {days} days after that.",
                self.recipient, self.nameable, self.left
            )
        })
    }

    /// How many requests are in one state, and how many records they name.
    fn sum(&self, of: impl Fn(&ErasureState) -> bool) -> (usize, u64) {
        let these = self.requests.iter().filter(|request| of(&request.state));
        these.fold((0, 0), |(requests, records), request| (requests + 1, records + request.records))
    }
}

impl fmt::Display for ErasureStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Erasure: {} ({})", clean::line(&self.title), clean::line(&self.scope))?;
        self.lines().iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

impl ErasureStatus {
    /// Whether there is nothing to show: no sent record is left, and nothing was asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.left == 0 && self.requests.is_empty() && self.damaged == 0 && self.unread.is_empty() && !self.unfinished
    }

    /// The status in sentences, one for each line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![match self.within_days {
            _ if self.left == 0 => "the recipient keeps none of what was sent any more".to_owned(),
            Some(_) => format!("{} of {} records that were sent can be named in a request", self.nameable, self.left),
            None => format!(
                "{} has {} records that were sent, and can't delete single records before their retention period is \
                 over",
                self.recipient, self.left
            ),
        }];
        let (requests, records) = self.sum(|state| *state == ErasureState::Pending);
        if requests > 0 {
            let since = self.requests.iter().filter(|request| request.state == ErasureState::Pending);
            let since = since.map(|request| request.asked_at.as_str()).min().unwrap_or_default();
            lines.push(format!(
                "pending: {} for {}, asked since {since}",
                many(requests as u64, "request"),
                many(records, "record")
            ));
            match &self.held_up_by {
                Some(why) => lines.push(format!("  none is sent at present: {why}")),
                None => {
                    let times = self.requests.iter().filter_map(|request| request.not_before.as_deref());
                    let last = times.max().and_then(|last| last.get(..10));
                    let last = last.map(|day| format!("; the last is due on {day}")).unwrap_or_default();
                    lines.push(format!(
                        "  each is sent at a random time within 7 days, while the program runs, and again if that \
                         fails{last}"
                    ));
                }
            }
        }
        if self.unfinished {
            lines.push("pending: not all requests are on disk yet; candor writes the rest by itself".into());
        }
        for request in &self.requests {
            match &request.state {
                ErasureState::Pending => {}
                ErasureState::Acknowledged { at, within_days } => lines.push(format!(
                    "{at}, {}: the server accepted the request; deletion is promised within {within_days} days",
                    many(request.records, "record")
                )),
                ErasureState::GivenUp { at, why: why @ WhyGivenUp::RetentionOver } => lines.push(format!(
                    "{at}, {}: not sent any more, {}",
                    many(request.records, "record"),
                    why.describe()
                )),
                ErasureState::GivenUp { at, why } => lines.push(format!(
                    "{at}, {}: given up, {}; write to {}, {}",
                    many(request.records, "record"),
                    why.describe(),
                    self.recipient,
                    self.contact
                )),
            }
        }
        if self.damaged > 0 {
            let damaged = many(self.damaged, "request");
            lines.push(format!("damaged on this computer: {damaged}; ask again to replace them"));
        }
        lines.extend(self.unread.iter().map(|why| format!("not read, and so not sent yet: {why}")));
        // What is said of a request comes from its file, so it is cleaned.
        lines.iter().map(|said| clean::line(said)).collect()
    }
}

fn many(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn request(is: &Particulars) -> ErasureRequest {
    let rfc3339 = |at: u64| Time(at.min(Time::LAST.0)).rfc3339();
    ErasureRequest {
        asked_at: rfc3339(is.asked),
        records: is.records,
        not_before: is.due.filter(|_| is.outcome == Outcome::Pending).map(rfc3339),
        tries: is.tries,
        state: match is.outcome {
            Outcome::Pending => ErasureState::Pending,
            Outcome::Acknowledged { at } => ErasureState::Acknowledged { at: rfc3339(at), within_days: is.within },
            Outcome::GivenUp { at, why } => ErasureState::GivenUp { at: rfc3339(at), why },
        },
    }
}

impl Consent {
    pub(crate) fn erasure_requests(&self) -> RequestStore<'_> {
        RequestStore::new(self.ledger.files(), self.ledger.store())
    }

    /// Where this build sends a scope's records.
    pub(crate) fn recipient(&self, scope: Scope) -> Option<&str> {
        self.contract(scope).ok().map(|contract| contract.terms.endpoint.as_str())
    }

    /// Within how many days the recipient promises to delete.
    ///
    /// # Errors
    /// The recipient can't delete single records. The error says until when it has them.
    pub(crate) fn deletes_within(&self, scope: Scope, last: Option<Day>) -> Result<u32, Error> {
        let terms = &self.contract(scope)?.terms;
        terms.erasure_within_days.ok_or_else(|| {
            let left = last.map_or_else(
                || "the recipient keeps none of what was sent any more".to_owned(),
                |day| format!("the last of what was sent is deleted after {day}"),
            );
            let controller = terms.controller.legal_name.clone();
            Kind::CannotErase { controller, left, contact: terms.controller.contact.clone() }.into()
        })
    }

    /// The permit to send this request now, or `None`. The scope's state does not matter: only the person's own request
    /// gives this permit. Whatever blocks reports blocks it as well.
    pub(crate) fn erasure_permit(&self, scope: Scope, batch: &str) -> Option<ErasurePermit> {
        if self.blocked(scope).is_some() {
            return None;
        }
        let permit = ErasurePermit::issue(self.ledger.clone(), self.gates.clone(), scope, batch)?;
        // A recipient that does not have the records must not learn of them.
        (self.recipient(scope) == Some(permit.request().is.to.as_str())).then_some(permit)
    }

    /// What a person may know about a scope's erasure. The caller counts `left` and `nameable`, by the ids of what was
    /// sent.
    pub(crate) fn erasure_status(&self, scope: Scope, left: u64, nameable: u64) -> Result<ErasureStatus, Error> {
        let ContractSchema { controller, erasure_within_days, endpoint, .. } = &self.contract(scope)?.terms;
        let store = self.erasure_requests();
        let known = store.all(scope.name()).at("read the erasure requests in", &store.directory(scope.name()))?;
        let Known { mut erasure_requests, damaged, unread, asked } = known;
        erasure_requests.sort_by_key(|stored| (stored.is.asked, stored.is.key.clone()));
        let elsewhere = erasure_requests.iter().find(|stored| stored.is_pending() && stored.is.to != *endpoint);
        let held_up_by = match (self.blocked(scope), elsewhere) {
            (Some(by), _) => Some(format!("reports are switched off by {by}")),
            (None, Some(stored)) => Some(format!("this version of the program no longer sends to {}", stored.is.to)),
            // Without any record of decisions nothing is sent, and there is no worker that would send it.
            (None, None) if !erasure_requests.is_empty() && !self.is_known() => {
                Some("the records of your decisions can't be found".into())
            }
            (None, None) => None,
        };
        Ok(ErasureStatus {
            scope: scope.name().into(),
            title: scope.title().into(),
            recipient: controller.legal_name.clone(),
            contact: controller.contact.clone(),
            within_days: *erasure_within_days,
            left,
            nameable,
            held_up_by,
            requests: erasure_requests.iter().map(|stored| request(&stored.is)).collect(),
            damaged,
            unread: unread.values().map(|why| clean::line(why)).collect(),
            unfinished: asked.is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_says_why_in_words() {
        let state = ErasureState::GivenUp { at: "2026-11-22T00:45:55Z".into(), why: WhyGivenUp::Refused };
        let json = r#"{"given_up":{"at":"2026-11-22T00:45:55Z","why":"since the server refused it too often"}}"#;
        assert_eq!(serde_json::to_string(&state).unwrap(), json);
    }
}
