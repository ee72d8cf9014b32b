//! candor's own classes by name. Only this module maps names to the crate's partitions. It asks the crate for each outcome
//! and for all bounds that follow from a rule; it defines none of its own.

use crate::number::{self, Amount, Unfit};
use candor::{
    __private::{
        DateUnit, MOST_RELEASES, dates, day_number, digits, digits_len, is_release, log_buckets, log_buckets_len,
        order, steps, versions,
    },
    Precision, Unit,
    event::{
        Fixed,
        class::{
            self, Age, Bitrate, ByteSize, Class, Count, Hash, INVALID, Latency, MediaDuration, NetworkAddress,
            Presence, Ratio, Resolution, Tenure, TextShape,
        },
    },
};
use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

/// The most outcomes of one field, as in candor.
const MOST: usize = 1_024;
/// Larger numbers in a class could overflow.
const NUMBER_MOST: i64 = 1 << 52;

/// One of candor's classes, with its parameters.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// As the command line writes it.
    pub(crate) name: String,
    /// The unit of the values in the input, or what else they are.
    pub(crate) unit: &'static str,
    /// The partition.
    pub(crate) precision: Precision,
    reads: Reads,
}

/// How a value is read from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// A number that is not negative.
    Number,
    /// Seconds, or `h:mm:ss`.
    Seconds,
    /// The lines of the shorter side, or both sides as `1920x1080`.
    Lines,
    /// A number, also below zero.
    Signed,
    /// A number from 0 to 1, or `part/whole`.
    Ratio,
    /// A date, a time with an offset from UTC, or seconds since 1970.
    Date,
    Hour,
    Weekday,
    Version,
    Release,
    Locale,
    Address,
    /// A listed word, in upper or lower case.
    Word,
    /// A listed word exactly.
    Label,
    Path,
    Shape,
    Presence,
    Flag,
    /// The value itself, because a code differs exactly where the values do.
    Code,
    Cohort,
}

/// Each class: its name, its partition if that is always the same, what its values are, and how they are read.
const CLASSES: [(&str, Option<Precision>, &str, Reads); 29] = [
    ("count", Some(Count::PRECISION), "things", Reads::Number),
    ("bitrate", Some(Bitrate::PRECISION), "bit/s", Reads::Number),
    ("media_duration", Some(MediaDuration::PRECISION), "s", Reads::Seconds),
    ("duration", Some(class::Duration::PRECISION), "s", Reads::Seconds),
    ("byte_size", Some(ByteSize::PRECISION), "B", Reads::Number),
    ("resolution", Some(Resolution::PRECISION), "lines of the shorter side", Reads::Lines),
    ("latency", Some(Latency::PRECISION), "ms", Reads::Number),
    ("age", Some(Age::PRECISION), "days", Reads::Number),
    ("tenure", Some(Tenure::PRECISION), "weeks", Reads::Number),
    ("ratio", Some(Ratio::PRECISION), "part of 1", Reads::Ratio),
    ("signed_step", None, "number", Reads::Signed),
    ("digits", None, "number", Reads::Number),
    ("log_buckets", None, "number", Reads::Number),
    ("exact", None, "number", Reads::Number),
    ("date", None, "UTC date", Reads::Date),
    ("hour_band", Some(class::HourBand::PRECISION), "hour, 0 to 23", Reads::Hour),
    ("weekend", Some(class::Weekend::PRECISION), "day, 1 (Monday) to 7", Reads::Weekday),
    ("version", None, "version", Reads::Version),
    ("release", None, "version", Reads::Release),
    ("locale", Some(class::Locale::PRECISION), "language tag", Reads::Locale),
    ("network_address", Some(NetworkAddress::PRECISION), "IP address", Reads::Address),
    ("vocabulary", None, "word", Reads::Word),
    ("extension", None, "path", Reads::Path),
    ("text_shape", Some(TextShape::PRECISION), "text", Reads::Shape),
    ("presence", Some(Presence::PRECISION), "any value", Reads::Presence),
    ("hash", Some(Hash::PRECISION), "any value", Reads::Code),
    ("cohort", None, "any value", Reads::Cohort),
    // The two kinds of fields that are their own class.
    ("bool", Some(Precision::Flag), "yes or no", Reads::Flag),
    ("category", None, "label", Reads::Label),
];

