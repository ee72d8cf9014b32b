//! The privacy classes that `#[field(…)]` names, and their parameters: steps, bucket bounds, lists.
//!
//! Only rules that can be checked on the tokens alone are checked here. `candor::event` checks again in `const` that
//! the bounds of a ladder increase and that an event stays within its budget.

use crate::{
    attr::{self, Keys},
    ctxt::Ctxt,
    names::{did_you_mean, is_name, listed},
};
use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Error, Expr, ExprArray, ExprLit, ExprUnary, Ident, Lit, LitStr, Result, UnOp};

/// The maximum number of outcomes of one field, which is also the maximum of an event.
const MOST: i64 = 1_024;

/// The classes that `#[field(…)]` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Bitrate,
    MediaDuration,
    Duration,
    Count,
    ByteSize,
    Resolution,
    Latency,
    Age,
    Ratio,
    Step,
    SignedStep,
    Ladder,
    Digits,
    LogBuckets,
    Exact,
    Date,
    HourBand,
    Weekend,
    Version,
    Release,
    Locale,
    NetworkAddress,
    Vocabulary,
    Extension,
    TextShape,
    Presence,
    Hash,
    Cohort,
    Item,
    Tenure,
}

use Class::*;

/// Each class with its word, its type in `candor::event::class`, and an example in source form.
const CLASSES: [(Class, &str, &str, &str); 30] = [
    (Bitrate, "bitrate", "Bitrate", "4_213_000"),
    (MediaDuration, "media_duration", "MediaDuration", "\"1:30:31\""),
    (Duration, "duration", "Duration", "\"1:30:31\""),
    (Count, "count", "Count", "3"),
    (ByteSize, "byte_size", "ByteSize", "734_003_200"),
    (Resolution, "resolution", "Resolution", "\"1920x1080\""),
    (Latency, "latency", "Latency", "120"),
    (Age, "age", "Age", "40"),
    (Ratio, "ratio", "Ratio", "0.73"),
    (Step, "step", "Step", "37"),
    (SignedStep, "signed_step", "SignedStep", "60"),
    (Ladder, "ladder", "Ladder", "37"),
    (Digits, "digits", "Digits", "371"),
    (LogBuckets, "log_buckets", "LogBuckets", "120"),
    (Exact, "exact", "Exact", "3"),
    (Date, "date", "Date", "\"2026-11-22\""),
    (HourBand, "hour_band", "HourBand", "20"),
    (Weekend, "weekend", "Weekend", "6"),
    (Version, "version", "Version", "\"12.4.1-beta\""),
    (Release, "release", "Release", "\"1.4.1\""),
    (Locale, "locale", "Locale", "\"de-AT\""),
    (NetworkAddress, "network_address", "NetworkAddress", "\"192.168.1.20\""),
    (Vocabulary, "vocabulary", "Vocabulary", "\"hevc\""),
    (Extension, "extension", "Extension", "\"film.mkv\""),
    (TextShape, "text_shape", "TextShape", "\"two words\""),
    (Presence, "presence", "Presence", ""),
    (Hash, "hash", "Hash", "\"nas.local\""),
    (Cohort, "cohort", "Cohort", "\"nas.local\""),
    (Item, "item", "Item", ""),
    (Tenure, "tenure", "Tenure", ""),
];

