//! Who is responsible for the data, and who the program is for: what the publisher states about both. Plain data. It never
//! decides anything.

/// Who is responsible for the data, and how they handle it. Part of every contract. Each entry is a value or an explicit
/// none, so that no entry can be omitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "a publisher must write out every entry")]
pub struct Controller {
    /// The legal name of the person or company that decides why and how the data is used.
    pub legal_name: &'static str,
    /// Their postal address.
    pub address: &'static str,
    /// The country they are in, as ISO 3166-1 alpha-2 (`FR`).
    pub country: &'static str,
    /// Where a person can write to them, such as an e-mail address.
    pub contact: &'static str,
    /// How to reach the data-protection officer, if there is one.
    pub data_protection_officer: Option<&'static str>,
    /// The supervisory authority a person can complain to, if there is one.
    pub authority: Option<&'static str>,
    /// Companies that handle the data on the controller's behalf.
    pub processors: &'static [&'static str],
    /// Countries in which the data is stored, as ISO 3166-1 alpha-2.
    pub hosting_countries: &'static [&'static str],
    /// The safeguard for transfers out of the person's legal area, if there are any.
    pub transfer_safeguard: Option<&'static str>,
    /// Third parties that receive the data for their own purposes.
    pub onward_sharing: &'static [&'static str],
    /// Whether the recipient's servers log the network addresses that reports come from.
    pub address_log: AddressLog,
    /// What the recipient does with a person's erasure request for records that were sent.
    pub erasure: Erasure,
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
