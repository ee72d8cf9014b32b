//! Every type of number that a class takes: its edges, values around a bucket bound, any value, and its value in
//! whole units by the rules. Runs a class through the checker with each type.

use crate::{
    checker::Subject,
    slow::{self, HUGE},
};
use candor::{
    Precision, Unit,
    event::class::{Class, INVALID},
};
use proptest::{
    prelude::{Strategy, any},
    strategy::BoxedStrategy,
    test_runner::{Config, TestCaseError, TestRunner},
};
use std::{fmt::Debug, time::Duration};

/// A type of numbers.
pub(crate) trait Kind: Copy + Debug + 'static {
    /// The value in whole units by the rules. `None` if it is not a number.
    fn slow(&self, unit: Unit) -> Option<i128>;
    /// The value that is `whole` units, if the type has one.
    fn of(whole: i128, unit: Unit) -> Option<Self>;
    /// Values next to `whole` units.
    fn around(whole: i128, unit: Unit) -> Vec<Self> {
        (-2..=2).filter_map(|off| Self::of(whole.checked_add(off)?, unit)).collect()
    }
    /// The edges of the type.
    fn edges() -> Vec<Self>;
    /// Any value. Small ones are as likely as large ones.
    fn anything() -> BoxedStrategy<Self>;
}

macro_rules! integers {
    ($($number:ident),*) => {$(
        impl Kind for $number {
            fn slow(&self, _: Unit) -> Option<i128> {
                Some(i128::try_from(*self).unwrap_or(HUGE))
            }
            fn of(whole: i128, _: Unit) -> Option<Self> {
                Self::try_from(whole).ok()
            }
            fn edges() -> Vec<Self> {
                let mut edges = vec![Self::MIN, Self::MIN + 1, 0, 1, 2, Self::MAX - 1, Self::MAX];
                // The edges of the other types, where they fit.
                for power in 1..127 {
                    for whole in [-(1i128 << power), (1 << power) - 1, 1 << power, (1 << power) + 1] {
                        edges.extend(Self::of(whole, Unit::Count));
                    }
                }
                edges
            }
            fn anything() -> BoxedStrategy<Self> {
                (any::<Self>(), 0..Self::BITS).prop_map(|(number, shift)| number >> shift).boxed()
            }
        }
    )*};
}
integers!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

macro_rules! floats {
    ($($number:ident $bits:ident $mantissa:literal),*) => {$(
        impl Kind for $number {
            fn slow(&self, _: Unit) -> Option<i128> {
                slow::floor(f64::from(*self))
            }
            fn of(whole: i128, _: Unit) -> Option<Self> {
                // Only what the float holds exactly and what the rules still count as a number.
                let float = whole as $number;
                (float as i128 == whole && whole.abs() <= 1 << 53).then_some(float)
            }
            fn around(whole: i128, _: Unit) -> Vec<Self> {
                let float = whole as $number;
                let mut around = vec![float - 0.5, float + 0.5, float - 1.0, float + 1.0];
                for at in [float, float - 1.0, float + 1.0] {
                    around.extend([at.next_down(), at, at.next_up()]);
                }
                around
            }
            fn edges() -> Vec<Self> {
                let exact = (1u64 << 53) as $number;
                let mut edges = vec![0.0, -0.0, Self::MIN_POSITIVE, Self::EPSILON, 0.5, 1.0, exact];
                edges.extend([exact.next_up(), exact.next_down(), exact - 1.0, Self::MAX, Self::INFINITY]);
                edges.extend([i64::MAX as $number, u64::MAX as $number, 1e18, 1e19, 1e30]);
                // Subnormal numbers: the smallest, the largest, and some between.
                edges.extend([1, 2, 3, (1 << $mantissa) - 1, 1 << ($mantissa - 1)].map(Self::from_bits));
                let negative: Vec<Self> = edges.iter().map(|edge| -edge).collect();
                edges.extend(negative);
                // NaNs: quiet and signalling, with payloads, of either sign.
                let infinity = Self::INFINITY.to_bits();
                for payload in [1, 2, 0x1234, (1 << ($mantissa - 1)) - 1, 1 << ($mantissa - 1), (1 << $mantissa) - 1] {
                    edges.extend([Self::from_bits(infinity | payload), -Self::from_bits(infinity | payload)]);
                }
                edges
            }
            fn anything() -> BoxedStrategy<Self> {
                let scaled = (any::<u32>(), any::<u32>(), -40..40i32)
                    .prop_map(|(whole, rest, by)| ((f64::from(whole) + f64::from(rest) / 4.3e9) * 2f64.powi(by)) as Self);
                proptest::prop_oneof![any::<$bits>().prop_map(Self::from_bits), scaled].boxed()
            }
        }
    )*};
}
floats!(f32 u32 23, f64 u64 52);

