//! Defines what an application may record: events, the closed set of privacy classes, event schemas, and the sink that
//! events write to.
//!
//! `#[derive(Event)]` generates the implementations of these traits. The rules for events are checked in `const`, so an
//! event that breaks one does not compile. This module describes and checks. It never reads consent, never keeps a
//! value, and never touches a file.
//!
//! # Scopes
//!
//! [`scope!`](crate::scope) declares what a person can agree to. The doc comment is the purpose:
//!
//! ```
//! candor::scope! {
//!     /// Find out which formats stutter, so that those decoders are fixed first.
//!     pub STUTTER = "stutter" {
//!         title: "Playback statistics",
//!         revision: 1,
//!         about: installation,
//!         retention: 90 days,
//!         benefit: "Fewer films that stutter",
//!         training: no, sale_or_sharing: no, advertising: no, profiling: no,
//!         judging_workers: yes("comparing the teams that test the player"),
//!         also_never: ["identifying what you watch"],
//!     }
//!     /// Find out how many shelves people fill, so that lists of that length are fast.
//!     pub SHELVES = "shelves" {
//!         title: "Shelves", revision: 1, about: installation, retention: 30 days,
//!         benefit: "Faster lists", other_uses: none,      // means five times `no`
//!     }
//! }
//!
//! assert_eq!(STUTTER.name(), "stutter");
//! assert_eq!(STUTTER.purpose(), "Find out which formats stutter, so that those decoders are fixed first.");
//! assert_eq!(STUTTER.retention_days(), 90);
//! assert_eq!(STUTTER.also_never(), ["identifying what you watch"]);
//! assert!(SHELVES.also_never().is_empty());
//! ```
//!
//! A library's scope says who is responsible for it, and where its reports go. It stays closed until the program calls
//! [`Config::allow`](crate::Config::allow):
//!
//! ```
//! use candor::{AddressLog, Controller, Erasure};
//!
//! const CODECLIB: Controller = Controller::new("Codec Library e.V.", "privacy@codeclib.example", "DE")
//!     .address("Beispielweg 1, 10115 Berlin").processors(&[]).hosting_countries(&["DE"]).onward_sharing(&[])
//!     .address_log(AddressLog::NotKept).erasure(Erasure::Unsupported);
//!
//! candor::scope! {
//!     /// Find out which formats fail to decode, so that those decoders are fixed first.
//!     pub CODECS = "codeclib.formats" {
//!         title: "Codec library: formats", revision: 1, about: installation, retention: 20 days,
//!         benefit: "Fewer films that don't play", other_uses: none,
//!         library: { controller: CODECLIB, endpoint: "https://telemetry.codeclib.example" },
//!     }
//! }
//!
//! assert!(CODECS.is_of_library());
//! ```
//!
//! # Events and their attributes
//!
//! `#[event(…)]` takes `name`, `scope` and `linkage`. It can also take `until` and `about`. [`Linkage`] explains the
//! words for `linkage`. `once`, `values`, `every` and `reason` are explained below.
//!
//! ```
//! # use candor::event::{Event, Linkage};
//! # candor::scope! {
//! #     /// Find out whether the new search is used, so that the old one can be removed.
//! #     pub SEARCH = "search" { title: "Search", revision: 1, about: installation, retention: 30 days,
//! #         benefit: "One search that works", other_uses: none }
//! # }
//! /// A search was made.
//! #[derive(candor::Event)]
//! #[event(name = "search.made", scope = SEARCH, linkage = none, until = "2027-06-30", about = installation)]
//! struct SearchMade {
//!     /// How many things it found.
//!     #[field(count, example = 3)]
//!     found: usize,
//!     /// Whether it was the new search.
//!     new: bool,
//! }
//!
//! let schema = SearchMade::schema();
//! assert_eq!((schema.name(), schema.linkage()), ("search.made", Linkage::None));
//! assert_eq!(schema.doc(), "A search was made.");     // what a person reads
//! assert_eq!(schema.until().as_deref(), Some("2027-06-30"));
//! ```
//!
//! # Events that count installations
//!
//! With `once = day`, `week` or `month` in place of `linkage`, an installation reports the event at most once in that UTC period.
//! So the number of records is the number of installations, and no identifier is needed. The record's time is the first day of
//! its period. What was reported is remembered on the computer for as long as the grant lasts.
//!
//! If the event has fields, `values = first` reports those of the first time, at once. `values = last` reports those of the last
//! time, when the period is over and the program runs. An event with `once = day` has no fields.
//!
//! ```
//! # use candor::{Category, Event, event::{Linkage, Period, Tenure}};
//! # candor::scope! {
//! #     /// Find out how many people use which release, so that old ones are supported for as long as needed.
//! #     pub ACTIVE = "active" { title: "Use", revision: 1, about: installation, retention: 90 days,
//! #         benefit: "A program that is looked after", other_uses: none }
//! # }
//! /// The program was used on this day.
//! #[derive(Event)]
//! #[event(name = "used.on_a_day", scope = ACTIVE, once = day)]
//! struct UsedOnADay;
//!
//! /// The program was used in this week.
//! #[derive(Event)]
//! #[event(name = "used.in_a_week", scope = ACTIVE, once = week, values = first)]
//! struct UsedInAWeek {
//!     /// How many weeks ago you agreed to these reports.
//!     #[field(tenure)]
//!     since: Tenure,
//!     /// Whether the new list is shown.
//!     new_list: bool,
//! }
//!
//! let schema = UsedInAWeek::schema();
//! assert_eq!((schema.linkage(), schema.period()), (Linkage::Once, Some(Period::Week)));
//! # candor::record(UsedOnADay);
//! # candor::record(UsedInAWeek { since: Tenure, new_list: true });
//! ```
//!
//! A [`Snapshot`] reports many settings and gauges in the same way, each as a record of its own.
//!
//! # How often counts leave
//!
//! The counts of a roll-up leave once a day. With `every = week` or `every = month` they leave less often. Counts of
//! [content](class#what-is-content) leave once a month: those of days or weeks add up to a diary. If they must leave more often,
//! write `every = week, reason = "…"`. The person reads the reason.
//!
//! # What one installation says
//!
//! What stays the same about an installation links its months and singles it out: the fields of once-events and snapshots, and
//! everything with a code. All of it that one scope says is counted together. It may have 1,024 different outcomes. If there are
//! more, the events are split into panels, each within that bound, and an installation reports the events of one panel. A secret
//! of the grant chooses the panel. The number of panels is part of each record's [divisor](Schema::divisor), so that totals stay
//! right. If even single parts have too many outcomes, [`init`](crate::init) fails and says which. The
//! [threat model](crate::manual::threat_model) lists what is not counted.
//!
//! The notice and the [manifest](crate::BudgetPage) say how many outcomes there are. A larger bound needs a reason that the person
//! reads: `budget: 4_096, budget_reason: "…"` in [`scope!`](crate::scope).
//!
//! # Fields
//!
//! `#[field(…)]` takes one of the [classes](class), with an `example` that the person is shown. Some classes take more:
//!
//! - `unit` for numbers, and `reason`, which the person reads. The [examples of the classes](class#examples) have them.
//! - `domain` for `hash`, `cohort` and `item`: the name space. The same value has the same code in two fields of the same
//!   domain. Without it, the domain is the field's name.
//! - `one_in` for `item`: of how many items one can ever be counted. Without it, it follows from the event's outcomes.
//! - `group` for numbers: which of them reveal each other. One event has at most two fields of a group. A field of a
//!   [class of media](class#what-is-content) in another group needs a `reason`, and no `item` field.
//!
//! ```
//! # use candor::{Category, Event};
//! # candor::scope! {
//! #     /// Find out which servers are slow, so that the cache can be made larger where that helps.
//! #     pub CACHE = "cache" { title: "Cache", revision: 1, about: installation, retention: 30 days,
//! #         benefit: "Fewer waits", other_uses: none }
//! # }
//! /// A server answered slowly.
//! #[derive(Event)]
//! #[event(name = "server.slow", scope = CACHE, linkage = week)]
//! struct ServerSlow<'a> {
//!     /// Which server.
//!     #[field(hash, domain = "server", example = "nas.local")]
//!     server: &'a str,
//! }
//!
//! /// A server was switched off.
//! #[derive(Event)]
//! #[event(name = "server.off", scope = CACHE, linkage = week)]
//! struct ServerOff<'a> {
//!     /// Which server. It has the same code as in `server.slow` of the same week.
//!     #[field(hash, domain = "server", example = "nas.local")]
//!     host: &'a str,
//! }
//!
//! /// The cache was cleared.
//! #[derive(Event)]
//! #[event(name = "cache.cleared", scope = CACHE, linkage = none)]
//! struct CacheCleared {
//!     /// How large it was. A size alone is not content, so this needs no `item` field.
//!     #[field(byte_size, example = 734_003_200)]
//!     bytes: u64,
//! }
//!
//! /// A song was taken from the cache.
//! #[derive(Event)]
//! #[event(name = "cache.hit", scope = CACHE, linkage = rollup)]
//! struct CacheHit<'a> {
//!     /// Which song it was. Of these one in 64 can be counted. Never kept or sent.
//!     #[field(item, domain = "song", one_in = 64)]
//!     song: &'a str,
//!     /// Whether it was whole.
//!     whole: bool,
//! }
//! #
//! # assert_eq!(candor::preview(&CacheHit { song: "a", whole: true }), [("whole", "yes".into())]);
//! # let sent = candor::preview(&CacheCleared { bytes: 70_000 });
//! # assert_eq!(sent, [("bytes", "64 KiB to under 256 KiB".into())]);
//! # let code = [("server", "a code".into())];
//! # assert_eq!(candor::preview(&ServerSlow { server: "nas.local" }), code);
//! # assert_eq!(candor::preview(&ServerOff { host: "nas.local" }).len(), 1);
//! ```
//!
//! # Categories
//!
//! [`Category`](crate::Category) makes an enum a closed list of labels, which is a class of its own. It and `bool` need no
//! `#[field(…)]`, nor does an `Option` of them:
//!
//! ```
//! # use candor::{Category, Event, preview};
//! # candor::scope! {
//! #     /// Find out which formats are played, so that those decoders are tested first.
//! #     pub FORMATS = "formats" { title: "Formats", revision: 1, about: installation, retention: 30 days,
//! #         benefit: "Fewer films that stutter", other_uses: none }
//! # }
//! #[derive(Category)]
//! enum Codec {
//!     H264,                               // sent as `h264`
//!     #[category(rename = "h265")]
//!     Hevc,                               // sent as `h265`
//!     Other,                              // required: for values that this program does not know yet
//! }
//!
//! /// A stream was started.
//! #[derive(Event)]
//! #[event(name = "stream.started", scope = FORMATS, linkage = none)]
//! struct StreamStarted {
//!     /// How the picture was coded.
//!     picture: Codec,
//!     /// How a second picture was coded, if there was one.
//!     second: Option<Codec>,
//!     /// Whether the server had to convert it.
//!     converted: bool,
//! }
//!
//! assert_eq!(
//!     preview(&StreamStarted { picture: Codec::Hevc, second: None, converted: false }),
//!     [("picture", "h265".into()), ("second", "not sent".into()), ("converted", "no".into())]
//! );
//! ```
//!
//! # Where candor has another name
//!
//! A program that lists candor under another name in its `Cargo.toml` says so with `crate = …`:
//!
//! ```
//! # use candor as telemetry;
//! telemetry::scope! {
//!     /// Find out how often people print, so that printing is kept or removed.
//!     #[scope(crate = telemetry)]
//!     pub PRINTING = "printing" {
//!         title: "Printing", revision: 1, about: installation, retention: 30 days,
//!         benefit: "No menu entries that nobody needs", other_uses: none,
//!     }
//! }
//!
//! #[derive(telemetry::Category)]
//! #[category(crate = telemetry)]
//! enum Paper { A4, Letter, Other }
//!
//! /// Something was printed.
//! #[derive(telemetry::Event)]
//! #[event(crate = telemetry, name = "page.printed", scope = PRINTING, linkage = rollup)]
//! struct PagePrinted {
//!     /// On which paper.
//!     paper: Paper,
//! }
//! #
//! # assert_eq!(telemetry::preview(&PagePrinted { paper: Paper::A4 }), [("paper", "a4".into())]);
//! ```

