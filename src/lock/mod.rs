//! The schema lock: a file in the program's repository that states what the program could send, so that a change of it
//! is always reviewed.
//!
//! `candor.lock` holds the whole contract of each linked scope, and the digests of its notices. A test compares the
//! file with the build. It fails and lists what became wider or narrower, until a developer has reviewed and accepted
//! the change:
//!
//! ```standalone_crate
//! # use candor::{AddressLog, Audience, Config, Controller, Erasure};
//! # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
//! #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
//! #     .erasure(Erasure::Unsupported);
//! # let dir = tempfile::tempdir().unwrap();
//! # let repository = dir.path();
//! fn my_config() -> Config {
//!     Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("https://telemetry.example.org")
//! }
//!
//! // #[test]
//! fn nothing_more_is_sent_than_the_lock_says(repository: &std::path::Path) -> Result<(), candor::Error> {
//!     candor::lock::check(repository, my_config())       // env!("CARGO_MANIFEST_DIR") in a program's own test
//! }
//! # let missing = nothing_more_is_sent_than_the_lock_says(repository).unwrap_err();
//! # assert!(missing.to_string().contains("CANDOR_LOCK=write"));
//! # candor::lock::write(repository, my_config()).unwrap();
//! # nothing_more_is_sent_than_the_lock_says(repository).unwrap();
//! ```
//!
//! `CANDOR_LOCK=write cargo test` writes the file, for the first time or again. This does not work where `CI` is set,
//! because in CI no developer reads what is accepted. The digests are those of notices in which the program's version
//! is `0.0`, so a new version alone changes nothing.
//!
//! # Lists of releases
//!
//! If events say which [release](crate::event::class::Release) the program is, [`check`] also fails if a list lacks the
//! release of [`Config::version`](crate::Config::version). A newer list changes nothing in the lock:
//!
//! ```standalone_crate
//! # use candor::{AddressLog, Audience, Config, Controller, Erasure, Event, lock};
//! # const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR").address("Paris")
//! #     .processors(&[]).hosting_countries(&["FR"]).onward_sharing(&[]).address_log(AddressLog::NotKept)
//! #     .erasure(Erasure::Unsupported);
//! # candor::scope! {
//! #     /// Find out which releases fail, so that those are repaired first.
//! #     pub FAILURES = "failures" { title: "Failures", revision: 1, about: installation, retention: 30 days,
//! #         benefit: "Fewer failures", other_uses: none }
//! # }
//! # let home = tempfile::tempdir()?;
//! # let repository = home.path();
//! /// The program failed.
//! #[derive(Event)]
//! #[event(name = "program.failed", scope = FAILURES, linkage = none)]
//! struct Failed {
//!     /// Which release it is.
//!     #[field(release = ["1.4.0", "1.4.1"], example = "1.4.1")]
//!     release: String,
//! }
//!
//! let config = |version| {
//!     let config = Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
//!     config.version(version)                                         // env!("CARGO_PKG_VERSION") in a program
//! };
//! lock::write(repository, config("1.4.1"))?;
//! lock::check(repository, config("1.4.1"))?;
//! let lacks = lock::check(repository, config("1.5.0")).unwrap_err().to_string();
//! assert!(lacks.contains("`program.failed.release`") && lacks.contains("lacks `1.5.0`"), "{lacks}");
//! assert!(lock::check(repository, config("1.3.9")).is_err());         // it would be sent as `older`
//! # let text = std::fs::read_to_string(repository.join(lock::FILE))?;
//! # assert!(text.contains("releases") && !text.contains("1.4.0"), "{text}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The lock is for developers only and gates nothing. A person's grant covers what *they* were shown, whatever the lock
//! says. This module never uses a store, a clock or the network, and never sends anything.

mod difference;
mod form;
#[cfg(any(test, fuzzing))]
#[allow(unreachable_pub, reason = "reached by fuzzers")]
pub(crate) mod fuzzing;
mod published;

use crate::{
    ambient::Environment,
    config::Config,
    consent::{Contract, Party, Scope, compare},
    contracts, disk,
    error::{At, Error, Kind},
    event::Registry,
    manifest,
    precision::{Precision, outcome_of_release},
    transport::otlp::Service,
};
use form::{Lock, Trouble};
use std::path::Path;

/// The name of the lock file.
pub const FILE: &str = "candor.lock";
/// The environment variable that makes [`check`] write the lock instead.
const VARIABLE: &str = "CANDOR_LOCK";
/// A fixed version for notices, so that the program's version does not matter.
const ANY_VERSION: &str = "0.0";
/// The largest lock file that is read, in bytes.
const MOST: u64 = 16 << 20;

