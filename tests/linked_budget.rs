//! Two events whose codes can be matched form one long row. Together they must keep the budget of one event, or the
//! program is rejected. Linked events belong to a whole program, so this test is a program of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed, and says where")]

#[path = "../examples/support/controller.rs"]
mod controller;

use candor::{
    AddressLog, Answer, Audience, Client, Config, Controller, Erasure, Event, Parcel, SendError, Transport,
    event::Linkage,
};

candor::scope! {
    /// Find out which home servers drop connections, so that we handle those better.
    pub CONNECTIVITY = "connectivity" {
        title: "Connection problems", revision: 1, about: installation, retention: 30 days,
        benefit: "Fewer lost connections", other_uses: none,
    }
}

/// A server was lost.
#[derive(Event)]
#[event(name = "server.lost", scope = CONNECTIVITY, linkage = month)]
pub struct Lost {
    /// Which one.
    #[field(hash, domain = "server", example = "nas.local")]
    server: String,
    /// How often.
    #[field(count, example = 3)]
    times: u32,
    /// How long it took to notice.
    #[field(latency, example = 120)]
    after: u32,
}

/// A server was found.
#[derive(Event)]
#[event(name = "server.found", scope = CONNECTIVITY, linkage = month)]
pub struct Found {
    /// Which one.
    #[field(hash, domain = "server", example = "nas.local")]
    server: String,
    /// How many there are.
    #[field(count, example = 3)]
    of: u32,
}

/// A server was slow: of another period, so that its codes match no others.
#[derive(Event)]
#[event(name = "server.slow", scope = CONNECTIVITY, linkage = day)]
pub struct Slow {
    /// Which one.
    #[field(hash, domain = "server", example = "nas.local")]
    server: String,
    /// How slow.
    #[field(latency, example = 120)]
    after: u32,
}

/// A disk was slow: of another name space.
#[derive(Event)]
#[event(name = "disk.slow", scope = CONNECTIVITY, linkage = month)]
pub struct Disk {
    /// Which one.
    #[field(hash, domain = "disk", example = "sda")]
    disk: String,
    /// How slow.
    #[field(latency, example = 120)]
    after: u32,
}

struct Nowhere;

impl Transport for Nowhere {
    fn send(&self, _: Parcel<'_>) -> Result<Answer, SendError> {
        Err(SendError::Network("there is nobody".into()))
    }
}

#[test]
fn events_that_say_too_much_together_are_refused_by_name() {
    let home = tempfile::tempdir().unwrap();
    // Each event alone keeps the budget, and so does every other pair.
    let outcomes = [Lost::schema(), Found::schema(), Slow::schema(), Disk::schema()].map(|schema| schema.outcomes());
    assert!(outcomes.iter().all(|outcomes| *outcomes <= 1_024), "{outcomes:?}");
    let together = outcomes[0] * outcomes[1];
    assert!(together > 1_024 && Slow::schema().linkage() == Linkage::Day);
    let start = || {
        let config =
            Config::new("org.example.player", controller::CONTROLLER, Audience::Adults).transport("nowhere", Nowhere);
        Client::new(config.directories(home.path().join("data"), home.path().join("config")).lift_ci_block())
    };
    for _ in 0..2 {
        let error = start().expect_err("too many outcomes together");
        assert!(error.is_configuration() && !error.is_store(), "{error:?}");
        let said = error.to_string();
        assert!(said.contains("server.found") && said.contains("server.lost"), "names both: {said}");
        assert!(!said.contains("server.slow") && !said.contains("disk.slow"), "and no other: {said}");
        assert!(said.contains(&together.to_string()) && said.contains("1024"), "{said}");
        assert!(said.contains("connectivity") && said.contains("`domain`"), "{said}");
    }
    // The failed start created nothing, and events that are recorded all the same are discarded.
    candor::record(Lost { server: "nas.local".into(), times: 1, after: 1 });
    candor::record(Found { server: "nas.local".into(), of: 1 });
    candor::record(Slow { server: "nas.local".into(), after: 1 });
    candor::record(Disk { disk: "sda".into(), after: 1 });
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}
