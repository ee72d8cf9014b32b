//! Language tags as defined by RFC 5646 (BCP 47), and how one is looked up (RFC 4647, section 3.4). Never holds a
//! sentence.

use std::{borrow::Cow, fmt};

/// A language tag such as `fr` or `fr-CA`, in its usual case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tag(Cow<'static, str>);

impl Tag {
    pub(crate) const ENGLISH: Tag = Tag(Cow::Borrowed("en"));
    #[cfg(test)]
    pub(crate) const FRENCH: Tag = Tag(Cow::Borrowed("fr"));

    /// Parses a tag: a language of two or three letters, then parts of one to eight letters and digits, joined by `-`.
    /// Returns `None` for other text, and for a tag of more than 35 bytes.
    pub(crate) fn parse(text: &str) -> Option<Tag> {
        let mut parts = text.split('-');
        let language =
            parts.next().filter(|it| (2..=3).contains(&it.len()) && it.bytes().all(|b| b.is_ascii_alphabetic()));
        let mut tag = language?.to_ascii_lowercase();
        let (mut extended, mut private, mut announced) = (false, false, false);
        for part in parts {
            if part.is_empty() || part.len() > 8 || !part.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return None;
            }
            tag.push('-');
            // RFC 5646, section 2.1.1: regions are in upper case and scripts start with an upper-case letter, but not
            // after a single-letter part.
            match part.len() {
                2 if !extended => tag.push_str(&part.to_ascii_uppercase()),
                4 if !extended && part.bytes().all(|b| b.is_ascii_alphabetic()) => {
                    let (first, rest) = part.split_at(1);
                    tag.push_str(&first.to_ascii_uppercase());
                    tag.push_str(&rest.to_ascii_lowercase());
                }
                _ => tag.push_str(&part.to_ascii_lowercase()),
            }
            // A single letter must be followed by another part, unless it is itself part of what an `x` announced.
            announced = part.len() == 1 && !private;
            extended |= announced;
            private |= announced && part.eq_ignore_ascii_case("x");
        }
        (tag.len() <= 35 && !announced).then_some(Tag(Cow::Owned(tag)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The first part of the tag.
    pub(crate) fn language(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    /// The tag itself, and then with one part fewer each time: `zh-Hant-TW`, `zh-Hant`, `zh`.
    pub(crate) fn widening(&self) -> impl Iterator<Item = &str> {
        let mut next = Some(self.as_str());
        std::iter::from_fn(move || {
            let this = next?;
            let shorter = |tag: &'_ str| tag.rfind('-').unwrap_or(0);
            let mut end = shorter(this);
            // A single letter announces what follows it, so both are removed together.
            if let Some(rest) = this.get(..end)
                && rest.rsplit('-').next().is_some_and(|last| last.len() == 1)
            {
                end = shorter(rest);
            }
            next = this.get(..end).filter(|rest| !rest.is_empty());
            Some(this)
        })
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Tag;

    #[test]
    fn tags_are_read_in_any_case_and_nothing_else_is_one() {
        for (given, tag) in [
            ("en", "en"),
            ("FR-ca", "fr-CA"),
            ("zh-HANT-tw", "zh-Hant-TW"),
            ("es-419", "es-419"),
            ("sl-ROZAJ", "sl-rozaj"),
            ("de-x-AB", "de-x-ab"),
            ("ast", "ast"),
        ] {
            assert_eq!(Tag::parse(given).unwrap().as_str(), tag);
        }
        for bad in [
            "",
            "e",
            "engl",
            "fr_CA",
            "fr-",
            "-fr",
            "fr--CA",
            "fr-canadaisbig",
            "fr CA",
            "fr-é",
            "C",
            "12",
            "fr-x",
            "C.UTF-8",
        ] {
            assert_eq!(Tag::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_tag_widens_part_by_part() {
        let widening = |tag: &str| Tag::parse(tag).unwrap().widening().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(widening("zh-Hant-TW"), ["zh-Hant-TW", "zh-Hant", "zh"]);
        assert_eq!(widening("de-a-extend1-x-wadegile"), ["de-a-extend1-x-wadegile", "de-a-extend1", "de"]);
        assert_eq!(widening("fr"), ["fr"]);
    }
}
