//! What a person agrees to: scopes, contracts, the comparison of two contracts, and the notice that the person reads.
//! These modules never grant or withdraw anything.

pub(crate) mod compatibility;
#[cfg(test)]
pub(crate) mod compatibility_tests;
pub(crate) mod contract;
pub(crate) mod controller;
pub(crate) mod grant;
pub(crate) mod languages;
pub(crate) mod notice;
#[cfg(test)]
pub(crate) mod notice_tests;
pub(crate) mod party;
pub(crate) mod schema;
pub(crate) mod scope;
pub(crate) mod terms;
pub(crate) mod text_keys;
