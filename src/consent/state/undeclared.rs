//! Scopes that a person agreed to and that this program does not declare: an earlier version did, or another program that
//! shares the records does. Nothing of them is recorded or sent here; they are shown, and can be taken back.

use crate::consent::{
    agreement::scope::is_name,
    records::entry::EVERY_SCOPE,
    records::ledger::{Entry, Records, Sound},
    state::consent::Consent,
};
use crate::{
    ambient::Day,
    error::{At, Error, Kind},
};

/// A yes to a scope that this program does not declare.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Undeclared {
    /// The scope's name.
    pub name: String,
    /// When the yes was given, in UTC (RFC 3339).
    pub since: String,
    /// The last UTC day of the yes.
    pub until: Option<String>,
    /// Where the person said yes, or `None`: not recorded how.
    pub via: Option<String>,
    /// What was agreed, as data.
    pub contract: Option<serde_json::Value>,
    /// How many requests for erasure wait for a version of the program that declares the scope.
    pub erasures_waiting: usize,
}

impl Consent {
    /// The names that the records have and this program has not. Only such as can be part of a path.
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
                .at("read what is to be erased in", &erasure_requests.directory(name))
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

    /// Whose data may lie on disk besides that of this program's [scopes](Consent::generations). A yes that is not in force,
    /// whatever the reason, is a doubt, and for whoever declares it to settle.
    pub(crate) fn undeclared_generations(&self, records: &Records) -> Vec<(String, Option<u64>)> {
        let Records::Sound(sound) = records else { return Vec::new() };
        let kept = |name: &str| match (sound.in_force(name), sound.entry(name)?.decision.opens()) {
            (None, true) => None,
            (in_force, _) => Some((name.to_owned(), in_force.map(|entry| entry.generation))),
        };
        self.undeclared_names(sound).into_iter().filter_map(kept).collect()
    }

    /// Those whose yes is past its last day and has not been ended yet: a program that is gone ends none.
    pub(crate) fn expired_undeclared(&self, records: &Records) -> Vec<String> {
        let Records::Sound(sound) = records else { return Vec::new() };
        let over = |name: &&str| sound.in_force(name).is_some_and(|entry| self.is_over(entry));
        self.undeclared_names(sound).into_iter().filter(over).map(str::to_owned).collect()
    }

    /// Whether the last day that was agreed to is over. Rules that end it sooner are a matter of whoever declares the scope.
    pub(crate) fn is_over(&self, entry: &Entry) -> bool {
        let last = entry.until.as_deref().map(|until| Day::parse(until).unwrap_or(Day(0)));
        last.is_some_and(|last| self.ambient.now().day() > last)
    }
}
