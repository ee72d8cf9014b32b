//! Checks the rules for events while the program is compiled. A broken rule is a `const` panic whose message says what
//! to write instead. Never sees a value of an event.

#![expect(
    clippy::indexing_slicing,
    reason = "`const` code has no iterators yet, and what could go wrong here is a failed compilation"
)]

use super::{
    content::{Content, content, same, unit},
    field::{Field, Item, Linkage, MAX_FIELDS, ONE_IN, TENURE},
    period::Period,
};
use crate::consent::is_name;
use crate::precision::{
    BITRATE, BYTE_SIZE, COUNT, DURATION, LATENCY, MEDIA_DURATION, MOST_RELEASES, Precision, Unit, is_release, order,
};

/// How many distinct outcomes an event's fields may have together. It limits the number of classes into which a report
/// can fall. It does not limit how small the smallest class is.
pub(crate) const BUDGET: u64 = 1_024;

/// Panics (at compile time) if the event breaks a rule.
#[track_caller]
pub(crate) const fn event(name: &str, linkage: Linkage, fields: &[Field], item: Option<&Item>) {
    if !is_name(name) {
        stop(&[
            "event `",
            name,
            "`: an event's name is made of parts of [a-z][a-z0-9_]* joined by dots, 48 bytes at \
               most, such as `playback.finished`",
        ]);
    }
    if fields.len() > MAX_FIELDS {
        stop(&["event `", name, "` has more than 16 fields: split it, or leave some out"]);
    }
    let mut product = 1u128;
    let mut codes = 0;
    let mut cohorts = 0;
    let mut i = 0;
    while i < fields.len() {
        let field = &fields[i];
        if !is_name(field.name) {
            stop(&[
                "event `",
                name,
                "`, field `",
                field.name,
                "`: a field's name is [a-z][a-z0-9_]*, 48 bytes at most",
            ]);
        }
        if same(field.name, "count") {
            stop(&[
                "event `",
                name,
                "`: a field named `count` would be taken for how often it happened, which a roll-up \
                   sends under this name: rename it, for instance to `items`",
            ]);
        }
        match field.precision {
            Precision::Code { .. } => codes += 1,
            Precision::Cohort { .. } => cohorts += 1,
            _ => {}
        }
        partition(name, field);
        product = product.saturating_mul(field.outcomes() as u128);
        i += 1;
    }
    if codes > 1 {
        stop(&[
            "event `",
            name,
            "` has more than one `hash` field: two codes side by side link more than either; \
               keep one of them",
        ]);
    }
    if codes + cohorts > 0 && !linkage.carries_code() {
        stop(&[
            "event `",
            name,
            "` has a `hash` or `cohort` field, whose code stays the same for a while: say for how long with \
               `linkage = session`, `day`, `week` or `month`, or drop the field",
        ]);
    }
    if codes + cohorts == 0 && linkage.carries_code() {
        stop(&[
            "event `",
            name,
            "` has `linkage = ",
            linkage.name(),
            "` but no `hash` or `cohort` field, so there is nothing to link: \
               write `linkage = none`, or `linkage = rollup` to count on the device",
        ]);
    }
    if let Some(why) = content(fields, None) {
        content_leaves_in_counts(name, fields, why, linkage, item);
    }
    let mut i = 0;
    while i < fields.len() {
        if same(fields[i].class, TENURE) && !matches!(linkage, Linkage::Once) {
            stop(&[
                "event `",
                name,
                "`, field `",
                fields[i].name,
                "`: `tenure` says since when a person takes part, which is told once in a period: write `once = week` \
                 instead of the linkage, or leave the field out",
            ]);
        }
        i += 1;
    }
    if item.is_some() && !matches!(linkage, Linkage::Rollup) {
        stop(&[
            "event `",
            name,
            "` has an `item` field, which chooses what is counted, and is not counted: write `linkage = rollup`, or \
               leave the field out",
        ]);
    }
    if let Some(item) = item {
        enough_items(name, item, fields);
    }
    groups(name, fields);
    if product > BUDGET as u128 {
        over_budget(name, product, fields);
    }
}

