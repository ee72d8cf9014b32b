//! Contract compatibility: whether a build does no more than was agreed to, and what it may report if it would do more.
//!
//! `D ⊑ C`, "D is no wider than C", holds if it holds on every axis. If D is wider in what it reports, it is held to what
//! was agreed: new events and fields are left out, finer steps are rounded down to the agreed ones, and new labels become
//! `other`. If D is wider in anything else (recipient, purpose, retention), nothing can be held back, and everything stops.
//!
//! This module is pure: it reads no file, makes no decision for the person, and never sees a recorded value.

use crate::consent::agreement::{
    schema::{ContractSchema, Event, Field, Partition, Use},
    terms::counts_days_of,
};
use crate::{ambient::Day, clean};
use std::collections::BTreeMap;

/// The contract that was agreed to, and its comparison with this build's contract.
pub(in crate::consent) struct Compared {
    pub(in crate::consent) agreed: ContractSchema,
    pub(in crate::consent) comparison: Comparison,
}

/// What a difference between two contracts means for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Effect {
    /// It asks for less, or says the same in another way. The person is not asked again.
    Narrower,
    /// It asks for more. The build is held to what was agreed until the person decides.
    HeldBack,
    /// It asks for more than can be held back. Nothing is recorded or sent until the person decides.
    Stops,
}

/// One difference between what was agreed and what this build would do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Change {
    /// What differs, such as `recipient` or `field playback.finished.codec`. Text to show; to act on a difference, look at its
    /// [`effect`](Change::effect).
    pub axis: String,
    /// The agreed value; empty if there was none.
    pub before: String,
    /// The value in this build; empty if there is none.
    pub after: String,
    /// What the difference means.
    pub effect: Effect,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let or_none = |text: &str| if text.is_empty() { "none".to_owned() } else { clean::line(text) };
        write!(f, "{}: {} -> {}", clean::line(&self.axis), or_none(&self.before), or_none(&self.after))?;
        f.write_str(match self.effect {
            Effect::Narrower => " (narrower)",
            Effect::HeldBack => " (wider: held to what was agreed)",
            Effect::Stops => " (wider: everything stops)",
        })
    }
}

/// What may be reported of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The outcome is reported unchanged.
    Keep,
    /// The field is left out.
    Leave,
    /// Each outcome is mapped to another one. Index: the outcome, 0 included. Value: what it becomes.
    Become(Vec<u16>),
}

impl Rule {
    pub(crate) fn of(&self, outcome: u16) -> u16 {
        match self {
            Rule::Keep => outcome,
            Rule::Leave => 0,
            Rule::Become(map) => map.get(usize::from(outcome)).copied().unwrap_or(0),
        }
    }

    /// Makes a rule from positions in declared order, counted from 0, one for each outcome. Outcomes count from 1; outcome 0
    /// (not known) stays 0.
    pub(in crate::consent) fn becoming(positions: impl Iterator<Item = usize>) -> Rule {
        Rule::Become(std::iter::once(0).chain(positions.map(|at| u16::try_from(at + 1).unwrap_or(0))).collect())
    }

    /// Combines two rules: outcomes that either rule merges are merged.
    ///
    /// A merged group is reported as `other` if it contains that label, otherwise as its lowest outcome. The parameter
    /// `other` is the position of the label.
    ///
    /// Applying one rule after the other would be wrong. If one keeps the step at 50 and the other the step at 10, values
    /// from 50 upward would be reported as step 10, and values from 10 to 49 would not.
    pub(in crate::consent) fn meet(&self, with: &Rule, other: Option<usize>) -> Rule {
        let (first, second) = match (self, with) {
            (Rule::Leave, _) | (_, Rule::Leave) => return Rule::Leave,
            (Rule::Keep, rule) | (rule, Rule::Keep) => return rule.clone(),
            (Rule::Become(first), Rule::Become(second)) => (first, second),
        };
        let mut same: Vec<u16> = (0..).take(first.len().max(second.len())).collect();
        let of = |same: &[u16], outcome: u16| same.get(usize::from(outcome)).copied().unwrap_or(0);
        for outcome in (1..).take(same.len().saturating_sub(1)) {
            for becomes in [self.of(outcome), with.of(outcome)] {
                let (one, two) = (of(&same, outcome), of(&same, becomes));
                // Outcome 0 (not known) stays 0. An outcome that either rule maps to 0 becomes 0 with its whole group.
                let lowest = one.min(two);
                same.iter_mut().filter(|class| **class == one || **class == two).for_each(|class| *class = lowest);
            }
        }
        if let Some(other) = other.and_then(|at| u16::try_from(at + 1).ok()) {
            let class = of(&same, other);
            same.iter_mut().skip(1).filter(|it| **it == class && class != 0).for_each(|it| *it = other);
        }
        Rule::Become(same)
    }
}

