//! Reads one field of an event: its words, its privacy class and its example.
//!
//! Whether the class takes the field's type is left to the compiler, which knows types; nothing is guessed from a
//! type's name here.

use crate::{
    attr::{self, Keys},
    ctxt::Ctxt,
    names::{self, did_you_mean, is_name, listed},
};
use syn::{Error, Expr, ExprLit, Ident, Lit, LitStr, Result, Type, ext::IdentExt};

/// A field that was read without a mistake.
pub(crate) struct Field<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) ty: &'a Type,
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) kind: Kind,
}

/// How a field's value becomes an outcome.
pub(crate) enum Kind {
    /// The type is a class of its own.
    Closed,
    /// A class puts the number into one of its steps.
    Number { class: Class, example: u64 },
    /// The value leaves as a keyed code in the name space `domain`.
    Hash { domain: String, example: String },
}

/// The classes that `#[field(…)]` names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Bitrate,
    MediaDuration,
    Count,
    Hash,
}

impl Class {
    const ALL: [Class; 4] = [Class::Bitrate, Class::MediaDuration, Class::Count, Class::Hash];

    /// The word in `#[field(…)]` and in the schema.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Class::Bitrate => "bitrate",
            Class::MediaDuration => "media_duration",
            Class::Count => "count",
            Class::Hash => "hash",
        }
    }

    /// The type in `candor::event::class` that stands for it.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Class::Bitrate => "Bitrate",
            Class::MediaDuration => "MediaDuration",
            Class::Count => "Count",
            Class::Hash => "Hash",
        }
    }

    /// Whether it describes a person's content.
    pub(crate) fn content(self) -> bool {
        matches!(self, Class::Bitrate | Class::MediaDuration)
    }

    /// An example as it is written, to show in messages.
    fn such_as(self) -> &'static str {
        match self {
            Class::Bitrate => "4_213_000",
            Class::MediaDuration => "\"1:30:31\"",
            Class::Count => "3",
            Class::Hash => "\"nas.local\"",
        }
    }
}

/// Reads one field; every mistake is noted.
pub(crate) fn read<'a>(ctxt: &mut Ctxt, field: &'a syn::Field) -> Option<Field<'a>> {
    let ident = field.ident.as_ref()?;
    let name = name(ctxt, ident);
    let doc = attr::doc(ctxt, &field.attrs, ident, "field");
    let kind = if field.attrs.iter().any(|attr| attr.path().is_ident("field")) {
        attr::keys(ctxt, &field.attrs, "field", "count, example = 3").and_then(|keys| classed(ctxt, keys, ident))
    } else {
        Some(Kind::Closed)
    };
    Some(Field { ident, ty: &field.ty, name: name?, doc: doc?, kind: kind? })
}

fn name(ctxt: &mut Ctxt, ident: &Ident) -> Option<String> {
    let name = ident.unraw().to_string();
    if is_name(&name) {
        return Some(name);
    }
    ctxt.error(
        ident,
        format!("field `{name}`: a field's name leaves with its value, and is [a-z][a-z0-9_]*, 48 bytes at most"),
    );
    None
}

fn classed(ctxt: &mut Ctxt, mut keys: Keys<Option<Expr>>, field: &Ident) -> Option<Kind> {
    let class = class(ctxt, &mut keys, field)?;
    let (word, such_as) = (class.word(), class.such_as());
    let example = keys.required(
        ctxt,
        "example",
        |entry| example(class, entry, field),
        field,
        &format!(
            "field `{field}` has no example, and the person is shown one: write \
             `#[field({word}, example = {such_as})]`"
        ),
    );
    let domain = match class {
        Class::Hash => match keys.take(ctxt, "domain") {
            Some(entry) => ctxt.keep(domain(entry)),
            None => Some(field.unraw().to_string()),
        },
        _ => None,
    };
    let known: &[&str] = if class == Class::Hash { &["example", "domain"] } else { &["example"] };
    keys.none_left(ctxt, &format!("`#[field({word}, …)]`"), known);
    Some(match example? {
        Example::Number(example) => Kind::Number { class, example },
        Example::Text(example) => Kind::Hash { domain: domain?, example },
    })
}

