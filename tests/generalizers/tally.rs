//! Reports what was tested, for `.ci/generalizers` to add up. Silent unless `GENERALIZERS_TALLY` is set.

use std::io::{Write as _, stderr};

/// Reports that a class has a property.
pub(crate) fn property(class: &str, property: &str) {
    say(&format!("property: {class} | {property}"));
}

/// Reports a number.
pub(crate) fn figure(name: &str, value: u64) {
    say(&format!("figure: {name} {value}"));
}

/// Writes to stderr directly, since the harness captures what a passing test prints. It writes in one call, since
/// tests run in parallel.
fn say(line: &str) {
    if std::env::var_os("GENERALIZERS_TALLY").is_some() {
        stderr().write_all(format!("\n{line}\n").as_bytes()).unwrap();
    }
}
