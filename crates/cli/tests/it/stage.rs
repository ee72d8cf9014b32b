//! A program that uses candor, for the tests of the commands. Its reports are never delivered.

#[path = "../../../../examples/support/controller.rs"]
mod controller;

use candor::{AddressLog, Answer, Audience, Client, Config, Controller, Erasure, Parcel, SendError, Transport};
use std::path::Path;

struct Nowhere;

impl Transport for Nowhere {
    fn send(&self, _: Parcel<'_>) -> Result<Answer, SendError> {
        Err(SendError::Network("there is nobody".into()))
    }
}

/// The program's client, with its records below `home`.
pub(crate) fn client(application: &str, home: &Path) -> Client {
    Client::new(config(application, home).transport("nowhere", Nowhere)).unwrap()
}

/// A configuration without an endpoint.
pub(crate) fn config(application: &str, home: &Path) -> Config {
    Config::new(application, controller::CONTROLLER.erasure(Erasure::WithinDays(30)), Audience::Adults)
        .directories(home.join("data"), home.join("config"))
        .lift_ci_block()
}
