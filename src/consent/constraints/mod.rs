//! What narrows whatever a person agreed to: the environment and administrators' rules. Nothing here grants.

pub(crate) mod environment;
pub(crate) mod limits;
#[cfg(test)]
pub(crate) mod limits_tests;
pub(crate) mod policy;
