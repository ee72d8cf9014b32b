//! Who said yes, to what, when. Decides and persists; sends nothing, and never sees an event's values.
//!
//! The whole answer to "may this be kept?" and "may this leave?" is in this folder, so that it can be audited alone:
//! `scope` is the thing with a switch, `contract` what is agreed to, `ledger` the files, `overlay` what can only narrow,
//! `permit` the proofs. Doubt means no, everywhere.
//!
//! The functions here speak for the process-wide client; [`Client`](crate::Client) has the same ones.

mod closing;
mod contract;
mod facade;
mod ledger;
mod line;
mod mend;
mod notice;
mod order;
#[cfg(test)]
mod order_tests;
mod overlay;
mod permit;
mod receipt;
mod scope;
mod state;
mod terms;

pub(crate) use closing::Closing;
pub use contract::{AddressLog, Audience, Controller, Erasure};
pub(crate) use facade::{Decisions, process_wide};
pub use facade::{delete_sent, deny, grant, notice, receipt, status, withdraw};
pub use notice::Notice;
pub use order::{Change, Effect};
pub use receipt::{Destroyed, Receipt};
pub use scope::{About, Answer, LinkedScope, Scope, ScopeStatic, ScopeWords, Uses};

pub use state::{Grant, State, Status};

pub(crate) use contract::{
    COUNTS_DAYS, Contract, EventTerms, FieldTerms, ItemTerms, Party, WAITING_DAYS, sent_log_days,
};
pub(crate) use ledger::Ledger;
pub(crate) use line::{Decision, Line};
pub(crate) use order::Projection;
pub(crate) use overlay::{Block, VARIABLES, block};
pub(crate) use permit::{Admission, Gates, Permit, Watch};
pub(crate) use scope::{MAX_SCOPES, linked as linked_scopes};

use crate::{
    ambient::{Ambient, Day, Time},
    error::{At, Error, Kind},
    sync::{self, Mutex},
};
use ledger::{Fingerprint, Held, Records, Sound, Statement};
use order::Comparison;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use terms::Terms;

/// Where the data of a scope that is open goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) scope: Scope,
    pub(crate) epoch: u64,
    pub(crate) generation: u64,
}

/// An open scope: where its data goes, and what it is held to where the build would say more than was agreed.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) place: Place,
    pub(crate) held: Option<Arc<Projection>>,
}

/// What must be ready before gates open: called with the scopes that will be open.
pub(crate) type Prepare = Box<dyn Fn(&[Place]) + Send + Sync>;

/// The decisions of one client.
pub(crate) struct Consent {
    ledger: Ledger,
    contracts: Vec<Contract>,
    gates: Arc<Gates>,
    block: Option<Block>,
    ambient: Ambient,
    /// For how many days a yes is good.
    validity: u32,
    prepare: Prepare,
    view: Mutex<View>,
    /// What this build's contracts are beside those that were agreed to, by the digest of the latter.
    compared: Mutex<BTreeMap<(&'static str, String), Arc<Comparison>>>,
}

/// What was last read, and what must not be opened whatever is read next.
struct View {
    seen: Fingerprint,
    /// The day for which it was read, where anything was open: a yes ends with its last one.
    day: Option<Day>,
    /// Something changed that whoever clears up has not been told yet.
    changed: bool,
    open: Vec<Place>,
    /// What those scopes are held to whose build would say more than was agreed.
    held: Vec<(Scope, Arc<Projection>)>,
    closing: Vec<Scope>,
}

impl Consent {
    pub(crate) fn new(
        ledger: Ledger,
        contracts: Vec<Contract>,
        block: Option<Block>,
        process_wide: bool,
        ambient: Ambient,
        validity: u32,
        prepare: Prepare,
    ) -> Self {
        let gates = Arc::new(Gates::new(process_wide));
        let view = Mutex::new(View {
            seen: Fingerprint::default(),
            day: None,
            changed: false,
            open: Vec::new(),
            held: Vec::new(),
            closing: Vec::new(),
        });
        Consent { ledger, contracts, gates, block, ambient, validity, prepare, view, compared: Mutex::default() }
    }

