//! Tests every privacy class against a second, slower implementation of its rules, through the public interface only.
//!
//! `slow` computes what a class must return in simple, slow ways: by decimal expansions, by strings, by another
//! calendar, by lists of network blocks. `checker` compares the two and tests the properties that all classes share.
//! Classes that are wrong on purpose (`controls`) show that it finds what it looks for. The other modules test what
//! is built on the classes: words, contracts, items, codes and damaged secrets. No test reads the crate's tables, and
//! no test opens a socket.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, and says where"
)]

#[path = "../../src/tests/start.rs"]
mod start;

// Support for the tests.
mod checker;
mod lab;
mod numbers;
mod slow;
mod tally;

// The classes.
mod controls;
mod dates;
mod ladders;
mod parts;
mod texts;

// What is built on the classes.
mod clocks;
mod coarser;
mod codes;
mod items;
mod secrets;
mod specs;
mod words;
