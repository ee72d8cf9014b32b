//! Counters, timings and attempts: events that are declared in one line and recorded by a constant.
//!
//! [`counter!`](crate::counter), [`timing!`](crate::timing) and [`attempts!`](crate::attempts) each declare an event with
//! `linkage = rollup`. Underneath it is an event like any other: the person reads its doc comment, the manifest and `candor.lock`
//! name it, and a day's counts of it are sent. Without a grant, each call costs an atomic load. This module never stores
//! anything, and never reads a clock without a grant.
//!
//! # Counters
//!
//! ```
//! # candor::scope! {
//! #     /// Find out which paper people use, so that those sizes come first.
//! #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
//! #         benefit: "Shorter lists", other_uses: none }
//! # }
//! /// A size of paper.
//! #[derive(candor::Category)]
//! pub enum Paper {
//!     A4,
//!     Letter,
//!     Other,
//! }
//!
//! candor::counter! {
//!     /// The program was opened.
//!     pub OPENED = "program.opened" in USAGE;
//!
//!     /// A page was printed.
//!     pub PRINTED = "page.printed" in USAGE {
//!         /// On which paper.
//!         paper: Paper,
//!     }
//! }
//!
//! OPENED.add();
//! PRINTED.add(Paper::A4);
//! ```
//!
//! Each call counts one. There is no call that counts many at once: how many there were is a number, and belongs into a field of
//! the class `count`. The counts of a day never overflow: they end at the highest step that a count is sent as.
//!
//! # Timings
//!
//! ```
//! # candor::scope! {
//! #     /// Find out what takes long, so that it becomes faster.
//! #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
//! #         benefit: "Less waiting", other_uses: none }
//! # }
//! # #[derive(candor::Category)]
//! # pub enum Format { Pdf, Other }
//! candor::timing! {
//!     /// The program was started.
//!     pub STARTUP = "program.started" in USAGE;
//!
//!     /// A book was exported.
//!     pub EXPORT = "book.exported" in USAGE {
//!         /// To which format.
//!         format: Format,
//!     }
//! }
//!
//! {
//!     let _timer = EXPORT.start(Format::Pdf);
//!     // … the export …
//! } // recorded here
//! STARTUP.start().discard(); // it was cancelled: nothing is recorded
//! ```
//!
//! What is sent is one of the 24 steps of the class `latency`, in the field `took`. The clock is read twice, and only while the
//! scope is granted. A timer that began before a grant, or whose grant ended or changed in the meantime, records nothing: an
//! event belongs to one decision of the person. A timer that is dropped by a panic records nothing either.
//!
//! Bind the timer to a name. `let _ = EXPORT.start(…)` drops it at once.
//!
//! # Attempts
//!
//! ```
//! # candor::scope! {
//! #     /// Find out what fails, so that it is repaired first.
//! #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
//! #         benefit: "Fewer errors", other_uses: none }
//! # }
//! # fn backup() -> std::io::Result<()> { Ok(()) }
//! # fn sync() -> std::io::Result<()> { Ok(()) }
//! /// Why something could not be done.
//! #[derive(candor::Category)]
//! pub enum Cause {
//!     NotFound,
//!     DiskFull,
//!     Other,
//! }
//!
//! impl From<&std::io::Error> for Cause {
//!     fn from(error: &std::io::Error) -> Self {
//!         match error.kind() {
//!             std::io::ErrorKind::NotFound => Cause::NotFound,
//!             std::io::ErrorKind::StorageFull => Cause::DiskFull,
//!             _ => Cause::Other,
//!         }
//!     }
//! }
//!
//! candor::attempts! {
//!     /// A backup was tried.
//!     pub BACKUP = "backup.tried" in USAGE;
//!
//!     /// A synchronisation was tried.
//!     pub SYNC = "sync.tried" in USAGE {
//!         /// Why it failed, if it did.
//!         cause: Cause,
//!     }
//! }
//!
//! # fn run() -> std::io::Result<()> {
//! BACKUP.of(backup())?; // counts, and returns what it got
//! SYNC.of(sync(), |error| Cause::from(error))?;
//! BACKUP.failed();
//! SYNC.failed(Cause::DiskFull);
//! # Ok(())
//! # }
//! # run()?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The field `succeeded` says which it was. Both outcomes are counts of one event, in the same request and with the same rounding:
//! the share of failures is `succeeded = false` over all. Two counters would not give it as well: one may be switched off by the
//! person, or become an event of a later version, and the other not.
//!
//! # With a client of one's own, or durably
//!
//! `event` returns the event, for [`Client::record`](crate::Client::record) and for [`record_durable`](crate::record_durable):
//!
//! ```
//! # candor::scope! {
//! #     /// Find out which commands are used, so that those are improved first.
//! #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
//! #         benefit: "Better commands", other_uses: none }
//! # }
//! candor::counter! {
//!     /// The help was asked for.
//!     pub HELP = "help.shown" in USAGE;
//! }
//!
//! candor::record_durable(HELP.event());
//! ```

