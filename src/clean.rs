//! Makes text safe to print: it can't control a terminal and can't be displayed as something else.
//!
//! All text that is shown to a person or a developer goes through here, because most of it comes from elsewhere: from the caller
//! of a grant, from an earlier version, or from another process that can write a file. All functions are pure. This module never
//! changes data that is stored or exported.

use crate::mutants::{self, Mutant};
use std::{
    fmt::{self, Write as _},
    path::Path,
};

/// Replaces each character that was removed, so that a person sees that there was one.
const MARK: char = '\u{fffd}';

/// Whether a character in a text from outside could make the text read as something else, or control a terminal: it changes the
/// direction of writing, breaks a line, or is invisible.
///
/// These are control characters and, of Unicode 16.0, the general categories Cf, Zl and Zp (`DerivedGeneralCategory.txt`) and the
/// characters with the property `Default_Ignorable_Code_Point` (`DerivedCoreProperties.txt`). U+FE00 to U+FE0F are excluded:
/// emoji are written with them, and they hide nothing but themselves.
pub(crate) fn misleads(c: char) -> bool {
    let unseen = matches!(c, '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}');
    (c.is_control() || unseen) && !mutants::on(Mutant::PrintedAsItIs)
}

/// Whether a text of several lines may contain this character. Line ends are part of such a text, and some scripts can't be
/// written without joiners.
fn belongs(c: char) -> bool {
    matches!(c, '\n' | '\u{200c}' | '\u{200d}') || !misleads(c)
}

/// A short text from the program, without misleading characters and cut to 64 characters for the record.
pub(crate) fn short(text: &str) -> String {
    text.chars().filter(|c| !misleads(*c)).take(64).collect()
}

/// Cleans a text from outside for use within one line: it can't end the line, so it can't add a forged line.
pub(crate) fn line(text: &str) -> String {
    text.chars().map(|c| if misleads(c) { MARK } else { c }).collect()
}

/// Cleans a text of several lines.
pub(crate) fn text(text: &str) -> String {
    text.chars().map(|c| if belongs(c) { c } else { MARK }).collect()
}

/// Cleans a path, because any user may have chosen its names.
pub(crate) fn path(path: &Path) -> String {
    line(&path.display().to_string())
}

/// Returns the same JSON with every character that could control a terminal written as `\uXXXX`. As data it is equal.
pub(crate) fn json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !misleads(c) {
            out.push(c);
            continue;
        }
        // JSON has these characters only inside of strings.
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

/// Writes only cleaned text to `W`. Every `Display` that people see writes through it.
pub(crate) struct Clean<'w, W: ?Sized>(pub(crate) &'w mut W);

impl<W: fmt::Write + ?Sized> fmt::Write for Clean<'_, W> {
    fn write_str(&mut self, said: &str) -> fmt::Result {
        if said.chars().all(belongs) { self.0.write_str(said) } else { self.0.write_str(&text(said)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts that have been used to attack terminals and readers.
    const ATTACKS: [&str; 16] = [
        "\u{1b}[2J\u{1b}[1;1H",
        "\u{1b}]0;title\u{7}",
        "\u{1b}]8;;https://evil.example\u{1b}\\here\u{1b}]8;;\u{1b}\\",
        "\u{1b}P+q544e\u{1b}\\",
        "\u{9b}31m",
        "yes\rno ",
        "a\u{8}\u{8}b\u{7f}",
        "\u{202e}on si siht",
        "\u{2066}isolated\u{2069}",
        "\u{200f}\u{200e}\u{61c}",
        "zero\u{200b}width\u{2060}",
        "\u{feff}mark",
        "line\u{2028}and\u{2029}paragraph",
        "\u{e0041}\u{e007f}",
        "\u{0}\u{ad}\u{3164}\u{115f}",
        "\u{1d173}\u{1d17a}\u{1bca0}\u{13430}",
    ];

    #[test]
    fn no_attack_is_left_and_each_leaves_a_mark() {
        for attack in ATTACKS {
            let mut through = String::new();
            write!(Clean(&mut through), "before {attack} after").unwrap();
            for said in [line(attack), text(attack), path(Path::new(attack)), through] {
                assert!(!said.chars().any(misleads), "{said:?}");
                assert!(said.contains(MARK), "{said:?}");
            }
        }
    }

    /// All format characters of Unicode 16.0, 170 by its own table, and the 2 that separate lines.
    #[test]
    fn every_character_of_format_misleads() {
        const FORMAT: [(u32, u32); 21] = [
            (0xad, 0xad),
            (0x600, 0x605),
            (0x61c, 0x61c),
            (0x6dd, 0x6dd),
            (0x70f, 0x70f),
            (0x890, 0x891),
            (0x8e2, 0x8e2),
            (0x180e, 0x180e),
            (0x200b, 0x200f),
            (0x2028, 0x202e),
            (0x2060, 0x2064),
            (0x2066, 0x206f),
            (0xfeff, 0xfeff),
            (0xfff9, 0xfffb),
            (0x110bd, 0x110bd),
            (0x110cd, 0x110cd),
            (0x13430, 0x1343f),
            (0x1bca0, 0x1bca3),
            (0x1d173, 0x1d17a),
            (0xe0001, 0xe0001),
            (0xe0020, 0xe007f),
        ];
        let all = || FORMAT.into_iter().flat_map(|(first, last)| first..=last);
        assert_eq!(all().count(), 170 + 2);
        let left: Vec<u32> = all().filter(|c| !misleads(char::from_u32(*c).unwrap())).collect();
        assert!(left.is_empty(), "{left:x?}");
    }

    #[test]
    fn only_whole_texts_have_lines() {
        assert_eq!(line("yes\n  confirmed  yes"), "yes\u{fffd}  confirmed  yes");
        assert_eq!(text("two\nlines\r\n"), "two\nlines\u{fffd}\n");
    }

    #[test]
    fn honest_text_is_left_as_it_is() {
        for said in ["Ω, ß, 漢字, \u{5e9}\u{5dc}\u{5d5}\u{5dd}", "12\u{202f}345 : 90\u{a0}%", "👩‍🔬 می‌خواهم", "\u{e000}"]
        {
            assert_eq!(text(said), said);
        }
        assert_eq!(line("12\u{202f}345 — «\u{a0}oui\u{a0}»"), "12\u{202f}345 — «\u{a0}oui\u{a0}»");
    }

    #[test]
    fn json_stays_equal_as_data() {
        for attack in ATTACKS {
            let value = serde_json::json!({ attack: [attack, "\n"] });
            let printed = json(&serde_json::to_string_pretty(&value).unwrap());
            assert!(!printed.chars().any(|c| c != '\n' && misleads(c)), "{printed:?}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).unwrap(), value);
        }
    }
}
