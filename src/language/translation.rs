//! [`Translation`]: what a program says in a further language, as a plain table of keys and texts, or as Fluent. Checks
//! that nothing is missing, unknown or empty; keeps nothing else.

use super::{
    Tag, number_style,
    sentence::{self, Arg, Say},
};
use crate::error::{Error, Kind};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The texts of a program in one further language, for notices in that language.
///
/// A table of keys and texts. What is missing, unknown or empty is an error of [`candor::init`](crate::init), which
/// lists what is missing in a form that can be pasted into the table:
///
/// ```
/// # use candor::Translation;
/// let french = Translation::new("fr").texts([
///     ("scope.playback.title", "Statistiques de lecture"),
///     ("scope.playback.purpose", "Savoir quels formats saccadent, pour corriger ces décodeurs en premier."),
///     ("scope.playback.benefit", "Moins de films qui saccadent"),
///     ("scope.playback.also_never.1", "identifier ce que vous regardez"),
///     ("event.playback.finished", "Une lecture s’est terminée ou a été arrêtée."),
///     ("field.playback.finished.codec", "Le format de l’image."),
///     ("label.hevc", "HEVC"),
/// ]);
/// ```
///
/// | key | what |
/// |---|---|
/// | `scope.NAME.title`, `.purpose`, `.benefit` | the words of a scope |
/// | `scope.NAME.also_never.1`, `.2`, … | its further promises, in order |
/// | `scope.NAME.uses.training`, … | what for, where a closed answer is a yes |
/// | `event.EVENT` | the doc comment of an event |
/// | `field.EVENT.FIELD`, `field.EVENT.FIELD.reason` | the doc comment of a field or item, and its reason where it has one |
/// | `label.LABEL`, or `label.EVENT.FIELD.LABEL` | the variant of a category as it is sent, in words; the longer key wins. For a vocabulary or an extension it may be left out |
/// | `controller.transfer_safeguard` | the controller's safeguard, where there is one |
/// | `candor.…` | candor's own sentences, in a language that candor does not speak itself: all of them |
///
/// Names, addresses and labels as they are sent are no words, and stay as they are.
///
/// candor's own sentences hold places such as `{days}` for what is filled in. Where a word depends on a number its forms
/// are written out, `{days} {days:day|days}`; [`plural`](Translation::plural) says which one a number takes. The key
/// `candor.number` is the number 12345.6 as the language writes it.
///
/// Translations of one language add up, so that a library can bring its own.
#[derive(Debug, Clone)]
pub struct Translation {
    language: String,
    texts: Vec<(String, String)>,
    plural: Option<fn(u64) -> usize>,
    #[cfg(feature = "fluent")]
    fluent: Vec<String>,
}

impl Translation {
    /// A table for a language, named by its BCP 47 tag (`fr`, `pt-BR`), with nothing in it.
    #[must_use]
    pub fn new(language: impl Into<String>) -> Self {
        Translation {
            language: language.into(),
            texts: Vec::new(),
            plural: None,
            #[cfg(feature = "fluent")]
            fluent: Vec::new(),
        }
    }

    /// Adds one text.
    #[must_use]
    pub fn text(mut self, key: impl Into<String>, text: impl Into<String>) -> Self {
        self.texts.push((key.into(), text.into()));
        self
    }

    /// Adds texts, each behind its key.
    #[must_use]
    pub fn texts<K: Into<String>, T: Into<String>>(mut self, table: impl IntoIterator<Item = (K, T)>) -> Self {
        self.texts.extend(table.into_iter().map(|(key, text)| (key.into(), text.into())));
        self
    }

    /// Which of the forms in `{days:day|days}` a number takes, counted from 0; one too many means the last. Without this
    /// 1 takes the first and every other number the second, as in English.
    ///
    /// ```
    /// # use candor::Translation;
    /// // {n:dzień|dni|dni}
    /// let polish = Translation::new("pl").plural(|n| match (n, n % 10, n % 100) {
    ///     (1, ..) => 0,
    ///     (_, 2..=4, 0..=11 | 15..) => 1,
    ///     _ => 2,
    /// });
    /// ```
    #[must_use]
    pub fn plural(mut self, rule: fn(u64) -> usize) -> Self {
        self.plural = Some(rule);
        self
    }

    /// Adds the messages of a Fluent resource (`.ftl`). Their names are the keys with dashes for dots:
    /// `scope-playback-title = …`; what is filled in are Fluent's variables: `{ $days }`, for which Fluent's own rules
    /// choose among forms. Whole numbers are written as Fluent writes them. Terms (`-brand = …`) are the resource's own
    /// affair.
    ///
    /// Needs the feature `fluent`.
    #[cfg(feature = "fluent")]
    #[must_use]
    pub fn fluent(mut self, resource: impl Into<String>) -> Self {
        self.fluent.push(resource.into());
        self
    }

    pub(crate) fn tag(&self) -> Result<Tag, Error> {
        let flaw = || Kind::Language { what: "the language of a `Translation`", given: self.language.clone() };
        Tag::parse(&self.language).ok_or_else(|| flaw().into())
    }
}

/// The texts of one language, each once, ready to be said.
#[derive(Debug)]
pub(crate) struct Given {
    texts: BTreeMap<String, String>,
    plural: fn(u64) -> usize,
    #[cfg(feature = "fluent")]
    fluent: super::fluent::Messages,
}

