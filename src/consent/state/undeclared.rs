//! Scopes that a person granted and that this program does not declare: an earlier version declared them, or another program that
//! shares the records does. This program records and sends nothing for them. It lists them, and the person can withdraw them.
//! Also what may be on disk of all scopes, declared here or not. Destroys nothing.

use crate::consent::{
    agreement::contract::Contract,
    agreement::scope::{ScopeKey, is_name},
    records::entry::EVERY_SCOPE,
    records::failed::Failed,
    records::reading::{Records, Sound},
    records::snapshot::Entry,
    state::consent::Consent,
};
use crate::{
    ambient::{Day, Time},
    error::{At, Error, Kind},
};
use std::time::SystemTime;

/// A grant for a scope that this program does not declare.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Undeclared {
    /// The scope's name.
    pub name: String,
    /// When the grant was given, as RFC 3339 in UTC, to the second: `2026-11-22T00:45:55Z`. See
    /// [`granted_at`](Undeclared::granted_at).
    pub since: String,
    /// The last day of the grant: a UTC day as `YYYY-MM-DD`.
    pub until: Option<String>,
    /// Where the person granted it; `None` if that was not recorded.
    pub via: Option<String>,
    /// What the person agreed to, as data.
    pub contract: Option<serde_json::Value>,
    /// How many erasure requests wait for a version of the program that declares the scope.
    pub erasures_waiting: usize,
}

impl Undeclared {
    /// The time of [`since`](Undeclared::since). `None` only if the text was replaced by something else.
    #[must_use]
    pub fn granted_at(&self) -> Option<SystemTime> {
        Time::parse(&self.since)?.system()
    }
}

impl Consent {
    /// The scope names that the records contain and this program does not declare. Only names that can be part of a path.
    fn undeclared_names<'s>(&self, sound: &'s Sound) -> Vec<&'s str> {
        let names = sound.snapshot.scopes.keys().map(String::as_str).filter(|name| *name != EVERY_SCOPE);
        names.filter(|name| is_name(name) && !self.declares(name)).collect()
    }

    pub(crate) fn declares(&self, name: &str) -> bool {
        self.contracts.iter().any(|contract| contract.scope.name() == name)
    }

    pub(crate) fn undeclared(&self) -> Result<Vec<Undeclared>, Error> {
        self.undeclared_in(self.ledger.read().as_ref())
    }

    /// The same by records that the caller has read.
    pub(crate) fn undeclared_in(&self, records: Result<&Records, &Failed>) -> Result<Vec<Undeclared>, Error> {
        self.ledger.is_usable()?;
        let sound = match records.map_err(Failed::clone)? {
            Records::Sound(sound) => sound,
            Records::Nothing => return Ok(Vec::new()),
            Records::Closed(why) => return Err(Kind::Store { path: self.ledger.store().into(), why }.into()),
            Records::Refused(path, why) => return Err(Kind::Store { path: path.clone(), why }.into()),
        };
        let erasure_requests = self.erasure_requests();
        let of = |name: &str| {
            let entry = sound.in_force(name)?;
            let pending = match erasure_requests
                .pending(name)
                .at("read the erasure requests in", &erasure_requests.directory(name))
            {
                Ok(pending) => pending,
                Err(error) => return Some(Err(error)),
            };
            let contract = entry.contract.as_deref().and_then(|digest| self.ledger.text(digest).ok()?);
            Some(Ok(Undeclared {
                name: name.into(),
                since: entry.given().into(),
                until: entry.until.clone(),
                via: entry.via.clone(),
                contract: contract.and_then(|json| serde_json::from_str(&json).ok()),
                erasures_waiting: pending.len(),
            }))
        };
        self.undeclared_names(sound).into_iter().filter_map(of).collect()
    }

    /// The scope of this name, which this program does not declare.
    ///
    /// # Errors
    /// It is not a scope's name, or this program declares the scope.
    pub(crate) fn undeclared_key<'n>(&self, name: &'n str) -> Result<ScopeKey<'n>, Error> {
        if !is_name(name) {
            return Err(Kind::Name { what: "scope", name: name.into(), such_as: "playback" }.into());
        }
        if self.declares(name) {
            return Err(Kind::Declared { scope: name.into() }.into());
        }
        Ok(ScopeKey::undeclared(name))
    }

    /// The scopes that may have data on disk, each with the generation of its grant in force, or `None`. Empty if the records
    /// can't be relied on, because nothing is destroyed while its state is uncertain.
    ///
    /// This includes scopes that this program does not declare: a withdrawal of one may have been interrupted. Such a scope is
    /// left out if its last decision is a grant that is not in force, whatever the reason: its state is uncertain, and a program
    /// that declares it has to resolve that.
    pub(crate) fn generations<'r>(&self, records: &'r Records) -> Vec<(ScopeKey<'r>, Option<u64>)> {
        let Records::Sound(sound) = records else { return Vec::new() };
        // A grant past its last day keeps its generation, because the clock may be wrong. The scope closes immediately; its data
        // is destroyed when the expiry is recorded.
        let kept = |name: &str| sound.in_force(name).map(|entry| entry.generation);
        let declared = self.contracts.iter().map(|contract| (contract.scope.into(), kept(contract.scope.name())));
        let is_certain = |name: &&str| {
            sound.in_force(name).is_some() || sound.entry(name).is_some_and(|entry| !entry.decision.opens())
        };
        let others = self.undeclared_names(sound).into_iter().filter(is_certain);
        declared.chain(others.map(|name| (ScopeKey::undeclared(name), kept(name)))).collect()
    }

    /// Scopes whose grant is past its last day and is not recorded as expired yet. For a scope that this program does not declare,
    /// a removed program records no expiry.
    pub(crate) fn expired<'r>(&self, records: &'r Records) -> Vec<ScopeKey<'r>> {
        let Records::Sound(sound) = records else { return Vec::new() };
        let at = self.moment();
        let is_past = |contract: &&Contract| {
            sound.in_force(contract.scope.name()).is_some_and(|entry| !self.is_valid(contract, entry, &at))
        };
        let declared = self.contracts.iter().filter(is_past).map(|contract| contract.scope.into());
        let is_over = |name: &&str| sound.in_force(name).is_some_and(|entry| self.is_over(entry));
        let others = self.undeclared_names(sound).into_iter().filter(is_over);
        declared.chain(others.map(ScopeKey::undeclared)).collect()
    }

    /// Whether the last day that was agreed to is over. Rules that shorten a grant are applied by the program that declares the
    /// scope.
    pub(crate) fn is_over(&self, entry: &Entry) -> bool {
        let last = entry.until.as_deref().map(|until| Day::parse(until).unwrap_or(Day(0)));
        last.is_some_and(|last| self.ambient.now().day() > last)
    }
}
