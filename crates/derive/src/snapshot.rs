//! `#[derive(Snapshot)]`: reads a struct and its `#[snapshot(…)]` into a model without mistakes.
//!
//! Each field of a snapshot becomes an event of its own with one value, so that no record holds the whole row. Only rules that can
//! be checked on the tokens alone are checked here; `candor::event` checks the rest in `const`.

use crate::{
    attr,
    ctxt::Ctxt,
    event::{self, Field, Kind},
    names::{did_you_mean, is_name, listed},
};
use syn::{
    Attribute, Data, DataStruct, DeriveInput, Expr, Fields, GenericParam, Generics, Ident, LitStr, Path, Result,
    ext::IdentExt,
};

/// The most fields of a snapshot.
const MOST: usize = 64;

/// A snapshot that was read without a mistake.
pub(crate) struct Snapshot<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) generics: &'a Generics,
    pub(crate) krate: Path,
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) scope: Path,
    /// The variant of `candor::event::Period`.
    pub(crate) every: Ident,
    pub(crate) questions: Vec<Question<'a>>,
}

/// One field of a snapshot.
pub(crate) struct Question<'a> {
    pub(crate) field: Field<'a>,
    /// The variants of `candor::event::Statistic` that are reported of it.
    pub(crate) statistics: Vec<Ident>,
    /// Where it is a map: how its keys become labels.
    pub(crate) keys: Option<MapKeys>,
}

/// How the keys of a map become labels.
pub(crate) enum MapKeys {
    /// The key's type is a category.
    Closed,
    /// A list of words; any other key is `other`.
    Words(Vec<String>),
}

const PERIODS: [(&str, &str); 2] = [("week", "Week"), ("month", "Month")];

const STATISTICS: [(&str, &str); 4] = [("last", "Last"), ("min", "Min"), ("mean", "Mean"), ("max", "Max")];

/// Returns the path to candor, which even a broken snapshot needs, and the snapshot.
pub(crate) fn read(input: &DeriveInput) -> (Path, Result<Snapshot<'_>>) {
    let mut ctxt = Ctxt::default();
    for param in &input.generics.params {
        if !matches!(param, GenericParam::Lifetime(_)) {
            ctxt.error(param, "a snapshot has no type parameters: write the type itself; lifetimes are fine");
        }
    }
    let doc = attr::doc(&mut ctxt, &input.attrs, &input.ident, "snapshot");
    let Head { krate, name, scope, every } = head(&mut ctxt, &input.attrs, &input.ident);
    let questions = questions(&mut ctxt, input, name.as_deref());
    let snapshot = || {
        Some(Snapshot {
            ident: &input.ident,
            generics: &input.generics,
            krate: krate.clone(),
            name: name?,
            doc: doc?,
            scope: scope?,
            every: every?,
            questions: questions?,
        })
    };
    let snapshot = ctxt.finish(snapshot());
    (krate, snapshot)
}

/// The content of `#[snapshot(…)]`. `None` in a required key means that a mistake was recorded.
struct Head {
    krate: Path,
    name: Option<String>,
    scope: Option<Path>,
    every: Option<Ident>,
}

fn head(ctxt: &mut Ctxt, attrs: &[Attribute], snapshot: &Ident) -> Head {
    let such_as = "name = \"player.settings\", scope = USAGE, every = week";
    let nothing = |krate| Head { krate, name: None, scope: None, every: None };
    if !attrs.iter().any(|attr| attr.path().is_ident("snapshot")) {
        ctxt.error(
            snapshot,
            format!("snapshot `{snapshot}` says neither its name, its scope nor its period: write `#[snapshot({such_as})]` above it"),
        );
        return nothing(attr::candor());
    }
    let Some(mut keys) = attr::keys(ctxt, attrs, "snapshot", such_as) else { return nothing(attr::candor()) };
    let krate = keys.krate(ctxt);
    let name = keys.required(
        ctxt,
        "name",
        |entry| attr::text(entry, "player.settings").and_then(|text| event::name(&text)),
        snapshot,
        &format!("snapshot `{snapshot}` has no name: write `name = \"player.settings\"` in its `#[snapshot(…)]`"),
    );
    let scope = keys.required(
        ctxt,
        "scope",
        |entry| attr::path(entry, "USAGE"),
        snapshot,
        &format!(
            "snapshot `{snapshot}` has no scope, so nobody could agree to it: write `scope = USAGE` in its `#[snapshot(…)]`, with \
             the constant that `candor::scope!` makes"
        ),
    );
    let every = keys.required(
        ctxt,
        "every",
        |entry| attr::word(entry, "week").and_then(|word| event::one_of(&word, "period of a snapshot", &PERIODS)),
        snapshot,
        &format!("snapshot `{snapshot}` does not say how often it is reported: write `every = week` or `every = month` in its `#[snapshot(…)]`"),
    );
    keys.none_left(ctxt, "`#[snapshot(…)]`", &["name", "scope", "every", "crate"]);
    Head { krate, name, scope, every }
}

fn questions<'a>(ctxt: &mut Ctxt, input: &'a DeriveInput, name: Option<&str>) -> Option<Vec<Question<'a>>> {
    let snapshot = &input.ident;
    let Data::Struct(DataStruct { fields: Fields::Named(named), .. }) = &input.data else {
        ctxt.error(
            snapshot,
            format!(
                "snapshot `{snapshot}` is no struct with named fields: write `struct {snapshot} {{ theme: Theme }}`"
            ),
        );
        return None;
    };
    if named.named.is_empty() || named.named.len() > MOST {
        ctxt.error(
            snapshot,
            format!(
                "snapshot `{snapshot}` has {} fields, and can have 1 to {MOST}: split it in two",
                named.named.len()
            ),
        );
        return None;
    }
    let questions: Vec<_> = named.named.iter().map(|field| question(ctxt, field, name)).collect();
    questions.into_iter().collect()
}

