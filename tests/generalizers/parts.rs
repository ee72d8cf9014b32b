//! The classes of numbers that are not plain ladders: ratios, resolutions, hours, days of the week, and presence.

use crate::{
    checker::Subject,
    lab,
    numbers::{Kind, random},
    slow, tally,
};
use candor::{
    Precision, Unit,
    event::{
        Closed, Fixed,
        class::{Class, HourBand, INVALID, Ratio, Resolution, Weekend},
    },
};
use proptest::{prelude::any, test_runner::TestCaseError};
use std::fmt::Debug;

/// The first fault, as a failed case.
fn as_case<T: Debug>(subject: &Subject<'_, T>, values: &[T]) -> Result<(), TestCaseError> {
    match subject.faults(values).into_iter().next() {
        Some(fault) => {
            Err(TestCaseError::fail(format!("{} is not `{}`: {}", subject.class, fault.property, fault.shown_by)))
        }
        None => Ok(()),
    }
}

/// A rank that is finer than any tenth: the whole digits and the first 30 digits after the decimal point.
fn float_rank(value: f64) -> Option<i128> {
    let (below, whole, rest) = slow::decimal(value)?;
    (!below && whole.len() < 3).then(|| format!("{whole}{}", &rest[..30]).parse().unwrap())
}

#[test]
fn ratio_of_floats() {
    let precision = Ratio::PRECISION;
    let outcome = |value: &f64| <Ratio as Class<f64>>::outcome(&precision, value);
    let rank = |value: &f64| float_rank(*value);
    let subject = Subject {
        class: "ratio",
        outcomes: 12,
        outcome: &outcome,
        slow: &|value| slow::ratio(*value),
        // A float can't represent three tenths. The pairs below can.
        sent: &|_| None,
        rank: Some(&rank),
    };
    let mut points = <f64 as Kind>::edges();
    for tenth in 0..=10u32 {
        // Three ways to compute a value near a tenth, which differ in their last bit.
        for at in [f64::from(tenth) / 10.0, f64::from(tenth) * 0.1, 1.0 - f64::from(10 - tenth) / 10.0] {
            points.extend([at.next_down().next_down(), at.next_down(), at, at.next_up(), at.next_up().next_up()]);
            points.extend([at - 1e-9, at + 1e-9, -at]);
        }
    }
    // Around the values 2^-n, where the arithmetic changes its method.
    for power in 1..1_074 {
        let at = 2f64.powi(-power);
        points.extend([at.next_down(), at, at.next_up(), at * 1.6]);
    }
    subject.check(&points);
    random(&(<f64 as Kind>::anything(), 0.0..=1.0f64), |(any, part)| as_case(&subject, &[any, part]));
    subject.count();
    // An `f32` has the outcome of the `f64` with the same value.
    for single in <f32 as Kind>::edges().into_iter().chain((0..=1_000).map(|part| part as f32 / 1_000.0)) {
        for single in [single.next_down(), single, single.next_up()] {
            let found = <Ratio as Class<f32>>::outcome(&precision, &single);
            assert_eq!(found, slow::ratio(f64::from(single)), "{single:?}");
        }
    }
    assert_eq!(<Ratio as Class<Option<f64>>>::outcome(&precision, &None), 0);
}

#[test]
fn ratio_of_part_and_whole() {
    let precision = Ratio::PRECISION;
    let rank = |(part, whole): &(u64, u64)| {
        let (part, whole) = (i128::from(*part), i128::from(*whole));
        (whole > 0).then(|| part * 1_000_000_000_000_000_000 / whole)
    };
    let subject = Subject {
        class: "ratio",
        outcomes: 12,
        outcome: &|value| <Ratio as Class<(u64, u64)>>::outcome(&precision, value),
        slow: &|(part, whole)| slow::portion(*part, *whole),
        // The bucket above 0 and below a tenth has no smallest value, so the smallest possible pair represents it.
        sent: &|outcome| match outcome {
            2 => Some((1, u64::MAX)),
            _ => Some((u64::try_from(precision.lower_cut(outcome)?).ok()?, 1_000)),
        },
        rank: Some(&rank),
    };
    let mut points = vec![(0, 0), (1, 0), (u64::MAX, 0), (0, u64::MAX), (u64::MAX, u64::MAX), (u64::MAX - 1, u64::MAX)];
    for whole in [1, 2, 3, 7, 9, 10, 11, 99, 1_000, u64::from(u32::MAX), u64::MAX / 10, u64::MAX - 1, u64::MAX] {
        points.extend([(0, whole), (1, whole), (whole - 1, whole), (whole, whole), (whole.saturating_add(1), whole)]);
        for tenth in 1..=10u128 {
            let at = u64::try_from(u128::from(whole) * tenth / 10).unwrap();
            points.extend([(at.saturating_sub(1), whole), (at, whole), (at.saturating_add(1), whole)]);
        }
    }
    subject.check(&points);
    // That bucket is sent as one thousandth, which has the same outcome.
    assert_eq!((precision.lower_cut(2), (subject.outcome)(&(1, 1_000))), (Some(1), 2));
    random(&(any::<(u64, u64)>(), any::<(u8, u8)>()), |(large, (part, whole))| {
        as_case(&subject, &[large, (part.into(), whole.into())])
    });
    // The smaller types: small pairs of `u16`, and pairs near the maximum of `u32`.
    for part in 0..=u16::from(u8::MAX) {
        for whole in 0..=u16::from(u8::MAX) {
            let slow = slow::portion(part.into(), whole.into());
            assert_eq!(<Ratio as Class<(u16, u16)>>::outcome(&precision, &(part, whole)), slow, "{part} of {whole}");
            let (part, whole) = (u32::MAX - u32::from(part), u32::MAX - u32::from(whole));
            let slow = slow::portion(part.into(), whole.into());
            assert_eq!(<Ratio as Class<(u32, u32)>>::outcome(&precision, &(part, whole)), slow, "{part} of {whole}");
        }
    }
}

