//! Switching one field of a granted scope off, or on again.

use super::withdraw::end;
use crate::{
    consent::{CloseReason, Patience, Receipt, Scope, State},
    engine::Engine,
    error::{Error, Kind},
};
use std::collections::BTreeSet;

/// Switches one field of a granted scope off, or on again. `field` is `event.field`. Pending data of the scope is
/// destroyed, and the grant stays under a new epoch. If the field is switched that way already, nothing changes.
///
/// # Errors
/// The scope has no such field, or it is not granted; or the decision could not be written.
pub(crate) fn switch(engine: &Engine, scope: Scope, field: &str, on: bool) -> Result<Receipt, Error> {
    let known: BTreeSet<String> = engine
        .registry
        .schemas_of(scope)
        .flat_map(|schema| schema.fields().iter().map(|field| format!("{}.{}", schema.name(), field.name)))
        .collect();
    let records = engine.consent.records()?;
    let state = engine.consent.state(&records, engine.consent.contract(scope)?)?;
    let state = engine.consent.state_said(state, scope);
    let status = engine.consent.status_in(scope, Ok(&records))?;
    if !known.contains(field) {
        let known: Vec<String> = known.iter().map(|field| format!("`{field}`")).collect();
        let known = if known.is_empty() { "none".into() } else { known.join(", ") };
        return Err(Kind::UnknownField { scope: scope.name().into(), field: field.into(), known }.into());
    }
    if !matches!(state, State::Granted | State::Superseded) {
        return Err(Kind::NotGranted { scope: scope.name().into() }.into());
    }
    if on != status.switched_off.iter().any(|off| off == field) {
        return engine.consent.receipt(scope);
    }
    end(engine, scope.into(), CloseReason::Switched(field, on), &Patience::new())
}
