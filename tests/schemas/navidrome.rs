//! Navidrome, a music server: one report a day with some 72 values, under a random id, on by default.

use crate::program::{Answer::*, Program, Why};
use candor::{Client, Event, Snapshot, event::Tenure};

candor::scope! {
    /// Find out which platforms and which features of the music server are used, so that those are looked after.
    pub SETUP = "navidrome.setup" {
        title: "How the server is set up", revision: 1, about: installation, retention: 30 days,
        benefit: "Features that people use are kept", other_uses: none,
    }
    /// Find out how large music libraries are and what is in them, so that those sizes are fast.
    pub LIBRARY = "navidrome.library" {
        title: "Sizes and formats", revision: 1, about: installation, retention: 30 days,
        benefit: "A server that is fast with a library like yours", other_uses: none,
    }
}

const RELEASES: &[&str] = &["0.54.5", "0.55.2", "0.56.1", "0.57.0", "0.58.0", "0.58.5", "0.59.0", "0.60.0"];

/// The server ran in this week.
#[derive(Event)]
#[event(name = "navidrome.week", scope = SETUP, once = week)]
struct Week;

/// The server ran in this month.
#[derive(Event)]
#[event(name = "navidrome.month", scope = SETUP, once = month, values = first)]
struct Month {
    /// How many weeks ago you agreed to these reports.
    #[field(tenure)]
    since: Tenure,
}

/// How the music server is installed and set up.
#[derive(Snapshot, Default)]
#[snapshot(name = "navidrome.setup", scope = SETUP, every = month)]
struct Setup {
    /// Which release it is.
    #[field(release = RELEASES, example = "0.58.0")]
    release: &'static str,
    /// The operating system.
    #[field(vocabulary = ["linux", "windows", "darwin", "freebsd"], example = "linux")]
    os: &'static str,
    /// The kind of processor.
    #[field(vocabulary = ["amd64", "arm64", "arm", "386"], example = "amd64")]
    arch: &'static str,
    /// With which package it was installed.
    #[field(vocabulary = ["none", "deb", "rpm", "msi", "container"], example = "deb")]
    package: &'static str,
    /// Which store or hoster runs it, of those that the project knows.
    #[field(vocabulary = ["none", "umbrel", "truenas", "unraid", "synology", "pikapods", "yunohost"], example = "none")]
    platform: &'static str,
    /// How many processors there are.
    #[field(ladder = [1, 2, 4, 8, 16], reason = "a power of two names no computer", example = 4)]
    cores: u64,
    /// How much memory the server used at most.
    #[field(byte_size, example = 200_000_000)]
    #[gauge(max)]
    memory: u64,
    /// For how long the server has run.
    #[field(age, example = 9)]
    uptime: u64,
    /// Which program reads the tags.
    #[field(vocabulary = ["taglib", "wasm", "ffmpeg"], example = "taglib")]
    extractor: &'static str,
    /// What searches.
    #[field(vocabulary = ["fts", "legacy"], example = "fts")]
    search: &'static str,
    /// How much it logs.
    #[field(vocabulary = ["error", "warn", "info", "debug", "trace"], example = "info")]
    log_level: &'static str,
    /// After how long a session ends.
    #[field(ladder = [0, 1, 24, 168], unit = "count", reason = "these are hours", example = 24)]
    session_hours: u64,
    /// How many backups it keeps.
    #[field(ladder = [0, 1, 5, 10], reason = "few settings are usual", example = 5)]
    backups: u64,
    /// Whether it logs to a file.
    log_file: bool,
    /// Whether it has a certificate of its own.
    tls: bool,
    /// Whether it scans at fixed times.
    scan_schedule: bool,
    /// Whether it watches the folders.
    scan_watcher: bool,
    /// Whether it prepares covers in advance.
    artwork_precache: bool,
    /// Whether downloads are on.
    downloads: bool,
    /// Whether sharing is on.
    sharing: bool,
    /// Whether stars can be given.
    star_rating: bool,
    /// Whether it tells Last.fm.
    lastfm: bool,
    /// Whether it tells ListenBrainz.
    listenbrainz: bool,
    /// Whether covers are read from the files.
    file_covers: bool,
    /// Whether it plays by itself.
    jukebox: bool,
    /// Whether it offers measurements.
    prometheus: bool,
    /// Whether covers turn.
    cover_animation: bool,
    /// Whether it says what is playing now.
    now_playing: bool,
    /// Whether it searches the whole text.
    search_full: bool,
    /// Whether what is new is known by the time of the file.
    recent_by_file: bool,
    /// Whether the tags for sorting are preferred.
    sort_tags: bool,
    /// Whether the panel of activities is shown.
    activity_panel: bool,
    /// Whether there is a background of one's own.
    background: bool,
    /// Whether another server checks who may enter.
    reverse_proxy: bool,
    /// Whether songs are told apart in a way of one's own.
    custom_pid: bool,
    /// Whether there are tags of one's own.
    custom_tags: bool,
    /// Whether it runs in a container.
    container: bool,
}