/// What a build may report under a contract: the agreed events, by name. An event that is not in the map is not reported.
pub(crate) type Projection = BTreeMap<String, Said>;

/// What may be reported of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// One rule for each of its fields, in this build's order.
    pub(crate) rules: Vec<Rule>,
    /// The last day on which it may be reported, if one was agreed.
    pub(crate) until: Option<Day>,
}

/// The result of comparing two contracts.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    pub(crate) changes: Vec<Change>,
    pub(crate) projection: Projection,
}

impl Comparison {
    /// Whether the unchanged build does no more than was agreed to.
    pub(crate) fn is_no_wider(&self) -> bool {
        self.changes.iter().all(|change| change.effect == Effect::Narrower)
    }

    /// Whether nothing may be recorded or sent until the person decides.
    pub(crate) fn stops(&self) -> bool {
        self.changes.iter().any(|change| change.effect == Effect::Stops)
    }
}

/// Collects differences.
#[derive(Default)]
struct Differences(Vec<Change>);

impl Differences {
    fn note(&mut self, axis: impl Into<String>, before: impl ToString, after: impl ToString, effect: Effect) {
        self.0.push(Change { axis: axis.into(), before: before.to_string(), after: after.to_string(), effect });
    }

    /// Compares an axis that must be the same. Any difference stops.
    fn same(&mut self, axis: &str, before: &str, after: &str) {
        if before != after {
            self.note(axis, before, after, Effect::Stops);
        }
    }

    /// Compares an axis that may lose members but not gain any. Their order does not matter.
    fn fewer(&mut self, axis: &str, before: &[String], after: &[String]) {
        let subset = after.iter().all(|one| before.contains(one));
        if !subset {
            self.note(axis, before.join(", "), after.join(", "), Effect::Stops);
        } else if !before.iter().all(|one| after.contains(one)) {
            self.note(axis, before.join(", "), after.join(", "), Effect::Narrower);
        }
    }

    /// Compares an axis that may decrease but not increase.
    fn less(&mut self, axis: &str, before: u32, after: u32) {
        if before != after {
            self.note(axis, before, after, if after < before { Effect::Narrower } else { Effect::Stops });
        }
    }
}

