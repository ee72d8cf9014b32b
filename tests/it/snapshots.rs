//! Snapshots: each field is reported once in a period, as a record of its own, and an installation reports the fields of one panel.

use crate::{
    home::{DAY, Home, dropped, flush, send},
    server::Server,
};
use candor::{Category, Client, Snapshot};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

candor::scope! {
    /// Find out which settings people use, so that the others can be removed.
    pub STATE = "state" {
        title: "Settings", revision: 1, about: installation, retention: 30 days, benefit: "Fewer settings", other_uses: none,
        budget: 65_536, budget_reason: "a test reports everything",
    }
    /// Find out which of many settings people use, so that the others can be removed.
    pub SWITCHES = "switches" {
        title: "Many settings", revision: 1, about: installation, retention: 30 days, benefit: "Fewer settings",
        other_uses: none,
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Category)]
enum Format {
    Mp3,
    Flac,
    Other,
}

/// How the program is set up.
#[derive(Snapshot)]
#[snapshot(name = "program.state", scope = STATE, every = week)]
struct State {
    /// Whether in a dark colour.
    dark: bool,
    /// How many songs it has.
    #[field(count, example = 1_200)]
    songs: u64,
    /// How busy the computer was.
    #[field(step = 10, top = 100, example = 37)]
    #[gauge(min, mean, max)]
    load: f64,
}

/// Many settings.
#[derive(Snapshot)]
#[snapshot(name = "many", scope = SWITCHES, every = month)]
struct Many {
    /// Songs of each format.
    #[field(count, example = 3)]
    #[map]
    formats: BTreeMap<Format, u64>,
    /// Songs of each suffix.
    #[field(count, example = 3)]
    #[map(keys = ["mp3", "flac"])]
    suffixes: Vec<(String, u64)>,
    /// Whether the first is on.
    one: bool,
    /// Whether the second is on.
    two: bool,
}

fn state(dark: bool, songs: u64, load: f64) -> State {
    State { dark, songs, load }
}

/// A Monday at noon, in seconds since 1970: 2027-03-01, which is also the first of a month.
const MONDAY: i64 = 1_803_902_400;

fn home() -> Home {
    let home = Home::new();
    home.clock.jump_to(MONDAY);
    home
}

/// The values that arrived, by event: the attributes that are fields, as text.
fn values(server: &Server) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in server.lines() {
        let record: Value = serde_json::from_str(&line).unwrap();
        let name = record["eventName"].as_str().unwrap();
        let pairs = record["attributes"].as_array().unwrap().iter();
        let fields = pairs.filter(|pair| {
            let key = pair["key"].as_str().unwrap();
            !key.starts_with("log.") && !key.starts_with("candor.")
        });
        let words: Vec<String> = fields
            .map(|pair| {
                let value = pair["value"].as_object().unwrap().values().next().unwrap();
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            })
            .collect();
        found.entry(name.to_owned()).or_default().push(words.join(" "));
    }
    found
}

/// Starts the program a while later.
fn later(home: &Home, server: &Server, client: Client, days: u32) -> Client {
    drop(client);
    home.clock.advance(DAY * days);
    home.start(server)
}

#[test]
fn each_field_is_a_record_of_its_own_when_the_week_is_over() {
    let (home, server) = (home(), Server::new());
    let client = home.start_granted(&server, &[STATE]);
    for (dark, songs, load) in [(true, 5, 55.0), (true, 9, 12.5), (false, 9, 99.0)] {
        client.record_snapshot(state(dark, songs, load));
        assert_eq!(flush(&client).requests, 0);
    }
    let client = later(&home, &server, client, 7);
    send(&client);
    let one = |text: &str| vec![text.to_owned()];
    let expected = [
        ("program.state.dark", "false"),
        ("program.state.load.max", "90"),
        ("program.state.load.min", "10"),
        ("program.state.songs", "9"),
    ];
    let mut found = values(&server);
    // The mean of 55, 12.5 and 99 is 55.5.
    let mean = found.remove("program.state.load.mean").unwrap();
    assert!(["40", "50", "60", "70"].contains(&mean[0].as_str()) && mean.len() == 1, "{mean:?}");
    assert_eq!(found, expected.map(|(event, value)| (event.to_owned(), one(value))).into());
    send(&client);
    assert_eq!(server.requests().len(), 1, "once");
}

