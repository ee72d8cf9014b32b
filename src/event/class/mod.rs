//! The closed set of privacy classes. A class maps each value of a field to one of a fixed list of outcomes.
//!
//! Every field names its class in `#[field(…)]`, except a `bool` or a [category](crate::Category), which is its own
//! class. The set is closed: a program can't add a class, so everything that a program could send can be listed and
//! reviewed. A program can supply its own ladder or vocabulary. There is no class for free text. This module only maps
//! values to outcomes. It never keeps or sends a value.
//!
//! In the table, *numbers* are integers, floats and `Duration`. A `Duration` counts in the field's unit if that is
//! milliseconds, minutes or days, and else in seconds.
//!
//! | `#[field(…)]` | takes | is sent as |
//! |---|---|---|
//! | `count` | integers | 0, 1, 2, 3, 5, 9, 17, 33, 65, 129, 257, 513, or 1,024 and more |
//! | `bitrate` | integers and floats, in bit/s | one of 14 lower bounds, from 0 to 40 Mbit/s, at usual encoder settings |
//! | `media_duration` | `Duration` | 0, 1, 5, 20, 60, or 120 minutes and more |
//! | `byte_size` | integers and floats, in bytes | 0, or a power of four from 64 KiB to 64 GiB |
//! | `resolution` | width and height | shorter side up to 480, 720, 1080, 1440, 2160 lines, or more |
//! | `latency` | `Duration`, or numbers in ms | one of 24 steps, from 0 and 1 ms to a minute, each 5/3 of the one before |
//! | `age` | `Duration`, or numbers in days | 0, 1, 7, 30, 90, or 365 days and more |
//! | `ratio` | a float from 0.0 to 1.0, or (part, whole) | none, one of ten tenths, or all |
//! | `step = 10, top = 100` | numbers | a multiple of the step, from 0 to `top` |
//! | `signed_step = 60, from = -720, top = 840` | numbers, also below zero | `from` plus a multiple of the step, up to `top` |
//! | `ladder = [0, 10, 100]` | numbers | the largest listed bound that is not above the value |
//! | `digits = 2, top = 10_000` | numbers | the first one or two digits, then zeros, up to `top` |
//! | `log_buckets = 10, from = 1, top = 60_000` | numbers | 0, or a step whose middle is within `log_buckets` % of the value |
//! | `exact, top = 9, reason = "…"` | integers | the number itself below `top`, else `top`; the manifest prints the reason |
//! | `date = month, from = "2026-01", count = 24` | `SystemTime` | the first day of the UTC day, week, month or quarter |
//! | `hour_band` | integers: the hour, 0 to 23 | night, morning, afternoon, or evening |
//! | `weekend` | integers: the day of the week, 1 (Monday) to 7 | whether it is Saturday or Sunday |
//! | `version = ["12.0", "12.4"]` | text | the largest listed version that is not above it, or older |
//! | `locale` | text | one of 31 languages, or other |
//! | `network_address` | IP addresses | loopback, private, link-local, global v4, global v6, or other |
//! | `vocabulary = ["h264", "hevc"]` | text | the listed word, or other |
//! | `extension = ["mkv", "mp4"]` | paths | the listed extension, none, or other |
//! | `text_shape` | text | one of 5 lengths, and whether it is digits, ASCII, or other characters |
//! | `presence` | any `Option` | whether it holds a value |
//! | `hash` | text or bytes | a keyed code of 64 bits |
//! | `cohort = 4` | text or bytes | one of 2^4 groups, selected by a keyed hash |
//!
//! # Rules that every class follows
//!
//! - The outcome depends on the value alone; for `hash` and `cohort`, also on a secret key. There is no noise, no clock
//!   and no float arithmetic. Noise that is drawn again for each report averages away: 20 reports reduce a dither of
//!   one minute to 3 seconds.
//! - Numbers are rounded down, never to the nearest. A bucket contains its lower bound and not its upper bound. A value
//!   below the lowest bound is in the lowest bucket; the highest bucket has no upper bound.
//! - What is sent of a number is the lower bound of its bucket. Generalising that number again gives the same bucket. A
//!   `ratio` above 0 and below a tenth is sent as one thousandth, which means "under a tenth".
//! - NaN, a negative number where the class takes none, and text that can't be read are not sent. They are counted on
//!   this computer ([`FieldPage`](crate::FieldPage)).
//! - A number that is too large belongs to the highest bucket: a float above 2^53, infinity, or an integer that does
//!   not fit 63 bits. The same holds for the lowest bucket where negative numbers are taken. -0.0 is 0.
//! - Any type may be wrapped in an `Option`. `None` is not sent.
//! - Where a value can be unknown or unreadable, that is one more outcome in the event's budget: for example an
//!   `Option`, a float, text for `version` or `locale`, or a signed integer where the class takes no numbers below
//!   zero.
//! - Single numbers are sent exactly. A ladder with more than ten of them, or a ladder of more than three bounds that
//!   is nothing but single numbers, compiles only with a `reason`, which the person reads.
//!
//! # Classes that describe content
//!
//! `bitrate`, `media_duration`, `byte_size` and `resolution` describe what a person plays or reads. An event with such
//! a field must use `linkage = rollup` and must have an item field, `#[field(item)]`. A field of these classes that
//! describes something else takes another `group = "…"` and a `reason = "…"`, which the person reads. One event has at
//! most two fields of the same group.

