//! Tests that a disk error affects only the scope or file that it is about. Other scopes and files continue to work, and data
//! that can't be read now is neither lost nor counted as lost.

use super::platform::{self, Errno};
use super::{CRASH, Happened, Nowhere, config, views::VIEWS, views::Window};
use crate::{
    Client, Scope,
    ambient::{Clock, SystemClock, instant},
    consent::{CloseReason, Decision, Patience, ScopeKey, State, Unconfirmed},
    disk::{self, Disk, Handle, Need, Stat, System},
    mutants::{Mutant, with},
    sync::Mutex,
};
use std::{
    cell::Cell,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

type Rule = Box<dyn FnMut(&str, &str) -> Option<Errno> + Send>;

/// The real disk, with a rule that can make a call fail or act before it.
#[derive(Clone, Default)]
pub(super) struct Troubled(Arc<Mutex<Option<Rule>>>);

impl Troubled {
    /// `rule` is called for each call, with its name and its path, written with slashes.
    pub(super) fn set(&self, rule: impl FnMut(&str, &str) -> Option<Errno> + Send + 'static) {
        *self.0.lock() = Some(Box::new(rule));
    }

    pub(super) fn end(&self) {
        *self.0.lock() = None;
    }

    fn asked<T>(&self, call: &str, path: &Path, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        thread_local! {
            static ASKING: Cell<bool> = const { Cell::new(false) };
        }
        // Calls made by the rule itself come back here and skip the rule. Other threads wait for the lock, so none skips the rule
        // meanwhile.
        if ASKING.get() {
            return work();
        }
        let errno = self.0.lock().as_mut().and_then(|rule| {
            ASKING.set(true);
            let errno = rule(call, &platform::slashed(path));
            ASKING.set(false);
            errno
        });
        errno.map_or_else(work, |errno| Err(io::Error::from_raw_os_error(errno.raw_os_error())))
    }
}

impl Disk for Troubled {
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        self.asked("stat", path, || System.stat(path))
    }
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.asked("make_dir", path, || System.make_dir(path))
    }
    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.asked("list", path, || System.list(path))
    }
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.asked("read", path, || System.read(path, most))
    }
    fn read_shared(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        self.asked("read_shared", path, || System.read_shared(path, most))
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.asked("create", path, || System.create(path))
    }
    fn append(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.asked("append", path, || System.append(path))
    }
    fn open_to_lock(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        match self.append(path) {
            Err(error) if disk::may_not_write(&error) => self.asked("open_to_lock", path, || System.open_to_lock(path)),
            opened => opened,
        }
    }
    fn lock_file(&self, path: &Path) -> io::Result<Box<dyn Handle>> {
        self.asked("lock_file", path, || System.lock_file(path))
    }
    fn may_write(&self, directory: &Path, need: Need) -> io::Result<()> {
        self.asked("may_write", directory, || System.may_write(directory, need))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.asked("rename", from, || System.rename(from, to))
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.asked("remove_file", path, || System.remove_file(path))
    }
    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        self.asked("remove_tree", path, || System.remove_tree(path))
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.asked("sync_dir", path, || System.sync_dir(path))
    }
}

struct Home {
    directory: tempfile::TempDir,
    disk: Troubled,
}

impl Home {
    /// Both scopes are granted.
    fn new() -> (Self, Client) {
        let home = Home { directory: tempfile::tempdir().unwrap(), disk: Troubled::default() };
        let client = home.start();
        for scope in [CRASH, VIEWS] {
            let notice = client.notice(scope).unwrap();
            client.grant(scope.shown(&notice)).unwrap();
        }
        (home, client)
    }

    fn start(&self) -> Client {
        let mut config = config(self.directory.path());
        config.disk = Arc::new(self.disk.clone());
        Client::new(config).unwrap()
    }
}

fn dropped(client: &Client, reason: &str) -> u64 {
    let dropped = client.manifest().unwrap().outcomes.dropped;
    dropped.iter().find(|dropped| dropped.reason.name() == reason).map_or(0, |dropped| dropped.count)
}

fn waiting(client: &Client, scope: Scope) -> usize {
    client.manifest().unwrap().scope(scope).unwrap().waiting.len()
}

fn views(client: &Client, events: u32) {
    (0..events).for_each(|times| client.record_durable(Window { times }));
}

/// Another process withdraws consent after a scope's directory is made and before a file is made in it.
#[test]
fn a_withdrawal_between_directory_and_file_ends_the_events_of_that_scope_alone() {
    assert_eq!(withdrawn_between(None), (1, 0, 201, 1));
    assert_eq!(withdrawn_between(Some(Mutant::GoneIsBroken)).3, 0, "the mistake is one");
}

/// Returns how many events were dropped because their grant had ended, how many were dropped because of the disk, how many of the
/// other scope are pending, and how many of this scope are pending after a new grant.
fn withdrawn_between(mutant: Option<Mutant>) -> (u64, u64, usize, usize) {
    with(mutant, || {
        let (home, client) = Home::new();
        between(&home, &client);
        client.grant(CRASH.shown(&client.notice(CRASH).unwrap())).unwrap();
        client.record_durable(Happened { times: 3 });
        let (views, crash) = (waiting(&client, VIEWS), waiting(&client, CRASH));
        (dropped(&client, "stale_epoch"), dropped(&client, "disk"), views, crash)
    })
}

fn between(home: &Home, client: &Client) {
    views(client, 1);
    let path = home.directory.path().to_owned();
    let mut once = Some(());
    home.disk.set(move |call, at| {
        if call == "create" && at.contains("/waiting/crash/") && once.take().is_some() {
            let other = Client::new(config(&path)).unwrap();
            assert!(other.withdraw(CRASH).unwrap().confirmed);
        }
        None
    });
    client.record_durable(Happened { times: 2 });
    views(client, 200);
    home.disk.end();
    assert!(!client.status(CRASH).unwrap().is_open());
}

/// The next check finds everything in order, and no decision was made.
#[test]
fn a_life_lock_that_cant_be_opened_for_a_moment_is_no_end_of_consent() {
    let (home, client) = Home::new();
    client.record_durable(Happened { times: 2 });
    let mut once = Some(());
    home.disk.set(move |call, at| {
        let hit = call == "lock_file" && at.ends_with("/crash.life") && once.take().is_some();
        hit.then_some(Errno::MFILE)
    });
    let trouble = client.flush(Duration::from_secs(60)).unwrap().trouble.unwrap();
    assert!(trouble.contains("crash.life") && trouble.contains(&Errno::MFILE.to_string()), "{trouble}");
    // The same error during the check whether the grant is still in force.
    let mut opened = 0;
    home.disk.set(move |call, at| {
        opened += u32::from(call == "lock_file" && at.ends_with("/crash.life"));
        (opened == 1 && call == "read" && at.ends_with("/snapshot")).then_some(Errno::MFILE)
    });
    let trouble = client.flush(Duration::from_secs(60)).unwrap().trouble.unwrap();
    home.disk.end();
    assert!(!trouble.contains("consent ended"), "{trouble}");
}

/// The program has reached its limit of open files.
#[test]
fn where_no_more_files_can_be_opened_those_in_hand_leave() {
    let (home, client) = Home::new();
    let others: Vec<Client> = (0..4).map(|_| home.start()).collect();
    others.iter().for_each(|client| client.record_durable(Happened { times: 2 }));
    drop(others);
    let mut opened = 0;
    home.disk.set(move |call, at| {
        opened += u32::from(call == "read" && at.contains("/waiting/crash/"));
        (call == "read" && at.contains("/waiting/crash/") && opened > 2).then_some(Errno::MFILE)
    });
    let flushed = client.flush(Duration::from_secs(60)).unwrap();
    home.disk.end();
    let manifest = client.manifest().unwrap();
    assert_eq!(manifest.scope(CRASH).unwrap().ready.len(), 1, "{flushed:?}");
}