#[test]
fn a_count_is_rounded_up_or_down_and_always_in_the_same_way() {
    let mut seen = BTreeSet::new();
    for _ in 0..20 {
        let (home, server) = (home(), Server::new());
        let mut client = home.start_granted(&server, &[STATE]);
        for _ in 0..3 {
            client.record_snapshot(state(true, 7, 1.0));
            client = later(&home, &server, client, 7);
            send(&client);
        }
        let songs = values(&server).remove("program.state.songs").unwrap();
        assert!(songs.len() == 3 && songs.iter().all(|song| *song == songs[0]), "{songs:?}");
        seen.extend(songs);
    }
    assert_eq!(seen, ["5".to_owned(), "9".to_owned()].into(), "7 lies between 5 and 9");
}

#[test]
fn a_gauge_that_is_no_number_is_not_reported() {
    let (home, server) = (home(), Server::new());
    let client = home.start_granted(&server, &[STATE]);
    client.record_snapshot(state(true, 5, f64::NAN));
    client.record_snapshot(state(true, 5, -1.0));
    let page = client.manifest().unwrap();
    let load =
        page.scope(STATE).unwrap().could_send.iter().find(|event| event.name == "program.state.load.max").unwrap();
    assert_eq!(load.fields[0].unreadable, 2);
    let client = later(&home, &server, client, 7);
    send(&client);
    assert!(!values(&server).contains_key("program.state.load.max"));
}

#[test]
fn two_processes_report_one_installation() {
    let (home, server) = (home(), Server::new());
    drop(home.start_granted(&server, &[STATE]));
    let (first, second) = (home.start(&server), home.start(&server));
    first.record_snapshot(state(true, 5, 20.0));
    second.record_snapshot(state(true, 5, 70.0));
    drop((first, second));
    home.clock.advance(DAY * 7);
    let client = home.start(&server);
    send(&client);
    let found = values(&server);
    assert!(found.values().all(|values| values.len() == 1), "{found:?}");
    assert_eq!(
        (&found["program.state.load.min"][0], &found["program.state.load.max"][0]),
        (&"20".into(), &"70".into())
    );
}

fn many() -> Many {
    let suffixes = (0..10_000).map(|n| (format!("x{n}"), 1)).chain([("MP3".to_owned(), 5), ("mp3".to_owned(), 4)]);
    Many {
        formats: BTreeMap::from([(Format::Mp3, 9), (Format::Flac, 2), (Format::Other, 1)]),
        suffixes: suffixes.collect(),
        one: true,
        two: false,
    }
}

#[test]
fn an_installation_reports_the_keys_and_fields_of_one_panel() {
    let (mut panels, mut all) = (BTreeSet::new(), BTreeMap::<String, BTreeSet<String>>::new());
    for _ in 0..30 {
        let (home, server) = (home(), Server::new());
        let client = home.start_granted(&server, &[SWITCHES]);
        client.record_snapshot(many());
        assert!(dropped(&client, "other_panel") > 0);
        let page = client.manifest().unwrap().scope(SWITCHES).unwrap().budget.clone();
        assert!(page.panels > 1 && page.outcomes <= 1_024, "{page:?}");
        let client = later(&home, &server, client, 31);
        send(&client);
        let found = values(&server);
        panels.insert(found.keys().map(|name| format!("{name} {}", found[name].join(","))).collect::<Vec<_>>());
        for (event, values) in found {
            all.entry(event).or_default().extend(values);
        }
    }
    assert!(panels.len() > 1 && panels.len() <= 6, "few panels, which many share: {panels:#?}");
    // Together they report everything. What no list has is added up as `other`, and 10,000 lie above the last step.
    assert_eq!(all["many.suffixes"], ["mp3 9".to_owned(), "other 1024".to_owned()].into());
    assert_eq!(all["many.formats"], ["flac 2".to_owned(), "mp3 9".to_owned(), "other 1".to_owned()].into());
    assert_eq!((all["many.one"].len(), all["many.two"].len()), (1, 1));
}

#[test]
fn a_notice_lists_the_fields_below_their_snapshot() {
    let (home, server) = (home(), Server::new());
    let client = home.start(&server);
    let text = client.notice(STATE).unwrap().to_string();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "- How the program is set up. (program.state) once a week (Monday to Sunday) at most, when it is over; each line is a \
         separate record, without a code dark: Whether in a dark colour.",
        "load: How busy the computer was. the largest value of the period",
        "Together, these reports can say",
    ] {
        assert!(words.contains(said), "{said}\n{text}");
    }
}
