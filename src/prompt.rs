//! A question that a program puts to a person of its own accord: the one that may be open, and what becomes of it.
//!
//! That it is shown is noted before it is, so that a program which is ended at the question does not ask again at its next start.
//! It draws nothing; the program shows the notice and three answers that look alike, none chosen beforehand. A question that
//! is closed without an answer has been answered: no.

use crate::{
    client::{Client, PATIENCE, may_open},
    consent::{Change, Notice, Question, Receipt, Scope, State},
    error::Error,
};

/// A question that is open. Made by [`prompt`](crate::consent::prompt()), which says whether one may be asked.
///
/// Show [`notice`](Prompt::notice), whole, and where the person said yes before, [`changes`](Prompt::changes); offer the answers
/// with equal weight, and none of them chosen. Dropping it is a no that holds for six months, or, where the person said yes
/// before, what they agreed to.
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
    /// See [`consent::prompt`](crate::consent::prompt()).
    ///
    /// # Errors
    /// See there.
    pub fn prompt(&self, scope: Scope) -> Result<Prompt<'_>, Error> {
        Prompt::open(self, scope)
    }

    /// Takes the one question of this run, where it may be asked and is noted, and answers what is to be shown.
    pub(crate) fn begin_asking(&self, scope: Scope) -> Result<Question, Error> {
        let engine = self.here()?;
        self.still_runs()?;
        self.look_at_policies();
        let patience = self.patience_after(|| self.catch_up(PATIENCE));
        engine.consent.begin_asking(scope, &patience, &|| may_open(engine, scope))
    }

    /// The answer to a question is kept, and takes the place of the note that it was shown.
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

    /// What to show, whole.
    #[must_use]
    pub fn notice(&self) -> &Notice {
        &self.notice
    }

    /// Takes the notice in another language, which the person picked: one of [`languages`](crate::consent::languages()).
    ///
    /// # Errors
    /// [`Error::needs_language`]: there is none in it; the notice stays what it was.
    pub fn show_in(&mut self, language: &str) -> Result<(), Error> {
        self.notice = self.client.notice_in(self.scope, language)?;
        self.picked = true;
        Ok(())
    }

    /// How this build differs from what the person agreed to before; empty where they did not.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether the person said yes before, to less: then no means *keep as before*, and [`stop`](Prompt::stop) is a third answer.
    #[must_use]
    pub fn is_about_more(&self) -> bool {
        self.widens
    }

    /// Whether "later" is still an answer. It works twice.
    #[must_use]
    pub fn can_wait(&self) -> bool {
        self.later
    }

    /// Records a yes to the notice, and where it was said, such as `first start`.
    ///
    /// # Errors
    /// Those of [`grant`](crate::consent::grant).
    pub fn yes(mut self, via: &str) -> Result<Receipt, Error> {
        let shown = self.scope.shown(&self.notice).via(via);
        let granted = self.client.grant(if self.picked { shown.language_picked() } else { shown });
        // A yes that could not be recorded is no no.
        self.answered = true;
        self.told(granted)
    }

    /// Records a no. Where the person agreed to less before, that stays.
    ///
    /// # Errors
    /// Those of [`deny`](crate::consent::deny).
    pub fn no(mut self) -> Result<Receipt, Error> {
        self.answered = true;
        self.told(self.decline())
    }

    /// Puts the question off: it may be asked again after a month. The third time this is a no.
    ///
    /// # Errors
    /// Those of [`defer`](crate::consent::defer).
    pub fn later(mut self) -> Result<Receipt, Error> {
        self.answered = true;
        self.told(self.client.defer(self.scope))
    }

    /// Takes back what the person agreed to before; without that, a no.
    ///
    /// # Errors
    /// Those of [`withdraw`](crate::consent::withdraw).
    pub fn stop(mut self) -> Result<Receipt, Error> {
        self.answered = true;
        self.told(self.client.withdraw(self.scope))
    }

    /// An answer that was kept takes the place of the note that the question was shown.
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
