//! What a schema is made of: linkage, fields with their examples, and the item. Never holds a value of an event.

use super::{class::INVALID, period::Period};
use crate::{
    language::{self, Locale, Say, phrase},
    precision::{MOST_RELEASES, Precision},
};

/// How many fields an event may have: as many as fit into one cache line, together with the rest of a generalised
/// event.
pub(crate) const MAX_FIELDS: usize = 16;

/// What the recipient can link, once events of this type have been sent.
///
/// `Serialize` gives the [`name`](Linkage::name).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Linkage {
    /// Events are counted on the device. Once in a [period](super::Period), the number of times that each combination of
    /// outcomes occurred is sent.
    Rollup,
    /// An installation reports the event at most once in its [period](super::Period), so that the number of records is the
    /// number of installations. No code is sent.
    Once,
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
            Linkage::Once => "once",
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

    /// The sentence that describes it, for any language. That of a roll-up and of a once-event is about days; those for
    /// other periods are in [`says`].
    pub(crate) const fn say(self) -> Say {
        match self {
            Linkage::Rollup => Say::Rollup,
            Linkage::Once => Say::OnceADay,
            Linkage::None => Say::NoLinkage,
            Linkage::Session => Say::Session,
            Linkage::Day => Say::Day,
            Linkage::Week => Say::Week,
            Linkage::Month => Say::Month,
        }
    }

    /// Whether events of this linkage carry a code that stays the same for a period.
    pub(crate) const fn carries_code(self) -> bool {
        matches!(self, Linkage::Session | Linkage::Day | Linkage::Week | Linkage::Month)
    }
}

/// The sentence that describes a linkage with its period.
pub(crate) const fn says(linkage: Linkage, period: Option<Period>) -> Say {
    match (linkage, period) {
        (Linkage::Rollup, Some(Period::Week)) => Say::RollupOfWeek,
        (Linkage::Rollup, Some(Period::Month)) => Say::RollupOfMonth,
        (Linkage::Once, Some(Period::Week)) => Say::OnceAWeek,
        (Linkage::Once, Some(Period::Month)) => Say::OnceAMonth,
        _ => linkage.say(),
    }
}

/// Which values a once-event with fields reports, if it happens more than once in its period.
///
/// `Serialize` gives the [`name`](Values::name).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Values {
    /// Those of the first time. The record is made at once.
    First,
    /// Those of the last time. The record is made when the period is over and the program runs, so that an installation
    /// that is not used again is missing.
    Last,
}

impl Values {
    /// The word used in `#[event(values = …)]` and in contracts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Values::First => "first",
            Values::Last => "last",
        }
    }
}

/// Which of the values that a field had in a period is reported.
///
/// `Serialize` gives the [`name`](Statistic::name).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Statistic {
    /// The last one.
    Last,
    /// The smallest one.
    Min,
    /// The mean of all, rounded at random to a step, so that the mean over many installations is right.
    Mean,
    /// The largest one.
    Max,
}

impl Statistic {
    /// The word used in `#[gauge(…)]` and in contracts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Statistic::Last => "last",
            Statistic::Min => "min",
            Statistic::Mean => "mean",
            Statistic::Max => "max",
        }
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

/// The class whose values candor fills in when it writes the record.
pub(crate) const TENURE: &str = "tenure";

/// One field of an event.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "written out by the derive in other crates")]
pub struct Field {
    /// The field's name, and the attribute's key on the wire.
    pub name: &'static str,
    /// The doc comment, which the person reads.
    pub doc: &'static str,
    /// The privacy class: the word in `#[field(…)]`, such as `bitrate`, or `closed` for a type that needs none.
    pub class: &'static str,
    /// The partition of its values.
    pub precision: Precision,
    /// Whether it can be unknown or unreadable, in which case it is not sent.
    pub optional: bool,
    /// The group of quantities that reveal each other, or empty. `media` describes a person's content, which is sent
    /// only in roll-ups of a few items. Of a size alone that does not hold
    /// ([what is content](crate::event::class#what-is-content)).
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
            // As many as a full list has, so that a new release breaks no budget.
            Precision::Releases(_) => MOST_RELEASES as u64 + 2 + self.optional as u64,
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

/// Of the items that can ever be counted, one in this many is counted in a month.
pub(crate) const MONTHLY: u64 = 16;

/// The item field: it names the thing that an event is about, such as a film, and decides whether the event is counted.
/// Its value is hashed under a secret of the grant and then dropped.
///
/// Few items are counted, and they are chosen in two stages. Only one item in `one_in` can ever be counted, always the same ones:
/// counts of everything that a person plays identify their library in the long run, and an item that is not chosen is never
/// counted, however long the observation lasts. Of these, one in 16 is counted in a month, others each month: if always the same
/// ones were counted, their counts would link one month to the next (`manual::rounding` has the measurements). So one item in
/// 16 x `one_in` is counted, which is the record's divisor.
///
/// The more an event says about an item, the fewer items can be counted: one in three times the number of the event's
/// outcomes, rounded up to a power of two, and at least 32. What the event reveals about a library is about
/// (outcomes - 1) / 2 / `one_in` nats, which is then at most about a sixth of a nat, whatever is played and for however
/// long. With a `reason` that the person reads, more items are counted: one in `one_in`, the same ones in each month.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "written out by the derive in other crates")]
pub struct Item {
    /// The field's name, which is never sent.
    pub name: &'static str,
    /// The doc comment, which the person reads.
    pub doc: &'static str,
    /// The name space. Events that name the same items in it sample the same ones.
    pub domain: &'static str,
    /// One item in this many can ever be counted. 0 asks for the default, which follows from the event's outcomes.
    pub one_in: u64,
    /// Why more items are sampled than the default allows, where that is so.
    pub reason: Option<&'static str>,
}

impl Item {
    /// Describes how the field is used, in words for people, in English.
    #[must_use]
    pub fn describe(&self) -> String {
        phrase::item(&Locale::ENGLISH, self.one_in, self.monthly(), self.reason)
    }

    /// Of the items that can ever be counted, one in this many is counted in a month: 16, or 1 if the field gives a reason.
    #[must_use]
    pub const fn monthly(&self) -> u64 {
        if self.reason.is_some() { 1 } else { MONTHLY }
    }
}

#[cfg(test)]
mod tests {
    use super::Linkage::{self, Day, Month, None, Once, Rollup, Session, Week};

    #[test]
    fn a_linkage_is_shown_by_its_name() {
        let all: [Linkage; 7] = [Rollup, Once, None, Session, Day, Week, Month];
        for linkage in all {
            assert_eq!(serde_json::json!(linkage), linkage.name());
        }
    }
}
