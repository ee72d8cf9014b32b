//! Schemas: the static description of an event's type, for the manifest, the contract and the journal. Never holds a
//! value of an event.

use super::{check, class::INVALID};
use crate::{
    ambient::Day,
    consent::Scope,
    language::{self, Locale, Say, phrase},
    precision::Precision,
};
use std::sync::atomic::{AtomicU32, Ordering};

/// How many fields an event may have: as many as fit into one cache line, together with the rest of a generalised
/// event.
pub(crate) const MAX_FIELDS: usize = 16;

/// What the recipient can link, once events of this type have been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Linkage {
    /// Events are counted on the device. Once a day, the number of times that each combination of outcomes occurred is
    /// sent.
    Rollup,
    /// Each event is sent as a record of its own, without a code. The records of one day and scope arrive in one
    /// request, in random order. The only link between them is that they arrive together.
    None,
    /// Identifiers keep their code until the program ends or the UTC day ends.
    Session,
    /// Identifiers keep their code for a UTC day.
    Day,
    /// Identifiers keep their code for a UTC week (Monday to Sunday).
    Week,
    /// Identifiers keep their code for a UTC month.
    Month,
}

impl Linkage {
    /// The word used in `#[event(linkage = …)]` and in contracts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Linkage::Rollup => "rollup",
            Linkage::None => "none",
            Linkage::Session => "session",
            Linkage::Day => "day",
            Linkage::Week => "week",
            Linkage::Month => "month",
        }
    }

    /// Describes the linkage in words for people, in English.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        language::in_english(self.say())
    }

    /// The sentence that describes it, for any language.
    pub(crate) const fn say(self) -> Say {
        match self {
            Linkage::Rollup => Say::Rollup,
            Linkage::None => Say::NoLinkage,
            Linkage::Session => Say::Session,
            Linkage::Day => Say::Day,
            Linkage::Week => Say::Week,
            Linkage::Month => Say::Month,
        }
    }

    /// Whether events of this linkage carry a code that stays the same for a period.
    pub(crate) const fn carries_code(self) -> bool {
        !matches!(self, Linkage::Rollup | Linkage::None)
    }
}

