//! Tests of the whole program: every figure against a slow second computation, hostile inputs, the page and its words.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, and says where"
)]

mod agreement;
mod classes;
mod hostile;
mod otlp;
mod page;
mod program;
mod reach;
mod reference;
mod scope;
mod tidy;
mod verdict;
