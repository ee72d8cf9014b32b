//! Says what was tested, for `.ci/generalizers` to add up. Silent unless it is asked to speak.

use std::io::{Write as _, stderr};

/// A class kept a property.
pub(crate) fn property(class: &str, property: &str) {
    say(&format!("property: {class} | {property}"));
}

/// A number worth printing.
pub(crate) fn figure(name: &str, value: u64) {
    say(&format!("figure: {name} {value}"));
}

/// Past the harness, which keeps what a passing test prints to itself; in one piece, since tests run side by side.
fn say(line: &str) {
    if std::env::var_os("GENERALIZERS_TALLY").is_some() {
        stderr().write_all(format!("\n{line}\n").as_bytes()).unwrap();
    }
}
