//! What threads share and how they wait, in the rooms that decide whether bytes may leave.
//!
//! One seam, so that the very code of those rooms can be run under every order of its steps: `tests/models` compiles them
//! over another file of this name. Here each name is the plain thing, and costs nothing. Decides nothing.

pub(crate) use parking_lot::Mutex;
pub(crate) use std::{
    sync::atomic::{AtomicBool, AtomicU64},
    thread::sleep,
};
