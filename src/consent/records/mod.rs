//! The files that store decisions: history, snapshot, high-water marks, tombstones, life locks, erasure requests, and the
//! recovery of these files.
//!
//! This module stores and checks decisions. It never asks the person, never sends data, and never decides what a decision
//! means for the program. Each file uses only those above it in this list:
//!
//! - `failed`, `unconfirmed`, `entry`, `snapshot`: types and their bytes.
//! - `ledger`: where the files of one store are, and looks at them. `tombstone`, `high_water`, `texts`, `shown`: one kind of file each.
//! - `reading`: what the files say together. `life_lock`. `writing`: a decision. `recovery`: what was interrupted or lost.
//! - `erasure_request`: what the person asked the recipient to delete.

pub(crate) mod entry;
pub(crate) mod erasure_request;
pub(crate) mod failed;
pub(crate) mod high_water;
pub(crate) mod ledger;
pub(crate) mod life_lock;
pub(crate) mod reading;
pub(crate) mod recovery;
pub(crate) mod shown;
pub(crate) mod snapshot;
pub(crate) mod texts;
pub(crate) mod tombstone;
pub(crate) mod unconfirmed;
pub(crate) mod writing;
