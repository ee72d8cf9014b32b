//! The joint budget of a scope: how many different reports an installation can make about what stays the same about it, worked
//! out from a contract. Does not look at rows; the plans it makes do.
//!
//! candor works the same out when a program starts. This is a second computation, from the published contract alone.

use crate::{
    args::Audit,
    classes::Class,
    error::{Error, Result, Trying as _, did_you_mean},
    words::{listed, shown},
};
use serde_json::Value;
use std::{fs, path::Path};

/// The bound for a scope that gives no reason for a larger one.
const BOUND: u64 = 1_024;
/// The largest file that is read, in bytes.
const FILE_MOST: u64 = 64 << 20;

/// A scope, as its contract describes it.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// Its name.
    pub(crate) name: String,
    /// The most outcomes that it may have together.
    pub(crate) bound: u64,
    /// What the contract itself says about how many there are.
    pub(crate) declared: Option<u64>,
    /// What an installation answers: one of these. Empty if nothing stays the same.
    pub(crate) panels: Vec<Panel>,
    /// Events that describe activity, which is not counted.
    pub(crate) activity: Vec<String>,
    /// Events whose code links the records of a period.
    pub(crate) coded: Vec<String>,
}

/// Events that one installation reports together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Panel {
    /// The names of the events.
    pub(crate) events: Vec<String>,
    /// Their fields, each with its event and its class.
    pub(crate) fields: Vec<(String, String, Class)>,
    /// How many outcomes the fields have together.
    pub(crate) outcomes: u64,
}

/// One event of a contract.
#[derive(Debug, Clone)]
struct Event {
    name: String,
    linkage: String,
    /// Whether it is a map: its records are the values of single keys.
    keyed: bool,
    /// Each field with its class, its number of outcomes, and the name space of its code.
    fields: Vec<(String, Class, u64, String)>,
}

impl Event {
    fn read(value: &Value) -> Option<Result<Event>> {
        let (name, linkage) = (value["name"].as_str()?.to_owned(), value["linkage"].as_str()?.to_lowercase());
        let fields = value["fields"].as_array()?.iter().map(|field| {
            let of = field["name"].as_str().unwrap_or_default();
            let wrong = || Error::Input(format!("the field `{}` of `{}` can't be read", shown(of), shown(&name)));
            let spec = if field["precision"].is_object() { &field["precision"] } else { &field["precision_spec"] };
            let class = field["class"].as_str().unwrap_or_default();
            let (class, outcomes) = Class::stored(class, spec).ok_or_else(wrong)?;
            let optional = u64::from(field["optional"].as_bool().unwrap_or(false));
            // A code has no bounded number of outcomes, and is told separately.
            let outcomes = if spec["kind"] == "code" { 1 } else { outcomes + optional };
            let domain = field["domain"].as_str().unwrap_or_default().to_owned();
            Ok((of.to_owned(), class, outcomes, domain))
        });
        let fields = match fields.collect::<Result<Vec<_>>>() {
            Ok(fields) => fields,
            Err(error) => return Some(Err(error)),
        };
        Some(Ok(Event { name, linkage, keyed: value["keyed"].as_bool().unwrap_or(false), fields }))
    }

    fn has_code(&self) -> bool {
        ["session", "day", "week", "month"].contains(&&*self.linkage)
    }

    /// Whether it says what stays the same: it is reported once in a period, or has a code.
    fn stays(&self) -> bool {
        self.has_code() || (["once", "snapshot"].contains(&&*self.linkage) && !self.fields.is_empty())
    }

    fn outcomes(&self) -> u64 {
        self.fields.iter().fold(1, |all, (_, _, outcomes, _)| all.saturating_mul(*outcomes))
    }

    /// Whether the codes of two events can be matched.
    fn is_tied_to(&self, other: &Event) -> bool {
        let domains = |event: &Event| -> Vec<String> {
            event.fields.iter().map(|(.., domain)| domain.clone()).filter(|domain| !domain.is_empty()).collect()
        };
        self.linkage == other.linkage && domains(self).iter().any(|domain| domains(other).contains(domain))
    }
}

