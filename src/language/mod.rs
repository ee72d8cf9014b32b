//! The sentences that candor shows to people: in English, in French, and in languages for which a program supplies its
//! own tables.
//!
//! Each sentence has a key. The compiler checks that both built-in languages have every sentence. This module handles
//! words, numbers and line breaks. It never decides what is shown, never reads the environment, and never uses a
//! person's data.

mod english;
#[cfg(feature = "fluent")]
mod fluent;
#[cfg(test)]
#[cfg(feature = "fluent")]
pub(crate) mod fluent_tests;
mod french;
#[cfg(all(feature = "fluent", any(test, fuzzing)))]
#[allow(unreachable_pub, reason = "reached by fuzzers")]
pub(crate) mod fuzzing;
pub(crate) mod phrase;
mod sentence;
mod tag;
mod translation;
mod wrap;

pub use translation::Translation;

pub(crate) use sentence::{Arg, Say};
pub(crate) use tag::Tag;
pub(crate) use translation::Given;
pub(crate) use wrap::{WIDTH, Wrapped, columns};

use std::{borrow::Cow, sync::Arc};

/// candor's own sentences in one language.
#[derive(Debug, Clone)]
pub(crate) struct Locale {
    tag: Tag,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    English,
    French,
    Given(Arc<Given>),
    /// For tests: a built-in language without one sentence, to check that the loss is noticed.
    #[cfg(test)]
    Without(Box<Source>, Say),
}

impl Locale {
    /// English.
    pub(crate) const ENGLISH: Locale = Locale { tag: Tag::ENGLISH, source: Source::English };
    /// French.
    #[cfg(test)]
    pub(crate) const FRENCH: Locale = Locale { tag: Tag::FRENCH, source: Source::French };

    /// The built-in language that a tag asks for: `fr` for `fr-CA`. `None` if candor has no sentences of its own in it.
    pub(crate) fn built_in(tag: &Tag) -> Option<Locale> {
        let source = match tag.language() {
            "en" => Source::English,
            "fr" => Source::French,
            _ => return None,
        };
        Some(Locale { tag: tag.clone(), source })
    }

    /// The language of a program's own table. The table must have been checked to be complete.
    pub(crate) fn given(tag: Tag, given: Arc<Given>) -> Locale {
        Locale { tag, source: Source::Given(given) }
    }

    /// The same language without one sentence.
    #[cfg(test)]
    pub(crate) fn without(&self, say: Say) -> Locale {
        Locale { tag: self.tag.clone(), source: Source::Without(Box::new(self.source.clone()), say) }
    }

    pub(crate) fn tag(&self) -> &Tag {
        &self.tag
    }

    /// A sentence with its placeholders filled.
    pub(crate) fn say(&self, say: Say, args: &[(&str, Arg<'_>)]) -> String {
        self.source.say(say, args, &|n| self.number(n))
    }

    /// A sentence without placeholders.
    pub(crate) fn words(&self, say: Say) -> String {
        self.say(say, &[])
    }

    /// A whole number as the language writes it. Numbers of five and more digits are grouped by three, if the language
    /// groups digits.
    pub(crate) fn number(&self, n: i64) -> String {
        let digits = n.unsigned_abs().to_string();
        let sign = if n < 0 { "-" } else { "" };
        let group = self.style().0;
        if digits.len() < 5 || group.is_empty() {
            return format!("{sign}{digits}");
        }
        let mut out = String::from(sign);
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push_str(&group);
            }
            out.push(digit);
        }
        out
    }

    /// A number with these digits after the decimal mark. Trailing zeros are dropped.
    pub(crate) fn decimal(&self, whole: i64, digits: &str) -> String {
        let digits = digits.trim_end_matches('0');
        match digits.is_empty() {
            true => self.number(whole),
            false => format!("{}{}{digits}", self.number(whole), self.style().1),
        }
    }

    /// What the language writes between groups of digits, and before the first decimal.
    fn style(&self) -> (String, String) {
        let sample = self.words(Say::Number);
        let style = sentence::number_style(&sample).unwrap_or(("", "."));
        (style.0.into(), style.1.into())
    }
}

