//! [`Config`]: what a program says about itself. Data only; making one touches nothing.

use crate::{
    ambient::{Clock, Entropy, SystemClock, SystemEntropy},
    consent::{Audience, Controller, Scope, is_device, is_name, short},
    disk::{Disk, System},
    error::{Error, Kind},
    language::Translation,
    transport::Transport,
};
use std::{path::PathBuf, sync::Arc};

/// How many bytes may wait on disk, over all processes, unless the program says otherwise.
const WAITING_LIMIT: u64 = 5 << 20;
/// What a program says about itself before anything else: who it is, who is answerable, for whom it is made, and where
/// reports go.
///
/// Making one touches nothing. Whatever is not said here has one answer, and no environment variable can add to it.
#[derive(Clone)]
pub struct Config {
    pub(crate) application: String,
    pub(crate) controller: Controller,
    pub(crate) audience: Audience,
    /// How the program knows that this person is an adult.
    pub(crate) adult: Option<String>,
    /// Further directories with administrators' rules.
    pub(crate) policies: Vec<PathBuf>,
    pub(crate) version: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) transport: Option<(String, Arc<dyn Transport>)>,
    pub(crate) directories: Option<(PathBuf, PathBuf)>,
    pub(crate) clock: Arc<dyn Clock>,
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
    /// The system's, but for tests.
    pub(crate) disk: Arc<dyn Disk>,
    /// The system's, but for tests.
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
    /// The application's id in reverse domain notation (`org.example.player`), who is answerable for the data, and who
    /// uses the program.
    #[must_use]
    pub fn new(application: impl Into<String>, controller: Controller, audience: Audience) -> Self {
        Config {
            application: application.into(),
            controller,
            audience,
            adult: None,
            policies: Vec::new(),
            version: None,
            endpoint: None,
            transport: None,
            directories: None,
            clock: Arc::new(SystemClock),
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

    /// Where reports go: `https://` and a host, or `http://` on this machine. `/v1/logs` is added where it is missing.
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// Says that the person at the screen is an adult, and how the program knows, such as `account age check`: what opens a
    /// program whose audience is [`Mixed`](Audience::Mixed). It is kept with a yes as part of the record, at most 64
    /// characters, and never sent. For children there is no such sign.
    #[must_use]
    pub fn adult(mut self, evidence: &str) -> Self {
        self.adult = Some(short(evidence)).filter(|evidence| !evidence.trim().is_empty());
        self
    }

    /// A further directory in which administrators leave rules, beside the system's and the user's. Rules only narrow, so
    /// that one more can only leave less.
    #[must_use]
    pub fn policy_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.policies.push(directory.into());
        self
    }

    /// The program's version. Two parts of it are sent, `12.4` of `12.4.1-beta`; none unless this is called. A receiver that
    /// answers 410 stops reports until they change, or a yes is given anew; without them only a yes lifts it.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.version = two_parts(version);
        self
    }

    /// Sends through a transport of the program's own. `recipient` says where it leads, as the person reads it.
    #[must_use]
    pub fn transport(mut self, recipient: impl Into<String>, transport: impl Transport) -> Self {
        self.transport = Some((recipient.into(), Arc::new(transport)));
        self
    }

    /// Keeps the store below `data` and the high-water marks below `marks`, instead of where the platform keeps a
    /// program's data and configuration. Relative ones are those of the current directory at `init`. Two directories, so that restoring one from a backup does not restore a yes.
    ///
    /// They are the program's own choice. Where it makes none, candor keeps nothing in a home that belongs to another user
    /// than the one it runs as, as under `sudo`: its scopes are closed, and [`Client::status`](crate::Client::status) says why.
    ///
    /// On Windows candor does not look at rights. What it makes inherits those of the directory that it lies in: outside of the
    /// user's profile choose one that other users may not read or change.
    #[must_use]
    pub fn directories(mut self, data: impl Into<PathBuf>, marks: impl Into<PathBuf>) -> Self {
        self.directories = Some((data.into(), marks.into()));
        self
    }

    /// Takes the time from a clock of the program's own.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The TLS provider to use for https. Without it the process's default provider is used, then the one that
    /// candor's feature `ring` brings; a process that has none can't use an https endpoint.
    #[must_use]
    pub fn tls_provider(mut self, provider: Arc<rustls::crypto::CryptoProvider>) -> Self {
        self.tls_provider = Some(provider);
        self
    }

    /// Trusts these certificates (DER) instead of Mozilla's, for a receiver inside an organisation.
    #[must_use]
    pub fn root_certificates(mut self, der: Vec<Vec<u8>>) -> Self {
        self.roots = Some(der);
        self
    }

    /// An environment variable of the program's own that switches reports off when it is `0`, `off`, `no` or `false`.
    /// Any other value is ignored: a variable is nobody's yes.
    #[must_use]
    pub fn switch_variable(mut self, name: &'static str) -> Self {
        self.switch_variable = Some(name);
        self
    }

    /// Records although the variable `CI` is set: for real headless services, where somebody did say yes.
    #[must_use]
    pub fn lift_ci_block(mut self) -> Self {
        self.lift_ci_block = true;
        self
    }

    /// How many bytes may wait on disk, over all processes of this user: 5 MiB unless said otherwise, 1 MiB at least.
    #[must_use]
    pub fn waiting_limit(mut self, bytes: u64) -> Self {
        self.waiting_limit = bytes.max(1 << 20);
        self
    }

    /// Lets a library that is linked into the program report under this scope of its own, to its own recipient, once the
    /// person has said yes. Without it the scope stays closed and can't be granted; the manifest shows it all the same.
    /// The program's own scopes need no such call.
    #[must_use]
    pub fn allow(mut self, scope: Scope) -> Self {
        self.allowed.push(scope);
        self
    }

    /// The packages of this program that declare its scopes and events, by their names in `Cargo.toml`.
    ///
    /// Only a program of several packages needs it: without it all of them come from one. Then [`init`](crate::init) fails, so
    /// that a library which forgot its `library: { … }` does not report in the program's name, to its recipient.
    #[must_use]
    pub fn packages<P: Into<String>>(mut self, names: impl IntoIterator<Item = P>) -> Self {
        self.packages.extend(names.into_iter().map(Into::into));
        self
    }

    /// For how many days a yes is good before the person must be asked again: 365 unless said otherwise, 1 to 730.
    #[must_use]
    pub fn validity_days(mut self, days: u32) -> Self {
        self.validity_days = days.clamp(1, 730);
        self
    }

    /// The language that the program's interface is in now, as a BCP 47 tag: `en` unless said otherwise. A notice in
    /// another one is accepted only where the person picked it. candor reads no `LANG`: the program knows better.
    #[must_use]
    pub fn interface_language(mut self, tag: impl Into<String>) -> Self {
        self.interface_language = tag.into();
        self
    }

    /// The language that the words of scopes and the comments of events are written in, as a BCP 47 tag: `en` unless said
    /// otherwise. candor speaks English and French; for another one add its sentences with
    /// [`translation`](Config::translation).
    #[must_use]
    pub fn written_in(mut self, tag: impl Into<String>) -> Self {
        self.written_in = tag.into();
        self
    }

    /// Adds the program's texts in a further language, so that its notices can be had in it.
    #[must_use]
    pub fn translation(mut self, translation: Translation) -> Self {
        self.translations.push(translation);
        self
    }
}