impl Panel {
    /// Events that are reported together.
    fn of(group: &[&Event]) -> Panel {
        let fields = |event: &&Event| {
            let name = event.name.clone();
            event
                .fields
                .iter()
                .map(move |(field, class, ..)| (name.clone(), field.clone(), class.clone()))
                .collect::<Vec<_>>()
        };
        Panel {
            events: group.iter().map(|event| event.name.clone()).collect(),
            outcomes: group.iter().fold(1, |all: u64, event| all.saturating_mul(event.outcomes())),
            fields: group.iter().flat_map(fields).collect(),
        }
    }
}

impl Scope {
    /// Reads the scopes of a file: `candor.lock`, a contract, receipts, or a manifest, as JSON. Of several contracts of a scope,
    /// the last one counts.
    pub(crate) fn read_all(audit: &Audit) -> Result<Vec<Scope>> {
        let Some(path) = &audit.scope else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let file = json(path)?;
        contracts(&file, &mut found);
        let mut scopes: Vec<Scope> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for (name, contract, events) in found {
            let events: Vec<Event> = events.iter().filter_map(Event::read).collect::<Result<_>>()?;
            names.extend(events.iter().map(|event| event.name.clone()));
            let scope = Scope::new(name, contract, &events, audit);
            scopes.retain(|known| known.name != scope.name);
            scopes.push(scope);
        }
        if scopes.is_empty() {
            return Err(Error::Input(format!(
                "{} has no contract in it; give candor.lock, a receipt or a manifest as JSON",
                path.display()
            )));
        }
        for name in &audit.stays {
            if !names.contains(name) {
                return Err(Error::Usage(format!(
                    "--stays names `{}`, which is no event of the scope.{} There are {}.",
                    shown(name),
                    did_you_mean(name, names.iter().map(String::as_str)),
                    listed(names.iter().map(String::as_str))
                )));
            }
        }
        Ok(scopes)
    }

    fn new(name: &str, contract: &Value, events: &[Event], audit: &Audit) -> Scope {
        let declared = contract.pointer("/budget/outcomes").and_then(serde_json::Value::as_u64);
        let larger = declared.filter(|_| contract.pointer("/budget/reason").is_some_and(serde_json::Value::is_string));
        let bound = audit.budget.or(larger).unwrap_or(BOUND);
        let stays = |event: &&Event| event.stays() || audit.stays.contains(&event.name);
        let names = |events: Vec<&Event>| events.into_iter().map(|event| event.name.clone()).collect();
        Scope {
            name: name.to_owned(),
            bound,
            declared,
            panels: panels(parts(events.iter().filter(stays).collect()), bound),
            activity: names(events.iter().filter(|event| !stays(event)).collect()),
            coded: names(events.iter().filter(|event| event.has_code()).collect()),
        }
    }

    /// How many outcomes all panels have together. 1 if nothing stays the same.
    pub(crate) fn outcomes(&self) -> u64 {
        self.panels.iter().fold(0, |sum: u64, panel| sum.saturating_add(panel.outcomes)).max(1)
    }

    /// The share of `installations` that is expected to be alone with its outcome, if all outcomes are equally likely.
    pub(crate) fn alone(&self, installations: u64) -> f64 {
        (1.0 - 1.0 / self.outcomes() as f64).powf(installations.saturating_sub(1) as f64)
    }
}

/// Finds contracts, and the scopes of a manifest, at any depth: the scope's name, the object, and its events.
fn contracts<'v>(value: &'v Value, found: &mut Vec<(&'v str, &'v Value, &'v Vec<Value>)>) {
    let name = value["scope"].as_str().or(value["name"].as_str());
    let events = value["events"].as_array().or(value["could_send"].as_array());
    match (name, events, value) {
        (Some(name), Some(events), _) => found.push((name, value, events)),
        (_, _, Value::Object(map)) => map.values().for_each(|value| contracts(value, found)),
        (_, _, Value::Array(list)) => list.iter().for_each(|value| contracts(value, found)),
        _ => {}
    }
}

fn json(path: &Path) -> Result<Value> {
    let what = || format!("can't read {}", path.display());
    if fs::metadata(path).trying(what)?.len() > FILE_MOST {
        return Err(Error::Input(format!("{} is larger than 64 MiB", path.display())));
    }
    let text = fs::read_to_string(path).trying(what)?;
    serde_json::from_str(&text).map_err(|error| Error::Input(format!("{} is no JSON: {error}", path.display())))
}