/// Compares `build` with `agreed` on every axis. Returns every difference, and what the build may report.
pub(crate) fn compare(build: &ContractSchema, agreed: &ContractSchema) -> Comparison {
    let mut found = Differences::default();
    found.same("application", &agreed.application, &build.application);
    found.same("form of the contract", &agreed.format, &build.format);
    found.same("audience", &agreed.audience, &build.audience);
    found.same("who is responsible", &agreed.controller.legal_name, &build.controller.legal_name);
    found.same("their country", &agreed.controller.country, &build.controller.country);
    found.fewer("processors", &agreed.processors, &build.processors);
    found.fewer("countries it is kept in", &agreed.hosting_countries, &build.hosting_countries);
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    found.same("safeguard for transfers", &text(&agreed.transfer_safeguard), &text(&build.transfer_safeguard));
    found.fewer("passed on to", &agreed.onward_sharing, &build.onward_sharing);
    found.same("where it is sent", &agreed.endpoint, &build.endpoint);
    found.less(
        "days network addresses are kept",
        agreed.address_log_days.unwrap_or(0),
        build.address_log_days.unwrap_or(0),
    );
    let never = u32::MAX;
    let (before, after) = (agreed.erasure_within_days.unwrap_or(never), build.erasure_within_days.unwrap_or(never));
    found.less("days until records are erased on request", before, after);
    found.same("scope", &agreed.scope, &build.scope);
    found.same("revision of the purpose", &agreed.revision.to_string(), &build.revision.to_string());
    found.same("whom it is about", &agreed.about, &build.about);
    found.less("days the recipient keeps it", agreed.retention_days, build.retention_days);
    let (before, after) = (&agreed.local_retention_days, &build.local_retention_days);
    found.less("days reports wait here", before.waiting, after.waiting);
    // Counts of events that were not agreed to are held back, and wait for no time.
    let agreed_to = |event: &&Event| agreed.events.iter().any(|before| before.name == event.name);
    let days =
        |events: &mut dyn Iterator<Item = &Event>| events.filter_map(period).map(counts_days_of).max().unwrap_or(0);
    let is_of_new_events = days(&mut build.events.iter()) == after.counts
        && days(&mut build.events.iter().filter(agreed_to)) <= before.counts;
    if after.counts <= before.counts || !is_of_new_events {
        found.less("days counts wait here", before.counts, after.counts);
    }
    found.less("days a copy is kept here", before.sent_log, after.sent_log);
    found.less("days the random numbers of what was sent are kept here", before.names, after.names);
    found.same("how often it is sent", &agreed.schedule, &build.schedule);
    uses(&mut found, agreed, build);
    // Promises compare the other way round: an additional one is narrower, a missing one is wider.
    promises(&mut found, &agreed.also_never, &build.also_never);
    found.fewer("what each request names", &agreed.envelope, &build.envelope);
    if build.features_depend_on_it && !agreed.features_depend_on_it {
        found.note("features that depend on it", "none", "some", Effect::Stops);
    }
    let projection = events(&mut found, agreed, build);
    // An installation that reported one of many parts would report more with fewer of them. That can't be held back.
    let panels = |terms: &ContractSchema| terms.budget.as_ref().map_or(1, |budget| budget.panels);
    if agreed.budget.is_some() && build.budget.is_some() && panels(agreed) != panels(build) {
        let effect = if panels(build) > panels(agreed) { Effect::Narrower } else { Effect::Stops };
        found.note("parts of what stays the same, of which one is reported", panels(agreed), panels(build), effect);
    }
    // What is new in the events is held back by itself.
    let outcomes = |terms: &ContractSchema| terms.budget.as_ref().map_or(1, |budget| budget.outcomes);
    if outcomes(agreed) != outcomes(build) {
        let effect = if outcomes(build) < outcomes(agreed) { Effect::Narrower } else { Effect::HeldBack };
        found.note("different reports about what stays the same", outcomes(agreed), outcomes(build), effect);
    }
    let tied = newly_tied(agreed, build);
    if !tied.is_empty() {
        found.note("events whose codes can be matched", "", tied.join("; "), Effect::Stops);
    }
    Comparison { changes: found.0, projection }
}

fn uses(found: &mut Differences, agreed: &ContractSchema, build: &ContractSchema) {
    let words = |answer: Option<&Use>| match answer {
        Some(Use::No) => "no".to_owned(),
        Some(Use::Yes(why)) => format!("yes, {why}"),
        None => "not said".to_owned(),
    };
    let mut questions: Vec<&String> = agreed.uses.keys().chain(build.uses.keys()).collect();
    questions.sort();
    questions.dedup();
    for question in questions {
        let (before, after) = (agreed.uses.get(question), build.uses.get(question));
        if before != after {
            let effect = if after == Some(&Use::No) { Effect::Narrower } else { Effect::Stops };
            found.note(format!("use: {question}"), words(before), words(after), effect);
        }
    }
}

