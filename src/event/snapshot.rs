//! Snapshots: what a program reports of its state once in a period. Each field is a record of its own, so that no record holds the
//! whole row.
//!
//! Underneath, each field is a once-event with one value. This module turns a snapshot into their outcomes. It never keeps a value.

use super::{
    class::{INVALID, Number, Whole},
    field::MAX_FIELDS,
    schema::Schema,
    sink::{Codes, Sink},
};
use crate::{
    consent::Scope,
    precision::{Precision, Unit},
};
use std::collections::{BTreeMap, HashMap};

/// What a program reports of its state once a week or month, such as its settings. Derive it:
///
/// ```
/// use candor::{Category, Snapshot};
/// use std::collections::BTreeMap;
/// # candor::scope! {
/// #     /// Find out which settings people use, so that the others can be removed.
/// #     pub SETTINGS = "settings" { title: "Settings", revision: 1, about: installation, retention: 90 days,
/// #         benefit: "Settings that are looked after", other_uses: none }
/// # }
/// #[derive(Category, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
/// enum Format { Mp3, Flac, Other }
///
/// /// How the music server is set up, and what it holds.
/// #[derive(Snapshot)]
/// #[snapshot(name = "server.state", scope = SETTINGS, every = week)]
/// struct ServerState {
///     /// Whether sharing is switched on.
///     sharing: bool,
///     /// How many songs it has.
///     #[field(count, example = 12_000)]
///     songs: u64,
///     /// How much memory it used at most.
///     #[field(byte_size, example = 200_000_000)]
///     #[gauge(max)]
///     memory: u64,
///     /// How many songs it has of each format.
///     #[field(count, example = 700)]
///     #[map]
///     formats: BTreeMap<Format, u64>,
/// }
///
/// candor::record_snapshot(ServerState {
///     sharing: true,
///     songs: 11_873,
///     memory: 183_500_800,
///     formats: BTreeMap::from([(Format::Mp3, 9_000), (Format::Flac, 2_873)]),
/// });
/// ```
///
/// An installation reports each field at most once in a period, when the period is over. Recording a snapshot again in the same
/// period updates it: the last value that is known is reported. Each field is an [event](super::Event) of its own with one value, named by the snapshot and the field:
/// `server.state.sharing`. A map has one record for each of its keys.
///
/// A field of the class `count` is rounded at random to one of the two steps beside it, so that sums over many installations are
/// right. The choice follows from a secret of the grant and the value, so that the same value is always rounded in the same way.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a snapshot",
    note = "write `#[derive(candor::Snapshot)]` and `#[snapshot(name = \"…\", scope = …, every = week)]` above it"
)]
pub trait Snapshot {
    /// The scope that must be granted before it is recorded.
    const SCOPE: Scope;

    /// Whom it is about. Only snapshots of the [`Installation`](super::Installation) can be recorded.
    type About;

    /// Writes the outcome of each field.
    fn answer(&self, answers: &mut Answers<'_>);
}

/// What takes the outcomes of one field: the schema of its event, its outcomes, one bit for each that could not be read, and whether a
/// key was missing.
pub(crate) type Take<'a> = dyn FnMut(&'static Schema, [u16; MAX_FIELDS], u16, bool) + 'a;

/// Where a snapshot writes the outcomes of its fields.
pub struct Answers<'a> {
    codes: &'a dyn Codes,
    take: &'a mut Take<'a>,
}

/// The name space in which a secret of the grant chooses to which step a value is rounded.
const ROUND: &str = "candor.round";

impl<'a> Answers<'a> {
    pub(crate) fn new(codes: &'a dyn Codes, take: &'a mut Take<'a>) -> Self {
        Answers { codes, take }
    }

