//! Syncthing, which keeps folders equal: 112 values a day, under a random id, off until the person agrees.

use crate::program::{Answer::*, Program};
use candor::{Client, Event, Snapshot};

candor::scope! {
    /// Find out how folders are set up, so that the settings that people use are kept.
    pub FOLDERS = "syncthing.folders" {
        title: "Settings of folders", revision: 1, about: installation, retention: 90 days,
        benefit: "The settings that you use are kept", other_uses: none,
    }
    /// Find out on what it runs and how devices connect, so that connections become better.
    pub DEVICES = "syncthing.devices" {
        title: "Devices and connections", revision: 1, about: installation, retention: 90 days,
        benefit: "Faster connections", other_uses: none,
    }
}

const RELEASES: &[&str] = &["1.29.7", "1.30.0", "2.0.10", "2.0.12", "2.0.13", "2.0.14", "2.1.0", "2.1.1"];

/// It ran on this day.
#[derive(Event)]
#[event(name = "syncthing.day", scope = DEVICES, once = day)]
struct Day;

/// It ran in this month.
#[derive(Event)]
#[event(name = "syncthing.month", scope = FOLDERS, once = month)]
struct Month;

/// How folders are set up: of each setting, how many folders use it.
#[derive(Snapshot, Default)]
#[snapshot(name = "syncthing.folders", scope = FOLDERS, every = month)]
struct Folders {
    /// How many folders there are.
    #[field(ladder = [0, 1, 3, 10, 30], example = 6)]
    folders: u64,
    /// How many folders use each feature.
    #[field(exact, top = 2, reason = "none, one, or several", example = 1)]
    #[map(keys = [
        "send-only", "receive-only", "encrypted", "auto-normalize", "ignore-delete", "ignore-perms", "simple-versioning",
        "external-versioning", "staggered-versioning", "trash-versioning", "scan-by-watch", "no-sparse", "no-weak-hash",
        "conflicts-off", "conflicts-limited", "no-fsync", "copy-range", "case-sensitive", "sync-ownership", "send-ownership",
        "sync-xattrs", "send-xattrs", "custom-min-free"])]
    features: Vec<(&'static str, u64)>,
    /// In which order files are pulled.
    #[field(exact, top = 2, reason = "none, one, or several", example = 1)]
    #[map(keys = ["random", "alphabetic", "smallest", "largest", "oldest", "newest"])]
    pull_order: Vec<(&'static str, u64)>,
    /// On which kind of disk folders are.
    #[field(exact, top = 2, reason = "none, one, or several", example = 1)]
    #[map(keys = ["ext", "btrfs", "zfs", "xfs", "ntfs", "apfs", "fat", "nfs", "fake"])]
    disks: Vec<(&'static str, u64)>,
    /// How many lines the patterns have that say what is left out.
    #[field(ladder = [0, 1, 10, 100], reason = "most have none", example = 4)]
    ignore_lines: u64,
    /// Which kinds of such patterns are used.
    #[field(exact, top = 1, reason = "used or not", example = 1)]
    #[map(keys = ["inverts", "folded", "deletable", "rooted", "includes", "double-stars", "stars"])]
    ignore_kinds: Vec<(&'static str, u64)>,
    /// How often folders are scanned.
    #[field(ladder = [0, 60, 3_600, 86_400], unit = "s", example = 3_600)]
    scan_every: u64,
}

/// How devices connect, and what the program runs on.
#[derive(Snapshot, Default)]
#[snapshot(name = "syncthing.devices", scope = DEVICES, every = week)]
struct Devices {
    /// Which release it is.
    #[field(release = RELEASES, example = "2.0.14")]
    release: &'static str,
    /// The operating system.
    #[field(vocabulary = ["linux", "windows", "macos", "android", "freebsd"], example = "linux")]
    os: &'static str,
    /// The kind of processor.
    #[field(vocabulary = ["amd64", "arm64", "arm", "386"], example = "amd64")]
    arch: &'static str,
    /// Where it comes from.
    #[field(vocabulary = ["project", "debian", "arch", "homebrew", "fdroid", "synology", "docker", "snap",
        "flatpak", "own"], example = "debian")]
    channel: &'static str,
    /// How many devices there are.
    #[field(ladder = [0, 1, 2, 5, 20], example = 3)]
    devices: u64,
    /// How many files there are.
    #[field(ladder = [0, 1_000, 10_000, 100_000, 1_000_000], example = 41_000)]
    files: u64,
    /// How large they are together.
    #[field(ladder = [0, 1, 10, 100, 1_000, 10_000], unit = "count", example = 120)]
    gib: u64,
    /// How much memory the computer has.
    #[field(ladder = [0, 1, 4, 16, 64], unit = "count", example = 16)]
    memory_gib: u64,
    /// How fast it reads, in MiB a second.
    #[field(ladder = [0, 50, 100, 250, 500, 1_000], unit = "count", example = 240)]
    hash_speed: f64,
    /// How many connections of each kind there are.
    #[field(exact, top = 2, reason = "none, one, or several", example = 1)]
    #[map(keys = ["tcp4", "tcp6", "quic4", "quic6", "relay"])]
    transport: Vec<(&'static str, u64)>,
    /// What kind of router is between.
    #[field(vocabulary = ["none", "full-cone", "restricted", "symmetric", "port-restricted", "unknown"], example = "none")]
    nat: &'static str,
    /// Whether relays are used.
    relays: bool,
    /// Whether the page can be opened from elsewhere.
    gui_open: bool,
    /// Whether it has a password.
    gui_password: bool,
    /// Whether it has a certificate.
    gui_tls: bool,
    /// Which colours.
    #[field(vocabulary = ["default", "dark", "black", "light"], example = "dark")]
    theme: &'static str,
    /// Whether it updates by itself.
    auto_update: bool,
    /// Whether the speed is limited.
    limited: bool,
    /// Whether devices are found in the network.
    local_discovery: bool,
    /// Whether devices are found over the internet.
    global_discovery: bool,
}

fn live(client: &Client) {
    client.record_durable(Day);
    client.record_durable(Month);
    client.record_snapshot(Folders {
        folders: 6,
        features: vec![("encrypted", 1), ("staggered-versioning", 4)],
        disks: vec![("ext", 6)],
        ignore_lines: 4,
        ignore_kinds: vec![("rooted", 2)],
        ..Folders::default()
    });
    client.record_snapshot(Devices {
        release: "v2.0.14",
        os: "linux",
        channel: "a build of marie@home",
        files: 41_332,
        gib: 122,
        hash_speed: 246.1,
        transport: vec![("relay", 1), ("quic4", 3)],
        gui_open: true,
        theme: "dark",
        ..Devices::default()
    });
}

pub(crate) const PROGRAM: Program = Program {
    name: "Syncthing",
    scopes: &[FOLDERS, DEVICES],
    live,
    arrives: &[
        "syncthing.day",
        "syncthing.month",
        "syncthing.folders.features encrypted 1",
        "syncthing.folders.features staggered-versioning 2",
        "syncthing.devices.channel other",
        "syncthing.devices.gib 100",
        "syncthing.devices.transport relay 1",
        "syncthing.devices.gui_open true",
    ],
    budgets: &[(932, 18), (928, 7)],
    questions: QUESTIONS,
};

const QUESTIONS: crate::program::Questions = &[
    ("Direct connections, or over relays?", By(&[("syncthing.devices", "transport"), ("syncthing.devices", "nat")])),
    (
        "Can the page be opened from elsewhere, and has it a password?",
        By(&[("syncthing.devices", "gui_open"), ("syncthing.devices", "gui_password")]),
    ),
    ("Which themes?", By(&[("syncthing.devices", "theme")])),
    (
        "Which patterns to leave files out?",
        By(&[("syncthing.folders", "ignore_kinds"), ("syncthing.folders", "ignore_lines")]),
    ),
    ("Which features by how many folders?", By(&[("syncthing.folders", "features"), ("syncthing.folders", "folders")])),
    ("Which versions and systems?", By(&[("syncthing.devices", "release"), ("syncthing.devices", "os")])),
    ("Which way of distribution?", By(&[("syncthing.devices", "channel")])),
    (
        "How large, and how fast?",
        By(&[("syncthing.devices", "files"), ("syncthing.devices", "gib"), ("syncthing.devices", "hash_speed")]),
    ),
];