/// Groups the events that a code ties together, because an installation tells all of them or none.
fn parts(mut left: Vec<&Event>) -> Vec<Panel> {
    let mut parts = Vec::new();
    while let Some(first) = left.pop() {
        if let (true, [key, value, ..]) = (first.keyed, &first.fields[..]) {
            // A key may have no record. The keys of a map may be in different panels.
            let one = |_| Panel { outcomes: value.2.saturating_add(1), ..Panel::of(&[first]) };
            parts.extend((0..key.2).map(one));
            continue;
        }
        let (mut group, mut at) = (vec![first], 0);
        while let Some(&one) = group.get(at) {
            let (more, rest) = left.into_iter().partition(|other| one.is_tied_to(other));
            group.extend::<Vec<_>>(more);
            left = rest;
            at += 1;
        }
        group.sort_by(|a, b| a.name.cmp(&b.name));
        parts.push(Panel::of(&group));
    }
    parts
}

/// The fewest panels for which all outcomes together stay within the bound. If there are too many even with a panel for each
/// part, that is the result. The largest part comes first, and each goes to the panel that is the smallest so far.
fn panels(mut parts: Vec<Panel>, bound: u64) -> Vec<Panel> {
    parts.sort_by(|a, b| b.outcomes.cmp(&a.outcomes).then_with(|| a.events.cmp(&b.events)));
    for count in 1..=parts.len() {
        let mut panels: Vec<Panel> = (0..count).map(|_| Panel { outcomes: 1, ..Panel::default() }).collect();
        for part in &parts {
            if let Some(smallest) = panels.iter_mut().min_by_key(|panel| panel.outcomes) {
                smallest.outcomes = smallest.outcomes.saturating_mul(part.outcomes);
                smallest.events.extend(part.events.clone());
                smallest.fields.extend(part.fields.clone());
            }
        }
        let all = panels.iter().fold(0, |sum: u64, panel| sum.saturating_add(panel.outcomes));
        if all <= bound || count == parts.len() {
            return panels;
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, linkage: &str, outcomes: &[u64], domain: &str) -> Event {
        let field = |(at, outcomes): (usize, &u64)| (format!("f{at}"), Class::Exact, *outcomes, domain.to_owned());
        Event {
            name: name.into(),
            linkage: linkage.into(),
            keyed: false,
            fields: outcomes.iter().enumerate().map(field).collect(),
        }
    }

    #[test]
    fn what_is_too_much_together_is_split_and_summed() {
        let (a, b) = (event("a", "once", &[20, 20], ""), event("b", "once", &[300], ""));
        let together =
            |bound| panels(parts(vec![&a, &b]), bound).iter().map(|panel| panel.outcomes).collect::<Vec<_>>();
        assert_eq!(together(1_024), [400, 300]);
        assert_eq!(together(120_000), [120_000]);
        // Nothing else is possible, and the sum says that it is too much.
        assert_eq!(together(10), [400, 300]);
        assert!(panels(Vec::new(), 10).is_empty());
    }

    #[test]
    fn what_a_code_ties_together_is_told_together() {
        let events = [
            event("lost", "month", &[10], "server"),
            event("found", "month", &[20], "server"),
            event("slow", "week", &[5], "server"),
            event("other", "month", &[7], "disk"),
        ];
        let mut outcomes: Vec<u64> = parts(events.iter().collect()).iter().map(|part| part.outcomes).collect();
        outcomes.sort_unstable();
        assert_eq!(outcomes, [5, 7, 200]);
    }

    #[test]
    fn activity_and_an_event_without_fields_say_nothing_that_stays() {
        for (linkage, stays) in [("rollup", false), ("none", false), ("once", true), ("month", true), ("session", true)]
        {
            assert_eq!(event("e", linkage, &[2], "").stays(), stays, "{linkage}");
        }
        assert!(!event("e", "once", &[], "").stays());
    }

    #[test]
    fn each_key_of_a_map_is_a_part() {
        let map = Event { keyed: true, ..event("sizes", "once", &[3, 9], "") };
        let outcomes: Vec<u64> = parts(vec![&map]).iter().map(|part| part.outcomes).collect();
        assert_eq!(outcomes, [10, 10, 10]);
    }
}
