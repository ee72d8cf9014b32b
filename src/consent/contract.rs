//! What a person agrees to: the contract of a scope, and the notice that tells them.
//!
//! The contract is data in canonical JSON and has a digest; a grant stores both. The notice is its text in words for
//! people. Both are made from what is linked into the program, never from a sentence somebody keeps elsewhere. This
//! file compares digests only: whether a build wants more or less than was granted is not decided here, so any
//! difference closes the scope until the person is asked again.

use super::scope::{Answer, Scope};
use crate::precision::Precision;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// For how long events and counts may wait on this computer before they are dropped unsent.
pub(crate) const WAITING_DAYS: u32 = 7;
/// For how long a lone count is held back on this computer until it has company.
pub(crate) const COUNTS_DAYS: u32 = 28;
/// For how long at most the sent log keeps what left.
pub(crate) const SENT_LOG_DAYS: u32 = 90;
/// The language of the notices made here.
const LANGUAGE: &str = "en";

/// Who is answerable for the data, and how they handle it. Part of every contract: each entry is a value or an explicit
/// none, so that nothing can be left unsaid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "a publisher must write out every entry")]
pub struct Controller {
    /// The legal name of the person or company that decides why and how the data is used.
    pub legal_name: &'static str,
    /// Their postal address.
    pub address: &'static str,
    /// The country they are in, as ISO 3166-1 alpha-2 (`FR`).
    pub country: &'static str,
    /// Where a person can write to, such as an e-mail address.
    pub contact: &'static str,
    /// How to reach the data-protection officer, if there is one.
    pub data_protection_officer: Option<&'static str>,
    /// The supervisory authority a person can complain to, if there is one.
    pub authority: Option<&'static str>,
    /// Companies that handle the data on the controller's behalf.
    pub processors: &'static [&'static str],
    /// Countries in which the data is kept, as ISO 3166-1 alpha-2.
    pub hosting_countries: &'static [&'static str],
    /// What protects the data where it is transferred out of the person's legal area, if it is.
    pub transfer_safeguard: Option<&'static str>,
    /// Others who are given the data for purposes of their own.
    pub onward_sharing: &'static [&'static str],
    /// Whether the recipient's servers note the network addresses that reports come from.
    pub address_log: AddressLog,
    /// What becomes of a person's wish to have sent records deleted.
    pub erasure: Erasure,
}

/// Whether network addresses are noted on arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressLog {
    /// They are not kept.
    NotKept,
    /// They are kept for so many days.
    Days(u32),
}

/// What the recipient promises about deleting records that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Erasure {
    /// Deleted within so many days of the request.
    WithinDays(u32),
    /// Single records can't be deleted before their retention ends.
    Unsupported,
}

/// Who uses the program. The application states it; there is no default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Audience {
    /// Adults. Consent can be asked for.
    Adults,
    /// Children may be among them. Every scope is blocked, since this version takes no sign of who is at the screen.
    Mixed,
    /// Children. Every scope is blocked.
    Children,
}

impl Audience {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Audience::Adults => "adults",
            Audience::Mixed => "mixed",
            Audience::Children => "children",
        }
    }
}

/// What is the same for every scope of one program.
#[derive(Debug, Clone)]
pub(crate) struct Party {
    pub(crate) application: String,
    pub(crate) service_version: Option<String>,
    pub(crate) controller: Controller,
    pub(crate) audience: Audience,
    pub(crate) endpoint: String,
}

/// One event as the contract and the notice speak of it.
#[derive(Debug, Clone)]
pub(crate) struct EventTerms {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) linkage: &'static str,
    pub(crate) linkage_words: &'static str,
    pub(crate) item: Option<ItemTerms>,
    pub(crate) fields: Vec<FieldTerms>,
}

/// What chooses the items of an event that are counted, as the contract and the notice speak of it.
#[derive(Debug, Clone)]
pub(crate) struct ItemTerms {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) one_in: u64,
    pub(crate) words: String,
}

/// One field as the contract and the notice speak of it.
#[derive(Debug, Clone)]
pub(crate) struct FieldTerms {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) class: &'static str,
    pub(crate) precision: Precision,
    pub(crate) optional: bool,
    /// Why it leaves exactly, where it does.
    pub(crate) reason: Option<&'static str>,
}