mod identifier;
mod number;
mod text;

pub use identifier::Identifier;
pub use number::{Number, Pixels, Plain, Portion, Whole};
pub use text::Text;

use crate::precision::{self, Precision};

mod sealed {
    #[diagnostic::on_unimplemented(
        message = "`{Self}` can't be a privacy class: the set of classes is closed",
        label = "not one of candor's classes",
        note = "let a field use one of the classes of `candor::event::class`, bring a list of your own (`ladder = [0, 10, 100]`, `vocabulary = [\"a\", \"b\"]`), or make its type a category"
    )]
    pub trait Sealed {}
}

/// The outcome of a value that could not be read. It is not sent, and it is counted on this computer.
pub const INVALID: u16 = u16::MAX;

/// A privacy class that generalises values of type `T`.
#[diagnostic::on_unimplemented(
    message = "the privacy class `{Self}` does not take `{T}`",
    label = "not a type that this class generalises",
    note = "what each class takes stands in the table of `candor::event::class`: `bitrate` takes numbers in bit/s, `media_duration` takes std::time::Duration, `count` takes whole numbers, `vocabulary` takes text; each also takes an Option of it, where None is not sent"
)]
pub trait Class<T: ?Sized>: sealed::Sealed {
    /// Whether a value can be unknown or unreadable, which is one more outcome in the event's budget.
    const OPTIONAL: bool;
    /// The outcome of a value in this partition, counted from 1. 0 means unknown and not sent; [`INVALID`] means it
    /// could not be read.
    fn outcome(precision: &Precision, value: &T) -> u16;
}

/// A class whose partition is always the same.
pub trait Fixed: sealed::Sealed {
    /// The partition of this class.
    const PRECISION: Precision;
}