impl Class {
    fn entry(self) -> &'static (Class, &'static str, &'static str, &'static str) {
        CLASSES.iter().find(|(class, ..)| *class == self).unwrap_or(&CLASSES[0])
    }

    /// The word in `#[field(…)]` and in the schema.
    pub(crate) fn word(self) -> &'static str {
        self.entry().1
    }

    /// The name of its type in `candor::event::class`.
    pub(crate) fn type_name(self) -> &'static str {
        self.entry().2
    }

    /// An example in source form, for messages.
    pub(super) fn such_as(self) -> &'static str {
        self.entry().3
    }

    /// The word with its required parameters, for messages.
    pub(super) fn begun(self) -> String {
        let rest = match self {
            Step => " = 10, top = 100",
            SignedStep => " = 60, from = -720, top = 840",
            Ladder => " = [0, 10, 100]",
            Digits => " = 2, top = 10_000",
            LogBuckets => " = 10, from = 1, top = 60_000",
            Exact => ", top = 9, reason = \"…\"",
            Date => " = month, from = \"2026-01\", count = 24",
            Version => " = [\"12.0\", \"12.4\"]",
            Release => " = [\"1.4.0\", \"1.4.1\"]",
            Vocabulary => " = [\"h264\", \"hevc\"]",
            Extension => " = [\"mkv\", \"mp4\"]",
            Cohort => " = 4",
            _ => "",
        };
        format!("{}{rest}", self.word())
    }

    /// The default group, unless the field names another.
    fn group(self) -> &'static str {
        if matches!(self, Bitrate | MediaDuration | ByteSize | Resolution) { "media" } else { "" }
    }

    /// Whether its values are whole numbers that can be added, such as counts.
    pub(crate) fn takes_whole_numbers(self) -> bool {
        matches!(self, Count | Step | Ladder | Digits | LogBuckets | ByteSize | Exact)
    }

    /// Whether each value of a mean is rounded at random, so that the mean is right.
    pub(crate) fn is_rounded(self) -> bool {
        self.takes_whole_numbers() || matches!(self, Latency | Age)
    }

    /// Whether its outcomes have an order, so that there is a smallest, a largest and a mean one.
    pub(crate) fn is_ordered(self) -> bool {
        self.takes_whole_numbers() || matches!(self, Latency | Age | Ratio | SignedStep | Bitrate | MediaDuration)
    }

    /// The keys that it accepts in addition to the class itself.
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Step => &["top", "unit", "group", "example"],
            Digits => &["top", "reason", "unit", "group", "example"],
            SignedStep => &["from", "top", "unit", "group", "example"],
            LogBuckets => &["from", "top", "reason", "unit", "group", "example"],
            Ladder => &["reason", "unit", "group", "example"],
            Exact => &["top", "reason", "unit", "group", "example"],
            Date => &["from", "count", "example"],
            Presence | Tenure => &[],
            Hash | Cohort => &["example", "domain"],
            Item => &["domain", "one_in", "reason"],
            Bitrate | MediaDuration | ByteSize | Resolution => &["group", "reason", "example"],
            Count | Duration | Latency | Age | Ratio => &["group", "example"],
            _ => &["example"],
        }
    }
}

/// The parameters of a class.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// No parameters: the partition is always the same.
    Fixed,
    Steps {
        unit: &'static str,
        from: i64,
        step: i64,
        rungs: usize,
    },
    Ladder {
        unit: &'static str,
        rungs: Vec<i64>,
    },
    Digits {
        unit: &'static str,
        digits: u32,
        top: i64,
    },
    LogBuckets {
        unit: &'static str,
        percent: i64,
        from: i64,
        top: i64,
    },
    Dates {
        unit: &'static str,
        from: (i64, i64, i64),
        rungs: usize,
    },
    Versions(Vec<(u32, u32)>),
    /// A list of releases, or the path of a constant that holds one. `candor::event` checks it, since a macro does not
    /// know what a constant holds.
    Releases(TokenStream),
    Labels(Vec<String>),
    Cohort {
        bits: u32,
    },
}

/// The class and its parameters, with the group and the reason of the field.
pub(super) struct Read {
    pub(super) class: Class,
    pub(super) shape: Shape,
    pub(super) group: String,
    pub(super) reason: Option<String>,
}

/// Units in source form, and their variants of `candor::Unit`.
const UNITS: [(&str, &str); 9] = [
    ("count", "Count"),
    ("bit/s", "BitsPerSecond"),
    ("B", "Bytes"),
    ("ms", "Milliseconds"),
    ("s", "Seconds"),
    ("min", "Minutes"),
    ("d", "Days"),
    ("per mille", "PerMille"),
    ("lines", "Lines"),
];

/// Reads the class of a field: the first key that is the word of a class.
pub(super) fn read(ctxt: &mut Ctxt, keys: &mut Keys<Option<Expr>>, field: &Ident) -> Option<Read> {
    let words: Vec<&str> = CLASSES.iter().map(|(_, word, ..)| *word).collect();
    let is_word = |key: &Ident| words.iter().any(|word| key == word);
    let Some((word, value)) = keys.take_first(|key, _| is_word(key)) else {
        no_class(ctxt, keys, field, &words);
        return None;
    };
    // `count` is also a key of `date`.
    let second = |key: &Ident, _: &Option<Expr>| is_word(key) && !(word == "date" && key == "count");
    while let Some((second, _)) = keys.take_first(second) {
        ctxt.error(&second, format!("field `{field}` has one privacy class: keep `{word}` or `{second}`"));
    }
    let (class, ..) = CLASSES.iter().find(|(_, known, ..)| word == known)?;
    let class = *class;
    let unit = unit(ctxt, keys, class)?;
    let shape = ctxt.keep(shape(class, &word, value.as_ref(), keys, unit, field))?;
    let group = match class.keys().contains(&"group").then(|| keys.take(ctxt, "group")).flatten() {
        Some(entry) => ctxt.keep(group(entry))?,
        None => class.group().to_owned(),
    };
    let reason = match class.keys().contains(&"reason").then(|| keys.take(ctxt, "reason")).flatten() {
        Some(entry) => Some(ctxt.keep(attr::text(entry, "the largest number tells nobody apart"))?.value()),
        None if class == Exact => {
            ctxt.error(
                &word,
                format!(
                    "field `{field}` is sent exactly, so the person must be told why: add `reason = \"…\"`, or use a \
                     class that makes it coarser, such as `count`"
                ),
            );
            return None;
        }
        None if class.group() == "media" && group != "media" => {
            let alone = if class == ByteSize { "; a size alone is not content" } else { "" };
            ctxt.error(
                &word,
                format!(
                    "field `{field}` is said not to describe what a person plays, so the person must be told why: add \
                     `reason = \"…\"`, or leave `group` out{alone}"
                ),
            );
            return None;
        }
        None => None,
    };
    Some(Read { class, shape, group, reason })
}

