//! Schemas: the static description of an event's type, for the manifest, the contract and the journal. Never holds a
//! value of an event.

use super::{
    check,
    content::content,
    field::{Field, Item, Linkage, MAX_FIELDS, Statistic, TENURE, Values, says},
    period::Period,
};
use crate::{ambient::Day, consent::Scope, language::Say};
use once_cell::sync::OnceCell;
use std::sync::atomic::{AtomicU32, Ordering};

/// The static description of an event's type. The derive makes one for each type, and its rules are checked in `const`.
#[derive(Debug)]
pub struct Schema {
    name: &'static str,
    doc: &'static str,
    scope: Scope,
    linkage: Linkage,
    fields: &'static [Field],
    item: Option<Item>,
    /// For a roll-up, how often its counts are sent. For a once-event, in which period it is reported once.
    period: Option<Period>,
    /// Why a roll-up of content is sent more often than once a month, if it is.
    period_reason: Option<&'static str>,
    /// For a once-event with fields.
    values: Option<Values>,
    /// If it is a field of a snapshot.
    snapshot: Option<Part>,
    /// The last UTC day on which the event is recorded.
    until: Option<Day>,
    /// The package that declares it, if Cargo compiled it.
    package: Option<&'static str>,
    /// A dense number from 1, assigned by the registry. 0 means "not registered".
    index: AtomicU32,
    /// The panels of the scope that the event belongs to, and how many the scope has. Not there before the registry assigns them,
    /// or if nothing in it stays the same. A map has a panel for each of its keys; any other event has one.
    panels: OnceCell<(Vec<u32>, u32)>,
    /// How many values of each field could not be read since the program started. Never leaves this computer.
    unreadable: [AtomicU32; MAX_FIELDS],
}