fn question<'a>(ctxt: &mut Ctxt, field: &'a syn::Field, snapshot: Option<&str>) -> Option<Question<'a>> {
    let ident = field.ident.as_ref()?;
    let keys = map_keys(ctxt, &field.attrs, ident);
    let statistics = statistics(ctxt, &field.attrs, ident);
    let read = event::field(ctxt, field)?;
    if let Some(name) =
        snapshot.map(|name| format!("{name}.{}", ident.unraw())).filter(|name| !is_name(&format!("{name}.mean")))
    {
        ctxt.error(ident, format!("`{name}` is sent as a name and is too long: 43 bytes at most, so shorten the field's or the snapshot's name"));
        return None;
    }
    if matches!(read.kind, Kind::Hash { .. } | Kind::Cohort { .. } | Kind::Item { .. } | Kind::Tenure) {
        ctxt.error(
            ident,
            format!("field `{ident}` of a snapshot has a code, an item or a tenure, which only events have: leave it out, or report it in an event"),
        );
        return None;
    }
    let (keys, statistics) = (keys?, statistics?);
    let is_number = matches!(&read.kind, Kind::Classed { class, .. } if class.takes_whole_numbers());
    if keys.is_some() && !is_number {
        ctxt.error(
            ident,
            format!("field `{ident}` is a map, whose values are counts: give them a class of numbers, such as `#[field(count, example = 3)]`"),
        );
        return None;
    }
    if statistics.iter().any(|statistic| statistic != "Last") {
        if keys.is_some() {
            ctxt.error(
                ident,
                format!("field `{ident}` is a map, of which the last counts are reported: leave `#[gauge(…)]` out"),
            );
            return None;
        }
        if !matches!(&read.kind, Kind::Classed { class, .. } if class.is_ordered()) {
            ctxt.error(
                ident,
                format!("field `{ident}` is no number, so it has no smallest, mean or largest value: leave `#[gauge(…)]` out, or use a class of numbers"),
            );
            return None;
        }
    }
    Some(Question { field: read, statistics, keys })
}

/// Reads `#[gauge(min, mean, max, last)]`. Without it, the last value is reported.
fn statistics(ctxt: &mut Ctxt, attrs: &[Attribute], field: &Ident) -> Option<Vec<Ident>> {
    let Some(attr) = attrs.iter().find(|attr| attr.path().is_ident("gauge")) else {
        return Some(vec![Ident::new("Last", field.span())]);
    };
    let words = attr.parse_args_with(syn::punctuated::Punctuated::<Ident, syn::Token![,]>::parse_terminated);
    let words = ctxt.keep(words)?;
    let mut found: Vec<Ident> = Vec::new();
    for word in &words {
        let Some((_, variant)) = STATISTICS.iter().find(|(known, _)| word == known) else {
            let known = STATISTICS.map(|(word, _)| word);
            let meant = did_you_mean(word, &known);
            ctxt.error(word, format!("there is no statistic `{word}`{meant}: write {}", listed(&known)));
            return None;
        };
        if found.iter().any(|other| other == variant) {
            ctxt.error(word, format!("`{word}` is written twice: leave one of the two out"));
            return None;
        }
        found.push(Ident::new(variant, word.span()));
    }
    if found.is_empty() {
        ctxt.error(
            attr,
            "`#[gauge()]` names no statistic: write `#[gauge(max)]`, or leave it out, which reports the last value",
        );
        return None;
    }
    Some(found)
}

/// Reads `#[map]` and `#[map(keys = ["mp3", "flac"])]`. The outer `None` means that a mistake was recorded.
fn map_keys(ctxt: &mut Ctxt, attrs: &[Attribute], field: &Ident) -> Option<Option<MapKeys>> {
    let Some(attr) = attrs.iter().find(|attr| attr.path().is_ident("map")) else { return Some(None) };
    if matches!(attr.meta, syn::Meta::Path(_)) {
        return Some(Some(MapKeys::Closed));
    }
    let mut keys = attr::keys(ctxt, attrs, "map", "keys = [\"mp3\", \"flac\"]")?;
    let list = keys.required(
        ctxt,
        "keys",
        |(key, value)| words(&key, value.as_ref()),
        field,
        &format!("field `{field}`: `#[map(…)]` takes `keys = [\"mp3\", \"flac\"]`; where the keys are a category write `#[map]`"),
    );
    keys.none_left(ctxt, "`#[map(…)]`", &["keys"]);
    list.map(|list| Some(MapKeys::Words(list)))
}

fn words(key: &Ident, value: Option<&Expr>) -> Result<Vec<String>> {
    let wrong = || {
        syn::Error::new_spanned(
            key,
            "`keys` is a list of 1 to 63 different words in lower case: write `keys = [\"mp3\", \"flac\"]`; `other` is added",
        )
    };
    let Some(Expr::Array(array)) = value.map(attr::bare) else { return Err(wrong()) };
    let list: Option<Vec<&LitStr>> = array.elems.iter().map(attr::as_text).collect();
    let list: Vec<String> = list.ok_or_else(wrong)?.into_iter().map(LitStr::value).collect();
    let mut sorted = list.clone();
    sorted.sort();
    sorted.dedup();
    let plain = |word: &String| {
        !word.is_empty()
            && word.len() <= 48
            && word != "other"
            && word
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && !b"\"\\".contains(&byte))
    };
    if sorted.len() != list.len() || list.is_empty() || list.len() > 63 || !list.iter().all(plain) {
        return Err(wrong());
    }
    Ok(list)
}
