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
//! | `duration` | `Duration` | 0, 1, 5, 15 s, 1, 5, 15 min, 1, 4, 12 h, or 24 hours and more |
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
//! | `release = ["1.4.0", "1.4.1"]` | text | the listed release, older, or other |
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
//! # What is content
//!
//! An event is about content if it names an item, if it says the bitrate, the resolution or the length of media, or if it
//! says a size together with a length or another size. A size or a length alone is not content, and neither is how many
//! milliseconds something took.
//!
//! - An event about content uses `linkage = rollup` and has a field that says which item it was, `#[field(item)]`. Only a
//!   few items are counted. Every other event is free of these rules.
//! - A field of `bitrate`, `media_duration`, `byte_size` or `resolution` that describes something else says so: it takes
//!   another `group = "…"` and a `reason = "…"`, which the person reads.
//! - A program can still describe content with classes that candor does not recognise, such as a `ladder` of its own, or
//!   a single `byte_size` of what a person plays. Give such an event an item field: then it is about content.
//! - One event has at most two fields of the same group.
//!
//! [`Schema::is_about_content`](crate::event::Schema::is_about_content) tells it of an event.
//!
//! # Examples
//!
//! Every class once. [`preview`](crate::preview) shows what would be sent of an event: each field's name, and its
//! outcome in words. The scopes are left out here; [`scope!`](crate::scope) declares them. A `bool` and a category are in
//! the [examples of `event`](crate::event#categories).
//!
//! What describes content: `bitrate`, `media_duration`, `byte_size` and `resolution`. Only a few items are counted, and
//! nothing of the item field is sent:
//!
//! ```
//! # use candor::{Event, preview};
//! # use std::time::Duration;
//! # candor::scope! {
//! #     /// Find out which files stutter, so that those decoders are fixed first.
//! #     pub FILES = "files" { title: "Files", revision: 1, about: installation, retention: 30 days,
//! #         benefit: "Fewer films that stutter", other_uses: none }
//! # }
//! /// A file was played.
//! #[derive(Event)]
//! #[event(name = "file.played", scope = FILES, linkage = rollup)]
//! struct FilePlayed<'a> {
//!     /// Which file it was.
//!     #[field(item)]
//!     file: &'a str,
//!     /// Its average bitrate.
//!     #[field(bitrate, example = 4_213_000)]
//!     bitrate: u64,
//!     /// How long it played.
//!     #[field(media_duration, example = "1:30:31")]
//!     played: Duration,
//! }
//!
//! /// A file was opened.
//! #[derive(Event)]
//! #[event(name = "file.opened", scope = FILES, linkage = rollup)]
//! struct FileOpened<'a> {
//!     /// Which file it was.
//!     #[field(item)]
//!     file: &'a str,
//!     /// Its size.
//!     #[field(byte_size, example = 734_003_200)]
//!     bytes: u64,
//!     /// The size of the picture.
//!     #[field(resolution, example = "1920x1080")]
//!     picture: (u32, u32),
//! }
//!
//! let played = FilePlayed { file: "a.mkv", bitrate: 5_113_702, played: Duration::from_secs(5_431) };
//! assert_eq!(
//!     preview(&played),
//!     [("bitrate", "4 Mbit/s to under 8 Mbit/s".into()), ("played", "60 to under 120 min".into())]
//! );
//! let opened = FileOpened { file: "a.mkv", bytes: 734_003_217, picture: (1_920, 804) };
//! assert_eq!(
//!     preview(&opened),
//!     [("bytes", "256 MiB to under 1 GiB".into()), ("picture", "721 to 1080 lines".into())]
//! );
//! ```
//!
//! Sizes and times that are not content: `duration`, and a `byte_size` alone. `release` says which release the program is.
//!
//! ```
//! # use candor::{Event, preview};
//! # use std::time::Duration;
//! # candor::scope! {
//! #     /// Find out which exports are slow, so that those are made faster first.
//! #     pub EXPORTS = "exports" { title: "Exports", revision: 1, about: installation, retention: 30 days,
//! #         benefit: "Faster exports", other_uses: none }
//! # }
//! /// An export ended.
//! #[derive(Event)]
//! #[event(name = "export.ended", scope = EXPORTS, linkage = rollup)]
//! struct ExportEnded<'a> {
//!     /// How long it took.
//!     #[field(duration, example = "1:10")]
//!     took: Duration,
//!     /// Which release of this program made it.
//!     #[field(release = ["1.4.0", "1.4.1", "2.0.0-rc.1"], example = "1.4.1")]
//!     release: &'a str,
//! }
//!
//! /// The cache was cleared.
//! #[derive(Event)]
//! #[event(name = "cache.cleared", scope = EXPORTS, linkage = none)]
//! struct CacheCleared {
//!     /// How large it was.
//!     #[field(byte_size, example = 734_003_200)]
//!     bytes: u64,
//! }
//!
//! let ended = ExportEnded { took: Duration::from_secs(371), release: "1.4.1" };    // env!("CARGO_PKG_VERSION")
//! assert_eq!(preview(&ended), [("took", "5 to under 15 min".into()), ("release", "1.4.1".into())]);
//! assert_eq!(preview(&CacheCleared { bytes: 70_000 }), [("bytes", "64 KiB to under 256 KiB".into())]);
//! ```
//!
//! Numbers in steps that are always the same: `count`, `ratio`, `latency` and `age`.
//!
//! ```
//! # use candor::{Event, preview};
//! # use std::time::Duration;
//! # candor::scope! {
//! #     /// Find out how long lists get, so that lists of that length are fast.
//! #     pub LISTS = "lists" { title: "Lists", revision: 1, about: installation, retention: 30 days,
//! #         benefit: "Faster lists", other_uses: none }
//! # }
//! /// A list was filtered.
//! #[derive(Event)]
//! #[event(name = "list.filtered", scope = LISTS, linkage = rollup)]
//! struct ListFiltered {
//!     /// How many entries it had.
//!     #[field(count, example = 3)]
//!     entries: usize,
//!     /// Which part of them was left.
//!     #[field(ratio, example = 0.73)]
//!     left: (u64, u64),
//! }
//!
//! /// A list was loaded.
//! #[derive(Event)]
//! #[event(name = "list.loaded", scope = LISTS, linkage = rollup)]
//! struct ListLoaded {
//!     /// How long that took.
//!     #[field(latency, example = 120)]
//!     took: Duration,
//!     /// How old the list is.
//!     #[field(age, example = 40)]
//!     age: Duration,
//! }
//!
//! let filtered = ListFiltered { entries: 7, left: (3, 10) };
//! assert_eq!(preview(&filtered), [("entries", "5 to 8".into()), ("left", "30 % to under 40 %".into())]);
//! let loaded = ListLoaded { took: Duration::from_millis(371), age: Duration::from_secs(45 * 86_400) };
//! assert_eq!(preview(&loaded), [("took", "266 ms to under 443 ms".into()), ("age", "30 to under 90 days".into())]);
//! ```
//!
//! Numbers in steps that the program chooses: `step`, `signed_step`, `ladder`, `exact`, `digits` and `log_buckets`. Each
//! takes a `unit`: `count` (if none is given), `bit/s`, `B`, `ms`, `s`, `min`, `d`, `per mille` or `lines`.
//!
//! ```
//! # use candor::{Event, preview};
//! # use std::time::Duration;
//! # candor::scope! {
//! #     /// Find out how people set up the player, so that the defaults fit most of them.
//! #     pub SETTINGS = "settings" { title: "Settings", revision: 1, about: installation, retention: 30 days,
//! #         benefit: "Better defaults", other_uses: none }
//! # }
//! /// The sound was set up.
//! #[derive(Event)]
//! #[event(name = "sound.set", scope = SETTINGS, linkage = none)]
//! struct SoundSet {
//!     /// How loud it is, in per cent.
//!     #[field(step = 10, top = 100, example = 37)]
//!     volume: u8,
//!     /// By how much the sound is shifted.
//!     #[field(signed_step = 100, from = -200, top = 200, unit = "ms", example = -40)]
//!     shift: i32,
//!     /// After which pause it is muted.
//!     #[field(ladder = [0, 10, 60], unit = "s", example = 37)]
//!     muted_after: Duration,
//!     /// How many outputs there are.
//!     #[field(exact, top = 3, reason = "most computers have one or two", example = 2)]
//!     outputs: usize,
//! }
//!
//! /// The cache was set up.
//! #[derive(Event)]
//! #[event(name = "cache.set", scope = SETTINGS, linkage = none)]
//! struct CacheSet {
//!     /// How many files it holds.
//!     #[field(digits = 1, top = 10_000, example = 371)]
//!     files: u64,
//!     /// For how long it keeps them.
//!     #[field(log_buckets = 25, from = 10, top = 1_000, unit = "s", example = 371)]
//!     kept: Duration,
//! }
//!
//! let sound = SoundSet { volume: 37, shift: -40, muted_after: Duration::from_secs(37), outputs: 7 };
//! assert_eq!(
//!     preview(&sound),
//!     [
//!         ("volume", "30 to 39".into()),
//!         ("shift", "-100 ms to under 0 ms".into()),
//!         ("muted_after", "0:10 to under 1:00".into()),
//!         ("outputs", "3 or more".into()),
//!     ]
//! );
//! let cache = CacheSet { files: 371, kept: Duration::from_secs(371) };
//! assert_eq!(preview(&cache), [("files", "300 to 399".into()), ("kept", "5:26 to under 9:03".into())]);
//! ```
//!
//! Times: `date`, `hour_band` and `weekend`. The hour and the day of the week are the local ones; the date is in UTC.
//!
//! ```
//! # use candor::{Event, preview};
//! # use std::time::{Duration, SystemTime};
//! # candor::scope! {
//! #     /// Find out when backups run, so that they run while nobody needs the computer.
//! #     pub BACKUPS = "backups" { title: "Backups", revision: 1, about: installation, retention: 30 days,
//! #         benefit: "Backups that don't disturb", other_uses: none }
//! # }
//! /// A backup ended.
//! #[derive(Event)]
//! #[event(name = "backup.ended", scope = BACKUPS, linkage = none)]
//! struct BackupEnded {
//!     /// When the program was installed.
//!     #[field(date = quarter, from = "2026-01", count = 8, example = "2026-11-22")]
//!     installed: SystemTime,
//!     /// At which time of the day it ended.
//!     #[field(hour_band, example = 20)]
//!     hour: u8,
//!     /// On which day it ended.
//!     #[field(weekend, example = 6)]
//!     weekday: u8,
//! }
//!
//! let installed = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_305_600);     // 2026-11-22
//! assert_eq!(
//!     preview(&BackupEnded { installed, hour: 23, weekday: 7 }),
//!     [
//!         ("installed", "2026-10-01 to before 2027-01-01".into()),
//!         ("hour", "evening".into()),
//!         ("weekday", "yes".into()),
//!     ]
//! );
//! ```
//!
//! Text and addresses: `version`, `locale`, `network_address`, `vocabulary`, `extension`, `text_shape` and `presence`.
//!
//! ```
//! # use candor::{Event, preview};
//! # use std::{net::IpAddr, path::Path};
//! # candor::scope! {
//! #     /// Find out which servers people connect to, so that those are tested before a release.
//! #     pub SERVERS = "servers" { title: "Servers", revision: 1, about: installation, retention: 30 days,
//! #         benefit: "Fewer lost connections", other_uses: none }
//! # }
//! /// A server was connected.
//! #[derive(Event)]
//! #[event(name = "server.connected", scope = SERVERS, linkage = none)]
//! struct ServerConnected<'a> {
//!     /// Which version the server says it has.
//!     #[field(version = ["12.0", "12.4"], example = "12.4.1-beta")]
//!     version: &'a str,
//!     /// Where the server is.
//!     #[field(network_address, example = "192.168.1.20")]
//!     address: IpAddr,
//!     /// Which protocol it speaks.
//!     #[field(vocabulary = ["http", "ftp"], example = "http")]
//!     protocol: &'a str,
//! }
//!
//! /// A subtitle was searched for.
//! #[derive(Event)]
//! #[event(name = "subtitle.searched", scope = SERVERS, linkage = none)]
//! struct SubtitleSearched<'a> {
//!     /// In which language.
//!     #[field(locale, example = "de-AT")]
//!     language: &'a str,
//!     /// For which kind of file.
//!     #[field(extension = ["mkv", "mp4"], example = "film.mkv")]
//!     file: &'a Path,
//!     /// Whether a user name was given.
//!     #[field(presence)]
//!     user: Option<&'a str>,
//! }
//!
//! /// Something was typed into the search box.
//! #[derive(Event)]
//! #[event(name = "search.typed", scope = SERVERS, linkage = none)]
//! struct SearchTyped<'a> {
//!     /// What was typed.
//!     #[field(text_shape, example = "two words")]
//!     text: &'a str,
//! }
//!
//! let address = IpAddr::from([192, 168, 1, 20]);
//! assert_eq!(
//!     preview(&ServerConnected { version: "v12.7.3-beta", address, protocol: "gopher" }),
//!     [("version", "12.4 or later".into()), ("address", "private".into()), ("protocol", "other".into())]
//! );
//! assert_eq!(
//!     preview(&SubtitleSearched { language: "de_AT.UTF-8", file: Path::new("/home/ada/a.MKV"), user: Some("ada") }),
//!     [("language", "de".into()), ("file", "mkv".into()), ("user", "yes".into())]
//! );
//! assert_eq!(preview(&SearchTyped { text: "four" }), [("text", "ascii_1_8".into())]);
//! ```
//!
//! Identifiers: `hash` and `cohort`. The linkage says for how long a value keeps its code.
//!
//! ```
//! # use candor::{Event, preview};
//! # candor::scope! {
//! #     /// Find out how many servers one person's connection problems come from, so that retries fit.
//! #     pub PROBLEMS = "problems" { title: "Problems", revision: 1, about: installation, retention: 30 days,
//! #         benefit: "Fewer lost connections", other_uses: none }
//! # }
//! /// A server was lost.
//! #[derive(Event)]
//! #[event(name = "server.lost", scope = PROBLEMS, linkage = month)]
//! struct ServerLost<'a> {
//!     /// Which server.
//!     #[field(hash, example = "nas.local")]
//!     server: &'a str,
//!     /// One of 16 groups of servers.
//!     #[field(cohort = 4, example = "nas.local")]
//!     group: &'a str,
//! }
//!
//! assert_eq!(
//!     preview(&ServerLost { server: "nas.local", group: "nas.local" }),
//!     [("server", "a code".into()), ("group", "one of 16 groups".into())]
//! );
//! ```

