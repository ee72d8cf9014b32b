//! [`Unconfirmed`]: why a refusal or withdrawal is not confirmed. Only names the reasons; other modules find them.

use crate::error::Error;

/// The end of a reason about which the person does not have to do anything.
pub(in crate::consent) const TRIED_AGAIN: &str = ": candor tries again";

/// Why a refusal or withdrawal is not [confirmed](crate::consent::Receipt::confirmed): because of the disk, the lock of
/// decisions, the scope's life lock (which shows whether a process still sends), or another process.
///
/// `Serialize` and `Display` give the reason in words.
///
/// ```
/// use candor::consent::Unconfirmed;
///
/// /// What the person can do about it, as the program shows it beside the receipt.
/// fn advice(why: Unconfirmed) -> Option<&'static str> {
///     match why {
///         Unconfirmed::NoAnswer => Some("Close the program's other windows."),
///         Unconfirmed::LostLifeLock => Some("Restart the computer."),
///         _ => None,
///     }
/// }
/// # assert!(advice(Unconfirmed::NotWritten).is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unconfirmed {
    /// The disk did not take it, or does not show it. candor tries again.
    NotWritten,
    /// Another process keeps the lock of decisions, so it is not in the records yet. candor tries again.
    Locked,
    /// The file of the scope's life lock is missing or can't be used. It is unknown whether a process still sends.
    NoLifeLock,
    /// The file of the life lock was removed once while programs ran. It is unknown whether one of them still sends, until the
    /// computer is restarted.
    LostLifeLock,
    /// Like [`LostLifeLock`](Unconfirmed::LostLifeLock), where this process can't see whether the computer was restarted.
    LostLifeLockForGood,
    /// A process that may hold a connection did not answer in time.
    NoAnswer,
    /// The person granted the scope again since it was written.
    GrantedSince,
}

impl Unconfirmed {
    /// The reason in words for a person.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Unconfirmed::NotWritten => "it could not be written to disk, or not read back: candor tries again",
            Unconfirmed::Locked => "another process keeps the lock of decisions: candor tries again",
            Unconfirmed::NoLifeLock => {
                "the file of its lock is missing or can't be used, so nobody knows whether a process still sends"
            }
            Unconfirmed::LostLifeLock => {
                "the file of its lock was removed once while programs ran, so nobody knows whether one of them still sends; a \
                 restart of the computer ends that"
            }
            Unconfirmed::LostLifeLockForGood => {
                "the file of its lock was removed once while programs ran, so nobody knows whether one of them still sends"
            }
            Unconfirmed::NoAnswer => "a process that may hold a connection did not answer",
            Unconfirmed::GrantedSince => "a grant was given since it was written",
        }
    }
}

impl std::fmt::Display for Unconfirmed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.describe())
    }
}

impl serde::Serialize for Unconfirmed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.describe())
    }
}

/// Why a decision that failed with this error is not known to be on disk.
pub(crate) fn not_taken(error: &Error) -> Unconfirmed {
    if error.is_locked() { Unconfirmed::Locked } else { Unconfirmed::NotWritten }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_has_the_words() {
        let json = serde_json::to_string(&Unconfirmed::NoAnswer).unwrap();
        assert_eq!(json, r#""a process that may hold a connection did not answer""#);
    }
}
