//! [`Config`]: what a program declares about itself. It only holds data: making one reads no file and no environment variable.

use crate::{
    ambient::{Clock, Entropy, SystemClock, SystemEntropy},
    clean,
    consent::{Audience, Controller, Scope, is_device, is_name},
    disk::{Disk, System},
    error::{Error, Kind},
    language::Translation,
    transport::Transport,
};
#[cfg(debug_assertions)]
use std::time::Duration;
use std::{path::PathBuf, sync::Arc};

/// The default limit for pending data on disk, in bytes, summed over all processes.
const WAITING_LIMIT: u64 = 5 << 20;
/// What a program declares about itself: its id, the controller who is responsible for the data, the audience, and where data is
/// sent.
///
/// Making one has no side effects. Every setting that is not called has one fixed default, and no environment variable can add to
/// it.
#[derive(Clone)]
pub struct Config {
    pub(crate) application: String,
    pub(crate) controller: Controller,
    pub(crate) audience: Audience,
    /// How the program knows that this person is an adult.
    pub(crate) adult: Option<String>,
    /// Additional directories with administrators' rules.
    pub(crate) policies: Vec<PathBuf>,
    pub(crate) version: Option<String>,
    /// The whole version, which is never sent. The lists of releases are checked with it.
    pub(crate) release: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) transport: Option<(String, Arc<dyn Transport>)>,
    pub(crate) directories: Option<(PathBuf, PathBuf)>,
    pub(crate) clock: Arc<dyn Clock>,
    /// How long a day lasts while developing.
    #[cfg(debug_assertions)]
    pub(crate) development: Option<Duration>,
    pub(crate) tls_provider: Option<Arc<rustls::crypto::CryptoProvider>>,
    pub(crate) roots: Option<Vec<Vec<u8>>>,
    pub(crate) switch_variable: Option<&'static str>,
    pub(crate) lift_ci_block: bool,
    pub(crate) waiting_limit: u64,
    pub(crate) validity_days: u32,
    pub(crate) interface_language: String,
    pub(crate) written_in: String,
    pub(crate) translations: Vec<Translation>,
    pub(crate) allowed: Vec<Scope>,
    pub(crate) packages: Vec<String>,
    /// The system's; tests replace it.
    pub(crate) disk: Arc<dyn Disk>,
    /// The system's; tests replace it.
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("application", &self.application)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Makes a configuration from the application's id in reverse domain notation (`org.example.player`), the controller who is
    /// responsible for the data, and the audience that uses the program.
    ///
    /// ```
    /// use candor::{AddressLog, Audience, Config, Controller, Erasure};
    ///
    /// const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR")
    ///     .address("1 rue de l'Exemple, Paris").authority("CNIL").processors(&[]).hosting_countries(&["FR"])
    ///     .onward_sharing(&[]).address_log(AddressLog::NotKept).erasure(Erasure::WithinDays(30));
    /// let config = Config::new("org.example.player", CONTROLLER, Audience::Adults);
    /// ```
    #[must_use]
    pub fn new(application: impl Into<String>, controller: Controller, audience: Audience) -> Self {
        Config {
            application: application.into(),
            controller,
            audience,
            adult: None,
            policies: Vec::new(),
            version: None,
            release: None,
            endpoint: None,
            transport: None,
            directories: None,
            clock: Arc::new(SystemClock),
            #[cfg(debug_assertions)]
            development: None,
            tls_provider: None,
            roots: None,
            switch_variable: None,
            lift_ci_block: false,
            waiting_limit: WAITING_LIMIT,
            validity_days: 365,
            interface_language: "en".into(),
            written_in: "en".into(),
            translations: Vec::new(),
            allowed: Vec::new(),
            packages: Vec::new(),
            disk: Arc::new(System),
            entropy: Arc::new(SystemEntropy),
        }
    }

    /// Sets the URL that data is sent to: `https://` and a host, or `http://` on this machine. `/v1/logs` is appended if it is
    /// missing.
    ///
    /// ```standalone_crate
    /// use candor::Client;
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
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults);
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// let config = config.endpoint("http://localhost:4318");
    /// let manifest = Client::new(config)?.manifest()?;
    /// assert_eq!(manifest.endpoint, "http://localhost:4318/v1/logs");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// States that the person at the screen is an adult, and how the program knows it, such as `account age check`. A program
    /// whose audience is [`Mixed`](Audience::Mixed) stays closed without this.
    ///
    /// The text is stored with a grant as part of the record, at most 64 characters, and never sent. No such setting exists for
    /// children.
    ///
    /// ```standalone_crate
    /// use candor::Client;
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
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Mixed).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// let unknown = Client::new(config.clone())?;             // a config with `Audience::Mixed`
    /// assert!(unknown.status(USAGE)?.blocked_by.is_some());
    /// let adult = Client::new(config.adult("account age check"))?;
    /// assert_eq!(adult.status(USAGE)?.blocked_by, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn adult(mut self, evidence: &str) -> Self {
        self.adult = Some(clean::short(evidence)).filter(|evidence| !evidence.trim().is_empty());
        self
    }

    /// Adds a directory in which administrators place rules, in addition to the system's and the user's. Rules only narrow, so an
    /// additional directory can only reduce what is sent.
    ///
    /// ```standalone_crate
    /// use candor::Client;
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
    /// # let rules = home.path().join("rules");
    /// # std::fs::create_dir(&rules)?;
    /// let rule = r#"{"candor_policy": 1, "rule": "Works agreement 7", "forbid": {"scopes": ["usage"]}}"#;
    /// std::fs::write(rules.join("works-agreement.json"), rule)?;     // an administrator does this
    /// let client = Client::new(config.policy_directory(&rules))?;
    /// assert!(client.status(USAGE)?.blocked_by.unwrap().contains("Works agreement 7"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn policy_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.policies.push(directory.into());
        self
    }

    /// Sets the program's version. Only its first two parts are sent: `12.4` of `12.4.1-beta`. Without this call no version is
    /// sent. To learn the whole version, give an event a field of the class [`release`](crate::event::class::Release).
    ///
    /// If the receiver answers 410, candor sends it nothing more until these two parts change or a new grant is given. Without a
    /// version, only a new grant ends this.
    ///
    /// ```standalone_crate
    /// use candor::Client;
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
    /// let client = Client::new(config.version("12.4.1-beta"))?;
    /// let manifest = client.manifest()?;
    /// let envelope = &manifest.scope(USAGE).unwrap().envelope;
    /// assert!(envelope.contains(&("service.version", "12.4".into())));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.version = two_parts(version);
        self.release = Some(version.trim().to_owned());
        self
    }

    /// Sends through the program's own transport. `recipient` says where it sends to, in words for the person.
    ///
    /// ```
    /// # use candor::{Answer, Parcel, SendError, Transport};
    /// # struct Folder(std::path::PathBuf);
    /// # impl Transport for Folder {
    /// #     fn send(&self, _: Parcel<'_>) -> Result<Answer, SendError> {
    /// #         Err(SendError::Stopped)
    /// #     }
    /// # }
    /// # fn with(config: candor::Config) -> candor::Config {
    /// // `Folder` is the transport in the example of `Transport`.
    /// let config = config.transport("the folder of outgoing reports", Folder("/var/spool/books".into()));
    /// # config
    /// # }
    /// ```
    #[must_use]
    pub fn transport(mut self, recipient: impl Into<String>, transport: impl Transport) -> Self {
        self.transport = Some((recipient.into(), Arc::new(transport)));
        self
    }

    /// Stores the data below `data` and the high-water marks below `marks`, instead of in the platform's directories for a
    /// program's data and configuration. Relative paths are resolved against the current directory at `init`. There are two
    /// directories so that restoring one of them from a backup does not restore a grant.
    ///
    /// Directories set here are the program's own choice. Without this call, candor stores nothing in a home directory that
    /// belongs to another user than the one the program runs as, for example under `sudo`. Its scopes are closed, and
    /// [`Client::status`](crate::Client::status) says why.
    ///
    /// On Windows candor does not check access rights. Files it creates inherit the rights of their directory. Outside of the
    /// user's profile, choose a directory that other users may not read or change.
    ///
    /// ```standalone_crate
    /// use candor::Client;
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
    /// let config = config.directories(home.path().join("data"), home.path().join("marks"));
    /// let manifest = Client::new(config)?.manifest()?;
    /// assert!(manifest.store.starts_with(home.path().join("data")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn directories(mut self, data: impl Into<PathBuf>, marks: impl Into<PathBuf>) -> Self {
        self.directories = Some((data.into(), marks.into()));
        self
    }

    /// Uses the program's own clock instead of the system clock.
    ///
    /// ```
    /// # use candor::Clock;
    /// # use std::time::{Duration, SystemTime};
    /// /// For tests: it is always 1 January 2026.
    /// struct NewYear;
    ///
    /// impl Clock for NewYear {
    ///     fn now(&self) -> SystemTime {
    ///         SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
    ///     }
    /// }
    /// # fn with(config: candor::Config) -> candor::Config {
    /// let config = config.clock(NewYear);
    /// # config
    /// # }
    /// ```
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Lets a day pass in `lasts`, such as ten seconds, so that a developer sees within minutes what a program sends in days.
    ///
    /// **Exists only in builds with `debug_assertions`.** A release build that calls it does not compile, so write
    /// `#[cfg(debug_assertions)]` before the line, as below. With it:
    ///
    /// - Only endpoints on this computer are accepted (`http://localhost:4318`); `init` fails otherwise. So if a debug build is
    ///   shipped by mistake, it sends nothing to anybody.
    /// - The program says on the standard error that it uses this clock, and at the end of each day what it sent.
    /// - A store of its own is used, in `development` below the program's directories. The person's own decisions are
    ///   neither read nor changed. Remove that directory to begin again.
    /// - While a scope is granted, a day ends every `lasts`, and when the program ends. Then everything pending is sent, as
    ///   [`flush`](crate::flush()) does. The next run begins where the last one ended.
    ///
    /// What is recorded, rounded and sent is the same as without it. `candor listen` is a receiver for it, which prints what arrives
    /// in words.
    ///
    /// ```
    /// # use candor::Config;
    /// # use std::time::Duration;
    /// # fn with(config: Config) -> Config {
    /// #[cfg(debug_assertions)]
    /// let config = config.development_clock(Duration::from_secs(10));     // a week passes in 70 seconds
    /// # config
    /// # }
    /// ```
    #[cfg(debug_assertions)]
    #[must_use]
    pub fn development_clock(mut self, lasts: Duration) -> Self {
        self.development = Some(lasts.max(Duration::from_millis(1)));
        self
    }

    /// Sets the TLS provider for https. Without this call candor uses the process's default provider, then the one of its feature
    /// `ring`. A process that has neither can't use an https endpoint.
    ///
    /// Needs the feature `rustls`, and the version of rustls that candor uses: nothing else of the interface names types of rustls,
    /// so that a new version of rustls concerns only programs that turn this feature on.
    ///
    /// ```
    /// # use candor::Config;
    /// # fn with(config: Config, provider: rustls::crypto::CryptoProvider) -> Config {
    /// // `provider` is for example `rustls::crypto::aws_lc_rs::default_provider()`.
    /// let config = config.tls_provider(std::sync::Arc::new(provider));
    /// # config
    /// # }
    /// ```
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn tls_provider(mut self, provider: Arc<rustls::crypto::CryptoProvider>) -> Self {
        self.tls_provider = Some(provider);
        self
    }

    /// Trusts these certificates (DER) instead of Mozilla's. Use it for a receiver inside an organisation.
    ///
    /// ```
    /// # use candor::Config;
    /// # fn with(config: Config) -> std::io::Result<Config> {
    /// let root = std::fs::read("/etc/books/our-root.der")?;
    /// let config = config.endpoint("https://telemetry.intranet.example").root_certificates(vec![root]);
    /// # Ok(config)
    /// # }
    /// ```
    #[must_use]
    pub fn root_certificates(mut self, der: Vec<Vec<u8>>) -> Self {
        self.roots = Some(der);
        self
    }

    /// Names an environment variable of the program that switches telemetry off when its value is `0`, `off`, `no` or `false`.
    ///
    /// Any other value is ignored, because a variable is never a grant.
    ///
    /// ```
    /// # use candor::Config;
    /// # fn with(config: Config) -> Config {
    /// let config = config.switch_variable("BOOKS_TELEMETRY");     // `BOOKS_TELEMETRY=off books` reports nothing
    /// # config
    /// # }
    /// ```
    #[must_use]
    pub fn switch_variable(mut self, name: &'static str) -> Self {
        self.switch_variable = Some(name);
        self
    }

    /// Records even if the variable `CI` is set. Use it for real headless services in which a person did consent.
    ///
    /// ```
    /// # use candor::Config;
    /// # fn with(config: Config) -> Config {
    /// let config = config.lift_ci_block();            // a service without a screen, whose operator consented
    /// # config
    /// # }
    /// ```
    #[must_use]
    pub fn lift_ci_block(mut self) -> Self {
        self.lift_ci_block = true;
        self
    }

    /// Sets how many bytes of pending data may be on disk, summed over all processes of this user. Default 5 MiB; at least 1 MiB.
    ///
    /// ```
    /// # use candor::Config;
    /// # fn with(config: Config) -> Config {
    /// let config = config.waiting_limit(2 << 20);     // 2 MiB
    /// # config
    /// # }
    /// ```
    #[must_use]
    pub fn waiting_limit(mut self, bytes: u64) -> Self {
        self.waiting_limit = bytes.max(1 << 20);
        self
    }

    /// Lets a linked library report under this scope of its own, to its own recipient, after the person has consented.
    ///
    /// Without this call the scope stays closed and can't be granted; the manifest shows it all the same. The program's own
    /// scopes do not need it.
    ///
    /// ```standalone_crate
    /// use candor::Client;
    /// # use candor::{AddressLog, Audience, Config, Controller, Erasure};
    /// # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
    /// #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
    /// #     .erasure(Erasure::Unsupported);
    /// # mod codeclib {
    /// #     candor::scope! {
    /// #         /// Find out which formats fail to decode, so that those decoders are fixed first.
    /// #         pub CODECS = "codeclib.formats" { title: "Codec library: formats", revision: 1, about: installation,
    /// #             retention: 20 days, benefit: "Fewer films that don't play", other_uses: none,
    /// #             library: { controller: super::CONTROLLER, endpoint: "http://localhost:4317" } }
    /// #     }
    /// # }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let home = tempfile::tempdir()?;
    /// # let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
    /// # let config = config.directories(home.path().join("a"), home.path().join("b")).lift_ci_block();
    /// let client = Client::new(config.allow(codeclib::CODECS))?;      // a scope that a library declares
    /// client.grant(codeclib::CODECS)?;                                // possible now, when the person consents
    /// assert!(client.status(codeclib::CODECS)?.is_open());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn allow(mut self, scope: Scope) -> Self {
        self.allowed.push(scope);
        self
    }

    /// Names the packages of this program that declare its scopes and events, as in their `Cargo.toml`.
    ///
    /// Only needed if they are declared in several packages. Without this call all of them must come from one package; otherwise
    /// [`init`](crate::init) fails. This prevents a library that forgot its `library: { … }` from reporting in the program's
    /// name, to the program's recipient.
    ///
    /// ```
    /// # use candor::Config;
    /// # fn with(config: Config) -> Config {
    /// let config = config.packages(["books", "books-search"]);
    /// # config
    /// # }
    /// ```
    #[must_use]
    pub fn packages<P: Into<String>>(mut self, names: impl IntoIterator<Item = P>) -> Self {
        self.packages.extend(names.into_iter().map(Into::into));
        self
    }

    /// Sets for how many days a grant is valid before the person must be asked again. Default 365; 1 to 730.
    ///
    /// ```
    /// # use candor::Config;
    /// # fn with(config: Config) -> Config {
    /// let config = config.validity_days(180);         // asked again after half a year
    /// # config
    /// # }
    /// ```
    #[must_use]
    pub fn validity_days(mut self, days: u32) -> Self {
        self.validity_days = days.clamp(1, 730);
        self
    }

    /// Sets the current language of the program's interface, as a BCP 47 tag. Default `en`.
    ///
    /// A notice in another language is accepted only if the person picked that language. candor does not read `LANG`, because the
    /// program knows its language better.
    ///
    /// ```standalone_crate
    /// use candor::Client;
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
    /// let client = Client::new(config.interface_language("fr"))?;     // the program has texts in French
    /// assert_eq!(client.notice(USAGE)?.language(), "fr");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn interface_language(mut self, tag: impl Into<String>) -> Self {
        self.interface_language = tag.into();
        self
    }

    /// Sets the language in which the texts of scopes and the comments of events are written, as a BCP 47 tag. Default `en`.
    ///
    /// candor has its own sentences in English and French. For another language, add them with
    /// [`translation`](Config::translation).
    ///
    /// ```
    /// # use candor::Config;
    /// # fn with(config: Config) -> Config {
    /// // The doc comments and titles in the source are in French, and so is the interface.
    /// let config = config.written_in("fr").interface_language("fr");
    /// # config
    /// # }
    /// ```
    #[must_use]
    pub fn written_in(mut self, tag: impl Into<String>) -> Self {
        self.written_in = tag.into();
        self
    }

    /// Adds the program's texts in another language, so that notices are available in that language.
    ///
    /// ```standalone_crate
    /// use candor::{Client, Translation};
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
    /// let french = Translation::new("fr").texts([
    ///     ("scope.usage.title", "Utilisation"),
    ///     ("scope.usage.purpose", "Savoir combien d’étagères les gens remplissent, pour accélérer ce cas."),
    ///     ("scope.usage.benefit", "Des listes plus rapides"),
    /// ]);
    /// let client = Client::new(config.translation(french))?;
    /// assert_eq!(client.languages(), ["en", "fr"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn translation(mut self, translation: Translation) -> Self {
        self.translations.push(translation);
        self
    }
}

/// Returns `12.4` for `12.4.1-beta+g3a`; `None` if the version does not begin with two numbers.
fn two_parts(version: &str) -> Option<String> {
    let mut parts = version.trim().trim_start_matches('v').split(['.', '-', '+']);
    let number = |part: Option<&str>| part?.parse::<u16>().ok();
    Some(format!("{}.{}", number(parts.next())?, number(parts.next())?))
}

impl Config {
    /// Checks that everything required is set and valid.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !is_name(&self.application) {
            let name = self.application.clone();
            return Err(Kind::Name { what: "application id", name, such_as: "org.example.player" }.into());
        }
        if is_device(&self.application) {
            return Err(Kind::Device { what: "application id", name: self.application.clone() }.into());
        }
        self.controller.checked()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::two_parts;

    #[test]
    fn versions_have_two_parts() {
        assert_eq!(two_parts("12.4.1-beta+g3a").as_deref(), Some("12.4"));
        assert_eq!(two_parts("v1.0").as_deref(), Some("1.0"));
        assert_eq!(two_parts("1.0-rc1").as_deref(), Some("1.0"));
        for bad in ["", "1", "nightly", "1.x", "99999999.1"] {
            assert_eq!(two_parts(bad), None, "{bad}");
        }
    }
}
