//! The closed set of privacy classes: how a field's value becomes one of a few outcomes.
//!
//! `bool` and [categories](crate::Category) need no class, they are one. Every other field names its class in
//! `#[field(…)]`. The set is closed: a program can't add a class of its own, so that everything a program could send can
//! be listed and judged. There is no class for free text or exact numbers.

use crate::precision::{self, Precision};
use std::time::Duration;

mod sealed {
    #[diagnostic::on_unimplemented(
        message = "`{Self}` can't be a privacy class: the set of classes is closed",
        label = "not one of candor's classes",
        note = "let a field use `bitrate`, `media_duration`, `count` or `hash`, or make its type a category"
    )]
    pub trait Sealed {}
    impl Sealed for super::Bitrate {}
    impl Sealed for super::MediaDuration {}
    impl Sealed for super::Count {}
}

/// A privacy class that generalises values of type `T`.
#[diagnostic::on_unimplemented(
    message = "the privacy class `{Self}` does not take `{T}`",
    label = "not a type that this class generalises",
    note = "`bitrate` takes u32 and u64 in bit/s, `media_duration` takes std::time::Duration, `count` takes unsigned integers; each also takes an Option of it, where None is not sent"
)]
pub trait Class<T: ?Sized>: sealed::Sealed {
    /// The partition this class puts values into.
    const PRECISION: Precision;
    /// Whether a value may be unknown, which is one more outcome.
    const OPTIONAL: bool;
    /// The outcome of a value, from 1; 0 is unknown and not sent.
    fn outcome(value: &T) -> u16;
}

/// `#[field(bitrate)]`: an average bitrate in bit/s, floored to one of 14 rungs. Describes content, so it leaves only
/// in a daily roll-up.
#[derive(Debug)]
#[non_exhaustive]
pub struct Bitrate;

/// `#[field(media_duration)]`: a length of media or of playing, floored to 0, 1, 5, 20, 60 or 120 minutes. Describes
/// content, so it leaves only in a daily roll-up.
#[derive(Debug)]
#[non_exhaustive]
pub struct MediaDuration;

/// `#[field(count)]`: a number of things: 0, 1, 2, then powers of two up to 1,024 and more.
#[derive(Debug)]
#[non_exhaustive]
pub struct Count;

/// `#[field(hash)]`: an [`Identifier`], which leaves only as a keyed code. The secret never leaves this computer, differs
/// for each scope, and changes with the period that the event's linkage names.
#[derive(Debug)]
#[non_exhaustive]
pub struct Hash;

impl Hash {
    /// The length of the code.
    pub const PRECISION: Precision = precision::IDENTIFIER;
}

macro_rules! numbers {
    ($class:ident, $precision:expr, $($number:ty),*) => {$(
        #[diagnostic::do_not_recommend]
        impl Class<$number> for $class {
            const PRECISION: Precision = $precision;
            const OPTIONAL: bool = false;
            #[inline]
            fn outcome(value: &$number) -> u16 {
                const { $precision }.outcome_of(*value as u64)
            }
        }
    )*};
}
numbers!(Bitrate, precision::BITRATE, u32, u64);
numbers!(Count, precision::COUNT, u8, u16, u32, u64, usize);

#[diagnostic::do_not_recommend]
impl Class<Duration> for MediaDuration {
    const PRECISION: Precision = precision::MEDIA_DURATION;
    const OPTIONAL: bool = false;
    #[inline]
    fn outcome(value: &Duration) -> u16 {
        const { precision::MEDIA_DURATION }.outcome_of(value.as_secs())
    }
}

impl<T, C: Class<T>> Class<Option<T>> for C {
    const PRECISION: Precision = C::PRECISION;
    const OPTIONAL: bool = true;
    #[inline]
    fn outcome(value: &Option<T>) -> u16 {
        value.as_ref().map_or(0, C::outcome)
    }
}

/// A type whose values are their own privacy class: `bool`, and enums that derive [`Category`](crate::Category).
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` has no privacy class",
    label = "how coarse must this be before it may be kept?",
    note = "a number needs one: `#[field(bitrate, example = 4_213_000)]`, `#[field(media_duration, example = \"1:30:31\")]` or `#[field(count, example = 3)]`",
    note = "an identifier leaves only as a keyed code: `#[field(hash, example = \"nas.local\")]`",
    note = "a closed set of values needs none: `#[derive(candor::Category)] enum … {{ …, Other }}`; free text is never accepted"
)]
pub trait Closed {
    /// The list of values.
    const PRECISION: Precision;
    /// Whether a value may be unknown, which is one more outcome.
    const OPTIONAL: bool;
    /// The outcome of a value, from 1; 0 is unknown and not sent.
    fn outcome(&self) -> u16;
}

#[diagnostic::do_not_recommend]
impl Closed for bool {
    const PRECISION: Precision = Precision::Flag;
    const OPTIONAL: bool = false;
    #[inline]
    fn outcome(&self) -> u16 {
        1 + *self as u16
    }
}

#[diagnostic::do_not_recommend]
impl<T: Closed> Closed for Option<T> {
    const PRECISION: Precision = T::PRECISION;
    const OPTIONAL: bool = true;
    #[inline]
    fn outcome(&self) -> u16 {
        self.as_ref().map_or(0, T::outcome)
    }
}

/// A value that `#[field(hash)]` takes: text or bytes that name something, such as a server.
///
/// The recipient can tell whether two reports of one computer and period are about the same thing, and never which thing
/// it is: the same server has another code on every computer. To learn which, list the known ones in a
/// [`Category`](crate::Category).
///
/// It leaves only as a keyed code under a secret of this computer and this scope, which changes with the event's period.
/// Even so, e-mail addresses, serial numbers, IP and hardware addresses, paths and titles do not belong here.
#[diagnostic::on_unimplemented(
    message = "`#[field(hash)]` does not take `{Self}`",
    label = "not text or bytes",
    note = "it takes &str, String, &[u8], Vec<u8>, and an Option of one of them, where None is not sent"
)]
pub trait Identifier {
    /// The bytes to be hashed, as they are; `None` is not sent.
    fn identifier_bytes(&self) -> Option<&[u8]>;
}

#[diagnostic::do_not_recommend]
impl Identifier for str {
    #[inline]
    fn identifier_bytes(&self) -> Option<&[u8]> {
        Some(self.as_bytes())
    }
}

#[diagnostic::do_not_recommend]
impl Identifier for String {
    #[inline]
    fn identifier_bytes(&self) -> Option<&[u8]> {
        Some(self.as_bytes())
    }
}

#[diagnostic::do_not_recommend]
impl Identifier for [u8] {
    #[inline]
    fn identifier_bytes(&self) -> Option<&[u8]> {
        Some(self)
    }
}

#[diagnostic::do_not_recommend]
impl Identifier for Vec<u8> {
    #[inline]
    fn identifier_bytes(&self) -> Option<&[u8]> {
        Some(self)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Identifier + ?Sized> Identifier for &T {
    #[inline]
    fn identifier_bytes(&self) -> Option<&[u8]> {
        (**self).identifier_bytes()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Identifier> Identifier for Option<T> {
    #[inline]
    fn identifier_bytes(&self) -> Option<&[u8]> {
        self.as_ref().and_then(Identifier::identifier_bytes)
    }
}
