//! The process-wide client and the free functions that use it.
//!
//! [`record`] reads one atomic variable, which belongs to the event's scope. If nothing is granted it does nothing else. This
//! module has no logic of its own: every call is passed on to the [`Client`].

use crate::{
    client::Client,
    config::Config,
    consent::{Admission, Scope},
    error::{Error, Kind},
    event::{Event, Installation, Snapshot},
    manifest::Manifest,
    send::Flushed,
};
use once_cell::race::OnceBox;
use std::time::{Duration, Instant};

static CLIENT: OnceBox<Client> = OnceBox::new();

/// The guard that keeps the process-wide client running. [`init`] returns it; bind it to a name in `main`.
///
/// When it is dropped, recorded events are written to disk and nothing more is recorded. It does not use the network. This takes
/// a few milliseconds; if the disk accepts no writes, it gives up after 2 s.
///
/// `std::process::exit` drops no values. A command-line tool that exits this way calls [`shutdown`] first, or [`flush_if_due`] and then
/// [`shutdown`]:
///
/// ```no_run
/// # use std::time::Duration;
/// # fn run() -> i32 { 0 }
/// let code = run();
/// let _ = candor::flush_if_due(Duration::from_secs(1));       // what is wrong is counted, and tried again later
/// candor::shutdown(Duration::from_secs(2));
/// std::process::exit(code);
/// ```
#[derive(Debug)]
#[must_use = "dropping it ends the recording, and `let _ = …` drops it at once: bind it to a name in `main`, \
              `let _candor = candor::init(…)?;`"]
pub struct Candor(());

impl Drop for Candor {
    fn drop(&mut self) {
        if let Some(client) = CLIENT.get() {
            client.finish();
        }
    }
}

/// Makes the process-wide client. It looks on disk for a grant. If there is none, it does nothing else.
///
/// Call it once, early in `main`, and keep the returned guard for as long as the program runs.
///
/// ```standalone_crate
/// use candor::{Audience, Config, consent::{self, State}};
/// # use candor::{AddressLog, Controller, Erasure};
/// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
/// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
/// #     .erasure(Erasure::Unsupported);
/// # candor::scope! {
/// #     /// Find out how many shelves people use, so that the common case is fast.
/// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
/// #         benefit: "Faster lists", other_uses: none }
/// # }
/// # let home = tempfile::tempdir()?;
/// let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
/// let _candor = candor::init(config)?;            // keep it until `main` ends
/// assert_eq!(consent::status(USAGE)?.state, State::NeverAsked);
/// # assert!(!home.path().join("a").exists());       // without a grant nothing is written
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// - The errors of [`Client::new`].
/// - A second call in the same process.
/// - A call in a process that was forked from one that called it. There the process-wide functions return errors; make a client
///   with [`Client::new`] instead.
pub fn init(config: Config) -> Result<Candor, Error> {
    if CLIENT.get().is_some_and(|client| !client.is_here()) {
        return Err(Kind::Forked.into());
    }
    if CLIENT.set(Box::new(Client::closed(config, true)?)).is_err() {
        return Err(Kind::AlreadyInitialized.into());
    }
    client()?.open();
    Ok(Candor(()))
}

pub(crate) fn client() -> Result<&'static Client, Error> {
    CLIENT.get().ok_or_else(|| Kind::NotInitialized.into())
}

/// Records an event, if its scope is granted. Otherwise the event is dropped, which takes about a nanosecond.
///
/// See [`Client::record`].
///
/// ```standalone_crate
/// use candor::consent;
/// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
/// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
/// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
/// #     .erasure(Erasure::Unsupported);
/// # candor::scope! {
/// #     /// Find out how many shelves people use, so that the common case is fast.
/// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
/// #         benefit: "Faster lists", other_uses: none }
/// # }
/// # /// The library was opened.
/// # #[derive(candor::Event)]
/// # #[event(name = "library.opened", scope = USAGE, linkage = rollup)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
/// # let _candor = candor::init(config)?;
/// candor::record(LibraryOpened { shelves: 7 });   // nobody was asked: dropped
/// consent::grant(USAGE)?;                         // the person said yes
/// candor::record(LibraryOpened { shelves: 7 });
/// assert_eq!(candor::manifest()?.outcomes.counted, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline(always)]
pub fn record<E: Event<About = Installation>>(event: E) {
    if let Some(admission) = Admission::process_wide(E::SCOPE) {
        admitted(&event, admission);
    }
}

