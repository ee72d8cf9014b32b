//! Evaluates a grant: whether it is in force for this build now, by the records, the contract, the date, the environment and
//! administrators' rules. Reads and compares; never writes and never opens a scope.

use crate::consent::{
    agreement::compatibility::{Compared, Projection, compare},
    agreement::contract::Contract,
    agreement::schema::ContractSchema,
    agreement::scope::Scope,
    constraints::block::Block,
    constraints::limits::Limits,
    records::entry::Decision,
    records::failed::Failed,
    records::reading::{Records, Sound},
    records::snapshot::Entry,
    records::tombstone::Tombstone,
    state::consent::{Consent, Place},
    state::status::State,
};
use crate::{
    ambient::{Ambient, Day, Time},
    error::Error,
};
use std::{cell::OnceCell, sync::Arc};

/// By how many milliseconds a clock may go back before it is no longer trusted.
const CLOCK_MOST: u64 = 86_400_000;

/// What one look found about the contract that was agreed to.
#[derive(Clone, Default)]
pub(in crate::consent) struct Known {
    /// Whether its texts are present and unchanged.
    pub(in crate::consent) is_there: bool,
    pub(in crate::consent) compared: Option<Arc<Compared>>,
}

/// The time of one look. The clock is read once, at first use, and everything in the look is judged by that time. Otherwise a
/// clock that is wrong for a single reading could close a scope in one half of a look, and leave the other half no reason to look
/// again.
pub(crate) struct Moment<'a> {
    ambient: &'a Ambient,
    read: OnceCell<Time>,
}

impl Moment<'_> {
    pub(in crate::consent) fn now(&self) -> Time {
        *self.read.get_or_init(|| self.ambient.now())
    }
}

fn by_program(contract: &Contract) -> Option<Block> {
    (!contract.allowed).then(|| Block("this program, which does not allow its library to report".into()))
}