/// The length of a unit of time in nanoseconds. In any other unit a `Duration` is counted in seconds.
fn nanos(unit: Unit) -> u128 {
    match unit {
        Unit::Milliseconds => 1_000_000,
        Unit::Minutes => 60_000_000_000,
        Unit::Days => 86_400_000_000_000,
        _ => 1_000_000_000,
    }
}

fn duration(nanos: u128) -> Option<Duration> {
    let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
    Some(Duration::new(seconds, u32::try_from(nanos % 1_000_000_000).unwrap()))
}

impl Kind for Duration {
    fn slow(&self, unit: Unit) -> Option<i128> {
        let all = u128::from(self.as_secs()) * 1_000_000_000 + u128::from(self.subsec_nanos());
        Some(i128::try_from(all / nanos(unit)).unwrap())
    }
    fn of(whole: i128, unit: Unit) -> Option<Self> {
        duration(u128::try_from(whole).ok()?.checked_mul(nanos(unit))?)
    }
    fn around(whole: i128, unit: Unit) -> Vec<Self> {
        let Some(at) = Self::of(whole, unit) else { return Vec::new() };
        let one = [Duration::from_nanos(1), Duration::from_millis(1), Duration::from_secs(1)];
        let each = one.into_iter().flat_map(|one| [at.checked_sub(one), at.checked_add(one)]);
        each.flatten().chain([at]).collect()
    }
    fn edges() -> Vec<Self> {
        let one = Duration::from_nanos(1);
        let millis = Duration::from_millis(i64::MAX as u64);
        let seconds = Duration::from_secs(i64::MAX as u64);
        let most = [Duration::MAX, Duration::MAX - one, Duration::from_secs(u64::MAX)];
        let fits = [millis, millis + one, millis + Duration::from_millis(1), seconds, seconds + Duration::from_secs(1)];
        [Duration::ZERO, one].into_iter().chain(most).chain(fits).collect()
    }
    fn anything() -> BoxedStrategy<Self> {
        (any::<u64>(), 0..64u32, 0..1_000_000_000u32).prop_map(|(secs, by, nanos)| Self::new(secs >> by, nanos)).boxed()
    }
}

/// A class of numbers and its rules.
pub(crate) struct Rules<'r> {
    pub(crate) class: &'r str,
    pub(crate) precision: Precision,
    /// The bucket bounds by the rules.
    pub(crate) rungs: Vec<i128>,
    /// The outcome by the rules for a number that can be read.
    pub(crate) rule: &'r dyn Fn(i128) -> u16,
    /// Whether the class accepts numbers below 0.
    pub(crate) signed: bool,
}

