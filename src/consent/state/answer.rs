//! The status of a scope, and a person's grant as a program reports it. Plain data: nothing here reads, writes or decides.

use crate::clean;
use crate::consent::{agreement::compatibility::Change, agreement::notice::Notice, agreement::scope::Scope};

/// The state of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// The person has not granted, refused or deferred. The disk holds nothing about the scope, or only what a question without
    /// an answer left: a note that it was shown, a lock, a text.
    NeverAsked,
    /// The person granted it, and the grant is in force.
    Granted,
    /// The person refused.
    Denied,
    /// The person chose "later".
    Deferred,
    /// The person granted it and withdrew the grant.
    Withdrawn,
    /// The program revoked a grant: [`revoke`](crate::consent::revoke).
    Revoked,
    /// The person granted it, and the last day of the grant is over: closed. Its pending data is destroyed when the new day
    /// begins, at the program's next start, or when the person is asked again.
    Expired,
    /// The person granted something other than what this build would do. Until they are asked again, the build is limited to what
    /// they agreed to, or, if that is not possible, the scope is closed: [`Status::is_open`] says which, [`Status::changes`] says
    /// why.
    Superseded,
    /// The records are missing, damaged or not trustworthy: closed until the person is asked again. Or they can't be read at
    /// present: closed until they can, see [`Status::trouble`].
    Unreadable,
}

impl State {
    /// The state in the words of an error message: "scope … was refused".
    pub(crate) fn past(self) -> &'static str {
        match self {
            State::NeverAsked => "never asked about",
            State::Granted => "granted",
            State::Denied => "refused before",
            State::Deferred => "put off to later",
            State::Revoked => "ended by this program",
            State::Withdrawn => "withdrawn before",
            State::Expired => "granted for a time that is over",
            State::Superseded => "granted for something else than this build would do",
            State::Unreadable => "decided about in records that are lost or damaged",
        }
    }
}

/// The state of a scope, since when it holds, and what blocks it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Status {
    /// The person's own decision.
    pub state: State,
    /// When it was made, in UTC (RFC 3339); `None` if the person was never asked.
    pub since: Option<String>,
    /// What closes the scope regardless of the person's decision, such as an environment variable or an administrator's rule.
    pub blocked_by: Option<String>,
    /// What administrators' rules remove, coarsen or shorten, and which rule does so, in words.
    pub limited_by: Vec<String>,
    /// Files next to administrators' rules that may be meant as rules but are ignored, because their names don't end in `.json`
    /// or begin with a dot: `a.JSON`, `a.json~`, `.a.json`.
    pub ignored_rules: Vec<String>,
    /// The fields, as `event.field`, that the person switched off.
    pub switched_off: Vec<String>,
    /// Whether the program asked in its own words, which candor has not compared with the contract.
    pub own_words: bool,
    /// How many times since it started the program reported a grant without a notice where only a newly shown notice opens the
    /// scope: after a refusal, a withdrawal or a change. Each was rejected.
    pub refused_grants: u64,
    /// Why the records can't be used, if they can't. If they can't be read at present (the message names the file and the
    /// system's error), the scope is closed until they can; reading is retried soon. For an open scope: why its data can't be
    /// written to disk at present, or is not sent, if that is the case. Or that no answer can be stored, as far as this can be
    /// known without writing to the disk.
    pub trouble: Option<String>,
    /// The last UTC day of a grant that is in force.
    pub until: Option<String>,
    /// Whether events of the scope are recorded at present.
    pub(in crate::consent) open: bool,
    /// How this build differs from what the person agreed to.
    pub changes: Vec<Change>,
}

impl Status {
    /// The status of a scope about which nothing is known.
    pub(crate) fn unknown(trouble: impl Into<String>) -> Self {
        let state = State::Unreadable;
        Status {
            state,
            since: None,
            blocked_by: None,
            limited_by: Vec::new(),
            ignored_rules: Vec::new(),
            switched_off: Vec::new(),
            own_words: false,
            refused_grants: 0,
            trouble: Some(trouble.into()),
            until: None,
            open: false,
            changes: Vec::new(),
        }
    }

    /// Whether events of the scope are recorded at present.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }
}

/// A person's grant as a program reports it: the scope, and how the person was asked.
///
/// A plain [`Scope`] converts into a grant that says "not recorded how". [`Scope::shown`] makes one that says more.
///
/// ```standalone_crate
/// use candor::consent;
/// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
/// # const CONTROLLER: Controller = Controller {
/// #     legal_name: "Example SAS", address: "Paris", country: "FR", contact: "privacy@example.org",
/// #     data_protection_officer: None, authority: None, processors: &[], hosting_countries: &["FR"],
/// #     transfer_safeguard: None, onward_sharing: &[], address_log: AddressLog::NotKept, erasure: Erasure::Unsupported,
/// # };
/// # candor::scope! {
/// #     /// Find out how many shelves people use, so that the common case is fast.
/// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
/// #         benefit: "Faster lists", other_uses: none }
/// # }
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
/// # let _candor = candor::init(config)?;
/// let receipt = consent::grant(USAGE)?;
/// assert_eq!(receipt.via, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Grant {
    pub(crate) scope: Scope,
    pub(crate) shown: Option<Notice>,
    /// The question in the program's own words, and its language.
    pub(crate) own_words: Option<(String, String)>,
    pub(crate) via: Option<String>,
    /// Whether the person picked the language of the notice.
    pub(crate) picked: bool,
}

