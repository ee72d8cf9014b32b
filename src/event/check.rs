//! The rules an event must keep, checked while the program is compiled. A broken rule is a `const` panic whose message
//! says what to write instead.

#![allow(
    clippy::indexing_slicing,
    reason = "`const` code has no iterators yet, and what could go wrong here is a failed compilation"
)]

use super::schema::{Field, Linkage, MAX_FIELDS};
use crate::precision::Precision;

/// How many distinct outcomes an event's fields may have together. It bounds the number of classes a report can fall
/// into, not the size of the smallest one.
pub(crate) const BUDGET: u64 = 1_024;

/// Panics (at compile time) unless the event keeps every rule.
#[track_caller]
pub(crate) const fn event(name: &str, linkage: Linkage, fields: &[Field]) {
    if !is_name(name) {
        stop(&[
            "event `",
            name,
            "`: an event's name is made of parts of [a-z][a-z0-9_]* joined by dots, 48 bytes at \
               most, such as `playback.finished`",
        ]);
    }
    if fields.len() > MAX_FIELDS {
        stop(&["event `", name, "` has more than 16 fields: split it, or leave some out"]);
    }
    let mut product = 1u128;
    let mut codes = 0;
    let mut content = None;
    let mut i = 0;
    while i < fields.len() {
        let field = &fields[i];
        if !is_name(field.name) {
            stop(&[
                "event `",
                name,
                "`, field `",
                field.name,
                "`: a field's name is [a-z][a-z0-9_]*, 48 bytes at most",
            ]);
        }
        if matches!(linkage, Linkage::Rollup) && same(field.name, "count") {
            stop(&[
                "event `",
                name,
                "` is rolled up, and its field `count` would clash with the count that the day's \
                   roll-up sends: rename it, for instance to `items`",
            ]);
        }
        if let Precision::Labels(labels) = field.precision
            && labels.len() > 64
        {
            stop(&["event `", name, "`, field `", field.name, "`: a category has at most 64 variants"]);
        }
        if let Precision::Code { .. } = field.precision {
            codes += 1;
        }
        if field.content && content.is_none() {
            content = Some(field.name);
        }
        product = product.saturating_mul(field.outcomes() as u128);
        i += 1;
    }
    if codes > 1 {
        stop(&[
            "event `",
            name,
            "` has more than one `hash` field: two codes side by side link more than either; \
               keep one of them",
        ]);
    }
    if codes == 1 && !linkage.carries_code() {
        stop(&[
            "event `",
            name,
            "` has a `hash` field, whose code stays the same for a while: say for how long with \
               `linkage = session`, `day`, `week` or `month`, or drop the field",
        ]);
    }
    if codes == 0 && linkage.carries_code() {
        stop(&[
            "event `",
            name,
            "` has `linkage = ",
            linkage.name(),
            "` but no `hash` field, so there is nothing to link: \
               write `linkage = none`, or `linkage = rollup` to count on the device",
        ]);
    }
    if let Some(field) = content
        && !matches!(linkage, Linkage::Rollup)
    {
        stop(&[
            "event `",
            name,
            "`: field `",
            field,
            "` describes what a person plays, and a sequence of such events \
               names it however well each is rounded: write `linkage = rollup`, so that only the day's counts leave",
        ]);
    }
    if product > BUDGET as u128 {
        over_budget(name, product, fields);
    }
}

/// `[a-z][a-z0-9_]*` in dot-separated parts, at most 48 bytes.
pub(crate) const fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() > 48 {
        return false;
    }
    let mut first = true;
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'a'..=b'z' => first = false,
            b'0'..=b'9' | b'_' if !first => {}
            b'.' if !first => first = true,
            _ => return false,
        }
        i += 1;
    }
    !first
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[track_caller]
const fn over_budget(name: &str, product: u128, fields: &[Field]) -> ! {
    let mut text = Text::new();
    text.push("event `");
    text.push(name);
    text.push("` says too much about one person: its fields together have ");
    text.number(product);
    text.push(" outcomes, the budget is ");
    text.number(BUDGET as u128);
    text.push(" (");
    let mut i = 0;
    while i < fields.len() {
        if i > 0 {
            text.push(" x ");
        }
        text.push(fields[i].name);
        text.push(" ");
        text.number(fields[i].outcomes() as u128);
        i += 1;
    }
    text.push("): use a coarser class, drop a field, or split the event in two");
    text.stop()
}

#[track_caller]
const fn stop(parts: &[&str]) -> ! {
    let mut text = Text::new();
    let mut i = 0;
    while i < parts.len() {
        text.push(parts[i]);
        i += 1;
    }
    text.stop()
}

/// A message written in `const`; what does not fit is cut at a character.
struct Text {
    bytes: [u8; 1_024],
    len: usize,
}

impl Text {
    const fn new() -> Self {
        Text { bytes: [0; 1_024], len: 0 }
    }

    const fn push(&mut self, text: &str) {
        let text = text.as_bytes();
        if self.len + text.len() > self.bytes.len() {
            return;
        }
        let mut i = 0;
        while i < text.len() {
            self.bytes[self.len] = text[i];
            self.len += 1;
            i += 1;
        }
    }

    const fn number(&mut self, value: u128) {
        let mut digits = [0u8; 39];
        let mut at = digits.len();
        let mut rest = value;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        match str::from_utf8(digits.split_at(at).1) {
            Ok(text) => self.push(text),
            Err(_) => self.push("?"),
        }
    }

    #[track_caller]
    const fn stop(&self) -> ! {
        match str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => panic!("{}", text),
            Err(_) => panic!("this event breaks a rule of candor"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn names() {
        for good in ["a", "playback.finished", "a_b.c1", "x9"] {
            assert!(is_name(good), "{good}");
        }
        let long = "a".repeat(49);
        for bad in ["", "A", "1a", "a.", ".a", "a..b", "a b", "a/b", "../a", "é", "a.1", "_a", &long] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
