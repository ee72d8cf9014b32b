//! Schemas: what an event's type says about itself, for the manifest, the contract and the journal.

use super::{check, class::INVALID};
use crate::{
    ambient::Day,
    consent::Scope,
    language::{self, Locale, Say, phrase},
    precision::Precision,
};
use std::sync::atomic::{AtomicU32, Ordering};

/// How many fields an event may have: as many outcomes as fit beside the rest in one cache line.
pub(crate) const MAX_FIELDS: usize = 16;

/// What can be linked to what, once events of this type have left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Linkage {
    /// Events are counted on the device; what leaves, once a day, is how often each combination happened.
    Rollup,
    /// Each event leaves as a line of its own, without a code. The lines of one day and scope arrive in one request, in
    /// random order: what ties them is that they arrive together.
    None,
    /// Identifiers keep their code until the program or the UTC day ends.
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

    /// What it means, in words for people. In English.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        language::in_english(self.say())
    }

    /// The sentence that says so, in any language.
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

    /// Whether events of this linkage carry a code that stays the same for a while.
    pub(crate) const fn carries_code(self) -> bool {
        !matches!(self, Linkage::Rollup | Linkage::None)
    }
}

/// A field's declared example, shown in the manifest raw and as it would be sent.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Example {
    /// A number in the precision's unit.
    Number(i64),
    /// What stands on the computer, in words, and the outcome it becomes.
    Words(&'static str, fn() -> u16),
    /// Text that would be hashed.
    Text(&'static str),
    /// The first outcome: the first variant of a category; for a flag, yes.
    First,
}

/// Quantities of which one can be worked out from the others. `media` is the group of what describes a person's content.
pub(crate) const MEDIA: &str = "media";

/// One field of an event.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::exhaustive_structs, reason = "written out by the derive in other crates")]
pub struct Field {
    /// The field's name, and the attribute's key on the wire.
    pub name: &'static str,
    /// The doc comment: the person's text.
    pub doc: &'static str,
    /// The privacy class, such as `bitrate`.
    pub class: &'static str,
    /// The partition of its values.
    pub precision: Precision,
    /// Whether it may be unknown or unreadable, in which case it is not sent.
    pub optional: bool,
    /// The group of quantities that give each other away, or empty. `media` describes a person's content, which leaves
    /// only in a daily roll-up.
    pub group: &'static str,
    /// For codes and cohorts: the name space, in which the same value gives the same code. Else empty.
    pub domain: &'static str,
    /// Why numbers leave exactly, or why what looks like content is none.
    pub reason: Option<&'static str>,
    /// The declared example.
    pub example: Example,
}

impl Field {
    /// How many outcomes the field has in the event's budget, unknown included.
    #[must_use]
    pub const fn outcomes(&self) -> u64 {
        match self.precision {
            Precision::Code { .. } => 1,
            _ => self.precision.outcomes() + self.optional as u64,
        }
    }

    /// Why it leaves as it does, in words for people, where a reason must be given. In English.
    #[must_use]
    pub fn because(&self) -> Option<String> {
        Some(phrase::because(&Locale::ENGLISH, self.class, self.reason?))
    }

    /// The example as it stands on the person's computer.
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

/// The fewest items that stand behind one that is counted, where an event says nothing else.
pub(crate) const ONE_IN: u64 = 32;

/// What chooses the few items whose events are counted: a field that is hashed under a secret and forgotten.
///
/// Counts of everything a person plays name their library in the long run. Counts of a few items, always the same ones,
/// can't be added up to more: however long somebody watches, the rest is never counted. The more an event says about an
/// item, the fewer items it speaks of: one in three times as many as it has outcomes, rounded up to a power of two, and
/// at least 32. What it tells of a library is then about a sixth of a nat at most, (outcomes - 1) / 2 / `one_in`, whatever is
/// played and for however long.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::exhaustive_structs, reason = "written out by the derive in other crates")]
pub struct Item {
    /// The field's name, which leaves nowhere.
    pub name: &'static str,
    /// The doc comment: the person's text.
    pub doc: &'static str,
    /// The name space: events that name the same items in it count the same ones.
    pub domain: &'static str,
    /// One item in so many is counted; 0 for what the event's outcomes ask for.
    pub one_in: u64,
    /// Why more are counted than the event's outcomes ask for, where more are.
    pub reason: Option<&'static str>,
}

impl Item {
    /// What becomes of it, in words for people. In English.
    #[must_use]
    pub fn describe(&self) -> String {
        phrase::item(&Locale::ENGLISH, self.one_in, self.reason)
    }
}

/// What an event's type says about itself: made by the derive, once for each type, and checked in `const`.
#[derive(Debug)]
pub struct Schema {
    name: &'static str,
    doc: &'static str,
    scope: Scope,
    linkage: Linkage,
    fields: &'static [Field],
    item: Option<Item>,
    /// The last UTC day on which it is recorded.
    until: Option<Day>,
    /// The package that declares it, where Cargo compiled it.
    package: Option<&'static str>,
    /// A dense number from 1, given at registration; 0 is "not registered".
    index: AtomicU32,
    /// How many values of each field could not be read since the program started. Never leaves this computer.
    unreadable: [AtomicU32; MAX_FIELDS],
}

impl Schema {
    /// For the derive: checks the event's rules (names, words, linkage, budget) and panics at compile time with what
    /// to write instead.
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

    /// For the derive: names the last UTC day on which the event is recorded, counted from 1970-01-01. A day before that
    /// is long over.
    #[doc(hidden)]
    #[must_use]
    pub const fn ending(mut self, day: i64) -> Self {
        self.until = Some(Day(if day < 0 { 0 } else { day as u32 }));
        self
    }

    /// For the derive: says which package declares the event.
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

    /// The doc comment: the person's text.
    #[must_use]
    pub const fn doc(&self) -> &'static str {
        self.doc
    }

    /// The scope whose grant the event needs.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        self.scope
    }

    /// What can be linked to what.
    #[must_use]
    pub const fn linkage(&self) -> Linkage {
        self.linkage
    }

    /// The fields, in declared order.
    #[must_use]
    pub const fn fields(&self) -> &'static [Field] {
        self.fields
    }

    /// What chooses the items that are counted, where not all are.
    #[must_use]
    pub const fn item(&self) -> Option<&Item> {
        self.item.as_ref()
    }

    /// The last UTC day on which it is recorded, such as `2027-06-30`; `None` where no end is declared.
    #[must_use]
    pub fn until(&self) -> Option<String> {
        self.until.map(|day| day.to_string())
    }

    pub(crate) const fn last_day(&self) -> Option<Day> {
        self.until
    }

    /// How many distinct outcomes the event's fields have together, codes aside.
    #[must_use]
    pub fn outcomes(&self) -> u64 {
        self.fields.iter().map(Field::outcomes).fold(1, u64::saturating_mul)
    }

    /// Whether these are outcomes that the fields can have. An implementation written by hand may claim others, and
    /// those are not sent.
    pub(crate) fn admits(&self, outcomes: &[u16; MAX_FIELDS]) -> bool {
        self.could_keep(outcomes) && self.fields.iter().zip(outcomes).all(|(field, it)| *it != 0 || field.optional)
    }

    /// Whether these are outcomes that can have been kept: any field may have been left out, since a person may have
    /// agreed to less than this version would say.
    pub(crate) fn could_keep(&self, outcomes: &[u16; MAX_FIELDS]) -> bool {
        let known = |field: &Field, outcome: u16| u64::from(outcome) <= field.precision.outcomes();
        let fields = self.fields.iter().map(Some).chain(std::iter::repeat(None));
        fields.zip(outcomes).all(|(field, outcome)| field.map_or(*outcome == 0, |field| known(field, *outcome)))
    }

    /// Counts the fields whose bits are set as unreadable.
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

/// An event type linked into the program; collected by the derive, so that a manifest can't leave one out.
#[doc(hidden)]
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "built by the derive in other crates")]
pub struct Linked(pub &'static Schema);

inventory::collect!(Linked);
