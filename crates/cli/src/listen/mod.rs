//! `candor listen`: a receiver on this computer that prints what arrives beside what it means. For developers.
//!
//! It listens on the loopback address only, keeps nothing, forwards nothing, and opens no connection. What arrives is bounded in
//! size, number and time, because any program on this computer can send to it.

mod http;
mod words;

use crate::{
    args::Listen,
    error::{Error, Result, Trying as _},
};
use candor::__private::{clean_json, clean_line};
use http::{Missed, Refusal};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use std::{
    borrow::Cow,
    collections::HashSet,
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use words::Source;

/// How many connections are served at the same time. Further ones are answered with 503.
const MOST_CONNECTIONS: usize = 32;
/// The wait after a connection could not be accepted, for example because too many files are open.
const PAUSE: Duration = Duration::from_millis(100);

/// Listens until the program is ended.
///
/// # Errors
/// The port can't be used.
pub(crate) fn listen(asked: &Listen) -> Result<()> {
    // Nothing else than this address is ever used: there is no option for it.
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, asked.port));
    let listener = TcpListener::bind(address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            let port = asked.port;
            Error::Usage(format!(
                "port {port} is in use: end the program that listens on it, or name another with --port"
            ))
        }
        _ => Error::Io { what: format!("can't listen on {address}"), source: error },
    })?;
    let address = listener.local_addr().trying(|| format!("can't listen on {address}"))?;
    let printer = Arc::new(Printer {
        data: asked.data.clone().or_else(dirs::data_local_dir),
        seen: Mutex::default(),
        is_quiet: asked.json,
    });
    printer.print(&format!("Listening on http://{address}, on this computer only. Ctrl-C ends it.\n"), true);
    let open = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            thread::sleep(PAUSE);
            continue;
        };
        let serving = Serving::new(&open);
        let (printer, is_full) = (printer.clone(), open.load(Ordering::SeqCst) > MOST_CONNECTIONS);
        // If no thread can be made, the peer finds its connection closed.
        let _ = thread::Builder::new().spawn(move || {
            serve(stream, &printer, is_full);
            drop(serving);
        });
    }
    Ok(())
}

/// Counts a connection while it is served.
struct Serving(Arc<AtomicUsize>);

impl Serving {
    fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::SeqCst);
        Serving(open.clone())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn serve(mut stream: TcpStream, printer: &Printer, is_full: bool) {
    // On loopback that is always so. A system that said otherwise would not be one that this program knows.
    if !stream.peer_addr().is_ok_and(|peer| peer.ip().is_loopback()) {
        return;
    }
    if is_full {
        let busy = Refusal::new(503, format!("more than {MOST_CONNECTIONS} connections are open"));
        return http::answer(&mut stream, Some(&busy));
    }
    let refused = match http::read(&mut stream) {
        Ok(request) => take(&request.body, printer).err(),
        Err(Missed::Nothing) => return,
        Err(Missed::Refused(refusal)) => Some(refusal),
    };
    if let Some(refusal) = &refused {
        printer.print(&format!("REFUSED ({}): {}\n", refusal.status, clean_line(&refusal.why)), true);
    }
    http::answer(&mut stream, refused.as_ref());
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'b> {
    #[serde(borrow, default)]
    resource_logs: Vec<ResourceLogs<'b>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceLogs<'b> {
    #[serde(default)]
    resource: Value,
    #[serde(borrow, default)]
    scope_logs: Vec<ScopeLogs<'b>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeLogs<'b> {
    #[serde(default)]
    scope: Value,
    #[serde(borrow, default)]
    log_records: Vec<&'b RawValue>,
}

/// Prints what a body holds.
///
/// # Errors
/// It is not an OTLP request for logs in JSON.
fn take(body: &[u8], printer: &Printer) -> std::result::Result<(), Refusal> {
    let parsed: Body<'_> = serde_json::from_slice(body)
        .map_err(|error| Refusal::new(400, format!("the body is not an OTLP request for logs in JSON: {error}")))?;
    let mut out = String::new();
    for resource in &parsed.resource_logs {
        for scope in &resource.scope_logs {
            printer.describe(&resource.resource, scope, &mut out)?;
        }
    }
    if out.is_empty() && !printer.is_quiet {
        out.push_str("A request without records\n");
    }
    printer.print(&out, false);
    Ok(())
}

struct Printer {
    /// Where programs on this computer keep their data.
    data: Option<PathBuf>,
    /// The envelopes that were printed. Bounded: a peer could send many.
    seen: Mutex<HashSet<String>>,
    /// Whether only the records are printed, as they were sent.
    is_quiet: bool,
}

/// How many envelopes are remembered. Then all of them are printed again.
const MOST_SEEN: usize = 64;

impl Printer {
    fn describe(&self, resource: &Value, logs: &ScopeLogs<'_>, out: &mut String) -> std::result::Result<(), Refusal> {
        let (program, scope) = (
            words::attributes(&resource["attributes"]),
            words::attributes(logs.scope.get("attributes").unwrap_or(&Value::Null)),
        );
        let text = |list: &[(String, Value)], key: &str| {
            list.iter().find(|(name, _)| name == key).and_then(|(_, value)| value.as_str().map(str::to_owned))
        };
        let revision =
            scope.iter().find(|(name, _)| name == "candor.contract.revision").and_then(|(_, value)| value.as_i64());
        let source = Source {
            application: text(&program, "service.name").unwrap_or_default(),
            scope: text(&scope, "candor.scope").unwrap_or_default(),
            revision: revision.unwrap_or_default(),
        };
        let contract = self.data.as_deref().and_then(|data| words::contract(data, &source));
        let envelope = envelope(&program, &scope);
        if !self.is_quiet && self.is_new(&envelope) {
            out.push_str(&format!("\nThe envelope of these records: {envelope}\n"));
            if contract.is_none() {
                out.push_str("  (The program's agreement is not on this computer, so only the lower bound of a step is known.)\n");
            }
        }
        for line in &logs.log_records {
            let record: Value = serde_json::from_str(line.get())
                .map_err(|error| Refusal::new(400, format!("a record can't be read: {error}")))?;
            // A record on several lines would look like several records.
            let raw = if line.get().contains(['\n', '\r']) {
                Cow::Owned(record.to_string())
            } else {
                Cow::Borrowed(line.get())
            };
            out.push_str(&clean_json(&raw));
            out.push('\n');
            if !self.is_quiet {
                out.push_str(&format!("  = {}\n", clean_line(&words::record(&record, contract.as_ref()))));
            }
        }
        Ok(())
    }

    fn is_new(&self, envelope: &str) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MOST_SEEN {
            seen.clear();
        }
        seen.insert(envelope.to_owned())
    }

    /// Prints a text at once. `aside` is what is not a record.
    fn print(&self, text: &str, aside: bool) {
        let printed = if aside && self.is_quiet {
            io::stderr().lock().write_all(text.as_bytes())
        } else {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        };
        if printed.is_err() {
            // Nobody reads any more, as after `candor listen | head`.
            process::exit(0);
        }
    }
}

/// What every request of a program and a purpose says beside its records.
fn envelope(program: &[(String, Value)], scope: &[(String, Value)]) -> String {
    let pair = |(key, value): &(String, Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        clean_line(&format!("{key}={value}"))
    };
    let all: Vec<String> = program.iter().chain(scope).map(pair).collect();
    if all.is_empty() { "nothing".into() } else { all.join(" ") }
}