/// Records the event that `make` returns, if its scope is granted. Otherwise `make` is not called.
///
/// ```
/// # use candor::{Event};
/// # candor::scope! {
/// #     /// Find out how many shelves people use, so that the common case is fast.
/// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
/// #         benefit: "Faster lists", other_uses: none }
/// # }
/// # /// The library was opened.
/// # #[derive(Event)]
/// # #[event(name = "library.opened", scope = USAGE, linkage = none)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # fn shelves() -> Vec<u8> { unreachable!("nobody agreed") }
/// candor::record_with(|| LibraryOpened { shelves: shelves().len() });
/// ```
#[inline(always)]
pub fn record_with<E: Event<About = Installation>>(make: impl FnOnce() -> E) {
    if let Some(admission) = Admission::process_wide(E::SCOPE) {
        admitted(&make(), admission);
    }
}

/// Records a snapshot, if its scope is granted. A second one in the same period updates the first.
///
/// See [`Client::record_snapshot`]. [`Snapshot`] has an example.
pub fn record_snapshot<S: Snapshot<About = Installation>>(snapshot: S) {
    if let Some(admission) = Admission::process_wide(S::SCOPE)
        && let Some(client) = CLIENT.get()
    {
        client.admitted_snapshot(&snapshot, admission);
    }
}

/// Records an event and writes it to the operating system before returning. The event survives a crash of the program.
///
/// See [`Client::record_durable`].
///
/// ```standalone_crate
/// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
/// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
/// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
/// #     .erasure(Erasure::Unsupported);
/// # candor::scope! {
/// #     /// Find out how many shelves people use, so that the common case is fast.
/// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
/// #         benefit: "Faster lists", other_uses: none }
/// # }
/// # /// The library was opened.
/// # #[derive(candor::Event)]
/// # #[event(name = "library.opened", scope = USAGE, linkage = none)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
/// # let _candor = candor::init(config)?;
/// # candor::consent::grant(USAGE)?;
/// candor::record_durable(LibraryOpened { shelves: 7 });   // on disk when this returns
/// assert_eq!(candor::manifest()?.outcomes.lines, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn record_durable<E: Event<About = Installation>>(event: E) {
    if let Some(client) = CLIENT.get() {
        client.record_durable(event);
    }
}

/// The decision under which a measurement begins, and the time. `None` if the scope is not granted: then no clock is read.
#[inline]
pub(crate) fn begin(scope: Scope) -> Option<(Admission, Instant)> {
    Admission::process_wide(scope).and_then(begun)
}

#[inline(never)]
fn begun(admission: Admission) -> Option<(Admission, Instant)> {
    Some((admission, CLIENT.get()?.monotonic()))
}

/// Records what began `at` that time under this decision, if the decision is still in force. `make` gets how long it took.
#[inline(never)]
pub(crate) fn end<E: Event>(admission: Admission, at: Instant, make: impl FnOnce(Duration) -> E) {
    let is_same = Admission::process_wide(E::SCOPE).is_some_and(|now| now.epoch() == admission.epoch());
    if let Some(client) = CLIENT.get().filter(|_| is_same) {
        client.admitted(&make(client.monotonic().saturating_duration_since(at)), admission);
    }
}

#[inline(never)]
fn admitted<E: Event>(event: &E, admission: Admission) {
    if let Some(client) = CLIENT.get() {
        client.admitted(event, admission);
    }
}