fn promises(found: &mut Differences, agreed: &[String], build: &[String]) {
    if !agreed.iter().all(|promise| build.contains(promise)) {
        found.note("promises", agreed.join(", "), build.join(", "), Effect::Stops);
    } else if !build.iter().all(|promise| agreed.contains(promise)) {
        found.note("promises", agreed.join(", "), build.join(", "), Effect::Narrower);
    }
}

fn events(found: &mut Differences, agreed: &ContractSchema, build: &ContractSchema) -> Projection {
    let mut projection = Projection::new();
    for event in &build.events {
        let Some(before) = agreed.events.iter().find(|before| before.name == event.name) else {
            found.note(format!("event {}", event.name), "", "new", Effect::HeldBack);
            continue;
        };
        if let Some(said) = self::event(found, before, event) {
            projection.insert(event.name.clone(), said);
        }
    }
    for before in &agreed.events {
        if !build.events.iter().any(|event| event.name == before.name) {
            found.note(format!("event {}", before.name), "agreed", "", Effect::Narrower);
        }
    }
    projection
}

/// What may be reported of an event. `None` if the whole event is held back.
fn event(found: &mut Differences, agreed: &Event, build: &Event) -> Option<Said> {
    let axis = |what: &str| format!("{what} of {}", build.name);
    if agreed.linkage != build.linkage {
        let rises = match (rank(&agreed.linkage), rank(&build.linkage)) {
            (Some(before), Some(after)) => after > before,
            _ => true,
        };
        let effect = if rises { Effect::Stops } else { Effect::Narrower };
        found.note(axis("linkage"), &agreed.linkage, &build.linkage, effect);
    }
    let mut said = true;
    // Reports of a longer period tell less. Those of a shorter one can't be made into them.
    if let (Some(before), Some(after)) = (period(agreed), period(build))
        && before != after
    {
        let longer = length(after) > length(before);
        said &= longer;
        let effect = if longer { Effect::Narrower } else { Effect::HeldBack };
        found.note(axis("period"), before, after, effect);
    }
    // An event without fields reports the first time.
    let values = |event: &Event| event.values.clone().unwrap_or_else(|| "first".into());
    if agreed.linkage == "once" && build.linkage == "once" && values(agreed) != values(build) {
        said = false;
        found.note(axis("which time is reported"), values(agreed), values(build), Effect::HeldBack);
    }
    let what = |event: &Event| match (&event.statistic, event.keyed) {
        (None, _) => String::new(),
        (Some(statistic), false) => statistic.clone(),
        (Some(statistic), true) => format!("{statistic} of each key"),
    };
    if what(agreed) != what(build) {
        said = false;
        found.note(axis("what is reported"), what(agreed), what(build), Effect::HeldBack);
    }
    // A count of one tells more of somebody than a larger one.
    if holds_back(agreed) != holds_back(build) {
        said &= holds_back(build);
        let words = |holds: bool| if holds { "held back" } else { "sent" };
        let effect = if holds_back(build) { Effect::Narrower } else { Effect::HeldBack };
        found.note(axis("a count of one"), words(holds_back(agreed)), words(holds_back(build)), effect);
    }
    if agreed.items != build.items {
        let words = |items: &Option<crate::consent::agreement::schema::Items>| match items {
            Some(items) if items.monthly > 1 => {
                format!("one in {} by {}, of these one in {} each month", items.one_in, items.domain, items.monthly)
            }
            Some(items) => format!("one in {} by {}", items.one_in, items.domain),
            None => "all".to_owned(),
        };
        let fewer = match (&agreed.items, &build.items) {
            (None, Some(_)) => true,
            (Some(before), Some(after)) => {
                before.domain == after.domain && after.one_in >= before.one_in && after.monthly >= before.monthly
            }
            _ => false,
        };
        said &= fewer;
        let effect = if fewer { Effect::Narrower } else { Effect::HeldBack };
        found.note(axis("items counted"), words(&agreed.items), words(&build.items), effect);
    }
    let until = agreed.until.as_ref().map(|day| last_day(day));
    if agreed.until != build.until {
        let never = |day: &Option<String>| day.clone().unwrap_or_default();
        let later = match (until, &build.until) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(before), Some(after)) => last_day(after) > before,
        };
        let effect = if later { Effect::HeldBack } else { Effect::Narrower };
        found.note(axis("last day"), never(&agreed.until), never(&build.until), effect);
    }
    let rules = build.fields.iter().map(|field| self::field(found, agreed, build, field)).collect();
    for before in &agreed.fields {
        if !build.fields.iter().any(|field| field.name == before.name) {
            found.note(format!("field {}.{}", build.name, before.name), "agreed", "", Effect::Narrower);
        }
    }
    said.then_some(Said { rules, until })
}