    /// Looks for a snapshot and opens the gates it names. Where there is none, the look is all that happens.
    pub(crate) fn open(&self) {
        // A decision that was interrupted is finished before any gate opens.
        if !matches!(self.ledger.snapshot_bytes(), Ok(None))
            && self.ledger.needs_healing()
            && let Ok(Some(held)) = self.ledger.lock(|| self.ambient.monotonic())
        {
            let _ = self.ledger.heal(&held, self.ambient.now());
        }
        self.refresh();
    }

    pub(crate) fn gates(&self) -> &Gates {
        &self.gates
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn block(&self) -> Option<&Block> {
        self.block.as_ref()
    }

    pub(crate) fn contract(&self, scope: Scope) -> Result<&Contract, Error> {
        self.contracts
            .iter()
            .find(|contract| contract.scope == scope)
            .ok_or_else(|| Kind::UnknownScope { scope: scope.name().into() }.into())
    }

    /// Reads the snapshot again and sets the gates if it changed. Answers whether any gate moved.
    pub(crate) fn refresh(&self) -> bool {
        let mut view = self.view.lock();
        let seen = self.ledger.fingerprint();
        // Where nothing is open no clock is read.
        let day = (!view.open.is_empty()).then(|| self.ambient.now().day());
        if seen == view.seen && day == view.day && !self.gates.is_closed() {
            return std::mem::take(&mut view.changed);
        }
        let records = self.ledger.read();
        let (mut open, mut held) = (Vec::new(), Vec::new());
        for contract in &self.contracts {
            let scope = contract.scope;
            if let Records::Sound(sound) = &records
                && self.block.is_none()
                && !self.gates.is_closed()
                && !view.closing.contains(&scope)
                && self.open_epoch(sound, contract) != 0
                && let Some(entry) = sound.in_force(scope.name())
            {
                open.push(Place { scope, epoch: entry.epoch, generation: entry.generation });
                if let Some(comparison) = self.compared(contract, entry)
                    && !comparison.is_no_wider()
                {
                    held.push((scope, Arc::new(comparison.projection.clone())));
                }
            }
        }
        let moved = open != view.open;
        let epoch = |scope| open.iter().find(|place: &&Place| place.scope == scope).map_or(0, |place| place.epoch);
        // First whatever closes or changes is closed, then what the rest needs is made ready, then it opens.
        for contract in &self.contracts {
            if self.gates.epoch(contract.scope) != epoch(contract.scope) {
                self.gates.set(contract.scope, 0);
            }
        }
        if moved {
            (self.prepare)(&open);
        }
        for contract in &self.contracts {
            self.gates.set(contract.scope, epoch(contract.scope));
        }
        view.held = held;
        view.day = (!open.is_empty()).then(|| self.ambient.now().day());
        view.open = open;
        view.seen = seen;
        std::mem::take(&mut view.changed) || moved
    }

    /// The same, for a decision of this client; what it changed is told to whoever asks next.
    fn look_again(&self) {
        if self.refresh() {
            self.view.lock().changed = true;
        }
    }

    /// Makes ready anew what the open scopes need, on a new day. Under the same lock as opening, so that a scope that opens
    /// meanwhile is not forgotten.
    pub(crate) fn prepare_again(&self) {
        let view = self.view.lock();
        (self.prepare)(&view.open);
    }

    /// The scopes that are open, as last read, and where their data goes.
    pub(crate) fn open_places(&self) -> Vec<Place> {
        self.standings().into_iter().map(|standing| standing.place).collect()
    }

    /// The scopes that are open, with what each is held to.
    pub(crate) fn standings(&self) -> Vec<Standing> {
        let (open, held) = {
            let view = self.view.lock();
            (view.open.clone(), view.held.clone())
        };
        let held = |scope| held.iter().find(|(of, _)| *of == scope).map(|(_, projection)| projection.clone());
        let open = open.into_iter().filter(|place| self.gates.epoch(place.scope) == place.epoch);
        open.map(|place| Standing { place, held: held(place.scope) }).collect()
    }

    /// What a scope is held to, where the build would say more than was agreed.
    pub(crate) fn held(&self, scope: Scope) -> Option<Arc<Projection>> {
        self.view.lock().held.iter().find(|(of, _)| *of == scope).map(|(_, projection)| projection.clone())
    }

    fn open_epoch(&self, sound: &Sound, contract: &Contract) -> u64 {
        sound
            .in_force(contract.scope.name())
            .filter(|entry| self.is_valid(entry))
            .filter(|entry| self.compared(contract, entry).is_some_and(|comparison| !comparison.stops()))
            .map_or(0, |entry| entry.epoch)
    }

    /// Whether a yes is not past its last day. A date that can't be read is past.
    fn is_valid(&self, entry: &ledger::Entry) -> bool {
        entry
            .until
            .as_deref()
            .is_none_or(|until| Day::parse(until).is_some_and(|until| self.ambient.now().day() <= until))
    }

    /// The scopes whose yes is past its last day and has not been ended yet.
    pub(crate) fn expired(&self) -> Vec<Scope> {
        let Records::Sound(sound) = self.ledger.read() else { return Vec::new() };
        let past = |scope: &Scope| sound.in_force(scope.name()).is_some_and(|entry| !self.is_valid(entry));
        self.contracts.iter().map(|contract| contract.scope).filter(past).collect()
    }

    /// This build's contract beside the one that was agreed to; `None` where that can't be read any more, which is a no.
    fn compared(&self, contract: &Contract, entry: &ledger::Entry) -> Option<Arc<Comparison>> {
        let digest = entry.contract.clone()?;
        let key = (contract.scope.name(), digest);
        if let Some(known) = self.compared.lock().get(&key) {
            return Some(known.clone());
        }
        let agreed = if key.1 == contract.digest { contract.json.clone() } else { self.ledger.text(&key.1)? };
        let comparison = Arc::new(order::compare(&contract.terms, &Terms::read(&agreed)?));
        self.compared.lock().insert(key, comparison.clone());
        Some(comparison)
    }

    /// Whether a snapshot was found, so that there is anything to clear up.
    pub(crate) fn is_known(&self) -> bool {
        self.view.lock().seen.snapshot.is_some()
    }

    /// Where the data of a scope goes whose grant is in force, whether something blocks it or not.
    pub(crate) fn granted_place(&self, scope: Scope) -> Option<Place> {
        let contract = self.contract(scope).ok()?;
        match self.ledger.read() {
            Records::Sound(sound) if self.open_epoch(&sound, contract) != 0 => {
                let entry = sound.in_force(scope.name())?;
                Some(Place { scope, epoch: entry.epoch, generation: entry.generation })
            }
            _ => None,
        }
    }

    /// Whose data may lie on disk: each scope with the generation that is its grant's, or none. Empty where the records
    /// can't be read, since nothing is destroyed on a doubt.
    pub(crate) fn generations(&self) -> Vec<(Scope, Option<u64>)> {
        let Records::Sound(sound) = self.ledger.read() else { return Vec::new() };
        // What is past its last day by a clock that may be wrong closes at once, and is destroyed when that is recorded.
        let kept = |scope: Scope| sound.in_force(scope.name()).map(|entry| entry.generation);
        self.contracts.iter().map(|contract| (contract.scope, kept(contract.scope))).collect()
    }

    /// May this batch leave, now?
    pub(crate) fn permit(&self, scope: Scope, generation: u64, epoch: u64) -> Option<Permit> {
        let place = Place { scope, epoch, generation };
        if self.block.is_some() || self.granted_place(scope) != Some(place) {
            return None;
        }
        let (ledger, gates) = (self.ledger.clone(), self.gates.clone());
        Permit::issue(Watch { ledger, gates, scope, generation, epoch, life: None })
    }

    /// Closes this process's gate of a scope, before anything that can fail.
    pub(crate) fn shut(&self, scope: Scope) {
        let mut view = self.view.lock();
        self.gates.set(scope, 0);
        view.closing.push(scope);
        view.open.retain(|place| place.scope != scope);
        view.changed = true;
    }

    /// Waits until no permit of the scope is left in any process, `limit` at most, and says whether that is so.
    ///
    /// A life lock that is missing although the scope was granted once was removed by someone, and proves nothing.
    pub(crate) fn confirm(&self, scope: Scope, limit: Duration) -> bool {
        let path = self.ledger.life_path(scope.name());
        match self.ledger.files().stat(&path) {
            Ok(Some(_)) => {}
            Ok(None) => {
                let was_granted = |line: &Line| line.scope == scope.name() && line.decision == Decision::Granted;
                return !self.ledger.history().0.iter().any(was_granted);
            }
            Err(_) => return false,
        }
        let Ok(life) = self.ledger.files().lock_file(&path) else { return false };
        let until = self.ambient.monotonic() + limit;
        loop {
            match life.try_lock(false) {
                Ok(true) => return true,
                Ok(false) if self.ambient.monotonic() < until => sync::sleep(Duration::from_micros(500)),
                _ => return false,
            }
        }
    }

    /// Runs `act` over the [generations](Consent::generations) under the lock of decisions, so that none of them begins
    /// meanwhile. Not at all where the lock can't be had.
    pub(crate) fn while_undecided(&self, act: impl FnOnce(Vec<(Scope, Option<u64>)>)) {
        if let Ok(Some(_held)) = self.ledger.lock(|| self.ambient.monotonic()) {
            act(self.generations());
        }
    }

    /// Nothing may leave through this client any more.
    pub(crate) fn stop(&self) {
        self.gates.stop();
    }

    /// Closes every gate of this client, for good.
    pub(crate) fn close(&self) {
        let mut view = self.view.lock();
        self.gates.close();
        view.closing = self.contracts.iter().map(|contract| contract.scope).collect();
        for contract in &self.contracts {
            self.gates.set(contract.scope, 0);
        }
    }

    pub(crate) fn status(&self, scope: Scope) -> Result<Status, Error> {
        let contract = self.contract(scope)?;
        let records = self.ledger.read();
        let entry = match &records {
            Records::Sound(sound) => sound.entry(scope.name()).cloned(),
            _ => None,
        };
        let state = self.state(&records, contract);
        let in_force = match &records {
            Records::Sound(sound) => sound.in_force(scope.name()).filter(|entry| self.is_valid(entry)),
            _ => None,
        };
        let until = in_force.and_then(|entry| entry.until.clone());
        let comparison = in_force.and_then(|entry| self.compared(contract, entry));
        Ok(Status {
            state,
            until,
            open: self.block.is_none() && comparison.as_ref().is_some_and(|comparison| !comparison.stops()),
            changes: comparison.map(|comparison| comparison.changes.clone()).unwrap_or_default(),
            since: entry.map(|entry| entry.at),
            blocked_by: self.block.as_ref().map(|block| block.0.clone()),
            trouble: match &records {
                Records::Closed(why) => Some(*why),
                Records::Sound(_) if state == State::Unreadable => {
                    Some("the records of this scope were lost, or don't fit their high-water mark")
                }
                _ => None,
            },
        })
    }

    fn state(&self, records: &Records, contract: &Contract) -> State {
        let name = contract.scope.name();
        match records {
            Records::Nothing => State::NeverAsked,
            Records::Closed(_) => State::Unreadable,
            Records::Sound(sound) => match sound.entry(name).map(|entry| entry.decision) {
                None => State::NeverAsked,
                Some(Decision::Granted | Decision::Narrowed) if sound.is_revoked(name) => State::Withdrawn,
                Some(Decision::Denied) => State::Denied,
                Some(Decision::Withdrawn) => State::Withdrawn,
                Some(Decision::Expired) => State::Expired,
                Some(Decision::Void | Decision::Lost) => State::Unreadable,
                Some(Decision::Granted | Decision::Narrowed) => match sound.in_force(name) {
                    None => State::Unreadable,
                    Some(entry) if !self.is_valid(entry) => State::Expired,
                    Some(entry) => match self.compared(contract, entry) {
                        Some(comparison) if comparison.is_no_wider() => State::Granted,
                        _ => State::Superseded,
                    },
                },
            },
        }
    }

    /// Records a yes. `before_opening` makes what the scope needs before its first event; if it fails, nothing opens.
    pub(crate) fn grant(
        &self,
        grant: &Grant,
        before_opening: impl FnOnce(u64) -> Result<(), Error>,
    ) -> Result<Receipt, Error> {
        let scope = grant.scope;
        let contract = self.contract(scope)?;
        if let Some(block) = &self.block {
            return Err(Kind::Blocked { by: block.0.clone() }.into());
        }
        if let Some(shown) = &grant.shown
            && (shown.scope() != scope || shown.digest() != contract.notice.digest())
        {
            return Err(Kind::StaleNotice { scope: scope.name().into() }.into());
        }
        self.ledger.make_directories()?;
        let held = self.ledger.lock_or_fail(|| self.ambient.monotonic())?;
        let now = self.ambient.now();
        let records = self.ledger.heal(&held, now)?;
        let state = self.state(&records, contract);
        let agreed = match &records {
            Records::Sound(sound) => sound.in_force(scope.name()).and_then(|entry| entry.contract.clone()),
            _ => None,
        };
        // A yes to a notice that asks for less is a yes to less, and is recorded as one.
        let anew = grant.shown.is_some() && agreed.as_ref() != Some(&contract.digest);
        match state {
            State::Granted if !anew => {
                drop(held);
                self.view.lock().closing.retain(|&closing| closing != scope);
                self.look_again();
                return self.receipt(scope, None);
            }
            State::NeverAsked | State::Expired => {}
            _ if grant.shown.is_some() => {}
            _ => {
                return Err(Kind::NeedsNotice {
                    scope: scope.name().into(),
                    scope_const: scope.constant().into(),
                    state: state.past(),
                }
                .into());
            }
        }
        let sound = match records {
            Records::Nothing => None,
            Records::Sound(sound) => Some(sound),
            Records::Closed(_) => Some(self.reset(&held, now)?),
        };
        self.ledger.keep_text(&contract.digest, &contract.json)?;
        self.ledger.keep_text(contract.notice.digest(), contract.notice.text())?;
        let statement = Statement {
            scope: scope.name(),
            decision: Decision::Granted,
            contract: Some(contract.digest.clone()),
            notice: Some(contract.notice.digest().into()),
            language: Some(contract.notice.language().into()),
            via: match (&grant.via, &grant.shown) {
                (Some(via), _) => Some(via.clone()),
                (None, Some(_)) => Some("a notice of this program".into()),
                (None, None) => None,
            },
            until: Some(now.day().plus(self.validity).to_string()),
        };
        let life = self.ledger.life_path(scope.name());
        self.ledger.files().lock_file(&life).at("make", &life)?;
        let line = self.ledger.grant(&held, sound.as_deref(), statement, now, before_opening)?;
        self.view.lock().closing.retain(|&closing| closing != scope);
        drop(held);
        self.look_again();
        self.receipt(scope, Some(&line))
    }

    fn reset(&self, held: &Held, now: Time) -> Result<Box<Sound>, Error> {
        let names: Vec<&str> = self.contracts.iter().map(|contract| contract.scope.name()).collect();
        self.ledger.reset(held, &names, now)
    }

    /// Records a no from a person who has not said yes. Whoever withdraws uses [`Consent::close_scope`].
    ///
    /// On an error this process is closed for the scope all the same, and if there was anything to close on disk, a
    /// tombstone closes it.
    pub(crate) fn deny(&self, scope: Scope) -> Result<Receipt, Error> {
        self.contract(scope)?;
        self.shut(scope);
        let denied = self.write_denial(scope);
        if denied.is_err() && self.is_known() {
            let _ = self.ledger.revoke(scope.name());
        }
        denied
    }

    fn write_denial(&self, scope: Scope) -> Result<Receipt, Error> {
        self.ledger.make_directories()?;
        let held = self.ledger.lock_or_fail(|| self.ambient.monotonic())?;
        let now = self.ambient.now();
        let sound = match self.ledger.heal(&held, now)? {
            Records::Nothing => None,
            Records::Sound(sound) => Some(sound),
            Records::Closed(_) => Some(self.reset(&held, now)?),
        };
        let narrowing = self.ledger.narrow(&held, sound.as_deref(), plain(scope, Decision::Denied), now)?;
        // In force whether its line could be appended or not; the next open appends it.
        let finished = self.ledger.finish(&held, &narrowing);
        self.view.lock().closing.retain(|&closing| closing != scope);
        drop(held);
        self.look_again();
        let mut receipt = self.receipt(scope, Some(&narrowing.line))?;
        receipt.recorded = finished.is_ok();
        Ok(receipt)
    }

    /// Closes a scope: this process at once, every process when it returns. The caller confirms, destroys what waits,
    /// and then calls [`Closing::finish`].
    ///
    /// `decision` is `Withdrawn`, or `Narrowed` for a block that destroys what waits and leaves the grant.
    pub(crate) fn close_scope(&self, scope: Scope, decision: Decision) -> Result<Closing<'_>, Error> {
        self.contract(scope)?;
        self.shut(scope);
        let ledger = &self.ledger;
        let held = match ledger.lock(|| self.ambient.monotonic()) {
            Ok(Some(held)) => held,
            // Whoever holds the lock can't be waited for.
            Ok(None) | Err(_) => return self.revoked(scope),
        };
        let now = self.ambient.now();
        let records = ledger.heal(&held, now).unwrap_or(Records::Closed("the records can't be mended"));
        let sound = match &records {
            Records::Sound(sound) => sound,
            Records::Nothing | Records::Closed(_) => return self.revoked(scope),
        };
        match ledger.narrow(&held, Some(sound), plain(scope, decision), now) {
            Ok(narrowing) => Ok(Closing { consent: self, scope, written: Some((held, narrowing)) }),
            Err(_) => self.revoked(scope),
        }
    }

