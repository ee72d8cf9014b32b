//! What a person can keep and have checked: receipts, the export of all decisions, and its verification. Decides
//! nothing.

pub(crate) mod export;
pub(crate) mod parts;
pub(crate) mod receipt;
pub(crate) mod verify;
pub(crate) mod vocabulary;
