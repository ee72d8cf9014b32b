//! The manual: why candor is as it is, and what it keeps where. Pages of prose, compiled as documentation.

#[doc = include_str!("first_hour.md")]
pub mod first_hour {}

#[doc = include_str!("recipes.md")]
pub mod recipes {}

#[doc = include_str!("architecture.md")]
pub mod architecture {}

#[doc = include_str!("threat_model.md")]
pub mod threat_model {}

#[doc = include_str!("consent.md")]
pub mod consent {}

#[doc = include_str!("rounding.md")]
pub mod rounding {}

#[doc = include_str!("journal.md")]
pub mod journal {}

#[doc = include_str!("wire.md")]
pub mod wire {}

#[doc = include_str!("reading.md")]
pub mod reading {}

#[doc = include_str!("schemas.md")]
pub mod schemas {}

#[doc = include_str!("platforms.md")]
pub mod platforms {}

#[doc = include_str!("faults.md")]
pub mod faults {}

#[doc = include_str!("glossary.md")]
pub mod glossary {}

#[doc = include_str!("why.md")]
pub mod why {}