#[test]
fn a_pause_that_is_for_all_scopes_is_noticed() {
    let lost = |mutant| {
        with(mutant, || {
            let (home, client) = Home::new();
            views(&client, 1);
            home.disk.set(|call, at| (call == "create" && at.contains("/waiting/crash/")).then_some(Errno::IO));
            client.record_durable(Happened { times: 2 });
            home.disk.end();
            views(&client, 20);
            21 - waiting(&client, VIEWS)
        })
    };
    assert_eq!(lost(None), 0);
    assert_eq!(lost(Some(Mutant::PauseForAll)), 20, "the mistake is one");
}

/// Control characters in the program's own text must not reach the terminal on which the page is printed.
#[test]
fn what_is_printed_as_it_is_is_noticed() {
    let obeyed = |mutant| {
        with(mutant, || {
            let home = tempfile::tempdir().unwrap();
            let client = Client::new(config(home.path()).transport("nowhere\u{1b}[2J\u{202e}", Nowhere)).unwrap();
            let page = client.manifest().unwrap().to_string();
            page.contains('\u{1b}') || page.contains('\u{202e}')
        })
    };
    assert!(!obeyed(None));
    assert!(obeyed(Some(Mutant::PrintedAsItIs)), "the mistake is one");
}

#[test]
fn an_error_of_the_disk_stops_the_scope_that_met_it_alone() {
    let (home, client) = Home::new();
    views(&client, 1);
    home.disk.set(|call, at| (call == "create" && at.contains("/waiting/crash/")).then_some(Errno::IO));
    client.record_durable(Happened { times: 2 });
    home.disk.end();
    views(&client, 20);
    assert_eq!((dropped(&client, "disk"), waiting(&client, VIEWS)), (1, 21));
    let views = home.directory.path().join("data/org.example.crash/candor-1/waiting/views");
    let generation = std::fs::read_dir(views).unwrap().next().unwrap().unwrap().path();
    assert_eq!(std::fs::read_dir(generation).unwrap().count(), 1, "and what was open stays open");
}

/// Whichever call fails during a send, and with whichever error: pending data is neither removed nor counted as lost, and is made
/// ready once the fault is over.
#[test]
fn what_cant_be_looked_at_now_is_kept() {
    for errno in [Errno::IO, Errno::MFILE, Errno::ACCESS, Errno::STALE] {
        for call in ["stat", "list", "read", "append", "rename", "create"] {
            for kind in ["/waiting/", "/outbox/", "/sent/"] {
                let (home, client) = Home::new();
                client.record_durable(Happened { times: 2 });
                home.disk.set(move |what, at| (what == call && at.contains(kind)).then_some(errno));
                let _ = client.flush(Duration::from_secs(5)).unwrap();
                let page = client.manifest().unwrap();
                assert!(page.outcomes.dropped.is_empty(), "{errno} {call} {kind}: {:?}", page.outcomes.dropped);
                home.disk.end();
                drop(client);
                let client = home.start();
                let page = client.manifest().unwrap();
                let scope = page.scope(CRASH).unwrap();
                assert_eq!(scope.waiting.len() + scope.ready.len(), 1, "{errno} {call} {kind}");
                assert!(page.outcomes.lost.is_empty(), "{:?}", page.outcomes.lost);
            }
        }
    }
}

/// If something can't be made ready, a flush names that file or directory, and says how many requests are pending.
#[test]
fn what_could_not_be_made_ready_is_named_and_what_waits_is_counted() {
    let (home, client) = Home::new();
    client.record_durable(Happened { times: 2 });
    let flush = || client.flush(Duration::from_secs(5)).unwrap();
    assert_eq!(flush().waiting, 1, "nobody takes it");
    client.record_durable(Happened { times: 3 });
    for (call, kind, named, waiting) in [
        ("read", "/waiting/", ".jsonl`", 1),
        ("create", "/outbox/", "outbox/crash`", 1),
        // Days that can't be closed don't stop lines from being made ready.
        ("stat", "/counts/crash/", "counts/crash`", 2),
    ] {
        // A request that was not accepted is retried only later. That is not tested here, so the schedule is removed.
        for entry in
            std::fs::read_dir(home.directory.path().join("data/org.example.crash/candor-1/outbox/crash")).unwrap()
        {
            let _ = std::fs::remove_file(entry.unwrap().path().join("schedule"));
        }
        home.disk
            .set(move |what, at| (what == call && at.contains(kind) && !at.contains("schedule")).then_some(Errno::IO));
        let flushed = flush();
        home.disk.end();
        let trouble = flushed.trouble.unwrap().replace('\\', "/");
        let is_told = ["made ready", "left for later"].iter().any(|told| trouble.contains(told));
        assert!(is_told && trouble.contains(named), "{call} {kind}: {trouble}");
        assert_eq!(flushed.waiting, waiting, "{call} {kind}");
    }
}

#[test]
fn what_cant_be_read_now_is_named_on_the_page() {
    let (home, client) = Home::new();
    client.record_durable(Happened { times: 2 });
    home.disk.set(|call, at| (call == "read" && at.contains("/waiting/")).then_some(Errno::IO));
    let page = client.manifest().unwrap();
    let scope = page.scope(CRASH).unwrap();
    assert!(scope.waiting.is_empty() && scope.unread.len() == 1, "{:?}", scope.unread);
    assert!(page.to_string().contains("can't be read now"), "{page}");
    home.disk.end();
    assert!(client.manifest().unwrap().scope(CRASH).unwrap().unread.is_empty());
}

/// The page reads a limited number of files, and says how many it left out.
#[test]
fn a_page_reads_no_more_files_than_it_says() {
    let (home, client) = Home::new();
    client.record_durable(Happened { times: 2 });
    let directory = home.directory.path().join("data/org.example.crash/candor-1/waiting/crash");
    let generation = std::fs::read_dir(directory).unwrap().next().unwrap().unwrap().path();
    let segment = std::fs::read_dir(&generation).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&segment).unwrap();
    for number in 0..1_500 {
        let copy = generation.join(format!("{}-{number}.jsonl", segment.file_stem().unwrap().to_str().unwrap()));
        std::fs::write(&copy, &bytes).unwrap();
        platform::keep_private(&copy);
    }
    let read = Arc::new(AtomicUsize::new(0));
    let counted = read.clone();
    home.disk.set(move |call, at| {
        if call == "read" && at.contains("/waiting/crash/") {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        None
    });
    let page = client.manifest().unwrap();
    home.disk.end();
    let scope = page.scope(CRASH).unwrap();
    assert!(read.load(Ordering::SeqCst) <= 1_024, "{} files were read", read.load(Ordering::SeqCst));
    assert_eq!(scope.waiting.len(), 1_024);
    assert!(scope.unread.iter().any(|why| why.contains("477 more files")), "{:?}", scope.unread);
}

/// The file holds the secrets of all scopes. If it can't be read now, it must not be removed because one scope's secret is to be
/// forgotten.
#[test]
fn secrets_that_cant_be_read_now_stay() {
    let (home, client) = Home::new();
    let keys = home.directory.path().join("data/org.example.crash/candor-1/keys");
    let before = std::fs::read(&keys).unwrap();
    home.disk.set(|call, at| (call == "read" && at.ends_with("/keys")).then_some(Errno::MFILE));
    let _ = client.engine().keys.destroy(ScopeKey::undeclared("crash")).unwrap_err();
    assert_eq!(std::fs::read(&keys).unwrap(), before);
    // The secrets are not reported as lost either.
    assert!(!client.manifest().unwrap().scope(VIEWS).unwrap().secret_lost);
    home.disk.end();
    assert!(client.engine().keys.destroy(ScopeKey::undeclared("crash")).unwrap());
    assert!(client.engine().keys.has(ScopeKey::undeclared("views")) && !client.engine().keys.has(CRASH.into()));
}

