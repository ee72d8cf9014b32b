//! Converts the number types of programs to whole numbers of a unit, and implements the classes that take numbers.
//! Never keeps a value.
//!
//! All arithmetic is on integers. A float is only rounded down, or split into its bits; both give the same result on
//! every platform.

use super::{
    Age, Bitrate, ByteSize, Class, Count, Date, Digits, Duration as Lasted, Exact, HourBand, INVALID, Ladder, Latency,
    LogBuckets, MediaDuration, Presence, Ratio, Resolution, SignedStep, Step, Weekend,
};
use crate::precision::{EARLIEST, Precision, Unit};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 2^53. Above it, a float can't distinguish every whole number from the next.
const EXACT_IN_A_FLOAT: f64 = 9_007_199_254_740_992.0;

mod sealed {
    pub trait Sealed {}
}

/// A number in a program: an integer, a float, or a `Duration`.
pub trait Number: sealed::Sealed {
    /// Whether a value can be unreadable for a class that takes no numbers below zero.
    const OPTIONAL: bool;
    /// Whether a value can be unreadable even for a class that takes them.
    const UNREADABLE: bool;
    /// The value in whole units, rounded down. `None` means unreadable.
    fn whole(&self, unit: Unit) -> Option<i64>;
}

/// A number without a unit of its own: an integer or a float.
pub trait Plain: Number {}

/// A whole number: an integer.
pub trait Whole: Plain {}

macro_rules! unsigned {
    ($($number:ty),*) => {$(
        impl sealed::Sealed for $number {}
        #[diagnostic::do_not_recommend]
        impl Number for $number {
            const OPTIONAL: bool = false;
            const UNREADABLE: bool = false;
            #[inline]
            fn whole(&self, _: Unit) -> Option<i64> {
                Some(i64::try_from(*self).unwrap_or(i64::MAX))
            }
        }
        #[diagnostic::do_not_recommend]
        impl Plain for $number {}
        #[diagnostic::do_not_recommend]
        impl Whole for $number {}
    )*};
}
unsigned!(u8, u16, u32, u64, u128, usize);

macro_rules! signed {
    ($($number:ty),*) => {$(
        impl sealed::Sealed for $number {}
        #[diagnostic::do_not_recommend]
        impl Number for $number {
            const OPTIONAL: bool = true;
            const UNREADABLE: bool = false;
            #[inline]
            fn whole(&self, _: Unit) -> Option<i64> {
                Some(i64::try_from(*self).unwrap_or(if *self < 0 { i64::MIN } else { i64::MAX }))
            }
        }
        #[diagnostic::do_not_recommend]
        impl Plain for $number {}
        #[diagnostic::do_not_recommend]
        impl Whole for $number {}
    )*};
}
signed!(i8, i16, i32, i64, i128, isize);

macro_rules! floats {
    ($($number:ty),*) => {$(
        impl sealed::Sealed for $number {}
        #[diagnostic::do_not_recommend]
        impl Number for $number {
            const OPTIONAL: bool = true;
            const UNREADABLE: bool = true;
            #[inline]
            fn whole(&self, _: Unit) -> Option<i64> {
                let value = f64::from(*self);
                if value.is_nan() {
                    None
                } else if value > EXACT_IN_A_FLOAT {
                    Some(i64::MAX)
                } else if value < -EXACT_IN_A_FLOAT {
                    Some(i64::MIN)
                } else {
                    Some(value.floor() as i64)
                }
            }
        }
        #[diagnostic::do_not_recommend]
        impl Plain for $number {}
    )*};
}
floats!(f32, f64);

impl sealed::Sealed for Duration {}
#[diagnostic::do_not_recommend]
impl Number for Duration {
    const OPTIONAL: bool = false;
    const UNREADABLE: bool = false;
    #[inline]
    fn whole(&self, unit: Unit) -> Option<i64> {
        let whole = match unit {
            Unit::Milliseconds => return Some(i64::try_from(self.as_millis()).unwrap_or(i64::MAX)),
            Unit::Minutes => self.as_secs() / 60,
            Unit::Days => self.as_secs() / 86_400,
            _ => self.as_secs(),
        };
        Some(i64::try_from(whole).unwrap_or(i64::MAX))
    }
}

/// The outcome of a number in a partition of numbers. Unless `signed`, a negative number is `INVALID`: it is an error
/// of the program, and must not be sent as 0.
#[inline]
fn number<T: Number>(precision: &Precision, value: &T, signed: bool) -> u16 {
    let Precision::Cuts { unit, .. } = precision else { return INVALID };
    match value.whole(*unit) {
        Some(whole) if signed || whole >= 0 => precision.outcome_of(whole),
        _ => INVALID,
    }
}

macro_rules! takes_numbers {
    ($($class:ident: $kind:ident),*) => {$(
        #[diagnostic::do_not_recommend]
        impl<T: $kind> Class<T> for $class {
            const OPTIONAL: bool = T::OPTIONAL;
            #[inline]
            fn outcome(precision: &Precision, value: &T) -> u16 {
                number(precision, value, false)
            }
        }
    )*};
}
// A `Duration` is converted to the unit of the class or field: milliseconds, minutes or days, and seconds for any other
// unit.
takes_numbers!(Step: Number, Ladder: Number, Digits: Number, LogBuckets: Number, Latency: Number, Age: Number);
takes_numbers!(Bitrate: Plain, ByteSize: Plain, Count: Whole, Exact: Whole);

