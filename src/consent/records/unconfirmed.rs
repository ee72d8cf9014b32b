//! The reasons why a refusal or withdrawal is not confirmed, in words for a person.

use crate::error::Error;

/// The end of a reason about which the user does not have to do anything.
pub(in crate::consent) const TRIED_AGAIN: &str = ": candor tries again";

/// The reasons why a withdrawal is not confirmed: the disk, the lock of decisions, the life lock that shows whether a
/// process still sends, or another process.
pub(crate) const NOT_TAKEN: &str = "it could not be written to disk, or not read back: candor tries again";

pub(in crate::consent) const LOCKED: &str = "another process keeps the lock of decisions: candor tries again";

pub(in crate::consent) const NO_LOCK: &str =
    "the file of its lock is missing or can't be used, so nobody knows whether a process still sends";

pub(in crate::consent) const LOST_LOCK: &str = "the file of its lock was removed once while programs ran, so nobody knows whether one of them still sends; a \
                                    restart of the computer ends that";

pub(in crate::consent) const LOST_FOR_GOOD: &str =
    "the file of its lock was removed once while programs ran, so nobody knows whether one of them still sends";

pub(in crate::consent) const NO_ANSWER: &str = "a process that may hold a connection did not answer";

pub(in crate::consent) const YES_SINCE: &str = "a grant was given since it was written";

/// Why a decision that failed with this error is not known to be on disk.
pub(crate) fn not_taken(error: &Error) -> &'static str {
    if error.is_locked() { LOCKED } else { NOT_TAKEN }
}
