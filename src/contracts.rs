//! The contracts of this build: what each linked scope would ask a person to agree to.
//!
//! They are made only from the linked types and a [`Config`]. A client and a test without a client therefore get the same
//! contracts. This module never touches a file, reads a clock, opens a connection or decides anything.

use crate::{
    config::Config,
    consent::{Contract, EventTerms, FieldTerms, ItemTerms, Languages, Party, Scope, SnapshotTerms},
    error::{Error, Kind},
    event::{Period, Registry, Schema, Values},
    transport::Http,
};
use std::{collections::BTreeMap, sync::Arc};

/// Returns the address this program sends to, as a contract names it.
///
/// # Errors
/// The program sets no endpoint, or one that candor can't send to.
pub(crate) fn recipient(config: &Config) -> Result<String, Error> {
    match (&config.transport, &config.endpoint) {
        (Some((recipient, _)), _) => Ok(recipient.clone()),
        (None, Some(endpoint)) => Http::address(endpoint),
        (None, None) => Err(Kind::NoEndpoint.into()),
    }
}

/// Returns the part of a contract that is the same for every scope of the program.
///
/// # Errors
/// Same as [`recipient`]; and a language tag or a translation of the [`Config`] is not valid.
pub(crate) fn party(config: &Config) -> Result<Party, Error> {
    Ok(Party {
        application: config.application.clone(),
        service_version: config.version.clone(),
        controller: config.controller.checked()?,
        audience: config.audience,
        endpoint: recipient(config)?,
        validity_days: config.validity_days,
        languages: Arc::new(Languages::new(&config.interface_language, &config.written_in, &config.translations)?),
    })
}

/// Returns the contract of each linked scope, sorted by the scope's name. The contract of a library's scope has the library's
/// controller and endpoint, and is allowed only if the program allows it.
///
/// # Errors
/// Scopes or events of the program are declared by packages that it has not named as its own; a library names no usable
/// controller or endpoint; or a translation is incomplete.
pub(crate) fn all(registry: &Registry, party: &Party, config: &Config) -> Result<Vec<Contract>, Error> {
    let declared = registry.scopes().iter().flat_map(|scope| {
        let events = registry.schemas_of(*scope).map(|schema| (schema.name(), schema.package()));
        std::iter::once((scope.name(), scope.package())).chain(events).filter(|_| !scope.is_of_library())
    });
    check_packages(declared, &config.packages)?;
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

/// Checks that everything that is sent in the program's name is declared by its own packages: those in `named`, or, if `named` is
/// empty, by a single package.
///
/// `declared` has the name of each scope or event and the package that declares it. The package is `None` if a build tool other
/// than Cargo compiled it; such an entry is not checked.
fn check_packages<'d>(
    declared: impl Iterator<Item = (&'d str, Option<&'d str>)>,
    named: &[String],
) -> Result<(), Error> {
    let mut packages: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, package) in declared {
        if let Some(package) = package {
            packages.entry(package).or_insert(name);
        }
    }
    let foreign: Vec<(&&str, &&str)> =
        packages.iter().filter(|(package, _)| !named.iter().any(|named| *named == **package)).collect();
    if foreign.is_empty() || named.is_empty() && packages.len() == 1 {
        return Ok(());
    }
    let listed: Vec<String> = foreign.iter().map(|(package, _)| format!("`{package}`")).collect();
    let such_as: Vec<String> = foreign.iter().map(|(package, name)| format!("`{name}` in `{package}`")).collect();
    let found = format!("scopes and events are declared in {} ({})", joined(&listed), such_as.join(", "));
    let mut names: Vec<&str> = named.iter().map(String::as_str).collect();
    names.extend(foreign.iter().map(|(package, _)| **package));
    let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    Err(Kind::Packages { found, names: names.join(", ") }.into())
}

fn joined(words: &[String]) -> String {
    match words {
        [most @ .., last] if !most.is_empty() => format!("{} and {last}", most.join(", ")),
        _ => words.join(", "),
    }
}

fn party_of(scope: Scope, party: &Party) -> Result<Party, Error> {
    let Some(library) = scope.library() else { return Ok(party.clone()) };
    let refused = |why| Kind::Library { scope: scope.name(), why };
    let controller = library.controller.checked().map_err(refused)?;
    let endpoint = Http::address(library.endpoint).map_err(refused)?;
    Ok(Party { controller, endpoint, ..party.clone() })
}

