//! GreptimeDB, a database: eight values each half hour, under a random id, on by default.

use crate::program::{Answer::*, Program};
use candor::{Client, Event, Snapshot};

candor::scope! {
    /// Find out how many databases run and which releases, so that the old ones are supported for as long as needed.
    pub GREPTIMEDB = "greptimedb" {
        title: "Installations", revision: 1, about: installation, retention: 90 days,
        benefit: "Support for the release that you use", other_uses: none,
    }
}

const RELEASES: &[&str] = &["0.14.4", "0.15.5", "0.16.0", "0.17.2", "1.0.0-beta.1", "1.0.0", "1.0.1", "1.1.0"];

/// The database ran on this day.
#[derive(Event)]
#[event(name = "greptimedb.day", scope = GREPTIMEDB, once = day)]
struct Day;

/// The database ran in this month.
#[derive(Event)]
#[event(name = "greptimedb.month", scope = GREPTIMEDB, once = month)]
struct Month;

/// What the database runs on.
#[derive(Snapshot)]
#[snapshot(name = "greptimedb.node", scope = GREPTIMEDB, every = week)]
struct Node {
    /// Which release it is.
    #[field(release = RELEASES, example = "1.0.0")]
    release: &'static str,
    /// The operating system.
    #[field(vocabulary = ["linux", "macos", "windows"], example = "linux")]
    os: &'static str,
    /// The kind of processor.
    #[field(vocabulary = ["x86_64", "aarch64"], example = "aarch64")]
    arch: &'static str,
    /// Whether it is part of a cluster.
    cluster: bool,
    /// How many computers the cluster has.
    #[field(ladder = [1, 2, 4, 8, 16], reason = "a power of two names no cluster", example = 3)]
    nodes: Option<u64>,
    /// For how long it has run.
    #[field(age, example = 12)]
    uptime: u64,
}

fn live(client: &Client) {
    client.record_durable(Day);
    client.record_durable(Month);
    client.record_snapshot(Node {
        release: "1.0.0",
        os: "linux",
        arch: "aarch64",
        cluster: true,
        nodes: Some(5),
        uptime: 40,
    });
}

pub(crate) const PROGRAM: Program = Program {
    name: "GreptimeDB",
    scopes: &[GREPTIMEDB],
    live,
    arrives: &[
        "greptimedb.day",
        "greptimedb.month",
        "greptimedb.node.release 1.0.0",
        "greptimedb.node.nodes 4",
        "greptimedb.node.uptime 30",
        "greptimedb.node.cluster true",
    ],
    budgets: &[(188, 2)],
    questions: QUESTIONS,
};

const QUESTIONS: crate::program::Questions = &[
    ("How many installations are alive?", By(&[("greptimedb.day", ""), ("greptimedb.month", "")])),
    ("Which share has which version?", By(&[("greptimedb.node", "release")])),
    ("Which system and processor?", By(&[("greptimedb.node", "os"), ("greptimedb.node", "arch")])),
    ("Alone or in a cluster?", By(&[("greptimedb.node", "cluster")])),
    ("How large are clusters?", By(&[("greptimedb.node", "nodes")])),
    ("How long do servers stay up?", By(&[("greptimedb.node", "uptime")])),
];
