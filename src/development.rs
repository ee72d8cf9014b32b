//! The development clock: it lets days pass within seconds, so that a developer sees what a program sends.
//!
//! It exists in builds with `debug_assertions` only, which a release build has not. It sends to this computer only, uses a store
//! of its own, and says on the standard error what it does. It never grants anything, and days pass only while a scope is open.

use crate::{
    ambient::Clock,
    consent::Contract,
    disk::{Files, Look},
    engine::Engine,
    error::{Error, Kind},
    send::{Flushed, Occasion},
};
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

/// The directory, in each of the application's own, with the store that is used with this clock. What is decided and recorded
/// there has nothing to do with the person's own decisions.
const DIRECTORY: &str = "development";
const DAY: u64 = 86_400;
/// The longest time that a day's end may take, such as when the receiver hangs.
const SEND: Duration = Duration::from_secs(5);
/// How often the thread checks whether the client has ended.
const LOOK: Duration = Duration::from_millis(20);
const HERE_ONLY: &str = "the development clock sends to this computer only: write `http://localhost:4318`, where \
                         `candor listen` receives, or leave out `Config::development_clock`";

/// Days that pass quickly.
pub(crate) struct Development {
    /// The clock that the program would have otherwise.
    clock: Arc<dyn Clock>,
    /// How long a day lasts.
    lasts: Duration,
    /// By how many days this clock is ahead of the other.
    ahead: AtomicU64,
    files: Files,
    /// Where `ahead` is kept, so that the next run does not begin before the days that were.
    path: PathBuf,
}

impl Clock for Development {
    fn now(&self) -> SystemTime {
        let ahead = Duration::from_secs(self.ahead.load(Ordering::SeqCst).saturating_mul(DAY));
        let now = self.clock.now();
        now.checked_add(ahead).unwrap_or(now)
    }

    fn monotonic(&self) -> Instant {
        self.clock.monotonic()
    }
}

/// The directory for the program's data, or for its marks, in place of `directory`.
pub(crate) fn directory(directory: &Path, application: &str) -> PathBuf {
    directory.join(application).join(DIRECTORY)
}

/// Checks that everything that the program may send goes to this computer.
///
/// # Errors
/// Something goes elsewhere, or through a transport of the program's own, of which that is not known.
pub(crate) fn check(own_transport: bool, endpoint: &str, contracts: &[Contract]) -> Result<(), Error> {
    let refused = |given: &str| Err(Kind::Endpoint { given: given.to_owned(), why: HERE_ONLY }.into());
    // An endpoint without TLS can only be on this computer.
    let is_here = |endpoint: &str| endpoint.starts_with("http://");
    if own_transport || !is_here(endpoint) {
        return refused(endpoint);
    }
    let library = contracts.iter().filter(|contract| contract.allowed && contract.scope.is_of_library());
    library.map(Contract::endpoint).find(|endpoint| !is_here(endpoint)).map_or(Ok(()), refused)
}

impl Development {
    /// `data` is what [`directory`] returned. Reads how far ahead the last run was.
    pub(crate) fn new(clock: Arc<dyn Clock>, lasts: Duration, files: Files, data: &Path) -> Self {
        let path = data.join("days");
        let development = Development { clock, lasts, ahead: AtomicU64::new(0), files, path };
        development.ahead.store(development.kept(), Ordering::SeqCst);
        development
    }

