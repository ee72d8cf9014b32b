//! Text for people: names with invisible characters made visible, shares and large numbers. Never prints a byte of the
//! input that a terminal could interpret as a command.

use std::fmt::Write as _;

/// The longest name that is printed whole.
const NAME_MOST: usize = 60;

/// A name from the input in a form that is safe to print: control characters, direction marks and other invisible ones are
/// escaped.
pub(crate) fn shown(name: &str) -> String {
    let mut out = String::new();
    for (at, c) in name.chars().enumerate() {
        if at == NAME_MOST {
            out.push('…');
            break;
        }
        if c.is_control() || is_invisible(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a character prints as nothing or changes the order of the printed text.
fn is_invisible(c: char) -> bool {
    matches!(u32::from(c), 0xAD | 0x61C | 0x180E | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB | 0xE0000..=0xE0FFF)
}

/// Names in backquotes, joined by commas. Lists the first twenty.
pub(crate) fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let all: Vec<String> = names.map(|name| format!("`{}`", shown(name))).collect();
    let most = 20;
    let mut out = all.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    if all.len() > most {
        let _ = write!(out, " and {} more", all.len() - most);
    }
    out
}

/// A share of 0 to 1 as a percentage. Small shares get three decimals, so that few is not shown as none.
pub(crate) fn percent(share: Option<f64>) -> String {
    match share {
        None => "–".into(),
        Some(0.0) => "0 %".into(),
        Some(share) if share < 0.000_005 => "under 0.001 %".into(),
        Some(share) if share < 0.01 => format!("{:.3} %", share * 100.0),
        // Nearly all is not all: a share that would round up to the whole is marked as below it.
        Some(share) if share < 1.0 && share > 0.9995 => "over 99.9 %".into(),
        Some(share) if share >= 1.0 => "all".into(),
        Some(share) => format!("{:.1} %", share * 100.0),
    }
}

/// A whole number with commas between thousands.
pub(crate) fn whole(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of rows.
pub(crate) fn rows(number: u64) -> String {
    if number == 1 { "1 row".into() } else { format!("{} rows", whole(number)) }
}

/// A measured amount with about four significant digits.
pub(crate) fn amount(value: f64) -> String {
    if value.is_infinite() {
        return "open".into();
    }
    match value.abs() {
        0.0 => "0".into(),
        size if size >= 1e15 => format!("{value:.3e}"),
        size if size >= 1000.0 => whole(value.round() as u64),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        size if size >= 0.001 => format!("{value:.4}"),
        _ => format!("{value:.2e}"),
    }
}

/// A bound as it was given, without trailing zeros after the point.
pub(crate) fn plain(value: f64) -> String {
    format!("{value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(shown("a\u{1b}[31mb\0\u{202e}c"), "a\\u{1b}[31mb\\u{0}\\u{202e}c");
        assert_eq!(shown(&"x".repeat(100)).chars().count(), NAME_MOST + 1);
    }

    #[test]
    fn few_is_not_shown_as_none_nor_most_as_all() {
        assert_eq!(percent(Some(0.0)), "0 %");
        assert_eq!(percent(Some(0.000_75)), "0.075 %");
        assert_eq!(percent(Some(0.000_000_1)), "under 0.001 %");
        assert_eq!(percent(Some(0.99999)), "over 99.9 %");
        assert_eq!(percent(None), "–");
        assert_eq!(whole(1_234_567), "1,234,567");
        assert_eq!(whole(123), "123");
    }
}
