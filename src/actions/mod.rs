//! What changes something: one file an action, each read from top to bottom.
//!
//! An action works on the [engine](crate::engine), and on nothing else. Where one thing has to come before another, the action calls
//! the one and then the other. An action may begin with another one; no room below calls an action.

pub(crate) mod close;
mod decision;
pub(crate) mod deny;
mod destroy;
pub(crate) mod erase;
pub(crate) mod grant;
mod housekeeping;
pub(crate) mod keep;
mod refuse;
mod send;
pub(crate) mod settle;
pub(crate) mod switch;
pub(crate) mod withdraw;
mod work;
