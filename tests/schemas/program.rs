//! A program of the ten: its scopes, what a made-up installation records, and its maintainers' questions.

use crate::controller::CONTROLLER;
use candor::{Answer as Reply, Audience, Client, Clock, Config, EventPage, Parcel, Scope, SendError, Transport};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Why a question, or a part of it, can't be asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// Names from users or third parties.
    Names,
    /// Text of any length.
    Text,
    /// Several values of one thing, beside each other, for many things.
    Rows,
}

impl Why {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Why::Names => "names",
            Why::Text => "free text",
            Why::Rows => "rows",
        }
    }
}

/// An event and a field, or a snapshot and a field. Without a field, the records themselves are counted.
pub(crate) type Records = &'static [(&'static str, &'static str)];

pub(crate) enum Answer {
    By(Records),
    /// A part of it, and why not the rest.
    Partly(Records, Why, &'static str),
    Not(Why, &'static str),
}

impl Answer {
    pub(crate) fn records(&self) -> Records {
        match self {
            Answer::By(records) | Answer::Partly(records, ..) => records,
            Answer::Not(..) => &[],
        }
    }
}

pub(crate) type Questions = &'static [(&'static str, Answer)];

pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) scopes: &'static [Scope],
    /// Records what one installation does in a month.
    pub(crate) live: fn(&Client),
    /// Some of what arrives of that, over several installations: an event and its values.
    pub(crate) arrives: &'static [&'static str],
    /// For each scope: outcomes over all panels, and panels.
    pub(crate) budgets: &'static [(u64, u32)],
    pub(crate) questions: Questions,
}

/// 2027-03-01 at noon, which is a Monday and the first of a month, in seconds since 1970.
const MONDAY: u64 = 1_803_902_400;
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Clone)]
struct Moved(Arc<AtomicU64>);

impl Clock for Moved {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(MONDAY + self.0.load(Ordering::SeqCst))
    }
}

#[derive(Clone, Default)]
struct Keeps(Arc<Mutex<Vec<Value>>>);

impl Transport for Keeps {
    fn send(&self, parcel: Parcel<'_>) -> Result<Reply, SendError> {
        self.0.lock().unwrap().push(serde_json::from_slice(parcel.body()).unwrap());
        Ok(Reply::Accepted { rejected: 0 })
    }
}

/// One installation: its directories, its clock and what arrived from it.
pub(crate) struct Home {
    directory: tempfile::TempDir,
    clock: Moved,
    received: Keeps,
}

impl Home {
    pub(crate) fn new() -> Home {
        let clock = Moved(Arc::default());
        Home { directory: tempfile::tempdir().unwrap(), clock, received: Keeps::default() }
    }

    pub(crate) fn start(&self) -> Client {
        let at = self.directory.path();
        let config = Config::new("org.example.schemas", CONTROLLER, Audience::Adults)
            .directories(at.join("data"), at.join("marks"))
            .clock(self.clock.clone())
            .transport("https://telemetry.example.org", self.received.clone())
            .lift_ci_block();
        Client::new(config).unwrap()
    }

    /// The days until the day, the week and the month are over. The program is started and sends on each.
    fn a_month_passes(&self) {
        for days in [0, 1, 7, 23] {
            self.clock.0.fetch_add(days * 86_400, Ordering::SeqCst);
            self.send(&self.start());
        }
    }

    /// Sends what may be sent, after any sending that is under way.
    fn send(&self, client: &Client) {
        let until = Instant::now() + LIMIT;
        loop {
            let sent = client.flush(LIMIT).unwrap();
            let trouble = sent.trouble.as_deref().unwrap_or_default();
            if !trouble.contains("another process is sending") && !trouble.contains("still under way") {
                return;
            }
            assert!(Instant::now() < until, "{trouble}");
        }
    }

    /// Every record: the event's name with its values, and the divisor.
    fn records(&self) -> BTreeMap<String, u64> {
        let mut found = BTreeMap::new();
        for body in self.received.0.lock().unwrap().iter() {
            for record in body["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap() {
                let (mut words, mut divisor) = (record["eventName"].as_str().unwrap().to_owned(), 0);
                for attribute in record["attributes"].as_array().unwrap() {
                    let value = attribute["value"].as_object().unwrap().values().next().unwrap();
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    match attribute["key"].as_str().unwrap() {
                        "candor.divisor" => divisor = value.parse().unwrap(),
                        key if key.starts_with("log.") || key.starts_with("candor.") || key == "count" => {}
                        _ => words = format!("{words} {value}"),
                    }
                }
                assert_eq!(found.insert(words.clone(), divisor), None, "{words} came twice");
            }
        }
        found
    }
}

/// What the scopes of a program could send.
pub(crate) fn events(client: &Client, program: &Program) -> Vec<EventPage> {
    let manifest = client.manifest().unwrap();
    program.scopes.iter().flat_map(|scope| manifest.scope(*scope).unwrap().could_send.clone()).collect()
}

/// Whether there is this field of this event or snapshot, or this event if no field is named.
pub(crate) fn has(events: &[EventPage], event: &str, field: &str) -> bool {
    events.iter().any(|page| {
        let own = page.name == event && (field.is_empty() || page.fields.iter().any(|it| it.name == field));
        let part = page.snapshot == Some(event)
            && page.name.strip_prefix(event).is_some_and(|rest| rest[1..].split('.').next() == Some(field));
        own || part
    })
}

/// Installations report until each of the expected records has arrived, and nothing of what arrives was written by a person.
pub(crate) fn reports(program: &Program) {
    let mut missing: BTreeSet<&str> = program.arrives.iter().copied().collect();
    let mut panels = Vec::new();
    let mut all = BTreeSet::new();
    for count in 1.. {
        let home = Home::new();
        let client = home.start();
        let page = |scope: &Scope| client.manifest().unwrap().scope(*scope).unwrap().budget.clone();
        panels = program.scopes.iter().map(page).map(|page| (page.outcomes, page.panels)).collect::<Vec<_>>();
        let declared = events(&client, program);
        for scope in program.scopes {
            client.grant(*scope).unwrap();
        }
        (program.live)(&client);
        drop(client);
        home.a_month_passes();
        for (record, divisor) in home.records() {
            let name = record.split(' ').next().unwrap();
            let event = declared.iter().find(|event| event.name == name).unwrap();
            assert_eq!(divisor, event.divisor.max(1), "{record}");
            assert!(!record.to_lowercase().contains("marie") && !record.contains("acme"), "{record}");
            missing.remove(record.as_str());
            all.insert(record);
        }
        if missing.is_empty() {
            break;
        }
        assert!(count < 80, "after {count} installations these had not come: {missing:?}\nthese came: {all:#?}");
    }
    println!("{}: {panels:?}", program.name);
    assert_eq!(program.budgets, panels, "outcomes and panels of {}", program.name);
}
