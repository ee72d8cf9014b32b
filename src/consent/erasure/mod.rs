//! Erasure requests: what the recipient is asked to delete, and what came of it.

pub(crate) mod request;
pub(crate) mod status;
