//! OTLP bodies and records, as candor writes them and as other programs write them.

use crate::program::{complaint, judged, plan, report, report_from_stdin, text};
use serde_json::{Value, json};

fn record(event: &str, attributes: &[(&str, Value)]) -> Value {
    let attributes: Vec<Value> = attributes.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    json!({"timeUnixNano": "1", "severityNumber": 9, "eventName": event, "attributes": attributes})
}

fn body(records: &[Value]) -> String {
    let json = json!({"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [{"scope": {}, "logRecords": records}]}]});
    // Padded in the same way as candor pads its bodies.
    format!("{json}      \n")
}

fn played(duration: u64, codec: Option<&str>, count: u64, uid: &str) -> Value {
    let mut attributes = vec![("duration", json!({"intValue": duration.to_string()}))];
    attributes.extend(codec.map(|codec| ("codec", json!({"stringValue": codec}))));
    attributes.push(("count", json!({"intValue": count.to_string()})));
    attributes.push(("candor.divisor", json!({"intValue": "32"})));
    attributes.push(("log.record.uid", json!({"stringValue": uid})));
    record("playback.finished", &attributes)
}

#[test]
fn cells_weigh_what_they_count_and_both_ways_are_said() {
    let input = [
        body(&[played(60, Some("hevc"), 2, "a"), played(60, Some("hevc"), 1, "b"), played(300, None, 16, "c")]),
        format!(
            "{}\n",
            record("library.opened", &[("shelves", json!({"intValue": 5})), ("big", json!({"boolValue": true}))])
        ),
        body(&[record(
            "playback.finished",
            &[("candor.other", json!({"boolValue": true})), ("count", json!({"intValue": "8"}))],
        )]),
    ]
    .concat();
    for said in [report(input.as_bytes(), &["--k", "4"]), report_from_stdin(input.as_bytes(), &["--k", "4"])] {
        let events = said["events"].as_array().unwrap();
        assert_eq!(events.len(), 2);
        assert_eq!(
            (&events[0]["event"], &events[0]["rows"], &events[0]["count"]),
            (&"playback.finished".into(), &3.into(), &19.into())
        );
        let plan = &events[0]["plans"][0];
        assert_eq!(plan["fields"].as_array().unwrap().len(), 2, "uid and count are no fields");
        assert_eq!((&plan["by_record"]["classes"], &plan["by_record"]["share_under_k"]), (&2.into(), &1.0.into()));
        assert_eq!((&plan["by_count"]["largest_class"], &plan["by_count"]["smallest_class"]), (&16.into(), &3.into()));
        assert!((plan["by_count"]["share_under_k"].as_f64().unwrap() - 3.0 / 19.0).abs() < 1e-12);
        assert!(events[1]["plans"][0]["by_count"].is_null() && events[1]["count"].is_null());
        assert!(said["input"]["notes"][0].as_str().unwrap().contains("most frequent: 1, with a count of 8"));
    }
    let printed = text(input.as_bytes(), &["--allow-left-out", "20"]);
    let (code, said, errors) = judged(input.as_bytes(), &[]);
    assert!(code == 3 && errors.contains("a record of everything else of a day, without fields"), "{errors}");
    assert_eq!((&said["input"]["left_out"]["rows"], &said["input"]["left_out"]["of"]), (&1.into(), &5.into()));
    assert!(printed.contains("(by count)") && printed.contains("(by record)"), "{printed}");
    let measured = report(input.as_bytes(), &["--fields", "duration,count", "--event", "playback.finished"]);
    assert_eq!(plan(&measured)["by_record"]["classes"], 3, "`count` is a field when it is asked for");
}

#[test]
fn a_field_that_comes_late_was_not_sent_before() {
    let input: String = [("a", None), ("a", None), ("a", Some("x")), ("b", Some("x"))]
        .map(|(kind, late)| {
            let mut attributes = vec![("kind", json!({"stringValue": kind}))];
            attributes.extend(late.map(|late| ("late", json!({"stringValue": late}))));
            format!("{}\n", record("e", &attributes))
        })
        .concat();
    let said = report(input.as_bytes(), &["--k", "2"]);
    let plan = plan(&said);
    assert_eq!((&plan["by_record"]["classes"], &plan["by_record"]["share_unique"]), (&3.into(), &0.5.into()));
    for one in plan["leave_one_out"].as_array().unwrap() {
        let wanted = if one["field"] == "late" { 0.25 } else { 0.0 };
        assert_eq!(one["share_unique"], wanted, "{one}");
    }
    assert_eq!(plan["fields"][1]["missing"], 2);
}

#[test]
fn lines_that_are_no_records_are_counted() {
    let long = format!("{{\"eventName\":\"{}\"}}", "x".repeat(5 << 20));
    let deep = "[".repeat(100_000);
    let twice = record("e", &[("a", json!({"intValue": "1"})), ("a", json!({"intValue": "2"}))]);
    let zero = record("e", &[("count", json!({"intValue": "0"}))]);
    let value = record("e", &[("a", json!({"stringValue": "x".repeat(70_000)}))]);
    let name = record(&"n".repeat(300), &[]);
    let good = record("e", &[("a", json!({"arrayValue": {"values": [{"intValue": "1"}]}})), ("b", json!(null))]);
    let input = format!(
        "{good}\nnot json\n\n{{}}\n{long}\n{{\"resourceLogs\":7}}\n{deep}\n{twice}\n{zero}\n{value}\n{name}\n{}{good}",
        body(&[json!(3), good.clone()])
    );
    let said = report(input.as_bytes(), &[]);
    assert_eq!(said["input"]["rows"], 3);
    let kinds: Vec<(&str, u64, u64)> = said["input"]["malformed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["what"].as_str().unwrap(), one["rows"].as_u64().unwrap(), one["first_line"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("a value is longer than 64 KiB", 1, 10),
            ("an attribute occurs twice", 1, 8),
            ("an event's or attribute's name is longer than 256 bytes", 1, 11),
            ("its count is no whole number above 0", 1, 9),
            ("not an OTLP body or log record in JSON", 5, 2),
            ("the line is longer than 4 MiB", 1, 5),
        ]
    );
    assert!(complaint(input.as_bytes(), &["--strict"]).contains("line 2: not an OTLP body"));
}

#[test]
fn an_event_or_field_that_is_not_there_is_named() {
    let input = format!("{}\n", record("library.opened", &[("shelves", json!({"intValue": 5}))]));
    let said = complaint(input.as_bytes(), &["--event", "library.open"]);
    assert!(said.contains("Did you mean `library.opened`?"), "{said}");
    assert!(complaint(input.as_bytes(), &["--fields", "shelf"]).contains("There are `shelves`."));
    assert!(complaint(input.as_bytes(), &["--event-column", "shelves"]).contains("is for tables"));
}
