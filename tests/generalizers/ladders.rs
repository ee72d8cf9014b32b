//! The classes that put a number into buckets, with every type of number.

use crate::{
    lab::{self, partition},
    numbers::{Rules, random, with_every_number},
    slow, tally,
};
use candor::{
    Precision,
    event::{
        Fixed,
        class::{
            Age, Bitrate, ByteSize, Class, Count, Digits, Exact, Ladder, Latency, LogBuckets, MediaDuration,
            SignedStep, Step,
        },
    },
};
use proptest::test_runner::TestCaseError;
use std::time::Duration;

/// The rules of a class that is a plain list of bucket bounds.
fn listed<'r>(class: &'r str, precision: Precision, rungs: &[i128], rule: &'r dyn Fn(i128) -> u16) -> Rules<'r> {
    Rules { class, precision, rungs: rungs.to_vec(), rule, signed: false }
}

/// Tests a class whose rules are a list of bucket bounds.
macro_rules! try_listed {
    ($word:literal, $class:ty, $precision:expr, $rungs:expr) => {
        try_listed!($word, $class, $precision, $rungs, timed)
    };
    ($word:literal, $class:ty, $precision:expr, $rungs:expr, $kind:ident) => {{
        let rungs: Vec<i128> = $rungs.to_vec();
        let rule = |value| slow::rung(&rungs, value);
        with_every_number!(listed($word, $precision, &rungs, &rule), $class, $kind);
    }};
}

#[test]
fn count() {
    let rungs = [0, 1, 2, 3, 5, 9, 17, 33, 65, 129, 257, 513, 1_024];
    with_every_number!(listed("count", Count::PRECISION, &rungs, &slow::count), Count, whole);
}

#[test]
fn bitrate() {
    let kbit = [0, 64, 96, 128, 192, 256, 320, 1_000, 2_000, 4_000, 8_000, 12_000, 20_000, 40_000];
    try_listed!("bitrate", Bitrate, Bitrate::PRECISION, kbit.map(|rung: i128| rung * 1_000), plain);
}

#[test]
fn media_duration() {
    let rungs = [0, 1, 5, 20, 60, 120].map(|minutes: i128| minutes * 60);
    let rule = |value| slow::rung(&rungs, value);
    let rules = listed("media_duration", MediaDuration::PRECISION, &rungs, &rule);
    rules.try_with::<MediaDuration, Duration>();
    rules.subject::<Duration, ()>(&|_| 0, |subject| subject.count());
}

#[test]
fn duration() {
    let rungs = [0, 1, 5, 15, 60, 5 * 60, 15 * 60, 3_600, 4 * 3_600, 12 * 3_600, 24 * 3_600].map(i128::from);
    let rule = |value| slow::rung(&rungs, value);
    let rules = listed("duration", candor::event::class::Duration::PRECISION, &rungs, &rule);
    rules.try_with::<candor::event::class::Duration, Duration>();
    rules.subject::<Duration, ()>(&|_| 0, |subject| subject.count());
}

#[test]
fn byte_size() {
    try_listed!("byte_size", ByteSize, ByteSize::PRECISION, slow::size_rungs(), plain);
}

#[test]
fn latency() {
    try_listed!("latency", Latency, Latency::PRECISION, slow::log_rungs(25, 1, 60_000));
}

#[test]
fn age() {
    try_listed!("age", Age, Age::PRECISION, [0, 1, 7, 30, 90, 365]);
}

#[test]
fn step() {
    let rungs: Vec<i128> = (0..=10).map(|tens| tens * 10).collect();
    let rule = |value| slow::step(10, 100, value);
    with_every_number!(listed("step", partition::<lab::Steps>("step"), &rungs, &rule), Step, timed);
}

#[test]
fn signed_step() {
    let rungs = (-12..=14).map(|hours| hours * 60).collect();
    let rule = |value| slow::signed_step(60, -720, 840, value);
    let precision = partition::<lab::Steps>("signed_step");
    with_every_number!(Rules { class: "signed_step", precision, rungs, rule: &rule, signed: true }, SignedStep, timed);
}

#[test]
fn ladder() {
    try_listed!("ladder", Ladder, partition::<lab::Ladders>("ladder"), [0, 10, 100]);
    // A value below the lowest bound is sent as the lowest bound, and a `Duration` is counted in the ladder's unit.
    try_listed!("ladder", Ladder, partition::<lab::Ladders>("wait"), [5, 50, 500]);
    try_listed!("ladder", Ladder, partition::<lab::Ladders>("minutes"), [0, 90, 3_600]);
}