/// An example of the parameters of each class that needs some.
const NEEDS: [(&str, &str); 10] = [
    ("signed_step", "60:-720:840"),
    ("digits", "2:10000"),
    ("log_buckets", "10:1:60000"),
    ("date", "month:2026-01:24"),
    ("version", "12.0,12.4"),
    ("release", "1.4.0,1.4.1"),
    ("vocabulary", "h264,hevc"),
    ("extension", "mkv,mp4"),
    ("cohort", "4"),
    ("category", "h264,hevc"),
];

/// The names of all classes.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    CLASSES.iter().map(|(name, ..)| *name)
}

/// The class of this name. `None` if there is none. The error says what is wrong with the parameters.
pub(super) fn read(name: &str, parameters: Option<&str>) -> Option<Result<Known, String>> {
    let (name, fixed, unit, reads) = CLASSES.into_iter().find(|(known, ..)| *known == name)?;
    let known = |text: String, precision| Known { name: text, unit, precision, reads };
    Some(match (fixed, parameters) {
        (Some(precision), None) => Ok(known(name.into(), precision)),
        (Some(_), Some(_)) => Err("takes nothing after its name: its outcomes are candor's".into()),
        (None, parameters) => {
            let such_as = NEEDS.iter().find(|(of, _)| *of == name).map_or("9", |(_, such_as)| such_as);
            let precision = parameters.ok_or_else(|| "needs more than its name".to_owned());
            let precision = precision.and_then(|text| Ok((text, partition(name, text)?)));
            precision
                .map(|(text, precision)| known(format!("{name}:{text}"), precision))
                .map_err(|problem| format!("{problem}; write it such as {name}:{such_as}"))
        }
    })
}

/// The class of a contract, with its partition as the contract stores it. A class that is not known by name is read as its
/// partition needs.
pub(super) fn stored(name: &str, spec: &serde_json::Value) -> Option<Known> {
    let number = |key: &str| u32::try_from(spec[key].as_u64()?).ok();
    let (precision, reads) = match spec["kind"].as_str()? {
        "flag" => (Precision::Flag, Reads::Flag),
        "labels" => {
            let labels = spec["labels"].as_array()?.iter().map(|label| label.as_str().map(|it| &*it.to_owned().leak()));
            let labels: Vec<&'static str> = labels.collect::<Option<_>>()?;
            (Precision::Labels(labels.leak()), Reads::Label)
        }
        // A contract says how many releases there are, and not which.
        "releases" => {
            let most = spec["most"].as_u64().filter(|most| *most <= MOST_RELEASES as u64)?;
            let releases = (1..=most).map(|number| &*format!("release {number}").leak());
            let labels: Vec<&'static str> = ["older"].into_iter().chain(releases).chain(["other"]).collect();
            (Precision::Labels(labels.leak()), Reads::Label)
        }
        "cuts" => {
            let cuts: Vec<i64> =
                spec["cuts"].as_array()?.iter().map(serde_json::Value::as_i64).collect::<Option<_>>()?;
            let unit = match name {
                "date" => Unit::Date,
                "version" => Unit::Version,
                _ => Unit::Count,
            };
            (Precision::Cuts { unit, cuts: cuts.leak() }, Reads::Number)
        }
        "code" => (Precision::Code { bits: number("bits")? }, Reads::Code),
        "cohort" => (Precision::Cohort { bits: number("bits").filter(|bits| *bits <= 16)? }, Reads::Cohort),
        _ => return None,
    };
    let known = CLASSES.iter().find(|(known, ..)| *known == name);
    let (unit, reads) = known.map_or(("value", reads), |(_, _, unit, reads)| (*unit, *reads));
    Some(Known { name: name.to_owned(), unit, precision, reads })
}