/// Checks the period of a roll-up. Counts of content leave once a month, unless the person is told why not: counts of each
/// week or day add up to a diary (`manual::rounding`).
#[track_caller]
pub(crate) const fn every(name: &str, linkage: Linkage, content: bool, period: Period, has_reason: bool) {
    if !matches!(linkage, Linkage::Rollup) {
        stop(&[
            "event `",
            name,
            "`: `every` says how often counts are sent, and this event is not counted: write `linkage = rollup`, or leave \
             `every` out",
        ]);
    }
    if content && !matches!(period, Period::Month) && !has_reason {
        stop(&[
            "event `",
            name,
            "` is about what a person plays or keeps, and its counts of each ",
            period.name(),
            " add up to a diary: leave `every` out, which means once a month, or add `reason = \"…\"` beside it, which the \
             person reads",
        ]);
    }
    if has_reason && (!content || matches!(period, Period::Month)) {
        stop(&["event `", name, "`: `every = ", period.name(), "` needs no `reason` here: leave it out"]);
    }
}

/// Checks a once-event.
#[track_caller]
pub(crate) const fn once(name: &str, fields: &[Field], period: Period, has_values: bool) {
    if !fields.is_empty() && matches!(period, Period::Day) {
        stop(&[
            "event `",
            name,
            "` is reported once a day and has a field `",
            fields[0].name,
            "`: what stays the same about an installation is told once a week at most. Write `once = week` or `once = month`, \
             or leave the fields out, which counts the installations that are active on a day",
        ]);
    }
    if !fields.is_empty() && !has_values {
        stop(&[
            "event `",
            name,
            "` is reported once a ",
            period.name(),
            " and has fields: write `values = first` to report those of the first time, at once, or `values = last` to report \
             those of the last time, when the ",
            period.name(),
            " is over",
        ]);
    }
    if fields.is_empty() && has_values {
        stop(&["event `", name, "` has no fields: leave `values` out"]);
    }
}

/// Requires that an event about content is sent only as counts of a few sampled items. A sequence of plays identifies
/// the library even if each play is coarse, and so do the counts of everything that was played (`manual::rounding`).
///
/// The message says what makes the event content, and names both ways out.
#[track_caller]
const fn content_leaves_in_counts(name: &str, fields: &[Field], why: Content, linkage: Linkage, item: Option<&Item>) {
    let counted = matches!(linkage, Linkage::Rollup);
    if counted && item.is_some() {
        return;
    }
    let mut text = Text::new();
    text.push("event `");
    text.push(name);
    text.push("` is about content: ");
    let at = match why {
        Content::Media(at) => {
            text.push("`");
            text.push(fields[at].name);
            text.push("` describes what a person plays");
            at
        }
        Content::SizeBeside(at, other) => {
            text.push("`");
            text.push(fields[at].name);
            text.push("` and `");
            text.push(fields[other].name);
            text.push("` together describe a file");
            at
        }
        Content::Item => return,
    };
    if counted {
        text.push(", and counts of everything reveal the person's library in the long run");
    } else {
        text.push(", and a sequence of such events reveals the person's library, however coarse each one is");
    }
    text.push("\n- if it is content: ");
    if !counted {
        text.push("write `linkage = rollup`");
    }
    if item.is_none() {
        if !counted {
            text.push(", and ");
        }
        text.push(
            "add a field that says which item it was, such as `#[field(item)] film: String`; a few items are counted, \
             and what this field holds is never kept or sent",
        );
    }
    text.push("\n- if it is not: ");
    not_content(&mut text, &fields[at], why);
    text.stop()
}

/// Appends what to write for a field that does not describe content.
const fn not_content(text: &mut Text, field: &Field, why: Content) {
    if matches!(why, Content::Media(_)) && same(field.class, "media_duration") {
        text.push("write `duration` in place of `media_duration`");
        return;
    }
    let classes = ["bitrate", "byte_size", "resolution"];
    let mut i = 0;
    while i < classes.len() {
        if same(field.class, classes[i]) {
            text.push("write `#[field(");
            text.push(field.class);
            text.push(", group = \"other\", reason = \"…\", …)]` for `");
            text.push(field.name);
            text.push("`; the person reads the reason");
            if let Content::SizeBeside(..) = why {
                text.push("; a size alone is not content, and `latency` beside it is not either");
            }
            return;
        }
        i += 1;
    }
    text.push("leave out `group = \"media\"` of `");
    text.push(field.name);
    text.push("`");
}

