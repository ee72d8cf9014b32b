//! What an application may say: events, the closed set of privacy classes, the sink they write to, and their schemas.
//!
//! `#[derive(Event)]` writes the implementations here; the rules an event must keep are checked in `const`, so that a
//! broken one does not compile. This room describes and checks; it never reads consent, keeps a value, or touches a file.

mod check;
pub mod class;
mod registry;
mod schema;

pub use class::{Class, Closed, Fixed, Identifier};
pub use schema::{Example, Field, Item, Linkage, Linked, Schema};

pub(crate) use registry::Registry;
pub(crate) use schema::MAX_FIELDS;

use crate::{ambient::Day, consent::Scope, precision::Precision};

/// Something that happened in the program, made of generalisable fields. Derive it:
///
/// ```
/// # use candor::{Category, Event};
/// # candor::scope! {
/// #     /// Find out which formats stutter, so that those decoders are fixed first.
/// #     pub PLAYBACK = "playback" {
/// #         title: "Playback statistics", revision: 1, about: installation, retention: 90 days,
/// #         benefit: "Fewer films that stutter", other_uses: none,
/// #     }
/// # }
/// /// A stream ended or was stopped.
/// #[derive(Event)]
/// #[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
/// struct PlaybackFinished<'a> {
///     /// Which film it was: of these one in 32 is counted. Neither kept nor sent.
///     #[field(item)]
///     film: &'a str,
///     /// Average bitrate of the stream.
///     #[field(bitrate, example = 4_213_000)]
///     bitrate: u64,
///     /// Whether the server had to convert it.
///     transcoded: bool,
/// }
/// ```
///
/// An event that is of interest for a while may say so: with `until = "2027-06-30"` in its `#[event(…)]` it is recorded
/// through that UTC day and not after it. The person is told, and a later build that has a later end or none is held to the
/// one that was agreed to until the person is asked again.
///
/// The derive can only write trait implementations: what an event may hold is fixed by the [classes](class).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    note = "write `#[derive(candor::Event)]` and `#[event(name = \"…\", scope = …, linkage = …)]` above it"
)]
pub trait Event {
    /// The scope whose grant this event needs.
    const SCOPE: Scope;

    /// Whom the event is about. Only events about the [`Installation`] can be recorded.
    type About;

    /// The event's schema: one static for each type.
    fn schema() -> &'static Schema;

    /// Writes the outcome of each field into the sink. Raw values end here.
    fn generalize(&self, sink: &mut Sink<'_>);
}

/// Marks events about this installation of the program.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Installation;

/// The keyed code of an identifier: 64 bits, and the UTC day whose keys made them. The day goes with it, so that a code
/// never stands on a line of another period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) bytes: [u8; 8],
    day: u32,
}

impl Code {
    /// No code.
    pub(crate) const NONE: Code = Code { bytes: [0; 8], day: u32::MAX };

    pub(crate) fn new(bytes: [u8; 8], day: Day) -> Self {
        Code { bytes, day: day.0 }
    }

    /// The day whose keys made it, or `None` where there is none.
    pub(crate) fn day(self) -> Option<Day> {
        (self.day != u32::MAX).then_some(Day(self.day))
    }
}

/// The outcome, from 1, of the top bits of a hash.
pub(crate) fn cohort(hash: u64, bits: u32) -> u16 {
    let group = hash.checked_shr(64 - bits.min(8)).unwrap_or(0);
    1 + u16::try_from(group).unwrap_or(0)
}

/// Makes the keyed code of an identifier; implemented where the keys are.
pub(crate) trait Codes {
    /// The code of `value` in the name space `domain`, and 64 bits that are independent of it for a cohort; `None` when
    /// there is no key for it now.
    fn code(&self, schema: &Schema, domain: &str, value: &[u8]) -> Option<(Code, u64)>;

    /// 64 bits that say whether an item of the name space `domain` is among those that are counted: the same for as long
    /// as the grant lasts. `None` when there is no key now.
    fn draw(&self, schema: &Schema, domain: &str, value: &[u8]) -> Option<u64>;
}

/// Where an event writes its outcomes. It has a place for each field, and no place for a raw value.
pub struct Sink<'a> {
    pub(crate) outcomes: [u16; MAX_FIELDS],
    pub(crate) code: Code,
    /// A bit for each field whose value could not be read.
    pub(crate) unreadable: u16,
    /// Whether it is about an item that is counted, or about none.
    pub(crate) chosen: bool,
    /// Nobody can tell whether it is: there is no key now.
    pub(crate) keyless: bool,
    asked: bool,
    schema: &'static Schema,
    codes: &'a dyn Codes,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(schema: &'static Schema, codes: &'a dyn Codes) -> Self {
        Sink {
            outcomes: [0; MAX_FIELDS],
            code: Code::NONE,
            unreadable: 0,
            chosen: schema.item().is_none(),
            keyless: false,
            asked: false,
            schema,
            codes,
        }
    }

    /// Writes the outcome of the field at `index`; an index the event does not have is ignored.
    #[inline]
    pub fn outcome(&mut self, index: usize, outcome: u16) {
        let Some(place) = self.outcomes.get_mut(index) else { return };
        if outcome == class::INVALID {
            self.unreadable |= 1 << index;
        } else {
            *place = outcome;
        }
    }

    /// Writes the keyed code of the identifier at `index`, or nothing when the value is unknown.
    #[inline]
    pub fn identifier<T: Identifier + ?Sized>(&mut self, index: usize, value: &T) {
        if let Some(field) = self.schema.fields().get(index)
            && let Precision::Code { .. } = field.precision
            && let Some(bytes) = value.identifier_bytes()
            && let Some((code, _)) = self.codes.code(self.schema, field.domain, bytes)
        {
            self.code = code;
            self.outcome(index, 1);
        }
    }

    /// Says whether the item is among those that are counted; nothing of it is kept. An unknown one is not.
    #[inline]
    pub fn item<T: Identifier + ?Sized>(&mut self, value: &T) -> bool {
        // Asked once for each event: an implementation by hand can't ask until it likes the answer.
        let first = !std::mem::replace(&mut self.asked, true);
        self.chosen = false;
        if let (true, Some(item), Some(bytes)) = (first, self.schema.item(), value.identifier_bytes()) {
            match self.codes.draw(self.schema, item.domain, bytes) {
                // By the size of the draw, so that the items of a finer event are among those of a coarser one.
                Some(draw) => self.chosen = draw <= u64::MAX / item.one_in.max(1),
                None => self.keyless = true,
            }
        }
        self.chosen
    }

    /// Writes the cohort of the identifier at `index`, or nothing when the value is unknown.
    #[inline]
    pub fn cohort<T: Identifier + ?Sized>(&mut self, index: usize, value: &T) {
        if let Some(field) = self.schema.fields().get(index)
            && let Precision::Cohort { bits } = field.precision
            && let Some(bytes) = value.identifier_bytes()
            && let Some((code, other)) = self.codes.code(self.schema, field.domain, bytes)
        {
            if self.code == Code::NONE {
                // Without the code itself, but with the day whose keys made the cohort.
                self.code = Code { bytes: [0; 8], ..code };
            }
            self.outcome(index, cohort(other, bits));
        }
    }
}

impl std::fmt::Debug for Sink<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink").field("event", &self.schema.name()).finish_non_exhaustive()
    }
}
