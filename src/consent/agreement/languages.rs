//! The languages in which a program's notices are available, and the program's own texts in each. A language must be
//! complete: a partial one is an error. Never decides anything about consent, and never reads the environment.

use crate::consent::{
    agreement::contract::{Contract, EventTerms},
    agreement::scope::{Answer, Scope},
    state::answer::short,
};
use crate::{
    error::{Error, Kind},
    language::{Given, Locale, Tag, Translation},
    precision::Precision,
};
use std::{collections::BTreeMap, sync::Arc};

/// One language: candor's sentences, and the source of the program's texts.
#[derive(Debug, Clone)]
pub(crate) struct Spoken {
    pub(crate) locale: Locale,
    /// The program's translations into this language, if there are any.
    given: Option<Arc<Given>>,
}

impl Spoken {
    /// A text of the program: the translation under the first of these keys that has one, otherwise the original text.
    pub(in crate::consent) fn text(&self, keys: &[String], written: &str) -> String {
        let given = self.given.as_ref();
        given.and_then(|given| keys.iter().find_map(|key| given.text(key))).unwrap_or_else(|| written.to_owned())
    }

    /// A text that a translation may omit.
    pub(in crate::consent) fn optional(&self, keys: &[String]) -> Option<String> {
        let given = self.given.as_ref()?;
        keys.iter().find_map(|key| given.text(key))
    }

    #[cfg(test)]
    pub(in crate::consent) fn with(&self, locale: Locale) -> Spoken {
        Spoken { locale, given: self.given.clone() }
    }
}

/// The languages of one program.
#[derive(Debug)]
pub(crate) struct Languages {
    interface: Tag,
    written_in: Tag,
    spoken: Vec<Spoken>,
}

impl Languages {
    /// Parses the tags and merges the translations of each language.
    pub(crate) fn new(interface: &str, written_in: &str, translations: &[Translation]) -> Result<Self, Error> {
        let tag = |what, given: &str| {
            Tag::parse(given).ok_or_else(|| Error::from(Kind::Language { what, given: given.into() }))
        };
        let interface = tag("the interface's language", interface)?;
        let written_in = tag("the language of `Config::written_in`", written_in)?;
        let mut parts: BTreeMap<Tag, Vec<&Translation>> = BTreeMap::from([(written_in.clone(), Vec::new())]);
        for translation in translations {
            parts.entry(translation.tag()?).or_default().push(translation);
        }
        let mut spoken = Vec::new();
        for (tag, parts) in parts {
            let given = Given::of(&tag, &parts)?;
            let locale = match Locale::built_in(&tag) {
                Some(locale) => locale,
                None => Locale::given(tag.clone(), given.clone()),
            };
            spoken.push(Spoken { locale, given: (!parts.is_empty()).then_some(given) });
        }
        Ok(Languages { interface, written_in, spoken })
    }

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

    /// The language for a tag: the same or a wider one (RFC 4647, section 3.4), otherwise a narrower one (section 3.3.1).
    fn matching(&self, tag: &Tag) -> Option<&Spoken> {
        let named = |tag: &str| self.spoken.iter().find(|spoken| spoken.locale.tag().as_str() == tag);
        let kind = |spoken: &&Spoken| spoken.locale.tag().widening().any(|wider| wider == tag.as_str());
        tag.widening().find_map(named).or_else(|| self.spoken.iter().find(kind))
    }

    /// The language for the program's interface. Fails if there are no notices in it.
    pub(in crate::consent) fn of_interface(&self) -> Result<&Spoken, Error> {
        self.matching(&self.interface).ok_or_else(|| self.none(self.interface.as_str()))
    }

    pub(in crate::consent) fn named(&self, tag: &str) -> Result<&Spoken, Error> {
        Tag::parse(tag).and_then(|tag| self.matching(&tag)).ok_or_else(|| self.none(tag))
    }

    /// The language the program is written in. It is always in the list.
    pub(in crate::consent) fn own(&self) -> Option<&Spoken> {
        self.matching(&self.written_in)
    }

    pub(in crate::consent) fn interface(&self) -> &Tag {
        &self.interface
    }

    pub(in crate::consent) fn all(&self) -> impl Iterator<Item = &Spoken> {
        self.spoken.iter()
    }

    fn none(&self, asked: &str) -> Error {
        let has: Vec<String> = self.spoken.iter().map(|spoken| format!("`{}`", spoken.locale.tag())).collect();
        let asked = short(asked);
        Kind::NoLanguage { asked, has: has.join(", ") }.into()
    }
}

pub(in crate::consent) fn of_scope(scope: Scope, what: &str) -> String {
    format!("scope.{}.{what}", scope.name())
}

pub(in crate::consent) fn of_event(event: &EventTerms) -> String {
    format!("event.{}", event.name)
}

pub(in crate::consent) fn of_field(event: &EventTerms, field: &str) -> String {
    format!("field.{}.{field}", event.name)
}

pub(in crate::consent) fn reason_of(event: &EventTerms, field: &str) -> String {
    format!("field.{}.{field}.reason", event.name)
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
            for event in &contract.events {
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
            if let Answer::Yes(why) = answer {
                self.need(of_scope(scope, &format!("uses.{name}")), why);
            }
        }
        for (at, promise) in (1..).zip(scope.also_never()) {
            self.need(of_scope(scope, &format!("also_never.{at}")), promise);
        }
    }

    fn event(&mut self, event: &EventTerms) {
        self.need(of_event(event), event.doc);
        if let Some(item) = &event.item {
            self.need(of_field(event, item.name), item.doc);
            if let Some(reason) = item.reason {
                self.need(reason_of(event, item.name), reason);
            }
        }
        for field in &event.fields {
            self.need(of_field(event, field.name), field.doc);
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