/// A field's declared example. The manifest shows it both raw and as it would be sent.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Example {
    /// A number in the precision's unit.
    Number(i64),
    /// The raw value in words, and a function that returns its outcome.
    Words(&'static str, fn() -> u16),
    /// Text that would be hashed.
    Text(&'static str),
    /// The first outcome: the first variant of a category. For a flag, it is yes.
    First,
}

/// The name of the group of fields that describe a person's content. The fields of one group are quantities of which
/// one can be calculated from the others.
pub(crate) const MEDIA: &str = "media";

/// One field of an event.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::exhaustive_structs, reason = "written out by the derive in other crates")]
pub struct Field {
    /// The field's name, and the attribute's key on the wire.
    pub name: &'static str,
    /// The doc comment, which the person reads.
    pub doc: &'static str,
    /// The privacy class, such as `bitrate`.
    pub class: &'static str,
    /// The partition of its values.
    pub precision: Precision,
    /// Whether it can be unknown or unreadable, in which case it is not sent.
    pub optional: bool,
    /// The group of quantities that reveal each other, or empty. `media` describes a person's content, which is sent
    /// only in a daily roll-up.
    pub group: &'static str,
    /// For codes and cohorts: the name space in which the same value gives the same code. Empty for other fields.
    pub domain: &'static str,
    /// Why single numbers are sent exactly, or why a field that looks like content is not content.
    pub reason: Option<&'static str>,
    /// The declared example.
    pub example: Example,
}

impl Field {
    /// How many outcomes the field has in the event's budget, including "unknown".
    #[must_use]
    pub const fn outcomes(&self) -> u64 {
        match self.precision {
            Precision::Code { .. } => 1,
            _ => self.precision.outcomes() + self.optional as u64,
        }
    }

    /// The reason why the field is sent as it is, in words for people, in English. `None` if the field gives no reason.
    #[must_use]
    pub fn because(&self) -> Option<String> {
        Some(phrase::because(&Locale::ENGLISH, self.class, self.reason?))
    }

    /// The example as the raw value that the person's computer would hold.
    #[must_use]
    pub fn example_raw(&self) -> String {
        match (self.example, &self.precision) {
            (Example::Number(n), Precision::Cuts { unit, .. }) => unit.words(n),
            (Example::Number(n), _) => n.to_string(),
            (Example::Words(text, _) | Example::Text(text), _) => text.into(),
            (Example::First, precision) => precision.words(self.example_outcome()),
        }
    }

    /// The outcome of the example.
    #[must_use]
    pub fn example_outcome(&self) -> u16 {
        match (self.example, &self.precision) {
            (Example::Number(n), precision) => precision.outcome_of(n),
            (Example::Words(_, outcome), _) => match outcome() {
                INVALID => 0,
                outcome => outcome,
            },
            (Example::First, Precision::Flag) => 2,
            (Example::Text(_) | Example::First, _) => 1,
        }
    }
}

/// The default for `one_in`, and the smallest value that the event's outcomes can require.
pub(crate) const ONE_IN: u64 = 32;

/// The item field: it names the thing that an event is about, such as a film, and decides whether the event is counted.
/// Its value is hashed under a secret of the grant and then dropped.
///
/// Only a few items are sampled, and always the same ones, because counts of everything that a person plays identify
/// their library in the long run. An item that is not sampled is never counted, however long the observation lasts.
///
/// The more an event says about an item, the fewer items are sampled: one in three times the number of the event's
/// outcomes, rounded up to a power of two, and at least 32. What the event reveals about a library is about
/// (outcomes - 1) / 2 / `one_in` nats, which is then at most about a sixth of a nat, whatever is played and for however
/// long.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::exhaustive_structs, reason = "written out by the derive in other crates")]
pub struct Item {
    /// The field's name, which is never sent.
    pub name: &'static str,
    /// The doc comment, which the person reads.
    pub doc: &'static str,
    /// The name space. Events that name the same items in it sample the same ones.
    pub domain: &'static str,
    /// One item in this many is sampled. 0 asks for the default, which follows from the event's outcomes.
    pub one_in: u64,
    /// Why more items are sampled than the default allows, where that is so.
    pub reason: Option<&'static str>,
}

impl Item {
    /// Describes how the field is used, in words for people, in English.
    #[must_use]
    pub fn describe(&self) -> String {
        phrase::item(&Locale::ENGLISH, self.one_in, self.reason)
    }
}

/// The static description of an event's type. The derive makes one for each type, and its rules are checked in `const`.
#[derive(Debug)]
pub struct Schema {
    name: &'static str,
    doc: &'static str,
    scope: Scope,
    linkage: Linkage,
    fields: &'static [Field],
    item: Option<Item>,
    /// The last UTC day on which the event is recorded.
    until: Option<Day>,
    /// The package that declares it, if Cargo compiled it.
    package: Option<&'static str>,
    /// A dense number from 1, assigned by the registry. 0 means "not registered".
    index: AtomicU32,
    /// How many values of each field could not be read since the program started. Never leaves this computer.
    unreadable: [AtomicU32; MAX_FIELDS],
}

impl Schema {
    /// For the derive: checks the event's rules (names, words, linkage, budget). If a rule is broken, it panics at
    /// compile time with a message that says what to write instead.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub const fn declare(
        name: &'static str,
        doc: &'static str,
        scope: Scope,
        linkage: Linkage,
        fields: &'static [Field],
        item: Option<Item>,
    ) -> Self {
        check::event(name, linkage, fields, item.as_ref());
        let item = match item {
            Some(item) if item.one_in == 0 => Some(Item { one_in: check::one_in(fields), ..item }),
            item => item,
        };
        let unreadable = [const { AtomicU32::new(0) }; MAX_FIELDS];
        Schema {
            name,
            doc,
            scope,
            linkage,
            fields,
            item,
            until: None,
            package: None,
            index: AtomicU32::new(0),
            unreadable,
        }
    }

    /// For the derive: sets the last UTC day on which the event is recorded, as a day number counted from 1970-01-01. A
    /// negative number becomes 1970-01-01, which is long over.
    #[doc(hidden)]
    #[must_use]
    pub const fn ending(mut self, day: i64) -> Self {
        self.until = Some(Day(if day < 0 { 0 } else { day as u32 }));
        self
    }

    /// For the derive: sets the package that declares the event.
    #[doc(hidden)]
    #[must_use]
    pub const fn in_package(mut self, package: Option<&'static str>) -> Self {
        self.package = package;
        self
    }

    pub(crate) const fn package(&self) -> Option<&'static str> {
        self.package
    }

    /// The event's name, such as `playback.finished`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The doc comment, which the person reads.
    #[must_use]
    pub const fn doc(&self) -> &'static str {
        self.doc
    }

    /// The scope that must be granted before the event is recorded.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        self.scope
    }

    /// What the recipient can link.
    #[must_use]
    pub const fn linkage(&self) -> Linkage {
        self.linkage
    }

    /// The fields, in declared order.
    #[must_use]
    pub const fn fields(&self) -> &'static [Field] {
        self.fields
    }

    /// The item field, if the event samples items.
    #[must_use]
    pub const fn item(&self) -> Option<&Item> {
        self.item.as_ref()
    }

    /// The last UTC day on which it is recorded, such as `2027-06-30`. `None` if no last day is declared.
    #[must_use]
    pub fn until(&self) -> Option<String> {
        self.until.map(|day| day.to_string())
    }

    pub(crate) const fn last_day(&self) -> Option<Day> {
        self.until
    }

    /// How many distinct outcomes the event's fields have together. Codes are not counted.
    #[must_use]
    pub fn outcomes(&self) -> u64 {
        self.fields.iter().map(Field::outcomes).fold(1, u64::saturating_mul)
    }

    /// Whether the fields can have these outcomes. An implementation written by hand may claim others, and those are
    /// not sent.
    pub(crate) fn admits(&self, outcomes: &[u16; MAX_FIELDS]) -> bool {
        self.could_keep(outcomes) && self.fields.iter().zip(outcomes).all(|(field, it)| *it != 0 || field.optional)
    }

    /// Whether a stored record can have these outcomes. Unlike in [`admits`](Schema::admits), any field may be missing,
    /// since the person may have agreed to less than this version would send.
    pub(crate) fn could_keep(&self, outcomes: &[u16; MAX_FIELDS]) -> bool {
        let known = |field: &Field, outcome: u16| u64::from(outcome) <= field.precision.outcomes();
        let fields = self.fields.iter().map(Some).chain(std::iter::repeat(None));
        fields.zip(outcomes).all(|(field, outcome)| field.map_or(*outcome == 0, |field| known(field, *outcome)))
    }

    /// Counts one unreadable value for each field whose bit is set.
    #[cold]
    pub(crate) fn count_unreadable(&self, fields: u16) {
        for (at, count) in self.unreadable.iter().enumerate() {
            if fields & (1 << at) != 0 {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How many values of the field at `at` could not be read since the program started.
    pub(crate) fn unreadable(&self, at: usize) -> u32 {
        self.unreadable.get(at).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    #[inline]
    pub(crate) fn index(&self) -> u32 {
        self.index.load(Ordering::Relaxed)
    }

    pub(crate) fn set_index(&self, index: u32) {
        self.index.store(index, Ordering::Release);
    }
}

/// An event type that is linked into the program. The derive registers it, so a manifest can't omit one.
#[doc(hidden)]
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "built by the derive in other crates")]
pub struct Linked(pub &'static Schema);

inventory::collect!(Linked);
