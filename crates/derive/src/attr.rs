//! Reads attributes: doc comments as a person's text, and lists of `key` and `key = value`.
//!
//! It knows no key of its own and decides nothing: `event`, `field`, `category` and `scope` say what they take.

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

/// The first paragraph above `item`, as the text a person reads. A missing or empty doc comment is a mistake.
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

/// The lines of one doc attribute, without the stars of a `/** … */` comment.
fn lines_of(text: &str) -> Vec<String> {
    // Not `lines()`, for which the empty line that parts two paragraphs is no line at all.
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

/// The first paragraph, its lines joined: a doc comment is broken to fit the source, not to fit what shows it. Further
/// paragraphs are for developers, and no person is shown them.
fn first_paragraph(lines: &[String]) -> String {
    lines.split(String::is_empty).find(|paragraph| !paragraph.is_empty()).unwrap_or_default().join(" ")
}

/// The keys of the one `#[name(…)]` among `attrs`, none when there is none. A second one is a mistake; so is one that
/// can't be read, and then there is nothing to look for keys in.
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

/// The path to candor where `#[name(crate = path)]` is all that may be said.
pub(crate) fn krate(ctxt: &mut Ctxt, attrs: &[Attribute], name: &str, whole: &str) -> Path {
    let Some(mut keys) = keys(ctxt, attrs, name, "crate = ::candor") else { return candor() };
    let krate = keys.krate(ctxt);
    keys.none_left(ctxt, whole, &["crate"]);
    krate
}

/// Where candor is, unless `crate = path` says otherwise.
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

/// Keys with their values, in the order they were written, until they are taken.
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

    /// Takes and reads the entry with this key. Without one, `absent` is noted at `item`.
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

    /// Takes the first entry that `wanted` picks.
    pub(crate) fn take_first(&mut self, wanted: impl Fn(&Ident, &V) -> bool) -> Option<(Ident, V)> {
        let at = self.entries.iter().position(|(key, value)| wanted(key, value))?;
        Some(self.entries.remove(at))
    }

    /// Notes every entry that was not taken as a mistake. `whole` is what they stand in, `known` what it takes.
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

/// `key = "text"`, not empty.
pub(crate) fn text((key, value): (Ident, Option<Expr>), such_as: &str) -> Result<LitStr> {
    match value.as_ref().and_then(as_text) {
        Some(text) if !text.value().trim().is_empty() => Ok(text.clone()),
        Some(text) => Err(Error::new_spanned(text, format!("`{key}` is empty: write `{key} = \"{such_as}\"`"))),
        None => Err(wrong(&key, value.as_ref(), "text in quotes", &format!("\"{such_as}\""))),
    }
}

/// `key = some::path`.
pub(crate) fn path((key, value): (Ident, Option<Expr>), such_as: &str) -> Result<Path> {
    match value.as_ref().map(bare) {
        Some(Expr::Path(path)) if path.qself.is_none() => Ok(path.path.clone()),
        _ => Err(wrong(&key, value.as_ref(), "a path without quotes", such_as)),
    }
}

/// `key = word`.
pub(crate) fn word((key, value): (Ident, Option<Expr>), such_as: &str) -> Result<Ident> {
    match value.as_ref().map(bare) {
        Some(Expr::Path(path)) if path.qself.is_none() && path.path.get_ident().is_some() => {
            path.path.require_ident().cloned()
        }
        _ => Err(wrong(&key, value.as_ref(), "a word without quotes", such_as)),
    }
}

/// The text of a string literal.
pub(crate) fn as_text(expr: &Expr) -> Option<&LitStr> {
    match bare(expr) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text),
        _ => None,
    }
}

/// The expression without the invisible groups that `macro_rules!` puts around what it passes on.
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
