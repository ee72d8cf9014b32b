//! Rerun, a viewer for measurements: twelve events, under a random id, on by default.

use crate::program::{Answer::*, Program};
use candor::{Client, Event, Snapshot};

candor::scope! {
    /// Find out how the viewer is used, so that the ways that people use are improved first.
    pub RERUN = "rerun" {
        title: "Use of the viewer", revision: 1, about: installation, retention: 90 days,
        benefit: "A viewer that fits how you work", other_uses: none,
    }
}

/// The viewer was used on this day.
#[derive(Event)]
#[event(name = "rerun.day", scope = RERUN, once = day)]
struct Day;

/// A command was run.
#[derive(Event)]
#[event(name = "rerun.command", scope = RERUN, linkage = rollup)]
struct Command {
    /// Which command.
    #[field(vocabulary = ["view", "connect", "serve", "analytics", "rrd_compare", "rrd_filter", "rrd_merge",
        "rrd_print", "rrd_stats", "server", "auth"], example = "view")]
    command: &'static str,
}

/// A command was run with this flag.
#[derive(Event)]
#[event(name = "rerun.flag", scope = RERUN, linkage = rollup)]
struct Flag {
    /// Which command.
    #[field(vocabulary = ["view", "connect", "serve", "rrd", "server"], example = "view")]
    command: &'static str,
    /// Which flag. Its value is not told.
    #[field(vocabulary = ["memory-limit", "save", "serve-web", "serve-grpc", "web-viewer", "bind", "port",
        "headless", "profile", "renderer", "threads", "window-size", "screenshot-to"], example = "save")]
    flag: &'static str,
}

/// The viewer was started.
#[derive(Event)]
#[event(name = "rerun.started", scope = RERUN, linkage = rollup)]
struct Started {
    /// Where it runs.
    #[field(vocabulary = ["native", "web", "notebook"], example = "native")]
    place: &'static str,
    /// Whether in a container.
    docker: bool,
    /// Whether in Windows' Linux.
    wsl: bool,
    /// How it draws.
    #[field(vocabulary = ["vulkan", "metal", "dx12", "gl", "webgpu", "webgl"], example = "vulkan")]
    backend: &'static str,
    /// What the graphics card can do.
    #[field(vocabulary = ["gles", "limited", "full"], example = "full")]
    tier: &'static str,
}

/// A recording or a stream was opened.
#[derive(Event)]
#[event(name = "rerun.opened", scope = RERUN, linkage = rollup)]
struct Opened {
    /// Whether it is live data or a recording.
    #[field(vocabulary = ["live", "file", "url", "example", "catalog"], example = "live")]
    source: &'static str,
    /// Which program made it.
    #[field(vocabulary = ["rust", "python", "cpp", "viewer"], example = "python")]
    sdk: &'static str,
    /// Which kind of file, if it is one.
    #[field(extension = ["rrd", "rbl", "mcap", "urdf", "glb", "gltf", "obj", "ply", "png", "jpg", "mp4",
        "parquet"], example = "a.rrd")]
    file: &'static str,
    /// Whether it could be opened.
    succeeded: bool,
}

candor::counter! {
    /// Help was opened.
    HELP = "rerun.help" in RERUN {
        /// Where.
        #[field(vocabulary = ["menu", "view", "docs", "discord", "panel"], example = "menu")]
        place: &'static str,
    }

    /// A card of the first page was used.
    CARD = "rerun.card" in RERUN {
        /// Which, and how far it led.
        #[field(vocabulary = ["docs", "cloud-shown", "cloud-opened", "cloud-login-begun", "cloud-login-done"],
            example = "docs")]
        step: &'static str,
    }

    /// The viewer crashed.
    CRASH = "rerun.crash" in RERUN;
}

/// How the viewer is used and set up.
#[derive(Snapshot)]
#[snapshot(name = "rerun.setup", scope = RERUN, every = week)]
struct Setup {
    /// How many different applications sent data in the last seven days. Only their number leaves this computer.
    #[field(ladder = [0, 1, 2, 5, 20], example = 2)]
    applications: u64,
    /// How many recordings were opened in the last seven days.
    #[field(ladder = [0, 1, 5, 20, 100], example = 12)]
    recordings: u64,
    /// How many pixels of the screen make one point, in hundredths.
    #[field(ladder = [0, 100, 150, 200], example = 200)]
    scale: u64,
    /// Which colours.
    #[field(vocabulary = ["dark", "light", "system"], example = "dark")]
    theme: &'static str,
    /// Whether the time is shown in UTC.
    utc: bool,
    /// Whether the numbers of the frame are shown.
    metrics: bool,
    /// Whether the memory has a limit of one's own.
    memory_limit: bool,
    /// Whether you are logged in to the cloud.
    logged_in: bool,
}

fn live(client: &Client) {
    client.record_durable(Day);
    for _ in 0..3 {
        client.record(Command { command: "view" });
        client.record(Flag { command: "view", flag: "save" });
        client.record(Started { place: "native", docker: false, wsl: true, backend: "vulkan", tier: "full" });
        client.record(Opened { source: "file", sdk: "python", file: "/home/marie/secret plan.MCAP", succeeded: true });
    }
    client.record(Command { command: "my-alias" });
    client.record(HELP.event("menu"));
    client.record(CARD.event("cloud-opened"));
    client.record(CRASH.event());
    client.record_snapshot(Setup {
        applications: 3,
        recordings: 30,
        scale: 125,
        theme: "dark",
        utc: false,
        metrics: true,
        memory_limit: false,
        logged_in: false,
    });
}

pub(crate) const PROGRAM: Program = Program {
    name: "Rerun",
    scopes: &[RERUN],
    live,
    arrives: &[
        "rerun.day",
        "rerun.command view",
        "rerun.command other",
        "rerun.flag view save",
        "rerun.started native false true vulkan full",
        "rerun.opened file python mcap true",
        "rerun.help menu",
        "rerun.card cloud-opened",
        "rerun.crash",
        "rerun.setup.applications 2",
        "rerun.setup.scale 100",
    ],
    budgets: &[(160, 2)],
    questions: QUESTIONS,
};

const QUESTIONS: crate::program::Questions = &[
    ("How often is it used?", By(&[("rerun.day", ""), ("rerun.started", "")])),
    ("Live data or recordings?", By(&[("rerun.opened", "source")])),
    ("Few applications often, or many scripts?", By(&[("rerun.setup", "applications"), ("rerun.setup", "recordings")])),
    ("Do people find the help?", By(&[("rerun.help", "place")])),
    ("Which settings?", By(&[("rerun.setup", "theme"), ("rerun.setup", "utc"), ("rerun.setup", "memory_limit")])),
    ("Is a design for coarse screens worth it?", By(&[("rerun.setup", "scale")])),
    ("Which commands and flags?", By(&[("rerun.command", "command"), ("rerun.flag", "flag")])),
    ("Do cards of the first page lead to the cloud?", By(&[("rerun.card", "step"), ("rerun.setup", "logged_in")])),
];
