//! KDE's programs, with KUserFeedback: a report each seven days without any id, off, with four levels.

use crate::program::{Answer::*, Program};
use candor::{Client, Event, Snapshot};

candor::scope! {
    /// Find out on which computers the desktop runs, so that they are supported for as long as they are used.
    pub SYSTEM = "kde.system" {
        title: "System", revision: 1, about: installation, retention: 180 days,
        benefit: "Support for a computer like yours", other_uses: none,
    }
    /// Find out how the file manager is used, so that the views that people use become better.
    pub USAGE = "kde.usage" {
        title: "Use", revision: 1, about: installation, retention: 180 days, benefit: "Better views", other_uses: none,
    }
}

const RELEASES: &[&str] = &["6.3.5", "6.4.4", "6.4.5", "6.5.2", "6.5.4", "6.6.0", "6.6.1", "6.7.0"];

/// The desktop was used in this week.
#[derive(Event)]
#[event(name = "kde.week", scope = SYSTEM, once = week)]
struct Week;

/// The file manager was used in this week.
#[derive(Event)]
#[event(name = "kde.files.week", scope = USAGE, once = week)]
struct FilesWeek;

/// What the desktop runs on.
#[derive(Snapshot)]
#[snapshot(name = "kde.system", scope = SYSTEM, every = week)]
struct System {
    /// Which release it is.
    #[field(release = RELEASES, example = "6.5.4")]
    release: &'static str,
    /// The version of Qt.
    #[field(version = ["6.7", "6.8", "6.9", "6.10", "6.11"], example = "6.10.1")]
    qt: &'static str,
    /// The distribution.
    #[field(vocabulary = ["arch", "debian", "fedora", "kubuntu", "manjaro", "mint", "neon", "nixos", "opensuse",
        "steamos", "ubuntu"], example = "fedora")]
    distribution: &'static str,
    /// The kind of processor.
    #[field(vocabulary = ["x86_64", "aarch64"], example = "x86_64")]
    arch: &'static str,
    /// How the screen is drawn.
    #[field(vocabulary = ["wayland", "x11"], example = "wayland")]
    windowing: &'static str,
    /// Who made the graphics card.
    #[field(vocabulary = ["intel", "amd", "nvidia", "software"], example = "amd")]
    graphics: &'static str,
    /// Which OpenGL there is.
    #[field(version = ["2.0", "3.0", "4.0", "4.6"], example = "4.6")]
    opengl: &'static str,
    /// How wide the largest screen is, in points.
    #[field(ladder = [0, 1_025, 1_920, 2_560], example = 1_920)]
    width: u64,
    /// How high the largest screen is, in points.
    #[field(ladder = [0, 769, 1_080, 1_440], example = 1_080)]
    height: u64,
    /// How many screens there are.
    #[field(exact, top = 3, reason = "most have one or two", example = 2)]
    screens: u64,
    /// The language of the desktop.
    #[field(locale, example = "de-AT")]
    language: &'static str,
    /// How many panels there are.
    #[field(exact, top = 3, reason = "most have one", example = 1)]
    panels: u64,
}

/// How the file manager is used.
#[derive(Snapshot, Default)]
#[snapshot(name = "kde.files", scope = USAGE, every = week)]
struct Files {
    /// Which part of the time each view was used, in tenths.
    #[field(ladder = [0, 1, 5, 9], reason = "these are tenths of the time", example = 5)]
    #[map(keys = ["icons", "compact", "details"])]
    views: Vec<(&'static str, u64)>,
    /// For how long the program was used, in hours.
    #[field(ladder = [0, 1, 5, 20], unit = "count", example = 7)]
    hours: u64,
    /// How often it was started.
    #[field(ladder = [0, 1, 5, 20, 100], example = 12)]
    starts: u64,
    /// Whether hidden files are shown.
    hidden: bool,
    /// Whether previews are shown.
    previews: bool,
    /// Whether the view is split.
    split: bool,
    /// Whether each folder keeps its own view.
    own_views: bool,
    /// Whether a folder of the network is used.
    network: bool,
}

fn live(client: &Client) {
    client.record_durable(Week);
    client.record_durable(FilesWeek);
    client.record_snapshot(System {
        release: "6.5.4",
        qt: "6.10.1",
        distribution: "Maries own Linux",
        arch: "x86_64",
        windowing: "wayland",
        graphics: "amd",
        opengl: "4.6",
        width: 1_920,
        height: 1_080,
        screens: 2,
        language: "de_AT.UTF-8",
        panels: 1,
    });
    client.record_snapshot(Files {
        views: vec![("icons", 8), ("details", 2)],
        hours: 7,
        starts: 12,
        split: true,
        ..Files::default()
    });
}

pub(crate) const PROGRAM: Program = Program {
    name: "KDE",
    scopes: &[SYSTEM, USAGE],
    live,
    arrives: &[
        "kde.week",
        "kde.files.week",
        "kde.system.windowing wayland",
        "kde.system.distribution other",
        "kde.system.width 1920",
        "kde.system.language de",
        "kde.files.hours 5",
        "kde.files.split true",
        "kde.files.views details 1",
    ],
    budgets: &[(906, 4), (230, 3)],
    questions: QUESTIONS,
};

const QUESTIONS: crate::program::Questions = &[
    ("May a window need more than 1024 x 768?", By(&[("kde.system", "width"), ("kde.system", "height")])),
    ("Can OpenGL 2 go?", By(&[("kde.system", "opengl"), ("kde.system", "graphics")])),
    ("How fast is the move to Wayland?", By(&[("kde.system", "windowing"), ("kde.week", "")])),
    ("Which versions of Qt and of the program?", By(&[("kde.system", "qt"), ("kde.system", "release")])),
    ("Which distributions?", By(&[("kde.system", "distribution")])),
    ("Which views are used?", By(&[("kde.files", "views"), ("kde.files", "split")])),
    ("For how long is it used?", By(&[("kde.files", "hours"), ("kde.files", "starts")])),
];