    /// How many days ahead the last run was, or a run beside this one is.
    fn kept(&self) -> u64 {
        let Look::Read(bytes) = self.files.contents(&self.path, 32) else { return 0 };
        // A clock that is not ahead closes what was granted, and the status says so. So a damaged file can't pass unnoticed.
        std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    /// Says what this is, and lets days pass on a thread of their own until the client ends.
    pub(crate) fn begin(self: &Arc<Self>, engine: &Arc<Engine>, endpoint: &str) {
        let store = self.path.with_file_name("");
        say(&format!(
            "a day lasts {:?}, and ends with the program at the latest. Then what is pending is sent, to {endpoint} only. The \
             store is {}. None of this is in a release build",
            self.lasts,
            store.display()
        ));
        let (development, engine) = (self.clone(), Arc::downgrade(engine));
        if let Err(error) = crate::thread::start("candor-development", move || development.pass_days(&engine)) {
            say(&format!("no thread could be made ({error}): a day ends with the program only"));
        }
    }

    fn pass_days(&self, engine: &Weak<Engine>) {
        let mut passed = Duration::ZERO;
        loop {
            let step = LOOK.min(self.lasts);
            thread::sleep(step);
            let Some(engine) = engine.upgrade() else { return };
            if engine.consent.has_ended() {
                return;
            }
            // Without a grant nothing is written, and nothing would be different on another day.
            passed = if engine.consent.open_places().is_empty() { Duration::ZERO } else { passed + step };
            if passed >= self.lasts {
                passed = Duration::ZERO;
                self.end_day(&engine, SEND);
            }
        }
    }

    /// Ends the day and sends what was recorded on it. Does nothing if no scope is open.
    pub(crate) fn end_day(&self, engine: &Arc<Engine>, limit: Duration) {
        if engine.consent.has_ended() || engine.consent.open_places().is_empty() {
            return;
        }
        let ahead = self.kept().max(self.ahead.load(Ordering::SeqCst)).saturating_add(1);
        self.ahead.store(ahead, Ordering::SeqCst);
        if let Err(error) = self.files.place(&self.path, format!("{ahead}\n").as_bytes()) {
            say(&format!(
                "the day could not be written ({error}): the next run begins before it, and its scopes are closed"
            ));
        }
        let before = engine.taken();
        let sent = engine.send_apart(Occasion::Flush, Some(limit.min(SEND)));
        let sent = sent.unwrap_or_else(|why| engine.unsent(&why, limit, &before));
        say(&format!("it is {} now. {}", engine.ambient.now().day(), told(&sent)));
    }
}

fn told(sent: &Flushed) -> String {
    let trouble = sent.trouble.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
    let erasures = if sent.erasures > 0 { format!(", and erasure requests: {}", sent.erasures) } else { String::new() };
    format!("Requests sent: {}, with records: {}{erasures}{trouble}", sent.requests, sent.records)
}

/// Says something where a developer sees it. Without a standard error nobody is there to see it.
fn say(text: &str) {
    let line = format!("candor: DEVELOPMENT CLOCK: {}", crate::clean::line(text));
    let _ = writeln!(io::stderr().lock(), "{line}"); // see above
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Client;
    use crate::tests::{CRASH, Happened, config};

    fn here(home: &Path, lasts: Duration) -> crate::Config {
        let mut config = config(home).endpoint("http://127.0.0.1:9").development_clock(lasts);
        config.transport = None;
        config
    }

    #[test]
    fn it_sends_to_this_computer_only() {
        let home = tempfile::tempdir().unwrap();
        let refused = |config: crate::Config| {
            let error = Client::new(config).unwrap_err();
            assert!(error.is_configuration() && error.to_string().contains("this computer only"), "{error}");
        };
        refused(config(home.path()).development_clock(Duration::from_secs(1)));
        refused(here(home.path(), Duration::from_secs(1)).endpoint("https://127.0.0.1:4318"));
        refused(here(home.path(), Duration::from_secs(1)).endpoint("https://telemetry.example.org"));
        drop(Client::new(here(home.path(), Duration::from_secs(1))).unwrap());
    }

    #[test]
    fn a_day_passes_only_with_a_grant_and_the_next_run_begins_after_it() {
        let home = tempfile::tempdir().unwrap();
        let make = || Client::new(here(home.path(), Duration::from_millis(20))).unwrap();
        let client = make();
        let began = client.engine().ambient.now();
        thread::sleep(Duration::from_millis(200));
        assert_eq!(client.engine().ambient.now(), began);
        assert!(std::fs::read_dir(home.path()).unwrap().next().is_none(), "without a grant nothing is written");
        client.grant(CRASH).unwrap();
        client.record(Happened { times: 1 });
        let mut looks = 0;
        while client.engine().ambient.now().day() < began.plus_days(2).day() {
            looks += 1;
            assert!(looks < 12_000, "no day passes");
            thread::sleep(Duration::from_millis(5));
        }
        let store = client.manifest().unwrap().store;
        assert!(store.starts_with(directory(&home.path().join("data"), "org.example.crash")), "{}", store.display());
        drop(client);
        let again = make();
        assert!(again.engine().ambient.now().day() > began.plus_days(2).day(), "the end of a run ends its day as well");
        assert!(again.status(CRASH).unwrap().is_open());
    }
}
