//! The languages in which a program's notices are available, and the program's own texts in each. Never decides anything about
//! consent, and never reads the environment.

use crate::clean::short;
use crate::{
    error::{Error, Kind},
    language::{Given, Locale, Tag, Translation},
};
use std::{collections::BTreeMap, sync::Arc};

/// One language: candor's sentences, and the source of the program's texts.
#[derive(Debug, Clone)]
pub(crate) struct Spoken {
    pub(crate) locale: Locale,
    /// The program's translations into this language, if there are any.
    pub(in crate::consent) given: Option<Arc<Given>>,
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
    pub(in crate::consent) written_in: Tag,
    pub(in crate::consent) spoken: Vec<Spoken>,
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
