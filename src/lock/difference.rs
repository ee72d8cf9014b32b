//! Compares what a build would send with its lock, and describes the differences for the developer: what is wider, what
//! is narrower, and on which axis. Only the [compatibility](crate::consent) of contracts decides which of two is wider.
//! Differences that it does not name are listed as well, so that no change is missed. Never reads a file, and accepts
//! nothing.

use super::form::{Entry, Lock};
use crate::consent::{Change, Comparison, ContractSchema, Effect};
use serde_json::Value;
use std::{collections::BTreeMap, fmt::Write as _};

/// The axis for a scope that was added or removed.
const WHOLE: &str = "the scope";

/// How two contracts are compared. The first argument is this build's contract.
pub(super) type Compare<'c> = &'c dyn Fn(&ContractSchema, &ContractSchema) -> Comparison;

/// The parts of a contract that say how to reach someone, or that give a reason. They impose no limits.
const WORDS: [&str; 5] = [
    "controller.address",
    "controller.contact",
    "controller.data_protection_officer",
    "controller.authority",
    ".reason",
];

/// What a difference means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Wider(Held),
    Narrower,
    Words,
}

/// What happens to a wider scope until the person is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Back,
    Stops,
    /// The scope is new, so no one has agreed to it.
    New,
}

/// One difference.
struct Difference {
    means: Means,
    axis: String,
    before: String,
    after: String,
}

/// The differences as text. `None` if there are none.
pub(super) fn between(lock: &Lock, build: &Lock, compare: Compare<'_>) -> Option<String> {
    let mut found: Vec<(String, Vec<Difference>)> = Vec::new();
    for entry in &build.scopes {
        match lock.scopes.iter().find(|before| before.scope == entry.scope) {
            Some(before) => {
                let differences = of_scope(before, entry, compare);
                if !differences.is_empty() {
                    let line = lock.line_of(&entry.scope).map(|line| format!(" (line {line})")).unwrap_or_default();
                    found.push((format!("{}{line}", entry.scope), differences));
                }
            }
            None => found.push((entry.scope.clone(), vec![whole(Means::Wider(Held::New), "", &entry.title)])),
        }
    }
    for before in &lock.scopes {
        if !build.scopes.iter().any(|entry| entry.scope == before.scope) {
            found.push((before.scope.clone(), vec![whole(Means::Narrower, &before.title, "")]));
        }
    }
    (!found.is_empty()).then(|| text(&found))
}

/// A difference of the whole scope, described by its title.
fn whole(means: Means, before: &str, after: &str) -> Difference {
    let quoted = |title: &str| if title.is_empty() { String::new() } else { format!("\"{title}\"") };
    Difference { means, axis: WHOLE.into(), before: quoted(before), after: quoted(after) }
}

fn of_scope(before: &Entry, after: &Entry, compare: Compare<'_>) -> Vec<Difference> {
    let mut found: Vec<Difference> = Vec::new();
    if before.contract_digest != after.contract_digest {
        found.extend(compare(&after.contract, &before.contract).changes.into_iter().map(of_change));
        let (was, is) = (leaves(&before.value()), leaves(&after.value()));
        let of = |leaves: &BTreeMap<String, String>, path: &str| leaves.get(path).cloned().unwrap_or_default();
        let words = |path: &String| WORDS.iter().any(|word| path.as_str() == *word || path.ends_with(*word));
        // If the comparison names no change, every value that differs is listed.
        let all = found.is_empty();
        let mut paths: Vec<&String> = was.keys().chain(is.keys()).collect();
        paths.sort();
        paths.dedup();
        let differs = |path: &&String| was.get(*path) != is.get(*path) && (all || words(path));
        found.extend(paths.into_iter().filter(differs).map(|path| Difference {
            means: Means::Words,
            axis: path.clone(),
            before: of(&was, path),
            after: of(&is, path),
        }));
    }
    if before.title != after.title {
        let (was, is) = (format!("\"{}\"", before.title), format!("\"{}\"", after.title));
        found.push(Difference { means: Means::Words, axis: "title".into(), before: was, after: is });
    }
    let mut languages: Vec<&String> = before.notices.keys().chain(after.notices.keys()).collect();
    languages.sort();
    languages.dedup();
    for language in languages {
        let (was, is) = (before.notices.get(language), after.notices.get(language));
        if was != is {
            // Digests mean nothing to a reader, so words take their place.
            let word = |digest: Option<&String>, word: &str| digest.map(|_| word.to_owned()).unwrap_or_default();
            let axis = format!("the notice in `{language}`");
            found.push(Difference {
                means: Means::Words,
                axis,
                before: word(was, "a text"),
                after: word(is, "another"),
            });
        }
    }
    found
}

