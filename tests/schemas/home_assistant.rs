//! Home Assistant, a hub for homes: a report a day under a random id, off, with five separate switches.

use crate::program::{Answer::*, Program, Why};
use candor::{Client, Event, Snapshot};

candor::scope! {
    /// Find out on what hubs run, so that these boards and kinds of installation are supported.
    pub BASE = "home_assistant.base" {
        title: "Basic reports", revision: 1, about: installation, retention: 60 days,
        benefit: "Support for the board that you use", other_uses: none,
    }
    /// Find out which integrations are used, so that those are worked on first.
    pub USAGE = "home_assistant.usage" {
        title: "Integrations", revision: 1, about: installation, retention: 60 days,
        benefit: "Work on the integrations that you use", other_uses: none,
    }
}

const RELEASES: &[&str] =
    &["2026.1.3", "2026.2.3", "2026.3.4", "2026.4.4", "2026.5.4", "2026.6.3", "2026.7.3", "2026.8.1"];

/// The hub ran on this day.
#[derive(Event)]
#[event(name = "home_assistant.day", scope = BASE, once = day)]
struct Day;

/// The hub ran in this week.
#[derive(Event)]
#[event(name = "home_assistant.week", scope = USAGE, once = week)]
struct Week;

/// What the hub runs on.
#[derive(Snapshot, Default)]
#[snapshot(name = "home_assistant.base", scope = BASE, every = week)]
struct Base {
    /// Which release it is.
    #[field(release = RELEASES, example = "2026.8.1")]
    release: &'static str,
    /// The kind of installation.
    #[field(vocabulary = ["os", "supervised", "container", "core"], example = "os")]
    kind: &'static str,
    /// Which board.
    #[field(vocabulary = ["rpi3", "rpi4", "rpi5", "green", "yellow", "odroid", "generic-x86-64", "ova"], example = "rpi4")]
    board: &'static str,
    /// The kind of processor.
    #[field(vocabulary = ["amd64", "aarch64", "armv7"], example = "aarch64")]
    arch: &'static str,
    /// Whether it is healthy.
    healthy: bool,
    /// Whether it is supported.
    supported: bool,
    /// Which country you chose in the settings.
    #[field(vocabulary = ["us", "de", "gb", "nl", "fr", "it", "es", "be", "se", "no", "dk", "pl", "ca", "au",
        "ch", "at", "none"], example = "de")]
    country: &'static str,
    /// Which database.
    #[field(vocabulary = ["sqlite", "mysql", "mariadb", "postgresql"], example = "sqlite")]
    database: &'static str,
    /// How many entities there are.
    #[field(ladder = [0, 50, 200, 500, 2_000], example = 340)]
    entities: u64,
    /// How many automations.
    #[field(ladder = [0, 1, 10, 50, 200], example = 27)]
    automations: u64,
    /// How many people.
    #[field(ladder = [0, 1, 2, 5], reason = "most homes have few", example = 2)]
    people: u64,
    /// How many integrations.
    #[field(ladder = [0, 10, 25, 50, 100], example = 31)]
    integrations: u64,
    /// How many of these are not from the project. None is named.
    #[field(ladder = [0, 1, 5, 20], example = 3)]
    custom: u64,
    /// How many add-ons.
    #[field(ladder = [0, 1, 5, 20], example = 3)]
    addons: u64,
}

/// Which integrations of the project are set up.
#[derive(Snapshot, Default)]
#[snapshot(name = "home_assistant.usage", scope = USAGE, every = month)]
struct Usage {
    /// Whether it is set up.
    #[field(exact, top = 1, reason = "it is set up or it is not", example = 1)]
    #[map(keys = [
        "airgradient", "androidtv", "august", "axis", "bluetooth", "bosch", "broadlink", "cast", "daikin", "deconz", "denonavr",
        "dlna", "ecobee", "ecovacs", "enphase", "esphome", "fritz", "fronius", "google", "gree", "homekit", "homematic", "hue",
        "hunter", "ibeacon", "ikea", "knx", "lifx", "lutron", "matter", "met", "miele", "mobile_app", "modbus", "mqtt", "nest",
        "netatmo", "onvif", "opentherm", "philips", "plex", "reolink", "ring", "roborock", "roku", "samsungtv", "sensibo",
        "shelly", "smartthings", "solaredge", "sonos", "spotify", "switchbot", "synology", "tado", "tesla", "tplink", "tuya",
        "unifi", "velux", "wled", "xiaomi", "zha"])]
    integrations: Vec<(&'static str, u64)>,
}

fn live(client: &Client) {
    client.record_durable(Day);
    client.record_durable(Week);
    client.record_snapshot(Base {
        release: "2026.8.1",
        kind: "os",
        board: "rpi4",
        arch: "aarch64",
        healthy: true,
        supported: true,
        country: "DE",
        database: "sqlite",
        entities: 340,
        automations: 27,
        people: 2,
        integrations: 31,
        custom: 3,
        addons: 3,
    });
    client.record_snapshot(Usage { integrations: vec![("hue", 1), ("mqtt", 1), ("maries_own", 1)] });
}

pub(crate) const PROGRAM: Program = Program {
    name: "Home Assistant",
    scopes: &[BASE, USAGE],
    live,
    arrives: &[
        "home_assistant.day",
        "home_assistant.week",
        "home_assistant.base.board rpi4",
        "home_assistant.base.country de",
        "home_assistant.base.entities 200",
        "home_assistant.usage.integrations hue 1",
        "home_assistant.usage.integrations other 1",
    ],
    budgets: &[(442, 5), (891, 19)],
    questions: QUESTIONS,
};

const QUESTIONS: crate::program::Questions = &[
    (
        "Which integrations should be worked on?",
        Partly(
            &[("home_assistant.usage", "integrations")],
            Why::Names,
            "a map has 63 keys, and there are more than 1,000 integrations: the rest is one number",
        ),
    ),
    (
        "Which numbers convince a manufacturer?",
        By(&[("home_assistant.usage", "integrations"), ("home_assistant.week", "")]),
    ),
    ("How many installations, each counted once?", By(&[("home_assistant.day", ""), ("home_assistant.week", "")])),
    ("Which country?", By(&[("home_assistant.base", "country")])),
    (
        "Which kind of installation and which board?",
        By(&[("home_assistant.base", "kind"), ("home_assistant.base", "board")]),
    ),
    (
        "How many entities, automations and people?",
        By(&[
            ("home_assistant.base", "entities"),
            ("home_assistant.base", "automations"),
            ("home_assistant.base", "people"),
        ]),
    ),
    ("Which database?", By(&[("home_assistant.base", "database")])),
    ("Which devices exist?", Not(Why::Rows, "a list of makers, models and firmware is a picture of one home")),
];
