//! Constraints: what narrows a person's consent from outside, which is the environment and administrators' rules. These
//! modules never grant anything.

pub(crate) mod block;
pub(crate) mod environment;
pub(crate) mod limits;
#[cfg(test)]
pub(crate) mod limits_tests;
pub(crate) mod policy;
