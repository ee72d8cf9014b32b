//! Estimates with 95 % intervals, from records. Reads no bodies.
//!
//! An interval covers what candor did to the numbers: the rounding of counts, and the choice of items or panels. It is about
//! those who reported. It says nothing about those who did not, or about another month.
//!
//! Two variances add up for each record with count `r` and divisor `d`:
//!
//! - Rounding: `d (r - 1)² / 9`, and 0 for a count of 1 or 2. A count `n` between two steps `a` and `b` is reported with a variance
//!   of (n - a) (b - n), which nobody can see. `(r - 1)² / 9` is the smallest multiple of `(r - 1)²` whose expectation is not
//!   below it for any `n`. The worst case, (b - a)² / 4, gives intervals that are half as long again. If few records carry most of
//!   the variance, the estimate of the variance is uncertain itself. So it is multiplied by `1 + 1.25 / k`, where `k` says how
//!   many equal records would be as uncertain. For a single record this is the worst case.
//! - Sampling: `d (d - 1) r²`. It takes each record as one item. If the same items come again in many records, as with days of one
//!   month, the interval is too short.

use crate::body::Record;
use std::collections::BTreeMap;

/// The normal distribution's 97.5 % point.
const Z: f64 = 1.959_963_984_540_054;
/// The step at which counts end: a larger count is reported as this one.
const CAP: u64 = 1_048_577;

/// An estimate with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Estimate {
    /// The estimate. NaN if there is nothing to divide by, or no record.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
    /// How many records it is made of. Below about 20 it says little, and 0 if there is none.
    pub records: u64,
    /// How many of them have the largest count there is. What they stand for may be larger, so the estimate may be too low.
    pub capped: u64,
}

/// Sums over records, each with a factor.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    records: u64,
    capped: u64,
    /// Of counts times divisors.
    total: f64,
    /// Of the variances of rounding, and of their squares.
    rounding: f64,
    squares: f64,
    /// Of the variances of sampling.
    sampling: f64,
}

impl Sums {
    fn add(&mut self, record: &Record, factor: f64) {
        let (count, divisor) = (record.count as f64, record.divisor as f64);
        let rounding = if record.count < 3 { 0.0 } else { divisor * (count - 1.0).powi(2) / 9.0 } * factor * factor;
        self.records += 1;
        self.capped += u64::from(record.count >= CAP);
        self.total += divisor * count * factor;
        self.rounding += rounding;
        self.squares += rounding * rounding;
        self.sampling += divisor * (divisor - 1.0) * count * count * factor * factor;
    }

    fn of<'r>(records: impl Iterator<Item = (&'r Record, f64)>) -> Sums {
        let mut sums = Sums::default();
        records.for_each(|(record, factor)| sums.add(record, factor));
        sums
    }

    /// The variance of rounding, larger where few records carry most of it.
    fn rounding(&self) -> f64 {
        if self.rounding > 0.0 { self.rounding + 1.25 * self.squares / self.rounding } else { 0.0 }
    }

    fn estimate(&self, value: f64, low: f64, high: f64) -> Estimate {
        Estimate { value, low, high, records: self.records, capped: self.capped }
    }
}

/// How often something happened in all: the sum of counts times divisors. Of once-a-period records, the number of
/// installations.
///
/// The interval is a score interval: the variance of sampling grows with the total itself, so that the interval reaches further
/// up than down. Without sampling it is symmetric.
///
/// ```
/// # let body = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"0","eventName":"played","attributes":[
/// #     {"key":"count","value":{"intValue":"3"}},{"key":"candor.divisor","value":{"intValue":"32"}},
/// #     {"key":"log.record.uid","value":{"stringValue":"1a"}}]}]}]}]}"#;
/// let plays = candor_reading::total(&candor_reading::records([body])?);
/// assert_eq!(plays.value, 96.0);
/// assert!(plays.low > 0.0 && plays.high > 500.0, "one record of a sample says little");
/// # Ok::<(), candor_reading::Error>(())
/// ```
pub fn total<'r>(records: impl IntoIterator<Item = &'r Record>) -> Estimate {
    let sums = Sums::of(records.into_iter().map(|record| (record, 1.0)));
    if sums.records == 0 {
        return sums.estimate(0.0, 0.0, 0.0);
    }
    let lift = Z * Z * sums.sampling / sums.total / 2.0;
    let half = (Z * Z * (sums.rounding() + sums.sampling) + lift * lift).sqrt();
    let low = sums.total + lift - half;
    sums.estimate(sums.total, low.max(0.0), sums.total + lift + half)
}

/// Which part of all that happened `is_in` is true for, such as the exports that failed.
///
/// The interval is Wilson's, with the number of records that would be as uncertain in place of the number of tries, and with the
/// variance of rounding.
pub fn share<'r>(records: impl IntoIterator<Item = &'r Record>, is_in: impl Fn(&Record) -> bool) -> Estimate {
    let records: Vec<&Record> = records.into_iter().collect();
    let all = Sums::of(records.iter().map(|record| (*record, 1.0)));
    if all.records == 0 {
        return all.estimate(f64::NAN, f64::NAN, f64::NAN);
    }
    let part: f64 = records.iter().filter(|record| is_in(record)).map(|it| (it.count * it.divisor) as f64).sum();
    let value = part / all.total;
    let around = Sums::of(records.iter().map(|record| (*record, f64::from(u8::from(is_in(record))) - value)));
    let square = all.total * all.total;
    // `1 / n` of Wilson's: of all records alike, or as the two parts differ, whichever is more.
    let alike = all.sampling / square;
    let spread = value * (1.0 - value);
    let per = if spread > 0.0 { alike.max(around.sampling / square / spread) } else { alike };
    let lift = Z * Z * per;
    let half = (lift * lift / 4.0 + lift * spread + (1.0 + lift) * Z * Z * around.rounding() / square).sqrt();
    let middle = value + lift / 2.0;
    all.estimate(value, ((middle - half) / (1.0 + lift)).max(0.0), ((middle + half) / (1.0 + lift)).min(1.0))
}

