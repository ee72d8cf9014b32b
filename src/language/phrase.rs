//! Phrases that are put together from several sentences, and are said in more than one place. Words only.

use super::{Locale, Say};

/// What becomes of an item of which one in `one_in` is counted.
pub(crate) fn item(locale: &Locale, one_in: u64, reason: Option<&str>) -> String {
    match (one_in, reason) {
        (1, None) => locale.words(Say::ItemAll),
        (1, Some(reason)) => locale.say(Say::ItemAllBecause, &[("reason", reason.into())]),
        (n, None) => locale.say(Say::ItemFew, &[("n", n.into())]),
        (n, Some(reason)) => locale.say(Say::ItemFewBecause, &[("n", n.into()), ("reason", reason.into())]),
    }
}

/// Why a field of this class leaves as it does, where a reason must be given.
pub(crate) fn because(locale: &Locale, class: &str, reason: &str) -> String {
    let say = match class {
        "bitrate" | "media_duration" | "byte_size" | "resolution" => Say::NotContent,
        _ => Say::Exact,
    };
    locale.say(say, &[("reason", reason.into())])
}

/// The words for a label of a field of this class, where it does not say itself what it is.
pub(crate) fn label(locale: &Locale, class: &str, label: &str) -> Option<String> {
    Say::label(class, label).map(|say| locale.words(say))
}