fn no_class(ctxt: &mut Ctxt, keys: &mut Keys<Option<Expr>>, field: &Ident, words: &[&str]) {
    let known = ["example", "domain", "unit", "group", "reason", "top", "from", "one_in"];
    match keys.take_first(|key, _| !known.iter().any(|word| key == word)) {
        Some((word, _)) => {
            let meant = did_you_mean(&word, words);
            ctxt.error(
                &word,
                format!(
                    "there is no privacy class `{word}`{meant}: write {}; free text and exact numbers have none",
                    listed(words)
                ),
            );
            while keys.take_first(|_, _| true).is_some() {}
        }
        None => ctxt.error(
            field,
            format!(
                "`#[field(…)]` of `{field}` names no privacy class: begin it with {}, such as \
                 `#[field(count, example = 3)]`; a `bool` or a category takes no `#[field(…)]`",
                listed(words)
            ),
        ),
    }
}

fn unit(ctxt: &mut Ctxt, keys: &mut Keys<Option<Expr>>, class: Class) -> Option<&'static str> {
    if !class.keys().contains(&"unit") {
        return Some("Count");
    }
    let Some(entry) = keys.take(ctxt, "unit") else { return Some("Count") };
    let text = ctxt.keep(attr::text(entry, "s"))?;
    let found = UNITS.iter().find(|(word, _)| *word == text.value());
    if found.is_none() {
        let words = UNITS.map(|(word, _)| word);
        ctxt.error(&text, format!("there is no unit `{}`: write {}", text.value(), listed(&words)));
    }
    found.map(|(_, variant)| *variant)
}

fn group(entry: (Ident, Option<Expr>)) -> Result<String> {
    let text = attr::text(entry, "cache")?;
    if is_name(&text.value()) {
        return Ok(text.value());
    }
    Err(Error::new_spanned(&text, format!("`{}` is no group's name: write a word, such as `cache`", text.value())))
}

