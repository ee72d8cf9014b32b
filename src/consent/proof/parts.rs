//! The parts of an export, from which everything else in it is computed, and how they are read back from a document. Decides
//! nothing.

use crate::consent::json::digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name of this format. Exports are kept for years. If anything is computed differently, here or in `dpv`, the new
/// format needs another name, and this one must stay readable.
pub(in crate::consent) const FORM: &str = "candor-receipts/1";

/// The parts of an export. Everything else in it is computed from these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::consent) struct Parts {
    pub(in crate::consent) form: String,
    pub(in crate::consent) application: String,
    /// candor's version.
    pub(in crate::consent) made_by: String,
    /// UTC, RFC 3339.
    pub(in crate::consent) made_at: String,
    /// Why the records could not be used, if they could not.
    pub(in crate::consent) trouble: Option<String>,
    /// Scopes whose withdrawal is in force although it could not be written into the history yet.
    pub(crate) unwritten: Vec<String>,
    /// The history's lines, byte for byte, without their line ends.
    pub(crate) lines: Vec<String>,
    /// Contracts by digest, byte for byte.
    pub(in crate::consent) contracts: BTreeMap<String, String>,
    /// Notices by digest, as they were shown. They are in another part of the document, each once.
    #[serde(skip)]
    pub(in crate::consent) notices: BTreeMap<String, String>,
}

/// Reads the parts back out of an exported document. `None` if it is not an export in this format.
pub(in crate::consent) fn taken_out(document: &serde_json::Value) -> Option<Parts> {
    let mut parts = Parts::deserialize(document.get("candor")?).ok()?;
    for notice in document.get("privacy_notice")?.as_array()? {
        let digest = notice.get("@id")?.as_str()?.strip_prefix('#')?;
        parts.notices.insert(digest.to_owned(), notice.get("text")?.as_str()?.to_owned());
    }
    (parts.form == FORM).then_some(parts)
}

/// Whether a text has the digest it is named by.
pub(in crate::consent) fn is_text(text: &str, named: &str) -> bool {
    digest(text.as_bytes()) == named
}
