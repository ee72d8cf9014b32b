//! The program run as a whole: every figure against a slow second computation, hostile inputs, the page, its words, and
//! histories that are checked.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, and says where"
)]

mod agreed;
mod agreement;
mod hostile;
mod otlp;
mod page;
mod program;
mod reference;
mod stage;
mod tidy;
mod verify;