use crate::{
    consent::Admission,
    event::{Event, Installation},
    global,
};
use std::{
    fmt,
    marker::PhantomData,
    thread,
    time::{Duration, Instant},
};

/// An event that one of the macros declares. Only the macros implement it.
#[doc(hidden)]
pub trait Shorthand: Event<About = Installation> {
    /// What the event is made from.
    type With;

    fn of(with: Self::With) -> Self;
}

/// The constants that the macros make. Each is no more than the type of its event.
macro_rules! constants {
    ($($(#[$doc:meta])* $name:ident<E $(, $tells:ident)?>;)*) => {$(
        $(#[$doc])*
        pub struct $name<E $(, $tells)?>(PhantomData<fn() -> (E, $($tells)?)>);

        impl<E $(, $tells)?> $name<E $(, $tells)?> {
            #[doc(hidden)]
            #[must_use]
            #[allow(clippy::new_without_default, reason = "only the macros call it")]
            pub const fn new() -> Self {
                $name(PhantomData)
            }
        }

        impl<E $(, $tells)?> Clone for $name<E $(, $tells)?> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<E $(, $tells)?> Copy for $name<E $(, $tells)?> {}

        impl<E: Event $(, $tells)?> fmt::Debug for $name<E $(, $tells)?> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), E::schema().name())
            }
        }
    )*};
}

constants! {
    /// Counts how often something happened. [`counter!`](crate::counter) makes it; see [counters](self#counters).
    Counter<E>;
    /// Counts how often something happened, by a category. [`counter!`](crate::counter) makes it; see
    /// [counters](self#counters).
    CounterBy<E, T>;
    /// Measures how long something takes. [`timing!`](crate::timing) makes it; see [timings](self#timings).
    Timing<E>;
    /// Measures how long something takes, by a category. [`timing!`](crate::timing) makes it; see [timings](self#timings).
    TimingBy<E, T>;
    /// Counts how often something succeeded and how often it failed. [`attempts!`](crate::attempts) makes it; see
    /// [attempts](self#attempts).
    Attempts<E>;
    /// Counts how often something succeeded, and how often it failed for which cause. [`attempts!`](crate::attempts) makes it;
    /// see [attempts](self#attempts).
    AttemptsBy<E, T>;
}

impl<E: Shorthand<With = ()>> Counter<E> {
    /// Counts one.
    #[inline]
    pub fn add(self) {
        global::record_with(|| self.event());
    }

    /// Returns the event that [`add`](Counter::add) records.
    #[inline]
    #[must_use = "the event is not recorded"]
    pub fn event(self) -> E {
        E::of(())
    }
}

impl<T, E: Shorthand<With = T>> CounterBy<E, T> {
    /// Counts one of this category.
    #[inline]
    pub fn add(self, by: T) {
        global::record_with(|| self.event(by));
    }

    /// Returns the event that [`add`](CounterBy::add) records.
    #[inline]
    #[must_use = "the event is not recorded"]
    pub fn event(self, by: T) -> E {
        E::of(by)
    }
}

impl<E: Shorthand<With = (Duration, ())>> Timing<E> {
    /// Starts a timer, which records when it is dropped.
    #[inline]
    pub fn start(self) -> Timer<E, ()> {
        Timer::start(())
    }