/// One total divided by another one of other records, such as plays by starts.
///
/// Both must be about the same installations. The records of one must not be among those of the other: that is a
/// [`share`].
pub fn ratio<'r>(above: impl IntoIterator<Item = &'r Record>, below: impl IntoIterator<Item = &'r Record>) -> Estimate {
    let (above, below): (Vec<_>, Vec<_>) = (above.into_iter().collect(), below.into_iter().collect());
    let one = |records: &[&'r Record]| Sums::of(records.iter().map(|record| (*record, 1.0)));
    let (over, under) = (one(&above), one(&below));
    let factors = above.iter().map(|record| (*record, 1.0));
    let value = over.total / under.total;
    let both = Sums::of(factors.chain(below.iter().map(|record| (*record, -value))));
    if under.records == 0 {
        return both.estimate(f64::NAN, f64::NAN, f64::NAN);
    }
    // The variance of sampling for each unit of a total. If there is nothing above, that below is all that is known.
    let per = |sums: &Sums| if sums.total > 0.0 { sums.sampling / sums.total } else { 0.0 };
    let per_over = if over.records > 0 { per(&over) } else { per(&under) };
    let square = under.total * under.total;
    let (up, down) = (Z * Z * per_over / under.total, Z * Z * per(&under) / under.total);
    // Solves (value - q)² = Z² (rounding / below² + q per_over / below + q² per_under / below) for q.
    let middle = value + up / 2.0;
    let inner = middle * middle - (1.0 - down) * (value * value - Z * Z * both.rounding() / square);
    if down >= 1.0 || inner < 0.0 {
        return both.estimate(value, 0.0, f64::INFINITY);
    }
    let (low, high) = ((middle - inner.sqrt()) / (1.0 - down), (middle + inner.sqrt()) / (1.0 - down));
    both.estimate(value, low.max(0.0), high)
}

/// The median of a field that is a number, over all that happened: half of it was at most this.
///
/// A value on the wire is the lower end of a step. `steps` are the lower ends of all steps of the field, as the notice and
/// `candor.lock` list them. The estimate is interpolated within its step. The interval consists of whole steps, since nothing is
/// known within one. Its upper end is infinite if it reaches the last step.
///
/// Records without the field, or with a value that is no step, are left out.
///
/// ```
/// # let record = |uid: u32, took: &str, count: u32| format!(r#"{{"timeUnixNano":"0","eventName":"export","attributes":[
/// #     {{"key":"took","value":{{"intValue":"{took}"}}}},{{"key":"count","value":{{"intValue":"{count}"}}}},
/// #     {{"key":"candor.divisor","value":{{"intValue":"1"}}}},{{"key":"log.record.uid","value":{{"stringValue":"{uid}"}}}}]}}"#);
/// # let records = [record(1, "0", 2), record(2, "100", 5), record(3, "1000", 2)].join(",");
/// # let body = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#);
/// let exports = candor_reading::records([body.as_str()])?;
/// let took = candor_reading::median(&exports, "took", &[0, 100, 1_000, 10_000]);
/// assert_eq!((took.low, took.value, took.high), (100.0, 550.0, 1_000.0));
/// # Ok::<(), candor_reading::Error>(())
/// ```
pub fn median<'r>(records: impl IntoIterator<Item = &'r Record>, field: &str, steps: &[i64]) -> Estimate {
    let value_of = |record: &Record| record.field(field)?.parse().ok().filter(|value| steps.contains(value));
    let found: Vec<(&Record, i64)> =
        records.into_iter().filter_map(|record| Some((record, value_of(record)?))).collect();
    let all = Sums::of(found.iter().map(|(record, _)| (*record, 1.0)));
    if all.records == 0 {
        return all.estimate(f64::NAN, f64::NAN, f64::NAN);
    }
    let mut at: BTreeMap<i64, f64> = steps.iter().map(|step| (*step, 0.0)).collect();
    found.iter().for_each(|(record, value)| *at.entry(*value).or_default() += (record.count * record.divisor) as f64);
    // Of the share below any value near the median: each record is half of the total above it or below it.
    let half = Z * (all.rounding() / 4.0 + all.sampling / 4.0).sqrt() / all.total;
    let (middle, low, high) =
        (place(&at, all.total / 2.0), place(&at, all.total * (0.5 - half)), place(&at, all.total * (0.5 + half)));
    let value =
        if middle.end.is_finite() { middle.begin + (middle.end - middle.begin) * middle.part } else { middle.begin };
    all.estimate(value, low.begin, high.end)
}

/// A step, and how far into it something is.
struct Place {
    begin: f64,
    end: f64,
    part: f64,
}

/// The step in which the sum of what is at and below it reaches `goal`.
fn place(at: &BTreeMap<i64, f64>, goal: f64) -> Place {
    let mut below = 0.0;
    let mut found = Place { begin: f64::NAN, end: f64::INFINITY, part: 0.0 };
    for (step, here) in at {
        if *here > 0.0 && !found.begin.is_nan() && below >= goal {
            break;
        }
        if *here > 0.0 {
            found = Place { begin: *step as f64, end: f64::INFINITY, part: ((goal - below) / here).clamp(0.0, 1.0) };
            below += here;
        }
    }
    if let Some((next, _)) = at.range((found.begin as i64).saturating_add(1)..).next() {
        found.end = *next as f64;
    }
    found
}