    fn revoked(&self, scope: Scope) -> Result<Closing<'_>, Error> {
        let path = self.ledger.snapshot_path();
        match self.ledger.revoke(scope.name()) {
            Ok(()) => Ok(Closing { consent: self, scope, written: None }),
            Err(source) => Err(Kind::Io { action: "withdraw in", path, source }.into()),
        }
    }

    /// The receipt of a line just written, or of the scope's last decision.
    pub(crate) fn receipt(&self, scope: Scope, line: Option<&Line>) -> Result<Receipt, Error> {
        let line = match line {
            Some(line) => Some(line.clone()),
            None => self.ledger.history().0.into_iter().rfind(|line| line.scope == scope.name()),
        };
        let Some(line) = line else {
            return Err(
                Kind::Store { path: self.ledger.store().into(), why: "it holds no decision about this scope" }.into()
            );
        };
        let closed = !line.decision.opens();
        let mut receipt = Receipt::of(scope, line, |digest| self.ledger.text(digest));
        // A look, without waiting: whoever withdraws waits and says so.
        receipt.confirmed = !closed || self.confirm(scope, Duration::ZERO);
        Ok(receipt)
    }
}

fn plain(scope: Scope, decision: Decision) -> Statement<'static> {
    // The name lives as long as the program: a scope is a handle over a static.
    let name: &'static str = scope.name();
    Statement { scope: name, decision, contract: None, notice: None, language: None, via: None, until: None }
}