fn shape(
    class: Class,
    word: &Ident,
    value: Option<&Expr>,
    keys: &mut Keys<Option<Expr>>,
    unit: &'static str,
    field: &Ident,
) -> Result<Shape> {
    let wrong = |what: &str| Error::new_spanned(word, format!("field `{field}`: {what}: write `{}`", class.begun()));
    let mut number = |key: &str| match keys.take_first(|known, _| known == key) {
        Some((_, value)) => {
            value.as_ref().and_then(integer).ok_or_else(|| wrong(&format!("`{key}` takes a whole number")))
        }
        None => Err(wrong(&format!("`{}` needs `{key}`", class.word()))),
    };
    let own = || value.and_then(integer);
    Ok(match class {
        Step => {
            let step = own().filter(|step| *step > 0).ok_or_else(|| wrong("a step is a whole number above 0"))?;
            let top = number("top")?;
            if top < step || top % step != 0 {
                return Err(wrong("`top` is a multiple of the step, and not less than it"));
            }
            Shape::Steps { unit, from: 0, step, rungs: rungs(word, field, top / step, unit)? }
        }
        SignedStep => {
            let step = own().filter(|step| *step > 0).ok_or_else(|| wrong("a step is a whole number above 0"))?;
            let (from, top) = (number("from")?, number("top")?);
            let span = top.checked_sub(from).filter(|span| *span >= step && span % step == 0);
            let span = span.ok_or_else(|| wrong("`top` is above `from` by a multiple of the step"))?;
            Shape::Steps { unit, from, step, rungs: rungs(word, field, span / step, unit)? }
        }
        Exact => {
            let top = number("top")?;
            if top < 1 {
                return Err(wrong("`top` is above 0"));
            }
            Shape::Steps { unit, from: 0, step: 1, rungs: rungs(word, field, top, unit)? }
        }
        Ladder => {
            let list = value.and_then(|value| elements(value, integer));
            let rungs = list.ok_or_else(|| wrong("a ladder is a list of whole numbers"))?;
            if rungs.len() < 2 || rungs.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err(wrong("a ladder has at least two rungs, each once and smallest first"));
            }
            if rungs.first().is_some_and(|first| *first < 0) {
                let message = format!(
                    "field `{field}`: a ladder takes no numbers below zero: write `signed_step = 60, from = -720, top = 840`"
                );
                return Err(Error::new_spanned(word, message));
            }
            if rungs.len() > 32 {
                return Err(wrong("a ladder has 32 rungs at most"));
            }
            Shape::Ladder { unit, rungs }
        }
        Digits => {
            let digits = own().and_then(|digits| u32::try_from(digits).ok());
            let digits = digits.filter(|digits| (1..=2).contains(digits)).ok_or_else(|| wrong("1 or 2 digits"))?;
            let top = number("top")?;
            let mut head = top;
            while head >= 10i64.pow(digits) && head % 10 == 0 {
                head /= 10;
            }
            if !(1..10i64.pow(digits)).contains(&head) {
                return Err(wrong("`top` has no more digits that are not 0 than the others"));
            }
            Shape::Digits { unit, digits, top }
        }
        LogBuckets => {
            let percent =
                own().filter(|percent| (5..=50).contains(percent)).ok_or_else(|| wrong("5 to 50 per cent"))?;
            let (from, top) = (number("from")?, number("top")?);
            if from < 1 || top <= from || top > 1 << 53 {
                return Err(wrong("`from` is at least 1, and `top` lies above it and not beyond 2^53"));
            }
            Shape::LogBuckets { unit, percent, from, top }
        }
        Date => {
            let unit = match value.map(attr::bare) {
                Some(Expr::Path(path)) => path.path.get_ident().map(Ident::to_string).unwrap_or_default(),
                _ => String::new(),
            };
            let unit = match unit.as_str() {
                "day" => "Day",
                "week" => "Week",
                "month" => "Month",
                "quarter" => "Quarter",
                _ => return Err(wrong("a date is floored to its `day`, `week`, `month` or `quarter`")),
            };
            let from =
                keys.take_first(|key, _| key == "from").and_then(|(_, value)| attr::as_text(value.as_ref()?).cloned());
            let from = from.and_then(|text| date(&text.value()));
            let from = from.ok_or_else(|| wrong("`from` is the first date, such as \"2026-01\" or \"2026-01-05\""))?;
            let count = keys.take_first(|key, _| key == "count").and_then(|(_, value)| integer(value.as_ref()?));
            let count = count.filter(|count| (1..MOST).contains(count));
            let count = count.ok_or_else(|| wrong("`count` says how many there are, 1,023 at most"))?;
            Shape::Dates { unit, from, rungs: usize::try_from(count).unwrap_or(0) + 1 }
        }
        Version => {
            let list = value.and_then(|value| elements(value, |one| version(&attr::as_text(one)?.value())));
            let mut rungs = list.ok_or_else(|| wrong("a list of versions, each one or two numbers in quotes"))?;
            if rungs.is_empty() || rungs.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err(wrong("each version is listed once, oldest first"));
            }
            if rungs.first() != Some(&(0, 0)) {
                rungs.insert(0, (0, 0));
            }
            Shape::Versions(rungs)
        }
        Release => match value.map(attr::bare) {
            Some(list @ (Expr::Array(_) | Expr::Path(_))) => Shape::Releases(list.to_token_stream()),
            _ => return Err(wrong("a list of releases in quotes, or a constant that holds one")),
        },
        Vocabulary | Extension => {
            let list = value.and_then(|value| elements(value, |one| attr::as_text(one).map(LitStr::value)));
            let list = list.ok_or_else(|| wrong("a list of words in quotes"))?;
            Shape::Labels(labels(class, list).map_err(|what| wrong(&what))?)
        }
        Cohort => {
            let bits =
                own().filter(|bits| (1..=8).contains(bits)).ok_or_else(|| wrong("a cohort takes 1 to 8 bits"))?;
            Shape::Cohort { bits: u32::try_from(bits).unwrap_or(1) }
        }
        _ if value.is_some() => return Err(wrong(&format!("`{}` takes no value", class.word()))),
        _ => Shape::Fixed,
    })
}

