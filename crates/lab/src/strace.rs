//! The system calls of a program, as `strace` saw them.
//!
//! Both checks read the same kind of log: one call per line, with its thread, its start time and its duration. If a
//! line of another thread interrupts a call, its two parts are joined. So no call is read twice or missed.

use std::{collections::BTreeMap, ffi::OsStr, io, path::Path, process::Command, time::Duration};

/// One system call.
#[derive(Debug, Clone)]
pub struct Call {
    /// The thread that made it.
    pub thread: u32,
    /// When it began, since 1970.
    pub began: Duration,
    /// The name of the call, such as `openat`.
    pub name: String,
    /// Arguments and result as strace prints them.
    pub text: String,
    /// When the program continued; `None` for a call that never returned, such as the last one.
    pub ended: Option<Duration>,
}

impl Call {
    /// The text between the first two quotation marks. For most calls with a path, this is the path.
    pub fn path(&self) -> Option<&str> {
        self.text.split('"').nth(1)
    }

    /// The number after the last `=`: the result of the call; -1 for an error.
    pub fn answer(&self) -> Option<i64> {
        self.text.rsplit_once(" = ")?.1.split_whitespace().next()?.parse().ok()
    }

    /// Whether it is one of these calls.
    pub fn is_one_of(&self, names: &[&str]) -> bool {
        names.contains(&self.name.as_str())
    }
}

/// The command that runs `program` under strace with all its threads and children, and writes the calls to `log`.
pub fn command(program: impl AsRef<OsStr>, log: &Path, options: &[&str]) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-ttt", "-T", "-o"]).arg(log).args(options).arg("--").arg(program);
    command
}

/// Reads a log, in the order in which calls began.
///
/// # Errors
/// The log can't be read, or a line of it: nothing is skipped.
pub fn read(log: &Path) -> io::Result<Vec<Call>> {
    let text = std::fs::read_to_string(log)?;
    let mut calls: Vec<Call> = Vec::new();
    let mut open: BTreeMap<u32, usize> = BTreeMap::new();
    for line in text.lines() {
        let strange = || io::Error::other(format!("can't read this line of {}: {line}", log.display()));
        let (thread, rest) = line.split_once(' ').ok_or_else(strange)?;
        let thread = thread.parse().map_err(|_| strange())?;
        let (at, rest) = rest.trim_start().split_once(' ').ok_or_else(strange)?;
        let at = time(at).ok_or_else(strange)?;
        if rest.starts_with("+++ ") || rest.starts_with("--- ") {
            continue; // the end of a thread, or a signal
        }
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let begun = open.remove(&thread).and_then(|index| calls.get_mut(index)).ok_or_else(strange)?;
            let (_, tail) = resumed.split_once(" resumed>").ok_or_else(strange)?;
            begun.text.push_str(tail);
            begun.finish();
            continue;
        }
        let (name, text) = rest.split_once('(').ok_or_else(strange)?;
        let mut call = Call { thread, began: at, name: name.into(), text: text.into(), ended: None };
        match text.strip_suffix("<unfinished ...>") {
            Some(text) => {
                call.text = text.into();
                open.insert(thread, calls.len());
            }
            None => call.finish(),
        }
        calls.push(call);
    }
    Ok(calls)
}

impl Call {
    /// Moves the duration from the end of the text into `ended`.
    fn finish(&mut self) {
        let Some((text, took)) = self.text.rsplit_once(" <") else { return };
        if let Some(took) = took.strip_suffix('>').and_then(time) {
            self.ended = Some(self.began + took);
            self.text = text.into();
        }
    }
}

/// Seconds with exactly six decimals.
fn time(text: &str) -> Option<Duration> {
    let (seconds, micros) = text.split_once('.')?;
    (micros.len() == 6).then_some(())?;
    Some(Duration::from_secs(seconds.parse().ok()?) + Duration::from_micros(micros.parse().ok()?))
}
