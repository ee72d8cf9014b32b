//! candor's own classes of numbers by name. Only this module maps names to the crate's partitions. It asks the crate for
//! each outcome and defines no bucket bounds of its own.

use candor::{
    Precision,
    event::{
        Fixed,
        class::{Age, Bitrate, ByteSize, Count, Duration, Latency, MediaDuration, Resolution},
    },
};

/// One of candor's classes, for numbers in its base unit.
#[derive(Debug)]
pub(crate) struct Known {
    /// The name as used in `#[field(…)]`.
    pub(crate) name: &'static str,
    /// The unit of the numbers in the input.
    pub(crate) unit: &'static str,
    /// The partition.
    pub(crate) precision: Precision,
}

impl Known {
    const fn new(name: &'static str, unit: &'static str, precision: Precision) -> Self {
        Known { name, unit, precision }
    }

    /// The outcome of a number.
    pub(crate) fn outcome(&self, value: u64) -> u16 {
        self.precision.outcome_of(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

/// All classes of numbers.
pub(crate) static KNOWN: [Known; 8] = [
    Known::new("media_duration", "s", MediaDuration::PRECISION),
    Known::new("duration", "s", Duration::PRECISION),
    Known::new("bitrate", "bit/s", Bitrate::PRECISION),
    Known::new("count", "things", Count::PRECISION),
    Known::new("byte_size", "B", ByteSize::PRECISION),
    Known::new("resolution", "lines of the shorter side", Resolution::PRECISION),
    Known::new("latency", "ms", Latency::PRECISION),
    Known::new("age", "days", Age::PRECISION),
];

/// The half-open bounds of an outcome. An upper bound of `None` means unbounded.
pub(crate) fn bounds(precision: &Precision, outcome: u16) -> Option<(u64, Option<u64>)> {
    let Precision::Cuts { cuts, .. } = precision else { return None };
    let at = usize::from(outcome).checked_sub(1)?;
    let bound = |at: usize| cuts.get(at).and_then(|cut| u64::try_from(*cut).ok());
    // Values below the first cut belong to the first bucket.
    let low = if at == 0 { 0 } else { bound(at)? };
    Some((low, bound(at + 1)))
}
