//! Sends data to the receiver: one function, [`Transport::send`], which takes a [`Parcel`].
//!
//! A parcel is a journalled batch that is sealed with a permit, or the person's request to have records erased. Only `seal` and
//! `erasure` make one. [`Transport`] is the trait between the crate and the network. The crate's own implementation speaks OTLP
//! over HTTP. A program can bring another one. Neither can make a parcel. This module never decides about consent and never
//! stores anything.

mod answer;
#[cfg(any(test, fuzzing))]
#[allow(unreachable_pub, reason = "reached by fuzzers")]
pub(crate) mod fuzzing;
mod http;
pub(crate) mod otlp;

pub(crate) use http::Http;

use crate::{
    ambient::Day,
    consent::{ErasurePermit, ErasureWatch, Permit, Scope, Watch},
    journal::Batch,
};
use std::time::Duration;

/// Bytes that may be sent, with the permit that allows it.
///
/// A transport receives a parcel. It can't make one, copy one, or keep one after its call has returned:
///
/// ```compile_fail,E0624
/// let parcel = candor::Parcel::seal(todo!(), todo!());
/// ```
/// ```compile_fail,E0599
/// fn twice(parcel: candor::Parcel<'_>) { let copy = parcel.clone(); }
/// ```
#[derive(Debug)]
#[must_use = "a parcel that is dropped is not sent"]
pub struct Parcel<'b> {
    load: Load<'b>,
}

/// What a parcel holds, with the proof that it may be sent.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, on the stack of the sender")]
enum Load<'b> {
    /// A pending batch, and its permit. The permit's life lock is held until the parcel is dropped.
    Batch(&'b Batch, Permit),
    /// The ids of the records that the person wants erased, as the stored erasure request lists them.
    Erasure { body: Vec<u8>, permit: ErasurePermit },
}

/// Watches what allows a parcel to be sent: a grant, or a stored erasure request.
#[derive(Debug, Clone)]
pub(crate) enum Authorization {
    Grant(Watch),
    StoredRequest(ErasureWatch),
}

impl Authorization {
    pub(crate) fn is_authorized(&self) -> bool {
        match self {
            Authorization::Grant(watch) => watch.is_authorized(),
            Authorization::StoredRequest(watch) => watch.is_authorized(),
        }
    }
}

impl<'b> Parcel<'b> {
    /// Seals a batch with its permit. `None` if the permit is for another scope, generation or epoch.
    pub(crate) fn seal(permit: Permit, batch: &'b Batch) -> Option<Self> {
        let covered = permit.covers(batch.scope(), batch.generation(), batch.epoch());
        covered.then_some(Parcel { load: Load::Batch(batch, permit) })
    }

    /// Makes the request for the records that an erasure permit names. The caller supplies no bytes: the body is written here,
    /// from the ids and the day in the permit and from what every request of the scope contains. `None` if the permit is for
    /// another scope, or the request has no time yet.
    pub(crate) fn erasure(permit: ErasurePermit, service: &otlp::Service, scope: Scope) -> Option<Self> {
        if permit.request().is.scope != scope.name() {
            return None;
        }
        let stored = permit.request();
        // Both are set before the first try. So every try sends the same bytes.
        let (uid, day) = (stored.is.uid.as_deref()?, Day(stored.is.day?));
        let body = otlp::erasure(service, scope, uid, day, stored.uids())?;
        Some(Parcel { load: Load::Erasure { body, permit } })
    }

    /// The bytes of the request's body, exactly as the manifest shows them.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        match &self.load {
            Load::Batch(batch, _) => batch.body(),
            Load::Erasure { body, .. } => body,
        }
    }

    /// A random key. It is the same at every try of this request and is never used for another one.
    #[must_use]
    pub fn idempotency_key(&self) -> &str {
        match &self.load {
            Load::Batch(batch, _) => batch.key(),
            Load::Erasure { permit, .. } => &permit.request().is.key,
        }
    }

    /// The name of the consent scope that the bytes belong to.
    #[must_use]
    pub fn scope(&self) -> &str {
        match &self.load {
            Load::Batch(batch, _) => batch.scope(),
            Load::Erasure { permit, .. } => &permit.request().is.scope,
        }
    }

    /// Whether the parcel is an erasure request, which holds no report.
    #[must_use]
    pub fn is_erasure(&self) -> bool {
        matches!(self.load, Load::Erasure { .. })
    }

    /// Whether the bytes may still be sent. Ask before every slice that you hand to the operating system. The answer becomes
    /// `false` as soon as any process that shares the store withdraws the consent (or the erasure request), or this process
    /// shuts the client down.
    #[must_use]
    pub fn may_leave(&self) -> bool {
        self.authorization().is_authorized()
    }

    /// Answers the same question for code that outlives the borrow of the parcel, but not its connection.
    pub(crate) fn authorization(&self) -> Authorization {
        match &self.load {
            Load::Batch(_, permit) => Authorization::Grant(permit.watch().clone()),
            Load::Erasure { permit, .. } => Authorization::StoredRequest(permit.watch().clone()),
        }
    }
}

