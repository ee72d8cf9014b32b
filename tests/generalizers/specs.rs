//! The partitions as data, compared with those that were agreed to. A change to one changes every contract that names
//! it, and every person is asked again.

use crate::words::partitions;
use serde_json::{Map, Value};
use std::{fs, path::Path};

fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generalizers/specs.json")
}

/// One line for each partition, so that a change to one changes one line.
fn lines(specs: &Map<String, Value>) -> Vec<String> {
    specs.iter().map(|(name, spec)| format!("{}: {spec}", Value::from(name.as_str()))).collect()
}

fn text(specs: &Map<String, Value>) -> String {
    format!("{{\n{}\n}}\n", lines(specs).join(",\n"))
}

fn difference(was: &Map<String, Value>, is: &Map<String, Value>) -> String {
    let (was, is) = (lines(was), lines(is));
    let gone = was.iter().filter(|line| !is.contains(line)).map(|line| format!("- {line}"));
    let new = is.iter().filter(|line| !was.contains(line)).map(|line| format!("+ {line}"));
    gone.chain(new).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_partitions_are_those_that_were_agreed_to() {
    let is: Map<String, Value> = partitions().into_iter().map(|(name, precision)| (name, precision.spec())).collect();
    if std::env::var_os("GENERALIZERS_SPECS").is_some_and(|value| value == "overwrite") {
        fs::write(golden(), text(&is)).unwrap();
    }
    let was: Map<String, Value> = serde_json::from_str(&fs::read_to_string(golden()).unwrap()).unwrap();
    let difference = difference(&was, &is);
    assert!(
        difference.is_empty(),
        "partitions have changed, and with them the contracts of every event that uses them:\n{difference}\n\
         If that is meant, run `GENERALIZERS_SPECS=overwrite cargo test --test generalizers specs`."
    );
}

#[test]
fn a_changed_rung_is_noticed() {
    let was: Map<String, Value> = partitions().into_iter().map(|(name, precision)| (name, precision.spec())).collect();
    let mut is = was.clone();
    is["count"]["cuts"][3] = 4.into();
    let said = difference(&was, &is);
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(said.contains("- \"count\"") && said.contains("+ \"count\"") && said.contains("[0,1,2,4,5"), "{said}");
}

#[test]
fn different_partitions_have_different_specs() {
    let all: Vec<_> = partitions().into_iter().collect();
    for (at, (name, precision)) in all.iter().enumerate() {
        for (other, same) in all.iter().skip(at + 1) {
            assert_eq!(precision == same, precision.spec() == same.spec(), "{name} and {other}");
        }
    }
}
