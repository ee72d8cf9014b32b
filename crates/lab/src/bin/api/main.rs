//! Lists the public interface of a crate from rustdoc's JSON, one item on each line, and compares it with the stored list.
//! `.ci/api` runs it. Changes nothing but the list, and that only with `--write`.
//!
//! Implementations that the compiler adds by itself are left out, and so are the members of an implementation of a trait: the trait
//! says what they are.

mod docs;

use std::{env, error::Error, fs, process::ExitCode};

/// The fewest functions that have an example which is compiled.
const EXAMPLES_LEAST: usize = 60;
const USAGE: &str = "usage: api RUSTDOC.json LIST [--write]";

fn main() -> ExitCode {
    match run() {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("api: FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (json, list, writes) = match arguments.as_slice() {
        [json, list] => (json, list, false),
        [json, list, write] if write == "--write" => (json, list, true),
        _ => return Err(USAGE.into()),
    };
    let interface = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()
        .map_err(|error| format!("{json}: {error}"))?;
    let items = without_members(interface.items().map(ToString::to_string));
    if writes {
        fs::write(list, items.join("\n") + "\n")?;
    }
    let stored = fs::read_to_string(list).unwrap_or_default();
    let stored: Vec<&str> = stored.lines().collect();
    let different = differences(&stored, &items);
    if !different.is_empty() {
        let found = different.join("\n");
        let count = different.len();
        return Err(format!(
            "the interface is not the one in {list}: {count} lines differ\n{found}\nIf that is meant, store the list again with \
             `.ci/api --write`, and say so in CHANGELOG.md"
        )
        .into());
    }
    let docs::Count { examples, silent } = docs::count(&serde_json::from_str(&fs::read_to_string(json)?)?)?;
    if !silent.is_empty() {
        return Err(format!("{} items have no documentation: {}", silent.len(), silent.join(", ")).into());
    }
    if examples < EXAMPLES_LEAST {
        return Err(format!("{examples} functions have a compiled example, and {EXAMPLES_LEAST} must have one").into());
    }
    let items = items.len();
    Ok(format!(
        "api: {items} items, as stored; {examples} functions with a compiled example, 0 items without documentation"
    ))
}

/// The items without the members of implementations of traits.
fn without_members(items: impl Iterator<Item = String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    // The type of the implementation that the items after it belong to.
    let mut of_trait: Option<String> = None;
    for item in items {
        if item.starts_with("impl") {
            let of = item.split_once(" for ").map(|(_, of)| of);
            of_trait = of.map(|of| format!(" {}::", of.split(" where ").next().unwrap_or(of)));
            // The compiler adds it to each derived `PartialEq`.
            if item.starts_with("impl core::marker::StructuralPartialEq for ") {
                continue;
            }
        } else if of_trait.as_ref().is_some_and(|of| item.contains(of.as_str())) {
            continue;
        } else {
            of_trait = None;
        }
        kept.push(item);
    }
    kept
}

/// The lines of one list that the other does not have, each with a sign.
fn differences(stored: &[&str], items: &[String]) -> Vec<String> {
    let gone = stored.iter().filter(|line| !items.iter().any(|item| item == *line)).map(|line| format!("- {line}"));
    let new = items.iter().filter(|item| !stored.contains(&item.as_str())).map(|item| format!("+ {item}"));
    let mut all: Vec<String> = gone.chain(new).collect();
    if all.is_empty() && stored.len() != items.len() {
        all.push(format!("  {} lines are stored, and there are {} items", stored.len(), items.len()));
    }
    all
}