mod budget;
mod check;
pub mod class;
mod content;
mod field;
mod period;
mod registry;
mod schema;
mod sink;
mod snapshot;

pub use class::{Class, Closed, Fixed, Identifier};
pub use field::{Example, Field, Item, Linkage, Statistic, Values};
pub use period::{Period, Tenure};
pub use schema::{Linked, Schema};
pub use sink::Sink;
pub use snapshot::{Answers, Map, Raw, Snapshot, word};

pub(crate) use sink::{Code, Codes, cohort};

pub(crate) use budget::Budget;
pub(crate) use field::MAX_FIELDS;
#[cfg(test)]
pub(crate) use field::says;
pub(crate) use registry::Registry;

use crate::consent::Scope;

/// Something that happened in the program. Its fields hold values that can be generalised. Derive it:
///
/// ```
/// # use candor::{Category, Event};
/// # candor::scope! {
/// #     /// Find out which formats stutter, so that those decoders are fixed first.
/// #     pub PLAYBACK = "playback" {
/// #         title: "Playback statistics", revision: 1, about: installation, retention: 90 days,
/// #         benefit: "Fewer films that stutter", other_uses: none,
/// #     }
/// # }
/// /// A stream ended or was stopped.
/// #[derive(Event)]
/// #[event(name = "playback.finished", scope = PLAYBACK, linkage = rollup)]
/// struct PlaybackFinished<'a> {
///     /// Which film it was: of these one in 32 can be counted. Neither kept nor sent.
///     #[field(item)]
///     film: &'a str,
///     /// Average bitrate of the stream.
///     #[field(bitrate, example = 4_213_000)]
///     bitrate: u64,
///     /// Whether the server had to convert it.
///     transcoded: bool,
/// }
/// ```
///
/// An event that is needed only for a while can have a last day. With `until = "2027-06-30"` in its `#[event(…)]` it is
/// recorded through that UTC day and not after it. The notice states that day. A later build that declares a later day,
/// or none, still stops on the day that was agreed to, until the person is asked again.
///
/// The derive only writes trait implementations. The [classes](class) decide what an event may hold.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    note = "write `#[derive(candor::Event)]` and `#[event(name = \"…\", scope = …, linkage = …)]` above it"
)]
pub trait Event {
    /// The scope that must be granted before this event is recorded.
    const SCOPE: Scope;

    /// Whom the event is about. Only events about the [`Installation`] can be recorded.
    type About;

    /// The event's schema: one static for each type.
    fn schema() -> &'static Schema;

    /// Writes the outcome of each field into the sink. Nothing after this call sees a raw value.
    fn generalize(&self, sink: &mut Sink<'_>);
}

/// Marks events that are about this installation of the program.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Installation;
