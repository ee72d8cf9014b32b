//! The closed set of privacy classes: how a field's value becomes one of a few outcomes.
//!
//! `bool` and [categories](crate::Category) need no class, they are one. Every other field names its class in
//! `#[field(…)]`. The set is closed: a program can't add a class of its own, so that everything a program could send can
//! be listed and judged. It can bring a ladder or a vocabulary of its own. There is no class for free text. Small
//! numbers leave exactly where a ladder begins with them; more than ten of them, only up to a bound and with a reason that
//! the person reads.
//!
//! | `#[field(…)]` | takes | becomes |
//! |---|---|---|
//! | `count` | whole numbers | 0, 1, 2, 3, 5, 9, 17, 33, 65, 129, 257, 513, 1,024 |
//! | `bitrate` | bit/s | 14 rungs of common encoders, to 40 Mbit/s |
//! | `media_duration` | `Duration` | 0, 1, 5, 20, 60, 120 min |
//! | `byte_size` | bytes | powers of four from 64 KiB to 64 GiB |
//! | `resolution` | width and height | up to 480, 720, 1080, 1440, 2160 lines, more |
//! | `latency` | `Duration`, ms | 24 steps from 1 ms to a minute, each 5/3 of the one before |
//! | `age` | `Duration`, days | 0, 1, 7, 30, 90, 365 days |
//! | `ratio` | 0.0 to 1.0, or part and whole | none, tenths, all |
//! | `step = 10, top = 100` | numbers | multiples of the step |
//! | `signed_step = 60, from = -720, top = 840` | numbers | multiples of the step, closed on both sides |
//! | `ladder = [0, 10, 100]` | numbers | the largest rung below |
//! | `digits = 2, top = 10_000` | numbers | the first one or two digits |
//! | `log_buckets = 10, from = 1, top = 60_000` | numbers | steps whose middle is within so many per cent |
//! | `exact, top = 9, reason = "…"` | whole numbers | themselves; the manifest prints the reason |
//! | `date = month, from = "2026-01", count = 24` | `SystemTime` | the start of the day, week, month or quarter |
//! | `hour_band` | hour of the day, 0 to 23 | night, morning, afternoon, evening |
//! | `weekend` | day of the week, 1 (Monday) to 7 | whether it is Saturday or Sunday |
//! | `version = ["12.0", "12.4"]` | text | the largest listed version below |
//! | `locale` | text | the language, of 31, or other |
//! | `network_address` | IP addresses | loopback, private, link-local, global v4, global v6, other |
//! | `vocabulary = ["h264", "hevc"]` | text | itself if it is listed, else other |
//! | `extension = ["mkv", "mp4"]` | paths | the extension if it is listed, else other |
//! | `text_shape` | text | its length in 5 steps and what it is made of |
//! | `presence` | any `Option` | whether it is there |
//! | `hash` | text or bytes | a keyed code |
//! | `cohort = 4` | text or bytes | one of 2^4 groups, chosen by a keyed hash |
//!
//! # What every class keeps
//!
//! Outcomes are a pure function of the value: no noise, no clock, no float arithmetic. Noise that is drawn anew for each
//! report averages away (20 reports bring a minute's dither down to 3 seconds). Numbers are floored, never rounded to
//! nearest; cells are half-open, so a value on a bound belongs to the upper one; the lowest and the highest cell are
//! open. What is sent is a cell's lower bound, and generalising that again gives the same cell. (A `ratio` above none and
//! below a thousandth is sent as one thousandth, which stands for "under a tenth".) NaN, a negative number
//! for a kind that has none, and text that can't be read are not sent, and counted on this computer
//! ([`FieldPage`](crate::FieldPage)). A number beyond 2^53 in a float, an infinity, and what does not fit 63 bits belong
//! to the outermost cell (minus infinity only where negative numbers are taken); -0.0 is 0. An `Option` may stand around any type: `None` is not sent.
//!
//! Negative numbers, floats and text can be unreadable, which is one outcome more in the event's budget.

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

/// The outcome of a value that could not be read: not sent, and counted on this computer.
pub const INVALID: u16 = u16::MAX;

/// A privacy class that generalises values of type `T`.
#[diagnostic::on_unimplemented(
    message = "the privacy class `{Self}` does not take `{T}`",
    label = "not a type that this class generalises",
    note = "what each class takes stands in the table of `candor::event::class`: `bitrate` takes numbers in bit/s, `media_duration` takes std::time::Duration, `count` takes whole numbers, `vocabulary` takes text; each also takes an Option of it, where None is not sent"
)]
pub trait Class<T: ?Sized>: sealed::Sealed {
    /// Whether a value may be unknown or unreadable, which is one more outcome.
    const OPTIONAL: bool;
    /// The outcome of a value in this partition, from 1; 0 is unknown and not sent, [`INVALID`] could not be read.
    fn outcome(precision: &Precision, value: &T) -> u16;
}

/// A class whose partition is always the same.
pub trait Fixed: sealed::Sealed {
    /// The partition this class puts values into.
    const PRECISION: Precision;
}

