//! The contracts of this build: what each linked scope would ask a person to agree to. Made from the linked types and a
//! [`Config`] alone, so that a client, and a test that has no client, get the same ones. Touches no file, reads no clock,
//! opens no connection, and decides nothing.

use crate::{
    config::Config,
    consent::{Contract, EventTerms, FieldTerms, ItemTerms, Party, Scope},
    error::{Error, Kind},
    event::{Registry, Schema},
    transport::Http,
};

/// Where this program's reports go, as a contract names it.
///
/// # Errors
/// The program names none, or one that candor does not speak to.
pub(crate) fn recipient(config: &Config) -> Result<String, Error> {
    match (&config.transport, &config.endpoint) {
        (Some((recipient, _)), _) => Ok(recipient.clone()),
        (None, Some(endpoint)) => Http::address(endpoint),
        (None, None) => Err(Kind::NoEndpoint.into()),
    }
}

/// What is the same for every scope of the program.
///
/// # Errors
/// See [`recipient`].
pub(crate) fn party(config: &Config) -> Result<Party, Error> {
    Ok(Party {
        application: config.application.clone(),
        service_version: config.version.clone(),
        controller: config.controller,
        audience: config.audience,
        endpoint: recipient(config)?,
        validity_days: config.validity_days,
    })
}

/// The contract of each linked scope, sorted by its name.
pub(crate) fn all(registry: &Registry, party: &Party) -> Vec<Contract> {
    registry.scopes().iter().map(|scope| of(registry, party, *scope)).collect()
}

fn of(registry: &Registry, party: &Party, scope: Scope) -> Contract {
    let events: Vec<EventTerms> = registry.schemas_of(scope).map(event_terms).collect();
    Contract::new(party, scope, &events)
}

fn event_terms(schema: &'static Schema) -> EventTerms {
    EventTerms {
        name: schema.name(),
        doc: schema.doc(),
        linkage: schema.linkage().name(),
        linkage_words: schema.linkage().describe(),
        until: schema.until(),
        item: schema.item().map(|item| ItemTerms {
            name: item.name,
            doc: item.doc,
            one_in: item.one_in,
            domain: item.domain,
            words: item.describe(),
        }),
        fields: schema
            .fields()
            .iter()
            .map(|field| FieldTerms {
                name: field.name,
                doc: field.doc,
                class: field.class,
                precision: field.precision,
                optional: field.optional,
                domain: field.domain,
                reason: field.reason,
                because: field.because(),
            })
            .collect(),
    }
}