/// The last day that a contract states. A date that can't be read counts as long past.
fn last_day(text: &str) -> Day {
    Day::parse(text).unwrap_or(Day(0))
}

/// The pairs of the build's events whose codes can be matched, but could not be matched under the agreed contract. Codes can
/// be matched if they have the same name space and the same linkage.
fn newly_tied(agreed: &ContractSchema, build: &ContractSchema) -> Vec<String> {
    let find = |name: &str| agreed.events.iter().find(|event| event.name == name);
    let mut pairs = Vec::new();
    for (at, one) in build.events.iter().enumerate() {
        for other in build.events.iter().skip(at + 1) {
            let before = |domain: &str| {
                find(&one.name).zip(find(&other.name)).is_some_and(|(one, other)| ties(one, other, domain))
            };
            let domains = one.fields.iter().filter_map(|field| field.domain.as_deref());
            let new = domains.filter(|domain| ties(one, other, domain) && !before(domain));
            pairs.extend(new.map(|domain| format!("{} and {} by {domain}", one.name, other.name)));
        }
    }
    pairs
}

/// Whether codes of this name space can be matched between the two events.
fn ties(one: &Event, other: &Event, domain: &str) -> bool {
    let has = |event: &Event| event.fields.iter().any(|field| field.domain.as_deref() == Some(domain));
    one.linkage == other.linkage && has(one) && has(other)
}

/// The rank of a linkage, from the one that links the fewest records to the one that links the most. `None` if unknown.
fn rank(linkage: &str) -> Option<usize> {
    ["once", "rollup", "none", "session", "day", "week", "month"].iter().position(|known| *known == linkage)
}

/// The period of a roll-up or of a once-event.
pub(in crate::consent) fn period(event: &Event) -> Option<&str> {
    let has_one = matches!(event.linkage.as_str(), "rollup" | "once");
    has_one.then(|| event.period.as_deref().unwrap_or("day"))
}

fn holds_back(event: &Event) -> bool {
    event.linkage == "rollup" && event.holds_back.unwrap_or(true)
}

/// How long a period is. An unknown one is the longest: a known one is not longer.
fn length(period: &str) -> usize {
    ["day", "week", "month"].iter().position(|known| *known == period).unwrap_or(usize::MAX)
}

fn field(found: &mut Differences, agreed: &Event, event: &Event, build: &Field) -> Rule {
    let axis = format!("field {}.{}", event.name, build.name);
    let Some(before) = agreed.fields.iter().find(|before| before.name == build.name) else {
        found.note(axis, "", "new", Effect::HeldBack);
        return Rule::Leave;
    };
    if before.class != build.class || before.domain != build.domain {
        let words = |field: &Field| match &field.domain {
            Some(domain) => format!("{} in {domain}", field.class),
            None => field.class.clone(),
        };
        found.note(axis, words(before), words(build), Effect::HeldBack);
        return Rule::Leave;
    }
    if build.optional && !before.optional {
        // A field that may be left out has one more outcome, "not known", which was not agreed to.
        found.note(axis, "always there", "may be left out", Effect::HeldBack);
        return Rule::Leave;
    }
    let rule = hold(&before.precision, &build.precision);
    match rule {
        Rule::Keep if !same(&before.precision, &build.precision) => {
            found.note(axis, words(&before.precision), words(&build.precision), Effect::Narrower);
        }
        Rule::Keep => {}
        _ => found.note(axis, words(&before.precision), words(&build.precision), Effect::HeldBack),
    }
    rule
}

