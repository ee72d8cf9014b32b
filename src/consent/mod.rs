//! Who agreed to what, when, and whether that holds now. Sends nothing, and never sees an event's values.
//!
//! The whole answer to "may this be kept?" and "may this leave?" is in this folder, so that it can be audited alone:
//!
//! - `agreement`: what is agreed to. Scopes, contracts, whether a build would do more, the notice that a person reads.
//! - `records`: the files. The history, the snapshot, the high-water marks, the life locks, and their recovery.
//! - `state`: what holds now. The status of a scope, gates and permits, questions, and decisions that are still to be written.
//! - `constraints`: what narrows whatever was agreed to. The environment and administrators' rules. Nothing there grants.
//! - `proof`: what a person can keep and have checked. Receipts, the export of all decisions, and its verification.
//! - `erasure`: what the recipient is asked to delete.
//!
//! Doubt means no, everywhere. The functions here speak for the process-wide client; [`Client`](crate::Client) has the same ones.

mod agreement;
mod constraints;
mod erasure;
#[cfg(any(test, fuzzing))]
#[allow(unreachable_pub, reason = "reached by fuzzers")]
pub(crate) mod fuzzing;
mod proof;
mod records;
mod state;

pub use agreement::contract::{AddressLog, Audience, Controller, Erasure};
pub use erasure::status::{ErasureRequest, ErasureState, ErasureStatus};
pub use proof::export::Receipts;
pub use state::asking::{MayAsk, WhyNot};
pub(crate) use state::close_reason::CloseReason;
// What the process-wide client does is in a room far above, and named here, since this is where people look for it.
pub use crate::decisions::*;
pub use agreement::compatibility::{Change, Effect};
pub(crate) use agreement::compatibility::{Comparison, Projection, compare};
pub(crate) use agreement::contract::{
    COUNTS_DAYS, Contract, EventTerms, FieldTerms, ItemTerms, Party, SENT_LOG_DAYS, WAITING_DAYS, canonical, digest,
    sent_log_days,
};
pub(crate) use agreement::languages::Languages;
pub use agreement::notice::Notice;
pub(crate) use agreement::schema::ContractSchema;
pub use agreement::scope::{About, Answer, Library, LinkedScope, Scope, ScopeStatic, ScopeWords, Uses};
pub(crate) use agreement::scope::{MAX_SCOPES, is_device, is_name, linked as linked_scopes};
pub(crate) use constraints::environment::{Constraints, VARIABLES, block};
pub(crate) use erasure::request::{
    MOST_UIDS, NAMES_MOST, Outcome, Particulars, StoredRequest, Uid, Why, joined, separate,
};
pub use proof::receipt::{Destroyed, Receipt};
pub(crate) use proof::receipt::{NOT_TAKEN, not_taken};
pub use proof::verify::{Flaw, UNDETECTABLE, Verdict, Wrong, verify};
#[cfg(all(test, unix))]
pub(crate) use records::entry::Line;
pub(crate) use records::entry::{Decision, Details, EVERY_SCOPE, answers};
#[cfg(all(test, unix))]
pub(crate) use records::ledger::History;
pub(crate) use records::ledger::{
    Entry, Failed, Held, Ledger, Narrowing, NoticeLanguage, Records, Sound, Statement, Tombstone,
};
pub(crate) use state::answer::short;
pub use state::answer::{Grant, State, Status};
pub(crate) use state::asking::LATER_MOST;
pub(crate) use state::asking::Question;
pub(crate) use state::consent::{Consent, Looking, OpenScope, Patience, Place};
pub(crate) use state::permit::UNKNOWN_EPOCH;
pub(crate) use state::permit::{Admission, ErasurePermit, ErasureWatch, Permit, Watch};
pub use state::undeclared::Undeclared;
