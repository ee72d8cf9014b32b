//! [`Manifest`]: what could be sent, what was agreed, what is pending, what was sent and what was dropped, as one read-only
//! model. It can be printed as text and as JSON.
//!
//! It is made from the types linked into the program and from the files of the store, so it can't omit any of them. Making it
//! never changes a decision, uses the network, or stores anything of its own. Events that were recorded before and are still in
//! memory are brought to disk first, so that it shows them.

mod fixed;
mod text;

pub(crate) use fixed::StaticPage;

use crate::{
    ambient::{Day, Time},
    clean,
    consent::{ErasureStatus, Failed, Records, Scope, State, Status, Undeclared},
    engine::Engine,
    event::{Budget, Field, Linkage, Period, Schema, Statistic, Values},
    generalize,
    journal::DropReason,
    language::{Locale, in_english},
    rollup::Counts,
    transport::otlp,
};
use serde::{Serialize, Serializer};
use std::{sync::atomic::Ordering, time::SystemTime};

/// The name and version of this format.
pub(crate) const FORMAT: &str = "candor-manifest/1";

/// Everything a person may want to know about this program's telemetry.
///
/// `Display` prints a page of text; `Serialize` gives the data.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Manifest {
    /// `candor-manifest/1`.
    pub format: &'static str,
    /// When the manifest was made, as RFC 3339 in UTC, to the second: `2026-11-22T00:45:55Z`. See
    /// [`created_at`](Manifest::created_at).
    pub made_at: String,
    /// The application's id.
    pub application: String,
    /// The version of candor.
    pub candor_version: &'static str,
    /// Where the program's own data is sent. A library's data is sent to the endpoint on its scope's page.
    pub endpoint: String,
    /// What closes every scope, such as an environment variable, regardless of the person's decisions.
    pub blocked_by: Option<String>,
    /// Where the records are on this computer.
    pub store: std::path::PathBuf,
    /// Why no records can be kept anywhere, if so.
    #[serde(skip)]
    barred: Option<String>,
    /// Every scope linked into the program, by name.
    pub scopes: Vec<ScopePage>,
    /// Grants for scopes that this program does not declare. The person can withdraw them with
    /// [`consent::withdraw_undeclared`](crate::consent::withdraw_undeclared).
    pub undeclared: Vec<Undeclared>,
    /// Why these grants can't be read now. Then [`undeclared`](Manifest::undeclared) is empty, and there may be some.
    pub undeclared_unread: Option<String>,
    /// What happened to events since this program started.
    pub outcomes: Outcomes,
}

/// One scope: what it asks for, its state, and what it has sent, will send and could send.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ScopePage {
    /// The scope's name.
    pub name: &'static str,
    /// The title that a person reads.
    pub title: &'static str,
    /// What the data is for.
    pub purpose: &'static str,
    /// What the person gets from it.
    pub benefit: &'static str,
    /// The scope's state, and since when.
    #[serde(flatten)]
    pub status: Status,
    /// Where the person consented. `None` if that is not recorded or there is no grant.
    pub agreed_via: Option<String>,
    /// What was agreed, as data, if there is a grant.
    pub agreed: Option<serde_json::Value>,
    /// The text a person is shown when asked.
    pub notice: String,
    /// Who receives the data, by legal name.
    pub recipient: &'static str,
    /// The endpoint that the data is sent to.
    pub endpoint: String,
    /// Whether the scope belongs to a library in the program, which has a recipient of its own.
    pub of_library: bool,
    /// Whether the program allows this scope to report. A library's scope stays closed until it does, whatever the person
    /// decides.
    pub allowed: bool,
    /// How long the recipient keeps the data, in days.
    pub retention_days: u32,
    /// Whether the scope is on and the secret for its codes and items is lost or damaged. Then no codes are made, and events that
    /// have items are not counted, until the person consents again.
    pub secret_lost: bool,
    /// What each request contains in addition to its events: names and values. They are the same for every user of this version.
    pub envelope: Vec<(&'static str, String)>,
    /// How many different reports this computer can make about what stays the same about it.
    pub budget: BudgetPage,
    /// Every event that could be sent.
    pub could_send: Vec<EventPage>,
    /// Today's counts, and those of days that are not closed yet. They are local state; they become lines when their day closes.
    pub growing: Vec<GrowingCount>,
    /// Lines that will be put into a request: the exact bytes.
    pub waiting: Vec<String>,
    /// Requests that will be sent: the exact bytes of their bodies.
    pub ready: Vec<String>,
    /// Requests that were sent, oldest first, with the exact bytes of their bodies.
    pub sent: Vec<SentPage>,
    /// Files of growing, pending or sent data that can't be read now, each with the reason. Their contents are not shown above,
    /// and are not lost.
    pub unread: Vec<String>,
    /// Whether the bodies of sent requests are kept. They are, unless the person switches it off.
    pub keeps_contents: bool,
    /// How much of what was sent can be named for erasure, what was asked for, and the outcome.
    pub erasure: Option<ErasureStatus>,
    /// Whether an answer could be stored, so that asking the person again would end a trouble.
    #[serde(skip)]
    asking_helps: bool,
}