mod identifier;
mod number;
mod text;

pub use identifier::Identifier;
pub use number::{Number, Pixels, Plain, Portion, Whole};
pub use text::Text;

use super::period;
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
    note = "the table of `candor::event::class` says what each class takes: `bitrate` takes numbers in bit/s, \
            `duration` takes std::time::Duration, `count` takes whole numbers, `vocabulary` takes text; each \
            also takes an Option of it, where None is not sent"
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
    /// 320 kbit/s, then 1, 2, 4, 8, 12, 20 and 40 Mbit/s. Describes content, so it is sent only in
    /// roll-ups of a few items.
    Bitrate = precision::BITRATE;
    /// `#[field(media_duration)]`: a length of media or of playing, rounded down to 0, 1, 5, 20, 60 or 120 minutes.
    /// Describes content, so it is sent only in roll-ups of a few items.
    MediaDuration = precision::MEDIA_DURATION;
    /// `#[field(duration)]`: how long something lasted, rounded down to 0, 1, 5 or 15 seconds, 1, 5 or 15 minutes, or 1, 4,
    /// 12 or 24 hours. For how long a program ran, a job took or a connection held. Not content by itself. For media
    /// there is [`MediaDuration`], and for what takes milliseconds [`Latency`].
    Duration = precision::DURATION;
    /// `#[field(byte_size)]`: a size in bytes, rounded down to 0 or to a power of four from 64 KiB to 64 GiB. A size
    /// alone is not content. A size together with a length or another size is, unless the field is put into another group
    /// with `group = "…"` and gives a `reason`. If it is the size of what a person plays or reads, give the event an item
    /// field.
    ///
    /// A file's size and its bitrate give its length back to within 20 seconds (the median), so an event with both does
    /// not compile.
    ByteSize = precision::BYTE_SIZE;
    /// `#[field(resolution)]`: the size of a picture by its shorter side: up to 480, 720, 1080, 1440 or 2160 lines, or
    /// more. A width or height of 0 is unreadable. Describes content, so it is sent only in roll-ups of a few
    /// items.
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
    /// `#[field(release = ["1.4.0", "1.4.1", "2.0.0-rc.1"])]`: the program's own release, with all its parts. Pass
    /// `env!("CARGO_PKG_VERSION")`. The list holds the last releases, at most eight, oldest first. What is sent is the
    /// listed text. What is older than the first one is sent as `older`, and what is not listed as `other`. A `v` before the version
    /// and the name of a build (`+…`) are not compared.
    ///
    /// If several events share a list, name a constant instead of it:
    ///
    /// ```
    /// # use candor::{Event, preview};
    /// # candor::scope! {
    /// #     /// Find out which releases fail, so that those are repaired first.
    /// #     pub FAILURES = "failures" { title: "Failures", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Fewer failures", other_uses: none }
    /// # }
    /// /// The last releases. With a new one, add it at the end; of nine, drop the first.
    /// const RELEASES: &[&str] = &["1.4.0", "1.4.1", "2.0.0-rc.1"];
    ///
    /// /// The program was started.
    /// #[derive(Event)]
    /// #[event(name = "program.started", scope = FAILURES, linkage = rollup)]
    /// struct Started<'a> {
    ///     /// Which release it is.
    ///     #[field(release = RELEASES, example = "1.4.1")]
    ///     release: &'a str,
    /// }
    ///
    /// let sent = |release| preview(&Started { release }).remove(0).1;
    /// assert_eq!(sent("1.4.1"), "1.4.1");
    /// assert_eq!(sent("1.3.9"), "older");
    /// assert_eq!(sent("1.4.2"), "other");
    /// ```
    ///
    /// The person agrees to one of the last eight releases, whichever these are. So nobody is asked again when the list
    /// changes, and the event's budget counts ten outcomes for any list. [`lock::check`](crate::lock::check) fails if the
    /// release of [`Config::version`](crate::Config::version) is missing in a list.
    Release;
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
    /// `#[field(tenure)]`: how many whole weeks ago the person consented, rounded down to 0, 1, 2, 4, 8, 13, 26 or 52. Only in
    /// an event with `once`. The field's type is [`Tenure`](super::Tenure): candor knows the day of the consent, and fills in the
    /// weeks when it writes the record.
    Tenure = precision::TENURE;
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

impl Class<period::Tenure> for Tenure {
    const OPTIONAL: bool = false;
    /// The first step. candor replaces it when it writes the record, since only then the day of the consent is known.
    #[inline]
    fn outcome(_: &Precision, _: &period::Tenure) -> u16 {
        1
    }
}

/// A type whose values are their own privacy class: `bool`, and enums that derive [`Category`](crate::Category).
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` has no privacy class",
    label = "how coarse must this be before it may be kept?",
    note = "a number needs one: `#[field(bitrate, example = 4_213_000)]`, `#[field(duration, example = \"1:30:31\")]`, `#[field(count, example = 3)]`, or a ladder of your own: `#[field(ladder = [0, 10, 100], example = 37)]`",
    note = "what a person plays or reads is sent only as counts of a few items: write `linkage = rollup`, \
            and add a field that says which item it was, `#[field(item)] film: String`",
    note = "an identifier is sent only as a keyed code: `#[field(hash, example = \"nas.local\")]`",
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
