//! What an application may say: events, the closed set of privacy classes, the sink they write to, and their schemas.
//!
//! `#[derive(Event)]` writes the implementations here; the rules an event must keep are checked in `const`, so that a
//! broken one does not compile. This room describes and checks; it never reads consent, keeps a value, or touches a file.

mod check;
pub mod class;
mod registry;
mod schema;

pub use class::{Class, Closed, Identifier};
pub use schema::{Example, Field, Linkage, Linked, Schema};

pub(crate) use check::is_name;
pub(crate) use registry::Registry;
pub(crate) use schema::MAX_FIELDS;

use crate::{ambient::Day, consent::Scope};

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
/// struct PlaybackFinished {
///     /// Average bitrate of the stream.
///     #[field(bitrate, example = 4_213_000)]
///     bitrate: u64,
///     /// Whether the server had to convert it.
///     transcoded: bool,
/// }
/// ```
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

/// Makes the keyed code of an identifier; implemented where the keys are.
pub(crate) trait Codes {
    /// The code of `value` in the name space `domain`, or `None` when there is no key for it now.
    fn code(&self, schema: &Schema, domain: &str, value: &[u8]) -> Option<Code>;
}

/// Where an event writes its outcomes. It has a place for each field, and no place for a raw value.
pub struct Sink<'a> {
    pub(crate) outcomes: [u16; MAX_FIELDS],
    pub(crate) code: Code,
    schema: &'static Schema,
    codes: &'a dyn Codes,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(schema: &'static Schema, codes: &'a dyn Codes) -> Self {
        Sink { outcomes: [0; MAX_FIELDS], code: Code::NONE, schema, codes }
    }

    /// Writes the outcome of the field at `index`; an index the event does not have is ignored.
    #[inline]
    pub fn outcome(&mut self, index: usize, outcome: u16) {
        if let Some(place) = self.outcomes.get_mut(index) {
            *place = outcome;
        }
    }

    /// Writes the keyed code of the identifier at `index`, or nothing when the value is unknown.
    #[inline]
    pub fn identifier<T: Identifier + ?Sized>(&mut self, index: usize, domain: &str, value: &T) {
        if let Some(bytes) = value.identifier_bytes()
            && let Some(code) = self.codes.code(self.schema, domain, bytes)
        {
            self.code = code;
            self.outcome(index, 1);
        }
    }
}

impl std::fmt::Debug for Sink<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink").field("event", &self.schema.name()).finish_non_exhaustive()
    }
}
