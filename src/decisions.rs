//! Public functions that record and read consent decisions, such as `consent::grant(scope)`.
//!
//! Each function calls the method of the same name of the process-wide [`Client`](crate::Client). This module holds no state and
//! makes no decision of its own.

pub use crate::prompt::Prompt;
use crate::{
    consent::{ErasureStatus, Grant, MayAsk, Notice, Receipt, Receipts, Scope, Status, Undeclared},
    error::Error,
    global::client,
};

/// Records that the person consented to this scope. From then on its events are recorded, and sent when they are due.
///
/// Returns the receipt of the grant. Granting a scope that is already granted changes nothing.
///
/// By calling this, the application attests that the person acted. A bare `grant(scope)` is recorded as "not recorded how";
/// `grant(scope.shown(&notice).via("settings/privacy"))` also records the notice and the place. The decision is written to disk
/// durably, which takes about 10 ms: do not call this on a UI thread.
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
/// println!("{notice}");                           // show all of it, and when the person says yes:
/// let receipt = consent::grant(USAGE.shown(&notice).via("settings/privacy"))?;
/// assert_eq!(receipt.decision, consent::Decision::Granted);
/// assert!(consent::status(USAGE)?.is_open());     // events are recorded from now on
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// - [`Error::needs_notice`]: the person refused or withdrew before, or agreed to something else. Show the notice again and grant
///   with it.
/// - [`Error::needs_language`]: the notice is in another language than the program's interface, and the call does not say that
///   the person picked that language. Nothing was recorded.
/// - [`Error::is_blocked`]: the environment or the audience blocks the scope. Nothing was recorded.
/// - [`Error::is_store`]: the grant could not be written, or the store is not one that this program may use. The scope stays
///   closed.
/// - [`Error::is_configuration`]: `candor::init` was not called, or the scope is not registered.
pub fn grant(grant: impl Into<Grant>) -> Result<Receipt, Error> {
    client()?.grant(grant.into())
}

/// Records that the person refused. If the person had consented before, this is a withdrawal.
///
/// Works while something blocks the scope. Returns the receipt of the decision.
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
/// let receipt = consent::deny(USAGE)?;            // the person chose "Don't send"
/// assert_eq!(receipt.decision, consent::Decision::Denied);
/// // From now on only a grant with a notice opens the scope.
/// assert!(consent::grant(USAGE).unwrap_err().needs_notice());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Same as [`withdraw`].
pub fn deny(scope: Scope) -> Result<Receipt, Error> {
    client()?.deny(scope)
}

/// Withdraws a grant: nothing more is recorded or sent, and pending data is destroyed.
///
/// Returns the receipt. It says whether the withdrawal is confirmed: it was read back from the disk, and no process that shares the
/// store can send any more of this scope. The call waits at most half a second for that. Before that it waits at most 1.5 s for another process that is deciding.
///
/// What was sent before stays in the sent log, for the person to read. [`delete_sent`] removes it; [`erase`] asks the recipient
/// to delete its copy.
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
/// # consent::grant(USAGE)?;
/// let receipt = consent::withdraw(USAGE)?;
/// assert!(receipt.confirmed);                     // no process can send another byte of it
/// assert!(receipt.destroyed.complete);            // and nothing of it is pending
/// println!("{receipt}");                          // show it, and let the person save it
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::is_store`]: neither the decision nor a tombstone, a small file that closes the scope, could be written. Even then this
/// process no longer records or sends. The withdrawal is retried until it is written.
pub fn withdraw(scope: Scope) -> Result<Receipt, Error> {
    client()?.withdraw(scope)
}

/// Returns the current state of a scope, for a settings page. Do not make any feature of the program depend on it.
///
/// Writes nothing as long as nothing has changed. It looks at administrators' rules and at the records. If a rule is new or gone, if
/// a grant is past its last day, or if another process ended a grant, then what follows is carried out before this returns: the
/// decision is written, and the data that may not be sent any more is destroyed. Maintenance that is pending is begun as well. The
/// [manifest](crate::manifest()) does the same.
///
/// ```standalone_crate
/// use candor::consent::{self, State};
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
/// assert_eq!(consent::status(USAGE)?.state, State::NeverAsked);
/// consent::grant(USAGE)?;                         // the person said yes
/// let status = consent::status(USAGE)?;
/// assert_eq!(status.state, State::Granted);       // the person's decision
/// assert!(status.is_open());                      // whether events are recorded at present
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `candor::init` was not called, or the scope is not registered.
pub fn status(scope: Scope) -> Result<Status, Error> {
    client()?.status(scope)
}

