//! The ladders that candor provides, and `const` functions that make further ones at compile time. Never sees a value.
//!
//! They use integers only, because a floating-point logarithm would differ between platforms. Each ladder rises
//! strictly, and its last bucket has no upper bound.

#![expect(clippy::indexing_slicing, reason = "`const` code has no iterators yet; a bad index fails the compilation")]

use super::{Precision, Unit, calendar, calendar::DateUnit};

/// Media durations, in seconds: 0, 1, 5, 20, 60 and 120 minutes. With these bounds none of 58,788 films is in a class
/// of fewer than 20 (`.ci/run film`).
pub(crate) const MEDIA_DURATION: Precision =
    Precision::Cuts { unit: Unit::Seconds, cuts: &[0, 60, 300, 1_200, 3_600, 7_200] };

/// How long something lasts, in seconds, up to a day: 0, 1, 5 and 15 seconds, 1, 5 and 15 minutes, 1, 4, 12 and 24
/// hours.
pub(crate) const DURATION: Precision =
    Precision::Cuts { unit: Unit::Seconds, cuts: &[0, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 43_200, 86_400] };

/// Average bitrates, in bit/s: bounds at the usual settings of audio and video encoders. 40 Mbit/s and more are one
/// bucket.
pub(crate) const BITRATE: Precision = Precision::Cuts {
    unit: Unit::BitsPerSecond,
    cuts: &[
        0, 64_000, 96_000, 128_000, 192_000, 256_000, 320_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000, 12_000_000,
        20_000_000, 40_000_000,
    ],
};

/// Counts as a field: 0, 1 and 2 are exact. Each of the next bounds is one more than 2, 4, 8, and so on up to 512. 1,024
/// and more are one bucket.
pub(crate) const COUNT: Precision =
    Precision::Cuts { unit: Unit::Count, cuts: &[0, 1, 2, 3, 5, 9, 17, 33, 65, 129, 257, 513, 1_024] };

/// The steps to which a roll-up's counts are rounded at random: 1, and one more than 1, 2, 4, 8, and so on up to 2^20.
/// There is no step for 0, since nothing is sent for it.
///
/// The last step is a cap: a larger count is reported as 1,048,577, which is the only case in which the report is too low
/// on average. The gap between two neighbouring steps is a power of two, so that a fair draw needs random bits and no
/// division. The notice names the steps in [its sentence about roll-ups](crate::language::Say::Rollup). A test checks that
/// both agree.
pub(crate) const ROLLUP_COUNT: Precision = {
    const CUTS: [i64; 22] = rollup_counts();
    Precision::Cuts { unit: Unit::Count, cuts: &CUTS }
};

const fn rollup_counts<const N: usize>() -> [i64; N] {
    let mut cuts = [1; N];
    let mut i = 1;
    while i < N {
        cuts[i] = 1 + (1 << (i - 1));
        i += 1;
    }
    cuts
}

/// Sizes: powers of four from 64 KiB to 64 GiB.
pub(crate) const BYTE_SIZE: Precision = Precision::Cuts {
    unit: Unit::Bytes,
    cuts: &[0, 1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 26, 1 << 28, 1 << 30, 1 << 32, 1 << 34, 1 << 36],
};

/// How long something took, in milliseconds, up to a minute. The middle of each step is within 25 % of the values in
/// it.
pub(crate) const LATENCY: Precision = {
    const N: usize = log_buckets_len(25, 1, 60_000);
    const CUTS: [i64; N] = log_buckets(25, 1, 60_000);
    Precision::Cuts { unit: Unit::Milliseconds, cuts: &CUTS }
};

/// Parts of a whole, in thousandths: none, ten steps of a tenth, all.
pub(crate) const RATIO: Precision =
    Precision::Cuts { unit: Unit::PerMille, cuts: &[0, 1, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000] };

/// How old something is, in days.
pub(crate) const AGE: Precision = Precision::Cuts { unit: Unit::Days, cuts: &[0, 1, 7, 30, 90, 365] };

/// How long ago something was, in whole weeks: the weeks, months and quarters that a retention curve is drawn by.
pub(crate) const TENURE: Precision = Precision::Cuts { unit: Unit::Weeks, cuts: &[0, 1, 2, 4, 8, 13, 26, 52] };

/// Pictures by their shorter side: up to 480, 720, 1080, 1440, 2160 lines, and more.
pub(crate) const RESOLUTION: Precision =
    Precision::Cuts { unit: Unit::Lines, cuts: &[1, 481, 721, 1_081, 1_441, 2_161] };

/// The quarter of a day, by the local clock.
pub(crate) const HOUR_BAND: Precision = Precision::Labels(&["night", "morning", "afternoon", "evening"]);

/// What kind of network an address is on.
pub(crate) const NETWORK_ADDRESS: Precision =
    Precision::Labels(&["loopback", "private", "link_local", "global_v4", "global_v6", "other"]);

/// The languages with the most speakers and pages, by ISO 639-1. The whole list has 183 languages. A small one among
/// them would identify its speakers.
pub(crate) const LOCALE: Precision = Precision::Labels(&[
    "ar", "bn", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hu", "id", "it", "ja", "ko", "nl",
    "no", "pl", "pt", "ro", "ru", "sv", "th", "tr", "uk", "ur", "vi", "zh", "other",
]);