#[test]
fn exact() {
    let rungs: Vec<i128> = (0..=9).collect();
    let rule = |value: i128| u16::try_from(value.min(9)).unwrap() + 1;
    with_every_number!(listed("exact", partition::<lab::Ladders>("exact"), &rungs, &rule), Exact, whole);
}

#[test]
fn digits() {
    try_listed!("digits", Digits, partition::<lab::Digit>("digits"), slow::digit_rungs(1, 3_000));
    try_listed!("digits", Digits, partition::<lab::Digits>("digits"), slow::digit_rungs(2, 10_000));
    // Every number up to 1,000 above the top is also compared with its digits as text.
    for (digits, precision, top) in
        [(1, partition::<lab::Digit>("digits"), 3_000u32), (2, partition::<lab::Digits>("digits"), 10_000)]
    {
        for number in 0..=top + 1_000 {
            let written: String = number
                .min(top)
                .to_string()
                .chars()
                .enumerate()
                .map(|(at, digit)| if at < digits { digit } else { '0' })
                .collect();
            let outcome = <Digits as Class<u32>>::outcome(&precision, &number);
            assert_eq!(precision.lower_cut(outcome), Some(written.parse().unwrap()), "{number}");
        }
    }
}

#[test]
fn log_buckets() {
    let (narrow, wide) = (partition::<lab::Buckets>("narrow"), partition::<lab::Buckets>("wide"));
    let finest = partition::<lab::Fine>("finest");
    try_listed!("log_buckets", LogBuckets, narrow, slow::log_rungs(10, 1, 60_000));
    try_listed!("log_buckets", LogBuckets, wide, slow::log_rungs(50, 64, 1_000_000));
    try_listed!("log_buckets", LogBuckets, finest, slow::log_rungs(5, 10, 1_000_000));
}

/// Buckets are as narrow as their percentage: for each bucket there is one number that every number in it is within
/// `percent` of. (What is sent is the bucket's lower bound, so a value is up to 2p / (100 - p) above it.)
#[test]
fn buckets_are_as_narrow_as_they_say() {
    for (percent, from, top, precision) in [
        (10, 1, 60_000, partition::<lab::Buckets>("narrow")),
        (50, 64, 1_000_000, partition::<lab::Buckets>("wide")),
        (5, 10, 1_000_000, partition::<lab::Fine>("finest")),
        (25, 1, 60_000, Latency::PRECISION),
    ] {
        assert!(narrow_enough(precision, percent, from, top).is_ok());
        // Negative control: the same buckets are too wide for a smaller percentage.
        assert!(narrow_enough(precision, percent - 4, from, top).is_err());
    }
    for class in ["log_buckets", "latency"] {
        tally::property(class, "within its per cent");
    }
}

/// Checks every bucket between `from` and `top` in whole numbers: (high - low) / (high + low) is at most `percent`.
fn narrow_enough(precision: Precision, percent: i64, from: i64, top: i64) -> Result<(), String> {
    let cuts: Vec<i64> =
        (1..=precision.outcomes() as u16).map(|outcome| precision.lower_cut(outcome).unwrap()).collect();
    assert_eq!((cuts[0], cuts[1], *cuts.last().unwrap()), (0, from, top));
    for pair in cuts.windows(2).skip(1) {
        let (low, high) = (pair[0], pair[1] - 1);
        assert!(low < pair[1], "the table rises");
        if (high - low) * 100 > percent * (high + low) {
            return Err(format!("{low} to {high} is wider than {percent} %"));
        }
    }
    Ok(())
}

/// Short and long ladders are searched in different ways. Both ways give the same result.
#[test]
fn a_ladder_of_any_length_is_looked_up_alike() {
    let ladders = proptest::collection::btree_set(proptest::num::i64::ANY, 1..300);
    random(&(ladders, proptest::num::i64::ANY), |(set, value)| {
        let rungs: Vec<i128> = set.iter().map(|rung| i128::from(*rung)).collect();
        let cuts: &'static [i64] = Box::leak(set.into_iter().collect());
        let precision = Precision::Cuts { unit: candor::Unit::Count, cuts };
        let near = cuts.iter().flat_map(|cut| [cut.saturating_sub(1), *cut, cut.saturating_add(1)]);
        for value in near.chain([value, i64::MIN, i64::MAX, 0]) {
            let (fast, slow) = (precision.outcome_of(value), slow::rung(&rungs, value.into()));
            if fast != slow {
                return Err(TestCaseError::fail(format!("{value} on {cuts:?} is {fast}, by the rules {slow}")));
            }
        }
        Ok(())
    });
}