/// Returns the text to show a person before they decide. It is made from the scopes and events that are linked into this program,
/// in the [language of its interface](crate::Config::interface_language).
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
/// println!("{notice}");                           // show all of it
/// assert!(notice.text().contains("Faster lists"));
/// assert_eq!(notice.language(), "en");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// - [`Error::needs_language`]: there is no notice in that language. Let the person pick one of [`languages`].
/// - [`Error::is_configuration`]: `candor::init` was not called, or the scope is not registered.
pub fn notice(scope: Scope) -> Result<Notice, Error> {
    client()?.notice(scope)
}

/// Returns the notice in a language that the person picked.
///
/// `language` is a BCP 47 tag. `fr-CA` returns the notice in `fr` if there is none for Canada; `pt` returns the one in `pt-BR` if
/// there is no other. If the language is not that of the interface, grant with [`language_picked`](Grant::language_picked).
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
/// let notice = consent::notice_in(USAGE, "fr-CA")?;
/// assert_eq!(notice.language(), "fr");            // there is none for Canada
/// assert!(consent::notice_in(USAGE, "de").unwrap_err().needs_language());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Same as [`notice`].
pub fn notice_in(scope: Scope, language: &str) -> Result<Notice, Error> {
    client()?.notice_in(scope, language)
}

/// Returns the languages in which notices are available, as BCP 47 tags in alphabetical order.
///
/// These are the language that this program's texts are written in and those it brings a [`Translation`](crate::Translation) for.
/// Show each language by its own name.
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
/// // The program is written in English and brings a translation into French.
/// assert_eq!(consent::languages()?, ["en", "fr"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `candor::init` was not called.
pub fn languages() -> Result<Vec<String>, Error> {
    Ok(client()?.languages())
}

/// Returns the receipt of the last decision about a scope. Writes nothing.
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
/// assert!(consent::receipt(USAGE).is_err());      // there was no decision
/// consent::grant(USAGE.shown(&consent::notice(USAGE)?).via("first start"))?;
/// let receipt = consent::receipt(USAGE)?;
/// assert_eq!(receipt.via.as_deref(), Some("first start"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// There was no decision, or the records can't be read.
pub fn receipt(scope: Scope) -> Result<Receipt, Error> {
    client()?.receipt(scope)
}

/// Returns every decision of this store, oldest first, with the texts they refer to: for the person to keep, and for [`verify`].
///
/// Writes nothing. The export is never sent. Only the program writes it to a file, where the person wants it.
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
/// consent::grant(USAGE)?;                         // the person said yes
/// consent::withdraw(USAGE)?;                      // and changed their mind
/// let receipts = consent::receipts()?;
/// assert_eq!(receipts.len(), 2);
/// assert!(consent::verify(&receipts.to_json(), &[]).is_sound());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `candor::init` was not called, or the history can't be read ([`Error::is_store`]). Records that can be read but can't be
/// relied on are not an error: the export reports them.
///
/// [`verify`]: crate::consent::verify()
pub fn receipts() -> Result<Receipts, Error> {
    client()?.receipts()
}