/// The default for `one_in`: three times the number of the event's outcomes, rounded up to a power of two, and at least
/// [`ONE_IN`].
///
/// The counts of a random share f of the items of a library reveal about (outcomes - 1) / 2 * f nats about it
/// (`manual::rounding`), whatever is played and for however long. So this default is at most a sixth of a nat.
pub(crate) const fn one_in(fields: &[Field]) -> u64 {
    let mut outcomes = 1u64;
    let mut i = 0;
    while i < fields.len() {
        outcomes = outcomes.saturating_mul(fields[i].outcomes());
        i += 1;
    }
    // An event over the budget does not compile. The limit only avoids an overflow here.
    let bounded = if outcomes < BUDGET { outcomes } else { BUDGET };
    let items = (3 * bounded).next_power_of_two();
    if items > ONE_IN { items } else { ONE_IN }
}

#[track_caller]
const fn enough_items(name: &str, item: &Item, fields: &[Field]) {
    let asked = one_in(fields);
    if item.one_in == 0 || item.one_in >= asked || item.reason.is_some() {
        return;
    }
    let mut text = Text::new();
    text.push("event `");
    text.push(name);
    text.push("`, field `");
    text.push(item.name);
    text.push("`: counting one item in ");
    text.number(item.one_in as u128);
    text.push(" tells more of a person's library than one in ");
    text.number(asked as u128);
    text.push(
        ", which the event's outcomes require: leave `one_in` out, use coarser classes, or add `reason = \"…\"`, \
               which the person reads",
    );
    text.stop()
}

/// Checks the partition of a field. A list has 2 to 64 labels. A ladder has at least two bounds, rises strictly, and is
/// not the identity unless the field gives a reason. A cohort has 1 to 8 bits.
#[track_caller]
const fn partition(event: &str, field: &Field) {
    let problem = match field.precision {
        Precision::Labels(labels) if labels.len() < 2 => "its list has fewer than two labels, and tells nothing",
        Precision::Labels(labels) if labels.len() > 64 => "its list has more than 64 labels: join some of them",
        Precision::Cuts { cuts, .. } if cuts.len() < 2 => "its ladder has fewer than two rungs, and tells nothing",
        Precision::Cuts { cuts, .. } if !rises(cuts) => "its rungs do not rise: write each once, smallest first",
        // Dates and versions are single values by nature. The budget limits how many there are.
        Precision::Cuts { unit: Unit::Date | Unit::Version, .. } => return,
        Precision::Cuts { cuts, .. } if is_identity(cuts) && field.reason.is_none() => {
            "many of its steps are single numbers, which are sent exactly: write wider steps, or add a `reason` that \
             the person reads"
        }
        Precision::Cohort { bits } if bits == 0 || bits > 8 => "a cohort takes 1 to 8 bits",
        Precision::Releases([]) => "its list of releases is empty, and everything would be `other`",
        Precision::Releases(list) if list.len() > MOST_RELEASES => {
            "its list has more than eight releases: keep the last eight; what is older is sent as `older`"
        }
        Precision::Releases(list) => return releases(event, field.name, list),
        _ => return,
    };
    stop(&["event `", event, "`, field `", field.name, "`: ", problem]);
}

/// Checks that a list holds versions, and that they rise.
#[track_caller]
const fn releases(event: &str, field: &str, list: &[&str]) {
    let mut i = 0;
    while i < list.len() {
        if !is_release(list[i]) {
            stop(&[
                "event `",
                event,
                "`, field `",
                field,
                "`: `",
                list[i],
                "` is no release: write its numbers and no name of a build, such as `1.4.1` or `2.0.0-rc.1`",
            ]);
        }
        if i > 0 && !matches!(order(list[i - 1], list[i]), Some(-1)) {
            stop(&[
                "event `",
                event,
                "`, field `",
                field,
                "`: `",
                list[i],
                "` does not come after `",
                list[i - 1],
                "`: list each release once, oldest first",
            ]);
        }
        i += 1;
    }
}

