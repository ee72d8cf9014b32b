//! How coarse a field's value is made before rows are compared: candor's own classes, and a few generic ones. Buckets are
//! half-open, and values are floored, never rounded to nearest. Keeps no value.

mod candors;

use crate::{
    error::{Error, Result, did_you_mean},
    number::{self, Amount, Unfit},
    words,
};
use candors::Known;
use std::sync::Arc;

/// The most bounds that a ladder may have.
const RUNGS_MOST: usize = 4_096;

/// How a field's values are grouped.
#[derive(Debug, Clone)]
pub(crate) enum Class {
    /// Unchanged, byte for byte.
    Exact,
    /// Not part of the plan.
    Omit,
    /// Rounded down to a multiple of `width`. Values from `top` on are one bucket. In billionths.
    Step {
        /// The width of a bucket.
        width: u128,
        /// Where the last, unbounded bucket begins.
        top: Option<u128>,
    },
    /// Rounded down to one of these bounds, in rising order, in billionths.
    Ladder(Vec<u128>),
    /// One of candor's own classes.
    Known(Arc<Known>),
}

/// A value after generalization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell<'v> {
    /// The value is not sent, with the reason.
    NotSent(Unfit),
    /// The value itself.
    Text(&'v [u8]),
    /// A bucket of numbers, identified by its lower bound or its index.
    Numbers(u128),
}

/// The bounds of a bucket in whole units. An unbounded upper end is infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Interval {
    /// Included in the interval.
    pub(crate) low: f64,
    /// Excluded from the interval, unless both bounds are equal.
    pub(crate) high: f64,
}

impl Interval {
    /// The best single guess: the middle, or the lower bound of an unbounded bucket.
    pub(crate) fn middle(self) -> f64 {
        if self.high.is_finite() { self.low + (self.high - self.low) / 2.0 } else { self.low }
    }

    /// The width of the interval.
    pub(crate) fn width(self) -> f64 {
        self.high - self.low
    }
}

impl Class {
    /// Reads a class as written on the command line.
    pub(crate) fn read(text: &str) -> Result<Class> {
        let (name, rest) = text.split_once(':').map_or((text, None), |(name, rest)| (name, Some(rest)));
        match (name, rest) {
            ("exact", None) => Ok(Class::Exact),
            ("omit", None) => Ok(Class::Omit),
            ("step", Some(rest)) => step(text, rest),
            ("ladder", Some(rest)) => ladder(text, rest),
            ("step", None) => Err(usage(text, "needs a width: step:N or step:N:TOP, such as step:5:180")),
            ("ladder", None) => Err(usage(text, "needs its bounds, such as ladder:0,1,5,20,60,120")),
            ("omit", Some(_)) => Err(usage(text, "takes nothing after its name")),
            (name, rest) => match candors::read(name, rest) {
                Some(Ok(known)) => Ok(Class::Known(Arc::new(known))),
                Some(Err(problem)) => Err(usage(text, &problem)),
                None => Err(unknown(name)),
            },
        }
    }

    /// A class as a contract stores it: its name and its partition as data. Also returns how many outcomes it has.
    pub(crate) fn stored(name: &str, spec: &serde_json::Value) -> Option<(Class, u64)> {
        let known = candors::stored(name, spec)?;
        let outcomes = known.precision.outcomes();
        Some((Class::Known(Arc::new(known)), outcomes))
    }

    /// The class as the report names it.
    pub(crate) fn describe(&self) -> String {
        let bound = |parts: &u128| words::plain(number::units(*parts));
        match self {
            Class::Exact => "exact".into(),
            Class::Omit => "omit".into(),
            Class::Step { width, top: None } => format!("step:{}", bound(width)),
            Class::Step { width, top: Some(top) } => format!("step:{}:{}", bound(width), bound(top)),
            Class::Ladder(bounds) => {
                format!("ladder:{}", bounds.iter().map(bound).collect::<Vec<_>>().join(","))
            }
            Class::Known(known) => known.name.clone(),
        }
    }