/// Deletes everything that this computer keeps of what a scope sent: the contents, and the random numbers that name the records
/// for [`erase`].
///
/// Afterwards none of those records can be named for erasure; only how many records were sent is still known. The recipient's
/// copy is not affected. Erasure requests made before continue.
///
/// When a person withdraws, offer this beside keeping the data, with equal weight. [`discard_contents`] is an option between
/// the two.
///
/// ```standalone_crate
/// use candor::consent;
/// # use candor::{AddressLog, Answer, Audience, Config, Controller, Erasure, Parcel, SendError, Transport};
/// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
/// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
/// #     .erasure(Erasure::WithinDays(30));
/// # candor::scope! {
/// #     /// Find out how many shelves people use, so that the common case is fast.
/// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
/// #         benefit: "Faster lists", other_uses: none }
/// # }
/// # /// The library was opened.
/// # #[derive(candor::Event)]
/// # #[event(name = "library.opened", scope = USAGE, linkage = none)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # struct Receiver;
/// # impl Transport for Receiver {
/// #     fn send(&self, _: Parcel<'_>) -> Result<Answer, SendError> {
/// #         Ok(Answer::Accepted { rejected: 0 })
/// #     }
/// # }
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).transport("nobody", Receiver);
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
/// # let _candor = candor::init(config)?;
/// # consent::grant(USAGE)?;
/// # candor::record_durable(LibraryOpened { shelves: 7 });
/// # assert_eq!(candor::flush(std::time::Duration::from_secs(5))?.records, 1);
/// assert_eq!(consent::erasures(USAGE)?.nameable, 1);      // one record was sent
/// consent::delete_sent(USAGE)?;
/// let status = consent::erasures(USAGE)?;
/// assert_eq!(status.left, 1);                             // the recipient still has it
/// assert_eq!(status.nameable, 0);                         // and nothing here can name it any more
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The deletion could not be written. If the request was written but not all of the data was deleted, the rest is deleted before
/// anything more of the scope is sent.
pub fn delete_sent(scope: Scope) -> Result<(), Error> {
    client()?.delete_sent(scope)
}

/// Records "ask me later": nothing is recorded or sent, and the program may ask again after a month.
///
/// Works twice; the third time it counts as a refusal. If the person agreed to less before, that agreement stays in force. After
/// a refusal or a withdrawal this changes nothing.
///
/// ```standalone_crate
/// use candor::consent::{self, MayAsk, State};
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
/// consent::defer(USAGE)?;                         // the person chose "Ask me later"
/// assert_eq!(consent::status(USAGE)?.state, State::Deferred);
/// if let MayAsk::No { not_before: Some(when), .. } = consent::may_ask(USAGE)? {
///     println!("The program may ask again from {when} on.");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// - [`Error::is_store`]: the answer could not be written. It is not a refusal and is not retried.
/// - [`Error::needs_notice`]: the earlier decision is lost, and it may have been a refusal.
/// - [`Error::is_configuration`]: `candor::init` was not called, or the scope is not registered.
pub fn defer(scope: Scope) -> Result<Receipt, Error> {
    client()?.defer(scope)
}

/// Records that a person who was asked for more keeps to what they agreed to. The build is limited to that, or stays off, and the
/// person is not asked about this contract again.
///
/// ```standalone_crate
/// use candor::consent::{self, State};
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
/// assert_eq!(consent::status(USAGE)?.state, State::Superseded);
/// let receipt = consent::keep(USAGE)?;            // they chose "Keep as before"
/// assert_eq!(receipt.decision, consent::Decision::Kept);
/// assert!(!consent::may_ask(USAGE)?.is_yes());    // they are not asked about this again
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The scope is not granted, or the decision could not be written.
pub fn keep(scope: Scope) -> Result<Receipt, Error> {
    client()?.keep(scope)
}

