//! candor's own numeric classes by name: the one place that maps names to the crate's types. It asks the crate for each
//! outcome and knows no cut of its own.

use candor::{
    Precision,
    event::class::{Bitrate, Class, Count, MediaDuration},
};
use std::time::Duration;

/// One of candor's classes, over numbers in its base unit.
#[derive(Debug)]
pub(crate) struct Known {
    /// As it stands in `#[field(…)]`.
    pub(crate) name: &'static str,
    /// What the numbers in the input are counted in.
    pub(crate) unit: &'static str,
    /// The outcome of a number.
    pub(crate) outcome: fn(u64) -> u16,
    /// The partition.
    pub(crate) precision: Precision,
}

/// All of them.
pub(crate) static KNOWN: [Known; 3] = [
    Known {
        name: "media_duration",
        unit: "s",
        outcome: |seconds| MediaDuration::outcome(&Duration::from_secs(seconds)),
        precision: <MediaDuration as Class<Duration>>::PRECISION,
    },
    Known {
        name: "bitrate",
        unit: "bit/s",
        outcome: |bits| Bitrate::outcome(&bits),
        precision: <Bitrate as Class<u64>>::PRECISION,
    },
    Known {
        name: "count",
        unit: "things",
        outcome: |things| Count::outcome(&things),
        precision: <Count as Class<u64>>::PRECISION,
    },
];

/// The half-open bounds of an outcome; `None` above means open.
pub(crate) fn bounds(precision: &Precision, outcome: u16) -> Option<(u64, Option<u64>)> {
    let Precision::Cuts { cuts, .. } = precision else { return None };
    let at = usize::from(outcome).checked_sub(1)?;
    // What is below the first cut belongs to the first cell.
    let low = if at == 0 { 0 } else { *cuts.get(at)? };
    Some((low, cuts.get(at + 1).copied()))
}
