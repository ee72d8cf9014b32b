//! Phrases that are composed of several sentences and used in more than one place. Only selects words, and never
//! decides what is shown.

use super::{Locale, Say};

/// Says how the items of an event are chosen: one in `one_in` can ever be counted, and of these one in `monthly` each month.
pub(crate) fn item(locale: &Locale, one_in: u64, monthly: u64, reason: Option<&str>) -> String {
    match (one_in, reason) {
        (1, None) => locale.words(Say::ItemAll),
        (1, Some(reason)) => locale.say(Say::ItemAllBecause, &[("reason", reason.into())]),
        (n, None) => locale.say(Say::ItemFew, &[("n", n.into()), ("months", monthly.into())]),
        (n, Some(reason)) => locale.say(Say::ItemFewBecause, &[("n", n.into()), ("reason", reason.into())]),
    }
}

/// The reason for a field of this class, introduced by the sentence that fits the class.
pub(crate) fn because(locale: &Locale, class: &str, reason: &str) -> String {
    let say = match class {
        "bitrate" | "media_duration" | "byte_size" | "resolution" => Say::NotContent,
        _ => Say::Exact,
    };
    locale.say(say, &[("reason", reason.into())])
}

/// The words for a label of a field of this class. `None` if the label explains itself.
pub(crate) fn label(locale: &Locale, class: &str, label: &str) -> Option<String> {
    Say::label(class, label).map(|say| locale.words(say))
}