/// The contract of one scope in this build.
#[derive(Debug, Clone)]
pub(crate) struct Contract {
    pub(crate) scope: Scope,
    /// Canonical JSON.
    pub(crate) json: String,
    /// blake3 of the JSON, in hex.
    pub(crate) digest: String,
    pub(crate) notice: Notice,
}

impl Contract {
    pub(crate) fn new(party: &Party, scope: Scope, events: &[EventTerms]) -> Self {
        let json = canonical(&terms(party, scope, events));
        let text = text(party, scope, events);
        Contract {
            scope,
            digest: digest(json.as_bytes()),
            json,
            notice: Notice { scope, digest: digest(text.as_bytes()), text },
        }
    }
}

/// A notice: the text that tells a person what a scope is about, made from what is linked into the program.
///
/// Its `Display` is the text. Show all of it, and hand it to [`Scope::shown`] when the person has said yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    scope: Scope,
    text: String,
    digest: String,
}

impl Notice {
    /// The text to show.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The language of the text, as an IETF tag.
    #[must_use]
    pub fn language(&self) -> &'static str {
        LANGUAGE
    }

    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    pub(crate) fn scope(&self) -> Scope {
        self.scope
    }
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// blake3, in hex.
pub(crate) fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// JSON with sorted keys and no spaces, whatever features of `serde_json` another crate turned on.
pub(crate) fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|a, b| a.0.cmp(b.0));
            let entries: Vec<String> =
                entries.into_iter().map(|(key, value)| format!("{}:{}", json!(key), canonical(value))).collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

fn terms(party: &Party, scope: Scope, events: &[EventTerms]) -> Value {
    let controller = &party.controller;
    let uses: serde_json::Map<String, Value> = scope
        .uses()
        .all()
        .into_iter()
        .map(|(key, _, answer)| {
            let answer = match answer {
                Answer::No => json!("no"),
                Answer::Yes(why) => json!({"yes": why}),
            };
            (key.to_owned(), answer)
        })
        .collect();
    let events: Vec<Value> = events
        .iter()
        .map(|event| {
            let fields: Vec<Value> = event
                .fields
                .iter()
                .map(|field| {
                    let mut entry = json!({"name": field.name, "class": field.class, "optional": field.optional,
                                           "precision": field.precision.spec()});
                    if let (Some(reason), Some(entry)) = (field.reason, entry.as_object_mut()) {
                        entry.insert("reason".into(), json!(reason));
                    }
                    entry
                })
                .collect();
            let mut entry = json!({"name": event.name, "linkage": event.linkage, "fields": fields});
            if let (Some(item), Some(entry)) = (&event.item, entry.as_object_mut()) {
                entry.insert("one_in".into(), json!(item.one_in));
            }
            entry
        })
        .collect();
    json!({
        "format": "candor-contract/1",
        "application": party.application,
        "audience": party.audience.name(),
        "controller": {
            "legal_name": controller.legal_name, "address": controller.address, "country": controller.country,
            "contact": controller.contact, "data_protection_officer": controller.data_protection_officer,
            "authority": controller.authority,
        },
        "processors": controller.processors,
        "hosting_countries": controller.hosting_countries,
        "transfer_safeguard": controller.transfer_safeguard,
        "onward_sharing": controller.onward_sharing,
        "endpoint": party.endpoint,
        "address_log_days": match controller.address_log { AddressLog::NotKept => json!(null), AddressLog::Days(n) => json!(n) },
        "erasure_within_days": match controller.erasure { Erasure::Unsupported => json!(null), Erasure::WithinDays(n) => json!(n) },
        "scope": scope.name(),
        "revision": scope.revision(),
        "about": "installation",
        "retention_days": scope.retention_days(),
        "local_retention_days": {"waiting": WAITING_DAYS, "counts": COUNTS_DAYS, "sent_log": sent_log_days(scope)},
        "schedule": "daily",
        "uses": uses,
        "also_never": scope.also_never(),
        "events": events,
        "envelope": envelope(party),
        "features_depend_on_it": false,
    })
}

/// What each request names besides its events.
fn envelope(party: &Party) -> Vec<&'static str> {
    let mut fields = vec!["service.name"];
    if party.service_version.is_some() {
        fields.push("service.version (two parts)");
    }
    fields.extend([
        "telemetry.sdk.name",
        "telemetry.sdk.version",
        "telemetry.sdk.language",
        "candor.scope",
        "candor.contract.revision",
        "candor.retention.days",
        "log.record.uid (random, one for each record)",
    ]);
    fields
}

