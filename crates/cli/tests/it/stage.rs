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
    let config = Config::new(application, controller::CONTROLLER, Audience::Adults)
        .transport("nowhere", Nowhere)
        .directories(home.join("data"), home.join("config"))
        .lift_ci_block();
    Client::new(config).unwrap()
}