/// Fails unless `candor.lock` in `directory` states exactly what this build could send. Call it in a test of the
/// program that links candor. `directory` is `env!("CARGO_MANIFEST_DIR")`, and `config` is the one that the program
/// runs with.
///
/// ```standalone_crate
/// # use candor::{AddressLog, Audience, Config, Controller, Erasure, lock};
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
/// # #[event(name = "library.opened", scope = USAGE, linkage = none)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # let home = tempfile::tempdir()?;
/// # let directory = home.path();
/// let config = || Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
/// lock::write(directory, config())?;
/// lock::check(directory, config())?;
///
/// let elsewhere = config().endpoint("http://localhost:4319");
/// let differs = lock::check(directory, elsewhere).unwrap_err().to_string();
/// assert!(differs.contains("localhost:4319"), "{differs}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// If the environment variable `CANDOR_LOCK` is `write`, the lock is written instead. That is an error if `CI` is set
/// to a value other than `0` or `false`.
///
/// # Errors
/// The message is for the developer and says how to fix it:
/// - The lock and the build differ. It lists for each scope what is *wider*, *narrower*, or worded differently, on
///   which axis, before and after.
/// - There is no lock, or it is damaged, edited by hand (with the line), written by a newer candor, or of another
///   application.
/// - A field of the class [`release`](crate::event::class::Release) does not list the release of
///   [`Config::version`](crate::Config::version), so `other` would be sent for it.
/// - `CANDOR_LOCK` has another value than `write`, or it is `write` where `CI` is set; or the file can't be read or
///   written.
/// - There is a mistake in `config`, as for [`Client::new`](crate::Client::new).
pub fn check(directory: impl AsRef<Path>, config: Config) -> Result<(), Error> {
    let path = directory.as_ref().join(FILE);
    let environment = Environment::read(&[VARIABLE, "CI"]);
    let build = Build::of(&config)?;
    match environment.value(VARIABLE).map(str::trim) {
        None | Some("") => {}
        Some("write") => {
            let is_set = |value: &str| !matches!(value.trim(), "" | "0" | "false");
            if environment.value("CI").is_some_and(is_set) {
                let why = format!(
                    "{VARIABLE}=write is for a developer's own machine: in CI nobody reads what it \
                                   accepts"
                );
                return Err(failed(&path, why));
            }
            return build.write(&path);
        }
        Some(_) => return Err(failed(&path, format!("{VARIABLE} has one value, `write`: set it so, or unset it"))),
    }
    let Some(bytes) = disk::read_document(&path, MOST).at("read", &path)? else {
        return Err(failed(&path, format!("there is none: {HOW}")));
    };
    let lock = Lock::read(&bytes).map_err(|Trouble { line, what }| {
        let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        failed(&path, format!("{line}{what}. To write it again, {HOW}"))
    })?;
    let (locked, built) = (&lock.application, &config.application);
    if locked != built {
        let why = format!("it is the lock of `{locked}`, and this build is `{built}`: give each its own directory");
        return Err(failed(&path, why));
    }
    match difference::between(&lock, &build.lock, &compare) {
        None => releases(&config),
        Some(what) => {
            let why = format!("what this program could send is not what it says.\n{what}If this is meant, {HOW}");
            Err(failed(&path, why))
        }
    }
}

/// Fails if a field of the class `release` does not list the release that this build is. It would be sent as `other` or as
/// `older`. A library lists its own releases, of which the program knows nothing.
fn releases(config: &Config) -> Result<(), Error> {
    let Some(release) = &config.release else { return Ok(()) };
    let registry = Registry::linked()?;
    let scopes = registry.scopes().iter().filter(|scope| !scope.is_of_library());
    for schema in scopes.flat_map(|scope| registry.schemas_of(*scope)) {
        for field in schema.fields() {
            let Precision::Releases(list) = field.precision else { continue };
            if !list.iter().any(|listed| field.precision.label(outcome_of_release(list, release)) == Some(*listed)) {
                let what = format!("the list of releases of `{}.{}`", schema.name(), field.name);
                let why = format!(
                    "it lacks `{release}`, so this build would send `other` or `older`: add it to the list, and of nine \
                     releases drop the first"
                );
                return Err(Kind::Published { what, why }.into());
            }
        }
    }
    Ok(())
}

/// How a developer accepts a change.
const HOW: &str = "run this test once with CANDOR_LOCK=write, read what changed in the file, commit it, and say so in \
                   the program's changelog";

/// Writes `candor.lock` into `directory` and replaces one that is there. It states what this build could send, for a
/// developer to review and commit.
///
/// ```standalone_crate
/// # use candor::{AddressLog, Audience, Config, Controller, Erasure, lock};
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
/// # #[event(name = "library.opened", scope = USAGE, linkage = none)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # let home = tempfile::tempdir()?;
/// # let directory = home.path();
/// let config = || Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
/// lock::write(directory, config())?;
///
/// let text = std::fs::read_to_string(directory.join(lock::FILE))?;
/// assert!(text.contains("library.opened"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A mistake in `config`, as for [`Client::new`](crate::Client::new), or the file can't be written.
pub fn write(directory: impl AsRef<Path>, config: Config) -> Result<(), Error> {
    Build::of(&config)?.write(&directory.as_ref().join(FILE))
}