/// The partition of a class from its parameters, with the limits that candor sets.
fn partition(name: &str, text: &str) -> Result<Precision, String> {
    let parts: Vec<&str> = text.split(':').map(str::trim).collect();
    let list = || text.split(',').map(str::trim);
    match (name, &parts[..]) {
        ("exact", [top]) => {
            let top = whole(top, 1, MOST as i64 - 1)?;
            Ok(cuts(steps::<MOST>(0, 1).into_iter().take(length(top)?).collect()))
        }
        ("signed_step", [step, from, top]) => {
            let (step, from) = (whole(step, 1, NUMBER_MOST / MOST as i64)?, whole(from, -NUMBER_MOST, NUMBER_MOST)?);
            let span = whole(top, -NUMBER_MOST, NUMBER_MOST)? - from;
            if span < step || span % step != 0 {
                return Err("has a top that is not above its first bound by a multiple of the step".into());
            }
            Ok(cuts(steps::<MOST>(from, step).into_iter().take(length(span / step)?).collect()))
        }
        ("digits", [many, top]) => {
            let (many, top) = (whole(many, 1, 2)? as u32, whole(top, 1, NUMBER_MOST)?);
            let length = fits(digits_len(many, top))?;
            Ok(cuts(digits::<MOST>(many, top).into_iter().take(length).collect()))
        }
        ("log_buckets", [percent, from, top]) => {
            let (percent, from) = (whole(percent, 5, 50)?, whole(from, 1, NUMBER_MOST)?);
            let top = whole(top, from + 1, NUMBER_MOST + 1)?;
            let length = fits(log_buckets_len(percent, from, top))?;
            Ok(cuts(log_buckets::<MOST>(percent, from, top).into_iter().take(length).collect()))
        }
        ("date", [unit, from, count]) => {
            let unit = match *unit {
                "day" => DateUnit::Day,
                "week" => DateUnit::Week,
                "month" => DateUnit::Month,
                "quarter" => DateUnit::Quarter,
                _ => return Err("is floored to a day, week, month or quarter".into()),
            };
            let (year, month, day) = calendar_date(from)
                .filter(|(year, ..)| (2001..3000).contains(year))
                .ok_or("has no date where it begins: a year and a month, or also a day, from 2001 on")?;
            let count = length(whole(count, 1, MOST as i64 - 1)?)?;
            let cuts = dates::<MOST>(unit, year, month, day).into_iter().take(count).collect::<Vec<i64>>();
            Ok(Precision::Cuts { unit: Unit::Date, cuts: cuts.leak() })
        }
        ("cohort", [bits]) => Ok(Precision::Cohort { bits: whole(bits, 1, 8)? as u32 }),
        ("version", [_]) => {
            let mut parts = Vec::new();
            for one in list() {
                let (major, minor) = one.split_once('.').unwrap_or((one, "0"));
                let number = |part| whole(part, 0, (1 << 31) - 1).map(|number| number as u32);
                parts.push((number(major)?, number(minor)?));
            }
            if parts.first() != Some(&(0, 0)) {
                parts.insert(0, (0, 0));
            }
            if !parts.is_sorted_by(|a, b| a < b) {
                return Err("lists each version once, oldest first".into());
            }
            let cuts: Vec<i64> = parts.into_iter().flat_map(|part| versions([part])).collect();
            Ok(Precision::Cuts { unit: Unit::Version, cuts: cuts.leak() })
        }
        ("release", [_]) => {
            let releases: Vec<&'static str> = list().map(|one| &*one.to_owned().leak()).collect();
            let rises = releases.is_sorted_by(|a, b| order(a, b) == Some(-1));
            if releases.len() > MOST_RELEASES || !releases.iter().all(|one| is_release(one)) || !rises {
                return Err("lists the last releases, 8 at most, each once and oldest first".into());
            }
            Ok(Precision::Releases(releases.leak()))
        }
        ("vocabulary" | "extension" | "category", [_]) => {
            let ends: &[&str] = if name == "extension" { &["none", "other"] } else { &["other"] };
            let mut labels: Vec<&'static str> = Vec::new();
            for word in list().filter(|word| !ends.contains(word)) {
                if word.is_empty() || labels.contains(&word) {
                    return Err("lists each word once, and none that is empty".into());
                }
                labels.push(word.to_owned().leak());
            }
            if labels.is_empty() || labels.len() + ends.len() > 64 {
                return Err("lists 1 to 63 words".into());
            }
            labels.extend(ends);
            Ok(Precision::Labels(labels.leak()))
        }
        _ => Err("has another number of parts".into()),
    }
}

/// A list of bounds of numbers.
fn cuts(cuts: Vec<i64>) -> Precision {
    Precision::Cuts { unit: Unit::Count, cuts: cuts.leak() }
}

