//! The joint budget of a scope, from its contract, and the same on rows.

use crate::program::{judged, run};
use serde_json::{Value, json};
use std::{path::Path, process::Command};

fn labels(many: usize) -> Value {
    json!({"kind": "labels", "labels": (0..many).map(|n| format!("l{n}")).collect::<Vec<_>>()})
}

fn field(name: &str, class: &str, optional: bool, precision: &Value) -> Value {
    json!({"name": name, "class": class, "optional": optional, "precision": precision})
}

/// A contract with two once-events, one that counts, and one with a code.
fn contract() -> Value {
    let cuts = json!({"kind": "cuts", "unit": "count", "cuts": [0, 10, 100]});
    json!({"scope": "usage", "events": [
        {"name": "library.has", "linkage": "once", "fields": [
            field("shelves", "ladder", true, &cuts), field("codec", "category", false, &labels(5)),
        ]},
        {"name": "window.was", "linkage": "once", "fields": [field("theme", "category", false, &labels(60))]},
        {"name": "program.ran", "linkage": "once", "fields": []},
        {"name": "film.played", "linkage": "rollup", "fields": [field("stuttered", "bool", false, &json!({"kind": "flag"}))]},
        {"name": "server.lost", "linkage": "month", "fields": [
            field("server", "hash", true, &json!({"kind": "code", "bits": 64})),
            field("cause", "category", false, &labels(3)),
        ]},
    ]})
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// The exit code and the JSON report without rows.
fn alone(contract: &Value, options: &[&str]) -> (i32, Value) {
    let file = file(&contract.to_string());
    let mut command = Command::new(env!("CARGO_BIN_EXE_candor-audit"));
    let output = command.arg("--scope").arg(file.path()).args(["--json", "-"]).args(options).output().unwrap();
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), report)
}

