//! Five versions of one program, each built as a separate program, with one store and one receiver. `.ci/run` runs it
//! in its step `upgrade`. It compares the bytes that arrived, and assumes nothing about how candor holds a version
//! back.

#![expect(clippy::indexing_slicing, reason = "a failed look-up is a failed check")]

#[path = "../../../../../examples/support/mod.rs"]
mod support;

use serde_json::Value;
use std::{env, error::Error, path::Path, process::Command};
use support::Receiver;

/// Records that arrived, each as it was written, without the random number at its end.
fn records(receiver: &Receiver) -> Vec<String> {
    let bodies = receiver.requests().into_iter().map(|request| String::from_utf8_lossy(&request.body).into_owned());
    let lines = |body: String| -> Vec<String> {
        let inner = body.split_once("\"logRecords\":[").map(|(_, rest)| rest.to_owned()).unwrap_or_default();
        inner
            .split("{\"timeUnixNano\"")
            .skip(1)
            .map(|line| line.split("{\"key\":\"log.record.uid\"").next().unwrap_or_default().to_owned())
            .collect()
    };
    bodies.flat_map(lines).collect()
}

struct Run<'a> {
    receiver: &'a Receiver,
    home: &'a Path,
    seen: usize,
}

impl Run<'_> {
    /// Runs a version. Returns its status output, and the records that arrived meanwhile, sorted by their bytes.
    fn version(&mut self, version: &str, acts: &[&str]) -> Result<(Value, Vec<String>), Box<dyn Error>> {
        let program = env::current_exe()?.with_file_name(format!("upgrade_{version}"));
        let output = Command::new(program).arg(self.receiver.endpoint()).arg(self.home).args(acts).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        println!("{version} {}:\n{said}", acts.join(" "));
        if !output.status.success() {
            return Err(format!("{version} failed: {said}").into());
        }
        let mut arrived = records(self.receiver).split_off(self.seen);
        self.seen += arrived.len();
        arrived.sort();
        Ok((serde_json::from_slice(&output.stdout)?, arrived))
    }
}

fn check(holds: bool, what: &str, details: impl std::fmt::Debug) -> Result<(), Box<dyn Error>> {
    if holds { Ok(()) } else { Err(format!("{what}: {details:?}").into()) }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (receiver, home) = (Receiver::start()?, tempfile::tempdir()?);
    let mut run = Run { receiver: &receiver, home: home.path(), seen: 0 };

    let (one, agreed) = run.version("v1", &["grant", "record", "flush"])?;
    check(one["state"] == "granted" && one["open"] == true && agreed.len() == 3, "version 1 reports", &agreed)?;

    // The same lost frames. The third decoder is for a codec that version 1 did not know and reported as `other`.
    let (two, held) = run.version("v2", &["record", "flush"])?;
    let effects = |status: &Value, effect: &str| {
        status["changes"].as_array().map_or(0, |all| all.iter().filter(|change| change["effect"] == effect).count())
    };
    check(two["state"] == "superseded" && two["open"] == true, "version 2 is held, and open", &two)?;
    check(effects(&two, "held_back") == 3 && effects(&two, "stops") == 0, "three things are held back", &two)?;
    check(held == agreed, "version 2 says what version 1 said, byte for byte", (&held, &agreed))?;

    let (two, extended) = run.version("v2", &["extend", "record", "flush"])?;
    check(two["state"] == "granted" && effects(&two, "held_back") == 0, "it was extended", &two)?;
    let all = extended.concat();
    check(
        extended.len() == 3 && all.contains("av1") && all.contains("hardware") && all.contains("\"50\""),
        "version 2 says all of it once the person has agreed",
        &extended,
    )?;

    let (three, narrowed) = run.version("v3", &["record", "flush"])?;
    check(three["state"] == "granted" && three["open"] == true, "nobody is asked about less", &three)?;
    check(effects(&three, "narrower") >= 2 && narrowed.len() == 3, "version 3 narrows", &three)?;
    check(!narrowed.concat().contains("codec"), "version 3 says less", &narrowed)?;

    let requests = receiver.requests().len();
    let (four, nothing) = run.version("v4", &["record", "flush"])?;
    check(four["state"] == "superseded" && four["open"] == false, "another recipient stops it", &four)?;
    check(nothing.is_empty() && receiver.requests().len() == requests, "version 4 sends nothing", &nothing)?;

    let (three, again) = run.version("v3", &["record", "flush"])?;
    check(three["open"] == true && again.len() == 3, "and version 3 goes on where it was", &again)?;

    // The pending data now was recorded by a version that is gone, under a grant that the next version does not know.
    run.version("v3", &["record"])?;
    let requests = receiver.requests().len();
    let (five, _) = run.version("v5", &["take back"])?;
    check(five["before"][0]["name"] == "playback", "version 5 shows what it does not declare", &five)?;
    check(five["after"].as_array().is_some_and(Vec::is_empty), "and takes it back", &five)?;
    let (three, nothing) = run.version("v3", &["record", "flush"])?;
    check(three["state"] == "withdrawn" && three["open"] == false, "it is taken back for every version", &three)?;
    check(nothing.is_empty() && receiver.requests().len() == requests, "and what waited does not leave", &nothing)?;
    println!(
        "upgrade: version 1 sent {}, version 2 the same {} bytes until it was extended and then {} finer, version 3 {} \
         without asking, version 4 none; version 5, which declares no scope, took it back for all",
        agreed.len(),
        held.concat().len(),
        extended.len(),
        narrowed.len()
    );
    Ok(())
}
