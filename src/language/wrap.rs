//! Breaks text at spaces into lines that fit a terminal, with hanging indents. Never changes a word.

/// The widest line, in columns.
pub(crate) const WIDTH: usize = 80;

/// A text that is built from paragraphs. No line is wider than [`WIDTH`], unless a single word is.
#[derive(Debug, Default)]
pub(crate) struct Wrapped(String);

impl Wrapped {
    /// Adds a paragraph. Its first line starts with `first`, the other lines with `hanging` spaces.
    pub(crate) fn add(&mut self, first: &str, hanging: usize, text: &str) {
        let out = &mut self.0;
        out.push_str(first);
        let mut column = columns(first);
        let mut fresh = true;
        for word in words(text) {
            for (at, piece) in pieces(&word).enumerate() {
                let gap = usize::from(at == 0 && !fresh);
                let width = columns(piece);
                if !fresh && column + gap + width > WIDTH {
                    out.push('\n');
                    out.extend(std::iter::repeat_n(' ', hanging));
                    column = hanging;
                } else if gap == 1 {
                    out.push(' ');
                    column += 1;
                }
                out.push_str(piece);
                column += width;
                fresh = false;
            }
        }
        out.push('\n');
    }

    /// Adds a line unchanged.
    pub(crate) fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// The words of a text. A number stays together with the word after it, so that a line break never separates a number
/// from its unit.
fn words(text: &str) -> Vec<String> {
    let is_number = |word: &str| {
        word.ends_with(|c: char| c.is_ascii_digit()) && word.chars().all(|c| c.is_ascii_digit() || ".,".contains(c))
    };
    let mut words: Vec<String> = Vec::new();
    for word in text.split_ascii_whitespace() {
        match words.last_mut() {
            Some(last) if is_number(last) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.into()),
        }
    }
    words
}

/// How many terminal columns a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(|c| 1 + usize::from(is_wide(c))).sum()
}

/// Characters that take two columns: Chinese, Japanese and Korean characters, and emoji (Unicode, annex 11).
fn is_wide(c: char) -> bool {
    matches!(u32::from(c),
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f
        | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd)
}

/// Splits a word where it may be broken: before a wide character, unless that is a closing mark.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let closes = |c: char| "、。，．：；？！）」』】》〉".contains(c);
        let mut marks = rest.char_indices().skip(1);
        let end = marks.find(|(_, c)| is_wide(*c) && !closes(*c)).map_or(rest.len(), |(at, _)| at);
        let (piece, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::{WIDTH, Wrapped, columns};

    fn wrapped(first: &str, hanging: usize, text: &str) -> String {
        let mut out = Wrapped::default();
        out.add(first, hanging, text);
        out.into_text()
    }

    #[test]
    fn lines_fit_and_lose_no_word() {
        let text = "steps: 0 bit/s, 64 kbit/s, 96 kbit/s, 128 kbit/s, ".repeat(12);
        let out = wrapped("- ", 6, &text);
        assert!(out.lines().all(|line| columns(line) <= WIDTH), "{out}");
        assert!(out.lines().skip(1).all(|line| line.starts_with("      ") && !line.starts_with("       ")), "{out}");
        assert!(
            out.lines().all(|line| !line.ends_with(|c: char| c.is_ascii_digit())),
            "a number is on the line of its unit"
        );
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(plain(&out), format!("- {}", plain(&text)));
    }

    #[test]
    fn an_address_is_not_torn_and_a_text_without_spaces_is() {
        let address = format!("https://example.org/{}", "a".repeat(90));
        assert_eq!(wrapped("  ", 4, &format!("at {address} here")), format!("  at\n    {address}\n    here\n"));
        let out = wrapped("", 2, &"「何分再生したか。」".repeat(12));
        assert!(out.lines().count() > 2 && out.lines().all(|line| columns(line) <= WIDTH), "{out}");
        assert!(out.lines().all(|line| !line.trim_start().starts_with(['。', '」'])), "{out}");
        assert_eq!(wrapped("x: ", 2, ""), "x: \n");
    }

    #[test]
    fn what_must_not_be_torn_is_not() {
        let text = format!("{} 12\u{a0}Mbit/s\u{a0}: oui", "a".repeat(70));
        assert!(wrapped("", 0, &text).contains("\n12\u{a0}Mbit/s\u{a0}:"));
    }
}
