//! The contracts of this build: what each linked scope would ask a person to agree to. Made from the linked types and a
//! [`Config`] alone, so that a client, and a test that has no client, get the same ones. Touches no file, reads no clock,
//! opens no connection, and decides nothing.

use crate::{
    config::{Config, check_controller},
    consent::{Contract, EventTerms, FieldTerms, ItemTerms, Languages, Party, Scope},
    error::{Error, Kind},
    event::{Registry, Schema},
    transport::Http,
};
use std::sync::Arc;

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
        languages: Arc::new(Languages::new(&config.interface_language, &config.written_in, &config.translations)?),
    })
}

/// The contract of each linked scope, sorted by its name: a library's with its own controller and endpoint, and allowed
/// only if the program says so.
///
/// # Errors
/// A library names no usable controller or endpoint, or a translation is not whole.
pub(crate) fn all(registry: &Registry, party: &Party, config: &Config) -> Result<Vec<Contract>, Error> {
    let contract = |scope: &Scope| {
        let allowed = !scope.is_of_library() || config.allowed.contains(scope);
        let events: Vec<EventTerms> = registry.schemas_of(*scope).map(event_terms).collect();
        let mut contract = Contract::new(&party_of(*scope, party)?, *scope, &events);
        contract.allowed = allowed;
        Ok(contract)
    };
    let contracts: Vec<Contract> = registry.scopes().iter().map(contract).collect::<Result<_, Error>>()?;
    party.languages.check(&contracts)?;
    Ok(contracts)
}

fn party_of(scope: Scope, party: &Party) -> Result<Party, Error> {
    let Some(library) = scope.library() else { return Ok(party.clone()) };
    let address = check_controller(&library.controller).and_then(|()| Http::address(library.endpoint));
    let endpoint = address.map_err(|why| Kind::Library { scope: scope.name(), why })?;
    Ok(Party { controller: library.controller, endpoint, ..party.clone() })
}

fn event_terms(schema: &'static Schema) -> EventTerms {
    EventTerms {
        name: schema.name(),
        doc: schema.doc(),
        linkage: schema.linkage().name(),
        linkage_says: schema.linkage().say(),
        until: schema.until(),
        item: schema.item().map(|item| ItemTerms {
            name: item.name,
            doc: item.doc,
            one_in: item.one_in,
            domain: item.domain,
            reason: item.reason,
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
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Arc, Languages, party_of};
    use crate::consent::{
        About, AddressLog, Answer, Audience, Controller, Erasure, Library, Party, Scope, ScopeStatic, ScopeWords, Uses,
    };

    const CONTROLLER: Controller = Controller {
        legal_name: "Codec Library e.V.",
        address: "Berlin",
        country: "DE",
        contact: "privacy@codeclib.example",
        data_protection_officer: None,
        authority: None,
        processors: &[],
        hosting_countries: &["DE"],
        transfer_safeguard: None,
        onward_sharing: &[],
        address_log: AddressLog::NotKept,
        erasure: Erasure::Unsupported,
    };

    fn scope(controller: Controller, endpoint: &'static str) -> Scope {
        let words = ScopeWords {
            name: "codeclib.formats",
            constant: "CODECS",
            title: "",
            purpose: "",
            benefit: "",
            revision: 1,
            about: About::Installation,
            retention_days: 1,
            uses: Uses {
                training: Answer::No,
                sale_or_sharing: Answer::No,
                advertising: Answer::No,
                profiling: Answer::No,
                judging_workers: Answer::No,
            },
            also_never: &[],
        };
        Scope::of(Box::leak(Box::new(ScopeStatic::new(words).of_library(Library { controller, endpoint }))))
    }

    #[test]
    fn a_library_names_a_recipient_that_a_person_could_judge() {
        let party = Party {
            application: "org.example.player".into(),
            service_version: None,
            controller: Controller { legal_name: "Example Player SAS", ..CONTROLLER },
            audience: Audience::Adults,
            endpoint: "https://telemetry.example.org/v1/logs".into(),
            validity_days: 365,
            languages: Arc::new(Languages::new("en", "en", &[]).unwrap()),
        };
        let library = party_of(scope(CONTROLLER, "https://codeclib.example"), &party).unwrap();
        assert_eq!(
            (library.controller.legal_name, library.endpoint.as_str()),
            ("Codec Library e.V.", "https://codeclib.example/v1/logs")
        );
        assert_eq!(library.application, party.application);
        for (controller, endpoint, said) in [
            (CONTROLLER, "http://codeclib.example", "it is not https"),
            (Controller { legal_name: " ", ..CONTROLLER }, "https://codeclib.example", "`legal_name` is empty"),
            (Controller { country: "Germany", ..CONTROLLER }, "https://codeclib.example", "ISO 3166-1"),
        ] {
            let error = party_of(scope(controller, endpoint), &party).unwrap_err();
            assert!(error.is_configuration(), "{error}");
            let text = error.to_string();
            assert!(
                text.contains("the library's scope `codeclib.formats` can't be used") && text.contains(said),
                "{text}"
            );
        }
    }
}
