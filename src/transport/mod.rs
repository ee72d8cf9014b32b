//! How bytes leave: one function, which takes a [`Parcel`].
//!
//! A parcel is a journalled batch sealed with a permit, or the person's wish to have records erased; only `seal` and
//! `erasure` make one. [`Transport`] is the seam: the crate's own speaks OTLP over HTTP, a program can bring another, and
//! neither can make a parcel. This room decides nothing
//! about consent and keeps nothing.

mod answer;
#[cfg(any(test, fuzzing))]
#[allow(unreachable_pub, reason = "reached by fuzzers")]
pub(crate) mod fuzzing;
mod http;
pub(crate) mod otlp;

pub(crate) use http::Http;

use crate::{
    consent::{ErasurePermit, ErasureWatch, Permit, Scope, Watch},
    journal::Batch,
};
use std::time::Duration;

/// Bytes that may leave, with the permit that lets them.
///
/// A transport is handed one and can't make one, copy one, or keep one past its call:
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

/// What a parcel holds, with the proof that it may leave.
#[derive(Debug)]
enum Load<'b> {
    /// What waited, and the permit whose life lock is held until the parcel is gone.
    Batch(&'b Batch, Permit),
    /// The ids of records that the person wants erased, as the wish has them.
    Erasure { body: Vec<u8>, errand: ErasurePermit },
}

/// An eye on what lets a parcel leave.
#[derive(Debug, Clone)]
pub(crate) enum Eye {
    Grant(Watch),
    StoredRequest(ErasureWatch),
}

impl Eye {
    pub(crate) fn stands(&self) -> bool {
        match self {
            Eye::Grant(watch) => watch.stands(),
            Eye::StoredRequest(vigil) => vigil.stands(),
        }
    }
}

impl<'b> Parcel<'b> {
    /// Seals a batch with the permit for it; `None` if the permit is for another scope or epoch.
    pub(crate) fn seal(permit: Permit, batch: &'b Batch) -> Option<Self> {
        let covered = permit.covers(batch.scope(), batch.generation(), batch.epoch());
        covered.then_some(Parcel { load: Load::Batch(batch, permit) })
    }

    /// A request that names the records of a wish. Takes no bytes from anyone: the body is written here, from the ids in
    /// the errand and what every request of the scope says; `None` if the errand is another scope's.
    pub(crate) fn erasure(errand: ErasurePermit, service: &otlp::Service, scope: Scope) -> Option<Self> {
        if errand.wish().is.scope != scope.name() {
            return None;
        }
        let body = otlp::erasure(service, scope, errand.wish().uids());
        Some(Parcel { load: Load::Erasure { body, errand } })
    }

    /// The bytes of the request's body, exactly as the manifest shows them.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        match &self.load {
            Load::Batch(batch, _) => batch.body(),
            Load::Erasure { body, .. } => body,
        }
    }

    /// A random key, the same at every try of this request and never used again.
    #[must_use]
    pub fn idempotency_key(&self) -> &str {
        match &self.load {
            Load::Batch(batch, _) => batch.key(),
            Load::Erasure { errand, .. } => &errand.wish().is.key,
        }
    }

    /// The consent scope the bytes belong to.
    #[must_use]
    pub fn scope(&self) -> &str {
        match &self.load {
            Load::Batch(batch, _) => batch.scope(),
            Load::Erasure { errand, .. } => &errand.wish().is.scope,
        }
    }

    /// Whether it asks for records to be erased, and holds no report.
    #[must_use]
    pub fn is_erasure(&self) -> bool {
        matches!(self.load, Load::Erasure { .. })
    }

    /// Whether the bytes may still leave. Ask before every slice that you hand to the operating system: the answer
    /// turns to no as soon as any process that shares the store withdraws (or takes the wish for erasure back), or this
    /// one shuts down.
    #[must_use]
    pub fn may_leave(&self) -> bool {
        self.authorization().stands()
    }

    /// The same question, for code that outlives the borrow of the parcel but not its connection.
    pub(crate) fn authorization(&self) -> Eye {
        match &self.load {
            Load::Batch(_, permit) => Eye::Grant(permit.watch().clone()),
            Load::Erasure { errand, .. } => Eye::StoredRequest(errand.vigil().clone()),
        }
    }
}

/// What moves bytes. Implement it to bring your own.
///
/// `send` must not return while anything it started could still move bytes of the parcel, and should ask
/// [`Parcel::may_leave`] before each slice: withdrawal waits for it, 500 ms at most.
///
/// A transport can be handed a parcel and can never make one, so it can't be called with data nobody agreed to.
pub trait Transport: Send + Sync + 'static {
    /// Sends one parcel and says what the receiver answered.
    ///
    /// # Errors
    /// Nobody answered: the connection failed, timed out, or consent ended under way.
    fn send(&self, parcel: Parcel<'_>) -> Result<Answer, SendError>;
}

/// What a receiver answered, as far as it matters to the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// A 2xx that is an OTLP response: done. `rejected` records will never be taken, and are not retried.
    Accepted {
        /// How many records the receiver refused (`partialSuccess.rejectedLogRecords`).
        rejected: u64,
    },
    /// Any other 2xx of the one who was meant, such as 204 or an empty 200: done as well, and the person's page says that the
    /// receiver took it and did not answer as OTLP asks. candor's own transport speaks only to whom the certificate names
    /// and to this computer; one of your own says this where it is as sure.
    Taken {
        /// How many records the receiver refused, as far as its answer can be read.
        rejected: u64,
    },
    /// A page, such as a captive portal's, or no HTTP status: kept, tried again later.
    NotOtlp,
    /// A 3xx, which is never followed: kept; the endpoint is misconfigured.
    Redirected,
    /// 408, 425, 429, 502, 503 or 504: kept, tried again after the back-off or `retry_after`, whichever is longer.
    Busy {
        /// The receiver's wish, between one second and one day.
        retry_after: Option<Duration>,
    },
    /// 500 or another 5xx: kept for three tries at most.
    ServerError {
        /// The receiver's wish, between one second and one day.
        retry_after: Option<Duration>,
    },
    /// 401, 403, 404, and every other 4xx that may be a mistake of somebody's configuration: kept; the next try is an hour
    /// later, then twice that, up to a day, until the week is over.
    Refused,
    /// 410: dropped, and the scope stops until the next version of the application.
    Gone,
    /// 413: split in halves; a single record is dropped.
    TooLarge,
    /// The receiver read it and will never take it (422, or 400 with the status that OTLP asks for): dropped.
    Rejected,
}

/// Why nobody answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// Consent ended or the program is shutting down; the connection was reset.
    #[error("stopped under way: consent ended, or the program is shutting down")]
    Stopped,
    /// The receiver could not be reached, or the exchange broke off.
    #[error("no answer: {0}")]
    Network(String),
    /// The receiver took too long.
    #[error("no answer in time ({0})")]
    TimedOut(&'static str),
    /// The transport panicked, with these words; candor says this, and counts it as a failure like any other.
    #[error("the transport panicked: {0}")]
    Panicked(String),
}