/// How many different reports an installation can make about what stays the same about it: fields of once-events, and everything
/// with a code. All events of the scope are counted together.
///
/// The shares of installations that are alone follow from these numbers, as if each report were as frequent as any other. Where
/// some are rarer, more installations are alone; `candor-audit` measures how many.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct BudgetPage {
    /// Over all panels. 1 if nothing stays the same.
    pub outcomes: u64,
    /// The same in bits: how many yes-or-no questions would say as much.
    pub bits: f64,
    /// The number of parts into which these reports are split. An installation reports one, which a secret chooses.
    pub panels: u32,
    /// Why there may be more than 1,024, if there may.
    pub reason: Option<&'static str>,
    /// The share expected to be alone with its report among 500 installations.
    pub alone_of_500: f64,
    /// The same among 5,000 installations.
    pub alone_of_5000: f64,
    /// The same among 50,000 installations.
    pub alone_of_50000: f64,
}

impl BudgetPage {
    fn of(scope: Scope) -> BudgetPage {
        let (outcomes, panels) = scope.stays().unwrap_or((1, 1));
        let budget = Budget { outcomes, panels };
        BudgetPage {
            outcomes,
            bits: budget.bits(),
            panels,
            reason: scope.budget().map(|(_, reason)| reason),
            alone_of_500: budget.alone(500),
            alone_of_5000: budget.alone(5_000),
            alone_of_50000: budget.alone(50_000),
        }
    }
}

/// An event that could be sent.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct EventPage {
    /// The event's name.
    pub name: &'static str,
    /// When it happens, in the publisher's words.
    pub description: &'static str,
    /// What can be linked to what.
    pub linkage: Linkage,
    /// The same in words.
    pub linkage_words: &'static str,
    /// For a roll-up, how often its counts are sent. For a once-event, in which period it is reported once.
    pub period: Option<Period>,
    /// Why a roll-up of content is sent more often than once a month, if it is.
    pub period_reason: Option<&'static str>,
    /// For a once-event with fields: which values it reports.
    pub values: Option<Values>,
    /// The snapshot that it is a field of, if it is one.
    pub snapshot: Option<&'static str>,
    /// For a field of a snapshot: which of the values of a period is reported.
    pub statistic: Option<Statistic>,
    /// The last day on which the event is recorded, if an end was declared: a UTC day as `YYYY-MM-DD`.
    pub until: Option<String>,
    /// The field that selects the few items that are counted, if not all are: its name, its description, and what becomes of it.
    pub item: Option<(&'static str, &'static str, String)>,
    /// One in how many is counted, as each record says (`candor.divisor`). 1 if all are. See
    /// [`Schema::divisor`](crate::event::Schema::divisor).
    pub divisor: u64,
    /// How many distinct outcomes its fields have together, at most 1,024. Codes are not included.
    pub outcomes: u64,
    /// Its fields.
    pub fields: Vec<FieldPage>,
}

/// A field of an event.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct FieldPage {
    /// The field's name.
    pub name: &'static str,
    /// What it says, in the publisher's words.
    pub description: &'static str,
    /// The privacy class: the word in `#[field(…)]`, such as `bitrate`, or `closed` for a `bool` or a
    /// [`Category`](crate::Category). Text to show: an [`Event`](crate::Event) that is implemented by hand can name others.
    pub class: &'static str,
    /// How coarse the field becomes, in words.
    pub precision: String,
    /// The same as data.
    pub precision_spec: serde_json::Value,
    /// Why exact single numbers are sent, or why a field that looks like content is not content.
    pub because: Option<String>,
    /// Whether the value may be unknown. An unknown value is not sent.
    pub optional: bool,
    /// How many values could not be read since the program started (NaN, below zero, no version, …). They were not sent.
    pub unreadable: u32,
    /// Example: a value as it is on this computer.
    pub example_raw: String,
    /// The same value as it would be sent.
    pub example_sent: String,
}

