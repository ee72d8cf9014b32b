//! How bytes leave: one function, which takes a [`Parcel`].
//!
//! A parcel is a journalled batch sealed with a permit; only `seal` makes one. [`Transport`] is the seam: the crate's
//! own speaks OTLP over HTTP, a program can bring another, and neither can make a parcel. This room decides nothing
//! about consent and keeps nothing.

mod answer;
mod http;
pub(crate) mod otlp;

pub(crate) use http::Http;

use crate::{
    consent::{Permit, Watch},
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
    batch: &'b Batch,
    // Declared last: the life lock it holds is released after everything else of the parcel is gone.
    permit: Permit,
}

impl<'b> Parcel<'b> {
    /// Seals a batch with the permit for it; `None` if the permit is for another scope or epoch.
    pub(crate) fn seal(permit: Permit, batch: &'b Batch) -> Option<Self> {
        permit.covers(batch.scope(), batch.generation(), batch.epoch()).then_some(Parcel { batch, permit })
    }

    /// The bytes of the request's body, exactly as the manifest shows them.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.batch.body()
    }

    /// A random key, the same at every try of this batch and never used again.
    #[must_use]
    pub fn idempotency_key(&self) -> &str {
        self.batch.key()
    }

    /// The consent scope the bytes belong to.
    #[must_use]
    pub fn scope(&self) -> &str {
        self.batch.scope()
    }

    /// Whether the bytes may still leave. Ask before every slice that you hand to the operating system: the answer
    /// turns to no as soon as any process that shares the store withdraws, or this one shuts down.
    #[must_use]
    pub fn may_leave(&self) -> bool {
        self.permit.watch().stands()
    }

    /// The same question, for code that outlives the borrow of the parcel but not its connection.
    pub(crate) fn watch(&self) -> Watch {
        self.permit.watch().clone()
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
    /// A 2xx that is not an OTLP response, such as a captive portal's page: kept, tried again later.
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
    /// 401, 403 or 404: kept; the next try is an hour later, then twice that, up to a day.
    Refused,
    /// 410: dropped, and the scope stops until the next version of the application.
    Gone,
    /// 413: split in halves; a single record is dropped.
    TooLarge,
    /// Any other 4xx: dropped.
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
}
