//! Tombstones: small files that close a scope where a decision could not be written. This module reads them and says what they
//! mean. It never makes or removes one.

use crate::consent::{records::entry::Decision, records::failed::Failed, records::ledger::Ledger};
use crate::disk::{self, Seen};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// The suffixes of tombstone file names: this one for the person's own decision, the next one for any other cause. The name
/// says whose decision it is: a tombstone with this suffix counts as the person's own if its content is missing.
pub(in crate::consent) const TOMBSTONE: &str = ".revoked";

pub(in crate::consent) const ENDED: &str = ".ended";

/// The content of a tombstone: a file that closes a scope because a decision could not be written, until recovery writes that
/// decision down. It records the decision, its time and its `via`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tombstone {
    pub(crate) decision: Decision,
    pub(crate) at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) via: Option<String>,
    /// The scope's latest epoch when the person refused, if the refusal was retried later. A grant with a later epoch was
    /// given after the refusal. `None` if the refusal was made a moment before, or if the epoch is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<u64>,
}

impl Tombstone {
    /// The tombstone that is assumed if one that is not the person's own is damaged.
    pub(in crate::consent) fn of_nobody() -> Self {
        Tombstone { decision: Decision::Revoked, at: String::new(), via: None, after: None }
    }

    /// The last epoch that a tombstone of the person's own closes. A grant with a later epoch was given after the refusal.
    /// `None` if the tombstone closes every epoch or is not the person's own.
    pub(in crate::consent) fn ends_up_to(said: &Option<Tombstone>) -> Option<u64> {
        said.as_ref().filter(|_| Tombstone::is_persons(said))?.after
    }

    /// Whether `said` closes every grant that `other` closes. Both are tombstones of the person's own.
    pub(in crate::consent) fn covers(said: &Option<Tombstone>, other: &Option<Tombstone>) -> bool {
        Tombstone::ends_up_to(said).is_none_or(|after| Tombstone::ends_up_to(other).is_some_and(|other| other <= after))
    }

    /// Whether the decision is the person's own. A tombstone without content counts as the person's: it was made before
    /// tombstones had content, or could not be written completely, and only the person's own tombstone may be left
    /// incomplete.
    pub(in crate::consent) fn is_persons(said: &Option<Tombstone>) -> bool {
        said.as_ref().is_none_or(|said| matches!(said.decision, Decision::Withdrawn | Decision::Denied))
    }
}

/// The scopes that have a tombstone, each with the tombstone's content if it has any.
pub(in crate::consent) type Revoked = BTreeMap<String, Option<Tombstone>>;

/// The most bytes that are read of a tombstone: more than one contains.
pub(in crate::consent) const TOMBSTONE_MOST: u64 = 4 << 10;

impl Ledger {
    /// The paths of a scope's tombstones, which say that the scope was closed when the decision could not be written. First
    /// the two for the person's own refusal, then the two for other causes; each pair has one path per directory.
    pub(in crate::consent) fn tombstones(&self, scope: &str) -> [[PathBuf; 2]; 2] {
        [TOMBSTONE, ENDED]
            .map(|end| [&self.store, &self.marks].map(|directory| directory.join(format!("{scope}{end}"))))
    }

    /// The scopes that have a tombstone in either directory, each with its tombstone's content. If several differ, the
    /// person's own takes precedence. Of two of the person's, the later one does. Of two others, one that closes the scope
    /// takes precedence over one that only narrows it.
    pub(in crate::consent) fn revoked(&self, names: &[Vec<String>; 2]) -> Result<Revoked, Failed> {
        let mut revoked = Revoked::new();
        for (names, directory) in names.iter().zip([&self.store, &self.marks]) {
            for name in names {
                let own = name.strip_suffix(TOMBSTONE);
                let Some(scope) = own.or_else(|| name.strip_suffix(ENDED)) else { continue };
                let path = directory.join(name);
                // A tombstone whose content can't be used still counts.
                let said = match self.document(names, &path, TOMBSTONE_MOST)? {
                    Seen::Read(bytes) => read(&bytes),
                    Seen::Absent | Seen::Refused => None,
                };
                let said = if own.is_some() { said } else { Some(said.unwrap_or_else(Tombstone::of_nobody)) };
                let known = revoked.entry(scope.to_owned()).or_insert_with(|| said.clone());
                let is_weaker = known.as_ref().is_some_and(|known| known.decision.opens());
                let is_stronger = match (Tombstone::is_persons(known), Tombstone::is_persons(&said)) {
                    (true, true) => !Tombstone::covers(known, &said),
                    (true, false) => false,
                    (false, by_person) => by_person || is_weaker,
                };
                if is_stronger {
                    *known = said;
                }
            }
        }
        Ok(revoked)
    }
}

/// Parses a tombstone. Returns `None` if it is empty or damaged.
pub(in crate::consent) fn read(bytes: &[u8]) -> Option<Tombstone> {
    serde_json::from_str(disk::unseal("revoked", bytes)?).ok()
}
