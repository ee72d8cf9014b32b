//! A fresh process that opens the store that a kill left behind, and reports whether it is in the state before the
//! operation or the state after it.
//!
//! It compares the store with facts that were written down when the ground was made. It reads the files itself where it
//! can: it checks the chain of the history with its own code, and it searches every byte of both directories for data
//! that must be gone.

use super::{
    files,
    operations::{self, Operation},
    program::{self, LENDING, PageTurned, READING, say_yes},
};
use candor::{Client, Manifest, Scope, consent::State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

/// The pending and sent data of one scope, as the person's page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Page {
    waiting: Vec<String>,
    ready: Vec<String>,
    growing: Value,
    sent: Value,
}

impl Page {
    fn of(manifest: &Manifest, scope: Scope) -> Result<Page, Box<dyn Error>> {
        let page = manifest.scope(scope).ok_or("the manifest knows no such scope")?;
        let (waiting, ready) = (page.waiting.clone(), page.ready.clone());
        Ok(Page { waiting, ready, growing: json!(page.growing), sent: json!(page.sent) })
    }
}

/// The facts about the ground, taken when it was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Facts {
    page: Page,
    other: Page,
    epoch: u64,
    /// The number of pending lines, batches and counts.
    kinds: [usize; 3],
    /// The unique names in records: in pending records, and in sent ones.
    waiting: BTreeSet<String>,
    sent: BTreeSet<String>,
    /// The scope's secret.
    secret: Option<String>,
    /// The files that held pending data, relative to the store.
    files: Vec<PathBuf>,
    /// For how many records an uninterrupted operation requests erasure.
    asked: u64,
}

impl Facts {
    /// Reads what `prepare` made in a directory.
    pub(crate) fn of(operation: &Operation, directory: &Path) -> Result<Facts, Box<dyn Error>> {
        // Read before the program starts on the ground, because a start may destroy the data that the operation is
        // about.
        let store = program::store(directory);
        let secret = sealed(&store.join("keys")).and_then(|keys| Some(keys.get("reading")?.as_str()?.to_owned()));
        let epoch = sealed(&store.join("consent")).and_then(|it| it.pointer("/scopes/reading/epoch")?.as_u64());
        let files = waiting_files(&store);
        // Uses a copy, because reading the manifest starts the program.
        let copy = tempfile::tempdir()?;
        let copy = copy.path().join("ground");
        files::copy(directory, &copy)?;
        let whole = Page::of(&manifest_of(&copy)?, READING)?;
        let seen = if operation.settled { operation.start(&copy)?.manifest()? } else { manifest_of(&copy)? };
        let (page, other) = (Page::of(&seen, READING)?, Page::of(&seen, LENDING)?);
        let counts = whole.growing.as_array().map_or(0, Vec::len);
        let waiting = whole.waiting.iter().chain(&whole.ready).flat_map(|text| uids(text)).collect();
        let bodies = whole.sent.as_array().into_iter().flatten();
        let sent = bodies.filter_map(|entry| entry.get("body")?.as_str()).flat_map(uids).collect();
        let mut asked = 0;
        if operation.erases {
            let done = tempfile::tempdir()?;
            let done = done.path().join("done");
            files::copy(directory, &done)?;
            operation.finish(&done)?;
            asked = operation.start(&done)?.erasures(READING)?.requests.iter().map(|it| it.records).sum();
            if asked == 0 {
                return Err("nothing is there that could be erased".into());
            }
        }
        let kinds = [whole.waiting.len(), whole.ready.len(), counts];
        Ok(Facts { page, other, epoch: epoch.unwrap_or(0), kinds, waiting, sent, secret, files, asked })
    }

    /// Whether the ground contains every kind of data whose loss the judge must notice.
    pub(crate) fn are_full(&self) -> bool {
        let lengths = [self.waiting.len(), self.sent.len(), self.files.len()];
        lengths.iter().chain(&self.kinds).all(|length| *length > 0) && self.secret.is_some() && self.epoch > 0
    }
}

