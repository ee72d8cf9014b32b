//! Where an event writes its outcomes, and the codes of identifiers. Nothing after this sees a raw value.

use super::{
    class::{self, Identifier},
    field::MAX_FIELDS,
    schema::Schema,
};
use crate::{ambient::Day, precision::Precision};

/// The keyed code of an identifier: 64 bits, and the UTC day whose keys made them. The day is kept with the code so
/// that a code is never written into a record of another period.
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

    /// The day whose keys made the code, or `None` where there is no code.
    pub(crate) fn day(self) -> Option<Day> {
        (self.day != u32::MAX).then_some(Day(self.day))
    }
}

/// The group, counted from 1, that the top `bits` bits of a hash select. At most 8 bits are used.
pub(crate) fn cohort(hash: u64, bits: u32) -> u16 {
    let group = hash.checked_shr(64 - bits.min(8)).unwrap_or(0);
    1 + u16::try_from(group).unwrap_or(0)
}

/// Makes the keyed codes of identifiers. The module that holds the keys implements it.
pub(crate) trait Codes {
    /// The code of `value` in the name space `domain`, and 64 further bits for a cohort, which are independent of the
    /// code. `None` when there is no key for it now.
    fn code(&self, schema: &Schema, domain: &str, value: &[u8]) -> Option<(Code, u64)>;

    /// 64 bits that decide whether an item of the name space `domain` is sampled. They stay the same for as long as the
    /// grant lasts. `None` when there is no key now.
    fn draw(&self, schema: &Schema, domain: &str, value: &[u8]) -> Option<u64>;

    /// The same for the current month: other bits each month.
    fn draw_of_month(&self, schema: &Schema, domain: &str, value: &[u8]) -> Option<u64>;
}

/// Where an event writes its outcomes. It can hold one outcome for each field and no raw value.
pub struct Sink<'a> {
    pub(crate) outcomes: [u16; MAX_FIELDS],
    pub(crate) code: Code,
    /// One bit for each field whose value could not be read.
    pub(crate) unreadable: u16,
    /// True if the event is about a sampled item, or about no item at all.
    pub(crate) chosen: bool,
    /// True if there was no key, so that it is unknown whether the item is sampled.
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

    /// Writes the outcome of the field at `index`. An index that the event does not have is ignored.
    #[inline]
    pub fn outcome(&mut self, index: usize, outcome: u16) {
        let Some(place) = self.outcomes.get_mut(index) else { return };
        if outcome == class::INVALID {
            self.unreadable |= 1 << index;
        } else {
            *place = outcome;
        }
    }

    /// Writes the keyed code of the identifier at `index`. Writes nothing when the value is unknown or there is no key.
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

    /// Returns whether the item is sampled. An unknown item is not. Nothing of the value is kept.
    #[inline]
    pub fn item<T: Identifier + ?Sized>(&mut self, value: &T) -> bool {
        // Only the first call for each event counts, so that an implementation by hand can't try values until one is
        // sampled.
        let first = !std::mem::replace(&mut self.asked, true);
        self.chosen = false;
        if let (true, Some(item), Some(bytes)) = (first, self.schema.item(), value.identifier_bytes()) {
            // By threshold: the items that an event with a larger `one_in` samples are a subset of those with a smaller one.
            let below = |draw: u64, one_in: u64| draw <= u64::MAX / one_in.max(1);
            match self.codes.draw(self.schema, item.domain, bytes) {
                Some(draw) if below(draw, item.one_in) && item.monthly() > 1 => {
                    match self.codes.draw_of_month(self.schema, item.domain, bytes) {
                        Some(draw) => self.chosen = below(draw, item.monthly()),
                        None => self.keyless = true,
                    }
                }
                Some(draw) => self.chosen = below(draw, item.one_in),
                None => self.keyless = true,
            }
        }
        self.chosen
    }

    /// Writes the cohort of the identifier at `index`. Writes nothing when the value is unknown or there is no key.
    #[inline]
    pub fn cohort<T: Identifier + ?Sized>(&mut self, index: usize, value: &T) {
        if let Some(field) = self.schema.fields().get(index)
            && let Precision::Cohort { bits } = field.precision
            && let Some(bytes) = value.identifier_bytes()
            && let Some((code, other)) = self.codes.code(self.schema, field.domain, bytes)
        {
            if self.code == Code::NONE {
                // Stores only the day whose keys made the cohort, without the code itself.
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
