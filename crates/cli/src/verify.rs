//! `candor verify`: checks a history offline, with the library's pure function. Reads the given files and prints what
//! is wrong. Needs no store, never opens a connection and never changes anything.

use crate::{
    args::Verify,
    error::{Error, Result, Trying as _},
};
use candor::consent::{UNDETECTABLE, Verdict, verify};
use std::{
    fmt::Write as _,
    fs,
    io::{self, Read as _},
    path::Path,
};

/// The maximum size of a file in bytes: several times the largest history that a store keeps, with its texts.
const MOST: u64 = 64 << 20;
/// The maximum number of flaws that are printed. More would add nothing new.
const SHOWN: usize = 40;

/// Returns the text to print, and whether nothing is wrong.
pub(crate) fn run(asked: &Verify) -> Result<(String, bool)> {
    if asked.limits {
        return Ok((limits(), true));
    }
    let Some(file) = &asked.file else {
        return Err(Error::Usage("name the file to check: an export, or a store's ledger.jsonl".into()));
    };
    let pipes = asked.earlier.iter().chain([file]).filter(|path| *path == Path::new("-")).count();
    if pipes > 1 {
        return Err(Error::Usage("only one file can be the standard input (`-`)".into()));
    }
    let history = read(file)?;
    let earlier = asked.earlier.iter().map(|path| read(path)).collect::<Result<Vec<String>>>()?;
    let earlier: Vec<&str> = earlier.iter().map(String::as_str).collect();
    let verdict = verify(&history, &earlier);
    let text = if asked.json {
        let mut json = serde_json::to_string_pretty(&verdict).map_err(|error| Error::Input(error.to_string()))?;
        json.push('\n');
        json
    } else {
        text(verdict.clone())
    };
    Ok((text, verdict.is_sound()))
}

fn text(mut verdict: Verdict) -> String {
    let more = verdict.flaws.len().saturating_sub(SHOWN);
    verdict.flaws.truncate(SHOWN);
    let mut out = verdict.to_string();
    if more > 0 {
        let _ = writeln!(out, "… and {more} more");
    }
    if verdict.is_sound() {
        out.push_str("`candor verify --limits` lists what a check can't find.\n");
    }
    out
}

fn limits() -> String {
    let mut out = "What checking a history can't find:\n".to_owned();
    for limit in UNDETECTABLE {
        let _ = writeln!(out, "- {limit}");
    }
    out
}

/// Reads a file as text, at most [`MOST`] bytes. Invalid UTF-8 becomes replacement characters; the hash of that line
/// then does not match.
fn read(path: &Path) -> Result<String> {
    let what = || format!("can't read {}", path.display());
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes).trying(what)?;
    } else {
        fs::File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes)).trying(what)?;
    }
    if bytes.len() as u64 > MOST {
        let name = path.display();
        return Err(Error::Input(format!(
            "{name} is larger than {} MiB, which no history is: name an export or a \
                                         store's ledger.jsonl",
            MOST >> 20
        )));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
