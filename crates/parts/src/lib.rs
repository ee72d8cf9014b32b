//! Tests of a program whose scopes and events come from two packages. A library that omits `library:` in its scope
//! would report in the program's name. So the program must list its own packages.
#![cfg(test)]

#[path = "../../../examples/support/controller.rs"]
mod controller;

use candor::{AddressLog, Answer, Audience, Client, Config, Controller, Erasure, Parcel, SendError, Transport};
use candor_parts_events::{FORMATS, Failed};

candor::scope! {
    /// Find out how large libraries are, so that the common size is fast.
    pub USAGE = "usage" {
        title: "Library sizes", revision: 1, about: installation, retention: 30 days,
        benefit: "Faster lists", other_uses: none,
    }
}

/// The library was opened.
#[derive(candor::Event)]
#[event(name = "library.opened", scope = USAGE, linkage = none)]
struct Opened {
    /// Whether it is sorted.
    sorted: bool,
}

struct Nowhere;

impl Transport for Nowhere {
    fn send(&self, _: Parcel<'_>) -> Result<Answer, SendError> {
        Err(SendError::Network("there is nobody".into()))
    }
}

fn config(home: &std::path::Path) -> Config {
    Config::new("org.example.player", controller::CONTROLLER, Audience::Adults)
        .transport("nowhere", Nowhere)
        .directories(home.join("data"), home.join("config"))
        .lift_ci_block()
}

#[test]
fn a_package_that_nobody_named_is_not_the_programs() {
    let home = tempfile::tempdir().unwrap();
    let refused = [
        Client::new(config(home.path())),
        Client::new(config(home.path()).packages(["candor-parts"])),
        Client::new(config(home.path()).packages(["candor-parts-events"])),
        Client::new(config(home.path()).packages(["another"])),
    ];
    for client in refused {
        let error = client.unwrap_err();
        assert!(error.is_configuration(), "{error}");
        let said = error.to_string();
        for part in ["candor-parts", "packages([", "library: {"] {
            assert!(said.contains(part), "not {part}: {said}");
        }
    }
    let both = Client::new(config(home.path())).unwrap_err().to_string();
    assert!(both.contains("`candor-parts` and `candor-parts-events`"), "{both}");
    let locked = candor::lock::check(home.path(), config(home.path()));
    assert!(locked.unwrap_err().to_string().contains("candor-parts-events"), "the lock says so too");
}

#[test]
fn one_line_names_the_programs_own_packages() {
    let home = tempfile::tempdir().unwrap();
    let client = Client::new(config(home.path()).packages(["candor-parts", "candor-parts-events"])).unwrap();
    for scope in [USAGE, FORMATS] {
        client.grant(scope).unwrap();
    }
    client.record_durable(Failed { again: true });
    client.record_durable(Opened { sorted: true });
    let page = client.manifest().unwrap();
    for scope in [USAGE, FORMATS] {
        assert_eq!(page.scope(scope).unwrap().waiting.len(), 1, "{}", scope.name());
    }
}
