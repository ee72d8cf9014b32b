//! Runs the program on an input and reads its output.

use serde_json::Value;
use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

pub(crate) fn run(input: &[u8], options: &[&str]) -> Output {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().write_all(input).unwrap();
    Command::new(env!("CARGO_BIN_EXE_candor-audit")).arg(file.path()).args(options).output().unwrap()
}

/// The JSON report of a run that must succeed. Any number of rows may be left out, unless the options say otherwise.
pub(crate) fn report(input: &[u8], options: &[&str]) -> Value {
    let allow = if options.contains(&"--allow-left-out") { &[][..] } else { &["--allow-left-out", "100"] };
    let output = run(input, &[options, &["--json", "-"], allow].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    // Without any row there is a report, and the audit fails.
    let empty = output.status.code() == Some(3) && report["events"].as_array().is_some_and(Vec::is_empty);
    assert!(output.status.success() || empty, "{options:?}: {}", String::from_utf8_lossy(&output.stderr));
    report
}

/// The exit code, the JSON report and the error output of a run that makes a report, whatever its verdict is.
pub(crate) fn judged(input: &[u8], options: &[&str]) -> (i32, Value, String) {
    let output = run(input, &[options, &["--json", "-"]].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no report: {said}"));
    (output.status.code().unwrap(), report, said)
}

/// The same, with the input on standard input.
pub(crate) fn report_from_stdin(input: &[u8], options: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_candor-audit"));
    command
        .args(["-", "--json", "-", "--allow-left-out", "100"])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The only plan of the only event.
pub(crate) fn plan(report: &Value) -> &Value {
    let plans = report["events"][0]["plans"].as_array().unwrap();
    assert_eq!((report["events"].as_array().unwrap().len(), plans.len()), (1, 1));
    &plans[0]
}

/// The error message of a run that must fail with exit code 2 and print nothing to standard output.
pub(crate) fn complaint(input: &[u8], options: &[&str]) -> String {
    let output = run(input, options);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{options:?}: {said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(output.stdout.is_empty());
    said
}

/// The report that is printed for a terminal.
pub(crate) fn text(input: &[u8], options: &[&str]) -> String {
    let output = run(input, options);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
