//! Decides whether an event is about content: what a person plays, reads or keeps. Only looks at the declaration of an
//! event, never at a value.

#![expect(
    clippy::indexing_slicing,
    reason = "`const` code has no iterators yet, and what could go wrong here is a failed compilation"
)]

use super::field::{Field, Item, MEDIA};
use crate::precision::{Precision, Unit};

/// Why an event is about content. The numbers are positions in the event's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A field describes media: a bitrate, a resolution, a length of media, or what the program put into the group.
    Media(usize),
    /// There is a size and also a length or another size. Together they tell one file from many others.
    SizeBeside(usize, usize),
    /// The event says which items are counted, so it is about these items.
    Item,
}

/// The one rule for what content is. An event is about content in three cases:
/// - It names an item.
/// - It says the bitrate, the resolution or the length of media, or anything else of the group `media`.
/// - It says a size together with a length or another size.
///
/// A size or a length alone is not content. A size that has another group is not content either. The derive requires
/// a reason for that, which the person reads.
pub(crate) const fn content(fields: &[Field], item: Option<&Item>) -> Option<Content> {
    let mut i = 0;
    while i < fields.len() {
        if same(fields[i].group, MEDIA) && !is_size(&fields[i]) {
            return Some(Content::Media(i));
        }
        i += 1;
    }
    let mut i = 0;
    while i < fields.len() {
        if same(fields[i].group, MEDIA)
            && let Some(other) = beside(fields, i)
        {
            return Some(Content::SizeBeside(i, other));
        }
        i += 1;
    }
    if item.is_some() { Some(Content::Item) } else { None }
}

/// The first size or length among the other fields.
const fn beside(fields: &[Field], size: usize) -> Option<usize> {
    let mut i = 0;
    while i < fields.len() {
        if i != size && (is_length(&fields[i]) || is_size(&fields[i])) && !is_other(&fields[i]) {
            return Some(i);
        }
        i += 1;
    }
    None
}

/// Whether the field was said not to describe content. Only classes whose group would be `media` can say so, because
/// only they must give a reason for it.
const fn is_other(field: &Field) -> bool {
    field.reason.is_some()
        && !same(field.group, MEDIA)
        && (same(field.class, "byte_size") || same(field.class, "media_duration"))
}

const fn is_size(field: &Field) -> bool {
    matches!(unit(field), Some(Unit::Bytes))
}

/// Milliseconds are no length of media: they say how long a computer took.
const fn is_length(field: &Field) -> bool {
    matches!(unit(field), Some(Unit::Seconds | Unit::Minutes))
}

pub(super) const fn unit(field: &Field) -> Option<Unit> {
    if let Precision::Cuts { unit, .. } = field.precision { Some(unit) } else { None }
}

pub(super) const fn same(a: &str, b: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::{Content, content};
    use crate::{
        event::{Example, Field, Item},
        precision::{BITRATE, BYTE_SIZE, COUNT, LATENCY, MEDIA_DURATION, Precision, RESOLUTION, Unit},
    };

    fn field(class: &'static str, precision: Precision, group: &'static str) -> Field {
        let (name, doc, domain, example) = ("f", "", "", Example::First);
        Field { name, doc, class, precision, optional: false, group, domain, reason: None, example }
    }

    const MINUTES: Precision = Precision::Cuts { unit: Unit::Minutes, cuts: &[0, 10, 60] };
    const SIZES: Precision = Precision::Cuts { unit: Unit::Bytes, cuts: &[0, 10, 60] };

    #[test]
    fn media_is_content_and_a_size_or_a_length_alone_is_not() {
        let size = field("byte_size", BYTE_SIZE, "media");
        let other = |class, precision| Field { reason: Some("it is a cache"), ..field(class, precision, "cache") };
        let (count, latency) = (field("count", COUNT, ""), field("latency", LATENCY, ""));
        let (minutes, sizes) = (field("ladder", MINUTES, ""), field("ladder", SIZES, ""));
        let bitrate = field("bitrate", BITRATE, "media");
        for (fields, expected) in [
            (vec![], None),
            (vec![size], None),
            (vec![minutes], None),
            (vec![minutes, sizes, count], None),
            (vec![size, latency, count], None),
            (vec![count, bitrate], Some(Content::Media(1))),
            (vec![field("media_duration", MEDIA_DURATION, "media")], Some(Content::Media(0))),
            (vec![size, field("resolution", RESOLUTION, "media")], Some(Content::Media(1))),
            (vec![field("ladder", MINUTES, "media")], Some(Content::Media(0))),
            (vec![other("bitrate", BITRATE)], None),
            (vec![count, size, minutes], Some(Content::SizeBeside(1, 2))),
            (vec![minutes, size], Some(Content::SizeBeside(1, 0))),
            (vec![size, size], Some(Content::SizeBeside(0, 1))),
            (vec![size, sizes], Some(Content::SizeBeside(0, 1))),
            // A group alone is no reason: only a class that must give one is left out.
            (vec![size, field("ladder", MINUTES, "cache")], Some(Content::SizeBeside(0, 1))),
            (vec![size, other("ladder", MINUTES)], Some(Content::SizeBeside(0, 1))),
            (vec![size, other("byte_size", BYTE_SIZE)], None),
            (vec![other("byte_size", BYTE_SIZE), minutes], None),
        ] {
            assert_eq!(content(&fields, None), expected, "{fields:?}");
        }
        let item = Item { name: "film", doc: "", domain: "film", one_in: 32, reason: None };
        assert_eq!(content(&[count], Some(&item)), Some(Content::Item));
        assert_eq!(content(&[bitrate], Some(&item)), Some(Content::Media(0)));
    }
}
