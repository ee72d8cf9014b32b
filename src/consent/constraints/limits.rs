//! Limits: what narrows a scope in addition to its contract, which is the fields a person switched off and administrators'
//! rules.
//!
//! Limits combine by intersection only. Adding one never allows more, whatever it says, and no limit can lift another. This
//! module is pure: it reads no file, and it never adds to what may be reported.

use crate::consent::{
    agreement::compatibility::{Projection, Rule},
    agreement::schema::{ContractSchema, Field, Partition},
    json::{canonical, digest},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The steps or labels of a field that a rule leaves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Remaining {
    /// These steps. Those that the field does not have are ignored.
    Steps(BTreeSet<i64>),
    /// These labels. Those that the field does not have are ignored. All other labels become `other`.
    Labels(BTreeSet<String>),
}

/// The limits of a scope.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Limits {
    /// Whether the whole scope is forbidden.
    pub(in crate::consent) forbidden: bool,
    /// Events that are left out, by name.
    pub(in crate::consent) events: BTreeSet<String>,
    /// Fields that are left out, as `event.field`.
    pub(in crate::consent) fields: BTreeSet<String>,
    /// Fields that are coarsened, as `event.field`. Each entry says what one rule leaves, and all entries apply.
    pub(in crate::consent) coarser: BTreeMap<String, Vec<Remaining>>,
    /// The most days for which a grant is valid. It makes the grant expire sooner, and does not change pending records.
    #[serde(skip)]
    pub(in crate::consent) validity_days: Option<u32>,
}

impl Limits {
    /// Combines two sets of limits. The result allows only what both allow.
    pub(in crate::consent) fn meet(mut self, other: Limits) -> Limits {
        self.forbidden |= other.forbidden;
        self.events.extend(other.events);
        self.fields.extend(other.fields);
        for (field, left) in other.coarser {
            self.coarser.entry(field).or_default().extend(left);
        }
        self.validity_days = match (self.validity_days, other.validity_days) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        self
    }

    /// A digest that identifies what may still be reported; `None` if nothing is limited. It does not depend on
    /// `validity_days`, on the order of the rules, or on how often one is repeated.
    pub(crate) fn digest(&self) -> Option<String> {
        let mut says = Limits { validity_days: None, ..self.clone() };
        for left in says.coarser.values_mut() {
            left.sort();
            left.dedup();
        }
        (says != Limits::default())
            .then(|| digest(canonical(&serde_json::to_value(&says).unwrap_or_default()).as_bytes()))
    }

    /// Whether the scope is forbidden, or a limit names an event or a field of this build.
    pub(in crate::consent) fn touches(&self, build: &ContractSchema) -> bool {
        let path = |event: &str, field: &str| format!("{event}.{field}");
        self.forbidden
            || build.events.iter().any(|event| {
                let limited = |field: &Field| {
                    let path = path(&event.name, &field.name);
                    self.fields.contains(&path) || self.coarser.contains_key(&path)
                };
                self.events.contains(&event.name) || event.fields.iter().any(limited)
            })
    }

    /// Applies the limits to a projection. Returns what may still be reported.
    pub(in crate::consent) fn narrow(&self, build: &ContractSchema, mut said: Projection) -> Projection {
        if self.forbidden {
            return Projection::new();
        }
        said.retain(|event, _| !self.events.contains(event));
        for event in &build.events {
            let Some(said) = said.get_mut(&event.name) else { continue };
            for (field, rule) in event.fields.iter().zip(&mut said.rules) {
                let path = format!("{}.{}", event.name, field.name);
                if self.fields.contains(&path) {
                    *rule = Rule::Leave;
                }
                for left in self.coarser.get(&path).into_iter().flatten() {
                    *rule = rule.meet(&coarser(&field.precision, left), other(&field.precision));
                }
            }
        }
        said
    }
}

/// The position of `other` among a field's labels; `None` if it has no such label.
fn other(precision: &Partition) -> Option<usize> {
    match precision {
        Partition::Labels { labels } => labels.iter().position(|label| label == "other"),
        _ => None,
    }
}

/// The rule that keeps a field to the steps or labels that are left. The field is left out if the limit does not fit its
/// kind, or if its labels have no `other`.
fn coarser(build: &Partition, left: &Remaining) -> Rule {
    match (build, left) {
        (Partition::Cuts { cuts, .. }, Remaining::Steps(left)) => {
            // The lowest step is always kept. Without it, some values would belong to no step.
            let kept = |at: usize| at == 0 || cuts.get(at).is_some_and(|cut| left.contains(cut));
            let mut floor = 0;
            Rule::becoming(cuts.iter().enumerate().map(|(at, _)| {
                floor = if kept(at) { at } else { floor };
                floor
            }))
        }
        (Partition::Labels { labels }, Remaining::Labels(left)) => {
            let Some(other) = other(build) else { return Rule::Leave };
            Rule::becoming(labels.iter().enumerate().map(|(at, label)| if left.contains(label) { at } else { other }))
        }
        _ => Rule::Leave,
    }
}
