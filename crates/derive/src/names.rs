//! The rule for names, labels made from variants, and the nearest known word to a mistyped one.
//!
//! `candor::event` checks names again, in `const`. The check here only lets the error message point at the word. It
//! never corrects a name silently.

use std::fmt::Display;

/// The rule as error messages show it.
pub(crate) const RULE: &str = "parts of [a-z][a-z0-9_]* joined by dots, 48 bytes at most";

/// Whether the name consists of dot-separated parts of the form `[a-z][a-z0-9_]*`, with at most 48 bytes.
pub(crate) fn is_name(name: &str) -> bool {
    name.len() <= 48 && name.split('.').all(is_part)
}

/// Whether Windows reserves this name for a device, so that no file can have it. What follows the first dot does not
/// matter.
pub(crate) fn is_device(name: &str) -> bool {
    let first = name.split('.').next().unwrap_or_default();
    let numbered = first.strip_prefix("com").or_else(|| first.strip_prefix("lpt")).map(str::as_bytes);
    matches!(first, "con" | "prn" | "aux" | "nul") || matches!(numbered, Some([b'1'..=b'9']))
}

fn is_part(part: &str) -> bool {
    part.starts_with(|first: char| first.is_ascii_lowercase())
        && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Converts to snake case: `DirectPlay` to `direct_play`, `H264` to `h264`, `HTTPError` to `http_error`.
pub(crate) fn snake_case(ident: &str) -> String {
    let mut label = String::with_capacity(ident.len() + 4);
    let mut before: Option<char> = None;
    let mut chars = ident.chars().peekable();
    while let Some(c) = chars.next() {
        let word_ends = before.is_some_and(|b| b.is_lowercase() || b.is_numeric());
        let capitals_end =
            before.is_some_and(char::is_uppercase) && chars.peek().is_some_and(|next| next.is_lowercase());
        if c.is_uppercase() && (word_ends || capitals_end) {
            label.push('_');
        }
        label.extend(c.to_lowercase());
        before = Some(c);
    }
    label
}

/// Proposes a name for an event that has none: `playback.finished` for `PlaybackFinished`.
pub(crate) fn event_name(ident: &str) -> String {
    snake_case(ident).replacen('_', ".", 1)
}

/// Returns `` (did you mean `count`?)``, or an empty text if no known word is close.
pub(crate) fn did_you_mean(word: impl Display, known: &[&str]) -> String {
    match nearest(&word.to_string(), known) {
        Some(near) => format!(" (did you mean `{near}`?)"),
        None => String::new(),
    }
}

fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    known
        .iter()
        .copied()
        .map(|candidate| (!candidate.contains(word), distance(word, candidate), candidate))
        .filter(|(_, distance, candidate)| {
            *distance <= 2 || (word.len() > 3 && (candidate.contains(word) || word.contains(candidate)))
        })
        .min()
        .map(|(.., candidate)| candidate)
}

/// The edit distance: how many letters must be changed, added or left out.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(b.chars()) {
            let change = diagonal + usize::from(from != to);
            diagonal = *cell;
            left = change.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Formats a list as `` `a`, `b` or `c` ``, for messages.
pub(crate) fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn labels_are_readable() {
        for (variant, label) in [
            ("H264", "h264"),
            ("Hevc", "hevc"),
            ("DirectPlay", "direct_play"),
            ("AV1", "av1"),
            ("HTTPError", "http_error"),
            ("MPEG2TS", "mpeg2_ts"),
            ("Other", "other"),
        ] {
            assert_eq!(snake_case(variant), label);
        }
        assert_eq!(event_name("PlaybackFinishedEarly"), "playback.finished_early");
    }

    #[test]
    fn a_mistyped_word_finds_its_neighbour() {
        let known = ["bitrate", "media_duration", "count", "hash"];
        assert_eq!(nearest("bit_rate", &known), Some("bitrate"));
        assert_eq!(nearest("duration", &known), Some("media_duration"));
        assert_eq!(nearest("counts", &known), Some("count"));
        assert_eq!(nearest("text", &known), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn lists_read_like_a_sentence() {
        assert_eq!(listed(&["a"]), "`a`");
        assert_eq!(listed(&["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
