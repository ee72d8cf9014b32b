//! A program's list of its own releases, and which of them a text is. Never keeps a text that it reads.
//!
//! Releases are ordered as Semantic Versioning 2.0.0 orders versions: by their three numbers, and a pre-release comes
//! before its release. All of it is `const`, so that a list is checked while the program is compiled.

#![expect(clippy::indexing_slicing, reason = "`const` code has no iterators yet; each index is below the length")]

/// The most releases that a list may hold.
///
/// A report says one of these, `older`, or `other`. The number is what a person agrees to, and not the list. So a new
/// release changes no contract.
pub const MOST_RELEASES: usize = 8;

/// The outcome of what is older than the first release in the list.
pub(crate) const OLDER: &str = "older";
/// The outcome of what the list does not hold: a newer release, or a text that is no version.
pub(crate) const OTHER: &str = "other";

/// How many outcomes a list has: its releases, `older` and `other`.
pub(crate) const fn outcomes(list: &[&str]) -> u64 {
    list.len() as u64 + 2
}

/// The outcome (from 1) of a text: `older`, the releases in order, `other`.
pub(crate) fn outcome(list: &[&str], text: &str) -> u16 {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let numbers = 2u16..;
    if let Some((_, outcome)) = list.iter().zip(numbers.clone()).find(|(release, _)| order(release, text) == Some(0)) {
        return outcome;
    }
    match list.first() {
        Some(first) if order(text, first) == Some(-1) => 1,
        _ => numbers.zip(list).last().map_or(2, |(last, _)| last + 1),
    }
}

/// What is sent for an outcome.
pub(crate) fn label(list: &'static [&'static str], outcome: u16) -> Option<&'static str> {
    match usize::from(outcome) {
        0 => None,
        1 => Some(OLDER),
        at if at == list.len() + 2 => Some(OTHER),
        at => list.get(at - 2).copied(),
    }
}

/// The outcome of what was sent.
pub(crate) fn outcome_of_label(list: &[&str], text: &str) -> Option<u16> {
    let at = match text {
        OLDER => 0,
        OTHER => list.len() + 1,
        text => 1 + list.iter().position(|release| *release == text)?,
    };
    u16::try_from(at + 1).ok()
}

/// Whether a text can stand in a list of releases. The name of a build (`+…`) can't: it is not part of the order.
#[must_use]
pub const fn is_release(text: &str) -> bool {
    let text = text.as_bytes();
    match Version::read(text) {
        Some(version) => version.end == text.len() && text.len() <= 32,
        None => false,
    }
}

/// -1, 0 or 1, as the first version is before, the same as, or after the second one. `None` if one is no version. The
/// name of a build is not compared.
#[must_use]
pub const fn order(a: &str, b: &str) -> Option<i8> {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    match (Version::read(a), Version::read(b)) {
        (Some(one), Some(other)) => Some(one.order(a, &other, b)),
        _ => None,
    }
}

/// A version that was read: its numbers, and where its pre-release is in the text.
#[derive(Clone, Copy)]
struct Version {
    numbers: [u64; 3],
    /// Where the pre-release begins, after the hyphen. At the end if there is none.
    pre: usize,
    /// Where the version ends and the name of a build begins, if there is one.
    end: usize,
}

impl Version {
    /// Reads one to three numbers, and perhaps a pre-release and the name of a build.
    const fn read(text: &[u8]) -> Option<Version> {
        let mut numbers = [0; 3];
        let (mut i, mut part) = (0, 0);
        loop {
            let start = i;
            while i < text.len() && text[i].is_ascii_digit() {
                numbers[part] = numbers[part] * 10 + (text[i] - b'0') as u64;
                i += 1;
                if i - start > 9 {
                    return None;
                }
            }
            if i == start {
                return None;
            }
            if i < text.len() && text[i] == b'.' && part < 2 {
                i += 1;
                part += 1;
            } else {
                break;
            }
        }
        let mut pre = i;
        if i < text.len() && text[i] == b'-' {
            pre = i + 1;
            i = match identifiers(text, pre) {
                Some(end) => end,
                None => return None,
            };
        }
        let end = i;
        if i < text.len() && text[i] == b'+' {
            i = match identifiers(text, i + 1) {
                Some(end) => end,
                None => return None,
            };
        }
        if i == text.len() { Some(Version { numbers, pre, end }) } else { None }
    }

    const fn order(&self, text: &[u8], other: &Version, other_text: &[u8]) -> i8 {
        let mut i = 0;
        while i < 3 {
            if self.numbers[i] != other.numbers[i] {
                return if self.numbers[i] < other.numbers[i] { -1 } else { 1 };
            }
            i += 1;
        }
        match (self.pre < self.end, other.pre < other.end) {
            (false, false) => 0,
            (true, false) => -1,
            (false, true) => 1,
            (true, true) => pre_releases(text, self.pre, self.end, other_text, other.pre, other.end),
        }
    }
}