/// Revokes a grant on the program's own initiative, with the reason in a few words: a notice that was wrong, a key that leaked,
/// an account that moved.
///
/// Takes effect as fast as [`withdraw`]. The person may be asked again.
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
/// # consent::grant(USAGE)?;
/// let receipt = consent::revoke(USAGE, "the notice named the wrong recipient")?;
/// assert_eq!(receipt.decision, consent::Decision::Revoked);
/// assert!(!consent::status(USAGE)?.is_open());
/// assert!(consent::may_ask(USAGE)?.is_yes());     // the person did not refuse
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Same as [`withdraw`], and the scope is not granted. Unlike the person's own decisions, a revocation that failed is not retried
/// automatically: the program must call this again.
pub fn revoke(scope: Scope, why: &str) -> Result<Receipt, Error> {
    client()?.revoke(scope, why)
}

/// Switches off one field of a granted scope. `field` is `event.field`.
///
/// Pending data of the scope is destroyed. Afterwards its events are recorded without the field, until [`switch_on`].
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
/// # /// The library was opened.
/// # #[derive(candor::Event)]
/// # #[event(name = "library.opened", scope = USAGE, linkage = rollup)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
/// # let _candor = candor::init(config)?;
/// # consent::grant(USAGE)?;
/// consent::switch_off(USAGE, "library.opened.shelves")?;
/// assert_eq!(consent::status(USAGE)?.switched_off, ["library.opened.shelves"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The scope is not granted; it has no such field ([`Error::is_configuration`]); or the decision could not be written, in which
/// case nothing has changed.
pub fn switch_off(scope: Scope, field: &str) -> Result<Receipt, Error> {
    client()?.switch_off(scope, field)
}

/// Switches one field of a granted scope on again, after [`switch_off`]. `field` is `event.field`.
///
/// Pending data of the scope is destroyed. Afterwards the field is reported as agreed.
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
/// # /// The library was opened.
/// # #[derive(candor::Event)]
/// # #[event(name = "library.opened", scope = USAGE, linkage = rollup)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
/// # let _candor = candor::init(config)?;
/// # consent::grant(USAGE)?;
/// consent::switch_off(USAGE, "library.opened.shelves")?;
/// consent::switch_on(USAGE, "library.opened.shelves")?;
/// assert!(consent::status(USAGE)?.switched_off.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Same as [`switch_off`].
pub fn switch_on(scope: Scope, field: &str) -> Result<Receipt, Error> {
    client()?.switch_on(scope, field)
}

/// Records that the person wants to be asked when a version would do more than they agreed to. That is the default: they are
/// asked once for each such version. Undoes [`stop_asking_about_widenings`].
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
/// consent::stop_asking_about_widenings()?;
/// consent::ask_about_widenings()?;                // the person chose "Ask me about such changes again"
/// assert!(consent::may_ask(USAGE)?.is_yes());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The choice could not be written.
pub fn ask_about_widenings() -> Result<(), Error> {
    client()?.ask_about_widenings()
}

/// Records that the person does not want to be asked when a version would do more than they agreed to.
///
/// From then on the program is limited to what was agreed, and [`may_ask`] answers that it may not ask about more. Applies to
/// every scope, until [`ask_about_widenings`].
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
/// assert!(consent::may_ask(USAGE)?.is_yes());
/// consent::stop_asking_about_widenings()?;        // the person chose "Don't ask me about such changes"
/// assert!(!consent::may_ask(USAGE)?.is_yes());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The choice could not be written.
pub fn stop_asking_about_widenings() -> Result<(), Error> {
    client()?.stop_asking_about_widenings()
}

/// Returns whether the program may ask about a scope now, on its own initiative. It does not apply to a page that the person
/// opens. If administrators' rules have changed, what follows is carried out as by [`status`].
///
/// Ask through [`prompt`]. A question that is shown in another way and closed without a call of [`deny`] is not recorded, and
/// would be shown again at every start.
///
/// ```standalone_crate
/// use candor::consent::{self, MayAsk};
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
/// assert!(consent::may_ask(USAGE)?.is_yes());
/// consent::deny(USAGE)?;
/// if let MayAsk::No { why, .. } = consent::may_ask(USAGE)? {
///     println!("Not asked: {}.", why.describe());
/// }
/// # assert!(!consent::may_ask(USAGE)?.is_yes());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `candor::init` was not called, or the scope is not registered.
pub fn may_ask(scope: Scope) -> Result<MayAsk, Error> {
    client()?.may_ask(scope)
}

