//! The keys under which a translation supplies the program's own texts, and the check that each language has all of them. A
//! partial language is an error. Never decides anything about consent.

use crate::consent::{
    agreement::contract::Contract,
    agreement::languages::Languages,
    agreement::scope::{Scope, UseAnswer},
    agreement::terms::{EventTerms, SnapshotTerms},
};
use crate::{
    error::{Error, Kind},
    language::{Given, Locale},
    precision::Precision,
};
use std::collections::{BTreeMap, BTreeSet};

impl Languages {
    /// Checks every language against the program's texts. Fails if a text is missing or a key is unknown.
    pub(crate) fn check(&self, contracts: &[Contract]) -> Result<(), Error> {
        if self.spoken.iter().all(|spoken| spoken.given.is_none()) && Locale::built_in(&self.written_in).is_some() {
            return Ok(());
        }
        let texts = Texts::of(contracts)?;
        for spoken in &self.spoken {
            let tag = spoken.locale.tag();
            let sentences = Locale::built_in(tag).is_none();
            let (needed, optional): (&[_], &[_]) =
                if *tag == self.written_in { (&[], &[]) } else { (&texts.needed, &texts.optional) };
            match &spoken.given {
                Some(given) => given.check(tag, sentences, needed, optional)?,
                // The program is written in this language, candor has no sentences in it, and no translation supplies them.
                // The check fails and lists them.
                None if sentences => Given::of(tag, &[])?.check(tag, sentences, needed, optional)?,
                None => {}
            }
        }
        Ok(())
    }
}

pub(in crate::consent) fn of_scope(scope: Scope, what: &str) -> String {
    format!("scope.{}.{what}", scope.name())
}

pub(in crate::consent) fn of_event(event: &EventTerms) -> String {
    format!("event.{}", event.name)
}

pub(in crate::consent) fn of_snapshot(part: &SnapshotTerms) -> String {
    format!("snapshot.{}", part.name)
}

pub(in crate::consent) fn of_field(event: &EventTerms, field: &str) -> String {
    format!("field.{}.{field}", event.name)
}

pub(in crate::consent) fn reason_of(event: &EventTerms, field: &str) -> String {
    format!("field.{}.{field}.reason", event.name)
}

pub(in crate::consent) fn period_reason_of(event: &EventTerms) -> String {
    format!("event.{}.period_reason", event.name)
}

/// The keys for a label, the more specific one first.
pub(in crate::consent) fn of_label(event: &EventTerms, field: &str, label: &str) -> Vec<String> {
    vec![format!("label.{}.{field}.{label}", event.name), format!("label.{label}")]
}

pub(in crate::consent) const SAFEGUARD: &str = "controller.transfer_safeguard";

/// The program's own texts, each with the keys under which a translation can supply it; and keys that it may omit.
#[derive(Debug, Default)]
struct Texts<'t> {
    needed: Vec<(Vec<String>, &'t str)>,
    optional: Vec<String>,
}

impl<'t> Texts<'t> {
    fn of(contracts: &'t [Contract]) -> Result<Self, Error> {
        let mut texts = Texts::default();
        if let Some(safeguard) = contracts.iter().find_map(|it| it.party.controller.transfer_safeguard) {
            texts.needed.push((vec![SAFEGUARD.into()], safeguard));
        }
        for contract in contracts {
            texts.scope(contract.scope);
            let mut seen = BTreeSet::new();
            for event in &contract.events {
                if let Some(part) = event.snapshot.as_ref().filter(|part| seen.insert(part.name)) {
                    texts.need(of_snapshot(part), part.doc);
                }
                texts.event(event);
            }
        }
        // If two texts shared a key, one of them would get the other's translation.
        let mut known: BTreeMap<&str, &str> = BTreeMap::new();
        for (keys, text) in texts.needed.iter().filter(|(keys, _)| keys.len() == 1) {
            for key in keys {
                if known.insert(key, text).is_some() {
                    let problem = format!("two texts of this program have the key `{key}`: rename a field");
                    return Err(Kind::Translation { language: "any".into(), problem }.into());
                }
            }
        }
        Ok(texts)
    }

    fn need(&mut self, key: String, text: &'t str) {
        self.needed.push((vec![key], text));
    }

    fn scope(&mut self, scope: Scope) {
        self.need(of_scope(scope, "title"), scope.title());
        self.need(of_scope(scope, "purpose"), scope.purpose());
        self.need(of_scope(scope, "benefit"), scope.benefit());
        for (name, _, answer) in scope.uses().all() {
            if let UseAnswer::Yes(why) = answer {
                self.need(of_scope(scope, &format!("uses.{name}")), why);
            }
        }
        if let Some((_, reason)) = scope.budget() {
            self.need(of_scope(scope, "budget_reason"), reason);
        }
        for (at, promise) in (1..).zip(scope.also_never()) {
            self.need(of_scope(scope, &format!("also_never.{at}")), promise);
        }
    }

    fn event(&mut self, event: &EventTerms) {
        let part = event.snapshot.as_ref();
        if part.is_none() {
            self.need(of_event(event), event.doc);
        }
        if let Some(reason) = event.period_reason {
            self.need(period_reason_of(event), reason);
        }
        if let Some(item) = &event.item {
            self.need(of_field(event, item.name), item.doc);
            if let Some(reason) = item.reason {
                self.need(reason_of(event, item.name), reason);
            }
        }
        for (at, field) in event.fields.iter().enumerate() {
            // The key of a map has no description of its own.
            if at > 0 || !part.is_some_and(|part| part.keyed) {
                self.need(of_field(event, field.name), field.doc);
            }
            if let Some(reason) = field.reason {
                self.need(reason_of(event, field.name), reason);
            }
            let Precision::Labels(labels) = field.precision else { continue };
            for label in labels.iter().filter(|label| crate::language::Say::label(field.class, label).is_none()) {
                let keys = of_label(event, field.name, label);
                match field.class {
                    "closed" => self.needed.push((keys, label)),
                    "vocabulary" | "extension" => self.optional.extend(keys),
                    _ => {}
                }
            }
        }
    }
}
