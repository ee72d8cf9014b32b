//! The words that a person reads for an outcome: never empty, and never the same for two outcomes of one field.

use crate::{
    lab::{self, partition},
    numbers::random,
    tally,
};
use candor::{
    Event, Precision, Unit,
    event::{
        Fixed,
        class::{
            Age, Bitrate, ByteSize, Count, Duration, HourBand, Latency, Locale, MediaDuration, NetworkAddress, Ratio,
            Resolution, TextShape, Weekend,
        },
    },
};
use proptest::{sample::select, test_runner::TestCaseError};
use std::collections::BTreeMap;

/// Every predefined partition and every partition of `lab`, by name.
pub(crate) fn partitions() -> BTreeMap<String, Precision> {
    let mut all = BTreeMap::from([
        ("age".to_owned(), Age::PRECISION),
        ("bitrate".to_owned(), Bitrate::PRECISION),
        ("byte_size".to_owned(), ByteSize::PRECISION),
        ("count".to_owned(), Count::PRECISION),
        ("duration".to_owned(), Duration::PRECISION),
        ("hash".to_owned(), candor::event::class::Hash::PRECISION),
        ("hour_band".to_owned(), HourBand::PRECISION),
        ("latency".to_owned(), Latency::PRECISION),
        ("locale".to_owned(), Locale::PRECISION),
        ("media_duration".to_owned(), MediaDuration::PRECISION),
        ("network_address".to_owned(), NetworkAddress::PRECISION),
        ("presence".to_owned(), candor::event::class::Presence::PRECISION),
        ("ratio".to_owned(), Ratio::PRECISION),
        ("resolution".to_owned(), Resolution::PRECISION),
        ("text_shape".to_owned(), TextShape::PRECISION),
        ("weekend".to_owned(), Weekend::PRECISION),
    ]);
    let schemas = [
        lab::Steps::schema(),
        lab::Ladders::schema(),
        lab::Digit::schema(),
        lab::Digits::schema(),
        lab::Buckets::schema(),
        lab::Fine::schema(),
        lab::Days::schema(),
        lab::Weeks::schema(),
        lab::Months::schema(),
        lab::Lists::schema(),
        lab::Met::schema(),
        lab::Released::schema(),
    ];
    for schema in schemas {
        for field in schema.fields() {
            all.insert(format!("{} ({}.{})", field.class, schema.name(), field.name), field.precision);
        }
    }
    all
}

/// The first fault in the words of a partition.
fn wrong_words(precision: &Precision, words: impl Fn(u16) -> String) -> Option<String> {
    let mut seen: BTreeMap<String, u16> = BTreeMap::new();
    for outcome in 1..=u16::try_from(precision.outcomes()).unwrap() {
        let said = words(outcome);
        if said.trim().is_empty() || said == "not sent" {
            return Some(format!("outcome {outcome} is told as `{said}`"));
        }
        if let Some(other) = seen.insert(said.clone(), outcome) {
            return Some(format!("outcomes {other} and {outcome} are both told as `{said}`"));
        }
    }
    None
}

#[test]
fn every_outcome_has_words_of_its_own() {
    for (name, precision) in partitions() {
        assert_eq!(wrong_words(&precision, |outcome| precision.words(outcome)), None, "{name}");
        assert_eq!(precision.words(0), "not sent", "{name}");
        assert!(!precision.describe().trim().is_empty(), "{name}");
        // Negative controls: empty words, and one word for all outcomes, are noticed.
        assert!(wrong_words(&precision, |_| String::new()).is_some());
        if precision.outcomes() > 1 {
            assert!(wrong_words(&precision, |_| "some".into()).is_some());
        }
        let class = name.split(' ').next().unwrap();
        for property in ["words for every outcome", "described", "a spec"] {
            tally::property(class, property);
        }
    }
}

#[test]
fn what_is_no_outcome_is_not_sent() {
    for (name, precision) in
        partitions().into_iter().filter(|(_, precision)| !matches!(precision, Precision::Code { .. }))
    {
        let beyond = u16::try_from(precision.outcomes()).unwrap() + 1;
        for outcome in [beyond, beyond + 1, candor::event::class::INVALID] {
            assert_eq!(precision.words(outcome), "not sent", "{name}: outcome {outcome}");
            assert_eq!(precision.lower_cut(outcome), None, "{name}: outcome {outcome}");
        }
    }
}

/// A program's own ladder has distinct words in any unit that it can name, however close its bounds are.
#[test]
fn every_ladder_has_words_of_its_own() {
    let ladders = proptest::collection::btree_set(0..40i64, 2..30);
    let scales = vec![1, 7, 10, 60, 250, 1_000, 1_024, 4_000, 50_000, 1 << 20, 1_000_001, 1 << 30];
    let bases = vec![0, 200_000, 1_000_000, 123_456_789, 1 << 40];
    random(&(ladders, select(scales), select(bases), select(Unit::NAMED.to_vec())), |(set, scale, base, unit)| {
        let cuts: &'static [i64] = Box::leak(set.into_iter().map(|rung| base + rung * scale).collect());
        let precision = Precision::Cuts { unit, cuts };
        match wrong_words(&precision, |outcome| precision.words(outcome)) {
            Some(wrong) => Err(TestCaseError::fail(format!("{unit:?} {cuts:?}: {wrong}"))),
            None => Ok(()),
        }
    });
}

/// What the preview shows of an event is what its classes say.
#[test]
fn an_event_is_told_in_the_words_of_its_classes() {
    let steps = |step, signed_step| {
        let said = candor::preview(&lab::Steps { step, signed_step });
        (said[0].1.clone(), said[1].1.clone())
    };
    let (step, signed) = (partition::<lab::Steps>("step"), partition::<lab::Steps>("signed_step"));
    assert_eq!(steps(39.9, -1), (step.words(4), signed.words(12)));
    assert_eq!(steps(f64::NAN, i32::MIN), ("not sent".into(), signed.words(1)));
    assert_eq!(steps(f64::INFINITY, i32::MAX), (step.words(11), signed.words(27)));
    assert_eq!(steps(f64::NEG_INFINITY, 0), ("not sent".into(), signed.words(13)));
}
