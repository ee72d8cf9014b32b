//! What could be sent, was agreed, waits, was sent, and was dropped: one model, read-only, as text and as JSON.
//!
//! Made from the types linked into the program and from the files of the store, so it can't leave one out. Making it
//! changes nothing, asks nothing of the network, and keeps nothing.

mod fixed;
mod text;

pub(crate) use fixed::StaticPage;

use crate::{
    ambient::Day,
    clean,
    consent::{ErasureStatus, Scope, State, Status, Undeclared},
    engine::Engine,
    event::{Field, Schema},
    generalize,
    journal::{DROPS, DropReason},
    rollup::Counts,
    transport::otlp,
};
use serde::Serialize;
use std::sync::atomic::Ordering;

/// The name of this form.
pub(crate) const FORMAT: &str = "candor-manifest/1";

/// Everything a person may want to know about this program's reports. `Display` is a page of text, `Serialize` the data.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Manifest {
    /// `candor-manifest/1`.
    pub format: &'static str,
    /// When it was made, in UTC (RFC 3339).
    pub made_at: String,
    /// The application's id.
    pub application: String,
    /// The version candor has.
    pub candor_version: &'static str,
    /// Where the program's own reports go; those of a library go where its page says.
    pub endpoint: String,
    /// What closes every scope, such as an environment variable, whatever the person decided.
    pub blocked_by: Option<String>,
    /// Where the records lie on this computer.
    pub store: std::path::PathBuf,
    /// Why none can lie anywhere, where that is so.
    #[serde(skip)]
    barred: Option<String>,
    /// Every scope linked into the program, by name.
    pub scopes: Vec<ScopePage>,
    /// What the person agreed to and this program does not declare: they can take it back with
    /// [`consent::withdraw_undeclared`](crate::consent::withdraw_undeclared).
    pub undeclared: Vec<Undeclared>,
    /// Why that can't be read now; then [`undeclared`](Manifest::undeclared) is empty, and there may be some.
    pub undeclared_unread: Option<String>,
    /// What became of events since this program started.
    pub outcomes: Outcomes,
}

/// One scope: its terms, where it stands, and what it has, will and could have sent.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ScopePage {
    /// The scope's name.
    pub name: &'static str,
    /// The title a person reads.
    pub title: &'static str,
    /// What the data is for.
    pub purpose: &'static str,
    /// What the person gets from it.
    pub benefit: &'static str,
    /// Where it stands, and since when.
    #[serde(flatten)]
    pub status: Status,
    /// Where the person said yes; `None` where that is not recorded, or there is no yes.
    pub agreed_via: Option<String>,
    /// What was agreed, as data, where there is a yes.
    pub agreed: Option<serde_json::Value>,
    /// The text a person is shown when asked.
    pub notice: String,
    /// Who receives it, by legal name.
    pub recipient: &'static str,
    /// Where it goes.
    pub endpoint: String,
    /// Whether it belongs to a library in the program, which has a recipient of its own.
    pub of_library: bool,
    /// Whether the program lets it report at all. A library's scope stays closed, whatever anyone answers, until it does.
    pub allowed: bool,
    /// For how long the recipient keeps it, in days.
    pub retention_days: u32,
    /// Whether the scope is on and the secret behind its codes and items is lost or damaged: then there are no codes, and
    /// nothing that has items is counted, until the person agrees anew.
    pub secret_lost: bool,
    /// What each request names besides its events, with its value: the same for everyone who has this version.
    pub envelope: Vec<(&'static str, String)>,
    /// Every event that could be sent.
    pub could_send: Vec<EventPage>,
    /// Today's counts, and those of days that are not closed yet. Local state; they become lines when their day closes.
    pub growing: Vec<GrowingCount>,
    /// Lines that wait to be put into a request: the exact bytes.
    pub waiting: Vec<String>,
    /// Requests that wait to be sent: the exact bytes of their bodies.
    pub ready: Vec<String>,
    /// Requests that left and were taken: the exact bytes of their bodies, oldest first.
    pub sent: Vec<SentPage>,
    /// Files of what grows, waits or was sent that can't be read now, each with the reason: what they hold is not shown above,
    /// and is not lost.
    pub unread: Vec<String>,
    /// Whether these bodies are kept, as they are unless the person switches it off.
    pub keeps_contents: bool,
    /// How much of what left can be named for erasure, what was asked for, and what came of it.
    pub erasure: Option<ErasureStatus>,
    /// Whether an answer could be kept, so that being asked again would end a trouble.
    #[serde(skip)]
    asking_helps: bool,
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
    pub linkage: &'static str,
    /// The same in words.
    pub linkage_words: &'static str,
    /// The last UTC day on which it is recorded, where an end was declared.
    pub until: Option<String>,
    /// What chooses the few items that are counted, where not all are: the field's name, what it says, what becomes of it.
    pub item: Option<(&'static str, &'static str, String)>,
    /// How many distinct outcomes its fields have together, of at most 1,024; codes aside.
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
    /// The privacy class.
    pub class: &'static str,
    /// How coarse it becomes, in words.
    pub precision: String,
    /// The same as data.
    pub precision_spec: serde_json::Value,
    /// Why single numbers leave exactly, or why what looks like content is none.
    pub because: Option<String>,
    /// Whether it may be unknown, in which case it is not sent.
    pub optional: bool,
    /// How many values could not be read since the program started (NaN, below zero, no version, …). They were not sent.
    pub unreadable: u32,
    /// Example: a value as it stands on this computer.
    pub example_raw: String,
    /// The same value as it would be sent.
    pub example_sent: String,
}

