//! What a precision's cuts are counted in, and how such a number reads. Turns no value into an outcome.

use super::calendar;
use std::fmt::Write as _;

/// The unit that a numeric precision's cuts are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// Bits per second.
    BitsPerSecond,
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Days of 24 hours.
    Days,
    /// A plain count of things.
    Count,
    /// Thousandths of a whole.
    PerMille,
    /// Lines of a picture.
    Lines,
    /// A version's first two parts: the first one times 2^32, plus the second.
    Version,
    /// A UTC day, counted from 1970-01-01.
    Date,
}

impl Unit {
    /// Every unit that an application may name in `unit = "…"`.
    pub const NAMED: [Unit; 9] = [
        Unit::Count,
        Unit::BitsPerSecond,
        Unit::Bytes,
        Unit::Milliseconds,
        Unit::Seconds,
        Unit::Minutes,
        Unit::Days,
        Unit::PerMille,
        Unit::Lines,
    ];

    /// The short name used in contracts, manifests and `unit = "…"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Unit::BitsPerSecond => "bit/s",
            Unit::Bytes => "B",
            Unit::Milliseconds => "ms",
            Unit::Seconds => "s",
            Unit::Minutes => "min",
            Unit::Days => "d",
            Unit::Count => "count",
            Unit::PerMille => "per mille",
            Unit::Lines => "lines",
            Unit::Version => "version",
            Unit::Date => "date",
        }
    }

    /// Whether a value is written as text rather than as a number: `12.4`, `2026-11-01`.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(self, Unit::Version | Unit::Date)
    }

    /// A value of this unit in words for people: `4.21 Mbit/s`, `1:30:31`, `17`.
    #[must_use]
    pub fn words(self, value: i64) -> String {
        let size = value.unsigned_abs();
        let sign = if value < 0 { "-" } else { "" };
        match self {
            Unit::BitsPerSecond | Unit::Bytes | Unit::Milliseconds => scaled(value, self.larger()),
            Unit::Seconds if size >= 3_600 => {
                format!("{sign}{}:{:02}:{:02}", size / 3_600, size / 60 % 60, size % 60)
            }
            Unit::Seconds => format!("{sign}{}:{:02}", size / 60, size % 60),
            Unit::Minutes => format!("{value} min"),
            Unit::Days if value == 1 => "1 day".into(),
            Unit::Days => format!("{value} days"),
            Unit::Count => value.to_string(),
            Unit::PerMille if size.is_multiple_of(10) => format!("{} %", value / 10),
            Unit::PerMille => format!("{sign}{}.{} %", size / 10, size % 10),
            Unit::Lines => format!("{value} lines"),
            Unit::Version => format!("{}.{}", value >> 32, value & 0xffff_ffff),
            Unit::Date => calendar::text(value),
        }
    }

    /// The units that a person reads, largest first.
    fn larger(self) -> &'static [(u64, &'static str)] {
        match self {
            Unit::BitsPerSecond => &[(1_000_000, "Mbit/s"), (1_000, "kbit/s"), (1, "bit/s")],
            Unit::Bytes => &[(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")],
            Unit::Milliseconds => &[(1_000, "s"), (1, "ms")],
            _ => &[],
        }
    }

    /// The same value when it is a bound between outcomes: exactly, so that no two of them read alike.
    pub(super) fn bound(self, value: i64) -> String {
        match self {
            Unit::BitsPerSecond | Unit::Bytes | Unit::Milliseconds => exact(value, self.larger()),
            Unit::Seconds if value % 60 == 0 => (value / 60).to_string(),
            Unit::Minutes | Unit::Days | Unit::Lines => value.to_string(),
            _ => self.words(value),
        }
    }

    /// What stands once behind a list of bounds.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Unit::Seconds | Unit::Minutes => " min",
            Unit::Days => " days",
            Unit::Lines => " lines",
            _ => "",
        }
    }

    /// The values from `low` to below `high`, in words.
    pub(super) fn range(self, low: i64, high: Option<i64>) -> String {
        let suffix = self.suffix();
        match (self, high) {
            (Unit::Seconds, Some(h)) if low % 60 == 0 && h % 60 == 0 => {
                format!("{} to under {} min", low / 60, h / 60)
            }
            (Unit::Seconds, None) if low % 60 == 0 => format!("{} min or more", low / 60),
            (Unit::Count | Unit::Lines, Some(h)) if h == low + 1 => format!("{low}{suffix}"),
            (Unit::Count | Unit::Lines, Some(h)) => format!("{low} to {}{suffix}", h - 1),
            (Unit::PerMille, Some(1)) => "none".into(),
            (Unit::PerMille, Some(h)) if low == 1 => format!("under {}", self.words(h)),
            (Unit::PerMille, Some(1_000)) => format!("{} or more, not all", self.words(low)),
            (Unit::PerMille, None) if low == 1_000 => "all".into(),
            (Unit::Version, Some(h)) if low == 0 => format!("before {}", self.words(h)),
            (Unit::Date, Some(h)) if low == calendar::EARLIEST => format!("before {}", self.words(h)),
            (Unit::Date | Unit::Version, Some(h)) => format!("{} to before {}", self.words(low), self.words(h)),
            (Unit::Date | Unit::Version, None) => format!("{} or later", self.words(low)),
            (Unit::Seconds, Some(h)) => format!("{} to under {}", self.words(low), self.words(h)),
            (_, Some(h)) => format!("{} to under {}{suffix}", self.bound(low), self.bound(h)),
            (_, None) => format!("{}{suffix} or more", self.bound(low)),
        }
    }
}