fn manifest_of(directory: &Path) -> Result<Manifest, Box<dyn Error>> {
    Ok(program::start(directory, "nowhere", 0)?.0.manifest()?)
}

/// The document in one of the store's sealed files.
fn sealed(path: &Path) -> Option<Value> {
    serde_json::from_str(fs::read_to_string(path).ok()?.split_once('\n')?.1).ok()
}

/// The unique names of records in a text.
fn uids(text: &str) -> Vec<String> {
    let after = text.split("log.record.uid").skip(1);
    let quoted = after.filter_map(|rest| rest.split('"').find(|part| part.len() >= 16).map(str::to_owned));
    quoted.collect()
}

/// The files that hold recorded data. The schedule of a scope's next send is not part of it.
fn waiting_files(store: &Path) -> Vec<PathBuf> {
    let kinds = ["waiting", "counts", "outbox"].map(|kind| files::all(&store.join(kind).join("reading")));
    let data = |path: &PathBuf| path.file_stem().is_none_or(|name| name != "schedule");
    let inner = |path: PathBuf| path.strip_prefix(store).map(Path::to_path_buf).ok();
    kinds.into_iter().flatten().filter(data).filter_map(inner).collect()
}

/// The state that the judge found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Before,
    After,
    /// Neither, but the scope is closed with a reason, where the operation allows that.
    Closed,
}

impl Verdict {
    pub(crate) const ALL: [(&'static str, Verdict); 3] =
        [("before", Verdict::Before), ("after", Verdict::After), ("closed", Verdict::Closed)];
}

/// Opens a directory and prints the verdict as one word. An error means that the store is in a state that must never
/// exist.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let [name, directory, facts, returned] = arguments else {
        return Err("a judge needs an operation, a directory, the facts, and whether it returned".into());
    };
    let facts: Facts = serde_json::from_str(&fs::read_to_string(facts)?)?;
    let verdict = judge(operations::named(name)?, Path::new(directory), &facts, *returned == "returned")?;
    let (word, _) = Verdict::ALL.into_iter().find(|(_, known)| *known == verdict).ok_or("a verdict without a word")?;
    println!("{word}");
    Ok(())
}

fn judge(operation: &Operation, directory: &Path, facts: &Facts, returned: bool) -> Result<Verdict, Box<dyn Error>> {
    let client = operation.start(directory)?;
    let status = client.status(READING)?;
    let mut called = false;
    client.record_with(|| {
        called = true;
        PageTurned { pages: 1 }
    });
    if called != status.is_open() {
        return Err(format!("recorded: {called}, and the status says {status:?}").into());
    }
    if operation.closes() && returned && called {
        return Err(format!("open after it returned: {status:?}").into());
    }
    drop(client);
    // What this process recorded is not part of the state to judge.
    let client = operation.start(directory)?;
    // Read before anything is sent.
    let other = Page::of(&client.manifest()?, LENDING)?;
    let look = Look { operation, directory, facts, client: &client, state: status.state, open: called };
    let (after, before) = (look.is_after(returned), look.is_before());
    let verdict = match (after, before) {
        (Ok(()), _) => Verdict::After,
        (Err(after), _) if returned => return Err(format!("after it returned, {after}").into()),
        (_, Ok(())) => Verdict::Before,
        _ if operation.may_close && status.state == State::Unreadable && status.trouble.is_some() => Verdict::Closed,
        (Err(after), Err(before)) => {
            let trouble = status.trouble.unwrap_or_else(|| "none".into());
            return Err(format!("neither: not after, since {after}; not before, since {before}; {trouble}").into());
        }
    };
    // The passing of time and a block affect every scope.
    let alone = operation.days == 0 && !operation.blocked;
    if !returned && alone && other != facts.other {
        return Err("the scope that nobody decided about is not as it was".into());
    }
    chain(directory)?;
    look.goes_on(verdict, returned)?;
    chain(directory)?;
    Ok(verdict)
}