#[test]
fn panels_are_multiplied_within_and_added_to_each_other() {
    // 4 x 5 = 20 and 60 and 3 are 3,600 together, which is too much. 60 and 20 x 3 are 120.
    let (code, report) = alone(&contract(), &[]);
    let scope = &report["scopes"][0];
    assert_eq!((code, &scope["outcomes"], &report["input"]), (0, &120.into(), &Value::Null));
    let panels: Vec<u64> =
        scope["panels"].as_array().unwrap().iter().map(|panel| panel["outcomes"].as_u64().unwrap()).collect();
    assert_eq!(panels, [60, 60]);
    assert!((scope["bits"].as_f64().unwrap() - 120f64.log2()).abs() < 1e-9);
    for (at, others) in [(0, 499), (1, 4_999), (2, 49_999)] {
        let wanted = (1.0 - 1.0 / 120.0f64).powi(others);
        let said = scope["alone"][at]["share"].as_f64().unwrap();
        assert!((said - wanted).abs() < 1e-12, "{said} {wanted}");
    }
    assert_eq!(
        (&scope["activity"], &scope["coded"]),
        (&json!(["program.ran", "film.played"]), &json!(["server.lost"]))
    );
    // All of it together is within a larger bound, and in one panel.
    let (code, report) = alone(&contract(), &["--budget", "4000"]);
    assert_eq!((code, &report["scopes"][0]["outcomes"]), (0, &3_600.into()));
    // No split reaches this one.
    let (code, report) = alone(&contract(), &["--budget", "80"]);
    assert_eq!((code, &report["scopes"][0]["outcomes"], &report["verdict"]), (1, &83.into(), &"fails".into()));
    let said = report["over_limits"][0].as_str().unwrap();
    assert_eq!(said, "scope usage: 83 different reports say what stays the same, and 80 are allowed");
    // A reason that the person reads allows more, and what the contract says itself is compared.
    let mut larger = contract();
    larger["budget"] = json!({"outcomes": 3_600, "reason": "to find rare combinations"});
    assert_eq!(alone(&larger, &[]).1["scopes"][0]["outcomes"], 3_600);
    let (_, report) = alone(&contract(), &["--stays", "film.played"]);
    assert_eq!(report["scopes"][0]["outcomes"], 180);
    assert_eq!(
        alone(&json!([{"scopes": [{"contract": contract()}, contract()]}]), &[]).1["scopes"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn a_lock_and_a_manifest_are_read() {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart/candor.lock");
    let lock: Value = serde_json::from_str(&std::fs::read_to_string(lock).unwrap()).unwrap();
    let (code, report) = alone(&lock, &[]);
    let scopes = report["scopes"].as_array().unwrap();
    assert_eq!((code, scopes.len()), (0, lock["scopes"].as_array().unwrap().len()));
    for scope in scopes {
        let declared = &scope["declared"];
        assert!(declared.is_null() || *declared == scope["outcomes"], "candor works out another number: {scope}");
    }
    let page = json!({"name": "usage", "could_send": [{"name": "e", "linkage": "Once", "fields": [
        {"name": "f", "class": "bool", "optional": true, "precision": "yes or no", "precision_spec": {"kind": "flag"}},
    ]}]});
    assert_eq!(alone(&json!({"scopes": [page]}), &[]).1["scopes"][0]["outcomes"], 3);
}

#[test]
fn rows_are_measured_in_the_classes_of_the_contract() {
    let contract = file(&contract().to_string());
    let scope = contract.path().to_str().unwrap();
    // Shelves of 3 and 7 are one step. `library.has.codec` is the codec.
    let row = |n: usize| format!("{},l{},{},ignored\n", [3, 7, 12][n % 3], n % 2, ["l1", "l2"][usize::from(n == 0)]);
    let input = format!("shelves,library.has.codec,theme,more\n{}", (0..120).map(row).collect::<String>());
    let (code, report, said) = judged(input.as_bytes(), &["--scope", scope]);
    assert_eq!(code, 0, "{said}");
    let plans = report["events"][0]["plans"].as_array().unwrap();
    let names: Vec<&str> = plans.iter().map(|plan| plan["plan"].as_str().unwrap()).collect();
    assert_eq!(names, ["usage, panel 1 of 2", "usage, panel 2 of 2"]);
    let of = |field: &str| {
        let has = |plan: &&Value| plan["fields"].as_array().unwrap().iter().any(|it| it["field"] == field);
        plans.iter().find(has).unwrap_or_else(|| panic!("{field}"))
    };
    assert_eq!(of("shelves")["by_record"]["classes"], 4);
    assert_eq!(of("theme")["by_record"]["classes"], 2);
    assert_eq!(report["scopes"][0]["panels"][1]["not_in_rows"], json!(["server.lost.server", "server.lost.cause"]));
    // One of 120 has its theme alone: it is expected to be so among few, and never among many.
    let expected = (1.0 / 120.0) * (119.0f64 / 120.0).powi(499) + (119.0 / 120.0) * (1.0f64 / 120.0).powi(499);
    let said = of("theme")["by_record"]["alone_among"][0]["share"].as_f64().unwrap();
    assert!((said - expected).abs() < 1e-9, "{said} {expected}");
    let text = String::from_utf8(run(input.as_bytes(), &["--scope", scope]).stdout).unwrap();
    assert!(text.contains("scope usage: what stays the same") && text.contains("measured: rows"), "{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let page = run(input.as_bytes(), &["--scope", scope, "--html", "-"]).stdout;
    assert!(String::from_utf8(page).unwrap().contains("Scope usage: what stays the same"));
}

#[test]
fn what_is_no_scope_says_what_would_be() {
    let scope = |text: &str, more: &[&str]| {
        let file = file(text);
        let output = run(b"a\n1\n", &[&["--scope", file.path().to_str().unwrap()], more].concat());
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(scope("{", &[]).contains("is no JSON"));
    assert!(scope("{}", &[]).contains("has no contract in it; give candor.lock, a receipt or a manifest as JSON"));
    let text = contract().to_string();
    let said = scope(&text, &[]);
    assert!(said.contains("no column is called like a field of the scope. The fields are `theme`"), "{said}");
    assert!(scope(&text, &["--stays", "film.play"]).contains("Did you mean `film.played`?"));
    let odd = text.replace("\"kind\":\"flag\"", "\"kind\":\"oracle\"");
    assert!(scope(&odd, &[]).contains("the field `stuttered` of `film.played` can't be read"));
}
