//! Refuses a purpose that is too short to say anything, or that is one of the phrases that data protection authorities
//! list as too vague to consent to.
//!
//! It never checks whether a purpose is true.

/// The minimum number of letters. Fewer can't say what is found out and what is done about it.
const SHORTEST: usize = 15;

/// In lower case, words only. From the European guidance on purpose limitation and on consent, with the usual variants.
const VAGUE: [&str; 18] = [
    "improving users experience",
    "improving user experience",
    "improve users experience",
    "improve user experience",
    "improve the user experience",
    "improving the user experience",
    "improve your experience",
    "improve our product",
    "improving our product",
    "improve the product",
    "improve our service",
    "improving our service",
    "marketing purposes",
    "it security",
    "future research",
    "research purposes",
    "analytics purposes",
    "business purposes",
];

/// Returns why `purpose` is refused, or `None` if it is accepted.
pub(crate) fn fault(purpose: &str) -> Option<String> {
    if purpose.chars().count() < SHORTEST {
        return Some(format!("`{purpose}` is too short for a purpose"));
    }
    let words = words(purpose);
    VAGUE
        .into_iter()
        .find(|vague| words.contains(&format!(" {vague}")))
        .map(|vague| format!("\"{vague}\" is too vague for a purpose, since it could mean anything"))
}

/// Normalises to lower case, without apostrophes, and with one space for everything else between letters.
fn words(text: &str) -> String {
    let letters: String = text
        .chars()
        .filter(|c| !matches!(c, '\'' | '’'))
        .map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { ' ' })
        .collect();
    letters.split_whitespace().flat_map(|word| [" ", word]).collect()
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn the_vague_ones_are_known_however_they_are_written() {
        for vague in [
            "Improving users' experience.",
            "To improve our\nproducts and services",
            "IT-security and more of it",
            "For marketing purposes",
            "Used in future research",
            "Statistics",
        ] {
            assert!(fault(vague).is_some(), "{vague}");
        }
        for good in [
            "Find out which formats stutter, so that those decoders are fixed first.",
            "Count which settings nobody changes, to remove them.",
        ] {
            assert_eq!(fault(good), None);
        }
    }
}
