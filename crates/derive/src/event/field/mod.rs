//! Reads one field of an event: its name and doc comment, its privacy class and its example.
//!
//! The compiler checks whether the class accepts the field's type, because a macro does not know types. This module
//! never infers anything from a type's name.

mod class;
mod example;

pub(super) use class::date;
pub(crate) use class::{Class, Shape};
pub(crate) use example::{Example, Value};

use crate::{
    attr::{self, Keys},
    ctxt::Ctxt,
    names::{self, is_name},
};
use syn::{Error, Expr, Ident, Result, Type, ext::IdentExt};

/// A field that was read without a mistake.
pub(crate) struct Field<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) ty: &'a Type,
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) kind: Kind,
}

/// How a field's value becomes an outcome, the generalised value.
pub(crate) enum Kind {
    /// The type itself is a class: a `bool` or a category.
    Closed,
    /// A class puts the value into one of its steps.
    Classed { class: Class, shape: Shape, group: String, reason: Option<String>, example: Example },
    /// Only whether there is a value.
    Presence,
    /// How long ago consent was given. candor fills it in.
    Tenure,
    /// The value is sent as a keyed code in the name space `domain`.
    Hash { domain: String, example: String },
    /// The value is sent as one of 2^bits groups.
    Cohort { domain: String, bits: u32, example: String },
    /// The value decides whether the event is counted at all.
    Item { domain: String, one_in: u64, reason: Option<String> },
}

/// Reads one field and records every mistake.
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
        format!("field `{name}`: a field's name is sent with its value: use [a-z][a-z0-9_]*, 48 bytes at most"),
    );
    None
}

fn classed(ctxt: &mut Ctxt, mut keys: Keys<Option<Expr>>, field: &Ident) -> Option<Kind> {
    let class::Read { class, shape, group, reason } = class::read(ctxt, &mut keys, field)?;
    let (begun, such_as) = (class.begun(), class.such_as());
    let domain = if class.keys().contains(&"domain") {
        match keys.take(ctxt, "domain") {
            Some(entry) => ctxt.keep(domain(entry)),
            None => Some(field.unraw().to_string()),
        }
    } else {
        Some(String::new())
    };
    let one_in = if class == Class::Item { one_in(ctxt, &mut keys, field) } else { Some(0) };
    let example = class.keys().contains(&"example").then(|| {
        keys.required(
            ctxt,
            "example",
            |entry| example::read(class, entry, field),
            field,
            &format!(
                "field `{field}` has no example, but the person is shown one: write `#[field({begun}, example = \
                 {such_as})]`"
            ),
        )
    });
    keys.none_left(ctxt, &format!("`#[field({}, …)]`", class.word()), class.keys());
    Some(match (class, example) {
        (Class::Item, _) => Kind::Item { domain: domain?, one_in: one_in?, reason },
        (Class::Tenure, _) => Kind::Tenure,
        (Class::Presence, _) | (_, None) => Kind::Presence,
        (Class::Hash, Some(example)) => Kind::Hash { domain: domain?, example: hashed(example?)? },
        (Class::Cohort, Some(example)) => {
            let Shape::Cohort { bits } = shape else { return None };
            Kind::Cohort { domain: domain?, bits, example: hashed(example?)? }
        }
        (_, Some(example)) => Kind::Classed { class, shape, group, reason, example: example? },
    })
}

fn hashed(example: Example) -> Option<String> {
    match example {
        Example::Text(text) => Some(text),
        _ => None,
    }
}

/// Reads the sampling rate: one of this many entities is counted. Returns 0 if the field does not say it.
fn one_in(ctxt: &mut Ctxt, keys: &mut Keys<Option<Expr>>, field: &Ident) -> Option<u64> {
    let Some((key, value)) = keys.take(ctxt, "one_in") else { return Some(0) };
    match value.as_ref().and_then(class::integer).filter(|one_in| (1..=65_536).contains(one_in)) {
        Some(one_in) => Some(one_in.unsigned_abs()),
        None => {
            ctxt.error(
                &key,
                format!(
                    "field `{field}`: `one_in` is a whole number from 1 to 65,536, such as `one_in = 64`, or left out"
                ),
            );
            None
        }
    }
}

/// Reads the name space of a hashed field. Two fields with the same name space give the same value the same code.
fn domain(entry: (Ident, Option<Expr>)) -> Result<String> {
    let text = attr::text(entry, "server")?;
    let domain = text.value();
    if is_name(&domain.replace('-', "_")) {
        return Ok(domain);
    }
    Err(Error::new_spanned(
        &text,
        format!("`{domain}` is not a valid domain: use {}, and `-` within a part", names::RULE),
    ))
}
