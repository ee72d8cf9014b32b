//! What holds now: the status of a scope, gates, permits, questions, and decisions that are not written yet. Never sends data.

pub(crate) mod answer;
pub(crate) mod asking;
pub(crate) mod close_reason;
pub(crate) mod pending;
pub(crate) mod permit;
pub(crate) mod status;
pub(crate) mod undeclared;
pub(crate) mod consent;