/// The number of bounds for this number of steps.
fn length(steps: i64) -> Result<usize, String> {
    fits(usize::try_from(steps).unwrap_or(usize::MAX).saturating_add(1))
}

fn fits(length: usize) -> Result<usize, String> {
    if length > MOST { Err(format!("has more than {MOST} outcomes")) } else { Ok(length) }
}

fn whole(text: &str, least: i64, most: i64) -> Result<i64, String> {
    let number = text.replace('_', "").parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| {
        format!("has `{}` where a whole number from {least} to {most} belongs", crate::words::shown(text))
    })
}

impl Known {
    /// The outcome of a value, which may be empty.
    pub(crate) fn outcome(&self, value: &[u8]) -> Result<u16, Unfit> {
        let text = String::from_utf8_lossy(value);
        let text = text.trim();
        match self.reads {
            // For these two, an empty value is a value.
            Reads::Shape => return Ok(TextShape::outcome(&self.precision, text)),
            Reads::Presence => return Ok(Presence::of(&Some(()).filter(|()| !text.is_empty()))),
            _ if text.is_empty() => return Err(Unfit::Missing),
            _ => {}
        }
        let found = match self.reads {
            Reads::Number => return number::read(value).map(|amount| self.of_number(amount)),
            Reads::Seconds | Reads::Lines => return self.of_pair_or_number(text),
            Reads::Signed => text.parse().ok().map(|number: f64| class::SignedStep::outcome(&self.precision, &number)),
            Reads::Ratio => match text.split_once('/') {
                Some((part, whole)) => match (part.trim().parse::<u64>(), whole.trim().parse::<u64>()) {
                    (Ok(part), Ok(whole)) => Some(Ratio::outcome(&self.precision, &(part, whole))),
                    _ => None,
                },
                None => text.parse().ok().map(|part: f64| Ratio::outcome(&self.precision, &part)),
            },
            Reads::Date => seconds(text).map(|since| {
                u64::try_from(since).map_or(INVALID, |since| {
                    let time = UNIX_EPOCH.checked_add(Duration::from_secs(since));
                    time.map_or(INVALID, |time| class::Date::outcome(&self.precision, &time))
                })
            }),
            Reads::Hour => text.parse().ok().map(|hour: i64| class::HourBand::outcome(&self.precision, &hour)),
            Reads::Weekday => text.parse().ok().map(|day: i64| class::Weekend::outcome(&self.precision, &day)),
            Reads::Version => Some(class::Version::outcome(&self.precision, text)),
            Reads::Release => Some(class::Release::outcome(&self.precision, text)),
            Reads::Locale => Some(class::Locale::outcome(&self.precision, text)),
            Reads::Address => {
                let address = text.parse::<IpAddr>().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
                address.map(|address| NetworkAddress::outcome(&self.precision, &address))
            }
            Reads::Word => Some(class::Vocabulary::outcome(&self.precision, text)),
            Reads::Path => Some(class::Extension::outcome(&self.precision, Path::new(text))),
            Reads::Label => {
                let Precision::Labels(labels) = self.precision else { return Err(Unfit::NotANumber) };
                let at = labels.iter().position(|label| *label == text).unwrap_or(labels.len().saturating_sub(1));
                u16::try_from(at + 1).ok()
            }
            Reads::Flag => match &*text.to_ascii_lowercase() {
                "true" | "yes" | "1" => Some(2),
                "false" | "no" | "0" => Some(1),
                _ => None,
            },
            // In candor the key differs between installations, so that nobody can choose which values meet in a group. Here
            // only the number of groups matters.
            Reads::Cohort => {
                let hash = blake3::hash(value);
                hash.as_bytes()
                    .first()
                    .map(|byte| 1 + u16::from(*byte) % u16::try_from(self.precision.outcomes()).unwrap_or(1))
            }
            Reads::Code | Reads::Shape | Reads::Presence => None,
        };
        found.filter(|outcome| *outcome != INVALID && *outcome != 0).ok_or(Unfit::NotANumber)
    }

    /// Whether the value itself decides, because a code differs exactly where the values do.
    pub(crate) fn is_code(&self) -> bool {
        self.reads == Reads::Code
    }