/// How often one combination of values occurred in a period that is not closed yet.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct GrowingCount {
    /// The first UTC day of the period, as `YYYY-MM-DD`.
    pub day: String,
    /// How long the period is.
    pub period: Period,
    /// The event's name.
    pub event: &'static str,
    /// The fields' values in words, in declared order.
    pub values: Vec<(&'static str, String)>,
    /// How often it occurred so far, exactly. What is sent is this number rounded at random to one of its two neighbouring
    /// steps, so that sums are right: 1, 2, 3, 5, 9, 17, 33 and so on, up to 1,048,577.
    pub count: u64,
}

/// A request that was sent.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SentPage {
    /// When the receiver accepted it, or when it was given up, as RFC 3339 in UTC, to the second: `2026-11-22T00:45:55Z`. See
    /// [`ended_at`](SentPage::ended_at).
    pub at: String,
    /// The person's decision about this scope under which it was sent: the number that its receipt has.
    pub epoch: u64,
    /// How many records it held.
    pub records: u64,
    /// How many of them the receiver rejected.
    pub rejected: u64,
    /// Whether the receiver answered as OTLP requires. If not, the receiver accepted the request (a status of 2xx, over a
    /// connection to this computer or to the one that the certificate names) but its answer had no reliable details.
    pub confirmed: bool,
    /// Why no receiver accepted the request, if none did. It was sent, or may have been, and will not be sent again. The JSON has
    /// the words of [`why_not_taken`](SentPage::why_not_taken).
    #[serde(serialize_with = "words_not_taken")]
    pub not_taken: Option<DropReason>,
    /// How many bytes its body had.
    pub bytes: u64,
    /// The body, byte for byte. Empty if the person does not want contents to be kept.
    pub body: String,
}

/// What happened to events since this program started. Events of scopes without a grant are not counted at all.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Outcomes {
    /// Events that became lines.
    pub lines: u64,
    /// Events that were added to a day's counts.
    pub counted: u64,
    /// Records that a receiver accepted.
    pub sent: u64,
    /// Events that were dropped, and why.
    pub dropped: Vec<Dropped>,
    /// The first UTC day that [`lost`](Outcomes::lost) covers, as `YYYY-MM-DD`. `None` if nothing was lost.
    pub lost_since: Option<String>,
    /// Events that were lost in this run and earlier ones, in all processes that share the store. Events that rules or the
    /// person's own choices leave out are not included. Never sent.
    pub lost: Vec<Dropped>,
    /// Why that count can't be read. Then `lost` covers only this process, or, if the count is damaged, only what was lost since
    /// then.
    pub lost_unread: Option<String>,
}

/// Events or records that were dropped for one reason.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Dropped {
    /// The reason.
    pub reason: DropReason,
    /// The reason in words: [`DropReason::describe`].
    pub why: &'static str,
    /// How many.
    pub count: u64,
}

impl Manifest {
    /// Returns the page of one scope.
    #[must_use]
    pub fn scope(&self, scope: Scope) -> Option<&ScopePage> {
        self.scopes.iter().find(|page| page.name == scope.name())
    }

    /// The time of [`made_at`](Manifest::made_at). `None` only if the text was replaced by something else.
    #[must_use]
    pub fn created_at(&self) -> Option<SystemTime> {
        Time::parse(&self.made_at)?.system()
    }

    /// Returns the whole model as pretty-printed JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        clean::json(&serde_json::to_string_pretty(self).unwrap_or_default())
    }

    /// Reads the manifest, for a caller that has just looked at consent and brought to disk what was recorded. Writes nothing.
    pub(crate) fn read(engine: &Engine, application: &str, endpoint: &str) -> Self {
        // The records are read once, so that all pages show the same moment.
        let records = engine.consent.records();
        let (records, keys_unread) = (records.as_ref(), engine.keys.why_unread());
        let scopes = engine.registry.scopes().iter().map(|scope| page(engine, *scope, records, &keys_unread)).collect();
        let (undeclared, undeclared_unread) = match engine.consent.undeclared_in(records) {
            Ok(undeclared) => (undeclared, None),
            Err(error) => (Vec::new(), Some(clean::line(&error.to_string()))),
        };
        Manifest {
            format: FORMAT,
            made_at: engine.ambient.now().rfc3339(),
            application: application.into(),
            candor_version: env!("CARGO_PKG_VERSION"),
            endpoint: endpoint.into(),
            blocked_by: engine.consent.constraints().block().map(|block| block.0),
            store: engine.consent.ledger().store().into(),
            barred: engine.consent.ledger().files().barred().map(|why| clean::line(&why)),
            scopes,
            undeclared,
            undeclared_unread,
            outcomes: outcomes(engine),
        }
    }
}