impl Source {
    fn say(&self, say: Say, args: &[(&str, Arg<'_>)], number: &dyn Fn(i64) -> String) -> String {
        let (template, form): (Cow<'_, str>, fn(u64) -> usize) = match self {
            Source::English => (english::sentence(say).into(), english::form),
            Source::French => (sentence::typeset_french(french::sentence(say)), french::form),
            Source::Given(given) => return given.say(say, args, number),
            #[cfg(test)]
            Source::Without(_, lost) if *lost == say => return String::new(),
            #[cfg(test)]
            Source::Without(source, _) => return source.say(say, args, number),
        };
        sentence::fill(&template, args, number, form)
    }
}

/// A sentence in English without placeholders, for constants.
pub(crate) const fn in_english(say: Say) -> &'static str {
    english::sentence(say)
}

#[cfg(test)]
mod tests {
    use super::{Arg, Locale, Say, Source, english, french, sentence, sentence::number_style};

    #[test]
    fn every_sentence_of_both_languages_fills_its_placeholders() {
        for say in Say::ALL {
            for (language, template) in [("en", english::sentence(*say)), ("fr", french::sentence(*say))] {
                assert_eq!(sentence::flaw(*say, template), None, "{language}");
                assert!(!template.trim().is_empty() && !template.contains("  "), "{language} {}", say.key());
            }
        }
        for (say, bad) in [
            (Say::Why, "Why: {purpos}"),
            (Say::Why, "Why: {purpose"),
            (Say::Why, "Why"),
            (Say::Days, "{n:day|days}"),
            (Say::Why, "Why: {purpose} {days:day|days}"),
        ] {
            assert!(sentence::flaw(say, bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn keys_are_told_apart() {
        let mut keys: Vec<&str> = Say::ALL.iter().map(|say| say.key()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), Say::ALL.len());
    }

    #[test]
    fn numbers_are_written_as_the_language_writes_them() {
        let (english, french) = (Locale::ENGLISH, Locale::FRENCH);
        assert_eq!((english.number(1_024), english.number(200_000)), ("1024".into(), "200000".into()));
        assert_eq!(french.number(1_024), "1024");
        assert_eq!(french.number(-1_234_567), "-1\u{202f}234\u{202f}567");
        assert_eq!(french.decimal(4, "210"), "4,21");
        assert_eq!(english.decimal(4, "00"), "4");
        let days = |locale: &Locale, n: i64| locale.say(Say::Days, &[("n", n.into())]);
        assert_eq!([0, 1, 2].map(|n| days(&english, n)), ["0 days", "1 day", "2 days"]);
        assert_eq!([0, 1, 2].map(|n| days(&french, n)), ["0\u{a0}jour", "1\u{a0}jour", "2\u{a0}jours"]);
        assert_eq!(number_style("12.345,6"), Some((".", ",")));
        for bad in ["", "12345", "12 thousand 345,6", "123456", "12345.7"] {
            assert_eq!(number_style(bad), None, "{bad}");
        }
    }

    #[test]
    fn french_is_set_as_french_is() {
        for say in Say::ALL {
            let text = Source::French.say(*say, &[], &|n| n.to_string());
            let plain = [" :", " ;", " ?", " !", " %", "« ", " »", "'"];
            assert!(!plain.iter().any(|mark| text.contains(mark)), "{text}");
        }
        let text = Locale::FRENCH.say(Say::Why, &[("purpose", Arg::Text("voir {purpose}"))]);
        assert_eq!(text, "Pourquoi\u{a0}: voir {purpose}", "what fills a placeholder is text");
    }

    /// Checks that no sentence was left untranslated: none is the same in both languages, except for units,
    /// placeholders and numbers.
    #[test]
    fn no_sentence_is_left_in_english() {
        let same = [
            Say::MegabitsPerSecond,
            Say::KilobitsPerSecond,
            Say::BitsPerSecond,
            Say::Seconds,
            Say::Milliseconds,
            Say::Minutes,
            Say::Percent,
            Say::NextLabel,
            Say::LabelAsSent,
            Say::Event,
            Say::Field,
            Say::Contact,
        ];
        for say in Say::ALL {
            let (english, french) = (english::sentence(*say), french::sentence(*say).replace(" :", ":"));
            assert_eq!(english == french, same.contains(say), "{}: {english}", say.key());
        }
    }
}
