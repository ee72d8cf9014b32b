//! Once-events: an installation reports one at most once in its period, so that the number of records is the number of
//! installations. A record may be lost; none is made twice within what is known.

use crate::{
    files,
    home::{DAY, Home, dropped, flush, send, waiting},
    server::Server,
};
use candor::{Client, Event, event::Tenure};
use serde_json::Value;
use std::time::Duration;

candor::scope! {
    /// Find out how many computers the program is used on, so that its upkeep is planned.
    pub ACTIVE = "using" {
        title: "Use", revision: 1, about: installation, retention: 30 days, benefit: "A program that lasts", other_uses: none,
    }
}

/// The program was used on this day.
#[derive(Event)]
#[event(name = "active.day", scope = ACTIVE, once = day)]
struct ActiveOnADay;

/// The program was used in this month.
#[derive(Event)]
#[event(name = "active.month", scope = ACTIVE, once = month)]
struct ActiveInAMonth;

/// The program was used in this week.
#[derive(Event)]
#[event(name = "active.week", scope = ACTIVE, once = week, values = first)]
struct ActiveInAWeek {
    /// Whether in a dark colour.
    dark: bool,
    /// How many weeks ago you agreed.
    #[field(tenure)]
    since: Tenure,
}

/// How the program was set up at the end of the week.
#[derive(Event)]
#[event(name = "active.last", scope = ACTIVE, once = week, values = last)]
struct LastOfAWeek {
    /// Whether in a dark colour.
    dark: bool,
}

fn week(dark: bool) -> ActiveInAWeek {
    ActiveInAWeek { dark, since: Tenure }
}

/// A Monday at noon, in seconds since 1970: 2027-03-01, which is also the first of a month.
const MONDAY: i64 = 1_803_902_400;
const A_DAY: i64 = 86_400;

/// A computer on that Monday.
fn home() -> Home {
    let home = Home::new();
    home.clock.jump_to(MONDAY);
    home
}

/// The records of an event that arrived: the day of each, and its attributes other than the id.
fn records(server: &Server, event: &str) -> Vec<(i64, Vec<(String, Value)>)> {
    let all = server.lines().into_iter().map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let ours = all.filter(|record| record["eventName"] == event);
    ours.map(|record| {
        let nanos: i64 = record["timeUnixNano"].as_str().unwrap().parse().unwrap();
        let pairs = record["attributes"].as_array().unwrap().iter();
        let pairs = pairs.map(|pair| (pair["key"].as_str().unwrap().to_owned(), pair["value"].clone()));
        (
            nanos / 1_000_000_000,
            pairs.filter(|(key, _)| !key.starts_with("log.") && !key.starts_with("candor.")).collect(),
        )
    })
    .collect()
}

fn days(server: &Server, event: &str) -> Vec<i64> {
    let mut days: Vec<i64> =
        records(server, event).into_iter().map(|(at, _)| (at - (MONDAY - A_DAY / 2)) / A_DAY).collect();
    days.sort_unstable();
    days
}

fn live(client: &Client) {
    client.record_durable(ActiveOnADay);
    client.record_durable(ActiveInAMonth);
    client.record_durable(week(true));
}

#[test]
fn a_program_reports_once_in_each_period_however_often_it_runs() {
    let (home, server) = (home(), Server::new());
    drop(home.start_granted(&server, &[ACTIVE]));
    for _ in 0..15 {
        for _ in 0..2 {
            let client = home.start(&server);
            live(&client);
            live(&client);
            drop(client);
        }
        let client = home.start(&server);
        live(&client);
        assert!(dropped(&client, "repeated") >= 1, "each event is counted");
        send(&client);
        drop(client);
        home.clock.advance(DAY);
    }
    assert_eq!(days(&server, "active.day"), (0..15).collect::<Vec<_>>());
    assert_eq!(days(&server, "active.week"), [0, 7, 14]);
    assert_eq!(days(&server, "active.month"), [0]);
}

#[test]
fn it_leaves_at_once_and_alone() {
    let (home, server) = (home(), Server::new());
    home.clock.advance(DAY * 3);
    let client = home.start_granted(&server, &[ACTIVE]);
    client.record_durable(week(true));
    assert_eq!(flush(&client).requests, 1);
    let records = records(&server, "active.week");
    assert_eq!(records.len(), 1);
    let (at, fields) = &records[0];
    assert_eq!(*at, MONDAY - A_DAY / 2, "its time is the beginning of its week");
    assert_eq!(fields[0], ("dark".to_owned(), serde_json::json!({"boolValue": true})));
    assert_eq!(fields[1], ("since".to_owned(), serde_json::json!({"intValue": "0"})));
}

#[test]
fn the_weeks_since_the_consent_are_whole_and_rounded_down() {
    let (home, server) = (home(), Server::new());
    drop(home.start_granted(&server, &[ACTIVE]));
    let mut told = Vec::new();
    for _ in 0..10 {
        let client = home.start(&server);
        client.record_durable(week(false));
        send(&client);
        home.clock.advance(DAY * 7);
    }
    for (_, fields) in records(&server, "active.week") {
        told.push(fields[1].1["intValue"].as_str().unwrap().parse::<u32>().unwrap());
    }
    assert_eq!(told, [0, 1, 2, 2, 4, 4, 4, 4, 8, 8]);
}