/// Records two events and removes files between them. Returns how many are pending.
#[cfg(unix)]
fn of_two_events(remove: impl Fn(&Path), mutant: Option<Mutant>) -> usize {
    let home = tempfile::tempdir().unwrap();
    let client = Client::new(config(home.path())).unwrap();
    client.grant(CRASH).unwrap();
    with(mutant, || {
        client.record_durable(Happened { times: 2 });
        remove(&home.path().join("data/org.example.crash/candor-1/waiting"));
        client.record_durable(Happened { times: 2 });
    });
    client.manifest().unwrap().scope(CRASH).unwrap().waiting.len()
}

#[cfg(unix)]
#[test]
fn what_is_recorded_goes_to_a_file_that_is_still_there() {
    let files = |waiting: &Path| {
        for generation in std::fs::read_dir(waiting.join(CRASH.name())).unwrap() {
            for file in std::fs::read_dir(generation.unwrap().path()).unwrap() {
                std::fs::remove_file(file.unwrap().path()).unwrap();
            }
        }
    };
    let directories = |waiting: &Path| std::fs::remove_dir_all(waiting).unwrap();
    let moved = |waiting: &Path| std::fs::rename(waiting, waiting.with_file_name("elsewhere")).unwrap();
    for remove in [&files as &dyn Fn(&Path), &directories, &moved] {
        assert_eq!(of_two_events(remove, None), 1);
        assert_eq!(of_two_events(remove, Some(Mutant::RemovedIsWritten)), 0, "the mistake is noticed");
    }
    assert_eq!(of_two_events(|_| {}, None), 2);
}

/// A clock that shows the time it was set to, in milliseconds since 1970.
struct Set(AtomicU64);

impl Clock for Set {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
    fn monotonic(&self) -> Instant {
        crate::ambient::instant()
    }
}

const HOUR: u64 = 3_600_000;

/// Two processes whose clock is set back. The times of a grant and a refusal don't say which came later. Returns whether the
/// scope is open in a third process.
fn yes_and_no(act: impl FnOnce(&Client, &Client, &Troubled, &Set)) -> bool {
    let home = tempfile::tempdir().unwrap();
    let clock = Arc::new(Set(AtomicU64::new(1_900_000_000_000)));
    let disk = Troubled::default();
    let process = |disk: &Troubled| {
        let mut config = config(home.path());
        (config.clock, config.disk) = (clock.clone(), Arc::new(disk.clone()));
        Client::without_worker(config).unwrap()
    };
    let (first, second) = (process(&disk), process(&Troubled::default()));
    act(&first, &second, &disk, &clock);
    first.consent().retry_now();
    first.engine().retry();
    first.engine().run_tasks();
    process(&Troubled::default()).status(CRASH).unwrap().is_open()
}

fn takes_nothing(disk: &Troubled) {
    disk.set(|call, _| matches!(call, "create" | "append" | "rename" | "make_dir").then_some(Errno::ROFS));
}

#[test]
fn a_refusal_that_was_not_written_is_older_than_a_grant_by_the_history_and_not_by_the_clock() {
    let yes = |client: &Client| drop(client.grant(CRASH.shown(&client.notice(CRASH).unwrap())).unwrap());
    // The refusal came after the grant, although the clock says that it came before.
    let no_last = yes_and_no(|first, second, disk, clock| {
        yes(second);
        clock.0.fetch_sub(2 * HOUR, Ordering::SeqCst);
        takes_nothing(disk);
        assert!(first.withdraw(CRASH).is_err());
        disk.end();
    });
    assert!(!no_last, "a no became a yes");
    // The grant came after the refusal.
    let yes_last = yes_and_no(|first, second, disk, clock| {
        yes(second);
        takes_nothing(disk);
        assert!(first.withdraw(CRASH).is_err());
        disk.end();
        clock.0.fetch_sub(2 * HOUR, Ordering::SeqCst);
        second.withdraw(CRASH).unwrap();
        yes(second);
    });
    assert!(yes_last, "an older no took back a later yes");
}

#[test]
fn a_refusal_that_is_said_again_after_a_later_grant_is_the_later_one() {
    let yes = |client: &Client| drop(client.grant(CRASH.shown(&client.notice(CRASH).unwrap())).unwrap());
    for deny in [false, true] {
        let open = yes_and_no(|first, second, disk, _| {
            let no = || if deny { first.deny(CRASH) } else { first.withdraw(CRASH) };
            yes(second);
            takes_nothing(disk);
            assert!(no().is_err());
            second.withdraw(CRASH).unwrap();
            yes(second);
            // This refusal isn't written either, and it comes after everything else.
            assert!(no().is_err());
            disk.end();
        });
        assert!(!open, "a no became a yes");
    }
}

/// Whether a first refusal that could not be written holds at the next start, and a grant without a notice opens nothing.
fn first_refusal_holds(mutant: Option<Mutant>, no: impl Fn(&Client) -> bool) -> bool {
    with(mutant, || {
        let home = Home { directory: tempfile::tempdir().unwrap(), disk: Troubled::default() };
        // Without a worker, the last retry at the end of the program runs on this thread.
        let mut config = config(home.directory.path());
        config.disk = Arc::new(home.disk.clone());
        let client = Client::without_worker(config).unwrap();
        // This is like a full disk: an empty file can be made, and nothing can be renamed into place.
        home.disk.set(|call, _| (call == "rename").then_some(Errno::NOSPC));
        assert!(no(&client), "the control: the disk did not take it");
        drop(client);
        home.disk.end();
        let next = home.start();
        let state = next.status(CRASH).unwrap().state;
        let opens = next.grant(CRASH).is_ok();
        if state == State::Denied && !opens {
            // The person can still grant later.
            next.grant(CRASH.shown(&next.notice(CRASH).unwrap())).unwrap();
            assert_eq!(home.start().status(CRASH).unwrap().state, State::Granted);
            return true;
        }
        assert_eq!((state, opens), (State::NeverAsked, true));
        false
    })
}

#[test]
fn a_first_refusal_that_the_disk_did_not_take_holds_at_the_next_start() {
    let noes: [fn(&Client) -> bool; 2] =
        [|client| client.deny(CRASH).is_err(), |client| client.withdraw(CRASH).is_err()];
    for no in noes {
        assert!(first_refusal_holds(None, no));
        assert!(!first_refusal_holds(Some(Mutant::FirstNoForgotten), no), "the mistake is noticed");
    }
    // "Later" is not a refusal.
    assert!(!first_refusal_holds(None, |client| client.defer(CRASH).is_err()));
}

#[test]
fn a_refusal_at_the_question_that_the_disk_did_not_take_is_an_answer() {
    use crate::consent::{MayAsk, WhyNot};
    let home = Home { directory: tempfile::tempdir().unwrap(), disk: Troubled::default() };
    let client = home.start();
    let prompt = client.prompt(CRASH).unwrap();
    home.disk.set(|call, _| (call == "rename").then_some(Errno::NOSPC));
    assert!(prompt.no().is_err());
    std::mem::forget(client);
    home.disk.end();
    let next = home.start();
    assert_eq!(next.status(CRASH).unwrap().state, State::Denied);
    let may = next.may_ask(CRASH).unwrap();
    assert!(matches!(may, MayAsk::No { why: WhyNot::Answered, .. }), "{may:?}");
    assert!(next.manifest().unwrap().to_string().contains("no, "), "the page says so");
    assert!(next.grant(CRASH).unwrap_err().needs_notice());
}

