//! Telemetry that asks first.
#![forbid(unsafe_code)]

mod ambient;
mod client;
pub mod consent;
mod disk;
mod error;
pub mod event;
mod generalize;
mod global;
mod journal;
mod manifest;
mod precision;
mod rollup;
mod sender;
mod transport;
mod withdraw;

#[doc(inline)]
pub use crate::{
    ambient::Clock,
    client::{Client, Config},
    consent::{AddressLog, Audience, Controller, Erasure, Scope},
    error::Error,
    event::Event,
    generalize::preview,
    global::{Candor, flush, init, manifest, record, record_durable, record_with, shutdown},
    manifest::Manifest,
    precision::{Precision, Unit},
    sender::Flushed,
    transport::{Answer, Parcel, SendError, Transport},
};
pub use candor_derive::{Category, Event, scope};

#[doc(hidden)]
pub mod __private {
    pub use crate::consent::{About, Answer, LinkedScope, ScopeStatic, ScopeWords, Uses};
    pub use inventory;
}
