//! Telemetry that asks first: typed events for desktop and server programs that want to learn how they are used.
//!
//! No event is stored, computed or sent until the program records a person's explicit consent to a stated purpose. After
//! that, each event is generalised before anything is kept, and only generalised data is sent. A refusal is stored too, with
//! what was refused.
//!
//! ```standalone_crate
//! use candor::{AddressLog, Audience, Config, Controller, Erasure, Event, consent};
//!
//! candor::scope! {
//!     /// Find out how many shelves people fill, so that lists of that length are fast.
//!     pub USAGE = "usage" {
//!         title: "Usage statistics", revision: 1, about: installation, retention: 30 days,
//!         benefit: "Faster lists", other_uses: none,
//!     }
//! }
//!
//! /// The library was opened.
//! #[derive(Event)]
//! #[event(name = "library.opened", scope = USAGE, linkage = rollup)]
//! struct LibraryOpened {
//!     /// How many shelves it has.
//!     #[field(count, example = 3)]
//!     shelves: usize,
//! }
//!
//! const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR")
//!     .address("1 rue de l'Exemple, Paris").authority("CNIL").processors(&[]).hosting_countries(&["FR"])
//!     .onward_sharing(&[]).address_log(AddressLog::NotKept).erasure(Erasure::WithinDays(30));
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let home = tempfile::tempdir()?;
//! let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
//! # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
//! let _candor = candor::init(config)?;                  // looks for an earlier grant, and touches nothing
//! candor::record(LibraryOpened { shelves: 7 });         // nobody was asked: dropped, about a nanosecond later
//! let notice = consent::notice(USAGE)?;                 // show all of it, and if the person says yes:
//! consent::grant(USAGE.shown(&notice).via("settings/privacy"))?;
//! candor::record(LibraryOpened { shelves: 7 });         // counted as "5 to 8"; sent tomorrow, with the day's counts
//! println!("{}", candor::manifest()?);                  // what can be sent, was agreed to, is pending and was sent
//! let receipt = consent::withdraw(USAGE)?;              // stopped and destroyed; the receipt is the proof
//! # assert!(receipt.confirmed);
//! # Ok(())
//! # }
//! ```
//!
//! # The nouns
//!
//! - An [`Event`] is something that happened, with a few fields. Each field belongs to a [class](event::class) that
//!   says how coarse it becomes. There is no class for free text, and none for exact numbers without a reason.
//!   [Counters, timings and rates of success](shorthand) are events that are declared in one line.
//! - A [`Scope`] is one purpose, with one switch. [`consent`] says who agreed to what, and when.
//! - The *journal* holds pending records, as text that a person can read. The bytes on disk are the bytes that will be sent.
//! - A [`Transport`] sends a [`Parcel`]: OTLP over HTTP, unless the program brings its own transport.
//! - The [`Manifest`] shows all of it.
//!
//! ```text
//! record ─► admitted? ─► generalised ─► ring ─► line or count ─► batch ─► permit ─► parcel ─► transport
//!            consent      on this stack          on disk          exact    consent   sealed
//! ```
//!
//! # What it does not do
//!
//! - It adds no identity: no installation or hardware id, no full version. (A request names the program. A code of a `hash`
//!   field says "the same again" for its period.)
//! - It takes no free text and no crash dumps.
//! - It has no default endpoint, and reads no `OTEL_*`, proxy or DSN variable.
//! - It starts no thread before consent is given, except to write down a refusal that the disk did not take.
//!
//! It does not hide the network address that a request comes from. Rounding alone makes nobody unrecognisable: [what rounding
//! can and cannot do](manual::rounding) has the figures. The [threat model](manual::threat_model) says what remains.
//!
//! # The promises
//!
//! Each names what keeps it, and the tests that would fail if it were broken (in `tests/it`, unless it says otherwise).
//!
//! 1. **Silence.** Without a decision or a question: no file, thread, socket, clock read or allocation. Without a grant, nothing
//!    but what remembers the refusal or the question. Kept by the gate in the scope's static. Test: `silence`, and
//!    `.ci/run silence` under a system-call trace.
//! 2. **One door.** Bytes leave through [`Transport::send`], which takes a [`Parcel`] that only this crate can seal.
//!    Test: `tests/ui`, `tidy`.
//! 3. **What you see is what is sent.** Values are generalised on the calling thread; a line on disk, on the page and
//!    in the request are the same bytes. Test: `manifest`.
//! 4. **Consent covers what was shown.** A grant stores the contract and the notice. A build that would do more is limited
//!    to what was agreed to, or stops, until the person is asked again. Test: `superseded`, `.ci/run order`, `.ci/run upgrade`.
//! 5. **No retroactivity.** An event leaves only under the decision it was recorded under. Test: `consent`.
//! 6. **Withdrawal is immediate and provable.** Once [`consent::withdraw`] has returned confirmed, no process that
//!    shares the store hands another byte of that scope to the system. Test: `withdrawal`, `outside`, `.ci/run race`, and
//!    `.ci/run kill`, which kills it at its system calls.
//! 7. **Doubt means no.** Missing, damaged, foreign or unreadable records close the gate. Test: `store`, `sweep`.
//! 8. **Only a recorded grant opens it.** After a refusal, only a grant with a new notice does. The environment and
//!    administrators' rules can narrow, and never grant. Test: `consent`, `asking`, `policies`, `.ci/run order`.
//! 9. **The host is never harmed.** No panic, no unbounded memory or disk, no blocking on the recording thread, no
//!    `unsafe`. Every admitted event ends in one counter. Test: `journal`, `delivery`.
//! 10. **No identity added.** Identifiers leave only as keyed codes that change with their period and die with the
//!     grant, also in memory. Test: `generalize::keys`, `.ci/run secrets`.
//! 11. **A crowd to stand in.** One record of an event has at most 1,024 distinct outcomes. So has all that one installation
//!     can say in a scope about what stays the same about it; above that it reports one of several panels. An event about
//!     content is sent only as monthly counts of a few items: of one in 32 or fewer one in 16 each month, unless the person is
//!     told why. A secret chooses them. This is checked when the program is compiled, or when it starts. Test: `tests/ui`,
//!     `event::budget`, `snapshots`, `.ci/run generalizers`. `.ci/run attack` and `candor-audit` measure how much it helps.
//!
//! # For applications, for libraries
//!
//! An application calls [`init`] once, keeps what it returns, and asks the person.
//!
//! A library that wants reports of its own declares its events and its scopes. Each scope has a controller and an endpoint of
//! the library's own (`library: { … }` in [`scope!`]). The library never calls `init` or `grant`: the application asks. The
//! library's scopes stay closed until the application calls [`Config::allow`]. The person's page shows them in any case.
//!
//! A scope without `library: { … }` is the application's own. One package must declare all of these, or those packages that
//! [`Config::packages`] names. Otherwise `init` fails, so that a library that forgot its `library: { … }` does not report in
//! the application's name. Cargo's name of the package is compiled in with each scope and event, and is neither kept nor sent.
//!
//! # Programs that run for seconds
//!
//! Their events are kept when the guard is dropped, and are pending until the next send is due. Such a program ends before
//! that. So let it call [`flush_if_due`] with a small limit before it ends: the first run after a scope is due sends it, and
//! every other run returns at once. [`Flushed::trouble`] says why nothing was sent, if so. [`Flushed::growing`] says how many
//! events are pending until their day is over. `std::process::exit` drops no guard: call [`shutdown`] before it ([`Candor`] has
//! an example).
//!
//! # Asking well
//!
//! - On its own initiative a program asks through [`consent::prompt`]. It says whether the program may ask now, and has the
//!   notice and the answers. Closing the question is a refusal. `cargo run --example ask_first` does this in a terminal.
//! - On a settings page show all of [`consent::notice`], with a yes and a no that look alike, and neither of them preselected.
//!   Call [`consent::deny`] for a no. The refusal is stored, and from then on a grant without a notice is rejected.
//! - Put [`consent::withdraw`] where the yes was, one step away.
//! - Put [`consent::switch_off`] beside each field.
//! - Let nothing in the program depend on the answer.
//! - When a person withdraws, ask [whether what was sent is to be deleted as well](consent::ErasureStatus::question), with a yes
//!   and a no that look alike. Call [`consent::erase`] for a yes.
//! - Let people take [`consent::receipts`] away. It has every decision, and can be checked.
//!
//! People must be able to read what they agree to. Say which language your interface is in ([`Config::interface_language`]),
//! and bring your texts in that language ([`Config::translation`]). candor's own sentences exist in English and French.
//!
//! # What a change of the program changes
//!
//! Call [`lock::check`] in one of the program's tests. It fails if what could be sent is no longer what `candor.lock` in the
//! repository says, and says whether it became wider or narrower.
//!
//! # Errors
//!
//! Recording never fails and returns no error. Calls that decide or inspect return an [`Error`] whose message names the thing
//! that is wrong and the fix. Events that could not be kept or sent are counted, and the manifest says why.
//!
//! # Crate features
//!
//! No feature changes what is collected, kept or sent.
//!
//! | feature | what it does |
//! |---|---|
//! | `ring` | brings a TLS provider for https endpoints, for programs that have none of their own |
//! | `rustls` | lets a program hand over a TLS provider of its own: `Config::tls_provider` |
//! | `fluent` | reads [translations](Translation) of notices from Fluent texts, in addition to plain tables |
//!
//! # Learn more
//!
//! The [first hour](manual::first_hour), and [recipes](manual::recipes) for the usual questions and programs.
//! The [manual]: [architecture](manual::architecture), [threat model](manual::threat_model),
//! [consent](manual::consent), [what rounding can and cannot do](manual::rounding), [journal format](manual::journal),
//! [wire](manual::wire), [reading what arrives](manual::reading),
//! [ten real schemas](manual::schemas), [platforms](manual::platforms), [faults](manual::faults), [why](manual::why), and a
//! [glossary](manual::glossary).
//! Run `cargo run --example quickstart`, and `cargo run --example media_server -- FOLDER` over real files.
//!
//! # Versions
//!
//! candor needs Rust 1.90 or newer. Only a minor version may need a newer one. What is collected or sent changes only with an
//! entry under *What leaves* in the CHANGELOG. Every later version can read the consent files.
#![forbid(unsafe_code)]
#![warn(missing_debug_implementations)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// Data flows down this list; imports point up it. A test holds the code to it.
mod mutants;
mod clean;
mod error;
mod sync;
mod thread;
mod disk;
mod ambient;
mod home;
mod language;
mod precision;
pub mod consent;
pub mod event;
mod generalize;
mod rollup;
mod journal;
mod transport;
mod engine;
mod send;
mod actions;
#[cfg(debug_assertions)]
mod development;
mod manifest;
mod config;
mod contracts;
pub mod lock;
mod client;
mod prompt;
mod global;
pub mod shorthand;
mod decisions;

