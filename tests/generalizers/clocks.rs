//! Clocks with implausible times: codes and counts are made, nothing panics, and what is sent is dated no more than a
//! day after the day on which it is sent and no more than 60 days before it.

use crate::{
    lab::{DAY, Every, ITEMS, Lab, Met, Played, send},
    tally,
};
use serde_json::Value;

/// The start time of the tests, among times that no clock should show.
fn clocks() -> [(&'static str, i64); 9] {
    [
        ("before 1970", -86_400 * 365),
        ("1970", 0),
        ("the second day", 86_400),
        ("2000", 946_684_800),
        ("now", crate::lab::start()),
        ("2106", 4_294_967_295),
        ("2106, a second later", 4_294_967_296),
        ("the last second of 9999", 253_402_300_799),
        ("beyond any calendar", i64::MAX / 4),
    ]
}

/// The days in the records of a body, in nanoseconds since 1970.
fn days(body: &[u8]) -> Vec<u128> {
    fn walk(value: &Value, found: &mut Vec<u128>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if name == "timeUnixNano" || name == "observedTimeUnixNano" {
                        // On the wire nanoseconds have 64 bits.
                        found.push(value.as_str().unwrap().parse::<u64>().expect("64 bits").into());
                    }
                    walk(value, found);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(&serde_json::from_slice(body).unwrap(), &mut found);
    found
}

#[test]
fn whatever_the_clock_says_nothing_implausible_leaves() {
    let mut bodies_in_all = 0;
    for (granted, begin) in clocks() {
        for (jumped, end) in clocks() {
            let lab = Lab::new();
            lab.clock.put(begin);
            let client = lab.start_granted(ITEMS);
            let record = || {
                for which in ["one", "two", "three"] {
                    client.record_durable(Met { hash: which, cohort: which });
                    client.record(Every { which });
                    client.record_durable(Every { which });
                    client.record(Played { film: Some(which), first: true });
                }
            };
            record();
            lab.clock.put(end);
            record();
            for passed in [0, 1, 2, 40] {
                lab.clock.put(end.saturating_add(passed * 86_400));
                let before = lab.sent().len();
                send(&client);
                let today = u128::try_from((end + passed * 86_400).clamp(0, 253_402_300_799) / 86_400).unwrap();
                for body in &lab.sent()[before..] {
                    for nanos in days(body) {
                        let day = nanos / (DAY.as_nanos());
                        assert_eq!(nanos % DAY.as_nanos(), 0, "{granted}, then {jumped}: no time of day leaves");
                        assert!(day <= today + 1, "{granted}, then {jumped}: day {day} leaves on day {today}");
                        assert!(day + 60 >= today, "{granted}, then {jumped}: day {day} leaves on day {today}");
                    }
                }
                record();
            }
            // None of this stops the program from starting, showing its page or withdrawing.
            drop(client);
            let client = lab.start();
            assert!(!client.manifest().unwrap().to_string().is_empty());
            assert!(client.withdraw(ITEMS).unwrap().confirmed, "{granted}, then {jumped}");
            bodies_in_all += lab.sent().len();
        }
    }
    // The control: with a clock that does not jump, reports are sent.
    assert!(bodies_in_all > clocks().len(), "{bodies_in_all}");
    tally::figure("odd_clocks", (clocks().len() * clocks().len()) as u64);
    tally::property("hash", "no implausible day");
}
