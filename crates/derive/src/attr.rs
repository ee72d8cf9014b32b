//! Reads attributes: doc comments, which become the person's text, and lists of `key` and `key = value`.
//!
//! This module knows no keys except `crate` and decides nothing. Its callers, `event`, `category` and `scope`, pass the
//! keys that they accept.

use crate::{
    ctxt::Ctxt,
    names::{did_you_mean, listed},
};
use syn::{
    Attribute, Error, Expr, ExprLit, Ident, Lit, LitStr, Meta, Path, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    parse_quote,
    punctuated::Punctuated,
};

/// Returns the first paragraph of the doc comment above `item`, which is the text a person reads. A missing or empty
/// doc comment is a mistake.
pub(crate) fn doc(ctxt: &mut Ctxt, attrs: &[Attribute], item: &Ident, what: &str) -> Option<String> {
    let mut lines = Vec::new();
    for attr in attrs {
        let Meta::NameValue(meta) = &attr.meta else { continue };
        if !meta.path.is_ident("doc") {
            continue;
        }
        let Some(text) = as_text(&meta.value) else {
            ctxt.error(
                &meta.value,
                format!("the doc comment of {what} `{item}` is a person's text: write it out here as `/// …`"),
            );
            return None;
        };
        lines.extend(lines_of(&text.value()));
    }
    let text = first_paragraph(&lines);
    if text.is_empty() {
        ctxt.error(
            item,
            format!("{what} `{item}` has no doc comment: it becomes the person's text; write `/// …` above it"),
        );
        return None;
    }
    Some(text)
}

/// Returns the lines of one doc attribute, without the stars of a `/** … */` comment.
fn lines_of(text: &str) -> Vec<String> {
    // Not `lines()`: an empty text has no lines for it, and the empty line between two paragraphs would be lost.
    let lines = || text.split('\n');
    let starred = lines().skip(1).all(|line| matches!(line.trim().chars().next(), None | Some('*')));
    lines()
        .enumerate()
        .map(|(i, line)| match line.trim().strip_prefix('*') {
            Some(rest) if starred && i > 0 => rest.trim().into(),
            _ => line.trim().into(),
        })
        .collect()
}

/// Returns the first paragraph with its lines joined, because the line breaks of a doc comment fit the source, not the
/// screen. Further paragraphs are for developers; a person is not shown them.
fn first_paragraph(lines: &[String]) -> String {
    lines.split(String::is_empty).find(|paragraph| !paragraph.is_empty()).unwrap_or_default().join(" ")
}

/// Reads the keys of the one `#[name(…)]` among `attrs`. There are none if the attribute is absent. A second attribute
/// is a mistake. An attribute that can't be read is a mistake too; then the result is `None`.
pub(crate) fn keys(ctxt: &mut Ctxt, attrs: &[Attribute], name: &str, such_as: &str) -> Option<Keys<Option<Expr>>> {
    let mut found = attrs.iter().filter(|attr| attr.path().is_ident(name));
    let first = found.next();
    for again in found {
        ctxt.error(again.path(), format!("`#[{name}(…)]` is written twice: join the two into one"));
    }
    let Some(attr) = first else { return Some(Keys::new(Vec::new())) };
    let entries = match &attr.meta {
        Meta::List(_) => attr.parse_args_with(Punctuated::<Entry, Token![,]>::parse_terminated),
        _ => Err(Error::new_spanned(&attr.meta, format!("`#[{name}]` takes a list: write `#[{name}({such_as})]`"))),
    };
    let entries = ctxt.keep(entries)?;
    Some(Keys::new(entries.into_iter().map(|entry| (entry.key, entry.value)).collect()))
}

/// Returns the path to candor, for an attribute in which `crate = path` is the only key.
pub(crate) fn krate(ctxt: &mut Ctxt, attrs: &[Attribute], name: &str, whole: &str) -> Path {
    let Some(mut keys) = keys(ctxt, attrs, name, "crate = ::candor") else { return candor() };
    let krate = keys.krate(ctxt);
    keys.none_left(ctxt, whole, &["crate"]);
    krate
}

/// The default path to candor, unless `crate = path` names another.
pub(crate) fn candor() -> Path {
    parse_quote!(::candor)
}

/// One `key` or `key = value`.
struct Entry {
    key: Ident,
    value: Option<Expr>,
}

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let key = input.call(Ident::parse_any)?;
        let value = match input.parse::<Option<Token![=]>>()? {
            Some(_) => Some(input.parse()?),
            None => None,
        };
        Ok(Entry { key, value })
    }
}

/// Keys with their values in the order of the source, until they are taken.
pub(crate) struct Keys<V> {
    entries: Vec<(Ident, V)>,
}