impl From<Scope> for Grant {
    fn from(scope: Scope) -> Self {
        Grant { scope, shown: None, own_words: None, via: None, picked: false }
    }
}

impl Scope {
    /// A grant after this notice was shown in full. The notice is stored with the grant.
    ///
    /// ```standalone_crate
    /// use candor::consent;
    /// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller {
    /// #     legal_name: "Example SAS", address: "Paris", country: "FR", contact: "privacy@example.org",
    /// #     data_protection_officer: None, authority: None, processors: &[], hosting_countries: &["FR"],
    /// #     transfer_safeguard: None, onward_sharing: &[], address_log: AddressLog::NotKept, erasure: Erasure::Unsupported,
    /// # };
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let _candor = candor::init(config)?;
    /// let notice = consent::notice(USAGE)?;
    /// println!("{notice}");                      // show all of it, and when the person says yes:
    /// let receipt = consent::grant(USAGE.shown(&notice).via("settings/privacy"))?;
    /// assert_eq!(receipt.notice.as_deref(), Some(notice.text()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn shown(self, notice: &Notice) -> Grant {
        Grant { scope: self, shown: Some(notice.clone()), own_words: None, via: None, picked: false }
    }

    /// A grant after the program asked in its own words: the text as it was shown, and its language as an IETF tag.
    ///
    /// The text is stored with the grant and marked as not checked; the person's page says so. It opens a scope only where a
    /// plain scope would: after a refusal or a withdrawal, only candor's own notice opens the scope again.
    ///
    /// ```standalone_crate
    /// use candor::consent;
    /// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller {
    /// #     legal_name: "Example SAS", address: "Paris", country: "FR", contact: "privacy@example.org",
    /// #     data_protection_officer: None, authority: None, processors: &[], hosting_countries: &["FR"],
    /// #     transfer_safeguard: None, onward_sharing: &[], address_log: AddressLog::NotKept, erasure: Erasure::Unsupported,
    /// # };
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let _candor = candor::init(config)?;
    /// let question = "May we count your shelves, to make lists faster? We delete the counts after 30 days.";
    /// consent::grant(USAGE.asked_in_own_words(question, "en").via("first start"))?;
    /// assert!(consent::status(USAGE)?.own_words);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn asked_in_own_words(self, text: &str, language: &str) -> Grant {
        let language = language.chars().filter(char::is_ascii_graphic).take(35).collect();
        Grant { scope: self, shown: None, own_words: Some((text.to_owned(), language)), via: None, picked: false }
    }
}

impl Grant {
    /// Records where the person granted consent, such as `settings/privacy`: at most 64 characters, stored on this computer.
    ///
    /// ```standalone_crate
    /// use candor::consent;
    /// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller {
    /// #     legal_name: "Example SAS", address: "Paris", country: "FR", contact: "privacy@example.org",
    /// #     data_protection_officer: None, authority: None, processors: &[], hosting_countries: &["FR"],
    /// #     transfer_safeguard: None, onward_sharing: &[], address_log: AddressLog::NotKept, erasure: Erasure::Unsupported,
    /// # };
    /// # candor::scope! {
    /// #     /// Find out how many shelves people use, so that the common case is fast.
    /// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
    /// #         benefit: "Faster lists", other_uses: none }
    /// # }
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// # let _candor = candor::init(config)?;
    /// # let notice = consent::notice(USAGE)?;
    /// let receipt = consent::grant(USAGE.shown(&notice).via("settings/privacy"))?;
    /// assert_eq!(receipt.via.as_deref(), Some("settings/privacy"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn via(mut self, control: &str) -> Self {
        self.via = Some(short(control));
        self
    }

    /// Records that the person picked the language of the notice, which differs from the language of the program's interface.
    ///
    /// ```standalone_crate
    /// use candor::consent;
    /// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller {
    /// #     legal_name: "Example SAS", address: "Paris", country: "FR", contact: "privacy@example.org",
    /// #     data_protection_officer: None, authority: None, processors: &[], hosting_countries: &["FR"],
    /// #     transfer_safeguard: None, onward_sharing: &[], address_log: AddressLog::NotKept, erasure: Erasure::Unsupported,
    /// # };
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
    /// let notice = consent::notice_in(USAGE, "fr")?;         // the interface is in English, and the person picked French
    /// assert!(consent::grant(USAGE.shown(&notice)).unwrap_err().needs_language());
    /// let receipt = consent::grant(USAGE.shown(&notice).language_picked())?;
    /// assert_eq!(receipt.language.as_deref(), Some("fr"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn language_picked(mut self) -> Self {
        self.picked = true;
        self
    }
}

/// A short text from the program, without misleading characters and cut to 64 characters for the record.
pub(crate) fn short(text: &str) -> String {
    text.chars().filter(|c| !clean::misleads(*c)).take(64).collect()
}