    /// Returns the event for something that took this long.
    #[inline]
    #[must_use = "the event is not recorded"]
    pub fn event(self, took: Duration) -> E {
        E::of((took, ()))
    }
}

impl<T, E: Shorthand<With = (Duration, T)>> TimingBy<E, T> {
    /// Starts a timer of this category, which records when it is dropped.
    #[inline]
    pub fn start(self, by: T) -> Timer<E, T> {
        Timer::start(by)
    }

    /// Returns the event for something of this category that took this long.
    #[inline]
    #[must_use = "the event is not recorded"]
    pub fn event(self, took: Duration, by: T) -> E {
        E::of((took, by))
    }
}

impl<E: Shorthand<With = bool>> Attempts<E> {
    /// Counts one that succeeded.
    #[inline]
    pub fn succeeded(self) {
        global::record_with(|| self.event(true));
    }

    /// Counts one that failed.
    #[inline]
    pub fn failed(self) {
        global::record_with(|| self.event(false));
    }

    /// Counts one that succeeded or failed, and returns the result unchanged.
    ///
    /// # Errors
    /// The error of `result`.
    #[inline]
    pub fn of<R, X>(self, result: Result<R, X>) -> Result<R, X> {
        global::record_with(|| self.event(result.is_ok()));
        result
    }

    /// Returns the event for one that succeeded or failed.
    #[inline]
    #[must_use = "the event is not recorded"]
    pub fn event(self, succeeded: bool) -> E {
        E::of(succeeded)
    }
}

impl<T, E: Shorthand<With = Option<T>>> AttemptsBy<E, T> {
    /// Counts one that succeeded.
    #[inline]
    pub fn succeeded(self) {
        global::record_with(|| self.event(None));
    }

    /// Counts one that failed for this cause.
    #[inline]
    pub fn failed(self, cause: T) {
        global::record_with(|| self.event(Some(cause)));
    }

    /// Counts one that succeeded or failed, and returns the result unchanged. `cause` says why it failed. It is called only for
    /// an error, and only while the scope is granted.
    ///
    /// # Errors
    /// The error of `result`.
    #[inline]
    pub fn of<R, X>(self, result: Result<R, X>, cause: impl FnOnce(&X) -> T) -> Result<R, X> {
        global::record_with(|| self.event(result.as_ref().err().map(cause)));
        result
    }

    /// Returns the event for one that succeeded (`None`), or failed for this cause.
    #[inline]
    #[must_use = "the event is not recorded"]
    pub fn event(self, cause: Option<T>) -> E {
        E::of(cause)
    }
}

/// Measures how long it exists, and records that when it is dropped. [`Timing::start`] makes it.
///
/// It records nothing if its scope was not granted when it began, if that grant ended or changed in the meantime, or if it is
/// dropped by a panic. It can be moved to another thread.
#[must_use = "bind the timer to a name such as `_timer`: it measures until it is dropped"]
pub struct Timer<E: Shorthand<With = (Duration, T)>, T>(Option<Started<E, T>>);

/// A timer whose scope was granted when it began.
struct Started<E, T> {
    /// Under this decision the event is recorded, or not at all.
    admission: Admission,
    at: Instant,
    by: T,
    event: PhantomData<fn() -> E>,
}

impl<T, E: Shorthand<With = (Duration, T)>> Timer<E, T> {
    #[inline]
    fn start(by: T) -> Self {
        let started = global::begin(E::SCOPE);
        Timer(started.map(|(admission, at)| Started { admission, at, by, event: PhantomData }))
    }

    /// Ends the timer and records nothing, for example because what it measured was cancelled.
    pub fn discard(mut self) {
        self.0 = None;
    }
}

impl<T, E: Shorthand<With = (Duration, T)>> Drop for Timer<E, T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(Started { admission, at, by, .. }) = self.0.take()
            && !thread::panicking()
        {
            global::end(admission, at, |took| E::of((took, by)));
        }
    }
}

impl<T, E: Shorthand<With = (Duration, T)>> fmt::Debug for Timer<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timer({}, {})", E::schema().name(), if self.0.is_some() { "running" } else { "not granted" })
    }
}
