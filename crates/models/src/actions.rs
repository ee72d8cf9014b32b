//! The modelled actions, compiled from their real sources. Never adds code of its own.

#[path = "../../../src/actions/close.rs"]
pub(crate) mod close;
#[path = "../../../src/actions/decision.rs"]
pub(crate) mod decision;
#[path = "../../../src/actions/destroy.rs"]
pub(crate) mod destroy;
#[path = "../../../src/actions/grant.rs"]
pub(crate) mod grant;
#[path = "../../../src/actions/refuse.rs"]
pub(crate) mod refuse;
#[path = "../../../src/actions/withdraw.rs"]
pub(crate) mod withdraw;
