//! What several of the programs here share. Each program declares its own scopes and events, so that a change for one of them
//! changes nothing that another one tries.

#[path = "../../../examples/support/controller.rs"]
mod controller;
pub mod strace;

use candor::{AddressLog, Controller, Erasure};
use std::{
    ops::{Deref, DerefMut},
    process::Child,
};

/// The controller of the data in these programs. It can delete single records.
pub const CONTROLLER: Controller = controller::CONTROLLER.erasure(Erasure::WithinDays(30));

/// A child process that ends at the latest when this is dropped.
#[derive(Debug)]
pub struct Ended(pub Child);

impl Deref for Ended {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Ended {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
