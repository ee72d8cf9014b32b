//! Fluent messages as the source of a translation. Reads only the text that it is given. Never loads a file and never
//! asks the system for a locale.

use super::{
    Tag,
    sentence::{Arg, Say},
};
use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use std::collections::{BTreeMap, BTreeSet};

/// The messages of one language.
pub(super) struct Messages {
    bundle: FluentBundle<FluentResource>,
    /// The names of the messages, in the form of keys of tables.
    keys: BTreeSet<String>,
}

impl std::fmt::Debug for Messages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Messages").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl Messages {
    pub(super) fn new<'s>(
        tag: &Tag,
        sources: impl Iterator<Item = &'s String>,
        table: &BTreeMap<String, String>,
    ) -> Result<Self, String> {
        let language = tag.as_str().parse().map_err(|_| format!("Fluent does not take the tag `{tag}`"))?;
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // Fluent's isolation marks would appear in the text that a person is shown, and in its digest.
        bundle.set_use_isolating(false);
        let mut keys = BTreeSet::new();
        for source in sources {
            let resource = FluentResource::try_new(source.clone()).map_err(|(_, errors)| {
                let first = errors.first().map(ToString::to_string).unwrap_or_default();
                format!("its Fluent text can't be read: {first}")
            })?;
            keys.extend(resource.entries().filter_map(|entry| match entry {
                fluent_syntax::ast::Entry::Message(message) => Some(message.id.name.replace('-', ".")),
                _ => None,
            }));
            bundle.add_resource(resource).map_err(|errors| {
                let first = errors.first().map(ToString::to_string).unwrap_or_default();
                format!("its Fluent text says something twice: {first}")
            })?;
        }
        if let Some(key) = keys.iter().find(|key| table.contains_key(*key)) {
            return Err(format!("`{key}` is both in its table and in its Fluent text: keep one"));
        }
        let messages = Messages { bundle, keys };
        // A message that is not one of candor's sentences is shown unchanged, so it must have a value and need no
        // variable.
        for key in messages.keys.iter().filter(|key| !Say::ALL.iter().any(|say| say.key() == key.as_str())) {
            let text = messages.format(key, None).map_err(|problem| format!("`{key}`: {problem}"))?;
            if text.trim().is_empty() {
                return Err(format!("`{key}` is empty: write its text, or leave the message out"));
            }
        }
        Ok(messages)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    /// A message without variables. `None` if there is none with this key; empty if it can't be formatted.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.has(key).then(|| self.format(key, None).unwrap_or_else(|_| String::new()))
    }

    pub(super) fn say(&self, key: &str, args: &[(&str, Arg<'_>)]) -> Option<String> {
        if !self.has(key) {
            return None;
        }
        let mut values = FluentArgs::with_capacity(args.len());
        for (name, arg) in args {
            let value = match arg {
                Arg::Text(text) => FluentValue::from((*text).to_owned()),
                Arg::Number(n) => FluentValue::from(*n),
            };
            values.set(name.to_string(), value);
        }
        self.format(key, Some(&values)).ok()
    }

    /// What is wrong with the message for one of candor's sentences: it must use every placeholder, and no other
    /// variable.
    pub(super) fn flaw(&self, say: Say) -> Option<String> {
        let mark = |placeholder: &str| format!("\u{1}{placeholder}\u{1}");
        let mut values = FluentArgs::new();
        for placeholder in say.placeholders() {
            values.set((*placeholder).to_string(), mark(placeholder));
        }
        match self.format(say.key(), Some(&values)) {
            Err(problem) => Some(format!("`{}`: {problem}", say.key())),
            Ok(text) if text.trim().is_empty() => Some(format!("`{}` is empty", say.key())),
            Ok(text) => {
                let missing = say.placeholders().iter().find(|placeholder| !text.contains(&mark(placeholder)))?;
                Some(format!("`{}` lacks the variable `{{ ${missing} }}`", say.key()))
            }
        }
    }

    fn format(&self, key: &str, args: Option<&FluentArgs<'_>>) -> Result<String, String> {
        let message = self.bundle.get_message(&key.replace('.', "-"));
        let pattern = message.and_then(|message| message.value()).ok_or("it has no value")?;
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, args, &mut errors).into_owned();
        match errors.first() {
            Some(error) => Err(error.to_string()),
            None if text.contains(|c: char| c.is_control() && c != '\n' && c != '\u{1}') => {
                Err("it holds a control character".into())
            }
            None => Ok(text),
        }
    }
}