/// Starts asking the person whether they agree, if the program [may ask](may_ask). Returns the open question.
///
/// Only one question may be open at a time, and only one is asked in each run of the program. Waits at most 1.5 s for another
/// process that is deciding.
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
/// println!("{}", prompt.notice());                // show all of it, with answers of equal weight
/// let receipt = prompt.yes("first start")?;       // or `no`, or `later`
/// assert_eq!(receipt.decision, consent::Decision::Granted);
/// assert!(consent::prompt(USAGE).unwrap_err().may_not_ask());     // one question in each run of the program
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::may_not_ask`]: the program may not ask now; show nothing. Also the errors of [`may_ask`].
pub fn prompt(scope: Scope) -> Result<Prompt<'static>, Error> {
    client()?.prompt(scope)
}

/// Keeps the contents of what a scope sends on this computer from now on, for the person to read. That is the default. Undoes
/// [`discard_contents`]; contents that were deleted do not come back.
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
/// # consent::grant(USAGE)?;
/// consent::discard_contents(USAGE)?;
/// assert!(!candor::manifest()?.scope(USAGE).unwrap().keeps_contents);
/// consent::keep_contents(USAGE)?;
/// assert!(candor::manifest()?.scope(USAGE).unwrap().keeps_contents);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The change could not be written.
pub fn keep_contents(scope: Scope) -> Result<(), Error> {
    client()?.keep_contents(scope)
}

/// Deletes the contents of what a scope sent from this computer, and keeps none from now on, whatever else is decided about the
/// scope.
///
/// Two things stay: when something was sent, how much, and under which decision; and, for as long as the recipient's retention
/// lasts, the records' random numbers, so that they can still be named for [`erase`]. [`delete_sent`] deletes those as well.
///
/// ```standalone_crate
/// use candor::consent;
/// # use candor::{AddressLog, Answer, Audience, Config, Controller, Erasure, Parcel, SendError, Transport};
/// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
/// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
/// #     .erasure(Erasure::WithinDays(30));
/// # candor::scope! {
/// #     /// Find out how many shelves people use, so that the common case is fast.
/// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
/// #         benefit: "Faster lists", other_uses: none }
/// # }
/// # /// The library was opened.
/// # #[derive(candor::Event)]
/// # #[event(name = "library.opened", scope = USAGE, linkage = none)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # struct Receiver;
/// # impl Transport for Receiver {
/// #     fn send(&self, _: Parcel<'_>) -> Result<Answer, SendError> {
/// #         Ok(Answer::Accepted { rejected: 0 })
/// #     }
/// # }
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).transport("nobody", Receiver);
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
/// # let _candor = candor::init(config)?;
/// # consent::grant(USAGE)?;
/// # candor::record_durable(LibraryOpened { shelves: 7 });
/// # assert_eq!(candor::flush(std::time::Duration::from_secs(5))?.records, 1);
/// assert!(!candor::manifest()?.scope(USAGE).unwrap().sent[0].body.is_empty());
/// consent::discard_contents(USAGE)?;
/// assert!(candor::manifest()?.scope(USAGE).unwrap().sent[0].body.is_empty());     // deleted
/// assert_eq!(consent::erasures(USAGE)?.nameable, 1);                              // can still be erased
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The change could not be written. If the choice was written but not all contents were deleted, the next start deletes the rest.
pub fn discard_contents(scope: Scope) -> Result<(), Error> {
    client()?.discard_contents(scope)
}

