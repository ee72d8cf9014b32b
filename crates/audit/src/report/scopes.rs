//! What stays the same about an installation, scope by scope: how many different reports there are, and how many are expected to
//! be alone with theirs. The figures are computed; what the rows say is in the plans.

use super::data::{Alone, PanelBudget, ScopeBudget};
use crate::{
    plan::{Spec, panel_name},
    scope::Scope,
    words::{self, percent, shown, whole},
};

/// For how many installations it is said how many are expected to be alone.
pub(super) const INSTALLATIONS: [u64; 3] = [500, 5_000, 50_000];

impl ScopeBudget {
    /// The budget of a scope, and which of its fields the rows have.
    pub(super) fn new(scope: &Scope, spec: Option<&Spec>) -> ScopeBudget {
        let all = scope.panels.len();
        let panels = scope.panels.iter().enumerate().map(|(at, panel)| {
            let here = |event: &str, field: &str| spec.is_some_and(|spec| spec.column_of(event, field).is_some());
            let fields = || panel.fields.iter().map(|(event, field, _)| (event.as_str(), field.as_str()));
            PanelBudget {
                events: panel.events.clone(),
                fields: fields().map(|(event, field)| format!("{event}.{field}")).collect(),
                outcomes: panel.outcomes,
                plan: fields().any(|(event, field)| here(event, field)).then(|| panel_name(&scope.name, at, all)),
                not_in_rows: fields()
                    .filter(|(event, field)| !here(event, field))
                    .map(|(event, field)| format!("{event}.{field}"))
                    .collect(),
            }
        });
        ScopeBudget {
            scope: scope.name.clone(),
            outcomes: scope.outcomes(),
            bits: (scope.outcomes() as f64).log2(),
            bound: scope.bound,
            declared: scope.declared,
            alone: INSTALLATIONS.map(|many| Alone { installations: many, share: Some(scope.alone(many)) }).to_vec(),
            panels: panels.collect(),
            activity: scope.activity.clone(),
            coded: scope.coded.clone(),
        }
    }

    /// Whether the scope says more than its bound allows.
    pub(super) fn is_over(&self) -> bool {
        self.outcomes > self.bound
    }

    /// The finding in one sentence.
    pub(super) fn sentence(&self) -> String {
        let name = shown(&self.scope);
        if self.panels.is_empty() {
            return format!(
                "Scope {name}: no event says what stays the same about an installation. --stays EVENT counts one that does."
            );
        }
        let alone = self.alone.iter().map(|one| format!("{} of {}", percent(one.share), whole(one.installations)));
        format!(
            "Scope {name}: {} ({:.2} bits) what stays the same about an installation; {} are allowed. If all are equally \
             likely, these shares of installations are expected to be alone: {}.",
            if self.outcomes == 1 {
                "one report says".into()
            } else {
                format!("{} different reports say", whole(self.outcomes))
            },
            self.bits,
            whole(self.bound),
            alone.collect::<Vec<_>>().join(", "),
        )
    }

    /// What else is to be said, one sentence each.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.panels.is_empty() {
            notes.push("Real reports are not equally likely. Who makes a rare one is alone more often.".to_owned());
        }
        if let Some(declared) = self.declared.filter(|declared| *declared != self.outcomes) {
            notes.push(format!("The contract itself says {}. It may count other events.", whole(declared)));
        }
        if self.panels.len() > 1 {
            notes.push(format!(
                "An installation makes the reports of one of {} panels, so their outcomes are added.",
                self.panels.len()
            ));
        }
        if !self.coded.is_empty() {
            notes.push(format!(
                "A code links the records of a period and is not counted: {}.",
                words::listed(self.coded.iter().map(String::as_str))
            ));
        }
        if !self.activity.is_empty() {
            notes.push(format!(
                "Not counted, because it changes from period to period: {}. --stays EVENT counts it.",
                words::listed(self.activity.iter().map(String::as_str))
            ));
        }
        let missing = self.panels.iter().filter(|panel| panel.plan.is_some()).flat_map(|panel| &panel.not_in_rows);
        let missing: Vec<&str> = missing.map(String::as_str).collect();
        if !missing.is_empty() {
            notes.push(format!("The rows have no column for {}.", words::listed(missing.into_iter())));
        }
        notes
    }
}
