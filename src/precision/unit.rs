//! The units of a precision's cuts, and how numbers in these units are written. Never maps a value to an outcome.

use super::calendar;
use crate::language::{Locale, Say};

/// The unit in which the cuts of a numeric precision are counted.
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
    /// Whole weeks.
    Weeks,
    /// A plain count of things.
    Count,
    /// Thousandths of a whole.
    PerMille,
    /// Lines of a picture.
    Lines,
    /// The first two parts of a version: the first one times 2^32, plus the second.
    Version,
    /// A UTC day, counted from 1970-01-01.
    Date,
}

impl Unit {
    /// Every unit that an application may name in `unit = "…"`.
    pub const NAMED: &[Unit] = &[
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
            Unit::Weeks => "weeks",
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

    /// A value of this unit in words for people, in English: `4.21 Mbit/s`, `1:30:31`, `17`. Versions and dates are
    /// written as they are sent.
    #[must_use]
    pub fn words(self, value: i64) -> String {
        match self {
            Unit::Date => calendar::text(value),
            _ => self.words_in(&Locale::ENGLISH, value),
        }
    }

    /// The same in any language.
    pub(crate) fn words_in(self, locale: &Locale, value: i64) -> String {
        let size = value.unsigned_abs();
        let sign = if value < 0 { "-" } else { "" };
        match self {
            Unit::BitsPerSecond | Unit::Bytes | Unit::Milliseconds => scaled(locale, value, self.larger()),
            Unit::Seconds if size >= 3_600 => {
                format!("{sign}{}:{:02}:{:02}", size / 3_600, size / 60 % 60, size % 60)
            }
            Unit::Seconds => format!("{sign}{}:{:02}", size / 60, size % 60),
            Unit::Minutes => of(locale, Say::Minutes, value),
            Unit::Days => of(locale, Say::Days, value),
            Unit::Weeks => of(locale, Say::Weeks, value),
            Unit::Count => locale.number(value),
            Unit::PerMille => {
                let number = locale.decimal(value / 10, &(size % 10).to_string());
                // Between 0 and minus one per cent the whole part is 0, so the sign is added here.
                let lost = if value < 0 && value > -10 { "-" } else { "" };
                locale.say(Say::Percent, &[("n", (&format!("{lost}{number}")).into())])
            }
            Unit::Lines => of(locale, Say::Lines, value),
            Unit::Version => format!("{}.{}", value >> 32, value & 0xffff_ffff),
            Unit::Date => {
                let (year, month, day) = calendar::civil(value);
                let (year, month, day) = (format!("{year:04}"), format!("{month:02}"), format!("{day:02}"));
                let args = [("year", (&year).into()), ("month", (&month).into()), ("day", (&day).into())];
                locale.say(Say::Date, &args)
            }
        }
    }

    /// The units in which a person reads the value, largest first.
    fn larger(self) -> &'static [(u64, Say)] {
        match self {
            Unit::BitsPerSecond => {
                &[(1_000_000, Say::MegabitsPerSecond), (1_000, Say::KilobitsPerSecond), (1, Say::BitsPerSecond)]
            }
            Unit::Bytes => {
                &[(1 << 30, Say::Gibibytes), (1 << 20, Say::Mebibytes), (1 << 10, Say::Kibibytes), (1, Say::Bytes)]
            }
            Unit::Milliseconds => &[(1_000, Say::Seconds), (1, Say::Milliseconds)],
            _ => &[],
        }
    }

    /// A value that is a bound between outcomes, in words. It is exact, so that two different bounds never read the
    /// same. A unit that all bounds share is left out.
    pub(super) fn bound(self, locale: &Locale, value: i64) -> String {
        match self {
            Unit::BitsPerSecond | Unit::Bytes | Unit::Milliseconds => exact(locale, value, self.larger()),
            Unit::Seconds if value % 60 == 0 => locale.number(value / 60),
            Unit::Minutes | Unit::Days | Unit::Weeks | Unit::Lines => locale.number(value),
            _ => self.words_in(locale, value),
        }
    }

    /// The last of several bounds, followed by the unit that all of them share.
    pub(super) fn last_bound(self, locale: &Locale, value: i64) -> String {
        match self {
            Unit::Seconds if value % 60 == 0 => of(locale, Say::Minutes, value / 60),
            Unit::Minutes => of(locale, Say::Minutes, value),
            Unit::Days => of(locale, Say::Days, value),
            Unit::Weeks => of(locale, Say::Weeks, value),
            Unit::Lines => of(locale, Say::Lines, value),
            _ => self.bound(locale, value),
        }
    }

