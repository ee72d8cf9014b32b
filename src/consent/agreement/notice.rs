//! The notice: a contract in words for people, shown before they decide. It states the whole contract. It never decides
//! anything, and never leaves a part out.
//!
//! This module defines what the notice says, and in which order. candor's sentences are in `language`. The program's own
//! texts are in its scopes and events.

use crate::consent::{
    agreement::contract::Contract,
    agreement::controller::{AddressLog, CheckedController, Erasure},
    agreement::languages::Spoken,
    agreement::party::Party,
    agreement::scope::{Scope, UseAnswer},
    agreement::terms::{EventTerms, FieldTerms, SnapshotTerms, WAITING_DAYS, counts_days, sent_log_days},
    agreement::text_keys,
    json::digest,
};
use crate::{
    clean,
    error::Error,
    language::{Arg, Locale, Say, WIDTH, Wrapped, phrase},
    precision::{Precision, joined},
};
use std::collections::BTreeSet;

/// A notice: the text that explains a scope to a person, made from what is linked into the program.
///
/// Its `Display` is the text, in lines of 80 columns. Show all of it, and pass the notice to [`Scope::shown`] when the person
/// has agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub(in crate::consent) scope: Scope,
    language: String,
    text: String,
    digest: String,
}

impl Notice {
    pub(in crate::consent) fn new(party: &Party, scope: Scope, events: &[EventTerms], spoken: &Spoken) -> Self {
        // Clean the text once, so that the same text is shown, agreed to and stored.
        let text = clean::text(&Writer::new(party, scope, spoken).written(events));
        let language = spoken.locale.tag().to_string();
        Notice { scope, language, digest: digest(text.as_bytes()), text }
    }

    /// The text to show.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The language of the text, as a BCP 47 tag.
    #[must_use]
    pub fn language(&self) -> &str {
        &self.language
    }

    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Contract {
    /// The notice in the interface's language. Fails if there is none in it.
    pub(crate) fn notice(&self) -> Result<Notice, Error> {
        Ok(self.in_words(self.party.languages.of_interface()?))
    }

    /// The notice in a language that the person picked. Fails if there is none in it.
    pub(crate) fn notice_in(&self, language: &str) -> Result<Notice, Error> {
        Ok(self.in_words(self.party.languages.named(language)?))
    }

    /// The notice in the interface's language or, if there is none in it, in the language the program is written in.
    pub(crate) fn notice_or_own(&self) -> Notice {
        let languages = &self.party.languages;
        let spoken = languages.of_interface().ok().or_else(|| languages.own());
        let notice = spoken.map(|spoken| self.in_words(spoken));
        notice.unwrap_or_else(|| Notice {
            scope: self.scope,
            language: String::new(),
            text: String::new(),
            digest: digest(b""),
        })
    }

    /// The notice in every available language, sorted by tag.
    pub(crate) fn notices(&self) -> impl Iterator<Item = Notice> {
        self.party.languages.all().map(|spoken| self.in_words(spoken))
    }

    fn in_words(&self, spoken: &Spoken) -> Notice {
        Notice::new(&self.party, self.scope, &self.events, spoken)
    }
}

/// Writes one notice in one language.
struct Writer<'n> {
    party: &'n Party,
    scope: Scope,
    spoken: &'n Spoken,
    out: Wrapped,
}

impl<'n> Writer<'n> {
    fn new(party: &'n Party, scope: Scope, spoken: &'n Spoken) -> Self {
        Writer { party, scope, spoken, out: Wrapped::default() }
    }

    fn written(mut self, events: &[EventTerms]) -> String {
        self.purpose();
        self.gap();
        self.reports(events);
        self.gap();
        self.receiver();
        self.gap();
        self.here(events);
        self.gap();
        self.uses();
        self.gap();
        self.choices();
        self.out.into_text()
    }

    fn purpose(&mut self) {
        let title = self.of_scope("title", self.scope.title());
        self.out.add("", 0, &title);
        let columns = crate::language::columns(&title);
        self.out.line(&"=".repeat(columns.min(WIDTH)));
        self.gap();
        let purpose = self.of_scope("purpose", self.scope.purpose());
        self.paragraph(Say::Why, &[("purpose", (&purpose).into())]);
        let benefit = self.of_scope("benefit", self.scope.benefit());
        self.paragraph(Say::Benefit, &[("benefit", benefit.trim_end_matches('.').into())]);
        self.paragraph(Say::NoFeature, &[]);
    }

