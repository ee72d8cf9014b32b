//! Runs the whole program next to a program that uses candor, and on the records of such a program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, and says where"
)]

mod agreed;
mod listen;
mod stage;
mod verify;