/// How often one combination happened on a day that is not closed yet.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct GrowingCount {
    /// The UTC day.
    pub day: String,
    /// The event's name.
    pub event: &'static str,
    /// The fields' values in words, in declared order.
    pub values: Vec<(&'static str, String)>,
    /// How often so far. What is sent is this number rounded down to 1, 2, 3, 5, 9, 17, 33, 65, 129, 257,
    /// 513 or 1,024.
    pub count: u64,
}

/// A request that left.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SentPage {
    /// When the receiver took it, or it was given up, in UTC (RFC 3339).
    pub at: String,
    /// Under which of the person's decisions about this scope: the number its receipt has.
    pub epoch: u64,
    /// How many records it held.
    pub records: u64,
    /// How many of them the receiver rejected.
    pub rejected: u64,
    /// Whether the receiver answered as OTLP asks. If not, it took the request (a status of 2xx, over a connection to this
    /// computer or to the one whom the certificate names) and said nothing about it that can be relied on.
    pub confirmed: bool,
    /// Where no receiver took it: what became of it. It left this computer, or may have, and is not sent any more.
    pub not_taken: Option<&'static str>,
    /// How many bytes its body had.
    pub bytes: u64,
    /// The body, byte for byte; empty where the person wants no contents kept.
    pub body: String,
}

/// What became of events since this program started. Events that nobody agreed to are not counted at all.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Outcomes {
    /// Became lines.
    pub lines: u64,
    /// Were added to a day's counts.
    pub counted: u64,
    /// Records that a receiver took.
    pub sent: u64,
    /// Were dropped, and why.
    pub dropped: Vec<Dropped>,
    /// The UTC day since when [`lost`](Outcomes::lost) is counted; `None` where nothing was lost.
    pub lost_since: Option<String>,
    /// Were lost in this run and in earlier ones, of all processes that share the store. What rules and the person's own
    /// choices leave out is not among them. Never sent.
    pub lost: Vec<Dropped>,
    /// Why that count can't be read; then `lost` is of this process alone, or, where the count is damaged, of what came since.
    pub lost_unread: Option<String>,
}

/// Events or records that were dropped for one reason.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Dropped {
    /// A short name for the reason.
    pub reason: &'static str,
    /// The reason in words.
    pub why: &'static str,
    /// How many.
    pub count: u64,
}

impl Manifest {
    /// The page of one scope.
    #[must_use]
    pub fn scope(&self, scope: Scope) -> Option<&ScopePage> {
        self.scopes.iter().find(|page| page.name == scope.name())
    }