    fn reports(&mut self, events: &[EventTerms]) {
        self.heading(Say::Reports);
        let mut seen = BTreeSet::new();
        for event in events {
            let Some(part) = &event.snapshot else {
                self.event(event);
                continue;
            };
            // The fields of a snapshot are listed below it, in one place.
            if seen.insert(part.name) {
                self.snapshot(event, part);
                for event in events {
                    if let Some(of) = event.snapshot.as_ref().filter(|of| of.name == part.name) {
                        self.fields(event, Some(of));
                    }
                }
            }
        }
        if events.is_empty() {
            self.point(Say::NothingYet, &[]);
        }
        self.gap();
        if let Some((outcomes, panels)) = self.scope.stays() {
            self.paragraph(Say::Stays, &[("n", outcomes.into())]);
            if panels > 1 {
                self.paragraph(Say::StaysInParts, &[("panels", panels.into())]);
            }
            if let Some((_, reason)) = self.scope.budget() {
                let reason = self.of_scope("budget_reason", reason);
                self.paragraph(Say::StaysMore, &[("reason", reason.trim_end_matches('.').into())]);
            }
            self.gap();
        }
        let program = match &self.party.service_version {
            Some(version) => format!("{} {version}", self.party.application),
            None => self.party.application.clone(),
        };
        let envelope = self.say(Say::Envelope, &[("program", (&program).into())]);
        let cut = self.say(Say::CutToDay, &[]);
        self.out.add("", 0, &format!("{envelope} {cut}"));
    }

    fn event(&mut self, event: &EventTerms) {
        let doc = self.spoken.text(&[text_keys::of_event(event)], event.doc);
        self.point(Say::Event, &[("doc", (&doc).into()), ("name", event.name.into())]);
        let linkage = self.say(event.linkage_says, &[]);
        self.out.add("    ", 4, &linkage);
        if let Some(values) = event.values {
            let which = if values == "last" { Say::ValuesOfLast } else { Say::ValuesOfFirst };
            let which = self.say(which, &[]);
            self.out.add("    ", 4, &which);
        }
        if let Some(reason) = event.period_reason {
            let reason = self.spoken.text(&[text_keys::period_reason_of(event)], reason);
            let sooner = self.say(Say::RollupSooner, &[("reason", (&reason).into())]);
            self.out.add("    ", 4, &sooner);
        }
        if let Some(day) = &event.until {
            let until = self.say(Say::Until, &[("day", day.into())]);
            self.out.add("    ", 4, &until);
        }
        if let Some(item) = &event.item {
            self.field(event, item.name, item.doc);
            let reason = item.reason.map(|reason| self.spoken.text(&[text_keys::reason_of(event, item.name)], reason));
            let words = phrase::item(self.locale(), item.one_in, item.monthly, reason.as_deref());
            self.out.add("        ", 8, &words);
        }
        self.fields(event, None);
    }

    /// A snapshot, without its fields.
    fn snapshot(&mut self, event: &EventTerms, part: &SnapshotTerms) {
        let doc = self.spoken.text(&[text_keys::of_snapshot(part)], part.doc);
        self.point(Say::Event, &[("doc", (&doc).into()), ("name", part.name.into())]);
        let month = event.period == Some("month");
        let linkage = self.say(if month { Say::SnapshotOfMonth } else { Say::SnapshotOfWeek }, &[]);
        self.out.add("    ", 4, &linkage);
    }

    fn fields(&mut self, event: &EventTerms, part: Option<&SnapshotTerms>) {
        // The key of a map has no description of its own.
        let keyed = part.is_some_and(|part| part.keyed);
        for field in event.fields.iter().skip(usize::from(keyed)) {
            self.field(event, field.name, field.doc);
            if let Some(key) = event.fields.first().filter(|_| keyed) {
                let keys = self.becomes(event, key);
                let words = self.say(Say::ForEach, &[("keys", (&keys).into())]);
                self.out.add("        ", 8, &words);
            }
            match part.map(|part| part.statistic) {
                Some("min") => self.statistic(Say::Smallest),
                Some("mean") => self.statistic(Say::Mean),
                Some("max") => self.statistic(Say::Largest),
                _ => {}
            }
            let words = self.becomes(event, field);
            self.out.add("        ", 8, &words);
            if let Some(reason) = field.reason {
                let reason = self.spoken.text(&[text_keys::reason_of(event, field.name)], reason);
                let because = phrase::because(self.locale(), field.class, &reason);
                self.out.add("        ", 8, &because);
            }
            if field.optional {
                let words = self.say(Say::LeftOut, &[]);
                self.out.add("        ", 8, &words);
            }
        }
    }

    fn statistic(&mut self, say: Say) {
        let words = self.say(say, &[]);
        self.out.add("        ", 8, &words);
    }

    fn field(&mut self, event: &EventTerms, name: &str, doc: &str) {
        let doc = self.spoken.text(&[text_keys::of_field(event, name)], doc);
        let words = self.say(Say::Field, &[("name", name.into()), ("doc", (&doc).into())]);
        self.out.add("    ", 6, &words);
    }

    /// How coarse a field becomes, in words.
    fn becomes(&self, event: &EventTerms, field: &FieldTerms) -> String {
        let label = |label: &str| {
            let own = || self.spoken.optional(&text_keys::of_label(event, field.name, label));
            phrase::label(self.locale(), field.class, label).or_else(own)
        };
        if field.at_random && matches!(field.precision, Precision::Cuts { .. }) {
            return field.precision.describe_at_random_in(self.locale());
        }
        field.precision.describe_in(self.locale(), &label)
    }

