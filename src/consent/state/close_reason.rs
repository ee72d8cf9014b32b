//! The reasons for which a scope is closed. Between the closing and the entry in the history, the caller that closed the scope
//! destroys its pending data. This module destroys nothing itself.

use crate::consent::records::entry::Decision;

/// Why a scope is closed, permanently or temporarily.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseReason<'a> {
    /// The person withdrew consent.
    Withdrawn,
    /// The last day of the grant is over.
    Expired,
    /// The program revoked the grant. The text is the program's reason.
    Revoked(&'a str),
    /// Something blocks the scope while data is pending. The data is destroyed; the grant stays.
    Blocked,
    /// Administrators' rules have changed. The pending data is destroyed; the grant stays, under the new rules.
    Limited,
    /// The person switched a field (its name; `true` means on). The pending data is destroyed; the grant stays.
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

    /// Whether the scope is still granted afterwards.
    pub(crate) fn leaves_a_yes(self) -> bool {
        self.decision().opens()
    }
}