fn page(engine: &Engine, scope: Scope, records: Result<&Records, &Failed>, keys_unread: &Option<String>) -> ScopePage {
    let status = engine.consent.status_in(scope, records);
    let status = status.unwrap_or_else(|_| Status::unknown("the scope is not registered"));
    let agreed = match (status.state, records) {
        (State::NeverAsked | State::Unreadable, _) | (_, Err(_)) => None,
        // A narrowing leaves the grant in force, and its entry has the same contract.
        (_, Ok(records)) => engine.consent.agreed_in(scope, records),
    };
    let (agreed, agreed_via) = agreed.map_or((None, None), |(contract, via)| (Some(contract), via));
    let contract = engine.consent.contract(scope).ok();
    let journal = &engine.journal;
    let mut unread = Vec::new();
    let place = records.map_err(Failed::clone).and_then(|records| engine.consent.granted_place_in(scope, records));
    let place = place.unwrap_or_else(|failed| {
        unread.push(clean::line(&failed.to_string()));
        None
    });
    let erasure = engine.erasure_status(scope).map_err(|error| unread.push(clean::line(&error.to_string()))).ok();
    journal.note_refused(scope, &mut unread);
    unread.extend(keys_unread.clone());
    let growing = place.map(|place| journal.peek_counts(place, &mut unread)).unwrap_or_default();
    let mut ready = place.map(|place| journal.outbox().peek(place, &mut unread)).unwrap_or_default();
    let waiting = place.map(|place| journal.peek_lines(place, engine.today(), &mut unread)).unwrap_or_default();
    let sent = journal.sent().entries(scope, &mut unread);
    let keeps_contents = journal.sent().keeps_contents(scope).unwrap_or_else(|error| {
        unread.push(clean::line(&format!("whether the contents of what is sent are kept: {error}")));
        true
    });
    // Shows only batches that could be sent. Any other batch is dropped at the next send.
    ready.retain(|batch| otlp::lines(batch.body(), &engine.service, scope, engine.registry).is_some());
    ScopePage {
        name: scope.name(),
        title: scope.title(),
        purpose: scope.purpose(),
        benefit: scope.benefit(),
        agreed_via,
        agreed,
        notice: contract.map(|contract| contract.notice_or_own().text().to_owned()).unwrap_or_default(),
        recipient: contract.map(|contract| contract.recipient()).unwrap_or_default(),
        endpoint: contract.map(|contract| contract.endpoint().to_owned()).unwrap_or_default(),
        of_library: scope.is_of_library(),
        allowed: contract.is_some_and(|contract| contract.allowed),
        retention_days: scope.retention_days(),
        secret_lost: status.is_open() && !engine.keys.has(scope.into()),
        envelope: {
            let (service, own) = otlp::envelope(&engine.service, scope);
            [service, own].concat()
        },
        budget: BudgetPage::of(scope),
        could_send: engine.registry.schemas_of(scope).map(event).collect(),
        growing: growing.iter().flat_map(|(of, counts)| growing_counts(engine, *of, counts)).collect(),
        waiting,
        ready: ready.iter().map(|batch| String::from_utf8_lossy(batch.body()).into_owned()).collect(),
        sent: sent
            .into_iter()
            .map(|entry| SentPage {
                at: entry.at.rfc3339(),
                epoch: entry.epoch,
                records: entry.records,
                rejected: entry.rejected,
                confirmed: entry.confirmed,
                not_taken: entry.not_taken,
                bytes: entry.bytes,
                body: String::from_utf8_lossy(&entry.body).into_owned(),
            })
            .collect(),
        unread: unread.iter().map(|why| clean::line(why)).collect(),
        keeps_contents,
        erasure,
        asking_helps: engine.consent.ledger().files().barred().is_none(),
        status,
    }
}

impl SentPage {
    /// The time of [`at`](SentPage::at). `None` only if the text was replaced by something else.
    #[must_use]
    pub fn ended_at(&self) -> Option<SystemTime> {
        Time::parse(&self.at)?.system()
    }

    /// What happened to the request, in words, if no receiver accepted it.
    #[must_use]
    pub fn why_not_taken(&self) -> Option<&'static str> {
        self.not_taken.map(words_of_request)
    }
}

/// What happened to a request that was sent and that no receiver accepted.
fn words_of_request(why: DropReason) -> &'static str {
    match why {
        DropReason::Rejected => "the receiver read it, and refused it for good",
        DropReason::TooLarge => {
            "it was too large for the receiver; where it held more than one record they left again, in two parts"
        }
        DropReason::Gone => "the receiver takes no such reports any more",
        DropReason::Foreign => {
            "it was not what this version of the program writes; what could be used of it was written again"
        }
        DropReason::Age => "it was tried, nobody took it, and it had waited too long",
        DropReason::Full => "it was tried, nobody took it, and there was no more room for what waits",
        _ => "it was tried too often, and nobody took it",
    }
}

