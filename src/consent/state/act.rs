//! A person's refusal or withdrawal that could not be written. Plain data.

use crate::consent::{agreement::scope::Scope, records::entry::Decision};

/// A refusal or withdrawal that could not be written.
#[derive(Debug, Clone)]
pub(in crate::consent) struct Unwritten {
    pub(crate) scope: Scope,
    pub(crate) decision: Decision,
    /// When the person first decided it.
    pub(crate) at: String,
    pub(in crate::consent) why: String,
    /// The scope's latest epoch in records that were read since: a grant with a higher epoch was given after the refusal. `None`
    /// while no read has succeeded: a grant that exists may be older than the refusal.
    pub(in crate::consent) after: Option<u64>,
    pub(in crate::consent) act: Act,
}

/// Identifies one refusal or withdrawal by a number that grows, so that the result of an older one is not applied to a newer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Act(pub(in crate::consent) u64);