/// Returns the acts that reopen a scope whose refusal could not be written in any form. Each act comes after the disk has
/// recovered and before the refusal is retried.
fn undone_by(mutant: Option<Mutant>) -> Vec<&'static str> {
    type Act = fn(&Client);
    let acts: [(&str, Act); 5] = [
        ("a switch", |client| drop(client.switch_off(CRASH, "crash.happened.times"))),
        ("a narrowing", |client| {
            let narrows = CloseReason::Switched("crash.happened.times", false);
            let closing = crate::actions::close::close_scope(client.engine(), CRASH.into(), narrows, &Patience::new());
            drop(closing.and_then(crate::actions::close::Closing::finish));
        }),
        ("later", |client| drop(client.defer(CRASH))),
        ("a bare grant", |client| drop(client.grant(CRASH))),
        ("a look at the rules", |client| crate::actions::settle::settle(client.engine())),
    ];
    let mut undone = Vec::new();
    for (what, act) in acts {
        let (home, client) = Home::new();
        let writes = ["create", "append", "rename", "remove_file", "make_dir", "lock_file"];
        home.disk.set(move |call, _| writes.contains(&call).then_some(Errno::IO));
        assert!(client.withdraw(CRASH).is_err());
        home.disk.end();
        with(mutant, || act(&client));
        client.engine().look();
        if client.status(CRASH).unwrap().is_open() {
            undone.push(what);
        }
        // A new grant counts.
        client.grant(CRASH.shown(&client.notice(CRASH).unwrap())).unwrap();
        let status = client.status(CRASH).unwrap();
        assert!(status.is_open() && status.state == State::Granted, "{what}: {status:?}");
    }
    undone
}

#[test]
fn a_refusal_that_was_not_written_is_undone_by_nothing_but_a_new_grant() {
    assert_eq!(undone_by(None), [] as [&str; 0]);
    assert_eq!(
        undone_by(Some(Mutant::UnwrittenIsUndone)),
        ["a switch", "a narrowing", "a bare grant"],
        "the mistake is one"
    );
}

#[test]
fn a_refusal_that_was_not_written_is_not_overtaken_by_the_grant_before_it_where_the_history_can_t_be_read() {
    type Change = fn(&Path, bool);
    let changes: &[(&str, Change)] = &[
        #[cfg(unix)]
        ("others may open it", |ledger, there| platform::set_mode(ledger, if there { 0o600 } else { 0o644 })),
        ("it is away", |ledger, there| {
            let aside = ledger.with_extension("aside");
            let (from, to) = if there { (aside.as_path(), ledger) } else { (ledger, aside.as_path()) };
            std::fs::rename(from, to).unwrap();
        }),
        ("it is damaged", |ledger, there| {
            let aside = ledger.with_extension("aside");
            if there {
                std::fs::rename(&aside, ledger).unwrap();
            } else {
                std::fs::copy(ledger, &aside).unwrap();
                std::fs::write(ledger, "{}\n{}\n").unwrap();
            }
        }),
    ];
    for (what, change) in changes {
        for is_read_late in [false, true] {
            let (home, client) = Home::new();
            let ledger = home.directory.path().join("data/org.example.crash/candor-1/ledger.jsonl");
            change(&ledger, false);
            let writes = ["create", "append", "rename", "remove_file", "make_dir", "lock_file"];
            home.disk.set(move |call, _| writes.contains(&call).then_some(Errno::IO));
            assert!(client.withdraw(CRASH).is_err(), "{what}");
            if is_read_late {
                // A retry that fails like the first attempt.
                client.consent().acts_to_retry();
            }
            change(&ledger, true);
            home.disk.end();
            let end = instant() + Duration::from_secs(20);
            let mut status = client.status(CRASH).unwrap();
            while status.trouble.is_some() && instant() < end {
                assert!(!status.is_open(), "{what}: {status:?}");
                std::thread::sleep(Duration::from_millis(20));
                status = client.status(CRASH).unwrap();
            }
            assert_eq!((status.state, status.is_open()), (State::Withdrawn, false), "{what}, {is_read_late}");
            drop(client);
            assert_eq!(home.start().status(CRASH).unwrap().state, State::Withdrawn, "{what}, {is_read_late}");
        }
    }
}

#[test]
fn what_was_switched_off_outlasts_a_grant_that_failed_on_its_way() {
    let ways: [(&str, &str); 4] =
        [("rename", "/consent"), ("append", "/ledger.jsonl"), ("rename", "/high"), ("sync_dir", "/candor-1")];
    for (call, end) in ways {
        let (home, client) = Home::new();
        client.switch_off(CRASH, "crash.happened.times").unwrap();
        // With its lock removed, the scope needs a new grant.
        std::fs::remove_file(home.directory.path().join("data/org.example.crash/candor-1/crash.life")).unwrap();
        let yes = || client.grant(CRASH.shown(&client.notice(CRASH).unwrap()));
        home.disk.set(move |what, path| (what == call && path.contains(end)).then_some(Errno::NOSPC));
        let first = yes();
        home.disk.end();
        yes().unwrap();
        let status = client.status(CRASH).unwrap();
        assert_eq!(status.switched_off, ["crash.happened.times"], "{call} of {end}: {first:?}, {status:?}");
    }
}

#[test]
fn what_was_switched_off_outlasts_an_end_that_only_a_tombstone_keeps_and_new_records() {
    let (home, client) = Home::new();
    client.switch_off(CRASH, "crash.happened.times").unwrap();
    home.disk.set(|call, path| (call == "rename" && path.ends_with("consent.new")).then_some(Errno::NOSPC));
    client.revoke(CRASH, "a test").unwrap();
    home.disk.end();
    let yes = |client: &Client| client.grant(CRASH.shown(&client.notice(CRASH).unwrap())).unwrap();
    yes(&client);
    assert_eq!(client.status(CRASH).unwrap().switched_off, ["crash.happened.times"], "after a tombstone");
    drop(client);
    for lost in ["ledger.jsonl", "consent"] {
        let path = home.directory.path().join("data/org.example.crash/candor-1").join(lost);
        std::fs::write(path, "damaged").unwrap();
        let client = home.start();
        assert_eq!(client.status(CRASH).unwrap().state, State::Unreadable, "{lost}");
        yes(&client);
        assert_eq!(client.status(CRASH).unwrap().switched_off, ["crash.happened.times"], "{lost} was damaged");
    }
}

/// A permit of an earlier grant is held, and the grant's life lock was moved or removed. Returns whether a withdrawal is
/// confirmed then, and whether it is confirmed after no process can hold the permit any more.
#[cfg(unix)]
fn confirmed_without_the_lock(mutant: Option<Mutant>, by_full_disk: bool) -> (bool, bool) {
    let (home, client) = Home::new();
    let store = home.directory.path().join("data/org.example.crash/candor-1");
    let other = home.start();
    let place = other.engine().consent.open_places().into_iter().find(|place| place.scope == CRASH).unwrap();
    let permit = other.engine().consent.permit(CRASH, place.generation, place.epoch).unwrap();
    let first = with(mutant, || {
        if by_full_disk {
            // Nothing can be created, but existing files can be renamed.
            home.disk.set(|call, _| ["create", "append", "make_dir"].contains(&call).then_some(Errno::NOSPC));
        } else {
            std::fs::remove_file(store.join("crash.life")).unwrap();
        }
        let receipt = client.withdraw(CRASH).unwrap();
        assert!(!receipt.confirmed, "{receipt:?}");
        home.disk.end();
        client.grant(CRASH.shown(&client.notice(CRASH).unwrap())).unwrap();
        let receipt = client.withdraw(CRASH).unwrap();
        assert!(receipt.recorded);
        receipt
    });
    drop(permit);
    if !by_full_disk {
        // Simulates a restart of the computer.
        let life = store.join("crash.life");
        let says = std::fs::read_to_string(&life).unwrap();
        let before = says.lines().find(|line| line.starts_with("again ")).unwrap_or("again none").to_owned();
        assert!(mutant.is_some() || before.len() > "again ".len() + 30, "{says}");
        std::fs::write(&life, says.replace(&before, "again 00000000-0000-0000-0000-000000000000")).unwrap();
    }
    let again = client.withdraw(CRASH).unwrap();
    (first.confirmed, again.confirmed)
}

