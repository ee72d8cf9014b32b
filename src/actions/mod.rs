//! The actions: everything that changes something. One file for each action; each reads from top to bottom.
//!
//! An action works on the [engine](crate::engine) and on nothing else. If one step must come before another, the action
//! calls them in that order. An action may begin by calling another action. No module below calls an action.
//!
//! The story of a scope: [`grant`] opens it. [`send`] sends what it recorded, on the thread that [`work`] runs.
//! [`withdraw`], [`deny`], [`switch`] and [`settle`] close or narrow it through [`close`], and [`destroy`] removes its
//! pending data.

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