/// The length of a text, and the kind of characters in it.
pub(crate) const TEXT_SHAPE: Precision = Precision::Labels(&[
    "empty",
    "digits_1_8",
    "digits_9_32",
    "digits_33_128",
    "digits_over_128",
    "ascii_1_8",
    "ascii_9_32",
    "ascii_33_128",
    "ascii_over_128",
    "unicode_1_8",
    "unicode_9_32",
    "unicode_33_128",
    "unicode_over_128",
]);

/// Keyed identifiers: 64 bits, so that the chance of a collision among 100,000 values is 3e-10.
pub(crate) const IDENTIFIER: Precision = Precision::Code { bits: 64 };

/// `N` bounds: `from`, `from + step`, and so on.
#[must_use]
pub const fn steps<const N: usize>(from: i64, step: i64) -> [i64; N] {
    let mut cuts = [0; N];
    let mut i = 0;
    while i < N {
        cuts[i] = from + step * i as i64;
        i += 1;
    }
    cuts
}

/// The next bound of logarithmic buckets whose middles are within `percent` of the values in them. It is the last bound
/// times (100 + percent) / (100 - percent), rounded down, and at least one more than the last bound (Masson, Rim and
/// Lee, *DDSketch*, 2019).
const fn log_next(percent: i64, last: i64) -> i64 {
    let next = last as i128 * (100 + percent) as i128 / (100 - percent) as i128;
    if next > i64::MAX as i128 {
        i64::MAX
    } else if next > last as i128 {
        next as i64
    } else {
        last + 1
    }
}

/// How many bounds [`log_buckets`] makes.
#[must_use]
pub const fn log_buckets_len(percent: i64, from: i64, top: i64) -> usize {
    let mut n = 2;
    let mut last = from;
    while last < top {
        last = log_next(percent, last);
        n += 1;
    }
    n
}

/// 0, then logarithmic buckets from `from` to `top`. Both `from` and `top` are bounds.
#[must_use]
pub const fn log_buckets<const N: usize>(percent: i64, from: i64, top: i64) -> [i64; N] {
    let mut cuts = [0; N];
    let (mut i, mut last) = (1, from);
    while i < N {
        cuts[i] = if last < top { last } else { top };
        last = log_next(percent, last);
        i += 1;
    }
    cuts
}

/// How many bounds [`digits`] makes.
#[must_use]
pub const fn digits_len(digits: u32, top: i64) -> usize {
    let mut n = 1;
    let mut last = 0;
    while last < top {
        last = digit_next(digits, last);
        n += 1;
    }
    n
}

/// Every number up to `top` whose digits after the first `digits` are zeros.
#[must_use]
pub const fn digits<const N: usize>(digits: u32, top: i64) -> [i64; N] {
    let mut cuts = [0; N];
    let mut i = 1;
    while i < N {
        let next = digit_next(digits, cuts[i - 1]);
        cuts[i] = if next < top { next } else { top };
        i += 1;
    }
    cuts
}

const fn digit_next(digits: u32, last: i64) -> i64 {
    let mut unit = 1;
    while last / unit >= 10i64.pow(digits) {
        unit *= 10;
    }
    last.saturating_add(unit)
}

/// One bound for everything earlier, then the first days of `N - 1` units. The first unit contains the given date.
#[must_use]
pub const fn dates<const N: usize>(unit: DateUnit, year: i64, month: i64, day: i64) -> [i64; N] {
    let mut cuts = [calendar::EARLIEST; N];
    let mut i = 1;
    let mut at = calendar::start(unit, calendar::day_number(year, month, day));
    while i < N {
        cuts[i] = at;
        at = calendar::next(unit, at);
        i += 1;
    }
    cuts
}

/// The bounds for a list of versions, each given by its first two numbers. The derive puts (0, 0) first, so that the
/// first bucket holds everything older.
#[must_use]
pub const fn versions<const N: usize>(parts: [(u32, u32); N]) -> [i64; N] {
    let mut cuts = [0; N];
    let mut i = 0;
    while i < N {
        cuts[i] = ((parts[i].0 as i64) << 32) | parts[i].1 as i64;
        i += 1;
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_end_where_numbers_do() {
        const N: usize = log_buckets_len(50, 1, i64::MAX);
        const CUTS: [i64; N] = log_buckets(50, 1, i64::MAX);
        assert!(CUTS.windows(2).all(|pair| pair[0] < pair[1]) && CUTS.last() == Some(&i64::MAX));
    }

    #[test]
    fn counts_of_a_day_have_steps_whose_gaps_are_powers_of_two() {
        let Precision::Cuts { cuts, .. } = ROLLUP_COUNT else { unreachable!("counts are numbers") };
        assert_eq!(cuts[..8], [1, 2, 3, 5, 9, 17, 33, 65]);
        assert_eq!(cuts.last(), Some(&1_048_577));
        assert!(cuts.windows(2).all(|pair| (pair[1] - pair[0]).count_ones() == 1), "{cuts:?}");
    }
}