    /// The unit of numbers of this class, if candor defines one.
    pub(crate) fn unit(&self) -> Option<&'static str> {
        if let Class::Known(known) = self { Some(known.unit) } else { None }
    }

    /// The bucket of a value.
    pub(crate) fn cell<'v>(&self, value: &'v [u8]) -> Cell<'v> {
        let by_value = match self {
            Class::Exact | Class::Omit => true,
            Class::Known(known) => known.is_code(),
            _ => false,
        };
        if by_value {
            return if value.is_empty() { Cell::NotSent(Unfit::Missing) } else { Cell::Text(value) };
        }
        if let Class::Known(known) = self {
            return known.outcome(value).map_or_else(Cell::NotSent, |outcome| Cell::Numbers(u128::from(outcome)));
        }
        match number::read(value) {
            Err(unfit) => Cell::NotSent(unfit),
            Ok(amount) => Cell::Numbers(self.place(amount)),
        }
    }

    /// Whether the class takes numbers only.
    pub(crate) fn is_number(&self) -> bool {
        match self {
            Class::Exact | Class::Omit => false,
            Class::Step { .. } | Class::Ladder(_) => true,
            Class::Known(known) => known.is_number(),
        }
    }

    /// Whether other steps or labels can be proposed in its place: it takes numbers, or words of a list.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Class::Known(known) => known.is_number() || known.is_list(),
            Class::Exact | Class::Omit | Class::Step { .. } | Class::Ladder(_) => true,
        }
    }

    /// The unit as `#[field(…)]` writes it, where that is not a mere number.
    pub(crate) fn unit_word(&self) -> Option<&'static str> {
        match self.unit()? {
            "lines of the shorter side" => Some("lines"),
            "days" => Some("d"),
            unit @ ("s" | "ms" | "B" | "bit/s") => Some(unit),
            _ => None,
        }
    }

    /// What is wrong with a value that this class can't read.
    pub(crate) fn misfit(&self) -> &'static str {
        match self {
            Class::Known(known) if !known.is_number() => "unreadable",
            _ => "not a number",
        }
    }

    /// The lower bound of a number's bucket. Candor's own classes place values themselves.
    fn place(&self, amount: Amount) -> u128 {
        match (self, amount) {
            (Class::Step { width, top }, Amount::Parts(parts)) => match top {
                Some(top) if parts >= *top => *top,
                _ => parts - parts % width,
            },
            (Class::Step { top, .. }, Amount::Top) => top.unwrap_or(u128::MAX),
            (Class::Ladder(bounds), Amount::Parts(parts)) => {
                // Values below the first bound belong to the first bucket.
                bounds.iter().rfind(|bound| **bound <= parts).or(bounds.first()).copied().unwrap_or(0)
            }
            (Class::Ladder(bounds), Amount::Top) => bounds.last().copied().unwrap_or(0),
            (Class::Exact | Class::Omit | Class::Known(_), Amount::Parts(parts)) => parts,
            (Class::Exact | Class::Omit | Class::Known(_), Amount::Top) => u128::MAX,
        }
    }

    /// The numeric bounds of a value's bucket. `None` if the value is not a usable number or is infinite.
    pub(crate) fn interval(&self, value: &[u8]) -> Option<Interval> {
        if let Class::Known(known) = self {
            let (low, high) = candors::bounds(&known.precision, known.outcome(value).ok()?)?;
            return Some(Interval { low: low as f64, high: high.map_or(f64::INFINITY, |high| high as f64) });
        }
        let amount = number::read(value).ok()?;
        let place = self.place(amount);
        let (low, high) = match self {
            Class::Exact | Class::Omit | Class::Known(_) => (amount.float(), amount.float()),
            Class::Step { top: Some(top), .. } if place == *top => (number::units(*top), f64::INFINITY),
            Class::Step { width, .. } if place < u128::MAX - width => {
                (number::units(place), number::units(place + width))
            }
            Class::Step { .. } => ((1u64 << 53) as f64, f64::INFINITY),
            Class::Ladder(bounds) => {
                let next = bounds.iter().find(|bound| **bound > place);
                let low = if bounds.first() == Some(&place) { 0 } else { place };
                (number::units(low), next.map_or(f64::INFINITY, |next| number::units(*next)))
            }
        };
        // Arithmetic can't use an exact infinity.
        low.is_finite().then_some(Interval { low, high })
    }
}

fn step(text: &str, rest: &str) -> Result<Class> {
    let (width, top) = rest.split_once(':').map_or((rest, None), |(width, top)| (width, Some(top)));
    let width = bound(text, width)?;
    if width == 0 {
        return Err(usage(text, "has a width of 0; give one above 0, such as step:5"));
    }
    let top = top.map(|top| bound(text, top)).transpose()?;
    match top {
        Some(top) if top == 0 || top % width != 0 => {
            Err(usage(text, "has a top that is no multiple of its width; give one, such as step:5:180"))
        }
        top => Ok(Class::Step { width, top }),
    }
}