/// For how long the sent log keeps what this scope sent.
pub(crate) fn sent_log_days(scope: Scope) -> u32 {
    scope.retention_days().min(SENT_LOG_DAYS)
}

fn text(party: &Party, scope: Scope, events: &[EventTerms]) -> String {
    let controller = &party.controller;
    let mut out = String::new();
    let list = |items: &[&str]| if items.is_empty() { "none".to_owned() } else { items.join(", ") };
    let _ = writeln!(out, "{}\n{}\n", scope.title(), "=".repeat(scope.title().chars().count()));
    let _ = writeln!(out, "Why: {}", scope.purpose());
    let _ = writeln!(out, "What you get: {}.", scope.benefit().trim_end_matches('.'));
    let _ = writeln!(out, "No feature of this program depends on your answer.\n");
    let _ = writeln!(out, "What this program would report");
    for event in events {
        let _ = writeln!(out, "- {} ({}; {})", event.doc, event.name, event.linkage_words);
        if let Some(item) = &event.item {
            let _ = writeln!(out, "    {}: {} -> {}", item.name, item.doc, item.words);
        }
        for field in &event.fields {
            let unknown = if field.optional { "; left out where it is not known" } else { "" };
            let because = field.reason.map(|reason| format!("; exactly, because {reason}")).unwrap_or_default();
            let precision = field.precision.describe();
            let _ = writeln!(out, "    {}: {} -> {precision}{because}{unknown}", field.name, field.doc);
        }
    }
    if events.is_empty() {
        let _ = writeln!(out, "- nothing yet: this version of the program has no such report");
    }
    let version = match &party.service_version {
        Some(version) => format!(" {version}"),
        None => String::new(),
    };
    let _ = writeln!(
        out,
        "Each request also names the program ({}{version}) and candor's version, and gives each record a random number. \
         Times are cut to the day.\n",
        party.application
    );
    let _ =
        writeln!(out, "Who receives it: {}, {} ({})", controller.legal_name, controller.address, controller.country);
    let _ = writeln!(out, "  at {}", party.endpoint);
    let _ = writeln!(out, "  contact: {}", controller.contact);
    let _ = writeln!(out, "  data-protection officer: {}", controller.data_protection_officer.unwrap_or("none"));
    let _ = writeln!(out, "  authority for complaints: {}", controller.authority.unwrap_or("none named"));
    let _ = writeln!(out, "  processed on their behalf by: {}", list(controller.processors));
    let _ = writeln!(out, "  kept in: {}", list(controller.hosting_countries));
    let _ = writeln!(out, "  safeguard for transfers: {}", controller.transfer_safeguard.unwrap_or("none"));
    let _ = writeln!(out, "  passed on to: {}", list(controller.onward_sharing));
    let address = match controller.address_log {
        AddressLog::NotKept => "seen on arrival, as with any connection, and not kept".to_owned(),
        AddressLog::Days(days) => format!("seen on arrival, as with any connection, and kept for {days} days"),
    };
    let _ = writeln!(out, "  your network address: {address}\n");
    let _ = writeln!(out, "How long: the recipient keeps it for {} days.", scope.retention_days());
    let _ = writeln!(
        out,
        "On this computer: reports wait at most {WAITING_DAYS} days, a lone count for company at most \
         {COUNTS_DAYS} days; a copy of what was sent is kept for you for {} \
         days; your answer, with this text, is kept as your record.",
        sent_log_days(scope)
    );
    let _ = writeln!(
        out,
        "Sent: once a day at a moment of its own, or when the program asks for it.\n\nWhat it is not used for"
    );
    for (_, what, answer) in scope.uses().all() {
        match answer {
            Answer::No => {
                let _ = writeln!(out, "- {what}: no");
            }
            Answer::Yes(why) => {
                let _ = writeln!(out, "- {what}: YES, {why}");
            }
        }
    }
    for promise in scope.also_never() {
        let _ = writeln!(out, "- {promise}: never");
    }
    let _ = writeln!(
        out,
        "\nYou can say no, and you can take a yes back at any time, as easily as you gave it: reporting stops at once, \
         and what waits is destroyed. What was sent before stays with the recipient until its time is over."
    );
    let _ = match controller.erasure {
        Erasure::WithinDays(days) => {
            writeln!(out, "On request the recipient deletes records within {days} days.")
        }
        Erasure::Unsupported => writeln!(out, "The recipient can't delete single records before that."),
    };
    out
}