#[test]
fn two_processes_that_are_both_first_report_once() {
    let (home, server) = (home(), Server::new());
    drop(home.start_granted(&server, &[ACTIVE]));
    let clients: Vec<Client> = (0..4).map(|_| home.start(&server)).collect();
    std::thread::scope(|threads| {
        for client in &clients {
            threads.spawn(move || live(client));
        }
    });
    let repeated: u64 = clients.iter().map(|client| dropped(client, "repeated")).sum();
    assert_eq!(repeated, 9, "three of four processes, for each of three events");
    clients.iter().for_each(send);
    for event in ["active.day", "active.week", "active.month"] {
        assert_eq!(records(&server, event).len(), 1, "{event}");
    }
}

#[test]
fn the_last_values_leave_when_the_week_is_over() {
    let (home, server) = (home(), Server::new());
    let client = home.start_granted(&server, &[ACTIVE]);
    for dark in [true, false, true] {
        client.record_durable(LastOfAWeek { dark });
        assert_eq!(flush(&client).requests, 0);
        home.clock.advance(DAY);
    }
    drop(client);
    let client = home.start(&server);
    client.record_durable(LastOfAWeek { dark: false });
    drop(client);
    home.clock.advance(DAY * 4);
    let client = home.start(&server);
    send(&client);
    let told = records(&server, "active.last");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (told[0].0, &told[0].1),
        (MONDAY - A_DAY / 2, &vec![("dark".to_owned(), serde_json::json!({"boolValue": false}))])
    );
    send(&client);
    assert_eq!(records(&server, "active.last").len(), 1);
}

#[test]
fn a_clock_that_is_set_back_makes_no_second_record() {
    let (home, server) = (home(), Server::new());
    let client = home.start_granted(&server, &[ACTIVE]);
    for day in [0, 1, 0, 1, 8, 1, 8] {
        home.clock.jump_to(MONDAY + day * A_DAY);
        live(&client);
        drop(flush(&client));
    }
    home.clock.jump_to(MONDAY + 8 * A_DAY);
    let client = home.start(&server);
    live(&client);
    send(&client);
    for event in ["active.day", "active.week", "active.month"] {
        let mut days = days(&server, event);
        let all = days.len();
        days.dedup();
        assert_eq!(days.len(), all, "{event}: {days:?}");
    }
}

#[test]
fn a_withdrawal_forgets_and_a_new_grant_counts_again() {
    let (home, server) = (home(), Server::new());
    let client = home.start_granted(&server, &[ACTIVE]);
    live(&client);
    send(&client);
    assert!(home.store().join("told").join("using").exists());
    assert!(client.withdraw(ACTIVE).unwrap().destroyed.complete);
    assert_eq!(files::all(&home.store().join("told")), Vec::<std::path::PathBuf>::new());
    home.clock.advance(Duration::from_secs(60));
    let notice = client.notice(ACTIVE).unwrap();
    client.grant(ACTIVE.shown(&notice)).unwrap();
    live(&client);
    send(&client);
    assert_eq!(days(&server, "active.week"), [0, 0]);
}

#[test]
fn a_yes_that_is_renewed_makes_no_second_record() {
    let (home, server) = (home(), Server::new());
    let client = home.start_granted(&server, &[ACTIVE]);
    live(&client);
    send(&client);
    drop(client);
    // A grant is written again if its life lock is missing.
    std::fs::remove_file(home.store().join("using.life")).unwrap();
    let client = home.start(&server);
    let notice = client.notice(ACTIVE).unwrap();
    let receipt = client.grant(ACTIVE.shown(&notice)).unwrap();
    assert!(receipt.epoch > 1, "{receipt:?}");
    live(&client);
    send(&client);
    assert_eq!(days(&server, "active.week"), [0]);
}

#[test]
fn a_record_that_cant_be_written_is_made_later() {
    let (home, server) = (home(), Server::new());
    let client = home.start_granted(&server, &[ACTIVE]);
    files::write(&home.store().join("waiting"), b"in the way");
    live(&client);
    assert_eq!(files::all(&home.store().join("told")), Vec::<std::path::PathBuf>::new());
    drop(client);
    std::fs::remove_file(home.store().join("waiting")).unwrap();
    let client = home.start(&server);
    live(&client);
    send(&client);
    assert_eq!(days(&server, "active.week"), [0]);
}

#[test]
fn a_field_that_is_switched_off_makes_no_second_record() {
    let (home, server) = (home(), Server::new());
    let client = home.start_granted(&server, &[ACTIVE]);
    live(&client);
    send(&client);
    client.switch_off(ACTIVE, "active.week.dark").unwrap();
    live(&client);
    send(&client);
    assert_eq!(days(&server, "active.week"), [0]);
    drop(client);
    home.clock.advance(DAY * 7);
    let client = home.start(&server);
    live(&client);
    send(&client);
    assert_eq!(days(&server, "active.week"), [0, 7]);
    assert_eq!(records(&server, "active.week")[1].1.len(), 1, "the other field");
}

#[test]
fn what_is_remembered_is_forgotten_in_time() {
    let (home, server) = (home(), Server::new());
    drop(home.start_granted(&server, &[ACTIVE]));
    let mut most = 0;
    for _ in 0..80 {
        let client = home.start(&server);
        client.record_durable(ActiveOnADay);
        send(&client);
        drop(client);
        home.clock.pass(DAY);
        most = most.max(files::all(&home.store().join("told")).len());
    }
    assert!((60..=65).contains(&most), "{most}");
    assert_eq!(days(&server, "active.day").len(), 80);
}

#[test]
fn where_it_cant_be_noted_nothing_is_reported() {
    let (home, server) = (home(), Server::new());
    let client = home.start_granted(&server, &[ACTIVE]);
    files::write(&home.store().join("told"), b"in the way");
    live(&client);
    send(&client);
    assert_eq!(server.lines().len(), 0);
    assert_eq!(dropped(&client, "disk"), 3);
    assert!(waiting(&client, ACTIVE).is_empty());
}
