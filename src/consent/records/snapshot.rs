//! The snapshot: the file `consent`, which says what was last decided about each scope. Types and their bytes only. Never opens a
//! file.

use crate::consent::{
    json::canonical,
    records::entry::{Decision, Details, Line, says_nothing},
};
use crate::disk;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The current decision about each scope. A scope is open only if the snapshot says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Snapshot {
    pub(in crate::consent) application: String,
    /// A random id that stays the same for as long as this store exists. It distinguishes the store from another one in its
    /// place. Never sent. A store that was made before ids existed has none, and gets one with the next decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<String>,
    /// The hash of the ledger's last entry, with `pending` counted as appended.
    pub(in crate::consent) head: String,
    /// The hash of the entry before it.
    pub(in crate::consent) previous: String,
    /// How many entries the ledger has, with `pending` counted.
    pub(crate) lines: u64,
    /// The entry that is appended to the ledger after this snapshot, for a withdrawal, a refusal or any other decision that
    /// is written snapshot first.
    pub(in crate::consent) pending: Option<Line>,
    pub(crate) scopes: BTreeMap<String, Entry>,
}

/// The last decision about one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) decision: Decision,
    pub(crate) epoch: u64,
    /// Names the directories that hold the scope's data. Grows whenever a decision narrows or closes the scope.
    pub(crate) generation: u64,
    pub(crate) at: String,
    pub(crate) contract: Option<String>,
    pub(crate) notice: Option<String>,
    pub(crate) via: Option<String>,
    /// The last UTC day of a grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<String>,
    /// Further details of the decision.
    #[serde(rename = "besides", default, skip_serializing_if = "says_nothing")]
    pub(crate) details: Details,
    /// The line number of this decision in the ledger.
    pub(crate) line: u64,
}

impl Entry {
    /// When the grant in force was given. A decision that narrows or keeps the grant does not change this time.
    pub(in crate::consent) fn given(&self) -> &str {
        self.details.given.as_deref().unwrap_or(&self.at)
    }

    /// The person's own refusals: of further data, and of single fields. They stay in force after a grant that ended for
    /// another reason than the person's withdrawal. After a refusal or withdrawal of the whole scope the switched-off fields
    /// are dropped, so the next grant starts with all fields.
    pub(crate) fn noes(&self) -> Details {
        let Details { declined, deferred, disabled_fields, .. } = self.details.clone();
        let disabled_fields = if self.decision.takes_back() { Vec::new() } else { disabled_fields };
        Details { declined, deferred, disabled_fields, ..Details::default() }
    }
}

/// The bytes of a snapshot as stored on disk.
pub(in crate::consent) fn sealed(snapshot: &Snapshot) -> Vec<u8> {
    disk::seal("consent", &canonical(&serde_json::json!(snapshot)))
}