impl Consent {
    /// The time of a look that begins now.
    pub(crate) fn moment(&self) -> Moment<'_> {
        Moment { ambient: &self.ambient, read: OnceCell::new() }
    }

    /// Whether a scope is closed only because administrators' rules can't be read now.
    pub(in crate::consent) fn is_doubted(
        &self,
        sound: &Sound,
        contract: &Contract,
        at: &Moment<'_>,
    ) -> Result<bool, Failed> {
        let only_that = self.constraints().doubt.is_some() && self.lasting_block_of(contract).is_none();
        match sound.in_force(contract.scope.name()) {
            Some(entry) if only_that => self.is_effective(sound, contract, entry, at),
            _ => Ok(false),
        }
    }

    /// The epoch under which a scope is open, or 0.
    pub(in crate::consent) fn open_epoch(
        &self,
        sound: &Sound,
        contract: &Contract,
        at: &Moment<'_>,
    ) -> Result<u64, Failed> {
        match sound.in_force(contract.scope.name()) {
            Some(entry) if self.block_of(contract).is_none() && self.is_effective(sound, contract, entry, at)? => {
                Ok(entry.epoch)
            }
            _ => Ok(0),
        }
    }

    /// What is known to close the scope of a contract, whatever the person decided. Unlike `block_of`, it does not count rules
    /// that can't be read now.
    pub(in crate::consent) fn lasting_block_of(&self, contract: &Contract) -> Option<Block> {
        self.constraints().lasting_block_of(&contract.terms).or_else(|| by_program(contract))
    }

    /// What closes the scope of a contract, whatever the person decided: the environment, an administrator's rule, or the program
    /// itself if it does not allow a library to report.
    pub(crate) fn block_of(&self, contract: &Contract) -> Option<Block> {
        self.constraints().block_of(&contract.terms).or_else(|| by_program(contract))
    }

    /// Whether a grant that is in force is valid for this build, ignoring anything that blocks it at present.
    fn is_effective(&self, sound: &Sound, contract: &Contract, entry: &Entry, at: &Moment<'_>) -> Result<bool, Failed> {
        Ok(self.is_in_time(sound, contract, entry, at)
            && self.compared(contract, entry)?.is_some_and(|compared| self.covers(&compared, entry)))
    }

    pub(in crate::consent) fn is_in_time(
        &self,
        sound: &Sound,
        contract: &Contract,
        entry: &Entry,
        at: &Moment<'_>,
    ) -> bool {
        self.is_valid(contract, entry, at)
            && !self.is_before(entry, at)
            && !self.is_set_back(sound, contract.scope.name(), at)
    }

    /// Whether this build can work under what was agreed to. If administrators' rules have changed, the scope is closed until the
    /// pending data recorded under the old rules is destroyed.
    pub(in crate::consent) fn covers(&self, compared: &Compared, entry: &Entry) -> bool {
        !compared.comparison.stops() && !self.is_limited_by(compared, entry)
    }

    /// A digest of what administrators' rules say about what was agreed to. The inner `None` means that they say nothing about
    /// it; the outer `None` means that what was agreed to can't be read any more.
    ///
    /// It covers what was agreed to, not this build's contract. Everything that may be sent under the grant is included, so every
    /// build that sees the same rules gets the same digest, whichever of the events it links.
    pub(crate) fn limits_of(&self, contract: &Contract, entry: &Entry) -> Result<Option<Option<String>>, Failed> {
        Ok(self.compared(contract, entry)?.map(|compared| self.constraints().limits(&compared.agreed).digest()))
    }

    /// Whether a grant was recorded under administrators' rules that differ from the current ones.
    pub(in crate::consent) fn is_limited_otherwise(&self, contract: &Contract, entry: &Entry) -> Result<bool, Failed> {
        Ok(self.compared(contract, entry)?.is_some_and(|compared| self.is_limited_by(&compared, entry)))
    }

    /// The same, for a contract that has just been read.
    pub(in crate::consent) fn is_limited_by(&self, compared: &Compared, entry: &Entry) -> bool {
        self.constraints().limits(&compared.agreed).digest() != entry.details.limits
    }

    /// The limits that administrators' rules put on a scope.
    pub(crate) fn limits(&self, contract: &Contract) -> Limits {
        self.constraints().limits(&contract.terms)
    }

    /// What a scope is limited to, if that is less than the build would send.
    pub(in crate::consent) fn projection(
        &self,
        contract: &Contract,
        entry: &Entry,
    ) -> Result<Option<Projection>, Failed> {
        let Some(compared) = self.compared(contract, entry)? else { return Ok(None) };
        let comparison = &compared.comparison;
        let switched = Limits { fields: entry.details.disabled_fields.iter().cloned().collect(), ..Limits::default() };
        let limits = self.limits(contract).meet(switched);
        Ok((!comparison.is_no_wider() || limits.touches(&contract.terms))
            .then(|| limits.narrow(&contract.terms, comparison.projection.clone())))
    }

    /// The last day of a grant: its own, or an earlier one set by an administrator's rule. A date that can't be read counts as
    /// past.
    pub(in crate::consent) fn last_day(&self, contract: &Contract, entry: &Entry) -> Option<Day> {
        let own = entry.until.as_deref().map(|until| Day::parse(until).unwrap_or(Day(0)));
        let given = Time::parse(entry.given()).map_or(Day(0), Time::day);
        let ruled = self.limits(contract).validity_days.map(|days| given.plus(days));
        own.into_iter().chain(ruled).min()
    }

    /// Whether a grant is not past its last day.
    pub(crate) fn is_valid(&self, contract: &Contract, entry: &Entry, at: &Moment<'_>) -> bool {
        self.last_day(contract, entry).is_none_or(|last| at.now().day() <= last)
    }

    /// Whether the clock is more than a day before the decision, or the decision has no readable date. Then it is unknown how
    /// long the grant has been used, and it is not valid.
    pub(crate) fn is_before(&self, entry: &Entry, at: &Moment<'_>) -> bool {
        let now = at.now().0.saturating_add(CLOCK_MOST);
        [&entry.at, entry.given()].into_iter().any(|at| Time::parse(at).is_none_or(|at| now < at.0))
    }

    /// Whether the clock is more than one day before a day on which the grant was already used: a clock that was set back would
    /// extend the consent.
    pub(crate) fn is_set_back(&self, sound: &Sound, scope: &str, at: &Moment<'_>) -> bool {
        sound.latest(scope).is_some_and(|latest| at.now().day().next() < latest)
    }

    /// Whether the clock, which may be wrong at present, closes a grant that is in force.
    pub(in crate::consent) fn is_closed_by_clock(&self, sound: &Sound, contract: &Contract, at: &Moment<'_>) -> bool {
        sound.in_force(contract.scope.name()).is_some_and(|entry| {
            self.is_before(entry, at)
                || self.is_set_back(sound, contract.scope.name(), at)
                || !self.is_valid(contract, entry, at)
        })
    }

    /// Whether the clock is more than a day before any decision or any day on which a grant was used.
    pub(in crate::consent) fn is_clock_back(&self, sound: &Sound) -> bool {
        let at = &self.moment();
        let is_back = |scope: &str, entry| self.is_before(entry, at) || self.is_set_back(sound, scope, at);
        sound.snapshot.scopes.iter().any(|(scope, entry)| is_back(scope, entry))
    }

    /// The scopes that nothing blocks and whose grant was recorded under administrators' rules that differ from the current ones.
    pub(crate) fn limited_otherwise(&self, records: &Records) -> Result<Vec<Scope>, Failed> {
        let Records::Sound(sound) = records else { return Ok(Vec::new()) };
        let mut limited = Vec::new();
        for contract in self.contracts.iter().filter(|contract| self.block_of(contract).is_none()) {
            if let Some(entry) = sound.in_force(contract.scope.name())
                && self.is_limited_otherwise(contract, entry)?
            {
                limited.push(contract.scope);
            }
        }
        Ok(limited)
    }

    /// This build's contract compared with the one that was agreed to. `None` if that one can't be read any more: then the scope
    /// is closed.
    fn compared(&self, contract: &Contract, entry: &Entry) -> Result<Option<Arc<Compared>>, Failed> {
        Ok(self.known(contract, entry)?.compared)
    }

    pub(in crate::consent) fn known(&self, contract: &Contract, entry: &Entry) -> Result<Known, Failed> {
        let Some(agreed) = self.ledger.agreed(entry)? else { return Ok(Known::default()) };
        let is_there = |compared| Known { is_there: true, compared };
        let Some(digest) = entry.contract.clone() else { return Ok(is_there(None)) };
        let key = (contract.scope.name(), digest);
        if let Some(known) = self.compared.lock().get(&key) {
            return Ok(is_there(Some(known.clone())));
        }
        let Some(agreed) = ContractSchema::read(&agreed) else { return Ok(is_there(None)) };
        let compared = Arc::new(Compared { comparison: compare(&contract.terms, &agreed), agreed });
        self.compared.lock().insert(key, compared.clone());
        Ok(is_there(Some(compared)))
    }

    /// Where the data of a scope is stored if its grant is in force and valid for this build, whether something blocks it or not.
    pub(crate) fn granted_place(&self, scope: Scope) -> Result<Option<Place>, Failed> {
        self.granted_place_in(scope, &self.ledger.read()?)
    }

    /// The same by records that the caller has read.
    pub(crate) fn granted_place_in(&self, scope: Scope, records: &Records) -> Result<Option<Place>, Failed> {
        let Ok(contract) = self.contract(scope) else { return Ok(None) };
        let Records::Sound(sound) = records else { return Ok(None) };
        let Some(entry) = sound.in_force(scope.name()) else { return Ok(None) };
        let place = Place { scope, epoch: entry.epoch, generation: entry.generation };
        Ok(self.is_effective(sound, contract, entry, &self.moment())?.then_some(place))
    }

    /// The state of a scope, by the records on disk.
    ///
    /// # Errors
    /// The records can't be read now, so the state is unknown; or the program does not declare the scope.
    pub(crate) fn state_of(&self, scope: Scope) -> Result<State, Error> {
        let contract = self.contract(scope)?;
        Ok(self.state(&self.ledger.read()?, contract)?)
    }

    pub(crate) fn state(&self, records: &Records, contract: &Contract) -> Result<State, Failed> {
        self.state_at(records, contract, &self.moment(), |entry| self.known(contract, entry))
    }

    pub(in crate::consent) fn state_at(
        &self,
        records: &Records,
        contract: &Contract,
        at: &Moment<'_>,
        known: impl FnOnce(&Entry) -> Result<Known, Failed>,
    ) -> Result<State, Failed> {
        let name = contract.scope.name();
        let sound = match records {
            Records::Nothing => return Ok(State::NeverAsked),
            Records::Closed(_) | Records::Refused(..) => return Ok(State::Unreadable),
            Records::Sound(sound) => sound,
        };
        let decision = sound.entry(name).map(|entry| entry.decision);
        if let Some(said) = sound.revoked.get(name) {
            // A decision that could not be written, and is only held by a tombstone, applies too.
            match decision {
                Some(decision) if decision.opens() => {
                    return Ok(match said.as_ref().map(|said| said.decision) {
                        Some(Decision::Revoked) => State::Revoked,
                        Some(Decision::Narrowed) => State::Unreadable,
                        _ => State::Withdrawn,
                    });
                }
                _ if Tombstone::is_persons(said) => return Ok(State::Denied),
                // If there is no grant, there was nothing that the program or a rule could end.
                _ => {}
            }
        }
        Ok(match decision {
            _ if sound.is_outdated(name) => State::Unreadable,
            None => State::NeverAsked,
            Some(decision) if decision.opens() => match sound.in_force(name) {
                None => State::Unreadable,
                Some(entry) if !self.is_valid(contract, entry, at) => State::Expired,
                Some(entry) => match known(entry)? {
                    Known { is_there: false, .. } => State::Unreadable,
                    Known { compared: Some(compared), .. } if compared.comparison.is_no_wider() => State::Granted,
                    Known { .. } => State::Superseded,
                },
            },
            Some(Decision::Denied) => State::Denied,
            Some(Decision::Deferred) => State::Deferred,
            Some(Decision::Withdrawn) => State::Withdrawn,
            Some(Decision::Revoked) => State::Revoked,
            Some(Decision::Expired) => State::Expired,
            Some(_) => State::Unreadable,
        })
    }

    /// What closes a scope, whatever the person decided.
    pub(crate) fn blocked(&self, scope: Scope) -> Option<String> {
        Some(self.block_of(self.contract(scope).ok()?)?.0)
    }

    /// Whether a scope is closed, whatever the person decided, by something that is known to apply: not by a rule that can't be
    /// read now.
    pub(crate) fn is_ruled_out(&self, scope: Scope) -> bool {
        self.contract(scope).is_ok_and(|contract| self.lasting_block_of(contract).is_some())
    }
}
