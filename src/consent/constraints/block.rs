//! What blocks reports, in words for messages and for the person's page.

use crate::clean;

/// What blocks, in words for messages and for the person's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block(pub(crate) String);

/// A value from outside, cut to `most` characters and cleaned for a message.
pub(crate) fn shown(value: &str, most: usize) -> String {
    clean::line(&value.chars().take(most).collect::<String>())
}
