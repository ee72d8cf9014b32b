//! "Coarser than" is a claim about functions: the coarser outcome can be computed from the finer one. These tests
//! look for that function itself, over every point at which either partition changes.

use crate::{
    lab::{self, partition},
    numbers::random,
    tally,
};
use candor::{
    Precision, Unit,
    event::{
        Fixed,
        class::{
            Age, Bitrate, ByteSize, Class, Count, Duration, HourBand, Latency, Locale, MediaDuration, NetworkAddress,
            Ratio, Resolution, TextShape, Vocabulary,
        },
    },
};
use proptest::test_runner::TestCaseError;
use std::collections::BTreeMap;

const fn cuts(unit: Unit, cuts: &'static [i64]) -> Precision {
    Precision::Cuts { unit, cuts }
}

/// Partitions of numbers: those of the classes, and others whose bounds lie across them.
fn ladders() -> Vec<Precision> {
    let mut ladders = vec![
        Age::PRECISION,
        Bitrate::PRECISION,
        ByteSize::PRECISION,
        Count::PRECISION,
        Latency::PRECISION,
        MediaDuration::PRECISION,
        Duration::PRECISION,
        Ratio::PRECISION,
        Resolution::PRECISION,
        partition::<lab::Steps>("step"),
        partition::<lab::Steps>("signed_step"),
        partition::<lab::Ladders>("ladder"),
        partition::<lab::Ladders>("wait"),
        partition::<lab::Ladders>("exact"),
        partition::<lab::Digit>("digits"),
        partition::<lab::Digits>("digits"),
        partition::<lab::Buckets>("narrow"),
        partition::<lab::Buckets>("wide"),
        partition::<lab::Fine>("finest"),
        partition::<lab::Days>("day"),
        partition::<lab::Weeks>("week"),
        partition::<lab::Months>("month"),
        partition::<lab::Months>("quarter"),
        partition::<lab::Lists<'_>>("version"),
    ];
    for unit in [Unit::Count, Unit::Milliseconds, Unit::Seconds] {
        // The first bucket bound separates nothing, so its value does not matter.
        let own: [&[i64]; 7] =
            [&[0], &[7], &[0, 10, 100], &[5, 10, 100], &[-60, 10], &[0, 300, 3_600], &[0, 90, 300, 3_600]];
        ladders.extend(own.map(|own| cuts(unit, own)));
    }
    ladders
}

/// Whether `coarse` is a function of `fine`. Tests every point where either changes, and some points between.
fn is_function(coarse: &Precision, fine: &Precision) -> bool {
    let (Precision::Cuts { cuts: a, .. }, Precision::Cuts { cuts: b, .. }) = (coarse, fine) else { unreachable!() };
    let mut points = vec![i64::MIN, -1, 0, 1, i64::MAX];
    for cut in a.iter().chain(*b) {
        points.extend([cut.saturating_sub(1), *cut, cut.saturating_add(1)]);
    }
    points.extend((0..2_000).map(|at: i64| at.wrapping_mul(0x5851_f42d_4c95_7f2d) >> (at % 60)));
    let mut known = BTreeMap::new();
    points.into_iter().all(|point| {
        let (coarse, fine) = (coarse.outcome_of(point), fine.outcome_of(point));
        *known.entry(fine).or_insert(coarse) == coarse
    })
}

fn unit(precision: &Precision) -> Unit {
    let Precision::Cuts { unit, .. } = precision else { unreachable!() };
    *unit
}

