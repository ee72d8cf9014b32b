//! `#[derive(Event)]`: reads a struct and its `#[event(…)]` into a model without mistakes.
//!
//! Only rules that can be checked on the tokens alone are checked here. Rules that depend on types or on several fields
//! together (the budget, codes and their period, content) are checked by `candor::event` in `const`, and never here as
//! well.

mod field;

use crate::{
    attr,
    ctxt::Ctxt,
    names::{self, did_you_mean, event_name, is_name, listed},
};
pub(crate) use field::{Class, Example, Field, Kind, Shape, Value, read as field};

use syn::{
    Attribute, Data, DataStruct, DeriveInput, Error, Fields, GenericParam, Generics, Ident, LitStr, Path, Result,
};

/// An event that was read without a mistake.
pub(crate) struct Event<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) generics: &'a Generics,
    pub(crate) krate: Path,
    pub(crate) name: String,
    pub(crate) doc: String,
    pub(crate) scope: Path,
    /// The variant of `candor::event::Linkage`, with the span of the word in the source.
    pub(crate) linkage: Ident,
    pub(crate) period: Option<Told>,
    /// Year, month and day of the last UTC day on which the event is recorded.
    pub(crate) until: Option<(i64, i64, i64)>,
    pub(crate) fields: Vec<Field<'a>>,
}

/// When an event with a period is told.
pub(crate) enum Told {
    /// A roll-up: how often its counts are sent, and why more often than by default.
    Every(Ident, Option<String>),
    /// A once-event: its period, and which values it reports.
    Once(Ident, Option<Ident>),
}

const PERIODS: [(&str, &str); 3] = [("day", "Day"), ("week", "Week"), ("month", "Month")];

const VALUES: [(&str, &str); 2] = [("first", "First"), ("last", "Last")];

const LINKAGES: [(&str, &str); 6] = [
    ("rollup", "Rollup"),
    ("none", "None"),
    ("session", "Session"),
    ("day", "Day"),
    ("week", "Week"),
    ("month", "Month"),
];

/// Returns the path to candor, which even a broken event needs, and the event.
pub(crate) fn read(input: &DeriveInput) -> (Path, Result<Event<'_>>) {
    let mut ctxt = Ctxt::default();
    generics(&mut ctxt, &input.generics);
    let doc = attr::doc(&mut ctxt, &input.attrs, &input.ident, "event");
    let head = head(&mut ctxt, &input.attrs, &input.ident);
    let fields = fields(&mut ctxt, input);
    let Head { krate, name, scope, linkage, period, until } = head;
    let event = || {
        Some(Event {
            ident: &input.ident,
            generics: &input.generics,
            krate: krate.clone(),
            name: name?,
            doc: doc?,
            scope: scope?,
            linkage: linkage?,
            period,
            until,
            fields: fields?,
        })
    };
    let event = ctxt.finish(event());
    (krate, event)
}

fn generics(ctxt: &mut Ctxt, generics: &Generics) {
    for param in &generics.params {
        if !matches!(param, GenericParam::Lifetime(_)) {
            ctxt.error(
                param,
                "an event has no type parameters, since there is one schema for one event: write the type itself; \
                 lifetimes are fine",
            );
        }
    }
}

/// The content of `#[event(…)]`. `None` in a required key means that a mistake was recorded.
struct Head {
    krate: Path,
    name: Option<String>,
    scope: Option<Path>,
    linkage: Option<Ident>,
    period: Option<Told>,
    until: Option<(i64, i64, i64)>,
}

