//! A scope between the moment it is closed and the moment its history has the line: what lies between is destroyed by
//! whoever closed it. Destroys nothing itself.

use super::{
    Consent, Decision,
    ledger::{Held, Narrowing},
    receipt::Receipt,
    scope::Scope,
};
use crate::error::Error;

/// Why a scope is closed, for good or for a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending<'a> {
    /// The person took their yes back.
    Withdrawn,
    /// Its last day is over.
    Expired,
    /// The program ended it, and this is why.
    Revoked(&'a str),
    /// Something blocks, and something waits: that is destroyed, and the yes stays.
    Blocked,
    /// Administrators' rules have changed: what waits is destroyed, and the yes stays under the new ones.
    Limited,
    /// The person switched a field, off or on again: what waits is destroyed, and the yes stays.
    Switched(&'a str, bool),
}

impl Ending<'_> {
    pub(super) fn decision(self) -> Decision {
        match self {
            Ending::Withdrawn => Decision::Withdrawn,
            Ending::Expired => Decision::Expired,
            Ending::Revoked(_) => Decision::Revoked,
            Ending::Blocked | Ending::Limited | Ending::Switched(..) => Decision::Narrowed,
        }
    }

    /// Whether the scope is granted afterwards.
    pub(crate) fn leaves_a_yes(self) -> bool {
        self.decision().opens()
    }
}

/// A scope that is closed in every process, before what waits is destroyed and the history has its line.
#[must_use]
pub(crate) struct Closing<'c> {
    pub(super) consent: &'c Consent,
    /// None where the program does not declare it.
    pub(super) scope: Option<Scope>,
    pub(super) name: String,
    pub(super) decision: Decision,
    pub(super) written: Option<(Held, Narrowing)>,
    /// Why it is not known to stand on disk, where it is not.
    pub(super) why: &'static str,
    /// Whether a file stands for it that was read back, and by which every process closes.
    pub(super) is_kept: bool,
}

impl Closing<'_> {
    /// Whether the decision stands on disk as one, and was read back from there; if not, only a tombstone closes the scope, or
    /// nobody knows.
    pub(crate) fn durable(&self) -> bool {
        self.written.as_ref().is_some_and(|(_, narrowing)| narrowing.is_read_back)
    }

    /// Whether every process closes by what stands on disk, and why that is not known.
    pub(crate) fn taken(&self) -> Result<(), &'static str> {
        if self.durable() || self.is_kept { Ok(()) } else { Err(self.why) }
    }

    /// The generation whose directories are to be kept; every other one of the scope is to be destroyed.
    pub(crate) fn generation(&self) -> Option<u64> {
        self.written.as_ref().map(|(_, narrowing)| narrowing.entry.generation)
    }

    /// Appends the decision to the history and answers its receipt.
    pub(crate) fn finish(self) -> Result<Receipt, Error> {
        let Closing { consent, scope, name, decision, written, .. } = self;
        let title = scope.map_or(name.as_str(), |scope| scope.title());
        let Some((held, narrowing)) = written else {
            if decision.opens()
                && let Some(scope) = scope
            {
                // A yes stays, and what stands for the narrowing closes it until that is written.
                consent.unshut(scope);
            }
            return Ok(Receipt::unwritten(&name, title, decision, consent.ambient.now().rfc3339()));
        };
        let finished = consent.ledger.finish(&held, &narrowing);
        // The snapshot says it now, so that a later look can't open the scope again.
        if let Some(scope) = scope {
            consent.unshut(scope);
        }
        drop(held);
        consent.look_again();
        // The decision is in force whether its line could be appended or not; the next open appends it.
        let mut receipt = consent.receipt_of(title, narrowing.line);
        receipt.recorded = finished.is_ok();
        Ok(receipt)
    }
}