    /// The whole model as pretty JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        clean::json(&serde_json::to_string_pretty(self).unwrap_or_default())
    }

    pub(crate) fn read(engine: &Engine, application: &str, endpoint: &str) -> Self {
        // What is still in the rings belongs on the page as well.
        engine.tick();
        let keys_unread = engine.keys.why_unread();
        let scopes = engine.registry.scopes().iter().map(|scope| page(engine, *scope, &keys_unread)).collect();
        let (undeclared, undeclared_unread) = match engine.consent.undeclared() {
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

fn page(engine: &Engine, scope: Scope, keys_unread: &Option<String>) -> ScopePage {
    let status = engine.consent.status(scope).unwrap_or_else(|_| Status::unknown("the scope is not registered"));
    let receipt = match status.state {
        State::NeverAsked | State::Unreadable => None,
        // A narrowing leaves the yes in force, and its line carries the same contract.
        _ => engine.consent.receipt(scope, None).ok().filter(|receipt| receipt.contract.is_some()),
    };
    let contract = engine.consent.contract(scope).ok();
    let journal = &engine.journal;
    let mut unread = Vec::new();
    let place = engine.consent.granted_place(scope).unwrap_or_else(|failed| {
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
    // Only what could leave: anything else is dropped at the next send.
    ready.retain(|batch| otlp::lines(batch.body(), &engine.service, scope, engine.registry).is_some());
    ScopePage {
        name: scope.name(),
        title: scope.title(),
        purpose: scope.purpose(),
        benefit: scope.benefit(),
        agreed_via: receipt.as_ref().and_then(|receipt| receipt.via.clone()),
        agreed: receipt.and_then(|receipt| receipt.contract),
        notice: contract.map(|contract| contract.notice_or_own().text().to_owned()).unwrap_or_default(),
        recipient: contract.map(|contract| contract.recipient()).unwrap_or_default(),
        endpoint: contract.map(|contract| contract.endpoint().to_owned()).unwrap_or_default(),
        of_library: scope.is_of_library(),
        allowed: contract.is_some_and(|contract| contract.allowed),
        retention_days: scope.retention_days(),
        secret_lost: status.is_open() && !engine.keys.has(scope),
        envelope: {
            let (service, own) = otlp::envelope(&engine.service, scope);
            [service, own].concat()
        },
        could_send: engine.registry.schemas_of(scope).map(event).collect(),
        growing: growing.iter().flat_map(|(day, counts)| growing_counts(engine, *day, counts)).collect(),
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
                not_taken: entry.not_taken.map(not_taken),
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

/// What became of a request that left and that nobody took, in words.
fn not_taken(why: DropReason) -> &'static str {
    match why {
        DropReason::Rejected => "the receiver read it, and refused it for good",
        DropReason::TooLarge => {
            "it was too large for the receiver; where it held more than one record they left again, in two parts"
        }
        DropReason::Gone => "the receiver takes no such reports any more",
        DropReason::Foreign => {
            "it was not what this version of the program writes; what could be used of it was written anew"
        }
        DropReason::Age => "it was tried, nobody took it, and it had waited too long",
        DropReason::Full => "it was tried, nobody took it, and there was no more room for what waits",
        _ => "it was tried too often, and nobody took it",
    }
}

fn event(schema: &'static Schema) -> EventPage {
    EventPage {
        name: schema.name(),
        description: schema.doc(),
        linkage: schema.linkage().name(),
        linkage_words: schema.linkage().describe(),
        until: schema.until(),
        item: schema.item().map(|item| (item.name, item.doc, item.describe())),
        outcomes: schema.outcomes(),
        fields: schema.fields().iter().enumerate().map(|(at, known)| field(known, schema.unreadable(at))).collect(),
    }
}

fn field(field: &'static Field, unreadable: u32) -> FieldPage {
    FieldPage {
        name: field.name,
        description: field.doc,
        class: field.class,
        precision: field.precision.describe(),
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

fn growing_counts(engine: &Engine, day: Day, counts: &Counts) -> Vec<GrowingCount> {
    let known = counts.iter().filter_map(|(number, outcomes, count)| {
        let schema = engine.registry.schema(number)?;
        let values = schema.fields().iter().zip(outcomes);
        let values = values.map(|(field, outcome)| (field.name, field.precision.words(*outcome))).collect();
        Some(GrowingCount { day: day.to_string(), event: schema.name(), values, count })
    });
    known.collect()
}

fn outcomes(engine: &Engine) -> Outcomes {
    let counters = &engine.journal.counters;
    let by_reason = |count: &dyn Fn(&str, DropReason) -> u64| {
        let dropped =
            DROPS.into_iter().map(|(reason, name, why)| Dropped { reason: name, why, count: count(name, reason) });
        dropped.filter(|dropped| dropped.count > 0).collect()
    };
    let (losses, today) = (engine.journal.losses(), engine.ambient.now().day());
    let all = losses.all(today);
    let damaged = || {
        let path = losses.damaged()?;
        Some(format!("{}: it is damaged, and stays there; what is lost is counted anew", path.display()))
    };
    let lost_unread = all.as_ref().err().map(ToString::to_string).or_else(damaged).map(|why| clean::line(&why));
    let lost = all.unwrap_or_else(|_| losses.owed(today));
    Outcomes {
        lines: counters.lines.load(Ordering::Relaxed),
        counted: counters.counted.load(Ordering::Relaxed),
        sent: counters.sent.load(Ordering::Relaxed),
        dropped: by_reason(&|_, reason| counters.dropped(reason)),
        lost_since: (!lost.is_nothing()).then(|| lost.since().to_string()),
        lost: by_reason(&|name, _| lost.of(name)),
        lost_unread,
    }
}