/// One store to judge.
struct Look<'l> {
    operation: &'l Operation,
    directory: &'l Path,
    facts: &'l Facts,
    client: &'l Client,
    state: State,
    open: bool,
}

impl Look<'_> {
    fn is_before(&self) -> Result<(), String> {
        let Look { operation, facts, .. } = self;
        if self.state != operation.before {
            return Err(format!("the state is {:?}", self.state));
        }
        let mut page = self.page()?;
        page.without_own(facts);
        if page != facts.page {
            return Err("what waits or was sent is not as it was".into());
        }
        if operation.erases && self.is_asked()? {
            return Err("erasure is asked for".into());
        }
        Ok(())
    }

    fn is_after(&self, returned: bool) -> Result<(), String> {
        let Look { operation, facts, .. } = self;
        if self.state != operation.after {
            return Err(format!("the state is {:?}", self.state));
        }
        if self.open != (operation.after == State::Granted) {
            return Err(format!("{:?}, and open is {}", self.state, self.open));
        }
        if operation.erases {
            self.asks_for_all()?;
        }
        // The page may show data that was sent before the operation. Only what is sent during the operation matters
        // here.
        let posted = fs::read_to_string(program::posted(self.directory)).unwrap_or_default();
        if operation.closes() && posted.lines().any(|scope| scope == "reading") {
            return Err("something left".into());
        }
        let store = program::store(self.directory);
        if operation.waiting_goes {
            if let Some(path) = facts.files.iter().find(|path| store.join(path).exists()) {
                return Err(format!("{} is still there", path.display()));
            }
            // A request that was tried may have arrived, so its records can still be named in an erasure request.
            self.is_gone_but_for("a line that waited", facts.waiting.iter(), Some("named"))?;
            if operation.closes() && !waiting_files(&store).is_empty() {
                return Err(format!("something waits: {:?}", waiting_files(&store)));
            }
        }
        if operation.secret_goes {
            self.is_gone("the secret", facts.secret.iter())?;
        }
        if operation.sent_goes {
            self.is_gone("a line that was sent", facts.sent.iter())?;
        }
        if !files::all(&store.join("trash")).is_empty() {
            return Err("something lies in the trash".into());
        }
        let narrows = operation.waiting_goes && !operation.closes();
        if operation.before == operation.after && narrows && !returned {
            let epoch = sealed(&store.join("consent")).and_then(|it| it.pointer("/scopes/reading/epoch")?.as_u64());
            if epoch.is_none_or(|epoch| epoch <= facts.epoch) {
                return Err("no new epoch began".into());
            }
        }
        Ok(())
    }

    fn page(&self) -> Result<Page, String> {
        let manifest = self.client.manifest().map_err(|error| error.to_string())?;
        Page::of(&manifest, READING).map_err(|error| error.to_string())
    }

    /// Whether erasure is requested.
    fn is_asked(&self) -> Result<bool, String> {
        let status = self.client.erasures(READING).map_err(|error| error.to_string())?;
        Ok(status.unfinished || !status.requests.is_empty())
    }

    /// Checks that erasure is requested of everything that was sent, at the latest when the program sends the next
    /// time.
    fn asks_for_all(&self) -> Result<(), String> {
        let status = || self.client.erasures(READING).map_err(|error| error.to_string());
        let asked = |status: &candor::consent::ErasureStatus| status.requests.iter().map(|it| it.records).sum::<u64>();
        let mut now = status()?;
        if now.unfinished {
            // The status says what came of it.
            let _ = self.client.flush(std::time::Duration::from_secs(60)).map_err(|error| error.to_string())?;
            now = status()?;
        }
        match (now.unfinished, asked(&now)) {
            // A request that was tried before the erasure was requested, and is no longer pending, is named as well.
            (false, asked) if asked >= self.facts.asked && asked <= now.nameable => Ok(()),
            (unfinished, asked) => {
                Err(format!("{asked} of {} are asked for, unfinished: {unfinished}", self.facts.asked))
            }
        }
    }

    /// Checks that none of these texts is anywhere in the two directories.
    fn is_gone<'t>(&self, what: &str, texts: impl Iterator<Item = &'t String>) -> Result<(), String> {
        self.is_gone_but_for(what, texts, None)
    }

    fn is_gone_but_for<'t>(
        &self,
        what: &str,
        mut texts: impl Iterator<Item = &'t String>,
        but: Option<&str>,
    ) -> Result<(), String> {
        let places = [program::data(self.directory), program::marks(self.directory)];
        match texts.find_map(|text| places.iter().find_map(|place| files::holding(place, text, but))) {
            None => Ok(()),
            Some(path) => Err(format!("{what} is still in {}", path.display())),
        }
    }

    /// Checks that the person can still decide: a grant is accepted, a withdrawal is confirmed, and a closed scope
    /// needs a notice.
    fn goes_on(&self, verdict: Verdict, returned: bool) -> Result<(), Box<dyn Error>> {
        let client = self.client;
        if self.operation.closes() && (returned || verdict == Verdict::After) {
            match (client.grant(READING), self.state) {
                // A grant that has expired may be followed by another one without a notice.
                (Ok(_), State::Expired) => {}
                (Err(error), _) if error.needs_notice() => {}
                (other, _) => return Err(format!("a bare grant after a no: {other:?}").into()),
            }
        }
        say_yes(client, READING)?;
        client.record_durable(PageTurned { pages: 1 });
        if client.status(READING)?.state != State::Granted || self.page()?.waiting.is_empty() {
            return Err("a yes is not heard".into());
        }
        let receipt = client.withdraw(READING)?;
        if !receipt.confirmed || !receipt.recorded || !receipt.destroyed.complete {
            return Err(format!("a withdrawal is not confirmed: {receipt:?}").into());
        }
        let store = program::store(self.directory);
        if client.status(READING)?.state != State::Withdrawn || !waiting_files(&store).is_empty() {
            return Err("a withdrawal does not hold".into());
        }
        Ok(())
    }
}

