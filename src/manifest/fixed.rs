//! [`StaticPage`]: the part of a scope's manifest page that is the same on every computer. A publisher can show it beside a
//! release.
//!
//! It is made from the linked types. It never reads a store and has no data about a person.

use super::{BudgetPage, EventPage};
use crate::{
    consent::Contract,
    event::Registry,
    transport::otlp::{self, Service},
};
use serde::Serialize;

/// The entries of a [`ScopePage`](super::ScopePage) that are the same wherever this build runs, under the same names.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StaticPage {
    pub(crate) name: &'static str,
    title: &'static str,
    purpose: &'static str,
    benefit: &'static str,
    notice: String,
    recipient: &'static str,
    endpoint: String,
    of_library: bool,
    retention_days: u32,
    envelope: Vec<(&'static str, String)>,
    budget: BudgetPage,
    could_send: Vec<EventPage>,
}

impl StaticPage {
    pub(crate) fn of(registry: &Registry, service: &Service, contract: &Contract) -> Self {
        let scope = contract.scope;
        let (resource, own) = otlp::envelope(service, scope);
        StaticPage {
            name: scope.name(),
            title: scope.title(),
            purpose: scope.purpose(),
            benefit: scope.benefit(),
            notice: contract.notice_or_own().text().to_owned(),
            recipient: contract.recipient(),
            endpoint: contract.endpoint().to_owned(),
            of_library: scope.is_of_library(),
            retention_days: scope.retention_days(),
            envelope: [resource, own].concat(),
            budget: BudgetPage::of(scope),
            could_send: registry.schemas_of(scope).map(super::event).collect(),
        }
    }
}
