//! A library's scope in another author's program: closed until the program allows it, with a recipient of its own,
//! and always shown on the person's page. Linked scopes belong to a whole program, so this test is a program of its
//! own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test that panics has failed, and says where; it uses a part of what examples share"
)]

#[path = "../examples/support/stage.rs"]
mod stage;
#[path = "../examples/support/mod.rs"]
mod support;

use candor::{
    Audience, Client, Config, Event,
    consent::{Decision, Effect, State},
    lock,
};
use stage::{CONTROLLER, DAY, StageClock};
use std::{
    fs,
    net::TcpListener,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};
use support::Receiver;

/// The library, as its author wrote it.
mod codeclib {
    use candor::{AddressLog, Controller, Erasure, Event};

    pub(crate) const CODECLIB: Controller = Controller::new("Codec Library e.V.", "privacy@codeclib.example", "DE")
        .address("Beispielweg 1, 10115 Berlin")
        .processors(&[])
        .hosting_countries(&["DE"])
        .onward_sharing(&[])
        .address_log(AddressLog::NotKept)
        .erasure(Erasure::Unsupported);

    candor::scope! {
        /// Find out which formats fail to decode, so that those decoders are fixed first.
        pub CODECS = "codeclib.formats" {
            title: "Codec library: formats", revision: 1, about: installation, retention: 20 days,
            benefit: "Fewer films that don't play", other_uses: none,
            library: { controller: CODECLIB, endpoint: "http://127.0.0.1:24318" },
        }
    }

    /// A format could not be decoded.
    #[derive(Event)]
    #[event(name = "codeclib.failed", scope = CODECS, linkage = none)]
    pub(crate) struct Failed {
        /// Whether another decoder was tried.
        pub(crate) again: bool,
    }
}
use codeclib::{CODECS, Failed};

#[cfg(target_os = "linux")]
std::thread_local! {
    /// What another library in the program keeps for each thread. Where it is linked in, Linux takes it from the stack of
    /// every thread, whether that thread uses it or not. Windows and macOS take it from the heap.
    static SCRATCH: std::cell::Cell<[u8; 1 << 20]> = const { std::cell::Cell::new([0; 1 << 20]) };
}

candor::scope! {
    /// Find out how large libraries are, so that the common size is fast.
    pub USAGE = "usage" {
        title: "Library sizes", revision: 1, about: installation, retention: 30 days,
        benefit: "Faster lists", other_uses: none,
    }
}

/// The library was opened.
#[derive(Event)]
#[event(name = "library.opened", scope = USAGE, linkage = none)]
struct Opened {
    /// Whether it is sorted.
    sorted: bool,
}

/// The address of the library's receiver is fixed at compile time, so the tests that listen there run one after the other.
const LIBRARYS: &str = "127.0.0.1:24318";
static ONE_BY_ONE: Mutex<()> = Mutex::new(());
const LONG: Duration = Duration::from_secs(30);

/// One computer with the program's receiver and the library's receiver.
struct Home {
    directory: tempfile::TempDir,
    clock: StageClock,
    programs: Receiver,
    librarys: Receiver,
    _alone: MutexGuard<'static, ()>,
}

impl Home {
    fn new() -> Self {
        let alone = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + LONG;
        let listener = loop {
            match TcpListener::bind(LIBRARYS) {
                Ok(listener) => break listener,
                // Another run of these tests on the same machine uses it for a moment.
                Err(error) => assert!(Instant::now() < until, "{LIBRARYS}: {error}"),
            }
            thread::sleep(Duration::from_millis(20));
        };
        Home {
            directory: tempfile::tempdir().unwrap(),
            clock: StageClock::default(),
            programs: Receiver::start().unwrap(),
            librarys: Receiver::on(listener).unwrap(),
            _alone: alone,
        }
    }

