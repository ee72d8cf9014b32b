//! placeholder
use super::Report;
pub(crate) fn page(_: &Report) -> String {
    String::new()
}