/// What the music library is like.
#[derive(Snapshot, Default)]
#[snapshot(name = "navidrome.library", scope = LIBRARY, every = month)]
struct Library {
    /// How many tracks it has.
    #[field(ladder = [0, 1_000, 5_000, 20_000, 50_000, 200_000], example = 12_000)]
    tracks: u64,
    /// How many albums.
    #[field(ladder = [0, 100, 500, 2_000, 10_000], example = 900)]
    albums: u64,
    /// How many artists.
    #[field(ladder = [0, 100, 500, 2_000, 10_000], example = 700)]
    artists: u64,
    /// How many playlists.
    #[field(ladder = [0, 1, 10, 100], reason = "few have none", example = 7)]
    playlists: u64,
    /// Whether any of these follows rules.
    smart_playlists: bool,
    /// How many shares.
    #[field(ladder = [0, 1, 10], example = 0)]
    shares: u64,
    /// How many radio stations.
    #[field(ladder = [0, 1, 10], example = 0)]
    radios: u64,
    /// How many libraries.
    #[field(exact, top = 3, reason = "most servers have one", example = 1)]
    libraries: u64,
    /// How many people played something in the last seven days.
    #[field(ladder = [0, 1, 2, 5, 20], example = 2)]
    people: u64,
    /// How many plug-ins.
    #[field(ladder = [0, 1, 2, 5], reason = "most servers have none", example = 1)]
    plugins: u64,
    /// Which of the plug-ins that the project lists are there.
    #[field(exact, top = 1, reason = "it is there or it is not", example = 1)]
    #[map(keys = ["coverart", "lyrics", "lastfm", "discord", "subsonic"])]
    known_plugins: Vec<(&'static str, u64)>,
    /// On which kind of disk the music is.
    #[field(vocabulary = ["ext", "btrfs", "zfs", "xfs", "ntfs", "apfs", "nfs", "smb", "overlay"], example = "ext")]
    file_system: &'static str,
    /// How many files of each format.
    #[field(ladder = [0, 100, 10_000], example = 700)]
    #[map(keys = ["mp3", "flac", "m4a", "ogg", "opus", "wav", "wma", "aiff", "ape", "dsf"])]
    formats: Vec<(&'static str, u64)>,
    /// How many players of each kind.
    #[field(exact, top = 2, reason = "none, one, or several", example = 1)]
    #[map(keys = ["navidromeui", "dsub", "symfonium", "substreamer", "feishin", "play_sub", "amperfy", "tempo",
        "supersonic"])]
    players: Vec<(&'static str, u64)>,
}

fn live(client: &Client) {
    client.record_durable(Week);
    client.record_durable(Month { since: Tenure });
    client.record_snapshot(Setup {
        release: "v0.58.0",
        os: "linux",
        arch: "amd64",
        package: "container",
        platform: "my own hosting",
        cores: 4,
        memory: 183_500_800,
        uptime: 12,
        extractor: "taglib",
        sharing: true,
        ..Setup::default()
    });
    client.record_snapshot(Library {
        tracks: 11_873,
        libraries: 1,
        people: 3,
        plugins: 1,
        known_plugins: vec![("a plug-in of mine", 1)],
        formats: vec![("mp3", 9_000), ("flac", 12_873), ("a letter.txt", 1)],
        players: vec![("NavidromeUI", 1), ("Maries telephone", 1)],
        ..Library::default()
    });
}

pub(crate) const PROGRAM: Program = Program {
    name: "Navidrome",
    scopes: &[SETUP, LIBRARY],
    live,
    arrives: &[
        "navidrome.week",
        "navidrome.month 0",
        "navidrome.setup.release 0.58.0",
        "navidrome.setup.platform other",
        "navidrome.setup.sharing true",
        "navidrome.library.tracks 5000",
        "navidrome.library.formats flac 10000",
        "navidrome.library.players other 1",
    ],
    budgets: &[(876, 9), (932, 12)],
    questions: QUESTIONS,
};

const QUESTIONS: crate::program::Questions = &[
    (
        "Which platforms and environments matter?",
        By(&[("navidrome.setup", "os"), ("navidrome.setup", "arch"), ("navidrome.setup", "container")]),
    ),
    (
        "Which features are popular?",
        By(&[("navidrome.setup", "sharing"), ("navidrome.setup", "jukebox"), ("navidrome.setup", "lastfm")]),
    ),
    ("Which store or hoster runs it?", By(&[("navidrome.setup", "platform")])),
    ("Which kind of package?", By(&[("navidrome.setup", "package")])),
    ("Is the new tag extractor used?", By(&[("navidrome.setup", "extractor")])),
    (
        "Are plug-ins and several libraries taken up?",
        By(&[
            ("navidrome.library", "plugins"),
            ("navidrome.library", "known_plugins"),
            ("navidrome.library", "libraries"),
        ]),
    ),
    (
        "Which file formats, and how large are libraries?",
        By(&[("navidrome.library", "formats"), ("navidrome.library", "tracks"), ("navidrome.library", "albums")]),
    ),
    (
        "Which players?",
        Partly(&[("navidrome.library", "players")], Why::Names, "a player that is not on the list is `other`"),
    ),
];