fn event_terms(schema: &'static Schema) -> EventTerms {
    EventTerms {
        name: schema.name(),
        doc: schema.doc(),
        linkage: schema.linkage().name(),
        linkage_says: schema.says(),
        period: schema.period().map(Period::name),
        period_reason: schema.period_reason(),
        values: schema.values().map(Values::name),
        holds_back: schema.is_about_content(),
        snapshot: schema.snapshot().map(|part| SnapshotTerms {
            name: part.name,
            doc: part.doc,
            statistic: part.statistic.name(),
            keyed: part.keyed,
        }),
        until: schema.until(),
        item: schema.item().map(|item| ItemTerms {
            name: item.name,
            doc: item.doc,
            one_in: item.one_in,
            monthly: item.monthly(),
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
                at_random: schema.is_rounded_at_random(field),
                optional: field.optional,
                domain: field.domain,
                reason: field.reason,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Arc, Languages, Registry, all, check_packages, party, party_of};
    use crate::consent::{
        About, AddressLog, Audience, Controller, Erasure, Library, Party, Scope, ScopeStatic, ScopeWords, UseAnswer,
        Uses,
    };

    const CONTROLLER: Controller = by("Codec Library e.V.", "DE");

    const fn by(legal_name: &'static str, country: &'static str) -> Controller {
        Controller::new(legal_name, "privacy@codeclib.example", country)
            .address("Berlin")
            .processors(&[])
            .hosting_countries(&["DE"])
            .onward_sharing(&[])
            .address_log(AddressLog::NotKept)
            .erasure(Erasure::Unsupported)
    }

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
                training: UseAnswer::No,
                sale_or_sharing: UseAnswer::No,
                advertising: UseAnswer::No,
                profiling: UseAnswer::No,
                judging_workers: UseAnswer::No,
            },
            also_never: &[],
        };
        Scope::of(Box::leak(Box::new(ScopeStatic::new(words).of_library(Library { controller, endpoint }))))
    }

    /// A grant names a contract by its digest. The digest must be the same at every place where the store is opened: another
    /// digest would count as another contract, and every person would be asked again.
    #[test]
    fn known_answer() {
        let home = std::path::Path::new("/nowhere");
        let config = crate::tests::config(home);
        let registry = Registry::linked().unwrap();
        let contracts = all(registry, &party(&config).unwrap(), &config).unwrap();
        let crash = contracts.iter().find(|contract| contract.scope == crate::tests::CRASH).unwrap();
        assert!(crash.json.starts_with("{\"about\":\"installation\",\"address_log_days\":null,"), "{}", crash.json);
        assert_eq!(crash.digest, "06b4fb48ad2672f60c9c8f0aefb7063eca2ea321af70c129c91c1965ff99517d");
    }

    #[test]
    fn what_is_reported_is_declared_by_one_package_or_by_those_that_are_named() {
        let check = |packages: &[Option<&str>], named: &[&str]| {
            let named: Vec<String> = named.iter().map(|&name| name.to_owned()).collect();
            check_packages(packages.iter().map(|&package| ("playback", package)), &named)
        };
        let (player, events, codec) = (Some("player"), Some("player-events"), Some("codec"));
        for (packages, named) in [
            (&[][..], &[][..]),
            (&[player, player], &[]),
            // A package name is missing if another build tool compiled it; it is not checked.
            (&[None, player], &[]),
            (&[None, None], &["player"]),
            (&[player, events], &["player", "player-events"]),
            (&[player], &["player", "gone"]),
        ] {
            check(packages, named).unwrap();
        }
        for (packages, named, foreign) in [
            (&[player, codec][..], &[][..], "`codec` and `player`"),
            (&[player, events, codec], &["player", "player-events"], "in `codec` (`playback` in `codec`)"),
            (&[codec], &["player"], "in `codec`"),
        ] {
            let error = check(packages, named).unwrap_err();
            let text = error.to_string();
            assert!(error.is_configuration() && text.contains(foreign), "{text}");
            let line =
                format!("`Config::packages([{}", named.first().map_or(String::new(), |own| format!("\"{own}\", ")));
            assert!(text.contains(&line) && text.contains("library: {"), "{text}");
        }
    }

    #[test]
    fn a_library_names_a_recipient_that_a_person_could_judge() {
        let party = Party {
            application: "org.example.player".into(),
            service_version: None,
            controller: by("Example Player SAS", "DE").checked().unwrap(),
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
            (by(" ", "DE"), "https://codeclib.example", "`legal_name` is required"),
            (Controller::new("Codec Library e.V.", "", "DE"), "https://codeclib.example", "leaves out"),
            (by("Codec Library e.V.", "Germany"), "https://codeclib.example", "ISO 3166-1"),
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
