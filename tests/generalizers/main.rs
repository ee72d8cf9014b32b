//! Every privacy class against a second, slower reading of its rules, through the public face only.
//!
//! `slow` says what a class must answer, worked out the long way: by decimal expansions, by strings, by another
//! calendar, by lists of network blocks. `checker` holds the two side by side and knows the properties that all classes
//! share; wrong classes that are put through it on purpose (`controls`) show that it sees what it looks for. The rest
//! is about what is made of the classes: words, contracts, items, codes and damaged secrets. Nothing in here reads the
//! crate's tables, and no test opens a socket.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, and says where"
)]

#[path = "../../src/tests/start.rs"]
mod start;

// What the tests are made of.
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

// What is made of them.
mod clocks;
mod coarser;
mod codes;
mod items;
mod secrets;
mod specs;
mod words;
