//! [`Translation`]: the texts of a program in a further language, as a plain table of keys and texts, or as Fluent
//! messages. Checks that no text is missing, unknown or empty. Never decides what is shown.

use super::{
    Tag, english,
    sentence::{self, Arg, Say, number_style},
};
use crate::error::{Error, Kind};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The texts of a program in one further language, for notices in that language.
///
/// It is a table of keys and texts. A missing, unknown or empty text is an error of [`candor::init`](crate::init). The
/// error lists what is missing in a form that can be pasted into the table:
///
/// ```standalone_crate
/// # use candor::{AddressLog, Audience, Category, Client, Config, Controller, Erasure, Event};
/// use candor::Translation;
///
/// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
/// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
/// #     .erasure(Erasure::Unsupported);
/// candor::scope! {
///     /// Find out which formats stutter, so that those decoders are fixed first.
///     pub PLAYBACK = "playback" {
///         title: "Playback statistics", revision: 1, about: installation, retention: 90 days,
///         benefit: "Fewer films that stutter", other_uses: none, also_never: ["identifying what you watch"],
///     }
/// }
///
/// /// A stream ended or was stopped.
/// #[derive(Event)]
/// #[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
/// struct PlaybackFinished {
///     /// The format of the picture.
///     codec: Codec,
/// }
/// # #[derive(Category)]
/// # enum Codec { Hevc, Other }
///
/// let french = Translation::new("fr").texts([
///     ("scope.playback.title", "Statistiques de lecture"),
///     ("scope.playback.purpose", "Savoir quels formats saccadent, pour corriger ces décodeurs en premier."),
///     ("scope.playback.benefit", "Moins de films qui saccadent"),
///     ("scope.playback.also_never.1", "identifier ce que vous regardez"),
///     ("event.playback.finished", "Une lecture s’est terminée ou a été arrêtée."),
///     ("field.playback.finished.codec", "Le format de l’image."),
///     ("label.hevc", "HEVC"),
/// ]);
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
/// let client = Client::new(config.translation(french))?;
/// assert!(client.notice_in(PLAYBACK, "fr")?.text().contains("Statistiques de lecture"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// | key | text |
/// |---|---|
/// | `scope.NAME.title`, `.purpose`, `.benefit` | the words of a scope |
/// | `scope.NAME.also_never.1`, `.2`, … | the scope's further promises, in order |
/// | `scope.NAME.uses.training`, … | the purpose of another use, where the scope declares that use as a yes |
/// | `event.EVENT` | the doc comment of an event |
/// | `field.EVENT.FIELD`, `field.EVENT.FIELD.reason` | the doc comment of a field or item, and its reason if it has one |
/// | `label.LABEL`, or `label.EVENT.FIELD.LABEL` | the variant of a category in words; optional for vocabularies and extensions |
/// | `controller.transfer_safeguard` | the controller's safeguard for transfers, if there is one |
/// | `candor.…` | candor's own sentences: all of them, in a language that is not built into candor |
///
/// The label `other` takes no key: it is one of candor's own sentences. If a label has both keys, the longer one wins.
/// Names, addresses and labels as they are sent are not translated.
///
/// candor's own sentences contain placeholders such as `{days}`. If a word depends on a number, its forms are written
/// out, as in `{days} {days:day|days}`. [`plural`](Translation::plural) selects the form for a number. The text of the
/// key `candor.number` is the number 12345.6 as the language writes it.
///
/// Several translations of one language are combined, so a library can bring its own.
#[derive(Debug, Clone)]
pub struct Translation {
    language: String,
    texts: Vec<(String, String)>,
    plural: Option<fn(u64) -> usize>,
    #[cfg(feature = "fluent")]
    fluent: Vec<String>,
}

impl Translation {
    /// A table without texts for a language, which is named by its BCP 47 tag (`fr`, `pt-BR`).
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
    ///
    /// ```
    /// # use candor::Translation;
    /// let french = Translation::new("fr").text("scope.playback.title", "Statistiques de lecture");
    /// ```
    #[must_use]
    pub fn text(mut self, key: impl Into<String>, text: impl Into<String>) -> Self {
        self.texts.push((key.into(), text.into()));
        self
    }

    /// Adds several texts, each with its key.
    #[must_use]
    pub fn texts<K: Into<String>, T: Into<String>>(mut self, table: impl IntoIterator<Item = (K, T)>) -> Self {
        self.texts.extend(table.into_iter().map(|(key, text)| (key.into(), text.into())));
        self
    }

    /// Sets the rule that selects the form in `{days:day|days}` for a number. The rule returns the index of the form,
    /// counted from 0; an index that is too large selects the last form. Without this, 1 takes the first form and every
    /// other number the second, as in English.
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

    /// Adds the messages of a Fluent resource (`.ftl`). The name of a message is the key with dashes instead of dots:
    /// `scope-playback-title = …`. Placeholders are Fluent variables, such as `{ $days }`, and Fluent's own rules
    /// select plural forms. Whole numbers are written as Fluent writes them. Terms (`-brand = …`) are used only within
    /// the resource.
    ///
    /// Needs the feature `fluent`.
    ///
    /// ```
    /// # use candor::Translation;
    /// let french = Translation::new("fr").fluent(
    ///     "scope-playback-title = Statistiques de lecture\n\
    ///      scope-playback-benefit = Moins de films qui saccadent\n",
    /// );
    /// ```
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

/// The texts of one language, each once, ready for use.
#[derive(Debug)]
pub(crate) struct Given {
    texts: BTreeMap<String, String>,
    plural: fn(u64) -> usize,
    #[cfg(feature = "fluent")]
    fluent: super::fluent::Messages,
}

impl Given {
    /// Combines all translations of one language. Fails if a text is empty, occurs twice, or holds a control character.
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
                return Err(wrong(format!("`{key}` occurs twice: keep one")).into());
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

    /// The text of a key, which has no placeholders.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        #[cfg(feature = "fluent")]
        if let Some(text) = self.fluent.text(key) {
            return Some(text);
        }
        self.texts.get(key).cloned()
    }

    /// All keys. Those of Fluent messages are in the form that tables use.
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

    /// Checks the table against what the program needs. `sentences` says whether candor's own sentences are needed too.
    /// Each entry of `needed` requires one of its keys. The keys in `optional` may be present.
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
                return wrong(format!("`{key}` names nothing in this program{hint}: correct or remove it"));
            }
        }
        let absent = needed.iter().filter(|(keys, _)| !keys.iter().any(|key| self.has(key)));
        let mut missing: Vec<(&str, &str)> =
            absent.map(|(keys, text)| (keys.last().map_or("", String::as_str), *text)).collect();
        if sentences {
            let absent = Say::ALL.iter().filter(|say| !self.has(say.key()));
            missing.extend(absent.map(|say| (say.key(), english::sentence(*say))));
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

    /// What is wrong with one of candor's sentences in this table. `None` if nothing is.
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

/// For a mistyped key: the known key with the longest beginning and end in common. `None` unless these are at least
/// three quarters of the mistyped key.
fn nearest<'k>(key: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let shared = |other: &str| {
        let head = key.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
        let tail = key.chars().rev().zip(other.chars().rev()).take_while(|(a, b)| a == b).count();
        head + tail
    };
    let best = known.max_by_key(|other| shared(other))?;
    (shared(best) * 4 >= key.len() * 3).then_some(best)
}
