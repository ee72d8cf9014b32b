//! The files that decisions are kept in: history, snapshot, high-water marks, life locks, and their recovery.

pub(crate) mod entry;
pub(crate) mod high_water;
pub(crate) mod ledger;
pub(crate) mod life_lock;
pub(crate) mod recovery;
pub(crate) mod unique_keys;
