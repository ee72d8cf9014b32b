//! A scope between the moment it is closed and the moment its history has the line: what lies between is destroyed by
//! whoever closed it. Destroys nothing itself.

use crate::consent::records::entry::Decision;

/// Why a scope is closed, for good or for a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseReason<'a> {
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

impl CloseReason<'_> {
    pub(crate) fn decision(self) -> Decision {
        match self {
            CloseReason::Withdrawn => Decision::Withdrawn,
            CloseReason::Expired => Decision::Expired,
            CloseReason::Revoked(_) => Decision::Revoked,
            CloseReason::Blocked | CloseReason::Limited | CloseReason::Switched(..) => Decision::Narrowed,
        }
    }

    /// Whether the scope is granted afterwards.
    pub(crate) fn leaves_a_yes(self) -> bool {
        self.decision().opens()
    }
}