/// The number of bucket bounds for this number of steps. Fails if that is more than an event can hold.
fn rungs(word: &Ident, field: &Ident, steps: i64, unit: &str) -> Result<usize> {
    if steps < MOST {
        return Ok(usize::try_from(steps).unwrap_or(0) + 1);
    }
    let class = match unit {
        "BitsPerSecond" => Bitrate,
        "Seconds" | "Minutes" => Duration,
        "Milliseconds" => Latency,
        "Bytes" => ByteSize,
        "Days" => Age,
        _ => Count,
    };
    let item = "and add a field that says which item it was, such as `#[field(item)] film: String`";
    let ways = match class {
        Bitrate => format!(
            "\n- if it is content: write `linkage = rollup`, {item}\n- if it is not: add `group = \"other\", reason = \"…\"`"
        ),
        Duration => format!("\n- if it is content: write `media_duration` instead, `linkage = rollup`, {item}"),
        _ => String::new(),
    };
    let outcomes = i128::from(steps) + 1;
    Err(Error::new_spanned(
        word,
        format!(
            "field `{field}` has {outcomes} outcomes, and a whole event has {MOST} at most: write \
             `#[field({}, example = {})]`{ways}",
            class.word(),
            class.such_as()
        ),
    ))
}

/// Checks the labels of a list, which must be distinct and short, and adds `other` at the end (for `extension` also
/// `none`).
fn labels(class: Class, mut list: Vec<String>) -> std::result::Result<Vec<String>, String> {
    if list.is_empty() {
        return Err("the list is empty, and everything would be `other`".into());
    }
    let word = |label: &String| {
        (1..=32).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b))
    };
    if let Some(bad) = list.iter().find(|label| !word(label)) {
        return Err(format!("`{bad}` is no label: letters, digits, `.`, `_`, `+` and `-`, 32 at most"));
    }
    let ends: &[&str] = if class == Extension { &["none", "other"] } else { &["other"] };
    list.retain(|label| !ends.contains(&label.as_str()));
    list.extend(ends.iter().map(|end| (*end).to_owned()));
    for (at, label) in list.iter().enumerate() {
        if list.iter().skip(at + 1).any(|later| later.eq_ignore_ascii_case(label)) {
            return Err(format!("`{label}` occurs twice"));
        }
    }
    if list.len() > 64 {
        return Err(format!("the list has {} labels with `other`, and 64 is the most", list.len()));
    }
    Ok(list)
}

/// Reads a whole number, with or without a minus sign.
pub(super) fn integer(value: &Expr) -> Option<i64> {
    match attr::bare(value) {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => integer(expr)?.checked_neg(),
        _ => None,
    }
}

fn elements<T>(value: &Expr, read: impl Fn(&Expr) -> Option<T>) -> Option<Vec<T>> {
    let Expr::Array(ExprArray { elems, .. }) = attr::bare(value) else { return None };
    elems.iter().map(read).collect()
}

/// Reads `2026-01` or `2026-01-05`, from 2001 on. Dates before 2000 are an error of a clock; they have a bucket of
/// their own that ends at the first date.
pub(in crate::event) fn date(text: &str) -> Option<(i64, i64, i64)> {
    let mut parts = text.split('-');
    let mut number = |len: usize| {
        let part = parts.next()?;
        (part.len() == len && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<i64>().ok())?
    };
    let (year, month) = (number(4)?, number(2)?);
    let day = if text.len() > 7 { number(2)? } else { 1 };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (parts.next().is_none() && year > 2000 && (1..=12).contains(&month) && (1..=longest).contains(&day))
        .then_some((year, month, day))
}

/// Reads `12` or `12.4`.
fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    let number = |part: &str| {
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<u32>().ok().filter(|n| *n < 1 << 31))?
    };
    Some((number(major)?, number(minor)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(date("2026-01"), Some((2026, 1, 1)));
        assert_eq!(date("2024-02-29"), Some((2024, 2, 29)));
        for bad in ["", "2026", "2026-13", "2026-1", "2025-02-29", "2000-12", "2026-01-05-1", "2026-01-5", "x026-01"] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn versions() {
        assert_eq!(version("12"), Some((12, 0)));
        assert_eq!(version("12.4"), Some((12, 4)));
        for bad in ["", "12.", ".4", "12.4.1", "v12", "-1", "9999999999"] {
            assert_eq!(version(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_class_is_there_once() {
        for (at, (class, word, ..)) in CLASSES.iter().enumerate() {
            assert_eq!(class.word(), *word);
            assert!(CLASSES.iter().skip(at + 1).all(|(other, ..)| other != class));
        }
    }
}