fn head(ctxt: &mut Ctxt, attrs: &[Attribute], event: &Ident) -> Head {
    let proposed = event_name(&event.to_string());
    let such_as = format!("name = \"{proposed}\", scope = PLAYBACK, linkage = rollup");
    if !attrs.iter().any(|attr| attr.path().is_ident("event")) {
        ctxt.error(
            event,
            format!(
                "event `{event}` says neither its name, its scope nor its linkage: write `#[event({such_as})]` above it"
            ),
        );
        return Head { krate: attr::candor(), name: None, scope: None, linkage: None, period: None, until: None };
    }
    let Some(mut keys) = attr::keys(ctxt, attrs, "event", &such_as) else {
        return Head { krate: attr::candor(), name: None, scope: None, linkage: None, period: None, until: None };
    };
    let krate = keys.krate(ctxt);
    let name = keys.required(
        ctxt,
        "name",
        |entry| attr::text(entry, &proposed).and_then(|text| name(&text)),
        event,
        &format!("event `{event}` has no name: write `name = \"{proposed}\"` in its `#[event(…)]`"),
    );
    let scope = keys.required(
        ctxt,
        "scope",
        |entry| attr::path(entry, "PLAYBACK"),
        event,
        &format!(
            "event `{event}` has no scope, so nobody could agree to it: write `scope = PLAYBACK` in its `#[event(…)]`, \
             with the constant that `candor::scope!` makes"
        ),
    );
    let once = keys.take(ctxt, "once");
    let once =
        once.map(|entry| ctxt.keep(attr::word(entry, "week").and_then(|word| one_of(&word, "period", &PERIODS))));
    let linkage = match once {
        // Its linkage is `once`, which is written as the period.
        Some(_) => {
            if let Some(entry) = keys.take(ctxt, "linkage") {
                ctxt.error(
                    &entry.0,
                    format!(
                        "event `{event}` has both `once` and `linkage`: a once-event is a record without a code, so leave \
                         `linkage` out; or leave `once` out"
                    ),
                );
            }
            Some(Ident::new("Once", event.span()))
        }
        None => keys.required(
            ctxt,
            "linkage",
            |entry| attr::word(entry, "rollup").and_then(|word| linkage(&word)),
            event,
            &format!(
                "event `{event}` does not say what links one to the next: in its `#[event(…)]` write `linkage = rollup` to \
                 send only counts, `once = week` to report at most one from each installation and week, `linkage = none` \
                 to send each on its own, or `linkage = session`, `day`, `week` or `month` for how long a `hash` field \
                 keeps its code"
            ),
        ),
    };
    let values = keys.take(ctxt, "values");
    let values = values.and_then(|entry| {
        if once.is_none() {
            ctxt.error(
                &entry.0,
                format!(
                    "event `{event}`: `values` says which values an event reports that is reported once in a period: write \
                     `once = week` instead of the linkage, or leave `values` out"
                ),
            );
            return None;
        }
        ctxt.keep(attr::word(entry, "first").and_then(|word| one_of(&word, "choice of values", &VALUES)))
    });
    let every = keys.take(ctxt, "every");
    let every = every.and_then(|entry| {
        if once.is_some() {
            ctxt.error(
                &entry.0,
                format!(
                    "event `{event}` has both `once` and `every`: `once` has its period already, so leave `every` out"
                ),
            );
            return None;
        }
        ctxt.keep(attr::word(entry, "week").and_then(|word| one_of(&word, "period", &PERIODS)))
    });
    let reason = keys.take(ctxt, "reason").and_then(|entry| {
        if every.is_none() {
            ctxt.error(
                &entry.0,
                format!(
                    "event `{event}`: a `reason` here says why counts of what a person plays are sent more often than once a \
                     month: write `every = week` beside it, or leave it out"
                ),
            );
            return None;
        }
        ctxt.keep(attr::text(entry, "films stutter only in their first week").map(|text| text.value()))
    });
    let period = match (once, every) {
        (Some(Some(period)), _) => Some(Told::Once(period, values)),
        (None, Some(period)) => Some(Told::Every(period, reason)),
        _ => None,
    };
    if let Some(entry) = keys.take(ctxt, "about") {
        ctxt.keep(attr::word(entry, "installation").and_then(|word| about(&word)));
    }
    let until = keys.take(ctxt, "until");
    let until = until.and_then(|entry| ctxt.keep(attr::text(entry, "2027-06-30").and_then(|text| last_day(&text))));
    keys.none_left(
        ctxt,
        "`#[event(…)]`",
        &["name", "scope", "linkage", "once", "values", "every", "reason", "until", "about", "crate"],
    );
    Head { krate, name, scope, linkage, period, until }
}

