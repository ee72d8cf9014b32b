//! The contract of a scope: what a person agrees to.
//!
//! A contract is data in canonical JSON and has a digest. A grant stores both. The notice is the same contract in words for
//! people. Both are made from what is linked into the program, never from a text that is kept elsewhere. This module never
//! decides which of two contracts is wider.

use crate::consent::{
    agreement::party::Party,
    agreement::schema::ContractSchema,
    agreement::scope::Scope,
    agreement::terms::EventTerms,
    json::{canonical, digest},
};

/// The contract of one scope in this build.
#[derive(Debug, Clone)]
pub(crate) struct Contract {
    pub(crate) scope: Scope,
    /// Canonical JSON.
    pub(crate) json: String,
    /// blake3 of the JSON, in hex.
    pub(crate) digest: String,
    pub(crate) terms: ContractSchema,
    /// The source of its notices, together with `events`.
    pub(in crate::consent) party: Party,
    pub(in crate::consent) events: Vec<EventTerms>,
    /// Whether the program lets this scope report. Always true for its own scopes; for a library's, only if the program
    /// allows it.
    pub(crate) allowed: bool,
}

impl Contract {
    pub(crate) fn new(party: &Party, scope: Scope, events: &[EventTerms]) -> Self {
        let terms = ContractSchema::new(party, scope, events);
        let json = canonical(&serde_json::to_value(&terms).unwrap_or_default());
        let (party, events) = (party.clone(), events.to_vec());
        let allowed = !scope.is_of_library();
        Contract { scope, digest: digest(json.as_bytes()), json, terms, party, events, allowed }
    }
}

impl Contract {
    /// The legal name of the recipient.
    pub(crate) fn recipient(&self) -> &'static str {
        self.party.controller.legal_name
    }

    /// The URL that reports are sent to.
    pub(crate) fn endpoint(&self) -> &str {
        &self.party.endpoint
    }
}