/// Sends parcels to a receiver. Implement it to bring your own transport.
///
/// `send` must not return while anything that it started could still send bytes of the parcel. It should ask
/// [`Parcel::may_leave`] before each slice, because a withdrawal waits for it, 500 ms at most.
///
/// A transport receives parcels and can never make one, so it can't be called with data that the person did not agree to.
///
/// ```standalone_crate
/// use candor::{Answer, Parcel, SendError, Transport};
/// # use candor::{AddressLog, Audience, Client, Config, Controller, Erasure};
/// use std::{
///     io::{BufRead, BufReader, PipeWriter, Write},
///     sync::{Mutex, PoisonError},
///     time::Duration,
/// };
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
///
/// /// Writes each request as a line to a pipe, from which a collector on this computer reads.
/// struct Pipe(Mutex<PipeWriter>);
///
/// impl Transport for Pipe {
///     fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError> {
///         let mut pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
///         let end: &[u8] = b"\n";
///         // A line end comes first: it ends a line that was left half written.
///         for slice in [end].into_iter().chain(parcel.body().chunks(4_096)).chain([end]) {
///             if !parcel.may_leave() {
///                 return Err(SendError::Stopped);
///             }
///             pipe.write_all(slice).map_err(|error| SendError::Network(error.to_string()))?;
///         }
///         Ok(Answer::Taken { rejected: 0 })
///     }
/// }
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).lift_ci_block();
/// # let config = config.directories(home.path().join("a"), home.path().join("b"));
///
/// let (collector, pipe) = std::io::pipe()?;
/// let client = Client::new(config.transport("the collector on this computer", Pipe(Mutex::new(pipe))))?;
/// # let notice = client.notice(USAGE)?;
/// # client.grant(USAGE.shown(&notice))?;
/// client.record_durable(LibraryOpened { shelves: 7 });
/// assert_eq!(client.flush(Duration::from_secs(5))?.requests, 1);
///
/// let line = BufReader::new(collector).lines().nth(1).ok_or("nothing was sent")??;
/// assert!(line.contains("library.opened"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Transport: Send + Sync + 'static {
    /// Sends one parcel and returns the receiver's answer.
    ///
    /// # Errors
    /// There was no answer: the connection failed, timed out, or the consent ended while sending.
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError>;
}

/// A receiver's answer, as far as it matters to the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// A 2xx that is an OTLP response: the batch is done. The receiver will never take the `rejected` records; they are not
    /// retried.
    Accepted {
        /// The number of records that the receiver refused (`partialSuccess.rejectedLogRecords`).
        rejected: u64,
    },
    /// Any other 2xx from the intended receiver, such as 204 or an empty 200: the batch is done as well. The person's page says
    /// that the receiver took it and did not answer as OTLP requires. candor's own transport connects only to the server that
    /// the certificate names, and to this computer. Your own transport should return this only if it is equally sure.
    Taken {
        /// The number of records that the receiver refused, as far as its answer can be read.
        rejected: u64,
    },
    /// A web page, such as a captive portal's, or a number that is no final HTTP status: the batch is kept and tried again later.
    NotOtlp,
    /// A 3xx, which is never followed: the batch is kept; the endpoint is misconfigured.
    Redirected,
    /// 408, 425, 429, 502, 503 or 504: the batch is kept, and tried again after the longer of the back-off and `retry_after`.
    Busy {
        /// The wait that the receiver asks for, between one second and one day.
        retry_after: Option<Duration>,
    },
    /// 500 or another 5xx: the batch is kept for three tries at most.
    ServerError {
        /// The wait that the receiver asks for, between one second and one day.
        retry_after: Option<Duration>,
    },
    /// 401, 403, 404, and every other 4xx that a wrong configuration may have caused: the batch is kept. The next try is an hour
    /// later, then twice that, up to a day, until the batch is a week old.
    Refused,
    /// 410: the batch is dropped. Nothing more of the scope is sent until another version of the application runs, or the consent
    /// is withdrawn and granted again.
    Gone,
    /// 413: the batch is split in halves; a single record is dropped.
    TooLarge,
    /// The receiver read the batch and will never take it (422, or 400 with the status that OTLP requires): it is dropped.
    Rejected,
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The consent ended or the program is shutting down. The connection was reset.
    #[error("stopped under way: consent ended, or the program is shutting down")]
    Stopped,
    /// The receiver could not be reached, or the exchange broke off.
    #[error("no answer: {0}")]
    Network(String),
    /// The receiver took too long.
    #[error("no answer in time ({0})")]
    TimedOut(&'static str),
    /// The transport panicked, with this message. candor itself returns this, and treats it like any other failure.
    #[error("the transport panicked: {0}")]
    Panicked(String),
}