#[cfg(unix)]
#[test]
fn a_life_lock_that_went_out_of_its_place_confirms_nothing_while_somebody_may_hold_it() {
    for by_full_disk in [true, false] {
        assert_eq!(confirmed_without_the_lock(None, by_full_disk), (false, true), "a full disk: {by_full_disk}");
        let mistake = confirmed_without_the_lock(Some(Mutant::LifeMadeAgain), by_full_disk);
        assert!(mistake.0, "the mistake is one: a full disk: {by_full_disk}");
    }
}

/// The same on a disk where the lock has a second name.
#[cfg(unix)]
#[test]
fn a_life_lock_that_was_removed_is_found_again_by_its_second_name() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("data/org.example.crash/candor-1");
    let process = || Client::new(config(home.path())).unwrap();
    let (client, other) = (process(), process());
    let yes = || client.grant(CRASH.shown(&client.notice(CRASH).unwrap())).unwrap();
    yes();
    let place = client.engine().consent.open_places().into_iter().find(|place| place.scope == CRASH).unwrap();
    other.engine().look();
    let permit = other.engine().consent.permit(CRASH, place.generation, place.epoch).unwrap();
    for name in ["crash.life", "crash.held"] {
        std::fs::remove_file(store.join(name)).unwrap();
        if name == "crash.life" {
            assert!(!client.withdraw(CRASH).unwrap().confirmed, "{name}: nobody knows who holds it");
        }
        yes();
        let receipt = client.withdraw(CRASH).unwrap();
        let why = receipt.unconfirmed;
        assert!(!receipt.confirmed && why == Some(Unconfirmed::NoAnswer), "{name}: {receipt:?}");
        yes();
    }
    drop(permit);
    assert!(client.withdraw(CRASH).unwrap().confirmed, "the process that held it is gone");
}

/// With the lock missing, nothing is confirmed if the history is damaged or missing as well.
#[test]
fn without_life_lock_and_history_nothing_is_confirmed() {
    for damage in ["damaged", "gone"] {
        for again in [false, true] {
            let (home, client) = Home::new();
            let store = home.directory.path().join("data/org.example.crash/candor-1");
            std::fs::remove_file(store.join("crash.life")).unwrap();
            match damage {
                "damaged" => std::fs::write(store.join("ledger.jsonl"), "damaged").unwrap(),
                _ => std::fs::remove_file(store.join("ledger.jsonl")).unwrap(),
            }
            let client = if again { home.start() } else { client };
            for _ in 0..2 {
                let receipt = client.withdraw(CRASH).unwrap();
                assert!(!receipt.confirmed, "{damage}, a new process: {again}: {receipt:?}");
            }
            let receipt = client.withdraw(VIEWS).unwrap();
            assert!(receipt.confirmed, "the lock of another scope is there: {receipt:?}");
        }
    }
}

/// A life lock was replaced by a copy. A process that holds the original lock still counts.
#[cfg(unix)]
#[test]
fn a_life_lock_that_was_replaced_by_its_copy_confirms_nothing_while_the_other_is_held() {
    let confirmed = |mutant: Option<Mutant>| {
        let home = tempfile::tempdir().unwrap();
        let life = home.path().join("data/org.example.crash/candor-1/crash.life");
        let process = || Client::new(config(home.path())).unwrap();
        let (client, other) = (process(), process());
        client.grant(CRASH).unwrap();
        let place = client.engine().consent.open_places().into_iter().find(|place| place.scope == CRASH).unwrap();
        other.engine().look();
        let permit = other.engine().consent.permit(CRASH, place.generation, place.epoch).unwrap();
        let copy = life.with_extension("copy");
        std::fs::copy(&life, &copy).unwrap();
        std::fs::rename(&copy, &life).unwrap();
        let confirmed = with(mutant, || client.withdraw(CRASH).unwrap().confirmed);
        drop(permit);
        (confirmed, client.withdraw(CRASH).unwrap().confirmed)
    };
    assert_eq!(confirmed(None), (false, true));
    assert_eq!(confirmed(Some(Mutant::LifeMadeAgain)), (true, true), "the mistake is one");
}

#[test]
fn what_comes_of_an_older_refusal_says_nothing_of_a_newer_one() {
    let holds = |mutant: Option<Mutant>| {
        let (home, client) = Home::new();
        let consent = client.consent();
        let yes = |client: &Client| client.grant(CRASH.shown(&client.notice(CRASH).unwrap())).unwrap();
        // The first refusal is being retried, and waits for its confirmation.
        let first = consent.begin_act(CRASH);
        let granted = yes(&home.start());
        home.disk.set(|call, _| ["create", "append", "rename", "lock_file"].contains(&call).then_some(Errno::IO));
        assert!(client.withdraw(CRASH).is_err());
        with(mutant, || consent.note_act(CRASH, first, false, &Ok(granted)));
        home.disk.end();
        client.engine().look();
        !client.status(CRASH).unwrap().is_open()
    };
    assert!(holds(None));
    assert!(!holds(Some(Mutant::OlderActClears)), "the mistake is one");
}

/// A grant that came after an older refusal ends the retry of that refusal, and of no newer one.
#[test]
fn a_grant_after_an_older_refusal_ends_no_newer_one() {
    let holds = |mutant: Option<Mutant>| {
        let (home, client) = Home::new();
        let consent = client.consent();
        let _first = consent.begin_act(CRASH);
        let next = consent.next_act();
        home.disk.set(|call, _| ["create", "append", "rename", "lock_file"].contains(&call).then_some(Errno::IO));
        assert!(client.withdraw(CRASH).is_err());
        with(mutant, || consent.forget_acts(CRASH, next));
        consent.reopen_gate(CRASH);
        home.disk.end();
        client.engine().look();
        !client.status(CRASH).unwrap().is_open()
    };
    assert!(holds(None));
    assert!(!holds(Some(Mutant::OlderActClears)), "the control");
}

/// While a withdrawal waits for the lock of decisions, another decision about the scope ends and lets the records of that moment
/// decide. What is pending is destroyed with the gate closed all the same: nothing is written after it.
#[test]
fn a_withdrawal_destroys_with_its_gate_closed_whatever_ended_while_it_waited() {
    let (home, client) = Home::new();
    let client = Arc::new(client);
    client.engine().worker.no_thread.store(true, Ordering::SeqCst);
    client.record_durable(Happened { times: 2 });
    let gates = Arc::new(Mutex::new(Vec::new()));
    let (seen, watched) = (gates.clone(), Arc::downgrade(&client));
    let (locks, waits) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (locking, waiting) = (locks.clone(), waits.clone());
    home.disk.set(move |call, path| {
        if path.ends_with("/consent.lock") && locking.load(Ordering::SeqCst) {
            waiting.store(true, Ordering::SeqCst);
        }
        if call == "rename"
            && path.contains("/waiting/crash/")
            && let Some(client) = watched.upgrade()
        {
            seen.lock().push(client.engine().consent.gates().epoch(CRASH));
        }
        None
    });
    let held = client.consent().lock_or_fail(&Patience::new()).unwrap();
    locks.store(true, Ordering::SeqCst);
    std::thread::scope(|scope| {
        let withdrawn = scope.spawn(|| client.withdraw(CRASH).unwrap());
        let began = SystemClock.monotonic();
        while !waits.load(Ordering::SeqCst) && began.elapsed() < Duration::from_secs(30) {
            std::thread::yield_now();
        }
        assert_eq!(client.consent().gates().epoch(CRASH), 0, "it is closed while the withdrawal waits for the lock");
        client.consent().reopen_gate(CRASH);
        client.engine().refresh();
        assert_ne!(client.consent().gates().epoch(CRASH), 0, "the records grant it until the withdrawal is written");
        drop(held);
        let receipt = withdrawn.join().unwrap();
        assert!(receipt.confirmed && receipt.destroyed.files > 0, "{receipt:?}");
    });
    let gates = gates.lock();
    assert!(!gates.is_empty() && gates.iter().all(|gate| *gate == 0), "{gates:?}");
}

