//! Scopes that a person granted and that this program does not declare: an earlier version declared them, or another program that
//! shares the records does. This program records and sends nothing for them. It lists them, and the person can withdraw them.

use crate::consent::{
    agreement::scope::is_name,
    records::entry::EVERY_SCOPE,
    records::reading::{Records, Sound},
    records::snapshot::Entry,
    state::consent::Consent,
};
use crate::{
    ambient::Day,
    error::{At, Error, Kind},
};

/// A grant for a scope that this program does not declare.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Undeclared {
    /// The scope's name.
    pub name: String,
    /// When the grant was given, in UTC (RFC 3339).
    pub since: String,
    /// The last UTC day of the grant.
    pub until: Option<String>,
    /// Where the person granted it; `None` if that was not recorded.
    pub via: Option<String>,
    /// What the person agreed to, as data.
    pub contract: Option<serde_json::Value>,
    /// How many erasure requests wait for a version of the program that declares the scope.
    pub erasures_waiting: usize,
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
        self.ledger.is_usable()?;
        let sound = match self.ledger.read()? {
            Records::Sound(sound) => sound,
            Records::Nothing => return Ok(Vec::new()),
            Records::Closed(why) => return Err(Kind::Store { path: self.ledger.store().into(), why }.into()),
            Records::Refused(path, why) => return Err(Kind::Store { path, why }.into()),
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
        self.undeclared_names(&sound).into_iter().filter_map(of).collect()
    }

    /// The undeclared scopes that may have data on disk, each with the generation of the grant in force, if there is one. They
    /// add to this program's [scopes](Consent::generations). A scope whose last decision is a grant that is not in force is left
    /// out, whatever the reason: its state is uncertain, and a program that declares it has to resolve that.
    pub(crate) fn undeclared_generations(&self, records: &Records) -> Vec<(String, Option<u64>)> {
        let Records::Sound(sound) = records else { return Vec::new() };
        let kept = |name: &str| match (sound.in_force(name), sound.entry(name)?.decision.opens()) {
            (None, true) => None,
            (in_force, _) => Some((name.to_owned(), in_force.map(|entry| entry.generation))),
        };
        self.undeclared_names(sound).into_iter().filter_map(kept).collect()
    }

    /// Undeclared scopes whose grant is past its last day and is not recorded as expired yet: a removed program records no
    /// expiry.
    pub(crate) fn expired_undeclared(&self, records: &Records) -> Vec<String> {
        let Records::Sound(sound) = records else { return Vec::new() };
        let over = |name: &&str| sound.in_force(name).is_some_and(|entry| self.is_over(entry));
        self.undeclared_names(sound).into_iter().filter(over).map(str::to_owned).collect()
    }

    /// Whether the last day that was agreed to is over. Rules that shorten a grant are applied by the program that declares the
    /// scope.
    pub(crate) fn is_over(&self, entry: &Entry) -> bool {
        let last = entry.until.as_deref().map(|until| Day::parse(until).unwrap_or(Day(0)));
        last.is_some_and(|last| self.ambient.now().day() > last)
    }
}
