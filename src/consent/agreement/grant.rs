//! A person's grant as a program reports it: of which scope, after which notice, and where it was given. Nothing here decides
//! whether the grant opens the scope.

use crate::clean::short;
use crate::consent::{agreement::contract::Contract, agreement::notice::Notice, agreement::scope::Scope};
use crate::error::Error;
use crate::error::Kind;

/// A person's grant as a program reports it: the scope, and how the person was asked.
///
/// A plain [`Scope`] converts into a grant that says "not recorded how". [`Scope::shown`] makes one that says more.
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

    /// The notice that this grant is about: the one that was shown, or the one that would have been shown if the program reports
    /// none.
    ///
    /// # Errors
    /// The shown notice is of another scope; this build would not show that text; or its language is neither the interface's
    /// nor one that the person picked.
    pub(crate) fn agreed_notice(&self, contract: &Contract) -> Result<Notice, Error> {
        let Some(shown) = &self.shown else { return Ok(contract.notice_or_own()) };
        let scope = contract.scope.name();
        if shown.scope != contract.scope {
            return Err(Kind::OtherScope {
                scope,
                scope_const: contract.scope.constant(),
                shown: shown.scope.name(),
                shown_const: shown.scope.constant(),
            }
            .into());
        }
        if !contract.notices().any(|fresh| fresh == *shown) {
            return Err(Kind::StaleNotice { scope: scope.into() }.into());
        }
        let interface = contract.party.languages.of_interface();
        let in_interface = interface.is_ok_and(|spoken| spoken.locale.tag().as_str() == shown.language());
        if !in_interface && !self.picked {
            return Err(Kind::OtherLanguage {
                scope: scope.into(),
                scope_const: contract.scope.constant().into(),
                shown: shown.language().into(),
                interface: contract.party.languages.interface().to_string(),
            }
            .into());
        }
        Ok(shown.clone())
    }
}