/// Whether two partitions are the same. The order of labels does not matter.
fn same(a: &Partition, b: &Partition) -> bool {
    match (a, b) {
        (Partition::Labels { labels: a }, Partition::Labels { labels: b }) => {
            a.iter().all(|label| b.contains(label)) && b.iter().all(|label| a.contains(label))
        }
        _ => a == b,
    }
}

fn words(precision: &Partition) -> String {
    match precision {
        Partition::Flag {} => "yes or no".into(),
        Partition::Labels { labels } => labels.join(", "),
        Partition::Cuts { unit, cuts } => {
            let cuts: Vec<String> = cuts.iter().map(ToString::to_string).collect();
            format!("steps of {unit}: {}", cuts.join(", "))
        }
        Partition::Code { bits } => format!("a code of {bits} bits"),
        Partition::Cohort { bits } => format!("one of 2^{bits} groups"),
        Partition::Releases { most } => format!("one of the last {most} releases"),
    }
}

/// The rule that keeps `build` to what `agreed` could report of the same value.
pub(in crate::consent) fn hold(agreed: &Partition, build: &Partition) -> Rule {
    match (agreed, build) {
        (Partition::Flag {}, Partition::Flag {}) => Rule::Keep,
        (Partition::Labels { labels: agreed }, Partition::Labels { labels: build }) => hold_labels(agreed, build),
        (Partition::Cuts { unit: u, cuts: agreed }, Partition::Cuts { unit: v, cuts: build }) if u == v => {
            hold_cuts(agreed, build)
        }
        (Partition::Code { bits: agreed }, Partition::Code { bits: build }) if build <= agreed => Rule::Keep,
        // Fewer bits make larger groups, and each is a union of agreed groups.
        (Partition::Cohort { bits: agreed }, Partition::Cohort { bits: build }) if build <= agreed => Rule::Keep,
        (Partition::Releases { most: agreed }, Partition::Releases { most: build }) if build <= agreed => Rule::Keep,
        _ => Rule::Leave,
    }
}

fn hold_labels(agreed: &[String], build: &[String]) -> Rule {
    let other = build.iter().position(|label| label == "other");
    let known = build.iter().all(|label| agreed.contains(label));
    if known && (other.is_some() || agreed.iter().all(|label| build.contains(label))) {
        return Rule::Keep;
    }
    // A label that was not agreed to was, or would have been, reported as `other`. It still is.
    let (true, Some(other)) = (agreed.iter().any(|label| label == "other"), other) else { return Rule::Leave };
    let outcome = |(at, label): (usize, &String)| if agreed.contains(label) { at } else { other };
    Rule::becoming(build.iter().enumerate().map(outcome))
}

fn hold_cuts(agreed: &[i64], build: &[i64]) -> Rule {
    let (Some(lowest), Some(first)) = (agreed.first(), build.first()) else { return Rule::Leave };
    // The lower bound of the lowest bucket is what is sent for it. Another bound would be another number.
    if lowest != first {
        return Rule::Leave;
    }
    if build.iter().all(|cut| agreed.contains(cut)) {
        return Rule::Keep;
    }
    if !agreed.iter().all(|cut| build.contains(cut)) {
        // Neither partition refines the other. Together they would reveal more than either one.
        return Rule::Leave;
    }
    let floor = |cut: &i64| {
        let agreed = agreed.iter().rev().find(|known| *known <= cut).unwrap_or(lowest);
        build.iter().position(|known| known == agreed).unwrap_or(0)
    };
    Rule::becoming(build.iter().map(floor))
}
