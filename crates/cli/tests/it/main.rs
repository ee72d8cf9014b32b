//! The program run as a whole, beside a program that uses candor and over the records that it leaves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, and says where"
)]

mod agreed;
mod stage;
mod verify;
