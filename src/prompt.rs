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
    ///
    /// ```standalone_crate
    /// use candor::consent;
    /// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let _candor = candor::init(config)?;
    /// let prompt = consent::prompt(USAGE)?;
    /// println!("{}", prompt.notice());
    /// assert!(prompt.notice().text().contains("Faster lists"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn notice(&self) -> &Notice {
        &self.notice
    }

    /// Changes the notice to another language that the person picked: one of [`languages`](crate::consent::languages()).
    ///
    /// ```standalone_crate
    /// use candor::consent;
    /// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let config = config.translation(candor::Translation::new("fr").texts([
    /// #     ("scope.usage.title", "Utilisation"),
    /// #     ("scope.usage.purpose", "Savoir combien d’étagères les gens remplissent, pour accélérer ce cas."),
    /// #     ("scope.usage.benefit", "Des listes plus rapides"),
    /// # ]));
    /// # let _candor = candor::init(config)?;
    /// let mut prompt = consent::prompt(USAGE)?;
    /// prompt.show_in("fr")?;                          // the person picked French
    /// assert_eq!(prompt.notice().language(), "fr");
    /// assert_eq!(prompt.yes("first start")?.language.as_deref(), Some("fr"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::needs_language`]: there is no notice in that language. The notice stays unchanged.
    pub fn show_in(&mut self, language: &str) -> Result<(), Error> {
        self.notice = self.client.notice_in(self.scope, language)?;
        self.picked = true;
        Ok(())
    }

    /// How this build differs from what the person agreed to before. Empty if they had not consented.
    ///
    /// ```standalone_crate
    /// use candor::consent;
    /// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let earlier = candor::Client::new(config.clone().endpoint("http://localhost:4317"))?;
    /// # earlier.grant(USAGE)?;
    /// # drop(earlier);
    /// # let _candor = candor::init(config)?;
    /// // The person agreed to an earlier version. This one sends to another recipient.
    /// let prompt = consent::prompt(USAGE)?;
    /// for change in prompt.changes() {
    ///     println!("- {change}");                     // show it beside the notice
    /// }
    /// # assert!(!prompt.changes().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether the person had already consented to less. Then [`no`](Prompt::no) means *keep as before*, and
    /// [`stop`](Prompt::stop) is a third answer.
    ///
    /// ```standalone_crate
    /// use candor::consent;
    /// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let earlier = candor::Client::new(config.clone().endpoint("http://localhost:4317"))?;
    /// # earlier.grant(USAGE)?;
    /// # drop(earlier);
    /// # let _candor = candor::init(config)?;
    /// // The person agreed to an earlier version. This one would do more.
    /// let prompt = consent::prompt(USAGE)?;
    /// let answers = match prompt.is_about_more() {
    ///     true => ["Extend", "Keep as before", "Stop it all"],    // `yes`, `no`, `stop`
    ///     false => ["Send", "Don't send", "Ask me later"],        // `yes`, `no`, `later`
    /// };
    /// # assert_eq!(answers[0], "Extend");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_about_more(&self) -> bool {
        self.widens
    }

    /// Whether [`later`](Prompt::later) may still be offered. It works twice.
    ///
    /// ```standalone_crate
    /// use candor::consent;
    /// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let _candor = candor::init(config)?;
    /// let prompt = consent::prompt(USAGE)?;
    /// let answers: &[&str] = if prompt.can_wait() { &["Send", "Don't send", "Ask me later"] } else { &["Send", "Don't send"] };
    /// # assert_eq!(answers.len(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn can_wait(&self) -> bool {
        self.later
    }

    /// Records a grant with the notice that was shown. `via` says where the person answered, such as `first start`.
    ///
    /// ```standalone_crate
    /// use candor::consent;
    /// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let _candor = candor::init(config)?;
    /// let prompt = consent::prompt(USAGE)?;
    /// println!("{}", prompt.notice());
    /// let receipt = prompt.yes("first start")?;
    /// assert_eq!((receipt.decision, receipt.via.as_deref()), (consent::Decision::Granted, Some("first start")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    /// ```standalone_crate
    /// use candor::consent;
    /// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let _candor = candor::init(config)?;
    /// let prompt = consent::prompt(USAGE)?;
    /// println!("{}", prompt.notice());
    /// assert_eq!(prompt.no()?.decision, consent::Decision::Denied);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Same as [`deny`](crate::consent::deny).
    pub fn no(mut self) -> Result<Receipt, Error> {
        self.answered = true;
        self.told(self.decline())
    }

    /// Defers the question: the program may ask again after a month. The third time this counts as a refusal.
    ///
    /// ```standalone_crate
    /// use candor::consent;
    /// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let _candor = candor::init(config)?;
    /// let prompt = consent::prompt(USAGE)?;
    /// println!("{}", prompt.notice());
    /// assert_eq!(prompt.later()?.decision, consent::Decision::Deferred);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Same as [`defer`](crate::consent::defer).
    pub fn later(mut self) -> Result<Receipt, Error> {
        self.answered = true;
        self.told(self.client.defer(self.scope))
    }

    /// Withdraws what the person had consented to. If there was no consent, this is a refusal.
    ///
    /// ```standalone_crate
    /// use candor::consent;
    /// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let earlier = candor::Client::new(config.clone().endpoint("http://localhost:4317"))?;
    /// # earlier.grant(USAGE)?;
    /// # drop(earlier);
    /// # let _candor = candor::init(config)?;
    /// // The person agreed to an earlier version. This one would do more.
    /// let prompt = consent::prompt(USAGE)?;
    /// println!("{}", prompt.notice());
    /// assert_eq!(prompt.stop()?.decision, consent::Decision::Withdrawn);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
            // There is nobody to tell. A refusal that could not be written is retried.
            let _ = self.told(self.decline());
        }
    }
}