impl<V> Keys<V> {
    pub(crate) fn new(entries: Vec<(Ident, V)>) -> Self {
        Keys { entries }
    }

    /// Takes the entry with this key. A second one is a mistake.
    pub(crate) fn take(&mut self, ctxt: &mut Ctxt, key: &str) -> Option<(Ident, V)> {
        let mut taken = None;
        let mut rest = Vec::with_capacity(self.entries.len());
        for entry in self.entries.drain(..) {
            if entry.0 != key {
                rest.push(entry);
            } else if taken.is_none() {
                taken = Some(entry);
            } else {
                ctxt.error(entry.0, format!("`{key}` is written twice: leave one of the two out"));
            }
        }
        self.entries = rest;
        taken
    }

    /// Takes and reads the entry with this key. If there is none, records the mistake `absent` at `item`.
    pub(crate) fn required<T>(
        &mut self,
        ctxt: &mut Ctxt,
        key: &str,
        read: impl FnOnce((Ident, V)) -> Result<T>,
        item: &Ident,
        absent: &str,
    ) -> Option<T> {
        if let Some(entry) = self.take(ctxt, key) {
            return ctxt.keep(read(entry));
        }
        ctxt.error(item, absent);
        None
    }

    /// Takes the first entry for which `wanted` returns true.
    pub(crate) fn take_first(&mut self, wanted: impl Fn(&Ident, &V) -> bool) -> Option<(Ident, V)> {
        let at = self.entries.iter().position(|(key, value)| wanted(key, value))?;
        Some(self.entries.remove(at))
    }

    /// Records a mistake for every entry that was not taken. `whole` describes the attribute, `known` lists its keys.
    pub(crate) fn none_left(self, ctxt: &mut Ctxt, whole: &str, known: &[&str]) {
        for (key, _) in self.entries {
            let meant = did_you_mean(&key, known);
            ctxt.error(&key, format!("{whole} has no key `{key}`{meant}: it takes {}", listed(known)));
        }
    }
}

impl Keys<Option<Expr>> {
    /// Takes `crate = path`, the path to candor.
    pub(crate) fn krate(&mut self, ctxt: &mut Ctxt) -> Path {
        self.take(ctxt, "crate").and_then(|entry| ctxt.keep(path(entry, "::candor"))).unwrap_or_else(candor)
    }
}

/// Reads `key = "text"`. The text must not be empty.
pub(crate) fn text((key, value): (Ident, Option<Expr>), such_as: &str) -> Result<LitStr> {
    match value.as_ref().and_then(as_text) {
        Some(text) if !text.value().trim().is_empty() => Ok(text.clone()),
        Some(text) => Err(Error::new_spanned(text, format!("`{key}` is empty: write `{key} = \"{such_as}\"`"))),
        None => Err(wrong(&key, value.as_ref(), "text in quotes", &format!("\"{such_as}\""))),
    }
}

/// Reads `key = some::path`.
pub(crate) fn path((key, value): (Ident, Option<Expr>), such_as: &str) -> Result<Path> {
    match value.as_ref().map(bare) {
        Some(Expr::Path(path)) if path.qself.is_none() => Ok(path.path.clone()),
        _ => Err(wrong(&key, value.as_ref(), "a path without quotes", such_as)),
    }
}

/// Reads `key = word`.
pub(crate) fn word((key, value): (Ident, Option<Expr>), such_as: &str) -> Result<Ident> {
    match value.as_ref().map(bare) {
        Some(Expr::Path(path)) if path.qself.is_none() && path.path.get_ident().is_some() => {
            path.path.require_ident().cloned()
        }
        _ => Err(wrong(&key, value.as_ref(), "a word without quotes", such_as)),
    }
}

/// Returns the string literal, if the expression is one.
pub(crate) fn as_text(expr: &Expr) -> Option<&LitStr> {
    match bare(expr) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text),
        _ => None,
    }
}

/// Returns the expression without the invisible groups that `macro_rules!` puts around what it passes on.
pub(crate) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(group) => bare(&group.expr),
        _ => expr,
    }
}

fn wrong(key: &Ident, value: Option<&Expr>, takes: &str, such_as: &str) -> Error {
    let message = format!("`{key}` takes {takes}: write `{key} = {such_as}`");
    match value {
        Some(value) => Error::new_spanned(value, message),
        None => Error::new_spanned(key, message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_paragraph_is_the_persons_text() {
        let lines: Vec<String> = ["", "Which server,", "once.", "", "", "More.", ""].map(Into::into).into();
        assert_eq!(first_paragraph(&lines), "Which server, once.");
        assert_eq!(lines_of(" One\n  * two\n  *\n  * three "), ["One", "two", "", "three"]);
        assert_eq!(lines_of("* a list"), ["* a list"]);
        assert_eq!(lines_of(""), [""]);
    }
}