    /// For the derive: a field whose class rounds its value down.
    #[doc(hidden)]
    pub fn field(&mut self, schema: &'static Schema, write: impl FnOnce(&mut Sink<'_>)) {
        let mut sink = Sink::new(schema, self.codes);
        write(&mut sink);
        (self.take)(schema, sink.outcomes, sink.unreadable, false);
    }

    /// For the derive: a field whose value is rounded at random.
    #[doc(hidden)]
    pub fn number(&mut self, schema: &'static Schema, value: impl FnOnce(Unit) -> Option<Option<i64>>) {
        let unit = match schema.fields().first().map(|field| field.precision) {
            Some(Precision::Cuts { unit, .. }) => unit,
            _ => Unit::Count,
        };
        let value = value(unit);
        let (outcome, unreadable, keyless) = match value {
            None => (0, 0, false),
            Some(None) => (0, 1, false),
            Some(Some(value)) => match rounded(self.codes, schema, 0, 0, value) {
                Some(outcome) => (outcome, 0, false),
                None => (0, 0, true),
            },
        };
        let mut outcomes = [0; MAX_FIELDS];
        let [first, ..] = &mut outcomes;
        *first = outcome;
        (self.take)(schema, outcomes, unreadable, keyless);
    }

    /// For the derive: a map. Values with the same label are added up.
    #[doc(hidden)]
    pub fn map(&mut self, schema: &'static Schema, pairs: impl Iterator<Item = (u16, Option<i64>)>) {
        let mut sums: BTreeMap<u16, i64> = BTreeMap::new();
        let mut unreadable = 0;
        for (label, value) in pairs {
            match value {
                // A count below zero is an error of the program.
                Some(value) if value >= 0 => {
                    let sum = sums.entry(label).or_default();
                    *sum = sum.saturating_add(value);
                }
                _ => unreadable = 2,
            }
        }
        let mut report = |label: u16, outcome: u16, unreadable: u16, keyless: bool| {
            let mut outcomes = [0; MAX_FIELDS];
            let [key, value, ..] = &mut outcomes;
            (*key, *value) = (label, outcome);
            (self.take)(schema, outcomes, unreadable, keyless);
        };
        if unreadable != 0 {
            report(0, 0, unreadable, false);
        }
        for (label, sum) in sums {
            match rounded(self.codes, schema, 1, label, sum) {
                Some(outcome) => report(label, outcome, 0, false),
                None => report(label, 0, 0, true),
            }
        }
    }
}

/// The outcome of a value, rounded to one of the two steps beside it with a probability that makes the expectation right. `None`
/// if there is no key now.
fn rounded(codes: &dyn Codes, schema: &'static Schema, field: usize, label: u16, value: i64) -> Option<u16> {
    let precision = schema.fields().get(field)?.precision;
    let mut text = schema.name().as_bytes().to_vec();
    text.extend_from_slice(&label.to_le_bytes());
    text.extend_from_slice(&value.to_le_bytes());
    let drawn = codes.draw(schema, ROUND, &text)?;
    Some(precision.at_random(value, drawn))
}

impl std::fmt::Debug for Answers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answers").finish_non_exhaustive()
    }
}

/// A value that is rounded at random: a number in the unit of its class, or an `Option` of one.
pub trait Raw {
    /// The number: `None` if it is unknown, `Some(None)` if it can't be read.
    fn raw(&self, unit: Unit) -> Option<Option<i64>>;
}

impl<T: Number> Raw for T {
    fn raw(&self, unit: Unit) -> Option<Option<i64>> {
        Some(self.whole(unit).filter(|value| *value >= 0))
    }
}

impl<T: Number> Raw for Option<T> {
    fn raw(&self, unit: Unit) -> Option<Option<i64>> {
        self.as_ref().and_then(|value| value.raw(unit))
    }
}

/// The map types that a field marked with `#[map]` can have: maps and lists of pairs, from a category or a text to a whole number.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no map",
    label = "not a map",
    note = "`#[map]` marks a `BTreeMap`, a `HashMap`, or a slice or `Vec` of pairs, from a category or a text to a whole number"
)]
pub trait Map {
    /// The type of the keys.
    type Key;
    /// The type of the counts.
    type Value;

    /// The keys with their counts; `None` for one that can't be read.
    fn pairs(&self) -> impl Iterator<Item = (&Self::Key, Option<i64>)>;
}

impl<K, V: Whole> Map for BTreeMap<K, V> {
    type Key = K;
    type Value = V;
    fn pairs(&self) -> impl Iterator<Item = (&K, Option<i64>)> {
        self.iter().map(|(key, value)| (key, value.whole(Unit::Count)))
    }
}

impl<K, V: Whole, S> Map for HashMap<K, V, S> {
    type Key = K;
    type Value = V;
    fn pairs(&self) -> impl Iterator<Item = (&K, Option<i64>)> {
        self.iter().map(|(key, value)| (key, value.whole(Unit::Count)))
    }
}

impl<K, V: Whole> Map for Vec<(K, V)> {
    type Key = K;
    type Value = V;
    fn pairs(&self) -> impl Iterator<Item = (&K, Option<i64>)> {
        self.iter().map(|(key, value)| (key, value.whole(Unit::Count)))
    }
}

/// For the derive: the outcome of a word in a list of labels, of which the last one is for all others. Upper and lower case of
/// ASCII letters are not distinguished.
#[doc(hidden)]
#[must_use]
pub fn word(labels: &[&str], word: &str) -> u16 {
    let known = labels.iter().position(|label| label.eq_ignore_ascii_case(word));
    u16::try_from(known.map_or(labels.len(), |at| at + 1)).unwrap_or(INVALID)
}
