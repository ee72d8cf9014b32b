//! What holds now: the status of a scope, gates, permits, questions, and decisions that are not written yet. Never sends data.
//!
//! Each file uses only those above it in this list:
//!
//! - `close_reason`, `status`, `act`, `retries`: plain data. `permit`: gates and permits.
//! - `consent`: the state of one client, its gates and locks.
//! - `evaluate`: whether a grant is in force. `life`: life locks. `space`: room on the disk. `unwritten`: decisions that could not
//!   be written.
//! - `look`: reads the records again. `issue`: permits. `status_report`, `asking`, `receipts`, `erasure`, `undeclared`: what a
//!   person or the program is told.

pub(crate) mod act;
pub(crate) mod asking;
pub(crate) mod close_reason;
pub(crate) mod consent;
pub(crate) mod erasure;
pub(crate) mod evaluate;
pub(crate) mod issue;

pub(crate) mod life;
pub(crate) mod look;
pub(crate) mod permit;
pub(crate) mod receipts;
pub(crate) mod retries;
pub(crate) mod space;
pub(crate) mod status;
pub(crate) mod status_report;
pub(crate) mod undeclared;
pub(crate) mod unwritten;
