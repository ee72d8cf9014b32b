//! Counts what is documented in rustdoc's JSON: functions with an example that is compiled, and items without documentation. Knows
//! only the few keys that it needs, so that a new version of the format seldom matters.

use serde_json::Value;
use std::{collections::BTreeSet, error::Error};

/// What was counted.
pub(crate) struct Count {
    /// How many functions and methods have an example that is compiled.
    pub(crate) examples: usize,
    /// The names of items without documentation.
    pub(crate) silent: Vec<String>,
}

/// Counts over all items that other crates can name.
///
/// # Errors
/// The JSON is not rustdoc's.
pub(crate) fn count(json: &Value) -> Result<Count, Box<dyn Error>> {
    let mut walk = Walk { json, seen: BTreeSet::new(), count: Count { examples: 0, silent: Vec::new() } };
    let root = json.get("root").ok_or("the JSON has no root")?;
    walk.item(root, "");
    if walk.seen.len() < 100 {
        return Err(format!("only {} items were found: the format may have changed", walk.seen.len()).into());
    }
    Ok(walk.count)
}

struct Walk<'j> {
    json: &'j Value,
    seen: BTreeSet<String>,
    count: Count,
}

impl Walk<'_> {
    fn item(&mut self, id: &Value, within: &str) {
        let Some(item) = self.json.get("index").and_then(|index| index.get(id.to_string().trim_matches('"'))) else {
            return; // of another crate
        };
        if !self.seen.insert(id.to_string()) {
            return;
        }
        let own = item.get("name").and_then(Value::as_str).unwrap_or_default();
        let name = if within.is_empty() { own.to_owned() } else { format!("{within}::{own}") };
        let Some((kind, inner)) = item.get("inner").and_then(Value::as_object).and_then(|inner| inner.iter().next())
        else {
            return;
        };
        let docs = item.get("docs").and_then(Value::as_str).unwrap_or_default();
        match kind.as_str() {
            "use" => {
                let target = inner.get("id").cloned().unwrap_or_default();
                return self.item(&target, within);
            }
            "impl" => {
                // What a trait says of its functions holds for each implementation.
                if inner.get("trait").is_none_or(Value::is_null) {
                    self.all(inner, &["items"], within);
                }
                return;
            }
            // The fields of a tuple have no names.
            "struct_field" if own.parse::<u32>().is_ok() => return,
            _ => {}
        }
        if docs.trim().is_empty() {
            self.count.silent.push(name.clone());
        }
        if kind == "function" && has_example(docs) {
            self.count.examples += 1;
        }
        self.all(inner, &["items", "variants", "impls"], &name);
        // `{"struct": {"kind": {"plain": {"fields": […]}}}}`, and the like for variants.
        for fields in [inner.pointer("/kind/plain/fields"), inner.pointer("/kind/struct/fields")].into_iter().flatten()
        {
            fields.as_array().into_iter().flatten().for_each(|id| self.item(id, &name));
        }
    }

    fn all(&mut self, inner: &Value, keys: &[&str], within: &str) {
        for key in keys {
            inner.get(*key).and_then(Value::as_array).into_iter().flatten().for_each(|id| self.item(id, within));
        }
    }
}

/// Whether the documentation has an example in Rust that is compiled, and is meant to compile.
fn has_example(docs: &str) -> bool {
    let mut is_open = false;
    docs.lines().filter_map(|line| line.trim_start().strip_prefix("```")).any(|words| {
        is_open = !is_open;
        is_open
            && words
                .split(',')
                .all(|word| ["", "rust", "no_run", "should_panic", "standalone_crate"].contains(&word.trim()))
    })
}