/// Returns the whole state as one document: what could be sent, what was agreed, what is pending, and what was sent and dropped.
///
/// Writes what [`consent::status`](crate::consent::status()) writes, brings to disk what was recorded before, so that the document
/// shows it, and closes a day that is over. The worker would do both a moment later.
///
/// ```standalone_crate
/// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
/// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
/// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
/// #     .erasure(Erasure::Unsupported);
/// # candor::scope! {
/// #     /// Find out how many shelves people use, so that the common case is fast.
/// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
/// #         benefit: "Faster lists", other_uses: none }
/// # }
/// # /// The library was opened.
/// # #[derive(candor::Event)]
/// # #[event(name = "library.opened", scope = USAGE, linkage = rollup)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
/// # let _candor = candor::init(config)?;
/// let manifest = candor::manifest()?;
/// println!("{manifest}");                         // for the person to read
/// let page = manifest.scope(USAGE).unwrap();
/// assert_eq!(page.could_send[0].name, "library.opened");
/// assert!(page.sent.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`init`] was not called, or was called in the process that this one was forked from.
pub fn manifest() -> Result<Manifest, Error> {
    client()?.manifest()
}

/// Sends pending data now instead of when it is due. Waits at most `limit`.
///
/// See [`Client::flush`].
///
/// ```standalone_crate
/// use std::time::Duration;
/// # use candor::{AddressLog, Answer, Audience, Config, Controller, Erasure, Parcel, SendError, Transport};
/// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
/// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
/// #     .erasure(Erasure::WithinDays(30));
/// # candor::scope! {
/// #     /// Find out how many shelves people use, so that the common case is fast.
/// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
/// #         benefit: "Faster lists", other_uses: none }
/// # }
/// # /// The library was opened.
/// # #[derive(candor::Event)]
/// # #[event(name = "library.opened", scope = USAGE, linkage = none)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # struct Receiver;
/// # impl Transport for Receiver {
/// #     fn send(&self, _: Parcel<'_>) -> Result<Answer, SendError> {
/// #         Ok(Answer::Accepted { rejected: 0 })
/// #     }
/// # }
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).transport("nobody", Receiver);
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
/// # let _candor = candor::init(config)?;
/// # candor::consent::grant(USAGE)?;
/// candor::record(LibraryOpened { shelves: 7 });
/// let flushed = candor::flush(Duration::from_secs(2))?;
/// assert_eq!((flushed.requests, flushed.records), (1, 1));
/// if let Some(why) = flushed.trouble {
///     eprintln!("Not everything was sent: {why}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`init`] was not called, or was called in the process that this one was forked from.
pub fn flush(limit: Duration) -> Result<Flushed, Error> {
    client()?.flush(limit)
}

/// Sends what is due, for programs that run for seconds. If nothing is due, returns `None` at once. Waits at most `limit`.
///
/// See [`Client::flush_if_due`].
///
/// ```no_run
/// # use std::time::Duration;
/// # fn run() {}
/// # fn main() -> Result<(), candor::Error> {
/// # let config: candor::Config = todo!();
/// let _candor = candor::init(config)?;
/// run();
/// if let Some(why) = candor::flush_if_due(Duration::from_secs(1))?.and_then(|flushed| flushed.trouble) {
///     eprintln!("Not everything was sent: {why}");        // for a log: a person need not read it
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`init`] was not called, or was called in the process that this one was forked from.
pub fn flush_if_due(limit: Duration) -> Result<Option<Flushed>, Error> {
    client()?.flush_if_due(limit)
}

/// Closes the process-wide client. Waits at most `limit`.
///
/// Returns whether every recorded event is on disk or counted there; `true` if [`init`] was not called. See [`Client::shutdown`].
///
/// ```standalone_crate
/// use std::time::Duration;
/// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
/// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
/// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
/// #     .erasure(Erasure::Unsupported);
/// # candor::scope! {
/// #     /// Find out how many shelves people use, so that the common case is fast.
/// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
/// #         benefit: "Faster lists", other_uses: none }
/// # }
/// # /// The library was opened.
/// # #[derive(candor::Event)]
/// # #[event(name = "library.opened", scope = USAGE, linkage = none)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
/// # let _candor = candor::init(config)?;
/// # candor::consent::grant(USAGE)?;
/// candor::record(LibraryOpened { shelves: 7 });
/// assert!(candor::shutdown(Duration::from_secs(2)));      // on disk; the next run sends it
/// candor::record(LibraryOpened { shelves: 8 });           // dropped
/// # assert_eq!(candor::manifest()?.outcomes.lines, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn shutdown(limit: Duration) -> bool {
    CLIENT.get().is_none_or(|client| client.shutdown(limit))
}