    /// Whether its values are words of a list that the program chooses.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.reads, Reads::Word | Reads::Label)
    }

    /// Whether its values are numbers that are not negative.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self.reads, Reads::Number | Reads::Seconds | Reads::Lines)
    }

    fn of_number(&self, amount: Amount) -> u16 {
        self.precision.outcome_of(i64::try_from(amount.whole()).unwrap_or(i64::MAX))
    }

    /// Reads `1:30:31` as seconds and `1920x1080` as lines, and else a number.
    fn of_pair_or_number(&self, text: &str) -> Result<u16, Unfit> {
        let pair = text.split_once(['x', 'X', '×']).filter(|_| self.reads == Reads::Lines);
        if let Some((width, height)) = pair {
            let sides = (width.trim().parse::<u64>(), height.trim().parse::<u64>());
            let (Ok(width), Ok(height)) = sides else { return Err(Unfit::NotANumber) };
            let outcome = Resolution::outcome(&self.precision, &(width, height));
            return Some(outcome).filter(|outcome| *outcome != INVALID).ok_or(Unfit::NotANumber);
        }
        if self.reads == Reads::Seconds && text.contains(':') {
            let time = clock_time(text).ok_or(Unfit::NotANumber)?;
            return Ok(self.precision.outcome_of(i64::try_from(time).unwrap_or(i64::MAX)));
        }
        number::read(text.as_bytes()).map(|amount| self.of_number(amount))
    }
}

/// Reads `m:ss` or `h:mm:ss`, also with a fraction of a second.
fn clock_time(text: &str) -> Option<u64> {
    let (text, _) = text.split_once('.').unwrap_or((text, ""));
    let parts: Vec<u64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match parts[..] {
        [minutes, seconds] => (0, minutes, seconds),
        [hours, minutes, seconds] if minutes < 60 => (hours, minutes, seconds),
        _ => return None,
    };
    (seconds < 60).then_some(())?;
    hours.checked_mul(3_600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)
}

/// Reads a year and a month, or also a day, such as `2026-01` or `2026-01-05`.
fn calendar_date(text: &str) -> Option<(i64, i64, i64)> {
    let mut parts = text.split('-');
    let mut number = |length: usize| parts.next().filter(|part| part.len() == length)?.parse::<i64>().ok();
    let (year, month) = (number(4)?, number(2)?);
    let day = if text.len() > 7 { number(2)? } else { 1 };
    let longest = match month {
        12 => 31,
        1..12 => day_number(year, month + 1, 1) - day_number(year, month, 1),
        _ => return None,
    };
    (parts.next().is_none() && (1..=longest).contains(&day)).then_some((year, month, day))
}

/// Seconds since 1970 of a date, of a time with an offset from UTC such as `2026-11-22T20:15:00+01:00`, or of a number of
/// seconds. A time without an offset is in UTC.
fn seconds(text: &str) -> Option<i64> {
    if !text.contains('-') {
        return text.parse().ok();
    }
    let (date, time) = text.split_once(['T', 't', ' ']).unwrap_or((text, ""));
    let (year, month, day) = calendar_date(date).filter(|_| date.len() == 10)?;
    let midnight = day_number(year, month, day) * 86_400;
    let time = time.trim();
    let (clock, offset) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => (time, ""),
    };
    let of_day = match clock.trim() {
        "" => 0,
        // A clock time without seconds is hours and minutes.
        clock if clock.matches(':').count() == 1 => i64::try_from(clock_time(clock)?).ok()? * 60,
        clock => i64::try_from(clock_time(clock)?).ok()?,
    };
    let ahead = match offset {
        "" | "Z" | "z" => 0,
        offset => {
            let (sign, offset) = offset.split_at(1);
            let minutes = i64::try_from(clock_time(offset).filter(|_| offset.len() == 5)?).ok()?;
            if sign == "-" { -minutes * 60 } else { minutes * 60 }
        }
    };
    (of_day < 86_400).then_some(midnight + of_day - ahead)
}

