//! Agent of Empires, a manager of coding sessions: some 43 values, under a random id, off until the person agrees.

use crate::program::{Answer::*, Program};
use candor::{Client, Event, Snapshot};

candor::scope! {
    /// Find out which agents and which features are used, so that the others can be removed.
    pub AOE = "aoe" {
        title: "Use of sessions", revision: 1, about: installation, retention: 90 days,
        benefit: "Support for the agents that you use", other_uses: none,
    }
}

const RELEASES: &[&str] = &["1.4.0", "1.5.0", "1.6.0", "1.7.0", "1.8.0", "1.8.1", "1.9.0", "1.10.0"];

/// The program was used on this day.
#[derive(Event)]
#[event(name = "aoe.day", scope = AOE, once = day)]
struct Day;

/// The program was used in this week.
#[derive(Event)]
#[event(name = "aoe.week", scope = AOE, once = week)]
struct Week;

candor::counter! {
    /// A session was made.
    CREATED = "aoe.created" in AOE {
        /// For which agent.
        #[field(vocabulary = ["claude", "codex", "gemini", "opencode", "copilot", "cursor", "vibe", "amp",
            "custom"], example = "claude")]
        agent: &'static str,
    }

    /// A command was run.
    COMMAND = "aoe.command" in AOE {
        /// Which.
        #[field(vocabulary = ["add", "remove", "list", "session", "group", "profile", "worktree", "serve",
            "update", "tui"], example = "add")]
        command: &'static str,
    }

    /// An agent asked for an approval.
    APPROVAL = "aoe.approval" in AOE {
        /// What became of it.
        #[field(vocabulary = ["allowed", "denied", "expired"], example = "allowed")]
        answer: &'static str,
    }

    /// A feature was used.
    USED = "aoe.used" in AOE {
        /// Which feature.
        #[field(vocabulary = ["pin", "snooze", "archive", "queue", "diff", "switch", "fork", "search"], example = "pin")]
        feature: &'static str,
    }
}

/// Which sessions there are, and how the program is set up.
#[derive(Snapshot, Default)]
#[snapshot(name = "aoe.state", scope = AOE, every = week)]
struct State {
    /// Which release it is.
    #[field(release = RELEASES, example = "1.8.0")]
    release: &'static str,
    /// How many releases it is behind.
    #[field(exact, top = 3, reason = "most are up to date", example = 1)]
    behind: u64,
    /// The operating system.
    #[field(vocabulary = ["linux", "macos", "wsl"], example = "macos")]
    os: &'static str,
    /// Which surface is used: the terminal or the browser.
    #[field(vocabulary = ["tui", "web", "cli"], example = "tui")]
    surface: &'static str,
    /// Who can reach it in the browser.
    #[field(vocabulary = ["off", "local", "network", "tunnel"], example = "off")]
    exposure: &'static str,
    /// How people log in to it.
    #[field(vocabulary = ["none", "token", "password"], example = "none")]
    login: &'static str,
    /// How many sessions there were.
    #[field(ladder = [0, 1, 3, 10, 30], example = 4)]
    #[gauge(last, max)]
    sessions: u64,
    /// How many ran at the same time.
    #[field(ladder = [0, 1, 3, 10, 30], example = 2)]
    #[gauge(max)]
    running: u64,
    /// How many sessions each agent has.
    #[field(ladder = [0, 1, 3, 10], reason = "most have one or two", example = 2)]
    #[map(keys = ["claude", "codex", "gemini", "opencode", "copilot", "cursor", "vibe", "amp", "custom"])]
    agents: Vec<(&'static str, u64)>,
    /// How many sessions each family of models has.
    #[field(ladder = [0, 1, 3, 10], reason = "most have one or two", example = 2)]
    #[map(keys = ["claude", "gpt", "gemini", "qwen", "mistral", "deepseek", "local"])]
    models: Vec<(&'static str, u64)>,
    /// In what the sessions run.
    #[field(ladder = [0, 1, 3, 10], reason = "most have one or two", example = 2)]
    #[map(keys = ["tmux", "worktree", "docker", "host", "remote"])]
    substrates: Vec<(&'static str, u64)>,
    /// How many plug-ins from each place. None is named.
    #[field(exact, top = 2, reason = "none, one, or several", example = 1)]
    #[map(keys = ["built-in", "featured", "own"])]
    plugins: Vec<(&'static str, u64)>,
    /// Whether pins are used now.
    pins: bool,
    /// Whether anything is put off now.
    snoozed: bool,
    /// Whether anything is in the archive.
    archived: bool,
    /// Whether notices are on.
    notices: bool,
    /// Whether sounds are on.
    sounds: bool,
    /// Whether there are several profiles.
    profiles: bool,
}

fn live(client: &Client) {
    client.record_durable(Day);
    client.record_durable(Week);
    for agent in ["claude", "claude", "my company's agent"] {
        client.record(CREATED.event(agent));
    }
    client.record(COMMAND.event("add"));
    client.record(APPROVAL.event("denied"));
    client.record(USED.event("snooze"));
    for sessions in [2, 12, 4] {
        client.record_snapshot(State {
            release: "1.8.0",
            behind: 4,
            os: "macos",
            surface: "tui",
            sessions,
            running: 2,
            agents: vec![("claude", 3), ("my company's agent", 1)],
            substrates: vec![("worktree", sessions)],
            pins: true,
            ..State::default()
        });
    }
}

pub(crate) const PROGRAM: Program = Program {
    name: "Agent of Empires",
    scopes: &[AOE],
    live,
    arrives: &[
        "aoe.day",
        "aoe.week",
        "aoe.created claude",
        "aoe.created other",
        "aoe.approval denied",
        "aoe.used snooze",
        "aoe.state.sessions.max 10",
        "aoe.state.sessions.last 3",
        "aoe.state.agents claude 3",
        "aoe.state.behind 3",
    ],
    budgets: &[(900, 16)],
    questions: QUESTIONS,
};

const QUESTIONS: crate::program::Questions = &[
    ("How many different installations in a window, and at most?", By(&[("aoe.day", ""), ("aoe.week", "")])),
    ("How many sessions are open?", By(&[("aoe.state", "sessions"), ("aoe.state", "running")])),
    ("Which agent and which model?", By(&[("aoe.state", "agents"), ("aoe.state", "models"), ("aoe.created", "agent")])),
    ("Terminal or browser?", By(&[("aoe.state", "surface")])),
    ("Which version?", By(&[("aoe.state", "release"), ("aoe.state", "behind")])),
    ("Which system?", By(&[("aoe.state", "os")])),
    ("In what do sessions run?", By(&[("aoe.state", "substrates")])),
    (
        "Are pin, snooze and archive used?",
        By(&[("aoe.used", "feature"), ("aoe.state", "pins"), ("aoe.state", "archived")]),
    ),
];