#[diagnostic::do_not_recommend]
impl<T: Number> Class<T> for SignedStep {
    const OPTIONAL: bool = T::UNREADABLE;
    #[inline]
    fn outcome(precision: &Precision, value: &T) -> u16 {
        number(precision, value, true)
    }
}

// Only a `Duration`: a plain number would not say whether it is in seconds or minutes.
#[diagnostic::do_not_recommend]
impl Class<Duration> for MediaDuration {
    const OPTIONAL: bool = false;
    #[inline]
    fn outcome(precision: &Precision, value: &Duration) -> u16 {
        number(precision, value, false)
    }
}

#[diagnostic::do_not_recommend]
impl Class<Duration> for Lasted {
    const OPTIONAL: bool = false;
    #[inline]
    fn outcome(precision: &Precision, value: &Duration) -> u16 {
        number(precision, value, false)
    }
}

#[diagnostic::do_not_recommend]
impl Class<SystemTime> for Date {
    const OPTIONAL: bool = true;
    #[inline]
    fn outcome(precision: &Precision, value: &SystemTime) -> u16 {
        // A time before 1970 is also before 2000, which is unreadable.
        let Ok(since) = value.duration_since(UNIX_EPOCH) else { return INVALID };
        match i64::try_from(since.as_secs() / 86_400) {
            Ok(day) if day >= EARLIEST => precision.outcome_of(day),
            Ok(_) => INVALID,
            Err(_) => precision.outcome_of(i64::MAX),
        }
    }
}

/// Width and height, in either order.
pub trait Pixels: sealed::Sealed {
    /// The shorter side. `None` if one of them is 0.
    fn shorter(&self) -> Option<i64>;
}

macro_rules! pairs {
    ($($number:ty),*) => {$(
        impl sealed::Sealed for ($number, $number) {}
        #[diagnostic::do_not_recommend]
        impl Pixels for ($number, $number) {
            #[inline]
            fn shorter(&self) -> Option<i64> {
                let shorter = self.0.min(self.1);
                (shorter > 0).then(|| i64::try_from(shorter).unwrap_or(i64::MAX))
            }
        }
        #[diagnostic::do_not_recommend]
        impl Portion for ($number, $number) {
            #[inline]
            fn per_mille(&self) -> Option<i64> {
                portion(u128::from(self.0), u128::from(self.1))
            }
        }
    )*};
}
pairs!(u16, u32, u64);

#[diagnostic::do_not_recommend]
impl<T: Pixels> Class<T> for Resolution {
    const OPTIONAL: bool = true;
    #[inline]
    fn outcome(precision: &Precision, value: &T) -> u16 {
        value.shorter().map_or(INVALID, |shorter| precision.outcome_of(shorter))
    }
}

/// A part of a whole: a float from 0 to 1, or the part and the whole.
pub trait Portion: sealed::Sealed {
    /// The share in thousandths: 0 for none, 1 for anything below a tenth, then whole tenths, rounded down. `None`
    /// outside of 0 to 1.
    fn per_mille(&self) -> Option<i64>;
}

/// `part / whole`, as [`Portion::per_mille`] returns it.
fn portion(part: u128, whole: u128) -> Option<i64> {
    if whole == 0 || part > whole {
        return None;
    }
    let tenths = i64::try_from(part.checked_mul(10)? / whole).ok()?;
    Some(if part > 0 { (tenths * 100).max(1) } else { 0 })
}

macro_rules! float_portions {
    ($($number:ty),*) => {$(
        #[diagnostic::do_not_recommend]
        impl Portion for $number {
            #[inline]
            fn per_mille(&self) -> Option<i64> {
                let value = f64::from(*self);
                if !(0.0..=1.0).contains(&value) {
                    return None;
                }
                // Exact: the float is a 53-bit number over a power of two. If that power does not fit 128 bits, the
                // value is between 0 and a tenth.
                let bits = value.abs().to_bits();
                let (exponent, fraction) = (bits >> 52, bits & ((1 << 52) - 1));
                let part = if exponent == 0 { fraction } else { fraction | 1 << 52 };
                let power = 1_075 - exponent.max(1);
                match 1u128.checked_shl(u32::try_from(power).ok()?) {
                    Some(whole) => portion(u128::from(part), whole),
                    None => Some(i64::from(part > 0)),
                }
            }
        }
    )*};
}
float_portions!(f32, f64);

#[diagnostic::do_not_recommend]
impl<T: Portion> Class<T> for Ratio {
    const OPTIONAL: bool = true;
    #[inline]
    fn outcome(precision: &Precision, value: &T) -> u16 {
        value.per_mille().map_or(INVALID, |part| precision.outcome_of(part))
    }
}

#[diagnostic::do_not_recommend]
impl<T: Whole> Class<T> for HourBand {
    const OPTIONAL: bool = true;
    #[inline]
    fn outcome(_: &Precision, value: &T) -> u16 {
        match value.whole(Unit::Count) {
            Some(hour @ 0..24) => 1 + (hour / 6) as u16,
            _ => INVALID,
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T: Whole> Class<T> for Weekend {
    const OPTIONAL: bool = true;
    #[inline]
    fn outcome(_: &Precision, value: &T) -> u16 {
        match value.whole(Unit::Count) {
            Some(day @ 1..=7) => 1 + u16::from(day > 5),
            _ => INVALID,
        }
    }
}

impl Presence {
    /// Whether an `Option` holds a value. The value itself is not read.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub const fn of<T>(value: &Option<T>) -> u16 {
        1 + value.is_some() as u16
    }
}
