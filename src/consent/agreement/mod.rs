//! What is agreed to: scopes, contracts, whether a build would do more, and the notice that a person reads.

pub(crate) mod compatibility;
#[cfg(test)]
pub(crate) mod compatibility_tests;
pub(crate) mod contract;
pub(crate) mod languages;
pub(crate) mod notice;
#[cfg(test)]
pub(crate) mod notice_tests;
pub(crate) mod schema;
pub(crate) mod scope;