/// Fails unless `text`, as it was published, is the notice that this build would show for this scope in this language.
/// Line endings and empty lines at the end are not compared.
///
/// ```standalone_crate
/// # use candor::{AddressLog, Audience, Client, Config, Controller, Erasure, lock};
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
/// # #[event(name = "library.opened", scope = USAGE, linkage = none)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # let home = tempfile::tempdir()?;
/// # let directories = (home.path().join("a"), home.path().join("b"));
/// let config = || Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
/// # let client = Client::new(config().directories(directories.0, directories.1))?;
/// let published = client.notice(USAGE)?.to_string();      // in a program's own test: read from its website's files
/// lock::check_notice(&published, USAGE, "en", config())?;
///
/// let old = published.replace("30 days", "20 days");
/// let differs = lock::check_notice(&old, USAGE, "en", config()).unwrap_err().to_string();
/// assert!(differs.contains("20 days") && differs.contains("30 days"), "{differs}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// - The first line that differs, with both versions of it.
/// - `text` is the notice of another scope or language.
/// - This build has no such scope, or no notice in this language.
/// - There is a mistake in `config`.
pub fn check_notice(text: &str, scope: Scope, language: &str, config: Config) -> Result<(), Error> {
    let (_, _, contracts) = built(&config)?;
    match published::notice(text, scope, language, &contracts) {
        None => Ok(()),
        Some(what) => {
            Err(Kind::Published { what: format!("the published notice of `{}`", scope.name()), why: what }.into())
        }
    }
}

/// Fails unless `json`, a manifest that was published ([`Manifest::to_json`](crate::Manifest::to_json)), describes the
/// program as this build does: its scopes, notices and events, where they are sent, and for how long they are kept.
/// What belongs to one computer (answers, pending and sent data) is not compared.
///
/// ```standalone_crate
/// # use candor::{AddressLog, Audience, Client, Config, Controller, Erasure, lock};
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
/// # #[event(name = "library.opened", scope = USAGE, linkage = none)]
/// # struct LibraryOpened {
/// #     /// How many shelves it has.
/// #     #[field(count, example = 3)]
/// #     shelves: usize,
/// # }
/// # let home = tempfile::tempdir()?;
/// # let directories = (home.path().join("a"), home.path().join("b"));
/// let config = || Config::new("org.example.books", CONTROLLER, Audience::Adults).endpoint("http://localhost:4318");
/// # let client = Client::new(config().directories(directories.0, directories.1))?;
/// let published = client.manifest()?.to_json();           // in a program's own test: read from its website's files
/// lock::check_manifest(&published, config())?;
///
/// let elsewhere = config().endpoint("http://localhost:4319");
/// let differs = lock::check_manifest(&published, elsewhere).unwrap_err().to_string();
/// assert!(differs.contains("endpoint"), "{differs}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// - Every scope that differs, with the first line that differs.
/// - `json` is not JSON.
/// - There is a mistake in `config`.
pub fn check_manifest(json: &str, config: Config) -> Result<(), Error> {
    let (registry, party, contracts) = built(&config)?;
    let differs = |why: String| Error::from(Kind::Published { what: "the published manifest".into(), why });
    let published = serde_json::from_str(json).map_err(|error| differs(format!("it can't be read: {error}")))?;
    let service = Service { name: party.application.clone(), version: party.service_version.clone() };
    let page = |contract: &Contract| manifest::StaticPage::of(registry, &service, contract);
    let pages: Vec<_> = contracts.iter().map(page).collect();
    let found = published::manifest(&published, &party.application, &party.endpoint, &pages);
    if found.is_empty() { Ok(()) } else { Err(differs(found.join("\n"))) }
}

/// The lock of a build.
struct Build {
    lock: Lock,
}

impl Build {
    fn of(config: &Config) -> Result<Build, Error> {
        let (registry, party, _) = built(config)?;
        let version = party.service_version.as_ref().map(|_| ANY_VERSION.to_owned());
        let party = Party { service_version: version, ..party };
        let mut contracts = contracts::all(registry, &party, config)?;
        // A scope that the program does not allow can't be sent. Allowing it later adds a scope to the lock.
        contracts.retain(|contract| contract.allowed);
        Ok(Build { lock: Lock::of(&party.application, &contracts) })
    }

    fn write(&self, path: &Path) -> Result<(), Error> {
        disk::write_document(path, self.lock.text().as_bytes()).at("write", path)
    }
}

fn built(config: &Config) -> Result<(&'static Registry, Party, Vec<Contract>), Error> {
    let registry = Registry::linked()?;
    config.check()?;
    let party = contracts::party(config)?;
    let contracts = contracts::all(registry, &party, config)?;
    Ok((registry, party, contracts))
}

fn failed(path: &Path, why: String) -> Error {
    Kind::Lock { path: path.to_owned(), why }.into()
}

#[cfg(test)]
mod tests;