/// The one key without a value is the class, unless it is one that needs a value.
fn class(ctxt: &mut Ctxt, keys: &mut Keys<Option<Expr>>, field: &Ident) -> Option<Class> {
    let classes = Class::ALL.map(Class::word);
    let is_class = |key: &Ident, value: &Option<Expr>| value.is_none() && key != "example" && key != "domain";
    let Some((word, _)) = keys.take_first(is_class) else {
        ctxt.error(
            field,
            format!(
                "`#[field(…)]` of `{field}` names no privacy class: begin it with {}, such as \
                 `#[field(count, example = 3)]`; a `bool` or a category takes no `#[field(…)]`",
                listed(&classes)
            ),
        );
        return None;
    };
    while let Some((second, _)) = keys.take_first(is_class) {
        ctxt.error(&second, format!("field `{field}` has one privacy class: keep `{word}` or `{second}`"));
    }
    let class = Class::ALL.into_iter().find(|class| word == class.word());
    if class.is_none() {
        let meant = did_you_mean(&word, &classes);
        ctxt.error(
            &word,
            format!(
                "there is no privacy class `{word}`{meant}: write {}; free text and exact numbers have none",
                listed(&classes)
            ),
        );
    }
    class
}

enum Example {
    Number(u64),
    Text(String),
}

fn example(class: Class, (key, value): (Ident, Option<Expr>), field: &Ident) -> Result<Example> {
    let such_as = class.such_as();
    let wrong = |takes: &str| {
        let message = format!("the example of `{field}` is {takes}: write `example = {such_as}`");
        match &value {
            Some(value) => Error::new_spanned(value, message),
            None => Error::new_spanned(&key, message),
        }
    };
    match class {
        Class::Bitrate | Class::Count => {
            let takes = if class == Class::Bitrate { "a whole number of bit/s" } else { "a whole number" };
            match value.as_ref().map(attr::bare) {
                Some(Expr::Lit(ExprLit { lit: Lit::Int(number), .. })) => {
                    number.base10_parse().map(Example::Number).map_err(|_| wrong(takes))
                }
                _ => Err(wrong(takes)),
            }
        }
        Class::MediaDuration => value
            .as_ref()
            .and_then(attr::as_text)
            .and_then(|text| seconds(&text.value()))
            .map(Example::Number)
            .ok_or_else(|| wrong("a length, as \"hours:minutes:seconds\" or \"minutes:seconds\"")),
        Class::Hash => value
            .as_ref()
            .and_then(attr::as_text)
            .map(LitStr::value)
            .filter(|text| !text.trim().is_empty())
            .map(Example::Text)
            .ok_or_else(|| wrong("text that could be hashed, in quotes")),
    }
}

/// `1:30:31`, `45:10` or `0:07` in seconds.
fn seconds(text: &str) -> Option<u64> {
    let parts: Vec<&str> = text.split(':').collect();
    let (first, rest) = parts.split_first()?;
    if !(1..=2).contains(&rest.len()) || !(1..=3).contains(&first.len()) {
        return None;
    }
    let digits =
        |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u64>().ok()).flatten();
    rest.iter().try_fold(digits(first)?, |sum, part| {
        let value = digits(part).filter(|value| part.len() == 2 && *value < 60)?;
        Some(sum * 60 + value)
    })
}

/// The name space of a hashed field: two fields with the same one give the same value the same code.
fn domain(entry: (Ident, Option<Expr>)) -> Result<String> {
    let text = attr::text(entry, "server")?;
    let domain = text.value();
    if is_name(&domain.replace('-', "_")) {
        return Ok(domain);
    }
    Err(Error::new_spanned(
        &text,
        format!("`{domain}` is not a domain candor takes: use {}, and `-` within a part", names::RULE),
    ))
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn lengths() {
        for (text, want) in
            [("1:30:31", 5_431), ("45:10", 2_710), ("0:07", 7), ("90:00", 5_400), ("100:00:00", 360_000)]
        {
            assert_eq!(seconds(text), Some(want), "{text}");
        }
        for bad in
            ["", "7", "1:7", "0:60", "1:60:00", ":07", "1:2:3:4", "a:07", "+1:07", "1:+7", "1:30:", "1234:00", "1 :07"]
        {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