/// Declares classes: their word, what a person should know of them, and their partition where it is always the same.
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
    /// `#[field(bitrate)]`: an average bitrate in bit/s, floored to one of 14 rungs. Describes content, so it leaves only
    /// in a daily roll-up.
    Bitrate = precision::BITRATE;
    /// `#[field(media_duration)]`: a length of media or of playing, floored to 0, 1, 5, 20, 60 or 120 minutes. Describes
    /// content, so it leaves only in a daily roll-up.
    MediaDuration = precision::MEDIA_DURATION;
    /// `#[field(byte_size)]`: a size in bytes, floored to a power of four from 64 KiB to 64 GiB. A file's size and its
    /// bitrate give its length back to 20 seconds, so the two never stand in one event. Describes content unless it is
    /// put in a group of its own with `group = "…"`.
    ByteSize = precision::BYTE_SIZE;
    /// `#[field(resolution)]`: the size of a picture by its shorter side, in 6 steps. Describes content.
    Resolution = precision::RESOLUTION;
    /// `#[field(count)]`: a number of things: 0, 1, 2, 3, 5, 9, 17, and on to 513, 1,024 and more.
    Count = precision::COUNT;
    /// `#[field(latency)]`: how long something took, in milliseconds: 24 steps from 1 ms to a minute, each 5/3 of the one
    /// before. A step's middle is within 25 % of what is in it; what is sent is its lower end, up to 40 % below.
    Latency = precision::LATENCY;
    /// `#[field(age)]`: how long ago something was, in days: 0, 1, 7, 30, 90, 365.
    Age = precision::AGE;
    /// `#[field(ratio)]`: a part of a whole: none, ten steps of a tenth, all.
    ///
    /// Exact arithmetic on the bits of a float: 0.3 is a little less than three tenths. Hand over the two numbers, as
    /// `(3u64, 10u64)`, where that matters.
    Ratio = precision::RATIO;
    /// `#[field(step = 10, top = 100)]`: floored to a multiple; `top` and above are one cell.
    Step;
    /// `#[field(signed_step = 60, from = -720, top = 840)]`: floored to a multiple counted from `from`; closed on both
    /// sides. The one class for numbers below zero.
    SignedStep;
    /// `#[field(ladder = [0, 10, 100])]`: the largest rung at or below the value.
    Ladder;
    /// `#[field(digits = 2, top = 10_000)]`: the first one or two digits, zeros for the rest. Two digits are for
    /// latencies and the like; of podcasts' sizes they leave 13 % in a class of fewer than 20.
    Digits;
    /// `#[field(log_buckets = 10, from = 1, top = 60_000)]`: steps that grow by a factor, (100 + p) / (100 - p), so that a
    /// step's middle is within p per cent of what is in it. What is sent is its lower end, up to 2p / (100 + p) below the
    /// value; below `from` is 0.
    LogBuckets;
    /// `#[field(exact, top = 9, reason = "…")]`: the number itself up to a bound. The manifest prints the reason.
    Exact;
    /// `#[field(date = month, from = "2026-01", count = 24)]`: the UTC day, ISO week, month or quarter, of so many from
    /// the given date; one cell for what is before, and the last one is open.
    Date;
    /// `#[field(hour_band)]`: an hour of the local day as night (0 to 5), morning, afternoon or evening.
    HourBand = precision::HOUR_BAND;
    /// `#[field(weekend)]`: whether a day of the week, 1 (Monday) to 7, is a Saturday or Sunday.
    Weekend = Precision::Flag;
    /// `#[field(version = ["12.0", "12.4"])]`: the largest listed version at or below; the first two numbers of the text
    /// are compared, never a build's name.
    Version;
    /// `#[field(locale)]`: the language of `de-AT`, if it is one of the 31 with the most speakers and pages, else other.
    Locale = precision::LOCALE;
    /// `#[field(network_address)]`: what kind of network an address is on; never a prefix of it.
    NetworkAddress = precision::NETWORK_ADDRESS;
    /// `#[field(vocabulary = ["h264", "hevc"])]`: text if it is listed (the case of ASCII letters aside), else other.
    Vocabulary;
    /// `#[field(extension = ["mkv", "mp4"])]`: a path's extension if it is listed, none where it has none, else other.
    Extension;
    /// `#[field(text_shape)]`: how long a text is, in 5 steps, and whether it is digits, ASCII or more.
    TextShape = precision::TEXT_SHAPE;
    /// `#[field(presence)]`: whether an `Option` holds anything.
    Presence = Precision::Flag;
    /// `#[field(hash)]`: an [`Identifier`], which leaves only as a keyed code. The secret never leaves this computer,
    /// differs for each scope, and changes with the period that the event's linkage names.
    Hash = precision::IDENTIFIER;
    /// `#[field(cohort = 4)]`: one of 2^4 groups, chosen by a keyed hash of an [`Identifier`]. The same for one value
    /// and period; of another computer it says nothing.
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
