//! Tests of `candor verify` on the receipts of a real store: its findings, its output and its exit codes.

use crate::stage;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

candor::scope! {
    /// Find out what a check of receipts says.
    pub CHECKED = "checked" {
        title: "Checked", revision: 1, about: installation, retention: 30 days, benefit: "None", other_uses: none,
    }
}

/// Something happened.
#[derive(candor::Event)]
#[event(name = "checked.happened", scope = CHECKED, linkage = none)]
struct Happened {
    /// Whether it did.
    really: bool,
}

/// A store with five decisions, its export, and the export and the receipt after three of them.
struct Store {
    home: tempfile::TempDir,
}

impl Store {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let client = stage::client("org.example.checked", home.path());
        let yes = || client.grant(CHECKED.shown(&client.notice(CHECKED).unwrap()).via("settings/privacy")).unwrap();
        client.record(Happened { really: true });
        yes();
        client.withdraw(CHECKED).unwrap();
        let receipt = yes();
        let store = Store { home };
        fs::write(store.path("earlier.json"), client.receipts().unwrap().to_json()).unwrap();
        fs::write(store.path("receipt.json"), serde_json::to_string(&receipt).unwrap()).unwrap();
        client.deny(CHECKED).unwrap();
        yes();
        fs::write(store.path("now.json"), client.receipts().unwrap().to_json()).unwrap();
        store
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn ledger(&self) -> PathBuf {
        self.home.path().join("data/org.example.checked/candor-1/ledger.jsonl")
    }

    /// Returns a copy of a file with one text replaced.
    fn changed(&self, file: &Path, from: &str, to: &str) -> PathBuf {
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains(from), "{from}");
        let path = self.path("changed");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        path
    }
}

fn verify(file: &Path, options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_candor")).arg("verify").arg(file).args(options).output().unwrap()
}

/// Returns the output. Panics if the exit code is not `code`.
#[track_caller]
fn said(file: &Path, options: &[&str], code: i32) -> String {
    let output = verify(file, options);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    assert_eq!(code == 2, out.is_empty(), "{out}");
    assert_eq!(code == 2, !err.is_empty(), "{err}");
    assert!(!err.contains("panicked"), "{err}");
    out + &err
}

#[test]
fn what_is_whole_is_found_whole() {
    let store = Store::new();
    let (now, earlier, receipt) = (store.path("now.json"), store.path("earlier.json"), store.path("receipt.json"));
    let text = said(&now, &[], 0);
    for part in ["org.example.checked with 5 lines", "Nothing wrong was found", "no earlier receipt", "--limits"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (earlier, receipt) = (earlier.to_str().unwrap(), receipt.to_str().unwrap());
    let text = said(&now, &["--earlier", earlier, "--earlier", receipt], 0);
    assert!(text.contains("the lines after 3 are newer"), "{text}");
    let text = said(&store.ledger(), &["--earlier", earlier], 0);
    assert!(text.contains("these are only the lines"), "{text}");
}

#[test]
fn the_line_that_is_wrong_is_named() {
    let store = Store::new();
    let now = store.path("now.json");
    let text = said(&store.changed(&store.ledger(), "\"line\":2", "\"line\":7"), &[], 1);
    assert!(text.contains("WRONG  line 2: its hash does not match its content"), "{text}");
    assert!(text.contains("WRONG  line 2: its number is 7, but it should be 2"), "{text}");
    let text = said(&store.changed(&now, "dpv:ConsentWithdrawn", "dpv:ConsentGiven"), &[], 1);
    assert!(text.contains("WRONG  line 2: the readable part differs from the lines"), "{text}");
    let text = said(&store.changed(&now, "Find out what a check", "Find out what you check"), &[], 1);
    assert!(text.contains("WRONG  line 1: the notice it names was changed"), "{text}");
    // Lines are cut off at the end. Only an earlier receipt reveals that.
    let ledger = fs::read_to_string(store.ledger()).unwrap();
    let cut: String = ledger.split_inclusive('\n').take(2).collect();
    fs::write(store.path("cut"), cut).unwrap();
    said(&store.path("cut"), &[], 0);
    let text = said(&store.path("cut"), &["--earlier", store.path("receipt.json").to_str().unwrap()], 1);
    assert!(text.contains("WRONG  line 3: it is missing"), "{text}");
}

#[test]
fn what_was_found_is_there_as_data() {
    let store = Store::new();
    let path = store.changed(&store.ledger(), "withdrawn", "granted");
    let found: Value = serde_json::from_str(&said(&path, &["--json"], 1)).unwrap();
    assert_eq!((&found["lines"], &found["vouched"]), (&5.into(), &0.into()));
    assert_eq!((&found["flaws"][0]["line"], &found["flaws"][0]["wrong"]), (&2.into(), &"hash".into()));
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for key in found.as_object().unwrap().keys().chain(found["flaws"][0].as_object().unwrap().keys()) {
        assert!(readme.contains(&format!("`{key}`")), "README.md does not describe `{key}`");
    }
}

#[test]
fn what_can_not_be_checked_is_refused() {
    let store = Store::new();
    let text = said(&store.path("no-such-file"), &[], 2);
    assert!(text.contains("candor verify: can't read"), "{text}");
    said(&store.path("now.json"), &["--earlier", store.path("no-such-file").to_str().unwrap()], 2);
    said(store.home.path(), &[], 2);
    said(Path::new("-"), &["--earlier", "-"], 2);
    said(&store.path("now.json"), &["--limits"], 2);
    // A readable file that is not a history is a finding, not an error.
    fs::write(store.path("noise"), b"\xff\xfe\x00\x1b[2J").unwrap();
    let text = said(&store.path("noise"), &[], 1);
    assert!(text.contains("neither a whole export nor the lines of a history") && !text.contains('\u{1b}'), "{text}");
    // Only some of very many flaws are printed. The rest is counted.
    fs::write(store.path("many"), "{\"hash\":\"\u{202e}\"}\n".repeat(1_000)).unwrap();
    let text = said(&store.path("many"), &[], 1);
    assert!(text.lines().count() < 100 && text.contains("more\n") && !text.contains('\u{202e}'), "{text}");
}

#[test]
fn the_limits_are_listed() {
    let output = Command::new(env!("CARGO_BIN_EXE_candor")).args(["verify", "--limits"]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with("- ")).count(), candor::consent::UNDETECTABLE.len());
}

#[test]
fn a_pipe_will_do() {
    let store = Store::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_candor"));
    let file = fs::File::open(store.path("now.json")).unwrap();
    let output = command.args(["verify", "-"]).stdin(Stdio::from(file)).output().unwrap();
    assert!(output.status.success());
}
