//! The receipts of decisions that were written, and the tombstone of one that could not be. Decides nothing.

use crate::clean::short;
use crate::consent::{
    agreement::scope::Scope,
    proof::export,
    proof::export::Receipts,
    proof::receipt::Receipt,
    records::entry::{Decision, Line, answers},
    records::failed::Failed,
    records::reading::{History, Records, Sound},
    records::tombstone::Tombstone,
    state::consent::Consent,
};
use crate::error::{Error, Kind};
use std::time::Duration;

impl Consent {
    /// Leaves the tombstone of a decision that could not be written.
    #[cfg(test)]
    pub(crate) fn leave_tombstone(&self, scope: Scope, decision: crate::consent::Decision) -> std::io::Result<()> {
        self.ledger.revoke(scope.name(), &self.tombstone(decision, None)).map(drop)
    }

    /// The content of a tombstone: it holds a decision that can't be written.
    pub(crate) fn tombstone(&self, decision: Decision, via: Option<&str>) -> Tombstone {
        Tombstone { decision, at: self.ambient.now().rfc3339(), via: via.map(short), after: None }
    }

    /// Whether a tombstone that was read closes the scope, whatever the snapshot says.
    pub(crate) fn is_kept_by_file(&self, scope: &str) -> bool {
        let is_kept = |sound: &Sound| sound.is_revoked(scope) && sound.in_force(scope).is_none();
        matches!(self.ledger.read(), Ok(Records::Sound(sound)) if is_kept(&sound))
    }

    /// The receipt of the scope's last decision. One look says whether a refusal is confirmed; nothing is waited for.
    ///
    /// # Errors
    /// There is no decision about this scope, or the history or a text can't be read.
    pub(crate) fn receipt(&self, scope: Scope) -> Result<Receipt, Error> {
        let (receipt, opens) = self.read_receipt(scope)?;
        let confirmed = if opens { Ok(()) } else { self.confirm_no(scope.name(), Duration::ZERO) };
        Ok(receipt.told(confirmed))
    }

    /// The same for a caller that confirms a refusal itself, and says so with [`Receipt::told`].
    ///
    /// # Errors
    /// As for [`receipt`](Consent::receipt).
    pub(crate) fn receipt_to_confirm(&self, scope: Scope) -> Result<Receipt, Error> {
        self.read_receipt(scope).map(|(receipt, _)| receipt)
    }

    /// The receipt of the scope's last decision, and whether the scope is granted after it. A refusal is not confirmed yet.
    fn read_receipt(&self, scope: Scope) -> Result<(Receipt, bool), Error> {
        let mut lines = match self.ledger.history()? {
            History::Whole(lines) | History::Torn(lines) => lines,
            History::Unread(why) => return Err(Kind::Store { path: self.ledger.ledger_path(), why }.into()),
        };
        if let Some(last) = lines.last().filter(|line| line.scope == scope.name() && line.decision.opens_newly())
            && self.ledger.is_ahead(last)?
        {
            // A grant that is not in force, and is not marked as void yet.
            lines.pop();
        }
        let mut answers = answers(&lines, scope.name());
        let Some(line) = answers.next().cloned() else {
            let path = self.ledger.store().into();
            return Err(Kind::Store { path, why: "it holds no decision about this scope" }.into());
        };
        // A line that narrows or keeps a grant does not repeat the language of its notice.
        let same = |earlier: &&Line| line.notice.is_some() && earlier.notice == line.notice;
        let language = answers.filter(same).find_map(|earlier| earlier.language.clone());
        let (texts, opens) = (self.texts(&line)?, line.decision.opens());
        Ok((receipt_with(scope.title(), line, texts, language), opens))
    }

    /// Whether the last line of the scope voids a grant, so that a grant was tried after the scope's last answer and
    /// never came into force. `false` if the history can't be read.
    pub(crate) fn has_failed_yes(&self, scope: Scope) -> bool {
        let lines = self.ledger.history().map_or_else(|_| Vec::new(), History::lines);
        let last = lines.iter().rfind(|line| line.scope == scope.name());
        last.is_some_and(|line| line.decision == Decision::Void)
    }

    /// The receipt of a line that was just written, with the language of the notice if the line does not name it. The line
    /// is written whether or not its texts can be read again, so this does not fail. A refusal is not confirmed yet: the
    /// caller confirms it, and says so with [`Receipt::told`].
    pub(crate) fn receipt_of(&self, title: &str, line: Line, language: Option<String>) -> Receipt {
        let texts = self.texts(&line).unwrap_or_default();
        receipt_with(title, line, texts, language)
    }

    /// What the person agreed to, as data, and where they did, by records that the caller has read. `None` if the scope's last
    /// decision names no contract, or if the contract can't be read.
    pub(crate) fn agreed_in(&self, scope: Scope, records: &Records) -> Option<(serde_json::Value, Option<String>)> {
        let Records::Sound(sound) = records else { return None };
        let entry = sound.entry(scope.name())?;
        let json = self.ledger.text(entry.contract.as_deref()?).ok()??;
        Some((serde_json::from_str(&json).ok()?, entry.via.clone()))
    }

    /// The notice and the contract that a line names, if they are kept.
    pub(in crate::consent) fn texts(&self, line: &Line) -> Result<(Option<String>, Option<String>), Failed> {
        let text = |digest: &Option<String>| digest.as_deref().map_or(Ok(None), |digest| self.ledger.text(digest));
        Ok((text(&line.notice)?, text(&line.contract)?))
    }

    /// Every decision of this store, to keep elsewhere.
    ///
    /// # Errors
    /// As for [`export::receipts`].
    pub(crate) fn receipts(&self) -> Result<Receipts, Error> {
        export::receipts(&self.ledger, &self.contracts, self.ambient.now())
    }
}

/// The receipt of a line. `language` is that of its notice, for a line that does not name it.
fn receipt_with(
    title: &str,
    line: Line,
    (notice, contract): (Option<String>, Option<String>),
    language: Option<String>,
) -> Receipt {
    let language = line.language.clone().or_else(|| language.filter(|_| line.notice.is_some()));
    Receipt { language, ..Receipt::of(title, line, notice, contract) }
}
