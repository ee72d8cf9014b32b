//! Who is responsible for the data, and who the program is for: what the publisher states about both. Plain data. It never
//! decides anything.

use crate::error::{Error, Kind};

/// Who is responsible for the data, and how they handle it. Part of every contract.
///
/// [`Controller::new`] takes who they are; the methods add the rest. Each can be called in a constant.
///
/// The notice states all of it. What would be a promise if it were left out has no default: [`Config`](crate::Config) refuses a
/// controller that does not state its [`address`](Controller::address), [`processors`](Controller::processors),
/// [`onward_sharing`](Controller::onward_sharing), [`address_log`](Controller::address_log) and
/// [`erasure`](Controller::erasure), and the error lists what is missing. The other entries promise nothing when they are left
/// out: the notice says that there is none, or that none is named.
///
/// ```
/// use candor::{AddressLog, Controller, Erasure};
///
/// const CONTROLLER: Controller = Controller::new("Example SAS", "privacy@example.org", "FR")
///     .address("1 rue de l'Exemple, Paris")
///     .authority("CNIL")
///     .processors(&["Example Hosting SARL"])
///     .hosting_countries(&["FR"])
///     .onward_sharing(&[])
///     .address_log(AddressLog::NotKept)
///     .erasure(Erasure::WithinDays(30));
/// assert_eq!(CONTROLLER.legal_name(), "Example SAS");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Controller {
    legal_name: &'static str,
    contact: &'static str,
    country: &'static str,
    address: Option<&'static str>,
    data_protection_officer: Option<&'static str>,
    authority: Option<&'static str>,
    processors: Option<&'static [&'static str]>,
    hosting_countries: &'static [&'static str],
    transfer_safeguard: Option<&'static str>,
    onward_sharing: Option<&'static [&'static str]>,
    address_log: Option<AddressLog>,
    erasure: Option<Erasure>,
}

impl Controller {
    /// Names the person or company that decides why and how the data is used: their legal name, where a person can write to
    /// them, such as an e-mail address, and the country they are in, as ISO 3166-1 alpha-2 (`FR`).
    pub const fn new(legal_name: &'static str, contact: &'static str, country: &'static str) -> Self {
        Controller {
            legal_name,
            contact,
            country,
            address: None,
            data_protection_officer: None,
            authority: None,
            processors: None,
            hosting_countries: &[],
            transfer_safeguard: None,
            onward_sharing: None,
            address_log: None,
            erasure: None,
        }
    }