/// All digits, in the largest unit that needs no more than three behind the point.
fn exact(value: i64, units: &[(u64, &str)]) -> String {
    let (sign, value) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
    for &(size, name) in units {
        let (whole, thousandths) = (value / size, (value % size) * 1_000);
        if size == 1 || (whole > 0 && thousandths.is_multiple_of(size)) {
            let text = format!("{whole}.{:03}", thousandths / size);
            let text = text.trim_end_matches('0').trim_end_matches('.');
            return format!("{sign}{text} {name}");
        }
    }
    format!("{sign}{value}")
}

/// Three significant digits in the largest unit that fits.
fn scaled(value: i64, units: &[(u64, &str)]) -> String {
    let (sign, value) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
    for &(size, name) in units {
        if value >= size || size == 1 {
            let whole = value / size;
            let mut out = whole.to_string();
            let hundredths = (value % size) * 100 / size;
            if size > 1 && whole < 100 && hundredths > 0 {
                let _ = write!(out, ".{hundredths:02}");
                while out.ends_with('0') {
                    out.pop();
                }
            }
            return format!("{sign}{out} {name}");
        }
    }
    format!("{sign}{value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_for_people() {
        assert_eq!(Unit::BitsPerSecond.words(4_213_000), "4.21 Mbit/s");
        assert_eq!(Unit::BitsPerSecond.words(4_050_000), "4.05 Mbit/s");
        assert_eq!(Unit::Bytes.words(3 << 19), "1.5 MiB");
        assert_eq!(Unit::Milliseconds.words(1_250), "1.25 s");
        assert_eq!(Unit::Seconds.words(5_431), "1:30:31");
        assert_eq!(Unit::Seconds.words(6), "0:06");
        assert_eq!(Unit::Minutes.words(-90), "-90 min");
        assert_eq!(Unit::Days.words(1), "1 day");
        assert_eq!(Unit::PerMille.words(730), "73 %");
        assert_eq!(Unit::PerMille.words(735), "73.5 %");
        assert_eq!(Unit::Version.words((12 << 32) | 4), "12.4");
        assert_eq!(Unit::Date.words(20_779), "2026-11-22");
    }

    #[test]
    fn ranges_are_for_people() {
        let version = |major: i64, minor: i64| (major << 32) | minor;
        for (unit, low, high, words) in [
            (Unit::Seconds, 3_600, Some(7_200), "60 to under 120 min"),
            (Unit::Seconds, 7_200, None, "120 min or more"),
            (Unit::Seconds, 0, Some(30), "0:00 to under 0:30"),
            (Unit::BitsPerSecond, 4_000_000, Some(8_000_000), "4 Mbit/s to under 8 Mbit/s"),
            (Unit::Count, 1, Some(2), "1"),
            (Unit::Count, 3, Some(5), "3 to 4"),
            (Unit::PerMille, 0, Some(1), "none"),
            (Unit::PerMille, 1, Some(100), "under 10 %"),
            (Unit::PerMille, 900, Some(1_000), "90 % or more, not all"),
            (Unit::PerMille, 1_000, None, "all"),
            (Unit::Days, 30, Some(90), "30 to under 90 days"),
            (Unit::Days, 365, None, "365 days or more"),
            (Unit::Lines, 481, Some(721), "481 to 720 lines"),
            (Unit::Version, 0, Some(version(12, 0)), "before 12.0"),
            (Unit::Version, version(12, 0), Some(version(12, 4)), "12.0 to before 12.4"),
            (Unit::Version, version(13, 0), None, "13.0 or later"),
            (Unit::Date, calendar::EARLIEST, Some(20_454), "before 2026-01-01"),
            (Unit::Minutes, -60, Some(0), "-60 to under 0 min"),
            (Unit::Milliseconds, 2_050, Some(3_416), "2.05 s to under 3.416 s"),
            (Unit::Milliseconds, -500, Some(60_000), "-500 ms to under 60 s"),
            (Unit::Bytes, 200_000, Some(1 << 30), "200000 B to under 1 GiB"),
            (Unit::Bytes, 3 << 19, None, "1.5 MiB or more"),
            (Unit::BitsPerSecond, 0, Some(1_001_000), "0 bit/s to under 1.001 Mbit/s"),
        ] {
            assert_eq!(unit.range(low, high), words);
        }
    }
}
