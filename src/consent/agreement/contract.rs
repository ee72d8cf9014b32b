//! The contract of a scope: what a person agrees to.
//!
//! A contract is data in canonical JSON and has a digest. A grant stores both. The notice is the same contract in words for
//! people. Both are made from what is linked into the program, never from a text that is kept elsewhere. This module never
//! decides which of two contracts is wider.

use crate::consent::{agreement::languages::Languages, agreement::schema::ContractSchema, agreement::scope::Scope};
use crate::{language::Say, precision::Precision};
use serde_json::{Value, json};
use std::sync::Arc;

/// For how many days events and counts may be pending on this computer before they are dropped unsent.
pub(crate) const WAITING_DAYS: u32 = 7;
/// For how many days a count of one is held back on this computer until another event of the same kind is counted with it.
pub(crate) const COUNTS_DAYS: u32 = 28;
/// The most days for which the sent log keeps what was sent.
pub(crate) const SENT_LOG_DAYS: u32 = 90;

/// Who is responsible for the data, and how they handle it. Part of every contract. Each entry is a value or an explicit
/// none, so that no entry can be omitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "a publisher must write out every entry")]
pub struct Controller {
    /// The legal name of the person or company that decides why and how the data is used.
    pub legal_name: &'static str,
    /// Their postal address.
    pub address: &'static str,
    /// The country they are in, as ISO 3166-1 alpha-2 (`FR`).
    pub country: &'static str,
    /// Where a person can write to them, such as an e-mail address.
    pub contact: &'static str,
    /// How to reach the data-protection officer, if there is one.
    pub data_protection_officer: Option<&'static str>,
    /// The supervisory authority a person can complain to, if there is one.
    pub authority: Option<&'static str>,
    /// Companies that handle the data on the controller's behalf.
    pub processors: &'static [&'static str],
    /// Countries in which the data is stored, as ISO 3166-1 alpha-2.
    pub hosting_countries: &'static [&'static str],
    /// The safeguard for transfers out of the person's legal area, if there are any.
    pub transfer_safeguard: Option<&'static str>,
    /// Third parties that receive the data for their own purposes.
    pub onward_sharing: &'static [&'static str],
    /// Whether the recipient's servers log the network addresses that reports come from.
    pub address_log: AddressLog,
    /// What the recipient does with a person's erasure request for records that were sent.
    pub erasure: Erasure,
}

/// Whether network addresses are logged on arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressLog {
    /// They are not kept.
    NotKept,
    /// They are kept for this many days.
    Days(u32),
}

/// What the recipient promises about deleting records that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Erasure {
    /// They are deleted within this many days of the erasure request, a record named `candor.erasure`: see
    /// [wire](crate::manual::wire).
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
    /// Some of them may be children. Every scope is blocked until the program states, with
    /// [`Config::adult`](crate::Config::adult), how it knows that this person is an adult.
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

/// The part of a contract that is the same for every scope of one controller, which is the program's or a library's.
#[derive(Debug, Clone)]
pub(crate) struct Party {
    pub(crate) application: String,
    pub(crate) service_version: Option<String>,
    pub(crate) controller: Controller,
    pub(crate) audience: Audience,
    pub(crate) endpoint: String,
    /// For how many days a grant is valid.
    pub(crate) validity_days: u32,
    /// The languages in which its notices are available.
    pub(crate) languages: Arc<Languages>,
}

/// One event, as the contract and the notice describe it.
#[derive(Debug, Clone)]
pub(crate) struct EventTerms {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) linkage: &'static str,
    pub(crate) linkage_says: Say,
    /// The last UTC day on which it is recorded.
    pub(crate) until: Option<String>,
    pub(crate) item: Option<ItemTerms>,
    pub(crate) fields: Vec<FieldTerms>,
}

/// How the entities of an event are sampled, as the contract and the notice describe it.
#[derive(Debug, Clone)]
pub(crate) struct ItemTerms {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) one_in: u64,
    pub(crate) domain: &'static str,
    /// Why more entities are sampled than the event's outcomes call for, if more are.
    pub(crate) reason: Option<&'static str>,
}

/// One field, as the contract and the notice describe it.
#[derive(Debug, Clone)]
pub(crate) struct FieldTerms {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) class: &'static str,
    pub(crate) precision: Precision,
    pub(crate) optional: bool,
    /// The name space of a code, or empty.
    pub(crate) domain: &'static str,
    /// Why it is sent exactly, if it is.
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
    pub(crate) terms: ContractSchema,
    /// The source of its notices, together with `events`.
    pub(in crate::consent) party: Party,
    pub(in crate::consent) events: Vec<EventTerms>,
    /// Whether the program lets this scope report. Always true for its own scopes; for a library's, only if the program
    /// allows it.
    pub(crate) allowed: bool,
}

impl Contract {
    pub(crate) fn new(party: &Party, scope: Scope, events: &[EventTerms]) -> Self {
        let terms = ContractSchema::new(party, scope, events);
        let json = canonical(&serde_json::to_value(&terms).unwrap_or_default());
        let (party, events) = (party.clone(), events.to_vec());
        let allowed = !scope.is_of_library();
        Contract { scope, digest: digest(json.as_bytes()), json, terms, party, events, allowed }
    }
}

impl Contract {
    /// The legal name of the recipient.
    pub(crate) fn recipient(&self) -> &'static str {
        self.party.controller.legal_name
    }

    /// The URL that reports are sent to.
    pub(crate) fn endpoint(&self) -> &str {
        &self.party.endpoint
    }
}

/// The blake3 hash of these bytes, in hex.
pub(crate) fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// JSON with sorted keys and no spaces. Does not depend on the features of `serde_json` that another crate turned on.
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

/// The attributes that each request carries in addition to its events.
pub(in crate::consent) fn envelope(party: &Party) -> Vec<String> {
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
    fields.into_iter().map(Into::into).collect()
}

/// For how many days the sent log keeps what this scope sent.
pub(crate) fn sent_log_days(scope: Scope) -> u32 {
    scope.retention_days().min(SENT_LOG_DAYS)
}