// The public interface is:
pub use crate::{
    ambient::Clock,
    client::Client,
    config::Config,
    consent::{AddressLog, Audience, Controller, Erasure, Scope},
    error::Error,
    event::{Event, Snapshot},
    generalize::preview,
    global::{
        Candor, flush, flush_if_due, init, manifest, record, record_durable, record_snapshot, record_with, shutdown,
    },
    journal::DropReason,
    language::Translation,
    manifest::{BudgetPage, Dropped, EventPage, FieldPage, GrowingCount, Manifest, Outcomes, ScopePage, SentPage},
    precision::{Precision, Unit},
    send::Flushed,
    transport::{Answer, Parcel, SendError, Transport},
};
pub use candor_derive::{Category, Event, Snapshot, attempts, counter, scope, timing};

pub mod manual;

/// What the macros write down. Not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::consent::{About, Library, LinkedScope, ScopeStatic, ScopeWords, UseAnswer, Uses};
    pub use crate::precision::{
        DateUnit, MOST_RELEASES, dates, day_number, digits, digits_len, is_release, log_buckets, log_buckets_len,
        order, range_words, steps, versions,
    };
    pub use inventory;

    /// For `candor-cli` and `candor-audit`: a text of several lines that can't steer a terminal.
    #[must_use]
    pub fn clean_text(text: &str) -> String {
        crate::clean::text(text)
    }

    /// The same for a part of one line.
    #[must_use]
    pub fn clean_line(text: &str) -> String {
        crate::clean::line(text)
    }

    /// The same for JSON, which stays equal as data.
    #[must_use]
    pub fn clean_json(json: &str) -> String {
        crate::clean::json(json)
    }
}

/// What fuzzers call; see `fuzz/`. Not there otherwise.
#[cfg(fuzzing)]
pub mod fuzzing {
    pub use crate::consent::fuzzing::{contract, ledger, policy, snapshot};
    pub use crate::journal::fuzzing::{outbox, segment};
    #[cfg(feature = "fluent")]
    pub use crate::language::fuzzing::fluent;
    pub use crate::lock::fuzzing::lock;
    pub use crate::transport::fuzzing::response;
}

#[cfg(test)]
mod tests;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