/// A revocation by the program that only a tombstone holds closes the scope by that file. Once the person has granted the scope
/// again elsewhere, this process opens as well.
#[test]
fn a_revocation_that_only_a_tombstone_holds_closes_this_process_no_longer_than_the_file_does() {
    let (home, client) = Home::new();
    home.disk.set(|call, path| (call == "rename" && path.contains("/consent")).then_some(Errno::IO));
    let receipt = client.revoke(CRASH, "a test").unwrap();
    assert_eq!(receipt.line, 0, "a tombstone alone: {receipt:?}");
    assert!(!client.status(CRASH).unwrap().is_open());
    home.disk.end();
    let other = home.start();
    assert_eq!(other.status(CRASH).unwrap().state, State::Revoked);
    other.grant(CRASH.shown(&other.notice(CRASH).unwrap())).unwrap();
    client.engine().look();
    assert!(client.status(CRASH).unwrap().is_open());
}

/// Runs `act`, for example a grant by another process or thread, just before `lock` is taken for the first time.
fn at_the_lock(disk: &Troubled, lock: &'static str, act: impl FnOnce() + Send + 'static) {
    let mut act = Some(act);
    disk.set(move |call, path| {
        if call == "lock_file" && path.ends_with(lock) {
            act.take().into_iter().for_each(|act| act());
        }
        None
    });
}

#[test]
fn a_grant_that_comes_before_an_older_refusal_is_retried_stays_in_force() {
    let holds = |mutant: Option<Mutant>| {
        let home = Home { directory: tempfile::tempdir().unwrap(), disk: Troubled::default() };
        let mut quiet = config(home.directory.path());
        quiet.disk = Arc::new(home.disk.clone());
        let client = Arc::new(Client::without_worker(quiet).unwrap());
        let yes = |client: &Client| drop(client.grant(CRASH.shown(&client.notice(CRASH).unwrap())).unwrap());
        yes(&client);
        home.disk.set(|call, _| ["create", "append", "rename", "lock_file"].contains(&call).then_some(Errno::IO));
        assert!(client.withdraw(CRASH).is_err());
        let other = client.clone();
        at_the_lock(&home.disk, "/consent.lock", move || yes(&other));
        client.consent().retry_now();
        with(mutant, || crate::actions::settle::settle(client.engine()));
        home.disk.end();
        let status = client.status(CRASH).unwrap();
        assert_eq!(status.is_open(), status.state == State::Granted, "{status:?}");
        status.state == State::Granted
    };
    assert!(holds(None));
    assert!(!holds(Some(Mutant::RetriedUnasked)), "the mistake is one");
}

#[test]
fn a_withdrawal_that_is_said_again_is_no_receipt_of_a_grant_that_comes_meanwhile() {
    let (home, client) = Home::new();
    client.withdraw(CRASH).unwrap();
    let other = Client::new(config(home.directory.path())).unwrap();
    at_the_lock(&home.disk, "/crash.life", move || {
        other.grant(CRASH.shown(&other.notice(CRASH).unwrap())).unwrap();
    });
    let receipt = client.withdraw(CRASH).unwrap();
    home.disk.end();
    assert_eq!((receipt.decision, receipt.confirmed), (Decision::Withdrawn, false), "{receipt:?}");
    assert_eq!(receipt.unconfirmed, Some(Unconfirmed::GrantedSince));
    assert_eq!(home.start().status(CRASH).unwrap().state, State::Granted, "which is in force, as the history says");
}

#[test]
fn nobody_is_asked_about_what_they_refused_and_the_disk_did_not_take() {
    use crate::consent::{MayAsk, WhyNot};
    let (home, client) = Home::new();
    let fresh = Home { directory: tempfile::tempdir().unwrap(), disk: Troubled::default() };
    let other = fresh.start();
    let fails = |call: &str, _: &str| ["create", "append", "rename", "make_dir"].contains(&call).then_some(Errno::IO);
    home.disk.set(fails);
    fresh.disk.set(fails);
    assert!(client.withdraw(CRASH).is_err() && other.deny(CRASH).is_err());
    home.disk.end();
    fresh.disk.end();
    let why = |client: &Client| match client.may_ask(CRASH).unwrap() {
        MayAsk::No { why, .. } => why,
        MayAsk::Yes { .. } => panic!("the program may ask"),
    };
    // It doesn't matter whether they have been retried by now.
    assert_eq!((why(&client), why(&other)), (WhyNot::Withdrawn, WhyNot::Answered));
    assert!(client.prompt(CRASH).is_err() && other.prompt(CRASH).is_err());
}

/// If a life lock can't be opened for a moment, the decision stays valid: recorded events are kept, and the status reports the
/// error.
#[test]
fn a_life_lock_that_can_t_be_opened_now_closes_nothing() {
    for errno in [Errno::IO, Errno::MFILE, Errno::ROFS] {
        let (home, client) = Home::new();
        home.disk.set(move |call, path| (call == "lock_file" && path.ends_with("/crash.life")).then_some(errno));
        let status = client.status(CRASH).unwrap();
        assert!(status.is_open() && status.state == State::Granted, "{errno}: {status:?}");
        assert!(status.trouble.as_ref().is_some_and(|why| why.contains("nothing is sent")), "{errno}: {status:?}");
        client.record_durable(Happened { times: 2 });
        home.disk.end();
        assert_eq!(client.status(CRASH).unwrap().trouble, None);
        assert_eq!(client.manifest().unwrap().scopes.iter().filter(|page| page.name == "crash").count(), 1);
    }
}

#[test]
fn later_makes_no_open_question_of_records_that_are_lost() {
    let home = Home { directory: tempfile::tempdir().unwrap(), disk: Troubled::default() };
    let client = home.start();
    client.deny(CRASH).unwrap();
    let snapshot = home.directory.path().join("data/org.example.crash/candor-1/consent");
    let mut bytes = std::fs::read(&snapshot).unwrap();
    bytes.push(b'x');
    std::fs::write(&snapshot, bytes).unwrap();
    let own_words = || client.grant(CRASH.asked_in_own_words("Do you?", "en"));
    assert!(own_words().is_err());
    assert!(client.defer(CRASH).unwrap_err().needs_notice());
    assert!(own_words().unwrap_err().needs_notice());
    client.grant(CRASH.shown(&client.notice(CRASH).unwrap())).unwrap();
}