impl Rules<'_> {
    pub(crate) fn unit(&self) -> Unit {
        match self.precision {
            Precision::Cuts { unit, .. } => unit,
            _ => panic!("{} has no cuts", self.class),
        }
    }

    /// The outcome by the rules.
    pub(crate) fn slow<T: Kind>(&self, value: &T) -> u16 {
        match value.slow(self.unit()) {
            Some(whole) if whole >= 0 || self.signed => (self.rule)(whole),
            _ => INVALID,
        }
    }

    /// The edges of the type and values around each bucket bound.
    pub(crate) fn points<T: Kind>(&self) -> Vec<T> {
        let mut points = T::edges();
        for rung in &self.rungs {
            points.extend(T::around(*rung, self.unit()));
        }
        points
    }

    /// Calls `use_it` with a subject that has this outcome function.
    pub(crate) fn subject<T: Kind, R>(
        &self,
        outcome: &dyn Fn(&T) -> u16,
        use_it: impl FnOnce(&Subject<'_, T>) -> R,
    ) -> R {
        let unit = self.unit();
        let sent = |outcome: u16| T::of(self.precision.lower_cut(outcome)?.into(), unit);
        let rank = |value: &T| value.slow(unit);
        use_it(&Subject {
            class: self.class,
            outcomes: self.precision.outcomes(),
            outcome,
            slow: &|value| self.slow(value),
            sent: &sent,
            rank: Some(&rank),
        })
    }

    /// Tests the class `C` with one type.
    pub(crate) fn try_with<C: Class<T>, T: Kind>(&self) {
        let outcome = |value: &T| C::outcome(&self.precision, value);
        self.subject(&outcome, |subject| {
            let points = self.points();
            subject.check(&points);
            // A class that declares that it reads every value must do so. Any other class must have a value that it can't read.
            let unreadable = points.iter().any(|point| outcome(point) == INVALID);
            let name = std::any::type_name::<T>();
            assert_eq!(<C as Class<T>>::OPTIONAL, unreadable, "{} of {name}: OPTIONAL", self.class);
            const { assert!(<C as Class<Option<T>>>::OPTIONAL) };
            assert_eq!(<C as Class<Option<T>>>::outcome(&self.precision, &None), 0, "{} of None", self.class);
            for point in &points {
                let some = <C as Class<Option<T>>>::outcome(&self.precision, &Some(*point));
                assert_eq!(some, outcome(point), "{} of Some({point:?})", self.class);
                let nested = <C as Class<Option<Option<T>>>>::outcome(&self.precision, &Some(Some(*point)));
                assert_eq!(nested, some, "{} of Some(Some({point:?}))", self.class);
            }
            random(&(T::anything(), self.near()), |(any, near)| match faults(subject, any, near) {
                None => Ok(()),
                Some(fault) => Err(TestCaseError::fail(fault)),
            });
        });
    }

    /// Values near a bucket bound.
    fn near<T: Kind>(&self) -> BoxedStrategy<T> {
        let (rungs, unit) = (self.rungs.clone(), self.unit());
        let near = (0..rungs.len(), -1_000..1_000i128).prop_filter_map("a value of the type", move |(at, off)| {
            T::of(rungs[at] + off, unit).or_else(|| T::of(off.abs() % 100, unit))
        });
        near.boxed()
    }
}

fn faults<T: Kind>(subject: &Subject<'_, T>, any: T, near: T) -> Option<String> {
    let fault = subject.faults(&[any, near]).into_iter().next()?;
    Some(format!("{} of {} is not `{}`: {}", subject.class, std::any::type_name::<T>(), fault.property, fault.shown_by))
}

/// Draws values, 256 unless `PROPTEST_CASES` says otherwise, and shows the smallest that fails.
#[track_caller]
pub(crate) fn random<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { failure_persistence: None, ..Config::default() };
    if let Err(error) = TestRunner::new(config).run(strategy, test) {
        panic!("{error}");
    }
}

/// Tests a class with every type of number.
macro_rules! with_every_number {
    // Integers; integers and floats; a `Duration` as well.
    ($rules:expr, $class:ty, whole) => {
        $crate::numbers::with_every_number!($rules, $class, [])
    };
    ($rules:expr, $class:ty, plain) => {
        $crate::numbers::with_every_number!($rules, $class, [f32, f64])
    };
    ($rules:expr, $class:ty, timed) => {
        $crate::numbers::with_every_number!($rules, $class, [f32, f64, std::time::Duration])
    };
    ($rules:expr, $class:ty, [$($more:ty),*]) => {{
        let rules = $rules;
        $crate::numbers::with_every_number!(
            rules, $class: u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize $(, $more)*
        );
        rules.subject::<i128, ()>(&|_| 0, |subject| subject.count());
    }};
    ($rules:ident, $class:ty: $($number:ty),*) => {
        $($rules.try_with::<$class, $number>();)*
    };
}
pub(crate) use with_every_number;
