//! Every order of the steps of a few threads, under loom: two senders in two processes, whoever withdraws, and whoever says
//! yes again. The rooms that decide are compiled from their real sources. Ends with one line `exhaustive: …`.
#![allow(dead_code, unused_imports, unreachable_pub, reason = "the rooms are compiled for a part of what they can do")]

#[path = "../../../src/ambient.rs"]
mod ambient;
#[path = "../../../src/consent/mod.rs"]
mod consent;
#[path = "../../../src/disk.rs"]
mod disk;
#[path = "../../../src/error.rs"]
mod error;
mod memory;
#[path = "../../../src/precision/mod.rs"]
mod precision;
mod scenario;
#[path = "engine.rs"]
mod sender;
mod switch;
#[path = "seam_shuttle.rs"]
mod sync;
#[path = "../../../src/withdraw.rs"]
mod withdraw;

/// The same rooms with mistakes in them.
#[allow(warnings, clippy::all)]
mod mistaken {
    pub(crate) use crate::{ambient, disk, error, memory, precision, switch, sync};
    use switch::on;
    include!(concat!(env!("OUT_DIR"), "/mistaken.rs"));
}

fn main() {}