#[test]
fn resolution() {
    fn whole<T: Kind>(side: T) -> u128 {
        u128::try_from(side.slow(Unit::Lines).unwrap()).unwrap()
    }
    fn with<T: Kind>()
    where
        Resolution: Class<(T, T)>,
    {
        let precision = Resolution::PRECISION;
        let rank = |(a, b): &(T, T)| Some(i128::try_from(whole(*a).min(whole(*b))).unwrap());
        let subject = Subject {
            class: "resolution",
            outcomes: 6,
            outcome: &|value| <Resolution as Class<(T, T)>>::outcome(&precision, value),
            slow: &|(a, b)| slow::resolution(whole(*a), whole(*b)),
            sent: &|outcome| {
                let side = T::of(precision.lower_cut(outcome)?.into(), Unit::Lines)?;
                Some((side, side))
            },
            rank: Some(&rank),
        };
        let rungs = [0, 1, 480, 481, 720, 721, 1_080, 1_081, 1_440, 1_441, 2_160, 2_161];
        let sides: Vec<T> = rungs.iter().flat_map(|rung| T::around(*rung, Unit::Lines)).chain(T::edges()).collect();
        let all: Vec<(T, T)> = sides.iter().flat_map(|a| sides.iter().map(|b| (*a, *b))).collect();
        subject.check(&all);
        for (a, b) in all {
            // A rotated picture has the same outcome.
            assert_eq!((subject.outcome)(&(a, b)), (subject.outcome)(&(b, a)));
        }
        random(&(T::anything(), T::anything()), |pair| as_case(&subject, &[pair]));
        subject.count();
    }
    with::<u16>();
    with::<u32>();
    with::<u64>();
}

/// Tests a class of a few named numbers with one type of number.
fn named<C, T>(class: &'static str, precision: Precision, rule: &dyn Fn(i128) -> u16, sent: &dyn Fn(u16) -> i128)
where
    C: Class<T>,
    T: Kind,
{
    let subject = Subject {
        class,
        outcomes: precision.outcomes(),
        outcome: &|value| C::outcome(&precision, value),
        slow: &|value: &T| value.slow(Unit::Count).map_or(INVALID, rule),
        sent: &|outcome| T::of(sent(outcome), Unit::Count),
        rank: None,
    };
    let mut points = T::edges();
    (-3..30).for_each(|number| points.extend(T::around(number, Unit::Count)));
    subject.check(&points);
    random(&T::anything(), |any| as_case(&subject, &[any]));
    assert_eq!(<C as Class<Option<T>>>::outcome(&precision, &None), 0);
    const { assert!(<C as Class<T>>::OPTIONAL) };
    subject.count();
}

/// Tests it with every type of number that has no unit of its own.
macro_rules! with_every_whole_number {
    ($class:ty, $word:literal, $rule:expr, $sent:expr; $($number:ty)*) => {
        $(named::<$class, $number>($word, <$class as Fixed>::PRECISION, &$rule, &$sent);)*
    };
    ($class:ty, $word:literal, $rule:expr, $sent:expr) => {
        with_every_whole_number!(
            $class, $word, $rule, $sent; u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize
        )
    };
}

#[test]
fn hour_band() {
    let rule = |hour| match hour {
        0..=5 => 1,
        6..=11 => 2,
        12..=17 => 3,
        18..=23 => 4,
        _ => INVALID,
    };
    with_every_whole_number!(HourBand, "hour_band", rule, |outcome| i128::from(outcome - 1) * 6);
}

#[test]
fn weekend() {
    let rule = |day| match day {
        1..=5 => 1,
        6 | 7 => 2,
        _ => INVALID,
    };
    with_every_whole_number!(Weekend, "weekend", rule, |outcome| if outcome == 2 { 6 } else { 1 });
}

#[test]
fn presence() {
    let say = |title| {
        let event = lab::Lists { version: "", vocabulary: "", extension: "".into(), title };
        candor::preview(&event).pop().unwrap().1
    };
    assert_eq!((say(None).as_str(), say(Some("")).as_str(), say(Some("what it is")).as_str()), ("no", "yes", "yes"));
    let precision = lab::partition::<lab::Lists<'_>>("title");
    assert_eq!((precision, precision.outcomes()), (Precision::Flag, 2));
    tally::property("presence", "agrees");
}

#[test]
fn what_is_a_class_of_its_own() {
    assert_eq!((Closed::outcome(&false), Closed::outcome(&true)), (1, 2));
    assert_eq!((Closed::outcome(&None::<bool>), Closed::outcome(&Some(true))), (0, 2));
    assert_eq!(<bool as Closed>::PRECISION.outcomes(), 2);
}
