//! The note that the question about a scope was shown. It is not a decision and is in no history.

use crate::consent::{
    json::canonical,
    records::failed::Failed,
    records::ledger::{Held, Ledger, TEXT_MOST},
};
use crate::{
    disk::{self, Seen},
    error::{At, Error},
};
use serde::{Deserialize, Serialize};
use std::{io, path::PathBuf};

/// A note that the question about a scope was shown. It is not a decision and is in no history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::consent) struct Shown {
    pub(crate) at: String,
    /// The digest of the contract that the question was about.
    pub(crate) contract: String,
    /// How many times in a row the question was shown without an answer.
    pub(in crate::consent) times: u32,
}

impl Ledger {
    fn shown_path(&self, scope: &str) -> PathBuf {
        self.store.join(format!("{scope}.shown"))
    }

    /// When the question about a scope was last shown. If the note is damaged, the question was shown at an unknown time.
    pub(in crate::consent) fn shown(&self, scope: &str) -> Result<Option<Shown>, Failed> {
        let path = self.shown_path(scope);
        Ok(match self.look(&path, self.files.contents(&path, TEXT_MOST))? {
            Seen::Absent => None,
            Seen::Read(bytes) => {
                let shown = disk::unseal("shown", &bytes).and_then(|json| serde_json::from_str(json).ok());
                Some(shown.unwrap_or_default())
            }
            Seen::Refused => Some(Shown::default()),
        })
    }

    pub(in crate::consent) fn note_shown(&self, _held: &Held, scope: &str, shown: &Shown) -> Result<(), Error> {
        let path = self.shown_path(scope);
        self.files.replace(&path, &disk::seal("shown", &canonical(&serde_json::json!(shown)))).at("write", &path)
    }

    pub(in crate::consent) fn forget_shown(&self, scope: &str) -> io::Result<()> {
        self.files.remove_with_unfinished(&self.shown_path(scope))
    }
}