fn words_not_taken<S: Serializer>(why: &Option<DropReason>, serializer: S) -> Result<S::Ok, S::Error> {
    why.map(words_of_request).serialize(serializer)
}

fn event(schema: &'static Schema) -> EventPage {
    EventPage {
        name: schema.name(),
        description: schema.doc(),
        linkage: schema.linkage(),
        linkage_words: in_english(schema.says()),
        period: schema.period(),
        period_reason: schema.period_reason(),
        values: schema.values(),
        snapshot: schema.snapshot().map(|part| part.name),
        statistic: schema.snapshot().map(|part| part.statistic),
        until: schema.until(),
        item: schema.item().map(|item| (item.name, item.doc, item.describe())),
        divisor: schema.divisor(),
        outcomes: schema.outcomes(),
        fields: schema
            .fields()
            .iter()
            .enumerate()
            .map(|(at, known)| field(schema, known, schema.unreadable(at)))
            .collect(),
    }
}

fn field(schema: &Schema, field: &'static Field, unreadable: u32) -> FieldPage {
    FieldPage {
        name: field.name,
        description: field.doc,
        class: field.class,
        precision: if schema.is_rounded_at_random(field) {
            field.precision.describe_at_random_in(&Locale::ENGLISH)
        } else {
            field.precision.describe()
        },
        precision_spec: field.precision.spec(),
        because: field.because(),
        optional: field.optional,
        unreadable,
        example_raw: field.example_raw(),
        example_sent: match field.example {
            crate::event::Example::Text(text) => generalize::example(&field.precision, field.domain, text),
            _ => field.precision.words(field.example_outcome()),
        },
    }
}

fn growing_counts(engine: &Engine, (day, period): (Day, Period), counts: &Counts) -> Vec<GrowingCount> {
    let known = counts.iter().filter_map(|(number, outcomes, count)| {
        let schema = engine.registry.schema(number)?;
        let values = schema.fields().iter().zip(outcomes);
        let values = values.map(|(field, outcome)| (field.name, field.precision.words(*outcome))).collect();
        Some(GrowingCount { day: day.to_string(), period, event: schema.name(), values, count })
    });
    known.collect()
}

fn outcomes(engine: &Engine) -> Outcomes {
    let counters = &engine.journal.counters;
    let by_reason = |count: &dyn Fn(DropReason) -> u64| {
        let all = DropReason::ALL.into_iter();
        let dropped = all.map(|reason| Dropped { reason, why: reason.describe(), count: count(reason) });
        dropped.filter(|dropped| dropped.count > 0).collect()
    };
    let (losses, today) = (engine.journal.losses(), engine.ambient.now().day());
    let all = losses.all(today);
    let damaged = || {
        let path = losses.damaged()?;
        Some(format!("{}: it is damaged, and stays there; losses are counted from 0 again", path.display()))
    };
    let lost_unread = all.as_ref().err().map(ToString::to_string).or_else(damaged).map(|why| clean::line(&why));
    let lost = all.unwrap_or_else(|_| losses.owed(today));
    Outcomes {
        lines: counters.lines.load(Ordering::Relaxed),
        counted: counters.counted.load(Ordering::Relaxed),
        sent: counters.sent.load(Ordering::Relaxed),
        dropped: by_reason(&|reason| counters.dropped(reason)),
        lost_since: (!lost.is_nothing()).then(|| lost.since().to_string()),
        lost: by_reason(&|reason| lost.of(reason.name())),
        lost_unread,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_says_in_words_why_a_request_was_not_taken() {
        let sent = SentPage {
            at: "2026-11-22T00:45:55Z".into(),
            epoch: 7,
            records: 2,
            rejected: 0,
            confirmed: false,
            not_taken: Some(DropReason::Rejected),
            bytes: 3,
            body: "{}\n".into(),
        };
        let json = concat!(
            r#"{"at":"2026-11-22T00:45:55Z","epoch":7,"records":2,"rejected":0,"confirmed":false,"#,
            r#""not_taken":"the receiver read it, and refused it for good","bytes":3,"body":"{}\n"}"#,
        );
        assert_eq!(serde_json::to_string(&sent).unwrap(), json);
        let taken = serde_json::json!(SentPage { not_taken: None, ..sent });
        assert!(taken["not_taken"].is_null(), "{taken}");
    }
}