/// Returns the grants for scopes that this program does not declare: scopes of an earlier version, or of another program that
/// shares the records.
///
/// Writes nothing. Nothing of such a scope is recorded or sent here. Show these grants beside the program's own, as the manifest does, and offer
/// [`withdraw_undeclared`].
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
/// for grant in consent::undeclared()? {
///     println!("{}: granted {}", grant.name, grant.since);    // offer to withdraw it
/// }
/// # assert!(consent::undeclared()?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `candor::init` was not called, or the records can't be relied on ([`Error::is_store`]), in which case no grant is in force.
pub fn undeclared() -> Result<Vec<Undeclared>, Error> {
    client()?.undeclared()
}

/// Withdraws the grant for a scope that this program does not declare, by its name. Stops every process that declares the scope,
/// as [`withdraw`] does, and destroys the pending data here.
///
/// If you remove a scope from a program, it is better to keep its `scope!` without events for as long as a grant is valid. Then
/// what the scope sent can also be erased.
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
/// for grant in consent::undeclared()? {
///     let receipt = consent::withdraw_undeclared(&grant.name)?;
///     println!("{receipt}");
/// }
/// // For a scope of the program itself, call `withdraw`.
/// assert!(consent::withdraw_undeclared("usage").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// - There is no grant for such a scope.
/// - This program declares the scope: call [`withdraw`] instead.
/// - [`Error::is_store`]: the withdrawal could not be made durable. Nothing is closed.
pub fn withdraw_undeclared(name: &str) -> Result<Receipt, Error> {
    client()?.withdraw_undeclared(name)
}

/// Records that the person asks the recipient to delete what this scope sent. Works whether or not the scope is granted.
///
/// It does not withdraw the grant. To stop as well, call [`withdraw`] first: data that is still pending is not named in the
/// request.
///
/// For each request that was sent, one erasure request will be sent. It holds the random numbers of the records and nothing else
/// about the person. Each is sent at a random moment of its own within seven days, while the program runs: a burst of them would
/// tell the recipient which reports are from one person. They are durable, and
/// each is retried until the receiver has acknowledged it, has refused it ten times, or has not answered for 30 days. If the
/// recipient's retention ends before it could be sent, it is closed unsent.
/// [`erasures`] and the manifest show the outcome. Calling this again covers only records that were not asked for before, or
/// whose request was given up. Nothing is sent while something blocks.
///
/// Tell the person about this before they decide, with two answers of equal weight: [`ErasureStatus::question`].
///
/// ```standalone_crate
/// use candor::consent::{self, ErasureState};
/// # use candor::{AddressLog, Answer, Audience, Config, Controller, Erasure, Parcel, SendError, Transport};
/// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
/// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
/// #     .erasure(Erasure::WithinDays(30));
/// # candor::scope! {
/// #     /// Find out how many shelves people use, so that the common case is fast.
/// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
/// #         benefit: "Faster lists", other_uses: none }
/// # }
/// # /// The library was opened.
/// # #[derive(candor::Event)]
/// # #[event(name = "library.opened", scope = USAGE, linkage = none)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # struct Receiver;
/// # impl Transport for Receiver {
/// #     fn send(&self, _: Parcel<'_>) -> Result<Answer, SendError> {
/// #         Ok(Answer::Accepted { rejected: 0 })
/// #     }
/// # }
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).transport("nobody", Receiver);
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
/// # let _candor = candor::init(config)?;
/// # consent::grant(USAGE)?;
/// # candor::record_durable(LibraryOpened { shelves: 7 });
/// # assert_eq!(candor::flush(std::time::Duration::from_secs(5))?.records, 1);
/// let question = consent::erasures(USAGE)?.question();
/// println!("{}", question.unwrap_or_default());   // show it, with a yes and a no that look alike
/// let status = consent::erase(USAGE)?;            // the person said yes
/// assert_eq!(status.requests[0].records, 1);
/// assert_eq!(status.requests[0].state, ErasureState::Pending);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// - [`Error::cannot_erase`]: the recipient can't delete single records. The message says when they expire.
/// - [`Error::is_store`]: the erasure request could not be written. Nothing was asked for.
/// - `candor::init` was not called, or the scope is not registered.
pub fn erase(scope: Scope) -> Result<ErasureStatus, Error> {
    client()?.erase(scope)
}