    fn receiver(&mut self) {
        let CheckedController { legal_name, address, country, contact, .. } = self.party.controller;
        let controller = self.party.controller;
        let who = [("name", legal_name.into()), ("address", address.into()), ("country", country.into())];
        self.paragraph(Say::Receiver, &who);
        let endpoint = self.party.endpoint.clone();
        self.detail(Say::At, &[("endpoint", (&endpoint).into())]);
        self.detail(Say::Contact, &[("contact", contact.into())]);
        self.either(Say::Officer, "officer", controller.data_protection_officer, Say::NoOfficer);
        self.either(Say::Authority, "authority", controller.authority, Say::NoAuthority);
        self.list(Say::Processors, controller.processors, Say::NoProcessors);
        self.list(Say::Countries, controller.hosting_countries, Say::NoCountries);
        let safeguard = controller.transfer_safeguard;
        let safeguard = safeguard.map(|text| self.spoken.text(&[text_keys::SAFEGUARD.into()], text));
        self.either(Say::Safeguard, "safeguard", safeguard.as_deref(), Say::NoSafeguard);
        self.list(Say::PassedOn, controller.onward_sharing, Say::NotPassedOn);
        match controller.address_log {
            AddressLog::NotKept => self.detail(Say::AddressNotKept, &[]),
            AddressLog::Days(days) => self.detail(Say::AddressKept, &[("days", days.into())]),
        }
        self.gap();
        self.paragraph(Say::Retention, &[("days", self.scope.retention_days().into())]);
        self.paragraph(Say::Schedule, &[]);
    }

    fn here(&mut self, events: &[EventTerms]) {
        self.heading(Say::Here);
        self.point(Say::HereWaiting, &[("days", WAITING_DAYS.into())]);
        self.point(Say::HereCounts, &[("days", counts_days(events).into())]);
        if events.iter().any(|event| event.linkage == "once") {
            self.point(Say::HereTold, &[]);
        }
        self.point(Say::HereSent, &[("days", sent_log_days(self.scope).into())]);
        self.point(Say::HereNames, &[("days", self.scope.retention_days().into())]);
        self.point(Say::HereSecret, &[]);
        self.point(Say::HereDay, &[]);
        self.point(Say::HereAnswer, &[]);
    }

    fn uses(&mut self) {
        self.heading(Say::Uses);
        let named = [Say::UseTraining, Say::UseSale, Say::UseAdvertising, Say::UseProfiling, Say::UseWorkers];
        for ((key, _, answer), what) in self.scope.uses().all().into_iter().zip(named) {
            let what = self.say(what, &[]);
            match answer {
                UseAnswer::No => self.point(Say::UseNo, &[("what", (&what).into())]),
                UseAnswer::Yes(why) => {
                    let why = self.of_scope(&format!("uses.{key}"), why);
                    self.point(Say::UseYes, &[("what", (&what).into()), ("why", (&why).into())]);
                }
            }
        }
        for (at, promise) in (1..).zip(self.scope.also_never()) {
            let promise = self.of_scope(&format!("also_never.{at}"), promise);
            self.point(Say::Never, &[("promise", (&promise).into())]);
        }
    }

    fn choices(&mut self) {
        let days = self.party.validity_days;
        for (say, args) in [(Say::Validity, &[("days", Arg::from(days))][..]), (Say::Withdraw, &[])] {
            let words = self.say(say, args);
            self.out.add("", 0, &words);
        }
        let words = match self.party.controller.erasure {
            Erasure::WithinDays(days) => self.say(Say::Erase, &[("days", days.into())]),
            Erasure::Unsupported => self.say(Say::NoErase, &[]),
        };
        self.out.add("", 0, &words);
    }

    fn locale(&self) -> &'n Locale {
        &self.spoken.locale
    }

    fn say(&self, say: Say, args: &[(&str, Arg<'_>)]) -> String {
        self.locale().say(say, args)
    }

    fn of_scope(&self, what: &str, written: &str) -> String {
        self.spoken.text(&[text_keys::of_scope(self.scope, what)], written)
    }

    fn gap(&mut self) {
        self.out.line("");
    }

    fn heading(&mut self, say: Say) {
        let words = self.say(say, &[]);
        self.out.add("", 2, &words);
    }

    fn paragraph(&mut self, say: Say, args: &[(&str, Arg<'_>)]) {
        let words = self.say(say, args);
        self.out.add("", 2, &words);
    }

    fn point(&mut self, say: Say, args: &[(&str, Arg<'_>)]) {
        let words = self.say(say, args);
        self.out.add("- ", 2, &words);
    }

    fn detail(&mut self, say: Say, args: &[(&str, Arg<'_>)]) {
        let words = self.say(say, args);
        self.out.add("  ", 4, &words);
    }

    fn either(&mut self, some: Say, placeholder: &str, value: Option<&str>, none: Say) {
        match value {
            Some(value) => self.detail(some, &[(placeholder, value.into())]),
            None => self.detail(none, &[]),
        }
    }

    fn list(&mut self, some: Say, items: &[&str], none: Say) {
        let list = joined(self.locale(), Say::NextLabel, items.iter().map(|item| (*item).to_owned()));
        self.either(some, "list", (!items.is_empty()).then_some(list.as_str()), none);
    }
}
