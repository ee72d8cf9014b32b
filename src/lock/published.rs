//! Compares what a publisher shows elsewhere, such as a notice on a website or a manifest beside a release, with this
//! build. Says where the two differ. Never reads a file, and fixes nothing.

use super::form::first_difference;
use crate::{
    consent::{Contract, Scope},
    manifest::StaticPage,
};
use serde_json::Value;

/// Where a published notice differs from the one of this build. `None` if it does not.
pub(super) fn notice(text: &str, scope: Scope, language: &str, contracts: &[Contract]) -> Option<String> {
    let text = plain(text);
    let notices = contracts.iter().flat_map(|contract| contract.notices().map(|notice| (contract.scope, notice)));
    let (named, others): (Vec<_>, Vec<_>) =
        notices.partition(|(of, notice)| *of == scope && notice.language() == language);
    let Some((_, notice)) = named.first() else {
        let known = others.iter().filter(|(of, _)| *of == scope).map(|(_, notice)| notice.language());
        let known: Vec<_> = known.collect();
        return Some(match known.as_slice() {
            [] => format!("this build has no scope `{}`", scope.name()),
            known => format!("this build has no notice in `{language}`: it has {}", known.join(", ")),
        });
    };
    let (line, published, built) = first_difference(&text, &plain(notice.text()))?;
    if let Some((other, notice)) = others.iter().find(|(_, notice)| plain(notice.text()) == text) {
        return Some(format!("it is the notice of `{}` in `{}`", other.name(), notice.language()));
    }
    Some(parted(line, &published, &built))
}

/// Removes what is not compared: the kind of line endings, and empty lines at the end.
fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end_matches('\n').to_owned()
}

fn parted(line: usize, published: &str, built: &str) -> String {
    format!("line {line} differs\n  published  {published}\n  build      {built}")
}

/// What differs between a published manifest and this build. Empty if nothing does. What belongs to one computer and
/// one person, such as answers and pending data, is not compared.
pub(super) fn manifest(published: &Value, application: &str, endpoint: &str, pages: &[StaticPage]) -> Vec<String> {
    let mut found = Vec::new();
    for (key, built) in [("format", crate::manifest::FORMAT), ("application", application), ("endpoint", endpoint)] {
        let said = published.get(key).unwrap_or(&Value::Null);
        if said.as_str() != Some(built) {
            found.push(format!("{key}: published {said}, build \"{built}\""));
        }
    }
    let none = Vec::new();
    let said = published.get("scopes").and_then(Value::as_array).unwrap_or(&none);
    let name = |page: &Value| page.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    for page in pages {
        let built = serde_json::to_value(page).unwrap_or_default();
        let mut same: Vec<&Value> = said.iter().filter(|said| name(said) == page.name).collect();
        match (same.pop(), same.is_empty()) {
            (None, _) => found.push(format!("scope `{}`: not published", page.name)),
            (Some(_), false) => found.push(format!("scope `{}`: published twice", page.name)),
            (Some(said), true) => found.extend(of_page(page.name, said, &built)),
        }
    }
    for said in said {
        let said = name(said);
        if !pages.iter().any(|page| page.name == said) {
            found.push(format!("scope `{said}`: published, and not in this build"));
        }
    }
    found
}

/// The differences of a scope's published page: for each key, the first line that differs.
fn of_page(scope: &str, said: &Value, built: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (key, built) in built.as_object().into_iter().flatten() {
        let mut said = said.get(key).cloned().unwrap_or_default();
        without_state(&mut said);
        let mut built = built.clone();
        without_state(&mut built);
        if said == built {
            continue;
        }
        let parted = match (said.as_str(), built.as_str()) {
            (Some(said), Some(built)) => first_difference(said, built),
            _ => first_difference(&pretty(&said), &pretty(&built)),
        };
        let words = match parted {
            Some((line, said, built)) => self::parted(line, said.trim(), built.trim()),
            None => "differs".into(),
        };
        found.push(format!("scope `{scope}`, {key}: {words}"));
    }
    found
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Removes what belongs to one process: the counters of unreadable values.
fn without_state(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("unreadable");
            map.values_mut().for_each(without_state);
        }
        Value::Array(items) => items.iter_mut().for_each(without_state),
        _ => {}
    }
}
