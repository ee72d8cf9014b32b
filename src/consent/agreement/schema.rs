//! The contract schema: the content of a contract as data, without the wording of the notice.
//!
//! One definition serves both directions. This build's contract is written from it. The contract of an earlier build, read
//! back from a file that anyone can have changed, must match it exactly, down to the last key. This module never compares
//! contracts and never stores one.

use crate::consent::{
    agreement::controller::{AddressLog, Erasure},
    agreement::party::{Party, envelope},
    agreement::scope::{Scope, UseAnswer},
    agreement::terms::{EventTerms, FieldTerms, WAITING_DAYS, counts_days, sent_log_days},
    json::parse_strict,
};
use crate::precision::{MOST_RELEASES, Precision};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The name of this format. A contract in another format can't be compared with it.
const FORMAT: &str = "candor-contract/1";

/// The content of a scope's contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContractSchema {
    pub(in crate::consent) format: String,
    pub(in crate::consent) application: String,
    pub(in crate::consent) audience: String,
    pub(in crate::consent) controller: Identity,
    pub(in crate::consent) processors: Vec<String>,
    pub(in crate::consent) hosting_countries: Vec<String>,
    pub(in crate::consent) transfer_safeguard: Option<String>,
    pub(in crate::consent) onward_sharing: Vec<String>,
    pub(in crate::consent) endpoint: String,
    pub(in crate::consent) address_log_days: Option<u32>,
    pub(in crate::consent) erasure_within_days: Option<u32>,
    pub(crate) scope: String,
    pub(in crate::consent) revision: u32,
    pub(in crate::consent) about: String,
    pub(in crate::consent) retention_days: u32,
    pub(in crate::consent) local_retention_days: Local,
    pub(in crate::consent) schedule: String,
    pub(in crate::consent) uses: BTreeMap<String, Use>,
    pub(in crate::consent) also_never: Vec<String>,
    pub(in crate::consent) events: Vec<Event>,
    /// How many different reports an installation can make about what stays the same about it, if anything does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::consent) budget: Option<Budget>,
    pub(in crate::consent) envelope: Vec<String>,
    pub(in crate::consent) features_depend_on_it: bool,
}

/// The controller. The name and the country identify it; the rest says how to reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::consent) struct Identity {
    pub(in crate::consent) legal_name: String,
    pub(in crate::consent) address: String,
    pub(in crate::consent) country: String,
    pub(in crate::consent) contact: String,
    pub(in crate::consent) data_protection_officer: Option<String>,
    pub(in crate::consent) authority: Option<String>,
}

/// For how many days data stays on the person's computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::consent) struct Local {
    pub(in crate::consent) waiting: u32,
    pub(in crate::consent) counts: u32,
    pub(in crate::consent) sent_log: u32,
    /// For the random numbers of the records that were sent.
    pub(in crate::consent) names: u32,
}

/// How many different reports an installation can make about what stays the same about it, and why they may be more than by
/// default, if they may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::consent) struct Budget {
    pub(in crate::consent) outcomes: u64,
    /// The number of panels, of which an installation reports one.
    #[serde(default = "always", skip_serializing_if = "is_always")]
    pub(in crate::consent) panels: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::consent) reason: Option<String>,
}

/// The answer to one closed question: whether the data is put to a further use, and why if it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::consent) enum Use {
    No,
    Yes(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::consent) struct Event {
    pub(in crate::consent) name: String,
    pub(in crate::consent) linkage: String,
    /// The period of a roll-up or of a once-event. A contract that was made before there were periods has none: its roll-ups
    /// are daily.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::consent) period: Option<String>,
    /// Why a roll-up of content is sent more often than once a month, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::consent) period_reason: Option<String>,
    /// For a once-event with fields: whether the first or the last values of its period are reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::consent) values: Option<String>,
    /// Whether a count of one is held back. A contract that was made before there were periods does not say so: all its
    /// roll-ups do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::consent) holds_back: Option<bool>,
    /// For a field of a snapshot: which of its values in a period is reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::consent) statistic: Option<String>,
    /// Whether it has one record for each key of a map.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::consent) keyed: bool,
    pub(in crate::consent) fields: Vec<Field>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::consent) items: Option<Items>,
    /// The last UTC day on which it is recorded; `None` if no last day was declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::consent) until: Option<String>,
}

/// One entity in `one_in` can ever be counted, and of these one in `monthly` each month, in this name space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::consent) struct Items {
    pub(in crate::consent) one_in: u64,
    /// A contract that was made before there was this choice has none: the same ones are counted each month.
    #[serde(default = "always", skip_serializing_if = "is_always")]
    pub(in crate::consent) monthly: u64,
    pub(in crate::consent) domain: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::consent) struct Field {
    pub(in crate::consent) name: String,
    pub(in crate::consent) class: String,
    pub(in crate::consent) optional: bool,
    pub(in crate::consent) precision: Partition,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::consent) domain: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::consent) reason: Option<String>,
}

/// [`Precision`] in its stored form, of this build or another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(in crate::consent) enum Partition {
    Flag {},
    Labels {
        labels: Vec<String>,
    },
    Cuts {
        unit: String,
        cuts: Vec<i64>,
    },
    Code {
        bits: u32,
    },
    Cohort {
        bits: u32,
    },
    /// One of the last releases of the program, at most this many, whichever these are.
    Releases {
        most: u32,
    },
}