fn ladder(text: &str, rest: &str) -> Result<Class> {
    let bounds = rest.split(',').map(|one| bound(text, one)).collect::<Result<Vec<u128>>>()?;
    if let Some(at) = bounds.iter().zip(bounds.iter().skip(1)).position(|(low, high)| low >= high) {
        let mut named = rest.split(',').skip(at);
        let (low, high) = (named.next().unwrap_or_default(), named.next().unwrap_or_default());
        let problem = format!("does not rise: {} is followed by {}; order its bounds", low.trim(), high.trim());
        return Err(usage(text, &problem));
    }
    if bounds.len() > RUNGS_MOST {
        return Err(usage(text, &format!("has more than {RUNGS_MOST} bounds")));
    }
    Ok(Class::Ladder(bounds))
}

fn bound(class: &str, text: &str) -> Result<u128> {
    match number::read(text.as_bytes()) {
        Ok(Amount::Parts(parts)) => Ok(parts),
        _ => Err(usage(class, &format!("has `{}` where a number of 0 to 2^53 belongs", words::shown(text)))),
    }
}

fn usage(class: &str, problem: &str) -> Error {
    Error::Usage(format!("the class `{}` {problem}.", words::shown(class)))
}

fn unknown(name: &str) -> Error {
    let names =
        || ["exact", "omit", "step", "ladder"].into_iter().chain(candors::names().filter(|name| *name != "exact"));
    let known: Vec<&str> = names().collect();
    Error::Usage(format!(
        "there is no class `{}`.{} The classes are {}.",
        words::shown(name),
        did_you_mean(name, names()),
        known.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(class: &str, value: &str) -> u128 {
        let class = Class::read(class).unwrap();
        assert_eq!(class.misfit(), "not a number");
        let Cell::Numbers(place) = class.cell(value.as_bytes()) else { unreachable!("{value} is a number") };
        place
    }

    #[test]
    fn a_value_on_a_cut_belongs_above_it() {
        let part = number::PARTS;
        assert_eq!(numbers("step:5", "9.999"), 5 * part);
        assert_eq!(numbers("step:5", "10"), 10 * part);
        assert_eq!(numbers("step:0.1", "0.3"), 3 * part / 10);
        assert_eq!(numbers("step:5:20", "20"), 20 * part);
        assert_eq!(numbers("step:5:20", "1e300"), 20 * part);
        assert_eq!(numbers("ladder:1,5,20", "0"), part);
        assert_eq!(numbers("ladder:1,5,20", "5"), 5 * part);
        assert_eq!(numbers("ladder:1,5,20", "inf"), 20 * part);
        assert_eq!(numbers("media_duration", "59"), 1);
        assert_eq!(numbers("media_duration", "60"), 2);
        assert_eq!(numbers("media_duration", "inf"), 6);
        assert_eq!(numbers("count", "3.9"), numbers("count", "3"));
    }

    #[test]
    fn a_cell_says_its_bounds() {
        let interval = |class: &str, value: &str| Class::read(class).unwrap().interval(value.as_bytes()).unwrap();
        assert_eq!(interval("step:5", "7"), Interval { low: 5.0, high: 10.0 });
        assert_eq!(interval("step:5:20", "77"), Interval { low: 20.0, high: f64::INFINITY });
        assert_eq!(interval("ladder:1,5", "0.5"), Interval { low: 0.0, high: 5.0 });
        assert_eq!(interval("media_duration", "70"), Interval { low: 60.0, high: 300.0 });
        assert_eq!(interval("exact", "70"), Interval { low: 70.0, high: 70.0 });
        assert!(Class::read("exact").unwrap().interval(b"inf").is_none());
        assert_eq!(interval("step:5", "inf").high, f64::INFINITY);
    }

    #[test]
    fn a_class_that_makes_no_sense_says_how_to_fix_it() {
        for (class, fix) in [
            ("ladder:0,5,5", "does not rise: 5 is followed by 5"),
            ("ladder:", "where a number"),
            ("step:0", "above 0"),
            ("step:5:12", "no multiple"),
            ("step", "needs a width"),
            ("exact:0", "a whole number from 1 to 1023 belongs; write it such as exact:9"),
            ("omit:1", "takes nothing"),
            ("digits", "needs more than its name; write it such as digits:2:10000"),
            ("digits:3:10", "has `3` where a whole number from 1 to 2 belongs"),
            ("date:month:2026-13:2", "has no date where it begins"),
            ("version:2.0,1.0", "oldest first"),
            ("vocabulary:a,a", "each word once"),
            ("log_buckets:10:1", "another number of parts"),
            ("bitrate:1", "takes nothing"),
            ("media_durations", "Did you mean `media_duration`?"),
            ("stpe:5", "Did you mean `step`?"),
        ] {
            let said = Class::read(class).unwrap_err().to_string();
            assert!(said.contains(fix), "{class}: {said}");
        }
    }
}
