//! Tests that the crate keeps its own rules: about its words, its files and the keys of its report.

use crate::program::{report, run, text};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn files(below: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(ROOT).join(below)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).unwrap()
}

/// No promise that can't be kept appears in the sources, the documents or the printed text.
#[test]
fn no_word_is_too_big() {
    let sample = "who,a,b\nu1,1,2\nu1,1,2\nu2,1,3\n";
    let options = ["--link", "who", "--sensitive", "b", "--k", "2", "--invert", "a=b*2"];
    let mut texts: Vec<(String, String)> =
        files("src").into_iter().map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap())).collect();
    texts.extend(["README.md", "measured.md", "Cargo.toml"].map(|name| (name.to_owned(), read(name))));
    texts.push(("the text".into(), text(sample.as_bytes(), &options)));
    texts.push(("the text of a crowd".into(), text("a\n1\n".repeat(60).as_bytes(), &[])));
    let page = run(sample.as_bytes(), &[&options[..], &["--html", "-"]].concat());
    texts.push(("the page".into(), String::from_utf8(page.stdout).unwrap()));
    for (name, text) in texts {
        let text = text.to_lowercase();
        for word in ["anonym", "guarantee", "100 %", "cannot be identified", "can't be identified", "fully private"] {
            assert!(!text.contains(word), "{name} says `{word}`");
        }
    }
}

#[test]
fn files_fit_in_the_head_and_say_what_they_are_for() {
    for path in files("src").into_iter().chain(files("tests")) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} does not begin with what it is for", path.display());
        let lines = text.lines().count();
        assert!(lines <= 600, "{} has {lines} lines: split it", path.display());
    }
}

/// Modules are listed in the order of data flow, and import only modules above them.
#[test]
fn imports_point_up_the_list() {
    let main = read("src/main.rs");
    let modules: Vec<&str> = main.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).collect();
    assert!(modules.len() > 10);
    for path in files("src") {
        let name = path.strip_prefix(Path::new(ROOT).join("src")).unwrap().to_str().unwrap().replace('\\', "/");
        let module = name.split('/').next().unwrap().trim_end_matches(".rs");
        let Some(at) = modules.iter().position(|other| *other == module) else { continue };
        let text = fs::read_to_string(&path).unwrap();
        for below in &modules[at + 1..] {
            // Inside `use crate::{…}` a module is at the beginning of a line.
            let found = text.contains(&format!("crate::{below}::")) || text.contains(&format!("\n    {below}::"));
            assert!(!found, "{name} imports `{below}`, which is below it");
        }
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = read("Cargo.toml");
    let lines =
        manifest.lines().skip_while(|line| *line != "[dependencies]").take_while(|line| *line != "[lints.rust]");
    for line in lines.filter(|line| line.contains(" = ")) {
        let reason = line.split_once(" # ").map_or("", |(_, reason)| reason);
        assert!(reason.len() > 15, "`{line}` gives no reason");
    }
}

/// README.md describes every key of a report.
#[test]
fn the_readme_knows_every_key() {
    fn keys(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| {
                found.insert(key.clone());
                keys(value, found);
            }),
            Value::Array(list) => list.iter().for_each(|value| keys(value, found)),
            _ => {}
        }
    }
    let readme = read("README.md");
    let input = b"who,a,b,n\nu1,1,2,3\nu2,x,3,4\nu3\n";
    let options = ["--link", "who", "--sensitive", "b", "--invert", "a=b*2", "--count", "n", "--as", "a=count"];
    let mut found = BTreeSet::new();
    keys(&report(input, &options), &mut found);
    let lock = Path::new(ROOT).join("../../examples/quickstart/candor.lock");
    let scope = ["--scope", lock.to_str().unwrap(), "--fields", "a"];
    let server = b"server,a\nx,1\n";
    keys(&report(server, &["--reach", "20"]), &mut found);
    keys(&report(server, &scope), &mut found);
    assert!(found.len() > 50, "{found:?}");
    for key in found {
        assert!(readme.contains(&format!("`{key}`")), "README.md does not describe `{key}`");
    }
}
