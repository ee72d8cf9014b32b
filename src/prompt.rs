//! [`Prompt`]: a consent question that the program asks on its own initiative, and the person's answer to it.
//!
//! At most one question is open at a time. candor notes on disk that a question is shown before it is shown. A program that is
//! killed while it asks therefore does not ask again at its next start. This module never draws anything: the program shows the
//! notice and three answers of equal weight, none of them preselected. Closing a question without an answer records a refusal.

use crate::{
    client::{Client, PATIENCE, may_open},
    consent::{Change, Notice, Question, Receipt, Scope, State},
    error::Error,
};

/// An open consent question. [`prompt`](crate::consent::prompt()) returns it if the program may ask now.
///
/// Show the whole [`notice`](Prompt::notice) and, if the person had consented before, the [`changes`](Prompt::changes). Offer the
/// answers with equal weight, and preselect none. Then call [`yes`](Prompt::yes), [`no`](Prompt::no), [`later`](Prompt::later) or
/// [`stop`](Prompt::stop).
///
/// Dropping it without an answer records a refusal that holds for six months. If the person had consented before, dropping it
/// keeps what they agreed to.
#[must_use = "dropping it is an answer: no"]
pub struct Prompt<'c> {
    client: &'c Client,
    scope: Scope,
    notice: Notice,
    changes: Vec<Change>,
    widens: bool,
    later: bool,
    picked: bool,
    answered: bool,
}

impl Client {
    /// Starts asking the person whether they agree, if the program may ask now.
    ///
    /// Same as [`consent::prompt`](crate::consent::prompt()), for this client.
    ///
    /// # Errors
    /// [`Error::may_not_ask`]: the program may not ask now; show nothing. It also fails if the scope is not registered or the
    /// client was shut down.
    pub fn prompt(&self, scope: Scope) -> Result<Prompt<'_>, Error> {
        Prompt::open(self, scope)
    }

    /// Starts the only question of this run, if it may be asked and that can be noted on disk. Returns what to show.
    pub(crate) fn begin_asking(&self, scope: Scope) -> Result<Question, Error> {
        let engine = self.here()?;
        self.still_runs()?;
        self.look_at_policies();
        let patience = self.patience_after(|| self.catch_up(PATIENCE));
        engine.consent.begin_asking(scope, &patience, &|| may_open(engine, scope))
    }

    /// Notes that the answer to a question was stored. It replaces the note that the question was shown.
    pub(crate) fn note_answered(&self, scope: Scope) {
        if let Ok(engine) = self.here() {
            engine.consent.note_answered(scope);
        }
    }
}

impl std::fmt::Debug for Prompt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prompt").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl<'c> Prompt<'c> {
    pub(crate) fn open(client: &'c Client, scope: Scope) -> Result<Self, Error> {
        let Question { notice, status, later } = client.begin_asking(scope)?;
        let widens = status.state == State::Superseded;
        Ok(Prompt { client, scope, notice, changes: status.changes, widens, later, picked: false, answered: false })
    }

    /// The notice to show. Show all of it.
    #[must_use]
    pub fn notice(&self) -> &Notice {
        &self.notice
    }

    /// Changes the notice to another language that the person picked: one of [`languages`](crate::consent::languages()).
    ///
    /// # Errors
    /// [`Error::needs_language`]: there is no notice in that language. The notice stays unchanged.
    pub fn show_in(&mut self, language: &str) -> Result<(), Error> {
        self.notice = self.client.notice_in(self.scope, language)?;
        self.picked = true;
        Ok(())
    }

    /// How this build differs from what the person agreed to before. Empty if they had not consented.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether the person had already consented to less. Then [`no`](Prompt::no) means *keep as before*, and
    /// [`stop`](Prompt::stop) is a third answer.
    #[must_use]
    pub fn is_about_more(&self) -> bool {
        self.widens
    }

    /// Whether [`later`](Prompt::later) may still be offered. It works twice.
    #[must_use]
    pub fn can_wait(&self) -> bool {
        self.later
    }

    /// Records a grant with the notice that was shown. `via` says where the person answered, such as `first start`.
    ///
    /// # Errors
    /// Same as [`grant`](crate::consent::grant). A grant that can't be recorded is not a refusal.
    pub fn yes(mut self, via: &str) -> Result<Receipt, Error> {
        let shown = self.scope.shown(&self.notice).via(via);
        let granted = self.client.grant(if self.picked { shown.language_picked() } else { shown });
        // A failed grant is not a refusal: dropping this must not record one.
        self.answered = true;
        self.told(granted)
    }

    /// Records a refusal. If the person had consented to less before, that stays in force.
    ///
    /// # Errors
    /// Same as [`deny`](crate::consent::deny).
    pub fn no(mut self) -> Result<Receipt, Error> {
        self.answered = true;
        self.told(self.decline())
    }

    /// Defers the question: the program may ask again after a month. The third time this counts as a refusal.
    ///
    /// # Errors
    /// Same as [`defer`](crate::consent::defer).
    pub fn later(mut self) -> Result<Receipt, Error> {
        self.answered = true;
        self.told(self.client.defer(self.scope))
    }

    /// Withdraws what the person had consented to. If there was no consent, this is a refusal.
    ///
    /// # Errors
    /// Same as [`withdraw`](crate::consent::withdraw).
    pub fn stop(mut self) -> Result<Receipt, Error> {
        self.answered = true;
        self.told(self.client.withdraw(self.scope))
    }

    /// If the answer was stored, lets it replace the note that the question was shown.
    fn told(&self, answer: Result<Receipt, Error>) -> Result<Receipt, Error> {
        if answer.is_ok() {
            self.client.note_answered(self.scope);
        }
        answer
    }

    fn decline(&self) -> Result<Receipt, Error> {
        if self.widens { self.client.keep(self.scope) } else { self.client.deny(self.scope) }
    }
}

impl Drop for Prompt<'_> {
    fn drop(&mut self) {
        if !self.answered {
            let _ = self.told(self.decline());
        }
    }
}