    fn config(&self) -> Config {
        Config::new("org.example.player", CONTROLLER, Audience::Adults)
            .endpoint(self.programs.endpoint())
            .directories(self.path().join("data"), self.path().join("config"))
            .clock(self.clock.clone())
            .lift_ci_block()
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn start(&self) -> Client {
        Client::new(self.config()).unwrap()
    }

    fn start_allowed(&self) -> Client {
        Client::new(self.config().allow(CODECS)).unwrap()
    }

    /// Advances the clock by a day and sends what may be sent.
    fn send(&self, client: &Client) {
        self.clock.advance(DAY);
        drop(client.flush(LONG).unwrap());
    }

    /// How many files of the library's scope are pending.
    fn waiting(&self) -> usize {
        let store = self.path().join("data/org.example.player/candor-1/waiting/codeclib.formats");
        let generations = fs::read_dir(store).into_iter().flatten().flatten();
        generations.flat_map(|it| fs::read_dir(it.path()).into_iter().flatten()).count()
    }
}

fn everything(receiver: &Receiver) -> String {
    let said = |request: support::Request| request.head + &String::from_utf8_lossy(&request.body);
    receiver.requests().into_iter().map(said).collect()
}

/// Every thread that candor makes has the platform's default stack size: the worker, a send, a name look-up.
#[cfg(target_os = "linux")]
#[test]
fn a_mebibyte_of_thread_locals_overflows_no_stack() {
    // It is used here, since it would not be linked in otherwise.
    SCRATCH.with(|scratch| _ = std::hint::black_box(scratch.as_ptr()));
    let home = Home::new();
    let endpoint = home.programs.endpoint().replace("127.0.0.1", "localhost");
    let client = Client::new(home.config().endpoint(endpoint)).unwrap();
    client.grant(USAGE).unwrap();
    client.record(Opened { sorted: true });
    let until = Instant::now() + LONG;
    while client.manifest().unwrap().outcomes.lines == 0 {
        assert!(Instant::now() < until, "the worker never came");
    }
    let flushed = client.flush(LONG).unwrap();
    assert_eq!((flushed.requests, flushed.records), (1, 1), "{flushed:?}");
    assert!(client.shutdown(LONG));
}

#[test]
fn it_is_closed_until_the_program_allows_it() {
    let home = Home::new();
    let client = home.start();
    for refused in [client.grant(CODECS), client.grant(CODECS.shown(&client.notice(CODECS).unwrap()))] {
        let error = refused.unwrap_err();
        assert!(error.is_configuration() && error.to_string().contains("`Config::allow(CODECS)`"), "{error}");
    }
    assert!(fs::read_dir(home.path()).unwrap().next().is_none(), "a refused grant leaves nothing on disk");
    let status = client.status(CODECS).unwrap();
    assert_eq!((status.state, status.is_open()), (State::NeverAsked, false));
    assert!(status.blocked_by.unwrap().contains("does not allow its library to report"));
    client.grant(USAGE).unwrap();
    client.record_durable(Failed { again: true });
    client.record_durable(Opened { sorted: true });
    home.send(&client);
    assert_eq!((home.librarys.connections(), home.programs.records().len(), home.waiting()), (0, 1, 0));
    // A refusal is accepted all the same.
    assert_eq!(client.deny(CODECS).unwrap().decision, Decision::Denied);
}

#[test]
fn nothing_that_is_linked_is_hidden() {
    let home = Home::new();
    for (client, allowed) in [(home.start(), false), (home.start_allowed(), true)] {
        let manifest = client.manifest().unwrap();
        let page = manifest.scope(CODECS).unwrap();
        assert_eq!((page.of_library, page.allowed), (true, allowed));
        assert_eq!((page.recipient, page.endpoint.as_str()), ("Codec Library e.V.", "http://127.0.0.1:24318/v1/logs"));
        assert_eq!(page.could_send[0].name, "codeclib.failed");
        let text = manifest.to_string();
        assert!(text.contains("Codec Library e.V. (a library in this program), at http://127.0.0.1:24318/v1/logs"));
        assert!(text.contains(&format!("Example Player SAS, at {}/v1/logs", home.programs.endpoint())), "{text}");
        assert_eq!(text.contains("not allowed   by this program"), !allowed, "{text}");
        let own = manifest.scope(USAGE).unwrap();
        assert!(own.allowed && !own.of_library);
    }
}

#[test]
fn each_recipients_bytes_go_to_it_alone() {
    let home = Home::new();
    let client = home.start_allowed();
    let notice = client.notice(CODECS).unwrap();
    assert!(notice.text().contains("Who receives it: Codec Library e.V."), "{notice}");
    assert!(notice.text().contains("at http://127.0.0.1:24318/v1/logs"), "{notice}");
    assert!(!notice.text().contains("Example Player SAS"), "{notice}");
    client.grant(CODECS.shown(&notice)).unwrap();
    client.grant(USAGE).unwrap();
    for _ in 0..3 {
        client.record_durable(Failed { again: true });
        client.record_durable(Opened { sorted: false });
    }
    home.send(&client);
    assert_eq!((home.programs.records().len(), home.librarys.records().len()), (3, 3));
    let (programs, librarys) = (everything(&home.programs), everything(&home.librarys));
    assert!(programs.contains("library.opened") && !programs.contains("codeclib"), "{programs}");
    assert!(librarys.contains("codeclib.failed") && !librarys.contains("usage"), "{librarys}");
    assert!(!librarys.contains("library.opened"), "{librarys}");
    // The page shows each request with its scope, and both endpoints.
    let manifest = client.manifest().unwrap();
    let sent = |scope| manifest.scope(scope).unwrap().sent.iter().map(|sent| sent.body.clone()).collect::<String>();
    assert!(sent(CODECS).contains("codeclib.failed") && !sent(USAGE).contains("codeclib"));
    let both = format!("They are sent to http://127.0.0.1:24318/v1/logs and {}/v1/logs.", home.programs.endpoint());
    let text = manifest.to_string();
    let both_ways = text.contains(&both) || text.contains("/v1/logs and http://127.0.0.1:24318/v1/logs.");
    assert!(both_ways, "{text}");
    // Withdrawing one grant leaves the other in force.
    assert!(client.withdraw(CODECS).unwrap().confirmed);
    client.record_durable(Failed { again: true });
    client.record_durable(Opened { sorted: false });
    home.send(&client);
    assert_eq!((home.programs.records().len(), home.librarys.records().len()), (4, 3));
}

#[test]
fn what_is_allowed_no_more_is_closed_and_what_waited_is_destroyed() {
    let home = Home::new();
    let client = home.start_allowed();
    client.grant(CODECS).unwrap();
    client.record_durable(Failed { again: true });
    drop(client);
    assert!(home.waiting() > 0, "it waits");
    let client = home.start();
    let status = client.status(CODECS).unwrap();
    assert_eq!((status.state, status.is_open()), (State::Granted, false), "the person's answer stays");
    assert_eq!(home.waiting(), 0);
    client.record_durable(Failed { again: true });
    home.send(&client);
    drop(client);
    // Once allowed again it continues, without the data recorded before.
    let client = home.start_allowed();
    assert!(client.status(CODECS).unwrap().is_open());
    client.record_durable(Failed { again: false });
    home.send(&client);
    let records = everything(&home.librarys);
    assert_eq!(records.matches("codeclib.failed").count(), 1, "{records}");
    assert!(records.contains("false") && !records.contains("true"), "{records}");
    assert_eq!(home.programs.connections(), 0);
}

#[test]
fn to_allow_it_is_to_widen_the_lock() {
    let home = Home::new();
    lock::write(home.path(), home.config()).unwrap();
    let error = lock::check(home.path(), home.config().allow(CODECS)).unwrap_err().to_string();
    assert!(error.contains("\ncodeclib.formats\n  wider     the scope: none -> \"Codec library: formats\""), "{error}");
    lock::write(home.path(), home.config().allow(CODECS)).unwrap();
    lock::check(home.path(), home.config().allow(CODECS)).unwrap();
    // The program's own endpoint is not part of the lock's entry for the library's scope.
    let error = lock::check(home.path(), home.config().allow(CODECS).endpoint("http://localhost:1")).unwrap_err();
    assert!(error.to_string().contains("\nusage (line ") && !error.to_string().contains("codeclib"), "{error}");
    // Another endpoint of the program leaves the consent to the library's scope unchanged.
    let client = home.start_allowed();
    client.grant(CODECS).unwrap();
    client.grant(USAGE).unwrap();
    drop(client);
    let client = Client::new(home.config().allow(CODECS).endpoint("http://localhost:1")).unwrap();
    assert_eq!(client.status(CODECS).unwrap().state, State::Granted);
    let changes = client.status(USAGE).unwrap().changes;
    assert!(changes.iter().any(|change| change.effect == Effect::Stops), "{changes:?}");
}