/// Two capital letters, as ISO 3166-1 alpha-2 has them.
fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// `12.4` of `12.4.1-beta+g3a`; `None` where there are no two numbers.
fn two_parts(version: &str) -> Option<String> {
    let mut parts = version.trim().trim_start_matches('v').split(['.', '-', '+']);
    let number = |part: Option<&str>| part?.parse::<u16>().ok();
    Some(format!("{}.{}", number(parts.next())?, number(parts.next())?))
}

impl Config {
    /// Whether everything that must be said is said.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !is_name(&self.application) {
            let name = self.application.clone();
            return Err(Kind::Name { what: "application id", name, such_as: "org.example.player" }.into());
        }
        if is_device(&self.application) {
            return Err(Kind::Device { what: "application id", name: self.application.clone() }.into());
        }
        check_controller(&self.controller)
    }
}

/// Whether a person would know whom they agree with.
pub(crate) fn check_controller(controller: &Controller) -> Result<(), Error> {
    let written = [
        ("the controller's `legal_name`", controller.legal_name),
        ("the controller's `address`", controller.address),
        ("the controller's `country`", controller.country),
        ("the controller's `contact`", controller.contact),
    ];
    if let Some((what, _)) = written.into_iter().find(|(_, text)| text.trim().is_empty()) {
        return Err(Kind::Text { what, mend: "it out: a person must know whom they agree with" }.into());
    }
    let countries = controller.hosting_countries.iter().chain([&controller.country]);
    if let Some(given) = countries.into_iter().find(|country| !is_country(country)) {
        return Err(Kind::Country { given: (*given).into() }.into());
    }
    Ok(())
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