/// Cancels what was asked for with [`erase`] and is still pending, immediately and in every process that shares the store. A
/// request that a receiver has accepted can't be cancelled.
///
/// ```standalone_crate
/// use candor::consent;
/// # use candor::{AddressLog, Answer, Audience, Config, Controller, Erasure, Parcel, SendError, Transport};
/// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
/// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
/// #     .erasure(Erasure::WithinDays(30));
/// # candor::scope! {
/// #     /// Find out how many shelves people use, so that the common case is fast.
/// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
/// #         benefit: "Faster lists", other_uses: none }
/// # }
/// # /// The library was opened.
/// # #[derive(candor::Event)]
/// # #[event(name = "library.opened", scope = USAGE, linkage = none)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # struct Receiver;
/// # impl Transport for Receiver {
/// #     fn send(&self, _: Parcel<'_>) -> Result<Answer, SendError> {
/// #         Ok(Answer::Accepted { rejected: 0 })
/// #     }
/// # }
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).transport("nobody", Receiver);
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
/// # let _candor = candor::init(config)?;
/// # consent::grant(USAGE)?;
/// # candor::record_durable(LibraryOpened { shelves: 7 });
/// # assert_eq!(candor::flush(std::time::Duration::from_secs(5))?.records, 1);
/// assert_eq!(consent::erase(USAGE)?.requests.len(), 1);
/// let status = consent::cancel_erasure(USAGE)?;   // the person changed their mind in time
/// assert!(status.requests.is_empty());
/// assert_eq!(status.nameable, 1);                 // they may ask for it later
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The cancellation could not be written.
pub fn cancel_erasure(scope: Scope) -> Result<ErasureStatus, Error> {
    client()?.cancel_erasure(scope)
}

/// Returns how much of what a scope sent can be named for [`erase`], what was asked for, and the outcome. Writes nothing.
///
/// ```standalone_crate
/// use candor::consent;
/// # use candor::{AddressLog, Answer, Audience, Config, Controller, Erasure, Parcel, SendError, Transport};
/// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
/// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
/// #     .erasure(Erasure::WithinDays(30));
/// # candor::scope! {
/// #     /// Find out how many shelves people use, so that the common case is fast.
/// #     pub USAGE = "usage" { title: "Usage", revision: 1, about: installation, retention: 30 days,
/// #         benefit: "Faster lists", other_uses: none }
/// # }
/// # /// The library was opened.
/// # #[derive(candor::Event)]
/// # #[event(name = "library.opened", scope = USAGE, linkage = none)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # struct Receiver;
/// # impl Transport for Receiver {
/// #     fn send(&self, _: Parcel<'_>) -> Result<Answer, SendError> {
/// #         Ok(Answer::Accepted { rejected: 0 })
/// #     }
/// # }
/// # let home = tempfile::tempdir()?;
/// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).transport("nobody", Receiver);
/// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
/// # let _candor = candor::init(config)?;
/// # consent::grant(USAGE)?;
/// # candor::record_durable(LibraryOpened { shelves: 7 });
/// # assert_eq!(candor::flush(std::time::Duration::from_secs(5))?.records, 1);
/// let status = consent::erasures(USAGE)?;
/// assert_eq!((status.left, status.nameable), (1, 1));     // one record was sent, and can be named
/// assert!(status.requests.is_empty());                    // the person has not asked to erase it
/// println!("{status}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `candor::init` was not called, or the scope is not registered.
pub fn erasures(scope: Scope) -> Result<ErasureStatus, Error> {
    client()?.erasures(scope)
}