impl Given {
    /// All translations of one language together.
    pub(crate) fn of(tag: &Tag, parts: &[&Translation]) -> Result<Arc<Given>, Error> {
        let wrong = |problem: String| Kind::Translation { language: tag.to_string(), problem };
        let mut texts = BTreeMap::new();
        for (key, text) in parts.iter().flat_map(|part| &part.texts) {
            if text.trim().is_empty() {
                return Err(wrong(format!("`{key}` is empty: write its text, or leave the key out")).into());
            }
            if text.contains(|c: char| c.is_control() && c != '\n') {
                return Err(wrong(format!("`{key}` holds a control character: write plain text")).into());
            }
            if texts.insert(key.clone(), text.clone()).is_some() {
                return Err(wrong(format!("`{key}` stands twice: keep one")).into());
            }
        }
        Ok(Arc::new(Given {
            #[cfg(feature = "fluent")]
            fluent: super::fluent::Messages::new(tag, parts.iter().flat_map(|part| &part.fluent), &texts)
                .map_err(wrong)?,
            texts,
            plural: parts.iter().find_map(|part| part.plural).unwrap_or(super::english::form),
        }))
    }

    /// The text behind a key, which has no holes.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        #[cfg(feature = "fluent")]
        if let Some(text) = self.fluent.text(key) {
            return Some(text);
        }
        self.texts.get(key).cloned()
    }

    /// The keys, those of Fluent messages in the form that tables have.
    fn keys(&self) -> impl Iterator<Item = &str> {
        #[cfg(feature = "fluent")]
        let more = self.fluent.keys();
        #[cfg(not(feature = "fluent"))]
        let more = std::iter::empty();
        self.texts.keys().map(String::as_str).chain(more)
    }

    fn has(&self, key: &str) -> bool {
        #[cfg(feature = "fluent")]
        if self.fluent.has(key) {
            return true;
        }
        self.texts.contains_key(key)
    }

    pub(super) fn say(&self, say: Say, args: &[(&str, Arg<'_>)], number: impl Fn(i64) -> String) -> String {
        #[cfg(feature = "fluent")]
        if let Some(text) = self.fluent.say(say.key(), args) {
            return text;
        }
        let template = self.texts.get(say.key()).map_or("", String::as_str);
        sentence::fill(template, args, number, self.plural)
    }

    /// Holds the table against what the program needs. `sentences` says whether candor's own are needed too; each of
    /// `needed` is met by one of its keys; `optional` keys may be there.
    pub(crate) fn check(
        &self,
        tag: &Tag,
        sentences: bool,
        needed: &[(Vec<String>, &str)],
        optional: &[String],
    ) -> Result<(), Error> {
        let wrong = |problem: String| Err(Kind::Translation { language: tag.to_string(), problem }.into());
        let own = |key: &str| Say::ALL.iter().copied().find(|say| key.starts_with("candor.") && say.key() == key);
        let needed_keys = || needed.iter().flat_map(|(keys, _)| keys).map(String::as_str);
        let all: BTreeSet<&str> = needed_keys().chain(optional.iter().map(String::as_str)).collect();
        for key in self.keys() {
            let known = match own(key) {
                Some(_) if !sentences => {
                    return wrong(format!("candor has sentences of its own in this language: leave out `{key}`"));
                }
                Some(say) => {
                    if let Some(flaw) = self.flaw(say) {
                        return wrong(flaw);
                    }
                    true
                }
                None => all.contains(key),
            };
            if !known {
                let hint = nearest(key, needed_keys());
                let hint = hint.map(|near| format!(" (is it `{near}`?)")).unwrap_or_default();
                return wrong(format!("`{key}` names nothing in this program{hint}: mend or remove it"));
            }
        }
        let absent = needed.iter().filter(|(keys, _)| !keys.iter().any(|key| self.has(key)));
        let mut missing: Vec<(&str, &str)> =
            absent.map(|(keys, text)| (keys.last().map_or("", String::as_str), *text)).collect();
        if sentences {
            let absent = Say::ALL.iter().filter(|say| !self.has(say.key()));
            missing.extend(absent.map(|say| (say.key(), super::in_english(*say))));
        }
        let mut seen = BTreeSet::new();
        missing.retain(|(key, _)| seen.insert(*key));
        if missing.is_empty() {
            return Ok(());
        }
        let lines: Vec<String> = missing.iter().map(|(key, text)| format!("\n    ({key:?}, {text:?}),")).collect();
        let count = lines.len();
        wrong(format!("{count} texts are missing; add them to its table, translated:{}", lines.concat()))
    }

    /// What is wrong with one of candor's sentences in this table.
    fn flaw(&self, say: Say) -> Option<String> {
        let style = |text: &str| {
            let bad = say == Say::Number && number_style(text).is_none();
            bad.then(|| format!("`{}` is how the language writes the number 12345.6, such as `12 345,6`", say.key()))
        };
        #[cfg(feature = "fluent")]
        if let Some(text) = self.fluent.text(say.key()) {
            return self.fluent.flaw(say).or_else(|| style(&text));
        }
        let template = self.texts.get(say.key())?;
        sentence::flaw(say, template).or_else(|| style(template))
    }
}

/// The known key that shares the longest beginning and end with a mistyped one, if they have most of it in common.
fn nearest<'k>(key: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let shared = |other: &str| {
        let head = key.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
        let tail = key.chars().rev().zip(other.chars().rev()).take_while(|(a, b)| a == b).count();
        head + tail
    };
    let best = known.max_by_key(|other| shared(other))?;
    (shared(best) * 4 >= key.len() * 3).then_some(best)
}