impl From<Precision> for Partition {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::Flag => Partition::Flag {},
            Precision::Labels(labels) => {
                Partition::Labels { labels: labels.iter().map(|label| (*label).to_owned()).collect() }
            }
            Precision::Cuts { unit, cuts } => Partition::Cuts { unit: unit.name().into(), cuts: cuts.into() },
            Precision::Code { bits } => Partition::Code { bits },
            Precision::Cohort { bits } => Partition::Cohort { bits },
            Precision::Releases(_) => Partition::Releases { most: MOST_RELEASES as u32 },
        }
    }
}

impl ContractSchema {
    pub(in crate::consent) fn new(party: &Party, scope: Scope, events: &[EventTerms]) -> Self {
        let controller = &party.controller;
        let owned = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        let use_of = |answer| match answer {
            UseAnswer::No => Use::No,
            UseAnswer::Yes(why) => Use::Yes(why.to_owned()),
        };
        ContractSchema {
            format: FORMAT.into(),
            application: party.application.clone(),
            audience: party.audience.name().into(),
            controller: Identity {
                legal_name: controller.legal_name.into(),
                address: controller.address.into(),
                country: controller.country.into(),
                contact: controller.contact.into(),
                data_protection_officer: controller.data_protection_officer.map(Into::into),
                authority: controller.authority.map(Into::into),
            },
            processors: owned(controller.processors),
            hosting_countries: owned(controller.hosting_countries),
            transfer_safeguard: controller.transfer_safeguard.map(Into::into),
            onward_sharing: owned(controller.onward_sharing),
            endpoint: party.endpoint.clone(),
            address_log_days: match controller.address_log {
                AddressLog::NotKept => None,
                AddressLog::Days(days) => Some(days),
            },
            erasure_within_days: match controller.erasure {
                Erasure::Unsupported => None,
                Erasure::WithinDays(days) => Some(days),
            },
            scope: scope.name().into(),
            revision: scope.revision(),
            about: "installation".into(),
            retention_days: scope.retention_days(),
            local_retention_days: Local {
                waiting: WAITING_DAYS,
                counts: counts_days(events),
                sent_log: sent_log_days(scope),
                names: scope.retention_days(),
            },
            schedule: "daily".into(),
            uses: scope.uses().all().into_iter().map(|(key, _, answer)| (key.to_owned(), use_of(answer))).collect(),
            also_never: owned(scope.also_never()),
            events: events.iter().map(event).collect(),
            budget: scope.stays().map(|(outcomes, panels)| Budget {
                outcomes,
                panels: panels.into(),
                reason: scope.budget().map(|(_, reason)| reason.into()),
            }),
            envelope: envelope(party),
            features_depend_on_it: false,
        }
    }

    /// Reads a stored contract. `None` if it does not match this format down to the last key, or states something twice.
    pub(crate) fn read(json: &str) -> Option<ContractSchema> {
        let terms: ContractSchema = serde_json::from_value(parse_strict(json)?).ok()?;
        (terms.format == FORMAT && terms.say_it_once()).then_some(terms)
    }

    /// Whether each name occurs once and the cuts of each field strictly rise, as in everything that a build writes. Of two
    /// fields with the same name only one would be compared, and the other would be agreed to unseen.
    fn say_it_once(&self) -> bool {
        let rises = |precision: &Partition| match precision {
            Partition::Cuts { cuts, .. } => cuts.is_sorted_by(|low, high| low < high),
            _ => true,
        };
        let fields = |event: &Event| {
            once(event.fields.iter().map(|field| field.name.as_str()))
                && event.fields.iter().all(|field| rises(&field.precision))
        };
        once(self.events.iter().map(|event| event.name.as_str())) && self.events.iter().all(fields)
    }
}

/// For a choice that is the same each month, and for what is not split.
fn always() -> u64 {
    1
}

fn is_always(number: &u64) -> bool {
    *number == 1
}

/// Whether none of these names occurs twice.
fn once<'a>(mut names: impl Iterator<Item = &'a str>) -> bool {
    let mut seen = BTreeSet::new();
    names.all(|name| seen.insert(name))
}

fn event(event: &EventTerms) -> Event {
    let field = |field: &FieldTerms| Field {
        name: field.name.into(),
        class: field.class.into(),
        optional: field.optional,
        precision: field.precision.into(),
        domain: Some(field.domain).filter(|domain| !domain.is_empty()).map(Into::into),
        reason: field.reason.map(Into::into),
    };
    Event {
        name: event.name.into(),
        linkage: event.linkage.into(),
        period: event.period.map(Into::into),
        period_reason: event.period_reason.map(Into::into),
        values: event.values.map(Into::into),
        holds_back: (event.linkage == "rollup").then_some(event.holds_back),
        statistic: event.snapshot.as_ref().map(|part| part.statistic.into()),
        keyed: event.snapshot.as_ref().is_some_and(|part| part.keyed),
        fields: event.fields.iter().map(field).collect(),
        items: event.item.as_ref().map(|item| Items {
            one_in: item.one_in,
            monthly: item.monthly,
            domain: item.domain.into(),
        }),
        until: event.until.clone(),
    }
}
