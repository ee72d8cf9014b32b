//! InfluxDB 3 Core, a database: 41 values an hour, under the id of its catalogue, on by default.

use crate::program::{Answer::*, Program, Why};
use candor::{Client, Event, Snapshot};

candor::scope! {
    /// Find out under which load databases run, so that this load is fast.
    pub LOAD = "influxdb.load" {
        title: "Load", revision: 1, about: installation, retention: 90 days, benefit: "A faster database", other_uses: none,
    }
    /// Find out on what databases run and what they hold, so that this is tested.
    pub SETUP = "influxdb.setup" {
        title: "Set-up", revision: 1, about: installation, retention: 90 days,
        benefit: "Releases that were tested on a computer like yours", other_uses: none,
    }
}

const RELEASES: &[&str] = &["3.0.3", "3.1.0", "3.2.1", "3.3.0", "3.4.0", "3.5.0", "3.6.0", "3.7.0"];

/// The database ran on this day.
#[derive(Event)]
#[event(name = "influxdb.day", scope = SETUP, once = day)]
struct Day;

/// The load of the database in a week. It is measured each minute.
#[derive(Snapshot)]
#[snapshot(name = "influxdb.load", scope = LOAD, every = week)]
struct Load {
    /// How busy the processors were, in per cent.
    #[field(ladder = [0, 5, 20, 50, 80], example = 37)]
    #[gauge(mean, max)]
    cpu: f64,
    /// How much memory was used.
    #[field(ladder = [0, 256, 1_024, 4_096, 16_384, 65_536], unit = "count", example = 900)]
    #[gauge(mean, max)]
    memory_mib: f64,
    /// How many requests to write came in a minute.
    #[field(ladder = [0, 1, 10, 100, 1_000, 10_000], example = 60)]
    #[gauge(min, mean, max)]
    writes: u64,
    /// How many lines were written in a minute.
    #[field(ladder = [0, 1, 100, 10_000, 1_000_000], example = 6_000)]
    #[gauge(min, mean, max)]
    lines: u64,
    /// How many MiB were written in a minute.
    #[field(ladder = [0, 1, 10, 100, 1_000], example = 3)]
    #[gauge(min, mean, max)]
    written_mib: f64,
    /// How many queries were made in a minute.
    #[field(ladder = [0, 1, 10, 100, 1_000], example = 6)]
    #[gauge(min, mean, max)]
    queries: u64,
}

/// What the database runs on, and what it holds.
#[derive(Snapshot, Default)]
#[snapshot(name = "influxdb.setup", scope = SETUP, every = month)]
struct Setup {
    /// Which release it is.
    #[field(release = RELEASES, example = "3.5.0")]
    release: &'static str,
    /// The operating system.
    #[field(vocabulary = ["linux", "macos", "windows"], example = "linux")]
    os: &'static str,
    /// How many processors there are.
    #[field(ladder = [1, 2, 4, 8, 16, 32, 64], reason = "a power of two names no computer", example = 8)]
    cores: u64,
    /// Where it keeps its data.
    #[field(vocabulary = ["memory", "file", "s3", "google", "azure"], example = "s3")]
    storage: &'static str,
    /// Whether the engine for plug-ins is there.
    python: bool,
    /// How it was started.
    #[field(vocabulary = ["auto", "docker", "kubernetes", "systemd", "shell", "installer"], example = "docker")]
    started_by: &'static str,
    /// For how long it has run.
    #[field(age, example = 12)]
    uptime: u64,
    /// How many Parquet files it has.
    #[field(ladder = [0, 100, 10_000, 1_000_000], example = 3_000)]
    parquet_files: u64,
    /// How large they are.
    #[field(byte_size, example = 2_000_000_000)]
    parquet_bytes: u64,
    /// How many rows they hold.
    #[field(ladder = [0, 1_000_000, 100_000_000, 10_000_000_000], example = 40_000_000)]
    parquet_rows: u64,
    /// How many triggers of each type.
    #[field(ladder = [0, 1, 2, 10], reason = "most have none", example = 1)]
    #[map(keys = ["wal", "schedule", "request", "table"])]
    triggers: Vec<(&'static str, u64)>,
    /// Which of the published plug-ins and usual packages are installed.
    #[field(exact, top = 1, reason = "it is there or it is not", example = 1)]
    #[map(keys = ["pandas", "numpy", "requests", "scipy", "prophet", "downsampler", "notifier", "system_metrics"])]
    packages: Vec<(&'static str, u64)>,
}

fn live(client: &Client) {
    client.record_durable(Day);
    for (cpu, writes) in [(2.0, 50), (91.5, 2_000), (11.0, 60)] {
        client.record_snapshot(Load {
            cpu,
            memory_mib: 900.0,
            writes,
            lines: writes * 100,
            written_mib: 0.5,
            queries: 6,
        });
    }
    client.record_snapshot(Setup {
        release: "3.5.0",
        os: "linux",
        cores: 8,
        storage: "s3",
        started_by: "docker",
        uptime: 12,
        parquet_rows: 40_000_000,
        triggers: vec![("wal", 3)],
        packages: vec![("pandas", 1), ("acme-internal-billing", 1)],
        ..Setup::default()
    });
}

pub(crate) const PROGRAM: Program = Program {
    name: "InfluxDB 3 Core",
    scopes: &[LOAD, SETUP],
    live,
    arrives: &[
        "influxdb.day",
        "influxdb.load.cpu.max 80",
        "influxdb.load.writes.min 10",
        "influxdb.load.writes.max 1000",
        "influxdb.setup.storage s3",
        "influxdb.setup.triggers wal 2",
        "influxdb.setup.packages other 1",
    ],
    budgets: &[(782, 6), (642, 8)],
    questions: QUESTIONS,
};

const QUESTIONS: crate::program::Questions = &[
    (
        "How much load in a minute: requests, lines, MB, queries, with mean, least and most?",
        By(&[
            ("influxdb.load", "writes"),
            ("influxdb.load", "lines"),
            ("influxdb.load", "written_mib"),
            ("influxdb.load", "queries"),
        ]),
    ),
    (
        "Which system, version, cores and storage?",
        By(&[
            ("influxdb.setup", "os"),
            ("influxdb.setup", "release"),
            ("influxdb.setup", "cores"),
            ("influxdb.setup", "storage"),
        ]),
    ),
    ("How much processor and memory?", By(&[("influxdb.load", "cpu"), ("influxdb.load", "memory_mib")])),
    (
        "How much data is in Parquet?",
        By(&[
            ("influxdb.setup", "parquet_bytes"),
            ("influxdb.setup", "parquet_rows"),
            ("influxdb.setup", "parquet_files"),
        ]),
    ),
    ("Which types of trigger are in use?", By(&[("influxdb.setup", "triggers")])),
    ("How was it started?", By(&[("influxdb.setup", "started_by")])),
    (
        "Which plug-ins and packages?",
        Partly(
            &[("influxdb.setup", "packages")],
            Why::Names,
            "of plug-ins that a person wrote only their number is told, as `other`",
        ),
    ),
    ("How long does it run?", By(&[("influxdb.setup", "uptime")])),
];