fn last_day(text: &LitStr) -> Result<(i64, i64, i64)> {
    let day = text.value();
    // `field::date` also accepts a year and a month, which do not name a day.
    field::date(&day).filter(|_| day.len() == "2027-06-30".len()).ok_or_else(|| {
        Error::new_spanned(
            text,
            format!("`{day}` is not a day: write the last UTC day on which the event is recorded, such as `until = \"2027-06-30\"`"),
        )
    })
}

pub(crate) fn name(text: &LitStr) -> Result<String> {
    let name = text.value();
    if is_name(&name) {
        return Ok(name);
    }
    Err(Error::new_spanned(
        text,
        format!("`{name}` is not a valid name: use {}, such as `playback.finished`", names::RULE),
    ))
}

/// The variant for one of the words that a key can have.
pub(crate) fn one_of(word: &Ident, what: &str, known: &[(&str, &str)]) -> Result<Ident> {
    if let Some((_, variant)) = known.iter().find(|(known, _)| word == known) {
        return Ok(Ident::new(variant, word.span()));
    }
    let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
    let meant = did_you_mean(word, &words);
    Err(Error::new_spanned(word, format!("there is no {what} `{word}`{meant}: write {}", listed(&words))))
}

fn linkage(word: &Ident) -> Result<Ident> {
    if let Some((_, variant)) = LINKAGES.iter().find(|(known, _)| word == known) {
        return Ok(Ident::new(variant, word.span()));
    }
    let known = LINKAGES.map(|(word, _)| word);
    let meant = did_you_mean(word, &known);
    Err(Error::new_spanned(word, format!("there is no linkage `{word}`{meant}: write {}", listed(&known))))
}

fn about(word: &Ident) -> Result<()> {
    if word == "installation" {
        return Ok(());
    }
    Err(if word == "subject" {
        Error::new_spanned(
            word,
            "events about a subject can't be recorded yet: servers are not supported; write `about = installation`, \
             and record only the doings of the person who agreed",
        )
    } else {
        Error::new_spanned(
            word,
            format!("an event can't be about `{word}`: write `about = installation`, or leave it out"),
        )
    })
}

fn fields<'a>(ctxt: &mut Ctxt, input: &'a DeriveInput) -> Option<Vec<Field<'a>>> {
    let event = &input.ident;
    match &input.data {
        Data::Struct(DataStruct { fields: Fields::Named(named), .. }) => {
            let fields: Vec<_> = named.named.iter().map(|field| field::read(ctxt, field)).collect();
            let fields: Vec<_> = fields.into_iter().collect::<Option<_>>()?;
            for again in fields.iter().filter(|field| matches!(field.kind, Kind::Item { .. })).skip(1) {
                ctxt.error(
                    again.ident,
                    format!("event `{event}` has a second `item` field: one says which items are counted"),
                );
            }
            Some(fields)
        }
        Data::Struct(DataStruct { fields: Fields::Unit, .. }) => Some(Vec::new()),
        Data::Struct(DataStruct { fields: Fields::Unnamed(unnamed), .. }) => {
            ctxt.error(
                unnamed,
                format!(
                    "event `{event}` has fields without names, but a value is sent under its field's name: write \
                     `struct {event} {{ cause: Cause }}`, or `struct {event};` when there is nothing to add"
                ),
            );
            None
        }
        Data::Enum(_) => {
            ctxt.error(
                event,
                format!(
                    "event `{event}` is an enum, but an event is a struct: write `struct {event} {{ … }}`, and let an \
                     enum that derives `candor::Category` be one of its fields"
                ),
            );
            None
        }
        Data::Union(_) => {
            ctxt.error(
                event,
                format!("event `{event}` is a union, but an event is a struct: write `struct {event} {{ … }}`"),
            );
            None
        }
    }
}