const fn rises(cuts: &[i64]) -> bool {
    let mut i = 1;
    while i < cuts.len() {
        if cuts[i - 1] >= cuts[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// Whether a ladder sends most values exactly: it has more than three bounds and each is one more than the last, or it
/// has more than ten single numbers. Fewer are allowed, because two or three may be all the values there are, and
/// because growing ladders begin with a few single numbers.
const fn is_identity(cuts: &[i64]) -> bool {
    let (mut single, mut i) = (0, 1);
    while i < cuts.len() {
        single += (cuts[i].saturating_sub(cuts[i - 1]) == 1) as usize;
        i += 1;
    }
    single > 10 || (cuts.len() > 3 && single == cuts.len() - 1)
}

/// Checks quantities that reveal each other. One event has at most two fields of the same group, and never a size and a
/// bitrate: together these give the length back to within 20 seconds (the median).
#[track_caller]
const fn groups(event: &str, fields: &[Field]) {
    let mut i = 0;
    while i < fields.len() {
        let (mut members, mut j) = (1, i + 1);
        while j < fields.len() {
            // Checked by unit, whatever the fields are called and whatever their group is.
            let (one, other) = (unit(&fields[i]), unit(&fields[j]));
            if let (Some(Unit::Bytes), Some(Unit::BitsPerSecond)) | (Some(Unit::BitsPerSecond), Some(Unit::Bytes)) =
                (one, other)
            {
                stop(&[
                    "event `",
                    event,
                    "`: size and bitrate together give the length back: leave out `",
                    fields[i].name,
                    "` or `",
                    fields[j].name,
                    "`",
                ]);
            }
            if !fields[i].group.is_empty() && same(fields[i].group, fields[j].group) {
                members += 1;
                if members > 2 {
                    stop(&[
                        "event `",
                        event,
                        "` has more than two fields of the group `",
                        fields[i].group,
                        "`, which reveal each other: leave out `",
                        fields[j].name,
                        "`, or send it in an event of its own",
                    ]);
                }
            }
            j += 1;
        }
        i += 1;
    }
}

#[track_caller]
const fn over_budget(name: &str, product: u128, fields: &[Field]) -> ! {
    let mut text = Text::new();
    text.push("event `");
    text.push(name);
    text.push("` says too much about one person: its fields together have ");
    text.number(product);
    text.push(" outcomes, the budget is ");
    text.number(BUDGET as u128);
    text.push(" (");
    let mut i = 0;
    while i < fields.len() {
        if i > 0 {
            text.push(" x ");
        }
        text.push(fields[i].name);
        text.push(" ");
        text.number(fields[i].outcomes() as u128);
        i += 1;
    }
    text.push("): ");
    recover(&mut text, fields);
    text.stop()
}

/// Appends the cheapest changes that bring the event back into the budget. First it replaces the program's own ladders
/// by ready classes, the field with the most outcomes first. If that is not enough, it leaves fields out.
const fn recover(text: &mut Text, fields: &[Field]) {
    let is_content = content(fields, None).is_some();
    let mut outcomes = [1u64; MAX_FIELDS];
    let mut product = 1u128;
    let mut i = 0;
    while i < fields.len() {
        outcomes[i] = fields[i].outcomes();
        product = product.saturating_mul(outcomes[i] as u128);
        i += 1;
    }
    let mut changes = 0;
    while product > BUDGET as u128 && changes < MAX_FIELDS {
        text.push(if changes > 0 { " and " } else { "" });
        let at = match coarser(fields, &outcomes, is_content) {
            Some((at, class, to)) => {
                text.push("write `#[field(");
                text.push(class);
                text.push(", …)]` for `");
                product = product / outcomes[at] as u128 * to as u128;
                outcomes[at] = to;
                at
            }
            None => {
                let at = dispensable(&outcomes, product);
                text.push("leave out `");
                product /= outcomes[at] as u128;
                outcomes[at] = 1;
                at
            }
        };
        text.push(fields[at].name);
        text.push("`");
        changes += 1;
    }
    text.push(", which makes ");
    text.number(product);
    text.push("; or split the event in two");
}

/// The field with the most outcomes that a ready class would make coarser: its index, the class, and the outcomes of
/// the class.
const fn coarser(
    fields: &[Field],
    outcomes: &[u64; MAX_FIELDS],
    is_content: bool,
) -> Option<(usize, &'static str, u64)> {
    let mut best: Option<(usize, &'static str, u64)> = None;
    let mut i = 0;
    while i < fields.len() {
        if let Some((class, to)) = ready_class(&fields[i], is_content)
            && to < outcomes[i]
        {
            best = match best {
                Some((at, ..)) if outcomes[at] >= outcomes[i] => best,
                _ => Some((i, class, to)),
            };
        }
        i += 1;
    }
    best
}

/// The field to leave out: the one with the fewest outcomes that brings the rest into the budget, or else the one with
/// the most outcomes.
const fn dispensable(outcomes: &[u64; MAX_FIELDS], product: u128) -> usize {
    let (mut best, mut i) = (0, 1);
    while i < MAX_FIELDS {
        let enough = outcomes[i] > 1 && product / outcomes[i] as u128 <= BUDGET as u128;
        let known = outcomes[best] > 1 && product / outcomes[best] as u128 <= BUDGET as u128;
        let better = match (enough, known) {
            (true, true) => outcomes[i] < outcomes[best],
            (false, false) => outcomes[i] > outcomes[best],
            (enough, _) => enough,
        };
        if better {
            best = i;
        }
        i += 1;
    }
    best
}

/// The ready class for a quantity of this unit, and how many outcomes it has. A bitrate or a length becomes content only
/// in an event that is about content anyway.
const fn ready_class(field: &Field, is_content: bool) -> Option<(&'static str, u64)> {
    let Precision::Cuts { unit, .. } = field.precision else { return None };
    let (class, precision) = match unit {
        Unit::BitsPerSecond if is_content => ("bitrate", BITRATE),
        Unit::BitsPerSecond => ("bitrate, group = \"other\", reason = \"…\"", BITRATE),
        Unit::Seconds if is_content => ("media_duration", MEDIA_DURATION),
        Unit::Seconds => ("duration", DURATION),
        Unit::Milliseconds => ("latency", LATENCY),
        Unit::Bytes => ("byte_size", BYTE_SIZE),
        Unit::Count => ("count", COUNT),
        _ => return None,
    };
    Some((class, precision.outcomes() + field.optional as u64))
}

#[track_caller]
const fn stop(parts: &[&str]) -> ! {
    let mut text = Text::new();
    let mut i = 0;
    while i < parts.len() {
        text.push(parts[i]);
        i += 1;
    }
    text.stop()
}

/// A message built in `const`. A part that does not fit is left out.
struct Text {
    bytes: [u8; 1_024],
    len: usize,
}

impl Text {
    const fn new() -> Self {
        Text { bytes: [0; 1_024], len: 0 }
    }

    const fn push(&mut self, text: &str) {
        let text = text.as_bytes();
        if self.len + text.len() > self.bytes.len() {
            return;
        }
        let mut i = 0;
        while i < text.len() {
            self.bytes[self.len] = text[i];
            self.len += 1;
            i += 1;
        }
    }

    const fn number(&mut self, value: u128) {
        let mut digits = [0u8; 39];
        let mut at = digits.len();
        let mut rest = value;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        match str::from_utf8(digits.split_at(at).1) {
            Ok(text) => self.push(text),
            Err(_) => self.push("?"),
        }
    }

    #[track_caller]
    const fn stop(&self) -> ! {
        match str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => panic!("{}", text),
            Err(_) => panic!("this event breaks a rule of candor"),
        }
    }
}