fn of_change(change: Change) -> Difference {
    let means = match change.effect {
        Effect::Narrower => Means::Narrower,
        Effect::HeldBack => Means::Wider(Held::Back),
        Effect::Stops => Means::Wider(Held::Stops),
    };
    Difference { means, axis: change.axis, before: change.before, after: change.after }
}

/// Every value of a contract by its path. An item of a list that has a name is identified by it. A list of other items
/// is one value.
fn leaves(value: &Value) -> BTreeMap<String, String> {
    fn walk(value: &Value, path: &str, found: &mut BTreeMap<String, String>) {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match value {
            Value::Object(map) if !map.is_empty() => {
                for (key, value) in map {
                    walk(value, &below(key), found);
                }
            }
            Value::Array(items) if items.iter().any(|item| item.get("name").is_some()) => {
                let names: Vec<&str> = items.iter().filter_map(|item| item.get("name")?.as_str()).collect();
                found.insert(format!("order of {path}"), names.join(", "));
                for (item, name) in items.iter().zip(names) {
                    walk(item, &below(name), found);
                }
            }
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(plain).collect();
                found.insert(path.to_owned(), items.join(", "));
            }
            other => {
                found.insert(path.to_owned(), plain(other));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(value, "", &mut found);
    found
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn text(found: &[(String, Vec<Difference>)]) -> String {
    let mut out = String::new();
    for (scope, differences) in found {
        let _ = writeln!(out, "\n{scope}");
        for Difference { means, axis, before, after } in differences {
            let word = match means {
                Means::Wider(_) => "wider",
                Means::Narrower => "narrower",
                Means::Words => "words",
            };
            let or_none = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
            let _ = writeln!(out, "  {word:<9} {axis}: {} -> {}", or_none(before), or_none(after));
        }
    }
    let count = |wanted: &dyn Fn(Means) -> bool| {
        found.iter().flat_map(|(_, differences)| differences).filter(|it| wanted(it.means)).count()
    };
    let wider = count(&|means| matches!(means, Means::Wider(_)));
    let (narrower, words) = (count(&|means| means == Means::Narrower), count(&|means| means == Means::Words));
    let _ = writeln!(out, "\n{wider} wider, {narrower} narrower, {words} in words alone.");
    if found.iter().flat_map(|(_, differences)| differences).any(|it| it.axis == WHOLE && it.after.is_empty()) {
        let _ = writeln!(
            out,
            "What a scope sent can be erased only by a version that declares it: keep the `scope!` of one that is gone, without \
             events, for as long as somebody's yes may be good."
        );
    }
    for (held, what) in [
        (Held::Back, "people who agreed are held to what they agreed to, until they are asked again"),
        (Held::Stops, "for people who agreed the scope stops completely, until they are asked again"),
        (Held::New, "nobody has agreed to it, and nothing of it is kept or sent before somebody does"),
    ] {
        match count(&|means| means == Means::Wider(held)) {
            0 => {}
            n => {
                let _ = writeln!(out, "Of what is wider, {n}: {what}.");
            }
        }
    }
    out
}