impl Page {
    /// Removes the judge's own event, which it recorded to see whether the scope is open.
    fn without_own(&mut self, facts: &Facts) {
        self.waiting.retain(|line| facts.page.waiting.contains(line) || !line.contains("page.turned"));
    }
}

/// Checks the history entry by entry: each has the next number, the hash of the previous entry, and its own hash.
#[expect(clippy::indexing_slicing, reason = "JSON indexes to null, and a line that is no object fails the judge")]
fn chain(directory: &Path) -> Result<(), String> {
    let path = program::store(directory).join("ledger.jsonl");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("the history can't be read: {error}")),
    };
    let (mut previous, mut number) = (json!(""), 0);
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("the history ends in half a line".into());
    }
    for line in text.lines() {
        number += 1;
        let broken = |what: &str| format!("line {number} of the history: {what}");
        let mut line: Value = serde_json::from_str(line).map_err(|error| broken(&error.to_string()))?;
        if line["line"] != json!(number) || line["previous"] != previous {
            return Err(broken("it does not follow the one before"));
        }
        let said = line["hash"].take();
        line["hash"] = json!("");
        let hash = json!(blake3::hash(canonical(&line).as_bytes()).to_hex().to_string());
        if hash != said {
            return Err(broken("its hash is another one's"));
        }
        previous = hash;
    }
    Ok(())
}

/// JSON with sorted keys and no spaces.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|a, b| a.0.cmp(b.0));
            let entries: Vec<String> = entries.iter().map(|(k, v)| format!("{}:{}", json!(k), canonical(v))).collect();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}
