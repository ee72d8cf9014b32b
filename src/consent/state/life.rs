//! The life locks as consent uses them: what is wrong with one, and the wait until no permit of a scope is left in any process.
//! Never makes or removes a lock.

use crate::consent::{
    records::failed::Failed,
    records::reading::{Records, Sound},
    records::unconfirmed::Unconfirmed,
    state::consent::Consent,
};
use crate::{
    disk::{self, Look, Seen},
    mutants::{self, Mutant},
    sync,
};
use std::{io, time::Duration};

impl Consent {
    /// Whether the file of a scope's life lock, which its grant made, is missing.
    pub(crate) fn lacks_life(&self, scope: &str) -> Result<bool, Failed> {
        let path = self.ledger.life_path(scope);
        Ok(matches!(self.ledger.look(&path, self.ledger.files().examine(&path))?, Seen::Absent))
    }

    /// Why nothing is sent for a scope that is granted, if its life lock can't be used: a withdrawal could not be confirmed then.
    /// `None` if it can.
    pub(in crate::consent) fn life_trouble(&self, scope: &str) -> Option<String> {
        const SO: &str = "so nothing is sent, and a withdrawal can't be confirmed by this program";
        let path = self.ledger.life_path(scope);
        let Err(error) = self.ledger.files().open_lock(&path) else { return self.spare_trouble(scope) };
        if error.kind() == io::ErrorKind::NotFound {
            return Some(format!("the file of its lock was removed, {SO}: a new yes to the notice makes a new one"));
        }
        let fix = match error.kind() {
            // The reason why candor rejected the file already says what to do.
            _ if disk::refusal(&error).is_some() => "",
            io::ErrorKind::PermissionDenied => "; make it a file that this user may write",
            // The decisions can be read all the same, so records are stored, and wait until the lock can be taken.
            _ => "; as long as that is so",
        };
        Some(format!("the file of its lock, `{}`, can't be used, {SO} ({error}{fix})", path.display()))
    }

    /// The same for the second name of the lock's file. This holds back no report; only a withdrawal can't be confirmed.
    fn spare_trouble(&self, scope: &str) -> Option<String> {
        let (path, error, stays) = self.ledger.spare_trouble(scope)?;
        let fix = if stays { "; remove it" } else { "; as long as that is so" };
        Some(format!(
            "the second name of the file of its lock, `{}`, can't be used, so a withdrawal can't be confirmed by this program \
             ({error}{fix})",
            path.display()
        ))
    }

    /// Whether an error of a life lock concerns its file and will also be seen at the next look.
    pub(in crate::consent) fn is_of_lock(&self, error: &io::Error) -> bool {
        matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
            || disk::refusal(error).is_some()
    }

    /// Waits until no permit of the scope is left in any process, at most `limit`.
    ///
    /// A missing life lock of a scope that was once granted was removed by someone and proves nothing. A life lock that was
    /// created again since proves nothing until the computer restarts. A file that can't be read proves nothing either.
    ///
    /// # Errors
    /// Why it is not known that no permit is left.
    pub(crate) fn confirm(&self, scope: &str, limit: Duration) -> Result<(), Unconfirmed> {
        if mutants::on(Mutant::ConfirmedUnseen) {
            return Ok(());
        }
        let path = self.ledger.life_path(scope);
        match self.ledger.files().examine(&path) {
            Look::Read(_) => {}
            Look::Absent => {
                let never = self.ledger.was_never_granted(scope).unwrap_or(mutants::on(Mutant::UnreadIsNeverGranted));
                return if never { Ok(()) } else { Err(Unconfirmed::NoLifeLock) };
            }
            Look::Refused(_) | Look::Failed(_) => return Err(Unconfirmed::NoLifeLock),
        }
        let life = self.ledger.files().open_lock(&path).map_err(|_| Unconfirmed::NoLifeLock)?;
        let until = self.until(self.ambient.monotonic(), limit);
        loop {
            match life.try_lock(false) {
                Ok(true) if !self.ledger.is_spare_held(scope).map_err(|_| Unconfirmed::NoLifeLock)? => {
                    let lost = self.ledger.lost_life(scope).unwrap_or(Some(Unconfirmed::NoLifeLock));
                    let lost = if self.ledger.owns_life(scope) { lost } else { Some(Unconfirmed::NoLifeLock) };
                    return lost.map_or(Ok(()), Err);
                }
                Err(_) => return Err(Unconfirmed::NoLifeLock),
                Ok(_) if self.ambient.monotonic() < until => sync::sleep(Duration::from_micros(500)),
                Ok(_) => return Err(Unconfirmed::NoAnswer),
            }
        }
    }

    /// Confirms a refusal that was written earlier: the records contain it, and no permit of the scope is left.
    ///
    /// # Errors
    /// Why this is not known.
    pub(crate) fn confirm_no(&self, scope: &str, limit: Duration) -> Result<(), Unconfirmed> {
        let confirmed = self.confirm(scope, limit);
        match self.ledger.read() {
            Ok(Records::Sound(sound)) if sound.in_force(scope).is_some() => Err(Unconfirmed::GrantedSince),
            Ok(Records::Sound(sound)) if says_no(&sound, scope) => confirmed,
            _ => Err(Unconfirmed::NotWritten),
        }
    }
}

/// Whether a refusal or withdrawal of this scope is written in the records, with nothing left to finish for the scope.
fn says_no(sound: &Sound, scope: &str) -> bool {
    !sound.is_revoked(scope) && sound.entry(scope).is_some_and(|entry| !entry.decision.opens())
}
