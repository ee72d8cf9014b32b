//! The notice: a contract in words for people, whole, before they decide. Decides nothing, and leaves nothing out.

use super::{
    contract::{AddressLog, COUNTS_DAYS, Erasure, EventTerms, Party, WAITING_DAYS, digest, sent_log_days},
    scope::{Answer, Scope},
};
use std::fmt::Write as _;

/// The language of the notices made here.
const LANGUAGE: &str = "en";

/// A notice: the text that tells a person what a scope is about, made from what is linked into the program.
///
/// Its `Display` is the text. Show all of it, and hand it to [`Scope::shown`] when the person has said yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    scope: Scope,
    text: String,
    digest: String,
}

impl Notice {
    pub(super) fn new(party: &Party, scope: Scope, events: &[EventTerms]) -> Self {
        let text = text(party, scope, events);
        Notice { scope, digest: digest(text.as_bytes()), text }
    }

    /// The text to show.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The language of the text, as an IETF tag.
    #[must_use]
    pub fn language(&self) -> &'static str {
        LANGUAGE
    }

    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    pub(crate) fn scope(&self) -> Scope {
        self.scope
    }
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

fn text(party: &Party, scope: Scope, events: &[EventTerms]) -> String {
    let controller = &party.controller;
    let mut out = String::new();
    let list = |items: &[&str]| if items.is_empty() { "none".to_owned() } else { items.join(", ") };
    let _ = writeln!(out, "{}\n{}\n", scope.title(), "=".repeat(scope.title().chars().count()));
    let _ = writeln!(out, "Why: {}", scope.purpose());
    let _ = writeln!(out, "What you get: {}.", scope.benefit().trim_end_matches('.'));
    let _ = writeln!(out, "No feature of this program depends on your answer.\n");
    let _ = writeln!(out, "What this program would report");
    for event in events {
        let until = event.until.as_ref().map(|day| format!("; until {day}, and not after it")).unwrap_or_default();
        let _ = writeln!(out, "- {} ({}; {}{until})", event.doc, event.name, event.linkage_words);
        if let Some(item) = &event.item {
            let _ = writeln!(out, "    {}: {} -> {}", item.name, item.doc, item.words);
        }
        for field in &event.fields {
            let unknown = if field.optional { "; left out where it is not known" } else { "" };
            let because = field.because.as_ref().map(|because| format!("; {because}")).unwrap_or_default();
            let precision = field.precision.describe();
            let _ = writeln!(out, "    {}: {} -> {precision}{because}{unknown}", field.name, field.doc);
        }
    }
    if events.is_empty() {
        let _ = writeln!(out, "- nothing yet: this version of the program has no such report");
    }
    let version = match &party.service_version {
        Some(version) => format!(" {version}"),
        None => String::new(),
    };
    let _ = writeln!(
        out,
        "Each request also names the program ({}{version}) and candor's version, and gives each record a random number. \
         Times are cut to the day.\n",
        party.application
    );
    let _ =
        writeln!(out, "Who receives it: {}, {} ({})", controller.legal_name, controller.address, controller.country);
    let _ = writeln!(out, "  at {}", party.endpoint);
    let _ = writeln!(out, "  contact: {}", controller.contact);
    let _ = writeln!(out, "  data-protection officer: {}", controller.data_protection_officer.unwrap_or("none"));
    let _ = writeln!(out, "  authority for complaints: {}", controller.authority.unwrap_or("none named"));
    let _ = writeln!(out, "  processed on their behalf by: {}", list(controller.processors));
    let _ = writeln!(out, "  kept in: {}", list(controller.hosting_countries));
    let _ = writeln!(out, "  safeguard for transfers: {}", controller.transfer_safeguard.unwrap_or("none"));
    let _ = writeln!(out, "  passed on to: {}", list(controller.onward_sharing));
    let address = match controller.address_log {
        AddressLog::NotKept => "seen on arrival, as with any connection, and not kept".to_owned(),
        AddressLog::Days(days) => format!("seen on arrival, as with any connection, and kept for {days} days"),
    };
    let _ = writeln!(out, "  your network address: {address}\n");
    let _ = writeln!(out, "How long: the recipient keeps it for {} days.", scope.retention_days());
    let _ = writeln!(
        out,
        "On this computer: reports wait at most {WAITING_DAYS} days, a lone count for company at most \
         {COUNTS_DAYS} days; a copy of what was sent is kept for you for {} \
         days; your answer, with this text, is kept as your record.",
        sent_log_days(scope)
    );
    let _ = writeln!(
        out,
        "Sent: once a day at a moment of its own, or when the program asks for it.\n\nWhat it is not used for"
    );
    for (_, what, answer) in scope.uses().all() {
        match answer {
            Answer::No => {
                let _ = writeln!(out, "- {what}: no");
            }
            Answer::Yes(why) => {
                let _ = writeln!(out, "- {what}: YES, {why}");
            }
        }
    }
    for promise in scope.also_never() {
        let _ = writeln!(out, "- {promise}: never");
    }
    let _ = writeln!(
        out,
        "\nA yes is good for {} days. After that reporting stops, what waits is not sent, and you may be asked again.\n\
         You can say no, and you can take a yes back at any time, as easily as you gave it: reporting stops at once, \
         and what waits is destroyed. What was sent before stays with the recipient until its time is over.",
        party.validity_days
    );
    let _ = match controller.erasure {
        Erasure::WithinDays(days) => {
            writeln!(out, "On request the recipient deletes records within {days} days.")
        }
        Erasure::Unsupported => writeln!(out, "The recipient can't delete single records before that."),
    };
    out
}