impl Schema {
    /// For the derive: checks the event's rules (names, words, linkage, budget). If a rule is broken, it panics at
    /// compile time with a message that says what to write instead.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub const fn declare(
        name: &'static str,
        doc: &'static str,
        scope: Scope,
        linkage: Linkage,
        fields: &'static [Field],
        item: Option<Item>,
    ) -> Self {
        check::event(name, linkage, fields, item.as_ref());
        let item = match item {
            Some(item) if item.one_in == 0 => Some(Item { one_in: check::one_in(fields), ..item }),
            item => item,
        };
        let unreadable = [const { AtomicU32::new(0) }; MAX_FIELDS];
        Schema {
            name,
            doc,
            scope,
            linkage,
            fields,
            item,
            period: match linkage {
                Linkage::Rollup if content(fields, item.as_ref()).is_some() => Some(Period::Month),
                Linkage::Rollup | Linkage::Once => Some(Period::Day),
                _ => None,
            },
            period_reason: None,
            values: None,
            snapshot: None,
            until: None,
            package: None,
            index: AtomicU32::new(0),
            panels: OnceCell::new(),
            unreadable,
        }
    }

    /// For the derive: sets the period of a roll-up. If a rule is broken, it panics at compile time with a message that says
    /// what to write instead.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub const fn every(mut self, period: Period, reason: Option<&'static str>) -> Self {
        check::every(self.name, self.linkage, self.is_about_content(), period, reason.is_some());
        (self.period, self.period_reason) = (Some(period), reason);
        self
    }

    /// For the derive: sets the period of a once-event, and which values it reports if it has fields. If a rule is broken, it
    /// panics at compile time with a message that says what to write instead.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub const fn once(mut self, period: Period, values: Option<Values>) -> Self {
        check::once(self.name, self.fields, period, values.is_some());
        (self.period, self.values) = (Some(period), values);
        self
    }

    /// For the derive: makes it a field of a snapshot.
    #[doc(hidden)]
    #[must_use]
    pub const fn of_snapshot(
        mut self,
        name: &'static str,
        doc: &'static str,
        period: Period,
        statistic: Statistic,
        keyed: bool,
    ) -> Self {
        (self.period, self.values) = (Some(period), Some(Values::Last));
        self.snapshot = Some(Part { name, doc, statistic, keyed });
        self
    }

    /// For the derive: sets the last UTC day on which the event is recorded, as a day number counted from 1970-01-01. A
    /// negative number becomes 1970-01-01, which is long over.
    #[doc(hidden)]
    #[must_use]
    pub const fn ending(mut self, day: i64) -> Self {
        self.until = Some(Day(if day < 0 { 0 } else { day as u32 }));
        self
    }

    /// For the derive: sets the package that declares the event.
    #[doc(hidden)]
    #[must_use]
    pub const fn in_package(mut self, package: Option<&'static str>) -> Self {
        self.package = package;
        self
    }

    pub(crate) const fn package(&self) -> Option<&'static str> {
        self.package
    }

    /// The event's name, such as `playback.finished`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The doc comment, which the person reads.
    #[must_use]
    pub const fn doc(&self) -> &'static str {
        self.doc
    }

    /// The scope that must be granted before the event is recorded.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        self.scope
    }

    /// What the recipient can link.
    #[must_use]
    pub const fn linkage(&self) -> Linkage {
        self.linkage
    }

    /// The fields, in declared order.
    #[must_use]
    pub const fn fields(&self) -> &'static [Field] {
        self.fields
    }

    /// The item field, if the event samples items.
    #[must_use]
    pub const fn item(&self) -> Option<&Item> {
        self.item.as_ref()
    }

    /// For a roll-up, how often its counts are sent. For a once-event, in which period it is reported once. `None` for other
    /// events.
    #[must_use]
    pub const fn period(&self) -> Option<Period> {
        self.period
    }

    /// Why a roll-up of content is sent more often than once a month, if it is.
    #[must_use]
    pub const fn period_reason(&self) -> Option<&'static str> {
        self.period_reason
    }

    /// For a once-event with fields: which values it reports.
    #[must_use]
    pub const fn values(&self) -> Option<Values> {
        self.values
    }

    /// Whether the numbers of a field are rounded at random, so that sums over many installations are right: counts and means of
    /// snapshots, and the counts of their maps.
    pub(crate) fn is_rounded_at_random(&self, field: &Field) -> bool {
        let is_count = field.class == "count";
        self.snapshot.is_some_and(|part| match part.statistic {
            // Values of the other classes are rounded down before their mean is made.
            Statistic::Mean => ROUNDED.contains(&field.class),
            Statistic::Last => part.keyed || is_count,
            Statistic::Min | Statistic::Max => false,
        })
    }

    /// If it is a field of a snapshot: which one, and what of it is reported.
    pub(crate) const fn snapshot(&self) -> Option<&Part> {
        self.snapshot.as_ref()
    }

    /// The sentence that says what can be linked, with the event's period.
    pub(crate) const fn says(&self) -> Say {
        says(self.linkage, self.period)
    }

    /// The last day of a record's period. A record may be pending from the day after that. `day` is the record's day, which for
    /// an event with a period is the period's first day.
    pub(crate) fn last_of(&self, day: Day) -> Day {
        self.period.map_or(day, |period| Day(period.end(day).0.saturating_sub(1)))
    }

    /// The position of the field that says how long ago consent was given, if there is one. candor fills it in.
    pub(crate) fn tenure(&self) -> Option<usize> {
        self.fields.iter().position(|field| field.class == TENURE)
    }

    /// Whether the event is about content, that is, about what a person plays, reads or keeps. It is if it has an item
    /// field, if it says the bitrate, the resolution or the length of media, or if it says a size together with a length
    /// or another size.
    ///
    /// Such an event is sent only as counts of a few items.
    #[must_use]
    pub const fn is_about_content(&self) -> bool {
        content(self.fields, self.item.as_ref()).is_some()
    }

    /// The last UTC day on which it is recorded, such as `2027-06-30`. `None` if no last day is declared.
    #[must_use]
    pub fn until(&self) -> Option<String> {
        self.until.map(|day| day.to_string())
    }

    pub(crate) const fn last_day(&self) -> Option<Day> {
        self.until
    }

    /// Of how many the reporter is one: what a record of this event must be multiplied by. It is the `one_in` of the item, or 1
    /// without one, times the number of panels of which an installation reports one. The number of panels is known once a
    /// client was made.
    ///
    /// Each record says it, as `candor.divisor`. It is the same for everyone.
    ///
    /// ```
    /// # candor::scope! {
    /// #     /// Find out which films people begin again, so that those are found sooner.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// use candor::Event;
    ///
    /// /// A film was opened.
    /// #[derive(Event)]
    /// #[event(name = "film.opened", scope = USAGE, linkage = rollup)]
    /// struct FilmOpened<'a> {
    ///     /// Which film.
    ///     #[field(item)]
    ///     film: &'a str,
    ///     /// Whether it had been begun before.
    ///     resumed: bool,
    /// }
    ///
    /// assert_eq!(<FilmOpened as Event>::schema().divisor(), 512);
    /// ```
    #[must_use]
    pub fn divisor(&self) -> u64 {
        let items = self.item.map_or(1, |item| item.one_in.saturating_mul(item.monthly()));
        items.saturating_mul(u64::from(self.panels()))
    }

    /// How many distinct outcomes the event's fields have together. Codes are not counted.
    #[must_use]
    pub fn outcomes(&self) -> u64 {
        self.fields.iter().map(Field::outcomes).fold(1, u64::saturating_mul)
    }

    /// Whether the fields can have these outcomes. An implementation written by hand may claim others, and those are
    /// not sent.
    pub(crate) fn admits(&self, outcomes: &[u16; MAX_FIELDS]) -> bool {
        self.could_keep(outcomes) && self.fields.iter().zip(outcomes).all(|(field, it)| *it != 0 || field.optional)
    }

    /// Whether a stored record can have these outcomes. Unlike in [`admits`](Schema::admits), any field may be missing,
    /// since the person may have agreed to less than this version would send.
    pub(crate) fn could_keep(&self, outcomes: &[u16; MAX_FIELDS]) -> bool {
        let known = |field: &Field, outcome: u16| u64::from(outcome) <= field.precision.outcomes();
        let fields = self.fields.iter().map(Some).chain(std::iter::repeat(None));
        fields.zip(outcomes).all(|(field, outcome)| field.map_or(*outcome == 0, |field| known(field, *outcome)))
    }

    /// Counts one unreadable value for each field whose bit is set.
    #[cold]
    pub(crate) fn count_unreadable(&self, fields: u16) {
        for (at, count) in self.unreadable.iter().enumerate() {
            if fields & (1 << at) != 0 {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How many values of the field at `at` could not be read since the program started.
    pub(crate) fn unreadable(&self, at: usize) -> u32 {
        self.unreadable.get(at).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Whether the event says what stays the same about an installation: it is reported once in a period and has fields, or it
    /// has a code.
    pub(crate) const fn tells_what_stays(&self) -> bool {
        self.linkage.carries_code() || (matches!(self.linkage, Linkage::Once) && !self.fields.is_empty())
    }

    /// The number of panels of the event's scope, of which an installation reports one: then it is the event's divisor.
    #[inline]
    pub(crate) fn panels(&self) -> u32 {
        self.panels.get().map_or(1, |(_, panels)| *panels)
    }

    /// The panel that a record of the event belongs to, counted from 0. `key` is the outcome of a map's key.
    pub(crate) fn panel(&self, key: u16) -> u32 {
        let Some((of, _)) = self.panels.get() else { return 0 };
        let is_map = self.snapshot.is_some_and(|part| part.keyed);
        let at = if is_map { usize::from(key).saturating_sub(1) } else { 0 };
        of.get(at).copied().unwrap_or(0)
    }

    /// For the registry, once.
    pub(crate) fn set_panels(&self, of: Vec<u32>, panels: u32) {
        let _ = self.panels.set((of, panels)); // the registry is made once
    }

    /// The parts of a joint budget that the event's records make: the outcomes of each. A map has one for each key.
    pub(crate) fn parts(&self) -> Vec<u64> {
        match (self.snapshot, self.fields) {
            (Some(Part { keyed: true, .. }), [key, value, ..]) => {
                // A key may have no record.
                vec![value.outcomes() + 1; usize::try_from(key.precision.outcomes()).unwrap_or(0)]
            }
            _ => vec![self.outcomes()],
        }
    }

    #[inline]
    pub(crate) fn index(&self) -> u32 {
        self.index.load(Ordering::Relaxed)
    }

    pub(crate) fn set_index(&self, index: u32) {
        self.index.store(index, Ordering::Release);
    }
}

/// The classes whose values are rounded at random for a mean.
const ROUNDED: [&str; 9] = ["count", "step", "ladder", "digits", "log_buckets", "byte_size", "exact", "latency", "age"];

/// What makes an event a field of a snapshot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// The snapshot's name.
    pub(crate) name: &'static str,
    /// The snapshot's doc comment.
    pub(crate) doc: &'static str,
    pub(crate) statistic: Statistic,
    /// Whether it is a map: its first field is the key, and it has one record for each key.
    pub(crate) keyed: bool,
}

/// An event type that is linked into the program. The derive registers it, so a manifest can't omit one.
#[doc(hidden)]
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "built by the derive in other crates")]
pub struct Linked(pub &'static Schema);

inventory::collect!(Linked);