#[test]
fn of_two_ladders_the_coarser_one_follows_from_the_other() {
    let ladders = ladders();
    let (mut coarser, mut not) = (0, 0);
    for a in &ladders {
        assert!(a.is_coarser_than(a), "{a:?}");
        for b in &ladders {
            let want = unit(a) == unit(b) && is_function(a, b);
            assert_eq!(a.is_coarser_than(b), want, "{a:?} of {b:?}");
            if want { coarser += 1 } else { not += 1 }
        }
    }
    assert!(coarser > ladders.len() && not > ladders.len(), "both happen: {coarser} and {not}");
    // Negative control: a rule that compares the numbers of outcomes is not such a rule.
    let by_size = ladders.iter().flat_map(|a| ladders.iter().map(move |b| (a, b))).filter(|(a, b)| unit(a) == unit(b));
    assert!(by_size.into_iter().any(|(a, b)| (a.outcomes() <= b.outcomes()) != is_function(a, b)));
    tally::property("every ladder", "coarser than by its cuts");
}

#[test]
fn of_any_two_ladders() {
    let some = || proptest::collection::btree_set(0..40i64, 1..12);
    random(&(some(), some()), |(a, b)| {
        let leak = |set: std::collections::BTreeSet<i64>| -> &'static [i64] { Box::leak(set.into_iter().collect()) };
        let (a, b) = (cuts(Unit::Count, leak(a)), cuts(Unit::Count, leak(b)));
        let both = Precision::Cuts { unit: Unit::Count, cuts: union(&a, &b) };
        for (coarse, fine) in [(&a, &b), (&b, &a), (&a, &both), (&both, &a)] {
            if coarse.is_coarser_than(fine) != is_function(coarse, fine) {
                return Err(TestCaseError::fail(format!("{coarse:?} of {fine:?}")));
            }
        }
        Ok(())
    });
}

/// The bucket bounds of both.
fn union(a: &Precision, b: &Precision) -> &'static [i64] {
    let (Precision::Cuts { cuts: a, .. }, Precision::Cuts { cuts: b, .. }) = (a, b) else { unreachable!() };
    let all: std::collections::BTreeSet<i64> = a.iter().chain(*b).copied().collect();
    Box::leak(all.into_iter().collect())
}

#[test]
fn of_two_lists_the_shorter_one_follows_from_the_other() {
    let lists: [&'static [&'static str]; 7] = [
        &["a", "other"],
        &["b", "other"],
        &["a", "b", "other"],
        &["b", "a", "other"],
        &["a", "b", "c", "other"],
        &["none", "other"],
        &["a", "none", "other"],
    ];
    for a in lists {
        for b in lists {
            let (coarse, fine) = (Precision::Labels(a), Precision::Labels(b));
            let mut known = BTreeMap::new();
            let function = ["a", "b", "c", "d", "none", "other", ""].into_iter().all(|text| {
                let outcome = |precision| <Vocabulary as Class<str>>::outcome(precision, text);
                *known.entry(outcome(&fine)).or_insert(outcome(&coarse)) == outcome(&coarse)
            });
            if coarse.is_coarser_than(&fine) {
                assert!(function, "{a:?} of {b:?}");
            }
            // Of two lists that end alike, one is coarser exactly if its words are among the other's.
            assert_eq!(coarse.is_coarser_than(&fine), function, "{a:?} of {b:?}");
        }
    }
}

#[test]
fn of_different_kinds_none_is_coarser() {
    let kinds = [
        Precision::Flag,
        HourBand::PRECISION,
        Locale::PRECISION,
        NetworkAddress::PRECISION,
        TextShape::PRECISION,
        Count::PRECISION,
        Precision::Code { bits: 64 },
        Precision::Cohort { bits: 4 },
    ];
    for (at, a) in kinds.iter().enumerate() {
        for (other, b) in kinds.iter().enumerate() {
            assert_eq!(a.is_coarser_than(b), at == other, "{a:?} of {b:?}");
        }
    }
    // The top bits of a hash can be computed from more of its bits, and not the other way round.
    for (a, b) in [(1, 4), (4, 8), (8, 8)] {
        assert!(Precision::Cohort { bits: a }.is_coarser_than(&Precision::Cohort { bits: b }));
        assert_eq!(Precision::Cohort { bits: b }.is_coarser_than(&Precision::Cohort { bits: a }), a == b);
    }
}
