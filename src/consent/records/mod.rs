//! The files that store decisions: history, snapshot, high-water marks, life locks, and the recovery of these files.
//!
//! This module stores and checks decisions. It never asks the person, never sends data, and never decides what a decision
//! means for the program.

pub(crate) mod entry;
pub(crate) mod high_water;
pub(crate) mod ledger;
pub(crate) mod life_lock;
pub(crate) mod recovery;
pub(crate) mod unique_keys;
