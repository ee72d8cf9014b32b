//! Makes the status of a scope for a person to read, and says why scopes that were granted are closed. Never writes and never
//! opens a scope.

use crate::consent::{
    agreement::contract::Contract,
    agreement::scope::Scope,
    records::entry::Decision,
    records::failed::Failed,
    records::reading::Records,
    state::act::Unwritten,
    state::consent::Consent,
    state::evaluate::Known,
    state::status::{State, Status},
};
use crate::error::Error;
use std::collections::BTreeSet;

impl Consent {
    /// The status of a scope, for a person to read.
    pub(crate) fn status(&self, scope: Scope) -> Result<Status, Error> {
        self.status_in(scope, self.ledger.read().as_ref())
    }

    /// The same by records that the caller has read.
    pub(crate) fn status_in(&self, scope: Scope, records: Result<&Records, &Failed>) -> Result<Status, Error> {
        let contract = self.contract(scope)?;
        let looked = records.map_err(Failed::clone).and_then(|records| self.status_by(records, contract));
        // A look that failed says nothing about what was decided.
        let mut status = looked.unwrap_or_else(|failed| Status::unknown(failed.to_string()));
        if let Some(Unwritten { decision, at, why, .. }) = self.unwritten_act(scope) {
            status.state = self.state_said(status.state, scope);
            status.since = Some(at);
            let what = if decision == Decision::Denied { "the no" } else { "the withdrawal" };
            status.trouble = Some(format!("{what} is not in the records yet: {why}; candor tries again"));
        }
        if let Some(why) = self.ledger.files().barred() {
            status.trouble = Some(why);
        }
        if self.has_ended() {
            status.trouble.get_or_insert_with(|| "this program has stopped reporting".into());
        }
        if status.trouble.is_none()
            && let Err(error) = self.can_keep_little()
        {
            status.trouble = Some(format!("no answer can be stored at present: {error}"));
        }
        let constraints = self.constraints();
        Ok(Status {
            open: status.open && !self.gates.is_kept_closed(scope) && !self.has_ended(),
            ignored_rules: constraints.ignored.clone(),
            blocked_by: self.block_of(contract).map(|block| block.0),
            limited_by: constraints.policies.words(&contract.terms),
            refused_grants: self.refused.lock().get(scope.name()).copied().unwrap_or(0),
            ..status
        })
    }

    /// Why scopes that the person granted are closed, for a caller that found none open. `None` if there is no such scope.
    pub(crate) fn why_closed(&self) -> Option<String> {
        if !self.ledger.may_hold_decisions() {
            return None;
        }
        let records = match self.ledger.read() {
            Ok(Records::Closed(why) | Records::Refused(_, why)) => return Some(why.into()),
            Ok(records) => records,
            Err(failed) => return Some(failed.to_string()),
        };
        let whys = self.contracts.iter().filter_map(|contract| {
            let name = contract.scope.name();
            let status = match self.status_by(&records, contract) {
                Ok(status) => status,
                Err(failed) => return Some(format!("scope `{name}` is closed: {failed}")),
            };
            let state = self.state_said(status.state, contract.scope);
            let why = self.block_of(contract).map(|block| format!("reports are switched off by {}", block.0));
            let why = why.or(status.trouble).map_or(String::new(), |why| format!(": {why}"));
            match state {
                State::Granted => Some(format!("scope `{name}` is granted, but closed{why}")),
                State::Superseded | State::Expired => {
                    Some(format!("scope `{name}` was {}, and is closed{why}", state.past()))
                }
                State::Unreadable => Some(format!("scope `{name}` is closed{why}")),
                State::NeverAsked | State::Denied | State::Deferred | State::Withdrawn | State::Revoked => None,
            }
        });
        let whys: Vec<String> = whys.collect();
        (!whys.is_empty()).then(|| whys.join("; "))
    }

    fn status_by(&self, records: &Records, contract: &Contract) -> Result<Status, Failed> {
        let name = contract.scope.name();
        let (entry, in_force) = match records {
            Records::Sound(sound) => (sound.entry(name), sound.in_force(name)),
            _ => (None, None),
        };
        let at = &self.moment();
        let in_force = in_force.filter(|entry| self.is_valid(contract, entry, at));
        let Known { is_there, compared } = match in_force {
            Some(entry) => self.known(contract, entry)?,
            None => Known::default(),
        };
        let state = self.state_at(records, contract, at, |_| Ok(Known { is_there, compared: compared.clone() }))?;
        let is_blocked = self.block_of(contract).is_some();
        let of_both = in_force.zip(compared.as_deref());
        let limited_otherwise =
            !is_blocked && of_both.is_some_and(|(entry, compared)| self.is_limited_by(compared, entry));
        let unread = match in_force {
            Some(entry) if !is_there => self.ledger.unread_of(entry)?,
            _ => None,
        };
        let trouble = match records {
            Records::Closed(why) | Records::Refused(_, why) => Some((*why).to_owned()),
            Records::Sound(_) if in_force.is_some() && !is_there => {
                Some("the contract that was agreed to, or its notice, is missing or damaged".into())
            }
            Records::Sound(_) if state == State::Unreadable => {
                Some("the records of this scope were lost, or don't match their high-water mark".into())
            }
            Records::Sound(_) if in_force.is_some_and(|entry| self.is_before(entry, at)) => {
                Some("this computer's clock shows a time before the answer was given".into())
            }
            Records::Sound(sound) if in_force.is_some() && self.is_set_back(sound, name, at) => {
                Some("this computer's clock shows a day before one on which reports were already made".into())
            }
            Records::Sound(_) if in_force.is_some() => match self.life_trouble(name) {
                None if limited_otherwise => Some(
                    "administrators' rules have changed, and what was pending under the old ones is not destroyed yet"
                        .into(),
                ),
                trouble => trouble,
            },
            _ => None,
        };
        let open = match records {
            Records::Sound(sound) => of_both.is_some_and(|(entry, compared)| {
                !is_blocked && self.is_in_time(sound, contract, entry, at) && self.covers(compared, entry)
            }),
            _ => false,
        };
        let switched_off: BTreeSet<String> =
            in_force.map(|entry| entry.details.disabled_fields.iter().cloned().collect()).unwrap_or_default();
        Ok(Status {
            state,
            until: in_force.and_then(|entry| self.last_day(contract, entry)).map(|day| day.to_string()),
            open,
            changes: compared.map(|compared| compared.comparison.changes.clone()).unwrap_or_default(),
            since: entry.map(|entry| entry.given().to_owned()),
            blocked_by: None,
            limited_by: Vec::new(),
            ignored_rules: Vec::new(),
            switched_off: switched_off.into_iter().collect(),
            own_words: in_force.is_some_and(|entry| entry.details.own_words),
            refused_grants: 0,
            trouble: unread.map(|unread| unread.to_string()).or(trouble),
        })
    }
}
