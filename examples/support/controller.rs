//! The controller of the data in tests and examples. A file that includes it imports the types, from candor or from its modules.
#![allow(dead_code, reason = "each includes what it uses")]

use super::{AddressLog, Controller, Erasure};

pub(crate) const CONTROLLER: Controller = by("Example SAS", "privacy@example.org", "FR");

/// The same for another company, another contact or another country.
pub(crate) const fn by(legal_name: &'static str, contact: &'static str, country: &'static str) -> Controller {
    Controller::new(legal_name, contact, country)
        .address("1 rue de l'Exemple, Paris")
        .processors(&[])
        .hosting_countries(&["FR"])
        .onward_sharing(&[])
        .address_log(AddressLog::NotKept)
        .erasure(Erasure::Unsupported)
}
