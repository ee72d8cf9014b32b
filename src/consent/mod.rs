//! Consent: who agreed to what, when, and whether the agreement is valid now. Sends nothing and never sees an event's values.
//!
//! This folder alone decides whether data may be stored and whether it may be sent, so it can be audited on its own:
//!
//! - `agreement`: what a person agrees to. Scopes, contracts, the check whether a build would do more, and the notice they read.
//! - `records`: the files. The history, the snapshot, the high-water marks, the life locks, the erasure requests, and their
//!   recovery.
//! - `constraints`: what narrows an agreement. The environment and administrators' rules. Nothing in it grants.
//! - `proof`: what a person can keep and verify. Receipts, the export of all decisions, and its verification.
//! - `state`: what holds now. The status of a scope, gates, permits, questions, and decisions that are not written yet.
//!
//! Each of these uses only those above it in the list.
//!
//! Any doubt closes a scope. The functions here act on the process-wide client; [`Client`](crate::Client) has the same ones.

mod agreement;
mod constraints;
#[cfg(any(test, fuzzing))]
#[allow(unreachable_pub, reason = "reached by fuzzers")]
pub(crate) mod fuzzing;
mod json;
mod proof;
mod records;
mod state;

// The functions of the process-wide client are in a higher-level module. They are re-exported here because users look for them
// here.
pub use crate::decisions::*;
pub use agreement::compatibility::{Change, Effect};
pub(crate) use agreement::compatibility::{Comparison, Projection, compare};
pub(crate) use agreement::contract::Contract;
pub use agreement::controller::{AddressLog, Audience, Controller, Erasure};
pub use agreement::grant::Grant;
pub(crate) use agreement::languages::Languages;
pub use agreement::notice::Notice;
pub(crate) use agreement::party::Party;
pub(crate) use agreement::schema::ContractSchema;
pub use agreement::scope::{About, Library, LinkedScope, Scope, ScopeStatic, ScopeWords, UseAnswer, Uses};
pub(crate) use agreement::scope::{MAX_SCOPES, ScopeKey, is_device, is_name, linked as linked_scopes};
pub(crate) use agreement::terms::{
    EventTerms, FieldTerms, ItemTerms, SENT_LOG_DAYS, SnapshotTerms, WAITING_DAYS, counts_days_of, sent_log_days,
};
pub(crate) use constraints::environment::{Constraints, VARIABLES, block};
pub(crate) use json::{canonical, digest};
pub use proof::export::Receipts;
pub use proof::receipt::{Destroyed, Receipt};
pub use proof::verify::{Flaw, UNDETECTABLE, Verdict, Wrong, verify};
pub use records::entry::Decision;
#[cfg(all(test, unix))]
pub(crate) use records::entry::Line;
pub(crate) use records::entry::{Details, EVERY_SCOPE, NoticeLanguage, Statement, answers};
pub use records::erasure_request::WhyGivenUp;
pub(crate) use records::erasure_request::{
    Changing, MOST_UIDS, NAMES_MOST, Outcome, Particulars, StoredRequest, Uid, joined, separate,
};
pub(crate) use records::failed::Failed;
pub(crate) use records::ledger::{Held, Ledger};
#[cfg(all(test, unix))]
pub(crate) use records::reading::History;
pub(crate) use records::reading::{Records, Sound};
pub(crate) use records::snapshot::Entry;
pub(crate) use records::tombstone::Tombstone;
pub use records::unconfirmed::Unconfirmed;
pub(crate) use records::unconfirmed::not_taken;
pub(crate) use records::writing::Narrowing;
pub(crate) use state::asking::LATER_MOST;
pub(crate) use state::asking::Question;
pub use state::asking::{MayAsk, WhyNot};
pub(crate) use state::close_reason::CloseReason;
pub(crate) use state::consent::{Consent, OpenScope, Patience, Place};
pub use state::erasure::{ErasureRequest, ErasureState, ErasureStatus};
pub(crate) use state::look::Looking;
pub(crate) use state::permit::UNKNOWN_EPOCH;
pub(crate) use state::permit::{Admission, ErasurePermit, ErasureWatch, Permit, Watch};
pub use state::status::{State, Status};
pub use state::undeclared::Undeclared;
