//! Tests of the promises. Each test works from outside: through the public API, on real files, against a real socket on loopback.
//!
//! There is one test binary. Every test has its own client, store and receiver. What belongs to a whole process (its
//! environment, its threads, `candor::init`) is tested in a child process: this binary again, running one test that is
//! ignored otherwise. No test asserts how long anything takes, except that it does not hang.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, and says where"
)]
#![cfg_attr(not(unix), allow(unused_imports, dead_code, reason = "what runs on Unix alone uses the rest"))]

#[path = "../../examples/ask_first/ask.rs"]
mod ask;
#[path = "../../src/tests/must_say.rs"]
mod must_say;
#[path = "../../examples/support/stage.rs"]
mod stage;
#[path = "../../examples/support/mod.rs"]
mod support;

// Test support.
mod child;
mod clocks;
mod events;
mod expiry;
mod files;
mod forge;
mod home;
mod server;

// Tests of the promises.
mod answers;
mod asking;
mod config;
mod consent;
mod contents;
mod counters;
mod damage;
mod delivery;
#[cfg(unix)]
mod disk;
mod due;
mod ending;
mod environment;
mod erase;
mod erase_not;
mod history;
mod identity;
mod joint;
mod journal;
mod language;
mod lock;
mod manifest;
mod messages;
mod names;
mod once;
mod outlasts;
mod outside;
#[cfg(unix)]
mod places;
mod planted;
mod policies;
mod printed;
mod proof;
mod receipts;
mod rollup;
mod shutdown;
mod snapshots;
mod silence;
#[cfg(unix)]
mod store;
mod superseded;
mod switches;
mod terminal;
mod threads;
mod sweep;
mod tidy;
mod tries;
mod unconfirmed;
mod undeclared;
mod undetectable;
mod views;
mod withdrawal;
