//! Reads a field's example: a value as the person's computer holds it. The manifest shows it together with what would
//! be sent.
//!
//! It never generalises the value; the field's class does that.

use super::class::{self, Class};
use crate::attr;
use std::net::IpAddr;
use syn::{Error, Expr, ExprLit, Ident, Lit, LitStr, Result};

/// An example of a value on a person's computer.
#[derive(Debug)]
pub(crate) enum Example {
    /// In the unit of the field's partition.
    Number(i64),
    /// A UTC date.
    Date(i64, i64, i64),
    /// The text that is shown, and the value that is passed to the class.
    Words(String, Value),
    /// The text that would be hashed.
    Text(String),
}

/// A value in the form in which the generated code holds it.
#[derive(Debug)]
pub(crate) enum Value {
    Text(String),
    Number(i64),
    Float(String),
    Address(IpAddr),
}

pub(super) fn read(class: Class, (key, value): (Ident, Option<Expr>), field: &Ident) -> Result<Example> {
    let such_as = class.such_as();
    let (takes, example) = match class {
        Class::MediaDuration | Class::Duration => (
            "a length, as \"hours:minutes:seconds\" or \"minutes:seconds\"",
            text(&value).and_then(|text| seconds(&text)).map(Example::Number),
        ),
        Class::Resolution => {
            ("a picture's size in quotes", text(&value).and_then(|text| shorter(&text)).map(Example::Number))
        }
        Class::Date => (
            "a date in quotes",
            text(&value)
                .filter(|text| text.len() == 10)
                .and_then(|text| class::date(&text))
                .map(|(y, m, d)| Example::Date(y, m, d)),
        ),
        Class::Ratio => ("a part of 1", float(&value).map(|raw| Example::Words(raw.clone(), Value::Float(raw)))),
        Class::HourBand => (
            "an hour, 0 to 23",
            number(&value, 0..=23).map(|hour| Example::Words(format!("{hour}:00"), Value::Number(hour))),
        ),
        Class::Weekend => (
            "a day of the week, 1 (Monday) to 7",
            number(&value, 1..=7).map(|day| Example::Words(weekday(day).to_owned(), Value::Number(day))),
        ),
        Class::NetworkAddress => (
            "an IP address in quotes",
            text(&value).and_then(|text| Some(Example::Words(text.clone(), Value::Address(text.parse().ok()?)))),
        ),
        Class::Version | Class::Release | Class::Locale | Class::Vocabulary | Class::Extension | Class::TextShape => {
            ("text in quotes", text(&value).map(|text| Example::Words(text.clone(), Value::Text(text))))
        }
        Class::Hash | Class::Cohort => ("text that could be hashed, in quotes", text(&value).map(Example::Text)),
        Class::SignedStep => ("a whole number", number(&value, i64::MIN..=i64::MAX).map(Example::Number)),
        Class::Bitrate => ("a whole number of bit/s", number(&value, 0..=i64::MAX).map(Example::Number)),
        Class::Latency => ("a whole number of milliseconds", number(&value, 0..=i64::MAX).map(Example::Number)),
        Class::Age => ("a whole number of days", number(&value, 0..=i64::MAX).map(Example::Number)),
        _ => ("a whole number", number(&value, 0..=i64::MAX).map(Example::Number)),
    };
    example.ok_or_else(|| {
        let message = format!("the example of `{field}` is {takes}: write `example = {such_as}`");
        match &value {
            Some(value) => Error::new_spanned(value, message),
            None => Error::new_spanned(&key, message),
        }
    })
}

fn number(value: &Option<Expr>, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    class::integer(value.as_ref()?).filter(|number| range.contains(number))
}

fn text(value: &Option<Expr>) -> Option<String> {
    value.as_ref().and_then(attr::as_text).map(LitStr::value).filter(|text| !text.trim().is_empty())
}

fn float(value: &Option<Expr>) -> Option<String> {
    let Expr::Lit(ExprLit { lit: Lit::Float(float), .. }) = attr::bare(value.as_ref()?) else { return None };
    let part: f64 = float.base10_parse().ok()?;
    (0.0..=1.0).contains(&part).then(|| float.base10_digits().to_owned())
}

/// Returns the shorter side: 1080 for `1920x1080`.
fn shorter(text: &str) -> Option<i64> {
    let (width, height) = text.split_once('x')?;
    let side = |part: &str| part.parse::<u32>().ok().filter(|side| *side > 0);
    Some(i64::from(side(width)?.min(side(height)?)))
}

fn weekday(day: i64) -> &'static str {
    match day {
        1 => "Monday",
        2 => "Tuesday",
        3 => "Wednesday",
        4 => "Thursday",
        5 => "Friday",
        6 => "Saturday",
        _ => "Sunday",
    }
}

/// Converts `1:30:31`, `45:10` or `0:07` to seconds.
fn seconds(text: &str) -> Option<i64> {
    let parts: Vec<&str> = text.split(':').collect();
    let (first, rest) = parts.split_first()?;
    if !(1..=2).contains(&rest.len()) || !(1..=3).contains(&first.len()) {
        return None;
    }
    let digits =
        |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<i64>().ok()).flatten();
    rest.iter().try_fold(digits(first)?, |sum, part| {
        let value = digits(part).filter(|value| part.len() == 2 && *value < 60)?;
        Some(sum * 60 + value)
    })
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn lengths() {
        for (text, want) in
            [("1:30:31", 5_431), ("45:10", 2_710), ("0:07", 7), ("90:00", 5_400), ("100:00:00", 360_000)]
        {
            assert_eq!(seconds(text), Some(want), "{text}");
        }
        for bad in
            ["", "7", "1:7", "0:60", "1:60:00", ":07", "1:2:3:4", "a:07", "+1:07", "1:+7", "1:30:", "1234:00", "1 :07"]
        {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
