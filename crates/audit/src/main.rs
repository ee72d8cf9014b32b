//! `candor-audit` measures how well generalized data hides a row in a crowd, for people who publish such data. It opens no
//! connection, and writes only the requested reports and temporary files.
#![forbid(unsafe_code)]

// Ordered by data flow. A module may only import modules above it.
mod words;
mod error;
mod number;
mod classes;
mod args;
mod scope;
mod formula;
mod input;
mod code;
mod sizes;
mod reach;
mod plan;
mod quantiles;
mod invert;
mod tally;
mod runs;
mod measure;
mod report;

use args::Audit;
use candor::__private::{clean_json, clean_line, clean_text};
use clap::Parser as _;
use error::{Error, Result, Trying as _};
use report::Report;
use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

/// Exit code: a limit of the command line is exceeded.
const OVER_LIMIT: u8 = 1;
/// Exit code: the command line or the input is wrong.
const WRONG: u8 = 2;
/// Exit code: the audit says too little, because too many rows were left out or there are none.
const UNREAD: u8 = 3;

fn main() -> ExitCode {
    match run(&Audit::parse()) {
        Ok(Report { failure: Some(failure), .. }) => {
            // As below: the exit code says it alone.
            let _ = writeln!(io::stderr(), "candor-audit: {}", clean_line(&failure));
            ExitCode::from(UNREAD)
        }
        Ok(report) if report.over_limits.is_empty() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(OVER_LIMIT),
        Err(error) => {
            // Where nothing can be printed, the exit code says it alone.
            let _ = writeln!(io::stderr(), "candor-audit: {}", clean_line(&error.to_string()));
            ExitCode::from(WRONG)
        }
    }
}

fn run(audit: &Audit) -> Result<Report> {
    check_outputs(audit)?;
    let progress = input::progress(audit.quiet);
    let scopes = scope::Scope::read_all(audit)?;
    let report = match &audit.file {
        None => Report::of_scopes(audit, &scopes),
        Some(file) => {
            let mut rows = input::Rows::open(audit, file, &progress)?;
            let spec = plan::Spec::read(audit, &rows, &scopes)?;
            let folder = audit.temp.clone().unwrap_or_else(std::env::temp_dir);
            let measured = measure::measure(&mut rows, &spec, audit.memory, folder, &progress)?;
            progress.finish_and_clear();
            if let (Some(event), Some(_), []) = (&audit.event, &audit.event_column, &measured.0[..]) {
                return Err(Error::Usage(format!("--event names `{}`, which no row is", words::shown(event))));
            }
            Report::new(audit, &rows, &spec, &scopes, measured)
        }
    };
    if let Some(path) = &audit.json {
        let mut json = serde_json::to_string_pretty(&report).map_err(|error| Error::Input(error.to_string()))?;
        json.push('\n');
        write(path, &json)?;
    }
    if let Some(path) = &audit.html {
        write(path, &report::page::page(&report))?;
    }
    if !audit.quiet && !is_stdout(&audit.json) && !is_stdout(&audit.html) {
        write(Path::new("-"), &report::terminal::text(&report))?;
    }
    Ok(report)
}

/// Refuses options that would mix two outputs or overwrite the input.
fn check_outputs(audit: &Audit) -> Result<()> {
    if is_stdout(&audit.json) && is_stdout(&audit.html) {
        return Err(Error::Usage("--json - and --html - can't share the standard output; name a file for one".into()));
    }
    for (option, path) in [("--json", &audit.json), ("--html", &audit.html)] {
        let Some(path) = path.as_deref().filter(|path| *path != Path::new("-")) else { continue };
        let same = |read: &Path| matches!((path.canonicalize(), read.canonicalize()), (Ok(a), Ok(b)) if a == b);
        if [&audit.file, &audit.scope].into_iter().flatten().any(|read| same(read)) {
            return Err(Error::Usage(format!("{option} names the input, which would be lost; name another file")));
        }
    }
    Ok(())
}

fn is_stdout(path: &Option<std::path::PathBuf>) -> bool {
    path.as_deref() == Some(Path::new("-"))
}

fn write(path: &Path, text: &str) -> Result<()> {
    if path != Path::new("-") {
        return fs::write(path, text).trying(|| format!("can't write {}", path.display()));
    }
    // JSON must stay equal as data; other text is cleaned for a person to read. A page is for a browser, which handles
    // direction marks and the like itself.
    let text = match text.trim_start().chars().next() {
        Some('{' | '[') => clean_json(text),
        Some('<') => text.to_owned(),
        _ => clean_text(text),
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        // The reader closed the pipe, for example `head`. That is not an error.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.trying(|| "can't write to the standard output".into()),
    }
}
