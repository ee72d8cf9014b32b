//! What narrows a scope besides its contract: the fields a person switched off, and the rules of administrators.
//!
//! Limits only ever meet: adding one leaves less, whatever it says, and none can be lifted by another. Pure: reads no file,
//! and turns what may be said into less of the same.

use crate::consent::{
    agreement::compatibility::{Projection, Rule},
    agreement::contract::{canonical, digest},
    agreement::schema::{ContractSchema, Field, Partition},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is left of a field's steps or labels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Remaining {
    /// These steps, as far as the field has them.
    Steps(BTreeSet<i64>),
    /// These labels, as far as the field has them; the rest is `other`.
    Labels(BTreeSet<String>),
}

/// What a scope is limited to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Limits {
    /// The whole scope.
    pub(crate) forbidden: bool,
    /// Events that are left out, by name.
    pub(crate) events: BTreeSet<String>,
    /// Fields that are left out, as `event.field`.
    pub(crate) fields: BTreeSet<String>,
    /// Fields of which less is left. Each said what is left; all hold.
    pub(crate) coarser: BTreeMap<String, Vec<Remaining>>,
    /// For how many days a yes is good at most. It ends the yes sooner, and changes nothing of what waits.
    #[serde(skip)]
    pub(crate) validity_days: Option<u32>,
}

impl Limits {
    /// What is left under both.
    pub(crate) fn meet(mut self, other: Limits) -> Limits {
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

    /// A name for what may still be said; `None` where nothing is limited. In which order it was said, and how often, is no
    /// part of it.
    pub(crate) fn digest(&self) -> Option<String> {
        let mut says = Limits { validity_days: None, ..self.clone() };
        for left in says.coarser.values_mut() {
            left.sort();
            left.dedup();
        }
        (says != Limits::default())
            .then(|| digest(canonical(&serde_json::to_value(&says).unwrap_or_default()).as_bytes()))
    }

    /// Whether anything that this build would say is left out or made coarser.
    pub(crate) fn touches(&self, build: &ContractSchema) -> bool {
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

    /// What is left of what may be said.
    pub(crate) fn narrow(&self, build: &ContractSchema, mut said: Projection) -> Projection {
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

/// Where `other` stands among a field's labels.
fn other(precision: &Partition) -> Option<usize> {
    match precision {
        Partition::Labels { labels } => labels.iter().position(|label| label == "other"),
        _ => None,
    }
}

/// What keeps a field to the steps or labels that are left. What does not fit is left out.
fn coarser(build: &Partition, left: &Remaining) -> Rule {
    match (build, left) {
        (Partition::Cuts { cuts, .. }, Remaining::Steps(left)) => {
            // The lowest step is where the field begins: without it there would be values that no step holds.
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
