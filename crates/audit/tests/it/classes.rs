//! Every class of candor can be named here. The list is candor's own, so that a new class can't be forgotten.

use crate::program::{complaint, judged, plan, report, run};
use std::{collections::BTreeMap, fs, path::Path};

fn source(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// The names in candor's list of classes, as `#[field(…)]` takes them.
fn names() -> Vec<String> {
    let text = source("src/event/class/mod.rs");
    let (_, list) = text.split_once("\nclasses! {\n").expect("candor's list of classes");
    let (list, _) = list.split_once("\n}\n").unwrap();
    let lines = list.lines().filter_map(|line| line.trim().strip_prefix("/// `#[field("));
    let word = |line: &str| line.split(|c: char| !(c.is_ascii_lowercase() || c == '_')).next().unwrap().to_owned();
    lines.map(word).collect()
}

/// An example of a value of each class, as candor's macros have it.
fn examples() -> BTreeMap<String, String> {
    let text = source("crates/derive/src/event/field/class.rs");
    let (_, list) = text.split_once("const CLASSES: ").expect("the macros' list of classes");
    let (_, list) = list.split_once("= [\n").unwrap();
    let (list, _) = list.split_once("\n];\n").unwrap();
    let entry = |line: &str| {
        let mut parts = line.trim().split(", ").skip(1);
        let (word, _, value) = (parts.next()?, parts.next()?, parts.next()?);
        let value = value.trim_end_matches("),").replace("\\\"", "\"");
        let value = value.trim_matches('"').trim_matches('"');
        let number = value.starts_with(|c: char| c.is_ascii_digit());
        let value = if number { value.replace('_', "") } else { value.to_owned() };
        Some((word.trim_matches('"').to_owned(), value))
    };
    list.lines().filter_map(entry).collect()
}

/// How to write a class with parameters, as the program's own message says.
fn written(name: &str) -> String {
    let as_is = run(b"x\n1\n", &["--as", &format!("x={name}"), "--quiet", "--allow-left-out", "100"]);
    if as_is.status.success() {
        return name.to_owned();
    }
    let said = complaint(b"x\n1\n", &["--as", &format!("x={name}")]);
    assert!(!said.contains("there is no class"), "candor has a class that this program lacks: {said}");
    let (_, example) =
        said.trim_end().split_once("such as ").unwrap_or_else(|| panic!("{name} has no example: {said}"));
    example.trim_end_matches('.').to_owned()
}

#[test]
fn every_class_of_candor_can_be_named_and_reads_candors_example() {
    let (names, examples) = (names(), examples());
    assert!(names.len() >= 26 && examples.len() >= 26, "{names:?} {examples:?}");
    let readme = source("crates/audit/README.md");
    for name in names.iter().map(String::as_str).chain(["bool", "category"]) {
        let class = written(name);
        let value = match name {
            "bool" => "true",
            "category" => "hevc",
            // candor's macros have no example where the program gives no value.
            name => Some(&*examples[name]).filter(|value| !value.is_empty()).unwrap_or("7"),
        };
        let (code, said, errors) = judged(format!("x\n\"{value}\"\n").as_bytes(), &["--as", &format!("x={class}")]);
        assert_eq!((code, &plan(&said)["fields"][0]["class"]), (0, &class.clone().into()), "{name}: {errors}");
        assert!(readme.contains(&format!("`{name}")), "README.md does not explain `{name}`");
    }
    // The control: a name that candor does not have.
    assert!(complaint(b"x\n1\n", &["--as", "x=nonsense"]).contains("there is no class `nonsense`"));
}

#[test]
fn outcomes_make_classes() {
    let input = "language,address,when\nde-AT,10.0.0.1,2026-01-05\nde_CH,192.168.7.7,2026-01-31T23:59:59Z\nxx,1.2.3.4,1770000000\n";
    let options = ["--as", "language=locale", "--as", "address=network_address", "--as", "when=date:month:2026-01:3"];
    let said = report(input.as_bytes(), &options);
    assert_eq!(plan(&said)["by_record"]["classes"], 2, "{said}");
    let fields = plan(&said)["fields"].as_array().unwrap();
    assert_eq!((&fields[0]["not_numbers"], &fields[2]["unit"]), (&0.into(), &"UTC date".into()));
    // What can't be read is told in words that fit, and is no value.
    let said = judged(b"v\n1.2\nx\n", &["--as", "v=version:1.0,1.2"]).2;
    assert!(said.contains("`v` can't be read as version:1.0,1.2 (unreadable) (line 3)"), "{said}");
}
