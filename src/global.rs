//! The process-wide client and the free functions. `record` reads one atomic of the event's own scope, and, while
//! nothing is granted, nothing else.

use crate::{
    client::Client,
    config::Config,
    consent::Admission,
    error::{Error, Kind},
    event::{Event, Installation},
    manifest::Manifest,
    send::Flushed,
};
use once_cell::race::OnceBox;
use std::time::Duration;

static CLIENT: OnceBox<Client> = OnceBox::new();

/// Keeps the process-wide client going. When it is dropped, what was recorded is brought to disk, without the network, and
/// nothing is recorded any more. That is a few milliseconds of work; from a disk that takes nothing it turns away after 2 s.
///
/// `std::process::exit` drops nothing. A command-line tool that ends so calls [`shutdown`] first, or [`flush`] and then
/// [`shutdown`]:
///
/// ```no_run
/// # use std::time::Duration;
/// # fn run() -> i32 { 0 }
/// let code = run();
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

/// Makes the process-wide client. Without a grant on disk this looks for one and does nothing else.
///
/// # Errors
/// See [`Client::new`]; and a second call in one process, or one in a process that was forked from one that called it:
/// there [`Client::new`] makes a client, and the process-wide calls answer with an error.
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

/// Records an event, if its scope is granted. Otherwise the event is gone, about a nanosecond later.
///
/// See [`Client::record`].
#[inline(always)]
pub fn record<E: Event<About = Installation>>(event: E) {
    if let Some(admission) = Admission::process_wide(E::SCOPE) {
        admitted(&event, admission);
    }
}

/// Records the event that `make` makes, if its scope is granted; otherwise `make` is not called.
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

/// Records an event and writes it to the operating system before returning.
///
/// See [`Client::record_durable`].
pub fn record_durable<E: Event<About = Installation>>(event: E) {
    if let Some(client) = CLIENT.get() {
        client.record_durable(event);
    }
}

#[inline(never)]
fn admitted<E: Event>(event: &E, admission: Admission) {
    if let Some(client) = CLIENT.get() {
        client.admitted(event, admission);
    }
}

/// Everything: what could be sent, was agreed, waits, was sent and was dropped.
///
/// # Errors
/// [`init`] was not called.
pub fn manifest() -> Result<Manifest, Error> {
    client()?.manifest()
}

/// Sends what waits now instead of at its own moment.
///
/// See [`Client::flush`].
///
/// # Errors
/// [`init`] was not called.
pub fn flush(limit: Duration) -> Result<Flushed, Error> {
    client()?.flush(limit)
}

/// Ends the process-wide client within `limit`.
///
/// See [`Client::shutdown`].
pub fn shutdown(limit: Duration) -> bool {
    CLIENT.get().is_none_or(|client| client.shutdown(limit))
}