    /// The values from `low` to below `high`, in words.
    pub(super) fn range(self, locale: &Locale, low: i64, high: Option<i64>) -> String {
        let words = |value: i64| self.words_in(locale, value);
        let one = |say: Say, placeholder: &'static str, value: &str| locale.say(say, &[(placeholder, value.into())]);
        let two = |say: Say, low: &str, high: &str| locale.say(say, &[("low", low.into()), ("high", high.into())]);
        // Seconds are written as minutes if both ends are whole minutes.
        let whole = self != Unit::Seconds || (low % 60 == 0 && high.is_none_or(|high| high % 60 == 0));
        match (self, high) {
            (Unit::Count | Unit::Lines | Unit::Weeks, Some(h)) if h == low + 1 => self.last_bound(locale, low),
            (Unit::Count | Unit::Lines | Unit::Weeks, Some(h)) => {
                two(Say::Through, &self.bound(locale, low), &self.last_bound(locale, h - 1))
            }
            (Unit::PerMille, Some(1)) => locale.words(Say::None),
            (Unit::PerMille, Some(h)) if low == 1 => one(Say::Under, "high", &words(h)),
            (Unit::PerMille, Some(1_000)) => one(Say::NotAll, "low", &words(low)),
            (Unit::PerMille, None) if low == 1_000 => locale.words(Say::All),
            (Unit::Version, Some(h)) if low == 0 => one(Say::Before, "high", &words(h)),
            (Unit::Date, Some(h)) if low == calendar::EARLIEST => one(Say::Before, "high", &words(h)),
            (Unit::Date | Unit::Version, Some(h)) => two(Say::ToBefore, &words(low), &words(h)),
            (Unit::Date | Unit::Version, None) => one(Say::OrLater, "low", &words(low)),
            (_, Some(h)) if whole => two(Say::ToUnder, &self.bound(locale, low), &self.last_bound(locale, h)),
            (_, Some(h)) => two(Say::ToUnder, &words(low), &words(h)),
            (_, None) if whole => one(Say::OrMore, "low", &self.last_bound(locale, low)),
            (_, None) => one(Say::OrMore, "low", &words(low)),
        }
    }
}

/// A sentence with one number, `n`.
fn of(locale: &Locale, say: Say, n: i64) -> String {
    locale.say(say, &[("n", n.into())])
}

/// A number with decimals and its unit.
fn with_unit(locale: &Locale, say: Say, sign: &str, whole: u64, decimals: &str) -> String {
    let whole = i64::try_from(whole).unwrap_or(i64::MAX);
    match (sign, decimals.trim_end_matches('0')) {
        ("", "") => of(locale, say, whole),
        _ => {
            let number = format!("{sign}{}", locale.decimal(whole, decimals));
            locale.say(say, &[("n", (&number).into())])
        }
    }
}

/// All digits of a value, in the largest unit that needs at most three decimals.
fn exact(locale: &Locale, value: i64, units: &[(u64, Say)]) -> String {
    let (sign, size) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
    for &(unit, say) in units {
        let (whole, thousandths) = (size / unit, (size % unit) * 1_000);
        if unit == 1 || (whole > 0 && thousandths.is_multiple_of(unit)) {
            return with_unit(locale, say, sign, whole, &format!("{:03}", thousandths / unit));
        }
    }
    locale.number(value)
}

/// About three significant digits, in the largest unit that is not larger than the value.
fn scaled(locale: &Locale, value: i64, units: &[(u64, Say)]) -> String {
    let (sign, size) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
    for &(unit, say) in units {
        if size >= unit || unit == 1 {
            let whole = size / unit;
            let hundredths = (size % unit) * 100 / unit;
            let decimals = if unit > 1 && whole < 100 { format!("{hundredths:02}") } else { String::new() };
            return with_unit(locale, say, sign, whole, &decimals);
        }
    }
    locale.number(value)
}

#[cfg(test)]
mod tests {
    use super::{Locale, Unit, calendar};

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
            assert_eq!(unit.range(&Locale::ENGLISH, low, high), words);
        }
    }

    #[test]
    fn ranges_and_values_are_for_people_who_read_french() {
        let version = |major: i64, minor: i64| (major << 32) | minor;
        for (unit, low, high, words) in [
            (Unit::Seconds, 3_600, Some(7_200), "de 60 à moins de 120_min"),
            (Unit::Seconds, 7_200, None, "120_min ou plus"),
            (Unit::Seconds, 0, Some(30), "de 0:00 à moins de 0:30"),
            (Unit::BitsPerSecond, 4_000_000, Some(8_000_000), "de 4_Mbit/s à moins de 8_Mbit/s"),
            (Unit::Count, 1, Some(2), "1"),
            (Unit::Count, 3, Some(5), "de 3 à 4"),
            (Unit::PerMille, 0, Some(1), "rien"),
            (Unit::PerMille, 1, Some(100), "moins de 10_%"),
            (Unit::PerMille, 900, Some(1_000), "90_% ou plus, mais pas tout"),
            (Unit::PerMille, 1_000, None, "tout"),
            (Unit::Days, 0, Some(1), "de 0 à moins de 1_jour"),
            (Unit::Days, 365, None, "365_jours ou plus"),
            (Unit::Lines, 481, Some(721), "de 481 à 720_lignes"),
            (Unit::Version, 0, Some(version(12, 0)), "avant 12.0"),
            (Unit::Version, version(12, 0), Some(version(12, 4)), "à partir de 12.0, mais avant 12.4"),
            (Unit::Date, 20_454, None, "à partir de 01/01/2026"),
            (Unit::Milliseconds, 2_050, Some(3_416), "de 2,05_s à moins de 3,416_s"),
            (Unit::Bytes, 200_000, Some(1 << 30), "de 200~000_octets à moins de 1_Gio"),
        ] {
            let words = words.replace('_', "\u{a0}").replace('~', "\u{202f}");
            assert_eq!(unit.range(&Locale::FRENCH, low, high), words);
        }
        assert_eq!(Unit::BitsPerSecond.words_in(&Locale::FRENCH, 4_213_000), "4,21\u{a0}Mbit/s");
        assert_eq!(Unit::PerMille.words_in(&Locale::FRENCH, -5), "-0,5\u{a0}%");
        assert_eq!(Unit::Date.words_in(&Locale::FRENCH, 20_779), "22/11/2026");
        assert_eq!(Unit::Date.words_in(&Locale::ENGLISH, 20_779), Unit::Date.words(20_779));
    }
}
