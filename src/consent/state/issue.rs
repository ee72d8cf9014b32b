//! Issues the permit to send a batch, or says why the batch may not be sent. The permit itself is made in `permit`.

use crate::consent::{
    agreement::scope::Scope,
    records::failed::Failed,
    records::reading::Records,
    state::consent::{Consent, Place},
    state::permit::{Permit, Watch},
};

impl Consent {
    /// Why a batch of a scope may not be sent now, for a caller whose permit was refused.
    pub(crate) fn why_no_permit(&self, scope: Scope) -> String {
        const ENDED: &str = "consent ended";
        if self.has_ended() {
            return "this program has stopped reporting".into();
        }
        if let Some(by) = self.blocked(scope) {
            return format!("reports are switched off by {by}");
        }
        let unseen = |place: Place| {
            let is_current = self.gates.epoch(scope) == place.epoch;
            is_current.then(|| {
                "it could not be read whether the grant is still in force; candor reads again at the next \
                            try"
                .to_owned()
            })
        };
        let why = |place: Place| self.life_trouble(scope.name()).or_else(|| unseen(place));
        match self.granted_place(scope).map(|place| place.and_then(why)) {
            // Records that can't be used don't show that consent has ended, no more than records that can't be read.
            Ok(None) => match self.ledger.read() {
                Ok(Records::Closed(why) | Records::Refused(_, why)) => why.into(),
                _ => ENDED.into(),
            },
            Ok(Some(why)) => why,
            Err(failed) => failed.to_string(),
        }
    }

    /// Returns a permit if this batch may be sent now.
    ///
    /// # Errors
    /// Why it may not. If the only reason is a failed look, the error says so: the next look may succeed.
    pub(crate) fn permit(&self, scope: Scope, generation: u64, epoch: u64) -> Result<Permit, String> {
        let place = Place { scope, epoch, generation };
        let granted = self.granted_place(scope).map_err(|failed| failed.to_string())?;
        if self.blocked(scope).is_some() || granted != Some(place) {
            return Err(self.why_no_permit(scope));
        }
        let (ledger, gates) = (self.ledger.clone(), self.gates.clone());
        match Permit::issue(Watch { ledger, gates, scope, generation, epoch, life: None }) {
            Ok(permit) => permit.ok_or_else(|| self.why_no_permit(scope)),
            Err(error) if self.is_of_lock(&error) => Err(self.why_no_permit(scope)),
            Err(error) => Err(Failed::of(&self.ledger.life_path(scope.name()), error).to_string()),
        }
    }
}