/// Declares the classes: the type and documentation of each, and its partition where that is always the same.
macro_rules! classes {
    ($($(#[$doc:meta])* $class:ident $(= $precision:expr)?;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        #[non_exhaustive]
        pub struct $class;
        impl sealed::Sealed for $class {}
        $(impl Fixed for $class {
            const PRECISION: Precision = $precision;
        })?
    )*};
}

classes! {
    /// `#[field(bitrate)]`: an average bitrate in bit/s, rounded down to one of 14 bounds: 0, 64, 96, 128, 192, 256 and
    /// 320 kbit/s, then 1, 2, 4, 8, 12, 20 and 40 Mbit/s. Describes content, so it is sent only in a daily roll-up.
    Bitrate = precision::BITRATE;
    /// `#[field(media_duration)]`: a length of media or of playing, rounded down to 0, 1, 5, 20, 60 or 120 minutes.
    /// Describes content, so it is sent only in a daily roll-up.
    MediaDuration = precision::MEDIA_DURATION;
    /// `#[field(byte_size)]`: a size in bytes, rounded down to 0 or to a power of four from 64 KiB to 64 GiB. Describes
    /// content, so it is sent only in a daily roll-up, unless the field is put into another group with `group = "…"`
    /// and gives a `reason`.
    ///
    /// A file's size and its bitrate give its length back to within 20 seconds (the median), so an event with both does
    /// not compile.
    ByteSize = precision::BYTE_SIZE;
    /// `#[field(resolution)]`: the size of a picture by its shorter side: up to 480, 720, 1080, 1440 or 2160 lines, or
    /// more. A width or height of 0 is unreadable. Describes content, so it is sent only in a daily roll-up.
    Resolution = precision::RESOLUTION;
    /// `#[field(count)]`: a number of things, rounded down to 0, 1, 2, 3, 5, 9, 17, 33, 65, 129, 257, 513 or 1,024.
    Count = precision::COUNT;
    /// `#[field(latency)]`: how long something took, in milliseconds. 24 steps: 0, 1 ms, and on to a minute, each 5/3
    /// of the one before. The middle of a step is within 25 % of each value in it. What is sent is the lower end of the
    /// step, up to 40 % below the value.
    Latency = precision::LATENCY;
    /// `#[field(age)]`: how long ago something was, rounded down to 0, 1, 7, 30, 90 or 365 days.
    Age = precision::AGE;
    /// `#[field(ratio)]`: a part of a whole: none, one of ten steps of a tenth, or all.
    ///
    /// A float is compared exactly, by its bits: the float 0.3 is a little less than three tenths. Where that matters,
    /// pass the two numbers, as in `(3u64, 10u64)`.
    Ratio = precision::RATIO;
    /// `#[field(step = 10, top = 100)]`: rounded down to a multiple of the step. `top` and everything above it are one
    /// bucket.
    Step;
    /// `#[field(signed_step = 60, from = -720, top = 840)]`: rounded down to `from` plus a multiple of the step.
    /// Everything below `from` is in the first bucket, and `top` and everything above it in the last. This is the only
    /// class for numbers below zero.
    SignedStep;
    /// `#[field(ladder = [0, 10, 100])]`: the largest listed bound at or below the value.
    Ladder;
    /// `#[field(digits = 2, top = 10_000)]`: the first one or two digits, and zeros for the rest. `top` and everything
    /// above it are one bucket. Two digits leave the numbers below 100 exact, so they need a `reason`. Use two digits
    /// for latencies and the like: of the sizes of podcasts they leave 13 % in a class of fewer than 20.
    Digits;
    /// `#[field(log_buckets = 10, from = 1, top = 60_000)]`: steps from `from` to `top`, each (100 + p) / (100 - p)
    /// times the one before, rounded down, and at least one more. The middle of a step is then within p per cent of
    /// each value in it. What is sent is the lower end of the step, up to 2p / (100 + p) below the value. A value below
    /// `from` is sent as 0.
    LogBuckets;
    /// `#[field(exact, top = 9, reason = "…")]`: the number itself. `top` and everything above it are one bucket. The
    /// manifest prints the reason.
    Exact;
    /// `#[field(date = month, from = "2026-01", count = 24)]`: the first day of the UTC day, ISO week, month or
    /// quarter. There are `count` of these periods, starting with the one that contains `from`. Everything before them
    /// is one bucket, and the last one includes everything after it. A time before the year 2000 is unreadable.
    Date;
    /// `#[field(hour_band)]`: an hour of the local day: night (0 to 5), morning (6 to 11), afternoon (12 to 17) or
    /// evening (18 to 23). Any other number is unreadable.
    HourBand = precision::HOUR_BAND;
    /// `#[field(weekend)]`: whether a day of the week, 1 (Monday) to 7, is a Saturday or Sunday. Any other number is
    /// unreadable.
    Weekend = Precision::Flag;
    /// `#[field(version = ["12.0", "12.4"])]`: the largest listed version at or below the value. Everything older than
    /// the first one is one bucket. Only the first two numbers of the text are compared, never the name of a build.
    Version;
    /// `#[field(locale)]`: the language of a tag such as `de-AT`. It is one of the 31 languages with the most speakers
    /// and pages, or other.
    Locale = precision::LOCALE;
    /// `#[field(network_address)]`: what kind of network an address is on. No part of the address is sent.
    NetworkAddress = precision::NETWORK_ADDRESS;
    /// `#[field(vocabulary = ["h264", "hevc"])]`: the listed word, or other. Upper and lower case of ASCII letters are
    /// not distinguished.
    Vocabulary;
    /// `#[field(extension = ["mkv", "mp4"])]`: the extension of a path if it is listed, none if the path has none, or
    /// other. Upper and lower case of ASCII letters are not distinguished.
    Extension;
    /// `#[field(text_shape)]`: the length of a text (empty, up to 8, 32 or 128 characters, or more), and whether it is
    /// all digits, all ASCII, or contains other characters.
    TextShape = precision::TEXT_SHAPE;
    /// `#[field(presence)]`: whether an `Option` holds a value. The value itself is not read.
    Presence = Precision::Flag;
    /// `#[field(hash)]`: an [`Identifier`], which is sent only as a keyed code of 64 bits. The secret behind the key
    /// never leaves this computer and differs for each scope. The key changes with the period that the event's linkage
    /// names.
    Hash = precision::IDENTIFIER;
    /// `#[field(cohort = 4)]`: one of 2^4 groups, selected by a keyed hash of an [`Identifier`]; 1 to 8 bits. A value
    /// stays in the same group for the period that the event's linkage names. Groups of different computers can't be
    /// compared.
    Cohort;
}

impl<T, C: Class<T>> Class<Option<T>> for C {
    const OPTIONAL: bool = true;
    #[inline]
    fn outcome(precision: &Precision, value: &Option<T>) -> u16 {
        value.as_ref().map_or(0, |value| C::outcome(precision, value))
    }
}

/// A type whose values are their own privacy class: `bool`, and enums that derive [`Category`](crate::Category).
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` has no privacy class",
    label = "how coarse must this be before it may be kept?",
    note = "a number needs one: `#[field(bitrate, example = 4_213_000)]`, `#[field(media_duration, example = \"1:30:31\")]`, `#[field(count, example = 3)]`, or a ladder of your own: `#[field(ladder = [0, 10, 100], example = 37)]`",
    note = "what a person plays or reads leaves only as the day's counts of a few items: write `linkage = rollup`, and add a field that says which item it was, `#[field(item)] film: String`",
    note = "an identifier leaves only as a keyed code: `#[field(hash, example = \"nas.local\")]`",
    note = "a closed set of values needs none: `#[derive(candor::Category)] enum … {{ …, Other }}`; free text is never accepted, text from a list is: `#[field(vocabulary = [\"h264\", \"hevc\"], example = \"hevc\")]`"
)]
pub trait Closed {
    /// The list of values.
    const PRECISION: Precision;
    /// Whether a value can be unknown, which is one more outcome in the event's budget.
    const OPTIONAL: bool;
    /// The outcome of a value, counted from 1. 0 means unknown and not sent.
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