/// The half-open bounds of an outcome. An upper bound of `None` means unbounded.
pub(crate) fn bounds(precision: &Precision, outcome: u16) -> Option<(u64, Option<u64>)> {
    let Precision::Cuts { cuts, unit } = precision else { return None };
    if matches!(unit, Unit::Date | Unit::Version) {
        return None;
    }
    let at = usize::from(outcome).checked_sub(1)?;
    let bound = |at: usize| cuts.get(at).and_then(|cut| u64::try_from(*cut).ok());
    // Values below the first cut belong to the first bucket.
    let low = if at == 0 { 0 } else { bound(at)? };
    Some((low, bound(at + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(class: &str, value: &str) -> String {
        let (name, rest) = class.split_once(':').map_or((class, None), |(name, rest)| (name, Some(rest)));
        let known = read(name, rest).unwrap().unwrap();
        known.outcome(value.as_bytes()).map_or_else(|unfit| format!("{unfit:?}"), |it| known.precision.words(it))
    }

    #[test]
    fn values_are_read_and_candor_makes_them_coarse() {
        for (class, value, wanted) in [
            ("media_duration", "1:30:31", "60 to under 120 min"),
            ("media_duration", "5431.7", "60 to under 120 min"),
            ("media_duration", "0:59.9", "0 to under 1 min"),
            ("media_duration", "1:60", "NotANumber"),
            ("resolution", "1920x804", "721 to 1080 lines"),
            ("resolution", "804", "721 to 1080 lines"),
            ("resolution", "0x5", "NotANumber"),
            ("ratio", "0.73", "70 % to under 80 %"),
            ("ratio", "3/10", "30 % to under 40 %"),
            ("ratio", "1.2", "NotANumber"),
            ("signed_step:60:-720:840", "-61", "-120 to -61"),
            ("signed_step:60:-720:840", "nan", "NotANumber"),
            ("digits:1:10000", "371", "300 to 399"),
            ("exact:3", "7", "3 or more"),
            ("date:quarter:2026-01:8", "2026-11-22", "2026-10-01 to before 2027-01-01"),
            ("date:day:2026-01:9", "2026-01-02T00:30:00+01:00", "2026-01-01 to before 2026-01-02"),
            ("date:day:2026-01:9", "2026-01-01 23:30-01:00", "2026-01-02 to before 2026-01-03"),
            ("date:day:2026-01:9", "1767225600", "2026-01-01 to before 2026-01-02"),
            ("date:day:2026-01:9", "2026-02-30", "NotANumber"),
            ("date:day:2026-01:9", "1999-12-31", "NotANumber"),
            ("hour_band", "23", "evening"),
            ("weekend", "7", "yes"),
            ("version:12.0,12.4", "v12.7.3-beta", "12.4 or later"),
            ("version:12.0,12.4", "banana", "NotANumber"),
            ("locale", "de_AT.UTF-8", "de"),
            ("network_address", "192.168.1.20", "private"),
            ("network_address", "[::1]:80", "loopback"),
            ("network_address", "nas.local", "NotANumber"),
            ("vocabulary:h264,hevc", "HEVC", "hevc"),
            ("vocabulary:h264,hevc", "av1", "other"),
            ("category:h264,hevc", "HEVC", "other"),
            ("extension:mkv,mp4", "/home/ada/a.MKV", "mkv"),
            ("text_shape", "four", "ascii_1_8"),
            ("text_shape", "", "empty"),
            ("presence", "", "no"),
            ("presence", "ada", "yes"),
            ("bool", "True", "yes"),
            ("bool", "2", "NotANumber"),
            ("vocabulary:h264", "", "Missing"),
        ] {
            assert_eq!(words(class, value), wanted, "{class} of {value}");
        }
        assert!(words("cohort:4", "nas.local").contains("16"));
    }

    #[test]
    fn bounds_are_those_that_candor_makes() {
        let bounds = |class: &str| {
            let (name, rest) = class.split_once(':').unwrap();
            let Precision::Cuts { cuts, .. } = read(name, Some(rest)).unwrap().unwrap().precision else {
                unreachable!()
            };
            cuts
        };
        const DIGITS: usize = digits_len(2, 10_000);
        assert_eq!(bounds("digits:2:10000"), digits::<DIGITS>(2, 10_000));
        const LOG: usize = log_buckets_len(10, 1, 60_000);
        assert_eq!(bounds("log_buckets:10:1:60000"), log_buckets::<LOG>(10, 1, 60_000));
        assert_eq!(bounds("date:month:2026-01:24"), dates::<25>(DateUnit::Month, 2026, 1, 1));
        assert_eq!(bounds("signed_step:60:-720:840"), steps::<27>(-720, 60));
        assert_eq!(bounds("version:12,12.4"), versions([(0, 0), (12, 0), (12, 4)]));
    }
}