/// Where identifiers end that are joined by dots. `None` if one of them is empty.
const fn identifiers(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let start = at;
        while at < text.len() && (text[at].is_ascii_alphanumeric() || text[at] == b'-') {
            at += 1;
        }
        if at == start {
            return None;
        }
        if at < text.len() && text[at] == b'.' {
            at += 1;
        } else {
            return Some(at);
        }
    }
}

/// Compares identifiers from left to right: numbers by value and before words, words by their letters. Where all are
/// the same, the text with fewer of them comes first.
const fn pre_releases(a: &[u8], mut i: usize, a_end: usize, b: &[u8], mut j: usize, b_end: usize) -> i8 {
    loop {
        match (i < a_end, j < b_end) {
            (false, false) => return 0,
            (false, true) => return -1,
            (true, false) => return 1,
            (true, true) => {}
        }
        let (one, other) = (identifier_end(a, i, a_end), identifier_end(b, j, b_end));
        let order = identifier(a, i, one, b, j, other);
        if order != 0 {
            return order;
        }
        // After the dot.
        i = one + 1;
        j = other + 1;
    }
}

const fn identifier_end(text: &[u8], mut at: usize, end: usize) -> usize {
    while at < end && text[at] != b'.' {
        at += 1;
    }
    at
}

const fn identifier(a: &[u8], mut i: usize, a_end: usize, b: &[u8], mut j: usize, b_end: usize) -> i8 {
    match (is_number(a, i, a_end), is_number(b, j, b_end)) {
        (true, false) => return -1,
        (false, true) => return 1,
        (true, true) => {
            while i < a_end && a[i] == b'0' {
                i += 1;
            }
            while j < b_end && b[j] == b'0' {
                j += 1;
            }
            if a_end - i != b_end - j {
                return if a_end - i < b_end - j { -1 } else { 1 };
            }
        }
        (false, false) => {}
    }
    while i < a_end && j < b_end {
        if a[i] != b[j] {
            return if a[i] < b[j] { -1 } else { 1 };
        }
        i += 1;
        j += 1;
    }
    match (i < a_end, j < b_end) {
        (false, true) => -1,
        (true, false) => 1,
        _ => 0,
    }
}

const fn is_number(text: &[u8], mut at: usize, end: usize) -> bool {
    while at < end {
        if !text[at].is_ascii_digit() {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{is_release, label, order, outcome, outcome_of_label};

    const LIST: &[&str] = &["1.4.0", "1.4.1", "2.0.0-rc.1", "2.0.0"];

    #[test]
    fn versions_are_ordered_as_semantic_versioning_says() {
        // The first line is the example of the specification.
        let rising = [
            ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11"]
                .as_slice(),
            &["1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"],
            &["2026.11.1-beta.3", "2026.11.1", "2026.12"],
            &["1.0.0--", "1.0.0-0-", "1.0.0-a-b", "1.0.0-ab"],
        ];
        for list in rising {
            for (at, a) in list.iter().enumerate() {
                for (to, b) in list.iter().enumerate() {
                    assert_eq!(order(a, b), Some(at.cmp(&to) as i8), "{a} {b}");
                }
            }
        }
        for (a, b) in
            [("1.0.0+a", "1.0.0+b"), ("1", "1.0.0"), ("1.4", "1.4.0"), ("01.4", "1.4"), ("1.0.0-01", "1.0.0-1")]
        {
            assert_eq!(order(a, b), Some(0), "{a} {b}");
        }
        let none = ["", "1.", ".1", "1..2", "1.2.3.4", "v1", "1.0.0-", "1.0.0-a..b", "1.0.0+", "1.0 ", "1.0.0-ä", "-1"];
        for bad in none.into_iter().chain(["1234567890", "1.0.0-a+b+c", "1.0.0_1", "git-3fa2"]) {
            assert_eq!(order(bad, "1.0.0"), None, "{bad}");
            assert_eq!(order("1.0.0", bad), None, "{bad}");
            assert!(!is_release(bad), "{bad}");
        }
        assert!(is_release("2.0.0-rc.1") && is_release("12") && !is_release("1.0.0+debian1"));
        assert!(!is_release("1.0.0-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), "longer than 32 bytes");
    }

    #[test]
    fn what_is_not_listed_is_older_or_other() {
        for (text, sent) in [
            ("1.4.0", "1.4.0"),
            ("v1.4.1", "1.4.1"),
            ("1.4.1+debian2", "1.4.1"),
            ("2.0.0-rc.1", "2.0.0-rc.1"),
            ("1.3.9", "older"),
            ("1.4.0-rc.1", "older"),
            ("0.1", "older"),
            ("1.4.2", "other"),
            ("2.0.1", "other"),
            ("2.0.0-rc.2", "other"),
            ("", "other"),
            ("git-3fa2", "other"),
        ] {
            let outcome = outcome(LIST, text);
            assert_eq!(label(LIST, outcome), Some(sent), "{text}");
            assert_eq!(outcome_of_label(LIST, sent), Some(outcome));
        }
        assert_eq!((label(LIST, 0), label(LIST, 7)), (None, None));
        assert_eq!(outcome_of_label(LIST, "1.4.2"), None);
        assert_eq!(outcome(&[], "1.0.0"), 2);
    }
}
