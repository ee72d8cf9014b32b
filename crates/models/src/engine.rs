//! A reduced engine for the actions, with only what matters for the order of steps: consent, a secret, and a journal
//! that asks the gate under its own lock. It replaces the modules between consent and withdrawal. Their files are never
//! modelled.

use crate::{
    consent::{Consent, Destroyed, Place, Scope, ScopeKey},
    error::Error,
    sync::Mutex,
};
use std::io;

pub(crate) struct Engine {
    pub(crate) consent: Consent,
    pub(crate) keys: Keys,
    pub(crate) journal: Journal,
    pub(crate) registry: Registry,
    pub(crate) tasks: Tasks,
}

impl Engine {
    /// A scope needs no preparation here.
    pub(crate) fn refresh(&self) -> bool {
        self.consent.look().open()
    }

    pub(crate) fn look_again(&self) {
        let moved = self.refresh();
        self.consent.has_decided(moved);
    }

    /// The start of a client.
    pub(crate) fn open(&self) {
        // If it fails, the scope stays closed because of what is on disk.
        let _ = self.consent.recover();
        self.refresh();
    }

    /// Always true, so that every destruction takes the lock.
    pub(crate) fn may_have_left(&self, _: ScopeKey<'_>) -> bool {
        true
    }

    /// The clock never changes and is always trusted.
    pub(crate) fn trusted_now(&self) -> Option<()> {
        Some(())
    }
}

/// Ignores requests: data that can't be destroyed without the lock stays.
pub(crate) struct Tasks;

pub(crate) enum Task {
    Clear,
    Finish,
}

impl Tasks {
    pub(crate) fn request(&self, _: Task) {}
}

/// No event is declared, so there is no field to switch.
pub(crate) struct Registry;

impl Registry {
    pub(crate) fn schemas_of(&self, _: Scope) -> std::slice::Iter<'static, Schema> {
        [].iter()
    }
}

pub(crate) enum Schema {}

pub(crate) struct Field {
    pub(crate) name: &'static str,
}

impl Schema {
    pub(crate) fn name(&self) -> &'static str {
        match *self {}
    }

    pub(crate) fn fields(&self) -> &'static [Field] {
        match *self {}
    }
}

pub(crate) struct Keys;

impl Keys {
    pub(crate) fn wipe(&self, _: ScopeKey<'_>) {}

    pub(crate) fn create(&self, _: Scope) -> Result<(), Error> {
        Ok(())
    }

    pub(crate) fn destroy(&self, _: ScopeKey<'_>) -> io::Result<bool> {
        Ok(true)
    }
}

/// The pending records of this process: the place of each one.
#[derive(Default)]
pub(crate) struct Journal {
    writer: Mutex<Vec<Place>>,
}

impl Journal {
    /// `Journal::keep` in `src/journal/mod.rs`: takes the lock, then asks the gate, then writes the record.
    pub(crate) fn keep(&self, consent: &Consent, place: Place) {
        let mut writer = self.writer.lock();
        if consent.gates().epoch(place.scope) == place.epoch {
            writer.push(place);
        }
    }

    /// `Journal::purge_renewed`: every generation goes.
    pub(crate) fn purge_renewed(&self, scope: ScopeKey<'_>) -> Destroyed {
        self.purge(scope, None)
    }

    /// `Journal::purge_with_grant`: the models have no once-events.
    pub(crate) fn purge_with_grant(&self, scope: ScopeKey<'_>, keep: Option<u64>) -> Destroyed {
        self.purge(scope, keep)
    }

    /// `Journal::purge`: removes the pending records of every generation but `keep`, under the lock.
    pub(crate) fn purge(&self, _: ScopeKey<'_>, keep: Option<u64>) -> Destroyed {
        self.writer.lock().retain(|place| Some(place.generation) == keep);
        Destroyed { complete: true, ..Destroyed::default() }
    }

    pub(crate) fn is_out_of_place(&self, _: Scope) -> bool {
        true
    }

    pub(crate) fn purge_until(&self, _: ScopeKey<'_>, latest: u64) -> Destroyed {
        self.writer.lock().retain(|place| place.generation > latest);
        Destroyed { complete: true, ..Destroyed::default() }
    }

    pub(crate) fn holds_anything(&self, _: Scope, generation: u64) -> bool {
        self.writer.lock().iter().any(|place| place.generation == generation)
    }

    pub(crate) fn waiting(&self) -> Vec<Place> {
        self.writer.lock().clone()
    }
}
