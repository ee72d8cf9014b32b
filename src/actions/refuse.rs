//! Writing down a no, or "later", of a person who has not said yes, and destroying what is left all the same.

use super::destroy::destroy_left;
use crate::{
    consent::{Patience, Receipt, Scope},
    engine::Engine,
    error::Error,
};
use std::time::Duration;

/// How long a no waits to be confirmed.
pub(super) const CONFIRM: Duration = Duration::from_millis(500);

pub(super) fn refuse(engine: &Engine, scope: Scope, later: bool, patience: &Patience) -> Result<Receipt, Error> {
    let receipt = engine.consent.refuse(scope, later, patience);
    if later && receipt.is_err() {
        // Nobody said no.
        return receipt;
    }
    let confirmed = engine.consent.confirm_no(scope.name(), CONFIRM);
    let destroyed = destroy_left(engine, scope, patience);
    Ok(Receipt { destroyed, ..receipt?.told(confirmed) })
}
