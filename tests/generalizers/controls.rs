//! Classes that are wrong on purpose, tested by the same checker: each must be caught, and for the property that it breaks.

use crate::{
    checker::{AGREES, DETERMINISTIC, FLOORS, IDEMPOTENT, IN_RANGE, MONOTONE, READABLE, Subject, TOTAL},
    numbers::{Kind, Rules},
    slow, tally,
};
use candor::event::{
    Fixed,
    class::{Bitrate, ByteSize, Class, Count, INVALID, Ratio},
};
use std::cell::Cell;

fn rungs() -> Vec<i128> {
    [0, 64, 96, 128, 192, 256, 320, 1_000, 2_000, 4_000, 8_000, 12_000, 20_000, 40_000]
        .map(|rung| rung * 1_000)
        .to_vec()
}

/// Runs a wrong `bitrate` through the checker, and the right one beside it.
#[track_caller]
fn caught<T: Kind>(what: &str, wrong: impl Fn(&T) -> u16, properties: &[&str])
where
    Bitrate: Class<T>,
{
    let rungs = rungs();
    let rule = |value| slow::rung(&rungs, value);
    let precision = Bitrate::PRECISION;
    let rules = Rules { class: what, precision, rungs: rungs.clone(), rule: &rule, signed: false };
    let points = rules.points::<T>();
    let right = |value: &T| <Bitrate as Class<T>>::outcome(&precision, value);
    rules.subject(&right, |subject| assert!(subject.faults(&points).is_empty(), "the right one is right"));
    rules.subject(&wrong, |subject| {
        let faults = subject.faults(&points);
        for property in properties {
            assert!(
                faults.iter().any(|fault| fault.property == *property),
                "{what} is not found to be not `{property}`: {:?}",
                faults.first()
            );
        }
    });
    tally::figure("control", 1);
}

fn real<T>(value: &T) -> u16
where
    Bitrate: Class<T>,
{
    <Bitrate as Class<T>>::outcome(&Bitrate::PRECISION, value)
}

#[test]
fn nearest_instead_of_floor() {
    let rungs = rungs();
    let nearest = |value: &u64| {
        let off = |rung: &i128| (*rung - i128::from(*value)).abs();
        let at = (0..rungs.len()).min_by_key(|at| off(&rungs[*at])).unwrap();
        u16::try_from(at + 1).unwrap()
    };
    caught("nearest", nearest, &[AGREES, FLOORS]);
}

#[test]
fn closed_instead_of_half_open() {
    let rungs = rungs();
    let closed =
        |value: &u64| u16::try_from(rungs.iter().filter(|rung| **rung < i128::from(*value)).count().max(1)).unwrap();
    caught("closed", closed, &[AGREES, IDEMPOTENT]);
}

#[test]
fn no_number_as_zero() {
    caught("NaN as 0", |value: &f64| if value.is_nan() { 1 } else { real(value) }, &[READABLE]);
    caught("NaN as 0", |value: &f32| if value.is_nan() { 1 } else { real(value) }, &[READABLE]);
    // A cast with `as`, without a check.
    caught("a bare cast", |value: &f64| real(&(*value as i64)), &[READABLE]);
}

#[test]
fn below_zero_as_zero() {
    caught("negative as 0", |value: &i64| real(&(*value).max(0)), &[READABLE]);
    caught("negative as 0", |value: &f64| real(&value.trunc()), &[READABLE]);
}

#[test]
fn zero_with_a_sign_as_below_zero() {
    let signed = |value: &f64| if value.is_sign_negative() { INVALID } else { real(value) };
    caught("-0.0 as negative", signed, &[READABLE]);
}

#[test]
fn wrapping_instead_of_saturating() {
    caught("wraps", |value: &u64| real(&(*value as u32)), &[AGREES, MONOTONE]);
    caught("wraps below 0", |value: &u64| real(&(*value as i64)), &[READABLE]);
    caught("wraps", |value: &u128| real(&(*value as u64)), &[AGREES, MONOTONE]);
    caught("overflows", |value: &u64| real(&i64::try_from(*value).unwrap()), &[TOTAL]);
}

#[test]
fn numbers_beyond_what_a_float_tells_apart() {
    // A ladder with all bounds below 2^53 can't show this fault, so this ladder has one above.
    let rungs = vec![0, 1 << 60];
    let rule = |value| slow::rung(&rungs, value);
    let precision = candor::Precision::Cuts { unit: candor::Unit::Bytes, cuts: &[0, 1 << 60] };
    let rules = Rules { class: "2^53", precision, rungs: rungs.clone(), rule: &rule, signed: false };
    let exact = |value: &f64| if *value >= 0.0 { precision.outcome_of(*value as i64) } else { INVALID };
    let faults = rules.subject(&exact, |subject| subject.faults(&rules.points()));
    assert!(faults.iter().any(|fault| fault.property == AGREES));
    let right = |value: &f64| <ByteSize as Class<f64>>::outcome(&precision, value);
    assert!(rules.subject(&right, |subject| subject.faults(&rules.points())).is_empty());
    tally::figure("control", 1);
}

#[test]
fn noise_an_extra_outcome_and_a_lost_one() {
    let toss = Cell::new(false);
    let noisy = |value: &u64| {
        toss.set(!toss.get());
        if toss.get() { real(value) } else { real(&value.saturating_add(1_000)) }
    };
    caught("noise", noisy, &[DETERMINISTIC]);
    caught("one too many", |value: &u64| if *value == u64::MAX { 15 } else { real(value) }, &[IN_RANGE]);
    caught("falls", |value: &u64| if *value == 64_001 { 1 } else { real(value) }, &[AGREES, MONOTONE]);
}

#[test]
fn a_ratio_of_rounded_arithmetic() {
    // Multiplying by ten rounds: three times 0.1 is a little above 0.3, and 0.3 itself is a little below 3 / 10.
    let wrong = |value: &f64| match *value {
        0.0 => 1,
        value if (0.0..=1.0).contains(&value) => 2 + (value * 10.0).floor() as u16,
        _ => INVALID,
    };
    let subject = Subject {
        class: "a rounded ratio",
        outcomes: 12,
        outcome: &wrong,
        slow: &|value| slow::ratio(*value),
        sent: &|_| None,
        rank: None,
    };
    assert!(subject.faults(&[0.3, 0.7]).iter().any(|fault| fault.property == AGREES));
    let right = |value: &f64| <Ratio as Class<f64>>::outcome(&Ratio::PRECISION, value);
    assert!(Subject { outcome: &right, ..subject }.faults(&[0.3, 0.7]).is_empty());
    tally::figure("control", 1);
}

#[test]
fn powers_of_two_counted_from_the_other_side() {
    // 4 to 7, 8 to 15: an equally valid ladder, but not the documented one.
    let wrong = |value: &u64| match *value {
        0..=2 => *value as u16 + 1,
        value => (value.ilog2() as u16 + 3).min(13),
    };
    let right = |value: &u64| <Count as Class<u64>>::outcome(&Count::PRECISION, value);
    let subject = |outcome: &dyn Fn(&u64) -> u16| {
        let slow = |value: &u64| slow::count((*value).into());
        let all: Vec<u64> = (0..2_000).collect();
        let subject = Subject { class: "count", outcomes: 13, outcome, slow: &slow, sent: &|_| None, rank: None };
        subject.faults(&all).len()
    };
    assert!(subject(&wrong) > 0 && subject(&right) == 0);
    tally::figure("control", 1);
}