#[test]
fn what_is_lost_is_counted_once_though_its_directory_is_not_made_durable() {
    use crate::journal::DropReason;
    let (home, client) = Home::new();
    let journal = &client.engine().journal;
    journal.counters.drop(DropReason::Damaged, 5);
    home.disk.set(|call, path| (call == "sync_dir" && path.ends_with("/candor-1")).then_some(Errno::IO));
    journal.note_losses();
    home.disk.end();
    journal.note_losses();
    let lost = std::fs::read_to_string(home.directory.path().join("data/org.example.crash/candor-1/lost")).unwrap();
    assert!(lost.contains(r#""damaged":5}"#), "{lost}");
}

#[test]
fn a_refusal_that_only_a_file_holds_says_why() {
    let (home, client) = Home::new();
    home.disk.set(|call, path| (call == "rename" && path.ends_with("/consent.new")).then_some(Errno::NOSPC));
    client.withdraw(CRASH).unwrap();
    let trouble = client.status(CRASH).unwrap().trouble.unwrap();
    home.disk.end();
    assert!(
        trouble.contains("could not be written to disk") && trouble.contains("a file keeps the scope closed"),
        "{trouble}"
    );
    assert_eq!(trouble.matches("tries again").count(), 1, "{trouble}");
}

/// Returns whether a withdrawal was confirmed while the snapshot can't be replaced and `rule` makes other calls fail. In any case
/// the scope is closed in another program and at the next start, and the withdrawal is written later.
fn confirmed_by_its_file(rule: fn(&str, &str) -> Option<Errno>) -> bool {
    let (home, client) = Home::new();
    let other = home.start();
    other.record_durable(Happened { times: 2 });
    home.disk.set(move |call, path| {
        let snapshot = call == "rename" && path.ends_with("/consent.new");
        snapshot.then_some(Errno::ACCESS).or_else(|| rule(call, path))
    });
    let receipt = client.withdraw(CRASH).unwrap();
    home.disk.set(|call, path| (call == "rename" && path.ends_with("/consent.new")).then_some(Errno::ACCESS));
    assert!(!receipt.recorded && receipt.line == 0, "{receipt:?}");
    assert_eq!(receipt.confirmed, receipt.unconfirmed.is_none());
    other.record_durable(Happened { times: 2 });
    assert_eq!(other.flush(Duration::from_secs(60)).unwrap().requests, 0);
    assert!(!other.status(CRASH).unwrap().is_open() && !home.start().status(CRASH).unwrap().is_open());
    home.disk.end();
    client.consent().retry_now();
    crate::actions::settle::settle(client.engine());
    let status = home.start().status(CRASH).unwrap();
    assert!(status.state == State::Withdrawn && status.trouble.is_none(), "{status:?}");
    receipt.confirmed
}

#[test]
fn a_withdrawal_whose_snapshot_somebody_bars_is_confirmed_by_its_file() {
    assert!(confirmed_by_its_file(|_, _| None));
    // It is not confirmed if it can't be checked whether the file exists.
    let unread = |call: &str, path: &str| (call == "read" && path.ends_with("/crash.revoked")).then_some(Errno::IO);
    assert!(!confirmed_by_its_file(unread));
    let unsynced = |call: &str, path: &str| {
        let there = path.ends_with("/candor-1") || path.ends_with("/candor-marks");
        (call == "sync_dir" && there).then_some(Errno::IO)
    };
    assert!(!confirmed_by_its_file(unsynced));
    // Nor if another program may be writing a grant because it has the lock.
    let locked = |_: &str, path: &str| path.ends_with("/consent.lock").then_some(Errno::IO);
    assert!(!confirmed_by_its_file(locked));
}

#[test]
fn a_grant_that_comes_while_a_tombstone_is_written_down_stays_in_force() {
    let holds = |mutant: Option<Mutant>| {
        let home = Home { directory: tempfile::tempdir().unwrap(), disk: Troubled::default() };
        let mut quiet = config(home.directory.path());
        quiet.disk = Arc::new(home.disk.clone());
        let client = Arc::new(Client::without_worker(quiet).unwrap());
        let yes = |client: &Client| drop(client.grant(CRASH.shown(&client.notice(CRASH).unwrap())).unwrap());
        yes(&client);
        home.disk.set(|call, path| (call == "rename" && path.ends_with("/consent.new")).then_some(Errno::NOSPC));
        assert_eq!(client.withdraw(CRASH).unwrap().line, 0, "a file records it");
        let other = client.clone();
        at_the_lock(&home.disk, "/consent.lock", move || yes(&other));
        client.consent().retry_now();
        with(mutant, || crate::actions::settle::settle(client.engine()));
        home.disk.end();
        for _ in 0..2 {
            client.consent().retry_now();
            crate::actions::settle::settle(client.engine());
        }
        client.status(CRASH).unwrap().state == State::Granted
    };
    assert!(holds(None));
    assert!(!holds(Some(Mutant::RetriedUnasked)), "the mistake is one");
}

#[test]
fn a_withdrawal_after_a_refusal_and_a_grant_that_failed_is_written() {
    let (home, client) = Home::new();
    client.deny(CRASH).unwrap();
    // The grant's entry is written, but the generation that it opens can't be created.
    home.disk.set(|call, path| (call == "rename" && path.ends_with("/high.new")).then_some(Errno::NOSPC));
    assert!(client.grant(CRASH.shown(&client.notice(CRASH).unwrap())).is_err());
    home.disk.end();
    let receipt = client.withdraw(CRASH).unwrap();
    assert_eq!(receipt.decision, Decision::Withdrawn, "{receipt:?}");
    let status = client.status(CRASH).unwrap();
    assert_eq!((status.state, status.trouble), (State::Withdrawn, None));
}

/// The person refuses while the store is away, and the refusal can't be written. A grant in a store that comes back later is from
/// before the refusal.
#[test]
fn a_grant_that_comes_back_with_its_store_is_no_answer_to_a_refusal_of_meanwhile() {
    let (granted, first) = Home::new();
    drop(first);
    let home = Home { directory: tempfile::tempdir().unwrap(), disk: Troubled::default() };
    let mut quiet = config(home.directory.path());
    quiet.disk = Arc::new(home.disk.clone());
    // An hour after the grant.
    let then = super::Start.now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as u64 + HOUR;
    quiet.clock = Arc::new(Set(AtomicU64::new(then)));
    let client = Client::without_worker(quiet).unwrap();
    home.disk.set(|call, _| ["create", "append", "rename", "make_dir"].contains(&call).then_some(Errno::NOMEM));
    assert!(client.withdraw(CRASH).is_err());
    home.disk.end();
    for kind in ["data", "config"] {
        std::fs::rename(granted.directory.path().join(kind), home.directory.path().join(kind)).unwrap();
    }
    for _ in 0..3 {
        client.engine().look();
        assert!(!client.status(CRASH).unwrap().is_open());
        client.consent().retry_now();
        crate::actions::settle::settle(client.engine());
    }
    drop(client);
    assert!(!home.start().status(CRASH).unwrap().is_open());
}

/// This is what a restored backup leaves: a file that is not the lock, and that other users may open.
#[cfg(unix)]
#[test]
fn a_second_name_that_others_may_open_refuses_no_grant_and_confirms_nothing() {
    let (home, client) = Home::new();
    let held = home.directory.path().join("data/org.example.crash/candor-1/crash.held");
    std::fs::write(&held, "").unwrap();
    platform::set_mode(&held, 0o644);
    let receipt = client.withdraw(CRASH).unwrap();
    assert!(receipt.unconfirmed == Some(Unconfirmed::NoLifeLock), "{receipt:?}");
    client.grant(CRASH.shown(&client.notice(CRASH).unwrap())).unwrap();
    assert!(client.status(CRASH).unwrap().is_open());
    std::fs::remove_file(&held).unwrap();
    assert!(client.withdraw(CRASH).unwrap().confirmed);
}

fn yes(client: &Client) {
    client.grant(CRASH.shown(&client.notice(CRASH).unwrap())).unwrap();
}

impl Home {
    /// A process without a worker. It acts only when a test calls it, and its end runs on this thread.
    fn quiet(&self) -> Client {
        let mut config = config(self.directory.path());
        config.disk = Arc::new(self.disk.clone());
        Client::without_worker(config).unwrap()
    }

    fn store(&self) -> std::path::PathBuf {
        self.directory.path().join("data/org.example.crash/candor-1")
    }
}

fn try_again(client: &Client) {
    client.consent().retry_now();
    crate::actions::settle::settle(client.engine());
}

/// The disk can be written again, but the data that says whether a grant came later can't be read until the program ends.
#[test]
fn a_refusal_that_is_tried_again_while_a_look_fails_is_known_at_the_next_start() {
    for unread in ["/candor-1/ledger.jsonl", "/candor-1/high", "/candor-1/consent"] {
        for deny in [false, true] {
            let (home, first) = Home::new();
            drop(first);
            let client = home.quiet();
            takes_nothing(&home.disk);
            assert!(if deny { client.deny(CRASH) } else { client.withdraw(CRASH) }.is_err());
            home.disk.set(move |call, path| (call == "read" && path.ends_with(unread)).then_some(Errno::IO));
            if deny {
                try_again(&client);
            }
            // Otherwise it is retried only at the end.
            drop(client);
            home.disk.end();
            let next = home.start();
            let status = next.status(CRASH).unwrap();
            assert_eq!((status.state, status.is_open()), (State::Withdrawn, false), "{unread}");
            yes(&next);
            assert!(home.start().status(CRASH).unwrap().is_open(), "{unread}: a fresh yes is one");
        }
    }
}

/// Meanwhile a process that saw no sign of the refusal gave a grant.
#[test]
fn a_file_that_holds_an_older_refusal_ends_no_later_grant() {
    for said_again in [None, Some(("rename", "/consent.new")), Some(("lock_file", "/consent.lock"))] {
        let (home, first) = Home::new();
        drop(first);
        let client = home.quiet();
        takes_nothing(&home.disk);
        assert!(client.withdraw(CRASH).is_err());
        let other = Home { directory: tempfile::tempdir().unwrap(), disk: Troubled::default() };
        let mut sound = config(home.directory.path());
        sound.disk = Arc::new(other.disk.clone());
        let second = Client::without_worker(sound).unwrap();
        second.withdraw(CRASH).unwrap();
        yes(&second);
        home.disk.set(|call, path| (call == "read" && path.ends_with("/ledger.jsonl")).then_some(Errno::IO));
        try_again(&client);
        assert!(home.store().join("crash.revoked").exists());
        second.engine().look();
        assert!(!second.status(CRASH).unwrap().is_open(), "nobody knows which came later");
        if let Some((call, end)) = said_again {
            // The person refuses after that grant, and this refusal can't be written either.
            other.disk.set(move |what, path| (what == call && path.ends_with(end)).then_some(Errno::IO));
            assert_eq!(second.withdraw(CRASH).unwrap().line, 0, "a file records it");
        }
        // Neither process retries its refusal at its end.
        std::mem::forget((client, second));
        home.disk.end();
        let next = home.start();
        let status = next.status(CRASH).unwrap();
        let state = if said_again.is_some() { State::Withdrawn } else { State::Granted };
        assert_eq!((status.state, status.is_open()), (state, said_again.is_none()), "{said_again:?}");
        assert!(!home.store().join("crash.revoked").exists());
    }
}

#[test]
fn a_grant_that_never_came_into_force_is_no_answer() {
    let (home, first) = Home::new();
    drop(first);
    let client = home.quiet();
    let other = home.start();
    takes_nothing(&home.disk);
    assert!(client.withdraw(CRASH).is_err());
    home.disk.end();
    other.withdraw(CRASH).unwrap();
    home.disk.set(|call, path| (call == "rename" && path.ends_with("/high.new")).then_some(Errno::NOSPC));
    assert!(other.grant(CRASH.shown(&other.notice(CRASH).unwrap())).is_err());
    home.disk.end();
    assert_eq!(other.defer(CRASH).unwrap().decision, Decision::Withdrawn, "before anybody marks it as void");
    drop(other);
    let other = home.start();
    assert_eq!(other.defer(CRASH).unwrap().decision, Decision::Withdrawn);
    let page = other.manifest().unwrap();
    assert_eq!(page.scope(CRASH).unwrap().agreed_via, None);
    // The grant doesn't hide that the refusal has been written.
    try_again(&client);
    let status = client.status(CRASH).unwrap();
    assert_eq!((status.state, status.trouble), (State::Withdrawn, None));
}

/// The retry of the older refusal fails, but a later grant has already replaced it.
#[test]
fn a_try_that_a_grant_overtook_leaves_the_scope_open() {
    let (home, first) = Home::new();
    drop(first);
    let client = Arc::new(home.quiet());
    takes_nothing(&home.disk);
    assert!(client.withdraw(CRASH).is_err());
    let other = client.clone();
    let (mut reads, mut locks) = (0, 0);
    home.disk.set(move |call, path| {
        reads += u32::from(call == "read" && path.ends_with("/candor-1/consent"));
        if reads == 2 {
            // Between the search for pending retries and the retry.
            reads += 1;
            yes(&other);
        }
        let locked = call == "lock_file" && path.ends_with("/consent.lock") && reads > 2;
        locks += u32::from(locked);
        (locked && locks == 1).then_some(Errno::IO)
    });
    try_again(&client);
    home.disk.end();
    client.engine().look();
    let status = client.status(CRASH).unwrap();
    assert_eq!((status.state, status.is_open(), status.trouble), (State::Granted, true, None));
    client.record_durable(Happened { times: 2 });
    assert_eq!(waiting(&client, CRASH), 1);
}

/// The life lock records during which run of the computer (its boot id) an earlier lock was found missing. If the boot id can't
/// be read, a restart can't be detected.
#[test]
fn who_cant_tell_that_the_computer_was_restarted_confirms_nothing() {
    for errno in [Errno::NOENT, Errno::ACCESS] {
        let (home, client) = Home::new();
        let life = home.store().join("crash.life");
        std::fs::remove_file(&life).unwrap();
        yes(&client);
        home.disk.set(move |call, path| (call == "read_shared" && path.ends_with("/boot_id")).then_some(errno));
        assert!(!client.withdraw(CRASH).unwrap().confirmed, "{errno}");
        // A grant is not refused because of that.
        std::fs::remove_file(&life).unwrap();
        yes(&client);
        home.disk.end();
        assert!(!client.withdraw(CRASH).unwrap().confirmed, "{errno}");
    }
}

/// The real disk, but without file numbers (inodes).
struct Numberless;

impl Disk for Numberless {
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        Ok(System.stat(path)?.map(|stat| Stat { node: None, ..stat }))
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        System.link(from, to)
    }
    super::real!(make_dir list read read_shared create append lock_file rename remove_file remove_tree sync_dir);
}

#[test]
fn a_life_lock_has_a_second_name_also_where_files_have_no_numbers() {
    let home = tempfile::tempdir().unwrap();
    let mut config = config(home.path());
    config.disk = Arc::new(Numberless);
    let client = Client::without_worker(config).unwrap();
    yes(&client);
    let store = home.path().join("data/org.example.crash/candor-1");
    assert!(store.join("crash.held").exists());
    std::fs::remove_file(store.join("crash.life")).unwrap();
    yes(&client);
    assert!(client.withdraw(CRASH).unwrap().confirmed, "it was found again");
}

#[cfg(unix)]
#[test]
fn a_second_name_that_cant_be_used_is_named_and_refuses_no_grant() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    for what in ["others may open it", "a directory", "a link"] {
        let home = tempfile::tempdir().unwrap();
        let client = Client::new(config(home.path())).unwrap();
        yes(&client);
        let store = home.path().join("data/org.example.crash/candor-1");
        let held = store.join("crash.held");
        assert_eq!(client.status(CRASH).unwrap().trouble, None, "the control");
        std::fs::remove_file(&held).unwrap();
        match what {
            "a directory" => std::fs::create_dir(&held).unwrap(),
            "a link" => symlink(store.join("consent"), &held).unwrap(),
            _ => {
                std::fs::write(&held, "").unwrap();
                std::fs::set_permissions(&held, std::fs::Permissions::from_mode(0o644)).unwrap();
            }
        }
        for is_gone in [false, true] {
            if is_gone {
                std::fs::remove_file(store.join("crash.life")).unwrap();
            }
            yes(&client);
            let status = client.status(CRASH).unwrap();
            let trouble = status.trouble.clone().unwrap_or_default();
            assert!(status.is_open(), "{what}: {status:?}");
            assert!(trouble.contains("crash.held") && trouble.contains("remove it"), "{what}: {status:?}");
            assert!(!client.withdraw(CRASH).unwrap().confirmed, "{what}");
            yes(&client);
        }
        let _ = std::fs::remove_file(&held).or_else(|_| std::fs::remove_dir(&held));
        yes(&client);
        assert_eq!(client.status(CRASH).unwrap().trouble, None, "{what}");
    }
}
