//! What a contract says of events and fields, as both the contract and the notice describe them, and the retention periods that
//! are the same for every contract. Plain data.

use crate::consent::agreement::scope::Scope;
use crate::{language::Say, precision::Precision};

/// For how many days events and counts may be pending on this computer before they are dropped unsent.
pub(crate) const WAITING_DAYS: u32 = 7;

/// For how many days counts of days and weeks may stay on this computer: while they grow, and while a count of one is held back
/// until another event of the same kind is counted with it.
pub(crate) const COUNTS_DAYS: u32 = 28;

/// The same for the counts of a month: a month, and the month after it.
pub(crate) const COUNTS_DAYS_OF_MONTH: u32 = 62;

/// For how many days counts of a period may stay on this computer.
pub(crate) fn counts_days_of(period: &str) -> u32 {
    if period == "month" { COUNTS_DAYS_OF_MONTH } else { COUNTS_DAYS }
}

/// The same for a scope with these events.
pub(crate) fn counts_days(events: &[EventTerms]) -> u32 {
    events.iter().filter_map(|event| event.period).map(counts_days_of).max().unwrap_or(COUNTS_DAYS)
}

/// The most days for which the sent log keeps what was sent.
pub(crate) const SENT_LOG_DAYS: u32 = 90;

/// One event, as the contract and the notice describe it.
#[derive(Debug, Clone)]
pub(crate) struct EventTerms {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) linkage: &'static str,
    pub(crate) linkage_says: Say,
    /// The period of a roll-up or of a once-event.
    pub(crate) period: Option<&'static str>,
    /// Why a roll-up of content is sent more often than once a month, if it is.
    pub(crate) period_reason: Option<&'static str>,
    /// For a once-event with fields: `first` or `last`.
    pub(crate) values: Option<&'static str>,
    /// Whether a count of one is held back.
    pub(crate) holds_back: bool,
    /// If it is a field of a snapshot.
    pub(crate) snapshot: Option<SnapshotTerms>,
    /// The last UTC day on which it is recorded.
    pub(crate) until: Option<String>,
    pub(crate) item: Option<ItemTerms>,
    pub(crate) fields: Vec<FieldTerms>,
}

/// The snapshot that an event is a field of, as the contract and the notice describe it.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotTerms {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    /// `last`, `min`, `mean` or `max`.
    pub(crate) statistic: &'static str,
    /// Whether it has one record for each key of a map.
    pub(crate) keyed: bool,
}

/// How the entities of an event are sampled, as the contract and the notice describe it.
#[derive(Debug, Clone)]
pub(crate) struct ItemTerms {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    /// One in this many can ever be counted.
    pub(crate) one_in: u64,
    /// Of these, one in this many is counted in a month.
    pub(crate) monthly: u64,
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
    /// Whether it is rounded at random to one of the two steps beside it.
    pub(crate) at_random: bool,
    pub(crate) optional: bool,
    /// The name space of a code, or empty.
    pub(crate) domain: &'static str,
    /// Why it is sent exactly, if it is.
    pub(crate) reason: Option<&'static str>,
}

/// For how many days the sent log keeps what this scope sent.
pub(crate) fn sent_log_days(scope: Scope) -> u32 {
    scope.retention_days().min(SENT_LOG_DAYS)
}