    /// The legal name of the controller.
    #[must_use]
    pub const fn legal_name(&self) -> &'static str {
        self.legal_name
    }

    /// Where a person can write to them.
    #[must_use]
    pub const fn contact(&self) -> &'static str {
        self.contact
    }

    /// The country they are in, as ISO 3166-1 alpha-2.
    #[must_use]
    pub const fn country(&self) -> &'static str {
        self.country
    }

    /// Sets their postal address. Required.
    pub const fn address(mut self, address: &'static str) -> Self {
        self.address = Some(address);
        self
    }

    /// Sets how to reach the data-protection officer. Without it the notice says that there is none.
    pub const fn data_protection_officer(mut self, officer: &'static str) -> Self {
        self.data_protection_officer = Some(officer);
        self
    }

    /// Sets the supervisory authority a person can complain to. Without it the notice says that none is named.
    pub const fn authority(mut self, authority: &'static str) -> Self {
        self.authority = Some(authority);
        self
    }

    /// Sets the companies that handle the data on the controller's behalf. Required: `&[]` tells the person that nobody does.
    pub const fn processors(mut self, companies: &'static [&'static str]) -> Self {
        self.processors = Some(companies);
        self
    }

    /// Sets the countries in which the data is stored, as ISO 3166-1 alpha-2. Without it the notice says that no country is
    /// named.
    pub const fn hosting_countries(mut self, countries: &'static [&'static str]) -> Self {
        self.hosting_countries = countries;
        self
    }

    /// Sets the safeguard for transfers out of the person's legal area. Without it the notice says that there is none.
    pub const fn transfer_safeguard(mut self, safeguard: &'static str) -> Self {
        self.transfer_safeguard = Some(safeguard);
        self
    }

    /// Sets the third parties that receive the data for their own purposes. Required: `&[]` promises the person that it is passed
    /// on to nobody.
    pub const fn onward_sharing(mut self, parties: &'static [&'static str]) -> Self {
        self.onward_sharing = Some(parties);
        self
    }

    /// Sets whether the recipient's servers log the network addresses that reports come from. Required.
    pub const fn address_log(mut self, log: AddressLog) -> Self {
        self.address_log = Some(log);
        self
    }

    /// Sets what the recipient does with a person's erasure request for records that were sent. Required.
    pub const fn erasure(mut self, erasure: Erasure) -> Self {
        self.erasure = Some(erasure);
        self
    }

    /// Checks that a person can know whom they agree with, and to what: the texts are present, the countries are codes, and what
    /// must be stated is stated.
    pub(crate) fn checked(&self) -> Result<CheckedController, Error> {
        let (Some(address), Some(processors), Some(onward_sharing), Some(address_log), Some(erasure)) =
            (self.address, self.processors, self.onward_sharing, self.address_log, self.erasure)
        else {
            return Err(self.unstated());
        };
        let written = [
            ("the controller's `legal_name`", self.legal_name),
            ("the controller's `address`", address),
            ("the controller's `country`", self.country),
            ("the controller's `contact`", self.contact),
        ];
        if let Some((what, _)) = written.into_iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(Kind::Text { what, fix: "a person must know whom they agree with" }.into());
        }
        let countries = self.hosting_countries.iter().chain([&self.country]);
        if let Some(given) = countries.into_iter().find(|country| !is_country(country)) {
            return Err(Kind::Country { given: (*given).into() }.into());
        }
        Ok(CheckedController {
            legal_name: self.legal_name,
            address,
            country: self.country,
            contact: self.contact,
            data_protection_officer: self.data_protection_officer,
            authority: self.authority,
            processors,
            hosting_countries: self.hosting_countries,
            transfer_safeguard: self.transfer_safeguard,
            onward_sharing,
            address_log,
            erasure,
        })
    }

    /// The error that lists each entry that must be stated and is not, and the call that states it.
    fn unstated(&self) -> Error {
        let calls = [
            (self.address.is_none(), "`.address(\"…\")`"),
            (self.processors.is_none(), "`.processors(&[…])`, which is empty if nobody handles the data for them"),
            (
                self.onward_sharing.is_none(),
                "`.onward_sharing(&[…])`, which is empty if the data is passed on to nobody",
            ),
            (self.address_log.is_none(), "`.address_log(AddressLog::NotKept)` or `.address_log(AddressLog::Days(…))`"),
            (self.erasure.is_none(), "`.erasure(Erasure::WithinDays(…))` or `.erasure(Erasure::Unsupported)`"),
        ];
        let calls: Vec<&str> = calls.into_iter().filter(|(missing, _)| *missing).map(|(_, call)| call).collect();
        Kind::Unstated { calls: calls.join("; ") }.into()
    }
}

/// Whether these are two capital letters, as ISO 3166-1 alpha-2 codes are.
fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// A controller in which all that must be stated is stated. A contract takes no other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CheckedController {
    pub(crate) legal_name: &'static str,
    pub(crate) address: &'static str,
    pub(crate) country: &'static str,
    pub(crate) contact: &'static str,
    pub(crate) data_protection_officer: Option<&'static str>,
    pub(crate) authority: Option<&'static str>,
    pub(crate) processors: &'static [&'static str],
    pub(crate) hosting_countries: &'static [&'static str],
    pub(crate) transfer_safeguard: Option<&'static str>,
    pub(crate) onward_sharing: &'static [&'static str],
    pub(crate) address_log: AddressLog,
    pub(crate) erasure: Erasure,
}

/// Whether network addresses are logged on arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressLog {
    /// They are not kept.
    NotKept,
    /// They are kept for this many days.
    Days(u32),
}

/// What the recipient promises about deleting records that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Erasure {
    /// They are deleted within this many days of the erasure request, a record named `candor.erasure`: see
    /// [wire](crate::manual::wire).
    WithinDays(u32),
    /// Single records can't be deleted before their retention ends.
    Unsupported,
}

/// Who uses the program. The application states it; there is no default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Audience {
    /// Adults. Consent can be asked for.
    Adults,
    /// Some of them may be children. Every scope is blocked until the program states, with
    /// [`Config::adult`](crate::Config::adult), how it knows that this person is an adult.
    Mixed,
    /// Children. Every scope is blocked.
    Children,
}

impl Audience {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Audience::Adults => "adults",
            Audience::Mixed => "mixed",
            Audience::Children => "children",
        }
    }
}
