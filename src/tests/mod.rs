//! Tests that need access no program has: to a disk that fails, or to one that logs its calls.

#[path = "../../examples/support/controller.rs"]
mod controller;
mod cost;
mod crash;
mod drawn;
mod erase;
// The disk in memory behaves like a Unix disk. The code that it tests is the same on each platform.
#[cfg(unix)]
mod faults;
mod faulty;
#[cfg(windows)]
mod held;
mod identity;
mod fuzz;
mod looks;
mod losses;
mod looking;
mod meanwhile;
mod narrowed;
#[allow(dead_code, reason = "the simulation uses the rest of it")]
pub(crate) mod memory;
pub(crate) mod must_say;
pub(crate) mod platform;
mod reads;
mod real;
#[cfg(unix)]
mod sim;
mod spread;
mod start;
mod steps;
mod threads;
mod trouble;
mod undurable;
mod unreadable;
mod unseen;
pub(crate) mod views;
mod waits;

pub(crate) use real::real;
pub(crate) use start::every;

use crate::{AddressLog, Audience, Config, Controller, Erasure, SendError, Transport, ambient::SystemClock};
use std::{
    sync::OnceLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

crate::scope! {
    /// Find out what happens to a report when the disk fails at the worst moment.
    #[scope(crate = crate)]
    pub(crate) CRASH = "crash" {
        title: "Crash", revision: 1, about: installation, retention: 30 days, benefit: "None", other_uses: none,
    }
}

/// Something happened.
#[derive(candor_derive::Event)]
#[event(name = "crash.happened", scope = CRASH, linkage = none, crate = crate)]
pub(crate) struct Happened {
    /// How often.
    #[field(count, example = 3)]
    pub(crate) times: u32,
}

/// The numbers of the calls at which a sweep makes something fail, in ascending order.
pub(crate) fn calls() -> impl Iterator<Item = u64> {
    (0..).step_by(every())
}

/// A clock that always shows the start of the tests.
#[derive(Clone, Copy)]
pub(crate) struct Start;

impl crate::Clock for Start {
    fn now(&self) -> SystemTime {
        static START: OnceLock<i64> = OnceLock::new();
        let start = START.get_or_init(|| start::start(SystemClock.now()));
        UNIX_EPOCH + Duration::from_secs(start.unsigned_abs())
    }
}

/// A transport that never reaches a receiver.
struct Nowhere;

impl Transport for Nowhere {
    fn send(&self, _: crate::Parcel<'_>) -> Result<crate::Answer, SendError> {
        Err(SendError::Network("there is nobody".into()))
    }
}

pub(crate) fn config(home: &std::path::Path) -> Config {
    Config::new("org.example.crash", controller::CONTROLLER, Audience::Adults)
        .transport("nowhere", Nowhere)
        .directories(home.join("data"), home.join("config"))
        .clock(Start)
        .lift_ci_block()
}
